//! Workers: a job that has waited long enough is taken, and what becomes of it is as the test says. The schedule and the
//! retries come into their queues when their time has come, as Sidekiq's poller does it.

use super::store::{Held, Store, part};
use crate::base::{json, time::Stamp, value::Value};
use std::{sync::Arc, time::Duration};

/// Who takes jobs of one class.
#[derive(Clone, Debug)]
pub struct Worker {
    /// The class.
    pub job: Arc<str>,
    /// After it waited so long.
    pub after: Duration,
    /// What becomes of it.
    pub fate: Fate,
    /// What the job does besides.
    pub deed: Option<Deed>,
}

/// What becomes of a job.
#[derive(Clone, Debug)]
pub enum Fate {
    /// It ends well, and is gone.
    Well,
    /// It fails for good: class and text of the error.
    Dead(Arc<str>, Arc<str>),
}

/// A statement on a database.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Deed {
    /// The connection.
    pub db: Arc<str>,
    /// One statement.
    pub run: Arc<str>,
}

fn seconds(stamp: Stamp) -> f64 {
    // As Sidekiq holds it: a double with microseconds.
    stamp.micros as f64 / 1e6
}

pub fn work(store: &mut Store, workers: &[Worker], now: Stamp) -> Vec<Deed> {
    if workers.is_empty() {
        return Vec::new();
    }
    for set in ["schedule", "retry"] {
        let Some(Held::Sorted(sorted)) = store.keys.get(set.as_bytes()) else { continue };
        let due: Vec<Vec<u8>> =
            sorted.iter().filter(|(score, _)| *score <= seconds(now)).map(|(_, job)| job.clone()).collect();
        for job in due {
            store.take(set, &job);
            let Some(queue) = part(&job, "queue").and_then(|q| q.as_str().map(str::to_owned)) else { continue };
            let timed = with(&job, &[("enqueued_at", number(now))]).unwrap_or(job);
            store.push(&format!("queue:{queue}"), &timed);
            store.name("queues", queue.as_bytes());
        }
    }
    let mut deeds = Vec::new();
    let queues: Vec<Vec<u8>> = store.keys.keys().filter(|key| key.starts_with(b"queue:")).cloned().collect();
    for queue in queues {
        let Some(Held::List(list)) = store.keys.get(&queue) else { continue };
        let key = String::from_utf8_lossy(&queue).into_owned();
        for job in list.iter().rev().cloned().collect::<Vec<_>>() {
            let class = part(&job, "wrapped").or_else(|| part(&job, "class"));
            let class = class.as_ref().and_then(Value::as_str).unwrap_or_default();
            let Some(worker) = workers.iter().find(|worker| &*worker.job == class) else { continue };
            let since = part(&job, "enqueued_at").and_then(|at| at.bare().parse::<f64>().ok()).unwrap_or(0.0);
            if since + worker.after.as_secs_f64() > seconds(now) {
                continue;
            }
            store.take(&key, &job);
            if let Fate::Dead(class, said) = &worker.fate {
                let tries = part(&job, "retry_count").and_then(|n| n.as_int()).map_or(0, |n| n + 1);
                let failed = with(
                    &job,
                    &[
                        ("error_class", Value::text(class.clone())),
                        ("error_message", Value::text(said.clone())),
                        ("failed_at", number(now)),
                        ("retry_count", tries.into()),
                    ],
                );
                store.add("dead", seconds(now), &failed.unwrap_or(job));
            }
            deeds.extend(worker.deed.clone());
        }
    }
    deeds
}

fn number(now: Stamp) -> Value {
    let text = format!("{}.{:06}", now.micros.div_euclid(1_000_000), now.micros.rem_euclid(1_000_000));
    json::parse(&text).unwrap_or(Value::NULL)
}

/// The job's text with these parts.
fn with(job: &[u8], parts: &[(&str, Value)]) -> Option<Vec<u8>> {
    let mut map = json::parse(std::str::from_utf8(job).ok()?).ok()?.as_map()?.clone();
    for (name, value) in parts {
        map.insert((*name).into(), value.clone());
    }
    Some(json::text_of(&map.into()).into_bytes())
}
