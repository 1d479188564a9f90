//! Operators that make a new value: exact numbers, joined texts and lists, dates and durations.

use super::{
    item::{Duration, Item},
    number::Number,
    run::{Result, Run, flat},
    syntax::{At, Operator},
};
use crate::base::{
    time::{DAY, Date, Stamp},
    value::{Data, Value},
};

impl Run<'_> {
    /// `-x`: a number or a duration.
    pub fn negative(&mut self, item: &Item, at: At) -> Result<Item> {
        if let Item::Duration(duration) = item {
            return Ok(Item::Duration(duration.negative()));
        }
        let value = self.present(item, at)?;
        match Number::of(&value) {
            Some(number) => match number.and_then(|n| n.negative().data()) {
                Ok(data) => Ok(Item::made(data)),
                Err(why) => self.fail(at, why),
            },
            None => self.fail(at, format!("`-` before {}", value.kind())),
        }
    }

    /// `left operator right`; `at` is the place of the whole.
    pub fn binary(&mut self, operator: Operator, left: (&Item, At), right: (&Item, At), at: At) -> Result<Item> {
        if operator == Operator::Join {
            let (a, b) = (self.characters(left.0, left.1)?, self.characters(right.0, right.1)?);
            let (a, b) = (a.as_str().unwrap_or(""), b.as_str().unwrap_or(""));
            self.make_text(a.len() + b.len(), at)?;
            return Ok(Item::made(format!("{a}{b}")));
        }
        if let (Item::List(_), _) | (_, Item::List(_)) = (left.0, right.0) {
            return self.lists(operator, left, right, at);
        }
        match (left.0, right.0, operator) {
            (Item::Duration(a), Item::Duration(b), Operator::Add) => return self.durations(*a, *b, 1, at),
            (Item::Duration(a), Item::Duration(b), Operator::Subtract) => return self.durations(*a, *b, -1, at),
            (_, Item::Duration(duration), Operator::Add) => return self.shift(left, *duration, at),
            (Item::Duration(duration), _, Operator::Add) => return self.shift(right, *duration, at),
            (_, Item::Duration(duration), Operator::Subtract) => return self.shift(left, duration.negative(), at),
            _ => {}
        }
        let (a, b) = (flat(self.present(left.0, left.1)?), flat(self.present(right.0, right.1)?));
        match (&a.data, &b.data) {
            (Data::List(_), _) | (_, Data::List(_)) => self.lists(operator, left, right, at),
            (Data::Text(a), Data::Text(b)) if operator == Operator::Add => {
                self.make_text(a.len() + b.len(), at)?;
                Ok(Item::made(format!("{a}{b}")))
            }
            (Data::Text(text), Data::Int(times)) | (Data::Int(times), Data::Text(text))
                if operator == Operator::Multiply =>
            {
                let times = usize::try_from(*times).unwrap_or(0);
                self.make_text(text.len().saturating_mul(times), at)?;
                Ok(Item::made(text.repeat(times)))
            }
            (Data::Date(a), Data::Date(b)) if operator == Operator::Subtract => {
                self.between(i64::from(a.0) * DAY, i64::from(b.0) * DAY, at)
            }
            (Data::Timestamp(a), Data::Timestamp(b)) | (Data::Instant(a), Data::Instant(b))
                if operator == Operator::Subtract =>
            {
                if a.is_finite() && b.is_finite() {
                    self.between(a.micros, b.micros, at)
                } else {
                    self.fail(at, "infinity has no distance")
                }
            }
            _ => self.numbers(operator, &a, &b, at),
        }
    }

    fn numbers(&mut self, operator: Operator, a: &Value, b: &Value, at: At) -> Result<Item> {
        let (Some(x), Some(y)) = (Number::of(a), Number::of(b)) else {
            let message = format!("`{}` does not work on {} and {}", sign(operator), a.kind(), b.kind());
            return match (&a.data, &b.data) {
                (Data::Text(_), _) | (_, Data::Text(_)) if operator == Operator::Add => {
                    self.fail_with_help(at, message, "`~` joins texts")
                }
                _ => self.fail_with_help(at, message, "convert a text with `| int`"),
            };
        };
        let result = x.and_then(|x| {
            let y = y?;
            match operator {
                Operator::Add => x.add(y),
                Operator::Subtract => x.add(y.negative()),
                Operator::Multiply => x.multiply(y),
                Operator::Divide => x.divide(y),
                Operator::FloorDivide => x.floor_divide(y),
                Operator::Remainder => x.remainder(y),
                Operator::Power => x.power(y),
                Operator::Join => Ok(x),
            }
        });
        match result.and_then(Number::data) {
            Ok(data) => Ok(Item::made(data)),
            Err(why) => self.fail(at, why),
        }
    }

    fn lists(&mut self, operator: Operator, left: (&Item, At), right: (&Item, At), at: At) -> Result<Item> {
        match operator {
            Operator::Add => {
                let (mut all, more) = (self.elements(left.0, left.1)?, self.elements(right.0, right.1)?);
                self.spend_elements(all.len() + more.len(), at)?;
                all.extend(more);
                Ok(Item::list(all))
            }
            Operator::Multiply => {
                let (list, times) = if matches!(right.0, Item::List(_)) { (right, left) } else { (left, right) };
                let times = usize::try_from(self.int(times.0, times.1)?).unwrap_or(0);
                let elements = self.elements(list.0, list.1)?;
                if elements.is_empty() {
                    return Ok(Item::list(elements));
                }
                self.spend_elements(elements.len().saturating_mul(times), at)?;
                Ok(Item::list(std::iter::repeat_n(elements, times).flatten().collect()))
            }
            _ => self.fail(at, format!("`{}` does not work on a list", sign(operator))),
        }
    }

    fn durations(&mut self, a: Duration, b: Duration, sign: i64, at: At) -> Result<Item> {
        let sum = |a: i64, b: i64| b.checked_mul(sign).and_then(|b| a.checked_add(b));
        match sum(a.months, b.months)
            .zip(sum(a.micros, b.micros))
            .and_then(|(months, micros)| Duration::new(months, micros))
        {
            Some(duration) => Ok(Item::Duration(duration)),
            None => self.fail(at, "the duration is too long"),
        }
    }

    fn between(&mut self, a: i64, b: i64, at: At) -> Result<Item> {
        match a.checked_sub(b).and_then(|micros| Duration::new(0, micros)) {
            Some(duration) => Ok(Item::Duration(duration)),
            None => self.fail(at, "the duration is too long"),
        }
    }

    /// A date or moment, so much later.
    fn shift(&mut self, (item, item_at): (&Item, At), duration: Duration, at: At) -> Result<Item> {
        let value = self.present(item, item_at)?;
        let shifted = match &value.data {
            Data::Date(_) if duration.micros % DAY != 0 => {
                return self.fail_with_help(
                    at,
                    "a date has no time of day: only whole days can be added",
                    "make a timestamp of it: `| timestamp`",
                );
            }
            Data::Date(Date(i32::MIN | i32::MAX)) => Some(value.data.clone()),
            Data::Date(date) => later_date(*date, duration).map(Data::Date),
            Data::Timestamp(stamp) => later(*stamp, duration).map(Data::Timestamp),
            Data::Instant(stamp) => later(*stamp, duration).map(Data::Instant),
            Data::Text(_) => {
                return self.fail_with_help(at, "a duration is added to a text", "make a date of it: `| date`");
            }
            _ => return self.fail(at, format!("a duration cannot be added to {}", value.kind())),
        };
        match shifted {
            Some(data) => Ok(Item::made(data)),
            None => self.fail(at, "the date lies outside of what databases can hold"),
        }
    }
}

fn later_date(date: Date, duration: Duration) -> Option<Date> {
    let moved = if duration.months == 0 { date } else { date.plus_months(duration.months)? };
    let days = i64::from(moved.0).checked_add(duration.micros / DAY)?;
    let date = Date(i32::try_from(days).ok()?);
    let (year, month, day) = date.ymd();
    Date::from_ymd(year, month, day)
}

fn later(stamp: Stamp, duration: Duration) -> Option<Stamp> {
    if !stamp.is_finite() {
        return Some(stamp);
    }
    let date = later_date(stamp.date(), Duration { months: duration.months, micros: 0 })?;
    let micros =
        i64::from(date.0).checked_mul(DAY)?.checked_add(stamp.micros.rem_euclid(DAY))?.checked_add(duration.micros)?;
    let moved = Stamp { micros, digits: stamp.digits.max(Stamp::new(micros).digits) };
    moved.is_finite().then_some(moved)
}

fn sign(operator: Operator) -> &'static str {
    match operator {
        Operator::Add => "+",
        Operator::Subtract => "-",
        Operator::Multiply => "*",
        Operator::Divide => "/",
        Operator::FloorDivide => "//",
        Operator::Remainder => "%",
        Operator::Power => "**",
        Operator::Join => "~",
    }
}
