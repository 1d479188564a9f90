//! Cases at the same time: threads, each with databases of its own, take one case after another. Threads and not tasks,
//! because a case is as busy as it waits, and because what one case does to its thread is no matter of the others.

use super::{
    Opening, Wanted,
    happened::words,
    open,
    scene::{Folder, Scene},
};
use crate::{
    ops::{Failure, STACK, Surroundings, project::Opened},
    trial::{
        bench::{Bench, On},
        model::{Case, Proof},
        report::{CaseReport, Problem, Report},
    },
};
use std::{
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    thread,
    time::{Duration, Instant},
};
use tokio::sync::mpsc::{UnboundedSender, unbounded_channel};

/// A file on one kind of database.
struct Unit {
    on: On,
    opening: Opening,
    scripts: Scripts,
}

type Scripts = Vec<(Arc<str>, String)>;

/// What the threads share.
struct Work {
    units: Vec<Unit>,
    /// Unit and case.
    tasks: Vec<(usize, usize)>,
    next: AtomicUsize,
    /// Nobody waits for the rest: no new case is begun.
    stop: AtomicBool,
    folder: PathBuf,
    mark: String,
}

/// One case is done.
struct Done {
    unit: usize,
    case: usize,
    report: CaseReport,
}

/// Stops the threads when the one who waits for them goes away.
struct Stop(Arc<Work>);

impl Drop for Stop {
    fn drop(&mut self) {
        self.0.stop.store(true, Ordering::Relaxed);
    }
}

/// Plays the cases of these files; see [`super::run`].
pub async fn play(
    surroundings: &Surroundings,
    opened: &Opened,
    wanted: &Wanted,
    paths: &[PathBuf],
    tell: &mut dyn FnMut(&Report, Option<&Failure>),
) -> Result<Vec<Report>, Failure> {
    let (mut units, mut reports, mut failures) = (Vec::new(), Vec::new(), Vec::new());
    for on in &wanted.on {
        for path in paths {
            let mut report = Report::new(path.display().to_string(), on.word());
            let unit = open(surroundings, opened, path).and_then(|opening| {
                let scripts = opening.scripts(on)?;
                Ok(Unit { on: on.clone(), opening, scripts })
            });
            let (unit, failure) = match unit {
                Ok(unit) => {
                    report.file = unit.opening.source.name().to_owned();
                    (Some(unit), None)
                }
                Err(failure) => {
                    report.refused = words(&failure);
                    (None, Some(failure))
                }
            };
            reports.push((report, unit.map(|unit| push(&mut units, unit))));
            failures.push(failure);
        }
    }
    let tasks: Vec<(usize, usize)> = units
        .iter()
        .enumerate()
        .flat_map(|(at, unit)| {
            let cases = unit.opening.file.cases.iter().enumerate().filter(|(_, case)| wanted.takes(case));
            cases.map(move |(index, _)| (at, index)).collect::<Vec<_>>()
        })
        .collect();
    let mark = surroundings.world.id().simple().to_string();
    let folder = Folder::make(&std::env::temp_dir().join(format!("trueup-test-{mark}")))?;
    let (next, stop) = (AtomicUsize::new(0), AtomicBool::new(false));
    let work = Work { units, tasks, next, stop, folder: folder.0.clone(), mark: mark[20..].to_owned() };
    let played = Stop(Arc::new(work)).played(wanted.jobs, &mut reports, &failures, surroundings, tell).await;
    drop(folder);
    played.map(|()| reports.into_iter().map(|(report, _)| report).collect())
}

fn push<T>(list: &mut Vec<T>, one: T) -> usize {
    list.push(one);
    list.len() - 1
}

impl Stop {
    /// Starts the threads, takes what they have done, and tells of each file that is whole.
    async fn played(
        self,
        jobs: Option<usize>,
        reports: &mut [(Report, Option<usize>)],
        failures: &[Option<Failure>],
        surroundings: &Surroundings,
        tell: &mut dyn FnMut(&Report, Option<&Failure>),
    ) -> Result<(), Failure> {
        let work = &self.0;
        // A case waits for its disk about as long as it computes.
        let most = jobs.unwrap_or_else(|| 2 * thread::available_parallelism().map_or(1, usize::from)).max(1);
        let (out, mut done) = unbounded_channel();
        let mut threads = Vec::new();
        for number in 0..most.min(work.tasks.len()) {
            let (work, out) = (work.clone(), out.clone());
            let thread = thread::Builder::new().stack_size(STACK).spawn(move || work.take_turns(number, &out));
            threads.push(thread.map_err(|e| Failure::usage(format!("failed to start a thread for the tests: {e}")))?);
        }
        drop(out);
        let mut open: Vec<usize> = vec![0; work.units.len()];
        work.tasks.iter().for_each(|(unit, _)| open[*unit] += 1);
        let mut cases: Vec<Vec<(usize, CaseReport)>> = work.units.iter().map(|_| Vec::new()).collect();
        let mut told = 0;
        loop {
            while let Some((report, unit)) = reports.get_mut(told).filter(|(_, u)| u.is_none_or(|u| open[u] == 0)) {
                if let Some(unit) = *unit {
                    self.whole(report, unit, std::mem::take(&mut cases[unit]), surroundings);
                }
                if !report.cases.is_empty() || !report.refused.is_empty() {
                    tell(report, failures[told].as_ref());
                }
                told += 1;
            }
            let Some(Done { unit, case, report }) = done.recv().await else { break };
            cases[unit].push((case, report));
            open[unit] -= 1;
        }
        // Everybody is gone. A case that nobody told of took its thread with it.
        let lost = threads.into_iter().filter_map(|thread| thread.join().err()).count();
        if lost > 0 || told < reports.len() {
            let message = format!("{lost} threads of the tests ended in the middle of a case");
            return Err(Failure::refused(crate::report::exit::Exit::Failed, message)
                .help("this is a mistake in trueup itself; `--jobs 1` shows at which case it happens"));
        }
        Ok(())
    }

    fn whole(
        &self,
        report: &mut Report,
        unit: usize,
        mut cases: Vec<(usize, CaseReport)>,
        surroundings: &Surroundings,
    ) {
        cases.sort_by_key(|(index, _)| *index);
        report.cases = cases.into_iter().map(|(_, case)| case).collect();
        let opening = &self.0.units[unit].opening;
        // A part of the cases says nothing about the whole table. A playbook that cannot be loaded has failed every case.
        if report.cases.len() == opening.file.cases.len() {
            report.unreached = opening.unreached(surroundings).unwrap_or_default();
        }
    }
}

impl Work {
    fn take_turns(&self, number: usize, out: &UnboundedSender<Done>) {
        let runtime = match tokio::runtime::Builder::new_current_thread().enable_all().build() {
            Ok(runtime) => runtime,
            // The others take the cases; where there are none, the end is told as that of a thread.
            Err(error) => std::panic::resume_unwind(Box::new(error)),
        };
        runtime.block_on(async {
            let mut benches = Benches::default();
            while !self.stop.load(Ordering::Relaxed) {
                let Some(&(unit, case)) = self.tasks.get(self.next.fetch_add(1, Ordering::Relaxed)) else { break };
                let began = Instant::now();
                let mut report = self.one(&self.units[unit], case, unit, number, &mut benches).await;
                report.took = began.elapsed();
                if out.send(Done { unit, case, report }).is_err() {
                    break;
                }
            }
            benches.clear().await;
        });
    }

    async fn one(&self, unit: &Unit, index: usize, at: usize, number: usize, benches: &mut Benches) -> CaseReport {
        let opening = &unit.opening;
        let case = &opening.file.cases[index];
        let mut report = empty(opening, case);
        let folder = self.folder.join(number.to_string());
        let set = async {
            let mark = format!("{}_{number}_{}", self.mark, benches.0.len());
            let bench = benches.of(unit, &folder, &mark).await?;
            Scene::set(opening, bench, case, &folder.join(format!("{at}-{index}"))).await
        };
        match set.await {
            Ok(scene) => {
                let played = scene.play(opening, case, &report.proofs).await;
                report.problems = played.unwrap_or_else(|problem| vec![problem]);
                scene.strike().await;
            }
            Err(problem) => report.problems.push(problem),
        }
        report
    }
}

fn empty(opening: &Opening, case: &Case) -> CaseReport {
    let (not_run, proofs): (Vec<Proof>, Vec<Proof>) = case.also.iter().partition(|proof| !proof.can_run());
    CaseReport {
        name: case.name.as_str().to_owned(),
        at: opening.source.place(case.name.span.start),
        problems: Vec::new(),
        proofs,
        not_run,
        took: Duration::ZERO,
    }
}

/// The databases of one thread. Files whose tables are the same share them: making them is most of the work.
#[derive(Default)]
struct Benches(Vec<(&'static str, Scripts, Bench)>);

impl Benches {
    async fn of(&mut self, unit: &Unit, folder: &Path, mark: &str) -> Result<&Bench, Problem> {
        let known = self.0.iter().position(|(on, scripts, _)| *on == unit.on.word() && *scripts == unit.scripts);
        let at = match known {
            Some(at) => at,
            None => {
                let here = folder.join(format!("model-{}", self.0.len()));
                let failed = |found: String| Problem::new("the case cannot be played", "databases for the test", found);
                std::fs::create_dir_all(&here).map_err(|e| failed(format!("{}: {e}", here.display())))?;
                let bench = Bench::build(&unit.on, &here, mark, unit.scripts.clone()).await;
                let bench = bench.map_err(|fault| failed(format!("{fault}\n{}", fault.help())))?;
                push(&mut self.0, (unit.on.word(), unit.scripts.clone(), bench))
            }
        };
        Ok(&self.0[at].2)
    }

    /// What cannot be removed stays on the server: no reason to fail a test that passed.
    async fn clear(self) {
        for (_, _, bench) in self.0 {
            let _ = bench.clear().await;
        }
    }
}
