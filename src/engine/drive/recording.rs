//! What a driver records: durable before anything leaves, and again within bounds when it has happened.

use super::{Driver, Halt, Went};
use crate::{
    base::value::Value,
    engine::{
        crew::Crew,
        outline::Place,
        state::{RunState, StepState},
        tries::Tries,
        watch::Tick,
    },
    journal::{
        Appended, Appending,
        event::Event,
        failure::JournalError,
        payload::*,
        words::{End, Outcome},
    },
};
use std::sync::Arc;

/// An effect that happened and that the journal does not know of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unrecorded {
    /// The item.
    pub item: Arc<str>,
    /// The step.
    pub path: Arc<str>,
    /// How it ended.
    pub outcome: Outcome,
    /// In one line.
    pub summary: String,
}

impl Unrecorded {
    /// From what was to be recorded.
    pub(in crate::engine) fn of(path: &Arc<str>, one: &ItemOutcome) -> Unrecorded {
        let summary = one.message.clone().or_else(|| one.response.clone()).unwrap_or_default();
        Unrecorded { item: one.item.clone(), path: path.clone(), outcome: one.outcome, summary }
    }
}

/// An outcome on its way into the journal.
pub(super) struct Beside {
    pub(super) appending: Appending,
    /// The events, in case they have to be recorded once more.
    pub(super) events: Vec<Event>,
    /// The number that the last of them gets if nobody else writes.
    pub(super) seq: u64,
    pub(super) done: Unrecorded,
}

/// What will be tried.
pub(in crate::engine) struct Meant<'a> {
    /// How a lost answer will be resolved.
    pub(in crate::engine) class: &'static str,
    pub(in crate::engine) connection: Option<&'a Arc<str>>,
    /// For people.
    pub(in crate::engine) shown: String,
    /// Enough to send the same bytes again.
    pub(in crate::engine) request: Option<Value>,
    /// What the ledger will hold of it.
    pub(in crate::engine) request_hash: Option<Arc<str>>,
}

impl Driver<'_> {
    /// The last words of one of many items: durable with whatever is recorded next.
    pub(super) async fn hand_over(&mut self) -> Result<(), JournalError> {
        self.join().await?;
        let Some(crew) = self.crew.clone() else { return Ok(()) };
        // The next item of the subject may change the same row: what this one did must not look like nobody's.
        if let Some(seat) = self.seat.clone().filter(|seat| !seat.is_alone()) {
            seat.leaves(&mut self.pending);
            return Ok(());
        }
        let alone = self.plan.is_none_or(|plan| plan.lane.is_none());
        if alone && crew.later(&mut self.pending) { Ok(()) } else { self.flush_all(&crew).await }
    }

    pub(super) async fn flush_all(&mut self, crew: &Crew) -> Result<(), JournalError> {
        if let Some(seat) = self.together().cloned() {
            return seat.record(&mut self.pending).await;
        }
        crew.append(self.journal, &self.claim, &mut self.pending).await
    }

    pub(super) fn was_attempted(&self, path: &str) -> bool {
        self.standing(path).is_some_and(|step| step.attempts > 0)
    }

    /// Takes an event into the state; it becomes durable with the next flush.
    pub(in crate::engine) fn note(&mut self, event: Event) {
        self.state.apply(self.setting.world.now(), &event);
        self.pending.push(event);
    }

    /// Makes everything noted durable, in one transaction.
    pub(in crate::engine) async fn flush(&mut self) -> Result<(), JournalError> {
        if let Some(crew) = self.crew.clone() {
            // The journal takes them in this order: what is on its way is durable no later than these.
            let first = if self.pending.is_empty() { Ok(()) } else { self.flush_all(&crew).await };
            // That happened already: where it cannot be recorded it is tried again, and these with it.
            self.join().await?;
            if !self.pending.is_empty() {
                return first;
            }
            if let Some(by) = crew.cancelled() {
                (self.state.cancelled, self.state.cancelled_by) = (true, Some(by));
            }
            return Ok(());
        }
        self.join().await?;
        if self.pending.is_empty() {
            return Ok(());
        }
        let appended = Box::pin(self.journal.append_claimed(&self.claim, &self.pending)).await?;
        self.pending.clear();
        self.numbered(appended, self.state.events).await
    }

    /// Compares the number of the last recorded event with the one that it has when nobody else writes.
    pub(super) async fn numbered(&mut self, appended: Appended, alone: u64) -> Result<(), JournalError> {
        if appended.seq != alone {
            Box::pin(self.catch_up()).await?;
        }
        Ok(())
    }

    /// Somebody else wrote as well: that needs no claim only where the run is to end.
    pub(in crate::engine) async fn catch_up(&mut self) -> Result<(), JournalError> {
        let events = self.journal.events(self.claim.run).await?;
        let now = RunState::of(events.into_iter().map(|stored| (stored.at, stored.event)));
        (self.state.cancelled, self.state.events) = (now.cancelled, now.events);
        self.state.cancelled_by = now.cancelled_by;
        Ok(())
    }

    /// Records what an effect came to, and again within bounds: it happened, whatever becomes of the journal. What cannot be
    /// recorded is kept for whoever reads the end of this process.
    pub(in crate::engine) async fn keep(
        &mut self,
        path: &Arc<str>,
        outcome: Outcome,
        summary: &str,
    ) -> Result<(), JournalError> {
        let first = self.flush().await;
        if first.is_ok() {
            return Ok(());
        }
        let done = Unrecorded { item: self.item.clone(), path: path.clone(), outcome, summary: summary.to_owned() };
        Box::pin(self.keep_on(first, done)).await
    }

    /// The same, while the run goes on with what has no effect: whoever remembers the effect (its rows, the ledger, the other side) tells
    /// what became of it if this process dies meanwhile. Every flush waits for it first.
    pub(super) async fn keep_beside(
        &mut self,
        path: &Arc<str>,
        outcome: Outcome,
        summary: &str,
    ) -> Result<(), JournalError> {
        self.join().await?;
        let done = Unrecorded { item: self.item.clone(), path: path.clone(), outcome, summary: summary.to_owned() };
        match self.journal.append_beside(&self.claim, &self.pending) {
            Ok(appending) => {
                let events = std::mem::take(&mut self.pending);
                self.beside = Some(Beside { appending, events, seq: self.state.events, done });
                Ok(())
            }
            Err(error) => Box::pin(self.keep_on(Err(error), done)).await,
        }
    }

    /// Waits for what is recorded beside the work.
    pub(super) async fn join(&mut self) -> Result<(), JournalError> {
        if let Some(beginning) = self.beginning.take() {
            let begun = Box::pin(beginning.durable()).await;
            self.unbegun = begun.is_err();
            begun?;
        }
        let Some(Beside { appending, mut events, seq, done }) = self.beside.take() else { return Ok(()) };
        let first = match Box::pin(appending.durable()).await {
            // Of many items the others write as well.
            Ok(_) if self.crew.is_some() => Ok(()),
            Ok(appended) => self.numbered(appended, seq).await,
            Err(error) => {
                events.append(&mut self.pending);
                self.pending = events;
                Err(error)
            }
        };
        if first.is_ok() {
            return Ok(());
        }
        Box::pin(self.keep_on(first, done)).await
    }

    pub(super) async fn keep_on(
        &mut self,
        first: Result<(), JournalError>,
        done: Unrecorded,
    ) -> Result<(), JournalError> {
        let (mut tries, mut last) = (Tries::default(), first);
        loop {
            let Err(error) = last else { return Ok(()) };
            // Where nobody knows whether it was recorded it is recorded once more: an outcome that stands there twice is one.
            let again = error.may_pass() || matches!(error, JournalError::Unsure { .. });
            let Some(pause) = tries.next().filter(|_| again) else {
                self.unrecorded = Some(done);
                return Err(error);
            };
            (self.watch)(Tick::Unrecorded { path: done.path.clone(), why: error.to_string(), pause });
            self.setting.world.pause(pause).await;
            last = Box::pin(self.flush()).await;
        }
    }

    /// What happened and the journal does not know of, where it cannot be written.
    pub fn take_unrecorded(&mut self) -> Vec<Unrecorded> {
        let mut all: Vec<Unrecorded> = self.unrecorded.take().into_iter().collect();
        let outcomes = self.pending.iter().filter_map(|event| match event {
            Event::StepOutcome(outcome) if self.was_attempted(&outcome.step) => Some(outcome),
            _ => None,
        });
        for outcome in outcomes {
            let ended = outcome.outcomes.iter().filter(|one| one.outcome != Outcome::NotDone);
            for one in ended.map(|one| Unrecorded::of(&outcome.step, one)) {
                if !all.iter().any(|known| (&known.item, &known.path) == (&one.item, &one.path)) {
                    all.push(one);
                }
            }
        }
        all
    }

    pub(in crate::engine) fn outcome(&mut self, path: &Arc<str>, went: Went, micros: u64) {
        self.outcome_with(path, went, micros, None, None);
    }

    /// An outcome that ends the item, or that a `rescue` has to know of.
    pub(in crate::engine) fn outcome_with(
        &mut self,
        path: &Arc<str>,
        went: Went,
        micros: u64,
        ends: Option<End>,
        error: Option<Value>,
    ) {
        let one = ItemOutcome {
            item: self.item.clone(),
            generation: self.generation(path),
            outcome: went.outcome,
            value: went.value,
            message: went.message,
            response: went.response,
            micros,
            ends,
            error,
        };
        self.note(StepOutcome { step: path.clone(), outcomes: vec![one] }.into());
    }

    /// Intent and attempt, durable before anything leaves.
    pub(in crate::engine) async fn intend(
        &mut self,
        place: &Place,
        meant: Meant<'_>,
        attempt: u32,
    ) -> Result<(), Halt> {
        self.facts_hold(place)?;
        if attempt == 1 {
            let Meant { class, connection, shown, request, request_hash } = meant;
            let effect = self.effect(&place.path);
            // Of many items each one's plan stands in the list of them.
            let planned = if self.crew.is_some() { Vec::new() } else { self.planned_rows(&place.path) };
            let intent = Intent { effect, shown, request, request_hash, planned };
            self.note(
                StepIntent {
                    step: place.path.clone(),
                    class: class.into(),
                    connection: connection.cloned(),
                    intents: vec![intent],
                }
                .into(),
            );
        }
        self.attempt(&place.path, attempt).await
    }

    /// The last durable word before a byte may leave.
    pub(in crate::engine) async fn attempt(&mut self, path: &Arc<str>, attempt: u32) -> Result<(), Halt> {
        let effect = self.effect(path);
        let again = self.standing(path).is_some_and(StepState::is_in_doubt) && attempt > 1;
        self.note(
            StepAttempt { step: path.clone(), attempts: vec![Attempt { effect, attempt, deadline: None }] }.into(),
        );
        self.flush().await?;
        // What is done at the end of a block is done all the same.
        if self.state.cancelled && !again && !self.always {
            // Somebody asked the run to end meanwhile, and nothing has left yet.
            let message = Some("The run was cancelled before anything was sent.".to_owned());
            self.outcome(path, Went { outcome: Outcome::NotDone, value: None, message, response: None }, 0);
            return Err(Halt::Round);
        }
        Ok(())
    }
}
