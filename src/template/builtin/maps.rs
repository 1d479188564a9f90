//! Lists of named things as maps, and back: many APIs say `[{name, value}]` where a map is meant.

use super::Given;
use crate::template::{
    item::Item,
    run::{Result, Run},
    syntax::At,
};
use std::sync::Arc;

/// The text of an argument; nothing when it is not given.
fn word(run: &mut Run<'_>, given: &Given, name: &str) -> Result<Option<(Arc<str>, At)>> {
    match given.arg(name) {
        Some((item, at)) => Ok(Some((run.text(item, *at)?, *at))),
        None => Ok(None),
    }
}

pub fn to_map(run: &mut Run<'_>, given: &Given) -> Result<Item> {
    let (Some((key, key_at)), Some((value, value_at))) = (word(run, given, "key")?, word(run, given, "value")?) else {
        return run.fail(given.at, "`to_map` needs two attributes: `list | to_map('name', 'value')`");
    };
    let mut entries: Vec<(Arc<str>, Item)> = Vec::new();
    for element in run.elements(&given.subject, given.subject_at)? {
        let name = run.dotted(&element, &key, key_at)?;
        let name = run.text(&name, key_at)?;
        let held = run.dotted_or_null(&element, &value, value_at)?;
        match entries.iter_mut().find(|(known, _)| *known == name) {
            // Of two entries with one name the later one counts, as to most who read such lists.
            Some((_, known)) => *known = held,
            None => entries.push((name, held)),
        }
    }
    Ok(Item::Map(Arc::new(entries)))
}

pub fn to_list(run: &mut Run<'_>, given: &Given) -> Result<Item> {
    let Some((key, _)) = word(run, given, "key")? else {
        return run.fail(given.at, "`to_list` needs a name: `map | to_list('name', 'value')`");
    };
    let value = word(run, given, "value")?;
    let extra = match given.arg("extra") {
        Some((item, at)) => run.value(item, *at)?.as_map().cloned().unwrap_or_default(),
        None => Default::default(),
    };
    let mut all = Vec::new();
    for name in run.elements(&given.subject, given.subject_at)? {
        let mut entries = vec![(key.clone(), name.clone())];
        if let Some((value, _)) = &value {
            let name = run.text(&name, given.subject_at)?;
            entries.push((value.clone(), run.attribute(&given.subject, &name, given.subject_at, given.at)?));
        }
        entries.extend(extra.iter().map(|(name, value)| (name.clone(), Item::made(value.clone()))));
        all.push(Item::Map(Arc::new(entries)));
    }
    Ok(Item::list(all))
}
