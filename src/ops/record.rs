//! The journal of a project, opened with its key.

use super::{Failure, Surroundings, project::Opened};
use crate::{
    base::{identity::RunId, seal::Sealer},
    engine::state::RunState,
    journal::{Claim, Holder, Journal, failure::JournalError},
};
use std::time::Duration;

/// A run may take this long before others may take it over; it is given back at its end.
const CLAIM: Duration = Duration::from_secs(24 * 3600);

/// The journal and the key that opens its sealed values.
pub struct Record {
    /// The events.
    pub journal: Journal,
    /// Seals and opens personal values.
    pub sealer: Sealer,
}

/// Opens the project's journal; it is made if it is missing.
pub async fn open(surroundings: &Surroundings, opened: &Opened) -> Result<Record, Failure> {
    let path = opened.journal();
    let key = path.with_file_name("seal.key");
    let sealer = Sealer::open_or_create(&key, surroundings.masks.clone())
        .map_err(|e| Failure::usage(format!("failed to {e}")))?;
    let journal = Journal::open(&path, surroundings.world.clone(), sealer.clone()).await?;
    Ok(Record { journal, sealer })
}

/// No process has this number. Where that cannot be told, somebody is taken to be at work.
pub(super) fn is_gone(pid: u32) -> bool {
    let processes = std::path::Path::new("/proc");
    processes.join("self").exists() && !processes.join(pid.to_string()).exists()
}

impl Record {
    /// Where a run stands.
    pub async fn state(&self, run: RunId) -> Result<RunState, Failure> {
        let events = self.journal.events(run).await?;
        Ok(RunState::of(events.into_iter().map(|e| (e.at, e.event))))
    }

    /// Takes a run for this process.
    pub async fn claim(&self, surroundings: &Surroundings, run: RunId, actor: &str) -> Result<Claim, Failure> {
        let host = (surroundings.variable)("HOSTNAME").unwrap_or_else(|| "localhost".into());
        let holder = Holder { name: actor.to_owned(), host, pid: std::process::id() };
        match self.journal.claim(run, holder.clone(), CLAIM).await {
            // A process of this machine that is gone cannot give its claim back by itself.
            Err(JournalError::Claimed { by, .. }) if by.holder.host == holder.host && is_gone(by.holder.pid) => {
                Ok(self.journal.seize(&by, holder, CLAIM).await?)
            }
            other => Ok(other?),
        }
    }
}
