//! The answer to a query: named columns, rows of lossless values.

use crate::base::value::Map;
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
    /// The table as the catalogue calls it. `*` stands for tables that SQLite cannot name (WITHOUT ROWID).
    pub table: Arc<str>,
    /// Rows inserted.
    pub inserted: u64,
    /// Rows updated.
    pub updated: u64,
    /// Rows deleted.
    pub deleted: u64,
}

/// Which database this really is. Part of a plan; another identity voids it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Identity {
    /// `PostgreSQL 15.18`, `SQLite 3.51.2`.
    pub server: String,
    /// Database name, or the file's absolute path.
    pub database: String,
    /// What stays the same through restarts and renames: the cluster's system identifier; device and inode of the file.
    pub system: String,
    /// The role that is connected; empty for SQLite.
    pub role: String,
    /// A replica that takes no writes.
    pub replica: bool,
}
