//! A YAML value with expressions anywhere in it: the body of a request, the columns of a row, a list of `vars`.

use super::{
    expression::Evaluated,
    names::Use,
    problem::{Failure, Refused},
    scope::Scope,
    text::Text,
};
use crate::base::{
    diagnostic::Diagnostic,
    source::Source,
    value::Value,
    yaml::{Node, Scalar},
};
use std::sync::Arc;

/// A compiled YAML value; its keys are literal.
#[derive(Clone, Debug)]
pub enum Tree {
    /// One value.
    Scalar(Text),
    /// Several.
    List(Vec<Tree>),
    /// Named ones, in order.
    Map(Vec<(Arc<str>, Tree)>),
}

/// The texts of a tree that were refused.
#[derive(Clone, Debug)]
pub struct RefusedTree(pub Vec<(Scalar, Refused)>);

impl RefusedTree {
    /// Every problem at its place.
    pub fn diagnostics(&self, source: &Source) -> Vec<Diagnostic> {
        self.0
            .iter()
            .flat_map(|(scalar, refused)| refused.problems.iter().map(|p| p.diagnostic(scalar, source)))
            .collect()
    }
}

impl Tree {
    /// Compiles every scalar of a node; all problems in one go.
    pub fn compile(node: &Node) -> Result<Tree, RefusedTree> {
        let mut refused = Vec::new();
        match Tree::of(node, &mut refused) {
            Some(tree) if refused.is_empty() => Ok(tree),
            _ => Err(RefusedTree(refused)),
        }
    }

    fn of(node: &Node, refused: &mut Vec<(Scalar, Refused)>) -> Option<Tree> {
        match node {
            Node::Scalar(scalar) => match Text::compile(scalar) {
                Ok(text) => Some(Tree::Scalar(text)),
                Err(why) => {
                    refused.push((scalar.clone(), why));
                    None
                }
            },
            Node::List(nodes, _) => {
                let read: Vec<_> = nodes.iter().map(|n| Tree::of(n, refused)).collect();
                Some(Tree::List(read.into_iter().collect::<Option<_>>()?))
            }
            Node::Map(entries, _) => {
                let read: Vec<_> =
                    entries.iter().map(|e| Some((e.key.text.clone(), Tree::of(&e.node, refused)?))).collect();
                Some(Tree::Map(read.into_iter().collect::<Option<_>>()?))
            }
            Node::Broken(_) => None,
        }
    }

    /// Every text with its names, for checks.
    pub fn texts(&self) -> Vec<&Text> {
        match self {
            Tree::Scalar(text) => vec![text],
            Tree::List(trees) => trees.iter().flat_map(Tree::texts).collect(),
            Tree::Map(entries) => entries.iter().flat_map(|(_, tree)| tree.texts()).collect(),
        }
    }

    /// Its value; unknowns and marks stay at the parts they belong to.
    pub fn evaluate(&self, scope: &Scope) -> Result<Evaluated, Failure> {
        match self {
            Tree::Scalar(text) => text.evaluate(scope),
            Tree::List(trees) => {
                let mut reads = Vec::new();
                let mut values = Vec::with_capacity(trees.len());
                for tree in trees {
                    let evaluated = tree.evaluate(scope)?;
                    values.push(evaluated.value);
                    reads.extend(evaluated.reads);
                }
                Ok(Evaluated { value: Value::list(values), reads })
            }
            Tree::Map(entries) => {
                let mut reads = Vec::new();
                let mut values = Vec::with_capacity(entries.len());
                for (name, tree) in entries {
                    let evaluated = tree.evaluate(scope)?;
                    values.push((name.clone(), evaluated.value));
                    reads.extend(evaluated.reads);
                }
                Ok(Evaluated { value: Value::map(values), reads })
            }
        }
    }

    /// All names of all texts.
    pub fn names(&self) -> impl Iterator<Item = &Use> {
        self.texts().into_iter().flat_map(Text::names)
    }
}
