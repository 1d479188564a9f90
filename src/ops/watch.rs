//! `check --watch`: which files a check looks at, and whether one of them is another than before.

use super::{
    Surroundings,
    check::{Files, files},
    project::{FILE, Opened},
};
use sha2::{Digest, Sha256};
use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
    time::{Duration, SystemTime},
};

/// How often the files are looked at: soon enough for a person who looks from the editor to the terminal.
pub const EVERY: Duration = Duration::from_millis(300);

/// What was in the files when they were looked at.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Seen(BTreeMap<PathBuf, File>);

#[derive(Clone, Debug)]
struct File {
    /// A file with the same time and length is not read again.
    about: Option<(SystemTime, u64)>,
    sum: Option<[u8; 32]>,
}

impl PartialEq for File {
    fn eq(&self, other: &File) -> bool {
        self.sum == other.sum
    }
}

impl Eq for File {}

impl Seen {
    /// Looks at the project file, and at the playbooks, tables and tests of the given paths (of the project, when there are none).
    pub fn look(
        &self,
        surroundings: &Surroundings,
        project: &Path,
        opened: Option<&Opened>,
        paths: &[PathBuf],
    ) -> Seen {
        let mut all = vec![project.to_owned()];
        if let Some(opened) = opened {
            let Files { playbooks, tables, tests } = files(surroundings, opened, paths);
            // A playbook stands on the tables that it uses, also where only the playbook was named.
            all.extend(files(surroundings, opened, &[]).tables);
            all.extend(playbooks.into_iter().chain(tables).chain(tests));
        }
        Seen(all.into_iter().map(|path| (path.clone(), self.file(&path))).collect())
    }

    fn file(&self, path: &Path) -> File {
        let about = std::fs::metadata(path).ok().and_then(|about| Some((about.modified().ok()?, about.len())));
        if let Some(known) = self.0.get(path).filter(|known| known.about.is_some() && known.about == about) {
            return known.clone();
        }
        File { about, sum: std::fs::read(path).ok().map(|bytes| Sha256::digest(bytes).into()) }
    }

    /// The names of the files that are other than in `before`, come or gone.
    pub fn changed_since(&self, before: &Seen) -> Vec<String> {
        let gone = before.0.keys().filter(|path| !self.0.contains_key(*path));
        let other = self.0.iter().filter(|(path, file)| before.0.get(*path) != Some(file)).map(|(path, _)| path);
        let mut names: Vec<String> =
            other.chain(gone).map(|path| path.file_name().unwrap_or_default().to_string_lossy().into_owned()).collect();
        names.sort();
        names.dedup();
        names
    }
}

/// The project file, also when it cannot be read.
pub fn project_file(surroundings: &Surroundings, given: Option<&Path>) -> PathBuf {
    match given {
        Some(path) if path.is_dir() => path.join(FILE),
        Some(path) => path.to_owned(),
        None => {
            let nearest = surroundings.folder.ancestors().map(|folder| folder.join(FILE)).find(|path| path.is_file());
            nearest.unwrap_or_else(|| surroundings.folder.join(FILE))
        }
    }
}
