//! JSON without loss: numbers keep their text, documents keep theirs, order is kept.
//!
//! `serde_json` reads `12345678901234567.89` as a float; a diff built on that shows changes that are none.

use super::{
    decimal::Decimal,
    value::{Data, Map, Marks, Value},
};
use std::{borrow::Cow, sync::Arc};

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

impl std::fmt::Display for JsonError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} at byte {}", self.what, self.at)
    }
}
impl std::error::Error for JsonError {}

/// Parses one document into a tree of values.
pub fn parse(text: &str) -> Result<Value, JsonError> {
    let mut reader = Reader { text, at: 0, keys: Vec::new(), next: 0 };
    let value = reader.value(0)?;
    reader.space();
    if reader.at < text.len() { Err(reader.fail("text after the document")) } else { Ok(value) }
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

struct Reader<'a> {
    text: &'a str,
    at: usize,
    /// Keys that were read, once each: records of one kind repeat theirs in the same order.
    keys: Vec<Arc<str>>,
    /// The key that came after this one the last time.
    next: usize,
}

/// So many keys are remembered; looking through more would cost more than it saves.
const KEYS: usize = 64;

impl<'a> Reader<'a> {
    fn fail(&self, what: &'static str) -> JsonError {
        JsonError { what, at: self.at }
    }

    fn peek(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    fn space(&mut self) {
        while matches!(self.peek(), Some(b' ' | b'\t' | b'\n' | b'\r')) {
            self.at += 1;
        }
    }

    fn value(&mut self, depth: usize) -> Result<Value, JsonError> {
        if depth > MAX_DEPTH {
            return Err(self.fail("nested too deeply"));
        }
        self.space();
        match self.peek() {
            None => Err(self.fail("unexpected end")),
            Some(b'{') => self.object(depth),
            Some(b'[') => self.array(depth),
            Some(b'"') => Ok(Value::text(&*self.string()?)),
            Some(b'-' | b'0'..=b'9') => self.number(),
            Some(_) => {
                for (word, data) in [("true", Data::Bool(true)), ("false", Data::Bool(false)), ("null", Data::Null)] {
                    if self.text[self.at..].starts_with(word) {
                        self.at += word.len();
                        return Ok(data.into());
                    }
                }
                Err(self.fail("unexpected character"))
            }
        }
    }

    fn object(&mut self, depth: usize) -> Result<Value, JsonError> {
        self.at += 1;
        let mut entries = Map::new();
        self.space();
        if self.peek() == Some(b'}') {
            self.at += 1;
            return Ok(entries.into());
        }
        loop {
            self.space();
            if self.peek() != Some(b'"') {
                return Err(self.fail("expected a key in quotes"));
            }
            let key = self.string()?;
            let key = self.key(&key);
            self.space();
            if self.peek() != Some(b':') {
                return Err(self.fail("expected `:`"));
            }
            self.at += 1;
            let value = self.value(depth + 1)?;
            entries.insert(key, value);
            self.space();
            match self.peek() {
                Some(b',') => self.at += 1,
                Some(b'}') => {
                    self.at += 1;
                    return Ok(entries.into());
                }
                _ => return Err(self.fail("expected `,` or `}`")),
            }
        }
    }

    fn array(&mut self, depth: usize) -> Result<Value, JsonError> {
        self.at += 1;
        let mut values = Vec::new();
        self.space();
        if self.peek() == Some(b']') {
            self.at += 1;
            return Ok(Value::list(values));
        }
        loop {
            values.push(self.value(depth + 1)?);
            self.space();
            match self.peek() {
                Some(b',') => self.at += 1,
                Some(b']') => {
                    self.at += 1;
                    return Ok(Value::list(values));
                }
                _ => return Err(self.fail("expected `,` or `]`")),
            }
        }
    }

    fn key(&mut self, text: &str) -> Arc<str> {
        let known = self.keys.get(self.next).filter(|key| ***key == *text).map(|_| self.next);
        let known = known.or_else(|| self.keys.iter().position(|key| **key == *text));
        if let Some(at) = known {
            self.next = at + 1;
            return self.keys[at].clone();
        }
        let key: Arc<str> = text.into();
        if self.keys.len() < KEYS {
            self.keys.push(key.clone());
            self.next = self.keys.len();
        }
        key
    }

    /// Borrowed where nothing is escaped.
    fn string(&mut self) -> Result<Cow<'a, str>, JsonError> {
        self.at += 1;
        let mut out = Cow::Borrowed("");
        loop {
            let rest = &self.text[self.at..];
            // All three are ASCII, so the cut is between two characters.
            let stop = rest.bytes().position(|b| b == b'"' || b == b'\\' || b < b' ');
            let stop = stop.ok_or(self.fail("text without an end"))?;
            if out.is_empty() {
                out = Cow::Borrowed(&rest[..stop]);
            } else {
                out.to_mut().push_str(&rest[..stop]);
            }
            self.at += stop;
            match self.peek() {
                Some(b'"') => {
                    self.at += 1;
                    return Ok(out);
                }
                Some(b'\\') => out.to_mut().push(self.escape()?),
                _ => return Err(self.fail("control character in a text")),
            }
        }
    }

    fn escape(&mut self) -> Result<char, JsonError> {
        self.at += 1;
        let plain = match self.peek() {
            Some(b'"') => '"',
            Some(b'\\') => '\\',
            Some(b'/') => '/',
            Some(b'b') => '\u{8}',
            Some(b'f') => '\u{c}',
            Some(b'n') => '\n',
            Some(b'r') => '\r',
            Some(b't') => '\t',
            Some(b'u') => {
                let high = self.hex4()?;
                if !(0xD800..0xDC00).contains(&high) {
                    return char::from_u32(high).ok_or(self.fail("half of a surrogate pair"));
                }
                if !self.text[self.at..].starts_with("\\u") {
                    return Err(self.fail("half of a surrogate pair"));
                }
                self.at += 1;
                let low = self.hex4()?;
                let code = 0x10000 + ((high - 0xD800) << 10) + low.wrapping_sub(0xDC00);
                return if (0xDC00..0xE000).contains(&low) { char::from_u32(code) } else { None }
                    .ok_or(self.fail("half of a surrogate pair"));
            }
            _ => return Err(self.fail("unknown escape")),
        };
        self.at += 1;
        Ok(plain)
    }

    /// At `u`; leaves behind the four digits.
    fn hex4(&mut self) -> Result<u32, JsonError> {
        let digits = self.text.get(self.at + 1..self.at + 5).ok_or(self.fail("unknown escape"))?;
        if !digits.bytes().all(|b| b.is_ascii_hexdigit()) {
            return Err(self.fail("unknown escape"));
        }
        self.at += 5;
        u32::from_str_radix(digits, 16).map_err(|_| self.fail("unknown escape"))
    }

    fn number(&mut self) -> Result<Value, JsonError> {
        let rest = &self.text[self.at..];
        let end = rest.find(|c: char| !matches!(c, '0'..='9' | '-' | '+' | '.' | 'e' | 'E')).unwrap_or(rest.len());
        let text = &rest[..end];
        let value = number(text).ok_or(self.fail("not a number"))?;
        self.at += end;
        Ok(value)
    }
}

/// A JSON number: an integer when it fits, else its digits, else (with an exponent) a float.
fn number(text: &str) -> Option<Value> {
    let digits = text.strip_prefix('-').unwrap_or(text);
    let whole = digits.split(['.', 'e', 'E']).next()?;
    if whole.is_empty() || (whole.len() > 1 && whole.starts_with('0')) || digits.ends_with('.') {
        return None;
    }
    if !text.contains(['.', 'e', 'E'])
        && let Ok(n) = text.parse::<i64>()
    {
        return Some(n.into());
    }
    if let Ok(decimal) = text.parse::<Decimal>() {
        return Some(Data::Decimal(decimal).into());
    }
    text.parse::<f64>().ok().filter(|f| f.is_finite()).map(|f| Data::Float(f).into())
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
        Data::Bool(_) | Data::Int(_) => out.push_str(&value.bare()),
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
    for c in text.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            c if (c as u32) < 0x20 => {
                let _ = write!(out, "\\u{:04x}", c as u32);
            }
            c => out.push(c),
        }
    }
    out.push('"');
}

/// The lossless stored form: every kind and mark comes back as it was. Plain JSON kinds stand for themselves,
/// others are `{"$kind": text}`, marked ones `{"$marks": bits, "$of": …}`.
pub fn encode(value: &Value) -> String {
    text_of(&tagged(value, &|_| None))
}

/// As [`encode`], but `replace` is asked first about every part, from the outside in, and may give the JSON tree that
/// stands in its place: `{"$sealed": …}`. Such a tag must be one that [`decode_with`] is told about.
pub fn encode_with(value: &Value, replace: &dyn Fn(&Value) -> Option<Value>) -> String {
    text_of(&tagged(value, replace))
}

fn tagged(value: &Value, replace: &dyn Fn(&Value) -> Option<Value>) -> Value {
    if let Some(replaced) = replace(value) {
        return replaced;
    }
    if value.marks != Marks::NONE {
        let inner = tagged(&Value { data: value.data.clone(), marks: Marks::NONE }, replace);
        return Value::map([("$marks", i64::from(value.marks.bits()).into()), ("$of", inner)]);
    }
    let tag = |name: &'static str, text: String| Value::map([(name, Value::text(text))]);
    match &value.data {
        Data::Null | Data::Bool(_) | Data::Int(_) | Data::Text(_) => value.clone(),
        Data::Decimal(d) => tag("$decimal", d.to_string()),
        Data::Float(f) => tag("$float", format!("{:016x}", f.to_bits())),
        Data::Bytes(_) => tag("$bytes", value.bare().into_owned()),
        Data::Date(d) => Value::map([("$date", i64::from(d.0).into())]),
        Data::Time(t) => Value::map([("$time", t.0.into())]),
        Data::Timestamp(s) => Value::map([("$timestamp", Value::list([s.micros.into(), i64::from(s.digits).into()]))]),
        Data::Instant(s) => Value::map([("$instant", Value::list([s.micros.into(), i64::from(s.digits).into()]))]),
        Data::Uuid(u) => tag("$uuid", u.to_string()),
        Data::Json(j) => tag("$json", j.text().to_owned()),
        Data::Unknown(why) => tag("$unknown", why.to_string()),
        Data::List(values) => Value::list(values.iter().map(|v| tagged(v, replace))),
        Data::Map(entries) => {
            let plain: Map = entries.iter().map(|(k, v)| (k.clone(), tagged(v, replace))).collect();
            if entries.keys().any(|k| k.starts_with('$')) { Value::map([("$map", plain.into())]) } else { plain.into() }
        }
    }
}

/// Reads what [`encode`] wrote.
pub fn decode(text: &str) -> Result<Value, JsonError> {
    decode_with(text, &|_, _| None)
}

/// Reads what [`encode_with`] wrote: `restore` is given every tag that is none of ours, with what stands under it.
pub fn decode_with(text: &str, restore: &dyn Fn(&str, &Value) -> Option<Value>) -> Result<Value, JsonError> {
    let value = parse(text)?;
    // No key begins with `$`: it is what it says, and need not be gone through again.
    if !text.contains("\"$") {
        return Ok(value);
    }
    untagged(&value, restore).ok_or(JsonError { what: "not a stored value", at: 0 })
}

fn untagged(value: &Value, restore: &dyn Fn(&str, &Value) -> Option<Value>) -> Option<Value> {
    let entries = match &value.data {
        Data::List(values) => {
            return Some(Value::list(values.iter().map(|v| untagged(v, restore)).collect::<Option<Vec<_>>>()?));
        }
        Data::Map(entries) => entries,
        _ => return Some(value.clone()),
    };
    let plain = |entries: &Map| {
        Some(Value::from(
            entries.iter().map(|(k, v)| Some((k.clone(), untagged(v, restore)?))).collect::<Option<Map>>()?,
        ))
    };
    let Some((tag, inner)) = entries.first().filter(|(k, _)| k.starts_with('$')) else {
        return plain(entries);
    };
    let stamp = || {
        let pair = inner.as_list()?;
        let (micros, digits) = (pair.first()?.as_int()?, pair.get(1)?.as_int()?);
        Some(super::time::Stamp { micros, digits: u8::try_from(digits).ok()? })
    };
    let data = match &**tag {
        "$marks" => {
            let marks = Marks::from_bits(u8::try_from(inner.as_int()?).ok()?);
            return Some(untagged(entries.get("$of")?, restore)?.marked(marks));
        }
        "$map" => return plain(inner.as_map()?),
        "$decimal" => Data::Decimal(inner.as_str()?.parse().ok()?),
        "$float" => Data::Float(f64::from_bits(u64::from_str_radix(inner.as_str()?, 16).ok()?)),
        "$bytes" => Data::Bytes(unhex(inner.as_str()?)?.into()),
        "$date" => Data::Date(super::time::Date(i32::try_from(inner.as_int()?).ok()?)),
        "$time" => Data::Time(super::time::Time(inner.as_int()?)),
        "$timestamp" => Data::Timestamp(stamp()?),
        "$instant" => Data::Instant(stamp()?),
        "$uuid" => Data::Uuid(inner.as_str()?.parse().ok()?),
        "$json" => Data::Json(Arc::new(Json::parse(inner.as_str()?).ok()?)),
        "$unknown" => Data::Unknown(inner.as_str()?.into()),
        other => return restore(other, inner),
    };
    Some(data.into())
}

/// Bytes of `\x0a1b`.
pub fn unhex(text: &str) -> Option<Vec<u8>> {
    let digits = text.strip_prefix("\\x")?;
    if digits.len() % 2 != 0 || !digits.is_ascii() {
        return None;
    }
    (0..digits.len()).step_by(2).map(|i| u8::from_str_radix(&digits[i..i + 2], 16).ok()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_called_shallow_can_be_read_back_and_brackets_in_texts_are_no_depth() {
        for depth in [1, 99, 100, 101, 128, 129, 300] {
            let text = format!("{}{}", "[".repeat(depth), "]".repeat(depth));
            assert_eq!(is_shallow(&text), depth <= 100, "{depth}");
            assert!(!is_shallow(&text) || parse(&text).is_ok(), "{depth}");
        }
        let text = format!(r#"{{"a\"{}": "{}\\", "b": [1]}}"#, "[".repeat(300), "{".repeat(300));
        assert!(is_shallow(&text) && parse(&text).is_ok(), "{text}");
        assert!(!is_shallow(&format!(r#"["\\",{}"#, "[".repeat(300))));
    }

    #[test]
    fn numbers_keep_their_digits_and_documents_their_text() {
        let text = r#"{"a": 12345678901234567890.10, "b": [1, -0.5, "é\u00e9😀\n"], "c": null}"#;
        let json = Json::parse(text).unwrap();
        assert_eq!(json.text(), text);
        assert_eq!(text_of(json.tree()), r#"{"a":12345678901234567890.10,"b":[1,-0.5,"éé😀\n"],"c":null}"#);
        for bad in ["", "{", "[1,]", "01", "1.", "nul", "\"\\ud800\"", "{\"a\" 1}", "1 2", "\"a\nb\"", "[1}", "-"] {
            assert!(parse(bad).is_err(), "{bad}");
        }
        assert!(parse(&"[".repeat(100_000)).is_err());
    }

    #[test]
    fn every_kind_and_mark_survives_the_stored_form() {
        use crate::base::time::{Date, Stamp, Time};
        let values = [
            Value::NULL,
            Data::Float(-0.0).into(),
            Data::Float(f64::NAN).into(),
            Data::Decimal("1.10".parse().unwrap()).into(),
            Data::Bytes(vec![0, 255, 7].into()).into(),
            Data::Date(Date(i32::MAX)).into(),
            Data::Time(Time(3_600_000_001)).into(),
            Data::Timestamp(Stamp { micros: 1, digits: 6 }).into(),
            Data::Instant(Stamp::new(i64::MIN)).into(),
            Data::Uuid(uuid::Uuid::from_u128(7)).into(),
            Data::Json(Arc::new(Json::parse("{\"a\" : 1.0}").unwrap())).into(),
            Value::unknown(),
            Value::text("$x").marked(Marks::PERSONAL),
            Value::list([Value::map([("$date", Value::from(1)), ("b", Value::from("c").marked(Marks::CLOCK))])]),
        ];
        for value in values {
            let stored = encode(&value);
            assert_eq!(encode(&decode(&stored).unwrap()), stored);
            assert_eq!(format!("{:?}", decode(&stored).unwrap()), format!("{value:?}"));
        }
    }
}
