//! The databases of a test: made for a file from its tables, fresh for each case, gone at the end.

use crate::{
    base::{secret::Secret, value::Value},
    connection::{
        fault::{Fault, FaultKind},
        sandbox,
    },
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
    /// The same on this MySQL or MariaDB server.
    Mysql(Secret),
}

impl On {
    /// `sqlite`, `postgres`, `mysql`: also the `<dialect>` in names of files.
    pub fn word(&self) -> &'static str {
        match self.dialect() {
            Dialect::Sqlite => "sqlite",
            Dialect::Postgres => "postgres",
            Dialect::Mysql => "mysql",
        }
    }

    /// How SQL is written there.
    pub fn dialect(&self) -> Dialect {
        match self {
            On::Sqlite => Dialect::Sqlite,
            On::Postgres(_) => Dialect::Postgres,
            On::Mysql(_) => Dialect::Mysql,
        }
    }
}

/// The databases of one file's tests, one for each database connection of the project.
#[derive(Debug)]
pub struct Bench {
    on: On,
    folder: PathBuf,
    /// In the names of databases on a server.
    mark: String,
    scripts: Vec<(Arc<str>, String)>,
}

/// Everything that a case may have left in its PostgreSQL database. (Making and dropping a database for each case would
/// be the same, and takes seconds, because the server writes all its memory to disk each time.)
const EMPTY: &str = "do $$ declare name text; begin
  for name in select nspname from pg_namespace where nspname !~ '^pg_' and nspname <> 'information_schema' loop
    execute format('drop schema %I cascade', name);
  end loop;
end $$; create schema public";

impl Bench {
    /// Makes the databases. `scripts` are connection and SQL text; `mark` is unique on the server and a plain name;
    /// `folder` is there and empty.
    pub async fn build(on: &On, folder: &Path, mark: &str, scripts: Vec<(Arc<str>, String)>) -> Result<Bench, Fault> {
        let bench = Bench { on: on.clone(), folder: folder.to_owned(), mark: mark.to_owned(), scripts };
        for (connection, script) in &bench.scripts {
            match on {
                On::Sqlite => sandbox::sqlite(&bench.model(connection), &[script]).await?,
                On::Postgres(server) => {
                    sandbox::postgres(server.reveal(), &[&format!("create database {}", bench.name(connection))])
                        .await?
                }
                On::Mysql(server) => {
                    let create = format!("create database {} character set utf8mb4", bench.name(connection));
                    sandbox::mysql(server.reveal(), &[&create]).await?
                }
            }
        }
        Ok(bench)
    }

    /// The file that each case gets a copy of.
    fn model(&self, connection: &str) -> PathBuf {
        self.folder.join(format!("{connection}.model.db"))
    }

    /// Only small letters, digits and `_`: needs no quotes.
    fn name(&self, connection: &str) -> String {
        let plain = |c: char| if c.is_ascii_alphanumeric() { c.to_ascii_lowercase() } else { '_' };
        format!("trueup_test_{}_{connection}", self.mark).chars().map(plain).collect()
    }

    /// The database of a connection with its tables as the script makes them, and where it is. One case at a time.
    pub async fn fresh(&self, connection: &str, folder: &Path) -> Result<Place, Fault> {
        match &self.on {
            On::Sqlite => {
                let path = folder.join(format!("{connection}.db"));
                let failed = |e: std::io::Error| Fault::new(FaultKind::Other, format!("copy {}: {e}", path.display()));
                std::fs::copy(self.model(connection), &path).map_err(failed)?;
                Ok(Place::File(path))
            }
            On::Postgres(server) => {
                let url = url_of(server, &self.name(connection));
                let script =
                    self.scripts.iter().find(|(name, _)| &**name == connection).map_or("", |(_, script)| script);
                // One text is one transaction.
                sandbox::postgres(&url, &[&format!("{EMPTY};\n{script}")]).await?;
                Ok(Place::Server(Secret::new(url)))
            }
            On::Mysql(server) => {
                let name = self.name(connection);
                let script =
                    self.scripts.iter().find(|(name, _)| &**name == connection).map_or("", |(_, script)| script);
                // Making a database costs MySQL next to nothing, unlike its tables.
                let afresh =
                    format!("drop database if exists {name}; create database {name} character set utf8mb4; use {name}");
                sandbox::mysql(server.reveal(), &[&format!("{afresh};\n{script}")]).await?;
                Ok(Place::MysqlServer(Secret::new(url_of(server, &name))))
            }
        }
    }

    /// Takes the databases of a server away; files go with their folder.
    pub async fn clear(self) -> Result<(), Fault> {
        if let On::Postgres(server) = &self.on {
            for (connection, _) in &self.scripts {
                let drop = format!("drop database if exists {} with (force)", self.name(connection));
                sandbox::postgres(server.reveal(), &[&drop]).await?;
            }
        }
        if let On::Mysql(server) = &self.on {
            for (connection, _) in &self.scripts {
                let drop = format!("drop database if exists {}", self.name(connection));
                sandbox::mysql(server.reveal(), &[&drop]).await?;
            }
        }
        Ok(())
    }
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
    /// A MySQL database.
    MysqlServer(Secret),
}

impl Place {
    /// As `sqlite:`, `postgres:` or `mysql:` settings of a project file; a URL is named by the variable that will hold it.
    pub fn settings(&self, variable: &str) -> (&'static str, Value) {
        match self {
            Place::File(path) => ("sqlite", Value::map([("path", Value::text(path.display().to_string()))])),
            Place::Server(_) => {
                let url = Value::map([("secret", Value::text(variable))]);
                ("postgres", Value::map([("url", url), ("timezone", Value::text("UTC"))]))
            }
            Place::MysqlServer(_) => ("mysql", Value::map([("url", Value::map([("secret", Value::text(variable))]))])),
        }
    }
}
