//! Values to bytes of PostgreSQL's binary protocol, by the type that the server reported for the parameter.

use super::{
    decode::{DAYS, MICROS},
    form::Form,
    numeric,
};
use crate::base::{
    decimal::Decimal,
    json,
    time::{self, Date, Stamp, Time},
    value::{self, Data, Value},
};

/// How a value goes to the server.
#[derive(Debug, PartialEq)]
pub enum Encoded {
    /// SQL NULL.
    Null,
    /// In the binary form of the parameter's type.
    Bytes(Vec<u8>),
    /// As text that the server must parse: `$1::text::type`.
    AsText(String),
}

/// Encodes a value for a type; the error is a fragment: `a text, which is not a date`. The value itself is not named:
/// it may be a row's.
pub fn encode(form: &Form, value: &Value) -> Result<Encoded, String> {
    let misfit = |what: &str| Err(format!("{}, which is not {what}", value.kind()));
    let fit =
        |bytes: Option<Vec<u8>>, what: &str| bytes.map_or_else(|| misfit(what), |bytes| Ok(Encoded::Bytes(bytes)));
    match (form, &value.data) {
        (_, Data::Null) => Ok(Encoded::Null),
        (_, Data::Unknown(_)) => Err("an unknown, which has no value yet".into()),
        (Form::Bool, _) => fit(truth(value).map(|b| vec![u8::from(b)]), "true or false"),
        (Form::Int(_) | Form::Oid, _) => fit(whole(value).and_then(|n| int(form, n)), "a whole number of its size"),
        (Form::Float(4), _) => fit(float(value).map(|f| (f as f32).to_be_bytes().to_vec()), "a number"),
        (Form::Float(_), _) => fit(float(value).map(|f| f.to_be_bytes().to_vec()), "a number"),
        (Form::Numeric, _) => fit(decimal(value).as_ref().and_then(numeric::encode), "a number"),
        (Form::Text, Data::List(_) | Data::Map(_)) => misfit("a text"),
        (Form::Text, _) if value.bare().contains('\0') => misfit("a text that PostgreSQL can hold: it has a zero byte"),
        (Form::Text, _) => Ok(Encoded::Bytes(value.bare().as_bytes().to_vec())),
        (Form::Bytes, Data::Bytes(bytes)) => Ok(Encoded::Bytes(bytes.to_vec())),
        (Form::Bytes, Data::Text(text)) => Ok(Encoded::AsText(text.to_string())),
        (Form::Bytes, _) => misfit("bytes"),
        (Form::Date, _) => fit(date(value).and_then(days), "a date (2024-03-31)"),
        (Form::Time, Data::Time(Time(micros))) => Ok(Encoded::Bytes(micros.to_be_bytes().to_vec())),
        (Form::Time, _) => fit(parsed::<Time>(value).map(|t| t.0.to_be_bytes().to_vec()), "a time of day (09:30:00)"),
        (Form::Timestamp, _) => fit(stamp(value).and_then(micros), "a timestamp (2024-03-31T09:30:00)"),
        (Form::Instant, _) => fit(stamp(value).and_then(micros), "an instant (2024-03-31T09:30:00Z)"),
        (Form::Uuid, Data::Uuid(uuid)) => Ok(Encoded::Bytes(uuid.as_bytes().to_vec())),
        (Form::Uuid, _) => fit(parsed::<uuid::Uuid>(value).map(|u| u.as_bytes().to_vec()), "a uuid"),
        (Form::Json, _) => Ok(Encoded::Bytes(document(value)?.into_bytes())),
        (Form::Jsonb, _) => Ok(Encoded::Bytes([&[1], document(value)?.as_bytes()].concat())),
        (Form::Array(element, oid), Data::List(_) | Data::Json(_)) if value.as_list().is_some() => {
            array(element, *oid, value.as_list().unwrap_or_default())
        }
        (Form::Array(..) | Form::Exotic | Form::Void, Data::Text(_) | Data::Int(_) | Data::Decimal(_)) => {
            Ok(Encoded::AsText(value.bare().into_owned()))
        }
        (Form::Exotic, Data::Json(json)) => Ok(Encoded::AsText(json.text().to_owned())),
        (Form::Array(..), _) => misfit("a list"),
        (Form::Exotic | Form::Void, Data::List(_) | Data::Map(_)) => misfit("a single value"),
        (Form::Exotic | Form::Void, _) => Ok(Encoded::AsText(value.bare().into_owned())),
    }
}

fn parsed<T: std::str::FromStr>(value: &Value) -> Option<T> {
    value.as_str()?.parse().ok()
}

fn truth(value: &Value) -> Option<bool> {
    match &value.data {
        Data::Bool(b) => Some(*b),
        Data::Int(n @ (0 | 1)) => Some(*n == 1),
        Data::Text(t) => match &**t {
            "true" | "t" => Some(true),
            "false" | "f" => Some(false),
            _ => None,
        },
        _ => None,
    }
}

fn whole(value: &Value) -> Option<i64> {
    match &value.data {
        Data::Int(n) => Some(*n),
        Data::Text(t) => t.parse().ok(),
        Data::Decimal(d) => {
            let (whole, fraction) = d.as_str().split_once('.').unwrap_or((d.as_str(), ""));
            fraction.bytes().all(|b| b == b'0').then(|| whole.parse().ok())?
        }
        Data::Float(f) => value::float_text(*f).strip_suffix(".0")?.parse().ok(),
        _ => None,
    }
}

fn int(form: &Form, n: i64) -> Option<Vec<u8>> {
    Some(match form {
        Form::Int(2) => i16::try_from(n).ok()?.to_be_bytes().to_vec(),
        Form::Int(4) => i32::try_from(n).ok()?.to_be_bytes().to_vec(),
        Form::Oid => u32::try_from(n).ok()?.to_be_bytes().to_vec(),
        _ => n.to_be_bytes().to_vec(),
    })
}

fn float(value: &Value) -> Option<f64> {
    match &value.data {
        Data::Float(f) => Some(*f),
        Data::Int(n) => Some(*n as f64),
        Data::Decimal(d) => d.as_str().parse().ok(),
        Data::Text(t) => t.parse().ok(),
        _ => None,
    }
}

fn decimal(value: &Value) -> Option<Decimal> {
    match &value.data {
        Data::Decimal(d) => Some(d.clone()),
        Data::Int(n) => Some((*n).into()),
        Data::Float(f) if f.is_nan() => "NaN".parse().ok(),
        Data::Float(f) if f.is_infinite() => (if *f > 0.0 { "Infinity" } else { "-Infinity" }).parse().ok(),
        Data::Float(f) => format!("{f}").parse().ok(),
        Data::Text(t) => t.parse().ok(),
        _ => None,
    }
}

fn date(value: &Value) -> Option<Date> {
    match &value.data {
        Data::Date(d) => Some(*d),
        Data::Timestamp(s) | Data::Instant(s) if !s.is_finite() || s.micros.rem_euclid(time::DAY) == 0 => {
            Some(s.date())
        }
        Data::Text(t) => t.parse().ok(),
        _ => None,
    }
}

fn days(date: Date) -> Option<Vec<u8>> {
    let days = match date.0 {
        end @ (i32::MIN | i32::MAX) => end,
        days => days.checked_sub(DAYS)?,
    };
    Some(days.to_be_bytes().to_vec())
}

/// A timestamp or instant. What has no zone is taken as UTC, because sessions are UTC.
fn stamp(value: &Value) -> Option<Stamp> {
    match &value.data {
        Data::Timestamp(s) | Data::Instant(s) => Some(*s),
        Data::Date(d) => Some(d.midnight()),
        Data::Text(t) => {
            t.parse::<Stamp>().or_else(|_| time::instant(t)).or_else(|_| t.parse::<Date>().map(Date::midnight)).ok()
        }
        _ => None,
    }
}

fn micros(stamp: Stamp) -> Option<Vec<u8>> {
    let micros = if stamp.is_finite() { stamp.micros.checked_sub(MICROS)? } else { stamp.micros };
    Some(micros.to_be_bytes().to_vec())
}

/// A text is a JSON document, as it is in SQL: the string `"x"` must come with its quotes.
fn document(value: &Value) -> Result<String, String> {
    match &value.data {
        Data::Json(json) => Ok(json.text().to_owned()),
        Data::Text(text) => match json::parse(text) {
            Ok(_) => Ok(text.to_string()),
            // As it was read: the server has taken it once, and says itself whether it does.
            Err(why) if why.is_limit() => Ok(text.to_string()),
            Err(why) => Err(format!("a text, which is not JSON: {why}")),
        },
        Data::Bytes(_) => Err("bytes, which are not JSON".into()),
        _ => Ok(json::text_of(value)),
    }
}

fn array(element: &Form, oid: u32, values: &[Value]) -> Result<Encoded, String> {
    let mut sizes = Vec::new();
    let mut flat: Vec<&Value> = values.iter().collect();
    if !values.is_empty() {
        sizes.push(values.len());
    }
    while flat.first().is_some_and(|v| v.as_list().is_some() && !matches!(element, Form::Json | Form::Jsonb)) {
        let parts: Vec<&[Value]> = flat.iter().map(|v| v.as_list().unwrap_or_default()).collect();
        let size = parts[0].len();
        if size == 0 || parts.iter().any(|p| p.len() != size) {
            return Err("a list of lists that are not equally long".into());
        }
        sizes.push(size);
        flat = parts.into_iter().flatten().collect();
    }
    let mut bytes = Vec::new();
    let mut push = |n: usize| i32::try_from(n).map(|n| bytes.extend(n.to_be_bytes())).map_err(|e| e.to_string());
    push(sizes.len())?;
    push(usize::from(flat.iter().any(|v| matches!(v.data, Data::Null))))?;
    bytes.extend(oid.to_be_bytes());
    for size in sizes {
        bytes.extend(i32::try_from(size).map_err(|e| e.to_string())?.to_be_bytes());
        bytes.extend(1_i32.to_be_bytes());
    }
    for value in flat {
        match encode(element, value)? {
            Encoded::Null => bytes.extend((-1_i32).to_be_bytes()),
            Encoded::Bytes(part) => {
                bytes.extend(i32::try_from(part.len()).map_err(|e| e.to_string())?.to_be_bytes());
                bytes.extend(part);
            }
            Encoded::AsText(_) => return Err("a list with a text where bytes are needed".into()),
        }
    }
    Ok(Encoded::Bytes(bytes))
}
