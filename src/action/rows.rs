//! `rows`: several rows of one table, always with a bound.

use super::row::{Assign, AuditMode, Ensure, StampMode, clear_schema};
use crate::{
    base::shape::{Named, Word},
    read::{expect::Touches, find::Test},
    shape,
    template::{Datum, Text},
};

shape! {
    /// Changes or deletes the rows that a condition picks. They are locked by key, compared one by one, and their number
    /// must be within `touches`.
    "rows" pub struct RowsSpec {
        /// `connection.table`, as declared in the project file.
        table: Word,
        /// Column tests that must all hold, as in `find`.
        #[schemars(default)]
        conditions as "where": Named<Test>,
        /// Columns and their wanted values.
        #[schemars(default)]
        set: Named<Assign>,
        /// Columns to set to null.
        #[schemars(default, schema_with = "clear_schema")]
        clear: Option<Datum>,
        /// `absent` deletes the rows.
        ensure: Option<Ensure>,
        /// How many rows may be touched: `1`, `0..50`. Anything else rolls back.
        touches: Option<Touches>,
        /// Also rows that the table's `soft_delete` column marks as discarded.
        with_discarded: Option<bool>,
        /// `none` leaves the application's audit rows out; needs `because`.
        audit: Option<AuditMode>,
        /// `keep` leaves the table's `updated_at` as it is.
        updated_at: Option<StampMode>,
        /// Why the audit rows are left out or `updated_at` kept.
        because: Option<Text>,
    }
}
