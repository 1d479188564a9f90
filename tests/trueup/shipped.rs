//! The playbooks that trueup ships: sound, against the sandbox's project file.

use std::{fs, path::Path, sync::Arc};
use trueup::{
    base::{diagnostic::Diagnostics, source::Source},
    check::{self, Knowledge},
    playbook::project::Project,
    report::diagnostics,
};

/// The project file of the sandbox; it must have no problem.
pub fn sandbox() -> Arc<Project> {
    project("examples/register/trueup.yaml")
}

fn project(path: &str) -> Arc<Project> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let source = Source::new(path, fs::read_to_string(root.join(path)).unwrap());
    let mut problems = Diagnostics::new(source.clone());
    let project = Project::parse(&source, &mut problems);
    if let Some(project) = &project {
        check::check_project(project, &Knowledge::default(), &mut problems);
    }
    assert!(problems.is_empty(), "{}", diagnostics::terminal(&problems, 120));
    Arc::new(project.unwrap())
}

/// Name and text of every shipped playbook.
pub fn playbooks() -> Vec<(String, String)> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("playbooks");
    let mut all = Vec::new();
    for folder in fs::read_dir(&root).unwrap().map(|entry| entry.unwrap().path()).filter(|path| path.is_dir()) {
        for path in fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()) {
            let name = path.strip_prefix(&root).unwrap().to_string_lossy().into_owned();
            if name.ends_with(".yaml")
                && !name.ends_with(".test.yaml")
                && !name.ends_with(".errors.yaml")
                && !name.ends_with(".mock.yaml")
            {
                all.push((name.trim_end_matches(".yaml").to_owned(), fs::read_to_string(&path).unwrap()));
            }
        }
    }
    all.sort();
    all
}

/// A playbook's text with the shared errors tables that it uses, as a command reads it.
pub fn source(file: &str, text: &str) -> Arc<Source> {
    with_tables(Source::new(file, text))
}

/// The same of a text that was read.
pub fn with_tables(own: Arc<Source>) -> Arc<Source> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let tables = ["playbooks/register/dqt-errors.errors.yaml"];
    let name = |table: &str| table.trim_start_matches("playbooks/").trim_end_matches(".errors.yaml").to_owned();
    let used = tables.iter().filter(|table| own.text().contains(&name(table)));
    let used: Vec<_> = used.map(|table| (table.to_string(), fs::read_to_string(root.join(table)).unwrap())).collect();
    if used.is_empty() { own } else { own.including(&used) }
}

#[test]
fn every_shipped_playbook_passes_every_rule_without_advice() {
    let (project, playbooks) = (sandbox(), playbooks());
    assert!(playbooks.len() >= 3, "{} playbooks", playbooks.len());
    for (name, text) in playbooks {
        let knowledge = Knowledge { name: Some(name.clone()), ..Knowledge::default() };
        let (checked, problems) =
            check::read_and_check(source(&format!("playbooks/{name}.yaml"), &text), project.clone(), &knowledge);
        assert!(checked.is_some() && problems.is_empty(), "{}", diagnostics::terminal(&problems, 120));
    }
}

#[test]
fn the_playbook_of_huleedu_passes_every_rule_without_advice() {
    let path = "examples/huleedu/playbooks/huleedu/retry-phase.yaml";
    let text = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(path)).unwrap();
    let knowledge = Knowledge { name: Some("huleedu/retry-phase".into()), ..Knowledge::default() };
    let project = project("examples/huleedu/trueup.yaml");
    let (checked, problems) = check::read_and_check(Source::new(path, text), project, &knowledge);
    assert!(checked.is_some() && problems.is_empty(), "{}", diagnostics::terminal(&problems, 120));
}
