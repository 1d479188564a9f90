//! What the project file says of a kind of resource: how it is read, what of the answer is its state, how it is written.

use crate::{
    base::{
        diagnostic::Diagnostic,
        shape::{FromNode, Length, Lowering, Named, UNKNOWN_KEY, Word},
        yaml::{Entry, Node, Scalar, Style},
    },
    effect::alike::{As, Way},
    read::http::HttpSpec,
    shape,
    template::{Datum, Expression, Text},
    words,
};

shape! {
    /// A kind of thing behind an API that has a state: a user's profile, the environment of a deployment, a run of a
    /// workflow. Its expressions see `key`, `env` and `run`; behind `read:` also `read` (the answer: `status`, `headers`,
    /// `body`) and `state` (the fields), and while writing `before` (the fields as they were), `state` (as they are to be),
    /// `changes` (those to be set, with their new values) and `removed` (the names of those to be taken away).
    "a resource" pub struct ResourceKind {
        /// The connection.
        api: Word,
        /// The names under which a step says which one it means: `[deployment]`.
        #[schemars(default)]
        key: Vec<Word>,
        /// How it is read: a GET.
        read: Template,
        /// True when the answer says that there is no such thing: `read.status == 404`. With it, a 404 is a good answer.
        absent_when: Option<Expression>,
        /// The fields, out of the answer: a map of them, or an expression that gives one. None says that there is no such
        /// thing; a list says what a search found, and must not hold more than one. Default: the answer's body.
        state: Option<Datum>,
        /// How it is changed. Without a body of its own a PATCH sends the `changes` (null for what is removed), a PUT the
        /// whole `state`.
        write: Option<Template>,
        /// How a new one is made. Without a body of its own it sends the `state`.
        create: Option<Template>,
        /// How it is removed.
        remove: Option<Template>,
        /// True when a change has come into force, out of `read` and `state`: a rollout is through, a run is over.
        ready: Option<Expression>,
        /// It will not come into force any more.
        fail_when: Option<Expression>,
        /// How often to look whether it is ready. Default 5s.
        every: Option<Length>,
        /// How long to wait until it shows what was written, and is ready. Default 10m with `ready`, else 10s. Counted from
        /// the request, also across a restart.
        at_most: Option<Length>,
        /// How long the other side may still be at work on a request whose answer was lost, counted from when it was sent. Default: 30s from when
        /// its answer was lost, and never before the time is over that the call itself may take.
        settle: Option<Length>,
        /// `same_way`: a change is taken back by writing the old values of the fields that it changed, a new one by
        /// removing it (if all of it is as it was seen when it was made), a removed one by making it again.
        undo: Option<Back>,
        /// A change of such a thing cannot be taken back, and why.
        irreversible: Option<Text>,
        /// Fields in which the same is written in two ways, with the way to compare them.
        #[schemars(default)]
        compare: Named<As>,
        /// Fields that are no part of the state: what the service counts and stamps by itself.
        #[schemars(default)]
        ignore: Vec<Word>,
        /// Fields about a person: masked in every output, sealed in journal and plan files.
        #[schemars(default)]
        personal: Vec<Word>,
        /// A field that is null is as good as one that is not there.
        null_is_absent: Option<bool>,
    }
}

words! {
    "a way back"
    pub enum Back {
        /// By writing the old state.
        SameWay = "same_way",
    }
}

impl ResourceKind {
    /// How a field is compared.
    pub fn way(&self, field: &str) -> Way {
        Way { kind: self.compare.get(field).copied().unwrap_or(As::Value), ..Way::default() }
    }
}

/// A call of the resource's own API: what an `http` step takes, without its `api`.
#[derive(Clone, Debug)]
pub struct Template(pub HttpSpec);

/// Stands for the resource's API while the call is read.
const ELSEWHERE: &str = "(the resource's)";

impl FromNode for Template {
    fn from_node(node: &Node, cx: &mut Lowering<'_>) -> Option<Self> {
        let Node::Map(entries, at) = node else { return cx.wrong_type(node, "a call, which is a map") };
        if let Some(api) = entries.iter().find(|e| &*e.key.text == "api") {
            let problem = Diagnostic::error(&UNKNOWN_KEY, api.key.span, "a call of a resource has no key `api`");
            cx.push(problem.help("the API stands once, as `api:` of the resource"));
            return None;
        }
        let text = |text: &str| Scalar { text: text.into(), style: Style::Text, span: *at };
        let api = Entry { key: text("api"), node: Node::Scalar(text(ELSEWHERE)) };
        let whole = Node::Map(entries.iter().cloned().chain([api]).collect(), *at);
        let spec = HttpSpec::from_node(&whole, cx)?;
        spec.one_method(cx);
        Some(Template(spec))
    }
}
impl schemars::JsonSchema for Template {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "ResourceCall".into()
    }
    fn json_schema(generator: &mut schemars::SchemaGenerator) -> schemars::Schema {
        let mut schema = HttpSpec::json_schema(generator);
        if let Some(serde_json::Value::Object(properties)) = schema.get_mut("properties") {
            properties.shift_remove("api");
        }
        if let Some(serde_json::Value::Array(required)) = schema.get_mut("required") {
            required.retain(|key| key != "api");
        }
        schema.insert("description".into(), "A call of the resource's own API.".into());
        schema
    }
}
