//! From settings to an open SQLite file inside its transaction.

use super::{
    super::{
        fault::{Fault, FaultKind},
        settings::SqliteSettings,
        ways::{self, Ways},
    },
    Link,
    faults::fault,
    line::{Line, Turn},
    rest::{Place, Rested},
    standing::is_another,
};
use sqlx::{ConnectOptions, sqlite::SqliteConnectOptions};
use std::{
    path::{Path, PathBuf},
    sync::{Arc, OnceLock},
    time::Duration,
};

/// sqlx takes at most i32::MAX milliseconds and panics above.
const LONGEST: Duration = Duration::from_secs(86_400);

/// Which file, and how patiently.
#[derive(Clone, Debug)]
pub struct Target {
    pub path: PathBuf,
    busy_timeout: Duration,
    statement_timeout: Duration,
    /// The file that a run works on, once it has looked at it.
    own: Arc<OnceLock<String>>,
    /// Where the writers of this process wait for each other.
    line: Line,
    reading: Doors,
    changing: Doors,
    claiming: Doors,
}

/// The connections of one kind of handle: they differ in how the file was opened and in how patiently they wait.
type Doors = Ways<Rested, sqlx::Error>;
pub(super) type Guest = ways::Guest<Rested, sqlx::Error>;

impl Target {
    /// A relative path starts at `folder`. Opens nothing.
    pub fn of(settings: &SqliteSettings, folder: &Path) -> Result<Target, Fault> {
        let Some(path) = &settings.path else {
            return Err(Fault::new(FaultKind::Settings, "the connection has no `path`"));
        };
        let length =
            |given: Option<crate::base::shape::Length>, usual| given.map_or(Duration::from_secs(usual), |l| l.0);
        let path = folder.join(path.as_str());
        Ok(Target {
            line: Line::of(&path),
            path,
            own: Arc::default(),
            reading: Doors::default(),
            changing: Doors::default(),
            claiming: Doors::default(),
            busy_timeout: length(settings.busy_timeout, 2).min(LONGEST),
            statement_timeout: length(settings.statement_timeout, 15),
        })
    }

    /// From now on only the file of this [`Identity::system`](super::super::rows::Identity::system) is opened.
    pub fn stays_with(&self, system: &str) {
        self.own.get_or_init(|| system.to_owned());
    }

    /// A connection that the file system, the session and the transaction all keep from writing.
    pub async fn reading(&self) -> Result<Link, Fault> {
        let begin = "PRAGMA query_only = ON; BEGIN; SAVEPOINT trueup; SELECT 1 FROM sqlite_schema LIMIT 1";
        self.open(&self.reading, None, self.busy_timeout, begin).await
    }

    /// A connection that holds the write lock from the start, so that no later statement can fail for it.
    pub async fn changing(&self) -> Result<Link, Fault> {
        self.open(&self.changing, Some(self.turn().await?), self.busy_timeout, "BEGIN IMMEDIATE").await
    }

    /// The same for a change that is claimed in the ledger. Waits longer, as every claim does: the lock of the file may
    /// be held by the very session whose fate the claim asks for.
    pub async fn claiming(&self) -> Result<Link, Fault> {
        let patience = self.busy_timeout.max(self.statement_timeout * 9 / 10).min(LONGEST);
        self.open(&self.claiming, Some(self.turn().await?), patience, "BEGIN IMMEDIATE").await
    }

    /// Waits for those of this process that write to the file, each of which may take a statement's time.
    async fn turn(&self) -> Result<Turn, Fault> {
        let patience = self.busy_timeout + self.statement_timeout;
        self.line.turn(patience).await.ok_or_else(|| {
            let message = format!("{} is written to by something else in this process", self.path.display());
            Fault::new(FaultKind::Busy, message)
        })
    }

    /// Whoever has a turn writes.
    async fn open(
        &self,
        doors: &Doors,
        turn: Option<Turn>,
        busy_timeout: Duration,
        begin: &'static str,
    ) -> Result<Link, Fault> {
        let shown = self.path.display().to_string();
        let known = std::fs::metadata(&self.path);
        let Some(place) = known.as_ref().ok().and_then(Place::of) else {
            let what = if known.is_ok() { "is not a file" } else { "does not exist" };
            return Err(Fault::new(FaultKind::NoDatabase, format!("{shown} {what}")));
        };
        if let (Ok(known), Some(own)) = (&known, self.own.get())
            && is_another(known, own)
        {
            let message =
                format!("{shown} was exchanged for another file while the run was under way (inode {own} before)");
            return Err(Fault::new(FaultKind::Exchanged, message));
        }
        // One that rested has the file open that stood here then, which need not be the one that stands here now.
        while let Some(rested) = doors.rested() {
            if rested.place == place {
                return self.begin(doors, rested, turn, begin).await;
            }
        }
        // An absolute path cannot be mistaken for a `file:` address or `:memory:`.
        let path = std::path::absolute(&self.path).unwrap_or_else(|_| self.path.clone());
        let options = SqliteConnectOptions::new()
            .filename(path)
            .create_if_missing(false)
            .read_only(turn.is_none())
            .busy_timeout(busy_timeout)
            .disable_statement_logging();
        // A cancelled caller drops the task's result, and with it the connection.
        let opened = tokio::spawn(async move { options.connect().await }).await;
        let connection = match opened {
            Ok(done) => done.map_err(|e| fault(e, &shown, ""))?,
            Err(panic) => return Err(Fault::new(FaultKind::NoDatabase, format!("{shown} cannot be opened: {panic}"))),
        };
        let opened = Rested::new(connection, place).await.map_err(|e| fault(e, &shown, ""))?;
        self.begin(doors, opened, turn, begin).await
    }

    async fn begin(
        &self,
        doors: &Doors,
        outside: Rested,
        turn: Option<Turn>,
        begin: &'static str,
    ) -> Result<Link, Fault> {
        let mut link = Link::of(outside, self.path.display().to_string(), self.statement_timeout, doors.guest(), turn);
        link.batch(begin).await?;
        Ok(link)
    }
}
