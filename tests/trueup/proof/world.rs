//! The world of the proofs: two databases with witnesses, an API, a project; fresh for each point.

use super::{
    mariadb::MariaDb,
    procedures::{self, Procedure},
    process::{self, Came},
    proxy,
    server::Server,
    stub::{KEY, Stub},
};
use crate::servers::{self, surroundings};
use sqlx::{ConnectOptions, Connection, Row};
use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
    sync::atomic::{AtomicU32, Ordering},
};
use trueup::{
    base::identity::RunId,
    engine::state::RunState,
    ops,
    trial::bench::{Bench, On, Place},
};

/// The time of the processes runs so much faster: a lease of a minute is over in three seconds.
pub const PACE: u32 = 20;

/// The databases of the project.
const CONNECTIONS: [&str; 2] = ["shop", "store"];

/// What the targets are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Target {
    /// Files.
    Sqlite,
    /// Databases on a PostgreSQL server.
    Postgres,
    /// Databases on a MariaDB server.
    Mysql,
}

/// On what a world stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Kind {
    pub target: Target,
    /// The databases have a ledger.
    pub ledger: bool,
    /// The journal is in PostgreSQL.
    pub team: bool,
}

impl Kind {
    pub const SQLITE: Kind = Kind { target: Target::Sqlite, ledger: false, team: false };
    pub const SQLITE_LEDGER: Kind = Kind { ledger: true, ..Kind::SQLITE };
    pub const POSTGRES: Kind = Kind { target: Target::Postgres, ..Kind::SQLITE };
    pub const POSTGRES_LEDGER: Kind = Kind { ledger: true, ..Kind::POSTGRES };
    pub const MYSQL: Kind = Kind { target: Target::Mysql, ..Kind::SQLITE };
    pub const MYSQL_LEDGER: Kind = Kind { ledger: true, ..Kind::MYSQL };

    /// The same with the journal in PostgreSQL.
    pub fn for_a_team(self) -> Kind {
        Kind { team: true, ..self }
    }

    pub fn words(self) -> String {
        let target = match self.target {
            Target::Sqlite => "SQLite",
            Target::Postgres => "PostgreSQL",
            Target::Mysql => "MariaDB",
        };
        let ledger = if self.ledger { " with ledger" } else { "" };
        let journal = if self.team { ", journal in PostgreSQL" } else { "" };
        format!("{target}{ledger}{journal}")
    }
}

/// A server of a test's own, which it may stop as a power cut would.
pub enum Own {
    Postgres(Server),
    Mysql(MariaDb),
}

/// Databases and API, for many points one after another.
pub struct World {
    pub kind: Kind,
    pub stub: Stub,
    root: tempfile::TempDir,
    bench: Bench,
    /// The journal's database, where it is on a server.
    journal: Option<Bench>,
    points: u32,
    /// Here the faster time of the processes begins: microseconds.
    since: i64,
    /// The server, where it is the test's own.
    pub server: Option<Own>,
    /// In front of every URL of a database: a proxy's port.
    pub through: Option<u16>,
}

impl World {
    pub async fn build(kind: Kind) -> World {
        let on = match kind.target {
            Target::Sqlite => On::Sqlite,
            Target::Postgres => On::Postgres(servers::postgres()),
            Target::Mysql => On::Mysql(servers::mysql()),
        };
        World::build_on(kind, on).await
    }

    /// On a server of the test's own.
    pub async fn build_on(kind: Kind, on: On) -> World {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let mark = format!("proof_{}_{}", std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed));
        let root = tempfile::Builder::new().prefix("trueup-proof-").tempdir().unwrap();
        let scripts = CONNECTIONS.map(|name| (name.into(), procedures::tables(name, kind.target)));
        let bench = Bench::build(&on, root.path(), &mark, scripts.to_vec()).await.unwrap();
        let journal = if kind.team {
            let on = On::Postgres(servers::postgres());
            let folder = root.path().join("journal");
            std::fs::create_dir(&folder).unwrap();
            Some(Bench::build(&on, &folder, &mark, vec![("journal".into(), String::new())]).await.unwrap())
        } else {
            None
        };
        let since = trueup::base::world::World::real().now().micros;
        World { kind, stub: Stub::start().await, root, bench, journal, points: 0, since, server: None, through: None }
    }

    /// Everything as it was at first, in a folder of its own.
    pub async fn point(&mut self, procedure: &Procedure) -> Point {
        self.points += 1;
        self.stub.reset();
        let folder = self.root.path().join(format!("point-{}", self.points));
        std::fs::create_dir(&folder).unwrap();
        let mut variables = vec![("TOLD".to_owned(), folder.join("told.jsonl").display().to_string())];
        variables.push(("TRUEUP_TIME".to_owned(), format!("{PACE}:{}", self.since)));
        let mut places = BTreeMap::new();
        for name in CONNECTIONS {
            let place = self.bench.fresh(name, &folder).await.unwrap();
            if let Place::Server(url) | Place::MysqlServer(url) = &place {
                variables.push((format!("{}_URL", name.to_uppercase()), self.url(url.reveal())));
            }
            places.insert(name, place);
        }
        if let Some(journal) = &self.journal
            && let Place::Server(url) = journal.fresh("journal", &folder).await.unwrap()
        {
            variables.push(("JOURNAL_URL".to_owned(), url.reveal().to_owned()));
        }
        let point = Point { folder, variables, places };
        point.write("trueup.yaml", &project(self.kind, &point.places, &self.stub.url()));
        point.write(&format!("{}.yaml", procedure.name), &procedure.text());
        if self.kind.ledger {
            for name in CONNECTIONS {
                let came = point.run(&["connection", "prepare", name]).await.unwrap();
                assert_eq!(came.exit, Some(0), "{}", came.said());
            }
        }
        point
    }

    fn url(&self, url: &str) -> String {
        self.through.map_or_else(|| url.to_owned(), |port| proxy::through(port, url))
    }

    /// Every trace that an effect has left, with how often.
    pub async fn traces(&self, point: &Point) -> BTreeMap<String, usize> {
        let mut traces: BTreeMap<String, usize> = BTreeMap::new();
        for place in point.places.values() {
            for what in witness(place, &point.folder).await {
                *traces.entry(what).or_default() += 1;
            }
        }
        traces.extend(self.stub.memory().effects.clone());
        let told = std::fs::read_to_string(point.folder.join("told.jsonl")).unwrap_or_default();
        for line in told.lines() {
            let text = serde_json::from_str::<serde_json::Value>(line).unwrap();
            let (who, text) = (text["who"].as_str().unwrap(), text["text"].as_str().unwrap());
            // How to answer names the run, which is another one each time.
            let name = match text.split_once("\n\nTo answer:") {
                Some((question, _)) => format!("asked {who} {question}"),
                None => format!("told {who} {text}"),
            };
            *traces.entry(name).or_default() += 1;
        }
        traces
    }

    /// Stops the server in the way of a power cut, and starts it again.
    pub async fn restart(&self) {
        match &self.server {
            Some(Own::Postgres(server)) => server.restart().await,
            Some(Own::Mysql(server)) => server.restart().await,
            None => {}
        }
    }

    /// Takes the databases away.
    pub async fn clear(self) {
        self.bench.clear().await.unwrap();
        if let Some(journal) = self.journal {
            journal.clear().await.unwrap();
        }
    }
}

/// The lines of the witness. Of a SQLite file a copy is read: whoever opens it repairs what a killed process left, and
/// that is the program's task.
async fn witness(place: &Place, folder: &Path) -> Vec<String> {
    const SQL: &str = "select what from witness order by id";
    match place {
        Place::File(path) => {
            let copy = folder.join("copy.db");
            for end in ["", "-journal", "-wal"] {
                let from = PathBuf::from(format!("{}{end}", path.display()));
                let to = PathBuf::from(format!("{}{end}", copy.display()));
                if from.exists() {
                    std::fs::copy(from, to).map(drop).unwrap()
                } else {
                    std::fs::remove_file(to).unwrap_or_default()
                }
            }
            let options = sqlx::sqlite::SqliteConnectOptions::new().filename(&copy);
            let mut connection = options.connect().await.unwrap();
            let rows = sqlx::query(SQL).fetch_all(&mut connection).await.unwrap();
            connection.close().await.unwrap();
            rows.iter().map(|row| row.get::<String, _>(0)).collect()
        }
        Place::Server(url) => {
            let mut connection = sqlx::PgConnection::connect(url.reveal()).await.unwrap();
            // The session of a killed process may still be at its COMMIT: its locks are waited for.
            let rows = sqlx::query("lock table witness in exclusive mode");
            sqlx::query("begin").execute(&mut connection).await.unwrap();
            rows.execute(&mut connection).await.unwrap();
            let rows = sqlx::query(SQL).fetch_all(&mut connection).await.unwrap();
            connection.close().await.unwrap();
            rows.iter().map(|row| row.get::<String, _>(0)).collect()
        }
        Place::MysqlServer(url) => {
            let mut connection = sqlx::MySqlConnection::connect(url.reveal()).await.unwrap();
            // A locking read waits for the rows of a killed process's session.
            let sql = "select what from witness order by id lock in share mode";
            let rows = sqlx::query(sql).fetch_all(&mut connection).await.unwrap();
            connection.close().await.unwrap();
            rows.iter().map(|row| row.get::<String, _>(0)).collect()
        }
    }
}

/// One project in its folder.
pub struct Point {
    pub folder: PathBuf,
    pub variables: Vec<(String, String)>,
    pub places: BTreeMap<&'static str, Place>,
}

impl Point {
    pub fn write(&self, name: &str, text: &str) {
        std::fs::write(self.folder.join(name), text).unwrap();
    }

    /// The program, with some variables more.
    pub fn program(&self, arguments: &[&str], more: &[(&str, String)]) -> tokio::process::Command {
        let mut variables = self.variables.clone();
        variables.extend(more.iter().map(|(name, value)| ((*name).to_owned(), value.clone())));
        process::program(&self.folder, &variables, arguments)
    }

    /// Starts it and waits for its end.
    pub async fn run(&self, arguments: &[&str]) -> Result<Came, String> {
        process::wait(self.program(arguments, &[]).spawn().unwrap()).await
    }

    /// The newest run, if there is one.
    pub async fn state(&self) -> Option<(RunId, RunState)> {
        let variables: Vec<(&str, &str)> = self.variables.iter().map(|(n, v)| (n.as_str(), v.as_str())).collect();
        let here = surroundings(&self.folder, &variables);
        let opened = ops::project::open(&here, None).unwrap_or_else(|f| panic!("{f:?}"));
        let on_a_server = self.variables.iter().any(|(name, _)| name == "JOURNAL_URL");
        if !on_a_server && !opened.journal().exists() {
            return None;
        }
        let record = ops::record::open(&here, &opened).await.unwrap_or_else(|f| panic!("{f:?}"));
        let runs = record.journal.runs(&Default::default(), 1).await.unwrap();
        let newest = runs.first()?.id;
        let state = record.state(newest).await.unwrap_or_else(|f| panic!("{f:?}"));
        record.journal.close().await.unwrap();
        Some((newest, state))
    }

    /// The server ends all sessions of the databases, except those of the tests; how many there were.
    pub async fn terminate(&self) -> usize {
        const SQL: &str = "select count(*) from (select pg_terminate_backend(pid) from pg_stat_activity
            where datname = current_database() and pid <> pg_backend_pid()) ended";
        const MYSQL: &str = "select cast(id as signed) from information_schema.processlist
            where db = database() and id <> connection_id()";
        let mut ended = 0;
        for place in self.places.values() {
            match place {
                Place::File(_) => {}
                Place::Server(url) => {
                    let mut connection = sqlx::PgConnection::connect(url.reveal()).await.unwrap();
                    let row = sqlx::query(SQL).fetch_one(&mut connection).await.unwrap();
                    ended += usize::try_from(row.get::<i64, _>(0)).unwrap();
                    connection.close().await.unwrap();
                }
                Place::MysqlServer(url) => {
                    let mut connection = sqlx::MySqlConnection::connect(url.reveal()).await.unwrap();
                    for row in sqlx::query(MYSQL).fetch_all(&mut connection).await.unwrap() {
                        // One that ended by itself since is none that was ended.
                        let kill = sqlx::query("kill ?").bind(row.get::<i64, _>(0)).execute(&mut connection).await;
                        ended += usize::from(kill.is_ok());
                    }
                    connection.close().await.unwrap();
                }
            }
        }
        ended
    }

    /// Takes the folder away; it stays while a finding is looked at (`TRUEUP_PROOF_KEEP`).
    pub fn clear(self) {
        if std::env::var_os("TRUEUP_PROOF_KEEP").is_none() {
            std::fs::remove_dir_all(&self.folder).unwrap();
        }
    }
}

fn project(kind: Kind, places: &BTreeMap<&str, Place>, api: &str) -> String {
    let database = |name: &str| match &places[name] {
        Place::File(path) => format!("sqlite: {{ path: '{}', busy_timeout: 1s }}", path.display()),
        Place::Server(_) => {
            format!(
                "postgres: {{ url: {{ secret: {}_URL }}, lock_timeout: 1s, statement_timeout: 2s, timezone: UTC }}",
                name.to_uppercase()
            )
        }
        Place::MysqlServer(_) => {
            let name = name.to_uppercase();
            format!("mysql: {{ url: {{ secret: {name}_URL }}, lock_timeout: 1s, statement_timeout: 2s }}")
        }
    };
    let ledger = if kind.ledger { "\n    ledger: true" } else { "" };
    let (shop, store) = (database("shop"), database("store"));
    let http = format!("base: '{api}', internal: true, timeout: {{ connect: 1s, total: 400ms }}, max_body: 1MiB");
    let journal = if kind.team { "postgres: { secret: JOURNAL_URL }" } else { "sqlite: journal/journal.db" };
    let seen = "side_effects: a witness";
    format!(
        "trueup: v1
project: proof
playbooks: .
journal: {{ {journal} }}
people:
  clerk: {{ by: file, to: 'env:TOLD' }}
environments:
  test: {{}}
connections:
  shop:
    {shop}{ledger}
    tables:
      things: {{ key: id, audit: {{ rule: trail, type: Thing }}, {seen} }}
      prices: {{ key: [code, year], audit: false, {seen} }}
      parts: {{ key: id, audit: false, {seen} }}
      notes: {{ key: id, audit: false, {seen} }}
      audits: {{ key: id, append_only: true, audit: false, {seen} }}
  store:
    {store}{ledger}
    tables:
      items: {{ key: id, audit: false, {seen} }}
  keyed:
    http: {{ {http}, idempotency_key: {KEY} }}
  plain:
    http: {{ {http} }}
audits:
  trail:
    table: audits
    events: [update]
    omit: [id]
    skip_when_unchanged: true
    row:
      record_id: \"{{{{ row.id }}}}\"
      changes: \"{{{{ changes }}}}\"
      version: {{ next_of: version, per: [record_id] }}
"
    )
}
