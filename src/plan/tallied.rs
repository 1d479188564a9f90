//! The stored form of what many items come to ([`super::file::MANY_FORMAT`]).

use super::{
    Counts, Tally,
    tally::{Parts, Reason},
};
use crate::{
    action::ends::Way,
    base::value::Value,
    effect::record::{BadRecord, Field, map, part, word},
};

/// A struct whose fields are stored under their names.
macro_rules! by_name {
    ($ty:ident: $($field:ident),*) => {
        impl Field for $ty {
            fn store(&self) -> Option<Value> {
                let fields = [$((stringify!($field), self.$field.store())),*];
                Some(Value::map(fields.into_iter().filter_map(|(name, stored)| Some((name, stored?)))))
            }
            fn load(stored: Option<&Value>) -> Result<Self, BadRecord> {
                let map = map(stored)?;
                Ok($ty { $($field: part(map, stringify!($field))?),* })
            }
        }
    };
}
by_name!(Counts: changes, rows, requests, jobs, questions, exact, unknown, not_previewable);
by_name!(Parts: inserted, updated, deleted, resources, requests, jobs, questions, messages, undecided);
by_name!(Reason: way, step, message, items, first);

record! {
    /// A step that cannot be taken back.
    pub struct ForGood {
        /// Its name.
        step: String,
        /// Why.
        why: Option<String>,
        /// Of how many items.
        items: usize,
    }
}

impl Field for Way {
    fn store(&self) -> Option<Value> {
        Some(self.word().into())
    }
    fn load(stored: Option<&Value>) -> Result<Self, BadRecord> {
        word(stored, Way::of)
    }
}

impl Field for Tally {
    fn store(&self) -> Option<Value> {
        let tables: Vec<_> = self.tables.iter().cloned().collect();
        let ends: Vec<(String, u64)> = self.ends.iter().map(|(way, items)| ((*way).to_owned(), *items)).collect();
        let stored = |steps: &[(String, Option<String>, usize)]| -> Vec<ForGood> {
            steps.iter().cloned().map(|(step, why, items)| ForGood { step, why, items }).collect()
        };
        let (irreversible, stays) = (stored(&self.irreversible), stored(&self.stays));
        let fields = [
            ("items", self.items.store()),
            ("counts", self.counts.store()),
            ("parts", self.parts.store()),
            ("touched", self.touched.store()),
            ("left_alone", self.left_alone.store()),
            ("tables", tables.store()),
            ("untried", self.untried.store()),
            ("could_change", self.could_change.store()),
            ("irreversible", irreversible.store()),
            ("stays", stays.store()),
            ("changing", self.changing.store()),
            ("unchanged", self.unchanged.store()),
            ("left", self.left.store()),
            ("ends", ends.store()),
            ("reasons", self.reasons.store()),
        ];
        Some(Value::map(fields.into_iter().filter_map(|(name, stored)| Some((name, stored?)))))
    }
    fn load(stored: Option<&Value>) -> Result<Self, BadRecord> {
        let map = map(stored)?;
        let tables: Vec<_> = part(map, "tables")?;
        let ends: Vec<(Way, u64)> = part(map, "ends")?;
        let irreversible: Vec<ForGood> = part(map, "irreversible")?;
        // Plans of before do not know it.
        let stays: Vec<ForGood> = if map.contains_key("stays") { part(map, "stays")? } else { Vec::new() };
        let loaded = |steps: Vec<ForGood>| steps.into_iter().map(|step| (step.step, step.why, step.items)).collect();
        Ok(Tally {
            items: part(map, "items")?,
            counts: part(map, "counts")?,
            parts: part(map, "parts")?,
            touched: part(map, "touched")?,
            left_alone: part(map, "left_alone")?,
            tables: tables.into_iter().collect(),
            untried: part(map, "untried")?,
            could_change: part(map, "could_change")?,
            irreversible: loaded(irreversible),
            stays: loaded(stays),
            changing: part(map, "changing")?,
            unchanged: part(map, "unchanged")?,
            // Plans of before do not know it.
            left: map.contains_key("left").then(|| part(map, "left")).transpose()?.unwrap_or(0),
            ends: ends.into_iter().map(|(way, items)| (way.word(), items)).collect(),
            reasons: part(map, "reasons")?,
        })
    }
}
