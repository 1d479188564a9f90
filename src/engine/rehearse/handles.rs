//! The connections of one pass: reads before the first change through the reading role, everything else inside the rehearsal.

use super::Pass;
use crate::{
    base::source::Span,
    connection::{database::Database, handle::Changing, session::Session},
    effect::change::TableName,
    engine::trouble::Trouble,
    plan::Section,
};
use std::sync::Arc;

impl<'a> Pass<'a> {
    /// The handle that a read of this section goes through.
    pub(super) async fn session(&mut self, connection: &Arc<str>) -> Result<&mut Session, Trouble> {
        if self.section == Section::Preconditions {
            if !self.reading.contains_key(connection) {
                let database = self.database(connection)?;
                let opened = match self.setting.grounds {
                    Some(_) => database.glancing().await,
                    None => database.reading().await,
                };
                let opened = opened.map_err(|f| Trouble::of_database(connection, f))?;
                self.reading.insert(connection.clone(), opened);
            }
            return match self.reading.get_mut(connection) {
                Some(handle) => Ok(handle),
                None => Err(no_database(connection)),
            };
        }
        self.changing(connection).await.map(|changing| &mut **changing)
    }

    pub(super) async fn changing(&mut self, connection: &Arc<str>) -> Result<&mut Changing, Trouble> {
        if !self.rehearsing.contains_key(connection) {
            let database = self.database(connection)?;
            let fault = |f| Trouble::of_database(connection, f);
            let mut opened = database.rehearsing().await.map_err(fault)?;
            if self.section > Section::Steps {
                opened.set_read_only().await.map_err(fault)?;
            }
            self.rehearsing.insert(connection.clone(), opened);
        }
        match self.rehearsing.get_mut(connection) {
            Some(handle) => Ok(handle),
            None => Err(no_database(connection)),
        }
    }

    pub(super) fn database(&self, connection: &str) -> Result<&'a Database, Trouble> {
        self.root.database(connection).ok_or_else(|| no_database(connection))
    }

    pub(super) fn is_tainted(&self, table: &TableName) -> bool {
        self.tainted_tables.contains(table) || self.tainted_databases.contains(&table.connection)
    }
}

fn no_database(connection: &str) -> Trouble {
    Trouble::Step {
        message: format!("`{connection}` is not a database of this project"),
        at: Span::default(),
        help: Vec::new(),
    }
}
