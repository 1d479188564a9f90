//! Calls of an API: one attempt, its judgement, and the retries that the `errors` table allows.

use super::{
    endings,
    setting::Setting,
    trouble::CallTrouble,
    watch::{Tick, Watch},
};
use crate::{
    action::{deed::Call, kinds::Act, step::Step},
    base::{
        value::{Data, Value},
        world::World,
    },
    connection::http::{Answer, Failure, Method, Reason, Request, RequestView, rate::retry_after},
    playbook::errors::{FailureKind, Jitter, Retry},
    read::http::HttpSpec,
};
use std::time::Duration;

/// The request of a call whose parts are all known.
pub fn request(call: &Call) -> Request {
    Request {
        query: call.query.clone(),
        headers: call.headers.clone(),
        body: call.json.clone(),
        timeout: call.timeout,
        ..Request::new(Method::of(call.method).unwrap_or(Method::Get), call.path.clone())
    }
}

/// A call as the journal holds it: enough to send the same bytes again.
pub fn stored(call: &Call) -> Value {
    let pairs = |all: &[(std::sync::Arc<str>, Value)]| {
        Value::list(all.iter().map(|(name, value)| Value::list([Value::text(name.clone()), value.clone()])))
    };
    let mut parts = vec![
        ("method", Value::from(call.method)),
        ("path", call.path.clone()),
        ("query", pairs(&call.query)),
        ("headers", pairs(&call.headers)),
    ];
    parts.extend(call.json.clone().map(|json| ("json", json)));
    Value::map(parts)
}

/// The call of a stored request; nothing when a part of it was secret, or is sealed and its key is not here. How long to
/// wait is no part of the bytes: `step` says it.
pub fn of_stored(api: &std::sync::Arc<str>, request: &Value, step: &Step) -> Option<Call> {
    let pairs = |name: &str| {
        let list = request.get(name)?;
        let pair =
            |pair: &Value| Some((pair.as_list()?.first()?.bare().as_ref().into(), pair.as_list()?.get(1)?.clone()));
        list.as_list()?.iter().map(pair).collect::<Option<Vec<_>>>()
    };
    let call = Call {
        api: api.clone(),
        method: Method::of(&request.get("method")?.bare())?.word(),
        path: request.get("path")?,
        query: pairs("query")?,
        headers: pairs("headers")?,
        json: request.get("json"),
        timeout: spec(step).and_then(|spec| spec.timeout).map(|length| length.0),
    };
    (!call.is_unknown()).then_some(call)
}

/// `GET https://…`, masked.
pub fn line(view: &RequestView) -> String {
    format!("{} {}", view.method.word(), view.url)
}

fn spec(step: &Step) -> Option<&HttpSpec> {
    match &step.act {
        Act::Http(spec) => Some(spec),
        _ => None,
    }
}

/// Sends once and judges the answer by `accept`.
pub async fn once(setting: &Setting, step: &Step, call: &Call, key: Option<String>) -> Result<Value, CallTrouble> {
    let request = Request { idempotency_key: key, ..request(call) };
    let Some(api) = setting.api(&call.api) else {
        return Err(trouble(call, FailureKind::Connect, format!("there is no API `{}` here", call.api)));
    };
    let line = line(&api.view(&request));
    match api.send(&request).await {
        Ok(answer) => judge(setting, step, call, answer, line),
        Err(failure) => Err(CallTrouble { line, ..failed(call, &failure) }),
    }
}

fn judge(setting: &Setting, step: &Step, call: &Call, answer: Answer, line: String) -> Result<Value, CallTrouble> {
    let status = answer.status;
    // The step's own `accept` decides; without one the connection's `success`.
    let good = match spec(step).filter(|s| !s.accept.is_empty()) {
        Some(spec) => spec.accepts(status),
        None => setting.api(&call.api).is_some_and(|api| api.settings().succeeds(status)),
    };
    if good {
        return Ok(answer.value);
    }
    let code = setting.api(&call.api).and_then(|api| api.error_code(&answer)).map(|code| code.plain().into_owned());
    let title =
        answer.value.get("body").and_then(|b| b.get("title").or_else(|| b.get("message")).or_else(|| b.get("error")));
    let said = title.filter(|t| t.as_str().is_some()).map_or(String::new(), |t| format!(": {}", t.plain()));
    // A 5xx may follow the effect; 4xx says that nothing was done (reliability.md, C7-C10).
    let in_doubt = !call.is_read() && status >= 500;
    let doubt = if in_doubt { DOUBT } else { "" };
    let message = format!("`{}` answered {status} to {line}{said}{doubt}", call.api);
    let found = CallTrouble {
        line,
        status: Some(status),
        code,
        in_doubt,
        retry_after: answer.header("retry-after").and_then(|h| retry_after(&h, setting.world.now())),
        answer: Some(answer.value.clone()),
        ..trouble(call, FailureKind::Status, message)
    };
    if endings::accepted(&setting.playbook.errors, step.id(), &found) { Ok(answer.value) } else { Err(found) }
}

/// What sending would be refused with before anything leaves; so that a preview says it, not only apply.
pub fn forbidden(setting: &Setting, call: &Call) -> Option<CallTrouble> {
    let (request, api) = (request(call), setting.api(&call.api)?);
    let failure = api.forbids(&request)?;
    Some(CallTrouble { line: line(&api.view(&request)), ..failed(call, &failure) })
}

fn failed(call: &Call, failure: &Failure) -> CallTrouble {
    // A refusal by status says that nothing was done, whatever became of the body (reliability.md, C4, C7).
    let status = failure.status();
    let refused = status.is_some_and(|s| (400..500).contains(&s));
    let in_doubt = !call.is_read() && !failure.is_not_done() && !refused;
    let kind = match failure {
        Failure::NotSent(_) => FailureKind::Connect,
        Failure::InDoubt(trouble) if trouble.reason == Reason::Timeout => FailureKind::Timeout,
        Failure::InDoubt(_) => FailureKind::Connect,
        Failure::Unusable { .. } => FailureKind::Body,
    };
    let mut message = message(failure);
    if in_doubt && !message.ends_with(DOUBT) {
        message.push_str(DOUBT);
    }
    CallTrouble { status, in_doubt, ..trouble(call, kind, message) }
}

fn trouble(call: &Call, kind: FailureKind, message: String) -> CallTrouble {
    CallTrouble {
        api: call.api.clone(),
        line: String::new(),
        status: None,
        code: None,
        kind,
        in_doubt: false,
        message,
        retry_after: None,
        answer: None,
    }
}

/// The longest pause that an answer's `Retry-After` is obeyed for.
pub const LONGEST: Duration = Duration::from_secs(300);

/// Counts attempts and time of one call against the table's bounds.
#[derive(Clone, Copy, Debug, Default)]
pub struct Attempts {
    made: u32,
    waited: Duration,
}

impl Attempts {
    /// The pause before the next attempt; nothing when the bounds are used up.
    pub fn next(&mut self, retry: &Retry, asked_for: Option<Duration>, world: &World) -> Option<Duration> {
        if retry.attempts.is_some_and(|most| self.made >= most) {
            return None;
        }
        self.made += 1;
        let longest = retry.backoff.map_or(Duration::from_secs(1), |b| b.pause(self.made));
        let planned = if retry.jitter == Some(Jitter::Full) { spread(longest, world) } else { longest };
        let pause = asked_for.map_or(planned, |asked| asked.min(LONGEST).max(planned));
        if retry.length.is_some_and(|most| self.waited + pause > most.0) {
            return None;
        }
        self.waited += pause;
        Some(pause)
    }
}

/// A pause between nothing and the longest, at random, so that many clients do not come back at the same moment.
fn spread(longest: Duration, world: &World) -> Duration {
    let random = (world.id().as_u128() & 0xFFFF) as u32;
    longest.mul_f64(f64::from(random) / 65_535.0)
}

/// Sends a read, and again as often as the table allows.
pub async fn read(
    setting: &Setting,
    step: &Step,
    path: &str,
    call: &Call,
    watch: Watch<'_>,
) -> Result<Value, CallTrouble> {
    let mut attempts = Attempts::default();
    loop {
        let trouble = match once(setting, step, call, None).await {
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

/// The end of a message about a call whose effect nobody knows.
const DOUBT: &str = "; whether it was done is not known";

/// What a failure says, and what to do.
pub fn message(failure: &Failure) -> String {
    format!("failed to {failure}")
}

/// The answer's summary for people: `200, 3 fields`.
pub fn summary(value: &Value) -> String {
    let status = value.get("status").map_or(String::new(), |s| s.plain().into_owned());
    match value.get("body").map(|b| b.data) {
        Some(Data::Map(map)) => format!("{status}, {} fields", map.len()),
        Some(Data::List(list)) => format!("{status}, {} entries", list.len()),
        Some(Data::Null) | None => format!("{status}, no body"),
        Some(_) => status,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::source::Span;

    #[test]
    fn attempts_stay_within_both_bounds_and_obey_retry_after() {
        let seconds = Duration::from_secs;
        let backoff = crate::playbook::errors::Backoff { first: seconds(2), most: seconds(5) };
        let retry = Retry {
            attempts: Some(3),
            length: None,
            backoff: Some(backoff),
            jitter: None,
            exhausted: None,
            at: Span::default(),
        };
        let mut attempts = Attempts::default();
        let world = World::fixed(crate::base::time::Stamp::new(0));
        let pauses: Vec<_> = std::iter::from_fn(|| attempts.next(&retry, None, &world)).collect();
        assert_eq!(pauses, [seconds(2), seconds(4), seconds(5)]);
        let mut attempts = Attempts::default();
        assert_eq!(attempts.next(&retry, Some(seconds(60)), &world), Some(seconds(60)));
        assert_eq!(attempts.next(&retry, Some(seconds(9_999_999)), &world), Some(LONGEST));
        let bounded = Retry { attempts: None, length: Some(crate::base::shape::Length(seconds(7))), ..retry };
        let mut attempts = Attempts::default();
        assert_eq!(std::iter::from_fn(|| attempts.next(&bounded, None, &world)).count(), 2);
    }
}
