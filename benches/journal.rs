//! How fast the journal takes and gives: `cargo bench --bench journal` (with `TRUEUP_TEST_POSTGRES` also on that server).
//!
//! Prints a table; nothing is asserted. The figures stand in `docs/design/journal.md`.
#![allow(clippy::print_stdout, clippy::unwrap_used, clippy::expect_used)]

use futures_util::StreamExt;
use std::{
    path::Path,
    sync::{Arc, Mutex},
    time::{Duration, Instant},
};
use trueup::{
    base::{
        identity::{EffectId, RunId},
        seal::Sealer,
        secret::Masks,
        source::Span,
        value::{Map, Value},
        world::World,
    },
    connection::{
        PostgresAddress,
        reference::{Reference, Secrets, Setting, Source},
    },
    effect::{
        change::{RowChange, TableName},
        kept::Kept,
        label::Label,
    },
    engine::{
        fleet::{coming, roll::Roll},
        state::RunState,
    },
    journal::{
        Journal,
        event::Event,
        payload::*,
        words::{End, Outcome},
    },
    plan::{Effect, Foreseen, ItemPlan, Section, StepPlan, stored},
};

fn main() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let only = std::env::args().nth(1).filter(|word| !word.starts_with('-'));
        let wanted = |name: &str| only.as_deref().is_none_or(|only| only == name);
        if wanted("append") {
            appends().await;
        }
        if wanted("read") {
            reads().await;
        }
        if wanted("resume") {
            resumes().await;
        }
    });
}

fn sealer(home: &Path) -> Sealer {
    Sealer::open_or_create(&home.join("seal.key"), Masks::default()).unwrap()
}

async fn in_file(home: &Path) -> Journal {
    Journal::open(&home.join("journal.db"), World::real(), sealer(home)).await.unwrap()
}

/// In the database that the variable names; its schema `trueup_journal` must not be there yet or be a journal.
async fn on_server(home: &Path) -> Option<Journal> {
    let url = std::env::var("TRUEUP_BENCH_POSTGRES").ok()?;
    let (variable, masks) = (|_: &str| Some(url.clone()), Masks::default());
    let reference = Reference { source: Source::Variable("URL".into()), at: Span::default() };
    let secrets = Secrets { variable: &variable, folder: home, masks: &masks };
    let address = PostgresAddress::resolve(&Setting::Secret(reference), secrets).unwrap();
    Some(Journal::connect(address, World::real(), sealer(home)).await.unwrap())
}

async fn appends() {
    println!("| store | callers | appends | appends/s | p50 ms |\n|---|---|---|---|---|");
    let home = tempfile::tempdir().unwrap();
    appends_to("SQLite", Arc::new(in_file(home.path()).await)).await;
    if let Some(journal) = on_server(home.path()).await {
        appends_to("PostgreSQL", Arc::new(journal)).await;
    }
}

async fn appends_to(store: &str, journal: Arc<Journal>) {
    for callers in [1_u32, 4, 32, 128] {
        let runs: Vec<RunId> = (0..callers).map(|_| RunId(World::real().id())).collect();
        for run in &runs {
            journal.append(*run, &[created()]).await.unwrap();
        }
        let until = Instant::now() + Duration::from_secs(3);
        let times: Arc<Mutex<Vec<Duration>>> = Arc::default();
        let work = |run: RunId| {
            let (journal, times) = (journal.clone(), times.clone());
            async move {
                let mut n = 0;
                while Instant::now() < until {
                    let began = Instant::now();
                    journal.append(run, &[attempt(run, n)]).await.unwrap();
                    times.lock().unwrap().push(began.elapsed());
                    n += 1;
                }
            }
        };
        let began = Instant::now();
        let tasks: Vec<_> = runs.iter().map(|run| tokio::spawn(work(*run))).collect();
        for task in tasks {
            task.await.unwrap();
        }
        let took = began.elapsed();
        let mut times = std::mem::take(&mut *times.lock().unwrap());
        times.sort_unstable();
        let rate = times.len() as f64 / took.as_secs_f64();
        let p50 = times[times.len() / 2].as_secs_f64() * 1000.0;
        println!("| {store} | {callers} | {} | {rate:.0} | {p50:.2} |", times.len());
    }
}

async fn reads() {
    println!(
        "\n| store | run | events | bytes of payloads | read and verified s | folded s | verify s |\n|---|---|---|---|---|---|---|"
    );
    let home = tempfile::tempdir().unwrap();
    reads_of("SQLite", in_file(home.path()).await).await;
    if let Some(journal) = on_server(home.path()).await {
        reads_of("PostgreSQL", journal).await;
    }
}

async fn reads_of(store: &str, journal: Journal) {
    const ITEMS: usize = 100_000;
    for (name, chunk) in [("100 000 items, 500 in each event", 500), ("100 000 items, each event for one", 1)] {
        let run = RunId(World::real().id());
        journal.append(run, &[created()]).await.unwrap();
        let (mut bytes, mut group) = (0, Vec::new());
        for first in (0..ITEMS).step_by(chunk) {
            group.extend(events(run, first..first + chunk));
            if group.len() > 4000 || first + chunk >= ITEMS {
                bytes +=
                    group.iter().map(|e| e.encode(World::real().now(), journal.sealer()).unwrap().len()).sum::<usize>();
                journal.append(run, &group).await.unwrap();
                group.clear();
            }
        }
        let began = Instant::now();
        let events = journal.events(run).await.unwrap();
        let read = began.elapsed();
        let count = events.len();
        let state = RunState::of(events.into_iter().map(|e| (e.at, e.event)));
        let folded = began.elapsed();
        assert_eq!(state.items.len(), ITEMS);
        let began = Instant::now();
        assert!(journal.verify(None).await.unwrap().findings.is_empty());
        let (read, folded, verified) = (read.as_secs_f64(), folded.as_secs_f64(), began.elapsed().as_secs_f64());
        println!("| {store} | {name} | {count} | {} MB | {read:.2} | {folded:.2} | {verified:.2} |", bytes / 1_000_000);
    }
}

/// How long it takes until a run over many items has its first item at hand, and what that holds; beside it what reading the
/// whole run takes and holds.
async fn resumes() {
    println!(
        "\n| a run of so many items | over | events | bytes of payloads | first item at hand s | peak MiB | taken apart | whole run read s | peak MiB |"
    );
    println!("|---|---|---|---|---|---|---|---|---|");
    let home = tempfile::tempdir().unwrap();
    let journal = in_file(home.path()).await;
    for (items, over) in [(100_000, 5_000), (100_000, 50_000), (100_000, 99_000), (1_000_000, 5_000)] {
        let run = RunId(World::real().id());
        journal.append(run, &[created()]).await.unwrap();
        let mut bytes = 0;
        let mut group: Vec<Event> = Vec::new();
        let listed = (0..items).step_by(200).map(|first| {
            let started = |n: usize| StartedItem {
                item: item(n),
                key: None,
                plan: Some(Kept::Value(stored::store(&planned(n)))),
                drifted: None,
            };
            Event::from(ItemStarted { items: (first..first + 200).map(started).collect() })
        });
        let done = (0..over).flat_map(|n| events(run, n..n + 1).into_iter().skip(1));
        // The last one was under way.
        let under_way = events(run, over..over + 1).into_iter().skip(1).take(3);
        for event in listed.chain(done).chain(under_way) {
            bytes += event.encode(World::real().now(), journal.sealer()).unwrap().len();
            group.push(event);
            if group.len() > 400 {
                journal.append(run, &std::mem::take(&mut group)).await.unwrap();
            }
        }
        journal.append(run, &group).await.unwrap();
        forget_peak();
        let (began, before) = (Instant::now(), journal.decoded());
        let roll = Roll::read(&journal, run).await.unwrap();
        let state = roll.standing(&journal).await.unwrap();
        assert_eq!(state.items.len(), 1);
        let mut coming = coming::coming(&journal, run, Arc::new(roll), state.items);
        let first = coming.next().await.unwrap().unwrap();
        assert_eq!((&*first.plan.key, first.state.steps.len()), (&*item(over), 2));
        let (lazy, lazy_peak, apart) = (began.elapsed().as_secs_f64(), peak(), journal.decoded() - before);
        drop((coming, first));
        forget_peak();
        let began = Instant::now();
        let whole = journal.events(run).await.unwrap();
        let count = whole.len();
        let state = RunState::of(whole.into_iter().map(|e| (e.at, e.event)));
        assert_eq!(state.items.len(), items);
        let (read, whole_peak) = (began.elapsed().as_secs_f64(), peak());
        println!(
            "| {items} | {over} | {count} | {} MB | {lazy:.2} | {lazy_peak} | {apart} | {read:.2} | {whole_peak} |",
            bytes / 1_000_000
        );
    }
}

fn planned(n: usize) -> ItemPlan {
    let step = StepPlan {
        section: Section::Steps,
        path: "steps/put_right".into(),
        kind: "row",
        title: None,
        label: Label::Exact,
        foreseen: Foreseen::Changes,
        effects: vec![Effect::Rows { changes: vec![change(n)], also: Vec::new() }],
        notes: Vec::new(),
        undo: None,
        at: Span::default(),
    };
    let row = Value::map([("id", Value::from(n as i64)), ("state", "awarded".into()), ("route", 3.into())]);
    ItemPlan { key: item(n), steps: vec![step], stop: None, rests_on: Vec::new(), item: Some(row), lane: None }
}

/// The most memory that this process held since [`forget_peak`], in MiB.
fn peak() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find(|line| line.starts_with("VmHWM")).unwrap();
    line.split_whitespace().nth(1).unwrap().parse::<u64>().unwrap() / 1024
}

fn forget_peak() {
    std::fs::write("/proc/self/clear_refs", "5").unwrap();
}

fn item(n: usize) -> Arc<str> {
    format!("{n:08}").into()
}

fn effect(run: RunId, n: usize) -> EffectId {
    EffectId { run, item: item(n), step: "steps/put_right".into(), generation: 0 }
}

fn attempt(run: RunId, n: usize) -> Event {
    let attempts = vec![Attempt { effect: effect(run, n), attempt: 1, deadline: None }];
    StepAttempt { step: "steps/put_right".into(), attempts }.into()
}

fn change(n: usize) -> RowChange {
    let row = |state: &str| -> Map {
        [("id", Value::from(n as i64)), ("state", state.into()), ("provider_id", Value::from(4))]
            .map(|(name, value)| (name.into(), value))
            .into_iter()
            .collect()
    };
    RowChange {
        table: TableName { connection: "register".into(), table: "trainees".into() },
        key: [("id".into(), Value::from(n as i64))].into_iter().collect(),
        before: Some(row("awarded")),
        after: Some(row("trn_received")),
        by_rule: false,
        stamps: vec!["updated_at".into()],
    }
}

/// What a run records of some items that are read, changed and verified.
fn events(run: RunId, items: std::ops::Range<usize>) -> Vec<Event> {
    let step: Arc<str> = "steps/put_right".into();
    let each = || items.clone();
    vec![
        ItemStarted {
            items: each().map(|n| StartedItem { item: item(n), key: None, plan: None, drifted: None }).collect(),
        }
        .into(),
        StepRead {
            step: "preconditions/trainee".into(),
            reads: each()
                .map(|n| ReadValue {
                    item: item(n),
                    request: "find register.trainees".into(),
                    request_hash: Some("h".repeat(32).into()),
                    value: Value::map([("id", Value::from(n as i64)), ("state", "awarded".into())]),
                })
                .collect(),
        }
        .into(),
        StepIntent {
            step: step.clone(),
            class: "rows".into(),
            connection: Some("register".into()),
            intents: each()
                .map(|n| Intent {
                    effect: effect(run, n),
                    shown: "row register.trainees".into(),
                    request: None,
                    request_hash: Some("h".repeat(32).into()),
                    planned: vec![change(n)],
                })
                .collect(),
        }
        .into(),
        StepAttempt {
            step: step.clone(),
            attempts: each().map(|n| Attempt { effect: effect(run, n), attempt: 1, deadline: None }).collect(),
        }
        .into(),
        StepImages {
            step: step.clone(),
            images: each()
                .map(|n| Images {
                    effect: effect(run, n),
                    changes: vec![change(n)],
                    also_touched: Vec::new(),
                    also_added: Vec::new(),
                })
                .collect(),
        }
        .into(),
        StepOutcome {
            step,
            outcomes: each()
                .map(|n| ItemOutcome {
                    item: item(n),
                    generation: 0,
                    outcome: Outcome::Done,
                    value: None,
                    message: None,
                    response: None,
                    micros: 900,
                    ends: None,
                    error: None,
                })
                .collect(),
        }
        .into(),
        ItemVerified { items: each().map(item).collect() }.into(),
        ItemClosed { items: each().map(|n| ClosedItem { item: item(n), end: End::Changed, reason: None }).collect() }
            .into(),
    ]
}

fn created() -> Event {
    RunCreated {
        playbook: "register/put-right".into(),
        version: 1,
        text: "trueup: v1".into(),
        sha256: "0".repeat(64).into(),
        called: Vec::new(),
        facts: "trueup: v1".into(),
        params: Map::default(),
        purpose: "apply".into(),
        about: None,
        reason: "a measurement".into(),
        actor: "bench".into(),
        environment: "sandbox".into(),
        now: World::real().now(),
        plan_digest: None,
        plan_id: None,
        plan: None,
        plan_summary: None,
        engine: "bench".into(),
        targets: Vec::new(),
        approvals: Vec::new(),
        secrets: None,
    }
    .into()
}
