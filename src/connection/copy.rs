//! Copies behind `read_url`: a run that changes rows reads there only what shows all that was committed before.

use super::fault::{Fault, FaultKind};
use std::{
    sync::{Arc, OnceLock},
    time::{Duration, Instant},
};

/// Whether what is read at `read_url` has to be waited for; nobody knows before it was asked, and it stays so.
#[derive(Clone, Debug, Default)]
pub(super) struct Copied(Arc<OnceLock<bool>>);

impl Copied {
    /// Both addresses lead to one server, or the other one does not tell how far it is.
    pub fn is_none(&self) -> bool {
        self.0.get() == Some(&false)
    }

    /// What was found out.
    pub fn is(&self, copied: bool) {
        self.0.get_or_init(|| copied);
    }
}

const FIRST_PAUSE: Duration = Duration::from_millis(5);
const LONGEST_PAUSE: Duration = Duration::from_millis(200);

/// Pauses between the questions whether a copy has caught up: they grow, and end with `patience`.
pub(super) struct Wait {
    begun: Instant,
    pause: Duration,
    patience: Duration,
}

impl Wait {
    pub fn at_most(patience: Duration) -> Wait {
        Wait { begun: Instant::now(), pause: FIRST_PAUSE, patience }
    }

    /// Before the next question. `shown`: where reads come in.
    pub async fn again(&mut self, shown: &str) -> Result<(), Fault> {
        if self.begun.elapsed() + self.pause > self.patience {
            let waited = self.begun.elapsed().as_secs();
            let message =
                format!("{shown} is a copy, and after {waited} s it does not show yet what was committed at `url`");
            return Err(Fault::new(FaultKind::Behind, message));
        }
        tokio::time::sleep(self.pause).await;
        self.pause = (self.pause * 2).min(LONGEST_PAUSE);
        Ok(())
    }
}

/// What one side says; nothing where it cannot say it (a service that keeps its places to itself, a right that lacks).
pub(super) fn told<T>(answer: Result<T, Fault>) -> Result<Option<T>, Fault> {
    match answer {
        Err(fault) if fault.is_outage() || fault.kind == FaultKind::Lost => Err(fault),
        answer => Ok(answer.ok()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_copy_is_waited_for_and_not_for_ever() {
        let mut wait = Wait::at_most(Duration::from_millis(60));
        let mut asked = 0;
        let fault = loop {
            match wait.again("the copy").await {
                Ok(()) => asked += 1,
                Err(fault) => break fault,
            }
        };
        assert_eq!((fault.kind, asked <= 3), (FaultKind::Behind, true), "5, 10 and 20 ms, if nothing else takes time");
    }

    #[test]
    fn who_does_not_say_how_far_it_is_is_not_waited_for_and_who_is_gone_is_told() {
        let no = |kind| told::<u8>(Err(Fault::new(kind, "no")));
        assert_eq!((no(FaultKind::Denied), no(FaultKind::Other)), (Ok(None), Ok(None)));
        assert!(no(FaultKind::Lost).is_err() && no(FaultKind::Refused).is_err());
    }
}
