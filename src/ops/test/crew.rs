//! Cases at the same time: threads, each with databases of its own, take one case after another. Threads and not tasks,
//! because a case is as busy as it waits, and because what one case does to its thread is no matter of the others.

use super::{
    Chosen, Opening, Tested, Wanted, asked,
    happened::words,
    open,
    scene::{Folder, Scene},
    torture::{Rack, is_torture},
};
use crate::{
    base::counted::counted,
    engine::reached::{Reached, Spot},
    ops::{Failure, STACK, Surroundings, project::Opened},
    trial::{
        bench::{Bench, On},
        model::{Case, Proof},
        report::{CaseReport, Problem, Report, Torture},
    },
};
use std::{
    collections::{BTreeMap, BTreeSet},
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
    /// Somebody asked to stop: no new case is begun.
    stop: Arc<AtomicBool>,
    /// Nobody waits for the rest.
    left: AtomicBool,
    folder: PathBuf,
    mark: String,
    torture: bool,
    gentle: bool,
    surroundings: Surroundings,
}

/// One case is done.
struct Done {
    unit: usize,
    case: usize,
    report: CaseReport,
    spots: BTreeSet<Spot>,
}

/// What the cases of each playbook, and of each shared table, went through.
pub type AllReached = BTreeMap<Tested, BTreeSet<Spot>>;

/// What came of all cases.
pub struct Played {
    /// The files, each on each kind of database.
    pub reports: Vec<Report>,
    /// What they went through.
    pub reached: AllReached,
    /// So many cases were to be played.
    pub all: usize,
}

/// Stops the threads when the one who waits for them goes away.
struct Stop(Arc<Work>);

impl Drop for Stop {
    fn drop(&mut self) {
        self.0.left.store(true, Ordering::Relaxed);
    }
}

/// Plays the cases of these files; see [`super::run`].
pub async fn play(
    surroundings: &Surroundings,
    projects: &[Opened],
    wanted: &Wanted,
    paths: &[Chosen],
    tell: &mut dyn FnMut(&Report, Option<&Failure>),
) -> Result<Played, Failure> {
    let (mut units, mut reports, mut failures) = (Vec::new(), Vec::new(), Vec::new());
    for on in &wanted.on {
        for Chosen { project, path } in paths {
            let mut report = Report::new(path.display().to_string(), on.word());
            let unit = open(surroundings, &projects[*project], path).and_then(|mut opening| {
                opening.project = *project;
                let scripts = if opening.is_played() { opening.scripts(on)? } else { Vec::new() };
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
    let (next, stop) = (AtomicUsize::new(0), wanted.stop.clone());
    let left = AtomicBool::new(false);
    let work = Work {
        units,
        tasks,
        next,
        stop,
        left,
        folder: folder.0.clone(),
        mark: mark[20..].to_owned(),
        torture: wanted.torture,
        gentle: wanted.gentle,
        surroundings: surroundings.clone(),
    };
    let all = work.tasks.len();
    let played = Stop(Arc::new(work)).played(wanted.jobs, &mut reports, &failures, surroundings, tell).await;
    drop(folder);
    let reports = reports.into_iter().map(|(report, _)| report).collect();
    played.map(|reached| Played { reports, reached, all })
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
    ) -> Result<AllReached, Failure> {
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
        let mut spots: Vec<BTreeSet<Spot>> = work.units.iter().map(|_| BTreeSet::new()).collect();
        let (mut told, mut over) = (0, false);
        loop {
            while let Some((report, unit)) =
                reports.get_mut(told).filter(|(_, u)| over || u.is_none_or(|u| open[u] == 0))
            {
                if let Some(unit) = *unit {
                    self.whole(report, unit, std::mem::take(&mut cases[unit]), &spots[unit], surroundings);
                }
                if !report.cases.is_empty() || !report.refused.is_empty() {
                    tell(report, failures[told].as_ref());
                }
                told += 1;
            }
            if over {
                break;
            }
            match done.recv().await {
                Some(Done { unit, case, report, spots: reached }) => {
                    cases[unit].push((case, report));
                    spots[unit].extend(reached);
                    open[unit] -= 1;
                }
                // Everybody is gone, before the last case where somebody asked to stop.
                None => over = true,
            }
        }
        // A case that nobody told of took its thread with it.
        let lost = threads.into_iter().filter_map(|thread| thread.join().err()).count();
        if lost > 0 {
            let message = format!("{} of the tests ended in the middle of a case", counted(lost, "thread"));
            return Err(Failure::refused(crate::report::exit::Exit::Failed, message)
                .help("this is a mistake in trueup itself; `--jobs 1` shows at which case it happens"));
        }
        let mut reached = AllReached::new();
        for (unit, spots) in work.units.iter().zip(spots) {
            reached.entry(unit.opening.tested()).or_default().extend(spots);
        }
        Ok(reached)
    }

    fn whole(
        &self,
        report: &mut Report,
        unit: usize,
        mut cases: Vec<(usize, CaseReport)>,
        spots: &BTreeSet<Spot>,
        surroundings: &Surroundings,
    ) {
        cases.sort_by_key(|(index, _)| *index);
        report.cases = cases.into_iter().map(|(_, case)| case).collect();
        let opening = &self.0.units[unit].opening;
        // A part of the cases says nothing about the whole table. A playbook that cannot be loaded has failed every case.
        if report.cases.len() == opening.file.cases.len() {
            report.unreached = opening.unreached(surroundings, spots).unwrap_or_default();
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
            while !self.stop.load(Ordering::Relaxed) && !self.left.load(Ordering::Relaxed) {
                let Some(&(unit, case)) = self.tasks.get(self.next.fetch_add(1, Ordering::Relaxed)) else { break };
                let began = Instant::now();
                let reached = Reached::default();
                let mut report = self.one((unit, case), number, &mut benches, reached.clone()).await;
                report.took = began.elapsed();
                if out.send(Done { unit, case, report, spots: reached.spots() }).is_err() {
                    break;
                }
            }
            benches.clear().await;
        });
    }

    async fn one(
        &self,
        (at, index): (usize, usize),
        number: usize,
        benches: &mut Benches,
        reached: Reached,
    ) -> CaseReport {
        let unit = &self.units[at];
        let opening = &unit.opening;
        let case = &opening.file.cases[index];
        let mut report = empty(opening, case);
        if let Some(error) = &case.error {
            let (problems, spots) = asked::ask(&self.surroundings, opening, case, error.as_str());
            report.problems = problems;
            spots.into_iter().for_each(|spot| reached.note(spot));
            return report;
        }
        let folder = self.folder.join(number.to_string());
        let set = async {
            let mark = format!("{}_{number}_{}", self.mark, benches.0.len());
            let bench = benches.of(unit, &folder, &mark).await?;
            Scene::set(opening, bench, case, &folder.join(format!("{at}-{index}")), reached).await
        };
        match set.await {
            Ok(scene) => {
                match scene.play(opening, case, &case.also, self.torture).await {
                    Ok(played) => {
                        (report.problems, report.proofs) = (played.problems, played.proofs);
                        report.unlooked = played.unlooked;
                    }
                    Err(problem) => report.problems.push(problem),
                }
                scene.strike().await;
            }
            Err(problem) => report.problems.push(problem),
        }
        if self.gentle {
            report.proofs.retain(|proof| !is_torture(*proof));
        }
        let proofs: Vec<Proof> = report.proofs.iter().copied().filter(|proof| is_torture(*proof)).collect();
        // A case that fails in peace would fail everywhere; what a second run or an undo does is something else.
        let of_a_proof = |p: &Problem| p.what.starts_with("a second run") || p.what.starts_with("after the undo");
        if report.problems.iter().all(of_a_proof) && !proofs.is_empty() {
            match benches.of(unit, &folder, "").await {
                Ok(bench) => {
                    let folder = folder.join(format!("{at}-{index}-tortured"));
                    let rack = Rack::new(&self.surroundings, opening, bench, case, folder);
                    let (problems, torture) = rack.torture(&proofs).await;
                    report.problems.extend(problems);
                    report.torture = torture;
                }
                Err(problem) => report.problems.push(problem),
            }
        }
        report
    }
}

fn empty(opening: &Opening, case: &Case) -> CaseReport {
    CaseReport {
        name: case.name.as_str().to_owned(),
        at: opening.source.place(case.name.span.start),
        problems: Vec::new(),
        unlooked: Default::default(),
        proofs: Vec::new(),
        torture: Torture::default(),
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
