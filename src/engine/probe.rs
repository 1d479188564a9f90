//! Finding out by the step's own `probe:`. "Done" is taken at its word at once; "not done" only when the other side must be
//! through with the request, and three times running: an answer may be older than the request.

use super::{
    drive::{Driver, Halt},
    images::passes,
    outline::Place,
    recover::{Found, is_one_transaction, probe_of},
    state::StepState,
    tries::Tries,
    trouble::Trouble,
    watch::Tick,
};
use crate::{
    action::{
        deed::Deed,
        resolve::{self, resolve},
        step::Probe,
    },
    base::time::Stamp,
    connection::fault::FaultKind,
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
        let settle = probe.settle.map_or(Duration::ZERO, |length| length.0);
        let left = left(step.last_attempt, settle, self.setting.world.now());
        if !left.is_zero() {
            if let Ok(Answer::Done) = self.probed(place, &probe).await? {
                return Ok(done());
            }
            let why = "its probe does not say that it was done; the other side may still be at work".to_owned();
            (self.watch)(Tick::Again { path: place.path.clone(), why, pause: left });
            self.setting.world.pause(left).await;
        }
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

#[cfg(test)]
mod tests {
    use super::*;

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
