//! What many items hand over to people: gathered, and told once for each person and step, not once for each item. Whoever was told of an item
//! stands in the journal before the message leaves, so that nobody is told twice, whatever becomes of this process.

use super::{Fleet, FleetError, roll::Roll};
use crate::{
    base::{identity::EffectId, moment},
    engine::{
        crew::Crew,
        end,
        notices::ESCALATION,
        outgoing::tell,
        state::{ItemState, NOT_TOLD, StepState},
        watch::Tick,
    },
    journal::{
        event::Event,
        payload::HumanNotified,
        words::{End, Outcome},
    },
};
use indexmap::IndexMap;
use std::sync::Arc;

/// So many different texts are told to one person at one step; the others are counted.
const TEXTS: usize = 12;
/// So many items are named with a text.
const NAMED: usize = 5;

/// What was handed over and not told yet: by person and step.
#[derive(Debug, Default)]
pub struct Handed {
    found: IndexMap<(Arc<str>, Arc<str>), One>,
    /// The run as another process left it: that one may have told nobody.
    before: Option<Arc<Roll>>,
}

/// To one person, at one step.
#[derive(Debug, Default)]
struct One {
    items: Vec<Arc<str>>,
    texts: IndexMap<String, (u64, Vec<Arc<str>>)>,
    others: u64,
    generation: u32,
}

impl Handed {
    /// Of a run that goes on. What was handed over before is looked at when people are told, so that no change waits for it.
    pub fn after(roll: Arc<Roll>) -> Handed {
        Handed { before: Some(roll), ..Handed::default() }
    }

    /// An item as it ended; nothing is noted where it was not handed over, or where that was told.
    pub fn add(&mut self, key: &Arc<str>, item: &ItemState) {
        if item.closed.as_ref().is_none_or(|closed| closed.end != End::Escalated) {
            return;
        }
        for (path, step) in &item.steps {
            let Some((who, text)) = handed_over(step) else { continue };
            let one = self.found.entry((who.into(), path.clone())).or_default();
            one.items.push(key.clone());
            one.generation = one.generation.max(step.generation);
            if let Some((count, first)) = one.texts.get_mut(text) {
                *count += 1;
                if first.len() < NAMED {
                    first.push(key.clone());
                }
            } else if one.texts.len() < TEXTS {
                one.texts.insert(text.to_owned(), (1, vec![key.clone()]));
            } else {
                one.others += 1;
            }
        }
    }
}

/// To whom and with which words, where nobody was told so far.
fn handed_over(step: &StepState) -> Option<(&str, &str)> {
    let outcome = step.outcome.as_ref()?;
    let over = outcome.outcome == Outcome::Escalated || outcome.ends == Some(End::Escalated);
    let told = step.notices.iter().any(|notice| &*notice.kind == ESCALATION);
    end::for_whom(outcome.message.as_deref().filter(|_| over && !told)?)
}

impl One {
    fn text(&self, run: &str, step: &str) -> String {
        let items = |n: u64| if n == 1 { "1 item".to_owned() } else { format!("{n} items") };
        let name = step.rsplit('/').next().unwrap_or(step);
        let is = if self.items.len() == 1 { "was" } else { "were" };
        let mut lines = vec![format!("{} {is} handed over to you at `{name}`:", items(self.items.len() as u64))];
        for (text, (count, first)) in &self.texts {
            let more = count.saturating_sub(first.len() as u64);
            let more = if more > 0 { format!(", and {more} more") } else { String::new() };
            lines.push(format!("- {} ({}{more}): {text}", items(*count), first.join(", ")));
        }
        if self.others > 0 {
            lines.push(format!("- {} for other reasons", items(self.others)));
        }
        lines.push(format!("All of them: `trueup show {run}`, or `trueup show {run} --items csv`"));
        lines.join("\n")
    }
}

impl Fleet<'_> {
    /// Tells each person once what was handed over to him since he was told last. A message that cannot be sent is said, and changes nothing.
    pub(super) async fn hand_over(&mut self, crew: &Crew) -> Result<(), FleetError> {
        let mut handed = std::mem::take(&mut self.handed);
        if let Some(roll) = handed.before.take() {
            roll.each_ended(self.journal, End::Escalated, |key, item| handed.add(key, item)).await?;
        }
        if let Some(once) = &self.once {
            handed.add(&once.plan.key, &once.state);
        }
        for ((who, step), one) in handed.found {
            let text = one.text(&self.setting.run.id.short(), &step);
            let Some(reach) = self.setting.people.get(&who) else {
                // Nobody is configured: whoever runs this passes it on.
                (self.watch)(Tick::PassOn { who, text });
                continue;
            };
            let item = one.items.first().cloned().unwrap_or_default();
            let told = HumanNotified {
                step: step.clone(),
                items: one.items,
                who: who.clone(),
                kind: ESCALATION.into(),
                number: 0,
                by: reach.word().into(),
                result: None,
            };
            crew.append(self.journal, &self.claim, &mut vec![Event::from(told.clone())]).await?;
            let effect = EffectId { run: self.setting.run.id, item, step, generation: one.generation };
            let id = tell::name(&effect, ESCALATION, 0);
            let message = tell::Message { who: &who, subject: tell::about(self.setting), text: text.clone(), id };
            moment::reached("before a message");
            let result = match tell::tell(self.setting, message, self.watch).await {
                Ok(how) => how.to_owned(),
                Err(why) => {
                    (self.watch)(Tick::PassOn { who, text });
                    format!("{NOT_TOLD}{why}")
                }
            };
            moment::reached("after a message");
            let told = HumanNotified { result: Some(result), ..told };
            crew.append(self.journal, &self.claim, &mut vec![Event::from(told)]).await?;
        }
        Ok(())
    }
}
