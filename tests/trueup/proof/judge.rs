//! What must hold whatever happened: nothing twice, nothing half, nothing lost, nothing called done that is not there.

use super::{
    figures::Figures,
    procedures::{Class, Procedure},
};
use std::collections::BTreeMap;
use trueup::{engine::state::RunState, journal::words::Outcome};

/// How often each effect is there: 0, 1, …; `None` when only a part of it is.
fn counts(procedure: &Procedure, traces: &BTreeMap<String, usize>) -> Vec<Option<usize>> {
    let count = |trace: &&str| traces.get(*trace).copied().unwrap_or(0);
    let effects = procedure.effects.iter();
    let all = effects.map(|effect| {
        let first = count(&effect.traces[0]);
        effect.traces.iter().all(|trace| count(trace) == first).then_some(first)
    });
    all.collect()
}

/// Whether an effect is there once.
pub fn is_there(procedure: &Procedure, traces: &BTreeMap<String, usize>, step: &str) -> bool {
    let nth = procedure.effects.iter().position(|effect| effect.step == step);
    nth.is_some_and(|nth| counts(procedure, traces)[nth] == Some(1))
}

/// At any moment.
pub fn always(
    procedure: &Procedure,
    traces: &BTreeMap<String, usize>,
    state: Option<&RunState>,
    at: &str,
    figures: &mut Figures,
) {
    let known: Vec<&str> = procedure.effects.iter().flat_map(|effect| effect.traces).copied().collect();
    let (asked, others): (Vec<_>, Vec<_>) = traces.iter().partition(|(trace, _)| trace.starts_with("asked "));
    // A question leaves at most once, and not before the journal knows of it.
    for (trace, count) in asked {
        let path = procedure.question.map(|(step, _)| format!("steps/{step}"));
        let item = state.and_then(|state| state.items.get("-"));
        let step = path.zip(item).and_then(|(path, item)| item.steps.get(path.as_str()));
        if step.is_none_or(|step| step.asked.is_none()) {
            figures.wrong(format!("{at}: `{trace}` is there, and the journal knows of no question"));
        }
        if *count > 1 {
            figures.duplicates += 1;
            figures.wrong(format!("{at}: `{trace}` left {count} times"));
        }
    }
    for (trace, _) in others.into_iter().filter(|(trace, _)| !known.contains(&trace.as_str())) {
        figures.wrong(format!("{at}: `{trace}` is there, and nobody wanted it"));
    }
    let counts = counts(procedure, traces);
    for (nth, (effect, count)) in procedure.effects.iter().zip(&counts).enumerate() {
        let step = state.and_then(|s| s.items.get("-")).and_then(|item| item.steps.get(effect.step));
        let says_done = step.is_some_and(|s| s.outcome.as_ref().is_some_and(|o| o.outcome == Outcome::Done));
        let failed = [Outcome::Failed, Outcome::Stopped, Outcome::Drifted, Outcome::Escalated];
        let says_failed = step.is_some_and(|s| s.outcome.as_ref().is_some_and(|o| failed.contains(&o.outcome)));
        let attempted = step.is_some_and(|s| s.attempts > 0);
        match count {
            None => {
                figures.lost += 1;
                figures.wrong(format!("{at}: half of {} is there: {traces:?}", effect.step));
            }
            Some(count @ 2..) => {
                figures.duplicates += 1;
                figures.wrong(format!("{at}: {} happened {count} times", effect.step));
            }
            Some(0) if says_done && effect.class != Class::Message => {
                figures.lost += 1;
                figures.wrong(format!("{at}: {} is called done and is not there", effect.step));
            }
            Some(1) if says_failed => {
                figures.lost += 1;
                figures.wrong(format!("{at}: {} is called failed and is there", effect.step));
            }
            Some(1) if !attempted => {
                figures.wrong(format!("{at}: {} is there, and the journal knows of no attempt", effect.step));
            }
            Some(1)
                if counts[..nth]
                    .iter()
                    .zip(procedure.effects)
                    .any(|(c, e)| *c != Some(1) && e.class != Class::Message) =>
            {
                figures.wrong(format!("{at}: {} happened before what stands above it: {traces:?}", effect.step));
            }
            _ => {}
        }
    }
}

/// When the run ended as done.
pub fn whole(procedure: &Procedure, traces: &BTreeMap<String, usize>, at: &str, figures: &mut Figures) {
    for (effect, count) in procedure.effects.iter().zip(counts(procedure, traces)) {
        if count == Some(0) && effect.class != Class::Message {
            figures.lost += 1;
            figures.wrong(format!("{at}: the run is over, and {} never happened", effect.step));
        }
    }
}

/// When the run ended as failed: the effects of the API are not there, but for those that the run calls done (what failed may
/// stand below them).
pub fn nothing(
    procedure: &Procedure,
    traces: &BTreeMap<String, usize>,
    state: Option<&RunState>,
    at: &str,
    figures: &mut Figures,
) {
    for (effect, count) in procedure.effects.iter().zip(counts(procedure, traces)) {
        let step = state.and_then(|s| s.items.get("-")).and_then(|item| item.steps.get(effect.step));
        let says_done = step.is_some_and(|s| s.outcome.as_ref().is_some_and(|o| o.outcome == Outcome::Done));
        if effect.step.ends_with("call") && count != Some(0) && !says_done {
            figures.lost += 1;
            figures.wrong(format!("{at}: the run failed, and {} is there", effect.step));
        }
    }
}
