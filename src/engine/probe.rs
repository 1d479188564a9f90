//! Finding out by the step's own `probe:`. "Done" is taken at its word at once; "not done" only when the other side must be
//! through with the request, and three times running: an answer may be older than the request.

use super::{
    drive::{Driver, Halt},
    images::passes,
    outline::Place,
    recover::{Found, is_one_transaction, probe_of},
    setting::Setting,
    state::StepState,
    tries::Tries,
    trouble::Trouble,
    watch::Tick,
};
use crate::{
    action::{
        deed::Deed,
        kinds::Act,
        resolve::{self, resolve},
        step::{Probe, Step},
    },
    base::time::Stamp,
    connection::{fault::FaultKind, program::Program},
};
use std::{sync::Arc, time::Duration};

/// How many equal answers prove that something is not there.
pub(super) const EQUAL: u32 = 3;
/// The pause between them.
pub(super) const BETWEEN: Duration = Duration::from_secs(1);

/// What one answer says.
enum Answer {
    Done,
    NotDone,
    Neither,
}

impl Driver<'_> {
    pub(super) async fn by_probe(&mut self, place: &Place, step: &StepState) -> Result<Found, Halt> {
        let Some(probe) = probe_of(&place.step).cloned() else {
            return Ok(Found::InDoubt("the step has no `probe:`".into()));
        };
        if let Some(why) = self.still_at_work(place, step).await? {
            return Ok(Found::InDoubt(why));
        }
        let left = settle(&place.step, &probe, self.setting).left(step.last_attempt, self.setting.world.now());
        if !left.is_zero() || self.running(place, step).is_some() {
            if let Ok(Answer::Done) = self.probed(place, &probe).await? {
                return Ok(done());
            }
            if !left.is_zero() {
                let why = "its probe does not say that it was done; the other side may still be at work".to_owned();
                (self.watch)(Tick::Again { path: place.path.clone(), why, pause: left });
                self.sleep(left).await?;
            }
            self.let_it_end(place, step).await?;
        }
        // Looked at before the answers: what ends between them may have done it after the last one.
        let running = self.running(place, step);
        for asked in 0..EQUAL {
            if asked > 0 {
                self.setting.world.pause(BETWEEN).await;
            }
            match self.probed(place, &probe).await? {
                Ok(Answer::Done) => return Ok(done()),
                Ok(Answer::NotDone) => {}
                Ok(Answer::Neither) => {
                    let what = if probe.not_done.is_some() {
                        "neither `done` nor `not_done` holds"
                    } else {
                        "`done` does not hold, which proves nothing without `not_done`"
                    };
                    return Ok(Found::InDoubt(format!("its probe cannot tell: {what}")));
                }
                Err(why) => return Ok(Found::InDoubt(format!("its probe could not be asked: {why}"))),
            }
        }
        if let Some(running) = running {
            return Ok(Found::InDoubt(format!("its probe says that it was not done, but {}", running.why)));
        }
        Ok(Found::NotDone("its probe says that it was not done".into()))
    }

    /// Of a change of a database: the session that made it is waited for, because its COMMIT may still be on its way, or wait for a standby. Before
    /// it is over, that nothing is there proves nothing. Why it cannot be known that it is over.
    async fn still_at_work(&mut self, place: &Place, step: &StepState) -> Result<Option<String>, Halt> {
        let in_database = step.class.as_deref().is_some_and(is_one_transaction);
        let database = step.connection.as_ref().filter(|_| in_database).and_then(|name| self.setting.database(name));
        let Some(database) = database else { return Ok(None) };
        let (name, mut tries) = (self.effect(&place.path).to_string(), Tries::default());
        loop {
            self.close_readers().await;
            let why = match database.writing().await {
                Ok(mut writing) => {
                    let same = self.same_database(&mut writing).await;
                    let kept = match &same {
                        Ok(()) => writing.keep(&name).await,
                        Err(_) => Ok(()),
                    };
                    let _ = writing.rollback().await;
                    same?;
                    match kept {
                        Ok(()) => return Ok(None),
                        Err(fault) if fault.kind == FaultKind::LockTimeout => {
                            format!("`{}`: the session that began it has not ended", database.name())
                        }
                        Err(fault) if passes(fault.kind) => fault.to_string(),
                        Err(fault) => return Ok(Some(format!("its probe was not asked: {fault}"))),
                    }
                }
                Err(fault) if passes(fault.kind) => fault.to_string(),
                Err(fault) => return Ok(Some(format!("its probe was not asked: {fault}"))),
            };
            let Some(pause) = tries.next() else { return Ok(Some(format!("its probe was not asked: {why}"))) };
            (self.watch)(Tick::Again { path: place.path.clone(), why, pause });
            self.setting.world.pause(pause).await;
        }
    }

    /// Asks once, and again within bounds where nobody answers. An inner error is a fragment for people.
    async fn probed(&mut self, place: &Place, probe: &Probe) -> Result<Result<Answer, String>, Halt> {
        let mut tries = Tries::default();
        loop {
            let trouble = match self.probe_once(place, probe).await {
                Ok(answer) => return Ok(Ok(answer)),
                Err(halt) => match halt.covered(&self.scope) {
                    Halt::Trouble(trouble) => trouble,
                    other => return Err(other),
                },
            };
            // Every look sees the world as it is then.
            self.close_readers().await;
            let passes = matches!(trouble, Trouble::Database { .. } | Trouble::Call(_));
            let Some(pause) = tries.next().filter(|_| passes) else { return Ok(Err(trouble.message())) };
            (self.watch)(Tick::Again { path: place.path.clone(), why: trouble.message(), pause });
            self.setting.world.pause(pause).await;
        }
    }

    async fn probe_once(&mut self, place: &Place, probe: &Probe) -> Result<Answer, Halt> {
        let of_expression = |f| Halt::Trouble(Trouble::of_expression(&f, &self.setting.source));
        let setting = self.setting;
        self.close_readers().await;
        let resolved =
            resolve(&probe.read, &self.scope, setting).map_err(|t| Trouble::of_resolving(t, &setting.source))?;
        let Some(resolved) = resolved else { return Ok(Answer::Neither) };
        if let Some(name) = database_of(&resolved.deed)
            && let Some(database) = setting.database(name)
        {
            let reading = database.reading_first_hand().await.map_err(|f| Trouble::of_database(name, f))?;
            self.readers.insert(name.clone(), reading);
        }
        let (value, _) = self.read(place, &probe.read, resolved.deed).await?;
        let mut scope = self.scope.clone().with("self", value.clone());
        if let Some(id) = probe.read.id() {
            scope.insert(id, value);
        }
        if resolve::judge(&probe.done, &scope).map_err(of_expression)?.holds == Some(true) {
            return Ok(Answer::Done);
        }
        match &probe.not_done {
            Some(not_done) if resolve::judge(not_done, &scope).map_err(of_expression)?.holds == Some(true) => {
                Ok(Answer::NotDone)
            }
            _ => Ok(Answer::Neither),
        }
    }
}

/// Where a probe looks into a database.
fn database_of(deed: &Deed) -> Option<&Arc<str>> {
    match deed {
        Deed::Find(find) => Some(&find.table.connection),
        Deed::Query(query) => Some(&query.connection),
        _ => None,
    }
}

fn done() -> Found {
    Found::Done {
        why: "its probe says that it was done".into(),
        value: None,
        response: Some("found by its probe".into()),
    }
}

/// How long the other side may still be at work. A clock that was set back never makes it longer than `settle`.
pub(super) fn left(begun: Option<Stamp>, settle: Duration, now: Stamp) -> Duration {
    let Some(begun) = begun else { return settle };
    let over = u64::try_from(now.micros.saturating_sub(begun.micros)).unwrap_or(0);
    settle.saturating_sub(Duration::from_micros(over))
}

/// How long the other side may still be at work on a request that seemed lost, where its author does not say.
const USUAL: Duration = Duration::from_secs(30);

/// Before it is over, that nothing is there proves nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Settle {
    /// So long from when the request began, as its author says.
    Given(Duration),
    /// The author does not say: [`USUAL`] from when the answer was lost, and never before the time is over that the call itself may take.
    Usual {
        /// That time.
        call: Duration,
    },
}

impl Settle {
    /// What is left of it. When an answer was lost nobody has recorded: at the latest when the call's own time was over, and not after this
    /// look.
    pub(super) fn left(self, begun: Option<Stamp>, now: Stamp) -> Duration {
        let call = match self {
            Settle::Given(settle) => return left(begun, settle, now),
            Settle::Usual { call } => call,
        };
        let Some(begun) = begun else { return self.length() };
        let micros = |length: Duration| i64::try_from(length.as_micros()).unwrap_or(i64::MAX);
        let over = begun.micros.saturating_add(micros(call));
        let until = over.max(over.min(now.micros).saturating_add(micros(USUAL)));
        let left = Duration::from_micros(u64::try_from(until.saturating_sub(now.micros)).unwrap_or(0));
        left.min(self.length())
    }

    /// The longest that it is waited for, for people who look at a plan.
    pub(super) fn length(self) -> Duration {
        match self {
            Settle::Given(settle) => settle,
            Settle::Usual { call } => call.max(USUAL),
        }
    }
}

/// The `settle` of a probe. None is needed for a change of a database, whose session is waited for, nor where nothing says that it was not done.
pub(super) fn settle(step: &Step, probe: &Probe, setting: &Setting) -> Settle {
    let usual = match &step.act {
        Act::Http(spec) => setting.api(spec.api.as_str()).map(|api| {
            let total = api.settings().timeouts().1;
            spec.timeout.map_or(total, |own| own.0.min(total))
        }),
        Act::Command(spec) => setting.program(spec.program.as_str()).map(|program| most_of_command(step, program)),
        Act::Job(_) => Some(Duration::ZERO),
        _ => None,
    };
    match (probe.settle, usual.filter(|_| probe.not_done.is_some())) {
        (Some(given), _) => Settle::Given(given.0),
        (None, Some(call)) => Settle::Usual { call },
        (None, None) => Settle::Given(Duration::ZERO),
    }
}

/// How long a program may run for this step.
pub(super) fn most_of_command(step: &Step, program: &Program) -> Duration {
    let most = program.settings().timeout();
    match &step.act {
        Act::Command(spec) => spec.timeout.map_or(most, |own| own.0.min(most)),
        _ => most,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn where_nobody_says_it_counts_from_the_loss_and_covers_the_time_of_the_call() {
        let (at, seconds) = (|n: i64| Stamp::new(n * 1_000_000), Duration::from_secs);
        let left = |call, now| Settle::Usual { call: seconds(call) }.left(Some(at(1000)), at(now)).as_secs();
        assert_eq!(left(3, 1003), 30, "it ran into its timeout");
        assert_eq!(left(30, 1001), 30, "the wire was cut");
        assert_eq!(left(60, 1060), 30, "a long timeout leaves as much behind it");
        assert_eq!(left(120, 1001), 119, "it may take so long by itself");
        assert_eq!((left(30, 1045), left(30, 1061)), (15, 0), "another process looks later");
        assert_eq!(left(3, 0), 30, "a clock that went back");
        assert_eq!(Settle::Usual { call: seconds(5) }.left(None, at(0)), seconds(30));
        assert_eq!(Settle::Given(Duration::ZERO).left(Some(at(1000)), at(1000)), Duration::ZERO, "the author's word");
    }

    #[test]
    fn what_is_left_of_the_settle_time_counts_from_the_attempt() {
        let at = |seconds: i64| Stamp { micros: seconds * 1_000_000, digits: 6 };
        let settle = Duration::from_secs(30);
        assert_eq!(left(Some(at(100)), settle, at(110)), Duration::from_secs(20));
        assert_eq!(left(Some(at(100)), settle, at(130)), Duration::ZERO);
        assert_eq!(left(Some(at(100)), settle, at(99_999)), Duration::ZERO);
        assert_eq!(left(Some(at(100)), settle, at(0)), settle, "a clock that went back");
        assert_eq!(left(None, settle, at(0)), settle);
    }
}
