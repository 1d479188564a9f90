//! A step that did not go through, recorded with where it leads.

use super::{
    drift,
    drive::{Driver, Went},
    endings,
    outline::Place,
    state::ItemState,
    trouble::{Difference, Ending, Trouble},
    watch::Tick,
};
use crate::{
    action::{ends::Way, step::Step},
    base::value::Value,
    journal::{
        failure::JournalError,
        payload::*,
        words::{End, Outcome},
    },
    plan::{Foreseen, Section},
};

impl Driver<'_> {
    /// A precondition that held in the plan and does not hold now is drift, with what differs by name.
    fn unlike_planned(&self, place: &Place, trouble: Trouble) -> Trouble {
        let (Some(plan), Section::Preconditions) = (self.plan, place.section) else { return trouble };
        let missed = match &trouble {
            Trouble::Missed(missed) => Some(&missed.message),
            // An expression that has nothing to work with any more.
            Trouble::Step { .. } => None,
            _ => return trouble,
        };
        let mut differences = drift::of_facts(plan, &self.scope, self.setting);
        drift::without_own(&mut differences, &self.own(), self.setting);
        let held = self.planned(&place.path).is_some_and(|step| step.foreseen == Foreseen::Passes);
        if let Some(found) = missed.filter(|_| differences.is_empty() && held) {
            let (subject, column) = (place.path.to_string(), String::new());
            differences.push(Difference { subject, column, planned: "it held".into(), found: found.clone() });
        }
        if differences.is_empty() { trouble } else { Trouble::Drifted(differences) }
    }

    /// A step that did not go through: its ending, recorded.
    pub(super) async fn end(&mut self, place: &Place, trouble: Trouble) -> Result<(), JournalError> {
        self.close_readers().await;
        let step = place.step.clone();
        let trouble = self.unlike_planned(place, trouble);
        if let Trouble::Drifted(differences) = &trouble {
            self.drift = differences.clone();
        }
        let help = trouble.help();
        let (outcome, ending) = match &trouble {
            Trouble::Drifted(_) => (Outcome::Drifted, plain_ending(&trouble, &step)),
            _ if trouble.in_doubt() => (Outcome::InDoubt, plain_ending(&trouble, &step)),
            _ => {
                let mut ending = endings::ending(&step, &trouble, &self.scope, self.setting).in_section(place.section);
                // Nothing more is done, but something was: that is no stop.
                if self.confirmed.contains_key(&place.path)
                    && step.common.otherwise.is_none()
                    && ending.way == Way::Stop
                {
                    ending.way = Way::Fail;
                }
                (outcome_of(ending.way), ending)
            }
        };
        if let (Some(who), Some(text)) = (&ending.who, &ending.told) {
            (self.watch)(Tick::PassOn { who: who.clone(), text: text.clone() });
        }
        let mut message = ending.message.clone();
        if let Some(who) = &ending.who {
            message = format!("For {who}: {message}");
        }
        for line in help {
            message = format!("{message} {}", endings::sentence(&line));
        }
        if ending.way == Way::Warn
            && let Some(id) = step.id()
            && self.scope.get(id).is_none()
        {
            self.scope.insert(id, Value::NULL);
        }
        let value = match &trouble {
            Trouble::Drifted(differences) => Some(Value::list(differences.iter().map(Difference::store))),
            // What was written stands, although it did not come to what was wanted.
            _ => self.confirmed.remove(&place.path),
        };
        self.outcome(&place.path, Went { outcome, value, message: Some(message.clone()), response: None }, 0);
        (self.watch)(Tick::Over { path: place.path.clone(), outcome, summary: message.clone() });
        let changed = self.state.items.get(&self.item).is_some_and(ItemState::changed);
        let close = match ending.way {
            Way::Done if outcome == Outcome::Done => Some(if changed { End::Changed } else { End::Unchanged }),
            Way::Skip if outcome == Outcome::Skipped => Some(End::Skipped),
            _ => None,
        };
        if let Some(end) = close {
            let item = ClosedItem { item: self.item.clone(), end, reason: Some(message) };
            self.note(ItemClosed { items: vec![item] }.into());
        }
        self.flush().await
    }
}

fn plain_ending(trouble: &Trouble, step: &Step) -> Ending {
    let at = trouble.at().unwrap_or(step.act_at);
    Ending {
        told: None,
        way: Way::Fail,
        message: endings::sentence(&trouble.message()),
        who: None,
        seen: Vec::new(),
        at,
    }
}

fn outcome_of(way: Way) -> Outcome {
    match way {
        Way::Stop => Outcome::Stopped,
        Way::Skip => Outcome::Skipped,
        Way::Done | Way::Warn => Outcome::Done,
        Way::Fail => Outcome::Failed,
        Way::Escalate => Outcome::Escalated,
    }
}
