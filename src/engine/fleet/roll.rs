//! The roll of a run's items: how far each of them is, and where the journal holds the rest. A run of a million items is
//! looked through with it, gone on with and shown, and only what is under way is held whole.
//!
//! Reading it verifies the whole chain. What is read later (a plan when its item's turn comes) is compared with the hash that
//! the chain gave it then.

use super::{
    pace::{self, Before},
    summary::{BEHIND, Reason, Summary},
};
use crate::{
    base::identity::{RunId, SINGLE_ITEM},
    effect::reasons::{Filed, filed},
    engine::state::{ItemState, RETRY, RunState},
    journal::{Appended, Journal, Mention, Sifted, event::Event, failure::JournalError, words::End},
};
use std::{
    collections::{HashMap, HashSet},
    hash::{BuildHasher, RandomState},
    sync::{Arc, LazyLock},
};

/// So many items are made from their events at a time.
const TOGETHER: usize = 500;
/// So many events are read at a time.
const EVENTS: usize = 8;

/// The items of a run, in the order in which they were listed.
#[derive(Debug)]
pub struct Roll {
    id: RunId,
    /// The run; of its items only what is done once for all of them (or the one record that it is about).
    pub run: RunState,
    head: Option<Appended>,
    pub(super) lines: Vec<Line>,
    numbers: HashMap<Name, u32>,
    /// The events that list items.
    pub(super) listed: Vec<Appended>,
    /// Where it stands what happened in the items that are not well over.
    places: HashMap<u32, Vec<Appended>>,
    /// Items of which not all places are known: they were well over and are open again.
    gaps: HashSet<u32>,
    whys: Vec<Why>,
    /// How many items were begun.
    begun: u32,
    /// Items that did not end well since somebody last said to go on, each with how many had begun when it ended.
    bad: HashMap<u32, u32>,
    /// Its limits paused the run, and nobody has said to go on since.
    limited: bool,
}

/// A key, in sixteen bytes.
pub(in crate::engine) type Name = [u8; 16];

/// One item. Small, because there are many.
#[derive(Clone, Copy, Debug)]
pub(super) struct Line {
    pub(super) end: Option<End>,
    /// Its reason among [`Roll::whys`].
    why: Option<u8>,
    /// Something happened in a step of it, or it had its turn.
    begun: bool,
    /// It is to be done again, and nothing has happened in it since.
    again: bool,
    /// Where it is listed, among [`Roll::listed`].
    pub(super) listing: u32,
    /// Number of the last event about it.
    last: u32,
}

impl Line {
    /// It was begun and is not over.
    pub(super) fn is_under_way(&self) -> bool {
        self.begun && !self.again && self.end.is_none()
    }
}

const NOWHERE: u32 = u32::MAX;

/// Why items ended so.
#[derive(Debug)]
struct Why {
    end: End,
    reason: String,
    /// The item for which it was said first.
    key: String,
    items: u64,
    first: Vec<(u32, Arc<str>)>,
}

impl Roll {
    /// Of a run as it stands now.
    pub async fn read(journal: &Journal, run: RunId) -> Result<Roll, JournalError> {
        let mut roll = Roll {
            id: run,
            run: RunState::default(),
            head: None,
            lines: Vec::new(),
            numbers: HashMap::new(),
            listed: Vec::new(),
            places: HashMap::new(),
            gaps: HashSet::new(),
            whys: Vec::new(),
            begun: 0,
            bad: HashMap::new(),
            limited: false,
        };
        roll.catch_up(journal).await?;
        Ok(roll)
    }

    /// What was recorded since it was read.
    pub async fn catch_up(&mut self, journal: &Journal) -> Result<(), JournalError> {
        let (id, after) = (self.id, self.head);
        self.head = journal.sift(id, after, &mut |one| self.take(one)).await?;
        Ok(())
    }

    /// How many items there are.
    pub fn count(&self) -> usize {
        self.lines.len()
    }

    /// What its limits have to know of it.
    pub fn before(&self) -> Before {
        Before { begun: self.begun.into(), bad: self.bad.values().copied().map(u64::from).collect() }
    }

    /// Its limits stopped it, and nobody has said since that it goes on.
    pub fn is_stopped_by_limits(&self) -> bool {
        self.limited && self.run.paused.is_some()
    }

    /// How many items are not over.
    pub fn open(&self) -> usize {
        self.lines.iter().filter(|line| line.end.is_none()).count()
    }

    /// Whether it is an item of the run.
    pub fn has(&self, key: &str) -> bool {
        if key == SINGLE_ITEM { self.run.items.contains_key(key) } else { self.numbers.contains_key(&name(key)) }
    }

    /// How an item ended.
    pub fn end_of(&self, key: &str) -> Option<End> {
        self.lines.get(self.number_of(key)? as usize)?.end
    }

    /// Its place in the list; nothing for what is done once.
    pub fn number_of(&self, key: &str) -> Option<u32> {
        self.numbers.get(&name(key)).copied()
    }

    /// What the items that are over came to, but for their rows.
    pub fn summary(&self) -> Summary {
        let mut summary = Summary { of: self.lines.len() as u64, ..Summary::default() };
        for end in self.lines.iter().filter_map(|line| line.end) {
            *summary.ends.entry(end).or_default() += 1;
        }
        let reasons = self.whys.iter().filter(|why| why.items > 0);
        summary.reasons = reasons
            .map(|why| Reason {
                end: why.end,
                reason: why.reason.clone(),
                items: why.items,
                first: why.first.iter().map(|(_, key)| key.clone()).collect(),
            })
            .collect();
        summary
    }

    fn take(&mut self, one: &Sifted<'_>) -> Result<(), JournalError> {
        let place = one.place;
        self.run.events = place.seq;
        let of_run = one.mentions(|mention| self.note(mention, place))?;
        if !of_run {
            return Ok(());
        }
        let stored = one.event()?;
        match &stored.event {
            Event::HumanDecided(decided) if &*decided.decision == RETRY => {
                for item in decided.items.iter().filter(|item| &***item != SINGLE_ITEM) {
                    self.reopen(item);
                }
                self.said_to_go_on();
            }
            Event::RunPaused(paused) => self.limited |= pace::is_limit(&paused.reason),
            // Where there is a reason it goes on by itself, or somebody has answered or decided one thing.
            Event::RunResumed(resumed) if self.limited && resumed.reason.is_none() => self.said_to_go_on(),
            _ => {}
        }
        let (at, event) = stored.said();
        self.run.take(at, event);
        self.run.items.retain(|key, _| &**key == SINGLE_ITEM);
        self.run.events = place.seq;
        Ok(())
    }

    /// Somebody who has seen what did not end well.
    fn said_to_go_on(&mut self) {
        self.bad.clear();
        self.limited = false;
    }

    /// Whether it is also about the run itself.
    fn note(&mut self, mention: &Mention<'_>, place: Appended) -> bool {
        match mention {
            Mention::Run => true,
            Mention::Started(keys) => {
                let listing = u32::try_from(self.listed.len()).unwrap_or(NOWHERE);
                self.listed.push(place);
                let mut once = false;
                for key in keys {
                    match self.number(key) {
                        Some(number) => self.lines[number as usize].listing = listing,
                        None => once = true,
                    }
                }
                once
            }
            Mention::Step(keys) => self.happened(keys.iter().map(|key| &**key), place),
            // A decision may also open the run again, or agree to it.
            Mention::Human(keys) => {
                self.happened(keys.iter().map(|key| &**key), place);
                true
            }
            Mention::Closed(items) => {
                let mut once = false;
                for (key, end, reason) in items {
                    match self.number(key) {
                        Some(number) => self.closed(number, key, *end, reason.as_deref(), place),
                        None => once = true,
                    }
                }
                once
            }
        }
    }

    /// The number of an item; nothing for what is done once.
    fn number(&mut self, key: &str) -> Option<u32> {
        if key == SINGLE_ITEM {
            return None;
        }
        let next = u32::try_from(self.lines.len()).unwrap_or(NOWHERE);
        let number = *self.numbers.entry(name(key)).or_insert(next);
        if number == next {
            self.lines.push(Line { end: None, why: None, begun: false, again: false, listing: NOWHERE, last: 0 });
        }
        Some(number)
    }

    fn happened<'k>(&mut self, keys: impl Iterator<Item = &'k str>, place: Appended) -> bool {
        let mut once = false;
        for key in keys {
            let Some(number) = self.number(key) else {
                once = true;
                continue;
            };
            self.has_begun(number);
            let line = &mut self.lines[number as usize];
            (line.again, line.last) = (false, low(place.seq));
            if line.end.is_none_or(is_kept) {
                self.places.entry(number).or_default().push(place);
            }
        }
        once
    }

    fn has_begun(&mut self, number: u32) {
        let line = &mut self.lines[number as usize];
        self.begun += u32::from(!line.begun);
        line.begun = true;
    }

    fn closed(&mut self, number: u32, key: &str, end: End, reason: Option<&str>, place: Appended) {
        self.forget_why(number);
        // One that was left alone for another had no turn.
        if end != End::Skipped || !reason.is_some_and(|reason| reason.starts_with(BEHIND)) {
            self.has_begun(number);
        }
        if pace::is_bad(end) {
            self.bad.insert(number, self.begun);
        }
        let why = (!matches!(end, End::Changed | End::Unchanged))
            .then(|| self.why(number, key, end, reason.unwrap_or_default()));
        let line = &mut self.lines[number as usize];
        (line.end, line.why, line.last) = (Some(end), why, low(place.seq));
        if is_kept(end) {
            self.places.entry(number).or_default().push(place);
        } else {
            self.places.remove(&number);
        }
    }

    /// It is to be done again.
    fn reopen(&mut self, key: &str) {
        let Some(number) = self.number(key) else { return };
        self.forget_why(number);
        let line = &mut self.lines[number as usize];
        line.again = true;
        let was_well = line.end.take().is_some_and(|end| !is_kept(end));
        if was_well {
            self.gaps.insert(number);
        }
    }

    fn why(&mut self, number: u32, key: &str, end: End, reason: &str) -> u8 {
        let all = self.whys.iter();
        let all = all.map(|why| (why.end == end).then_some((why.reason.as_str(), why.key.as_str())));
        let at = match filed(all, reason, key) {
            Filed::At(at) => at,
            Filed::As(reason) => {
                self.whys.push(Why { end, reason, key: key.to_owned(), items: 0, first: Vec::new() });
                self.whys.len() - 1
            }
        };
        let why = &mut self.whys[at];
        why.items += 1;
        if why.first.len() < Summary::NAMED {
            why.first.push((number, key.into()));
        }
        u8::try_from(at).unwrap_or(u8::MAX)
    }

    fn forget_why(&mut self, number: u32) {
        let Some(why) = self.lines[number as usize].why.take() else { return };
        if let Some(why) = self.whys.get_mut(usize::from(why)) {
            why.items = why.items.saturating_sub(1);
            why.first.retain(|(named, _)| *named != number);
        }
    }

    /// The run with those of its items that are begun and not over, each as its events leave it (without its plan).
    pub async fn standing(&self, journal: &Journal) -> Result<RunState, JournalError> {
        let open = |line: &Line| line.begun && line.end.is_none();
        self.with(journal, &self.numbers_of(open)).await
    }

    /// The run with those of its items that ended in one of these ways.
    pub async fn ended(&self, journal: &Journal, ends: &[End]) -> Result<RunState, JournalError> {
        let so = |line: &Line| line.end.is_some_and(|end| ends.contains(&end));
        self.with(journal, &self.numbers_of(so)).await
    }

    /// Each item that ended so, without holding them.
    pub async fn each_ended(
        &self,
        journal: &Journal,
        end: End,
        mut each: impl FnMut(&Arc<str>, &ItemState),
    ) -> Result<(), JournalError> {
        for some in self.numbers_of(|line| line.end == Some(end)).chunks(TOGETHER) {
            let state = self.with(journal, some).await?;
            state.items.iter().filter(|(key, _)| &***key != SINGLE_ITEM).for_each(|(key, item)| each(key, item));
        }
        Ok(())
    }

    /// The keys of items that are not over, so many at a time: those behind item `number`, which moves on. Nothing at the end.
    pub async fn open_keys(
        &self,
        journal: &Journal,
        number: &mut usize,
    ) -> Result<Option<Vec<Arc<str>>>, JournalError> {
        let Some(skipped) = self.lines.iter().skip(*number).position(|line| line.end.is_none()) else {
            return Ok(None);
        };
        let from = *number + skipped;
        let listing = self.lines[from].listing;
        let here = self.lines[from..].iter().take_while(|line| line.listing == listing).count();
        *number = from + here;
        let mut keys = vec![None; here];
        let mut note = |key: &Arc<str>| {
            let at = self.number_of(key).and_then(|at| (at as usize).checked_sub(from)).filter(|at| *at < here);
            if let Some(at) = at.filter(|at| self.lines[from + at].end.is_none()) {
                keys[at] = Some(key.clone());
            }
        };
        match self.listed.get(listing as usize) {
            Some(place) => {
                for stored in journal.events_at(self.id, &[*place]).await? {
                    if let Event::ItemStarted(started) = stored.event {
                        started.items.iter().for_each(|item| note(&item.item));
                    }
                }
            }
            // No list names them: they are known by what happened in them.
            None => self.standing(journal).await?.items.keys().for_each(note),
        }
        Ok(Some(keys.into_iter().flatten().collect()))
    }

    /// One item, as its events leave it; nothing for one that the run does not have.
    pub async fn item(&self, journal: &Journal, key: &str) -> Result<Option<ItemState>, JournalError> {
        if key == SINGLE_ITEM {
            return Ok(self.run.items.get(key).cloned());
        }
        let Some(number) = self.number_of(key) else { return Ok(None) };
        let mut state = self.with(journal, &[number]).await?;
        Ok(Some(state.items.swap_remove(key).unwrap_or_default()))
    }

    /// What all items come to, with those that are under way and their rows; `live`: a process works on them at this moment.
    pub async fn sums(&self, journal: &Journal, live: bool) -> Result<Summary, JournalError> {
        let mut summary = Summary { live, ..Summary::default() };
        self.walk(journal, |_, key, item| {
            if let Some(item) = item {
                summary.add(key, item);
            }
        })
        .await?;
        summary.of = self.lines.len() as u64;
        summary.left = self.lines.iter().filter(|line| line.last == 0).count() as u64;
        Ok(summary)
    }

    fn numbers_of(&self, chosen: impl Fn(&Line) -> bool) -> Vec<u32> {
        let lines = (0_u32..).zip(&self.lines);
        lines.filter(|(_, line)| chosen(line)).map(|(number, _)| number).collect()
    }

    async fn with(&self, journal: &Journal, numbers: &[u32]) -> Result<RunState, JournalError> {
        let mut state = self.run.clone();
        let (whole, parts): (Vec<u32>, Vec<u32>) = numbers.iter().partition(|number| self.is_unplaced(**number));
        for some in parts.chunks(TOGETHER) {
            let mut places: Vec<Appended> =
                some.iter().filter_map(|number| self.places.get(number)).flatten().copied().collect();
            places.sort_unstable_by_key(|place| place.seq);
            places.dedup_by_key(|place| place.seq);
            let wanted: HashSet<u32> = some.iter().copied().collect();
            let mut part = RunState::default();
            for places in places.chunks(EVENTS) {
                for stored in journal.events_at(self.id, places).await? {
                    let (at, event) = stored.said();
                    part.take(at, event);
                    // An event may name hundreds of others beside the one that is wanted: they are let go once they are the most.
                    if part.items.len() > 2 * wanted.len() {
                        part.items.retain(|key, _| self.number_of(key).is_some_and(|number| wanted.contains(&number)));
                    }
                }
            }
            self.pick(part, &mut state, |number| wanted.contains(&number));
        }
        if !whole.is_empty() {
            let mut part = RunState::default();
            let wanted: HashSet<u32> = whole.iter().copied().collect();
            let mut take = |one: &Sifted<'_>| {
                let is_wanted = |key: &str| self.number_of(key).is_some_and(|number| wanted.contains(&number));
                let about = one.mentions(|mention| match mention {
                    Mention::Run | Mention::Started(_) => false,
                    Mention::Step(keys) | Mention::Human(keys) => keys.iter().any(|key| is_wanted(key)),
                    Mention::Closed(items) => items.iter().any(|(key, ..)| is_wanted(key)),
                })?;
                if about {
                    let (at, event) = one.event()?.said();
                    part.take(at, event);
                }
                Ok(())
            };
            journal.sift(self.id, None, &mut take).await?;
            self.pick(part, &mut state, |number| wanted.contains(&number));
        }
        let order = |key: &Arc<str>| if &**key == SINGLE_ITEM { None } else { self.number_of(key) };
        state.items.sort_by_cached_key(|key, _| order(key));
        Ok(state)
    }

    /// Not all events about it are known by their places.
    fn is_unplaced(&self, number: u32) -> bool {
        let line = self.lines[number as usize];
        self.gaps.contains(&number) || line.end.is_some_and(|end| !is_kept(end))
    }

    /// Takes those over that are wanted; an event may be about others as well.
    fn pick(&self, part: RunState, state: &mut RunState, wanted: impl Fn(u32) -> bool) {
        for (key, item) in part.items {
            if self.number_of(&key).is_some_and(&wanted) {
                state.items.insert(key, item);
            }
        }
    }

    /// Every item, one after the other: told once where it is listed, and with its state when the last event about it was read.
    /// Nothing of it is held then. Plans are passed over.
    pub async fn walk(
        &self,
        journal: &Journal,
        mut each: impl FnMut(u32, &Arc<str>, Option<&ItemState>) + Send,
    ) -> Result<(), JournalError> {
        let mut part = RunState::default();
        let mut about: Vec<(u32, Arc<str>)> = Vec::new();
        let through = self.head.map_or(0, |head| head.seq);
        let mut take = |one: &Sifted<'_>| {
            about.clear();
            if one.place.seq > through {
                return Ok(());
            }
            let keys = |keys: &[std::borrow::Cow<'_, str>], about: &mut Vec<(u32, Arc<str>)>| {
                about.extend(keys.iter().filter_map(|key| Some((self.number_of(key)?, Arc::from(&**key)))));
            };
            one.mentions(|mention| match mention {
                Mention::Run => {}
                Mention::Started(items) => {
                    let mut listed = Vec::new();
                    keys(items, &mut listed);
                    // One that has drifted may be listed twice.
                    let here = |number: u32| self.listed.get(self.lines[number as usize].listing as usize);
                    let last = listed.iter().filter(|(number, _)| here(*number) == Some(&one.place));
                    last.for_each(|(number, key)| each(*number, key, None));
                }
                Mention::Step(items) | Mention::Human(items) => keys(items, &mut about),
                Mention::Closed(items) => {
                    let items: Vec<_> = items.iter().map(|(key, ..)| key.clone()).collect();
                    keys(&items, &mut about);
                }
            })?;
            if about.is_empty() {
                return Ok(());
            }
            let (at, event) = one.event()?.said();
            part.take(at, event);
            for (number, key) in &about {
                if u64::from(self.lines[*number as usize].last) == one.place.seq
                    && let Some(item) = part.items.swap_remove(key)
                {
                    each(*number, key, Some(&item));
                }
            }
            Ok(())
        };
        journal.sift(self.id, None, &mut take).await.map(drop)
    }

    /// The rows that items which are over changed, for the sums of a run that goes on.
    pub async fn rows(&self, journal: &Journal) -> Result<Summary, JournalError> {
        let mut summary = Summary::default();
        self.walk(journal, |number, key, item| {
            if let Some(item) = item.filter(|_| self.lines[number as usize].end.is_some()) {
                summary.add(key, item);
            }
        })
        .await?;
        Ok(summary)
    }
}

/// What happened in an item that ended so may be needed: it is done again by a retry.
fn is_kept(end: End) -> bool {
    !matches!(end, End::Changed | End::Unchanged | End::Cancelled)
}

/// By a keyed hash, whose keys are drawn anew by each process: nobody can choose item keys that come to the same name, and none do by chance.
pub(in crate::engine) fn name(key: &str) -> Name {
    static KEYS: LazyLock<[RandomState; 2]> = LazyLock::new(|| [RandomState::new(), RandomState::new()]);
    let [one, other] = &*KEYS;
    let both = (u128::from(one.hash_one(key)) << 64) | u128::from(other.hash_one(key));
    both.to_ne_bytes()
}

/// Runs have less than four thousand million events.
fn low(seq: u64) -> u32 {
    u32::try_from(seq).unwrap_or(u32::MAX)
}
