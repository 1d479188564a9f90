//! Workers in the words of a worker file: they take jobs whenever the run waits. The clock is the case's, so what a job does comes
//! at the same moment each time. A worker is a process of its own: it works on the thread of the test, so that what kills the run
//! does not kill it in the middle of a job.

use crate::{
    base::{shape::Word, source::Span, world::World},
    connection::sidekiq::Jobs,
    mock::{model::Version, worker::WorkerFile},
    ops::{behind::Databases, worker::Worker},
    trial::given::Workers as Given,
};
use std::{
    collections::BTreeSet,
    sync::{Arc, Mutex, OnceLock, PoisonError},
    time::Duration,
};
use tokio::runtime::Handle;

/// The workers of a case; they are hired once its databases are there.
#[derive(Clone, Debug, Default)]
pub(super) struct Workers {
    hired: Arc<OnceLock<Vec<Worker>>>,
    /// Where they work.
    home: Arc<OnceLock<Handle>>,
    /// Two processes of a run may pause at the same time.
    turn: Arc<tokio::sync::Mutex<()>>,
    faults: Arc<Mutex<Vec<String>>>,
    /// The ids of the jobs that they took.
    taken: Arc<Mutex<BTreeSet<String>>>,
    /// How long a job lies before it is taken, at the longest.
    lies: Arc<OnceLock<Duration>>,
}

/// So often the workers look after a run, each time as long after the time before as a job lies: what a job enqueues is taken as well.
const ROUNDS: u32 = 4;

impl Workers {
    /// The same world, in which the workers do what is due whenever somebody waits.
    pub(super) fn in_pauses_of(&self, world: &World) -> World {
        let (inner, workers) = (world.clone(), self.clone());
        world.clone().with_pause(move |length| {
            let (inner, workers) = (inner.clone(), workers.clone());
            async move {
                inner.pause(length).await;
                workers.work().await;
            }
        })
    }

    /// Hires those who take the jobs of these connections.
    pub(super) fn hire(&self, given: Vec<(Given, Jobs)>, databases: &Databases, world: &World) {
        let mut all = Vec::new();
        let lies = given.iter().filter_map(|(given, _)| given.takes_after).map(|length| length.0).max();
        let _ = self.lies.set(lies.unwrap_or_default() + Duration::from_secs(1));
        for (given, jobs) in given {
            let name = Word { text: jobs.name().clone(), span: Span::default() };
            let file = WorkerFile {
                trueup: Version::V1,
                worker: name,
                takes_after: given.takes_after,
                start: Vec::new(),
                jobs: given.does,
                at: Span::default(),
            };
            all.push(Worker::new(file, jobs, databases.clone(), world.clone()));
        }
        let _ = self.home.set(Handle::current());
        let _ = self.hired.set(all);
    }

    async fn work(&self) {
        let (Some(home), Some(hired)) = (self.home.get(), self.hired.get().filter(|hired| !hired.is_empty())) else {
            return;
        };
        let (hired, faults, turn) = (hired.clone(), self.faults.clone(), self.turn.clone());
        let taken = self.taken.clone();
        let work = async move {
            let _turn = turn.lock().await;
            for worker in hired {
                match worker.work().await {
                    Ok(done) => {
                        let jids = done.into_iter().filter_map(|one| one.jid);
                        taken.lock().unwrap_or_else(PoisonError::into_inner).extend(jids);
                    }
                    Err(why) => faults.lock().unwrap_or_else(PoisonError::into_inner).push(why),
                }
            }
        };
        // It goes on when nobody waits for it any more.
        let _ = home.spawn(work).await;
    }

    /// Waits until those who have begun are through.
    pub(super) async fn at_rest(&self) {
        tokio::task::yield_now().await;
        drop(self.turn.lock().await);
    }

    /// There are some.
    pub(super) fn are_there(&self) -> bool {
        self.hired.get().is_some_and(|hired| !hired.is_empty())
    }

    /// The run is over and time goes on (`world` is theirs): what is due is done, and what follows from it.
    pub(super) async fn go_on(&self, world: &World) {
        for _ in 0..ROUNDS {
            world.pause(self.lies.get().copied().unwrap_or_default()).await;
        }
    }

    /// A worker has taken the job with this id.
    pub(super) fn took(&self, jid: &str) -> bool {
        self.taken.lock().unwrap_or_else(PoisonError::into_inner).contains(jid)
    }

    /// What the workers could not do.
    pub(super) fn faults(&self) -> Vec<String> {
        std::mem::take(&mut *self.faults.lock().unwrap_or_else(PoisonError::into_inner))
    }
}
