//! Rows that two items of a plan change or make: rehearsed each on its own, the second one would not find what its preview showed
//! (decision 7).

use super::{Effect, ItemPlan};
use crate::{
    base::{
        canonical,
        sorting::{Printer, Sorting},
        value::Value,
    },
    effect::change::{Deed, RowChange},
};
use std::{collections::HashMap, io, path::Path, sync::Arc};

/// Fingerprints of all rows that items change.
pub struct Overlap {
    printer: Printer,
    /// Row, number of the item, subject.
    rows: Sorting<28>,
    items: u32,
    makers: Makers,
}

/// The steps that make a row where there is none, and the columns by which they look for it. A turn of a loop stands under the path of its loop.
pub type Makers = HashMap<Arc<str>, Vec<Arc<str>>>;

impl Overlap {
    /// None yet; `folder` takes them if they are many.
    pub fn new(folder: &Path, makers: Makers) -> io::Result<Overlap> {
        Ok(Overlap { printer: Printer::new()?, rows: Sorting::new(folder), items: 0, makers })
    }

    /// One item more.
    pub fn add(&mut self, item: &ItemPlan) -> io::Result<()> {
        for step in item.steps.iter().filter(|step| step.foreseen.acts()) {
            let looks_by = if self.makers.is_empty() { None } else { self.makers.get(&*listed(&step.path)) };
            for effect in &step.effects {
                let Effect::Rows { changes, .. } = effect else { continue };
                for change in changes.iter().filter(|change| !change.by_rule) {
                    let key = match change.deed() {
                        Deed::Nothing => continue,
                        // A number of the database's own is nobody else's.
                        Deed::Insert => match looks_by.and_then(|columns| made_by(change, columns)) {
                            Some(key) => key,
                            None => continue,
                        },
                        Deed::Update | Deed::Delete => change.key.clone().into(),
                    };
                    let row = [Value::text(change.table.text()), key];
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

/// The path without the numbers of turns.
fn listed(path: &str) -> String {
    let mut out = String::with_capacity(path.len());
    for (index, segment) in path.split('/').enumerate() {
        if index > 0 {
            out.push('/');
        }
        let turn = segment.strip_suffix(']').and_then(|rest| rest.rsplit_once('['));
        out.push_str(turn.map_or(segment, |(label, _)| label));
    }
    out
}

/// What a new row was looked for by, if all of that is known; by its key it is the row that others may change.
fn made_by(change: &RowChange, columns: &[Arc<str>]) -> Option<Value> {
    if change.key.len() == columns.len() && columns.iter().all(|column| change.key.contains_key(column)) {
        return Some(change.key.clone().into());
    }
    let row = change.after.as_ref()?;
    let mut parts = Vec::with_capacity(columns.len() + 1);
    for column in columns {
        let value = row.get(column).filter(|value| !value.is_unknown())?;
        parts.push(Value::list([Value::text(column.clone()), value.clone()]));
    }
    Some(Value::list(parts))
}
