//! One item of a plan: its steps and where they lead.

pub use crate::check::Section;
use crate::{
    action::ends::Way,
    base::{source::Span, value::Value},
    effect::{change::RowChange, compared::Comparison, job::JobChange, label::Label, left::LeftAlone},
    template::Path,
};
use std::sync::Arc;

/// What would happen to one item.
#[derive(Clone, Debug)]
pub struct ItemPlan {
    /// Its key; `-` for a playbook without targets.
    pub key: Arc<str>,
    /// Its steps, in order; those behind an end are not there.
    pub steps: Vec<StepPlan>,
    /// Where it ends before its last step, if it does.
    pub stop: Option<Stop>,
    /// What was read and what expressions looked at of it: the facts that the plan rests on.
    pub rests_on: Vec<(Path, Value)>,
    /// `item`, as the steps see it: the source is not read again. Nothing for a playbook without targets.
    pub item: Option<Value>,
    /// The subject whose items come one after the other.
    pub lane: Option<Arc<str>>,
}

impl ItemPlan {
    /// Some step of it would change something.
    pub fn acts(&self) -> bool {
        self.steps.iter().any(|step| step.foreseen.acts())
    }

    /// The end before its last step that keeps it from being carried out. What stands before `done` or `skip` is carried out, and the item is over then.
    pub fn ends_early(&self) -> Option<&Stop> {
        self.stop.as_ref().filter(|stop| !(stop.is_calm() && self.acts()))
    }
}

impl Stop {
    /// Nobody has to look at it.
    pub fn is_calm(&self) -> bool {
        matches!(self.way, Way::Skip | Way::Done)
    }
}

impl StepPlan {
    /// It was tried out with its values, and all that was seen stands here.
    pub fn tells_what_goes_along(&self) -> bool {
        self.label == Label::Exact && self.undo.is_some()
    }
}

/// An end before the last step.
#[derive(Clone, Debug)]
pub struct Stop {
    /// Where it leads.
    pub way: Way,
    /// What is said.
    pub message: String,
    /// Who has to look at it.
    pub who: Option<Arc<str>>,
    /// The step that led here.
    pub step: Arc<str>,
    /// Its place in the playbook.
    pub at: Span,
    /// Expected and found, for the drawing under the source line.
    pub seen: Vec<(String, String)>,
}

/// What a step would do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Foreseen {
    /// It reads or looks at values, and goes on.
    Passes,
    /// It changes something.
    Changes,
    /// All is already as wanted.
    Unchanged,
    /// It sends a request that changes something.
    Sends,
    /// It asks a person.
    Asks,
    /// It tells a person.
    Tells,
    /// Its `when` does not hold.
    Skipped,
    /// Only apply will show whether it runs.
    Undecided,
    /// It goes on with a warning.
    Warns,
    /// The item ends here.
    Ends,
}

impl Foreseen {
    /// Every one, with its word.
    const WORDS: [(Foreseen, &'static str); 10] = [
        (Foreseen::Passes, "passes"),
        (Foreseen::Changes, "changes"),
        (Foreseen::Unchanged, "unchanged"),
        (Foreseen::Sends, "sends"),
        (Foreseen::Asks, "asks"),
        (Foreseen::Tells, "tells"),
        (Foreseen::Skipped, "skipped"),
        (Foreseen::Undecided, "undecided"),
        (Foreseen::Warns, "warns"),
        (Foreseen::Ends, "ends"),
    ];

    /// What surely does something.
    pub(super) const SURE: [Foreseen; 4] = [Foreseen::Changes, Foreseen::Sends, Foreseen::Asks, Foreseen::Tells];

    /// As documents and plan files say it.
    pub fn word(self) -> &'static str {
        Foreseen::WORDS.iter().find(|(known, _)| *known == self).map_or("", |(_, word)| word)
    }

    /// Back from the word.
    pub fn of(word: &str) -> Option<Foreseen> {
        Foreseen::WORDS.iter().find(|(_, known)| *known == word).map(|(foreseen, _)| *foreseen)
    }

    /// Something of the world would change, or a person be asked.
    pub fn acts(self) -> bool {
        matches!(self, Foreseen::Changes | Foreseen::Sends | Foreseen::Asks | Foreseen::Undecided)
    }
}

/// The action of a decision table.
pub(super) const CHOOSE: &str = "choose";

impl StepPlan {
    /// The last part of its path.
    pub fn name(&self) -> &str {
        self.path.rsplit('/').next().unwrap_or(&self.path)
    }

    /// Its `when` does not hold, for all that is known.
    pub fn is_left_out(&self) -> bool {
        self.foreseen == Foreseen::Skipped && self.label == Label::Exact
    }

    /// It surely writes, sends, asks or tells, even where what exactly is only known at apply.
    pub fn surely_acts(&self) -> bool {
        Foreseen::SURE.contains(&self.foreseen)
    }

    /// Of a decision table: the row that decides and the arm that it leads to.
    pub fn way(&self) -> Option<&str> {
        let decides = self.kind == CHOOSE && self.label == Label::Read;
        self.effects.iter().filter(|_| decides).find_map(|effect| match effect {
            Effect::Answer { summary } => Some(summary.as_str()),
            _ => None,
        })
    }
}

/// How a step is taken back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reversal {
    /// By the images of its rows.
    Automatic,
    /// By writing the old fields of a resource.
    SameWay,
    /// By the step under its `undo`: the word of that step's action.
    ByStep(Arc<str>),
    /// By the images of its rows, with the others of its transaction; where there are none, by the step under its `undo`: that action's word.
    ImagesOrStep(Arc<str>),
    /// By the text of the job, while nobody has taken it.
    ByText,
    /// There is nothing to take back, and why.
    NotNeeded(Option<String>),
    /// Not at all, and why.
    Irreversible(Option<String>),
}

impl Reversal {
    /// `automatic`, `same_way`, `by_step`, `images_or_step`, `by_text`, `not_needed`, `irreversible`.
    pub fn word(&self) -> &'static str {
        match self {
            Reversal::Automatic => "automatic",
            Reversal::SameWay => "same_way",
            Reversal::ByStep(_) => "by_step",
            Reversal::ImagesOrStep(_) => "images_or_step",
            Reversal::ByText => "by_text",
            Reversal::NotNeeded(_) => "not_needed",
            Reversal::Irreversible(_) => "irreversible",
        }
    }

    /// As a plan says it: `by the row images`, `cannot be taken back: the letter has left the house`.
    pub fn words(&self) -> String {
        let because = |why: &Option<String>| why.as_ref().map_or(String::new(), |why| format!(": {why}"));
        match self {
            Reversal::Automatic => "by the row images".into(),
            Reversal::SameWay => "by writing the old fields".into(),
            Reversal::ByText => "the jobs go back where they were, unless a worker took them".into(),
            Reversal::ByStep(action) => format!("by its `undo` ({action})"),
            Reversal::ImagesOrStep(action) => {
                format!("by the images of its rows; where there are none, by its `undo` ({action})")
            }
            Reversal::NotNeeded(why) => format!("nothing to take back{}", because(why)),
            Reversal::Irreversible(why) => format!("cannot be taken back{}", because(why)),
        }
    }
}

/// One step of a plan.
#[derive(Clone, Debug)]
pub struct StepPlan {
    /// Which list.
    pub section: Section,
    /// Its path: `steps/clear_award`, `steps/change/route`.
    pub path: Arc<str>,
    /// Its action's word.
    pub kind: &'static str,
    /// A heading.
    pub title: Option<String>,
    /// How far this can be trusted.
    pub label: Label,
    /// What it would do.
    pub foreseen: Foreseen,
    /// The effects themselves.
    pub effects: Vec<Effect>,
    /// One-line remarks: `already as wanted`, `only if …`, hooks of the application.
    pub notes: Vec<String>,
    /// How it is taken back; nothing where nothing is changed.
    pub undo: Option<Reversal>,
    /// Its place in the playbook.
    pub at: Span,
}

/// One effect, as previewed.
#[derive(Clone, Debug)]
pub enum Effect {
    /// Rows of a database.
    Rows {
        /// Each row with its images; those by rule (audit rows) behind the author's.
        changes: Vec<RowChange>,
        /// Tables that triggers or cascades touched besides.
        also: Vec<Also>,
    },
    /// Two records, compared field by field.
    Compared(Comparison),
    /// Rows that an undo leaves as they are.
    LeftAlone {
        /// Each with its three versions.
        rows: Vec<LeftAlone>,
    },
    /// Background jobs, rendered and not changed.
    Jobs {
        /// Each of them.
        jobs: Vec<JobChange>,
    },
    /// A request, rendered and not sent; or an answer to a read, as of now.
    Request {
        /// `PATCH https://…`, masked.
        line: String,
        /// Headers, masked.
        headers: Vec<(String, String)>,
        /// The body as JSON text, masked.
        body: Option<String>,
        /// All of it, with what may not be shown: what apply compares with what it would send.
        sent: Option<Value>,
    },
    /// What a read found, in one line.
    Answer {
        /// `1 row`, `200 OK`, masked.
        summary: String,
    },
    /// A question to a person.
    Question {
        /// Who.
        who: Arc<str>,
        /// What.
        text: String,
        /// Names and types of the answer.
        answer: Vec<(String, String)>,
    },
    /// A message to a person.
    Message {
        /// Who.
        who: Arc<str>,
        /// What.
        text: String,
    },
    /// What a `rescue` would do if one of these steps failed; it is not done unless one does.
    IfFails {
        /// Their names.
        at: Vec<String>,
        /// The steps of the rescue, as the world would be then.
        steps: Vec<StepPlan>,
    },
}

/// A table that changed without being named by the step.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Also {
    /// `connection.table`.
    pub table: String,
    /// Rows inserted, updated, deleted; zero where the database does not tell them apart.
    pub inserted: u64,
    /// Updated.
    pub updated: u64,
    /// Deleted.
    pub deleted: u64,
}
