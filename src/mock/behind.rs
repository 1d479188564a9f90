//! What stands behind an API: rows of databases that a call looks up and changes. Where they really are, and how they are
//! read, is told by whoever starts the mock; a mock by itself has nothing behind it.

use super::play::said;
use crate::{
    base::{
        shape::{Length, Named, Word},
        value::{Map, Value},
    },
    shape,
    template::{Datum, Expression, Scope, Truth},
};
use std::{fmt, future::Future, pin::Pin, sync::Arc, time::Duration};

shape! {
    /// Rows of a database of the project that a call looks up; a list of rows, with names where a column has them.
    "rows that are found" pub struct Finds {
        /// `connection.table`.
        table: Word,
        /// Columns and their values: a value, null, or a list of which one must be it.
        #[schemars(default)]
        conditions as "where": Named<Datum>,
        /// Columns to sort by; `-column` for the largest first.
        #[schemars(default)]
        order_by: Vec<Word>,
    }
}

shape! {
    /// A change of a table of the project: exactly one of `insert`, `set` and `remove`.
    "a change of rows" pub struct Writes {
        /// `connection.table`.
        table: Word,
        /// A bare expression that must hold.
        when: Option<Expression>,
        /// A list: the change is made once for each element, which is `each`.
        each: Option<Datum>,
        /// Of `set` and `remove`: which rows.
        #[schemars(default)]
        conditions as "where": Named<Datum>,
        /// Columns and their values of a new row.
        insert: Option<Datum>,
        /// Columns and their values.
        set: Option<Datum>,
        /// Takes the rows away.
        remove: Option<bool>,
        /// The change comes so much later than the answer. Where a test holds the clock, it comes right after the others.
        after: Option<Length>,
    }
}

/// A question to a table: columns with a value, or with a list of values.
#[derive(Clone, Debug, PartialEq)]
pub struct Look {
    /// `connection.table`
    pub table: Arc<str>,
    /// Names and wanted values.
    pub conditions: Map,
    /// Columns to sort by, `-` for the largest first.
    pub order: Vec<Arc<str>>,
}

/// What is looked up, by name.
pub type Looks = Vec<(Arc<str>, Look)>;

/// What is done to a table.
#[derive(Clone, Debug, PartialEq)]
pub enum Deed {
    /// A new row.
    Insert(Map),
    /// Columns of the rows that fit.
    Set(Map, Map),
    /// The rows that fit go away.
    Remove(Map),
}

/// One change, with its values.
#[derive(Clone, Debug, PartialEq)]
pub struct RowDeed {
    /// `connection.table`
    pub table: Arc<str>,
    /// What is done.
    pub deed: Deed,
    /// So much later than the answer.
    pub after: Duration,
}

/// An answer that comes later, or a sentence that says why not.
pub type Pending<'a, T> = Pin<Box<dyn Future<Output = Result<T, String>> + Send + 'a>>;

/// The databases behind a mock.
pub trait Behind: fmt::Debug + Send + Sync {
    /// The rows that fit, as playbooks see them.
    fn find<'a>(&'a self, look: &'a Look) -> Pending<'a, Vec<Map>>;
    /// Makes the changes: those of one database all or none.
    fn change<'a>(&'a self, deeds: &'a [RowDeed]) -> Pending<'a, ()>;
}

impl Finds {
    /// The question, with its values.
    pub fn look(&self, scope: &Scope) -> Result<Look, String> {
        let order = self.order_by.iter().map(|word| word.text.clone()).collect();
        Ok(Look { table: self.table.text.clone(), conditions: evaluated(&self.conditions, scope)?, order })
    }
}

impl Writes {
    /// The changes, with their values: none where `when` does not hold.
    pub fn deeds(&self, scope: &Scope) -> Result<Vec<RowDeed>, String> {
        let Some(each) = &self.each else { return Ok(self.one(scope)?.into_iter().collect()) };
        let list = each.evaluate(scope).map_err(|e| said(&e))?.value;
        let list = list.as_list().ok_or_else(|| format!("`each` needs a list, not {}", list.kind()))?;
        let turn = |value: &Value| self.one(&scope.clone().with("each", value.clone())).transpose();
        list.iter().filter_map(turn).collect()
    }

    fn one(&self, scope: &Scope) -> Result<Option<RowDeed>, String> {
        if let Some(when) = &self.when
            && when.test(scope).map_err(|e| said(&e))?.0 != Truth::Yes
        {
            return Ok(None);
        }
        let deed = match (&self.insert, &self.set) {
            (Some(insert), _) => Deed::Insert(columns(insert, scope)?),
            (None, Some(set)) => Deed::Set(evaluated(&self.conditions, scope)?, columns(set, scope)?),
            (None, None) => Deed::Remove(evaluated(&self.conditions, scope)?),
        };
        let after = self.after.map_or(Duration::ZERO, |length| length.0);
        Ok(Some(RowDeed { table: self.table.text.clone(), deed, after }))
    }

    /// All texts in it, for the check of names; `each` is a name in all but the list itself.
    pub fn data(&self) -> impl Iterator<Item = &Datum> {
        self.conditions.iter().map(|(_, datum)| datum).chain(&self.insert).chain(&self.set)
    }
}

/// Asks everything that a route wants to know first. Many routes of one path ask the same: what is `known` is not asked again.
pub async fn found(
    behind: Option<&dyn Behind>,
    looks: &[(Arc<str>, Look)],
    known: &mut Vec<(Look, Value)>,
) -> Result<Map, String> {
    let mut all = Map::default();
    for (name, look) in looks {
        let rows = match known.iter().find(|(asked, _)| asked == look) {
            Some((_, rows)) => rows.clone(),
            None => {
                let rows = behind.ok_or_else(nothing)?.find(look).await?;
                let rows = Value::list(rows.into_iter().map(Value::from));
                known.push((look.clone(), rows.clone()));
                rows
            }
        };
        all.insert(name.clone(), rows);
    }
    Ok(all)
}

/// Makes the changes of a call.
pub async fn change(behind: Option<&dyn Behind>, deeds: &[RowDeed]) -> Result<(), String> {
    if deeds.is_empty() {
        return Ok(());
    }
    behind.ok_or_else(nothing)?.change(deeds).await
}

fn nothing() -> String {
    "it looks into databases, and was started without a project: `trueup sandbox` and `trueup test` start it with one"
        .into()
}

fn evaluated(named: &Named<Datum>, scope: &Scope) -> Result<Map, String> {
    let one = |(name, datum): (&str, &Datum)| Ok((name.into(), datum.evaluate(scope).map_err(|e| said(&e))?.value));
    named.iter().map(one).collect()
}

fn columns(datum: &Datum, scope: &Scope) -> Result<Map, String> {
    let value = datum.evaluate(scope).map_err(|e| said(&e))?.value;
    value.as_map().cloned().ok_or_else(|| format!("columns need a map, not {}", value.kind()))
}
