//! What would happen to a background job, or did: data for plans, journals and reports.

use crate::base::{
    json,
    value::{Data, Map, Marks, Value},
};
use std::sync::Arc;

record! {
    /// One job.
    pub struct JobChange {
        /// The connection.
        connection: Arc<str>,
        /// `enqueue`, `retry`, `delete`, `put back`, `take out`.
        deed: Arc<str>,
        /// Sidekiq's id.
        jid: Arc<str>,
        /// Class and first record: `Dqt::UpdateTraineeJob Trainee/1`.
        title: String,
        /// Where it is: `dead`, `queue dqt`; empty for a new one.
        from: String,
        /// Where it comes to: `queue dqt`, `scheduled`; empty for one that is deleted.
        to: String,
        /// When it will run, for one that is for later.
        at: Option<Value>,
        /// A fingerprint of its text as it was found, without what moves by itself; empty for a new one.
        found: Arc<str>,
        /// Its text as it will be, as a document; those parts marked that are personal or come from the clock.
        payload: Option<Value>,
    }
}

/// Parts of a payload that differ from one preview to the next and promise nothing.
const OWN: [&str; 5] = ["jid", "job_id", "created_at", "enqueued_at", "scheduled_at"];

impl JobChange {
    /// `enqueue Dqt::UpdateTraineeJob Trainee/1 → queue dqt`.
    pub fn line(&self) -> String {
        let from = if self.from.is_empty() { String::new() } else { format!(" from {}", self.from) };
        let to = if self.to.is_empty() { String::new() } else { format!(" to {}", self.to) };
        let at = self.at.as_ref().map_or(String::new(), |at| format!(" at {}", timed(at)));
        format!("{} {}{from}{to}{at}", self.deed, self.title)
    }

    /// What a plan promises of it: equal plans say equal things.
    pub fn promise(&self) -> String {
        let payload = match (&*self.found, &self.payload) {
            // A new job has ids of its own in each plan.
            ("", Some(payload)) => json::text_of(&without_own(&by_clock(payload))),
            _ => self.jid.to_string(),
        };
        let at = self
            .at
            .as_ref()
            .filter(|at| !at.marks.has(Marks::CLOCK))
            .map_or(String::new(), |at| at.bare().into_owned());
        let parts = [&*self.connection, &*self.deed, &self.title, &self.from, &self.to, &at, &self.found, &payload];
        parts.join("\u{1f}")
    }

    /// Its arguments for people, one by one, as ActiveJob or Sidekiq writes them; masked.
    pub fn arguments(&self) -> Vec<String> {
        let args = self.payload.as_ref().and_then(|payload| payload.get("args"));
        let hidden = args.as_ref().is_some_and(|args| args.marks.hidden());
        let list = args.as_ref().and_then(|args| args.as_list()?.first()?.get("arguments")).or_else(|| args.clone());
        match list {
            Some(list) if hidden => vec![list.marked(Marks::PERSONAL).plain().into_owned()],
            Some(list) => list.as_list().unwrap_or_default().iter().map(|v| json::masked(&by_clock(v))).collect(),
            None => Vec::new(),
        }
    }

    /// The payload for people: personal parts masked, moments of the clock as `(at apply)`.
    pub fn shown(&self) -> Option<String> {
        self.payload.as_ref().map(|payload| json::masked(&by_clock(payload)))
    }
}

fn timed(at: &Value) -> String {
    if at.marks.has(Marks::CLOCK) { format!("{} or so, counted from apply", at.bare()) } else { at.shown() }
}

fn without_own(value: &Value) -> Value {
    let one = |map: &Map| -> Map {
        map.iter()
            .filter(|(key, _)| !OWN.contains(&&***key))
            .map(|(key, value)| (key.clone(), without_own(value)))
            .collect()
    };
    match &value.data {
        Data::Map(map) => Value::from(one(map)).marked(value.marks),
        Data::List(values) => Value::list(values.iter().map(without_own)).marked(value.marks),
        _ => value.clone(),
    }
}

fn by_clock(value: &Value) -> Value {
    match &value.data {
        _ if value.marks.has(Marks::CLOCK) => "(at apply)".into(),
        Data::Map(map) => Value::from(map.mapped(|(_, value)| by_clock(value))).marked(value.marks),
        Data::List(values) => Value::list(values.iter().map(by_clock)).marked(value.marks),
        _ => value.clone(),
    }
}
