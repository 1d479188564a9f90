//! The files that a playbook needs beside its own, put into its text: the playbooks that it calls, at any depth, and the shared
//! errors tables of all of them. A plan is made of this text, and a run carries it.

use super::{
    Failure, Surroundings,
    playbook::name_of,
    project::{self, Opened},
};
use crate::{
    base::{
        diagnostic::{Diagnostic, Diagnostics},
        source::{Source, Span},
        yaml::{self, Node},
    },
    playbook::error_table::SUFFIX,
};
use std::{path::Path, sync::Arc};

/// More files than this in one text are a mistake.
const MOST: usize = 100;

/// The playbook at `path` with all that it needs. A file that is not there is left out; the check says so.
pub fn with_included(
    surroundings: &Surroundings,
    opened: &Opened,
    path: &Path,
    source: Arc<Source>,
) -> Result<Arc<Source>, Failure> {
    with_included_of(opened, path, source, &|path| {
        if !path.is_file() {
            return Ok(None);
        }
        project::read(path, yaml::LIMITS, &surroundings.folder).map(Some)
    })
}

/// Reads a file; nothing where there is none.
type Read<'a> = &'a dyn Fn(&Path) -> Result<Option<Arc<Source>>, Failure>;

/// The same with files from elsewhere than those of today.
pub fn with_included_of(
    opened: &Opened,
    path: &Path,
    source: Arc<Source>,
    read: Read<'_>,
) -> Result<Arc<Source>, Failure> {
    refuse_included(&source)?;
    // A playbook that calls itself, whichever way round, stands there once already.
    let own = name_of(path, opened).map(|name| format!("{name}.yaml"));
    let mut wanted = needed(&source);
    let mut files: Vec<(String, String)> = Vec::new();
    // The same text wherever the command runs: its hash is part of the plan.
    let folder = opened.project.playbooks.as_ref().map_or("playbooks", |word| word.as_str()).trim_end_matches('/');
    let mut at = 0;
    while at < wanted.len() && files.len() < MOST {
        let file = wanted[at].clone();
        at += 1;
        let path = opened.playbooks().join(&file);
        if own.as_ref() == Some(&file) || !is_name(&file) {
            continue;
        }
        let Some(other) = read(&path)? else { continue };
        refuse_included(&other)?;
        if !file.ends_with(SUFFIX) {
            for more in needed(&other) {
                if !wanted.contains(&more) {
                    wanted.push(more);
                }
            }
        }
        files.push((format!("{folder}/{file}"), other.text().to_owned()));
    }
    Ok(if files.is_empty() { source } else { source.including(&files) })
}

/// Files are put together here only.
pub fn refuse_included(source: &Arc<Source>) -> Result<(), Failure> {
    let Some(first) = source.included().first() else { return Ok(()) };
    let mut problems = Diagnostics::new(source.clone());
    let at = Span::new(source.own().end, first.span.start);
    problems.push(
        Diagnostic::error(&yaml::ONE_DOCUMENT, at, "a file does not hold the files that it uses")
            .help("take this line and what follows out; `errors: { use: NAME }` and `call: { playbook: NAME }` read the files by themselves"),
    );
    Err(Failure::Texts(vec![problems]))
}

/// The files that a playbook's text names, below the playbook folder, each once; as far as it can be read.
fn needed(source: &Arc<Source>) -> Vec<String> {
    let mut quiet = Diagnostics::new(source.clone());
    let Some(node) = yaml::parse(source, yaml::LIMITS, &mut quiet) else { return Vec::new() };
    let mut files: Vec<String> = Vec::new();
    let mut add = |node: &Node, end: &str| {
        if let Node::Scalar(word) = node {
            let file = format!("{}{end}", word.text);
            if !files.contains(&file) {
                files.push(file);
            }
        }
    };
    match node.get("errors").and_then(|errors| errors.get("use")) {
        Some(Node::List(nodes, _)) => nodes.iter().for_each(|node| add(node, SUFFIX)),
        Some(node) => add(node, SUFFIX),
        None => {}
    }
    for section in ["steps", "preconditions", "verification", "afterwards"] {
        if let Some(node) = node.get(section) {
            calls(node, &mut |node| add(node, ".yaml"));
        }
    }
    files
}

/// Every `call: { playbook: … }`, at any depth.
fn calls(node: &Node, found: &mut dyn FnMut(&Node)) {
    match node {
        Node::Map(entries, _) => {
            for entry in entries {
                if &*entry.key.text == "call"
                    && let Some(name) = entry.node.get("playbook")
                {
                    found(name);
                }
                calls(&entry.node, found);
            }
        }
        Node::List(nodes, _) => nodes.iter().for_each(|node| calls(node, found)),
        _ => {}
    }
}

/// A name that leads to no other folder.
pub fn is_name(name: &str) -> bool {
    name.split('/').all(|part| {
        !part.is_empty()
            && part.starts_with(|c: char| c.is_ascii_alphanumeric())
            && part.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.'))
    })
}
