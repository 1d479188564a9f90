//! Asking a database: `find` and `query` on whatever handle the caller has, with the author's expectation.

use super::{
    grants,
    setting::Setting,
    trouble::{Missed, Trouble},
};
use crate::{
    action::deed::{Find, Query},
    base::{
        source::Span,
        value::{Map, Value},
    },
    connection::{
        fault::{Fault, FaultKind},
        session::Session,
        statement::{Limits, Select, Statement},
    },
    read::expect::Expect,
};

/// The rows of a `find`, as playbooks see them.
pub async fn find(session: &mut Session, find: &Find, setting: &Setting, at: Span) -> Result<Value, Trouble> {
    grants::reads(setting, &find.table, at)?;
    let select = Select {
        table: &find.table.table,
        columns: &find.columns,
        conditions: &find.conditions,
        order: &find.order,
        limit: Some(find.expect.fetch()),
    };
    let rows =
        session.select(&select, Limits::USUAL).await.map_err(|fault| database(&find.table.connection, fault, at))?;
    let facts = setting.facts_of(&find.table);
    let seen = rows.rows.iter().map(|row| facts.map_or_else(|| row.clone(), |f| f.seen(row))).collect();
    shaped(find.expect, seen, at, &format!("`{}`", find.table))
}

/// The rows of a free SELECT.
pub async fn query(session: &mut Session, query: &Query, setting: &Setting, at: Span) -> Result<Value, Trouble> {
    grants::statement(setting, &query.connection, &query.bound.sql, at)?;
    let statement = Statement { sql: query.bound.sql.clone(), binds: query.bound.binds.clone() };
    let limits = Limits { rows: query.expect.fetch().min(Limits::USUAL.rows), ..Limits::USUAL };
    let rows = match session.query(&statement, limits).await {
        Ok(rows) => rows.rows,
        // One row more than the author allows is his own expectation, not our limit.
        Err(fault) if fault.kind == FaultKind::TooMuch && query.expect != Expect::Many => {
            return Err(missed(query.expect, limits.rows, true, at, "the query"));
        }
        Err(fault) => return Err(database(&query.connection, fault, at)),
    };
    let facts = query.like.as_ref().and_then(|table| setting.facts_of(table));
    let seen = rows.iter().map(|row| facts.map_or_else(|| row.clone(), |f| f.seen(row))).collect();
    shaped(query.expect, seen, at, "the query")
}

/// One row, a row or null, or a list, as expected.
fn shaped(expect: Expect, rows: Vec<Map>, at: Span, what: &str) -> Result<Value, Trouble> {
    if !expect.allows(rows.len()) {
        return Err(missed(expect, rows.len(), rows.len() >= expect.fetch(), at, what));
    }
    if expect.is_single() {
        return Ok(rows.into_iter().next().map_or(Value::NULL, Value::from));
    }
    Ok(Value::list(rows.into_iter().map(Value::from)))
}

fn missed(expect: Expect, found: usize, more: bool, at: Span, what: &str) -> Trouble {
    let found = match (found, more) {
        (0, _) => "none".to_owned(),
        (n, true) => format!("{n} or more"),
        (n, false) => n.to_string(),
    };
    let message = format!("{what} gave {found}, expected {}", expect.words());
    Trouble::Missed(Missed { message, seen: Vec::new(), at })
}

/// A database's fault at a step.
pub fn database(connection: &str, fault: Fault, at: Span) -> Trouble {
    Trouble::Database { connection: connection.into(), fault, at: Some(at) }
}
