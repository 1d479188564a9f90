//! Filters on numbers.

use super::Given;
use crate::{
    base::{
        decimal::Decimal,
        value::{Data, Value},
    },
    template::{
        compare,
        item::Item,
        number::{Number, Rounding},
        run::{Result, Run, flat},
    },
};

fn number(run: &mut Run<'_>, given: &Given) -> Result<Number> {
    let value = run.present(&given.subject, given.subject_at)?;
    match Number::of(&value) {
        Some(Ok(number)) => Ok(number),
        Some(Err(why)) => run.fail(given.subject_at, why),
        None => {
            let message = format!("`{}` is {}, not a number", run.written(given.subject_at), value.kind());
            run.fail_with_help(given.subject_at, message, "`| int` or `| decimal` reads a text as a number")
        }
    }
}

fn made(run: &mut Run<'_>, given: &Given, result: std::result::Result<Number, &'static str>) -> Result<Item> {
    match result.and_then(Number::data) {
        Ok(data) => Ok(Item::made(data)),
        Err(why) => run.fail(given.at, why),
    }
}

pub fn abs(run: &mut Run<'_>, given: &Given) -> Result<Item> {
    let number = number(run, given)?;
    made(run, given, Ok(number.absolute()))
}

pub fn round(run: &mut Run<'_>, given: &Given) -> Result<Item> {
    let number = number(run, given)?;
    let precision = match given.arg("precision") {
        Some((item, at)) => run.int(item, *at)?,
        None => 0,
    };
    let Ok(places @ 0..=20) = u32::try_from(precision) else {
        return run.fail(given.at, "the precision is a number from 0 to 20");
    };
    let way = match given.arg("method") {
        Some((item, at)) => match &*run.text(item, *at)? {
            "common" => Rounding::Half,
            "floor" => Rounding::Down,
            "ceil" => Rounding::Up,
            _ => return run.fail(*at, "the method is 'common', 'floor' or 'ceil'"),
        },
        None => Rounding::Half,
    };
    made(run, given, number.round(places, way))
}

pub fn int(run: &mut Run<'_>, given: &Given) -> Result<Item> {
    let value = flat(run.present(&given.subject, given.subject_at)?);
    match &value.data {
        Data::Int(n) => Ok(Item::made(*n)),
        Data::Text(text) => match text.trim().parse::<i64>() {
            Ok(n) => Ok(Item::made(n)),
            Err(_) => run.fail(given.subject_at, format!("`{}` is no whole number", run.written(given.subject_at))),
        },
        _ => {
            let number = number(run, given)?;
            if !number.is_whole() {
                return run.fail_with_help(
                    given.subject_at,
                    "the number has a fraction",
                    "say how to round it: `| round`",
                );
            }
            made(run, given, number.round(0, Rounding::Half))
        }
    }
}

pub fn decimal(run: &mut Run<'_>, given: &Given) -> Result<Item> {
    let value = flat(run.present(&given.subject, given.subject_at)?);
    let decimal: Option<Decimal> = match &value.data {
        Data::Text(text) => text.trim().parse().ok(),
        _ => compare::decimal(&value),
    };
    match decimal {
        Some(decimal) => Ok(Item::made(Value::from(Data::Decimal(decimal)))),
        None => run.fail(given.subject_at, format!("`{}` is no decimal number", run.written(given.subject_at))),
    }
}
