//! How often an API may be called: our own pace, and the pace the API asks for in `Retry-After`.
//!
//! The arithmetic is pure; only [`Pace::turn`] waits.

use crate::base::{
    diagnostic::Diagnostic,
    shape::{BAD_FORM, FromNode, Length, Lowering},
    time::Stamp,
    world::World,
    yaml::Node,
};
use std::{sync::Mutex, time::Duration};
use tokio::time::Instant;

/// So many calls in so much time: `300/min`, `5/s`, `10/30s`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rate {
    /// At least 1.
    pub calls: u32,
    /// In any stretch of this length.
    pub per: Duration,
}

impl Rate {
    /// Reads `300/min`.
    pub fn parse(text: &str) -> Option<Rate> {
        let (calls, per) = text.split_once('/')?;
        let per = per.trim();
        let length: Length =
            if per.starts_with(|c: char| c.is_ascii_digit()) { per.parse() } else { format!("1{per}").parse() }.ok()?;
        let calls = calls.trim().parse().ok().filter(|n| (1..=1_000_000).contains(n))?;
        (!length.0.is_zero()).then_some(Rate { calls, per: length.0 })
    }
}

impl FromNode for Rate {
    fn from_node(node: &Node, cx: &mut Lowering<'_>) -> Option<Self> {
        let Node::Scalar(s) = node else { return cx.wrong_type(node, "a rate such as `300/min`") };
        Rate::parse(&s.text).or_else(|| {
            cx.push(
                Diagnostic::error(&BAD_FORM, s.span, format!("`{}` is not a rate", s.text))
                    .help("write `300/min`, `5/s` or `10/30s`"),
            );
            None
        })
    }
}
crate::plain_schema!(Rate, { "type": "string", "pattern": "^[0-9]+ ?/ ?[0-9]*(ms|s|m|min|h|d)$", "examples": ["300/min", "5/s"] });

/// Turns to call, handed out so that no stretch of `per` holds more than `calls` of them.
///
/// A tenth of the calls may come at once; the rest is spread. (A plain bucket of `calls` would let through twice as many
/// in an unlucky minute.)
#[derive(Debug)]
pub struct Pace {
    burst: u32,
    gap: Duration,
    /// When the bucket would be full again.
    full_at: Mutex<Option<Instant>>,
}

impl Pace {
    /// A pace for this rate.
    pub fn new(rate: Rate) -> Pace {
        let burst = (rate.calls / 10).max(1);
        let spread = if rate.calls > burst { rate.calls - burst } else { 1 };
        Pace { burst, gap: rate.per / spread, full_at: Mutex::new(None) }
    }

    /// Waits for a turn.
    pub async fn turn(&self) {
        let wait = self.next();
        if !wait.is_zero() {
            tokio::time::sleep(wait).await;
        }
    }

    /// Takes the next turn and says how long it is until then.
    pub fn next(&self) -> Duration {
        self.reserve(Instant::now())
    }

    /// Takes the next turn and says how long after `now` it is.
    fn reserve(&self, now: Instant) -> Duration {
        let Ok(mut full_at) = self.full_at.lock() else { return self.gap };
        let from = full_at.map_or(now, |at| at.max(now));
        *full_at = Some(from + self.gap);
        (from + self.gap).saturating_duration_since(now + self.gap * self.burst)
    }
}

/// The pause that an API asked for: whoever calls it keeps to it, not only the call that was refused.
///
/// Waits by the clock and pause of its [`World`], so that a test need not.
#[derive(Debug)]
pub struct Hold {
    world: World,
    /// Nobody sends before, in microseconds of that clock.
    until: Mutex<i64>,
}

/// The longest pause that an answer's `Retry-After` is obeyed for.
pub const LONGEST: Duration = Duration::from_secs(300);

impl Hold {
    /// Nobody waits yet.
    pub fn new(world: World) -> Hold {
        Hold { world, until: Mutex::new(0) }
    }

    /// How long the API still wants to be left alone.
    pub fn left(&self) -> Option<Duration> {
        let until = self.until.lock().map_or(0, |until| *until);
        let left = u64::try_from(until.saturating_sub(self.world.now().micros)).ok().filter(|left| *left > 0)?;
        Some(Duration::from_micros(left).min(LONGEST))
    }

    /// Waits until the API wants to be asked again.
    pub async fn over(&self) {
        if let Some(left) = self.left() {
            self.world.pause(left).await;
        }
    }

    /// An answer that says "too many" or "not now" and for how long.
    pub fn hear(&self, status: u16, retry_after: Option<&str>) {
        let now = self.world.now();
        let Some(asked) = retry_after.filter(|_| matches!(status, 429 | 503)).and_then(|h| self::retry_after(h, now))
        else {
            return;
        };
        let asked = i64::try_from(asked.min(LONGEST).as_micros()).unwrap_or(0);
        if let Ok(mut until) = self.until.lock() {
            *until = (*until).max(now.micros.saturating_add(asked));
        }
    }
}

/// How long a `Retry-After` header asks to wait: seconds, or a date to compare with `now` (UTC). A date in the past is
/// no wait; nothing when it is neither. The caller decides how much patience it has.
pub fn retry_after(header: &str, now: Stamp) -> Option<Duration> {
    let header = header.trim();
    if !header.is_empty() && header.bytes().all(|b| b.is_ascii_digit()) {
        return Some(Duration::from_secs(header.parse().unwrap_or(u64::MAX)));
    }
    let at = jiff::fmt::rfc2822::parse(header).ok()?.timestamp().as_microsecond();
    Some(Duration::from_micros(u64::try_from(at.saturating_sub(now.micros)).unwrap_or(0)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_minute_holds_more_calls_than_the_rate_allows() {
        for (text, step_ms) in [("300/min", 0), ("300/min", 7), ("5/s", 3), ("1/s", 0), ("2/s", 100)] {
            let rate = Rate::parse(text).unwrap();
            let pace = Pace::new(rate);
            let start = Instant::now();
            let mut times = Vec::new();
            for i in 0..rate.calls * 4 {
                let now = start + Duration::from_millis(u64::from(i) * step_ms);
                times.push(now + pace.reserve(now));
            }
            for (i, first) in times.iter().enumerate() {
                let within = times[i..].iter().filter(|t| **t < *first + rate.per).count();
                assert!(within <= rate.calls as usize, "{text}: {within}");
            }
            assert_eq!(times[0], start, "the first call does not wait");
        }
        assert!(Rate::parse("0/s").is_none() && Rate::parse("5").is_none() && Rate::parse("5/0s").is_none());
        assert_eq!(Rate::parse("10/30s").unwrap().per.as_secs(), 30);
    }

    #[test]
    fn many_tasks_at_once_get_turns_of_equal_distance_and_nobody_gets_two() {
        let (pace, now) = (std::sync::Arc::new(Pace::new(Rate::parse("600/min").unwrap())), Instant::now());
        let tasks: Vec<_> = (0..64)
            .map(|_| {
                let pace = pace.clone();
                std::thread::spawn(move || (0..5).map(|_| pace.reserve(now)).collect::<Vec<_>>())
            })
            .collect();
        let mut turns = Vec::new();
        for task in tasks {
            let own = task.join().unwrap();
            assert!(own.is_sorted(), "who asks later waits longer: {own:?}");
            turns.extend(own);
        }
        turns.sort_unstable();
        let waiting: Vec<_> = turns.into_iter().filter(|wait| !wait.is_zero()).collect();
        assert_eq!(waiting.len(), 320 - 60, "a tenth may come at once");
        assert!(waiting.windows(2).all(|pair| pair[1] - pair[0] == pace.gap), "{waiting:?}");
    }

    #[tokio::test]
    async fn a_pause_that_an_api_asks_for_holds_for_everybody_and_is_bounded() {
        use std::sync::{Arc, Mutex};
        let paused = Arc::new(Mutex::new(Vec::new()));
        let heard = paused.clone();
        let world = World::fixed(Stamp::new(1_000_000)).with_pause(move |length| {
            heard.lock().unwrap().push(length);
            std::future::ready(())
        });
        let hold = Hold::new(world);
        hold.over().await;
        for (status, header) in [(200, Some("9")), (500, Some("9")), (429, None), (429, Some("soon"))] {
            hold.hear(status, header);
        }
        hold.over().await;
        assert!(paused.lock().unwrap().is_empty());
        hold.hear(429, Some("7"));
        hold.hear(503, Some("3"));
        hold.over().await;
        hold.over().await;
        hold.hear(429, Some("86400"));
        hold.over().await;
        let seconds: Vec<_> = paused.lock().unwrap().iter().map(Duration::as_secs).collect();
        assert_eq!(seconds, [7, 7, 300]);
    }

    #[test]
    fn retry_after_takes_seconds_and_dates_and_survives_absurd_ones() {
        let now = Stamp::new(784_111_777_000_000); // Sun, 06 Nov 1994 08:49:37 GMT
        assert_eq!(retry_after("120", now), Some(Duration::from_secs(120)));
        assert_eq!(retry_after("Sun, 06 Nov 1994 08:50:07 GMT", now), Some(Duration::from_secs(30)));
        assert_eq!(retry_after("Sun, 06 Nov 1994 08:00:00 GMT", now), Some(Duration::ZERO));
        assert_eq!(retry_after("99999999999999999999999", now), Some(Duration::from_secs(u64::MAX)));
        for bad in ["", "soon", "-5", "1.5"] {
            assert_eq!(retry_after(bad, now), None, "{bad}");
        }
    }
}
