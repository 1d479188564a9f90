//! `trueup cancel`

use super::{apply::progress, arguments::Cancel, output::Output, pause};
use crate::{
    ops::{self, Failure, Surroundings},
    report::{applied, exit::Exit, look::View, many, run_json},
};
use std::path::Path;

pub async fn run(
    given: &Cancel,
    project: Option<&Path>,
    surroundings: &Surroundings,
    output: &Output,
) -> Result<Exit, Failure> {
    let opened = ops::project::open(surroundings, project)?;
    let record = ops::record::open(surroundings, &opened).await?;
    let run = record.journal.find_run(&given.run).await?;
    let actor = given.actor.clone().or_else(|| surroundings.actor());
    let wish = ops::cancel::Wish { reason: given.reason.as_deref(), actor: actor.as_deref() };
    let flag = pause::on_signal(output);
    let progress = progress(output);
    let watch = |tick| progress.tick(tick);
    let done = ops::cancel::cancel(surroundings, &record, &opened, run, &wish, &watch, &flag).await;
    progress.finish();
    let done = done?;
    let facts = |table: &crate::effect::change::TableName| opened.project.facts(table);
    if let (true, Some(came)) = (given.json, &done.many) {
        output.data(&run_json::many(run, &done.state, came));
    } else if given.json {
        output.data(&run_json::run(run, &done.state, &facts));
    } else if let Some(worker) = &done.worker {
        output.data(&format!(
            "Recorded. {}, and ends it after the step that it is at; `trueup show {}` tells how it ended.\n",
            ops::undo::who(worker),
            run.short()
        ));
    } else if let Some(came) = &done.many {
        output.data(&many::applied(run, &done.state, came, output.look()));
    } else {
        let view = View { look: output.look(), facts: &facts, draw: &|_, _, _| String::new() };
        output.data(&applied::text(run, &done.state, &view));
    }
    // It is not over where what is to be done at the end could not be done.
    let over = done.worker.is_some() || done.state.closed.is_some();
    Ok(if over { Exit::Done } else { Exit::of(done.state.end()) })
}
