//! A bare expression: `when:`, `assert:`, `is:`, `until:`.

use super::{
    names::Use,
    path::Path,
    problem::{Failure, Refused},
    scope::Scope,
};
use crate::base::{value::Value, yaml::Scalar};
use std::sync::Arc;

/// What an expression gave.
#[derive(Clone, Debug)]
pub struct Evaluated {
    /// The result. Its marks join those of everything that was looked at, also in conditions. An unknown carries its reason.
    pub value: Value,
    /// What was looked at, in order of the looking; the same path may stand there twice.
    pub reads: Vec<Path>,
}

/// A condition's answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Truth {
    /// It holds.
    Yes,
    /// It does not.
    No,
    /// Only apply will show, and why.
    Unknown(Arc<str>),
}

/// A compiled bare expression.
#[derive(Clone, Debug)]
pub struct Expression {
    scalar: Scalar,
}

impl Expression {
    /// Compiles the text of a scalar.
    pub fn compile(scalar: &Scalar) -> Result<Expression, Refused> {
        Ok(Expression { scalar: scalar.clone() })
    }

    /// Compiles a text that stands in no file.
    pub fn from_text(text: &str) -> Result<Expression, Refused> {
        Expression::compile(&super::scalar_of(text))
    }

    /// The text it came from.
    pub fn scalar(&self) -> &Scalar {
        &self.scalar
    }

    /// The names it uses.
    pub fn names(&self) -> &[Use] {
        &[]
    }

    /// Its value.
    pub fn evaluate(&self, scope: &Scope) -> Result<Evaluated, Failure> {
        let _ = scope;
        Ok(Evaluated { value: Value::NULL, reads: Vec::new() })
    }

    /// Its value as a condition (the empty text, list and map, zero and null count as no), with the value itself.
    pub fn test(&self, scope: &Scope) -> Result<(Truth, Evaluated), Failure> {
        let evaluated = self.evaluate(scope)?;
        Ok((Truth::No, evaluated))
    }
}
