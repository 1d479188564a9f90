//! Statements that only a probe can tell of. A COMMIT whose answer was lost may still be on its way, and another address may show what was some time
//! ago: neither makes a second write.

use crate::{
    hidden::Desk,
    proof::proxy::Proxy,
    servers::{block_on, mysql, postgres},
};
use sqlx::{Connection, Executor};
use std::time::Duration;

const BOOK: &str = "uses: { shop: { read: [notes], write: [notes] } }
steps:
- id: note
  sql: { db: shop, sql: \"insert into notes (what) values ('x')\", touches: 1 }
  irreversible: a note stays
  probe:
    read: { query: { db: shop, sql: \"select count(*) as n from notes where what = 'x'\" } }
    done: self.n > 0
    not_done: self.n == 0
";

/// Longer than the three answers of a probe take, shorter than a lock is waited for.
const LATE: Duration = Duration::from_secs(4);

fn project(kind: &str, read: &str) -> String {
    format!(
        "connections: {{ shop: {{ {kind}: {{ url: {{ secret: URL }}{read} }}, tables: {{ notes: {{ audit: false, key: id }} }} }} }}\n"
    )
}

/// The first COMMIT arrives when the probe was asked long ago.
#[test]
fn a_commit_that_arrives_late_is_no_second_write_on_postgres() {
    block_on(async {
        let (server, name) = (postgres(), format!("late_{}", std::process::id()));
        let mut admin = sqlx::PgConnection::connect(server.reveal()).await.unwrap();
        for suffix in ["", "_copy"] {
            admin.execute(sqlx::AssertSqlSafe(format!("create database {name}{suffix}"))).await.unwrap();
        }
        let (mut url, mut copy) =
            (url::Url::parse(server.reveal()).unwrap(), url::Url::parse(server.reveal()).unwrap());
        url.set_path(&name);
        copy.set_path(&format!("{name}_copy"));
        let mut own = sqlx::PgConnection::connect(url.as_str()).await.unwrap();
        let mut behind = sqlx::PgConnection::connect(copy.as_str()).await.unwrap();
        let table = "create table notes (id bigserial primary key, what text)";
        own.execute(table).await.unwrap();
        behind.execute(table).await.unwrap();
        let proxy = Proxy::before(url.as_str(), 1).await;
        // The other address is a copy that is behind: it never has the note.
        for (read, copied) in [("", false), (", read_url: { secret: COPY }", true)] {
            own.execute("truncate notes").await.unwrap();
            let variables = [("URL", &*proxy.url(url.as_str())), ("COPY", copy.as_str())];
            let mut desk = Desk::new(&project("postgres", read), &variables, &[("note", BOOK)]);
            if copied {
                proxy.plan().percent = [0, 100, 0];
            } else {
                proxy.plan().late = Some(LATE);
            }
            let came = desk.run(&["apply", "note", "--yes", "--reason", "a test"], 0).await;
            proxy.plan().percent = [0; 3];
            assert!(came.said().contains("its probe says that it was done"), "{}", came.said());
            assert!(proxy.plan().late.is_none(), "no COMMIT was late");
            let (rows,): (i64,) = sqlx::query_as("select count(*) from notes").fetch_one(&mut own).await.unwrap();
            assert_eq!(rows, 1, "{copied}");
        }
        assert_eq!(proxy.plan().cuts, [0, 1, 0]);
        own.close().await.unwrap();
        behind.close().await.unwrap();
        drop(proxy);
        for suffix in ["", "_copy"] {
            admin.execute(sqlx::AssertSqlSafe(format!("drop database {name}{suffix} with (force)"))).await.unwrap();
        }
    });
}

#[test]
fn a_commit_that_arrives_late_is_no_second_write_on_mariadb() {
    block_on(async {
        let (server, name) = (mysql(), format!("late_{}", std::process::id()));
        let mut admin = sqlx::MySqlConnection::connect(server.reveal()).await.unwrap();
        admin.execute(sqlx::AssertSqlSafe(format!("create database {name}"))).await.unwrap();
        let mut url = url::Url::parse(server.reveal()).unwrap();
        url.set_path(&name);
        let mut own = sqlx::MySqlConnection::connect(url.as_str()).await.unwrap();
        own.execute("create table notes (id bigint auto_increment primary key, what text)").await.unwrap();
        let proxy = Proxy::before(url.as_str(), 1).await;
        proxy.plan().late = Some(LATE);
        let variables = [("URL", &*proxy.url(url.as_str()))];
        let mut desk = Desk::new(&project("mysql", ""), &variables, &[("note", BOOK)]);
        let came = desk.run(&["apply", "note", "--yes", "--reason", "a test"], 0).await;
        assert!(came.said().contains("its probe says that it was done"), "{}", came.said());
        assert!(proxy.plan().late.is_none(), "no COMMIT was late");
        let (rows,): (i64,) = sqlx::query_as("select count(*) from notes").fetch_one(&mut own).await.unwrap();
        assert_eq!(rows, 1);
        own.close().await.unwrap();
        admin.execute(sqlx::AssertSqlSafe(format!("drop database {name}"))).await.unwrap();
    });
}
