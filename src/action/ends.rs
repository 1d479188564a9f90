//! The ends of a check: what happens when a step does not find what it needs.

use crate::{
    base::{
        diagnostic::Diagnostic,
        shape::{FromNode, Lowering, ONE_OF, UNKNOWN_KEY, UNKNOWN_WORD, Word},
        yaml::Node,
    },
    template::Text,
};

/// Where a failed check leads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Way {
    /// The item ends here; nothing more is done. The default.
    Stop,
    /// The item is left alone.
    Skip,
    /// All is already as wanted.
    Done,
    /// Shown at approval; the item goes on.
    Warn,
    /// The item failed.
    Fail,
    /// Somebody has to look at it.
    Escalate,
}

impl Way {
    /// The key in the playbook.
    pub fn word(self) -> &'static str {
        match self {
            Way::Stop => "stop",
            Way::Skip => "skip",
            Way::Done => "done",
            Way::Warn => "warn",
            Way::Fail => "fail",
            Way::Escalate => "escalate",
        }
    }

    /// The way of a key.
    pub fn of(word: &str) -> Option<Way> {
        WAYS.iter().find(|(known, _)| *known == word).map(|(_, way)| *way)
    }
}

/// What happens when a step does not find what it needs.
#[derive(Clone, Debug)]
pub struct Otherwise {
    /// Where it leads.
    pub way: Way,
    /// What to say.
    pub say: Option<Text>,
    /// Who has to look at it.
    pub who: Option<Word>,
    /// Personal values that this person needs to see: `trainee.date_of_birth`.
    pub reveal: Vec<Word>,
}

const WAYS: &[(&str, Way)] = &[
    ("stop", Way::Stop),
    ("skip", Way::Skip),
    ("done", Way::Done),
    ("warn", Way::Warn),
    ("fail", Way::Fail),
    ("escalate", Way::Escalate),
];

const ESCALATION: &[&str] = &["escalate", "say", "reveal"];

impl FromNode for Otherwise {
    fn from_node(node: &Node, cx: &mut Lowering<'_>) -> Option<Self> {
        let Node::Map(entries, at) = node else {
            return match node {
                Node::Scalar(s) if matches!(&*s.text, "stop" | "skip" | "fail") => {
                    let way = WAYS.iter().find(|(w, _)| *w == &*s.text).map_or(Way::Stop, |(_, w)| *w);
                    Some(Otherwise { way, say: None, who: None, reveal: Vec::new() })
                }
                // Surely not a text to stop with.
                Node::Scalar(s) if matches!(&*s.text, "done" | "warn" | "escalate") => {
                    let help = match &*s.text {
                        "escalate" => "write `otherwise: { escalate: NAME, say: \"…\" }`".to_owned(),
                        word => format!("write `otherwise: {{ {word}: \"…\" }}`"),
                    };
                    let message = format!("`{}` needs the text that is said then", s.text);
                    cx.push(Diagnostic::error(&UNKNOWN_WORD, s.span, message).help(help));
                    None
                }
                Node::Scalar(_) => Text::from_node(node, cx).map(|say| Otherwise {
                    way: Way::Stop,
                    say: Some(say),
                    who: None,
                    reveal: Vec::new(),
                }),
                _ => cx.wrong_type(node, "a text or a map such as `{ skip: text }`"),
            };
        };
        let ways: Vec<_> = entries
            .iter()
            .filter_map(|e| WAYS.iter().find(|(w, _)| *w == &*e.key.text).map(|(_, way)| (e, *way)))
            .collect();
        let [(entry, way)] = ways.as_slice() else {
            let words: Vec<_> = WAYS.iter().map(|(w, _)| *w).collect();
            match entries.iter().find(|e| !words.contains(&&*e.key.text)) {
                Some(odd) if ways.is_empty() => {
                    let problem =
                        Diagnostic::error(&UNKNOWN_KEY, odd.key.span, format!("`{}` is not a way out", odd.key.text));
                    cx.push(problem.suggest(&odd.key.text, words.iter().copied()));
                }
                _ => {
                    let problem = Diagnostic::error(
                        &ONE_OF,
                        ways.get(1).map_or(*at, |(e, _)| e.key.span),
                        "exactly one way out is needed",
                    );
                    cx.push(problem.suggest("", words.iter().copied()));
                }
            }
            return None;
        };
        let escalates = *way == Way::Escalate;
        let known: &[&str] = if escalates { ESCALATION } else { &["stop", "skip", "done", "warn", "fail"] };
        cx.unknown_keys(node, known, if escalates { "an escalation" } else { "this way out" });
        if !escalates {
            let say = Text::from_node(&entry.node, cx)?;
            return Some(Otherwise { way: *way, say: Some(say), who: None, reveal: Vec::new() });
        }
        let who = Word::from_node(&entry.node, cx);
        let say = crate::base::shape::field::<Text>(node, "say", ESCALATION, "an escalation", cx);
        let reveal = crate::base::shape::field::<Vec<Word>>(node, "reveal", ESCALATION, "an escalation", cx);
        Some(Otherwise { way: *way, say: Some(say?), who: Some(who?), reveal: reveal? })
    }
}

impl schemars::JsonSchema for Otherwise {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Otherwise".into()
    }
    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        let text = |what: &str| serde_json::json!({ "type": "string", "description": what });
        // The map first: an editor complains about the first alternative when none fits, and a misspelt key is the likelier slip.
        schemars::json_schema!({
            "description": "What happens when the step does not find what it needs: a text (stop), or one way out.",
            "anyOf": [
                { "type": "object", "additionalProperties": false,
                  "properties": {
                    "stop": text("End the item here, with this text. Nothing more is done."),
                    "skip": text("Leave this item alone, with this text."),
                    "done": text("All is already as wanted, with this text."),
                    "warn": text("Go on, and show this text at approval."),
                    "fail": text("The item failed, with this text."),
                    "escalate": text("Who has to look at it: a name under `people` in the project file."),
                    "say": text("What the person under `escalate` is told."),
                    "reveal": { "type": "array", "items": { "type": "string" }, "description": "Personal values that this person needs to see: `trainee.date_of_birth`." } },
                  "oneOf": [{ "required": ["stop"] }, { "required": ["skip"] }, { "required": ["done"] }, { "required": ["warn"] }, { "required": ["fail"] }, { "required": ["escalate", "say"] }] },
                { "type": "string", "description": "Stop with this text." }
            ]
        })
    }
}
