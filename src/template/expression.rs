//! A bare expression: `when:`, `assert:`, `is:`, `until:`.

use super::{
    compared::{self, Comparison},
    grammar,
    names::{self, Use},
    path::Path,
    problem::{Failure, Refused},
    run::{Result as Ran, Run},
    scope::Scope,
    syntax::Node,
};
use crate::base::{
    value::{Data, Value},
    yaml::Scalar,
};
use std::{fmt, sync::Arc};

/// What an expression gave.
#[derive(Clone, Debug)]
pub struct Evaluated {
    /// The result. Its marks join those of everything that was looked at, also in conditions; a map or list that is handed
    /// on whole keeps the marks and unknowns of its parts at the parts. An unknown carries its reason.
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
#[derive(Clone)]
pub struct Expression {
    scalar: Scalar,
    node: Arc<Node>,
    names: Arc<[Use]>,
}

impl Expression {
    /// Compiles the text of a scalar.
    pub fn compile(scalar: &Scalar) -> Result<Expression, Refused> {
        let mut problems = Vec::new();
        let node = grammar::expression(&scalar.text, &mut problems)?;
        let names = names::of_expression(&node);
        if problems.is_empty() {
            Ok(Expression { scalar: scalar.clone(), node: Arc::new(node), names: names.into() })
        } else {
            Err(Refused { problems, names })
        }
    }

    /// Compiles a text that stands in no file.
    pub fn from_text(text: &str) -> Result<Expression, Refused> {
        Expression::compile(&super::scalar_of(text))
    }

    /// The text it came from.
    pub fn scalar(&self) -> &Scalar {
        &self.scalar
    }

    /// The names it uses, in order of the text.
    pub fn names(&self) -> &[Use] {
        &self.names
    }

    /// Where it compares a name with a value that is written out.
    pub fn comparisons(&self) -> Vec<Comparison> {
        compared::of_expression(&self.node)
    }

    /// Its value.
    pub fn evaluate(&self, scope: &Scope) -> Result<Evaluated, Failure> {
        let mut run = Run::new(scope, &self.scalar);
        let result = value_of(&mut run, &self.node);
        run.finish(result)
    }

    /// Its value as a condition (null, false, zero and the empty text, list and map count as no). The value is a boolean
    /// or an unknown.
    pub fn test(&self, scope: &Scope) -> Result<(Truth, Evaluated), Failure> {
        let mut run = Run::new(scope, &self.scalar);
        let result = run.condition(&self.node).map(Value::from);
        let evaluated = run.finish(result)?;
        let truth = match &evaluated.value.data {
            Data::Bool(true) => Truth::Yes,
            Data::Unknown(why) => Truth::Unknown(why.clone()),
            _ => Truth::No,
        };
        Ok((truth, evaluated))
    }
}

/// The result of a whole expression.
pub(super) fn value_of(run: &mut Run<'_>, node: &Node) -> Ran<Value> {
    let item = run.eval(node)?;
    run.result(&item, node.at)
}

impl fmt::Debug for Expression {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Expression({})", self.scalar.text)
    }
}
