//! Taking a run back: its effects from its events, the outline of the run that takes them back, and rows that become what
//! they were. The driver carries that run out as any other.

use super::{
    outline::{Back, Outline},
    state::RunState,
};
use crate::{
    effect::left::{self, LeftAlone},
    journal::words::End,
};

pub mod done;
pub mod outline;
pub mod restore;

/// The rows that an undo left alone so far.
pub fn left_alone(outline: &Outline, state: &RunState, item: &str) -> Vec<LeftAlone> {
    let Some(item) = state.items.get(item) else { return Vec::new() };
    let places = outline.places.iter().filter(|place| matches!(place.back, Some(Back::Rows(_))));
    places.filter_map(|place| item.steps.get(&place.path)?.result().map(left::load)).flatten().collect()
}

/// How an item of an undo ends: it drifted when something was left alone. Of any other run: as it is.
pub fn end(outline: &Outline, state: &RunState, item: &str, end: End, reason: Option<String>) -> (End, Option<String>) {
    if !matches!(end, End::Changed | End::Unchanged) {
        return (end, reason);
    }
    match left_words(&left_alone(outline, state, item)) {
        Some(words) => (End::Drifted, Some(words)),
        None => (end, reason),
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
        1 => Some(format!("One row was left alone: {}.", words[0])),
        n => Some(format!("{n} rows were left alone: {}{more}.", words.join("; "))),
    }
}

/// More rows than these are counted, not named.
const MOST: usize = 10;
