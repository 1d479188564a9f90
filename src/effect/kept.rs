//! What a run keeps of the plan of an item.

use super::record::{BadRecord, Field, there};
use crate::base::{json, seal::Writing, value::Value};
use std::borrow::Cow;

/// A value of the stored form, or the text that it has already.
#[derive(Clone, Debug)]
pub enum Kept {
    /// To be written, or read from a journal.
    Value(Value),
    /// Put together from the line of a plan file, with what is hidden sealed as it was there: on its way into the journal of the same key. Nobody
    /// asks it for anything.
    Text(String),
}

impl Kept {
    /// The value.
    pub fn value(&self) -> Cow<'_, Value> {
        match self {
            Kept::Value(value) => Cow::Borrowed(value),
            // Without the key: what is sealed is not known here.
            Kept::Text(text) => {
                Cow::Owned(json::decode_with(text, &|_, _| Some(Value::unknown())).unwrap_or(Value::NULL))
            }
        }
    }
}

impl Field for Kept {
    fn store(&self) -> Option<Value> {
        Some(self.value().into_owned())
    }
    fn load(stored: Option<&Value>) -> Result<Self, BadRecord> {
        there(stored).cloned().map(Kept::Value)
    }
    fn write(&self, out: &mut Writing<'_>) -> bool {
        match self {
            Kept::Value(value) => out.value(value),
            Kept::Text(text) => out.part(text),
        }
        true
    }
}
