//! `trueup connection inspect`

use super::{
    arguments::{Connection, ConnectionCommand, Inspect},
    output::Output,
};
use crate::{
    ops::{self, Failure, Surroundings},
    report::{catalogue, exit::Exit},
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
