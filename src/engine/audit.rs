//! The application's own audit row, written in the same transaction as the change, computed from its images.

use super::setting::Setting;
use crate::{
    base::{
        json::Json,
        source::Span,
        value::{Data, Map, Marks, Value},
        yaml::Node,
    },
    connection::{fault::Fault, handle::Changing, statement::SetTo},
    effect::change::{Deed, RowChange, TableName},
    table::{
        audit::{AuditEvent, AuditRule},
        condition::Condition,
        facts::{AuditFacts, AuditUse, Facts},
    },
    template::Scope,
};
use std::sync::Arc;

/// Why no audit row could be written.
pub enum AuditTrouble {
    /// The rule's expressions or facts do not fit.
    Rule(String, Span),
    /// The database refused it.
    Database(Fault),
}

impl From<Fault> for AuditTrouble {
    fn from(fault: Fault) -> AuditTrouble {
        AuditTrouble::Database(fault)
    }
}

/// Where the audit rows of a table go, if it has a rule.
pub fn table_of(setting: &Setting, table: &TableName) -> Option<TableName> {
    let Some(Facts { audit: Some(AuditUse::Rule(facts)), .. }) = setting.facts_of(table) else { return None };
    let rule = setting.project.audits.get(facts.rule.as_str())?;
    Some(TableName { connection: table.connection.clone(), table: rule.table.text.clone() })
}

/// Writes the audit row of one change, if its table has a rule that covers it. With `alone`, nothing else touches the audit row. Gives the audit row as a change by rule.
pub async fn write(
    changing: &mut Changing,
    setting: &Setting,
    change: &RowChange,
    alone: bool,
) -> Result<Option<RowChange>, AuditTrouble> {
    let Some(Due { rule, scope, table }) = due(setting, change)? else { return Ok(None) };
    let values = values(changing, rule, &scope, &table, &change.key).await?;
    let key = key_of(setting, &table);
    let (key, after) = if alone {
        let row = changing.insert_whole(&table.table, &values).await?;
        (of_row(key, &row), Some(row))
    } else {
        let key = changing.insert(&table.table, &key, &values).await?;
        let names: Vec<Arc<str>> = key.keys().cloned().collect();
        let found = changing.lock_and_read(&table.table, &names, &[key.values().cloned().collect()]).await?;
        (key, found.into_iter().next().flatten())
    };
    Ok(Some(written(setting, change, table, &values, key, after)))
}

/// What an audit row is made of.
struct Due<'a> {
    rule: &'a AuditRule,
    scope: Scope,
    table: TableName,
}

/// The rule that covers a change, and what its expressions know.
fn due<'a>(setting: &'a Setting, change: &RowChange) -> Result<Option<Due<'a>>, AuditTrouble> {
    let Some(Facts { audit: Some(AuditUse::Rule(facts)), .. }) = setting.facts_of(&change.table) else {
        return Ok(None);
    };
    let Some(rule) = setting.project.audits.get(facts.rule.as_str()) else {
        return Err(AuditTrouble::Rule(
            format!("the project file has no audit rule `{}`", facts.rule.as_str()),
            facts.rule.span,
        ));
    };
    let event = match change.deed() {
        Deed::Insert => AuditEvent::Create,
        Deed::Update => AuditEvent::Update,
        Deed::Delete => AuditEvent::Destroy,
        Deed::Nothing => return Ok(None),
    };
    if !rule.events.is_empty() && !rule.events.contains(&event) {
        return Ok(None);
    }
    let changes = changes(change, rule, event);
    if changes.is_empty() && rule.skip_when_unchanged == Some(true) {
        return Ok(None);
    }
    let scope = scope(setting, change, facts, event, changes);
    let table = TableName { connection: change.table.connection.clone(), table: rule.table.text.clone() };
    Ok(Some(Due { rule, scope, table }))
}

/// An audit row that can be made without asking the database.
pub struct Ready {
    /// Where it goes.
    pub table: TableName,
    /// What is in it.
    pub values: Vec<(Arc<str>, SetTo)>,
}

/// The audit row of one change, if it hangs on nothing but this.
pub fn ready(setting: &Setting, change: &RowChange) -> Result<Option<Ready>, AuditTrouble> {
    let Some(Due { rule, scope, table }) = due(setting, change)? else { return Ok(None) };
    let (values, running) = plain_values(rule, &scope)?;
    let certain = |(_, to): &(Arc<str>, SetTo)| match to {
        SetTo::Value(value) => !value.is_unknown(),
        SetTo::DatabaseNow => true,
    };
    Ok(Some(Ready { table, values }).filter(|ready| running.is_empty() && ready.values.iter().all(certain)))
}

/// It was written, and is this row now.
pub fn was_written(setting: &Setting, change: &RowChange, ready: Ready, row: Map) -> RowChange {
    let key = of_row(key_of(setting, &ready.table), &row);
    written(setting, change, ready.table, &ready.values, key, Some(row))
}

fn key_of(setting: &Setting, table: &TableName) -> Vec<Arc<str>> {
    setting.facts_of(table).map_or_else(|| vec![Arc::from("id")], Facts::key_columns)
}

fn of_row(key: Vec<Arc<str>>, row: &Map) -> Map {
    key.into_iter().filter_map(|name| Some((name.clone(), row.get(&name)?.clone()))).collect()
}

/// The audit row as a change by rule.
fn written(
    setting: &Setting,
    change: &RowChange,
    table: TableName,
    values: &[(Arc<str>, SetTo)],
    key: Map,
    after: Option<Map>,
) -> RowChange {
    let mut written = RowChange { table, key, before: None, after, by_rule: true, stamps: Vec::new() };
    mark(&mut written, change, setting);
    // The number of a new row is only known at apply, in its audit row too.
    let numbers = values
        .iter()
        .filter(|(_, to)| matches!(to, SetTo::Value(v) if v.marks.has(Marks::CLOCK) && matches!(v.data, Data::Int(_))));
    for (column, _) in numbers {
        if let Some(value) = written.after.as_mut().and_then(|after| after.get_mut(column)) {
            value.marks |= Marks::CLOCK;
        }
    }
    written
}

/// What is personal in the audited table is personal in its audit row, and what comes from the clock stays so.
fn mark(written: &mut RowChange, change: &RowChange, setting: &Setting) {
    let facts = setting.facts_of(&written.table);
    let hides = |marks: Marks| marks.among(Marks::HIDDEN) != Marks::NONE;
    let personal = setting.facts_of(&change.table).is_some_and(|f| {
        change.differing().iter().any(|(c, old, new)| hides(f.marks(c) | old.all_marks() | new.all_marks()))
    });
    if let Some(after) = &mut written.after {
        for (column, value) in after.iter_mut() {
            value.marks |= facts.map_or(Marks::NONE, |f| f.marks(column));
            if personal && matches!(value.data, Data::Json(_)) {
                value.marks |= Marks::PERSONAL;
            }
            if matches!(value.data, Data::Timestamp(_) | Data::Instant(_)) {
                value.marks |= Marks::CLOCK;
            }
        }
    }
}

/// Column → [old, new] of an update, column → value of a created or destroyed row; omitted columns left out.
fn changes(change: &RowChange, rule: &AuditRule, event: AuditEvent) -> Map {
    let omitted = |column: &str| rule.omit.iter().any(|w| w.as_str() == column);
    match event {
        AuditEvent::Update => change
            .differing()
            .into_iter()
            .filter(|(column, ..)| !omitted(column) && !change.stamps.contains(column))
            .map(|(column, old, new)| (column, Value::list([audited(old), audited(new)])))
            .collect(),
        AuditEvent::Create | AuditEvent::Destroy => {
            let row = change.after.as_ref().or(change.before.as_ref());
            row.into_iter()
                .flatten()
                .filter(|(c, _)| !omitted(c))
                .map(|(c, v)| (c.clone(), audited(v.clone())))
                .collect()
        }
    }
}

/// As the gem `audited` writes it: times as ISO 8601 in UTC with three decimals, everything else as JSON has it.
fn audited(value: Value) -> Value {
    match value.data {
        Data::Timestamp(stamp) | Data::Instant(stamp) if stamp.is_finite() => {
            let millis = crate::base::time::Stamp { micros: stamp.micros, digits: 3 };
            Value::text(format!("{millis}Z"))
        }
        _ => value,
    }
}

fn scope(setting: &Setting, change: &RowChange, facts: &AuditFacts, event: AuditEvent, changes: Map) -> Scope {
    let row = change.after.clone().or_else(|| change.before.clone()).unwrap_or_default();
    let associated = facts.associated.as_ref().map_or(Value::NULL, |a| {
        Value::map([
            ("type", Value::text(a.kind.text.clone())),
            ("id", row.get(a.id.as_str()).cloned().unwrap_or(Value::NULL)),
        ])
    });
    let missing = Value::map([("type", Value::NULL), ("id", Value::NULL)]);
    let associated = if associated.is_null() { missing } else { associated };
    let audit = Value::map([("type", Value::text(facts.kind.text.clone())), ("associated", associated)]);
    setting
        .scope()
        .with("event", event.word().into())
        .with("changes", Data::Json(Arc::new(Json::of(changes.into()))).into())
        .with("row", row.into())
        .with("audit", audit)
        .with_now(setting.world.now())
}

/// Columns, and what they are set to.
type Values = Vec<(Arc<str>, SetTo)>;

/// A running number: its column, of what, and the recipe.
type Running<'a> = (Arc<str>, &'a Node, &'a Node);

/// What stands in it without the running numbers, and these.
fn plain_values<'a>(rule: &'a AuditRule, scope: &Scope) -> Result<(Values, Vec<Running<'a>>), AuditTrouble> {
    let mut values: Vec<(Arc<str>, SetTo)> = Vec::new();
    let mut running = Vec::new();
    for (column, recipe) in &rule.row.entries {
        let node: &Node = recipe;
        if let Some(of) = node.get("next_of") {
            running.push((column.text.clone(), of, node));
            continue;
        }
        if let Node::Scalar(scalar) = node
            && scalar.text.chars().filter(|c| *c != ' ').eq("{{now()}}".chars())
        {
            values.push((column.text.clone(), SetTo::DatabaseNow));
            continue;
        }
        let tree = recipe
            .tree()
            .ok_or_else(|| AuditTrouble::Rule(format!("`{}` cannot be read", column.as_str()), column.span))?;
        let value = tree.evaluate(scope).map_err(|f| AuditTrouble::Rule(f.message, column.span))?.value;
        values.push((column.text.clone(), SetTo::Value(value)));
    }
    Ok((values, running))
}

async fn values(
    changing: &mut Changing,
    rule: &AuditRule,
    scope: &Scope,
    table: &TableName,
    row: &Map,
) -> Result<Values, AuditTrouble> {
    let (mut values, running) = plain_values(rule, scope)?;
    // Running numbers last: they count within the columns above.
    for (column, of, node) in running {
        let of_value = |name: &str| {
            let found = values.iter().find(|(column, _)| **column == *name)?;
            if let SetTo::Value(v) = &found.1 { Some(Condition::is(found.0.clone(), v.clone())) } else { None }
        };
        let names: Vec<Value> = per(node).collect();
        let per: Vec<Condition> = names.iter().filter_map(|name| of_value(name.as_str()?)).collect();
        let of = of.value();
        let crowded = !row.keys().all(|column| names.iter().any(|name| is_of_row(rule, name, column)));
        let next = changing.next_of(&table.table, of.as_str().unwrap_or(&column), &per, crowded).await?;
        values.push((column, SetTo::Value(next)));
    }
    Ok(values)
}

/// The names of the columns within which a number is counted on.
fn per(node: &Node) -> impl Iterator<Item = Value> {
    let nodes = node.get("per").and_then(|n| if let Node::List(nodes, _) = n { Some(nodes) } else { None });
    nodes.into_iter().flatten().map(Node::value)
}

/// Whether a column of the audit row is this column of the row that was changed, and nothing else. Who counts within the whole key of a row
/// counts alone: the row is locked.
fn is_of_row(rule: &AuditRule, name: &Value, column: &str) -> bool {
    let recipe = rule.row.entries.iter().find(|(own, _)| Some(own.as_str()) == name.as_str()).map(|(_, recipe)| recipe);
    let Some(recipe) = recipe else { return false };
    let node: &Node = recipe;
    matches!(node, Node::Scalar(scalar) if scalar.text.replace(' ', "") == format!("{{{{row.{column}}}}}"))
}
