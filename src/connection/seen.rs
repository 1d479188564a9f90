//! A row as it was read before the transaction that is to change it: a change that finds the same version of it needs no lock before.

use crate::base::value::{Map, Value};
use std::sync::Arc;

/// A row, and its version.
#[derive(Clone, Debug)]
pub struct Seen {
    /// Of this table.
    pub(super) table: String,
    /// What it was asked for by.
    pub(super) columns: Vec<Arc<str>>,
    /// These columns of it.
    pub(super) key: Vec<Value>,
    /// Whole, as under a lock.
    pub(super) row: Map,
    /// Which transaction wrote it (`xmin`), as text. Of what others have committed no two versions of a row have the same one.
    pub(super) version: Value,
}

impl Seen {
    /// It is the row with this key.
    pub(super) fn is(&self, table: &str, columns: &[Arc<str>], key: &[Value]) -> bool {
        self.table == table && self.columns == columns && self.key == key
    }
}
