//! `errors:`: the decision table of failed calls. The first row that fits decides.

use super::error_table::Found;
use crate::{
    base::{
        diagnostic::Diagnostic,
        shape::{BAD_FORM, FromNode, Length, Lowering, Named, ONE_OF, Word},
        source::Span,
        yaml::Node,
    },
    read::http::Status,
    shape,
    template::Text,
    words,
};

/// The decision table of a playbook: its own rows, or a shared table with own rows around it.
///
/// Reads as a list of rows; what a shared table says stands in it at its place.
#[derive(Clone, Debug, Default)]
pub struct Errors {
    /// All rows in the order in which they are looked at.
    pub rows: Vec<ErrorRow>,
    /// The shared tables that are used.
    pub uses: Vec<Word>,
    /// Those of them that are not at hand.
    pub missing: Vec<Word>,
}

impl std::ops::Deref for Errors {
    type Target = [ErrorRow];

    fn deref(&self) -> &[ErrorRow] {
        &self.rows
    }
}

impl<'a> IntoIterator for &'a Errors {
    type Item = &'a ErrorRow;
    type IntoIter = std::slice::Iter<'a, ErrorRow>;

    fn into_iter(self) -> Self::IntoIter {
        self.rows.iter()
    }
}

shape! {
    /// A shared table, with own rows before and after its rows.
    "the errors of a playbook" pub struct UsedErrors {
        /// The shared table: `register/dqt-errors` is the file `register/dqt-errors.errors.yaml` below the playbook folder. Or a list of them.
        uses as "use": OneOrMore<Word>,
        /// Own rows that are looked at first.
        #[schemars(default)]
        before: Vec<ErrorRow>,
        /// Own rows that are looked at when no row of the table fits.
        #[schemars(default)]
        after: Vec<ErrorRow>,
    }
}

impl FromNode for Errors {
    fn absent() -> Option<Self> {
        Some(Errors::default())
    }

    fn from_node(node: &Node, cx: &mut Lowering<'_>) -> Option<Self> {
        if let Node::Map(..) = node {
            let used = UsedErrors::from_node(node, cx)?;
            let (mut rows, mut missing) = (used.before, Vec::new());
            for word in &used.uses.0 {
                match super::error_table::included(word, cx) {
                    Found::Table(table) => rows.extend(table.rows()),
                    Found::Unreadable => return None,
                    Found::Nothing => missing.push(word.clone()),
                }
            }
            rows.extend(used.after);
            return Some(Errors { rows, uses: used.uses.0, missing });
        }
        Vec::from_node(node, cx).map(|rows| Errors { rows, ..Errors::default() })
    }
}
impl schemars::JsonSchema for Errors {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Errors".into()
    }
    fn inline_schema() -> bool {
        true
    }
    fn json_schema(generator: &mut schemars::SchemaGenerator) -> schemars::Schema {
        let (row, used) = (generator.subschema_for::<ErrorRow>(), generator.subschema_for::<UsedErrors>());
        schemars::json_schema!({ "anyOf": [{ "type": "array", "items": row }, used] })
    }
}

shape! {
    /// One row of the decision table: what a failure looks like, and what to do then. All conditions of a row must hold.
    "a row of the errors table" pub struct ErrorRow {
        /// What people call this failure.
        name: Option<Word>,
        /// What it means, for people: shown by `trueup diagnose`.
        means: Option<Word>,
        /// Only failures of these steps.
        step: Option<OneOrMore<Word>>,
        /// Only failures of calls of these APIs.
        api: Option<OneOrMore<Word>>,
        /// Only answers with these statuses: `404`, `5xx`, or a list.
        status: Option<OneOrMore<Status>>,
        /// Only answers whose error code (the connection's `error_code`) is one of these.
        code: Option<OneOrMore<Code>>,
        /// Only answers that hold one of these values at a path of the JSON body, or a list with one of them:
        /// `{ errors.outcome: [Unable to change Failed Result] }`. A name may hold dots itself; `*` is every element of a list.
        #[schemars(default)]
        body: Named<OneOrMore<Wanted>>,
        /// Only failures whose text (any text of the body, or our own message) contains one of these, letter case aside.
        message: Option<OneOrMore<Word>>,
        /// Only from this attempt on; the first one is 1.
        attempt: Option<u32>,
        /// Only failures of this kind.
        kind: Option<OneOrMore<FailureKind>>,
        /// What to do.
        then: Option<Then>,
        /// What to do in every other case: the last row.
        otherwise: Option<Then>,
    }
}

impl ErrorRow {
    /// It names what failed by more than the step or the API that was called.
    pub fn is_particular(&self) -> bool {
        let said =
            [self.status.is_some(), self.code.is_some(), self.body.names().next().is_some(), self.message.is_some()];
        said.contains(&true) || self.attempt.is_some() || self.kind.is_some()
    }

    /// How the item ends where this row fits, if the row says so itself: a retry without `exhausted` leaves it open.
    fn ends(&self) -> bool {
        match self.then.as_ref().map(|then| &then.verdict) {
            None | Some(Verdict::Accept) => false,
            Some(Verdict::Retry(retry)) => retry.exhausted.is_some(),
            Some(_) => true,
        }
    }

    /// It knows more of the failure than the `otherwise` of a step, which is for every other case.
    pub fn outranks_step(&self) -> bool {
        self.is_particular() && self.ends()
    }
}

/// A value that a body may hold, compared as text; null is also what is not there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wanted(pub Option<String>);

impl FromNode for Wanted {
    fn from_node(node: &Node, cx: &mut Lowering<'_>) -> Option<Self> {
        match node {
            Node::Scalar(s) if s.value().is_null() => Some(Wanted(None)),
            Node::Scalar(s) => Some(Wanted(Some(s.text.to_string()))),
            _ => cx.wrong_type(node, "a value: a text, a number, true, false or null"),
        }
    }
}
crate::plain_schema!(Wanted, { "type": ["string", "number", "boolean", "null"] });

words! {
    "a kind of failure"
    pub enum FailureKind {
        /// No connection: nothing was sent.
        Connect = "connect",
        /// No answer in time.
        Timeout = "timeout",
        /// An answer that cannot be read.
        Body = "body",
        /// The API refused, by its status.
        Status = "status",
        /// The answer's status is good, but what it says is not: `success_when` or `failed_when` of the step.
        Answer = "answer",
        /// The token endpoint of the connection refused us: nothing was sent.
        Auth = "auth",
        /// `uses` does not declare it, or the connection's own rules forbid it (`allow`, an address, a path that is none): nothing was sent. It is
        /// never tried again and never accepted.
        NotGranted = "not_granted",
    }
}

/// One value or a list of them.
#[derive(Clone, Debug)]
pub struct OneOrMore<T>(pub Vec<T>);

impl<T: FromNode> FromNode for OneOrMore<T> {
    fn from_node(node: &Node, cx: &mut Lowering<'_>) -> Option<Self> {
        match node {
            Node::List(..) => Vec::from_node(node, cx).map(OneOrMore),
            _ => T::from_node(node, cx).map(|one| OneOrMore(vec![one])),
        }
    }
}
impl<T: schemars::JsonSchema> schemars::JsonSchema for OneOrMore<T> {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        format!("OneOrMore_{}", T::schema_name()).into()
    }
    fn inline_schema() -> bool {
        true
    }
    fn json_schema(generator: &mut schemars::SchemaGenerator) -> schemars::Schema {
        let one = generator.subschema_for::<T>();
        schemars::json_schema!({ "anyOf": [one, { "type": "array", "items": one }] })
    }
}

/// An API's own error code: a number or a word, compared as text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Code(pub String);

impl FromNode for Code {
    fn from_node(node: &Node, cx: &mut Lowering<'_>) -> Option<Self> {
        match node {
            Node::Scalar(s) if !s.text.is_empty() => Some(Code(s.text.to_string())),
            _ => cx.wrong_type(node, "a code: a number or a word"),
        }
    }
}
crate::plain_schema!(Code, { "type": ["string", "integer"] });

/// What to do about a failure.
#[derive(Clone, Debug)]
pub struct Then {
    /// The action.
    pub verdict: Verdict,
    /// The step (`repair: true`) that is done first, before a retry.
    pub fix: Option<Word>,
    /// Where it stands.
    pub at: Span,
}

/// The actions of the table.
#[derive(Clone, Debug)]
pub enum Verdict {
    /// Try again, with a bound.
    Retry(Retry),
    /// End the item here.
    Stop(Option<Text>),
    /// Leave the item alone.
    Skip(Option<Text>),
    /// The item failed.
    Fail(Option<Text>),
    /// The answer is good.
    Accept,
    /// Somebody has to look at it.
    Escalate(Word, Text),
}

impl Verdict {
    /// The word of the action.
    pub fn word(&self) -> &'static str {
        match self {
            Verdict::Retry(_) => "retry",
            Verdict::Stop(_) => "stop",
            Verdict::Skip(_) => "skip",
            Verdict::Fail(_) => "fail",
            Verdict::Accept => "accept",
            Verdict::Escalate(..) => "escalate",
        }
    }
}

shape! {
    /// How often and how long to try again. There is always a bound.
    "a retry" pub struct Retry {
        /// At most this many further attempts.
        attempts: Option<u32>,
        /// At most this long.
        length as "for": Option<Length>,
        /// The pause before each attempt: `2s..60s` doubles from the first to the second.
        backoff: Option<Backoff>,
        /// Spread the pauses at random, so that many clients do not come back at once: `full`.
        jitter: Option<Jitter>,
        /// What to do when that did not help; `stop` unless said otherwise.
        exhausted: Option<Box<Then>>,
    }
}

words! {
    "a jitter"
    pub enum Jitter {
        /// Between nothing and the whole pause.
        Full = "full",
        /// Exactly the pause.
        None = "none",
    }
}

/// The pause before a further attempt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Backoff {
    /// The first pause.
    pub first: std::time::Duration,
    /// The longest pause.
    pub most: std::time::Duration,
}

impl Backoff {
    /// The pause before attempt `n` (the first further attempt is 1), doubling up to the longest.
    pub fn pause(self, n: u32) -> std::time::Duration {
        self.first.checked_mul(2_u32.saturating_pow(n.saturating_sub(1))).unwrap_or(self.most).min(self.most)
    }
}

impl FromNode for Backoff {
    fn from_node(node: &Node, cx: &mut Lowering<'_>) -> Option<Self> {
        let Node::Scalar(s) = node else { return cx.wrong_type(node, "a pause such as `2s..60s`") };
        let (first, most) = s.text.split_once("..").unwrap_or((&s.text, &s.text));
        match (first.trim().parse::<Length>(), most.trim().parse::<Length>()) {
            (Ok(first), Ok(most)) if first <= most => Some(Backoff { first: first.0, most: most.0 }),
            _ => {
                cx.push(
                    Diagnostic::error(&BAD_FORM, s.span, format!("`{}` is not a pause", s.text))
                        .help("write `2s..60s`: from two seconds, doubling, to a minute"),
                );
                None
            }
        }
    }
}
crate::plain_schema!(Backoff, { "type": "string", "examples": ["2s..60s", "5s"] });

const WORDS: &[&str] = &["retry", "stop", "skip", "fail", "accept", "escalate"];

impl FromNode for Then {
    fn from_node(node: &Node, cx: &mut Lowering<'_>) -> Option<Self> {
        let at = node.span();
        let Node::Map(entries, _) = node else {
            let word = Word::from_node(node, cx)?;
            let verdict = match word.as_str() {
                "stop" => Verdict::Stop(None),
                "skip" => Verdict::Skip(None),
                "fail" => Verdict::Fail(None),
                "accept" => Verdict::Accept,
                // Both say more than one word.
                "retry" | "escalate" => {
                    let (message, help) = match word.as_str() {
                        "retry" => {
                            ("a retry has a bound", "write `then: { retry: { attempts: 3, backoff: 2s..60s } }`")
                        }
                        _ => ("this does not say to whom", "write `then: { escalate: NAME, say: \"…\" }`"),
                    };
                    cx.push(Diagnostic::error(&crate::base::shape::UNKNOWN_WORD, at, message).help(help));
                    return None;
                }
                other => {
                    cx.push(
                        Diagnostic::error(&crate::base::shape::UNKNOWN_WORD, at, format!("`{other}` is not an action"))
                            .suggest(other, WORDS.iter().copied()),
                    );
                    return None;
                }
            };
            return Some(Then { verdict, fix: None, at });
        };
        let escalates = node.get("escalate").is_some();
        cx.unknown_keys(
            node,
            if escalates { &["escalate", "say"] } else { &["retry", "fix", "stop", "skip", "fail"] },
            "an action",
        );
        let Some(entry) = entries.iter().find(|e| WORDS.contains(&&*e.key.text)) else {
            if entries.is_empty() || escalates {
                cx.push(
                    Diagnostic::error(&ONE_OF, at, "exactly one action is needed").suggest("", WORDS.iter().copied()),
                );
            }
            return None;
        };
        let verdict = match &*entry.key.text {
            "retry" => {
                let retry = Retry::from_node(&entry.node, cx)?;
                if retry.attempts.is_none() && retry.length.is_none() {
                    cx.push(
                        Diagnostic::error(&BAD_FORM, retry.at, "a retry without a bound")
                            .help("give `attempts: 5` or `for: 10m`"),
                    );
                    return None;
                }
                Verdict::Retry(retry)
            }
            "stop" => Verdict::Stop(Some(Text::from_node(&entry.node, cx)?)),
            "skip" => Verdict::Skip(Some(Text::from_node(&entry.node, cx)?)),
            "fail" => Verdict::Fail(Some(Text::from_node(&entry.node, cx)?)),
            _ => {
                let who = Word::from_node(&entry.node, cx);
                let say = crate::base::shape::field::<Text>(node, "say", &["escalate", "say"], "an escalation", cx);
                Verdict::Escalate(who?, say?)
            }
        };
        let fix = match node.get("fix") {
            Some(_) if !matches!(verdict, Verdict::Retry(_)) => {
                cx.push(
                    Diagnostic::error(&ONE_OF, at, "`fix` is followed by a retry")
                        .help("write `then: { fix: STEP, retry: { attempts: 1 } }`"),
                );
                return None;
            }
            Some(fix) => Some(Word::from_node(fix, cx)?),
            None => None,
        };
        Some(Then { verdict, fix, at })
    }
}

impl schemars::JsonSchema for Then {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Then".into()
    }
    fn json_schema(generator: &mut schemars::SchemaGenerator) -> schemars::Schema {
        let retry = generator.subschema_for::<Retry>();
        let text = |what: &str| serde_json::json!({ "type": "string", "description": what });
        schemars::json_schema!({
            "description": "What to do about a failed call.",
            "anyOf": [
                { "type": "object", "additionalProperties": false,
                  "properties": {
                    "fix": text("A step with `repair: true` that is done first, once, before it is tried again."),
                    "retry": retry,
                    "stop": text("End the item here, with this text."),
                    "skip": text("Leave the item alone, with this text."),
                    "fail": text("The item failed, with this text."),
                    "escalate": text("Who has to look at it: a name under `people` in the project file."),
                    "say": text("What the person under `escalate` is told.") },
                  "oneOf": [{ "required": ["retry"] }, { "required": ["stop"] }, { "required": ["skip"] }, { "required": ["fail"] }, { "required": ["escalate", "say"] }] },
                { "enum": ["stop", "skip", "fail", "accept"] }
            ]
        })
    }
}
