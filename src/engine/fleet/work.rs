//! An item on its way through a run over many, and what it is carried out with.

use super::{Make, lanes::InLane};
use crate::{
    base::world::World,
    engine::{
        crew::Crew,
        drive::{Driver, Stopped, Unrecorded},
        sets::Seat,
        setting::Setting,
        state::{ItemState, RunState},
        watch::Tick,
    },
    journal::{Claim, Journal, failure::JournalError, payload::RunCreated},
    plan::ItemPlan,
};
use std::sync::{Arc, atomic::AtomicBool};
use tokio::sync::mpsc::UnboundedSender;

/// An item that is to be carried out, from where it stands.
#[derive(Debug)]
pub struct Work {
    /// Its place in the list of all items.
    pub number: u32,
    /// What was planned.
    pub plan: ItemPlan,
    /// Where it stands.
    pub state: ItemState,
    /// It was under way before: it goes on, and does not begin.
    pub goes_on: bool,
    /// It never begins, and why: its source does not give it as it was planned.
    pub drifted: Option<String>,
}

impl Work {
    /// One that has not begun.
    pub fn new(number: u32, plan: ItemPlan) -> Work {
        Work { number, plan, state: ItemState::default(), goes_on: false, drifted: None }
    }

    /// What is done once for all items.
    pub fn of_once(plan: ItemPlan, state: ItemState) -> Work {
        Work { state, ..Work::new(0, plan) }
    }

    /// Something has happened in it.
    pub(super) fn has_begun(&self) -> bool {
        self.goes_on || !self.state.steps.is_empty()
    }
}

impl InLane for Work {
    fn lane(&self) -> Option<&Arc<str>> {
        self.plan.lane.as_ref()
    }

    fn number(&self) -> u32 {
        self.number
    }
}

/// What became of one item.
pub(super) struct Gone {
    pub(super) number: u32,
    pub(super) plan: ItemPlan,
    pub(super) state: ItemState,
    pub(super) stopped: Result<Stopped, JournalError>,
    pub(super) unrecorded: Vec<Unrecorded>,
}

impl Gone {
    /// It never began: what it is done with cannot be read.
    pub(super) fn without(work: Work, error: JournalError) -> Gone {
        Gone { number: work.number, plan: work.plan, state: work.state, stopped: Err(error), unrecorded: Vec::new() }
    }
}

/// What each of many items is carried out with.
pub(super) struct One {
    pub(super) make: Make,
    pub(super) crew: Arc<Crew>,
    pub(super) send: UnboundedSender<Tick>,
    pub(super) journal: Journal,
    pub(super) claim: Claim,
    pub(super) created: RunCreated,
    pub(super) world: World,
}

impl One {
    pub(super) async fn drive(&self, setting: Setting, work: Work, seat: Option<Seat>) -> Gone {
        let Work { number, plan, state, .. } = work;
        let mut whole = RunState { created: Some(self.created.clone()), ..RunState::default() };
        whole.items.insert(plan.key.clone(), state);
        let watch = |tick: Tick| {
            // Steps that are rarely gone through (a recovery, one that failed) tell theirs all the same.
            if !matches!(tick, Tick::Begins { .. } | Tick::Over { .. }) {
                let _ = self.send.send(tick);
            }
        };
        let pause = AtomicBool::new(false);
        let driver = Driver::new(&setting, &self.journal, self.claim.clone(), Some(&plan), &watch, &pause, whole);
        let mut driver = driver.in_crew(self.crew.clone()).quietly();
        if let Some(seat) = seat {
            driver = driver.in_set(seat);
        }
        let stopped = driver.drive().await;
        let unrecorded = if stopped.is_err() { driver.take_unrecorded() } else { Vec::new() };
        let state = driver.state.items.swap_remove(&plan.key).unwrap_or_default();
        drop(driver);
        Gone { number, plan, state, stopped, unrecorded }
    }
}
