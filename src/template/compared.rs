//! Where an expression compares a name with a value that is written out: for a check that knows what the name can be. Judges nothing.

use super::syntax::{At, Kind, Node, Relation};
use crate::base::value::{Data, Value};
use std::ops::Range;

/// A name beside a value.
#[derive(Clone, Debug, PartialEq)]
pub struct Comparison {
    /// Bytes of the name with its attributes, as in [`super::Use`].
    pub name: Range<usize>,
    /// The value.
    pub value: Value,
    /// Its bytes.
    pub at: Range<usize>,
}

/// Every `name == value` and `name in [value, …]`, and the same with `!=` and `not in`.
pub(super) fn of_expression(node: &Node) -> Vec<Comparison> {
    let mut found = Vec::new();
    visit(node, &mut found);
    found
}

fn visit(node: &Node, found: &mut Vec<Comparison>) {
    let mut all = |nodes: &mut dyn Iterator<Item = &Node>| nodes.for_each(|node| visit(node, found));
    match &node.kind {
        Kind::Const(_) | Kind::Name(_) => {}
        Kind::Attribute(of, _) | Kind::Not(of) | Kind::Negative(of) => visit(of, found),
        Kind::Item(a, b) | Kind::And(a, b) | Kind::Or(a, b) | Kind::Binary(_, a, b) => {
            all(&mut [a.as_ref(), b.as_ref()].into_iter());
        }
        Kind::Slice(of, from, to) => {
            all(&mut [Some(of), from.as_ref(), to.as_ref()].into_iter().flatten().map(AsRef::as_ref));
        }
        Kind::If(yes, test, no) => {
            all(&mut [Some(yes), Some(test), no.as_ref()].into_iter().flatten().map(AsRef::as_ref))
        }
        Kind::List(nodes) | Kind::Refused(nodes) => all(&mut nodes.iter()),
        Kind::Map(entries) => all(&mut entries.iter().flat_map(|(key, value)| [key, value])),
        Kind::Call(call) => {
            all(&mut call.subject.iter().chain(&call.args).chain(call.named.iter().map(|(_, node)| node)));
        }
        Kind::Compare(first, rest) => {
            let mut left: &Node = first;
            for (relation, right) in rest {
                pair(left, *relation, right, found);
                left = right;
            }
            visit(first, found);
            rest.iter().for_each(|(_, node)| visit(node, found));
        }
    }
}

fn pair(left: &Node, relation: Relation, right: &Node, found: &mut Vec<Comparison>) {
    let mut add = |name: &Node, value: &Value, at: At| {
        if is_name(name) {
            found.push(Comparison { name: name.at.range(), value: value.clone(), at: at.range() });
        }
    };
    match (relation, &left.kind, &right.kind) {
        (Relation::Equal | Relation::NotEqual, _, Kind::Const(value)) => add(left, value, right.at),
        (Relation::Equal | Relation::NotEqual, Kind::Const(value), _) => add(right, value, left.at),
        (Relation::In | Relation::NotIn, _, Kind::List(nodes)) => {
            for node in nodes {
                if let Kind::Const(value) = &node.kind {
                    add(left, value, node.at);
                }
            }
        }
        (Relation::In | Relation::NotIn, _, Kind::Const(value)) => {
            if let Data::List(values) = &value.data {
                values.iter().for_each(|value| add(left, value, right.at));
            }
        }
        _ => {}
    }
}

/// A name with attributes, and nothing that is made of it.
fn is_name(node: &Node) -> bool {
    match &node.kind {
        Kind::Name(_) => true,
        Kind::Attribute(of, _) => is_name(of),
        _ => false,
    }
}
