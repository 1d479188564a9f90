//! What the values of columns are by which a step picks rows: one value by a name, in the shortest way to say it, so that two ways to say the
//! same are the same.

use super::{Look, set_of};
use crate::{
    action::{
        kinds::Act,
        resolve::Known,
        row::{Assign, RowSpec},
        step::Step,
    },
    base::{shape::Named, value::Value},
    effect::change::TableName,
    engine::setting::Setting,
    read::{expect::Expect, find::Test},
    table::facts::Facts,
    targets::model::{Fold, Source},
    template::{Datum, Path, Step as Dot, Text, Tree},
};
use std::{collections::BTreeSet, sync::Arc};

/// A value that an expression gives which is nothing but a dotted path: `item.id`.
pub type Pin = Vec<Arc<str>>;
/// A column, and a value that it has.
pub type Pinned = BTreeSet<(Arc<str>, Pin)>;

/// A path that is written down here.
pub fn pin<const N: usize>(path: [&str; N]) -> Pin {
    path.into_iter().map(Arc::from).collect()
}

/// How deep names may stand for names.
pub const DEEPEST: usize = 8;

/// The loops around a step, the innermost last: the name of the element, and the list.
#[derive(Default)]
pub struct Loops(Vec<(Arc<str>, Datum)>);

impl Loops {
    /// Into the loop of this step, if it is one.
    pub fn enter(&mut self, step: &Step) {
        self.0.extend(step.common.for_each.iter().map(|spec| (spec.name.text.clone(), spec.list.clone())));
    }

    /// Out of it.
    pub fn leave(&mut self, step: &Step) {
        step.common.for_each.iter().for_each(|_| drop(self.0.pop()));
    }

    fn list(&self, element: &str) -> Option<&Datum> {
        self.0.iter().rev().find(|(name, _)| **name == *element).map(|(_, list)| list)
    }
}

/// The steps that are done for each element of a list, by their ids: outside, nothing is one row of theirs.
pub fn looped(setting: &Setting) -> BTreeSet<Arc<str>> {
    fn of(step: &Step, found: &mut BTreeSet<Arc<str>>) {
        if step.common.for_each.is_some() {
            step.each(&mut |one| found.extend(one.id().map(Arc::from)));
        } else {
            step.parts().into_iter().for_each(|(_, steps)| steps.iter().for_each(|step| of(step, found)));
        }
    }
    let mut found = BTreeSet::new();
    let sections = setting.playbook.sections();
    sections.into_iter().flat_map(|(_, steps)| steps).for_each(|step| of(step, &mut found));
    found
}

impl Look<'_> {
    /// What the rows have that these conditions pick.
    pub(super) fn pinned_by(&self, table: &TableName, conditions: &Named<Test>, depth: usize) -> Pinned {
        let is = conditions.iter().filter_map(|(column, test)| match test {
            Test::Is(datum) => Some((column, datum)),
            _ => None,
        });
        self.pinned(table, is, depth)
    }

    /// What a row has that a step changes.
    pub(super) fn pinned_of(&self, row: &RowSpec, table: &TableName, depth: usize) -> Pinned {
        let Some(of) = &row.of else {
            return self.pinned(table, row.key.iter(), depth);
        };
        self.pinned_in(of.as_str(), table, depth)
    }

    /// What a row has that a step makes.
    pub(super) fn pinned_new(&self, table: &TableName, row: &Named<Assign>) -> Pinned {
        let to = row.iter().filter_map(|(column, assign)| match assign {
            Assign::To(datum) => Some((column, datum)),
            _ => None,
        });
        self.pinned(table, to, 0)
    }

    /// What a change sets: the columns, each with its value where that has a name.
    pub(super) fn given(&self, row: &Named<Assign>) -> Vec<(Arc<str>, Option<Pin>)> {
        let value = |assign: &Assign| match assign {
            Assign::To(Datum { tree: Tree::Scalar(text), .. }) => self.value_of(text, 0),
            _ => None,
        };
        // Of nulls there may be many.
        let null = |assign: &Assign| matches!(assign, Assign::To(Datum { tree: Tree::Scalar(text), .. }) if text.literal().is_some_and(Value::is_null));
        row.iter().filter(|(_, assign)| !null(assign)).map(|(column, assign)| (column.into(), value(assign))).collect()
    }

    /// What the row has that the step with this id found, or that is the element of a loop.
    fn pinned_in(&self, id: &str, table: &TableName, depth: usize) -> Pinned {
        if self.loops.list(id).is_some() {
            return self.elements(id, depth).filter(|(of, _)| of == table).map(|(_, p)| p).unwrap_or_default();
        }
        let mut pinned = self.of_step(id, depth).filter(|(of, _)| of == table).map(|(_, p)| p).unwrap_or_default();
        let key = self.setting.facts_of(table).map(Facts::key_columns).unwrap_or_default();
        pinned.extend(key.into_iter().map(|column| (column.clone(), vec![id.into(), column])));
        pinned
    }

    fn pinned<'d>(&self, table: &TableName, said: impl Iterator<Item = (&'d str, &'d Datum)>, depth: usize) -> Pinned {
        let mut pinned = Pinned::new();
        let key = self.setting.facts_of(table).map(Facts::key_columns).unwrap_or_default();
        for (column, datum) in said {
            let Tree::Scalar(text) = &datum.tree else { continue };
            pinned.extend(self.value_of(text, depth).map(|value| (column.into(), value)));
            let [only] = key.as_slice() else { continue };
            if depth >= DEEPEST || **only != *column {
                continue;
            }
            // The key of a row that was found is that row.
            if let Some([id, of]) = dotted(text).and_then(|path| <[Arc<str>; 2]>::try_from(path).ok())
                && of == *only
                && (self.loops.list(&id).is_some() || self.setting.found_in(&id).as_ref() == Some(table))
            {
                pinned.extend(self.pinned_in(&id, table, depth + 1));
            }
            // The keys of rows that were found are those rows.
            if let Some((list, of)) = text.picks_of_each()
                && of == *only
                && let Some((found, rows)) = self.listed(&list, depth + 1)
                && found == *table
            {
                pinned.extend(rows);
            }
        }
        pinned
    }

    /// The one row that a step finds or changes: its table, and what it has.
    pub(super) fn of_step(&self, id: &str, depth: usize) -> Option<(TableName, Pinned)> {
        let step = self.setting.step(id).filter(|_| depth < DEEPEST && !self.is_elsewhere(id))?;
        let table = self.setting.found_in(id)?;
        let pinned = match &step.act {
            Act::Find(find) if matches!(find.expects(), Expect::One | Expect::Optional) => {
                self.pinned_by(&table, &find.conditions, depth + 1)
            }
            // Its result is the row as it left it.
            Act::Row(row) => {
                let (set, mut pinned) = (set_of(row), self.pinned_of(row, &table, depth + 1));
                pinned.retain(|(column, _)| !set.holds(column));
                pinned
            }
            _ => return None,
        };
        Some((table, pinned))
    }

    /// A step in a loop, seen from outside.
    fn is_elsewhere(&self, id: &str) -> bool {
        self.loops.0.is_empty() && self.looped.contains(id)
    }

    /// The rows that the element of a loop may be: their table, and what all of them have.
    fn elements(&self, name: &str, depth: usize) -> Option<(TableName, Pinned)> {
        let Tree::Scalar(list) = &self.loops.list(name)?.tree else { return None };
        self.listed(&list.picks()?, depth)
    }

    /// The rows of a list: their table, and what all of them have.
    fn listed(&self, list: &Path, depth: usize) -> Option<(TableName, Pinned)> {
        if depth >= DEEPEST {
            return None;
        }
        let names = names(list)?;
        let targets = self.setting.playbook.targets.as_ref()?;
        match (names.as_slice(), &targets.group_by, &targets.from.source) {
            // The rows of a group are those of the source, with the same value.
            ([item, rows], Some(by), Source::Find(find)) if &**item == "item" && &**rows == "rows" => {
                let table = TableName::parse(find.table.as_str())?;
                let mut pinned = self.pinned_by(&table, &find.conditions, depth + 1);
                if by.fold == Fold::Exact {
                    pinned.insert((by.key.as_str().into(), pin(["item", "key"])));
                }
                Some((table, pinned))
            }
            ([id], ..) if !self.looped.contains(id) && self.loops.list(id).is_none() => {
                let Act::Find(find) = &self.setting.step(id)?.act else { return None };
                let table = TableName::parse(find.table.as_str())?;
                let pinned = self.pinned_by(&table, &find.conditions, depth + 1);
                Some((table, pinned))
            }
            _ => None,
        }
    }

    /// What a text stands for, if that is one value by a name.
    pub(super) fn value_of(&self, text: &Text, depth: usize) -> Option<Pin> {
        let path = dotted(text)?;
        let root = path.first()?.clone();
        // The element of a loop is another one in each turn: only what all of them have has a name.
        if self.loops.list(&root).is_some() {
            let [_, column] = path.as_slice() else { return None };
            let (_, pinned) = self.elements(&root, depth)?;
            return pinned.into_iter().find(|(of, _)| of == column).map(|(_, value)| value);
        }
        if depth >= DEEPEST {
            return Some(path);
        }
        if let Some(said) = self.said(&path) {
            return self.value_of(said, depth + 1).or(Some(path));
        }
        let [root, column] = path.as_slice() else { return Some(path) };
        let same = self.of_step(root, depth + 1).and_then(|(_, pinned)| {
            pinned.into_iter().find(|(of, value)| of == column && value.first() != Some(root)).map(|(_, value)| value)
        });
        same.or(Some(path))
    }

    /// The text behind a name that the author gave: of `vars`, or of a `let`.
    fn said(&self, path: &Pin) -> Option<&Text> {
        let (root, rest) = path.split_first()?;
        let (tree, rest) = match rest {
            [name, rest @ ..] if &**root == "vars" => (&self.setting.playbook.vars.get(name)?.tree, rest),
            _ if self.is_elsewhere(root) => return None,
            _ => match &self.setting.step(root)?.act {
                Act::Let(datum) => (&datum.tree, rest),
                _ => return None,
            },
        };
        match (tree, rest) {
            (Tree::Scalar(text), []) => Some(text),
            (Tree::Map(entries), [name]) => {
                entries.iter().find(|(of, _)| of == name).and_then(|(_, tree)| match tree {
                    Tree::Scalar(text) => Some(text),
                    _ => None,
                })
            }
            _ => None,
        }
    }
}

/// `item.id`, when the text is nothing else.
pub fn dotted(text: &Text) -> Option<Pin> {
    names(&text.path()?)
}

fn names(path: &Path) -> Option<Pin> {
    path.steps.iter().map(|step| if let Dot::Name(name) = step { Some(name.clone()) } else { None }).collect()
}
