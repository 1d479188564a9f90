//! What names mean while an expression is evaluated: values, results of steps that were skipped, lazy `vars`, the clock.
//!
//! A scope is a chain of layers: cloning is one counter, a copy can be extended without touching the original.
//! It must not know where values come from.

use super::tree::Tree;
use crate::base::{time::Stamp, value::Value};
use indexmap::IndexMap;
use std::{fmt, sync::Arc};

/// What stands behind a name.
#[derive(Clone, Debug)]
pub enum Entry {
    /// A value; may be an unknown.
    Value(Value),
    /// The result of a step that did not run: only `is ran` and `is skipped` may look at it (decision 26).
    Skipped,
    /// The result of a step of which only apply will show whether it runs; any use is unknown.
    Undecided,
}

/// Named pure expressions, evaluated when used, inside the scope of the use.
pub type Vars = IndexMap<Arc<str>, Tree>;

/// Names → values. Cheap to clone; see the head of this file.
#[derive(Clone, Default)]
pub struct Scope(Arc<Layer>);

#[derive(Clone, Default)]
struct Layer {
    below: Option<Scope>,
    /// Few: the results of some steps. Each is looked for one after the other, which is faster than hashing it.
    names: Vec<(Arc<str>, Entry)>,
    vars: Option<Arc<Vars>>,
    now: Option<Stamp>,
}

impl Scope {
    /// No names at all.
    pub fn new() -> Scope {
        Scope::default()
    }

    /// The same scope with one more name; an earlier one of that name is hidden.
    pub fn with(mut self, name: impl Into<Arc<str>>, value: Value) -> Scope {
        self.insert(name, value);
        self
    }

    /// The same scope in which the step `name` did not run.
    pub fn with_skipped(mut self, name: impl Into<Arc<str>>) -> Scope {
        self.insert_entry(name.into(), Entry::Skipped);
        self
    }

    /// The same scope in which only apply will show whether the step `name` runs.
    pub fn with_undecided(mut self, name: impl Into<Arc<str>>) -> Scope {
        self.insert_entry(name.into(), Entry::Undecided);
        self
    }

    /// The same scope with these `vars` (in place of others).
    pub fn with_vars(mut self, vars: Arc<Vars>) -> Scope {
        self.top().vars = Some(vars);
        self
    }

    /// The same scope at this moment (UTC): what `now()` gives.
    pub fn with_now(mut self, now: Stamp) -> Scope {
        self.top().now = Some(now);
        self
    }

    /// Adds a name in place; clones made before do not see it.
    pub fn insert(&mut self, name: impl Into<Arc<str>>, value: Value) {
        self.insert_entry(name.into(), Entry::Value(value));
    }

    /// Adds any entry in place; clones made before do not see it.
    pub fn insert_entry(&mut self, name: Arc<str>, entry: Entry) {
        let names = &mut self.top().names;
        match names.iter_mut().find(|(known, _)| *known == name) {
            Some((_, known)) => *known = entry,
            None => names.push((name, entry)),
        }
    }

    /// The top layer, ours alone: one that others hold too becomes the layer below a new one.
    fn top(&mut self) -> &mut Layer {
        if Arc::get_mut(&mut self.0).is_none() {
            let below = Scope(self.0.clone());
            self.0 = Arc::new(Layer { below: Some(below), ..Layer::default() });
        }
        Arc::make_mut(&mut self.0)
    }

    fn layers(&self) -> impl Iterator<Item = &Layer> {
        std::iter::successors(Some(&*self.0), |layer| layer.below.as_ref().map(|below| &*below.0))
    }

    /// What stands behind a name, with the name as stored.
    pub fn entry(&self, name: &str) -> Option<(&Arc<str>, &Entry)> {
        let found = |layer: &'_ Layer| layer.names.iter().position(|(known, _)| **known == *name);
        self.layers().find_map(|layer| found(layer).map(|at| (&layer.names[at].0, &layer.names[at].1)))
    }

    /// The value of a name, if it has one.
    pub fn get(&self, name: &str) -> Option<&Value> {
        match self.entry(name) {
            Some((_, Entry::Value(value))) => Some(value),
            _ => None,
        }
    }

    /// All values that have a name, those too that a later one hides.
    pub fn values(&self) -> impl Iterator<Item = &Value> {
        let entries = self.layers().flat_map(|layer| layer.names.iter().map(|(_, entry)| entry));
        entries.filter_map(|entry| if let Entry::Value(value) = entry { Some(value) } else { None })
    }

    /// All names, each once, `vars` among them when there are any.
    pub fn names(&self) -> Vec<&str> {
        let mut all: Vec<&str> = self.layers().flat_map(|layer| layer.names.iter().map(|(name, _)| &**name)).collect();
        if self.vars().is_some() {
            all.push("vars");
        }
        all.sort_unstable();
        all.dedup();
        all
    }

    /// The lazy expressions behind `vars.…`.
    pub fn vars(&self) -> Option<&Arc<Vars>> {
        self.layers().find_map(|layer| layer.vars.as_ref())
    }

    /// The moment that `now()` gives.
    pub fn now(&self) -> Option<Stamp> {
        self.layers().find_map(|layer| layer.now)
    }
}

impl fmt::Debug for Scope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Scope").field(&self.names()).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_copy_can_be_extended_without_touching_the_original() {
        let mut first = Scope::new().with("a", Value::from(1)).with("b", Value::from(2));
        let copy = first.clone();
        first.insert("a", Value::from(9));
        assert_eq!(first.get("a").and_then(Value::as_int), Some(9));
        assert_eq!(copy.get("a").and_then(Value::as_int), Some(1));
        let more = copy.clone().with_skipped("b").with_now(Stamp::new(5));
        assert!(more.get("b").is_none() && copy.get("b").is_some() && copy.now().is_none());
        assert_eq!(more.names(), ["a", "b"]);
    }
}
