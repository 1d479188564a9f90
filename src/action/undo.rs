//! `undo: [steps]`: steps of this run are taken back, inside a `rescue`.

use crate::base::{
    shape::{FromNode, Lowering, Word},
    yaml::Node,
};

/// Takes named steps of this run back, the newest effect first: rows by their images, calls by their `undo:`. What somebody
/// changed since is left alone, and the block says so.
#[derive(Clone, Debug)]
pub struct UndoSpec {
    /// The names of the steps.
    pub steps: Vec<Word>,
}

impl FromNode for UndoSpec {
    fn from_node(node: &Node, cx: &mut Lowering<'_>) -> Option<Self> {
        Vec::from_node(node, cx).map(|steps| UndoSpec { steps })
    }
}
crate::plain_schema!(UndoSpec, { "type": "array", "items": { "type": "string" }, "minItems": 1,
    "description": "Names of steps before this one, which are taken back." });
