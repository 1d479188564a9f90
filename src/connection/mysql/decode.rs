//! Bytes of MySQL's binary protocol to values, without loss.

use super::{
    super::fault::{Fault, FaultKind},
    form::Form,
};
use crate::base::{
    json::Json,
    time::{DAY, Date, Stamp, Time},
    value::{Data, Value},
};
use sqlx::{Column, Decode, MySql, Row, mysql::MySqlRow};
use std::sync::Arc;

/// Roughly what a row weighs, before it is decoded.
pub fn weight(row: &MySqlRow) -> usize {
    (0..row.columns().len()).map(|i| 16 + bytes(row, i).map_or(0, <[u8]>::len)).sum()
}

/// The driver takes a zero date for a null; the bytes tell.
fn bytes(row: &MySqlRow, i: usize) -> Option<&[u8]> {
    row.try_get_raw(i).ok().and_then(|raw| <&[u8] as Decode<MySql>>::decode(raw).ok())
}

/// The values of a row.
pub fn values(row: &MySqlRow, forms: &[Form]) -> Result<Vec<Value>, Fault> {
    let one = |(i, form): (usize, &Form)| {
        decode(form, bytes(row, i)).map_err(|why| {
            let name = row.columns().get(i).map_or("", |c| c.name());
            Fault::new(FaultKind::Data, format!("the column `{name}` {why}"))
                .advise(format!("correct the row, or select the column as text: `cast({name} as char) as {name}`"))
        })
    };
    forms.iter().enumerate().map(one).collect()
}

/// The value of a column; the error is a fragment that follows the column's name.
pub fn decode(form: &Form, bytes: Option<&[u8]>) -> Result<Value, String> {
    let Some(bytes) = bytes else { return Ok(Value::NULL) };
    Ok(match form {
        Form::Bool { unsigned } => match int(bytes, 1, *unsigned)? {
            Data::Int(n @ (0 | 1)) => Data::Bool(n == 1),
            other => other,
        },
        Form::Int { bytes: length, unsigned } => int(bytes, *length, *unsigned)?,
        // As the number that its shortest text says: 1.1, not 1.10000002384.
        Form::Float(4) => {
            let float = f32::from_le_bytes(exact(bytes)?);
            // The largest one is rounded up there, to what no column of 4 bytes takes.
            let short = float.to_string().parse().ok().filter(|short: &f64| short.abs() <= f64::from(f32::MAX));
            Data::Float(short.unwrap_or(f64::from(float)))
        }
        Form::Float(_) => Data::Float(f64::from_le_bytes(exact(bytes)?)),
        Form::Decimal => {
            Data::Decimal(text(bytes)?.parse().map_err(|_| "holds a decimal that could not be read".to_owned())?)
        }
        Form::Bits => bits(bytes)?,
        Form::Bit => Data::Bool(bytes.last().is_some_and(|b| b & 1 == 1)),
        Form::Text | Form::TextOrJson => Data::Text(text(bytes)?.into()),
        Form::Uuid => {
            let text = text(bytes)?;
            uuid::Uuid::parse_str(text).map_or_else(|_| Data::Text(text.into()), Data::Uuid)
        }
        Form::Bytes => Data::Bytes(bytes.into()),
        Form::Date => Data::Date(day(bytes)?),
        Form::Time => time(bytes)?,
        Form::Timestamp => Data::Timestamp(stamp(bytes)?),
        Form::Instant => Data::Instant(stamp(bytes)?),
        Form::Json => {
            let text = text(bytes)?;
            Json::parse(text).map_or_else(|_| Data::Text(text.into()), |json| Data::Json(Arc::new(json)))
        }
        Form::Null => Data::Null,
    }
    .into())
}

fn exact<const N: usize>(bytes: &[u8]) -> Result<[u8; N], String> {
    bytes.try_into().map_err(|_| format!("holds {} bytes where {N} were expected", bytes.len()))
}

fn text(bytes: &[u8]) -> Result<&str, String> {
    std::str::from_utf8(bytes).map_err(|_| "holds text that is not UTF-8".into())
}

fn int(bytes: &[u8], length: u8, unsigned: bool) -> Result<Data, String> {
    let number = match (length, unsigned) {
        (1, false) => i8::from_le_bytes(exact(bytes)?).into(),
        (1, true) => u8::from_le_bytes(exact(bytes)?).into(),
        (2, false) => i16::from_le_bytes(exact(bytes)?).into(),
        (2, true) => u16::from_le_bytes(exact(bytes)?).into(),
        (4, false) => i32::from_le_bytes(exact(bytes)?).into(),
        (4, true) => u32::from_le_bytes(exact(bytes)?).into(),
        (_, false) => i64::from_le_bytes(exact(bytes)?),
        (_, true) => return large(u64::from_le_bytes(exact(bytes)?)),
    };
    Ok(Data::Int(number))
}

/// A number that may be too large for ours stays exact as a decimal.
fn large(number: u64) -> Result<Data, String> {
    match i64::try_from(number) {
        Ok(n) => Ok(Data::Int(n)),
        Err(_) => number
            .to_string()
            .parse()
            .map(Data::Decimal)
            .map_err(|_| "holds a number that could not be read".to_owned()),
    }
}

fn bits(bytes: &[u8]) -> Result<Data, String> {
    if bytes.len() > 8 {
        return Err("holds more than 64 bits".into());
    }
    large(bytes.iter().fold(0, |number, byte| number << 8 | u64::from(*byte)))
}

const ZERO: &str = "holds a zero date (0000-00-00), which is no date";

/// A length, then year (two bytes), month, day.
fn day(bytes: &[u8]) -> Result<Date, String> {
    match bytes {
        [length, low, high, month, day, ..] if *length >= 4 => {
            let year = u16::from_le_bytes([*low, *high]);
            if *month == 0 || *day == 0 {
                return Err(ZERO.into());
            }
            Date::from_ymd(year.into(), (*month).into(), (*day).into())
                .ok_or_else(|| "holds a day that is in no calendar".into())
        }
        _ => Err(ZERO.into()),
    }
}

/// A length, then a date, hour, minute, second where they are not all zero, microseconds where not zero.
fn stamp(bytes: &[u8]) -> Result<Stamp, String> {
    let days = i64::from(day(bytes)?.0);
    let clock = match bytes.get(5..8) {
        Some([hour, minute, second]) => i64::from(*hour) * 3600 + i64::from(*minute) * 60 + i64::from(*second),
        _ => 0,
    };
    Ok(Stamp::new(days * DAY + clock * 1_000_000 + micros(bytes.get(8..12))?))
}

fn micros(bytes: Option<&[u8]>) -> Result<i64, String> {
    bytes.map_or(Ok(0), |bytes| exact(bytes).map(u32::from_le_bytes).map(i64::from))
}

/// A length, then sign, days (four bytes), hour, minute, second, and microseconds where not zero. Beyond a day, or before
/// zero, it is a length of time: it travels as MySQL writes it.
fn time(bytes: &[u8]) -> Result<Data, String> {
    let Some([sign, days @ .., hour, minute, second]) = bytes.get(1..9) else { return Ok(Data::Time(Time(0))) };
    let hours = i64::from(u32::from_le_bytes(exact(days)?)) * 24 + i64::from(*hour);
    let micros = micros(bytes.get(9..13))?;
    if *sign == 0 && hours < 24 {
        let seconds = hours * 3600 + i64::from(*minute) * 60 + i64::from(*second);
        return Ok(Data::Time(Time(seconds * 1_000_000 + micros)));
    }
    let fraction = if micros == 0 { String::new() } else { format!(".{micros:06}") };
    let sign = if *sign == 0 { "" } else { "-" };
    Ok(Data::Text(format!("{sign}{hours:02}:{minute:02}:{second:02}{fraction}").into()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(form: Form, bytes: &[u8]) -> String {
        decode(&form, Some(bytes)).map_or_else(|why| why, |value| value.bare().into_owned())
    }

    #[test]
    fn dates_and_times_keep_every_microsecond_and_zero_dates_are_refused() {
        let stamp = [11, 0xe8, 0x07, 2, 29, 23, 59, 58, 0x40, 0xe2, 0x01, 0x00];
        assert_eq!(shown(Form::Timestamp, &stamp), "2024-02-29T23:59:58.123456");
        assert_eq!(shown(Form::Instant, &[4, 0xe8, 0x07, 2, 29]), "2024-02-29T00:00:00Z");
        assert_eq!(shown(Form::Date, &[4, 0xe8, 0x07, 2, 29]), "2024-02-29");
        for zero in [&[0][..], &[4, 0xe8, 0x07, 0, 1], &[4, 0xe8, 0x07, 1, 0]] {
            assert!(shown(Form::Date, zero).contains("zero date"));
            assert!(shown(Form::Timestamp, zero).contains("zero date"));
        }
        assert!(shown(Form::Date, &[4, 0xe8, 0x07, 2, 30]).contains("no calendar"));
    }

    #[test]
    fn a_length_of_time_stays_as_mysql_writes_it() {
        assert_eq!(shown(Form::Time, &[8, 0, 0, 0, 0, 0, 9, 8, 7]), "09:08:07");
        assert_eq!(shown(Form::Time, &[0]), "00:00:00");
        assert_eq!(shown(Form::Time, &[8, 1, 1, 0, 0, 0, 2, 0, 0]), "-26:00:00");
        assert_eq!(shown(Form::Time, &[12, 0, 34, 0, 0, 0, 22, 59, 59, 1, 0, 0, 0]), "838:59:59.000001");
    }

    #[test]
    fn numbers_keep_their_size_and_sign() {
        // The largest one by its shortest text is more than a column of 4 bytes takes.
        assert_eq!(shown(Form::Float(4), &1.1_f32.to_le_bytes()), "1.1");
        for largest in [f32::MAX, f32::MIN] {
            let read = decode(&Form::Float(4), Some(&largest.to_le_bytes())).unwrap();
            assert!(matches!(read.data, Data::Float(float) if float == f64::from(largest)), "{read:?}");
        }
        assert_eq!(shown(Form::Int { bytes: 8, unsigned: true }, &[0xff; 8]), "18446744073709551615");
        assert_eq!(shown(Form::Int { bytes: 4, unsigned: false }, &[0xff; 4]), "-1");
        assert_eq!(shown(Form::Bool { unsigned: true }, &[200]), "200");
        assert_eq!(shown(Form::Bool { unsigned: false }, &[1]), "true");
        assert_eq!(shown(Form::Bits, &[1, 0]), "256");
        assert_eq!(shown(Form::Bit, &[1]), "true");
    }
}
