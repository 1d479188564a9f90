//! Playbooks with `targets:`: the source is read, every item is planned, and what was planned is carried out by a fleet.

mod ahead;
pub mod carry;
pub mod plan;
pub mod retry;
mod sets;
pub mod source;
mod still;
pub mod undo;

use super::Failure;
use crate::{
    base::source::Source,
    engine::{setting::Setting, trouble::AT_RUN_TIME},
    template,
};
use std::sync::Arc;

/// An expression of the playbook that failed, at its place.
fn expression(failure: &template::Failure, setting: &Setting, of: &str) -> Failure {
    let source: &Arc<Source> = &setting.source;
    let trouble = crate::engine::trouble::Trouble::of_expression(failure, source);
    let message = format!("{of}: {}", trouble.message());
    let drawn = trouble.at().map(|at| {
        let mut problem = crate::base::diagnostic::Diagnostic::error(&AT_RUN_TIME, at, message.as_str());
        problem.help = trouble.help();
        Box::new((problem, source.clone()))
    });
    Failure::Step { path: "targets".into(), trouble: Box::new(trouble), drawn }
}
