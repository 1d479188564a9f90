//! A value while an expression runs: it remembers where it came from, and it may be something that is no value yet.

use super::path::{Path, Step, Trail};
use crate::base::value::{Data, Value};
use std::sync::Arc;

/// What evaluating a part of an expression gives.
#[derive(Clone, Debug)]
pub enum Item {
    /// A value, and the path at which it stands in the scope when it was looked up and not made.
    Value(Value, Option<Trail>),
    /// A list made here, whose elements remember where they came from.
    List(Arc<Vec<Item>>),
    /// A map made here.
    Map(Arc<Vec<(Arc<str>, Item)>>),
    /// Nothing stands there: only `is defined`, `default` and their kin accept it.
    Missing(Arc<Missing>),
    /// The result of a step that did not run.
    Skipped(Arc<str>),
    /// The result of a step of which only apply will show whether it runs.
    Undecided,
    /// `vars` itself: its parts are evaluated when looked at.
    Vars,
    /// A stretch of time: exists only to be added to a date or moment, or to be compared.
    Duration(Duration),
}

/// Months and microseconds apart: a month has no fixed length.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Duration {
    pub months: i64,
    pub micros: i64,
}

/// What was looked for and is not there; the message is made only when somebody needs it.
#[derive(Debug)]
pub enum Missing {
    /// A name in the scope.
    Name(Arc<str>),
    /// An attribute of a map.
    Attribute { of: Value, name: Arc<str>, trail: Option<Trail> },
    /// `a if false` without `else`, the first of an empty list: why there is nothing.
    Nothing(String),
}

impl Duration {
    /// Nothing when it is longer than dates reach.
    pub fn new(months: i64, micros: i64) -> Option<Duration> {
        (months.unsigned_abs() <= 100_000_000 && micros != i64::MIN).then_some(Duration { months, micros })
    }

    /// The same length backwards.
    pub fn negative(self) -> Duration {
        Duration { months: -self.months, micros: -self.micros }
    }
}

impl Item {
    /// A value that was made here and stands nowhere in the scope.
    pub fn made(value: impl Into<Value>) -> Item {
        Item::Value(value.into(), None)
    }

    /// A list that was made here.
    pub fn list(items: Vec<Item>) -> Item {
        Item::List(Arc::new(items))
    }

    /// An unknown, and why.
    pub fn unknown(why: Arc<str>) -> Item {
        Item::made(Data::Unknown(why))
    }

    /// Nothing, and why.
    pub fn nothing(why: impl Into<String>) -> Item {
        Item::Missing(Arc::new(Missing::Nothing(why.into())))
    }

    /// The word for its kind, as messages say it.
    pub fn kind(&self) -> &'static str {
        match self {
            Item::Value(value, _) => value.kind(),
            Item::List(_) => "a list",
            Item::Map(_) | Item::Vars => "a map",
            Item::Missing(_) => "nothing",
            Item::Skipped(_) | Item::Undecided => "the result of a step",
            Item::Duration(_) => "a duration",
        }
    }
}

/// One look at a value, for the list of reads.
#[derive(Clone, Debug)]
pub struct Read {
    pub trail: Trail,
    pub length: bool,
}

impl Read {
    /// What was looked at, as callers see it.
    pub fn path(&self) -> Path {
        let mut path = self.trail.path();
        if self.length {
            path.steps.push(Step::Length);
        }
        path
    }
}

/// The first unknown in a value, itself or inside.
pub fn unknown_in(value: &Value) -> Option<&Arc<str>> {
    match &value.data {
        Data::Unknown(why) => Some(why),
        Data::List(values) => values.iter().find_map(unknown_in),
        Data::Map(entries) => entries.values().find_map(unknown_in),
        _ => None,
    }
}
