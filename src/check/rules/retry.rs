//! Retries: bounded, and never a second write on a guess (decision 17).

use super::lost_answer::recovery;
use crate::{
    action::kinds::Act,
    base::diagnostic::{Code, Diagnostic, Diagnostics},
    check::{
        checked::Recovery,
        scene::{Role, Scene, Visit, calls_out, writes},
    },
    playbook::errors::{ErrorRow, FailureKind, Retry, Then, Verdict},
    read::http::Status,
};
use std::time::Duration;

/// A second write on a guess.
pub static BLIND_RETRY: Code = Code {
    id: "E0505",
    title: "a retry that could carry out a change twice",
    explain: "After a timeout, or an answer such as 502, nobody knows whether the change was carried out. Sending it again could do it twice. \
        Such a retry is allowed only when the step can be looked up (`probe:`), when the API honours an idempotency key \
        (`idempotency_key:` at the connection), or when the author says why the same bytes twice do the same as once \
        (`repeatable: \"why\"`).\n\n\
        `kind: connect` (nothing was sent) and statuses such as 429 may be retried at any time.",
};
/// No sensible bound.
pub static RETRY_BOUNDS: Code = Code {
    id: "E0506",
    title: "a retry without a sensible bound",
    explain: "A retry has between 1 and 100 attempts, goes on for at most a day (`for:`), and ends in something else than another retry \
        (`exhausted:`).",
};

/// All codes of this file.
pub static CODES: &[&Code] = &[&BLIND_RETRY, &RETRY_BOUNDS];

/// Looks at every retry of the table.
pub fn look(scene: &Scene<'_>, problems: &mut Diagnostics) {
    for row in &scene.playbook.errors {
        for then in row.then.iter().chain(&row.otherwise) {
            let Verdict::Retry(retry) = &then.verdict else { continue };
            bounds(retry, then, problems);
            if !may_be_lost(row) {
                continue;
            }
            let blind = scene.visits.iter().find(|visit| {
                applies(scene, row, visit)
                    && writes(visit.step)
                    && recovery(scene, visit) == Recovery::Person
                    && !proves_nothing_done(scene, row, visit)
            });
            if let Some(visit) = blind {
                let name = visit.step.id().map_or_else(|| "this call".to_owned(), |id| format!("`{id}`"));
                problems.push(
                    Diagnostic::error(&BLIND_RETRY, then.at, format!("this could carry out {name} twice"))
                        .label(visit.step.act_at, "the change")
                        .help("give that step `probe:`, or `repeatable: \"why\"`, or the connection `idempotency_key:`")
                        .help("or retry only what was surely not carried out: `kind: connect`, `status: 429`"),
                );
            }
        }
    }
}

/// Looks at the bounds of one row.
pub fn of_row(row: &ErrorRow, problems: &mut Diagnostics) {
    for then in row.then.iter().chain(&row.otherwise) {
        if let Verdict::Retry(retry) = &then.verdict {
            bounds(retry, then, problems);
        }
    }
}

/// The row applies to this step.
fn applies(scene: &Scene<'_>, row: &ErrorRow, visit: &Visit<'_>) -> bool {
    let named = |steps: &[crate::base::shape::Word]| {
        visit.step.id().is_some_and(|id| steps.iter().any(|word| word.as_str() == id))
    };
    let api = |name: &str| row.api.as_ref().is_none_or(|apis| apis.0.iter().any(|word| word.as_str() == name));
    calls_out(visit.step)
        && scene.api_of(visit.step).is_none_or(api)
        && visit.role != Role::Probe
        && row.step.as_ref().is_none_or(|steps| named(&steps.0))
}

/// The row is about exit codes of a program that the connection lists as `unchanged`.
fn proves_nothing_done(scene: &Scene<'_>, row: &ErrorRow, visit: &Visit<'_>) -> bool {
    let (Act::Command(command), Some(codes)) = (&visit.step.act, &row.code) else { return false };
    let settings = scene.connection(command.program.as_str()).and_then(|connection| connection.command.as_ref());
    let unchanged = |code: &str| settings.is_some_and(|s| s.unchanged.iter().any(|known| known.to_string() == code));
    codes.0.iter().all(|code| unchanged(&code.0))
}

/// The row also fits failures after which nobody knows whether the change was carried out.
fn may_be_lost(row: &ErrorRow) -> bool {
    let status = row.status.as_ref().map(|statuses| {
        statuses.0.iter().any(|status| match status {
            Status::Exact(n) => *n >= 500 || *n == 408,
            Status::Class(n) => *n == 5,
        })
    });
    let kind = row.kind.as_ref().map(|kinds| {
        kinds.0.iter().any(|kind| matches!(kind, FailureKind::Timeout | FailureKind::Body | FailureKind::Answer))
    });
    match (status, kind) {
        (Some(status), None) => status,
        (None, Some(kind)) => kind || row.kind.as_ref().is_some_and(|k| k.0.contains(&FailureKind::Status)),
        (Some(status), Some(_)) => status,
        // A code comes with an answer of any status.
        (None, None) => true,
    }
}

fn bounds(retry: &Retry, then: &Then, problems: &mut Diagnostics) {
    let mut odd =
        |message: &str, help: &str| problems.push(Diagnostic::error(&RETRY_BOUNDS, then.at, message).help(help));
    match retry.attempts {
        Some(0) => odd("a retry with no attempt", "write `attempts: 3`, or `stop` instead of `retry`"),
        Some(101..) => odd("more than 100 attempts", "write fewer, or a bound in time: `for: 10m`"),
        _ => {}
    }
    if retry.length.is_some_and(|length| length.0 > Duration::from_secs(86_400)) {
        odd("a retry that goes on for more than a day", "write `for: 24h` or less");
    }
    if let Some(Verdict::Retry(_)) = retry.exhausted.as_ref().map(|then| &then.verdict) {
        odd("a retry that ends in a retry", "let `exhausted:` be `stop`, `fail`, `skip` or `{ escalate: …, say: … }`");
    }
}
