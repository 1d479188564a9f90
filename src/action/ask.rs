//! `ask`: a question to a person; the run waits, durably.

use crate::{
    base::shape::{Length, Named, Word},
    shape,
    template::Text,
};

shape! {
    /// Asks a person. The run waits, durably, until `trueup answer` gives the answer, which becomes the step's result.
    "ask" pub struct AskSpec {
        /// Who is asked: a name under `people`.
        who: Word,
        /// The question.
        question: Text,
        /// What the answer consists of: names and types.
        #[schemars(default)]
        answer: Named<AnswerField>,
        /// The APIs and databases that the person may change before answering; what a dry-run reads there afterwards is
        /// unknown. Default: every API.
        affects: Option<Vec<Word>>,
        /// How long the answer may take: `3d`. After that it is refused, and the step's `otherwise` applies when the run goes
        /// on.
        within: Option<Length>,
        /// How often the person is reminded, counted from the question, as long as an answer is in time: `1d`. Each reminder
        /// is sent at most once, by `trueup inbox --remind` or whatever else looks at the run next.
        remind: Option<Length>,
        /// What the answer should rest on, shown with the question: names and texts.
        #[schemars(default)]
        evidence: Named<Text>,
        /// Personal values that this person gets to see in the message: `trainee.date_of_birth`. They are hidden everywhere
        /// else.
        #[schemars(default)]
        reveal: Vec<Word>,
    }
}

shape! {
    /// One part of an answer.
    "an answer field" pub struct AnswerField {
        /// `string`, `int`, `decimal`, `bool`, `date`, `timestamp`, `uuid` or `email`.
        #[schemars(schema_with = "type_schema")]
        kind as "type": Word,
        /// A pattern that the whole text must match.
        pattern: Option<Word>,
        /// What it means.
        description: Option<Word>,
        /// May be left out.
        optional: Option<bool>,
    }
}

/// The types of an answer.
pub const TYPES: &[&str] = &["string", "int", "decimal", "bool", "date", "timestamp", "uuid", "email"];

fn type_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
    schemars::json_schema!({ "enum": TYPES })
}
