//! Fix, then try again: a row of `errors` names a step that puts right what the call complained about. The step stands among the
//! others as `repair: true` and is skipped until then; it is done at most once for an item.
//!
//! Nothing new is kept: that the failed call and the skipped repair are as if they had never been tried is recorded, in one
//! transaction, and `decide` comes to the repair first. A crash on the way finds either both or neither.

use super::{
    drive::{Driver, Went},
    endings,
    outline::Place,
    trouble::{CallTrouble, Trouble},
    watch::Tick,
};
use crate::{
    journal::{failure::JournalError, words::Outcome},
    playbook::errors::Retry,
};
use std::{sync::Arc, time::Duration};

impl Driver<'_> {
    /// A repair step that no row has asked for is skipped.
    pub(super) fn is_idle_repair(&self, place: &Place) -> bool {
        let asked = self.standing(&place.path).is_some_and(|step| step.found_out.is_some());
        place.step.common.repair == Some(true) && !asked
    }

    /// The retry that the table orders for a call, unless a repair comes first.
    pub(super) fn retry_of(&self, id: Option<&str>, trouble: &CallTrouble) -> Option<&Retry> {
        let retry = endings::retry(self.setting, id, trouble)?;
        let repaired = |fix: &str| {
            let place = self.repair_place(fix);
            place.and_then(|(_, place)| self.standing(&place.path)).is_some_and(|step| step.found_out.is_some())
        };
        endings::fix(self.setting, id, trouble).is_none_or(repaired).then_some(retry)
    }

    fn repair_place(&self, fix: &str) -> Option<(usize, &Place)> {
        let mut places = self.setting.outline.places.iter().enumerate();
        places.find(|(_, place)| place.id() == Some(fix) && place.step.common.repair == Some(true))
    }

    /// Arms the repair that the table names for this failure. False where there is none, or it was done before.
    pub(super) async fn repairs(&mut self, place: &Place, trouble: &Trouble) -> Result<bool, JournalError> {
        let Trouble::Call(call) = trouble else { return Ok(false) };
        let setting = self.setting;
        let Some(fix) = endings::fix(setting, place.id(), call) else { return Ok(false) };
        let Some((index, repair)) = self.repair_place(fix) else { return Ok(false) };
        let own = setting.outline.places.iter().position(|one| one.path == place.path);
        let path: Arc<str> = repair.path.clone();
        if own.is_none_or(|own| index >= own) || !self.is_idle_repair(repair) {
            return Ok(false);
        }
        let why = endings::sentence(&format!("{}; `{fix}` is done, then it is tried again", call.message));
        for path in [&path, &place.path] {
            let went = Went { outcome: Outcome::NotDone, value: None, message: Some(why.clone()), response: None };
            self.outcome(path, went, 0);
        }
        self.close_readers().await;
        self.flush().await?;
        (self.watch)(Tick::Again { path: place.path.clone(), why, pause: Duration::ZERO });
        // The repair has no result yet, and is not skipped any more.
        self.scope = setting.beginning();
        self.recall();
        Ok(true)
    }
}
