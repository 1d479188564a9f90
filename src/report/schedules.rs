//! Schedules as lists: how they stand, when they come next, what became of their times.

use super::{
    clock,
    line::{Line, Tone, clean},
    look::Look,
    page::Page,
    plain_value::maybe,
    plan_json::FORMAT,
    pretty,
};
use crate::{
    base::{time::Stamp, value::Value},
    journal::Occurrence,
    schedule::cron::Moment,
};
use std::time::Duration;

/// How a schedule stands.
#[derive(Clone, Debug)]
pub struct Standing {
    /// Its name.
    pub name: String,
    /// Its playbook.
    pub playbook: String,
    /// Its times.
    pub cron: String,
    /// Their zone.
    pub zone: String,
    /// Where.
    pub environment: String,
    /// In whose name.
    pub owner: String,
    /// `report` or `heal`.
    pub mode: &'static str,
    /// When it comes next.
    pub next: Option<Moment>,
    /// Who paused it, when and why.
    pub paused: Option<(String, Stamp, String)>,
    /// Why it may not run as it stands.
    pub blocked: Option<String>,
    /// The beginning of the SHA-256 of its playbook as it is now.
    pub pin: Option<String>,
    /// It says which text may run.
    pub pinned: bool,
    /// A scheduler has looked at it.
    pub kept: bool,
    /// What became of its last times, the newest first.
    pub recent: Vec<Occurrence>,
}

/// A time that comes.
#[derive(Clone, Debug)]
pub struct Coming {
    /// Name of the schedule.
    pub schedule: String,
    /// Its zone.
    pub zone: String,
    /// So much later it begins.
    pub delay: Duration,
    /// When, by its text.
    pub moment: Moment,
    /// When it really begins.
    pub begins: Stamp,
    /// Why its wall clock reads otherwise then: the clocks change.
    pub odd: Option<String>,
    /// What will come of it, as things stand now.
    pub will: Will,
}

/// What will come of a time, as things stand now.
#[derive(Clone, Debug)]
pub enum Will {
    /// It begins.
    Begin,
    /// Nothing: somebody paused the schedule, and why.
    Pass(String),
    /// It is recorded as blocked, and why.
    BeBlocked(String),
}

/// `2026-11-27 02:30`
fn wall(text: &str) -> String {
    text.replace('T', " ").chars().take(16).collect()
}

/// All schedules.
pub fn list(all: &[Standing], look: Look) -> String {
    let mut page = Page::new(look);
    if all.is_empty() {
        page.line(0, Line::of(Tone::Plain, "The project file has no schedules."));
        return page.finish();
    }
    for one in all {
        page.blank();
        standing(&mut page, one);
    }
    page.finish()
}

fn standing(page: &mut Page, one: &Standing) {
    let (tone, word) = match (&one.paused, &one.blocked) {
        (Some(_), _) => (Tone::Care, "paused"),
        (None, Some(_)) => (Tone::Bad, "blocked"),
        (None, None) if !one.kept => (Tone::Dim, "no scheduler has seen it"),
        (None, None) => (Tone::Good, "on"),
    };
    page.labelled(0, 2, Line::of(Tone::Strong, &one.name), Line::of(tone, word));
    let what = format!("{} {} in {}, as {}", one.mode, one.playbook, one.environment, one.owner);
    page.hung(2, 4, Line::of(Tone::Plain, what));
    let times = format!("{} {}", one.cron, one.zone);
    let next = one.next.as_ref().map_or_else(
        || "never".to_owned(),
        |next| format!("next {} ({} UTC)", wall(&next.wall), clock::minute(next.at)),
    );
    page.hung(2, 4, Line::of(Tone::Dim, format!("{times} {} {next}", page.look.dot())));
    if let Some((by, at, why)) = &one.paused {
        let text = format!("paused by {by} since {} UTC: {why}", clock::minute(*at));
        page.hung(2, 4, Line::of(Tone::Care, clean(&text)));
    }
    if let Some(why) = &one.blocked {
        page.hung(2, 4, Line::of(Tone::Bad, clean(&format!("blocked: {why}"))));
    }
    if let (Some(pin), false) = (&one.pin, one.pinned) {
        page.hung(2, 4, Line::of(Tone::Dim, format!("its playbook as it is now: pin: {pin}")));
    }
    for occurrence in &one.recent {
        page.hung(2, 6, line(occurrence, page.look));
    }
}

fn line(one: &Occurrence, look: Look) -> Line {
    let word = one.ended.as_deref().unwrap_or(if one.word == "fired" { "under way" } else { &one.word });
    let tone = match word {
        "clean" | "healed" => Tone::Good,
        "drifted" | "waiting" | "skipped" | "under way" => Tone::Care,
        _ => Tone::Bad,
    };
    let [of, drifted, healed] = one.counts;
    let mut rest = String::new();
    if let Some(from) = one.from {
        rest.push_str(&format!("{} times, the first {} UTC", one.count, clock::minute(from)));
    }
    if one.ended.is_some() && of + drifted > 0 {
        rest.push_str(&format!("{drifted} of {of} differed"));
        if healed > 0 {
            rest.push_str(&format!(", {healed} healed"));
        }
    }
    // One that failed before it could look at anything has no run.
    if let Some(run) = one.run.filter(|_| one.ended.as_deref().is_some_and(|word| word != "failed" || of > 0)) {
        rest.push_str(&format!(" {} run {}", look.dot(), run.short()));
    }
    if let Some(why) = &one.why {
        rest.push_str(&format!(" {} {}", look.dot(), clean(why)));
    }
    let rest = rest.trim_start_matches([' ', '·', '-']).to_owned();
    Line::of(Tone::Dim, wall(&one.wall)).plain("  ").add(tone, word.replace('_', " ")).plain("  ").add(Tone::Dim, rest)
}

/// The next times.
pub fn coming(all: &[Coming], look: Look) -> String {
    let mut page = Page::new(look);
    if all.is_empty() {
        page.line(0, Line::of(Tone::Plain, "No time comes."));
    }
    for one in all {
        let delay = if one.delay.is_zero() { String::new() } else { format!(" + {} s", one.delay.as_secs()) };
        let begins =
            if one.delay.is_zero() { format!("{} UTC", clock::minute(one.begins)) } else { clock::second(one.begins) };
        let line = Line::of(Tone::Plain, wall(&one.moment.wall))
            .plain(format!(" {}{delay}", one.zone))
            .pad(40, 2)
            .add(Tone::Dim, begins)
            .plain("  ")
            .add(Tone::Strong, &one.schedule);
        page.line(0, line);
        if let Some(odd) = &one.odd {
            page.hung(4, 6, Line::of(Tone::Care, odd.clone()));
        }
        let (tone, word, why) = match &one.will {
            Will::Begin => continue,
            Will::Pass(why) => (Tone::Care, "will pass", why),
            Will::BeBlocked(why) => (Tone::Bad, "will be blocked", why),
        };
        page.hung(4, 6, Line::of(tone, clean(&format!("{word}: {why}"))));
    }
    page.finish()
}

fn moment(one: &Moment) -> Value {
    Value::map([("wall", Value::text(one.wall.clone())), ("at", Value::text(clock::json(one.at)))])
}

/// Those that could not be looked at, each with the reason.
fn unseen_json(unseen: &[(String, String)]) -> Value {
    Value::list(
        unseen.iter().map(|(name, why)| {
            Value::map([("schedule", Value::text(name.as_str())), ("why", Value::text(why.as_str()))])
        }),
    )
}

/// The next times as JSON.
pub fn coming_json(all: &[Coming], unseen: &[(String, String)]) -> String {
    let all = all.iter().map(|one| {
        let (will, why) = match &one.will {
            Will::Begin => ("begin", None),
            Will::Pass(why) => ("pass", Some(why.clone())),
            Will::BeBlocked(why) => ("be_blocked", Some(why.clone())),
        };
        Value::map([
            ("schedule", Value::text(one.schedule.as_str())),
            ("wall", Value::text(one.moment.wall.clone())),
            ("zone", Value::text(one.zone.as_str())),
            ("at", Value::text(clock::json(one.moment.at))),
            ("delay_seconds", Value::from(i64::try_from(one.delay.as_secs()).unwrap_or(i64::MAX))),
            ("begins_at", Value::text(clock::json(one.begins))),
            ("clocks", maybe(one.odd.clone())),
            ("will", will.into()),
            ("why", maybe(why)),
        ])
    });
    let (format, kind) = (("format", FORMAT.into()), ("kind", "next_times".into()));
    let whole = [format, kind, ("next", Value::list(all)), ("unseen", unseen_json(unseen))];
    pretty::document(&Value::map(whole))
}

/// All schedules as JSON.
pub fn list_json(all: &[Standing], unseen: &[(String, String)]) -> String {
    let number = |n: u64| Value::from(i64::try_from(n).unwrap_or(i64::MAX));
    let occurrence = |one: &Occurrence| {
        Value::map([
            ("wall", Value::text(one.wall.as_str())),
            ("zone", Value::text(one.zone.as_str())),
            ("at", Value::text(clock::json(one.at))),
            ("from", maybe(one.from.map(clock::json))),
            ("count", number(one.count)),
            ("state", Value::text(one.word.as_str())),
            ("came_to", maybe(one.ended.clone())),
            ("why", maybe(one.why.clone())),
            ("run", maybe(one.run.map(|run| run.to_string()))),
            ("looked_at", number(one.counts[0])),
            ("drifted", number(one.counts[1])),
            ("healed", number(one.counts[2])),
        ])
    };
    let all = all.iter().map(|one| {
        let paused = one.paused.as_ref().map_or(Value::NULL, |(by, at, why)| {
            Value::map([
                ("by", Value::text(by.as_str())),
                ("at", Value::text(clock::json(*at))),
                ("why", Value::text(why.as_str())),
            ])
        });
        Value::map([
            ("schedule", Value::text(one.name.as_str())),
            ("playbook", Value::text(one.playbook.as_str())),
            ("environment", Value::text(one.environment.as_str())),
            ("mode", one.mode.into()),
            ("owner", Value::text(one.owner.as_str())),
            ("cron", Value::text(one.cron.as_str())),
            ("zone", Value::text(one.zone.as_str())),
            ("next", one.next.as_ref().map_or(Value::NULL, moment)),
            ("paused", paused),
            ("blocked", maybe(one.blocked.clone())),
            ("pin", maybe(one.pin.clone())),
            ("recent", Value::list(one.recent.iter().map(occurrence))),
        ])
    });
    let (format, kind) = (("format", FORMAT.into()), ("kind", "schedules".into()));
    let whole = [format, kind, ("schedules", Value::list(all)), ("unseen", unseen_json(unseen))];
    pretty::document(&Value::map(whole))
}
