//! Invented values of a column: what a row of a test holds, and what it is changed to.

use super::Known;
use crate::table::catalogue::{Column, Kind};

/// Two values, as YAML.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sample {
    /// What is there.
    pub old: String,
    /// What it becomes; also the example of the parameter.
    pub new: String,
    /// One that no row has.
    pub other: String,
}

impl Sample {
    /// Of a column; nothing where nobody can invent a value.
    pub fn of(known: Known<'_>, column: &Column) -> Option<Sample> {
        let of = |old: &str, new: &str, other: &str| {
            Some(Sample { old: old.to_owned(), new: new.to_owned(), other: other.to_owned() })
        };
        if let Some(names) = known.facts.enums.get(&column.name).filter(|names| !names.is_unread()) {
            return words(names.names().map(str::to_owned).collect());
        }
        match &column.kind {
            Kind::Bool => of("false", "true", "true"),
            Kind::Int { min, max } if *min <= 0 && *max >= 3 => of("1", "2", "3"),
            Kind::Int { .. } => None,
            Kind::Decimal(Some((_, 0))) => of("1", "2", "3"),
            Kind::Decimal(_) => of("\"1.5\"", "\"2.5\"", "\"3.5\""),
            Kind::Text(most) => text(column, most.unwrap_or(u32::MAX)),
            Kind::Date => of("2024-01-31", "2024-03-01", "2024-04-01"),
            Kind::Timestamp | Kind::Instant => {
                of("\"2024-01-31 10:00:00\"", "\"2024-03-01 10:00:00\"", "\"2024-04-01 10:00:00\"")
            }
            Kind::Uuid => of(
                "00000000-0000-4000-8000-00000000000a",
                "00000000-0000-4000-8000-00000000000b",
                "00000000-0000-4000-8000-00000000000c",
            ),
            Kind::Enum(labels) => words(labels.clone()),
            Kind::Json => of("{}", "{}", "{}"),
            Kind::Float => of("1.5", "2.5", "3.5"),
            Kind::Bytes | Kind::Time | Kind::Other => None,
        }
    }
}

fn words(words: Vec<String>) -> Option<Sample> {
    let old = words.first()?;
    let new = words.get(1).unwrap_or(old);
    Some(Sample { old: super::yaml(old), new: super::yaml(new), other: super::yaml(new) })
}

fn text(column: &Column, most: u32) -> Option<Sample> {
    let all = if column.name.contains("email") {
        ["old@example.com", "new@example.com", "nobody@example.com"]
    } else {
        ["old", "new", "nobody"]
    };
    let fits = |text: &str| text.len() <= most as usize;
    let [old, new, other] = if all.iter().all(|text| fits(text)) { all } else { ["a", "b", "c"] };
    let quoted = |text: &str| if text.contains('@') { format!("\"{text}\"") } else { text.to_owned() };
    Some(Sample { old: quoted(old), new: quoted(new), other: quoted(other) })
}
