//! Items that call an API on the way, in sets: what becomes of each is what would have become of it one by one, and no more calls are under
//! way than the playbook allows.

use super::{
    many::{Store, playbook},
    servers::{block_on, mysql, postgres, request, said},
    sets::{Go, alike, carried, cut_off, items, rows, together},
};
use std::{
    collections::BTreeMap,
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
};
use trueup::{
    engine::drive::Stopped,
    journal::{event::Event, words::End},
    ops,
    plan::{Effect, ItemPlan, StepPlan},
    trial::bench::On,
};

const STEPS: &str = r#"targets:
  from: { find: { table: shop.things, where: { state: open } } }
limits: { concurrency: 16 }
preconditions:
- id: thing
  find: { table: shop.things, where: { id: "{{ item.id }}" }, expect: one }
- assert: thing.weight is none or thing.weight < 10
  otherwise: { skip: "Too heavy." }
steps:
- id: told
  http: { api: crm, patch: "/people/{{ thing.id }}", json: { sold: true } }
  repeatable: The same twice is the same as once.
  undo: none_needed
  because: the API keeps nothing
- id: up
  row: { of: thing, only_if: { flag: false }, set: { count: "{{ thing.count + 1 }}" } }
- id: again
  http: { api: crm, patch: "/orders/{{ thing.id }}", json: { sold: true } }
  repeatable: The same twice is the same as once.
  undo: none_needed
  because: the API keeps nothing
- id: named
  row: { table: shop.things, key: { id: "{{ item.id }}" }, set: { note: "{{ again.status }}" } }
verification:
- id: after
  find: { table: shop.things, where: { id: "{{ item.id }}" }, expect: one }
  is: after.count == 1
"#;

/// What an API was asked, and how much of it at the same time.
#[derive(Default)]
struct Heard {
    asked: Mutex<BTreeMap<String, usize>>,
    now: AtomicUsize,
    most: AtomicUsize,
    /// So long an answer takes.
    latency: Duration,
}

/// An API with a mind of its own about some of the people and orders.
async fn api(heard: Arc<Heard>) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            tokio::spawn(answer(stream, heard.clone()));
        }
    });
    address
}

async fn answer(mut stream: TcpStream, heard: Arc<Heard>) {
    let mut asked = Vec::new();
    // The head, and a body of a few bytes.
    while !asked.ends_with(b"}") {
        if stream.read_buf(&mut asked).await.unwrap_or(0) == 0 {
            return;
        }
    }
    let path = String::from_utf8_lossy(&asked).split(' ').nth(1).unwrap_or_default().to_owned();
    heard.most.fetch_max(heard.now.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
    let times = {
        let mut all = heard.asked.lock().unwrap();
        let times = all.entry(path.clone()).or_default();
        *times += 1;
        *times
    };
    tokio::time::sleep(heard.latency).await;
    let id: u64 = path.rsplit('/').next().and_then(|id| id.parse().ok()).unwrap_or(0);
    let order = path.starts_with("/orders");
    let status = match id % 12 {
        3 if !order => Some("404 Not Found"),
        4 if order => Some("422 Unprocessable Content"),
        // Done, and nobody hears of it.
        5 if id.is_multiple_of(5) && order && times == 1 => None,
        _ => Some("200 OK"),
    };
    heard.now.fetch_sub(1, Ordering::SeqCst);
    if let Some(status) = status {
        let body = format!(
            "HTTP/1.1 {status}\r\ncontent-type: application/json\r\ncontent-length: 2\r\nconnection: close\r\n\r\n{{}}"
        );
        let _ = stream.write_all(body.as_bytes()).await;
    }
}

fn calling() -> String {
    let uses = "write: [things, audits] }\n";
    playbook(&[STEPS]).replace(uses, &format!("{uses}  crm: {{ methods: [PATCH] }}\n"))
}

const INSERT: &str = "insert into things (id, name, state, count, weight, flag, created_at, updated_at) values";

fn row(id: u64, weight: &str) -> String {
    format!("({id}, 'thing {id}', 1, 0, {weight}, false, '2024-01-01 00:00:00', '2024-01-01 00:00:00')")
}

async fn both_ways(on: &On, lost: bool) {
    let (heard_sets, heard_single) = (Arc::<Heard>::default(), Arc::<Heard>::default());
    let apis = [api(heard_sets.clone()).await, api(heard_single.clone()).await];
    let (sets, single) = (Store::with_api(on, &apis[0]).await, Store::with_api(on, &apis[1]).await);
    let text = calling();
    // 5 and 65 are of those whose answer is lost the first time.
    let ids: Vec<u64> = (1..=66).filter(|id| lost || id % 12 != 5).collect();
    let heavy = |id: u64| if id.is_multiple_of(7) { "20" } else { "null" };
    let values: Vec<String> = ids.iter().map(|id| row(*id, heavy(*id))).collect();
    let before = format!("{INSERT} {};", values.join(", "));
    // Meanwhile somebody else changes some of them.
    let later = "update things set flag = true where id = 8; update things set count = 70 where id = 10; delete from things where id = 20;";
    let mut seen: Vec<(String, Vec<String>, Vec<String>)> = Vec::new();
    for (store, api, one_by_one) in [(&sets, &apis[0], false), (&single, &apis[1], true)] {
        store.shop.sql(&before).await;
        let (run, carried) = carried(store, &text, later, Go::of(one_by_one)).await;
        let state = store.state(run).await;
        assert!(one_by_one || together(store, run).await > 3, "{}: nothing went together", on.word());
        let items = items(&state).into_iter().map(|line| line.replace(api, "API")).collect();
        seen.push((format!("{:?}", carried.stopped), items, rows(&store.shop).await));
        assert!(carried.many.unwrap().summary.reasons.len() > 3, "{}: hardly anything went wrong", on.word());
    }
    assert_eq!(seen[0].0, seen[1].0, "{}", on.word());
    for (what, left, right) in [("items", &seen[0].1, &seen[1].1), ("rows", &seen[0].2, &seen[1].2)] {
        alike(&format!("{}: {what}", on.word()), left, right);
    }
    let asked = |heard: &Heard| heard.asked.lock().unwrap().clone();
    assert_eq!(asked(&heard_sets), asked(&heard_single), "{}: calls", on.word());
    assert_eq!(asked(&heard_sets).values().any(|times| *times > 1), lost, "{}: lost answers", on.word());
    for heard in [heard_sets, heard_single] {
        let most = heard.most.load(Ordering::SeqCst);
        assert!((1..=16).contains(&most), "{}: {most} calls at once", on.word());
    }
    sets.shop.close().await;
    single.shop.close().await;
}

#[test]
fn items_that_call_an_api_in_sets_become_what_they_become_one_by_one() {
    block_on(async {
        both_ways(&On::Sqlite, false).await;
        both_ways(&On::Postgres(postgres()), false).await;
        both_ways(&On::Postgres(postgres()), true).await;
        both_ways(&On::Mysql(mysql()), true).await;
    });
}

#[test]
fn what_calls_goes_in_sets_only_where_that_is_worth_it() {
    block_on(async {
        let store = Store::open(&On::Sqlite, 2).await;
        let ways = [
            (calling(), "in sets of up to 32, whose calls go side by side"),
            (
                calling().replace("concurrency: 16", "concurrency: 64"),
                "in sets of up to 100, whose calls go side by side",
            ),
            (calling().replace("concurrency: 16", "concurrency: 15"), "one by one: step `told` calls an API"),
        ];
        for (text, way) in ways {
            let (_, plan) = store.plan(&text, &[]).await.unwrap_or_else(|f| panic!("{}", said(&f)));
            assert_eq!(plan.many.unwrap().goes.as_deref(), Some(way));
        }
        store.shop.close().await;
    });
}

/// What is planned, without the moments at which it was.
async fn planned(store: &Store, one_by_one: bool) -> Vec<String> {
    let record = store.record().await;
    let mut prepared = store.shop.prepare(&calling(), &[]).await.unwrap();
    ops::record::seal_with(&mut prepared.setting, &record);
    record.journal.close().await.unwrap();
    prepared.setting.one_by_one = one_by_one;
    let plan =
        ops::plan::plan(&prepared.setting, &request(&[]), &|_| {}).await.unwrap_or_else(|f| panic!("{}", said(&f)));
    let timeless = |text: String| {
        ["micros: ", "digits: "].into_iter().fold(text, |text, what| {
            let mut parts = text.split(what);
            let first = parts.next().unwrap_or_default().to_owned();
            parts.fold(first, |text, part| text + what + "…" + part.trim_start_matches(|c: char| c.is_ascii_digit()))
        })
    };
    let run = prepared.setting.run.id.to_string();
    let effect = |effect: &Effect| match effect {
        // Of audit rows that are not there yet only the database knows the numbers.
        Effect::Rows { changes, .. } => changes
            .iter()
            .map(|change| match change.by_rule {
                true => change.table.text(),
                false => format!("{} {:?} {:?}", change.table, change.key, change.differing()),
            })
            .collect::<Vec<_>>()
            .join("; "),
        other => format!("{other:?}"),
    };
    let step = |step: &StepPlan| {
        let effects: Vec<String> = step.effects.iter().map(effect).collect();
        format!("{} {:?} {:?} {:?} {:?} {effects:?}", step.path, step.label, step.foreseen, step.notes, step.undo)
    };
    let item = |item: &ItemPlan| {
        let steps: Vec<String> = item.steps.iter().map(step).collect();
        timeless(format!("{} {:?} {:?}\n{}", item.key, item.stop, item.rests_on, steps.join("\n"))).replace(&run, "RUN")
    };
    plan.items.iter().map(item).collect()
}

#[test]
fn the_preview_of_items_that_call_is_in_sets_what_it_is_one_by_one_and_sends_nothing() {
    block_on(async {
        for on in [On::Sqlite, On::Postgres(postgres()), On::Mysql(mysql())] {
            let heard = Arc::<Heard>::default();
            let store = Store::with_api(&on, &api(heard.clone()).await).await;
            let heavy = |id: u64| if id.is_multiple_of(7) { "20" } else { "null" };
            let values: Vec<String> = (1..=40).map(|id| row(id, heavy(id))).collect();
            store.shop.sql(&format!("{INSERT} {};", values.join(", "))).await;
            let (in_sets, alone) = (planned(&store, false).await, planned(&store, true).await);
            assert!(in_sets.len() >= 40 && in_sets.iter().any(|item| item.contains("Too heavy.")), "{in_sets:#?}");
            alike(on.word(), &in_sets, &alone);
            assert!(heard.asked.lock().unwrap().is_empty(), "{}: something was sent", on.word());
            store.shop.close().await;
        }
    });
}

/// Items that are already under way when it shows go on in their sets: four of them, of 32 each.
#[test]
fn where_calls_take_long_the_others_go_one_by_one() {
    block_on(async {
        let heard = Arc::new(Heard { latency: Duration::from_millis(60), ..Heard::default() });
        let store = Store::with_api(&On::Postgres(postgres()), &api(heard.clone()).await).await;
        let ids: Vec<u64> = (1..).filter(|id| !(3..=5).contains(&(id % 12))).take(300).collect();
        let values: Vec<String> = ids.iter().map(|id| row(*id, "null")).collect();
        store.shop.sql(&format!("{INSERT} {};", values.join(", "))).await;
        let (run, carried) = carried(&store, &calling(), "", Go::InSets).await;
        assert_eq!(carried.stopped, Stopped::Closed(End::Changed));
        let record = store.record().await;
        let events = record.journal.events(run).await.unwrap();
        record.journal.close().await.unwrap();
        let of_sets = events.iter().filter_map(|stored| match &stored.event {
            Event::StepImages(images) if images.step.ends_with("/up") => Some(images.images.len()),
            _ => None,
        });
        let (alone, together): (Vec<usize>, Vec<usize>) = of_sets.partition(|count| *count == 1);
        let together = together.into_iter().sum::<usize>();
        assert!((96..=7 * 32).contains(&together), "{together} items went together, {} alone", alone.len());
        assert_eq!(alone.len() + together, ids.len());
        assert_eq!(heard.asked.lock().unwrap().values().sum::<usize>(), 2 * ids.len());
        store.shop.close().await;
    });
}

/// Wherever it is cut off, each change is there once in the end, and a call is sent again only where its answer was not recorded.
async fn cut_anywhere(on: &On) {
    let heard = Arc::<Heard>::default();
    let store = Store::with_api(on, &api(heard.clone()).await).await;
    let text = calling();
    // Those about whom the API has nothing to say.
    let ids: Vec<u64> = (1..=32).filter(|id| !(3..=5).contains(&(id % 12))).collect();
    let values: Vec<String> = ids.iter().map(|id| row(*id, "null")).collect();
    let (mut fell, mut again) = (0, 0);
    // First to its end, which tells at which boundaries it can be cut off: before each COMMIT of the journal, and here and there.
    let mut cuts = vec![u64::MAX];
    while let Some(at) = cuts.pop() {
        store.shop.sql(&format!("delete from things; delete from audits; {INSERT} {};", values.join(", "))).await;
        heard.asked.lock().unwrap().clear();
        let (fallen, run, reached) = cut_off(&store, &text, at, Go::InSets);
        let run = run.unwrap();
        let place = format!("{}: cut off at {at}, {:?}", on.word(), reached.last());
        let record = store.record().await;
        let there = record.state(run).await.is_ok_and(|state| state.created.is_some());
        if there && fallen {
            record.free(run).await.unwrap();
        }
        record.journal.close().await.unwrap();
        let asked = || heard.asked.lock().unwrap().clone();
        if there {
            if fallen {
                let done = |state: &trueup::engine::state::StepState| state.outcome.is_some();
                let before = store.state(run).await;
                let known = before.items.iter().flat_map(|(key, item)| {
                    let steps = item
                        .steps
                        .iter()
                        .filter(|(path, state)| (path.ends_with("/told") || path.ends_with("/again")) && done(state));
                    steps.map(move |(path, _)| (if path.ends_with("/told") { "people" } else { "orders" }, key.clone()))
                });
                let known: Vec<String> = known.map(|(kind, key)| format!("/{kind}/{key}")).collect();
                let then = asked();
                let carried = store.resume(run).await;
                assert_eq!(carried.stopped, Stopped::Closed(End::Changed), "{place}");
                let now = asked();
                assert!(known.iter().all(|path| then[path] == now[path]), "{place}: sent again although it was known");
                again += now.values().filter(|times| **times > 1).count();
            }
            assert!(store.column("count").await.iter().all(|n| n == "1"), "{place}");
            assert_eq!(asked().len(), 2 * ids.len(), "{place}: not all were told");
            assert!(asked().values().all(|times| *times <= 2), "{place}: {:?}", asked());
        }
        if !fallen {
            assert!(together(&store, run).await >= 8, "{place}: nothing went together");
            let wanted = (1..).zip(&reached).filter(|(n, name)| name.contains("journal's COMMIT") || n % 8 == 0);
            cuts.extend(wanted.map(|(n, _)| n).filter(|_| at == u64::MAX));
        }
        fell += u32::from(fallen);
    }
    assert!(fell >= 6, "{}: it fell {fell} times", on.word());
    assert!(again >= 6, "{}: {again} calls were sent again", on.word());
    store.shop.close().await;
}

// Two tests, because each waits for most of its time.
#[test]
fn a_run_whose_sets_call_an_api_is_cut_off_anywhere_and_nothing_is_done_twice_on_sqlite() {
    block_on(cut_anywhere(&On::Sqlite));
}

#[test]
fn a_run_whose_sets_call_an_api_is_cut_off_anywhere_and_nothing_is_done_twice_on_postgres() {
    block_on(cut_anywhere(&On::Postgres(postgres())));
}
