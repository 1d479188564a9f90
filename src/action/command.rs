//! `command`: a declared program, started without a shell. `look:` reads, `change:` writes.

use crate::{
    base::{
        diagnostic::Diagnostic,
        shape::{FromNode, Length, Lowering, ONE_OF, Word},
        source::Span,
        yaml::Node,
    },
    shape,
    template::{Datum, Text},
    words,
};

shape! {
    /// Starts a program that the project file declares, with a list of arguments and never through a shell. `look:` only reads,
    /// `change:` changes something: then the step needs `undo`, `irreversible` or `undo: none_needed`, and `probe` or
    /// `repeatable`, or a lost answer leaves it in doubt. The result has `code`, `output` and `errors`.
    "command" pub struct CommandSpec {
        /// The connection's name.
        program: Word,
        /// Arguments of a call that only looks. The first ones are literal words that the connection lists under `looks`. An expression that
        /// gives a list becomes several arguments; its values must not begin with `-`.
        #[schemars(default)]
        look: Vec<Datum>,
        /// Arguments of a call that changes something; the first ones are listed under `changes`.
        #[schemars(default)]
        change: Vec<Datum>,
        /// Arguments with which the program says what `change:` would do, without doing it: run in a dry-run, as
        /// `[set, env, …, --dry-run=server]`. Its first ones may be listed under `looks` or under `changes`.
        #[schemars(default)]
        preview: Vec<Datum>,
        /// What it reads from its standard input.
        input: Option<Text>,
        /// What `output` of the result is: `text` (default), `lines` (a list), or `json`.
        output: Option<OutputForm>,
        /// Good exit codes: `[0, { code: 1, because: "nothing to do" }]`. Default: 0.
        #[schemars(default)]
        accept: Vec<AcceptCode>,
        /// Deadline of this call; shorter than the connection's.
        timeout: Option<Length>,
    }
}

words! {
    "a form of output"
    pub enum OutputForm {
        /// As it was printed, without the last line break.
        Text = "text",
        /// A list of its lines.
        Lines = "lines",
        /// Read as JSON.
        Json = "json",
    }
}

impl CommandSpec {
    /// The arguments, and whether they change something; nothing unless exactly one list is given.
    pub fn arguments(&self) -> Option<(&[Datum], bool)> {
        match (self.look.is_empty(), self.change.is_empty()) {
            (false, true) => Some((&self.look, false)),
            (true, false) => Some((&self.change, true)),
            _ => None,
        }
    }

    /// Changes nothing.
    pub fn is_read(&self) -> bool {
        matches!(self.arguments(), Some((_, false)))
    }

    /// Whether this exit code is a good one.
    pub fn accepts(&self, code: i32) -> bool {
        if self.accept.is_empty() {
            code == 0
        } else {
            self.accept.iter().any(|a| i64::from(a.code) == i64::from(code))
        }
    }
}

/// The literal words that a list of arguments begins with.
pub fn beginning(arguments: &[Datum]) -> Vec<String> {
    let literal = |datum: &Datum| match &datum.tree {
        crate::template::Tree::Scalar(text) => text.literal().map(|value| value.bare().into_owned()),
        _ => None,
    };
    arguments.iter().map_while(literal).collect()
}

/// A good exit code, with the reason when it is an odd one.
#[derive(Clone, Debug)]
pub struct AcceptCode {
    /// Which.
    pub code: u32,
    /// Why that is a good one.
    pub because: Option<Text>,
    /// Where it stands.
    pub at: Span,
}

shape! {
    /// A good exit code that needs a reason.
    "an accepted exit code" pub struct AcceptCodeBecause {
        /// The code, 0 to 255.
        code: u32,
        /// Why this is a good one here.
        because: Text,
    }
}

impl FromNode for AcceptCode {
    fn from_node(node: &Node, cx: &mut Lowering<'_>) -> Option<Self> {
        let read = if let Node::Map(..) = node {
            let read = AcceptCodeBecause::from_node(node, cx)?;
            AcceptCode { code: read.code, because: Some(read.because), at: read.at }
        } else {
            AcceptCode { code: u32::from_node(node, cx)?, because: None, at: node.span() }
        };
        if read.code > 255 {
            cx.push(Diagnostic::error(&ONE_OF, read.at, "an exit code is a number from 0 to 255"));
            return None;
        }
        Some(read)
    }
}
impl schemars::JsonSchema for AcceptCode {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "AcceptCode".into()
    }
    fn json_schema(generator: &mut schemars::SchemaGenerator) -> schemars::Schema {
        let reasoned = generator.subschema_for::<AcceptCodeBecause>();
        schemars::json_schema!({ "anyOf": [{ "type": "integer", "minimum": 0, "maximum": 255 }, reasoned] })
    }
}
