//! Audit rules: how the application's own audit row is made from the images of a change.

use crate::{
    base::{
        shape::{FromNode, Lowering, Named, Word},
        yaml::Node,
    },
    shape,
    template::Tree,
    words,
};
use std::{
    ops::Deref,
    sync::{Arc, OnceLock},
};

shape! {
    /// How an application keeps its own audit, so that a change made by trueup looks like one made by the application.
    "an audit rule" pub struct AuditRule {
        /// The table that holds the audit rows, in the same connection as the audited one.
        table: Word,
        /// Which changes are audited. Default: all three.
        #[schemars(default)]
        events: Vec<AuditEvent>,
        /// Columns left out of the recorded changes.
        #[schemars(default)]
        omit: Vec<Word>,
        /// No row when nothing but omitted columns changed.
        skip_when_unchanged: Option<bool>,
        /// The columns of the audit row: templates over `event`, `changes`, `row`, `audit`, `run`, `now()`; or
        /// `{ next_of: column, per: [columns] }` for a running number.
        row: Named<Recipe>,
    }
}

words! {
    "an audited event"
    pub enum AuditEvent {
        /// A row was inserted.
        Create = "create",
        /// Columns changed.
        Update = "update",
        /// A row was deleted.
        Destroy = "destroy",
    }
}

/// How a column of an audit row is made, as it is written.
#[derive(Clone, Debug)]
pub struct Recipe {
    node: Node,
    /// A run over many items makes many rows: the templates are compiled for the first.
    tree: Arc<OnceLock<Option<Tree>>>,
}

impl Recipe {
    /// Its templates; nothing where they cannot be read, which the checks tell.
    pub fn tree(&self) -> Option<&Tree> {
        self.tree.get_or_init(|| Tree::compile(&self.node).ok()).as_ref()
    }
}

impl Deref for Recipe {
    type Target = Node;

    fn deref(&self) -> &Node {
        &self.node
    }
}

impl FromNode for Recipe {
    fn from_node(node: &Node, cx: &mut Lowering<'_>) -> Option<Self> {
        Some(Recipe { node: Node::from_node(node, cx)?, tree: Arc::default() })
    }
}

impl schemars::JsonSchema for Recipe {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        Node::schema_name()
    }
    fn inline_schema() -> bool {
        true
    }
    fn json_schema(generator: &mut schemars::SchemaGenerator) -> schemars::Schema {
        Node::json_schema(generator)
    }
}
