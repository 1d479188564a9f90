//! The project's databases behind its mocks: an API that plays along changes the very tables that the playbook looks at.

use super::Surroundings;
use crate::{
    base::value::{Map, Value},
    connection::{
        database::Database,
        fault::Fault,
        statement::{Limits, Select, SetTo},
    },
    effect::change::TableName,
    mock::behind::{Behind, Deed, Look, Pending, RowDeed},
    playbook::project::Project,
    table::{
        catalogue::Table,
        condition::{Condition, Order, Test},
        facts::Facts,
    },
};
use std::{
    collections::HashMap,
    path::Path,
    sync::{Arc, OnceLock},
};
use tokio::sync::Mutex;

/// The databases of one environment. Enum columns have their names, as in playbooks; no rule of audit, no stamp: an
/// application does what its mock says, and nothing else.
#[derive(Clone, Debug)]
pub struct Databases {
    /// With the names that stand in tables, as far as they were needed.
    project: Arc<Mutex<Arc<Project>>>,
    databases: HashMap<Arc<str>, Database>,
}

/// A mock changes no more rows at once.
const MOST: usize = 10_000;

impl Databases {
    /// Behind all mocks of an environment.
    pub fn new(project: Arc<Project>, databases: HashMap<Arc<str>, Database>) -> Databases {
        Databases { project: Arc::new(Mutex::new(project)), databases }
    }

    async fn place(&self, table: &str) -> Result<(TableName, &Database, Option<Facts>), String> {
        let (connection, plain) = table.split_once('.').ok_or_else(|| format!("`{table}` is no `connection.table`"))?;
        let database = self
            .databases
            .get(connection)
            .ok_or_else(|| format!("the project has no database `{connection}`, for `{table}`"))?;
        let name = TableName { connection: connection.into(), table: plain.into() };
        let mut project = self.project.lock().await;
        if project.facts(&name).is_some_and(|facts| facts.enums.iter().any(|(_, names)| names.is_unread())) {
            let read = super::states::read(project.clone(), &self.databases, |table| *table == name).await;
            *project = read.map_err(|failure| failure.in_short())?;
        }
        let facts = project.facts(&name).cloned();
        Ok((name, database, facts))
    }

    async fn rows(&self, look: &Look) -> Result<Vec<Map>, String> {
        let (name, database, facts) = self.place(&look.table).await?;
        let facts = facts.as_ref();
        let mut reading = database.reading().await.map_err(|fault| said(&fault))?;
        let columns = reading.columns(&name.table).await.map_err(|fault| said(&fault))?;
        let columns = columns.ok_or_else(|| format!("there is no table {name}"))?;
        let conditions = conditions(&look.conditions, facts, &columns)?;
        let order: Vec<Order> = look
            .order
            .iter()
            .map(|text| match text.strip_prefix('-') {
                Some(column) => Order { column: column.into(), descending: true },
                None => Order { column: text.clone(), descending: false },
            })
            .collect();
        let select = Select { order: &order, ..Select::whole(&name.table, &conditions) };
        let rows = reading.select(&select, Limits::USUAL).await.map_err(|fault| said(&fault))?.rows;
        reading.close().await;
        Ok(rows.iter().map(|row| facts.map_or_else(|| row.clone(), |facts| facts.seen(row))).collect())
    }

    /// The changes of one database, in their order.
    async fn made(&self, connection: &str, deeds: &[&RowDeed]) -> Result<(), String> {
        let database = self.databases.get(connection).ok_or_else(|| format!("no database `{connection}`"))?;
        let mut writing = database.writing().await.map_err(|fault| said(&fault))?;
        for deed in deeds {
            let (name, _, facts) = self.place(&deed.table).await?;
            let facts = facts.as_ref();
            let columns = writing.columns(&name.table).await.map_err(|fault| said(&fault))?;
            let columns = columns.ok_or_else(|| format!("there is no table {name}"))?;
            let key = facts.map_or_else(|| columns.primary_key.clone(), Facts::key_columns);
            let (fits, set) = match &deed.deed {
                Deed::Insert(values) => {
                    let values = set_to(&stored(values, facts, &columns)?);
                    writing.insert(&name.table, &key, &values).await.map_err(|fault| said(&fault))?;
                    continue;
                }
                Deed::Set(fits, set) => (fits, Some(set_to(&stored(set, facts, &columns)?))),
                Deed::Remove(fits) => (fits, None),
            };
            let fits = conditions(fits, facts, &columns)?;
            for row in writing.lock_where(&name.table, &key, &fits, MOST).await.map_err(|fault| said(&fault))? {
                let key: Map = key.iter().filter_map(|c| Some((c.clone(), row.get(c)?.clone()))).collect();
                let done = match &set {
                    Some(set) => writing.update_by_key(&name.table, &key, set).await,
                    None => writing.delete_by_key(&name.table, &key).await,
                };
                done.map_err(|fault| said(&fault))?;
            }
        }
        writing.commit().await.map_err(|fault| said(&fault))
    }
}

/// Databases that are told after the mocks were started.
#[derive(Debug, Default)]
pub struct Later(OnceLock<Databases>);

impl Later {
    /// Tells them, once.
    pub fn tell(&self, databases: Databases) {
        let _ = self.0.set(databases);
    }

    fn known(&self) -> Result<&Databases, String> {
        self.0.get().ok_or_else(|| "the databases behind it are not ready".into())
    }
}

impl Behind for Later {
    fn find<'a>(&'a self, look: &'a Look) -> Pending<'a, Vec<Map>> {
        Box::pin(async move { self.known()?.find(look).await })
    }

    fn change<'a>(&'a self, deeds: &'a [RowDeed]) -> Pending<'a, ()> {
        Box::pin(async move { self.known()?.change(deeds).await })
    }
}

impl Behind for Databases {
    fn find<'a>(&'a self, look: &'a Look) -> Pending<'a, Vec<Map>> {
        Box::pin(self.rows(look))
    }

    fn change<'a>(&'a self, deeds: &'a [RowDeed]) -> Pending<'a, ()> {
        Box::pin(async move {
            let mut by_connection: indexmap::IndexMap<&str, Vec<&RowDeed>> = indexmap::IndexMap::new();
            for deed in deeds {
                by_connection.entry(deed.table.split('.').next().unwrap_or_default()).or_default().push(deed);
            }
            for (connection, deeds) in by_connection {
                self.made(connection, &deeds).await?;
            }
            Ok(())
        })
    }
}

fn said(fault: &Fault) -> String {
    format!("{fault}; {}", fault.help())
}

/// Values as their columns hold them.
fn stored(values: &Map, facts: Option<&Facts>, columns: &Table) -> Result<Map, String> {
    values
        .iter()
        .map(|(name, value)| {
            let column = columns.column(name).ok_or_else(|| format!("there is no column `{name}`"))?;
            let value =
                facts.map_or(Ok(value.clone()), |f| f.stored(name, value.clone())).map_err(|e| e.to_string())?;
            Ok((name.clone(), column.kind.coerce(value)))
        })
        .collect()
}

fn set_to(values: &Map) -> Vec<(Arc<str>, SetTo)> {
    values.iter().map(|(column, value)| (column.clone(), SetTo::Value(value.clone()))).collect()
}

fn conditions(wanted: &Map, facts: Option<&Facts>, columns: &Table) -> Result<Vec<Condition>, String> {
    let one = |(name, value): (&Arc<str>, &Value)| {
        let each = |value: &Value| {
            let single: Map = [(name.clone(), value.clone())].into_iter().collect();
            stored(&single, facts, columns).map(|mut one| one.shift_remove(name).unwrap_or(Value::NULL))
        };
        let test = match value.as_list() {
            Some(list) => Test::OneOf(list.iter().map(each).collect::<Result<_, _>>()?),
            None => Test::Is(each(value)?),
        };
        Ok(Condition { column: name.clone(), test })
    };
    wanted.iter().map(one).collect()
}

/// The databases of the nearest project, in its first environment: what a mock that is served by hand stands in front of.
/// Without a project there is nothing behind it.
pub fn of_project(surroundings: &Surroundings, project: Option<&Path>) -> Option<Arc<dyn Behind>> {
    let opened = super::project::open(surroundings, project).ok()?;
    let (environment, _) = opened.project.environment(None).ok()?;
    let databases = super::plan::databases(surroundings, &opened, environment).ok()?;
    Some(Arc::new(Databases::new(opened.project.clone(), databases)))
}
