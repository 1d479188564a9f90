//! The journal on a PostgreSQL server, in a schema of its own: the connection, and how the server's errors become words.
//!
//! One dedicated connection, never from a pool. Whenever nothing is known about its state - no answer, a broken answer, a
//! caller that went away in the middle - it is thrown away and another one is opened; `write` finds out what became of a
//! COMMIT. Nothing here is cut off and then used again.

mod open;
pub(super) mod schema;

use super::{
    failure::{JournalError, Place},
    sql::{Cell, Of, Row, Sql},
    store::Held,
};
use crate::{base::world::World, connection::PostgresAddress};
use futures_util::TryStreamExt;
use sqlx::{
    ConnectOptions, Connection, PgConnection,
    postgres::{PgDatabaseError, PgRow, PgSeverity},
};
use std::{future::Future, sync::Arc, time::Duration};

/// Takes one row after the other: it cannot be read, or what is in it is refused.
pub(super) type Take<'a> = &'a mut (dyn FnMut(&PgRow) -> Result<Result<(), JournalError>, sqlx::Error> + Send);

/// A compare under a row lock must see the newest row, whatever the role's default is.
pub(super) const BEGIN: &str = "BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE";
/// One view of everything.
pub(super) const BEGIN_READING: &str = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY";

/// The tables are found here and nowhere else.
const PATH: &str = "trueup_journal";
/// What each session is told. A writer waits no longer for another one than with a file; a session that hangs in a
/// transaction is ended by the server, and a client whose network is gone is noticed.
const SETTINGS: &[(&str, &str)] = &[
    ("search_path", PATH),
    ("synchronous_commit", "on"),
    ("lock_timeout", "5000"),
    ("statement_timeout", "0"),
    ("idle_in_transaction_session_timeout", "60000"),
    ("tcp_keepalives_idle", "15"),
    ("tcp_keepalives_interval", "5"),
    ("tcp_keepalives_count", "3"),
];
/// Connecting takes at most this long.
const CONNECTING: Duration = Duration::from_secs(10);
/// Longer than any wait of the server's own: only a dead network reaches it, and then the connection is thrown away.
const PATIENCE: Duration = Duration::from_secs(60);
/// Pauses between the tries to reach a server that was there before: a restart takes seconds.
const AGAIN: &[Duration] = &[
    Duration::from_millis(50),
    Duration::from_millis(100),
    Duration::from_millis(200),
    Duration::from_millis(400),
    Duration::from_millis(800),
    Duration::from_millis(1600),
    Duration::from_millis(3200),
];

/// A server, and the connection to it while there is one.
pub(super) struct Server {
    pub(super) place: Arc<Place>,
    address: PostgresAddress,
    world: World,
    connection: Option<PgConnection>,
    /// It was reached once: from then on a server that does not answer is given time to come back.
    opened: bool,
    /// That time was given since it was reached last, and it did not come back.
    waited: bool,
}

impl std::fmt::Debug for Server {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}", self.place)
    }
}

impl Server {
    pub(super) fn connected(&self) -> bool {
        self.connection.is_some()
    }

    /// Drops the connection: the socket closes, and the server rolls back what was not committed.
    pub(super) fn throw_away(&mut self) {
        self.connection = None;
    }

    pub(super) async fn close(&mut self) {
        if let Some(connection) = self.connection.take() {
            // What counts was committed before; a server that is gone has closed it already.
            let _ = within(connection.close()).await;
        }
    }

    pub(super) async fn execute(&mut self, sql: Sql, cells: &[Cell<'_>]) -> Result<u64, JournalError> {
        let connection = self.connection().await?;
        let done = within(sql.for_postgres(cells).execute(connection)).await;
        self.note(done.map(|done| done.rows_affected()))
    }

    pub(super) async fn rows(&mut self, sql: Sql, cells: &[Cell<'_>]) -> Result<Vec<Row>, JournalError> {
        let connection = self.connection().await?;
        let rows = within(sql.for_postgres(cells).fetch_all(connection)).await;
        let place = self.place.clone();
        let rows = self.note(rows)?;
        Ok(rows.into_iter().map(|row| Row { of: Of::Postgres(row), place: place.clone() }).collect())
    }

    /// One row after the other, as they arrive. An answer that breaks off before the first of them is asked for once more, unless
    /// something is unfinished.
    pub(super) async fn stream(
        &mut self,
        sql: Sql,
        cells: &[Cell<'_>],
        unfinished: bool,
        take: Take<'_>,
    ) -> Result<(), JournalError> {
        let mut seen = false;
        let mut noted = |row: &PgRow| {
            seen = true;
            take(row)
        };
        match self.stream_once(sql, cells, &mut noted).await {
            Err(JournalError::Away { .. }) if !unfinished && !seen => self.stream_once(sql, cells, take).await,
            done => done,
        }
    }

    async fn stream_once(&mut self, sql: Sql, cells: &[Cell<'_>], take: Take<'_>) -> Result<(), JournalError> {
        let connection = self.connection().await?;
        let mut rows = sql.for_postgres(cells).fetch(connection);
        let work = loop {
            match within(rows.try_next()).await {
                Ok(None) => break Ok(Ok(())),
                Ok(Some(row)) => match take(&row) {
                    Ok(Ok(())) => {}
                    Ok(Err(refused)) => break Ok(Err(refused)),
                    Err(unreadable) => break Err(unreadable),
                },
                Err(lost) => break Err(lost),
            }
        };
        drop(rows);
        self.note(work)?
    }

    /// The connection, opened when there is none.
    async fn connection(&mut self) -> Result<&mut PgConnection, JournalError> {
        let connection = match self.connection.take() {
            Some(connection) => connection,
            None => self.connect().await?,
        };
        self.opened = true;
        Ok(self.connection.insert(connection))
    }

    async fn connect(&mut self) -> Result<PgConnection, JournalError> {
        // Whoever tries again a moment after the whole patience was used up is told at once.
        let waits = self.opened && !self.waited;
        let mut pauses = AGAIN.iter().filter(|_| waits);
        loop {
            match self.connect_once().await {
                Err(JournalError::Away { place, what }) => match pauses.next() {
                    Some(pause) => self.world.pause(*pause).await,
                    None => {
                        self.waited = self.opened;
                        let seconds = AGAIN.iter().sum::<Duration>().as_secs();
                        let again = format!("; it was there before, and was waited for, {seconds} s");
                        let again = if self.opened { again } else { String::new() };
                        return Err(JournalError::Away { place, what: what + &again });
                    }
                },
                done => {
                    self.waited = false;
                    return done;
                }
            }
        }
    }

    /// In a task of its own: whoever goes away meanwhile leaves no half-open session behind.
    async fn connect_once(&self) -> Result<PgConnection, JournalError> {
        let options = self.address.options().application_name("trueup journal").options(SETTINGS.iter().copied());
        let task = tokio::spawn(async move { tokio::time::timeout(CONNECTING, options.connect()).await });
        let away = |what: String| Err(JournalError::Away { place: (*self.place).clone(), what });
        match task.await {
            Ok(Ok(connected)) => connected.map_err(|e| failed(&self.place, e)),
            Ok(Err(_)) => away(format!("it did not answer within {} s", CONNECTING.as_secs())),
            Err(broken) => away(format!("connecting broke off: {broken}")),
        }
    }

    /// Throws the connection away when nothing is known about it any more.
    fn note<T>(&mut self, done: Result<T, sqlx::Error>) -> Result<T, JournalError> {
        let done = done.map_err(|e| failed(&self.place, e));
        if matches!(&done, Err(JournalError::Away { .. })) {
            self.throw_away();
        }
        done
    }
}

/// An answer that does not come within the longest time that the server could take counts as a broken connection.
async fn within<T>(work: impl Future<Output = Result<T, sqlx::Error>>) -> Result<T, sqlx::Error> {
    match tokio::time::timeout(PATIENCE, work).await {
        Ok(done) => done,
        Err(_) => Err(sqlx::Error::Io(std::io::ErrorKind::TimedOut.into())),
    }
}

impl Held<'_> {
    /// The rows of these runs (sorted), so that appends to one run come one after the other.
    pub(super) async fn lock_runs(&mut self, runs: &[&str]) -> Result<(), JournalError> {
        let lock = "SELECT id FROM runs WHERE id = ANY($1) ORDER BY id FOR UPDATE";
        self.rows(Sql { sqlite: "", postgres: lock }, &[Cell::Texts(runs)]).await.map(drop)
    }

    /// The journal's own chain: one entry comes after the other.
    pub(super) async fn lock_heads(&mut self) -> Result<(), JournalError> {
        // The lock of the session's database; it needs no right on the table.
        let lock = "SELECT pg_advisory_xact_lock(128018096943473)";
        self.rows(Sql { sqlite: "", postgres: lock }, &[]).await.map(drop)
    }
}

/// An error of the server by its SQLSTATE.
fn failed(place: &Place, error: sqlx::Error) -> JournalError {
    let place = place.clone();
    match error {
        sqlx::Error::Database(error) => match error.try_downcast::<PgDatabaseError>() {
            Ok(error) => of_server(place, &error),
            Err(error) => JournalError::Sql { place, what: error.to_string() },
        },
        error @ (sqlx::Error::ColumnDecode { .. }
        | sqlx::Error::ColumnNotFound(_)
        | sqlx::Error::ColumnIndexOutOfBounds { .. }
        | sqlx::Error::Decode(_)
        | sqlx::Error::Encode(_)) => JournalError::Sql { place, what: error.to_string() },
        sqlx::Error::Io(error) if error.kind() == std::io::ErrorKind::ConnectionRefused => {
            JournalError::Away { place, what: "nobody listens there".into() }
        }
        sqlx::Error::Io(error) => JournalError::Away { place, what: format!("the connection broke: {error}") },
        // A protocol error leaves the session in an unknown state: it counts as lost.
        error => JournalError::Away { place, what: error.to_string() },
    }
}

fn of_server(place: Place, error: &PgDatabaseError) -> JournalError {
    let (code, what) = (error.code(), error.message().to_owned());
    let fatal = matches!(error.severity(), PgSeverity::Fatal | PgSeverity::Panic);
    match code {
        "42501" => JournalError::Rights { place, what },
        "25006" => JournalError::ReadOnly { place },
        "55P03" => JournalError::Locked { place },
        "40001" | "40P01" => JournalError::Contended { place },
        "53100" => JournalError::Full { place },
        "58030" => JournalError::Disk { place, what },
        "XX001" | "XX002" => JournalError::Damaged { place, what },
        "3F000" | "42P01" => JournalError::NotAJournal { place, why: what },
        _ if fatal || code.starts_with("08") || code.starts_with("57P") || code.starts_with("53") => {
            JournalError::Away { place, what }
        }
        _ => JournalError::Sql { place, what },
    }
}
