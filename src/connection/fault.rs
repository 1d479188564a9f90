//! What can go wrong with an outside database, in words for people: kind, message, where in the statement, what to do.
//!
//! A message never holds a secret or data of a row: DETAIL of the server is cut to the name of the constraint.

use std::sync::Arc;

/// What kind of thing went wrong. Decides what the engine does next; the words decide what a person does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum FaultKind {
    /// Nobody listens at the address, or the address is not known.
    Refused,
    /// The password or another proof was not accepted.
    Auth,
    /// The server has no such database, or the file is missing or not a database.
    NoDatabase,
    /// No such table.
    NoTable,
    /// No such column.
    NoColumn,
    /// The role lacks a right.
    Denied,
    /// A constraint of the table forbids the change.
    Constraint,
    /// Somebody else held a lock for longer than `lock_timeout`.
    LockTimeout,
    /// The statement ran for longer than `statement_timeout`.
    StatementTimeout,
    /// A write where only reading is allowed: a replica, a read role, a check.
    ReadOnly,
    /// The statement is not understood.
    Syntax,
    /// A value does not fit its place.
    Data,
    /// More rows or bytes than allowed.
    TooMuch,
    /// The connection is gone and nothing was committed through it.
    Lost,
    /// COMMIT was sent and its answer never came: nobody here knows whether it happened.
    InDoubt,
    /// SQLite: another process writes to the file.
    Busy,
    /// Proved rolled back because of another transaction (40001, 40P01): may be run again as a whole.
    Serialization,
    /// No encrypted connection could be made.
    TlsFailed,
    /// The settings of the connection are wrong.
    Settings,
    /// Anything else.
    Other,
}

/// One failure of a database.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// What kind.
    pub kind: FaultKind,
    /// A lower-case fragment that fits after "failed to": no secret, no row data.
    pub message: String,
    /// Where in the statement's text, in characters from 1.
    pub position: Option<usize>,
    /// What the database itself suggests.
    pub hint: Option<String>,
    /// The constraint that was broken.
    pub constraint: Option<Arc<str>>,
    /// The connection's name in the project file, once it is known.
    pub connection: Option<Arc<str>>,
}

impl Fault {
    /// A failure of this kind.
    pub fn new(kind: FaultKind, message: impl Into<String>) -> Fault {
        Fault { kind, message: message.into(), position: None, hint: None, constraint: None, connection: None }
    }

    /// What to do about it, one or two sentences.
    pub fn help(&self) -> String {
        String::new()
    }
}

impl std::fmt::Display for Fault {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.message)
    }
}
impl std::error::Error for Fault {}
