//! Names, attributes and elements: how an expression walks into the values of its scope.

use super::{
    item::{Item, Missing},
    path::{Step, Trail},
    run::{Result, Run, Stop},
    scope::Entry,
    syntax::At,
    tree::Tree,
};
use crate::base::{
    counted::counted,
    value::{AFTER_APPLY, Data, Marks, Value},
};
use std::sync::Arc;

impl<'a> Run<'a> {
    /// What a name means: a local, the scope's own, `vars`.
    pub fn name(&mut self, name: &Arc<str>) -> Item {
        if let Some((_, item)) = self.locals.iter().rev().find(|(local, _)| local == name) {
            return item.clone();
        }
        match self.scope.entry(name) {
            Some((stored, Entry::Value(value))) => Item::Value(value.clone(), Some(Trail::root(stored))),
            Some((stored, Entry::Skipped)) => Item::Skipped(stored.clone()),
            Some((_, Entry::Undecided)) => Item::Undecided,
            None if &**name == "vars" && self.scope.vars().is_some() => Item::Vars,
            None => Item::Missing(Arc::new(Missing::Name(name.clone()))),
        }
    }

    /// `of.name`; `at` is the place of the whole, `of_at` of the part before the dot.
    pub fn attribute(&mut self, of: &Item, name: &Arc<str>, of_at: At, at: At) -> Result<Item> {
        match of {
            Item::Value(value, trail) => self.value_attribute(value, trail.as_ref(), name, of_at),
            Item::Map(entries) => match entries.iter().find(|(key, _)| key == name) {
                Some((_, item)) => Ok(item.clone()),
                None => {
                    let of = Value::map(entries.iter().map(|(key, _)| (key.clone(), Value::NULL)));
                    Ok(Item::Missing(Arc::new(Missing::Attribute { of, name: name.clone(), trail: None })))
                }
            },
            Item::Vars => self.named_var(name, at),
            Item::Undecided => Err(Stop::Unknown(AFTER_APPLY.into())),
            Item::List(_) => self.no_attribute("a list", name, of_at),
            Item::Missing(_) | Item::Skipped(_) | Item::Duration(_) => self.no_value(of, of_at),
        }
    }

    fn value_attribute(&mut self, value: &Value, trail: Option<&Trail>, name: &Arc<str>, of_at: At) -> Result<Item> {
        let trail = trail.map(|trail| trail.then(Step::Name(name.clone())));
        if let Some(part) = value.get(name) {
            return Ok(Item::Value(part, trail));
        }
        match &value.data {
            Data::Unknown(why) => {
                self.marks |= value.marks;
                Err(Stop::Unknown(why.clone()))
            }
            _ if value.as_map().is_some() => {
                Ok(Item::Missing(Arc::new(Missing::Attribute { of: value.clone(), name: name.clone(), trail })))
            }
            _ if value.is_null() => {
                let written = self.written(of_at);
                let help = format!("say what to do then: `… if {written} is not none else …`, or use `| path('…')`");
                let name = self.sayable(name);
                self.fail_with_help(of_at, format!("`{written}` is null and has no `{name}`"), help)
            }
            _ => self.no_attribute(value.kind(), name, of_at),
        }
    }

    fn no_attribute<T>(&self, kind: &str, name: &str, of_at: At) -> Result<T> {
        let name = self.sayable(name);
        let message = format!("`{}` is {kind} and has no `{name}`", self.written(of_at));
        // What is an attribute elsewhere is asked by a filter here.
        if let "length" | "size" | "count" | "len" = name
            && matches!(kind, "a list" | "a text")
        {
            let help = format!("write `{} | length`", self.written(of_at));
            return self.fail_with_help(of_at, message, help);
        }
        if kind == "a list" {
            return self.fail_with_help(
                of_at,
                message,
                format!("take one element (`| first`, `[0]`) or all: `| map(attribute='{name}')`"),
            );
        }
        // A body is a value where the answer says that it is JSON, and has parts only then.
        let is_body = kind == "a text" && self.written(of_at).ends_with(".body");
        if is_body {
            let help = "the answer does not say that it is JSON (`content-type`): often it is a page to sign in, or of a proxy in between";
            return self.fail_with_help(of_at, message, help);
        }
        self.fail(of_at, message)
    }

    fn named_var(&mut self, name: &Arc<str>, at: At) -> Result<Item> {
        let scope = self.scope;
        let Some((name, tree)) = scope.vars().and_then(|vars| vars.get_key_value(name)) else {
            let known = scope
                .vars()
                .map(|vars| Value::map(vars.keys().map(|key| (key.clone(), Value::NULL))))
                .unwrap_or(Value::NULL);
            return Ok(Item::Missing(Arc::new(Missing::Attribute { of: known, name: name.clone(), trail: None })));
        };
        self.var(name, at, |run| run.tree(tree))
    }

    /// The parts of a tree, each under its own text.
    fn tree(&mut self, tree: &'a Tree) -> Result<Item> {
        match tree {
            Tree::Scalar(text) => text.item(self),
            Tree::List(trees) => trees
                .iter()
                .map(|tree| super::run::unless_unknown(self.tree(tree)))
                .collect::<Result<_>>()
                .map(Item::list),
            Tree::Map(entries) => {
                let entries =
                    entries.iter().map(|(name, tree)| Ok((name.clone(), super::run::unless_unknown(self.tree(tree))?)));
                entries.collect::<Result<_>>().map(|entries| Item::Map(Arc::new(entries)))
            }
        }
    }

    /// `of[key]`: an attribute by text, an element by number.
    pub fn item_at(&mut self, of: &Item, key: &Item, (of_at, key_at, at): (At, At, At)) -> Result<Item> {
        let key = self.present(key, key_at)?;
        match &key.data {
            Data::Text(name) => self.attribute(of, name, of_at, at),
            Data::Int(index) => self.element(of, *index, of_at),
            _ => self.fail(key_at, format!("an element is named by a text or a whole number, not by {}", key.kind())),
        }
    }

    /// The element at a place, counted from the end when negative.
    pub fn element(&mut self, of: &Item, index: i64, of_at: At) -> Result<Item> {
        let resolve = |length: usize| {
            let index = if index < 0 { index + i64::try_from(length).unwrap_or(i64::MAX) } else { index };
            usize::try_from(index).ok().filter(|index| *index < length)
        };
        let none = |length: usize| Item::nothing(format!("the list has {}", counted(length, "element")));
        match of {
            Item::List(items) => Ok(resolve(items.len())
                .and_then(|index| items.get(index))
                .cloned()
                .unwrap_or_else(|| none(items.len()))),
            Item::Value(value, trail) => match (&value.data, value.as_list()) {
                (Data::Unknown(why), _) => Err(Stop::Unknown(why.clone())),
                (_, Some(list)) => Ok(match resolve(list.len()) {
                    Some(index) => part(&list[index], index, value.marks, trail.as_ref()),
                    None => {
                        self.note_outline(of, true);
                        none(list.len())
                    }
                }),
                _ if value.is_null() => self.null(of_at),
                _ => self.fail(of_at, format!("`{}` is {}, not a list", self.written(of_at), value.kind())),
            },
            Item::Map(_) => {
                self.fail(of_at, format!("`{}` is a map: its parts have names, not numbers", self.written(of_at)))
            }
            other => self.no_value(other, of_at),
        }
    }

    /// `error.text`, `items.0.id` inside one value: the key itself where it exists with its dots, else step by step.
    pub fn dotted(&mut self, of: &Item, path: &str, at: At) -> Result<Item> {
        if path.contains('.') && !has(of, path) {
            return path.split('.').try_fold(of.clone(), |item, step| match step.parse::<i64>() {
                Ok(index) if !has(&item, step) => self.element(&item, index, at),
                _ => self.attribute(&item, &step.into(), at, at),
            });
        }
        self.attribute(of, &path.into(), at, at)
    }

    /// As [`Run::dotted`]; null where a step is missing, null, or not inside anything.
    pub fn dotted_or_null(&mut self, of: &Item, path: &str, at: At) -> Result<Item> {
        let whole = [path];
        let steps: Vec<&str> = if has(of, path) { whole.to_vec() } else { path.split('.').collect() };
        let mut item = of.clone();
        for step in steps {
            item = match (&item, step.parse::<i64>()) {
                (Item::Value(value, _), index)
                    if value.as_map().is_none() && !matches!(value.data, Data::Unknown(_)) =>
                {
                    match index {
                        Ok(index) if value.as_list().is_some() => self.element(&item, index, at)?,
                        _ => {
                            self.note_outline(&item, false);
                            return Ok(Item::made(Value::NULL));
                        }
                    }
                }
                (Item::List(_), Ok(index)) => self.element(&item, index, at)?,
                _ => self.attribute(&item, &step.into(), at, at)?,
            };
            if let Item::Missing(missing) = &item {
                self.note_absent(missing);
                return Ok(Item::made(Value::NULL));
            }
        }
        Ok(item)
    }

    /// The elements of a list, or the keys of a map. How many there are counts as looked at.
    pub fn elements(&mut self, of: &Item, at: At) -> Result<Vec<Item>> {
        self.note_outline(of, true);
        match of {
            Item::List(items) => {
                self.spend_elements(items.len(), at)?;
                Ok(items.to_vec())
            }
            Item::Map(entries) => {
                self.spend_elements(entries.len(), at)?;
                Ok(entries.iter().map(|(name, _)| Item::made(Value::text(name.clone()))).collect())
            }
            Item::Value(value, trail) => {
                if let Data::Unknown(why) = &value.data {
                    self.marks |= value.marks;
                    return Err(Stop::Unknown(why.clone()));
                }
                if let Some(list) = value.as_list() {
                    self.spend_elements(list.len(), at)?;
                    return Ok(list
                        .iter()
                        .enumerate()
                        .map(|(index, element)| part(element, index, value.marks, trail.as_ref()))
                        .collect());
                }
                if let Some(map) = value.as_map() {
                    self.spend_elements(map.len(), at)?;
                    return Ok(map
                        .keys()
                        .map(|key| Item::made(Value::text(key.clone()).marked(value.marks)))
                        .collect());
                }
                if value.is_null() {
                    self.null(at)
                } else {
                    self.fail(at, format!("`{}` is {}, not a list", self.written(at), value.kind()))
                }
            }
            other => self.no_value(other, at),
        }
    }
}

fn part(element: &Value, index: usize, marks: Marks, trail: Option<&Trail>) -> Item {
    Item::Value(element.clone().marked(marks), trail.map(|trail| trail.then(Step::Index(index))))
}

fn has(of: &Item, key: &str) -> bool {
    match of {
        Item::Value(value, _) => value.as_map().is_some_and(|map| map.contains_key(key)),
        Item::Map(entries) => entries.iter().any(|(name, _)| &**name == key),
        _ => false,
    }
}
