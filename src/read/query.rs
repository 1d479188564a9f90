//! `query`: any single SELECT; every `{{ … }}` becomes a bound parameter.

use super::expect::Expect;
use crate::{
    base::shape::{Placed, Word},
    shape,
    template::Sql,
};

shape! {
    /// Asks a database with one SELECT. It runs with the connection's read role, in a read-only transaction.
    "query" pub struct QuerySpec {
        /// The connection's name.
        db: Word,
        /// One SELECT statement. Every `{{ … }}` becomes a bound parameter; a list expands inside `in ( )`.
        sql: Sql,
        /// How many rows are right: `one` (the default), `optional`, `none`, `many`, `1..50`.
        expect: Option<Placed<Expect>>,
        /// Take the columns as those of this declared table: enum names, personal columns.
        of_table as "as": Option<Word>,
    }
}

impl QuerySpec {
    /// How many rows are right; `one` unless the author says otherwise.
    pub fn expects(&self) -> Expect {
        self.expect.as_ref().map_or(Expect::One, |expect| expect.value)
    }
}
