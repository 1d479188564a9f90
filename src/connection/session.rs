//! One dedicated connection and what all handles can ask of it. Dropping it closes it; after any doubt it answers nothing.
//!
//! What a driver does is boxed: its futures are large, every future around them would be as large, and one that is awaited is copied. An item
//! in a set has no link and never needs that room.
//!
//! A future of this file may be cancelled at any point: the next call finds `running` still set and gives the connection
//! up instead of speaking into a half-finished exchange.

use super::{
    fault::{Fault, FaultKind},
    link::Link,
    rows::{Answer, Identity, Rows},
    set::{Inside, Seat},
    sql_rules,
    sql_text::Text,
    statement::{Limits, Prepared, Select, Slot, Statement},
};
use crate::{
    base::value::{Map, Names, Value},
    table::catalogue::{Catalogue, Nature, Reference, Table},
    template::sql::Dialect,
};
use std::sync::Arc;

/// Receives rows one by one, and says whether it wants more.
pub type RowByRow<'a> = &'a mut (dyn FnMut(Map) -> bool + Send);

/// A connection inside one transaction. Reached through the handles, which deref to it.
#[derive(Debug)]
pub struct Session {
    name: Arc<str>,
    dialect: Dialect,
    link: Option<Link>,
    /// In place of a connection: several items share one.
    seat: Option<Seat>,
    /// The right to a transaction of one's own, where they are counted: given back when it is over.
    inside: Option<Inside>,
    /// Under a writing handle: a read must be fenced off, and a failed statement spoils the transaction.
    writable: bool,
    /// A call began and has not ended.
    running: bool,
    /// No statement that is not about the catalogue has gone through it.
    fresh: bool,
    /// A statement failed: only going back is possible.
    pub(super) spoilt: bool,
    /// SQLite: the switch must go back to where it was after a fenced read.
    pub(super) read_only: bool,
}

impl Session {
    pub(super) fn new(name: Arc<str>, link: Link, writable: bool) -> Session {
        let dialect = link.dialect();
        Session {
            name,
            dialect,
            link: Some(link),
            seat: None,
            inside: None,
            writable,
            running: false,
            fresh: true,
            spoilt: false,
            read_only: !writable,
        }
    }

    /// Of a member of a set.
    pub(super) fn seated(name: Arc<str>, dialect: Dialect, seat: Seat, writable: bool) -> Session {
        let (running, fresh, spoilt) = (false, false, false);
        let (link, seat, inside, read_only) = (None, Some(seat), None, !writable);
        Session { name, dialect, link, seat, inside, writable, running, fresh, spoilt, read_only }
    }

    /// The right to it.
    pub(super) fn take_inside(&mut self) -> Option<Inside> {
        self.inside.take()
    }

    /// With the right to it.
    pub(super) fn inside(self, inside: Option<Inside>) -> Session {
        Session { inside, ..self }
    }

    /// Others go through the same transaction: who asks through it must not wait for them otherwise.
    pub fn is_shared(&self) -> bool {
        self.seat.is_some()
    }

    pub(super) fn seat(&self) -> Option<&Seat> {
        self.seat.as_ref()
    }

    /// Its connection is gone.
    pub(super) fn is_gone(&self) -> bool {
        self.link.is_none()
    }

    /// How this database writes SQL.
    pub fn dialect(&self) -> Dialect {
        self.dialect
    }

    /// The connection's name in the project file.
    pub fn name(&self) -> &Arc<str> {
        &self.name
    }

    /// Runs a statement that only reads, and proves it: the parser must know it as a read, it runs read-only (under a
    /// writing handle in a read-only savepoint), and afterwards the session must still be in the same transaction.
    /// A fault leaves the session usable unless [`Fault::ends_session`].
    pub async fn query(&mut self, statement: &Statement, limits: Limits) -> Result<Rows, Fault> {
        sql_rules::allow_read(&statement.sql, self.dialect).map_err(|f| self.named(f))?;
        if let Some(seat) = &self.seat {
            return seat.query(statement, limits).await;
        }
        let answer = self.fenced(statement, limits).await?;
        answer.named().map_err(|f| self.named(f))
    }

    /// A query of an author with a bound for each of its rows, where a single one could take more memory than there is. Looked at within the
    /// fence: a statement that cannot be prepared spoils a transaction as well.
    async fn bounded(&mut self, statement: &Statement, limits: Limits) -> Result<Option<Statement>, Fault> {
        if self.dialect != Dialect::Postgres {
            return Ok(None);
        }
        let link = self.enter()?;
        let done = Box::pin(link.bounded(&statement.sql, limits.bytes)).await;
        let sql = self.leave(done)?;
        Ok(sql.map(|sql| Statement { sql, binds: statement.binds.clone() }))
    }

    /// A read between two fences of the transaction.
    pub(super) async fn fenced(&mut self, statement: &Statement, limits: Limits) -> Result<Answer, Fault> {
        if self.writable {
            let fence = match (self.dialect, self.read_only) {
                (Dialect::Postgres, _) => "SAVEPOINT trueup_read; SET TRANSACTION READ ONLY",
                (Dialect::Sqlite, false) => "SAVEPOINT trueup_read; PRAGMA query_only = ON",
                // MySQL cannot make a transaction read-only that has begun: what a function wrote is taken back below.
                (Dialect::Mysql, _) | (Dialect::Sqlite, true) => "SAVEPOINT trueup_read",
            };
            self.batch(fence).await?;
        }
        let done = match self.bounded(statement, limits).await {
            Ok(bounded) => self.raw(bounded.as_ref().unwrap_or(statement), limits).await,
            Err(fault) => Err(fault),
        };
        if done.is_err() && self.link.is_none() {
            return done;
        }
        self.leave_fence().await?;
        done
    }

    /// Back to before the read: what it did in passing (locks, settings) is gone. That the savepoint is still there is
    /// the proof that the statement has not left the transaction.
    async fn leave_fence(&mut self) -> Result<(), Fault> {
        let back = match (self.writable, self.dialect, self.read_only) {
            (false, ..) => "ROLLBACK TO SAVEPOINT trueup",
            (true, Dialect::Sqlite, false) => {
                "PRAGMA query_only = OFF; ROLLBACK TO SAVEPOINT trueup_read; RELEASE SAVEPOINT trueup_read"
            }
            (true, ..) => "ROLLBACK TO SAVEPOINT trueup_read; RELEASE SAVEPOINT trueup_read",
        };
        let Err(fault) = self.batch(back).await else { return Ok(()) };
        self.link = None;
        if fault.kind == FaultKind::Lost {
            return Err(fault);
        }
        let kind = if self.writable { FaultKind::InDoubt } else { FaultKind::Lost };
        Err(self
            .named(Fault::new(kind, "the statement ended the transaction that it ran in; the connection was closed")))
    }

    /// Rows of a table. Columns that have no lossless form come as the database's text.
    pub async fn select(&mut self, select: &Select<'_>, limits: Limits) -> Result<Rows, Fault> {
        if let Some(seat) = &self.seat {
            return seat.select(select, limits).await;
        }
        let statement = self.selecting(select).await?;
        let done = self.raw(&statement, limits).await.and_then(Answer::named);
        self.recover(done).await
    }

    /// As [`Session::select`], of a table whose rows are read without anything else being run ([`Nature::plain`]): outside of
    /// any transaction, where this handle has none yet.
    pub async fn glance(&mut self, select: &Select<'_>, limits: Limits) -> Result<Rows, Fault> {
        if let Some(seat) = &self.seat {
            return seat.select(select, limits).await;
        }
        let statement = self.selecting(select).await?;
        let link = self.enter()?;
        let done = Box::pin(link.glance(&statement, limits)).await;
        let done = self.leave(done).and_then(Answer::named);
        self.recover(done).await
    }

    async fn selecting(&mut self, select: &Select<'_>) -> Result<Statement, Fault> {
        let dialect = self.dialect;
        let write = |columns: &Columns<'_>| {
            columns.write(Text::new(dialect).raw("SELECT "), select.columns).selection(select).done()
        };
        if select.columns.is_empty() {
            let invisible = self.invisible(select.table).await?;
            if !invisible.is_empty() {
                return Ok(write(&Columns::AllAnd(&invisible)));
            }
        }
        let plain = write(&Columns::All);
        Ok(match self.exotic(&plain.sql).await? {
            None => plain,
            Some(slots) => {
                let text = Columns::Listed(&slots).write(Text::new(dialect).raw("SELECT "), select.columns);
                text.selection(select).done()
            }
        })
    }

    /// Rows of a table, handed out as they arrive, however many there are. `each` says whether it wants more; the handle is
    /// of no use after it did not.
    pub async fn select_each(&mut self, select: &Select<'_>, each: RowByRow<'_>) -> Result<(), Fault> {
        let statement = self.selecting(select).await?;
        self.stream(&statement, each).await
    }

    /// The same of a statement that only reads, through a reading handle.
    pub async fn query_each(&mut self, statement: &Statement, each: RowByRow<'_>) -> Result<(), Fault> {
        sql_rules::allow_read(&statement.sql, self.dialect).map_err(|f| self.named(f))?;
        let bounded = self.bounded(statement, Limits::USUAL).await;
        let bounded = self.recover(bounded).await?;
        self.stream(bounded.as_ref().unwrap_or(statement), each).await
    }

    async fn stream(&mut self, statement: &Statement, each: RowByRow<'_>) -> Result<(), Fault> {
        let mut names = None;
        let mut rows = |columns: &[Arc<str>], row: Vec<Value>| {
            let names = match &mut names {
                Some(names) => names,
                none => {
                    Answer::new(columns.to_vec()).named()?;
                    none.insert(Names::of_unlike(columns.to_vec()))
                }
            };
            let row = Map::of_vec(names, row);
            // What is still on its way is not waited for: the connection goes.
            if each(row) { Ok(()) } else { Err(Fault::new(FaultKind::Lost, "the rest was not wanted")) }
        };
        self.fresh = false;
        let link = self.enter()?;
        let done = Box::pin(link.stream(statement, &mut rows)).await;
        let done = self.leave(done);
        self.recover(done).await
    }

    /// The columns of a statement when one of them can only be read as text, else nothing.
    pub(super) async fn exotic(&mut self, sql: &str) -> Result<Option<Vec<Slot>>, Fault> {
        if self.dialect != Dialect::Postgres {
            return Ok(None);
        }
        let link = self.enter()?;
        let done = Box::pin(link.exotic(sql)).await;
        let done = self.leave(done);
        self.recover(done).await
    }

    /// The columns of a table that `*` leaves out: MySQL alone has such.
    pub(super) async fn invisible(&mut self, table: &str) -> Result<Vec<Arc<str>>, Fault> {
        if self.dialect != Dialect::Mysql {
            return Ok(Vec::new());
        }
        let link = self.enter()?;
        let done = Box::pin(link.invisible(table)).await;
        let done = self.leave(done);
        self.recover(done).await
    }

    /// What a statement takes and gives, without running it.
    pub async fn prepare(&mut self, statement: &Statement) -> Result<Prepared, Fault> {
        sql_rules::single(&statement.sql, self.dialect).map_err(|f| self.named(f))?;
        let link = self.enter()?;
        let done = Box::pin(link.prepare(&statement.sql)).await;
        let done = self.leave(done);
        self.recover(done).await
    }

    /// Columns, types and keys of these tables (`None`: all that the role can see). An unknown table is left out.
    pub async fn catalogue(&mut self, tables: Option<&[&str]>) -> Result<Catalogue, Fault> {
        let link = self.enter()?;
        let done = Box::pin(link.catalogue(tables)).await;
        let done = self.leave(done);
        self.recover(done).await
    }

    /// The foreign keys between these tables, or all: nothing where none of them points to another one of them, or to itself.
    pub async fn references(&mut self, tables: Option<&[&str]>) -> Result<Vec<Reference>, Fault> {
        let link = self.enter()?;
        let done = Box::pin(link.references(tables)).await;
        let done = self.leave(done);
        self.recover(done).await
    }

    /// The columns of one table, which is less work for the database than [`Session::catalogue`]; nothing when there is
    /// no such table.
    pub async fn columns(&mut self, table: &str) -> Result<Option<Arc<Table>>, Fault> {
        if let Some(seat) = &self.seat {
            return seat.columns(table).await;
        }
        let link = self.enter()?;
        let done = Box::pin(link.columns(table)).await;
        let done = self.leave(done);
        Ok(self.recover(done).await?.map(Arc::new))
    }

    /// What else may happen when rows of a table are read or changed.
    pub async fn nature(&mut self, table: &str) -> Result<Nature, Fault> {
        if let Some(seat) = &self.seat {
            return seat.nature(table).await;
        }
        let link = self.enter()?;
        let done = Box::pin(link.nature(table)).await;
        let done = self.leave(done);
        self.recover(done).await
    }

    /// Which database this is.
    pub async fn identity(&mut self) -> Result<Identity, Fault> {
        let link = self.enter()?;
        let done = Box::pin(link.identity()).await;
        let done = self.leave(done);
        self.recover(done).await
    }

    /// No statement that is not about the catalogue has gone through it: nothing can be changed.
    pub(super) fn is_fresh(&self) -> bool {
        self.fresh
    }

    /// Something goes through it that may change rows.
    pub(super) fn not_fresh(&mut self) {
        self.fresh = false;
    }

    /// One statement of our own, or one that the rules let through.
    pub(super) async fn raw(&mut self, statement: &Statement, limits: Limits) -> Result<Answer, Fault> {
        self.fresh = false;
        let link = self.enter()?;
        let done = Box::pin(link.run(statement, limits)).await;
        self.leave(done)
    }

    /// One statement of our own of which is known that nothing but itself runs: rows apart, it leaves the session as it is.
    pub(super) async fn calmly(&mut self, statement: &Statement, limits: Limits) -> Result<Answer, Fault> {
        self.fresh = false;
        let link = self.enter()?;
        let done = Box::pin(link.run_calmly(statement, limits)).await;
        self.leave(done)
    }

    pub(super) async fn batch(&mut self, sql: &'static str) -> Result<(), Fault> {
        let link = self.enter()?;
        let done = Box::pin(link.batch(sql)).await;
        self.leave(done)
    }

    pub(super) async fn batch_at(&mut self, sql: &'static str, depth: u32) -> Result<(), Fault> {
        let link = self.enter()?;
        let done = Box::pin(link.batch_at(sql, depth)).await;
        self.leave(done)
    }

    /// After a failed statement a reading handle goes back to its savepoint; a writing one is spoilt until its owner
    /// goes back.
    pub(super) async fn recover<T>(&mut self, done: Result<T, Fault>) -> Result<T, Fault> {
        if let Err(fault) = &done
            && !fault.ends_session()
        {
            if self.writable || self.link.is_none() {
                self.spoilt = true;
            } else {
                self.leave_fence().await?;
            }
        }
        done
    }

    /// The link, if nothing is doubtful about it.
    pub(super) fn enter(&mut self) -> Result<&mut Link, Fault> {
        if let Some(seat) = &self.seat {
            return seat.refuse();
        }
        if self.running {
            self.link = None;
        }
        if self.spoilt {
            let message = "an earlier statement of this transaction failed; it can only be rolled back";
            return Err(self.named(Fault::new(FaultKind::Other, message)));
        }
        match &mut self.link {
            Some(link) => {
                self.running = true;
                Ok(link)
            }
            None => {
                let message = "the connection was closed after an interrupted or doubtful call";
                Err(Fault { connection: Some(self.name.clone()), ..Fault::new(FaultKind::Lost, message) })
            }
        }
    }

    pub(super) fn leave<T>(&mut self, done: Result<T, Fault>) -> Result<T, Fault> {
        self.running = false;
        // After a deadlock MySQL has taken back the whole transaction, savepoints included, and begun another one.
        let restarted = |f: &Fault| self.dialect == Dialect::Mysql && f.kind == FaultKind::Serialization;
        if done.as_ref().is_err_and(|fault| fault.ends_session() || restarted(fault)) {
            self.link = None;
        }
        done.map_err(|fault| self.named(fault))
    }

    /// An INSERT of this session can give the key of its row by RETURNING.
    pub fn returns_keys(&self) -> bool {
        self.link.as_ref().is_none_or(Link::returns_keys)
    }

    /// The number that the last INSERT got by itself, where it could not return it.
    pub(super) fn last_id(&self) -> Option<Value> {
        self.link.as_ref().and_then(Link::last_id)
    }

    /// The link itself, to end it. Nothing when there is doubt.
    pub(super) fn take(&mut self) -> Option<Link> {
        self.link.take().filter(|_| !self.running)
    }

    pub(super) fn named(&self, fault: Fault) -> Fault {
        Fault { connection: Some(self.name.clone()), ..fault }
    }
}

/// How the columns of a table are written into a SELECT.
pub(super) enum Columns<'a> {
    /// By name, or `t.*`.
    All,
    /// The same, and those that `*` leaves out.
    AllAnd(&'a [Arc<str>]),
    /// Each by name, those without a lossless form as text.
    Listed(&'a [Slot]),
}

impl Columns<'_> {
    pub fn write(&self, text: Text, named: &[Arc<str>]) -> Text {
        match self {
            Columns::All => text.columns(named),
            Columns::AllAnd(hidden) => {
                hidden.iter().fold(text.columns(named), |text, column| text.raw(", ").name(column))
            }
            Columns::Listed(slots) => text.list(slots.iter(), ", ", |text, slot| {
                let text = text.name(&slot.name);
                if slot.unreadable { text.raw("::text AS ").name(&slot.name) } else { text }
            }),
        }
    }
}
