//! Taking back a run over many items: each item has a way back of its own, and the newest comes first.

use super::{
    carry::{Listed, set_out},
    plan::{Crowd, Kept, head},
};
use crate::{
    base::identity::{RunId, SINGLE_ITEM},
    engine::{
        fleet::Make,
        outline::Outline,
        setting::{OneItem, Part, RunFacts, Setting},
        state::{ItemState, RunState},
        undo::{
            PURPOSE,
            done::{self, Done},
            outline::{self, Past, Wish},
        },
        watch::Watch,
    },
    journal::{event::Event, payload::RunCreated},
    ops::{Failure, Surroundings, apply::Carried, record::Record},
    plan::{Many, Plan, Tally, stored},
    template::scope::Entry,
};
use std::{
    collections::HashMap,
    sync::{Arc, atomic::AtomicBool},
};

/// The ways back of all items, the newest first.
pub struct Backward {
    run: Setting,
    /// Keys in their order.
    order: Vec<Arc<str>>,
    settings: HashMap<Arc<str>, Setting>,
}

impl Backward {
    /// How many items have something to be taken back.
    pub fn count(&self) -> usize {
        self.order.len()
    }

    /// The setting of each.
    pub fn make(self) -> Make {
        let (run, settings) = (self.run, self.settings);
        Arc::new(move |item, _| {
            let known = settings.get(&item.key).cloned();
            // An item that the list does not name has nothing to be taken back.
            known.unwrap_or_else(|| nothing(&item.key, &run))
        })
    }
}

/// Nothing is to be done for this item.
fn nothing(key: &Arc<str>, run: &Setting) -> Setting {
    let mut setting = run.about(OneItem { key: key.clone(), part: Part::Each, ..OneItem::default() });
    setting.set_outline(Outline::of_undo(Vec::new(), setting.scope()));
    setting
}

/// The ways back of a run's items, from its events. `item`: only this one.
pub async fn backward(
    record: &Record,
    setting: &Setting,
    run: RunId,
    item: Option<&str>,
    all_or_nothing: bool,
    made: &[(Done, RunId)],
) -> Result<Backward, Failure> {
    let mut chain = Vec::new();
    let mut next = Some(run);
    while let Some(run) = next {
        let state = record.state(run).await?;
        next = state.created.as_ref().filter(|c| &*c.purpose == PURPOSE).and_then(|c| c.about);
        chain.push((run, state));
    }
    chain.reverse();
    let once = Arc::new(chain.first().map(|(_, state)| once(setting, state)).unwrap_or_default());
    let events = record.journal.events(run).await?;
    let by_item = by_item(events.iter().map(|stored| &stored.event), item);
    let mut backward = Backward { run: setting.clone(), order: Vec::new(), settings: HashMap::new() };
    for (key, effects) in by_item {
        let value = chain.first().and_then(|(_, state)| stored::load(&state.plan_of(&key)?)?.item);
        let about = OneItem { key: key.clone(), value, once: once.clone(), part: Part::Each, counts: None };
        let mut own = setting.about(about);
        let states: Vec<(RunFacts, RunState)> =
            chain.iter().filter_map(|(id, state)| Some((facts(*id, state)?, only(state, &key)))).collect();
        let past: Vec<Past<'_>> = states.iter().map(|(facts, state)| Past { facts: facts.clone(), state }).collect();
        let made: Vec<(Done, RunId)> = made.iter().filter(|(done, _)| done.effect.item == key).cloned().collect();
        let wish = Wish { effects: &effects, item: Some(&key), all_or_nothing, made: &made };
        own.outline = outline::of(&own, &past, &wish);
        if !own.outline.nodes.is_empty() {
            backward.order.push(key.clone());
            backward.settings.insert(key, own);
        }
    }
    Ok(backward)
}

fn facts(id: RunId, state: &RunState) -> Option<RunFacts> {
    let created = state.created.as_ref()?;
    Some(RunFacts { id, actor: created.actor.clone(), reason: created.reason.as_str().into(), now: created.now })
}

/// The run as if it had had this item only.
fn only(state: &RunState, key: &Arc<str>) -> RunState {
    let mut one = RunState { created: state.created.clone(), created_at: state.created_at, ..RunState::default() };
    let item = state.items.get(key).cloned().unwrap_or_else(ItemState::default);
    one.items.insert(key.clone(), item);
    one
}

/// What was done once for all items, under the names of its steps.
fn once(setting: &Setting, state: &RunState) -> Vec<(Arc<str>, Entry)> {
    let steps = state.items.get(SINGLE_ITEM).into_iter().flat_map(|item| &item.steps);
    let named = steps.filter_map(|(path, step)| {
        let place = setting.outline.place(path)?;
        Some((place.id()?.into(), Entry::Value(step.result()?.clone())))
    });
    named.collect()
}

/// The effects of each item, the item that ended last first.
fn by_item<'e>(events: impl Iterator<Item = &'e Event>, only: Option<&str>) -> Vec<(Arc<str>, Vec<Done>)> {
    let mut lists: HashMap<Arc<str>, (usize, Vec<&Event>)> = HashMap::new();
    for (number, event) in events.enumerate() {
        let items: Vec<&Arc<str>> = match event {
            Event::StepIntent(intent) => intent.intents.iter().map(|one| &one.effect.item).collect(),
            Event::StepAttempt(attempt) => attempt.attempts.iter().map(|one| &one.effect.item).collect(),
            Event::StepImages(images) => images.images.iter().map(|one| &one.effect.item).collect(),
            Event::StepOutcome(outcome) => outcome.outcomes.iter().map(|one| &one.item).collect(),
            Event::HumanDecided(decided) => decided.items.iter().collect(),
            _ => continue,
        };
        for item in items.into_iter().filter(|item| only.is_none_or(|only| *only == ***item) && &***item != SINGLE_ITEM)
        {
            let list = lists.entry(item.clone()).or_default();
            list.0 = number;
            list.1.push(event);
        }
    }
    let mut all: Vec<(usize, Arc<str>, Vec<Done>)> = lists
        .into_iter()
        .map(|(key, (last, events))| {
            let mut effects = done::of(events);
            effects.retain(|done| done.effect.item == key);
            (last, key, effects)
        })
        .filter(|(.., effects)| !effects.is_empty())
        .collect();
    all.sort_by_key(|(last, ..)| std::cmp::Reverse(*last));
    all.into_iter().map(|(_, key, effects)| (key, effects)).collect()
}

/// Tries every item's way back out.
pub async fn plan(setting: &Setting, backward: &Backward, title: Arc<str>, watch: Watch<'_>) -> Result<Plan, Failure> {
    let Some(workplace) = setting.workplace.clone() else {
        return Err(Failure::usage("the playbook has no `targets`"));
    };
    let standings = Arc::new(super::plan::standings(setting).await?);
    let mut plan = head(setting, &standings);
    plan.title = title;
    let of = backward.count() as u64;
    plan.many =
        Some(Box::new(Many { tally: Tally::default(), digest: String::new(), of, lone: 0, goes: None, file: None }));
    let mut kept = Kept::new(plan, None, &workplace)?;
    kept.add(super::plan::empty(SINGLE_ITEM.into()))?;
    let settings = backward.order.iter().filter_map(|key| backward.settings.get(key)).map(|own| {
        let mut own = own.clone();
        own.standings = Some(standings.clone());
        Ok((own, None))
    });
    let crowd = Crowd { answers: Arc::default(), watch, of: "item" };
    crowd.all(settings, setting, of, &mut kept).await?;
    Ok(kept.end()?.0)
}

/// Records a planned undo as a run, and carries it out.
#[allow(clippy::too_many_arguments, reason = "what a run is made of, one by one")]
pub async fn carry(
    surroundings: &Surroundings,
    record: &Record,
    setting: &Setting,
    plan: &Plan,
    created: RunCreated,
    backward: Backward,
    watch: Watch<'_>,
    pause: &AtomicBool,
) -> Result<Carried, Failure> {
    let listed = Listed { setting, plan, created, seen: Vec::new(), make: backward.make(), with_once: false };
    set_out(surroundings, record, listed, watch, pause).await
}

/// How the items of a run that is an undo are taken back: made again from the events of the run that it takes back.
pub async fn of_run(record: &Record, setting: &Setting, created: &RunCreated) -> Result<Option<Make>, Failure> {
    let Some(about) = created.about.filter(|_| &*created.purpose == PURPOSE) else { return Ok(None) };
    let wish = created.plan.clone().unwrap_or(crate::base::value::Value::NULL);
    let item = wish.get("item").and_then(|v| v.as_str().map(str::to_owned));
    let all_or_nothing = wish.get("all_or_nothing").and_then(|v| v.as_bool()).unwrap_or(false);
    let made = crate::ops::undo::made_before(record, setting.run.id, about).await?;
    let backward = backward(record, setting, about, item.as_deref(), all_or_nothing, &made).await?;
    Ok(Some(backward.make()))
}
