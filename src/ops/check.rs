//! `check`: all problems of all files in one go, offline; with an environment also against the live databases.

use super::{
    Failure, Surroundings,
    included::with_included,
    plan::{databases, jobs},
    playbook::{all, all_tables, all_tests, name_of, names_for},
    project::{self, Opened},
    since::Revision,
};
use crate::{
    base::{counted::counted, diagnostic::Diagnostics, suggest, yaml},
    check::{self, Knowledge, PrepareFault, Prepared},
    connection::{database::Database, fault::Fault, statement::Statement, survey::Survey},
    effect::change::TableName,
    playbook::{called::Called, error_table::SUFFIX, model::Playbook},
    table::catalogue::Catalogue,
};
use std::{
    collections::{HashMap, HashSet},
    path::{Path, PathBuf},
    sync::Arc,
};

/// The ending of test files.
const OF_TESTS: &str = ".test.yaml";

/// What a check found.
pub struct Found {
    /// How many playbooks were looked at.
    pub files: usize,
    /// How many test files.
    pub tests: usize,
    /// The problems, file by file; files without any are not there.
    pub problems: Vec<Diagnostics>,
    /// Playbooks of a project with databases were looked at, and no database was asked about their tables and columns.
    pub unasked: bool,
}

impl Found {
    /// No errors (advice does not count).
    pub fn is_good(&self) -> bool {
        self.problems.iter().all(|p| p.errors() == 0)
    }

    /// `1 playbook and 2 test files`: what was looked at.
    pub fn counted(&self) -> String {
        match (self.files, self.tests) {
            (files, 0) => counted(files, "playbook"),
            (0, tests) => counted(tests, "test file"),
            (files, tests) => format!("{} and {}", counted(files, "playbook"), counted(tests, "test file")),
        }
    }
}

/// The files of a project that are looked at.
#[derive(Default)]
pub struct Files {
    /// Playbooks.
    pub playbooks: Vec<PathBuf>,
    /// Shared errors tables.
    pub tables: Vec<PathBuf>,
    /// Test files.
    pub tests: Vec<PathBuf>,
}

impl Files {
    fn of(folder: &Path) -> Files {
        Files { playbooks: all(folder), tables: all_tables(folder), tests: all_tests(folder) }
    }
}

/// The given files and those in the given folders, or all of the project. What is not there as a path is the name of a playbook,
/// a table or a folder of the project, as in the other commands.
pub fn files(surroundings: &Surroundings, opened: &Opened, paths: &[PathBuf]) -> Files {
    if paths.is_empty() {
        return Files::of(&opened.playbooks());
    }
    let mut files = Files::default();
    for path in paths {
        let path = meant(surroundings, opened, path);
        if path.is_dir() {
            let below = Files::of(&path);
            files.playbooks.extend(below.playbooks);
            files.tables.extend(below.tables);
            files.tests.extend(below.tests);
        } else if path.to_string_lossy().ends_with(OF_TESTS) {
            files.tests.push(path);
        } else if path.to_string_lossy().ends_with(SUFFIX) {
            files.tables.push(path);
        } else {
            files.playbooks.push(path);
        }
    }
    files
}

/// The same, and each of the paths is there.
pub fn existing(surroundings: &Surroundings, opened: &Opened, paths: &[PathBuf]) -> Result<Files, Failure> {
    for path in paths {
        if meant(surroundings, opened, path).exists() {
            continue;
        }
        let (text, folder) = (path.to_string_lossy(), opened.playbooks());
        let known: Vec<String> = all(&folder).iter().filter_map(|path| name_of(path, opened)).collect();
        let shown = project::shown(&folder, &surroundings.folder);
        let failure =
            Failure::usage(format!("there is no file, folder or playbook `{text}`, neither here nor in {shown}"));
        return Err(match suggest::help(text.trim_end_matches(".yaml"), known.iter().map(String::as_str)) {
            Some(help) => failure.help(help),
            None => failure,
        });
    }
    Ok(files(surroundings, opened, paths))
}

/// The path where something is there; else what the project has under this name, or again the path, of which it is said then that
/// nothing is there.
fn meant(surroundings: &Surroundings, opened: &Opened, given: &Path) -> PathBuf {
    let path = surroundings.folder.join(given);
    if path.exists() || given.is_absolute() {
        return path;
    }
    let below = opened.playbooks().join(given);
    let named = |end: &str| {
        let mut name = below.clone().into_os_string();
        name.push(end);
        PathBuf::from(name)
    };
    let candidates = [named(".yaml"), named(SUFFIX), below.clone()];
    candidates.into_iter().find(|candidate| candidate.exists()).unwrap_or(path)
}

/// What is wrong with one file, a playbook, a shared errors table or a test file, without asking anything outside.
pub fn looked_at(surroundings: &Surroundings, opened: &Opened, path: &Path) -> Result<Vec<Diagnostics>, Failure> {
    let found = if path.to_string_lossy().ends_with(OF_TESTS) {
        super::test::checked(surroundings, opened, path)
    } else if path.to_string_lossy().ends_with(SUFFIX) {
        super::tables::checked(surroundings, opened, path).map(|(_, found)| found)
    } else {
        project::read(path, yaml::LIMITS, &surroundings.folder)
            .and_then(|source| with_included(surroundings, opened, path, source))
            .map(|source| {
                let names = names_for(&source, opened);
                let knowledge = Knowledge { name: name_of(path, opened), names, ..Knowledge::default() };
                check::read_and_check(source, opened.project.clone(), &knowledge).1
            })
    };
    match found {
        Ok(found) => Ok(Some(found).filter(|found| !found.is_empty()).into_iter().collect()),
        Err(Failure::Texts(found)) => Ok(found),
        Err(other) => Err(other),
    }
}

/// What a check looks at beside the files themselves.
#[derive(Clone, Copy, Debug, Default)]
pub struct Beside<'a> {
    /// The databases of this environment.
    pub environment: Option<&'a str>,
    /// What git knows at this revision: a meaning that changed needs another version.
    pub since: Option<&'a str>,
}

/// Checks the given files and folders, or all playbooks of the project. With `environment` also against its databases.
pub async fn check(
    surroundings: &Surroundings,
    opened: &Opened,
    paths: &[PathBuf],
    environment: Option<&str>,
) -> Result<Found, Failure> {
    check_beside(surroundings, opened, paths, Beside { environment, since: None }).await
}

/// The same, beside what else is asked.
pub async fn check_beside(
    surroundings: &Surroundings,
    opened: &Opened,
    paths: &[PathBuf],
    beside: Beside<'_>,
) -> Result<Found, Failure> {
    let Files { playbooks, tables, tests } = existing(surroundings, opened, paths)?;
    let revision = beside.since.map(|name| Revision::find(opened, name)).transpose()?;
    let live = match beside.environment {
        Some(name) => Some(Live::open(surroundings, opened, name).await?),
        None => None,
    };
    let mut about_project = match &live {
        Some(live) => live.about(opened),
        None => opened.advice.clone(),
    };
    let is_looked_at = |path: Option<&Path>| {
        let looked_at = |path: &Path| playbooks.iter().any(|one| one.canonicalize().ok() == path.canonicalize().ok());
        paths.is_empty() || path.is_some_and(looked_at)
    };
    super::schedule::unfit(surroundings, opened, &is_looked_at, &mut about_project);
    let mut problems: Vec<Diagnostics> = Some(about_project).filter(|a| !a.is_empty()).into_iter().collect();
    let mut told = Told::of(&playbooks);
    for path in &playbooks {
        let source = project::read(path, yaml::LIMITS, &surroundings.folder);
        let source = match source.and_then(|source| with_included(surroundings, opened, path, source)) {
            Ok(source) => source,
            Err(Failure::Texts(found)) => {
                problems.extend(found);
                continue;
            }
            Err(other) => return Err(other),
        };
        let names = names_for(&source, opened);
        let mut knowledge = Knowledge { name: name_of(path, opened), names, ..Knowledge::default() };
        let mut quiet = Diagnostics::new(source.clone());
        if let Some(live) = &live
            && let Some(playbook) = Playbook::parse(&source, &mut quiet)
        {
            live.learn(&playbook, &Called::of_sound(&source), &mut knowledge).await;
        }
        let (_, mut found) = check::read_and_check(source.clone(), opened.project.clone(), &knowledge);
        if let (Some(live), Some(environment)) = (&live, beside.environment)
            && let Some(playbook) = Playbook::parse(&source, &mut Diagnostics::new(source.clone()))
            && let Some(lifecycle) = &playbook.lifecycle
        {
            let named = |table: &TableName| table.to_string() == lifecycle.table.as_str();
            let known = super::states::read(opened.project.clone(), &live.databases, named).await?;
            let scope = super::states::scope(&known, environment, surroundings.world.now());
            super::states::unlike(&playbook, &known, &scope).into_iter().for_each(|problem| found.push(problem));
        }
        if let Some(revision) = &revision {
            revision.compare(surroundings, opened, path, &source, &mut found)?;
        }
        let found = told.once(found, opened);
        if !found.is_empty() {
            problems.push(found);
        }
    }
    for path in tables.iter().chain(&tests) {
        problems.extend(looked_at(surroundings, opened, path)?);
    }
    let has_databases = opened.project.connections.iter().any(|(_, connection)| connection.is_database());
    let unasked = live.is_none() && has_databases && !playbooks.is_empty();
    Ok(Found { files: playbooks.len(), tests: tests.len(), problems, unasked })
}

/// What was said of playbooks that others call: once, however many call them.
struct Told {
    /// The files that are looked at for themselves.
    files: HashSet<PathBuf>,
    /// File, place in it, code and message.
    said: HashSet<(String, usize, &'static str, String)>,
}

impl Told {
    fn of(files: &[PathBuf]) -> Told {
        Told { files: files.iter().filter_map(|path| path.canonicalize().ok()).collect(), said: HashSet::new() }
    }

    /// Without what is said elsewhere.
    fn once(&mut self, found: Diagnostics, opened: &Opened) -> Diagnostics {
        let source = found.source().clone();
        let mut rest = Diagnostics::new(source.clone());
        for one in found.sorted() {
            let part = source.included().iter().rev().find(|part| one.span.start >= part.span.start);
            let said = part.filter(|part| !part.name.ends_with(SUFFIX)).is_some_and(|part| {
                let key = (part.name.clone(), one.span.start - part.span.start, one.code.id, one.message.clone());
                let itself = opened.root.join(&part.name).canonicalize().is_ok_and(|path| self.files.contains(&path));
                itself || !self.said.insert(key)
            });
            if !said {
                rest.push(one.clone());
            }
        }
        rest
    }
}

/// The databases of an environment, asked for their catalogues and for what they think of statements.
struct Live {
    databases: HashMap<Arc<str>, Database>,
    knowledge: Knowledge,
}

impl Live {
    async fn open(surroundings: &Surroundings, opened: &Opened, environment: &str) -> Result<Live, Failure> {
        let (name, _) = opened.project.environment(Some(environment)).map_err(Failure::usage)?;
        let databases = databases(surroundings, opened, name)?;
        let mut knowledge = Knowledge::default();
        for (name, database) in &databases {
            let (catalogue, survey) = look(opened, name, database)
                .await
                .map_err(|fault| Failure::usage(format!("failed to ask `{name}`: {fault}")).help(fault.help()))?;
            knowledge.catalogues.insert(name.clone(), catalogue);
            knowledge.surveys.insert(name.clone(), survey);
            knowledge.dialects.insert(name.clone(), database.dialect());
        }
        // What a sandbox plays is no live system, and need not run for its databases to be asked.
        let live = |name: &str| {
            opened.project.connections.get(name).is_none_or(|settings| settings.mock_in(environment).is_none())
        };
        for (name, jobs) in jobs(surroundings, opened, environment, live)? {
            let asked = jobs.survey_of_rights().await;
            let survey =
                asked.map_err(|fault| Failure::usage(format!("failed to ask `{name}`: {fault}")).help(fault.help()))?;
            knowledge.queues.insert(name, survey);
        }
        Ok(Live { databases, knowledge })
    }

    /// The project file, judged again with what is known now.
    fn about(&self, opened: &Opened) -> Diagnostics {
        let mut problems = Diagnostics::new(opened.source.clone());
        check::check_project(&opened.project, &self.knowledge, &mut problems);
        problems
    }

    async fn learn(&self, playbook: &Playbook, called: &Called, knowledge: &mut Knowledge) {
        *knowledge = Knowledge { name: knowledge.name.take(), names: knowledge.names.take(), ..self.knowledge.clone() };
        let called = called.files().iter().filter_map(|file| file.playbook.as_deref());
        for statement in [playbook].into_iter().chain(called).flat_map(check::statements) {
            let Some(database) = self.databases.get(statement.connection) else { continue };
            let Ok(bound) = statement.sql.outline(database.dialect()) else { continue };
            let sql = Statement { sql: bound.sql.clone(), binds: bound.binds.clone() };
            let prepared = async {
                if statement.writes {
                    let mut handle = database.rehearsing().await?;
                    let prepared = handle.prepare(&sql).await;
                    handle.rollback().await?;
                    prepared
                } else {
                    let mut handle = database.reading().await?;
                    let prepared = handle.prepare(&sql).await;
                    handle.close().await;
                    prepared
                }
            };
            let told = match prepared.await {
                Ok(prepared) => Ok(Prepared {
                    parameters: prepared.parameters.into_iter().map(|s| (s.type_name, s.kind)).collect(),
                    columns: prepared.columns.into_iter().map(|s| (s.name, s.type_name, s.kind)).collect(),
                }),
                Err(fault) => Err(PrepareFault {
                    range: fault.position.map(|at| bound.origin(at)),
                    hint: fault.hint.clone().or_else(|| Some(fault.help()).filter(|h| !h.is_empty())),
                    message: fault.message,
                }),
            };
            knowledge.prepared.insert(statement.at, told);
        }
    }
}

/// What a database says of itself: its tables by the role that reads, the rest by the role that writes.
async fn look(opened: &Opened, name: &str, database: &Database) -> Result<(Catalogue, Survey), Fault> {
    let mut reading = database.reading().await?;
    let catalogue = reading.catalogue(None).await?;
    reading.close().await;
    let declared: Vec<TableName> =
        opened.project.tables().map(|(table, _)| table).filter(|table| &*table.connection == name).collect();
    let tables: Vec<&str> = declared.iter().map(|table| &*table.table).collect();
    Ok((catalogue, database.survey(&tables).await?))
}
