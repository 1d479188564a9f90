//! What a `rescue` would do: tried out for every step of the block that may fail, as the world would be just before it, and taken
//! back. What only the failure itself will tell is unknown.

use super::{Interrupt, Pass, Stepped};
use crate::{
    action::{
        block::BlockSpec,
        deed::{Deed, Restore},
        ends::Way,
        kinds::Act,
        step::{RESCUE, Step},
        undo::UndoSpec,
    },
    base::value::{AFTER_APPLY, Data, Value},
    effect::{change::RowChange, label::Label},
    engine::{
        names,
        outline::{inside, path, same_turns},
        trouble::Trouble,
    },
    plan::{Effect, Foreseen, Reversal, StepPlan},
};
use std::{collections::BTreeSet, sync::Arc};

/// What would be done if one of some steps failed.
pub(super) struct Guess {
    /// Their labels.
    at: Vec<String>,
    steps: Vec<StepPlan>,
}

impl Pass<'_> {
    /// The steps of a block with a `rescue`, and what the rescue would do if one of them failed.
    pub(super) async fn walk_to_the_rescue(
        &mut self,
        prefix: &Arc<str>,
        of: &Step,
        block: &BlockSpec,
    ) -> Result<Vec<Guess>, Interrupt> {
        let mut guesses: Vec<Guess> = Vec::new();
        // One that only looks how things stand then has nothing to show beforehand.
        let does = block.rescue.iter().any(|step| !matches!(step.act, Act::Assert(_)));
        for (index, step) in block.steps.iter().enumerate() {
            let at = path(prefix, step, index);
            if !self.setting.concerns(&at) {
                continue;
            }
            let guess = if does && may_fail(step) {
                Some(self.if_it_fails(prefix, of, block, step, index).await?)
            } else {
                None
            };
            let shown = self.steps.len();
            self.step(&at, step).await?;
            // What is not done does not fail either.
            let open = |one: &StepPlan| one.label == Label::HasUnknowns || !matches!(step.act, Act::Assert(_));
            let done = self.steps[shown..].iter().any(|one| one.foreseen != Foreseen::Skipped && open(one));
            if let Some(guess) = guess.filter(|_| done) {
                let same = |known: &&mut Guess| format!("{:?}", known.steps) == format!("{:?}", guess.steps);
                match guesses.iter_mut().find(same) {
                    Some(known) => known.at.extend(guess.at),
                    None => guesses.push(guess),
                }
            }
            if self.stop.is_some() {
                break;
            }
        }
        Ok(guesses)
    }

    /// The line of a rescue that is only done if something fails.
    pub(super) fn rescue_in_reserve(&mut self, path: &Arc<str>, step: &Step, block: &BlockSpec, guesses: Vec<Guess>) {
        let what = block.rescue.iter().enumerate().map(|(index, step)| format!("`{}`", step.label(index)));
        let what = what.collect::<Vec<_>>().join(", ");
        let note = format!("only if a step of it fails: {what}");
        let effects = guesses.into_iter().map(|guess| Effect::IfFails { at: guess.at, steps: guess.steps }).collect();
        self.show(&inside(path, Some(RESCUE)).into(), step, Label::Read, Foreseen::Skipped, effects, vec![note]);
    }

    /// Tries the rescue out as if `step` had failed now. Nothing of it stays.
    async fn if_it_fails(
        &mut self,
        prefix: &Arc<str>,
        of: &Step,
        block: &BlockSpec,
        step: &Step,
        index: usize,
    ) -> Result<Guess, Interrupt> {
        let _guess = self.setting.reached.guess();
        let database = |name: &str, f| Interrupt::Trouble(Trouble::of_database(name, f), prefix.clone());
        let mut savepoints = Vec::new();
        for (name, handle) in &mut self.rehearsing {
            savepoints.push((name.clone(), handle.savepoint().await.map_err(|f| database(name, f))?));
        }
        let opened: BTreeSet<Arc<str>> = self.rehearsing.keys().cloned().collect();
        let before = self.remembered();
        let shown = self.steps.len();
        let went = self.rescued(prefix, of, block, step, index).await;
        let mut steps = self.steps.split_off(shown);
        let stop = self.stop.take();
        self.remember(before);
        for (name, savepoint) in savepoints {
            if let Some(handle) = self.rehearsing.get_mut(&name) {
                handle.rollback_to(savepoint).await.map_err(|f| database(&name, f))?;
            }
        }
        // What was opened inside has only this work in it.
        let fresh: Vec<Arc<str>> = self.rehearsing.keys().filter(|name| !opened.contains(*name)).cloned().collect();
        for name in fresh {
            if let Some(handle) = self.rehearsing.remove(&name) {
                let _ = handle.rollback().await;
            }
        }
        let note = match (went, stop) {
            // That a database is away is no finding of a preview.
            (Err(Interrupt::Trouble(Trouble::Database { connection, fault, at }, path)), _) if fault.is_outage() => {
                return Err(Interrupt::Trouble(Trouble::Database { connection, fault, at }, path));
            }
            (Err(Interrupt::Missing(missing)), _) => Some(format!(
                "then it asks `{}`, which a preview does not; what comes after that is known only when it has answered",
                missing.question.connection()
            )),
            (Err(Interrupt::Trouble(trouble, _)), _) => {
                Some(format!("what comes after that cannot be told: {}", trouble.message()))
            }
            (Ok(()), Some(stop)) => Some(format!("it ends here: {}", stop.message)),
            (Ok(()), None) => None,
        };
        if let Some(note) = note {
            match steps.last_mut() {
                Some(last) => last.notes.push(note),
                None => steps.push(self.unknown_rescue(prefix, block, note)),
            }
        }
        Ok(Guess { at: vec![step.label(index)], steps })
    }

    async fn rescued(
        &mut self,
        prefix: &Arc<str>,
        of: &Step,
        block: &BlockSpec,
        step: &Step,
        index: usize,
    ) -> Result<(), Interrupt> {
        let unknown = || Value::from(Data::Unknown(AFTER_APPLY.into()));
        let parts = ["status", "code", "body", "text", "said"].map(|name| (name, unknown()));
        let error = Value::map(parts.into_iter().chain([("step", Value::from(step.label(index)))]));
        self.scope.insert("error", error);
        names::missing(of, &mut self.scope);
        let path = inside(prefix, Some(RESCUE));
        self.failed = Some(self.steps.len());
        let went = self.walk(&path, &block.rescue).await;
        self.failed = None;
        went
    }

    /// The first step of a rescue of which nothing can be told.
    fn unknown_rescue(&self, prefix: &Arc<str>, block: &BlockSpec, note: String) -> StepPlan {
        let step = block.rescue.first();
        let at = inside(prefix, Some(RESCUE));
        StepPlan {
            section: self.section,
            path: step.map_or_else(|| at.as_str().into(), |step| path(&at, step, 0)),
            kind: step.map_or("block", |step| step.act.word()),
            title: None,
            label: Label::HasUnknowns,
            foreseen: Foreseen::Undecided,
            effects: Vec::new(),
            notes: vec![note],
            undo: None,
            at: step.map(|step| step.act_at).unwrap_or_default(),
        }
    }

    /// `undo: [names]` in a rescue that is tried out: the rows of these steps are put back, the newest first, as far as the steps were done
    /// before the failure. What is to be taken back otherwise is named.
    pub(super) async fn put_back_in_rescue(
        &mut self,
        at: &Arc<str>,
        step: &Step,
        spec: &UndoSpec,
        before: usize,
    ) -> Result<(), Stepped> {
        let named = |path: &str| {
            let name = path.rsplit('/').next().unwrap_or(path);
            spec.steps.iter().any(|word| word.as_str() == name)
        };
        let acts = |one: &&StepPlan| named(&one.path) && same_turns(at, &one.path) && one.foreseen.acts();
        let done: Vec<StepPlan> = self.steps[..before].iter().rev().filter(acts).cloned().collect();
        if done.is_empty() {
            let note = "none of them is done by then, so there is nothing to take back".to_owned();
            self.show(at, step, Label::Exact, Foreseen::Unchanged, Vec::new(), vec![note]);
            return Ok(());
        }
        let mut others = Vec::new();
        for one in done {
            let rows = one.effects.iter().find_map(|effect| match effect {
                Effect::Rows { changes, also }
                    if one.label == Label::Exact && one.undo == Some(Reversal::Automatic) =>
                {
                    Some((changes, also))
                }
                _ => None,
            });
            let Some((changes, also)) = rows else {
                others.push(one.path.rsplit('/').next().unwrap_or_default().to_owned());
                continue;
            };
            let own: Vec<RowChange> = changes.iter().filter(|change| !change.by_rule).cloned().collect();
            let Some(connection) = own.first().map(|change| change.table.connection.clone()) else { continue };
            let restore = Restore {
                connection,
                audit: own.len() < changes.len(),
                rows: own,
                also: also.iter().map(|also| (also.table.as_str().into(), Some(also.inserted))).collect(),
                all_or_nothing: false,
            };
            self.deed(at, step, Deed::Restore(restore)).await?;
        }
        if !others.is_empty() {
            let names: Vec<String> = others.iter().map(|name| format!("`{name}`")).collect();
            let note = format!(
                "takes back {} by {} own `undo`",
                names.join(", "),
                if names.len() == 1 { "its" } else { "their" }
            );
            self.show(at, step, Label::HasUnknowns, Foreseen::Undecided, Vec::new(), vec![note]);
        }
        Ok(())
    }
}

/// It may fail after the steps before it have done their work: it changes something, asks something outside, holds such steps, or looks
/// at what is only known then.
fn may_fail(step: &Step) -> bool {
    match step.act {
        Act::Row(_) | Act::Rows(_) | Act::Sql(_) | Act::Job(_) | Act::Http(_) | Act::Resource(_) | Act::Command(_) => {
            true
        }
        Act::Block(_) | Act::Choose(_) | Act::Call(_) | Act::Wait(_) => true,
        // Where the author says how it ends, that decides, unless it is a failure.
        Act::Assert(_) => step.common.otherwise.as_ref().is_none_or(|otherwise| otherwise.way == Way::Fail),
        _ => false,
    }
}
