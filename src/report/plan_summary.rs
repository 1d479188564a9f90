//! What a plan comes to, in one sentence and in numbers.

use super::{diff::number, plan::step_name};
use crate::{
    action::ends::Way,
    effect::change::Deed,
    plan::{Effect, Foreseen, Plan, Stop},
};

/// `Plan: 1 row to change, 1 question; 2 of 2 changing steps previewed exactly.`
pub fn summary(plan: &Plan) -> String {
    let parts = parts(plan).words();
    let stops: Vec<&Stop> = plan.items.iter().filter_map(|item| item.stop.as_ref()).collect();
    match (plan.items.as_slice(), stops.as_slice()) {
        ([_], [stop]) => of_ended(stop, &parts),
        _ if plan.is_empty() => {
            let told = if parts.is_empty() { String::new() } else { format!(" ({})", parts.join(", ")) };
            format!("Plan: nothing to change{told}{}.", left_alone(plan))
        }
        (items, stops) => {
            let ended = if stops.is_empty() {
                String::new()
            } else {
                format!(" {} of {} items end early.", stops.len(), items.len())
            };
            format!("Plan: {}; {}{}.{ended}", parts.join(", "), exactness(plan), left_alone(plan))
        }
    }
}

/// `; 2 rows are left alone`.
fn left_alone(plan: &Plan) -> String {
    let effects = plan.items.iter().flat_map(|i| &i.steps).flat_map(|s| &s.effects);
    match effects.map(|e| if let Effect::LeftAlone { rows } = e { rows.len() } else { 0 }).sum() {
        0 => String::new(),
        1 => "; 1 row is left alone".to_owned(),
        n => format!("; {n} rows are left alone"),
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

/// How many of each a plan would do, the author's own steps only.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Parts {
    pub inserted: usize,
    pub updated: usize,
    pub deleted: usize,
    /// Things behind APIs that would come, change or go.
    pub resources: usize,
    pub requests: usize,
    pub jobs: usize,
    pub questions: usize,
    pub messages: usize,
    /// Steps of which only apply will show whether they run.
    pub undecided: usize,
}

impl Parts {
    /// `1 row to change`, `2 requests`, …; empty when there is nothing.
    fn words(self) -> Vec<String> {
        let rows = [(self.updated, "to change"), (self.inserted, "to add"), (self.deleted, "to delete")];
        let rows = rows.iter().filter(|(n, _)| *n > 0).map(|(n, deed)| format!("{} {deed}", number(*n, "row")));
        let others = [
            (self.resources, "resource"),
            (self.requests, "request"),
            (self.jobs, "job"),
            (self.questions, "question"),
            (self.messages, "message"),
        ];
        let others = others.iter().filter(|(n, _)| *n > 0).map(|(n, thing)| number(*n, thing));
        let undecided = (self.undecided > 0).then(|| format!("{} decided at apply", number(self.undecided, "step")));
        rows.chain(others).chain(undecided).collect()
    }
}

/// The kind of step whose rows are things behind an API.
const RESOURCE: &str = "resource";

pub(super) fn parts(plan: &Plan) -> Parts {
    let mut parts = Parts::default();
    let steps = plan.items.iter().flat_map(|i| &i.steps).filter(|s| s.foreseen.acts() || s.foreseen == Foreseen::Tells);
    for step in steps {
        parts.undecided += usize::from(step.foreseen == Foreseen::Undecided);
        // Its request and its fields are one thing.
        if step.kind == RESOURCE {
            parts.resources += usize::from(step.foreseen == Foreseen::Changes);
            continue;
        }
        for effect in &step.effects {
            match effect {
                Effect::Rows { changes, .. } => {
                    let deeds = |deed: Deed| changes.iter().filter(|c| !c.by_rule && c.deed() == deed).count();
                    parts.inserted += deeds(Deed::Insert);
                    parts.updated += deeds(Deed::Update);
                    parts.deleted += deeds(Deed::Delete);
                }
                Effect::Jobs { jobs } => parts.jobs += jobs.len(),
                Effect::Request { .. } => parts.requests += 1,
                Effect::Question { .. } => parts.questions += 1,
                Effect::Message { .. } => parts.messages += 1,
                Effect::Answer { .. } | Effect::LeftAlone { .. } | Effect::Compared(_) => {}
            }
        }
    }
    parts
}

fn exactness(plan: &Plan) -> String {
    let counts = plan.counts();
    let mut words = format!("{} of {} previewed exactly", counts.exact, number(counts.changes, "changing step"));
    if counts.unknown > 0 {
        words.push_str(&format!(", {} with unknowns", counts.unknown));
    }
    if counts.not_previewable > 0 {
        words.push_str(&format!(", {} not previewable", counts.not_previewable));
    }
    words
}
