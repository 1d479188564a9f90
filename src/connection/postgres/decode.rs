//! Bytes of PostgreSQL's binary protocol to values, without loss.

use super::{form::Form, numeric};
use crate::base::{
    json::Json,
    time::{Date, Stamp, Time},
    value::{Data, Value},
};
use std::sync::Arc;

/// Days from 1970-01-01 to 2000-01-01.
pub const DAYS: i32 = 10_957;
/// Microseconds from 1970 to 2000.
pub const MICROS: i64 = 946_684_800_000_000;

/// The value of a column; the error is a fragment that follows the column's name: `holds a date beyond …`.
pub fn decode(form: &Form, bytes: Option<&[u8]>) -> Result<Value, String> {
    let Some(bytes) = bytes else { return Ok(Value::NULL) };
    let data = match form {
        Form::Bool => Data::Bool(bytes.first() == Some(&1)),
        Form::Int(_) | Form::Oid => Data::Int(int(form, bytes)?),
        Form::Float(4) => Data::Float(widen(f32::from_be_bytes(exact(bytes)?))),
        Form::Float(_) => Data::Float(f64::from_be_bytes(exact(bytes)?)),
        Form::Numeric => Data::Decimal(numeric::decode(bytes).ok_or("holds a numeric that could not be read")?),
        Form::Text => Data::Text(text(bytes)?.into()),
        Form::Bytes => Data::Bytes(bytes.into()),
        Form::Date => Data::Date(date(i32::from_be_bytes(exact(bytes)?))?),
        Form::Time => Data::Time(Time(i64::from_be_bytes(exact(bytes)?))),
        Form::Timestamp => Data::Timestamp(stamp(i64::from_be_bytes(exact(bytes)?))?),
        Form::Instant => Data::Instant(stamp(i64::from_be_bytes(exact(bytes)?))?),
        Form::Uuid => Data::Uuid(uuid::Uuid::from_bytes(exact(bytes)?)),
        Form::Json => json(text(bytes)?),
        Form::Jsonb => json(text(bytes.get(1..).unwrap_or_default())?),
        Form::Void => Data::Null,
        Form::Array(element, _) => return array(element, bytes),
        Form::Exotic => return Err("has a type that trueup cannot read without loss".into()),
    };
    Ok(data.into())
}

fn exact<const N: usize>(bytes: &[u8]) -> Result<[u8; N], String> {
    bytes.try_into().map_err(|_| format!("holds {} bytes where {N} were expected", bytes.len()))
}

fn int(form: &Form, bytes: &[u8]) -> Result<i64, String> {
    Ok(match form {
        Form::Int(2) => i16::from_be_bytes(exact(bytes)?).into(),
        Form::Int(4) => i32::from_be_bytes(exact(bytes)?).into(),
        Form::Oid => u32::from_be_bytes(exact(bytes)?).into(),
        _ => i64::from_be_bytes(exact(bytes)?),
    })
}

/// A float4 as the number that its shortest text says: 1.1, not 1.10000002384.
fn widen(float: f32) -> f64 {
    float.to_string().parse().unwrap_or(f64::from(float))
}

fn text(bytes: &[u8]) -> Result<&str, String> {
    std::str::from_utf8(bytes).map_err(|_| "holds text that is not UTF-8".into())
}

/// The infinities keep their ends of the range.
fn date(days: i32) -> Result<Date, String> {
    match days {
        i32::MIN | i32::MAX => Ok(Date(days)),
        _ => days.checked_add(DAYS).map(Date).ok_or_else(|| "holds a date that is too far away".into()),
    }
}

fn stamp(micros: i64) -> Result<Stamp, String> {
    match micros {
        i64::MIN | i64::MAX => Ok(Stamp::new(micros)),
        _ => {
            micros.checked_add(MICROS).map(Stamp::new).ok_or_else(|| "holds a timestamp after the year 294 246".into())
        }
    }
}

fn json(text: &str) -> Data {
    // What PostgreSQL takes as JSON and we do not (too deep) stays text: nothing is lost.
    Json::parse(text).map_or_else(|_| Data::Text(text.into()), |json| Data::Json(Arc::new(json)))
}

fn array(element: &Form, bytes: &[u8]) -> Result<Value, String> {
    let mut at = 0;
    let mut take = |count: usize| {
        let part = bytes.get(at..at + count);
        at += count;
        part.ok_or_else(|| "holds an array that could not be read".to_owned())
    };
    let mut number = || Ok::<i32, String>(i32::from_be_bytes(exact(take(4)?)?));
    let (dimensions, _has_null, _oid) = (number()?, number()?, number()?);
    let mut sizes = Vec::new();
    for _ in 0..dimensions {
        sizes.push(usize::try_from(number()?).map_err(|e| e.to_string())?);
        if number()? != 1 {
            return Err("holds an array whose first index is not 1".into());
        }
    }
    let count = if sizes.is_empty() { 0 } else { sizes.iter().fold(1, |all: usize, size| all.saturating_mul(*size)) };
    let mut values = Vec::new();
    for _ in 0..count {
        let length = i32::from_be_bytes(exact(take(4)?)?);
        let part = usize::try_from(length).ok().map(&mut take).transpose()?;
        values.push(decode(element, part)?);
    }
    // The innermost dimension first.
    for size in sizes.iter().skip(1).rev() {
        values = values.chunks((*size).max(1)).map(|part| Value::list(part.iter().cloned())).collect();
    }
    Ok(Value::list(values))
}
