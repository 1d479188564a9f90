//! A step: what all steps have in common, and exactly one action.

use super::{
    ends::Otherwise,
    for_each::ForEach,
    kinds::{Act, KINDS, words},
};
use crate::{
    base::{
        diagnostic::Diagnostic,
        shape::{self, FromNode, Length, Lowering, ONE_OF, Word},
        source::Span,
        suggest,
        yaml::{Entry, Node},
    },
    shape,
    template::{Datum, Expression, Text},
};

shape! {
    /// What any step may say beside its action.
    "a step" pub struct Common {
        /// Name of the step and of its result.
        id: Option<Word>,
        /// A heading for plans and reports.
        title: Option<Text>,
        /// Do this only if the expression is true; otherwise the result is `skipped`.
        when: Option<Expression>,
        /// Do this once for each element of a list, with a bound: `{ in: "{{ rows }}", as: row, at_most: 50 }`.
        for_each: Option<Box<ForEach>>,
        /// In `verification`: how long to wait for it.
        within: Option<Length>,
        /// In `verification`: how often to look.
        every: Option<Length>,
        /// In `verification`: the expression that must become true.
        is: Option<Expression>,
        /// What happens when the step does not find what it needs: a text (stop), or `{ stop }`, `{ skip }`, `{ done }`,
        /// `{ warn }`, `{ fail }`, `{ escalate, say }`.
        otherwise: Option<Otherwise>,
        /// How the change is taken back: `automatic` (by the images of its rows), `none_needed` with `because:`, or a step.
        undo: Option<Undo>,
        /// The reason for something unusual in this step.
        because: Option<Text>,
        /// The change cannot be taken back, and why.
        irreversible: Option<Text>,
        /// How to find out whether the change happened when its answer was lost.
        probe: Option<Probe>,
        /// Sending the same bytes twice does the same as once, and why.
        repeatable: Option<Text>,
        /// An answer to preview with, for a call that a dry-run does not send; what rests on it is labelled.
        example: Option<Datum>,
        /// Only done when a row of `errors` asks for it (`then: { fix: … }`), before the call is tried again; at most once for an item.
        repair: Option<bool>,
    }
}

/// One step of a playbook.
#[derive(Clone, Debug)]
pub struct Step {
    /// What all steps have.
    pub common: Common,
    /// What it does.
    pub act: Act,
    /// The place of the action's key.
    pub act_at: Span,
}

impl Step {
    /// Its name, if it has one.
    pub fn id(&self) -> Option<&str> {
        self.common.id.as_ref().map(Word::as_str)
    }

    /// Name, or the action's word with the place in its list: for messages and paths.
    pub fn label(&self, index: usize) -> String {
        self.id().map_or_else(|| format!("{}-{}", self.act.word(), index + 1), str::to_owned)
    }

    /// The steps inside a block, in order; neither its `rescue` nor its `always`.
    pub fn inner(&self) -> &[Step] {
        match &self.act {
            Act::Block(block) => &block.steps,
            _ => &[],
        }
    }

    /// All lists of steps inside, each with the part of its path: nothing for a block's own steps, `block.rescue`,
    /// `block.always`, `paths.ARM`.
    pub fn parts(&self) -> Vec<(Option<String>, &[Step])> {
        match &self.act {
            Act::Block(block) => {
                let ends = [(RESCUE, &block.rescue), (ALWAYS, &block.always)];
                let ends = ends.into_iter().filter(|(_, steps)| !steps.is_empty());
                [(None, block.steps.as_slice())]
                    .into_iter()
                    .chain(ends.map(|(word, steps)| (Some(word.to_owned()), steps.as_slice())))
                    .collect()
            }
            Act::Choose(choose) => {
                let arms = choose.paths.iter();
                arms.map(|(name, steps)| (Some(format!("{ARM}{name}")), steps.as_slice())).collect()
            }
            _ => Vec::new(),
        }
    }

    /// This step and all steps inside, at any depth.
    pub fn each<'s>(&'s self, look: &mut dyn FnMut(&'s Step)) {
        look(self);
        self.parts().into_iter().for_each(|(_, steps)| steps.iter().for_each(|step| step.each(look)));
    }
}

/// The keys of a step in the order in which `trueup fmt` writes them: what it is called and when it is done, its action, and
/// the rest. The order in which [`Common`] declares them, with the actions behind `for_each`.
pub fn order() -> Vec<&'static str> {
    let behind = Common::KEYS.iter().position(|key| *key == "for_each").map_or(0, |at| at + 1);
    let (before, after) = Common::KEYS.split_at(behind);
    let actions = words().into_iter().filter(|word| !Common::KEYS.contains(word));
    before.iter().copied().chain(actions).chain(after.iter().copied()).collect()
}

/// Between the path of a block and those of the steps in its `rescue`: no step can be called so.
pub const RESCUE: &str = "block.rescue";
/// The same for its `always`.
pub const ALWAYS: &str = "block.always";
/// Before the name of an arm of `choose`.
pub const ARM: &str = "paths.";

fn kind_summary(word: &str) -> &'static str {
    KINDS.iter().find(|kind| kind.word == word).map_or("", |kind| kind.summary.trim())
}

/// The entry is the step's action. `undo:` with a list takes steps back, any other is how this one is taken back.
fn is_action(entry: &Entry, words: &[&str]) -> bool {
    words.contains(&&*entry.key.text) && (&*entry.key.text != "undo" || matches!(entry.node, Node::List(..)))
}

impl FromNode for Step {
    fn from_node(node: &Node, cx: &mut Lowering<'_>) -> Option<Self> {
        let Node::Map(entries, at) = node else { return cx.wrong_type(node, "a step, which is a map") };
        let words = words();
        let (acts, common): (Vec<_>, Vec<_>) = entries.iter().cloned().partition(|e| is_action(e, &words));
        let common_node = Node::Map(common, *at);
        let known: Vec<&str> = Common::KEYS.iter().copied().chain(words.iter().copied()).collect();
        let unknown = common_keys_only(&common_node, &known, cx);
        let common = Common::from_node(&unknown.0, cx);
        match acts.as_slice() {
            [entry] => {
                let act = Act::read(&entry.key.text, &entry.node, cx);
                Some(Step { common: common?, act: act?, act_at: entry.key.span })
            }
            [] => {
                // A misspelt action was already reported as an unknown key.
                if !unknown.1 {
                    let message = "a step needs exactly one action";
                    cx.push(
                        Diagnostic::error(&ONE_OF, *at, message).help(format!("add one of {}", suggest::list(&words))),
                    );
                }
                None
            }
            [first, second, ..] => {
                let message = format!(
                    "a step has exactly one action, but here are `{}` and `{}`",
                    first.key.text, second.key.text
                );
                cx.push(
                    Diagnostic::error(&ONE_OF, second.key.span, message)
                        .label(first.key.span, "the first one")
                        .help("make two steps of it"),
                );
                None
            }
        }
    }
}

/// Reports keys that are neither common nor an action, and drops them, so that each is reported once.
fn common_keys_only(node: &Node, known: &[&str], cx: &mut Lowering<'_>) -> (Node, bool) {
    let Node::Map(entries, at) = node else { return (node.clone(), false) };
    cx.unknown_keys(node, known, "a step");
    let kept: Vec<_> = entries.iter().filter(|e| Common::KEYS.contains(&&*e.key.text)).cloned().collect();
    let dropped = kept.len() < entries.len();
    (Node::Map(kept, *at), dropped)
}

impl schemars::JsonSchema for Step {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Step".into()
    }

    fn json_schema(generator: &mut schemars::SchemaGenerator) -> schemars::Schema {
        let mut schema = Common::json_schema(generator);
        // `undo:` with a list is an action of its own; beside another action it says how that one is taken back.
        let required = |word: &str| match word {
            "undo" => serde_json::json!({ "required": [word], "properties": { word: { "type": "array" } } }),
            _ => serde_json::json!({ "required": [word] }),
        };
        let one_of: Vec<_> = KINDS.iter().map(|k| required(k.word)).collect();
        let mut kinds = Vec::new();
        for kind in KINDS {
            let mut inner = (kind.schema)(generator);
            // A `$ref` beside a description is fine in 2020-12 and gives editors the one-line summary.
            inner.insert("description".into(), kind.summary.trim().into());
            kinds.push((kind.word, inner));
        }
        if let Some(serde_json::Value::Object(properties)) = schema.get_mut("properties") {
            for (word, inner) in kinds {
                let inner: serde_json::Value = inner.into();
                let both = match properties.remove(word) {
                    Some(common) => {
                        let about = common.get("description").and_then(|about| about.as_str()).unwrap_or_default();
                        let about = format!("{about} With a list it is an action of its own: {}", kind_summary(word));
                        serde_json::json!({ "description": about, "anyOf": [common, inner] })
                    }
                    None => inner,
                };
                properties.insert(word.into(), both);
            }
        }
        schema.insert("oneOf".into(), one_of.into());
        schema.insert("description".into(), "A step: what all steps have in common, and exactly one action.".into());
        schema
    }
}

/// How a write is taken back.
#[derive(Clone, Debug)]
pub enum Undo {
    /// By the row images: what `row` and `rows` do by themselves, and a `sql` statement of one declared table when it says so.
    Automatic(Span),
    /// Nothing to take back; the step says why in `because`.
    NoneNeeded(Span),
    /// By a step of its own.
    Step(Box<Step>),
}

impl FromNode for Undo {
    fn from_node(node: &Node, cx: &mut Lowering<'_>) -> Option<Self> {
        match node {
            Node::Map(..) => Step::from_node(node, cx).map(|s| Undo::Step(Box::new(s))),
            Node::Scalar(s) if &*s.text == "automatic" => Some(Undo::Automatic(s.span)),
            Node::Scalar(s) if &*s.text == "none_needed" => Some(Undo::NoneNeeded(s.span)),
            Node::Scalar(s) => {
                cx.push(
                    Diagnostic::error(
                        &shape::UNKNOWN_WORD,
                        s.span,
                        format!("`{}` is not a way to take a change back", s.text),
                    )
                    .suggest(&s.text, ["automatic", "none_needed"])
                    .help("or give a step: `undo: { http: { … } }`"),
                );
                None
            }
            _ => cx.wrong_type(node, "`automatic`, `none_needed` or a step"),
        }
    }
}
impl schemars::JsonSchema for Undo {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Undo".into()
    }
    fn json_schema(generator: &mut schemars::SchemaGenerator) -> schemars::Schema {
        let step = generator.subschema_for::<Step>();
        schemars::json_schema!({ "anyOf": [{ "enum": ["automatic", "none_needed"] }, step] })
    }
}

shape! {
    /// How to find out whether a change happened when its answer was lost. A step of which it says so has no result: its name stands for null, also
    /// in a run that goes on later.
    "a probe" pub struct Probe {
        /// The question to ask: a step that reads.
        read: Box<Step>,
        /// True when the change happened; the answer is `self`.
        done: Expression,
        /// True when it certainly did not. Without it, an answer that is not "done" proves nothing.
        not_done: Option<Expression>,
        /// How long the other side may still be at work on a request that seemed lost, counted from when it was sent; before that `not_done` is
        /// not believed. Default: 30s from when its answer was lost, and never before the time is over that the call itself may take. `sql` needs
        /// none: the session that ran it is waited for.
        settle: Option<Length>,
    }
}
