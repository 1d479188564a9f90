//! JSON that a database keeps and that is not read here: its keys are not changed, and it comes back byte by byte.

use crate::{
    hidden::{Desk, flat},
    servers::{block_on, mysql, postgres},
};
use sqlx::{Connection, Executor};

const MERGE: &str = "uses: { shop: { write: [docs] } }\nsteps:\n\
    - { id: merged, row: { table: shop.docs, key: { id: 1 }, set: { v: { merge: { b: 1 } } } }, irreversible: a test }\n";
const REMOVE: &str = "uses: { shop: { write: [docs] } }\nsteps:\n\
    - { id: removed, row: { table: shop.docs, key: { id: 1 }, set: { v: { remove: [b] } } }, irreversible: a test }\n";
const GONE: &str = "uses: { shop: { write: [docs] } }\nsteps:\n\
    - { id: gone, row: { table: shop.docs, key: { id: 1 }, ensure: absent } }\n";
fn desk(kind: &str, url: &str) -> Desk {
    let project = format!(
        "connections: {{ shop: {{ {kind}: {{ url: {{ secret: URL }} }}, tables: {{ docs: {{ audit: false, key: id, json: {{ v: merge_only }} }} }} }} }}\n"
    );
    Desk::new(&project, &[("URL", url)], &[("merge", MERGE), ("remove", REMOVE), ("gone", GONE)])
}

async fn is_left_alone(desk: &mut Desk) {
    for playbook in ["merge", "remove"] {
        let came = desk.run(&["apply", playbook, "--yes", "--reason", "a test"], 1).await;
        let told = flat(&came.said());
        assert!(told.contains("no JSON object: its keys cannot be changed"), "{told}");
    }
}

#[test]
fn on_postgres() {
    block_on(async {
        let (server, name) = (postgres(), format!("json_kept_{}", std::process::id()));
        let mut admin = sqlx::PgConnection::connect(server.reveal()).await.unwrap();
        admin.execute(sqlx::AssertSqlSafe(format!("create database {name}"))).await.unwrap();
        let mut url = url::Url::parse(server.reveal()).unwrap();
        url.set_path(&name);
        let mut own = sqlx::PgConnection::connect(url.as_str()).await.unwrap();
        own.execute("create table docs (id integer primary key, v json)").await.unwrap();
        let deep = format!("{}1{}", "[".repeat(130), "]".repeat(130));
        for text in [r#"{"keep":1,"s":"\ud800"}"#, r#"{"keep":1,"a":1e400}"#, &deep, "[1,2]"] {
            own.execute("truncate docs").await.unwrap();
            let insert = sqlx::query("insert into docs values (1, $1::text::json)").bind(text);
            insert.execute(&mut own).await.unwrap();
            let mut desk = desk("postgres", url.as_str());
            is_left_alone(&mut desk).await;
            desk.run(&["apply", "gone", "--yes", "--reason", "a test"], 0).await;
            let run = desk.last_run().await;
            desk.run(&["undo", &run, "--yes", "--reason", "a test"], 0).await;
            let now: (String,) = sqlx::query_as("select v::text from docs").fetch_one(&mut own).await.unwrap();
            assert_eq!(now.0, text);
        }
        own.close().await.unwrap();
        admin.execute(sqlx::AssertSqlSafe(format!("drop database {name} with (force)"))).await.unwrap();
    });
}

#[test]
fn on_mariadb() {
    block_on(async {
        let (server, name) = (mysql(), format!("json_kept_{}", std::process::id()));
        let mut admin = sqlx::MySqlConnection::connect(server.reveal()).await.unwrap();
        admin.execute(sqlx::AssertSqlSafe(format!("create database {name}"))).await.unwrap();
        let mut url = url::Url::parse(server.reveal()).unwrap();
        url.set_path(&name);
        let mut own = sqlx::MySqlConnection::connect(url.as_str()).await.unwrap();
        own.execute("create table docs (id integer primary key, v json)").await.unwrap();
        let text = r#"{"keep":1,"a":1e400}"#;
        sqlx::query("insert into docs values (1, ?)").bind(text).execute(&mut own).await.unwrap();
        let mut desk = desk("mysql", url.as_str());
        is_left_alone(&mut desk).await;
        let now: (String,) = sqlx::query_as("select cast(v as char) from docs").fetch_one(&mut own).await.unwrap();
        assert_eq!(now.0, text);
        own.close().await.unwrap();
        admin.execute(sqlx::AssertSqlSafe(format!("drop database {name}"))).await.unwrap();
    });
}
