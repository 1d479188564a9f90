//! Times of day at which no step starts: `not: ["00:30-02:00"]` in a zone, with a margin before each.
//!
//! A time of day that a change of the clocks leaves out or repeats is taken so that the span is as long as it can be: it is
//! meant to keep away from something, and too long does no harm.

use crate::{
    base::{
        diagnostic::Diagnostic,
        shape::{BAD_FORM, FromNode, Length, Lowering, Word},
        time::Stamp,
        yaml::Node,
    },
    shape,
};
use jiff::{Timestamp, ToSpan, civil, tz::TimeZone};
use std::time::Duration;

shape! {
    /// When the run stands still. Looked at before every step; what has begun is ended first.
    "a window" pub struct Window {
        /// Times of day at which no step starts: `["00:30-02:00"]`. One that ends before it begins goes over midnight.
        #[schemars(default)]
        not: Vec<Span>,
        /// The zone of these times, for example `Europe/London`. Default: UTC.
        zone: Option<Zone>,
        /// No step starts so long before such a time either.
        margin: Option<Length>,
    }
}

/// `00:30-02:00`: minutes of a day, the second one excluded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Span {
    /// Hour and minute.
    pub from: (i8, i8),
    /// Hour and minute; before `from` it is of the next day. `24:00` is midnight.
    pub to: (i8, i8),
}

impl Span {
    /// Reads `00:30-02:00`.
    pub fn parse(text: &str) -> Option<Span> {
        let (from, to) = text.split_once('-')?;
        let (from, to) = (minute(from.trim())?, minute(to.trim())?);
        let to = if to == (24, 0) { (0, 0) } else { to };
        (from.0 < 24 && from != to).then_some(Span { from, to })
    }
}

fn minute(text: &str) -> Option<(i8, i8)> {
    let (hour, minute) = text.split_once(':')?;
    let digits = |t: &str| (t.len() == 2 && t.bytes().all(|b| b.is_ascii_digit())).then(|| t.parse::<i8>().ok())?;
    let (hour, minute) = (digits(hour)?, digits(minute)?);
    ((hour < 24 && minute < 60) || (hour, minute) == (24, 0)).then_some((hour, minute))
}

impl FromNode for Span {
    fn from_node(node: &Node, cx: &mut Lowering<'_>) -> Option<Self> {
        let Node::Scalar(s) = node else { return cx.wrong_type(node, "times of day such as `\"00:30-02:00\"`") };
        Span::parse(&s.text).or_else(|| {
            cx.push(
                Diagnostic::error(&BAD_FORM, s.span, format!("`{}` is not two times of day", s.text))
                    .help("write hours and minutes: `\"00:30-02:00\"`"),
            );
            None
        })
    }
}
crate::plain_schema!(Span, { "type": "string", "pattern": "^[0-2][0-9]:[0-5][0-9] ?- ?[0-2][0-9]:[0-5][0-9]$", "examples": ["00:30-02:00"] });

/// A time zone by its name.
#[derive(Clone, Debug)]
pub struct Zone {
    /// As written: `Europe/London`.
    pub name: Word,
    zone: TimeZone,
}

impl Zone {
    /// Its rules.
    pub fn rules(&self) -> &TimeZone {
        &self.zone
    }
}

impl FromNode for Zone {
    fn from_node(node: &Node, cx: &mut Lowering<'_>) -> Option<Self> {
        let name = Word::from_node(node, cx)?;
        match TimeZone::get(name.as_str()) {
            Ok(zone) => Some(Zone { name, zone }),
            Err(_) => {
                cx.push(
                    Diagnostic::error(&BAD_FORM, name.span, format!("there is no time zone `{}`", name.as_str()))
                        .help("write a name of the IANA list: `Europe/London`, `UTC`"),
                );
                None
            }
        }
    }
}
crate::plain_schema!(Zone, { "type": "string", "examples": ["Europe/London", "UTC"] });

/// More spans than these that touch one another are taken as one that never ends in time.
const MOST_CHAINED: usize = 64;

impl Window {
    /// Until when no step may start, if none may now. Spans that touch one another are one.
    pub fn shut_until(&self, now: Stamp) -> Option<Stamp> {
        let mut at = self.one(now)?;
        for _ in 0..MOST_CHAINED {
            match self.one(at) {
                Some(later) if later > at => at = later,
                _ => break,
            }
        }
        Some(at)
    }

    /// The end of the latest span that holds now.
    fn one(&self, now: Stamp) -> Option<Stamp> {
        let zone = self.zone.as_ref().map_or(TimeZone::UTC, |zone| zone.zone.clone());
        let at = Timestamp::from_microsecond(now.micros).ok()?;
        let margin = self.margin.map_or(Duration::ZERO, |length| length.0);
        let margin = i64::try_from(margin.as_micros()).unwrap_or(i64::MAX);
        let today = at.to_zoned(zone.clone()).date();
        // A margin of days reaches over several midnights.
        let reach = margin / crate::base::time::DAY + 1;
        let mut latest = None;
        for days in -1..=reach.min(31) {
            let Ok(day) = today.checked_add(days.days()) else { continue };
            for span in &self.not {
                let Some((from, to)) = bounds(span, day, &zone) else { continue };
                if from.saturating_sub(margin) <= now.micros && now.micros < to {
                    latest = latest.max(Some(to));
                }
            }
        }
        latest.map(|micros| Stamp { micros, digits: 6 })
    }

    /// `08:15 Europe/London`: a moment as people of the zone say it.
    pub fn clock(&self, at: Stamp) -> String {
        let zone = self.zone.as_ref().map_or(TimeZone::UTC, |zone| zone.zone.clone());
        let name = self.zone.as_ref().map_or("UTC", |zone| zone.name.as_str());
        match Timestamp::from_microsecond(at.micros) {
            Ok(moment) => {
                let zoned = moment.to_zoned(zone);
                format!("{:02}:{:02} {name}", zoned.hour(), zoned.minute())
            }
            Err(_) => at.written(' '),
        }
    }
}

/// The moments, in microseconds, between which a span of this day lies: the earliest beginning and the latest end.
fn bounds(span: &Span, day: civil::Date, zone: &TimeZone) -> Option<(i64, i64)> {
    let over_midnight = span.to <= span.from;
    let last = if over_midnight { day.tomorrow().ok()? } else { day };
    let from = zone.to_ambiguous_timestamp(day.at(span.from.0, span.from.1, 0, 0)).earlier().ok()?;
    let to = zone.to_ambiguous_timestamp(last.at(span.to.0, span.to.1, 0, 0)).later().ok()?;
    Some((from.as_microsecond(), to.as_microsecond()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::{diagnostic::Diagnostics, source::Source, time, yaml};

    fn window(text: &str) -> Window {
        let source = Source::new("w", text);
        let mut problems = Diagnostics::new(source.clone());
        let node = yaml::parse(&source, yaml::LIMITS, &mut problems).unwrap();
        Window::from_node(&node, &mut Lowering::new(&mut problems)).unwrap_or_else(|| panic!("{problems:?}"))
    }

    fn at(text: &str) -> Stamp {
        time::instant(text).unwrap()
    }

    fn until(window: &Window, now: &str) -> Option<String> {
        window.shut_until(at(now)).map(|at| Stamp { digits: 0, ..at }.written('T'))
    }

    #[test]
    fn a_time_of_day_is_looked_at_in_its_zone_with_its_margin() {
        let window = window("{ not: [\"00:30-02:00\", \"03:30-05:00\"], zone: Europe/London, margin: 15m }");
        // In July London is an hour ahead.
        assert_eq!(until(&window, "2025-07-01T23:14:59Z"), None);
        assert_eq!(until(&window, "2025-07-01T23:15:00Z").as_deref(), Some("2025-07-02T01:00:00"));
        assert_eq!(until(&window, "2025-07-02T00:59:59Z").as_deref(), Some("2025-07-02T01:00:00"));
        assert_eq!(until(&window, "2025-07-02T01:00:00Z"), None);
        assert_eq!(until(&window, "2025-07-02T02:20:00Z").as_deref(), Some("2025-07-02T04:00:00"));
        assert_eq!(window.clock(at("2025-07-02T01:00:00Z")), "02:00 Europe/London");
    }

    #[test]
    fn the_night_in_which_the_clocks_go_forward_leaves_no_gap() {
        // 30 March 2025, 01:00 GMT is 02:00 BST: 01:30 does not exist.
        let window = window("{ not: [\"01:30-02:30\"], zone: Europe/London }");
        assert_eq!(until(&window, "2025-03-30T00:29:59Z"), None);
        assert_eq!(until(&window, "2025-03-30T00:30:00Z").as_deref(), Some("2025-03-30T01:30:00"));
        assert_eq!(until(&window, "2025-03-30T01:29:00Z").as_deref(), Some("2025-03-30T01:30:00"));
        assert_eq!(until(&window, "2025-03-30T01:30:00Z"), None);
    }

    #[test]
    fn the_night_in_which_the_clocks_go_back_is_shut_for_both_hours() {
        // 26 October 2025, 02:00 BST is 01:00 GMT: 01:30 is there twice.
        let window = window("{ not: [\"01:15-01:45\"], zone: Europe/London }");
        assert_eq!(until(&window, "2025-10-26T00:14:00Z"), None);
        for now in ["2025-10-26T00:15:00Z", "2025-10-26T00:50:00Z", "2025-10-26T01:44:00Z"] {
            assert_eq!(until(&window, now).as_deref(), Some("2025-10-26T01:45:00"), "{now}");
        }
        assert_eq!(until(&window, "2025-10-26T01:45:00Z"), None);
    }

    #[test]
    fn spans_over_midnight_and_spans_that_touch_are_one() {
        let window = window("{ not: [\"22:00-24:00\", \"00:00-06:00\", \"06:00-06:30\"] }");
        assert_eq!(until(&window, "2025-07-01T22:00:00Z").as_deref(), Some("2025-07-02T06:30:00"));
        assert_eq!(until(&window, "2025-07-01T21:59:59Z"), None);
        let night = super::tests::window("{ not: [\"23:00-05:00\"] }");
        assert_eq!(until(&night, "2025-07-01T01:00:00Z").as_deref(), Some("2025-07-01T05:00:00"));
        // All day: there is an end all the same, far away, and the run waits instead of spinning.
        let always = super::tests::window("{ not: [\"00:00-12:00\", \"12:00-24:00\"] }");
        assert!(always.shut_until(at("2025-07-01T01:00:00Z")).is_some_and(|end| end > at("2025-07-20T00:00:00Z")));
    }

    #[test]
    fn twenty_zones_agree_with_a_minute_by_minute_look_at_the_wall() {
        let zones = [
            "Europe/London",
            "Europe/Berlin",
            "America/New_York",
            "America/St_Johns",
            "Australia/Lord_Howe",
            "Pacific/Auckland",
            "America/Santiago",
            "Asia/Kolkata",
            "UTC",
            "Africa/Cairo",
            "America/Havana",
            "Asia/Beirut",
            "Atlantic/Azores",
            "America/Asuncion",
            "Pacific/Chatham",
            "Europe/Dublin",
            "America/Sao_Paulo",
            "Africa/Casablanca",
            "Asia/Tehran",
            "Antarctica/Troll",
        ];
        for name in zones {
            let zone = TimeZone::get(name).unwrap();
            let window = window(&format!("{{ not: [\"01:10-02:40\", \"23:30-00:20\"], zone: {name} }}"));
            let first = at("2025-01-01T00:00:00Z").micros;
            let mut moments = Vec::new();
            // Around every change of the clocks in the year, and on one quiet day.
            let changes = zone.following(Timestamp::from_microsecond(first).unwrap()).take(3);
            moments.extend(changes.map(|change| change.timestamp().as_microsecond()));
            moments.push(first);
            for moment in moments {
                for minutes in (-600..600).step_by(5) {
                    let now = moment + minutes * 60_000_000;
                    let wall = Timestamp::from_microsecond(now).unwrap().to_zoned(zone.clone());
                    let minute = i32::from(wall.hour()) * 60 + i32::from(wall.minute());
                    let inside = (70..160).contains(&minute) || !(20..1410).contains(&minute);
                    // Whatever the wall says, the run stands still; around a change it may stand still longer.
                    let shut = window.shut_until(Stamp { micros: now, digits: 6 });
                    assert!(!inside || shut.is_some(), "{name} {wall}");
                    assert!(shut.is_none_or(|until| until.micros > now), "{name} {wall}");
                }
            }
        }
    }

    #[test]
    fn what_is_no_time_of_day_is_refused() {
        for text in ["1:00-2:00", "24:00-01:00", "00:60-01:00", "01:00-01:00", "01:00", "a-b", "01:00-25:00"] {
            assert_eq!(Span::parse(text), None, "{text}");
        }
        assert_eq!(Span::parse("22:00 - 24:00"), Some(Span { from: (22, 0), to: (0, 0) }));
    }
}
