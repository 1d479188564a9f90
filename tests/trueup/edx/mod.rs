//! The retirement of learners of Open edX: its playbooks pass every rule without advice and do what their tests say, on every database on which
//! they differ.

mod routes;
mod site;

use super::servers::{block_on, mysql, postgres, root, surroundings};
use std::fs;
use trueup::{
    base::{diagnostic::Diagnostics, source::Source},
    check::{self, Knowledge},
    ops,
    playbook::project::Project,
    report::diagnostics,
    trial::bench::On,
};

const PROJECT: &str = "examples/edx";

/// At least so many cases, so that a file that lost most of them does not pass. Kills and lost answers are made on SQLite, with the library.
fn play(playbook: &str, on: &On, cases: usize) {
    let here = surroundings(&root(), &[]);
    let report = block_on(async {
        let opened = ops::project::open(&here, Some(&root().join(PROJECT))).unwrap();
        let path = root().join(PROJECT).join(format!("playbooks/edx/{playbook}.test.yaml"));
        ops::test::run_file_gently(&here, &opened, &path, on).await
    });
    let report = report.unwrap_or_else(|failure| panic!("{playbook}: {failure:?}"));
    assert!(report.is_good(), "{report}");
    assert!(report.cases.len() >= cases, "{playbook}: {} cases", report.cases.len());
}

/// Playbooks with the least number of their cases, and whether they say something to the database that it could take otherwise.
const PLAYBOOKS: [(&str, usize, bool); 9] = [
    ("retire", 20, true),
    ("retire-in-database", 9, true),
    ("recover-errored", 8, true),
    ("rerun-all", 6, false),
    ("rerun-for-new-stage", 6, true),
    ("cancel-retirement", 11, true),
    ("bulk-status-update", 18, true),
    ("archive-and-cleanup", 12, false),
    ("partner-report", 10, true),
];

/// They are played on SQLite, with kills and lost answers, by `procedures::the_library_does_what_its_tests_say_…`.
#[test]
fn every_playbook_has_its_cases() {
    for (playbook, least, _) in PLAYBOOKS {
        let path = root().join(PROJECT).join(format!("playbooks/edx/{playbook}.test.yaml"));
        let cases = fs::read_to_string(path).unwrap().matches("\n  - name:").count();
        assert!(cases >= least, "{playbook}: {cases} cases");
    }
}

#[test]
fn the_retirement_of_learners_does_what_its_tests_say_on_postgres() {
    let on = On::Postgres(postgres());
    PLAYBOOKS.iter().filter(|(_, _, there)| *there).for_each(|(playbook, cases, _)| play(playbook, &on, *cases));
}

#[test]
fn the_retirement_of_learners_does_what_its_tests_say_on_mysql() {
    let on = On::Mysql(mysql());
    PLAYBOOKS.iter().filter(|(_, _, there)| *there).for_each(|(playbook, cases, _)| play(playbook, &on, *cases));
}

#[test]
fn the_playbooks_of_open_edx_pass_every_rule_without_advice() {
    let path = root().join(PROJECT).join("trueup.yaml");
    let source = Source::new(path.display().to_string(), fs::read_to_string(&path).unwrap());
    let mut problems = Diagnostics::new(source.clone());
    let project = Project::parse(&source, &mut problems).unwrap();
    check::check_project(&project, &Knowledge::default(), &mut problems);
    assert!(problems.is_empty(), "{}", diagnostics::terminal(&problems, 120));
    let project = std::sync::Arc::new(project);
    for (playbook, _, _) in PLAYBOOKS {
        let path = root().join(PROJECT).join(format!("playbooks/edx/{playbook}.yaml"));
        let text = fs::read_to_string(&path).unwrap();
        let knowledge = Knowledge { name: Some(format!("edx/{playbook}")), ..Knowledge::default() };
        let source = Source::new(path.display().to_string(), text);
        let (checked, problems) = check::read_and_check(source, project.clone(), &knowledge);
        assert!(checked.is_some() && problems.is_empty(), "{}", diagnostics::terminal(&problems, 120));
    }
}
