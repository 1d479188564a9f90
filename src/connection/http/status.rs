//! One HTTP status or a class of them, as files write it.

use crate::base::{
    diagnostic::Diagnostic,
    shape::{BAD_FORM, FromNode, Lowering},
    yaml::Node,
};

/// One status or a class of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Status {
    /// Exactly this one.
    Exact(u16),
    /// `5xx`: the hundreds.
    Class(u16),
}

impl Status {
    /// Whether a status falls under it.
    pub fn holds(self, status: u16) -> bool {
        match self {
            Status::Exact(s) => s == status,
            Status::Class(c) => status / 100 == c,
        }
    }

    /// Reads `404` or `5xx`.
    pub fn parse(text: &str) -> Option<Status> {
        if let Some(class) = text.strip_suffix("xx") {
            return class.parse().ok().filter(|c| (1..=5).contains(c)).map(Status::Class);
        }
        text.parse().ok().filter(|s| (100..600).contains(s)).map(Status::Exact)
    }
}

impl std::fmt::Display for Status {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Status::Exact(status) => write!(f, "{status}"),
            Status::Class(class) => write!(f, "{class}xx"),
        }
    }
}

impl FromNode for Status {
    fn from_node(node: &Node, cx: &mut Lowering<'_>) -> Option<Self> {
        let Node::Scalar(s) = node else { return cx.wrong_type(node, "a status such as `404` or `5xx`") };
        Status::parse(&s.text).or_else(|| {
            cx.push(
                Diagnostic::error(&BAD_FORM, s.span, format!("`{}` is not an HTTP status", s.text))
                    .help("write `404` or a class such as `5xx`"),
            );
            None
        })
    }
}
crate::plain_schema!(Status, { "anyOf": [{ "type": "integer", "minimum": 100, "maximum": 599 }, { "type": "string", "pattern": "^[1-5]([0-9]{2}|xx)$" }] });
