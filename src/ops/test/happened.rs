//! What came of a case, in the words that a test file expects: of a plan that ends early, of a run, of a refusal.

use crate::{
    action::ends::Way,
    base::diagnostic::Severity,
    engine::{drive::Stopped, resource},
    journal::words::End,
    ops::{Failure, apply::Carried, project::Opened},
    plan::{ItemPlan, Plan},
    report::exit::Exit,
    trial::{compare::Happened, model::Proof, report::Problem},
};
use std::{collections::BTreeMap, sync::Arc};

/// What a case gave.
#[derive(Default)]
pub(super) struct Judged {
    /// What is not as expected.
    pub(super) problems: Vec<Problem>,
    /// The proofs that were made, or are to be made on systems of their own.
    pub(super) proofs: Vec<Proof>,
    /// Changed rows that the case says nothing of, by table.
    pub(super) unlooked: BTreeMap<String, usize>,
}

/// A plan that ends before its last step, or has nothing to do, is not applied.
pub(super) fn ends_before(happened: &mut Happened, made: &Plan) -> bool {
    // Of many items only what is done once for all of them keeps the run from being made.
    let count = if made.many.is_some() { 1 } else { made.items.len() };
    let stop = made.items.iter().take(count).find_map(ItemPlan::ends_early);
    let (end, message, who) = match stop {
        Some(stop) => (end_of(stop.way), stop.message.clone(), stop.who.clone()),
        None if made.is_empty() && made.many.is_some() => return all_end(happened, made),
        None if made.is_empty() => (End::Unchanged, String::new(), None),
        None => return false,
    };
    happened.end = Some(end);
    happened.exit = Exit::of_plan(made, false).code();
    happened.message = message;
    happened.who = who;
    true
}

/// A plan of many items, none of which has anything to do.
fn all_end(happened: &mut Happened, made: &Plan) -> bool {
    let stops: Vec<_> = made.items.iter().skip(1).filter_map(|item| item.stop.as_ref()).collect();
    for item in made.items.iter().skip(1) {
        let stop = item.stop.as_ref();
        let end = stop.map_or(End::Unchanged, |stop| end_of(stop.way));
        happened.by_key.insert(item.key.clone(), (end, stop.map(|stop| stop.message.clone())));
    }
    for stop in &stops {
        *happened.items.entry(end_of(stop.way)).or_default() += 1;
    }
    let idle = made.items.iter().skip(1).filter(|item| item.stop.is_none()).count() as u64;
    if idle > 0 {
        *happened.items.entry(End::Unchanged).or_default() += idle;
    }
    happened.end = Some(End::worst(happened.items.keys().copied()));
    happened.exit = Exit::of_plan(made, false).code();
    happened.message = stops.iter().map(|stop| stop.message.as_str()).collect::<Vec<_>>().join("\n");
    happened.who = stops.iter().find_map(|stop| stop.who.clone());
    true
}

fn end_of(way: Way) -> End {
    match way {
        Way::Stop => End::Stopped,
        Way::Skip => End::Skipped,
        Way::Done | Way::Warn => End::Unchanged,
        Way::Fail => End::Failed,
        Way::Escalate => End::Escalated,
    }
}

/// Where a run stands after it was carried as far as it goes.
pub(super) fn came_to(happened: &mut Happened, carried: &Carried, opened: &Opened) {
    let end = carried.state.end();
    happened.end = Some(end);
    happened.exit = match &carried.stopped {
        Stopped::Closed(end) => Exit::of(*end).code(),
        Stopped::Waits(_) | Stopped::Paused | Stopped::Held => Exit::Stopped.code(),
        Stopped::InDoubt(_) => Exit::InDoubt.code(),
    };
    let reason = carried.state.closed.as_ref().and_then(|closed| closed.reason.clone());
    happened.message = reason.unwrap_or_default();
    if let Some(came) = &carried.many {
        happened.items = came.summary.ends.clone();
        let said = came.why.iter().chain(came.summary.reasons.iter().map(|one| &one.reason));
        let lines: Vec<&str> = std::iter::once(happened.message.as_str())
            .filter(|m| !m.is_empty())
            .chain(said.map(String::as_str))
            .collect();
        happened.message = lines.join("\n");
    }
    let named = happened.message.strip_prefix("For ").and_then(|rest| rest.split_once(": "));
    happened.who =
        named.map(|(who, _)| Arc::from(who)).filter(|who: &Arc<str>| opened.project.people.get(who).is_some());
    happened.drift = carried.drift.clone();
    let steps = carried.state.items.values().flat_map(|item| item.steps.values());
    let written = steps.filter(|step| step.changed() && step.class.as_deref().is_some_and(resource::is_class));
    happened.resources = written.flat_map(|step| step.changes.iter().cloned()).collect();
}

/// What kept the command from going on.
pub(super) fn kept_from(happened: Happened, failure: &Failure) -> Happened {
    let lines = words(failure);
    let end = match failure {
        Failure::Step { .. } | Failure::Journal(_) | Failure::Halted { .. } => Some(End::Failed),
        Failure::Texts(_) | Failure::Usage { .. } | Failure::Refused { .. } => None,
    };
    Happened { end, exit: failure.exit().code(), message: lines.join("\n"), refused: lines, ..happened }
}

/// A failure in lines, without drawing.
pub(super) fn words(failure: &Failure) -> Vec<String> {
    match failure {
        Failure::Usage { message, help }
        | Failure::Refused { message, help, .. }
        | Failure::Halted { message, help } => std::iter::once(message).chain(help).cloned().collect(),
        Failure::Step { path, trouble, .. } => {
            std::iter::once(format!("{path}: {}", trouble.message())).chain(trouble.help()).collect()
        }
        Failure::Journal(error) => vec![error.to_string()],
        Failure::Texts(texts) => {
            // Advice did not keep anything from going on.
            let problems = texts.iter().flat_map(|text| {
                let errors = text.sorted().into_iter().filter(|p| p.severity == Severity::Error);
                errors.map(|p| (text.source().clone(), p.clone())).collect::<Vec<_>>()
            });
            problems
                .map(|(source, p)| {
                    let (file, line) = (source.name_at(p.span.start), source.place(p.span.start).line);
                    format!("{file}:{line}: {} {}", p.code.id, p.message)
                })
                .collect()
        }
    }
}
