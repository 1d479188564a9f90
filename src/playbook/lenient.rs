//! What can be read of a playbook that is not sound, so that the rules can look at the rest and all problems show in one go.
//!
//! Never used to run anything: what comes out may lack steps, keys and whole sections.

use super::{
    errors::{ErrorRow, Errors},
    lifecycle::{self, Lifecycle},
    model::{self, Language, Playbook, Risk, Uses},
    params::Param,
};
use crate::{
    action::step::Step,
    base::{
        diagnostic::Diagnostics,
        shape::{FromNode, Lowering, Word},
        source::{Source, Span},
        yaml::{self, Entry, Node, Scalar, Style},
    },
    targets::{Limits, Targets},
    template::Datum,
};
use std::{collections::HashSet, sync::Arc};

/// A playbook as far as it can be read.
pub struct Reading {
    /// What could be read; nothing when the text is no playbook at all.
    pub playbook: Option<Playbook>,
    /// The same with what is left of steps that cannot be read as a whole, without their names: enough to look whether what they
    /// name is there. Nothing when all could be read.
    pub remains: Option<Playbook>,
    /// All names that the text gives to something, whether or not that something could be read. Empty when all could.
    pub named: HashSet<Arc<str>>,
}

impl Reading {
    /// Reads a playbook; every problem of text and shape goes to `problems`.
    pub fn of(source: &Arc<Source>, problems: &mut Diagnostics) -> Reading {
        Reading::at(source, source.own(), problems)
    }

    /// The same of a file that stands in the source's text.
    pub fn at(source: &Arc<Source>, file: Span, problems: &mut Diagnostics) -> Reading {
        let before = problems.errors();
        let Some(node) = yaml::parse_at(source, file, yaml::LIMITS, problems) else {
            return Reading { playbook: None, remains: None, named: HashSet::new() };
        };
        let node = lifecycle::expand(node, &mut Lowering::new(problems));
        let playbook = model::read::<Playbook>(&node, source, problems);
        if problems.errors() == before {
            return Reading { playbook, remains: None, named: HashSet::new() };
        }
        let mut named = HashSet::new();
        names(&node, 0, &mut named);
        let repaired = |remains| {
            let mut quiet = Diagnostics::new(source.clone());
            Playbook::from_node(&Repair { source, remains }.playbook(&node)?, &mut Lowering::new(&mut quiet))
        };
        let playbook = playbook.or_else(|| repaired(false));
        Reading { playbook, remains: repaired(true), named }
    }
}

/// Every `id`, and every key of the maps right below the top (params, vars, connections).
fn names(node: &Node, depth: usize, named: &mut HashSet<Arc<str>>) {
    match node {
        Node::Map(entries, _) => {
            for entry in entries {
                match &entry.node {
                    Node::Scalar(id) if &*entry.key.text == "id" => {
                        named.insert(id.text.clone());
                    }
                    inner => names(inner, depth + 1, named),
                }
                if depth == 1 {
                    named.insert(entry.key.text.clone());
                }
            }
        }
        Node::List(nodes, _) => nodes.iter().for_each(|node| names(node, depth + 1, named)),
        _ => {}
    }
}

/// How often parts are taken out of a step before it is given up: taking one out can leave its map without a key that it needs.
const ROUNDS: usize = 4;

struct Repair<'a> {
    source: &'a Arc<Source>,
    /// Steps that cannot be read as a whole are kept without what is wrong with them.
    remains: bool,
}

/// What a node is without the place of a problem.
enum Without {
    /// The place is not in it.
    Same,
    /// The rest.
    Rest(Node),
    /// Nothing: the node itself is the place.
    Nothing,
}

/// Looks for the smallest part that holds the place. Spans of maps and lists in blocks begin at their first key and do not cover
/// what is below it.
fn without(node: &Node, place: Span) -> Without {
    let holds = |span: Span| span.start <= place.start && place.end <= span.end && span.start < span.end;
    match node {
        Node::List(nodes, at) => {
            for (index, one) in nodes.iter().enumerate() {
                let mut rest = nodes.clone();
                match without(one, place) {
                    Without::Same => continue,
                    Without::Rest(node) => rest[index] = node,
                    Without::Nothing => drop(rest.remove(index)),
                }
                return Without::Rest(Node::List(rest, *at));
            }
        }
        Node::Map(entries, at) => {
            for (index, entry) in entries.iter().enumerate() {
                let inner = if holds(entry.key.span) { Without::Nothing } else { without(&entry.node, place) };
                let mut rest = entries.clone();
                match inner {
                    Without::Same => continue,
                    Without::Rest(node) => rest[index].node = node,
                    Without::Nothing => drop(rest.remove(index)),
                }
                return Without::Rest(Node::Map(rest, *at));
            }
        }
        Node::Scalar(_) | Node::Broken(_) => {}
    }
    if holds(node.span()) { Without::Nothing } else { Without::Same }
}

impl Repair<'_> {
    fn reads<T: FromNode>(&self, node: &Node) -> bool {
        let mut quiet = Diagnostics::new(self.source.clone());
        T::from_node(node, &mut Lowering::new(&mut quiet)).is_some()
    }

    fn playbook(&self, node: &Node) -> Option<Node> {
        let Node::Map(entries, at) = node else { return None };
        let mut kept: Vec<Entry> = entries.iter().filter_map(|entry| self.part(entry)).collect();
        for (key, stand_in) in [("trueup", "v1"), ("name", "unnamed"), ("version", "1"), ("title", "untitled")] {
            if !kept.iter().any(|entry| &*entry.key.text == key) {
                kept.push(Entry { key: scalar(key), node: Node::Scalar(scalar(stand_in)) });
            }
        }
        if !kept.iter().any(|entry| &*entry.key.text == "steps") {
            kept.push(Entry { key: scalar("steps"), node: Node::List(Vec::new(), Span::default()) });
        }
        Some(Node::Map(kept, *at))
    }

    fn part(&self, entry: &Entry) -> Option<Entry> {
        let with = |node: Node| Some(Entry { key: entry.key.clone(), node });
        let whole = |reads: bool| reads.then(|| entry.clone());
        match &*entry.key.text {
            "preconditions" | "steps" | "verification" | "afterwards" => with(self.steps(&entry.node)?),
            "errors" if matches!(entry.node, Node::Map(..)) => whole(self.reads::<Errors>(&entry.node)),
            "errors" => with(self.list(&entry.node, |node| self.reads::<ErrorRow>(node))?),
            "params" => with(self.map(&entry.node, |node| self.reads::<Param>(node))?),
            "uses" => with(self.map(&entry.node, |node| self.reads::<Uses>(node))?),
            "vars" | "returns" => with(self.map(&entry.node, |node| self.reads::<Datum>(node))?),
            "trueup" => whole(self.reads::<Language>(&entry.node)),
            "targets" => whole(self.reads::<Targets>(&entry.node)),
            "lifecycle" => whole(self.reads::<Lifecycle>(&entry.node)),
            "limits" => whole(self.reads::<Limits>(&entry.node)),
            "version" => whole(self.reads::<u32>(&entry.node)),
            "risk" => whole(self.reads::<Risk>(&entry.node)),
            _ => whole(self.reads::<Word>(&entry.node)),
        }
    }

    fn list(&self, node: &Node, good: impl Fn(&Node) -> bool) -> Option<Node> {
        let Node::List(nodes, at) = node else { return None };
        Some(Node::List(nodes.iter().filter(|node| good(node)).cloned().collect(), *at))
    }

    fn map(&self, node: &Node, good: impl Fn(&Node) -> bool) -> Option<Node> {
        let Node::Map(entries, at) = node else { return None };
        Some(Node::Map(entries.iter().filter(|entry| good(&entry.node)).cloned().collect(), *at))
    }

    fn steps(&self, node: &Node) -> Option<Node> {
        let Node::List(nodes, at) = node else { return None };
        Some(Node::List(nodes.iter().filter_map(|node| self.step(node)).collect(), *at))
    }

    /// The step, or a block with those of its steps that can be read.
    fn step(&self, node: &Node) -> Option<Node> {
        if self.reads::<Step>(node) {
            return Some(node.clone());
        }
        let Node::Map(entries, at) = node else { return None };
        let Some(block) = node.get("block") else { return self.what_remains(node) };
        let block = self.block(block)?;
        let entries = entries.iter().map(|e| {
            if &*e.key.text == "block" { Entry { key: e.key.clone(), node: block.clone() } } else { e.clone() }
        });
        let repaired = Node::Map(entries.collect(), *at);
        self.reads::<Step>(&repaired).then_some(repaired)
    }

    /// A step without its name and without the parts that cannot be read.
    fn what_remains(&self, step: &Node) -> Option<Node> {
        let Node::Map(entries, at) = step else { return None };
        let unnamed = entries.iter().filter(|entry| self.remains && &*entry.key.text != "id").cloned().collect();
        let mut rest = Node::Map(unnamed, *at);
        for _ in 0..ROUNDS {
            let mut found = Diagnostics::new(self.source.clone());
            if Step::from_node(&rest, &mut Lowering::new(&mut found)).is_some() {
                // Without its loop the name of the element would be unknown.
                return Some(rest).filter(|rest| step.get("for_each").is_some() == rest.get("for_each").is_some());
            }
            for problem in found.sorted() {
                if let Without::Rest(node) = without(&rest, problem.span) {
                    rest = node;
                }
            }
        }
        None
    }

    fn block(&self, node: &Node) -> Option<Node> {
        let Node::Map(entries, at) = node else { return None };
        let steps = self.steps(node.get("steps")?)?;
        let entries = entries.iter().map(|e| {
            if &*e.key.text == "steps" { Entry { key: e.key.clone(), node: steps.clone() } } else { e.clone() }
        });
        Some(Node::Map(entries.collect(), *at))
    }
}

fn scalar(text: &str) -> Scalar {
    Scalar { text: text.into(), style: Style::Plain, span: Span::default() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_sound_in_a_broken_playbook_is_read_all_the_same() {
        let text = "trueup: v1\nname: a\nversion: one\nparams: { x: { type: int }, y: { typ: 1 } }\nsteps:\n  - id: bad\n    row: { of: 1 }\n  - block:\n      steps:\n        - id: inner\n          let: 1\n        - find: 3\n";
        let source = Source::new("a.yaml", text);
        let mut problems = Diagnostics::new(source.clone());
        let reading = Reading::of(&source, &mut problems);
        let playbook = reading.playbook.unwrap();
        assert_eq!(playbook.params.names().collect::<Vec<_>>(), ["x"]);
        assert_eq!(playbook.steps.len(), 1);
        assert_eq!(playbook.steps[0].inner()[0].id(), Some("inner"));
        for name in ["bad", "inner", "x", "y"] {
            assert!(reading.named.contains(name), "{name}");
        }
        assert!(problems.errors() >= 4);
    }
}
