//! Whether a program whose answer was lost may still be at work. While it may, that nothing is there yet proves nothing.

use crate::{
    connection::program::{self, Alive, ENDING},
    engine::{
        drive::{Driver, Halt},
        outline::Place,
        probe::{left, most_of_command},
        state::StepState,
        watch::Tick,
    },
};
use std::time::Duration;

/// Between two looks.
const LOOK: Duration = Duration::from_millis(200);

/// What of a program may still be at work.
pub(in crate::engine) struct Running {
    /// A fragment: ``something that `tool` started still runs: process 4711 (`sh`)``.
    pub why: String,
    /// How long at most it is waited for.
    pub left: Duration,
}

impl Driver<'_> {
    /// Nothing where the step starts no program, or all of it is over.
    pub(in crate::engine) fn running(&self, place: &Place, step: &StepState) -> Option<Running> {
        let of_program = step.class.as_deref().is_some_and(|class| class.starts_with("command-"));
        let name = step.connection.as_deref().filter(|_| of_program)?;
        let program = self.setting.program(name).filter(|program| !program.is_played())?;
        let begun = step.last_attempt?;
        let most = most_of_command(&place.step, program);
        let left = left(Some(begun), most.saturating_add(ENDING), self.setting.world.now());
        let is_here = self.state.host_at(begun) == Some(self.claim.holder.host.as_str());
        let mark = program::mark_of(&self.effect(&place.path).to_string());
        let why = match program::still_running(&mark).first() {
            Some(Alive { pid, name: process }) => {
                format!("something that `{name}` started still runs: process {pid} (`{process}`)")
            }
            None if !program::can_be_told() => {
                let why = format!("whether something that `{name}` started still runs cannot be told on this system");
                return Some(Running { why, left: Duration::ZERO });
            }
            None if is_here && !program::is_one_hidden() => return None,
            // Whoever keeps it there ends it in time.
            None if left.is_zero() => return None,
            None => {
                format!("`{name}` was started by another process, maybe on another machine, and its time is not over")
            }
        };
        Some(Running { why, left })
    }

    /// Waits until nothing of it runs any more, or its time is over.
    pub(in crate::engine) async fn let_it_end(&mut self, place: &Place, step: &StepState) -> Result<(), Halt> {
        let mut told = false;
        while let Some(Running { why, left }) = self.running(place, step).filter(|running| !running.left.is_zero()) {
            if !std::mem::replace(&mut told, true) {
                (self.watch)(Tick::Again { path: place.path.clone(), why, pause: left });
            }
            self.sleep(left.min(LOOK)).await?;
        }
        Ok(())
    }
}
