//! What was expected against what happened, each difference in words.

use super::{
    calls::{self, Request},
    expect::{Changes, ColumnTest, Expect, Preview, RowTest, TableChanges, TextTest, ValueTest},
    items,
    report::Problem,
    snapshot::{Snapshot, differing, row_name},
};
use crate::{
    base::{
        identity::RunId,
        json,
        shape::{Named, Word},
        value::{Map, Value},
    },
    effect::{
        change::{Deed, RowChange, TableName},
        label::Label,
    },
    engine::trouble::Difference,
    journal::words::End,
    plan::Plan,
    playbook::project::Project,
};
use indexmap::IndexMap;
use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

/// What happened in a case.
#[derive(Clone, Debug, Default)]
pub struct Happened {
    /// How it ended; nothing when it was refused before anything was opened.
    pub end: Option<End>,
    /// The exit code of the command.
    pub exit: u8,
    /// What was said at the end.
    pub message: String,
    /// To whom it was escalated.
    pub who: Option<Arc<str>>,
    /// Of a run over many items: how many of them ended in which way.
    pub items: BTreeMap<End, u64>,
    /// Messages to people.
    pub told: Vec<(Arc<str>, String)>,
    /// Of a run over many items: how each of them ended, and why, by key.
    pub by_key: BTreeMap<Arc<str>, (End, Option<String>)>,
    /// Calls of APIs and of programs, by connection.
    pub sent: IndexMap<Arc<str>, Vec<Request>>,
    /// Calls with smaller numbers belong to the preview.
    pub applied_from: u64,
    /// What refused parameters said: `slug: …`.
    pub refused: Vec<String>,
    /// What is no longer as planned.
    pub drift: Vec<Difference>,
    /// The preview.
    pub plan: Option<Plan>,
    /// The run, if one was made.
    pub run: Option<RunId>,
    /// What became of resources behind APIs.
    pub resources: Vec<RowChange>,
}

impl Happened {
    /// Changed rows of databases and changed resources.
    pub fn all(&self, mut rows: Vec<RowChange>) -> Vec<RowChange> {
        rows.extend(self.resources.iter().cloned());
        rows
    }
}

/// What a case came to, where it is not what was expected.
pub const OUTCOME: &str = "outcome";

/// Everything that is not as expected.
pub fn compare(
    expect: &Expect,
    happened: &Happened,
    before: &Snapshot,
    after: &Snapshot,
    project: &Project,
) -> Vec<Problem> {
    let mut problems = Vec::new();
    ends(expect, happened, &mut problems);
    if let Some(told) = &expect.told {
        people(told, &happened.told, &mut problems);
    }
    if let Some(sent) = &expect.sent {
        calls::compare(sent, happened, &mut problems);
    }
    if let Some(preview) = &expect.preview {
        labels(preview, happened.plan.as_ref(), &mut problems);
    }
    if let Some(drift) = &expect.drift {
        drifted(drift, &happened.drift, &mut problems);
    }
    let rows = happened.all(after.since(before));
    if let Some(changes) = &expect.changes {
        let held = Held { before, after, project };
        held.changes(changes, &rows, &mut problems);
    }
    if let Some(jobs) = &expect.jobs {
        waiting(jobs, after, &mut problems);
    }
    for place in &expect.unchanged {
        unchanged(place.as_str(), before, &rows, &mut problems);
    }
    problems
}

/// How many rows of which tables are other than before, where the case says nothing of `changes`.
pub fn unlooked(expect: &Expect, happened: &Happened, before: &Snapshot, after: &Snapshot) -> BTreeMap<String, usize> {
    let mut rows = BTreeMap::new();
    if expect.changes.is_none() {
        for row in happened.all(after.since(before)) {
            *rows.entry(row.table.to_string()).or_default() += 1;
        }
    }
    rows
}

fn ends(expect: &Expect, happened: &Happened, problems: &mut Vec<Problem>) {
    let end = happened.end.map_or("refused before anything was opened", End::word);
    let said = |found: &str| {
        if happened.message.is_empty() { found.to_owned() } else { format!("{found}\n{}", happened.message) }
    };
    let other_end = expect.outcome.filter(|outcome| happened.end != Some(*outcome));
    if let Some(outcome) = other_end {
        problems.push(Problem::new(OUTCOME, outcome.word(), said(end)));
    }
    if let Some(exit) = expect.exit
        && u32::from(happened.exit) != exit
    {
        let found = happened.exit.to_string();
        // What was said stands below the outcome already.
        let found = if other_end.is_some() { found } else { said(&found) };
        problems.push(Problem::new("exit code", exit.to_string(), found));
    }
    if let Some(message) = &expect.message
        && !message.holds(&happened.message)
    {
        problems.push(Problem::new("message", message.words(), nothing_if_empty(&happened.message)));
    }
    if let Some(to) = &expect.to
        && happened.who.as_deref() != Some(to.as_str())
    {
        problems.push(Problem::new("escalated to", to.as_str(), happened.who.as_deref().unwrap_or("nobody")));
    }
    if let Some(items) = &expect.items {
        items::compare(items, happened, problems);
    }
    let Some(invalid) = &expect.invalid else { return };
    let prefix = format!("{}: ", invalid.param.as_str());
    match happened.refused.iter().find(|line| line.starts_with(&prefix)) {
        None => {
            let found = if happened.refused.is_empty() { end.to_owned() } else { happened.refused.join("\n") };
            problems.push(Problem::new("refused parameter", invalid.param.as_str(), found));
        }
        Some(line) => {
            if let Some(message) = &invalid.message
                && !message.holds(line)
            {
                problems.push(Problem::new(
                    format!("what is said of parameter `{}`", invalid.param.as_str()),
                    message.words(),
                    line,
                ));
            }
        }
    }
}

pub(super) fn nothing_if_empty(text: &str) -> &str {
    if text.is_empty() { "nothing" } else { text }
}

fn people(expected: &Named<TextTest>, told: &[(Arc<str>, String)], problems: &mut Vec<Problem>) {
    if expected.entries.is_empty() && !told.is_empty() {
        let found: Vec<_> = told.iter().map(|(who, text)| format!("{who}: {text}")).collect();
        problems.push(Problem::new("messages to people", "none", found.join("\n")));
    }
    for (who, test) in expected.iter() {
        let texts: Vec<&str> = told.iter().filter(|(w, _)| &**w == who).map(|(_, text)| text.as_str()).collect();
        if !texts.iter().any(|text| test.holds(text)) {
            problems.push(Problem::new(format!("message to {who}"), test.words(), nothing_if_empty(&texts.join("\n"))));
        }
    }
}

fn labels(expected: &Preview, plan: Option<&Plan>, problems: &mut Vec<Problem>) {
    let Some(plan) = plan else {
        problems.push(Problem::new("preview", "labels of its steps", "there is no preview"));
        return;
    };
    let steps: Vec<_> = plan.items.iter().flat_map(|item| &item.steps).collect();
    if expected.exact.is_some() {
        let odd = steps.iter().filter(|s| !matches!(s.label, Label::Exact | Label::Read));
        let odd: Vec<_> = odd.map(|s| format!("{}: {}", s.path, s.label.words())).collect();
        if !odd.is_empty() {
            problems.push(Problem::new("preview", "every step exact", odd.join("\n")));
        }
    }
    for (name, label) in expected.labels.iter() {
        let found = steps.iter().find(|s| &*s.path == name || s.path.rsplit('/').next() == Some(name));
        let found = found.map_or_else(|| "there is no such step in the preview".to_owned(), |s| s.label.words());
        if found != label.as_str() {
            problems.push(Problem::new(format!("label of step `{name}`"), label.as_str(), found));
        }
    }
}

/// `register.trainees id 1` as test files write it: `register.trainees.1`. Paths of facts stay as they are.
fn place(subject: &str) -> String {
    match subject.split_once(' ') {
        Some((table, key)) => {
            let values: Vec<_> =
                key.split(", ").map(|part| part.split_once(' ').map_or(part, |(_, value)| value)).collect();
            format!("{table}.{}", values.join("/"))
        }
        None => subject.to_owned(),
    }
}

fn drifted(expected: &Named<Vec<Word>>, found: &[Difference], problems: &mut Vec<Problem>) {
    let mut by_place: IndexMap<String, BTreeSet<&str>> = IndexMap::new();
    for difference in found {
        let columns = difference.column.split(", ").filter(|c| !c.is_empty());
        by_place.entry(place(&difference.subject)).or_default().extend(columns);
    }
    let shown = |columns: &BTreeSet<&str>| columns.iter().copied().collect::<Vec<_>>().join(", ");
    for (name, columns) in expected.iter() {
        let wanted: BTreeSet<&str> = columns.iter().map(Word::as_str).collect();
        match by_place.get(name) {
            None => {
                let found: Vec<_> =
                    by_place.iter().map(|(place, columns)| format!("{place}: {}", shown(columns))).collect();
                problems.push(Problem::new(
                    format!("drift of {name}"),
                    shown(&wanted),
                    nothing_if_empty(&found.join("\n")),
                ));
            }
            Some(columns) if *columns != wanted => {
                problems.push(Problem::new(format!("drift of {name}"), shown(&wanted), shown(columns)))
            }
            Some(_) => {}
        }
    }
    for (place, columns) in by_place.iter().filter(|(place, _)| expected.get(place).is_none()) {
        problems.push(Problem::new(format!("drift of {place}"), "none", nothing_if_empty(&shown(columns))));
    }
}

/// `register.trainees.1.progress`, `register.trainees.1`, `register.trainees`.
fn unchanged(name: &str, before: &Snapshot, rows: &[RowChange], problems: &mut Vec<Problem>) {
    let below = |table: &TableName| {
        let text = table.to_string();
        name.strip_prefix(&text)
            .and_then(|rest| if rest.is_empty() { Some("") } else { rest.strip_prefix('.') })
            .map(str::to_owned)
    };
    let Some((table, rest)) =
        before.tables.keys().filter_map(|t| Some((t, below(t)?))).max_by_key(|(t, _)| t.table.len())
    else {
        problems.push(Problem::new(
            format!("unchanged: {name}"),
            "`connection.table.key.column` of a table that is there",
            "there is no such table",
        ));
        return;
    };
    let (key, column) = rest.split_once('.').map_or((rest.as_str(), None), |(key, column)| (key, Some(column)));
    if !key.is_empty() && before.tables.get(table).is_some_and(|shot| !shot.rows.contains_key(key)) {
        problems.push(Problem::new(
            format!("unchanged: {name}"),
            "a row that is there at the start",
            "there is no such row",
        ));
        return;
    }
    let same = |change: &&RowChange| {
        change.table == *table && (key.is_empty() || row_name(change) == format!("{table} {key}"))
    };
    for change in rows.iter().filter(same) {
        for (changed, old, new) in
            differing(change).into_iter().filter(|(c, ..)| column.is_none_or(|wanted| &**c == wanted))
        {
            problems.push(Problem::new(
                format!("{}, column {changed}", row_name(change)),
                format!("unchanged: {}", old.shown()),
                new.shown(),
            ));
        }
    }
}

/// Each expected job takes the first found one that fits; what is left over on either side is a problem.
fn waiting(expected: &Named<Vec<Named<ValueTest>>>, after: &Snapshot, problems: &mut Vec<Problem>) {
    for (name, tests) in expected.iter() {
        let Some((_, shot)) = after.tables.iter().find(|(table, _)| table.to_string() == name) else {
            let expected = "`connection.table` of background jobs: queued, scheduled, retrying, dead";
            problems.push(Problem::new(format!("jobs: {name}"), expected, "there is no such table"));
            continue;
        };
        let mut free: Vec<&Map> = shot.rows.values().collect();
        for test in tests {
            let fits = |row: &Map| test.iter().all(|(column, test)| row.get(column).is_some_and(|v| plainly(test, v)));
            match free.iter().position(|row| fits(row)) {
                Some(index) => drop(free.remove(index)),
                None => {
                    let wanted: Vec<_> = test.iter().map(|(c, test)| format!("{c}: {}", test_words(test))).collect();
                    let there: Vec<_> = shot.rows.values().map(job_words).collect();
                    let found = if there.is_empty() { "no job waits there".to_owned() } else { there.join("\n") };
                    problems.push(Problem::new(format!("a job in {name}"), wanted.join("\n"), found));
                }
            }
        }
        for row in free {
            problems.push(Problem::new(format!("a job in {name}"), "none besides", job_words(row)));
        }
    }
}

fn job_words(row: &Map) -> String {
    let part = |name: &str| row.get(name).map_or("?".into(), Value::bare);
    format!("{}: {} {}", part("jid"), part("job"), row.get("args").map_or(String::new(), json::text_of))
}

/// The tables, to read expected values as their columns hold them.
struct Held<'a> {
    before: &'a Snapshot,
    after: &'a Snapshot,
    project: &'a Project,
}

impl Held<'_> {
    fn changes(&self, expected: &Changes, rows: &[RowChange], problems: &mut Vec<Problem>) {
        let none = TableChanges::default();
        let named = match expected {
            Changes::None => &Named::default(),
            Changes::Tables(tables) => tables,
        };
        for (name, _) in named.iter() {
            if !self.before.tables.keys().any(|t| t.to_string() == name) && !self.is_resource(name) {
                problems.push(Problem::new(
                    format!("changes: {name}"),
                    "a table that is there",
                    "there is no such table",
                ));
            }
        }
        let named_resources = named.names().filter(|name| self.is_resource(name)).filter_map(TableName::parse);
        let behind_apis = rows.iter().map(|row| row.table.clone()).chain(named_resources);
        let tables: BTreeSet<TableName> = self.after.tables.keys().cloned().chain(behind_apis).collect();
        for table in &tables {
            let found: Vec<&RowChange> = rows.iter().filter(|r| r.table == *table).collect();
            self.table(table, named.get(&table.to_string()).unwrap_or(&none), &found, problems);
        }
    }

    /// `api.kind` of the project file.
    fn is_resource(&self, name: &str) -> bool {
        let table = TableName::parse(name);
        table.is_some_and(|t| self.project.resources.get(&t.table).is_some_and(|kind| kind.api.text == t.connection))
    }

    fn table(&self, table: &TableName, expected: &TableChanges, found: &[&RowChange], problems: &mut Vec<Problem>) {
        let (new, old): (Vec<&RowChange>, Vec<&RowChange>) = found.iter().partition(|c| c.deed() == Deed::Insert);
        for (key, test) in &expected.rows {
            let name = format!("{table} {}", key.as_str());
            match (old.iter().find(|c| row_name(c) == name), test) {
                (None, _) => problems.push(Problem::new(name, "a change", "no change")),
                (Some(change), RowTest::Deleted) if change.after.is_some() => {
                    problems.push(Problem::new(name, "deleted", self.told(change)))
                }
                (Some(_), RowTest::Deleted) => {}
                (Some(change), RowTest::Columns(_)) if change.after.is_none() => {
                    problems.push(Problem::new(name, "a change", "deleted"))
                }
                (Some(change), RowTest::Columns(columns)) => self.columns(change, columns, problems),
            }
        }
        for change in old
            .iter()
            .filter(|c| !expected.rows.iter().any(|(key, _)| row_name(c) == format!("{table} {}", key.as_str())))
        {
            problems.push(Problem::new(row_name(change), "no change", self.told(change)));
        }
        self.new_rows(table, &expected.new, &new, problems);
    }

    /// Each expected row takes the first found one that fits; what is left over on either side is a problem.
    fn new_rows(
        &self,
        table: &TableName,
        expected: &[Named<ValueTest>],
        found: &[&RowChange],
        problems: &mut Vec<Problem>,
    ) {
        let mut free: Vec<&RowChange> = found.to_vec();
        let mut missing = Vec::new();
        for test in expected {
            match free.iter().position(|change| self.misfits(change, test).is_empty()) {
                Some(index) => drop(free.remove(index)),
                None => missing.push(test),
            }
        }
        for test in missing {
            let wanted: Vec<_> = test.iter().map(|(column, test)| format!("{column}: {}", test_words(test))).collect();
            // The nearest one left over says more than "there is none".
            let nearest = (0..free.len()).min_by_key(|i| self.misfits(free[*i], test).len());
            let found = match nearest {
                Some(index) => self.misfits(free.remove(index), test).join("\n"),
                None => "no such row".to_owned(),
            };
            problems.push(Problem::new(format!("a new row of {table}"), wanted.join("\n"), found));
        }
        for change in free {
            problems.push(Problem::new(format!("a new row of {table}"), "none", self.told(change)));
        }
    }

    /// The columns of a new row that are not as expected.
    fn misfits(&self, change: &RowChange, expected: &Named<ValueTest>) -> Vec<String> {
        let row = change.after.clone().unwrap_or_default();
        let mut found = Vec::new();
        for (column, test) in expected.iter() {
            match row.get(column) {
                None => found.push(format!("there is no column `{column}`")),
                Some(value) if self.holds(&change.table, column, test, value) => {}
                Some(value) => found.push(format!("{column}: {}", self.shown(&change.table, column, value))),
            }
        }
        found
    }

    fn columns(&self, change: &RowChange, expected: &Named<ColumnTest>, problems: &mut Vec<Problem>) {
        let found = differing(change);
        let name = |column: &str| format!("{}, column {column}", row_name(change));
        for (column, test) in expected.iter() {
            let Some((_, old, new)) = found.iter().find(|(c, ..)| &**c == column) else {
                problems.push(Problem::new(name(column), "a change", "no change"));
                continue;
            };
            match test {
                ColumnTest::Any(_) => {}
                ColumnTest::Pair(was, is, _) => {
                    if !self.holds(&change.table, column, was, old) || !self.holds(&change.table, column, is, new) {
                        let expected = format!("{} → {}", test_words(was), test_words(is));
                        problems.push(Problem::new(name(column), expected, self.pair(&change.table, column, old, new)));
                    }
                }
                ColumnTest::Keys(keys) => document(&name(column), keys, old, new, problems),
            }
        }
        for (column, old, new) in found.iter().filter(|(c, ..)| expected.get(c).is_none()) {
            problems.push(Problem::new(name(column), "no change", self.pair(&change.table, column, old, new)));
        }
    }

    /// Expected values are read as the column holds them; enum columns by name.
    fn holds(&self, table: &TableName, column: &str, test: &ValueTest, found: &Value) -> bool {
        match test {
            ValueTest::Any => true,
            ValueTest::Is(wanted) => {
                let stored = self.project.facts(table).map_or(Ok(wanted.clone()), |f| f.stored(column, wanted.clone()));
                let Ok(stored) = stored else { return false };
                let kind =
                    self.after.tables.get(table).and_then(|shot| shot.columns.column(column)).map(|c| c.kind.clone());
                kind.map_or(stored.clone(), |kind| kind.coerce(stored)) == *found
            }
            ValueTest::Contains(part) => contains(found, part),
        }
    }

    fn shown(&self, table: &TableName, column: &str, value: &Value) -> String {
        self.project.facts(table).map_or(value.clone(), |f| f.named(column, value.clone())).shown()
    }

    fn pair(&self, table: &TableName, column: &str, old: &Value, new: &Value) -> String {
        format!("{} → {}", self.shown(table, column, old), self.shown(table, column, new))
    }

    /// A change in words, for one that nobody expected.
    fn told(&self, change: &RowChange) -> String {
        let columns = || differing(change).into_iter();
        match change.deed() {
            Deed::Delete => "deleted".to_owned(),
            Deed::Insert => {
                let values: Vec<_> =
                    columns().map(|(c, _, new)| format!("{c}: {}", self.shown(&change.table, &c, &new))).collect();
                format!("inserted\n{}", values.join("\n"))
            }
            Deed::Update | Deed::Nothing => {
                let values: Vec<_> = columns()
                    .map(|(c, old, new)| format!("{c}: {}", self.pair(&change.table, &c, &old, &new)))
                    .collect();
                values.join("\n")
            }
        }
    }
}

/// Exactly these keys of a document change.
fn document(name: &str, expected: &Named<ColumnTest>, old: &Value, new: &Value, problems: &mut Vec<Problem>) {
    let empty = Map::default();
    let (before, after) = (old.as_map().unwrap_or(&empty), new.as_map().unwrap_or(&empty));
    let value = |map: &Map, key: &str| map.get(key).cloned().unwrap_or(Value::NULL);
    let keys: BTreeSet<&str> = before.keys().chain(after.keys()).map(|k| &**k).chain(expected.names()).collect();
    for key in keys {
        let (was, is) = (value(before, key), value(after, key));
        let shown = format!("{} → {}", json::text_of(&was), json::text_of(&is));
        let name = format!("{name}, key {key}");
        match expected.get(key) {
            None if was != is => problems.push(Problem::new(name, "no change", shown)),
            None => {}
            Some(_) if was == is => problems.push(Problem::new(name, "a change", "no change")),
            Some(ColumnTest::Any(_)) => {}
            Some(ColumnTest::Keys(inner)) => document(&name, inner, &was, &is, problems),
            Some(ColumnTest::Pair(a, b, _)) if plainly(a, &was) && plainly(b, &is) => {}
            Some(ColumnTest::Pair(a, b, _)) => {
                problems.push(Problem::new(name, format!("{} → {}", test_words(a), test_words(b)), shown));
            }
        }
    }
}

fn plainly(test: &ValueTest, found: &Value) -> bool {
    match test {
        ValueTest::Any => true,
        ValueTest::Is(value) => value == found,
        ValueTest::Contains(part) => contains(found, part),
    }
}

/// A text with this part; a document with these entries, whatever else it has; a list with these elements.
fn contains(found: &Value, part: &Value) -> bool {
    match (found.as_map(), part.as_map()) {
        (Some(found), Some(part)) => {
            part.iter().all(|(key, value)| found.get(key).is_some_and(|f| f == value || contains(f, value)))
        }
        _ => match (found.as_str(), part.as_str()) {
            (Some(found), Some(part)) => found.contains(part),
            _ => found == part,
        },
    }
}

fn test_words(test: &ValueTest) -> String {
    match test {
        ValueTest::Any => "anything".into(),
        ValueTest::Is(value) => value.shown(),
        ValueTest::Contains(part) => format!("something with {}", part.shown()),
    }
}
