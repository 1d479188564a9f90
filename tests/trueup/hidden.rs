//! What is hidden stays hidden where a text is cut, broken into lines, or said by somebody else: the real program, an API that repeats
//! what it was given, a database that tells of the row in its own words.

use crate::{
    proof::process::{Came, program, wait},
    servers::{block_on, postgres},
};
use sqlx::{Connection, Executor};
use std::{
    fs,
    path::{Path, PathBuf},
};
use trueup::{
    base::world::World as Clock,
    mock::{Mock, server::Running},
};

const TABLES: &str =
    "create table orders (id integer primary key, number text unique, note text, token text, updated_at text);
insert into orders values (1, 'A-1', 'n', 'Grace Hopper', '2025-03-01 09:00:00');";

/// A text without the breaks that the width of a terminal makes.
pub(super) fn flat(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

pub(super) struct Desk {
    pub(super) folder: tempfile::TempDir,
    variables: Vec<(String, String)>,
    said: String,
}

impl Desk {
    pub(super) fn new(project: &str, variables: &[(&str, &str)], playbooks: &[(&str, &str)]) -> Desk {
        let folder = tempfile::tempdir().unwrap();
        fs::write(
            folder.path().join("trueup.yaml"),
            format!(
                "trueup: v1\nproject: hidden\nplaybooks: books\njournal: {{ sqlite: .trueup/journal.db }}\n\
                 people: {{ support: {{ by: hand }} }}\nenvironments: {{ here: {{}} }}\n{project}"
            ),
        )
        .unwrap();
        fs::create_dir(folder.path().join("books")).unwrap();
        for (name, text) in playbooks {
            let head = format!("trueup: v1\nname: {name}\nversion: 1\ntitle: A test\nowner: support\nrisk: low\n");
            fs::write(folder.path().join(format!("books/{name}.yaml")), head + text).unwrap();
        }
        let mut all = vec![("PATH".to_owned(), "/usr/bin:/bin".to_owned()), ("TRUEUP_ACTOR".into(), "anna".into())];
        all.extend(variables.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())));
        Desk { folder, variables: all, said: String::new() }
    }

    /// Its words are kept; `exit` is the code that it ends with.
    pub(super) async fn run(&mut self, arguments: &[&str], exit: i32) -> Came {
        let came = self.tried(arguments).await;
        assert_eq!(came.exit, Some(exit), "{arguments:?}\n{}", came.said());
        came
    }

    /// The same where any end is good.
    pub(super) async fn tried(&mut self, arguments: &[&str]) -> Came {
        self.tried_with(&[], arguments).await
    }

    /// The same with these variables besides.
    pub(super) async fn tried_with(&mut self, more: &[(&str, String)], arguments: &[&str]) -> Came {
        let more = more.iter().map(|(name, value)| ((*name).to_owned(), value.clone()));
        let variables: Vec<_> = self.variables.iter().cloned().chain(more).collect();
        let child = program(self.folder.path(), &variables, arguments).spawn().unwrap();
        let came = wait(child).await.unwrap();
        self.said.push_str(&came.out);
        self.said.push_str(&came.err);
        came
    }

    /// The id of the newest run.
    pub(super) async fn last_run(&mut self) -> String {
        let came = self.run(&["runs", "--json"], 0).await;
        let runs: serde_json::Value = serde_json::from_str(&came.out).unwrap();
        runs["runs"][0]["id"].as_str().unwrap_or_else(|| panic!("{}", came.out)).to_owned()
    }

    /// All that was said, and every file of trueup's own.
    pub(super) fn all(&self) -> String {
        let mut files = Vec::new();
        list(self.folder.path(), &mut files);
        let own = |path: &&PathBuf| !path.ends_with("shop.db") && path.extension().is_none_or(|ending| ending != "csv");
        let texts = files.iter().filter(own).map(|path| fs::read(path).unwrap());
        texts.fold(self.said.clone(), |all, bytes| all + "\n" + &String::from_utf8_lossy(&bytes))
    }
}

fn list(folder: &Path, files: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() { list(&path, files) } else { files.push(path) }
    }
}

/// No part of a secret that is so long stands anywhere.
fn no_part_of(secret: &str, all: &str) {
    let letters: Vec<char> = secret.chars().collect();
    for part in letters.windows(9) {
        let part: String = part.iter().collect();
        if let Some(at) = all.find(&part) {
            let from = all.floor_char_boundary(at.saturating_sub(200));
            panic!("`{part}` in …{}…", &all[from..all.ceil_char_boundary(at + 100)]);
        }
    }
}

async fn api() -> Running {
    let padding = "y".repeat(960);
    let text = format!(
        "trueup: v1\nmock: api\nroutes:\n\
         - post: /pad\n  answer: {{ status: 400, text: \"{padding}{{{{ headers.authorization }}}}\" }}\n\
         - get: /fails\n  answer: {{ status: 400, json: {{ error: bad, auth: \"{{{{ headers.authorization }}}}\" }} }}\n\
         - get: /**\n  answer: {{ json: {{ auth: \"{{{{ headers.authorization }}}}\" }} }}\n"
    );
    let mock = Mock::from_yaml(&text).unwrap_or_else(|p| panic!("{:?}", p.sorted()));
    mock.start(Clock::real()).await.unwrap()
}

#[expect(clippy::disallowed_methods, reason = "statements of the test itself, on a database of its own")]
async fn beside_an_api(api: &Running, token: &str) -> Desk {
    let project = format!(
        "connections:\n  shop:\n    sqlite: {{ path: shop.db }}\n    tables:\n      orders: {{ key: id, updated_at: updated_at, audit: false }}\n  \
         api:\n    http: {{ base: \"{}\", internal: true, auth: {{ bearer: {{ secret: TOKEN }} }} }}\n",
        api.url()
    );
    let got = "- id: got\n  http: { api: api, get: /ok }\n- id: save\n  row: { table: shop.orders, key: { id: 1 }, set: { note: \"{{ got.body.auth }}\" } }\n";
    let uses = "uses: { api: { methods: [GET] }, shop: { read: [orders], write: [orders] } }\n";
    let params = "params:\n  key: { type: string, secret: true, pattern: \"[a-z]{3,60}\" }\n  n: { type: int, secret: true, default: 5, max: 100 }\n";
    let desk = Desk::new(
        &project,
        &[("TOKEN", token)],
        &[
            (
                "post",
                "uses: { api: { methods: [POST] } }\nsteps:\n- id: sent\n  http: { api: api, post: /pad, json: { a: 1 } }\n  irreversible: a test\n  \
                 otherwise: \"it said {{ error.said }}\"\n",
            ),
            (
                "echo",
                &format!(
                    "{uses}preconditions:\n{}steps:\n{}",
                    &got[..got.find("- id: save").unwrap()],
                    &got[got.find("- id: save").unwrap()..]
                ),
            ),
            (
                "fails",
                "uses: { api: { methods: [GET] } }\npreconditions:\n- id: got\n  http: { api: api, get: /fails }\n  \
                 otherwise: \"It said {{ error.text }} {{ error.body }} {{ error.said }}\"\nsteps: []\n",
            ),
            (
                "rec",
                &format!(
                    "{uses}reconcile: {{}}\ntargets:\n  from: {{ find: {{ table: shop.orders }} }}\n  key: number\nsteps:\n{got}"
                ),
            ),
            (
                "key",
                &format!(
                    "{params}uses: {{ shop: {{ read: [orders], write: [orders] }} }}\nsteps:\n- row: {{ table: shop.orders, key: {{ id: 1 }}, set: {{ token: \"{{{{ params.key }}}}\", note: \"{{{{ params.n }}}}\" }} }}\n"
                ),
            ),
        ],
    );
    let shop =
        sqlx::sqlite::SqliteConnectOptions::new().filename(desk.folder.path().join("shop.db")).create_if_missing(true);
    let mut connection = sqlx::SqliteConnection::connect_with(&shop).await.unwrap();
    connection.execute(sqlx::raw_sql(TABLES)).await.unwrap();
    connection.close().await.unwrap();
    desk
}

#[test]
fn a_secret_that_an_api_repeats_is_masked_before_anything_is_cut_or_broken_into_lines() {
    block_on(async {
        let api = api().await;
        let letters: String = (0..60).map(|n| char::from(b'a' + n % 26)).collect();
        let long = format!("TOPSECRET{letters}");
        let phrase = r#"correct-horse battery-staple 1 "quoted-words" and \backslashes in one-long-sentence that is-broken-somewhere"#;
        for token in [long.as_str(), phrase] {
            let mut desk = beside_an_api(&api, token).await;
            desk.run(&["plan", "echo"], 0).await;
            desk.run(&["plan", "echo", "--json"], 0).await;
            desk.run(&["plan", "echo", "--out", "a.plan"], 0).await;
            desk.run(&["plan", "show", "a.plan"], 0).await;
            desk.run(&["plan", "fails"], 4).await;
            desk.run(&["plan", "fails", "--json"], 4).await;
            desk.run(&["apply", "fails", "--yes", "--reason", "a test"], 4).await;
            desk.run(&["apply", "post", "--yes", "--reason", "a test"], 4).await;
            let runs = desk.run(&["runs", "--json"], 0).await;
            let runs: serde_json::Value = serde_json::from_str(&runs.out).unwrap();
            for run in runs["runs"].as_array().unwrap() {
                let short = run["short"].as_str().unwrap();
                desk.run(&["show", short], 0).await;
                desk.run(&["show", short, "--json"], 0).await;
            }
            desk.run(&["reconcile", "rec", "--html", "d.html", "--json"], 5).await;
            desk.run(&["reconcile", "rec"], 5).await;
            let all = desk.all();
            assert!(all.contains("(secret)") && all.contains("yyyyyyyy"));
            no_part_of(token, &all);
        }
    });
}

#[test]
fn a_hidden_parameter_that_does_not_fit_is_not_repeated_and_may_come_from_a_variable() {
    block_on(async {
        let api = api().await;
        let mut desk = beside_an_api(&api, "a-token-of-no-matter").await;
        let given = ["plan", "key", "key=UPPERSECRET", "n=xy12secret"];
        let came = desk.run(&given, 2).await;
        assert!(came.err.contains("key: its value does not match the pattern [a-z]{3,60}"), "{}", came.err);
        assert!(came.err.contains("n: its value is not a whole number"), "{}", came.err);
        desk.run(&["plan", "key", "key=good", "n=8812345"], 2).await;
        desk.variables.push(("KEY".into(), "BADSECRET".into()));
        let came = desk.run(&["plan", "key", "--param-from-env", "key=KEY"], 2).await;
        assert!(came.err.contains("(read from the environment variable `KEY`)"), "{}", came.err);
        let came = desk.run(&["plan", "key", "--param-from-env", "key=NONE"], 2).await;
        assert!(
            came.err.contains("the environment variable `NONE`, from which `key` comes, is not set"),
            "{}",
            came.err
        );
        desk.variables.push(("KEY".into(), "goodsecret".into()));
        let came = desk.run(&["plan", "key", "--param-from-env", "key=KEY"], 0).await;
        assert!(came.out.contains("--param-from-env key=KEY"), "{}", came.out);
        desk.run(&["apply", "key", "--param-from-env", "key=KEY", "--yes", "--reason", "a test"], 0).await;
        let all = desk.all();
        ["UPPERSECRET", "xy12secret", "8812345", "BADSECRET", "goodsecret"]
            .iter()
            .for_each(|secret| assert!(!all.contains(secret), "{secret}"));
    });
}

#[expect(clippy::disallowed_methods, reason = "statements of the test itself, on a database of its own")]
pub(super) async fn sql(address: &str, text: &str) {
    let mut connection = sqlx::PgConnection::connect(address).await.unwrap();
    connection.execute(sqlx::raw_sql(sqlx::AssertSqlSafe(text.to_owned()))).await.unwrap();
    connection.close().await.unwrap();
}

/// A database of its own whose name is the name and the password of its role too, as in many a development set-up.
pub(super) async fn database() -> (String, String) {
    let name = format!("hidden{}", &Clock::real().id().simple().to_string()[20..]);
    let root = postgres();
    sql(root.reveal(), &format!("create role {name} login superuser password '{name}'")).await;
    sql(root.reveal(), &format!("create database {name} owner {name}")).await;
    let mut url = url::Url::parse(root.reveal()).unwrap();
    url.set_username(&name).unwrap();
    url.set_password(Some(&name)).unwrap();
    url.set_path(&name);
    (name, url.to_string())
}

pub(super) async fn clear(name: &str) {
    sql(postgres().reveal(), &format!("drop database {name} with (force)")).await;
    sql(postgres().reveal(), &format!("drop role {name}")).await;
}

const SHOP: &str = "connections:\n  shop:\n    postgres: { url: { secret: DBURL } }\n    tables:\n      orders: { key: id, personal: [token], updated_at: updated_at, audit: false }\n";
const USES: &str = "uses: { shop: { read: [orders], write: [orders] } }\n";

#[test]
fn what_a_database_says_of_a_row_does_not_tell_what_is_personal_in_it() {
    block_on(async {
        let (name, address) = database().await;
        let trigger = "create function refuse() returns trigger language plpgsql as $$ begin \
            raise exception 'cannot change % (%) to %', old.token, upper(old.token), new.token using hint = 'ask ' || new.token; end $$; \
            create trigger refuse before update on orders for each row execute function refuse();";
        sql(&address, &format!("{} {trigger}", TABLES.replace("updated_at text", "updated_at timestamp"))).await;
        let row = "steps:\n- row: { table: shop.orders, key: { id: 1 }, set: ";
        let mut desk = Desk::new(
            SHOP,
            &[("DBURL", &address)],
            &[
                ("column", &format!("{USES}{row}{{ note: x }} }}\n")),
                (
                    "given",
                    &format!(
                        "params: {{ who: {{ type: string, personal: true }} }}\n{USES}{row}{{ note: \"{{{{ params.who }}}}\" }} }}\n"
                    ),
                ),
                (
                    "free",
                    &format!(
                        "params: {{ who: {{ type: string, personal: true }} }}\n{USES}steps:\n- sql: {{ db: shop, sql: \"update orders set token = {{{{ params.who }}}} where id = 1\", touches: 1 }}\n  repeatable: a test\n  irreversible: a test\n"
                    ),
                ),
                (
                    "cast",
                    &format!(
                        "params: {{ who: {{ type: string, personal: true }} }}\n{USES}preconditions:\n- id: o\n  query: {{ db: shop, sql: \"select cast({{{{ params.who }}}} as text)::date as n from orders\", expect: one }}\nsteps: []\n"
                    ),
                ),
                (
                    "people",
                    &format!(
                        "params: {{ file: {{ type: file, format: csv }} }}\n{USES}targets:\n  from: {{ csv: \"{{{{ params.file }}}}\", columns: {{ id: int, email: {{ type: string, personal: true }} }} }}\n  key: id\n\
                         steps:\n- row: {{ table: shop.orders, key: {{ id: \"{{{{ item.id }}}}\" }}, set: {{ token: \"{{{{ item.email }}}}\" }} }}\n"
                    ),
                ),
            ],
        );
        fs::write(desk.folder.path().join("p.csv"), "id,email\n1,jane.doe@example.org\n").unwrap();
        for (book, given) in [
            ("column", None),
            ("given", Some("who=Margaret Hamilton")),
            ("free", Some("who=Katherine Johnson")),
            ("cast", Some("who=a\"JaneDoe1970\"b")),
            ("people", Some("file=p.csv")),
        ] {
            for words in [&["plan", book][..], &["plan", book, "--json"]] {
                let words: Vec<&str> = words.iter().copied().chain(given).collect();
                desk.run(&words, 1).await;
            }
            let mut words = vec!["apply", book, "--yes", "--reason", "a test"];
            words.extend(given);
            desk.run(&words, 1).await;
        }
        desk.run(&["plan", "people", "file=p.csv", "--out", "p.plan"], 1).await;
        let runs = desk.run(&["runs", "--json"], 0).await;
        let runs: serde_json::Value = serde_json::from_str(&runs.out).unwrap();
        for run in runs["runs"].as_array().unwrap() {
            let short = run["short"].as_str().unwrap();
            desk.run(&["show", short], 0).await;
            desk.run(&["show", short, "--json"], 0).await;
            desk.tried(&["show", short, "--items", "csv"]).await;
        }
        let all = desk.all();
        let personal =
            ["Grace Hopper", "GRACE HOPPER", "Margaret Hamilton", "Katherine Johnson", "JaneDoe1970", "jane.doe@"];
        personal.iter().for_each(|value| {
            if let Some(at) = all.find(value) {
                panic!("{value}: …{}", &all[all.floor_char_boundary(at.saturating_sub(300))..at + 20]);
            }
        });
        assert!(all.contains("cannot change (personal)"), "{all}");
        clear(&name).await;
    });
}

#[test]
fn a_plan_is_carried_out_where_the_password_is_the_name_of_the_database_too() {
    block_on(async {
        let (name, address) = database().await;
        sql(&address, &TABLES.replace("updated_at text", "updated_at timestamp")).await;
        let book =
            format!("{USES}steps:\n- row: {{ table: shop.orders, key: {{ id: 1 }}, set: {{ note: changed }} }}\n");
        let mut desk = Desk::new(SHOP, &[("DBURL", &address)], &[("one", &book)]);
        desk.run(&["plan", "one", "--out", "a.plan"], 0).await;
        desk.run(&["plan", "show", "a.plan", "--json"], 0).await;
        desk.run(&["apply", "a.plan", "--yes", "--reason", "a test"], 0).await;
        no_part_of(&name, &desk.all());
        clear(&name).await;
    });
}

/// A server that runs and has no connection left is not told as one that is not there.
#[test]
fn a_server_without_a_connection_for_this_user_is_told_as_that() {
    block_on(async {
        let (name, address) = database().await;
        sql(&address, TABLES).await;
        sql(postgres().reveal(), &format!("alter role {name} nosuperuser connection limit 0")).await;
        let playbook = format!("{USES}steps:\n- row: {{ table: shop.orders, key: {{ id: 1 }}, set: {{ note: x }} }}\n");
        let mut desk = Desk::new(SHOP, &[("DBURL", &address)], &[("note", &playbook)]);
        let came = desk.tried(&["plan", "note", "--reason", "a test"]).await;
        let said = came.said().split_whitespace().collect::<Vec<_>>().join(" ");
        for part in ["too many connections", "gives this user no more connections", "`limits.concurrency`"] {
            assert!(came.exit != Some(0) && said.contains(part), "{part}: {said}");
        }
        assert!(!said.contains("check that the server runs"), "{said}");
        clear(&name).await;
    });
}
