//! What would leave the house: reads are really sent, between two passes; the rest is rendered and not sent. What rests on an
//! effect that was not sent is stale from then on (decision 3).

use super::{Interrupt, Missing, Pass, Stepped, shown::text_of};
use crate::{
    action::{
        deed::{Message, Outgoing, Question},
        kinds::Act,
        resolve,
        step::Step,
    },
    base::{
        shape::Word,
        value::{Marks, Value},
    },
    effect::label::Label,
    engine::trouble::Trouble,
    plan::{Effect, Foreseen},
    template::{Path, Step as Part},
};
use std::sync::Arc;

impl Pass<'_> {
    /// A read from outside: an answer that an earlier pass fetched, or an interrupt to fetch it.
    pub(super) fn ask(&mut self, path: &Arc<str>, step: &Step, outgoing: Outgoing) -> Result<(), Stepped> {
        if outgoing.is_unknown() {
            return self.give(path, step, Value::unknown(), |v| v.shown());
        }
        let key = outgoing.question();
        let Some(answer) = self.memo.answers.get(&(path.to_string(), key.clone())) else {
            if self.memo.asked.get(&**path).copied().unwrap_or(0) >= 2 {
                let label = Label::NotPreviewable("its request differs each time it is tried out".into());
                self.unexecuted(path, step, label);
                return Ok(());
            }
            let missing = Missing { step: step.clone(), path: path.clone(), question: outgoing, key };
            return Err(Stepped::Interrupt(Interrupt::Missing(Box::new(missing))));
        };
        let api = outgoing.connection();
        let stale = self.tainted_apis.get(api).or(self.changed_apis.get(api)).or(self.every_api.as_ref()).cloned();
        match (stale, answer) {
            (Some(why), answer) => {
                // Today's answer is worth seeing, but nothing may rest on it.
                let today = match answer {
                    Ok(value) => outgoing.summary(value),
                    Err(trouble) => trouble.message.clone(),
                };
                let is = step.common.is.as_ref().map(|is| is.scalar().text.trim().to_owned());
                let told = match (answer, &step.common.is, &step.common.id) {
                    (Ok(value), Some(is), Some(id)) => {
                        let scope = self.scope.clone().with(id.text.clone(), value.clone());
                        resolve::judge(is, &scope).ok().and_then(|j| j.holds)
                    }
                    _ => None,
                };
                let result = self.give(path, step, Value::unknown(), |v| v.shown());
                if let Some(shown) = self.steps.last_mut() {
                    let held = match (told, is) {
                        (Some(true), Some(_)) => "; it would pass today",
                        (Some(false), Some(_)) => "; it would not pass today",
                        _ => "",
                    };
                    shown.notes.insert(0, format!("as of now: {today}{held}; {why} may change that"));
                }
                result
            }
            (None, Ok(value)) => {
                self.results.extend(step.id().map(str::to_owned));
                // An answer is known by its status too, whatever expressions look at.
                self.note_reads(
                    step.id().map(|id| Path { steps: [id, "status"].map(|n| Part::Name(n.into())).to_vec() }),
                );
                let value = value.clone();
                self.give(path, step, value, |v| outgoing.summary(v))
            }
            (None, Err(trouble)) => Err(Trouble::Call(Box::new(trouble.clone())).into()),
        }
    }

    /// What the other side itself says it would do; a refusal there is one here.
    fn foretold(&self, path: &Arc<str>, step: &Step, preview: Outgoing) -> Result<Vec<String>, Stepped> {
        let key = preview.question();
        match self.memo.answers.get(&(path.to_string(), key.clone())) {
            None => {
                let missing = Missing { step: step.clone(), path: path.clone(), question: preview, key };
                Err(Stepped::Interrupt(Interrupt::Missing(Box::new(missing))))
            }
            Some(Err(trouble)) => Err(Trouble::Call(Box::new(trouble.clone())).into()),
            Some(Ok(answer)) => {
                let mut said = vec![format!("its preview ({}):", preview.line(self.setting))];
                said.extend(preview.told(answer).into_iter().map(|line| format!("  {line}")));
                Ok(said)
            }
        }
    }

    pub(super) fn would_send(&mut self, path: &Arc<str>, step: &Step, outgoing: Outgoing) -> Result<(), Stepped> {
        if let Some(trouble) = outgoing.forbidden(self.setting) {
            return Err(Trouble::Call(Box::new(trouble)).into());
        }
        let preview = match outgoing.preview() {
            Some(preview) if !preview.is_unknown() => self.foretold(path, step, preview)?,
            _ => Vec::new(),
        };
        let effects = outgoing.shown(self.setting);
        let (value, mut notes) = match &step.common.example {
            Some(example) => {
                let value =
                    example.evaluate(&self.scope).map_err(|f| Trouble::of_expression(&f, &self.setting.source))?.value;
                (value.marked(Marks::EXAMPLE), vec!["its answer is taken from the example".to_owned()])
            }
            None => (Value::unknown(), Vec::new()),
        };
        if let Some(id) = &step.common.id {
            self.scope.insert(id.text.clone(), value);
        }
        self.tainted_apis.insert(outgoing.connection().clone(), format!("`{}`", step.label(0)));
        if let Act::Http(call) = &step.act {
            let others: Vec<_> = call.affects.iter().map(|word| word.text.clone()).collect();
            self.taint_named(Some(&others), format!("`{}`", step.label(0)));
        }
        if let Some(database) = self.setting.api(outgoing.connection()).and_then(|api| api.settings().backed_by.clone())
        {
            self.tainted_databases.insert(database.text);
        }
        notes.extend(preview);
        let label = if outgoing.is_unknown() { Label::HasUnknowns } else { Label::Exact };
        notes.extend(step.common.repeatable.as_ref().map(|t| format!("may be sent twice: {}", t.scalar().text.trim())));
        notes.extend(outgoing.afterwards(step));
        self.show(path, step, label, Foreseen::Sends, effects, notes);
        Ok(())
    }

    pub(super) fn would_ask(&mut self, path: &Arc<str>, step: &Step, question: &Question) {
        let given = step.id().and_then(|id| self.answers.get(id));
        let value = match given {
            Some(answer) => Value::from(answer.clone()),
            None => Value::map(question.answer.iter().map(|(name, _)| (name.clone(), Value::unknown()))),
        };
        if let Some(id) = &step.common.id {
            self.scope.insert(id.text.clone(), value);
        }
        let why = format!("what {} does before answering `{}`", question.who, step.label(0));
        self.taint_named(question.affects.as_deref(), why);
        let answer =
            question.answer.iter().map(|(name, field)| (name.to_string(), field.kind.as_str().to_owned())).collect();
        let text = text_of(step, &self.scope).unwrap_or_else(|| question.text.plain().into_owned());
        let effect = Effect::Question { who: question.who.clone(), text, answer };
        let mut notes: Vec<String> = Vec::new();
        if let Act::Ask(spec) = &step.act {
            for (name, text) in spec.evidence.iter() {
                let said = text.preview(&self.scope).unwrap_or_else(|failure| format!("({})", failure.message));
                notes.push(format!("evidence: {name} {said}"));
            }
            notes.extend(spec.within.map(|within| format!("an answer is taken within {within}")));
            notes.extend(spec.remind.map(|every| format!("{} is reminded every {every}", question.who)));
            notes.extend(shown_to(&question.who, &spec.reveal));
        }
        notes.extend(given.map(|_| "answered beforehand for this preview".to_owned()));
        let label = if question.text.is_unknown() { Label::HasUnknowns } else { Label::Exact };
        self.show(path, step, label, Foreseen::Asks, vec![effect], notes);
    }

    /// What others may change before the steps that follow are done: these connections, or every API.
    pub(super) fn taint_named(&mut self, names: Option<&[Arc<str>]>, why: String) {
        let Some(names) = names else {
            self.every_api = Some(why);
            return;
        };
        for name in names {
            if self.setting.databases.contains_key(name) {
                self.tainted_databases.insert(name.clone());
            } else {
                self.tainted_apis.insert(name.clone(), why.clone());
            }
        }
    }

    pub(super) fn would_tell(&mut self, path: &Arc<str>, step: &Step, message: Message) {
        let text = text_of(step, &self.scope).unwrap_or_else(|| message.text.plain().into_owned());
        let label = if message.text.is_unknown() { Label::HasUnknowns } else { Label::Exact };
        let reveal = if let Act::Tell(spec) = &step.act { spec.reveal.as_slice() } else { &[] };
        let notes = shown_to(&message.who, reveal).into_iter().collect();
        let effect = Effect::Message { who: message.who, text };
        self.show(path, step, label, Foreseen::Tells, vec![effect], notes);
    }

    /// What an API shows of this database is not what it will show once the change is committed.
    pub(super) fn behind(&mut self, connection: &Arc<str>, step: &Step) {
        for (name, api) in self.setting.apis.iter() {
            if api.settings().backed_by.as_ref().is_some_and(|w| w.text == *connection) {
                self.tainted_apis.insert(name.clone(), format!("the change of `{}`", step.label(0)));
            }
        }
    }
}

/// What somebody gets to see that is hidden from whoever looks at the plan.
fn shown_to(who: &str, reveal: &[Word]) -> Option<String> {
    let names: Vec<String> = reveal.iter().map(|word| format!("`{}`", word.as_str())).collect();
    (!names.is_empty()).then(|| format!("shown to {who} alone: {}", names.join(", ")))
}
