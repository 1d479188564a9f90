//! `http`: one call of a declared API. GET and HEAD are reads, the others writes.

use crate::{
    base::{
        diagnostic::Diagnostic,
        shape::{FromNode, Length, Lowering, Named, ONE_OF, Word},
        source::Span,
        yaml::Node,
    },
    shape,
    template::{Datum, Text},
};

shape! {
    /// Calls an API that the project file declares. `get` and `head` are reads; `post`, `put`, `patch` and `delete` are
    /// writes: they need `undo`, `irreversible` or `undo: none_needed`, and `probe`, an idempotency key or `repeatable`.
    "http" pub struct HttpSpec {
        /// The connection's name.
        api: Word,
        /// Path of a GET, from the API's base; values in it are percent-encoded.
        get: Option<Text>,
        /// Path of a HEAD.
        head: Option<Text>,
        /// Path of a POST.
        post: Option<Text>,
        /// Path of a PUT.
        put: Option<Text>,
        /// Path of a PATCH.
        patch: Option<Text>,
        /// Path of a DELETE.
        delete: Option<Text>,
        /// Query parameters; null leaves one out, a list repeats it.
        #[schemars(default)]
        query: Named<Datum>,
        /// Headers beside those of the connection. Secrets belong into the connection's `auth`.
        #[schemars(default)]
        headers: Named<Text>,
        /// The JSON body.
        json: Option<Datum>,
        /// Good answers: `[200, { status: 404, because: "…" }]`. Default: 2xx.
        #[schemars(default)]
        accept: Vec<Accept>,
        /// Deadline of this call; shorter than the connection's.
        timeout: Option<Length>,
    }
}

/// The six methods.
pub const METHODS: &[&str] = &["get", "head", "post", "put", "patch", "delete"];

impl HttpSpec {
    /// The method (upper case) and its path; nothing unless exactly one is given.
    pub fn method(&self) -> Option<(&'static str, &Text)> {
        let all = [
            ("GET", &self.get),
            ("HEAD", &self.head),
            ("POST", &self.post),
            ("PUT", &self.put),
            ("PATCH", &self.patch),
            ("DELETE", &self.delete),
        ];
        let mut given = all.into_iter().filter_map(|(m, p)| p.as_ref().map(|p| (m, p)));
        let first = given.next()?;
        given.next().is_none().then_some(first)
    }

    /// Changes nothing.
    pub fn is_read(&self) -> bool {
        matches!(self.method(), Some(("GET" | "HEAD", _)))
    }

    /// Whether this status is a good answer, and the author's reason for an odd one.
    pub fn accepts(&self, status: u16) -> bool {
        if self.accept.is_empty() {
            (200..300).contains(&status)
        } else {
            self.accept.iter().any(|a| a.status.holds(status))
        }
    }

    /// Notes a missing or a second method.
    pub fn one_method(&self, cx: &mut Lowering<'_>) {
        if self.method().is_none() {
            let message = "a call has exactly one method with its path";
            cx.push(
                Diagnostic::error(&ONE_OF, self.at, message)
                    .help("write one of `get: /path`, `post: /path`, `put`, `patch`, `delete`, `head`"),
            );
        }
    }
}

pub use crate::connection::http::Status;

/// A good answer, with the reason when it is an odd one.
#[derive(Clone, Debug)]
pub struct Accept {
    /// Which status.
    pub status: Status,
    /// Why that is a good answer.
    pub because: Option<Text>,
    /// Where it stands.
    pub at: Span,
}

shape! {
    /// A good answer that needs a reason.
    "an accepted answer" pub struct AcceptBecause {
        /// `404`, `5xx`.
        status: Status,
        /// Why this is a good answer here.
        because: Text,
    }
}

impl FromNode for Accept {
    fn from_node(node: &Node, cx: &mut Lowering<'_>) -> Option<Self> {
        if let Node::Map(..) = node {
            let read = AcceptBecause::from_node(node, cx)?;
            return Some(Accept { status: read.status, because: Some(read.because), at: read.at });
        }
        Status::from_node(node, cx).map(|status| Accept { status, because: None, at: node.span() })
    }
}
impl schemars::JsonSchema for Accept {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Accept".into()
    }
    fn json_schema(generator: &mut schemars::SchemaGenerator) -> schemars::Schema {
        let (status, reasoned) = (generator.subschema_for::<Status>(), generator.subschema_for::<AcceptBecause>());
        schemars::json_schema!({ "anyOf": [status, reasoned] })
    }
}
