//! Typed payloads to and from the values that are stored: one small trait, one macro.
//!
//! Written by hand instead of with serde, because stored values keep their kinds and marks (`base::json::encode`), and
//! because a field that a later version added must be ignored while a field that is missing must have a name.

use super::change::{RowChange, TableName};
use crate::base::{
    identity::{EffectId, RunId},
    json::Cursor,
    seal::Writing,
    time::Stamp,
    value::{Data, Map, Value},
};
use std::{fmt, sync::Arc};

/// What is wrong with a stored payload: `intents[0].effect: not the id of an effect`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BadRecord {
    /// Path of the field, from the inside out while it is built.
    pub field: String,
    /// A fragment.
    pub what: &'static str,
}

impl BadRecord {
    pub(crate) fn new(what: &'static str) -> BadRecord {
        BadRecord { field: String::new(), what }
    }

    pub(crate) fn within(mut self, outer: &str) -> BadRecord {
        let between = if self.field.is_empty() || self.field.starts_with('[') { "" } else { "." };
        self.field = format!("{outer}{between}{}", self.field);
        self
    }
}

impl fmt::Display for BadRecord {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.field.is_empty() { f.write_str(self.what) } else { write!(f, "{}: {}", self.field, self.what) }
    }
}

/// Of a part that the house needs, read without the key.
const SEALED: &str = "is sealed, and the key is not at hand";

/// A type with a stored form. `Field::load(Field::store(x))` is `x`.
pub(crate) trait Field: Sized {
    /// The stored form; nothing when the field is left out.
    fn store(&self) -> Option<Value>;
    /// From the stored form; `None` when the field is not there.
    fn load(stored: Option<&Value>) -> Result<Self, BadRecord>;
    /// Writes the stored form, the same as that of [`Field::store`], without a tree of it. Whether there is one.
    fn write(&self, out: &mut Writing<'_>) -> bool {
        let stored = self.store();
        stored.iter().for_each(|stored| out.value(stored));
        stored.is_some()
    }
    /// From the stored form where it is read, without a tree of it; what [`Field::load`] gives of the same. Nothing where it is wrong, or not as
    /// it mostly is: then `load` has to look at it.
    fn read(from: &mut Cursor<'_, '_>) -> Option<Self> {
        Self::load(Some(&from.value()?)).ok()
    }
}

/// Reads a struct whose fields are stored under their names. A field that is not there is what [`Field::load`] makes of that, or what stands behind `or`; one
/// that is no [`Field`] is read by what stands behind `by`, and must be there. The fields of the text may stand in any order; what this version does
/// not know is passed over.
macro_rules! read_fields {
    ($from:expr => $name:ident { $($field:ident $(by $read:expr)? $(, or $else:expr)?;)* }) => {{
        $(let mut $field = None;)*
        $from.fields(|name, from| {
            match name {
                $(stringify!($field) => $field = Some(read_fields!(@one from $(, $read)?)?),)*
                _ => drop(from.value()?),
            }
            Some(())
        })?;
        Some($name { $($field: read_fields!(@there $field $(, by $read)? $(, or $else)?)?,)* })
    }};
    (@one $from:ident) => { $crate::effect::record::Field::read($from) };
    (@one $from:ident, $read:expr) => { $read($from) };
    (@there $field:ident) => { $field.or_else(|| $crate::effect::record::Field::load(None).ok()) };
    (@there $field:ident, or $else:expr) => { Some($field.unwrap_or($else)) };
    (@there $field:ident, by $read:expr) => { $field };
}

/// The variant of a stored word.
pub(crate) fn word<T>(stored: Option<&Value>, of: impl Fn(&str) -> Option<T>) -> Result<T, BadRecord> {
    there(stored)?.as_str().and_then(of).ok_or_else(|| BadRecord::new("is a word that this version does not know"))
}

pub(crate) fn there(stored: Option<&Value>) -> Result<&Value, BadRecord> {
    stored.ok_or_else(|| BadRecord::new("is missing"))
}

/// Declares the payload of an event, or a part of one: a struct with its stored form. A field's name is its key.
macro_rules! record {
    ($(#[$meta:meta])* pub struct $name:ident { $($(#[$fmeta:meta])* $field:ident: $ty:ty,)* }) => {
        $(#[$meta])*
        #[derive(Clone, Debug)]
        pub struct $name { $($(#[$fmeta])* pub $field: $ty,)* }

        impl $crate::effect::record::Field for $name {
            fn store(&self) -> Option<$crate::base::value::Value> {
                #[allow(unused_mut)]
                let mut map = $crate::base::value::Map::default();
                $(if let Some(stored) = $crate::effect::record::Field::store(&self.$field) {
                    map.insert(stringify!($field).into(), stored);
                })*
                Some(map.into())
            }
            fn load(stored: Option<&$crate::base::value::Value>) -> Result<Self, $crate::effect::record::BadRecord> {
                let _map = $crate::effect::record::map(stored)?;
                Ok($name { $($field: $crate::effect::record::Field::load(_map.get(stringify!($field))).map_err(|e| e.within(stringify!($field)))?,)* })
            }
            fn write(&self, out: &mut $crate::base::seal::Writing<'_>) -> bool {
                out.raw("{");
                $(out.field(stringify!($field), |out| $crate::effect::record::Field::write(&self.$field, out));)*
                out.raw("}");
                true
            }
        }
    };
}

/// One field of a stored map.
pub(crate) fn part<T: Field>(map: &Map, name: &str) -> Result<T, BadRecord> {
    T::load(map.get(name)).map_err(|e| e.within(name))
}

pub(crate) fn map(stored: Option<&Value>) -> Result<&Map, BadRecord> {
    match &there(stored)?.data {
        Data::Map(map) => Ok(map),
        Data::Unknown(_) => Err(BadRecord::new(SEALED)),
        _ => Err(BadRecord::new("is not a map")),
    }
}

/// Any value, marks and all.
impl Field for Value {
    fn store(&self) -> Option<Value> {
        Some(self.clone())
    }
    fn load(stored: Option<&Value>) -> Result<Self, BadRecord> {
        there(stored).cloned()
    }
    fn write(&self, out: &mut Writing<'_>) -> bool {
        out.value(self);
        true
    }
    fn read(from: &mut Cursor<'_, '_>) -> Option<Self> {
        from.value()
    }
}

/// Named values of the outside: a row, a key, params.
impl Field for Map {
    fn store(&self) -> Option<Value> {
        Some(self.clone().into())
    }
    fn load(stored: Option<&Value>) -> Result<Self, BadRecord> {
        map(stored).cloned()
    }
    fn read(from: &mut Cursor<'_, '_>) -> Option<Self> {
        if let Data::Map(map) = from.value()?.data { Some(map) } else { None }
    }
}

/// A text that the house works with: a name, a playbook. It comes back as it was.
impl Field for Arc<str> {
    fn store(&self) -> Option<Value> {
        Some(Value::text(self.clone()))
    }
    fn load(stored: Option<&Value>) -> Result<Self, BadRecord> {
        match &there(stored)?.data {
            Data::Text(text) => Ok(text.clone()),
            Data::Unknown(_) => Err(BadRecord::new(SEALED)),
            _ => Err(BadRecord::new("is not a text")),
        }
    }
    fn write(&self, out: &mut Writing<'_>) -> bool {
        out.text(self);
        true
    }
    fn read(from: &mut Cursor<'_, '_>) -> Option<Self> {
        from.text().map(|text| (&*text).into())
    }
}

/// A text for people. Where the stored one turned out to hold a secret, it comes back masked.
impl Field for String {
    fn store(&self) -> Option<Value> {
        Some(Value::text(self.as_str()))
    }
    fn load(stored: Option<&Value>) -> Result<Self, BadRecord> {
        match there(stored)? {
            value @ Value { data: Data::Text(_) | Data::Unknown(_), .. } => Ok(value.plain().into_owned()),
            _ => Err(BadRecord::new("is not a text")),
        }
    }
    fn write(&self, out: &mut Writing<'_>) -> bool {
        out.text(self);
        true
    }
    fn read(from: &mut Cursor<'_, '_>) -> Option<Self> {
        from.text().map(std::borrow::Cow::into_owned)
    }
}

impl Field for bool {
    fn store(&self) -> Option<Value> {
        Some((*self).into())
    }
    fn load(stored: Option<&Value>) -> Result<Self, BadRecord> {
        there(stored)?.as_bool().ok_or_else(|| BadRecord::new("is not true or false"))
    }
    fn write(&self, out: &mut Writing<'_>) -> bool {
        out.raw(if *self { "true" } else { "false" });
        true
    }
}

impl Field for u32 {
    fn store(&self) -> Option<Value> {
        Some(i64::from(*self).into())
    }
    fn load(stored: Option<&Value>) -> Result<Self, BadRecord> {
        let number = there(stored)?.as_int().ok_or_else(|| BadRecord::new("is not a whole number"))?;
        u32::try_from(number).map_err(|_| BadRecord::new("is too large or negative"))
    }
    fn write(&self, out: &mut Writing<'_>) -> bool {
        out.number(i64::from(*self));
        true
    }
}

impl Field for u64 {
    fn store(&self) -> Option<Value> {
        // Our counts are far below 2^63; a larger one is refused when it is read, not taken for another number.
        Some(i64::try_from(*self).unwrap_or(-1).into())
    }
    fn load(stored: Option<&Value>) -> Result<Self, BadRecord> {
        let number = there(stored)?.as_int().ok_or_else(|| BadRecord::new("is not a whole number"))?;
        u64::try_from(number).map_err(|_| BadRecord::new("is too large or negative"))
    }
}

/// How many there are of something.
impl Field for usize {
    fn store(&self) -> Option<Value> {
        (*self as u64).store()
    }
    fn load(stored: Option<&Value>) -> Result<Self, BadRecord> {
        usize::try_from(u64::load(stored)?).map_err(|_| BadRecord::new("is too large or negative"))
    }
}

/// A moment in UTC, as microseconds.
impl Field for Stamp {
    fn store(&self) -> Option<Value> {
        Some(self.micros.into())
    }
    fn load(stored: Option<&Value>) -> Result<Self, BadRecord> {
        let micros = there(stored)?.as_int().ok_or_else(|| BadRecord::new("is not a time in microseconds"))?;
        Ok(Stamp { micros, digits: 6 })
    }
    fn write(&self, out: &mut Writing<'_>) -> bool {
        out.number(self.micros);
        true
    }
}

impl<T: Field> Field for Option<T> {
    fn store(&self) -> Option<Value> {
        self.as_ref()?.store()
    }
    fn load(stored: Option<&Value>) -> Result<Self, BadRecord> {
        stored.map(|value| T::load(Some(value))).transpose()
    }
    fn write(&self, out: &mut Writing<'_>) -> bool {
        self.as_ref().is_some_and(|there| there.write(out))
    }
    fn read(from: &mut Cursor<'_, '_>) -> Option<Self> {
        T::read(from).map(Some)
    }
}

impl<T: Field> Field for Box<T> {
    fn store(&self) -> Option<Value> {
        (**self).store()
    }
    fn load(stored: Option<&Value>) -> Result<Self, BadRecord> {
        T::load(stored).map(Box::new)
    }
    fn write(&self, out: &mut Writing<'_>) -> bool {
        (**self).write(out)
    }
    fn read(from: &mut Cursor<'_, '_>) -> Option<Self> {
        T::read(from).map(Box::new)
    }
}

/// A list of two. A part that would be left out is null.
impl<A: Field, B: Field> Field for (A, B) {
    fn store(&self) -> Option<Value> {
        Some(Value::list([self.0.store().unwrap_or(Value::NULL), self.1.store().unwrap_or(Value::NULL)]))
    }
    fn load(stored: Option<&Value>) -> Result<Self, BadRecord> {
        match there(stored)?.as_list() {
            Some([one, two]) => Ok((A::load(Some(one))?, B::load(Some(two))?)),
            _ => Err(BadRecord::new("is not a pair")),
        }
    }
    fn write(&self, out: &mut Writing<'_>) -> bool {
        let null = |out: &mut Writing<'_>| {
            out.raw("null");
            true
        };
        out.raw("[");
        out.element(|out| self.0.write(out) || null(out));
        out.element(|out| self.1.write(out) || null(out));
        out.raw("]");
        true
    }
    fn read(from: &mut Cursor<'_, '_>) -> Option<Self> {
        let (mut one, mut two) = (None, None);
        from.elements(|from| {
            match (&one, &two) {
                (None, _) => one = Some(A::read(from)?),
                (_, None) => two = Some(B::read(from)?),
                _ => return None,
            }
            Some(())
        })?;
        Some((one?, two?))
    }
}

/// An empty list is left out.
impl<T: Field> Field for Vec<T> {
    fn store(&self) -> Option<Value> {
        (!self.is_empty()).then(|| Value::list(self.iter().filter_map(Field::store)))
    }
    fn load(stored: Option<&Value>) -> Result<Self, BadRecord> {
        let Some(value) = stored else { return Ok(Vec::new()) };
        let Data::List(values) = &value.data else { return Err(BadRecord::new("is not a list")) };
        // With room for just these: plans of many items are held by the hundred.
        let mut loaded = Vec::with_capacity(values.len());
        for (i, value) in values.iter().enumerate() {
            loaded.push(T::load(Some(value)).map_err(|e| e.within(&format!("[{i}]")))?);
        }
        Ok(loaded)
    }
    fn write(&self, out: &mut Writing<'_>) -> bool {
        if self.is_empty() {
            return false;
        }
        out.raw("[");
        self.iter().for_each(|one| out.element(|out| one.write(out)));
        out.raw("]");
        true
    }
    fn read(from: &mut Cursor<'_, '_>) -> Option<Self> {
        let mut read = Vec::with_capacity(1);
        from.elements(|from| {
            read.push(T::read(from)?);
            Some(())
        })?;
        read.shrink_to_fit();
        Some(read)
    }
}

macro_rules! as_text {
    ($($ty:ty, $what:literal;)*) => {$(
        impl Field for $ty {
            fn store(&self) -> Option<Value> {
                Some(Value::text(self.to_string()))
            }
            fn load(stored: Option<&Value>) -> Result<Self, BadRecord> {
                there(stored)?.as_str().and_then(|text| text.parse().ok()).ok_or_else(|| BadRecord::new($what))
            }
            fn write(&self, out: &mut Writing<'_>) -> bool {
                out.text(&self.to_string());
                true
            }
        }
    )*};
}
as_text! {
    RunId, "is not the id of a run";
    EffectId, "is not the id of an effect";
}

/// Of types that `words!` declares: stored as their word.
macro_rules! as_word {
    ($($ty:ty),*) => {$(
        impl $crate::effect::record::Field for $ty {
            fn store(&self) -> Option<$crate::base::value::Value> {
                Some(self.word().into())
            }
            fn load(stored: Option<&$crate::base::value::Value>) -> Result<Self, $crate::effect::record::BadRecord> {
                $crate::effect::record::word(stored, <$ty>::of)
            }
            fn write(&self, out: &mut $crate::base::seal::Writing<'_>) -> bool {
                out.text(self.word());
                true
            }
        }
    )*};
}
impl Field for TableName {
    fn store(&self) -> Option<Value> {
        Some(self.text().into())
    }
    fn load(stored: Option<&Value>) -> Result<Self, BadRecord> {
        there(stored)?.as_str().and_then(TableName::parse).ok_or_else(|| BadRecord::new("is not connection.table"))
    }
    fn write(&self, out: &mut Writing<'_>) -> bool {
        out.text(&self.text());
        true
    }
    fn read(from: &mut Cursor<'_, '_>) -> Option<Self> {
        TableName::parse(&from.text()?)
    }
}

/// `{table, key, before, after, by_rule, stamps}`; an image that is not there is left out.
impl Field for RowChange {
    fn store(&self) -> Option<Value> {
        let fields = [
            ("table", self.table.store()),
            ("key", self.key.store()),
            ("before", self.before.store()),
            ("after", self.after.store()),
            ("by_rule", self.by_rule.then(|| true.into())),
            ("stamps", self.stamps.store()),
        ];
        Some(Value::map(fields.into_iter().filter_map(|(name, stored)| Some((name, stored?)))))
    }
    fn load(stored: Option<&Value>) -> Result<Self, BadRecord> {
        let map = map(stored)?;
        Ok(RowChange {
            table: part(map, "table")?,
            key: part(map, "key")?,
            before: part(map, "before")?,
            after: part(map, "after")?,
            by_rule: part::<Option<bool>>(map, "by_rule")?.unwrap_or(false),
            stamps: part(map, "stamps")?,
        })
    }
    fn write(&self, out: &mut Writing<'_>) -> bool {
        out.raw("{");
        out.field("table", |out| self.table.write(out));
        out.field("key", |out| self.key.write(out));
        out.field("before", |out| self.before.write(out));
        out.field("after", |out| self.after.write(out));
        out.field("by_rule", |out| self.by_rule && self.by_rule.write(out));
        out.field("stamps", |out| self.stamps.write(out));
        out.raw("}");
        true
    }
    fn read(from: &mut Cursor<'_, '_>) -> Option<Self> {
        read_fields!(from => RowChange { table; key; before; after; by_rule, or false; stamps; })
    }
}
