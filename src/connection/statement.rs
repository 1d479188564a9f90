//! What is asked of a database: one statement with its values, a selection of rows, what a column is set to.

use crate::{
    base::{identity::RunId, value::Value},
    table::{
        catalogue::Kind,
        condition::{Condition, Order},
    },
};
use sqlx::{AssertSqlSafe, SqlSafeStr, SqlStr};
use std::sync::Arc;

/// One statement. Placeholders are numbered for the dialect (`$1`; `?1` or `?`); values never stand in the text.
#[derive(Clone, Debug)]
pub struct Statement {
    /// The text, from the template layer or from trueup itself.
    pub sql: String,
    /// In the order of the placeholders. An unknown may be prepared, not executed.
    pub binds: Vec<Value>,
}

impl Statement {
    /// A statement with its values.
    pub fn new(sql: impl Into<String>, binds: Vec<Value>) -> Statement {
        Statement { sql: sql.into(), binds }
    }
}

/// The one door through which text becomes SQL for the driver. Everything that comes here was written by the template
/// layer (values are binds, several statements are refused) or by `sql_text` (names quoted, values are binds).
pub(super) fn trusted(sql: &str) -> SqlStr {
    AssertSqlSafe(sql).into_sql_str()
}

/// What a server's log shows of the run that a transaction is for, in the form of sqlcommenter. Only hexadecimal digits and
/// hyphens can be in it.
///
/// It stands at BEGIN and nowhere else: every statement keeps its text, so that neither the driver's nor the server's prepared
/// statements, nor the counts of `pg_stat_statements`, are torn apart by it.
#[derive(Clone, Debug)]
pub struct TraceMark(Arc<str>);

impl TraceMark {
    /// Of a run.
    pub fn of(run: RunId) -> TraceMark {
        TraceMark(format!("/*traceparent='{}'*/", run.traceparent()).into())
    }

    /// Before the first statement of a transaction.
    pub(super) fn before(&self, begin: &'static str) -> String {
        format!("{} {begin}", self.0)
    }
}

/// How much an answer may hold; more is [`super::fault::FaultKind::TooMuch`], never a silent cut.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Rows.
    pub rows: usize,
    /// Bytes of all values together.
    pub bytes: usize,
}

impl Limits {
    /// For a read whose author gave no bound: 10 000 rows, 16 MiB.
    pub const USUAL: Limits = Limits { rows: 10_000, bytes: 16 << 20 };
}

/// Rows of one table.
#[derive(Clone, Copy, Debug)]
pub struct Select<'a> {
    /// As the catalogue calls it: `trainees`, `audit.events`.
    pub table: &'a str,
    /// Empty means all.
    pub columns: &'a [Arc<str>],
    /// All must hold.
    pub conditions: &'a [Condition],
    /// First column first.
    pub order: &'a [Order],
    /// At most so many rows; the rest is not read and not reported.
    pub limit: Option<usize>,
}

impl<'a> Select<'a> {
    /// Whole rows that fit, in no order.
    pub fn whole(table: &'a str, conditions: &'a [Condition]) -> Select<'a> {
        Select { table, columns: &[], conditions, order: &[], limit: None }
    }
}

/// What a column is set to.
#[derive(Clone, Debug, PartialEq)]
pub enum SetTo {
    /// This value, as stored.
    Value(Value),
    /// The database's clock: the transaction's time (SQLite: the statement's), in the column's own style.
    DatabaseNow,
}

/// What a statement takes and gives, as the database says without running it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Prepared {
    /// One for each placeholder. SQLite knows only their number: kind `Other`, no type name.
    pub parameters: Vec<Slot>,
    /// The columns of the answer; empty when it gives no rows.
    pub columns: Vec<Slot>,
}

/// A parameter or a column of an answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Slot {
    /// Column name, or `$1`.
    pub name: Arc<str>,
    /// What it holds.
    pub kind: Kind,
    /// The database's word for the type; empty when it has none.
    pub type_name: String,
    /// Its values cannot be read without loss: select it with `::text`. Never so for a parameter.
    pub unreadable: bool,
}
