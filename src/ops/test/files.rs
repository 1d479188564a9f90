//! Which test files are meant: by a path, a folder, a playbook's name or file, or all of the project.

use super::Chosen;
use crate::{
    base::suggest,
    ops::{
        Failure, Surroundings, playbook,
        project::{self, Opened},
    },
};
use std::path::{Component, Path, PathBuf};

const SUFFIX: &str = ".test.yaml";

/// The files, each once, sorted within what named them; as a person would write them from here. Of several projects each file
/// goes to the first one to which it belongs and by which it can be read.
pub fn of(surroundings: &Surroundings, projects: &[Opened], paths: &[PathBuf]) -> Result<Vec<Chosen>, Failure> {
    let mut found: Vec<Chosen> = Vec::new();
    let mut add = |project: usize, files: Vec<PathBuf>| {
        for file in files {
            let path = from_here(&file, &surroundings.folder);
            if !found.iter().any(|one| one.path == path) {
                found.push(Chosen { project, path });
            }
        }
    };
    if let [opened] = projects {
        if paths.is_empty() {
            let folder = opened.playbooks();
            let files = playbook::all_tests(&folder);
            if files.is_empty() {
                return Err(nothing_in(&folder, surroundings));
            }
            add(0, files);
        }
        for path in paths {
            let files = named(surroundings, opened, path)?;
            if files.is_empty() {
                return Err(nothing_in(path, surroundings));
            }
            add(0, files);
        }
        return Ok(found);
    }
    for path in paths {
        let there = surroundings.folder.join(path);
        let files = if there.is_dir() { playbook::all_tests(&there) } else { vec![there] };
        if files.is_empty() {
            return Err(nothing_in(path, surroundings));
        }
        for file in files {
            add(project_of(surroundings, projects, &file)?, vec![file]);
        }
    }
    Ok(found)
}

/// The project that has the file among its playbooks. Where several have, the one that knows what it is about.
fn project_of(surroundings: &Surroundings, projects: &[Opened], file: &Path) -> Result<usize, Failure> {
    let has = |opened: &&Opened| {
        let folder = opened.playbooks().canonicalize();
        folder.is_ok_and(|folder| file.canonicalize().is_ok_and(|file| file.starts_with(folder)))
    };
    let mut owners: Vec<usize> = (0..projects.len()).filter(|number| has(&&projects[*number])).collect();
    if owners.len() > 1 {
        let fits = |number: &usize| knows(surroundings, &projects[*number], file);
        owners.sort_by_key(|number| !fits(number));
    }
    owners.first().copied().ok_or_else(|| {
        let shown = from_here(file, &surroundings.folder);
        Failure::usage(format!("{} is among the playbooks of no project", shown.display()))
            .help("name its project file with `--project PATH`")
    })
}

/// The test file, and what it tests, can be read with this project.
fn knows(surroundings: &Surroundings, opened: &Opened, file: &Path) -> bool {
    super::open(surroundings, opened, file).is_ok_and(|opening| match &opening.file.table {
        Some(table) => super::tables::find(surroundings, opened, table.as_str()).is_some(),
        None => playbook::load(surroundings, opened, opening.file.name()).is_ok(),
    })
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
