//! The databases for real: each test makes its own databases on PostgreSQL (from `TRUEUP_TEST_POSTGRES`) and MariaDB (from
//! `TRUEUP_TEST_MYSQL`), and SQLite files.

mod changes;
mod doubt;
mod escapes;
mod faults;
mod ledger;
mod mysql;
mod nature;
mod rest;
mod sqlite;
mod standing;
mod survey;
mod values;

use super::{
    database::Database,
    fault::Fault,
    reference::Secrets,
    rows::Rows,
    session::Session,
    settings::Connection,
    statement::{Limits, Statement, trusted},
};
use crate::base::{
    diagnostic::Diagnostics,
    secret::Masks,
    shape::{FromNode, Lowering},
    source::Source,
    value::{Map, Value},
    yaml,
};
use crate::template::sql::Dialect;
use sqlx::{
    ConnectOptions, Executor, mysql::MySqlConnectOptions, postgres::PgConnectOptions, sqlite::SqliteConnectOptions,
};
use std::{
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
};

/// A database of a test's own, with settings that a test can bend.
struct Place {
    dialect: Dialect,
    /// Of the database, with the password.
    url: Option<String>,
    folder: tempfile::TempDir,
    /// Keys of the connection's own settings: `lock_timeout: 200ms, `.
    settings: String,
}

fn server() -> String {
    std::env::var("TRUEUP_TEST_POSTGRES").expect("these tests need PostgreSQL: scripts/with-postgres cargo test")
}

fn with_database(url: &str, name: &str) -> String {
    let mut url = url::Url::parse(url).unwrap();
    url.set_path(name);
    url.to_string()
}

fn mysql_server() -> String {
    std::env::var("TRUEUP_TEST_MYSQL").expect("these tests need MariaDB: scripts/with-mysql cargo test")
}

/// Runs text as it is, several statements too, on a connection of its own.
async fn admin(url: &str, sql: &str) -> Result<(), sqlx::Error> {
    if url.starts_with("mysql:") {
        let options: MySqlConnectOptions = url.parse().unwrap();
        return options.connect().await?.execute(trusted(sql)).await.map(drop);
    }
    let options: PgConnectOptions = url.parse().unwrap();
    options.connect().await?.execute(trusted(sql)).await.map(drop)
}

fn new_name() -> String {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    format!("trueup_connection_{}_{}", std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed))
}

async fn postgres(setup: &str) -> Place {
    let name = new_name();
    admin(&server(), &format!("create database {name}")).await.unwrap();
    let url = with_database(&server(), &name);
    admin(&url, setup).await.unwrap();
    Place { dialect: Dialect::Postgres, url: Some(url), folder: tempfile::tempdir().unwrap(), settings: String::new() }
}

async fn mysql(setup: &str) -> Place {
    let name = new_name();
    admin(&mysql_server(), &format!("create database {name} character set utf8mb4")).await.unwrap();
    let url = with_database(&mysql_server(), &name);
    admin(&url, setup).await.unwrap();
    Place { dialect: Dialect::Mysql, url: Some(url), folder: tempfile::tempdir().unwrap(), settings: String::new() }
}

async fn sqlite(setup: &str) -> Place {
    let folder = tempfile::tempdir().unwrap();
    let options = SqliteConnectOptions::new().filename(folder.path().join("data.db")).create_if_missing(true);
    options.connect().await.unwrap().execute(trusted(setup)).await.unwrap();
    Place { dialect: Dialect::Sqlite, url: None, folder, settings: String::new() }
}

/// On every database. MySQL indexes no TEXT without a length.
async fn each(setup: &str) -> [Place; 3] {
    [postgres(setup).await, sqlite(setup).await, mysql(&setup.replace("text", "varchar(200)")).await]
}

/// The databases on a server.
async fn servers(setup: &str) -> [Place; 2] {
    [postgres(setup).await, mysql(&setup.replace("text", "varchar(200)")).await]
}

impl Drop for Place {
    fn drop(&mut self) {
        let dialect = self.dialect;
        let Some(url) = self.url.take() else { return };
        let name = url::Url::parse(&url).unwrap().path().trim_start_matches('/').to_owned();
        // A runtime of its own, because the test's may be ending.
        let gone = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
            match dialect {
                Dialect::Mysql => runtime.block_on(admin(&mysql_server(), &format!("drop database if exists {name}"))),
                _ => runtime.block_on(admin(&server(), &format!("drop database if exists {name} with (force)"))),
            }
        });
        let _ = gone.join();
    }
}

/// A connection of the project file, with one secret `URL`.
fn configure(text: &str, url: &str, folder: &Path) -> Result<Database, Fault> {
    let source = Source::new("trueup.yaml", text);
    let mut problems = Diagnostics::new(source.clone());
    let node = yaml::parse(&source, yaml::LIMITS, &mut problems).unwrap();
    let connection = Connection::from_node(&node, &mut Lowering::new(&mut problems));
    assert!(problems.is_empty(), "{problems:?}");
    let variable = |name: &str| (name == "URL").then(|| url.to_owned());
    let masks = Masks::default();
    let secrets = Secrets { variable: &variable, folder, masks: &masks };
    Database::configure("db", &connection.unwrap(), None, secrets).map(|database| database.unwrap())
}

impl Place {
    fn database(&self) -> Database {
        match &self.url {
            Some(url) => self.at(url),
            None => {
                let text = format!("sqlite: {{ {} path: data.db }}", self.settings);
                configure(&text, "", self.folder.path()).unwrap()
            }
        }
    }

    /// The same kind of database at another address.
    fn at(&self, url: &str) -> Database {
        let kind = if self.dialect == Dialect::Mysql { "mysql" } else { "postgres" };
        configure(&format!("{kind}: {{ {} url: env:URL }}", self.settings), url, self.folder.path()).unwrap()
    }

    /// A statement whose placeholders are written as PostgreSQL does.
    fn with(&self, sql: &str, binds: impl IntoIterator<Item = Value>) -> Statement {
        let sql = match self.dialect {
            Dialect::Postgres => sql.to_owned(),
            Dialect::Sqlite => sql.replace('$', "?"),
            Dialect::Mysql => sql
                .split('$')
                .enumerate()
                .map(|(n, part)| match n {
                    0 => part.to_owned(),
                    _ => format!("?{}", part.trim_start_matches(|c: char| c.is_ascii_digit())),
                })
                .collect(),
        };
        Statement::new(sql, binds.into_iter().collect())
    }

    fn is_postgres(&self) -> bool {
        self.dialect == Dialect::Postgres
    }

    /// What another session sees, as one text.
    async fn seen(&self, sql: &str) -> String {
        let mut reading = self.database().reading().await.unwrap();
        text(&reading.query(&ask(sql), Limits::USUAL).await.unwrap())
    }
}

fn ask(sql: &str) -> Statement {
    Statement::new(sql, Vec::new())
}

fn with(sql: &str, binds: impl IntoIterator<Item = Value>) -> Statement {
    Statement::new(sql, binds.into_iter().collect())
}

async fn query(session: &mut Session, sql: &str) -> Result<String, Fault> {
    session.query(&ask(sql), Limits::USUAL).await.map(|rows| text(&rows))
}

fn text(rows: &Rows) -> String {
    rows.rows.iter().map(row_text).collect::<Vec<_>>().join("; ")
}

fn row_text(row: &Map) -> String {
    row.values().map(|v| v.bare().into_owned()).collect::<Vec<_>>().join(" ")
}

fn key(entries: &[(&str, Value)]) -> Map {
    entries.iter().map(|(k, v)| ((*k).into(), v.clone())).collect()
}

fn names(names: &[&str]) -> Vec<Arc<str>> {
    names.iter().map(|n| (*n).into()).collect()
}
