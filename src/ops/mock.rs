//! `mock`: serving a declared API.

use super::{Failure, Surroundings, project};
use crate::{
    base::{diagnostic::Diagnostics, yaml},
    mock::{Behind, model::Mock, record::Logged, server::Running, worker::WorkerFile},
};
use std::{path::Path, sync::Arc};
use tokio::sync::mpsc;

/// Reads a mock file.
pub fn read(surroundings: &Surroundings, path: &Path) -> Result<Mock, Failure> {
    let source = project::read(path, yaml::DATA_LIMITS, &surroundings.folder)?;
    let mut problems = Diagnostics::new(source.clone());
    let mock = Mock::parse(&source, &mut problems);
    mock.filter(|_| problems.errors() == 0).ok_or_else(|| Failure::Texts(vec![problems]))
}

/// Reads a worker file.
pub fn read_worker(surroundings: &Surroundings, path: &Path) -> Result<WorkerFile, Failure> {
    let source = project::read(path, yaml::DATA_LIMITS, &surroundings.folder)?;
    let mut problems = Diagnostics::new(source.clone());
    let worker = WorkerFile::parse(&source, &mut problems);
    worker.filter(|_| problems.errors() == 0).ok_or_else(|| Failure::Texts(vec![problems]))
}

/// Reads a mock file and starts it.
pub async fn start(surroundings: &Surroundings, path: &Path) -> Result<Running, Failure> {
    start_with(surroundings, path, None, None).await
}

/// The same, telling each request as it is answered, and with databases behind it.
pub async fn start_with(
    surroundings: &Surroundings,
    path: &Path,
    seen: Option<mpsc::UnboundedSender<Logged>>,
    behind: Option<Arc<dyn Behind>>,
) -> Result<Running, Failure> {
    let started = read(surroundings, path)?.start_with(surroundings.world.clone(), seen, behind).await;
    started.map_err(|e| Failure::usage(format!("failed to {e}")))
}
