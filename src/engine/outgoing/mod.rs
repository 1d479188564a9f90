//! What leaves the house other than rows: requests to APIs, questions and messages to people. One place sends, keeps, shows
//! and finds out; what is particular to a kind stands in its own file (`docs/design/outgoing.md`).

pub mod attempts;
pub mod call;
pub mod command;
mod resend;
mod send;
pub mod tell;

use super::{
    endings, grants,
    setting::Setting,
    trouble::CallTrouble,
    watch::{Tick, Watch},
};
use crate::{
    action::{
        command::OutputForm,
        deed::{Command, Outgoing},
        step::Step,
    },
    base::{identity::EffectId, value::Value},
    plan::Effect,
};
use attempts::Attempts;
use std::sync::Arc;

impl Outgoing {
    /// One line for people, masked: `GET https://…`.
    pub fn line(&self, setting: &Setting) -> String {
        match self {
            Outgoing::Call(call) => {
                setting.api(&call.api).map_or_else(String::new, |api| call::line(&api.view(&call::request(call))))
            }
            Outgoing::Command(command) => command::line(command, setting),
        }
    }

    /// Names the question: within one plan two reads with the same name have the same answer.
    pub fn question(&self) -> String {
        match self {
            Outgoing::Call(call) => call::request(call).key(),
            Outgoing::Command(command) => command::question(command),
        }
    }

    /// As the journal holds it: enough to send the same bytes again.
    pub fn stored(&self) -> Value {
        match self {
            Outgoing::Call(call) => call::stored(call),
            Outgoing::Command(command) => command::stored(command),
        }
    }

    /// Back from what [`Outgoing::stored`] gave for a step of class `class`; nothing when a part of it was secret, or is
    /// sealed and its key is not here.
    pub fn of_stored(class: &str, connection: &Arc<str>, stored: &Value, step: &Step) -> Option<Outgoing> {
        match class {
            "http-key" | "http-repeatable" => call::of_stored(connection, stored, step).map(Outgoing::Call),
            "command-repeatable" => command::of_stored(connection, stored, step).map(Outgoing::Command),
            _ => None,
        }
    }

    /// A read that says what this would do.
    pub fn preview(&self) -> Option<Outgoing> {
        match self {
            Outgoing::Call(_) => None,
            Outgoing::Command(command) => {
                let arguments = command.preview.clone()?;
                let (form, change) = (OutputForm::Text, false);
                Some(Outgoing::Command(Command { arguments, form, change, preview: None, ..command.clone() }))
            }
        }
    }

    /// The word of its recovery class: who will be asked when the answer is lost.
    pub fn class(&self, step: &Step, setting: &Setting) -> &'static str {
        match self {
            Outgoing::Call(call) => call::class(step, call, setting),
            Outgoing::Command(_) => command::class(step),
        }
    }

    /// What sending would be refused with before anything leaves; so that a preview says it, not only apply.
    pub fn forbidden(&self, setting: &Setting) -> Option<CallTrouble> {
        let refused = grants::outgoing(setting, self);
        refused.or_else(|| match self {
            Outgoing::Call(call) => call::forbidden(setting, call),
            // Whether it can be started shows when it is.
            Outgoing::Command(_) => None,
        })
    }

    /// As a plan shows it, masked.
    pub fn shown(&self, setting: &Setting) -> Vec<Effect> {
        match self {
            Outgoing::Call(call) => call::shown(call, setting).into_iter().collect(),
            Outgoing::Command(command) => vec![command::shown(command, setting)],
        }
    }

    /// What came back, in a few words for people.
    pub fn summary(&self, answer: &Value) -> String {
        match self {
            Outgoing::Call(_) => call::summary(answer),
            Outgoing::Command(_) => command::summary(answer),
        }
    }

    /// What came back, line by line, for people.
    pub fn told(&self, answer: &Value) -> Vec<String> {
        match self {
            Outgoing::Call(_) => vec![call::summary(answer)],
            Outgoing::Command(_) => command::said(answer),
        }
    }

    /// Sends once and judges the answer. `effect` goes along where the other side remembers names of effects.
    pub async fn once(&self, setting: &Setting, step: &Step, effect: Option<&EffectId>) -> Result<Value, CallTrouble> {
        if let Some(refused) = grants::outgoing(setting, self) {
            return Err(refused);
        }
        match self {
            Outgoing::Call(call) => call::once(setting, step, call, effect).await,
            Outgoing::Command(command) => command::once(setting, step, command).await,
        }
    }
}

/// Sends a read, and again as often as the table allows.
pub async fn read(
    setting: &Setting,
    step: &Step,
    path: &str,
    question: &Outgoing,
    watch: Watch<'_>,
) -> Result<Value, CallTrouble> {
    let mut attempts = Attempts::default();
    loop {
        let trouble = match question.once(setting, step, None).await {
            Ok(value) => return Ok(value),
            Err(trouble) => trouble,
        };
        let retry = endings::retry(&setting.playbook.errors, step.id(), &trouble);
        let Some(pause) = retry.and_then(|r| attempts.next(r, trouble.retry_after, &setting.world)) else {
            return Err(trouble);
        };
        watch(Tick::Again { path: path.into(), why: trouble.message.clone(), pause });
        setting.world.pause(pause).await;
    }
}
