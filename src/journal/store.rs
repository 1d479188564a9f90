//! The journal in one SQLite file: the handle, and how its errors become words.
//!
//! One connection, used by one caller at a time. Every write is one transaction that starts with the write lock
//! (`BEGIN IMMEDIATE`), reads the head of the chain from the file and ends with a synced COMMIT: nothing about the chain
//! is kept in memory, so a failed write leaves nothing to repair and several processes may write to one journal.

use super::{failure::JournalError, sqlite::of_sqlite};
use crate::base::{moment, seal::Sealer, world::World};
use sqlx::{Connection, SqliteConnection};
use std::path::{Path, PathBuf};
use tokio::sync::{Mutex, MutexGuard};

/// An open journal. Share it by reference or in an `Arc`; calls queue up.
#[derive(Debug)]
pub struct Journal {
    pub(super) path: PathBuf,
    pub(super) id: uuid::Uuid,
    pub(super) world: World,
    pub(super) sealer: Sealer,
    pub(super) warnings: Vec<String>,
    pub(super) state: Mutex<State>,
}

#[derive(Debug)]
pub(super) struct State {
    pub(super) connection: SqliteConnection,
    /// A transaction was begun and its end was not seen: an error, or a caller that stopped waiting.
    pub(super) unfinished: bool,
    /// The disk failed under this handle, and what SQLite said.
    pub(super) broken: Option<String>,
}

impl Journal {
    /// The identity of this journal, which plans carry: made once, never changed.
    pub fn id(&self) -> uuid::Uuid {
        self.id
    }

    /// The file.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// What was found and put right when it was opened, one sentence each: rights that were too wide.
    pub fn warnings(&self) -> &[String] {
        &self.warnings
    }

    /// Seals and opens the personal values of the events.
    pub fn sealer(&self) -> &Sealer {
        &self.sealer
    }

    /// Closes the file when all that was begun is done. Dropping does the same in the background.
    pub async fn close(self) -> Result<(), JournalError> {
        let state = self.state.into_inner();
        let path = self.path;
        state.connection.close().await.map_err(|e| of_sqlite(&path, e))
    }

    /// The connection, with no transaction open.
    pub(super) async fn connection(&self) -> Result<Held<'_>, JournalError> {
        let mut state = self.state.lock().await;
        if state.unfinished {
            // A caller went away between BEGIN and COMMIT. If the COMMIT got through there is nothing to roll back, and
            // SQLite says so: both are fine, because the head is read again.
            let _ = sqlx::query("ROLLBACK").execute(&mut state.connection).await;
            state.unfinished = false;
        }
        Ok(Held { journal: self, state })
    }
}

/// The connection while one caller has it.
pub(super) struct Held<'a> {
    pub(super) journal: &'a Journal,
    pub(super) state: MutexGuard<'a, State>,
}

impl Held<'_> {
    pub(super) fn sql(&mut self) -> &mut SqliteConnection {
        &mut self.state.connection
    }

    /// Takes the write lock; waits for other processes as long as the busy timeout.
    pub(super) async fn begin(&mut self) -> Result<(), JournalError> {
        if let Some(what) = &self.state.broken {
            return Err(JournalError::Disk { path: self.journal.path.clone(), what: what.clone() });
        }
        self.state.unfinished = true;
        let begun = sqlx::query("BEGIN IMMEDIATE").execute(self.sql()).await;
        self.note(begun.map(drop).map_err(|e| of_sqlite(&self.journal.path, e)))
    }

    /// One view of the file for several reads, whatever other processes append meanwhile; holds up nobody.
    pub(super) async fn begin_reading(&mut self) -> Result<(), JournalError> {
        self.state.unfinished = true;
        let begun = sqlx::query("BEGIN").execute(self.sql()).await;
        begun.map(drop).map_err(|e| of_sqlite(&self.journal.path, e))
    }

    /// COMMIT (synced) when the work went well, else ROLLBACK.
    pub(super) async fn end<T>(&mut self, work: Result<T, JournalError>) -> Result<T, JournalError> {
        let work = match work {
            Ok(done) => {
                moment::reached("before the journal's COMMIT");
                let committed = sqlx::query("COMMIT").execute(self.sql()).await;
                committed.map(|_| done).map_err(|e| of_sqlite(&self.journal.path, e))
            }
            failed => failed,
        };
        let work = self.note(work);
        moment::reached("after the journal's COMMIT");
        if work.is_err() {
            // After an error SQLite may have rolled back by itself, and then there is nothing to do.
            let _ = sqlx::query("ROLLBACK").execute(self.sql()).await;
        }
        self.state.unfinished = false;
        work
    }

    /// After an error of the disk this handle writes no more: a second sync that succeeds proves nothing about the
    /// pages of the first.
    pub(super) fn note<T>(&mut self, work: Result<T, JournalError>) -> Result<T, JournalError> {
        if let Err(JournalError::Disk { what, .. }) = &work {
            self.state.broken = Some(what.clone());
        }
        work
    }
}
