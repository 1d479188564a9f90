//! How often one thing is sent: counted against the bounds of the `errors` table.

use crate::{
    base::{time::Stamp, world::World},
    playbook::errors::{Jitter, Retry},
};
use std::time::Duration;

pub use crate::connection::http::rate::LONGEST;

/// Counts attempts and time of one call against the table's bounds.
#[derive(Clone, Copy, Debug, Default)]
pub struct Attempts {
    made: u32,
    waited: Duration,
    /// When the first attempt had failed: the time of the further attempts counts, too.
    since: Option<Stamp>,
}

impl Attempts {
    /// So many further attempts were made before these were counted.
    pub fn at_least(&mut self, made: u32) {
        self.made = self.made.max(made);
    }

    /// The pause before the next attempt; nothing when the bounds are used up. The last pause ends with the time allowed
    /// (`for`), so that there is one more attempt at its very end.
    pub fn next(&mut self, retry: &Retry, asked_for: Option<Duration>, world: &World) -> Option<Duration> {
        if retry.attempts.is_some_and(|most| self.made >= most) {
            return None;
        }
        let since = *self.since.get_or_insert_with(|| world.now());
        let elapsed = Duration::from_micros(u64::try_from(world.now().micros - since.micros).unwrap_or(0));
        let left = retry.length.map(|most| most.0.saturating_sub(elapsed.max(self.waited)));
        if left.is_some_and(|left| left.is_zero()) {
            return None;
        }
        self.made += 1;
        let longest = retry.backoff.map_or(Duration::from_secs(1), |b| b.pause(self.made));
        let planned = if retry.jitter == Some(Jitter::Full) { spread(longest, world) } else { longest };
        let asked_for = asked_for.map(|asked| asked.min(LONGEST));
        // Whoever asks for a longer pause than is left does not want to be asked before.
        if left.zip(asked_for).is_some_and(|(left, asked)| asked > left) {
            return None;
        }
        let pause = asked_for.map_or(planned, |asked| asked.max(planned));
        let pause = left.map_or(pause, |left| pause.min(left));
        self.waited += pause;
        Some(pause)
    }
}

/// A pause between nothing and the longest, at random, so that many clients do not come back at the same moment.
fn spread(longest: Duration, world: &World) -> Duration {
    // The ids of a test are counted up: their bits are mixed first, or all its pauses were next to nothing.
    let mixed = (world.id().as_u128() as u64).wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 48;
    longest.mul_f64(mixed as f64 / 65_535.0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::source::Span;

    #[test]
    fn attempts_stay_within_both_bounds_and_obey_retry_after() {
        let seconds = Duration::from_secs;
        let backoff = crate::playbook::errors::Backoff { first: seconds(2), most: seconds(5) };
        let retry = Retry {
            attempts: Some(3),
            length: None,
            backoff: Some(backoff),
            jitter: None,
            exhausted: None,
            at: Span::default(),
        };
        let mut attempts = Attempts::default();
        let world = World::fixed(crate::base::time::Stamp::new(0));
        let pauses: Vec<_> = std::iter::from_fn(|| attempts.next(&retry, None, &world)).collect();
        assert_eq!(pauses, [seconds(2), seconds(4), seconds(5)]);
        let mut attempts = Attempts::default();
        assert_eq!(attempts.next(&retry, Some(seconds(60)), &world), Some(seconds(60)));
        assert_eq!(attempts.next(&retry, Some(seconds(9_999_999)), &world), Some(LONGEST));
        let bounded = Retry { attempts: None, length: Some(crate::base::shape::Length(seconds(7))), ..retry };
        let mut attempts = Attempts::default();
        let pauses: Vec<_> = std::iter::from_fn(|| attempts.next(&bounded, None, &world)).collect();
        assert_eq!(pauses, [seconds(2), seconds(4), seconds(1)], "the last pause ends with the time allowed");
        assert_eq!(Attempts::default().next(&bounded, Some(seconds(8)), &world), None, "asked to come back too late");
    }

    #[test]
    fn ten_minutes_of_doubling_pauses_are_as_many_as_the_driver_of_open_edx_makes() {
        let seconds = Duration::from_secs;
        let backoff = crate::playbook::errors::Backoff { first: seconds(1), most: seconds(256) };
        let retry = Retry {
            attempts: None,
            length: Some(crate::base::shape::Length(seconds(600))),
            backoff: Some(backoff),
            jitter: None,
            exhausted: None,
            at: Span::default(),
        };
        let world = World::fixed(Stamp::new(0));
        let mut attempts = Attempts::default();
        let pauses: Vec<_> = std::iter::from_fn(|| attempts.next(&retry, None, &world)).map(|p| p.as_secs()).collect();
        assert_eq!(pauses, [1, 2, 4, 8, 16, 32, 64, 128, 256, 89]);
        // With the jitter, never longer than without it, and never longer than ten minutes.
        let spread = Retry { jitter: Some(Jitter::Full), ..retry };
        let mut attempts = Attempts::default();
        let pauses: Vec<_> = std::iter::from_fn(|| attempts.next(&spread, None, &world)).collect();
        assert!(pauses.len() >= 10 && pauses.iter().sum::<Duration>() == seconds(600), "{pauses:?}");
        assert!(pauses.iter().enumerate().all(|(n, p)| *p <= backoff.pause(n as u32 + 1)), "{pauses:?}");
    }
}
