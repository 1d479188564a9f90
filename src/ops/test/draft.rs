//! `--record`: a first test of a playbook, from a run of it. What the run read becomes `given`, what it changed becomes
//! `expect`; the author reads it, gives the case a name, and adds the others.

use crate::{
    action::kinds::Act,
    base::{
        identity::SINGLE_ITEM,
        json,
        value::{Data, Map, Value},
    },
    connection::reference::Setting,
    effect::change::{Deed, RowChange, TableName},
    engine::state::{ItemState, RunState},
    ops::{Failure, Surroundings, project::Opened, record},
    playbook::{model::Playbook, project::Project},
    trial::snapshot::differing,
};
use indexmap::IndexMap;
use std::{path::PathBuf, sync::Arc};

/// A test file that was written.
#[derive(Clone, Debug)]
pub struct Draft {
    /// The file, as a person would write it from here.
    pub file: PathBuf,
    /// What the author has to add by hand.
    pub notes: Vec<String>,
}

/// Writes the test of a run's playbook beside it.
pub async fn draft(surroundings: &Surroundings, opened: &Opened, run: &str) -> Result<Draft, Failure> {
    let record = record::open(surroundings, opened).await?;
    let run = record.journal.find_run(run).await?;
    let state = record.state(run).await?;
    record.journal.close().await?;
    let Some(created) = &state.created else {
        return Err(Failure::usage(format!("run {} has no beginning in the journal", run.short())));
    };
    if &*created.purpose != "apply" {
        return Err(Failure::usage(format!("run {} takes another one back; record the run that did it", run.short())));
    }
    let environment = opened.project.environments.get(&created.environment);
    if environment.is_some_and(|environment| environment.protected == Some(true)) {
        let message = format!("run {} was made in the protected environment `{}`", run.short(), created.environment);
        return Err(Failure::usage(message)
            .help("a test file holds rows in clear; record a run of a sandbox, with invented people"));
    }
    let Some(item) = state.items.get(SINGLE_ITEM) else {
        return Err(Failure::usage(format!("run {} has many items", run.short()))
            .help("only the run of a single record can be recorded"));
    };
    let folder = opened.playbooks();
    let file = [".test.yaml", ".recorded.test.yaml"]
        .map(|end| folder.join(format!("{}{end}", created.playbook)))
        .into_iter()
        .find(|path| !path.exists());
    let Some(file) = file else {
        return Err(Failure::usage(format!("`{}.recorded.test.yaml` is there already", created.playbook))
            .help("move its case into the test file, or take it away"));
    };
    let loaded = crate::ops::playbook::load(surroundings, opened, &created.playbook)?;
    let mut writer = Writer {
        project: &opened.project,
        playbook: loaded.checked.playbook(),
        environment: &created.environment,
        notes: Vec::new(),
    };
    let text = writer.text(&state, item);
    let failed = |e: std::io::Error| Failure::usage(format!("`{}` cannot be written: {e}", file.display()));
    if let Some(parent) = file.parent() {
        std::fs::create_dir_all(parent).map_err(failed)?;
    }
    std::fs::write(&file, text).map_err(failed)?;
    let shown = super::files::from_here(&file, &surroundings.folder);
    Ok(Draft { file: shown, notes: writer.notes })
}

struct Writer<'a> {
    project: &'a Project,
    playbook: &'a Playbook,
    environment: &'a str,
    notes: Vec<String>,
}

type Rows = IndexMap<TableName, IndexMap<String, Map>>;

impl Writer<'_> {
    fn text(&mut self, state: &RunState, item: &ItemState) -> String {
        let mut out = String::from("trueup: v1\n");
        let Some(created) = &state.created else { return out };
        let quoted = |text: &str| json::text_of(&Value::text(text));
        out.push_str(&format!(
            "playbook: {}\nclock: {}\n",
            created.playbook,
            json::text_of(&Data::Instant(created.now).into()).trim_matches('"')
        ));
        out.push_str(&format!(
            "run: {{ actor: {}, reason: {}, environment: {} }}\n",
            quoted(&created.actor),
            quoted(&created.reason),
            created.environment
        ));
        let end = state.end();
        out.push_str(&format!(
            "cases:\n  - name: {}\n",
            quoted(&format!("{}, as recorded", self.playbook.title.as_str()))
        ));
        out.push_str(&format!("    params: {}\n", json::text_of(&created.params.clone().into())));
        self.given(item, &mut out);
        self.answers(item, &mut out);
        out.push_str(&format!("    expect:\n      outcome: {}\n", end.word()));
        let mut changes = String::new();
        self.changes(item, &mut changes);
        let also: std::collections::BTreeSet<&str> =
            item.steps.values().flat_map(|step| &step.also).map(|table| &**table).collect();
        if also.is_empty() {
            out.push_str(&changes);
        } else {
            // `changes` is the whole truth, and of these only the numbers are on record.
            let tables: Vec<&str> = also.into_iter().collect();
            self.note(format!(
                "triggers touched {}: add their rows to `changes`, which is left as a comment",
                tables.join(", ")
            ));
            changes.lines().for_each(|line| out.push_str(&format!("      # {}\n", line.trim_start_matches("      "))));
        }
        out
    }

    /// What the run read, and what the rows that it changed were before.
    fn given(&mut self, item: &ItemState, out: &mut String) {
        let (mut rows, mut routes): (Rows, IndexMap<String, Vec<String>>) = Default::default();
        for (path, step) in &item.steps {
            let Some(declared) = super::torture::step_of(self.playbook, path) else { continue };
            let Some(value) = step.result() else { continue };
            match &declared.act {
                Act::Find(find) => {
                    let Some(table) = TableName::parse(find.table.as_str()) else { continue };
                    let jobs = self.project.connections.get(&table.connection).is_some_and(|c| c.sidekiq.is_some());
                    if jobs {
                        self.note(format!("jobs of {table}: write them under `given`"));
                        continue;
                    }
                    let found: Vec<Map> = match (value.as_map(), value.as_list()) {
                        (Some(row), _) => vec![row.clone()],
                        (_, Some(list)) => list.iter().filter_map(|row| row.as_map().cloned()).collect(),
                        _ => Vec::new(),
                    };
                    found.into_iter().for_each(|row| self.keep(&mut rows, &table, row));
                }
                Act::Query(_) => self
                    .note(format!("step `{path}` reads by SQL: the rows that it needs are to be added under `given`")),
                Act::Http(http) => match (step.shown.as_deref(), value.get("status")) {
                    (Some(shown), Some(status)) => {
                        let route = self.route(http.api.as_str(), shown, &status, value);
                        routes.entry(http.api.as_str().to_owned()).or_default().extend(route);
                    }
                    _ => self.note(format!(
                        "step `{path}` calls `{}`: its answer is to be added under `given`",
                        http.api.as_str()
                    )),
                },
                _ => {}
            }
            for change in step.changes.iter().filter(|change| !change.by_rule) {
                if let Some(before) = &change.before {
                    self.keep(&mut rows, &change.table, before.clone());
                }
            }
        }
        if rows.is_empty() && routes.is_empty() {
            return;
        }
        out.push_str("    given:\n");
        let connections: Vec<Arc<str>> = rows.keys().map(|table| table.connection.clone()).collect();
        let mut seen: Vec<Arc<str>> = Vec::new();
        for connection in connections {
            if seen.contains(&connection) {
                continue;
            }
            out.push_str(&format!("      {connection}:\n"));
            for (table, rows) in rows.iter().filter(|(table, _)| table.connection == connection) {
                out.push_str(&format!("        {}:\n", table.table));
                for row in rows.values() {
                    out.push_str(&format!("          - {}\n", self.row(table, row)));
                }
            }
            seen.push(connection);
        }
        for (api, routes) in routes {
            out.push_str(&format!("      {api}:\n"));
            routes.iter().for_each(|route| out.push_str(&format!("        - {route}\n")));
        }
    }

    fn note(&mut self, note: String) {
        if !self.notes.contains(&note) {
            self.notes.push(note);
        }
    }

    /// The first that was seen of a row is how it was at the start.
    fn keep(&self, rows: &mut Rows, table: &TableName, row: Map) {
        let columns = self.key(table);
        let key =
            columns.iter().map(|c| row.get(c).map_or(String::new(), |v| v.bare().into_owned())).collect::<Vec<_>>();
        rows.entry(table.clone()).or_default().entry(key.join("/")).or_insert(row);
    }

    fn key(&self, table: &TableName) -> Vec<Arc<str>> {
        self.project.facts(table).map_or_else(|| vec![Arc::from("id")], crate::table::facts::Facts::key_columns)
    }

    /// Without nulls: a column that is left out is null.
    fn row(&self, table: &TableName, row: &Map) -> String {
        let named = |column: &Arc<str>, value: &Value| match self.project.facts(table) {
            Some(facts) => facts.named(column, value.clone()),
            None => value.clone(),
        };
        let kept: Map =
            row.iter().filter(|(_, value)| !value.is_null()).map(|(c, value)| (c.clone(), named(c, value))).collect();
        json::text_of(&kept.into())
    }

    /// `GET https://dqt.example/v2/teachers/1 → 200` as a route that gives the same answer.
    fn route(&mut self, api: &str, shown: &str, status: &Value, value: &Value) -> Option<String> {
        let mut words = shown.split_whitespace();
        let (method, address) = (words.next()?.to_ascii_lowercase(), words.next()?);
        let path = url::Url::parse(address).map_or_else(|_| address.to_owned(), |url| url.path().to_owned());
        let path = path.split('?').next().unwrap_or_default().to_owned();
        let settings = self.project.connections.get(api).and_then(|connection| connection.http_in(self.environment));
        let base = match settings.map(|http| &http.base) {
            Some(Setting::Plain(word)) => url::Url::parse(word.as_str()).ok(),
            _ => None,
        };
        let base = base.map(|url| url.path().trim_end_matches('/').to_owned());
        let path = base.and_then(|base| path.strip_prefix(&base).map(str::to_owned)).unwrap_or(path);
        if path.contains(['…', '*', '<']) || !path.starts_with('/') {
            self.note(format!(
                "a call of `{api}` has a personal part in its path: its route is to be added under `given`"
            ));
            return None;
        }
        let body = value.get("body").filter(|body| !body.is_null());
        let body = body.map_or(String::new(), |body| format!(", json: {}", json::text_of(&body)));
        Some(format!("{{ {method}: {path}, answers: [{{ status: {}{body} }}], last: repeats }}", status.bare()))
    }

    fn answers(&self, item: &ItemState, out: &mut String) {
        let answered = item.steps.iter().filter_map(|(path, step)| Some((path, step.answered()?)));
        let mut lines = answered.map(|(path, decided)| {
            let values = decided.values.clone();
            format!("      {}: {}\n", path.rsplit('/').next().unwrap_or(path), json::text_of(&values.into()))
        });
        if let Some(first) = lines.next() {
            out.push_str("    answers:\n");
            out.push_str(&first);
            lines.for_each(|line| out.push_str(&line));
        }
    }

    fn changes(&self, item: &ItemState, out: &mut String) {
        let mut tables: IndexMap<String, (Vec<String>, Vec<String>)> = IndexMap::new();
        let changes = item.steps.values().filter(|step| step.changed()).flat_map(|step| &step.changes);
        for change in changes.filter(|change| change.deed() != Deed::Nothing) {
            let (old, new) = tables.entry(change.table.to_string()).or_default();
            let key: Vec<_> = change.key.values().map(|value| value.bare().into_owned()).collect();
            match change.deed() {
                Deed::Insert => new.push(self.inserted(change)),
                Deed::Delete => old.push(format!("\"{}\": deleted", key.join("/"))),
                Deed::Update | Deed::Nothing => {
                    old.push(format!("\"{}\": {{ {} }}", key.join("/"), self.updated(change)))
                }
            }
        }
        if tables.is_empty() {
            return out.push_str("      changes: none\n");
        }
        out.push_str("      changes:\n");
        for (table, (old, new)) in tables {
            out.push_str(&format!("        {table}:\n"));
            old.iter().for_each(|row| out.push_str(&format!("          {row}\n")));
            if !new.is_empty() {
                out.push_str("          new:\n");
                new.iter().for_each(|row| out.push_str(&format!("            - {row}\n")));
            }
        }
    }

    fn updated(&self, change: &RowChange) -> String {
        let facts = self.project.facts(&change.table);
        let stamp = facts.and_then(|facts| facts.stamp());
        let word = |column: &str, value: Value| {
            json::text_of(&facts.map_or(value.clone(), |facts| facts.named(column, value)))
        };
        let columns = differing(change).into_iter().map(|(column, was, is)| {
            if stamp == Some(&*column) || change.stamps.contains(&column) {
                format!("{column}: any")
            } else {
                format!("{column}: [{}, {}]", word(&column, was), word(&column, is))
            }
        });
        columns.collect::<Vec<_>>().join(", ")
    }

    /// Of a new row only texts and truths: numbers and moments may be the database's own.
    fn inserted(&self, change: &RowChange) -> String {
        let facts = self.project.facts(&change.table);
        let row = change.after.clone().unwrap_or_default();
        let plain = row.iter().filter(|(column, value)| {
            let ids = value.as_str().is_some_and(|text| uuid::Uuid::parse_str(text).is_ok());
            !change.key.contains_key(column) && !ids && matches!(value.data, Data::Text(_) | Data::Bool(_))
        });
        let kept: Map = plain
            .map(|(column, value)| {
                (column.clone(), facts.map_or(value.clone(), |facts| facts.named(column, value.clone())))
            })
            .collect();
        json::text_of(&kept.into())
    }
}
