//! What is looked at, together: whether it makes a difference which item comes first.

use super::{
    Does, Look, Touch,
    pins::{DEEPEST, Pin, Pinned},
};
use crate::{
    effect::change::TableName,
    table::{
        catalogue::{Reference, Renewed},
        facts::Facts,
    },
};
use std::{collections::BTreeSet, sync::Arc};

impl Look<'_> {
    /// No two items have all of these values.
    fn tell_apart(&self, values: &BTreeSet<&Pin>, depth: usize) -> bool {
        if !self.own.is_empty() && self.own.iter().all(|own| values.contains(own)) {
            return true;
        }
        // The key of a row that was found by what no two items have.
        let steps: BTreeSet<&Arc<str>> =
            values.iter().filter(|value| value.len() == 2).filter_map(|value| value.first()).collect();
        depth < DEEPEST
            && steps.into_iter().any(|id| {
                let Some((table, pinned)) = self.of_step(id, depth) else { return false };
                let key = self.setting.facts_of(&table).map(Facts::key_columns).unwrap_or_default();
                let of_row = |column: &Arc<str>| values.contains(&vec![id.clone(), column.clone()]);
                !key.is_empty() && key.iter().all(of_row) && self.tell_apart(&self.lasting(&table, &pinned), depth + 1)
            })
    }

    /// The values in columns that no step changes.
    fn lasting<'p>(&self, table: &TableName, pinned: &'p Pinned) -> BTreeSet<&'p Pin> {
        let touches = self.touched.get(table).map_or(&[][..], Vec::as_slice);
        pinned.iter().filter(|(column, _)| lasts(touches, column)).map(|(_, value)| value).collect()
    }

    /// Why it does, a fragment.
    pub(super) fn verdict(mut self) -> Option<String> {
        if !self.touched.values().flatten().any(|touch| matches!(touch.does, Does::Writes { .. })) {
            return None;
        }
        let why =
            self.why.take().or_else(|| self.two_names()).or_else(|| self.contended()).or_else(|| self.judged(false));
        why.or_else(|| {
            let (table, touches) =
                self.touched.iter().find(|(table, touches)| !self.keeps_to_its_own(table, touches))?;
            // The step that is not about the item's own row alone, if one of them is not.
            let reads = |touch: &&Touch| !matches!(touch.does, Does::Writes { .. });
            let of_others = |touch: &&Touch| !self.tell_apart(&self.lasting(table, &touch.pinned), 0);
            let told = touches.iter().find(|touch| reads(touch) && of_others(touch));
            let told = told.or_else(|| touches.iter().find(of_others)).or(touches.last())?;
            Some(format!("step `{}` reads rows of `{}` that other items may change", told.label, table.text()))
        })
    }

    /// Tables under two names.
    fn two_names(&self) -> Option<String> {
        let mut all = self.touched.keys();
        while let Some(one) = all.next() {
            let mut others = all.clone();
            let same = others.find(|other| one.connection == other.connection && may_be_one(&one.table, &other.table));
            if let Some(other) = same {
                return Some(format!("`{}` and `{}` may be one table", one.text(), other.text()));
            }
        }
        None
    }

    /// Two items may want the same unique value: whoever comes to it first gets it, and in a set that need not be the first of them (they may stand behind
    /// different numbers of changes, or set different columns and so be in different statements). Who says that several go at the same time says that it
    /// does not matter who that is.
    fn contended(&self) -> Option<String> {
        let limits = self.setting.playbook.limits.as_ref();
        if limits.and_then(|limits| limits.concurrency.as_ref()).is_some_and(|said| said.value > 1) {
            return None;
        }
        self.touched.iter().find_map(|(table, touches)| {
            let built = self.table_of(table)?;
            let keys = built.unique.iter().chain(Some(&built.primary_key).filter(|key| !key.is_empty()));
            let (label, wanted) = keys.into_iter().find_map(|key| {
                let of_key = |column: &str| key.iter().any(|one| one.eq_ignore_ascii_case(column));
                // A value of the item's own in it tells it from those of the others.
                let own = |touch: &Touch| {
                    let has = touch.pinned.iter().filter(|(column, _)| lasts(touches, column));
                    let has = has.map(|(column, value)| (column, value));
                    let given = touch.gives.iter().filter_map(|(column, value)| Some((column, value.as_ref()?)));
                    let values = has.chain(given).filter(|(column, _)| of_key(column)).map(|(_, value)| value);
                    self.tell_apart(&values.collect(), 0)
                };
                // Nobody sets it, and it becomes another value all the same, or the same for all: computed by the database of what is set, or left to a
                // default that does not count on.
                let columns = || key.iter().filter_map(|column| built.columns.get(column));
                let follows = |touch: &Touch| match &touch.does {
                    Does::Writes { adds, .. } => columns().any(|column| {
                        let counts = column.numbered || *key == built.primary_key || column.renewed != Renewed::Never;
                        column.generated && !column.numbered || *adds && column.has_default && !counts
                    }),
                    Does::Asks | Does::Reads => false,
                };
                let gives = |touch: &Touch| touch.gives.iter().any(|(column, _)| of_key(column));
                let takes = |touch: &Touch| (gives(touch) || follows(touch)) && !own(touch);
                Some((&touches.iter().find(|touch| takes(touch))?.label, key))
            })?;
            let columns = wanted.iter().map(|column| format!("`{column}`")).collect::<Vec<_>>().join(", ");
            Some(format!("step `{label}` sets {columns} of `{}`, which is unique", table.text()))
        })
    }

    /// What a database says to the change of one item depends on what others did in the same transaction. `back`: to the change that takes it back, where a
    /// row that went comes.
    pub(super) fn judged(&self, back: bool) -> Option<String> {
        self.touched.iter().find_map(|(table, touches)| {
            let judge = self.table_of(table)?.judges.iter().find(|judge| {
                let concerns = |touch: &Touch| match &touch.does {
                    Does::Writes { columns, adds, removes } => {
                        let comes = *adds || back && *removes;
                        judge.columns.is_empty() || comes || judge.columns.iter().any(|column| columns.holds(column))
                    }
                    Does::Asks | Does::Reads => false,
                };
                touches.iter().any(concerns)
            })?;
            Some(format!("{} of `{}` looks at more than the row that changes", judge.what, table.text()))
        })
    }

    /// Rows of it may change, or go, with rows that a step takes away, or gives another key: those that point there, and those that point to them.
    fn is_dragged(&self, table: &TableName) -> bool {
        let references = self.built.map_or(&[][..], |built| &built.references);
        let (mut taken, mut before) = (self.taken.clone(), 0);
        while taken.len() > before {
            before = taken.len();
            let points = |reference: &&Reference| taken.iter().any(|taken| may_be_one(taken, &reference.to));
            let along: Vec<_> = references.iter().filter(points).map(|reference| reference.from.clone()).collect();
            if along.iter().any(|along| may_be_one(along, &table.table)) {
                return true;
            }
            taken.extend(along);
        }
        false
    }

    fn keeps_to_its_own(&self, table: &TableName, touches: &[Touch]) -> bool {
        let writes = |touch: &Touch| matches!(touch.does, Does::Writes { .. });
        let is_written = touches.iter().any(writes);
        if !is_written && !self.more && !self.is_dragged(table) {
            return true;
        }
        if touches.iter().all(Touch::is_only_added) {
            return true;
        }
        if self.is_dragged(table) {
            return false;
        }
        let Some((first, rest)) = touches.split_first() else { return true };
        // A row that a step would make may be there, and another item's: that makes no difference if no step changes a row or takes one away.
        let only_made = touches.iter().all(|touch| !writes(touch) || touch.made.is_some() || touch.is_only_added());
        let has = |touch: &Touch, pinned: &(Arc<str>, Pin)| {
            touch.pinned.contains(pinned) || only_made && touch.made.as_ref().is_some_and(|made| made.contains(pinned))
        };
        let mut common: Pinned = first.pinned.iter().chain(first.made.iter().flatten()).cloned().collect();
        common.retain(|pinned| touches.iter().all(|touch| has(touch, pinned)));
        if self.tell_apart(&self.lasting(table, &common), 0) {
            return true;
        }
        // The only change of an item, which looks at rows under their locks: who comes second finds what the first one left, in a set as outside.
        // With changes before it, others might come to it first.
        let all = self.touched.values().flatten();
        let changes = all.filter(|touch| writes(touch) && !touch.is_only_added()).count();
        if changes > 1 || self.repeats {
            return false;
        }
        let key = self.setting.facts_of(table).map(Facts::key_columns).unwrap_or_default();
        let by_key =
            !key.is_empty() && key.iter().all(|column| first.by.iter().any(|by| by.eq_ignore_ascii_case(column)));
        let picks_the_same = first.by.iter().all(|column| lasts(touches, column))
            && !touches.iter().any(|touch| matches!(touch.does, Does::Writes { adds, removes, .. } if adds || removes));
        rest.is_empty() && writes(first) && !self.more && self.taken.is_empty() && (by_key || picks_the_same)
    }
}

/// Two names that may stand for one table: but for capitals, or for a schema that only one of them gives.
pub(super) fn may_be_one(one: &str, other: &str) -> bool {
    let (one, other) = (one.to_lowercase(), other.to_lowercase());
    let parts = |name: &str| {
        name.rsplit_once('.').map_or((String::new(), name.to_owned()), |(s, t)| (s.to_owned(), t.to_owned()))
    };
    let ((one_schema, one_table), (other_schema, other_table)) = (parts(&one), parts(&other));
    one_table == other_table && (one_schema == other_schema || one_schema.is_empty() || other_schema.is_empty())
}

/// No step changes the column.
fn lasts(touches: &[Touch], column: &str) -> bool {
    !touches.iter().any(|touch| matches!(&touch.does, Does::Writes { columns, .. } if columns.holds(column)))
}
