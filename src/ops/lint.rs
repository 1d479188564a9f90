//! `lint`: what a good reviewer would say, beside what `check` says.

use super::{
    Failure, Surroundings,
    check::{Files, Found, existing, looked_at},
    playbook,
    project::Opened,
};
use crate::{
    base::diagnostic::{Diagnostics, Severity},
    check::lint::{self, Around},
};
use std::path::{Path, PathBuf};

/// Advice for the given files and folders, or all playbooks of the project. Of a file with errors there are only the errors. Of test
/// files there is no advice, but their errors count: who lints before a commit would take silence for consent.
pub fn lint(surroundings: &Surroundings, opened: &Opened, paths: &[PathBuf]) -> Result<Found, Failure> {
    let Files { playbooks, tables, tests } = existing(surroundings, opened, paths)?;
    let mut problems: Vec<Diagnostics> = Some(opened.advice.clone()).filter(|a| !a.is_empty()).into_iter().collect();
    for path in &playbooks {
        let found = looked_at(surroundings, opened, path)?;
        if found.iter().any(|found| found.errors() > 0) {
            problems.extend(found);
            continue;
        }
        let loaded = playbook::load_file(surroundings, opened, path)?;
        let around = Around { tested: Some(test_beside(path).is_file()) };
        let mut all = lint::lint(&loaded.checked, around);
        loaded
            .advice
            .sorted()
            .into_iter()
            .filter(|d| d.severity == Severity::Warning)
            .for_each(|d| all.push(d.clone()));
        problems.extend(Some(all).filter(|all| !all.is_empty()));
    }
    for path in tables.iter().chain(&tests) {
        problems.extend(looked_at(surroundings, opened, path)?);
    }
    Ok(Found { files: playbooks.len(), tests: tests.len(), problems, unasked: false })
}

/// The test file of a playbook.
pub fn test_beside(path: &Path) -> PathBuf {
    path.with_extension("test.yaml")
}
