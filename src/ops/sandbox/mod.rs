//! The sandboxes that the program carries inside: project file, playbooks, tables, rows, mocks. One folder each, built anew, and
//! [`serve::serve`] plays what stands around them.

pub mod files;
pub mod serve;

pub use files::{EDX, HULEEDU, REGISTER, Sandbox};

use super::{Failure, Surroundings};
use crate::{base::suggest, connection::sandbox};
use std::path::{Path, PathBuf};

/// All of them.
pub const ALL: [&Sandbox; 3] = [&REGISTER, &HULEEDU, &EDX];

/// The sandbox of this name.
pub fn named(name: &str) -> Result<&'static Sandbox, Failure> {
    ALL.into_iter().find(|sandbox| sandbox.name == name).ok_or_else(|| {
        let names: Vec<&str> = ALL.iter().map(|sandbox| sandbox.name).collect();
        let help =
            suggest::help(name, names.iter().copied()).unwrap_or_else(|| format!("there are {}", names.join(", ")));
        Failure::usage(format!("there is no sandbox `{name}`")).help(help)
    })
}

/// Builds a sandbox in a folder that trueup made itself or that is not there yet; what an earlier one left is removed.
/// `again` is the command that takes another folder.
pub async fn build(
    surroundings: &Surroundings,
    sandbox: &Sandbox,
    folder: &Path,
    again: &str,
) -> Result<PathBuf, Failure> {
    let folder = surroundings.folder.join(folder);
    let ours = folder.join(".trueup/sandbox");
    if folder.exists() && !ours.exists() && folder.read_dir().is_ok_and(|mut d| d.next().is_some()) {
        return Err(Failure::usage(format!("{} holds files that are not of a sandbox", folder.display()))
            .help(format!("name another folder: `{again} --folder PATH`")));
    }
    let wrote = |what: &Path, e: &std::io::Error| Failure::usage(format!("{} cannot be written: {e}", what.display()));
    if ours.exists() {
        std::fs::remove_dir_all(&folder).map_err(|e| wrote(&folder, &e))?;
    }
    let project = sandbox.project.replace("playbooks: ../../playbooks/", "playbooks: playbooks/");
    let files = sandbox
        .files
        .iter()
        .map(|(name, text)| (*name, (*text).to_owned()))
        .chain([("trueup.yaml", project), (".trueup/sandbox", format!("made by {again}\n"))]);
    for (name, text) in files {
        let path = folder.join(name);
        let parent = path.parent().unwrap_or(&folder);
        std::fs::create_dir_all(parent).map_err(|e| wrote(parent, &e))?;
        std::fs::write(&path, text).map_err(|e| wrote(&path, &e))?;
    }
    for (name, scripts) in sandbox.databases {
        sandbox::sqlite(&folder.join(name), scripts)
            .await
            .map_err(|fault| Failure::usage(format!("failed to build the sandbox: {fault}")))?;
    }
    Ok(folder)
}
