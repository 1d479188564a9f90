//! `trainee.now`: a row that a `find` gave, read again at the moment at which a step looks at it.

use super::{question, setting::Setting, trouble::Trouble};
use crate::{
    action::{deed::Find, resolve::Known, step::Step},
    base::value::Value,
    check,
    connection::session::Session,
    effect::change::TableName,
    read::expect::Expect,
    table::condition::Condition,
    template::Scope,
};
use std::sync::Arc;

/// The rows that a step looks at again: the name of the result, and what finds it by its key.
pub fn of_step(step: &Step, scope: &Scope, setting: &Setting) -> Vec<(Arc<str>, Find)> {
    if !setting.rereads {
        return Vec::new();
    }
    let names = check::again::names(step, &setting.playbook);
    names.into_iter().filter_map(|name| Some((name.clone(), by_key(&name, scope, setting)?))).collect()
}

fn by_key(name: &str, scope: &Scope, setting: &Setting) -> Option<Find> {
    let table: TableName = setting.found_in(name)?;
    let facts = setting.facts_of(&table)?;
    let row = scope.get(name)?;
    let mut conditions = Vec::new();
    for column in facts.key_columns() {
        conditions.push(Condition::is(column.clone(), facts.stored(&column, row.get(&column)?).ok()?));
    }
    Some(Find { table, conditions, order: Vec::new(), columns: Vec::new(), expect: Expect::Optional })
}

/// Reads it; null when it is gone.
pub async fn read(session: &mut Session, find: &Find, setting: &Setting, step: &Step) -> Result<Value, Trouble> {
    question::find(session, find, setting, step.act_at).await
}

/// Puts it under `now` of the result.
pub fn put(scope: &mut Scope, name: &Arc<str>, row: Value) {
    let Some(mut whole) = scope.get(name).and_then(|v| v.as_map().cloned()) else { return };
    whole.insert("now".into(), row);
    scope.insert(name.clone(), whole.into());
}
