//! A plan of many items: what all of them come to, and where they are. Only the first ones are held; the others stand in a
//! plan file and are read one by one.

use super::{
    ItemPlan, Plan, Tally,
    file::{BadPlan, Items},
};
use crate::{base::seal::Sealer, effect::matched::Matched};
use std::{fs::File, io::BufReader, path::PathBuf, sync::Arc};

/// So many items of a plan are held, with the part that is done once.
pub const HELD: usize = 200;

/// What is known of all items of a plan.
#[derive(Clone, Debug)]
pub struct Many {
    /// What they come to.
    pub tally: Tally,
    /// What an approval signs.
    pub digest: String,
    /// How many items the source had; more than there are when only some are taken.
    pub of: u64,
    /// How many groups of one row were left out.
    pub lone: u64,
    /// Of a comparison of two sources: how many records it looked at, and what it found.
    pub matched: Option<Matched>,
    /// How they will be carried out, for people, where that is known: `in sets of up to 200`.
    pub goes: Option<String>,
    /// The file with all of them, where not all are held.
    pub file: Option<Arc<PlanFile>>,
}

/// A plan file; one that was made only to be carried out goes away with its last holder.
#[derive(Debug)]
pub struct PlanFile {
    /// Where it is.
    pub path: PathBuf,
    /// It is removed afterwards.
    pub passing: bool,
    /// Locked as long as one that is removed afterwards is needed: what nobody holds was left by a process that was killed.
    pub held: Option<File>,
    /// The sum of every line before the last: the items that are carried out are those that were shown.
    pub sha256: Arc<str>,
}

impl Drop for PlanFile {
    fn drop(&mut self) {
        if self.passing {
            // Nothing hangs on it any more.
            let _ = std::fs::remove_file(&self.path);
        }
    }
}

/// The items of a plan, one after the other: the part that is done once first.
pub enum Each {
    /// All are held.
    Held(std::vec::IntoIter<ItemPlan>),
    /// From the file.
    Read(Box<Items<BufReader<File>>>),
}

impl Plan {
    /// Every item of it.
    pub fn each(&self, sealer: &Sealer) -> Result<Each, BadPlan> {
        match self.many.as_ref().and_then(|many| many.file.as_ref()) {
            None => Ok(Each::Held(self.items.clone().into_iter())),
            Some(file) => {
                let opened = File::open(&file.path).map_err(BadPlan::Io)?;
                let reader = BufReader::with_capacity(1 << 16, opened);
                Ok(Each::Read(Box::new(Items::of(reader, sealer, file.sha256.clone())?)))
            }
        }
    }
}

impl Iterator for Each {
    type Item = Result<ItemPlan, BadPlan>;
    fn next(&mut self) -> Option<Self::Item> {
        match self {
            Each::Held(items) => items.next().map(Ok),
            Each::Read(items) => items.next(),
        }
    }
}
