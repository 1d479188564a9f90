//! The trail of a run over many items: where the journal holds what happened in each of them. An undo reads some hundred items at a
//! time with it and lets them go again, so that it never holds the run.
//!
//! Reading it verifies the whole chain; what is read later is compared with the hash that the chain gave it then.

use super::done::{Done, Gathered};
use crate::{
    base::identity::{RunId, SINGLE_ITEM},
    engine::{
        fleet::roll::{Name, name},
        setting::RunFacts,
        state::RunState,
    },
    journal::{Appended, Journal, Mention, Sifted, failure::JournalError},
};
use indexmap::IndexMap;
use std::{
    collections::{HashMap, HashSet},
    sync::Arc,
};

/// So many events are read at a time. One may hold the rows of hundreds of items.
const EVENTS: usize = 8;
const NONE: u32 = u32::MAX;
/// That an item was verified changes nothing of what it did.
const VERIFIED: &str = "item.verified";

/// Where everything of a run stands.
#[derive(Debug)]
pub struct Trail {
    id: RunId,
    /// The run; of its items only what is done once for all of them.
    pub run: RunState,
    /// What that did: messages, as a rule.
    pub once: Vec<Done>,
    head: Option<Appended>,
    numbers: HashMap<Name, u32>,
    /// The last event about an effect of each item, by number; 0 where nothing was tried.
    last: Vec<u32>,
    /// Item and event, both by number, in their order.
    pairs: Vec<(u32, u32)>,
    events: Vec<Appended>,
}

/// What happened in some items.
#[derive(Debug)]
pub struct Part {
    /// Their states, as their events leave them.
    pub state: RunState,
    /// What they did.
    pub effects: IndexMap<Arc<str>, Vec<Done>>,
}

impl Trail {
    /// Of a run as it stands now. `only`: of this item.
    pub async fn read(journal: &Journal, run: RunId, only: Option<&str>) -> Result<Trail, JournalError> {
        let mut trail = Trail {
            id: run,
            run: RunState::default(),
            once: Vec::new(),
            head: None,
            numbers: HashMap::new(),
            last: Vec::new(),
            pairs: Vec::new(),
            events: Vec::new(),
        };
        let mut once = Gathered::default();
        trail.head = journal.sift(run, None, &mut |one| trail.take(one, only, &mut once)).await?;
        trail.once = once.end().swap_remove(SINGLE_ITEM).unwrap_or_default();
        trail.pairs.sort_unstable();
        trail.pairs.shrink_to_fit();
        Ok(trail)
    }

    /// Whose it is.
    pub fn id(&self) -> RunId {
        self.id
    }

    /// How many events the run had when it was read.
    pub fn length(&self) -> u64 {
        self.head.map_or(0, |head| head.seq)
    }

    /// Who did it, and why.
    pub fn facts(&self) -> Option<RunFacts> {
        let created = self.run.created.as_ref()?;
        let (actor, reason) = (created.actor.clone(), created.reason.as_str().into());
        Some(RunFacts { id: self.id, actor, reason, now: created.now })
    }

    /// The items in which something was tried, by number, the newest first. Of a set, which did it in one, the last that was listed is the newest.
    pub fn newest_first(&self) -> Vec<u32> {
        let numbers = (0_u32..).zip(&self.last).filter(|(_, last)| **last > 0);
        let mut numbers: Vec<u32> = numbers.map(|(number, _)| number).collect();
        numbers.sort_unstable_by_key(|number| std::cmp::Reverse((self.last[*number as usize], *number)));
        numbers
    }

    /// How many items it knows.
    pub fn count(&self) -> usize {
        self.last.len()
    }

    /// The number of an item.
    pub fn number_of(&self, key: &str) -> Option<u32> {
        self.numbers.get(&name(key)).copied()
    }

    fn take(&mut self, one: &Sifted<'_>, only: Option<&str>, once: &mut Gathered) -> Result<(), JournalError> {
        let (place, tried) = (one.place, is_effect(one.name()));
        if one.name() == VERIFIED {
            return Ok(());
        }
        let of_run = one.mentions(|mention| match mention {
            Mention::Run => true,
            // How an item ended is not asked for here.
            Mention::Closed(items) => items.iter().any(|(key, ..)| key == SINGLE_ITEM),
            Mention::Started(keys) | Mention::Step(keys) => {
                self.note(keys.iter().map(|key| &**key), place, tried, only)
            }
            Mention::Human(keys) => {
                self.note(keys.iter().map(|key| &**key), place, false, only);
                true
            }
        })?;
        if of_run {
            let stored = one.event()?;
            if only.is_none_or(|only| only == SINGLE_ITEM) {
                once.take(&stored.event, &|key| key == SINGLE_ITEM);
            }
            let (at, event) = stored.said();
            self.run.take(at, event);
            self.run.items.retain(|key, _| &**key == SINGLE_ITEM);
        }
        Ok(())
    }

    /// Whether it is also about what is done once.
    fn note<'k>(
        &mut self,
        keys: impl Iterator<Item = &'k str>,
        place: Appended,
        tried: bool,
        only: Option<&str>,
    ) -> bool {
        let (mut once, event) = (false, u32::try_from(self.events.len()).unwrap_or(NONE));
        let before = self.pairs.len();
        for key in keys {
            if key == SINGLE_ITEM {
                once = true;
                continue;
            }
            if only.is_some_and(|only| only != key) {
                continue;
            }
            let next = u32::try_from(self.last.len()).unwrap_or(NONE);
            let number = *self.numbers.entry(name(key)).or_insert(next);
            if number == next {
                self.last.push(0);
            }
            if tried {
                self.last[number as usize] = u32::try_from(place.seq).unwrap_or(NONE);
            }
            self.pairs.push((number, event));
        }
        if self.pairs.len() > before {
            self.events.push(place);
        }
        once
    }

    /// What happened in these items; those that the run does not have are not in it.
    pub async fn part(&self, journal: &Journal, numbers: &HashSet<u32>) -> Result<Part, JournalError> {
        let mut events: Vec<u32> = numbers.iter().flat_map(|number| self.events_of(*number)).collect();
        events.sort_unstable();
        events.dedup();
        let wanted = |key: &str| self.number_of(key).is_some_and(|number| numbers.contains(&number));
        let created = self.run.created.clone();
        let mut state = RunState { created, created_at: self.run.created_at, ..RunState::default() };
        let mut gathered = Gathered::default();
        for some in events.chunks(EVENTS) {
            let places: Vec<Appended> = some.iter().filter_map(|at| self.events.get(*at as usize)).copied().collect();
            for stored in journal.events_at(self.id, &places).await? {
                gathered.take(&stored.event, &wanted);
                let (at, event) = stored.said();
                state.take(at, event);
                // Others that an event names as well are let go once they are the most.
                if state.items.len() > 2 * numbers.len() {
                    state.items.retain(|key, _| wanted(key));
                }
            }
        }
        state.items.retain(|key, _| wanted(key));
        Ok(Part { state, effects: gathered.end() })
    }

    /// The same, by their keys.
    pub async fn part_of(&self, journal: &Journal, keys: &[Arc<str>]) -> Result<Part, JournalError> {
        let numbers = keys.iter().filter_map(|key| self.number_of(key)).collect();
        self.part(journal, &numbers).await
    }

    fn events_of(&self, number: u32) -> impl Iterator<Item = u32> {
        let from = self.pairs.partition_point(|(item, _)| *item < number);
        self.pairs[from..].iter().take_while(move |(item, _)| *item == number).map(|(_, event)| *event)
    }
}

/// Something may have been done by then.
fn is_effect(name: &str) -> bool {
    matches!(name, "step.attempt" | "step.images")
}
