//! `sql`: one writing statement, for what `row` and `rows` cannot say.

use crate::{base::shape::Word, read::expect::Touches, shape, template::Sql};

shape! {
    /// Runs one INSERT, UPDATE or DELETE. Needs `undo`, `irreversible` or `undo: none_needed`, and `probe` or a ledger.
    /// Prefer `row` and `rows`: they show every row before and after, write the audit row and are taken back by themselves.
    "sql" pub struct SqlSpec {
        /// The connection's name.
        db: Word,
        /// One statement. Every `{{ … }}` becomes a bound parameter.
        sql: Sql,
        /// How many rows the statement must touch: `1`, `1..50`. Anything else rolls back.
        touches: Option<Touches>,
    }
}
