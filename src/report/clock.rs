//! Moments and lengths of time as reports write them: UTC, no zone of anybody's.

use crate::base::time::Stamp;

/// `2025-07-23`
pub fn day(at: Stamp) -> String {
    at.date().to_string()
}

/// `10:00:02`
pub fn time(at: Stamp) -> String {
    let written = Stamp { digits: 0, ..at }.written(' ');
    written.split_once(' ').map_or_else(|| written.clone(), |(_, time)| time.to_owned())
}

/// `2025-07-23 10:00`
pub fn minute(at: Stamp) -> String {
    format!("{} {}", day(at), time(at).get(..5).unwrap_or_default())
}

/// `2025-07-23 10:00:02 UTC`
pub fn second(at: Stamp) -> String {
    format!("{} {} UTC", day(at), time(at))
}

/// `2025-07-23T10:00:02.501223Z`, for JSON.
pub fn json(at: Stamp) -> String {
    format!("{at}Z")
}

/// `0.3 s`, `42 s`, `5 min 13 s`, `2 h 5 min`, `3 d 4 h`.
pub fn length(micros: i64) -> String {
    let seconds = micros.max(0) / 1_000_000;
    match seconds {
        0..10 => format!("{}.{} s", seconds, micros.max(0) / 100_000 % 10),
        10..60 => format!("{seconds} s"),
        60..3600 => format!("{} min {} s", seconds / 60, seconds % 60),
        3600..86_400 => format!("{} h {} min", seconds / 3600, seconds / 60 % 60),
        _ => format!("{} d {} h", seconds / 86_400, seconds / 3600 % 24),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moments_and_lengths_are_written_for_people() {
        let at: Stamp = "2025-07-23T10:00:02.501223".parse().unwrap();
        assert_eq!((minute(at), second(at)), ("2025-07-23 10:00".to_owned(), "2025-07-23 10:00:02 UTC".to_owned()));
        assert_eq!(json(at), "2025-07-23T10:00:02.501223Z");
        let lengths = [300_000, 42_000_000, 313_000_000, 7_500_000_000, 273_600_000_000].map(length);
        assert_eq!(lengths, ["0.3 s", "42 s", "5 min 13 s", "2 h 5 min", "3 d 4 h"]);
    }
}
