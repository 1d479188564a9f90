//! A row that an undo leaves alone, in its three versions: as it was before the run, as the run left it, as it is now; a background job that is not
//! where the run put it; and a step that it does not take back.

use super::change::TableName;
use crate::base::{
    counted::counted,
    value::{Map, Value},
};
use std::sync::Arc;

/// One row that is left as it is; or a job, whose table is the place where the run put it and whose key is its id.
#[derive(Clone, Debug)]
pub struct LeftAlone {
    /// Which table.
    pub table: TableName,
    /// Key columns and their values.
    pub key: Map,
    /// Why, as a fragment: `somebody changed it since`.
    pub why: String,
    /// The columns that are not as the run left them; empty where the row as a whole is in the way or gone.
    pub columns: Vec<Versions>,
}

/// One column in its three versions; nothing where there was no row.
#[derive(Clone, Debug)]
pub struct Versions {
    /// The column.
    pub column: Arc<str>,
    /// Before the run.
    pub before: Option<Value>,
    /// As the run left it.
    pub ours: Option<Value>,
    /// As it is.
    pub now: Option<Value>,
}

impl LeftAlone {
    /// `id 4711`, `code 2N2, year 2024`.
    pub fn key_text(&self) -> String {
        self.key.iter().map(|(k, v)| format!("{k} {}", v.plain())).collect::<Vec<_>>().join(", ")
    }

    /// A background job.
    pub fn job(connection: Arc<str>, place: &str, jid: &str, why: String) -> LeftAlone {
        let key = Map::from_iter([(Arc::from(JID), Value::from(jid))]);
        LeftAlone { table: TableName { connection, table: place.into() }, key, why, columns: Vec::new() }
    }

    fn is_job(&self) -> bool {
        self.columns.is_empty() && self.key.len() == 1 && self.key.contains_key(JID)
    }

    /// `shop.things id 1`.
    pub fn subject(&self) -> String {
        format!("{} {}", self.table, self.key_text())
    }
}

/// Under this name the result of a step that takes rows back holds those that it left alone.
const NAME: &str = "left_alone";
/// Under this name it holds what it put back, where that is told beside them.
const BACK: &str = "back";
/// The key of a job.
const JID: &str = "jid";

/// `row`, `job`, and how it is counted: what these are. Of both it is `thing`.
pub fn noun<'l>(left: impl IntoIterator<Item = &'l LeftAlone>) -> &'static str {
    let (mut rows, mut jobs) = (false, false);
    left.into_iter().for_each(|one| if one.is_job() { jobs = true } else { rows = true });
    match (rows, jobs) {
        (true, true) => "thing",
        (_, true) => "job",
        _ => "row",
    }
}

/// `3 rows`, `1 job`.
pub fn many<'l>(left: impl IntoIterator<Item = &'l LeftAlone> + Clone) -> String {
    counted(left.clone().into_iter().count(), noun(left))
}

/// A step of another run that is not taken back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stays {
    /// Why, as a fragment: `a person decided that it happened`.
    pub why: String,
    /// Whose word that is.
    pub by: Ground,
}

/// What it rests on that a step is not taken back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ground {
    /// Nothing of it is left to be taken back.
    Needless,
    /// The author said beforehand that it cannot be.
    Foreseen,
    /// It should have been, and cannot.
    Unforeseen,
}

impl Ground {
    const WORDS: [(&str, Ground); 3] =
        [("needless", Ground::Needless), ("foreseen", Ground::Foreseen), ("unforeseen", Ground::Unforeseen)];

    fn word(self) -> &'static str {
        Self::WORDS.iter().find(|(_, ground)| *ground == self).map_or("", |(word, _)| word)
    }
}

impl Stays {
    /// Nothing of it is left to be taken back.
    pub fn needless(why: impl Into<String>) -> Stays {
        Stays { why: why.into(), by: Ground::Needless }
    }

    /// The author said so beforehand.
    pub fn foreseen(why: impl Into<String>) -> Stays {
        Stays { why: why.into(), by: Ground::Foreseen }
    }

    /// `not taken back: …`
    pub fn words(&self) -> String {
        format!("not taken back: {}", self.why)
    }

    /// As a value that a journal keeps.
    pub fn store(&self) -> Value {
        Value::map([(STAYS, self.why.as_str().into()), (BY, self.by.word().into())])
    }

    /// Back from the value; nothing where it is another one.
    pub fn load(value: &Value) -> Option<Stays> {
        let (why, by) = (value.get(STAYS)?, value.get(BY)?);
        let (_, by) = *Ground::WORDS.iter().find(|(word, _)| Some(*word) == by.as_str())?;
        Some(Stays { why: why.as_str()?.to_owned(), by })
    }
}

/// A reason that nobody gave beforehand.
impl From<String> for Stays {
    fn from(why: String) -> Stays {
        Stays { why, by: Ground::Unforeseen }
    }
}

impl From<&str> for Stays {
    fn from(why: &str) -> Stays {
        why.to_owned().into()
    }
}

/// Under these names the result of a step that is not taken back says why, and what that rests on.
const STAYS: &str = "not_taken_back";
const BY: &str = "by";

/// As a value that a journal keeps; values keep their marks. Null when there is none.
pub fn store(left: &[LeftAlone]) -> Value {
    if left.is_empty() {
        return Value::NULL;
    }
    let side = |value: &Option<Value>| value.clone().map_or_else(|| Value::list([]), |value| Value::list([value]));
    let column = |v: &Versions| {
        Value::map([
            ("column", Value::text(v.column.clone())),
            ("before", side(&v.before)),
            ("ours", side(&v.ours)),
            ("now", side(&v.now)),
        ])
    };
    let row = |row: &LeftAlone| {
        Value::map([
            ("table", Value::text(row.table.text())),
            ("key", row.key.clone().into()),
            ("why", row.why.as_str().into()),
            ("columns", Value::list(row.columns.iter().map(column))),
        ])
    };
    Value::map([(NAME, Value::list(left.iter().map(row)))])
}

/// Beside what was put back, which is all of the value where nothing was left alone.
pub fn store_beside(back: Value, left: &[LeftAlone]) -> Value {
    match store(left).get(NAME) {
        Some(rows) => Value::map([(BACK, back), (NAME, rows)]),
        None => back,
    }
}

/// What was put back.
pub fn back(value: &Value) -> Option<Value> {
    value.get(NAME).and_then(|_| value.get(BACK))
}

/// Back from the value; nothing where it is another one.
pub fn load(value: &Value) -> Vec<LeftAlone> {
    let rows = value.get(NAME);
    let rows = rows.as_ref().and_then(Value::as_list).unwrap_or_default();
    rows.iter().filter_map(row).collect()
}

fn row(value: &Value) -> Option<LeftAlone> {
    let part = |name: &str| value.as_map()?.get(name);
    let side = |column: &Map, name: &str| column.get(name)?.as_list()?.first().cloned();
    let column = |value: &Value| {
        let map = value.as_map()?;
        Some(Versions {
            column: map.get("column")?.as_str()?.into(),
            before: side(map, "before"),
            ours: side(map, "ours"),
            now: side(map, "now"),
        })
    };
    Some(LeftAlone {
        table: TableName::parse(part("table")?.as_str()?)?,
        key: part("key")?.as_map()?.clone(),
        why: part("why")?.as_str()?.to_owned(),
        columns: part("columns")?.as_list()?.iter().map(column).collect::<Option<_>>()?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::{json, value::Marks};

    #[test]
    fn a_row_left_alone_comes_back_from_the_journal_with_its_marks() {
        let versions = Versions {
            column: "email".into(),
            before: Some(Value::from("a@b.c").marked(Marks::PERSONAL)),
            ours: Some(Value::NULL),
            now: None,
        };
        let left = LeftAlone {
            table: TableName::parse("shop.things").unwrap(),
            key: [("id".into(), Value::from(1))].into_iter().collect(),
            why: "it is gone".into(),
            columns: vec![versions],
        };
        let back = load(&json::decode(&json::encode(&store(std::slice::from_ref(&left)))).unwrap());
        assert_eq!(format!("{back:?}"), format!("{:?}", [left]));
        for stays in [Stays::needless("a"), Stays::foreseen("b"), "c".into()] {
            assert_eq!(Stays::load(&stays.store()), Some(stays));
        }
        assert!(Stays::load(&store(&[])).is_none());
        assert!(load(&store(&[])).is_empty() && load(&Value::from(1)).is_empty());
    }
}
