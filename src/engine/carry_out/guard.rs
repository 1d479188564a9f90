//! What a row must still be, before it is changed, and how many a change may meet.

use super::{Ground, coerced, difference};
use crate::{
    action::change::{Change, Guard, To, Wanted},
    base::{
        source::Span,
        value::{Map, Marks, Value},
    },
    effect::change::RowChange,
    engine::trouble::{Missed, Trouble},
    table::catalogue::Kind,
};
use std::sync::Arc;

/// Refuses when the row no longer holds what the author named. `item` is the key of the item that it is done for.
pub(super) fn guard(change: &Change, ground: &Ground<'_>, before: &Map, key: &Map, item: &str) -> Result<(), Trouble> {
    let (mut seen, mut unlike) = (Vec::new(), Vec::new());
    let mut at = None;
    for Guard { column, value, at: place } in &change.guard {
        let current = before.get(column).cloned().unwrap_or(Value::NULL);
        let wanted = coerced(ground, column, value.clone());
        if wanted.is_unknown() || wanted == current || is_same_citext(ground, column, &wanted, &current) {
            continue;
        }
        let now = ground.marked(before).get(column).map_or(Marks::NONE, Value::all_marks);
        let marks = ground.marks(column) | (now | wanted.all_marks()).among(Marks::HIDDEN);
        let shown = |v: Value| ground.facts.named(column, v).marked(marks).shown();
        let (wanted, current) = (shown(wanted), shown(current));
        unlike.push(format!("`{column}` is {current} and not {wanted}"));
        seen.push((column.to_string(), format!("expected {wanted}, found {current}")));
        at.get_or_insert(*place);
    }
    let Some(at) = at else { return Ok(()) };
    let own = matches!(key.values().collect::<Vec<_>>().as_slice(), [only] if *only.plain() == *item);
    let key: Vec<_> = key.iter().map(|(c, v)| format!("{c} {}", v.plain())).collect();
    let message = match change.claim {
        // Of many items that others have the words are the same, and are told once.
        true if own => format!("{}{}", unlike.join(", "), taken(change, ground, before)),
        true => {
            let row = format!("`{}` {}", change.table, key.join(", "));
            format!("{row} is taken: {}{}", unlike.join(", "), taken(change, ground, before))
        }
        false => format!("`{}` {} is not as `only_if` says", change.table, key.join(", ")),
    };
    Err(Trouble::Missed(Missed { message, seen, at }))
}

/// The database takes the same letters in capitals for the same, as a `find` does.
fn is_same_citext(ground: &Ground<'_>, column: &str, wanted: &Value, current: &Value) -> bool {
    let is_citext = ground.columns.column(column).is_some_and(|column| column.type_name == "citext");
    let both = wanted.as_str().zip(current.as_str()).filter(|_| is_citext);
    both.is_some_and(|(wanted, current)| wanted.to_lowercase() == current.to_lowercase())
}

/// Who has a record that was to be claimed, as far as the row tells: the last line of the text that the claim would have gone on
/// with, or else since when.
pub(super) fn taken(change: &Change, ground: &Ground<'_>, before: &Map) -> String {
    let before = &ground.marked(before);
    let shown = |column: &str, value: &Value| {
        let own = before.get(column).map_or(Marks::NONE, |value| value.marks);
        value.clone().marked(ground.marks(column) | own).shown()
    };
    let since = || {
        let stamp = ground.facts.stamp()?;
        Some(format!(" since {}", shown(stamp, before.get(stamp)?)))
    };
    let Wanted::Present { set, .. } = &change.wanted else { return since().unwrap_or_default() };
    let mut told = set.iter().filter(|(_, to)| matches!(to, To::Append(_))).filter_map(|(column, _)| {
        let text = before.get(column)?.as_str()?;
        let last = text.lines().rev().find(|line| !line.trim().is_empty())?.trim();
        let last = ground.masks.shortened(last, LONGEST_LINE);
        Some(format!("; `{column}` ends with {}", shown(column, &Value::text(last))))
    });
    told.next().or_else(since).unwrap_or_default()
}

/// Characters of a log's line that a message repeats.
const LONGEST_LINE: usize = 200;

pub(super) fn counted(rows: u64, change: &Change, at: Span) -> Result<(), Trouble> {
    if rows == 1 {
        return Ok(());
    }
    let message = format!(
        "one row of `{}` should have changed, the database says {rows}; a trigger or rule may be in the way",
        change.table
    );
    Err(Trouble::Step { message, at, help: Vec::new() })
}

/// A row was written and is as before: something in the database put back what was wanted otherwise. Only of values that a column keeps as they are given;
/// a moment, a number or a range may be the same in another form.
pub(super) fn kept(
    change: &Change,
    ground: &Ground<'_>,
    before: &Map,
    done: &RowChange,
    at: Span,
) -> Result<(), Trouble> {
    let Wanted::Present { set, .. } = &change.wanted else { return Ok(()) };
    let told = |(column, wanted): (Arc<str>, Value)| {
        let kind = &ground.columns.column(&column)?.kind;
        let current = before.get(&column)?.clone();
        let exact = match kind {
            Kind::Bool | Kind::Int { .. } | Kind::Bytes | Kind::Date | Kind::Uuid | Kind::Enum(_) => true,
            Kind::Text(_) => wanted.plain().trim_end() != current.plain().trim_end(),
            Kind::Decimal(_)
            | Kind::Float
            | Kind::Time
            | Kind::Timestamp
            | Kind::Instant
            | Kind::Json
            | Kind::Other => false,
        };
        let marks = ground.marks(&column) | wanted.all_marks().among(Marks::HIDDEN);
        let shown = |value: Value| ground.facts.named(&column, value).marked(marks).shown();
        exact.then(|| format!("`{column}` is {} and not {}", shown(current), shown(wanted)))
    };
    let Some(told) = difference(change, set, ground, before, at)?.into_iter().find_map(told) else { return Ok(()) };
    let key: Vec<_> = done.key.iter().map(|(c, v)| format!("{c} {}", v.plain())).collect();
    let message = format!(
        "the database kept `{}` {} as it was: {told}; a trigger or rule may be in the way",
        change.table,
        key.join(", ")
    );
    Err(Trouble::Step { message, at, help: Vec::new() })
}
