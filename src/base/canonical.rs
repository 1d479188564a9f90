//! Bytes that are equal exactly when two values are *the same value*: what fingerprints are made of.
//!
//! 1.0 and 1.00 give the same bytes, and so do two JSON texts of one document; marks are left aside. Binary floats are
//! told from decimals, because a column does not change from one to the other between plan and apply.

use super::{
    decimal::Decimal,
    value::{Data, Value},
};

/// The canonical bytes of a value. An unknown has bytes too, but equals nothing: ask [`Value::is_unknown`] first.
pub fn bytes(value: &Value) -> Vec<u8> {
    let mut out = Vec::new();
    write(value, &mut out);
    out
}

fn write(value: &Value, out: &mut Vec<u8>) {
    match &value.data {
        Data::Null => out.push(b'0'),
        Data::Bool(b) => out.extend([b'b', u8::from(*b)]),
        Data::Int(n) => framed(b'n', n.to_string().as_bytes(), out),
        Data::Decimal(d) => framed(b'n', digits(d).as_bytes(), out),
        Data::Float(f) => framed(b'f', &float(*f).to_be_bytes(), out),
        Data::Text(t) => framed(b't', t.as_bytes(), out),
        Data::Bytes(b) => framed(b'x', b, out),
        Data::Date(d) => framed(b'd', &d.0.to_be_bytes(), out),
        Data::Time(t) => framed(b'c', &t.0.to_be_bytes(), out),
        Data::Timestamp(s) => framed(b's', &s.micros.to_be_bytes(), out),
        Data::Instant(s) => framed(b'i', &s.micros.to_be_bytes(), out),
        Data::Uuid(u) => framed(b'u', u.as_bytes(), out),
        Data::Json(j) => write(j.tree(), out),
        Data::Unknown(why) => framed(b'?', why.as_bytes(), out),
        Data::List(values) => {
            out.push(b'[');
            out.extend((values.len() as u64).to_be_bytes());
            values.iter().for_each(|v| write(v, out));
        }
        Data::Map(entries) => {
            out.push(b'{');
            out.extend((entries.len() as u64).to_be_bytes());
            let mut sorted: Vec<_> = entries.iter().collect();
            sorted.sort_by(|a, b| a.0.cmp(b.0));
            for (name, v) in sorted {
                framed(b'k', name.as_bytes(), out);
                write(v, out);
            }
        }
    }
}

/// With its length, so that no two sequences of parts have the same bytes.
fn framed(kind: u8, content: &[u8], out: &mut Vec<u8>) {
    out.push(kind);
    out.extend((content.len() as u64).to_be_bytes());
    out.extend(content);
}

/// No leading zero, no trailing zero after the point, no negative zero.
fn digits(decimal: &Decimal) -> String {
    let text = decimal.as_str();
    if text.ends_with(|c: char| c.is_ascii_alphabetic()) {
        return text.to_owned();
    }
    let (sign, digits) = text.strip_prefix('-').map_or(("", text), |rest| ("-", rest));
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
    let (whole, fraction) = (whole.trim_start_matches('0'), fraction.trim_end_matches('0'));
    match (whole, fraction) {
        ("", "") => "0".to_owned(),
        ("", _) => format!("{sign}0.{fraction}"),
        (_, "") => format!("{sign}{whole}"),
        _ => format!("{sign}{whole}.{fraction}"),
    }
}

fn float(f: f64) -> u64 {
    if f.is_nan() {
        f64::NAN.to_bits()
    } else if f == 0.0 {
        0
    } else {
        f.to_bits()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::{json::Json, time::Stamp};
    use std::sync::Arc;

    fn dec(text: &str) -> Value {
        Data::Decimal(text.parse().unwrap()).into()
    }
    fn json(text: &str) -> Value {
        Data::Json(Arc::new(Json::parse(text).unwrap())).into()
    }

    #[test]
    fn the_same_value_has_the_same_bytes() {
        let same = [
            (dec("1.0"), dec("1.00")),
            (dec("-0.0"), Value::from(0)),
            (dec("007"), Value::from(7)),
            (dec("-.50"), dec("-0.5")),
            (Data::Float(0.0).into(), Data::Float(-0.0).into()),
            (json(r#"{"a":1,"b":[2.0]}"#), json(r#"{ "b": [2], "a": 1.0 }"#)),
            (
                Data::Timestamp(Stamp { micros: 5, digits: 6 }).into(),
                Data::Timestamp(Stamp { micros: 5, digits: 0 }).into(),
            ),
        ];
        for (a, b) in same {
            assert_eq!(a, b);
            assert_eq!(bytes(&a), bytes(&b));
        }
    }

    #[test]
    fn different_values_have_different_bytes() {
        let all = [
            Value::NULL,
            Value::from(""),
            Value::from("0"),
            Value::from(0),
            Value::from(false),
            dec("NaN"),
            dec("Infinity"),
            dec("10"),
            dec("1"),
            dec("-1"),
            Value::list([]),
            Value::list([Value::NULL]),
            Value::list([Value::list([]), Value::from("a")]),
            Value::list([Value::list([Value::from("a")])]),
            Value::map([("a", Value::from("b"))]),
            Value::map([("a", Value::from("b")), ("c", Value::NULL)]),
            Data::Timestamp(Stamp::new(0)).into(),
            Data::Instant(Stamp::new(0)).into(),
        ];
        for (i, a) in all.iter().enumerate() {
            for b in &all[..i] {
                assert_ne!(a, b);
                assert_ne!(bytes(a), bytes(b), "{a:?} {b:?}");
            }
        }
    }
}
