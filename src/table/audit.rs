//! Audit rules: how the application's own audit row is made from the images of a change.

use crate::{
    base::{
        shape::{Named, Word},
        yaml::Node,
    },
    shape, words,
};

shape! {
    /// How an application keeps its own audit, so that a change made by trueup looks like one made by the application.
    "an audit rule" pub struct AuditRule {
        /// The table that holds the audit rows, in the same connection as the audited one.
        table: Word,
        /// Which changes are audited. Default: all three.
        #[schemars(default)]
        events: Vec<AuditEvent>,
        /// Columns left out of the recorded changes.
        #[schemars(default)]
        omit: Vec<Word>,
        /// No row when nothing but omitted columns changed.
        skip_when_unchanged: Option<bool>,
        /// The columns of the audit row: templates over `event`, `changes`, `row`, `audit`, `run`, `now()`; or
        /// `{ next_of: column, per: [columns] }` for a running number.
        row: Named<Node>,
    }
}

words! {
    "an audited event"
    pub enum AuditEvent {
        /// A row was inserted.
        Create = "create",
        /// Columns changed.
        Update = "update",
        /// A row was deleted.
        Destroy = "destroy",
    }
}
