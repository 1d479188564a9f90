//! A file as `trueup fmt` writes it: keys in the order of the types, two spaces of indentation, short maps on one line, one
//! blank line where there were more. Comments, words, and the order of what the author names stay.
//!
//! Text and schema in, text out. Touches no file; whether a file is sound is for others to say.

pub mod guide;
pub mod layout;
mod write;

use crate::base::{
    diagnostic::Diagnostics,
    source::Source,
    yaml::{self, Node},
};
use guide::Guide;
use layout::{Layout, Part};
use serde_json::Value;

/// Columns of a line: a map that is written in braces and does not fit is written below each other.
pub const WIDTH: usize = 120;

/// Why a text is left as it is. Each would be our mistake or a form of YAML that nobody writes by hand.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Left {
    /// It is not YAML.
    NotYaml,
    /// The new text would not say the same.
    OtherMeaning,
    /// Formatting the new text again would change it again.
    NotStable,
}

/// The text in its canonical form.
pub fn format(text: &str, schema: &Value) -> Result<String, Left> {
    let once = rewrite(text, schema).ok_or(Left::NotYaml)?;
    if !same(&tree(text).ok_or(Left::NotYaml)?, &tree(&once).ok_or(Left::OtherMeaning)?) {
        return Err(Left::OtherMeaning);
    }
    match rewrite(&once, schema) {
        Some(twice) if twice == once => Ok(once),
        _ => Err(Left::NotStable),
    }
}

/// One part of a file (a key of its top map), written alone.
pub fn part(part: &Part, schema: &Value) -> String {
    write::part(part, &Guide::of(schema))
}

fn rewrite(text: &str, schema: &Value) -> Option<String> {
    Some(write::file(&Layout::of(text)?, &Guide::of(schema)))
}

fn tree(text: &str) -> Option<Node> {
    let source = Source::new("", text);
    let mut quiet = Diagnostics::new(source.clone());
    let node = yaml::parse(&source, yaml::DATA_LIMITS, &mut quiet)?;
    (quiet.errors() == 0).then_some(node)
}

/// The same values under the same keys; the order of keys apart.
pub fn same(one: &Node, other: &Node) -> bool {
    match (one, other) {
        (Node::Scalar(a), Node::Scalar(b)) => a.value() == b.value(),
        (Node::List(a, _), Node::List(b, _)) => a.len() == b.len() && a.iter().zip(b).all(|(a, b)| same(a, b)),
        (Node::Map(a, _), Node::Map(b, _)) => {
            a.len() == b.len() && a.iter().all(|e| other.get(&e.key.text).is_some_and(|found| same(&e.node, found)))
        }
        _ => false,
    }
}

#[cfg(test)]
mod tests;
