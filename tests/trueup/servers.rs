//! What tests of several modules stand on: the repository's own folder, a runtime, the PostgreSQL server of the run.

use std::path::{Path, PathBuf};
use trueup::{
    base::{secret::Secret, world::World},
    ops::Surroundings,
};

/// The repository.
pub fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

/// The server that `scripts/test` starts.
pub fn postgres() -> Secret {
    match std::env::var("TRUEUP_TEST_POSTGRES") {
        Ok(url) => Secret::new(url),
        Err(_) => panic!("TRUEUP_TEST_POSTGRES is not set: `scripts/test` starts a PostgreSQL server and sets it"),
    }
}

/// The surroundings of a command that was started in `folder`, with no environment variables but these.
pub fn surroundings(folder: &Path, variables: &[(&str, &str)]) -> Surroundings {
    let variables: Vec<(String, String)> = variables.iter().map(|(n, v)| ((*n).to_owned(), (*v).to_owned())).collect();
    Surroundings {
        world: World::real(),
        variable: std::sync::Arc::new(move |name| variables.iter().find(|(n, _)| n == name).map(|(_, v)| v.clone())),
        folder: folder.to_owned(),
        masks: Default::default(),
    }
}

/// Runs a future to its end on a runtime of its own.
pub fn block_on<T>(work: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap().block_on(work)
}
