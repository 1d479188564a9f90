//! A request that was taken and is not finished (202). The answer is journaled before anything is asked: a resumed run goes on
//! asking, and the request is never sent again.

use super::{call, judge};
use crate::{
    action::{
        deed::{Call, Outgoing},
        resolve,
        step::Step,
    },
    base::{moment, value::Value},
    connection::http::{Method, rate::retry_after},
    engine::{
        drive::{Driver, Halt},
        grants,
        outline::Place,
        tries::Tries,
        trouble::{CallTrouble, Trouble},
        watch::Tick,
    },
    journal::payload::{ReadValue, StepRead},
    playbook::errors::FailureKind,
    read::answer::Accepted,
};
use std::time::Duration;

const EVERY: Duration = Duration::from_secs(5);

/// How the author says to go on with an answer, where it is one that needs it.
pub(in crate::engine) fn pending<'a>(step: &'a Step, value: &Value) -> Option<&'a Accepted> {
    let status = value.get("status")?.as_int()?;
    let spec = call::spec(step)?;
    judge::is_pending(spec, u16::try_from(status).ok()?).then_some(spec.accepted.as_ref()?)
}

impl Driver<'_> {
    /// Keeps the answer, and asks until the request is finished. What comes back is the last poll's answer.
    pub(in crate::engine) async fn finished(
        &mut self,
        place: &Place,
        step: &Step,
        call: &Call,
        answer: Value,
    ) -> Result<Value, Halt> {
        let Some(accepted) = pending(step, &answer) else { return Ok(answer) };
        let request = format!("{} → 202, not finished", Outgoing::Call(call.clone()).line(self.setting));
        let read = ReadValue { item: self.item.clone(), request, request_hash: None, value: answer.clone() };
        self.note(StepRead { step: place.path.clone(), reads: vec![read] }.into());
        self.flush().await?;
        moment::reached("after an accepted request");
        self.poll(place, accepted, call, &answer).await
    }

    /// Asks until the request is finished, failed, or took too long.
    pub(in crate::engine) async fn poll(
        &mut self,
        place: &Place,
        accepted: &Accepted,
        call: &Call,
        answer: &Value,
    ) -> Result<Value, Halt> {
        let setting = self.setting;
        let lost = |what: &str| -> Halt {
            let message = format!("`{}` has taken the request; {what}{}", call.api, call::DOUBT);
            let trouble = CallTrouble { in_doubt: true, ..call::trouble(call, FailureKind::Answer, message) };
            Trouble::Call(Box::new(trouble)).into()
        };
        let question = question(self, accepted, call, answer).map_err(|why| lost(&why))?;
        let Some(api) = setting.api(&call.api) else { return Err(lost("there is no such API here any more")) };
        if let Some(refused) = grants::outgoing(setting, &Outgoing::Call(question.clone())) {
            return Err(lost(&refused.message));
        }
        let begun = self.standing(&place.path).and_then(|s| s.last_attempt).unwrap_or_else(|| setting.world.now());
        let request = call::request(&question);
        let line = call::line(&api.view(&request));
        let every = accepted.every.map_or(EVERY, |length| length.0);
        let mut tries = Tries::default();
        let too_long = || lost(&format!("it was not finished within {}", accepted.at_most));
        let still = || {
            let waited = u64::try_from(setting.world.now().micros.saturating_sub(begun.micros)).unwrap_or(0);
            accepted.at_most.0.saturating_sub(Duration::from_micros(waited))
        };
        let mut pause = asked_for(answer, self).map_or(every, |asked| asked.max(every));
        loop {
            let left = still();
            if !left.is_zero() {
                let why = format!("`{}` is not finished with the request", call.api);
                // However long the API asks to wait, the last look is at the end of the time allowed.
                let pause = pause.max(api.held().unwrap_or_default()).min(left);
                (self.watch)(Tick::Again { path: place.path.clone(), why, pause });
                setting.world.pause(pause).await;
            }
            let left = still();
            if api.held().is_some_and(|held| held > left) {
                return Err(too_long());
            }
            let last = left.is_zero();
            let found = match api.send(&request).await {
                Ok(found) if (200..300).contains(&found.status) => found,
                other => {
                    let why = match other {
                        Ok(found) => format!("`{}` answered {} to {line}", call.api, found.status),
                        Err(failure) => call::message(&failure),
                    };
                    // Nobody answers just now: that says nothing about the request.
                    match tries.next().filter(|_| !last) {
                        Some(wait) => pause = wait.max(every),
                        None => return Err(lost(&why)),
                    }
                    continue;
                }
            };
            tries = Tries::default();
            let scope = judge::scope(setting, call, &found.value);
            let holds =
                |condition| resolve::judge(condition, &scope).map(|j| j.holds == Some(true)).map_err(|f| f.message);
            let judged = match &accepted.failed_when {
                Some(condition) if holds(condition).map_err(|why| lost(&why))? => Some(false),
                _ => holds(&accepted.until).map_err(|why| lost(&why))?.then_some(true),
            };
            match judged {
                Some(true) => return Ok(found.value),
                Some(false) => {
                    let message = format!("`{}` took the request, and it failed later ({line})", call.api);
                    let (status, answer) = (Some(found.status), Some(found.value));
                    let trouble = call::trouble(call, FailureKind::Answer, message);
                    return Err(Trouble::Call(Box::new(CallTrouble { line, status, answer, ..trouble })).into());
                }
                None if last => return Err(too_long()),
                None => pause = asked_for(&found.value, self).map_or(every, |asked| asked.max(every)),
            }
        }
    }
}

/// The poll: a path over the answer, else the answer's `Location`.
fn question(driver: &Driver<'_>, accepted: &Accepted, call: &Call, answer: &Value) -> Result<Call, String> {
    let setting = driver.setting;
    let address = match &accepted.poll {
        Some(text) => {
            let scope = judge::scope(setting, call, answer);
            text.render(&scope, crate::base::url_path::encoded).map_err(|failure| failure.message)?.value
        }
        None => {
            let location = answer.get("headers").and_then(|headers| headers.get("location"));
            location.ok_or("its answer has no `Location` header to ask at")?
        }
    };
    let api = setting.api(&call.api).ok_or("there is no such API here any more")?;
    let (path, query) = api.follow(&call.path.bare(), &address.bare()).map_err(|why| format!("where to ask {why}"))?;
    Ok(Call {
        method: Method::Get.word(),
        path: Value::text(path).marked(address.marks),
        query: query.into_iter().map(|(name, value)| (name, value.marked(address.marks))).collect(),
        body: None,
        ..call.clone()
    })
}

fn asked_for(answer: &Value, driver: &Driver<'_>) -> Option<Duration> {
    let header = answer.get("headers")?.get("retry-after")?;
    retry_after(&header.bare(), driver.setting.world.now())
}
