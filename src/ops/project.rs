//! Finding and reading the project file.

use super::{Failure, Surroundings};
use crate::{
    base::{
        diagnostic::{Diagnostic, Diagnostics},
        source::{Source, Span},
        yaml,
    },
    check,
    playbook::project::{JOURNAL_FILE, Project},
};
use std::{
    io::Read,
    path::{Component, Path, PathBuf},
    sync::Arc,
};

/// A project file that was read without problems, and where it stands.
#[derive(Clone)]
pub struct Opened {
    /// What it says.
    pub project: Arc<Project>,
    /// Its text.
    pub source: Arc<Source>,
    /// Its folder: relative paths in it start here.
    pub root: PathBuf,
    /// Advice, but no errors.
    pub advice: Diagnostics,
}

impl Opened {
    /// The folder of the playbooks.
    pub fn playbooks(&self) -> PathBuf {
        self.root.join(self.project.playbooks.as_ref().map_or("playbooks", |w| w.as_str()))
    }

    /// Something may be recorded there already.
    pub fn has_journal(&self) -> bool {
        self.project.journal.as_ref().is_some_and(|place| place.postgres.is_some()) || self.journal().exists()
    }

    /// The journal's file, where it is one.
    pub fn journal(&self) -> PathBuf {
        let given = self.project.journal.as_ref().and_then(|place| place.sqlite.as_ref());
        self.root.join(given.map_or(JOURNAL_FILE, |word| word.as_str()))
    }
}

/// The name that is looked for.
pub const FILE: &str = "trueup.yaml";

/// Opens the given project file, or the nearest `trueup.yaml` from here upwards.
pub fn open(surroundings: &Surroundings, given: Option<&Path>) -> Result<Opened, Failure> {
    let path = match given {
        Some(path) if path.is_dir() => path.join(FILE),
        Some(path) => path.to_owned(),
        None => nearest(&surroundings.folder).ok_or_else(|| {
            Failure::usage(format!("there is no {FILE} here or in a folder above"))
                .help("go to the folder of your project, or name the file with `--project PATH`")
                .help("`trueup demo` makes a small project to look at")
        })?,
    };
    let source = read(&path, yaml::LIMITS, &surroundings.folder)?;
    let root = path.parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or(Path::new(".")).to_owned();
    of_source(source, root)
}

/// The projects that these paths belong to, where no project file stands here or above: those whose files stand in a folder above
/// a path, or in one of the folders here, three levels down.
pub fn around(surroundings: &Surroundings, paths: &[PathBuf]) -> Result<Vec<Opened>, Failure> {
    let here = &surroundings.folder;
    let above = paths.iter().filter_map(|path| nearest(&std::path::absolute(here.join(path)).ok()?));
    let mut files: Vec<PathBuf> = above.collect();
    below(here, 3, &mut files);
    let mut seen = std::collections::BTreeSet::new();
    files.retain(|file| file.canonicalize().is_ok_and(|file| seen.insert(file)));
    // One that cannot be read is no hindrance where nobody asked for it.
    let projects: Vec<Opened> = files.iter().filter_map(|file| open(surroundings, Some(file)).ok()).collect();
    let wanted = |opened: &Opened| {
        let folder = opened.playbooks().canonicalize().unwrap_or_default();
        let both = |path: PathBuf| path.starts_with(&folder) || folder.starts_with(&path);
        paths.iter().any(|path| here.join(path).canonicalize().is_ok_and(both))
    };
    let projects: Vec<Opened> = projects.into_iter().filter(wanted).collect();
    if projects.is_empty() { open(surroundings, None).map(|one| vec![one]) } else { Ok(projects) }
}

fn below(folder: &Path, levels: usize, files: &mut Vec<PathBuf>) {
    let Ok(entries) = std::fs::read_dir(folder) else { return };
    let mut entries: Vec<PathBuf> = entries.filter_map(|entry| Some(entry.ok()?.path())).collect();
    entries.sort();
    for path in entries {
        let name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
        if name == FILE && path.is_file() {
            files.push(path);
        } else if levels > 0 && path.is_dir() && !name.starts_with('.') && name != "target" && name != "node_modules" {
            below(&path, levels - 1, files);
        }
    }
}

/// Whether a project file stands here or above.
pub fn is_here(surroundings: &Surroundings) -> bool {
    nearest(&surroundings.folder).is_some()
}

/// From a text: a run carries the project file that it was made with.
pub fn of_source(source: Arc<Source>, root: PathBuf) -> Result<Opened, Failure> {
    let mut problems = Diagnostics::new(source.clone());
    let project = Project::parse(&source, &mut problems);
    if let Some(project) = &project {
        check::check_project(project, &check::Knowledge::default(), &mut problems);
        for (name, connection) in project.connections.iter() {
            connection.problems(name).into_iter().for_each(|p| problems.push(p));
        }
    }
    match project {
        Some(project) if problems.errors() == 0 => {
            Ok(Opened { project: Arc::new(project), source, root, advice: problems })
        }
        _ => Err(Failure::Texts(vec![problems])),
    }
}

fn nearest(folder: &Path) -> Option<PathBuf> {
    folder.ancestors().map(|f| f.join(FILE)).find(|f| f.is_file())
}

/// Reads a text file: its size is looked at first, and it must be UTF-8.
pub fn read(path: &Path, limits: yaml::Limits, folder: &Path) -> Result<Arc<Source>, Failure> {
    let name = shown(path, folder);
    let unreadable = |why: String| Failure::usage(format!("`{name}` cannot be read: {why}"));
    let size = std::fs::metadata(path).map_err(|e| unreadable(io(&e)))?;
    if size.is_dir() {
        return Err(unreadable("it is a folder".into()));
    }
    // Who names a device himself, `/dev/stdin` or `<(…)` of a shell, means it. A pipe among the files of a project would be waited for without end.
    if !size.is_file() && !path.starts_with("/dev") && !path.starts_with("/proc") {
        return Err(unreadable("it is a pipe or a device, and no file".into()));
    }
    let too_large = |has: String| {
        let mut problems = Diagnostics::new(Source::new(name.clone(), ""));
        let message = format!("the file has {has} bytes; at most {} are read", limits.bytes);
        problems.push(Diagnostic::error(&yaml::TOO_LARGE, Span::default(), message));
        Failure::Texts(vec![problems])
    };
    if size.len() > limits.bytes as u64 {
        return Err(too_large(size.len().to_string()));
    }
    // What has no size is read no further than a file may be long.
    let mut bytes = Vec::new();
    let opened = std::fs::File::open(path).map(|file| file.take(limits.bytes as u64 + 1));
    opened.and_then(|mut file| file.read_to_end(&mut bytes)).map_err(|e| unreadable(io(&e)))?;
    if bytes.len() > limits.bytes {
        return Err(too_large(format!("more than {}", limits.bytes)));
    }
    match String::from_utf8(bytes) {
        Ok(text) => Ok(Source::new(name, text.strip_prefix('\u{feff}').unwrap_or(&text))),
        Err(error) => {
            let good = error.utf8_error().valid_up_to();
            let text = String::from_utf8_lossy(error.as_bytes()).into_owned();
            let mut problems = Diagnostics::new(Source::new(name, text));
            let message = format!("byte {} is not part of a UTF-8 text", good + 1);
            problems.push(Diagnostic::error(&yaml::NOT_UTF8, Span::new(good, good + 1), message));
            Err(Failure::Texts(vec![problems]))
        }
    }
}

/// A path as a person would write it from here.
pub fn shown(path: &Path, folder: &Path) -> String {
    let plain = path.strip_prefix(folder).unwrap_or(path);
    // `examples/shop/../../playbooks/a.yaml`: the project's folder of playbooks stands beside it, and nobody would write it so.
    if plain.components().any(|part| part == Component::ParentDir)
        && let (Ok(real), Ok(here)) = (path.canonicalize(), folder.canonicalize())
        && let Ok(below) = real.strip_prefix(here)
    {
        return below.display().to_string();
    }
    plain.display().to_string()
}

fn io(error: &std::io::Error) -> String {
    match error.kind() {
        std::io::ErrorKind::NotFound => "there is no such file".into(),
        std::io::ErrorKind::PermissionDenied => "permission denied".into(),
        _ => error.to_string(),
    }
}
