//! Whether a fact is as a row of a decision table wants it.

use crate::{
    base::{
        secret::Masks,
        value::{Data, Value},
    },
    read::http::Status,
    template::equal,
};

/// The longest part of an answer in a message, in characters.
const SHORT: usize = 200;

/// The fact fits: it is the wanted value, or one of a list of them, or has the class of statuses (`5xx`), or is a map with
/// the wanted entries.
pub fn fits(fact: &Value, wanted: &Value) -> bool {
    if equal(fact, wanted).unwrap_or(false) {
        return true;
    }
    match &wanted.data {
        Data::List(one_of) if fact.as_list().is_none() => one_of.iter().any(|one| fits(fact, one)),
        Data::Text(text) => class(text)
            .is_some_and(|class| fact.as_int().and_then(|n| u16::try_from(n).ok()).is_some_and(|n| class.holds(n))),
        Data::Map(wanted) => wanted.iter().all(|(name, wanted)| {
            fact.get(name).is_some_and(|fact| {
                equal(&fact, wanted).unwrap_or(false) || wanted.as_map().is_some() && fits(&fact, wanted)
            })
        }),
        _ => false,
    }
}

/// `5xx`.
pub fn class(text: &str) -> Option<Status> {
    let hundreds = text.strip_suffix("xx").and_then(|n| n.parse::<u16>().ok()).filter(|n| (1..=5).contains(n))?;
    Some(Status::Class(hundreds))
}

/// A value in one line, masked; a secret that `masks` know is looked for before it is cut.
pub fn short(value: &Value, masks: &Masks) -> String {
    masks.shortened(&value.shown(), SHORT)
}
