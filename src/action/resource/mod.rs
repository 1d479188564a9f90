//! `resource`: the declared state of something behind an API. The engine reads it, finds the difference, writes only that,
//! and reads again.
//!
//! A resource is to the engine what a row is: it has a table (`api.kind`), a key, and images; so plans, drift, the journal
//! and undo know it already. Here stand its shapes; `deed` holds what follows from them, without sending anything.

pub mod deed;
pub mod kind;
pub(super) mod resolve;

use super::row::Ensure;
use crate::{
    base::{
        shape::{FromNode, Length, Lowering, Named, Word},
        yaml::Node,
    },
    shape,
    template::{Datum, Expression},
    words,
};
pub use kind::ResourceKind;
pub use resolve::restored;

shape! {
    /// Declares the state of something behind an API: it is read, compared field by field, and only what differs is
    /// written, once; then it is read again until it shows what was wanted. What kind of thing it is stands in the project
    /// file under `resources:`, or here in place of its name.
    "resource" pub struct ResourceSpec {
        /// Only read it: the result is its state, field by field.
        read: Option<KindOf>,
        /// Read it and change what differs from `state`: the result is its state afterwards.
        set: Option<KindOf>,
        /// Which one: what the kind calls `key`.
        #[schemars(default)]
        key: Named<Datum>,
        /// Guard: change it only if these fields still hold these values.
        #[schemars(default)]
        only_if: Named<Datum>,
        /// Fields and their wanted values: a map, or an expression that gives one (`"{{ {vars.name: vars.value} }}"`,
        /// where a name is computed). Fields that are not named stay as they are.
        state: Option<Datum>,
        /// Fields that are not to be there: a list, or an expression that gives one. A field that is null is there.
        #[schemars(default, schema_with = "super::row::clear_schema")]
        without: Option<Datum>,
        /// Further fields of a new one, when there is none with this key. Without it a missing one is an error.
        create: Option<Datum>,
        /// `absent` removes it.
        ensure: Option<Ensure>,
        /// With `read`: how many there must be. `one` is the default; `optional` gives none where there is no such thing.
        expect: Option<Presence>,
        /// How often to look whether it is ready. Default: as the kind says.
        every: Option<Length>,
        /// How long to wait until it is ready. Default: as the kind says.
        at_most: Option<Length>,
        /// It will not become ready any more: looked at together with the kind's own `fail_when`.
        fail_when: Option<Expression>,
    }
}

words! {
    "a number of resources"
    pub enum Presence {
        /// It is there (the default).
        One = "one",
        /// It is there or not.
        Optional = "optional",
        /// It is not there.
        None = "none",
    }
}

/// A kind of resource: by its name in the project file, or in place.
#[derive(Clone, Debug)]
pub enum KindOf {
    /// A name under `resources:`.
    Named(Word),
    /// The kind itself, for a thing that only this step knows.
    Here(Box<ResourceKind>),
}

impl FromNode for KindOf {
    fn from_node(node: &Node, cx: &mut Lowering<'_>) -> Option<Self> {
        match node {
            Node::Map(..) => ResourceKind::from_node(node, cx).map(|kind| KindOf::Here(Box::new(kind))),
            Node::Scalar(_) => Word::from_node(node, cx).map(KindOf::Named),
            _ => cx.wrong_type(node, "the name of a resource, as a text, or a map"),
        }
    }
}
impl schemars::JsonSchema for KindOf {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "KindOf".into()
    }
    fn json_schema(generator: &mut schemars::SchemaGenerator) -> schemars::Schema {
        let kind = generator.subschema_for::<ResourceKind>();
        schemars::json_schema!({
            "description": "A kind of resource: its name under `resources:` in the project file, or the kind itself.",
            "anyOf": [{ "type": "string" }, kind]
        })
    }
}

impl ResourceSpec {
    /// The kind, as the author names it; nothing where neither or both of `read` and `set` are given.
    pub fn kind(&self) -> Option<&KindOf> {
        match (&self.read, &self.set) {
            (Some(kind), None) | (None, Some(kind)) => Some(kind),
            _ => None,
        }
    }

    /// Changes nothing.
    pub fn is_read(&self) -> bool {
        self.set.is_none()
    }

    /// It is to be removed.
    pub fn removes(&self) -> bool {
        self.ensure == Some(Ensure::Absent)
    }
}
