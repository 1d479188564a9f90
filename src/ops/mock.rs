//! `mock`: serving a declared API.

use super::{Failure, Surroundings, project};
use crate::{
    base::{diagnostic::Diagnostics, yaml},
    mock::{Behind, model::Mock, record::Logged, server::Running},
};
use std::{path::Path, sync::Arc};
use tokio::sync::mpsc;

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
    let source = project::read(path, yaml::DATA_LIMITS, &surroundings.folder)?;
    let mut problems = Diagnostics::new(source.clone());
    let mock = Mock::parse(&source, &mut problems);
    match mock {
        Some(mock) if problems.errors() == 0 => mock
            .start_with(surroundings.world.clone(), seen, behind)
            .await
            .map_err(|e| Failure::usage(format!("failed to {e}"))),
        _ => Err(Failure::Texts(vec![problems])),
    }
}
