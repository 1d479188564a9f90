//! References to secrets: where a secret stands, never what it is.

use super::fault::Fault;
use crate::base::{
    secret::Secret,
    shape::{FromNode, Lowering},
    source::Span,
    yaml::Node,
};
use std::sync::Arc;

/// Where a text comes from: `{ secret: NAME }` or `env:NAME` (an environment variable), `file:/path`, or the text itself.
#[derive(Clone, Debug)]
pub struct Reference {
    /// Which.
    pub from: From,
    /// Where it stands.
    pub at: Span,
}

/// The kinds of references.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum From {
    /// An environment variable.
    Variable(Arc<str>),
    /// A file with mode 0600 or stricter.
    File(Arc<str>),
    /// The text itself: not for secrets.
    Plain(Arc<str>),
}

impl FromNode for Reference {
    fn from_node(node: &Node, cx: &mut Lowering<'_>) -> Option<Self> {
        let _ = (node, cx);
        None
    }
}
crate::plain_schema!(Reference, true);

/// Looks references up. The look-up of variables is given from above: nothing here reads the environment.
pub struct Resolver<'a> {
    /// The value of an environment variable.
    pub variable: &'a (dyn Fn(&str) -> Option<String> + Sync),
}

#[allow(clippy::todo)]
impl Resolver<'_> {
    /// The secret behind a reference. The fault names the variable or file, never its content.
    pub fn resolve(&self, reference: &Reference) -> Result<Secret, Fault> {
        let _ = reference;
        todo!()
    }
}
