//! `trueup retry`

use super::{
    apply::{gone_on, progress},
    arguments::Retry,
    output::Output,
    pause, plan,
};
use crate::{
    ops::{self, Failure, Surroundings, retry::Wish},
    report::exit::Exit,
};
use std::path::Path;

pub async fn run(
    given: &Retry,
    project: Option<&Path>,
    surroundings: &Surroundings,
    output: &Output,
) -> Result<Exit, Failure> {
    let surroundings = &plan::giving_again(&given.again, surroundings)?;
    let opened = ops::project::open(surroundings, project)?;
    let record = ops::record::open(surroundings, &opened).await?;
    let run = record.journal.find_run(&given.run).await?;
    let actor = given.actor.clone().or_else(|| surroundings.actor());
    let wish = Wish {
        reason: given.reason.as_deref(),
        actor: actor.as_deref(),
        from: given.from.as_deref(),
        item: given.item.as_deref(),
    };
    let flag = pause::on_signal(output);
    let progress = progress(output);
    let watch = |tick| progress.tick(tick);
    let carried = ops::retry::retry(surroundings, &record, &opened, run, &wish, &watch, &flag).await;
    progress.finish();
    gone_on(run, carried?, &opened, surroundings, output, given.json)
}
