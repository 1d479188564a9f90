//! `trueup connection inspect` and `trueup connection prepare`

use super::{
    arguments::{Connection, ConnectionCommand, Inspect, Prepare},
    output::Output,
};
use crate::{
    ops::{self, Failure, Surroundings},
    report::{catalogue, exit::Exit, prepared},
};
use std::path::Path;

pub async fn run(
    given: &Connection,
    project: Option<&Path>,
    surroundings: &Surroundings,
    output: &Output,
) -> Result<Exit, Failure> {
    match &given.command {
        ConnectionCommand::Inspect(inspect) => inspect_one(inspect, project, surroundings, output).await,
        ConnectionCommand::Prepare(prepare) => prepare_one(prepare, project, surroundings, output).await,
    }
}

async fn inspect_one(
    given: &Inspect,
    project: Option<&Path>,
    surroundings: &Surroundings,
    output: &Output,
) -> Result<Exit, Failure> {
    let opened = ops::project::open(surroundings, project)?;
    let found = ops::inspect::inspect(surroundings, &opened, given.env.as_deref(), &given.name, &given.tables).await?;
    let text = if given.json { catalogue::json(&found) } else { catalogue::facts(&given.name, &found) };
    output.data(&text);
    Ok(Exit::Done)
}

async fn prepare_one(
    given: &Prepare,
    project: Option<&Path>,
    surroundings: &Surroundings,
    output: &Output,
) -> Result<Exit, Failure> {
    let opened = ops::project::open(surroundings, project)?;
    let (env, name) = (given.env.as_deref(), given.name.as_str());
    if given.print {
        output.data(&ops::prepare::script(surroundings, &opened, env, name)?);
        return Ok(Exit::Done);
    }
    let done = ops::prepare::prepare(surroundings, &opened, env, name).await?;
    let (environment, declared) = (&*done.environment, done.declared);
    output.data(&if given.json {
        prepared::json(name, environment, declared, &done.ready, &done.roles)
    } else {
        prepared::text(name, environment, declared, &done.ready)
    });
    output.note(&prepared::advice(name, &done.ready, &done.roles));
    Ok(Exit::Done)
}
