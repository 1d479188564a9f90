//! How the run of a heal stands: which of its items are in doubt, and what was done for those that were not carried through.

use crate::{
    base::identity::{RunId, SINGLE_ITEM},
    engine::fleet::{roll::Roll, summary::Halfway},
    journal::words::RunWord,
    ops::{Failure, record::Record},
};
use std::{collections::HashSet, sync::Arc};

/// How it stands.
#[derive(Debug, Default)]
pub(super) struct Stands {
    /// All that is not over is in doubt: the journal was restored from a copy, and what the run did since is not recorded.
    whole: bool,
    /// The items in which something is in doubt.
    in_doubt: HashSet<Arc<str>>,
    /// What was done for items that are over and were not carried through.
    pub halfway: Halfway,
}

impl Stands {
    /// Of a run that stands so; `halfway`: some of its items ended otherwise than as done, and something had been tried for them. What is over and done
    /// needs no look at its events.
    pub async fn read(record: &Record, run: RunId, state: RunWord, halfway: bool) -> Result<Stands, Failure> {
        let mut stands = Stands::default();
        if state != RunWord::InDoubt && !halfway {
            return Ok(stands);
        }
        let roll = record.roll(run).await?;
        if state == RunWord::InDoubt {
            stands.doubts(record, &roll).await?;
        }
        if halfway && roll.count() == 0 {
            roll.run.items.get(SINGLE_ITEM).into_iter().for_each(|item| stands.halfway.add(item));
        } else if halfway {
            let add = |_, _: &Arc<str>, item: Option<&_>| item.into_iter().for_each(|item| stands.halfway.add(item));
            roll.walk(&record.journal, add).await?;
        }
        Ok(stands)
    }

    async fn doubts(&mut self, record: &Record, roll: &Roll) -> Result<(), Failure> {
        self.whole = roll.run.behind.is_some();
        let open = roll.standing(&record.journal).await?.items;
        let in_doubt = open.into_iter().filter(|(_, item)| item.closed.is_none() && item.doubts().next().is_some());
        self.in_doubt = in_doubt.map(|(key, _)| key).collect();
        Ok(())
    }

    /// Nobody knows what became of this one, which is not over.
    pub fn is_in_doubt(&self, item: &str) -> bool {
        self.whole || self.in_doubt.contains(item)
    }

    /// Of so many that are not over, how many are in doubt and not listed.
    pub fn in_doubt_beyond(&self, listed: &HashSet<&str>, open: u64) -> u64 {
        if self.whole {
            return open;
        }
        self.in_doubt.iter().filter(|item| &***item != SINGLE_ITEM && !listed.contains(&***item)).count() as u64
    }
}

#[cfg(test)]
impl Stands {
    /// These are in doubt.
    pub fn of(items: &[&str]) -> Stands {
        Stands { in_doubt: items.iter().map(|item| Arc::from(*item)).collect(), ..Stands::default() }
    }

    /// All of it is.
    pub fn whole() -> Stands {
        Stands { whole: true, ..Stands::default() }
    }
}
