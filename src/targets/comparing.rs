//! `from: { compare: … }`: two sources side by side, and what one of them lacks or has otherwise.

use super::model::{From, Side};
use crate::{
    action::compare::ComparedField,
    base::{
        shape::{FromNode, Lowering},
        source::Span,
        yaml::Node,
    },
    effect::alike::As,
    shape,
    table::facts::Columns,
    words,
};

shape! {
    /// Two sources compared: every record that only one of them has, or that both have with different fields, is an item. What
    /// agrees is none. The two may stand in different systems; each is read once, and neither is held in memory.
    "a comparison of two sources" pub struct Comparing {
        /// The one source: a `find`, a `query`, a `csv` file, a `list` or an `http` call.
        left: Side,
        /// The other source.
        right: Side,
        /// What tells the records apart on both sides: a column, several, or `{ left: …, right: …, as: … }`.
        key: PairKey,
        /// What is compared of records that both sides have; without it only whether they are there.
        #[schemars(default)]
        fields: Vec<ComparedField>,
        /// Which differences are items: `only_left`, `only_right`, `different`. Default: all.
        #[schemars(default)]
        differences: Vec<Difference>,
        /// What people call the two sides. Default: their connections.
        names: Option<SideNames>,
    }
}

words! {
    "a difference of two sources"
    pub enum Difference {
        /// Only the left source has the record.
        OnlyLeft = "only_left",
        /// Only the right source has it.
        OnlyRight = "only_right",
        /// Both have it, with other fields.
        Different = "different",
    }
}

shape! {
    /// What people call the two sides.
    "names of the sides" pub struct SideNames {
        /// The left one: `register`.
        left: crate::base::shape::Word,
        /// The right one: `dqt`.
        right: crate::base::shape::Word,
    }
}

/// What tells the records of both sides apart.
#[derive(Clone, Debug)]
pub struct PairKey {
    /// The columns of the left side.
    pub left: Columns,
    /// Those of the right side, in the same order.
    pub right: Columns,
    /// When two are the same.
    pub kind: As,
    /// Where it stands.
    pub at: Span,
}

shape! {
    /// What tells the records of both sides apart.
    "a key of both sides" pub struct PairKeySpec {
        /// The column or columns of the left side.
        left: Columns,
        /// Those of the right side, in the same order.
        right: Columns,
        /// When two are the same. Default: `text`, so that `12` and `"12"` are.
        kind as "as": Option<As>,
    }
}

impl FromNode for PairKey {
    fn from_node(node: &Node, cx: &mut Lowering<'_>) -> Option<Self> {
        if let Node::Map(..) = node {
            let PairKeySpec { left, right, kind, at } = PairKeySpec::from_node(node, cx)?;
            return Some(PairKey { left, right, kind: kind.unwrap_or(As::Text), at });
        }
        let columns = Columns::from_node(node, cx)?;
        Some(PairKey { left: columns.clone(), right: columns, kind: As::Text, at: node.span() })
    }
}
impl schemars::JsonSchema for PairKey {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "PairKey".into()
    }
    fn json_schema(generator: &mut schemars::SchemaGenerator) -> schemars::Schema {
        let (both, columns) = (generator.subschema_for::<PairKeySpec>(), generator.subschema_for::<Columns>());
        schemars::json_schema!({ "anyOf": [both, columns] })
    }
}

impl Comparing {
    /// Both sides, each with its word.
    pub fn sides(&self) -> [(&'static str, &From); 2] {
        [("left", &self.left.0), ("right", &self.right.0)]
    }

    /// Whether such records are items.
    pub fn wants(&self, difference: Difference) -> bool {
        self.differences.is_empty() || self.differences.contains(&difference)
    }

    /// What the two sides are called: by the author, by their connections, else by where they stand.
    pub fn names(&self) -> [&str; 2] {
        if let Some(names) = &self.names {
            return [names.left.as_str(), names.right.as_str()];
        }
        match self.sides().map(|(_, side)| side.system()) {
            [left, right] if left != right => [left, right],
            _ => ["left", "right"],
        }
    }
}
