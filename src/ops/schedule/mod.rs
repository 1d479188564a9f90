//! `schedule` and `scheduler`: what is reconciled by itself. Decisions are recorded before anything begins, and one decision is
//! made for each time, however many processes look (`journal::schedules`).

mod fire;
mod fits;
mod lasting;
mod listen;
mod metrics;
mod serve;
mod standing;
mod tick;

pub use fire::{Ended, fire};
pub use fits::unfit;
pub use lasting::Lasting;
pub use listen::Listening;
pub use metrics::{gather, write_file};
pub use serve::{Due, Heard, Options, due, serve};
pub use standing::{next, standings};
pub use tick::{Firing, by_hand, pause, resume, tick};

use super::{
    Failure, Surroundings,
    playbook::{self, Loaded},
    project::Opened,
};
use crate::{
    base::{suggest, time::Stamp},
    check::is_somebody,
    playbook::schedules::Schedule,
};
use sha2::{Digest, Sha256};
use std::sync::Arc;

/// Schedules that could not be looked at, and why.
pub type Unseen = Vec<(Arc<str>, Failure)>;

/// Of so many schedules these could not be looked at: the others go on without them. The same of every one is about none of them:
/// the journal is away.
fn without_the_unseen(mut unseen: Unseen, of: usize) -> Result<Unseen, Failure> {
    let same = unseen.iter().all(|(_, failure)| failure.in_short() == unseen[0].1.in_short());
    if same
        && unseen.len() == of
        && let Some((_, failure)) = unseen.pop()
    {
        return Err(failure);
    }
    Ok(unseen)
}

/// The schedule of this name.
pub fn of_name<'o>(opened: &'o Opened, name: &str) -> Result<&'o Schedule, Failure> {
    opened.project.schedules.get(name).ok_or_else(|| {
        let failure = Failure::usage(format!("the project file has no schedule `{name}`"));
        match suggest::help(name, opened.project.schedules.names()) {
            Some(help) => failure.help(help),
            None => failure.help("schedules stand under `schedules:`; docs/reconcile.md shows one"),
        }
    })
}

/// The SHA-256 of a playbook as it is now, with all that it calls.
pub fn pin_of(loaded: &Loaded) -> String {
    Sha256::digest(loaded.checked.source().text().as_bytes()).iter().map(|b| format!("{b:02x}")).collect()
}

/// So many digits of it are printed.
pub const PIN: usize = 16;

/// Its playbook, or why the schedule may not run as it stands (E7).
pub fn allowed(
    surroundings: &Surroundings,
    opened: &Opened,
    schedule: &Schedule,
    now: Stamp,
) -> Result<Loaded, String> {
    owned(opened, schedule)?;
    current(schedule, now)?;
    usable(surroundings, opened, schedule)
}

/// Somebody answers for it.
fn owned(opened: &Opened, schedule: &Schedule) -> Result<(), String> {
    let owner = schedule.owner.as_str();
    if is_somebody(&opened.project, owner) {
        return Ok(());
    }
    Err(format!("its owner `{owner}` is nobody of this project any more"))
}

/// Its last day is not over then.
fn current(schedule: &Schedule, at: Stamp) -> Result<(), String> {
    if !schedule.is_expired(at) {
        return Ok(());
    }
    let day = schedule.expires.map_or_else(String::new, |day| day.0.to_string());
    Err(format!("it expired at the end of {day}; somebody has to renew `expires:`"))
}

/// Its playbook, if that may run as it is now.
fn usable(surroundings: &Surroundings, opened: &Opened, schedule: &Schedule) -> Result<Loaded, String> {
    let name = schedule.playbook.as_str();
    let loaded = playbook::load(surroundings, opened, name)
        .map_err(|failure| format!("`{name}` cannot be used: {}", failure.in_short()))?;
    if let Some(pin) = &schedule.pin {
        let found = pin_of(&loaded);
        if !found.starts_with(pin.as_str()) {
            return Err(format!(
                "`{name}` is not the text that was pinned; somebody has to read it and write `pin: {}`",
                &found[..PIN]
            ));
        }
    }
    Ok(loaded)
}
