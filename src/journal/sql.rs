//! Statements that both databases take: fixed text with `$1`, `$2` … for the parameters, cells that go in, rows that come
//! out. Whatever the two write differently stands side by side in one [`Sql`].

use super::failure::{JournalError, Place};
use sqlx::{
    Postgres, Row as _, Sqlite,
    postgres::{PgArguments, PgRow},
    query::Query,
    sqlite::{SqliteArguments, SqliteRow},
};
use std::sync::Arc;

/// One statement, as each database writes it.
#[derive(Clone, Copy)]
pub(super) struct Sql {
    pub(super) sqlite: &'static str,
    pub(super) postgres: &'static str,
}

impl From<&'static str> for Sql {
    fn from(both: &'static str) -> Sql {
        Sql { sqlite: both, postgres: both }
    }
}

/// A value on its way in. The lists are for PostgreSQL, which takes many rows in one statement.
pub(super) enum Cell<'a> {
    Int(Option<i64>),
    Text(Option<&'a str>),
    Bytes(&'a [u8]),
    Ints(&'a [i64]),
    Texts(&'a [&'a str]),
    Blobs(&'a [&'a [u8]]),
}

impl From<i64> for Cell<'_> {
    fn from(number: i64) -> Self {
        Cell::Int(Some(number))
    }
}
impl From<u64> for Cell<'_> {
    fn from(number: u64) -> Self {
        // Sequence numbers and fences: they count things that were written one by one.
        Cell::Int(i64::try_from(number).ok())
    }
}
impl From<u32> for Cell<'_> {
    fn from(number: u32) -> Self {
        Cell::Int(Some(i64::from(number)))
    }
}
impl From<Option<i64>> for Cell<'_> {
    fn from(number: Option<i64>) -> Self {
        Cell::Int(number)
    }
}
impl<'a> From<&'a str> for Cell<'a> {
    fn from(text: &'a str) -> Self {
        Cell::Text(Some(text))
    }
}
impl<'a> From<&'a String> for Cell<'a> {
    fn from(text: &'a String) -> Self {
        Cell::Text(Some(text))
    }
}
impl<'a> From<Option<&'a str>> for Cell<'a> {
    fn from(text: Option<&'a str>) -> Self {
        Cell::Text(text)
    }
}
impl<'a> From<&'a super::chain::Hash> for Cell<'a> {
    fn from(hash: &'a super::chain::Hash) -> Self {
        Cell::Bytes(&hash.0)
    }
}

impl Sql {
    pub(super) fn for_sqlite(self, cells: &[Cell<'_>]) -> Query<'static, Sqlite, SqliteArguments> {
        cells.iter().fold(sqlx::query(self.sqlite), |query, cell| match cell {
            Cell::Int(number) => query.bind(*number),
            Cell::Text(text) => query.bind(*text),
            Cell::Bytes(bytes) => query.bind(*bytes),
            // Statements with lists are written for PostgreSQL only.
            Cell::Ints(_) | Cell::Texts(_) | Cell::Blobs(_) => query,
        })
    }

    pub(super) fn for_postgres(self, cells: &[Cell<'_>]) -> Query<'static, Postgres, PgArguments> {
        cells.iter().fold(sqlx::query(self.postgres), |query, cell| match cell {
            Cell::Int(number) => query.bind(*number),
            Cell::Text(text) => query.bind(*text),
            Cell::Bytes(bytes) => query.bind(*bytes),
            Cell::Ints(numbers) => query.bind(*numbers),
            Cell::Texts(texts) => query.bind(*texts),
            Cell::Blobs(blobs) => query.bind(*blobs),
        })
    }
}

/// A row that came out.
pub(super) struct Row {
    pub(super) of: Of,
    pub(super) place: Arc<Place>,
}

pub(super) enum Of {
    Sqlite(SqliteRow),
    Postgres(PgRow),
}

macro_rules! columns {
    ($($name:ident: $ty:ty,)*) => {$(
        pub(super) fn $name(&self, at: usize) -> Result<$ty, JournalError> {
            let value = match &self.of {
                Of::Sqlite(row) => row.try_get(at),
                Of::Postgres(row) => row.try_get(at),
            };
            value.map_err(|error| JournalError::of_field(&self.place, &error))
        }
    )*};
}

impl Row {
    columns! {
        truth: bool,
        int: i64,
        maybe_int: Option<i64>,
        text: String,
        maybe_text: Option<String>,
        bytes: Vec<u8>,
        maybe_bytes: Option<Vec<u8>>,
    }
}
