//! JSON without loss: numbers keep their text, documents keep theirs, order is kept.
//!
//! `serde_json` reads `12345678901234567.89` as a float; a diff built on that shows changes that are none.

use super::{
    decimal::Decimal,
    value::{Data, Map, Marks, Names, Value},
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
    read(text, None)
}

/// What stands under a tag that is none of ours.
type Restore<'r> = &'r dyn Fn(&str, &Value) -> Option<Value>;

fn read(text: &str, tags: Option<Restore<'_>>) -> Result<Value, JsonError> {
    let Remembered { keys, forms } = REMEMBERED.take();
    let mut reader = Reader { text, at: 0, keys, next: 0, forms, under: 0, tags };
    let value = reader.document();
    let Reader { mut keys, mut forms, .. } = reader;
    // Keys that nobody repeats must not stand in the way of others.
    if keys.len() >= KEYS {
        keys.clear();
        forms.clear();
    }
    REMEMBERED.set(Remembered { keys, forms });
    value
}

/// What the next document of the same kind needs again: its keys, and which of them the objects under each had.
#[derive(Default)]
struct Remembered {
    keys: Vec<Arc<str>>,
    forms: Vec<Forms>,
}

thread_local! {
    static REMEMBERED: std::cell::Cell<Remembered> = const { std::cell::Cell::new(Remembered { keys: Vec::new(), forms: Vec::new() }) };
}

/// The forms of the objects under one key.
#[derive(Default)]
struct Forms {
    all: Vec<Form>,
    /// The one that was seen last.
    last: usize,
}

/// Keys that objects have in this order, and the place of each among all that are remembered, from 1.
struct Form {
    names: Names,
    places: Arc<[usize]>,
}

/// So many forms of objects under one key are remembered: steps of a few kinds, say.
const FORMS: usize = 8;

/// An object that is being read.
struct Reading {
    /// As long as its keys are those of a form: the form's place.
    like: Option<usize>,
    /// The keys so far, once they are those of none.
    names: Names,
    places: Vec<usize>,
    /// Every key was remembered before the next one.
    rises: bool,
    values: Vec<Value>,
}

impl Reading {
    fn first<'n>(&'n self, forms: &'n Forms) -> Option<&'n str> {
        self.like.map_or(&self.names, |like| &forms.all[like].names).first().map(|name| &**name)
    }

    fn end(self, forms: &mut Forms) -> Map {
        let Reading { like, names, places, values, .. } = self;
        let count = values.len();
        let form = match like {
            None => Form { names, places: places.into() },
            Some(like) => {
                let Form { names, places } = &forms.all[like];
                let same = |form: &Form| form.names.len() == count && form.names[..] == names[..count];
                let at = if names.len() == count { Some(like) } else { forms.all.iter().position(same) };
                if let Some(at) = at {
                    forms.last = at;
                    return Map::of_vec(&forms.all[at].names, values);
                }
                Form { names: Names::of_unlike(names[..count].to_vec()), places: places[..count].into() }
            }
        };
        let map = Map::of_vec(&form.names, values);
        if count <= KEYS {
            forms.remember(form);
        }
        map
    }
}

impl Forms {
    fn remember(&mut self, form: Form) {
        if self.all.len() < FORMS {
            self.last = self.all.len();
            self.all.push(form);
        } else {
            self.last = (self.last + 1) % FORMS;
            self.all[self.last] = form;
        }
    }
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
    /// The objects under each key, by the place of the key, from 1: records of one kind share their list of keys.
    forms: Vec<Forms>,
    /// The place of the key that what is read stands under, from 1; what stands in a list stands under the key of the list.
    under: usize,
    /// In the stored form an object whose first key is a tag is what the tag says.
    tags: Option<Restore<'a>>,
}

/// So many keys are remembered; looking through more would cost more than it saves.
const KEYS: usize = 96;

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

    fn document(&mut self) -> Result<Value, JsonError> {
        let value = self.value(0)?;
        self.space();
        if self.at < self.text.len() { Err(self.fail("text after the document")) } else { Ok(value) }
    }

    fn value(&mut self, depth: usize) -> Result<Value, JsonError> {
        if depth > MAX_DEPTH {
            return Err(self.fail("nested too deeply"));
        }
        self.space();
        match self.peek() {
            None => Err(self.fail("unexpected end")),
            Some(b'{') if self.tags.is_some() => self.tagged(depth),
            Some(b'{') => Ok(self.object(depth, false)?.into()),
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

    /// An object of the stored form. The usual tags are read without a tree of them.
    fn tagged(&mut self, depth: usize) -> Result<Value, JsonError> {
        let from = self.at;
        if self.text.as_bytes()[from..].starts_with(b"{\"$") {
            if let Some(data) = self.usual() {
                return Ok(data.into());
            }
            self.at = from;
            if self.skip("{\"$marks\":")
                && let Some(bits) = self.digits().and_then(|bits| u8::try_from(bits).ok())
                && self.skip(",\"$of\":")
            {
                let value = self.value(depth + 1)?;
                self.space();
                // What was read is never read once more: nested, that would double the time with each level.
                return if self.skip("}") { Ok(value.marked(Marks::from_bits(bits))) } else { Err(NOT_STORED) };
            }
            self.at = from;
        }
        let mut entries = self.object(depth, false)?;
        match (self.tags, entries.first()) {
            (Some(restore), Some((key, _))) if key.starts_with('$') => tagged(&mut entries, restore).ok_or(NOT_STORED),
            _ => Ok(Data::Map(entries).into()),
        }
    }

    /// A moment or a day.
    fn usual(&mut self) -> Option<Data> {
        if self.skip("{\"$date\":") {
            let days = i32::try_from(self.digits()?).ok()?;
            return self.skip("}").then_some(Data::Date(super::time::Date(days)));
        }
        let timestamp = self.skip("{\"$timestamp\":[");
        if !timestamp && !self.skip("{\"$instant\":[") {
            return None;
        }
        let micros = self.digits()?;
        let digits = self.skip(",").then(|| self.digits())??;
        let stamp = super::time::Stamp { micros, digits: u8::try_from(digits).ok()? };
        self.skip("]}").then_some(if timestamp { Data::Timestamp(stamp) } else { Data::Instant(stamp) })
    }

    fn skip(&mut self, text: &str) -> bool {
        let there = self.text.as_bytes()[self.at..].starts_with(text.as_bytes());
        self.at += if there { text.len() } else { 0 };
        there
    }

    /// A whole number as it is written here.
    fn digits(&mut self) -> Option<i64> {
        let rest = &self.text.as_bytes()[self.at..];
        let end = rest.iter().position(|b| !matches!(b, b'0'..=b'9' | b'-'))?;
        let number = std::str::from_utf8(&rest[..end]).ok()?.parse().ok()?;
        self.at += end;
        Some(number)
    }

    /// Its names; `named` if those stand for themselves even where they look like tags.
    fn object(&mut self, depth: usize, named: bool) -> Result<Map, JsonError> {
        if depth > MAX_DEPTH {
            return Err(self.fail("nested too deeply"));
        }
        self.at += 1;
        self.space();
        if self.peek() == Some(b'}') {
            self.at += 1;
            return Ok(Map::default());
        }
        let under = self.under;
        if self.forms.len() <= under {
            self.forms.resize_with(under + 1, Forms::default);
        }
        // An object of the same key inside this one finds none, and remembers its own.
        let mut forms = std::mem::take(&mut self.forms[under]);
        let like = (!forms.all.is_empty()).then_some(forms.last);
        let room = like.map_or(1, |at| forms.all[at].names.len());
        let values = Vec::with_capacity(room);
        let mut object = Reading { like, names: Names::default(), places: Vec::new(), rises: true, values };
        let read = self.entries(&mut forms, &mut object, depth, named);
        let map = read.map(|()| object.end(&mut forms));
        self.forms[under] = forms;
        map
    }

    /// All entries of an object, behind its bracket.
    fn entries(&mut self, forms: &mut Forms, object: &mut Reading, depth: usize, named: bool) -> Result<(), JsonError> {
        loop {
            self.space();
            if self.peek() != Some(b'"') {
                return Err(self.fail("expected a key in quotes"));
            }
            let again = self.entry_key(forms, object)?;
            self.space();
            if self.peek() != Some(b':') {
                return Err(self.fail("expected `:`"));
            }
            self.at += 1;
            self.space();
            let names =
                self.tags.is_some() && !named && object.values.is_empty() && object.first(forms) == Some("$map");
            let value = if names && self.peek() == Some(b'{') {
                self.object(depth + 1, true)?.into()
            } else {
                self.value(depth + 1)?
            };
            match again {
                Some(at) => object.values[at] = value,
                None => object.values.push(value),
            }
            self.space();
            match self.peek() {
                Some(b',') => self.at += 1,
                Some(b'}') => {
                    self.at += 1;
                    return Ok(());
                }
                _ => return Err(self.fail("expected `,` or `}`")),
            }
        }
    }

    /// The next key of an object; its place in it where it was there already.
    fn entry_key(&mut self, forms: &mut Forms, object: &mut Reading) -> Result<Option<usize>, JsonError> {
        let at = object.values.len();
        if let Some(like) = object.like {
            let (from, before) = (self.at, &forms.all[like]);
            let fits = |form: &Form| form.names.get(at).is_some_and(|name| self.stands(name));
            let like = if fits(before) {
                Some(like)
            } else {
                let begins = |form: &Form| form.names.get(..at) == Some(&before.names[..at]);
                forms.all.iter().position(|form| fits(form) && begins(form))
            };
            match like {
                Some(like) => {
                    let form = &forms.all[like];
                    self.under = form.places[at];
                    self.next = self.under;
                    self.at = from + form.names[at].len() + 2;
                    object.like = Some(like);
                    return Ok(None);
                }
                None => {
                    object.names = Names::of_unlike(before.names[..at].to_vec());
                    object.places = before.places[..at].to_vec();
                    object.rises = object.places.is_sorted();
                    object.like = None;
                }
            }
        }
        let key = self.string()?;
        let (key, place) = self.key(&key);
        self.under = place;
        // Those that are remembered are remembered once: in rising order none is there twice.
        object.rises &= place > object.places.last().copied().unwrap_or(0);
        if !object.rises
            && let Some(known) = object.names.place(&key)
        {
            return Ok(Some(known));
        }
        object.names.push(key);
        object.places.push(place);
        Ok(None)
    }

    /// This key stands here, in quotes, without an escape.
    fn stands(&self, key: &str) -> bool {
        let rest = &self.text.as_bytes()[self.at + 1..];
        rest.get(key.len()) == Some(&b'"')
            && rest[..key.len()] == *key.as_bytes()
            && !key.bytes().any(|b| matches!(b, b'"' | b'\\' | 0..0x20))
    }

    fn array(&mut self, depth: usize) -> Result<Value, JsonError> {
        self.at += 1;
        let (mut values, under) = (Vec::new(), self.under);
        self.space();
        if self.peek() == Some(b']') {
            self.at += 1;
            return Ok(Value::list(values));
        }
        loop {
            self.under = under;
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

    /// The key, and its place among those that are remembered, from 1.
    fn key(&mut self, text: &str) -> (Arc<str>, usize) {
        let known = self.keys.get(self.next).filter(|key| ***key == *text).map(|_| self.next);
        let known = known.or_else(|| self.keys.iter().position(|key| **key == *text));
        if let Some(at) = known {
            self.next = at + 1;
            return (self.keys[at].clone(), at + 1);
        }
        let key: Arc<str> = text.into();
        if self.keys.len() < KEYS {
            self.keys.push(key.clone());
            self.next = self.keys.len();
            return (key, self.next);
        }
        (key, 0)
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
pub(super) fn encode_onto(out: &mut String, value: &Value, replace: &dyn Fn(&Value) -> Option<Value>) {
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
pub(super) fn number_text(number: i64, out: &mut String) {
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

/// A tag that is none, or what stands under it is not what it says.
const NOT_STORED: JsonError = JsonError { what: "not a stored value", at: 0 };

/// What a tag stands for: the first of these keys, which begins with `$`.
fn tagged(entries: &mut Map, restore: &dyn Fn(&str, &Value) -> Option<Value>) -> Option<Value> {
    let (tag, inner) = entries.first()?;
    let stamp = || {
        let pair = inner.as_list()?;
        let (micros, digits) = (pair.first()?.as_int()?, pair.get(1)?.as_int()?);
        Some(super::time::Stamp { micros, digits: u8::try_from(digits).ok()? })
    };
    let data = match &**tag {
        "$marks" => {
            let marks = Marks::from_bits(u8::try_from(inner.as_int()?).ok()?);
            let of = entries.get_mut("$of")?;
            return Some(std::mem::replace(of, Value::NULL).marked(marks));
        }
        "$map" => return Some(inner.as_map()?.clone().into()),
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

    /// Blanks wherever JSON allows them.
    fn spaced(text: &str) -> String {
        let (mut out, mut quoted, mut escaped) = (String::new(), false, false);
        for c in text.chars() {
            if quoted {
                out.push(c);
                (quoted, escaped) = (escaped || c != '"', !escaped && c == '\\');
            } else {
                quoted = c == '"';
                out.push_str(if matches!(c, '{' | '}' | '[' | ']' | ':' | ',' | '"') { " \n" } else { "" });
                out.push(c);
                out.push_str(if matches!(c, '{' | '[' | ':' | ',') { "\t" } else { "" });
            }
        }
        out
    }

    fn any_value() -> impl proptest::strategy::Strategy<Value = Value> {
        use crate::base::time::{Date, Stamp};
        use proptest::prelude::*;
        let name = || prop::sample::select(vec!["a", "$map", "$date", "$marks", "$of", "$x", "", "b\"{"]);
        let leaf = prop_oneof![
            Just(Value::NULL),
            any::<bool>().prop_map(Value::from),
            any::<i64>().prop_map(Value::from),
            name().prop_map(Value::from),
            any::<i32>().prop_map(|days| Data::Date(Date(days)).into()),
            (any::<i64>(), 0..7u8).prop_map(|(micros, digits)| Data::Timestamp(Stamp { micros, digits }).into()),
            (any::<i64>(), 0..7u8).prop_map(|(micros, digits)| Data::Instant(Stamp { micros, digits }).into()),
            Just(Data::Decimal("1.10".parse().unwrap()).into()),
            Just(Data::Bytes(vec![0, 255].into()).into()),
        ];
        leaf.prop_recursive(4, 30, 5, move |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..4).prop_map(Value::list),
                prop::collection::vec((name(), inner.clone()), 0..5).prop_map(Value::map),
                (inner, 1..16u8).prop_map(|(value, bits)| value.marked(Marks::from_bits(bits))),
            ]
        })
    }

    proptest::proptest! {
        #[test]
        fn what_is_stored_comes_back_whatever_its_names_are(value in any_value()) {
            let stored = encode(&value);
            for text in [stored.clone(), spaced(&stored)] {
                let back = decode(&text).unwrap();
                proptest::prop_assert_eq!(format!("{:?}", back), format!("{:?}", &value), "{}", text);
            }
        }
    }

    proptest::proptest! {
        /// Objects of the same keys, of some of them, in another order, with a key twice, with escapes, and so many that they are not remembered: what
        /// was read before changes nothing.
        #[test]
        fn what_objects_had_before_does_not_matter(
            objects in proptest::collection::vec((0..3u8, proptest::collection::vec((0..140u8, 0..9i64), 0..40), 0..4u8), 1..30)
        ) {
            use std::fmt::Write;
            let name = |n: u8| match n % 7 {
                0 => format!("k\u{e9}\"{n}"),
                1 => format!("k{n}\\"),
                _ => format!("k{}", n % 12 + n / 100 * n),
            };
            let (mut text, mut like) = (String::from("["), Vec::new());
            for (order, entries, inner) in &objects {
                let (mut object, mut entries) = (indexmap::IndexMap::new(), entries.clone());
                match order {
                    0 => entries.sort_unstable(),
                    1 => entries.sort_unstable_by_key(|entry| std::cmp::Reverse(*entry)),
                    _ => {}
                }
                let mut parts = Vec::new();
                for (n, value) in &entries {
                    let (mut key, mut part) = (String::new(), value.to_string());
                    quote(&name(*n), &mut key);
                    let nested = (*inner > 0).then(|| format!("{{{key}:{value},\"x\":{inner}}}"));
                    if *value == 3 {
                        // The other way to write the same key.
                        key = key.replacen('k', "\\u006b", 1);
                    }
                    part = nested.unwrap_or(part);
                    object.insert(name(*n), part.clone());
                    parts.push(format!("{key}:{part}"));
                }
                write!(text, "{}{{{}}}", if like.is_empty() { "" } else { "," }, parts.join(",")).unwrap();
                like.push(object);
            }
            text.push(']');
            let read = parse(&text).unwrap();
            for (object, like) in read.as_list().unwrap().iter().zip(&like) {
                let seen: Vec<(String, String)> =
                    object.as_map().unwrap().iter().map(|(name, value)| (name.to_string(), text_of(value))).collect();
                let wanted: Vec<_> = like.iter().map(|(name, part)| (name.clone(), part.clone())).collect();
                proptest::prop_assert_eq!(seen, wanted, "{}", text);
                let map = object.as_map().unwrap();
                proptest::prop_assert!(like.keys().all(|name| map.contains_key(name)));
            }
        }
    }

    #[test]
    fn a_tag_that_is_none_and_one_over_something_else_are_refused() {
        for bad in [
            r#"{"$new":1}"#,
            r#"{"$date":"x"}"#,
            r#"{"$date":99999999999}"#,
            r#"{"$timestamp":[1]}"#,
            r#"{"$timestamp":[1,900]}"#,
            r#"{"$marks":1}"#,
            r#"{"$marks":900,"$of":1}"#,
            r#"{"$map":1}"#,
            r#"[{"a":{"$bytes":"\\x0"}}]"#,
        ] {
            assert_eq!(decode(bad).unwrap_err().what, "not a stored value", "{bad}");
            assert!(parse(bad).is_ok(), "{bad}");
        }
        assert_eq!(decode(r#"{"$date":1"#).unwrap_err().what, "expected `,` or `}`");
        // However it is nested, nothing is read twice: this would take 2^100 times as long.
        let (open, close) = ("{\"$marks\":1,\"$of\":".repeat(100), ",\"z\":1}".repeat(100));
        assert!(decode(&format!("{open}1{close}")).is_err());
        let (open, close) = ("{\"$map\":{\"$marks\":1,\"$of\":".repeat(40), "},\"z\":1}".repeat(40));
        assert!(decode(&format!("{open}1{close}")).is_ok());
        let deep = |depth: usize| format!("{}1{}", "{\"a\":".repeat(depth), "}".repeat(depth));
        assert!(decode(&deep(128)).is_ok() && decode(&deep(129)).is_err());
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
