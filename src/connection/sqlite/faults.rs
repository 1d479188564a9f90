//! SQLite's result codes as faults, with the place in the statement where it can be told.

use super::super::{
    fault::{Fault, FaultKind},
    sql_lexer,
};
use crate::template::sql::Dialect;
use sqlx::error::DatabaseError;
use std::io::ErrorKind;

/// An error of a statement on this file; `sql` is the statement, empty when there is none.
pub fn fault(error: sqlx::Error, file: &str, sql: &str) -> Fault {
    match error {
        sqlx::Error::Database(error) => of_sqlite(&*error, file, sql),
        sqlx::Error::WorkerCrashed => Fault::new(FaultKind::Lost, format!("the connection to {file} broke")),
        sqlx::Error::Io(error) => Fault::new(FaultKind::NoDatabase, format!("{file} cannot be used: {error}")),
        sqlx::Error::Encode(error) => Fault::new(FaultKind::Data, error.to_string()),
        sqlx::Error::Decode(error) => Fault::new(FaultKind::Data, error.to_string()),
        error => Fault::new(FaultKind::Other, error.to_string()),
    }
}

fn of_sqlite(error: &dyn DatabaseError, file: &str, sql: &str) -> Fault {
    let code: i32 = error.code().and_then(|c| c.parse().ok()).unwrap_or(1);
    let text = error.message();
    let fault = |kind, message: String| Fault::new(kind, message);
    match code & 0xff {
        5 | 6 => fault(FaultKind::Busy, format!("{file} is locked by another process")),
        8 => read_only(code, text, file),
        9 => fault(FaultKind::StatementTimeout, "the statement ran into `statement_timeout`".into()),
        11 => fault(FaultKind::NoDatabase, format!("{file} is damaged: {text}")),
        10 if code == NO_ROOM_BESIDE => full(file),
        10 => fault(FaultKind::Other, format!("{file}: {text}")).advise(BROKEN_DISK),
        13 => full(file),
        14 => fault(FaultKind::NoDatabase, format!("{file} cannot be opened: {text}")),
        23 => fault(FaultKind::Denied, text.to_owned()),
        26 => fault(FaultKind::NoDatabase, format!("{file} is not a SQLite database")),
        19 => {
            let mut broken = fault(FaultKind::Constraint, text.to_owned());
            broken.constraint = text.split_once(": ").map(|(_, name)| name.into());
            broken
        }
        18 => fault(FaultKind::Data, "a value, or a row with all its columns, is larger than 272 MiB".into())
            .advise("that is the most that trueup takes from SQLite, because it is held in its own memory: narrow the statement"),
        20 => fault(FaultKind::Data, text.to_owned()),
        1 => of_statement(text, sql),
        _ => fault(FaultKind::Other, text.to_owned()),
    }
}

/// SQLITE_READONLY_ROLLBACK: a journal lies beside the database whose writer is gone, and this handle may not take its change back.
const HALF_DONE: i32 = 776;
/// SQLITE_READONLY_DIRECTORY: no file can be made beside the database.
const NO_FILE_BESIDE: i32 = 1544;
/// SQLITE_IOERR_SHMSIZE: the file beside it that several processes share cannot grow.
const NO_ROOM_BESIDE: i32 = 4874;
const BROKEN_DISK: &str = "the disk or its file system failed, so nothing was committed: look at the log of this machine, and check the file before it is written again";

fn full(file: &str) -> Fault {
    Fault::new(FaultKind::Other, format!("the disk of {file} is full"))
        .advise("make space on it and try again; what was not committed is taken back")
}

/// A handle that may only read says the same words as a file whose rights do not let this user write.
fn read_only(code: i32, text: &str, file: &str) -> Fault {
    let denied =
        |error: &std::io::Error| matches!(error.kind(), ErrorKind::PermissionDenied | ErrorKind::ReadOnlyFilesystem);
    if code == HALF_DONE {
        let message =
            format!("a program died in the middle of a change of {file}, and what reads may not take it back");
        return Fault::new(FaultKind::ReadOnly, message).advise(format!(
            "any program that writes to the file takes the half change back, from the journal beside it: run \
             `sqlite3 '{file}' 'begin immediate; rollback'` as a user who may write both, and try again; never delete the journal"
        ));
    }
    let own = std::fs::OpenOptions::new().write(true).open(file).err().filter(denied);
    match own {
        Some(error) => Fault::new(FaultKind::ReadOnly, format!("{file} cannot be written: {}", error.kind()))
            .advise("check whose file it is and its rights, and those of its folder: SQLite makes files beside it"),
        None if code == NO_FILE_BESIDE => Fault::new(FaultKind::ReadOnly, format!("no file can be made beside {file}"))
            .advise(
                "let the user who runs trueup write the folder: SQLite keeps there what it takes back after a crash",
            ),
        None => Fault::new(FaultKind::ReadOnly, text),
    }
}

/// The generic code: only the words tell.
fn of_statement(text: &str, sql: &str) -> Fault {
    let after = |lead: &str| text.strip_prefix(lead).map(|name| name.split(" - ").next().unwrap_or(name));
    let near = || text.strip_prefix("near \"").and_then(|rest| rest.split('"').next());
    let table = after("no such table: ");
    let column = after("no such column: ").or_else(|| text.rsplit_once(" has no column named ").map(|(_, name)| name));
    let (kind, word) = match (table, column, near()) {
        (Some(name), ..) => (FaultKind::NoTable, Some(name)),
        (_, Some(name), _) => (FaultKind::NoColumn, Some(name)),
        (.., near) => (FaultKind::Syntax, near),
    };
    let mut fault = Fault::new(kind, text);
    fault.position = word.and_then(|word| position(sql, word.rsplit('.').next().unwrap_or(word)));
    fault
}

/// SQLite tells the word, not its place: the place is known when the word stands there once.
fn position(sql: &str, word: &str) -> Option<usize> {
    let bare = |text: &str| text.trim_matches(['"', '`', '[', ']']).to_lowercase();
    let mut found =
        sql_lexer::tokens(sql, Dialect::Sqlite).into_iter().filter(|t| bare(&sql[t.at.clone()]) == bare(word));
    let only = found.next()?;
    found.next().is_none().then(|| sql[..only.at.start].chars().count() + 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_word_that_sqlite_names_is_found_in_the_statement() {
        let fault = of_statement("no such column: t.idd", "select é, t.idd from t");
        assert_eq!((fault.kind, fault.position), (FaultKind::NoColumn, Some(13)));
        assert_eq!(of_statement("no such column: a", "select a, a from t").position, None);
        assert_eq!(of_statement("near \"form\": syntax error", "select a form t").position, Some(10));
        assert_eq!(of_statement("table t has no column named b", "insert into t (b) values (1)").position, Some(16));
        assert_eq!(of_statement("no such table: x", "select 1 from x").kind, FaultKind::NoTable);
    }
}
