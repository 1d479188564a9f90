//! Rows that two items of a plan change: rehearsed each on its own, the second one would not find what its preview showed
//! (decision 7).

use super::{Effect, ItemPlan};
use crate::{
    base::{
        canonical,
        sorting::{Printer, Sorting},
        value::Value,
    },
    effect::change::Deed,
};
use std::{io, path::Path};

/// Fingerprints of all rows that items change.
pub struct Overlap {
    printer: Printer,
    /// Row, number of the item, subject.
    rows: Sorting<28>,
    items: u32,
}

impl Overlap {
    /// None yet; `folder` takes them if they are many.
    pub fn new(folder: &Path) -> io::Result<Overlap> {
        Ok(Overlap { printer: Printer::new()?, rows: Sorting::new(folder), items: 0 })
    }

    /// One item more.
    pub fn add(&mut self, item: &ItemPlan) -> io::Result<()> {
        let steps = item.steps.iter().filter(|step| step.foreseen.acts());
        for effect in steps.flat_map(|step| &step.effects) {
            let Effect::Rows { changes, .. } = effect else { continue };
            // A row that is new has a key that nobody else can have.
            let changed = changes.iter().filter(|c| !c.by_rule && !matches!(c.deed(), Deed::Nothing | Deed::Insert));
            for change in changed {
                let row = [Value::text(change.table.text()), change.key.clone().into()];
                let mut record = [0; 28];
                record[..16].copy_from_slice(&self.printer.of(&canonical::bytes(&Value::list(row))));
                record[16..20].copy_from_slice(&self.items.to_be_bytes());
                if let Some(lane) = &item.lane {
                    record[20..].copy_from_slice(&self.printer.of(lane.as_bytes())[..8]);
                    // All zeros are no subject.
                    record[27] |= 1;
                }
                self.rows.add(record)?;
            }
        }
        self.items += 1;
        Ok(())
    }

    /// The numbers of two items, from 0, that change the same row and are not of one subject: the first that meets one before it.
    pub fn first(self) -> io::Result<Option<(u32, u32)>> {
        let item = |record: &[u8; 28]| u32::from_be_bytes([record[16], record[17], record[18], record[19]]);
        let (mut found, mut before) = (None::<(u32, u32)>, None::<[u8; 28]>);
        for record in self.rows.sorted()? {
            let record = record?;
            let other = before.filter(|before| {
                let subjects = (&before[20..], &record[20..]);
                before[..16] == record[..16]
                    && item(before) != item(&record)
                    && (subjects.0 == [0; 8] || subjects.0 != subjects.1)
            });
            let pair = other.map(|other| (item(&other), item(&record)));
            found = [found, pair].into_iter().flatten().min_by_key(|pair| (pair.1, pair.0));
            before = Some(record);
        }
        Ok(found)
    }
}
