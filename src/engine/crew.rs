//! What the items of one run share while they are carried out at the same time: the lease, the wish to pause or to end, and
//! what was recorded last.

use super::{lease::Lease, state::ItemState};
use crate::{
    base::{identity::SINGLE_ITEM, world::World},
    journal::{Claim, Journal, event::Event, failure::JournalError, payload::RunCancelled},
};
use std::{
    collections::HashMap,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
};

/// Shared by all items of a run.
#[derive(Debug)]
pub struct Crew {
    /// The right to work on the run.
    pub(super) lease: Arc<Lease>,
    pausing: AtomicBool,
    /// Items are under way, or still to come: what is done once is not over yet.
    open: AtomicBool,
    shared: Mutex<Shared>,
}

#[derive(Debug, Default)]
struct Shared {
    why: Option<String>,
    cancelled: Option<RunCancelled>,
    /// Recorded with whatever is recorded next: nothing hangs on it.
    later: Vec<Event>,
    /// Databases of which is known that they are those of the plan, and how often that was taken for granted since.
    met: HashMap<Arc<str>, u32>,
}

/// So many items rest on one look at a database: one that was altered under the run is noticed soon.
const RELIED_ON: u32 = 200;
/// More events are not left to the next who records something.
const MOST_LATER: usize = 512;

impl Crew {
    /// For a run that was claimed a moment ago.
    pub fn new(world: &World) -> Crew {
        Crew {
            lease: Arc::new(Lease::new(world)),
            pausing: AtomicBool::new(false),
            open: AtomicBool::new(true),
            shared: Mutex::default(),
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

    /// Somebody of the crew looked lately whether this is the database of the plan.
    pub(super) fn has_met(&self, connection: &Arc<str>) -> bool {
        let mut shared = self.shared();
        let Some(relied) = shared.met.get_mut(connection) else { return false };
        *relied += 1;
        let known = *relied <= RELIED_ON;
        if !known {
            // One looks, and the others rely on the last look until it has: else all that are under way would.
            *relied = 0;
        }
        known
    }

    /// It is not, or nobody can tell: each looks for itself.
    pub(super) fn has_lost(&self, connection: &Arc<str>) {
        self.shared().met.remove(connection);
    }

    /// It is: the next ones need not look.
    pub(super) fn met(&self, connection: &Arc<str>) {
        self.shared().met.insert(connection.clone(), 0);
    }

    /// Leaves events to whoever records something next.
    pub(super) fn later(&self, events: &mut Vec<Event>) -> bool {
        let mut shared = self.shared();
        shared.later.append(events);
        shared.later.len() < MOST_LATER
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
