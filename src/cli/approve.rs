//! `trueup approve`

use super::{apply::confirmed, arguments::Approve, output::Output, plan};
use crate::{
    base::source::Source,
    ops::{
        self, Failure, Surroundings,
        approve::{Given, Matter},
        project::Opened,
        record::Record,
    },
    report::{
        approved,
        exit::Exit,
        page,
        plan::{self as drawn, About},
    },
};
use std::path::Path;

pub async fn run(
    given: &Approve,
    project: Option<&Path>,
    surroundings: &Surroundings,
    output: &Output,
) -> Result<Exit, Failure> {
    let opened = ops::project::open(surroundings, project)?;
    let record = ops::record::open(surroundings, &opened).await?;
    let actor = given.actor.clone().or_else(|| surroundings.actor());
    let (reason, actor) = ops::apply::named(given.reason.as_deref(), actor.as_deref())?;
    if ops::saved::is_plan(surroundings, &given.what).is_some() {
        return of_plan(given, reason, actor, surroundings, &opened, &record, output).await;
    }
    if given.what.contains(['/', '.']) {
        // Meant as a file: the reader says what is wrong with it.
        ops::saved::read(surroundings, &given.what, &record.sealer)?;
    }
    of_run(given, reason, actor, surroundings, &opened, &record, output).await
}

async fn of_plan(
    given: &Approve,
    reason: &str,
    actor: &str,
    surroundings: &Surroundings,
    opened: &Opened,
    record: &Record,
    output: &Output,
) -> Result<Exit, Failure> {
    let usable = ops::saved::usable(surroundings, opened, record, &given.what).await?;
    let matter = ops::approve::of_plan(record, opened, &usable).await?;
    matter.may(actor)?;
    let agreed = matter.names();
    let about = About { agreed: &agreed, ..plan::of_saved(&usable.saved, &matter.demands) };
    show(&matter, &about, usable.loaded.checked.source(), opened, given.json, output);
    if !given.yes && !confirmed(output, &format!("Agree to this as {actor}?"))? {
        output.note("Nothing was recorded.\n");
        return Ok(Exit::Stopped);
    }
    let done = ops::approve::plan(surroundings, record, &usable, matter, actor, reason).await?;
    let next = format!("trueup apply {}", page::quoted(&given.what));
    let next = if usable.saved.header.reason.is_some() { next } else { format!("{next} --reason \"…\"") };
    tell(&done, usable.saved.short(), &next, given.json, output);
    Ok(Exit::Done)
}

async fn of_run(
    given: &Approve,
    reason: &str,
    actor: &str,
    surroundings: &Surroundings,
    opened: &Opened,
    record: &Record,
    output: &Output,
) -> Result<Exit, Failure> {
    let run = record.journal.find_run(&given.what).await?;
    let state = record.state(run).await?;
    let matter = ops::approve::of_run(opened, run, &state)?;
    matter.may(actor)?;
    let agreed = matter.names();
    if let Some(created) = &state.created {
        let source = Source::new(created.playbook.to_string(), created.text.to_string());
        let about = About {
            who: Some(&created.actor),
            why: Some(&created.reason),
            demands: &matter.demands,
            agreed: &agreed,
            ..About::default()
        };
        show(&matter, &about, &source, opened, given.json, output);
    }
    if !given.yes && !confirmed(output, &format!("Agree to this as {actor}?"))? {
        output.note("Nothing was recorded.\n");
        return Ok(Exit::Stopped);
    }
    let done = ops::approve::run(surroundings, record, opened, run, actor, reason).await?;
    tell(&done, &run.short(), &format!("trueup resume {}", run.short()), given.json, output);
    Ok(Exit::Done)
}

/// What is agreed to, in full.
fn show(
    matter: &Matter,
    about: &About<'_>,
    source: &std::sync::Arc<Source>,
    opened: &Opened,
    json: bool,
    output: &Output,
) {
    plan::draw(&opened.project, source, output.look(), |view| {
        let text = drawn::text(&matter.plan, about, view);
        if json { output.note(&text) } else { output.data(&text) }
    });
}

fn tell(done: &Given, what: &str, next: &str, json: bool, output: &Output) {
    output.data(&if json {
        approved::document(&done.actor, what, &done.missing, next)
    } else {
        approved::text(&done.actor, what, &done.missing, next, output.look())
    });
}
