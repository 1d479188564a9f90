//! Where an expression compares a name with something else of which it is known what it can be: for a check that knows what the name can
//! be. Judges nothing.

use super::{
    compare::{Clock, Family},
    syntax::{Block, Call, Kind, Node, Operator, Relation, Sort},
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
    /// Which comes first is asked, not whether they are the same.
    pub ordered: bool,
}

/// What a name is compared with.
#[derive(Clone, Debug, PartialEq)]
pub enum Side {
    /// A value that is written out.
    Value(Value),
    /// Something made, of which only the family is known, and of a time the kind.
    Made(Family, Option<Clock>),
    /// Another name with its attributes; its bytes are those of a [`super::Use`], too.
    Name,
}

/// Every `name == side`, `name < side` and `name in [side, …]`, and the same with `!=`, `<=`, `>`, `>=` and `not in`.
pub(super) fn of_expression(node: &Node) -> Vec<Comparison> {
    let mut found = Vec::new();
    visit(node, &mut found);
    found
}

/// The same in the expressions of a text.
pub(super) fn of_blocks(blocks: &[Block]) -> Vec<Comparison> {
    let mut found = Vec::new();
    visit_blocks(blocks, &mut found);
    found
}

fn visit_blocks(blocks: &[Block], found: &mut Vec<Comparison>) {
    for block in blocks {
        match block {
            Block::Raw(..) | Block::Refused => {}
            Block::Emit(node, _) | Block::Set(_, node) => visit(node, found),
            Block::If(test, yes, no) => {
                visit(test, found);
                visit_blocks(yes, found);
                visit_blocks(no, found);
            }
            Block::For(each) => {
                visit(&each.over, found);
                each.only_if.iter().for_each(|test| visit(test, found));
                visit_blocks(&each.body, found);
                visit_blocks(&each.otherwise, found);
            }
        }
    }
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
    let ordered = !matches!(relation, Relation::Equal | Relation::NotEqual | Relation::In | Relation::NotIn);
    let mut add = |name: &Node, other: &Node| {
        if let Some(side) = side(other).filter(|_| is_name(name)) {
            found.push(Comparison { name: name.at.range(), other: side, at: other.at.range(), ordered });
        }
    };
    match (relation, &right.kind) {
        (Relation::In | Relation::NotIn, Kind::List(nodes)) => nodes.iter().for_each(|node| add(left, node)),
        (Relation::In | Relation::NotIn, Kind::Const(Value { data: Data::List(values), .. })) if is_name(left) => {
            let one = |value: &Value| Comparison {
                name: left.at.range(),
                other: Side::Value(value.clone()),
                at: right.at.range(),
                ordered,
            };
            found.extend(values.iter().map(one));
        }
        (Relation::In | Relation::NotIn, _) => {}
        _ if is_name(left) => add(left, right),
        _ => add(right, left),
    }
}

fn side(node: &Node) -> Option<Side> {
    match &node.kind {
        Kind::Const(value) => Some(Side::Value(value.clone())),
        _ if is_name(node) => Some(Side::Name),
        _ => made(node).map(|family| Side::Made(family, clock(node))),
    }
}

/// The family of everything that this can give; it fails where it gives nothing.
fn made(node: &Node) -> Option<Family> {
    match &node.kind {
        Kind::Const(value) => Family::of(value),
        Kind::Not(_) | Kind::Compare(..) => Some(Family::Truth),
        Kind::Binary(Operator::Join, ..) => Some(Family::Text),
        Kind::Binary(..) if clock(node).is_some() => Some(Family::Time),
        Kind::Binary(_, a, b) => (made(a)? == Family::Number && made(b)? == Family::Number).then_some(Family::Number),
        Kind::Negative(of) => made(of).filter(|family| *family == Family::Number),
        Kind::List(_) => Some(Family::List),
        Kind::Map(_) => Some(Family::Map),
        Kind::Call(call) => called(call),
        _ => None,
    }
}

/// The kind of the time that this gives, where it is always the same.
fn clock(node: &Node) -> Option<Clock> {
    match &node.kind {
        Kind::Binary(Operator::Add | Operator::Subtract, time, length) => clock(time).filter(|_| is_length(length)),
        Kind::Call(call) => match (call.sort, call.about.name) {
            (Sort::Filter, "date") => Some(Clock::Date),
            (Sort::Filter, "timestamp") => Some(Clock::Timestamp),
            (Sort::Filter, "instant") | (Sort::Function, "now") => Some(Clock::Instant),
            _ => None,
        },
        _ => None,
    }
}

/// A length of time.
fn is_length(node: &Node) -> bool {
    matches!(&node.kind, Kind::Call(call) if call.sort == Sort::Function
        && matches!(call.about.name, "days" | "duration" | "hours" | "minutes" | "months"))
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
