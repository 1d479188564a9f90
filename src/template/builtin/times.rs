//! Dates, moments and durations.

use super::Given;
use crate::{
    base::{
        time::{self, DAY, Date, Stamp},
        value::{Data, Marks, Value},
    },
    template::{
        item::{Duration, Item},
        run::{Result, Run, flat},
    },
};

pub fn now(run: &mut Run<'_>, given: &Given) -> Result<Item> {
    match run.scope.now() {
        Some(now) => Ok(Item::made(Value::from(Data::Instant(now)).marked(Marks::CLOCK))),
        None => run.fail(given.at, "there is no clock here"),
    }
}

pub fn days(run: &mut Run<'_>, given: &Given) -> Result<Item> {
    duration(run, given, |n| Duration::new(0, n.checked_mul(DAY)?))
}

pub fn hours(run: &mut Run<'_>, given: &Given) -> Result<Item> {
    duration(run, given, |n| Duration::new(0, n.checked_mul(DAY / 24)?))
}

pub fn minutes(run: &mut Run<'_>, given: &Given) -> Result<Item> {
    duration(run, given, |n| Duration::new(0, n.checked_mul(60_000_000)?))
}

pub fn months(run: &mut Run<'_>, given: &Given) -> Result<Item> {
    duration(run, given, |n| Duration::new(n, 0))
}

pub fn written(run: &mut Run<'_>, given: &Given) -> Result<Item> {
    let Some((item, at)) = given.arg("text") else { return run.fail(given.at, "a text is missing") };
    let text = run.text(item, *at)?;
    let length = text.parse::<crate::base::shape::Length>().ok();
    let micros = length.and_then(|length| i64::try_from(length.0.as_micros()).ok());
    match micros.and_then(|micros| Duration::new(0, micros)) {
        Some(duration) => Ok(Item::Duration(duration)),
        None => run.fail(*at, format!("`{}` is not a length of time like 7d", run.written(*at))),
    }
}

fn duration(run: &mut Run<'_>, given: &Given, of: impl Fn(i64) -> Option<Duration>) -> Result<Item> {
    let Some((item, at)) = given.arg("n") else { return run.fail(given.at, "a number is missing") };
    match of(run.int(item, *at)?) {
        Some(duration) => Ok(Item::Duration(duration)),
        None => run.fail(*at, "the duration is too long"),
    }
}

pub fn date(run: &mut Run<'_>, given: &Given) -> Result<Item> {
    let value = flat(run.present(&given.subject, given.subject_at)?);
    let date = match &value.data {
        Data::Date(date) => Some(*date),
        Data::Timestamp(stamp) | Data::Instant(stamp) => Some(stamp.date()),
        Data::Text(text) => text.parse::<Date>().ok().or_else(|| moment(text).map(Stamp::date)),
        _ => return no_time(run, given, &value),
    };
    read(run, given, date.map(Data::Date), "a date like 2025-07-23")
}

pub fn timestamp(run: &mut Run<'_>, given: &Given) -> Result<Item> {
    let value = flat(run.present(&given.subject, given.subject_at)?);
    let stamp = match &value.data {
        Data::Date(date) => Some(date.midnight()),
        Data::Timestamp(stamp) | Data::Instant(stamp) => Some(*stamp),
        Data::Text(text) => moment(text).or_else(|| text.parse::<Date>().ok().map(Date::midnight)),
        _ => return no_time(run, given, &value),
    };
    read(run, given, stamp.map(Data::Timestamp), "a timestamp like 2025-07-23T10:00:00")
}

pub fn instant(run: &mut Run<'_>, given: &Given) -> Result<Item> {
    let value = flat(run.present(&given.subject, given.subject_at)?);
    let stamp = match &value.data {
        Data::Instant(stamp) => Some(*stamp),
        Data::Text(text) => time::instant(text).ok(),
        Data::Timestamp(_) => {
            return run.fail_with_help(
                given.subject_at,
                "a timestamp has no zone, so its moment is not known",
                "compare times without a zone: `now() | timestamp` is the present one, in UTC",
            );
        }
        _ => return no_time(run, given, &value),
    };
    read(run, given, stamp.map(Data::Instant), "a moment with a zone like 2025-07-23T10:00:00Z")
}

/// A text with or without a zone; with one, in UTC.
fn moment(text: &str) -> Option<Stamp> {
    text.parse().or_else(|_| time::instant(text)).ok()
}

fn read(run: &mut Run<'_>, given: &Given, data: Option<Data>, form: &str) -> Result<Item> {
    match data {
        Some(data) => Ok(Item::made(data)),
        None => run.fail(given.subject_at, format!("`{}` is not {form}", run.written(given.subject_at))),
    }
}

fn no_time<T>(run: &Run<'_>, given: &Given, value: &Value) -> Result<T> {
    run.fail(given.subject_at, format!("`{}` is {}, not a date or moment", run.written(given.subject_at), value.kind()))
}
