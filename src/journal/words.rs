//! The words for how things ended, defined once: reports, exit codes, tests and the stored events use these.

use crate::words;

words! {
    /// How an item ended; also how a run ended, by its worst item ([`End::worst`]).
    "an end of an item"
    pub enum End {
        /// It is as wanted now, by this run. For a run: it did what was planned.
        Changed = "changed",
        /// It was as wanted already.
        Unchanged = "unchanged",
        /// The playbook says that it does not apply.
        Skipped = "skipped",
        /// A check stopped it before anything changed, or a step that did not get through.
        Stopped = "stopped",
        /// A step failed.
        Failed = "failed",
        /// Handed to a person.
        Escalated = "escalated",
        /// The world is no longer as planned.
        Drifted = "drifted",
        /// Nobody knows whether an effect happened; a person decides.
        InDoubt = "in_doubt",
        /// For a person, a time or a job.
        Waiting = "waiting",
        /// By a person.
        Cancelled = "cancelled",
    }
}

impl End {
    /// The end of a whole that has parts with these ends; unchanged when there are none.
    ///
    /// In doubt > failed > drifted > stopped, escalated, waiting > cancelled > changed > unchanged > skipped.
    pub fn worst(ends: impl IntoIterator<Item = End>) -> End {
        ends.into_iter().max_by_key(|end| end.weight()).unwrap_or(End::Unchanged)
    }

    fn weight(self) -> u8 {
        match self {
            End::Skipped => 0,
            End::Unchanged => 1,
            End::Changed => 2,
            End::Cancelled => 3,
            End::Waiting => 4,
            End::Escalated => 5,
            End::Stopped => 6,
            End::Drifted => 7,
            End::Failed => 8,
            End::InDoubt => 9,
        }
    }
}

words! {
    /// How one step ended for one item.
    "an outcome of a step"
    pub enum Outcome {
        /// Its effect happened, or its question was answered.
        Done = "done",
        /// There was nothing to do.
        Unchanged = "unchanged",
        /// `when:` was false, or the playbook skips.
        Skipped = "skipped",
        /// It proved not to have happened, and may be tried again.
        NotDone = "not_done",
        /// A check said stop.
        Stopped = "stopped",
        /// It was refused, or went wrong, for good.
        Failed = "failed",
        /// Handed to a person.
        Escalated = "escalated",
        /// What it should change is no longer as planned.
        Drifted = "drifted",
        /// Its bytes may have left and no answer came.
        InDoubt = "in_doubt",
        /// For a person, a time or a job.
        Waiting = "waiting",
        /// The journal says done, the target says no (fail-over, restore).
        Lost = "lost",
    }
}

words! {
    /// Where a run stands, as lists show it.
    "a state of a run"
    pub enum RunWord {
        /// Recorded; nobody works on it.
        Created = "created",
        /// Somebody works on it, or did until a crash.
        Running = "running",
        /// For a person, a time or a job.
        Waiting = "waiting",
        /// Stopped between two steps; `resume` goes on.
        Paused = "paused",
        /// Stopped because nobody knows whether an effect happened; `resume` looks again, `resolve` decides.
        InDoubt = "in_doubt",
        /// Asked to end; no new step starts.
        Cancelled = "cancelled",
        /// Over; its end says how.
        Closed = "closed",
    }
}

as_word!(End, Outcome);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_run_ends_as_its_worst_item() {
        assert_eq!(End::worst([]), End::Unchanged);
        assert_eq!(End::worst([End::Changed, End::Skipped]), End::Changed);
        assert_eq!(End::worst([End::Failed, End::InDoubt, End::Drifted]), End::InDoubt);
        assert_eq!(End::worst([End::Drifted, End::Failed, End::Escalated]), End::Failed);
    }
}
