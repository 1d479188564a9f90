use crate::base::shape::{FromNode, Lowering};
use crate::base::yaml::Node;
#[derive(Clone, Debug)]
pub struct Reference;
impl FromNode for Reference { fn from_node(_: &Node, _: &mut Lowering<'_>) -> Option<Self> { Some(Reference) } }
crate::plain_schema!(Reference, true);
