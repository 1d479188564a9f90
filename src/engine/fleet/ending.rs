//! What a run over many items does once, before and after them, and how it ends or stands still.

use super::{Came, Fleet, FleetError, flow::Flow, lanes::Pick, work::Work};
use crate::{
    base::identity::SINGLE_ITEM,
    engine::{
        crew::Crew,
        drive::{Driver, Stopped},
        setting::{OneItem, Part},
        state::{ItemState, RunState},
    },
    journal::{
        event::Event,
        payload::{ClosedItem, ItemClosed, RunClosed, RunPaused},
        words::End,
    },
    plan::ItemPlan,
    template::scope::Entry,
};
use std::sync::Arc;

/// So many items are closed in one event.
const TOGETHER: usize = 500;

impl Fleet<'_> {
    /// What is done once, before all items or after them.
    pub(super) async fn once(
        &mut self,
        crew: &Arc<Crew>,
        plan: &ItemPlan,
        state: ItemState,
        counts: Option<crate::base::value::Value>,
    ) -> Result<(Stopped, ItemState, Arc<Vec<(Arc<str>, Entry)>>), FleetError> {
        let setting = if self.is_back() {
            (self.make)(plan, &Arc::default()).await?
        } else {
            self.setting.about(OneItem { part: Part::Once, counts, ..OneItem::default() })
        };
        let mut whole = RunState { created: Some(self.created.clone()), ..RunState::default() };
        whole.items.insert(SINGLE_ITEM.into(), state);
        let (journal, claim) = (self.journal, self.claim.clone());
        let driver = Driver::new(&setting, journal, claim, Some(plan), self.watch, self.pause, whole);
        let mut driver = driver.in_crew(crew.clone());
        let stopped = match driver.drive().await {
            Ok(stopped) => stopped,
            Err(error) => return Err(FleetError::Journal(error, driver.take_unrecorded())),
        };
        let names = setting.outline.names();
        let found = names
            .into_iter()
            .filter_map(|name| driver.scope.entry(name).map(|(name, entry)| (name.clone(), entry.clone())));
        let entries = Arc::new(found.collect());
        let state = driver.state.items.swap_remove(SINGLE_ITEM).unwrap_or_default();
        Ok((stopped, state, entries))
    }

    /// Items that have not begun end with the run that was cancelled.
    pub(super) async fn cancel_rest(&mut self, crew: &Crew, flow: &mut Flow<'_>) -> Result<(), FleetError> {
        let by = crew.cancelled();
        let reason = by.map(|by| format!("cancelled by {}: {}", by.actor, by.reason));
        let mut together: Vec<ClosedItem> = Vec::new();
        loop {
            flow.fill().await;
            let (Pick::Begin(work) | Pick::Skip(work, _)) = flow.lanes.pick() else { break };
            let key = work.plan.key.clone();
            flow.lanes.ended(work.plan.lane.as_ref(), work.number, &key, Some(End::Cancelled));
            if !work.state.steps.is_empty() && work.state.doubts().next().is_some() {
                // Nobody knows what became of it: a resume finds out.
                self.summary.add(&key, &work.state);
                flow.doubt.get_or_insert_with(|| "a step".into());
                continue;
            }
            self.summary.of += 1;
            self.summary.halfway.left(&work.state);
            self.summary.ended(&key, End::Cancelled, reason.clone());
            together.push(ClosedItem { item: key, end: End::Cancelled, reason: reason.clone() });
            if together.len() == TOGETHER {
                let mut events = vec![ItemClosed { items: std::mem::take(&mut together) }.into()];
                crew.append(self.journal, &self.claim, &mut events).await?;
            }
        }
        if !together.is_empty() {
            let mut events = vec![ItemClosed { items: together }.into()];
            crew.append(self.journal, &self.claim, &mut events).await?;
        }
        Ok(())
    }

    /// All items are over: what comes once after them, and the end of the run.
    pub(super) async fn finish(&mut self, crew: &Arc<Crew>) -> Result<Came, FleetError> {
        crew.closes();
        let mut end = None;
        if let Some(work) = self.once.take() {
            let counts = Some(self.summary.value());
            let (stopped, state, _) = self.once(crew, &work.plan, work.state, counts).await?;
            self.once = Some(Work::of_once(work.plan, state));
            match stopped {
                Stopped::Closed(once) => end = Some(once).filter(|end| !matches!(end, End::Changed | End::Unchanged)),
                stopped => return self.stand(crew, Some(stopped)).await,
            }
        }
        self.close(crew, end).await
    }

    pub(super) async fn close(&mut self, crew: &Crew, once: Option<End>) -> Result<Came, FleetError> {
        self.hand_over(crew).await?;
        let end = End::worst(self.summary.ends.keys().copied().chain(once));
        let closed = self.once.as_ref().and_then(|work| work.state.closed.as_ref());
        let reason = once.and_then(|_| closed?.reason.clone());
        let reason = reason.or_else(|| crew.cancelled().map(|by| format!("cancelled by {}: {}", by.actor, by.reason)));
        let mut events: Vec<Event> =
            vec![RunClosed { end, reason: reason.clone(), counts: self.summary.counts() }.into()];
        crew.append(self.journal, &self.claim, &mut events).await?;
        Ok(self.came(Stopped::Closed(end), reason))
    }

    /// The run stands still: somebody has to answer or decide, or it is to pause.
    pub(super) async fn stand(&mut self, crew: &Crew, stopped: Option<Stopped>) -> Result<Came, FleetError> {
        self.hand_over(crew).await?;
        let why = crew.why();
        let mut events = Vec::new();
        if why.is_some() || stopped.is_none() {
            let reason = why.clone().unwrap_or_else(|| "items are left that wait for others".into());
            events.push(RunPaused { reason, until: None, behind: None }.into());
        }
        crew.append(self.journal, &self.claim, &mut events).await?;
        Ok(Came { cut_off: crew.is_cut_off(), ..self.came(stopped.unwrap_or(Stopped::Paused), why) })
    }

    pub(super) fn came(&mut self, stopped: Stopped, why: Option<String>) -> Came {
        let mut summary = std::mem::take(&mut self.summary);
        summary.of = self.of;
        Came { stopped, summary, why, cut_off: false }
    }
}
