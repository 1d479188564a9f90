//! What leaves the house other than rows: requests to APIs, questions and messages to people. One place sends, keeps, shows
//! and finds out; what is particular to a kind stands in its own file (`docs/design/outgoing.md`).

pub(in crate::engine) mod accepted;
pub mod attempts;
pub mod call;
pub mod command;
pub mod jobs;
mod judge;
mod marker;
mod pages;
mod planned;
mod resend;
mod running;
mod send;
mod slack;
pub mod tell;
pub mod turns;

use super::{
    endings, grants,
    setting::Setting,
    trouble::CallTrouble,
    watch::{Tick, Watch},
};
use crate::{
    action::{
        command::OutputForm,
        deed::{Call, Command, Outgoing},
        kinds::Act,
        step::Step,
    },
    base::{identity::EffectId, value::Value},
    plan::Effect,
    template::Scope,
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
            Outgoing::Jobs(change) => change.line.clone(),
            Outgoing::Command(command) => command::line(command, setting),
        }
    }

    /// Names the question: within one plan two reads with the same name have the same answer.
    pub fn question(&self) -> String {
        match self {
            Outgoing::Call(call) => call::request(call).key(),
            Outgoing::Jobs(change) => change.line.clone(),
            Outgoing::Command(command) => command::question(command),
        }
    }

    /// As the journal holds it: enough to send the same bytes again.
    pub fn stored(&self) -> Value {
        match self {
            Outgoing::Call(call) => call::stored(call),
            Outgoing::Jobs(change) => jobs::stored(change),
            Outgoing::Command(command) => command::stored(command),
        }
    }

    /// Back from what [`Outgoing::stored`] gave for a step of class `class`; nothing when a part of it was secret, or is
    /// sealed and its key is not here.
    pub fn of_stored(class: &str, connection: &Arc<str>, stored: &Value, step: &Step) -> Option<Outgoing> {
        match class {
            "http-key" | "http-repeatable" => call::of_stored(connection, stored, step).map(Outgoing::Call),
            "marker" => jobs::of_stored(connection, stored).map(Outgoing::Jobs),
            "command-repeatable" => command::of_stored(connection, stored, step).map(Outgoing::Command),
            _ => None,
        }
    }

    /// The same, with what the author's conditions on an answer may look at.
    pub fn seeing(self, scope: &Scope) -> Outgoing {
        match self {
            Outgoing::Call(call) => Outgoing::Call(Call { scope: Some(scope.clone()), ..call }),
            other => other,
        }
    }

    /// A read that says what this would do.
    pub fn preview(&self) -> Option<Outgoing> {
        match self {
            Outgoing::Call(_) | Outgoing::Jobs(_) => None,
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
            Outgoing::Call(call) => call::class(step, &call.api, setting),
            Outgoing::Jobs(_) => "marker",
            Outgoing::Command(_) => command::class(step),
        }
    }

    /// What sending would be refused with before anything leaves; so that a preview says it, not only apply.
    pub fn forbidden(&self, setting: &Setting) -> Option<CallTrouble> {
        let refused = grants::outgoing(setting, self);
        refused.or_else(|| match self {
            Outgoing::Call(call) => call::forbidden(setting, call),
            Outgoing::Jobs(_) => None,
            // Whether it can be started shows when it is.
            Outgoing::Command(_) => None,
        })
    }

    /// As a plan shows it, masked.
    pub fn shown(&self, setting: &Setting) -> Vec<Effect> {
        match self {
            Outgoing::Call(call) => call::shown(call, setting).into_iter().collect(),
            // A plan shows them from the look, job by job.
            Outgoing::Jobs(_) => Vec::new(),
            Outgoing::Command(command) => vec![command::shown(command, setting)],
        }
    }

    /// What else happens once it was sent, for people who look at a plan.
    pub fn afterwards(&self, step: &Step) -> Vec<String> {
        match self {
            Outgoing::Call(_) => call::spec(step).into_iter().flat_map(call::afterwards).collect(),
            Outgoing::Command(_) | Outgoing::Jobs(_) => Vec::new(),
        }
    }

    /// What came back, in a few words for people.
    pub fn summary(&self, answer: &Value) -> String {
        match self {
            Outgoing::Call(_) => call::summary(answer),
            Outgoing::Jobs(_) => jobs::summary(answer),
            Outgoing::Command(_) => command::summary(answer),
        }
    }

    /// What came back, line by line, for people.
    pub fn told(&self, answer: &Value) -> Vec<String> {
        match self {
            Outgoing::Call(_) => vec![call::summary(answer)],
            Outgoing::Command(_) => command::said(answer),
            Outgoing::Jobs(_) => vec![jobs::summary(answer)],
        }
    }

    /// Sends once and judges the answer. `effect` goes along where the other side remembers names of effects, and with a program, so that
    /// whatever it starts can be known by it.
    pub async fn once(&self, setting: &Setting, step: &Step, effect: Option<&EffectId>) -> Result<Value, CallTrouble> {
        self.in_turn(setting, step, effect, false).await
    }

    /// The same; where its turn was waited for already it waits for none.
    pub(in crate::engine) async fn in_turn(
        &self,
        setting: &Setting,
        step: &Step,
        effect: Option<&EffectId>,
        in_turn: bool,
    ) -> Result<Value, CallTrouble> {
        if let Some(refused) = grants::outgoing(setting, self) {
            return Err(refused);
        }
        match self {
            Outgoing::Call(call) => {
                let sent = Box::pin(call::once(setting, step, call, effect, in_turn));
                match &setting.turns {
                    Some(turns) => turns.take(&setting.world, sent).await,
                    None => sent.await,
                }
            }
            Outgoing::Jobs(change) => jobs::once(setting, change).await,
            Outgoing::Command(command) => command::once(setting, step, command, effect).await,
        }
    }
}

/// Sends a read, and again as often as the table allows; a list in pages page by page.
pub async fn read(
    setting: &Setting,
    step: &Step,
    path: &str,
    question: &Outgoing,
    watch: Watch<'_>,
) -> Result<Value, CallTrouble> {
    match question {
        Outgoing::Call(call) if let Some(pages) = call::spec(step).and_then(|spec| spec.pages.as_ref()) => {
            pages::all(setting, step, path, call, pages, watch).await
        }
        question => read_once(setting, step, path, question, watch).await,
    }
}

/// Sends a call that reads a list, and hands out its entries one after the other until no more are wanted: the pages are not put together.
pub async fn entries(
    setting: &Setting,
    step: &Step,
    path: &str,
    call: &Call,
    each: &mut (dyn FnMut(Value) -> bool + Send),
) -> Result<(), CallTrouble> {
    let (question, watch) = (Outgoing::Call(call.clone()), &|_: Tick| {});
    let Some(pages) = call::spec(step).and_then(|spec| spec.pages.as_ref()) else {
        let answer = read_once(setting, step, path, &question, watch).await?;
        let status = answer.get("status").and_then(|status| status.as_int()).unwrap_or(0);
        let body = answer.get("body").unwrap_or(Value::NULL);
        return match body.as_list() {
            Some(list) => {
                let _ = list.iter().all(|entry| each(entry.clone().marked(body.marks)));
                Ok(())
            }
            // An odd answer that the author accepts: there is no such list.
            None if !(200..300).contains(&status) => Ok(()),
            None => Err(call::trouble(
                call,
                crate::playbook::errors::FailureKind::Body,
                format!(
                    "`{}`: the answer is {}, not a list; `pages:` with `items:` says where the list is",
                    call.api,
                    body.kind()
                ),
            )),
        };
    };
    let mut give = |list: &Value, own: &[Value]| Ok(own.iter().all(|entry| each(entry.clone().marked(list.marks))));
    pages::walk(setting, step, path, call, pages, watch, &mut give).await.map(|_| ())
}

/// Sends one request that reads, and again as often as the table allows.
async fn read_once(
    setting: &Setting,
    step: &Step,
    path: &str,
    question: &Outgoing,
    watch: Watch<'_>,
) -> Result<Value, CallTrouble> {
    let (mut attempts, mut attempt) = (Attempts::default(), 0);
    loop {
        attempt += 1;
        let sent = question.once(setting, step, None).await;
        let trouble = match settled(setting, step, attempt, sent) {
            Ok(value) => return Ok(value),
            Err(trouble) => trouble,
        };
        // What needs a repair is not simply asked again.
        let retry = endings::retry(setting, step.id(), &trouble)
            .filter(|_| endings::fix(setting, step.id(), &trouble).is_none());
        let Some(pause) = retry.and_then(|r| attempts.next(r, trouble.retry_after, &setting.world)) else {
            return Err(trouble);
        };
        watch(Tick::Again { path: path.into(), why: trouble.message.clone(), pause });
        setting.turns.iter().for_each(|turns| turns.is_slow());
        setting.world.pause(pause).await;
    }
}

/// An attempt with its number; an answer that the table accepts is a good one.
fn settled(
    setting: &Setting,
    step: &Step,
    attempt: u32,
    sent: Result<Value, CallTrouble>,
) -> Result<Value, CallTrouble> {
    let trouble = match sent {
        Ok(value) => return Ok(value),
        Err(trouble) => CallTrouble { attempt, ..trouble },
    };
    // Without a status nobody has answered, whatever the table says; a program answers by ending.
    let ended = matches!(step.act, Act::Command(_)) && trouble.answer.is_some();
    if trouble.status.is_none() && !ended || !endings::accepted(setting, step.id(), &trouble) {
        return Err(trouble);
    }
    // A body that cannot be read is none: `{ kind: body, then: accept }`.
    Ok(trouble.answer.unwrap_or_else(|| {
        let empty = Value::map::<&str>([]);
        let status = trouble.status.map_or(Value::NULL, |status| i64::from(status).into());
        Value::map([("status", status), ("headers", empty), ("body", Value::NULL)])
    }))
}
