//! The test file as typed parts: where a case starts, what happens meanwhile, what is expected. Shapes only.

use super::expect::Expect;
use crate::{
    base::{
        diagnostic::{Diagnostic, Diagnostics},
        shape::{BAD_FORM, FromNode, Length, Lowering, Named, Word},
        source::Source,
        time::{self, Stamp},
        value::{Map, Value},
        yaml::{self, Node},
    },
    mock::{
        model::{Route, Trouble},
        worker::{Lying, Work},
    },
    playbook::model::{self, Language},
    shape, words,
};
use std::sync::Arc;

shape! {
    /// Tests of one playbook: each case starts from given rows and API answers, and says what is expected.
    "a test file" pub struct TestFile {
        /// Version of the language: `v1`.
        trueup: Language,
        /// The playbook's name: `register/correct-award`.
        playbook: Word,
        /// `now()` in the playbook, and where the clock of the fake services starts: `2025-07-23T10:00:00Z`.
        clock: Clock,
        /// Folder of the files `tables.<dialect>.sql`, relative to this file. Default: the project file's folder.
        tables: Option<Word>,
        /// In whose name, why and where the playbook runs.
        run: Option<RunSpec>,
        /// Steps of which nobody can find out whether they were done when their answer is lost, each with the reason why a person
        /// is asked then: `send_letter: The printer keeps no list.`
        #[schemars(default)]
        once: Named<Word>,
        /// What every case starts from.
        defaults: Option<Defaults>,
        /// The cases, each on databases of its own.
        cases: Vec<Case>,
    }
}

shape! {
    /// In whose name, why and where the playbook runs.
    "a run" pub struct RunSpec {
        /// Who. Default `tester`.
        actor: Option<Word>,
        /// Why. Default `a test`.
        reason: Option<Word>,
        /// The environment whose `vars` hold. Default: the project file's first one.
        environment: Option<Word>,
    }
}

shape! {
    /// What every case starts from.
    "defaults" pub struct Defaults {
        /// Rows of databases and answers of APIs, by connection.
        #[schemars(default)]
        given: Named<Given>,
        /// Parameters.
        #[schemars(default)]
        params: Named<Value>,
        /// Answers to questions, by the step's name.
        #[schemars(default)]
        answers: Named<Named<Value>>,
        /// Files that parameters may name, with what is in them.
        #[schemars(default)]
        files: Named<Word>,
        /// Background jobs, by connection.
        #[schemars(default)]
        jobs: Named<GivenJobs>,
    }
}

shape! {
    /// Background jobs of a case: a Redis of its own, with what lies there, and a worker that takes jobs whenever the run
    /// waits.
    "background jobs" pub struct GivenJobs {
        /// A job waits so long before it is taken. Default: it is taken at once.
        takes_after: Option<Length>,
        /// Jobs that are there at the start; those of a case take the place of those of the defaults.
        #[schemars(default)]
        start: Vec<Lying>,
        /// What jobs do when the worker takes them; those of a case are looked at before those of the defaults. A job of another
        /// class stays where it is.
        #[schemars(default)]
        does: Vec<Work>,
    }
}

shape! {
    /// One case.
    "a case" pub struct Case {
        /// What it is about, as a sentence.
        name: Word,
        /// Rows and API answers beside the defaults: rows are merged by their key, answers of an API take the place of
        /// those of the defaults.
        #[schemars(default)]
        given: Named<Given>,
        /// Parameters, over those of the defaults.
        #[schemars(default)]
        params: Named<Value>,
        /// Answers to questions, by the step's name. A question without one is not answered: the run waits.
        #[schemars(default)]
        answers: Named<Named<Value>>,
        /// Files that parameters may name, with what is in them: `lines.csv: "id,keep"`. In place of those of the defaults with
        /// the same name.
        #[schemars(default)]
        files: Named<Word>,
        /// Background jobs, by connection.
        #[schemars(default)]
        jobs: Named<GivenJobs>,
        /// What goes wrong with calls of APIs, by connection, whatever answers them otherwise; looked at before the troubles of
        /// the mock's own file.
        #[schemars(default)]
        troubles: Named<Vec<Trouble>>,
        /// What somebody else does meanwhile.
        between: Option<Between>,
        /// What must come of it.
        expect: Expect,
        /// Proofs that the runner makes by itself.
        #[schemars(default)]
        also: Vec<Proof>,
    }
}

shape! {
    /// What somebody else does meanwhile.
    "an interference" pub struct Between {
        /// After the plan was made and before anything is applied.
        plan_and_apply: Option<Meddling>,
        /// After a question was asked and before it is answered.
        ask_and_answer: Option<Meddling>,
    }
}

shape! {
    /// One thing that somebody else does.
    "a meddling" pub struct Meddling {
        /// A statement on a database.
        sql: MeddlingSql,
    }
}

shape! {
    /// A statement that somebody else runs.
    "a statement of somebody else" pub struct MeddlingSql {
        /// The connection's name.
        db: Word,
        /// One INSERT, UPDATE or DELETE, in SQL that every database of the test understands.
        run: Word,
    }
}

words! {
    "a proof"
    pub enum Proof {
        /// Undoing the run brings back every row as it was, audit rows and the time of the last change apart.
        UndoRestores = "undo_restores",
        /// A second run finds everything as wanted and changes nothing.
        ApplyTwiceUnchanged = "apply_twice_unchanged",
        /// A crash at any boundary, and going on, end like a run without one, or in doubt where a step is named under `once`.
        KillEverywhere = "kill_everywhere",
        /// Losing any answer of an API ends like a run without it, or in doubt where a step is named under `once`.
        LoseEveryAnswer = "lose_every_answer",
        /// Two runs at the same time change together what one changes alone.
        TwoAtOnce = "two_at_once",
        /// The rows that the preview shows are those that apply changes, value by value.
        PreviewEqualsApply = "preview_equals_apply",
    }
}

/// What is there at the start on one connection.
#[derive(Clone, Debug)]
pub enum Given {
    /// Rows by table.
    Rows(Named<Vec<GivenRow>>),
    /// What an API answers.
    Routes(Vec<Route>),
    /// The file of a mock, relative to the test file.
    MockFile(Word),
}

impl FromNode for Given {
    fn from_node(node: &Node, cx: &mut Lowering<'_>) -> Option<Self> {
        match node {
            Node::Map(..) => Named::from_node(node, cx).map(Given::Rows),
            Node::List(..) => Vec::from_node(node, cx).map(Given::Routes),
            Node::Scalar(_) => Word::from_node(node, cx).map(Given::MockFile),
            Node::Broken(_) => None,
        }
    }
}
impl schemars::JsonSchema for Given {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Given".into()
    }
    fn json_schema(generator: &mut schemars::SchemaGenerator) -> schemars::Schema {
        let route = generator.subschema_for::<Route>();
        schemars::json_schema!({
            "description": "Of a database: rows by table. Of an API: its routes, as in a mock file, or the path of a mock file.",
            "anyOf": [
                { "type": "object", "additionalProperties": { "type": "array", "items": { "type": "object" } } },
                { "type": "array", "items": route },
                { "type": "string" }
            ]
        })
    }
}

/// A row: columns and values as they are (no expressions); enum columns take their names.
#[derive(Clone, Debug)]
pub struct GivenRow {
    /// Columns and values.
    pub columns: Map,
    /// Where it stands.
    pub at: crate::base::source::Span,
}

impl FromNode for GivenRow {
    fn from_node(node: &Node, cx: &mut Lowering<'_>) -> Option<Self> {
        let Node::Map(_, at) = node else { return cx.wrong_type(node, "a row, which is a map of columns") };
        let columns = Value::from_node(node, cx)?.as_map().cloned()?;
        Some(GivenRow { columns, at: *at })
    }
}
crate::plain_schema!(GivenRow, { "type": "object" });

/// A moment, in UTC.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Clock(pub Stamp);

impl FromNode for Clock {
    fn from_node(node: &Node, cx: &mut Lowering<'_>) -> Option<Self> {
        let word = Word::from_node(node, cx)?;
        match time::instant(word.as_str()) {
            Ok(stamp) => Some(Clock(stamp)),
            Err(_) => {
                let problem = Diagnostic::error(&BAD_FORM, word.span, format!("`{}` is not a moment", word.as_str()));
                cx.push(problem.help("write it with its zone: `2025-07-23T10:00:00Z`"));
                None
            }
        }
    }
}
crate::plain_schema!(Clock, { "type": "string", "examples": ["2025-07-23T10:00:00Z"] });

impl TestFile {
    /// Reads a test file; what is wrong goes to `problems`.
    pub fn parse(source: &Arc<Source>, problems: &mut Diagnostics) -> Option<TestFile> {
        let node = yaml::parse(source, yaml::DATA_LIMITS, problems)?;
        let file: TestFile = model::read(&node, source, problems)?;
        let mut cx = Lowering::new(problems);
        for (index, case) in file.cases.iter().enumerate() {
            if let Some(first) = file.cases[..index].iter().find(|c| c.name.as_str() == case.name.as_str()) {
                let problem = Diagnostic::error(&BAD_FORM, case.name.span, "two cases have the same name");
                cx.push(problem.label(first.name.span, "first here"));
            }
        }
        (problems.errors() == 0).then_some(file)
    }
}
