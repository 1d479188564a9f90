//! Shared errors tables: finding their files, and reading them for themselves.

use super::{
    Failure, Surroundings,
    included::{is_name, refuse_included},
    project::{self, Opened},
};
use crate::{
    base::{diagnostic::Diagnostics, source::Source, yaml},
    check,
    playbook::error_table::{ErrorTable, SUFFIX},
};
use std::{
    path::{Path, PathBuf},
    sync::Arc,
};

/// A table that was read and found sound.
pub struct LoadedTable {
    /// What it says.
    pub table: ErrorTable,
    /// Its text.
    pub source: Arc<Source>,
}

/// Whether this names a table's file: `register/dqt-errors` or a path that ends in `.errors.yaml`.
pub fn find(surroundings: &Surroundings, opened: &Opened, name: &str) -> Option<PathBuf> {
    let as_path = surroundings.folder.join(name);
    if name.ends_with(SUFFIX) && as_path.is_file() {
        return Some(as_path);
    }
    let below = opened.playbooks().join(format!("{}{SUFFIX}", name.trim_end_matches(SUFFIX)));
    (is_name(name.trim_end_matches(SUFFIX)) && below.is_file()).then_some(below)
}

/// Loads a table from its file.
pub fn load(surroundings: &Surroundings, opened: &Opened, path: &Path) -> Result<LoadedTable, Failure> {
    let (table, problems) = checked(surroundings, opened, path)?;
    match table {
        Some(table) => Ok(LoadedTable { table, source: problems.source().clone() }),
        None => Err(Failure::Texts(vec![problems])),
    }
}

/// Reads and checks a table's file; a table comes out only if it is sound.
pub fn checked(
    surroundings: &Surroundings,
    opened: &Opened,
    path: &Path,
) -> Result<(Option<ErrorTable>, Diagnostics), Failure> {
    let source = project::read(path, yaml::LIMITS, &surroundings.folder)?;
    refuse_included(&source)?;
    let name = super::playbook::name_of(path, opened).map(|name| name.trim_end_matches(".errors").to_owned());
    Ok(check::error_table(source, &opened.project, name.as_deref()))
}
