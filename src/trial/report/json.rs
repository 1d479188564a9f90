//! The tests as data for other programs.

use super::{CaseReport, Report};
use serde_json::{Value, json};

/// `{ passed, failed, refused, files: [{ file, on, refused, cases: […], unreached: […] }] }`; `seconds` are decimal.
pub fn json(reports: &[Report]) -> Value {
    let cases: usize = reports.iter().map(|report| report.cases.len()).sum();
    let passed: usize = reports.iter().map(Report::passed).sum();
    json!({
        "passed": passed,
        "failed": cases - passed,
        "refused": reports.iter().filter(|report| !report.refused.is_empty()).count(),
        "files": reports.iter().map(file).collect::<Vec<_>>(),
    })
}

fn file(report: &Report) -> Value {
    let unreached = report.unreached.iter().map(|row| json!({ "row": row.row, "file": row.file, "line": row.line }));
    json!({
        "file": report.file,
        "on": report.on,
        "refused": report.refused,
        "cases": report.cases.iter().map(case).collect::<Vec<_>>(),
        "unreached": unreached.collect::<Vec<_>>(),
    })
}

fn case(case: &CaseReport) -> Value {
    let problems = case.problems.iter().map(|p| json!({ "what": p.what, "expected": p.expected, "found": p.found }));
    json!({
        "name": case.name,
        "line": case.at.line,
        "passed": case.problems.is_empty(),
        "seconds": case.took.as_secs_f64(),
        "problems": problems.collect::<Vec<_>>(),
        "proofs": case.proofs.iter().map(|proof| proof.word()).collect::<Vec<_>>(),
        "not_run": case.not_run.iter().map(|proof| proof.word()).collect::<Vec<_>>(),
    })
}
