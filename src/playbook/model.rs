//! The playbook as its author wrote it, typed, with the place of every part.

use super::{
    errors::Errors,
    lifecycle::{self, Lifecycle, operation::Operation},
    params::Param,
    schedules::Reconcile,
};
use crate::{
    action::step::Step,
    base::{
        diagnostic::{Code, Diagnostic, Diagnostics},
        shape::{BAD_FORM, FromNode, Lowering, Named, Placed, Word},
        source::Source,
        yaml::{self, Node},
    },
    shape,
    targets::{Limits, Targets},
    template::Datum,
    words,
};
use std::sync::Arc;

shape! {
    /// One support procedure: what it needs, what must hold before, what it does, and how one knows that it worked.
    "a playbook" pub struct Playbook {
        /// Version of the language: `v1`.
        trueup: Language,
        /// Equals the file's path below the playbook folder, without `.yaml`: `register/correct-award`.
        name: Word,
        /// Version of the procedure; grows with every change of meaning.
        version: u32,
        /// One line that a person would say.
        title: Word,
        /// What it is for, what one should know before, who asks for it.
        description: Option<Word>,
        /// Who looks after it: a name under `people`.
        owner: Option<Word>,
        /// How much harm a mistake does; routes approvals.
        risk: Option<Placed<Risk>>,
        /// What may be done again when a run failed, and by whom.
        retry: Option<RetryRule>,
        /// What the person who runs it gives.
        #[schemars(default)]
        params: Named<Param>,
        /// Every table, host and method that the procedure may touch. Enforced.
        #[schemars(default)]
        uses: Named<Uses>,
        /// The items that the playbook works on: each is `item` in the steps. Without it, a single record.
        targets: Option<Targets>,
        /// How fast and how far a run over many items goes.
        limits: Option<Limits>,
        /// The records carry their own state machine: its stages are the steps.
        lifecycle: Option<Lifecycle>,
        /// What is done to records of the lifecycle instead of its stages. Written by `trueup lifecycle …`, never by hand.
        operation: Option<Operation>,
        /// That it may be compared with the world again and again, and how far it may heal: `trueup reconcile`.
        reconcile: Option<Reconcile>,
        /// Named values, computed when used.
        #[schemars(default)]
        vars: Named<Datum>,
        /// What must hold before. Reads only; looked at when planning and again when applying.
        #[schemars(default)]
        preconditions: Vec<Step>,
        /// What is done, in order. A playbook with a `lifecycle` has its stages instead.
        #[schemars(default)]
        steps: Vec<Step>,
        /// How one knows that it worked. Reads only.
        #[schemars(default)]
        verification: Vec<Step>,
        /// What is done once verification passed.
        #[schemars(default)]
        afterwards: Vec<Step>,
        /// What a playbook that calls this one gets back, under the name of its `call` step: names and values, made of the results when all is
        /// done.
        #[schemars(default)]
        returns: Named<Datum>,
        /// What a failed call means and what to do: the first row that fits decides. A list of rows, or `{ use: … }` with a
        /// table that several playbooks share.
        #[schemars(default)]
        errors: Errors,
    }
}

words! {
    "a version of the language that this trueup reads"
    pub enum Language {
        /// The first.
        V1 = "v1",
    }
}

words! {
    "a risk"
    pub enum Risk {
        /// A mistake is a nuisance.
        Low = "low",
        /// A mistake costs somebody time.
        Medium = "medium",
        /// A mistake harms people.
        High = "high",
    }
}

shape! {
    /// What may be done again when a run failed, and by whom. Without it: a single item, by anybody who may run the playbook.
    "a rule for retries" pub struct RetryRule {
        /// `item`: one item alone may be done again. `run`: only the whole run.
        scope: Option<RetryScope>,
        /// `operator`: anybody who may run the playbook. `owner`: only who made the run, or who looks after the playbook.
        by: Option<RetryBy>,
    }
}

words! {
    "what may be done again"
    pub enum RetryScope {
        /// One item alone.
        Item = "item",
        /// Only the whole run, because its items belong together.
        Run = "run",
    }
}

words! {
    "who may do it again"
    pub enum RetryBy {
        /// Only who made the run, or who looks after the playbook.
        Owner = "owner",
        /// Anybody who may run the playbook.
        Operator = "operator",
    }
}

shape! {
    /// What a playbook may touch of one connection.
    "a grant" pub struct Uses {
        /// Tables that may be read.
        #[schemars(default)]
        read: Vec<Word>,
        /// Tables that may be changed.
        #[schemars(default)]
        write: Vec<Word>,
        /// Of these tables only these columns may be changed: `columns: { trainees: [state, awarded_at] }`. Stamps and audit rows are no part
        /// of it. A table that is not listed may be changed in all its columns.
        #[schemars(default)]
        columns: Named<Vec<Word>>,
        /// HTTP methods that may be sent.
        #[schemars(default)]
        methods: Vec<Word>,
        /// How the arguments of a program may begin, as the connection lists it: `[get, set env]`.
        #[schemars(default)]
        commands: Vec<Word>,
    }
}

impl Playbook {
    /// Reads a playbook. Problems are collected; a playbook comes out only if its shape is sound.
    pub fn parse(source: &Arc<Source>, problems: &mut Diagnostics) -> Option<Playbook> {
        let node = yaml::parse(source, yaml::LIMITS, problems)?;
        let node = lifecycle::expand(node, &mut Lowering::new(problems));
        read(&node, source, problems)
    }

    /// The four lists of steps with their names.
    pub fn sections(&self) -> [(&'static str, &[Step]); 4] {
        [
            ("preconditions", &self.preconditions),
            ("steps", &self.steps),
            ("verification", &self.verification),
            ("afterwards", &self.afterwards),
        ]
    }

    /// How much harm a mistake does; medium unless the author says otherwise.
    pub fn risk(&self) -> Risk {
        self.risk.as_ref().map_or(Risk::Medium, |risk| risk.value)
    }
}

/// Reads any shape from a whole document.
pub fn read<T: FromNode>(node: &Node, source: &Arc<Source>, problems: &mut Diagnostics) -> Option<T> {
    let read = T::from_node(node, &mut Lowering::new(problems));
    if read.is_none() && problems.errors() == 0 {
        // A reader that fails without a word is our mistake; the user must still be told something true.
        problems.push(Diagnostic::error(&BAD_FORM, node.span(), format!("{} cannot be read here", source.name())));
    }
    read
}

/// Every code that reading a file can give.
pub fn codes() -> Vec<&'static Code> {
    yaml::CODES.iter().chain(crate::base::shape::CODES).chain(lifecycle::CODES).copied().collect()
}
