//! What the journal and the ledger cost: `scripts/with-postgres cargo bench --bench trust`.
//!
//! The work of docs/performance.md, one record a run, many runs in flight: a guarded change of three columns with its audit row,
//! preconditions before and verification after, planned first and not timed. The same N runs with journal and ledger, with
//! either, and with neither: a journal in memory (/dev/shm) costs no sync, which is as far off as it can be switched.
//! Prints a table; nothing is asserted. The figures stand in `docs/performance.md`.
#![allow(clippy::print_stdout, clippy::unwrap_used, clippy::expect_used)]

use futures_util::{StreamExt, stream};
use std::{collections::HashMap, path::Path, sync::Arc, sync::atomic::AtomicBool, time::Instant};
use trueup::{
    base::{identity::RunId, value::Value, world::World},
    connection::database::Database,
    engine::setting::{RunFacts, Setting},
    ops::{self, Surroundings, plan::Request},
    plan::Plan,
};

/// Records of each variant.
const RUNS: usize = 400;
/// Runs in flight.
const WIDTHS: [usize; 2] = [1, 8];
/// Each variant is measured so often, in turns; the median counts.
const ROUNDS: usize = 3;

fn main() {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    runtime.block_on(measure());
}

async fn measure() {
    let admin = std::env::var("TRUEUP_TEST_POSTGRES").expect("run it under scripts/with-postgres");
    let name = format!("trueup_trust_{}", std::process::id());
    sql(&admin, &format!("create database {name}")).await;
    let url = format!("{}/{name}", admin.rsplit_once('/').unwrap().0);
    sql(&url, include_str!("../examples/register/tables.postgres.sql")).await;
    let memory = Path::new("/dev/shm").is_dir();
    println!("{RUNS} runs of one record, PostgreSQL over TCP, {ROUNDS} rounds in turns, medians");
    println!("{:>9} {:>10} {:>8} {:>10} {:>12}", "in flight", "journal", "ledger", "runs/s", "of the last");
    for width in WIDTHS {
        let variants = [("on disk", true), ("on disk", false), ("in memory", true), ("in memory", false)];
        let mut rates: Vec<Vec<f64>> = vec![Vec::new(); variants.len()];
        for _ in 0..ROUNDS {
            for (rates, (journal, ledger)) in rates.iter_mut().zip(variants) {
                let base = if journal == "in memory" && memory { Path::new("/dev/shm") } else { Path::new(".") };
                let home = tempfile::tempdir_in(base).unwrap();
                rates.push(rate(home.path(), &url, ledger, width).await);
            }
        }
        let medians: Vec<f64> = rates.iter_mut().map(|all| median(all)).collect();
        for ((journal, ledger), rate) in variants.into_iter().zip(&medians) {
            let (ledger, share) = (if ledger { "on" } else { "off" }, rate / medians.last().unwrap());
            println!("{width:>9} {journal:>10} {ledger:>8} {rate:>10.0} {share:>12.2}");
        }
    }
    sql(&admin, &format!("drop database {name} with (force)")).await;
}

/// Runs a second, of `RUNS` runs that are planned already.
async fn rate(home: &Path, url: &str, ledger: bool, width: usize) -> f64 {
    let rows = "truncate trainees restart identity cascade; truncate audits; \
        insert into providers (id, name, code, created_at, updated_at) select 1, 'P', 'P1', now(), now() \
          where not exists (select 1 from providers where id = 1)";
    sql(url, rows).await;
    sql(url, &fill()).await;
    std::fs::create_dir_all(home.join("playbooks")).unwrap();
    std::fs::write(home.join("trueup.yaml"), project(ledger)).unwrap();
    std::fs::write(home.join("playbooks/clear.yaml"), PLAYBOOK).unwrap();
    let given = url.to_owned();
    let here = Surroundings {
        world: World::real(),
        variable: Arc::new(move |name| (name == "URL").then(|| given.clone())),
        folder: home.to_owned(),
        masks: Default::default(),
        reached: Default::default(),
        notes: Default::default(),
        played: Default::default(),
        trace: Default::default(),
        witness: Default::default(),
        workers: Default::default(),
        given_again: Default::default(),
    };
    let opened = ops::project::open(&here, None).unwrap_or_else(|f| panic!("{f:?}"));
    if ledger {
        ops::prepare::prepare(&here, &opened, None, "register").await.unwrap_or_else(|f| panic!("{f:?}"));
    }
    let loaded = ops::playbook::load(&here, &opened, "clear").unwrap_or_else(|f| panic!("{f:?}"));
    let checked = loaded.checked;
    let databases = ops::plan::databases(&here, &opened, "bench").unwrap();
    let record = ops::record::open(&here, &opened).await.unwrap();
    let setting = |id: usize| -> Setting {
        let facts = RunFacts {
            id: RunId(here.world.id()),
            actor: "bench".into(),
            reason: "bench".into(),
            now: here.world.now(),
        };
        let params = [(Arc::from("id"), Value::from(i64::try_from(id).unwrap()))].into_iter().collect();
        let databases: HashMap<Arc<str>, Database> = databases.clone();
        Setting::new(checked.clone(), "bench".into(), databases, HashMap::new(), here.world.clone(), facts, params)
    };
    let request = Request::default();
    let planned: Vec<(Setting, Plan)> = stream::iter(1..=RUNS)
        .map(|id| (setting(id), &request))
        .map(async |(setting, request)| {
            let plan = ops::plan::plan(&setting, request, &|_| {}).await.unwrap_or_else(|f| panic!("{f:?}"));
            (setting, plan)
        })
        .buffer_unordered(width)
        .collect()
        .await;
    let started = Instant::now();
    let stop = AtomicBool::new(false);
    let done = stream::iter(&planned)
        .map(|(setting, plan)| async {
            let carried = ops::apply::apply(&here, &record, &opened, setting, plan, &|_| {}, &stop).await;
            carried.unwrap_or_else(|f| panic!("{f:?}")).state.end()
        })
        .buffer_unordered(width)
        .filter(|end| std::future::ready(end.word() == "changed"))
        .count()
        .await;
    let rate = RUNS as f64 / started.elapsed().as_secs_f64();
    assert_eq!(done, RUNS, "every run changes its record");
    rate
}

fn median(all: &mut [f64]) -> f64 {
    all.sort_by(f64::total_cmp);
    all[all.len() / 2]
}

async fn sql(url: &str, text: &str) {
    let done = tokio::process::Command::new("psql").args(["-qAtX", "-v", "ON_ERROR_STOP=1", url, "-c", text]).output();
    let done = done.await.unwrap();
    assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
}

fn fill() -> String {
    format!(
        "insert into trainees (id, slug, state, training_route, provider_id, recommended_for_award_at, outcome_date, created_at, updated_at) \
         select n, lpad(n::text, 24, 'a'), 3, 0, 1, now(), current_date, now(), now() from generate_series(1, {RUNS}) n"
    )
}

fn project(ledger: bool) -> String {
    include_str!("cold/trueup.yaml")
        .replace("  sqlite: {}\n  postgres: {}\n", "  bench: {}\n")
        .replace(
            "    sqlite: { path: register.db }\n    per_environment:\n      postgres:\n        postgres: {",
            "    postgres: {",
        )
        .replace("TRUEUP_BENCH_URL", "URL")
        .replace("    tables:\n", &format!("    ledger: {ledger}\n    tables:\n"))
}

const PLAYBOOK: &str = r#"
trueup: v1
name: clear
version: 1
title: One record
params:
  id: { type: int }
uses:
  register: { read: [trainees], write: [trainees, audits] }
preconditions:
  - id: trainee
    find: { table: register.trainees, where: { id: "{{ params.id }}" }, expect: one }
  - assert: trainee.state == 'recommended_for_award'
    otherwise: "The trainee is {{ trainee.state }}."
steps:
  - id: clear
    row:
      of: trainee
      only_if: { state: recommended_for_award }
      set: { state: trn_received }
      clear: [recommended_for_award_at, outcome_date]
verification:
  - id: after
    find: { table: register.trainees, where: { id: "{{ params.id }}" }, expect: one }
    is: after.state == 'trn_received'
    otherwise: "The trainee is {{ after.state }} after the change."
"#;
