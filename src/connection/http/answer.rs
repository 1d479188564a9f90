//! What came back, without loss, as a value for expressions.

use super::{failure::Reason, request::mark_body, settings::HttpSettings};
use crate::base::{
    json,
    value::{Data, Map, Marks, Value},
};
use reqwest::header::{CONTENT_TYPE, HeaderMap, SET_COOKIE};
use std::{sync::Arc, time::Duration};

/// A whole answer.
#[derive(Clone, Debug)]
pub struct Answer {
    /// The status.
    pub status: u16,
    /// `{ status, headers, body }`: header names in lower case, a JSON body as its tree, other text as text, nothing as
    /// null. Personal parts are marked.
    pub value: Value,
    /// Bytes of the body, decompressed.
    pub body_bytes: usize,
    /// From asking for a connection to the last byte; waiting for a turn not included.
    pub elapsed: Duration,
}

impl Answer {
    /// The body.
    pub fn body(&self) -> Value {
        self.value.get("body").unwrap_or(Value::NULL)
    }

    /// A header, its name in lower case.
    pub fn header(&self, name: &str) -> Option<String> {
        self.value.get("headers")?.get(name).map(|v| v.bare().into_owned())
    }
}

/// What a status says about the effect of a write (`reliability.md` 2.3, C).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// 2xx but 202: done.
    Done,
    /// 202: taken, not finished.
    Pending,
    /// 4xx: refused. 3xx but 302 and 303, never followed: to be asked elsewhere. Not done.
    NotDone,
    /// 5xx: the effect may have come before the failure. 302 and 303: many a service answers so when it has done what it was asked
    /// for, and points at what came of it (RFC 9110, 15.4.4); others point at their page of logging in.
    InDoubt,
}

impl Standing {
    /// Of a status.
    pub fn of(status: u16) -> Standing {
        match status {
            202 => Standing::Pending,
            200..=299 => Standing::Done,
            302 | 303 => Standing::InDoubt,
            300..=499 => Standing::NotDone,
            _ => Standing::InDoubt,
        }
    }
}

/// A body that cannot be used: why, in words that follow "the answer (200)".
pub(super) struct Unusable(pub Reason, pub String);

/// The value of an answer that came in whole.
pub(super) fn value_of(
    status: u16,
    headers: &HeaderMap,
    body: &[u8],
    settings: &HttpSettings,
) -> Result<Value, Unusable> {
    let body = mark_body(body_of(headers, body, settings)?, settings);
    Ok(Value::map([
        ("status", Value::from(i64::from(status))),
        ("headers", headers_of(headers, settings)),
        ("body", body),
    ]))
}

fn headers_of(headers: &HeaderMap, settings: &HttpSettings) -> Value {
    let personal: Vec<_> = settings.personal.iter().filter_map(|p| p.below("headers")).collect();
    let mut map = Map::default();
    for name in headers.keys() {
        let all: Vec<_> = headers.get_all(name).iter().map(|v| String::from_utf8_lossy(v.as_bytes())).collect();
        let hidden =
            personal.iter().any(|steps| steps.first().is_none_or(|step| step.eq_ignore_ascii_case(name.as_str())));
        let marks = if name == SET_COOKIE {
            Marks::SECRET
        } else if hidden {
            Marks::PERSONAL
        } else {
            Marks::NONE
        };
        map.insert(name.as_str().into(), Value::text(all.join(", ")).marked(marks));
    }
    map.into()
}

fn body_of(headers: &HeaderMap, body: &[u8], settings: &HttpSettings) -> Result<Value, Unusable> {
    if body.is_empty() {
        return Ok(Value::NULL);
    }
    let kind = headers
        .get(CONTENT_TYPE)
        .and_then(|v| v.to_str().ok())
        .map(|v| v.split(';').next().unwrap_or(v).trim().to_ascii_lowercase());
    let says_json =
        kind.as_deref().is_some_and(|k| k == "application/json" || k == "text/json" || k.ends_with("+json"));
    // A text that should have been JSON may hold personal values that no path reaches any more.
    let veiled = settings.personal.iter().any(|p| p.below("body").is_some());
    let marks = if veiled { Marks::PERSONAL } else { Marks::NONE };
    let Ok(text) = std::str::from_utf8(body) else {
        if says_json {
            return Err(Unusable(Reason::NotJson, "says it is JSON but is not UTF-8".into()));
        }
        return Ok(Value::from(Data::Bytes(Arc::from(body))).marked(marks));
    };
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    match json::parse(text) {
        Ok(tree) if says_json || (kind.is_none() && text.starts_with(['{', '['])) => Ok(tree),
        Err(why) if says_json => Err(Unusable(Reason::NotJson, format!("says it is JSON but is not: {why}"))),
        _ => Ok(Value::text(text).marked(marks)),
    }
}
