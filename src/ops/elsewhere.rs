//! What other runs have left in doubt. A request of which nobody knows what came of it is not sent by another run either: the answer that was lost would
//! become a second write all the same.
//!
//! It holds for runs of the same playbook in the same environment that share a journal and are not over. Once the other run has found out, or a person has
//! said so or has given it up, whoever plans anew goes on from what is there then.

use super::{Failure, Surroundings, record::Record};
use crate::{
    base::{
        identity::SINGLE_ITEM,
        shape::Length,
        value::{Map, Value},
    },
    engine::{
        fleet::{roll::Roll, summary::LEFT_TO},
        setting::Setting,
    },
    journal::{RunSummary, failure::JournalError, payload::RunCreated},
    plan::Plan,
    report::exit::Exit,
    template::equal,
};
use std::{collections::HashMap, sync::Arc};

/// Items that another run has left in doubt, each with what is said of it.
pub(super) type Doubts = HashMap<Arc<str>, String>;

/// Of a run over many items: those that it must leave alone.
pub(super) async fn items(record: &Record, setting: &Setting, plan: &Plan) -> Result<Doubts, Failure> {
    let mut doubts = Doubts::new();
    for rival in rivals(record, setting, plan).await? {
        let Some(roll) = read(record, &rival).await? else { continue };
        for (key, item) in &roll.standing(&record.journal).await?.items {
            if **key != *SINGLE_ITEM
                && let Some((path, _)) = item.unresolved().next()
            {
                doubts.entry(key.clone()).or_insert_with(|| words(&rival, path));
            }
        }
    }
    Ok(doubts)
}

/// Refuses a run about one record where another one with the same parameters has left something in doubt.
pub(super) async fn expect_none(
    surroundings: &Surroundings,
    record: &Record,
    setting: &Setting,
    plan: &Plan,
) -> Result<(), Failure> {
    for rival in rivals(record, setting, plan).await? {
        let Some(roll) = read(record, &rival).await? else { continue };
        let same = |created: &RunCreated| same(&created.params, &setting.params);
        if !roll.run.created.as_ref().is_some_and(same) {
            continue;
        }
        let Some((path, _)) = roll.run.items.get(SINGLE_ITEM).and_then(|item| item.unresolved().next()) else {
            continue;
        };
        let short = rival.id.short();
        if let Some(by) = record.worked_on_by(surroundings, rival.id).await? {
            let message = format!("run {short} is at `{path}` for the same parameters: {} is at it", by.holder.name);
            return Err(Failure::refused(Exit::Stopped, message)
                .help(format!("wait until it is over: `trueup show {short}` tells what became of it"))
                .help("nothing was sent"));
        }
        let message = format!(
            "run {short} has begun `{path}` for the same parameters, and nobody knows yet whether it took effect"
        );
        return Err(Failure::refused(Exit::InDoubt, message)
            .help(format!("`trueup resume {short}` finds out, as far as that is possible; `trueup inbox` tells what waits for a person"))
            .help("nothing was sent"));
    }
    Ok(())
}

/// Other runs that are not over, where this one would send something.
async fn rivals(record: &Record, setting: &Setting, plan: &Plan) -> Result<Vec<RunSummary>, Failure> {
    let counts = plan.tally().counts;
    if counts.requests + counts.jobs + counts.unknown + counts.not_previewable == 0 {
        return Ok(Vec::new());
    }
    let (playbook, environment) = (&setting.playbook.name.text, &setting.environment);
    Ok(record.journal.rivals(setting.run.id, playbook, environment, false).await?)
}

/// How far a run is; nothing of one whose events were removed.
async fn read(record: &Record, run: &RunSummary) -> Result<Option<Roll>, Failure> {
    match Roll::read(&record.journal, run.id).await {
        Ok(roll) => Ok(Some(roll)),
        Err(JournalError::Purged { .. }) => Ok(None),
        Err(error) => Err(error.into()),
    }
}

/// The same values, as far as anybody can tell.
fn same(theirs: &Map, ours: &Map) -> bool {
    theirs.iter().all(|(name, value)| ours.get(name).is_some_and(|own| may_be_one(own, value)))
}

/// The same value, however it is spelt (`1.0` and `1`, `24h` and `1d`), or one of which a run keeps nothing: a secret one.
pub(super) fn may_be_one(one: &Value, other: &Value) -> bool {
    let length = |value: &Value| value.bare().parse::<Length>().ok();
    one.is_unknown()
        || other.is_unknown()
        || equal(one, other).unwrap_or(true)
        || length(one).is_some_and(|length_of_one| length(other) == Some(length_of_one))
}

fn words(rival: &RunSummary, path: &str) -> String {
    let run = rival.id.short();
    format!("{LEFT_TO}{run}, which has begun `{path}` of it: nobody knows yet whether that took effect")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::value::Data;

    #[test]
    fn one_value_is_the_same_however_it_is_spelt() {
        let number = |text: &str| Value::from(Data::Decimal(text.parse().unwrap()));
        assert!(may_be_one(&number("1.0"), &number("1")) && !may_be_one(&number("1.0"), &number("1.01")));
        assert!(may_be_one(&"24h".into(), &"1d".into()) && !may_be_one(&"24h".into(), &"2d".into()));
        assert!(may_be_one(&"a".into(), &"a".into()) && !may_be_one(&"a".into(), &"b".into()));
        let gone = Value::from(Data::Unknown("not stored".into()));
        assert!(may_be_one(&gone, &"a".into()) && may_be_one(&"a".into(), &gone));
    }
}
