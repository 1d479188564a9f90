//! Taking a change of a resource back: the fields that were changed get their old values, if they are still as they were
//! left.

use super::{read, way_back};
use crate::{
    action::{
        kinds::Act,
        resource::{
            ResourceKind,
            deed::{Resource, Standing},
        },
        step::Step,
    },
    base::value::{Map, Value},
    effect::{
        change::RowChange,
        left::{self, LeftAlone, Stays, Versions},
    },
    engine::{
        drive::{Driver, Halt, Went},
        outline::Place,
        setting::Setting,
        trouble::Trouble,
        undo,
    },
    journal::words::Outcome,
    plan::Reversal,
    template::Scope,
};
use std::sync::Arc;

/// What is to be done about a change of another run.
pub enum Return {
    /// It is as it was before.
    Already,
    /// It is as it was left: it can be taken back.
    Open,
    /// Somebody changed it since.
    Newer(Box<LeftAlone>),
}

/// What another run left.
#[derive(Clone, Debug)]
pub struct Left {
    /// The fields that it changed.
    pub change: RowChange,
    /// All fields of a thing that it made, as they were seen then: what its service filled in, too.
    pub whole: Option<Map>,
}

/// The call that taking this change back needs, and that the kind does not have.
pub(super) fn missing(kind: &ResourceKind, change: &RowChange) -> Option<String> {
    let (word, what, there) = match (&change.before, &change.after) {
        (None, _) => ("remove", "a new one", kind.remove.is_some()),
        (_, None) => ("create", "a removed one", kind.create.is_some()),
        _ => ("write", "a changed one", kind.write.is_some()),
    };
    (!there).then(|| format!("{what} would need a `{word}:`, which the resource does not have"))
}

/// Why it cannot be taken back; nothing when it can.
pub fn fixed(setting: &Setting, step: &Step, change: &RowChange, scope: &Scope) -> Option<Stays> {
    let resource = match resource(setting, step, change, scope) {
        Ok(resource) => resource,
        Err(trouble) => return Some(trouble.message().into()),
    };
    match way_back(&resource, change) {
        Reversal::Irreversible(why) => {
            Some(Stays::foreseen(why.unwrap_or_else(|| "the resource says no way back".into())))
        }
        _ => None,
    }
}

/// The resource as it was before the change: its key out of the images, and nothing evaluated anew but where to find it.
pub fn resource(setting: &Setting, step: &Step, change: &RowChange, scope: &Scope) -> Result<Resource, Trouble> {
    let Act::Resource(spec) = &step.act else {
        return Err(Trouble::Step { message: "it is no resource".into(), at: step.act_at, help: Vec::new() });
    };
    let made = crate::action::resource::restored(spec, change, scope, setting);
    made.map_err(|trouble| Trouble::of_resolving(trouble, &setting.source))
}

/// The change, the other way round.
pub fn reversed(change: &RowChange) -> RowChange {
    RowChange { before: change.after.clone(), after: change.before.clone(), ..change.clone() }
}

/// Where it stands between the two runs. What was made would be removed whole, so all of it must be as it was seen then.
pub fn standing(resource: &Resource, left: &Left, found: Option<&Map>) -> Return {
    let Left { change, whole } = left;
    let made_so = |whole: &Map| {
        let after = change.after.iter().flatten().filter(|(name, _)| whole.contains_key(name));
        let seen = whole.iter().chain(after).map(|(name, value)| (name.clone(), value.clone())).collect();
        RowChange { after: Some(seen), ..change.clone() }
    };
    let made = whole.as_ref().map(made_so);
    match resource.standing(found, &reversed(change)) {
        Standing::After => Return::Already,
        Standing::Before => match made.map(|made| newer(resource, &made, found, found)) {
            Some(newer) if !newer.columns.is_empty() => Return::Newer(Box::new(newer)),
            _ => Return::Open,
        },
        Standing::Neither => Return::Newer(Box::new(match &made {
            Some(made) => newer(resource, made, found, found),
            None => newer(resource, change, found, None),
        })),
    }
}

/// What stands in the way, field by field in its three versions: of the change's fields, and of `more`.
fn newer(resource: &Resource, change: &RowChange, found: Option<&Map>, more: Option<&Map>) -> LeftAlone {
    let side = |state: Option<&Map>, field: &Arc<str>| state.and_then(|state| state.get(field)).cloned();
    let fields = change.after.iter().chain(&change.before).chain(more).flat_map(|row| row.keys());
    let mut columns: Vec<Versions> = Vec::new();
    for field in fields {
        let (ours, now) = (side(change.after.as_ref(), field), side(found, field));
        let same = match (&ours, &now) {
            (Some(ours), Some(now)) => resource.kind.way(field).alike(now, ours) == Some(true),
            (None, None) => true,
            _ => false,
        };
        if !same && found.is_some() && !columns.iter().any(|known| known.column == *field) {
            columns.push(Versions { column: field.clone(), before: side(change.before.as_ref(), field), ours, now });
        }
    }
    let why = match (&change.after, found) {
        (Some(_), None) => "it is not there any more",
        (None, Some(_)) => "another one has its key now",
        _ if more.is_some() && change.before.is_none() => {
            "it would be removed whole, and not all of it is as it was made (what its service changes by itself belongs to the resource's `ignore:`)"
        }
        _ => "somebody changed it since",
    };
    LeftAlone { table: change.table.clone(), key: change.key.clone(), why: why.into(), columns }
}

impl Driver<'_> {
    /// Writes the old values of what another run changed, if nobody has changed them since.
    pub(in crate::engine) async fn bring_back(
        &mut self,
        place: &Place,
        step: &Step,
        from: &Left,
    ) -> Result<Went, Halt> {
        self.close_readers().await;
        let resource = resource(self.setting, step, &from.change, &self.scope)?;
        let (_, found) = read(self.setting, step, &place.path, &resource, self.watch).await?;
        let left = match standing(&resource, from, found.as_ref()) {
            Return::Open => return self.bring(place, step, &resource).await,
            Return::Already => Vec::new(),
            Return::Newer(left) => vec![*left],
        };
        let message = undo::left_words(&left);
        let response = left.is_empty().then(|| "as it was before".to_owned());
        let value: Value = left::store(&left);
        Ok(Went { outcome: Outcome::Unchanged, value: Some(value), message, response })
    }
}
