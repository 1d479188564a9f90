//! What many items hand over to people is told once for each person and step, also when the process dies before or after the message left.

use super::{
    many::{Store, playbook},
    servers::{Shop, block_on, said},
    sets::on_a_thread_that_falls,
};
use std::sync::{Mutex, atomic::AtomicBool};
use trueup::{
    base::{identity::RunId, moment::Cut},
    engine::drive::Stopped,
    journal::words::End,
    ops,
    trial::bench::On,
};

const CHECKS: &str = "targets:\n  from: { find: { table: shop.things, where: { state: open } } }\npreconditions:\n- id: even\n  assert: item.id % 2 == 0\n  otherwise: { escalate: boss, say: \"It is odd.\" }\n- id: small\n  assert: item.id < 19\n  otherwise: { escalate: boss, say: \"Thing {{ item.id }} is too large.\" }\n";
const UP: &str = "steps:\n- id: up\n  row: { table: shop.things, key: { id: \"{{ item.id }}\" }, set: { count: 1 } }\n";

async fn open(things: u32) -> Store {
    let told = |text: String| {
        assert!(text.contains(r#""boss":{"by":"hand"}"#), "{text}");
        text.replacen(r#""boss":{"by":"hand"}"#, r#""boss":{"by":"file","to":"told.jsonl"}"#, 1)
    };
    let store = Store { shop: Shop::open(&On::Sqlite, "http://127.0.0.1:9", told).await };
    let rows: Vec<String> =
        (1..=things).map(|n| format!("({n}, 'thing {n}', 1, 0, '2024-01-01', '2024-01-01')")).collect();
    store
        .shop
        .sql(&format!("insert into things (id, name, state, count, created_at, updated_at) values {}", rows.join(", ")))
        .await;
    store
}

fn told(store: &Store) -> Vec<String> {
    let text = std::fs::read_to_string(store.shop.folder.path().join("told.jsonl")).unwrap_or_default();
    text.lines()
        .map(|line| serde_json::from_str::<serde_json::Value>(line).unwrap()["text"].as_str().unwrap().to_owned())
        .collect()
}

#[test]
fn equal_escalations_of_many_items_are_one_message_for_each_person_and_step() {
    block_on(async {
        let store = open(22).await;
        let (run, carried) = store.apply(&playbook(&[CHECKS, UP]), &[]).await;
        assert_eq!(carried.stopped, Stopped::Closed(End::Escalated));
        let short = run.short();
        assert_eq!(
            told(&store),
            [
                format!(
                    "11 items were handed over to you at `even`:\n- 11 items (1, 3, 5, 7, 9, and 6 more): It is odd.\nAll of them: `trueup show {short}`, or `trueup show {short} --items csv`"
                ),
                format!(
                    "2 items were handed over to you at `small`:\n- 1 item (20): Thing 20 is too large.\n- 1 item (22): Thing 22 is too large.\nAll of them: `trueup show {short}`, or `trueup show {short} --items csv`"
                ),
            ]
        );
        // Each item has it in its own record, and none of them is told once more by a retry that ends in the same way.
        let state = store.state(run).await;
        let notices = |key: &str, step: &str| state.items[key].steps[step].notices.len();
        assert_eq!(
            (
                notices("7", "preconditions/even"),
                notices("22", "preconditions/small"),
                notices("22", "preconditions/even")
            ),
            (1, 1, 0)
        );
        store.shop.close().await;
    });
}

/// Applies on a thread that stands for a process and falls at the nth boundary.
fn cut_off(store: &Store, at: u64) -> (bool, Option<RunId>, Vec<&'static str>) {
    let (cut, run) = (Cut::at(at), Mutex::new(None));
    let work = async {
        let (prepared, plan) =
            store.plan(&playbook(&[CHECKS, UP]), &[]).await.unwrap_or_else(|f| panic!("{}", said(&f)));
        *run.lock().unwrap() = Some(prepared.setting.run.id);
        let (record, stop) = (store.record().await, AtomicBool::new(false));
        cut.count();
        let (here, opened) = (&store.shop.here, &store.shop.opened);
        let carried = ops::apply::apply(here, &record, opened, &prepared.setting, &plan, &|_| {}, &stop).await;
        let closed = record.journal.close().await;
        assert!(cut.has_fallen() || carried.is_ok() && closed.is_ok());
    };
    on_a_thread_that_falls(&cut, work);
    (cut.has_fallen(), *run.lock().unwrap(), cut.names())
}

#[test]
fn whoever_is_told_of_many_items_is_told_once_whatever_becomes_of_the_process() {
    block_on(async {
        let store = open(8).await;
        let (mut at, mut fell, mut between) = (1, 0, 0);
        loop {
            store.shop.sql("update things set count = 0; delete from audits").await;
            let _ = std::fs::remove_file(store.shop.folder.path().join("told.jsonl"));
            let (fallen, run, reached) = cut_off(&store, at);
            let (run, place) = (run.unwrap(), format!("cut off at {at}, {:?}", reached.last()));
            let record = store.record().await;
            let state = record.state(run).await.unwrap();
            let (there, over) = (state.created.is_some(), state.closed.is_some());
            if there && fallen && !over {
                record.free(run).await.unwrap();
            }
            record.journal.close().await.unwrap();
            if there {
                if fallen && !over {
                    store.resume(run).await;
                }
                let messages = told(&store);
                // It was recorded that it leaves, and it did not: then nobody is told a second time.
                let lost = reached.last() == Some(&"before a message");
                between += usize::from(fallen && reached.contains(&"before a message"));
                assert_eq!(messages.len(), usize::from(!lost), "{place}\n{messages:#?}");
                assert!(messages.iter().all(|text| text.starts_with("4 items were")), "{place}\n{messages:#?}");
                assert_eq!(store.column("count").await, ["0", "1", "0", "1", "0", "1", "0", "1"], "{place}");
            }
            if !fallen {
                break;
            }
            (fell, at) = (fell + 1, at + 1);
        }
        assert!(fell >= 8 && between >= 2, "{fell} {between}");
        store.shop.close().await;
    });
}
