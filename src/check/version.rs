//! Whether a playbook that means something else than before says so by its `version`.
//!
//! Compares two texts of the same playbook. Where the older one comes from (git, a run) is for others to know.

use crate::{
    base::{
        diagnostic::{Code, Diagnostic, Diagnostics},
        source::Source,
        value::Value,
        yaml::{self, Node},
    },
    playbook::{error_table::SUFFIX, format::guide::Guide, schema},
};
use std::sync::Arc;

/// Another meaning, the same version.
pub static SAME_VERSION: Code = Code {
    id: "E0701",
    title: "another meaning under the same version",
    explain: "The playbook does something else than it did, and its `version` has not grown. Runs, plans and the audit trail name a playbook \
        by name and version: two meanings under one version make them say something that was not so. Write the next number. What \
        changes no meaning needs none: comments, the order of keys, titles, descriptions, examples and reasons.",
};
/// A smaller version.
pub static OLDER_VERSION: Code = Code {
    id: "E0702",
    title: "a version smaller than the one before",
    explain: "Versions only grow: a number that was used before names the playbook that it named then.",
};

/// All codes of this file.
pub static CODES: &[&Code] = &[&SAME_VERSION, &OLDER_VERSION];

/// Keys that speak to people and to nobody else.
const WORDS_ONLY: &[&str] = &["title", "description", "example", "examples", "means", "because"];

/// Says whether the version had to grow and did not. `since` is how the user called the older text.
pub fn compare(old: &Arc<Source>, new: &Arc<Source>, since: &str, problems: &mut Diagnostics) {
    let (Some(before), Some(now)) = (tree(old), tree(new)) else { return };
    let (was, is) = (version(&before), version(&now));
    let (Some(was), Some(is)) = (was, is) else { return };
    let at = now.get("version").map_or_else(|| now.span(), Node::span);
    if is < was {
        problems.push(
            Diagnostic::error(&OLDER_VERSION, at, format!("this is version {is}; `{since}` has version {was}"))
                .help(format!("write `version: {}`, or `version: {was}` if it means the same again", was + 1)),
        );
        return;
    }
    let mut changed = changed(&before, &now);
    changed.extend(changed_tables(old, new));
    if is == was && !changed.is_empty() {
        let what: Vec<&str> = changed.iter().map(String::as_str).collect();
        problems.push(
            Diagnostic::error(
                &SAME_VERSION,
                at,
                format!("this playbook means something else than at `{since}`, and is still version {is}"),
            )
            .help(format!("changed: {}", crate::base::suggest::list(&what)))
            .help(format!("write `version: {}`", is + 1)),
        );
    }
}

fn tree(source: &Arc<Source>) -> Option<Node> {
    yaml::parse(source, yaml::LIMITS, &mut Diagnostics::new(source.clone()))
}

fn version(node: &Node) -> Option<i64> {
    node.get("version")?.value().as_int()
}

/// The keys at the top under which something else stands.
fn changed(before: &Node, now: &Node) -> Vec<String> {
    let schema = schema::playbook();
    let meaning = |node: &Node| meaning(node, &Guide::of(&schema));
    let (before, now) = (meaning(before), meaning(now));
    let (Some(before), Some(now)) = (before.as_map(), now.as_map()) else { return Vec::new() };
    let keys = now.keys().chain(before.keys().filter(|key| !now.contains_key(key)));
    keys.filter(|key| &***key != "version" && before.get(key) != now.get(key)).map(|key| key.to_string()).collect()
}

/// Shared errors tables are part of the playbook that uses them.
fn changed_tables(old: &Arc<Source>, new: &Arc<Source>) -> Vec<String> {
    let schema = schema::errors();
    let of = |source: &Arc<Source>, name: &str| {
        let part = source.included().iter().find(|part| part.name == name)?;
        let mut quiet = Diagnostics::new(source.clone());
        let node = yaml::parse_at(source, part.span, yaml::LIMITS, &mut quiet)?;
        Some(meaning(&node, &Guide::of(&schema)))
    };
    let tables = new.included().iter().filter(|part| {
        let before = of(old, &part.name);
        before.is_some() && before != of(new, &part.name)
    });
    tables.map(|part| part.name.rsplit('/').next().unwrap_or(&part.name).trim_end_matches(SUFFIX).to_owned()).collect()
}

/// The values without what only speaks to people; keys in one order, because their order means nothing.
fn meaning(node: &Node, guide: &Guide<'_>) -> Value {
    match node {
        Node::Map(entries, _) => {
            let keys: Vec<&str> = entries.iter().map(|entry| &*entry.key.text).collect();
            let mut kept: Vec<(Arc<str>, Value)> = entries
                .iter()
                .filter(|entry| {
                    let key = &*entry.key.text;
                    // A column that is called `title` is data.
                    !(WORDS_ONLY.contains(&key) && guide.knows(&keys, key))
                })
                .map(|entry| {
                    let key = &entry.key.text;
                    (key.clone(), meaning(&entry.node, &guide.under(&keys, key)))
                })
                .collect();
            kept.sort_by(|(one, _), (other, _)| one.cmp(other));
            Value::map(kept)
        }
        Node::List(nodes, _) => Value::list(nodes.iter().map(|node| meaning(node, &guide.item()))),
        other => other.value(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "trueup: v1\nname: a/b\nversion: 1\ntitle: A\nparams: { id: { type: int, description: which, example: 1 } }\nsteps:\n  - id: change\n    title: Change it\n    row: { table: shop.things, key: { id: \"{{ params.id }}\" }, set: { title: one, description: two } }\n";

    fn said(new: &str) -> Vec<String> {
        let source = Source::new("new", new);
        let mut problems = Diagnostics::new(source.clone());
        compare(&Source::new("old", TEXT), &source, "HEAD", &mut problems);
        problems.sorted().iter().map(|d| format!("{} {}", d.code.id, d.help.join("; "))).collect()
    }

    #[test]
    fn words_for_people_comments_and_order_change_no_meaning() {
        let new = "title: Another\n# a comment\ntrueup: v1\nname: 'a/b'\nversion: 1\ndescription: more\nparams:\n  id: { description: other, type: int, example: 7 }\nsteps:\n  - title: Changed\n    id: change\n    row: { table: shop.things, set: { description: two, title: one }, key: { id: '{{ params.id }}' } }\n    because: of it\n";
        assert_eq!(said(new), [""; 0]);
    }

    #[test]
    fn what_is_done_changes_the_meaning_also_in_a_column_called_title() {
        let same = ["E0701 changed: `steps`; write `version: 2`"];
        assert_eq!(said(&TEXT.replace("title: one", "title: three")), same);
        assert_eq!(said(&TEXT.replace("set:", "only_if: { state: x }, set:")), same);
        assert_eq!(said(&TEXT.replace("type: int", "type: string")), ["E0701 changed: `params`; write `version: 2`"]);
        assert_eq!(said(&TEXT.replace("title: one", "title: three").replace("version: 1", "version: 2")), [""; 0]);
        assert_eq!(said(&TEXT.replace("version: 1", "version: 0")).len(), 1);
    }
}
