//! The items with which a run goes on: first those that are under way, then the others, both in their order. Each one's plan is read from the
//! journal when its turn comes.

use super::{
    FleetError, Items, Work,
    roll::{Line, Roll},
};
use crate::{
    base::identity::RunId,
    engine::state::ItemState,
    journal::{Appended, Journal, event::Event, failure::JournalError, payload::StartedItem, words::End},
    plan::{ItemPlan, stored},
};
use futures_util::stream;
use indexmap::IndexMap;
use std::{
    collections::{HashMap, VecDeque},
    sync::Arc,
};

/// The items of a run that are not over, one after the other. `begun`: those that are under way, as they stand.
pub fn coming(journal: &Journal, run: RunId, roll: Arc<Roll>, begun: IndexMap<Arc<str>, ItemState>) -> Items<'static> {
    let journal = journal.clone();
    let coming = Coming { journal, run, roll, begun, under_way: true, next: 0, ready: VecDeque::new() };
    Box::pin(stream::unfold(coming, |mut coming| async move {
        let work = coming.next().await.map_err(FleetError::from).transpose()?;
        Some((work, coming))
    }))
}

/// The items that ended so that those behind them are left alone: subject, place, key.
pub async fn spoilt(
    journal: &Journal,
    run: RunId,
    roll: &Roll,
) -> Result<Vec<(Arc<str>, u32, Arc<str>)>, JournalError> {
    let mut spoilt = Vec::new();
    let bad = |number: &u32| {
        let end = roll.lines[*number as usize].end;
        end.is_some_and(|end| !matches!(end, End::Changed | End::Unchanged))
    };
    let mut numbers = (0..u32::try_from(roll.lines.len()).unwrap_or(u32::MAX)).filter(bad).peekable();
    while let Some(first) = numbers.next() {
        let listing = roll.lines[first as usize].listing;
        let mut here = vec![first];
        while let Some(number) = numbers.next_if(|number| roll.lines[*number as usize].listing == listing) {
            here.push(number);
        }
        let mut listed = listed(journal, run, roll, listing).await?;
        for number in here {
            let Some(item) = listed.remove(&number) else { continue };
            let lane = planned(&item).and_then(|plan| plan.lane);
            spoilt.extend(lane.map(|lane| (lane, number, item.item)));
        }
    }
    Ok(spoilt)
}

struct Coming {
    journal: Journal,
    run: RunId,
    roll: Arc<Roll>,
    begun: IndexMap<Arc<str>, ItemState>,
    /// Those that are under way come now. They go on whatever the limits say of what may begin, and so nothing else may stand before them.
    under_way: bool,
    /// The number of the item behind those that are ready.
    next: u32,
    ready: VecDeque<Work>,
}

impl Coming {
    async fn next(&mut self) -> Result<Option<Work>, JournalError> {
        while self.ready.is_empty() {
            let lines = self.roll.lines.get(self.next as usize..).unwrap_or_default();
            let under_way = self.under_way;
            let comes = |line: &Line| line.end.is_none() && line.is_under_way() == under_way;
            let Some(skipped) = lines.iter().position(comes) else {
                if !std::mem::take(&mut self.under_way) {
                    return Ok(None);
                }
                self.next = 0;
                continue;
            };
            let from = self.next as usize + skipped;
            let listing = self.roll.lines[from].listing;
            let here = self.roll.lines[from..].iter().take_while(|line| line.listing == listing).count();
            self.next = u32::try_from(from + here).unwrap_or(u32::MAX);
            let mut listed = listed(&self.journal, self.run, &self.roll, listing).await?;
            for at in from..from + here {
                let line = self.roll.lines[at];
                if line.end.is_none() && line.is_under_way() == self.under_way {
                    let number = u32::try_from(at).unwrap_or(u32::MAX);
                    let work = self.work(number, listed.remove(&number));
                    self.ready.extend(work);
                }
            }
        }
        Ok(self.ready.pop_front())
    }

    fn work(&mut self, number: u32, listed: Option<StartedItem>) -> Option<Work> {
        // An item that no list names is known by what happened in it.
        let own = || self.begun.keys().find(|key| self.roll.number_of(key) == Some(number)).cloned();
        let key = listed.as_ref().map(|item| item.item.clone()).or_else(own)?;
        let plan = listed.as_ref().and_then(planned).unwrap_or_else(|| unplanned(&key));
        let (state, drifted) = (self.begun.swap_remove(&key).unwrap_or_default(), listed.and_then(|item| item.drifted));
        Some(Work { state, drifted, goes_on: self.under_way, ..Work::new(number, plan) })
    }
}

/// The items that one event lists, by number.
async fn listed(
    journal: &Journal,
    run: RunId,
    roll: &Roll,
    listing: u32,
) -> Result<HashMap<u32, StartedItem>, JournalError> {
    let Some(place) = roll.listed.get(listing as usize) else { return Ok(HashMap::new()) };
    let place: Appended = *place;
    let mut items = HashMap::new();
    for stored in journal.events_at(run, &[place]).await? {
        if let Event::ItemStarted(started) = stored.event {
            items.extend(started.items.into_iter().filter_map(|item| Some((roll.number_of(&item.item)?, item))));
        }
    }
    Ok(items)
}

fn planned(item: &StartedItem) -> Option<ItemPlan> {
    stored::load(&item.plan.as_ref()?.value())
}

/// What nobody planned is compared with nothing.
pub fn unplanned(key: &Arc<str>) -> ItemPlan {
    ItemPlan { key: key.clone(), steps: Vec::new(), stop: None, rests_on: Vec::new(), item: None, lane: None }
}
