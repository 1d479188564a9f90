//! Diagnostics as people and machines read them: drawn with the source line and a caret, JSON, SARIF.
//!
//! Knows nothing of rules: a diagnostic is data with a place.

mod json;
mod sarif;
mod terminal;

pub use json::json;
pub use sarif::sarif;
pub use terminal::{drawn, summary, terminal};
pub(in crate::report) use terminal::{pointed, wrapped};

use crate::base::diagnostic::Severity;

/// The word for a severity, the same in every form.
fn severity(severity: Severity) -> &'static str {
    match severity {
        Severity::Error => "error",
        Severity::Warning => "advice",
    }
}
