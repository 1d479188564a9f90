//! What can go wrong with a journal, in words that name the file and what to do. One enum for the layer.

use super::event::BadEvent;
use crate::base::{identity::RunId, seal::SealError, time::Stamp};
use std::{fmt, path::PathBuf};

/// Why the journal refused. Reads well after "failed to …: ".
#[derive(Debug)]
pub enum JournalError {
    /// The file or its folder cannot be made or opened.
    Io {
        /// The file.
        path: PathBuf,
        /// What the operating system says.
        source: std::io::Error,
    },
    /// Something else is in the file, and what.
    NotAJournal {
        /// The file.
        path: PathBuf,
        /// A fragment.
        why: &'static str,
    },
    /// Made by a later version.
    Newer {
        /// The file.
        path: PathBuf,
        /// Its format.
        found: i64,
        /// The newest that is known here.
        known: i64,
    },
    /// A setting on which durability rests could not be made.
    NotDurable {
        /// The file.
        path: PathBuf,
        /// `synchronous`.
        setting: &'static str,
        /// What it is instead.
        found: String,
    },
    /// Another process holds the file for longer than the busy timeout.
    Locked {
        /// The file.
        path: PathBuf,
    },
    /// No space. Nothing of the group was recorded.
    Full {
        /// The file.
        path: PathBuf,
    },
    /// The file or its folder may not be written.
    ReadOnly {
        /// The file.
        path: PathBuf,
    },
    /// Reading or writing the disk failed. Nothing more is written through this handle: after a failed sync nobody
    /// knows what is on the disk, so it is opened again and verified first.
    Disk {
        /// The file.
        path: PathBuf,
        /// What SQLite says.
        what: String,
    },
    /// The file is damaged.
    Damaged {
        /// The file.
        path: PathBuf,
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
    /// Anything else that SQLite says.
    Sql(sqlx::Error),
}

impl JournalError {
    /// May be over in a moment, and trying again through the same handle is safe.
    pub fn may_pass(&self) -> bool {
        matches!(
            self,
            JournalError::Locked { .. } | JournalError::Full { .. } | JournalError::Io { .. } | JournalError::Sql(_)
        )
    }
}

impl fmt::Display for JournalError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        use JournalError as E;
        match self {
            E::Io { path, source } => write!(f, "journal {}: {source}", path.display()),
            E::NotAJournal { path, why } => write!(
                f,
                "{} is not a journal of trueup: {why}; give another path, or move the file away and a new journal is made",
                path.display()
            ),
            E::Newer { path, found, known } => write!(
                f,
                "journal {} has format {found}, this version of trueup reads up to {known}; use the version that made it, or a later one",
                path.display()
            ),
            E::NotDurable { path, setting, found } => write!(
                f,
                "journal {}: `{setting}` is {found}, so a power cut could lose what was recorded; a local disk (no network file system) can do it",
                path.display()
            ),
            E::Locked { path } => write!(
                f,
                "journal {} is locked by another process; wait for it to finish and try again",
                path.display()
            ),
            E::Full { path } => write!(
                f,
                "journal {}: the disk is full; nothing was recorded, make space and try again",
                path.display()
            ),
            E::ReadOnly { path } => write!(
                f,
                "journal {} cannot be written: check the rights of the file and of its folder",
                path.display()
            ),
            E::Disk { path, what } => write!(
                f,
                "journal {}: {what}; nothing more is written through this process; check the disk",
                path.display()
            ),
            E::Damaged { path, what } => {
                write!(f, "journal {} is damaged: {what}; keep the file and restore a backup", path.display())
            }
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
            E::Sql(e) => write!(f, "journal: {e}"),
        }
    }
}

impl std::error::Error for JournalError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            JournalError::Io { source, .. } => Some(source),
            JournalError::Unreadable { why, .. } => Some(why),
            JournalError::Unstorable { why, .. } => Some(why),
            JournalError::Sql(e) => Some(e),
            _ => None,
        }
    }
}
