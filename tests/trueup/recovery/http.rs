//! Requests whose answer was lost: by key, by the same bytes, by a probe, by a person. The API counts what it really did.

use super::*;
use crate::hidden::flat;
use trueup::{
    base::json,
    ops::undo::Wish,
    report::{
        applied,
        look::{Look, View},
    },
};

const STEP: &str = "steps/send";
/// The body has values of kinds that JSON does not know, and one that is personal.
const SEND: &str = "- id: send\n  http: { api: crm, post: /tickets, query: { a: \"{{ thing.id }}\" }, headers: { X-Note: \"{{ thing.name }}\" }, json: { at: \"{{ thing.created_at }}\", email: ada@example.org, run: \"{{ run.id }}\" } }\n  irreversible: a test\n";
const NEXT: &str = "- id: noted\n  row: { of: thing, set: { note: \"{{ send.body.number }}\" } }\n";

fn mock(head: &str, answers: &str) -> String {
    format!(
        "trueup: v1\nmock: crm\n{head}collections:\n  tickets: {{ key: id, rows: [] }}\nroutes:\n- get: /tickets\n  answer: {{ json: {{ count: \"{{{{ collections.tickets | length }}}}\" }} }}\n- post: /tickets\n  of: tickets\n  insert: {{ id: \"{{{{ collections.tickets | length }}}}\" }}\n  answers: [{answers}]\n"
    )
}

const GOOD: &str = "{ status: 201, json: { number: 7 } }";
const DROPPED: &str = "{ status: 201, json: { number: 7 }, fault: drop_reply }";
const NEVER_READ: &str = "{ status: 201, fault: reset_before }";

fn keyed(text: String) -> String {
    with(text, "\"idempotency_key\":\"Idempotency-Key\"")
}

fn with(text: String, setting: &str) -> String {
    let changed = text.replace("\"error_code\":\"body.code\"", &format!("\"error_code\":\"body.code\",{setting}"));
    assert_ne!(text, changed, "{text}");
    changed
}

async fn scene(head: &str, answers: &str, project: impl FnOnce(String) -> String) -> Scene {
    Scene::open(&On::Sqlite, &mock(head, answers), project).await
}

/// The API has done it so often.
fn effects(scene: &Scene) -> usize {
    scene.crm.rows("tickets").len()
}

/// What a request looked like on the wire.
fn bytes(scene: &Scene) -> Vec<String> {
    let posts = scene.crm.log().into_iter().filter(|l| l.method == "POST");
    let wanted = ["x-note", "idempotency-key", "content-type"];
    let line = |l: trueup::mock::record::Logged| {
        let headers: Vec<_> = wanted.iter().map(|h| l.header(h).unwrap_or("-").to_owned()).collect();
        format!("{} {:?} {} {}", l.call(), l.query, headers.join(" "), json::text_of(&l.body))
    };
    posts.map(line).collect()
}

const KEY: &str = "idempotency_key: Idempotency-Key\n";

#[test]
fn with_a_key_the_very_same_bytes_are_sent_again_and_the_service_does_it_once() {
    block_on(async {
        let mut scene = scene(KEY, &format!("{DROPPED}, {{ status: 500 }}"), keyed).await;
        let carried = scene.apply(&playbook(&format!("{SEND}{NEXT}"))).await.unwrap_or_else(|f| panic!("{}", said(&f)));
        assert_eq!(carried.stopped, Stopped::Closed(End::Changed), "{:?}", carried.state.closed);
        assert_eq!(
            found(&carried, STEP),
            "Its answer was lost; the same request was sent again under its key and answered."
        );
        let sent = bytes(&scene);
        assert_eq!((sent.len(), effects(&scene)), (2, 1), "the fault happened, and once is once");
        assert_eq!(sent[0], sent[1]);
        assert!(sent[0].contains("2024-01-01") && sent[0].contains("ada@example.org"), "{sent:?}");
        assert_eq!(scene.cell("things", "note").await, "7", "the answer is known");
        // The same from a process that died: the bytes come from the journal, sealed parts too.
        scene.died_before(|e| is_outcome(e, STEP)).await;
        scene.shop.sql("update things set note = null, name = 'other' where id = 1; delete from audits").await;
        scene.resume().await.unwrap_or_else(|f| panic!("{}", said(&f)));
        let sent = bytes(&scene);
        assert_eq!((sent.len(), effects(&scene)), (3, 1));
        assert_eq!(sent[0], sent[2]);
        scene.close().await;
    });
}

#[test]
fn with_a_key_a_request_that_was_never_read_arrives_once() {
    block_on(async {
        let mut scene = scene(KEY, &format!("{NEVER_READ}, {GOOD}"), keyed).await;
        scene.applied(&playbook(SEND)).await;
        assert_eq!((bytes(&scene).len(), effects(&scene)), (2, 1));
        scene.close().await;
    });
}

#[test]
fn a_five_hundred_after_the_effect_is_found_out_too() {
    block_on(async {
        let mut scene = scene("", &format!("{{ status: 500, effect: done }}, {GOOD}"), keyed).await;
        // The service forgets its keys here, so the second one counts: what is tested is that the same bytes went out.
        scene.applied(&playbook(SEND)).await;
        let sent = bytes(&scene);
        assert_eq!((sent.len(), sent[0] == sent[1]), (2, true));
        scene.close().await;
    });
}

#[test]
fn a_service_that_is_still_at_work_is_waited_for_within_bounds() {
    block_on(async {
        let busy = "{ status: 409, effect: none }";
        let mut scene = scene("", &format!("{NEVER_READ}, {busy}, {busy}, {GOOD}"), keyed).await;
        scene.applied(&playbook(SEND)).await;
        assert_eq!((bytes(&scene).len(), effects(&scene)), (4, 1));
        scene.close().await;
        let mut scene = self::scene("", &format!("{NEVER_READ}, {busy}"), keyed).await;
        let carried = scene.apply(&playbook(SEND)).await.unwrap();
        let told = in_doubt(&carried, STEP);
        assert!(told.contains("Sent 5 times: `crm` answered 409"), "{told}");
        assert_eq!((bytes(&scene).len(), effects(&scene)), (5, 0), "bounded");
        scene.close().await;
    });
}

#[test]
fn an_answer_that_says_nothing_about_the_first_time_leaves_it_in_doubt() {
    block_on(async {
        for status in [300, 302, 307, 308, 400, 401, 402, 403, 404, 405, 407, 410, 412, 413, 422, 431, 451] {
            let mut scene = scene("", &format!("{DROPPED}, {{ status: {status}, effect: none }}"), keyed).await;
            let carried = scene.apply(&playbook(SEND)).await.unwrap();
            let told = in_doubt(&carried, STEP);
            assert!(told.contains("Sent again: ") && told.contains(&status.to_string()), "{status}: {told}");
            assert!(told.ends_with("; that says nothing about the first time."), "{status}: {told}");
            assert_eq!((bytes(&scene).len(), effects(&scene)), (2, 1), "{status}");
            scene.close().await;
        }
        // Whoever looked and saw nothing has it done, still under the same key: a service that knows it does it once.
        let refused = format!("{DROPPED}, {{ status: 404, effect: none }}, {GOOD}");
        let mut scene = scene("", &refused, keyed).await;
        in_doubt(&scene.apply(&playbook(SEND)).await.unwrap(), STEP);
        let carried = scene.resolve(Decision::NotDone, Some("looked"), false).await;
        let carried = carried.unwrap_or_else(|f| panic!("{}", said(&f))).unwrap();
        assert_eq!(carried.stopped, Stopped::Closed(End::Changed));
        let sent = bytes(&scene);
        assert_eq!((sent.len(), sent[0] == sent[2]), (3, true), "{sent:?}");
        scene.close().await;
    });
}

#[test]
fn what_the_author_takes_for_a_good_answer_ends_the_doubt() {
    block_on(async {
        let answers = format!("{DROPPED}, {{ status: 400, effect: none, json: {{ code: 7 }} }}");
        let mut scene = scene("", &answers, keyed).await;
        let text = playbook(SEND).replace("steps:\n", "errors:\n- { code: 7, then: accept }\nsteps:\n");
        let carried = scene.apply(&text).await.unwrap_or_else(|f| panic!("{}", said(&f)));
        assert_eq!(carried.stopped, Stopped::Closed(End::Changed), "{:?}", carried.state.closed);
        assert_eq!((bytes(&scene).len(), effects(&scene)), (2, 1));
        scene.close().await;
    });
}

#[test]
fn a_row_that_has_a_refusal_tried_again_and_one_that_ends_the_step_leave_the_first_one_open() {
    block_on(async {
        for (then, sent) in
            [("retry: { attempts: 2, backoff: 1s, exhausted: { fail: no } }", 4), ("stop: no such thing", 2)]
        {
            let mut scene = scene("", &format!("{DROPPED}, {{ status: 404, effect: none }}"), keyed).await;
            let row = format!("errors:\n- {{ status: 404, then: {{ {then} }} }}\nsteps:\n");
            let carried = scene.apply(&playbook(SEND).replace("steps:\n", &row)).await.unwrap();
            let told = in_doubt(&carried, STEP);
            assert!(told.contains("`crm` answered 404"), "{told}");
            assert_eq!((bytes(&scene).len(), effects(&scene)), (sent, 1), "{told}");
            scene.close().await;
        }
    });
}

#[test]
fn what_may_have_been_carried_out_is_not_told_as_nothing_and_no_undo_passes_it_over() {
    block_on(async {
        let mut scene = scene("", &format!("{DROPPED}, {{ status: 503, effect: none }}"), |text| text).await;
        let then = "retry: { attempts: 2, backoff: 1s, exhausted: { fail: The CRM is away } }";
        let row = format!(
            "errors:\n- {{ status: 5xx, then: {{ {then} }} }}\n- {{ kind: timeout, then: {{ {then} }} }}\nsteps:\n"
        );
        let text = playbook(&format!("{SEND}  repeatable: the ticket is the same one\n")).replace("steps:\n", &row);
        let carried = scene.apply(&text).await.unwrap_or_else(|f| panic!("{}", said(&f)));
        assert_eq!(carried.stopped, Stopped::Closed(End::Failed), "{:?}", carried.state.closed);
        let view = View { look: Look::default(), facts: &|_| None, draw: &|_, _, _| String::new() };
        let told = applied::text(scene.run, &carried.state, &view);
        assert!(told.contains("Failed; what was sent may have been carried out."), "{told}");
        let message = "The CRM is away. It may have been carried out, and doing it again does no harm.";
        let told = flat(&told);
        assert!(told.contains(message), "the author's text, and what it does not say: {told}");
        assert_eq!(effects(&scene), 1);
        let record = ops::record::open(&scene.shop.here, &scene.shop.opened).await.unwrap();
        let wish = Wish { actor: Some("bea".into()), ..Wish::default() };
        let ready = ops::undo::prepare(&scene.shop.here, &record, &scene.shop.opened, scene.run, &wish).await;
        let ready = ready.unwrap_or_else(|f| panic!("{}", said(&f)));
        let plan = ops::undo::plan(&ready, &|_| {}).await.unwrap_or_else(|f| panic!("{}", said(&f)));
        assert!(format!("{plan:?}").contains("not taken back: a test"), "{plan:?}");
        record.journal.close().await.unwrap();
        scene.close().await;
    });
}

#[test]
fn a_locked_thing_is_waited_for_and_a_longer_pause_than_half_a_minute_is_not() {
    block_on(async {
        let locked = "{ status: 423, effect: none }";
        let mut scene = scene("", &format!("{NEVER_READ}, {locked}, {GOOD}"), keyed).await;
        scene.applied(&playbook(SEND)).await;
        assert_eq!((bytes(&scene).len(), effects(&scene)), (3, 1));
        scene.close().await;
        for (asked, sent, most) in [(3600, 1, 0), (31, 1, 0), (12, 3, 30_000)] {
            let later = format!("{{ status: 503, effect: none, headers: {{ Retry-After: \"{asked}\" }} }}");
            let mut scene = self::scene("", &later, keyed).await;
            let (world, waited) = passing();
            let mut here = scene.shop.here.clone();
            here.world = world;
            let carried = scene.apply_in(&here, &playbook(SEND), &|_| {}).await.unwrap();
            let told = in_doubt(&carried, STEP);
            assert_eq!(bytes(&scene).len(), sent, "{asked}: {told}");
            assert!(waited.load(Ordering::Relaxed) <= most, "{asked}: {waited:?}");
            assert_eq!(told.contains("longer pause than is waited for"), sent == 1, "{told}");
            scene.close().await;
        }
    });
}

#[test]
fn an_old_key_is_not_relied_on() {
    block_on(async {
        let project = |text| with(text, "\"idempotency_key\":{\"header\":\"Idempotency-Key\",\"lifetime\":\"1h\"}");
        let mut scene = scene(KEY, GOOD, project).await;
        scene.applied(&playbook(SEND)).await;
        scene.died_before(|e| is_outcome(e, STEP)).await;
        let later = |minutes: i64| {
            let mut here = scene.shop.here.clone();
            here.world = hasty().with_clock(move || {
                let now = World::real().now();
                trueup::base::time::Stamp { micros: now.micros + minutes * 60_000_000, ..now }
            });
            here
        };
        let carried = scene.resume_in(&later(49)).await.unwrap();
        let told = in_doubt(&carried, STEP);
        assert!(told.contains("`crm` may have forgotten its key: most of the key's lifetime of 1h is over"), "{told}");
        assert_eq!(bytes(&scene).len(), 1, "nothing was sent");
        scene.died_before(|e| is_outcome(e, STEP)).await;
        let carried = scene.resume_in(&later(47)).await.unwrap();
        assert_eq!(carried.stopped, Stopped::Closed(End::Changed));
        assert_eq!((bytes(&scene).len(), effects(&scene)), (2, 1));
        scene.close().await;
    });
}

#[test]
fn a_repeatable_request_is_sent_again_and_a_refusal_then_proves_nothing() {
    let send = format!("{SEND}  repeatable: the ticket is the same one\n");
    block_on(async {
        let mut scene = scene("", &format!("{DROPPED}, {GOOD}"), |text| text).await;
        scene.applied(&playbook(&send)).await;
        let sent = bytes(&scene);
        assert_eq!((sent.len(), sent[0] == sent[1]), (2, true));
        scene.close().await;
        let mut scene = self::scene("", &format!("{DROPPED}, {{ status: 409, effect: none }}"), |text| text).await;
        let carried = scene.apply(&playbook(&send)).await.unwrap();
        let told = in_doubt(&carried, STEP);
        assert!(told.contains("Sent again: `crm` answered 409"), "{told}");
        scene.close().await;
    });
}

const PROBE: &str = "  probe:\n    read: { http: { api: crm, get: /tickets } }\n    done: self.body.count == 1\n    not_done: self.body.count == 0\n    settle: 30s\n";

#[test]
fn a_probe_says_that_it_was_done_or_that_it_is_sent_again() {
    let send = format!("{SEND}{PROBE}");
    block_on(async {
        let mut scene = scene("", &format!("{DROPPED}, {GOOD}"), |text| text).await;
        let carried = scene.apply(&playbook(&send)).await.unwrap();
        assert_eq!(found(&carried, STEP), "Its answer was lost; its probe says that it was done.");
        assert_eq!((bytes(&scene).len(), effects(&scene)), (1, 1));
        scene.close().await;
        let mut scene = self::scene("", &format!("{NEVER_READ}, {GOOD}"), |text| text).await;
        let carried = scene.apply(&playbook(&send)).await.unwrap();
        assert_eq!(carried.stopped, Stopped::Closed(End::Changed), "{:?}", carried.state.closed);
        assert_eq!(found(&carried, STEP), "Its answer was lost; its probe says that it was not done.");
        assert_eq!((bytes(&scene).len(), effects(&scene)), (2, 1));
        let asked = scene.crm.log().iter().filter(|l| l.method == "GET").count();
        assert_eq!(asked, 4, "once at once, three times after the other side must be through");
        scene.close().await;
    });
}

#[test]
fn a_probe_that_says_not_done_is_not_believed_at_once_unless_the_author_says_so() {
    block_on(async {
        let none = PROBE.replace("    settle: 30s\n", "");
        for (probe, timeout, seconds, words) in [
            (none.clone(), "", 30, "; \"not done\" is believed after 30s"),
            (none.clone(), " timeout: 5s,", 30, "; \"not done\" is believed after 30s"),
            (PROBE.replace("30s", "12s"), "", 12, "; \"not done\" is believed after 12s"),
            (PROBE.replace("30s", "0s"), "", 0, ""),
        ] {
            let http = SEND.replace("- id: send\n  http: {", &format!("- id: send\n  http: {{{timeout}"));
            let mut scene = scene("", &format!("{NEVER_READ}, {GOOD}"), |text| text).await;
            let (world, waited) = passing();
            let mut here = scene.shop.here.clone();
            here.world = world;
            let text = playbook(&format!("{http}{probe}"));
            let wanted = request(&[]);
            let prepared = ops::plan::setting(&here, &scene.shop.opened, scene.shop.playbook(&text), &wanted);
            let prepared = prepared.await.unwrap_or_else(|f| panic!("{}", said(&f)));
            let plan = ops::plan::plan(&prepared.setting, &request(&[]), &|_| {}).await.unwrap();
            let notes = &plan.items[0].steps.iter().find(|step| &*step.path == STEP).unwrap().notes;
            let told = format!("if its answer is lost: asked for by its probe{words}");
            assert!(notes.contains(&told), "{notes:?}");
            let carried = scene.apply_in(&here, &text, &|_| {}).await.unwrap();
            assert_eq!(found(&carried, STEP), "Its answer was lost; its probe says that it was not done.");
            let waited = waited.load(Ordering::Relaxed) / 1000;
            // And two pauses of a second between three equal answers.
            assert!((seconds + 1..=seconds + 2).contains(&waited), "{probe}: {waited}");
            assert_eq!((bytes(&scene).len(), effects(&scene)), (2, 1));
            scene.close().await;
        }
        // That it was done counts at once.
        let mut scene = scene("", &format!("{DROPPED}, {GOOD}"), |text| text).await;
        let (world, waited) = passing();
        let mut here = scene.shop.here.clone();
        here.world = world;
        let carried = scene.apply_in(&here, &playbook(&format!("{SEND}{none}")), &|_| {}).await.unwrap();
        assert_eq!(found(&carried, STEP), "Its answer was lost; its probe says that it was done.");
        assert_eq!((bytes(&scene).len(), waited.load(Ordering::Relaxed)), (1, 0));
        scene.close().await;
    });
}

#[test]
fn an_effect_that_comes_late_is_not_taken_for_absent() {
    let send = format!("{SEND}{PROBE}");
    block_on(async {
        let late = "{ status: 201, fault: drop_reply, effect_after: 50ms }";
        let mut scene = scene("", &format!("{late}, {GOOD}"), |text| text).await;
        let mut here = scene.shop.here.clone();
        // The settle time passes in no time, but not before the late effect is there: that is what it is for.
        let (address, waited) = (scene.crm.address(), Arc::new(AtomicU64::new(0)));
        let settled = waited.clone();
        here.world = World::real().with_pause(move |length| {
            settled.fetch_add(u64::try_from(length.as_millis()).unwrap(), Ordering::Relaxed);
            until_there(address)
        });
        let carried = scene.apply_in(&here, &playbook(&send), &|_| {}).await.unwrap();
        assert_eq!(found(&carried, STEP), "Its answer was lost; its probe says that it was done.");
        assert_eq!((bytes(&scene).len(), effects(&scene)), (1, 1));
        assert!((25_000..=30_000).contains(&waited.load(Ordering::Relaxed)), "the settle time was waited for");
        scene.close().await;
    });
}

/// Until the API shows the ticket.
async fn until_there(address: std::net::SocketAddr) {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    for _ in 0..2_000 {
        let mut wire = tokio::net::TcpStream::connect(address).await.unwrap();
        wire.write_all(
            b"GET /tickets HTTP/1.1\r\nhost: crm\r\nauthorization: Bearer key-of-the-crm\r\nconnection: close\r\n\r\n",
        )
        .await
        .unwrap();
        let mut text = String::new();
        wire.read_to_string(&mut text).await.unwrap();
        if text.ends_with("{\"count\":1}") {
            return;
        }
    }
    panic!("the late effect never came");
}

#[test]
fn a_probe_that_cannot_be_asked_leaves_it_in_doubt() {
    let send = format!("{SEND}{}", PROBE.replace("get: /tickets", "get: /nowhere"));
    block_on(async {
        let mut scene = scene("", DROPPED, |text| text).await;
        let carried = scene.apply(&playbook(&send)).await.unwrap();
        let told = in_doubt(&carried, STEP);
        assert!(told.contains("Its probe could not be asked: `crm` answered 404"), "{told}");
        assert_eq!(bytes(&scene).len(), 1);
        scene.close().await;
    });
}

#[test]
fn an_answer_that_is_lost_each_time_ends_in_a_pause_and_not_in_a_circle() {
    let send = format!("{SEND}{PROBE}");
    block_on(async {
        let mut scene = scene("", NEVER_READ, |text| text).await;
        let carried = scene.apply(&playbook(&send)).await.unwrap();
        assert_eq!(carried.stopped, Stopped::Paused);
        assert_eq!(
            carried.state.paused.as_deref(),
            Some("the answer of `send` was lost 3 times, and it was not done each time")
        );
        assert_eq!((bytes(&scene).len(), effects(&scene)), (3, 0));
        scene.close().await;
    });
}

#[test]
fn a_request_of_which_nothing_can_tell_is_never_sent_again() {
    block_on(async {
        let mut scene = scene("", &format!("{DROPPED}, {GOOD}"), |text| text).await;
        let carried = scene.apply(&playbook(SEND)).await.unwrap();
        let told = in_doubt(&carried, STEP);
        assert!(
            told.ends_with("whether it was done is not known. A person has to look into `crm` and decide."),
            "{told}"
        );
        let told = scene.stays_in_doubt(STEP).await;
        assert_eq!(told, "Its answer was lost. A person has to look into `crm` and decide.");
        assert_eq!((bytes(&scene).len(), effects(&scene)), (1, 1));
        scene.close().await;
    });
}

#[test]
fn what_never_left_is_no_doubt() {
    block_on(async {
        let mut scene = scene("", GOOD, |text| text).await;
        let refused =
            Mock::from_yaml("trueup: v1\nmock: crm\nrefuse: true\n").unwrap().start(World::real()).await.unwrap();
        let path = scene.shop.folder.path().join("trueup.yaml");
        let text = std::fs::read_to_string(&path).unwrap().replace(&scene.crm.url(), &refused.url());
        std::fs::write(&path, text).unwrap();
        scene.shop.opened = ops::project::open(&scene.shop.here, None).unwrap();
        let carried = scene.apply(&playbook(SEND)).await.unwrap();
        assert_eq!(carried.stopped, Stopped::Closed(End::Failed), "{:?}", carried.state.closed);
        scene.close().await;
    });
}
