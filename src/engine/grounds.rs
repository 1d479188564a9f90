//! What the items of one run know of the tables that they read and change, so that not each of them asks the catalogue again.
//! Forgotten whenever somebody looks anew whether the database is still the one of the plan.

use crate::{
    connection::{fault::Fault, handle::Changing, session::Session},
    effect::change::TableName,
    table::catalogue::{Nature, Table},
};
use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

/// Shared by the items of one run.
#[derive(Debug, Default)]
pub struct Grounds(Mutex<Known>);

#[derive(Debug, Default)]
struct Known {
    natures: HashMap<TableName, Nature>,
    columns: HashMap<TableName, Arc<Table>>,
}

impl Grounds {
    fn known(&self) -> MutexGuard<'_, Known> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The next ones ask again.
    pub fn forget(&self, connection: &str) {
        let mut known = self.known();
        known.natures.retain(|table, _| &*table.connection != connection);
        known.columns.retain(|table, _| &*table.connection != connection);
    }

    /// What else happens when rows of this table are read or changed.
    pub async fn nature(&self, session: &mut Session, table: &TableName) -> Result<Nature, Fault> {
        let known = self.known().natures.get(table).copied();
        if let Some(nature) = known {
            return Ok(nature);
        }
        let nature = Box::pin(session.nature(&table.table)).await?;
        self.known().natures.insert(table.clone(), nature);
        Ok(nature)
    }

    /// The columns of a table; nothing when there is no such table.
    pub async fn columns(&self, changing: &mut Changing, table: &TableName) -> Result<Option<Arc<Table>>, Fault> {
        let known = self.known().columns.get(table).cloned();
        if known.is_some() {
            return Ok(known);
        }
        let Some(columns) = Box::pin(changing.columns(&table.table)).await? else { return Ok(None) };
        self.known().columns.insert(table.clone(), columns.clone());
        Ok(Some(columns))
    }
}
