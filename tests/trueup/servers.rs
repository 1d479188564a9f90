//! What tests of several modules stand on: the repository's own folder, a runtime, the servers of the run.

use std::{
    collections::HashMap,
    path::{Path, PathBuf},
    sync::Arc,
};
use trueup::{
    base::{
        diagnostic::{Diagnostics, Severity},
        secret::Secret,
        source::Source,
        value::Value,
        world::World,
        yaml,
    },
    connection::database::Database,
    ops::{
        self, Failure, Surroundings,
        plan::{Prepared, Request},
        playbook::Loaded,
        project::Opened,
    },
    report::diagnostics,
    trial::{
        bench::{Bench, On, Place},
        snapshot::{self, Snapshot},
        stage::{self, Double},
    },
};

/// The repository.
pub fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

/// The server that `scripts/test` starts.
pub fn postgres() -> Secret {
    match std::env::var("TRUEUP_TEST_POSTGRES") {
        Ok(url) => Secret::new(url),
        Err(_) => panic!("TRUEUP_TEST_POSTGRES is not set: `scripts/test` starts a PostgreSQL server and sets it"),
    }
}

/// The MariaDB server that `scripts/test` starts.
pub fn mysql() -> Secret {
    match std::env::var("TRUEUP_TEST_MYSQL") {
        Ok(url) => Secret::new(url),
        Err(_) => panic!("TRUEUP_TEST_MYSQL is not set: `scripts/test` starts a MariaDB server and sets it"),
    }
}

/// The surroundings of a command that was started in `folder`, with no environment variables but these.
pub fn surroundings(folder: &Path, variables: &[(&str, &str)]) -> Surroundings {
    let variables: Vec<(String, String)> = variables.iter().map(|(n, v)| ((*n).to_owned(), (*v).to_owned())).collect();
    Surroundings {
        world: World::real(),
        variable: Arc::new(move |name| variables.iter().find(|(n, _)| n == name).map(|(_, v)| v.clone())),
        folder: folder.to_owned(),
        masks: Default::default(),
        reached: Default::default(),
        notes: Default::default(),
        played: Default::default(),
        trace: Default::default(),
        witness: Default::default(),
        workers: Default::default(),
        given_again: Default::default(),
    }
}

/// A text of the tests' own with SQL as PostgreSQL and SQLite write it, for the database of a test.
pub fn dialect(on: &On, text: &str) -> String {
    match on {
        On::Mysql(_) => text
            .replace("on conflict (code, year) do update set", "on duplicate key update")
            // MySQL looks at a foreign key row by row: what hangs on another row goes first.
            .replace(
                "delete from tickets where title is not null",
                "delete from tickets where title is not null order by id desc",
            ),
        On::Sqlite | On::Postgres(_) => text.to_owned(),
    }
}

/// Runs a future to its end on a runtime of its own.
pub fn block_on<T>(work: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap().block_on(work)
}

/// A port at which nobody listens, below the range from which the kernel takes ports for clients: one of that range is gone as soon as some
/// test's connection has it, while a server that was there is away.
pub fn free_port() -> u16 {
    loop {
        let mut random = [0; 2];
        getrandom::fill(&mut random).unwrap();
        let port = 20_000 + u16::from_le_bytes(random) % 12_000;
        if std::net::TcpListener::bind(("127.0.0.1", port)).is_ok() {
            return port;
        }
    }
}

/// The small world of `tests/cases/world/` on a database of its own, for tests that need more than a case can say.
pub struct Shop {
    /// Where everything is; goes with this.
    pub folder: tempfile::TempDir,
    /// Of every command that a test runs.
    pub here: Surroundings,
    /// The project file, with the test's own database and API.
    pub opened: Opened,
    /// The database, as the engine has it.
    pub databases: HashMap<Arc<str>, Database>,
    place: Place,
    bench: Bench,
}

impl Shop {
    /// A shop whose API listens at `crm`. `change` may edit the project file.
    pub async fn open(on: &On, crm: &str, change: impl FnOnce(String) -> String) -> Shop {
        Shop::in_world(on, "world", ("shop", "crm"), crm, change).await
    }

    /// The same in the world of another case folder, with its database and its API by their names.
    pub async fn in_world(
        on: &On,
        case: &str,
        (database, api): (&str, &str),
        url: &str,
        change: impl FnOnce(String) -> String,
    ) -> Shop {
        let world = root().join("tests/cases").join(case);
        let folder = tempfile::tempdir().unwrap();
        let script = std::fs::read_to_string(world.join(format!("tables.{}.sql", on.word()))).unwrap();
        let mark = World::real().id().simple().to_string();
        let bench = Bench::build(on, folder.path(), &mark[20..], vec![(database.into(), script)]).await.unwrap();
        let place = bench.fresh(database, folder.path()).await.unwrap();
        let (kind, settings) = place.settings("SHOP_URL");
        let source = Source::new("world", std::fs::read_to_string(world.join("trueup.yaml")).unwrap());
        let original = yaml::parse(&source, yaml::LIMITS, &mut Diagnostics::new(source.clone())).unwrap().value();
        let doubles = [
            (Arc::from(database), Double::Database(kind, settings)),
            (Arc::from(api), Double::Api { url: url.to_owned(), credentials: None }),
        ];
        let text = change(stage::project(&original, &world.display().to_string(), &doubles));
        std::fs::write(folder.path().join("trueup.yaml"), text).unwrap();
        let url = match &place {
            Place::Server(url) | Place::MysqlServer(url) => url.reveal().to_owned(),
            Place::File(_) => String::new(),
        };
        let here = surroundings(
            folder.path(),
            &[("SHOP_URL", &url), ("CRM_KEY", "key-of-the-crm"), ("FORUM_KEY", "key-of-the-forum")],
        );
        let opened = ops::project::open(&here, None).unwrap();
        let databases = ops::plan::databases(&here, &opened, "test").unwrap();
        Shop { folder, here, opened, databases, place, bench }
    }

    /// Runs statements as somebody else would.
    #[expect(clippy::disallowed_methods, reason = "several statements of the test's own")]
    pub async fn sql(&self, text: &str) {
        use sqlx::Connection;
        let sql = sqlx::raw_sql(sqlx::AssertSqlSafe(text.to_owned()));
        match &self.place {
            Place::File(path) => {
                let options = sqlx::sqlite::SqliteConnectOptions::new().filename(path).create_if_missing(false);
                let mut connection = sqlx::SqliteConnection::connect_with(&options).await.unwrap();
                sql.execute(&mut connection).await.unwrap();
                connection.close().await.unwrap();
            }
            Place::Server(url) => {
                let mut connection = sqlx::PgConnection::connect(url.reveal()).await.unwrap();
                sql.execute(&mut connection).await.unwrap();
                connection.close().await.unwrap();
            }
            Place::MysqlServer(url) => {
                // TIMESTAMP is UTC without saying so, and begins one second after the others.
                let text = text.replace("+00'", "'").replace("'1970-01-01 00:00:00'", "'1970-01-01 00:00:01'");
                // Nobody changed anything in between: the others take a text without a statement, this one refuses it.
                if text.trim().is_empty() {
                    return;
                }
                let sql = sqlx::raw_sql(sqlx::AssertSqlSafe(text));
                let mut connection = sqlx::MySqlConnection::connect(url.reveal()).await.unwrap();
                sql.execute(&mut connection).await.unwrap();
                connection.close().await.unwrap();
            }
        }
    }

    /// Where the database is.
    pub fn place(&self) -> &Place {
        &self.place
    }

    /// Every row of every table.
    pub async fn snapshot(&self) -> Snapshot {
        snapshot::take(&self.databases, &self.opened.project).await.unwrap()
    }

    /// A checked playbook from its text; what is wrong with it is drawn.
    pub fn playbook(&self, text: &str) -> Loaded {
        let source = Source::new("playbook.yaml", text);
        match ops::playbook::of_source(source, &self.opened, None) {
            Ok(loaded) => loaded,
            Err(failure) => panic!("{}\n{text}", said(&failure)),
        }
    }

    /// What planning and applying a playbook need.
    pub async fn prepare(&self, text: &str, params: &[(&str, Value)]) -> Result<Prepared, Failure> {
        let request = request(params);
        ops::plan::setting(&self.here, &self.opened, self.playbook(text), &request).await
    }

    /// Takes the database away.
    pub async fn close(self) {
        self.bench.clear().await.unwrap();
    }
}

/// Somebody asks for a playbook with these parameters.
pub fn request(params: &[(&str, Value)]) -> Request {
    Request {
        from_env: Vec::new(),
        params: params.iter().map(|(name, value)| ((*name).to_owned(), value.clone())).collect(),
        environment: Some("test".into()),
        reason: Some("a test".into()),
        actor: Some("anna".into()),
        answers: Vec::new(),
        saved: false,
        run: None,
    }
}

/// Everything that a person would read of a failure, without advice.
pub fn said(failure: &Failure) -> String {
    let drawn = |text: &Diagnostics| {
        let mut errors = Diagnostics::new(text.source().clone());
        text.sorted().into_iter().filter(|p| p.severity == Severity::Error).for_each(|p| errors.push(p.clone()));
        diagnostics::terminal(&errors, 120)
    };
    match failure {
        Failure::Texts(texts) => texts.iter().map(drawn).collect(),
        Failure::Usage { message, help } => format!("{message}\n{}", help.join("\n")),
        Failure::Step { path, trouble, .. } => format!("{path}: {}\n{}", trouble.message(), trouble.help().join("\n")),
        other => format!("{other:?}"),
    }
}
