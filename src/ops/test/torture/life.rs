//! A process of a run, played by a thread: it knows nothing but what is on disk, it may be killed at a boundary, and another
//! one goes on.

use crate::{
    action::step::Step,
    base::{
        identity::RunId,
        moment::{self, Cut},
        value::Value,
    },
    engine::{
        drive::Stopped,
        state::{RunState, StepState},
        watch::Tick,
    },
    journal::words::End,
    ops::{
        Failure, STACK, Surroundings, answer,
        apply::{self, Carried},
        plan::{self, Request},
        playbook, project, record, resume,
        retry::{self, Wish},
        test::happened::{came_to, ends_before, kept_from},
    },
    trial::compare::Happened,
};
use indexmap::IndexMap;
use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    path::PathBuf,
    pin::Pin,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    thread,
    time::Duration,
};

/// To whom, and what.
type Told = Vec<(Arc<str>, String)>;

/// What every process of a case has at hand.
#[derive(Clone)]
pub struct Life {
    /// Clock, invented secrets, folder.
    pub surroundings: Surroundings,
    /// The case's project file.
    pub root: PathBuf,
    /// The playbook's name.
    pub playbook: String,
    /// In whose name and with which parameters.
    pub request: Request,
    /// Answers, by the step's name.
    pub answers: IndexMap<String, Vec<(String, Value)>>,
    /// Messages to people, of all processes.
    pub told: Arc<Mutex<Told>>,
    /// The run, once there is one.
    pub run: Arc<Mutex<Option<RunId>>>,
}

/// What came of a process that was not killed.
#[derive(Debug)]
pub struct Came {
    /// In the words of a test file.
    pub happened: Happened,
    /// Steps of which nobody knows whether they were done: path and recovery class.
    pub doubts: Vec<(Arc<str>, Option<Arc<str>>)>,
}

/// How a process ended.
#[derive(Debug)]
pub enum Ended {
    /// By itself.
    Came(Box<Came>),
    /// It was killed at a boundary.
    Killed,
    /// It fell over by itself: a mistake of ours.
    Broken,
}

/// Two processes begin to apply at the same time. A bound, because the other one may never come.
#[derive(Debug, Default)]
pub struct Gate(AtomicUsize);

impl Gate {
    /// This one is there, or will never come.
    pub fn arrive(&self) {
        self.0.fetch_add(1, Ordering::SeqCst);
    }

    async fn pass(&self) {
        self.arrive();
        for _ in 0..2_000 {
            if self.0.load(Ordering::SeqCst) >= 2 {
                return;
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }
}

type Work = Pin<Box<dyn Future<Output = Result<Came, Failure>>>>;

/// Plays a process on a thread and a runtime of its own: whoever waits here goes on serving the mocks.
async fn live(cut: Arc<Cut>, work: impl FnOnce() -> Work + Send + 'static) -> Ended {
    let (tell, told) = tokio::sync::oneshot::channel();
    let seen = cut.clone();
    let thread = thread::Builder::new().stack_size(STACK).spawn(move || {
        let lived = catch_unwind(AssertUnwindSafe(|| {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().ok()?;
            let came = moment::with_cut(cut, || runtime.block_on(work()));
            // What is still on its way dies with the process.
            runtime.shutdown_background();
            Some(came)
        }));
        let _ = tell.send(lived.ok().flatten());
    });
    if thread.is_err() {
        return Ended::Broken;
    }
    match told.await.ok().flatten() {
        _ if seen.has_fallen() => Ended::Killed,
        Some(Ok(came)) => Ended::Came(Box::new(came)),
        Some(Err(failure)) => {
            Ended::Came(Box::new(Came { happened: kept_from(Happened::default(), &failure), doubts: Vec::new() }))
        }
        None => Ended::Broken,
    }
}

impl Life {
    /// Plans and applies, and answers. Boundaries count from when it begins to apply.
    pub async fn begin(&self, cut: Arc<Cut>, gate: Option<Arc<Gate>>) -> Ended {
        let (life, counted) = (self.clone(), cut.clone());
        live(cut, move || Box::pin(async move { life.first(&counted, gate).await })).await
    }

    /// Goes on, as somebody would who finds the run: resumes, and answers what is asked. With `again` what failed is done again.
    pub async fn go_on(&self, again: bool) -> Ended {
        let life = self.clone();
        live(Cut::at(0), move || Box::pin(async move { life.further(again).await })).await
    }

    fn watch(&self) -> impl Fn(Tick) + Send + Sync {
        let told = self.told.clone();
        move |tick: Tick| {
            if let Tick::PassOn { who, text } = tick {
                told.lock().unwrap_or_else(PoisonError::into_inner).push((who, text));
            }
        }
    }

    async fn first(&self, cut: &Cut, gate: Option<Arc<Gate>>) -> Result<Came, Failure> {
        let here = &self.surroundings;
        let opened = project::open(here, Some(&self.root))?;
        let loaded = playbook::load(here, &opened, &self.playbook)?;
        let prepared = plan::setting(here, &opened, loaded, &self.request).await?;
        let run = prepared.setting.run.id;
        *self.run.lock().unwrap_or_else(PoisonError::into_inner) = Some(run);
        let watch = self.watch();
        let made = plan::plan(&prepared.setting, &self.request, &watch).await?;
        let mut happened = Happened { plan: Some(made.clone()), run: Some(run), ..Happened::default() };
        if ends_before(&mut happened, &made) {
            return Ok(Came { happened, doubts: Vec::new() });
        }
        if let Some(gate) = gate {
            gate.pass().await;
        }
        cut.count();
        let (record, pause) = (record::open(here, &opened).await?, AtomicBool::new(false));
        let carried = apply::apply(here, &record, &opened, &prepared.setting, &made, &watch, &pause).await?;
        let carried = self.answered(run, &record, &opened, carried).await?;
        record.journal.close().await?;
        Ok(came(happened, &carried, &opened))
    }

    async fn answered(
        &self,
        run: RunId,
        record: &record::Record,
        opened: &project::Opened,
        mut carried: Carried,
    ) -> Result<Carried, Failure> {
        let (watch, pause) = (self.watch(), AtomicBool::new(false));
        let actor = self.request.actor.clone().unwrap_or_default();
        while let Stopped::Waits(path) = &carried.stopped {
            let step = path.rsplit('/').next().unwrap_or(path).to_owned();
            let Some(given) = self.answers.get(&step) else { break };
            let here = &self.surroundings;
            carried = answer::answer(here, record, opened, run, &step, None, given, &actor, &watch, &pause).await?;
        }
        Ok(carried)
    }

    async fn further(&self, again: bool) -> Result<Came, Failure> {
        let here = &self.surroundings;
        let opened = project::open(here, Some(&self.root))?;
        let record = record::open(here, &opened).await?;
        let run = *self.run.lock().unwrap_or_else(PoisonError::into_inner);
        let Some((run, state)) = (match run {
            Some(run) => Some((run, record.state(run).await?)).filter(|(_, state)| state.created.is_some()),
            None => None,
        }) else {
            // Nothing of the run is on record: to anybody it never was, and it is made anew.
            record.journal.close().await?;
            return self.first(&Cut::default(), None).await;
        };
        record.free(run).await?;
        let (watch, pause) = (self.watch(), AtomicBool::new(false));
        let actor = self.request.actor.clone().unwrap_or_default();
        let carried = match (&state.closed, waits(&state)) {
            (Some(closed), _) if again && closed.end == End::Failed => {
                let wish = Wish { reason: Some("a test"), actor: Some(&actor), from: None, item: None };
                retry::retry(here, &record, &opened, run, &wish, &watch, &pause).await?
            }
            (Some(closed), _) => {
                Carried { stopped: Stopped::Closed(closed.end), drift: drift(&state), state, many: None }
            }
            (None, Some(path)) => Carried { stopped: Stopped::Waits(path), drift: Vec::new(), state, many: None },
            (None, None) => resume::resume(here, &record, &opened, run, &actor, &watch, &pause).await?,
        };
        let carried = self.answered(run, &record, &opened, carried).await?;
        record.journal.close().await?;
        Ok(came(Happened { run: Some(run), ..Happened::default() }, &carried, &opened))
    }
}

/// The step whose answer is all that the run waits for.
fn waits(state: &RunState) -> Option<Arc<str>> {
    if state.doubts().next().is_some() {
        return None;
    }
    let mut steps = state.items.values().flat_map(|item| &item.steps);
    steps.find(|(_, step)| step.waits()).map(|(path, _)| path.clone())
}

fn drift(state: &RunState) -> Vec<crate::engine::trouble::Difference> {
    state.items.values().flat_map(|item| item.steps.values()).flat_map(StepState::drift).collect()
}

fn came(mut happened: Happened, carried: &Carried, opened: &project::Opened) -> Came {
    came_to(&mut happened, carried, opened);
    let steps = carried.state.items.values().flat_map(|item| &item.steps);
    let doubts = if happened.end == Some(End::InDoubt) || matches!(carried.stopped, Stopped::InDoubt(_)) {
        let doubtful = steps.filter(|(_, step)| step.is_in_doubt());
        doubtful.map(|(path, step)| (path.clone(), step.class.clone())).collect()
    } else {
        Vec::new()
    };
    Came { happened, doubts }
}

/// The step of a path, turns of loops aside.
pub fn step_of<'a>(playbook: &'a crate::playbook::model::Playbook, path: &str) -> Option<&'a Step> {
    let name = path.rsplit('/').next()?;
    let name = name.split('[').next()?;
    let mut found = None;
    for (_, steps) in playbook.sections() {
        for (index, step) in steps.iter().enumerate() {
            if step.label(index) == name {
                found = found.or(Some(step));
            }
            step.each(&mut |one| {
                if one.id() == Some(name) {
                    found = found.or(Some(one));
                }
            });
        }
    }
    found
}
