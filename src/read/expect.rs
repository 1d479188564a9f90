//! How many rows an answer may have: counts are always explicit.

use crate::base::{
    diagnostic::Diagnostic,
    shape::{BAD_FORM, FromNode, Lowering},
    yaml::Node,
};

/// How many rows are right, and what the result then looks like to expressions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Expect {
    /// Exactly one; the result is the row.
    One,
    /// One or none; the result is the row or none.
    Optional,
    /// No row; the result is an empty list.
    None,
    /// Any number; the result is a list.
    Many,
    /// Between the two, both included; the result is a list.
    Between(u32, u32),
}

impl Expect {
    /// Whether this many rows are right.
    pub fn allows(self, rows: usize) -> bool {
        match self {
            Expect::One => rows == 1,
            Expect::Optional => rows <= 1,
            Expect::None => rows == 0,
            Expect::Many => true,
            Expect::Between(least, most) => (least as usize..=most as usize).contains(&rows),
        }
    }

    /// The result is one row (or none), not a list.
    pub fn is_single(self) -> bool {
        matches!(self, Expect::One | Expect::Optional)
    }

    /// How many rows to fetch at most: one more than allowed, so that a surplus is noticed.
    pub fn fetch(self) -> usize {
        match self {
            Expect::One | Expect::Optional => 2,
            Expect::None => 1,
            Expect::Many => 100_001,
            Expect::Between(_, most) => most as usize + 1,
        }
    }

    /// As messages say it: `exactly one row`.
    pub fn words(self) -> String {
        match self {
            Expect::One => "exactly one row".into(),
            Expect::Optional => "at most one row".into(),
            Expect::None => "no row".into(),
            Expect::Many => "any number of rows".into(),
            Expect::Between(least, most) => format!("{least} to {most} rows"),
        }
    }
}

/// `1..50`, or one number for exactly that many.
pub fn range(text: &str) -> Option<(u32, u32)> {
    match text.split_once("..") {
        Some((least, most)) => {
            let (least, most) = (least.trim().parse().ok()?, most.trim().parse().ok()?);
            (least <= most).then_some((least, most))
        }
        None => text.parse().ok().map(|n| (n, n)),
    }
}

impl FromNode for Expect {
    fn from_node(node: &Node, cx: &mut Lowering<'_>) -> Option<Self> {
        let Node::Scalar(s) = node else { return cx.wrong_type(node, "a count such as `one` or `1..50`") };
        match &*s.text {
            "one" => Some(Expect::One),
            "optional" => Some(Expect::Optional),
            "none" => Some(Expect::None),
            "many" => Some(Expect::Many),
            other => range(other).map(|(least, most)| Expect::Between(least, most)).or_else(|| {
                cx.push(
                    Diagnostic::error(&BAD_FORM, s.span, format!("`{other}` is not a number of rows"))
                        .help("write `one`, `optional`, `none`, `many` or a range such as `1..50`"),
                );
                None
            }),
        }
    }
}
crate::plain_schema!(Expect, { "anyOf": [
    { "enum": ["one", "optional", "none", "many"] },
    { "type": "string", "pattern": "^[0-9]+(\\.\\.[0-9]+)?$" },
    { "type": "integer", "minimum": 0 }
] });

/// How many rows a change may touch: `1` or `1..50`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Touches {
    /// At least.
    pub least: u32,
    /// At most.
    pub most: u32,
}

impl Touches {
    /// As messages say it.
    pub fn words(self) -> String {
        if self.least == self.most {
            format!("exactly {}", self.least)
        } else {
            format!("{} to {}", self.least, self.most)
        }
    }

    /// Whether this many rows are right.
    pub fn allows(self, rows: usize) -> bool {
        (self.least as usize..=self.most as usize).contains(&rows)
    }
}

impl FromNode for Touches {
    fn from_node(node: &Node, cx: &mut Lowering<'_>) -> Option<Self> {
        let Node::Scalar(s) = node else { return cx.wrong_type(node, "a number of rows such as `1` or `1..50`") };
        range(&s.text).map(|(least, most)| Touches { least, most }).or_else(|| {
            cx.push(
                Diagnostic::error(&BAD_FORM, s.span, format!("`{}` is not a number of rows", s.text))
                    .help("write `1` or a range such as `1..50`"),
            );
            None
        })
    }
}
crate::plain_schema!(Touches, { "anyOf": [{ "type": "string", "pattern": "^[0-9]+(\\.\\.[0-9]+)?$" }, { "type": "integer", "minimum": 0 }] });
