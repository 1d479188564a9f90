//! Text to values.

use super::{
    super::{
        decimal::Decimal,
        time::{Date, Stamp, Time},
        value::{Data, Map, Marks, Names, Value},
    },
    DEEP, HALF, Json, JsonError, MAX_DEPTH, NO_NUMBER,
    forms::{Form, Forms, KEYS, REMEMBERED, Reading, Remembered},
    unhex,
};
use std::{borrow::Cow, sync::Arc};

/// What stands under a tag that is none of ours.
pub(super) type Restore<'r> = &'r dyn Fn(&str, &Value) -> Option<Value>;

pub(super) fn read(text: &str, tags: Option<Restore<'_>>) -> Result<Value, JsonError> {
    with(text, tags, |reader| {
        let value = reader.value(0)?;
        if reader.is_over() { Ok(value) } else { Err(reader.fail("text after the document")) }
    })
}

/// What `take` reads of a text, with what was remembered of those before.
pub(super) fn with<'a, T>(text: &'a str, tags: Option<Restore<'a>>, take: impl FnOnce(&mut Reader<'a>) -> T) -> T {
    let Remembered { keys, forms } = REMEMBERED.take();
    let mut reader = Reader { text, at: 0, keys, next: 0, forms, under: 0, tags };
    let taken = take(&mut reader);
    let Reader { mut keys, mut forms, .. } = reader;
    // Keys that nobody repeats must not stand in the way of others.
    if keys.len() >= KEYS {
        keys.clear();
        forms.clear();
    }
    REMEMBERED.set(Remembered { keys, forms });
    taken
}

pub(super) struct Reader<'a> {
    text: &'a str,
    pub(super) at: usize,
    /// Keys that were read, once each: records of one kind repeat theirs in the same order.
    keys: Vec<Arc<str>>,
    /// The key that came after this one the last time.
    next: usize,
    /// The objects under each key, by the place of the key, from 1: records of one kind share their list of keys.
    forms: Vec<Forms>,
    /// The place of the key that what is read stands under, from 1; what stands in a list stands under the key of the list.
    pub(super) under: usize,
    /// In the stored form an object whose first key is a tag is what the tag says.
    tags: Option<Restore<'a>>,
}

impl<'a> Reader<'a> {
    fn fail(&self, what: &'static str) -> JsonError {
        JsonError { what, at: self.at }
    }

    pub(super) fn peek(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    pub(super) fn space(&mut self) {
        while matches!(self.peek(), Some(b' ' | b'\t' | b'\n' | b'\r')) {
            self.at += 1;
        }
    }

    /// Nothing but space follows.
    pub(super) fn is_over(&mut self) -> bool {
        self.space();
        self.at == self.text.len()
    }

    pub(super) fn value(&mut self, depth: usize) -> Result<Value, JsonError> {
        if depth > MAX_DEPTH {
            return Err(self.fail(DEEP));
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
            return self.skip("}").then_some(Data::Date(Date(days)));
        }
        let timestamp = self.skip("{\"$timestamp\":[");
        if !timestamp && !self.skip("{\"$instant\":[") {
            return None;
        }
        let micros = self.digits()?;
        let digits = self.skip(",").then(|| self.digits())??;
        let stamp = Stamp { micros, digits: u8::try_from(digits).ok()? };
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
            return Err(self.fail(DEEP));
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

    /// This key of a form stands here, in quotes.
    fn stands(&self, key: &str) -> bool {
        let rest = &self.text.as_bytes()[self.at + 1..];
        rest.get(key.len()) == Some(&b'"') && rest[..key.len()] == *key.as_bytes()
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
        match self.place(text) {
            0 => (text.into(), 0),
            place => (self.keys[place - 1].clone(), place),
        }
    }

    /// The place of a key, from 1; 0 where it is too many to be remembered.
    pub(super) fn place(&mut self, text: &str) -> usize {
        let known = self.keys.get(self.next).filter(|key| ***key == *text).map(|_| self.next);
        let known = known.or_else(|| self.keys.iter().position(|key| **key == *text));
        let at = match known {
            Some(at) => at,
            None if self.keys.len() < KEYS => {
                self.keys.push(text.into());
                self.keys.len() - 1
            }
            None => return 0,
        };
        self.next = at + 1;
        self.next
    }

    /// Borrowed where nothing is escaped.
    pub(super) fn string(&mut self) -> Result<Cow<'a, str>, JsonError> {
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
                    return char::from_u32(high).ok_or(self.fail(HALF));
                }
                if !self.text[self.at..].starts_with("\\u") {
                    return Err(self.fail(HALF));
                }
                self.at += 1;
                let low = self.hex4()?;
                let code = 0x10000 + ((high - 0xD800) << 10) + low.wrapping_sub(0xDC00);
                return if (0xDC00..0xE000).contains(&low) { char::from_u32(code) } else { None }
                    .ok_or(self.fail(HALF));
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
        let value = number(text).ok_or(self.fail(NO_NUMBER))?;
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

/// A tag that is none, or what stands under it is not what it says.
const NOT_STORED: JsonError = JsonError { what: "not a stored value", at: 0 };

/// What a tag stands for: the first of these keys, which begins with `$`.
fn tagged(entries: &mut Map, restore: &dyn Fn(&str, &Value) -> Option<Value>) -> Option<Value> {
    let (tag, inner) = entries.first()?;
    let stamp = || {
        let pair = inner.as_list()?;
        let (micros, digits) = (pair.first()?.as_int()?, pair.get(1)?.as_int()?);
        Some(Stamp { micros, digits: u8::try_from(digits).ok()? })
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
        "$date" => Data::Date(Date(i32::try_from(inner.as_int()?).ok()?)),
        "$time" => Data::Time(Time(inner.as_int()?)),
        "$timestamp" => Data::Timestamp(stamp()?),
        "$instant" => Data::Instant(stamp()?),
        "$uuid" => Data::Uuid(inner.as_str()?.parse().ok()?),
        "$json" => Data::Json(Arc::new(Json::parse(inner.as_str()?).ok()?)),
        "$unknown" => Data::Unknown(inner.as_str()?.into()),
        other => return restore(other, inner),
    };
    Some(data.into())
}
