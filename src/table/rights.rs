//! What a role may do with a table, as the database says.

use std::{collections::BTreeSet, sync::Arc};

/// The rights of the writing role on one table.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Rights {
    /// May add rows.
    pub insert: bool,
    /// May remove rows.
    pub delete: bool,
    /// Columns that it may change. Locking a row needs at least one.
    pub update: BTreeSet<Arc<str>>,
    /// May read every column: row images are whole rows.
    pub select: bool,
}
