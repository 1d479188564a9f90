//! Rows that two items of a plan change: rehearsed each on its own, the second one would not find what its preview showed
//! (decision 7).

use super::{Effect, ItemPlan};
use crate::{
    base::{canonical, value::Value},
    effect::change::Deed,
};
use sha2::{Digest, Sha256};
use std::sync::Arc;

/// Fingerprints of all rows that items change.
#[derive(Debug, Default)]
pub struct Overlap {
    /// Row, subject, number of the item.
    rows: Vec<(u128, u64, u32)>,
    items: u32,
}

impl Overlap {
    /// One item more.
    pub fn add(&mut self, item: &ItemPlan) {
        let lane = item.lane.as_deref().map_or(0, |lane| print(lane.as_bytes()) as u64 | 1);
        let steps = item.steps.iter().filter(|step| step.foreseen.acts());
        for effect in steps.flat_map(|step| &step.effects) {
            let Effect::Rows { changes, .. } = effect else { continue };
            // A row that is new has a key that nobody else can have.
            let changed = changes.iter().filter(|c| !c.by_rule && !matches!(c.deed(), Deed::Nothing | Deed::Insert));
            for change in changed {
                let row = [Value::text(change.table.to_string()), change.key.clone().into()];
                self.rows.push((print(&canonical::bytes(&Value::list(row))), lane, self.items));
            }
        }
        self.items += 1;
    }

    /// The numbers of the first two items, from 0, that change the same row and are not of one subject.
    pub fn first(mut self) -> Option<(u32, u32)> {
        self.rows.sort_unstable_by_key(|(row, _, item)| (*row, *item));
        self.rows.dedup();
        let apart = |a: &(u128, u64, u32), b: &(u128, u64, u32)| a.0 == b.0 && a.2 != b.2 && (a.1 == 0 || a.1 != b.1);
        self.rows.windows(2).find(|pair| apart(&pair[0], &pair[1])).map(|pair| (pair[0].2, pair[1].2))
    }
}

/// Names the items with these numbers, for people.
pub fn named(keys: &[Arc<str>], pair: (u32, u32)) -> (String, String) {
    let name =
        |number: u32| keys.get(number as usize).map_or_else(|| format!("number {}", number + 1), ToString::to_string);
    (name(pair.0), name(pair.1))
}

fn print(bytes: &[u8]) -> u128 {
    let hash = Sha256::digest(bytes);
    let mut first = [0; 16];
    first.copy_from_slice(&hash[..16]);
    u128::from_be_bytes(first)
}
