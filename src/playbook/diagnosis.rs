//! What an error means and what to do about it, from a decision table alone. Pure: the error comes as a text.

use super::{
    errors::{ErrorRow, FailureKind},
    failure::{Facts, Looked},
};
use crate::{
    base::{
        source::Source,
        value::{Marks, Value},
    },
    connection::http::{HttpSettings, told::Told},
};
use std::sync::Arc;

/// What a table says about an error.
#[derive(Debug)]
pub struct Diagnosis {
    /// `register/dqt-errors`: the playbook or table that was asked.
    pub asked: String,
    /// The text of playbook or table.
    pub source: Arc<Source>,
    /// What the text tells.
    pub error: Told,
    /// The error's own code, where the connection says where it stands.
    pub code: Option<String>,
    /// Every row with how its conditions fare, in the order of the table.
    pub rows: Vec<Judged>,
    /// The row that decides, as far as can be told: none of its conditions fails.
    pub decides: Option<usize>,
}

/// A row, and how its conditions fare.
#[derive(Debug)]
pub struct Judged {
    /// The row.
    pub row: ErrorRow,
    /// Its conditions.
    pub looked: Vec<Looked>,
}

impl Judged {
    /// Conditions that fail.
    pub fn missed(&self) -> impl Iterator<Item = &Looked> {
        self.looked.iter().filter(|looked| looked.holds == Some(false))
    }

    /// Conditions of which the text tells nothing.
    pub fn open(&self) -> impl Iterator<Item = &Looked> {
        self.looked.iter().filter(|looked| looked.holds.is_none())
    }
}

impl Diagnosis {
    /// The rows that come nearest, when none decides: those with the fewest failing conditions, and at least one that holds.
    pub fn nearest(&self) -> Vec<&Judged> {
        let any =
            |judged: &&Judged| judged.looked.iter().any(|looked| looked.holds == Some(true) && looked.what != "api");
        let mut near: Vec<&Judged> = self.rows.iter().filter(any).collect();
        near.sort_by_key(|judged| judged.missed().count());
        near.truncate(3);
        near
    }

    /// Rows above the deciding one that would decide if what the text does not tell were so.
    pub fn unless(&self) -> Vec<&Judged> {
        let Some(at) = self.decides else { return Vec::new() };
        self.rows[..at]
            .iter()
            .filter(|judged| judged.missed().next().is_none() && judged.row.otherwise.is_none())
            .collect()
    }

    /// What messages of the row see: `error.status`, `error.body` …
    pub fn error_value(&self) -> Value {
        let text = |text: &str| Value::text(text);
        Value::map([
            ("status", self.error.status.map_or(Value::NULL, |n| i64::from(n).into())),
            ("code", self.code.as_deref().map_or(Value::NULL, text)),
            ("body", self.error.body.clone()),
            ("text", text(&self.error.text)),
        ])
    }
}

/// Rows, whose they are, and which call is meant.
#[derive(Clone, Debug)]
pub struct Asked {
    /// Name of the playbook or table.
    pub name: String,
    /// Its text.
    pub source: Arc<Source>,
    /// The rows.
    pub rows: Vec<ErrorRow>,
    /// The step, where it is known; `Some(None)` for one without a name.
    pub step: Option<Option<String>>,
    /// The connection, where it is known.
    pub api: Option<String>,
}

/// Looks an error's text up. `settings` are those of the connection: they say where a code stands and what is personal.
pub fn diagnose(table: Asked, settings: Option<&HttpSettings>, error: &str) -> Diagnosis {
    let mut error = Told::read(error);
    let first = look(&table, settings, &error);
    // Somebody cut a part out of the answer: `{"outcome": ["…"]}` of `{"errors": {"outcome": ["…"]}}`.
    if first.1.is_none()
        && let Some((body, second)) = inside(&table, settings, &error)
    {
        error.body = body;
        return done(table, settings, error, second);
    }
    done(table, settings, error, first)
}

type Found = (Vec<Judged>, Option<usize>);

fn done(table: Asked, settings: Option<&HttpSettings>, mut error: Told, found: Found) -> Diagnosis {
    let code = code_of(settings, &error);
    if let Some(settings) = settings {
        error.body = settings.personal_marked(error.body);
    }
    let (rows, decides) = found;
    // The whole text may hold what the body's marks hide.
    if error.body.all_marks().has(Marks::PERSONAL) {
        error.text = "(personal)".to_owned();
    }
    Diagnosis { asked: table.name, source: table.source, error, code, rows, decides }
}

fn code_of(settings: Option<&HttpSettings>, error: &Told) -> Option<String> {
    let answer = Value::map([("body", error.body.clone())]);
    settings?.error_code(&answer).map(|code| code.plain().into_owned())
}

fn look(table: &Asked, settings: Option<&HttpSettings>, error: &Told) -> Found {
    let code = code_of(settings, error);
    let answered = error.status.is_some() || !error.body.is_null();
    let facts = Facts {
        step: table.step.as_ref().map(|step| step.as_deref()),
        api: table.api.as_deref(),
        status: error.status.map(Some),
        // Without a declared `error_code` nobody knows where a code would stand.
        code: (answered && settings.is_some_and(|s| s.error_code.is_some())).then_some(code.as_deref()),
        body: &error.body,
        text: &error.text,
        attempt: None,
        kind: error.status.map(|_| FailureKind::Status),
    };
    let rows: Vec<Judged> =
        table.rows.iter().map(|row| Judged { looked: row.looked(&facts), row: row.clone() }).collect();
    let says = |judged: &Judged| {
        judged.row.otherwise.is_some()
            || judged.missed().next().is_none()
                && judged.looked.iter().any(|looked| looked.holds == Some(true) && looked.what != "api")
    };
    // A row that surely fits decides; only where there is none, one of which the text tells too little.
    let sure =
        rows.iter().position(|judged| judged.row.otherwise.is_none() && says(judged) && judged.open().next().is_none());
    let decides = sure.or_else(|| rows.iter().position(says));
    (rows, decides)
}

fn inside(table: &Asked, settings: Option<&HttpSettings>, error: &Told) -> Option<(Value, Found)> {
    error.body.as_map()?;
    let mut roots: Vec<&str> = table
        .rows
        .iter()
        .flat_map(|row| row.body.names())
        .filter_map(|path| path.split_once('.').map(|(root, _)| root))
        .collect();
    roots.dedup();
    roots.into_iter().find_map(|root| {
        let body = Value::map([(root, error.body.clone())]);
        let found = look(table, settings, &Told { body: body.clone(), ..error.clone() });
        found.1.filter(|at| found.0[*at].row.otherwise.is_none()).map(|_| (body, found))
    })
}
