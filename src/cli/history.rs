//! `trueup runs`, `trueup show`, `trueup inbox`

use super::{
    answer::actor,
    arguments::{Inbox, ItemsAs, Runs, Show},
    output::Output,
};
use crate::{
    journal::RunFilter,
    ops::{self, Failure, Surroundings, history::Shown},
    report::{audit, exit::Exit, inbox as drawn_inbox, look::View, many, reminders, run, run_json, runs as drawn_runs},
};
use std::path::Path;

pub async fn runs(
    given: &Runs,
    project: Option<&Path>,
    surroundings: &Surroundings,
    output: &Output,
) -> Result<Exit, Failure> {
    let opened = ops::project::open(surroundings, project)?;
    let record = ops::record::open(surroundings, &opened).await?;
    let filter = RunFilter { playbook: given.playbook.clone(), unfinished: given.open, ..RunFilter::default() };
    let found = ops::history::runs(&record, &filter, given.limit).await?;
    output.data(&if given.json { run_json::runs(&found) } else { drawn_runs::text(&found, output.look()) });
    Ok(Exit::Done)
}

pub async fn inbox(
    given: &Inbox,
    project: Option<&Path>,
    surroundings: &Surroundings,
    output: &Output,
) -> Result<Exit, Failure> {
    let opened = ops::project::open(surroundings, project)?;
    let record = ops::record::open(surroundings, &opened).await?;
    let mut exit = Exit::Done;
    if given.remind {
        let actor = actor(given.actor.as_deref(), surroundings)?;
        // Where somebody is told by hand there is nothing to pass on: the list below says it all.
        let reminded = ops::notify::all(surroundings, &record, &opened, &actor, &|_| {}).await?;
        output.note(&reminders::text(&reminded, output.look()));
        if !reminded.left.is_empty() || reminded.sent.iter().any(|sent| !sent.told) {
            exit = Exit::Failed;
        }
    }
    let found = ops::history::inbox(&record, surroundings.world.now()).await?;
    output.data(&if given.json {
        run_json::inbox(&found.questions, &found.in_doubt, found.now)
    } else {
        drawn_inbox::text(&found.questions, &found.in_doubt, found.now, output.look())
    });
    Ok(exit)
}

pub async fn show(
    given: &Show,
    project: Option<&Path>,
    surroundings: &Surroundings,
    output: &Output,
) -> Result<Exit, Failure> {
    let opened = ops::project::open(surroundings, project)?;
    let record = ops::record::open(surroundings, &opened).await?;
    let (id, state) = match ops::history::show(&record, &given.run).await? {
        Shown::Whole(id, state) => (id, *state),
        Shown::Left(run, at) if given.json => {
            output.data(&audit::left_of_json(&run, at));
            return Ok(Exit::Done);
        }
        Shown::Left(run, at) => {
            output.data(&audit::left_of(&run, at, output.look()));
            return Ok(Exit::Done);
        }
    };
    let facts = |table: &crate::effect::change::TableName| opened.project.facts(table);
    if let Some(form) = given.items {
        let text = if form == ItemsAs::Csv { many::csv(&state) } else { many::lines(&state) };
        return match &given.out {
            None => {
                output.data(&text);
                Ok(Exit::Done)
            }
            Some(path) => {
                let written = std::fs::write(surroundings.folder.join(path), output.masks().apply(&text));
                written.map_err(|e| Failure::usage(format!("`{}` cannot be written: {e}", path.display())))?;
                output.note(&format!("{} lines in {}\n", text.lines().count(), path.display()));
                Ok(Exit::Done)
            }
        };
    }
    if let Some(key) = &given.item {
        ops::history::has_item(id, &state, key)?;
        let view = View { look: output.look(), facts: &facts, draw: &|_, _, _| String::new() };
        if let Some(item) = state.items.get(key.as_str()) {
            output.data(&run::one(key, item, &state, &view));
        }
        return Ok(Exit::Done);
    }
    if given.json {
        output.data(&run_json::run(id, &state, &facts));
    } else {
        let view = View { look: output.look(), facts: &facts, draw: &|_, _, _| String::new() };
        output.data(&run::text(id, &state, &view));
    }
    Ok(Exit::Done)
}
