//! Exit codes, in one place (`docs/guarantees.md`).

use crate::journal::words::End;

/// How a command ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Exit {
    /// Done, or nothing to do.
    Done = 0,
    /// Failed.
    Failed = 1,
    /// Used wrongly, or the playbook is invalid.
    Invalid = 2,
    /// Changes are planned (`plan --detailed-exitcode`).
    Changes = 3,
    /// Stopped by a check, an escalation or a question.
    Stopped = 4,
    /// The world is no longer as planned.
    Drifted = 5,
    /// Nobody knows yet whether an effect happened.
    InDoubt = 6,
}

impl Exit {
    /// The number for the shell.
    pub fn code(self) -> u8 {
        self as u8
    }

    /// Of a run or item.
    pub fn of(end: End) -> Exit {
        match end {
            End::Changed | End::Unchanged | End::Skipped => Exit::Done,
            End::Stopped | End::Escalated | End::Waiting | End::Cancelled => Exit::Stopped,
            End::Failed => Exit::Failed,
            End::Drifted => Exit::Drifted,
            End::InDoubt => Exit::InDoubt,
        }
    }
}
