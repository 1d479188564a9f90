//! How the tables are built that the items touch: what the project file does not say of them.

use super::{
    fit::{self, Way},
    own,
};
use crate::{
    connection::{fault::Fault, handle::Reading},
    engine::setting::Setting,
    table::catalogue::{Catalogue, Reference},
};

/// What the database says of these tables.
#[derive(Clone, Debug)]
pub struct Built {
    /// Columns and keys.
    pub tables: Catalogue,
    /// The foreign keys between them; where rows that others point to may go, or get another key, all that there are, because they may lead from one to
    /// another through a third.
    pub references: Vec<Reference>,
}

/// Asks the database, once for a run, where items would go together by what is declared, or are taken back so. Where it cannot be asked they do not.
pub async fn look(setting: &Setting, back: bool) {
    let way = if back { fit::way_back(setting) } else { fit::way(setting) };
    let (Way::InSets { connection, .. } | Way::Apart { connection, .. }) = way else { return };
    let Some(database) = setting.database(&connection).filter(|_| setting.built.get().is_none()) else { return };
    let names = own::tables(setting);
    let names: Vec<&str> = names.iter().map(|table| &*table.table).collect();
    let found: Result<Built, Fault> = async {
        let mut reading = database.reading().await?;
        let found = asked(setting, &mut reading, &names).await;
        reading.close().await;
        found
    }
    .await;
    // Whoever else asked meanwhile was told the same.
    let _ = setting.built.set(found);
}

async fn asked(setting: &Setting, reading: &mut Reading, names: &[&str]) -> Result<Built, Fault> {
    let mut built = Built { tables: reading.catalogue(Some(names)).await?, references: Vec::new() };
    // MariaDB opens every table of the server to answer for all.
    let pointing = if own::may_drag(setting, &built) { None } else { Some(names) };
    built.references = reading.references(pointing).await?;
    Ok(built)
}
