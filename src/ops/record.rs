//! The journal of a project, opened with its key.

use super::{Failure, Surroundings, project::Opened};
use crate::{
    base::{identity::RunId, seal::Sealer},
    engine::state::RunState,
    journal::{Claim, Holder, Journal, failure::JournalError},
};
use std::{
    path::{Path, PathBuf},
    time::Duration,
};

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
    let key = key_of(&path);
    let sealer = Sealer::open_or_create(&key, surroundings.masks.clone())
        .map_err(|e| Failure::usage(format!("failed to {e}")))?;
    let journal = Journal::open(&path, surroundings.world.clone(), sealer.clone()).await?;
    Ok(Record { journal, sealer })
}

/// What opens the personal values of files, where the project's key is at hand; else they stay hidden. Makes nothing.
pub fn reader(surroundings: &Surroundings, project: Option<&Path>) -> Sealer {
    let masks = surroundings.masks.clone();
    let opened = super::project::open(surroundings, project).ok();
    let key = opened.and_then(|opened| Sealer::open(&key_of(&opened.journal()), masks.clone()).ok());
    key.unwrap_or_else(|| Sealer::without_key(masks))
}

/// The key stands beside the journal.
fn key_of(journal: &Path) -> PathBuf {
    journal.with_file_name("seal.key")
}

/// No process has this number. Where that cannot be told, somebody is taken to be at work.
fn is_gone(pid: u32) -> bool {
    let processes = std::path::Path::new("/proc");
    processes.join("self").exists() && !processes.join(pid.to_string()).exists()
}

impl Record {
    /// Where a run stands.
    pub async fn state(&self, run: RunId) -> Result<RunState, Failure> {
        let events = self.journal.events(run).await?;
        Ok(RunState::fold(events.iter().map(|e| (e.at, &e.event))))
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
