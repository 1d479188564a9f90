//! A free writing statement, with its row images where they can be had: run it once inside a savepoint to learn the keys
//! it touches, take that back, lock and read those rows, run it for good, read them again.

use super::{
    carry_out::{Carried, also},
    question::database,
    setting::Setting,
    trouble::{Missed, Trouble},
};
use crate::{
    action::deed::Statement as Deed,
    base::{
        source::Span,
        value::{Map, Value},
    },
    connection::{
        fault::Fault,
        handle::Changing,
        sql_rules::{self, Class},
        statement::{Limits, Statement},
    },
    effect::change::{RowChange, TableName},
    table::facts::Facts,
};
use std::sync::Arc;

/// Runs the statement in the transaction of `changing`.
pub async fn run(changing: &mut Changing, deed: &Deed, setting: &Setting, at: Span) -> Result<Carried, Trouble> {
    let fault = |fault: Fault| database(&deed.connection, fault, at);
    let statement = Statement { sql: deed.bound.sql.clone(), binds: deed.bound.binds.clone() };
    let touched = changing.touched().await.map_err(fault)?;
    let images = match target(deed, setting) {
        Some((table, facts)) => Some(before(changing, &statement, table, facts, deed, at).await?),
        None => None,
    };
    let rows = changing.execute(&statement).await.map_err(fault)?;
    if !deed.touches.allows(usize::try_from(rows).unwrap_or(usize::MAX)) {
        let message = format!("the statement touches {rows} rows, expected {}", deed.touches.words());
        return Err(Trouble::Missed(Missed { message, seen: Vec::new(), at }));
    }
    let mut carried = Carried::default();
    if let Some(mut changes) = images {
        for change in &mut changes {
            let names: Vec<Arc<str>> = change.key.keys().cloned().collect();
            let key = change.key.values().cloned().collect();
            let row = changing
                .lock_and_read(&change.table.table, &names, &[key])
                .await
                .map_err(fault)?
                .into_iter()
                .next()
                .flatten();
            change.after = row.map(|row| setting.facts_of(&change.table).map_or(row.clone(), |f| f.marked(&row)));
        }
        carried.changes = changes;
    }
    changing.check_deferred().await.map_err(fault)?;
    let after = changing.touched().await.map_err(fault)?;
    carried.also = also(&touched, &after, &carried.changes, &deed.connection);
    Ok(carried)
}

/// The one declared table that the statement writes.
fn target<'a>(deed: &Deed, setting: &'a Setting) -> Option<(TableName, &'a Facts)> {
    let dialect = setting.database(&deed.connection)?.dialect();
    let verdict = sql_rules::judge(&deed.bound.sql, dialect);
    let single = matches!(verdict.class, Class::Insert | Class::Update | Class::Delete) && verdict.writes.len() == 1;
    let table: Arc<str> = verdict.writes.into_iter().next().filter(|_| single)?.into();
    let name = TableName { connection: deed.connection.clone(), table };
    let facts = setting.facts_of(&name)?;
    let returns = deed.bound.sql.to_lowercase().contains("returning");
    (!returns).then_some((name, facts))
}

/// The rows that the statement will touch, as they are before it.
async fn before(
    changing: &mut Changing,
    statement: &Statement,
    table: TableName,
    facts: &Facts,
    deed: &Deed,
    at: Span,
) -> Result<Vec<RowChange>, Trouble> {
    let fault = |fault: Fault| database(&deed.connection, fault, at);
    let names = facts.key_columns();
    let quoted: Vec<_> = names.iter().map(|n| format!("\"{}\"", n.replace('"', "\"\""))).collect();
    let sql = format!("{} returning {}", statement.sql.trim_end().trim_end_matches(';'), quoted.join(", "));
    let savepoint = changing.savepoint().await.map_err(fault)?;
    let limits = Limits { rows: deed.touches.most as usize + 1, ..Limits::USUAL };
    let keys = changing.query(&Statement { sql, binds: statement.binds.clone() }, limits).await;
    changing.rollback_to(savepoint).await.map_err(fault)?;
    let keys: Vec<Map> = keys.map_err(fault)?.rows;
    let values: Vec<Vec<Value>> =
        keys.iter().map(|k| names.iter().map(|n| k.get(n).cloned().unwrap_or(Value::NULL)).collect()).collect();
    let rows = changing.lock_and_read(&table.table, &names, &values).await.map_err(fault)?;
    let make = |(key, row): (Map, Option<Map>)| RowChange {
        table: table.clone(),
        key,
        before: row.map(|r| facts.marked(&r)),
        after: None,
        by_rule: false,
        stamps: facts.stamp().map(Arc::from).into_iter().collect(),
    };
    Ok(keys.into_iter().zip(rows).map(make).collect())
}
