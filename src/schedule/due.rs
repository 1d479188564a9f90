//! What a scheduler does with a schedule at a moment: which occurrence it fires, which ones it says were missed, skipped or
//! blocked. Pure: the same history, definition and moment give the same answer, whoever asks; the store lets one of them win.

use super::cron::{Cron, Moment};
use crate::{base::time::Stamp, words};
use jiff::tz::TimeZone;
use std::{collections::HashSet, sync::Arc, time::Duration};

words! {
    "what became of an occurrence"
    pub enum Settled {
        /// It was begun.
        Fired = "fired",
        /// Nobody was there in time.
        Missed = "missed",
        /// The one before was still going on.
        Skipped = "skipped",
        /// The schedule may not run as it stands.
        Blocked = "blocked",
    }
}

words! {
    "what happens while the one before still goes on"
    pub enum Overlap {
        /// The occurrence is skipped, and that is recorded.
        Skip = "skip",
        /// Both go on at the same time.
        Allow = "allow",
    }
}

/// When a schedule is due.
#[derive(Clone, Debug)]
pub struct Times {
    /// Which times of the wall clock.
    pub cron: Cron,
    /// Of which wall.
    pub zone: TimeZone,
    /// So much later than the text says, the same for every occurrence: other schedules begin at other moments.
    pub delay: Duration,
    /// So late one may still be begun.
    pub catch_up: Duration,
    /// While the one before goes on.
    pub overlap: Overlap,
}

/// What is known of a schedule.
#[derive(Clone, Debug, Default)]
pub struct History {
    /// Up to here everything is settled.
    pub cursor: i64,
    /// When the last word about it was recorded.
    pub moment: i64,
    /// Where the clock went back: from here on its times count, because nobody looked after it before. Nothing where that is not known, or is by a clock that
    /// was ahead.
    pub since: Option<i64>,
    /// Fired all the same, behind the cursor: the clock was ahead when they were. Those that were only told (missed, skipped, blocked) by a
    /// clock that was ahead are not among them: they still come.
    pub fired: HashSet<(Arc<str>, i64)>,
    /// One that was fired and is not over, in words: `run 6e839cdd, fired at 02:30`.
    pub running: Option<String>,
}

/// Occurrences that have the same fate.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fate {
    /// The last one: its name is theirs. (Were it the first one's, a clock that is ahead for a moment would use up the name of
    /// a time that is yet to come.)
    pub last: Moment,
    /// The first one, where there are several.
    pub from: Option<Moment>,
    /// How many.
    pub count: u64,
    /// What becomes of them.
    pub word: Settled,
    /// Why, for people.
    pub why: Option<String>,
}

/// What is to be recorded.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Decision {
    /// The clock went back: from here on it is looked again.
    pub rewound: bool,
    /// Up to here everything is settled then.
    pub cursor: i64,
    /// In their order; the last one may be fired.
    pub fates: Vec<Fate>,
}

impl Decision {
    /// Nothing is to be recorded.
    pub fn is_empty(&self) -> bool {
        self.fates.is_empty() && !self.rewound
    }
}

/// A clock that is behind the last word by more than this went back; less is two machines that differ.
pub const SKEW: i64 = 5 * 60 * 1_000_000;
/// So many missed ones are counted; then it is `more than`.
pub const COUNTED: usize = 10_000;

/// What is to be done at `now`. `blocked`: why the schedule may not run as it stands.
pub fn decide(times: &Times, history: &History, blocked: Option<&str>, now: Stamp) -> Decision {
    // The cursor is never ahead of the clock that set it. The last word alone would not tell: the end of what was begun too early may be
    // recorded when the clock is right again.
    let rewound = went_back(history.cursor, history.moment, now);
    let delay = micros(times.delay);
    let until = stamp(now.micros.saturating_sub(delay));
    let back = look_back(times, now).micros.max(history.since.unwrap_or(i64::MIN));
    let cursor = if rewound { history.cursor.min(back) } else { history.cursor };
    let mut decision = Decision { rewound, cursor, fates: Vec::new() };
    let Some(last) = times.cron.last(&times.zone, stamp(cursor), until) else { return decision };
    decision.cursor = last.at.micros;
    let mut before = times.cron.between(&times.zone, stamp(cursor), stamp(last.at.micros - 1), COUNTED + 1);
    if before.len() > COUNTED {
        // Counted no further, but told to their end.
        before.pop();
        before.extend(times.cron.last(&times.zone, stamp(cursor), stamp(last.at.micros - 1)));
    }
    before.retain(|moment| !history.has(moment));
    let late = until.micros.saturating_sub(last.at.micros);
    let fate = |word, why: Option<String>| Fate { last: last.clone(), from: None, count: 1, word, why };
    let newest = if history.has(&last) {
        None
    } else if late > micros(times.catch_up) {
        before.push(last.clone());
        None
    } else if let Some(why) = blocked {
        Some(fate(Settled::Blocked, Some(why.to_owned())))
    } else {
        match &history.running {
            Some(running) if times.overlap == Overlap::Skip => {
                Some(fate(Settled::Skipped, Some(format!("the one before still goes on: {running}"))))
            }
            _ => Some(fate(Settled::Fired, None)),
        }
    };
    decision.fates.extend(missed(before, times, newest.as_ref().map(|newest| newest.word)));
    decision.fates.extend(newest);
    decision
}

/// Whether the clock has gone back since everything up to `cursor` was settled, and the last word was recorded at `moment`.
pub fn went_back(cursor: i64, moment: i64, now: Stamp) -> bool {
    now.micros.saturating_add(SKEW) < moment.max(cursor)
}

/// From here on it is looked again where the clock went back: nobody knows when it did, only that somebody looks every few minutes.
pub fn look_back(times: &Times, now: Stamp) -> Stamp {
    stamp(now.micros.saturating_sub(micros(times.delay)).saturating_sub(SKEW))
}

/// Those for which nobody was there in time, told together.
fn missed(all: Vec<Moment>, times: &Times, newest: Option<Settled>) -> Option<Fate> {
    let count = all.len() as u64;
    let (first, last) = (all.first()?.clone(), all.last()?.clone());
    let why = match newest {
        Some(Settled::Fired) => "nobody was there; only the newest is caught up".to_owned(),
        Some(_) => "nobody was there; only the newest would be caught up".to_owned(),
        None => format!("nobody was there in time (`catch_up: {}`)", crate::base::shape::Length(times.catch_up)),
    };
    let from = (count > 1).then_some(first);
    Some(Fate { last, from, count, word: Settled::Missed, why: Some(why) })
}

impl History {
    fn has(&self, moment: &Moment) -> bool {
        self.fired.contains(&(moment.wall.clone(), moment.at.micros))
    }
}

fn micros(length: Duration) -> i64 {
    i64::try_from(length.as_micros()).unwrap_or(i64::MAX)
}

fn stamp(micros: i64) -> Stamp {
    Stamp { micros, digits: 6 }
}

/// So much later than its text a schedule begins: the same for every scheduler, and another one for another name.
pub fn delay(name: &str, jitter: Duration) -> Duration {
    use sha2::{Digest, Sha256};
    let digest = Sha256::digest(name.as_bytes());
    let number = digest.iter().take(8).fold(0_u64, |all, byte| (all << 8) | u64::from(*byte));
    match jitter.as_secs() {
        0 => Duration::ZERO,
        seconds => Duration::from_secs(number % seconds),
    }
}
