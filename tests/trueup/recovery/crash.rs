//! A process that died anywhere else: before anything began, between two steps, in a message.

use super::*;

const TWO: &str = "- id: change\n  row: { of: thing, set: { count: 2 } }\n- id: ticket\n  http: { api: crm, post: /tickets, json: { thing: \"{{ thing.id }}\" } }\n  irreversible: a test\n- id: noted\n  row: { of: thing, set: { note: \"{{ ticket.body.number }}\" } }\nverification:\n- id: after\n  find: { table: shop.things, where: { id: 1 }, expect: one }\n  is: self.count == 2\nafterwards:\n- id: told\n  tell: { who: clerk, message: \"done {{ ticket.body.number }}\" }\n";

async fn back(scene: &Scene) {
    scene.shop.sql("update things set count = 1, note = null where id = 1; delete from audits").await;
}

#[test]
fn a_run_that_was_never_begun_or_only_claimed_is_done_from_the_start() {
    on_both(async |on| {
        let mut scene = Scene::open(on, QUIET, |text| text).await;
        scene.applied(&playbook(TWO)).await;
        let claimed = scene.events.iter().position(|e| matches!(e, Event::RunClaimed(_))).unwrap();
        for kept in [1, claimed, claimed + 1] {
            back(&scene).await;
            scene.keep(&scene.events[..kept]).await;
            let before = scene.sent().len();
            let carried = scene.resume().await.unwrap_or_else(|f| panic!("{}", said(&f)));
            assert_eq!(carried.stopped, Stopped::Closed(End::Changed), "{kept}: {:?}", carried.state.closed);
            assert_eq!((scene.sent().len() - before, scene.rows("audits").await.len()), (1, 2), "{kept}");
        }
        scene.close().await;
    });
}

#[test]
fn what_is_recorded_is_never_done_or_asked_again_wherever_the_process_died() {
    on_both(async |on| {
        let mut scene = Scene::open(on, QUIET, |text| text).await;
        scene.applied(&playbook(TWO)).await;
        let after = |is: &dyn Fn(&Event) -> bool| scene.events.iter().position(is).unwrap() + 1;
        let first = after(&|e| is_outcome(e, "steps/change"));
        let second = after(&|e| is_outcome(e, "steps/ticket"));
        let third = after(&|e| is_outcome(e, "steps/noted"));
        let last = scene.events.len() - 1;
        for kept in [first, second, third, last] {
            let undone = if kept <= second {
                "update things set note = null where id = 1; delete from audits where id > (select min(id) from audits)"
            } else {
                "select 1"
            };
            scene.shop.sql(undone).await;
            scene.keep(&scene.events[..kept]).await;
            let before = scene.sent().len();
            let carried = scene.resume().await.unwrap_or_else(|f| panic!("{}", said(&f)));
            assert_eq!(carried.stopped, Stopped::Closed(End::Changed), "{kept}: {:?}", carried.state.closed);
            let sent = scene.sent().len() - before;
            assert_eq!(sent, usize::from(kept < second), "{kept} of {last}");
            assert_eq!(scene.cell("things", "note").await, "7");
            assert_eq!(scene.rows("audits").await.len(), 2, "{kept} of {last}");
        }
        scene.close().await;
    });
}

#[test]
fn a_message_is_told_at_most_once() {
    on_both(async |on| {
        let mut scene = Scene::open(on, QUIET, |text| text).await;
        scene.applied(&playbook(TWO)).await;
        scene.died_before(|e| is_outcome(e, "afterwards/told")).await;
        scene.ticks.lock().unwrap().clear();
        let told = scene.found_out("afterwards/told").await;
        assert_eq!(told, "Its answer was lost; it is taken as told, because a message is sent at most once.");
        assert!(!scene.ticks().iter().any(|t| t.starts_with("told:")), "{:?}", scene.ticks());
        scene.close().await;
    });
}

#[test]
fn what_was_planned_still_holds_after_a_crash() {
    on_both(async |on| {
        let mut scene = Scene::open(on, QUIET, |text| text).await;
        scene.applied(&playbook(TWO)).await;
        scene.died_before(is_attempt).await;
        scene.shop.sql("update things set count = 4, note = null where id = 1; delete from audits").await;
        let carried = scene.resume().await.unwrap_or_else(|f| panic!("{}", said(&f)));
        assert_eq!(carried.stopped, Stopped::Closed(End::Drifted), "{:?}", carried.state.closed);
        assert_eq!((scene.cell("things", "count").await, scene.rows("audits").await.len()), ("4".into(), 0));
        scene.close().await;
    });
}

#[test]
fn resume_without_a_name_takes_the_only_run_that_can_go_on() {
    block_on(async {
        let mut scene = Scene::open(&On::Sqlite, QUIET, |text| text).await;
        let record = scene.record().await;
        let none = ops::resume::only_one(&scene.shop.here, &record).await.unwrap_err();
        assert!(said(&none).contains("no run is there that could go on"), "{}", said(&none));
        record.journal.close().await.unwrap();
        scene.applied(&playbook(TWO)).await;
        scene.died_before(is_attempt).await;
        let record = scene.record().await;
        assert_eq!(ops::resume::only_one(&scene.shop.here, &record).await.unwrap(), scene.run);
        let other = RunId(uuid::Uuid::from_u128(77));
        record.journal.append(other, &scene.events[..1]).await.unwrap();
        let several = said(&ops::resume::only_one(&scene.shop.here, &record).await.unwrap_err());
        assert!(several.contains("2 runs could go on; say which one"), "{several}");
        for run in [scene.run, other] {
            assert!(several.contains(&format!("trueup resume {}", run.short())), "{several}");
        }
        // One that a living process works on cannot.
        record.claim(&scene.shop.here, other, "anna").await.unwrap();
        assert_eq!(ops::resume::only_one(&scene.shop.here, &record).await.unwrap(), scene.run);
        record.journal.close().await.unwrap();
        scene.close().await;
    });
}
