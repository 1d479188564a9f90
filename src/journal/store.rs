//! An open journal: the handle that everybody shares, and the one connection behind it.
//!
//! One connection, used by one caller at a time. What writes goes through [`super::write`]; nothing about the chain is kept
//! in memory, so a failed write leaves nothing to repair and several processes may write to one journal.

use super::{
    failure::{JournalError, Place},
    postgres::{self, Server},
    sql::{Cell, Of, Row, Sql},
    sqlite,
    stands::{FileId, OnClaim},
    write::Queue,
};
use crate::base::{moment, seal::Sealer, world::World};
use sqlx::{Connection, SqliteConnection};
use std::sync::{
    Arc, Mutex, OnceLock,
    atomic::{AtomicU64, Ordering},
};
use tokio::sync::MutexGuard;

/// An open journal. Its clones are the same one; concurrent appends are made durable together.
#[derive(Clone, Debug)]
pub struct Journal {
    pub(super) inner: Arc<Inner>,
}

/// What a write needs that goes on although its caller went away.
#[derive(Debug)]
pub(super) struct Inner {
    pub(super) place: Arc<Place>,
    pub(super) id: uuid::Uuid,
    /// The file that was opened; nothing on a server.
    pub(super) file: Option<FileId>,
    /// Is told of every run that is taken.
    pub(super) on_claim: OnceLock<OnClaim>,
    pub(super) world: World,
    pub(super) sealer: Sealer,
    pub(super) warnings: Vec<String>,
    pub(super) queue: Mutex<Queue>,
    /// How many events were taken apart.
    pub(super) decoded: AtomicU64,
    pub(super) state: tokio::sync::Mutex<State>,
}

#[derive(Debug)]
pub(super) struct State {
    pub(super) store: Store,
    /// A transaction was begun and its end was not seen: an error, or a caller that stopped waiting.
    pub(super) unfinished: bool,
    /// The disk failed under this handle, and what SQLite said.
    pub(super) broken: Option<String>,
    /// How many transactions were made durable.
    #[cfg(test)]
    pub(super) commits: u32,
}

/// Where the events are.
#[derive(Debug)]
pub(super) enum Store {
    /// A file; nothing after it was closed.
    File(Option<SqliteConnection>),
    /// A PostgreSQL server.
    Server(Box<Server>),
}

impl Journal {
    pub(super) fn of(opened: Opened, world: World, sealer: Sealer) -> Journal {
        let state = State {
            store: opened.store,
            unfinished: false,
            broken: None,
            #[cfg(test)]
            commits: 0,
        };
        let inner = Inner {
            place: opened.place,
            id: opened.id,
            file: opened.file,
            on_claim: OnceLock::new(),
            world,
            sealer,
            warnings: opened.warnings,
            queue: Mutex::default(),
            decoded: AtomicU64::new(0),
            state: tokio::sync::Mutex::new(state),
        };
        Journal { inner: Arc::new(inner) }
    }

    /// The identity of this journal, which plans carry: made once, never changed.
    pub fn id(&self) -> uuid::Uuid {
        self.inner.id
    }

    /// Where it is, for messages.
    pub fn place(&self) -> &Place {
        &self.inner.place
    }

    /// What was found and put right when it was opened, one sentence each: rights that were too wide, an older format.
    pub fn warnings(&self) -> &[String] {
        &self.inner.warnings
    }

    /// How many events were taken apart through this handle: what reading costs, but for the hashes.
    pub fn decoded(&self) -> u64 {
        self.inner.decoded.load(Ordering::Relaxed)
    }

    /// Seals and opens the personal values of the events.
    pub fn sealer(&self) -> &Sealer {
        &self.inner.sealer
    }

    /// Closes it when all that was begun is done. Dropping does the same in the background.
    pub async fn close(self) -> Result<(), JournalError> {
        let mut state = self.inner.state.lock().await;
        match &mut state.store {
            Store::File(file) => match file.take() {
                Some(file) => file.close().await.map_err(|e| sqlite::failed(&self.inner.place, e)),
                None => Ok(()),
            },
            Store::Server(server) => {
                server.close().await;
                Ok(())
            }
        }
    }

    /// The connection, with no transaction open.
    pub(super) async fn connection(&self) -> Result<Held<'_>, JournalError> {
        self.inner.connection().await
    }
}

/// A store that was looked at and found good.
pub(super) struct Opened {
    pub(super) store: Store,
    pub(super) place: Arc<Place>,
    pub(super) id: uuid::Uuid,
    pub(super) file: Option<FileId>,
    pub(super) warnings: Vec<String>,
}

impl Inner {
    pub(super) async fn connection(&self) -> Result<Held<'_>, JournalError> {
        let mut state = self.state.lock().await;
        if state.unfinished {
            match &mut state.store {
                // A caller went away between BEGIN and the end. If there is nothing to roll back SQLite says so: both are
                // fine, because the head is read again.
                Store::File(Some(file)) => drop(sqlx::query("ROLLBACK").execute(file).await),
                Store::File(None) => {}
                // Nobody knows what is on its way through it.
                Store::Server(server) => server.throw_away(),
            }
            state.unfinished = false;
        }
        Ok(Held { inner: self, state })
    }
}

/// The connection while one caller has it.
pub(super) struct Held<'a> {
    pub(super) inner: &'a Inner,
    pub(super) state: MutexGuard<'a, State>,
}

impl Held<'_> {
    /// Whether it is a PostgreSQL server.
    pub(super) fn is_server(&self) -> bool {
        matches!(self.state.store, Store::Server(_))
    }

    pub(super) fn closed(&self) -> JournalError {
        JournalError::Sql { place: (*self.inner.place).clone(), what: "it was closed".into() }
    }

    /// Something in the store is not what the store itself wrote.
    pub(super) fn damaged(&self, what: impl Into<String>) -> JournalError {
        JournalError::Damaged { place: (*self.inner.place).clone(), what: what.into() }
    }

    /// One statement; how many rows it changed.
    pub(super) async fn execute(&mut self, sql: impl Into<Sql>, cells: &[Cell<'_>]) -> Result<u64, JournalError> {
        let (sql, place) = (sql.into(), self.inner.place.clone());
        match &mut self.state.store {
            Store::File(None) => Err(self.closed()),
            Store::File(Some(file)) => {
                let done = sql.for_sqlite(cells).execute(file).await;
                done.map(|done| done.rows_affected()).map_err(|e| sqlite::failed(&place, e))
            }
            Store::Server(server) => server.execute(sql, cells).await,
        }
    }

    /// The rows of one question. Outside of a transaction a server that went away is asked once more.
    pub(super) async fn rows(&mut self, sql: impl Into<Sql>, cells: &[Cell<'_>]) -> Result<Vec<Row>, JournalError> {
        let (sql, place) = (sql.into(), self.inner.place.clone());
        let unfinished = self.state.unfinished;
        match &mut self.state.store {
            Store::File(None) => Err(self.closed()),
            Store::File(Some(file)) => {
                let rows = sql.for_sqlite(cells).fetch_all(file).await.map_err(|e| sqlite::failed(&place, e))?;
                Ok(rows.into_iter().map(|row| Row { of: Of::Sqlite(row), place: place.clone() }).collect())
            }
            Store::Server(server) => match server.rows(sql, cells).await {
                Err(JournalError::Away { .. }) if !unfinished => server.rows(sql, cells).await,
                rows => rows,
            },
        }
    }

    /// The first row of one question.
    pub(super) async fn row(&mut self, sql: impl Into<Sql>, cells: &[Cell<'_>]) -> Result<Option<Row>, JournalError> {
        Ok(self.rows(sql, cells).await?.into_iter().next())
    }

    /// Begins to write. A file takes its one write lock here; a server locks what [`Held::lock`] names.
    pub(super) async fn begin(&mut self) -> Result<(), JournalError> {
        if let Some(what) = &self.state.broken {
            return Err(JournalError::Disk { place: (*self.inner.place).clone(), what: what.clone() });
        }
        self.state.unfinished = true;
        let begun = self.execute(Sql { sqlite: "BEGIN IMMEDIATE", postgres: postgres::BEGIN }, &[]).await;
        self.note(begun.map(drop))
    }

    /// One view of everything for several reads, whatever other processes append meanwhile; holds up nobody.
    pub(super) async fn begin_reading(&mut self) -> Result<(), JournalError> {
        self.state.unfinished = true;
        self.execute(Sql { sqlite: "BEGIN", postgres: postgres::BEGIN_READING }, &[]).await.map(drop)
    }

    /// COMMIT (synced) when the work went well, else ROLLBACK.
    pub(super) async fn end<T>(&mut self, work: Result<T, JournalError>) -> Result<T, JournalError> {
        let work = match work {
            Ok(done) => {
                moment::reached("before the journal's COMMIT");
                self.execute("COMMIT", &[]).await.map(|_| done)
            }
            failed => failed,
        };
        let work = self.note(work);
        moment::reached("after the journal's COMMIT");
        #[cfg(test)]
        {
            self.state.commits += u32::from(work.is_ok());
        }
        if work.is_err() {
            self.roll_back().await;
        }
        self.state.unfinished = false;
        work
    }

    /// After an error the database may have rolled back by itself, and then there is nothing to do.
    pub(super) async fn roll_back(&mut self) {
        let gone = matches!(&self.state.store, Store::Server(server) if !server.connected());
        if !gone {
            let _ = self.execute("ROLLBACK", &[]).await;
        }
        self.state.unfinished = false;
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
