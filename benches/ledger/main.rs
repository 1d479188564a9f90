//! What a claim in the ledger costs: the same change with and without it, in turn, on PostgreSQL and SQLite. Only the ratio
//! means something on a busy machine. `cargo bench --bench ledger`; needs `TRUEUP_TEST_POSTGRES`.
#![allow(clippy::unwrap_used, clippy::print_stdout, reason = "a program that measures")]

use std::{sync::Arc, time::Instant};
use trueup::{
    base::{
        diagnostic::Diagnostics,
        secret::Masks,
        shape::{FromNode, Lowering},
        source::Source,
        value::{Map, Value},
        yaml,
    },
    connection::{
        database::Database,
        ledger::{Claimed, Entry},
        reference::Secrets,
        sandbox,
        settings::Connection,
        statement::SetTo,
    },
};

const TABLE: &str = "create table things (id integer primary key, count integer); insert into things values (1, 0);";
const ROUNDS: u64 = 300;

fn configure(text: &str, url: &str, folder: &std::path::Path) -> Database {
    let source = Source::new("bench", text);
    let mut problems = Diagnostics::new(source.clone());
    let node = yaml::parse(&source, yaml::LIMITS, &mut problems).unwrap();
    let connection = Connection::from_node(&node, &mut Lowering::new(&mut problems)).unwrap();
    let (variable, masks) = (|name: &str| (name == "URL").then(|| url.to_owned()), Masks::default());
    Database::configure("db", &connection, None, Secrets { variable: &variable, folder, masks: &masks })
        .unwrap()
        .unwrap()
}

/// One change as a step makes it: begin, claim, lock and read, change, read again, COMMIT. In microseconds.
async fn change(database: &Database, round: u64, ledger: bool) -> u64 {
    let begun = Instant::now();
    let mut writing = database.writing().await.unwrap();
    if ledger {
        // A run of its own for each change, as for a playbook of one record: the dearest case.
        let run = format!("01900000-0000-7000-8000-{round:012x}");
        let effect = format!("{run}/-/steps%2Fcount/0");
        let entry = Entry { effect, run, fence: 1, request: "0".repeat(64), journal: "journal".into() };
        assert_eq!(writing.claim(&entry).await.unwrap(), Claimed::Ours);
    }
    let (columns, key): (Vec<Arc<str>>, Map) = (vec!["id".into()], Map::from_iter([("id".into(), Value::from(1))]));
    writing.lock_and_read("things", &columns, &[vec![1.into()]]).await.unwrap();
    let set = [("count".into(), SetTo::Value(i64::try_from(round).unwrap().into()))];
    assert_eq!(writing.update_by_key("things", &key, &set).await.unwrap(), 1);
    writing.lock_and_read("things", &columns, &[vec![1.into()]]).await.unwrap();
    writing.commit().await.unwrap();
    u64::try_from(begun.elapsed().as_micros()).unwrap()
}

async fn measure(name: &str, database: &Database) {
    database.prepare_ledger("bench").await.unwrap();
    let (mut with, mut without) = (Vec::new(), Vec::new());
    for round in 0..ROUNDS {
        without.push(change(database, round, false).await);
        with.push(change(database, round, true).await);
    }
    let median = |times: &mut Vec<u64>| {
        times.sort_unstable();
        times[times.len() / 2]
    };
    let (with, without) = (median(&mut with), median(&mut without));
    let more = i64::try_from(with).unwrap() - i64::try_from(without).unwrap();
    println!(
        "{name}: {without} µs without, {with} µs with a ledger: {more} µs more ({} %)",
        more * 100 / without as i64
    );
}

fn main() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let folder = tempfile::tempdir().unwrap();
        sandbox::sqlite(&folder.path().join("data.db"), &[TABLE]).await.unwrap();
        let settings = "{ sqlite: { path: data.db }, ledger: true }";
        measure("SQLite", &configure(settings, "", folder.path())).await;
        let Ok(server) = std::env::var("TRUEUP_TEST_POSTGRES") else { return };
        let name = format!("trueup_bench_ledger_{}", std::process::id());
        sandbox::postgres(&server, &[&format!("create database {name}")]).await.unwrap();
        let mut url = url::Url::parse(&server).unwrap();
        url.set_path(&name);
        sandbox::postgres(url.as_str(), &[TABLE]).await.unwrap();
        let settings = "{ postgres: { url: env:URL }, ledger: true }";
        measure("PostgreSQL", &configure(settings, url.as_str(), folder.path())).await;
        sandbox::postgres(&server, &[&format!("drop database {name} with (force)")]).await.unwrap();
    });
}
