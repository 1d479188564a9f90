//! `fix --uses`: writes `uses:` from what the steps touch. Everything else in the file stays as it is.

use super::{
    Failure, Surroundings,
    check::{Files, existing},
    fmt::Rewritten,
    included::with_included,
    playbook::{name_of, names_for},
    project::{self, Opened},
};
use crate::{
    base::{
        diagnostic::{Diagnostic, Diagnostics, Severity},
        source::{Source, Span},
        yaml,
    },
    check::{self, Grant, Knowledge, rewrite::NOT_REWRITTEN, rules::uses},
    playbook::{
        format::{
            self,
            layout::{Layout, Node, Part},
        },
        model::Playbook,
        schema,
    },
};
use std::{path::PathBuf, sync::Arc};

/// What was looked at.
#[derive(Default)]
pub struct Fixed {
    /// How many playbooks.
    pub files: usize,
    /// Those that are to be written.
    pub changed: Vec<Rewritten>,
    /// Those with other errors, which are left alone.
    pub problems: Vec<Diagnostics>,
    /// What a person has to look at.
    pub notes: Vec<String>,
}

/// Finds what `uses:` has to say in the given files and folders, or in all playbooks of the project. Writes nothing.
pub fn uses(surroundings: &Surroundings, opened: &Opened, paths: &[PathBuf]) -> Result<Fixed, Failure> {
    let Files { playbooks, .. } = existing(surroundings, opened, paths)?;
    let mut fixed = Fixed { files: playbooks.len(), ..Fixed::default() };
    for path in &playbooks {
        let own = match project::read(path, yaml::LIMITS, &surroundings.folder) {
            Ok(own) => own,
            Err(Failure::Texts(problems)) => {
                fixed.problems.extend(problems);
                continue;
            }
            Err(other) => return Err(other),
        };
        let source = with_included(surroundings, opened, path, own.clone())?;
        let names = names_for(&source, opened);
        let knowledge = Knowledge { name: name_of(path, opened), names, ..Knowledge::default() };
        let (_, found) = check::read_and_check(source.clone(), opened.project.clone(), &knowledge);
        let other = |d: &&Diagnostic| d.severity == Severity::Error && d.code.id != uses::NOT_GRANTED.id;
        let mut quiet = Diagnostics::new(source.clone());
        let playbook = Playbook::parse(&source, &mut quiet);
        let Some(playbook) = playbook.filter(|_| !found.sorted().iter().any(other)) else {
            fixed.problems.push(found);
            continue;
        };
        let grants = check::needed(&playbook, &source, &opened.project);
        for grant in grants.iter().filter(|grant| grant.opaque) {
            fixed.notes.push(format!(
                "{}: a statement of `{}` was not understood; look at its line under `uses` yourself",
                own.name(),
                grant.connection
            ));
        }
        match rewritten(&own, &grants) {
            Some(new) if new == own.text() => {}
            Some(new) if reads_the_same(&own, &new) => fixed.changed.push(Rewritten {
                path: path.clone(),
                name: own.name().to_owned(),
                old: own.text().to_owned(),
                new,
            }),
            _ => fixed.problems.push(refused(&own)),
        }
    }
    Ok(fixed)
}

fn refused(source: &Arc<Source>) -> Diagnostics {
    let mut problems = Diagnostics::new(source.clone());
    let at = Span::new(0, source.text().find('\n').unwrap_or(source.text().len()));
    problems.push(Diagnostic::error(&NOT_REWRITTEN, at, "`uses:` cannot be written into this file safely"));
    problems
}

/// The file with another `uses:`; the same file when it says already what is needed.
fn rewritten(source: &Arc<Source>, grants: &[Grant]) -> Option<String> {
    let (text, layout) = (source.text(), Layout::of(source.text())?);
    let old = layout.part("uses");
    if grants.is_empty() {
        // Nothing is touched: no `uses:` at all.
        return Some(old.map_or_else(|| text.to_owned(), |part| replaced(text, part, "")));
    }
    let made = Layout::of(&section(grants))?;
    let mut part = made.part("uses")?.clone();
    if let Some(old) = old {
        if says(old) == says(&part) {
            return Some(text.to_owned());
        }
        keep_comments(old, &mut part);
    }
    let new = format::part(&part, &schema::playbook());
    Some(match old {
        Some(old) => replaced(text, old, new.trim_end()),
        None => inserted(text, &layout, &new)?,
    })
}

fn section(grants: &[Grant]) -> String {
    let list = |words: &[String]| format!("[{}]", words.join(", "));
    let mut text = String::from("uses:\n");
    for grant in grants {
        let columns: Vec<String> = grant.columns.iter().map(|(table, all)| format!("{table}: {}", list(all))).collect();
        let parts = [
            ("read", (!grant.read.is_empty()).then(|| list(&grant.read))),
            ("write", (!grant.write.is_empty()).then(|| list(&grant.write))),
            ("columns", (!columns.is_empty()).then(|| format!("{{ {} }}", columns.join(", ")))),
            ("methods", (!grant.methods.is_empty()).then(|| list(&grant.methods))),
            ("commands", (!grant.commands.is_empty()).then(|| list(&grant.commands))),
        ];
        let parts: Vec<String> =
            parts.into_iter().filter_map(|(key, value)| Some(format!("{key}: {}", value?))).collect();
        text.push_str(&format!("  {}: {{ {} }}\n", grant.connection, parts.join(", ")));
    }
    text
}

/// The values of a part, comments and layout apart.
fn says(part: &Part) -> String {
    match &part.node {
        Node::Scalar(scalar) => format!("{scalar:?}"),
        Node::Parts(parts) => parts.parts.iter().map(|part| format!("({} {})", part.name, says(part))).collect(),
    }
}

/// Comments of the section and of each connection stay with them.
fn keep_comments(old: &Part, new: &mut Part) {
    new.trail = old.trail.clone();
    new.foot = old.foot.clone();
    if let (Node::Parts(old), Node::Parts(new)) = (&old.node, &mut new.node) {
        for part in &mut new.parts {
            if let Some(before) = old.parts.iter().find(|before| before.name == part.name) {
                part.lead = before.lead.clone();
                part.trail = before.trail.clone();
                part.foot = before.foot.clone();
            }
        }
    }
}

fn replaced(text: &str, part: &Part, new: &str) -> String {
    format!("{}{new}{}", &text[..part.range.start], &text[part.end.min(text.len())..])
}

/// Behind the last key that stands before `uses` in a playbook.
fn inserted(text: &str, layout: &Layout, new: &str) -> Option<String> {
    let place = |name: &str| Playbook::KEYS.iter().position(|key| *key == name);
    let before = layout.parts().iter().filter(|part| place(&part.name) < place("uses")).map(|part| part.end).max()?;
    let (head, tail) = text.split_at(before.min(text.len()));
    Some(format!("{head}\n\n{}{tail}", new.trim_end()))
}

/// Nothing but `uses` differs.
fn reads_the_same(old: &Arc<Source>, new: &str) -> bool {
    let read = |text: &str| {
        let source = Source::new("", text);
        yaml::parse(&source, yaml::LIMITS, &mut Diagnostics::new(source.clone()))
    };
    let without = |node: yaml::Node| match node {
        yaml::Node::Map(entries, at) => {
            yaml::Node::Map(entries.into_iter().filter(|entry| &*entry.key.text != "uses").collect(), at)
        }
        other => other,
    };
    match (read(old.text()), read(new)) {
        (Some(old), Some(new)) => format::same(&without(old), &without(new)),
        _ => false,
    }
}
