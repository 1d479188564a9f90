//! PostgreSQL: one dedicated connection. Binds by the types that the server reports, decodes without loss.

mod bind;
mod catalogue;
mod decode;
mod encode;
mod faults;
mod form;
mod ledger;
mod numeric;
mod open;
mod pooled;
mod standing;

pub use open::Address;
pub(super) use open::Target;

use super::{
    fault::{Fault, FaultKind},
    ledger::{Claimed, Entry},
    rows::{Answer, Each, Identity, Touched},
    standing::Standing,
    statement::{Limits, Prepared, Slot, Statement, trusted},
};
use crate::table::catalogue::{Catalogue, Table};
use faults::fault;
use form::Form;
use futures_util::TryStreamExt;
use sqlx::{
    Column, Either, Executor, PgConnection, Row, SqlSafeStr, Statement as _, ValueRef,
    postgres::{PgArguments, PgRow, PgStatement},
};
use std::{future::Future, sync::Arc, time::Duration};

/// One connection. Dropping it closes the socket, and the server rolls back. Only [`Link::rollback`] and
/// [`Link::committed`] let the next handle of the same address have it.
#[derive(Debug)]
pub(super) struct Link {
    connection: PgConnection,
    /// Longer than any server-side timeout: only a dead network reaches it.
    patience: Duration,
    /// How long a claim in the ledger waits for another session.
    claim_patience: Duration,
    guest: open::Guest,
    /// No other handle may have it: a statement that it has prepared no longer fits its table.
    worn: bool,
}

/// After this nothing of a handle is left in its session: no cursor, setting, role, listener, lock, temporary table or
/// `currval`. (Not DISCARD ALL: the driver believes in the statements that it has prepared.)
macro_rules! afresh {
    ($first:literal) => {
        concat!(
            $first,
            "CLOSE ALL; RESET SESSION AUTHORIZATION; RESET ALL; UNLISTEN *; SELECT pg_advisory_unlock_all(); DISCARD TEMP; \
             DISCARD SEQUENCES"
        )
    };
}

/// Waits for an answer. The server's own timeouts end a statement; when even they do not answer, the connection is
/// given up (and closed by whoever sees the fault), never used again.
async fn within<T>(patience: Duration, work: impl Future<Output = Result<T, sqlx::Error>>) -> Result<T, Fault> {
    match tokio::time::timeout(patience, work).await {
        Ok(done) => done.map_err(fault),
        Err(_) => Err(Fault::new(FaultKind::Lost, format!("the server gave no answer for {} s", patience.as_secs()))),
    }
}

impl Link {
    /// Runs fixed text in one round trip; may be several statements, because no value can reach it.
    pub async fn batch(&mut self, sql: &'static str) -> Result<(), Fault> {
        within(self.patience, self.connection.execute(sql.into_sql_str())).await.map(drop)
    }

    /// Takes the transaction back, and keeps the connection for the next handle.
    pub async fn rollback(self) -> Result<(), Fault> {
        self.rest(afresh!("ROLLBACK; ")).await
    }

    /// After a confirmed COMMIT: keeps the connection for the next handle. What goes wrong here only costs the connection.
    pub async fn committed(mut self) {
        // The caller has something to write down: a network that died just now must not keep it from that.
        self.patience = self.patience.min(Duration::from_secs(2));
        self.rest(afresh!("")).await.ok();
    }

    async fn rest(mut self, last: &'static str) -> Result<(), Fault> {
        self.batch(last).await?;
        let Link { connection, guest, worn, .. } = self;
        if !worn {
            guest.leave(connection);
        }
        Ok(())
    }

    async fn prepared(&mut self, sql: &str) -> Result<PgStatement, Fault> {
        within(self.patience, self.connection.prepare(trusted(sql))).await
    }

    /// What a statement takes and gives.
    pub async fn prepare(&mut self, sql: &str) -> Result<Prepared, Fault> {
        let statement = self.prepared(sql).await?;
        let slot = |name: Arc<str>, info: &sqlx::postgres::PgTypeInfo, read: bool| {
            let form = Form::of(info);
            let unreadable = read && form == Form::Exotic;
            Slot { name, kind: form.kind(info), type_name: form::name(info), unreadable }
        };
        let parameters = match statement.parameters() {
            Some(Either::Left(infos)) => {
                (1..).zip(infos).map(|(n, info)| slot(format!("${n}").into(), info, false)).collect()
            }
            _ => Vec::new(),
        };
        let columns = statement.columns().iter().map(|c| slot(c.name().into(), c.type_info(), true)).collect();
        Ok(Prepared { parameters, columns })
    }

    /// Runs one statement.
    pub async fn run(&mut self, statement: &Statement, limits: Limits) -> Result<Answer, Fault> {
        let done = self.run_once(statement, limits).await;
        self.worn |= done.as_ref().is_err_and(|fault| fault.kind == FaultKind::Serialization);
        done
    }

    async fn run_once(&mut self, statement: &Statement, limits: Limits) -> Result<Answer, Fault> {
        let prepared = self.prepared(&statement.sql).await?;
        let forms = readable(&prepared)?;
        let (sql, arguments) = bind::bind(&prepared, statement)?;
        let mut answer = Answer::new(prepared.columns().iter().map(|c| c.name().into()).collect());
        let mut stream = self.connection.fetch_many(sqlx::query_with(trusted(&sql), arguments));
        while let Some(part) = within(self.patience, stream.try_next()).await? {
            match part {
                Either::Left(done) => answer.affected += done.rows_affected(),
                Either::Right(row) => answer.push(values(&row, &forms)?, limits)?,
            }
        }
        Ok(answer)
    }

    /// Runs one statement and hands its rows out as they arrive: none of them stays in memory.
    pub async fn stream(&mut self, statement: &Statement, each: Each<'_>) -> Result<(), Fault> {
        let prepared = self.prepared(&statement.sql).await?;
        let forms = readable(&prepared)?;
        let (sql, arguments) = bind::bind(&prepared, statement)?;
        let columns: Vec<Arc<str>> = prepared.columns().iter().map(|c| c.name().into()).collect();
        let mut stream = self.connection.fetch(sqlx::query_with(trusted(&sql), arguments));
        while let Some(row) = within(self.patience, stream.try_next()).await? {
            each(&columns, values(&row, &forms)?)?;
        }
        Ok(())
    }

    /// Runs a statement of our own whose arguments have their types already. Saves what `prepare` asks the server
    /// besides: names and tables of the columns.
    async fn ask(&mut self, sql: &str, arguments: PgArguments) -> Result<Answer, Fault> {
        let mut answer = Answer::new(Vec::new());
        let mut forms = Vec::new();
        let mut stream = self.connection.fetch_many(sqlx::query_with(trusted(sql), arguments));
        while let Some(part) = within(self.patience, stream.try_next()).await? {
            let Either::Right(row) = part else { continue };
            if forms.is_empty() {
                answer.columns = row.columns().iter().map(|c| c.name().into()).collect();
                forms = row.columns().iter().map(|c| Form::of(c.type_info())).collect();
            }
            answer.push(values(&row, &forms)?, catalogue::ALL)?;
        }
        Ok(answer)
    }

    /// Tables touched so far.
    pub async fn touched(&mut self) -> Result<Vec<Touched>, Fault> {
        catalogue::touched(self).await
    }

    /// Columns, types and keys.
    pub async fn catalogue(&mut self, tables: Option<&[&str]>) -> Result<Catalogue, Fault> {
        catalogue::read(self, tables).await
    }

    /// The columns of one table; nothing when there is no such table.
    pub async fn columns(&mut self, table: &str) -> Result<Option<Table>, Fault> {
        catalogue::columns(self, table).await
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

    /// Who has written to the ledger and not ended, in words; ends this transaction.
    pub async fn ledger_blockers(&mut self) -> Result<Vec<String>, Fault> {
        ledger::blockers(self).await
    }
}

/// The forms of the columns, before anything runs; a column that cannot be read is named.
fn readable(statement: &PgStatement) -> Result<Vec<Form>, Fault> {
    let one = |column: &sqlx::postgres::PgColumn| match Form::of(column.type_info()) {
        Form::Exotic => {
            let (name, type_name) = (column.name(), form::name(column.type_info()));
            let message =
                format!("the column `{name}` has the type {type_name}, which trueup cannot read without loss");
            Err(Fault::new(FaultKind::Data, message).advise(format!("select it as text: `{name}::text as {name}`")))
        }
        form => Ok(form),
    };
    statement.columns().iter().map(one).collect()
}

fn values(row: &PgRow, forms: &[Form]) -> Result<Vec<crate::base::value::Value>, Fault> {
    let one = |(i, form): (usize, &Form)| {
        let raw = row.try_get_raw(i).map_err(fault)?;
        let bytes = if raw.is_null() { None } else { raw.as_bytes().ok() };
        let unreadable = |why| {
            let name = row.columns().get(i).map_or("", |c| c.name());
            Fault::new(FaultKind::Data, format!("the column `{name}` {why}"))
                .advise(format!("select it as text: `{name}::text as {name}`"))
        };
        decode::decode(form, bytes).map_err(unreadable)
    };
    forms.iter().enumerate().map(one).collect()
}
