//! How schedules stand, and when they come next.

use super::{PIN, allowed, of_name, pin_of};
use crate::{
    base::time::Stamp,
    ops::{Failure, Surroundings, playbook, project::Opened, record::Record},
    report::schedules::{Coming, Standing},
};

/// Every schedule of the project file.
pub async fn standings(
    surroundings: &Surroundings,
    record: &Record,
    opened: &Opened,
) -> Result<Vec<Standing>, Failure> {
    let now = surroundings.world.now();
    let mut all = Vec::new();
    for (name, schedule) in opened.project.schedules.iter() {
        let kept = record.journal.schedule(name).await?;
        let recent = record.journal.occurrences(Some(name), 5).await?;
        let times = schedule.times(name);
        let next = times.cron.next(&times.zone, now, 1).into_iter().next();
        let found = playbook::load(surroundings, opened, schedule.playbook.as_str()).ok();
        all.push(Standing {
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
        });
    }
    Ok(all)
}

/// The next times of one schedule, or of all.
pub fn next(
    surroundings: &Surroundings,
    opened: &Opened,
    name: Option<&str>,
    count: usize,
    after: Option<Stamp>,
) -> Result<Vec<Coming>, Failure> {
    let after = after.unwrap_or_else(|| surroundings.world.now());
    if let Some(name) = name {
        of_name(opened, name)?;
    }
    let mut all = Vec::new();
    for (known, schedule) in opened.project.schedules.iter().filter(|(known, _)| name.is_none_or(|name| name == *known))
    {
        let times = schedule.times(known);
        for moment in times.cron.next(&times.zone, after, count) {
            let zone = schedule.zone.name.text.to_string();
            all.push(Coming { schedule: known.to_owned(), zone, delay: times.delay, moment });
        }
    }
    all.sort_by_key(|coming| coming.moment.at);
    all.truncate(if name.is_some() { count } else { count.max(1) });
    Ok(all)
}
