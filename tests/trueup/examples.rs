//! The examples beside the sandbox: projects that a reader copies. Their files pass every rule without advice.

use super::servers::root;
use std::fs;
use trueup::{
    base::{diagnostic::Diagnostics, source::Source},
    check::{self, Knowledge},
    playbook::project::Project,
    report::diagnostics,
};

fn example(name: &str) {
    let folder = root().join("examples").join(name);
    let path = folder.join("trueup.yaml");
    let source = Source::new(path.display().to_string(), fs::read_to_string(&path).unwrap());
    let mut problems = Diagnostics::new(source.clone());
    let project = Project::parse(&source, &mut problems);
    if let Some(project) = &project {
        check::check_project(project, &Knowledge::default(), &mut problems);
    }
    assert!(problems.is_empty(), "{}", diagnostics::terminal(&problems, 120));
    let project = std::sync::Arc::new(project.unwrap());
    let mut tests = 0;
    for file in fs::read_dir(folder.join("playbooks")).unwrap().map(|entry| entry.unwrap().path()) {
        let text = fs::read_to_string(&file).unwrap();
        let name = file.file_name().unwrap().to_string_lossy().into_owned();
        if name.ends_with(".test.yaml") {
            // They are played with the whole library: `procedures`.
            tests += 1;
        } else {
            let knowledge = Knowledge { name: Some(name.trim_end_matches(".yaml").to_owned()), ..Knowledge::default() };
            let (checked, problems) =
                check::read_and_check(Source::new(file.display().to_string(), text), project.clone(), &knowledge);
            assert!(checked.is_some() && problems.is_empty(), "{}", diagnostics::terminal(&problems, 120));
        }
    }
    assert!(tests > 0, "{name} has no tests");
}

#[test]
fn the_environment_of_a_deployment_is_changed_as_the_example_says() {
    example("kubernetes");
}

#[test]
fn the_run_of_a_workflow_is_found_as_the_example_says() {
    example("github");
}
