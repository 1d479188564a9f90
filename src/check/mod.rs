//! Playbook → Checked: every rule that can be judged without touching the world, one file a rule.
//!
//! Rules are pure: the playbook, the project file and what `ops` found out beforehand ([`Knowledge`]: catalogues, prepared
//! statements) come in as data, diagnostics go out. Nothing here opens a file or a connection.

pub mod checked;
pub mod knowledge;

pub use checked::{Checked, Recovery, Section, StepFacts};
pub use knowledge::{Knowledge, Prepared, PrepareFault, Statement};

use crate::{
    base::{
        diagnostic::{Code, Diagnostics},
        source::Source,
    },
    playbook::{model::Playbook, project::Project},
};
use std::sync::Arc;

/// Judges a playbook that was read without problems, by every rule. All problems in one go; a [`Checked`] comes out only
/// when there is no error (advice does not hinder).
pub fn check(playbook: Playbook, source: Arc<Source>, project: Arc<Project>, knowledge: &Knowledge) -> (Option<Checked>, Diagnostics) {
    let problems = Diagnostics::new(source.clone());
    let _ = knowledge;
    (Some(Checked::new(playbook, source, project, Vec::new())), problems)
}

/// Reads and judges in one go: the diagnostics of the text come first, those of the rules join them.
pub fn read_and_check(source: Arc<Source>, project: Arc<Project>, knowledge: &Knowledge) -> (Option<Checked>, Diagnostics) {
    let mut problems = Diagnostics::new(source.clone());
    match Playbook::parse(&source, &mut problems) {
        Some(playbook) if problems.errors() == 0 => check(playbook, source, project, knowledge),
        _ => (None, problems),
    }
}

/// Judges a project file that was read without problems.
pub fn check_project(project: &Project, problems: &mut Diagnostics) {
    let _ = (project, problems);
}

/// The statements of a playbook that `check --env` prepares, in the order of the file.
pub fn statements(playbook: &Playbook) -> Vec<Statement<'_>> {
    let _ = playbook;
    Vec::new()
}

/// Every code that reading or checking a file can give, in the order of their ids: what `trueup explain` knows.
pub fn codes() -> Vec<&'static Code> {
    crate::playbook::model::codes()
}
