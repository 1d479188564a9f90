//! `connection inspect`: what a database's catalogue says, as facts for the project file.

use super::{Failure, Surroundings, plan::databases, project::Opened};
use crate::{connection::database::Database, table::catalogue::Catalogue};
use std::sync::Arc;

/// The tables of a database connection, all or the named ones.
pub async fn inspect(
    surroundings: &Surroundings,
    opened: &Opened,
    environment: Option<&str>,
    name: &str,
    tables: &[String],
) -> Result<Catalogue, Failure> {
    let (_, database) = database(surroundings, opened, environment, name)?;
    let wanted: Vec<&str> = tables.iter().map(String::as_str).collect();
    let asked = async {
        let mut reading = database.reading().await?;
        let catalogue = reading.catalogue(Some(wanted.as_slice()).filter(|w| !w.is_empty())).await?;
        reading.close().await;
        Ok::<_, crate::connection::fault::Fault>(catalogue)
    };
    let catalogue =
        asked.await.map_err(|fault| Failure::usage(format!("failed to ask `{name}`: {fault}")).help(fault.help()))?;
    for table in &wanted {
        if !catalogue.contains_key(*table) {
            return Err(Failure::usage(format!("`{name}` has no table `{table}` that this role can see")));
        }
    }
    Ok(catalogue)
}

/// The database of this name, and the environment in which it is meant.
pub(super) fn database(
    surroundings: &Surroundings,
    opened: &Opened,
    environment: Option<&str>,
    name: &str,
) -> Result<(Arc<str>, Database), Failure> {
    let (environment, _) = opened.project.environment(environment).map_err(Failure::usage)?;
    let mut databases = databases(surroundings, opened, environment)?;
    if let Some(database) = databases.remove(name) {
        return Ok((environment.into(), database));
    }
    let known = opened.project.connections.names().filter(|n| databases.contains_key(*n));
    let failure = Failure::usage(format!("the project file has no database `{name}`"));
    Err(crate::base::suggest::help(name, known)
        .map_or_else(|| Failure::usage("the project file has no databases"), |help| failure.help(help)))
}
