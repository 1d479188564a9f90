//! Questions and reminders that are due in a run leave for those who are asked: each is recorded before it is sent, and is sent
//! at most once, whatever becomes of this process.

use super::{Failure, Surroundings, project::Opened, record::Record, resume};
use crate::{
    base::{identity::RunId, moment},
    engine::{
        notices::{self, Reminded, Sent},
        outgoing::tell,
        setting::Setting,
        state::{NOT_TOLD, RunState},
        watch::Watch,
    },
    journal::Claim,
    report::letter,
};

/// Sends what is due in a run that this process has. A message that cannot be sent is recorded as such, and is no failure.
pub async fn send(
    record: &Record,
    setting: &Setting,
    claim: &Claim,
    state: &RunState,
    watch: Watch<'_>,
) -> Result<Vec<Sent>, Failure> {
    let mut sent = Vec::new();
    for due in notices::due(state, &setting.people, setting.world.now()) {
        let Some(reach) = setting.people.get(&due.asked.who) else { continue };
        record.journal.append_claimed(claim, &[due.event(reach, None).into()]).await?;
        moment::reached("before a message");
        let text = letter::text(claim.run, &due, setting.world.now());
        let told = tell::tell(setting, due.message(claim.run, tell::about(setting), text), watch).await;
        moment::reached("after a message");
        let (told, result) = match told {
            Ok(how) => (true, how.to_owned()),
            Err(why) => (false, format!("{NOT_TOLD}{why}")),
        };
        record.journal.append_claimed(claim, &[due.event(reach, Some(result.clone())).into()]).await?;
        sent.push(Sent { run: claim.run, due, told, result });
    }
    Ok(sent)
}

/// Sends what is due in all runs that wait for people. A run that somebody works on is left to him.
pub async fn all(
    surroundings: &Surroundings,
    record: &Record,
    opened: &Opened,
    actor: &str,
    watch: Watch<'_>,
) -> Result<Reminded, Failure> {
    let mut runs: Vec<RunId> = record.journal.waiting().await?.into_iter().map(|one| one.run).collect();
    runs.sort_unstable();
    runs.dedup();
    let mut reminded = Reminded::default();
    for run in runs {
        match one(surroundings, record, opened, run, actor, watch).await {
            Ok(sent) => reminded.sent.extend(sent),
            // The journal is everybody's: what is wrong with one run must not keep others from being looked at.
            Err(Failure::Journal(error)) => return Err(Failure::Journal(error)),
            Err(failure) => reminded.left.push((run, failure.in_short())),
        }
    }
    Ok(reminded)
}

/// Sends what is due in one run, if anything is.
pub async fn one(
    surroundings: &Surroundings,
    record: &Record,
    opened: &Opened,
    run: RunId,
    actor: &str,
    watch: Watch<'_>,
) -> Result<Vec<Sent>, Failure> {
    let state = record.state(run).await?;
    if !waits(&state) {
        return Ok(Vec::new());
    }
    let (prepared, _) = resume::setting_of(surroundings, record, opened, run, &state).await?;
    let setting = prepared.setting;
    if notices::due(&state, &setting.people, setting.world.now()).is_empty() {
        return Ok(Vec::new());
    }
    let claim = record.claim(surroundings, run, actor).await?;
    // Somebody else may have told them, or may have been answered, before the run was taken.
    let state = record.state(run).await?;
    let sent = send(record, &setting, &claim, &state, watch).await;
    record.journal.release(&claim).await?;
    sent
}

/// Somebody is asked something in it.
fn waits(state: &RunState) -> bool {
    let asks = state.items.values().flat_map(|item| item.steps.values()).any(|step| step.waits());
    asks && state.closed.is_none() && !state.cancelled
}
