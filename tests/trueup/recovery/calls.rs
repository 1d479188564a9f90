//! A process that died inside a call of another playbook: whoever goes on finds every step of it again.

use super::*;

const OUTER: &str = "- id: sale\n  call: { playbook: t/sell, with: { count: 2 } }\n- id: noted\n  row: { of: thing, set: { note: \"{{ sale.number }}\" } }\n";

const SELL: &str = "--- # included by trueup: playbooks/t/sell.yaml
trueup: v1
name: t/sell
version: 4
title: Sell
params: { count: { type: int } }
uses: { shop: { read: [things], write: [things, audits] }, crm: { methods: [POST] } }
preconditions:
- id: thing
  find: { table: shop.things, where: { id: 1 }, expect: one }
steps:
- id: ticket
  http: { api: crm, post: /tickets, json: { thing: \"{{ thing.id }}\" } }
  repeatable: the same ticket
  irreversible: a test
- id: change
  row: { of: thing, set: { count: \"{{ params.count }}\" } }
verification:
- id: after
  find: { table: shop.things, where: { id: 1 }, expect: one }
  is: after.count == params.count
returns: { number: \"{{ ticket.body.number }}\" }
";

#[test]
fn what_a_call_has_done_is_never_done_again_wherever_the_process_died() {
    on_both(async |on| {
        let mut scene = Scene::open(on, QUIET, |text| text).await;
        scene.applied(&format!("{}{SELL}", playbook(OUTER))).await;
        assert_eq!(scene.cell("things", "note").await, "7");
        let images = |path: &str| {
            let is = |e: &Event| matches!(e, Event::StepImages(i) if &*i.step == path);
            scene.events.iter().position(is).unwrap_or_else(|| panic!("`{path}` changed nothing"))
        };
        let (inside, outside) = (images("steps/sale/steps/change"), images("steps/noted"));
        let told = scene.events.iter().position(|e| is_outcome(e, "steps/sale/steps/ticket")).unwrap();
        let first = scene.events.iter().position(|e| matches!(e, Event::RunClaimed(_))).unwrap();
        let mut tried = 0;
        // From the end on, so that rows which a run is to recognise are those that it made.
        for kept in (first..scene.events.len()).rev() {
            // The images are durable before the change is committed, and here it was.
            if kept <= inside {
                scene.shop.sql("update things set count = 1, note = null where id = 1; delete from audits").await;
            } else if kept <= outside {
                let rest = "delete from audits where id > (select min(id) from audits)";
                scene.shop.sql(&format!("update things set note = null where id = 1; {rest}")).await;
            }
            scene.keep(&scene.events[..kept]).await;
            let before = scene.sent().len();
            let carried = scene.resume().await.unwrap_or_else(|f| panic!("{kept}: {}", said(&f)));
            assert_eq!(carried.stopped, Stopped::Closed(End::Changed), "{kept}: {:?}", carried.state.closed);
            assert_eq!(scene.sent().len() - before, usize::from(kept <= told), "{kept} of {}", scene.events.len());
            let row = (scene.cell("things", "count").await, scene.cell("things", "note").await);
            assert_eq!(row, ("2".into(), "7".into()), "{kept}");
            assert_eq!(scene.rows("audits").await.len(), 2, "{kept}");
            tried += 1;
        }
        assert!(tried > 10, "{tried}");
        scene.close().await;
    });
}

#[test]
fn a_lost_answer_in_a_call_is_found_out_as_the_called_playbook_says() {
    block_on(async {
        let mut scene = Scene::open(&On::Sqlite, QUIET, |text| text).await;
        scene.applied(&format!("{}{SELL}", playbook(OUTER))).await;
        scene.died_before(|e| is_outcome(e, "steps/sale/steps/ticket")).await;
        scene.shop.sql("update things set count = 1, note = null where id = 1; delete from audits").await;
        let found = scene.found_out("steps/sale/steps/ticket").await;
        assert!(found.contains("its answer was lost") || found.contains("Its answer was lost"), "{found}");
        assert_eq!(scene.sent().len(), 2, "`repeatable`: the same bytes once more");
        scene.close().await;
    });
}
