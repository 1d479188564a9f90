//! What would become of a resource: read as any API, between two passes; the difference is exact, the call is rendered and not
//! sent. What a step would leave is what later steps of the plan see.

use super::{Interrupt, Missing, Pass, Stepped};
use crate::{
    action::{
        deed::Outgoing,
        resource::deed::{Act, Difference, Resource, Wish},
        step::Step,
    },
    base::value::{Data, Map, Value},
    effect::{change::RowChange, compared::Comparison, label::Label},
    engine::{
        resource::{self as resources, Return},
        trouble::Trouble,
    },
    plan::{Effect, Foreseen, Reversal},
    template::Scope,
};
use std::sync::Arc;

/// What is known of a resource while planning.
enum Looked {
    /// The answer and its state, as the steps before leave it.
    Known(Value, Option<Map>),
    /// Only later: why, and how it is today.
    Later(String, Option<Map>),
}

impl Pass<'_> {
    pub(super) fn resource(&mut self, path: &Arc<str>, step: &Step, resource: &Resource) -> Result<(), Stepped> {
        if resource.is_unknown() {
            if let Wish::Known(_) = resource.wish {
                return self.give(path, step, Value::unknown(), |v| v.shown());
            }
            self.not_tried(path, step, resource);
            return Ok(());
        }
        let Some(looked) = self.looked(path, step, resource)? else { return Ok(()) };
        match (&resource.wish, looked) {
            (Wish::Known(_), Looked::Later(why, today)) => {
                self.give(path, step, Value::unknown(), |v| v.shown())?;
                self.as_of_now(&resources::summary(&shown(today.as_ref())), &why);
                Ok(())
            }
            (Wish::Known(presence), Looked::Known(_, state)) => {
                let value = resources::known(resource, *presence, state.as_ref())?;
                if !self.resources.contains_key(&resource.subject()) {
                    self.results.extend(step.id().map(str::to_owned));
                }
                self.give(path, step, value, resources::summary)
            }
            (_, Looked::Later(why, today)) => {
                let today = match resource.difference(today.as_ref()) {
                    Ok(difference) if difference.act == Act::Nothing => "already as wanted".to_owned(),
                    Ok(difference) => fields(&difference.change),
                    Err(refusal) => refusal.message,
                };
                self.not_tried(path, step, resource);
                self.as_of_now(&today, &why);
                Ok(())
            }
            (_, Looked::Known(answer, state)) => self.would_bring(path, step, resource, &answer, state.as_ref()),
        }
    }

    /// It rests on something that is only known later.
    fn not_tried(&mut self, path: &Arc<str>, step: &Step, resource: &Resource) {
        self.written_to(resource, step, Value::unknown());
        self.unexecuted(path, step, Label::HasUnknowns);
        self.way_back_is(step, resources::way_back_of_kind(&resource.kind));
    }

    /// What the kind says of the way back, where the step says nothing of its own.
    fn way_back_is(&mut self, step: &Step, way: Reversal) {
        let says_itself = step.common.undo.is_some() || step.common.irreversible.is_some();
        if let Some(shown) = self.steps.last_mut().filter(|shown| shown.undo.is_some() && !says_itself) {
            shown.undo = Some(way);
        }
    }

    fn as_of_now(&mut self, today: &str, why: &str) {
        if let Some(shown) = self.steps.last_mut() {
            shown.notes.insert(0, format!("as of now: {today}; {why} may change that"));
        }
    }

    /// The answer that an earlier pass fetched, or an interrupt to fetch it; nothing when it cannot be had.
    fn looked(&mut self, path: &Arc<str>, step: &Step, resource: &Resource) -> Result<Option<Looked>, Stepped> {
        let (reading, question) = resources::question(step, resource);
        let key = question.question();
        let Some(answer) = self.memo.answers.get(&(path.to_string(), key.clone())) else {
            if self.memo.asked.get(&**path).copied().unwrap_or(0) >= 2 {
                let label = Label::NotPreviewable("its request differs each time it is tried out".into());
                self.unexecuted(path, step, label);
                return Ok(None);
            }
            let missing = Missing { step: reading, path: path.clone(), question, key };
            return Err(Stepped::Interrupt(Interrupt::Missing(Box::new(missing))));
        };
        let answer = answer.clone().map_err(|trouble| Trouble::Call(Box::new(trouble)))?;
        let state = resources::state(self.setting, resource, &answer)?;
        if let Some(stale) = self.tainted_apis.get(&resource.table.connection).or(self.every_api.as_ref()) {
            return Ok(Some(Looked::Later(stale.clone(), state)));
        }
        Ok(Some(match self.resources.get(&resource.subject()) {
            None => Looked::Known(answer, state),
            Some(Value { data: Data::Unknown(_), .. }) => Looked::Later("an earlier step".into(), state),
            Some(left) => Looked::Known(answer, left.as_map().cloned()),
        }))
    }

    /// Later steps see this resource so, and other answers of its API as stale.
    fn written_to(&mut self, resource: &Resource, step: &Step, left: Value) {
        let api = &resource.table.connection;
        self.resources.insert(resource.subject(), left);
        self.changed_apis.insert(api.clone(), format!("`{}`", step.label(0)));
        let kind = &resource.kind;
        let writes = [&kind.write, &kind.create, &kind.remove].into_iter().flatten();
        let others: Vec<_> = writes.flat_map(|request| &request.0.affects).map(|word| word.text.clone()).collect();
        self.taint_named(Some(&others), format!("`{}`", step.label(0)));
        if let Some(database) = self.setting.api(api).and_then(|api| api.settings().backed_by.clone()) {
            self.tainted_databases.insert(database.text);
        }
    }

    fn would_bring(
        &mut self,
        path: &Arc<str>,
        step: &Step,
        resource: &Resource,
        answer: &Value,
        found: Option<&Map>,
    ) -> Result<(), Stepped> {
        let difference = resource.difference(found).map_err(|refusal| resources::refused(resource, refusal))?;
        let rows = Effect::Rows { changes: vec![difference.change.clone()], also: Vec::new() };
        let waits = resource.kind.ready.as_ref().filter(|_| !matches!(resource.wish, Wish::Absent));
        let length = crate::base::shape::Length(resource.patience.at_most);
        let waits = waits.map(|_| format!("waits at most {length} until it is ready"));
        if difference.act == Act::Nothing {
            self.name(step, shown(found));
            self.show(path, step, Label::Exact, Foreseen::Unchanged, vec![rows], Vec::new());
            return Ok(());
        }
        let made = resource.writing(answer, found, &difference, self.setting);
        let (call, _) = made.map_err(|trouble| Trouble::of_resolving(trouble, &self.setting.source))?;
        let outgoing = Outgoing::Call(call);
        if let Some(trouble) = outgoing.forbidden(self.setting) {
            return Err(Trouble::Call(Box::new(trouble)).into());
        }
        let left = left_by(&difference);
        self.written_to(resource, step, left.clone());
        self.name(step, left);
        let sent = outgoing.shown(self.setting);
        let unknown = outgoing.is_unknown() || difference.changes.values().any(Value::is_unknown);
        let label = if unknown { Label::HasUnknowns } else { Label::Exact };
        let effects = std::iter::once(rows).chain(sent).collect();
        self.show(path, step, label, Foreseen::Changes, effects, waits.into_iter().collect());
        self.way_back_is(step, resources::way_back(resource, &difference.change));
        Ok(())
    }

    fn name(&mut self, step: &Step, value: Value) {
        if let Some(id) = &step.common.id {
            self.scope.insert(id.text.clone(), value);
        }
    }

    /// A change of another run that would be taken back.
    pub(super) fn resource_back(
        &mut self,
        path: &Arc<str>,
        step: &Step,
        left: &resources::Left,
    ) -> Result<(), Stepped> {
        let scope: Scope = self.scope.clone();
        let resource = resources::resource(self.setting, step, &left.change, &scope)?;
        let Some(looked) = self.looked(path, step, &resource)? else { return Ok(()) };
        let (answer, found) = match looked {
            Looked::Known(answer, found) => (answer, found),
            // A call that the undo makes before this one: what it comes to is seen then.
            Looked::Later(why, _) => {
                self.not_tried(path, step, &resource);
                self.as_of_now("as it is", &why);
                return Ok(());
            }
        };
        match resources::standing_of_return(&resource, left, found.as_ref()) {
            Return::Open => self.would_bring(path, step, &resource, &answer, found.as_ref()),
            Return::Already => {
                let notes = vec!["it is as it was before".to_owned()];
                self.show(path, step, Label::Exact, Foreseen::Unchanged, Vec::new(), notes);
                Ok(())
            }
            Return::Newer(left) => {
                let effects = vec![Effect::LeftAlone { rows: vec![*left] }];
                self.show(path, step, Label::Read, Foreseen::Warns, effects, Vec::new());
                Ok(())
            }
        }
    }

    /// Two records, compared.
    pub(super) fn would_compare(
        &mut self,
        path: &Arc<str>,
        step: &Step,
        comparison: &Comparison,
    ) -> Result<(), Stepped> {
        self.give(path, step, comparison.value(), |_| comparison.summary())?;
        if let Some(shown) = self.steps.last_mut() {
            shown.effects = vec![Effect::Compared(comparison.clone())];
            if comparison.fields.iter().any(|field| field.equal.is_none()) {
                shown.label = Label::HasUnknowns;
            }
        }
        Ok(())
    }
}

fn shown(state: Option<&Map>) -> Value {
    state.map_or(Value::NULL, |state| Value::from(state.clone()))
}

/// What is known of it afterwards: of a new one nothing, because its service fills in the rest.
fn left_by(difference: &Difference) -> Value {
    match difference.act {
        Act::Create => Value::unknown(),
        Act::Remove => Value::NULL,
        Act::Write | Act::Nothing => difference.state.clone().into(),
    }
}

/// `SETTINGS__A from otp to persona`, in one line.
fn fields(change: &RowChange) -> String {
    let said = |value: &Value| value.shown();
    let one = |(name, old, new): (Arc<str>, Value, Value)| format!("{name} from {} to {}", said(&old), said(&new));
    match (&change.before, &change.after) {
        (None, _) => "not there".into(),
        (_, None) => "there".into(),
        _ => change.differing().into_iter().map(one).collect::<Vec<_>>().join(", "),
    }
}
