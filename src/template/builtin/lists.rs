//! Filters on lists and maps. Elements keep the memory of where they came from.

use super::Given;
use crate::{
    base::value::{Data, Value},
    template::{
        compare,
        item::{Item, Missing},
        number::Number,
        path,
        run::{Result, Run, Stop, flat, unless_unknown},
        syntax::At,
    },
};
use std::{cmp::Ordering, collections::HashSet, sync::Arc};

fn elements(run: &mut Run<'_>, given: &Given) -> Result<Vec<Item>> {
    run.elements(&given.subject, given.subject_at)
}

pub fn length(run: &mut Run<'_>, given: &Given) -> Result<Item> {
    run.note_outline(&given.subject, true);
    let count = match &given.subject {
        Item::List(items) => i64::try_from(items.len()).ok(),
        Item::Map(entries) => i64::try_from(entries.len()).ok(),
        Item::Value(value, _) => match path::length(value) {
            Some(count) => Some(count),
            None => {
                let value = run.present(&given.subject, given.subject_at)?;
                return run.fail(
                    given.subject_at,
                    format!("`{}` is {}, which has no length", run.written(given.subject_at), value.kind()),
                );
            }
        },
        other => return run.no_value(other, given.subject_at),
    };
    Ok(Item::made(count.unwrap_or(i64::MAX)))
}

pub fn first(run: &mut Run<'_>, given: &Given) -> Result<Item> {
    run.element(&given.subject, 0, given.subject_at)
}

pub fn last(run: &mut Run<'_>, given: &Given) -> Result<Item> {
    run.element(&given.subject, -1, given.subject_at)
}

pub fn list(run: &mut Run<'_>, given: &Given) -> Result<Item> {
    elements(run, given).map(Item::list)
}

pub fn values(run: &mut Run<'_>, given: &Given) -> Result<Item> {
    let keys = match &given.subject {
        Item::Value(value, _) if value.as_map().is_none() => {
            let value = run.present(&given.subject, given.subject_at)?;
            return run
                .fail(given.subject_at, format!("`{}` is {}, not a map", run.written(given.subject_at), value.kind()));
        }
        _ => elements(run, given)?,
    };
    let parts = keys.iter().map(|key| {
        let name = run.text(key, given.subject_at)?;
        run.attribute(&given.subject, &name, given.subject_at, given.at)
    });
    parts.collect::<Result<_>>().map(Item::list)
}

pub fn reverse(run: &mut Run<'_>, given: &Given) -> Result<Item> {
    let mut all = elements(run, given)?;
    all.reverse();
    Ok(Item::list(all))
}

pub fn path(run: &mut Run<'_>, given: &Given) -> Result<Item> {
    let Some((item, at)) = given.args.first() else { return run.fail(given.at, "`path` needs a path") };
    let path = run.text(item, *at)?;
    match &given.subject {
        missing @ (Item::Missing(_) | Item::Skipped(_) | Item::Duration(_)) => run.no_value(missing, given.subject_at),
        of => run.dotted_or_null(of, &path, *at),
    }
}

// Each element by itself.

/// The filter or test that is applied to each element: `map('upper')`, `select('eq', 1)`.
struct Inner(Given);

impl Inner {
    /// From the argument at `place`; nothing when there is none.
    fn of(run: &mut Run<'_>, given: &Given, place: usize) -> Result<Option<Inner>> {
        let Some((item, at)) = given.args.get(place) else { return Ok(None) };
        let name = run.text(item, *at)?;
        let known = if given.about.name == "map" { super::filter(&name) } else { super::test(&name) };
        let Some(about) = known else { return run.fail(*at, format!("there is nothing named `{name}`")) };
        // Looked at once, not once for each element.
        let args = given.args.iter().skip(place + 1).map(|(item, at)| Ok((settled(run, item, *at)?, *at)));
        let args = args.collect::<Result<_>>()?;
        Ok(Some(Inner(Given {
            about,
            subject: Item::made(Value::NULL),
            subject_at: given.subject_at,
            args,
            named: Vec::new(),
            at: given.at,
        })))
    }

    fn apply(&mut self, run: &mut Run<'_>, subject: Item, at: At) -> Result<Item> {
        (self.0.subject, self.0.subject_at) = (subject, at);
        (self.0.about.run)(run, &self.0)
    }
}

fn settled(run: &mut Run<'_>, item: &Item, at: At) -> Result<Item> {
    if let Item::Duration(_) = item {
        return Ok(item.clone());
    }
    let value = run.value(item, at).map(Item::made);
    unless_unknown(value)
}

/// The attribute that an argument names, of one element.
fn attribute(run: &mut Run<'_>, of: &Item, (name, at): (&Arc<str>, At)) -> Result<Item> {
    run.dotted(of, name, at)
}

/// The name in the argument `attribute`.
fn attribute_name(run: &mut Run<'_>, given: &Given) -> Result<Option<(Arc<str>, At)>> {
    match given.arg("attribute") {
        Some((item, at)) => Ok(Some((run.text(item, *at)?, *at))),
        None => Ok(None),
    }
}

pub fn map(run: &mut Run<'_>, given: &Given) -> Result<Item> {
    let all = elements(run, given)?;
    // By name only: a filter's name stands first when there is none.
    let named = given.named.iter().find(|(name, _)| &**name == "attribute").map(|(_, arg)| arg);
    if let Some((item, at)) = named {
        let name = run.text(item, *at)?;
        let default = given.named.iter().find(|(name, _)| &**name == "default").map(|(_, (item, _))| item);
        let mapped = all.iter().map(|element| match unless_unknown(attribute(run, element, (&name, *at)))? {
            Item::Missing(missing) => match default {
                Some(default) => {
                    run.note_absent(&missing);
                    Ok(default.clone())
                }
                None => run.no_value(&Item::Missing(missing), *at),
            },
            item => Ok(item),
        });
        return mapped.collect::<Result<_>>().map(Item::list);
    }
    let Some(mut inner) = Inner::of(run, given, 0)? else {
        return run.fail_with_help(
            given.at,
            "`map` needs to know what to take",
            "write `map(attribute='name')` or `map('filter')`",
        );
    };
    let mapped = all.into_iter().map(|element| unless_unknown(inner.apply(run, element, given.subject_at)));
    mapped.collect::<Result<_>>().map(Item::list)
}

fn sift(run: &mut Run<'_>, given: &Given, keep: bool) -> Result<Item> {
    let mut inner = Inner::of(run, given, 0)?;
    let mut kept = Vec::new();
    for element in elements(run, given)? {
        let holds = match &mut inner {
            Some(inner) => {
                let answer = inner.apply(run, element.clone(), given.subject_at)?;
                run.truth(&answer, given.at)?
            }
            None => run.truth(&element, given.subject_at)?,
        };
        if holds == keep {
            kept.push(element);
        }
    }
    Ok(Item::list(kept))
}

pub fn select(run: &mut Run<'_>, given: &Given) -> Result<Item> {
    sift(run, given, true)
}

pub fn reject(run: &mut Run<'_>, given: &Given) -> Result<Item> {
    sift(run, given, false)
}

fn sift_by_attribute(run: &mut Run<'_>, given: &Given, keep: bool) -> Result<Item> {
    let Some((item, at)) = given.args.first() else { return run.fail(given.at, "an attribute's name is missing") };
    let (name, at) = (run.text(item, *at)?, *at);
    let mut inner = Inner::of(run, given, 1)?;
    let mut kept = Vec::new();
    for element in elements(run, given)? {
        let part = attribute(run, &element, (&name, at))?;
        let holds = match &mut inner {
            Some(inner) => {
                let answer = inner.apply(run, part, at)?;
                run.truth(&answer, given.at)?
            }
            None => run.truth(&part, at)?,
        };
        if holds == keep {
            kept.push(element);
        }
    }
    Ok(Item::list(kept))
}

pub fn selectattr(run: &mut Run<'_>, given: &Given) -> Result<Item> {
    sift_by_attribute(run, given, true)
}

pub fn rejectattr(run: &mut Run<'_>, given: &Given) -> Result<Item> {
    sift_by_attribute(run, given, false)
}

// All elements together.

/// Each element with the value to compare it by.
fn keyed(run: &mut Run<'_>, given: &Given) -> Result<Vec<(Value, Item)>> {
    let name = attribute_name(run, given)?;
    let mut keyed = Vec::new();
    for element in elements(run, given)? {
        let key = match &name {
            Some((name, at)) => {
                let part = attribute(run, &element, (name, *at))?;
                run.known(&part, *at)?
            }
            None => run.known(&element, given.subject_at)?,
        };
        keyed.push((flat(key), element));
    }
    Ok(keyed)
}

pub fn sort(run: &mut Run<'_>, given: &Given) -> Result<Item> {
    let reverse = match given.arg("reverse") {
        Some((item, at)) => run.truth(item, *at)?,
        None => false,
    };
    let mut keyed = keyed(run, given)?;
    run.spend(keyed.len().saturating_mul(32), given.at)?;
    let mut problem = None;
    keyed.sort_by(|(a, _), (b, _)| {
        let order = match (a.is_null(), b.is_null()) {
            (false, false) => compare::order(a, b).unwrap_or_else(|why| {
                problem.get_or_insert(why);
                Ordering::Equal
            }),
            (a, b) => b.cmp(&a),
        };
        if reverse { order.reverse() } else { order }
    });
    match problem {
        Some(why) => run.fail(given.at, why),
        None => Ok(Item::list(keyed.into_iter().map(|(_, element)| element).collect())),
    }
}

fn extreme(run: &mut Run<'_>, given: &Given, wanted: Ordering) -> Result<Item> {
    let mut best: Option<(Value, Item)> = None;
    for (key, element) in keyed(run, given)? {
        if key.is_null() {
            return run.fail_with_help(given.at, "the list holds null", "leave nulls out first: `| reject('none')`");
        }
        best = match best {
            Some((known, kept)) => {
                let order = compare::order(&key, &known).or_else(|why| run.fail(given.at, why))?;
                Some(if order == wanted { (key, element) } else { (known, kept) })
            }
            None => Some((key, element)),
        };
    }
    Ok(best.map_or_else(|| Item::nothing("the list is empty"), |(_, element)| element))
}

pub fn max(run: &mut Run<'_>, given: &Given) -> Result<Item> {
    extreme(run, given, Ordering::Greater)
}

pub fn min(run: &mut Run<'_>, given: &Given) -> Result<Item> {
    extreme(run, given, Ordering::Less)
}

pub fn sum(run: &mut Run<'_>, given: &Given) -> Result<Item> {
    let mut total = Number::Exact { digits: 0, scale: 0 };
    for (key, _) in keyed(run, given)? {
        let Some(number) = Number::of(&key) else {
            return run.fail(given.at, format!("{} cannot be added up", key.kind()));
        };
        total = number.and_then(|number| total.add(number)).or_else(|why| run.fail(given.at, why))?;
    }
    match total.data() {
        Ok(data) => Ok(Item::made(data)),
        Err(why) => run.fail(given.at, why),
    }
}

pub fn unique(run: &mut Run<'_>, given: &Given) -> Result<Item> {
    let mut seen = HashSet::new();
    let mut others: Vec<Value> = Vec::new();
    let mut kept = Vec::new();
    for (key, element) in keyed(run, given)? {
        let new = match plain_key(&key) {
            Some(plain) => seen.insert(plain),
            None => {
                run.spend(others.len(), given.at)?;
                let mut known = false;
                for other in &others {
                    known = known || compare::equal(other, &key).or_else(|why| run.fail(given.at, why))?;
                }
                if !known {
                    others.push(key);
                }
                !known
            }
        };
        if new {
            kept.push(element);
        }
    }
    Ok(Item::list(kept))
}

/// A text that is equal exactly for equal values, for kinds that are equal to none of another kind.
fn plain_key(value: &Value) -> Option<(u8, Arc<str>)> {
    match &value.data {
        Data::Text(text) => Some((0, text.clone())),
        Data::Bool(_) => Some((1, value.bare().into())),
        _ => Some((2, Number::of(value)?.ok()?.plain()?.into())),
    }
}

pub fn join(run: &mut Run<'_>, given: &Given) -> Result<Item> {
    let separator = match given.arg("separator") {
        Some((item, at)) => run.text(item, *at)?,
        None => "".into(),
    };
    let name = attribute_name(run, given)?;
    let mut out = String::new();
    for (index, element) in elements(run, given)?.into_iter().enumerate() {
        let (part, at) = match &name {
            Some((name, at)) => (attribute(run, &element, (name, *at))?, *at),
            None => (element, given.subject_at),
        };
        let value = match &part {
            Item::Value(value, _) if value.is_null() => {
                return run.fail_with_help(
                    at,
                    format!("the list holds null (element {index})"),
                    "leave nulls out first: `| reject('none')`",
                );
            }
            _ => run.characters(&part, at)?,
        };
        if index > 0 {
            out.push_str(&separator);
        }
        out.push_str(value.as_str().unwrap_or(""));
        run.fits(out.len(), given.at)?;
    }
    run.make(out.len(), given.at)?;
    Ok(Item::made(out))
}

// Questions about all elements.

pub fn reject_null(run: &mut Run<'_>, given: &Given) -> Result<Item> {
    let Some((row, row_at)) = given.args.first() else { return run.fail(given.at, "a row is missing") };
    let mut kept = Vec::new();
    for name in elements(run, given)? {
        let key = run.text(&name, given.subject_at)?;
        let part = run.attribute(row, &key, *row_at, *row_at)?;
        match &part {
            Item::Missing(missing) => {
                if let Missing::Attribute { .. } = &**missing {
                    return run.fail(*row_at, format!("`{}` has no `{}`", run.written(*row_at), run.sayable(&key)));
                }
                return run.no_value(&part, *row_at);
            }
            Item::Value(value, _) => {
                run.note_outline(&part, false);
                if let Data::Unknown(why) = &value.data {
                    return Err(Stop::Unknown(why.clone()));
                }
                if !value.is_null() {
                    kept.push(name);
                }
            }
            _ => kept.push(name),
        }
    }
    Ok(Item::list(kept))
}

pub fn all_equal(run: &mut Run<'_>, given: &Given) -> Result<Item> {
    let Some((other, other_at)) = given.arg("other") else {
        return run.fail(given.at, "a value to compare with is missing");
    };
    let caseless = match given.arg("fold") {
        Some((item, at)) => match &*run.text(item, *at)? {
            "caseless" => true,
            _ => return run.fail(*at, "the only fold is 'caseless'"),
        },
        None => false,
    };
    let mut columns = Vec::new();
    if let Some((item, at)) = given.arg("columns") {
        for column in run.elements(item, *at)? {
            columns.push((run.text(&column, *at)?, *at));
        }
    }
    for element in elements(run, given)? {
        if columns.is_empty() && !same(run, &element, other, (given.subject_at, *other_at), caseless)? {
            return Ok(Item::made(false));
        }
        for (column, at) in &columns {
            let (a, b) = (attribute(run, &element, (column, *at))?, attribute(run, other, (column, *at))?);
            if !same(run, &a, &b, (*at, *at), caseless)? {
                return Ok(Item::made(false));
            }
        }
    }
    Ok(Item::made(true))
}

fn same(run: &mut Run<'_>, a: &Item, b: &Item, (a_at, b_at): (At, At), caseless: bool) -> Result<bool> {
    let (a, b) = (run.known(a, a_at)?, run.known(b, b_at)?);
    if let (true, Some(a), Some(b)) = (caseless, a.as_str(), b.as_str()) {
        return Ok(a.to_lowercase() == b.to_lowercase());
    }
    compare::equal(&a, &b).or_else(|why| run.fail(a_at, why))
}

pub fn all_match(run: &mut Run<'_>, given: &Given) -> Result<Item> {
    let Some((item, at)) = given.arg("text") else { return run.fail(given.at, "a text to look for is missing") };
    let wanted = run.text(item, *at)?;
    let name = attribute_name(run, given)?;
    for element in elements(run, given)? {
        let (part, at) = match &name {
            Some((name, at)) => (attribute(run, &element, (name, *at))?, *at),
            None => (element, given.subject_at),
        };
        if !run.text(&part, at)?.contains(&*wanted) {
            return Ok(Item::made(false));
        }
    }
    Ok(Item::made(true))
}
