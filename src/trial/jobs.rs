//! Background jobs in a case: given ones as the texts that Sidekiq would hold, and the four tables as rows of a snapshot, so that
//! a job that nobody expected to move cannot hide.

use super::{
    model::GivenRow,
    report::Problem,
    snapshot::{Shot, Snapshot},
};
use crate::{
    base::{
        json,
        shape::{Length, Named},
        time::{self, Stamp},
        value::{Data, Map, Value},
    },
    connection::{
        fault::Fault,
        sidekiq::{
            Jobs, Place, SidekiqSettings,
            arguments::Reader,
            columns,
            payload::{Wanted, seconds},
            settings::{Retries, TABLES},
        },
    },
    effect::change::TableName,
    mock::redis::Store,
};
use indexmap::IndexMap;
use std::{collections::HashMap, sync::Arc};

const JOB: [&str; 19] = [
    "jid",
    "job",
    "job_id",
    "queue",
    "args",
    "keywords",
    "subject",
    "retries",
    "retry_count",
    "error",
    "error_class",
    "error_status",
    "failed_at",
    "retried_at",
    "died_at",
    "at",
    "enqueued_at",
    "created_at",
    "payload",
];

struct Given<'a> {
    table: &'a str,
    row: &'a Map,
    settings: &'a SidekiqSettings,
    clock: Stamp,
}

/// What is there at the start.
pub fn start(
    name: &str,
    rows: &IndexMap<Arc<str>, Vec<GivenRow>>,
    settings: &SidekiqSettings,
    clock: Stamp,
) -> Result<Store, Problem> {
    numbered(name, rows, settings, clock, 0)
}

/// Jobs that without ids of their own would have those of the start are counted from here on.
const LATER: usize = 0x1000;

/// What comes later, by the hand of somebody else.
pub fn later(
    name: &str,
    rows: &Named<Vec<GivenRow>>,
    settings: &SidekiqSettings,
    clock: Stamp,
) -> Result<Store, Problem> {
    let rows = rows.iter().map(|(table, rows)| (table.into(), rows.clone())).collect();
    numbered(name, &rows, settings, clock, LATER)
}

fn numbered(
    name: &str,
    rows: &IndexMap<Arc<str>, Vec<GivenRow>>,
    settings: &SidekiqSettings,
    clock: Stamp,
    first: usize,
) -> Result<Store, Problem> {
    let mut store = Store::default();
    let namespace = settings.namespace.as_ref().map_or(String::new(), |word| format!("{}:", word.as_str()));
    for (table, rows) in rows {
        for (index, row) in rows.iter().enumerate() {
            let given = Given { table, row: &row.columns, settings, clock };
            let odd = |found: String| Problem::new(format!("given: a row of {name}.{table}"), "a job", found);
            let (text, queue, score) = given.job(first + index).map_err(odd)?;
            match Place::of(table).and_then(Place::key) {
                Some(set) => store.add(&format!("{namespace}{set}"), score, text.as_bytes()),
                None => {
                    store.push(&format!("{namespace}queue:{queue}"), text.as_bytes());
                    store.name(&format!("{namespace}queues"), queue.as_bytes());
                }
            }
        }
    }
    Ok(store)
}

impl Given<'_> {
    fn text(&self, name: &str) -> Option<&str> {
        self.row.get(name).and_then(Value::as_str)
    }

    /// `2025-07-23T10:00:00Z`, or `-2h` from the clock of the test.
    fn moment(&self, name: &str) -> Result<Option<Stamp>, String> {
        let Some(value) = self.row.get(name).filter(|value| !value.is_null()) else { return Ok(None) };
        let text = value.bare();
        if let Ok(stamp) = time::instant(&text) {
            return Ok(Some(stamp));
        }
        let (back, length) = match text.strip_prefix('-') {
            Some(rest) => (true, rest),
            None => (false, text.trim_start_matches('+')),
        };
        let length: Length = length.parse().map_err(|()| {
            format!("`{name}` is a moment (2025-07-23T10:00:00Z) or a length from the clock (-2h), not `{text}`")
        })?;
        let micros = i64::try_from(length.0.as_micros()).unwrap_or(i64::MAX);
        let micros = if back { -micros } else { micros };
        Ok(Some(Stamp { micros: self.clock.micros.saturating_add(micros), digits: 6 }))
    }

    fn known(&self, words: &[&str]) -> Result<(), String> {
        match self.row.keys().find(|key| !words.contains(&&***key)) {
            None => Ok(()),
            Some(odd) => {
                let help = crate::base::suggest::help(odd, words.iter().copied()).unwrap_or_default();
                Err(format!("there is no `{odd}`; {help}"))
            }
        }
    }

    /// The text, its queue, and its score.
    fn job(&self, index: usize) -> Result<(String, String, f64), String> {
        self.known(&JOB)?;
        let facts = self.text("job").and_then(|job| self.settings.jobs.get(job));
        let usual = facts.and_then(|facts| facts.queue.as_ref()).map_or("default", |word| word.as_str());
        let queue = self.text("queue").unwrap_or(usual).to_owned();
        let number = |stamp: Stamp| stamp.micros as f64 / 1e6;
        let (at, failed) = (self.moment("at")?, self.moment("failed_at")?);
        let died = self.moment("died_at")?.or(failed).unwrap_or(self.clock);
        let score = match Place::of(self.table) {
            Some(Place::Dead) => number(died),
            _ => number(at.unwrap_or(self.clock)),
        };
        if let Some(text) = self.text("payload") {
            return Ok((text.to_owned(), queue, score));
        }
        let job = self.text("job").ok_or("a job needs its class: `job: Dqt::UpdateTraineeJob`")?;
        let mut args = match self.row.get("args") {
            None => Vec::new(),
            Some(args) => args.as_list().ok_or("`args` is a list")?.to_vec(),
        };
        if let Some(subject) = self.row.get("subject") {
            args.insert(0, Value::map([("record", subject.clone())]));
        }
        let keywords = self.row.get("keywords").and_then(|k| k.as_map().cloned()).unwrap_or_default();
        let reader = Reader { app: self.settings.app.as_ref().map(|word| word.as_str()), rails: self.settings.rails() };
        let jid = self.text("jid").map_or_else(|| format!("{:024x}", index + 1), str::to_owned);
        let job_id =
            self.text("job_id").map_or_else(|| format!("00000000-0000-7000-8000-{:012x}", index + 1), str::to_owned);
        let retries = match self.row.get("retries") {
            None => facts.and_then(|facts| facts.retries).unwrap_or(Retries::Usual),
            Some(value) => match (value.as_bool(), value.as_int()) {
                (Some(true), _) => Retries::Usual,
                (Some(false), _) => Retries::Never,
                (_, Some(n)) => Retries::Times(u32::try_from(n).unwrap_or(0)),
                _ => return Err("`retries` is `true`, `false` or a number".into()),
            },
        };
        let made = self.moment("created_at")?.or(self.moment("enqueued_at")?).or(failed).unwrap_or(self.clock);
        let wanted = Wanted {
            job: job.into(),
            queue: queue.as_str().into(),
            arguments: reader.list(&args, &keywords)?,
            retries,
            at: at.filter(|_| self.table == Place::Scheduled.word()),
            jid: jid.as_str().into(),
            job_id: job_id.as_str().into(),
        };
        let mut payload = wanted.payload(self.settings.rails(), made);
        self.failure(&mut payload, failed)?;
        if let Some(enqueued) = self.moment("enqueued_at")? {
            payload.insert("enqueued_at".into(), decimal(enqueued));
        }
        Ok((json::text_of(&payload.into()), queue, score))
    }

    /// What Sidekiq writes into a job that failed.
    fn failure(&self, payload: &mut Map, failed: Option<Stamp>) -> Result<(), String> {
        let error = self.row.get("error").and_then(|error| error.as_map().cloned()).unwrap_or_default();
        let of = |name: &str| error.get(name).or_else(|| self.row.get(&format!("error_{name}"))).cloned();
        let has = !error.is_empty() || ["error_class", "error_status"].iter().any(|name| self.row.contains_key(name));
        if !has && failed.is_none() && self.table != Place::Dead.word() && self.table != Place::Retrying.word() {
            return Ok(());
        }
        let text = match (of("text"), &self.settings.error_format) {
            (Some(text), _) => text.bare().into_owned(),
            (None, Some(format)) => format.write(&|name| of(name)),
            (None, None) => String::new(),
        };
        let class = of("class").map_or("StandardError".to_owned(), |class| class.bare().into_owned());
        payload.insert("error_message".into(), Value::text(text));
        payload.insert("error_class".into(), Value::text(class));
        payload.insert("failed_at".into(), decimal(failed.unwrap_or(self.clock)));
        payload.insert("retry_count".into(), self.row.get("retry_count").cloned().unwrap_or_else(|| 0.into()));
        if let Some(retried) = self.moment("retried_at")? {
            payload.insert("retried_at".into(), decimal(retried));
        }
        Ok(())
    }
}

fn decimal(stamp: Stamp) -> Value {
    seconds(stamp).parse().map_or(Value::NULL, |number| Value::from(Data::Decimal(number)))
}

/// Columns that say the same as others, or that move with the clock.
const LEFT_OUT: [&str; 8] =
    ["payload", "payload_hash", "set", "enqueued_at", "created_at", "job_id", "executions", "at"];

/// Adds the four tables of each Sidekiq connection.
pub async fn add(snapshot: &mut Snapshot, all: &HashMap<Arc<str>, Jobs>) -> Result<(), Fault> {
    for (connection, jobs) in all {
        for table in TABLES {
            let Some(place) = Place::of(table) else { continue };
            let found = jobs.find(place, &[], &[], usize::MAX).await?;
            let mut rows = IndexMap::new();
            for (index, job) in found.jobs.iter().enumerate() {
                let key =
                    job.jid().map_or_else(|| format!("a text that is no job, number {}", index + 1), str::to_owned);
                let mut row = job.row.clone();
                row.retain(|column, _| !LEFT_OUT.contains(&&**column));
                rows.insert(key, row);
            }
            let table = TableName { connection: connection.clone(), table: table.into() };
            let shot = Shot { key: vec!["jid".into()], columns: columns::table().clone(), rows };
            snapshot.tables.insert(table, shot);
        }
    }
    snapshot.tables.sort_keys();
    Ok(())
}
