//! What places that hold others would do: loops, blocks with an end, decision tables, waits.

use super::{Interrupt, Pass, Stepped};
use crate::{
    action::{
        block::BlockSpec,
        choose::ChooseSpec,
        ends::{Otherwise, Way},
        kinds::Act,
        resolve::resolve,
        step::{ALWAYS, ARM, RESCUE, Step},
        undo::UndoSpec,
        wait::WaitSpec,
    },
    base::value::{Data, Value},
    effect::label::Label,
    engine::{
        endings,
        flow::{self, Chosen},
        names,
        outline::{inside, turn},
        reached::Spot,
        trouble::{Missed, Trouble},
    },
    plan::{Effect, Foreseen},
    read::facts,
    template::{Scope, scope::Entry},
};
use std::sync::Arc;

impl Pass<'_> {
    /// Each turn of a loop, one after the other; where the list is only known after apply, its body once.
    pub(super) async fn turns(&mut self, path: &Arc<str>, step: &Step) -> Result<(), Interrupt> {
        let Some(spec) = &step.common.for_each else { return Ok(()) };
        self.look_again(step).await.map_err(|trouble| Interrupt::Trouble(trouble, path.clone()))?;
        let trouble = |t| Interrupt::Trouble(Trouble::of_resolving(t, &self.setting.source), path.clone());
        let list = flow::elements(step, &self.scope).map_err(trouble)?;
        let around = self.scope.clone();
        // How many elements the example of an answer has says nothing of how many there will be.
        let Some(list) = list.filter(|list| !list.rests_on_example()) else {
            let note = format!("for each {}: which ones is only known after apply", spec.name.as_str());
            self.headed(path, step, Label::HasUnknowns, Vec::new(), vec![note]);
            self.scope.insert(spec.name.text.clone(), Value::unknown());
            let note = "shown once; how often it happens is only known after apply".to_owned();
            self.both_ways(&format!("{path}[*]").into(), step, note).await?;
            self.scope = around;
            self.each_name(step, |pass, id| pass.scope.insert(id, Value::unknown()));
            return Ok(());
        };
        let elements = list.as_list().unwrap_or_default().to_vec();
        let summary = format!("for each {}: {}", spec.name.as_str(), flow::times(elements.len()));
        self.headed(path, step, Label::Read, vec![Effect::Answer { summary }], Vec::new());
        self.lists.push((path.clone(), list));
        let mut results: Vec<Scope> = Vec::new();
        let known = self.reads.len();
        for (index, element) in elements.into_iter().enumerate() {
            self.scope = around.clone().with(spec.name.text.clone(), element);
            self.once(&turn(path, index), step).await?;
            results.push(std::mem::take(&mut self.scope));
            if self.stop.is_some() {
                break;
            }
        }
        self.scope = around;
        // What is only known in a turn is no fact that the whole rests on.
        let mut local = vec![spec.name.text.to_string()];
        self.each_name(step, |_, id| local.push(id.to_string()));
        let outer =
            self.reads.split_off(known).into_iter().filter(|path| !local.iter().any(|name| name == path.root()));
        let outer: Vec<_> = outer.collect();
        self.reads.extend(outer);
        self.each_name(step, |pass, id| {
            let value = |scope: &Scope| match scope.entry(&id) {
                Some((_, Entry::Value(value))) => value.clone(),
                Some((_, Entry::Undecided)) => Value::unknown(),
                _ => Value::NULL,
            };
            let list = Value::list(results.iter().map(value));
            pass.scope.insert(id, list);
        });
        Ok(())
    }

    fn each_name(&mut self, step: &Step, mut look: impl FnMut(&mut Self, Arc<str>)) {
        let mut names: Vec<Arc<str>> = Vec::new();
        step.each(&mut |one| names.extend(one.id().map(Arc::from)));
        names.into_iter().for_each(|name| look(self, name));
    }

    /// The line above what stands inside: it changes nothing itself.
    fn headed(&mut self, path: &Arc<str>, step: &Step, label: Label, effects: Vec<Effect>, notes: Vec<String>) {
        self.show(path, step, label, Foreseen::Passes, effects, notes);
    }

    /// The steps of a block, then what is done at its end. A step that surely fails leads to the `rescue`.
    pub(super) async fn with_ends(&mut self, path: &Arc<str>, step: &Step, block: &BlockSpec) -> Result<(), Interrupt> {
        // Inside a rescue that is only tried out, rescues of blocks would be guesses about guesses.
        let guesses = if block.rescue.is_empty() || self.failed.is_some() {
            self.walk(path, &block.steps).await?;
            Vec::new()
        } else {
            Box::pin(self.walk_to_the_rescue(path, step, block)).await?
        };
        let stop = self.stop.take();
        let error = stop.as_ref().map_or(Value::NULL, |stop| {
            let text = ("text", Value::text(stop.message.as_str()));
            Value::map(["status", "code", "body", "step"].map(|name| (name, Value::NULL)).into_iter().chain([text]))
        });
        let fails = stop.is_some() && self.rescuable && !block.rescue.is_empty();
        let mut ends = stop;
        if fails {
            self.at_the_end(&inside(path, Some(RESCUE)), step, &block.rescue, error.clone()).await?;
            match self.stop.take() {
                Some(stop) => ends = Some(stop),
                None if block.recovered == Some(true) => ends = None,
                None => {}
            }
        } else if !block.rescue.is_empty() && ends.is_none() {
            self.rescue_in_reserve(path, step, block, guesses);
        }
        if !block.always.is_empty() {
            self.at_the_end(&inside(path, Some(ALWAYS)), step, &block.always, error).await?;
        }
        names::missing(step, &mut self.scope);
        self.stop = ends.or(self.stop.take());
        Ok(())
    }

    async fn at_the_end(&mut self, path: &str, of: &Step, steps: &[Step], error: Value) -> Result<(), Interrupt> {
        let around = self.scope.clone();
        self.scope.insert("error", error);
        names::missing(of, &mut self.scope);
        self.walk(path, steps).await?;
        let within = std::mem::replace(&mut self.scope, around);
        for step in steps {
            self.each_name(step, |pass, id| {
                if let Some((name, entry)) = within.entry(&id) {
                    pass.scope.insert_entry(name.clone(), entry.clone());
                }
            });
        }
        Ok(())
    }

    /// The row that fits and its arm; every arm where a fact is only known after apply.
    pub(super) async fn choose(&mut self, path: &Arc<str>, step: &Step, spec: &ChooseSpec) -> Result<(), Interrupt> {
        let mut guessed = false;
        for (_, datum) in spec.facts.iter() {
            if let Ok(evaluated) = datum.evaluate(&self.scope) {
                guessed |= evaluated.value.rests_on_example();
                self.note_reads(evaluated.reads);
            }
        }
        let chosen = flow::choose(spec, &self.scope);
        let trouble = |f| Interrupt::Trouble(Trouble::of_expression(&f, &self.setting.source), path.clone());
        let chosen = chosen.map_err(trouble)?;
        if let Some(row) = chosen.row() {
            self.setting.reached.note(Spot::Choice(step.act_at.start, row.into()));
        }
        match chosen {
            Chosen::Arm(row, arm) => {
                let value = Value::map([("row", Value::text(row)), ("arm", Value::text(arm))]);
                if let Some(id) = step.id() {
                    self.scope.insert(id, value);
                }
                let effect = Effect::Answer { summary: format!("{row} → {arm}") };
                let label = if guessed { Label::HasUnknowns } else { Label::Read };
                self.headed(path, step, label, vec![effect], Vec::new());
                names::missing(step, &mut self.scope);
                let (first, by_example) =
                    (self.steps.len(), format!("decided at apply: only when the row `{row}` decides"));
                let mut next: Option<Arc<str>> = Some(arm.into());
                // Arms that go on with each other in a circle are refused by the checks.
                for _ in 0..=spec.paths.entries.len() {
                    let Some(arm) = next.take().filter(|_| self.stop.is_none()) else { break };
                    self.goes_on = None;
                    let steps = spec.arm(&arm).unwrap_or_default();
                    self.walk(&inside(path, Some(&format!("{ARM}{arm}"))), steps).await?;
                    next = self.goes_on.take();
                }
                if guessed {
                    self.not_exact(first, &by_example);
                }
                Ok(())
            }
            Chosen::End(row, otherwise) => {
                let message = format!("the row `{row}` decides");
                self.author_ends(path, step, otherwise, message)
            }
            Chosen::Unknown(why) => {
                let note = format!("which way is decided at apply ({why})");
                self.headed(path, step, Label::HasUnknowns, Vec::new(), vec![note]);
                for (arm, steps) in spec.paths.iter() {
                    let block = BlockSpec {
                        transaction: None,
                        steps: steps.clone(),
                        rescue: Vec::new(),
                        always: Vec::new(),
                        recovered: None,
                        at: spec.at,
                    };
                    let mut one = step.clone();
                    (one.act, one.common.when, one.common.id) = (Act::Block(block), None, None);
                    let at = inside(path, Some(&format!("{ARM}{arm}"))).into();
                    self.both_ways(&at, &one, format!("decided at apply: only in the arm `{arm}`")).await?;
                    self.goes_on = None;
                }
                self.skip(path, step, Entry::Undecided);
                if let Some(id) = step.id() {
                    self.scope.insert(id, Value::map([("row", Value::unknown()), ("arm", Value::unknown())]));
                }
                Ok(())
            }
        }
    }

    pub(super) fn author_ends(
        &mut self,
        path: &Arc<str>,
        step: &Step,
        otherwise: &Otherwise,
        message: String,
    ) -> Result<(), Interrupt> {
        let at = step.act_at;
        let trouble = Trouble::Missed(Missed { message, seen: Vec::new(), at });
        let ending = endings::of_otherwise(otherwise, &trouble, &self.scope, at).in_section(self.list);
        let fails = ending.way == Way::Fail;
        self.end_with(path, step, ending, false);
        // What the author wrote decides, and no `rescue`.
        self.rescuable = fails;
        Ok(())
    }

    /// Looks once, as of now. What the wait will come to is only known at apply, unless it is over already.
    pub(super) async fn wait(&mut self, path: &Arc<str>, step: &Step, spec: &WaitSpec) -> Result<(), Interrupt> {
        let mut read = (*spec.read).clone();
        read.common.id = step.common.id.clone();
        let shown = self.steps.len();
        let trouble = |t| Interrupt::Trouble(t, path.clone());
        self.look_again(&read).await.map_err(trouble)?;
        let resolved = resolve(&read, &self.scope, self.setting);
        let resolved = resolved.map_err(|t| trouble(Trouble::of_resolving(t, &self.setting.source)))?;
        let Some(resolved) = resolved else { return Ok(()) };
        self.note_reads(resolved.reads);
        let (reads, results) = (self.reads.len(), self.results.clone());
        let today = match self.deed(path, &read, resolved.deed).await {
            Ok(()) => match step.id().and_then(|id| self.scope.get(id)).cloned() {
                Some(value) if !matches!(value.data, Data::Unknown(_)) => Ok(value),
                _ => Err("what it would see is only known after apply".to_owned()),
            },
            Err(Stepped::Interrupt(interrupt)) => return Err(interrupt),
            Err(Stepped::Trouble(trouble)) => Err(trouble.message()),
        };
        // Today's answer is no fact that the plan rests on: it is meant to change.
        self.reads.truncate(reads);
        self.results = results;
        self.steps.truncate(shown);
        let until = spec.until.scalar().text.trim();
        let length = format!("until {until}; every {}, for at most {}", spec.every, spec.at_most);
        let holds = |value: &Value| {
            let scope = self.scope.clone().with("self", value.clone());
            crate::action::resolve::judge(&spec.until, &scope).ok().and_then(|judged| judged.holds) == Some(true)
        };
        let (now, value, label) = match today {
            Ok(value) if holds(&value) => ("as of now: it is so already".to_owned(), value, Label::Read),
            Ok(value) => (
                format!("as of now: {}", facts::short(&value, &self.setting.masks)),
                Value::unknown(),
                Label::HasUnknowns,
            ),
            Err(why) => (format!("as of now: {why}"), Value::unknown(), Label::HasUnknowns),
        };
        self.waited |= label != Label::Read;
        if let Some(id) = step.id() {
            self.scope.insert(id, value);
        }
        self.show(path, step, label, Foreseen::Passes, Vec::new(), vec![length, now]);
        Ok(())
    }

    /// What an `undo:` step takes back is only known when something failed.
    pub(super) fn would_undo(&mut self, path: &Arc<str>, step: &Step, spec: &UndoSpec) {
        let names: Vec<_> = spec.steps.iter().map(|word| format!("`{}`", word.as_str())).collect();
        let mut written = Vec::new();
        for shown in &self.steps {
            for effect in &shown.effects {
                if let Effect::Rows { changes, .. } = effect {
                    written.extend(changes.iter().map(|change| change.table.clone()));
                }
            }
        }
        self.tainted_tables.extend(written);
        let note = format!("takes back {}, as far as it was done", names.join(", "));
        self.show(path, step, Label::HasUnknowns, Foreseen::Undecided, Vec::new(), vec![note]);
    }
}
