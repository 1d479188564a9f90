//! `plan`: a dry-run of one playbook, really tried out and rolled back.

use super::{
    Failure, Surroundings,
    playbook::Loaded,
    project::Opened,
    served::{self, Players},
};
use crate::{
    action::{ask::AskSpec, kinds::Act},
    base::{
        diagnostic::Diagnostics,
        identity::RunId,
        secret::Secret,
        suggest,
        value::{Map, Marks, Value},
    },
    check::Checked,
    connection::{
        database::Database,
        http::{Api, OpenError},
        program::Program,
        reference::Secrets,
        sidekiq,
    },
    effect::change::TableName,
    engine::{
        rehearse::{self, Answers, PlanFailure},
        setting::{RunFacts, Setting},
        watch::Watch,
    },
    mock::server::Running,
    plan::Plan,
    playbook::{model::Playbook, params},
    targets::source::{self, FileParam},
};
use std::{collections::HashMap, sync::Arc};

/// What a person asks for: which playbook with which parameters, where, why and in whose name.
#[derive(Clone, Debug, Default)]
pub struct Request {
    /// `name=value`.
    pub params: Vec<(String, Value)>,
    /// Those of them that stood in environment variables, and in which.
    pub from_env: Vec<(String, String)>,
    /// The environment; the first one when none is named.
    pub environment: Option<String>,
    /// Why.
    pub reason: Option<String>,
    /// Who.
    pub actor: Option<String>,
    /// Answers given beforehand, for a preview only: step → answer.
    pub answers: Vec<(String, String, Value)>,
    /// The plan will be kept in a file.
    pub saved: bool,
    /// The id that its run will have; a new one where nothing is said.
    pub run: Option<RunId>,
}

/// A setting, and the mocks that play its APIs for as long as it lives.
pub struct Prepared {
    /// What the engine needs.
    pub setting: Setting,
    /// The mocks of this environment, if it has any.
    pub mocks: Vec<Running>,
}

/// Puts together what planning and applying need. Opens no connection.
pub async fn setting(
    surroundings: &Surroundings,
    opened: &Opened,
    loaded: Loaded,
    request: &Request,
) -> Result<Prepared, Failure> {
    let (environment, _) = opened.project.environment(request.environment.as_deref()).map_err(Failure::usage)?;
    let playbook = loaded.checked.playbook();
    let params = params::accept(&playbook.params, &request.params, &opened.project)
        .map_err(|refused| refusal(&refused, &request.from_env))?;
    let params = files(surroundings, playbook, params)?;
    let now = surroundings.world.now();
    let run = RunFacts {
        id: request.run.unwrap_or_else(|| RunId(surroundings.world.id())),
        actor: request.actor.as_deref().unwrap_or("somebody").into(),
        reason: request.reason.as_deref().unwrap_or("(not given)").into(),
        now,
    };
    let mut prepared = assemble(surroundings, opened, loaded.checked, environment, run, params).await?;
    prepared.setting.saved = request.saved;
    Ok(prepared)
}

/// Parameters that are files, with the sum of their bytes: what is worked on later are these bytes.
fn files(surroundings: &Surroundings, playbook: &Playbook, mut params: Map) -> Result<Map, Failure> {
    for (name, _) in playbook.params.iter().filter(|(_, param)| param.kind.as_str() == "file") {
        let Some(file) = params.get(name).and_then(FileParam::of) else { continue };
        let sum = source::sum_of(&surroundings.folder.join(&file.path)).map_err(|error| {
            Failure::usage(format!("{name}: `{}` cannot be read: {error}", file.path))
                .help("give the path of a file, relative to where the command is started")
        })?;
        params.insert(name.into(), FileParam { sha256: Some(sum), ..file }.value());
    }
    Ok(params)
}

/// The same for a run that exists: its parameters were accepted when it was made.
pub async fn assemble(
    surroundings: &Surroundings,
    opened: &Opened,
    checked: Checked,
    environment: &str,
    run: RunFacts,
    params: Map,
) -> Result<Prepared, Failure> {
    params.values().for_each(|value| mask(surroundings, value));
    let used = &checked.playbook().uses;
    // Whoever wants traces finds the run in the logs of the systems, too.
    let trace = super::trace::is_on(surroundings).then_some(run.id);
    let databases: HashMap<_, _> = databases(surroundings, opened, environment)?
        .into_iter()
        .filter(|(name, _)| used.get(name).is_some())
        .map(|(name, database)| (name, trace.map_or_else(|| database.clone(), |run| database.clone().traced(run))))
        .collect();
    let mut mocks = Vec::new();
    let apis = apis(surroundings, opened, environment, |name| used.get(name).is_some(), &mut mocks).await?;
    let apis = match trace {
        None => apis,
        Some(run) => apis.into_iter().map(|(name, api)| (name, api.traced(&run.traceparent()))).collect(),
    };
    let programs = programs(surroundings, opened, environment, |name| used.get(name).is_some())?;
    let (playbook, uses) = (checked.playbook().clone(), checked.playbook().uses.clone());
    let named = |table: &TableName| {
        let uses = uses.get(&table.connection);
        uses.is_some_and(|uses| uses.read.iter().chain(&uses.write).any(|word| word.as_str() == &*table.table))
    };
    let project = super::states::read(checked.project().clone(), &databases, named).await?;
    let mut setting =
        Setting::new(checked, environment.into(), databases, apis, surroundings.world.clone(), run, params);
    setting.states = Arc::new(super::states::order(&playbook, &project));
    setting.project = project;
    setting.programs = programs;
    if let Some(problem) = super::states::unlike(&playbook, &setting.project, &setting.scope()) {
        let mut problems = Diagnostics::new(setting.source.clone());
        problems.push(problem);
        return Err(Failure::Texts(vec![problems]));
    }
    setting.people = Arc::new(super::people::channels(surroundings, opened)?);
    setting.masks = surroundings.masks.clone();
    setting.jobs = Arc::new(jobs(surroundings, opened, environment, |name| setting.may_touch(name))?);
    setting.reached = surroundings.reached.clone();
    setting.workers = surroundings.workers;
    if setting.playbook.targets.is_some() {
        setting.workplace = Some(super::record::workplace(surroundings, opened)?);
    }
    Ok(Prepared { setting, mocks })
}

/// A secret parameter may come back in what somebody else says: the last net has to know it.
fn mask(surroundings: &Surroundings, value: &Value) {
    match value.as_list() {
        Some(values) => values.iter().for_each(|one| mask(surroundings, &one.clone().marked(value.marks))),
        None if value.marks.has(Marks::SECRET) => surroundings.masks.add(&Secret::new(value.bare())),
        None => {}
    }
}

pub(super) fn secrets<'a>(surroundings: &'a Surroundings, opened: &'a Opened) -> Secrets<'a> {
    Secrets { variable: &*surroundings.variable, folder: &opened.root, masks: &surroundings.masks }
}

/// The databases of an environment, configured and not yet connected.
pub fn databases(
    surroundings: &Surroundings,
    opened: &Opened,
    environment: &str,
) -> Result<HashMap<Arc<str>, Database>, Failure> {
    let mut databases = HashMap::new();
    for (name, settings) in opened.project.connections.iter() {
        let secrets = secrets(surroundings, opened);
        let database = Database::configure(name, settings, Some(environment), secrets);
        let database =
            database.map_err(|fault| Failure::usage(format!("the connection `{name}`: {fault}")).help(fault.help()))?;
        databases.extend(database.map(|d| (Arc::from(name), d)));
    }
    Ok(databases)
}

/// The background jobs of an environment, configured and not yet connected.
pub fn jobs(
    surroundings: &Surroundings,
    opened: &Opened,
    environment: &str,
    used: impl Fn(&str) -> bool,
) -> Result<HashMap<Arc<str>, sidekiq::Jobs>, Failure> {
    let mut all = HashMap::new();
    for (name, connection) in opened.project.connections.iter().filter(|(name, _)| used(name)) {
        let Some(mut settings) = connection.sidekiq_in(environment) else { continue };
        if connection.mock_in(environment).is_some() {
            settings = served::jobs_of(opened, name, settings)?;
        }
        all.insert(Arc::from(name), opened_jobs(surroundings, opened, name, &settings)?);
    }
    Ok(all)
}

/// The background jobs of these settings.
pub fn opened_jobs(
    surroundings: &Surroundings,
    opened: &Opened,
    name: &str,
    settings: &sidekiq::SidekiqSettings,
) -> Result<sidekiq::Jobs, Failure> {
    sidekiq::Jobs::open(name, settings, secrets(surroundings, opened))
        .map_err(|fault| Failure::usage(format!("the connection `{name}`: {fault}")).help(fault.help()))
}

/// The APIs of an environment; those with a mock are played by it: by a sandbox that runs, else in this process, for as long
/// as the mocks are kept.
async fn apis(
    surroundings: &Surroundings,
    opened: &Opened,
    environment: &str,
    used: impl Fn(&str) -> bool,
    mocks: &mut Vec<Running>,
) -> Result<HashMap<Arc<str>, Api>, Failure> {
    let mut apis = HashMap::new();
    let mut players = Players::new(surroundings, opened, environment);
    for (name, settings) in opened.project.connections.iter().filter(|(name, _)| used(name)) {
        let Some(http) = settings.http_in(environment) else { continue };
        let secrets = secrets(surroundings, opened);
        let api = match settings.mock_in(environment) {
            None => Api::open(name, http, secrets),
            Some(file) => {
                let (url, credentials) = players.at(file.as_str(), mocks).await?;
                Api::at_mock(name, http, &url, credentials.as_ref())
            }
        };
        apis.insert(
            Arc::from(name),
            api.map_err(|why| match &why {
                // Only a secret does not know whose it is.
                OpenError::Secret(_) => Failure::usage(format!("the connection `{name}`: failed to {why}")),
                _ => Failure::usage(format!("failed to {why}")),
            })?
            .in_world(surroundings.world.clone()),
        );
    }
    Ok(apis)
}

/// The programs of an environment, found and not yet started.
fn programs(
    surroundings: &Surroundings,
    opened: &Opened,
    environment: &str,
    used: impl Fn(&str) -> bool,
) -> Result<HashMap<Arc<str>, Program>, Failure> {
    let mut programs = HashMap::new();
    for (name, settings) in opened.project.connections.iter().filter(|(name, _)| used(name)) {
        let Some(settings) = settings.program_in(environment) else { continue };
        if let Some(stand_in) = surroundings.played.get(name) {
            let program = Program::played(name, settings, stand_in.clone(), surroundings.world.clone());
            programs.insert(Arc::from(name), program);
            continue;
        }
        let program = Program::open(name, settings, secrets(surroundings, opened));
        let program = program.map_err(|why| Failure::usage(format!("the connection `{name}`: failed to {why}")))?;
        programs.insert(Arc::from(name), program);
    }
    Ok(programs)
}

fn refusal(refused: &[params::Refused], from_env: &[(String, String)]) -> Failure {
    let from = |one: &params::Refused| {
        let variable = from_env.iter().find(|(name, _)| *name == one.param).map(|(_, variable)| variable);
        variable.map_or_else(String::new, |variable| format!(" (read from the environment variable `{variable}`)"))
    };
    let lines: Vec<String> = refused.iter().map(|one| one.line() + &from(one)).collect();
    let message = if let [one] = lines.as_slice() {
        one.clone()
    } else {
        format!("{} parameters are not as the playbook needs them", lines.len())
    };
    let failure = Failure::usage(message);
    if lines.len() > 1 { lines.into_iter().fold(failure, |f, line| f.help(line)) } else { failure }
}

/// Plans.
pub async fn plan(setting: &Setting, request: &Request, watch: Watch<'_>) -> Result<Plan, Failure> {
    let answers = answers(setting, request)?;
    if setting.playbook.targets.is_some() {
        return super::many::plan::plan(setting, answers, watch, None).await.map(|(plan, _)| plan);
    }
    rehearse::plan(setting, &answers, watch).await.map_err(|failure| of_plan(*failure, setting))
}

/// Answers given beforehand, accepted as the questions want them.
pub(super) fn answers(setting: &Setting, request: &Request) -> Result<Answers, Failure> {
    let mut given: HashMap<&str, Vec<(String, Value)>> = HashMap::new();
    for (step, name, value) in &request.answers {
        given.entry(step).or_default().push((name.clone(), value.clone()));
    }
    let mut asks: HashMap<&str, &AskSpec> = HashMap::new();
    // Questions of called playbooks come after the own ones: a name stands for the own one first.
    let called = setting.called.values().map(|called| &**called);
    let all: Vec<&Playbook> = called.chain([&*setting.playbook]).collect();
    for step in all.into_iter().flat_map(Playbook::sections).flat_map(|(_, steps)| steps) {
        step.each(&mut |one| {
            if let (Act::Ask(ask), Some(id)) = (&one.act, one.id()) {
                asks.insert(id, ask);
            }
        });
    }
    let mut answers = Answers::new();
    for (step, parts) in given {
        let Some(ask) = asks.get(step) else {
            let help = suggest::help(step, asks.keys().copied()).unwrap_or_else(|| "it asks nothing".into());
            return Err(Failure::usage(format!("the playbook has no question `{step}`")).help(help));
        };
        let declared = params::of_answer(ask.answer.iter());
        answers.insert(
            step.to_owned(),
            params::accept(&declared, &parts, &setting.project).map_err(|refused| refusal(&refused, &[]))?,
        );
    }
    Ok(answers)
}

/// A failed rehearsal with its place in the playbook.
pub(super) fn of_plan(failure: PlanFailure, setting: &Setting) -> Failure {
    let drawn = failure.trouble.at().map(|at| {
        let mut problem = crate::base::diagnostic::Diagnostic::error(
            &crate::engine::trouble::AT_RUN_TIME,
            at,
            failure.trouble.message(),
        );
        problem.help = failure.trouble.help();
        Box::new((problem, setting.source.clone()))
    });
    Failure::Step { path: failure.path, trouble: Box::new(failure.trouble), drawn }
}
