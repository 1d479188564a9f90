//! The role that writes may do what the playbook does: found out before the first plan is in a hurry.

use crate::{
    action::{
        kinds::Act,
        row::{Ensure, RowSpec},
    },
    base::diagnostic::{Code, Diagnostic, Diagnostics},
    check::{
        facts::tables_written,
        scene::{Role, Scene, Visit, writes},
    },
    connection::sql_rules::Class,
    effect::change::TableName,
    table::rights::Rights,
    template::Dialect,
};
use std::collections::BTreeSet;

/// A right that is missing.
pub static NO_RIGHT: Code = Code {
    id: "E0422",
    title: "a change that the role may not make",
    explain: "`trueup check --env NAME` asks the live database what the role of `url` may do. This step needs a right that it does not have, so \
        that its first plan would fail. The help line is what a DBA has to run. Rows are locked before they are changed or looked at again: \
        PostgreSQL wants the right to UPDATE at least one column for that, also where rows are only added.",
};

/// Nothing can be changed there.
pub static NO_WRITES: Code = Code {
    id: "E0423",
    title: "a database that takes no writes",
    explain: "The playbook changes tables of this connection, and in the environment that was asked nothing can be changed through it: the server is a \
        replica, the role is read-only, or the file may not be written. `read_url` may be a replica or a role that only reads; `url` must lead to \
        the primary, with a role that may write.",
};

/// All codes of this file.
pub static CODES: &[&Code] = &[&NO_RIGHT, &NO_WRITES];

/// What a step does to a table.
#[derive(Default)]
struct Wants {
    insert: bool,
    delete: bool,
    /// Columns, as far as they are known.
    update: BTreeSet<String>,
    /// Rows are locked, or columns are changed that the text does not name.
    some_update: bool,
}

/// Looks at every write.
pub fn look(scene: &Scene<'_>, problems: &mut Diagnostics) {
    for (word, _) in scene.playbook.uses.entries.iter().filter(|(_, uses)| !uses.write.is_empty()) {
        let Some(survey) = scene.knowledge.surveys.get(word.as_str()) else { continue };
        let why = survey.not_writable.clone().or_else(|| survey.replica.then(|| "it is a replica".into()));
        if let Some(why) = why {
            let message = format!("`{}` takes no writes: {why}", word.as_str());
            problems.push(
                Diagnostic::error(&NO_WRITES, word.span, message).help(
                    "give `url` the primary and a role that may write; of a file, also its folder must be writable",
                ),
            );
        }
    }
    for visit in scene.visits.iter().filter(|v| v.role != Role::Probe && writes(v.step)) {
        for (index, table) in tables_written(scene, visit).iter().enumerate() {
            let Some(survey) = scene.knowledge.surveys.get(&table.connection) else { continue };
            let Some(rights) = survey.rights.get(&table.table) else { continue };
            let wants = if index == 0 || matches!(visit.step.act, Act::Sql(_)) {
                of_step(scene, visit, table)
            } else {
                Wants { insert: true, some_update: true, ..Wants::default() }
            };
            let key = scene.facts(table).and_then(|facts| facts.key_columns().into_iter().next());
            let lacks = lacking(&wants, rights, key.as_deref().unwrap_or("id"));
            if !lacks.is_empty() {
                let (role, lacks) = (&survey.role, lacks.join(", "));
                let whom = account(role, scene.dialect(&table.connection));
                problems.push(
                    Diagnostic::error(
                        &NO_RIGHT,
                        visit.step.act_at,
                        format!("`{role}` lacks a right on `{table}`: {lacks}"),
                    )
                    .help(format!("`grant {lacks} on {} to {whom}`", table.table)),
                );
            }
        }
    }
}

/// A role as GRANT writes it: an account of MySQL is a user at a host.
fn account(role: &str, dialect: Dialect) -> String {
    match role.rsplit_once('@') {
        Some((user, host)) if dialect == Dialect::Mysql => format!("'{user}'@'{host}'"),
        _ => role.to_owned(),
    }
}

fn of_step(scene: &Scene<'_>, visit: &Visit<'_>, table: &TableName) -> Wants {
    match &visit.step.act {
        Act::Row(row) => of_row(scene, row, table),
        Act::Rows(rows) => {
            let mut wants = Wants { some_update: true, ..Wants::default() };
            wants.update.extend(rows.set.names().map(str::to_owned));
            wants
        }
        _ => match visit.sql.as_ref().map(|sql| sql.class) {
            Some(Class::Insert) => Wants { insert: true, some_update: true, ..Wants::default() },
            Some(Class::Delete) => Wants { delete: true, some_update: true, ..Wants::default() },
            Some(Class::Update) => Wants { some_update: true, ..Wants::default() },
            _ => Wants::default(),
        },
    }
}

fn of_row(scene: &Scene<'_>, row: &RowSpec, table: &TableName) -> Wants {
    let mut wants = Wants { some_update: true, ..Wants::default() };
    if row.ensure == Some(Ensure::Absent) {
        wants.delete = true;
        return wants;
    }
    wants.insert = row.create.is_some();
    wants.update.extend(row.set.names().chain(row.also.iter().flat_map(|also| also.set.names())).map(str::to_owned));
    if row.updated_at.is_none() {
        wants.update.extend(scene.facts(table).and_then(|facts| facts.stamp()).map(str::to_owned));
    }
    wants
}

/// The missing rights as GRANT writes them. `key`: a column whose right to UPDATE is enough to lock rows.
fn lacking(wants: &Wants, rights: &Rights, key: &str) -> Vec<String> {
    let mut lacks: Vec<String> = Vec::new();
    if wants.insert && !rights.insert {
        lacks.push("insert".into());
    }
    if wants.delete && !rights.delete {
        lacks.push("delete".into());
    }
    let columns: Vec<&str> =
        wants.update.iter().map(String::as_str).filter(|column| !rights.update.contains(*column)).collect();
    if !columns.is_empty() {
        lacks.push(format!("update ({})", columns.join(", ")));
    } else if wants.some_update && rights.update.is_empty() {
        lacks.push(format!("update ({key})"));
    }
    if !rights.select {
        lacks.push("select".into());
    }
    lacks
}
