//! Parts and a scope → a statement with its values, in the form of one database.

use super::{
    Bound, Dialect, Piece,
    assembly::{Part, Place},
};
use crate::{
    base::value::{Data, Marks, Value},
    template::{
        expression::value_of,
        run::{Result as Ran, Run, Stop, flat, unless_unknown},
        syntax::{At, Node},
    },
};
use std::{ops::Range, sync::Arc};

/// Values of one list: SQLite takes 32 766 parameters in one statement, PostgreSQL and MySQL 65 535.
const MAX_LIST: usize = 30_000;

/// The statement as far as it is written.
pub struct Writer {
    pub bound: Bound,
    dialect: Dialect,
}

impl Writer {
    /// Nothing written yet.
    pub fn new(dialect: Dialect) -> Writer {
        let bound = Bound {
            sql: String::new(),
            binds: Vec::new(),
            identifiers: Vec::new(),
            reads: Vec::new(),
            pieces: Vec::new(),
        };
        Writer { bound, dialect }
    }

    fn put(&mut self, text: &str, source: Range<usize>, literal: bool) {
        let start = self.bound.sql.len();
        self.bound.sql.push_str(text);
        if !text.is_empty() {
            self.bound.pieces.push(Piece { sql: start..self.bound.sql.len(), source, literal });
        }
    }

    /// Writes one part.
    pub fn part(&mut self, run: &mut Run<'_>, part: &Part) -> Ran<()> {
        match part {
            Part::Raw(text, source) => {
                self.put(text, *source..source + text.len(), true);
                Ok(())
            }
            Part::Identifier(node, at) => self.identifier(run, node, *at),
            Part::Value(node, at, place) => {
                let before = std::mem::replace(&mut run.marks, Marks::NONE);
                let value = value_of(run, node);
                let marks = std::mem::replace(&mut run.marks, before);
                match value {
                    Err(Stop::Unknown(why)) => self.unknown(why, *at, *place),
                    Err(failed) => Err(failed),
                    Ok(value) => self.value(run, flat_list(value).marked(marks), node, *at, *place),
                }
            }
        }
    }

    fn value(&mut self, run: &Run<'_>, value: Value, node: &Node, at: At, place: Place) -> Ran<()> {
        let list = match (&value.data, place) {
            (Data::List(list), Place::List { .. }) => list,
            (Data::List(_), _) => {
                let help = "a list stands only after `in`: `id in {{ ids }}`; `| tojson` makes a text of it, `| first` takes one element";
                return run.fail_with_help(at, format!("`{}` is a list", run.written(node.at)), help);
            }
            (Data::Unknown(why), _) => return self.unknown(why.clone(), at, place),
            (_, Place::List { negated }) => {
                self.put(keyword(negated), at.range(), false);
                self.put(" (", at.range(), false);
                self.placeholder(value, at);
                self.put(")", at.range(), false);
                return Ok(());
            }
            _ => {
                self.placeholder(value, at);
                return Ok(());
            }
        };
        let Place::List { negated } = place else { return Ok(()) };
        if list.len() > MAX_LIST {
            let message =
                format!("`{}` holds {} values; at most {MAX_LIST} can be bound", run.written(node.at), list.len());
            return run.fail_with_help(at, message, "select them in SQL, or take a smaller part");
        }
        if list.is_empty() {
            self.empty(negated, at);
            return Ok(());
        }
        self.put(keyword(negated), at.range(), false);
        self.put(" (", at.range(), false);
        for (index, element) in list.iter().enumerate() {
            match &element.data {
                Data::Null => {
                    let message =
                        format!("`{}` holds null (element {index}), which is in no list", run.written(node.at));
                    return run.fail_with_help(at, message, "leave nulls out first: `| reject('none')`");
                }
                Data::List(_) | Data::Map(_) => {
                    return run
                        .fail(at, format!("`{}` holds {} (element {index})", run.written(node.at), element.kind()));
                }
                _ => {}
            }
            if index > 0 {
                self.put(", ", at.range(), false);
            }
            self.placeholder(element.clone().marked(value.marks), at);
        }
        self.put(")", at.range(), false);
        Ok(())
    }

    /// False for `in` and true for `not in`, also for a null on the left, whatever type stands there.
    fn empty(&mut self, negated: bool, at: At) {
        let text = match (self.dialect, negated) {
            (Dialect::Postgres, false) => "= any ('{}')",
            (Dialect::Postgres, true) => "<> all ('{}')",
            (Dialect::Sqlite, false) => "in ()",
            (Dialect::Sqlite, true) => "not in ()",
            (Dialect::Mysql, false) => "in (select null where 1 = 0)",
            (Dialect::Mysql, true) => "not in (select null where 1 = 0)",
        };
        self.put(text, at.range(), false);
    }

    /// Writes a place whose value only apply will show.
    pub fn unknown(&mut self, why: Arc<str>, at: At, place: Place) -> Ran<()> {
        let value = Value::from(Data::Unknown(why));
        if let Place::List { negated } = place {
            self.put(keyword(negated), at.range(), false);
            self.put(" (", at.range(), false);
            self.placeholder(value, at);
            self.put(")", at.range(), false);
        } else {
            self.placeholder(value, at);
        }
        Ok(())
    }

    fn placeholder(&mut self, value: Value, at: At) {
        self.bound.binds.push(value);
        match self.dialect {
            Dialect::Postgres => self.put(&format!("${}", self.bound.binds.len()), at.range(), false),
            Dialect::Sqlite | Dialect::Mysql => self.put("?", at.range(), false),
        }
    }

    fn identifier(&mut self, run: &mut Run<'_>, node: &Node, at: At) -> Ran<()> {
        let item = unless_unknown(run.eval(node))?;
        let name = match run.text(&item, node.at) {
            Err(Stop::Unknown(_)) => {
                return run.fail_with_help(
                    at,
                    "the name of a table or column is not known before apply",
                    "take it from `params` or `vars`",
                );
            }
            other => other?,
        };
        if name.is_empty() || name.len() > 128 || name.chars().any(char::is_control) {
            return run.fail(at, "this is no name of a table or column");
        }
        let quote = if self.dialect == Dialect::Mysql { '`' } else { '"' };
        self.put(&format!("{quote}{}{quote}", name.replace(quote, &format!("{quote}{quote}"))), at.range(), false);
        self.bound.identifiers.push((name.to_string(), at.range()));
        Ok(())
    }
}

fn keyword(negated: bool) -> &'static str {
    if negated { "not in" } else { "in" }
}

/// A JSON array is a list here; other JSON stays a document.
fn flat_list(value: Value) -> Value {
    if value.as_list().is_some() { flat(value) } else { value }
}
