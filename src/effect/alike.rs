//! When two values of different systems mean the same: dates written in two ways, names in capitals, numbers as texts.
//! Serves `compare` and `resource`. Looks at values only, and never at where they come from.

use crate::{
    base::{
        canonical,
        decimal::Decimal,
        time::{self, Date, Stamp},
        value::{Data, Value},
    },
    words,
};
use std::borrow::Cow;

words! {
    "a way to compare"
    pub enum As {
        /// The same value (the default). A text is never a number.
        Value = "value",
        /// The same text: `12` and `"12"` are the same.
        Text = "text",
        /// The same text, in capitals or not, without space at both ends.
        Caseless = "caseless",
        /// The same words, in capitals or not, however much space is between them.
        Words = "words",
        /// The same day: a date, a moment, or a text of one (`2025-07-23`, `2025-07-23T00:00:00Z`).
        Date = "date",
        /// The same moment, in whichever zone it is written; without a zone it is in UTC.
        Moment = "moment",
        /// The same number, also where one is a text: `1.50` and `"1.5"`.
        Number = "number",
        /// The same elements of a list, in any order.
        Set = "set",
    }
}

words! {
    "a way to match"
    pub enum Match {
        /// The same (the default).
        Equal = "equal",
        /// The left begins with the right: word by word with `as: words`, else letter by letter.
        StartsWith = "starts_with",
        /// The left holds the right.
        Contains = "contains",
    }
}

/// How two values are compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Way {
    /// What is the same.
    pub kind: As,
    /// How much of it.
    pub matching: Match,
    /// A text without any letter is nothing.
    pub blank_is_null: bool,
}

impl As {
    /// Bytes that two values have in common exactly when they are alike in this way: by them records of two sources find each other.
    pub fn print(self, value: &Value) -> Vec<u8> {
        let way = Way { kind: self, ..Way::default() };
        let own = match self {
            As::Value | As::Set => None,
            As::Text | As::Caseless | As::Words => way.text(value).map(Value::from),
            As::Date => date(value).map(|date| Data::Date(date).into()),
            As::Moment => moment(value).map(|moment| Data::Instant(moment).into()),
            As::Number => number(value).map(|number| Data::Decimal(number).into()),
        };
        canonical::bytes(own.as_ref().unwrap_or(value))
    }
}

impl Default for Way {
    fn default() -> Way {
        Way { kind: As::Value, matching: Match::Equal, blank_is_null: false }
    }
}

impl Way {
    /// Whether both mean the same; nothing while one of them is only known after apply. A value that is not of the kind
    /// that is looked for (a text that is no date) is only like itself.
    pub fn alike(self, left: &Value, right: &Value) -> Option<bool> {
        if left.is_unknown() || right.is_unknown() {
            return None;
        }
        let (left, right) = (self.whole(left), self.whole(right));
        if left.is_null() || right.is_null() {
            return Some(left.is_null() && right.is_null());
        }
        Some(match self.matching {
            Match::Equal => *left == *right || self.same(&left, &right),
            Match::StartsWith => self.parts(&left, &right, |all, part| all.starts_with(part), |a, b| a.starts_with(b)),
            Match::Contains => self.parts(&left, &right, holds, |a, b| a.contains(b)),
        })
    }

    fn whole(self, value: &Value) -> Cow<'_, Value> {
        match value.as_str() {
            Some(text) if self.blank_is_null && text.trim().is_empty() => Cow::Owned(Value::NULL),
            _ => Cow::Borrowed(value),
        }
    }

    fn same(self, left: &Value, right: &Value) -> bool {
        fn both<T: PartialEq>(left: Option<T>, right: Option<T>) -> bool {
            left.is_some() && left == right
        }
        match self.kind {
            As::Value => false,
            As::Text | As::Caseless | As::Words => both(self.text(left), self.text(right)),
            As::Date => both(date(left), date(right)),
            As::Moment => both(moment(left), moment(right)),
            As::Number => both(number(left), number(right)),
            As::Set => match (left.as_list(), right.as_list()) {
                (Some(a), Some(b)) => a.len() == b.len() && among(a, b) && among(b, a),
                _ => false,
            },
        }
    }

    /// One in the other: of lists by their elements, of words by words, else by letters.
    fn parts(
        self,
        left: &Value,
        right: &Value,
        elements: fn(&[Value], &[Value]) -> bool,
        letters: fn(&str, &str) -> bool,
    ) -> bool {
        if let (Some(a), Some(b)) = (left.as_list(), right.as_list()) {
            return elements(a, b);
        }
        let (Some(a), Some(b)) = (self.text(left), self.text(right)) else { return false };
        match self.kind {
            As::Words => {
                let split = |text: &str| text.split(' ').map(Value::from).collect::<Vec<_>>();
                elements(&split(&a), &split(&b))
            }
            _ => letters(&a, &b),
        }
    }

    /// The text that is compared; nothing for what has none.
    fn text(self, value: &Value) -> Option<String> {
        if matches!(value.data, Data::List(_) | Data::Map(_) | Data::Bytes(_) | Data::Unknown(_) | Data::Null) {
            return None;
        }
        let text = value.bare();
        Some(match self.kind {
            As::Caseless => text.trim().to_lowercase(),
            As::Words => text.to_lowercase().split_whitespace().collect::<Vec<_>>().join(" "),
            _ => text.into_owned(),
        })
    }
}

/// The elements of `part` stand in `all` one after the other.
fn holds(all: &[Value], part: &[Value]) -> bool {
    part.is_empty() || all.windows(part.len()).any(|window| window == part)
}

fn among(these: &[Value], those: &[Value]) -> bool {
    these.iter().all(|one| {
        let count = |list: &[Value]| list.iter().filter(|other| *other == one).count();
        count(these) == count(those)
    })
}

fn date(value: &Value) -> Option<Date> {
    match &value.data {
        Data::Date(date) => Some(*date),
        Data::Timestamp(stamp) | Data::Instant(stamp) => Some(stamp.date()),
        Data::Text(text) => text.parse().ok().or_else(|| stamp(text).map(Stamp::date)),
        _ => None,
    }
}

fn moment(value: &Value) -> Option<Stamp> {
    match &value.data {
        Data::Date(date) => Some(date.midnight()),
        Data::Timestamp(stamp) | Data::Instant(stamp) => Some(*stamp),
        Data::Text(text) => stamp(text).or_else(|| text.parse::<Date>().ok().map(Date::midnight)),
        _ => None,
    }
}

fn stamp(text: &str) -> Option<Stamp> {
    time::instant(text).ok().or_else(|| text.parse().ok())
}

fn number(value: &Value) -> Option<Decimal> {
    match &value.data {
        Data::Int(n) => Some(Decimal::from(*n)),
        Data::Decimal(decimal) => Some(decimal.clone()),
        Data::Float(_) | Data::Text(_) => value.bare().trim().parse().ok(),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn alike(kind: As, matching: Match, left: impl Into<Value>, right: impl Into<Value>) -> Option<bool> {
        Way { kind, matching, blank_is_null: false }.alike(&left.into(), &right.into())
    }

    #[test]
    fn each_way_sees_the_same_in_what_two_systems_write_differently() {
        use {As::*, Match::Equal};
        let day = |text: &str| Data::Date(text.parse().unwrap());
        let cases: [(As, super::Value, super::Value, bool); 13] = [
            (Value, "12".into(), 12.into(), false),
            (Text, "12".into(), 12.into(), true),
            (Caseless, " O'Neill".into(), "O'NEILL".into(), true),
            (Caseless, "Anne  Marie".into(), "anne marie".into(), false),
            (Words, "Anne  Marie ".into(), "anne marie".into(), true),
            (Date, day("1990-02-28").into(), "1990-02-28T00:00:00Z".into(), true),
            (Date, day("1990-02-28").into(), "1990-02-27".into(), false),
            (Moment, "2025-07-23T10:00:00+01:00".into(), "2025-07-23T09:00:00Z".into(), true),
            (Number, "1.50".into(), Data::Decimal("1.5".parse().unwrap()).into(), true),
            (Number, "much".into(), 1.into(), false),
            (Number, "much".into(), "much".into(), true),
            (Set, super::Value::list([1.into(), 2.into()]), super::Value::list([2.into(), 1.into()]), true),
            (Set, super::Value::list([1.into(), 1.into()]), super::Value::list([1.into(), 2.into()]), false),
        ];
        for (kind, left, right, same) in cases {
            assert_eq!(alike(kind, Equal, left.clone(), right.clone()), Some(same), "{kind:?} {left:?} {right:?}");
            if kind != Set {
                assert_eq!(kind.print(&left) == kind.print(&right), same, "by print: {kind:?} {left:?} {right:?}");
            }
        }
    }

    #[test]
    fn beginnings_are_of_words_or_of_letters() {
        assert_eq!(alike(As::Words, Match::StartsWith, "Ada Maria", "ADA"), Some(true));
        assert_eq!(alike(As::Words, Match::StartsWith, "Adalbert", "Ada"), Some(false), "not the same word");
        assert_eq!(alike(As::Caseless, Match::StartsWith, "Adalbert", "ADA"), Some(true));
        assert_eq!(alike(As::Words, Match::Contains, "de la Cruz Ruiz", "la cruz"), Some(true));
        assert_eq!(alike(As::Value, Match::Contains, "abc", "x"), Some(false));
    }

    #[test]
    fn null_is_like_null_only_and_an_unknown_is_like_nothing_yet() {
        let blank = Way { blank_is_null: true, ..Way::default() };
        assert_eq!(blank.alike(&"  ".into(), &Value::NULL), Some(true));
        assert_eq!(Way::default().alike(&"".into(), &Value::NULL), Some(false));
        assert_eq!(Way::default().alike(&Value::unknown(), &Value::NULL), None);
        assert_eq!(alike(As::Date, Match::Equal, Value::NULL, "1990-02-28"), Some(false));
    }
}
