//! `trueup mock`

use super::{arguments::Mock, output::Output};
use crate::{
    base::counted::counted,
    ops::{self, Failure, Surroundings},
    report::exit::Exit,
};
use std::path::Path;
use tokio::sync::mpsc;

pub async fn run(
    given: &Mock,
    project: Option<&Path>,
    surroundings: &Surroundings,
    output: &Output,
) -> Result<Exit, Failure> {
    let behind = ops::behind::of_project(surroundings, project);
    let (tell, mut seen) = mpsc::unbounded_channel();
    let running =
        ops::mock::start_with(surroundings, &surroundings.folder.join(&given.file), Some(tell), behind).await?;
    output.data(&format!("{} listens on {}; Ctrl-C ends it.\n", running.name(), running.url()));
    loop {
        tokio::select! {
            logged = seen.recv() => match logged {
                Some(logged) => output.data(&format!("{}\n", logged.line())),
                None => break,
            },
            _ = tokio::signal::ctrl_c() => break,
        }
    }
    let log = running.shutdown().await;
    let verb = if log.len() == 1 { "was" } else { "were" };
    output.note(&format!("{} {verb} answered.\n", counted(log.len(), "request")));
    Ok(Exit::Done)
}
