//! What a plan comes to, in one sentence and in numbers.

use super::plan::step_name;
use crate::{
    action::ends::Way,
    base::counted::counted,
    plan::{Plan, Stop, tally::Parts},
};

/// `Plan: 1 row to change, 1 question; 2 of 2 changing steps previewed exactly.`
pub fn summary(plan: &Plan) -> String {
    let tally = plan.tally();
    let parts = words(tally.parts);
    match (plan.items.as_slice(), plan.many.is_some()) {
        ([item], false) if let Some(stop) = item.ends_early() => of_ended(stop, &parts),
        _ if plan.is_empty() => {
            let told = if parts.is_empty() { String::new() } else { format!(" ({})", parts.join(", ")) };
            format!("Plan: nothing to change{told}{}.", left_alone(plan))
        }
        _ => {
            let ended = match tally.ended() {
                0 if plan.many.is_none() => {
                    let stop = plan.items.first().and_then(|item| item.stop.as_ref());
                    stop.map_or(String::new(), |stop| format!(" It ends at `{}`.", step_name(&stop.step)))
                }
                0 => String::new(),
                ended => {
                    format!(" {ended} of {} end early.", counted(usize::try_from(tally.items).unwrap_or(0), "item"))
                }
            };
            format!("Plan: {}; {}{}.{ended}", parts.join(", "), exactness(plan), left_alone(plan))
        }
    }
}

/// `; 2 rows are left alone`.
fn left_alone(plan: &Plan) -> String {
    match plan.tally().left_alone {
        0 => String::new(),
        n => format!("; {} {} left alone", counted(n, plan.left_noun()), if n == 1 { "is" } else { "are" }),
    }
}

fn of_ended(stop: &Stop, parts: &[String]) -> String {
    let step = step_name(&stop.step);
    let way = match (stop.way, &stop.who) {
        (Way::Done, _) => "Plan: nothing to change; all is already as wanted".to_owned(),
        (Way::Skip, _) => "Plan: nothing to change; this is left alone".to_owned(),
        (Way::Fail, _) => format!("Plan: it would fail at `{step}`"),
        (Way::Escalate, Some(who)) => format!("Plan: it ends at `{step}`, which is for {who}"),
        _ => format!("Plan: it stops at `{step}`"),
    };
    match (parts.is_empty(), stop.way) {
        (true, Way::Done | Way::Skip) => format!("{way}."),
        (true, _) => format!("{way}; nothing would be changed."),
        // Steps in front of the end would have been carried out already.
        (false, _) => format!("{way}, after {}.", parts.join(", ")),
    }
}

/// `1 row to change`, `2 requests`, …; empty when there is nothing.
fn words(parts: Parts) -> Vec<String> {
    let rows = [(parts.updated, "to change"), (parts.inserted, "to add"), (parts.deleted, "to delete")];
    let rows = rows.iter().filter(|(n, _)| *n > 0).map(|(n, deed)| format!("{} {deed}", counted(*n, "row")));
    let others = [
        (parts.resources, "resource"),
        (parts.requests, "request"),
        (parts.jobs, "job"),
        (parts.questions, "question"),
        (parts.messages, "message"),
    ];
    let others = others.iter().filter(|(n, _)| *n > 0).map(|(n, thing)| counted(*n, thing));
    let undecided = (parts.undecided > 0).then(|| format!("{} decided at apply", counted(parts.undecided, "step")));
    rows.chain(others).chain(undecided).collect()
}

pub(super) fn parts(plan: &Plan) -> Parts {
    plan.tally().parts
}

fn exactness(plan: &Plan) -> String {
    let counts = plan.counts();
    let mut words = format!("{} of {} previewed exactly", counts.exact, counted(counts.changes, "changing step"));
    if counts.unknown > 0 {
        words.push_str(&format!(", {} with unknowns", counts.unknown));
    }
    if counts.not_previewable > 0 {
        words.push_str(&format!(", {} not previewable", counts.not_previewable));
    }
    words
}
