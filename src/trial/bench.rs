//! The databases of a test: made once for a file from its tables, copied fresh for each case, gone at the end.

use crate::{
    base::{secret::Secret, value::Value},
    connection::{fault::Fault, sandbox},
    template::Dialect,
};
use std::{
    path::{Path, PathBuf},
    sync::Arc,
};

/// On which kind of database the tests of a file run.
#[derive(Clone, Debug)]
pub enum On {
    /// SQLite files.
    Sqlite,
    /// Databases of their own on this PostgreSQL server: the URL of a role that may create databases.
    Postgres(Secret),
}

impl On {
    /// `sqlite`, `postgres`: also the `<dialect>` in names of files.
    pub fn word(&self) -> &'static str {
        match self.dialect() {
            Dialect::Sqlite => "sqlite",
            Dialect::Postgres => "postgres",
        }
    }

    /// How SQL is written there.
    pub fn dialect(&self) -> Dialect {
        match self {
            On::Sqlite => Dialect::Sqlite,
            On::Postgres(_) => Dialect::Postgres,
        }
    }
}

/// The databases of one file's tests, one for each database connection of the project.
#[derive(Debug)]
pub struct Bench {
    on: On,
    folder: PathBuf,
    /// In every name that this bench gives to a database.
    mark: String,
    models: Vec<Arc<str>>,
}

impl Bench {
    /// Makes the model databases. `scripts` are connection and SQL text; `mark` is unique on the server and a plain name;
    /// `folder` is there and empty.
    pub async fn build(on: &On, folder: &Path, mark: &str, scripts: &[(Arc<str>, String)]) -> Result<Bench, Fault> {
        let mut bench = Bench { on: on.clone(), folder: folder.to_owned(), mark: mark.to_owned(), models: Vec::new() };
        for (connection, script) in scripts {
            match on {
                On::Sqlite => sandbox::sqlite(&bench.model_file(connection), &[script]).await?,
                On::Postgres(server) => {
                    let name = bench.name(connection, "model");
                    sandbox::postgres(server.reveal(), &[&format!("create database {name}")]).await?;
                    bench.models.push(connection.clone());
                    sandbox::postgres(&url_of(server, &name), &[script]).await?;
                }
            }
        }
        Ok(bench)
    }

    fn model_file(&self, connection: &str) -> PathBuf {
        self.folder.join(format!("{connection}.model.db"))
    }

    /// Only letters, digits and `_`: needs no quotes.
    fn name(&self, connection: &str, case: &str) -> String {
        let plain = |text: &str| {
            text.chars()
                .map(|c| if c.is_ascii_alphanumeric() { c.to_ascii_lowercase() } else { '_' })
                .collect::<String>()
        };
        format!("trueup_test_{}_{}_{}", plain(&self.mark), plain(connection), plain(case))
    }

    /// A fresh copy for a case, and where it is: the path of a file, or a URL (which is a secret).
    pub async fn copy(&self, connection: &str, case: usize, folder: &Path) -> Result<Place, Fault> {
        match &self.on {
            On::Sqlite => {
                let path = folder.join(format!("{connection}.db"));
                std::fs::copy(self.model_file(connection), &path).map_err(|e| {
                    Fault::new(crate::connection::fault::FaultKind::Other, format!("copy {}: {e}", path.display()))
                })?;
                Ok(Place::File(path))
            }
            On::Postgres(server) => {
                let (name, model) = (self.name(connection, &case.to_string()), self.name(connection, "model"));
                sandbox::postgres(server.reveal(), &[&format!("create database {name} template {model}")]).await?;
                Ok(Place::Server(Secret::new(url_of(server, &name))))
            }
        }
    }

    /// Takes a case's copy away.
    pub async fn drop_copy(&self, connection: &str, case: usize) -> Result<(), Fault> {
        match &self.on {
            On::Sqlite => Ok(()),
            On::Postgres(server) => drop_database(server, &self.name(connection, &case.to_string())).await,
        }
    }

    /// Takes the models away.
    pub async fn clear(self) -> Result<(), Fault> {
        if let On::Postgres(server) = &self.on {
            for connection in &self.models {
                drop_database(server, &self.name(connection, "model")).await?;
            }
        }
        Ok(())
    }
}

async fn drop_database(server: &Secret, name: &str) -> Result<(), Fault> {
    sandbox::postgres(server.reveal(), &[&format!("drop database if exists {name} with (force)")]).await
}

/// The same server, another database.
fn url_of(server: &Secret, database: &str) -> String {
    match url::Url::parse(server.reveal()) {
        Ok(mut url) => {
            url.set_path(database);
            url.into()
        }
        // Connecting will say what is wrong with it.
        Err(_) => server.reveal().to_owned(),
    }
}

/// Where a case's database is.
#[derive(Clone, Debug)]
pub enum Place {
    /// A SQLite file.
    File(PathBuf),
    /// A PostgreSQL database.
    Server(Secret),
}

impl Place {
    /// As `sqlite:` or `postgres:` settings of a project file; a URL is named by the variable that will hold it.
    pub fn settings(&self, variable: &str) -> (&'static str, Value) {
        match self {
            Place::File(path) => ("sqlite", Value::map([("path", Value::text(path.display().to_string()))])),
            Place::Server(_) => {
                let url = Value::map([("secret", Value::text(variable))]);
                ("postgres", Value::map([("url", url), ("timezone", Value::text("UTC"))]))
            }
        }
    }
}
