//! `trueup resume` and `trueup resolve`

use super::{
    answer::actor,
    apply::{gone_on, progress},
    arguments::{Resolve, Resume},
    output::Output,
    pause, plan,
};
use crate::{
    ops::{
        self, Failure, Surroundings,
        resolve::{Decision, Resolution},
    },
    report::{exit::Exit, run_json},
};
use std::path::Path;

pub async fn resume(
    given: &Resume,
    project: Option<&Path>,
    surroundings: &Surroundings,
    output: &Output,
) -> Result<Exit, Failure> {
    let surroundings = &plan::giving_again(&given.again, surroundings)?;
    let opened = ops::project::open(surroundings, project)?;
    let record = ops::record::open(surroundings, &opened).await?;
    let run = match &given.run {
        Some(run) => record.journal.find_run(run).await?,
        None => ops::resume::only_one(surroundings, &record).await?,
    };
    let actor = actor(given.actor.as_deref(), surroundings)?;
    let flag = pause::on_signal(output);
    let progress = progress(output);
    let watch = |tick| progress.tick(tick);
    let carried = ops::resume::resume(surroundings, &record, &opened, run, &actor, &watch, &flag).await;
    progress.finish();
    gone_on(run, carried?, &opened, surroundings, output, given.json)
}

pub async fn resolve(
    given: &Resolve,
    project: Option<&Path>,
    surroundings: &Surroundings,
    output: &Output,
) -> Result<Exit, Failure> {
    let surroundings = &plan::giving_again(&given.again, surroundings)?;
    let opened = ops::project::open(surroundings, project)?;
    let record = ops::record::open(surroundings, &opened).await?;
    let run = record.journal.find_run(&given.run).await?;
    let actor = actor(given.actor.as_deref(), surroundings)?;
    let decision = match (given.done, given.not_done) {
        (true, _) => Decision::Done,
        (_, true) => Decision::NotDone,
        _ => Decision::Abort,
    };
    let resolution = Resolution {
        item: given.item.as_deref(),
        step: given.step.as_deref(),
        decision,
        reason: given.reason.as_deref(),
        actor: Some(&actor),
    };
    let flag = pause::on_signal(output);
    let progress = progress(output);
    let watch = |tick| progress.tick(tick);
    let carried =
        ops::resolve::resolve(surroundings, &record, &opened, run, &resolution, given.no_run, &watch, &flag).await;
    progress.finish();
    if let Some(carried) = carried? {
        return gone_on(run, carried, &opened, surroundings, output, given.json);
    }
    let state = record.state(run).await?;
    let facts = |table: &crate::effect::change::TableName| opened.project.facts(table);
    if given.json {
        output.data(&run_json::run(run, &state, &facts));
    } else {
        output.data(&format!("Recorded. To go on: trueup resume {}\n", run.short()));
    }
    Ok(Exit::Done)
}
