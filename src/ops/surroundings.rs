//! The machine that a command runs on, as far as it may be asked: clock, environment variables, folder, secrets in use.

use super::{trace::Trace, witness::Witness};
use crate::{
    base::{moment, secret::Masks, time::Stamp, value::Value, world::World},
    engine::{fleet::workers::Workers, setting::Reached},
    mock::program::Played,
};
use std::{
    collections::HashMap,
    path::PathBuf,
    sync::{Arc, Mutex, PoisonError},
};

/// Looks up an environment variable.
pub type Variables = dyn Fn(&str) -> Option<String> + Send + Sync;

/// What a command may ask of its machine.
#[derive(Clone)]
pub struct Surroundings {
    /// Clock and identifiers.
    pub world: World,
    /// Environment variables.
    pub variable: Arc<Variables>,
    /// Where the command was started.
    pub folder: PathBuf,
    /// Every secret in use, for the last writer of each output.
    pub masks: Masks,
    /// Which parts of playbooks were gone through: for the report of tests.
    pub reached: Reached,
    /// What a command found out beside its task and somebody should know.
    pub notes: Notes,
    /// Programs that are played and never started, by connection: in tests of playbooks.
    pub played: Arc<HashMap<Arc<str>, Arc<Played>>>,
    /// What a collector of traces is told at the end.
    pub trace: Trace,
    /// What this machine has seen of the journals that it opens.
    pub witness: Witness,
    /// Where sets of many items are carried out.
    pub workers: Workers,
    /// Secret parameters that are given again to a run that exists.
    pub given_again: Vec<(String, Value)>,
}

/// Sentences for the person who runs the command, said at its end.
#[derive(Clone, Debug, Default)]
pub struct Notes(Arc<Mutex<Vec<String>>>);

impl Notes {
    /// To be said, once.
    pub fn add(&self, sentence: &str) {
        let mut notes = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if !notes.iter().any(|note| note == sentence) {
            notes.push(sentence.to_owned());
        }
    }

    /// What is to be said, and has not been yet.
    pub fn take(&self) -> Vec<String> {
        std::mem::take(&mut *self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Surroundings {
    /// Those of this process. In a debug build a test may have armed its moments.
    pub fn of_process() -> Surroundings {
        arm_moments();
        Surroundings {
            world: world(),
            variable: Arc::new(|name| std::env::var(name).ok()),
            folder: std::env::current_dir().unwrap_or_else(|_| PathBuf::from(".")),
            masks: Masks::default(),
            reached: Reached::default(),
            notes: Notes::default(),
            played: Arc::default(),
            trace: Trace::default(),
            witness: Witness::default(),
            workers: Workers::default(),
            given_again: Vec::new(),
        }
    }

    /// The same with secret parameters that somebody gives again to a run that exists.
    pub fn giving_again(mut self, given: Vec<(String, Value)>) -> Surroundings {
        self.given_again = given;
        self
    }

    /// The same with some variables given, in front of the others.
    pub fn with_variables(mut self, given: Vec<(String, String)>) -> Surroundings {
        let below = self.variable.clone();
        self.variable =
            Arc::new(move |name| given.iter().find(|(n, _)| n == name).map(|(_, v)| v.clone()).or_else(|| below(name)));
        self
    }

    /// Who runs this: `TRUEUP_ACTOR`, else the user of the machine, as the system knows it. `USER` and `LOGNAME` are not asked:
    /// anybody can set them, and cron and containers do not.
    pub fn actor(&self) -> Option<String> {
        (self.variable)("TRUEUP_ACTOR").filter(|name| !name.trim().is_empty()).or_else(user_of_machine)
    }
}

/// The name of the user under whose rights this process runs; its number where the system has no name for it, as in many containers.
#[cfg(unix)]
fn user_of_machine() -> Option<String> {
    use nix::unistd::{User, geteuid};
    let uid = geteuid();
    let name = User::from_uid(uid).ok().flatten().map(|user| user.name).filter(|name| !name.trim().is_empty());
    Some(name.unwrap_or_else(|| format!("uid {uid}")))
}

/// Elsewhere nobody is asked: `--actor` says it.
#[cfg(not(unix))]
fn user_of_machine() -> Option<String> {
    None
}

/// `TRUEUP_CRASH_AT=n`: the process kills itself at the nth moment of the protocol. `TRUEUP_STOP_AT=n`: it stands still there.
/// `TRUEUP_MOMENTS=FILE`: the names of those that it reaches. Debug builds only.
fn arm_moments() {
    if !cfg!(debug_assertions) {
        return;
    }
    let at = |variable: &str, deed| Some((std::env::var(variable).ok()?.parse().ok()?, deed));
    let names = std::env::var_os("TRUEUP_MOMENTS");
    let plan = moment::Plan {
        at: at("TRUEUP_CRASH_AT", moment::Deed::Kill).or_else(|| at("TRUEUP_STOP_AT", moment::Deed::Freeze)),
        names: names.and_then(|path| std::fs::OpenOptions::new().create(true).append(true).open(path).ok()),
    };
    if plan.at.is_some() || plan.names.is_some() {
        moment::arm(plan);
    }
}

/// The machine's own clock. `TRUEUP_TIME=FACTOR:EPOCH`: time runs so many times faster since that moment (microseconds), the
/// same for all processes that a test starts; leases and pauses then take as much less. Debug builds only.
fn world() -> World {
    let real = World::real();
    if !cfg!(debug_assertions) {
        return real;
    }
    let given = std::env::var("TRUEUP_TIME").ok();
    let pace = given.as_deref().and_then(|text| {
        let (factor, epoch) = text.split_once(':')?;
        Some((factor.parse::<u32>().ok().filter(|factor| *factor > 0)?, epoch.parse::<i64>().ok()?))
    });
    match pace {
        Some((factor, epoch)) => faster(real, factor, epoch),
        None => real,
    }
}

fn faster(real: World, factor: u32, epoch: i64) -> World {
    let (pausing, beating) = (real.clone(), real.clone());
    let clock = real.clone();
    real.with_pause(move |length| pausing.pause(length / factor))
        .with_beat(move |length| beating.beat(length / factor))
        .with_clock(move || {
            let now = clock.now();
            let since = now.micros.saturating_sub(epoch).saturating_mul(i64::from(factor));
            Stamp { micros: epoch.saturating_add(since), ..now }
        })
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;

    #[test]
    fn who_acts_is_known_by_the_system_and_not_by_a_variable_that_anybody_can_set() {
        let given = |name: &str, value: &str| (name.to_owned(), value.to_owned());
        let told = std::process::Command::new("id").arg("-un").output().unwrap();
        let name = String::from_utf8(told.stdout).unwrap().trim().to_owned();
        assert!(!name.is_empty());
        let claims = vec![given("USER", "mallory"), given("LOGNAME", "mallory"), given("TRUEUP_ACTOR", " ")];
        assert_eq!(Surroundings::of_process().with_variables(claims).actor(), Some(name));
        let said = vec![given("TRUEUP_ACTOR", "anna")];
        assert_eq!(Surroundings::of_process().with_variables(said).actor().as_deref(), Some("anna"));
    }
}
