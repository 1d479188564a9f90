//! How many items go at the same time: what the playbook says, except where they would only stand in line for a SQLite file.

use crate::{
    action::{kinds::Act, resolve::Known, row::RowSpec, step::Step},
    connection::database::Database,
    effect::change::TableName,
    engine::{
        sets::{coupled, own},
        setting::Setting,
    },
    template::Dialect,
};
use std::{collections::BTreeSet, sync::Arc};

/// At the same time, unless the playbook says otherwise.
const AT_ONCE: usize = 4;

/// So many items of this run are carried out at the same time.
pub fn at_once(setting: &Setting) -> usize {
    // Where an item reads what others change, only the author can say that it does not matter which of them comes first. What is taken back
    // is read by its key.
    let alone = setting.outline.scope.is_none() && own::sees_others(setting).is_some();
    most(setting, if alone { 1 } else { AT_ONCE })
}

/// So many items are tried out at the same time: none sees what another one would do. What one would write to is locked until it is taken back:
/// with two files each of two items could hold one and wait for the other.
pub fn tried_at_once(setting: &Setting) -> usize {
    // Through a constraint one would wait for another one, or both for each other.
    let wait = setting.built.get().is_some() && coupled::are_coupled(setting);
    if wait || files(setting).len() > 1 { 1 } else { most(setting, AT_ONCE) }
}

fn most(setting: &Setting, unsaid: usize) -> usize {
    let said = setting.playbook.limits.as_ref().and_then(|limits| limits.concurrency.as_ref());
    let said = said.map_or(unsaid, |n| n.value as usize);
    let files = files(setting).len();
    // A SQLite file takes one writer at a time. Where nothing is waited for but the file, several would only stand in line for it.
    if files > 0 && !steps(setting).into_iter().any(waits_elsewhere) { 1 } else { said }
}

/// All steps, also those of the playbooks that it calls.
fn steps(setting: &Setting) -> Vec<&Step> {
    let called = setting.called.values().map(|playbook| &**playbook);
    let mut all = Vec::new();
    for playbook in std::iter::once(&*setting.playbook).chain(called) {
        for (_, steps) in playbook.sections() {
            steps.iter().for_each(|step| step.each(&mut |one| all.push(one)));
        }
    }
    all
}

/// The SQLite files that the steps of this run write to. That a playbook may write somewhere does not mean that this run of it does:
/// of a lifecycle some tables are written by its operations alone.
fn files(setting: &Setting) -> BTreeSet<Arc<str>> {
    let written: BTreeSet<Arc<str>> = match setting.outline.scope {
        // What is taken back stands in the records of the other run.
        Some(_) => setting.written().map(|database| database.name().clone()).collect(),
        None => steps(setting).into_iter().filter_map(|step| written_by(step, setting)).collect(),
    };
    let is_file =
        |name: &Arc<str>| setting.database(name).is_some_and(|database| database.dialect() == Dialect::Sqlite);
    written.into_iter().filter(is_file).collect()
}

fn written_by(step: &Step, setting: &Setting) -> Option<Arc<str>> {
    let of_table = |table: &str| TableName::parse(table).map(|table| table.connection);
    match &step.act {
        Act::Row(RowSpec { table: Some(table), .. }) => of_table(table.as_str()),
        // The row that another step found; where that is not known, it may be any.
        Act::Row(RowSpec { of: Some(of), .. }) => match setting.found_in(of.as_str()) {
            Some(table) => Some(table.connection),
            None => setting.written().map(Database::name).next().cloned(),
        },
        Act::Rows(rows) => of_table(rows.table.as_str()),
        Act::Sql(sql) => Some(sql.db.text.clone()),
        _ => None,
    }
}

/// Something else than a database is waited for: others can go on meanwhile.
fn waits_elsewhere(step: &Step) -> bool {
    match step.act {
        Act::Http(_) | Act::Resource(_) | Act::Job(_) | Act::Tally(_) | Act::Command(_) | Act::Wait(_) => true,
        Act::Find(_) | Act::Query(_) | Act::Row(_) | Act::Rows(_) | Act::Sql(_) => false,
        Act::Compare(_) | Act::Assert(_) | Act::Let(_) | Act::Block(_) | Act::Choose(_) => false,
        Act::Use(_) | Act::Call(_) | Act::Undo(_) | Act::End(_) => false,
        // A message is put down, and an item that asks a person rests: neither keeps others waiting.
        Act::Tell(_) | Act::Ask(_) => false,
    }
}
