//! The exit codes, in one place: what a shell learns from plans, runs and problems.

use crate::{action::ends::Way, engine::trouble::Trouble, journal::words::End, plan::Plan};

/// How a command ends, for the shell.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[repr(u8)]
pub enum Exit {
    /// Done, or nothing to do.
    Done = 0,
    /// Failed.
    Failed = 1,
    /// Used wrongly, or the playbook or project file is invalid.
    Invalid = 2,
    /// Changes are planned; only with `plan --detailed-exitcode`.
    Changes = 3,
    /// Stopped by a check, an escalation, a question or a person.
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

    /// Of a run or item, by how it ended or where it stands (`RunState::end`): one that waits or paused is stopped.
    pub fn of(end: End) -> Exit {
        match end {
            End::Changed | End::Unchanged | End::Skipped => Exit::Done,
            End::Stopped | End::Escalated | End::Waiting | End::Cancelled => Exit::Stopped,
            End::Failed => Exit::Failed,
            End::Drifted => Exit::Drifted,
            End::InDoubt => Exit::InDoubt,
        }
    }

    /// Of a plan: its worst item. With `detailed`, planned changes are told apart from nothing to do.
    pub fn of_plan(plan: &Plan, detailed: bool) -> Exit {
        let tally = plan.tally();
        let ends = tally.ends.keys().filter_map(|word| Way::of(word)).map(end_of);
        match Exit::of(End::worst(ends)) {
            Exit::Done if detailed && !plan.is_empty() => Exit::Changes,
            exit => exit,
        }
    }

    /// Of what kept a plan from being made.
    pub fn of_trouble(trouble: &Trouble) -> Exit {
        match trouble {
            Trouble::Drifted(_) => Exit::Drifted,
            _ if trouble.in_doubt() => Exit::InDoubt,
            _ => Exit::Failed,
        }
    }
}

fn end_of(way: Way) -> End {
    match way {
        Way::Stop => End::Stopped,
        Way::Escalate => End::Escalated,
        Way::Fail => End::Failed,
        Way::Skip => End::Skipped,
        Way::Done | Way::Warn => End::Unchanged,
    }
}

impl From<Exit> for std::process::ExitCode {
    fn from(exit: Exit) -> std::process::ExitCode {
        exit.code().into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::sample;

    #[test]
    fn the_codes_are_those_of_the_documents() {
        let codes =
            [End::Changed, End::Unchanged, End::Skipped, End::Failed, End::Stopped, End::Escalated, End::Waiting];
        assert_eq!(codes.map(|end| Exit::of(end).code()), [0, 0, 0, 1, 4, 4, 4]);
        assert_eq!([End::Cancelled, End::Drifted, End::InDoubt].map(|end| Exit::of(end).code()), [4, 5, 6]);
        assert_eq!((Exit::Invalid.code(), Exit::Changes.code()), (2, 3));
    }

    #[test]
    fn a_plan_with_changes_is_three_only_when_asked_in_detail() {
        let plan = sample::award();
        assert_eq!((Exit::of_plan(&plan, false), Exit::of_plan(&plan, true)), (Exit::Done, Exit::Changes));
        let nothing = sample::nothing();
        assert_eq!(Exit::of_plan(&nothing, true), Exit::Done);
    }

    #[test]
    fn a_plan_that_ends_early_has_the_code_of_its_end() {
        let codes = [Way::Stop, Way::Escalate, Way::Fail, Way::Skip, Way::Done]
            .map(|way| Exit::of_plan(&sample::stopped(way), true).code());
        assert_eq!(codes, [4, 4, 1, 0, 0]);
    }
}
