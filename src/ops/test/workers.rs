//! Workers in the words of a worker file: they take jobs whenever the run waits. The clock is the case's, so what a job does comes
//! at the same moment each time.

use crate::{
    base::{moment, shape::Word, source::Span, world::World},
    connection::sidekiq::Jobs,
    mock::{model::Version, worker::WorkerFile},
    ops::{behind::Databases, worker::Worker},
    trial::given::Workers as Given,
};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

/// The workers of a case; they are hired once its databases are there.
#[derive(Clone, Debug, Default)]
pub(super) struct Workers {
    hired: Arc<OnceLock<Vec<Worker>>>,
    faults: Arc<Mutex<Vec<String>>>,
}

impl Workers {
    /// The same world, in which the workers do what is due whenever somebody waits.
    pub(super) fn in_pauses_of(&self, world: &World) -> World {
        let (inner, workers) = (world.clone(), self.clone());
        world.clone().with_pause(move |length| {
            let (inner, workers) = (inner.clone(), workers.clone());
            async move {
                inner.pause(length).await;
                // A worker is a process of its own: what kills the run does not kill it in the middle of a job.
                moment::aside(workers.work()).await;
            }
        })
    }

    /// Hires those who take the jobs of these connections.
    pub(super) fn hire(&self, given: Vec<(Given, Jobs)>, databases: &Databases, world: &World) {
        let mut all = Vec::new();
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
        let _ = self.hired.set(all);
    }

    async fn work(&self) {
        for worker in self.hired.get().into_iter().flatten() {
            if let Err(why) = worker.work().await {
                self.faults.lock().unwrap_or_else(PoisonError::into_inner).push(why);
            }
        }
    }

    /// What the workers could not do.
    pub(super) fn faults(&self) -> Vec<String> {
        std::mem::take(&mut *self.faults.lock().unwrap_or_else(PoisonError::into_inner))
    }
}
