//! In doubt is a state: it is listed, a person decides, the decision is recorded, and the run goes on.

use super::*;
use trueup::{
    journal::{RunFilter, words::RunWord},
    report::{
        applied, inbox,
        look::{Look, View},
        run_json, runs,
    },
};

const ONCE: &str = "trueup: v1\nmock: crm\nroutes:\n- post: /tickets\n  answers: [{ status: 201, json: { number: 7 }, fault: drop_reply }, { status: 201, json: { number: 8 } }]\n";
const SEND: &str = "- id: send\n  http: { api: crm, post: /tickets, json: { a: 1 } }\n  irreversible: a test\n- id: later\n  row: { of: thing, set: { count: 2 } }\n";
const NEEDS: &str = "- id: send\n  http: { api: crm, post: /tickets, json: { a: 1 } }\n  irreversible: a test\n- id: later\n  row: { of: thing, set: { note: \"{{ send.body.number }}\" } }\n";
const STEP: &str = "steps/send";

async fn lost(text: &str) -> Scene {
    let mut scene = Scene::open(&On::Sqlite, ONCE, |text| text).await;
    let carried = scene.apply(&playbook(text)).await.unwrap_or_else(|f| panic!("{}", said(&f)));
    in_doubt(&carried, STEP);
    scene
}

#[test]
fn what_is_in_doubt_is_listed_with_the_commands_that_decide_it() {
    block_on(async {
        let scene = lost(SEND).await;
        let record = scene.record().await;
        let filter = RunFilter { unfinished: true, ..RunFilter::default() };
        let found = ops::history::runs(&record, &filter, 9).await.unwrap();
        assert_eq!((found.len(), found[0].state, found[0].end), (1, RunWord::InDoubt, None));
        assert!(
            runs::text(&found, &Default::default(), &Default::default(), &filter, Look::default()).contains("in doubt")
        );
        let inbox = ops::history::inbox(&record, World::real().now()).await.unwrap();
        let short = scene.run.short();
        let resolve = format!("trueup resolve {short} --done --reason");
        for text in [
            inbox::text(&inbox.questions, &inbox.in_doubt, inbox.now, Look::default()),
            run_json::inbox(&inbox.questions, &inbox.in_doubt, inbox.now),
        ] {
            assert!(text.contains(&resolve) && text.contains("Look into `crm`"), "{text}");
        }
        let state = record.state(scene.run).await.unwrap();
        let view = View { look: Look::default(), facts: &|_| None, draw: &|_, _, _| String::new() };
        let text = applied::text(scene.run, &state, &view);
        for part in [
            "In doubt: nobody knows whether `send` happened.",
            "since ",
            "--not-done",
            "--abort",
            &resolve,
            &format!("trueup resume {short}"),
        ] {
            assert!(text.contains(part), "{part}: {text}");
        }
        // The journal can make its lists again from the events alone.
        record.journal.rebuild().await.unwrap();
        assert_eq!(ops::history::runs(&record, &filter, 9).await.unwrap()[0].state, RunWord::InDoubt);
        record.journal.close().await.unwrap();
        scene.close().await;
    });
}

#[test]
fn done_goes_on_behind_the_step_and_its_result_stays_unknown() {
    block_on(async {
        let scene = lost(SEND).await;
        let carried = scene.resolve(Decision::Done, Some("the ticket is there"), false).await.unwrap().unwrap();
        assert_eq!(carried.stopped, Stopped::Closed(End::Changed), "{:?}", carried.state.closed);
        assert_eq!(scene.sent().len(), 1);
        assert_eq!(found(&carried, STEP), "Its answer was lost; ben decided that it was done: the ticket is there");
        scene.close().await;
        let scene = lost(NEEDS).await;
        let carried = scene.resolve(Decision::Done, Some("the ticket is there"), false).await.unwrap().unwrap();
        assert_eq!(carried.stopped, Stopped::Closed(End::Failed));
        let why = carried.state.closed.unwrap().reason.unwrap();
        assert!(why.contains("its answer was lost, and ben decided that it was done"), "{why}");
        scene.close().await;
    });
}

#[test]
fn not_done_sends_it_once_more_with_the_name_of_the_same_effect() {
    block_on(async {
        let scene = lost(NEEDS).await;
        let carried = scene.resolve(Decision::NotDone, Some("no ticket"), false).await.unwrap().unwrap();
        assert_eq!(carried.stopped, Stopped::Closed(End::Changed), "{:?}", carried.state.closed);
        assert_eq!((scene.sent().len(), scene.cell("things", "note").await), (2, "8".into()));
        assert_eq!(carried.state.items["-"].steps[STEP].generation, 0, "the generation never grows in doubt");
        scene.close().await;
    });
}

#[test]
fn abort_ends_the_item_as_cancelled_without_another_step() {
    block_on(async {
        let scene = lost(SEND).await;
        let carried = scene.resolve(Decision::Abort, Some("nobody can tell"), false).await.unwrap().unwrap();
        assert_eq!(carried.stopped, Stopped::Closed(End::Cancelled));
        assert_eq!((scene.sent().len(), scene.cell("things", "count").await), (1, "1".into()));
        assert_eq!(carried.state.closed.unwrap().reason.as_deref(), Some("nobody can tell"));
        scene.close().await;
    });
}

#[test]
fn a_decision_can_be_recorded_without_going_on() {
    block_on(async {
        let scene = lost(SEND).await;
        assert!(scene.resolve(Decision::Done, Some("seen"), true).await.unwrap().is_none());
        let record = scene.record().await;
        let found = ops::history::runs(&record, &RunFilter::default(), 9).await.unwrap();
        assert_eq!(found[0].state, RunWord::Paused);
        record.journal.close().await.unwrap();
        let carried = scene.resume().await.unwrap();
        assert_eq!(carried.stopped, Stopped::Closed(End::Changed));
        assert_eq!(scene.sent().len(), 1);
        scene.close().await;
    });
}

#[test]
fn a_decision_is_refused_before_anything_changes_where_there_is_nothing_to_decide() {
    block_on(async {
        let scene = lost(SEND).await;
        let refused =
            async |reason: Option<&str>| said(&scene.resolve(Decision::Done, reason, false).await.err().unwrap());
        assert!(refused(None).await.contains("a run needs a reason"));
        assert!(refused(Some("  ")).await.contains("a run needs a reason"));
        let long = "x".repeat(501);
        assert!(refused(Some(&long)).await.contains("the reason has 501 characters; at most 500"));
        let record = scene.record().await;
        let events = record.journal.events(scene.run).await.unwrap().len();
        // Somebody is at work on it.
        let claim = record.claim(&scene.shop.here, scene.run, "anna").await.unwrap();
        let told = scene.resolve(Decision::Done, Some("seen"), false).await.err().unwrap();
        let ops::Failure::Halted { message, help } = &told else { panic!("{told:?}") };
        assert!(message.contains("anna is working on run") && message.contains("since 20"), "{message}");
        assert!(help[0].contains("nothing was changed") && help[0].contains("can be taken after 20"), "{help:?}");
        record.journal.release(&claim).await.unwrap();
        let now = record.journal.events(scene.run).await.unwrap().len();
        assert_eq!(now, events + 1, "the claim of anna, and nothing else");
        record.journal.close().await.unwrap();
        scene.resolve(Decision::Abort, Some("over"), false).await.unwrap();
        assert!(refused(Some("again")).await.contains("is over: cancelled"));
        scene.close().await;
        // Nobody has looked yet: a person is not asked for what the rows can tell.
        let mut scene = Scene::open(&On::Sqlite, ONCE, |text| text).await;
        scene.apply(&playbook(SEND)).await.unwrap();
        scene.died_before(|e| is_outcome(e, STEP)).await;
        let told = said(&scene.resolve(Decision::Done, Some("seen"), false).await.err().unwrap());
        assert!(
            told.contains("nobody has looked yet what became of `steps/send`") && told.contains("trueup resume"),
            "{told}"
        );
        scene.died_before(is_attempt).await;
        let told = said(&scene.resolve(Decision::Done, Some("seen"), false).await.err().unwrap());
        assert!(told.contains("nothing is in doubt in run"), "{told}");
        scene.close().await;
    });
}

#[test]
fn a_run_that_was_cancelled_meanwhile_starts_no_new_step() {
    block_on(async {
        let mut scene = Scene::open(&On::Sqlite, QUIET, |text| text).await;
        let here = scene.shop.here.clone();
        let opened = ops::project::open(&here, None).unwrap();
        let other = std::sync::Arc::new(ops::record::open(&here, &opened).await.unwrap());
        // As soon as the first step is over, somebody asks the run to end.
        let cancelled = std::sync::Arc::new(AtomicBool::new(false));
        let (flag, journal) = (cancelled.clone(), other.clone());
        let watch = move |tick: &Tick| {
            let Tick::Over { path, .. } = tick else { return };
            if &**path != "steps/first" || flag.swap(true, std::sync::atomic::Ordering::Relaxed) {
                return;
            }
            let journal = journal.clone();
            // The watch is not asynchronous: another thread, as another process would.
            std::thread::spawn(move || {
                block_on(async {
                    let run = journal.journal.runs(&RunFilter::default(), 1).await.unwrap()[0].id;
                    let event =
                        trueup::journal::payload::RunCancelled { actor: "ben".into(), reason: "wrong one".into() };
                    journal.journal.append(run, &[event.into()]).await.unwrap();
                })
            })
            .join()
            .unwrap();
        };
        let steps = "- id: first\n  row: { of: thing, set: { count: 2 } }\n- id: send\n  http: { api: crm, post: /tickets, json: { a: 1 } }\n  irreversible: a test\n";
        let carried = scene.apply_in(&here, &playbook(steps), &watch).await.unwrap_or_else(|f| panic!("{}", said(&f)));
        assert!(cancelled.load(std::sync::atomic::Ordering::Relaxed));
        assert_eq!(carried.stopped, Stopped::Closed(End::Cancelled), "{:?}", carried.state.closed);
        assert_eq!((scene.sent().len(), scene.cell("things", "count").await), (0, "2".into()));
        scene.close().await;
    });
}
