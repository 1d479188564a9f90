//! Who is to be told of what in a run that waits: pure, from where the run stands. Whoever sends it records it first.

use super::{
    outgoing::tell::{Message, Reach, name},
    state::{APPROVAL, ItemState, RunState, StepState},
};
use crate::{
    base::{
        identity::{EffectId, RunId},
        time::Stamp,
    },
    journal::payload::{HumanAsked, HumanNotified},
};
use std::{collections::HashMap, sync::Arc, time::Duration};

/// A message about a question.
pub const QUESTION: &str = "question";
/// The same once more.
pub const REMINDER: &str = "reminder";
/// Something was handed over.
pub const ESCALATION: &str = "escalation";

/// One message about a step, recorded before it left.
#[derive(Clone, Debug)]
pub struct Notice {
    /// `question`, `reminder` or `escalation`.
    pub kind: Arc<str>,
    /// Which reminder.
    pub number: u32,
    /// To whom.
    pub who: Arc<str>,
    /// How.
    pub by: Arc<str>,
    /// When it was recorded.
    pub at: Stamp,
    /// What became of it; nothing when nobody knows.
    pub result: Option<String>,
}

/// A message that is due now.
#[derive(Clone, Debug)]
pub struct Due {
    /// Path of the step.
    pub step: Arc<str>,
    /// The items that ask the same person at this step.
    pub items: Vec<Arc<str>>,
    /// What the first of them asks.
    pub asked: Arc<HumanAsked>,
    /// Which reminder; 0 is the question itself.
    pub number: u32,
    /// How often the step was deliberately done again before.
    pub generation: u32,
}

impl Due {
    /// `question` or `reminder`.
    pub fn kind(&self) -> &'static str {
        if self.number == 0 { QUESTION } else { REMINDER }
    }

    /// As the journal holds it, before and after it left.
    pub fn event(&self, reach: &Reach, result: Option<String>) -> HumanNotified {
        HumanNotified {
            step: self.step.clone(),
            items: self.items.clone(),
            who: self.asked.who.clone(),
            kind: self.kind().into(),
            number: self.number,
            by: reach.word().into(),
            result,
        }
    }

    /// The message, with this text.
    pub fn message(&self, run: RunId, subject: String, text: String) -> Message<'_> {
        let item = self.items.first().cloned().unwrap_or_default();
        let effect = EffectId { run, item, step: format!("{}~{}", self.step, self.generation).into(), generation: 0 };
        Message { who: &self.asked.who, subject, text, id: name(&effect, self.kind(), self.number) }
    }
}

/// A message that has left, or could not.
#[derive(Clone, Debug)]
pub struct Sent {
    /// The run.
    pub run: RunId,
    /// What it is about.
    pub due: Due,
    /// It was taken.
    pub told: bool,
    /// How, or why not.
    pub result: String,
}

/// What became of looking through all runs that wait.
#[derive(Debug, Default)]
pub struct Reminded {
    /// What has left, or could not.
    pub sent: Vec<Sent>,
    /// Runs that could not be looked at, and why.
    pub left: Vec<(RunId, String)>,
}

/// What is due in a run: each question once, and after each `remind` one reminder, as long as an answer is in time. Reminders
/// that nobody was there to send are not made up for.
pub fn due(state: &RunState, people: &HashMap<Arc<str>, Reach>, now: Stamp) -> Vec<Due> {
    let mut all: Vec<Due> = Vec::new();
    if state.closed.is_some() || state.cancelled {
        return all;
    }
    let open = state.items.iter().filter(|(_, item)| item.closed.is_none());
    for (key, path, step) in open.flat_map(|(key, item)| steps(key, item)) {
        let Some(asked) = step.asked.as_ref().filter(|_| step.waits() && &**path != APPROVAL) else { continue };
        if !people.contains_key(&asked.who) || step.is_overdue(now) {
            continue;
        }
        let Some(number) = number(step, asked, now) else { continue };
        match all.iter_mut().find(|d| d.step == *path && d.number == number && d.asked.who == asked.who) {
            Some(due) => due.items.push(key.clone()),
            None => all.push(Due {
                step: path.clone(),
                items: vec![key.clone()],
                asked: asked.clone(),
                number,
                generation: step.generation,
            }),
        }
    }
    all
}

fn steps<'a>(
    key: &'a Arc<str>,
    item: &'a ItemState,
) -> impl Iterator<Item = (&'a Arc<str>, &'a Arc<str>, &'a StepState)> {
    item.steps.iter().map(move |(path, step)| (key, path, step))
}

/// Which message is due about a question, if one is.
fn number(step: &StepState, asked: &HumanAsked, now: Stamp) -> Option<u32> {
    let last = step.notices.iter().filter(|n| matches!(&*n.kind, QUESTION | REMINDER)).map(|n| n.number).max();
    let Some(last) = last else { return Some(0) };
    let every = i64::try_from(asked.remind.filter(|micros| *micros > 0)?).ok()?;
    let number = u32::try_from(now.micros.saturating_sub(step.asked_at?.micros) / every).ok()?;
    (number > last).then_some(number)
}

/// The moment a while after another one.
pub fn after(at: Stamp, length: Duration) -> Stamp {
    let micros = i64::try_from(length.as_micros()).unwrap_or(i64::MAX);
    Stamp { micros: at.micros.saturating_add(micros), ..at }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        base::value::Map,
        engine::state::ANSWER,
        journal::{
            event::Event,
            payload::{HumanDecided, RunCancelled},
        },
    };

    const DAY: i64 = 86_400_000_000;

    fn at(days: i64) -> Stamp {
        Stamp { micros: 1_753_264_800_000_000 + days * DAY, digits: 6 }
    }

    fn people() -> HashMap<Arc<str>, Reach> {
        HashMap::from([("ann".into(), Reach::File("told".into()))])
    }

    fn asked(who: &str, item: &str, until: Option<i64>) -> Event {
        let question = "Done?".into();
        let (until, remind) = (until.map(at), Some(DAY as u64));
        let (step, items) = ("steps/agreed".into(), vec![item.into()]);
        HumanAsked {
            step,
            items,
            who: who.into(),
            question,
            answer: Map::default(),
            evidence: None,
            until,
            remind,
            revealed: None,
        }
        .into()
    }

    /// What is due on a day, after these events: `step number items`.
    fn found(events: &[(i64, Event)], day: i64) -> Vec<String> {
        let state = RunState::fold(events.iter().map(|(day, event)| (at(*day), event)));
        due(&state, &people(), at(day))
            .iter()
            .map(|due| format!("{} {} {}", due.kind(), due.number, due.items.join(",")))
            .collect()
    }

    /// The events with what is due on this day sent, although nobody knows whether it arrived.
    fn told(events: &mut Vec<(i64, Event)>, day: i64) {
        let state = RunState::fold(events.iter().map(|(day, event)| (at(*day), event)));
        for due in due(&state, &people(), at(day)) {
            events.push((day, due.event(&people()["ann"], None).into()));
        }
    }

    #[test]
    fn a_question_and_each_reminder_is_due_once_and_never_after_the_deadline() {
        let mut events = vec![(0, asked("ann", "a", Some(5))), (0, asked("ann", "b", Some(5)))];
        assert_eq!(found(&events, 0), ["question 0 a,b"]);
        told(&mut events, 0);
        assert!(found(&events, 0).is_empty());
        assert_eq!(found(&events, 1), ["reminder 1 a,b"]);
        // Nobody looked on the second day.
        assert_eq!(found(&events, 3), ["reminder 3 a,b"]);
        told(&mut events, 3);
        assert!(found(&events, 3).is_empty());
        let answer = HumanDecided {
            step: "steps/agreed".into(),
            items: vec!["a".into()],
            actor: "ann".into(),
            decision: ANSWER.into(),
            values: Map::default(),
            reason: None,
        };
        events.push((3, answer.into()));
        assert_eq!(found(&events, 4), ["reminder 4 b"]);
        assert_eq!(found(&events, 5), ["reminder 5 b"]);
        assert!(found(&events, 6).is_empty(), "an answer would be refused");
        events.push((4, RunCancelled { actor: "ben".into(), reason: "x".into() }.into()));
        assert!(found(&events, 4).is_empty());
        assert!(found(&[(0, asked("somebody by hand", "a", None))], 1).is_empty());
    }
}
