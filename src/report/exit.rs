//! The exit codes, in one place: what a shell learns from plans, runs and problems.

use crate::{
    action::ends::Way,
    engine::{state::RunState, trouble::Trouble},
    journal::words::End,
    plan::Plan,
};

/// How a command ended, for the shell.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Exit {
    /// Done, or nothing to do.
    Done = 0,
    /// Something failed.
    Failed = 1,
    /// Wrong usage, or a playbook or project file that cannot be used.
    Usage = 2,
    /// Changes are planned; only with `plan --detailed-exitcode`.
    ChangesPlanned = 3,
    /// A precondition, an escalation, a question or a person stopped it.
    Stopped = 4,
    /// The world is no longer as planned.
    Drifted = 5,
    /// Nobody knows whether an effect happened.
    InDoubt = 6,
}

impl Exit {
    /// The number that the process ends with.
    pub fn code(self) -> u8 {
        self as u8
    }

    /// Of a run, by how it ended or where it stands: a run that waits or paused is stopped.
    pub fn of_run(state: &RunState) -> Exit {
        state.end().into()
    }

    /// Of a plan: its worst item. With `detailed`, planned changes are told apart from nothing to do.
    pub fn of_plan(plan: &Plan, detailed: bool) -> Exit {
        let stops = plan.items.iter().filter_map(|item| item.stop.as_ref()).map(|stop| stop.way);
        match stops.map(of_way).max_by_key(|exit| exit.weight()) {
            Some(exit) if exit != Exit::Done => exit,
            _ if detailed && !plan.is_empty() => Exit::ChangesPlanned,
            _ => Exit::Done,
        }
    }

    /// Of what kept a plan from being made, or a step from going on.
    pub fn of_trouble(trouble: &Trouble) -> Exit {
        match trouble {
            Trouble::Drifted(_) => Exit::Drifted,
            _ if trouble.in_doubt() => Exit::InDoubt,
            _ => Exit::Failed,
        }
    }

    /// In doubt > failed > drifted > stopped > changes planned > done; wrong usage comes before anything is tried.
    fn weight(self) -> u8 {
        match self {
            Exit::Done => 0,
            Exit::ChangesPlanned => 1,
            Exit::Stopped => 2,
            Exit::Drifted => 3,
            Exit::Failed => 4,
            Exit::InDoubt => 5,
            Exit::Usage => 6,
        }
    }
}

fn of_way(way: Way) -> Exit {
    match way {
        Way::Stop | Way::Escalate => Exit::Stopped,
        Way::Fail => Exit::Failed,
        Way::Skip | Way::Done | Way::Warn => Exit::Done,
    }
}

impl From<End> for Exit {
    fn from(end: End) -> Exit {
        match end {
            End::Changed | End::Unchanged | End::Skipped => Exit::Done,
            End::Failed => Exit::Failed,
            End::Stopped | End::Escalated | End::Waiting | End::Cancelled => Exit::Stopped,
            End::Drifted => Exit::Drifted,
            End::InDoubt => Exit::InDoubt,
        }
    }
}

impl From<Exit> for std::process::ExitCode {
    fn from(exit: Exit) -> std::process::ExitCode {
        exit.code().into()
    }
}
