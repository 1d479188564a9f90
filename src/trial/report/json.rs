//! The tests as data for other programs.

use super::{CaseReport, Report, Results};
use crate::trial::coverage::{Coverage, Share, Sort, together};
use serde_json::{Value, json};

/// `{ passed, failed, refused, files: [{ file, on, refused, cases: […], unreached: […] }], skipped: […], coverage }`; `seconds`
/// are decimal.
pub fn json(results: &Results) -> Value {
    let reports = &results.files;
    let cases: usize = reports.iter().map(|report| report.cases.len()).sum();
    let passed: usize = reports.iter().map(Report::passed).sum();
    json!({
        "passed": passed,
        "failed": cases - passed,
        "refused": reports.iter().filter(|report| !report.refused.is_empty()).count(),
        "files": reports.iter().map(file).collect::<Vec<_>>(),
        "skipped": results
            .skipped
            .iter()
            .map(|one| json!({ "on": one.on, "why": one.why, "cases": one.cases }))
            .collect::<Vec<_>>(),
        "coverage": coverage(&results.coverage),
    })
}

/// Null where only some of the cases were played.
fn coverage(all: &[Coverage]) -> Value {
    if all.is_empty() {
        return Value::Null;
    }
    let shares = |share: &dyn Fn(Option<Sort>) -> Share| {
        let one = |sort| {
            let share = share(sort);
            json!({ "reached": share.reached, "all": share.all })
        };
        json!({
            "steps": one(Some(Sort::Step)),
            "branches": one(Some(Sort::Branch)),
            "rows": one(Some(Sort::Row)),
            "all": one(None),
        })
    };
    let playbooks = all.iter().map(|one| {
        let missed = one.missed().map(|part| json!({ "what": part.what, "file": part.file, "line": part.line }));
        let mut shares = shares(&|sort| sort.map_or_else(|| one.whole(), |sort| one.share(sort)));
        shares["playbook"] = one.playbook.as_str().into();
        shares["missed"] = missed.collect::<Vec<_>>().into();
        shares
    });
    json!({ "together": shares(&|sort| together(all, sort)), "playbooks": playbooks.collect::<Vec<_>>() })
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
        "unlooked": case.unlooked,
        "proofs": case.proofs.iter().map(|proof| proof.word()).collect::<Vec<_>>(),
        "torture": {
            "kills": case.torture.kills,
            "boundaries": case.torture.boundaries,
            "lost_answers": case.torture.lost,
            "answers": case.torture.answers,
            "two_at_once": case.torture.at_once,
            "in_doubt": case.torture.in_doubt,
        },
    })
}
