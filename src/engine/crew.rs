//! What the items of one run share while they are carried out at the same time: the lease, the wish to pause or to end, and
//! what was recorded last.

use super::{drive::Unrecorded, lease::Lease, state::ItemState};
use crate::{
    base::{identity::SINGLE_ITEM, time::Stamp, world::World},
    journal::{
        Claim, Journal,
        event::Event,
        failure::JournalError,
        payload::{ItemOutcome, RunCancelled},
        words::Outcome,
    },
};
use std::{
    collections::HashMap,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

/// Shared by all items of a run.
#[derive(Debug)]
pub struct Crew {
    /// The right to work on the run.
    pub(super) lease: Arc<Lease>,
    pausing: AtomicBool,
    /// A database that is needed cannot be reached.
    cut_off: AtomicBool,
    /// Items are under way, or still to come: what is done once is not over yet.
    open: AtomicBool,
    shared: Mutex<Shared>,
    /// Who looks at a database that nobody has looked at.
    looking: tokio::sync::Mutex<()>,
    world: World,
}

#[derive(Debug, Default)]
struct Shared {
    why: Option<String>,
    cancelled: Option<RunCancelled>,
    /// Recorded with whatever is recorded next: nothing hangs on it.
    later: Vec<Event>,
    /// Databases of which is known that they are those of the plan.
    met: HashMap<Arc<str>, Look>,
}

/// A look at a database.
#[derive(Debug)]
struct Look {
    /// How often it was taken for granted since.
    relied: u32,
    at: Stamp,
}

/// Whether somebody has to look at a database.
pub(super) enum Met<'a> {
    /// It is the one of the plan.
    Known,
    /// Whoever gets this looks; others may wait for that.
    Look(Option<tokio::sync::MutexGuard<'a, ()>>),
}

/// So many items at least rest on one look at a database, and all that come in this time: one that was altered under the run is noticed soon.
const RELIED_ON: u32 = 200;
const RELIED_FOR: Duration = Duration::from_secs(1);
/// More events are not left to the next who records something.
const MOST_LATER: usize = 512;

impl Crew {
    /// For a run that was claimed a moment ago.
    pub fn new(world: &World) -> Crew {
        Crew {
            lease: Arc::new(Lease::new(world)),
            pausing: AtomicBool::new(false),
            cut_off: AtomicBool::new(false),
            open: AtomicBool::new(true),
            shared: Mutex::default(),
            looking: tokio::sync::Mutex::default(),
            world: world.clone(),
        }
    }

    fn shared(&self) -> MutexGuard<'_, Shared> {
        self.shared.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// No item starts another step; the first reason counts.
    pub fn pauses(&self, why: &str) {
        self.pausing.store(true, Ordering::Relaxed);
        self.shared().why.get_or_insert_with(|| why.to_owned());
    }

    /// It pauses because a database cannot be reached.
    pub fn cuts_off(&self) {
        self.cut_off.store(true, Ordering::Relaxed);
    }

    /// Whether it does.
    pub fn is_cut_off(&self) -> bool {
        self.cut_off.load(Ordering::Relaxed)
    }

    /// No other item begins, and why; those under way go on to their end.
    pub fn stops(&self, why: &str) {
        self.shared().why.get_or_insert_with(|| why.to_owned());
    }

    /// It is to pause.
    pub fn is_pausing(&self) -> bool {
        self.pausing.load(Ordering::Relaxed)
    }

    /// Why it pauses.
    pub fn why(&self) -> Option<String> {
        self.shared().why.clone()
    }

    /// Somebody asked the run to end.
    pub fn cancel(&self, by: RunCancelled) {
        self.shared().cancelled = Some(by);
    }

    /// Who asked it to end.
    pub fn cancelled(&self) -> Option<RunCancelled> {
        self.shared().cancelled.clone()
    }

    /// The last item is over: what is done once comes to its end.
    pub fn closes(&self) {
        self.open.store(false, Ordering::Relaxed);
    }

    /// The part that is done once, which went well so far, waits for the items.
    pub(super) fn holds(&self, item: &str, state: &ItemState) -> bool {
        let ended = state
            .steps
            .values()
            .any(|step| step.outcome.as_ref().is_some_and(|o| super::decide::ends(o.outcome).is_some()));
        item == SINGLE_ITEM && self.open.load(Ordering::Relaxed) && !ended && self.cancelled().is_none()
    }

    /// Somebody of the crew looked lately whether this is the database of the plan. The first one looks while the others wait for it, but for those
    /// who share its transaction: they look together.
    pub(super) async fn has_met(&self, connection: &Arc<str>, shared: bool) -> Met<'_> {
        match self.relies_on(connection) {
            Some(met) => return met,
            None if shared => return Met::Look(None),
            None => {}
        }
        let turn = self.looking.lock().await;
        self.relies_on(connection).unwrap_or(Met::Look(Some(turn)))
    }

    fn relies_on(&self, connection: &Arc<str>) -> Option<Met<'static>> {
        let mut shared = self.shared();
        let look = shared.met.get_mut(connection)?;
        look.relied += 1;
        if look.relied <= RELIED_ON || self.is_recent(look) {
            return Some(Met::Known);
        }
        // One looks, and the others rely on the last look until it has: else all that are under way would.
        look.relied = 0;
        Some(Met::Look(None))
    }

    /// Where no time passes beside the work, nothing is. A clock that was set back says nothing either.
    fn is_recent(&self, look: &Look) -> bool {
        let since = self.world.now().micros.checked_sub(look.at.micros).and_then(|micros| u64::try_from(micros).ok());
        self.world.has_beats() && since.is_some_and(|micros| micros < RELIED_FOR.as_micros() as u64)
    }

    /// It is not, or nobody can tell: each looks for itself.
    pub(super) fn has_lost(&self, connection: &Arc<str>) {
        self.shared().met.remove(connection);
    }

    /// It is: the next ones need not look.
    pub(super) fn met(&self, connection: &Arc<str>) {
        let look = Look { relied: 0, at: self.world.now() };
        self.shared().met.insert(connection.clone(), look);
    }

    /// Leaves events to whoever records something next.
    pub(super) fn later(&self, events: &mut Vec<Event>) -> bool {
        let mut shared = self.shared();
        shared.later.append(events);
        shared.later.len() < MOST_LATER
    }

    /// What was done and is left to whoever records something next.
    pub(super) fn unrecorded(&self) -> Vec<Unrecorded> {
        let shared = self.shared();
        let outcomes = shared.later.iter().filter_map(|event| match event {
            Event::StepOutcome(outcome) => Some(outcome),
            _ => None,
        });
        // What has no effect has no answer either.
        let done = |one: &&ItemOutcome| one.outcome == Outcome::Done && one.response.is_some();
        outcomes.flat_map(|of| of.outcomes.iter().filter(done).map(|one| Unrecorded::of(&of.step, one))).collect()
    }

    /// Records these events and what was left by others, in one group.
    pub async fn append(&self, journal: &Journal, claim: &Claim, events: &mut Vec<Event>) -> Result<(), JournalError> {
        let left = std::mem::take(&mut self.shared().later);
        let count = left.len();
        let mut all = left;
        all.append(events);
        if all.is_empty() {
            return Ok(());
        }
        match Box::pin(journal.append_claimed(claim, &all)).await {
            Ok(_) => Ok(()),
            Err(error) => {
                // Each keeps his own, to try again.
                events.extend(all.drain(count..));
                self.shared().later.splice(0..0, all);
                Err(error)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::AtomicI64;

    const START: i64 = 1_790_000_000_000_000;
    const SECOND: i64 = 1_000_000;

    /// How many of the next so many look.
    fn looks(crew: &Crew, database: &Arc<str>, times: u32) -> usize {
        (0..times).filter(|_| !matches!(crew.relies_on(database), Some(Met::Known))).count()
    }

    #[test]
    fn one_looks_again_after_so_many_items_and_a_while_and_the_others_rely_on_the_last_look() {
        let clock = Arc::new(AtomicI64::new(START));
        let now = clock.clone();
        let world = World::real().with_clock(move || Stamp { micros: now.load(Ordering::Relaxed), digits: 6 });
        let (crew, database): (_, Arc<str>) = (Crew::new(&world), "register".into());
        assert!(crew.relies_on(&database).is_none());
        crew.met(&database);
        assert_eq!(looks(&crew, &database, 5 * RELIED_ON), 0);
        clock.fetch_add(SECOND, Ordering::Relaxed);
        assert_eq!(looks(&crew, &database, RELIED_ON), 1);
        crew.met(&database);
        // As long as this takes, few items come.
        clock.fetch_add(60 * SECOND, Ordering::Relaxed);
        assert_eq!(looks(&crew, &database, RELIED_ON), 0);
        assert_eq!(looks(&crew, &database, 1), 1);
        crew.met(&database);
        // A clock that was set back tells nothing.
        clock.fetch_add(-3600 * SECOND, Ordering::Relaxed);
        assert_eq!(looks(&crew, &database, RELIED_ON + 1), 1);
        crew.has_lost(&database);
        assert!(crew.relies_on(&database).is_none());
    }

    #[test]
    fn where_no_time_passes_only_items_count() {
        let (crew, database): (_, Arc<str>) =
            (Crew::new(&World::fixed(Stamp { micros: START, digits: 6 })), "register".into());
        crew.met(&database);
        assert_eq!(looks(&crew, &database, RELIED_ON), 0);
        assert_eq!(looks(&crew, &database, 1), 1);
    }
}
