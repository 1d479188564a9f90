//! `fmt`: playbooks and errors tables in their canonical form. A file with errors is left alone.

use super::{
    Failure, Surroundings,
    check::{Files, existing, looked_at},
    project::{self, Opened},
};
use crate::{
    base::{
        diagnostic::{Diagnostic, Diagnostics},
        source::{Source, Span},
        yaml,
    },
    check::rewrite::NOT_REWRITTEN,
    playbook::{
        format::{self, Left},
        schema,
    },
};
use std::path::{Path, PathBuf};

/// A file and what is to be in it.
pub struct Rewritten {
    /// Where it is.
    pub path: PathBuf,
    /// As the user would name it.
    pub name: String,
    /// What is in it.
    pub old: String,
    /// What is to be in it.
    pub new: String,
}

/// What was looked at.
#[derive(Default)]
pub struct Formatted {
    /// How many files.
    pub files: usize,
    /// How many test files were named, by themselves or with their folder. People align their data by hand: they are left alone.
    pub tests: usize,
    /// Those that are to be written.
    pub changed: Vec<Rewritten>,
    /// Those that are left alone, and why.
    pub problems: Vec<Diagnostics>,
}

/// Formats the given files and folders, or all of the project. Writes nothing.
pub fn format(surroundings: &Surroundings, opened: &Opened, paths: &[PathBuf]) -> Result<Formatted, Failure> {
    let Files { playbooks, tables, tests } = existing(surroundings, opened, paths)?;
    let tests = if paths.is_empty() { 0 } else { tests.len() };
    let mut done = Formatted { files: playbooks.len() + tables.len(), tests, ..Formatted::default() };
    let (playbook, table) = (schema::playbook(), schema::errors());
    let all = playbooks.iter().map(|path| (path, &playbook)).chain(tables.iter().map(|path| (path, &table)));
    for (path, schema) in all {
        let problems = looked_at(surroundings, opened, path)?;
        if problems.iter().any(|problems| problems.errors() > 0) {
            done.problems.extend(problems);
            continue;
        }
        let source = project::read(path, yaml::LIMITS, &surroundings.folder)?;
        match format::format(source.text(), schema) {
            Ok(new) if new == source.text() => {}
            Ok(new) => done.changed.push(Rewritten {
                path: path.clone(),
                name: source.name().to_owned(),
                old: source.text().to_owned(),
                new,
            }),
            Err(left) => done.problems.push(refused(&source, left)),
        }
    }
    Ok(done)
}

fn refused(source: &std::sync::Arc<Source>, left: Left) -> Diagnostics {
    let why = match left {
        Left::NotYaml => "its layout was not understood",
        Left::OtherMeaning => "the new text would not say the same",
        Left::NotStable => "formatting it twice would change it twice",
    };
    let mut problems = Diagnostics::new(source.clone());
    let message = format!("this file is left as it is: {why}");
    let at = Span::new(0, source.text().find('\n').unwrap_or(source.text().len()));
    problems.push(Diagnostic::error(&NOT_REWRITTEN, at, message));
    problems
}

impl Rewritten {
    /// Puts the new text in the place of the old one: whole or not at all, with the file's own rights.
    pub fn write(&self) -> Result<(), Failure> {
        // A link stays a link: what it leads to is written.
        let path = self.path.canonicalize().unwrap_or_else(|_| self.path.clone());
        let beside = path.with_extension("yaml.trueup-new");
        let written = std::fs::write(&beside, &self.new)
            .and_then(|()| std::fs::metadata(&path))
            .and_then(|about| std::fs::set_permissions(&beside, about.permissions()))
            .and_then(|()| std::fs::rename(&beside, &path));
        written.map_err(|error| {
            remove(&beside);
            Failure::usage(format!("{} cannot be written: {error}", self.name))
        })
    }
}

fn remove(path: &Path) {
    // Of a half-written file beside the real one nobody needs to hear.
    let _ = std::fs::remove_file(path);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_that_would_not_say_the_same_is_named_and_left() {
        let source = Source::new("a.yaml", "trueup: v1\n");
        for left in [Left::NotYaml, Left::OtherMeaning, Left::NotStable] {
            let problems = refused(&source, left);
            let found = problems.sorted();
            assert_eq!((found[0].code.id, problems.errors()), ("E0703", 1));
            assert!(found[0].message.starts_with("this file is left as it is: "), "{}", found[0].message);
        }
    }
}
