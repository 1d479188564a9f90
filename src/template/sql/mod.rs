//! SQL in which every `{{ … }}` is a bound value, never text.

mod assembly;
mod words;
mod write;

use self::{
    assembly::{Assembly, Foreign, Part},
    write::Writer,
};
use super::{
    grammar,
    names::{self, Use},
    path::Path,
    problem::{Failure, Refused},
    run::{Result as Ran, Run},
    scope::Scope,
    syntax::At,
};
use crate::base::{
    value::{AFTER_APPLY, Value},
    yaml::Scalar,
};
use std::{fmt, ops::Range, sync::Arc};

/// How a database writes placeholders and quotes names.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Dialect {
    /// `$1`, `"name"`.
    Postgres,
    /// `?`, `"name"`.
    Sqlite,
    /// `?`, `` `name` ``: MySQL and MariaDB.
    Mysql,
}

/// A compiled statement.
#[derive(Clone)]
pub struct Sql {
    scalar: Scalar,
    parts: Arc<[Part]>,
    foreign: Arc<[Foreign]>,
    names: Arc<[Use]>,
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
    /// Which part of `sql` came from which part of the template, in order.
    pub pieces: Vec<Piece>,
}

/// A part of the statement and where it came from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Piece {
    /// Bytes of [`Bound::sql`].
    pub sql: Range<usize>,
    /// Bytes of the template's decoded text.
    pub source: Range<usize>,
    /// The text is the template's own, byte by byte; else it stands for the whole of `source`.
    pub literal: bool,
}

impl Bound {
    /// Any value is not known yet: the statement may be prepared, not executed.
    pub fn has_unknown(&self) -> bool {
        self.binds.iter().any(Value::is_unknown)
    }

    /// A value is that of the example of an answer.
    pub fn rests_on_example(&self) -> bool {
        self.binds.iter().any(Value::rests_on_example)
    }

    /// The range of the template that a character of `sql` came from, counted from 1 as PostgreSQL reports error positions:
    /// the word that begins there, or the whole `{{ … }}`.
    pub fn origin(&self, character: usize) -> Range<usize> {
        let at = self.sql.char_indices().nth(character.saturating_sub(1)).map_or(self.sql.len(), |(at, _)| at);
        let piece = self.pieces.iter().find(|piece| piece.sql.contains(&at)).or(self.pieces.last());
        match piece {
            Some(piece) if piece.literal => {
                let at = at.min(piece.sql.end);
                let word: usize = self.sql[at..piece.sql.end]
                    .chars()
                    .take_while(|c| c.is_alphanumeric() || *c == '_')
                    .map(char::len_utf8)
                    .sum();
                let start = piece.source.start + at - piece.sql.start;
                start..(start + word.max(1)).min(piece.source.end.max(start))
            }
            Some(piece) => piece.source.clone(),
            None => 0..0,
        }
    }
}

impl Sql {
    /// Compiles a statement; refuses expressions where no value can stand, literal placeholders and several statements.
    pub fn compile(scalar: &Scalar) -> Result<Sql, Refused> {
        let mut problems = Vec::new();
        let blocks = grammar::template(&scalar.text, &mut problems)?;
        let names = names::of_blocks(&blocks);
        let (parts, foreign) = Assembly::of(blocks, scalar.text.len(), &mut problems).parts(&mut problems);
        if problems.is_empty() {
            Ok(Sql { scalar: scalar.clone(), parts: parts.into(), foreign: foreign.into(), names: names.into() })
        } else {
            problems.sort_by_key(|problem| problem.range.start);
            Err(Refused { problems, names })
        }
    }

    /// Compiles a text that stands in no file.
    pub fn from_text(text: &str) -> Result<Sql, Refused> {
        Sql::compile(&super::scalar_of(text))
    }

    /// The text it came from.
    pub fn scalar(&self) -> &Scalar {
        &self.scalar
    }

    /// The names it uses, in order of the text.
    pub fn names(&self) -> &[Use] {
        &self.names
    }

    /// What this database would read as something else.
    fn foreign(&self, run: &Run<'_>, dialect: Dialect) -> Ran<()> {
        match self.foreign.iter().find(|foreign| foreign.dialect == dialect) {
            Some(foreign) => run.fail(At::new(foreign.range.start, foreign.range.end), foreign.message),
            None => Ok(()),
        }
    }

    /// The statement with its values.
    pub fn bind(&self, scope: &Scope, dialect: Dialect) -> Result<Bound, Failure> {
        let mut run = Run::new(scope, &self.scalar);
        let mut writer = Writer::new(dialect);
        let result = self
            .foreign(&run, dialect)
            .and_then(|()| self.parts.iter().try_for_each(|part| writer.part(&mut run, part)));
        let evaluated = run.finish(result.map(|()| Value::NULL))?;
        Ok(Bound { reads: evaluated.reads, ..writer.bound })
    }

    /// The statement with an unknown in each place, for preparing it in a check; fails when an identifier is not a constant.
    pub fn outline(&self, dialect: Dialect) -> Result<Bound, Failure> {
        let scope = Scope::new();
        let mut run = Run::new(&scope, &self.scalar);
        let mut writer = Writer::new(dialect);
        let readable = self.foreign(&run, dialect);
        let parts = |()| {
            self.parts.iter().try_for_each(|part| match part {
                Part::Value(_, at, place) => writer.unknown(AFTER_APPLY.into(), *at, *place),
                other => writer.part(&mut run, other),
            })
        };
        let result = readable.and_then(parts);
        run.finish(result.map(|()| Value::NULL))?;
        Ok(writer.bound)
    }
}

impl fmt::Debug for Sql {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Sql({})", self.scalar.text)
    }
}
