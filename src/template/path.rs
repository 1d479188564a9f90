//! Dotted paths: which part of which named value an expression looked at.
//!
//! Knows values and how to walk them; knows nothing of expressions.

use crate::base::value::{Data, Value};
use std::{fmt, sync::Arc};

/// One step of a path.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Step {
    /// A name in the scope, an attribute of a map, a key of a JSON object.
    Name(Arc<str>),
    /// An element of a list, from 0.
    Index(usize),
    /// How many elements (entries, characters) there are: `length`, a loop, a test for emptiness looked at no more than that.
    Length,
    /// Every element of a list; only in static paths ([`super::names::Use`]).
    Each,
}

/// A path from a name in the scope: `dqt.body.qtsDate`, `rows.0.id`, `rows.#` (length), `rows.*.id` (each).
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Path {
    /// Name first.
    pub steps: Vec<Step>,
}

impl Path {
    /// The name in the scope that the path begins with.
    /// At a name in the scope.
    pub fn root(&self) -> &str {
        match self.steps.first() {
            Some(Step::Name(name)) => name,
            _ => "",
        }
    }

    /// What stands at the path inside `root`, the value that carries the path's first name; nothing when it is absent.
    /// A length comes as a whole number (of a null: nothing), marks of everything on the way go to the result.
    pub fn look_up(&self, root: &Value) -> Option<Value> {
        let mut value = root.clone();
        for step in self.steps.iter().skip(1) {
            value = match step {
                Step::Name(name) => value.get(name)?,
                Step::Index(i) => value.as_list()?.get(*i)?.clone().marked(value.marks),
                Step::Length => Value::from(length(&value)?).marked(value.marks),
                Step::Each => return None,
            };
        }
        Some(value)
    }
}

/// Elements, entries or characters.
pub(super) fn length(value: &Value) -> Option<i64> {
    let n = match &value.data {
        Data::Text(text) => text.chars().count(),
        Data::Bytes(bytes) => bytes.len(),
        _ => match value.as_list() {
            Some(list) => list.len(),
            None => value.as_map()?.len(),
        },
    };
    i64::try_from(n).ok()
}

impl fmt::Display for Path {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (i, step) in self.steps.iter().enumerate() {
            if i > 0 {
                f.write_str(".")?;
            }
            match step {
                Step::Name(name) => f.write_str(name)?,
                Step::Index(n) => write!(f, "{n}")?,
                Step::Length => f.write_str("#")?,
                Step::Each => f.write_str("*")?,
            }
        }
        Ok(())
    }
}

/// A path that grows to the end and shares its beginning: what the evaluator carries with each value.
#[derive(Clone, Debug)]
pub(super) struct Trail(Arc<Node>);

#[derive(Debug)]
struct Node {
    before: Option<Trail>,
    step: Step,
}

impl Trail {
    pub fn root(name: &Arc<str>) -> Trail {
        Trail(Arc::new(Node { before: None, step: Step::Name(name.clone()) }))
    }

    /// One step further.
    pub fn then(&self, step: Step) -> Trail {
        Trail(Arc::new(Node { before: Some(self.clone()), step }))
    }

    /// All steps, for callers.
    pub fn path(&self) -> Path {
        let mut steps = Vec::new();
        let mut at = Some(self);
        while let Some(Trail(node)) = at {
            steps.push(node.step.clone());
            at = node.before.as_ref();
        }
        steps.reverse();
        Path { steps }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::value::Marks;

    #[test]
    fn a_path_finds_again_what_was_read() {
        let root =
            Value::map([("body", Value::map([("items", Value::list([Value::from(7)]))]).marked(Marks::PERSONAL))]);
        let trail = Trail::root(&"dqt".into()).then(Step::Name("body".into())).then(Step::Name("items".into()));
        let element = trail.then(Step::Index(0)).path();
        assert_eq!(element.to_string(), "dqt.body.items.0");
        let found = element.look_up(&root).unwrap();
        assert_eq!((found.as_int(), found.marks), (Some(7), Marks::PERSONAL));
        assert_eq!(trail.then(Step::Length).path().look_up(&root).unwrap().as_int(), Some(1));
        assert!(trail.then(Step::Index(1)).path().look_up(&root).is_none());
    }
}
