//! How often, and with what pauses, something outside is tried again that could not be reached: five times in half a minute.

use std::time::Duration;

/// Pauses between the tries.
const PAUSES: [u64; 4] = [1, 3, 8, 15];

/// Counts the tries of one thing.
#[derive(Clone, Copy, Debug, Default)]
pub struct Tries(usize);

impl Tries {
    /// The pause before the next try; nothing when it was tried often enough.
    pub fn next(&mut self) -> Option<Duration> {
        let pause = PAUSES.get(self.0).copied();
        self.0 += 1;
        pause.map(Duration::from_secs)
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
}
