//! Traces (OTLP): what was done when, as spans, for whoever has set `OTEL_EXPORTER_OTLP_ENDPOINT`. The id of a trace is the id of
//! the run, so that a trace is found from `trueup show` and a run from a trace, also after a resume in another process.
//!
//! Names, words and counts only, no value of a row, a parameter or an answer. A collector that is slow or away costs at most two
//! seconds at the end of the command, and changes nothing else.

use super::Surroundings;
use crate::{
    base::{identity::RunId, json, secret::Secret, time::Stamp, value::Value},
    connection::otlp,
    engine::{drive::Stopped, fleet::Came, state::RunState},
    journal::words::{End, Outcome},
};
use sha2::{Digest, Sha256};
use std::{
    borrow::Cow,
    sync::{Arc, Mutex, PoisonError},
};

/// So many steps of a run become spans of their own.
const STEPS: usize = 500;

/// Spans that are to be sent.
#[derive(Clone, Debug, Default)]
pub struct Trace(Arc<Mutex<Vec<Span>>>);

#[derive(Clone, Debug)]
struct Span {
    trace: RunId,
    id: String,
    parent: Option<String>,
    name: String,
    from: Stamp,
    to: Stamp,
    failed: bool,
    about: Vec<(Cow<'static, str>, Value)>,
}

/// Somebody wants traces.
pub fn is_on(surroundings: &Surroundings) -> bool {
    endpoint(surroundings).is_some()
}

fn endpoint(surroundings: &Surroundings) -> Option<String> {
    let given = |name: &str| (surroundings.variable)(name).filter(|text| !text.trim().is_empty());
    if given("OTEL_SDK_DISABLED").is_some_and(|text| text.eq_ignore_ascii_case("true")) {
        return None;
    }
    given("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT").or_else(|| {
        given("OTEL_EXPORTER_OTLP_ENDPOINT").map(|base| format!("{}/v1/traces", base.trim_end_matches('/')))
    })
}

/// Notes a run, as far as it came, for [`flush`]. `many`: what many items came to, whose steps nobody holds.
pub fn note(surroundings: &Surroundings, run: RunId, state: &RunState, many: Option<&Came>) {
    if !is_on(surroundings) {
        return;
    }
    let Some(created) = &state.created else { return };
    let now = surroundings.world.now();
    let from = state.created_at.unwrap_or(created.now);
    let root = run.root_span();
    let mut spans = Vec::new();
    let steps = state.items.iter().flat_map(|(item, one)| one.steps.iter().map(move |(path, step)| (item, path, step)));
    for (item, path, step) in steps.take(STEPS) {
        let (Some(begun), Some(at)) = (step.begun, step.at) else { continue };
        let outcome = step.outcome.as_ref().map(|outcome| outcome.outcome);
        let failed = matches!(outcome, Some(Outcome::Failed | Outcome::InDoubt | Outcome::Drifted | Outcome::Lost));
        let mut about = vec![("trueup.step".into(), Value::text(path.clone()))];
        about.extend(outcome.map(|outcome| ("trueup.outcome".into(), Value::text(outcome.word()))));
        about.extend(step.connection.clone().map(|name| ("trueup.connection".into(), Value::text(name))));
        about.push(("trueup.attempts".into(), Value::from(i64::from(step.attempts))));
        spans.push(Span {
            trace: run,
            id: id(&[&run.to_string(), item, path, &step.generation.to_string()]),
            parent: Some(root.clone()),
            name: path.rsplit('/').next().unwrap_or(path).to_owned(),
            from: begun,
            to: at,
            failed,
            about,
        });
    }
    let of_many = many.and_then(|came| if let Stopped::Closed(end) = came.stopped { Some(end) } else { None });
    let end = state.closed.as_ref().map(|closed| closed.end).or(of_many);
    let mut about = vec![
        ("trueup.run".into(), Value::text(run.to_string())),
        ("trueup.playbook".into(), Value::text(created.playbook.clone())),
        ("trueup.environment".into(), Value::text(created.environment.clone())),
        ("trueup.purpose".into(), Value::text(created.purpose.clone())),
    ];
    about.extend(end.map(|end| ("trueup.end".into(), Value::text(end.word()))));
    let ends = many.into_iter().flat_map(|came| &came.summary.ends);
    about.extend(ends.map(|(end, items)| {
        (format!("trueup.items.{}", end.word()).into(), Value::from(i64::try_from(*items).unwrap_or(i64::MAX)))
    }));
    spans.push(Span {
        trace: run,
        id: root,
        parent: None,
        name: format!("{} {}", created.purpose, created.playbook),
        from,
        to: state.closed_at.unwrap_or(now),
        failed: matches!(end, Some(End::Failed | End::InDoubt)),
        about,
    });
    surroundings.trace.0.lock().unwrap_or_else(PoisonError::into_inner).extend(spans);
}

/// Sends what was noted. What cannot be sent is dropped, and a note says so.
pub async fn flush(surroundings: &Surroundings) {
    let spans = std::mem::take(&mut *surroundings.trace.0.lock().unwrap_or_else(PoisonError::into_inner));
    let Some(endpoint) = endpoint(surroundings).filter(|_| !spans.is_empty()) else { return };
    let body = surroundings.masks.apply(&document(surroundings, &spans));
    let headers = headers(surroundings);
    headers.iter().for_each(|(_, value)| surroundings.masks.add(value));
    if let Err(why) = otlp::send(&endpoint, &headers, body).await {
        surroundings.notes.add(&format!("the traces of this command were not sent: {why}"));
    }
}

/// `OTEL_EXPORTER_OTLP_HEADERS`: `name=value,name=value`.
fn headers(surroundings: &Surroundings) -> Vec<(String, Secret)> {
    let given = (surroundings.variable)("OTEL_EXPORTER_OTLP_TRACES_HEADERS")
        .or_else(|| (surroundings.variable)("OTEL_EXPORTER_OTLP_HEADERS"))
        .unwrap_or_default();
    let decoded = |text: &str| percent_encoding::percent_decode_str(text.trim()).decode_utf8_lossy().into_owned();
    given
        .split(',')
        .filter_map(|pair| pair.split_once('='))
        .map(|(name, value)| (name.trim().to_lowercase(), Secret::new(decoded(value))))
        .collect()
}

fn document(surroundings: &Surroundings, spans: &[Span]) -> String {
    let service = (surroundings.variable)("OTEL_SERVICE_NAME").unwrap_or_else(|| "trueup".to_owned());
    let resource = [
        ("service.name".into(), Value::from(service)),
        ("service.version".into(), Value::text(env!("CARGO_PKG_VERSION"))),
    ];
    let scope = Value::map([("name", Value::text("trueup")), ("version", Value::text(env!("CARGO_PKG_VERSION")))]);
    let spans = Value::list(spans.iter().map(Span::value));
    let scoped = Value::map([("scope", scope), ("spans", spans)]);
    let all = Value::map([
        ("resource", Value::map([("attributes", attributes(&resource))])),
        ("scopeSpans", Value::list([scoped])),
    ]);
    json::text_of(&Value::map([("resourceSpans", Value::list([all]))]))
}

impl Span {
    fn value(&self) -> Value {
        let nanos = |at: Stamp| Value::from(format!("{}000", at.micros.max(0)));
        // 1 is INTERNAL; a status of 2 is ERROR.
        let status =
            if self.failed { Value::map([("code", Value::from(2))]) } else { Value::map([("code", Value::from(1))]) };
        let mut parts = vec![
            ("traceId", Value::from(self.trace.0.simple().to_string())),
            ("spanId", Value::text(self.id.as_str())),
            ("name", Value::text(self.name.as_str())),
            ("kind", Value::from(1)),
            ("startTimeUnixNano", nanos(self.from)),
            ("endTimeUnixNano", nanos(Stamp { micros: self.to.micros.max(self.from.micros), digits: 6 })),
            ("attributes", attributes(&self.about)),
            ("status", status),
        ];
        parts.extend(self.parent.as_ref().map(|parent| ("parentSpanId", Value::text(parent.as_str()))));
        Value::map(parts)
    }
}

fn attributes(all: &[(Cow<'static, str>, Value)]) -> Value {
    Value::list(all.iter().map(|(key, value)| {
        let value = match value.as_int() {
            Some(number) => Value::map([("intValue", Value::from(number.to_string()))]),
            None => Value::map([("stringValue", Value::text(value.plain()))]),
        };
        Value::map([("key", Value::text(&**key)), ("value", value)])
    }))
}

fn id(parts: &[&str]) -> String {
    Sha256::digest(parts.join("\n").as_bytes()).iter().take(8).map(|b| format!("{b:02x}")).collect()
}
