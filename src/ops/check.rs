//! `check`: all problems of all files in one go, offline; with an environment also against the live databases.

use super::{
    Failure, Surroundings,
    included::with_included,
    plan::{databases, jobs},
    playbook::{all, all_tables, name_of, names_for},
    project::{self, Opened},
};
use crate::{
    base::{diagnostic::Diagnostics, yaml},
    check::{self, Knowledge, PrepareFault, Prepared},
    connection::{database::Database, fault::Fault, statement::Statement, survey::Survey},
    effect::change::TableName,
    playbook::{called::Called, error_table::SUFFIX, model::Playbook},
    table::catalogue::Catalogue,
};
use std::{
    collections::{HashMap, HashSet},
    path::PathBuf,
    sync::Arc,
};

/// What a check found.
pub struct Found {
    /// How many files were looked at.
    pub files: usize,
    /// The problems, file by file; files without any are not there.
    pub problems: Vec<Diagnostics>,
}

impl Found {
    /// No errors (advice does not count).
    pub fn is_good(&self) -> bool {
        self.problems.iter().all(|p| p.errors() == 0)
    }
}

/// Checks the given files and folders, or all playbooks of the project. With `environment` also against its databases.
pub async fn check(
    surroundings: &Surroundings,
    opened: &Opened,
    paths: &[PathBuf],
    environment: Option<&str>,
) -> Result<Found, Failure> {
    let mut files = Vec::new();
    let mut tables = Vec::new();
    if paths.is_empty() {
        files = all(&opened.playbooks());
        tables = all_tables(&opened.playbooks());
    }
    for path in paths {
        let path = surroundings.folder.join(path);
        if path.is_dir() {
            files.extend(all(&path));
            tables.extend(all_tables(&path));
        } else if path.to_string_lossy().ends_with(SUFFIX) {
            tables.push(path);
        } else {
            files.push(path);
        }
    }
    let live = match environment {
        Some(name) => Some(Live::open(surroundings, opened, name).await?),
        None => None,
    };
    let about_project = match &live {
        Some(live) => live.about(opened),
        None => opened.advice.clone(),
    };
    let mut problems: Vec<Diagnostics> = Some(about_project).filter(|a| !a.is_empty()).into_iter().collect();
    let mut told = Told::of(&files);
    for path in &files {
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
        let (_, found) = check::read_and_check(source, opened.project.clone(), &knowledge);
        let found = told.once(found, opened);
        if !found.is_empty() {
            problems.push(found);
        }
    }
    for path in &tables {
        match super::tables::checked(surroundings, opened, path) {
            Ok((_, found)) if found.is_empty() => {}
            Ok((_, found)) => problems.push(found),
            Err(Failure::Texts(found)) => problems.extend(found),
            Err(other) => return Err(other),
        }
    }
    Ok(Found { files: files.len(), problems })
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
        for (name, jobs) in jobs(surroundings, opened, environment, |_| true)? {
            let asked = jobs.survey().await;
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
