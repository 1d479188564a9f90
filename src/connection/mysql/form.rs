//! How MySQL's types travel in the binary protocol, what kind of values they hold, what they are called.

use crate::table::catalogue::Kind;
use sqlx::{MySql, Type, TypeInfo, mysql::MySqlTypeInfo};

/// The binary form of a type.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Form {
    /// TINYINT(1): one byte. Other numbers than 0 and 1 stay numbers.
    Bool {
        /// Without a sign.
        unsigned: bool,
    },
    /// A whole number of so many bytes.
    Int {
        /// 1, 2, 4 or 8.
        bytes: u8,
        /// Without a sign.
        unsigned: bool,
    },
    /// Floating point of 4 or 8 bytes.
    Float(u8),
    /// Digits as text.
    Decimal,
    /// Bits, the highest first.
    Bits,
    /// BIT(1) of a table.
    Bit,
    /// Characters.
    Text,
    /// Characters that may be MariaDB's JSON: the same type as a text with a binary collation.
    TextOrJson,
    /// UUID of MariaDB, which travels as text.
    Uuid,
    /// Bytes as they are.
    Bytes,
    /// Year, month, day.
    Date,
    /// Sign, days, hours …: from -838:59:59 to 838:59:59.
    Time,
    /// Year … microsecond, no zone.
    Timestamp,
    /// The same in UTC, which is the zone of every session.
    Instant,
    /// JSON text.
    Json,
    /// NULL alone.
    Null,
}

impl Form {
    /// The form of a type.
    pub fn of(info: &MySqlTypeInfo) -> Form {
        let int = |bytes, unsigned| Form::Int { bytes, unsigned };
        match info.name() {
            "BOOLEAN" => Form::Bool { unsigned: *info == <u8 as Type<MySql>>::type_info() },
            "TINYINT" => int(1, false),
            "TINYINT UNSIGNED" => int(1, true),
            "SMALLINT" => int(2, false),
            "SMALLINT UNSIGNED" | "YEAR" => int(2, true),
            "MEDIUMINT" | "INT" => int(4, false),
            "MEDIUMINT UNSIGNED" | "INT UNSIGNED" => int(4, true),
            "BIGINT" => int(8, false),
            "BIGINT UNSIGNED" => int(8, true),
            "FLOAT" => Form::Float(4),
            "DOUBLE" => Form::Float(8),
            "DECIMAL" => Form::Decimal,
            "BIT" => Form::Bits,
            "DATE" => Form::Date,
            "TIME" => Form::Time,
            "DATETIME" => Form::Timestamp,
            "TIMESTAMP" => Form::Instant,
            "JSON" => Form::Json,
            "NULL" => Form::Null,
            // The names say BLOB and BINARY of texts with a binary collation too: only the character set tells.
            name if <str as Type<MySql>>::compatible(info) => match name {
                "BLOB" | "MEDIUMBLOB" | "LONGBLOB" => Form::TextOrJson,
                _ => Form::Text,
            },
            _ => Form::Bytes,
        }
    }

    /// The type alone does not say what it holds: its table must be asked.
    pub fn needs_its_table(&self) -> bool {
        matches!(self, Form::Bits | Form::TextOrJson | Form::Text)
    }

    /// With what its column is declared to hold.
    pub fn declared(self, kind: &Kind) -> Form {
        match (self, kind) {
            (Form::Bits, Kind::Bool) => Form::Bit,
            (Form::TextOrJson, Kind::Json) => Form::Json,
            (Form::Text | Form::TextOrJson, Kind::Uuid) => Form::Uuid,
            (form, _) => form,
        }
    }

    /// What it holds, for checks.
    pub fn kind(&self) -> Kind {
        match self {
            Form::Bool { .. } | Form::Bit => Kind::Bool,
            Form::Int { bytes, unsigned } => int(*bytes, *unsigned),
            Form::Float(_) => Kind::Float,
            Form::Decimal => Kind::Decimal(None),
            Form::Bits => Kind::Int { min: 0, max: i64::MAX },
            Form::Text | Form::TextOrJson => Kind::Text(None),
            Form::Uuid => Kind::Uuid,
            Form::Bytes => Kind::Bytes,
            Form::Date => Kind::Date,
            Form::Time => Kind::Time,
            Form::Timestamp => Kind::Timestamp,
            Form::Instant => Kind::Instant,
            Form::Json => Kind::Json,
            Form::Null => Kind::Other,
        }
    }
}

/// Whole numbers of so many bytes. Those of BIGINT UNSIGNED beyond the largest signed one are read as decimals.
pub fn int(bytes: u8, unsigned: bool) -> Kind {
    let bits = u32::from(bytes) * 8;
    match (bits, unsigned) {
        (64.., true) => Kind::Int { min: 0, max: i64::MAX },
        (64.., false) => Kind::Int { min: i64::MIN, max: i64::MAX },
        (_, true) => Kind::Int { min: 0, max: (1_i64 << bits) - 1 },
        (_, false) => Kind::Int { min: -(1_i64 << (bits - 1)), max: (1_i64 << (bits - 1)) - 1 },
    }
}

/// The type as SQL writes it.
pub fn name(info: &MySqlTypeInfo) -> String {
    info.name().to_lowercase()
}
