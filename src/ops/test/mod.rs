//! `test`: the cases of `*.test.yaml`, each on databases and mocks of its own, through the same functions that the command
//! line calls: open, load, plan, apply, answer.
//!
//! `files` (which test files) → `crew` (threads that take one case after another) → `scene` (what a case is played on) →
//! `carried` (its way from plan to end) → `happened` (what came of it, in the words of a test file).

mod asked;
mod carried;
mod crew;
mod draft;
mod files;
mod happened;
mod repeat;
mod scene;
mod workers;
pub mod servers;
mod torture;

use super::{
    Failure, Surroundings,
    plan::Request,
    playbook,
    project::{self, Opened},
    tables,
};
use crate::{
    base::{diagnostic::Diagnostics, shape::Word, source::Source, yaml},
    connection::{
        ledger::{self, Roles},
        settings::Connection,
    },
    engine::reached::Spot,
    playbook::{errors::ErrorRow, model::Playbook},
    report::exit::Exit,
    trial::{
        bench::On,
        check,
        coverage::{Coverage, shared},
        given::Start,
        model::{Case, TestFile},
        report::{Report, Results, Skipped, Unreached},
    },
};
use std::{
    collections::{BTreeMap, BTreeSet},
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

use crew::AllReached;
pub use draft::{Draft, draft};

/// Which tests, and on what.
#[derive(Clone, Debug, Default)]
pub struct Wanted {
    /// Test files, folders, playbooks. None: the project's folder of playbooks.
    pub paths: Vec<PathBuf>,
    /// Only cases whose name contains this; capitals do not matter.
    pub only: Option<String>,
    /// The kinds of databases; each file is played on each.
    pub on: Vec<On>,
    /// Kinds that were asked for and have no server.
    pub missing: Vec<servers::Missed>,
    /// So many cases at the same time. Default: two for each processor.
    pub jobs: Option<usize>,
    /// Also kill, lose answers, run twice, two at once and undo every case that changes something.
    pub torture: bool,
    /// Leave out what kills, loses answers or runs two at once, also where a case asks for it: it takes longest.
    pub gentle: bool,
    /// When this is set no new case is begun.
    pub stop: Arc<AtomicBool>,
}

impl Wanted {
    fn takes(&self, case: &Case) -> bool {
        let low = |text: &str| text.to_lowercase();
        self.only.as_ref().is_none_or(|part| low(case.name.as_str()).contains(&low(part)))
    }
}

/// A case that is there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Listed {
    /// The test file.
    pub file: String,
    /// Its line.
    pub line: usize,
    /// Its name.
    pub name: String,
}

/// A playbook or a shared table that was tested: of which project, whether it is a table, and its name.
pub type Tested = (usize, bool, String);

/// A test file, and the project that it is played with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Chosen {
    /// Its number.
    pub project: usize,
    /// The file, as a person would write it from here.
    pub path: PathBuf,
}

/// Names the cases, and plays none.
pub fn list(surroundings: &Surroundings, projects: &[Opened], wanted: &Wanted) -> Result<Vec<Listed>, Failure> {
    let mut listed = Vec::new();
    for Chosen { project, path } in files::of(surroundings, projects, &wanted.paths)? {
        let opening = open(surroundings, &projects[project], &path)?;
        listed.extend(opening.file.cases.iter().filter(|case| wanted.takes(case)).map(|case| Listed {
            file: opening.source.name().to_owned(),
            line: opening.source.place(case.name.span.start).line,
            name: case.name.as_str().to_owned(),
        }));
    }
    if listed.is_empty() { Err(none_of(wanted)) } else { Ok(listed) }
}

fn none_of(wanted: &Wanted) -> Failure {
    let message = match &wanted.only {
        Some(part) => format!("no case has `{part}` in its name"),
        None => "the test files have no cases".to_owned(),
    };
    Failure::usage(message).help("`trueup test --list` names the cases that there are")
}

/// Plays the cases. `tell` gets each file's report as soon as it is whole, in the order of the files, and for a file that
/// cannot be played why.
pub async fn run(
    surroundings: &Surroundings,
    projects: &[Opened],
    wanted: &Wanted,
    tell: &mut dyn FnMut(&Report, Option<&Failure>),
) -> Result<Results, Failure> {
    let paths = files::of(surroundings, projects, &wanted.paths)?;
    let played = crew::play(surroundings, projects, wanted, &paths, tell).await?;
    let files = played.reports;
    if wanted.stop.load(Ordering::Relaxed) {
        let cases: usize = files.iter().map(|report| report.cases.len()).sum();
        let failed = cases - files.iter().map(Report::passed).sum::<usize>();
        let message = format!("stopped: of {} cases {cases} were played, {failed} failed", played.all);
        return Err(Failure::refused(Exit::Stopped, message));
    }
    if !wanted.on.is_empty() && files.iter().all(|report| report.cases.is_empty() && report.refused.is_empty()) {
        return Err(none_of(wanted));
    }
    let cases =
        if wanted.on.is_empty() { list(surroundings, projects, wanted)?.len() } else { played.all / wanted.on.len() };
    let skipped = wanted.missing.iter().map(|one| Skipped { on: one.on, why: one.why.clone(), cases }).collect();
    // A part of the cases says nothing about the whole.
    let coverage = if wanted.only.is_none() && !wanted.on.is_empty() {
        coverage(surroundings, projects, wanted, played.reached)
    } else {
        Vec::new()
    };
    Ok(Results { files, skipped, coverage })
}

/// Of the playbooks that were played and of the shared tables that they use; where all tests of a project were, of all its
/// playbooks. One that cannot be loaded has failed its cases, and has no coverage.
fn coverage(
    surroundings: &Surroundings,
    projects: &[Opened],
    wanted: &Wanted,
    mut reached: AllReached,
) -> Vec<Coverage> {
    if wanted.paths.is_empty() {
        for (number, opened) in projects.iter().enumerate() {
            let all = playbook::all(&opened.playbooks());
            for name in all.iter().filter_map(|path| playbook::name_of(path, opened)) {
                reached.entry((number, false, name)).or_default();
            }
        }
    }
    let (mut all, mut lines) = (Vec::new(), BTreeMap::<(usize, String), BTreeSet<usize>>::new());
    for ((number, is_table, name), spots) in &reached {
        if *is_table {
            lines.entry((*number, name.clone())).or_default();
            continue;
        }
        let Ok(loaded) = playbook::load(surroundings, &projects[*number], name) else { continue };
        let (playbook, source) = (loaded.checked.playbook(), loaded.checked.source());
        for (index, row) in playbook.errors.iter().enumerate() {
            let Some(table) = shared(playbook, source, row) else { continue };
            let lines = lines.entry((*number, table.to_owned())).or_default();
            lines.extend(spots.contains(&Spot::Error(index)).then(|| source.place(row.at.start).line));
        }
        all.push(Coverage::of(name, playbook, source, spots));
    }
    for ((number, table), mut lines) in lines {
        let opened = &projects[number];
        let Some(path) = tables::find(surroundings, opened, &table) else { continue };
        let Ok(loaded) = tables::load(surroundings, opened, &path) else { continue };
        let rows = loaded.table.rows();
        let asked = reached.get(&(number, true, table.clone()));
        let own = asked
            .into_iter()
            .flatten()
            .filter_map(|spot| if let Spot::Error(index) = spot { rows.get(*index) } else { None });
        lines.extend(own.map(|row| loaded.source.place(row.at.start).line));
        all.push(Coverage::of_table(&table, &rows, &loaded.source, &lines));
    }
    all.sort_by(|a, b| a.playbook.cmp(&b.playbook));
    all
}

/// Plays every case of one file, or those whose name contains `only`.
pub async fn run_file(
    surroundings: &Surroundings,
    opened: &Opened,
    path: &Path,
    on: &On,
    only: Option<&str>,
) -> Result<Report, Failure> {
    // What keeps the file from being played is the answer here, as it is for every other single thing.
    let opening = open(surroundings, opened, path)?;
    if opening.is_played() {
        opening.scripts(on)?;
    }
    let only = only.map(str::to_owned);
    run_one(surroundings, opened, path, Wanted { only, on: vec![on.clone()], jobs: Some(1), ..Wanted::default() }).await
}

/// The same without the proofs that kill, lose answers or run two at once.
pub async fn run_file_gently(
    surroundings: &Surroundings,
    opened: &Opened,
    path: &Path,
    on: &On,
) -> Result<Report, Failure> {
    open(surroundings, opened, path)?.scripts(on)?;
    run_one(
        surroundings,
        opened,
        path,
        Wanted { gentle: true, on: vec![on.clone()], jobs: Some(1), ..Wanted::default() },
    )
    .await
}

async fn run_one(surroundings: &Surroundings, opened: &Opened, path: &Path, wanted: Wanted) -> Result<Report, Failure> {
    let chosen = [Chosen { project: 0, path: path.to_owned() }];
    let projects = std::slice::from_ref(opened);
    let mut played = crew::play(surroundings, projects, &wanted, &chosen, &mut |_, _| {}).await?;
    played.reports.pop().ok_or_else(|| none_of(&wanted))
}

fn is_database(connection: &Connection) -> bool {
    connection.http.is_none() && connection.sidekiq.is_none() && connection.command.is_none()
}

/// A test file that was read without problems.
struct Opening {
    opened: Opened,
    /// The number of the project.
    project: usize,
    file: TestFile,
    source: Arc<Source>,
    folder: PathBuf,
}

/// `path` is as a person would write it from here.
fn open(surroundings: &Surroundings, opened: &Opened, path: &Path) -> Result<Opening, Failure> {
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
            Ok(Opening { opened: opened.clone(), project: 0, file, source, folder })
        }
        _ => Err(Failure::Texts(vec![problems])),
    }
}

/// What is wrong with a test file, as far as that can be told without playing it: its keys, and the names in it that the project,
/// its playbook or its table do not have.
pub fn checked(surroundings: &Surroundings, opened: &Opened, path: &Path) -> Result<Diagnostics, Failure> {
    let source = project::read(&surroundings.folder.join(path), yaml::DATA_LIMITS, &surroundings.folder)?;
    let mut problems = Diagnostics::new(source.clone());
    let Some(file) = TestFile::parse(&source, &mut problems) else { return Ok(problems) };
    check::check(&file, &opened.project, &mut problems);
    let names: Vec<String> = if file.table.is_some() {
        let tables = playbook::all_tables(&opened.playbooks());
        let names = tables.iter().filter_map(|path| playbook::name_of(path, opened));
        names.map(|name| name.trim_end_matches(".errors").to_owned()).collect()
    } else {
        playbook::all(&opened.playbooks()).iter().filter_map(|path| playbook::name_of(path, opened)).collect()
    };
    let of_table = file.table.as_ref().map(|table| tables::find(surroundings, opened, table.as_str()).is_some());
    let text = file.playbook.as_ref().and_then(|word| {
        let path = playbook::find(surroundings, opened, word.as_str()).ok()?;
        project::read(&path, yaml::LIMITS, &surroundings.folder).ok()
    });
    let there = of_table.unwrap_or(text.is_some());
    // What is wrong with the playbook itself is told of its own file.
    let tested = text.and_then(|text| Playbook::parse(&text, &mut Diagnostics::new(text.clone())));
    check::against(&file, there, tested.as_ref(), &names, &mut problems);
    Ok(problems)
}

impl Opening {
    /// Some case of it runs something: it needs databases.
    fn is_played(&self) -> bool {
        self.file.cases.iter().any(|case| case.error.is_none())
    }

    fn tested(&self) -> Tested {
        (self.project, self.file.table.is_some(), self.file.name().to_owned())
    }

    /// The tables of each database: `tables.<connection>.<dialect>.sql` where there is one, else `tables.<dialect>.sql`,
    /// else `tables.sql`.
    fn scripts(&self, on: &On) -> Result<Vec<(Arc<str>, String)>, Failure> {
        let folder =
            self.file.tables.as_ref().map_or_else(|| self.opened.root.clone(), |w| self.folder.join(w.as_str()));
        let mut scripts = Vec::new();
        for (name, settings) in self.opened.project.connections.iter().filter(|(_, c)| is_database(c)) {
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
        let word = |given: Option<&Word>, usual: &str| Some(given.map_or(usual, |w| w.as_str()).to_owned());
        Request {
            params: start.params.clone(),
            environment: self.environment(),
            reason: word(run.and_then(|r| r.reason.as_ref()), "a test"),
            actor: word(run.and_then(|r| r.actor.as_ref()), "tester"),
            ..Request::default()
        }
    }

    /// The rows of the errors table that no case reached: of a playbook its own rows, of a shared table all.
    fn unreached(&self, surroundings: &Surroundings, spots: &BTreeSet<Spot>) -> Result<Vec<Unreached>, Failure> {
        let missed = |source: &Source, rows: &[ErrorRow], own: &dyn Fn(&ErrorRow) -> bool| {
            let missed = rows.iter().enumerate().filter(|(index, _)| !spots.contains(&Spot::Error(*index)));
            let missed = missed.filter(|(_, row)| own(row)).map(|(_, row)| Unreached {
                row: row.name.as_ref().map_or("a row without a name", |name| name.as_str()).to_owned(),
                file: source.name_at(row.at.start).to_owned(),
                line: source.place(row.at.start).line,
            });
            missed.collect()
        };
        if let Some(table) = &self.file.table {
            let Some(path) = tables::find(surroundings, &self.opened, table.as_str()) else { return Ok(Vec::new()) };
            let loaded = tables::load(surroundings, &self.opened, &path)?;
            return Ok(missed(&loaded.source, &loaded.table.rows(), &|_| true));
        }
        let loaded = playbook::load(surroundings, &self.opened, self.file.name())?;
        let (source, playbook) = (loaded.checked.source(), loaded.checked.playbook());
        Ok(missed(source, &playbook.errors, &|row| shared(playbook, source, row).is_none()))
    }
}
