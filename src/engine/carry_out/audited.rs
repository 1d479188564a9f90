//! The audit rows of a change: behind it, or with it in one statement where both are known before.

use super::{
    Carried, Columns, Ground, begun, columns_of, difference,
    marks::{as_read, still_marked},
};
use crate::{
    action::change::{Change, Wanted},
    base::{
        source::Span,
        time::Stamp,
        value::{Data, Map, Value},
    },
    connection::{
        fault::{Fault, FaultKind},
        handle::Changing,
        statement::SetTo,
    },
    effect::change::RowChange,
    engine::{
        audit::{self, AuditTrouble},
        question::database,
        setting::Setting,
        trouble::Trouble,
    },
};
use std::sync::Arc;

/// A row that was seen is changed, and its audit row written, with one statement, where both are known before. What the audit row says of the change is
/// compared with what came of it.
pub(super) async fn with_audit(
    changing: &mut Changing,
    setting: &Setting,
    change: &Change,
    ground: &Ground<'_>,
    before: &Map,
    at: Span,
) -> Result<Option<Vec<RowChange>>, Trouble> {
    let Wanted::Present { set, .. } = &change.wanted else { return Ok(None) };
    let Some(grounds) = setting.grounds.as_ref().filter(|_| changing.expects_a_row()) else { return Ok(None) };
    if grounds.is_surprising(&change.table) {
        return Ok(None);
    }
    let differing = difference(change, set, ground, before, at)?;
    let mut done = begun(change, ground, before);
    let mut expected = ground.marked(before);
    let marked = |column: &str, value: &Value| as_read_back(value).marked(ground.marks(column));
    expected.extend(differing.iter().map(|(column, value)| (column.clone(), marked(column, value))));
    let Columns { columns, clock, kept } = columns_of(change, ground, differing);
    for (column, to) in &columns {
        if *to == SetTo::DatabaseNow {
            expected.insert(column.clone(), Value::unknown());
        }
    }
    done.after = Some(expected.clone());
    // What is wrong with the rule is said where the row is written by itself.
    let Ok(Some(ready)) = audit::ready(setting, &done) else { return Ok(None) };
    let (table, other) = (&change.table.table, &ready.table.table);
    let both = changing.update_and_insert((table, &done.key, &columns), (other, &ready.values)).await;
    let Some((row, audit)) = both.map_err(|fault| database(&change.table.connection, fault, at))? else {
        return Ok(None);
    };
    done.after = Some(still_marked(as_read(row, ground, &clock), &kept));
    if !done.after.as_ref().is_some_and(|after| is_as_expected(after, &expected, &columns)) {
        // The database made something else of a value: the audit row has to be made of that.
        grounds.surprises(&change.table);
        let fault = Fault::new(FaultKind::Divided, "an audit row is to be made of what its change became");
        return Err(database(&change.table.connection, fault, at));
    }
    let written = audit::was_written(setting, &done, ready, audit);
    Ok(Some(vec![done, written]))
}

/// A moment comes with as many decimals as it needs, however many it was written with: an audit row holds its text.
pub(super) fn as_read_back(value: &Value) -> Value {
    let data = match value.data {
        Data::Timestamp(stamp) => Data::Timestamp(Stamp::new(stamp.micros)),
        Data::Instant(stamp) => Data::Instant(Stamp::new(stamp.micros)),
        _ => return value.clone(),
    };
    Value { data, marks: value.marks }
}

/// Column by column, and what was set also as it is written; but for what nobody could know, on which nothing was made to hang.
pub(super) fn is_as_expected(after: &Map, expected: &Map, set: &[(Arc<str>, SetTo)]) -> bool {
    let is = |(column, now): (&Arc<str>, &Value)| {
        let Some(then) = expected.get(column) else { return false };
        let written = |(name, _): &(Arc<str>, SetTo)| name != column || now.bare() == then.bare();
        then.is_unknown() || now == then && set.iter().all(written)
    };
    after.len() == expected.len() && after.iter().all(is)
}

pub(super) async fn write_audits(
    changing: &mut Changing,
    setting: &Setting,
    carried: &mut Carried,
    change: &Change,
    alone: bool,
    at: Span,
) -> Result<(), Trouble> {
    let mut written = Vec::new();
    for done in &carried.changes {
        match audit::write(changing, setting, done, alone).await {
            Ok(row) => written.extend(row),
            Err(AuditTrouble::Database(fault)) => return Err(database(&change.table.connection, fault, at)),
            Err(AuditTrouble::Rule(message, _)) => {
                let message = format!("the audit row for `{}` cannot be made: {message}", change.table);
                return Err(Trouble::Step { message, at, help: vec!["look at `audits:` in the project file".into()] });
            }
        }
    }
    carried.changes.extend(written);
    Ok(())
}
