//! A resource as a step wants it, and what follows from an answer: its state, the difference, the one call that writes it.
//! Pure: nothing is sent here.

use super::kind::{ResourceKind, Template};
use crate::{
    action::{
        change::Guard,
        deed::Call,
        resolve::{self, Known, Resolver, Trouble, misfit},
    },
    base::{
        source::Span,
        value::{Data, Map, Marks, Value},
    },
    effect::change::{RowChange, TableName},
    read::http::HttpSpec,
    template::{Expression, Failure, Scope},
};
use std::{sync::Arc, time::Duration};

/// A resource and what is to become of it.
#[derive(Clone, Debug)]
pub struct Resource {
    /// What kind of thing it is.
    pub kind: Arc<ResourceKind>,
    /// `api.kind`: what plans and journals call it.
    pub table: TableName,
    /// Which one.
    pub key: Map,
    /// What is wanted.
    pub wish: Wish,
    /// Fields that must still hold these values.
    pub guard: Vec<Guard>,
    /// The call that reads it.
    pub read: Call,
    /// How long to wait until it is as wanted and ready.
    pub patience: Patience,
    /// What its expressions see beside the answer.
    pub scope: Scope,
    /// The step's own condition for giving up.
    pub fail_when: Option<Expression>,
    /// Where the step stands.
    pub at: Span,
}

/// What is wanted.
#[derive(Clone, Debug)]
pub enum Wish {
    /// To know it.
    Known(super::Presence),
    /// These fields, without those; a missing one is made with the further fields, where there are such.
    State {
        /// Fields and values.
        set: Map,
        /// Fields that are not to be there.
        without: Vec<Arc<str>>,
        /// Further fields of a new one.
        create: Option<Map>,
    },
    /// Gone.
    Absent,
    /// What it is to be like is only known after apply.
    Later,
}

/// How long to wait, and how often to look.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Patience {
    /// The pause between two looks.
    pub every: Duration,
    /// From the request on.
    pub at_most: Duration,
    /// How long a request whose answer was lost may still have its effect, where the author says so.
    pub settle: Option<Duration>,
}

/// Which call brings the difference about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Act {
    /// None: all is as wanted.
    Nothing,
    /// Some fields differ.
    Write,
    /// There is none yet.
    Create,
    /// It is to go.
    Remove,
}

/// What is between the found and the wanted state.
#[derive(Clone, Debug)]
pub struct Difference {
    /// The call.
    pub act: Act,
    /// Images of the fields that the step names; of the whole where it comes or goes.
    pub change: RowChange,
    /// Fields that are set.
    pub changes: Map,
    /// Fields that are taken away.
    pub removed: Vec<Arc<str>>,
    /// All its fields afterwards, as far as that can be told.
    pub state: Map,
}

/// What stands in the way of a change.
#[derive(Clone, Debug)]
pub struct Refusal {
    /// What was expected and found.
    pub message: String,
    /// Field and value, for people.
    pub seen: Vec<(String, String)>,
}

/// Whether a change has come into force.
#[derive(Clone, Debug)]
pub enum Readiness {
    /// It has.
    Ready,
    /// Not yet, and why.
    NotYet(String, Vec<(String, String)>),
    /// It will not any more, and why.
    Failed(String, Vec<(String, String)>),
}

/// What a look at a resource says of a change that may have been made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// It is as it was to be.
    After,
    /// It is as it was before.
    Before,
    /// Neither.
    Neither,
}

impl Resource {
    /// Which one it is, where to read it, or what it is to be like, is only known after apply.
    pub fn is_unknown(&self) -> bool {
        let guarded = self.guard.iter().any(|guard| guard.value.is_unknown());
        guarded
            || matches!(self.wish, Wish::Later)
            || self.key.values().any(Value::is_unknown)
            || self.read.is_unknown()
    }

    /// Changes nothing.
    pub fn is_read(&self) -> bool {
        matches!(self.wish, Wish::Known(_))
    }

    /// `kube.deployment_env deployment web`.
    pub fn subject(&self) -> String {
        let key: Vec<String> = self.key.iter().map(|(name, value)| format!("{name} {}", value.plain())).collect();
        format!("{} {}", self.table, key.join(", ")).trim_end().to_owned()
    }

    /// The read as an `http` step would say it: with the status that tells that there is no such thing among the good ones.
    pub fn reading(&self) -> HttpSpec {
        let mut spec = self.spec(&self.kind.read);
        if self.kind.absent_when.is_some() {
            if spec.accept.is_empty() {
                spec.accept.push(accept(crate::read::http::Status::Class(2), spec.at));
            }
            spec.accept.push(accept(crate::read::http::Status::Exact(404), spec.at));
        }
        spec
    }

    fn spec(&self, template: &Template) -> HttpSpec {
        let mut spec = template.0.clone();
        spec.api = self.kind.api.clone();
        spec
    }

    /// Its fields, out of the answer to the read; nothing when there is no such thing.
    pub fn state(&self, answer: &Value) -> Result<Option<Map>, Trouble> {
        let scope = self.scope.clone().with("read", answer.clone());
        if let Some(absent) = &self.kind.absent_when
            && self.holds("absent_when", absent, &scope)?.is_some_and(|(yes, _)| yes)
        {
            return Ok(None);
        }
        let value = match &self.kind.state {
            Some(datum) => datum.evaluate(&scope).map_err(|f| self.failed("state", &f))?.value,
            None => answer.get("body").unwrap_or(Value::NULL),
        };
        let marks = value.marks;
        let one = match &value.data {
            Data::Null => return Ok(None),
            Data::List(found) if found.is_empty() => return Ok(None),
            Data::List(found) if found.len() == 1 => found[0].as_map().cloned(),
            Data::List(found) => {
                let message =
                    format!("{} things are {}, and nobody can tell which one is meant", found.len(), self.subject());
                return misfit(self.at, message);
            }
            _ => value.as_map().cloned(),
        };
        let Some(mut fields) = one else {
            let message = format!("the state of {} is {}, not a map of fields", self.subject(), value.kind());
            return misfit(self.at, message);
        };
        let without_null = self.kind.null_is_absent == Some(true);
        fields.retain(|name, value| {
            let ignored = self.kind.ignore.iter().any(|w| w.text == *name);
            !(ignored || without_null && value.is_null())
        });
        Ok(Some(
            fields.into_iter().map(|(name, value)| (name.clone(), self.marked(&name, value.marked(marks)))).collect(),
        ))
    }

    fn marked(&self, field: &str, value: Value) -> Value {
        let personal = self.kind.personal.iter().any(|w| w.as_str() == field);
        value.marked(if personal || self.covers(field) { Marks::PERSONAL } else { Marks::NONE })
    }

    /// The field is to hold something hidden: so is what stands there.
    fn covers(&self, field: &str) -> bool {
        let Wish::State { set, create, .. } = &self.wish else { return false };
        let given = [Some(set), create.as_ref()].into_iter().flatten().filter_map(|fields| fields.get(field));
        given.into_iter().any(|value| value.all_marks().hidden())
    }

    /// What is between the found state and the wanted one. "Already as wanted" comes before the guard.
    pub fn difference(&self, found: Option<&Map>) -> Result<Difference, Refusal> {
        match (&self.wish, found) {
            (Wish::Known(_), _) | (Wish::Absent, None) => Ok(self.nothing(found.cloned(), found.cloned())),
            (Wish::Later, _) => {
                let message = format!("what {} is to be like is not known", self.subject());
                Err(Refusal { message, seen: Vec::new() })
            }
            (Wish::Absent, Some(state)) => {
                self.guarded(state)?;
                Ok(self.made(Act::Remove, Some(state.clone()), None))
            }
            (Wish::State { create: None, .. }, None) => {
                Err(Refusal { message: format!("there is no {}", self.subject()), seen: Vec::new() })
            }
            (Wish::State { set, create: Some(create), .. }, None) => {
                let mut after: Map =
                    create.iter().chain(set).map(|(n, v)| (n.clone(), self.marked(n, v.clone()))).collect();
                if self.kind.null_is_absent == Some(true) {
                    after.retain(|_, value| !value.is_null());
                }
                Ok(Difference {
                    changes: after.clone(),
                    state: after.clone(),
                    ..self.made(Act::Create, None, Some(after))
                })
            }
            (Wish::State { set, without, .. }, Some(state)) => self.fields(state, set, without),
        }
    }

    fn fields(&self, found: &Map, set: &Map, without: &[Arc<str>]) -> Result<Difference, Refusal> {
        let (mut changes, mut removed) = (Map::default(), Vec::new());
        let (mut before, mut after, mut state) = (Map::default(), Map::default(), found.clone());
        let vanishes = |value: &Value| value.is_null() && self.kind.null_is_absent == Some(true);
        let named = set.iter().map(|(name, value)| (name, (!vanishes(value)).then_some(value)));
        for (name, wanted) in named.chain(without.iter().map(|name| (name, None))) {
            let old = found.get(name);
            old.into_iter().for_each(|old| drop(before.insert(name.clone(), old.clone())));
            let same = match (old, wanted) {
                (Some(old), Some(wanted)) => self.kind.way(name).alike(old, wanted) == Some(true),
                (None, None) => true,
                _ => false,
            };
            match wanted {
                _ if same => old.into_iter().for_each(|old| drop(after.insert(name.clone(), old.clone()))),
                Some(wanted) => {
                    let wanted = self.marked(name, wanted.clone());
                    changes.insert(name.clone(), wanted.clone());
                    after.insert(name.clone(), wanted.clone());
                    state.insert(name.clone(), wanted);
                }
                None => {
                    removed.push(name.clone());
                    state.shift_remove(name);
                }
            }
        }
        if changes.is_empty() && removed.is_empty() {
            return Ok(Difference { state, ..self.nothing(Some(before), Some(after)) });
        }
        self.guarded(found)?;
        // A guard is a part of what the change rests on.
        for guard in &self.guard {
            if let (Some(value), false) = (found.get(&guard.column), before.contains_key(&guard.column)) {
                before.insert(guard.column.clone(), value.clone());
                after.insert(guard.column.clone(), value.clone());
            }
        }
        Ok(Difference { changes, removed, state, ..self.made(Act::Write, Some(before), Some(after)) })
    }

    fn guarded(&self, found: &Map) -> Result<(), Refusal> {
        let wrong: Vec<(String, String)> = self
            .guard
            .iter()
            .filter(|guard| {
                let now = found.get(&guard.column);
                now.is_none_or(|now| self.kind.way(&guard.column).alike(now, &guard.value) != Some(true))
            })
            .map(|guard| (guard.column.to_string(), found.get(&guard.column).map_or(NOT_THERE.into(), Value::shown)))
            .collect();
        let Some((field, value)) = wrong.first() else { return Ok(()) };
        let wanted = self.guard.iter().find(|g| *g.column == **field).map_or_else(String::new, |g| g.value.shown());
        let message = format!("{} is changed only if {field} is {wanted}, and it is {value}", self.subject());
        Err(Refusal { message, seen: wrong })
    }

    fn nothing(&self, before: Option<Map>, after: Option<Map>) -> Difference {
        Difference { state: after.clone().unwrap_or_default(), ..self.made(Act::Nothing, before, after) }
    }

    fn made(&self, act: Act, before: Option<Map>, after: Option<Map>) -> Difference {
        let change = RowChange {
            table: self.table.clone(),
            key: self.key.clone(),
            before,
            after,
            by_rule: false,
            stamps: Vec::new(),
        };
        Difference { act, change, changes: Map::default(), removed: Vec::new(), state: Map::default() }
    }

    /// The one call that brings the difference about, and how an `http` step would say it. `answer` is the read that the
    /// difference rests on: where it came with an ETag, nobody else's change is overwritten.
    pub fn writing(
        &self,
        answer: &Value,
        found: Option<&Map>,
        difference: &Difference,
        known: &dyn Known,
    ) -> Result<(Call, HttpSpec), Trouble> {
        let (word, template) = match difference.act {
            Act::Create => ("create", &self.kind.create),
            Act::Remove => ("remove", &self.kind.remove),
            Act::Write | Act::Nothing => ("write", &self.kind.write),
        };
        let Some(template) = template else {
            return misfit(self.at, format!("`{}` says no `{word}:`, so this cannot be done", self.table));
        };
        let spec = self.spec(template);
        let map = |map: &Map| Value::from(map.clone());
        let scope = self
            .scope
            .clone()
            .with("read", answer.clone())
            .with("before", found.map_or(Value::NULL, map))
            .with("state", map(&difference.state))
            .with("changes", map(&difference.changes))
            .with("removed", Value::list(difference.removed.iter().map(|name| Value::text(name.clone()))));
        let mut call = Resolver::new(&scope, known).call(&spec).map_err(|t| self.within(word, t))?;
        call.resource = self.read.resource.clone();
        if call.body.is_none() {
            call.body = body(call.method, difference);
        }
        if let (Some(tag), Act::Write | Act::Remove) = (etag(answer), difference.act)
            && !call.headers.iter().any(|(name, _)| name.eq_ignore_ascii_case(IF_MATCH))
        {
            call.headers.push((IF_MATCH.into(), Value::text(tag)));
        }
        Ok((call, spec))
    }

    /// Whether the change has come into force: `ready` of the kind, if nothing says that it never will.
    pub fn readiness(&self, answer: &Value, state: Option<&Map>) -> Result<Readiness, Trouble> {
        let scope = self
            .scope
            .clone()
            .with("read", answer.clone())
            .with("state", state.map_or(Value::NULL, |state| Value::from(state.clone())));
        let gives_up = self
            .kind
            .fail_when
            .iter()
            .map(|e| (e, "the resource's "))
            .chain(self.fail_when.iter().map(|e| (e, "its ")));
        for (expression, whose) in gives_up.filter(|_| state.is_some()) {
            if let Some((true, seen)) = self.holds("fail_when", expression, &scope)? {
                let words = format!("{whose}`fail_when` holds: {}", expression.scalar().text.trim());
                return Ok(Readiness::Failed(words, seen));
            }
        }
        let Some(ready) = self.kind.ready.as_ref().filter(|_| !matches!(self.wish, Wish::Absent)) else {
            return Ok(Readiness::Ready);
        };
        if state.is_none() {
            return Ok(Readiness::NotYet("it is not there yet".into(), Vec::new()));
        }
        Ok(match self.holds("ready", ready, &scope)? {
            Some((true, _)) => Readiness::Ready,
            Some((false, seen)) => {
                Readiness::NotYet(format!("it does not hold that {}", ready.scalar().text.trim()), seen)
            }
            None => Readiness::NotYet("that cannot be told".into(), Vec::new()),
        })
    }

    fn holds(&self, word: &str, expression: &Expression, scope: &Scope) -> Result<Option<(bool, Seen)>, Trouble> {
        let judgement = resolve::judge(expression, scope).map_err(|f| self.failed(word, &f))?;
        let seen = judgement.seen.iter().map(|(path, value)| (path.to_string(), value.shown())).collect();
        Ok(judgement.holds.map(|holds| (holds, seen)))
    }

    /// The kind stands in another file than the step: its place is told in words.
    fn failed(&self, word: &str, failure: &Failure) -> Trouble {
        Trouble::Misfit { message: format!("`{word}` of `{}`: {}", self.table, failure.message), at: self.at }
    }

    pub(super) fn within(&self, word: &str, trouble: Trouble) -> Trouble {
        within(&self.table, word, self.at, trouble)
    }

    /// What a look says of a change that may have been made.
    pub fn standing(&self, found: Option<&Map>, change: &RowChange) -> Standing {
        if self.is_like(found, change.after.as_ref(), change.before.as_ref()) {
            Standing::After
        } else if self.is_like(found, change.before.as_ref(), change.after.as_ref()) {
            Standing::Before
        } else {
            Standing::Neither
        }
    }

    /// As one side of a change: its fields are so, and those that only the other side has are not there. Of a new one only
    /// the fields that can be read back count: what it was made with may be nowhere to be seen.
    fn is_like(&self, found: Option<&Map>, side: Option<&Map>, other: Option<&Map>) -> bool {
        let (found, side) = match (found, side) {
            (None, None) => return true,
            (Some(found), Some(side)) => (found, side),
            _ => return false,
        };
        let as_made = other.is_none();
        side.iter().all(|(name, value)| match found.get(name) {
            Some(now) => self.kind.way(name).alike(now, value) == Some(true),
            None => as_made && !self.wants(name),
        }) && other.into_iter().flatten().all(|(name, _)| side.contains_key(name) || !found.contains_key(name))
    }

    fn wants(&self, field: &str) -> bool {
        matches!(&self.wish, Wish::State { set, .. } if set.contains_key(field))
    }

    /// The fields that are not as they were to be, for people: name, wanted, found.
    pub fn unlike(&self, found: Option<&Map>, change: &RowChange) -> Vec<(String, String, String)> {
        let (Some(found), Some(after)) = (found, &change.after) else {
            let words = |there: bool| if there { "there" } else { NOT_THERE }.to_owned();
            let (wanted, is) = (change.after.is_some(), found.is_some());
            return if wanted == is { Vec::new() } else { vec![(String::new(), words(wanted), words(is))] };
        };
        let shown = |side: Option<&Value>| side.map_or(NOT_THERE.to_owned(), Value::shown);
        let gone = change.before.iter().flatten().map(|(name, _)| name).filter(|name| !after.contains_key(name));
        let names = after.keys().chain(gone);
        let differs = |name: &&Arc<str>| match (found.get(name), after.get(name)) {
            (Some(now), Some(wanted)) => self.kind.way(name).alike(now, wanted) != Some(true),
            (None, Some(_)) => change.before.is_some() || self.wants(name),
            (now, None) => now.is_some(),
        };
        names.filter(differs).map(|name| (name.to_string(), shown(after.get(name)), shown(found.get(name)))).collect()
    }
}

type Seen = Vec<(String, String)>;

/// Places in another file are told in words.
pub(super) fn within(table: &TableName, word: &str, at: Span, trouble: Trouble) -> Trouble {
    let message = match trouble {
        Trouble::Expression(failure) => failure.message.clone(),
        Trouble::Misfit { message, .. } => message,
    };
    Trouble::Misfit { message: format!("`{word}` of `{table}`: {message}"), at }
}

fn accept(status: crate::read::http::Status, at: Span) -> crate::read::http::Accept {
    crate::read::http::Accept { status, because: None, at }
}

const IF_MATCH: &str = "if-match";
const NOT_THERE: &str = "not there";

/// The version of what was read, where the service says one by which it can be held to it. A weak one (`W/"…"`) never
/// matches.
pub fn etag(answer: &Value) -> Option<Arc<str>> {
    let tag = answer.get("headers")?.get("etag")?;
    let tag = tag.as_str()?;
    (tag.starts_with('"')).then(|| tag.into())
}

/// The version that a request is held to, if this is the header that says it. `*` is none.
pub fn if_match(name: &str, value: &Value) -> Option<Arc<str>> {
    let tag = value.as_str().filter(|_| name.eq_ignore_ascii_case(IF_MATCH))?;
    tag.starts_with('"').then(|| tag.into())
}

/// The version that a call is held to.
pub fn held_to(call: &Call) -> Option<Arc<str>> {
    call.headers.iter().find_map(|(name, value)| if_match(name, value))
}

/// Holds a call to this version instead of the one that it is held to.
pub fn hold_to(call: &mut Call, version: &Arc<str>) {
    call.headers.retain(|(name, _)| !name.eq_ignore_ascii_case(IF_MATCH));
    call.headers.push((IF_MATCH.into(), Value::text(version.clone())));
}

/// What a call sends that has no body of its own.
fn body(method: &str, difference: &Difference) -> Option<Value> {
    match method {
        "PATCH" => {
            let mut merge = difference.changes.clone();
            merge.extend(difference.removed.iter().map(|name| (name.clone(), Value::NULL)));
            Some(merge.into())
        }
        "PUT" | "POST" => Some(difference.state.clone().into()),
        _ => None,
    }
}
