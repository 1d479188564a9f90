//! The seam between the databases: everything above it is written once.

use super::{
    fault::Fault,
    ledger::{Claimed, Entry},
    mysql, postgres,
    rows::{Answer, Each, Identity, Touched},
    sqlite,
    standing::Standing,
    statement::{Limits, Prepared, Slot, Statement},
};
use crate::{
    base::value::Value,
    table::{
        catalogue::{Catalogue, Nature, Reference, Table},
        rights::Rights,
    },
    template::sql::Dialect,
};
use std::{collections::HashMap, sync::Arc};

/// One open connection inside its transaction. After a fault for which [`Fault::ends_session`] holds, and after a
/// cancelled call, it must be dropped: nothing is known about its state.
#[derive(Debug)]
pub(super) enum Link {
    /// A PostgreSQL session.
    Postgres(postgres::Link),
    /// A SQLite file.
    Sqlite(sqlite::Link),
    /// A MySQL or MariaDB session.
    Mysql(Box<mysql::Link>),
}

macro_rules! either {
    ($self:ident, $link:ident => $call:expr) => {
        match $self {
            Link::Postgres($link) => $call,
            Link::Sqlite($link) => $call,
            Link::Mysql($link) => $call,
        }
    };
}

impl Link {
    /// How it writes SQL.
    pub fn dialect(&self) -> Dialect {
        match self {
            Link::Postgres(_) => Dialect::Postgres,
            Link::Sqlite(_) => Dialect::Sqlite,
            Link::Mysql(_) => Dialect::Mysql,
        }
    }

    /// Fixed text, several statements allowed; no value can reach it.
    pub async fn batch(&mut self, sql: &'static str) -> Result<(), Fault> {
        either!(self, link => link.batch(sql).await)
    }

    /// Fixed text about the savepoint `trueup` of this depth.
    pub async fn batch_at(&mut self, sql: &'static str, depth: u32) -> Result<(), Fault> {
        match self {
            Link::Mysql(link) => link.batch_at(sql, depth).await,
            // All savepoints have one name, which these databases let shadow: the innermost one is meant.
            Link::Postgres(_) | Link::Sqlite(_) => self.batch(sql).await,
        }
    }

    /// Takes the transaction back and waits for it, so that its locks are gone when this returns. The connection may then serve
    /// the next handle.
    pub async fn rollback(self) -> Result<(), Fault> {
        either!(self, link => link.rollback().await)
    }

    /// COMMIT. A fault for which the server did not answer leaves open whether it happened. Where it `goes_on`, and that saves a message, the next
    /// transaction has begun: whether it has.
    pub async fn commit(&mut self, goes_on: bool) -> Result<bool, Fault> {
        match self {
            Link::Postgres(link) => link.commit(goes_on).await,
            Link::Sqlite(_) | Link::Mysql(_) => self.batch("COMMIT").await.map(|()| false),
        }
    }

    /// After a confirmed COMMIT.
    pub async fn committed(self) {
        match self {
            Link::Postgres(link) => link.committed(),
            Link::Mysql(link) => link.committed().await,
            Link::Sqlite(link) => link.committed().await,
        }
    }

    /// One statement.
    pub async fn run(&mut self, statement: &Statement, limits: Limits) -> Result<Answer, Fault> {
        either!(self, link => link.run(statement, limits).await)
    }

    /// One statement of which is known that nothing but itself runs, and that it is about rows alone.
    pub async fn run_calmly(&mut self, statement: &Statement, limits: Limits) -> Result<Answer, Fault> {
        match self {
            Link::Postgres(link) => link.run_calmly(statement, limits).await,
            Link::Sqlite(_) | Link::Mysql(_) => self.run(statement, limits).await,
        }
    }

    /// One statement that only reads, and of which is known that it runs nothing but itself.
    pub async fn glance(&mut self, statement: &Statement, limits: Limits) -> Result<Answer, Fault> {
        match self {
            Link::Postgres(link) => link.glance(statement, limits).await,
            Link::Sqlite(_) | Link::Mysql(_) => self.run(statement, limits).await,
        }
    }

    /// What else may happen when rows of a table are read or changed, where that is known.
    pub async fn nature(&mut self, table: &str) -> Result<Nature, Fault> {
        match self {
            Link::Postgres(link) => link.nature(table).await,
            Link::Sqlite(_) | Link::Mysql(_) => Ok(Nature::default()),
        }
    }

    /// One statement whose rows are handed out as they arrive.
    pub async fn stream(&mut self, statement: &Statement, each: Each<'_>) -> Result<(), Fault> {
        either!(self, link => link.stream(statement, each).await)
    }

    /// What a statement takes and gives.
    pub async fn prepare(&mut self, sql: &str) -> Result<Prepared, Fault> {
        either!(self, link => link.prepare(sql).await)
    }

    /// The columns of a statement when one of them can only be read as text: of PostgreSQL alone is that known beforehand.
    pub async fn exotic(&mut self, sql: &str) -> Result<Option<Vec<Slot>>, Fault> {
        match self {
            Link::Postgres(link) => link.exotic(sql).await,
            Link::Sqlite(_) | Link::Mysql(_) => Ok(None),
        }
    }

    /// The same statement with a bound for each of its rows, where only the server can hold it to one.
    pub async fn bounded(&mut self, sql: &str, most: usize) -> Result<Option<String>, Fault> {
        match self {
            Link::Postgres(link) => link.bounded(sql, most).await,
            // SQLite's values are looked at before they are copied, and MySQL's packets have a bound.
            Link::Sqlite(_) | Link::Mysql(_) => Ok(None),
        }
    }

    /// The foreign keys between these tables, or all.
    pub async fn references(&mut self, tables: Option<&[&str]>) -> Result<Vec<Reference>, Fault> {
        either!(self, link => link.references(tables).await)
    }

    /// Columns, types and keys.
    pub async fn catalogue(&mut self, tables: Option<&[&str]>) -> Result<Catalogue, Fault> {
        either!(self, link => link.catalogue(tables).await)
    }

    /// The columns of one table, without promise of its keys; nothing when there is no such table.
    pub async fn columns(&mut self, table: &str) -> Result<Option<Table>, Fault> {
        match self {
            Link::Postgres(link) => link.columns(table).await,
            Link::Sqlite(link) => Ok(link.catalogue(Some(&[table])).await?.swap_remove(table)),
            Link::Mysql(link) => link.columns(table).await,
        }
    }

    /// The columns of a table that `*` leaves out.
    pub async fn invisible(&mut self, table: &str) -> Result<Vec<Arc<str>>, Fault> {
        match self {
            Link::Mysql(link) => link.invisible(table).await,
            Link::Postgres(_) | Link::Sqlite(_) => Ok(Vec::new()),
        }
    }

    /// Tables touched by this transaction.
    pub async fn touched(&mut self) -> Result<Vec<Touched>, Fault> {
        either!(self, link => link.touched().await)
    }

    /// Which database this is.
    pub async fn identity(&mut self) -> Result<Identity, Fault> {
        either!(self, link => link.identity().await)
    }

    /// Which database this is, and how these tables are built.
    pub async fn standing(&mut self, tables: &[&str]) -> Result<Standing, Fault> {
        either!(self, link => link.standing(tables).await)
    }

    /// Claims an effect in the ledger.
    pub async fn claim(&mut self, entry: &Entry) -> Result<Claimed, Fault> {
        either!(self, link => link.claim(entry).await)
    }

    /// Claims the effects of several items of one run, where one statement does: whether each went in. Elsewhere nothing, and nothing is claimed.
    pub async fn claim_all(&mut self, entries: &[&Entry]) -> Result<Option<Vec<bool>>, Fault> {
        match self {
            Link::Postgres(link) => link.claim_all(entries).await.map(Some),
            Link::Sqlite(_) | Link::Mysql(_) => Ok(None),
        }
    }

    /// The id of this database, from its ledger.
    pub async fn ledger_id(&mut self) -> Result<String, Fault> {
        either!(self, link => link.ledger_id().await)
    }

    /// Who has written to the ledger and not ended, in words; ends this transaction. SQLite does not tell.
    pub async fn ledger_blockers(&mut self) -> Result<Vec<String>, Fault> {
        match self {
            Link::Postgres(link) => link.ledger_blockers().await,
            Link::Sqlite(_) => Ok(Vec::new()),
            Link::Mysql(link) => link.ledger_blockers().await,
        }
    }

    /// Rights on tables, where the database tells them only bit by bit.
    pub async fn rights(&mut self, tables: &[&str]) -> Result<HashMap<Arc<str>, Rights>, Fault> {
        match self {
            Link::Mysql(link) => link.rights(tables).await,
            Link::Postgres(_) | Link::Sqlite(_) => Ok(HashMap::new()),
        }
    }

    /// What the role may do beyond what trueup needs, for MySQL.
    pub async fn excess(&mut self) -> Result<Vec<String>, Fault> {
        match self {
            Link::Mysql(link) => link.excess().await,
            Link::Postgres(_) | Link::Sqlite(_) => Ok(Vec::new()),
        }
    }

    /// User and host of this session's account, for MySQL.
    pub async fn account(&mut self) -> Result<(String, String), Fault> {
        match self {
            Link::Mysql(link) => link.account().await,
            Link::Postgres(_) | Link::Sqlite(_) => Ok(Default::default()),
        }
    }

    /// Other sessions that may hold a row of MySQL.
    pub async fn holders(&mut self) -> Result<Vec<i64>, Fault> {
        match self {
            Link::Mysql(link) => link.holders().await,
            Link::Postgres(_) | Link::Sqlite(_) => Ok(Vec::new()),
        }
    }

    /// An INSERT … RETURNING gives the key of its row.
    pub fn returns_keys(&self) -> bool {
        match self {
            Link::Mysql(link) => link.returns_keys(),
            Link::Postgres(_) | Link::Sqlite(_) => true,
        }
    }

    /// The number that the last INSERT got by itself, where the database has no RETURNING.
    pub fn last_id(&self) -> Option<Value> {
        match self {
            Link::Mysql(link) => link.last_id(),
            Link::Postgres(_) | Link::Sqlite(_) => None,
        }
    }
}
