//! How schedules stand, and when they come next.

use super::{PIN, Unseen, allowed, current, fire::by_now, of_name, owned, pin_of, usable, without_the_unseen};
use crate::{
    base::time::Stamp,
    ops::{Failure, Surroundings, playbook, project::Opened, record::Record},
    playbook::schedules::Schedule,
    report::{
        clock,
        schedules::{Coming, Standing, Will},
    },
    schedule::{
        cron::{Moment, oddity},
        due::Times,
    },
};

/// When it comes next, unless its last day is over by then. A time whose beginning is put off (`jitter`) comes until it begins.
pub(super) fn comes_next(times: &Times, schedule: &Schedule, now: Stamp) -> Option<Moment> {
    let next = times.cron.next(&times.zone, begun_until(times, now), 1).into_iter().next()?;
    current(schedule, next.at).is_ok().then_some(next)
}

/// Up to this time of the text all have begun.
fn begun_until(times: &Times, now: Stamp) -> Stamp {
    Stamp { micros: now.micros.saturating_sub(delay(times)), digits: 6 }
}

/// By how much each begins later than the text says, in microseconds.
pub(super) fn delay(times: &Times) -> i64 {
    i64::try_from(times.delay.as_micros()).unwrap_or(i64::MAX)
}

/// Every schedule of the project file, and those that cannot be looked at.
pub async fn standings(
    surroundings: &Surroundings,
    record: &Record,
    opened: &Opened,
) -> Result<(Vec<Standing>, Unseen), Failure> {
    let (mut all, mut unseen) = (Vec::new(), Unseen::new());
    for (name, schedule) in opened.project.schedules.iter() {
        match standing(surroundings, record, opened, name, schedule).await {
            Ok(standing) => all.push(standing),
            Err(failure) => unseen.push((name.into(), failure)),
        }
    }
    Ok((all, without_the_unseen(unseen, opened.project.schedules.entries.len())?))
}

async fn standing(
    surroundings: &Surroundings,
    record: &Record,
    opened: &Opened,
    name: &str,
    schedule: &Schedule,
) -> Result<Standing, Failure> {
    let now = surroundings.world.now();
    let kept = record.journal.schedule(name).await?;
    let mut recent = record.journal.occurrences(Some(name), 5).await?;
    by_now(surroundings, record, name, &mut recent).await?;
    let next = comes_next(&schedule.times(name), schedule, now);
    let found = playbook::load(surroundings, opened, schedule.playbook.as_str()).ok();
    Ok(Standing {
        name: name.to_owned(),
        playbook: schedule.playbook.text.to_string(),
        cron: schedule.cron.text.to_string(),
        zone: schedule.zone.name.text.to_string(),
        environment: schedule.env.text.to_string(),
        owner: schedule.owner.text.to_string(),
        mode: schedule.mode().word(),
        next,
        paused: kept.as_ref().and_then(|kept| kept.paused.clone()),
        blocked: allowed(surroundings, opened, schedule, now).err(),
        pin: found.map(|loaded| pin_of(&loaded)[..PIN].to_owned()),
        pinned: schedule.pin.is_some(),
        kept: kept.is_some_and(|kept| !kept.definition.is_empty()),
        recent,
    })
}

/// The next times of one schedule, or of all, and what will come of each as things stand now; and those that cannot be looked at.
pub async fn next(
    surroundings: &Surroundings,
    record: &Record,
    opened: &Opened,
    name: Option<&str>,
    count: usize,
    after: Option<Stamp>,
) -> Result<(Vec<Coming>, Unseen), Failure> {
    let after = after.unwrap_or_else(|| surroundings.world.now());
    if let Some(name) = name {
        of_name(opened, name)?;
    }
    let (mut all, mut unseen, mut of) = (Vec::new(), Unseen::new(), 0);
    for (known, schedule) in opened.project.schedules.iter().filter(|(known, _)| name.is_none_or(|name| name == *known))
    {
        of += 1;
        let times = schedule.times(known);
        let paused = match record.journal.schedule(known).await {
            Ok(kept) => kept.and_then(|kept| kept.paused),
            Err(error) => {
                unseen.push((known.into(), error.into()));
                continue;
            }
        };
        let paused = paused.map(|(by, at, why)| format!("paused by {by} since {} UTC: {why}", clock::minute(at)));
        let blocked = owned(opened, schedule).and_then(|()| usable(surroundings, opened, schedule).map(drop)).err();
        for moment in times.cron.next(&times.zone, begun_until(&times, after), count) {
            let begins = Stamp { micros: moment.at.micros.saturating_add(delay(&times)), digits: 6 };
            let will = match (&paused, blocked.clone().or_else(|| current(schedule, begins).err())) {
                (Some(why), _) => Will::Pass(why.clone()),
                (None, Some(why)) => Will::BeBlocked(why),
                (None, None) => Will::Begin,
            };
            all.push(Coming {
                schedule: known.to_owned(),
                zone: schedule.zone.name.text.to_string(),
                delay: times.delay,
                odd: oddity(&times.zone, &moment),
                begins,
                will,
                moment,
            });
        }
    }
    all.sort_by_key(|coming| coming.begins);
    all.truncate(if name.is_some() { count } else { count.max(1) });
    Ok((all, without_the_unseen(unseen, of)?))
}
