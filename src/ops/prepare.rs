//! `connection prepare`: the ledger table of a database, made or printed for a DBA.

use super::{Failure, Surroundings, inspect::database, project::Opened};
use crate::connection::ledger::{self, Ready, Roles};
use std::sync::Arc;

/// A database that has its ledger.
pub struct Prepared {
    /// The environment in which the connection is meant.
    pub environment: Arc<str>,
    /// The project file says `ledger: true`, so that it is used.
    pub declared: bool,
    /// What was done and found.
    pub ready: Ready,
    /// The roles of the connection.
    pub roles: Roles,
}

/// Makes the ledger table where it is missing.
pub async fn prepare(
    surroundings: &Surroundings,
    opened: &Opened,
    environment: Option<&str>,
    name: &str,
) -> Result<Prepared, Failure> {
    let (environment, database) = database(surroundings, opened, environment, name)?;
    let id = surroundings.world.id().to_string();
    let ready = database.prepare_ledger(&id).await.map_err(|fault| {
        Failure::usage(format!("failed to make the ledger of `{name}`: {fault}")).help(fault.help())
    })?;
    Ok(Prepared { environment, declared: database.ledger(), ready, roles: database.roles() })
}

/// The same as SQL text. Connects to nothing.
pub fn script(
    surroundings: &Surroundings,
    opened: &Opened,
    environment: Option<&str>,
    name: &str,
) -> Result<String, Failure> {
    let (_, database) = database(surroundings, opened, environment, name)?;
    Ok(ledger::script(database.dialect(), &database.roles(), &surroundings.world.id().to_string()))
}
