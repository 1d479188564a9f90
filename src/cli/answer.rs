//! `trueup answer`

use super::{
    apply::{gone_on, progress},
    arguments::Answer,
    output::Output,
    pause, plan,
};
use crate::{
    ops::{self, Failure, Surroundings},
    report::exit::Exit,
};
use std::path::Path;

pub async fn answer(
    given: &Answer,
    project: Option<&Path>,
    surroundings: &Surroundings,
    output: &Output,
) -> Result<Exit, Failure> {
    let surroundings = &plan::giving_again(&given.again, surroundings)?;
    let opened = ops::project::open(surroundings, project)?;
    let record = ops::record::open(surroundings, &opened).await?;
    let run = record.journal.find_run(&given.run).await?;
    let parts = given.set.iter().map(|text| plan::pair(text)).collect::<Result<Vec<_>, _>>()?;
    let actor = actor(given.actor.as_deref(), surroundings)?;
    let flag = pause::on_signal(output);
    let progress = progress(output);
    let watch = |tick| progress.tick(tick);
    let (step, item) = (given.step.as_str(), given.item.as_deref());
    let carried =
        ops::answer::answer(surroundings, &record, &opened, run, step, item, &parts, &actor, &watch, &flag).await;
    progress.finish();
    gone_on(run, carried?, &opened, surroundings, output, given.json)
}

pub fn actor(given: Option<&str>, surroundings: &Surroundings) -> Result<String, Failure> {
    let actor = given.map(str::to_owned).or_else(|| surroundings.actor());
    actor.ok_or_else(|| Failure::usage("nobody knows who this is").help("say who: `--actor NAME`, or set TRUEUP_ACTOR"))
}
