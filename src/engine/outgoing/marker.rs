//! Changes of background jobs in a run: looked at, compared with the plan, done once; and found out about by the mark that
//! Redis keeps of each.

use super::jobs::{self, Looked, MOVED, Ready};
use crate::{
    action::{
        deed::{JobVerb, Jobs, JobsChange, Outgoing},
        step::Step,
    },
    base::{moment, time::Stamp},
    connection::{
        fault::{Fault, FaultKind},
        sidekiq::{self, Place, Told, keeper::EMPTIED, script::BEGUN},
    },
    effect::left::{self, LeftAlone},
    engine::{
        drive::{Driver, Halt, Went},
        outline::Place as At,
        recover::Found,
        state::StepState,
        tries::Tries,
        trouble::Trouble,
        undo,
        watch::Tick,
    },
    journal::words::Outcome,
    table::condition::Condition,
};

/// Jobs that move between a look and the script are looked at again this often.
const MOST_LOOKS: u32 = 3;

impl Driver<'_> {
    /// A `job` step.
    pub(in crate::engine) async fn change_jobs(&mut self, place: &At, step: &Step, deed: &Jobs) -> Result<Went, Halt> {
        self.close_readers().await;
        let effect = self.effect(&place.path);
        let mut looks = 1;
        loop {
            let looked = jobs::look(self.setting, deed, &effect, &[], step.act_at).await?;
            let differences = jobs::drift(self.planned(&place.path), &looked);
            if !differences.is_empty() {
                return Err(Trouble::Drifted(differences).into());
            }
            let ready = match looked {
                Looked::Nothing(result, why) => {
                    return Ok(Went { outcome: Outcome::Unchanged, message: Some(why), ..Went::done(result) });
                }
                Looked::Left(left) => {
                    whole(deed, &left)?;
                    return Ok(Went {
                        outcome: Outcome::Unchanged,
                        value: Some(left::store(&left)),
                        message: undo::left_words(&left),
                        response: Some("left alone".into()),
                    });
                }
                Looked::Change(ready) => *ready,
            };
            if let Some(why) = &ready.miscounted {
                return Err(jobs::missed(why, step.act_at).into());
            }
            if ready.unknown {
                return Err(crate::engine::step::unknown_now(step, None).into());
            }
            let Ready { mut change, left, .. } = ready;
            whole(deed, &left)?;
            let id = self.setting.world.id().to_string();
            let keeper = jobs::connection(self.setting, &change.connection)?.keeper_or(&id).await;
            change.keeper = keeper.map_err(|fault| Trouble::of_database(&change.connection, fault))?;
            match self.send(place, step, Outgoing::Jobs(change)).await {
                Ok(went) => return Ok(Went { message: undo::left_words(&left), ..went }),
                // Proved undone: the jobs moved in that very moment.
                Err(Halt::Trouble(Trouble::Call(call)))
                    if call.code.as_deref() == Some(MOVED) && looks < MOST_LOOKS =>
                {
                    let message = Some(crate::engine::endings::sentence(&call.message));
                    self.outcome(
                        &place.path,
                        Went { outcome: Outcome::NotDone, value: None, message, response: None },
                        0,
                    );
                    looks += 1;
                }
                Err(other) => return Err(other),
            }
        }
    }

    /// What became of a change whose answer was lost.
    pub(in crate::engine) async fn by_marker(&mut self, place: &At, step: &StepState) -> Result<Found, Halt> {
        let setting = self.setting;
        let stored = step.connection.as_ref().zip(step.request.as_ref());
        let change = stored.and_then(|(connection, request)| jobs::of_stored(connection, request));
        let Some(change) = change else {
            return Ok(Found::InDoubt(
                "the journal does not hold the jobs, or they are sealed and the key is not here".into(),
            ));
        };
        let Some(connection) = setting.jobs.get(&change.connection) else {
            return Ok(Found::InDoubt(format!("`{}` holds no background jobs any more", change.connection)));
        };
        let mut tries = Tries::default();
        let mut attempt = step.attempts;
        loop {
            let fault = match self.by_mark(place, step, connection, &change, &mut attempt).await? {
                Ok(found) => return Ok(found),
                Err(fault) => fault,
            };
            let passes = matches!(
                fault.kind,
                FaultKind::Refused
                    | FaultKind::Lost
                    | FaultKind::InDoubt
                    | FaultKind::Busy
                    | FaultKind::StatementTimeout
            );
            let Some(pause) = tries.next().filter(|_| passes) else {
                return Ok(Found::InDoubt(format!(
                    "`{}` could not be asked for the mark of it: {fault}",
                    change.connection
                )));
            };
            (self.watch)(Tick::Again { path: place.path.clone(), why: fault.to_string(), pause });
            setting.world.pause(pause).await;
        }
    }

    /// The mark, or the very same bytes again: the script looks at the mark first, so they have one effect.
    async fn by_mark(
        &mut self,
        place: &At,
        step: &StepState,
        jobs: &sidekiq::Jobs,
        change: &JobsChange,
        attempt: &mut u32,
    ) -> Result<Result<Found, Fault>, Halt> {
        match jobs.marker(&change.change.effect).await {
            Ok(Some(mark)) if mark.starts_with(&change.change.fingerprint()) => {
                let at = mark.split_once(' ').map_or("", |(_, at)| at);
                return Ok(Ok(done(change, at, "its mark in Redis shows that it was done")));
            }
            Ok(Some(mark)) if mark.starts_with(BEGUN) => return Ok(Ok(Found::InDoubt(HALF.into()))),
            Ok(Some(_)) => return Ok(Ok(Found::InDoubt("its mark in Redis stands for other bytes".into()))),
            Ok(None) => {}
            Err(fault) => return Ok(Err(fault)),
        }
        match unsure(jobs, change, step.first_attempt, self.setting.world.now()).await {
            Ok(None) => {}
            Ok(Some(found)) => return Ok(Ok(found)),
            Err(fault) => return Ok(Err(fault)),
        }
        *attempt += 1;
        self.attempt(&place.path, *attempt).await?;
        moment::reached("before a request");
        let told = jobs.carry_out(&change.change, None, change.keeper.token.as_deref()).await;
        moment::reached("after a request");
        // The script looks at rights before it writes: what it refuses now was not done, and was not done before.
        if let Err(fault) = &told
            && fault.kind == FaultKind::Denied
        {
            return Ok(Ok(Found::NotDone("Redis has no mark of it".into())));
        }
        Ok(told.map(|told| match told {
            Told::Done(at) => {
                done(change, &at, "it had not been done, and the same was given to Redis again under its mark")
            }
            Told::Before(at) => done(change, &at, "its mark in Redis shows that it was done"),
            Told::Gone(_) | Told::Rival(_) => Found::NotDone("Redis has no mark of it".into()),
            Told::Other => Found::InDoubt("its mark in Redis stands for other bytes".into()),
            Told::Elsewhere => Found::InDoubt(EMPTIED.into()),
        }))
    }
}

/// Where all or nothing is to be taken back, what is left alone stops it before anything is done.
fn whole(deed: &Jobs, left: &[LeftAlone]) -> Result<(), Trouble> {
    match &deed.verb {
        JobVerb::Restore(back) if back.all_or_nothing && !left.is_empty() => {
            Err(Trouble::Drifted(left.iter().flat_map(undo::restore::differences).collect()))
        }
        _ => Ok(()),
    }
}

/// Why nobody knows what became of a change whose mark says that it was begun.
const HALF: &str =
    "its mark in Redis shows that it was begun and not ended: Redis refused a part of it; look at the jobs themselves";

fn done(change: &JobsChange, at: &str, why: &str) -> Found {
    let value = jobs::at_moment(&change.result, at);
    Found::Done { why: why.into(), response: Some(jobs::summary(&value)), value: Some(value) }
}

/// Where the missing mark proves nothing, because it may have been lost. `since`: when the change was first sent.
async fn unsure(
    jobs: &sidekiq::Jobs,
    change: &JobsChange,
    since: Option<Stamp>,
    at: Stamp,
) -> Result<Option<Found>, Fault> {
    let now = jobs.keeper().await?;
    let Some(why) = change.keeper.lost(&now, since, at) else { return Ok(None) };
    let jid = &*change.change.jid;
    if !jid.is_empty() {
        for place in [Place::Queued, Place::Scheduled, Place::Retrying, Place::Dead] {
            let found = jobs.find(place, &[Condition::is("jid", jid.into())], &[], 1).await?;
            if !found.jobs.is_empty() {
                let why = format!("the job {jid} is in `{}`", place.word());
                let value = change.result.clone();
                return Ok(Some(Found::Done { why, response: Some(jobs::summary(&value)), value: Some(value) }));
            }
        }
    }
    let whom = if jid.is_empty() { String::new() } else { format!("; look for what the job {jid} did") };
    Ok(Some(Found::InDoubt(format!("{why}{whom}"))))
}
