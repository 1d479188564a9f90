//! A journal that fails in the middle of a run, and a claim that somebody else took: nothing is sent without its word, and
//! nothing that happened is forgotten.

use super::*;
use std::sync::{
    Arc,
    atomic::{AtomicI64, AtomicUsize, Ordering},
};
use trueup::{
    base::time::Stamp,
    engine::lease::CLAIM,
    journal::{Holder, RunFilter},
};

const STEPS: &str = "- id: first\n  row: { of: thing, set: { count: 2 } }\n- id: send\n  http: { api: crm, post: /tickets, json: { a: 1 } }\n  irreversible: a test\n";

/// Runs one statement on the journal's file, as a fault of the disk would strike between two events.
pub(crate) fn strike(path: &std::path::Path, sql: &str) {
    use sqlx::Connection;
    let (path, sql) = (path.to_owned(), sqlx::AssertSqlSafe(sql.to_owned()));
    std::thread::spawn(move || {
        block_on(async {
            let options = sqlx::sqlite::SqliteConnectOptions::new().filename(path);
            let mut connection = sqlx::SqliteConnection::connect_with(&options).await.unwrap();
            sqlx::query(sql).execute(&mut connection).await.unwrap();
            connection.close().await.unwrap();
        });
    })
    .join()
    .unwrap();
}

const FAIL: &str =
    "create trigger fails before insert on events begin select raise(abort, 'the disk is on strike'); end";
const WORK: &str = "drop trigger fails";

fn halted(failure: &Failure) -> (String, String) {
    let Failure::Halted { message, help } = failure else { panic!("{failure:?}") };
    (message.clone(), help.join("\n"))
}

#[test]
fn without_the_journal_nothing_is_sent_and_the_run_can_go_on_later() {
    block_on(async {
        let mut scene = Scene::open(&On::Sqlite, QUIET, |text| text).await;
        let (here, path) = (scene.shop.here.clone(), scene.shop.opened.journal());
        let file = path.clone();
        let watch = move |tick: &Tick| {
            if matches!(tick, Tick::Begins { path, .. } if &**path == "steps/send") {
                strike(&file, FAIL);
            }
        };
        let failure = scene.apply_in(&here, &playbook(STEPS), &watch).await.err().unwrap();
        let (message, help) = halted(&failure);
        assert!(message.starts_with("paused: journal unavailable: ") && message.contains("on strike"), "{message}");
        assert!(help.contains("nothing more was sent") && help.contains("`trueup resume "), "{help}");
        assert_eq!((failure.exit().code(), scene.sent().len()), (1, 0));
        strike(&path, WORK);
        let carried = scene.resume().await.unwrap_or_else(|f| panic!("{}", said(&f)));
        assert_eq!(carried.stopped, Stopped::Closed(End::Changed));
        assert_eq!((scene.sent().len(), scene.rows("audits").await.len()), (1, 1));
        scene.close().await;
    });
}

#[test]
fn images_that_cannot_be_recorded_take_the_change_back() {
    on_both(async |on| {
        let mut scene = Scene::open(on, QUIET, |text| text).await;
        let (here, path) = (scene.shop.here.clone(), scene.shop.opened.journal());
        let file = path.clone();
        let once = AtomicBool::new(false);
        let only_images = "create trigger fails before insert on events when new.kind = 'step.images' begin select raise(abort, 'no'); end";
        let watch = move |tick: &Tick| {
            if matches!(tick, Tick::Begins { path, .. } if &**path == "steps/first")
                && !once.swap(true, Ordering::Relaxed)
            {
                strike(&file, only_images);
            }
        };
        let failure = scene.apply_in(&here, &playbook(STEPS), &watch).await.err().unwrap();
        assert!(halted(&failure).1.contains("what was not committed is taken back"));
        assert_eq!((scene.cell("things", "count").await, scene.rows("audits").await.len()), ("1".into(), 0));
        strike(&path, WORK);
        let carried = scene.resume().await.unwrap_or_else(|f| panic!("{}", said(&f)));
        assert_eq!(found(&carried, "steps/first"), "Its answer was lost; it was never committed.");
        assert_eq!((scene.cell("things", "count").await, scene.rows("audits").await.len()), ("2".into(), 1));
        scene.close().await;
    });
}

#[test]
fn what_happened_is_written_again_until_the_journal_takes_it() {
    block_on(async {
        let mut scene = Scene::open(&On::Sqlite, QUIET, |text| text).await;
        let path = scene.shop.opened.journal();
        let mut here = scene.shop.here.clone();
        let (file, tries) = (path.clone(), Arc::new(AtomicUsize::new(0)));
        let seen = tries.clone();
        here.world = World::real().with_pause(move |_| {
            // The third try finds a journal that works.
            if seen.fetch_add(1, Ordering::Relaxed) == 1 {
                strike(&file, WORK);
            }
            std::future::ready(())
        });
        only_outcomes(&scene, &path, &here).await;
        let file = path.clone();
        let struck = AtomicBool::new(false);
        let watch = move |tick: &Tick| {
            if matches!(tick, Tick::Begins { path, .. } if &**path == "steps/send")
                && !struck.swap(true, Ordering::Relaxed)
            {
                strike(&file, OUTCOMES);
            }
        };
        let carried = scene.apply_in(&here, &playbook(STEPS), &watch).await.unwrap_or_else(|f| panic!("{}", said(&f)));
        assert_eq!(carried.stopped, Stopped::Closed(End::Changed));
        assert_eq!((tries.load(Ordering::Relaxed), scene.sent().len()), (2, 1));
        let outcomes = scene.events.iter().filter(|e| is_outcome(e, "steps/send")).count();
        assert_eq!(outcomes, 1, "it stands in the journal, once");
        scene.close().await;
    });
}

/// One item after the other, two calls each: the outcome of the first one is on its way into the journal when the second one is meant.
const TWO_CALLS: &str = "trueup: v1
name: lost/answers
version: 1
title: Two calls an item
uses: { shop: { read: [things] }, crm: { methods: [POST] } }
targets:
  from: { find: { table: shop.things, where: { state: open } } }
limits: { concurrency: 1 }
steps:
- id: first
  http: { api: crm, post: /tickets, json: { thing: \"{{ item.id }}\" } }
  irreversible: a test
- id: second
  http: { api: crm, post: /notes, json: { thing: \"{{ item.id }}\" } }
  irreversible: a test
";

/// From the first call on the journal takes neither what came of it nor what is meant next.
const AFTER_ONE: &str = "create trigger fails before insert on events when new.kind in ('step.outcome', 'step.intent')
    and exists (select 1 from events where kind = 'step.intent') begin select raise(abort, 'no'); end";

#[test]
fn what_happened_to_one_of_many_items_is_written_again_before_anything_else_is_sent() {
    block_on(async {
        let mut scene = Scene::open(&On::Sqlite, QUIET, |text| text).await;
        let more = "insert into things (id, name, state, count, created_at, updated_at) values (2, 'lamp', 1, 1, '2024-01-01 00:00:00', '2024-01-01 00:00:00'), (3, 'lamp', 1, 1, '2024-01-01 00:00:00', '2024-01-01 00:00:00')";
        scene.shop.sql(more).await;
        let path = scene.shop.opened.journal();
        let mut here = scene.shop.here.clone();
        let (file, pauses) = (path.clone(), Arc::new(Mutex::new(Vec::new())));
        let seen = pauses.clone();
        here.world = World::real().with_pause(move |pause| {
            seen.lock().unwrap().push(pause.as_secs());
            // The third try finds a journal that works.
            if pause.as_secs() == 3 {
                strike(&file, WORK);
            }
            std::future::ready(())
        });
        only_outcomes(&scene, &path, &here).await;
        strike(&path, AFTER_ONE);
        let carried = scene.apply_in(&here, TWO_CALLS, &|_| {}).await.unwrap_or_else(|f| panic!("{}", said(&f)));
        assert_eq!(carried.stopped, Stopped::Closed(End::Changed));
        let tries: Vec<u64> = pauses.lock().unwrap().iter().copied().filter(|pause| *pause > 0).collect();
        assert_eq!((tries, scene.sent().len()), (vec![1, 3], 4));
        let place = |wanted: &dyn Fn(&Event) -> bool| scene.events.iter().position(wanted);
        let first = place(&|event| is_outcome(event, "steps/first")).unwrap();
        let second = place(&|event| is_outcome(event, "steps/second")).unwrap();
        assert!(first < second, "{first} {second}");
        scene.close().await;
    });
}

/// The outcome of the second step: that of the first one may still be on its way when this strikes.
const OUTCOMES: &str = "create trigger fails before insert on events when new.kind = 'step.outcome'
    and exists (select 1 from events where kind = 'step.outcome') begin select raise(abort, 'no'); end";

/// The file is there before it is struck.
async fn only_outcomes(scene: &Scene, path: &std::path::Path, here: &Surroundings) {
    let record = ops::record::open(here, &scene.shop.opened).await.unwrap();
    record.journal.close().await.unwrap();
    assert!(path.exists());
}

#[test]
fn an_outcome_that_cannot_be_recorded_is_said_and_found_out_later() {
    block_on(async {
        let mock = "trueup: v1\nmock: crm\nidempotency_key: Idempotency-Key\nroutes:\n- post: /tickets\n  answer: { status: 201, json: { number: 7 } }\n";
        let keyed = |text: String| {
            text.replace(
                "\"error_code\":\"body.code\"",
                "\"error_code\":\"body.code\",\"idempotency_key\":\"Idempotency-Key\"",
            )
        };
        let mut scene = Scene::open(&On::Sqlite, mock, keyed).await;
        let (here, path) = (scene.shop.here.clone(), scene.shop.opened.journal());
        let file = path.clone();
        let watch = move |tick: &Tick| {
            if matches!(tick, Tick::Begins { path, .. } if &**path == "steps/send") {
                strike(&file, OUTCOMES);
            }
        };
        let failure = scene.apply_in(&here, &playbook(STEPS), &watch).await.err().unwrap();
        let (message, help) = halted(&failure);
        assert!(message.starts_with("paused: journal unavailable"), "{message}");
        assert!(help.contains("`steps/send` ended (done: 201, 1 field), and that could not be recorded"), "{help}");
        assert_eq!(
            (scene.sent().len(), scene.ticks().iter().filter(|t| t.starts_with("steps/send unrecorded")).count()),
            (1, 4)
        );
        strike(&path, WORK);
        let carried = scene.resume().await.unwrap_or_else(|f| panic!("{}", said(&f)));
        assert_eq!(carried.stopped, Stopped::Closed(End::Changed));
        assert_eq!((scene.sent().len(), scene.crm.effects().values().sum::<usize>()), (2, 1));
        scene.close().await;
    });
}

/// No outcome is recorded.
const NO_OUTCOMES: &str =
    "create trigger fails before insert on events when new.kind = 'step.outcome' begin select raise(abort, 'no'); end";

/// So many are under way when the journal fails.
const ABREAST: usize = 12;

#[test]
fn what_several_items_did_and_could_not_be_recorded_is_said() {
    block_on(async {
        let mut scene = Scene::open(&On::Sqlite, QUIET, |text| text).await;
        for id in 2..=ABREAST {
            let more = format!(
                "insert into things (id, name, state, count, created_at, updated_at) values ({id}, 'lamp', 1, 1, '2024-01-01 00:00:00', '2024-01-01 00:00:00')"
            );
            scene.shop.sql(&more).await;
        }
        scene.shop.sql("update things set state = 1").await;
        let path = scene.shop.opened.journal();
        let mut here = scene.shop.here.clone();
        // None gives up before all have sent what they have to send.
        let all = Arc::new(tokio::sync::Barrier::new(ABREAST));
        here.world = World::real().with_pause(move |pause| {
            let all = (pause.as_secs() == 1).then(|| all.clone());
            async move {
                if let Some(all) = all {
                    all.wait().await;
                }
            }
        });
        only_outcomes(&scene, &path, &here).await;
        strike(&path, NO_OUTCOMES);
        let text = TWO_CALLS.replace("concurrency: 1", &format!("concurrency: {ABREAST}"));
        let failure = scene.apply_in(&here, &text, &|_| {}).await.err().unwrap();
        let (message, help) = halted(&failure);
        assert!(message.starts_with("paused: journal unavailable"), "{message}");
        let named = |id: usize| {
            help.contains(&format!(
                "`steps/first` of item {id} ended (done: 201, 1 field), and that could not be recorded"
            ))
        };
        assert_eq!((1..=ABREAST).filter(|id| named(*id)).count(), 10, "{help}");
        assert!(
            help.contains("the same of 2 steps more") && help.contains("nothing more was sent after them"),
            "{help}"
        );
        assert_eq!(scene.sent().len(), ABREAST);
        scene.close().await;
    });
}

/// Does something with the journal as another process, at the beginning of the step `send`.
fn meanwhile(
    here: &Surroundings,
    does: impl AsyncFn(&Record, RunId) + Send + Sync + Copy + 'static,
) -> impl Fn(&Tick) + Send + Sync {
    let here = here.clone();
    move |tick: &Tick| {
        if !matches!(tick, Tick::Begins { path, .. } if &**path == "steps/send") {
            return;
        }
        let here = here.clone();
        std::thread::spawn(move || {
            block_on(async {
                let opened = ops::project::open(&here, None).unwrap();
                let record = ops::record::open(&here, &opened).await.unwrap();
                let run = record.journal.runs(&RunFilter::default(), 1).await.unwrap()[0].id;
                does(&record, run).await;
                record.journal.close().await.unwrap();
            });
        })
        .join()
        .unwrap();
    }
}

#[test]
fn a_holder_who_was_taken_over_stops_before_anything_leaves_and_says_who_has_it() {
    block_on(async {
        let mut scene = Scene::open(&On::Sqlite, QUIET, |text| text).await;
        let here = scene.shop.here.clone();
        let watch = meanwhile(&here, async |record, run| {
            let held = record.journal.holder(run).await.unwrap().unwrap();
            let ben = Holder { name: "ben".into(), host: "elsewhere".into(), pid: 7 };
            record.journal.seize(&held, ben, CLAIM).await.unwrap();
        });
        let failure = scene.apply_in(&here, &playbook(STEPS), &watch).await.err().unwrap();
        let (message, help) = halted(&failure);
        assert!(message.contains("was taken over: ben (process 7 on elsewhere, since 20"), "{message}");
        assert!(help.contains("nothing more was sent"), "{help}");
        assert_eq!((failure.exit().code(), scene.sent().len()), (1, 0));
        scene.close().await;
    });
}

/// A clock that a test moves, and signs of life that come when the test lets them.
fn slow_world(ahead: &Arc<AtomicI64>, beats: &Arc<tokio::sync::Semaphore>) -> World {
    let (ahead, beats) = (ahead.clone(), beats.clone());
    hasty()
        .with_clock(move || {
            let now = World::real().now();
            Stamp { micros: now.micros + ahead.load(Ordering::Relaxed) * 1_000_000, ..now }
        })
        .with_beat(move |length| {
            assert_eq!(length.as_secs(), 15);
            let beats = beats.clone();
            async move { beats.acquire().await.unwrap().forget() }
        })
}

#[test]
fn a_process_that_slept_starts_no_new_step() {
    block_on(async {
        let mut scene = Scene::open(&On::Sqlite, QUIET, |text| text).await;
        let (ahead, beats) = (Arc::new(AtomicI64::new(0)), Arc::new(tokio::sync::Semaphore::new(0)));
        let mut here = scene.shop.here.clone();
        here.world = slow_world(&ahead, &beats);
        let slept = ahead.clone();
        let watch = move |tick: &Tick| {
            if matches!(tick, Tick::Over { path, .. } if &**path == "steps/first") {
                slept.store(41, Ordering::Relaxed);
            }
        };
        let carried = scene.apply_in(&here, &playbook(STEPS), &watch).await.unwrap();
        assert_eq!(carried.stopped, Stopped::Paused);
        assert!(carried.state.paused.unwrap().starts_with("lease lost"), "says why");
        assert_eq!(scene.sent().len(), 0);
        let carried = scene.resume_in(&here).await.unwrap();
        assert_eq!((carried.stopped, scene.sent().len()), (Stopped::Closed(End::Changed), 1));
        scene.close().await;
    });
}

#[test]
fn signs_of_life_keep_a_long_step_from_being_taken_over() {
    block_on(async {
        let slow = "trueup: v1\nmock: crm\nroutes:\n- post: /tickets\n  answer: { status: 201, json: { number: 7 }, delay: 500ms }\n";
        let mut scene = Scene::open(&On::Sqlite, slow, |text| text).await;
        let (ahead, beats) = (Arc::new(AtomicI64::new(0)), Arc::new(tokio::sync::Semaphore::new(0)));
        let mut here = scene.shop.here.clone();
        here.world = slow_world(&ahead, &beats);
        let (clock, allow) = (ahead.clone(), beats.clone());
        let watch = move |tick: &Tick| {
            // While the answer is on the way, the clock moves and one sign of life is due.
            if matches!(tick, Tick::Begins { path, .. } if &**path == "steps/send") {
                clock.store(39, Ordering::Relaxed);
                allow.add_permits(1);
            }
            if matches!(tick, Tick::Over { path, .. } if &**path == "steps/send") {
                clock.store(70, Ordering::Relaxed);
            }
        };
        let after = format!("{STEPS}- id: last\n  row: {{ of: thing, set: {{ note: x }} }}\n");
        let carried = scene.apply_in(&here, &playbook(&after), &watch).await.unwrap_or_else(|f| panic!("{}", said(&f)));
        assert_eq!(carried.stopped, Stopped::Closed(End::Changed), "{:?}", carried.state.paused);
        assert_eq!(beats.available_permits(), 0, "the sign of life was given");
        scene.close().await;
    });
}

#[test]
fn a_claim_of_a_dead_process_of_this_machine_is_taken_at_once_and_another_after_its_time() {
    block_on(async {
        let mut scene = Scene::open(&On::Sqlite, QUIET, |text| text).await;
        scene.applied(&playbook(STEPS)).await;
        scene.died_before(is_attempt).await;
        let record = scene.record().await;
        let own = record.claim(&scene.shop.here, scene.run, "anna").await.unwrap();
        let dead = Holder { pid: u32::MAX - 1, ..own.holder.clone() };
        let seen = record.journal.seize(&own, dead.clone(), CLAIM).await.unwrap();
        assert!(record.worked_on_by(&scene.shop.here, scene.run).await.unwrap().is_none());
        let mine = record.claim(&scene.shop.here, scene.run, "ben").await.unwrap();
        assert_eq!(mine.fence, seen.fence + 1);
        // On another machine nobody can tell whether it is dead.
        let away = Holder { host: "elsewhere".into(), ..dead };
        record.journal.seize(&mine, away, CLAIM).await.unwrap();
        let failure = record.claim(&scene.shop.here, scene.run, "ben").await.unwrap_err();
        assert!(halted(&failure).0.contains("on elsewhere"), "{failure:?}");
        record.journal.close().await.unwrap();
        let mut later = scene.shop.here.clone();
        later.world = hasty().with_clock(|| {
            let now = World::real().now();
            Stamp { micros: now.micros + 61_000_000, ..now }
        });
        scene.shop.sql("update things set count = 1 where id = 1; delete from audits").await;
        let carried = scene.resume_in(&later).await.unwrap_or_else(|f| panic!("{}", said(&f)));
        assert_eq!(carried.stopped, Stopped::Closed(End::Changed));
        scene.close().await;
    });
}
