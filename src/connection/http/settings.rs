//! What the project file says of an API. Shapes only: what follows from them is decided in `policy`, `rate` and `api`.

use super::{auth::Auth, key::KeyHeader, rate::Rate, request::Method, status::Status};
use crate::{
    base::{
        diagnostic::Diagnostic,
        shape::{BAD_FORM, FromNode, Length, Lowering, Named, Word},
        source::Span,
        url_path::Pattern,
        value::{Data, Marks, Value},
        yaml::Node,
    },
    connection::reference::Setting,
    shape,
};
use std::sync::Arc;

shape! {
    /// An API over HTTP: one address, what may be sent there, how it says no.
    "an http connection" pub struct HttpSettings {
        /// `https://host[:port][/path]`, or a reference to it. Calls go to exactly this scheme, host and port.
        base: Setting,
        /// Who we are: `bearer`, `basic`, `header` or `oauth2`. The secret goes into this one header and nowhere else.
        auth: Option<Auth>,
        /// Headers of every call. No secrets: those belong into `auth`.
        #[schemars(default)]
        headers: Named<Word>,
        /// How long to wait. Default `{ connect: 3s, total: 30s }`.
        timeout: Option<Timeouts>,
        /// At most so many calls: `300/min`. Shared by all runs of one process. A change that waits for its turn has not begun: who asks to pause meanwhile need not wait.
        rate: Option<Rate>,
        /// Which answers are good when a step has no `accept`. Default `2xx`.
        success: Option<Status>,
        /// Where an answer holds the API's own error code, for `code:` in a playbook's `errors`: `body.errorCode`.
        error_code: Option<Part>,
        /// Parts of requests and answers about a person: `body.firstName`, `body.results.*.email`, `query.birthdate`.
        /// Masked in every output, sealed in journal and plan files.
        #[schemars(default)]
        personal: Vec<Part>,
        /// What may be sent at all. Default: every method, every path below `base`.
        allow: Option<Allow>,
        /// The header in which this API takes an idempotency key. Says: the same key twice has one effect. With
        /// `{ header: …, lifetime: 24h }` for as long as that.
        idempotency_key: Option<KeyHeader>,
        /// The address may be inside our own network (loopback, private, link-local addresses are refused otherwise).
        internal: Option<bool>,
        /// `http` without TLS is allowed; without this only to a loopback address.
        insecure_http: Option<bool>,
        /// Larger answers (after decompression) are refused. Default `1MiB`.
        max_body: Option<Size>,
        /// The database connection behind this API: a change there makes earlier answers stale.
        backed_by: Option<Word>,
    }
}

shape! {
    /// How long to wait for an API.
    "a timeout" pub struct Timeouts {
        /// For the connection, TLS included. Default 3s.
        connect: Option<Length>,
        /// For the whole call, connection and body included. Default 30s.
        total: Option<Length>,
    }
}

shape! {
    /// What may be sent to an API.
    "a list of what is allowed" pub struct Allow {
        /// These methods only. Empty: all.
        #[schemars(default)]
        methods: Vec<Method>,
        /// These paths only, below `base`: `/v2/teachers/{trn}`, `/v2/**`. Empty: all.
        #[schemars(default)]
        paths: Vec<Pattern>,
    }
}

/// A part of a request or an answer: `body.firstName`, `body.results.*.email`, `query.birthdate`, `headers.x-user`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Part {
    /// `body`, `query` or `headers`, then names; `*` is every element of a list.
    pub steps: Vec<Arc<str>>,
    /// Where it stands.
    pub at: Span,
}

const ROOTS: &[&str] = &["body", "query", "headers"];

impl Part {
    /// The names below `root`, if this part lies there.
    pub fn below(&self, root: &str) -> Option<&[Arc<str>]> {
        self.steps.split_first().filter(|(first, _)| &***first == root).map(|(_, rest)| rest)
    }

    /// What stands at `steps` in `value`; nothing when it is absent or beyond a `*`.
    pub fn look_up(steps: &[Arc<str>], value: &Value) -> Option<Value> {
        steps.iter().try_fold(value.clone(), |value, step| value.get(step))
    }

    /// The value with these marks on everything at `steps`.
    pub fn mark(steps: &[Arc<str>], value: Value, marks: Marks) -> Value {
        let Some((step, rest)) = steps.split_first() else { return value.marked(marks) };
        match value.data {
            Data::List(values) if &**step == "*" => {
                let marked = values.iter().map(|v| Part::mark(rest, v.clone(), marks));
                Value::list(marked).marked(value.marks)
            }
            Data::Map(mut entries) if entries.contains_key(step) => {
                if let Some(inner) = entries.get_mut(step) {
                    *inner = Part::mark(rest, std::mem::replace(inner, Value::NULL), marks);
                }
                Value { data: Data::Map(entries), marks: value.marks }
            }
            data => Value { data, marks: value.marks },
        }
    }
}

impl FromNode for Part {
    fn from_node(node: &Node, cx: &mut Lowering<'_>) -> Option<Self> {
        let word = Word::from_node(node, cx)?;
        let steps: Vec<Arc<str>> = word.as_str().split('.').map(Arc::from).collect();
        let root = steps.first().map_or("", |s| s);
        if !ROOTS.contains(&root) || steps.iter().any(|s| s.is_empty()) {
            cx.push(
                Diagnostic::error(
                    &BAD_FORM,
                    word.span,
                    format!("`{}` is not a part of a request or answer", word.as_str()),
                )
                .help("write `body.firstName`, `body.results.*.email`, `query.birthdate` or `headers.x-user`"),
            );
            return None;
        }
        Some(Part { steps, at: word.span })
    }
}
crate::plain_schema!(Part, { "type": "string", "pattern": "^(body|query|headers)(\\.[^.]+)*$", "examples": ["body.firstName", "query.birthdate"] });

/// A number of bytes: `64KiB`, `1MiB`, `500000`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Size(pub usize);

impl Size {
    fn parse(text: &str) -> Option<Size> {
        let split = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
        let unit = match text[split..].trim() {
            "" | "B" => 1,
            "KiB" => 1024,
            "MiB" => 1024 * 1024,
            _ => return None,
        };
        text[..split]
            .parse::<usize>()
            .ok()?
            .checked_mul(unit)
            .filter(|n| (1..=1024 * 1024 * 1024).contains(n))
            .map(Size)
    }
}

impl std::fmt::Display for Size {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.0 {
            n if n % (1024 * 1024) == 0 => write!(f, "{} MiB", n / (1024 * 1024)),
            n if n % 1024 == 0 => write!(f, "{} KiB", n / 1024),
            n => write!(f, "{n} bytes"),
        }
    }
}

impl FromNode for Size {
    fn from_node(node: &Node, cx: &mut Lowering<'_>) -> Option<Self> {
        let Node::Scalar(s) = node else { return cx.wrong_type(node, "a size such as `1MiB`") };
        Size::parse(&s.text).or_else(|| {
            cx.push(
                Diagnostic::error(&BAD_FORM, s.span, format!("`{}` is not a size", s.text))
                    .help("write `64KiB`, `1MiB` or a number of bytes, at most 1024MiB"),
            );
            None
        })
    }
}
crate::plain_schema!(Size, { "anyOf": [{ "type": "integer", "minimum": 1 }, { "type": "string", "pattern": "^[0-9]+ ?(B|KiB|MiB)?$" }] });

impl HttpSettings {
    /// Nothing but a base: what holds for an address that no project file describes further.
    pub fn plain(base: Setting) -> HttpSettings {
        HttpSettings {
            at: base.at(),
            base,
            auth: None,
            headers: Named::default(),
            timeout: None,
            rate: None,
            success: None,
            error_code: None,
            personal: Vec::new(),
            allow: None,
            idempotency_key: None,
            internal: None,
            insecure_http: None,
            max_body: None,
            backed_by: None,
        }
    }

    /// Where an answer holds the API's own error code, looked up: `10001`. Nothing when none is declared or there.
    pub fn error_code(&self, answer: &Value) -> Option<Value> {
        Part::look_up(&self.error_code.as_ref()?.steps, answer).filter(|v| !v.is_null())
    }

    /// A body with its personal parts marked.
    pub fn personal_marked(&self, body: Value) -> Value {
        super::request::mark_body(body, self)
    }

    /// Which answers are good by default.
    pub fn succeeds(&self, status: u16) -> bool {
        self.success.unwrap_or(Status::Class(2)).holds(status)
    }

    /// Seconds for the connection and for the whole call.
    pub fn timeouts(&self) -> (std::time::Duration, std::time::Duration) {
        let given = |pick: fn(&Timeouts) -> Option<Length>, seconds| {
            self.timeout.as_ref().and_then(pick).map_or(std::time::Duration::from_secs(seconds), |l| l.0)
        };
        (given(|t| t.connect, 3), given(|t| t.total, 30))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::{diagnostic::Diagnostics, json, source::Source, yaml};

    fn read(text: &str) -> (Option<HttpSettings>, Vec<String>) {
        let source = Source::new("t", text);
        let mut problems = Diagnostics::new(source.clone());
        let node = yaml::parse(&source, yaml::LIMITS, &mut problems).unwrap();
        let read = HttpSettings::from_node(&node, &mut Lowering::new(&mut problems));
        (read, problems.sorted().iter().map(|d| d.message.clone()).collect())
    }

    #[test]
    fn a_whole_connection_is_read_and_every_mistake_in_one_is_named() {
        let (read_settings, found) = read(
            "base: https://a.example/api\nauth: { bearer: { secret: KEY } }\nheaders: { Accept: application/json }\ntimeout: { connect: 1s }\n\
             rate: 300/min\nerror_code: body.errorCode\npersonal: [body.names.*.first, query.birthdate]\nallow: { methods: [GET], paths: [\"/v2/{trn}\"] }\nmax_body: 64KiB\n",
        );
        assert_eq!(found, Vec::<String>::new());
        let settings = read_settings.unwrap();
        assert_eq!(settings.timeouts().1.as_secs(), 30);
        assert_eq!(
            settings
                .error_code(&Value::map([("body", json::parse("{\"errorCode\": 10001}").unwrap())]))
                .unwrap()
                .as_int(),
            Some(10001)
        );
        assert!(settings.succeeds(204) && !settings.succeeds(302));
        let (_, found) = read(
            "base: a\nauth: { bearer: x, basic: {} }\nrate: fast\npersonal: [firstName]\nallow: { methods: [GOT], paths: [v2] }\nmax_body: much\nredirects: true",
        );
        assert_eq!(found.len(), 7, "{found:?}");
    }

    #[test]
    fn marks_reach_every_element_of_a_list_and_nothing_else() {
        let body = json::parse(r#"{"names": [{"first": "Ada", "id": 1}, {"first": "Bob"}], "title": "x"}"#).unwrap();
        let steps: Vec<Arc<str>> = ["names", "*", "first"].map(Arc::from).to_vec();
        let marked = Part::mark(&steps, body, Marks::PERSONAL);
        assert_eq!(
            json::masked(&marked),
            r#"{"names":[{"first":"(personal)","id":1},{"first":"(personal)"}],"title":"x"}"#
        );
    }
}
