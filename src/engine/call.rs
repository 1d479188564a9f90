//! `call`: another playbook is done at a place. Its parameters are made once, when it is entered, and recorded; what it gives back is
//! made when all of it is over.

use super::{
    decide::early_end,
    drift,
    drive::{Driver, Halt, Went},
    names,
    outline::{self, Call, Place, Realm},
    setting::Setting,
    trouble::{Difference, Missed, Trouble},
    watch::Tick,
};
use crate::{
    action::call::CallSpec,
    base::value::{Map, Value},
    journal::words::Outcome,
    playbook::{model::Playbook, params},
    template::{Path, Scope},
};
use std::sync::Arc;

/// The parameters of a call, and what their expressions looked at.
pub(super) struct Given {
    pub params: Value,
    pub reads: Vec<Path>,
}

/// Makes the parameters of a call. What is only known after apply stays unknown, of whatever type it will be.
pub(super) fn given(spec: &CallSpec, called: &Playbook, scope: &Scope, setting: &Setting) -> Result<Given, Trouble> {
    let (mut params, mut reads) = (Map::default(), Vec::new());
    for (name, param) in called.params.iter() {
        let (value, at) = match spec.given.get(name) {
            Some(datum) => {
                let evaluated = datum.evaluate(scope).map_err(|f| Trouble::of_expression(&f, &setting.source))?;
                reads.extend(evaluated.reads);
                (Some(evaluated.value), datum.span())
            }
            None => (param.default.as_ref().map(|default| default.value.clone()), spec.at),
        };
        let optional = param.default.as_ref().is_some_and(|default| default.is_null());
        let accepted = match value {
            Some(value) if value.is_unknown() || value.is_null() && optional => Ok(value),
            Some(value) => params::one(param, &value, &setting.project).map(|one| one.marked(value.all_marks())),
            None => Err(("it is missing".to_owned(), None)),
        };
        match accepted {
            Ok(value) => {
                params.insert(name.into(), value.marked(param.marks()));
            }
            Err((message, help)) => {
                let help = help.map_or(String::new(), |help| format!(" ({help})"));
                let message = format!("`{name}` of `{}` is refused: {message}{help}", called.name.as_str());
                return Err(Trouble::Missed(Missed { message, seen: Vec::new(), at }));
            }
        }
    }
    Ok(Given { params: params.into(), reads })
}

/// What a called playbook gives back, and what that looked at.
pub(super) fn returned(called: &Playbook, scope: &Scope, setting: &Setting) -> Result<Value, Trouble> {
    let mut values = Map::default();
    for (name, datum) in called.returns.iter() {
        let evaluated = datum.evaluate(scope).map_err(|f| Trouble::of_expression(&f, &setting.source))?;
        values.insert(name.into(), evaluated.value);
    }
    Ok(values.into())
}

/// As plans and histories show it: `register/correct-award v3`.
pub(super) fn shown(called: &Playbook) -> String {
    format!("{} v{}", called.name.as_str(), called.version)
}

/// The other playbook of a call; check has made sure that it is there.
pub(super) fn called<'a>(spec: &CallSpec, setting: &'a Setting) -> Result<&'a Arc<Playbook>, Trouble> {
    setting.called.get(&spec.playbook.text).ok_or_else(|| Trouble::Step {
        message: format!("the text of `{}` is not at hand", spec.playbook.as_str()),
        at: spec.playbook.span,
        help: Vec::new(),
    })
}

impl Driver<'_> {
    /// Makes the parameters and records them: from here on the other playbook is under way.
    pub(super) fn begin_call(&mut self, place: &Place, spec: &CallSpec) -> Result<(), Halt> {
        let called = called(spec, self.root)?;
        let given = given(spec, called, &self.scope, self.setting)?;
        let title = place.step.common.title.as_ref().and_then(|title| title.preview(&self.scope).ok());
        let title = title.unwrap_or_else(|| called.title.as_str().to_owned());
        let title = format!("{}{title}", outline::around(&place.path));
        (self.watch)(Tick::Begins { section: place.section, path: place.path.clone(), title });
        self.recorded(place, shown(called), given.params);
        Ok(())
    }

    /// All of it is over, or it ended because nothing was to be done.
    pub(super) fn end_call(&mut self, place: &Place, spec: &CallSpec) -> Result<Went, Trouble> {
        let called = called(spec, self.root)?;
        let empty = Default::default();
        let item = self.state.items.get(&self.item).unwrap_or(&empty);
        let early = early_end(&self.root.outline, item, &place.path);
        let inside = |p: &str| p.strip_prefix(&*place.path).is_some_and(|rest| rest.starts_with('/'));
        let changed = item.steps.iter().any(|(path, step)| inside(path) && step.changed());
        let outcome = if changed { Outcome::Done } else { Outcome::Unchanged };
        let response = Some(shown(called));
        if let Some(early) = early {
            return Ok(Went { outcome, value: None, message: early.reason, response });
        }
        let realm = Realm::Call(outline::Call { at: place.path.clone(), playbook: spec.playbook.text.clone() });
        let mut scope = Scope::new();
        names::enter(self.root, &self.root.run, &self.root.outline, &realm, item, &mut scope);
        let value = returned(called, &scope, self.root)?;
        Ok(Went { outcome, value: Some(value), message: None, response })
    }

    /// The result of a step that is over, under its name, as a run that goes on later finds it.
    pub(super) fn name_result(&mut self, place: &Place) {
        let Some(item) = self.state.items.get(&self.item) else { return };
        names::own(&place.step, &place.path, item, &mut self.scope);
    }

    /// What the called playbook that a place belongs to rests on, and reads otherwise now.
    pub(super) fn facts_of_call(&self, place: &Place) -> Vec<Difference> {
        let (Some(plan), Some(call)) = (self.plan, place.call()) else { return Vec::new() };
        drift::of_facts(plan, Some(&call.at), self.scope_of_call(call), self.setting)
    }

    /// What expressions of a call's steps see, outside of the loops inside it: in a turn of one a name may stand for something else. The turn of a loop and
    /// the call that is done in it have one path: the call is the inner one.
    pub(super) fn scope_of_call(&self, call: &Call) -> &Scope {
        let depth = self.turns.iter().rposition(|(at, _)| *at == call.at);
        depth.and_then(|at| self.turns.get(at + 1)).map_or(&self.scope, |(_, around)| around)
    }
}
