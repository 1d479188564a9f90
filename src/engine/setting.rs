//! Everything that planning and applying one playbook need, put together by `ops`: nothing here looks anything up.

pub use super::reached::Reached;

use super::{
    fleet::workers::Workers,
    grounds::{AtHand, Grounds},
    outgoing::{tell::Reach, turns::Turns},
    outline::{self, Outline},
    sets::built::Built,
    veil::Veil,
};
use crate::{
    action::{kinds::Act, resolve::Known, resource::ResourceKind, step::Step},
    base::{
        identity::{RunId, SINGLE_ITEM},
        seal::Sealer,
        secret::Masks,
        source::Source,
        time::Stamp,
        value::{Data, Map, Marks, Value},
        world::World,
    },
    check::{self, Checked},
    connection::{
        database::Database,
        fault::Fault,
        http::Api,
        program::{Program, ProgramSettings},
        reference::Setting as Address,
        session::Session,
        sidekiq,
        standing::Standing,
    },
    effect::change::TableName,
    playbook::{model::Playbook, project::Project},
    read::find::Shared,
    table::facts::Facts,
    targets::model::Source as Items,
    template::{
        self, Dialect, Scope,
        scope::{Entry, Vars},
    },
};
use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    path::PathBuf,
    sync::{Arc, OnceLock},
};

/// Who runs it, why, and when: fixed when the run is made.
#[derive(Clone, Debug)]
pub struct RunFacts {
    /// The run.
    pub id: RunId,
    /// Who.
    pub actor: Arc<str>,
    /// Why.
    pub reason: Arc<str>,
    /// `run.now`.
    pub now: Stamp,
}

/// Where files are looked for, and where the rows of a source are put aside while they are worked on.
#[derive(Clone)]
pub struct Workplace {
    /// Where relative paths start.
    pub folder: PathBuf,
    /// Takes what does not fit into memory.
    pub aside: PathBuf,
    /// Seals it.
    pub sealer: Sealer,
}

/// Which part of a playbook is meant.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Part {
    /// All of it: a single record.
    #[default]
    Whole,
    /// What is done once for all items.
    Once,
    /// What is done for each item.
    Each,
}

/// How a connection leads elsewhere than it did.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Elsewhere {
    /// To another API or Redis: where its address comes from.
    Service(Option<String>),
    /// What of a program is not as it was, and what to do about it.
    Program(Vec<String>),
}

/// What a setting is about, where a playbook has many items.
#[derive(Clone, Debug)]
pub struct OneItem {
    /// Canonical text of its key.
    pub key: Arc<str>,
    /// `item`.
    pub value: Option<Value>,
    /// Results of what was done once for all items.
    pub once: Arc<Vec<(Arc<str>, Entry)>>,
    /// Which steps are done.
    pub part: Part,
    /// `run.items`, once it is known: how many items ended how.
    pub counts: Option<Value>,
}

impl Default for OneItem {
    fn default() -> OneItem {
        OneItem { key: SINGLE_ITEM.into(), value: None, once: Arc::default(), part: Part::Whole, counts: None }
    }
}

/// One playbook, its surroundings, and the systems it may reach. Cheap to clone: one for each of many items.
#[derive(Clone)]
pub struct Setting {
    /// What passed the checks.
    pub checked: Checked,
    /// The playbook.
    pub playbook: Arc<Playbook>,
    /// Its text.
    pub source: Arc<Source>,
    /// Its steps as a flat list.
    pub outline: Outline,
    /// The project file.
    pub project: Arc<Project>,
    /// Name of the environment.
    pub environment: Arc<str>,
    /// Databases by name.
    pub databases: Arc<HashMap<Arc<str>, Database>>,
    /// APIs by name.
    pub apis: Arc<HashMap<Arc<str>, Api>>,
    /// Background jobs by the name of their connection.
    pub jobs: Arc<HashMap<Arc<str>, sidekiq::Jobs>>,
    /// Programs by name.
    pub programs: HashMap<Arc<str>, Program>,
    /// Clock and identifiers.
    pub world: World,
    /// The run.
    pub run: RunFacts,
    /// Parameters, accepted.
    pub params: Map,
    /// How people are reached who are not told by hand.
    pub people: Arc<HashMap<Arc<str>, Reach>>,
    /// Every secret in use: what leaves for people is masked once more.
    pub masks: Masks,
    /// Which parts of the playbook were gone through: for the report of tests.
    pub reached: Reached,
    /// What its steps wrote that is hidden wherever it stands.
    pub veil: Veil,
    /// The plan is kept in a file: who carries it out, and why, may be said anew then.
    pub saved: bool,
    /// Many items go one by one, although they could go in sets.
    pub one_by_one: bool,
    /// Where sets of many items are carried out.
    pub workers: Workers,
    /// Of many items that go in sets: who of them may call an API now.
    pub turns: Option<Arc<Turns>>,
    /// Which item it is about.
    pub about: OneItem,
    /// Where files are and rows are put aside; nothing where there is no source to be read.
    pub workplace: Option<Workplace>,
    /// What stands behind the connections, where somebody has looked already.
    pub standings: Option<Arc<BTreeMap<Arc<str>, Standing>>>,
    /// How the tables are built that the items of a run over many touch, once that was asked.
    pub built: Arc<OnceLock<Result<Built, Fault>>>,
    /// What is known of tables, where it is one of many items.
    pub grounds: Option<Arc<Grounds>>,
    /// What was read of tables a moment ago, where it is a single record.
    pub at_hand: Arc<AtHand>,
    /// Of a playbook with a lifecycle: its states, each with its place in the order: `run.states`.
    pub states: Arc<Vec<(Arc<str>, Value)>>,
    /// The playbooks that it calls, by their names.
    pub called: Arc<HashMap<Arc<str>, Arc<Playbook>>>,
    inner: Inner,
    /// What [`Setting::scope`] gives, where many ask for it.
    known: Option<Scope>,
    /// Some step looks again at a row that it has (`trainee.now`).
    pub(super) rereads: bool,
    /// The table of which each item is a row, and what the texts look at of it.
    pub(super) rows_of: Option<(TableName, Arc<Looked>)>,
    vars: Arc<Vars>,
    once: Arc<BTreeSet<Arc<str>>>,
}

/// The settings of the called playbooks, made when the first one is entered. A copy makes its own: what differs in it, differs there.
#[derive(Default)]
struct Inner(OnceLock<HashMap<Arc<str>, Setting>>);

impl Clone for Inner {
    fn clone(&self) -> Inner {
        Inner::default()
    }
}

fn vars_of(playbook: &Playbook) -> Arc<Vars> {
    Arc::new(playbook.vars.entries.iter().map(|(word, datum)| (word.text.clone(), datum.tree.clone())).collect())
}

/// What is looked at of a row, each with whether only the source does so.
type Looked = Vec<(template::Path, bool)>;

/// The table of which the items are rows.
fn rows_of(playbook: &Playbook) -> Option<TableName> {
    match &playbook.targets.as_ref()?.from.source {
        Items::Find(find) => TableName::parse(find.table.as_str()),
        Items::Query(query) => TableName::parse(query.of_table.as_ref()?.as_str()),
        _ => None,
    }
}

impl Setting {
    /// Puts a setting together.
    #[allow(clippy::too_many_arguments, reason = "one constructor for a plain record; each argument has its own type")]
    pub fn new(
        checked: Checked,
        environment: Arc<str>,
        databases: HashMap<Arc<str>, Database>,
        apis: HashMap<Arc<str>, Api>,
        world: World,
        run: RunFacts,
        params: Map,
    ) -> Setting {
        let (playbook, source, project) =
            (checked.playbook().clone(), checked.source().clone(), checked.project().clone());
        let (vars, called) = (vars_of(&playbook), checked.called().clone());
        let outline = Outline::of(&playbook, &called);
        let once = check::once::of(&playbook).into_iter().filter_map(|(section, index)| {
            let (_, steps) = playbook.sections().into_iter().find(|(word, _)| *word == section)?;
            Some(outline::path(section, &steps[index], index))
        });
        let once = Arc::new(once.collect());
        let rereads = check::again::any(&playbook);
        let rows_of = rows_of(&playbook).map(|table| (table, Arc::new(check::looked::of_rows(&playbook))));
        Setting {
            checked,
            playbook,
            source,
            outline,
            project,
            environment,
            databases: Arc::new(databases),
            apis: Arc::new(apis),
            jobs: Arc::default(),
            programs: HashMap::new(),
            world,
            run,
            params,
            people: Arc::default(),
            masks: Masks::default(),
            reached: Reached::default(),
            veil: Veil::default(),
            saved: false,
            one_by_one: false,
            workers: Workers::default(),
            turns: None,
            about: OneItem::default(),
            workplace: None,
            standings: None,
            built: Arc::default(),
            grounds: None,
            at_hand: Arc::default(),
            states: Arc::default(),
            called,
            inner: Inner::default(),
            known: None,
            rereads,
            rows_of,
            vars,
            once,
        }
    }

    /// The same for one item, or for what is done once for all.
    pub fn about(&self, about: OneItem) -> Setting {
        if about.part == self.about.part {
            // It has the steps of this part already.
            return Setting { about, veil: Veil::default(), ..self.clone() };
        }
        let mut setting = Setting { about, veil: Veil::default(), known: None, ..self.clone() };
        let mut nodes = Arc::unwrap_or_clone(std::mem::take(&mut setting.outline.nodes));
        nodes.retain(|node| setting.concerns(&node.path(node.section.word())));
        setting.outline.nodes = Arc::new(nodes);
        setting
    }

    /// The same with the steps of another way to go through it: of a run that takes one back.
    pub fn set_outline(&mut self, outline: Outline) {
        // Settings of calls that were looked at before know the old one. What the source said was so before the run that is taken back.
        (self.outline, self.inner, self.rows_of) = (outline, Inner::default(), None);
    }

    /// The setting of a called playbook: its own names of steps, `uses`, `vars` and `errors`, in the same surroundings. Of none it is
    /// this one.
    pub fn of_call(&self, playbook: Option<&str>) -> &Setting {
        let Some(playbook) = playbook else { return self };
        self.inner.0.get_or_init(|| self.inner_ones()).get(playbook).unwrap_or(self)
    }

    fn inner_ones(&self) -> HashMap<Arc<str>, Setting> {
        let one = |playbook: &Arc<Playbook>| Setting {
            playbook: playbook.clone(),
            vars: vars_of(playbook),
            rereads: check::again::any(playbook),
            // Rows are counted by their place in their own table.
            reached: Reached::default(),
            known: None,
            ..self.clone()
        };
        self.called.iter().map(|(name, playbook)| (name.clone(), one(playbook))).collect()
    }

    /// What a called playbook knows at its beginning.
    pub fn scope_of_call(&self, facts: &RunFacts, playbook: &str, params: Value) -> Scope {
        self.scope_of(facts).with("params", params).with_vars(self.of_call(Some(playbook)).vars.clone())
    }

    /// The step at this path is done in the part that is meant: once, or for each item.
    pub fn concerns(&self, path: &str) -> bool {
        let top = path.match_indices('/').nth(1).map_or(path, |(at, _)| &path[..at]);
        match self.about.part {
            Part::Whole => true,
            Part::Once => self.once.contains(top),
            Part::Each => !self.once.contains(top),
        }
    }

    /// Something of the playbook is done once for all items.
    pub fn has_once(&self) -> bool {
        !self.once.is_empty()
    }

    /// The names that every step sees: `params`, `run`, `env`, `vars`, and the clock.
    pub fn scope(&self) -> Scope {
        self.known.clone().unwrap_or_else(|| self.scope_of(&self.run))
    }

    /// What many items have in common, to be asked for [`about`](Setting::about) each of them: put together once.
    pub fn about_many(&self) -> Setting {
        let common = self.about(OneItem { part: Part::Each, ..OneItem::default() });
        Setting { known: Some(common.scope()), ..common }
    }

    /// What the run knows at its beginning.
    pub fn beginning(&self) -> Scope {
        let mut scope = self.outline.scope.clone().unwrap_or_else(|| self.scope());
        if let Some(value) = &self.about.value {
            scope.insert("item", value.clone());
        }
        for (name, entry) in self.about.once.iter() {
            scope.insert_entry(name.clone(), entry.clone());
        }
        scope
    }

    /// The same names with another run's facts: the one that an undo takes back.
    pub fn scope_of(&self, facts: &RunFacts) -> Scope {
        // What differs between plan and apply without being drift is marked as what comes from the clock.
        let by_whoever = if self.saved { Marks::CLOCK } else { Marks::NONE };
        // How the items ended is known when all of them are over.
        let items = (self.about.part == Part::Once)
            .then(|| ("items", self.about.counts.clone().unwrap_or_else(Value::unknown)));
        let run = [
            ("id", Value::text(facts.id.short()).marked(by_whoever)),
            ("uuid", Value::from(Data::Uuid(facts.id.0)).marked(Marks::CLOCK)),
            ("actor", Value::text(facts.actor.clone()).marked(by_whoever)),
            ("reason", Value::text(facts.reason.clone()).marked(by_whoever)),
            ("environment", Value::text(self.environment.clone())),
            ("now", Value::from(Data::Instant(facts.now)).marked(Marks::CLOCK)),
        ];
        let states = (!self.states.is_empty())
            .then(|| ("states", Value::map(self.states.iter().map(|(name, order)| (name.clone(), order.clone())))));
        let run = Value::map(run.into_iter().chain(items).chain(states));
        let vars = self.project.environments.get(&self.environment).map(|e| &e.vars);
        let env = Value::map(vars.into_iter().flat_map(|v| v.iter()).map(|(k, v)| (k, v.clone())));
        Scope::new()
            .with("params", self.params.clone().into())
            .with("run", run)
            .with("env", env)
            .with_vars(self.vars.clone())
            .with_now(facts.now)
    }

    /// The database of a name; check has made sure that it is declared.
    pub fn database(&self, name: &str) -> Option<&Database> {
        self.databases.get(name)
    }

    /// The databases that this playbook may write to.
    pub fn written(&self) -> impl Iterator<Item = &Database> {
        self.databases.values().filter(|database| self.may_write(database.name()))
    }

    /// The playbook declares this connection under `uses`.
    pub fn may_touch(&self, name: &str) -> bool {
        self.playbook.uses.get(name).is_some()
    }

    /// The playbook may write to this database.
    pub fn may_write(&self, name: &str) -> bool {
        self.playbook.uses.get(name).is_some_and(|u| !u.write.is_empty())
    }

    /// What stands behind a connection: which database, and how the tables are built that the playbook names. With
    /// `ledger`, also the id in its ledger.
    pub async fn standing(&self, session: &mut Session, ledger: bool) -> Result<Standing, Fault> {
        let uses = self.playbook.uses.get(session.name());
        let tables: BTreeSet<&str> =
            uses.into_iter().flat_map(|u| u.read.iter().chain(&u.write)).map(|word| word.as_str()).collect();
        let tables: Vec<&str> = tables.into_iter().collect();
        let ledger = ledger && self.database(session.name()).is_some_and(Database::ledger);
        session.standing(&tables, ledger).await
    }

    /// What stood behind the connections, as a plan and its run keep it: masked at once, as it is where it is compared. A password may be
    /// the name of its database, and then what is kept would be sealed, and come back as something else.
    pub fn identities(&self, standings: &BTreeMap<Arc<str>, Standing>) -> Vec<(Arc<str>, String)> {
        let databases = standings.iter().map(|(name, standing)| (name.clone(), self.masks.apply(&standing.text())));
        let names = self.apis.keys().chain(self.jobs.keys()).chain(self.programs.keys());
        let services = names.filter_map(|name| Some((name.clone(), self.service(name)?.to_owned())));
        databases.chain(services).collect::<BTreeMap<_, _>>().into_iter().collect()
    }

    /// Which service stands behind an `http`, `sidekiq` or `command` connection, where only a reference says so.
    fn service(&self, name: &str) -> Option<&str> {
        let api = self.apis.get(name).and_then(Api::identity);
        let jobs = || self.jobs.get(name).and_then(sidekiq::Jobs::identity);
        api.or_else(jobs).or_else(|| self.programs.get(name).and_then(Program::identity))
    }

    /// Why a connection leads to another service than when `then` was kept; nothing where it does not, or where nothing is known. Of a
    /// program, `today` is what the project file says of it by now.
    pub fn leads_elsewhere(&self, name: &str, then: &str, today: Option<&ProgramSettings>) -> Option<Elsewhere> {
        if let Some(program) = self.programs.get(name) {
            return program.leads_elsewhere(then, today.unwrap_or(program.settings())).map(Elsewhere::Program);
        }
        (self.service(name)? != then).then(|| Elsewhere::Service(self.address_of(name)))
    }

    /// Where the address of such a connection comes from: `the environment variable `BASE``.
    fn address_of(&self, name: &str) -> Option<String> {
        let base = self.apis.get(name).map(|api| &api.settings().base);
        match base.or_else(|| self.jobs.get(name).and_then(|jobs| jobs.settings().url.as_ref()))? {
            Address::Secret(reference) => Some(reference.to_string()),
            Address::Plain(_) => None,
        }
    }

    /// The API of a name.
    pub fn api(&self, name: &str) -> Option<&Api> {
        self.apis.get(name)
    }

    /// The program of a name.
    pub fn program(&self, name: &str) -> Option<&Program> {
        self.programs.get(name)
    }

    /// The step with this id, wherever it stands.
    pub(super) fn step(&self, id: &str) -> Option<&Step> {
        let mut found = None;
        for step in self.playbook.sections().into_iter().flat_map(|(_, steps)| steps) {
            step.each(&mut |one| {
                if found.is_none() && one.id() == Some(id) {
                    found = Some(one);
                }
            });
        }
        found
    }

    /// What is said under `shared` of the row that the step with this id finds.
    pub fn shared(&self, id: &str) -> Option<&Shared> {
        match &self.step(id)?.act {
            Act::Find(find) => find.shared.as_ref(),
            _ => None,
        }
    }

    /// The facts of a table, with the default of nothing declared.
    pub fn facts_of(&self, table: &TableName) -> Option<&Facts> {
        self.project.facts(table)
    }
}

impl Known for Setting {
    fn facts(&self, table: &TableName) -> Option<&Facts> {
        self.project.facts(table)
    }

    fn found_in(&self, id: &str) -> Option<TableName> {
        match &self.step(id)?.act {
            Act::Find(find) => TableName::parse(find.table.as_str()),
            Act::Wait(wait) => match &wait.read.act {
                Act::Find(find) => TableName::parse(find.table.as_str()),
                Act::Query(query) => TableName::parse(query.of_table.as_ref()?.as_str()),
                _ => None,
            },
            Act::Query(query) => TableName::parse(query.of_table.as_ref()?.as_str()),
            Act::Row(row) => match (&row.of, &row.table) {
                (Some(of), _) if of.as_str() != id => self.found_in(of.as_str()),
                (_, Some(table)) => TableName::parse(table.as_str()),
                _ => None,
            },
            _ => None,
        }
    }

    fn resource(&self, name: &str) -> Option<Arc<ResourceKind>> {
        self.project.resources.get(name).cloned().map(Arc::new)
    }

    fn dialect(&self, connection: &str) -> Dialect {
        self.databases.get(connection).map_or(Dialect::Sqlite, Database::dialect)
    }
}
