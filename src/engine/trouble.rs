//! Why a step did not go through, with what a person needs to know about it.

use crate::{
    action::{ends::Way, resolve},
    base::{
        cover::Cover,
        source::{Source, Span},
        value::Value,
    },
    connection::fault::Fault,
    template::Failure,
};
use std::sync::Arc;

/// A step that did not go through.
#[derive(Clone, Debug)]
pub enum Trouble {
    /// It did not find what it needs: its `otherwise` decides.
    Missed(Missed),
    /// An expression failed, or the parts of the step do not fit together.
    Step {
        /// What, as a sentence without a full stop.
        message: String,
        /// Where in the playbook.
        at: Span,
        /// What to do.
        help: Vec<String>,
    },
    /// A database refused or failed.
    Database {
        /// The connection.
        connection: Arc<str>,
        /// What.
        fault: Fault,
        /// The place in the playbook, as near as it is known.
        at: Option<Span>,
    },
    /// A call did not give a good answer: the `errors` table decides, then `otherwise`.
    Call(Box<CallTrouble>),
    /// The world is no longer as planned.
    Drifted(Vec<Difference>),
}

/// An expectation that was not met.
#[derive(Clone, Debug)]
pub struct Missed {
    /// What was expected and found, as a sentence without a full stop.
    pub message: String,
    /// What was looked at: name and value, masked.
    pub seen: Vec<(String, String)>,
    /// Where in the playbook.
    pub at: Span,
}

/// A call without a good answer.
#[derive(Clone, Debug)]
pub struct CallTrouble {
    /// The connection.
    pub api: Arc<str>,
    /// The how-manieth attempt it was, from 1.
    pub attempt: u32,
    /// `GET /v2/teachers/1234567`, masked.
    pub line: String,
    /// The answer, if one came.
    pub status: Option<u16>,
    /// The API's own code, as text.
    pub code: Option<String>,
    /// What kind of failure.
    pub kind: crate::playbook::errors::FailureKind,
    /// Bytes may have left and no answer tells what became of them.
    pub in_doubt: bool,
    /// It is over, and may have been carried out all the same: nobody has to find out, because twice is the same as once.
    pub perhaps: bool,
    /// What, as a sentence without a full stop.
    pub message: String,
    /// The answer's own pause before the next attempt.
    pub retry_after: Option<std::time::Duration>,
    /// What the service itself says: its answer's body as a text, with what is personal in the request hidden, and cut where it is long.
    pub said: Option<String>,
    /// The answer's body, for messages: `error.body`.
    pub answer: Option<crate::base::value::Value>,
}

/// One thing that is no longer as planned.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Difference {
    /// `register.trainees id 1`, or the path of a fact.
    pub subject: String,
    /// The column; empty for a whole row or fact.
    pub column: String,
    /// As planned, masked.
    pub planned: String,
    /// As found, masked.
    pub found: String,
}

/// What is found of a step of which the plan shows nothing.
pub const REACHED: &str = "reached";

impl Difference {
    /// A step was reached of which the plan shows nothing: whatever it would do is in no preview.
    pub fn is_unseen(&self) -> bool {
        self.column.is_empty() && self.found == REACHED && self.subject.starts_with("the step `")
    }

    /// As the journal keeps it.
    pub fn store(&self) -> Value {
        let parts = [&self.subject, &self.column, &self.planned, &self.found];
        Value::list(parts.into_iter().map(|part| Value::text(part.as_str())))
    }

    /// Back from what [`Difference::store`] gave.
    pub fn load(stored: &Value) -> Option<Difference> {
        let text = |v: &Value| v.plain().into_owned();
        match stored.as_list()? {
            [subject, column, planned, found] => Some(Difference {
                subject: text(subject),
                column: text(column),
                planned: text(planned),
                found: text(found),
            }),
            _ => None,
        }
    }
}

/// Where a run of an item ends because of a step.
#[derive(Clone, Debug)]
pub struct Ending {
    /// Where it leads.
    pub way: Way,
    /// What is said.
    pub message: String,
    /// Who has to look at it.
    pub who: Option<Arc<str>>,
    /// The same with the personal values that this person needs; for their eyes, never stored.
    pub told: Option<String>,
    /// What was looked at.
    pub seen: Vec<(String, String)>,
    /// Where in the playbook.
    pub at: Span,
}

impl Ending {
    /// A verification that does not hold is a failure, not a stop: the change stands and is not confirmed.
    pub fn in_section(mut self, section: crate::plan::Section) -> Ending {
        if section == crate::plan::Section::Verification && self.way == Way::Stop {
            self.way = Way::Fail;
            self.message = format!("Verification failed: {}", self.message);
        }
        self
    }
}

impl Trouble {
    /// From resolving a step.
    pub fn of_resolving(trouble: resolve::Trouble, source: &Source) -> Trouble {
        match trouble {
            resolve::Trouble::Expression(failure) => Trouble::of_expression(&failure, source),
            resolve::Trouble::Misfit { message, at } => Trouble::Step { message, at, help: Vec::new() },
        }
    }

    /// From an expression.
    pub fn of_expression(failure: &Failure, source: &Source) -> Trouble {
        Trouble::Step { message: failure.message.clone(), at: failure.span(source), help: failure.help.clone() }
    }

    /// From a database.
    pub fn of_database(connection: &str, fault: Fault) -> Trouble {
        Trouble::Database { connection: connection.into(), fault, at: None }
    }

    /// One sentence.
    pub fn message(&self) -> String {
        match self {
            Trouble::Missed(missed) => missed.message.clone(),
            Trouble::Step { message, .. } => message.clone(),
            Trouble::Database { connection, fault, .. } => format!("`{connection}`: {fault}"),
            Trouble::Call(call) => call.message.clone(),
            Trouble::Drifted(differences) => {
                let parts: Vec<_> = differences
                    .iter()
                    .map(|d| {
                        let column = if d.column.is_empty() { String::new() } else { format!(".{}", d.column) };
                        format!("{}{column}: planned {}, found {}", d.subject, d.planned, d.found)
                    })
                    .collect();
                format!("no longer as planned: {}", parts.join("; "))
            }
        }
    }

    /// A database's own words may repeat what is hidden in what it was given, and in the row that it refuses: that is hidden there too.
    /// `hidden` says what that is; nobody asks where nothing failed.
    pub fn covered(self, hidden: impl FnOnce(&mut Cover)) -> Trouble {
        match self {
            Trouble::Database { connection, fault, at } => {
                let mut cover = Cover::default();
                hidden(&mut cover);
                Trouble::Database { connection, fault: fault.covered(&cover), at }
            }
            other => other,
        }
    }

    /// What to do about it.
    pub fn help(&self) -> Vec<String> {
        match self {
            Trouble::Step { help, .. } => help.clone(),
            Trouble::Database { fault, .. } => Some(fault.help()).filter(|h| !h.is_empty()).into_iter().collect(),
            Trouble::Drifted(_) => vec!["look at what changed, and plan again".into()],
            Trouble::Missed(_) | Trouble::Call(_) => Vec::new(),
        }
    }

    /// The place in the playbook, where it is known.
    pub fn at(&self) -> Option<Span> {
        match self {
            Trouble::Missed(missed) => Some(missed.at),
            Trouble::Step { at, .. } => Some(*at),
            Trouble::Database { at, .. } => *at,
            Trouble::Call(_) | Trouble::Drifted(_) => None,
        }
    }

    /// Proof is missing that nothing happened.
    pub fn in_doubt(&self) -> bool {
        match self {
            Trouble::Call(call) => call.in_doubt,
            Trouble::Database { fault, .. } => fault.kind == crate::connection::fault::FaultKind::InDoubt,
            _ => false,
        }
    }
}

/// The code under which a step's trouble is drawn below its line in the playbook.
pub static AT_RUN_TIME: crate::base::diagnostic::Code = crate::base::diagnostic::Code {
    id: "E0911",
    title: "a step did not go through",
    explain: "The playbook is sound, but this step could not be carried out with the values and systems of this run. The caret \
        stands at the part of the step that asked for it; nothing was changed by a step that failed.",
};
