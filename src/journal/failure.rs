//! What can go wrong with a journal, in words that name the file and what to do. One enum for the layer.

use super::event::BadEvent;
use crate::base::{identity::RunId, seal::SealError, time::Stamp};
use std::{fmt, path::PathBuf, sync::Arc};

/// Where a journal is, for messages.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Place {
    /// In a SQLite file.
    File(PathBuf),
    /// In a PostgreSQL database: `` `app` at db.example:5432, database `support` ``.
    Server(String),
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Place::File(path) => write!(f, "journal {}", path.display()),
            Place::Server(shown) => write!(f, "journal in PostgreSQL ({shown})"),
        }
    }
}

/// Why the journal refused. Reads well after "failed to …: ".
#[derive(Clone, Debug)]
pub enum JournalError {
    /// The file or its folder cannot be made or opened.
    Io {
        /// The file.
        path: PathBuf,
        /// What the operating system says.
        source: Arc<std::io::Error>,
    },
    /// Something else is in the file, and what.
    NotAJournal {
        /// Where.
        place: Place,
        /// A fragment.
        why: String,
    },
    /// Made by a later version.
    Newer {
        /// Where.
        place: Place,
        /// Its format.
        found: i64,
        /// The newest that is known here.
        known: i64,
    },
    /// A setting on which durability rests could not be made.
    NotDurable {
        /// Where.
        place: Place,
        /// `synchronous`.
        setting: &'static str,
        /// What it is instead.
        found: String,
    },
    /// Another process holds the file for longer than the busy timeout.
    Locked {
        /// Where.
        place: Place,
    },
    /// No space. Nothing of the group was recorded.
    Full {
        /// Where.
        place: Place,
    },
    /// The file or its folder may not be written.
    ReadOnly {
        /// Where.
        place: Place,
    },
    /// Reading or writing the disk failed. Nothing more is written through this handle: after a failed sync nobody
    /// knows what is on the disk, so it is opened again and verified first.
    Disk {
        /// Where.
        place: Place,
        /// What SQLite says.
        what: String,
    },
    /// The file is damaged.
    Damaged {
        /// Where.
        place: Place,
        /// What SQLite says.
        what: String,
    },
    /// The events of a run are not as they were written.
    Tampered {
        /// The run.
        run: RunId,
        /// The first event that is wrong.
        seq: u64,
        /// A fragment.
        what: String,
    },
    /// An event cannot be understood.
    Unreadable {
        /// The run.
        run: RunId,
        /// Which one.
        seq: u64,
        /// Why.
        why: BadEvent,
    },
    /// A value of an event cannot be stored.
    Unstorable {
        /// Name of the event.
        event: &'static str,
        /// Why.
        why: SealError,
    },
    /// There is no run of that name.
    NoSuchRun {
        /// As it was given.
        given: String,
    },
    /// The short id fits several runs.
    Ambiguous {
        /// As it was given.
        given: String,
        /// Full ids, newest first, at most ten.
        candidates: Vec<RunId>,
    },
    /// Somebody else recorded something of this schedule since it was looked at.
    Overtaken,
    /// A first event that is not `run.created`, a second `run.created`, or an event after the end.
    OutOfOrder {
        /// The run.
        run: RunId,
        /// A fragment.
        what: &'static str,
    },
    /// Somebody else works on the run.
    Claimed {
        /// The run.
        run: RunId,
        /// By whom.
        by: Box<super::Claim>,
    },
    /// The claim was taken over; nothing may be written with it any more.
    ClaimLost {
        /// The run.
        run: RunId,
        /// The fence that was held.
        fence: u64,
    },
    /// The plan was applied before.
    PlanUsed {
        /// By this run.
        run: RunId,
        /// When.
        at: Stamp,
    },
    /// The payloads of the run's events were removed on purpose.
    Purged {
        /// The run.
        run: RunId,
        /// When.
        at: Stamp,
    },
    /// The server does not answer, or went away. Nothing of the group was recorded.
    Away {
        /// Where.
        place: Place,
        /// What happened.
        what: String,
    },
    /// The server went away while it should make a group durable, and could not be asked afterwards.
    Unsure {
        /// Where.
        place: Place,
        /// What happened.
        what: String,
    },
    /// The role may not do what the journal needs.
    Rights {
        /// Where.
        place: Place,
        /// What PostgreSQL says.
        what: String,
    },
    /// The journal's personal values are sealed with another key than the one at hand.
    OtherKey {
        /// Where.
        place: Place,
        /// Id of its key.
        wanted: String,
        /// Id of the key at hand.
        found: String,
    },
    /// Others wrote at the same time, and PostgreSQL chose to take this one back, again and again.
    Contended {
        /// Where.
        place: Place,
    },
    /// Anything else that the database says.
    Sql {
        /// Where.
        place: Place,
        /// What.
        what: String,
    },
}

impl JournalError {
    /// The transaction around it is over or worthless, for whatever else was in it as well.
    pub(super) fn ends_transaction(&self) -> bool {
        use JournalError as E;
        matches!(
            self,
            E::Disk { .. }
                | E::Damaged { .. }
                | E::Full { .. }
                | E::Locked { .. }
                | E::ReadOnly { .. }
                | E::Io { .. }
                | E::Away { .. }
                | E::Unsure { .. }
                | E::Contended { .. }
        )
    }

    /// It may be about one group of several: each alone has its own answer.
    pub(super) fn may_be_of_one(&self) -> bool {
        matches!(self, JournalError::Full { .. } | JournalError::Damaged { .. } | JournalError::Sql { .. })
    }
}

impl JournalError {
    /// A field of its tables that cannot be taken for what trueup writes there.
    pub(super) fn of_field(place: &Place, error: &sqlx::Error) -> JournalError {
        let (field, why) = match error {
            sqlx::Error::ColumnDecode { index, source } => (format!("a field (column {index})"), source.to_string()),
            other => ("a field".to_owned(), other.to_string()),
        };
        let what = format!(
            "{field} holds what trueup does not write there ({why}); something else wrote to it, or it is damaged; `trueup audit verify` \
             tells whether the record of the runs is whole"
        );
        JournalError::Sql { place: place.clone(), what }
    }

    /// May be over in a moment, and trying again through the same handle is safe.
    pub fn may_pass(&self) -> bool {
        matches!(
            self,
            JournalError::Locked { .. }
                | JournalError::Full { .. }
                | JournalError::Io { .. }
                | JournalError::Away { .. }
                | JournalError::Contended { .. }
                | JournalError::Sql { .. }
        )
    }
}

impl fmt::Display for JournalError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        use JournalError as E;
        match self {
            E::Io { path, source } => write!(f, "journal {}: {source}", path.display()),
            E::NotAJournal { place: Place::File(path), why } => write!(
                f,
                "{} is not a journal of trueup: {why}; give another path, or move the file away and a new journal is made",
                path.display()
            ),
            E::NotAJournal { place, why } => write!(
                f,
                "{place}: the schema `trueup_journal` is not a journal of trueup: {why}; name another database, or rename the schema and a new journal is made"
            ),
            E::Newer { place, found, known } => write!(
                f,
                "{place} has format {found}, this version of trueup reads up to {known}; use the version that made it, or a later one"
            ),
            E::NotDurable { place: place @ Place::File(_), setting, found } => write!(
                f,
                "{place}: `{setting}` is {found}, so a power cut could lose what was recorded; a local disk (no network file system) can do it"
            ),
            E::NotDurable { place, setting, found } => write!(
                f,
                "{place}: `{setting}` is {found}, so a power cut could lose what was recorded; ask the administrator to set it to `on`"
            ),
            E::Locked { place } => {
                write!(f, "{place} is locked by another process; wait for it to finish and try again")
            }
            E::Full { place } => {
                write!(f, "{place}: the disk is full; nothing was recorded, make space and try again")
            }
            E::ReadOnly { place: place @ Place::File(_) } => {
                write!(
                    f,
                    "{place} cannot be written: check the rights of the file and of its folder, and whether the file system is mounted read-only"
                )
            }
            E::ReadOnly { place } => write!(
                f,
                "{place} cannot be written: the server is a read-only replica, or the role's transactions are read-only; name the primary server"
            ),
            E::Disk { place, what } => {
                write!(f, "{place}: {what}; nothing more is written through this process; check the disk")
            }
            E::Damaged { place, what } => {
                write!(f, "{place} is damaged: {what}; keep it as it is and restore a backup")
            }
            E::Purged { run, at } => write!(
                f,
                "what run {} recorded was removed by `trueup audit purge` at {at}Z, so it can be listed, but not shown in full, resumed, retried or taken back",
                run.short()
            ),
            E::Away { place, what } => write!(
                f,
                "{place} cannot be reached: {what}; nothing was recorded; check its address and password and that the server runs, and try again"
            ),
            E::Unsure { place, what } => write!(
                f,
                "{place} went away while it recorded: {what}; whether the last events are there shows when it is back"
            ),
            E::Rights { place, what } => write!(
                f,
                "{place}: the role lacks a right: {what}; let an administrator run `CREATE SCHEMA trueup_journal AUTHORIZATION` with this role's name, or grant it SELECT, INSERT, UPDATE and DELETE on the tables of the schema"
            ),
            E::OtherKey { place, wanted, found } => write!(
                f,
                "{place}: personal values are sealed there with the key {wanted}, and the key at hand is {found}; copy `.trueup/seal.key` from where the journal was made, by a safe way, mode 0600"
            ),
            E::Contended { place } => write!(f, "{place}: other processes wrote at the same time; try again"),
            E::Tampered { run, seq, what } => {
                write!(
                    f,
                    "event {seq} of run {run} is not as it was written: {what}; nobody goes on from it: keep the file, and compare it with a copy from before"
                )
            }
            E::Unreadable { run, seq, why } => write!(f, "event {seq} of run {run}: {why}"),
            E::Unstorable { event, why } => write!(f, "`{event}` cannot be recorded: {why}"),
            E::NoSuchRun { given } => write!(f, "there is no run `{given}`; `trueup runs` lists them"),
            E::Ambiguous { given, candidates } => {
                write!(f, "`{given}` fits several runs: ")?;
                candidates
                    .iter()
                    .enumerate()
                    .try_for_each(|(i, run)| write!(f, "{}{run}", if i > 0 { ", " } else { "" }))
            }
            E::Overtaken => f.write_str("somebody else decided about this schedule at the same moment; look again"),
            E::OutOfOrder { run, what } => write!(f, "run {run}: {what}"),
            E::Claimed { run, by } => write!(
                f,
                "{} is working on run {} (process {} on {}, since {}Z)",
                by.holder.name,
                run.short(),
                by.holder.pid,
                by.holder.host,
                by.since
            ),
            E::ClaimLost { run, fence } => {
                write!(f, "run {} was taken over by another process (claim {fence} is no longer valid)", run.short())
            }
            E::PlanUsed { run, at } => {
                write!(f, "this plan was already applied, as run {} at {at}Z; make a new plan", run.short())
            }
            E::Sql { place, what } => write!(f, "{place}: {what}"),
        }
    }
}

impl std::error::Error for JournalError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            JournalError::Io { source, .. } => Some(&**source),
            JournalError::Unreadable { why, .. } => Some(why),
            JournalError::Unstorable { why, .. } => Some(why),
            _ => None,
        }
    }
}
