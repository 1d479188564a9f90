//! Things behind an API that have a state: read, compared, written with one call, read again until they show it.
//!
//! To plans, drift, the journal and undo a resource is a row: `api.kind`, a key, images. Here is what is particular: the
//! calls are judged as those of an `http` step; a lost answer is found out by reading; what was written is waited for.

mod back;
mod look;
mod set;

pub use back::{Left, Return, fixed, resource, standing as standing_of_return};

use super::{
    outgoing,
    setting::Setting,
    trouble::{Missed, Trouble},
    watch::Watch,
};
use crate::{
    action::{
        deed::Outgoing,
        kinds::Act,
        resource::{
            Presence, ResourceKind,
            deed::{Refusal, Resource, if_match},
        },
        step::Step,
    },
    base::value::{Map, Value},
    effect::change::RowChange,
    plan::Reversal,
    read::http::HttpSpec,
};
use std::sync::Arc;

/// Its lost answers are found out by reading it again.
pub const BY_STATE: &str = "resource";
/// The same, and the request held the service to the version that was read: a late one cannot do harm.
pub const BY_VERSION: &str = "resource-if-match";

/// The class is one of resources.
pub fn is_class(class: &str) -> bool {
    matches!(class, BY_STATE | BY_VERSION)
}

/// The version that a recorded request was held to, where it was.
pub fn held_to(class: Option<&str>, request: Option<&Value>) -> Option<Arc<str>> {
    let headers = request.filter(|_| class == Some(BY_VERSION))?.get("headers")?;
    let named = |pair: &Value| {
        let pair = pair.as_list()?;
        if_match(pair.first()?.as_str()?, pair.get(1)?)
    };
    headers.as_list()?.iter().find_map(named)
}

/// A call of a resource as the `http` step that says the same: so it is judged and retried as one.
pub fn as_http(step: &Step, spec: HttpSpec) -> Step {
    let mut common = step.common.clone();
    (common.when, common.is, common.probe, common.undo) = (None, None, None, None);
    Step { common, act: Act::Http(spec), act_at: step.act_at }
}

/// The question that reads it, and the step that judges the answer.
pub fn question(step: &Step, resource: &Resource) -> (Step, Outgoing) {
    (as_http(step, resource.reading()), Outgoing::Call(resource.read.clone()))
}

/// Reads it: the whole answer, and its fields.
pub async fn read(
    setting: &Setting,
    step: &Step,
    path: &str,
    resource: &Resource,
    watch: Watch<'_>,
) -> Result<(Value, Option<Map>), Trouble> {
    let (step, question) = question(step, resource);
    let read = outgoing::read(setting, &step, path, &question, watch).await;
    let answer = read.map_err(|trouble| Trouble::Call(Box::new(trouble)))?;
    let state = state(setting, resource, &answer)?;
    Ok((answer, state))
}

/// The fields out of an answer.
pub fn state(setting: &Setting, resource: &Resource, answer: &Value) -> Result<Option<Map>, Trouble> {
    resource.state(answer).map_err(|trouble| Trouble::of_resolving(trouble, &setting.source))
}

/// What stands in the way, as a step says it.
pub fn refused(resource: &Resource, refusal: Refusal) -> Trouble {
    Trouble::Missed(Missed { message: refusal.message, seen: refusal.seen, at: resource.at })
}

/// The result of a step that only reads; an error where there are not as many as expected.
pub fn known(resource: &Resource, presence: Presence, state: Option<&Map>) -> Result<Value, Trouble> {
    let message = match (presence, state) {
        (Presence::One, None) => format!("there is no {}", resource.subject()),
        (Presence::None, Some(_)) => format!("there is a {}", resource.subject()),
        (_, state) => return Ok(state.map_or(Value::NULL, |state| Value::from(state.clone()))),
    };
    Err(Trouble::Missed(Missed { message, seen: Vec::new(), at: resource.at }))
}

/// In a few words for people.
pub fn summary(state: &Value) -> String {
    match state.as_map().map(|fields| fields.len()) {
        Some(1) => "1 field".into(),
        Some(fields) => format!("{fields} fields"),
        None => "not there".into(),
    }
}

/// How a change of a resource is taken back, beyond what its step says.
pub fn way_back(resource: &Resource, change: &RowChange) -> Reversal {
    let kind = &resource.kind;
    match (way_back_of_kind(kind), back::missing(kind, change)) {
        (Reversal::SameWay, Some(why)) => Reversal::Irreversible(Some(why)),
        (way, _) => way,
    }
}

/// The same, before it is known what the change is.
pub fn way_back_of_kind(kind: &ResourceKind) -> Reversal {
    if let Some(why) = &kind.irreversible {
        return Reversal::Irreversible(Some(why.scalar().text.split_whitespace().collect::<Vec<_>>().join(" ")));
    }
    if kind.undo.is_some() { Reversal::SameWay } else { Reversal::Irreversible(None) }
}
