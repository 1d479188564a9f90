//! The journal in one SQLite file: the handle, and how its errors become words.
//!
//! One connection, used by one caller at a time. Every write is one transaction that starts with the write lock
//! (`BEGIN IMMEDIATE`), reads the head of the chain from the file and ends with a synced COMMIT: nothing about the chain
//! is kept in memory, so a failed write leaves nothing to repair and several processes may write to one journal.

mod append;
mod claim;
mod open;
mod projection;
mod read;
mod schema;
#[cfg(test)]
mod tests;
mod verify;

pub use append::Appended;
pub use claim::{Claim, Holder};
pub use read::{RunFilter, RunSummary, Stored, Waiting};
pub use verify::{Anchor, Finding, Report, What};

use super::failure::JournalError;
use crate::base::{moment, seal::Sealer, world::World};
use sqlx::{Connection, SqliteConnection};
use std::path::{Path, PathBuf};
use tokio::sync::{Mutex, MutexGuard};

/// An open journal. Share it by reference or in an `Arc`; calls queue up.
#[derive(Debug)]
pub struct Journal {
    path: PathBuf,
    id: uuid::Uuid,
    world: World,
    sealer: Sealer,
    warnings: Vec<String>,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    connection: SqliteConnection,
    /// A transaction was begun and its end was not seen: an error, or a caller that stopped waiting.
    unfinished: bool,
    /// The disk failed under this handle, and what SQLite said.
    broken: Option<String>,
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
    async fn connection(&self) -> Result<Held<'_>, JournalError> {
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
struct Held<'a> {
    journal: &'a Journal,
    state: MutexGuard<'a, State>,
}

impl Held<'_> {
    fn sql(&mut self) -> &mut SqliteConnection {
        &mut self.state.connection
    }

    /// Takes the write lock; waits for other processes as long as the busy timeout.
    async fn begin(&mut self) -> Result<(), JournalError> {
        if let Some(what) = &self.state.broken {
            return Err(JournalError::Disk { path: self.journal.path.clone(), what: what.clone() });
        }
        self.state.unfinished = true;
        let begun = sqlx::query("BEGIN IMMEDIATE").execute(self.sql()).await;
        self.note(begun.map(drop).map_err(|e| of_sqlite(&self.journal.path, e)))
    }

    /// One view of the file for several reads, whatever other processes append meanwhile; holds up nobody.
    async fn begin_reading(&mut self) -> Result<(), JournalError> {
        self.state.unfinished = true;
        let begun = sqlx::query("BEGIN").execute(self.sql()).await;
        begun.map(drop).map_err(|e| of_sqlite(&self.journal.path, e))
    }

    /// COMMIT (synced) when the work went well, else ROLLBACK.
    async fn end<T>(&mut self, work: Result<T, JournalError>) -> Result<T, JournalError> {
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
    fn note<T>(&mut self, work: Result<T, JournalError>) -> Result<T, JournalError> {
        if let Err(JournalError::Disk { what, .. }) = &work {
            self.state.broken = Some(what.clone());
        }
        work
    }
}

/// An error of SQLite by its primary result code.
fn of_sqlite(path: &Path, error: sqlx::Error) -> JournalError {
    let path = path.to_owned();
    let Some(database) = error.as_database_error() else { return JournalError::Sql(error) };
    let what = database.message().to_owned();
    let code = database.code().and_then(|code| code.parse::<u32>().ok()).unwrap_or(0);
    match code & 0xff {
        5 | 6 => JournalError::Locked { path },
        8 => JournalError::ReadOnly { path },
        10 => JournalError::Disk { path, what },
        11 => JournalError::Damaged { path, what },
        13 => JournalError::Full { path },
        14 => JournalError::Io { path, source: std::io::Error::other(what) },
        26 => JournalError::NotAJournal { path, why: "it is not a SQLite file" },
        _ => JournalError::Sql(error),
    }
}
