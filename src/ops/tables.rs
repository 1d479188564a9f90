//! Shared errors tables: finding their files, and putting them into the text of a playbook that uses them.

use super::{
    Failure, Surroundings,
    project::{self, Opened},
};
use crate::{
    base::{
        diagnostic::{Diagnostic, Diagnostics},
        source::Source,
        yaml::{self, Node},
    },
    check,
    playbook::error_table::{ErrorTable, SUFFIX},
};
use std::{
    path::{Path, PathBuf},
    sync::Arc,
};

/// The playbook's text with the tables that it uses: what a plan is made of and what a run carries. A table that is not there is
/// left out; the check says so.
pub fn with_tables(surroundings: &Surroundings, opened: &Opened, source: Arc<Source>) -> Result<Arc<Source>, Failure> {
    with_tables_of(opened, source, &|path| {
        if !path.is_file() {
            return Ok(None);
        }
        let table = project::read(path, yaml::LIMITS, &surroundings.folder)?;
        refuse_included(&table)?;
        Ok(Some(table.text().to_owned()))
    })
}

/// The same with tables from elsewhere than the files of today.
pub fn with_tables_of(
    opened: &Opened,
    source: Arc<Source>,
    text: &dyn Fn(&Path) -> Result<Option<String>, Failure>,
) -> Result<Arc<Source>, Failure> {
    refuse_included(&source)?;
    let mut tables = Vec::new();
    for name in used(&source).into_iter().filter(|name| is_name(name)) {
        let Some(table) = text(&opened.playbooks().join(format!("{name}{SUFFIX}")))? else { continue };
        // The same text wherever the command runs: its hash is part of the plan.
        let folder = opened.project.playbooks.as_ref().map_or("playbooks", |word| word.as_str());
        tables.push((format!("{}/{name}{SUFFIX}", folder.trim_end_matches('/')), table));
    }
    Ok(if tables.is_empty() { source } else { source.including(&tables) })
}

/// Files are put together here only.
fn refuse_included(source: &Arc<Source>) -> Result<(), Failure> {
    let Some(first) = source.included().first() else { return Ok(()) };
    let mut problems = Diagnostics::new(source.clone());
    let at = crate::base::source::Span::new(source.own().end, first.span.start);
    problems.push(
        Diagnostic::error(&yaml::ONE_DOCUMENT, at, "a file does not hold the files that it uses")
            .help("take this line and what follows out; `errors: { use: NAME }` reads the file by itself"),
    );
    Err(Failure::Texts(vec![problems]))
}

/// The names under `errors: { use: … }`, as far as the text can be read.
fn used(source: &Arc<Source>) -> Vec<String> {
    let mut quiet = Diagnostics::new(source.clone());
    let Some(node) = yaml::parse(source, yaml::LIMITS, &mut quiet) else { return Vec::new() };
    let mut names: Vec<String> = Vec::new();
    let mut add = |node: &Node| {
        if let Node::Scalar(word) = node
            && !names.iter().any(|name| *name == *word.text)
        {
            names.push(word.text.to_string());
        }
    };
    match node.get("errors").and_then(|errors| errors.get("use")) {
        Some(Node::List(nodes, _)) => nodes.iter().for_each(&mut add),
        Some(node) => add(node),
        None => {}
    }
    names
}

/// A name that leads to no other folder.
fn is_name(name: &str) -> bool {
    name.split('/').all(|part| {
        !part.is_empty()
            && part.starts_with(|c: char| c.is_ascii_alphanumeric())
            && part.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.'))
    })
}

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
