//! Many items in sets: a chunk of them goes through the same transactions and the same commits of the journal. Each item is driven
//! by a driver of its own, which does what it would do alone; only its handles and its notebook are shared ones. So there is no second way to
//! carry an item out, and what becomes of it is what would have become of it one by one (`docs/design/sets.md`).

mod apart;
pub mod built;
pub mod chunk;
mod columns;
pub mod coupled;
pub mod fit;
mod merge;
pub mod near;
pub mod own;
pub mod size;

use crate::{
    connection::set::Member,
    journal::{event::Event, failure::JournalError},
};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio::sync::oneshot;

/// The place of one item in a chunk.
#[derive(Clone, Debug)]
pub struct Seat {
    member: Member,
    notebook: Arc<Notebook>,
}

/// What the items of a chunk want to have recorded.
#[derive(Debug, Default)]
struct Notebook {
    asked: Mutex<Vec<Wish>>,
    /// Last words: they are durable with whatever is recorded next.
    last: Mutex<Vec<Vec<Event>>>,
}

#[derive(Debug)]
struct Wish {
    events: Vec<Event>,
    /// Whoever wants it holds rows locked meanwhile, in a transaction of its own.
    urgent: bool,
    /// With what the journal did not take.
    reply: oneshot::Sender<Result<(), (JournalError, Vec<Event>)>>,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Seat {
    /// It goes on with handles of its own, and records for itself.
    pub(super) fn is_alone(&self) -> bool {
        self.member.is_alone()
    }

    /// What comes now is looked into one by one.
    pub(super) fn leave(&self) {
        self.member.leave();
    }

    /// Records these together with what the others have to say. What the journal did not take comes back.
    pub(super) async fn record(&self, events: &mut Vec<Event>) -> Result<(), JournalError> {
        let (reply, answer) = oneshot::channel();
        let urgent = self.member.is_inside();
        lock(&self.notebook.asked).push(Wish { events: std::mem::take(events), urgent, reply });
        match answer.await {
            Ok(Ok(())) => Ok(()),
            Ok(Err((error, back))) => {
                *events = back;
                Err(error)
            }
            // The chunk is dropped, and whoever waits here with it.
            Err(_) => std::future::pending().await,
        }
    }

    /// Last words.
    pub(super) fn leaves(&self, events: &mut Vec<Event>) {
        lock(&self.notebook.last).push(std::mem::take(events));
    }
}
