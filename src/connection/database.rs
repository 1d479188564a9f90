//! A configured database: cheap to hold, nothing connected yet. Opens dedicated connections, never a pool.

use super::{
    fault::Fault,
    handle::{Reading, Rehearsing, Writing},
    reference::Secrets,
    settings::Connection,
};
use crate::{base::secret::Masks, template::sql::Dialect};
use std::{path::Path, sync::Arc};

/// A database of the project file in one environment, with its references resolved.
#[derive(Clone, Debug)]
pub struct Database {
    name: Arc<str>,
}

#[allow(unused_variables, clippy::todo)]
impl Database {
    /// From the settings; `environment` picks its overrides, relative paths start at `base`. Secrets go into `masks`.
    /// `Ok(None)`: the connection is no database.
    pub fn configure(
        name: &str,
        settings: &Connection,
        environment: Option<&str>,
        base: &Path,
        secrets: Secrets<'_>,
        masks: &Masks,
    ) -> Result<Option<Database>, Fault> {
        todo!()
    }

    /// Its name in the project file.
    pub fn name(&self) -> &Arc<str> {
        &self.name
    }

    /// How it writes SQL.
    pub fn dialect(&self) -> Dialect {
        todo!()
    }

    /// Has a ledger table.
    pub fn ledger(&self) -> bool {
        todo!()
    }

    /// Opens a connection that can only read.
    pub async fn reading(&self) -> Result<Reading, Fault> {
        todo!()
    }

    /// Opens a connection that can write and cannot commit. SQLite: takes the write lock.
    pub async fn rehearsing(&self) -> Result<Rehearsing, Fault> {
        todo!()
    }

    /// Opens a connection that can write and commit. SQLite: takes the write lock.
    pub async fn writing(&self) -> Result<Writing, Fault> {
        todo!()
    }
}
