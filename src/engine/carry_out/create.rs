//! A row that is not there yet.

use super::{
    Came, Ground, coerced, known_texts,
    marks::{as_read, kept_marks, still_marked},
    read_again,
};
use crate::{
    action::change::{Change, To},
    base::{
        source::Span,
        value::{Map, Marks, Value},
    },
    connection::{fault::Fault, handle::Changing, statement::SetTo},
    effect::change::RowChange,
    engine::{question::database, trouble::Trouble},
};
use indexmap::IndexMap;
use std::sync::Arc;

pub(super) async fn create_row(
    changing: &mut Changing,
    change: &Change,
    ground: &Ground<'_>,
    key: &Map,
    create: &IndexMap<Arc<str>, To>,
    set: &IndexMap<Arc<str>, To>,
    at: Span,
) -> Result<(RowChange, Came), Trouble> {
    let fault = |fault: Fault| database(&change.table.connection, fault, at);
    let mut values: Map = key.iter().map(|(c, v)| (c.clone(), coerced(ground, c, v.clone()))).collect();
    for (column, to) in set.iter().chain(create) {
        values.insert(column.clone(), coerced(ground, column, to.of(&Value::NULL)));
    }
    let unknown = values.values().any(Value::is_unknown);
    let mut done = RowChange {
        table: change.table.clone(),
        key: ground.marked(key),
        before: None,
        after: None,
        by_rule: false,
        stamps: Vec::new(),
    };
    if unknown {
        done.after = Some(ground.marked(&values.into_iter().collect()));
        return Ok((done, Came::Unknown));
    }
    known_texts(changing, change, ground, &values, at)?;
    let mut clock: Vec<Arc<str>> =
        values.iter().filter(|(_, v)| v.marks.has(Marks::CLOCK)).map(|(c, _)| c.clone()).collect();
    clock.extend(ground.renewed(&values, true));
    let kept = kept_marks(&values);
    let mut columns: Vec<(Arc<str>, SetTo)> = values.into_iter().map(|(c, v)| (c, SetTo::Value(v))).collect();
    for name in [ground.facts.stamp(), Some("created_at")].into_iter().flatten() {
        let required = ground.columns.column(name).is_some_and(|c| !c.has_default);
        if change.stamp && required && !columns.iter().any(|(c, _)| &**c == name) {
            columns.push((name.into(), SetTo::DatabaseNow));
            done.stamps.push(name.into());
        }
    }
    let whole = match ground.alone {
        true => Some(changing.insert_whole(&change.table.table, &columns).await.map_err(fault)?),
        false => None,
    };
    let key = match &whole {
        Some(row) => ground.key.iter().filter_map(|name| Some((name.clone(), row.get(name)?.clone()))).collect(),
        None => changing.insert(&change.table.table, &ground.key, &columns).await.map_err(fault)?,
    };
    done.key = ground.marked(&key);
    // A key that the database numbers is another one each time: as little drift as the clock.
    let numbered = ground.key.iter().filter(|name| !columns.iter().any(|(given, _)| given == *name)).cloned();
    let stamps: Vec<Arc<str>> = clock.into_iter().chain(done.stamps.clone()).chain(numbered).collect();
    let after = match whole {
        Some(row) => as_read(row, ground, &stamps),
        None => read_again(changing, change, ground, &done.key, &stamps, at).await?,
    };
    done.after = Some(still_marked(after, &kept));
    Ok((done, Came::Written))
}
