//! What changes from turn to turn of a run over many items.

use super::{
    FleetError, Items,
    lanes::{Lanes, Pick},
    pace::{Next, Pace, Rules},
    together::Together,
    work::{Gone, Work},
};
use crate::{
    base::time::Stamp,
    engine::{
        crew::Crew,
        drive::Unrecorded,
        sets::{chunk::Went, near::Near},
    },
};
use futures_util::StreamExt;
use std::sync::Arc;
use tokio::{
    sync::mpsc::{UnboundedReceiver, UnboundedSender},
    task::JoinSet,
};

/// What came of something that was under way.
pub(super) enum Over {
    /// One item.
    One(Box<Gone>),
    /// A set of them, each of which was told already.
    Set {
        went: Went,
        /// On which thread.
        thread: Option<usize>,
        /// All of them waited for a call of one.
        slow: bool,
    },
}

/// What changes from turn to turn.
pub(super) struct Flow<'i> {
    pub(super) items: Items<'i>,
    pub(super) rules: Rules,
    pub(super) pace: Pace,
    /// How the items go in sets, if they do.
    pub(super) together: Option<Together>,
    pub(super) lanes: Lanes<Work>,
    /// The keys of what is under way.
    pub(super) near: Near,
    pub(super) under_way: JoinSet<Over>,
    /// Items of sets that are over, as soon as they are.
    pub(super) gone: UnboundedReceiver<Gone>,
    pub(super) tell_gone: UnboundedSender<Gone>,
    /// No more items come.
    pub(super) over: bool,
    /// How many came.
    pub(super) came: u64,
    pub(super) failed: Option<FleetError>,
    /// What items did that the journal did not take.
    pub(super) unrecorded: Vec<Unrecorded>,
    /// When the journal was looked at, in microseconds.
    pub(super) looked: i64,
    pub(super) started: Stamp,
    pub(super) ended: u64,
    /// A step that waits for a person.
    pub(super) waits: Option<Arc<str>>,
    /// A step in doubt.
    pub(super) doubt: Option<Arc<str>>,
    /// The window is shut.
    pub(super) shut: bool,
    /// A rule of the playbook ended the beginning of items.
    pub(super) stopped: bool,
    /// Items that wait for a person.
    pub(super) resting: Vec<Work>,
}

impl Flow<'_> {
    /// Nothing more begins; what is under way comes to its end, so that it is known what it did.
    pub(super) fn fails(&mut self, crew: &Crew, error: FleetError) {
        crew.pauses("the journal cannot be written");
        self.failed.get_or_insert(error);
    }

    /// What the rules say comes next. Of sets they count the sets.
    pub(super) fn next(&self, now: i64) -> Next {
        let comes = |rules: &Rules| match self.lanes.first() {
            Some(work) if work.goes_on => self.pace.go_on(rules),
            _ => self.pace.next(rules, now),
        };
        let next = match &self.together {
            None => comes(&self.rules),
            Some(together) => match comes(&Rules { at_once: usize::MAX, ..self.rules.clone() }) {
                // What was begun before a crash goes on by itself, beside them.
                Next::Begin
                    if together.under_way >= together.at_once || self.under_way.len() >= self.rules.at_once.max(1) =>
                {
                    Next::WaitForEnd
                }
                next => next,
            },
        };
        match next {
            // Another one of its subject has to end before it goes on.
            Next::Stop(_) if !self.under_way.is_empty() && self.lanes.at_hand().any(|work| work.goes_on) => {
                Next::WaitForEnd
            }
            next => next,
        }
    }

    /// The next item that may begin. One whose key may be the same, for a database, as that of one that is under way waits for its end, and so do
    /// those behind it.
    pub(super) fn pick(&mut self) -> Pick<Work> {
        match self.lanes.pick() {
            Pick::Begin(work) if work.plan.lane.is_none() && !self.near.takes(&work.plan.key) => {
                self.lanes.put_back(work);
                Pick::Wait
            }
            picked => picked,
        }
    }

    /// Items up to what is looked at ahead. Without subjects one is enough.
    pub(super) async fn fill(&mut self) {
        while !self.over && self.failed.is_none() && self.lanes.has_room() {
            match self.items.next().await {
                None => self.over = true,
                Some(Err(why)) => self.failed = Some(why),
                Some(Ok(work)) => {
                    self.came += 1;
                    let alone = work.plan.lane.is_none();
                    self.lanes.add(work);
                    if alone {
                        break;
                    }
                }
            }
        }
    }
}
