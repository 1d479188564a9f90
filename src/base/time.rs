//! Dates and times as databases hold them: days and microseconds, with infinities, no zone hidden anywhere.

use std::{fmt, str::FromStr};

/// Days since 1970-01-01. `i32::MIN` and `i32::MAX` are ±infinity.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Date(pub i32);

/// Microseconds since midnight, `0..=86_400_000_000`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Time(pub i64);

/// Microseconds since 1970-01-01T00:00:00. `i64::MIN` and `i64::MAX` are ±infinity.
#[derive(Clone, Copy, Debug)]
pub struct Stamp {
    /// The moment.
    pub micros: i64,
    /// How many decimals of the second it is written with, 0 to 6. Not part of equality.
    pub digits: u8,
}

/// Microseconds in a day.
pub const DAY: i64 = 86_400_000_000;

impl Stamp {
    /// With as many decimals as it needs.
    pub fn new(micros: i64) -> Stamp {
        let mut digits = 6;
        let mut rest = micros.rem_euclid(1_000_000);
        while digits > 0 && rest % 10 == 0 {
            rest /= 10;
            digits -= 1;
        }
        Stamp { micros, digits }
    }

    /// Neither infinity.
    pub fn is_finite(self) -> bool {
        self.micros != i64::MIN && self.micros != i64::MAX
    }

    /// Its day.
    pub fn date(self) -> Date {
        match self.micros {
            i64::MIN => Date(i32::MIN),
            i64::MAX => Date(i32::MAX),
            finite => Date(finite.div_euclid(DAY) as i32),
        }
    }

    /// `2025-07-23T10:00:00.123456`, or with a space.
    pub fn written(self, between: char) -> String {
        match self.micros {
            i64::MIN => "-infinity".into(),
            i64::MAX => "infinity".into(),
            finite => format!("{}{between}{}", self.date(), clock(finite.rem_euclid(DAY), self.digits)),
        }
    }
}

impl PartialEq for Stamp {
    fn eq(&self, other: &Stamp) -> bool {
        self.micros == other.micros
    }
}
impl Eq for Stamp {}
impl std::hash::Hash for Stamp {
    fn hash<H: std::hash::Hasher>(&self, state: &mut H) {
        self.micros.hash(state);
    }
}
impl PartialOrd for Stamp {
    fn partial_cmp(&self, other: &Stamp) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}
impl Ord for Stamp {
    fn cmp(&self, other: &Stamp) -> std::cmp::Ordering {
        self.micros.cmp(&other.micros)
    }
}

impl Date {
    /// Midnight at its start.
    pub fn midnight(self) -> Stamp {
        match self.0 {
            i32::MIN => Stamp::new(i64::MIN),
            i32::MAX => Stamp::new(i64::MAX),
            days => Stamp::new(i64::from(days) * DAY),
        }
    }

    /// Year (astronomical, may be negative), month, day.
    pub fn ymd(self) -> (i64, u32, u32) {
        // Howard Hinnant's civil_from_days; exact over the whole range.
        let z = i64::from(self.0) + 719_468;
        let era = z.div_euclid(146_097);
        let doe = z.rem_euclid(146_097);
        let yoe = (doe - doe / 1460 + doe / 36_524 - doe / 146_096) / 365;
        let doy = doe - (365 * yoe + yoe / 4 - yoe / 100);
        let mp = (5 * doy + 2) / 153;
        let day = (doy - (153 * mp + 2) / 5 + 1) as u32;
        let month = if mp < 10 { mp + 3 } else { mp - 9 } as u32;
        (yoe + era * 400 + i64::from(month <= 2), month, day)
    }

    /// The date of year, month and day; nothing when there is no such day.
    pub fn from_ymd(year: i64, month: u32, day: u32) -> Option<Date> {
        if !(1..=12).contains(&month) || day == 0 || !(-4800..=5_874_897).contains(&year) {
            return None;
        }
        let y = year - i64::from(month <= 2);
        let era = y.div_euclid(400);
        let yoe = y.rem_euclid(400);
        let mp = i64::from(if month > 2 { month - 3 } else { month + 9 });
        let doy = (153 * mp + 2) / 5 + i64::from(day) - 1;
        let doe = yoe * 365 + yoe / 4 - yoe / 100 + doy;
        let date = Date(i32::try_from(era * 146_097 + doe - 719_468).ok()?);
        (date.ymd() == (year, month, day)).then_some(date)
    }

    /// The same day `months` later, or the last day of that month.
    pub fn plus_months(self, months: i64) -> Option<Date> {
        let (year, month, day) = self.ymd();
        let total = year * 12 + i64::from(month) - 1 + months;
        let (year, month) = (total.div_euclid(12), total.rem_euclid(12) as u32 + 1);
        (0..4).find_map(|back| Date::from_ymd(year, month, day - back))
    }
}

fn clock(micros: i64, digits: u8) -> String {
    let (seconds, rest) = (micros / 1_000_000, micros % 1_000_000);
    let mut text = format!("{:02}:{:02}:{:02}", seconds / 3600, seconds / 60 % 60, seconds % 60);
    if digits > 0 {
        let fraction = format!("{rest:06}");
        text.push('.');
        text.push_str(&fraction[..usize::from(digits.min(6))]);
    }
    text
}

impl fmt::Display for Date {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            i32::MIN => f.write_str("-infinity"),
            i32::MAX => f.write_str("infinity"),
            _ => {
                let (year, month, day) = self.ymd();
                if year > 0 {
                    write!(f, "{year:04}-{month:02}-{day:02}")
                } else {
                    write!(f, "{:04}-{month:02}-{day:02} BC", 1 - year)
                }
            }
        }
    }
}

impl fmt::Display for Time {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&clock(self.0, Stamp::new(self.0).digits))
    }
}

impl fmt::Display for Stamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.written('T'))
    }
}

/// Not a date or time of the expected form.
#[derive(Debug, PartialEq, Eq)]
pub struct NotATime;

impl FromStr for Date {
    type Err = NotATime;
    fn from_str(text: &str) -> Result<Date, NotATime> {
        match text {
            "infinity" => return Ok(Date(i32::MAX)),
            "-infinity" => return Ok(Date(i32::MIN)),
            _ => {}
        }
        let mut parts = text.split('-');
        let (Some(y), Some(m), Some(d), None) = (parts.next(), parts.next(), parts.next(), parts.next()) else {
            return Err(NotATime);
        };
        if !(4..=7).contains(&y.len()) || m.len() != 2 || d.len() != 2 {
            return Err(NotATime);
        }
        let (y, m, d) = (number(y)?, number(m)?, number(d)?);
        Date::from_ymd(y, m as u32, d as u32).ok_or(NotATime)
    }
}

impl FromStr for Time {
    type Err = NotATime;
    fn from_str(text: &str) -> Result<Time, NotATime> {
        clock_of(text).map(|(micros, _)| Time(micros))
    }
}

/// `2025-07-23T10:00:00.123456` or with a space; no zone.
impl FromStr for Stamp {
    type Err = NotATime;
    fn from_str(text: &str) -> Result<Stamp, NotATime> {
        match text {
            "infinity" => return Ok(Stamp::new(i64::MAX)),
            "-infinity" => return Ok(Stamp::new(i64::MIN)),
            _ => {}
        }
        let at = text.find(['T', ' ']).ok_or(NotATime)?;
        let date: Date = text[..at].parse()?;
        let (micros, digits) = clock_of(&text[at + 1..])?;
        Ok(Stamp { micros: i64::from(date.0) * DAY + micros, digits })
    }
}

/// A moment with its zone: `…Z`, `…+02:00`, `…+02`. The result is in UTC.
pub fn instant(text: &str) -> Result<Stamp, NotATime> {
    if matches!(text, "infinity" | "-infinity") {
        return text.parse();
    }
    let at = text.find(['T', ' ']).ok_or(NotATime)?;
    if let Some(bare) = text.strip_suffix(['Z', 'z']) {
        return bare.parse();
    }
    let zone = at + text[at..].find(['+', '-']).ok_or(NotATime)?;
    let stamp: Stamp = text[..zone].parse()?;
    let (sign, offset) = text[zone..].split_at(1);
    let (hours, minutes) = match offset.len() {
        2 => (number(offset)?, 0),
        4 => (number(&offset[..2])?, number(&offset[2..])?),
        5 if offset.as_bytes()[2] == b':' => (number(&offset[..2])?, number(&offset[3..])?),
        _ => return Err(NotATime),
    };
    let shift = (hours * 60 + minutes) * 60_000_000;
    let micros = if sign == "+" { stamp.micros - shift } else { stamp.micros + shift };
    Ok(Stamp { micros, ..stamp })
}

fn clock_of(text: &str) -> Result<(i64, u8), NotATime> {
    let (whole, fraction) = text.split_once('.').map_or((text, None), |(w, f)| (w, Some(f)));
    let bytes = whole.as_bytes();
    let seconds = match bytes.len() {
        8 if bytes[2] == b':' && bytes[5] == b':' => number(whole.get(6..).ok_or(NotATime)?)?,
        5 if bytes[2] == b':' && fraction.is_none() => 0,
        _ => return Err(NotATime),
    };
    let hours = number(whole.get(..2).ok_or(NotATime)?)?;
    let minutes = number(whole.get(3..5).ok_or(NotATime)?)?;
    if hours > 24 || minutes > 59 || seconds > 60 || (hours == 24 && minutes + seconds > 0) {
        return Err(NotATime);
    }
    let (micros, digits) = match fraction {
        None => (0, 0),
        Some(f) if (1..=6).contains(&f.len()) => (number(f)? * 10_i64.pow(6 - f.len() as u32), f.len() as u8),
        Some(_) => return Err(NotATime),
    };
    Ok((((hours * 60 + minutes) * 60 + seconds) * 1_000_000 + micros, digits))
}

fn number(digits: &str) -> Result<i64, NotATime> {
    if digits.is_empty() || !digits.bytes().all(|b| b.is_ascii_digit()) {
        return Err(NotATime);
    }
    digits.parse().map_err(|_| NotATime)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_round_trip_over_the_whole_range_of_postgres() {
        for days in (-2_440_588..106_751_991).step_by(100_003).chain([-1, 0, 1, 19_782, 11_016]) {
            let (y, m, d) = Date(days).ymd();
            assert_eq!(Date::from_ymd(y, m, d), Some(Date(days)));
        }
        assert_eq!("2024-02-29".parse::<Date>().unwrap().to_string(), "2024-02-29");
        for bad in ["2023-02-29", "2024-13-01", "24-01-01", "2024-1-1", "2024-01-01x", ""] {
            assert!(bad.parse::<Date>().is_err(), "{bad}");
        }
    }

    #[test]
    fn stamps_keep_their_decimals_and_are_equal_by_moment() {
        let a: Stamp = "2021-10-01 09:12:33.456700".parse().unwrap();
        let b: Stamp = "2021-10-01T09:12:33.4567".parse().unwrap();
        assert_eq!(a, b);
        assert_eq!(a.written(' '), "2021-10-01 09:12:33.456700");
        assert_eq!(b.to_string(), "2021-10-01T09:12:33.4567");
        assert_eq!(instant("2021-10-01T11:12:33.4567+02:00").unwrap(), b);
        assert_eq!(Stamp::new(i64::MAX).to_string(), "infinity");
        assert_eq!("1969-12-31T23:59:59.5".parse::<Stamp>().unwrap().micros, -500_000);
    }

    #[test]
    fn adding_months_stops_at_the_end_of_the_month() {
        let day: Date = "2024-01-31".parse().unwrap();
        assert_eq!(day.plus_months(1).unwrap().to_string(), "2024-02-29");
        assert_eq!(day.plus_months(-2).unwrap().to_string(), "2023-11-30");
    }
}
