//! What a case is played on: databases, mocks and a project file of its own, and the comparison with what is expected.

use super::{
    Opening,
    happened::{Judged, words},
    workers::Workers,
};
use crate::{
    base::{
        diagnostic::Diagnostics,
        identity::RunId,
        secret::{Masks, Secret},
        value::Value,
        world::World,
        yaml,
    },
    connection::{
        database::Database,
        fault::Fault,
        sidekiq::{Jobs, SidekiqSettings},
    },
    effect::change::{RowChange, TableName},
    engine::setting::Reached,
    journal::words::End,
    mock::{Behind, Credentials, Mock, Running, program::Played, redis::Queues},
    ops::{
        Failure, Surroundings,
        behind::{Databases, Later},
        plan,
        project::{self, Opened},
        record, states,
        undo::{self, Wish},
    },
    plan::{Plan, item::Reversal},
    table::facts::Facts,
    trial::{
        bench::{Bench, Place},
        calls::Request,
        compare::{OUTCOME, compare, unlooked},
        given::{self, Answers, Start},
        jobs,
        model::{Case, Proof},
        proof,
        report::Problem,
        snapshot::{self, Snapshot},
        stage::{self, Double, Key},
    },
};
use indexmap::IndexMap;
use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    path::{Path, PathBuf},
    sync::{Arc, atomic::AtomicBool},
};

/// A folder that goes when this goes.
pub(super) struct Folder(pub(super) PathBuf);

impl Folder {
    pub(super) fn make(path: &Path) -> Result<Folder, Failure> {
        std::fs::create_dir_all(path).map_err(|e| Failure::usage(format!("{} cannot be made: {e}", path.display())))?;
        Ok(Folder(path.to_owned()))
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// What a case is played on.
pub(super) struct Scene {
    pub(super) surroundings: Surroundings,
    pub(super) opened: Opened,
    databases: HashMap<Arc<str>, Database>,
    workers: Workers,
    /// Each with the connections that it plays: those that are given the same file share one.
    pub(super) mocks: Vec<(Vec<Arc<str>>, Running)>,
    programs: Arc<HashMap<Arc<str>, Arc<Played>>>,
    jobs: HashMap<Arc<str>, Jobs>,
    /// What stands for Redis, and how jobs are written there.
    pub(super) queues: HashMap<Arc<str>, (Queues, SidekiqSettings)>,
    pub(super) start: Start,
    _folder: Folder,
}

pub(super) type Staged<T> = Result<T, Problem>;

pub(super) fn broken(expected: &str, found: impl Into<String>) -> Problem {
    Problem::new("the case cannot be played", expected, found)
}

pub(super) fn fault(fault: Fault) -> Problem {
    broken("databases that answer", format!("{fault}; {}", fault.help()))
}

fn refused(failure: &Failure) -> Problem {
    broken("a project and a playbook that can be used", words(failure).join("\n"))
}

impl Scene {
    pub(super) async fn set(
        opening: &Opening,
        bench: &Bench,
        case: &Case,
        folder: &Path,
        reached: Reached,
    ) -> Staged<Scene> {
        let start = Start::of(&opening.file, case, &opening.opened.project);
        let folder = Folder::make(folder).map_err(|f| refused(&f))?;
        for (name, text) in &start.files {
            std::fs::write(folder.0.join(name), text)
                .map_err(|e| broken("files of the case", format!("{name}: {e}")))?;
        }
        let world = World::fixed(opening.file.start());
        let workers = Workers::default();
        let mut variables = HashMap::new();
        let mut doubles = Vec::new();
        let mut mocks: Vec<(Vec<Arc<str>>, Running)> = Vec::new();
        let (mut queues, mut programs) = (HashMap::new(), HashMap::new());
        // The databases are known once the case's project file is written, which needs the mocks' addresses.
        let behind = Arc::new(Later::default());
        let mut files: HashMap<String, usize> = HashMap::new();
        for (name, connection) in opening.opened.project.connections.iter() {
            let name: Arc<str> = name.into();
            if connection.sidekiq.is_some() {
                let environment = opening.environment();
                let (environment, _) = opening
                    .opened
                    .project
                    .environment(environment.as_deref())
                    .map_err(|e| broken("an environment", e))?;
                let Some(settings) = connection.sidekiq_in(environment) else { continue };
                let empty = IndexMap::new();
                let given = start.rows.get(&name).unwrap_or(&empty);
                let store = jobs::start(&name, given, &settings, opening.file.start())?;
                let running = Queues::start(store, world.clone()).await;
                let running = running.map_err(|e| broken("a stand-in for Redis that listens", e.to_string()))?;
                doubles.push((name.clone(), Double::Jobs(running.url())));
                queues.insert(name, (running, settings));
                continue;
            }
            if connection.command.is_some() {
                let runs = start.programs.get(&name).cloned().unwrap_or_default();
                let behind: Arc<dyn Behind> = behind.clone();
                programs.insert(name.clone(), Arc::new(Played::new(name, runs, Some(behind))));
                continue;
            }
            if connection.http.is_none() {
                let place = bench.fresh(&name, &folder.0).await.map_err(fault)?;
                let variable = format!("TRUEUP_TEST_DATABASE_{}", doubles.len());
                let (kind, settings) = place.settings(&variable);
                if let Place::Server(url) | Place::MysqlServer(url) = place {
                    variables.insert(variable, url.reveal().to_owned());
                }
                doubles.push((name, Double::Database(kind, settings)));
            } else {
                let file = match start.apis.get(&name) {
                    Some(Answers::File(word)) => Some(word.as_str().to_owned()),
                    _ => None,
                };
                let index = match file.as_ref().and_then(|file| files.get(file)) {
                    Some(index) => *index,
                    None => {
                        mocks.push((Vec::new(), opening.mock(&name, &start, &world, behind.clone()).await?));
                        files.extend(file.map(|file| (file, mocks.len() - 1)));
                        mocks.len() - 1
                    }
                };
                let (names, running) = &mut mocks[index];
                names.push(name.clone());
                let variable = format!("TRUEUP_TEST_KEY_{}", doubles.len());
                let credentials = running.credentials().map(|credentials| match credentials {
                    Credentials::Header { name, value } => {
                        variables.insert(variable.clone(), value);
                        Key::Header { name, variable }
                    }
                    Credentials::Client { path, id, secret } => {
                        variables.insert(variable.clone(), secret);
                        Key::Client { token_url: format!("{}{path}", running.url()), id, variable }
                    }
                });
                doubles.push((name, Double::Api { url: running.url(), credentials }));
            }
        }
        let programs = Arc::new(programs);
        let surroundings =
            surroundings(workers.in_pauses_of(&world), variables, folder.0.clone(), reached, programs.clone());
        let opened = opening.staged(&surroundings, &doubles)?;
        let environment = opening.environment();
        let (environment, _) =
            opened.project.environment(environment.as_deref()).map_err(|e| broken("an environment", e))?;
        let databases = plan::databases(&surroundings, &opened, environment).map_err(|f| refused(&f))?;
        let all = Databases::new(opened.project.clone(), databases.clone());
        behind.tell(all.clone());
        let jobs = plan::jobs(&surroundings, &opened, environment, |_| true).map_err(|f| refused(&f))?;
        let given = start.workers.iter().filter_map(|(name, given)| Some((given.clone(), jobs.get(name)?.clone())));
        workers.hire(given.collect(), &all, &world);
        let mut scene =
            Scene { surroundings, opened, databases, workers, mocks, programs, jobs, queues, start, _folder: folder };
        scene.fill(opening).await?;
        Ok(scene)
    }

    /// Inserts the given rows, in the order of the file; those of tables that hold names of enum columns first, because the other
    /// rows are written with these names.
    async fn fill(&mut self, opening: &Opening) -> Staged<()> {
        let project = self.opened.project.clone();
        let holds_names = |name: &TableName| {
            let tables = project.tables().filter(|(table, _)| table.connection == name.connection);
            let from =
                |facts: &Facts| facts.enums.iter().filter_map(|(_, names)| names.from.clone()).collect::<Vec<_>>();
            tables.flat_map(|(_, facts)| from(facts)).any(|from| from.from.as_str() == &*name.table)
        };
        self.fill_tables(opening, &holds_names).await?;
        let given = |table: &TableName, from: &str| {
            self.start.rows.get(&table.connection).is_some_and(|tables| tables.contains_key(from))
        };
        let wanted = |table: &TableName| {
            let facts = project.facts(table);
            let mut from =
                facts.iter().flat_map(|facts| facts.enums.iter()).filter_map(|(_, names)| names.from.as_ref());
            from.all(|from| given(table, from.from.as_str()))
        };
        let read = states::read(project.clone(), &self.databases, wanted).await;
        self.opened.project = read.map_err(|failure| refused(&failure))?;
        self.fill_tables(opening, &|name| !holds_names(name)).await
    }

    async fn fill_tables(&self, opening: &Opening, now: &dyn Fn(&TableName) -> bool) -> Staged<()> {
        for (connection, tables) in self.start.rows.iter().filter(|(name, _)| !self.jobs.contains_key(*name)) {
            let named = |table: &Arc<str>| TableName { connection: connection.clone(), table: table.clone() };
            let tables: Vec<_> = tables.iter().filter(|(table, _)| now(&named(table))).collect();
            if tables.is_empty() {
                continue;
            }
            let database = self.database(connection)?;
            let mut writing = database.writing().await.map_err(fault)?;
            for (table, rows) in tables {
                let mut catalogue = writing.catalogue(Some(&[table])).await.map_err(fault)?;
                let columns = catalogue
                    .swap_remove(table)
                    .ok_or_else(|| broken("a table that is there", format!("{connection} has no table {table}")))?;
                let name = named(table);
                for row in rows {
                    let facts = self.opened.project.facts(&name);
                    given::insert(&mut writing, &name, row, facts, &columns, opening.file.start()).await?;
                }
            }
            writing.commit().await.map_err(fault)?;
        }
        Ok(())
    }

    pub(super) fn database(&self, connection: &str) -> Staged<&Database> {
        self.databases.get(connection).ok_or_else(|| broken("a database", format!("`{connection}` is none")))
    }

    pub(super) async fn snapshot(&self) -> Staged<Snapshot> {
        self.workers.at_rest().await;
        for program in self.programs.values() {
            program.at_rest().await;
        }
        let mut snapshot = snapshot::take(&self.databases, &self.opened.project).await.map_err(fault)?;
        jobs::add(&mut snapshot, &self.jobs).await.map_err(fault)?;
        Ok(snapshot)
    }

    /// Workers take jobs here.
    pub(super) fn has_workers(&self) -> bool {
        self.workers.are_there()
    }

    /// Everything as it is some time after the run: the workers are through with what was due.
    pub(super) async fn later(&self) -> Staged<Snapshot> {
        self.workers.go_on(&self.surroundings.world).await;
        self.snapshot().await
    }

    /// Calls of APIs and of programs, by connection.
    fn sent(&self) -> IndexMap<Arc<str>, Vec<Request>> {
        let logs = self.mocks.iter().flat_map(|(names, running)| names.iter().map(|n| (n.clone(), running.log())));
        let mut sent: IndexMap<_, Vec<Request>> =
            logs.map(|(name, log)| (name, log.iter().map(Request::from).collect())).collect();
        let programs = self.programs.iter().map(|(name, played)| (name.clone(), played.log()));
        sent.extend(programs.map(|(name, log)| (name, log.iter().map(Request::from).collect())));
        sent
    }

    /// The connections of each mock, and after them each program: in the order in which effects are counted.
    pub(super) fn outside(&self) -> Vec<Vec<Arc<str>>> {
        let mocks = self.mocks.iter().map(|(names, _)| names.clone());
        let programs = self.programs.keys().collect::<BTreeSet<_>>();
        mocks.chain(programs.into_iter().map(|name| vec![name.clone()])).collect()
    }

    /// Real changes behind each API, and by each program.
    pub(super) fn effects(&self) -> Vec<usize> {
        // A mock may remember that somebody looked; that is no change.
        let changes =
            |mock: &Running| mock.log().iter().filter(|l| l.effect && !matches!(&*l.method, "GET" | "HEAD")).count();
        let apis = self.mocks.iter().map(|(_, mock)| changes(mock));
        let programs = self.programs.iter().collect::<BTreeMap<_, _>>();
        apis.chain(programs.values().map(|played| played.log().iter().filter(|one| one.effect).count())).collect()
    }

    /// How often something was made behind each API: another call may come to the same as before.
    pub(super) fn made(&self) -> Vec<usize> {
        let posts = |mock: &Running| mock.log().iter().filter(|l| l.effect && l.method == "POST").count();
        self.mocks.iter().map(|(_, mock)| posts(mock)).collect()
    }

    /// Plays the case, and makes the proofs that need nothing but what it left. With `tortured` these are made of every case
    /// that changes something, whether its author asked for them or not.
    pub(super) async fn play(
        &self,
        opening: &Opening,
        case: &Case,
        proofs: &[Proof],
        tortured: bool,
    ) -> Staged<Judged> {
        let before = self.snapshot().await?;
        let mut happened = self.run(opening, case, &before).await?;
        happened.0.sent = self.sent();
        let (happened, before) = happened;
        let after = self.snapshot().await?;
        let mut problems = compare(&case.expect, &happened, &before, &after, &self.opened.project);
        let unlooked = unlooked(&case.expect, &happened, &before, &after);
        if happened.plan.is_none() && happened.end.is_none() && case.expect.outcome.is_some() {
            // It was refused before anything: whatever else is not as expected follows from that.
            problems.retain(|problem| problem.what == OUTCOME);
            return Ok(Judged { problems, ..Judged::default() });
        }
        let mut proofs = proofs.to_vec();
        if tortured && case.between.is_none() && happened.end == Some(End::Changed) {
            proofs.extend([
                Proof::KillEverywhere,
                Proof::LoseEveryAnswer,
                Proof::TwoAtOnce,
                Proof::ApplyTwiceUnchanged,
            ]);
            if happened.plan.as_ref().is_some_and(can_be_undone) {
                proofs.push(Proof::UndoRestores);
            }
            proofs.sort();
            proofs.dedup();
        }
        for proof in &proofs {
            match proof {
                Proof::PreviewEqualsApply => match &happened.plan {
                    Some(plan) => {
                        // A job is no row: the preview shows it as what is sent.
                        let rows = after.since(&before).into_iter();
                        let rows = rows.filter(|change| !self.jobs.contains_key(&change.table.connection)).collect();
                        problems.extend(proof::preview_equals_apply(plan, &happened.all(rows)))
                    }
                    None => problems.push(Problem::new(proof.word(), "a preview", "there is none")),
                },
                Proof::ApplyTwiceUnchanged => {
                    let strict = case.also.contains(proof);
                    problems.extend(self.again(opening, case, (&happened, &after), strict).await?)
                }
                // Last, whatever the order: it takes away what the others look at.
                Proof::UndoRestores => {}
                // On systems of their own.
                Proof::KillEverywhere | Proof::LoseEveryAnswer | Proof::TwoAtOnce => {}
            }
        }
        let faults = self.workers.faults().into_iter();
        problems.extend(faults.map(|why| Problem::new("the worker", "jobs that it can do", why)));
        if proofs.contains(&Proof::UndoRestores) {
            problems.extend(match happened.run {
                Some(run) => self.undone(run, &before).await?,
                None => vec![Problem::new(Proof::UndoRestores.word(), "a run to take back", "nothing was applied")],
            });
        }
        Ok(Judged { problems, proofs, unlooked })
    }

    /// The proof that an undo brings back what was there before.
    async fn undone(&self, run: RunId, before: &Snapshot) -> Staged<Vec<Problem>> {
        let what = Proof::UndoRestores.word();
        let pause = AtomicBool::new(false);
        let wish = Wish { actor: Some("tester".into()), ..Wish::default() };
        let taken_back = async {
            let opened = project::open(&self.surroundings, Some(&self.opened.root))?;
            let record = record::open(&self.surroundings, &opened).await?;
            let state = record.state(run).await?;
            let ready = undo::prepare(&self.surroundings, &record, &opened, run, &wish).await?;
            let plan = undo::plan(&ready, &|_| {}).await?;
            let carried = undo::undo(&self.surroundings, &record, &ready, &plan, &wish, &|_| {}, &pause).await?;
            record.journal.close().await?;
            Ok::<_, Failure>((state, carried))
        };
        let (state, carried) = match taken_back.await {
            Ok(done) => done,
            Err(failure) => return Ok(vec![Problem::new(what, "an undo", words(&failure).join("\n"))]),
        };
        let mut problems = Vec::new();
        if !matches!(carried.state.end(), End::Changed | End::Unchanged) {
            let reason = carried.state.closed.and_then(|closed| closed.reason).unwrap_or_default();
            problems.push(Problem::new(what, End::Changed.word(), reason));
        }
        let steps = state.items.values().flat_map(|item| item.steps.values());
        let also = steps.flat_map(|step| &step.also).map(|table| table.to_string()).collect();
        // A job that a worker took is gone, or lies elsewhere: that is the worker's doing, as a row is that somebody else has changed.
        let taken = |change: &RowChange| {
            let jid = change.key.get("jid").map(|jid| jid.bare().into_owned());
            self.jobs.contains_key(&change.table.connection) && jid.is_some_and(|jid| self.workers.took(&jid))
        };
        let left: Vec<RowChange> =
            self.snapshot().await?.since(before).into_iter().filter(|change| !taken(change)).collect();
        problems.extend(proof::undo_restores(&left, &self.opened.project, &also));
        Ok(problems)
    }

    /// Ends the mocks; nothing listens when this returns.
    pub(super) async fn strike(self) {
        for (_, running) in self.mocks {
            running.shutdown().await;
        }
    }
}

impl Opening {
    async fn mock(&self, name: &Arc<str>, start: &Start, world: &World, behind: Arc<Later>) -> Staged<Running> {
        let mut mock = match start.apis.get(name) {
            Some(Answers::File(word)) => {
                let source = project::read(&self.folder.join(word.as_str()), yaml::DATA_LIMITS, &self.folder)
                    .map_err(|f| refused(&f))?;
                let mut problems = Diagnostics::new(source.clone());
                let mock = Mock::parse(&source, &mut problems);
                mock.ok_or_else(|| refused(&Failure::Texts(vec![problems])))?
            }
            Some(Answers::Routes(routes)) => given::mock(name, routes.clone()),
            // Every call of an API that the case says nothing of is answered with 404, and stands in the log.
            None => given::mock(name, Vec::new()),
        };
        // Connections that share a mock share its troubles, whichever of them names them.
        let shares = |other: &Arc<str>| {
            other == name || start.apis.get(other).is_some_and(|a| a.same_file(start.apis.get(name)))
        };
        let troubles = start.troubles.iter().filter(|(other, _)| shares(other));
        mock.troubles.splice(0..0, troubles.flat_map(|(_, troubles)| troubles.clone()));
        // Cases are played at the same time, and somebody may have the file's own port.
        let mock = Mock { listen: None, ..mock };
        mock.start_with(world.clone(), None, Some(behind))
            .await
            .map_err(|e| broken("a mock that listens", format!("failed to {e}")))
    }

    /// Writes the case's project file and opens it as any other.
    fn staged(&self, surroundings: &Surroundings, doubles: &[(Arc<str>, Double)]) -> Staged<Opened> {
        let source = &self.opened.source;
        let mut problems = Diagnostics::new(source.clone());
        let original = yaml::parse(source, yaml::LIMITS, &mut problems).map(|node| node.value()).unwrap_or(Value::NULL);
        let playbooks = self.opened.playbooks();
        let playbooks = std::path::absolute(&playbooks).unwrap_or(playbooks);
        let text = stage::project(&original, &playbooks.display().to_string(), doubles);
        let path = surroundings.folder.join(project::FILE);
        std::fs::write(&path, text).map_err(|e| broken("a project file", format!("{}: {e}", path.display())))?;
        project::open(surroundings, Some(&path)).map_err(|f| refused(&f))
    }
}

/// Secrets have invented values: a test needs none of the real ones.
fn surroundings(
    world: World,
    variables: HashMap<String, String>,
    folder: PathBuf,
    reached: Reached,
    played: Arc<HashMap<Arc<str>, Arc<Played>>>,
) -> Surroundings {
    let masks = Masks::default();
    variables.values().for_each(|value| masks.add(&Secret::new(value.as_str())));
    let variable = move |name: &str| Some(variables.get(name).cloned().unwrap_or_else(|| format!("invented-{name}")));
    Surroundings {
        world,
        variable: Arc::new(variable),
        folder,
        masks,
        reached,
        notes: Default::default(),
        played,
        trace: Default::default(),
        witness: Default::default(),
        // What a test cuts off is over at once: nothing of it goes on elsewhere.
        workers: Default::default(),
        given_again: Default::default(),
    }
}

/// No step of the plan says that it cannot be taken back.
fn can_be_undone(plan: &Plan) -> bool {
    let steps = plan.items.iter().flat_map(|item| &item.steps);
    !steps.filter_map(|step| step.undo.as_ref()).any(|undo| matches!(undo, Reversal::Irreversible(_)))
}
