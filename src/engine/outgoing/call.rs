//! Calls of an API: one attempt, and its judgement.

use crate::engine::{endings, setting::Setting, trouble::CallTrouble};
use crate::{
    action::{deed::Call, kinds::Act, step::Step},
    base::{
        identity::EffectId,
        json,
        value::{Data, Value},
    },
    connection::http::{Answer, Failure, Method, Reason, Request, RequestView, rate::retry_after},
    plan::Effect,
    playbook::errors::FailureKind,
    read::http::HttpSpec,
};

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

/// The recovery class: who will be asked when the answer is lost.
pub fn class(step: &Step, call: &Call, setting: &Setting) -> &'static str {
    let keyed = setting.api(&call.api).is_some_and(|api| api.settings().idempotency_key.is_some());
    match (keyed, step.common.probe.is_some(), step.common.repeatable.is_some()) {
        (true, ..) => "http-key",
        (false, true, _) => "http-probe",
        (false, false, true) => "http-repeatable",
        (false, false, false) => "http-once",
    }
}

/// The request as a plan shows it; nothing where the API is not known.
pub fn shown(call: &Call, setting: &Setting) -> Option<Effect> {
    let view = setting.api(&call.api)?.view(&request(call));
    Some(Effect::Request { line: line(&view), body: view.body.as_ref().map(json::masked), headers: view.headers })
}

/// Sends once and judges the answer by `accept`. The key is derived from the effect: every attempt, also of another process,
/// carries the same one.
pub async fn once(
    setting: &Setting,
    step: &Step,
    call: &Call,
    effect: Option<&EffectId>,
) -> Result<Value, CallTrouble> {
    let Some(api) = setting.api(&call.api) else {
        return Err(trouble(call, FailureKind::Connect, format!("there is no API `{}` here", call.api)));
    };
    let key = effect.filter(|_| api.settings().idempotency_key.is_some()).map(|e| e.idempotency_key().to_string());
    let request = Request { idempotency_key: key, ..request(call) };
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
