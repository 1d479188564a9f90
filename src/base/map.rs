//! Named values in the order of their source. A row is held by many at once (its image, the plan, the journal, a scope): copying it
//! copies nothing, and who changes it gets a copy of his own.
//!
//! Nearly all of them are rows and records of some ten or twenty names, there are very many, and all rows of a table have the same names.
//! So the names stand in a list of their own, which those rows share, and are looked for one after the other. Only more of them have an index
//! beside the list (a hash table for each row took half as much space again, and the building of it more time than all looking up).

use super::value::Value;
use std::{
    collections::HashMap,
    fmt, iter,
    ops::{Deref, DerefMut, Index, IndexMut},
    slice,
    sync::{Arc, OnceLock},
    vec,
};

/// More names than these have an index.
const LISTED: usize = 32;

/// Where each name stands. Hashed fast, and with a seed: names come from outside.
type Places = HashMap<Arc<str>, usize, foldhash::fast::RandomState>;

/// Names no two of which are alike, in order: the columns of a table. Copying them copies nothing, and maps of the same names share them:
/// each name that a row held for itself was counted up and down by all threads, a fifteenth of all their time.
#[derive(Clone)]
pub struct Names(Arc<Listed>);

#[derive(Default)]
struct Listed {
    list: Vec<Arc<str>>,
    places: Option<Box<Places>>,
    /// Once somebody asked.
    looks: OnceLock<Looks>,
}

/// What whoever writes names wants to know of all of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Looks {
    /// One of them begins with `$`.
    pub dollar: bool,
    /// In a JSON text each of them stands as it is: no quote, no backslash, no control character.
    pub plain: bool,
}

/// To be changed: how its names look will have to be asked again.
impl Clone for Listed {
    fn clone(&self) -> Listed {
        Listed { list: self.list.clone(), places: self.places.clone(), looks: OnceLock::new() }
    }
}

thread_local! {
    /// A map that is to be filled has no list of its own before.
    static NONE: Names = Names(Arc::default());
}

impl Default for Names {
    fn default() -> Names {
        // Threads that end may still need one.
        NONE.try_with(Names::clone).unwrap_or_else(|_| Names(Arc::default()))
    }
}

impl Deref for Names {
    type Target = [Arc<str>];
    fn deref(&self) -> &[Arc<str>] {
        &self.0.list
    }
}

impl Names {
    /// Of names no two of which are alike: none is looked for. (Twenty columns would be compared two hundred times.)
    pub fn of_unlike(names: Vec<Arc<str>>) -> Names {
        debug_assert!((1..names.len()).all(|at| names[..at].iter().all(|name| *name != names[at])), "{names:?}");
        let mut listed = Listed { list: names, ..Listed::default() };
        if listed.list.len() > LISTED {
            listed.index();
        }
        Names(Arc::new(listed))
    }

    /// Where a name stands, from 0.
    pub fn place(&self, name: &str) -> Option<usize> {
        match &self.0.places {
            Some(places) => places.get(name).copied(),
            None => self.0.list.iter().position(|known| **known == *name),
        }
    }

    /// The same list in memory: the same names in the same order. That it is another one says nothing.
    pub fn is(&self, other: &Names) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }

    /// How they look.
    pub fn looks(&self) -> Looks {
        *self.0.looks.get_or_init(|| Looks {
            dollar: self.iter().any(|name| name.starts_with('$')),
            plain: !self.iter().any(|name| name.bytes().any(|byte| matches!(byte, b'"' | b'\\' | 0..0x20))),
        })
    }

    /// One more at the end, which is not there yet.
    pub(super) fn push(&mut self, name: Arc<str>) {
        let listed = Arc::make_mut(&mut self.0);
        listed.looks = OnceLock::new();
        if let Some(places) = &mut listed.places {
            places.insert(name.clone(), listed.list.len());
        }
        listed.list.push(name);
        if listed.places.is_none() && listed.list.len() > LISTED {
            listed.index();
        }
    }

    fn remove(&mut self, at: usize) {
        let listed = Arc::make_mut(&mut self.0);
        listed.looks = OnceLock::new();
        listed.list.remove(at);
        if listed.places.take().is_some() {
            listed.index();
        }
    }
}

impl Listed {
    fn index(&mut self) {
        let places = self.list.iter().enumerate().map(|(at, name)| (name.clone(), at)).collect();
        self.places = Some(Box::new(places));
    }
}

impl fmt::Debug for Names {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.list.fmt(f)
    }
}

/// Column or attribute name to value, in the order of the source.
#[derive(Clone, Default, PartialEq)]
pub struct Map(Arc<Entries>);

/// The names with their values.
#[derive(Clone, Default)]
pub struct Entries {
    names: Names,
    values: Vec<Value>,
}

impl Entries {
    /// How many there are.
    pub fn len(&self) -> usize {
        self.values.len()
    }

    /// There are none.
    pub fn is_empty(&self) -> bool {
        self.values.is_empty()
    }

    /// The value of this name.
    pub fn get(&self, name: &str) -> Option<&Value> {
        self.names.place(name).map(|at| &self.values[at])
    }

    /// The same, to be changed.
    pub fn get_mut(&mut self, name: &str) -> Option<&mut Value> {
        self.names.place(name).map(|at| &mut self.values[at])
    }

    /// There is such a name.
    pub fn contains_key(&self, name: &str) -> bool {
        self.names.place(name).is_some()
    }

    /// Puts a value under a name: in the place of the one that stood there, or at the end.
    pub fn insert(&mut self, name: Arc<str>, value: Value) -> Option<Value> {
        if let Some(at) = self.names.place(&name) {
            return Some(std::mem::replace(&mut self.values[at], value));
        }
        self.names.push(name);
        self.values.push(value);
        None
    }

    /// Takes a name out; the others keep their order.
    pub fn shift_remove(&mut self, name: &str) -> Option<Value> {
        let at = self.names.place(name)?;
        self.names.remove(at);
        Some(self.values.remove(at))
    }

    /// Keeps those of which `keep` holds.
    pub fn retain(&mut self, mut keep: impl FnMut(&Arc<str>, &mut Value) -> bool) {
        let (names, mut kept) = (self.names.clone(), Vec::with_capacity(self.len()));
        let mut each = names.iter();
        self.values.retain_mut(|value| {
            let Some(name) = each.next() else { return true };
            let keeps = keep(name, value);
            if keeps {
                kept.push(name.clone());
            }
            keeps
        });
        if kept.len() < names.len() {
            self.names = Names::of_unlike(kept);
        }
    }

    /// The first one.
    pub fn first(&self) -> Option<(&Arc<str>, &Value)> {
        self.get_index(0)
    }

    /// The one in this place, from 0.
    pub fn get_index(&self, at: usize) -> Option<(&Arc<str>, &Value)> {
        Some((self.names.get(at)?, self.values.get(at)?))
    }

    /// All of them, in order.
    pub fn iter(&self) -> Iter<'_> {
        self.names.iter().zip(&self.values)
    }

    /// All of them, with values that may be changed.
    pub fn iter_mut(&mut self) -> IterMut<'_> {
        self.names.iter().zip(&mut self.values)
    }

    /// The names, in order.
    pub fn keys(&self) -> slice::Iter<'_, Arc<str>> {
        self.names.iter()
    }

    /// The names, to be shared.
    pub fn names(&self) -> &Names {
        &self.names
    }

    /// The values, in order.
    pub fn values(&self) -> slice::Iter<'_, Value> {
        self.values.iter()
    }

    /// The values, to be changed.
    pub fn values_mut(&mut self) -> slice::IterMut<'_, Value> {
        self.values.iter_mut()
    }

    /// The same names with other values.
    pub fn mapped(&self, value: impl FnMut((&Arc<str>, &Value)) -> Value) -> Map {
        Map::of(&self.names, self.iter().map(value))
    }
}

/// Names and values, in order.
pub type Iter<'a> = iter::Zip<slice::Iter<'a, Arc<str>>, slice::Iter<'a, Value>>;
/// The same, with values that may be changed.
pub type IterMut<'a> = iter::Zip<slice::Iter<'a, Arc<str>>, slice::IterMut<'a, Value>>;

/// The same names with the same values, in whatever order.
impl PartialEq for Entries {
    fn eq(&self, other: &Entries) -> bool {
        if self.names.is(&other.names) {
            return self.values == other.values;
        }
        // Mostly the names stand in the same order, and are the same texts in memory.
        let same = |(at, (name, value)): (usize, (&Arc<str>, &Value))| match other.get_index(at) {
            Some((own, beside)) if Arc::ptr_eq(own, name) || own == name => beside == value,
            _ => other.get(name) == Some(value),
        };
        self.len() == other.len() && self.iter().enumerate().all(same)
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
        let listed = Listed { list: Vec::with_capacity(count), ..Listed::default() };
        Map(Arc::new(Entries { names: Names(Arc::new(listed)), values: Vec::with_capacity(count) }))
    }

    /// Of these names, which others share, and a value for each of them. Where there are fewer values, the names behind them are left out.
    pub fn of(names: &Names, values: impl IntoIterator<Item = Value>) -> Map {
        let mut all = Vec::with_capacity(names.len());
        all.extend(values.into_iter().take(names.len()));
        Map::of_vec(names, all)
    }

    /// The same, of values that are in a list already.
    pub fn of_vec(names: &Names, mut values: Vec<Value>) -> Map {
        values.truncate(names.len());
        let names = match values.len() == names.len() {
            true => names.clone(),
            false => Names::of_unlike(names[..values.len()].to_vec()),
        };
        Map(Arc::new(Entries { names, values }))
    }

    /// Of names no two of which are alike, as the columns of a table are: none is looked for.
    pub fn of_unlike(entries: impl IntoIterator<Item = (Arc<str>, Value)>) -> Map {
        let (names, values): (Vec<_>, Vec<_>) = entries.into_iter().unzip();
        Map(Arc::new(Entries { names: Names::of_unlike(names), values }))
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
        let mut map = Map::with_capacity(entries.size_hint().0);
        map.extend(entries);
        map
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

/// The names and values of a map that is taken apart.
pub struct IntoIter {
    names: Names,
    /// The next one from the front.
    at: usize,
    values: vec::IntoIter<Value>,
}

impl Iterator for IntoIter {
    type Item = (Arc<str>, Value);
    fn next(&mut self) -> Option<Self::Item> {
        let value = self.values.next()?;
        let name = self.names[self.at].clone();
        self.at += 1;
        Some((name, value))
    }
    fn size_hint(&self) -> (usize, Option<usize>) {
        self.values.size_hint()
    }
}

impl DoubleEndedIterator for IntoIter {
    fn next_back(&mut self) -> Option<Self::Item> {
        let value = self.values.next_back()?;
        Some((self.names[self.at + self.values.len()].clone(), value))
    }
}

impl ExactSizeIterator for IntoIter {}

impl IntoIterator for Map {
    type Item = (Arc<str>, Value);
    type IntoIter = IntoIter;
    fn into_iter(self) -> IntoIter {
        let Entries { names, values } = Arc::unwrap_or_clone(self.0);
        IntoIter { names, at: 0, values: values.into_iter() }
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
                let name: Arc<str> = match number {
                    20 => "$n".into(),
                    21 => "n\"".into(),
                    22 => "n\n".into(),
                    _ => format!("n{number}").into(),
                };
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
                let plain = !like.keys().any(|name| name.contains(['"', '\\', '\n']));
                let looks = Looks { dollar: like.keys().any(|name| name.starts_with('$')), plain };
                prop_assert_eq!(map.names().looks(), looks);
            }
            let all = |map: &Map| map.iter().map(|(n, v)| (n.clone(), v.as_int().unwrap())).collect::<Vec<_>>();
            prop_assert_eq!(all(&map), like.clone().into_iter().collect::<Vec<_>>());
            let backwards: Map = map.clone().into_iter().rev().collect();
            prop_assert!(backwards == map);
            let mut again = Map::of_unlike(map.clone());
            prop_assert!(again == map && again.names.0.places.is_some() == (again.len() > LISTED));
            let tripled = map.mapped(|(_, value)| Value::from(value.as_int().unwrap() * 3));
            prop_assert!(tripled.names.is(&map.names) && tripled.values().map(|v| v.as_int().unwrap()).eq(like.values().map(|v| v * 3)));
            let half = Map::of(map.names(), map.values().take(map.len() / 2).cloned());
            prop_assert_eq!(all(&half), all(&map).into_iter().take(map.len() / 2).collect::<Vec<_>>());
            if let Some((name, value)) = again.iter_mut().next() {
                *value = Value::text(format!("not {name}"));
                prop_assert!(again != map);
            }
        }
    }
}
