//! Case folders `tests/cases/<area>-<what-happens>/`: playbooks with test files, played in the small world of
//! `tests/cases/world/` unless the folder brings a project file of its own. A folder is a test; on all databases.

use super::servers::{block_on, mysql, postgres, root, said, surroundings};
use std::{fs, path::PathBuf};
use trueup::{ops, trial::bench::On};

/// Every test file below `tests/cases/` with the project file that it is played with.
fn files() -> Vec<(PathBuf, PathBuf)> {
    let cases = root().join("tests/cases");
    let mut found = Vec::new();
    for folder in fs::read_dir(&cases).unwrap().map(|entry| entry.unwrap().path()).filter(|path| path.is_dir()) {
        let own = folder.join("trueup.yaml");
        let project = if own.is_file() { own } else { cases.join("world/trueup.yaml") };
        let names = fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().path());
        let tests = names.filter(|path| path.to_string_lossy().ends_with(".test.yaml"));
        found.extend(tests.map(|test| (project.clone(), test)));
    }
    found.sort();
    assert!(found.len() > 10, "{} test files", found.len());
    found
}

fn play(on: &On) {
    let here = surroundings(&root(), &[]);
    let wanted = std::env::var("TRUEUP_CASE").unwrap_or_default();
    let mut failed = Vec::new();
    let mut passed = 0;
    for (project, test) in files().into_iter().filter(|(_, test)| test.to_string_lossy().contains(&wanted)) {
        let report = block_on(async {
            let opened = ops::project::open(&here, Some(&project))?;
            ops::test::run_file(&here, &opened, &test, on, None).await
        });
        match report {
            Ok(report) if report.is_good() => passed += report.passed(),
            Ok(report) => failed.push(report.to_string()),
            Err(failure) => failed.push(format!("{}\n{}", test.display(), said(&failure))),
        }
    }
    assert!(failed.is_empty(), "{passed} cases passed in other files\n{}", failed.join("\n"));
}

#[test]
fn every_case_folder_does_what_its_tests_say_on_sqlite() {
    play(&On::Sqlite);
}

#[test]
fn every_case_folder_does_what_its_tests_say_on_postgres() {
    play(&On::Postgres(postgres()));
}

#[test]
fn every_case_folder_does_what_its_tests_say_on_mysql() {
    play(&On::Mysql(mysql()));
}
