//! A `resource` step and the values known when it starts → a resource.

use super::{
    KindOf, Presence, ResourceSpec,
    deed::{Patience, Resource, Wish, within},
    kind::ResourceKind,
};
use crate::{
    action::{
        change::Guard,
        resolve::{Known, Resolver, Trouble, misfit},
    },
    base::{
        shape::Length,
        value::{Map, Value},
    },
    effect::change::{RowChange, TableName},
    template::{Datum, Scope},
};
use std::{sync::Arc, time::Duration};

/// The kind that a step names, and what plans call it.
pub fn kind(
    spec: &ResourceSpec,
    id: Option<&str>,
    known: &dyn Known,
) -> Result<(Arc<ResourceKind>, TableName), Trouble> {
    let Some(of) = spec.kind() else { return misfit(spec.at, "`resource` needs `read:` or `set:`, and not both") };
    let (kind, name): (Arc<ResourceKind>, Arc<str>) = match of {
        KindOf::Here(kind) => (Arc::new((**kind).clone()), id.unwrap_or("resource").into()),
        KindOf::Named(word) => match known.resource(word.as_str()) {
            Some(kind) => (kind, word.text.clone()),
            None => return misfit(word.span, format!("the project file has no resource `{}`", word.as_str())),
        },
    };
    let table = TableName { connection: kind.api.text.clone(), table: name };
    Ok((kind, table))
}

/// The resource as it was before a change of it: of its own step only the kind counts, the key comes out of the images.
pub fn restored(
    spec: &ResourceSpec,
    change: &RowChange,
    scope: &Scope,
    known: &dyn Known,
) -> Result<Resource, Trouble> {
    let (kind, _) = kind(spec, None, known)?;
    let wish = match (&change.before, &change.after) {
        (None, _) => Wish::Absent,
        (Some(before), None) => Wish::State { set: before.clone(), without: Vec::new(), create: Some(Map::default()) },
        (Some(before), Some(after)) => {
            let changed = |name: &Arc<str>| after.get(name) != before.get(name);
            let set = before.iter().filter(|(name, _)| changed(name)).map(|(n, v)| (n.clone(), v.clone())).collect();
            let without = after.keys().filter(|name| !before.contains_key(name)).cloned().collect();
            Wish::State { set, without, create: None }
        }
    };
    let of = Of { table: change.table.clone(), key: change.key.clone(), wish, guard: Vec::new() };
    of.resource(spec, kind, scope, known)
}

/// What makes a resource one: its name, which one, and what is to become of it.
struct Of {
    table: TableName,
    key: Map,
    wish: Wish,
    guard: Vec<Guard>,
}

impl Of {
    fn resource(
        self,
        spec: &ResourceSpec,
        kind: Arc<ResourceKind>,
        scope: &Scope,
        known: &dyn Known,
    ) -> Result<Resource, Trouble> {
        let scope = scope.clone().with("key", Value::from(self.key.clone()));
        let mut read = kind.read.0.clone();
        read.api = kind.api.clone();
        let mut read = Resolver::new(&scope, known).call(&read).map_err(|t| within(&self.table, "read", spec.at, t))?;
        if let Some(KindOf::Named(word)) = spec.kind() {
            read.resource = Some(word.text.clone());
        }
        let patience = patience(spec, &kind);
        let fail_when = spec.fail_when.clone();
        let Of { table, key, wish, guard } = self;
        Ok(Resource { kind, table, key, wish, guard, read, patience, scope, fail_when, at: spec.at })
    }
}

impl Resolver<'_> {
    /// Everything that the step itself says; the kind's expressions wait for the answer.
    pub(in crate::action) fn resource(&mut self, spec: &ResourceSpec, id: Option<&str>) -> Result<Resource, Trouble> {
        let (kind, table) = kind(spec, id, self.known)?;
        let key = self.named(&spec.key.entries)?;
        let guard = self
            .named(&spec.only_if.entries)?
            .into_iter()
            .zip(&spec.only_if.entries)
            .map(|((column, value), (_, datum))| Guard { column, value, at: datum.span() })
            .collect();
        let wish = self.wish(spec)?;
        Of { table, key, wish, guard }.resource(spec, kind, self.scope, self.known)
    }

    fn named(&mut self, entries: &[(crate::base::shape::Word, Datum)]) -> Result<Map, Trouble> {
        entries.iter().map(|(name, datum)| Ok((name.text.clone(), self.value(datum)?))).collect()
    }

    fn wish(&mut self, spec: &ResourceSpec) -> Result<Wish, Trouble> {
        if spec.is_read() {
            return Ok(Wish::Known(spec.expect.unwrap_or(Presence::One)));
        }
        if spec.removes() {
            return Ok(Wish::Absent);
        }
        let set = spec.state.as_ref().map(|datum| self.fields("state", datum)).transpose()?;
        let create = spec.create.as_ref().map(|datum| self.fields("create", datum)).transpose()?;
        // An expression that gives the whole map, and rests on something that is known later.
        if matches!(set, Some(None)) || matches!(create, Some(None)) {
            return Ok(Wish::Later);
        }
        let (set, create) = (set.flatten().unwrap_or_default(), create.flatten());
        let without = match &spec.without {
            None => Vec::new(),
            Some(datum) => {
                let names = self.value(datum)?;
                if names.is_unknown() {
                    return Ok(Wish::Later);
                }
                let Some(names) = names.as_list() else {
                    return misfit(datum.span(), "`without` takes a list of fields");
                };
                let name = |name: &Value| name.as_str().map(Arc::from);
                match names.iter().map(name).collect::<Option<Vec<Arc<str>>>>() {
                    Some(names) => names,
                    None => return misfit(datum.span(), "`without` takes a list of fields, each a text"),
                }
            }
        };
        if let Some(both) = without.iter().find(|name| set.contains_key(name)) {
            return misfit(spec.at, format!("`{both}` stands under `state` and under `without`"));
        }
        Ok(Wish::State { set, without, create })
    }

    /// A map of fields; nothing while it is not known.
    fn fields(&mut self, word: &str, datum: &Datum) -> Result<Option<Map>, Trouble> {
        let value = self.value(datum)?;
        match value.as_map() {
            Some(fields) => Ok(Some(fields.iter().map(|(n, v)| (n.clone(), v.clone().marked(value.marks))).collect())),
            None if value.is_unknown() => Ok(None),
            None => misfit(datum.span(), format!("`{word}` is {}, not a map of fields", value.kind())),
        }
    }
}

fn patience(spec: &ResourceSpec, kind: &ResourceKind) -> Patience {
    let seconds = Duration::from_secs;
    let or = |length: Option<Length>, usual: Duration| length.map_or(usual, |length| length.0);
    let usual = if kind.ready.is_some() { (seconds(5), seconds(600)) } else { (seconds(1), seconds(10)) };
    Patience {
        every: or(spec.every.or(kind.every), usual.0),
        at_most: or(spec.at_most.or(kind.at_most), usual.1),
        settle: kind.settle.map(|length| length.0),
    }
}
