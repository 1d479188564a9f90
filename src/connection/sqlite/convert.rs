//! Values to SQLite's five storage classes and back. A column's declared type only helps to read: a stored text becomes a
//! date, a decimal or a uuid only if writing that value again gives the same bytes.

use crate::{
    base::{
        json::{self, Json},
        value::{Data, Value},
    },
    table::catalogue::Kind,
};
use std::sync::Arc;

/// What SQLite really stores.
#[derive(Clone, Debug, PartialEq)]
pub enum Stored {
    /// NULL
    Null,
    /// INTEGER
    Int(i64),
    /// REAL
    Real(f64),
    /// TEXT
    Text(String),
    /// BLOB
    Blob(Vec<u8>),
}

/// How a value is stored. Instants are stored in UTC without a zone, as applications do; the error is a fragment.
pub fn stored(value: &Value) -> Result<Stored, String> {
    Ok(match &value.data {
        Data::Null => Stored::Null,
        Data::Bool(b) => Stored::Int(i64::from(*b)),
        Data::Int(n) => Stored::Int(*n),
        Data::Float(f) if f.is_nan() => return Err("NaN, which SQLite would store as NULL".into()),
        Data::Float(f) => Stored::Real(*f),
        Data::Bytes(bytes) => Stored::Blob(bytes.to_vec()),
        Data::Timestamp(stamp) | Data::Instant(stamp) => Stored::Text(stamp.written(' ')),
        Data::Json(json) => Stored::Text(json.text().to_owned()),
        Data::List(_) | Data::Map(_) => Stored::Text(json::text_of(value)),
        Data::Unknown(_) => return Err("an unknown, which has no value yet".into()),
        Data::Text(_) | Data::Decimal(_) | Data::Date(_) | Data::Time(_) | Data::Uuid(_) => {
            Stored::Text(value.bare().into_owned())
        }
    })
}

/// What a stored value means in a column of this kind (`Other` where no column is known).
pub fn seen(raw: Stored, kind: &Kind) -> Value {
    let meant = match &raw {
        Stored::Int(n @ (0 | 1)) if *kind == Kind::Bool => Some(Data::Bool(*n == 1)),
        Stored::Text(text) => of_text(text, kind),
        _ => None,
    };
    if let Some(data) = meant {
        let value = Value::from(data);
        if stored(&value).is_ok_and(|again| again == raw) {
            return value;
        }
    }
    match raw {
        Stored::Null => Value::NULL,
        Stored::Int(n) => n.into(),
        Stored::Real(f) => Data::Float(f).into(),
        Stored::Text(text) => text.into(),
        Stored::Blob(bytes) => Data::Bytes(bytes.into()).into(),
    }
}

fn of_text(text: &str, kind: &Kind) -> Option<Data> {
    match kind {
        Kind::Date => text.parse().ok().map(Data::Date),
        Kind::Time => text.parse().ok().map(Data::Time),
        Kind::Timestamp => text.parse().ok().map(Data::Timestamp),
        Kind::Instant => text.parse().ok().map(Data::Instant),
        Kind::Uuid => uuid::Uuid::parse_str(text).ok().map(Data::Uuid),
        Kind::Decimal(_) => text.parse().ok().map(Data::Decimal),
        Kind::Json => Json::parse(text).ok().map(|json| Data::Json(Arc::new(json))),
        _ => None,
    }
}

/// What a declared type means. SQLite itself enforces none of this.
pub fn kind(declared: &str) -> Kind {
    let word = declared.to_uppercase();
    let has = |part: &str| word.contains(part);
    let mut numbers = word.split(|c: char| !c.is_ascii_digit()).filter_map(|n| n.parse::<u32>().ok());
    if has("BOOL") {
        Kind::Bool
    } else if has("UUID") {
        Kind::Uuid
    } else if has("JSON") {
        Kind::Json
    } else if has("TIMESTAMPTZ") || has("WITH TIME ZONE") {
        Kind::Instant
    } else if has("DATETIME") || has("TIMESTAMP") {
        Kind::Timestamp
    } else if has("DATE") {
        Kind::Date
    } else if word.starts_with("TIME") {
        Kind::Time
    } else if has("DECIMAL") || has("NUMERIC") {
        Kind::Decimal(numbers.next().map(|precision| (precision, numbers.next().unwrap_or(0))))
    } else if has("INT") {
        Kind::Int { min: i64::MIN, max: i64::MAX }
    } else if has("CHAR") || has("CLOB") || has("TEXT") {
        Kind::Text(numbers.next())
    } else if has("REAL") || has("FLOA") || has("DOUB") {
        Kind::Float
    } else if has("BLOB") {
        Kind::Bytes
    } else {
        Kind::Other
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(text: &str) -> Stored {
        Stored::Text(text.into())
    }

    #[test]
    fn only_texts_that_come_back_byte_for_byte_get_a_type() {
        let shown = |raw: Stored, declared: &str| format!("{:?}", seen(raw, &kind(declared)).data);
        assert!(shown(text("2021-10-01 09:12:33.456700"), "datetime(6)").starts_with("Timestamp"));
        assert!(shown(text("2021-10-01T09:12:33"), "datetime").starts_with("Text"));
        assert!(shown(text("2021-10-01"), "date").starts_with("Date"));
        assert!(shown(text("2021-10-1"), "date").starts_with("Text"));
        assert!(shown(text("1.10"), "decimal text").starts_with("Decimal"));
        assert!(shown(text("+1.1"), "decimal text").starts_with("Text"));
        assert!(shown(text("67E55044-10b1-426f-9247-bb680e5fe0c8"), "uuid").starts_with("Text"));
        assert!(shown(text("{\"a\" : 1}"), "json").starts_with("Json"));
        assert_eq!(shown(Stored::Int(1), "boolean"), "Bool(true)");
        assert_eq!(shown(Stored::Int(2), "boolean"), "Int(2)");
        assert_eq!(shown(text("t"), "boolean"), "Text(\"t\")");
    }

    #[test]
    fn declared_types_mean_what_people_mean_by_them() {
        assert_eq!(kind("varchar(7)"), Kind::Text(Some(7)));
        assert_eq!(kind("DECIMAL(10, 2)"), Kind::Decimal(Some((10, 2))));
        assert_eq!(kind("timestamp with time zone"), Kind::Instant);
        assert_eq!(kind("timestamp without time zone"), Kind::Timestamp);
        assert_eq!(kind("bigint"), Kind::Int { min: i64::MIN, max: i64::MAX });
        assert_eq!(kind(""), Kind::Other);
    }
}
