//! `new`: a first playbook for a table and its test, made from the project file and the catalogue, checked before it is written
//! and played afterwards. Never overwrites.

use super::{
    Failure, Surroundings, inspect,
    project::{self, Opened},
    test,
};
use crate::{
    base::{source::Source, suggest},
    check::{self, Knowledge},
    effect::change::TableName,
    playbook::{
        draft::{self, Known, Wish},
        format, schema,
    },
    table::{
        catalogue::{Catalogue, Table},
        facts::Facts,
    },
    trial::{bench::On, report::Report},
};
use std::{
    io::Write,
    path::{Path, PathBuf},
};

/// A table, as project file and database know it.
pub struct Looked {
    /// `connection.table`
    pub table: TableName,
    /// The environment whose database was asked.
    pub environment: String,
    catalogue: Catalogue,
}

/// What was written.
pub struct Written {
    /// The playbook's file, as the user would name it.
    pub playbook: String,
    /// The test's file.
    pub test: String,
    /// The file of tables for tests, where there was none.
    pub tables: Option<String>,
    /// What the test gave.
    pub report: Report,
}

/// The declared tables of databases, as one names them.
pub fn tables(opened: &Opened) -> Vec<String> {
    let databases = |name: &TableName| {
        opened.project.connections.get(&name.connection).is_some_and(|connection| {
            let system = check::system(connection);
            matches!(system, check::System::Sqlite | check::System::Postgres | check::System::Mysql)
        })
    };
    opened.project.tables().map(|(name, _)| name).filter(databases).map(|name| name.to_string()).collect()
}

/// Refuses a name that cannot be one, or is taken, before anybody is asked anything.
pub fn free(surroundings: &Surroundings, opened: &Opened, name: &str) -> Result<PathBuf, Failure> {
    let good = |part: &str| {
        part.starts_with(|c: char| c.is_ascii_lowercase())
            && part.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || matches!(c, '-' | '_'))
    };
    if !name.split('/').all(good) {
        return Err(Failure::usage(format!("`{name}` cannot be the name of a playbook"))
            .help("a name is small letters, digits and `-`, with `/` between folders: `register/correct-email`"));
    }
    let path = opened.playbooks().join(format!("{name}.yaml"));
    for taken in [path.clone(), path.with_extension("test.yaml")] {
        if taken.exists() {
            let shown = project::shown(&taken, &surroundings.folder);
            return Err(Failure::usage(format!("`{shown}` is there already; nothing was written"))
                .help("choose another name, or edit that file"));
        }
    }
    Ok(path)
}

/// Asks the database of the environment about a declared table.
pub async fn look(
    surroundings: &Surroundings,
    opened: &Opened,
    environment: Option<&str>,
    table: &str,
) -> Result<Looked, Failure> {
    let known = tables(opened);
    let declared = TableName::parse(table).filter(|name| opened.project.facts(name).is_some());
    let Some(name) = declared else {
        let failure = Failure::usage(format!("the project file declares no table `{table}`"));
        let failure = match suggest::help(table, known.iter().map(String::as_str)) {
            Some(help) => failure.help(help),
            None => {
                failure.help("`tables:` of a connection says how a table behaves; a playbook can use only such tables")
            }
        };
        let inspect = table.split_once('.').map_or_else(|| table.to_owned(), |(c, t)| format!("{c} {t}"));
        return Err(failure.help(format!("`trueup connection inspect {inspect}` prints what to add")));
    };
    let (found, _) = opened.project.environment(environment).map_err(Failure::usage)?;
    let found = found.to_owned();
    let catalogue = inspect::inspect(surroundings, opened, environment, &name.connection, &[]).await?;
    if !catalogue.contains_key(&name.table) {
        return Err(Failure::usage(format!(
            "`{}` has no table `{}` that this role can see",
            name.connection, name.table
        ))
        .help("the project file declares it: is it another environment, or another role?"));
    }
    Ok(Looked { table: name, environment: found, catalogue })
}

impl Looked {
    /// With what the project file says.
    fn known<'a>(&'a self, opened: &'a Opened) -> Option<(Known<'a>, &'a Facts, &'a Table)> {
        let (facts, columns) = (opened.project.facts(&self.table)?, self.catalogue.get(&self.table.table)?);
        Some((Known { project: &opened.project, facts, catalogue: &self.catalogue, columns }, facts, columns))
    }

    /// The columns by which a person could name a row, the best first.
    pub fn names(&self, opened: &Opened) -> Vec<String> {
        self.known(opened).map(|(known, ..)| draft::names(known)).unwrap_or_default()
    }

    /// The columns that could be changed.
    pub fn changeable(&self, opened: &Opened) -> Vec<String> {
        let Some((known, _, columns)) = self.known(opened) else { return Vec::new() };
        let good = columns.columns.values().filter(|column| draft::why_not(known, column).is_none());
        good.map(|column| column.name.to_string()).collect()
    }

    /// The column by which the row is found.
    pub fn by(&self, opened: &Opened, wanted: Option<&str>) -> Result<String, Failure> {
        let names = self.names(opened);
        match wanted {
            None => names.first().cloned().ok_or_else(|| {
                Failure::usage(format!("no column of `{}` names one row", self.table))
                    .help("a playbook finds its row by one column that is a key or unique: write this one by hand")
            }),
            Some(wanted) if names.iter().any(|name| name == wanted) => Ok(wanted.to_owned()),
            Some(wanted) => {
                let failure = Failure::usage(format!("`{wanted}` does not name one row of `{}`", self.table));
                let failure = match suggest::help(wanted, names.iter().map(String::as_str)) {
                    Some(help) => failure.help(help),
                    None => failure,
                };
                let is_there = self
                    .known(opened)
                    .is_some_and(|(_, _, columns)| columns.columns.values().any(|c| *c.name == *wanted));
                Err(if is_there {
                    let help = format!("if no two rows share it, say so in the project file: `unique: [[{wanted}]]`");
                    failure.help(help)
                } else {
                    failure
                })
            }
        }
    }

    /// Refuses columns that cannot be changed.
    pub fn settable(&self, opened: &Opened, wanted: &[String]) -> Result<(), Failure> {
        let Some((known, _, columns)) = self.known(opened) else { return Ok(()) };
        let possible = self.changeable(opened);
        let help = |failure: Failure, word: &str| match suggest::help(word, possible.iter().map(String::as_str)) {
            Some(text) => failure.help(text),
            None => failure,
        };
        if wanted.is_empty() {
            return Err(help(Failure::usage("nothing says which column is to be changed; give `--set COLUMN`"), ""));
        }
        for (index, name) in wanted.iter().enumerate() {
            let Some(column) = columns.column(name) else {
                return Err(help(Failure::usage(format!("`{}` has no column `{name}`", self.table)), name));
            };
            if let Some(why) = draft::why_not(known, column) {
                return Err(help(Failure::usage(format!("`{name}` {why}")), name));
            }
            if wanted[..index].contains(name) {
                return Err(Failure::usage(format!("`{name}` is given twice")));
            }
        }
        Ok(())
    }
}

/// Writes playbook and test, and plays the test on SQLite.
pub async fn write(
    surroundings: &Surroundings,
    opened: &Opened,
    looked: &Looked,
    wish: &Wish,
) -> Result<Written, Failure> {
    let path = free(surroundings, opened, &wish.name)?;
    if let Some(owner) = wish.owner.as_ref().filter(|owner| opened.project.people.get(owner).is_none()) {
        let failure = Failure::usage(format!("the project file has no `{owner}` under `people`"));
        return Err(match suggest::help(owner, opened.project.people.names()) {
            Some(help) => failure.help(help),
            None => failure,
        });
    }
    let cannot = || {
        Failure::usage(format!(
            "a first test of `{}` cannot be invented: a column that must not be empty holds values of an unknown kind",
            looked.table
        ))
        .help("write this playbook by hand; docs/tutorial.md shows one from the first line on")
    };
    let (known, ..) = looked.known(opened).ok_or_else(cannot)?;
    let wish = Wish { schema: schema_file(&path), ..wish.clone() };
    let made = draft::draft(&wish, known).ok_or_else(cannot)?;
    let text = format::format(&made.playbook, &schema::playbook()).unwrap_or(made.playbook);
    let source = Source::new(project::shown(&path, &surroundings.folder), text.clone());
    let knowledge = Knowledge { name: Some(wish.name.clone()), ..Knowledge::default() };
    let (_, problems) = check::read_and_check(source, opened.project.clone(), &knowledge);
    if problems.errors() > 0 {
        return Err(Failure::Texts(vec![problems]));
    }
    let folder = path.parent().unwrap_or(Path::new("."));
    std::fs::create_dir_all(folder)
        .map_err(|error| Failure::usage(format!("{} cannot be made: {error}", folder.display())))?;
    let test = path.with_extension("test.yaml");
    let tables = tables_file(opened, looked);
    if let Some(tables) = &tables {
        create(surroundings, tables, &draft::tables(&looked.catalogue))?;
    }
    create(surroundings, &path, &text)?;
    create(surroundings, &test, &made.test)?;
    let report = test::run_file(surroundings, opened, &test, &On::Sqlite, None).await?;
    let shown = |path: &Path| project::shown(path, &surroundings.folder);
    Ok(Written { playbook: shown(&path), test: shown(&test), tables: tables.as_deref().map(shown), report })
}

/// The file with the tables of the tests, unless there is one.
fn tables_file(opened: &Opened, looked: &Looked) -> Option<PathBuf> {
    let names = [
        format!("tables.{}.sqlite.sql", looked.table.connection),
        "tables.sqlite.sql".to_owned(),
        "tables.sql".to_owned(),
    ];
    let is_there = names.iter().any(|name| opened.root.join(name).is_file());
    (!is_there).then(|| opened.root.join("tables.sqlite.sql"))
}

/// The schema of playbooks beside the project, as seen from the playbook, where `trueup schema playbook` was put there.
fn schema_file(playbook: &Path) -> Option<String> {
    let folder = playbook.parent()?;
    folder.ancestors().enumerate().take(6).find_map(|(up, above)| {
        let found = above.join("schema/playbook.schema.json").is_file();
        found.then(|| format!("{}schema/playbook.schema.json", "../".repeat(up)))
    })
}

/// A new file; one that is there is left alone, whoever made it a moment ago.
fn create(surroundings: &Surroundings, path: &Path, text: &str) -> Result<(), Failure> {
    let made = std::fs::OpenOptions::new().write(true).create_new(true).open(path);
    made.and_then(|mut file| file.write_all(text.as_bytes())).map_err(|error| {
        Failure::usage(format!("{} cannot be written: {error}", project::shown(path, &surroundings.folder)))
    })
}
