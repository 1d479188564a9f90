//! One look at a schedule: what is due is settled and recorded, and what others left in the middle is taken over.

use super::allowed;
use crate::{
    base::{identity::RunId, time::Stamp},
    engine::lease::CLAIM,
    journal::{
        Claim, Deciding, Kept, Occurrence, Taking, WENT_BACK,
        event::Event,
        failure::JournalError,
        occasion::{OccurrenceSettled, ScheduleKept, SchedulePaused, ScheduleResumed},
        occurrence_of,
        words::RunWord,
    },
    ops::{Failure, Surroundings, project::Opened, record::Record},
    playbook::schedules::Schedule,
    report::reconciled::Passed,
    schedule::{
        cron::Cron,
        due::{COUNTED, Decision, Fate, History, Settled, decide, look_back, went_back},
    },
};
use sha2::{Digest, Sha256};
use std::sync::Arc;

/// So often it is looked again when somebody else was faster.
const TRIES: usize = 8;

/// A fired occurrence that this process carries out.
#[derive(Clone, Debug)]
pub struct Firing {
    /// Name of the schedule.
    pub name: Arc<str>,
    /// It.
    pub schedule: Schedule,
    /// The occurrence.
    pub occurrence: RunId,
    /// The right to carry it out.
    pub claim: Claim,
    /// The id of its run.
    pub run: RunId,
    /// The time on the wall clock.
    pub wall: String,
    /// Another process began it.
    pub taken_over: bool,
    /// Begun by a person, and why.
    pub by_hand: Option<(String, String)>,
}

/// What one look came to.
#[derive(Debug, Default)]
pub struct Looked {
    /// To be carried out.
    pub firings: Vec<Firing>,
    /// What else was recorded, in words.
    pub told: Vec<String>,
    /// Times that were due and are not begun.
    pub passed: Vec<Passed>,
}

impl Looked {
    /// A time that is not begun.
    fn told(&mut self, name: &str, fate: &Fate, caught_up: bool) {
        self.told.push(said(name, fate));
        self.passed.push(Passed {
            schedule: name.to_owned(),
            wall: fate.last.wall.to_string(),
            count: fate.count,
            word: fate.word,
            why: fate.why.clone(),
            caught_up,
        });
    }
}

/// Looks at one schedule.
pub async fn tick(
    surroundings: &Surroundings,
    record: &Record,
    opened: &Opened,
    name: &str,
    schedule: &Schedule,
) -> Result<Looked, Failure> {
    let mut looked = Looked::default();
    super::fire::catch_up(record, name).await?;
    for left in record.journal.open_occurrences(name).await? {
        // While it is paused nothing of it goes on either: `take_over` looks.
        looked.firings.extend(take_over(surroundings, record, name, schedule, left).await?);
    }
    for _ in 0..TRIES {
        match once(surroundings, record, opened, name, schedule, &mut looked).await {
            Err(Failure::Journal(JournalError::Overtaken)) => {}
            other => return other.map(|()| looked),
        }
    }
    // Whoever was faster eight times has settled it.
    Ok(looked)
}

async fn once(
    surroundings: &Surroundings,
    record: &Record,
    opened: &Opened,
    name: &str,
    schedule: &Schedule,
    looked: &mut Looked,
) -> Result<(), Failure> {
    let now = surroundings.world.now();
    let kept = record.journal.schedule(name).await?;
    let (definition, seen) = (fingerprint(schedule), kept.as_ref().map_or(0, |kept| kept.seq));
    // One that was only paused, or begun by hand, has no times yet.
    let known = kept.as_ref().is_some_and(|kept| !kept.definition.is_empty());
    let Some(kept) = kept.as_ref().filter(|kept| kept.definition == definition) else {
        let why = if known { "its times are others now" } else { "it is new" };
        let lost = match kept.as_ref().filter(|kept| known && kept.paused.is_none()) {
            Some(kept) => lost(record, kept, now).await?,
            None => None,
        };
        let mut events = vec![self::kept(name, schedule, &definition, now, why)];
        events.extend(lost.as_ref().map(|(fate, zone)| settled(name, schedule, zone, fate, None, None).into()));
        let deciding = Deciding { schedule: name, seen, events, take: None, give: None };
        record.journal.decide(deciding).await?;
        looked.told.push(format!("{name}: looked after from now on, because {why}"));
        if let Some((fate, _)) = lost {
            looked.told(name, &fate, false);
        }
        return Ok(());
    };
    if kept.paused.is_some() {
        return Ok(());
    }
    let times = schedule.times(name);
    let from = kept.cursor.min(look_back(&times, now).micros);
    let behind = record.journal.occurrences_after(name, from).await?;
    let fired = behind.into_iter().filter(|one| one.word == Settled::Fired.word());
    let fired = fired.map(|one| (one.wall.into(), one.at.micros)).collect();
    let running = running(record, name, now).await?;
    let since =
        if went_back(kept.cursor, kept.moment, now) { record.journal.counts_since(name, now).await? } else { None };
    let history = History { cursor: kept.cursor, moment: kept.moment, since, fired, running };
    let blocked = allowed(surroundings, opened, schedule, now).err();
    let decision = decide(&times, &history, blocked.as_deref(), now);
    if decision.is_empty() {
        return Ok(());
    }
    let recorded = Recorded { surroundings, record, name, schedule, seen };
    looked.firings.extend(recorded.decision(&decision, &definition).await?);
    let caught_up = decision.fates.last().is_some_and(|fate| fate.word == Settled::Fired);
    for fate in decision.fates.iter().filter(|fate| fate.word != Settled::Fired) {
        looked.told(name, fate, caught_up);
    }
    Ok(())
}

/// Times that were due by what the project file said before it was changed, and that nobody has looked at: they are missed, with their zone.
async fn lost(record: &Record, kept: &Kept, now: Stamp) -> Result<Option<(Fate, Arc<str>)>, Failure> {
    let Some(before) = record.journal.last_kept(&kept.name).await? else { return Ok(None) };
    let (Ok(cron), Ok(zone)) = (Cron::parse(&before.cron), jiff::tz::TimeZone::get(&before.zone)) else {
        return Ok(None);
    };
    let mut due = cron.between(&zone, Stamp { micros: kept.cursor, digits: 6 }, now, COUNTED);
    let behind = record.journal.occurrences_after(&kept.name, kept.cursor).await?;
    due.retain(|moment| !behind.iter().any(|one| one.at.micros == moment.at.micros && one.wall == *moment.wall));
    let Some((first, last)) = due.first().cloned().zip(due.last().cloned()) else { return Ok(None) };
    let count = due.len() as u64;
    let why = Some("its times were changed before anybody looked".to_owned());
    let fate = Fate { from: (count > 1).then_some(first), last, count, word: Settled::Missed, why };
    Ok(Some((fate, before.zone)))
}

struct Recorded<'a> {
    surroundings: &'a Surroundings,
    record: &'a Record,
    name: &'a str,
    schedule: &'a Schedule,
    seen: u64,
}

impl Recorded<'_> {
    async fn decision(&self, decision: &Decision, definition: &str) -> Result<Option<Firing>, Failure> {
        let cursor = Stamp { micros: decision.cursor, digits: 6 };
        let mut events = Vec::new();
        if decision.rewound {
            events.push(kept(self.name, self.schedule, definition, cursor, WENT_BACK));
        }
        let mut fired = None;
        for fate in &decision.fates {
            let run = (fate.word == Settled::Fired).then(|| RunId(self.surroundings.world.id()));
            let zone = &self.schedule.zone.name.text;
            let settled = settled(self.name, self.schedule, zone, fate, run, Some(cursor));
            fired = run.map(|run| (run, settled.occurrence, settled.wall.to_string()));
            events.push(settled.into());
        }
        let take = fired.as_ref().map(|(_, occurrence, _)| Taking {
            occurrence: *occurrence,
            holder: self.record.holder(self.surroundings, self.schedule.owner.as_str()),
            ttl: CLAIM,
            from: None,
        });
        let deciding = Deciding { schedule: self.name, seen: self.seen, events, take, give: None };
        let claim = self.record.journal.decide(deciding).await?;
        Ok(fired.zip(claim).map(|((run, occurrence, wall), claim)| Firing {
            name: self.name.into(),
            schedule: self.schedule.clone(),
            occurrence,
            claim,
            run,
            wall,
            taken_over: false,
            by_hand: None,
        }))
    }
}

/// One that was fired and is not over, or whose run waits for somebody.
async fn running(record: &Record, name: &str, now: Stamp) -> Result<Option<String>, Failure> {
    // Those alone that were begun: however many were skipped since, the one that they were skipped for is among these.
    for one in record.journal.fired(name, 20).await? {
        if one.is_open() {
            return Ok(Some(format!("that of {} is under way", one.wall.replace('T', " "))));
        }
        // Of one that is over the run may still wait for a person.
        if let Some(run) = one.run
            && let Some(line) = record.journal.run(run).await?
            && line.state != RunWord::Closed
        {
            let word = line.state.word().replace('_', " ");
            return Ok(Some(format!("run {} is not over ({word})", run.short())));
        }
        // Those before it were over when it was fired, unless the clock was ahead then: it stands before newer ones.
        if one.settled_at.micros <= now.micros {
            return Ok(None);
        }
    }
    Ok(None)
}

/// Takes an occurrence whose process is gone, or has given no sign of life for too long.
async fn take_over(
    surroundings: &Surroundings,
    record: &Record,
    name: &str,
    schedule: &Schedule,
    left: Occurrence,
) -> Result<Option<Firing>, Failure> {
    let (Some(run), Some((claim, open))) = (left.run, record.journal.last_holder(left.id).await?) else {
        return Ok(None);
    };
    if open && !record.is_gone(surroundings, &claim) {
        return Ok(None);
    }
    let Some(kept) = record.journal.schedule(name).await?.filter(|kept| kept.paused.is_none()) else { return Ok(None) };
    let by_hand = left.why.as_deref().and_then(whose);
    let holder = by_hand.as_ref().map_or(schedule.owner.as_str(), |(actor, _)| actor);
    let take =
        Taking { occurrence: left.id, holder: record.holder(surroundings, holder), ttl: CLAIM, from: Some(claim) };
    let deciding = Deciding { schedule: name, seen: kept.seq, events: Vec::new(), take: Some(take), give: None };
    let claim = match record.journal.decide(deciding).await {
        // Somebody else took it, or settled something: the next look will tell.
        Err(JournalError::Overtaken) => return Ok(None),
        other => other?,
    };
    Ok(claim.map(|claim| Firing {
        name: name.into(),
        schedule: schedule.clone(),
        occurrence: left.id,
        claim,
        run,
        wall: left.wall,
        taken_over: true,
        by_hand,
    }))
}

/// How what was begun by a person says so, and of whom and why that is.
const BY_HAND: &str = "by hand, ";

/// Who begins it by hand, and why. Where a name could be taken for name and reason it stands in quotes.
fn said_by_hand(actor: &str, reason: &str) -> String {
    if actor.contains(": ") || actor.starts_with('"') {
        return format!("{BY_HAND}{}: {reason}", serde_json::Value::from(actor));
    }
    format!("{BY_HAND}{actor}: {reason}")
}

/// Who began it by hand, and why: whoever goes on with it does so in their name.
fn whose(why: &str) -> Option<(String, String)> {
    let said = why.strip_prefix(BY_HAND)?;
    let mut quoted = serde_json::Deserializer::from_str(said).into_iter::<String>();
    if let Some(Ok(actor)) = quoted.next() {
        let reason = said.get(quoted.byte_offset()..)?.strip_prefix(": ")?;
        return Some((actor, reason.to_owned()));
    }
    let (actor, reason) = said.split_once(": ")?;
    Some((actor.to_owned(), reason.to_owned()))
}

fn kept(name: &str, schedule: &Schedule, definition: &str, cursor: Stamp, why: &str) -> Event {
    ScheduleKept {
        schedule: name.into(),
        definition: definition.into(),
        cron: schedule.cron.text.clone(),
        zone: schedule.zone.name.text.clone(),
        tzdata: tzdata().into(),
        cursor,
        why: why.into(),
    }
    .into()
}

fn settled(
    name: &str,
    schedule: &Schedule,
    zone: &Arc<str>,
    fate: &Fate,
    run: Option<RunId>,
    cursor: Option<Stamp>,
) -> OccurrenceSettled {
    OccurrenceSettled {
        schedule: name.into(),
        occurrence: occurrence_of(name, &fate.last.wall, zone, fate.last.at),
        wall: fate.last.wall.clone(),
        zone: zone.clone(),
        moment: fate.last.at,
        from: fate.from.as_ref().map(|first| first.at),
        count: fate.count,
        word: fate.word.word().into(),
        why: fate.why.clone(),
        run,
        owner: schedule.owner.text.clone(),
        tzdata: tzdata().into(),
        cursor,
    }
}

fn said(name: &str, fate: &Fate) -> String {
    let last = fate.last.wall.replace('T', " ");
    let why = fate.why.as_ref().map_or(String::new(), |why| format!(": {why}"));
    match &fate.from {
        None => format!("{name}: {last} {}{why}", fate.word.word()),
        Some(first) => {
            let first = first.wall.replace('T', " ");
            format!("{name}: {} times from {first} to {last} {}{why}", fate.count, fate.word.word())
        }
    }
}

/// What the times of a schedule rest on (E8): when it changes, the next times are found anew, and the journal tells by which
/// data each was found.
pub fn tzdata() -> &'static str {
    // The system's own data comes first; what is built in is the version of the crate.
    if std::path::Path::new("/usr/share/zoneinfo/tzdata.zi").exists() { system_version() } else { "built in" }
}

fn system_version() -> &'static str {
    static FOUND: std::sync::OnceLock<String> = std::sync::OnceLock::new();
    FOUND.get_or_init(|| {
        let text = std::fs::read_to_string("/usr/share/zoneinfo/tzdata.zi").unwrap_or_default();
        text.lines().next().and_then(|line| line.strip_prefix("# version ")).unwrap_or("unknown").to_owned()
    })
}

fn fingerprint(schedule: &Schedule) -> String {
    Sha256::digest(schedule.definition().as_bytes()).iter().take(16).map(|b| format!("{b:02x}")).collect()
}

/// Nothing of a schedule begins until somebody resumes it.
pub async fn pause(record: &Record, name: &str, actor: &str, reason: &str) -> Result<(), Failure> {
    let event = SchedulePaused { schedule: name.into(), actor: actor.into(), reason: reason.to_owned() };
    say(record, name, &event.into(), Some(false)).await
}

/// It goes on with what comes from now on.
pub async fn resume(
    surroundings: &Surroundings,
    record: &Record,
    name: &str,
    actor: &str,
    reason: &str,
) -> Result<(), Failure> {
    let cursor = surroundings.world.now();
    let event = ScheduleResumed { schedule: name.into(), actor: actor.into(), reason: reason.to_owned(), cursor };
    say(record, name, &event.into(), Some(true)).await
}

/// `paused`: how it has to stand before.
async fn say(record: &Record, name: &str, event: &Event, paused: Option<bool>) -> Result<(), Failure> {
    for _ in 0..TRIES {
        let kept = record.journal.schedule(name).await?;
        let is = kept.as_ref().and_then(|kept| kept.paused.clone());
        match (paused, is) {
            (Some(false), Some((by, at, why))) => {
                return Err(Failure::usage(format!("`{name}` is paused already, by {by} since {at}Z: {why}")));
            }
            (Some(true), None) => return Err(Failure::usage(format!("`{name}` is not paused"))),
            _ => {}
        }
        let seen = kept.map_or(0, |kept| kept.seq);
        let deciding = Deciding { schedule: name, seen, events: vec![event.clone()], take: None, give: None };
        match record.journal.decide(deciding).await {
            Err(JournalError::Overtaken) => {}
            other => return Ok(other.map(drop)?),
        }
    }
    Err(JournalError::Overtaken.into())
}

/// An occurrence that somebody wants now, beside the times of the schedule.
pub async fn by_hand(
    surroundings: &Surroundings,
    record: &Record,
    opened: &Opened,
    name: &str,
    schedule: &Schedule,
    actor: &str,
    reason: &str,
) -> Result<Firing, Failure> {
    let now = surroundings.world.now();
    allowed(surroundings, opened, schedule, now)
        .map_err(|why| Failure::refused(crate::report::exit::Exit::Stopped, format!("`{name}` is blocked: {why}")))?;
    let wall = crate::schedule::cron::wall(schedule.zone.rules(), now);
    let run = RunId(surroundings.world.id());
    let fate = Fate {
        last: crate::schedule::cron::Moment { wall: wall.as_str().into(), at: now },
        from: None,
        count: 1,
        word: Settled::Fired,
        why: Some(said_by_hand(actor, reason)),
    };
    let settled = settled(name, schedule, &schedule.zone.name.text, &fate, Some(run), None);
    let occurrence = settled.occurrence;
    for _ in 0..TRIES {
        let seen = record.journal.schedule(name).await?.map_or(0, |kept| kept.seq);
        // Behind `seen`: whoever begins it meanwhile makes this one look again.
        if let Some(running) = running(record, name, now).await? {
            let why = format!("`{name}` still goes on: {running}");
            return Err(Failure::refused(crate::report::exit::Exit::Stopped, why));
        }
        let take = Taking { occurrence, holder: record.holder(surroundings, actor), ttl: CLAIM, from: None };
        let events = vec![settled.clone().into()];
        match record.journal.decide(Deciding { schedule: name, seen, events, take: Some(take), give: None }).await {
            Err(JournalError::Overtaken) => {}
            other => {
                let Some(claim) = other? else { break };
                return Ok(Firing {
                    name: name.into(),
                    schedule: schedule.clone(),
                    occurrence,
                    claim,
                    run,
                    wall,
                    taken_over: false,
                    by_hand: Some((actor.to_owned(), reason.to_owned())),
                });
            }
        }
    }
    Err(JournalError::Overtaken.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_began_it_by_hand_and_why_are_told_apart_again() {
        for (actor, reason) in [
            ("anna", "now"),
            ("anna", "ticket: 12"),
            ("ci: deploy", "a: b"),
            ("\"quoted\": x", ""),
            ("ops: \"é\"", "\""),
        ] {
            let why = said_by_hand(actor, reason);
            assert_eq!(whose(&why), Some((actor.to_owned(), reason.to_owned())), "{why}");
        }
        assert_eq!(said_by_hand("anna", "now"), "by hand, anna: now");
        assert_eq!((whose("missed"), whose("by hand, anna")), (None, None));
    }
}
