//! Taking back a run over many items: each item has a way back of its own, and the newest comes first. The ways are made some hundred
//! at a time from the events of the run, when they are planned and again when they are carried out, so that neither holds the run.

use super::{
    carry::{Listed, let_go, lines, list},
    plan::{Crowd, Into, Kept, head},
};
use crate::{
    base::identity::{RunId, SINGLE_ITEM},
    connection::standing::Standing,
    engine::{
        fleet::{Make, summary::Summary},
        outline::Outline,
        rehearse::{self, Answers},
        sets::{built, fit},
        setting::{OneItem, Part, RunFacts, Setting},
        state::{ItemState, RunState},
        undo::{
            PURPOSE,
            done::{self, Done},
            outline::{self, Past, Wish},
            trail::Trail,
        },
        watch::Watch,
    },
    journal::{Journal, failure::JournalError, payload::RunCreated},
    ops::{
        Failure, Surroundings,
        apply::Carried,
        record::Record,
        undo::{Wish as Asked, earlier, wish_of},
    },
    plan::{ItemPlan, Many, Plan, Tally, file::Saved, stored},
    template::scope::Entry,
};
use futures_util::{Stream, StreamExt, stream};
use std::{
    collections::{BTreeMap, HashMap, VecDeque},
    sync::{Arc, atomic::AtomicBool},
};
use tokio::sync::Mutex;

/// So many ways back are made together. A set of items has them from one such part, or from two.
const TOGETHER: usize = 256;
/// So many of these parts are held: items come in the order of the parts, and one that is begun has its way back.
const HELD: usize = 2;
/// Of items with a subject as many as one of them may stand behind the others (`engine/fleet/lanes.rs`).
const HELD_OF_SUBJECTS: usize = 4;

/// The ways back of all items, the newest first.
pub struct Backward {
    run: Setting,
    journal: Journal,
    /// The run, behind the runs that it takes back itself: the first one did the steps of the playbook.
    chain: Vec<Trail>,
    /// Earlier undos of the run, which left something alone.
    made: Vec<Trail>,
    all_or_nothing: bool,
    leave: Vec<String>,
    once: Arc<Vec<(Arc<str>, Entry)>>,
    /// Numbers of items in the run, in the order in which they are taken back.
    order: Vec<u32>,
    /// Where each number stands in that order.
    places: Vec<u32>,
    /// The way back of what was done once for all items, which comes before theirs; nothing where that did nothing.
    of_once: Option<Setting>,
    ready: Mutex<VecDeque<(usize, Arc<Ways>)>>,
}

/// The settings of some items, in their order.
type Ways = Vec<(Arc<str>, Setting)>;

/// An item of which nothing can be taken back.
const NOWHERE: u32 = u32::MAX;

impl Backward {
    /// How many items may have something to be taken back.
    pub fn count(&self) -> usize {
        self.order.len()
    }

    /// How many events the run had when it was looked at.
    pub fn length(&self) -> u64 {
        self.chain.last().map_or(0, Trail::length)
    }

    /// Whether anything is there to be taken back.
    pub async fn is_any(&self) -> Result<bool, JournalError> {
        if self.of_once.is_some() {
            return Ok(true);
        }
        for part in 0..self.parts() {
            if !self.part(part).await?.is_empty() {
                return Ok(true);
            }
        }
        Ok(false)
    }

    fn parts(&self) -> usize {
        self.order.len().div_ceil(TOGETHER)
    }

    /// The settings of all items, one after the other.
    fn each(&self) -> impl Stream<Item = Result<(Arc<str>, Setting), JournalError>> {
        stream::iter(0..self.parts()).then(|part| self.part(part)).flat_map(|ways| {
            let (ways, error) = match ways {
                Ok(ways) => (ways.to_vec(), None),
                Err(error) => (Vec::new(), Some(Err(error))),
            };
            stream::iter(ways.into_iter().map(Ok).chain(error))
        })
    }

    /// The setting of each.
    pub fn make(self: &Arc<Self>) -> Make {
        let backward = self.clone();
        Arc::new(move |item, _| {
            let (backward, key) = (backward.clone(), item.key.clone());
            Box::pin(async move { backward.of_item(&key).await })
        })
    }

    /// The setting of one item.
    pub async fn of_item(&self, key: &Arc<str>) -> Result<Setting, JournalError> {
        if &**key == SINGLE_ITEM {
            return Ok(self.of_once.clone().unwrap_or_else(|| nothing(key, &self.run)));
        }
        let number = self.chain.last().and_then(|run| run.number_of(key));
        let place = number.and_then(|number| self.places.get(number as usize)).filter(|place| **place != NOWHERE);
        let Some(place) = place else { return Ok(nothing(key, &self.run)) };
        let ways = self.part(*place as usize / TOGETHER).await?;
        let own = ways.iter().find(|(of, _)| of == key).map(|(_, own)| own.clone());
        // An item of which nothing happened in the end has nothing to be taken back.
        Ok(own.unwrap_or_else(|| nothing(key, &self.run)))
    }

    /// One part, made now or lately.
    async fn part(&self, at: usize) -> Result<Arc<Ways>, JournalError> {
        let mut ready = self.ready.lock().await;
        if let Some((_, ways)) = ready.iter().find(|(part, _)| *part == at) {
            return Ok(ways.clone());
        }
        let numbers = self.order.chunks(TOGETHER).nth(at).unwrap_or_default();
        let ways = Arc::new(self.ways(numbers).await?);
        let subjects = self.run.playbook.targets.as_ref().is_some_and(|targets| targets.subject.is_some());
        if ready.len() >= if subjects { HELD_OF_SUBJECTS } else { HELD } {
            ready.pop_front();
        }
        ready.push_back((at, ways.clone()));
        Ok(ways)
    }

    /// The ways back of these items.
    async fn ways(&self, numbers: &[u32]) -> Result<Ways, JournalError> {
        let Some((run, before)) = self.chain.split_last() else { return Ok(Ways::new()) };
        let mut own = run.part(&self.journal, &numbers.iter().copied().collect()).await?;
        let keys: Vec<Arc<str>> = own.effects.keys().cloned().collect();
        let mut past = Vec::with_capacity(self.chain.len());
        for run in before {
            past.push((run.facts(), run.part_of(&self.journal, &keys).await?.state));
        }
        let mut made = Vec::with_capacity(self.made.len());
        for undo in &self.made {
            made.push((undo.id(), undo.part_of(&self.journal, &keys).await?.effects));
        }
        let effects = std::mem::take(&mut own.effects);
        past.push((run.facts(), own.state));
        let numbered = effects.into_iter().filter_map(|(key, effects)| Some((run.number_of(&key)?, (key, effects))));
        let mut by_number: HashMap<u32, (Arc<str>, Vec<Done>)> = numbered.collect();
        let mut ways = Ways::with_capacity(numbers.len());
        for number in numbers {
            let Some((key, effects)) = by_number.remove(number) else { continue };
            let own = self.way(&key, effects, &past, &made);
            if !own.outline.nodes.is_empty() {
                ways.push((key, own));
            }
        }
        Ok(ways)
    }

    /// The way back of what was done once. It was done after the last item, so it is the newest.
    fn once_back(&self) -> Option<Setting> {
        let run = self.chain.last()?;
        let key: Arc<str> = SINGLE_ITEM.into();
        let past: Vec<_> = self.chain.iter().map(|run| (run.facts(), run.run.clone())).collect();
        let by_item = |undo: &Trail| (undo.id(), indexmap::IndexMap::from([(key.clone(), undo.once.clone())]));
        let made: Vec<Made> = self.made.iter().map(by_item).collect();
        let own = self.way(&key, run.once.clone(), &past, &made);
        (!own.outline.nodes.is_empty()).then_some(own)
    }

    /// The way back of one item.
    fn way(&self, key: &Arc<str>, effects: Vec<Done>, past: &[(Option<RunFacts>, RunState)], made: &[Made]) -> Setting {
        let value = past.first().and_then(|(_, state)| stored::load(&state.plan_of(key)?)?.item);
        let (part, counts) = if **key == *SINGLE_ITEM {
            // What is said once may count the items of the run.
            let closed = past.first().and_then(|(_, state)| state.closed.as_ref());
            (Part::Once, closed.map(|closed| Summary::of_counts(&closed.counts).value()))
        } else {
            (Part::Each, None)
        };
        let about = OneItem { key: key.clone(), value, once: self.once.clone(), part, counts };
        let mut own = self.run.about(about);
        let states: Vec<(RunFacts, RunState)> =
            past.iter().filter_map(|(facts, state)| Some((facts.clone()?, only(state, key)))).collect();
        let past: Vec<Past<'_>> = states.iter().map(|(facts, state)| Past { facts: facts.clone(), state }).collect();
        let made: Vec<(Done, RunId)> = made
            .iter()
            .flat_map(|(id, effects)| effects.get(key).into_iter().flatten().map(|done| (done.clone(), *id)))
            .collect();
        let effects = done::standing(effects, &own.outline);
        let (all_or_nothing, leave) = (self.all_or_nothing, &*self.leave);
        let wish = Wish { effects: &effects, item: Some(key), all_or_nothing, leave, made: &made };
        let outline = outline::of(&own, &past, &wish);
        own.set_outline(outline);
        own
    }
}

/// What one run did, by item.
type Made = (RunId, indexmap::IndexMap<Arc<str>, Vec<Done>>);

/// Nothing is to be done for this item.
fn nothing(key: &Arc<str>, run: &Setting) -> Setting {
    let mut setting = run.about(OneItem { key: key.clone(), part: Part::Each, ..OneItem::default() });
    setting.set_outline(Outline::of_undo(Vec::new(), setting.scope()));
    setting
}

/// The ways back of a run's items, from its events, as they are asked for. `made`: earlier undos of it.
pub async fn backward(
    record: &Record,
    setting: &Setting,
    run: RunId,
    wish: &Asked,
    made: &[RunId],
) -> Result<Arc<Backward>, Failure> {
    let item = wish.item.as_deref();
    let mut chain = Vec::new();
    let mut next = Some(run);
    while let Some(run) = next {
        let trail = Trail::read(&record.journal, run, item).await?;
        next = trail.run.created.as_ref().filter(|c| &*c.purpose == PURPOSE).and_then(|c| c.about);
        chain.push(trail);
    }
    chain.reverse();
    let mut earlier = Vec::with_capacity(made.len());
    for undo in made {
        earlier.push(Trail::read(&record.journal, *undo, item).await?);
    }
    let once = Arc::new(chain.first().map(|first| once(setting, &first.run)).unwrap_or_default());
    let order = chain.last().map(Trail::newest_first).unwrap_or_default();
    let mut places = vec![NOWHERE; chain.last().map_or(0, Trail::count)];
    for (place, number) in (0_u32..).zip(&order) {
        places[*number as usize] = place;
    }
    // What all items have in common is put together once.
    let mut run = setting.about(OneItem { part: Part::Each, ..OneItem::default() });
    run.grounds = Some(Arc::default());
    let mut backward = Backward {
        run,
        journal: record.journal.clone(),
        chain,
        made: earlier,
        all_or_nothing: wish.all_or_nothing,
        leave: wish.leave.clone(),
        once,
        order,
        places,
        of_once: None,
        ready: Mutex::default(),
    };
    if item.is_none_or(|item| item == SINGLE_ITEM) {
        backward.of_once = backward.once_back();
    }
    Ok(Arc::new(backward))
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

/// Tries every item's way back out. With `into` the plan is kept in that file.
pub async fn plan(
    setting: &Setting,
    backward: &Backward,
    title: Arc<str>,
    watch: Watch<'_>,
    into: Option<Into<'_>>,
) -> Result<(Plan, Option<Saved>), Failure> {
    let Some(workplace) = setting.workplace.clone() else {
        return Err(Failure::usage("the playbook has no `targets`"));
    };
    let standings = Arc::new(super::plan::standings(setting).await?);
    let mut plan = head(setting, &standings);
    plan.title = title;
    let of = backward.count() as u64;
    built::look(setting, true).await;
    let goes = Some(fit::way_back(setting).to_string());
    let (tally, digest) = (Tally::default(), String::new());
    plan.many = Some(Box::new(Many { tally, digest, of, lone: 0, matched: None, goes, file: None }));
    let mut kept = Kept::new(plan, into, &workplace, Default::default())?;
    kept.add(once_planned(backward, &standings, watch).await?)?;
    let settings = backward.each().map(|own| {
        let (_, mut own) = own?;
        own.standings = Some(standings.clone());
        Ok((own, None))
    });
    let crowd = Crowd { answers: Arc::default(), watch, of: "item" };
    let together = super::sets::rehearsal_back(setting);
    crowd.all(std::pin::pin!(settings), setting, together, of, &mut kept).await?;
    let (mut plan, saved) = kept.end()?;
    // Items in which something was tried and nothing happened are not in it.
    if let Some(many) = &mut plan.many {
        many.of = many.tally.items;
    }
    Ok((plan, saved))
}

/// The way back of what was done once, tried out.
async fn once_planned(
    backward: &Backward,
    standings: &Arc<BTreeMap<Arc<str>, Standing>>,
    watch: Watch<'_>,
) -> Result<ItemPlan, Failure> {
    let empty = || super::plan::empty(SINGLE_ITEM.into());
    let Some(mut own) = backward.of_once.clone() else { return Ok(empty()) };
    own.standings = Some(standings.clone());
    match rehearse::plan(&own, &Answers::default(), watch).await {
        Ok(mut plan) => Ok(plan.items.pop().unwrap_or_else(empty)),
        Err(failure) => super::plan::failing(*failure, &own, "part"),
    }
}

/// Records a planned undo as a run.
pub async fn record(
    record: &Record,
    setting: &Setting,
    plan: &Plan,
    created: RunCreated,
    backward: &Arc<Backward>,
) -> Result<(), Failure> {
    let items = lines(record, plan, None)?;
    list(record, &listed(setting, plan, created, backward), items, None).await.map(drop)
}

/// Carries one out that was recorded.
#[allow(clippy::too_many_arguments, reason = "what a run is made of, one by one")]
pub async fn carry(
    surroundings: &Surroundings,
    record: &Record,
    setting: &Setting,
    plan: &Plan,
    created: RunCreated,
    backward: &Arc<Backward>,
    watch: Watch<'_>,
    pause: &AtomicBool,
) -> Result<Carried, Failure> {
    let_go(surroundings, record, listed(setting, plan, created, backward), watch, pause).await
}

fn listed<'a>(setting: &'a Setting, plan: &'a Plan, created: RunCreated, backward: &Arc<Backward>) -> Listed<'a> {
    let with_once = backward.of_once.is_some();
    Listed { setting, plan, created, seen: Vec::new(), drifted: HashMap::default(), make: backward.make(), with_once }
}

/// How the items of a run that is an undo are taken back: made again from the events of the run that it takes back.
pub async fn of_run(record: &Record, setting: &Setting, created: &RunCreated) -> Result<Option<Make>, Failure> {
    Ok(backward_of(record, setting, created).await?.map(|backward| backward.make()))
}

/// The ways back themselves.
pub async fn backward_of(
    record: &Record,
    setting: &Setting,
    created: &RunCreated,
) -> Result<Option<Arc<Backward>>, Failure> {
    let Some(about) = created.about.filter(|_| &*created.purpose == PURPOSE) else { return Ok(None) };
    let made = earlier(record, setting.run.id, about).await?;
    Ok(Some(backward(record, setting, about, &wish_of(created), &made).await?))
}
