//! What a driver holds against the plan: what was shown is done, what was not shown is not, and what it rests on reads as it did.

use super::Driver;
use crate::{
    effect::change::RowChange,
    engine::{
        drift,
        outline::Place,
        recover,
        state::{RETRY, StepState},
        trouble::{Difference, REACHED, Trouble},
    },
    plan::{Effect, ItemPlan, Section, StepPlan},
};

impl<'a> Driver<'a> {
    /// What the plan rests on reads as it did. Looked at before a step is decided on, too: a fact that changed may make its
    /// `when` false, or its values impossible, and that is drift and no skip and no failure.
    pub(in crate::engine) fn facts_hold(&self, place: &Place) -> Result<(), Trouble> {
        let Some(plan) = self.plan.filter(|_| place.section == Section::Steps) else { return Ok(()) };
        // In a turn of a loop a name may stand for something else than around it.
        let scope = self.turns.first().map_or(&self.scope, |(_, around)| around);
        let mut differences = drift::of_facts(plan, None, scope, self.root);
        if place.list == Section::Steps {
            differences.extend(self.facts_of_call(place));
        }
        drift::without_own(&mut differences, &self.own(), self.setting);
        if differences.is_empty() { Ok(()) } else { Err(Trouble::Drifted(differences)) }
    }

    /// What the plan rests on reads as it did also in the rows that are locked by now: between the read and the lock somebody may have been quicker, and
    /// what was made of the old value is not what was shown. `before`: what the same transaction changed so far. Not behind a call, which may have changed the row
    /// through whoever owns it, and not where a block cleans up behind itself.
    pub(in crate::engine) fn locked_as_read(
        &self,
        place: &Place,
        changes: &[RowChange],
        before: &[RowChange],
    ) -> Result<(), Trouble> {
        let rests = |plan: &&ItemPlan| !plan.rests_on.is_empty() || self.root.rows_of.is_some();
        let Some(plan) = self.plan.filter(|plan| rests(plan) && place.section == Section::Steps) else {
            return Ok(());
        };
        let steps = || self.state.items.get(&self.item).into_iter().flat_map(|item| item.steps.values());
        let of_rows = |step: &StepState| step.class.as_deref().is_some_and(recover::is_one_transaction);
        if !place.after.is_empty() || place.origin.is_some() || steps().any(|step| step.attempts > 0 && !of_rows(step))
        {
            return Ok(());
        }
        let own = |change: &RowChange| {
            let same = |one: &RowChange| one.table == change.table && one.key == change.key;
            before.iter().any(same)
                || steps().any(|step| {
                    let along = step.also.iter().any(|table| **table == *change.table.to_string());
                    along || step.changes.iter().chain(&step.earlier).any(same)
                })
        };
        let locked: Vec<&RowChange> = changes.iter().filter(|c| !c.by_rule && c.before.is_some() && !own(c)).collect();
        if locked.is_empty() {
            return Ok(());
        }
        let scope = self.turns.first().map_or(&self.scope, |(_, around)| around);
        let mut differences = drift::of_locked(plan, None, scope, &locked, self.root);
        if let Some(call) = place.call().filter(|_| place.list == Section::Steps) {
            let scope = self.scope_of_call(call);
            differences.extend(drift::of_locked(plan, Some(&call.at), scope, &locked, self.setting));
        }
        if differences.is_empty() { Ok(()) } else { Err(Trouble::Drifted(differences)) }
    }

    /// What was read once for all items, and what is said behind the last of them rests on, reads otherwise than planned. It is looked at before the first
    /// one: behind them nothing could be left alone any more.
    pub(super) fn told_otherwise(&self) -> Option<(Place, Trouble)> {
        let (plan, outline) = (self.plan?, &self.root.outline);
        let before = outline.nodes.iter().filter(|node| node.section == Section::Preconditions);
        before.filter_map(|node| Some((node.step.id()?, &node.at))).find_map(|(name, path)| {
            let of_it = plan.rests_on.iter().filter(|(path, _)| path.root() == name).cloned().collect();
            let of_it = ItemPlan { rests_on: of_it, steps: Vec::new(), ..plan.clone() };
            let differences = drift::of_facts(&of_it, None, &self.scope, self.root);
            if differences.is_empty() { None } else { Some((outline.place(path)?, Trouble::Drifted(differences))) }
        })
    }

    pub(in crate::engine) fn planned(&self, path: &str) -> Option<&'a StepPlan> {
        self.plan.filter(|_| !self.unplanned).and_then(|plan| plan.steps.iter().find(|s| &*s.path == path))
    }

    /// An effect at this path that nobody saw: the plan leaves it out, or the item was to end before it. What is done at the end of a block is in none.
    pub(in crate::engine) fn was_shown(&self, path: &str) -> Result<(), Trouble> {
        let Some(plan) = self.held_against() else { return Ok(()) };
        let inside =
            |outer: &str| path.strip_prefix(outer).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'));
        let left_out = plan.steps.iter().any(|step| step.is_left_out() && inside(&step.path));
        let planned = match &plan.stop {
            _ if left_out => "to be left out".to_owned(),
            Some(stop) if *stop.step == *path || !plan.steps.iter().any(|step| &*step.path == path) => {
                format!("to end before it ({})", stop.message.trim())
            }
            _ => return Ok(()),
        };
        let name = path.rsplit('/').next().unwrap_or(path);
        let subject = format!("the step `{name}`");
        Err(Trouble::Drifted(vec![Difference { subject, column: String::new(), planned, found: REACHED.into() }]))
    }

    /// A step whose `when` does not hold: the plan shows nothing that it, or what stands inside it, would surely do.
    pub(in crate::engine) fn may_be_left_out(&self, path: &str) -> Result<(), Trouble> {
        let Some(plan) = self.held_against() else { return Ok(()) };
        let inside =
            |inner: &str| inner.strip_prefix(path).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'));
        if !plan.steps.iter().any(|step| inside(&step.path) && step.surely_acts()) {
            return Ok(());
        }
        let name = path.rsplit('/').next().unwrap_or(path);
        let (subject, planned) = (format!("the step `{name}`"), "to be carried out".to_owned());
        let found = "to be left out: its `when` does not hold any more".to_owned();
        Err(Trouble::Drifted(vec![Difference { subject, column: String::new(), planned, found }]))
    }

    /// A decision table goes the way that the plan shows.
    pub(in crate::engine) fn goes_as_shown(&self, path: &str, arm: &str) -> Result<(), Trouble> {
        let step = self.held_against().and_then(|plan| plan.steps.iter().find(|step| &*step.path == path));
        let Some(way) = step.and_then(StepPlan::way) else { return Ok(()) };
        if way.ends_with(&format!(" → {arm}")) {
            return Ok(());
        }
        let name = path.rsplit('/').next().unwrap_or(path);
        let (subject, column) = (format!("the way of `{name}`"), String::new());
        Err(Trouble::Drifted(vec![Difference { subject, column, planned: way.to_owned(), found: arm.to_owned() }]))
    }

    /// The plan, where what is done now must stand in it. What somebody has done again is not held against it: it goes on from where it failed, perhaps
    /// another way. But an item that was to end early was never shown any further. Done again from a check on, it looks anew; from a step on, it would
    /// write what rests on what was read long ago.
    pub(super) fn held_against(&self) -> Option<&'a ItemPlan> {
        let again = self.state.items.get(&self.item).is_some_and(|item| item.again);
        let from_step = |plan: &ItemPlan| {
            let steps = self.state.items.get(&self.item).into_iter().flat_map(|item| &item.steps);
            let redone = |step: &StepState| step.decided.as_ref().is_some_and(|decided| &*decided.decision == RETRY);
            let mut redone = steps.filter(|(_, step)| redone(step));
            plan.stop.is_some() && redone.any(|(path, _)| path.starts_with(Section::Steps.word()))
        };
        self.plan.filter(|plan| !self.unplanned && !self.always && (!again || from_step(plan)))
    }

    /// The planned row changes of a place and of what stands inside it.
    pub(in crate::engine) fn planned_rows(&self, path: &str) -> Vec<RowChange> {
        let inside = |p: &str| p == path || p.strip_prefix(path).is_some_and(|rest| rest.starts_with('/'));
        let steps = self.plan.iter().flat_map(|plan| &plan.steps).filter(|s| inside(&s.path));
        let rows = steps
            .flat_map(|s| &s.effects)
            .filter_map(|e| if let Effect::Rows { changes, .. } = e { Some(changes) } else { None });
        rows.flatten().cloned().collect()
    }
}
