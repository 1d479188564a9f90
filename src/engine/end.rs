//! A step that did not go through, recorded with where it leads.

use super::{
    drift,
    drive::{Driver, Went},
    endings, notices,
    outgoing::tell,
    outline::Place,
    state::{ItemState, NOT_TOLD, PERHAPS},
    trouble::{Difference, Ending, Missed, Trouble},
    watch::Tick,
};
use crate::{
    action::{
        ends::{Otherwise, Way},
        step::Step,
    },
    base::{moment, value::Value},
    effect::label::Label,
    journal::{
        failure::JournalError,
        payload::HumanNotified,
        words::{End, Outcome},
    },
    plan::{Foreseen, Section},
};

const FOR: &str = "For ";
const SAYS: &str = ": ";

/// To whom an end was handed over, and in which words, from its message.
pub(super) fn for_whom(message: &str) -> Option<(&str, &str)> {
    message.strip_prefix(FOR)?.split_once(SAYS)
}

impl Driver<'_> {
    /// A precondition that held in the plan and does not hold now is drift, with what differs by name.
    fn unlike_planned(&self, place: &Place, trouble: Trouble) -> Trouble {
        let (Some(plan), Section::Preconditions) = (self.plan, place.list) else { return trouble };
        let missed = match &trouble {
            Trouble::Missed(missed) => Some(&missed.message),
            // An expression that has nothing to work with any more.
            Trouble::Step { .. } => None,
            _ => return trouble,
        };
        let mut differences = match place.call() {
            Some(_) => self.facts_of_call(place),
            None => drift::of_facts(plan, None, &self.scope, self.setting),
        };
        drift::without_own(&mut differences, &self.own(), self.setting);
        // Inside a call it may rest on what an earlier step does, and be decided only now.
        let held = self
            .planned(&place.path)
            .is_some_and(|step| step.foreseen == Foreseen::Passes && step.label != Label::HasUnknowns);
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
            if let Some(ending) = self.left_to_others(place, differences) {
                let at = ending.at;
                let left = Trouble::Missed(Missed { message: ending.message.clone(), seen: Vec::new(), at });
                return self.end_with(place, left, Outcome::Skipped, ending, true, Vec::new()).await;
            }
            self.drift = differences.clone();
        }
        let help = trouble.help();
        // What the author wrote for this step decides, and no `rescue`.
        let own = endings::own(&step, &trouble, self.setting).is_some();
        let (outcome, ending) = self.leads_to(&trouble, place);
        self.end_with(place, trouble, outcome, ending, own, help).await
    }

    /// The end of an item whose row another driver has taken since the plan: that is how drivers share a queue, and no drift.
    fn left_to_others(&self, place: &Place, differences: &[Difference]) -> Option<Ending> {
        let say = drift::taken(differences, self.plan?, &self.scope, self.root)?;
        let trouble = Trouble::Drifted(differences.to_vec());
        let otherwise = Otherwise { way: Way::Skip, say: Some(say.clone()), who: None, reveal: Vec::new() };
        let scope = self.scope.clone().with("error", endings::error(&trouble, &trouble.message(), &place.step));
        Some(endings::of_otherwise(&otherwise, &trouble, &scope, place.step.act_at))
    }

    /// Where a trouble leads.
    fn leads_to(&self, trouble: &Trouble, place: &Place) -> (Outcome, Ending) {
        let step = &place.step;
        match trouble {
            Trouble::Drifted(_) => (Outcome::Drifted, plain_ending(trouble, step)),
            _ if trouble.in_doubt() => (Outcome::InDoubt, plain_ending(trouble, step)),
            _ => {
                let mut ending = endings::ending(step, trouble, &self.scope, self.setting).in_section(place.list);
                // Nothing more is done, but something was: that is no stop.
                if self.confirmed.contains_key(&place.path)
                    && step.common.otherwise.is_none()
                    && ending.way == Way::Stop
                {
                    ending.way = Way::Fail;
                }
                (outcome_of(ending.way), ending)
            }
        }
    }

    /// An end that the author wrote at this place: nothing went wrong here, and `error` is what it is around it.
    pub(super) async fn author_ends(
        &mut self,
        place: &Place,
        otherwise: &Otherwise,
        message: String,
    ) -> Result<(), JournalError> {
        self.close_readers().await;
        let at = place.step.act_at;
        let trouble = Trouble::Missed(Missed { message, seen: Vec::new(), at });
        let ending = endings::of_otherwise(otherwise, &trouble, &self.scope, at).in_section(place.list);
        let outcome = outcome_of(ending.way);
        self.end_with(place, trouble, outcome, ending, true, Vec::new()).await
    }

    async fn end_with(
        &mut self,
        place: &Place,
        trouble: Trouble,
        outcome: Outcome,
        ending: Ending,
        own: bool,
        help: Vec<String>,
    ) -> Result<(), JournalError> {
        let step = place.step.clone();
        let rescued = place.rescued && !own && !trouble.in_doubt() && outcome != Outcome::Drifted;
        let (outcome, ends) = self.then(&ending, outcome, rescued);
        let handed = self.handed_over(place, &ending);
        // Of many items it is told once for all of them.
        if let (Some(who), Some(text), None, None) = (&ending.who, &ending.told, &handed, &self.crew) {
            (self.watch)(Tick::PassOn { who: who.clone(), text: text.clone() });
        }
        let mut message = ending.message.clone();
        if let Some(who) = &ending.who {
            message = format!("{FOR}{who}{SAYS}{message}");
        }
        let perhaps = matches!(&trouble, Trouble::Call(call) if call.perhaps);
        if perhaps {
            // Here too, because of many items only the messages are shown.
            message = endings::and(&message, PERHAPS);
        }
        for line in help {
            message = endings::and(&message, &line);
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
        let over = ends.is_some() || !matches!(outcome, Outcome::Done | Outcome::Skipped | Outcome::InDoubt);
        let error = (place.guarded && over).then(|| endings::error(&trouble, &message, &step));
        let response = perhaps.then(|| PERHAPS.to_owned());
        let went = Went { outcome, value, message: Some(message.clone()), response };
        self.outcome_with(&place.path, went, 0, ends, error);
        (self.watch)(Tick::Over { path: place.path.clone(), outcome, summary: message });
        let Some(handed) = handed else { return self.flush().await };
        self.note(handed.clone().into());
        self.flush().await?;
        self.hand_over_to(handed, ending).await
    }

    /// What is recorded before somebody is told that he has to look; nothing where he is told by hand. Of many items nobody gets a message for
    /// each (`fleet::handed`).
    fn handed_over(&self, place: &Place, ending: &Ending) -> Option<HumanNotified> {
        let who = ending.who.as_ref().filter(|_| self.crew.is_none())?;
        let reach = self.setting.people.get(who)?;
        Some(HumanNotified {
            step: place.path.clone(),
            items: vec![self.item.clone()],
            who: who.clone(),
            kind: notices::ESCALATION.into(),
            number: 0,
            by: reach.word().into(),
            result: None,
        })
    }

    /// Tells somebody that he has to look. The change is recorded, and so is that this message leaves: a message that cannot
    /// be sent is said, and changes nothing.
    async fn hand_over_to(&mut self, handed: HumanNotified, ending: Ending) -> Result<(), JournalError> {
        let id = tell::name(&self.effect(&handed.step), notices::ESCALATION, 0);
        let (text, who) = (ending.told.unwrap_or(ending.message), handed.who.clone());
        let shown = text.clone();
        let message = tell::Message { who: &who, subject: tell::about(self.setting), text, id };
        moment::reached("before a message");
        let told = tell::tell(self.setting, message, self.watch).await;
        moment::reached("after a message");
        let result = match told {
            Ok(how) => how.to_owned(),
            Err(why) => {
                // Whoever runs this has to pass it on.
                (self.watch)(Tick::PassOn { who: who.clone(), text: shown });
                format!("{NOT_TOLD}{why}")
            }
        };
        self.note(HumanNotified { result: Some(result), ..handed }.into());
        self.flush().await
    }

    /// The outcome of an ending, and how the item ends because of it where the word does not say so.
    fn then(&self, ending: &Ending, outcome: Outcome, rescued: bool) -> (Outcome, Option<End>) {
        let changed = self.state.items.get(&self.item).is_some_and(ItemState::changed);
        match (ending.way, outcome) {
            (Way::Stop, Outcome::Stopped) if rescued => (Outcome::Failed, Some(End::Stopped)),
            (Way::Escalate, Outcome::Escalated) if rescued => (Outcome::Failed, Some(End::Escalated)),
            (Way::Skip, Outcome::Skipped) if rescued => (Outcome::Failed, Some(End::Skipped)),
            (Way::Done, Outcome::Done) => (outcome, Some(if changed { End::Changed } else { End::Unchanged })),
            (Way::Skip, Outcome::Skipped) => (outcome, Some(End::Skipped)),
            _ => (outcome, None),
        }
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
