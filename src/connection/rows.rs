//! The answer to a query: named columns, rows of lossless values.

use super::{
    fault::{Fault, FaultKind},
    statement::Limits,
};
use crate::base::value::{Data, Map, Names, Value};
use std::sync::Arc;

/// An answer.
#[derive(Clone, Debug, Default)]
pub struct Rows {
    /// Column names in order; known also when there is no row.
    pub columns: Vec<Arc<str>>,
    /// The rows.
    pub rows: Vec<Map>,
}

/// How many rows of a table this transaction has touched so far, rolled-back savepoints included: compare two of them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Touched {
    /// The table as the catalogue calls it. `*` stands for tables that SQLite does not name (WITHOUT ROWID, REPLACE),
    /// all of whose rows are counted as updated.
    pub table: Arc<str>,
    /// Rows inserted.
    pub inserted: u64,
    /// Rows updated.
    pub updated: u64,
    /// Rows deleted.
    pub deleted: u64,
}

impl Touched {
    /// All of them.
    pub fn rows(&self) -> u64 {
        self.inserted + self.updated + self.deleted
    }

    /// Rows of tables that nobody names.
    pub fn is_unnamed(&self) -> bool {
        &*self.table == "*"
    }
}

/// Which database this really is. Part of a plan; another identity voids it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Identity {
    /// `PostgreSQL 15.18`, `SQLite 3.51.2`.
    pub server: String,
    /// Database name, or the file's absolute path.
    pub database: String,
    /// What stays the same through restarts and renames: the cluster's system identifier and the database's oid; inode
    /// and application id of the file (not its device, whose number may change with a restart), and when it was made, where the file system says it.
    pub system: String,
    /// The role that is connected; empty for SQLite.
    pub role: String,
    /// A replica that takes no writes.
    pub replica: bool,
    /// The random id that the database has in its ledger: known only where it was asked for
    /// ([`super::session::Session::standing`]). A copy of a database has the same one.
    pub ledger: Option<String>,
}

/// Receives the rows of an answer one by one, with the names of its columns; a fault ends the answer.
pub(super) type Each<'a> = &'a mut (dyn FnMut(&[Arc<str>], Vec<Value>) -> Result<(), Fault> + Send);

/// An answer by position, as the drivers fill it.
#[derive(Debug, Default)]
pub(super) struct Answer {
    pub columns: Vec<Arc<str>>,
    pub rows: Vec<Vec<Value>>,
    pub affected: u64,
    bytes: usize,
}

impl Answer {
    pub fn new(columns: Vec<Arc<str>>) -> Answer {
        Answer { columns, ..Answer::default() }
    }

    /// Adds a row within the limits.
    pub fn push(&mut self, row: Vec<Value>, limits: Limits) -> Result<(), Fault> {
        if self.rows.len() >= limits.rows {
            return Err(Fault::new(FaultKind::TooMany, format!("the answer has more than {} rows", limits.rows)));
        }
        self.bytes += row.iter().map(size).sum::<usize>();
        if self.bytes > limits.bytes {
            return Err(Fault::new(FaultKind::TooMuch, format!("the answer is larger than {} bytes", limits.bytes)));
        }
        self.rows.push(row);
        Ok(())
    }

    /// By name. A name that is there twice would hide a value.
    pub fn named(self) -> Result<Rows, Fault> {
        for (i, name) in self.columns.iter().enumerate() {
            if self.columns[..i].contains(name) {
                let message = format!("the answer has two columns called `{name}`");
                return Err(Fault::new(FaultKind::Syntax, message).advise("give one of them another name with AS"));
            }
        }
        let names = Names::of_unlike(self.columns.clone());
        let rows = self.rows.into_iter().map(|row| Map::of_vec(&names, row)).collect();
        Ok(Rows { columns: self.columns, rows })
    }
}

/// Roughly what a value weighs.
fn size(value: &Value) -> usize {
    16 + match &value.data {
        Data::Text(text) => text.len(),
        Data::Bytes(bytes) => bytes.len(),
        Data::Decimal(decimal) => decimal.as_str().len(),
        Data::Json(json) => 2 * json.text().len(),
        Data::List(values) => values.iter().map(size).sum(),
        _ => 0,
    }
}
