//! What can go wrong with an outside database, in words for people: kind, message, where in the statement, what to do.
//!
//! A message never holds a secret or data of a row: DETAIL of the server is cut to the name of the constraint.

use super::reference::Unresolved;
use crate::base::cover::Cover;
use std::sync::Arc;

/// What kind of thing went wrong. Decides what the engine does next; the words decide what a person does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum FaultKind {
    /// Nobody listens at the address, the address is not known, or the server takes no more connections.
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
    /// The statement is not understood, or is of a kind that trueup does not run.
    Syntax,
    /// A value does not fit its place, or cannot be read without loss.
    Data,
    /// More rows than allowed.
    TooMany,
    /// More bytes than allowed, in one row or in all of them.
    TooMuch,
    /// The connection is gone and nothing was committed through it.
    Lost,
    /// COMMIT was sent and its answer never came: nobody here knows whether it happened.
    InDoubt,
    /// SQLite: another process writes to the file.
    Busy,
    /// SQLite: another file stands at the path than the one that the run has worked on. It was not opened.
    Exchanged,
    /// What is read at `read_url` is a copy that is behind, for longer than is waited for.
    Behind,
    /// Proved rolled back because of another transaction (40001, 40P01): may be run again as a whole.
    Serialization,
    /// Proved rolled back with others of the set that it was in: it begins anew, in a smaller one or alone. Never reaches a person.
    Divided,
    /// No encrypted connection could be made.
    TlsFailed,
    /// The settings of the connection are wrong.
    Settings,
    /// Anything else.
    Other,
}

impl FaultKind {
    /// What a person does about it, in a sentence or two.
    pub fn advice(self) -> &'static str {
        match self {
            FaultKind::Refused => "check host and port, that the server runs and that this machine may reach it",
            FaultKind::Auth => {
                "check user and password; the password belongs into the variable or file that the project file names"
            }
            FaultKind::NoDatabase => "check the database name or the path; trueup never creates a database by itself",
            FaultKind::NoTable => {
                "check the spelling and the schema; `trueup connection inspect NAME` lists the tables that this role can see"
            }
            FaultKind::NoColumn => {
                "check the spelling; `trueup connection inspect NAME` lists the columns of each table"
            }
            FaultKind::Denied => "grant the right to the role of this connection, or use the role that has it",
            FaultKind::Constraint => "nothing was changed; look at the rows that the constraint speaks of",
            FaultKind::LockTimeout => {
                "nothing was changed; somebody else works on these rows: try again later, or raise `lock_timeout`"
            }
            FaultKind::StatementTimeout => {
                "nothing was changed; narrow the statement, or raise `statement_timeout` of the connection"
            }
            FaultKind::ReadOnly => {
                "a check or verification may only read; a replica takes no writes: use the address of the primary"
            }
            FaultKind::Syntax => "correct the statement in the playbook",
            FaultKind::Data => "check the value against the column's type",
            FaultKind::TooMany | FaultKind::TooMuch => "narrow the statement, or raise the bound in the playbook",
            FaultKind::Lost => "nothing was committed through this connection; try again when the server is back",
            FaultKind::InDoubt => {
                "nobody knows yet whether the change was made: look at the system; `trueup show` tells what was sent"
            }
            FaultKind::Busy => {
                "another process writes to this file; try again, or raise `busy_timeout` of the connection"
            }
            FaultKind::Exchanged => {
                "nothing was written to it; put the file of before back, or plan again for the one that stands there now"
            }
            FaultKind::Behind => {
                "wait until the copy has caught up, or let `read_url` lead to the primary, with a role that only reads"
            }
            FaultKind::Serialization => "nothing was changed; another transaction came first: it may be run again",
            FaultKind::Divided => "nothing was changed; it begins anew by itself",
            FaultKind::TlsFailed => "check `sslmode` and the server's certificate",
            FaultKind::Settings => "correct the connection in the project file",
            FaultKind::Other => "the message is the database's own",
        }
    }
}

/// One failure of a database.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// What kind.
    pub kind: FaultKind,
    /// A lower-case fragment that fits after "failed to …:": no secret, no row data.
    pub message: String,
    /// Where in the statement's text, in characters from 1.
    pub position: Option<usize>,
    /// What the database itself suggests.
    pub hint: Option<String>,
    /// The constraint that was broken.
    pub constraint: Option<Arc<str>>,
    /// The connection's name in the project file, once it is known.
    pub connection: Option<Arc<str>>,
    /// Advice that fits better than the kind's: where the password comes from.
    pub advice: Option<String>,
}

/// Of a server that runs, and has no connection left for this user: it says so in other words each time.
const CROWDED: &[&str] = &["too many", "remaining connection slots", "max_user_connections"];

impl Fault {
    /// What to do about a server that cannot be reached. `origin`: where its address comes from.
    pub(super) fn reaching(&self, origin: &str) -> String {
        let message = self.message.to_lowercase();
        match CROWDED.iter().any(|words| message.contains(words)) {
            true => "it runs, and gives this user no more connections: let fewer items go at a time (`limits.concurrency`), or let an \
                     administrator raise the limit"
                .into(),
            false => format!("check that the server runs and host and port are right; they come from {origin}"),
        }
    }

    /// A failure of this kind.
    pub fn new(kind: FaultKind, message: impl Into<String>) -> Fault {
        let message = message.into();
        Fault { kind, message, position: None, hint: None, constraint: None, connection: None, advice: None }
    }

    /// The address of a database holds a password where everybody can read it.
    pub(super) fn in_clear_text() -> Fault {
        Fault::new(FaultKind::Settings, "a password stands in the project file in clear text").advise(
            "put the address into an environment variable and write `{ secret: NAME }`, or into a file of mode 0600 and write `file:/path`",
        )
    }

    /// With advice of its own.
    pub fn advise(mut self, advice: impl Into<String>) -> Fault {
        self.advice = Some(advice.into());
        self
    }

    /// With what is hidden left out of the database's own words.
    pub fn covered(mut self, cover: &Cover) -> Fault {
        if !cover.is_empty() {
            self.message = cover.over(&self.message);
            self.hint = self.hint.map(|hint| cover.over(&hint));
        }
        self
    }

    /// What to do about it, one or two sentences without a capital and a full stop.
    pub fn help(&self) -> String {
        self.advice.as_deref().unwrap_or(self.kind.advice()).to_owned()
    }

    /// The database cannot be reached: whoever else needs it fares the same.
    pub fn is_outage(&self) -> bool {
        self.kind == FaultKind::Refused
    }

    /// The session that it came from answers nothing more.
    pub fn ends_session(&self) -> bool {
        matches!(self.kind, FaultKind::Lost | FaultKind::InDoubt | FaultKind::TooMany | FaultKind::TooMuch)
    }
}

impl std::fmt::Display for Fault {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.message)
    }
}
impl std::error::Error for Fault {}

impl From<Unresolved> for Fault {
    /// The address of a database is a secret that is not there.
    fn from(unresolved: Unresolved) -> Fault {
        let Unresolved { reference, what, help, .. } = unresolved;
        Fault::new(FaultKind::Settings, format!("the secret in {reference} cannot be read: {what}")).advise(help)
    }
}
