//! Background jobs in a plan: really looked at, exactly rendered, not changed. What reads of the same places show afterwards is
//! not known.

use super::{Pass, Stepped};
use crate::{
    action::{
        deed::{Find, JobVerb, Jobs, Tally},
        step::Step,
    },
    base::{
        identity::{EffectId, SINGLE_ITEM},
        value::{Data, Marks, Value},
    },
    connection::sidekiq::Place,
    effect::{change::TableName, label::Label},
    engine::{
        outgoing::jobs::{self, Looked},
        question,
    },
    plan::{Effect, Foreseen, Section},
};
use std::sync::Arc;

impl Pass<'_> {
    /// Jobs that a `find` looks for.
    pub(super) async fn find_jobs(&mut self, path: &Arc<str>, step: &Step, find: &Find) -> Result<(), Stepped> {
        let value = if find.is_unknown() || self.is_tainted(&find.table) {
            Value::unknown()
        } else {
            question::find_jobs(self.setting, find, step.act_at).await?
        };
        self.results.extend(step.id().map(str::to_owned));
        self.give(path, step, value, question::jobs_summary)
    }

    /// Jobs, counted.
    pub(super) async fn tally(&mut self, path: &Arc<str>, step: &Step, tally: &Tally) -> Result<(), Stepped> {
        let table = |place: &Place| TableName { connection: tally.connection.clone(), table: place.word().into() };
        let stale = tally.places.iter().any(|place| self.is_tainted(&table(place)));
        let value = if tally.is_unknown() || stale {
            Value::unknown()
        } else {
            question::tally(self.setting, tally, step.act_at).await?
        };
        // Counts move all the time: a plan rests on them only where an expression looks.
        self.results.extend(step.id().map(str::to_owned));
        self.give(path, step, value, question::tally_summary)
    }

    /// A change of jobs.
    pub(super) async fn would_change_jobs(&mut self, path: &Arc<str>, step: &Step, deed: &Jobs) -> Result<(), Stepped> {
        let again = |place: &Place| TableName { connection: deed.connection.clone(), table: place.word().into() };
        let written: Vec<Place> = match &deed.verb {
            JobVerb::Enqueue(new) if new.later.is_some() || new.moment.is_some() => vec![Place::Scheduled],
            JobVerb::Enqueue(_) => vec![Place::Queued],
            JobVerb::Retry(pick) => vec![pick.from, Place::Queued],
            JobVerb::Delete(pick) => vec![pick.from],
            JobVerb::Restore(_) => vec![Place::Queued, Place::Scheduled, Place::Retrying, Place::Dead],
        };
        // What an earlier step of this plan would have changed cannot be seen; one job of a name is still that job.
        let stale = match &deed.verb {
            JobVerb::Retry(pick) | JobVerb::Delete(pick) => {
                !pick.single && self.is_tainted(&again(&pick.from)) && self.is_blurred(&deed.connection)
            }
            _ => false,
        };
        let taken = self.taken(&deed.connection);
        if deed.is_unknown() || stale {
            self.taint_jobs(step, deed, &written);
            self.unexecuted(path, step, Label::HasUnknowns);
            return Ok(());
        }
        // An undo has the same name for its effects as for its places.
        let effect = EffectId { run: self.setting.run.id, item: SINGLE_ITEM.into(), step: path.clone(), generation: 0 };
        let looked = jobs::look(self.setting, deed, &effect, &taken, step.act_at).await?;
        if let Looked::Change(ready) = &looked
            && let Some(why) = &ready.miscounted
        {
            return Err(jobs::missed(why, step.act_at).into());
        }
        match looked {
            Looked::Nothing(result, why) => {
                self.keep_result(step, result);
                self.show(path, step, Label::Exact, Foreseen::Unchanged, Vec::new(), vec![why]);
            }
            Looked::Left(rows) => {
                self.keep_result(step, Value::NULL);
                self.show(path, step, Label::Read, Foreseen::Warns, vec![Effect::LeftAlone { rows }], Vec::new());
            }
            Looked::Change(ready) => {
                self.taint_jobs(step, deed, &written);
                let unknown = ready.unknown;
                self.keep_result(step, if unknown { Value::unknown() } else { by_clock(&ready.change.result) });
                let label = if unknown { Label::HasUnknowns } else { Label::Exact };
                let left = (!ready.left.is_empty()).then_some(Effect::LeftAlone { rows: ready.left });
                let effects = [Effect::Jobs { jobs: ready.jobs }].into_iter().chain(left).collect();
                self.show(path, step, label, Foreseen::Changes, effects, Vec::new());
            }
        }
        Ok(())
    }

    /// Jobs that earlier steps of this plan would take out of where they are.
    fn taken(&self, connection: &str) -> Vec<Arc<str>> {
        let effects = self.steps.iter().flat_map(|step| &step.effects);
        let jobs = effects.filter_map(|e| if let Effect::Jobs { jobs } = e { Some(jobs) } else { None }).flatten();
        jobs.filter(|job| &*job.connection == connection && !job.from.is_empty()).map(|job| job.jid.clone()).collect()
    }

    /// An earlier step would change jobs, and which ones is not known.
    fn is_blurred(&self, connection: &str) -> bool {
        let written = |step: &crate::plan::StepPlan| {
            step.kind == "job" && step.effects.is_empty() && step.foreseen == Foreseen::Changes
        };
        self.tainted_databases.contains(connection) || self.steps.iter().any(written)
    }

    fn keep_result(&mut self, step: &Step, result: Value) {
        if let Some(id) = &step.common.id {
            self.scope.insert(id.text.clone(), result);
        }
    }

    /// The places that it changes, and what the jobs themselves may change.
    fn taint_jobs(&mut self, step: &Step, deed: &Jobs, written: &[Place]) {
        if self.section != Section::Steps {
            return;
        }
        let table = |place: &Place| TableName { connection: deed.connection.clone(), table: place.word().into() };
        self.tainted_tables.extend(written.iter().map(table));
        // A job that is deleted changes nothing; one for later does it when this is long over, but nobody promises that.
        if matches!(deed.verb, JobVerb::Delete(_)) {
            return;
        }
        let why = format!("the jobs of `{}`", step.label(0));
        self.taint_named(deed.affects.as_deref(), why);
    }
}

/// `at` is told by Redis once it is done.
fn by_clock(result: &Value) -> Value {
    let one = |value: &Value| match value.as_map() {
        Some(map) if map.get("at").is_some_and(Value::is_null) => {
            let mut map = map.clone();
            map.insert(
                "at".into(),
                Value::from(Data::Unknown(crate::base::value::AFTER_APPLY.into())).marked(Marks::CLOCK),
            );
            Value::from(map)
        }
        _ => value.clone(),
    };
    match result.as_list() {
        Some(all) => Value::list(all.iter().map(one)),
        None => one(result),
    }
}
