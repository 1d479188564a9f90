//! What leaves the house: requests that change something, questions and messages to people.

use super::{attempts::Attempts, judge, settled, tell};
use crate::{
    action::{
        deed::{Message, Outgoing, Question},
        step::Step,
    },
    base::{
        moment,
        value::{Map, Value},
    },
    engine::{
        drive::{Driver, Halt, Meant, Went},
        outline::Place,
        rehearse::shown::text_of,
        trouble::Trouble,
        watch::Tick,
    },
    journal::{payload::*, words::Outcome},
};

impl Driver<'_> {
    /// Something that changes the world outside the databases: once, and again only where that cannot become a second
    /// effect.
    pub(in crate::engine) async fn send(
        &mut self,
        place: &Place,
        step: &Step,
        outgoing: Outgoing,
    ) -> Result<Went, Halt> {
        self.close_readers().await;
        let setting = self.setting;
        let (shown, class) = (outgoing.line(setting), outgoing.class(step, setting));
        let effect = self.effect(&place.path);
        let mut attempts = Attempts::default();
        let mut attempt = 1;
        loop {
            let (connection, request) = (Some(outgoing.connection()), Some(outgoing.stored()));
            let meant = Meant { class, connection, shown: shown.clone(), request, request_hash: None };
            self.intend(place, meant, attempt).await?;
            moment::reached("before a request");
            let sent = outgoing.once(setting, step, Some(&effect)).await;
            moment::reached("after a request");
            let trouble = match settled(setting, step, attempt, sent) {
                Ok(value) => return self.answered(place, step, &outgoing, value).await,
                Err(trouble) => trouble,
            };
            // What may have been carried out is found out first; only what was refused or never left is sent anew.
            let retry = self.retry_of(place, &trouble).filter(|_| !trouble.in_doubt);
            let Some(pause) = retry.and_then(|r| attempts.next(r, trouble.retry_after, &setting.world)) else {
                return Err(Trouble::Call(Box::new(trouble)).into());
            };
            (self.watch)(Tick::Again { path: place.path.clone(), why: trouble.message.clone(), pause });
            setting.world.pause(pause).await;
            attempt += 1;
        }
    }

    /// A good answer: finished, or asked about until it is.
    async fn answered(&mut self, place: &Place, step: &Step, outgoing: &Outgoing, value: Value) -> Result<Went, Halt> {
        let value = match outgoing {
            Outgoing::Call(call) => self.finished(place, step, call, value).await?,
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
        let asked = HumanAsked {
            step: place.path.clone(),
            items: vec![self.item.clone()],
            who: question.who.clone(),
            question: Value::text(text),
            answer,
        };
        self.note(asked.into());
        Err(Halt::Round)
    }

    pub(in crate::engine) async fn message(
        &mut self,
        place: &Place,
        step: &Step,
        message: &Message,
    ) -> Result<Went, Halt> {
        let who = &message.who;
        if let Some(why) = message.text.unknown_because() {
            let message = Some(format!("not told: a part of the message is not known ({why})"));
            return Ok(Went { message, ..Went::done(Value::NULL) });
        }
        let text = text_of(step, &self.scope).unwrap_or_default();
        let shown = format!("to {who}: {text}");
        let meant = Meant { class: "message-once", connection: None, shown, request: None, request_hash: None };
        self.intend(place, meant, 1).await?;
        moment::reached("before a message");
        let told = tell::tell(self.setting, who, &text, self.watch).await;
        moment::reached("after a message");
        match told {
            Ok(how) => Ok(Went { response: Some(how.into()), message: Some(text), ..Went::done(Value::NULL) }),
            // A message that was not sent is no reason to call the change failed: it is said, and the run goes on.
            Err(why) => Ok(Went { message: Some(format!("not told: {why}")), ..Went::done(Value::NULL) }),
        }
    }
}
