//! What a database says of its own tables, as a snapshot: columns, types, keys.

use crate::base::{
    json, time,
    value::{Data, Value},
};
use indexmap::IndexMap;
use std::sync::Arc;

/// The kind of values that a column holds, whatever the database calls it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Kind {
    /// True and false.
    Bool,
    /// Whole numbers within these bounds.
    Int {
        /// Smallest.
        min: i64,
        /// Largest.
        max: i64,
    },
    /// Decimal digits; precision and scale where the column limits them.
    Decimal(Option<(u32, u32)>),
    /// Binary floating point.
    Float,
    /// Characters; the largest length where the column limits it.
    Text(Option<u32>),
    /// Bytes.
    Bytes,
    /// A day.
    Date,
    /// A time of day.
    Time,
    /// Date and time without a zone.
    Timestamp,
    /// A moment.
    Instant,
    /// A UUID.
    Uuid,
    /// JSON.
    Json,
    /// One of the database's own enum labels.
    Enum(Vec<String>),
    /// Anything else: travels as the database's text form.
    Other,
}

/// One column.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Column {
    /// Its name.
    pub name: Arc<str>,
    /// The database's own word for the type: `int4`, `citext`, `varchar(7)`.
    pub type_name: String,
    /// What that means for us.
    pub kind: Kind,
    /// May be null.
    pub nullable: bool,
    /// Has a default, is an identity or autoincrement.
    pub has_default: bool,
    /// Computed by the database; may not be set.
    pub generated: bool,
    /// Numbered by the database, which takes another number only when told so: `generated` as well.
    pub numbered: bool,
    /// What the database writes by itself where nobody sets it, another value each time.
    pub renewed: Renewed,
    /// Left out of `*` (MySQL): whole rows name it.
    pub invisible: bool,
}

/// When a column gets another value each time without being set: `now()`, a random number, a sequence.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Renewed {
    /// It keeps what it has, and begins with the same.
    #[default]
    Never,
    /// In a new row.
    Made,
    /// Whenever its row changes (`ON UPDATE` of MySQL), and in a new row.
    Changed,
}

/// One table or view.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Table {
    /// Columns in the table's order.
    pub columns: IndexMap<Arc<str>, Column>,
    /// Columns of the primary key, in its order; empty when there is none.
    pub primary_key: Vec<Arc<str>>,
    /// Other unique keys.
    pub unique: Vec<Vec<Arc<str>>>,
    /// Names of triggers that fire on changes.
    pub triggers: Vec<String>,
    /// What judges a change by more than the row that changes.
    pub judges: Vec<Judge>,
    /// A view, not a table.
    pub view: bool,
    /// Other tables inherit from it: its rows may be theirs, with columns that it does not have.
    pub heirs: bool,
}

/// What looks at other rows as well when a row changes: a trigger that reads tables or changes rows, a constraint that excludes some rows beside others
/// or that is only looked at when the transaction ends. What it says depends on what else the transaction did.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Judge {
    /// In words: "the trigger `cap`".
    pub what: String,
    /// Changes of these columns, and new rows; of any where it is empty.
    pub columns: Vec<Arc<str>>,
}

impl Table {
    /// Why the image of a row that `comes`, or `goes`, may not be all of the row, a fragment; nothing where it is.
    pub fn half_seen(&self, comes: bool, goes: bool) -> Option<&'static str> {
        if self.view && (comes || goes) {
            return Some("a view need not show all columns of its rows");
        }
        (self.heirs && goes)
            .then_some("its rows may be those of tables that inherit from it, which have columns of their own")
    }

    /// A column by its name.
    pub fn column(&self, name: &str) -> Option<&Column> {
        self.columns.get(name)
    }
}

/// What else may happen when rows of a table are read or changed. Known of PostgreSQL; of others nothing is promised.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Nature {
    /// Its rows are read without anything else being run: it is a table of its own, with no rule and no policy.
    pub plain: bool,
    /// A change of its rows is whole when its statement ends, and touches nothing else: `plain`, with no trigger but those that
    /// check a reference at once, and no function of somebody's in a default, a constraint or an index.
    pub alone: bool,
}

/// A foreign key: rows of one table that point to rows of another one, or of the same.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Reference {
    /// The table whose rows point.
    pub from: Arc<str>,
    /// The columns that do.
    pub columns: Vec<Arc<str>>,
    /// The table that they point to.
    pub to: Arc<str>,
    /// The columns there that they repeat, in the same order: its primary key, or another one.
    pub keys: Vec<Arc<str>>,
}

/// All tables that a connection can see, by their name (`schema.table` outside the default schema).
pub type Catalogue = IndexMap<Arc<str>, Table>;

impl Kind {
    /// Whether a literal can be stored in such a column; the error is a sentence fragment: `3000000007 does not fit
    /// into int4 (largest 2147483647)`. Unknown and null always fit here.
    pub fn accepts(&self, type_name: &str, value: &Value) -> Result<(), String> {
        let shown = value.plain();
        let misfit = |what: &str| Err(format!("{shown} is not {what}, as {type_name} needs"));
        match (self, &value.data) {
            (_, Data::Null | Data::Unknown(_)) | (Kind::Other | Kind::Json, _) => Ok(()),
            (Kind::Int { min, max }, Data::Int(n)) => {
                if n > max {
                    Err(format!("{n} does not fit into {type_name} (largest {max})"))
                } else if n < min {
                    Err(format!("{n} does not fit into {type_name} (smallest {min})"))
                } else {
                    Ok(())
                }
            }
            (Kind::Int { .. }, Data::Text(t))
                if t.parse::<i64>().is_ok_and(|n| self.accepts(type_name, &n.into()).is_ok()) =>
            {
                Ok(())
            }
            (Kind::Int { .. }, _) => misfit("a whole number"),
            (Kind::Bool, Data::Bool(_)) => Ok(()),
            (Kind::Bool, Data::Int(0 | 1)) => Ok(()),
            (Kind::Bool, Data::Text(t)) if matches!(&**t, "true" | "false") => {
                Err(format!("the text \"{t}\" is not {t}: write it without quotes"))
            }
            (Kind::Bool, _) => misfit("true or false"),
            (Kind::Text(Some(most)), Data::Text(t)) if t.chars().count() > *most as usize => {
                Err(format!("the text has {} characters; {type_name} holds {most}", t.chars().count()))
            }
            (Kind::Text(_), Data::List(_) | Data::Map(_)) => misfit("a text"),
            (Kind::Date, Data::Date(_) | Data::Timestamp(_)) => Ok(()),
            (Kind::Date, Data::Text(t)) if t.parse::<time::Date>().is_ok() => Ok(()),
            (Kind::Date, _) => misfit("a date (2024-03-31)"),
            (Kind::Timestamp | Kind::Instant, Data::Timestamp(_) | Data::Instant(_) | Data::Date(_)) => Ok(()),
            (Kind::Timestamp | Kind::Instant, Data::Text(t))
                if t.parse::<time::Stamp>().is_ok() || t.parse::<time::Date>().is_ok() || time::instant(t).is_ok() =>
            {
                Ok(())
            }
            (Kind::Timestamp | Kind::Instant, _) => misfit("a timestamp (2024-03-31T09:30:00)"),
            (Kind::Uuid, Data::Uuid(_)) => Ok(()),
            (Kind::Uuid, Data::Text(t)) if uuid::Uuid::parse_str(t).is_ok() => Ok(()),
            (Kind::Uuid, _) => misfit("a uuid"),
            (Kind::Enum(labels), Data::Text(t)) if !labels.iter().any(|l| **l == **t) => {
                Err(format!("{shown} is not one of {}", labels.join(", ")))
            }
            (Kind::Decimal(_) | Kind::Float, Data::Text(t)) if t.parse::<f64>().is_err() => misfit("a number"),
            (Kind::Decimal(_) | Kind::Float, Data::Bool(_) | Data::List(_) | Data::Map(_)) => misfit("a number"),
            _ => Ok(()),
        }
    }
}

impl Kind {
    /// The value as such a column would hold it: an ISO text becomes a date, 0 and 1 become booleans, a map becomes
    /// JSON. What does not fit comes back unchanged, for the database to refuse.
    pub fn coerce(&self, value: Value) -> Value {
        let marks = value.marks;
        let data = match (self, &value.data) {
            (Kind::Date, Data::Text(t)) => t.parse().ok().map(Data::Date),
            (Kind::Date, Data::Timestamp(s) | Data::Instant(s)) => Some(Data::Date(s.date())),
            (Kind::Time, Data::Text(t)) => t.parse().ok().map(Data::Time),
            (Kind::Timestamp, Data::Text(t)) => stamp(t).map(Data::Timestamp),
            (Kind::Timestamp, Data::Instant(s)) => Some(Data::Timestamp(*s)),
            (Kind::Timestamp, Data::Date(d)) => Some(Data::Timestamp(d.midnight())),
            (Kind::Instant, Data::Text(t)) => time::instant(t).ok().or_else(|| stamp(t)).map(Data::Instant),
            (Kind::Instant, Data::Timestamp(s)) => Some(Data::Instant(*s)),
            (Kind::Instant, Data::Date(d)) => Some(Data::Instant(d.midnight())),
            (Kind::Uuid, Data::Text(t)) => uuid::Uuid::parse_str(t).ok().map(Data::Uuid),
            (Kind::Bool, Data::Int(n @ (0 | 1))) => Some(Data::Bool(*n == 1)),
            (Kind::Bool, Data::Text(t)) => t.parse().ok().map(Data::Bool),
            (Kind::Int { .. }, Data::Text(t)) => t.parse().ok().map(Data::Int),
            (Kind::Decimal(_), Data::Text(t)) => t.parse().ok().map(Data::Decimal),
            (Kind::Decimal(_), Data::Int(n)) => Some(Data::Decimal((*n).into())),
            (Kind::Text(_) | Kind::Enum(_), Data::Uuid(_) | Data::Date(_) | Data::Int(_) | Data::Decimal(_)) => {
                Some(Data::Text(value.bare().as_ref().into()))
            }
            (Kind::Json, Data::Map(_) | Data::List(_)) => Some(Data::Json(Arc::new(json::Json::of(value.clone())))),
            (Kind::Json, Data::Text(t)) => json::Json::parse(t).ok().map(|j| Data::Json(Arc::new(j))),
            _ => None,
        };
        data.map_or(value, |data| Value { data, marks })
    }
}

fn stamp(text: &str) -> Option<time::Stamp> {
    text.parse()
        .ok()
        .or_else(|| text.parse::<time::Date>().ok().map(time::Date::midnight))
        .or_else(|| time::instant(text).ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_ten_digit_typo_of_the_2021_playbook_does_not_fit_into_int4() {
        let int4 = Kind::Int { min: i32::MIN.into(), max: i32::MAX.into() };
        assert_eq!(
            int4.accepts("int4", &Value::from(3_000_000_007)).unwrap_err(),
            "3000000007 does not fit into int4 (largest 2147483647)"
        );
        assert!(int4.accepts("int4", &Value::from(300_000_007)).is_ok());
        assert!(int4.accepts("int4", &Value::from("seven")).is_err());
        assert!(Kind::Text(Some(3)).accepts("varchar(3)", &Value::from("2N2Z")).is_err());
        assert!(Kind::Date.accepts("date", &Value::from("2024-02-30")).is_err());
        assert!(Kind::Int { min: 0, max: 1 }.accepts("x", &Value::unknown()).is_ok());
    }
}
