//! `trueup fmt`: the meaning, every comment and the author's own order stay, and formatting twice is formatting once.

use super::desk::{Desk, compare, playbooks};
use proptest::prelude::*;
use std::{collections::BTreeMap, path::Path, sync::Arc};
use trueup::{
    base::{
        diagnostic::Diagnostics,
        source::Source,
        yaml::{self, Node},
    },
    playbook::{
        format::{format, same},
        schema,
    },
};

fn tree(text: &str) -> Option<Node> {
    let source: Arc<Source> = Source::new("", text);
    let mut problems = Diagnostics::new(source.clone());
    let node = yaml::parse(&source, yaml::LIMITS, &mut problems)?;
    (problems.errors() == 0).then_some(node)
}

fn schema_of(path: &Path) -> serde_json::Value {
    if path.to_string_lossy().ends_with(".errors.yaml") { schema::errors() } else { schema::playbook() }
}

/// Words behind `#` that are comments: those that are there in no value.
fn comments(text: &str) -> BTreeMap<String, usize> {
    fn values(node: &Node, all: &mut String) {
        match node {
            Node::Scalar(scalar) => all.push_str(&format!("{}\n", scalar.text)),
            Node::List(nodes, _) => nodes.iter().for_each(|node| values(node, all)),
            Node::Map(entries, _) => entries.iter().for_each(|entry| {
                all.push_str(&format!("{}\n", entry.key.text));
                values(&entry.node, all);
            }),
            Node::Broken(_) => {}
        }
    }
    let mut data = String::new();
    values(&tree(text).unwrap(), &mut data);
    let mut all = BTreeMap::new();
    for line in text.lines() {
        for (at, _) in line.match_indices('#') {
            let comment = line[at..].trim_end();
            let begins = at == 0 || line[..at].ends_with(' ');
            // The rest of a line may hold the end of a text and what follows it: `with #<Socket>" }`.
            let in_a_text = comment.starts_with("#<");
            if begins && !in_a_text && !data.contains(comment) {
                *all.entry(comment.to_owned()).or_default() += 1;
                break;
            }
        }
    }
    all
}

#[test]
fn every_playbook_of_this_repository_keeps_its_meaning_and_its_comments_and_is_stable() {
    let (mut formatted, mut changed, mut commented) = (0, 0, 0);
    for (path, text) in playbooks() {
        let Some(before) = tree(&text) else { continue };
        if !matches!(before, Node::Map(..)) {
            continue;
        }
        let schema = schema_of(&path);
        let once = format(&text, &schema).unwrap_or_else(|why| panic!("{}: {why:?}", path.display()));
        assert!(same(&before, &tree(&once).unwrap()), "{}", path.display());
        assert_eq!(format(&once, &schema).unwrap(), once, "{}", path.display());
        assert_eq!(comments(&text), comments(&once), "{}", path.display());
        formatted += 1;
        changed += usize::from(once != text);
        commented += usize::from(!comments(&text).is_empty());
    }
    assert!(formatted > 80 && changed > 20 && commented > 5, "{formatted} {changed} {commented}");
}

/// What we ship is what a reader copies.
#[test]
fn the_playbooks_that_we_ship_are_formatted() {
    let mut seen = 0;
    let shipped = |path: &Path| !path.components().any(|part| part.as_os_str() == "cases");
    for (path, text) in playbooks().into_iter().filter(|(path, _)| shipped(path)) {
        // Project files of sandboxes, worker files and SQL are other forms.
        if !tree(&text).is_some_and(|node| node.get("name").is_some() || node.get("table").is_some()) {
            continue;
        }
        let formatted = format(&text, &schema_of(&path)).unwrap_or_else(|why| panic!("{}: {why:?}", path.display()));
        assert!(formatted == text, "`trueup fmt` would change {}", path.display());
        seen += 1;
    }
    assert!(seen >= 29, "{seen}");
}

/// The text with a comment or a blank line put in somewhere, where that changes no value.
fn disturbed(text: &str, places: &[(usize, usize, u8)]) -> Option<String> {
    let mut lines: Vec<String> = text.lines().map(str::to_owned).collect();
    for (index, (at, indent, kind)) in places.iter().enumerate() {
        let at = at % (lines.len() + 1);
        match kind % 4 {
            0 => lines.insert(at, String::new()),
            1 => lines.insert(at, format!("{}# put in {index}", " ".repeat(indent % 9))),
            2 if at < lines.len() => lines[at].push_str(&format!("{}# put behind {index}", " ".repeat(1 + indent % 5))),
            _ => {}
        }
    }
    let new = lines.join("\n") + "\n";
    let (before, after) = (tree(text)?, tree(&new)?);
    same(&before, &after).then_some(new)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, ..ProptestConfig::default() })]

    #[test]
    fn wherever_a_comment_stands_it_is_there_afterwards(
        pick in any::<prop::sample::Index>(),
        places in prop::collection::vec((0_usize..400, 0_usize..20, any::<u8>()), 1..6),
    ) {
        let all = playbooks();
        let (path, text) = &all[pick.index(all.len())];
        if let Some(new) = disturbed(text, &places).filter(|text| matches!(tree(text), Some(Node::Map(..)))) {
            let schema = schema_of(path);
            let once = format(&new, &schema);
            prop_assert!(once.is_ok(), "{}: {:?}\n{new}", path.display(), once);
            let once = once.unwrap();
            prop_assert_eq!(comments(&new), comments(&once), "{}\n{}", new, once);
        }
    }
}

const UGLY: &str = "# yaml-language-server: $schema=../schema/playbook.schema.json\nversion: 1\nname: sell\ntrueup: v1\nrisk: low   # a lamp is a lamp\n\n\n\ntitle: 'Sell a thing'\nuses: { shop: { write: [things, audits], read: [things] } }\nsteps:\n# the one change\n- row: { set: { state: sold }, only_if: { state: open }, of: thing }\n  title: Sell it\n  id: sell\nparams:\n    id: { example: 1, description: The thing, type: int }\npreconditions:\n- otherwise: { escalate: clerk, say: \"No thing has the number {{ params.id }}. Look into the book that lies at the door, and ask who was here last.\" }\n  find: { where: { id: \"{{ params.id }}\" }, table: shop.things, expect: one }\n  id: thing\n";

#[test]
fn a_file_is_written_so_and_a_second_time_there_is_nothing_to_do() {
    let desk = Desk::new();
    desk.write("playbooks/sell.yaml", UGLY);
    let looked = desk.run(&["fmt", "--check"]);
    assert_eq!(looked.exit, 1, "{looked:?}");
    compare("fmt-check.txt", &format!("{}{}", looked.out, looked.err));
    assert_eq!(desk.read("playbooks/sell.yaml"), UGLY);
    let done = desk.run(&["fmt"]);
    assert_eq!((done.exit, &*done.out, &*done.err), (0, "formatted playbooks/sell.yaml\n", ""));
    compare("fmt.yaml", &desk.read("playbooks/sell.yaml"));
    let again = desk.run(&["fmt", "--check", "playbooks"]);
    assert_eq!((again.exit, &*again.out), (0, "1 file: nothing to do.\n"));
    assert_eq!(desk.run(&["check"]).exit, 0);
}

#[test]
fn a_file_with_errors_is_left_as_it_is_and_the_others_are_written() {
    let desk = Desk::new();
    let broken = UGLY.replace("only_if", "onyl_if");
    desk.write("playbooks/broken.yaml", &broken);
    desk.write("playbooks/sell.yaml", UGLY);
    let done = desk.run(&["fmt"]);
    assert_eq!((done.exit, &*done.out), (2, "formatted playbooks/sell.yaml\n"));
    assert!(done.err.contains("did you mean `only_if`?") && done.err.contains("are left as they are"), "{}", done.err);
    assert_eq!(desk.read("playbooks/broken.yaml"), broken);
}
