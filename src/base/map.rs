//! Named values in the order of their source. A row is held by many at once (its image, the plan, the journal, a scope): copying it
//! copies nothing, and who changes it gets a copy of his own.

use super::value::Value;
use indexmap::IndexMap;
use std::{
    fmt,
    ops::{Deref, DerefMut},
    sync::Arc,
};

/// Hashed fast, and with a seed: names come from outside.
type Entries = IndexMap<Arc<str>, Value, foldhash::fast::RandomState>;

/// Column or attribute name to value, in the order of the source.
#[derive(Clone, Default, PartialEq)]
pub struct Map(Arc<Entries>);

impl Map {
    /// With room for so many.
    pub fn with_capacity(count: usize) -> Map {
        Map(Arc::new(Entries::with_capacity_and_hasher(count, Default::default())))
    }
}

impl Deref for Map {
    type Target = Entries;
    fn deref(&self) -> &Entries {
        &self.0
    }
}

impl DerefMut for Map {
    fn deref_mut(&mut self) -> &mut Entries {
        Arc::make_mut(&mut self.0)
    }
}

impl fmt::Debug for Map {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl FromIterator<(Arc<str>, Value)> for Map {
    fn from_iter<I: IntoIterator<Item = (Arc<str>, Value)>>(entries: I) -> Map {
        Map(Arc::new(entries.into_iter().collect()))
    }
}

impl<const N: usize> From<[(Arc<str>, Value); N]> for Map {
    fn from(entries: [(Arc<str>, Value); N]) -> Map {
        entries.into_iter().collect()
    }
}

impl Extend<(Arc<str>, Value)> for Map {
    fn extend<I: IntoIterator<Item = (Arc<str>, Value)>>(&mut self, entries: I) {
        Arc::make_mut(&mut self.0).extend(entries);
    }
}

impl IntoIterator for Map {
    type Item = (Arc<str>, Value);
    type IntoIter = indexmap::map::IntoIter<Arc<str>, Value>;
    fn into_iter(self) -> Self::IntoIter {
        Arc::unwrap_or_clone(self.0).into_iter()
    }
}

impl<'a> IntoIterator for &'a Map {
    type Item = (&'a Arc<str>, &'a Value);
    type IntoIter = indexmap::map::Iter<'a, Arc<str>, Value>;
    fn into_iter(self) -> Self::IntoIter {
        self.0.iter()
    }
}

impl<'a> IntoIterator for &'a mut Map {
    type Item = (&'a Arc<str>, &'a mut Value);
    type IntoIter = indexmap::map::IterMut<'a, Arc<str>, Value>;
    fn into_iter(self) -> Self::IntoIter {
        Arc::make_mut(&mut self.0).iter_mut()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_changes_a_copy_changes_nothing_of_the_other() {
        let one: Map = [("b".into(), Value::from(1)), ("a".into(), Value::from(2))].into();
        let mut other = one.clone();
        other.insert("b".into(), Value::from(3));
        other.extend([("c".into(), Value::from(4))]);
        (&mut other).into_iter().for_each(|(_, value)| *value = value.clone().marked(crate::base::value::Marks::CLOCK));
        let names = |map: &Map| map.keys().map(|k| k.to_string()).collect::<String>();
        assert_eq!((names(&one), names(&other)), ("ba".into(), "bac".into()));
        assert_eq!((one["b"].as_int(), other["b"].as_int()), (Some(1), Some(3)));
        assert!(one.values().all(|value| value.marks == crate::base::value::Marks::NONE));
        assert_eq!(format!("{one:?}"), format!("{:?}", &*one));
        assert_eq!(one.clone().into_iter().count(), one.len());
    }
}
