//! T8: time. What is fired is compared with a model that was written without looking at the code: it walks through real
//! time minute by minute and looks at the wall clock of the zone, as a person with a good watch would.

use super::{
    cron::{Cron, Moment},
    due::{Decision, History, Overlap, Settled, Times, decide, delay},
};
use crate::base::time::{self, DAY, Stamp};
use jiff::{Timestamp, civil::DateTime, tz::TimeZone};
use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

const MINUTE: i64 = 60_000_000;
const HOUR: i64 = 60 * MINUTE;

const ZONES: [&str; 20] = [
    "Europe/London",
    "Europe/Berlin",
    "America/New_York",
    "America/St_Johns",
    "Australia/Lord_Howe",
    "Pacific/Auckland",
    "America/Santiago",
    "Africa/Cairo",
    "America/Havana",
    "Asia/Beirut",
    "Atlantic/Azores",
    "Pacific/Chatham",
    "Europe/Dublin",
    "Africa/Casablanca",
    "Antarctica/Troll",
    "America/Los_Angeles",
    "Australia/Sydney",
    "Asia/Jerusalem",
    "Europe/Lisbon",
    "America/Nuuk",
];

fn at(text: &str) -> i64 {
    time::instant(text).unwrap().micros
}

fn stamp(micros: i64) -> Stamp {
    Stamp { micros, digits: 6 }
}

fn wall(zone: &TimeZone, micros: i64) -> DateTime {
    zone.to_datetime(Timestamp::from_microsecond(micros).unwrap())
}

/// The four shapes, as a model knows them: minutes and hours, every hour or set ones.
struct Shape {
    cron: &'static str,
    minutes: &'static [i8],
    /// Nothing: every hour.
    hours: Option<&'static [i8]>,
}

const SHAPES: [Shape; 4] = [
    Shape { cron: "30 2 * * *", minutes: &[30], hours: Some(&[2]) },
    Shape { cron: "15 0,1,2,3 * * *", minutes: &[15], hours: Some(&[0, 1, 2, 3]) },
    Shape { cron: "*/30 * * * *", minutes: &[0, 30], hours: None },
    Shape { cron: "0 0 * * *", minutes: &[0], hours: Some(&[0]) },
];

/// The moments at which it should happen, by a walk along real time.
fn model(shape: &Shape, zone: &TimeZone, from: i64, to: i64) -> BTreeSet<i64> {
    let fits = |wall: DateTime| {
        shape.minutes.contains(&wall.minute()) && shape.hours.is_none_or(|hours| hours.contains(&wall.hour()))
    };
    let (mut fired, mut told) = (BTreeSet::new(), BTreeSet::new());
    // A day of run-up, so that what the wall has shown already is known.
    let mut now = from - DAY;
    let mut before = wall(zone, now - MINUTE);
    while now <= to {
        let shown = wall(zone, now);
        let mut due = false;
        if shape.hours.is_none() {
            due = fits(shown);
        } else {
            // Minutes that the wall jumps over count at the first one behind the jump.
            let mut missing = before.checked_add(jiff::ToSpan::minutes(1)).unwrap();
            while missing < shown {
                due |= fits(missing) && told.insert(missing);
                missing = missing.checked_add(jiff::ToSpan::minutes(1)).unwrap();
            }
            // A minute that the wall shows again has been.
            due |= fits(shown) && told.insert(shown);
        }
        if due && from < now {
            fired.insert(now);
        }
        (before, now) = (shown, now + MINUTE);
    }
    fired
}

fn times(cron: &str, zone: &str) -> Times {
    Times {
        cron: Cron::parse(cron).unwrap(),
        zone: TimeZone::get(zone).unwrap(),
        delay: Duration::ZERO,
        catch_up: Duration::from_secs(3600),
        overlap: Overlap::Skip,
    }
}

/// A scheduler with a journal of its own: what it fires, and how often it says what.
struct Machine {
    times: Times,
    history: History,
    fired: Vec<Moment>,
    words: BTreeMap<Settled, u64>,
}

impl Machine {
    fn new(times: Times, now: i64) -> Machine {
        let history = History { cursor: now, moment: now, ..History::default() };
        Machine { times, history, fired: Vec::new(), words: BTreeMap::new() }
    }

    fn look(&mut self, now: i64) -> Decision {
        let decision = decide(&self.times, &self.history, None, stamp(now));
        if decision.is_empty() {
            return decision;
        }
        (self.history.cursor, self.history.moment) = (decision.cursor, now);
        for fate in &decision.fates {
            *self.words.entry(fate.word).or_default() += fate.count;
            if fate.word == Settled::Fired {
                assert!(
                    self.history.fired.insert((fate.last.wall.clone(), fate.last.at.micros)),
                    "fired twice: {fate:?}"
                );
                self.fired.push(fate.last.clone());
            }
        }
        decision
    }

    fn count(&self, word: Settled) -> u64 {
        self.words.get(&word).copied().unwrap_or(0)
    }

    fn moments(&self) -> BTreeSet<i64> {
        self.fired.iter().map(|moment| moment.at.micros).collect()
    }
}

#[test]
fn t8_the_nights_in_which_the_clocks_change_in_twenty_zones() {
    let (mut cases, mut fired, mut in_gaps, mut repeated) = (0, 0, 0, 0);
    for name in ZONES {
        let zone = TimeZone::get(name).unwrap();
        let start = Timestamp::from_microsecond(at("2025-01-01T00:00:00Z")).unwrap();
        let changes: Vec<i64> =
            zone.following(start).take(2).map(|change| change.timestamp().as_microsecond()).collect();
        assert_eq!(changes.len(), 2, "{name}");
        for change in changes {
            for shape in &SHAPES {
                cases += 1;
                let (from, to) = (change - 30 * HOUR, change + 30 * HOUR);
                let mut machine = Machine::new(times(shape.cron, name), from);
                let mut now = from;
                // No two times of these shapes are nearer to each other than this.
                while now < to {
                    now += 10 * MINUTE;
                    machine.look(now);
                }
                let expected = model(shape, &zone, from, to);
                assert_eq!(machine.moments(), expected, "{name} {} around {}", shape.cron, stamp(change));
                // All at once it is the same list, and names of their own for each.
                let list = machine.times.cron.between(&machine.times.zone, stamp(from), stamp(to), 10_000);
                assert_eq!(list, machine.fired, "{name} {}", shape.cron);
                let names: BTreeSet<_> = list.iter().map(|one| (one.wall.clone(), one.at.micros)).collect();
                assert_eq!(names.len(), list.len());
                let walls: BTreeSet<_> = list.iter().map(|one| one.wall.clone()).collect();
                repeated += list.len() - walls.len();
                in_gaps += list.iter().filter(|one| *one.wall != *wall(&zone, one.at.micros).to_string()).count();
                assert_eq!(machine.count(Settled::Missed), 0);
                fired += expected.len();
            }
        }
    }
    println!("T8: {cases} cases, {fired} fired, {in_gaps} at the end of a gap, {repeated} in an hour that came twice");
    assert_eq!(cases, 160);
    // Nothing is proved by nights in which nothing odd happened.
    assert!(fired > 2000 && in_gaps >= 20 && repeated >= 20, "{fired} {in_gaps} {repeated}");
}

#[test]
fn a_clock_that_went_back_makes_no_times_due_before_anybody_looked() {
    let first = at("2026-12-01T10:00:30Z");
    let back = |since| {
        let mut machine = Machine::new(times("*/5 * * * *", "UTC"), first);
        machine.look(at("2027-03-01T00:00:05Z"));
        machine.history.since = since;
        let decision = machine.look(at("2026-12-01T10:02:05Z"));
        assert!(decision.rewound);
        decision.fates.into_iter().map(|fate| (fate.last.wall.to_string(), fate.word)).collect::<Vec<_>>()
    };
    assert_eq!(back(Some(first)), []);
    assert_eq!(back(None), [("2026-12-01T10:00:00".to_owned(), Settled::Fired)]);
}

/// Looks at these moments, and says what was fired and how many were missed.
fn looks(machine: &mut Machine, moments: &[i64]) -> (Vec<String>, u64) {
    let before = machine.fired.len();
    let missed = machine.count(Settled::Missed);
    for now in moments {
        machine.look(*now);
    }
    let fired = machine.fired[before..].iter().map(|one| one.wall.to_string()).collect();
    (fired, machine.count(Settled::Missed) - missed)
}

#[test]
fn t8_a_clock_that_jumps_bursts_nothing_and_repeats_nothing() {
    let mut cases = 0;
    let start = at("2025-06-10T00:10:00Z");
    let mut case = |cron: &str, moments: &[i64], fired: &[&str], missed: u64| {
        cases += 1;
        let mut machine = Machine::new(times(cron, "UTC"), start);
        let found = looks(&mut machine, moments);
        assert_eq!(found, (fired.iter().map(|text| (*text).to_owned()).collect(), missed), "case {cases}: {cron}");
        machine
    };
    // Forward by an hour, by a day, by ten years: one is caught up, if it is not too late.
    case("0 * * * *", &[start + HOUR], &["2025-06-10T01:00:00"], 0);
    case("*/10 * * * *", &[start + HOUR], &["2025-06-10T01:10:00"], 5);
    case("30 2 * * *", &[start + DAY], &[], 1);
    case("0 * * * *", &[start + DAY], &["2025-06-11T00:00:00"], 23);
    let decade = at("2035-06-10T00:10:00Z");
    case("0 0 * * *", &[decade], &["2035-06-10T00:00:00"], 3651);
    // Back by an hour: what was fired is not fired again, and what is new is.
    let back = [start + HOUR, start + 2 * HOUR, start + HOUR, start + 2 * HOUR, start + 3 * HOUR];
    case("0 * * * *", &back, &["2025-06-10T01:00:00", "2025-06-10T02:00:00", "2025-06-10T03:00:00"], 0);
    // Back by a day.
    let back = [start + 3 * HOUR, start + 3 * HOUR - DAY, start + 4 * HOUR - DAY, start + 3 * HOUR];
    let machine = case("0 3 * * *", &back, &["2025-06-10T03:00:00"], 0);
    assert_eq!(machine.count(Settled::Fired), 1);
    // Ten years ahead by mistake and back again: the nights in between still come.
    let mut there = vec![decade, start + HOUR];
    there.extend((0..72).map(|hour| start + HOUR + hour * HOUR));
    case("30 2 * * *", &there, &["2025-06-10T02:30:00", "2025-06-11T02:30:00", "2025-06-12T02:30:00"], 3652);
    // Three days ahead: those of the days between are told as missed, and come all the same when the clock is right; the one that was
    // begun too early does not come again.
    let night = |day: i64| at("2025-06-10T02:40:00Z") + day * DAY;
    let mut there = vec![night(3)];
    there.extend((0..108).map(|hour| start + HOUR + hour * HOUR));
    let nights = ["2025-06-13T02:30:00", "2025-06-10T02:30:00", "2025-06-11T02:30:00", "2025-06-12T02:30:00"];
    case("30 2 * * *", &there, &[&nights[..], &["2025-06-14T02:30:00"]].concat(), 3);
    // A look once a night, shortly after the time: also the first one after the clock went back finds its own.
    let once = [night(3), night(0) - 6 * MINUTE, night(1), night(2), night(3), night(4)];
    case("30 2 * * *", &once, &[&nights[..], &["2025-06-14T02:30:00"]].concat(), 3);
    // Half an hour back in the middle of things.
    let half = [start + HOUR, start + HOUR / 2, start + HOUR, start + 2 * HOUR];
    case("0 * * * *", &half, &["2025-06-10T01:00:00", "2025-06-10T02:00:00"], 0);
    // Two machines whose clocks differ by some seconds.
    let skew = [start + HOUR, start + HOUR - 3_000_000, start + HOUR + 1, start + HOUR - 60_000_000];
    let machine = case("10 1 * * *", &skew, &["2025-06-10T01:10:00"], 0);
    assert_eq!(machine.history.cursor, at("2025-06-10T01:10:00Z"), "no rewinding for a few seconds");
    // The 29th of February, and the second in which 32 bits end.
    let leap = at("2028-02-29T12:00:00Z");
    let mut machine = Machine::new(times("0 12 29 2 *", "UTC"), at("2024-03-01T00:00:00Z"));
    assert_eq!(looks(&mut machine, &[leap - 1, leap, leap + DAY]), (vec!["2028-02-29T12:00:00".to_owned()], 0));
    cases += 1;
    let end = at("2038-01-19T03:14:00Z");
    let mut machine = Machine::new(times("14 3 19 1 *", "UTC"), end - 2 * DAY);
    let found = looks(&mut machine, &[end - MINUTE, end, end + 8_000_000, end + DAY]);
    assert_eq!(found, (vec!["2038-01-19T03:14:00".to_owned()], 0));
    cases += 1;
    assert_eq!(cases, 14);
}

#[test]
fn t8_nights_come_although_the_last_word_was_recorded_when_the_clock_was_right_again() {
    let start = at("2025-06-10T00:10:00Z");
    let mut machine = Machine::new(times("30 2 * * *", "UTC"), start);
    let ahead = looks(&mut machine, &[at("2035-06-10T02:40:00Z")]);
    assert_eq!(ahead, (vec!["2035-06-10T02:30:00".to_owned()], 3652));
    // The end of what was begun in 2035 is recorded in 2025.
    machine.history.moment = start + HOUR;
    let (fired, _) = looks(&mut machine, &[start + HOUR, start + 3 * HOUR, start + 3 * HOUR + DAY]);
    assert_eq!(fired, ["2025-06-10T02:30:00", "2025-06-11T02:30:00"]);
}

#[test]
fn t8_after_downtime_one_is_caught_up_and_the_others_are_told() {
    let start = at("2025-06-10T00:10:00Z");
    // How long nobody was there, how late is not too late, what is fired, how many are missed.
    let cases: [(&str, i64, u64, &[&str], u64); 10] = [
        ("0 * * * *", HOUR, 3600, &["2025-06-10T01:00:00"], 0),
        ("0 * * * *", 5 * HOUR, 3600, &["2025-06-10T05:00:00"], 4),
        ("*/5 * * * *", 3 * DAY, 3600, &["2025-06-13T00:10:00"], 863),
        ("30 2 * * *", 3 * HOUR, 3600, &["2025-06-10T02:30:00"], 0),
        ("30 2 * * *", 4 * HOUR, 3600, &[], 1),
        ("30 2 * * *", 4 * HOUR, 2 * 3600, &["2025-06-10T02:30:00"], 0),
        ("30 2 * * *", 9 * DAY, 3600, &[], 9),
        ("30 2 * * *", 9 * DAY, 48 * 3600, &["2025-06-18T02:30:00"], 8),
        ("0 0 1 * *", 200 * DAY, 3600, &[], 6),
        ("* * * * *", 30 * DAY, 3600, &["2025-07-10T00:10:00"], 10_001),
    ];
    for (number, (cron, away, catch_up, fired, missed)) in cases.into_iter().enumerate() {
        let times = Times { catch_up: Duration::from_secs(catch_up), ..times(cron, "UTC") };
        let mut machine = Machine::new(times, start);
        let found = looks(&mut machine, &[start + away, start + away + 1]);
        assert_eq!(found, (fired.iter().map(|text| (*text).to_owned()).collect(), missed), "case {number}: {cron}");
        // However many were missed, the next one comes.
        let next = machine.times.cron.next(&machine.times.zone, stamp(start + away + 1), 1);
        let (fired, _) = looks(&mut machine, &[next[0].at.micros]);
        assert_eq!(fired, [next[0].wall.to_string()], "case {number}");
    }
    // A stretch that is counted no further is told to its end.
    let mut machine = Machine::new(times("* * * * *", "UTC"), start);
    let decision = machine.look(start + 30 * DAY);
    let fate = &decision.fates[0];
    assert_eq!((fate.count, &*fate.last.wall), (10_001, "2025-07-10T00:09:00"));
    assert_eq!(&*fate.from.as_ref().unwrap().wall, "2025-06-10T00:11:00");
}

#[test]
fn one_that_still_goes_on_is_not_overtaken_unless_that_is_allowed() {
    let start = at("2025-06-10T00:10:00Z");
    let mut machine = Machine::new(times("0 * * * *", "UTC"), start);
    machine.look(start + HOUR);
    machine.history.running = Some("that of 01:00 is under way".into());
    let decision = machine.look(start + 2 * HOUR);
    assert_eq!((decision.fates[0].word, decision.fates.len()), (Settled::Skipped, 1));
    assert!(decision.fates[0].why.as_ref().unwrap().contains("still goes on: that of 01:00"));
    machine.times.overlap = Overlap::Allow;
    assert_eq!(machine.look(start + 3 * HOUR).fates[0].word, Settled::Fired);
    // Blocked comes before both, and is told each time.
    let blocked = decide(&machine.times, &machine.history, Some("its owner is gone"), stamp(start + 4 * HOUR));
    assert_eq!((blocked.fates[0].word, blocked.fates[0].why.as_deref()), (Settled::Blocked, Some("its owner is gone")));
    // Where the newest is not begun either, nobody says that it is.
    let blocked = decide(&machine.times, &machine.history, Some("its owner is gone"), stamp(start + 6 * HOUR));
    assert_eq!(blocked.fates[0].why.as_deref(), Some("nobody was there; only the newest would be caught up"));
}

#[test]
fn a_jitter_is_the_same_for_everybody_and_moves_the_beginning_not_the_name() {
    let ten = Duration::from_secs(600);
    assert_eq!(delay("nightly", ten), delay("nightly", ten));
    assert!(delay("nightly", ten) < ten && delay("nightly", Duration::ZERO).is_zero());
    let different: BTreeSet<_> = (0..50).map(|n| delay(&format!("schedule-{n}"), ten)).collect();
    assert!(different.len() > 30, "{}", different.len());
    let start = at("2025-06-10T00:10:00Z");
    let delayed = Times { delay: Duration::from_secs(300), ..times("0 * * * *", "UTC") };
    let mut machine = Machine::new(delayed, start);
    let one = at("2025-06-10T01:00:00Z");
    assert!(machine.look(one + 299_000_000).is_empty());
    assert_eq!(&*machine.look(one + 300_000_000).fates[0].last.wall, "2025-06-10T01:00:00");
}

#[test]
fn as_many_times_come_as_are_asked_for_however_rare_they_are() {
    let leap = times("0 3 29 2 *", "UTC");
    let next = leap.cron.next(&leap.zone, stamp(at("2083-05-01T00:00:00Z")), 6);
    let walls: Vec<&str> = next.iter().map(|moment| &moment.wall[..4]).collect();
    assert_eq!(walls, ["2084", "2088", "2092", "2096", "2104", "2108"]);
    assert_eq!(leap.cron.next(&leap.zone, stamp(at("2083-05-01T00:00:00Z")), 0).len(), 0);
}

#[test]
fn texts_that_are_no_times_are_refused_in_words() {
    for (text, word) in [
        ("30 2 * *", "has 4 fields"),
        ("0 30 2 * * *", "has 6 fields"),
        ("61 2 * * *", "cannot be read: `61` is no minute (0 to 59)"),
        ("30 25 * * *", "cannot be read: `25` is no hour (0 to 23)"),
        ("0 2 * * MON-FIR", "cannot be read: `MON-FIR` is no weekday (0 to 7, or SUN to SAT)"),
        ("0 0 31 2 *", "names a date that no calendar has"),
        ("@often", "has 1 field,"),
        ("", "has 0 fields"),
    ] {
        let why = Cron::parse(text).err().unwrap_or_else(|| panic!("{text} was taken"));
        assert!(why.contains(word), "{text}: {why}");
    }
    for text in ["@daily", "0 7 * * MON-FRI", "*/15 8-18 * * *", "0 0 29 2 *", "0 12 1,15 * *"] {
        Cron::parse(text).unwrap_or_else(|why| panic!("{text}: {why}"));
    }
}
