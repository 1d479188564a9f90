//! Values as the outside systems hold them: typed, without loss, and marked.
//!
//! A decimal keeps its digits and scale, a timestamp its microseconds and the number of decimals it was written
//! with, JSON its text. Equality is *the same value* (1.0 = 1.00); the bytes that undo needs are kept beside it.
//! Marks say what a value is beside its content (personal, secret, …) and travel with it.

use super::{decimal::Decimal, json::Json, time};
use std::{borrow::Cow, fmt, sync::Arc};

pub use super::map::{Map, Names};

/// What a value is beside its content. A set; `|` joins.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Marks(u8);

impl Marks {
    /// Nothing special.
    pub const NONE: Marks = Marks(0);
    /// About a person: masked in every output, sealed in journal and plan.
    pub const PERSONAL: Marks = Marks(1);
    /// A secret: never printed, never stored.
    pub const SECRET: Marks = Marks(2);
    /// Rests on an author's `example:`, not on an answer.
    pub const EXAMPLE: Marks = Marks(4);
    /// Comes from the clock: differs between plan and apply, and that is no drift.
    pub const CLOCK: Marks = Marks(8);

    /// From the clock or an example.
    pub const VARYING: Marks = Marks(Marks::CLOCK.0 | Marks::EXAMPLE.0);
    /// Not to be shown.
    pub const HIDDEN: Marks = Marks(Marks::PERSONAL.0 | Marks::SECRET.0);

    /// May be another one at apply than in the preview, and that is no drift.
    pub fn varies(self) -> bool {
        self.0 & Marks::VARYING.0 != 0
    }

    /// Those of them that are also in `other`.
    pub fn among(self, other: Marks) -> Marks {
        Marks(self.0 & other.0)
    }

    /// All of `other` are set here.
    pub fn has(self, other: Marks) -> bool {
        self.0 & other.0 == other.0
    }

    /// Must not be shown.
    pub fn hidden(self) -> bool {
        self.0 & (Marks::PERSONAL.0 | Marks::SECRET.0) != 0
    }

    /// The set as a number, for storage.
    pub fn bits(self) -> u8 {
        self.0
    }

    /// The set from its number.
    pub fn from_bits(bits: u8) -> Marks {
        Marks(bits)
    }
}

impl std::ops::BitOr for Marks {
    type Output = Marks;
    fn bitor(self, other: Marks) -> Marks {
        Marks(self.0 | other.0)
    }
}

impl std::ops::BitOrAssign for Marks {
    fn bitor_assign(&mut self, other: Marks) {
        self.0 |= other.0;
    }
}

/// The content of a value.
#[derive(Clone, Debug)]
pub enum Data {
    /// SQL NULL, YAML null.
    Null,
    /// A truth value.
    Bool(bool),
    /// A whole number.
    Int(i64),
    /// Decimal digits with their scale; also NaN and ±Infinity of PostgreSQL.
    Decimal(Decimal),
    /// Binary floating point.
    Float(f64),
    /// Characters.
    Text(Arc<str>),
    /// Raw bytes.
    Bytes(Arc<[u8]>),
    /// Days since 1970-01-01; the ends of the range are ±infinity.
    Date(time::Date),
    /// Microseconds since midnight.
    Time(time::Time),
    /// Date and time of day without a zone.
    Timestamp(time::Stamp),
    /// A moment on the time line.
    Instant(time::Stamp),
    /// A UUID.
    Uuid(uuid::Uuid),
    /// A JSON document in a column, with its text.
    Json(Arc<Json>),
    /// Several values.
    List(Arc<Vec<Value>>),
    /// Named values.
    Map(Map),
    /// Not known yet, and why: `known after apply`.
    Unknown(Arc<str>),
}

/// A content with its marks.
#[derive(Clone, Debug)]
pub struct Value {
    /// The content.
    pub data: Data,
    /// What it is beside its content.
    pub marks: Marks,
}

/// The usual reason of an unknown.
pub const AFTER_APPLY: &str = "known after apply";

impl Value {
    /// SQL NULL.
    pub const NULL: Value = Value { data: Data::Null, marks: Marks::NONE };

    /// A text.
    pub fn text(text: impl Into<Arc<str>>) -> Value {
        Data::Text(text.into()).into()
    }

    /// Something that only apply will show.
    pub fn unknown() -> Value {
        Data::Unknown(AFTER_APPLY.into()).into()
    }

    /// A list.
    pub fn list(values: impl IntoIterator<Item = Value>) -> Value {
        Data::List(Arc::new(values.into_iter().collect())).into()
    }

    /// Named values.
    pub fn map<K: Into<Arc<str>>>(entries: impl IntoIterator<Item = (K, Value)>) -> Value {
        Data::Map(entries.into_iter().map(|(k, v)| (k.into(), v)).collect()).into()
    }

    /// The same content with these marks added.
    pub fn marked(mut self, marks: Marks) -> Value {
        self.marks |= marks;
        self
    }

    /// SQL NULL or a JSON null.
    pub fn is_null(&self) -> bool {
        match &self.data {
            Data::Null => true,
            Data::Json(json) => json.tree().is_null(),
            _ => false,
        }
    }

    /// Not known yet, itself or anything inside.
    pub fn is_unknown(&self) -> bool {
        match &self.data {
            Data::Unknown(_) => true,
            Data::List(values) => values.iter().any(Value::is_unknown),
            Data::Map(entries) => entries.values().any(Value::is_unknown),
            _ => false,
        }
    }

    /// Why it, or the first such part of it, is not known; nothing when all of it is known.
    pub fn unknown_because(&self) -> Option<Arc<str>> {
        match &self.data {
            Data::Unknown(why) => Some(why.clone()),
            Data::List(values) => values.iter().find_map(Value::unknown_because),
            Data::Map(entries) => entries.values().find_map(Value::unknown_because),
            _ => None,
        }
    }

    /// It, or something in it, is that of the example of an answer.
    pub fn rests_on_example(&self) -> bool {
        self.all_marks().has(Marks::EXAMPLE)
    }

    /// Its own marks and those of everything inside.
    pub fn all_marks(&self) -> Marks {
        match &self.data {
            Data::List(values) => values.iter().fold(self.marks, |m, v| m | v.all_marks()),
            Data::Map(entries) => entries.values().fold(self.marks, |m, v| m | v.all_marks()),
            _ => self.marks,
        }
    }

    /// Whether lists and maps stand inside each other on more than so many levels.
    pub fn is_deeper_than(&self, levels: u32) -> bool {
        let inside = |value: &Value| value.is_deeper_than(levels - 1);
        match &self.data {
            Data::List(values) => levels == 0 || values.iter().any(inside),
            Data::Map(entries) => levels == 0 || entries.values().any(inside),
            _ => false,
        }
    }

    /// The text, if it is one.
    pub fn as_str(&self) -> Option<&str> {
        match &self.data {
            Data::Text(text) => Some(text),
            _ => None,
        }
    }

    /// The whole number, if it is one.
    pub fn as_int(&self) -> Option<i64> {
        match &self.data {
            Data::Int(n) => Some(*n),
            _ => None,
        }
    }

    /// The truth value, if it is one.
    pub fn as_bool(&self) -> Option<bool> {
        match &self.data {
            Data::Bool(b) => Some(*b),
            _ => None,
        }
    }

    /// The named values, also of a JSON object.
    pub fn as_map(&self) -> Option<&Map> {
        match &self.data {
            Data::Map(entries) => Some(entries),
            Data::Json(json) => json.tree().as_map(),
            _ => None,
        }
    }

    /// The list, also of a JSON array.
    pub fn as_list(&self) -> Option<&[Value]> {
        match &self.data {
            Data::List(values) => Some(values),
            Data::Json(json) => json.tree().as_list(),
            _ => None,
        }
    }

    /// An attribute of a map or JSON object; the marks of the whole go to the part.
    pub fn get(&self, name: &str) -> Option<Value> {
        self.as_map()?.get(name).map(|v| v.clone().marked(self.marks))
    }

    /// The word for its kind, as messages say it: `an integer`.
    pub fn kind(&self) -> &'static str {
        match &self.data {
            Data::Null => "null",
            Data::Bool(_) => "a boolean",
            Data::Int(_) => "an integer",
            Data::Decimal(_) => "a decimal",
            Data::Float(_) => "a floating-point number",
            Data::Text(_) => "a text",
            Data::Bytes(_) => "bytes",
            Data::Date(_) => "a date",
            Data::Time(_) => "a time of day",
            Data::Timestamp(_) => "a timestamp",
            Data::Instant(_) => "an instant",
            Data::Uuid(_) => "a uuid",
            Data::Json(_) => "JSON",
            Data::List(_) => "a list",
            Data::Map(_) => "a map",
            Data::Unknown(_) => "an unknown",
        }
    }

    /// The characters that stand for it in text: no quotes, full precision, masked when hidden.
    pub fn plain(&self) -> Cow<'_, str> {
        if self.marks.hidden() && !self.is_null() {
            return Cow::Borrowed(if self.marks.has(Marks::SECRET) { "(secret)" } else { "(personal)" });
        }
        match &self.data {
            // Parts may be hidden where the whole is not.
            Data::List(_) | Data::Map(_) => super::json::masked(self).into(),
            _ => self.bare(),
        }
    }

    /// As [`Value::plain`], but never masked: for requests and statements, not for people.
    pub fn bare(&self) -> Cow<'_, str> {
        match &self.data {
            Data::Null => "null".into(),
            Data::Bool(b) => if *b { "true" } else { "false" }.into(),
            Data::Int(n) => n.to_string().into(),
            Data::Decimal(d) => d.as_str().into(),
            Data::Float(f) => float_text(*f).into(),
            Data::Text(t) => Cow::Borrowed(t),
            Data::Bytes(b) => hex(b).into(),
            Data::Date(d) => d.to_string().into(),
            Data::Time(t) => t.to_string().into(),
            Data::Timestamp(s) => s.to_string().into(),
            Data::Instant(s) => format!("{s}Z").into(),
            Data::Uuid(u) => u.to_string().into(),
            Data::Json(j) => Cow::Borrowed(j.text()),
            Data::List(_) | Data::Map(_) => super::json::text_of(self).into(),
            Data::Unknown(why) => format!("({why})").into(),
        }
    }

    /// The same value, and a column holds it in the same way: the JSON document `null` is not SQL's NULL.
    pub fn is_stored_like(&self, other: &Value) -> bool {
        self == other && matches!(self.data, Data::Null) == matches!(other.data, Data::Null)
    }

    /// For a diff or a table: as [`Value::plain`], with texts quoted where they could be mistaken for something else.
    pub fn shown(&self) -> String {
        let plain = self.plain();
        if self.marks.hidden() {
            return plain.into_owned();
        }
        match &self.data {
            Data::Text(t) => {
                let clear = !t.is_empty()
                    && !matches!(&**t, "null" | "true" | "false")
                    && !t.starts_with([' ', '(', '"', '{', '['])
                    && !t.ends_with(' ')
                    && !t.chars().any(char::is_control)
                    && t.parse::<f64>().is_err();
                if clear { plain.into_owned() } else { format!("{t:?}") }
            }
            Data::Json(_) if self.is_null() => "JSON null".to_owned(),
            _ => plain.into_owned(),
        }
    }
}

/// *The same value*: decimals and timestamps by value, JSON by tree, marks left aside. Unknown equals nothing.
impl PartialEq for Value {
    fn eq(&self, other: &Value) -> bool {
        use Data::*;
        match (&self.data, &other.data) {
            (Unknown(_), _) | (_, Unknown(_)) => false,
            (Null, Null) => true,
            (Bool(a), Bool(b)) => a == b,
            (Int(a), Int(b)) => a == b,
            (Decimal(a), Decimal(b)) => a == b,
            (Int(a), Decimal(b)) | (Decimal(b), Int(a)) => *b == super::decimal::Decimal::from(*a),
            (Float(a), Float(b)) => a == b || (a.is_nan() && b.is_nan()),
            // Not as two floats: beyond 2^53 several whole numbers would be the same.
            (Int(a), Float(b)) | (Float(b), Int(a)) => b.fract() == 0.0 && *b as i128 == i128::from(*a),
            (Decimal(a), Float(b)) | (Float(b), Decimal(a)) => a.as_str().parse() == Ok(*b),
            (Text(a), Text(b)) => a == b,
            (Bytes(a), Bytes(b)) => a == b,
            (Date(a), Date(b)) => a == b,
            (Time(a), Time(b)) => a == b,
            (Timestamp(a), Timestamp(b)) | (Instant(a), Instant(b)) => a == b,
            (Uuid(a), Uuid(b)) => a == b,
            (Json(a), Json(b)) => a.tree() == b.tree(),
            (Json(a), _) => a.tree() == other,
            (_, Json(b)) => self == b.tree(),
            (List(a), List(b)) => a == b,
            (Map(a), Map(b)) => a.len() == b.len() && a.iter().all(|(k, v)| b.get(k).is_some_and(|w| v == w)),
            _ => false,
        }
    }
}

impl From<Data> for Value {
    fn from(data: Data) -> Value {
        Value { data, marks: Marks::NONE }
    }
}
impl From<&str> for Value {
    fn from(text: &str) -> Value {
        Value::text(text)
    }
}
impl From<String> for Value {
    fn from(text: String) -> Value {
        Value::text(text)
    }
}
impl From<i64> for Value {
    fn from(n: i64) -> Value {
        Data::Int(n).into()
    }
}
impl From<bool> for Value {
    fn from(b: bool) -> Value {
        Data::Bool(b).into()
    }
}
impl From<Map> for Value {
    fn from(map: Map) -> Value {
        Data::Map(map).into()
    }
}

impl fmt::Display for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.plain())
    }
}

/// Shortest text that reads back as the same number; whole numbers keep `.0`.
pub fn float_text(f: f64) -> String {
    if f.is_finite() && f == f.trunc() && f.abs() < 1e15 { format!("{f:.1}") } else { format!("{f}") }
}

/// `\x0a1b`, as PostgreSQL writes bytes.
pub fn hex(bytes: &[u8]) -> String {
    use fmt::Write;
    bytes.iter().fold(String::from("\\x"), |mut text, b| {
        let _ = write!(text, "{b:02x}");
        text
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whole_numbers_are_compared_exactly_with_floats() {
        let (int, float) = (|n: i64| Value::from(n), |f: f64| Value::from(Data::Float(f)));
        assert_eq!(int(9_007_199_254_740_992), float(9_007_199_254_740_992.0));
        assert_ne!(int(9_007_199_254_740_993), float(9_007_199_254_740_992.0));
        assert_ne!(float(9_223_372_036_854_775_808.0), int(i64::MAX));
        assert_eq!(int(i64::MIN), float(-9_223_372_036_854_775_808.0));
        assert_eq!(int(0), float(-0.0));
        for odd in [0.5, f64::NAN, f64::INFINITY, f64::NEG_INFINITY, 1e300] {
            assert_ne!(int(0), float(odd));
        }
    }

    #[test]
    fn equality_is_the_same_value_and_unknown_equals_nothing() {
        let dec = |s: &str| Value::from(Data::Decimal(s.parse().unwrap()));
        assert_eq!(dec("1.0"), dec("1.00"));
        assert_eq!(dec("-0"), dec("0.000"));
        assert_eq!(Value::from(1), dec("1.0"));
        assert_ne!(Value::from("1"), Value::from(1));
        assert_ne!(Value::unknown(), Value::unknown());
        assert_eq!(Value::NULL, Value::NULL);
        let document = Value::from(Data::Json(Arc::new(super::super::json::Json::of(Value::NULL))));
        assert_eq!(document, Value::NULL);
        assert!(!document.is_stored_like(&Value::NULL) && document.is_stored_like(&document));
    }

    #[test]
    fn hidden_values_are_masked_and_their_marks_reach_the_parts() {
        let row = Value::map([("email", Value::from("a@b.c"))]).marked(Marks::PERSONAL);
        assert_eq!(row.get("email").unwrap().plain(), "(personal)");
        assert_eq!(row.get("email").unwrap().bare(), "a@b.c");
        assert_eq!(Value::NULL.marked(Marks::PERSONAL).plain(), "null");
    }

    #[test]
    fn texts_that_look_like_something_else_are_quoted_in_diffs() {
        assert_eq!(Value::from("awarded").shown(), "awarded");
        for text in ["", "null", "12", "a\nb", " x", "(known after apply)"] {
            assert_eq!(Value::from(text).shown(), format!("{text:?}"));
        }
    }
}
