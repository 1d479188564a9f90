//! `test`: the cases of a `*.test.yaml`, each on databases and mocks of its own, through the same functions that the
//! command line calls: open, load, plan, apply, answer.

use super::{
    Failure, Surroundings,
    apply::{self, Carried},
    behind::{Databases, Later},
    plan::{self, Prepared, Request},
    playbook,
    project::{self, Opened},
    record,
    undo::{self, Wish},
};
use crate::{
    action::ends::Way,
    base::{
        diagnostic::Diagnostics,
        identity::RunId,
        secret::{Masks, Secret},
        source::Source,
        value::Value,
        world::World,
        yaml,
    },
    connection::{
        database::Database,
        fault::Fault,
        ledger::{self, Roles},
        statement::Statement,
    },
    effect::change::TableName,
    engine::{drive::Stopped, resource, setting::Reached, watch::Tick},
    journal::words::End,
    mock::{Credentials, Running},
    plan::Plan,
    report::exit::Exit,
    trial::{
        bench::{Bench, On, Place},
        check,
        compare::{Happened, compare},
        given::{self, Answers, Start},
        model::{Case, Meddling, Proof, TestFile},
        proof,
        report::{CaseReport, Problem, Report, Unreached},
        snapshot::{self, Snapshot},
        stage::{self, Double, Key},
    },
};
use std::{
    collections::HashMap,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError, atomic::AtomicBool},
};

/// A test file that was read without problems.
struct Opening<'a> {
    opened: &'a Opened,
    file: TestFile,
    source: Arc<Source>,
    folder: PathBuf,
    /// Rows of the errors table that some case reached.
    reached: Reached,
}

/// Runs every case of a file, or those whose name contains `only`.
pub async fn run_file(
    surroundings: &Surroundings,
    opened: &Opened,
    path: &Path,
    on: &On,
    only: Option<&str>,
) -> Result<Report, Failure> {
    let opening = open(surroundings, opened, path)?;
    let mark = surroundings.world.id().simple().to_string();
    let folder = Folder::make(&std::env::temp_dir().join(format!("trueup-test-{mark}")))?;
    let bench = Bench::build(on, &folder.0, &mark[20..], opening.scripts(on)?)
        .await
        .map_err(|fault| failed("make the databases of the test", &fault))?;
    let mut cases = Vec::new();
    for (index, case) in
        opening.file.cases.iter().enumerate().filter(|(_, c)| only.is_none_or(|part| c.name.as_str().contains(part)))
    {
        cases.push(one(&opening, &bench, case, index, &folder.0).await);
    }
    bench.clear().await.map_err(|fault| failed("remove the databases of the test", &fault))?;
    // A part of the cases says nothing about the whole table.
    let unreached = if only.is_none() { unreached(surroundings, &opening)? } else { Vec::new() };
    Ok(Report { file: opening.source.name().to_owned(), on: on.word(), cases, unreached })
}

/// The rows of the playbook's errors table that no case reached.
fn unreached(surroundings: &Surroundings, opening: &Opening<'_>) -> Result<Vec<Unreached>, Failure> {
    let loaded = playbook::load(surroundings, opening.opened, opening.file.playbook.as_str())?;
    let (source, errors) = (loaded.checked.source(), &loaded.checked.playbook().errors);
    let missed = errors.iter().enumerate().filter(|(index, _)| !opening.reached.holds(*index));
    Ok(missed
        .map(|(_, row)| Unreached {
            row: row.name.as_ref().map_or("a row without a name", |name| name.as_str()).to_owned(),
            file: source.name_at(row.at.start).to_owned(),
            line: source.place(row.at.start).line,
        })
        .collect())
}

fn failed(what: &str, fault: &Fault) -> Failure {
    Failure::usage(format!("failed to {what}: {fault}")).help(fault.help())
}

fn open<'a>(surroundings: &Surroundings, opened: &'a Opened, path: &Path) -> Result<Opening<'a>, Failure> {
    let path = surroundings.folder.join(path);
    let source = project::read(&path, yaml::DATA_LIMITS, &surroundings.folder)?;
    let mut problems = Diagnostics::new(source.clone());
    let file = TestFile::parse(&source, &mut problems);
    if let Some(file) = &file {
        check::check(file, &opened.project, &mut problems);
    }
    match file {
        Some(file) if problems.errors() == 0 => {
            let folder = path.parent().unwrap_or(Path::new(".")).to_owned();
            Ok(Opening { opened, file, source, folder, reached: Reached::default() })
        }
        _ => Err(Failure::Texts(vec![problems])),
    }
}

impl Opening<'_> {
    /// The tables of each database: `tables.<connection>.<dialect>.sql` where there is one, else `tables.<dialect>.sql`,
    /// else `tables.sql`.
    fn scripts(&self, on: &On) -> Result<Vec<(Arc<str>, String)>, Failure> {
        let folder =
            self.file.tables.as_ref().map_or_else(|| self.opened.root.clone(), |w| self.folder.join(w.as_str()));
        let mut scripts = Vec::new();
        for (name, settings) in self.opened.project.connections.iter().filter(|(_, c)| c.http.is_none()) {
            let names = [
                format!("tables.{name}.{}.sql", on.word()),
                format!("tables.{}.sql", on.word()),
                "tables.sql".to_owned(),
            ];
            let Some(path) = names.iter().map(|n| folder.join(n)).find(|p| p.is_file()) else {
                let failure = Failure::usage(format!("there is no {} in {}", names[1], folder.display()));
                return Err(failure.help(format!(
                    "it makes the tables of `{name}` for each case; `tables:` in the test file names another folder"
                )));
            };
            let mut text = std::fs::read_to_string(&path)
                .map_err(|e| Failure::usage(format!("{} cannot be read: {e}", path.display())))?;
            if settings.ledger == Some(true) {
                text.push_str(&format!(";\n{}", ledger::script(on.dialect(), &Roles::default(), name)));
            }
            scripts.push((name.into(), text));
        }
        Ok(scripts)
    }

    fn environment(&self) -> Option<String> {
        self.file.run.as_ref().and_then(|run| run.environment.as_ref()).map(|w| w.as_str().to_owned())
    }

    fn request(&self, start: &Start) -> Request {
        let run = self.file.run.as_ref();
        let word = |given: Option<&crate::base::shape::Word>, usual: &str| {
            Some(given.map_or(usual, |w| w.as_str()).to_owned())
        };
        Request {
            params: start.params.clone(),
            environment: self.environment(),
            reason: word(run.and_then(|r| r.reason.as_ref()), "a test"),
            actor: word(run.and_then(|r| r.actor.as_ref()), "tester"),
            answers: Vec::new(),
            saved: false,
        }
    }
}

/// A folder that goes when this goes.
struct Folder(PathBuf);

impl Folder {
    fn make(path: &Path) -> Result<Folder, Failure> {
        std::fs::create_dir_all(path).map_err(|e| Failure::usage(format!("{} cannot be made: {e}", path.display())))?;
        Ok(Folder(path.to_owned()))
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

async fn one(opening: &Opening<'_>, bench: &Bench, case: &Case, index: usize, folder: &Path) -> CaseReport {
    let (not_run, proofs): (Vec<Proof>, Vec<Proof>) = case.also.iter().partition(|proof| !proof.can_run());
    let mut report = CaseReport {
        name: case.name.as_str().to_owned(),
        at: opening.source.place(case.name.span.start),
        problems: Vec::new(),
        proofs,
        not_run,
    };
    match Scene::set(opening, bench, case, index, folder).await {
        Ok(scene) => {
            report.problems = scene.play(opening, case, &report.proofs).await.unwrap_or_else(|problem| vec![problem]);
            scene.strike().await;
        }
        Err(problem) => report.problems.push(problem),
    }
    report
}

/// What a case is played on.
struct Scene {
    surroundings: Surroundings,
    opened: Opened,
    databases: HashMap<Arc<str>, Database>,
    mocks: Vec<(Arc<str>, Running)>,
    start: Start,
    _folder: Folder,
}

type Staged<T> = Result<T, Problem>;

fn broken(expected: &str, found: impl Into<String>) -> Problem {
    Problem::new("the case cannot be played", expected, found)
}

fn fault(fault: Fault) -> Problem {
    broken("databases that answer", format!("{fault}; {}", fault.help()))
}

fn refused(failure: &Failure) -> Problem {
    broken("a project and a playbook that can be used", words(failure).join("\n"))
}

impl Scene {
    async fn set(opening: &Opening<'_>, bench: &Bench, case: &Case, index: usize, folder: &Path) -> Staged<Scene> {
        let start = Start::of(&opening.file, case, &opening.opened.project);
        let folder = Folder::make(&folder.join(index.to_string())).map_err(|f| refused(&f))?;
        let world = World::fixed(opening.file.clock.0);
        let mut variables = HashMap::new();
        let mut doubles = Vec::new();
        let mut mocks = Vec::new();
        // The databases are known once the case's project file is written, which needs the mocks' addresses.
        let behind = Arc::new(Later::default());
        for (name, connection) in opening.opened.project.connections.iter() {
            let name: Arc<str> = name.into();
            if connection.sidekiq.is_some() {
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
                let running = opening.mock(&name, &start, &world, behind.clone()).await?;
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
                doubles.push((name.clone(), Double::Api { url: running.url(), credentials }));
                mocks.push((name, running));
            }
        }
        let surroundings = surroundings(world, variables, folder.0.clone(), opening.reached.clone());
        let opened = opening.staged(&surroundings, &doubles)?;
        let environment = opening.environment();
        let (environment, _) =
            opened.project.environment(environment.as_deref()).map_err(|e| broken("an environment", e))?;
        let databases = plan::databases(&surroundings, &opened, environment).map_err(|f| refused(&f))?;
        behind.tell(Databases::new(opened.project.clone(), databases.clone()));
        let scene = Scene { surroundings, opened, databases, mocks, start, _folder: folder };
        scene.fill(opening).await?;
        Ok(scene)
    }

    /// Inserts the given rows, in the order of the file.
    async fn fill(&self, opening: &Opening<'_>) -> Staged<()> {
        for (connection, tables) in &self.start.rows {
            let database = self.database(connection)?;
            let mut writing = database.writing().await.map_err(fault)?;
            for (table, rows) in tables {
                let mut catalogue = writing.catalogue(Some(&[table])).await.map_err(fault)?;
                let columns = catalogue
                    .swap_remove(table)
                    .ok_or_else(|| broken("a table that is there", format!("{connection} has no table {table}")))?;
                let name = TableName { connection: connection.clone(), table: table.clone() };
                for row in rows {
                    let facts = self.opened.project.facts(&name);
                    given::insert(&mut writing, &name, row, facts, &columns, opening.file.clock.0).await?;
                }
            }
            writing.commit().await.map_err(fault)?;
        }
        Ok(())
    }

    fn database(&self, connection: &str) -> Staged<&Database> {
        self.databases.get(connection).ok_or_else(|| broken("a database", format!("`{connection}` is none")))
    }

    async fn snapshot(&self) -> Staged<Snapshot> {
        snapshot::take(&self.databases, &self.opened.project).await.map_err(fault)
    }

    async fn play(&self, opening: &Opening<'_>, case: &Case, proofs: &[Proof]) -> Staged<Vec<Problem>> {
        let before = self.snapshot().await?;
        let mut happened = self.run(opening, case, &before).await?;
        happened.0.sent = self.mocks.iter().map(|(name, running)| (name.clone(), running.log())).collect();
        let (happened, before) = happened;
        let after = self.snapshot().await?;
        let mut problems = compare(&case.expect, &happened, &before, &after, &self.opened.project);
        for proof in proofs {
            match proof {
                Proof::PreviewEqualsApply => match &happened.plan {
                    Some(plan) => {
                        problems.extend(proof::preview_equals_apply(plan, &happened.all(after.since(&before))))
                    }
                    None => problems.push(Problem::new(proof.word(), "a preview", "there is none")),
                },
                Proof::ApplyTwiceUnchanged => problems.extend(self.again(opening, case, &after).await?),
                // Last, whatever the order: it takes away what the others look at.
                Proof::UndoRestores | Proof::KillEverywhere | Proof::LoseEveryAnswer => {}
            }
        }
        if proofs.contains(&Proof::UndoRestores) {
            problems.extend(match happened.run {
                Some(run) => self.undone(run, &before).await?,
                None => vec![Problem::new(Proof::UndoRestores.word(), "a run to take back", "nothing was applied")],
            });
        }
        Ok(problems)
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
        let left = self.snapshot().await?.since(before);
        problems.extend(proof::undo_restores(&left, &self.opened.project, &also));
        Ok(problems)
    }

    /// The proof that a second run changes nothing.
    async fn again(&self, opening: &Opening<'_>, case: &Case, first: &Snapshot) -> Staged<Vec<Problem>> {
        let quiet = Case { between: None, ..case.clone() };
        let (happened, _) = self.run(opening, &quiet, first).await?;
        let second = self.snapshot().await?;
        let mut problems = Vec::new();
        if happened.end != Some(End::Unchanged) {
            let found = happened.end.map_or("refused", End::word);
            problems.push(Problem::new(
                "a second run",
                End::Unchanged.word(),
                format!("{found}\n{}", happened.message),
            ));
        }
        for change in second.since(first) {
            problems.push(Problem::new(
                format!("a second run: {}", snapshot::row_name(&change)),
                "unchanged",
                "changed",
            ));
        }
        Ok(problems)
    }

    async fn meddle(&self, meddling: Option<&Meddling>) -> Staged<()> {
        let Some(meddling) = meddling else { return Ok(()) };
        let mut writing = self.database(meddling.sql.db.as_str())?.writing().await.map_err(fault)?;
        writing
            .execute(&Statement { sql: meddling.sql.run.as_str().to_owned(), binds: Vec::new() })
            .await
            .map_err(fault)?;
        writing.commit().await.map_err(fault)
    }

    /// Plans and applies as `trueup apply` does. Gives also what stood in the databases before the run itself: what
    /// somebody else did in between is no change of the playbook's.
    async fn run(&self, opening: &Opening<'_>, case: &Case, before: &Snapshot) -> Staged<(Happened, Snapshot)> {
        let told = Mutex::new(Vec::new());
        let watch = |tick: Tick| {
            if let Tick::PassOn { who, text } = tick {
                told.lock().unwrap_or_else(PoisonError::into_inner).push((who, text));
            }
        };
        let request = opening.request(&self.start);
        let mut happened = Happened::default();
        let prepared = match self.prepare(opening, &request).await {
            Ok(prepared) => prepared,
            Err(failure) => return Ok((kept_from(happened, &failure), before.clone())),
        };
        let made = match plan::plan(&prepared.setting, &request, &watch).await {
            Ok(made) => made,
            Err(failure) => return Ok((kept_from(happened, &failure), before.clone())),
        };
        happened.plan = Some(made.clone());
        if ends_before(&mut happened, &made) {
            return Ok((happened, before.clone()));
        }
        let meddled = case.between.as_ref();
        self.meddle(meddled.and_then(|b| b.plan_and_apply.as_ref())).await?;
        let mut before = self.snapshot().await?;
        match self.carried(opening, case, &prepared, &made, &watch, &mut before).await? {
            Ok(carried) => {
                came_to(&mut happened, &carried, &self.opened);
                happened.run = Some(prepared.setting.run.id);
            }
            Err(failure) => happened = kept_from(happened, &failure),
        }
        happened.told = told.into_inner().unwrap_or_else(PoisonError::into_inner);
        Ok((happened, before))
    }

    async fn prepare(&self, opening: &Opening<'_>, request: &Request) -> Result<Prepared, Failure> {
        let loaded = playbook::load(&self.surroundings, &self.opened, opening.file.playbook.as_str())?;
        // A test never touches a Redis that somebody works with.
        let uses = &loaded.checked.playbook().uses;
        let jobs =
            self.opened.project.connections.iter().find(|(name, c)| c.sidekiq.is_some() && uses.get(name).is_some());
        if let Some((name, _)) = jobs {
            let message = format!("the playbook uses `{name}`, and tests of playbooks cannot play background jobs yet");
            return Err(Failure::usage(message));
        }
        plan::setting(&self.surroundings, &self.opened, loaded, request).await
    }

    /// Applies, and answers each question that the case has an answer for, in what stands for a process of its own: the
    /// journal is closed and opened again, and everything else is put together anew.
    async fn carried(
        &self,
        opening: &Opening<'_>,
        case: &Case,
        prepared: &Prepared,
        made: &Plan,
        watch: &(dyn Fn(Tick) + Send + Sync),
        before: &mut Snapshot,
    ) -> Staged<Result<Carried, Failure>> {
        let pause = AtomicBool::new(false);
        let first = async {
            let record = record::open(&self.surroundings, &self.opened).await?;
            let carried =
                apply::apply(&self.surroundings, &record, &self.opened, &prepared.setting, made, watch, &pause).await?;
            record.journal.close().await?;
            Ok::<_, Failure>(carried)
        };
        let mut carried = match first.await {
            Ok(carried) => carried,
            Err(failure) => return Ok(Err(failure)),
        };
        let actor = opening.request(&self.start).actor.unwrap_or_default();
        while let Stopped::Waits(path) = &carried.stopped {
            let step = path.rsplit('/').next().unwrap_or(path).to_owned();
            let Some(given) = self.start.answers.get(&step) else { break };
            let meddling = case.between.as_ref().and_then(|b| b.ask_and_answer.as_ref());
            if meddling.is_some() {
                self.meddle(meddling).await?;
                *before = self.snapshot().await?;
            }
            match self.answered(prepared.setting.run.id, &step, given, &actor, watch, &pause).await {
                Ok(next) => carried = next,
                Err(failure) => return Ok(Err(failure)),
            }
        }
        Ok(Ok(carried))
    }

    async fn answered(
        &self,
        run: RunId,
        step: &str,
        given: &[(String, Value)],
        actor: &str,
        watch: &(dyn Fn(Tick) + Send + Sync),
        pause: &AtomicBool,
    ) -> Result<Carried, Failure> {
        let opened = project::open(&self.surroundings, Some(&self.opened.root))?;
        let record = record::open(&self.surroundings, &opened).await?;
        let carried =
            super::answer::answer(&self.surroundings, &record, &opened, run, step, None, given, actor, watch, pause)
                .await?;
        record.journal.close().await?;
        Ok(carried)
    }

    /// Ends the mocks; nothing listens when this returns.
    async fn strike(self) {
        for (_, running) in self.mocks {
            running.shutdown().await;
        }
    }
}

impl Opening<'_> {
    async fn mock(&self, name: &Arc<str>, start: &Start, world: &World, behind: Arc<Later>) -> Staged<Running> {
        let mock = match start.apis.get(name) {
            Some(Answers::File(word)) => {
                let source = project::read(&self.folder.join(word.as_str()), yaml::DATA_LIMITS, &self.folder)
                    .map_err(|f| refused(&f))?;
                let mut problems = Diagnostics::new(source.clone());
                let mock = crate::mock::Mock::parse(&source, &mut problems);
                mock.ok_or_else(|| refused(&Failure::Texts(vec![problems])))?
            }
            Some(Answers::Routes(routes)) => given::mock(name, routes.clone()),
            // Every call of an API that the case says nothing of is answered with 404, and stands in the log.
            None => given::mock(name, Vec::new()),
        };
        mock.start_with(world.clone(), None, Some(behind)).await.map_err(|e| broken("a mock that listens", format!("failed to {e}")))
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
fn surroundings(world: World, variables: HashMap<String, String>, folder: PathBuf, reached: Reached) -> Surroundings {
    let masks = Masks::default();
    variables.values().for_each(|value| masks.add(&Secret::new(value.as_str())));
    let variable = move |name: &str| Some(variables.get(name).cloned().unwrap_or_else(|| format!("invented-{name}")));
    Surroundings { world, variable: Arc::new(variable), folder, masks, reached, notes: Default::default() }
}

/// A plan that ends before its last step, or has nothing to do, is not applied.
fn ends_before(happened: &mut Happened, made: &Plan) -> bool {
    // Of many items only what is done once for all of them keeps the run from being made.
    let count = if made.many.is_some() { 1 } else { made.items.len() };
    let stop = made.items.iter().take(count).find_map(|item| item.stop.as_ref());
    let (end, message, who) = match stop {
        Some(stop) => (end_of(stop.way), stop.message.clone(), stop.who.clone()),
        None if made.is_empty() => (End::Unchanged, String::new(), None),
        None => return false,
    };
    happened.end = Some(end);
    happened.exit = Exit::of_plan(made, false).code();
    happened.message = message;
    happened.who = who;
    true
}

fn end_of(way: Way) -> End {
    match way {
        Way::Stop => End::Stopped,
        Way::Skip => End::Skipped,
        Way::Done | Way::Warn => End::Unchanged,
        Way::Fail => End::Failed,
        Way::Escalate => End::Escalated,
    }
}

/// Where a run stands after it was carried as far as it goes.
fn came_to(happened: &mut Happened, carried: &Carried, opened: &Opened) {
    let end = carried.state.end();
    happened.end = Some(end);
    happened.exit = match &carried.stopped {
        Stopped::Closed(end) => Exit::of(*end).code(),
        Stopped::Waits(_) | Stopped::Paused | Stopped::Held => Exit::Stopped.code(),
        Stopped::InDoubt(_) => Exit::InDoubt.code(),
    };
    let reason = carried.state.closed.as_ref().and_then(|closed| closed.reason.clone());
    happened.message = reason.unwrap_or_default();
    let named = happened.message.strip_prefix("For ").and_then(|rest| rest.split_once(": "));
    happened.who =
        named.map(|(who, _)| Arc::from(who)).filter(|who: &Arc<str>| opened.project.people.get(who).is_some());
    happened.drift = carried.drift.clone();
    let steps = carried.state.items.values().flat_map(|item| item.steps.values());
    let written = steps.filter(|step| step.changed() && step.class.as_deref().is_some_and(resource::is_class));
    happened.resources = written.flat_map(|step| step.changes.iter().cloned()).collect();
}

/// What kept the command from going on.
fn kept_from(happened: Happened, failure: &Failure) -> Happened {
    let lines = words(failure);
    let end = match failure {
        Failure::Step { .. } | Failure::Journal(_) | Failure::Halted { .. } => Some(End::Failed),
        Failure::Texts(_) | Failure::Usage { .. } | Failure::Refused { .. } => None,
    };
    Happened { end, exit: failure.exit().code(), message: lines.join("\n"), refused: lines, ..happened }
}

/// A failure in lines, without drawing.
fn words(failure: &Failure) -> Vec<String> {
    match failure {
        Failure::Usage { message, help }
        | Failure::Refused { message, help, .. }
        | Failure::Halted { message, help } => std::iter::once(message).chain(help).cloned().collect(),
        Failure::Step { path, trouble, .. } => {
            std::iter::once(format!("{path}: {}", trouble.message())).chain(trouble.help()).collect()
        }
        Failure::Journal(error) => vec![error.to_string()],
        Failure::Texts(texts) => {
            let problems = texts.iter().flat_map(|text| {
                text.sorted().into_iter().map(|p| (text.source().clone(), p.clone())).collect::<Vec<_>>()
            });
            problems
                .map(|(source, p)| {
                    let (file, line) = (source.name_at(p.span.start), source.place(p.span.start).line);
                    format!("{file}:{line}: {} {}", p.code.id, p.message)
                })
                .collect()
        }
    }
}
