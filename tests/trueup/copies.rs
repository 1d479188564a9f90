//! `read_url` at a copy that is behind: a run that changes waits for it, and is not told what was some time ago. Real copies, kept behind by
//! their own settings.

use crate::{
    hidden::{Desk, flat},
    servers::block_on,
};
use sqlx::{AssertSqlSafe, Connection, Executor, MySqlConnection, PgConnection};
use std::{
    io::{BufRead, BufReader},
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

const BOOK: &str = "uses: { shop: { read: [things], write: [things] } }
preconditions:
- id: thing
  find: { table: shop.things, where: { id: 1 }, expect: one }
steps:
- id: paid
  row: { table: shop.things, key: { id: \"{{ thing.id }}\" }, set: { state: \"{{ params.state }}\" } }
verification:
- id: found
  find: { table: shop.things, where: { id: 1 }, expect: one }
- assert: found.state == params.state
params:
  state: { type: string }
";

/// Many of them, in sets.
const ALL: &str = "uses: { shop: { read: [things], write: [things] } }
targets: { from: { find: { table: shop.things } } }
steps:
- id: paid
  row: { table: shop.things, key: { id: \"{{ item.id }}\" }, set: { state: all } }
verification:
- id: found
  find: { table: shop.things, where: { id: \"{{ item.id }}\" }, expect: one }
- assert: found.state == 'all'
";

const ROWS: &str = "insert into things values (1, 'new'), (2, 'new'), (3, 'new'), (4, 'new')";
const TABLE: &str = "create table things (id integer primary key, state varchar(20))";

/// A server and a copy of it, until this is dropped.
struct Pair {
    script: Child,
    urls: [String; 2],
}

impl Pair {
    fn of(script: &str, variable: &str) -> Pair {
        let mut script = Command::new(concat!(env!("CARGO_MANIFEST_DIR"), "/scripts/").to_owned() + script)
            .args(["bash", "-c", &format!("printf '%s\\n' \"${variable}\" \"${variable}_COPY\"; read -r _")])
            .env("TRUEUP_TEST_COPY", "yes")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(script.stdout.take().unwrap()).lines();
        let urls = [(); 2].map(|()| lines.next().expect("the servers did not start").unwrap());
        Pair { script, urls }
    }

    fn desk(&self, kind: &str, timeout: &str) -> Desk {
        let project = format!(
            "connections: {{ shop: {{ {kind}: {{ url: {{ secret: URL }}, read_url: {{ secret: COPY }}, statement_timeout: {timeout} }}, \
             tables: {{ things: {{ audit: false, key: id }} }} }} }}\n"
        );
        Desk::new(&project, &[("URL", &self.urls[0]), ("COPY", &self.urls[1])], &[("pay", BOOK), ("all", ALL)])
    }
}

impl Drop for Pair {
    fn drop(&mut self) {
        drop(self.script.stdin.take());
        self.script.wait().ok();
    }
}

/// From now on the copy does what it is told, so much later.
#[derive(Clone, Copy)]
enum Later {
    AtOnce,
    Soon,
    Never,
}

async fn waits_for_its_copy(
    desk: impl Fn(&str) -> Desk,
    mut later: impl AsyncFnMut(Later),
    mut state: impl AsyncFnMut() -> String,
) {
    later(Later::Soon).await;
    let begun = Instant::now();
    let came = desk("15s").run(&["apply", "pay", "state=paid", "--yes", "--reason", "a test"], 0).await;
    assert!(came.out.contains("Done: changed and verified."), "{}", came.said());
    assert!(begun.elapsed() > Duration::from_millis(900), "nothing was behind: {:?}", begun.elapsed());
    let came = desk("15s").run(&["apply", "all", "--yes", "--reason", "a test"], 0).await;
    assert!(came.out.contains("Done: 4 changed (4 items)."), "{}", came.said());
    assert_eq!(state().await, "all");
    later(Later::Never).await;
    let mut desk = desk("2s");
    let came = desk.run(&["apply", "pay", "state=sent", "--yes", "--reason", "a test"], 4).await;
    let told = flat(&came.out);
    for words in
        ["Paused between two steps: `shop`: ", "is a copy, and after 1 s it does not show yet what was committed"]
    {
        assert!(told.contains(words), "{}", came.said());
    }
    assert_eq!(state().await, "sent", "what was changed stays");
    later(Later::AtOnce).await;
    let run = desk.last_run().await;
    let came = desk.run(&["resume", &run], 0).await;
    assert!(came.out.contains("Done: changed and verified."), "{}", came.said());
}

#[test]
fn a_standby_of_postgres_is_waited_for() {
    block_on(async {
        let pair = Pair::of("with-postgres", "TRUEUP_TEST_POSTGRES");
        let mut own = PgConnection::connect(&pair.urls[0]).await.unwrap();
        let mut copy = PgConnection::connect(&pair.urls[1]).await.unwrap();
        // Its commits would be behind as well.
        own.execute("alter system set autovacuum = off").await.unwrap();
        own.execute("select pg_reload_conf()").await.unwrap();
        own.execute(TABLE).await.unwrap();
        own.execute(ROWS).await.unwrap();
        while !copy.execute("select from things").await.is_ok_and(|done| done.rows_affected() == 4) {}
        let later = async |later| {
            let delay = match later {
                Later::AtOnce => "0",
                Later::Soon => "1s",
                Later::Never => "1h",
            };
            copy.execute(AssertSqlSafe(format!("alter system set recovery_min_apply_delay = '{delay}'")))
                .await
                .unwrap();
            copy.execute("select pg_reload_conf()").await.unwrap();
            // The server's processes hear of it one after the other.
            let told = format!(
                "select from pg_settings where name = 'recovery_min_apply_delay' and current_setting(name) = '{delay}'"
            );
            while copy.execute(AssertSqlSafe(told.clone())).await.unwrap().rows_affected() == 0 {}
        };
        let state =
            async || sqlx::query_scalar("select state from things where id = 1").fetch_one(&mut own).await.unwrap();
        waits_for_its_copy(|timeout| pair.desk("postgres", timeout), later, state).await;
    });
}

#[test]
fn a_replica_of_mariadb_is_waited_for() {
    block_on(async {
        let mut pair = Pair::of("with-mysql", "TRUEUP_TEST_MYSQL");
        let mut urls = pair.urls.clone().map(|url| url::Url::parse(&url).unwrap());
        let mut own = MySqlConnection::connect(urls[0].as_str()).await.unwrap();
        let mut copy = MySqlConnection::connect(urls[1].as_str()).await.unwrap();
        own.execute("create database shop").await.unwrap();
        own.execute("use shop").await.unwrap();
        own.execute(TABLE).await.unwrap();
        own.execute(ROWS).await.unwrap();
        urls.iter_mut().for_each(|url| url.set_path("/shop"));
        pair.urls = urls.map(|url| url.to_string());
        let later = async |later| {
            let delay = match later {
                Later::AtOnce => 0,
                Later::Soon => 2,
                Later::Never => 3600,
            };
            let caught_up: (String,) =
                sqlx::query_as("select @@global.gtid_binlog_pos").fetch_one(&mut own).await.unwrap();
            let wait = format!("select master_gtid_wait('{}', 10)", caught_up.0);
            if !matches!(later, Later::AtOnce) {
                copy.execute(AssertSqlSafe(wait)).await.unwrap();
            }
            let change = format!("stop slave; change master to master_delay = {delay}; start slave");
            copy.execute(AssertSqlSafe(change)).await.unwrap();
        };
        let mut look = MySqlConnection::connect(&pair.urls[0]).await.unwrap();
        let state =
            async || sqlx::query_scalar("select state from things where id = 1").fetch_one(&mut look).await.unwrap();
        waits_for_its_copy(|timeout| pair.desk("mysql", timeout), later, state).await;
    });
}
