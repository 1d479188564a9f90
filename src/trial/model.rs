//! The test file as typed parts: where a case starts, what happens meanwhile, what is expected. Shapes only.

use super::expect::Expect;
use crate::{
    base::{
        diagnostic::{Diagnostic, Diagnostics},
        shape::{BAD_FORM, FromNode, Length, Lowering, MISSING_KEY, Named, ONE_OF, Word},
        source::Source,
        time::{self, Stamp},
        value::{Map, Value},
        yaml::{self, Node},
    },
    mock::{
        model::{Route, Trouble},
        program::Run,
        worker::Work,
    },
    playbook::model::{self, Language},
    shape, words,
};
use std::sync::Arc;

shape! {
    /// Tests of one playbook: each case starts from given rows and API answers, and says what is expected. Or tests of a shared
    /// errors table: each case is an error, and says which row decides.
    "a test file" pub struct TestFile {
        /// Version of the language: `v1`.
        trueup: Language,
        /// The playbook's name: `register/correct-award`.
        playbook: Option<Word>,
        /// In place of a playbook: the name of a shared errors table, `register/dqt-errors`.
        table: Option<Word>,
        /// `now()` in the playbook, and where the clock of the fake services starts: `2025-07-23T10:00:00Z`. Tests of a playbook
        /// need it.
        clock: Option<Clock>,
        /// Folder of the files `tables.<dialect>.sql`, relative to this file. Default: the project file's folder.
        tables: Option<Word>,
        /// In whose name, why and where the playbook runs.
        run: Option<RunSpec>,
        /// Steps of which nobody can find out whether they were done when their answer is lost, each with the reason why a person
        /// is asked then: `send_letter: The printer keeps no list.`
        #[schemars(default)]
        once: Named<Word>,
        /// Steps that a second run does once more on purpose, each with the reason why that does no harm:
        /// `update: DQT holds the same data afterwards.` `--torture` takes them for well.
        #[schemars(default)]
        again: Named<Word>,
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
        /// What is there at the start, by connection: rows of databases, background jobs, answers of APIs and of programs.
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
    }
}

shape! {
    /// One case.
    "a case" pub struct Case {
        /// What it is about, as a sentence.
        name: Word,
        /// What is there at the start beside the defaults: rows and jobs are merged by their key, an empty list takes those of
        /// the defaults away, and answers of an API or a program take the place of those of the defaults.
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
        /// An error, as it stands in a log or in a dead job. Nothing is run: the errors table is asked what to do, as
        /// `trueup diagnose` asks it.
        error: Option<Word>,
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
        /// After a step of the run was done and before the next one is begun.
        step_and_next: Option<Midway>,
    }
}

shape! {
    /// What happens after a step, before the next one is begun: exactly one of `sql`, `jobs`, `call` and `wait`.
    "a meddling between two steps" pub struct Midway {
        /// The step's name; of a loop, its first turn.
        after: Word,
        /// A statement on a database.
        sql: Option<MeddlingSql>,
        /// Background jobs that go or come.
        jobs: Option<MeddlingJobs>,
        /// A call of an API.
        call: Option<MeddlingCall>,
        /// Time passes: workers take jobs, and services go on.
        wait: Option<Length>,
    }
}

shape! {
    /// A call that somebody else makes; it is not counted among those of the run.
    "a call of somebody else" pub struct MeddlingCall {
        /// The connection's name.
        api: Word,
        /// Method and path: `PATCH /apis/apps/v1/deployments/web`.
        call: Word,
        /// Its headers. Default: `Content-Type: application/json`.
        #[schemars(default)]
        headers: Named<Word>,
        /// Its body.
        json: Option<Value>,
    }
}

shape! {
    /// One thing that somebody else does: exactly one of `sql` and `jobs`.
    "a meddling" pub struct Meddling {
        /// A statement on a database.
        sql: Option<MeddlingSql>,
        /// Background jobs that go or come.
        jobs: Option<MeddlingJobs>,
    }
}

shape! {
    /// What somebody else does with background jobs. One that is tried again by hand goes and comes.
    "jobs that somebody else touches" pub struct MeddlingJobs {
        /// The connection's name.
        queue: Word,
        /// The ids (`jid`) of jobs that are taken away, wherever they lie: `[aa11]`. One that is not there is a problem of the case.
        #[schemars(default)]
        delete: Vec<Word>,
        /// Jobs that come, as in `given`: `dead: [{ jid: bb22, job: SendMailJob }]`.
        #[schemars(default)]
        add: Named<Vec<GivenRow>>,
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
    /// Rows by table; of background jobs also who takes them.
    Rows(GivenRows),
    /// What an API answers.
    Routes(Vec<Route>),
    /// What a program does when it is started.
    Runs(Vec<Run>),
    /// The file of a mock, relative to the test file.
    MockFile(Word),
}

/// Rows by table, and what workers do with those that are background jobs.
#[derive(Clone, Debug, Default)]
pub struct GivenRows {
    /// By table.
    pub tables: Named<Vec<GivenRow>>,
    /// A job waits so long before a worker takes it.
    pub takes_after: Option<Length>,
    /// What jobs do when a worker takes them. A job of another class stays where it is.
    pub does: Option<Vec<Work>>,
}

/// The words beside the tables of background jobs.
pub const OF_WORKERS: [&str; 2] = ["takes_after", "does"];

impl FromNode for GivenRows {
    fn from_node(node: &Node, cx: &mut Lowering<'_>) -> Option<Self> {
        let Node::Map(entries, at) = node else { return cx.wrong_type(node, "a map of tables") };
        let of_workers = |entry: &&yaml::Entry| OF_WORKERS.contains(&&*entry.key.text);
        let tables = entries.iter().filter(|entry| !of_workers(entry)).cloned().collect();
        let tables = Named::from_node(&Node::Map(tables, *at), cx);
        let takes_after = node.get("takes_after").map(|node| Length::from_node(node, cx));
        let does = node.get("does").map(|node| Vec::from_node(node, cx));
        Some(GivenRows { tables: tables?, takes_after: optional(takes_after)?, does: optional(does)? })
    }
}

/// What is not there is nothing; what is there and cannot be read is a problem that was noted.
fn optional<T>(read: Option<Option<T>>) -> Option<Option<T>> {
    match read {
        None => Some(None),
        Some(read) => read.map(Some),
    }
}

impl FromNode for Given {
    fn from_node(node: &Node, cx: &mut Lowering<'_>) -> Option<Self> {
        match node {
            Node::Map(..) => GivenRows::from_node(node, cx).map(Given::Rows),
            Node::List(nodes, _) if nodes.iter().any(|node| node.get("run").is_some()) => {
                Vec::from_node(node, cx).map(Given::Runs)
            }
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
        let (route, run) = (generator.subschema_for::<Route>(), generator.subschema_for::<Run>());
        let (work, length) = (generator.subschema_for::<Vec<Work>>(), generator.subschema_for::<Length>());
        schemars::json_schema!({
            "description": "Of a database: rows by table. Of background jobs: jobs by `queued`, `scheduled`, `retrying`, `dead`, what they do when a worker takes them (`does`), and how long they wait for one (`takes_after`). Of an API: its routes, as in a mock file, or the path of a mock file. Of a program: its calls.",
            "anyOf": [
                {
                    "type": "object",
                    "properties": { "takes_after": length, "does": work },
                    "additionalProperties": { "type": "array", "items": { "type": "object" } }
                },
                { "type": "array", "items": route },
                { "type": "array", "items": run },
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
        file.fits_together(&mut cx);
        for (index, case) in file.cases.iter().enumerate() {
            if let Some(first) = file.cases[..index].iter().find(|c| c.name.as_str() == case.name.as_str()) {
                let problem = Diagnostic::error(&BAD_FORM, case.name.span, "two cases have the same name");
                cx.push(problem.label(first.name.span, "first here"));
            }
        }
        (problems.errors() == 0).then_some(file)
    }

    /// What is tested: a playbook's name, or a table's.
    pub fn name(&self) -> &str {
        self.playbook.as_ref().or(self.table.as_ref()).map_or("", |word| word.as_str())
    }

    /// Where the clock of each case starts. A table has none.
    pub fn start(&self) -> Stamp {
        self.clock.map_or(Stamp { micros: 0, digits: 0 }, |clock| clock.0)
    }

    fn fits_together(&self, cx: &mut Lowering<'_>) {
        match (&self.playbook, &self.table) {
            (Some(_), None) if self.clock.is_none() && self.cases.iter().any(|case| case.error.is_none()) => {
                let problem = Diagnostic::error(&MISSING_KEY, self.at, "tests of a playbook need a `clock`");
                cx.push(problem.help("`clock: 2025-07-23T10:00:00Z` is what `now()` says, each time the same"));
            }
            (Some(_), None) | (None, Some(_)) => {}
            _ => {
                let message = "a test file is about one `playbook`, or about one shared errors `table`";
                cx.push(Diagnostic::error(&ONE_OF, self.at, message));
            }
        }
        for case in &self.cases {
            let (at, expect) = (case.name.span, &case.expect);
            if self.table.is_some() && case.error.is_none() {
                cx.push(Diagnostic::error(
                    &MISSING_KEY,
                    at,
                    "a table is asked about an `error`, and this case has none",
                ));
            }
            if case.error.is_none() && (expect.row.is_some() || expect.then.is_some()) {
                let message = "`row` and `then` are expected of an `error`, and this case has none";
                cx.push(Diagnostic::error(&ONE_OF, at, message));
            }
            let pauses = case.between.iter().flat_map(|between| [&between.plan_and_apply, &between.ask_and_answer]);
            for meddling in pauses.flatten().filter(|meddling| meddling.sql.is_some() == meddling.jobs.is_some()) {
                let message = "meanwhile exactly one thing happens: `sql` or `jobs`";
                cx.push(Diagnostic::error(&ONE_OF, meddling.at, message));
            }
            if let Some(midway) = case.between.iter().find_map(|between| between.step_and_next.as_ref()) {
                let ways = [midway.sql.is_some(), midway.jobs.is_some(), midway.call.is_some(), midway.wait.is_some()];
                if ways.iter().filter(|is| **is).count() != 1 {
                    let message = "between two steps exactly one thing happens: `sql`, `jobs`, `call` or `wait`";
                    cx.push(Diagnostic::error(&ONE_OF, midway.at, message));
                }
                let call = midway.call.as_ref().map(|call| &call.call);
                if let Some(call) = call.filter(|call| !call.as_str().contains(" /")) {
                    let message = format!("`{}` is no method with a path", call.as_str());
                    cx.push(Diagnostic::error(&BAD_FORM, call.span, message).help("write `PATCH /v1/things/1`"));
                }
            }
            if case.error.is_some() && (expect.of_a_run() || case.starts_something()) {
                let message = "nothing is run in a case with an `error`: it expects `row`, `then`, `to` and `message`";
                cx.push(Diagnostic::error(&ONE_OF, at, message));
            }
        }
    }
}

impl Between {
    /// What happens to background jobs, whenever that is.
    pub fn jobs(&self) -> impl Iterator<Item = &MeddlingJobs> {
        let pauses = [&self.plan_and_apply, &self.ask_and_answer].into_iter().flatten();
        let midway = self.step_and_next.iter().filter_map(|midway| midway.jobs.as_ref());
        pauses.filter_map(|meddling| meddling.jobs.as_ref()).chain(midway)
    }

    /// Statements on databases, whenever they are run.
    pub fn statements(&self) -> impl Iterator<Item = &MeddlingSql> {
        let pauses = [&self.plan_and_apply, &self.ask_and_answer].into_iter().flatten();
        let midway = self.step_and_next.iter().filter_map(|midway| midway.sql.as_ref());
        pauses.filter_map(|meddling| meddling.sql.as_ref()).chain(midway)
    }
}

impl Case {
    /// It says something that only a run looks at.
    fn starts_something(&self) -> bool {
        let named = [self.given.entries.is_empty(), self.params.entries.is_empty(), self.answers.entries.is_empty()];
        named.contains(&false) || !self.files.entries.is_empty() || self.between.is_some() || !self.also.is_empty()
    }
}
