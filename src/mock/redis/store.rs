//! Keys and what they hold, and the one script that changes them.

use crate::base::{json, time::Stamp};
use std::collections::{BTreeMap, BTreeSet, VecDeque};

/// The one script that changes anything. Another text is not imitated.
const CHANGE: &str =
    concat!(include_str!("../../connection/sidekiq/rights.lua"), include_str!("../../connection/sidekiq/change.lua"));
/// The one that asks for rights, of which here none is lacking.
const LACKING: &str =
    concat!(include_str!("../../connection/sidekiq/rights.lua"), include_str!("../../connection/sidekiq/lacking.lua"));

/// What a key holds.
#[derive(Clone, Debug, PartialEq)]
pub enum Held {
    /// A text.
    Text(Vec<u8>),
    /// A queue; new jobs come in at the front, workers take from the back.
    List(VecDeque<Vec<u8>>),
    /// Names.
    Set(BTreeSet<Vec<u8>>),
    /// Jobs by score.
    Sorted(Vec<(f64, Vec<u8>)>),
}

impl Held {
    fn kind(&self) -> &'static str {
        match self {
            Held::Text(_) => "string",
            Held::List(_) => "list",
            Held::Set(_) => "set",
            Held::Sorted(_) => "zset",
        }
    }

    /// How much it holds; of a text nothing that could be counted.
    fn len(&self) -> usize {
        match self {
            Held::Text(_) => 1,
            Held::List(list) => list.len(),
            Held::Set(set) => set.len(),
            Held::Sorted(sorted) => sorted.len(),
        }
    }

    /// One of the same kind that holds nothing.
    fn nothing(&self) -> Held {
        match self {
            Held::Text(_) => Held::Text(Vec::new()),
            Held::List(_) => Held::List(VecDeque::new()),
            Held::Set(_) => Held::Set(BTreeSet::new()),
            Held::Sorted(_) => Held::Sorted(Vec::new()),
        }
    }

    fn is_empty(&self) -> bool {
        match self {
            Held::Text(_) => false,
            Held::List(list) => list.is_empty(),
            Held::Set(set) => set.is_empty(),
            Held::Sorted(sorted) => sorted.is_empty(),
        }
    }
}

/// An answer.
#[derive(Clone, Debug, PartialEq)]
pub enum Reply {
    /// `+OK`
    Word(&'static str),
    /// An error.
    Error(String),
    /// A number.
    Number(i64),
    /// A text, or nothing.
    Text(Option<Vec<u8>>),
    /// Several.
    Many(Vec<Reply>),
}

/// Everything that is held.
#[derive(Clone, Debug, Default)]
pub struct Store {
    /// By key.
    pub keys: BTreeMap<Vec<u8>, Held>,
}

fn wrong_type() -> Reply {
    Reply::Error("WRONGTYPE Operation against a key holding the wrong kind of value".into())
}

fn text(bytes: impl Into<Vec<u8>>) -> Reply {
    Reply::Text(Some(bytes.into()))
}

/// As Redis writes a score: no more digits than are needed, none behind the point of a whole one.
fn score_text(score: f64) -> String {
    format!("{score}")
}

fn number(bytes: &[u8]) -> Option<i64> {
    std::str::from_utf8(bytes).ok()?.parse().ok()
}

/// Places from the end count from -1.
fn window(from: i64, to: i64, length: usize) -> std::ops::Range<usize> {
    let length = i64::try_from(length).unwrap_or(i64::MAX);
    let at = |place: i64| if place < 0 { (length + place).max(0) } else { place.min(length) };
    let (from, to) = (at(from), if to < 0 { length + to + 1 } else { (to + 1).min(length) });
    let index = |place: i64| usize::try_from(place).unwrap_or(0);
    index(from)..index(to.max(from))
}

/// The job's id.
fn jid(job: &[u8]) -> Option<String> {
    let job = json::parse(std::str::from_utf8(job).ok()?).ok()?;
    job.as_map()?.get("jid")?.as_str().map(str::to_owned)
}

impl Store {
    /// Takes the jobs with this id away, wherever they lie. False where there is none.
    pub(super) fn remove(&mut self, id: &str) -> bool {
        let is = |job: &[u8]| jid(job).as_deref() == Some(id);
        let mut found = false;
        for held in self.keys.values_mut() {
            let before = held.len();
            match held {
                Held::List(list) => list.retain(|job| !is(job)),
                Held::Sorted(sorted) => sorted.retain(|(_, job)| !is(job)),
                Held::Text(_) | Held::Set(_) => {}
            }
            found |= held.len() < before;
        }
        // As in Redis: what holds nothing any more is no key.
        self.keys.retain(|_, held| !held.is_empty());
        found
    }

    /// Everything that another one holds comes in, too.
    pub(super) fn take_in(&mut self, other: Store) {
        for (key, held) in other.keys {
            match (self.keys.entry(key).or_insert_with(|| held.nothing()), held) {
                (Held::List(list), Held::List(more)) => more.into_iter().rev().for_each(|job| list.push_front(job)),
                (Held::Set(set), Held::Set(more)) => set.extend(more),
                (Held::Sorted(sorted), Held::Sorted(more)) => {
                    sorted.extend(more);
                    sorted.sort_by(|one, other| one.0.total_cmp(&other.0).then_with(|| one.1.cmp(&other.1)));
                }
                (place, held) => *place = held,
            }
        }
    }

    /// Puts a job into a queue, where new ones come in.
    pub fn push(&mut self, key: &str, job: &[u8]) {
        if let Held::List(list) = self.keys.entry(key.into()).or_insert_with(|| Held::List(VecDeque::new())) {
            list.push_front(job.to_vec());
        }
    }

    /// Puts a job into a sorted set.
    pub fn add(&mut self, key: &str, score: f64, job: &[u8]) {
        if let Held::Sorted(sorted) = self.keys.entry(key.into()).or_insert_with(|| Held::Sorted(Vec::new())) {
            sorted.retain(|(_, known)| known != job);
            sorted.push((score, job.to_vec()));
            sorted.sort_by(|a, b| a.0.total_cmp(&b.0).then_with(|| a.1.cmp(&b.1)));
        }
    }

    /// Adds a name to a set.
    pub fn name(&mut self, key: &str, name: &[u8]) {
        if let Held::Set(set) = self.keys.entry(key.into()).or_insert_with(|| Held::Set(BTreeSet::new())) {
            set.insert(name.to_vec());
        }
    }

    /// Takes a job out of wherever it is; whether it was there.
    pub fn take(&mut self, key: &str, job: &[u8]) -> bool {
        let Some(held) = self.keys.get_mut(key.as_bytes()) else { return false };
        let found = match held {
            Held::List(list) => list.iter().position(|known| known == job).map(|at| drop(list.remove(at))),
            Held::Sorted(sorted) => sorted.iter().position(|(_, known)| known == job).map(|at| drop(sorted.remove(at))),
            Held::Text(_) | Held::Set(_) => None,
        };
        if held.is_empty() {
            self.keys.remove(key.as_bytes());
        }
        found.is_some()
    }

    /// One command.
    pub fn answer(&mut self, words: &[Vec<u8>], now: Stamp) -> Reply {
        let Some((command, given)) = words.split_first() else { return Reply::Error("ERR empty command".into()) };
        let command = String::from_utf8_lossy(command).to_ascii_uppercase();
        let key = given.first().map(Vec::as_slice).unwrap_or_default();
        let held = self.keys.get(key);
        let range = || Some((number(given.get(1)?)?, number(given.get(2)?)?));
        match (command.as_str(), held) {
            ("PING", _) => Reply::Word("PONG"),
            ("CLIENT" | "AUTH" | "SELECT", _) => Reply::Word("OK"),
            ("INFO", _) => text(INFO),
            ("SET", held) if given.len() == 3 && given[2].eq_ignore_ascii_case(b"NX") => match held {
                Some(_) => Reply::Text(None),
                None => {
                    self.keys.insert(key.to_vec(), Held::Text(given[1].clone()));
                    Reply::Word("OK")
                }
            },
            ("GET", None) => Reply::Text(None),
            ("GET", Some(Held::Text(value))) => text(value.clone()),
            ("SMEMBERS" | "LRANGE" | "ZRANGE", None) => Reply::Many(Vec::new()),
            ("SMEMBERS", Some(Held::Set(set))) => Reply::Many(set.iter().cloned().map(text).collect()),
            ("LRANGE", Some(Held::List(list))) => match range() {
                Some((from, to)) => {
                    let window = window(from, to, list.len());
                    Reply::Many(list.range(window).cloned().map(text).collect())
                }
                None => Reply::Error("ERR value is not an integer".into()),
            },
            ("ZRANGE", Some(Held::Sorted(sorted))) => match range() {
                Some((from, to)) => {
                    let pairs = sorted[window(from, to, sorted.len())].iter();
                    Reply::Many(pairs.flat_map(|(score, job)| [text(job.clone()), text(score_text(*score))]).collect())
                }
                None => Reply::Error("ERR value is not an integer".into()),
            },
            ("ZRANK", None) => Reply::Text(None),
            ("ZRANK", Some(Held::Sorted(sorted))) => {
                let rank = given.get(1).and_then(|job| sorted.iter().position(|(_, known)| known == job));
                rank.map_or(Reply::Text(None), |rank| Reply::Number(i64::try_from(rank).unwrap_or(i64::MAX)))
            }
            ("ZCARD", None) => Reply::Number(0),
            ("ZCARD", Some(Held::Sorted(sorted))) => Reply::Number(i64::try_from(sorted.len()).unwrap_or(i64::MAX)),
            ("GET" | "SMEMBERS" | "LRANGE" | "ZRANGE" | "ZRANK" | "ZCARD", Some(_)) => wrong_type(),
            ("EVAL", _) if key == CHANGE.as_bytes() => self.change(&given[1..], now),
            ("EVAL", _) if key == LACKING.as_bytes() => Reply::Many(Vec::new()),
            ("EVAL", _) => Reply::Error("ERR the stand-in for Redis knows no script but trueup's own".into()),
            (other, _) => Reply::Error(format!("ERR unknown command '{other}'")),
        }
    }

    /// The script, as `change.lua` says it.
    fn change(&mut self, given: &[Vec<u8>], now: Stamp) -> Reply {
        let refused = || Reply::Error("ERR the script was given too little".into());
        let Some(count) = given.first().and_then(|n| number(n)).and_then(|n| usize::try_from(n).ok()) else {
            return refused();
        };
        let (Some(keys), Some(rest)) = (given.get(1..=count), given.get(count + 1..)) else { return refused() };
        let ([marker, guard, beside, keys @ ..], [print, _keep, jid, over, id, steps @ ..]) = (keys, rest) else {
            return refused();
        };
        let steps: Vec<&[Vec<u8>]> = steps.chunks_exact(3).collect();
        if steps.len() != keys.len() {
            return refused();
        }
        let said = |word: &str, what: &[u8]| Reply::Many(vec![text(word), text(what)]);
        if let Some(Held::Text(before)) = self.keys.get(marker) {
            return said(if before.starts_with(print) { "before" } else { "other" }, before);
        }
        if !id.is_empty() && self.keys.get(beside) != Some(&Held::Text(id.clone())) {
            return said("elsewhere", b"");
        }
        let at = format!("{}.{:06}", now.micros.div_euclid(1_000_000), now.micros.rem_euclid(1_000_000));
        if !jid.is_empty()
            && let Some(Held::Text(rival)) = self.keys.get(guard)
            && rival != jid
            && rival != over
        {
            return said("rival", rival);
        }
        for (key, step) in keys.iter().zip(&steps) {
            let wanted = match step[0].as_slice() {
                b"zrem" | b"zadd" => "zset",
                b"lrem" | b"lpush" | b"rpush" => "list",
                _ => "set",
            };
            if self.keys.get(key).is_some_and(|held| held.kind() != wanted) {
                return Reply::Error(format!("WRONGTYPE {}", String::from_utf8_lossy(key)));
            }
        }
        for (index, (key, step)) in keys.iter().zip(&steps).enumerate() {
            let there = match (step[0].as_slice(), self.keys.get(key)) {
                (b"zrem", Some(Held::Sorted(sorted))) => sorted.iter().any(|(_, job)| *job == step[1]),
                (b"lrem", Some(Held::List(list))) => list.contains(&step[1]),
                (b"zrem" | b"lrem", _) => false,
                _ => true,
            };
            if !there {
                return said("gone", index.to_string().as_bytes());
            }
        }
        for (key, step) in keys.iter().zip(&steps) {
            let (key, job) = (String::from_utf8_lossy(key).into_owned(), &step[1]);
            match step[0].as_slice() {
                b"zrem" | b"lrem" => drop(self.take(&key, job)),
                b"lpush" => self.push(&key, job),
                b"rpush" => {
                    let list = self.keys.entry(key.into_bytes()).or_insert_with(|| Held::List(VecDeque::new()));
                    if let Held::List(list) = list {
                        list.push_back(job.clone());
                    }
                }
                b"zadd" => {
                    let score = std::str::from_utf8(&step[2]).ok().and_then(|text| text.parse().ok()).unwrap_or(0.0);
                    self.add(&key, score, job);
                }
                _ => self.name(&key, job),
            }
        }
        let remembered = [print.as_slice(), b" ", at.as_bytes()].concat();
        self.keys.insert(marker.clone(), Held::Text(remembered));
        if !jid.is_empty() {
            self.keys.insert(guard.clone(), Held::Text(jid.clone()));
        }
        said("done", at.as_bytes())
    }
}

/// What `check --env` and recovery ask: one that was never restarted and throws nothing away.
const INFO: &str = "redis_version:7.0.15\r\nrun_id:0000000000000000000000000000000000000000\r\nmaster_replid:0000000000000000000000000000000000000000\r\nevicted_keys:0\r\nrole:master\r\naof_enabled:0\r\nmaxmemory_policy:noeviction\r\n";
