//! Times of day at which no step starts: looked at before every step, waited for, and the run goes on by itself.

use super::{
    drive::Driver,
    watch::{Standing, Tick},
};
use crate::{
    base::time::Stamp,
    journal::{
        failure::JournalError,
        payload::{RunPaused, RunResumed},
    },
};
use std::{sync::atomic::Ordering, time::Duration};

/// So often somebody who waits looks whether the run is to pause.
const LOOK: Duration = Duration::from_millis(500);

impl Driver<'_> {
    /// Waits until a step may start, or until the run is to pause or to end.
    pub(super) async fn window(&mut self) -> Result<(), JournalError> {
        let Some(limits) = self.root.playbook.limits.clone() else { return Ok(()) };
        let Some(window) = &limits.window else { return Ok(()) };
        let Some(until) = window.shut_until(self.setting.world.now()) else { return Ok(()) };
        let reason = format!("waits until {}, as `window` says", window.clock(until));
        if self.crew.is_none() {
            self.note(RunPaused { reason: reason.clone(), until: Some(until), behind: None }.into());
            self.flush().await?;
        }
        (self.watch)(Tick::Items(Box::new(Standing { word: Some(reason), ..Standing::default() })));
        // A handle that is open for hours would hold back the database's own housekeeping.
        self.close_readers().await;
        while window.shut_until(self.setting.world.now()).is_some() {
            let asked = self.pause.load(Ordering::Relaxed)
                || self.crew.as_ref().is_some_and(|crew| crew.is_pausing() || crew.cancelled().is_some());
            if asked || self.state.cancelled {
                return Ok(());
            }
            self.setting.world.pause(slice(self.setting.world.now(), until)).await;
        }
        if self.crew.is_none() {
            let actor = self.setting.run.actor.clone();
            self.note(RunResumed { actor, reason: Some("the window is open".into()) }.into());
            self.flush().await?;
        }
        Ok(())
    }
}

/// Not longer than until somebody might have asked to pause, nor beyond the end.
fn slice(now: Stamp, until: Stamp) -> Duration {
    let left = u64::try_from(until.micros.saturating_sub(now.micros)).unwrap_or(0);
    Duration::from_micros(left).min(LOOK).max(Duration::from_millis(1))
}
