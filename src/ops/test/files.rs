//! Which test files are meant: by a path, a folder, a playbook's name or file, or all of the project.

use crate::{
    base::suggest,
    ops::{
        Failure, Surroundings, playbook,
        project::{self, Opened},
    },
};
use std::path::{Component, Path, PathBuf};

const SUFFIX: &str = ".test.yaml";

/// The files, each once, sorted within what named them; as a person would write them from here.
pub fn of(surroundings: &Surroundings, opened: &Opened, paths: &[PathBuf]) -> Result<Vec<PathBuf>, Failure> {
    let mut found: Vec<PathBuf> = Vec::new();
    let mut add = |files: Vec<PathBuf>| {
        for file in files {
            let file = from_here(&file, &surroundings.folder);
            if !found.contains(&file) {
                found.push(file);
            }
        }
    };
    if paths.is_empty() {
        let folder = opened.playbooks();
        let files = playbook::all_tests(&folder);
        if files.is_empty() {
            return Err(nothing_in(&folder, surroundings));
        }
        add(files);
    }
    for path in paths {
        let files = named(surroundings, opened, path)?;
        if files.is_empty() {
            return Err(nothing_in(path, surroundings));
        }
        add(files);
    }
    Ok(found)
}

fn nothing_in(folder: &Path, surroundings: &Surroundings) -> Failure {
    let shown = from_here(folder, &surroundings.folder);
    Failure::usage(format!("there are no tests in {}", shown.display()))
        .help("tests of `name.yaml` stand beside it, in `name.test.yaml`; docs/testing.md shows how they are written")
}

fn named(surroundings: &Surroundings, opened: &Opened, path: &Path) -> Result<Vec<PathBuf>, Failure> {
    let there = surroundings.folder.join(path);
    if there.is_dir() {
        return Ok(playbook::all_tests(&there));
    }
    let text = path.to_string_lossy();
    if text.ends_with(SUFFIX) && there.is_file() {
        return Ok(vec![there]);
    }
    if there.is_file() {
        return Ok(beside(&there));
    }
    let below = opened.playbooks().join(path);
    if below.is_dir() {
        return Ok(playbook::all_tests(&below));
    }
    let below = opened.playbooks().join(format!("{}.yaml", text.trim_end_matches(".yaml").trim_end_matches(".test")));
    if !text.ends_with(SUFFIX) && below.is_file() {
        return Ok(beside(&below));
    }
    let folder = opened.playbooks();
    let known: Vec<String> = playbook::all_tests(&folder)
        .iter()
        .filter_map(|test| Some(test.strip_prefix(&folder).ok()?.to_string_lossy().trim_end_matches(SUFFIX).to_owned()))
        .collect();
    let shown = from_here(&folder, &surroundings.folder);
    let message = format!("there is no test, folder or playbook `{text}`, neither here nor in {}", shown.display());
    let failure = Failure::usage(message);
    Err(match suggest::help(&text, known.iter().map(String::as_str)) {
        Some(help) => failure.help(help),
        None => failure,
    })
}

/// `repair.test.yaml` and `repair.http.test.yaml` beside `repair.yaml`.
fn beside(playbook: &Path) -> Vec<PathBuf> {
    let stem = playbook.file_stem().map(|stem| stem.to_string_lossy().into_owned()).unwrap_or_default();
    let folder = playbook.parent().unwrap_or(Path::new("."));
    let ours = |test: &PathBuf| {
        let name = test.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
        test.parent() == Some(folder) && name.strip_prefix(&stem).is_some_and(|rest| rest.starts_with('.'))
    };
    playbook::all_tests(folder).into_iter().filter(ours).collect()
}

/// `../../playbooks/a.test.yaml`; a path that leads too far up stays whole.
pub fn from_here(path: &Path, folder: &Path) -> PathBuf {
    let (Ok(path), Ok(here)) = (path.canonicalize(), folder.canonicalize()) else {
        return PathBuf::from(project::shown(path, folder));
    };
    let common = path.components().zip(here.components()).take_while(|(a, b)| a == b).count();
    let up = here.components().count() - common;
    if up > 3 {
        return path;
    }
    let down = path.components().skip(common);
    let relative: PathBuf = std::iter::repeat_n(Component::ParentDir, up).chain(down).collect();
    if relative.as_os_str().is_empty() { PathBuf::from(".") } else { relative }
}
