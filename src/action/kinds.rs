//! The one table of kinds. A new kind is one file with its shape, one line here, one case folder.

use super::{
    ask::AskSpec, block::BlockSpec, call::CallSpec, choose::ChooseSpec, command::CommandSpec, compare::CompareSpec,
    ends::Otherwise, job::JobSpec, resource::ResourceSpec, row::RowSpec, rows::RowsSpec, sql::SqlSpec, tell::TellSpec,
    undo::UndoSpec, wait::WaitSpec,
};
use crate::{
    base::{
        shape::{FromNode, Lowering, Word},
        yaml::Node,
    },
    read::{find::FindSpec, http::HttpSpec, query::QuerySpec, tally::TallySpec},
    template::{Datum, Expression},
};

/// What a kind does to the world.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Nature {
    /// Changes nothing: allowed everywhere.
    Read,
    /// Changes something: allowed in `steps` only.
    Write,
    /// Reads or writes, as its content says.
    Either,
    /// A person takes part.
    People,
    /// Neither: looks at values.
    Flow,
}

/// One kind of action.
#[derive(Debug)]
pub struct Kind {
    /// The key in a step.
    pub word: &'static str,
    /// What it does to the world.
    pub nature: Nature,
    /// One sentence for lists and editors.
    pub summary: &'static str,
    /// A whole step of this kind, as YAML: for `trueup explain` and the reference.
    pub example: &'static str,
    /// Its schema.
    pub schema: fn(&mut schemars::SchemaGenerator) -> schemars::Schema,
}

macro_rules! kinds {
    ($($(#[doc = $doc:literal])* $word:literal $variant:ident($ty:ty) $nature:ident $example:literal;)*) => {
        /// What a step does.
        #[derive(Clone, Debug)]
        #[allow(clippy::large_enum_variant, reason = "one per step of a playbook; boxing would only hide the shape")]
        pub enum Act { $($(#[doc = $doc])* $variant($ty),)* }

        /// Every kind, in the order of the reference.
        pub static KINDS: &[Kind] = &[$(Kind {
            word: $word,
            nature: Nature::$nature,
            summary: concat!($($doc,)*),
            example: $example,
            schema: |generator| generator.subschema_for::<$ty>(),
        }),*];

        impl Act {
            /// Reads the action under `word`.
            pub fn read(word: &str, node: &Node, cx: &mut Lowering<'_>) -> Option<Act> {
                match word { $($word => <$ty>::from_node(node, cx).map(Act::$variant),)* _ => None }
            }

            /// Its word.
            pub fn word(&self) -> &'static str {
                match self { $(Act::$variant(_) => $word),* }
            }
        }
    };
}

kinds! {
    /// Find rows of a declared table.
    "find" Find(FindSpec) Read
        "id: trainee\nfind:\n  table: register.trainees\n  where: { slug: \"{{ params.slug }}\", state: [draft, trn_received] }\n  expect: one\notherwise: \"No trainee has the slug {{ params.slug }}.\"\n";
    /// Ask a database with any SELECT.
    "query" Query(QuerySpec) Read
        "id: doubles\nquery:\n  db: register\n  sql: |\n    select trn, count(*) as many from trainees\n    where provider_id = {{ trainee.provider_id }} group by trn having count(*) > 1\n  expect: many\n";
    /// Call an API; GET and HEAD read, the others write.
    "http" Http(HttpSpec) Either
        "id: dqt\nhttp:\n  api: dqt\n  get: \"/v2/teachers/{{ trainee.trn }}\"\n  query: { birthdate: \"{{ trainee.date_of_birth }}\" }\n  accept: [200, { status: 404, because: DQT may not know the trainee yet }]\n";
    /// Declare the state of one row; the engine finds the difference.
    "row" Row(RowSpec) Write
        "id: withdraw\nrow:\n  of: trainee\n  only_if: { state: \"{{ trainee.state }}\" }\n  set: { state: withdrawn, withdraw_date: \"{{ params.date }}\" }\n  clear: [awarded_at]\n";
    /// Change or delete several rows of one table, with a bound.
    "rows" Rows(RowsSpec) Write
        "id: placements\nrows:\n  table: register.placements\n  where: { trainee_id: \"{{ trainee.id }}\" }\n  ensure: absent\n  touches: 0..50\n";
    /// One INSERT, UPDATE or DELETE statement, for what `row` and `rows` cannot say.
    "sql" Sql(SqlSpec) Write
        "id: renumber\nsql:\n  db: register\n  sql: update placements set position = position - 1 where trainee_id = {{ trainee.id }} and position > 3\n  touches: 0..50\nirreversible: The old order is not kept.\nprobe:\n  read: { query: { db: register, sql: \"select count(*) as n from placements where trainee_id = {{ trainee.id }} and position = 3\" } }\n  done: self.n == 1\n";
    /// Count background jobs by class, error, queue.
    "tally" Tally(TallySpec) Read
        "id: failed\ntally:\n  tables: [sidekiq.dead, sidekiq.retrying]\n  by: [job, error_class, error_status]\n  where: { queue: dqt }\n";
    /// Enqueue background jobs, try them again, delete them.
    "job" Job(JobSpec) Write
        "id: update\njob:\n  queue: sidekiq\n  enqueue: Dqt::UpdateTraineeJob\n  to: dqt\n  args: [{ record: \"Trainee/{{ trainee.id }}\" }]\n  unless_waiting: true\n  affects: [dqt]\n";
    /// Start a declared program, without a shell; `look:` reads, `change:` writes.
    "command" Command(CommandSpec) Either
        "id: flag_on\ncommand:\n  program: kube\n  change: [set, env, \"deployment/{{ env.worker }}\", SETTINGS__FEATURES__ANALYTICS=off]\n  preview: [set, env, \"deployment/{{ env.worker }}\", SETTINGS__FEATURES__ANALYTICS=off, --dry-run=server, -o, name]\nrepeatable: Setting the same variable again changes nothing.\nundo: { command: { program: kube, change: [rollout, undo, \"deployment/{{ env.worker }}\"] } }\n";
    /// Declare the state of something behind an API; the engine reads it and writes only what differs.
    "resource" Resource(ResourceSpec) Either
        "id: sign_in\nresource:\n  set: deployment_env\n  key: { deployment: \"{{ env.web }}\" }\n  only_if: { SETTINGS__FEATURES__SIGN_IN_METHOD: otp }\n  state: { SETTINGS__FEATURES__SIGN_IN_METHOD: \"{{ params.method }}\" }\n";
    /// Compare two records field by field, also when they write the same in two ways.
    "compare" Compare(CompareSpec) Flow
        "id: diff\ncompare:\n  left: { register: \"{{ trainee }}\" }\n  right: { dqt: \"{{ teacher.body }}\" }\n  fields:\n    - { name: date of birth, left: date_of_birth, right: dateOfBirth, as: date }\n    - { name: first names, left: first_names, right: firstName, as: words, match: starts_with }\n    - { name: HESA id, left: hesa_id, right: husId, blank_is_null: true }\n";
    /// Go on only if an expression is true.
    "assert" Assert(Expression) Flow
        "assert: trainee.state in ['recommended_for_award', 'awarded']\notherwise: { done: \"The trainee is {{ trainee.state }}: nothing to take back.\" }\n";
    /// Give a value a name.
    "let" Let(Datum) Flow
        "id: ends\nlet: \"{{ trainee.itt_start_date + months(12) }}\"\n";
    /// Ask a person and wait for the answer, for days if need be.
    "ask" Ask(AskSpec) People
        "id: dqt_agreed\nask:\n  who: register-support\n  question: Has the DQT team taken the award back?\n  answer: { ticket: { type: string, pattern: \"^DQT-[0-9]+$\", description: DQT's ticket number } }\n  affects: [dqt]\n";
    /// Tell somebody something; nobody waits.
    "tell" Tell(TellSpec) People
        "tell:\n  who: register-support\n  message: \"Tell the provider that {{ trainee.first_names }}'s award was taken back.\"\n";
    /// Several steps as one, for example in one transaction.
    "block" Block(BlockSpec) Flow
        "block:\n  transaction: register\n  steps:\n    - row: { of: trainee, set: { state: withdrawn } }\n    - rows: { table: register.placements, where: { trainee_id: \"{{ trainee.id }}\" }, ensure: absent, touches: 0..50 }\n";
    /// Go one of several ways, by a decision table over facts.
    "choose" Choose(ChooseSpec) Flow
        "id: repair\nchoose:\n  match: { state: \"{{ trainee.state }}\", status: \"{{ dqt.status }}\" }\n  rows:\n    - { name: lost, is: { state: [draft, submitted], status: 404 }, do: withdraw }\n    - { name: DQT fails, is: { status: 5xx }, do: { escalate: dqt-team, say: \"DQT answers {{ dqt.status }}.\" } }\n  otherwise: { stop: \"Nothing to repair: {{ trainee.state }}.\" }\n  paths:\n    withdraw:\n      - row: { of: trainee, set: { state: withdrawn } }\n";
    /// In an arm of `choose`, as its last step: go on with the steps of another arm.
    "use" Use(Word) Flow
        "use: retry\n";
    /// Do another playbook at this place, with parameters of its own.
    "call" Call(CallSpec) Flow
        "id: award\ncall:\n  playbook: register/correct-award\n  with: { slug: \"{{ trainee.slug }}\" }\n";
    /// Look again and again until something is so, within a bound.
    "wait" Wait(WaitSpec) Flow
        "id: registered\nwait:\n  read: { find: { table: register.trainees, where: { id: \"{{ trainee.id }}\" }, expect: one } }\n  until: registered.dttp_id is not none\n  every: 30s\n  at_most: 30m\notherwise: { escalate: register-devs, say: \"No dttp_id in 30 minutes.\" }\n";
    /// In a `rescue`: take steps of this run back, the newest effect first.
    "undo" Undo(UndoSpec) Flow
        "undo: [forget, touch]\n";
    /// End the item here.
    "end" End(Otherwise) Flow
        "end: { escalate: register-devs, say: \"The phase's status is put back: {{ error.text }}\" }\n";
}

/// The words of all kinds.
pub fn words() -> Vec<&'static str> {
    KINDS.iter().map(|k| k.word).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        action::step::Step,
        base::{diagnostic::Diagnostics, source::Source, yaml},
    };

    #[test]
    fn every_example_is_a_sound_step_of_its_kind() {
        for kind in KINDS {
            let source = Source::new(kind.word, kind.example);
            let mut problems = Diagnostics::new(source.clone());
            let node = yaml::parse(&source, yaml::LIMITS, &mut problems).unwrap();
            let step = Step::from_node(&node, &mut Lowering::new(&mut problems));
            assert!(problems.is_empty(), "{}: {problems:?}", kind.word);
            assert_eq!(step.unwrap().act.word(), kind.word);
        }
    }
}
