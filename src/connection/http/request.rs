//! One call as data, before it leaves, and how it is shown to people.
//!
//! Built by the action layer with every expression evaluated. Holds no secret of the connection.

use super::{
    auth::Auth,
    body::Format,
    settings::{HttpSettings, Part},
    status::Status,
};
use crate::{
    base::{
        json,
        seal::NOT_STORED,
        url_path,
        value::{Data, Marks, Value},
    },
    words,
};
use std::{fmt, fmt::Write, sync::Arc, time::Duration};

words! {
    "a method"
    pub enum Method {
        /// Reads.
        Get = "GET",
        /// Reads the headers only.
        Head = "HEAD",
        /// Writes.
        Post = "POST",
        /// Writes the whole of something.
        Put = "PUT",
        /// Writes a part of something.
        Patch = "PATCH",
        /// Removes.
        Delete = "DELETE",
    }
}

impl Method {
    /// Changes nothing at the other side, by the meaning of HTTP.
    pub fn is_read(self) -> bool {
        matches!(self, Method::Get | Method::Head)
    }
}

/// Parameters in their order: names and values.
pub type Query = Vec<(Arc<str>, Value)>;

/// One call of an API. Values keep their marks; an unknown in it can be shown but not sent.
#[derive(Clone, Debug)]
pub struct Request {
    /// What to do.
    pub method: Method,
    /// Path below the connection's base, begins with `/`; values in it are percent-encoded already. A text or an unknown.
    pub path: Value,
    /// Parameters in order: null leaves one out, a list repeats it. Not encoded.
    pub query: Query,
    /// Headers beside the connection's own.
    pub headers: Vec<(Arc<str>, Value)>,
    /// The body.
    pub body: Option<Value>,
    /// How it is written.
    pub format: Format,
    /// Larger answers are refused; the connection's own limit where nothing is said.
    pub max_body: Option<usize>,
    /// Sent in the connection's `idempotency_key` header; refused when the connection declares none.
    pub idempotency_key: Option<String>,
    /// Deadline of this call; the connection's own is the longest possible.
    pub timeout: Option<Duration>,
    /// A write whose lost answer is no loss: it can be sent again, or somebody can be asked. It may go through a connection that an
    /// earlier call has used, which the server may be closing just now.
    pub bears_loss: bool,
    /// The good answers, where they are others than the connection's: of those that point elsewhere only these are taken as answers.
    pub accept: Vec<Status>,
    /// Its turn was waited for already.
    pub in_turn: bool,
}

impl Request {
    /// A call without parameters, headers and body.
    pub fn new(method: Method, path: impl Into<Value>) -> Request {
        Request {
            method,
            path: path.into(),
            query: Vec::new(),
            headers: Vec::new(),
            body: None,
            format: Format::Json,
            max_body: None,
            idempotency_key: None,
            timeout: None,
            bears_loss: false,
            accept: Vec::new(),
            in_turn: false,
        }
    }

    /// Something in it is only known after apply.
    pub fn is_unknown(&self) -> bool {
        let named = self.query.iter().chain(&self.headers).any(|(_, v)| v.is_unknown());
        self.path.is_unknown() || named || self.body.as_ref().is_some_and(Value::is_unknown)
    }

    /// What is not known in it was a secret, of which a run keeps nothing.
    pub(super) fn has_lost_a_secret(&self) -> bool {
        let named = self.query.iter().chain(&self.headers).map(|(_, value)| value);
        let mut all = std::iter::once(&self.path).chain(named).chain(&self.body);
        all.any(|value| value.unknown_because().is_some_and(|why| *why == *NOT_STORED))
    }

    /// The same text for the same call, whoever built it: to remember an answer by within one process. Holds values in
    /// clear: never print or store it.
    pub fn key(&self) -> String {
        let mut key = format!(
            "{} {}{}",
            self.method.word(),
            self.path.bare(),
            query_text(&self.query, &|v| url_path::encoded(&v.bare()).into_owned())
        );
        let mut headers: Vec<_> = self.headers.iter().map(|(n, v)| (n.to_ascii_lowercase(), v.bare())).collect();
        headers.sort();
        for (name, value) in headers {
            let _ = write!(key, "\n{name}: {value}");
        }
        let detail = self.format.detail().map_or("", |detail| detail);
        let _ = write!(key, "\n{} {detail}", self.format.word());
        let _ = write!(key, "\n\n{}", self.body.as_ref().map(json::text_of).unwrap_or_default());
        key
    }
}

/// `?a=1&b=2`, or nothing; `shown` makes the text of one value.
pub(super) fn query_text(query: &[(Arc<str>, Value)], shown: &dyn Fn(&Value) -> String) -> String {
    let mut text = String::new();
    for (name, value) in query {
        let (alone, list) = ([value.clone()], value.as_list());
        for one in list.unwrap_or(&alone).iter().filter(|v| !v.is_null()) {
            let one = one.clone().marked(value.marks);
            let _ =
                write!(text, "{}{}={}", if text.is_empty() { '?' } else { '&' }, url_path::encoded(name), shown(&one));
        }
    }
    text
}

/// A call as people may see it: personal values `(personal)`, secrets `(secret)`, unknowns `(known after apply)`.
#[derive(Clone, Debug)]
pub struct RequestView {
    /// `GET`.
    pub method: Method,
    /// With scheme, host and query.
    pub url: String,
    /// Of the connection and of the call, names in lower case; the auth header as `(secret)`.
    pub headers: Vec<(String, String)>,
    /// With its marks: what is personal by the project file is marked here.
    pub body: Option<Value>,
}

impl RequestView {
    /// How `request` will look, sent to `base` (scheme, host, path prefix) under these settings.
    pub fn of(request: &Request, base: &str, settings: &HttpSettings) -> RequestView {
        let personal = |root: &str, name: &str| {
            let mut parts = settings.personal.iter().filter_map(|p| p.below(root));
            parts.any(|steps| steps.first().is_none_or(|step| step.eq_ignore_ascii_case(name)))
        };
        let marked = |root: &str, (name, value): &(Arc<str>, Value)| {
            let marks = if personal(root, name) { Marks::PERSONAL } else { Marks::NONE };
            // A part that is hidden hides the whole: its text stands in one piece.
            (name.clone(), value.clone().marked(marks | value.all_marks()))
        };
        let query: Vec<_> = request.query.iter().map(|pair| marked("query", pair)).collect();
        let path = request.path.plain();
        let path = if request.path.marks.hidden() { format!("/{path}") } else { printable(&path) };
        let shown = |v: &Value| {
            if v.marks.hidden() || v.is_unknown() {
                v.plain().into_owned()
            } else {
                url_path::encoded(&v.plain()).into_owned()
            }
        };
        let body = request.body.clone().map(|body| mark_body(body, settings));
        let given = request
            .headers
            .iter()
            .map(|pair| (pair.0.to_ascii_lowercase(), marked("headers", pair).1.plain().into_owned()));
        let given: Vec<_> = given.collect();
        RequestView {
            method: request.method,
            url: format!("{base}{path}{}", query_text(&query, &shown)),
            headers: headers_of(request, settings, given),
            body,
        }
    }

    /// `{ method, url, headers, body }`, masked: for JSON output.
    pub fn value(&self) -> Value {
        let headers = Value::map(self.headers.iter().map(|(n, v)| (n.as_str(), Value::text(v.as_str()))));
        Value::map([
            ("method", Value::text(self.method.word())),
            ("url", Value::text(self.url.as_str())),
            ("headers", headers),
            ("body", self.body.clone().unwrap_or(Value::NULL)),
        ])
    }
}

/// A body with the project file's personal parts marked.
pub(super) fn mark_body(body: Value, settings: &HttpSettings) -> Value {
    let parts = settings.personal.iter().filter_map(|p| p.below("body"));
    parts.fold(body, |body, steps| Part::mark(steps, body, Marks::PERSONAL))
}

/// The headers of a call for people: those of the connection, then those of the call, then key and auth.
fn headers_of(request: &Request, settings: &HttpSettings, given: Vec<(String, String)>) -> Vec<(String, String)> {
    let fixed = settings.headers.iter().map(|(name, value)| (name.to_ascii_lowercase(), value.as_str().to_owned()));
    let mut all: Vec<_> = fixed.filter(|(name, _)| !given.iter().any(|(own, _)| own == name)).collect();
    all.extend(given);
    // That JSON is sent as JSON needs no word.
    if request.body.is_some() && request.format != Format::Json && !all.iter().any(|(name, _)| name == "content-type") {
        all.push(("content-type".into(), request.format.content_type()));
    }
    if let (Some(header), Some(key)) = (&settings.idempotency_key, &request.idempotency_key) {
        all.push((header.as_str().to_ascii_lowercase(), key.clone()));
    }
    all.extend(settings.auth.as_ref().map(Auth::shown));
    all
}

/// `PUT https://host/path?birthdate=(personal)`
impl fmt::Display for RequestView {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.method.word(), self.url)
    }
}

/// A path that is shown before it was judged: its control characters must not reach a terminal.
fn printable(path: &str) -> String {
    path.chars().flat_map(|c| if c.is_control() { c.escape_default().collect::<Vec<_>>() } else { vec![c] }).collect()
}

/// The text of a value that stands in a path, query or header; nothing for what cannot stand there.
pub(super) fn scalar_text(value: &Value) -> Option<std::borrow::Cow<'_, str>> {
    match &value.data {
        Data::List(_) | Data::Map(_) | Data::Bytes(_) | Data::Unknown(_) | Data::Null => None,
        _ => Some(value.bare()),
    }
}
