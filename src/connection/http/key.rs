//! The header in which an API takes an idempotency key, and for how long it remembers one.

use crate::{
    base::{
        shape::{FromNode, Length, Lowering, Word},
        yaml::Node,
    },
    shape,
};
use std::time::Duration;

/// `Idempotency-Key`, or `{ header: Idempotency-Key, lifetime: 24h }`.
#[derive(Clone, Debug)]
pub struct KeyHeader(Keyed);

shape! {
    /// A header for idempotency keys.
    "an idempotency key" pub struct Keyed {
        /// Its name.
        header: Word,
        /// For how long the API remembers a key. When most of it is over, a request whose answer was lost is not sent again.
        lifetime: Option<Length>,
    }
}

impl KeyHeader {
    /// The header's name.
    pub fn as_str(&self) -> &str {
        self.0.header.as_str()
    }

    /// Whether a key of this age may still be relied on: younger than 80 % of its lifetime, where one is declared.
    pub fn holds_at(&self, age: Duration) -> bool {
        self.0.lifetime.is_none_or(|whole| age <= whole.0.mul_f64(0.8))
    }

    /// The declared lifetime.
    pub fn lifetime(&self) -> Option<Length> {
        self.0.lifetime
    }
}

impl FromNode for KeyHeader {
    fn from_node(node: &Node, cx: &mut Lowering<'_>) -> Option<Self> {
        if let Node::Map(..) = node {
            return Keyed::from_node(node, cx).map(KeyHeader);
        }
        let at = node.span();
        Word::from_node(node, cx).map(|header| KeyHeader(Keyed { header, lifetime: None, at }))
    }
}

impl schemars::JsonSchema for KeyHeader {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "KeyHeader".into()
    }
    fn json_schema(generator: &mut schemars::SchemaGenerator) -> schemars::Schema {
        let whole = generator.subschema_for::<Keyed>();
        schemars::json_schema!({ "anyOf": [{ "type": "string" }, whole] })
    }
}
