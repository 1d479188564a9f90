//! What a run over many items comes to: how many ended how, why, and which rows were changed. Counted item by item, so that
//! nothing of an item is held when it is over.

use crate::{
    base::{identity::SINGLE_ITEM, value::Value},
    effect::{
        change::{Deed, TableName},
        left::Ground,
        reasons::{Filed, filed},
    },
    engine::{
        resource::is_class,
        state::{ItemState, RunState, StepState},
    },
    journal::{payload::Count, words::End},
};
use std::{collections::BTreeMap, sync::Arc};

/// What the items of a run came to.
#[derive(Clone, Debug, Default)]
pub struct Summary {
    /// A process works on them at this moment: what has no outcome yet is under way.
    pub live: bool,
    /// How many items there are.
    pub of: u64,
    /// How many of them have not begun.
    pub left: u64,
    /// How many ended, wait or are in doubt, by how.
    pub ends: BTreeMap<End, u64>,
    /// How many are begun and not over, and neither wait nor are in doubt.
    pub open: u64,
    /// Why, for those that did not end as done.
    pub reasons: Vec<Reason>,
    /// Rows inserted, updated and deleted, by table; audit rows too, as for a single item.
    pub rows: BTreeMap<TableName, [u64; 3]>,
    /// What was done for items that are over and were not carried through.
    pub halfway: Halfway,
    /// Of an undo: the steps that could not be taken back, by their names, and how often.
    pub stays: BTreeMap<Arc<str>, u64>,
}

/// What was done for items that are over and were not carried through: what they were cancelled, or failed, behind.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Halfway {
    /// How many such items something was done for.
    pub items: u64,
    /// How many requests were made for them, and took effect.
    pub requests: u64,
}

impl Halfway {
    /// One item more, if it is one of them.
    pub fn add(&mut self, item: &ItemState) {
        if item.closed.as_ref().is_some_and(|closed| !matches!(closed.end, End::Changed | End::Unchanged)) {
            self.left(item);
        }
    }

    /// One that was not carried through, if anything was done for it.
    pub(super) fn left(&mut self, item: &ItemState) {
        let class = |step: &StepState| step.class.as_deref().is_some_and(|c| c.starts_with("http") || is_class(c));
        let requests = item.steps.values().filter(|step| step.changed() && class(step)).count();
        self.items += u64::from(item.changed());
        self.requests += requests as u64;
    }
}

/// Items that ended in one way for one reason.
#[derive(Clone, Debug)]
pub struct Reason {
    /// How.
    pub end: End,
    /// Why; what several have in common where they are counted together.
    pub reason: String,
    /// How many.
    pub items: u64,
    /// The first of them.
    pub first: Vec<Arc<str>>,
}

/// How an item ended, or where it stands; nothing for one that has not begun, or is under way.
pub fn end_of(item: &ItemState) -> Option<End> {
    match &item.closed {
        Some(closed) => Some(closed.end),
        None if item.doubts().next().is_some() => Some(End::InDoubt),
        None if item.steps.values().any(|step| step.waits()) => Some(End::Waiting),
        None => None,
    }
}

/// The same, where a process may work on it at this moment: what has no outcome yet is under way then.
pub fn end_now(item: &ItemState, live: bool) -> Option<End> {
    let unknown = || item.doubts().any(|(_, step)| step.needs_a_person());
    end_of(item).filter(|end| *end != End::InDoubt || !live || unknown())
}

/// So begins why an item is over before it began: its source gives it no longer, or with other values.
pub const ITS_SOURCE: &str = "its source ";

/// So begins why an item is over before it began: another run has begun something of it, and nobody knows what came of that. The run follows, and a comma.
pub const LEFT_TO: &str = "left to run ";

/// The run to which an item was left.
pub fn left_to(reason: &str) -> Option<&str> {
    reason.strip_prefix(LEFT_TO)?.split_once(',').map(|(run, _)| run)
}

/// Whether this is said of an item that drifted at a step of which its plan shows nothing.
pub fn is_unseen(reason: &str) -> bool {
    reason.starts_with("No longer as planned: the step `") && reason.contains(", found reached.")
}

/// So begins what is said of an item that never begins because one before it did not end as done.
pub const BEHIND: &str = "waits for ";

/// Why an item stands where it stands.
pub fn reason_of(item: &ItemState) -> Option<String> {
    match &item.closed {
        Some(closed) => closed.reason.clone(),
        None => {
            let doubt =
                item.doubts().next().map(|(path, _)| format!("nobody knows whether `{}` took effect", name(path)));
            let waits = item.steps.iter().find(|(_, step)| step.waits());
            doubt.or_else(|| {
                let (path, step) = waits?;
                Some(format!("`{}` waits for the answer of {}", name(path), step.asked.as_ref()?.who))
            })
        }
    }
}

fn name(path: &str) -> &str {
    path.rsplit('/').next().unwrap_or(path)
}

impl Summary {
    /// So many items are named with a reason.
    pub(super) const NAMED: usize = 5;

    /// Of a whole run.
    pub fn of(state: &RunState) -> Summary {
        let mut summary = Summary { live: state.worked_on_by.is_some(), ..Summary::default() };
        for (key, item) in state.items.iter().filter(|(key, _)| &***key != SINGLE_ITEM) {
            summary.add(key, item);
        }
        summary
    }

    /// Of what a closed run recorded of its items.
    pub fn of_counts(counts: &[Count]) -> Summary {
        Summary { ends: counts.iter().map(|count| (count.end, count.items)).collect(), ..Summary::default() }
    }

    /// Together with the rows of others; their items are counted already.
    pub fn with_rows(&mut self, others: &Summary) {
        for (table, counts) in &others.rows {
            let rows = self.rows.entry(table.clone()).or_default();
            rows.iter_mut().zip(counts).for_each(|(sum, more)| *sum += more);
        }
        self.halfway.items += others.halfway.items;
        self.halfway.requests += others.halfway.requests;
        for (step, more) in &others.stays {
            *self.stays.entry(step.clone()).or_default() += more;
        }
    }

    /// One item more.
    pub fn add(&mut self, key: &Arc<str>, item: &ItemState) {
        self.of += 1;
        for step in item.steps.values() {
            for change in &*step.changes_of_run() {
                let at = match change.deed() {
                    Deed::Insert => 0,
                    Deed::Update => 1,
                    Deed::Delete => 2,
                    Deed::Nothing => continue,
                };
                match self.rows.get_mut(&change.table) {
                    Some(rows) => rows[at] += 1,
                    None => self.rows.entry(change.table.clone()).or_default()[at] += 1,
                }
            }
        }
        self.halfway.add(item);
        for (path, step) in &item.steps {
            if step.stays().is_some_and(|stays| stays.by != Ground::Needless) || step.left_along().is_some() {
                let step = name(path).split(['[', '~']).next().unwrap_or_default();
                *self.stays.entry(step.into()).or_default() += 1;
            }
        }
        match end_now(item, self.live) {
            Some(end) => self.ended(key, end, reason_of(item)),
            None if item.steps.is_empty() => self.left += 1,
            None => self.open += 1,
        }
    }

    /// One that ended so.
    pub fn ended(&mut self, key: &Arc<str>, end: End, reason: Option<String>) {
        *self.ends.entry(end).or_default() += 1;
        if matches!(end, End::Changed | End::Unchanged) {
            return;
        }
        let reason = reason.unwrap_or_default();
        let all = self.reasons.iter();
        let all =
            all.map(|one| (one.end == end).then(|| (one.reason.as_str(), one.first.first().map_or("", |key| &**key))));
        match filed(all, &reason, key) {
            Filed::At(at) => {
                let known = &mut self.reasons[at];
                known.items += 1;
                if known.first.len() < Self::NAMED {
                    known.first.push(key.clone());
                }
            }
            Filed::As(reason) => self.reasons.push(Reason { end, reason, items: 1, first: vec![key.clone()] }),
        }
    }

    /// How many ended so.
    pub fn count(&self, end: End) -> u64 {
        self.ends.get(&end).copied().unwrap_or(0)
    }

    /// How many are over.
    pub fn over(&self) -> u64 {
        let open = self.count(End::Waiting) + self.count(End::InDoubt);
        self.ends.values().sum::<u64>().saturating_sub(open)
    }

    /// The worst of them.
    pub fn worst(&self) -> End {
        End::worst(self.ends.keys().copied())
    }

    /// As a closed run records it.
    pub fn counts(&self) -> Vec<Count> {
        self.ends.iter().map(|(end, items)| Count { end: *end, items: *items }).collect()
    }

    /// `run.items`.
    pub fn value(&self) -> Value {
        let words = End::WORDS.iter().filter_map(|word| End::of(word));
        Value::map(words.map(|end| (end.word(), Value::from(i64::try_from(self.count(end)).unwrap_or(i64::MAX)))))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        base::value::Map,
        effect::change::RowChange,
        journal::{payload::ItemOutcome, words::Outcome},
    };

    #[test]
    fn the_audit_rows_of_an_item_are_counted_with_those_of_its_author() {
        let row = |text: &str| -> Option<Map> { Value::map([("a", text.into())]).as_map().cloned() };
        let change = |table: &str, before, after, by_rule| RowChange {
            table: TableName::parse(table).unwrap(),
            key: Map::default(),
            before,
            after,
            by_rule,
            stamps: Vec::new(),
        };
        let outcome = ItemOutcome {
            item: "17".into(),
            generation: 0,
            outcome: Outcome::Done,
            value: None,
            message: None,
            response: None,
            micros: 0,
            ends: None,
            error: None,
        };
        let step = StepState {
            attempts: 1,
            outcome: Some(outcome),
            changes: vec![
                change("shop.things", row("old"), row("new"), false),
                change("shop.audits", None, row("update"), true),
            ],
            ..StepState::default()
        };
        let mut item = ItemState::default();
        item.steps.insert("steps/sell".into(), step);
        let mut summary = Summary::default();
        summary.add(&"17".into(), &item);
        let rows: Vec<_> = summary.rows.iter().map(|(table, counts)| (table.to_string(), *counts)).collect();
        assert_eq!(rows, [("shop.audits".to_owned(), [1, 0, 0]), ("shop.things".to_owned(), [0, 1, 0])]);
    }
}
