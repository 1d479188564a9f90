//! What the rules found out about each step, for the stages after: tables, writes, recovery.

use super::{
    checked::{Section, StepFacts},
    rules::lost_answer::recovery,
    scene::{Scene, Visit, connection_of, reads, writes},
};
use crate::{
    action::{kinds::Act, resource::KindOf},
    connection::sql_rules::{Class, Verdict},
    effect::change::TableName,
    table::facts::AuditUse,
};
use std::sync::Arc;

/// The parser could not tell what the statement does.
pub fn is_opaque(verdict: &Verdict) -> bool {
    verdict.class == Class::NotUnderstood
}

/// The tables that a step asks (not those that it locks in order to change them).
pub fn tables_read(scene: &Scene<'_>, visit: &Visit<'_>) -> Vec<TableName> {
    match &visit.step.act {
        Act::Resource(spec) if spec.is_read() => declared(scene, visit),
        Act::Find(_) => scene.table(visit.step).into_iter().collect(),
        Act::Query(query) => of_sql(&query.db.text, visit.sql.iter().flat_map(|sql| &sql.reads)),
        Act::Tally(tally) => tally.tables.iter().filter_map(|word| TableName::parse(word.as_str())).collect(),
        Act::Job(job) => of_jobs(&job.queue.text, job.tables_read()),
        Act::Sql(sql) => {
            of_sql(&sql.db.text, visit.sql.iter().flat_map(|verdict| verdict.reads.difference(&verdict.writes)))
        }
        _ => Vec::new(),
    }
}

/// The tables that a step changes, the audit table of their rule among them.
pub fn tables_written(scene: &Scene<'_>, visit: &Visit<'_>) -> Vec<TableName> {
    let (tables, audited) = match &visit.step.act {
        Act::Row(row) => (scene.table(visit.step).into_iter().collect(), row.audit.is_none()),
        Act::Rows(rows) => (scene.table(visit.step).into_iter().collect(), rows.audit.is_none()),
        Act::Sql(sql) => (of_sql(&sql.db.text, visit.sql.iter().flat_map(|verdict| &verdict.writes)), false),
        Act::Resource(spec) if !spec.is_read() => (declared(scene, visit), false),
        Act::Job(job) => (of_jobs(&job.queue.text, job.tables_written()), false),
        _ => (Vec::new(), false),
    };
    let audit = |table: &TableName| {
        let Some(AuditUse::Rule(rule)) = scene.facts(table)?.audit.as_ref() else { return None };
        let rule = scene.project.audits.get(rule.rule.as_str())?;
        Some(TableName { connection: table.connection.clone(), table: rule.table.text.clone() })
    };
    let audits: Vec<TableName> = if audited { tables.iter().filter_map(audit).collect() } else { Vec::new() };
    tables.into_iter().chain(audits).collect()
}

/// The resource of a step, where the project file declares its kind.
fn declared(scene: &Scene<'_>, visit: &Visit<'_>) -> Vec<TableName> {
    let resource = scene.resource(visit.step).filter(|(spec, ..)| matches!(spec.kind(), Some(KindOf::Named(_))));
    resource.into_iter().map(|(.., table)| table).collect()
}

fn of_jobs(connection: &Arc<str>, tables: Vec<&'static str>) -> Vec<TableName> {
    tables.into_iter().map(|table| TableName { connection: connection.clone(), table: table.into() }).collect()
}

fn of_sql<'a>(connection: &Arc<str>, tables: impl Iterator<Item = &'a String>) -> Vec<TableName> {
    tables.map(|table| TableName { connection: connection.clone(), table: table.as_str().into() }).collect()
}

/// The facts of every step, by the place of its action.
pub fn all(scene: &Scene<'_>) -> Vec<(usize, StepFacts)> {
    scene.visits.iter().map(|visit| (visit.step.act_at.start, of_visit(scene, visit))).collect()
}

fn of_visit(scene: &Scene<'_>, visit: &Visit<'_>) -> StepFacts {
    let connection = connection_of(visit.step)
        .map(|(name, _)| name.into())
        .or_else(|| scene.table(visit.step).map(|table| table.connection));
    debug_assert!(!(reads(visit.step) && writes(visit.step)), "a step either looks or changes");
    let section: Section = visit.section;
    StepFacts {
        path: visit.path.clone(),
        section,
        writes: writes(visit.step),
        connection,
        tables_read: tables_read(scene, visit),
        tables_written: tables_written(scene, visit),
        recovery: recovery(scene, visit),
        together: visit.transaction.is_some(),
    }
}
