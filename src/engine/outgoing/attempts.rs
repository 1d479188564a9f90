//! How often one thing is sent: counted against the bounds of the `errors` table.

use crate::{
    base::world::World,
    playbook::errors::{Jitter, Retry},
};
use std::time::Duration;

/// The longest pause that an answer's `Retry-After` is obeyed for.
pub const LONGEST: Duration = Duration::from_secs(300);

/// Counts attempts and time of one call against the table's bounds.
#[derive(Clone, Copy, Debug, Default)]
pub struct Attempts {
    made: u32,
    waited: Duration,
}

impl Attempts {
    /// The pause before the next attempt; nothing when the bounds are used up.
    pub fn next(&mut self, retry: &Retry, asked_for: Option<Duration>, world: &World) -> Option<Duration> {
        if retry.attempts.is_some_and(|most| self.made >= most) {
            return None;
        }
        self.made += 1;
        let longest = retry.backoff.map_or(Duration::from_secs(1), |b| b.pause(self.made));
        let planned = if retry.jitter == Some(Jitter::Full) { spread(longest, world) } else { longest };
        let pause = asked_for.map_or(planned, |asked| asked.min(LONGEST).max(planned));
        if retry.length.is_some_and(|most| self.waited + pause > most.0) {
            return None;
        }
        self.waited += pause;
        Some(pause)
    }
}

/// A pause between nothing and the longest, at random, so that many clients do not come back at the same moment.
fn spread(longest: Duration, world: &World) -> Duration {
    let random = (world.id().as_u128() & 0xFFFF) as u32;
    longest.mul_f64(f64::from(random) / 65_535.0)
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
        assert_eq!(std::iter::from_fn(|| attempts.next(&bounded, None, &world)).count(), 2);
    }
}
