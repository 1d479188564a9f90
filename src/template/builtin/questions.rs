//! What can be asked of a value with `is`, and `default`, which asks too.

use super::Given;
use crate::{
    base::value::{Data, Value},
    template::{
        item::Item,
        run::{Result, Run, Stop, flat},
        syntax::{At, Relation},
    },
};

fn yes(answer: bool) -> Result<Item> {
    Ok(Item::made(answer))
}

fn argument<'g>(run: &Run<'_>, given: &'g Given) -> Result<(&'g Item, At)> {
    match given.args.first() {
        Some((item, at)) => Ok((item, *at)),
        None => run.fail(given.at, format!("`{}` needs a value to compare with", given.about.name)),
    }
}

fn related(run: &mut Run<'_>, given: &Given, relation: Relation) -> Result<Item> {
    let other = argument(run, given)?;
    yes(run.related(relation, (&given.subject, given.subject_at), other)?)
}

pub fn eq(run: &mut Run<'_>, given: &Given) -> Result<Item> {
    related(run, given, Relation::Equal)
}

pub fn ne(run: &mut Run<'_>, given: &Given) -> Result<Item> {
    related(run, given, Relation::NotEqual)
}

pub fn lt(run: &mut Run<'_>, given: &Given) -> Result<Item> {
    related(run, given, Relation::Less)
}

pub fn le(run: &mut Run<'_>, given: &Given) -> Result<Item> {
    related(run, given, Relation::AtMost)
}

pub fn gt(run: &mut Run<'_>, given: &Given) -> Result<Item> {
    related(run, given, Relation::Greater)
}

pub fn ge(run: &mut Run<'_>, given: &Given) -> Result<Item> {
    related(run, given, Relation::AtLeast)
}

pub fn is_in(run: &mut Run<'_>, given: &Given) -> Result<Item> {
    related(run, given, Relation::In)
}

pub fn contains(run: &mut Run<'_>, given: &Given) -> Result<Item> {
    let part = argument(run, given)?;
    yes(run.contains((&given.subject, given.subject_at), part)?)
}

pub fn starting(run: &mut Run<'_>, given: &Given) -> Result<Item> {
    let (other, at) = argument(run, given)?;
    let (text, begin) = (run.text(&given.subject, given.subject_at)?, run.text(other, at)?);
    yes(text.starts_with(&*begin))
}

pub fn ending(run: &mut Run<'_>, given: &Given) -> Result<Item> {
    let (other, at) = argument(run, given)?;
    let (text, end) = (run.text(&given.subject, given.subject_at)?, run.text(other, at)?);
    yes(text.ends_with(&*end))
}

/// Exists, null or not. The answer for an unknown is known: there is something.
pub fn defined(run: &mut Run<'_>, given: &Given) -> Result<Item> {
    match &given.subject {
        Item::Missing(missing) => {
            run.note_absent(missing);
            yes(false)
        }
        Item::Value(..) => {
            run.note_outline(&given.subject, false);
            yes(true)
        }
        Item::Skipped(_) | Item::Undecided => run.no_value(&given.subject, given.subject_at),
        Item::List(_) | Item::Map(_) | Item::Vars | Item::Duration(_) => yes(true),
    }
}

pub fn undefined(run: &mut Run<'_>, given: &Given) -> Result<Item> {
    let there = defined(run, given)?;
    yes(!run.truth(&there, given.at)?)
}

pub fn default(run: &mut Run<'_>, given: &Given) -> Result<Item> {
    let Some((other, _)) = given.arg("value") else { return run.fail(given.at, "`default` needs the other value") };
    let also_empty = match given.arg("boolean") {
        Some((item, at)) => run.truth(item, *at)?,
        None => false,
    };
    match &given.subject {
        Item::Missing(missing) => {
            run.note_absent(missing);
            Ok(other.clone())
        }
        subject if also_empty && !run.truth(subject, given.subject_at)? => Ok(other.clone()),
        Item::Value(..) | Item::List(_) | Item::Map(_) | Item::Duration(_) => Ok(given.subject.clone()),
        Item::Skipped(_) | Item::Undecided | Item::Vars => run.no_value(&given.subject, given.subject_at),
    }
}

pub fn ran(run: &mut Run<'_>, given: &Given) -> Result<Item> {
    match &given.subject {
        Item::Skipped(_) => yes(false),
        Item::Missing(_) | Item::Undecided => run.no_value(&given.subject, given.subject_at),
        _ => yes(true),
    }
}

pub fn skipped(run: &mut Run<'_>, given: &Given) -> Result<Item> {
    match &given.subject {
        Item::Skipped(_) => yes(true),
        Item::Missing(_) | Item::Undecided => run.no_value(&given.subject, given.subject_at),
        _ => yes(false),
    }
}

/// Looks at the outline only: that something is null says nothing of a hidden content.
pub fn none(run: &mut Run<'_>, given: &Given) -> Result<Item> {
    match &given.subject {
        Item::Value(value, _) => {
            run.note_outline(&given.subject, false);
            match &value.data {
                Data::Unknown(why) => Err(Stop::Unknown(why.clone())),
                _ => yes(value.is_null()),
            }
        }
        Item::List(_) | Item::Map(_) => yes(false),
        other => run.no_value(other, given.subject_at),
    }
}

fn kind(run: &mut Run<'_>, given: &Given, is: impl Fn(&Value) -> bool) -> Result<Item> {
    let value = flat(run.value(&given.subject, given.subject_at)?);
    yes(is(&value))
}

pub fn boolean(run: &mut Run<'_>, given: &Given) -> Result<Item> {
    kind(run, given, |value| value.as_bool().is_some())
}

pub fn is_true(run: &mut Run<'_>, given: &Given) -> Result<Item> {
    kind(run, given, |value| value.as_bool() == Some(true))
}

pub fn is_false(run: &mut Run<'_>, given: &Given) -> Result<Item> {
    kind(run, given, |value| value.as_bool() == Some(false))
}

pub fn string(run: &mut Run<'_>, given: &Given) -> Result<Item> {
    kind(run, given, |value| value.as_str().is_some())
}

pub fn number(run: &mut Run<'_>, given: &Given) -> Result<Item> {
    kind(run, given, |value| matches!(value.data, Data::Int(_) | Data::Decimal(_) | Data::Float(_)))
}

pub fn list(run: &mut Run<'_>, given: &Given) -> Result<Item> {
    kind(run, given, |value| value.as_list().is_some())
}

pub fn mapping(run: &mut Run<'_>, given: &Given) -> Result<Item> {
    kind(run, given, |value| value.as_map().is_some())
}
