//! Taking a run back: its effects from its events, the outline of the run that takes them back, and rows that become what
//! they were. The driver carries that run out as any other.

use super::{
    outline::{Back, Outline, Place},
    state::RunState,
};
use crate::{
    action::deed::Restore,
    effect::{
        change::RowChange,
        left::{self, Ground, LeftAlone, Stays},
    },
    journal::words::{End, Outcome},
};

pub mod done;
mod jobs;
pub mod outline;
pub mod outlook;
pub mod restore;
pub mod standing;
pub mod trail;

/// What a run that takes another one back is for.
pub const PURPOSE: &str = "undo";

/// The rows and jobs that an undo, or an `undo:` in a rescue, left alone so far.
pub fn left_alone(outline: &Outline, state: &RunState, item: &str) -> Vec<LeftAlone> {
    let Some(item) = state.items.get(item) else { return Vec::new() };
    let of = |place: &Place| {
        let Some(step) = item.steps.get(&place.path) else { return Vec::new() };
        // What a rescue takes back is only known in the run.
        if place.origin.is_some() || matches!(place.back, Some(Back::Resource(_) | Back::Jobs(_))) {
            return step.left_alone();
        }
        if place.since.is_some() {
            let unchanged = step.outcome.as_ref().is_some_and(|outcome| outcome.outcome == Outcome::Unchanged);
            return if unchanged { step.left_alone() } else { Vec::new() };
        }
        let Some(Back::Rows(rows)) = &place.back else { return Vec::new() };
        let told = step.result().map(left::load).unwrap_or_default();
        if told.is_empty() && step.imaged { missing(rows, &step.changes) } else { told }
    };
    outline.all(item).iter().flat_map(of).collect()
}

/// Where the process died after COMMIT only the images tell: a row that they do not show was left alone.
fn missing(rows: &Restore, changes: &[RowChange]) -> Vec<LeftAlone> {
    let shown = |row: &RowChange| changes.iter().any(|c| c.table == row.table && c.key == row.key);
    rows.rows
        .iter()
        .filter(|row| !shown(row))
        .map(|row| restore::whole(row, "it was not as the run left it".into()))
        .collect()
}

/// How an item of an undo ends: it drifted when something was left alone, or could not be taken back although nobody said so beforehand; so does one whose
/// rescue left something alone. Of any other run: as it is.
pub fn end(outline: &Outline, state: &RunState, item: &str, end: End, reason: Option<String>) -> (End, Option<String>) {
    // A row of the `errors` table, or a guard, let it end early: what it did not come to is not taken back, whatever the word is.
    if end == End::Skipped
        && let Some(words) = not_reached(outline, state, item)
    {
        return (End::Drifted, Some([reason, Some(words)].into_iter().flatten().collect::<Vec<_>>().join(" ")));
    }
    if !matches!(end, End::Changed | End::Unchanged) {
        return (end, reason);
    }
    let words = [left_words(&left_alone(outline, state, item)), stays_words(outline, state, item)];
    let words: Vec<String> = words.into_iter().flatten().collect();
    match words.is_empty() {
        false => (End::Drifted, Some(words.join(" "))),
        true => (end, reason),
    }
}

/// `It ended there, so these are not taken back: `ticket`, `up`.`
fn not_reached(outline: &Outline, state: &RunState, item: &str) -> Option<String> {
    let item = state.items.get(item)?;
    let of = |place: &Place| {
        place.back.as_ref().filter(|back| !matches!(back, Back::Left(_) | Back::Already(_)))?;
        let outcome = item.steps.get(&place.path).and_then(|step| step.outcome.as_ref()).map(|outcome| outcome.outcome);
        let over = matches!(outcome, Some(Outcome::Done | Outcome::Unchanged));
        (!over).then(|| format!("`{}`", place.path.rsplit('/').next().unwrap_or(&place.path)))
    };
    let names: Vec<String> = outline.all(item).iter().filter_map(of).collect();
    let more = if names.len() > MOST { format!(" and {} more", names.len() - MOST) } else { String::new() };
    let named = names.iter().take(MOST).cloned().collect::<Vec<_>>().join(", ");
    (!names.is_empty()).then(|| format!("It ended there, so not taken back: {named}{more}."))
}

/// `One step could not be taken back: `call`, a person decided that it happened.` What the author said beforehand is only told.
fn stays_words(outline: &Outline, state: &RunState, item: &str) -> Option<String> {
    let item = state.items.get(item)?;
    let of = |place: &Place| match &place.back {
        Some(Back::Left(Stays { why, by: Ground::Unforeseen })) if item.steps.contains_key(&place.path) => {
            Some(format!("`{}`, {why}", place.path.rsplit('/').next().unwrap_or(&place.path)))
        }
        _ => None,
    };
    let words: Vec<String> = outline.all(item).iter().filter_map(of).collect();
    let more = if words.len() > MOST { format!("; and {} more", words.len() - MOST) } else { String::new() };
    match words.as_slice() {
        [] => None,
        [one] => Some(format!("One step could not be taken back: {one}.")),
        all => Some(format!(
            "{} steps could not be taken back: {}{more}.",
            all.len(),
            all.iter().take(MOST).cloned().collect::<Vec<_>>().join("; ")
        )),
    }
}

/// `2 rows were left alone: shop.things id 1, somebody changed it since (note); …`, without values.
pub fn left_words(left: &[LeftAlone]) -> Option<String> {
    let one = |row: &LeftAlone| {
        let columns: Vec<&str> = row.columns.iter().map(|v| &*v.column).collect();
        let columns = if columns.is_empty() { String::new() } else { format!(" ({})", columns.join(", ")) };
        format!("{}, {}{columns}", row.subject(), row.why)
    };
    let words: Vec<String> = left.iter().take(MOST).map(one).collect();
    let more = if left.len() > MOST { format!("; and {} more", left.len() - MOST) } else { String::new() };
    match left.len() {
        0 => None,
        1 => Some(format!("One {} was left alone: {}.", left::noun(left), words[0])),
        _ => Some(format!("{} were left alone: {}{more}.", left::many(left), words.join("; "))),
    }
}

/// More rows than these are counted, not named.
const MOST: usize = 10;
