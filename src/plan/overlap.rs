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

/// Fingerprints of all rows that items change, and of those that they rest on as they are.
pub struct Overlap {
    printer: Printer,
    /// Row, number of the item, subject, and what becomes of the row.
    rows: Sorting<29>,
    items: u32,
    makers: Makers,
}

/// What the playbook does with rows, beyond what a plan shows of it.
#[derive(Clone, Debug, Default)]
pub struct Makers {
    /// The steps that make a row where there is none, and the columns by which they look for it. A turn of a loop stands under the path of its loop.
    pub makes: HashMap<Arc<str>, Vec<Arc<str>>>,
    /// Some step may take rows away: then others must not rest on them.
    pub takes_away: bool,
}

/// What an item does with a row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Touch {
    /// It is as wanted.
    Rests,
    Changes,
    TakesAway,
}

/// Two items, by their numbers from 0, that cannot both come to what their previews show.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pair {
    /// The one that comes first.
    pub one: u32,
    /// The other.
    pub other: u32,
    /// One of them takes a row away that is as wanted for the other.
    pub rests: bool,
}

/// A row that items have in common, as far as they were read.
#[derive(Default)]
struct Common {
    row: [u8; 16],
    /// The last item of each kind, with its subject.
    last: [Option<(u32, [u8; 8])>; 3],
}

impl Overlap {
    /// None yet; `folder` takes them if they are many.
    pub fn new(folder: &Path, makers: Makers) -> io::Result<Overlap> {
        Ok(Overlap { printer: Printer::new()?, rows: Sorting::new(folder), items: 0, makers })
    }

    /// One item more.
    pub fn add(&mut self, item: &ItemPlan) -> io::Result<()> {
        let rests = self.makers.takes_away;
        for step in item.steps.iter().filter(|step| rests || step.foreseen.acts()) {
            let makes = &self.makers.makes;
            let looks_by = if makes.is_empty() { None } else { makes.get(&*listed(&step.path)) };
            for effect in &step.effects {
                let Effect::Rows { changes, .. } = effect else { continue };
                for change in changes.iter().filter(|change| !change.by_rule) {
                    let (key, touch) = match change.deed() {
                        Deed::Nothing if rests && change.before.is_some() => (change.key.clone().into(), Touch::Rests),
                        Deed::Nothing => continue,
                        // A number of the database's own is nobody else's.
                        Deed::Insert => match looks_by.and_then(|columns| made_by(change, columns)) {
                            Some(key) => (key, Touch::Changes),
                            None => continue,
                        },
                        Deed::Update => (change.key.clone().into(), Touch::Changes),
                        Deed::Delete => (change.key.clone().into(), Touch::TakesAway),
                    };
                    let row = [Value::text(change.table.text()), key];
                    let mut record = [0; 29];
                    record[..16].copy_from_slice(&self.printer.of(&canonical::bytes(&Value::list(row))));
                    record[16..20].copy_from_slice(&self.items.to_be_bytes());
                    if let Some(lane) = &item.lane {
                        record[20..28].copy_from_slice(&self.printer.of(lane.as_bytes())[..8]);
                        // All zeros are no subject.
                        record[27] |= 1;
                    }
                    record[28] = touch as u8;
                    self.rows.add(record)?;
                }
            }
        }
        self.items += 1;
        Ok(())
    }

    /// Two items that change the same row, or of which one takes away what the other rests on, and that are not of one subject: the first that meets
    /// one before it.
    pub fn first(self) -> io::Result<Option<Pair>> {
        let (mut found, mut common) = (None::<Pair>, Common::default());
        for record in self.rows.sorted()? {
            let record = record?;
            let (mut row, mut number, mut subject) = ([0; 16], [0; 4], [0; 8]);
            row.copy_from_slice(&record[..16]);
            number.copy_from_slice(&record[16..20]);
            subject.copy_from_slice(&record[20..28]);
            let item = u32::from_be_bytes(number);
            if common.row != row {
                common = Common { row, ..Common::default() };
            }
            let others: &[Touch] = match record[28] {
                0 => &[Touch::TakesAway],
                1 => &[Touch::Changes, Touch::TakesAway],
                _ => &[Touch::Changes, Touch::TakesAway, Touch::Rests],
            };
            for other in others {
                let before = common.last[*other as usize];
                let before = before.filter(|(one, of)| *one != item && (subject == [0; 8] || *of != subject));
                let rests = record[28] == Touch::Rests as u8 || *other == Touch::Rests;
                let pair = before.map(|(one, _)| Pair { one, other: item, rests });
                found = [found, pair].into_iter().flatten().min_by_key(|pair| (pair.other, pair.one));
            }
            if let Some(last) = common.last.get_mut(usize::from(record[28])) {
                *last = Some((item, subject));
            }
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
