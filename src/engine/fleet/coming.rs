//! The items with which a run goes on, in their order: each one's plan is read from the journal when its turn comes.

use super::{FleetError, Items, Work, roll::Roll};
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
    let coming = Coming { journal: journal.clone(), run, roll, begun, next: 0, ready: VecDeque::new() };
    Box::pin(stream::unfold(coming, |mut coming| async move {
        let work = coming.next().await.map_err(FleetError::from).transpose()?;
        Some((work, coming))
    }))
}

/// The subjects of items that ended so that those behind them are left alone: subject, key, end.
pub async fn spoilt(
    journal: &Journal,
    run: RunId,
    roll: &Roll,
) -> Result<Vec<(Arc<str>, Arc<str>, End)>, JournalError> {
    let mut before = Vec::new();
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
            let end = roll.lines[number as usize].end;
            before.extend(lane.zip(end).map(|(lane, end)| (lane, item.item, end)));
        }
    }
    Ok(before)
}

struct Coming {
    journal: Journal,
    run: RunId,
    roll: Arc<Roll>,
    begun: IndexMap<Arc<str>, ItemState>,
    /// The number of the item behind those that are ready.
    next: u32,
    ready: VecDeque<Work>,
}

impl Coming {
    async fn next(&mut self) -> Result<Option<Work>, JournalError> {
        while self.ready.is_empty() {
            let lines = self.roll.lines.get(self.next as usize..).unwrap_or_default();
            let Some(skipped) = lines.iter().position(|line| line.end.is_none()) else { return Ok(None) };
            let from = self.next as usize + skipped;
            let listing = self.roll.lines[from].listing;
            let here = self.roll.lines[from..].iter().take_while(|line| line.listing == listing).count();
            self.next = u32::try_from(from + here).unwrap_or(u32::MAX);
            let mut listed = listed(&self.journal, self.run, &self.roll, listing).await?;
            for at in from..from + here {
                if self.roll.lines[at].end.is_none() {
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
        Some(Work { plan, state: self.begun.swap_remove(&key).unwrap_or_default() })
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
