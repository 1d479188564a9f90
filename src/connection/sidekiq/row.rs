//! A text found in Redis → a row. Whatever the text is: what cannot be told is null.

use super::{
    arguments::{self, Given},
    gid::GlobalId,
    payload::{WRAPPER, WRAPPER_SINCE_7_3},
    settings::SidekiqSettings,
};
use crate::{
    base::{
        json,
        time::Stamp,
        value::{Data, Map, Marks, Value},
    },
    words,
};
use sha2::{Digest, Sha256};
use std::sync::Arc;

words! {
    "a place where jobs wait"
    pub enum Place {
        /// In a queue: a worker takes them as soon as it is free.
        Queued = "queued",
        /// For later.
        Scheduled = "scheduled",
        /// They failed, and Sidekiq will try them again.
        Retrying = "retrying",
        /// They failed for good.
        Dead = "dead",
    }
}

impl Place {
    /// The key of its sorted set; queues have keys of their own.
    pub fn key(self) -> Option<&'static str> {
        match self {
            Place::Queued => None,
            Place::Scheduled => Some("schedule"),
            Place::Retrying => Some("retry"),
            Place::Dead => Some("dead"),
        }
    }
}

/// A job as it was found.
#[derive(Clone, Debug)]
pub struct Job {
    /// Where.
    pub place: Place,
    /// The Redis key, namespace and all.
    pub key: Arc<str>,
    /// Its score, as Redis writes it; nothing in a queue.
    pub score: Option<Arc<str>>,
    /// Its text, byte for byte.
    pub raw: Arc<[u8]>,
    /// The text as a document; nothing when it is none.
    pub payload: Option<Map>,
    /// Its columns, those about people marked.
    pub row: Map,
    /// Class and arguments, as one name: equal jobs have equal ones.
    pub likeness: Option<Arc<str>>,
}

impl Job {
    /// Sidekiq's id.
    pub fn jid(&self) -> Option<&str> {
        self.row.get("jid").and_then(Value::as_str)
    }

    /// A text column; empty when it is not there.
    pub fn text(&self, column: &str) -> Arc<str> {
        self.row.get(column).and_then(Value::as_str).unwrap_or_default().into()
    }

    /// `Dqt::UpdateTraineeJob Trainee/1`, for people.
    pub fn title(&self) -> String {
        let subject = match (self.row.get("subject_type").and_then(Value::as_str), self.row.get("subject_id")) {
            (Some(model), Some(id)) => format!(" {model}/{}", id.bare()),
            _ => String::new(),
        };
        let job = self.text("job");
        format!("{}{subject}", if job.is_empty() { "a text that is no job" } else { &job })
    }
}

/// Longer texts are not taken apart: no job is that large, and one that is must not use up our memory.
const MOST_BYTES: usize = 4 * 1024 * 1024;

/// Reads one. `queue` is the queue that it was found in.
pub fn read(
    place: Place,
    key: &Arc<str>,
    queue: Option<&str>,
    score: Option<&str>,
    raw: Vec<u8>,
    settings: &SidekiqSettings,
) -> Job {
    let text = std::str::from_utf8(&raw).ok().filter(|text| text.len() <= MOST_BYTES);
    let payload = text.and_then(|text| json::parse(text).ok()).and_then(|tree| tree.as_map().cloned());
    let parts = Parts { place, queue, score, settings, payload: payload.as_ref() };
    let hash: String = Sha256::digest(&raw).iter().take(16).map(|b| format!("{b:02x}")).collect();
    let (mut row, likeness) = parts.row();
    let private =
        if settings.is_personal("args") || settings.is_personal("payload") { Marks::PERSONAL } else { Marks::NONE };
    row.insert("payload".into(), text.map_or(Value::NULL, |text| Value::from(text).marked(private)));
    row.insert("payload_hash".into(), hash.into());
    row.insert("set".into(), place.word().into());
    Job { place, key: key.clone(), score: score.map(Arc::from), raw: raw.into(), payload, row, likeness }
}

struct Parts<'a> {
    place: Place,
    queue: Option<&'a str>,
    score: Option<&'a str>,
    settings: &'a SidekiqSettings,
    payload: Option<&'a Map>,
}

impl Parts<'_> {
    fn get(&self, key: &str) -> Option<&Value> {
        self.payload?.get(key)
    }

    fn text(&self, key: &str) -> Value {
        self.get(key).filter(|v| v.as_str().is_some()).cloned().unwrap_or(Value::NULL)
    }

    fn when(&self, key: &str) -> Value {
        self.get(key).map_or(Value::NULL, instant)
    }

    /// ActiveJob's own part: under the wrapper, the one argument.
    fn inner(&self) -> Option<&Map> {
        if !matches!(self.get("class").and_then(Value::as_str), Some(WRAPPER | WRAPPER_SINCE_7_3)) {
            return None;
        }
        self.get("args")?.as_list()?.first()?.as_map()
    }

    fn row(&self) -> (Map, Option<Arc<str>>) {
        let inner = self.inner();
        let job = inner.and_then(|i| i.get("job_class")).filter(|v| v.as_str().is_some()).cloned();
        let wrapped = || if inner.is_some() { self.text("wrapped") } else { self.text("class") };
        let job = job.unwrap_or_else(wrapped);
        let list = match inner {
            Some(inner) => inner.get("arguments"),
            None => self.get("args"),
        };
        let list = list.and_then(Value::as_list).unwrap_or_default();
        let given = if inner.is_some() { arguments::read(list) } else { plain(list) };
        let likeness = job.as_str().map(|job| arguments::likeness(job, &Value::list(list.iter().cloned())));
        let score = self.score.and_then(|score| score.parse::<f64>().ok()).map_or(Value::NULL, of_seconds);
        let (died, at) = match self.place {
            Place::Dead => (score, Value::NULL),
            Place::Queued => (Value::NULL, Value::NULL),
            Place::Scheduled | Place::Retrying => (Value::NULL, score),
        };
        let subject = given.records.first();
        let (class, error) = self.error();
        let status = error
            .get("status")
            .filter(|v| v.as_int().is_some())
            .map_or(Value::NULL, |v| Value { marks: Marks::NONE, ..v });
        let whole =
            |key: &str| inner.and_then(|i| i.get(key)).filter(|v| v.as_int().is_some()).cloned().unwrap_or(Value::NULL);
        let queue = self.queue.map_or_else(|| self.text("queue"), Value::from);
        let records = given.records.iter().map(|id| Value::from(id.record()));
        let row = [
            ("jid", self.text("jid")),
            ("job", job),
            ("queue", queue),
            ("args", Value::list(given.args).marked(self.private("args"))),
            ("keywords", Value::from(given.keywords).marked(self.private("keywords"))),
            ("records", Value::list(records)),
            ("subject_type", subject.map_or(Value::NULL, |id| Value::from(id.model.as_str()))),
            ("subject_id", subject.map_or(Value::NULL, |id| number(&id.id))),
            ("error_class", class),
            ("error_status", status),
            ("error", error),
            ("failed_at", self.when("failed_at")),
            ("retried_at", self.when("retried_at")),
            ("died_at", died),
            ("at", at),
            ("enqueued_at", self.when("enqueued_at")),
            ("created_at", self.when("created_at")),
            ("retries", self.get("retry").cloned().unwrap_or(Value::NULL)),
            ("retry_count", self.get("retry_count").filter(|v| v.as_int().is_some()).cloned().unwrap_or(Value::NULL)),
            ("executions", whole("executions")),
            (
                "job_id",
                inner.and_then(|i| i.get("job_id")).filter(|v| v.as_str().is_some()).cloned().unwrap_or(Value::NULL),
            ),
        ];
        (row.into_iter().map(|(name, value)| (Arc::from(name), value)).collect(), likeness)
    }

    fn private(&self, column: &str) -> Marks {
        if self.settings.is_personal(column) { Marks::PERSONAL } else { Marks::NONE }
    }

    /// Class, and the error as a map, whose parts are null where there was none: an expression may always look.
    fn error(&self) -> (Value, Value) {
        let (class, message) = (self.text("error_class"), self.text("error_message"));
        let private = self.private("error");
        let text = message.as_str().unwrap_or_default();
        let mut parts: Map = Map::default();
        for name in ["status", "body"] {
            parts.insert(name.into(), Value::NULL);
        }
        for (name, value) in self.settings.error_format.iter().flat_map(|format| format.read(text)) {
            // A status is a number that a decision rests on; everything else was written by somebody.
            let open = &*name == "status" && value.as_int().is_some();
            parts.insert(name, if open { value } else { value.marked(private) });
        }
        parts.insert("class".into(), class.clone());
        parts.insert("text".into(), message.clone().marked(private));
        (class, parts.into())
    }
}

/// Arguments of a worker that is no ActiveJob are what they are; a GlobalID among them is a text.
fn plain(list: &[Value]) -> Given {
    let records = list.iter().filter_map(|v| GlobalId::parse(v.as_str()?)).collect();
    Given { args: list.to_vec(), keywords: Map::default(), records }
}

/// An id that is a number is one, so that it can be compared with a column of numbers.
fn number(id: &str) -> Value {
    id.parse::<i64>().ok().filter(|n| n.to_string() == id).map_or_else(|| id.into(), Value::from)
}

/// Seconds as Sidekiq up to 7 writes them, or the milliseconds of Sidekiq 8.
fn instant(value: &Value) -> Value {
    let number = match &value.data {
        Data::Int(n) => *n as f64,
        Data::Decimal(d) => d.as_str().parse().unwrap_or(f64::NAN),
        Data::Float(f) => *f,
        _ => return Value::NULL,
    };
    if number > 1e11 { of_seconds(number / 1000.0) } else { of_seconds(number) }
}

fn of_seconds(seconds: f64) -> Value {
    let micros = (seconds * 1e6).round();
    // Years from 1970 to 2286: anything else is no time.
    if (0.0..1e16).contains(&micros) {
        Data::Instant(Stamp { micros: micros as i64, digits: 6 }).into()
    } else {
        Value::NULL
    }
}
