//! Cron texts, and the moments that they name in a time zone.
//!
//! `croner` reads the text and finds the times of the wall clock; what these mean on the nights in which the clocks change is
//! decided here (E1). Each moment is named by its wall time and its moment in UTC, so that an hour that comes twice has two
//! names:
//!
//! - At fixed hours (`30 2 * * *`, `0 1,2,3 * * *`): a time that is left out comes at the first moment after the gap, once; one
//!   that is repeated comes the first time only.
//! - Hour by hour (an hour field that begins with `*`): what is left out is left out, what is repeated comes twice, in the order
//!   of real time.

use crate::base::{
    counted::counted,
    diagnostic::Diagnostic,
    shape::{BAD_FORM, FromNode, Lowering, Word},
    time::Stamp,
    yaml::Node,
};
use croner::parser::{CronParser, Seconds, Year};
use jiff::{
    Timestamp,
    civil::DateTime,
    tz::{AmbiguousOffset, TimeZone},
};
use std::sync::Arc;

/// When something happens again and again: minute, hour, day of the month, month, weekday.
#[derive(Clone, Debug)]
pub struct Cron {
    /// As written.
    pub text: Arc<str>,
    /// Where.
    pub at: crate::base::source::Span,
    pattern: croner::Cron,
    /// It happens hour by hour, not at set hours.
    hourly: bool,
}

/// One moment that a cron text names.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Moment {
    /// What the text names on the wall clock: `2025-03-30T02:30:00`; in a gap the wall never shows it.
    pub wall: Arc<str>,
    /// When it really is.
    pub at: Stamp,
}

/// Names for usual times.
const NAMES: &[(&str, &str)] = &[
    ("@hourly", "0 * * * *"),
    ("@daily", "0 0 * * *"),
    ("@midnight", "0 0 * * *"),
    ("@weekly", "0 0 * * 0"),
    ("@monthly", "0 0 1 * *"),
    ("@yearly", "0 0 1 1 *"),
    ("@annually", "0 0 1 1 *"),
];

/// What stands where, in words.
const FIELDS: [(&str, &str); 5] = [
    ("minute", "0 to 59"),
    ("hour", "0 to 23"),
    ("day of the month", "1 to 31"),
    ("month", "1 to 12, or JAN to DEC"),
    ("weekday", "0 to 7, or SUN to SAT"),
];

/// The first field that cannot be read even where it stands alone: the parser's own words do not name it.
fn wrong_field(parser: &CronParser, fields: &str) -> Option<String> {
    fields.split_whitespace().zip(FIELDS).enumerate().find_map(|(index, (field, (name, range)))| {
        let mut alone = ["*"; FIELDS.len()];
        alone[index] = field;
        parser.parse(&alone.join(" ")).err().map(|_| format!("`{field}` is no {name} ({range})"))
    })
}

/// A sentence of the parser's as a fragment.
fn in_lower_case(sentence: &str) -> String {
    let mut characters = sentence.trim_end_matches('.').chars();
    characters.next().map_or_else(String::new, |first| first.to_lowercase().chain(characters).collect())
}

impl Cron {
    /// Reads five fields, or one of the names. The error is a fragment.
    pub fn parse(text: &str) -> Result<Cron, String> {
        let text = text.trim();
        let fields = NAMES.iter().find(|(name, _)| *name == text).map_or(text, |(_, fields)| fields);
        let found = fields.split_whitespace().count();
        if found != 5 {
            let found = counted(found, "field");
            return Err(format!("has {found}, and five are needed: minute hour day month weekday"));
        }
        let parser = CronParser::builder().seconds(Seconds::Disallowed).year(Year::Disallowed).build();
        let pattern = parser.parse(fields).map_err(|error| {
            format!(
                "cannot be read: {}",
                wrong_field(&parser, fields).unwrap_or_else(|| in_lower_case(&error.to_string()))
            )
        })?;
        let hourly = fields.split_whitespace().nth(1).is_some_and(|hour| hour.starts_with('*'));
        let cron = Cron { text: text.into(), at: Default::default(), pattern, hourly };
        // Eight years, because the 29th of February may be that far away.
        let (from, to) = (DateTime::constant(2096, 3, 1, 0, 0, 0, 0), DateTime::constant(2104, 3, 2, 0, 0, 0, 0));
        match cron.pattern.find_next_occurrence(&from, true) {
            Ok(first) if first < to => Ok(cron),
            _ => Err("names a date that no calendar has".to_owned()),
        }
    }

    /// Everything behind `after` up to `until`, in order, at most so many.
    pub fn between(&self, zone: &TimeZone, after: Stamp, until: Stamp, most: usize) -> Vec<Moment> {
        let mut found: Vec<Moment> = Vec::new();
        let mut from = after.micros;
        while from < until.micros && found.len() < most {
            let to = until.micros.min(from.saturating_add(STRETCH));
            let stretch = self.stretch(zone, from, to);
            if stretch.is_empty() {
                // Nothing for a while: straight to the next time that there is.
                let Some(next) = self.after_quiet(zone, to) else { break };
                from = next.max(to);
                continue;
            }
            found.extend(stretch);
            from = to;
        }
        found.truncate(most);
        found
    }

    /// The last one at or before this moment, looking back no further than `since`.
    pub fn last(&self, zone: &TimeZone, since: Stamp, until: Stamp) -> Option<Moment> {
        let mut to = until.micros;
        while to > since.micros {
            let from = since.micros.max(to.saturating_sub(STRETCH));
            if let Some(last) = self.stretch(zone, from, to).pop() {
                return Some(last);
            }
            to = from;
        }
        None
    }

    /// The next ones.
    pub fn next(&self, zone: &TimeZone, after: Stamp, count: usize) -> Vec<Moment> {
        // Whatever it names comes within these years (the 29th of February after 2096); each of them may take as long.
        let each = i64::try_from(count).unwrap_or(i64::MAX).max(1).saturating_mul(9 * 366 * crate::base::time::DAY);
        let until = Stamp { micros: after.micros.saturating_add(each), digits: 6 };
        self.between(zone, after, until, count)
    }

    /// A little before the next time behind `from`.
    fn after_quiet(&self, zone: &TimeZone, from: i64) -> Option<i64> {
        let wall = wall_of(zone, from)?;
        let next = self.pattern.find_next_occurrence(&wall, true).ok()?;
        let at = zone.to_ambiguous_timestamp(next).earlier().ok()?;
        Some(at.as_microsecond().saturating_sub(2 * crate::base::time::DAY))
    }

    /// All of a short time, sorted by when they really are.
    fn stretch(&self, zone: &TimeZone, after: i64, until: i64) -> Vec<Moment> {
        let mut found = Vec::new();
        // Clocks change by a day at most: no time further away can fall into this stretch.
        let reach = |micros: i64, days: i64| wall_of(zone, micros.saturating_add(days * crate::base::time::DAY));
        let (Some(mut wall), Some(end)) = (reach(after, -2), reach(until, 2)) else { return found };
        let mut first = true;
        while let Ok(next) = self.pattern.find_next_occurrence(&wall, first) {
            if next > end {
                break;
            }
            self.meant(zone, next, &mut found);
            (wall, first) = (next, false);
        }
        found.retain(|moment| after < moment.at.micros && moment.at.micros <= until);
        // Stable: of several times in one gap the first stays.
        found.sort_by_key(|moment| moment.at.micros);
        found.dedup_by_key(|moment| moment.at.micros);
        found
    }

    /// What a time of the wall clock means.
    fn meant(&self, zone: &TimeZone, wall: DateTime, found: &mut Vec<Moment>) {
        let ambiguous = zone.to_ambiguous_timestamp(wall);
        let mut add = |at: Option<Timestamp>| {
            let at = at.map(|at| Stamp { micros: at.as_microsecond(), digits: 6 });
            found.extend(at.map(|at| Moment { wall: wall.to_string().into(), at }));
        };
        match ambiguous.offset() {
            AmbiguousOffset::Unambiguous { .. } => add(ambiguous.compatible().ok()),
            AmbiguousOffset::Fold { .. } if self.hourly => {
                add(ambiguous.earlier().ok());
                add(ambiguous.later().ok());
            }
            AmbiguousOffset::Fold { .. } => add(ambiguous.earlier().ok()),
            AmbiguousOffset::Gap { .. } if self.hourly => {}
            AmbiguousOffset::Gap { .. } => {
                // The later reading of a time in a gap lies before the change, the earlier one behind it.
                let before = ambiguous.earlier().ok();
                add(before.and_then(|before| zone.following(before).next()).map(|change| change.timestamp()));
            }
        }
    }
}

/// What the wall clock of a zone shows at a moment.
pub fn wall(zone: &TimeZone, at: Stamp) -> String {
    wall_of(zone, at.micros).map_or_else(|| at.written('T'), |wall| wall.to_string())
}

/// Why a time does not begin as its wall clock reads: the clocks of the zone change.
pub fn oddity(zone: &TimeZone, moment: &Moment) -> Option<String> {
    let wall: DateTime = moment.wall.parse().ok()?;
    let of_day = |wall: DateTime| format!("{:02}:{:02}", wall.hour(), wall.minute());
    match zone.to_ambiguous_timestamp(wall).offset() {
        AmbiguousOffset::Unambiguous { .. } => None,
        AmbiguousOffset::Gap { .. } => {
            let begins = wall_of(zone, moment.at.micros)?;
            Some(format!("the clocks leave {} out that day: it comes at {}", of_day(wall), of_day(begins)))
        }
        AmbiguousOffset::Fold { .. } => {
            let first = zone.to_ambiguous_timestamp(wall).earlier().ok()?.as_microsecond() == moment.at.micros;
            let which = if first { "first" } else { "second" };
            Some(format!("the clocks show {} twice that day: this is the {which} one", of_day(wall)))
        }
    }
}

/// So much time is looked through at once.
const STRETCH: i64 = 8 * crate::base::time::DAY;

fn wall_of(zone: &TimeZone, micros: i64) -> Option<DateTime> {
    let at = Timestamp::from_microsecond(micros).ok()?;
    Some(zone.to_datetime(at))
}

impl FromNode for Cron {
    fn from_node(node: &Node, cx: &mut Lowering<'_>) -> Option<Self> {
        let word = Word::from_node(node, cx)?;
        match Cron::parse(word.as_str()) {
            Ok(cron) => Some(Cron { at: word.span, ..cron }),
            Err(why) => {
                cx.push(
                    Diagnostic::error(&BAD_FORM, word.span, format!("`{}` {why}", word.as_str()))
                        .help("write minute, hour, day of the month, month and weekday: `30 2 * * *` is half past two every night"),
                );
                None
            }
        }
    }
}
crate::plain_schema!(Cron, { "type": "string", "examples": ["30 2 * * *", "0 7 * * MON-FRI", "@hourly"] });
