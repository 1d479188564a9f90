//! Asking a database: `find` and `query` on whatever handle the caller has, with the author's expectation.

use super::{
    grants,
    outgoing::jobs::connection,
    setting::Setting,
    trouble::{Missed, Trouble},
};
use crate::{
    action::deed::{Find, Query, Tally},
    base::{
        cover::Cover,
        source::Span,
        value::{Map, Marks, Value},
    },
    connection::{
        fault::{Fault, FaultKind},
        session::Session,
        sidekiq::Place,
        statement::{Limits, Select, Statement},
    },
    effect::change::TableName,
    read::expect::Expect,
};
use indexmap::IndexMap;
use std::{fmt, sync::Arc};

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
    let fault = |fault| database(&find.table.connection, fault, at);
    let plain = match &setting.grounds {
        Some(grounds) => grounds.nature(session, &find.table).await.map_err(fault)?.plain,
        None => false,
    };
    let rows = match plain {
        true => session.glance(&select, Limits::USUAL).await,
        false => session.select(&select, Limits::USUAL).await,
    };
    let rows = rows.map_err(fault)?;
    let facts = setting.facts_of(&find.table);
    let mut seen: Vec<Map> = rows.rows.iter().map(|row| facts.map_or_else(|| row.clone(), |f| f.seen(row))).collect();
    setting.veil.mark_seen(&find.table, &mut seen, setting);
    shaped(find.expect, seen, at, format_args!("`{}`", find.table))
}

/// The jobs that a `find` looks for, as rows.
pub async fn find_jobs(setting: &Setting, find: &Find, at: Span) -> Result<Value, Trouble> {
    grants::reads(setting, &find.table, at)?;
    let jobs = connection(setting, &find.table.connection)?;
    let Some(place) = Place::of(&find.table.table) else {
        let message = format!("`{}` is no place of jobs", find.table);
        return Err(Trouble::Step { message, at, help: Vec::new() });
    };
    let found = jobs.find(place, &find.conditions, &find.order, find.expect.fetch()).await;
    let found = found.map_err(|fault| database(&find.table.connection, fault, at))?;
    let facts = setting.facts_of(&find.table);
    let rows = found.jobs.into_iter().map(|job| {
        let row = facts.map_or(job.row.clone(), |facts| facts.seen(&job.row));
        if find.columns.is_empty() {
            return row;
        }
        row.into_iter().filter(|(name, _)| find.columns.contains(name)).collect()
    });
    shaped(find.expect, rows.collect(), at, format_args!("`{}`", find.table))
}

/// Jobs counted by some of their columns, the largest number first.
pub async fn tally(setting: &Setting, tally: &Tally, at: Span) -> Result<Value, Trouble> {
    let jobs = connection(setting, &tally.connection)?;
    let mut counts: IndexMap<String, (Map, i64)> = IndexMap::new();
    for place in &tally.places {
        let table = TableName { connection: tally.connection.clone(), table: place.word().into() };
        grants::reads(setting, &table, at)?;
        let found = jobs.find(*place, &tally.conditions, &[], usize::MAX).await;
        let found = found.map_err(|fault| database(&tally.connection, fault, at))?;
        for job in found.jobs {
            let of = |name: &Arc<str>| (name.clone(), job.row.get(name).cloned().unwrap_or(Value::NULL));
            let group: Map = tally.by.iter().map(of).collect();
            let key = crate::base::json::encode(&Value::from(group.clone()));
            counts.entry(key).or_insert((group, 0)).1 += 1;
        }
    }
    counts.sort_by(|a, (_, m), b, (_, n)| n.cmp(m).then_with(|| a.cmp(b)));
    let row = |(mut group, count): (Map, i64)| {
        group.insert("count".into(), count.into());
        Value::from(group)
    };
    Ok(Value::list(counts.into_values().map(row).collect::<Vec<_>>()))
}

/// `1 job`, `no job`.
pub fn jobs_summary(value: &Value) -> String {
    match value.as_list() {
        None if value.is_null() => "no job".into(),
        None => "1 job".into(),
        Some([]) => "no job".into(),
        Some([_]) => "1 job".into(),
        Some(all) => format!("{} jobs", all.len()),
    }
}

/// `12 jobs: 7 Dqt::UpdateTraineeJob 404, 5 …`, for people.
pub fn tally_summary(value: &Value) -> String {
    let rows = value.as_list().unwrap_or_default();
    let count = |row: &Value| row.get("count").and_then(|n| n.as_int()).unwrap_or(0);
    let total: i64 = rows.iter().map(count).sum();
    let one = |row: &Value| {
        let parts = row.as_map().into_iter().flatten().filter(|(name, _)| &***name != "count");
        let parts: Vec<String> = parts.map(|(_, value)| value.plain().into_owned()).collect();
        format!("{} {}", count(row), parts.join(" "))
    };
    let shown: Vec<String> = rows.iter().take(MOST_GROUPS).map(one).collect();
    let more = if rows.len() > MOST_GROUPS { ", …" } else { "" };
    match total {
        0 => "no job".into(),
        1 => format!("1 job: {}", shown.join(", ")),
        n => format!("{n} jobs: {}{more}", shown.join(", ")),
    }
}

/// More groups are not told in one line.
const MOST_GROUPS: usize = 5;

/// The rows of a free SELECT.
pub async fn query(session: &mut Session, query: &Query, setting: &Setting, at: Span) -> Result<Value, Trouble> {
    grants::statement(setting, &query.connection, &query.bound.sql, at)?;
    let statement = Statement { sql: query.bound.sql.clone(), binds: query.bound.binds.clone() };
    let limits = Limits { rows: query.expect.fetch().min(Limits::USUAL.rows), ..Limits::USUAL };
    let rows = match session.query(&statement, limits).await {
        Ok(rows) => rows.rows,
        // One row more than the author allows is his own expectation, not our limit.
        Err(fault) if fault.kind == FaultKind::TooMany && query.expect != Expect::Many => {
            return Err(missed(query.expect, limits.rows, true, at, "the query"));
        }
        Err(fault) => {
            let hidden = |cover: &mut Cover| query.bound.binds.iter().for_each(|bind| cover.add(bind, Marks::NONE));
            return Err(database(&query.connection, fault, at).covered(hidden));
        }
    };
    let facts = query.like.as_ref().and_then(|table| setting.facts_of(table));
    let mut seen: Vec<Map> = rows.iter().map(|row| facts.map_or_else(|| row.clone(), |f| f.seen(row))).collect();
    query.like.iter().for_each(|table| setting.veil.mark_seen(table, &mut seen, setting));
    shaped(query.expect, seen, at, format_args!("the query"))
}

/// One row, a row or null, or a list, as expected.
fn shaped(expect: Expect, rows: Vec<Map>, at: Span, what: fmt::Arguments<'_>) -> Result<Value, Trouble> {
    if !expect.allows(rows.len()) {
        return Err(missed(expect, rows.len(), rows.len() >= expect.fetch(), at, &what.to_string()));
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
