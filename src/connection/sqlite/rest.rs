//! When a connection may serve the next handle, and what a connection has by itself.
//!
//! The texts of playbooks can neither attach a file nor set a PRAGMA, and what a transaction did to the session's own settings is none of
//! SQLite's: what may be left behind is a temporary table of a trigger or of a text. One in which there is any is closed.

use super::{
    super::{
        fault::Fault,
        statement::{Limits, Statement},
    },
    Counts, Link,
    line::Turn,
    open::Guest,
};
use crate::base::value::Value;
use sqlx::{SqliteConnection, sqlite::SqliteOperation};
use std::{
    collections::HashMap,
    fs::Metadata,
    os::unix::fs::MetadataExt,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

/// How many instructions of SQLite's machine run between two looks at the stop sign: a fraction of a millisecond.
const INSTRUCTIONS: i32 = 20_000;

/// Asks for all that may be left of a handle. Outside of any transaction.
const LEFT: &str = "SELECT total_changes(), (SELECT count(*) FROM temp.sqlite_schema)";

/// Which file stands behind a path: device and inode.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Place(u64, u64);

impl Place {
    /// Nothing when it is no file.
    pub fn of(known: &Metadata) -> Option<Place> {
        known.is_file().then(|| Place(known.dev(), known.ino()))
    }
}

/// A connection outside every transaction.
#[derive(Debug)]
pub(super) struct Rested {
    connection: SqliteConnection,
    pub place: Place,
    stop: Arc<AtomicBool>,
    counts: Arc<Mutex<Counts>>,
    before: i64,
}

impl Rested {
    /// One that was opened just now.
    pub async fn new(mut connection: SqliteConnection, place: Place) -> Result<Rested, sqlx::Error> {
        let stop = Arc::new(AtomicBool::new(false));
        let counts = Arc::new(Mutex::new(Counts::new()));
        let (sign, counted) = (stop.clone(), counts.clone());
        let mut handle = connection.lock_handle().await?;
        handle.set_progress_handler(INSTRUCTIONS, move || !sign.load(Ordering::Relaxed));
        handle.set_update_hook(move |change| {
            let column = match change.operation {
                SqliteOperation::Insert => 0,
                SqliteOperation::Update => 1,
                SqliteOperation::Delete => 2,
                SqliteOperation::Unknown(_) => return,
            };
            if let Ok(mut counts) = counted.lock() {
                counts.entry(change.table.to_owned()).or_default()[column] += 1;
            }
        });
        drop(handle);
        Ok(Rested { connection, place, stop, counts, before: 0 })
    }
}

impl Link {
    /// A handle on it.
    pub(super) fn of(
        rested: Rested,
        file: String,
        statement_timeout: Duration,
        guest: Guest,
        turn: Option<Turn>,
    ) -> Link {
        let Rested { connection, place, stop, counts, before } = rested;
        // The declared types are asked again: the tables may have changed meanwhile.
        let (declared, clauses) = (HashMap::new(), HashMap::new());
        Link { connection, file, place, statement_timeout, stop, counts, before, declared, clauses, guest, _turn: turn }
    }

    /// Takes the transaction back and waits for it; keeps the connection for the next handle where nothing is left in it.
    pub async fn rollback(mut self) -> Result<(), Fault> {
        self.batch("ROLLBACK; PRAGMA query_only = OFF").await?;
        self.rest().await;
        Ok(())
    }

    /// After a confirmed COMMIT: the same.
    pub async fn committed(mut self) {
        if self.batch("PRAGMA query_only = OFF").await.is_ok() {
            self.rest().await;
        }
    }

    /// What goes wrong here only costs the connection.
    async fn rest(mut self) {
        let left = self.run(&Statement::new(LEFT, Vec::new()), Limits::USUAL).await;
        let row = left.ok().and_then(|left| left.rows.into_iter().next()).unwrap_or_default();
        if let [total, temporary] = row.iter().map(Value::as_int).collect::<Vec<_>>()[..]
            && let (Some(before), Some(0)) = (total, temporary)
        {
            let Link { connection, place, stop, counts, guest, .. } = self;
            if let Ok(mut counts) = counts.lock() {
                counts.clear();
            }
            guest.leave(Rested { connection, place, stop, counts, before });
        }
    }
}
