//! How PostgreSQL's types travel: which binary form a type has, what kind of values it holds, what it is called.

use crate::table::catalogue::Kind;
use sqlx::{
    TypeInfo,
    postgres::{PgTypeInfo, PgTypeKind},
};

/// The binary form of a type.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Form {
    /// One byte.
    Bool,
    /// Whole number of 2, 4 or 8 bytes.
    Int(u8),
    /// Four bytes without a sign.
    Oid,
    /// Floating point of 4 or 8 bytes.
    Float(u8),
    /// Digits in groups of four.
    Numeric,
    /// Characters as they are; also citext and enum labels.
    Text,
    /// Bytes as they are.
    Bytes,
    /// Days since 2000.
    Date,
    /// Microseconds since midnight.
    Time,
    /// Microseconds since 2000, no zone.
    Timestamp,
    /// Microseconds since 2000 in UTC.
    Instant,
    /// Sixteen bytes.
    Uuid,
    /// JSON text.
    Json,
    /// JSON text behind a version byte.
    Jsonb,
    /// A function that returns nothing.
    Void,
    /// Several of one form; with the element's oid.
    Array(Box<Form>, u32),
    /// Anything else travels as the server's own text: `::text` out, `$1::text::type` in.
    Exotic,
}

impl Form {
    /// The form of a type.
    pub fn of(info: &PgTypeInfo) -> Form {
        match info.kind() {
            PgTypeKind::Domain(base) => return Form::of(base),
            PgTypeKind::Enum(_) => return Form::Text,
            PgTypeKind::Array(element) => {
                let form = Form::of(element);
                let nested = matches!(form, Form::Exotic | Form::Void | Form::Array(..));
                return match element.oid() {
                    Some(oid) if !nested => Form::Array(Box::new(form), oid.0),
                    _ => Form::Exotic,
                };
            }
            _ => {}
        }
        match info.oid().map_or(0, |oid| oid.0) {
            16 => Form::Bool,
            17 => Form::Bytes,
            20 => Form::Int(8),
            21 => Form::Int(2),
            23 => Form::Int(4),
            26 => Form::Oid,
            19 | 25 | 705 | 1042 | 1043 => Form::Text,
            114 => Form::Json,
            700 => Form::Float(4),
            701 => Form::Float(8),
            1082 => Form::Date,
            1083 => Form::Time,
            1114 => Form::Timestamp,
            1184 => Form::Instant,
            1700 => Form::Numeric,
            2278 => Form::Void,
            2950 => Form::Uuid,
            3802 => Form::Jsonb,
            _ if info.name().eq_ignore_ascii_case("citext") || info.name().ends_with(".citext") => Form::Text,
            _ => Form::Exotic,
        }
    }

    /// What it holds, for checks.
    pub fn kind(&self, info: &PgTypeInfo) -> Kind {
        if let PgTypeKind::Enum(labels) = info.kind() {
            return Kind::Enum(labels.to_vec());
        }
        match self {
            Form::Bool => Kind::Bool,
            Form::Int(2) => Kind::Int { min: i16::MIN.into(), max: i16::MAX.into() },
            Form::Int(4) => Kind::Int { min: i32::MIN.into(), max: i32::MAX.into() },
            Form::Int(_) => Kind::Int { min: i64::MIN, max: i64::MAX },
            Form::Oid => Kind::Int { min: 0, max: u32::MAX.into() },
            Form::Float(_) => Kind::Float,
            Form::Numeric => Kind::Decimal(None),
            Form::Text => Kind::Text(None),
            Form::Bytes => Kind::Bytes,
            Form::Date => Kind::Date,
            Form::Time => Kind::Time,
            Form::Timestamp => Kind::Timestamp,
            Form::Instant => Kind::Instant,
            Form::Uuid => Kind::Uuid,
            Form::Json | Form::Jsonb => Kind::Json,
            Form::Void | Form::Array(..) | Form::Exotic => Kind::Other,
        }
    }
}

/// The type as SQL writes it: `int4`, `"my type"`, `audit.state[]`.
pub fn name(info: &PgTypeInfo) -> String {
    // sqlx prints built-in names in capitals; the names of user types come from the server, quoted where needed.
    let built_in = info.oid().is_some_and(|oid| oid.0 < 16384);
    if built_in { info.name().to_lowercase() } else { info.name().to_owned() }
}

/// The type as a cast writes it. `bit` in a cast is one bit long, and what is longer would be cut without a word; in quotes it is
/// as long as what it gets.
pub fn cast(info: &PgTypeInfo) -> String {
    match info.oid().map(|oid| oid.0) {
        Some(1560) => "\"bit\"".to_owned(),
        Some(1561) => "\"bit\"[]".to_owned(),
        _ => name(info),
    }
}
