//! Fix, then try again: a row of `errors` names a step that puts right what the call complained about. The step stands among the
//! others as `repair: true` and is skipped until then; it is done at most once for an item.
//!
//! Nothing new is kept: that the failed call and the skipped repair are as if they had never been tried is recorded, in one
//! transaction, and `decide` comes to the repair first. A crash on the way finds either both or neither.

use super::{
    drive::{Driver, Went},
    endings,
    outline::{self, Node, Place},
    trouble::{CallTrouble, Trouble},
    watch::Tick,
};
use crate::{
    journal::{failure::JournalError, words::Outcome},
    plan::Section,
    playbook::errors::Retry,
};
use std::{sync::Arc, time::Duration};

impl Driver<'_> {
    /// A repair step that no row has asked for is skipped. To take back what one did, nobody has to ask.
    pub(super) fn is_idle_repair(&self, place: &Place) -> bool {
        let repair = place.step.common.repair == Some(true) && place.back.is_none();
        repair && !self.was_asked_for(&place.path)
    }

    fn was_asked_for(&self, repair: &str) -> bool {
        self.standing(repair).is_some_and(|step| step.found_out.is_some())
    }

    /// The retry that the table orders for a call, unless a repair comes first; and how many of its attempts were made already: the one behind the
    /// repair is one of them.
    pub(super) fn retry_of(&self, place: &Place, trouble: &CallTrouble) -> Option<(&Retry, u32)> {
        let id = place.id();
        let retry = endings::retry(self.setting, id, trouble)?;
        let repaired = |fix: &str| self.repair_path(fix, place).is_some_and(|(_, path)| self.was_asked_for(&path));
        match endings::fix(self.setting, id, trouble) {
            None => Some((retry, 0)),
            Some(fix) => repaired(fix).then_some((retry, 1)),
        }
    }

    /// Where the repair stands among the steps of the playbook that `place` belongs to, and its path.
    fn repair_path(&self, fix: &str, place: &Place) -> Option<(usize, Arc<str>)> {
        let mut own = self.own_steps(place).into_iter();
        own.find(|(_, _, node)| node.step.id() == Some(fix) && node.step.common.repair == Some(true))
            .map(|(index, path, _)| (index, path))
    }

    /// The steps of that playbook, with their paths.
    fn own_steps(&self, place: &Place) -> Vec<(usize, Arc<str>, &Node)> {
        let outline = &self.root.outline;
        let word = Section::Steps.word();
        let (prefix, nodes): (String, Vec<&Node>) = match place.call() {
            Some(call) => {
                let nodes = outline.node(&call.at).map_or(&[][..], |node| node.part(Some(word)));
                (outline::inside(&call.at, Some(word)), nodes.iter().collect())
            }
            None => (word.to_owned(), outline.nodes.iter().filter(|node| node.section == Section::Steps).collect()),
        };
        nodes.into_iter().enumerate().map(|(index, node)| (index, node.path(&prefix), node)).collect()
    }

    /// Arms the repair that the table names for this failure. False where there is none, or it was done before.
    pub(super) async fn repairs(&mut self, place: &Place, trouble: &Trouble) -> Result<bool, JournalError> {
        let Trouble::Call(call) = trouble else { return Ok(false) };
        let setting = self.setting;
        let Some(fix) = endings::fix(setting, place.id(), call) else { return Ok(false) };
        let Some((index, path)) = self.repair_path(fix, place) else { return Ok(false) };
        // The step that the call is, or that holds it.
        let holds =
            |at: &str| place.path.strip_prefix(at).is_some_and(|rest| rest.is_empty() || rest.starts_with(['/', '[']));
        let own = self.own_steps(place).into_iter().find(|(_, at, _)| holds(at)).map(|(own, ..)| own);
        if own.is_none_or(|own| index >= own) || self.was_asked_for(&path) {
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
        self.anew();
        Ok(true)
    }
}
