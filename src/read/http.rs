//! `http`: one call of a declared API. GET and HEAD are reads, the others writes.

use super::answer::{Accepted, Expected, Pages};
use crate::connection::http::settings::Size;
use crate::{
    base::{
        diagnostic::Diagnostic,
        shape::{FromNode, Length, Lowering, Named, ONE_OF, Word},
        source::Span,
        yaml::Node,
    },
    shape,
    template::{Datum, Expression, Text},
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
        /// The body as the fields of a form; null leaves one out, a list repeats it.
        #[schemars(default)]
        form: Named<Datum>,
        /// The body in parts (`multipart/form-data`): texts, or `{ content, type, filename }`.
        #[schemars(default)]
        multipart: Named<BodyPart>,
        /// The body as a text.
        text: Option<Text>,
        /// What kind of text `text` is. Default `text/plain; charset=utf-8`.
        content_type: Option<Text>,
        /// Good answers: `[200, { status: 404, because: "…" }]`. Default: 2xx.
        #[schemars(default)]
        accept: Vec<Accept>,
        /// A bare expression over the answer (`self`, with `status`, `headers` and `body`): what was asked for was done before. The
        /// outcome is `unchanged`. Looked at first, whatever the status.
        already_done_when: Option<Expression>,
        /// A bare expression over the answer: it failed and nothing was done, whatever the status. The `errors` table sees `kind: answer`.
        failed_when: Option<Expression>,
        /// A bare expression over a good answer: without it holding, the answer is not good after all; of a write nobody then knows
        /// whether it was done.
        success_when: Option<Expression>,
        /// What a good answer's body holds, by path: `{ trn: text, qtsDate: text?, results: list }`.
        #[schemars(default)]
        expects: Named<Expected>,
        /// The answer is a list that comes in pages; with `get` only.
        pages: Option<Pages>,
        /// What to do when the answer is 202; with writes only.
        accepted: Option<Accepted>,
        /// Other connections in which a write changes something: what is read from them afterwards is not known in a preview.
        #[schemars(default)]
        affects: Vec<Word>,
        /// Deadline of this call; shorter than the connection's.
        timeout: Option<Length>,
        /// Larger answers of this call are refused, instead of the connection's `max_body`.
        max_body: Option<Size>,
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

    /// The bodies that are given: a call has at most one.
    pub fn bodies(&self) -> Vec<&'static str> {
        let given = [
            ("json", self.json.is_some()),
            ("form", !self.form.entries.is_empty()),
            ("multipart", !self.multipart.entries.is_empty()),
            ("text", self.text.is_some()),
        ];
        given.into_iter().filter(|(_, is)| *is).map(|(word, _)| word).collect()
    }

    /// Bare expressions over the answer.
    pub fn conditions(&self) -> impl Iterator<Item = &Expression> {
        let accepted = self.accepted.iter().flat_map(|a| std::iter::once(&a.until).chain(&a.failed_when));
        let own = [&self.already_done_when, &self.failed_when, &self.success_when].into_iter().flatten();
        own.chain(self.pages.iter().flat_map(Pages::expressions)).chain(accepted)
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

/// A part of a body: a text, or with a type and the name of a file.
#[derive(Clone, Debug)]
pub struct BodyPart {
    /// What it holds.
    pub content: Datum,
    /// Its content type.
    pub kind: Option<Text>,
    /// The name of the file that it stands for.
    pub filename: Option<Text>,
}

shape! {
    /// A part of a body.
    "a part of a body" pub struct FilePart {
        /// What it holds, a text.
        content: Datum,
        /// Its content type: `text/csv`.
        kind as "type": Option<Text>,
        /// The name of the file that it stands for.
        filename: Option<Text>,
    }
}

impl FromNode for BodyPart {
    fn from_node(node: &Node, cx: &mut Lowering<'_>) -> Option<Self> {
        if let Node::Map(..) = node {
            let FilePart { content, kind, filename, .. } = FilePart::from_node(node, cx)?;
            return Some(BodyPart { content, kind, filename });
        }
        Datum::from_node(node, cx).map(|content| BodyPart { content, kind: None, filename: None })
    }
}
impl schemars::JsonSchema for BodyPart {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "BodyPart".into()
    }
    fn json_schema(generator: &mut schemars::SchemaGenerator) -> schemars::Schema {
        let (text, file) = (generator.subschema_for::<Datum>(), generator.subschema_for::<FilePart>());
        schemars::json_schema!({ "anyOf": [text, file] })
    }
}

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
