//! The journal in one SQLite file: how it is opened and made, and how its errors become words.
//!
//! Every write is one transaction that starts with the write lock (`BEGIN IMMEDIATE`), reads the head of the chain from
//! the file and ends with a synced COMMIT.

mod migrate;
mod open;
pub(super) mod schema;

use super::failure::{JournalError, Place};
use std::{path::PathBuf, sync::Arc};

/// SQLITE_IOERR_SHMSIZE.
const NO_ROOM_BESIDE: u32 = 4874;

/// An error of SQLite by its primary result code.
pub(super) fn failed(place: &Place, error: sqlx::Error) -> JournalError {
    let place = place.clone();
    let Some(database) = error.as_database_error() else {
        return JournalError::Sql { place, what: error.to_string() };
    };
    let what = database.message().to_owned();
    let code = database.code().and_then(|code| code.parse::<u32>().ok()).unwrap_or(0);
    match code & 0xff {
        5 | 6 => JournalError::Locked { place },
        8 => JournalError::ReadOnly { place },
        // The file beside it that several processes share cannot grow.
        10 if code == NO_ROOM_BESIDE => JournalError::Full { place },
        10 => JournalError::Disk { place, what },
        11 => JournalError::Damaged { place, what },
        13 => JournalError::Full { place },
        14 => unopened(path_of(place), what),
        26 => JournalError::NotAJournal { place, why: "it is not a SQLite file".into() },
        _ => JournalError::Sql { place, what },
    }
}

/// SQLite says of a file that it cannot open, and of one beside which it can make none, the same.
fn unopened(path: PathBuf, what: String) -> JournalError {
    use std::io::{Error, ErrorKind};
    let written = std::fs::OpenOptions::new().write(true).open(&path);
    match written.map_err(|error| error.kind()) {
        Err(ErrorKind::PermissionDenied | ErrorKind::ReadOnlyFilesystem) => {
            JournalError::ReadOnly { place: Place::File(path) }
        }
        Ok(_) => {
            let what = format!("{what}: no file can be made beside it; check the rights of its folder");
            JournalError::Io { path, source: Arc::new(Error::other(what)) }
        }
        Err(_) => JournalError::Io { path, source: Arc::new(Error::other(what)) },
    }
}

fn path_of(place: Place) -> PathBuf {
    match place {
        Place::File(path) => path,
        Place::Server(shown) => shown.into(),
    }
}
