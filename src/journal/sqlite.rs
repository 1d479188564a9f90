//! The journal in one SQLite file: how it is opened and made, and how its errors become words.

mod open;
pub(super) mod schema;

// The names under which these were known when SQLite was the only store.
pub use super::{
    Anchor, Appended, Claim, Finding, Holder, Journal, Report, RunFilter, RunSummary, Stored, Waiting, What,
};

use super::failure::JournalError;
use std::path::Path;

/// An error of SQLite by its primary result code.
pub(super) fn of_sqlite(path: &Path, error: sqlx::Error) -> JournalError {
    let path = path.to_owned();
    let Some(database) = error.as_database_error() else { return JournalError::Sql(error) };
    let what = database.message().to_owned();
    let code = database.code().and_then(|code| code.parse::<u32>().ok()).unwrap_or(0);
    match code & 0xff {
        5 | 6 => JournalError::Locked { path },
        8 => JournalError::ReadOnly { path },
        10 => JournalError::Disk { path, what },
        11 => JournalError::Damaged { path, what },
        13 => JournalError::Full { path },
        14 => JournalError::Io { path, source: std::io::Error::other(what) },
        26 => JournalError::NotAJournal { path, why: "it is not a SQLite file" },
        _ => JournalError::Sql(error),
    }
}
