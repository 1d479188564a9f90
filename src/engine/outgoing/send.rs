//! What leaves the house: requests that change something, questions and messages to people.

use super::{attempts::Attempts, judge, settled, tell};
use crate::{
    action::{
        ask::AskSpec,
        deed::{Message, Outgoing, Question},
        kinds::Act,
        step::Step,
    },
    base::{
        json, moment,
        shape::Length,
        value::{Map, Marks, Value},
    },
    engine::{
        drive::{Driver, Halt, Meant, Went},
        endings, notices,
        outline::Place,
        rehearse::shown::text_of,
        state::{NOT_TOLD, OVERDUE, StepState},
        trouble::{Missed, Trouble},
        watch::Tick,
    },
    journal::{payload::*, words::Outcome},
    template::{Path, Text},
};
use std::{sync::Arc, time::Duration};

impl Driver<'_> {
    /// Something that changes the world outside the databases: once, and again only where that cannot become a second
    /// effect.
    pub(in crate::engine) async fn send(
        &mut self,
        place: &Place,
        step: &Step,
        outgoing: Outgoing,
    ) -> Result<Went, Halt> {
        self.was_shown(&place.path)?;
        self.close_readers().await;
        let setting = self.setting;
        let (shown, class) = (outgoing.line(setting), outgoing.class(step, setting));
        if let Outgoing::Call(call) = &outgoing {
            self.request_as_planned(place, call, &shown)?;
        }
        let effect = self.effect(&place.path);
        let mut attempts = Attempts::default();
        let mut attempt = 1;
        loop {
            let in_turn = self.turn_to_call(outgoing.connection()).await?;
            let (connection, request) = (Some(outgoing.connection()), Some(outgoing.stored()));
            let meant = Meant { class, connection, shown: shown.clone(), request, request_hash: None };
            self.intend(place, meant, attempt).await?;
            moment::reached("before a request");
            let sent = outgoing.in_turn(setting, step, Some(&effect), in_turn).await;
            moment::reached("after a request");
            let trouble = match settled(setting, step, attempt, sent) {
                Ok(value) => return self.answered(place, step, &outgoing, value).await,
                Err(trouble) => trouble,
            };
            // What may have been carried out is found out first; only what was refused or never left is sent anew.
            let retry = self.retry_of(place, &trouble).filter(|_| !trouble.in_doubt);
            let Some(pause) = retry.and_then(|(retry, made)| {
                attempts.at_least(made);
                attempts.next(retry, trouble.retry_after, &setting.world)
            }) else {
                return Err(Trouble::Call(Box::new(trouble)).into());
            };
            (self.watch)(Tick::Again { path: place.path.clone(), why: trouble.message.clone(), pause });
            setting.turns.iter().for_each(|turns| turns.is_slow());
            self.rest_before(&place.path, &trouble.message, pause).await?;
            attempt += 1;
        }
    }

    /// Waits until this API may be called: where it wants to be left alone, and for its turn where there is a rate. Nothing is said to be tried before
    /// that, so whoever asks to pause need not wait, and nobody has to find out what became of a call that never left. Whether its turn was waited for: in a
    /// set it is not, because all others would wait as well for whoever comes last.
    pub(in crate::engine) async fn turn_to_call(&mut self, connection: &str) -> Result<bool, Halt> {
        let setting = self.setting;
        let Some(api) = setting.api(connection) else { return Ok(false) };
        if let Some(held) = api.held() {
            self.sleep(held).await?;
        }
        if self.together().is_some() {
            return Ok(false);
        }
        let Some(wait) = api.next_turn() else { return Ok(false) };
        self.sleep(wait).await?;
        Ok(true)
    }

    /// Waits for the next attempt of what was surely not done. Whoever asks to pause meanwhile need not wait: it is done when the run goes on.
    async fn rest_before(&mut self, path: &Arc<str>, why: &str, pause: Duration) -> Result<(), Halt> {
        let rested = self.sleep(pause).await;
        if let Err(Halt::Rest(_)) = &rested {
            let message = Some(format!("Not done: {}", endings::sentence(why)));
            self.outcome(path, Went { outcome: Outcome::NotDone, value: None, message, response: None }, 0);
        }
        rested
    }

    /// A good answer: finished, or asked about until it is.
    async fn answered(&mut self, place: &Place, step: &Step, outgoing: &Outgoing, value: Value) -> Result<Went, Halt> {
        let value = match outgoing {
            Outgoing::Call(call) => Box::pin(self.finished(place, step, call, value)).await?,
            _ => value,
        };
        let outcome = if judge::was_already_done(&value) { Outcome::Unchanged } else { Outcome::Done };
        Ok(Went { outcome, response: Some(outgoing.summary(&value)), ..Went::done(value) })
    }

    pub(in crate::engine) fn ask(
        &mut self,
        place: &Place,
        step: &Step,
        question: &Question,
    ) -> Result<Option<Went>, Halt> {
        if let Some(decided) = self.standing(&place.path).and_then(|s| s.answered()) {
            return Ok(Some(Went::done(Value::from(decided.values.clone()))));
        }
        if self.standing(&place.path).is_some_and(StepState::is_unanswered) {
            let within = question.within.map_or_else(String::new, |within| format!(" within {}", Length(within)));
            let message = format!("{} has not answered{within}", question.who);
            return Err(Trouble::Missed(Missed { message, seen: Vec::new(), at: step.act_at }).into());
        }
        let text = text_of(step, &self.scope).unwrap_or_else(|| question.text.plain().into_owned());
        let answer: Map = question
            .answer
            .iter()
            .map(|(name, field)| {
                let description = field.description.as_ref().map_or(Value::NULL, |d| Value::text(d.text.clone()));
                (
                    name.clone(),
                    Value::map([("type", Value::text(field.kind.text.clone())), ("description", description)]),
                )
            })
            .collect();
        let until = question.within.map(|within| notices::after(self.setting.world.now(), within));
        let Act::Ask(spec) = &step.act else { return Err(Halt::Round) };
        let asked = HumanAsked {
            step: place.path.clone(),
            items: vec![self.item.clone()],
            who: question.who.clone(),
            question: Value::text(text),
            answer,
            evidence: (!spec.evidence.entries.is_empty()).then(|| self.evidence(spec, &[])),
            until,
            remind: question.remind.and_then(|every| u64::try_from(every.as_micros()).ok()),
            revealed: self.revealed(spec),
        };
        self.note(asked.into());
        Err(Halt::Round)
    }

    /// What the answer should rest on, in texts.
    fn evidence(&self, spec: &AskSpec, revealed: &[Path]) -> Map {
        let said = |text: &Text| text.message(&self.scope, revealed).unwrap_or_else(|f| format!("({})", f.message));
        spec.evidence.iter().map(|(name, text)| (name.into(), Value::text(said(text)))).collect()
    }

    /// Question and evidence as the person who is asked may see them: sealed in the journal, because it may be sent later.
    fn revealed(&self, spec: &AskSpec) -> Option<Value> {
        if spec.reveal.is_empty() {
            return None;
        }
        let paths = endings::paths(&spec.reveal);
        let question = spec.question.message(&self.scope, &paths).ok()?;
        let whole = [("question", Value::text(question)), ("evidence", self.evidence(spec, &paths).into())];
        Some(Value::text(json::text_of(&Value::map(whole))).marked(Marks::PERSONAL))
    }

    /// Nobody has answered in time: recorded, so that the step ends as its author wrote.
    pub(in crate::engine) fn note_overdue(&mut self, path: Arc<str>) {
        let decided = HumanDecided {
            step: path,
            items: vec![self.item.clone()],
            actor: self.claim.holder.name.as_str().into(),
            decision: OVERDUE.into(),
            values: Map::default(),
            reason: None,
        };
        self.note(decided.into());
    }

    pub(in crate::engine) async fn message(
        &mut self,
        place: &Place,
        step: &Step,
        message: &Message,
    ) -> Result<Went, Halt> {
        let who = &message.who;
        if let Some(why) = message.text.unknown_because() {
            let message = Some(format!("{NOT_TOLD}a part of the message is not known ({why})"));
            return Ok(Went { message, ..Went::done(Value::NULL) });
        }
        let text = text_of(step, &self.scope).unwrap_or_default();
        let told = match &step.act {
            Act::Tell(spec) if !spec.reveal.is_empty() => {
                spec.message.message(&self.scope, &endings::paths(&spec.reveal)).unwrap_or_else(|_| text.clone())
            }
            _ => text.clone(),
        };
        let shown = format!("to {who}: {text}");
        let meant = Meant { class: "message-once", connection: None, shown, request: None, request_hash: None };
        self.intend(place, meant, 1).await?;
        moment::reached("before a message");
        let id = tell::name(&self.effect(&place.path), "tell", 0);
        let letter = tell::Message { who, subject: tell::about(self.setting), text: told, id };
        let told = tell::tell(self.setting, letter, self.watch).await;
        moment::reached("after a message");
        match told {
            Ok(how) => Ok(Went { response: Some(how.into()), message: Some(text), ..Went::done(Value::NULL) }),
            // A message that was not sent is no reason to call the change failed: it is said, and the run goes on.
            Err(why) => Ok(Went { message: Some(format!("{NOT_TOLD}{why}")), ..Went::done(Value::NULL) }),
        }
    }
}
