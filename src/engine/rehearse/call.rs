//! What a called playbook would do at its place: all of it is tried out as the steps around it are, and it knows its parameters only.

use super::{Interrupt, Pass};
use crate::{
    action::{call::CallSpec, ends::Way, step::Step},
    effect::label::Label,
    engine::{call, drift, outline::inside},
    plan::{Effect, Foreseen, Section, Stop},
    template::scope::Entry,
};
use std::sync::Arc;

impl Pass<'_> {
    pub(super) async fn call(&mut self, path: &Arc<str>, step: &Step, spec: &CallSpec) -> Result<(), Interrupt> {
        let trouble = |t| Interrupt::Trouble(t, path.clone());
        let root = self.root;
        let called = call::called(spec, root).map_err(trouble)?;
        let given = match call::given(spec, called, &self.scope, self.setting) {
            Ok(given) => given,
            Err(refused) => return self.end(path, step, refused),
        };
        self.note_reads(given.reads);
        let title = step.common.title.is_none().then(|| called.title.as_str().to_owned());
        let effect = Effect::Answer { summary: call::shown(called) };
        self.show(path, step, Label::Read, Foreseen::Passes, vec![effect], title.into_iter().collect());
        let inner = root.scope_of_call(&root.run, called.name.as_str(), given.params);
        let around = std::mem::replace(&mut self.scope, inner);
        let (setting, list) = (self.setting, self.list);
        let (reads, results) = (std::mem::take(&mut self.reads), std::mem::take(&mut self.results));
        self.setting = root.of_call(Some(called.name.as_str()));
        for (section, (word, steps)) in Section::ALL.into_iter().zip(called.sections()) {
            self.list = section;
            self.walk(&inside(path, Some(word)), steps).await?;
            if self.stop.is_some() {
                break;
            }
        }
        let early = self.stop.take_if(|stop| matches!(stop.way, Way::Done | Way::Skip));
        let returned = match (&early, &self.stop) {
            (None, None) => Some(call::returned(called, &self.scope, self.setting).map_err(trouble)?),
            _ => None,
        };
        let facts = self.facts().into_iter().map(|(fact, value)| (drift::of_call(path, &fact), value));
        self.inner_facts.extend(facts.collect::<Vec<_>>());
        (self.setting, self.list, self.scope) = (setting, list, around);
        (self.reads, self.results) = (reads, results);
        if let Some(early) = &early {
            self.ended_early(early);
        }
        if let Some(id) = step.id() {
            match returned {
                Some(value) => self.scope.insert(id, value),
                None => self.scope.insert_entry(id.into(), Entry::Skipped),
            }
        }
        Ok(())
    }

    /// Nothing was to be done there: that is no end of what is around it.
    fn ended_early(&mut self, stop: &Stop) {
        let Some(shown) = self.steps.iter_mut().rev().find(|shown| shown.path == stop.step) else { return };
        let what =
            if stop.way == Way::Done { "nothing more to be done in this call" } else { "left alone in this call" };
        shown.effects.retain(|effect| !matches!(effect, Effect::Answer { .. }));
        shown.effects.push(Effect::Answer { summary: what.to_owned() });
        shown.notes.push(stop.message.clone());
        debug_assert!(shown.foreseen == Foreseen::Ends, "apply compares: it did not hold in the plan either");
    }
}
