//! PostgreSQL: one dedicated connection. Binds by the types that the server reports, decodes without loss.

mod bind;
mod catalogue;
mod column;
mod copy;
mod decode;
mod encode;
mod faults;
mod form;
mod guard;
mod ledger;
mod numeric;
mod open;
mod pooled;
mod shape;
mod standing;

pub use open::Address;
pub(super) use open::Target;

use super::{
    denied,
    fault::{Fault, FaultKind},
    ledger::{Claimed, Entry},
    rows::{Answer, Each, Identity, Touched},
    standing::Standing,
    statement::{Limits, Prepared, Slot, Statement, TraceMark, trusted},
};
use crate::table::catalogue::{Catalogue, Nature, Reference, Table};
use faults::fault;
use form::Form;
use futures_util::TryStreamExt;
use shape::{Shape, Wire};
use sqlx::{
    Column, Either, Executor, Row, SqlSafeStr, ValueRef,
    postgres::{PgArguments, PgRow},
};
use std::{borrow::Cow, future::Future, sync::Arc, time::Duration};

/// One connection. Dropping it closes the socket, and the server rolls back. Only [`Link::rollback`] and
/// [`Link::committed`] let the next handle of the same address have it.
#[derive(Debug)]
pub(super) struct Link {
    connection: Wire,
    /// Longer than any server-side timeout: only a dead network reaches it.
    patience: Duration,
    /// How long a claim in the ledger waits for another session.
    claim_patience: Duration,
    guest: open::Guest,
    /// Who came in.
    role: Arc<str>,
    /// What its transaction begins with, as long as nothing was asked that needs one.
    waiting: Option<open::Begin>,
    /// No other handle may have it: a statement that it has prepared no longer fits its table.
    worn: bool,
    /// What a transaction that follows at once begins with; nothing where more than words is needed.
    next: Option<Arc<str>>,
    /// Something went through it that may have left more in the session than rows.
    stirred: bool,
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

/// COMMIT, and the session as the next handle needs it.
const COMMIT: &str = afresh!("COMMIT; ");

/// What ends a transaction: with the session as it was, or as the next handle needs it; and begins the next one, if it does.
fn ending(stirred: bool, next: Option<&str>) -> Cow<'static, str> {
    let end = if stirred { COMMIT } else { "COMMIT" };
    match next {
        None => end.into(),
        Some(begin) => format!("{end}; {begin}").into(),
    }
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
        self.stirred = true;
        self.begun().await?;
        self.say(sql).await
    }

    async fn say(&mut self, sql: &'static str) -> Result<(), Fault> {
        within(self.patience, self.connection.plain.execute(sql.into_sql_str())).await.map(drop)
    }

    /// Begins, telling the server's log for which run.
    async fn begin_marked(&mut self, mark: &TraceMark, begin: &'static str) -> Result<(), Fault> {
        let text = mark.before(begin);
        within(self.patience, self.connection.plain.execute(trusted(&text))).await.map(drop)
    }

    /// Begins a transaction whose COMMIT is durable when it is answered, by the plain words or, unless it is known that those do, by the others.
    async fn begin_lasting(&mut self, [plain, lasting]: &[Arc<str>; 2]) -> Result<(), Fault> {
        let begin = if self.connection.hasty == Some(false) { plain } else { lasting };
        let done = within(self.patience, self.connection.plain.execute(trusted(begin))).await?;
        self.connection.hasty.get_or_insert(done.rows_affected() > 0);
        Ok(())
    }

    /// Takes the transaction back, and keeps the connection for the next handle.
    pub async fn rollback(mut self) -> Result<(), Fault> {
        if self.waiting.take().is_none() {
            self.say(afresh!("ROLLBACK; ")).await?;
        }
        self.leave();
        Ok(())
    }

    /// Makes the transaction durable, and the connection fit for the next handle with the same words: the first answer is
    /// that of the COMMIT. What goes wrong afterwards only costs the connection.
    /// Whether the next transaction has begun as well, for whom it `goes_on`.
    pub async fn commit(&mut self, goes_on: bool) -> Result<bool, Fault> {
        self.begun().await?;
        let next = self.next.as_deref().filter(|_| goes_on);
        let mut answers = self.connection.plain.fetch_many(trusted(&ending(self.stirred, next)));
        let first = within(self.patience, answers.try_next()).await?;
        if first.is_none() {
            return Err(Fault::new(FaultKind::Lost, "the server gave no answer to COMMIT"));
        }
        // The caller has something to write down: a network that died just now must not keep it from that.
        let patience = self.patience.min(Duration::from_secs(2));
        let mut rest = async || loop {
            match within(patience, answers.try_next()).await {
                Ok(Some(_)) => {}
                Ok(None) => return true,
                Err(_) => return false,
            }
        };
        let afresh = rest().await;
        drop(answers);
        self.stirred = false;
        self.worn |= !afresh;
        Ok(afresh && next.is_some() && !self.worn)
    }

    /// After a confirmed COMMIT: keeps the connection for the next handle.
    pub fn committed(self) {
        self.leave();
    }

    fn leave(self) {
        let Link { connection, guest, worn, .. } = self;
        if !worn {
            guest.leave(connection);
        }
    }

    /// Begins the transaction, if nothing has needed it before.
    async fn begun(&mut self) -> Result<(), Fault> {
        let Some(begin) = self.waiting.take() else { return Ok(()) };
        match self.say(begin.sql).await {
            // It rested, and has died meanwhile: nothing but BEGIN has gone through it, so another try is no second effect.
            Err(fault) if fault.kind == FaultKind::Lost && begin.rested => {
                self.connection = begin.again().await?;
                self.say(begin.sql).await
            }
            done => done,
        }
    }

    /// One statement that only reads, and of which is known that it runs nothing but itself: it needs no transaction around it.
    pub async fn glance(&mut self, statement: &Statement, limits: Limits) -> Result<Answer, Fault> {
        let Some(begin) = self.waiting.take() else { return self.run(statement, limits).await };
        let mut done = self.run_once(statement, limits).await;
        if begin.rested && done.as_ref().is_err_and(|fault| fault.kind == FaultKind::Lost) {
            self.connection = begin.again().await?;
            done = self.run_once(statement, limits).await;
        }
        self.worn |= done.as_ref().is_err_and(|fault| fault.kind == FaultKind::Serialization);
        self.waiting = Some(begin.used());
        done
    }

    /// Only looked at: that needs no transaction.
    async fn prepared(&mut self, sql: &str) -> Result<Arc<Shape>, Fault> {
        let done = within(self.patience, self.connection.shape(sql)).await;
        match self.waiting.take_if(|begin| begin.rested && done.as_ref().is_err_and(|f| f.kind == FaultKind::Lost)) {
            None => done,
            Some(begin) => {
                self.connection = begin.again().await?;
                self.waiting = Some(begin.used());
                within(self.patience, self.connection.shape(sql)).await
            }
        }
    }

    /// What else may happen when rows of a table are read or changed.
    pub async fn nature(&mut self, table: &str) -> Result<Nature, Fault> {
        catalogue::nature(self, table).await
    }

    /// The foreign keys between these tables, or all.
    pub async fn references(&mut self, tables: Option<&[&str]>) -> Result<Vec<Reference>, Fault> {
        catalogue::references(self, tables).await
    }

    /// What a statement takes and gives.
    pub async fn prepare(&mut self, sql: &str) -> Result<Prepared, Fault> {
        Ok(self.prepared(sql).await?.told())
    }

    /// The columns of a statement when one of them can only be read as text, else nothing.
    pub async fn exotic(&mut self, sql: &str) -> Result<Option<Vec<Slot>>, Fault> {
        let shape = self.prepared(sql).await?;
        Ok(if shape.is_readable() { None } else { Some(shape.told().columns) })
    }

    /// The same statement with a bound for each of its rows, where it needs one.
    pub async fn bounded(&mut self, sql: &str, most: usize) -> Result<Option<String>, Fault> {
        let shape = self.prepared(sql).await?;
        // What cannot be read at all is said when it is run.
        Ok(guard::bounded(sql, &shape, most).filter(|_| shape.is_readable()))
    }

    /// Runs one statement.
    pub async fn run(&mut self, statement: &Statement, limits: Limits) -> Result<Answer, Fault> {
        self.stirred = true;
        self.run_calmly(statement, limits).await
    }

    /// The same of a statement of which is known that nothing but itself runs, and that it is about rows alone.
    pub async fn run_calmly(&mut self, statement: &Statement, limits: Limits) -> Result<Answer, Fault> {
        self.begun().await?;
        let done = self.run_once(statement, limits).await;
        self.worn |= done.as_ref().is_err_and(|fault| fault.kind == FaultKind::Serialization);
        done
    }

    async fn run_once(&mut self, statement: &Statement, limits: Limits) -> Result<Answer, Fault> {
        let done = self.answered(statement, limits).await;
        done.map_err(|fault| denied::by_postgres(fault, &statement.sql, &self.role))
    }

    async fn answered(&mut self, statement: &Statement, limits: Limits) -> Result<Answer, Fault> {
        let shape = self.prepared(&statement.sql).await?;
        let forms = shape.readable()?;
        let (sql, arguments) = bind::bind(&shape.parameters, statement)?;
        let mut answer = Answer::new(shape.columns.clone());
        let mut stream = self.connection.plain.fetch_many(sqlx::query_with(trusted(&sql), arguments));
        while let Some(part) = within(self.patience, stream.try_next()).await? {
            match part {
                Either::Left(done) => answer.affected += done.rows_affected(),
                Either::Right(row) => answer.push(values(&row, forms)?, limits)?,
            }
        }
        Ok(answer)
    }

    /// Runs one statement and hands its rows out as they arrive: none of them stays in memory.
    pub async fn stream(&mut self, statement: &Statement, each: Each<'_>) -> Result<(), Fault> {
        let done = self.handed_out(statement, each).await;
        done.map_err(|fault| denied::by_postgres(fault, &statement.sql, &self.role))
    }

    async fn handed_out(&mut self, statement: &Statement, each: Each<'_>) -> Result<(), Fault> {
        self.stirred = true;
        self.begun().await?;
        let shape = self.prepared(&statement.sql).await?;
        let forms = shape.readable()?;
        let (sql, arguments) = bind::bind(&shape.parameters, statement)?;
        let mut stream = self.connection.plain.fetch(sqlx::query_with(trusted(&sql), arguments));
        while let Some(row) = within(self.patience, stream.try_next()).await? {
            each(&shape.columns, values(&row, forms)?)?;
        }
        Ok(())
    }

    /// Runs a statement of our own whose arguments have their types already. Saves what `prepare` asks the server
    /// besides: names and tables of the columns.
    async fn ask(&mut self, sql: &str, arguments: PgArguments) -> Result<Answer, Fault> {
        self.begun().await?;
        let mut answer = Answer::new(Vec::new());
        let mut forms = Vec::new();
        let mut stream = self.connection.plain.fetch_many(sqlx::query_with(trusted(sql), arguments));
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
        self.stirred = true;
        ledger::claim(self, entry).await
    }

    /// The same for several items of one run.
    pub async fn claim_all(&mut self, entries: &[&Entry]) -> Result<Vec<bool>, Fault> {
        self.stirred = true;
        ledger::claim_all(self, entries).await
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
    let mut values = Vec::with_capacity(forms.len());
    for of in forms.iter().enumerate() {
        values.push(one(of)?);
    }
    Ok(values)
}
