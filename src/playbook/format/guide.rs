//! What the schema says of a place in a file: the order of its keys, and which keys are words of the language.
//!
//! The schemas come from the types, so that the order of the keys in a file is the order in which the types declare them.

use crate::action::step;
use serde_json::{Map, Value};

/// A place in a file, as far as the schema knows it: every shape that may stand there.
#[derive(Clone, Debug)]
pub struct Guide<'a> {
    definitions: Option<&'a Map<String, Value>>,
    shapes: Vec<&'a Value>,
}

/// A `$ref` that leads to itself ends somewhere.
const DEEPEST: usize = 12;

impl<'a> Guide<'a> {
    /// The top of a file.
    pub fn of(schema: &'a Value) -> Guide<'a> {
        let mut guide = Guide { definitions: schema.get("$defs").and_then(Value::as_object), shapes: Vec::new() };
        guide.add(schema, 0);
        guide
    }

    fn add(&mut self, node: &'a Value, depth: usize) {
        if depth > DEEPEST {
            return;
        }
        if let Some(target) = self.target(node) {
            self.add(target, depth + 1);
        }
        for alternative in ["anyOf", "allOf", "oneOf"].iter().filter_map(|key| node.get(key)?.as_array()).flatten() {
            self.add(alternative, depth + 1);
        }
        if ["properties", "additionalProperties", "items"].iter().any(|key| node.get(key).is_some()) {
            self.shapes.push(node);
        }
    }

    fn target(&self, node: &Value) -> Option<&'a Value> {
        self.definitions?.get(node.get("$ref")?.as_str()?.strip_prefix("#/$defs/")?)
    }

    fn with(&self, nodes: impl Iterator<Item = &'a Value>) -> Guide<'a> {
        let mut guide = Guide { definitions: self.definitions, shapes: Vec::new() };
        nodes.for_each(|node| guide.add(node, 0));
        guide
    }

    /// The shape that takes all of these keys; nothing where the author chooses the keys.
    fn shape(&self, keys: &[&str]) -> Option<&'a Map<String, Value>> {
        let properties = |shape: &&'a Value| shape.get("properties").and_then(Value::as_object);
        self.shapes.iter().filter_map(properties).find(|known| keys.iter().all(|key| known.contains_key(*key)))
    }

    /// The place of these keys among each other: smallest first. Nothing where their order is the author's.
    pub fn order(&self, keys: &[&str]) -> Option<Vec<usize>> {
        let shape = self.shape(keys)?;
        let step = step::order();
        let is_step = shape.contains_key("irreversible") && shape.contains_key("block");
        let place = |key: &str| match is_step {
            true => step.iter().position(|known| *known == key),
            false => shape.keys().position(|known| known == key),
        };
        let mut order: Vec<usize> = (0..keys.len()).collect();
        order.sort_by_key(|at| place(keys[*at]));
        Some(order)
    }

    /// The key is a word of the language here, in a map with these keys; else it is a name that the author chose.
    pub fn knows(&self, keys: &[&str], key: &str) -> bool {
        self.shape(keys).is_some_and(|shape| shape.contains_key(key))
    }

    /// What stands behind a key, in a map with these keys.
    pub fn under(&self, keys: &[&str], key: &str) -> Guide<'a> {
        if let Some(shape) = self.shape(keys) {
            return self.with(shape.get(key).into_iter());
        }
        self.with(
            self.shapes.iter().filter_map(|shape| shape.get("additionalProperties")).filter(|node| node.is_object()),
        )
    }

    /// What stands in a list.
    pub fn item(&self) -> Guide<'a> {
        self.with(self.shapes.iter().filter_map(|shape| shape.get("items")))
    }
}
