//! The tree that expressions are kept in: owned, resolved, with places. Knows nothing of the parser or of values at run time.

use super::builtin::Described;
use crate::base::value::Value;
use std::{ops::Range, sync::Arc};

/// A range of bytes in the text that the tree came from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct At {
    pub start: u32,
    pub end: u32,
}

impl At {
    /// From byte to byte; an end before the start is taken as empty.
    pub fn new(start: usize, end: usize) -> At {
        let small = |n: usize| u32::try_from(n).unwrap_or(u32::MAX);
        At { start: small(start), end: small(end.max(start)) }
    }

    /// The smallest range that covers both.
    pub fn join(self, other: At) -> At {
        At { start: self.start.min(other.start), end: self.end.max(other.end) }
    }

    /// The same range for slicing.
    pub fn range(self) -> Range<usize> {
        self.start as usize..self.end as usize
    }
}

/// An expression with its place.
#[derive(Debug)]
pub struct Node {
    pub at: At,
    pub kind: Kind,
}

/// What an expression says.
#[derive(Debug)]
pub enum Kind {
    Const(Value),
    Name(Arc<str>),
    Attribute(Box<Node>, Arc<str>),
    Item(Box<Node>, Box<Node>),
    Slice(Box<Node>, Option<Box<Node>>, Option<Box<Node>>),
    Not(Box<Node>),
    Negative(Box<Node>),
    And(Box<Node>, Box<Node>),
    Or(Box<Node>, Box<Node>),
    Binary(Operator, Box<Node>, Box<Node>),
    /// `a < b <= c`
    Compare(Box<Node>, Vec<(Relation, Node)>),
    /// `yes if test else no`
    If(Box<Node>, Box<Node>, Option<Box<Node>>),
    Call(Box<Call>),
    List(Vec<Node>),
    Map(Vec<(Node, Node)>),
    /// Something that was refused; a text that holds it is never evaluated.
    Refused(Vec<Node>),
}

/// A filter, test or function with its subject and arguments.
#[derive(Debug)]
pub struct Call {
    pub sort: Sort,
    pub about: &'static Described,
    /// Where its name stands.
    pub name_at: At,
    /// Nothing for a function.
    pub subject: Option<Node>,
    pub args: Vec<Node>,
    pub named: Vec<(Arc<str>, Node)>,
}

/// What a [`Call`] was written as.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sort {
    Filter,
    Test,
    Function,
}

impl Sort {
    /// As messages say it.
    pub fn word(self) -> &'static str {
        match self {
            Sort::Filter => "filter",
            Sort::Test => "test",
            Sort::Function => "function",
        }
    }
}

/// Operators that make a new value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Operator {
    Add,
    Subtract,
    Multiply,
    Divide,
    FloorDivide,
    Remainder,
    Power,
    Join,
}

/// Operators that compare.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Relation {
    Equal,
    NotEqual,
    Less,
    AtMost,
    Greater,
    AtLeast,
    In,
    NotIn,
}

/// A part of a text.
#[derive(Debug)]
pub enum Block {
    /// Literal characters, and where they begin.
    Raw(Arc<str>, At),
    /// `{{ … }}`, with the place of the whole marker.
    Emit(Node, At),
    If(Node, Vec<Block>, Vec<Block>),
    For(Box<Loop>),
    Set(Arc<str>, Node),
    /// Something that was refused.
    Refused,
}

/// `{% for names in over if only_if %}body{% else %}otherwise{% endfor %}`
#[derive(Debug)]
pub struct Loop {
    pub names: Vec<Arc<str>>,
    pub over: Node,
    pub only_if: Option<Node>,
    pub body: Vec<Block>,
    pub otherwise: Vec<Block>,
    /// The body uses `loop.index` and its kin.
    pub counts: bool,
}
