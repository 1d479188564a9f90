//! Named values in the order of their source. A row is held by many at once (its image, the plan, the journal, a scope): copying it
//! copies nothing, and who changes it gets a copy of his own.
//!
//! Nearly all of them are rows and records of some ten or twenty names, and there are very many. So the names stand in a list and are
//! looked for one after the other; only a map of more names has an index beside it (a hash table for each row took half as much space
//! again, and the building of it more time than all looking up).

use super::value::Value;
use std::{
    collections::HashMap,
    fmt,
    ops::{Deref, DerefMut, Index, IndexMut},
    sync::Arc,
};

/// A map of more names than these has an index.
const LISTED: usize = 32;

/// Where each name stands. Hashed fast, and with a seed: names come from outside.
type Places = HashMap<Arc<str>, usize, foldhash::fast::RandomState>;

/// Column or attribute name to value, in the order of the source.
#[derive(Clone, Default, PartialEq)]
pub struct Map(Arc<Entries>);

/// The names with their values.
#[derive(Clone, Default)]
pub struct Entries {
    list: Vec<(Arc<str>, Value)>,
    places: Option<Box<Places>>,
}

impl Entries {
    /// How many there are.
    pub fn len(&self) -> usize {
        self.list.len()
    }

    /// There are none.
    pub fn is_empty(&self) -> bool {
        self.list.is_empty()
    }

    fn place(&self, name: &str) -> Option<usize> {
        match &self.places {
            Some(places) => places.get(name).copied(),
            None => self.list.iter().position(|(known, _)| **known == *name),
        }
    }

    /// The value of this name.
    pub fn get(&self, name: &str) -> Option<&Value> {
        self.place(name).map(|at| &self.list[at].1)
    }

    /// The same, to be changed.
    pub fn get_mut(&mut self, name: &str) -> Option<&mut Value> {
        self.place(name).map(|at| &mut self.list[at].1)
    }

    /// There is such a name.
    pub fn contains_key(&self, name: &str) -> bool {
        self.place(name).is_some()
    }

    /// Puts a value under a name: in the place of the one that stood there, or at the end.
    pub fn insert(&mut self, name: Arc<str>, value: Value) -> Option<Value> {
        if let Some(at) = self.place(&name) {
            return Some(std::mem::replace(&mut self.list[at].1, value));
        }
        if let Some(places) = &mut self.places {
            places.insert(name.clone(), self.list.len());
        }
        self.list.push((name, value));
        if self.places.is_none() && self.list.len() > LISTED {
            self.index();
        }
        None
    }

    fn index(&mut self) {
        let places = self.list.iter().enumerate().map(|(at, (name, _))| (name.clone(), at)).collect();
        self.places = Some(Box::new(places));
    }

    /// Takes a name out; the others keep their order.
    pub fn shift_remove(&mut self, name: &str) -> Option<Value> {
        let (_, value) = self.list.remove(self.place(name)?);
        if self.places.take().is_some() {
            self.index();
        }
        Some(value)
    }

    /// Keeps those of which `keep` holds.
    pub fn retain(&mut self, mut keep: impl FnMut(&Arc<str>, &mut Value) -> bool) {
        self.list.retain_mut(|(name, value)| keep(name, value));
        if self.places.take().is_some() {
            self.index();
        }
    }

    /// The first one.
    pub fn first(&self) -> Option<(&Arc<str>, &Value)> {
        self.list.first().map(|(name, value)| (name, value))
    }

    /// The one in this place, from 0.
    pub fn get_index(&self, at: usize) -> Option<(&Arc<str>, &Value)> {
        self.list.get(at).map(|(name, value)| (name, value))
    }

    /// All of them, in order.
    pub fn iter(&self) -> Iter<'_> {
        self.list.iter().map(|(name, value)| (name, value))
    }

    /// All of them, with values that may be changed.
    pub fn iter_mut(&mut self) -> IterMut<'_> {
        self.list.iter_mut().map(|(name, value)| (&*name, value))
    }

    /// The names, in order.
    pub fn keys(&self) -> impl ExactSizeIterator<Item = &Arc<str>> + DoubleEndedIterator + Clone {
        self.list.iter().map(|(name, _)| name)
    }

    /// The values, in order.
    pub fn values(&self) -> impl ExactSizeIterator<Item = &Value> + DoubleEndedIterator + Clone {
        self.list.iter().map(|(_, value)| value)
    }

    /// The values, to be changed.
    pub fn values_mut(&mut self) -> impl ExactSizeIterator<Item = &mut Value> {
        self.list.iter_mut().map(|(_, value)| value)
    }
}

/// Names and values, in order.
pub type Iter<'a> =
    std::iter::Map<std::slice::Iter<'a, (Arc<str>, Value)>, fn(&(Arc<str>, Value)) -> (&Arc<str>, &Value)>;
/// The same, with values that may be changed.
pub type IterMut<'a> =
    std::iter::Map<std::slice::IterMut<'a, (Arc<str>, Value)>, fn(&mut (Arc<str>, Value)) -> (&Arc<str>, &mut Value)>;

/// The same names with the same values, in whatever order.
impl PartialEq for Entries {
    fn eq(&self, other: &Entries) -> bool {
        // Mostly the names stand in the same order, and are the same texts in memory.
        let same = |(at, (name, value)): (usize, &(Arc<str>, Value))| match &other.list[at] {
            (own, beside) if Arc::ptr_eq(own, name) || own == name => beside == value,
            _ => other.get(name) == Some(value),
        };
        self.len() == other.len() && self.list.iter().enumerate().all(same)
    }
}

impl Index<&str> for Entries {
    type Output = Value;
    fn index(&self, name: &str) -> &Value {
        self.get(name).unwrap_or_else(|| panic!("there is no `{name}`"))
    }
}

impl IndexMut<&str> for Entries {
    fn index_mut(&mut self, name: &str) -> &mut Value {
        self.get_mut(name).unwrap_or_else(|| panic!("there is no `{name}`"))
    }
}

impl fmt::Debug for Entries {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_map().entries(self.iter()).finish()
    }
}

impl Map {
    /// With room for so many.
    pub fn with_capacity(count: usize) -> Map {
        Map(Arc::new(Entries { list: Vec::with_capacity(count), places: None }))
    }

    /// Of names no two of which are alike, as the columns of a table are: none is looked for. (A row of twenty columns would be compared with
    /// itself two hundred times.)
    pub fn of_unlike(entries: impl IntoIterator<Item = (Arc<str>, Value)>) -> Map {
        let entries = entries.into_iter();
        let mut list = Vec::with_capacity(entries.size_hint().0);
        list.extend(entries);
        debug_assert!((1..list.len()).all(|at| list[..at].iter().all(|(name, _)| *name != list[at].0)), "{list:?}");
        let mut map = Entries { list, places: None };
        if map.list.len() > LISTED {
            Entries::index(&mut map);
        }
        Map(Arc::new(map))
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
        let entries = entries.into_iter();
        let mut map = Entries { list: Vec::with_capacity(entries.size_hint().0), places: None };
        entries.for_each(|(name, value)| drop(map.insert(name, value)));
        Map(Arc::new(map))
    }
}

impl<const N: usize> From<[(Arc<str>, Value); N]> for Map {
    fn from(entries: [(Arc<str>, Value); N]) -> Map {
        entries.into_iter().collect()
    }
}

impl Extend<(Arc<str>, Value)> for Map {
    fn extend<I: IntoIterator<Item = (Arc<str>, Value)>>(&mut self, entries: I) {
        let map = Arc::make_mut(&mut self.0);
        entries.into_iter().for_each(|(name, value)| drop(map.insert(name, value)));
    }
}

impl IntoIterator for Map {
    type Item = (Arc<str>, Value);
    type IntoIter = std::vec::IntoIter<(Arc<str>, Value)>;
    fn into_iter(self) -> Self::IntoIter {
        Arc::unwrap_or_clone(self.0).list.into_iter()
    }
}

impl<'a> IntoIterator for &'a Map {
    type Item = (&'a Arc<str>, &'a Value);
    type IntoIter = Iter<'a>;
    fn into_iter(self) -> Self::IntoIter {
        self.0.iter()
    }
}

impl<'a> IntoIterator for &'a mut Map {
    type Item = (&'a Arc<str>, &'a mut Value);
    type IntoIter = IterMut<'a>;
    fn into_iter(self) -> Self::IntoIter {
        Arc::make_mut(&mut self.0).iter_mut()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

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

    proptest! {
        /// With few names and with so many that they have an index.
        #[test]
        fn it_does_what_a_map_in_order_does(deeds in prop::collection::vec((0..4u8, 0..90i64), 0..300)) {
            let (mut map, mut like) = (Map::default(), indexmap::IndexMap::<Arc<str>, i64>::new());
            for (deed, number) in deeds {
                let name: Arc<str> = format!("n{number}").into();
                match deed {
                    0 | 1 => {
                        let before = map.insert(name.clone(), Value::from(number * 2));
                        prop_assert_eq!(before.and_then(|v| v.as_int()), like.insert(name, number * 2));
                    }
                    2 => prop_assert_eq!(map.shift_remove(&name).and_then(|v| v.as_int()), like.shift_remove(&name)),
                    _ if number == 7 => {
                        map.retain(|name, _| !name.ends_with('3'));
                        like.retain(|name, _| !name.ends_with('3'));
                    }
                    _ => {
                        prop_assert_eq!(map.get(&name).and_then(Value::as_int), like.get(&name).copied());
                        prop_assert_eq!(map.contains_key(&name), like.contains_key(&name));
                    }
                }
                prop_assert_eq!(map.len(), like.len());
            }
            let all = |map: &Map| map.iter().map(|(n, v)| (n.clone(), v.as_int().unwrap())).collect::<Vec<_>>();
            prop_assert_eq!(all(&map), like.clone().into_iter().collect::<Vec<_>>());
            let backwards: Map = map.clone().into_iter().rev().collect();
            prop_assert!(backwards == map);
            let mut again = Map::of_unlike(map.clone());
            prop_assert!(again == map && again.places.is_some() == (again.len() > LISTED));
            if let Some((name, value)) = again.iter_mut().next() {
                *value = Value::text(format!("not {name}"));
                prop_assert!(again != map);
            }
        }
    }
}
