//! What a run really did, from its events: one entry for each effect, also of a step that was done again by a retry.

use crate::{
    base::{identity::EffectId, value::Value},
    effect::change::{self, Deed, RowChange},
    engine::{
        outline::Outline,
        resource::is_class,
        state::{REPEATED, StepState, perhaps, written},
    },
    journal::{event::Event, payload::ItemOutcome, words::Outcome},
};
use indexmap::IndexMap;
use std::sync::Arc;

/// One effect of a run.
#[derive(Clone, Debug)]
pub struct Done {
    /// Its lasting name.
    pub effect: EffectId,
    /// How a lost answer of it is resolved: `rows`, `sql`, `http-once`, …
    pub class: Arc<str>,
    /// Through which connection.
    pub connection: Option<Arc<str>>,
    /// The statement or request, for people.
    pub shown: String,
    /// The rows that it changed.
    pub changes: Vec<RowChange>,
    /// Tables that it touched besides.
    pub also: Vec<Arc<str>>,
    /// How many rows were added to each of these, where that is known.
    pub also_added: Vec<u64>,
    /// What was asked for, enough to do the opposite.
    pub request: Option<Value>,
    /// What it answered.
    pub value: Option<Value>,
    /// What became of it.
    pub fate: Fate,
    /// It was done again without looking whether it had happened: what it changed then counts too.
    pub perhaps: bool,
}

/// What became of an effect.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fate {
    /// It happened.
    Happened,
    /// A person says that it happened; what it answered is not known.
    SaidToHave,
    /// Nobody knows.
    Unknown,
    /// It did not happen, or changed nothing.
    Not,
}

impl Done {
    /// The author's rows that really changed.
    pub fn rows(&self) -> Vec<RowChange> {
        self.changes.iter().filter(|c| !c.by_rule && c.deed() != Deed::Nothing).cloned().collect()
    }
}

/// The effect of a step as its state tells it, where it happened.
pub fn of_state(step: &StepState) -> Option<Done> {
    Some(Done {
        effect: step.effect.clone()?,
        class: step.class.clone()?,
        connection: step.connection.clone(),
        shown: step.shown.clone().unwrap_or_default(),
        changes: step.changes.clone(),
        also: step.also.clone(),
        also_added: step.also_added.clone(),
        request: step.request.clone(),
        value: step.result().cloned(),
        fate: if step.result().is_some_and(Value::is_unknown) { Fate::SaidToHave } else { Fate::Happened },
        perhaps: step.perhaps_done,
    })
}

/// The effects of a run that happened, or may have, in the order in which they ended.
pub fn of<'a>(events: impl IntoIterator<Item = &'a Event>) -> Vec<Done> {
    let mut gathered = Gathered::default();
    events.into_iter().for_each(|event| gathered.take(event, &|_| true));
    gathered.end().into_values().flatten().collect()
}

/// The effects of several items, gathered while their events are read. An event may name hundreds of items; each is looked at once.
#[derive(Debug, Default)]
pub struct Gathered {
    items: IndexMap<Arc<str>, Vec<Done>>,
}

impl Gathered {
    /// Takes in what an event says of the items that are wanted.
    pub fn take(&mut self, event: &Event, wanted: &dyn Fn(&str) -> bool) {
        match event {
            Event::StepIntent(intent) => {
                for one in intent.intents.iter().filter(|one| wanted(&one.effect.item)) {
                    let all = self.items.entry(one.effect.item.clone()).or_default();
                    // Tried once more: what is known of it stays; only what was asked for last counts.
                    if let Some(known) = all.iter_mut().find(|d| d.effect == one.effect) {
                        known.request = one.request.clone().or(known.request.take());
                        continue;
                    }
                    all.push(Done {
                        effect: one.effect.clone(),
                        class: intent.class.clone(),
                        connection: intent.connection.clone(),
                        shown: one.shown.clone(),
                        changes: Vec::new(),
                        also: Vec::new(),
                        also_added: Vec::new(),
                        request: one.request.clone(),
                        value: None,
                        fate: Fate::Not,
                        perhaps: false,
                    });
                }
            }
            Event::StepAttempt(attempt) => {
                for one in &attempt.attempts {
                    if let Some(all) = self.items.get_mut(&one.effect.item) {
                        ended(all, |d| d.effect == one.effect, Fate::Unknown);
                    }
                }
            }
            Event::StepImages(images) => {
                for one in &images.images {
                    let all = self.items.get_mut(&one.effect.item);
                    if let Some(done) = all.and_then(|all| all.iter_mut().find(|d| d.effect == one.effect)) {
                        done.changes = match done.perhaps {
                            true => change::of_both(std::mem::take(&mut done.changes), one.changes.clone()),
                            false => one.changes.clone(),
                        };
                        done.also = one.also_touched.clone();
                        done.also_added = one.also_added.clone();
                    }
                }
            }
            Event::StepOutcome(outcome) => {
                for one in &outcome.outcomes {
                    if let Some(all) = self.items.get_mut(&one.item) {
                        came_to(all, &outcome.step, one);
                    }
                }
            }
            Event::HumanDecided(decided) => {
                let fate = match &*decided.decision {
                    "done" => Fate::SaidToHave,
                    "not_done" => Fate::Not,
                    _ => return,
                };
                for item in &decided.items {
                    if let Some(all) = self.items.get_mut(item) {
                        ended(all, |d| d.effect.step == decided.step && d.fate == Fate::Unknown, fate);
                    }
                }
            }
            _ => {}
        }
    }

    /// Those that happened, or may have, item by item.
    pub fn end(mut self) -> IndexMap<Arc<str>, Vec<Done>> {
        self.items.values_mut().for_each(|all| all.retain(|done| done.fate != Fate::Not));
        self.items.retain(|_, all| !all.is_empty());
        self.items
    }
}

/// What a step of an item came to.
fn came_to(all: &mut Vec<Done>, step: &Arc<str>, one: &ItemOutcome) {
    let same = |d: &Done| d.effect.step == *step && d.effect.generation == one.generation;
    let said = all.iter().any(|d| same(d) && d.fate == Fate::SaidToHave);
    // Written, and not found as it should be: what is found when it is done again does not take that back.
    let resource = all.iter().any(|d| same(d) && is_class(&d.class));
    let stood = resource && all.iter().any(|d| same(d) && d.perhaps);
    let fate = match one.outcome {
        Outcome::Done if said && one.value.as_ref().is_none_or(Value::is_unknown) => Fate::SaidToHave,
        Outcome::Done => Fate::Happened,
        Outcome::InDoubt | Outcome::Lost => Fate::Unknown,
        _ if perhaps(one) => Fate::Unknown,
        _ if resource && (written(one) || stood) => Fate::Happened,
        _ => Fate::Not,
    };
    ended(all, same, fate);
    if let Some(done) = all.last_mut().filter(|d| same(d)) {
        if !stood || matches!(one.outcome, Outcome::Done | Outcome::Unchanged) {
            done.value = one.value.clone();
        }
        done.perhaps |= resource && one.outcome != Outcome::Done && written(one);
        done.perhaps |= one.outcome == Outcome::NotDone && *done.class == *REPEATED && !done.changes.is_empty();
    }
}

/// Without what a `rescue` has taken back already in the same run, and without that taking back.
pub fn standing(mut effects: Vec<Done>, outline: &Outline) -> Vec<Done> {
    let mut at = effects.len();
    while at > 0 {
        at -= 1;
        let Some(origin) = outline.place(&effects[at].effect.step).and_then(|place| place.origin) else { continue };
        let back = effects.remove(at);
        let of = |done: &Done| done.effect.step == origin && done.effect.item == back.effect.item;
        let Some(taken) = effects[..at].iter().rposition(of) else { continue };
        let restored = |row: &RowChange| back.changes.iter().any(|b| b.table == row.table && b.key == row.key);
        effects[taken].changes.retain(|row| row.by_rule || !restored(row));
        if effects[taken].rows().is_empty() {
            effects.remove(taken);
            at -= 1;
        }
    }
    effects
}

/// Notes what became of an effect, and puts it last: in the order of their ends they are taken back.
fn ended(all: &mut Vec<Done>, same: impl Fn(&Done) -> bool, fate: Fate) {
    if let Some(index) = all.iter().position(same) {
        let mut done = all.remove(index);
        done.fate = fate;
        all.push(done);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        base::{identity::RunId, time::Stamp, value::Map},
        effect::change::TableName,
        engine::{
            resource::BY_STATE,
            state::{RETRY, RunState},
        },
        journal::payload::*,
    };

    /// It was written, and the step failed because the change was not found at once. What a retry finds afterwards, as wanted or otherwise, does not take
    /// that back.
    #[test]
    fn a_resource_that_was_written_stays_so_whatever_a_retry_finds() {
        let (step, item): (Arc<str>, Arc<str>) = ("steps/level".into(), "1".into());
        let effect =
            EffectId { run: RunId(uuid::Uuid::from_u128(1)), item: item.clone(), step: step.clone(), generation: 0 };
        let row = |level: i64| Some(Map::from_iter([(Arc::from("level"), Value::from(level))]));
        let changes = vec![RowChange {
            table: TableName::parse("api.thing").unwrap(),
            key: Map::from_iter([(Arc::from("id"), Value::from(1))]),
            before: row(1),
            after: row(2),
            by_rule: false,
            stamps: Vec::new(),
        }];
        let intents = vec![Intent {
            effect: effect.clone(),
            shown: "PATCH /things/1".into(),
            request: None,
            request_hash: None,
            planned: Vec::new(),
        }];
        let attempts = vec![Attempt { effect: effect.clone(), attempt: 1, deadline: None }];
        let images = vec![Images { effect, changes, also_touched: Vec::new(), also_added: Vec::new() }];
        let outcome = |outcome: Outcome, value: Value| -> Event {
            let one = ItemOutcome {
                item: item.clone(),
                generation: 0,
                outcome,
                value: Some(value),
                message: None,
                response: None,
                micros: 0,
                ends: None,
                error: None,
            };
            StepOutcome { step: step.clone(), outcomes: vec![one] }.into()
        };
        let written: Vec<Event> = vec![
            StepIntent { step: step.clone(), class: BY_STATE.into(), connection: Some("api".into()), intents }.into(),
            StepAttempt { step: step.clone(), attempts }.into(),
            StepImages { step: step.clone(), images }.into(),
            outcome(Outcome::Failed, Value::text("as it was seen")),
        ];
        for (then, value) in [
            (None, "as it was seen"),
            (Some((Outcome::Unchanged, "as it is")), "as it is"),
            (Some((Outcome::Drifted, "what differs")), "as it was seen"),
        ] {
            let later = then.map(|(word, value)| outcome(word, Value::text(value)));
            let done = of(written.iter().chain(&later));
            assert_eq!(done.len(), 1, "{then:?}");
            assert_eq!((done[0].fate, done[0].rows().len()), (Fate::Happened, 1), "{then:?}");
            assert_eq!(done[0].value.as_ref().and_then(Value::as_str), Some(value), "{then:?}");
        }
        // Whoever tells of the run counts it too, although the step that was done again found all as wanted.
        let decided: Event = HumanDecided {
            step: step.clone(),
            items: vec![item.clone()],
            actor: "anna".into(),
            decision: RETRY.into(),
            values: Map::from_iter([("generation".into(), Value::from(1))]),
            reason: None,
        }
        .into();
        let again = match outcome(Outcome::Unchanged, Value::text("as it is")) {
            Event::StepOutcome(mut told) => {
                told.outcomes[0].generation = 1;
                Event::StepOutcome(told)
            }
            other => panic!("{other:?}"),
        };
        let events = written.into_iter().chain([decided, again]);
        let state = RunState::of(events.map(|event| (Stamp { micros: 0, digits: 6 }, event)));
        let of = &state.items[&item];
        assert!(of.changed() && !of.steps[&step].changed());
        assert_eq!(of.steps[&step].changes_of_run().len(), 1);
    }
}
