//! JSON without loss: numbers keep their text, documents keep theirs, order is kept.
//!
//! `serde_json` reads `12345678901234567.89` as a float; a diff built on that shows changes that are none.

mod cursor;
mod forms;
mod reader;
#[cfg(test)]
mod tests;

use super::value::{Data, Marks, Value};
pub use cursor::Cursor;
use reader::{read, with};

/// A document with the text it came as.
#[derive(Debug)]
pub struct Json {
    text: String,
    tree: Value,
}

/// Deeper documents are refused.
pub const MAX_DEPTH: usize = 128;

impl Json {
    /// Parses a text; the error says what is wrong and at which byte.
    pub fn parse(text: &str) -> Result<Json, JsonError> {
        Ok(Json { text: text.to_owned(), tree: parse(text)? })
    }

    /// From a tree; the text is made.
    pub fn of(tree: Value) -> Json {
        Json { text: text_of(&tree), tree }
    }

    /// As it came, byte for byte.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// What it says.
    pub fn tree(&self) -> &Value {
        &self.tree
    }
}

/// Not JSON, and where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct JsonError {
    /// A fragment: `unexpected end`.
    pub what: &'static str,
    /// Byte offset.
    pub at: usize,
}

impl JsonError {
    /// It may be JSON all the same: only here it is not read, and a database may have taken it.
    pub fn is_limit(&self) -> bool {
        matches!(self.what, DEEP | HALF | NO_NUMBER)
    }
}

pub(in crate::base::json) const DEEP: &str = "nested too deeply";
pub(in crate::base::json) const HALF: &str = "half of a surrogate pair";
pub(in crate::base::json) const NO_NUMBER: &str = "not a number";

impl std::fmt::Display for JsonError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} at byte {}", self.what, self.at)
    }
}
impl std::error::Error for JsonError {}

/// Parses one document into a tree of values.
pub fn parse(text: &str) -> Result<Value, JsonError> {
    read(text, None)
}

/// So much less deep than [`MAX_DEPTH`] that nobody has to count exactly.
const SHALLOW: u32 = 100;

/// Whether a document that was written here is nested so little that it can be read back. Much cheaper than reading it.
pub fn is_shallow(text: &str) -> bool {
    let (mut depth, mut bytes) = (0_u32, text.bytes());
    while let Some(byte) = bytes.next() {
        match byte {
            b'{' | b'[' => {
                depth += 1;
                if depth > SHALLOW {
                    return false;
                }
            }
            b'}' | b']' => depth = depth.saturating_sub(1),
            b'"' => loop {
                match bytes.next() {
                    None | Some(b'"') => break,
                    Some(b'\\') => drop(bytes.next()),
                    Some(_) => {}
                }
            },
            _ => {}
        }
    }
    true
}

/// The JSON text of a value, nothing masked: for requests, columns and hashes.
pub fn text_of(value: &Value) -> String {
    let mut out = String::new();
    write(value, false, &mut out);
    out
}

/// The JSON text of a value for people: personal values and secrets masked.
pub fn masked(value: &Value) -> String {
    let mut out = String::new();
    write(value, true, &mut out);
    out
}

fn write(value: &Value, mask: bool, out: &mut String) {
    if mask && value.marks.hidden() && !value.is_null() {
        return quote(&value.plain(), out);
    }
    match &value.data {
        Data::Null => out.push_str("null"),
        Data::Bool(truth) => out.push_str(if *truth { "true" } else { "false" }),
        Data::Int(number) => number_text(*number, out),
        Data::Decimal(d) if d.as_str().bytes().all(|b| b.is_ascii_digit() || b == b'.' || b == b'-') => {
            out.push_str(&json_digits(d.as_str()));
        }
        Data::Float(f) if f.is_finite() => out.push_str(&value.bare()),
        Data::Json(json) => write(json.tree(), mask, out),
        Data::List(values) => {
            out.push('[');
            for (i, v) in values.iter().enumerate() {
                if i > 0 {
                    out.push(',');
                }
                write(v, mask, out);
            }
            out.push(']');
        }
        Data::Map(entries) => {
            out.push('{');
            for (i, (k, v)) in entries.iter().enumerate() {
                if i > 0 {
                    out.push(',');
                }
                quote(k, out);
                out.push(':');
                write(v, mask, out);
            }
            out.push('}');
        }
        _ => quote(&value.bare(), out),
    }
}

/// `.5` and `007.1` are decimals but not JSON numbers.
fn json_digits(text: &str) -> String {
    let (sign, digits) = text.strip_prefix('-').map_or(("", text), |d| ("-", d));
    let (whole, fraction) = digits.split_once('.').map_or((digits, None), |(w, f)| (w, Some(f)));
    let whole = whole.trim_start_matches('0');
    let whole = if whole.is_empty() { "0" } else { whole };
    fraction.map_or_else(|| format!("{sign}{whole}"), |f| format!("{sign}{whole}.{f}"))
}

/// Adds `text` as a JSON string.
pub fn quote(text: &str, out: &mut String) {
    use std::fmt::Write;
    out.push('"');
    let mut from = 0;
    // All of these are ASCII, so the cuts are between two characters.
    for (at, byte) in text.bytes().enumerate().filter(|(_, byte)| matches!(byte, b'"' | b'\\' | 0..0x20)) {
        out.push_str(&text[from..at]);
        from = at + 1;
        match byte {
            b'"' => out.push_str("\\\""),
            b'\\' => out.push_str("\\\\"),
            b'\n' => out.push_str("\\n"),
            b'\r' => out.push_str("\\r"),
            b'\t' => out.push_str("\\t"),
            byte => {
                let _ = write!(out, "\\u{byte:04x}");
            }
        }
    }
    out.push_str(&text[from..]);
    out.push('"');
}

/// The lossless stored form: every kind and mark comes back as it was. Plain JSON kinds stand for themselves,
/// others are `{"$kind": text}`, marked ones `{"$marks": bits, "$of": …}`.
pub fn encode(value: &Value) -> String {
    encode_with(value, &|_| None)
}

/// What may stand in place of a part.
type Replace<'r> = &'r dyn Fn(&Value) -> Option<Value>;

/// As [`encode`], but `replace` is asked first about every part, from the outside in, and may give the JSON tree that
/// stands in its place: `{"$sealed": …}`. Such a tag must be one that [`decode_with`] is told about.
pub fn encode_with(value: &Value, replace: &dyn Fn(&Value) -> Option<Value>) -> String {
    let mut out = String::new();
    store(value, replace, &mut out);
    out
}

/// The same at the end of a text.
pub(in crate::base) fn encode_onto(out: &mut String, value: &Value, replace: &dyn Fn(&Value) -> Option<Value>) {
    store(value, replace, out);
}

fn store(value: &Value, replace: Replace<'_>, out: &mut String) {
    if let Some(replaced) = replace(value) {
        return write(&replaced, false, out);
    }
    if value.marks != Marks::NONE {
        out.push_str("{\"$marks\":");
        number_text(i64::from(value.marks.bits()), out);
        out.push_str(",\"$of\":");
        store(&Value { data: value.data.clone(), marks: Marks::NONE }, replace, out);
        return out.push('}');
    }
    let tagged = |tag: &str, text: &str, out: &mut String| {
        out.push_str(tag);
        quote(text, out);
        out.push('}');
    };
    let stamp = |tag: &str, stamp: &super::time::Stamp, out: &mut String| {
        out.push_str(tag);
        number_text(stamp.micros, out);
        out.push(',');
        number_text(i64::from(stamp.digits), out);
        out.push_str("]}");
    };
    let counted = |tag: &str, number: i64, out: &mut String| {
        out.push_str(tag);
        number_text(number, out);
        out.push('}');
    };
    match &value.data {
        Data::Null | Data::Bool(_) | Data::Int(_) | Data::Text(_) => write(value, false, out),
        Data::Decimal(d) => tagged("{\"$decimal\":", &d.to_string(), out),
        Data::Float(f) => tagged("{\"$float\":", &format!("{:016x}", f.to_bits()), out),
        Data::Bytes(_) => tagged("{\"$bytes\":", &value.bare(), out),
        Data::Date(d) => counted("{\"$date\":", i64::from(d.0), out),
        Data::Time(t) => counted("{\"$time\":", t.0, out),
        Data::Timestamp(s) => stamp("{\"$timestamp\":[", s, out),
        Data::Instant(s) => stamp("{\"$instant\":[", s, out),
        Data::Uuid(u) => tagged("{\"$uuid\":", &u.to_string(), out),
        Data::Json(j) => tagged("{\"$json\":", j.text(), out),
        Data::Unknown(why) => tagged("{\"$unknown\":", why, out),
        Data::List(values) => {
            out.push('[');
            for (i, value) in values.iter().enumerate() {
                if i > 0 {
                    out.push(',');
                }
                store(value, replace, out);
            }
            out.push(']');
        }
        Data::Map(entries) => {
            let looks = entries.names().looks();
            out.push_str(if looks.dollar { "{\"$map\":{" } else { "{" });
            for (i, (k, v)) in entries.iter().enumerate() {
                if i > 0 {
                    out.push(',');
                }
                if looks.plain {
                    out.push('"');
                    out.push_str(k);
                    out.push_str("\":");
                } else {
                    quote(k, out);
                    out.push(':');
                }
                store(v, replace, out);
            }
            out.push_str(if looks.dollar { "}}" } else { "}" });
        }
    }
}

/// Adds the digits of a number.
pub(in crate::base) fn number_text(number: i64, out: &mut String) {
    let (mut digits, mut at, mut left) = ([0_u8; 20], 20, number.unsigned_abs());
    loop {
        at -= 1;
        digits[at] = b'0' + (left % 10) as u8;
        left /= 10;
        if left == 0 {
            break;
        }
    }
    if number < 0 {
        out.push('-');
    }
    out.push_str(std::str::from_utf8(&digits[at..]).unwrap_or_default());
}

/// Reads what [`encode`] wrote.
pub fn decode(text: &str) -> Result<Value, JsonError> {
    decode_with(text, &|_, _| None)
}

/// Reads what [`encode_with`] wrote: `restore` is given every tag that is none of ours, with what stands under it.
pub fn decode_with(text: &str, restore: &dyn Fn(&str, &Value) -> Option<Value>) -> Result<Value, JsonError> {
    read(text, Some(restore))
}

/// The same of a record: what `take` makes of it, without a tree of the whole. Nothing where `take` gives nothing, or where something follows behind it.
pub fn decode_as<T>(
    text: &str,
    restore: &dyn Fn(&str, &Value) -> Option<Value>,
    take: impl FnOnce(&mut Cursor<'_, '_>) -> Option<T>,
) -> Option<T> {
    with(text, Some(restore), |reader| {
        let taken = take(&mut Cursor::of(reader));
        taken.filter(|_| reader.is_over())
    })
}

/// Bytes of `\x0a1b`.
pub fn unhex(text: &str) -> Option<Vec<u8>> {
    let digits = text.strip_prefix("\\x")?;
    if digits.len() % 2 != 0 || !digits.is_ascii() {
        return None;
    }
    (0..digits.len()).step_by(2).map(|i| u8::from_str_radix(&digits[i..i + 2], 16).ok()).collect()
}
