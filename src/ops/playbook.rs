//! Finding, reading and checking a playbook, by its name or its path.

use super::{
    Failure, Surroundings, included,
    project::{self, Opened},
};
use crate::{
    base::{diagnostic::Diagnostics, source::Source, suggest, yaml},
    check::{self, Checked, Knowledge},
    playbook::error_table::SUFFIX,
};
use std::{
    path::{Path, PathBuf},
    sync::Arc,
};

/// A checked playbook, with advice that does not keep it from running.
pub struct Loaded {
    /// What passed the checks.
    pub checked: Checked,
    /// Advice.
    pub advice: Diagnostics,
}

/// Loads `register/correct-award`, or a path to a file.
pub fn load(surroundings: &Surroundings, opened: &Opened, name: &str) -> Result<Loaded, Failure> {
    load_file(surroundings, opened, &find(surroundings, opened, name)?)
}

/// Loads a file.
pub fn load_file(surroundings: &Surroundings, opened: &Opened, path: &Path) -> Result<Loaded, Failure> {
    let source = project::read(path, yaml::LIMITS, &surroundings.folder)?;
    let source = included::with_included(surroundings, opened, path, source)?;
    let names = names_for(&source, opened);
    judged(source, opened, Knowledge { name: name_of(path, opened), names, ..Knowledge::default() })
}

/// The names of all playbooks, where the text calls any.
pub fn names_for(source: &Source, opened: &Opened) -> Option<Vec<String>> {
    let names = || all(&opened.playbooks()).iter().filter_map(|path| name_of(path, opened)).collect();
    source.text().contains("call:").then(names)
}

/// Checks a text that is at hand.
pub fn of_source(source: Arc<Source>, opened: &Opened, name: Option<String>) -> Result<Loaded, Failure> {
    judged(source, opened, Knowledge { name, ..Knowledge::default() })
}

/// The text that a run carries, with the project file of that run.
pub fn of_run(source: Arc<Source>, then: &Opened) -> Result<Loaded, Failure> {
    judged(source, then, Knowledge { carried: true, ..Knowledge::default() })
}

fn judged(source: Arc<Source>, opened: &Opened, knowledge: Knowledge) -> Result<Loaded, Failure> {
    match check::read_and_check(source, opened.project.clone(), &knowledge) {
        (Some(checked), advice) => Ok(Loaded { checked, advice }),
        (None, problems) => Err(Failure::Texts(vec![problems])),
    }
}

/// The file of a playbook.
pub(in crate::ops) fn find(surroundings: &Surroundings, opened: &Opened, name: &str) -> Result<PathBuf, Failure> {
    let as_path = surroundings.folder.join(name);
    if as_path.is_file() {
        return Ok(as_path);
    }
    let below = opened.playbooks().join(format!("{}.yaml", name.trim_end_matches(".yaml")));
    if below.is_file() {
        return Ok(below);
    }
    let known: Vec<String> = all(&opened.playbooks()).iter().filter_map(|p| name_of(p, opened)).collect();
    let folder = match project::shown(&opened.playbooks(), &surroundings.folder) {
        here if here.is_empty() => "this folder".to_owned(),
        there => there,
    };
    let failure = Failure::usage(format!("there is no playbook `{name}` in {folder}"));
    Err(match suggest::help(name, known.iter().map(String::as_str)) {
        Some(help) => failure.help(help),
        None => failure.help("the folder has no playbooks; `trueup explain playbook` shows what one looks like"),
    })
}

/// The name that a path below the playbook folder gives.
pub fn name_of(path: &Path, opened: &Opened) -> Option<String> {
    let (path, folder) = (path.canonicalize().ok()?, opened.playbooks().canonicalize().ok()?);
    let below = path.strip_prefix(folder).ok()?.with_extension("");
    Some(below.components().map(|c| c.as_os_str().to_string_lossy()).collect::<Vec<_>>().join("/"))
}

/// Every playbook below a folder (tests, mocks and errors tables left out), sorted; links to folders are not followed.
pub fn all(folder: &Path) -> Vec<PathBuf> {
    let others = [".test.yaml", ".mock.yaml", SUFFIX];
    below(folder, &|name| {
        name.ends_with(".yaml") && !others.iter().any(|end| name.ends_with(end)) && name != project::FILE
    })
}

/// Every test file below a folder.
pub fn all_tests(folder: &Path) -> Vec<PathBuf> {
    below(folder, &|name| name.ends_with(".test.yaml"))
}

/// Every shared errors table below a folder.
pub fn all_tables(folder: &Path) -> Vec<PathBuf> {
    below(folder, &|name| name.ends_with(SUFFIX))
}

fn below(folder: &Path, wanted: &dyn Fn(&str) -> bool) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut open = vec![folder.to_owned()];
    while let Some(next) = open.pop() {
        let Ok(entries) = std::fs::read_dir(&next) else { continue };
        for entry in entries.flatten() {
            let (path, kind) = (entry.path(), entry.file_type());
            let name = entry.file_name().to_string_lossy().into_owned();
            if kind.as_ref().is_ok_and(std::fs::FileType::is_dir) {
                open.push(path);
            } else if wanted(&name) {
                found.push(path);
            }
        }
    }
    found.sort();
    found
}
