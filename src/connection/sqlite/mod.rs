//! SQLite: one dedicated connection to one file. Binds by the value's kind, decodes by the column's declared type.

mod catalogue;
mod conflicts;
mod convert;
mod faults;
mod ledger;
mod line;
mod open;
mod rest;
mod standing;

pub(super) use open::Target;

use super::{
    fault::{Fault, FaultKind},
    ledger::{Claimed, Entry},
    rows::{Answer, Each, Identity, Touched},
    standing::Standing,
    statement::{Limits, Prepared, Slot, Statement, trusted},
};
use crate::{
    base::{counted::counted, value::Value},
    table::catalogue::{Catalogue, Kind, Reference},
};
use convert::{Stored, seen, stored};
use faults::fault;
use futures_util::TryStreamExt;
use line::Turn;
use rest::Place;
use sqlx::{
    Arguments, Column, Decode, Either, Executor, Row, Sqlite, SqliteConnection, Statement as _, TypeInfo, ValueRef,
    sqlite::{SqliteArguments, SqliteColumn, SqliteRow, SqliteStatement, SqliteValueRef},
};
use std::{
    collections::{BTreeMap, HashMap},
    future::Future,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

/// Rows inserted, updated and deleted, by table.
type Counts = BTreeMap<String, [u64; 3]>;

/// One connection; dropping it closes the file and rolls back. Only [`Link::rollback`] and [`Link::committed`] let the next handle have it.
#[derive(Debug)]
pub(super) struct Link {
    connection: SqliteConnection,
    file: String,
    /// Which file that was when it was opened.
    place: Place,
    statement_timeout: Duration,
    /// Set to end the running statement.
    stop: Arc<AtomicBool>,
    /// Counted by SQLite's update hook since the handle was opened.
    counts: Arc<Mutex<Counts>>,
    /// What SQLite itself had counted before.
    before: i64,
    /// Declared types by table, read once each.
    declared: HashMap<Arc<str>, HashMap<String, Kind>>,
    /// What tables say of conflicts, read once each.
    clauses: HashMap<Arc<str>, Vec<String>>,
    guest: open::Guest,
    /// The next writer of this process comes when this one is gone: the last field, so that the connection goes before it.
    _turn: Option<Turn>,
}

/// Lets work run until its time is up, then stops it from inside. The future itself is never cancelled.
async fn timed<T>(stop: &AtomicBool, limit: Duration, work: impl Future<Output = T>) -> T {
    let mut work = std::pin::pin!(work);
    tokio::select! {
        done = &mut work => done,
        () = tokio::time::sleep(limit) => {
            stop.store(true, Ordering::Relaxed);
            let done = work.await;
            stop.store(false, Ordering::Relaxed);
            done
        }
    }
}

impl Link {
    /// Runs fixed text; may be several statements, because no value can reach it.
    pub async fn batch(&mut self, sql: &'static str) -> Result<(), Fault> {
        self.connection.execute(sql).await.map(drop).map_err(|e| fault(e, &self.file, ""))
    }

    async fn prepared(&mut self, sql: &str) -> Result<SqliteStatement, Fault> {
        self.connection.prepare(trusted(sql)).await.map_err(|e| fault(e, &self.file, sql))
    }

    /// What a statement takes and gives.
    pub async fn prepare(&mut self, sql: &str) -> Result<Prepared, Fault> {
        let statement = self.prepared(sql).await?;
        let kinds = self.kinds(statement.columns()).await?;
        let slot = |name: Arc<str>, kind| Slot { name, kind, type_name: String::new(), unreadable: false };
        let count = parameters(&statement);
        let parameters = (1..=count).map(|n| slot(format!("?{n}").into(), Kind::Other)).collect();
        let columns = statement.columns().iter().zip(kinds).map(|(c, kind)| slot(c.name().into(), kind)).collect();
        Ok(Prepared { parameters, columns })
    }

    /// Runs one statement.
    pub async fn run(&mut self, statement: &Statement, limits: Limits) -> Result<Answer, Fault> {
        let prepared = self.prepared(&statement.sql).await?;
        let arguments = arguments(&prepared, statement)?;
        let kinds = self.kinds(prepared.columns()).await?;
        let mut answer = Answer::new(prepared.columns().iter().map(|c| c.name().into()).collect());
        let (file, sql) = (&self.file, &statement.sql);
        let mut stream = self.connection.fetch_many(sqlx::query_with(trusted(sql), arguments));
        let work = async {
            while let Some(part) = stream.try_next().await.map_err(|e| fault(e, file, sql))? {
                match part {
                    Either::Left(done) => answer.affected += done.rows_affected(),
                    Either::Right(row) => answer.push(values(&row, &kinds, limits.bytes)?, limits)?,
                }
            }
            Ok(answer)
        };
        timed(&self.stop, self.statement_timeout, work).await
    }

    /// Runs one statement and hands its rows out as they arrive: none of them stays in memory.
    pub async fn stream(&mut self, statement: &Statement, each: Each<'_>) -> Result<(), Fault> {
        let prepared = self.prepared(&statement.sql).await?;
        let arguments = arguments(&prepared, statement)?;
        let kinds = self.kinds(prepared.columns()).await?;
        let columns: Vec<Arc<str>> = prepared.columns().iter().map(|c| c.name().into()).collect();
        let (file, sql) = (&self.file, &statement.sql);
        let mut stream = self.connection.fetch(sqlx::query_with(trusted(sql), arguments));
        let work = async {
            while let Some(row) = stream.try_next().await.map_err(|e| fault(e, file, sql))? {
                each(&columns, values(&row, &kinds, usize::MAX)?)?;
            }
            Ok(())
        };
        timed(&self.stop, self.statement_timeout, work).await
    }

    /// What the columns of an answer hold: by the declared type of the table column behind each.
    async fn kinds(&mut self, columns: &[SqliteColumn]) -> Result<Vec<Kind>, Fault> {
        let mut kinds = Vec::new();
        for column in columns {
            let origin = column.origin();
            let Some(origin) = origin.table_column() else {
                kinds.push(Kind::Other);
                continue;
            };
            if !self.declared.contains_key(&origin.table) {
                let types = catalogue::declared(&mut self.connection, &origin.table).await;
                self.declared.insert(origin.table.clone(), types.map_err(|e| fault(e, &self.file, ""))?);
            }
            let kind = self.declared.get(&origin.table).and_then(|types| types.get(&*origin.name));
            kinds.push(kind.cloned().unwrap_or(Kind::Other));
        }
        Ok(kinds)
    }

    /// Tables touched so far.
    pub async fn touched(&mut self) -> Result<Vec<Touched>, Fault> {
        let total = self.run(&Statement::new("SELECT total_changes()", Vec::new()), Limits::USUAL).await?;
        let total = total.rows.first().and_then(|row| row.first()).and_then(Value::as_int).unwrap_or(0);
        let total = total.saturating_sub(self.before);
        let counts = self.counts.lock().map(|counts| counts.clone()).unwrap_or_default();
        let known: u64 = counts.values().flatten().sum();
        let named = |(table, [inserted, updated, deleted]): (String, [u64; 3])| Touched {
            table: table.into(),
            inserted,
            updated,
            deleted,
        };
        let mut touched: Vec<Touched> = counts.into_iter().map(named).collect();
        // The hook does not see tables WITHOUT ROWID, nor a DELETE of everything.
        let rest = u64::try_from(total).unwrap_or(0).saturating_sub(known);
        if rest > 0 {
            touched.push(Touched { table: "*".into(), inserted: 0, updated: rest, deleted: 0 });
        }
        Ok(touched)
    }

    /// Columns, types and keys.
    pub async fn catalogue(&mut self, tables: Option<&[&str]>) -> Result<Catalogue, Fault> {
        catalogue::read(self, tables).await
    }

    /// The foreign keys between these tables, or all.
    pub async fn references(&mut self, tables: Option<&[&str]>) -> Result<Vec<Reference>, Fault> {
        catalogue::references(self, tables).await
    }

    /// Which database this is.
    pub async fn identity(&mut self) -> Result<Identity, Fault> {
        standing::identity(self).await
    }

    /// Which database this is, and how these tables are built.
    pub async fn standing(&mut self, tables: &[&str]) -> Result<Standing, Fault> {
        standing::standing(self, tables).await
    }

    /// Claims an effect in the ledger.
    pub async fn claim(&mut self, entry: &Entry) -> Result<Claimed, Fault> {
        ledger::claim(self, entry).await
    }

    /// The id of this database, from its ledger.
    pub async fn ledger_id(&mut self) -> Result<String, Fault> {
        ledger::id(self).await
    }
}

fn parameters(statement: &SqliteStatement) -> usize {
    match statement.parameters() {
        Some(Either::Right(count)) => count,
        _ => 0,
    }
}

fn arguments(prepared: &SqliteStatement, statement: &Statement) -> Result<SqliteArguments, Fault> {
    let count = parameters(prepared);
    // A missing value would silently be NULL.
    if count != statement.binds.len() {
        let message = format!("the statement takes {} and got {}", counted(count, "value"), statement.binds.len());
        return Err(Fault::new(FaultKind::Syntax, message));
    }
    let mut arguments = SqliteArguments::default();
    for (n, value) in (1..).zip(&statement.binds) {
        let bad = |why: String| Fault::new(FaultKind::Data, format!("?{n} got {why}"));
        let added = match stored(value).map_err(bad)? {
            Stored::Null => arguments.add(None::<i64>),
            Stored::Int(n) => arguments.add(n),
            Stored::Real(f) => arguments.add(f),
            Stored::Text(text) => arguments.add(text),
            Stored::Blob(bytes) => arguments.add(bytes),
        };
        added.map_err(|e| bad(e.to_string()))?;
    }
    Ok(arguments)
}

fn read<'r, T: Decode<'r, Sqlite>>(raw: SqliteValueRef<'r>) -> Result<T, sqlx::error::BoxDynError> {
    T::decode(raw)
}

/// A row, if none of its values is larger than an answer may be: that is looked at before the value is copied.
fn values(row: &SqliteRow, kinds: &[Kind], most: usize) -> Result<Vec<Value>, Fault> {
    let one = |(i, kind): (usize, &Kind)| {
        let raw = row.try_get_raw(i).map_err(|e| fault(e, "", ""))?;
        let decoded = match raw.type_info().name() {
            _ if raw.is_null() => Ok(Stored::Null),
            "INTEGER" => read(raw).map(Stored::Int),
            "REAL" => read(raw).map(Stored::Real),
            "BLOB" => read::<&[u8]>(raw).and_then(|bytes| {
                within(bytes.len(), most)?;
                Ok(Stored::Blob(bytes.to_vec()))
            }),
            _ => read::<&str>(raw).and_then(|text| {
                within(text.len(), most)?;
                Ok(Stored::Text(text.to_owned()))
            }),
        };
        let name = row.columns().get(i).map_or("", |c| c.name());
        let unreadable = |why: sqlx::error::BoxDynError| {
            if let Ok(too_large) = why.downcast::<TooLarge>() {
                // Not one of too many rows, which an author may have asked for.
                let fault = Fault::new(FaultKind::Data, format!("`{name}` {too_large}"));
                return fault.advise("leave the column out, or take a part of it: `substr(…)`");
            }
            Fault::new(FaultKind::Data, format!("the column `{name}` holds text that is not UTF-8"))
                .advise(format!("read it as bytes: `CAST({name} AS BLOB) AS {name}`"))
        };
        decoded.map(|raw| seen(raw, kind)).map_err(unreadable)
    };
    kinds.iter().enumerate().map(one).collect()
}

/// A value alone is larger than an answer may be.
#[derive(Debug)]
struct TooLarge(usize);

impl std::fmt::Display for TooLarge {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "is larger than the {} bytes that an answer may have", self.0)
    }
}

impl std::error::Error for TooLarge {}

fn within(bytes: usize, most: usize) -> Result<(), TooLarge> {
    if bytes > most { Err(TooLarge(most)) } else { Ok(()) }
}
