//! Walking along the steps: what runs, what is skipped, what is tried out and taken back because only apply will decide.

use super::{Interrupt, Pass, Stepped, Walk};
use crate::{
    action::{
        ends::Way,
        kinds::Act,
        resolve::{self, resolve},
        step::Step,
    },
    base::value::Value,
    effect::label::Label,
    engine::{
        again, endings,
        outline::path,
        question,
        reached::Spot,
        trouble::{Ending, Trouble},
    },
    plan::{Effect, Foreseen, Stop},
    template::scope::Entry,
};
use std::{collections::BTreeSet, sync::Arc};

impl Pass<'_> {
    pub(super) fn walk<'s>(&'s mut self, prefix: &'s str, steps: &'s [Step]) -> Walk<'s> {
        Box::pin(async move {
            for (index, step) in steps.iter().enumerate() {
                if !self.setting.concerns(&path(prefix, step, index)) {
                    continue;
                }
                self.step(&path(prefix, step, index), step).await?;
                if self.stop.is_some() {
                    break;
                }
            }
            Ok(())
        })
    }

    pub(super) async fn step(&mut self, path: &Arc<str>, step: &Step) -> Result<(), Interrupt> {
        let went =
            if step.common.for_each.is_some() { self.turns(path, step).await } else { self.once(path, step).await };
        went.map_err(|interrupt| interrupt.covered(&self.scope))
    }

    /// A step that is done once, or one turn of a loop.
    pub(super) async fn once(&mut self, path: &Arc<str>, step: &Step) -> Result<(), Interrupt> {
        let trouble = |t: Trouble| Interrupt::Trouble(t, path.clone());
        let repair = "decided at apply: only when a row of `errors` asks for it";
        let mut by_example = None;
        let mut undecided = step.common.repair.filter(|is| *is).map(|_| repair.to_owned());
        self.look_again(step).await.map_err(trouble)?;
        if let Some(when) = &step.common.when {
            let judgement = resolve::judge(when, &self.scope)
                .map_err(|f| trouble(Trouble::of_expression(&f, &self.setting.source)))?;
            self.note_reads(judgement.seen.iter().map(|(p, _)| p.clone()));
            if let Some(holds) = judgement.holds {
                self.setting.reached.note(Spot::When(step.act_at.start, holds));
            }
            let guessed = judgement.seen.iter().any(|(_, value)| value.rests_on_example());
            match judgement.holds {
                Some(true) if guessed => by_example = Some(self.steps.len()),
                Some(true) => {}
                Some(false) => {
                    self.skip(path, step, Entry::Skipped);
                    self.show(
                        path,
                        step,
                        if guessed { Label::HasUnknowns } else { Label::Exact },
                        Foreseen::Skipped,
                        Vec::new(),
                        vec![format!("only when {}", when.scalar().text.trim())],
                    );
                    return Ok(());
                }
                None => undecided = Some(format!("decided at apply: only when {}", when.scalar().text.trim())),
            }
        }
        match undecided {
            Some(note) => self.both_ways(path, step, note).await,
            None => {
                self.setting.reached.note(Spot::Step(step.act_at.start));
                self.perform(path, step).await?;
                // By the example of an answer it is done; another answer may leave it out.
                if let (Some(first), Some(when)) = (by_example, &step.common.when) {
                    let note = format!("decided at apply: only when {}", when.scalar().text.trim());
                    self.not_exact(first, &note);
                }
                Ok(())
            }
        }
    }

    /// Rows that the step wants as they are now.
    pub(super) async fn look_again(&mut self, step: &Step) -> Result<(), Trouble> {
        for (name, find) in again::of_step(step, &self.scope, self.setting) {
            let row = if self.waited || find.is_unknown() || self.is_tainted(&find.table) {
                Value::unknown()
            } else {
                let setting = self.setting;
                if setting.jobs.contains_key(&find.table.connection) {
                    let row = question::find_jobs(setting, &find, step.act_at).await?;
                    again::put(&mut self.scope, &name, row);
                    continue;
                }
                let session = self.session(&find.table.connection).await?;
                again::read(session, &find, setting, step).await?
            };
            again::put(&mut self.scope, &name, row);
        }
        Ok(())
    }

    /// A step of which only apply will show whether it runs: tried out, shown, taken back, and what it wrote is unknown to
    /// the rest of the item.
    pub(super) async fn both_ways(&mut self, path: &Arc<str>, step: &Step, note: String) -> Result<(), Interrupt> {
        let _guess = self.setting.reached.guess();
        let mut savepoints = Vec::new();
        for (name, handle) in &mut self.rehearsing {
            let savepoint = handle
                .savepoint()
                .await
                .map_err(|f| Interrupt::Trouble(Trouble::of_database(name, f), path.clone()))?;
            savepoints.push((name.clone(), savepoint));
        }
        let opened: BTreeSet<Arc<str>> = self.rehearsing.keys().cloned().collect();
        let shown = self.steps.len();
        let scope = self.scope.clone();
        let resources = self.resources.clone();
        Box::pin(self.perform(path, step)).await?;
        // What became of a thing behind an API is known only when it is known whether this runs.
        for (name, left) in &mut self.resources {
            if !resources.contains_key(name) || resources.get(name).is_some_and(|before| before != left) {
                *left = Value::unknown();
            }
        }
        let stop = self.stop.take();
        for (name, savepoint) in savepoints {
            if let Some(handle) = self.rehearsing.get_mut(&name) {
                handle
                    .rollback_to(savepoint)
                    .await
                    .map_err(|f| Interrupt::Trouble(Trouble::of_database(&name, f), path.clone()))?;
            }
        }
        // What was opened inside has only this step's work in it.
        let fresh: Vec<Arc<str>> = self.rehearsing.keys().filter(|n| !opened.contains(*n)).cloned().collect();
        for name in fresh {
            if let Some(handle) = self.rehearsing.remove(&name) {
                let _ = handle.rollback().await;
            }
        }
        let mut written = BTreeSet::new();
        for shown in &mut self.steps[shown..] {
            shown.notes.insert(0, note.clone());
            if shown.label == Label::Exact {
                shown.label = Label::HasUnknowns;
            }
            if !matches!(shown.foreseen, Foreseen::Passes | Foreseen::Skipped) {
                shown.foreseen = Foreseen::Undecided;
            }
            for effect in &shown.effects {
                if let Effect::Rows { changes, .. } = effect {
                    written.extend(changes.iter().map(|c| c.table.clone()));
                }
            }
        }
        if let Some(stop) = stop
            && let Some(last) = self.steps.last_mut()
        {
            last.notes.push(format!("in that case the item ends here: {}", stop.message));
        }
        self.tainted_tables.extend(written);
        self.scope = scope;
        self.skip(path, step, Entry::Undecided);
        Ok(())
    }

    /// Takes back the promise of the steps that were shown from `first` on: only apply shows whether they run.
    pub(super) fn not_exact(&mut self, first: usize, note: &str) {
        for shown in &mut self.steps[first..] {
            shown.notes.insert(0, note.to_owned());
            if shown.label == Label::Exact {
                shown.label = Label::HasUnknowns;
            }
            if shown.surely_acts() {
                shown.foreseen = Foreseen::Undecided;
            }
        }
    }

    /// Names of a step that does not run (for certain): its own and those of its inner steps.
    pub(super) fn skip(&mut self, _path: &Arc<str>, step: &Step, entry: Entry) {
        if let Some(id) = &step.common.id {
            self.scope.insert_entry(id.text.clone(), entry.clone());
        }
        for inner in step.parts().into_iter().flat_map(|(_, steps)| steps) {
            self.skip(_path, inner, entry.clone());
        }
    }

    pub(super) async fn perform(&mut self, path: &Arc<str>, step: &Step) -> Result<(), Interrupt> {
        match &step.act {
            Act::Block(block) => {
                match block.has_ends() {
                    true => self.with_ends(path, step, block).await?,
                    false => self.walk(path, &block.steps).await?,
                }
                // It has no result, and it did run: what comes later may ask for that.
                if let Some(id) = &step.common.id {
                    self.scope.insert(id.text.clone(), Value::NULL);
                }
                return Ok(());
            }
            Act::Choose(spec) => return self.choose(path, step, spec).await,
            Act::Wait(spec) => return self.wait(path, step, spec).await,
            Act::Call(spec) => return self.call(path, step, spec).await,
            Act::Use(arm) => {
                self.goes_on = Some(arm.text.clone());
                return Ok(());
            }
            Act::Undo(spec) if let Some(before) = self.failed => {
                let put_back = Box::pin(self.put_back_in_rescue(path, step, spec, before)).await;
                return put_back.map_err(|stepped| stepped.at(path));
            }
            Act::Undo(spec) => {
                self.would_undo(path, step, spec);
                return Ok(());
            }
            Act::End(otherwise) => return self.author_ends(path, step, otherwise, "the playbook ends here".into()),
            _ => {}
        }
        let resolved = resolve(step, &self.scope, self.setting);
        let resolved =
            resolved.map_err(|t| Interrupt::Trouble(Trouble::of_resolving(t, &self.setting.source), path.clone()))?;
        let Some(resolved) = resolved else { return Ok(()) };
        self.note_reads(resolved.reads);
        match self.deed(path, step, resolved.deed).await {
            Ok(()) => Ok(()),
            Err(Stepped::Interrupt(interrupt)) => Err(interrupt),
            Err(Stepped::Trouble(trouble)) => self.end(path, step, trouble),
        }
    }

    pub(super) fn end(&mut self, path: &Arc<str>, step: &Step, trouble: Trouble) -> Result<(), Interrupt> {
        let answers = matches!(trouble, Trouble::Missed(_) | Trouble::Call(_));
        if !answers {
            return Err(Interrupt::Trouble(trouble, path.clone()));
        }
        let ending = endings::ending(step, &trouble, &self.scope, self.setting).in_section(self.list);
        let own = endings::own(step, &trouble, self.setting).is_some();
        self.end_with(path, step, ending, own);
        Ok(())
    }

    /// `own`: what the author wrote at this place decides, and no `rescue`.
    pub(super) fn end_with(&mut self, path: &Arc<str>, step: &Step, ending: Ending, own: bool) {
        if ending.way == Way::Warn {
            self.warn(path, step, ending);
            return;
        }
        self.rescuable = !own || ending.way == Way::Fail;
        self.show(path, step, Label::Read, Foreseen::Ends, Vec::new(), Vec::new());
        let Ending { way, message, who, seen, at, .. } = ending;
        self.stop = Some(Stop { way, message, who, step: path.clone(), at, seen });
    }

    pub(super) fn warn(&mut self, path: &Arc<str>, step: &Step, ending: Ending) {
        if let Some(id) = &step.common.id
            && self.scope.get(&id.text).is_none()
        {
            self.scope.insert(id.text.clone(), Value::NULL);
        }
        self.show(path, step, Label::Read, Foreseen::Warns, Vec::new(), vec![ending.message]);
    }
}
