//! The tables that hold the names of enum columns, read: the project file says where they are, the database what they say.

use super::Failure;
use crate::{
    action::resolve::judge,
    base::{
        diagnostic::Diagnostic,
        shape::Word,
        time::Stamp,
        value::{Data, Value},
    },
    connection::{database::Database, statement::Select},
    effect::change::TableName,
    playbook::{
        lifecycle::{Stage, compare},
        model::Playbook,
        project::Project,
    },
    report::exit::Exit,
    table::{
        condition::Order,
        facts::{EnumNames, EnumTable, Facts},
    },
    template::{Expression, Scope},
};
use std::{collections::HashMap, sync::Arc};

/// So many names at most: it is a list that people know, not data.
const MOST: usize = 1000;

/// The project with the names of the tables that `wanted` speaks for; the very same where there are none.
pub async fn read(
    project: Arc<Project>,
    databases: &HashMap<Arc<str>, Database>,
    wanted: impl Fn(&TableName) -> bool,
) -> Result<Arc<Project>, Failure> {
    let unread: Vec<(TableName, String, EnumTable)> = project
        .tables()
        .filter(|(table, _)| databases.contains_key(&table.connection) && wanted(table))
        .flat_map(|(table, facts)| {
            let tables =
                facts.enums.iter().filter_map(|(column, names)| Some((column.to_owned(), names.from.clone()?)));
            tables.map(move |(column, from)| (table.clone(), column, from)).collect::<Vec<_>>()
        })
        .collect();
    if unread.is_empty() {
        return Ok(project);
    }
    let mut read = Project::clone(&project);
    for (table, column, from) in unread {
        let Some(database) = databases.get(&table.connection) else { continue };
        let names = names(database, &from).await.map_err(|why| match why {
            Failure::Refused { exit, message, help } => Failure::Refused {
                exit,
                message: format!("the names of `{table}.{column}` cannot be read: {message}"),
                help,
            },
            other => other,
        })?;
        let facts = read.connections.entries.iter_mut().find(|(word, _)| *word.text == *table.connection);
        let facts =
            facts.and_then(|(_, one)| one.tables.entries.iter_mut().find(|(word, _)| *word.text == *table.table));
        let place = facts.and_then(|(_, facts)| facts.enums.entries.iter_mut().find(|(word, _)| *word.text == *column));
        if let Some((_, place)) = place {
            *place = names;
        }
    }
    Ok(Arc::new(read))
}

/// The names that were read, for a plan that is shown where nobody reads them again: by table, by column.
pub fn kept(project: &Project) -> Option<Value> {
    let of_column = |names: &EnumNames| {
        Value::map(names.names.iter().map(|(name, stored)| (Arc::<str>::from(name), stored.clone())))
    };
    let read = |facts: &Facts| {
        let read = facts.enums.iter().filter(|(_, names)| names.from.is_some() && !names.is_unread());
        read.map(|(column, names)| (Arc::<str>::from(column), of_column(names))).collect::<Vec<_>>()
    };
    let tables = project.tables().map(|(table, facts)| (Arc::from(table.to_string()), read(facts)));
    let tables: Vec<(Arc<str>, Value)> = tables
        .filter(|(_, columns)| !columns.is_empty())
        .map(|(table, columns)| (table, Value::map(columns)))
        .collect();
    (!tables.is_empty()).then(|| Value::map(tables))
}

/// The names that a plan kept, in the project that it carries.
pub fn with_kept(project: &mut Project, kept: &Value) {
    for (connection, one) in &mut project.connections.entries {
        for (table, facts) in &mut one.tables.entries {
            let name = format!("{}.{}", connection.text, table.text);
            let Some(columns) = kept.as_map().and_then(|tables| tables.get(name.as_str())?.as_map()) else { continue };
            for (column, place) in &mut facts.enums.entries {
                let Some(names) = columns.get(&column.text).and_then(Value::as_map) else { continue };
                place.names.entries = names
                    .iter()
                    .map(|(name, stored)| (Word { text: name.clone(), span: column.span }, stored.clone()))
                    .collect();
            }
        }
    }
}

async fn names(database: &Database, from: &EnumTable) -> Result<EnumNames, Failure> {
    let failed =
        |fault: crate::connection::fault::Fault| Failure::refused(Exit::Failed, fault.to_string()).help(fault.help());
    let columns: Vec<Arc<str>> =
        [&from.name, &from.value].into_iter().chain(&from.order).map(|w| w.text.clone()).collect();
    let order = from.order.as_ref().unwrap_or(&from.name);
    let select = Select {
        table: from.from.as_str(),
        columns: &columns,
        conditions: &[],
        order: &[Order { column: order.text.clone(), descending: false }],
        limit: None,
    };
    let mut names = EnumNames { from: Some(from.clone()), ..EnumNames::default() };
    let mut odd = None;
    let mut reading = database.reading().await.map_err(failed)?;
    let done = reading
        .select_each(&select, &mut |row| {
            let of = |column: &str| row.get(column).cloned().unwrap_or(Value::NULL);
            let name = of(from.name.as_str());
            let Some(text) = name.as_str().filter(|_| names.names.entries.len() < MOST) else {
                odd = Some(format!("`{}.{}` holds {}", from.from.as_str(), from.name.as_str(), name.kind()));
                return false;
            };
            let word = Word { text: text.into(), span: from.name.span };
            if let Some(order) = &from.order {
                names.order.push((word.text.clone(), of(order.as_str())));
            }
            names.names.entries.push((word, of(from.value.as_str())));
            true
        })
        .await;
    reading.close().await;
    if let Some(odd) = odd {
        return Err(Failure::refused(Exit::Failed, odd));
    }
    done.map_err(failed)?;
    if names.names.entries.is_empty() {
        return Err(Failure::refused(Exit::Failed, format!("`{}` has no rows", from.from.as_str())));
    }
    Ok(names)
}

/// The states of a playbook's lifecycle, each with its place in the order: that of the table of states, else that of the playbook.
pub fn order(playbook: &Playbook, project: &Project) -> Vec<(Arc<str>, Value)> {
    let Some(lifecycle) = &playbook.lifecycle else { return Vec::new() };
    let names = TableName::parse(lifecycle.table.as_str())
        .and_then(|table| project.facts(&table)?.enums.get(lifecycle.state.as_str()));
    match names {
        Some(names) if !names.order.is_empty() => names.order.clone(),
        _ => {
            let numbered = lifecycle.states().into_iter().zip(1_i64..);
            numbered.map(|(word, number)| (word.text.clone(), Data::Int(number).into())).collect()
        }
    }
}

/// What is known without a run and a record: the values of an environment.
pub fn scope(project: &Project, environment: &str, now: Stamp) -> Scope {
    let vars = project.environments.get(environment).map(|one| &one.vars);
    let env = Value::map(vars.into_iter().flat_map(|vars| vars.iter()).map(|(name, value)| (name, value.clone())));
    Scope::new().with("env", env).with_now(now)
}

/// What the target knows otherwise than the playbook's lifecycle; nothing where nobody knows which states it knows.
pub fn unlike(playbook: &Playbook, project: &Project, scope: &Scope) -> Option<Diagnostic> {
    let lifecycle = playbook.lifecycle.as_ref()?;
    let table = TableName::parse(lifecycle.table.as_str())?;
    let names = project.facts(&table)?.enums.get(lifecycle.state.as_str())?;
    if names.from.is_none() || names.is_unread() {
        return None;
    }
    compare(lifecycle, names, &|stage| is_off(stage, scope))
}

/// The stage is left out in every record: its `when:` looks at no record, and is false.
pub fn is_off(stage: &Stage, scope: &Scope) -> bool {
    let Some(when) = stage.when.as_ref().and_then(|when| Expression::compile(when).ok()) else { return false };
    judge(&when, scope).is_ok_and(|judgement| judgement.holds == Some(false))
}
