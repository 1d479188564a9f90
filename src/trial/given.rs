//! What a case starts from: the defaults with the case's own rows, parameters and answers over them.

use super::{
    model::{Case, Given, GivenRow, GivenRows, TestFile},
    report::Problem,
};
use crate::{
    base::{
        shape::{Length, Named, Word},
        source::Span,
        suggest,
        time::Stamp,
        value::{Data, Map, Value},
    },
    connection::{handle::Writing, statement::SetTo},
    effect::change::TableName,
    mock::{
        model::{Mock, Route, Trouble, Version},
        program::Run,
        worker::Work,
    },
    playbook::project::Project,
    table::{
        catalogue::{self, Kind},
        facts::Facts,
    },
};
use indexmap::IndexMap;
use std::sync::Arc;

/// What an API answers.
#[derive(Clone, Debug)]
pub enum Answers {
    /// These routes.
    Routes(Vec<Route>),
    /// A mock's own file, relative to the test file.
    File(Word),
}

/// Who takes background jobs.
#[derive(Clone, Debug, Default)]
pub struct Workers {
    /// A job waits so long before it is taken.
    pub takes_after: Option<Length>,
    /// What jobs do; those of the case stand before those of the defaults.
    pub does: Vec<Work>,
}

impl Answers {
    /// Both are the same mock's file, which is played once.
    pub fn same_file(&self, other: Option<&Answers>) -> bool {
        match (self, other) {
            (Answers::File(one), Some(Answers::File(other))) => one.as_str() == other.as_str(),
            _ => false,
        }
    }
}

/// Where a case starts.
#[derive(Clone, Debug, Default)]
pub struct Start {
    /// Rows by connection and table, in the order of the file.
    pub rows: IndexMap<Arc<str>, IndexMap<Arc<str>, Vec<GivenRow>>>,
    /// Answers of APIs by connection.
    pub apis: IndexMap<Arc<str>, Answers>,
    /// What goes wrong with calls, by connection.
    pub troubles: IndexMap<Arc<str>, Vec<Trouble>>,
    /// Parameters.
    pub params: Vec<(String, Value)>,
    /// Answers to questions, by the step's name.
    pub answers: IndexMap<String, Vec<(String, Value)>>,
    /// Who takes background jobs, by connection.
    pub workers: IndexMap<Arc<str>, Workers>,
    /// What programs do, by connection.
    pub programs: IndexMap<Arc<str>, Vec<Run>>,
    /// Files by name.
    pub files: IndexMap<String, String>,
}

impl Start {
    /// Of a case; `project` knows the keys by which rows are merged.
    pub fn of(file: &TestFile, case: &Case, project: &Project) -> Start {
        let mut start = Start::default();
        if let Some(defaults) = &file.defaults {
            start.give(&defaults.given, project);
            start.set(&defaults.params, &defaults.answers, &defaults.files);
        }
        start.give(&case.given, project);
        start.troubles.extend(case.troubles.iter().map(|(name, troubles)| (name.into(), troubles.clone())));
        start.set(&case.params, &case.answers, &case.files);
        start
    }

    fn set(&mut self, params: &Named<Value>, answers: &Named<Named<Value>>, files: &Named<Word>) {
        self.files.extend(files.iter().map(|(name, text)| (name.to_owned(), text.as_str().to_owned())));
        for (name, value) in params.iter() {
            self.params.retain(|(n, _)| n != name);
            self.params.push((name.to_owned(), value.clone()));
        }
        for (step, values) in answers.iter() {
            self.answers.insert(step.to_owned(), values.iter().map(|(n, v)| (n.to_owned(), v.clone())).collect());
        }
    }

    fn give(&mut self, given: &Named<Given>, project: &Project) {
        for (connection, given) in given.iter() {
            let name: Arc<str> = connection.into();
            match given {
                Given::Routes(routes) => drop(self.apis.insert(name, Answers::Routes(routes.clone()))),
                Given::MockFile(file) => drop(self.apis.insert(name, Answers::File(file.clone()))),
                Given::Runs(runs) => drop(self.programs.insert(name, runs.clone())),
                Given::Rows(rows) => self.lay(&name, rows, project),
            }
        }
    }

    fn lay(&mut self, connection: &Arc<str>, given: &GivenRows, project: &Project) {
        let jobs = project.connections.get(connection).is_some_and(|c| c.sidekiq.is_some());
        for (table, rows) in given.tables.iter() {
            let full = TableName { connection: connection.clone(), table: table.into() };
            let usual = if jobs { "jid" } else { "id" };
            let key = project.facts(&full).map_or_else(|| vec![Arc::from(usual)], Facts::key_columns);
            let known = self.rows.entry(connection.clone()).or_default().entry(table.into()).or_default();
            if rows.is_empty() {
                known.clear();
            }
            rows.iter().for_each(|row| merge(known, row, &key));
        }
        if given.takes_after.is_some() || given.does.is_some() {
            let workers = self.workers.entry(connection.clone()).or_default();
            workers.takes_after = given.takes_after.or(workers.takes_after);
            match &given.does {
                Some(does) if does.is_empty() => workers.does.clear(),
                does => drop(workers.does.splice(0..0, does.iter().flatten().cloned())),
            }
        }
    }
}

/// A row with a known key changes that row, column by column; any other is a new one.
fn merge(known: &mut Vec<GivenRow>, row: &GivenRow, key: &[Arc<str>]) {
    let same = |other: &&mut GivenRow| {
        key.iter().all(|c| row.columns.contains_key(c) && other.columns.get(c) == row.columns.get(c))
    };
    match known.iter_mut().find(same) {
        Some(other) => other.columns.extend(row.columns.clone()),
        None => known.push(row.clone()),
    }
}

/// A mock that answers with these routes, and 404 to everything else.
pub fn mock(name: &str, routes: Vec<Route>) -> Mock {
    Mock {
        trueup: Version::V1,
        mock: Word { text: name.into(), span: Span::default() },
        listen: None,
        refuse: None,
        auth: None,
        idempotency_key: None,
        collections: Named::default(),
        routes,
        troubles: Vec::new(),
        otherwise: None,
        at: Span::default(),
    }
}

/// Inserts one given row. Columns that the table demands and the row leaves out hold the clock, where they hold times.
pub async fn insert(
    writing: &mut Writing,
    table: &TableName,
    row: &GivenRow,
    facts: Option<&Facts>,
    columns: &catalogue::Table,
    clock: Stamp,
) -> Result<(), Problem> {
    let problem = |found: String| Problem::new(format!("given: a row of {table}"), "a row that can be inserted", found);
    let values = stored(row, facts, columns, clock).map_err(problem)?;
    let key = facts.map_or_else(|| columns.primary_key.clone(), Facts::key_columns);
    let values: Vec<(Arc<str>, SetTo)> = values.into_iter().map(|(c, v)| (c, SetTo::Value(v))).collect();
    writing
        .insert(&table.table, &key, &values)
        .await
        .map(drop)
        .map_err(|fault| problem(format!("{fault}; {}", fault.help())))
}

/// Enum names as stored values, everything as its column holds it.
fn stored(row: &GivenRow, facts: Option<&Facts>, columns: &catalogue::Table, clock: Stamp) -> Result<Map, String> {
    let mut values = Map::default();
    for (name, value) in &row.columns {
        let Some(column) = columns.column(name) else {
            let help = suggest::help(name, columns.columns.keys().map(|k| &**k)).unwrap_or_default();
            return Err(format!("there is no column `{name}`; {help}"));
        };
        let value = facts.map_or(Ok(value.clone()), |f| f.stored(name, value.clone())).map_err(|e| e.to_string())?;
        values.insert(name.clone(), column.kind.coerce(value));
    }
    for column in columns.columns.values().filter(|c| !c.nullable && !c.has_default && !c.generated) {
        if values.contains_key(&column.name) {
            continue;
        }
        let data = match column.kind {
            Kind::Timestamp => Data::Timestamp(clock),
            Kind::Instant => Data::Instant(clock),
            Kind::Date => Data::Date(clock.date()),
            _ => return Err(format!("`{}` needs a value", column.name)),
        };
        values.insert(column.name.clone(), data.into());
    }
    Ok(values)
}
