//! The workers of a case: whenever its clock moves, they take the jobs that are due, and do what the test says that they do.

use crate::{
    base::world::World,
    connection::{database::Database, fault::Fault, statement::Statement},
    mock::redis::{Deed, Shared, Worker},
};
use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError},
};

/// Queues, each with those who work on it.
type Shifts = Vec<(Shared, Vec<Worker>)>;

/// Workers, the queues they work on, and the databases that they change.
#[derive(Clone, Default)]
pub struct Staff {
    shifts: Arc<Mutex<Shifts>>,
    databases: Arc<OnceLock<HashMap<Arc<str>, Database>>>,
}

impl Staff {
    /// A world in which they work during every pause.
    pub fn world(&self, world: World) -> World {
        let (staff, still) = (self.clone(), world.clone());
        world.with_pause(move |length| {
            let (staff, still) = (staff.clone(), still.clone());
            async move {
                still.pause(length).await;
                staff.work(&still).await;
            }
        })
    }

    fn shifts(&self) -> MutexGuard<'_, Shifts> {
        self.shifts.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// These work on these queues.
    pub fn take_on(&self, queues: Shared, workers: Vec<Worker>) {
        self.shifts().push((queues, workers));
    }

    /// What they change is there; gives the name of a database that is not.
    pub fn knows(&self, databases: HashMap<Arc<str>, Database>) -> Option<Arc<str>> {
        let deeds = |workers: &[Worker]| workers.iter().filter_map(|one| one.deed.clone()).collect::<Vec<_>>();
        let mut named =
            self.shifts().iter().flat_map(|(_, workers)| deeds(workers)).map(|deed| deed.db).collect::<Vec<_>>();
        named.retain(|db| !databases.contains_key(db));
        let _ = self.databases.set(databases);
        named.pop()
    }

    async fn work(&self, world: &World) {
        let deeds: Vec<Deed> =
            self.shifts().iter().flat_map(|(queues, workers)| queues.work(workers, world.now())).collect();
        for deed in deeds {
            // A statement that cannot be run changes nothing: the case sees that what it waits for does not come.
            let _ = self.carry_out(&deed).await;
        }
    }

    async fn carry_out(&self, deed: &Deed) -> Result<(), Fault> {
        let Some(database) = self.databases.get().and_then(|all| all.get(&deed.db)) else { return Ok(()) };
        let mut writing = database.writing().await?;
        writing.execute(&Statement { sql: deed.run.to_string(), binds: Vec::new() }).await?;
        writing.commit().await
    }
}
