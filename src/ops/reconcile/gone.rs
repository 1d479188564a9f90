//! What differed before and is not found any more: the source may find it no longer because it is as wanted, or because it is not there. Where
//! the plan does not tell, the table that the source reads is asked for these records, by their keys.

use super::found::Found;
use crate::{
    base::value::Value,
    connection::statement::Select,
    effect::change::TableName,
    engine::setting::Setting,
    table::condition::{Condition, Test},
    targets::{
        item::key_text,
        model::{Source, Targets},
        source::key_of,
    },
};
use std::{collections::HashSet, sync::Arc};

/// So many records are asked for in one statement.
const TOGETHER: usize = 500;

/// Tells apart those that are as wanted, those that are not there, and those of which nobody can tell.
pub async fn tell(found: &mut Found, setting: &Setting) {
    let missing = std::mem::take(&mut found.missing);
    if missing.is_empty() {
        return;
    }
    let all = missing.len() as u64;
    // A source that finds also what is as wanted would find these.
    if found.finds_all {
        found.left = all;
        return;
    }
    let targets = setting.playbook.targets.as_ref();
    match futures_util::future::OptionFuture::from(targets.map(|of| there(setting, of, &missing))).await.flatten() {
        Some(there) => {
            found.gone += there;
            found.left = all - there;
        }
        None => found.unclear = all,
    }
}

/// How many of these are records of the table that the source finds them in; nothing where that cannot be asked.
async fn there(setting: &Setting, targets: &Targets, missing: &[Arc<str>]) -> Option<u64> {
    let Source::Find(spec) = &targets.from.source else { return None };
    let key = key_of(targets, setting);
    let [column] = key.as_slice() else { return None };
    // Of a key that is hidden, cut or written otherwise the name does not say what it is.
    let is_plain = |name: &Arc<str>| !name.contains(['~', '%', '/']);
    if targets.group_by.is_some() || !missing.iter().all(is_plain) {
        return None;
    }
    let table = TableName::parse(spec.table.as_str())?;
    let (database, sealer) = (setting.database(&table.connection)?, &setting.workplace.as_ref()?.sealer);
    // What is marked as discarded is no longer there for the source either.
    let discarded = setting.facts_of(&table).and_then(|facts| facts.soft_delete.as_ref());
    let discarded = discarded.filter(|word| spec.with_discarded != Some(true) && word.text != *column);
    let mut reading = database.reading().await.ok()?;
    let mut known = Some(HashSet::new());
    for names in missing.chunks(TOGETHER) {
        let values = names.iter().map(|name| Value::text(name.clone())).collect();
        let mut conditions = vec![Condition { column: column.clone(), test: Test::OneOf(values) }];
        conditions.extend(discarded.map(|word| Condition::is(word.text.clone(), Value::NULL)));
        let columns = [column.clone()];
        let select =
            Select { table: &table.table, columns: &columns, conditions: &conditions, order: &[], limit: None };
        let mut each = |row: crate::base::value::Map| {
            let name = row.get(column).and_then(|value| key_text(std::slice::from_ref(value), sealer).ok());
            if let Some(known) = &mut known {
                known.extend(name);
            }
            true
        };
        if reading.select_each(&select, &mut each).await.is_err() {
            known = None;
            break;
        }
    }
    reading.close().await;
    known.map(|known: HashSet<Arc<str>>| missing.iter().filter(|name| known.contains(*name)).count() as u64)
}
