//! Which rows: a list of comparisons that must all hold. The same for `find`, `rows` and keys, on every database.

use crate::base::value::Value;
use std::sync::Arc;

/// How a column is compared.
#[derive(Clone, Debug, PartialEq)]
pub enum Test {
    /// The same value; null means IS NULL.
    Is(Value),
    /// Not the same value, null-safe.
    IsNot(Value),
    /// One of these; nothing is one of none.
    OneOf(Vec<Value>),
    /// None of these.
    NoneOf(Vec<Value>),
    /// `<=`
    AtMost(Value),
    /// `>=`
    AtLeast(Value),
    /// `<`
    Before(Value),
    /// `>`
    After(Value),
}

/// One column and its test. Values are as stored.
#[derive(Clone, Debug, PartialEq)]
pub struct Condition {
    /// The column.
    pub column: Arc<str>,
    /// The test.
    pub test: Test,
}

impl Condition {
    /// `column = value`, or IS NULL.
    pub fn is(column: impl Into<Arc<str>>, value: Value) -> Condition {
        Condition { column: column.into(), test: Test::Is(value) }
    }

    /// Something in it is not known yet.
    pub fn is_unknown(&self) -> bool {
        self.values().iter().any(Value::is_unknown)
    }

    /// Something in it is that of the example of an answer.
    pub fn rests_on_example(&self) -> bool {
        self.values().iter().any(Value::rests_on_example)
    }

    fn values(&self) -> &[Value] {
        match &self.test {
            Test::Is(v) | Test::IsNot(v) | Test::AtMost(v) | Test::AtLeast(v) | Test::Before(v) | Test::After(v) => {
                std::slice::from_ref(v)
            }
            Test::OneOf(values) | Test::NoneOf(values) => values,
        }
    }
}

/// A column to sort by.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Order {
    /// The column.
    pub column: Arc<str>,
    /// Largest first.
    pub descending: bool,
}
