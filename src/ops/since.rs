//! `check --since REV`: the playbook as git knows it at a revision, to be compared with the one at hand.

use super::{
    Failure, Surroundings,
    included::with_included_of,
    project::{self, Opened},
};
use crate::{
    base::{diagnostic::Diagnostics, source::Source},
    check::version,
};
use std::{
    path::{Path, PathBuf},
    process::{Command, Output},
    sync::Arc,
};

/// A revision that git knows.
pub struct Revision {
    /// As the user named it.
    name: String,
    /// Its commit.
    commit: String,
}

impl Revision {
    /// Looks a revision up in the repository that holds the project.
    pub fn find(opened: &Opened, name: &str) -> Result<Revision, Failure> {
        let folder = opened.root.canonicalize().unwrap_or_else(|_| opened.root.clone());
        let commit = format!("{name}^{{commit}}");
        let found = git(&folder, &["rev-parse", "--verify", "--quiet", "--end-of-options", &commit])?;
        if found.status.success() {
            let commit = String::from_utf8_lossy(&found.stdout).trim().to_owned();
            return Ok(Revision { name: name.to_owned(), commit });
        }
        if !git(&folder, &["rev-parse", "--git-dir"])?.status.success() {
            return Err(Failure::usage(format!("{} is not in a git repository", folder.display()))
                .help("`--since` compares with what git knows: commit the playbooks first"));
        }
        Err(Failure::usage(format!("git knows no revision `{name}`"))
            .help("name a branch, a tag or a commit: `--since main`, `--since v1.4`, `--since HEAD~3`"))
    }

    /// Compares a playbook (with the tables that it uses) with what it was. One that was not there is new: nothing is wrong.
    pub fn compare(
        &self,
        surroundings: &Surroundings,
        opened: &Opened,
        path: &Path,
        now: &Arc<Source>,
        problems: &mut Diagnostics,
    ) -> Result<(), Failure> {
        let Some(text) = self.text(path)? else { return Ok(()) };
        let old = Source::new(project::shown(path, &surroundings.folder), text);
        let old = with_included_of(opened, path, old, &|path| {
            Ok(self.text(path)?.map(|text| Source::new(project::shown(path, &surroundings.folder), text)))
        })?;
        version::compare(&old, now, &self.name, problems);
        Ok(())
    }

    /// What a file held; nothing when it was not there.
    fn text(&self, path: &Path) -> Result<Option<String>, Failure> {
        let path = path.canonicalize().unwrap_or_else(|_| path.to_owned());
        let (Some(folder), Some(file)) = (path.parent(), path.file_name()) else { return Ok(None) };
        let object = format!("{}:./{}", self.commit, file.to_string_lossy());
        let shown = git(&existing(folder), &["show", "--end-of-options", &object])?;
        if !shown.status.success() {
            return Ok(None);
        }
        let text = String::from_utf8_lossy(&shown.stdout).into_owned();
        Ok(Some(text.strip_prefix('\u{feff}').map(str::to_owned).unwrap_or(text)))
    }
}

/// A folder that is there: git is started in it.
fn existing(folder: &Path) -> PathBuf {
    folder.ancestors().find(|folder| folder.is_dir()).unwrap_or(Path::new(".")).to_owned()
}

fn git(folder: &Path, arguments: &[&str]) -> Result<Output, Failure> {
    Command::new("git").arg("-C").arg(folder).args(arguments).output().map_err(|error| {
        Failure::usage(format!("git cannot be started: {error}")).help("`--since` needs git on this machine")
    })
}
