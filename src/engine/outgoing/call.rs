//! Calls of an API: the bytes, the journal's form of them, one attempt.

use super::judge;
use crate::engine::{setting::Setting, trouble::CallTrouble};
use crate::{
    action::{deed::Call, kinds::Act, step::Step},
    base::{
        counted::counted,
        identity::EffectId,
        json,
        value::{Data, Value},
    },
    connection::http::{Failure, Format, Method, Reason, Request, RequestView},
    plan::Effect,
    playbook::errors::FailureKind,
    read::http::HttpSpec,
};

/// The request of a call whose parts are all known.
pub fn request(call: &Call) -> Request {
    Request {
        query: call.query.clone(),
        headers: call.headers.clone(),
        body: call.body.clone(),
        format: call.format.clone(),
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
    parts.extend(call.body.clone().map(|body| (call.format.word(), body)));
    parts.extend(call.format.detail().map(|detail| ("written", Value::text(detail.clone()))));
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
    let written = request.get("written").map(|detail| detail.bare().into_owned());
    let body = ["json", "form", "text", "multipart"].into_iter().find_map(|word| Some((word, request.get(word)?)));
    let format = body.as_ref().and_then(|(word, _)| Format::of(word, written.as_deref()));
    let call = Call {
        api: api.clone(),
        method: Method::of(&request.get("method")?.bare())?.word(),
        path: request.get("path")?,
        query: pairs("query")?,
        headers: pairs("headers")?,
        format: if body.is_some() { format? } else { Format::Json },
        body: body.map(|(_, body)| body),
        timeout: spec(step).and_then(|spec| spec.timeout).map(|length| length.0),
        scope: None,
        resource: None,
    };
    (!call.is_unknown()).then_some(call)
}

/// `GET https://…`, masked.
pub fn line(view: &RequestView) -> String {
    format!("{} {}", view.method.word(), view.url)
}

pub(super) fn spec(step: &Step) -> Option<&HttpSpec> {
    match &step.act {
        Act::Http(spec) => Some(spec),
        _ => None,
    }
}

/// The recovery class: who will be asked when the answer is lost.
pub fn class(step: &Step, api: &str, setting: &Setting) -> &'static str {
    let keyed = setting.api(api).is_some_and(|api| api.settings().idempotency_key.is_some());
    match (keyed, step.common.probe.is_some(), step.common.repeatable.is_some()) {
        (true, ..) => "http-key",
        (false, true, _) => "http-probe",
        (false, false, true) => "http-repeatable",
        (false, false, false) => "http-once",
    }
}

/// A lost answer is no loss: the same call is sent again, or it is found out what became of it.
pub fn bears_loss(step: &Step, api: &str, setting: &Setting) -> bool {
    class(step, api, setting) != "http-once"
}

/// The request as a plan shows it; nothing where the API is not known.
pub fn shown(call: &Call, setting: &Setting) -> Option<Effect> {
    let view = setting.api(&call.api)?.view(&request(call));
    let body = view.body.as_ref().map(json::masked);
    Some(Effect::Request { line: line(&view), body, headers: view.headers, sent: Some(stored(call)) })
}

/// Sends once and judges the answer (`judge.rs`). The key is derived from the effect: every attempt, also of another process,
/// carries the same one.
pub async fn once(
    setting: &Setting,
    step: &Step,
    call: &Call,
    effect: Option<&EffectId>,
    in_turn: bool,
) -> Result<Value, CallTrouble> {
    let Some(api) = setting.api(&call.api) else {
        return Err(trouble(call, FailureKind::Connect, format!("there is no API `{}` here", call.api)));
    };
    let key = effect.filter(|_| api.settings().idempotency_key.is_some()).map(|e| e.idempotency_key().to_string());
    let max_body = spec(step).and_then(|spec| spec.max_body).map(|size| size.0);
    let bears_loss = bears_loss(step, &call.api, setting);
    let accept = spec(step).iter().flat_map(|spec| &spec.accept).map(|accept| accept.status).collect();
    let request = Request { idempotency_key: key, max_body, bears_loss, accept, in_turn, ..request(call) };
    let line = line(&api.view(&request));
    match api.send(&request).await {
        Ok(answer) => judge::Answered { setting, step, call, answer: &answer, line: &line }.judge(),
        Err(failure) => Err(CallTrouble { line, ..failed(call, &failure) }),
    }
}

/// What the author says about the answer, for people who look at a plan.
pub(super) fn afterwards(spec: &HttpSpec) -> Vec<String> {
    let text = |expression: &crate::template::Expression| expression.scalar().text.trim().to_owned();
    let already = spec.already_done_when.as_ref().map(|e| format!("done before, and unchanged, when {}", text(e)));
    let accepted = spec.accepted.as_ref().map(|accepted| {
        format!(
            "when it is only accepted (202): asked about, at most {}, until {}",
            accepted.at_most,
            text(&accepted.until)
        )
    });
    already.into_iter().chain(accepted).collect()
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
        Failure::NotSent(trouble) if trouble.reason == Reason::Token => FailureKind::Auth,
        // Nobody would answer differently: no row has it tried again.
        Failure::NotSent(trouble) if trouble.reason == Reason::Forbidden => FailureKind::NotGranted,
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

pub(super) fn trouble(call: &Call, kind: FailureKind, message: String) -> CallTrouble {
    CallTrouble {
        api: call.api.clone(),
        attempt: 1,
        line: String::new(),
        status: None,
        code: None,
        kind,
        in_doubt: false,
        perhaps: false,
        message,
        retry_after: None,
        said: None,
        answer: None,
    }
}

/// The end of a message about a call whose effect nobody knows.
pub(super) const DOUBT: &str = "; whether it was done is not known";

/// What a failure says, and what to do.
pub fn message(failure: &Failure) -> String {
    format!("failed to {failure}")
}

/// The answer's summary for people: `200, 3 fields`.
pub fn summary(value: &Value) -> String {
    let status = value.get("status").map_or(String::new(), |s| s.plain().into_owned());
    match value.get("body").map(|b| b.data) {
        Some(Data::Map(map)) => format!("{status}, {}", counted(map.len(), "field")),
        Some(Data::List(list)) => format!("{status}, {}", counted(list.len(), "entry")),
        Some(Data::Null) | None => format!("{status}, no body"),
        Some(_) => status,
    }
}
