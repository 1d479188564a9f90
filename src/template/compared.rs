//! Where an expression compares a name with something else of which it is known what it can be: for a check that knows what the name can
//! be. Judges nothing.

use super::{
    compare::Family,
    syntax::{Call, Kind, Node, Operator, Relation, Sort},
};
use crate::base::value::{Data, Value};
use std::ops::Range;

/// Two sides of which at least one is a name.
#[derive(Clone, Debug, PartialEq)]
pub struct Comparison {
    /// One of them, a name.
    pub name: Range<usize>,
    /// The other one.
    pub other: Side,
    /// Its bytes.
    pub at: Range<usize>,
}

/// What a name is compared with.
#[derive(Clone, Debug, PartialEq)]
pub enum Side {
    /// A value that is written out.
    Value(Value),
    /// Something made, of which only the family is known.
    Made(Family),
    /// Another name with its attributes; its bytes are those of a [`super::Use`], too.
    Name,
}

/// Every `name == side` and `name in [side, …]`, and the same with `!=` and `not in`.
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
    let mut add = |name: &Node, other: &Node| {
        if let Some(side) = side(other).filter(|_| is_name(name)) {
            found.push(Comparison { name: name.at.range(), other: side, at: other.at.range() });
        }
    };
    match (relation, &right.kind) {
        (Relation::Equal | Relation::NotEqual, _) if is_name(left) => add(left, right),
        (Relation::Equal | Relation::NotEqual, _) => add(right, left),
        (Relation::In | Relation::NotIn, Kind::List(nodes)) => nodes.iter().for_each(|node| add(left, node)),
        (Relation::In | Relation::NotIn, Kind::Const(Value { data: Data::List(values), .. })) if is_name(left) => {
            let one = |value: &Value| Comparison {
                name: left.at.range(),
                other: Side::Value(value.clone()),
                at: right.at.range(),
            };
            found.extend(values.iter().map(one));
        }
        _ => {}
    }
}

fn side(node: &Node) -> Option<Side> {
    match &node.kind {
        Kind::Const(value) => Some(Side::Value(value.clone())),
        _ if is_name(node) => Some(Side::Name),
        _ => made(node).map(Side::Made),
    }
}

/// The family of everything that this can give; it fails where it gives nothing.
fn made(node: &Node) -> Option<Family> {
    match &node.kind {
        Kind::Const(value) => Family::of(value),
        Kind::Not(_) | Kind::Compare(..) => Some(Family::Truth),
        Kind::Binary(Operator::Join, ..) => Some(Family::Text),
        Kind::Binary(_, a, b) => (made(a)? == Family::Number && made(b)? == Family::Number).then_some(Family::Number),
        Kind::Negative(of) => made(of).filter(|family| *family == Family::Number),
        Kind::List(_) => Some(Family::List),
        Kind::Map(_) => Some(Family::Map),
        Kind::Call(call) => called(call),
        _ => None,
    }
}

/// What a filter, a test or a function gives, where that is always the same.
fn called(call: &Call) -> Option<Family> {
    Some(match (call.sort, call.about.name) {
        (Sort::Test, _) => Family::Truth,
        (Sort::Filter, "decimal" | "int" | "length") => Family::Number,
        (Sort::Filter, "join" | "lower" | "replace" | "string" | "tojson" | "trim" | "upper") => Family::Text,
        (Sort::Filter, "date" | "timestamp" | "instant") | (Sort::Function, "now") => Family::Time,
        (Sort::Filter, "lines" | "list" | "words") => Family::List,
        _ => return None,
    })
}

/// A name with attributes, and nothing that is made of it.
fn is_name(node: &Node) -> bool {
    match &node.kind {
        Kind::Name(_) => true,
        Kind::Attribute(of, _) => is_name(of),
        _ => false,
    }
}
