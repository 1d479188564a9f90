//! A journal that takes nothing any more while many items are carried out: nothing of them is committed, whichever way they go.

use super::{
    many::{Store, playbook},
    recovery::journal::strike,
    servers::{block_on, mysql, postgres, said},
    sets::{Go, UP, together},
};
use std::sync::atomic::AtomicBool;
use trueup::{
    engine::{drive::Stopped, fleet::workers::Workers},
    journal::words::End,
    ops::{self, Failure},
    trial::bench::On,
};

const THINGS: u32 = 40;

/// Events of one kind are refused, as by a disk that is full from then on.
fn refuses(kind: &str) -> String {
    format!(
        "create trigger struck before insert on events when new.kind = '{kind}' begin select raise(abort, 'the disk is on strike'); end"
    )
}

/// Somebody takes the run over as soon as the first items are meant to change.
const TAKEN: &str = "create trigger struck after insert on events when new.kind = 'step.intent' begin update claims set fence = fence + 1; end";

/// Carries it out under a journal that was struck so, and gives what it said.
async fn stopped(store: &Store, go: Go, sql: &str) -> (trueup::base::identity::RunId, String) {
    let (mut prepared, plan) = store.plan(&playbook(&[UP]), &[]).await.unwrap_or_else(|f| panic!("{}", said(&f)));
    prepared.setting.one_by_one = go != Go::InSets;
    prepared.setting.workers = if go == Go::Alone { Workers::default() } else { Workers::of_process(16 << 20) };
    let (record, stop) = (store.record().await, AtomicBool::new(false));
    strike(&store.shop.opened.journal(), sql);
    let (here, opened) = (&store.shop.here, &store.shop.opened);
    let failure = ops::apply::apply(here, &record, opened, &prepared.setting, &plan, &|_| {}, &stop).await.err();
    let Some(Failure::Halted { message, .. }) = failure else { panic!("{go:?}: {failure:?}") };
    let _ = record.journal.close().await;
    strike(&store.shop.opened.journal(), "drop trigger struck");
    (prepared.setting.run.id, message)
}

#[test]
fn of_many_items_nothing_is_committed_that_the_journal_did_not_take() {
    block_on(async {
        for on in [On::Sqlite, On::Postgres(postgres()), On::Mysql(mysql())] {
            let store = Store::open(&on, THINGS).await;
            for go in [Go::InSets, Go::Apart, Go::Alone] {
                for kind in ["step.intent", "step.attempt", "step.images"] {
                    let place = format!("{}: {go:?}, {kind}", on.word());
                    store.shop.sql("update things set count = 0, note = null; delete from audits").await;
                    let (run, message) = stopped(&store, go, &refuses(kind)).await;
                    assert!(
                        message.starts_with("paused: journal unavailable") && message.contains("on strike"),
                        "{place}: {message}"
                    );
                    let counts = store.column("count").await;
                    assert!(counts.iter().all(|count| count == "0"), "{place}: {counts:?}");
                    assert_eq!(store.audits().await, 0, "{place}");
                    let carried = store.resume(run).await;
                    assert_eq!(carried.stopped, Stopped::Closed(End::Changed), "{place}");
                    let counts = store.column("count").await;
                    assert!(counts.iter().all(|count| count == "1"), "{place}: {counts:?}");
                    assert_eq!(store.audits().await, THINGS as usize, "{place}");
                    // What was begun is looked into one by one.
                    if go == Go::InSets && kind == "step.intent" {
                        assert!(together(&store, run).await >= 8, "{place}: nothing went together");
                    }
                }
            }
            store.shop.close().await;
        }
    });
}

#[test]
fn of_many_items_nothing_is_committed_once_somebody_took_the_run_over() {
    block_on(async {
        for on in [On::Sqlite, On::Postgres(postgres()), On::Mysql(mysql())] {
            let store = Store::open(&on, THINGS).await;
            for go in [Go::InSets, Go::Apart, Go::Alone] {
                let place = format!("{}: {go:?}", on.word());
                store.shop.sql("update things set count = 0, note = null; delete from audits").await;
                let (_, message) = stopped(&store, go, TAKEN).await;
                assert!(message.contains("taken over"), "{place}: {message}");
                let counts = store.column("count").await;
                assert!(counts.iter().all(|count| count == "0"), "{place}: {counts:?}");
                assert_eq!(store.audits().await, 0, "{place}");
            }
            store.shop.close().await;
        }
    });
}
