//! `row`: the declared state of one row.

use crate::{
    base::{
        diagnostic::Diagnostic,
        shape::{FromNode, Lowering, Named, Word},
        yaml::Node,
    },
    shape,
    template::{Datum, Expression, Text},
    words,
};

shape! {
    /// Declares the state of one row. The engine reads the row under a lock, compares, and changes only what differs;
    /// a row that is already as wanted is left alone.
    "row" pub struct RowSpec {
        /// The row that a `find` step found: gives table and key.
        of: Option<Word>,
        /// `connection.table`, when `of` is not given.
        table: Option<Word>,
        /// Key columns and values, when `of` is not given.
        #[schemars(default)]
        key: Named<Datum>,
        /// Guard: change the row only if these columns still hold these values.
        #[schemars(default)]
        only_if: Named<Datum>,
        /// The guard is looked at also when the row is already as wanted: of two who want to take a record, one gets it and the other is
        /// told who has it.
        claim: Option<bool>,
        /// Columns and their wanted values; a JSON column takes `{ merge: … }` or `{ remove: [..] }`, a text column `{ append: … }`.
        #[schemars(default)]
        set: Named<Assign>,
        /// Columns to set to null: a list, or an expression that gives one.
        #[schemars(default, schema_with = "clear_schema")]
        clear: Option<Datum>,
        /// Conditional parts of the same change.
        #[schemars(default)]
        also: Vec<Also>,
        /// Values of a new row, when there is none with this key. Without it a missing row is an error.
        create: Option<Named<Assign>>,
        /// `absent` deletes the row.
        ensure: Option<Ensure>,
        /// `none` leaves the application's audit row out; needs `because`.
        audit: Option<AuditMode>,
        /// `keep` leaves the table's `updated_at` as it is.
        updated_at: Option<StampMode>,
        /// Why the audit row is left out or `updated_at` kept.
        because: Option<Text>,
    }
}

shape! {
    /// A part of a change that applies only under a condition.
    "a conditional part" pub struct Also {
        /// The condition.
        when: Expression,
        /// Columns to set.
        #[schemars(default)]
        set: Named<Assign>,
        /// Columns to set to null.
        #[schemars(default, schema_with = "clear_schema")]
        clear: Option<Datum>,
    }
}

words! {
    "a state to ensure"
    pub enum Ensure {
        /// The row is there (the default).
        Present = "present",
        /// The row is not there.
        Absent = "absent",
    }
}

words! {
    "an audit mode"
    pub enum AuditMode {
        /// No audit row; needs `because`.
        None = "none",
    }
}

words! {
    "a mode of `updated_at`"
    pub enum StampMode {
        /// The column stays as it is.
        Keep = "keep",
    }
}

/// A list of columns, or an expression that gives one.
pub(super) fn clear_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
    schemars::json_schema!({ "anyOf": [{ "type": "array", "items": { "type": "string" } }, { "type": "string", "pattern": "^\\{\\{" }] })
}

/// What a column is set to.
#[derive(Clone, Debug)]
pub enum Assign {
    /// A value.
    To(Datum),
    /// JSON: these keys, the others stay.
    Merge(Datum),
    /// JSON: without these keys.
    Remove(Datum),
    /// Text: what the column holds, and behind it this.
    Append(Datum),
}

impl Assign {
    /// The value inside.
    pub fn datum(&self) -> &Datum {
        match self {
            Assign::To(d) | Assign::Merge(d) | Assign::Remove(d) | Assign::Append(d) => d,
        }
    }
}

impl FromNode for Assign {
    fn from_node(node: &Node, cx: &mut Lowering<'_>) -> Option<Self> {
        if let Node::Map(entries, at) = node {
            match entries.as_slice() {
                [e] if &*e.key.text == "merge" => return Datum::from_node(&e.node, cx).map(Assign::Merge),
                [e] if &*e.key.text == "remove" => return Datum::from_node(&e.node, cx).map(Assign::Remove),
                [e] if &*e.key.text == "append" => return Datum::from_node(&e.node, cx).map(Assign::Append),
                // Two words at once are surely a mistake; any other map is a JSON document to store.
                many if many.iter().any(|e| matches!(&*e.key.text, "merge" | "remove" | "append")) => {
                    cx.push(Diagnostic::error(
                        &crate::base::shape::ONE_OF,
                        *at,
                        "`merge`, `remove` or `append` stands alone in its map",
                    ));
                    return None;
                }
                _ => {}
            }
        }
        Datum::from_node(node, cx).map(Assign::To)
    }
}
crate::plain_schema!(Assign, {
    "description": "A value; for a JSON column also `{ merge: {…} }` or `{ remove: [..] }`, for a text column `{ append: TEXT }`."
});
