//! `lifecycle:`: records that carry their own state machine, as the playbook's author wrote it.
//!
//! A lifecycle is no second engine. [`expand`] writes it out as the ordinary steps that it stands for before the playbook is read:
//! everything behind that (checks, preview, journal, recovery, undo) sees steps and nothing else.

mod compare;
mod expand;
mod line;
mod made;
mod moves;
pub mod operation;

pub use compare::{OTHER_STATES, compare};
pub use expand::{RECORD, expand, expression_of};
pub use line::Line;

use crate::{
    action::step::Step,
    base::{
        diagnostic::{Code, Diagnostic},
        shape::{BAD_FORM, FromNode, Length, Lowering, Named, Placed, Word},
        source::Span,
        yaml::{Node, Scalar},
    },
    read::http::HttpSpec,
    shape,
    table::facts::Columns,
    template::{Datum, Text},
    words,
};

/// Parts of a lifecycle do not fit together.
pub static PARTS: Code = Code {
    id: "E0870",
    title: "a lifecycle whose parts do not fit together",
    explain: "A lifecycle names every state of its records once: `start`, for each stage a `working` and a `done`, then `done`, `failed` and \
        `aborted`. A state that stands there twice, a stage without steps, a playbook with `lifecycle:` and `steps:`, or one without \
        `targets:` cannot be meant so. The items under `targets:` are rows of the lifecycle's table (or have at least its key).\n\n\
        `log: { line }` says on one line which state a record left and which one it came to (`{{ move.from }}`, `{{ move.to }}`): from \
        that line `trueup lifecycle rewind` tells where a record failed.",
};

/// All codes of this file.
pub static CODES: &[&Code] = &[&PARTS, &OTHER_STATES];

shape! {
    /// Records that carry their own state machine: a column holds where each of them stands, and each stage moves it to a working state,
    /// does its steps, and moves it to a done state. A stage that fails moves the record to the failed state. A record goes on
    /// behind the state that it is found in.
    "a lifecycle" pub struct Lifecycle {
        /// The records: `connection.table`.
        table: Word,
        /// The key of a record, which every item has. Default: `id`.
        key: Option<Columns>,
        /// The column that holds the state.
        state: Word,
        /// The column that holds the state before: set with every move.
        previous: Option<Word>,
        /// The column that tells since when a record is in its state. Default: the table's `updated_at`.
        since: Option<Word>,
        /// The state before the first stage.
        start: Word,
        /// The state behind the last stage.
        done: Word,
        /// The state of a record of which a stage failed.
        failed: Word,
        /// The state of a record that shall not go on.
        aborted: Option<Word>,
        /// How a move is made. Default: by SQL, if the record is still in the state that it leaves.
        moves: Option<Moves>,
        /// What is written down with every move. Beside `moves` it is the service that writes it, and this says how it looks: it is read.
        log: Option<Log>,
        /// A record that is in a working state for longer, and that no run works on, was left by a run that died: `trueup lifecycle rewind`
        /// offers to put it back. Default: 1h.
        stale_after: Option<Placed<Length>>,
        /// What becomes of a record that stands behind a stage which its log does not know: the stage was added later. Default: `warn`.
        passed_over: Option<PassedOver>,
        /// What the steps of all stages have in common.
        defaults: Option<Defaults>,
        /// What `trueup lifecycle cancel` does beside deleting the record.
        cancel: Option<Cancel>,
        /// The stages, in order.
        stages: Vec<Stage>,
    }
}

words! {
    "what becomes of a record that stands behind a new stage"
    pub enum PassedOver {
        /// It is shown at approval, and the record goes on.
        Warn = "warn",
        /// The record is left alone.
        Stop = "stop",
    }
}

shape! {
    /// One stage.
    "a stage" pub struct Stage {
        /// Its name, and that of the block of its steps: `forums is ran`.
        id: Word,
        /// A heading for plans and reports.
        title: Option<Word>,
        /// Only if this holds; else the stage is left out: the record never comes to its states.
        #[schemars(default, schema_with = "expression_schema")]
        when: Option<Scalar>,
        /// The state of a record while its steps are done.
        working: Word,
        /// The state of a record whose steps are done.
        done: Word,
        /// What is done, in order.
        steps: Raw,
        /// What came of it, for the log: `"{{ unenroll.body }}"`. May use the results of its steps.
        #[schemars(default, schema_with = "text_schema")]
        log: Option<Scalar>,
    }
}

/// A list of steps that is read when it stands among the steps of the playbook.
#[derive(Clone, Debug)]
pub struct Raw(pub Node);

impl FromNode for Raw {
    fn from_node(node: &Node, cx: &mut Lowering<'_>) -> Option<Self> {
        match node {
            Node::List(steps, at) if steps.is_empty() => {
                cx.push(Diagnostic::error(&BAD_FORM, *at, "a stage has at least one step"));
                None
            }
            Node::List(..) => Some(Raw(node.clone())),
            _ => cx.wrong_type(node, "a list of steps"),
        }
    }
}
impl schemars::JsonSchema for Raw {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Steps".into()
    }
    fn inline_schema() -> bool {
        true
    }
    fn json_schema(generator: &mut schemars::SchemaGenerator) -> schemars::Schema {
        let step = generator.subschema_for::<Step>();
        schemars::json_schema!({ "type": "array", "items": step })
    }
}

fn expression_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
    schemars::json_schema!({ "type": ["string", "boolean"] })
}

fn text_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
    schemars::json_schema!({ "type": "string" })
}

shape! {
    /// A move that the service makes by its own API. The texts may use `move`: `from`, `to`, `from_order`, `to_order`, `text`.
    "a way to move" pub struct Moves {
        /// The API.
        api: Word,
        /// The path of a PATCH.
        patch: Option<Text>,
        /// The path of a POST.
        post: Option<Text>,
        /// The path of a PUT.
        put: Option<Text>,
        /// Its JSON body.
        json: Datum,
        /// Good answers. Default: those of the API.
        #[schemars(default, schema_with = "accept_schema")]
        accept: Option<Raw>,
        /// Deadline of the call.
        timeout: Option<Length>,
    }
}

fn accept_schema(generator: &mut schemars::SchemaGenerator) -> schemars::Schema {
    let accept = generator.subschema_for::<crate::read::http::Accept>();
    schemars::json_schema!({ "type": "array", "items": accept })
}

shape! {
    /// What is written down with every move.
    "a log" pub struct Log {
        /// The text column that grows.
        column: Word,
        /// What is put behind its text (by the service, where that makes the moves): `move` has `from`, `to`, `from_order`, `to_order` and `text`. One line of it names `move.from` and
        /// `move.to`.
        #[schemars(schema_with = "text_schema")]
        line: Scalar,
        /// The text of the last move. Default: `Complete.`
        finished: Option<Word>,
    }
}

/// What the steps of all stages have in common, where they do not say it themselves.
#[derive(Clone, Debug)]
pub struct Defaults {
    /// Keys of `http`: mostly `api` and `timeout`.
    pub http: Option<Node>,
    /// Of the calls that write.
    pub repeatable: Option<Node>,
    /// The same.
    pub irreversible: Option<Node>,
    /// Where it stands.
    pub at: Span,
}

shape! {
    /// What the steps of all stages have in common, where they do not say it themselves.
    "defaults" pub struct DefaultsSpec {
        /// Keys of their `http`.
        #[schemars(schema_with = "http_schema")]
        http: Option<Node>,
        /// Of the calls that write: sending the same bytes twice does the same as once, and why.
        #[schemars(schema_with = "text_schema")]
        repeatable: Option<Node>,
        /// Of the calls that write: they cannot be taken back, and why.
        #[schemars(schema_with = "text_schema")]
        irreversible: Option<Node>,
    }
}

fn http_schema(generator: &mut schemars::SchemaGenerator) -> schemars::Schema {
    let mut schema = <HttpSpec as schemars::JsonSchema>::json_schema(generator);
    schema.remove("required");
    schema
}

impl FromNode for Defaults {
    fn from_node(node: &Node, cx: &mut Lowering<'_>) -> Option<Self> {
        let spec = DefaultsSpec::from_node(node, cx)?;
        if let Some(http) = &spec.http {
            let Node::Map(..) = http else { return cx.wrong_type(http, "keys of `http`, which is a map") };
            cx.unknown_keys(http, HttpSpec::KEYS, "`http`");
        }
        Some(Defaults { http: spec.http, repeatable: spec.repeatable, irreversible: spec.irreversible, at: spec.at })
    }
}
impl schemars::JsonSchema for Defaults {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Defaults".into()
    }
    fn json_schema(generator: &mut schemars::SchemaGenerator) -> schemars::Schema {
        generator.subschema_for::<DefaultsSpec>()
    }
}

shape! {
    /// What cancelling a record does. Only a record that is exactly at `start` is cancelled; its row is deleted behind these steps, in the
    /// same transaction.
    "a cancelling" pub struct Cancel {
        /// What else is put back: steps that change rows of the lifecycle's database. `item` is the record.
        #[schemars(default)]
        steps: Option<Raw>,
        /// What is done behind it, for example somebody is told.
        #[schemars(default)]
        afterwards: Option<Raw>,
        /// Values that the steps need beside the record: parameters of the cancelling.
        #[schemars(default)]
        params: Named<super::params::Param>,
    }
}

impl Log {
    /// An expression that is true of a record which this run has taken: the last that its log says is that. `row` names the record.
    fn says_own(&self, row: &str) -> String {
        let whole = match line::pieces(&self.line.text).as_deref() {
            Some([.., line::Piece::Value(last), line::Piece::Plain(rest)]) => {
                last == "move.text" && rest.trim().is_empty()
            }
            Some([.., line::Piece::Value(last)]) => last == "move.text",
            _ => false,
        };
        let (log, own) = (format!("({row}.{} | default('', true) | trim)", self.column.as_str()), moves::OWN);
        if whole { format!("{log} is endingwith ({own})") } else { format!("({own}) in {log}") }
    }
}

impl Moves {
    /// How many methods it has; one is right.
    pub fn methods(&self) -> usize {
        [&self.patch, &self.post, &self.put].into_iter().flatten().count()
    }
}

impl Lifecycle {
    /// The columns of the key.
    pub fn key_columns(&self) -> Vec<&str> {
        self.key.as_ref().map_or_else(|| vec!["id"], |key| key.names().collect())
    }

    /// Every state with its place, in the order in which a record comes to them; the ends last.
    pub fn states(&self) -> Vec<&Word> {
        let mut all = vec![&self.start];
        for stage in &self.stages {
            all.extend([&stage.working, &stage.done]);
        }
        all.extend([&self.failed].into_iter().chain(&self.aborted).chain([&self.done]));
        all
    }

    /// The states from which a record goes on: the start and what every stage leaves behind.
    pub fn waiting(&self) -> Vec<&str> {
        let done = self.stages.iter().map(|stage| stage.done.as_str());
        std::iter::once(self.start.as_str()).chain(done).collect()
    }

    /// The states in which somebody is at work.
    pub fn working(&self) -> Vec<&str> {
        self.stages.iter().map(|stage| stage.working.as_str()).collect()
    }

    /// How long a working state may last.
    pub fn stale_after(&self) -> Length {
        self.stale_after.as_ref().map_or(Length(std::time::Duration::from_secs(3600)), |given| given.value)
    }
}
