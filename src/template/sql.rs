//! SQL in which every `{{ … }}` is a bound value, never text.

use super::{
    names::Use,
    path::Path,
    problem::{Failure, Refused},
    scope::Scope,
};
use crate::base::{value::Value, yaml::Scalar};
use std::ops::Range;

/// How a database writes placeholders and quotes names.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Dialect {
    /// `$1`, `"name"`.
    Postgres,
    /// `?`, `"name"`.
    Sqlite,
}

/// A compiled statement.
#[derive(Clone, Debug)]
pub struct Sql {
    scalar: Scalar,
}

/// A statement ready to be prepared, with its values.
#[derive(Clone, Debug)]
pub struct Bound {
    /// One statement without a closing `;`, placeholders in the dialect's form.
    pub sql: String,
    /// In the order of the placeholders, each with its own marks; may hold unknowns.
    pub binds: Vec<Value>,
    /// Names that came through `| identifier` and must be compared with the catalogue, with the place of each in the template.
    pub identifiers: Vec<(String, Range<usize>)>,
    /// What the expressions looked at.
    pub reads: Vec<Path>,
    /// Which part of `sql` came from which part of the template.
    pub pieces: Vec<Piece>,
}

/// A part of the statement and where it came from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Piece {
    /// Bytes of [`Bound::sql`].
    pub sql: Range<usize>,
    /// Bytes of the template's decoded text.
    pub source: Range<usize>,
    /// The text is the template's own, character by character; else it stands for a whole `{{ … }}`.
    pub literal: bool,
}

impl Bound {
    /// Any value is not known yet: the statement may be prepared, not executed.
    pub fn has_unknown(&self) -> bool {
        self.binds.iter().any(Value::is_unknown)
    }

    /// The range of the template that a character of `sql` came from, counted from 1 as PostgreSQL reports error positions.
    pub fn origin(&self, character: usize) -> Range<usize> {
        let _ = character;
        0..0
    }
}

impl Sql {
    /// Compiles a statement; refuses expressions where no value can stand, literal placeholders and several statements.
    pub fn compile(scalar: &Scalar) -> Result<Sql, Refused> {
        Ok(Sql { scalar: scalar.clone() })
    }

    /// Compiles a text that stands in no file.
    pub fn from_text(text: &str) -> Result<Sql, Refused> {
        Sql::compile(&super::scalar_of(text))
    }

    /// The text it came from.
    pub fn scalar(&self) -> &Scalar {
        &self.scalar
    }

    /// The names it uses.
    pub fn names(&self) -> &[Use] {
        &[]
    }

    /// The statement with its values.
    pub fn bind(&self, scope: &Scope, dialect: Dialect) -> Result<Bound, Failure> {
        let _ = (scope, dialect);
        Ok(Bound {
            sql: String::new(),
            binds: Vec::new(),
            identifiers: Vec::new(),
            reads: Vec::new(),
            pieces: Vec::new(),
        })
    }

    /// The statement with an unknown in each place, for preparing it in a check; fails when a name is not a constant.
    pub fn outline(&self, dialect: Dialect) -> Result<Bound, Failure> {
        self.bind(&Scope::new(), dialect)
    }
}
