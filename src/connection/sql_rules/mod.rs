//! What a statement is, by parser: its class, its tables, and what may not stand in a playbook. Opens no connection.
//!
//! This is the first of several fences. Behind it stand the role, the read-only transaction, the prepared protocol and
//! the check that the session is still where it was; none of them alone is enough.

mod beyond;
mod clock;
mod functions;
mod parts;
mod pinned;
mod tables;
mod words;

use super::ledger::TABLE;
use super::{
    fault::{Fault, FaultKind},
    sql_lexer::{Kind, Token, tokens},
};
use crate::template::sql::Dialect;
use sqlparser::{
    ast::Statement,
    dialect::{MySqlDialect, PostgreSqlDialect, SQLiteDialect},
    parser::Parser,
};
use std::collections::BTreeSet;

/// What a statement does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Class {
    /// Gives rows, changes nothing.
    Read,
    /// INSERT.
    Insert,
    /// UPDATE.
    Update,
    /// DELETE.
    Delete,
    /// Changes rows in another way: MERGE, a change inside WITH.
    Other,
    /// Looks like a read by its first word, but the parser does not know it.
    NotUnderstood,
}

/// What was found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Verdict {
    /// What it does. When it is refused, this says little.
    pub class: Class,
    /// Tables that it reads, lower-cased where not quoted, with their schema where one is written. Empty when not
    /// understood.
    pub reads: BTreeSet<String>,
    /// Tables that it writes.
    pub writes: BTreeSet<String>,
    /// The names of the columns of a SELECT as they are written, where each of them has one; nothing where the database gives one its name.
    pub columns: Option<Vec<String>>,
    /// An UPDATE or DELETE without WHERE.
    pub without_where: bool,
    /// Why it may not run at all, as a sentence: `COMMIT would end trueup's own transaction`.
    pub refused: Option<String>,
    /// Why it may not run where only reading is allowed: `nextval() changes a sequence`.
    pub not_a_read: Option<String>,
}

/// Looks at a statement with its placeholders.
pub fn judge(sql: &str, dialect: Dialect) -> Verdict {
    let tokens = tokens(sql, dialect);
    let mut verdict = Verdict {
        class: Class::NotUnderstood,
        reads: BTreeSet::new(),
        writes: BTreeSet::new(),
        columns: None,
        without_where: false,
        refused: several(sql, &tokens)
            .or_else(|| words::refused(sql, &tokens))
            .or_else(|| match dialect {
                Dialect::Mysql => words::refused_by_mysql(sql, &tokens),
                Dialect::Sqlite => words::refused_by_sqlite(sql, &tokens),
                Dialect::Postgres => None,
            })
            .or_else(|| functions::refused(sql, &tokens, dialect)),
        not_a_read: None,
    };
    if verdict.refused.is_some() {
        return verdict;
    }
    match parse(sql, dialect) {
        Some(statement) => tables::look(&statement, dialect, &mut verdict),
        None => {
            let first = tokens.first().map(|t| sql[t.at.clone()].to_lowercase()).unwrap_or_default();
            if !matches!(&*first, "select" | "with" | "values" | "show" | "(") {
                verdict.refused =
                    Some("the parser does not understand this statement, so its effect is not known".into());
            }
            verdict.not_a_read = words::writing(sql, &tokens);
        }
    }
    let hidden = tokens.first().is_some_and(|t| sql[t.at.clone()].eq_ignore_ascii_case("with"));
    if dialect == Dialect::Mysql && hidden && !matches!(verdict.class, Class::Read | Class::NotUnderstood) {
        // What MySQL says of a change is looked up by its first words.
        verdict.refused.get_or_insert_with(|| "a change begins with INSERT, UPDATE or DELETE, not with WITH".into());
    }
    let own = |table: &String| table.rsplit('.').next() == Some(TABLE);
    if verdict.writes.iter().any(own) && verdict.refused.is_none() {
        verdict.refused = Some(format!("`{TABLE}` is written by trueup alone, together with each change"));
    }
    let impure = || functions::not_a_read(sql, &tokens, dialect);
    let by_class =
        || (!matches!(verdict.class, Class::Read | Class::NotUnderstood)).then(|| "it changes rows".to_owned());
    verdict.not_a_read = verdict.not_a_read.take().or_else(by_class).or_else(impure);
    verdict
}

pub use parts::{Parts, parts};
pub use pinned::{Pinned, pinned};

/// The first function that is none of those which the databases ship and which read nothing but what they are given. SQLite has no others.
pub fn unknown_function(sql: &str, dialect: Dialect) -> Option<String> {
    if dialect == Dialect::Sqlite { None } else { functions::unknown(sql, &tokens(sql, dialect)) }
}

/// The text of a trigger of the table looks at more than the row that sets it off: it reads tables, changes other rows of its own, or calls what may.
pub fn looks_beyond(sql: &str, table: &str, dialect: Dialect) -> bool {
    beyond::looks_beyond(sql, &tokens(sql, dialect), table, dialect)
}

/// The statement sets this column by itself, as far as its words tell: whether it asks a clock for the value. Nothing where it does not name the column.
pub fn stamps_itself(sql: &str, column: &str, dialect: Dialect) -> Option<bool> {
    let set = match parts(sql, dialect) {
        Some(parts) if !parts.columns.iter().any(|set| set.eq_ignore_ascii_case(column)) => return None,
        // What picks the rows may ask a clock as well.
        Some(parts) => &sql[..parts.rest.start],
        None => sql,
    };
    let tokens = tokens(set, dialect);
    clock::mentions(set, &tokens, column).then(|| clock::asks_clock(set, &tokens))
}

/// A statement of SQLite that says itself what is done about a conflict: `INSERT OR …`, `UPDATE OR …`.
pub(super) fn says_or(sql: &str) -> bool {
    words::says_or(sql, &tokens(sql, Dialect::Sqlite)).is_some()
}

/// What the text of a table of SQLite says is done about conflicts, in small letters; nothing where it is an error everywhere.
pub(super) fn on_conflict(table: &str) -> Vec<String> {
    words::on_conflict(table, &tokens(table, Dialect::Sqlite))
}

/// One statement and nothing else; a closing `;` is forgiven.
pub(super) fn single(sql: &str, dialect: Dialect) -> Result<(), Fault> {
    several(sql, &tokens(sql, dialect)).map_or(Ok(()), |why| Err(refusal(&why)))
}

/// A statement that may run where only reading is allowed. What the parser does not understand is left to PostgreSQL's
/// read-only role and transaction; SQLite has no such second fence, and that of MySQL holds no files (INTO OUTFILE), so
/// there it is refused.
pub(super) fn allow_read(sql: &str, dialect: Dialect) -> Result<(), Fault> {
    let verdict = judge(sql, dialect);
    if let Some(why) = verdict.refused {
        return Err(refusal(&why));
    }
    if let Some(why) = verdict.not_a_read {
        return Err(Fault::new(FaultKind::ReadOnly, format!("this statement may only read: {why}")));
    }
    if verdict.class == Class::NotUnderstood && dialect != Dialect::Postgres {
        return Err(refusal("the parser does not understand this statement, so it may do more than read"));
    }
    Ok(())
}

/// A statement that may change rows, and what was found of it.
pub(super) fn allow_write(sql: &str, dialect: Dialect) -> Result<Verdict, Fault> {
    let verdict = judge(sql, dialect);
    match (&verdict.refused, verdict.class) {
        (Some(why), _) => Err(refusal(why)),
        (None, Class::NotUnderstood) => {
            Err(refusal("the parser does not understand this statement, so the tables that it writes are not known"))
        }
        (None, _) => Ok(verdict),
    }
}

fn refusal(why: &str) -> Fault {
    Fault::new(FaultKind::Syntax, format!("this statement is refused: {why}"))
}

fn parse(sql: &str, dialect: Dialect) -> Option<Statement> {
    let parsed = match dialect {
        Dialect::Postgres => Parser::parse_sql(&PostgreSqlDialect {}, sql),
        Dialect::Sqlite => Parser::parse_sql(&SQLiteDialect {}, sql),
        Dialect::Mysql => Parser::parse_sql(&MySqlDialect {}, sql),
    };
    let mut statements = parsed.ok()?;
    let only = statements.pop()?;
    statements.is_empty().then_some(only)
}

/// By our own lexer: what hides from the parser must not reach a driver that runs all of it.
fn several(sql: &str, tokens: &[Token]) -> Option<String> {
    if let Some(broken) = tokens.iter().find(|t| t.kind == Kind::Broken) {
        let what = if sql[broken.at.clone()].starts_with("/*") { "a comment" } else { "a text or name in quotes" };
        return Some(format!("{what} has no end"));
    }
    if let Some(unclear) = tokens.iter().find(|t| t.kind == Kind::Unclear) {
        return Some(words::unclear(&sql[unclear.at.clone()]));
    }
    if sql.contains('\0') {
        return Some("it has a zero byte".into());
    }
    let end = tokens.iter().position(|t| &sql[t.at.clone()] == ";").unwrap_or(tokens.len());
    if end == 0 {
        return Some("it is empty".into());
    }
    let more = tokens[end..].iter().any(|t| &sql[t.at.clone()] != ";");
    more.then(|| "a step has one statement, and here are several".into())
}

#[cfg(test)]
mod tests;
