//! What the names of a playbook mean at a place, from where the item stands: captured values are never computed again.
//!
//! A step inside a loop has a result of its own in each turn, known by its name in that turn only; from outside, the name stands
//! for the list of them.

use super::{
    outline::{Outline, Realm, Turn, inside, may_pass_over, path, turn, turns},
    setting::{RunFacts, Setting},
    state::{ItemState, StepState},
};
use crate::{
    action::{kinds::Act, step::Step},
    base::value::Value,
    journal::words::Outcome,
    playbook::model::Playbook,
    template::{Scope, scope::Entry},
};
use std::sync::Arc;

/// The results of all steps that are over, outside of the turns of loops that are not.
pub fn recall(playbook: &Playbook, item: &ItemState, scope: &mut Scope) {
    // Asked for each of many items before its first step.
    if item.steps.is_empty() {
        return;
    }
    for (section, steps) in playbook.sections() {
        list(section, steps, item, false, scope);
    }
}

/// The results of the steps of an undo: they have no lists.
pub fn recall_undo(outline: &Outline, item: &ItemState, scope: &mut Scope) {
    for place in outline.all(item).iter().filter(|place| place.is_plain()) {
        own(&place.step, &place.path, item, scope);
    }
}

/// `whole`: inside a transaction, of which all is over when something of it is recorded.
fn list(prefix: &str, steps: &[Step], item: &ItemState, whole: bool, scope: &mut Scope) {
    for (index, step) in steps.iter().enumerate() {
        let at = path(prefix, step, index);
        let over = item.steps.get(&at).is_some_and(|s| whole || s.outcome.is_some());
        match step.common.for_each {
            Some(_) if over => lists(step, &at, item, scope),
            Some(_) => {}
            None => once(step, &at, item, whole, scope),
        }
    }
}

/// A step that is done once, or one turn of a loop: its own result and those of the steps inside.
pub fn once(step: &Step, at: &str, item: &ItemState, whole: bool, scope: &mut Scope) {
    own(step, at, item, scope);
    let state = item.steps.get(at);
    if state.and_then(|s| s.outcome.as_ref()).is_some_and(|o| o.outcome == Outcome::Skipped && o.ends.is_none()) {
        return step.each(&mut |inner| skipped(inner, scope));
    }
    within(step, at, item, whole, scope);
    if state.is_some() && may_pass_over(step) {
        missing(step, scope);
    }
}

/// The results of the steps inside one turn.
fn within(step: &Step, at: &str, item: &ItemState, whole: bool, scope: &mut Scope) {
    let whole = whole || matches!(&step.act, Act::Block(block) if block.transaction.is_some());
    for (part, steps) in step.parts() {
        list(&inside(at, part.as_deref()), steps, item, whole, scope);
    }
}

pub fn own(step: &Step, at: &str, item: &ItemState, scope: &mut Scope) {
    let (Some(id), Some(state)) = (step.id(), item.steps.get(at)) else { return };
    if let Act::Call(_) = &step.act {
        // While it is under way it has no result yet; what is kept for it are its parameters.
        match (of_call(state), &state.outcome) {
            (Some(value), _) => scope.insert(id, value.clone()),
            (None, Some(_)) => scope.insert_entry(id.into(), Entry::Skipped),
            (None, None) => {}
        }
        return;
    }
    match (state.result(), &state.outcome) {
        (Some(value), _) => scope.insert(id, value.clone()),
        (None, Some(outcome)) if outcome.outcome == Outcome::Skipped => scope.insert_entry(id.into(), Entry::Skipped),
        // A block, a warning, a probe that said that it was done: there is no result, and it did run.
        (None, Some(outcome)) if matches!(outcome.outcome, Outcome::Done | Outcome::Unchanged) => {
            scope.insert(id, Value::NULL)
        }
        _ => {}
    }
}

/// What a called playbook gave back.
fn of_call(state: &StepState) -> Option<&Value> {
    state.outcome.as_ref().filter(|o| matches!(o.outcome, Outcome::Done | Outcome::Unchanged))?.value.as_ref()
}

fn skipped(step: &Step, scope: &mut Scope) {
    if let Some(id) = step.id() {
        scope.insert_entry(id.into(), Entry::Skipped);
    }
}

/// Steps inside that did not come to a result: they did not run, for whoever asks.
pub fn missing(step: &Step, scope: &mut Scope) {
    for (_, steps) in step.parts() {
        for inner in steps {
            inner.each(&mut |one| {
                if one.id().is_some_and(|id| scope.entry(id).is_none()) {
                    skipped(one, scope);
                }
            });
        }
    }
}

/// The results of a loop, as lists: of the step itself and of the steps inside.
pub fn lists(step: &Step, at: &str, item: &ItemState, scope: &mut Scope) {
    for (id, value) in all_lists(step, at, item) {
        scope.insert(id, value);
    }
}

fn all_lists(step: &Step, at: &str, item: &ItemState) -> Vec<(Arc<str>, Value)> {
    let of_turn = |index| {
        let mut found = Vec::new();
        results(step, &turn(at, index), item, &mut found);
        found
    };
    let turns: Vec<Vec<(Arc<str>, Value)>> = (0..turns(item, at)).map(of_turn).collect();
    let mut names: Vec<Arc<str>> = Vec::new();
    step.each(&mut |one| names.extend(one.id().map(Arc::from)));
    let list = |name: Arc<str>| {
        let one =
            |found: &Vec<(Arc<str>, Value)>| found.iter().find(|(id, _)| *id == name).map(|(_, value)| value.clone());
        let values: Vec<Value> = turns.iter().map(|found| one(found).unwrap_or(Value::NULL)).collect();
        (name, Value::list(values))
    };
    names.into_iter().map(list).collect()
}

/// What the names of a step, done once, and of the steps inside stand for.
fn results(step: &Step, at: &str, item: &ItemState, found: &mut Vec<(Arc<str>, Value)>) {
    let result = item.steps.get(at).and_then(|state| match &step.act {
        Act::Call(_) => of_call(state),
        _ => state.result(),
    });
    if let (Some(id), Some(value)) = (step.id(), result) {
        found.push((id.into(), value.clone()));
    }
    for (part, steps) in step.parts() {
        let prefix = inside(at, part.as_deref());
        for (index, inner) in steps.iter().enumerate() {
            let at = path(&prefix, inner, index);
            match inner.common.for_each {
                Some(_) => found.extend(all_lists(inner, &at, item)),
                None => results(inner, &at, item, found),
            }
        }
    }
}

/// The element of a turn.
pub fn element(turn: &Turn, item: &ItemState) -> Value {
    let list = item.steps.get(&turn.list).and_then(|step| step.value.as_ref());
    list.and_then(|list| list.as_list()?.get(turn.index).cloned()).unwrap_or(Value::NULL)
}

/// What is known in a realm: in a turn of a loop beside what is known around it, in a called playbook nothing else.
pub fn enter(
    setting: &Setting,
    facts: &RunFacts,
    outline: &Outline,
    realm: &Realm,
    item: &ItemState,
    scope: &mut Scope,
) {
    match realm {
        Realm::Turn(turn) => in_turn(outline, turn, item, scope),
        Realm::Call(call) => {
            let params = item.steps.get(&call.at).and_then(|step| step.value.clone()).unwrap_or(Value::NULL);
            *scope = setting.scope_of_call(facts, &call.playbook, params);
            let Some(called) = setting.called.get(&call.playbook) else { return };
            for (section, steps) in called.sections() {
                list(&format!("{}/{section}", call.at), steps, item, false, scope);
            }
        }
    }
}

fn in_turn(outline: &Outline, turn: &Turn, item: &ItemState, scope: &mut Scope) {
    scope.insert(turn.name.clone(), element(turn, item));
    if let Some(place) = outline.place(&turn.at) {
        own(&place.step, &turn.at, item, scope);
        within(&place.step, &turn.at, item, false, scope);
    }
}
