//! What the engine says of a world that does not play along: what, where, and what to do; nothing half done, no secret. The
//! whole text is compared with `messages/*.txt`; `TRUEUP_BLESS=1` writes it anew.

use super::servers::{Shop, block_on, mysql, postgres, request, root, said};
use std::{fs, sync::atomic::AtomicBool};
use trueup::{
    base::world::World,
    engine::drive::Stopped,
    mock::Mock,
    ops,
    trial::bench::{On, Place},
};

const ROWS: &str = "insert into things (id, name, state, created_at, updated_at) values (1, 'lamp', 0, '2024-01-01 00:00:00', '2024-01-01 00:00:00');";

/// One change, and what surrounds it.
fn playbook(preconditions: &str, steps: &str) -> String {
    format!(
        "trueup: v1\nname: bad/playbook\nversion: 1\ntitle: In a bad world\nuses:\n  shop: {{ read: [things, owners, parts], write: [things, parts, audits] }}\n  crm: {{ methods: [GET, POST] }}\npreconditions: {preconditions}\nsteps: {steps}\n"
    )
}

const FIND: &str = "[{ id: thing, find: { table: shop.things, where: { id: 1 }, expect: one } }]";
const NOTHING: &str = "[]";
const CHANGE: &str = "[{ id: change, row: { table: shop.things, key: { id: 1 }, set: { count: 1 } } }]";

/// What a person reads when this playbook is applied, each part with what differs from run to run taken out.
async fn reads(shop: &Shop, text: &str) -> String {
    let told = match shop.prepare(text, &[]).await {
        Err(failure) => said(&failure),
        Ok(prepared) => match ops::plan::plan(&prepared.setting, &request(&[]), &|_| {}).await {
            Err(failure) => said(&failure),
            Ok(plan) => match &plan.items[0].stop {
                Some(stop) => format!("{}: {}: {}", stop.step, stop.way.word(), stop.message),
                None => {
                    let record = ops::record::open(&shop.here, &shop.opened).await.unwrap();
                    let pause = AtomicBool::new(false);
                    let (here, opened) = (&shop.here, &shop.opened);
                    let carried =
                        ops::apply::apply(here, &record, opened, &prepared.setting, &plan, &|_| {}, &pause).await;
                    record.journal.close().await.unwrap();
                    match carried {
                        Err(failure) => format!("apply: {}", said(&failure)),
                        Ok(carried) => {
                            let why = match &carried.stopped {
                                Stopped::InDoubt(path) => carried.state.items["-"].steps[path]
                                    .outcome
                                    .as_ref()
                                    .and_then(|o| o.message.clone()),
                                _ => carried.state.closed.as_ref().and_then(|c| c.reason.clone()),
                            };
                            format!("apply: {}: {}", carried.state.end().word(), why.unwrap_or_default())
                        }
                    }
                }
            },
        },
    };
    let told = shop.here.masks.apply(&told);
    for secret in ["key-of-the-crm", "wrong-password", "of-the-reader"] {
        assert!(!told.contains(secret), "{secret} is printed: {told}");
    }
    if let Place::Server(url) | Place::MysqlServer(url) = shop.place() {
        let password = url::Url::parse(url.reveal()).unwrap().password().unwrap().to_owned();
        assert!(!told.contains(&password), "the password is printed");
    }
    told
}

/// Ports, folders and names of databases are other ones each time.
fn steady(text: &str, shop: &Shop) -> String {
    let mut text = text.replace(&shop.folder.path().display().to_string(), "[FOLDER]");
    if let Place::Server(url) | Place::MysqlServer(url) = shop.place() {
        let url = url::Url::parse(url.reveal()).unwrap();
        text = text
            .replace(url.path().trim_start_matches('/'), "[DATABASE]")
            .replace(&format!(":{}", url.port().unwrap()), ":[PORT]");
    }
    let ports = regex::Regex::new(r"127\.0\.0\.1:\d+").unwrap();
    ports.replace_all(&text, "127.0.0.1:[PORT]").trim().to_owned()
}

/// What was read in each bad world, to be compared at the end.
struct Book(Vec<String>);

impl Book {
    fn note(&mut self, world: &str, told: &str) {
        self.0.push(format!("== {world}\n{told}\n"));
    }

    /// A bad world in which the database can be looked at: nothing may be half done.
    async fn says(&mut self, world: &str, shop: &Shop, preconditions: &str, steps: &str) {
        let before = shop.snapshot().await;
        let told = steady(&reads(shop, &playbook(preconditions, steps)).await, shop);
        assert!(shop.snapshot().await.text() == before.text(), "{world}: something is half done\n{told}");
        self.note(world, &told);
    }

    /// A bad world in which it cannot.
    async fn only_says(&mut self, world: &str, shop: &Shop, preconditions: &str, steps: &str) {
        let told = steady(&reads(shop, &playbook(preconditions, steps)).await, shop);
        self.note(world, &told);
    }

    fn compare(self, name: &str) {
        let path = root().join(format!("tests/trueup/messages/{name}.txt"));
        let told = self.0.join("\n");
        if std::env::var_os("TRUEUP_BLESS").is_some() {
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(&path, &told).unwrap();
        }
        let expected = fs::read_to_string(&path).unwrap_or_default();
        assert!(told == expected, "{} says otherwise; TRUEUP_BLESS=1 writes it anew\n{told}", path.display());
    }
}

async fn shop(on: &On) -> Shop {
    let shop = Shop::open(on, "http://127.0.0.1:9", |text| text).await;
    shop.sql(ROWS).await;
    shop
}

#[test]
fn a_missing_or_foreign_sqlite_file_is_named_with_its_path() {
    block_on(async {
        let (shop, mut book) = (shop(&On::Sqlite).await, Book(Vec::new()));
        let Place::File(path) = shop.place().clone() else { panic!() };
        fs::rename(&path, path.with_extension("aside")).unwrap();
        book.only_says("no file", &shop, FIND, CHANGE).await;
        fs::write(&path, "this is no database, but a text that is long enough to be looked at as one".repeat(20))
            .unwrap();
        book.only_says("a text file", &shop, FIND, CHANGE).await;
        fs::remove_file(&path).unwrap();
        fs::create_dir(&path).unwrap();
        book.only_says("a folder", &shop, FIND, CHANGE).await;
        book.compare("sqlite-file");
        shop.close().await;
    });
}

#[test]
fn a_server_that_cannot_be_reached_or_entered_is_named_without_the_password() {
    block_on(async {
        let good = postgres();
        let url = url::Url::parse(good.reveal()).unwrap();
        let with = |change: &dyn Fn(&mut url::Url)| {
            let mut url = url.clone();
            change(&mut url);
            url.to_string()
        };
        let worlds = [
            ("nobody listens", with(&|u| u.set_port(Some(9)).unwrap())),
            ("wrong password", with(&|u| u.set_password(Some("wrong-password")).unwrap())),
            ("wrong user", with(&|u| u.set_username("nobody").unwrap())),
            ("wrong database", with(&|u| u.set_path("/no_such_database"))),
            ("no database", with(&|u| u.set_path(""))),
            ("another protocol", with(&|u| u.set_path("")).replace("postgres://", "mysql://")),
            ("no address", "a b c".to_owned()),
            ("empty", String::new()),
        ];
        let mut book = Book(Vec::new());
        let mut shop = shop(&On::Postgres(good.clone())).await;
        for (world, url) in worlds {
            shop.here =
                super::servers::surroundings(shop.folder.path(), &[("SHOP_URL", &url), ("CRM_KEY", "key-of-the-crm")]);
            book.only_says(world, &shop, FIND, CHANGE).await;
        }
        shop.here = super::servers::surroundings(shop.folder.path(), &[("CRM_KEY", "key-of-the-crm")]);
        book.only_says("the variable is not set", &shop, FIND, CHANGE).await;
        book.compare("postgres-connection");
        shop.close().await;
    });
}

#[test]
fn a_server_that_cannot_be_reached_or_entered_is_named_without_the_password_on_mysql() {
    block_on(async {
        let good = mysql();
        let url = url::Url::parse(good.reveal()).unwrap();
        let with = |change: &dyn Fn(&mut url::Url)| {
            let mut url = url.clone();
            change(&mut url);
            url.to_string()
        };
        let worlds = [
            ("nobody listens", with(&|u| u.set_port(Some(9)).unwrap())),
            ("wrong password", with(&|u| u.set_password(Some("wrong-password")).unwrap())),
            ("wrong user", with(&|u| u.set_username("nobody").unwrap())),
            ("wrong database", with(&|u| u.set_path("/no_such_database"))),
            ("no database", with(&|u| u.set_path(""))),
            ("another protocol", with(&|u| u.set_path("")).replace("mysql://", "postgres://")),
            ("a setting in the address", format!("{}?charset=latin1", with(&|_| ()))),
            ("no address", "a b c".to_owned()),
            ("empty", String::new()),
        ];
        let mut book = Book(Vec::new());
        let mut shop = shop(&On::Mysql(good.clone())).await;
        for (world, url) in worlds {
            shop.here =
                super::servers::surroundings(shop.folder.path(), &[("SHOP_URL", &url), ("CRM_KEY", "key-of-the-crm")]);
            book.only_says(world, &shop, FIND, CHANGE).await;
        }
        shop.here = super::servers::surroundings(shop.folder.path(), &[("CRM_KEY", "key-of-the-crm")]);
        book.only_says("the variable is not set", &shop, FIND, CHANGE).await;
        book.compare("mysql-connection");
        shop.close().await;
    });
}

/// What both databases say of themselves: the same playbooks, their own words.
async fn tables(on: &On, book: &mut Book) {
    let shop = shop(on).await;
    let query = |sql: &str| format!("[{{ id: seen, query: {{ db: shop, sql: \"{sql}\", expect: many }} }}]");
    let write = |sql: &str| {
        format!("[{{ sql: {{ db: shop, sql: \"{sql}\", touches: 1 }}, irreversible: a test, repeatable: a test }}]")
    };
    let two = "insert into things (id, name, state, created_at, updated_at) values (2, 'lamp', 0, '2024-01-01 00:00:00', '2024-01-01 00:00:00')";
    shop.sql(two).await;
    book.says("zero rows", &shop, "[{ find: { table: shop.things, where: { id: 99 } } }]", CHANGE).await;
    book.says("two rows", &shop, "[{ find: { table: shop.things, where: { name: lamp } } }]", CHANGE).await;
    book.says(
        "zero rows to change",
        &shop,
        NOTHING,
        "[{ row: { table: shop.things, key: { id: 99 }, set: { count: 1 } } }]",
    )
    .await;
    book.says(
        "two rows to change",
        &shop,
        NOTHING,
        "[{ rows: { table: shop.things, where: { name: lamp }, set: { count: 1 }, touches: 1 } }]",
    )
    .await;
    book.says("two rows by a statement", &shop, NOTHING, &write("update things set count = 1 where name = 'lamp'"))
        .await;
    book.says(
        "a column that is not there, in a find",
        &shop,
        "[{ find: { table: shop.things, where: { colour: red } } }]",
        CHANGE,
    )
    .await;
    book.says(
        "a column that is not there, in a row",
        &shop,
        NOTHING,
        "[{ row: { table: shop.things, key: { id: 1 }, set: { cuont: 1 } } }]",
    )
    .await;
    book.says("a column that is not there, in a query", &shop, &query("select id, cuont from things"), CHANGE).await;
    book.says("a check that fails", &shop, NOTHING, "[{ row: { table: shop.parts, key: { id: 1 }, set: { name: forbidden, position: 1 }, create: { thing_id: 1 } } }]").await;
    book.says(
        "a row that points to none",
        &shop,
        NOTHING,
        "[{ row: { table: shop.parts, key: { id: 1 }, set: { name: x, position: 1 }, create: { thing_id: 99 } } }]",
    )
    .await;
    book.says(
        "a value that may not be null",
        &shop,
        NOTHING,
        "[{ row: { table: shop.things, key: { id: 1 }, clear: [name] } }]",
    )
    .await;
    book.says(
        "more rows than anybody asked for",
        &shop,
        &query("with recursive n(i) as (select 1 union all select i + 1 from n where i < 200000) select i from n"),
        CHANGE,
    )
    .await;
    shop.sql("alter table things rename to elsewhere").await;
    book.says("a table that is not there, in a find", &shop, FIND, CHANGE).await;
    book.says("a table that is not there, in a row", &shop, NOTHING, CHANGE).await;
    book.says("a table that is not there, in a query", &shop, &query("select id from things"), CHANGE).await;
    shop.close().await;
}

#[test]
fn tables_columns_and_rows_that_are_not_as_expected_on_sqlite() {
    block_on(async {
        let mut book = Book(Vec::new());
        tables(&On::Sqlite, &mut book).await;
        book.compare("sqlite-tables");
    });
}

#[test]
fn tables_columns_and_rows_that_are_not_as_expected_on_postgres() {
    block_on(async {
        let mut book = Book(Vec::new());
        tables(&On::Postgres(postgres()), &mut book).await;
        book.compare("postgres-tables");
    });
}

#[test]
fn tables_columns_and_rows_that_are_not_as_expected_on_mysql() {
    block_on(async {
        let mut book = Book(Vec::new());
        tables(&On::Mysql(mysql()), &mut book).await;
        book.compare("mysql-tables");
    });
}

#[test]
fn rights_that_are_missing_are_named_by_table() {
    block_on(async {
        let (mut shop, mut book) = (shop(&On::Postgres(postgres())).await, Book(Vec::new()));
        let role = format!("reader_{}", World::real().id().simple());
        shop.sql(&format!("create role {role} login password 'of-the-reader'; grant usage on schema public to {role}"))
            .await;
        let Place::Server(owner) = shop.place().clone() else { panic!() };
        let mut url = url::Url::parse(owner.reveal()).unwrap();
        url.set_username(&role).unwrap();
        url.set_password(Some("of-the-reader")).unwrap();
        shop.here = super::servers::surroundings(
            shop.folder.path(),
            &[("SHOP_URL", url.as_str()), ("CRM_KEY", "key-of-the-crm")],
        );
        book.says("nothing may be read", &shop, FIND, CHANGE).await;
        shop.sql(&format!("grant select on all tables in schema public to {role}")).await;
        book.says("nothing may be changed", &shop, FIND, CHANGE).await;
        shop.sql(&format!("grant update on things to {role}")).await;
        book.says("the audit row may not be written", &shop, FIND, CHANGE).await;
        shop.sql(&format!("drop owned by {role}; drop role {role}")).await;
        book.0.iter_mut().for_each(|told| *told = told.replace(&role, "[ROLE]"));
        book.compare("postgres-rights");
        shop.close().await;
    });
}

const MOCK: &str = r#"
trueup: v1
mock: crm
routes:
  - { get: /hang, answer: { fault: hang } }
  - { get: /500, answer: { status: 500, json: { title: it broke } } }
  - { get: /404, answer: { status: 404 } }
  - { get: /401, answer: { status: 401, json: { title: Unauthorized } } }
  - { get: /sign_in, answer: { text: "<html>Please sign in</html>", headers: { Content-Type: text/html } } }
  - { get: /302, answer: { status: 302, headers: { Location: "http://elsewhere.example/" } } }
  - { get: /huge, answer: { fault: huge } }
  - { get: /bomb, answer: { fault: bomb } }
  - { get: /garbled, answer: { json: { a: 1 }, fault: garbled } }
  - { get: /truncate, answer: { json: { a: 1 }, fault: truncate } }
  - { get: /not_http, answer: { fault: not_http } }
  - { get: /reset_before, answer: { fault: reset_before } }
  - { get: /slow_drip, answer: { json: { a: 1, b: "a longer answer than fits into the deadline" }, fault: slow_drip } }
  - { post: /hang, answer: { fault: hang } }
  - { post: /500, answer: { status: 500, json: { title: it broke } } }
  - { post: /404, answer: { status: 404 } }
  - { post: /302, answer: { status: 302, headers: { Location: "http://elsewhere.example/" } } }
  - { post: /huge, answer: { fault: huge } }
  - { post: /garbled, answer: { json: { a: 1 }, fault: garbled } }
  - { post: /not_http, answer: { fault: not_http } }
  - { post: /reset_before, answer: { fault: reset_before } }
  - { post: /drop_reply, answer: { fault: drop_reply } }
"#;

#[test]
fn an_api_that_does_not_answer_as_it_should_is_told_apart_case_by_case() {
    block_on(async {
        let mut book = Book(Vec::new());
        let running = Mock::from_yaml(MOCK).unwrap_or_else(|p| panic!("{p:?}")).start(World::real()).await.unwrap();
        let quick = |text: String| text.replace("\"total\":\"3s\"", "\"total\":\"400ms\"");
        let shop = Shop::open(&On::Sqlite, &running.url(), quick).await;
        shop.sql(ROWS).await;
        let read = |path: &str| format!("[{{ id: seen, http: {{ api: crm, get: /{path}, query: {{ key: a b }} }} }}]");
        let send = |path: &str| {
            format!(
                "[{{ id: sent, http: {{ api: crm, post: /{path}, json: {{ a: 1 }} }}, irreversible: a test }}, {}]",
                &CHANGE[1..CHANGE.len() - 1]
            )
        };
        for path in [
            "hang",
            "500",
            "404",
            "302",
            "huge",
            "bomb",
            "garbled",
            "truncate",
            "not_http",
            "reset_before",
            "slow_drip",
        ] {
            book.says(&format!("read {path}"), &shop, &read(path), CHANGE).await;
        }
        for path in ["hang", "500", "404", "302", "huge", "garbled", "not_http", "reset_before", "drop_reply"] {
            // What one of them leaves in doubt none of the others does.
            let shop = Shop::open(&On::Sqlite, &running.url(), quick).await;
            shop.sql(ROWS).await;
            book.says(&format!("send {path}"), &shop, FIND, &send(path)).await;
            shop.close().await;
        }
        // The author's words for a thing that is not there do not stand alone where something else is so.
        let known = |path: &str| {
            let otherwise = "otherwise: \"The CRM does not know it\"";
            format!("[{{ id: seen, http: {{ api: crm, get: /{path} }}, {otherwise} }}, {{ assert: seen.body.a == 1 }}]")
        };
        for path in ["404", "500", "401", "hang", "sign_in"] {
            book.says(&format!("read {path}, with words of its own"), &shop, &known(path), CHANGE).await;
        }
        shop.close().await;
        let shop = Shop::open(&On::Sqlite, "http://127.0.0.1:9", quick).await;
        shop.sql(ROWS).await;
        book.says("read refused", &shop, &read("x"), CHANGE).await;
        book.says("read refused, with words of its own", &shop, &known("x"), CHANGE).await;
        book.says("send refused", &shop, FIND, &send("x")).await;
        shop.close().await;
        book.compare("http");
    });
}

#[test]
fn a_lock_that_somebody_else_holds_is_named_and_nothing_waits_for_ever() {
    block_on(async {
        let mut book = Book(Vec::new());
        let sqlite = shop(&On::Sqlite).await;
        let Place::File(path) = sqlite.place().clone() else { panic!() };
        let options = sqlx::sqlite::SqliteConnectOptions::new().filename(&path);
        let mut other = <sqlx::SqliteConnection as sqlx::Connection>::connect_with(&options).await.unwrap();
        sqlx::query("begin immediate").execute(&mut other).await.unwrap();
        book.says("sqlite", &sqlite, FIND, CHANGE).await;
        sqlx::query("rollback").execute(&mut other).await.unwrap();
        sqlite.close().await;
        let quick =
            |text: String| text.replace("\"timezone\":\"UTC\"", "\"timezone\":\"UTC\",\"lock_timeout\":\"100ms\"");
        let server = Shop::open(&On::Postgres(postgres()), "http://127.0.0.1:9", quick).await;
        server.sql(ROWS).await;
        let Place::Server(url) = server.place().clone() else { panic!() };
        let mut other = <sqlx::PgConnection as sqlx::Connection>::connect(url.reveal()).await.unwrap();
        sqlx::query("begin").execute(&mut other).await.unwrap();
        sqlx::query("update things set note = 'held' where id = 1").execute(&mut other).await.unwrap();
        book.says("postgres", &server, FIND, CHANGE).await;
        sqlx::query("rollback").execute(&mut other).await.unwrap();
        drop(other);
        server.close().await;
        book.compare("locks");
    });
}
