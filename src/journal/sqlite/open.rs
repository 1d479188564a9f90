//! Opening a journal file, or making one: rights, format, and the settings on which durability rests.
//!
//! A new journal is made whole under another name and then linked to its own: nobody ever opens half a journal, and of
//! two processes that make one at the same time the second finds the first one's.

use super::{failed, migrate, schema};
use crate::{
    base::{seal::Sealer, world::World},
    journal::{
        Journal,
        failure::{JournalError, Place},
        stands::FileId,
        store::{Opened, Store},
    },
};
use sqlx::{
    ConnectOptions, Connection, Row, SqliteConnection,
    sqlite::{SqliteConnectOptions, SqliteSynchronous},
};
use std::{
    fs,
    io::ErrorKind,
    os::unix::fs::{DirBuilderExt, OpenOptionsExt, PermissionsExt},
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

/// How long a write waits for another process. Transactions here take milliseconds.
const BUSY: Duration = Duration::from_secs(5);

impl Journal {
    /// Opens the journal in this file (mode 0600), which is made, with its folder (0700), if it is missing. Refuses
    /// files of another kind and of a later format, and file systems that cannot do what durability needs.
    pub async fn open(path: &Path, world: World, sealer: Sealer) -> Result<Journal, JournalError> {
        match fs::metadata(path) {
            Err(e) if e.kind() == ErrorKind::NotFound => make(path, &world).await?,
            Err(source) => return Err(io(path, source)),
            Ok(facts) if !facts.is_file() => return Err(not_a_journal(path, "it is not a file")),
            Ok(facts) if facts.len() == 0 => return Err(not_a_journal(path, "it is empty")),
            Ok(_) => {}
        }
        // Before it is opened: where it is exchanged in between, it is taken for exchanged, and never the other way round.
        let id_of_file = FileId::at(path).map_err(|source| io(path, source))?;
        let mut warnings = tighten(path)?;
        let mut connection = connect(path).await?;
        let id = match check(path, &mut connection, &mut warnings).await {
            Ok(id) => id,
            Err(e) => {
                // The refusal is what counts; the connection changed nothing.
                let _ = connection.close().await;
                return Err(e);
            }
        };
        let store = Store::File(Some(connection));
        Ok(Journal::of(
            Opened { store, place: Arc::new(file(path)), id, file: Some(id_of_file), warnings },
            world,
            sealer,
        ))
    }
}

fn not_a_journal(path: &Path, why: &'static str) -> JournalError {
    JournalError::NotAJournal { place: file(path), why: why.into() }
}

fn file(path: &Path) -> Place {
    Place::File(path.to_owned())
}

fn io(path: &Path, source: std::io::Error) -> JournalError {
    JournalError::Io { path: path.to_owned(), source: Arc::new(source) }
}

/// Nothing here writes to the file, so that a foreign one stays as it is: the journal mode is set when one is made.
async fn connect(path: &Path) -> Result<SqliteConnection, JournalError> {
    let options = SqliteConnectOptions::new()
        .filename(path)
        .create_if_missing(false)
        .busy_timeout(BUSY)
        .foreign_keys(true)
        .synchronous(SqliteSynchronous::Full)
        // What is purged is overwritten.
        .pragma("secure_delete", "ON")
        .disable_statement_logging();
    options.connect().await.map_err(|e| failed(&file(path), e))
}

/// The journal's id, after everything about the file was looked at.
async fn check(
    path: &Path,
    connection: &mut SqliteConnection,
    warnings: &mut Vec<String>,
) -> Result<uuid::Uuid, JournalError> {
    let sqlite = |e| failed(&file(path), e);
    let application: i64 =
        sqlx::query_scalar("PRAGMA application_id").fetch_one(&mut *connection).await.map_err(sqlite)?;
    if application != schema::APPLICATION_ID {
        return Err(not_a_journal(path, "it is the database of another program"));
    }
    let meta = sqlx::query("SELECT journal, format FROM meta WHERE one = 1").fetch_optional(&mut *connection).await;
    let Some(meta) = meta.map_err(sqlite)? else { return Err(not_a_journal(path, "its description is missing")) };
    let format: i64 = meta.try_get(1).map_err(sqlite)?;
    if format > schema::FORMAT {
        return Err(JournalError::Newer { place: file(path), found: format, known: schema::FORMAT });
    }
    settings(path, connection).await?;
    warnings.extend(migrate::bring_up(&file(path), connection, format).await?);
    let id: String = meta.try_get(0).map_err(sqlite)?;
    id.parse().map_err(|_| not_a_journal(path, "its description holds no id"))
}

/// Read back, because a setting that SQLite cannot make is not an error to it.
async fn settings(path: &Path, connection: &mut SqliteConnection) -> Result<(), JournalError> {
    let sqlite = |e| failed(&file(path), e);
    let bad = |setting, found: String| Err(JournalError::NotDurable { place: file(path), setting, found });
    let mode: String = sqlx::query_scalar("PRAGMA journal_mode").fetch_one(&mut *connection).await.map_err(sqlite)?;
    if mode != "wal" {
        return bad("journal_mode", mode);
    }
    // 2 is FULL: every COMMIT is synced. With NORMAL a power cut would take back what was said to be recorded.
    let synchronous: i64 =
        sqlx::query_scalar("PRAGMA synchronous").fetch_one(&mut *connection).await.map_err(sqlite)?;
    if synchronous != 2 {
        return bad("synchronous", synchronous.to_string());
    }
    Ok(())
}

async fn make(path: &Path, world: &World) -> Result<(), JournalError> {
    // Tells apart two journals that one process makes with a clock and ids that stand still.
    static MADE: AtomicU64 = AtomicU64::new(0);
    let io = |source| io(path, source);
    let folder = folder_of(path);
    fs::DirBuilder::new().recursive(true).mode(0o700).create(folder).map_err(io)?;
    let draft = folder.join(format!(".journal-{}-{}", world.id(), MADE.fetch_add(1, Ordering::Relaxed)));
    fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(&draft).map_err(io)?;
    let filled = fill(&draft, world).await;
    let linked = filled.and_then(|()| match fs::hard_link(&draft, path) {
        Err(e) if e.kind() == ErrorKind::AlreadyExists => Ok(()),
        linked => linked.and_then(|()| fs::File::open(folder)?.sync_all()).map_err(io),
    });
    for leftover in [draft.clone(), beside(&draft, "-wal"), beside(&draft, "-shm")] {
        match fs::remove_file(leftover) {
            Err(e) if e.kind() != ErrorKind::NotFound => return linked.and(Err(io(e))),
            _ => {}
        }
    }
    linked
}

async fn fill(draft: &Path, world: &World) -> Result<(), JournalError> {
    let sqlite = |e| failed(&file(draft), e);
    let mut connection = connect(draft).await?;
    sqlx::query("PRAGMA application_id = 0x74727570").execute(&mut connection).await.map_err(sqlite)?;
    sqlx::query("BEGIN IMMEDIATE").execute(&mut connection).await.map_err(sqlite)?;
    for statement in schema::STATEMENTS {
        sqlx::query(*statement).execute(&mut connection).await.map_err(sqlite)?;
    }
    sqlx::query("INSERT INTO meta (one, journal, format, made_at) VALUES (1, ?, ?, ?)")
        .bind(world.id().to_string())
        .bind(schema::FORMAT)
        .bind(world.now().micros)
        .execute(&mut connection)
        .await
        .map_err(sqlite)?;
    sqlx::query("COMMIT").execute(&mut connection).await.map_err(sqlite)?;
    sqlx::query("PRAGMA journal_mode = WAL").execute(&mut connection).await.map_err(sqlite)?;
    connection.close().await.map_err(sqlite)
}

/// Takes away what other users may do with the file; says what it did.
fn tighten(path: &Path) -> Result<Vec<String>, JournalError> {
    let mut warnings = Vec::new();
    for file in [path.to_owned(), beside(path, "-wal"), beside(path, "-shm")] {
        let Ok(facts) = fs::metadata(&file) else { continue };
        let mode = facts.permissions().mode() & 0o777;
        if mode & 0o077 != 0 {
            fs::set_permissions(&file, fs::Permissions::from_mode(0o600)).map_err(|source| io(&file, source))?;
            warnings
                .push(format!("{} could be opened by other users (mode {mode:04o}); it is 0600 now", file.display()));
        }
    }
    Ok(warnings)
}

fn folder_of(path: &Path) -> &Path {
    path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

fn beside(path: &Path, ending: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(ending);
    name.into()
}
