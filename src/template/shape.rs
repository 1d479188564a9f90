//! How compiled texts read themselves from YAML: problems become diagnostics at their place inside the scalar.

use super::{Evaluated, Expression, Failure, Refused, Scope, Sql, Text, Tree, Use};
use crate::{
    base::{
        shape::{FromNode, Lowering},
        source::Span,
        yaml::{Node, Scalar, Style},
    },
    plain_schema,
};

fn note(refused: &Refused, scalar: &Scalar, cx: &mut Lowering<'_>) {
    let source = cx.source().clone();
    for problem in &refused.problems {
        cx.push(problem.diagnostic(scalar, &source));
    }
}

impl FromNode for Expression {
    fn from_node(node: &Node, cx: &mut Lowering<'_>) -> Option<Self> {
        let Node::Scalar(scalar) = node else { return cx.wrong_type(node, "an expression, as a text") };
        Expression::compile(scalar).map_err(|refused| note(&refused, scalar, cx)).ok()
    }
}
plain_schema!(Expression, { "type": ["string", "boolean"], "description": "A bare expression, without {{ }}." });

impl FromNode for Text {
    fn from_node(node: &Node, cx: &mut Lowering<'_>) -> Option<Self> {
        match node {
            Node::Scalar(scalar) if scalar.style == Style::Text || scalar.value().as_str().is_some() => {
                Text::compile(scalar).map_err(|refused| note(&refused, scalar, cx)).ok()
            }
            _ => cx.wrong_type(node, "a text"),
        }
    }
}
plain_schema!(Text, { "type": "string" });

impl FromNode for Sql {
    fn from_node(node: &Node, cx: &mut Lowering<'_>) -> Option<Self> {
        match node {
            Node::Scalar(scalar) if scalar.value().as_str().is_some() => {
                Sql::compile(scalar).map_err(|refused| note(&refused, scalar, cx)).ok()
            }
            _ => cx.wrong_type(node, "a SQL statement, as a text"),
        }
    }
}
plain_schema!(Sql, { "type": "string", "description": "One SQL statement; every {{ … }} becomes a bound parameter." });

/// Any YAML value with expressions in it, and its place.
#[derive(Clone, Debug)]
pub struct Datum {
    /// The compiled value.
    pub tree: Tree,
    at: Span,
}

impl Datum {
    /// Where it stands.
    pub fn span(&self) -> Span {
        self.at
    }

    /// Its value; unknowns and marks stay at the parts they belong to.
    pub fn evaluate(&self, scope: &Scope) -> Result<Evaluated, Failure> {
        self.tree.evaluate(scope)
    }

    /// All names of all its texts.
    pub fn names(&self) -> impl Iterator<Item = &Use> {
        self.tree.names()
    }
}

impl FromNode for Datum {
    fn from_node(node: &Node, cx: &mut Lowering<'_>) -> Option<Self> {
        if let Node::Broken(_) = node {
            return None;
        }
        match Tree::compile(node) {
            Ok(tree) => Some(Datum { tree, at: node.span() }),
            Err(refused) => {
                let source = cx.source().clone();
                refused.diagnostics(&source).into_iter().for_each(|d| cx.push(d));
                None
            }
        }
    }
}
plain_schema!(Datum, true);
