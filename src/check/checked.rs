//! A playbook that passed every rule, with what the rules found out about each step. Only `check` can make one.

use crate::{
    action::step::Step,
    base::source::Source,
    effect::change::TableName,
    playbook::{model::Playbook, project::Project},
};
use std::{collections::HashMap, sync::Arc};

/// The lists of steps of a playbook, in the order in which they run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Section {
    /// What must hold before; reads only.
    Preconditions,
    /// What is done.
    Steps,
    /// How one knows that it worked; reads only.
    Verification,
    /// What is done once verification passed.
    Afterwards,
}

impl Section {
    /// In the order of a run.
    pub const ALL: [Section; 4] = [Section::Preconditions, Section::Steps, Section::Verification, Section::Afterwards];

    /// The key in the playbook.
    pub fn word(self) -> &'static str {
        match self {
            Section::Preconditions => "preconditions",
            Section::Steps => "steps",
            Section::Verification => "verification",
            Section::Afterwards => "afterwards",
        }
    }
}

/// How a write whose answer was lost is judged after a crash (decisions 16, 17). Stands in every plan.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Recovery {
    /// Changes nothing in the world: simply done again.
    Repeats,
    /// The row under its lock equals the before image or the after image.
    Images,
    /// A claimed row in `trueup_ledger`, committed together with the change.
    Ledger,
    /// A declared `probe:` finds out.
    Probe,
    /// A mark in Redis, made together with the change.
    Marker,
    /// An idempotency key: the same request is sent again.
    Key,
    /// The author says why the same bytes twice do no harm.
    Repeatable,
    /// Nothing can tell: a person decides.
    Person,
}

impl Recovery {
    /// As plans print it.
    pub fn words(self) -> &'static str {
        match self {
            Recovery::Repeats => "simply done again",
            Recovery::Images => "compared with its images",
            Recovery::Ledger => "looked up in the ledger",
            Recovery::Probe => "asked for by its probe",
            Recovery::Marker => "looked up by its mark in Redis",
            Recovery::Key => "sent again under its idempotency key",
            Recovery::Repeatable => "sent again, declared repeatable",
            Recovery::Person => "in doubt until a person decides",
        }
    }
}

/// What the rules found out about one step.
#[derive(Clone, Debug)]
pub struct StepFacts {
    /// Section and labels: `steps/change/route`; an `undo:` or `probe:` step has that word as its last part.
    pub path: String,
    /// Where it stands.
    pub section: Section,
    /// It changes something outside.
    pub writes: bool,
    /// The connection it uses, if any.
    pub connection: Option<Arc<str>>,
    /// Tables that it reads.
    pub tables_read: Vec<TableName>,
    /// Tables that it changes, the audit table of their rule among them.
    pub tables_written: Vec<TableName>,
    /// How a lost answer is judged.
    pub recovery: Recovery,
    /// It stands in a transaction, which is taken back as a whole.
    pub together: bool,
}

/// A playbook that passed every rule.
#[derive(Clone, Debug)]
pub struct Checked {
    playbook: Arc<Playbook>,
    called: Arc<HashMap<Arc<str>, Arc<Playbook>>>,
    source: Arc<Source>,
    project: Arc<Project>,
    facts: Arc<HashMap<usize, StepFacts>>,
}

impl Checked {
    pub(super) fn new(
        playbook: Playbook,
        called: Arc<HashMap<Arc<str>, Arc<Playbook>>>,
        source: Arc<Source>,
        project: Arc<Project>,
        facts: Vec<(usize, StepFacts)>,
    ) -> Checked {
        Checked { playbook: Arc::new(playbook), called, source, project, facts: Arc::new(facts.into_iter().collect()) }
    }

    /// The playbook.
    pub fn playbook(&self) -> &Arc<Playbook> {
        &self.playbook
    }

    /// The playbooks that it calls, at any depth, by their names. Each passed every rule, too.
    pub fn called(&self) -> &Arc<HashMap<Arc<str>, Arc<Playbook>>> {
        &self.called
    }

    /// Its text.
    pub fn source(&self) -> &Arc<Source> {
        &self.source
    }

    /// The project file that it was checked against.
    pub fn project(&self) -> &Arc<Project> {
        &self.project
    }

    /// What is known about a step of this playbook (any depth, `undo:` and `probe:` steps too).
    pub fn facts(&self, step: &Step) -> Option<&StepFacts> {
        self.facts.get(&step.act_at.start)
    }
}
