//! How often, and with what pauses, something outside is tried again that could not be reached: five times in half a minute.

use std::time::Duration;

/// Pauses between the tries.
const PAUSES: [u64; 4] = [1, 3, 8, 15];

/// What all pauses come to at most.
const IN_ALL: Duration = Duration::from_secs(30);

/// Counts the tries of one thing.
#[derive(Clone, Copy, Debug, Default)]
pub struct Tries {
    made: usize,
    waited: Duration,
}

impl Tries {
    /// The pause before the next try; nothing when it was tried often enough.
    pub fn next(&mut self) -> Option<Duration> {
        self.next_asked(None)
    }

    /// The same, where the other side asks for a pause. Whoever asks for a longer one than is left does not want to be asked before: that is
    /// the end at once.
    pub fn next_asked(&mut self, asked: Option<Duration>) -> Option<Duration> {
        let pause = Duration::from_secs(*PAUSES.get(self.made)?).max(asked.unwrap_or_default());
        self.made += 1;
        self.waited = self.waited.saturating_add(pause);
        (self.waited <= IN_ALL).then_some(pause)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn five_tries_take_half_a_minute_at_most() {
        let mut tries = Tries::default();
        let pauses: Vec<u64> = std::iter::from_fn(|| tries.next()).map(|pause| pause.as_secs()).collect();
        assert!(pauses.len() == 4 && pauses.is_sorted() && pauses.iter().sum::<u64>() <= 30, "{pauses:?}");
        assert_eq!(tries.next(), None);
    }

    #[test]
    fn who_asks_for_a_pause_gets_it_within_half_a_minute_and_else_the_end() {
        let seconds = Duration::from_secs;
        for asked in [31, 3600, u64::MAX] {
            assert_eq!(Tries::default().next_asked(Some(seconds(asked))), None, "{asked}");
        }
        let mut tries = Tries::default();
        let pauses: Vec<_> = std::iter::from_fn(|| tries.next_asked(Some(seconds(12)))).collect();
        assert_eq!(pauses, [seconds(12), seconds(12)], "a third one would end after half a minute");
        let mut tries = Tries::default();
        assert_eq!((tries.next_asked(Some(seconds(2))), tries.next()), (Some(seconds(2)), Some(seconds(3))));
    }
}
