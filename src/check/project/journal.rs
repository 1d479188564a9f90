//! The journal: in one place, which is nobody else's.

use crate::{
    base::{
        diagnostic::{Code, Diagnostic, Diagnostics},
        shape::ONE_OF,
        source::Span,
    },
    check::knowledge::Knowledge,
    connection::settings::Effective,
    playbook::project::{JOURNAL_FILE, JournalPlace, Project},
};
use std::path::{Component, Path, PathBuf};

/// A place where runs cannot be recorded.
pub static JOURNAL: Code = Code {
    id: "E0620",
    title: "the journal cannot be there",
    explain: "The journal is a SQLite file of its own or, with `postgres:`, a database: the name of a connection that has a `url`, or \
        an address. It is never the file of a connection: what is written there and what is recorded about it must not share a lock, \
        and an undo of the one must not touch the other.",
};

/// All codes of this file.
pub static CODES: &[&Code] = &[&JOURNAL, &ONE_OF];

/// Looks at the journal, also at the one that is meant when none is named.
pub fn look(project: &Project, _: &Knowledge, problems: &mut Diagnostics) {
    let place = project.journal.as_ref();
    let postgres = place.and_then(|place| place.postgres.as_ref());
    let sqlite = place.and_then(|place| place.sqlite.as_ref());
    match (sqlite, postgres) {
        (Some(_), Some(setting)) => problems.push(
            Diagnostic::error(&ONE_OF, setting.at(), "the journal is in two places at once")
                .help("give it `sqlite` or `postgres`"),
        ),
        (_, Some(setting)) => {
            if let Some(name) = place.and_then(JournalPlace::connection) {
                server(project, name, setting.at(), problems);
            }
        }
        (file, None) => {
            let (path, at) = file.map_or((JOURNAL_FILE, project.at), |word| (word.as_str(), word.span));
            alone(project, path, at, problems);
        }
    }
}

/// The connection that is named can be used.
fn server(project: &Project, name: &str, at: Span, problems: &mut Diagnostics) {
    let databases = || project.connections.iter().filter(|(_, c)| c.postgres.is_some()).map(|(name, _)| name);
    let problem = match project.connections.get(name) {
        None => Diagnostic::error(&JOURNAL, at, format!("there is no connection `{name}`"))
            .suggest(name, databases())
            .help("name a `postgres` connection, or write `{ secret: NAME }` for the variable that holds the address"),
        Some(connection) if connection.postgres.is_none() => {
            Diagnostic::error(&JOURNAL, at, format!("`{name}` is not a `postgres` connection"))
                .help("name a `postgres` connection, or keep the journal in a file: `journal: { sqlite: PATH }`")
        }
        Some(connection) if connection.postgres.as_ref().is_some_and(|p| p.url.is_none()) => Diagnostic::error(
            &JOURNAL,
            at,
            format!("the connection `{name}` has an address only in its environments, and the journal is one for all"),
        )
        .help("write `{ secret: NAME }` for the variable that holds the journal's address"),
        Some(_) => return,
    };
    problems.push(problem);
}

/// Not the file of any connection, in any environment.
fn alone(project: &Project, journal: &str, at: Span, problems: &mut Diagnostics) {
    for (name, connection) in project.connections.iter() {
        let environments = connection.per_environment.names().map(Some).chain([None]);
        let same = environments.into_iter().any(|environment| match connection.in_environment(environment) {
            Effective::Sqlite(settings) => settings.path.is_some_and(|path| plain(path.as_str()) == plain(journal)),
            _ => false,
        });
        if same {
            let message = format!("the journal would be in `{journal}`, the database of the connection `{name}`");
            problems.push(Diagnostic::error(&JOURNAL, at, message).help("give the journal a file of its own"));
        }
    }
}

/// Without `.` and, as far as that can be said of a text, without `..`.
fn plain(path: &str) -> PathBuf {
    Path::new(path).components().fold(PathBuf::new(), |mut plain, part| {
        match part {
            Component::CurDir => {}
            Component::ParentDir if plain.file_name().is_some() => {
                plain.pop();
            }
            part => plain.push(part),
        }
        plain
    })
}
