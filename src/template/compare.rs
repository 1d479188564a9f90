//! When two values are equal, which comes first, and whether one is in another. Knows nothing of expressions.
//!
//! Equality is *the same value*; between kinds that have nothing to do with each other it is false, but a date compared with a
//! text reads the text as a date, and fails when it is none. Order exists only within one kind.

use super::number::of_float;
use crate::base::{
    decimal::Decimal,
    time::{self, Stamp},
    value::{Data, Value},
};
use std::cmp::Ordering;

/// Why two values cannot be compared: a fragment without a value in it that could be personal.
pub type Answer<T> = Result<T, String>;

/// Kinds of values that have something in common. What is of none (null, an unknown, JSON) may be equal to anything.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Family {
    /// True and false.
    Truth,
    /// Whole numbers, decimals, floating-point numbers.
    Number,
    /// Characters.
    Text,
    /// Dates, times of day and moments.
    Time,
    /// UUIDs.
    Uuid,
    /// Bytes.
    Bytes,
    /// Lists.
    List,
    /// Maps.
    Map,
}

impl Family {
    /// The family of a value.
    pub fn of(value: &Value) -> Option<Family> {
        Some(match &value.data {
            Data::Null | Data::Unknown(_) | Data::Json(_) => return None,
            Data::Bool(_) => Family::Truth,
            Data::Int(_) | Data::Decimal(_) | Data::Float(_) => Family::Number,
            Data::Text(_) => Family::Text,
            Data::Date(_) | Data::Time(_) | Data::Timestamp(_) | Data::Instant(_) => Family::Time,
            Data::Uuid(_) => Family::Uuid,
            Data::Bytes(_) => Family::Bytes,
            Data::List(_) => Family::List,
            Data::Map(_) => Family::Map,
        })
    }

    /// Whether a value of the one can be equal to a value of the other: a text is read as a date, a moment or a UUID.
    pub fn meets(self, other: Family) -> bool {
        let read = |one, text| text == Family::Text && matches!(one, Family::Time | Family::Uuid);
        self == other || read(self, other) || read(other, self)
    }

    /// As messages say it.
    pub fn words(self) -> &'static str {
        match self {
            Family::Truth => "true or false",
            Family::Number => "a number",
            Family::Text => "a text",
            Family::Time => "a date or time",
            Family::Uuid => "a uuid",
            Family::Bytes => "bytes",
            Family::List => "a list",
            Family::Map => "a map",
        }
    }
}

/// Kinds of times: only those of one kind have an order, and a text is read as the other side's kind.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Clock {
    /// A date.
    Date,
    /// A time of day.
    Time,
    /// A date and a time of day, in no zone.
    Timestamp,
    /// A moment.
    Instant,
}

impl Clock {
    /// Some value of this kind.
    pub fn sample(self) -> Value {
        let stamp = Stamp::new(0);
        match self {
            Clock::Date => Data::Date(time::Date(0)),
            Clock::Time => return "00:00:00".parse().map_or(Value::NULL, |time| Data::Time(time).into()),
            Clock::Timestamp => Data::Timestamp(stamp),
            Clock::Instant => Data::Instant(stamp),
        }
        .into()
    }
}

/// Why the two cannot be compared, where one of them is a time: two kinds of times, a text that is read as none.
pub fn untimely(a: &Value, b: &Value) -> Answer<()> {
    temporal(a, b).map(drop)
}

/// The same value.
pub fn equal(a: &Value, b: &Value) -> Answer<bool> {
    Ok(match (&a.data, &b.data) {
        (Data::Json(json), _) => return equal(json.tree(), b),
        (_, Data::Json(json)) => return equal(a, json.tree()),
        (Data::List(a), Data::List(b)) => a.len() == b.len() && all(a.iter().zip(b.iter()))?,
        (Data::Map(a), Data::Map(b)) => {
            a.len() == b.len()
                && a.keys().all(|k| b.contains_key(k))
                && all(a.iter().filter_map(|(k, v)| Some((v, b.get(k)?))))?
        }
        (Data::Uuid(uuid), Data::Text(text)) | (Data::Text(text), Data::Uuid(uuid)) => text.parse() == Ok(*uuid),
        (Data::Float(_), Data::Decimal(_)) | (Data::Decimal(_), Data::Float(_)) => {
            // By the decimal that the binary number stands for: 0.1 is 0.1.
            match (decimal(a), decimal(b)) {
                (Some(a), Some(b)) => a == b,
                _ => false,
            }
        }
        _ => match temporal(a, b)? {
            Some(order) => order == Ordering::Equal,
            None => a == b,
        },
    })
}

fn all<'v>(mut pairs: impl Iterator<Item = (&'v Value, &'v Value)>) -> Answer<bool> {
    pairs.try_fold(true, |same, (a, b)| Ok(same && equal(a, b)?))
}

/// Which comes first; an error for kinds that have no common order.
pub fn order(a: &Value, b: &Value) -> Answer<Ordering> {
    let order = match (&a.data, &b.data) {
        (Data::Json(json), _) => return order(json.tree(), b),
        (_, Data::Json(json)) => return order(a, json.tree()),
        (Data::Int(a), Data::Int(b)) => Some(a.cmp(b)),
        (Data::Text(a), Data::Text(b)) => Some(a.cmp(b)),
        (Data::Uuid(a), Data::Uuid(b)) => Some(a.cmp(b)),
        (Data::Bytes(a), Data::Bytes(b)) => Some(a.cmp(b)),
        (Data::Float(a), Data::Float(b)) => a.partial_cmp(b),
        (Data::Int(_) | Data::Decimal(_) | Data::Float(_), Data::Int(_) | Data::Decimal(_) | Data::Float(_)) => {
            decimal(a).zip(decimal(b)).map(|(a, b)| a.cmp(&b))
        }
        _ => temporal(a, b)?,
    };
    order.ok_or_else(|| match a.kind() == b.kind() {
        true => format!("{} has no order", a.kind()),
        false => format!("{} and {} have no common order", a.kind(), b.kind()),
    })
}

/// A number as its decimal digits.
pub fn decimal(value: &Value) -> Option<Decimal> {
    match &value.data {
        Data::Int(n) => Some(Decimal::from(*n)),
        Data::Decimal(decimal) => Some(decimal.clone()),
        Data::Float(f) => of_float(*f).ok(),
        _ => None,
    }
}

/// Order in time, when at least one of the two is a date, a time of day or a moment.
fn temporal(a: &Value, b: &Value) -> Answer<Option<Ordering>> {
    let no_text = |kind: &str, form: &str| format!("the text compared with {kind} is no {form}");
    // Of a time without a zone, nobody has said in which one it is meant: the author has to.
    let no_zone = |text: &str| {
        let why = no_text("an instant", "moment with a zone (`2025-07-23T10:00:00Z`)");
        if stamp(text).is_some() {
            format!("{why}: `| timestamp` on both sides compares the times without one, in UTC")
        } else {
            why
        }
    };
    Ok(Some(match (&a.data, &b.data) {
        (Data::Date(a), Data::Date(b)) => a.cmp(b),
        (Data::Time(a), Data::Time(b)) => a.cmp(b),
        (Data::Timestamp(a), Data::Timestamp(b)) | (Data::Instant(a), Data::Instant(b)) => a.cmp(b),
        (Data::Date(a), Data::Text(b)) => a.cmp(&b.parse().map_err(|_| no_text("a date", "date (`2025-07-23`)"))?),
        (Data::Time(a), Data::Text(b)) => a.cmp(&b.parse().map_err(|_| no_text("a time of day", "time (`10:00:00`)"))?),
        (Data::Timestamp(a), Data::Text(b)) => {
            a.cmp(&stamp(b).ok_or_else(|| no_text("a timestamp", "timestamp (`2025-07-23T10:00:00`)"))?)
        }
        (Data::Instant(a), Data::Text(b)) => a.cmp(&time::instant(b).map_err(|_| no_zone(b))?),
        (Data::Text(_), Data::Date(_) | Data::Time(_) | Data::Timestamp(_) | Data::Instant(_)) => {
            return Ok(temporal(b, a)?.map(Ordering::reverse));
        }
        (Data::Date(_), Data::Timestamp(_) | Data::Instant(_))
        | (Data::Timestamp(_) | Data::Instant(_), Data::Date(_)) => {
            return Err(format!("{} is compared with {}: `| date` makes a date of it", a.kind(), b.kind()));
        }
        (Data::Timestamp(_), Data::Instant(_)) | (Data::Instant(_), Data::Timestamp(_)) => {
            return Err(
                "a timestamp without a zone is compared with an instant: `| timestamp` gives the instant's time in UTC"
                    .into(),
            );
        }
        _ => return Ok(None),
    }))
}

/// A timestamp in a text: `2025-07-23T10:00:00`, or a date for its midnight.
fn stamp(text: &str) -> Option<Stamp> {
    text.parse().ok().or_else(|| text.parse::<time::Date>().ok().map(time::Date::midnight))
}

/// Counts as yes in a condition: not null, false, zero or empty.
pub fn truth(value: &Value) -> bool {
    match &value.data {
        Data::Null => false,
        Data::Bool(b) => *b,
        Data::Int(n) => *n != 0,
        Data::Decimal(d) => *d != Decimal::from(0),
        Data::Float(f) => *f != 0.0,
        Data::Text(t) => !t.is_empty(),
        Data::Bytes(b) => !b.is_empty(),
        Data::List(values) => !values.is_empty(),
        Data::Map(entries) => !entries.is_empty(),
        Data::Json(json) => truth(json.tree()),
        Data::Date(_) | Data::Time(_) | Data::Timestamp(_) | Data::Instant(_) | Data::Uuid(_) | Data::Unknown(_) => {
            true
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn dec(text: &str) -> Value {
        Data::Decimal(text.parse().unwrap()).into()
    }

    fn date(text: &str) -> Value {
        Data::Date(text.parse().unwrap()).into()
    }

    #[test]
    fn numbers_are_compared_by_their_decimal_value() {
        assert_eq!(equal(&dec("1.0"), &Value::from(1)), Ok(true));
        assert_eq!(equal(&Data::Float(0.1).into(), &dec("0.10")), Ok(true));
        assert_eq!(equal(&Data::Float(0.1).into(), &dec("0.10000000000000001")), Ok(false));
        assert_eq!(order(&dec("9.99"), &Value::from(10)), Ok(Ordering::Less));
        assert_eq!(equal(&Value::from("1"), &Value::from(1)), Ok(false));
        assert!(order(&Value::from("1"), &Value::from(1)).is_err());
        assert!(order(&Value::from(true), &Value::from(false)).is_err());
    }

    #[test]
    fn values_of_families_that_never_meet_are_never_equal() {
        let uuid = "67e55044-10b1-426f-9247-bb680e5fe0c8";
        let all = [
            Value::from(true),
            Value::from(1),
            dec("1.5"),
            "1".into(),
            "2025-07-23".into(),
            uuid.into(),
            date("2025-07-23"),
            Data::Uuid(uuid.parse().unwrap()).into(),
            Data::Bytes(b"1".as_slice().into()).into(),
            Value::list([Value::from(1)]),
        ];
        for (a, b) in all.iter().flat_map(|a| all.iter().map(move |b| (a, b))) {
            let (one, other) = (Family::of(a).unwrap(), Family::of(b).unwrap());
            assert_eq!(one.meets(other), other.meets(one));
            assert!(one.meets(other) || equal(a, b) == Ok(false), "{a:?} and {b:?}");
        }
        assert_eq!(Family::of(&Value::NULL), None);
    }

    #[test]
    fn dates_compare_with_iso_texts_and_refuse_others() {
        assert_eq!(equal(&date("2025-07-23"), &"2025-07-23".into()), Ok(true));
        assert_eq!(order(&"2025-07-22".into(), &date("2025-07-23")), Ok(Ordering::Less));
        assert!(equal(&date("2025-07-23"), &"23/07/2025".into()).is_err());
        let noon: Value = Data::Timestamp("2025-07-23T12:00:00".parse().unwrap()).into();
        assert_eq!(equal(&noon, &"2025-07-23 12:00:00.000".into()), Ok(true));
        assert_eq!(order(&noon, &"2025-07-23".into()), Ok(Ordering::Greater));
        assert!(equal(&noon, &date("2025-07-23")).is_err());
        assert_eq!(equal(&date("2025-07-23"), &Value::NULL), Ok(false));
    }
}
