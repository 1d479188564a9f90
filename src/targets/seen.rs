//! Keys of rows, to find those that two rows have.

use super::spool::SpoolError;
use crate::base::sorting::{Print, Sorting};
use std::path::Path;

/// The fingerprint of each row's key, and its line (or number).
pub(super) struct Seen(Sorting<20>);

impl Seen {
    /// None yet; `folder` takes them if they are many.
    pub fn new(folder: &Path) -> Seen {
        Seen(Sorting::new(folder))
    }

    /// One row more.
    pub fn add(&mut self, print: Print, at: u64) -> Result<(), SpoolError> {
        let mut record = [0; 20];
        record[..16].copy_from_slice(&print);
        // A source has less than four thousand million rows.
        record[16..].copy_from_slice(&u32::try_from(at).unwrap_or(u32::MAX).to_be_bytes());
        Ok(self.0.add(record)?)
    }

    /// Tells where rows with the same key stand, in the order of the first of each.
    pub fn twice(self, mut tell: impl FnMut(&[u64])) -> Result<(), SpoolError> {
        let mut same = Sorting::<8>::new(self.0.folder());
        let mut first = None::<[u8; 20]>;
        let mut told = false;
        for record in self.0.sorted()? {
            let record = record?;
            match first {
                Some(first) if first[..16] == record[..16] => {
                    if !std::mem::replace(&mut told, true) {
                        same.add(pair(first, first))?;
                    }
                    same.add(pair(first, record))?;
                }
                _ => (first, told) = (Some(record), false),
            }
        }
        let (mut of, mut at) = (0, Vec::new());
        for pair in same.sorted()? {
            let [first, one] = halves(pair?);
            if first != of && !at.is_empty() {
                tell(&at);
                at.clear();
            }
            of = first;
            at.push(u64::from(one));
        }
        if !at.is_empty() {
            tell(&at);
        }
        Ok(())
    }
}

/// Where the first of some rows stands, and where one of them does.
fn pair(first: [u8; 20], one: [u8; 20]) -> [u8; 8] {
    let mut pair = [0; 8];
    pair[..4].copy_from_slice(&first[16..]);
    pair[4..].copy_from_slice(&one[16..]);
    pair
}

fn halves([a, b, c, d, e, f, g, h]: [u8; 8]) -> [u32; 2] {
    [u32::from_be_bytes([a, b, c, d]), u32::from_be_bytes([e, f, g, h])]
}
