//! Exact arithmetic on whole and decimal numbers. Knows nothing of expressions.

use crate::base::{
    decimal::Decimal,
    value::{Data, Value},
};
use std::fmt::Write;

/// A number that can be calculated with.
#[derive(Clone, Copy, Debug)]
pub enum Number {
    /// `digits / 10^scale`; whole numbers have scale 0.
    Exact { digits: i128, scale: u32 },
    /// Binary floating point: stays so, it has no exact digits.
    Float(f64),
}

use Number::{Exact, Float};

/// Why there is no result; fragments that fit after "failed to calculate: ".
pub const TOO_LONG: &str = "the result has more than 38 digits";
/// Not a finite number.
pub const NOT_FINITE: &str = "NaN and infinity cannot be calculated with";
const BY_ZERO: &str = "division by zero";
/// Digits after the point of a quotient that does not come out even.
const QUOTIENT_SCALE: u32 = 16;

/// Digits after the point that are calculated with at all.
const MAX_SCALE: u32 = 1000;

type Result<T> = std::result::Result<T, &'static str>;

impl Number {
    /// The number in a value, or nothing when it is none.
    pub fn of(value: &Value) -> Option<Result<Number>> {
        Some(match &value.data {
            Data::Int(n) => Ok(Exact { digits: i128::from(*n), scale: 0 }),
            Data::Decimal(decimal) => exact(decimal),
            Data::Float(f) if f.is_finite() => Ok(Float(*f)),
            Data::Float(_) => Err(NOT_FINITE),
            Data::Json(json) => return Number::of(json.tree()),
            _ => return None,
        })
    }

    /// An integer where it is whole and was made of integers (`scale` 0), else a decimal.
    pub fn data(self) -> Result<Data> {
        match self {
            Exact { digits, scale: 0 } => match i64::try_from(digits) {
                Ok(n) => Ok(Data::Int(n)),
                Err(_) => decimal(digits, 0).map(Data::Decimal),
            },
            Exact { digits, scale } => decimal(digits, scale).map(Data::Decimal),
            Float(f) if f.is_finite() => Ok(Data::Float(f)),
            Float(_) => Err(NOT_FINITE),
        }
    }

    fn float(self) -> f64 {
        match self {
            Exact { digits, scale } => digits as f64 / 10f64.powi(i32::try_from(scale).unwrap_or(i32::MAX)),
            Float(f) => f,
        }
    }

    /// Both with the same scale, or nothing when one is a float.
    fn aligned(self, other: Number) -> Result<Option<(i128, i128, u32)>> {
        let (Exact { digits: a, scale: s }, Exact { digits: b, scale: t }) = (self, other) else { return Ok(None) };
        let scale = s.max(t);
        Ok(Some((shift(a, scale - s)?, shift(b, scale - t)?, scale)))
    }

    /// The sum, with the longer scale.
    pub fn add(self, other: Number) -> Result<Number> {
        Ok(match self.aligned(other)? {
            Some((a, b, scale)) => Exact { digits: bounded(a.checked_add(b))?, scale },
            None => Float(self.float() + other.float()),
        })
    }

    /// The number with the other sign.
    pub fn negative(self) -> Number {
        match self {
            Exact { digits, scale } => Exact { digits: -digits, scale },
            Float(f) => Float(-f),
        }
    }

    /// The product; the scales add up.
    pub fn multiply(self, other: Number) -> Result<Number> {
        match (self, other) {
            (Exact { digits: a, scale: s }, Exact { digits: b, scale: t }) => {
                let scale = Some(s + t).filter(|scale| *scale <= MAX_SCALE).ok_or(TOO_LONG)?;
                Ok(Exact { digits: bounded(a.checked_mul(b))?, scale })
            }
            _ => Ok(Float(self.float() * other.float())),
        }
    }

    /// Whole when it comes out even, else a decimal rounded half away from zero.
    pub fn divide(self, other: Number) -> Result<Number> {
        let Some((a, b, _)) = self.aligned(other)? else {
            return if other.float() == 0.0 { Err(BY_ZERO) } else { Ok(Float(self.float() / other.float())) };
        };
        if b == 0 {
            return Err(BY_ZERO);
        }
        if a % b == 0 {
            return Ok(Exact { digits: a / b, scale: 0 });
        }
        let mut scale = QUOTIENT_SCALE;
        let shifted = loop {
            match shift(a, scale) {
                Ok(shifted) => break shifted,
                Err(why) if scale == 0 => return Err(why),
                Err(_) => scale -= 1,
            }
        };
        Ok(trimmed(rounded_quotient(shifted, b), scale))
    }

    /// The quotient rounded down to a whole number.
    pub fn floor_divide(self, other: Number) -> Result<Number> {
        match self.aligned(other)? {
            Some((_, 0, _)) => Err(BY_ZERO),
            Some((a, b, _)) => {
                Ok(Exact { digits: a.div_euclid(b) - i128::from(b < 0 && a.rem_euclid(b) != 0), scale: 0 })
            }
            None if other.float() == 0.0 => Err(BY_ZERO),
            None => Ok(Float((self.float() / other.float()).floor())),
        }
    }

    /// The remainder has the sign of the divisor, so that `a == (a // b) * b + a % b`.
    pub fn remainder(self, other: Number) -> Result<Number> {
        self.add(self.floor_divide(other)?.multiply(other)?.negative())
    }

    /// The number multiplied with itself.
    pub fn power(self, other: Number) -> Result<Number> {
        let Exact { digits: exponent @ 0..=127, scale: 0 } = other else {
            return Err("the exponent must be a whole number from 0 to 127");
        };
        (0..exponent).try_fold(Exact { digits: 1, scale: 0 }, |result, _| result.multiply(self))
    }

    /// The number without its sign.
    pub fn absolute(self) -> Number {
        match self {
            Exact { digits, scale } => Exact { digits: digits.abs(), scale },
            Float(f) => Float(f.abs()),
        }
    }

    /// To so many digits after the point: half away from zero, or always down or up.
    pub fn round(self, places: u32, way: Rounding) -> Result<Number> {
        let (digits, scale) = match self {
            Exact { digits, scale } => (digits, scale),
            Float(f) => match exact(&of_float(f)?)? {
                Exact { digits, scale } => (digits, scale),
                Float(_) => return Err(NOT_FINITE),
            },
        };
        if scale <= places {
            return Ok(Exact { digits: shift(digits, places - scale)?, scale: places });
        }
        let unit = shift(1, scale - places)?;
        let digits = match way {
            Rounding::Half => rounded_quotient(digits, unit),
            Rounding::Down => digits.div_euclid(unit),
            Rounding::Up => -(-digits).div_euclid(unit),
        };
        Ok(Exact { digits, scale: places })
    }

    /// The same text exactly for the same value; nothing for a binary number without exact digits.
    pub fn plain(self) -> Option<String> {
        let number = if let Float(f) = self { exact(&of_float(f).ok()?).ok()? } else { self };
        match number {
            Exact { digits, scale } => match trimmed(digits, scale) {
                Exact { digits, scale } => Some(format!("{digits}e-{scale}")),
                Float(_) => None,
            },
            Float(_) => None,
        }
    }

    /// Has no fraction, whatever its scale.
    pub fn is_whole(self) -> bool {
        match self {
            Exact { digits, scale } => shift(1, scale).is_ok_and(|unit| digits % unit == 0),
            Float(f) => f.fract() == 0.0,
        }
    }
}

/// Which way to round.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rounding {
    Half,
    Down,
    Up,
}

fn shift(digits: i128, places: u32) -> Result<i128> {
    bounded(10_i128.checked_pow(places).and_then(|unit| digits.checked_mul(unit)))
}

/// At most 38 digits: leaves room for a sign change and a carry everywhere.
fn bounded(digits: Option<i128>) -> Result<i128> {
    digits.filter(|digits| digits.unsigned_abs() < 10_u128.pow(38)).ok_or(TOO_LONG)
}

fn rounded_quotient(a: i128, b: i128) -> i128 {
    let (quotient, rest) = (a / b, a % b);
    let away = rest.unsigned_abs() >= b.unsigned_abs() - rest.unsigned_abs();
    quotient + if away { if (a < 0) == (b < 0) { 1 } else { -1 } } else { 0 }
}

fn trimmed(mut digits: i128, mut scale: u32) -> Number {
    while scale > 0 && digits % 10 == 0 {
        digits /= 10;
        scale -= 1;
    }
    Exact { digits, scale }
}

fn exact(decimal: &Decimal) -> Result<Number> {
    let text = decimal.as_str();
    if text.starts_with(|c: char| c.is_alphabetic()) || text == "-Infinity" {
        return Err(NOT_FINITE);
    }
    let digits = bounded(text.replace('.', "").parse().ok())?;
    let scale = u32::try_from(decimal.scale()).ok().filter(|scale| *scale <= MAX_SCALE).ok_or(TOO_LONG)?;
    Ok(Exact { digits, scale })
}

/// The decimal with these digits.
fn decimal(digits: i128, scale: u32) -> Result<Decimal> {
    let scale = scale as usize;
    let mut text = String::new();
    let _ = write!(text, "{:0width$}", digits.unsigned_abs(), width = scale + 1);
    if scale > 0 {
        text.insert(text.len() - scale, '.');
    }
    if digits < 0 {
        text.insert(0, '-');
    }
    text.parse().map_err(|_| TOO_LONG)
}

/// The shortest decimal that reads back as this binary number.
pub fn of_float(f: f64) -> Result<Decimal> {
    if f.is_finite() { format!("{f}").parse().map_err(|_| NOT_FINITE) } else { Err(NOT_FINITE) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn number(text: &str) -> Number {
        exact(&text.parse().unwrap()).unwrap()
    }

    fn shown(number: Result<Number>) -> String {
        match number.and_then(Number::data) {
            Ok(data) => Value::from(data).bare().into_owned(),
            Err(why) => why.into(),
        }
    }

    #[test]
    fn decimals_are_calculated_exactly_and_keep_their_scale() {
        assert_eq!(shown(number("0.1").add(number("0.2"))), "0.3");
        assert_eq!(shown(number("1.10").add(number("-1.10"))), "0.00");
        assert_eq!(shown(number("-0.05").multiply(number("3"))), "-0.15");
        assert_eq!(shown(number("6").divide(number("2"))), "3");
        assert_eq!(shown(number("1").divide(number("8"))), "0.125");
        assert_eq!(shown(number("-2").divide(number("3"))), "-0.6666666666666667");
        assert_eq!(shown(number("1").divide(number("0.00"))), BY_ZERO);
        assert_eq!(shown(number(&"9".repeat(38)).multiply(number("99"))), TOO_LONG);
    }

    #[test]
    fn floor_division_and_remainder_agree_for_every_sign() {
        for (a, b, quotient, rest) in [
            ("7", "2", "3", "1"),
            ("-7", "2", "-4", "1"),
            ("7", "-2", "-4", "-1"),
            ("-7", "-2", "3", "-1"),
            ("7.5", "2", "3", "1.5"),
        ] {
            assert_eq!(shown(number(a).floor_divide(number(b))), quotient, "{a} // {b}");
            assert_eq!(shown(number(a).remainder(number(b))), rest, "{a} % {b}");
        }
    }

    #[test]
    fn rounding_is_half_away_from_zero() {
        for (text, places, expected) in
            [("2.5", 0, "3"), ("-2.5", 0, "-3"), ("2.449", 1, "2.4"), ("2.45", 1, "2.5"), ("7", 2, "7.00")]
        {
            assert_eq!(shown(number(text).round(places, Rounding::Half)), expected, "{text}");
        }
        assert_eq!(shown(number("-2.1").round(0, Rounding::Up)), "-2");
        assert_eq!(shown(number("-2.1").round(0, Rounding::Down)), "-3");
        assert_eq!(shown(number("2").power(number("100"))), "1267650600228229401496703205376");
    }
}
