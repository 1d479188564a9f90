//! Looking for jobs: page by page, with a bound, tests on the decoded columns. Never by a part of the text.

use super::{
    client::{Jobs, Link},
    row::{self, Job, Place},
};
use crate::{
    base::{
        decimal::Decimal,
        time::{Stamp, instant},
        value::{Data, Value},
    },
    connection::fault::{Fault, FaultKind},
    table::condition::{Condition, Order, Test},
};
use std::{cmp::Ordering, collections::HashSet, sync::Arc};

/// Jobs that are fetched at once.
const PAGE: isize = 200;
/// More bytes than these are not held at once, however many jobs that is.
const MOST_BYTES: usize = 256 * 1024 * 1024;

/// What a look found.
#[derive(Clone, Debug, Default)]
pub struct Found {
    /// The jobs, in order.
    pub jobs: Vec<Job>,
}

impl Jobs {
    /// The jobs of a place for which all conditions hold, sorted, at most `limit`. Queues: the one that is next comes first.
    ///
    /// It is no snapshot: a job that moves while we look may be seen where it was, or not at all. Whoever changes one
    /// compares it again, atomically.
    pub async fn find(
        &self,
        place: Place,
        conditions: &[Condition],
        order: &[Order],
        limit: usize,
    ) -> Result<Found, Fault> {
        let mut link = self.link().await?;
        let mut found = Found::default();
        let mut seen = Seen { left: self.most(), bytes: MOST_BYTES, raws: HashSet::new() };
        // Without an order the first ones are enough.
        let enough = if order.is_empty() { limit } else { usize::MAX };
        let mut keep = |job: Job| {
            if found.jobs.len() < enough && conditions.iter().all(|c| holds(c, &job)) {
                found.jobs.push(job);
            }
            found.jobs.len() < enough
        };
        match place.key() {
            Some(key) => {
                self.sorted_set(&mut link, place, &self.key(key), &mut seen, &mut keep).await?;
            }
            None => {
                for queue in self.queues(&mut link, conditions).await? {
                    let key = self.key(&format!("queue:{queue}"));
                    if !self.list(&mut link, &queue, &key, &mut seen, &mut keep).await? {
                        break;
                    }
                }
            }
        }
        sort(&mut found.jobs, order);
        found.jobs.truncate(limit);
        Ok(found)
    }

    /// The queues that conditions leave: those that Sidekiq knows, by name.
    async fn queues(&self, link: &mut Link, conditions: &[Condition]) -> Result<Vec<String>, Fault> {
        let names: Vec<Vec<u8>> = link.ask(redis::cmd("SMEMBERS").arg(&*self.key("queues"))).await?;
        // A name that is no text is none of Sidekiq's.
        let mut names: Vec<String> = names.into_iter().filter_map(|name| String::from_utf8(name).ok()).collect();
        let only = conditions.iter().filter(|c| &*c.column == "queue");
        names.retain(|name| only.clone().all(|c| passes(&c.test, &Value::from(name.as_str()))));
        names.sort();
        Ok(names)
    }

    async fn sorted_set(
        &self,
        link: &mut Link,
        place: Place,
        key: &Arc<str>,
        seen: &mut Seen,
        keep: &mut (dyn FnMut(Job) -> bool + Send),
    ) -> Result<bool, Fault> {
        let mut from: isize = 0;
        loop {
            let mut ask = redis::cmd("ZRANGE");
            ask.arg(&**key).arg(from).arg(from + PAGE - 1).arg("WITHSCORES");
            let page: Vec<(Vec<u8>, String)> = link.ask(&ask).await?;
            let Some((last, _)) = page.last().cloned() else { return Ok(true) };
            let full = page.len() >= PAGE as usize;
            for (raw, score) in page {
                if !seen.take(&raw, self, key)? {
                    continue;
                }
                if !keep(row::read(place, key, None, Some(&score), raw, self.settings())) {
                    return Ok(false);
                }
            }
            if !full {
                return Ok(true);
            }
            // Others take jobs out meanwhile, and the rest moves up: the last one tells where we are.
            let rank: Option<isize> = link.ask(redis::cmd("ZRANK").arg(&**key).arg(last)).await?;
            from = rank.map_or((from - PAGE).max(0).max(from), |rank| rank + 1);
        }
    }

    /// From the left, where new ones come in: what is pushed meanwhile is only seen twice, and what workers take goes at the
    /// other end.
    async fn list(
        &self,
        link: &mut Link,
        queue: &str,
        key: &Arc<str>,
        seen: &mut Seen,
        keep: &mut (dyn FnMut(Job) -> bool + Send),
    ) -> Result<bool, Fault> {
        let mut jobs = Vec::new();
        let mut from: isize = 0;
        loop {
            let page: Vec<Vec<u8>> = link.ask(redis::cmd("LRANGE").arg(&**key).arg(from).arg(from + PAGE - 1)).await?;
            let full = page.len() >= PAGE as usize;
            from += PAGE;
            for raw in page {
                if seen.take(&raw, self, key)? {
                    jobs.push(row::read(Place::Queued, key, Some(queue), None, raw, self.settings()));
                }
            }
            if !full {
                break;
            }
        }
        Ok(jobs.into_iter().rev().all(keep))
    }
}

/// What was looked at so far.
struct Seen {
    left: u32,
    bytes: usize,
    raws: HashSet<[u8; 16]>,
}

impl Seen {
    /// Whether it is new; a fault when it is too much.
    fn take(&mut self, raw: &[u8], jobs: &Jobs, key: &str) -> Result<bool, Fault> {
        use sha2::{Digest, Sha256};
        let digest: [u8; 32] = Sha256::digest(raw).into();
        let mut short = [0; 16];
        short.copy_from_slice(&digest[..16]);
        if !self.raws.insert(short) {
            return Ok(false);
        }
        match (self.left.checked_sub(1), self.bytes.checked_sub(raw.len())) {
            (Some(left), Some(bytes)) => (self.left, self.bytes) = (left, bytes),
            _ => {
                let message = format!("`{key}` holds more jobs than a look goes through ({})", jobs.most());
                return Err(jobs
                    .named(Fault::new(FaultKind::TooMuch, message))
                    .advise("narrow the look to one queue, or raise `most` of the connection"));
            }
        }
        Ok(true)
    }
}

/// Whether a test holds for a job.
pub fn holds(condition: &Condition, job: &Job) -> bool {
    let Some(value) = job.row.get(&condition.column) else { return false };
    if &*condition.column == "records" {
        return has_record(&condition.test, value.as_list().unwrap_or_default());
    }
    passes(&condition.test, value)
}

/// A test on the records asks about each of them.
fn has_record(test: &Test, records: &[Value]) -> bool {
    let one = |wanted: &Value| records.iter().any(|record| same(record, wanted));
    match test {
        Test::Is(wanted) => one(wanted),
        Test::IsNot(wanted) => !one(wanted),
        Test::OneOf(all) => all.iter().any(one),
        Test::NoneOf(all) => !all.iter().any(one),
        _ => false,
    }
}

fn passes(test: &Test, value: &Value) -> bool {
    let ordered = |wanted: &Value, fits: fn(Ordering) -> bool| order(value, wanted).is_some_and(fits);
    match test {
        Test::Is(wanted) => same(value, wanted),
        Test::IsNot(wanted) => !same(value, wanted),
        Test::OneOf(all) => all.iter().any(|wanted| same(value, wanted)),
        Test::NoneOf(all) => !all.iter().any(|wanted| same(value, wanted)),
        Test::AtMost(wanted) => ordered(wanted, Ordering::is_le),
        Test::AtLeast(wanted) => ordered(wanted, Ordering::is_ge),
        Test::Before(wanted) => ordered(wanted, Ordering::is_lt),
        Test::After(wanted) => ordered(wanted, Ordering::is_gt),
    }
}

/// The same value. An id is the same as a number and as text, and so is a uuid; a moment as its text.
fn same(found: &Value, wanted: &Value) -> bool {
    match (&found.data, &wanted.data) {
        (Data::Int(_), Data::Text(text)) => *found.bare() == **text,
        (Data::Text(text), Data::Int(_) | Data::Uuid(_)) => **text == *wanted.bare(),
        _ => match (moment(found), moment(wanted)) {
            (Some(a), Some(b)) => a == b,
            _ => found == wanted,
        },
    }
}

/// A moment; also a text that is meant as one, and a stamp without a zone, which is UTC as everywhere.
fn moment(value: &Value) -> Option<Stamp> {
    match &value.data {
        Data::Instant(stamp) | Data::Timestamp(stamp) => Some(*stamp),
        Data::Date(date) => Some(date.midnight()),
        Data::Text(text) if text.len() < 40 => instant(text).ok(),
        _ => None,
    }
}

fn decimal(value: &Value) -> Option<Decimal> {
    match &value.data {
        Data::Int(n) => Some(Decimal::from(*n)),
        Data::Decimal(d) => Some(d.clone()),
        _ => None,
    }
}

fn order(a: &Value, b: &Value) -> Option<Ordering> {
    if let (Data::Instant(_), Some(x), Some(y)) = (&a.data, moment(a), moment(b)) {
        return Some(x.cmp(&y));
    }
    match (&a.data, &b.data) {
        (Data::Text(x), Data::Text(y)) => Some(x.cmp(y)),
        (Data::Bool(x), Data::Bool(y)) => Some(x.cmp(y)),
        _ => Some(decimal(a)?.cmp(&decimal(b)?)),
    }
}

/// Nulls last, whatever the direction; equal ones stay as they were.
fn sort(jobs: &mut [Job], by: &[Order]) {
    jobs.sort_by(|a, b| {
        by.iter().fold(Ordering::Equal, |so_far, column| {
            so_far.then_with(|| {
                let of = |job: &Job| job.row.get(&column.column).cloned().unwrap_or(Value::NULL);
                let (a, b) = (of(a), of(b));
                match (a.is_null(), b.is_null()) {
                    (false, false) => {
                        let order = order(&a, &b).unwrap_or_else(|| a.bare().cmp(&b.bare()));
                        if column.descending { order.reverse() } else { order }
                    }
                    (a, b) => a.cmp(&b),
                }
            })
        })
    });
}
