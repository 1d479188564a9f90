//! `limits: { one_at_a_time: … }`: of runs that would get into each other's way only one is open at a time.
//!
//! There is no lock that somebody would have to give back, and none that could be left behind: the open run itself is what others see.
//! Whoever begins records the run first and looks around then. Of two that do so at the same moment the journal knows which one
//! was recorded first, and the other one gives way before it has done anything. So it holds for all who share a journal, and for
//! nobody else.

use super::{Failure, apply::Carried, elsewhere::may_be_one, record::Record};
use crate::{
    base::{
        identity::{RunId, SINGLE_ITEM},
        value::{Map, Value},
    },
    engine::{drive::Stopped, setting::Setting},
    journal::{
        Claim, RunSummary, Sifted,
        event::Event,
        failure::JournalError,
        payload::{ClosedItem, Count, ItemClosed, RunClosed, RunCreated},
        words::End,
    },
    report::{clock, exit::Exit},
};

/// Which runs count.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Which {
    /// All that are open.
    All,
    /// Those that were recorded before this one.
    Earlier,
}

/// The playbook allows one at a time.
pub(super) fn is_limited(setting: &Setting) -> bool {
    setting.playbook.limits.as_ref().is_some_and(|limits| limits.one_at_a_time.is_some())
}

/// Refuses where another one is open. Nothing is recorded yet, or nothing begins again yet.
pub(super) async fn expect(record: &Record, setting: &Setting) -> Result<(), Failure> {
    match other(record, setting, Which::All).await? {
        Some(other) => Err(refusal(&other)),
        None => Ok(()),
    }
}

/// The one that was first, where this run is recorded and must give way.
pub(super) async fn first(record: &Record, setting: &Setting) -> Result<Option<RunSummary>, Failure> {
    other(record, setting, Which::Earlier).await
}

/// Refuses to go on with a run that was recorded when another one was open already: its process ended before it had looked.
pub(super) async fn has_come(record: &Record, setting: &Setting) -> Result<(), Failure> {
    match first(record, setting).await? {
        Some(other) => Err(refusal(&other)),
        None => Ok(()),
    }
}

/// Ends a run that has done nothing, because another one was first.
pub(super) async fn give_way(
    record: &Record,
    run: RunId,
    claim: Option<&Claim>,
    other: &RunSummary,
) -> Result<Carried, Failure> {
    let reason = Some(gave_way(other));
    let item = ClosedItem { item: SINGLE_ITEM.into(), end: End::Stopped, reason: reason.clone() };
    let closed = RunClosed { end: End::Stopped, reason, counts: vec![Count { end: End::Stopped, items: 1 }] };
    let events: [Event; 2] = [ItemClosed { items: vec![item] }.into(), closed.into()];
    match claim {
        Some(claim) => record.journal.append_claimed(claim, &events).await?,
        None => record.journal.append(run, &events).await?,
    };
    let state = record.state(run).await?;
    Ok(Carried { stopped: Stopped::Closed(End::Stopped), state, drift: Vec::new(), many: None })
}

/// What is recorded of a run that gave way.
pub(super) fn gave_way(other: &RunSummary) -> String {
    format!(
        "Run {} by {} was first, and the playbook allows one at a time; nothing was done.",
        other.id.short(),
        other.actor
    )
}

/// What is said where another one is open.
pub(super) fn refusal(other: &RunSummary) -> Failure {
    let (short, state) = (other.id.short(), other.state.word().replace('_', " "));
    let message = format!("run {short} of `{}` is not over, and the playbook allows one at a time", other.playbook);
    let failure = Failure::refused(Exit::Stopped, message);
    let failure = failure.help(format!(
        "it is {state}, begun by {} at {}: {}",
        other.actor,
        clock::second(other.started_at),
        other.reason.replace('\n', " ")
    ));
    let failure = failure.help(format!("wait until it is over; `trueup show {short}` tells how far it is"));
    failure.help(format!(
        "if nobody works on it any more: `trueup resume {short}` goes on with it, `trueup cancel {short} --reason \"…\"` ends it"
    ))
}

async fn other(record: &Record, setting: &Setting, which: Which) -> Result<Option<RunSummary>, Failure> {
    if !is_limited(setting) {
        return Ok(None);
    }
    let (playbook, run) = (&setting.playbook.name.text, setting.run.id);
    let rivals = record.journal.rivals(run, playbook, &setting.environment, which == Which::Earlier).await?;
    let mine = subject(setting, &setting.params);
    for rival in rivals {
        let theirs = match beginning(record, rival.id).await? {
            Some(created) => subject(setting, &created.params),
            None => None,
        };
        // What cannot be told is taken to be the same.
        if mine.as_ref().zip(theirs.as_ref()).is_none_or(|(mine, theirs)| may_be_one(mine, theirs)) {
            return Ok(Some(rival));
        }
    }
    Ok(None)
}

/// What the playbook says of a run with these parameters; nothing where it cannot be told.
fn subject(setting: &Setting, params: &Map) -> Option<Value> {
    let limit = setting.playbook.limits.as_ref()?.one_at_a_time.as_ref()?;
    let scope = setting.beginning().with("params", params.clone().into());
    Some(limit.evaluate(&scope).ok()?.value)
}

/// How a run was made. The rest of it is not read.
async fn beginning(record: &Record, run: RunId) -> Result<Option<RunCreated>, Failure> {
    let mut created = None;
    let mut take = |sifted: &Sifted<'_>| {
        if let Event::RunCreated(made) = sifted.event()?.event {
            created = Some(*made);
        }
        Err(JournalError::Overtaken)
    };
    match record.journal.sift(run, None, &mut take).await {
        Ok(_) | Err(JournalError::Overtaken | JournalError::Purged { .. }) => Ok(created),
        Err(error) => Err(error.into()),
    }
}
