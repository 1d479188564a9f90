//! Decimal numbers as their digits: never through binary floating point, scale kept, compared by value.

use std::{cmp::Ordering, fmt, str::FromStr, sync::Arc};

/// Digits with an optional sign and point, or `NaN`, `Infinity`, `-Infinity`.
#[derive(Clone, Debug)]
pub struct Decimal(Arc<str>);

impl Decimal {
    /// The digits as they came, scale kept.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// A number that has digits: not `NaN`, and not without end.
    pub fn is_finite(&self) -> bool {
        self.special().is_none()
    }

    /// Sign, whole digits without leading zeros, fraction without trailing zeros.
    fn parts(&self) -> (bool, &str, &str) {
        let (negative, digits) = match self.0.strip_prefix('-') {
            Some(rest) => (true, rest),
            None => (false, &*self.0),
        };
        let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
        let (whole, fraction) = (whole.trim_start_matches('0'), fraction.trim_end_matches('0'));
        (negative && !(whole.is_empty() && fraction.is_empty()), whole, fraction)
    }

    fn special(&self) -> Option<i8> {
        match &*self.0 {
            "NaN" => Some(2),
            "Infinity" => Some(1),
            "-Infinity" => Some(-1),
            _ => None,
        }
    }

    /// How many digits stand after the point.
    pub fn scale(&self) -> usize {
        self.0.split_once('.').map_or(0, |(_, f)| f.len())
    }
}

impl PartialEq for Decimal {
    fn eq(&self, other: &Decimal) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}
impl Eq for Decimal {}
impl PartialOrd for Decimal {
    fn partial_cmp(&self, other: &Decimal) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

/// NaN above everything and equal to itself, as PostgreSQL orders it.
impl Ord for Decimal {
    fn cmp(&self, other: &Decimal) -> Ordering {
        if self.special().is_some() || other.special().is_some() {
            return self.special().unwrap_or(0).cmp(&other.special().unwrap_or(0));
        }
        let ((an, aw, af), (bn, bw, bf)) = (self.parts(), other.parts());
        match (an, bn) {
            (false, true) => Ordering::Greater,
            (true, false) => Ordering::Less,
            _ => {
                let magnitude = aw.len().cmp(&bw.len()).then_with(|| aw.cmp(bw)).then_with(|| af.cmp(bf));
                if an { magnitude.reverse() } else { magnitude }
            }
        }
    }
}

/// Not decimal digits.
#[derive(Debug, PartialEq, Eq)]
pub struct NotDecimal;

impl FromStr for Decimal {
    type Err = NotDecimal;
    fn from_str(text: &str) -> Result<Decimal, NotDecimal> {
        if matches!(text, "NaN" | "Infinity" | "-Infinity") {
            return Ok(Decimal(text.into()));
        }
        let digits = text.strip_prefix('-').unwrap_or(text);
        let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
        let good = |part: &str| part.bytes().all(|b| b.is_ascii_digit());
        if good(whole) && good(fraction) && !(whole.is_empty() && fraction.is_empty()) && !digits.ends_with('.') {
            Ok(Decimal(text.into()))
        } else {
            Err(NotDecimal)
        }
    }
}

impl From<i64> for Decimal {
    fn from(n: i64) -> Decimal {
        Decimal(n.to_string().into())
    }
}

impl fmt::Display for Decimal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn order_is_by_value() {
        let sorted = [
            "-Infinity",
            "-10.5",
            "-2",
            "-0.1",
            "0",
            "0.09",
            "0.1",
            "9.99",
            "10",
            "1000000000000000000000.1",
            "Infinity",
            "NaN",
        ];
        for pair in sorted.windows(2) {
            let (a, b): (Decimal, Decimal) = (pair[0].parse().unwrap(), pair[1].parse().unwrap());
            assert!(a < b, "{a} < {b}");
        }
        for bad in ["", "-", ".", "1.", "1e5", "+1", "0x1", " 1", "1_0"] {
            assert!(bad.parse::<Decimal>().is_err(), "{bad:?}");
        }
        assert_eq!(".5".parse::<Decimal>().unwrap(), "0.50".parse().unwrap());
    }
}
