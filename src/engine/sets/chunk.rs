//! One chunk of items, driven together: whenever all of them wait for something, it is done for all of them at once.

use super::{Notebook, Seat, Wish, lock, merge::merge};
use crate::{
    base::world::World,
    connection::{
        database::Database,
        set::{Gate, Known, Purpose, Set},
    },
    engine::{crew::Crew, setting::Setting},
    journal::{Claim, Journal, event::Event},
};
use futures_util::stream::{FuturesUnordered, Stream};
use std::{
    collections::HashMap,
    future::{Future, poll_fn},
    pin::Pin,
    sync::Arc,
    task::Poll,
};

/// The executor of a chunk.
pub struct Chunk {
    pub(super) set: Set,
    pub(super) notebook: Arc<Notebook>,
}

/// How a chunk went.
#[derive(Clone, Copy, Debug, Default)]
pub struct Went {
    /// How often it was divided.
    pub divided: u32,
    /// Changes set off others: the items of this run go one by one from here on.
    pub stirs: bool,
}

/// What is recorded for all of them.
pub struct Recorder<'a> {
    /// The run.
    pub crew: &'a Crew,
    /// Where.
    pub journal: &'a Journal,
    /// With which right.
    pub claim: &'a Claim,
    /// For how long something may be put off.
    pub world: &'a World,
}

impl Chunk {
    /// For so many items over one database, of which the other chunks of the run know this.
    pub fn new(database: &Database, items: usize, purpose: Purpose, known: &Known) -> Chunk {
        Chunk::with(Set::new(database, items, purpose, known))
    }

    /// For so many items that change in transactions of their own, as many at a time as the gate lets in.
    pub fn apart(database: &Database, items: usize, gate: Arc<Gate>, known: &Known) -> Chunk {
        Chunk::with(Set::apart(database, items, gate, known))
    }

    fn with(set: Set) -> Chunk {
        Chunk { set, notebook: Arc::default() }
    }

    /// The place of one of them, and the databases as it sees them.
    pub fn seat(
        &self,
        number: usize,
        databases: &HashMap<Arc<str>, Database>,
    ) -> (Seat, Arc<HashMap<Arc<str>, Database>>) {
        let own = self.set.database_of(number);
        let mut databases = databases.clone();
        databases.insert(own.name().clone(), own);
        (Seat { member: self.set.member(number), notebook: self.notebook.clone() }, Arc::new(databases))
    }

    /// The setting of one of them, with its databases as it sees them. For a rehearsal, which records nothing.
    pub fn seated(&self, number: usize, mut setting: Setting) -> Setting {
        (_, setting.databases) = self.seat(number, &setting.databases);
        setting
    }

    /// Drives the items to their ends. Each is told as soon as it is over.
    pub async fn drive<T>(
        mut self,
        items: Vec<Pin<Box<dyn Future<Output = T> + Send + '_>>>,
        recorder: Option<Recorder<'_>>,
        mut over: impl FnMut(T) + Send,
    ) -> Went {
        if self.set.is_apart() {
            return self.drive_apart(items, recorder, over).await;
        }
        let mut live = items.len();
        let mut items: FuturesUnordered<_> = items.into_iter().collect();
        while live > 0 {
            // All go on as far as they can.
            loop {
                let done = {
                    let (set, notebook) = (&self.set, &self.notebook);
                    poll_fn(|context| match Pin::new(&mut items).poll_next(context) {
                        Poll::Ready(done) => Poll::Ready(done),
                        Poll::Pending
                            if set.waiting() + lock(&notebook.asked).len() >= live
                                || set.must_go_on()
                                || set.is_idle() =>
                        {
                            Poll::Ready(None)
                        }
                        Poll::Pending => Poll::Pending,
                    })
                    .await
                };
                let Some(done) = done else { break };
                live -= 1;
                over(done);
            }
            if self.set.is_idle() {
                self.set.stop_reading().await;
                continue;
            }
            if live == 0 || self.set.serve().await {
                continue;
            }
            let wishes = std::mem::take(&mut *lock(&self.notebook.asked));
            if !wishes.is_empty() {
                record(wishes, recorder.as_ref()).await;
                continue;
            }
            self.set.turn().await;
        }
        let went = Went { divided: self.set.divided(), stirs: self.set.stirs() };
        self.notebook.leaves_last_words(recorder.as_ref());
        self.set.close().await;
        went
    }
}

impl Notebook {
    /// They are recorded with whatever is recorded next, or at the end of the run.
    pub(super) fn leaves_last_words(&self, recorder: Option<&Recorder<'_>>) {
        let last = std::mem::take(&mut *lock(&self.last));
        if let Some(recorder) = recorder {
            let _ = recorder.crew.later(&mut merge(last).events);
        }
    }
}

/// Records what several items have to say by one commit; each is told, and gets back what the journal did not take: who has done something
/// tries again, and who has not does it not.
pub(super) async fn record(wishes: Vec<Wish>, recorder: Option<&Recorder<'_>>) {
    let (lists, replies): (Vec<Vec<Event>>, Vec<_>) = wishes.into_iter().map(|wish| (wish.events, wish.reply)).unzip();
    let Some(Recorder { crew, journal, claim, .. }) = recorder else { return };
    let mut merged = merge(lists);
    let done = crew.append(journal, claim, &mut merged.events).await;
    let mut back = match done {
        Ok(()) => Vec::new(),
        Err(_) => merged.apart(),
    }
    .into_iter();
    for reply in replies {
        // Who does not wait any more needs none.
        let _ = reply.send(done.clone().map_err(|error| (error, back.next().unwrap_or_default())));
    }
}
