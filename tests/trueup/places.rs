//! A small project of a test's own, on either kind of database: one table, its audit trail, one API, a few playbooks.

use super::servers::surroundings;
use std::{
    path::{Path, PathBuf},
    sync::atomic::{AtomicU32, Ordering},
};
use tempfile::TempDir;
use trueup::{
    base::{secret::Secret, value::Value},
    connection::{
        database::Database,
        sandbox,
        statement::{Limits, Statement},
    },
    ops::{self, Surroundings, project::Opened},
    trial::bench::{Bench, On, Place as Where},
};

/// No output may hold these.
pub const KEY: &str = "canary-key-5518";
pub const PASSWORD: &str = "canary-password-7391";

const TABLES: &str = "
create table things (id integer primary key, name text not null, count integer not null, note text);
create table owners (id integer primary key, name text not null);
create table audits (id INTEGER_KEY, record_id integer, changes JSON_TYPE, version integer);
insert into things (id, name, count) values (1, 'lamp', 5), (2, 'desk', 1), (3, 'desk', 2);
insert into owners (id, name) values (1, 'ann');
";

/// The folder with project and playbooks, and the database behind them.
pub struct Place {
    pub folder: TempDir,
    pub place: Where,
    bench: Option<Bench>,
}

impl Place {
    /// A fresh database with the tables, and a project that speaks of it.
    pub async fn make(on: &On) -> Place {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let mark = format!("world_{}_{}", std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed));
        let folder = tempfile::tempdir().unwrap();
        let words = match on {
            On::Sqlite => ["integer primary key autoincrement", "json"],
            On::Postgres(_) => ["bigserial primary key", "json"],
            On::Mysql(_) => ["bigint auto_increment primary key", "json"],
        };
        let script = TABLES.replace("INTEGER_KEY", words[0]).replace("JSON_TYPE", words[1]);
        let bench = Bench::build(on, folder.path(), &mark, vec![("shop".into(), script)]).await.unwrap();
        let place = bench.fresh("shop", folder.path()).await.unwrap();
        let made = Place { folder, place, bench: Some(bench) };
        made.project("http://127.0.0.1:9");
        made
    }

    /// The URL of the database, which only PostgreSQL has.
    pub fn url(&self) -> Option<&Secret> {
        match &self.place {
            Where::File(_) => None,
            Where::Server(url) | Where::MysqlServer(url) => Some(url),
        }
    }

    pub fn path(&self) -> &Path {
        self.folder.path()
    }

    fn settings(&self) -> String {
        match &self.place {
            Where::File(path) => format!("sqlite: {{ path: '{}', busy_timeout: 200ms }}", path.display()),
            Where::MysqlServer(_) => "mysql: { url: { secret: SHOP_URL }, lock_timeout: 1s }".into(),
            Where::Server(_) => "postgres: { url: { secret: SHOP_URL }, lock_timeout: 200ms, timezone: UTC }".into(),
        }
    }

    /// Writes the project file; `api` is where the API answers.
    pub fn project(&self, api: &str) {
        self.project_with(&self.settings(), api);
    }

    /// The same with other settings of the database.
    pub fn project_with(&self, database: &str, api: &str) {
        let text = format!(
            "trueup: v1
project: world
playbooks: .
journal: {{ sqlite: journal/journal.db }}
people:
  clerk: {{ by: hand }}
  boss: {{ by: hand }}
environments:
  test: {{}}
connections:
  shop:
    {database}
    tables:
      things: {{ key: id, audit: {{ rule: trail, type: Thing }} }}
      owners: {{ key: id, audit: false }}
      missing: {{ key: id, audit: false }}
      audits: {{ key: id, append_only: true, audit: false }}
  crm:
    http:
      base: '{api}'
      internal: true
      auth: {{ bearer: {{ secret: CRM_KEY }} }}
      timeout: {{ connect: 1s, total: {TOTAL} }}
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
        );
        std::fs::write(self.path().join("trueup.yaml"), text).unwrap();
    }

    /// Writes a playbook; `uses` and `body` are YAML.
    pub fn playbook(&self, name: &str, uses: &str, body: &str) {
        let text = format!(
            "trueup: v1\nname: {name}\nversion: 1\ntitle: A test\nowner: clerk\nrisk: low\nuses:\n{uses}\n{}",
            body.trim_start_matches('\n')
        );
        std::fs::write(self.path().join(format!("{name}.yaml")), text).unwrap();
    }

    /// What a process has in its environment here.
    pub fn variables(&self) -> Vec<(String, String)> {
        let mut variables = vec![("CRM_KEY".to_owned(), KEY.to_owned())];
        variables.extend(self.url().map(|url| ("SHOP_URL".to_owned(), url.reveal().to_owned())));
        variables
    }

    /// A process of its own: nothing is shared with another one.
    pub fn surroundings(&self) -> Surroundings {
        let variables = self.variables();
        let borrowed: Vec<(&str, &str)> = variables.iter().map(|(n, v)| (n.as_str(), v.as_str())).collect();
        surroundings(self.path(), &borrowed)
    }

    pub fn opened(&self, here: &Surroundings) -> Opened {
        ops::project::open(here, None).unwrap_or_else(|failure| panic!("{failure:?}"))
    }

    /// The database, configured anew: its sessions have nothing to do with those of a run.
    pub fn database(&self) -> Database {
        let here = self.surroundings();
        ops::plan::databases(&here, &self.opened(&here), "test").unwrap().remove("shop").unwrap()
    }

    /// What everybody sees, row by row.
    pub async fn seen(&self, sql: &str) -> String {
        let mut reading = self.database().reading().await.unwrap();
        let rows = reading.query(&Statement { sql: sql.into(), binds: Vec::new() }, Limits::USUAL).await.unwrap();
        reading.close().await;
        let row = |row: &trueup::base::value::Map| {
            row.values().map(|v: &Value| v.bare().into_owned()).collect::<Vec<_>>().join(" ")
        };
        rows.rows.iter().map(row).collect::<Vec<_>>().join("; ")
    }

    /// Runs a script of an administrator on the server, or on the file.
    pub async fn admin(&self, script: &str) {
        if let Where::MysqlServer(url) = &self.place {
            return sandbox::mysql(url.reveal(), &[script]).await.unwrap();
        }
        if let Where::File(path) = &self.place {
            let done = std::process::Command::new("sqlite3").arg(path).arg(script).status().unwrap();
            return assert!(done.success(), "{script}");
        }
        sandbox::postgres(self.url().unwrap().reveal(), &[script]).await.unwrap();
    }

    /// Takes the database of a server away.
    pub async fn clear(mut self) {
        if let Some(bench) = self.bench.take() {
            bench.clear().await.unwrap();
        }
    }
}

/// How long a call may take.
const TOTAL: &str = "20s";

/// Every file below a folder.
pub fn files(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap().flatten() {
        let path = entry.path();
        if path.is_dir() { found.extend(files(&path)) } else { found.push(path) }
    }
    found
}
