//! Building the databases of sandboxes and playbook tests from scripts that we ship or that stand beside a test. Never used
//! on a database that existed before.

use super::fault::{Fault, FaultKind};
use sqlx::{Connection, Executor};
use std::path::Path;

/// Makes a new SQLite file and runs the scripts in it, all or nothing. An existing file is a fault.
pub async fn sqlite(path: &Path, scripts: &[&str]) -> Result<(), Fault> {
    if path.exists() {
        return Err(Fault::new(FaultKind::Settings, format!("{} is there already", path.display())));
    }
    let options = sqlx::sqlite::SqliteConnectOptions::new().filename(path).create_if_missing(true).foreign_keys(true);
    let mut connection =
        sqlx::SqliteConnection::connect_with(&options).await.map_err(|e| other("make the file", &e))?;
    // One transaction: a commit for each of several hundred rows would take seconds of fsync.
    run(&mut connection, "BEGIN").await?;
    for script in scripts {
        run(&mut connection, script).await?;
    }
    run(&mut connection, "COMMIT").await?;
    connection.close().await.map_err(|e| other("close the file", &e))
}

/// Runs the scripts in an empty PostgreSQL database.
pub async fn postgres(url: &str, scripts: &[&str]) -> Result<(), Fault> {
    let mut connection = sqlx::PgConnection::connect(url).await.map_err(|e| other("connect", &e))?;
    for script in scripts {
        run(&mut connection, script).await?;
    }
    connection.close().await.map_err(|e| other("close the connection", &e))
}

/// Runs the scripts in an empty MySQL or MariaDB database, or statements on its server.
pub async fn mysql(url: &str, scripts: &[&str]) -> Result<(), Fault> {
    let mut connection = sqlx::MySqlConnection::connect(url).await.map_err(|e| other("connect", &e))?;
    for script in scripts {
        run(&mut connection, script).await?;
    }
    connection.close().await.map_err(|e| other("close the connection", &e))
}

#[expect(
    clippy::disallowed_methods,
    reason = "scripts of ours with several statements, into a database that was just made"
)]
async fn run<'c, C>(connection: &'c mut C, script: &str) -> Result<(), Fault>
where
    C: Connection,
    &'c mut C: Executor<'c, Database = C::Database>,
{
    sqlx::raw_sql(sqlx::AssertSqlSafe(script.to_owned()))
        .execute(connection)
        .await
        .map(|_| ())
        .map_err(|e| other("run the script", &e))
}

fn other(what: &str, error: &sqlx::Error) -> Fault {
    Fault::new(FaultKind::Other, format!("{what}: {error}"))
}
