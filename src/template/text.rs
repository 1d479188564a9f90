//! A value with `{{ … }}` in it: a text, or, when it is exactly one expression, whatever that gives.

use super::{
    expression::Evaluated,
    names::Use,
    path::Path,
    problem::{Failure, Refused},
    scope::Scope,
};
use crate::base::yaml::Scalar;
use std::borrow::Cow;

/// A compiled text.
#[derive(Clone, Debug)]
pub struct Text {
    scalar: Scalar,
}

impl Text {
    /// Compiles a scalar. One without any `{{` or `{%` is a literal of its YAML type.
    pub fn compile(scalar: &Scalar) -> Result<Text, Refused> {
        Ok(Text { scalar: scalar.clone() })
    }

    /// Compiles a text that stands in no file.
    pub fn from_text(text: &str) -> Result<Text, Refused> {
        Text::compile(&super::scalar_of(text))
    }

    /// The text it came from.
    pub fn scalar(&self) -> &Scalar {
        &self.scalar
    }

    /// The names it uses.
    pub fn names(&self) -> &[Use] {
        &[]
    }

    /// Holds no expression at all.
    pub fn is_literal(&self) -> bool {
        false
    }

    /// Its value: of the expression's own kind when the text is exactly one `{{ … }}`, else a text (an unknown in it makes the whole unknown).
    pub fn evaluate(&self, scope: &Scope) -> Result<Evaluated, Failure> {
        let _ = scope;
        Ok(Evaluated { value: self.scalar.value(), reads: Vec::new() })
    }

    /// Always a text: each value passes through `encode` before it is put between the literal parts, for URL paths and the like.
    pub fn render(&self, scope: &Scope, encode: impl Fn(&str) -> Cow<'_, str>) -> Result<Evaluated, Failure> {
        let _ = (scope, encode);
        Ok(Evaluated { value: self.scalar.value(), reads: Vec::new() })
    }

    /// For people: `(known after apply)` in place of an unknown, `(personal)` and `(secret)` in place of hidden values,
    /// but for parts that rest on no other hidden values than the `revealed` ones (never a secret).
    pub fn message(&self, scope: &Scope, revealed: &[Path]) -> Result<String, Failure> {
        let _ = (scope, revealed);
        Ok(String::new())
    }

    /// [`Text::message`] with nothing revealed.
    pub fn preview(&self, scope: &Scope) -> Result<String, Failure> {
        self.message(scope, &[])
    }
}
