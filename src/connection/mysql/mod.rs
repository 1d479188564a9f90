//! MySQL and MariaDB: one dedicated connection. Binds by the value's kind, decodes without loss.
//!
//! Where the two differ, [`Flavour`] says so. Only MariaDB is tested here.

mod about;
mod bind;
mod catalogue;
mod copy;
mod decode;
mod faults;
mod form;
mod ledger;
mod open;
mod rest;
mod rights;
mod standing;
mod stirred;

pub(super) use open::Target;

use super::{
    fault::{Fault, FaultKind},
    ledger::{Claimed, Entry},
    rows::{Answer, Each, Identity, Touched},
    sql_lexer,
    standing::Standing,
    statement::{Limits, Prepared, Slot, Statement, trusted},
};
use crate::{
    base::value::Value,
    table::{
        catalogue::{Catalogue, Kind, Table},
        rights::Rights,
    },
    template::sql::Dialect,
};
use about::{About, Routine};
use futures_util::TryStreamExt;
use sqlx::{
    Column, Either, Executor, MySqlConnection, Row, SqlSafeStr, Statement as _,
    mysql::{MySqlColumn, MySqlRow, MySqlStatement, MySqlTypeInfo},
};
use std::{
    collections::{BTreeMap, HashMap},
    future::Future,
    sync::Arc,
    time::Duration,
};

/// Which of the two it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Flavour {
    /// MariaDB: `max_statement_time` for every statement, INSERT … RETURNING.
    MariaDb,
    /// MySQL: `max_execution_time` for SELECT alone, no RETURNING.
    MySql,
}

/// One connection. Dropping it closes the socket, and the server rolls back. Only [`Link::rollback`] and
/// [`Link::committed`] let the next handle of the same address have it.
#[derive(Debug)]
pub(super) struct Link {
    connection: MySqlConnection,
    flavour: Flavour,
    /// The database of the address: what a table's name without a schema means.
    database: Arc<str>,
    /// Longer than any server-side timeout: only a dead network reaches it.
    patience: Duration,
    lock_timeout: Duration,
    /// How long a claim in the ledger waits for another session.
    claim_patience: Duration,
    /// How a DECIMAL travels: the driver makes this type only for crates that we do not use.
    decimal: MySqlTypeInfo,
    /// Engine and triggers by table, read once each.
    about: HashMap<Arc<str>, Arc<About>>,
    /// Procedures and functions by their places, once somebody asked; their texts are read once each.
    routines: Option<HashMap<String, Routine>>,
    /// Columns by table, read once each: only they tell JSON from text and BIT(1) from other bits.
    declared: HashMap<Arc<str>, Arc<Table>>,
    /// Rows inserted, updated and deleted by table.
    counts: BTreeMap<Arc<str>, [u64; 3]>,
    /// The number that the last INSERT got by itself.
    last_id: u64,
    /// How many SET statements have changed this session, as far as we know.
    sets: u64,
    guest: open::Guest,
}

/// Waits for an answer. The server's own timeouts end a statement; when even they do not answer, the connection is
/// given up (and closed by whoever sees the fault), never used again.
async fn within<T>(
    patience: Duration,
    sql: &str,
    work: impl Future<Output = Result<T, sqlx::Error>>,
) -> Result<T, Fault> {
    match tokio::time::timeout(patience, work).await {
        Ok(done) => done.map_err(|error| faults::fault(error, sql)),
        Err(_) => Err(Fault::new(FaultKind::Lost, format!("the server gave no answer for {} s", patience.as_secs()))),
    }
}

impl Link {
    /// Runs fixed text in one round trip; may be several statements, because no value can reach it.
    pub async fn batch(&mut self, sql: &'static str) -> Result<(), Fault> {
        within(self.patience, sql, self.connection.execute(sql.into_sql_str())).await.map(drop)
    }

    /// The same for savepoints: here a second one of the same name would take the place of the first.
    pub async fn batch_at(&mut self, sql: &'static str, depth: u32) -> Result<(), Fault> {
        let sql = sql.replace("SAVEPOINT trueup", &format!("SAVEPOINT trueup_{depth}"));
        within(self.patience, &sql, self.connection.execute(trusted(&sql))).await.map(drop)
    }

    /// Sets what holds for the session from now on, in so many SET statements.
    async fn set(&mut self, sql: &str, statements: u64) -> Result<(), Fault> {
        self.sets += statements;
        within(self.patience, sql, self.connection.execute(trusted(sql))).await.map(drop)
    }

    /// An INSERT can say which key its row got.
    pub fn returns_keys(&self) -> bool {
        self.flavour == Flavour::MariaDb
    }

    /// The number that the last INSERT got from AUTO_INCREMENT.
    pub fn last_id(&self) -> Option<Value> {
        i64::try_from(self.last_id).ok().filter(|id| *id > 0).map(Value::from)
    }

    async fn prepared(&mut self, sql: &str) -> Result<MySqlStatement, Fault> {
        within(self.patience, sql, self.connection.prepare(trusted(sql))).await
    }

    /// What a statement takes and gives. The server does not say which types it takes.
    pub async fn prepare(&mut self, sql: &str) -> Result<Prepared, Fault> {
        let statement = self.prepared(sql).await?;
        let slot = |name: Arc<str>, kind, type_name| Slot { name, kind, type_name, unreadable: false };
        let count = bind::parameters(&statement);
        let parameters = (1..=count).map(|n| slot(format!("?{n}").into(), Kind::Other, String::new())).collect();
        let column =
            |c: &MySqlColumn| slot(c.name().into(), form::Form::of(c.type_info()).kind(), form::name(c.type_info()));
        Ok(Prepared { parameters, columns: statement.columns().iter().map(column).collect() })
    }

    /// Runs one statement. A change of a table that no rollback takes back is refused; what it sets off is counted.
    pub async fn run(&mut self, statement: &Statement, limits: Limits) -> Result<Answer, Fault> {
        self.functions_are_taken_back(&statement.sql).await?;
        match stirred::Change::of(&statement.sql) {
            None => self.run_once(statement, limits, true).await,
            Some(change) => self.run_change(change, statement, limits).await,
        }
    }

    /// Runs one statement and hands its rows out as they arrive: none of them stays in memory.
    pub async fn stream(&mut self, statement: &Statement, each: Each<'_>) -> Result<(), Fault> {
        self.functions_are_taken_back(&statement.sql).await?;
        let prepared = self.prepared(&statement.sql).await?;
        // What the columns hold is asked before the rows come: one connection speaks of one thing at a time.
        let forms = self.forms(prepared.columns()).await?;
        let arguments = bind::bind(&prepared, statement, &self.decimal)?;
        let columns: Vec<Arc<str>> = prepared.columns().iter().map(|c| c.name().into()).collect();
        let mut stream = self.connection.fetch(sqlx::query_with(trusted(&statement.sql), arguments));
        while let Some(row) = within(self.patience, &statement.sql, stream.try_next()).await? {
            each(&columns, decode::values(&row, &forms)?)?;
        }
        Ok(())
    }

    /// `told`: the tables are asked what their columns hold, where the types do not tell.
    async fn run_once(&mut self, statement: &Statement, limits: Limits, told: bool) -> Result<Answer, Fault> {
        let prepared = self.prepared(&statement.sql).await?;
        let arguments = bind::bind(&prepared, statement, &self.decimal)?;
        let mut rows: Vec<MySqlRow> = Vec::new();
        let mut answer = Answer::new(prepared.columns().iter().map(|c| c.name().into()).collect());
        let (mut weight, most) = (0_usize, limits.bytes);
        {
            let query = sqlx::query_with(trusted(&statement.sql), arguments);
            let mut stream = self.connection.fetch_many(query);
            while let Some(part) = within(self.patience, &statement.sql, stream.try_next()).await? {
                match part {
                    Either::Left(done) => {
                        answer.affected += done.rows_affected();
                        self.last_id = done.last_insert_id();
                    }
                    Either::Right(row) if rows.len() < limits.rows && weight <= most => {
                        weight += decode::weight(&row);
                        rows.push(row);
                    }
                    Either::Right(_) => return Err(too_much(rows.len() >= limits.rows, limits)),
                }
            }
        }
        let forms = match rows.first() {
            Some(row) if told => self.forms(row.columns()).await?,
            Some(row) => row.columns().iter().map(|c| form::Form::of(c.type_info())).collect(),
            None => Vec::new(),
        };
        if let Some(row) = rows.first() {
            // What INSERT … RETURNING gives is not told before it runs.
            answer.columns = row.columns().iter().map(|c| c.name().into()).collect();
        }
        for row in &rows {
            answer.push(decode::values(row, &forms)?, limits)?;
        }
        Ok(answer)
    }

    /// How to read the columns of an answer: by their types, and by their tables where the types do not tell.
    async fn forms(&mut self, columns: &[MySqlColumn]) -> Result<Vec<form::Form>, Fault> {
        let mut forms = Vec::new();
        for column in columns {
            let form = form::Form::of(column.type_info());
            let origin = column.origin();
            let told = match origin.table_column() {
                Some(origin) if form.needs_its_table() => {
                    let table = self.short(&origin.table);
                    let table = self.declared(&table).await?;
                    table.and_then(|table| table.column(&origin.name).map(|column| form.clone().declared(&column.kind)))
                }
                _ => None,
            };
            forms.push(told.unwrap_or(form));
        }
        Ok(forms)
    }

    /// `app.users` as `users` in the database of the address.
    fn short(&self, table: &str) -> Arc<str> {
        match table.split_once('.') {
            Some((schema, table)) if schema == &*self.database => table.into(),
            _ => table.into(),
        }
    }

    /// The schema and the name of a table.
    fn place(&self, table: &str) -> (Value, Value) {
        let (schema, name) = table.split_once('.').unwrap_or((&self.database, table));
        (Value::text(schema), Value::text(name))
    }

    /// The columns that `*` leaves out.
    pub async fn invisible(&mut self, table: &str) -> Result<Vec<Arc<str>>, Fault> {
        let found = self.declared(table).await?;
        let columns = found.iter().flat_map(|table| table.columns.values());
        Ok(columns.filter(|column| column.invisible).map(|column| column.name.clone()).collect())
    }

    async fn declared(&mut self, table: &str) -> Result<Option<Arc<Table>>, Fault> {
        if let Some(known) = self.declared.get(table) {
            return Ok(Some(known.clone()));
        }
        // Boxed, because reading the columns runs statements too (which ask no table).
        let found = Box::pin(catalogue::columns(self, table)).await?.map(Arc::new);
        if let Some(found) = &found {
            self.declared.insert(table.into(), found.clone());
        }
        Ok(found)
    }

    /// Tables touched so far, by triggers and the first level of cascades too. `*` stands for rows of tables that the
    /// triggers do not tell.
    pub async fn touched(&mut self) -> Result<Vec<Touched>, Fault> {
        let one = |(table, [inserted, updated, deleted]): (&Arc<str>, &[u64; 3])| Touched {
            table: table.clone(),
            inserted: *inserted,
            updated: *updated,
            deleted: *deleted,
        };
        Ok(self.counts.iter().map(one).collect())
    }

    /// Columns, types and keys.
    pub async fn catalogue(&mut self, tables: Option<&[&str]>) -> Result<Catalogue, Fault> {
        catalogue::read(self, tables).await
    }

    /// The columns of one table; nothing when there is no such table.
    pub async fn columns(&mut self, table: &str) -> Result<Option<Table>, Fault> {
        Ok(self.declared(table).await?.map(|table| (*table).clone()))
    }

    /// Which database this is.
    pub async fn identity(&mut self) -> Result<Identity, Fault> {
        standing::identity(self).await
    }

    /// Which database this is, and how these tables are built.
    pub async fn standing(&mut self, tables: &[&str]) -> Result<Standing, Fault> {
        standing::standing(self, tables).await
    }

    /// What the role may do with these tables.
    pub async fn rights(&mut self, tables: &[&str]) -> Result<HashMap<Arc<str>, Rights>, Fault> {
        rights::rights(self, tables).await
    }

    /// Claims an effect in the ledger.
    pub async fn claim(&mut self, entry: &Entry) -> Result<Claimed, Fault> {
        ledger::claim(self, entry).await
    }

    /// The id of this database, from its ledger.
    pub async fn ledger_id(&mut self) -> Result<String, Fault> {
        ledger::id(self).await
    }

    /// Who has changed rows and not ended, in words; ends this transaction.
    pub async fn ledger_blockers(&mut self) -> Result<Vec<String>, Fault> {
        ledger::blockers(self).await
    }

    /// Rows of a statement of our own.
    async fn ask(&mut self, sql: &str, binds: Vec<Value>) -> Result<Vec<crate::base::value::Map>, Fault> {
        Ok(self.run_once(&Statement::new(sql, binds), catalogue::ALL, false).await?.named()?.rows)
    }
}

/// What the catalogue is asked of one table, for a test of how the server goes about it.
#[cfg(test)]
pub(super) fn catalogue_questions() -> Vec<String> {
    let [columns, more @ ..] = catalogue::QUESTIONS;
    let mut all = vec![
        about::ABOUT.into(),
        about::CHILDREN.into(),
        about::FOR_GOOD.into(),
        about::REFERENCES[0].into(),
        format!("{}{}", standing::LINES, standing::CHECKS),
    ];
    all.push(format!("{columns}{}", catalogue::ONE));
    all.extend(more.map(str::to_owned));
    all
}

fn too_much(rows: bool, limits: Limits) -> Fault {
    let (rows_most, bytes_most) = (limits.rows, limits.bytes);
    if rows {
        Fault::new(FaultKind::TooMany, format!("the answer has more than {rows_most} rows"))
    } else {
        Fault::new(FaultKind::TooMuch, format!("the answer is larger than {bytes_most} bytes"))
    }
}

/// A text cell.
fn text(row: &crate::base::value::Map, name: &str) -> Arc<str> {
    row.get(name).filter(|v| !v.is_null()).map(|v| v.bare()).unwrap_or_default().into()
}

/// A number or truth cell that is not zero.
fn is(row: &crate::base::value::Map, name: &str) -> bool {
    row.get(name).is_some_and(|v| v.as_bool() == Some(true) || v.as_int().is_some_and(|n| n != 0))
}

/// The words of a statement, with texts and comments left out.
fn words(sql: &str) -> Vec<sql_lexer::Token> {
    sql_lexer::tokens(sql, Dialect::Mysql)
}
