//! How a run ended or where it stands, in a sentence, and what a person can do next. The same after apply and in `show`.

use super::{
    clock, doubt, inbox,
    line::{Line, Tone},
    page::Page,
    plan::step_name,
};
use crate::{
    base::{counted::counted, identity::RunId, value::Map},
    effect::left::{self, Ground, LeftAlone},
    engine::{
        state::{APPROVAL, ItemState, RunState, StepState},
        undo::{outline, outlook::has_way_back},
    },
    journal::words::{End, Outcome},
};
use std::sync::Arc;

/// Of an undo: the steps whose rows took others along, which stay as the run left them.
fn steps_along(state: &RunState) -> usize {
    let steps = state.items.values().flat_map(|item| item.steps.values());
    steps.filter(|step| step.left_along().is_some()).count()
}

/// Of what the run changed nothing is left: a rescue took it back.
fn as_before(state: &RunState) -> bool {
    state.items.values().all(ItemState::is_as_before)
}

/// The sentence, its colour, and nothing of what was changed.
pub fn sentence(state: &RunState) -> (Tone, String) {
    let Some(closed) = &state.closed else { return (Tone::Care, under_way(state)) };
    let changed = state.items.values().any(|item| item.changed());
    let verified = !state.items.is_empty() && state.items.values().all(|item| item.verified);
    let steps = || state.items.values().flat_map(|item| item.steps.values());
    let stands = match (changed, as_before(state)) {
        (true, false) if steps().any(StepState::perhaps_sent) => {
            "; what was changed before stays, and what was sent may have been carried out"
        }
        (_, false) if steps().any(StepState::perhaps_sent) => "; what was sent may have been carried out",
        (true, false) => "; what was changed before stays",
        (true, true) => "; what was changed before was taken back",
        (false, _) => "; nothing was changed",
    };
    if state.is_undo() {
        let left: Vec<LeftAlone> = steps().flat_map(StepState::left_alone).collect();
        let stays = steps().filter_map(StepState::stays).filter(|stays| stays.by != Ground::Needless).count();
        let rows = (!left.is_empty()).then(|| format!("{} left alone", left::many(&left)));
        let steps = (stays > 0).then(|| format!("{} that cannot be taken back", counted(stays, "step")));
        let along = steps_along(state);
        let along = (along > 0).then(|| format!("what {} took along", counted(along, "step")));
        let both: Vec<String> = rows.into_iter().chain(steps).chain(along).collect();
        match (closed.end, both.is_empty()) {
            (End::Changed, true) => return (Tone::Good, "Done: taken back.".into()),
            (End::Changed, false) => return (Tone::Good, format!("Done: taken back, but for {}.", both.join(" and "))),
            (End::Unchanged, true) => return (Tone::Good, "Done: nothing was left to take back.".into()),
            (End::Unchanged, false) => {
                return (Tone::Care, format!("Done: nothing was taken back: {}.", both.join(" and ")));
            }
            (End::Drifted, false) if changed => {
                return (Tone::Care, format!("Taken back, but for {}.", both.join(" and ")));
            }
            (End::Drifted, false) => return (Tone::Care, format!("Nothing was taken back: {}.", both.join(" and "))),
            _ => {}
        }
    }
    match closed.end {
        End::Changed if verified => (Tone::Good, "Done: changed and verified.".into()),
        End::Changed => (Tone::Good, "Done: changed.".into()),
        End::Unchanged => (Tone::Good, "Done: nothing to change, all is already as wanted.".into()),
        End::Skipped => (Tone::Dim, "Left alone.".into()),
        End::Stopped => (Tone::Bad, format!("Stopped{stands}.")),
        End::Failed => (Tone::Bad, format!("Failed{stands}.")),
        End::Escalated => (Tone::Care, format!("Handed over{stands}.")),
        End::Drifted => (Tone::Bad, format!("No longer as planned{stands}.")),
        End::InDoubt => (Tone::Bad, "In doubt: nobody knows whether a change happened.".into()),
        End::Waiting => (Tone::Care, "Waits.".into()),
        End::Cancelled => (Tone::Care, format!("Cancelled{stands}.")),
    }
}

fn under_way(state: &RunState) -> String {
    if state.behind.is_some() {
        return "In doubt: the journal was restored from a copy, and nobody knows what this run did since.".into();
    }
    if let Some((path, step)) = question(state) {
        if &**path == APPROVAL {
            return "Waits for approval; nothing was changed.".into();
        }
        let asked = step.asked.as_ref();
        return asked.map_or_else(|| "Waits.".into(), |a| format!("Waits for the answer of {}.", a.who));
    }
    if let Some(who) = &state.worked_on_by
        && !state.doubts().any(|(.., step)| step.needs_a_person())
    {
        return format!("Under way: {who} is at it.");
    }
    let doubt = state.doubts().next();
    if let Some((_, path, _)) = doubt.filter(|(.., step)| step.needs_a_person()) {
        return format!("In doubt: nobody knows whether `{}` happened.", step_name(path));
    }
    if let Some(why) = &state.paused {
        return format!("Paused between two steps: {why}.");
    }
    match doubt {
        Some((_, path, _)) => {
            format!("`{}` was begun and has no outcome yet: it is under way, or was interrupted.", step_name(path))
        }
        None if state.cancelled => "Asked to end.".into(),
        None => "Not over: it is under way, or was interrupted.".into(),
    }
}

/// The first question without an answer.
fn question(state: &RunState) -> Option<(&Arc<str>, &StepState)> {
    let steps = state.items.values().flat_map(|item| &item.steps);
    steps.into_iter().find(|(_, step)| step.waits())
}

/// The first step that did not go through, with its outcome.
pub fn ended_at(state: &RunState) -> Option<(&Arc<str>, &StepState, Outcome)> {
    let steps = state.items.values().flat_map(|item| &item.steps);
    steps.into_iter().find_map(|(path, step)| {
        let outcome = step.outcome.as_ref()?.outcome;
        let bad = !matches!(
            outcome,
            Outcome::Done | Outcome::Unchanged | Outcome::Skipped | Outcome::Waiting | Outcome::NotDone
        );
        bad.then_some((path, step, outcome))
    })
}

/// Why it ended as it did, in the words of the playbook or of what refused.
pub fn reason(state: &RunState) -> Option<&str> {
    let step = ended_at(state).and_then(|(_, step, _)| step.outcome.as_ref()?.message.as_deref());
    let item = state.items.values().find_map(|item| item.closed.as_ref()?.reason.as_deref());
    step.or(item).or_else(|| state.closed.as_ref()?.reason.as_deref())
}

/// What can be done next, with the command to type, below an empty line; nothing where nothing is left to do. The
/// text of an open question is left out where it stands above already.
pub fn next(page: &mut Page, id: RunId, state: &RunState, with_question: bool) {
    let say = |page: &mut Page, text: &str| {
        page.blank();
        page.line(0, Line::of(Tone::Plain, text));
    };
    if let Some(closed) = &state.closed {
        return after(page, id, state, closed.end);
    }
    if let Some(behind) = state.behind {
        return doubt::restored(page, id, behind, None);
    }
    if let Some((path, step)) = question(state)
        && let Some(asked) = &step.asked
    {
        let since = step.at.map_or_else(String::new, |at| format!(", since {}", clock::second(at)));
        page.blank();
        if with_question {
            page.line(2, Line::of(Tone::Dim, format!("for {}{since}", asked.who)));
            page.prose(2, Tone::Plain, &super::diff::said(&asked.question));
        }
        inbox::evidence(page, 4, asked.evidence.as_ref().unwrap_or(&Map::default()));
        if let Some(until) = asked.until {
            page.line(2, Line::of(Tone::Dim, format!("due by {}", clock::second(until))));
        }
        for notice in step.notices.iter().filter(|_| with_question) {
            page.hung(2, 4, Line::of(Tone::Dim, super::run::told(notice)));
        }
        inbox::fields(page, 4, &asked.answer);
        let approval = &**path == APPROVAL;
        say(page, if approval { "To agree to it:" } else { "To answer, and go on:" });
        return page.command(2, &inbox::command(id, path, &asked.answer, None));
    }
    let doubts: Vec<_> = state.doubts().collect();
    for (item, path, step) in doubts.iter().filter(|(.., step)| step.needs_a_person()) {
        doubt::draw(page, id, item, path, step, doubts.len() == 1, None);
    }
    if state.worked_on_by.is_some() && !doubts.iter().any(|(.., step)| step.needs_a_person()) {
        say(page, "To look again:");
        return page.command(2, &format!("trueup show {}", id.short()));
    }
    match doubts.as_slice() {
        [] => say(page, "To go on:"),
        [.., (.., step)] if step.needs_a_person() => return,
        _ => say(page, "If no process works on it any more, this finds out what became of it, and goes on:"),
    }
    page.command(2, &format!("trueup resume {}", id.short()));
}

/// Of an undo that failed at a step: the way out where that one cannot be put right.
fn or_leave(page: &mut Page, about: RunId, state: &RunState) {
    let steps = state.items.values().flat_map(|item| &item.steps);
    let failed = |step: &StepState| step.outcome.as_ref().is_some_and(|outcome| outcome.outcome == Outcome::Failed);
    let Some((path, _)) = steps.into_iter().find(|(_, step)| failed(step)) else { return };
    page.blank();
    let name = outline::name(path);
    page.line(0, Line::of(Tone::Plain, format!("Or leave what `{name}` did as it is, and take back the rest:")));
    page.command(2, &format!("trueup undo {} --leave {name}", about.short()));
}

/// After the end: what is to be put right, how to go on from there, how to take back what was done.
fn after(page: &mut Page, id: RunId, state: &RunState, end: End) {
    let changed = state.items.values().any(|item| item.changed());
    let short = id.short();
    let say = |page: &mut Page, text: &str, command: String| {
        page.blank();
        page.line(0, Line::of(Tone::Plain, text));
        if !command.is_empty() {
            page.command(2, &command);
        }
    };
    let about = state.created.as_ref().and_then(|created| created.about).filter(|_| state.is_undo());
    match (end, about) {
        (End::Drifted, Some(about)) => {
            let text = "Look at what was left alone. What can be taken back then:";
            return say(page, text, format!("trueup undo {}", about.short()));
        }
        (End::Drifted, None) => {
            say(page, "Look at what is different now, then plan again.", String::new());
        }
        (End::Stopped | End::Failed, Some(about)) if !changed => {
            say(page, "Put that right, then:", format!("trueup undo {}", about.short()));
            return or_leave(page, about, state);
        }
        (End::Stopped | End::Failed, None) if !changed => {
            return say(page, "Put that right, then plan again.", String::new());
        }
        (End::Stopped | End::Failed | End::Escalated, _) if changed => {
            say(page, "Put that right, then go on from there:", format!("trueup retry {short} --reason …"));
            if let Some(about) = about {
                or_leave(page, about, state);
            }
        }
        _ => {}
    }
    // What would be refused is not proposed.
    let back = || state.created.as_ref().is_none_or(has_way_back);
    let ended = matches!(end, End::Stopped | End::Failed | End::Escalated | End::Drifted | End::Cancelled);
    if changed && ended && !as_before(state) && back() {
        let text = if end == End::Cancelled { "To take back what it did:" } else { "Or take back what it did:" };
        say(page, text, format!("trueup undo {short}"));
    }
}
