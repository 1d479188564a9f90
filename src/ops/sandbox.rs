//! The sandbox of the Register service, carried inside the program: project file, playbooks, tables, rows, mock.

use super::{Failure, Surroundings};
use crate::connection::sandbox;
use std::path::{Path, PathBuf};

const FILES: &[(&str, &str)] = &[
    ("dqt.mock.yaml", include_str!("../../examples/register/dqt.mock.yaml")),
    ("playbooks/register/correct-award.yaml", include_str!("../../playbooks/register/correct-award.yaml")),
    (
        "playbooks/register/change-withdrawal-date.yaml",
        include_str!("../../playbooks/register/change-withdrawal-date.yaml"),
    ),
    (
        "playbooks/register/change-training-route.yaml",
        include_str!("../../playbooks/register/change-training-route.yaml"),
    ),
];
const PROJECT: &str = include_str!("../../examples/register/trueup.yaml");
const TABLES: &str = include_str!("../../examples/register/tables.sqlite.sql");
const ROWS: &str = include_str!("../../examples/register/rows.sql");

/// Builds the sandbox in a folder that trueup made itself or that is not there yet; what an earlier one left is removed.
pub async fn build(surroundings: &Surroundings, folder: &Path) -> Result<PathBuf, Failure> {
    let folder = surroundings.folder.join(folder);
    let ours = folder.join(".trueup/sandbox");
    if folder.exists() && !ours.exists() && folder.read_dir().is_ok_and(|mut d| d.next().is_some()) {
        return Err(Failure::usage(format!("{} holds files that are not of a sandbox", folder.display()))
            .help("name another folder: `trueup demo --folder PATH`"));
    }
    let wrote = |what: &Path, e: &std::io::Error| Failure::usage(format!("{} cannot be written: {e}", what.display()));
    if ours.exists() {
        std::fs::remove_dir_all(&folder).map_err(|e| wrote(&folder, &e))?;
    }
    let project = PROJECT.replace("playbooks: ../../playbooks/", "playbooks: playbooks/");
    let files = FILES
        .iter()
        .map(|(name, text)| (*name, (*text).to_owned()))
        .chain([("trueup.yaml", project), (".trueup/sandbox", String::from("made by trueup demo\n"))]);
    for (name, text) in files {
        let path = folder.join(name);
        let parent = path.parent().unwrap_or(&folder);
        std::fs::create_dir_all(parent).map_err(|e| wrote(parent, &e))?;
        std::fs::write(&path, text).map_err(|e| wrote(&path, &e))?;
    }
    let database = folder.join(".trueup/register.db");
    sandbox::sqlite(&database, &[TABLES, ROWS])
        .await
        .map_err(|fault| Failure::usage(format!("failed to build the sandbox: {fault}")))?;
    Ok(folder)
}
