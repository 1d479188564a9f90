//! Planning: the playbook is really tried out in one transaction per database that is always rolled back.
//!
//! No transaction is held during a call: a pass goes until a read that it has no answer for, everything is rolled back,
//! the request is sent, its answer kept, and the next pass starts (decision 2). One pass per missing answer; reads that
//! stand before the first change need no transaction to be thrown away.

mod call;
mod deeds;
mod flow;
mod handles;
mod jobs;
mod outgoing;
mod rescue;
mod resource;
pub mod shown;
mod walk;

use super::{
    drift, outgoing as out,
    outline::Back,
    setting::{Part, Setting},
    state::ItemState,
    trouble::{CallTrouble, Trouble},
    watch::Watch,
};
use crate::{
    action::{
        deed::{Deed, Outgoing},
        step::Step,
    },
    base::{
        cover::Cover,
        source::Span,
        value::{Map, Marks, Value},
    },
    connection::{
        database::Database,
        handle::{Reading, Rehearsing},
        standing::Standing,
    },
    effect::{change::TableName, label::Label, left::Ground},
    plan::{Effect, Foreseen, ItemPlan, Plan, Reversal, Section, StepPlan, Stop},
    template::{Path, Scope},
};
use sha2::{Digest, Sha256};
use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    future::Future,
    pin::Pin,
    sync::Arc,
};

/// Answers to questions, given beforehand: step id → answer.
pub type Answers = HashMap<String, Map>;

/// More missing answers than this in one item are a loop.
const MOST_PASSES: usize = 2_000;

/// Plans one playbook.
pub async fn plan(setting: &Setting, answers: &Answers, watch: Watch<'_>) -> Result<Plan, Box<PlanFailure>> {
    plan_and_scope(setting, answers, watch).await.map(|(plan, _)| plan)
}

/// The same, with the names that were known at its end.
pub async fn plan_and_scope(
    setting: &Setting,
    answers: &Answers,
    watch: Watch<'_>,
) -> Result<(Plan, Scope), Box<PlanFailure>> {
    let mut memo = Memo::default();
    for _ in 0..MOST_PASSES {
        let mut pass = Pass::new(setting, answers, &memo);
        let went = match Box::pin(pass.run()).await {
            Ok(()) => pass.look_around().await,
            interrupt => interrupt,
        };
        let standings = std::mem::take(&mut pass.standings);
        // Whatever happened, nothing of the rehearsal stays: the connections are closed without a commit.
        let (rehearsing, reading) = (std::mem::take(&mut pass.rehearsing), std::mem::take(&mut pass.reading));
        for (_, handle) in rehearsing {
            // A rollback that fails ends the connection, and that rolls back as well.
            let _ = handle.rollback().await;
        }
        for (_, handle) in reading {
            handle.close().await;
        }
        match went {
            Ok(()) => {
                let scope = pass.scope.clone();
                return Ok((finish(setting, pass, standings), scope));
            }
            Err(Interrupt::Missing(missing)) => {
                memo.standings = standings;
                let answer = out::read(setting, &missing.step, &missing.path, &missing.question, watch).await;
                memo.answers.insert((missing.path.to_string(), missing.key), answer);
                *memo.asked.entry(missing.path.to_string()).or_default() += 1;
            }
            Err(Interrupt::Trouble(trouble, path)) => return Err(Box::new(PlanFailure { trouble, path })),
        }
    }
    let message = format!("the playbook needs more than {MOST_PASSES} answers to plan one item");
    Err(Box::new(PlanFailure {
        trouble: Trouble::Step { message, at: Span::default(), help: Vec::new() },
        path: "steps".into(),
    }))
}

/// Why no plan could be made.
#[derive(Debug)]
pub struct PlanFailure {
    /// What went wrong.
    pub trouble: Trouble,
    /// At which step.
    pub path: Arc<str>,
}

/// Answers that earlier passes fetched, by step and request.
#[derive(Default)]
struct Memo {
    answers: HashMap<(String, String), Result<Value, CallTrouble>>,
    asked: HashMap<String, usize>,
    standings: BTreeMap<Arc<str>, Standing>,
}

enum Interrupt {
    Missing(Box<Missing>),
    Trouble(Trouble, Arc<str>),
}

impl Interrupt {
    /// What a database says of it, without what is hidden in these values.
    fn covered(self, scope: &Scope) -> Interrupt {
        let hidden = |cover: &mut Cover| scope.values().for_each(|value| cover.add(value, Marks::NONE));
        match self {
            Interrupt::Trouble(trouble, path) => Interrupt::Trouble(trouble.covered(hidden), path),
            other => other,
        }
    }
}

struct Missing {
    step: Step,
    path: Arc<str>,
    question: Outgoing,
    key: String,
}

struct Pass<'a> {
    /// In a call, that of the called playbook.
    setting: &'a Setting,
    root: &'a Setting,
    answers: &'a Answers,
    memo: &'a Memo,
    scope: Scope,
    reading: HashMap<Arc<str>, Reading>,
    rehearsing: HashMap<Arc<str>, Rehearsing>,
    section: Section,
    /// The list of its own playbook.
    list: Section,
    tainted_tables: BTreeSet<TableName>,
    tainted_databases: BTreeSet<Arc<str>>,
    tainted_apis: HashMap<Arc<str>, String>,
    every_api: Option<String>,
    /// Something is waited for that is not so yet: what is looked at again behind that is meant to be another thing by then.
    waited: bool,
    /// Resources as earlier steps would leave them, by what they are called.
    resources: HashMap<String, Value>,
    /// APIs behind which a resource would have changed: what calls read there is stale, other resources are not.
    changed_apis: HashMap<Arc<str>, String>,
    steps: Vec<StepPlan>,
    stop: Option<Stop>,
    reads: Vec<Path>,
    results: BTreeSet<String>,
    /// The lists of loops, by the path of the loop.
    lists: Vec<(Arc<str>, Value)>,
    /// What calls rest on.
    inner_facts: Vec<(Path, Value)>,
    /// The arm of a decision table that the arm just gone through goes on with.
    goes_on: Option<Arc<str>>,
    /// The step that ended the item failed in a way that a `rescue` is for.
    rescuable: bool,
    /// A `rescue` is tried out: so many steps were shown before it.
    failed: Option<usize>,
    /// What stands behind the connections that were used.
    standings: BTreeMap<Arc<str>, Standing>,
}

/// What a pass knows beside what stands in the databases.
struct Remembered {
    scope: Scope,
    tainted_tables: BTreeSet<TableName>,
    tainted_databases: BTreeSet<Arc<str>>,
    tainted_apis: HashMap<Arc<str>, String>,
    every_api: Option<String>,
    waited: bool,
    resources: HashMap<String, Value>,
    changed_apis: HashMap<Arc<str>, String>,
    reads: Vec<Path>,
    results: BTreeSet<String>,
    lists: usize,
    inner_facts: usize,
    goes_on: Option<Arc<str>>,
    rescuable: bool,
}

type Walk<'f> = Pin<Box<dyn Future<Output = Result<(), Interrupt>> + Send + 'f>>;

impl<'a> Pass<'a> {
    fn new(setting: &'a Setting, answers: &'a Answers, memo: &'a Memo) -> Pass<'a> {
        Pass {
            setting,
            root: setting,
            answers,
            memo,
            scope: setting.beginning(),
            reading: HashMap::new(),
            rehearsing: HashMap::new(),
            section: Section::Preconditions,
            list: Section::Preconditions,
            tainted_tables: BTreeSet::new(),
            tainted_databases: BTreeSet::new(),
            tainted_apis: HashMap::new(),
            every_api: None,
            waited: false,
            resources: HashMap::new(),
            changed_apis: HashMap::new(),
            steps: Vec::new(),
            stop: None,
            reads: Vec::new(),
            results: known_before(setting),
            lists: Vec::new(),
            inner_facts: Vec::new(),
            goes_on: None,
            rescuable: false,
            failed: None,
            standings: setting.standings.as_deref().unwrap_or(&memo.standings).clone(),
        }
    }

    async fn run(&mut self) -> Result<(), Interrupt> {
        let setting = self.setting;
        // Connecting takes as long as all the rest; it goes on beside the preconditions.
        setting.written().for_each(Database::expect_changing);
        if setting.outline.scope.is_some() {
            return self.back().await;
        }
        for (section, (_, steps)) in Section::ALL.into_iter().zip(setting.playbook.sections()) {
            self.enter(section).await?;
            if section == Section::Afterwards && setting.about.part == Part::Once {
                // What was looked at before is judged again, and nothing follows from it but that; what is said behind the items follows from this.
                self.reads.clear();
            }
            self.walk(section.word(), steps).await?;
            if self.stop.is_some() {
                break;
            }
        }
        Ok(())
    }

    /// An undo: the places of its outline, the newest effect first.
    async fn back(&mut self) -> Result<(), Interrupt> {
        (self.section, self.list) = (Section::Steps, Section::Steps);
        let around = self.scope.clone();
        for place in &self.root.outline.all(&ItemState::default()) {
            self.scope = place.known.clone().unwrap_or_else(|| around.clone());
            self.setting = self.root.of_call(place.call().map(|call| &*call.playbook));
            if let Some(since) = &place.since {
                let moved = self.was_moved(&place.path, &place.step, since).await;
                if moved.map_err(|stepped| stepped.at(&place.path))? {
                    continue;
                }
            }
            match &place.back {
                None => self.step(&place.path, &place.step).await?,
                Some(Back::Step(name, value)) => {
                    self.scope.insert(name.clone(), value.clone());
                    self.step(&place.path, &place.step).await?;
                }
                Some(Back::Left(stays)) => {
                    let notes = vec![stays.words()];
                    self.show(&place.path, &place.step, Label::Read, Foreseen::Warns, Vec::new(), notes);
                    let why = Some(stays.why.clone());
                    if let Some(shown) = self.steps.last_mut() {
                        shown.undo = Some(match stays.by {
                            Ground::Needless => Reversal::NotNeeded(why),
                            Ground::Foreseen | Ground::Unforeseen => Reversal::Irreversible(why),
                        });
                    }
                }
                Some(Back::Already(why)) => {
                    let notes = vec![why.clone()];
                    self.show(&place.path, &place.step, Label::Exact, Foreseen::Unchanged, Vec::new(), notes);
                }
                Some(Back::Resource(left)) => {
                    let (path, step) = (&place.path, &place.step);
                    self.resource_back(path, step, left).map_err(|stepped| stepped.at(path))?;
                }
                Some(Back::Jobs(jobs)) => {
                    let (path, step) = (&place.path, &place.step);
                    self.deed(path, step, Deed::Jobs(jobs.clone())).await.map_err(|stepped| stepped.at(path))?;
                }
                Some(Back::Rows(rows)) => {
                    let (path, step) = (&place.path, &place.step);
                    self.deed(path, step, Deed::Restore(rows.clone())).await.map_err(|stepped| stepped.at(path))?;
                }
            }
            if self.stop.is_some() {
                break;
            }
        }
        Ok(())
    }

    async fn enter(&mut self, section: Section) -> Result<(), Interrupt> {
        (self.section, self.list) = (section, section);
        self.look_behind_readers().await?;
        for (_, reading) in std::mem::take(&mut self.reading) {
            reading.close().await;
        }
        if section == Section::Verification {
            for (name, handle) in &mut self.rehearsing {
                handle
                    .set_read_only()
                    .await
                    .map_err(|fault| Interrupt::Trouble(Trouble::of_database(name, fault), section.word().into()))?;
            }
        }
        Ok(())
    }

    /// Notes which databases these were, through the sessions that are open anyway. Where something may be written, the
    /// role that writes looks: it can see the ledger.
    async fn look_around(&mut self) -> Result<(), Interrupt> {
        self.look_behind_readers().await?;
        let setting = self.root;
        for (name, handle) in &mut self.rehearsing {
            if setting.standings.is_some() && self.standings.contains_key(name) {
                continue;
            }
            let found = setting.standing(handle, true).await;
            let found =
                found.map_err(|f| Interrupt::Trouble(Trouble::of_database(name, f), self.section.word().into()))?;
            self.standings.insert(name.clone(), found);
        }
        Ok(())
    }

    async fn look_behind_readers(&mut self) -> Result<(), Interrupt> {
        let setting = self.root;
        for (name, handle) in &mut self.reading {
            if self.standings.contains_key(name) || setting.may_write(name) {
                continue;
            }
            let found = setting.standing(handle, false).await;
            let found =
                found.map_err(|f| Interrupt::Trouble(Trouble::of_database(name, f), self.section.word().into()))?;
            self.standings.insert(name.clone(), found);
        }
        Ok(())
    }
}

impl Pass<'_> {
    /// To be as it was when something that is tried out is over.
    fn remembered(&self) -> Remembered {
        Remembered {
            scope: self.scope.clone(),
            tainted_tables: self.tainted_tables.clone(),
            tainted_databases: self.tainted_databases.clone(),
            tainted_apis: self.tainted_apis.clone(),
            every_api: self.every_api.clone(),
            waited: self.waited,
            resources: self.resources.clone(),
            changed_apis: self.changed_apis.clone(),
            reads: self.reads.clone(),
            results: self.results.clone(),
            lists: self.lists.len(),
            inner_facts: self.inner_facts.len(),
            goes_on: self.goes_on.clone(),
            rescuable: self.rescuable,
        }
    }

    fn remember(&mut self, before: Remembered) {
        self.scope = before.scope;
        self.tainted_tables = before.tainted_tables;
        self.tainted_databases = before.tainted_databases;
        self.tainted_apis = before.tainted_apis;
        self.every_api = before.every_api;
        self.waited = before.waited;
        self.resources = before.resources;
        self.changed_apis = before.changed_apis;
        self.reads = before.reads;
        self.results = before.results;
        self.lists.truncate(before.lists);
        self.inner_facts.truncate(before.inner_facts);
        self.goes_on = before.goes_on;
        self.rescuable = before.rescuable;
    }

    /// What was read here, and what expressions looked at of it.
    fn facts(&self) -> Vec<(Path, Value)> {
        let own = self.reads.iter().filter(|path| self.results.contains(path.root()) && !is_fresh(path));
        own.filter_map(|path| Some((path.clone(), drift::fact(path, self.scope.get(path.root())?)?))).collect()
    }
}

enum Stepped {
    Trouble(Trouble),
    Interrupt(Interrupt),
}

impl Stepped {
    /// Where it happened.
    fn at(self, path: &Arc<str>) -> Interrupt {
        match self {
            Stepped::Interrupt(interrupt) => interrupt,
            Stepped::Trouble(trouble) => Interrupt::Trouble(trouble, path.clone()),
        }
    }
}

impl From<Trouble> for Stepped {
    fn from(trouble: Trouble) -> Stepped {
        Stepped::Trouble(trouble)
    }
}

/// What was read once for all items: an item rests on what it looks at there as on what it reads itself.
fn known_before(setting: &Setting) -> BTreeSet<String> {
    if setting.outline.scope.is_some() {
        return BTreeSet::new();
    }
    setting.about.once.iter().map(|(name, _)| name.to_string()).collect()
}

/// `trainee.now.state`: read again whenever it is looked at, so it is no fact that a plan rests on.
fn is_fresh(path: &Path) -> bool {
    matches!(path.steps.get(1), Some(crate::template::Step::Name(name)) if &**name == "now")
}

fn finish(setting: &Setting, mut pass: Pass<'_>, standings: BTreeMap<Arc<str>, Standing>) -> Plan {
    without_ledger(setting, &mut pass.steps, &standings);
    let mut rests_on = pass.facts();
    rests_on.extend(pass.lists.iter().map(|(path, list)| (drift::of_loop(path), list.clone())));
    rests_on.append(&mut pass.inner_facts);
    let text_hash = Sha256::digest(setting.source.text().as_bytes()).iter().map(|b| format!("{b:02x}")).collect();
    Plan {
        playbook: setting.playbook.name.text.clone(),
        version: setting.playbook.version,
        title: setting.playbook.title.text.clone(),
        text_hash,
        params: setting.params.clone(),
        environment: setting.environment.clone(),
        targets: setting.identities(&standings),
        at: setting.world.now(),
        items: vec![ItemPlan {
            key: setting.about.key.clone(),
            steps: pass.steps,
            stop: pass.stop,
            rests_on,
            item: setting.about.value.clone(),
            lane: None,
        }],
        many: None,
    }
}

/// A plan can be made without the ledger that the project file speaks of; its steps say that it cannot be applied.
fn without_ledger(setting: &Setting, steps: &mut [StepPlan], standings: &BTreeMap<Arc<str>, Standing>) {
    for step in steps.iter_mut().filter(|step| step.foreseen.acts()) {
        let changes =
            step.effects.iter().filter_map(|e| if let Effect::Rows { changes, .. } = e { Some(changes) } else { None });
        let connections: BTreeSet<&Arc<str>> = changes.flatten().map(|c| &c.table.connection).collect();
        let missing = connections.into_iter().filter(|name| {
            setting.database(name).is_some_and(Database::ledger) && standings.get(*name).is_some_and(|s| !s.has_ledger)
        });
        let notes: Vec<String> = missing
            .map(|name| {
                format!("`{name}` has no ledger table yet, and apply refuses until `trueup connection prepare {name}` has run")
            })
            .collect();
        step.notes.extend(notes);
    }
}
