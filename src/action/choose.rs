//! `choose`: a decision table over facts. The first row that fits decides which way is gone.

use super::{ends::Otherwise, step::Step};
use crate::{
    base::{
        shape::{FromNode, Lowering, Named, Word},
        source::Span,
        yaml::Node,
    },
    shape,
    template::{Datum, Expression},
};

shape! {
    /// Goes one of several ways: the first row that fits the facts decides. The result is `{ row, arm }`: the name of the row
    /// (`otherwise` when none fitted) and of the arm.
    "choose" pub struct ChooseSpec {
        /// The facts: names and values.
        facts as "match": Named<Datum>,
        /// The rows, in order.
        rows: Vec<ChooseRow>,
        /// What to do when no row fits.
        otherwise: Choice,
        /// The arms: names and steps. Several rows may lead to one.
        #[schemars(default)]
        paths: Named<Vec<Step>>,
    }
}

shape! {
    /// One row of the decision table.
    "a row of the decision table" pub struct ChooseRow {
        /// What people call this case.
        name: Word,
        /// The facts that must be so: a value, a list of values of which one must fit, `5xx` for a class of statuses, or a map whose entries must all be there.
        #[schemars(default)]
        is: Named<Datum>,
        /// And this must hold.
        when: Option<Expression>,
        /// The arm under `paths`, or an end: `{ stop: text }`, `{ escalate: who, say: text }`, …
        action as "do": Choice,
    }
}

/// Where a row leads.
#[derive(Clone, Debug)]
pub enum Choice {
    /// To the steps of an arm.
    Arm(Word),
    /// To an end.
    End(Otherwise, Span),
}

impl FromNode for Choice {
    fn from_node(node: &Node, cx: &mut Lowering<'_>) -> Option<Self> {
        match node {
            Node::Map(..) => Otherwise::from_node(node, cx).map(|end| Choice::End(end, node.span())),
            Node::Scalar(_) => Word::from_node(node, cx).map(Choice::Arm),
            _ => cx.wrong_type(node, "the name of an arm, or an end such as `{ stop: text }`"),
        }
    }
}

impl schemars::JsonSchema for Choice {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Choice".into()
    }
    fn json_schema(generator: &mut schemars::SchemaGenerator) -> schemars::Schema {
        let end = generator.subschema_for::<Otherwise>();
        schemars::json_schema!({ "anyOf": [{ "type": "string", "description": "The name of an arm under `paths`." }, end] })
    }
}

impl ChooseSpec {
    /// The steps of an arm.
    pub fn arm(&self, name: &str) -> Option<&[Step]> {
        self.paths.get(name).map(Vec::as_slice)
    }

    /// Every place that leads somewhere, with the name of its row.
    pub fn choices(&self) -> impl Iterator<Item = (&str, &Choice)> {
        self.rows.iter().map(|row| (row.name.as_str(), &row.action)).chain([(OTHERWISE, &self.otherwise)])
    }
}

/// What the result names when no row fitted.
pub const OTHERWISE: &str = "otherwise";
