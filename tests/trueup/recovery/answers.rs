//! What answers mean, lists in pages, requests that are finished later, bodies of every kind and tokens that end in the middle
//! of a run: with the faults really injected, and the effects counted.

use super::*;
use crate::proof::figures::{Figures, full, size};
use trueup::base::json;

const STEP: &str = "steps/send";
const NOTE: &str =
    "- id: noted\n  row: { of: thing, set: { note: \"{{ send.body | length }} of {{ send.pages }}\" } }\n";

async fn scene(mock: &str) -> Scene {
    Scene::open(&On::Sqlite, &format!("trueup: v1\nmock: crm\n{mock}"), |text| text).await
}

/// A step that sends, with these keys beside its path.
fn post(keys: &str) -> String {
    format!("- id: send\n  http: {{ api: crm, post: /jobs, json: {{ a: 1 }}, {keys} }}\n  irreversible: a test\n")
}

async fn ended(scene: &mut Scene, step: &str) -> (End, String) {
    let carried = scene.apply(&playbook(step)).await.unwrap_or_else(|f| panic!("{}", said(&f)));
    let message = carried.state.items["-"].steps.get(STEP).and_then(|s| s.outcome.as_ref()?.message.clone());
    (carried.state.end(), message.unwrap_or_default())
}

fn posts(scene: &Scene) -> usize {
    scene.crm.log().iter().filter(|call| call.method == "POST").count()
}

#[test]
fn what_an_answer_says_counts_beside_its_status() {
    block_on(async {
        for (answer, keys, end, expected) in [
            (
                "{ status: 409, json: { state: closed } }",
                "already_done_when: \"self.status == 409 and self.body.state == 'closed'\"",
                End::Unchanged,
                "",
            ),
            (
                "{ status: 200, json: { state: open } }",
                "already_done_when: \"self.body.state == 'closed'\"",
                End::Changed,
                "",
            ),
            (
                "{ status: 200, json: { error: no such job } }",
                "failed_when: self.body.error is not none",
                End::Failed,
                "`failed_when` says that it failed",
            ),
            (
                "{ status: 200, json: { state: odd } }",
                "success_when: \"self.body.state == 'done' and thing.id == 1\"",
                End::InDoubt,
                "`success_when` does not hold",
            ),
            ("{ status: 200, json: { state: done } }", "success_when: \"self.body.state == 'done'\"", End::Changed, ""),
            (
                "{ status: 200, json: {} }",
                "success_when: \"self.body.state == 'done'\"",
                End::InDoubt,
                "`success_when` cannot be judged",
            ),
            (
                "{ status: 200, json: { number: \"7\" } }",
                "expects: { number: number, when: text? }",
                End::InDoubt,
                "`number` of the body is a text, not a number",
            ),
            (
                "{ status: 200, json: { number: 7, when: null } }",
                "expects: { number: number, when: text? }",
                End::Changed,
                "",
            ),
            // The status stands before `success_when`: a refusal is a refusal.
            ("{ status: 422, json: { title: no } }", "success_when: \"true\"", End::Failed, "answered 422"),
            ("{ status: 200, text: \"0123456789\" }", "max_body: 4", End::InDoubt, "is larger than 4 bytes"),
        ] {
            let mut scene = scene(&format!("routes: [{{ post: /jobs, answer: {answer} }}]")).await;
            let (found, message) = ended(&mut scene, &post(keys)).await;
            assert_eq!(found, end, "{answer} {keys}: {message}");
            assert!(message.contains(expected), "{keys}: {message}");
            assert_eq!(posts(&scene), 1, "{keys}");
            scene.close().await;
        }
    });
}

const JOB: &str = "routes:\n- post: /jobs\n  answer: { status: 202, headers: { Location: /jobs/7, Retry-After: \"3\" }, json: { id: 7 } }\n- get: /jobs/7\n  answers: [{ json: { state: running } }, { status: 503 }, { json: { state: running } }, { json: { state: STATE } }]\n";
const ACCEPTED: &str = "accepted: { until: \"self.body.state == 'done'\", failed_when: \"self.body.state == 'failed'\", every: 1s, at_most: 10m }";

#[test]
fn a_request_that_was_only_taken_is_asked_about_until_it_is_finished() {
    block_on(async {
        for (state, polls, end, expected) in [
            ("done", ACCEPTED.to_owned(), End::Changed, ""),
            ("failed", ACCEPTED.to_owned(), End::Failed, "took the request, and it failed later"),
            ("done", ACCEPTED.replace("until", "poll: \"/jobs/{{ self.body.id }}\", until"), End::Changed, ""),
            ("done", ACCEPTED.replace("until", "poll: /nothing, until"), End::InDoubt, "answered 404"),
            (
                "done",
                ACCEPTED.replace("until", "poll: \"https://elsewhere.example/x\", until"),
                End::InDoubt,
                "not below",
            ),
            ("running", ACCEPTED.replace("10m", "1ms"), End::InDoubt, "not finished within 1ms"),
        ] {
            let mut scene = scene(&JOB.replace("STATE", state)).await;
            let (found, message) = ended(&mut scene, &post(&polls)).await;
            assert_eq!(found, end, "{polls}: {message}");
            assert!(message.contains(expected), "{polls}: {message}");
            assert_eq!(posts(&scene), 1, "it is never sent again");
            scene.close().await;
        }
    });
}

#[test]
fn however_long_an_api_asks_to_be_left_alone_it_is_asked_no_longer_than_allowed() {
    block_on(async {
        for later in [
            "headers: { Retry-After: \"3600\" }, json: { state: running }",
            "status: 503, headers: { Retry-After: \"3600\" }",
        ] {
            let head = "{ status: 202, headers: { Location: /jobs/7 }, json: { id: 7 } }";
            let mock = format!("routes:\n- post: /jobs\n  answer: {head}\n- get: /jobs/7\n  answer: {{ {later} }}\n");
            let mut scene = scene(&mock).await;
            let (world, waited) = passing();
            let mut here = scene.shop.here.clone();
            here.world = world;
            let text = playbook(&post(&ACCEPTED.replace("10m", "4s")));
            let carried = scene.apply_in(&here, &text, &|_| {}).await.unwrap_or_else(|f| panic!("{}", said(&f)));
            let told = in_doubt(&carried, STEP);
            assert!(told.contains("it was not finished within 4s"), "{told}");
            let waited = waited.load(Ordering::Relaxed);
            assert!((3_000..=4_000).contains(&waited), "{later}: {waited}");
            scene.close().await;
        }
    });
}

#[test]
fn a_crash_while_a_request_is_not_finished_goes_on_asking_and_never_sends_it_again() {
    block_on(async {
        let is_taken = |event: &Event| matches!(event, Event::StepRead(read) if &*read.step == STEP);
        let mut scene = scene(&JOB.replace("STATE", "done")).await;
        scene.applied(&playbook(&post(ACCEPTED))).await;
        // The process died while it was asking.
        scene.died_before(|event| is_outcome(event, STEP)).await;
        let told = scene.found_out(STEP).await;
        assert!(told.contains("the API had taken the request, and is finished with it"), "{told}");
        assert_eq!(posts(&scene), 1);
        // It died before the 202 was kept: nobody knows whether it was sent.
        scene.died_before(is_taken).await;
        let told = scene.stays_in_doubt(STEP).await;
        assert!(told.contains("A person has to look"), "{told}");
        assert_eq!(posts(&scene), 1);
        scene.close().await;
    });
}

#[test]
fn bodies_of_every_kind_are_sent_again_byte_for_byte() {
    block_on(async {
        for (body, kind, part) in [
            (
                "form: { email: ada@example.org, many: [1, 2], none: null }",
                "application/x-www-form-urlencoded",
                "ada@example.org",
            ),
            (
                "multipart: { note: \"{{ thing.name }}\", file: { content: \"id\\r\\n{{ thing.id }}\", type: text/csv, filename: a.csv } }",
                "multipart/form-data; boundary=trueup-",
                "filename=\\\"a.csv\\\"",
            ),
            (
                "text: \"<thing>{{ thing.id }}</thing>\", content_type: application/xml",
                "application/xml",
                "<thing>1</thing>",
            ),
        ] {
            let mock = "idempotency_key: Idempotency-Key\nroutes: [{ post: /jobs, answers: [{ status: 201, fault: drop_reply }, { status: 500 }] }]";
            let keyed = |text: String| {
                text.replace(
                    "\"error_code\":\"body.code\"",
                    "\"error_code\":\"body.code\",\"idempotency_key\":\"Idempotency-Key\"",
                )
            };
            let mut scene = Scene::open(&On::Sqlite, &format!("trueup: v1\nmock: crm\n{mock}"), keyed).await;
            let step = format!("- id: send\n  http: {{ api: crm, post: /jobs, {body} }}\n  irreversible: a test\n");
            scene.applied(&playbook(&step)).await;
            // Sent again by the living process, and by another one from the journal.
            scene.died_before(|event| is_outcome(event, STEP)).await;
            scene.resume().await.unwrap_or_else(|f| panic!("{}", said(&f)));
            let log = scene.crm.log();
            let sent: Vec<_> = log
                .iter()
                .filter(|call| call.method == "POST")
                .map(|call| (call.header("content-type").unwrap_or("").to_owned(), json::text_of(&call.body)))
                .collect();
            assert_eq!(sent.len(), 3, "{sent:?}");
            assert!(sent.iter().all(|one| *one == sent[0]), "{sent:?}");
            assert!(sent[0].0.starts_with(kind) && sent[0].1.contains(part), "{sent:?}");
            assert_eq!(scene.crm.effects().values().sum::<usize>(), 1);
            scene.close().await;
        }
    });
}

/// Three pages, two entries each.
const PAGES: &str = "routes:\n\
- { get: /things, query: { page: \"1\" }, answer: { headers: { Total-Pages: \"3\" }, json: [1, 2] } }\n\
- { get: /things, query: { page: \"2\" }, answers: [{ status: 503 }, { headers: { Total-Pages: \"3\" }, json: [3, 4] }] }\n\
- { get: /things, query: { page: \"3\" }, answer: { headers: { Total-Pages: \"3\" }, json: [5, 6] } }\n\
- { get: /things, query: { page: \"4\" }, answer: { json: [] } }\n\
- { get: /linked, query: { page: null }, answer: { headers: { Link: \"</linked?page=2>; rel=\\\"next\\\", </linked?page=2>; rel=last\" }, json: [1, 2] } }\n\
- { get: /linked, query: { page: \"2\" }, answer: { headers: { Link: \"</linked>; rel=prev\" }, json: [3] } }\n\
- { get: /odata, query: { \"$skip\": null }, answer: { json: { value: [1, 2], \"@odata.nextLink\": \"/odata?$skip=2&$filter=a%20b\" } } }\n\
- { get: /odata, query: { \"$skip\": \"2\", \"$filter\": a b }, answer: { json: { value: [3] } } }\n\
- { get: /cursor, query: { after: null }, answer: { json: { rows: [1], next: x1 } } }\n\
- { get: /cursor, query: { after: x1 }, answer: { json: { rows: [2], next: \"\" } } }\n\
- { get: /away, answer: { json: { value: [1], next: \"https://elsewhere.example/away\" } } }\n\
- { get: /above, answer: { json: { value: [1], next: \"//127.0.0.1:1/above\" } } }\n\
- { get: /round, answer: { json: { value: [1], next: \"/round\" } } }\n\
- { get: /words, answer: { json: { value: hello } } }\n";

#[test]
fn a_list_in_pages_is_one_result_in_preview_and_apply() {
    block_on(async {
        let odata = "next: \"self.body['@odata.nextLink'] | default(none)\", items: self.body.value";
        let next = "next: self.body.next, items: self.body.value";
        for (path, pages, expected) in [
            ("things", "page: page, total: \"self.headers['total-pages']\", at_most: 5", Ok("6 of 3")),
            ("things", "page: page, at_most: 5", Ok("6 of 4")),
            ("linked", "link: true, at_most: 2", Ok("3 of 2")),
            ("odata", &format!("{odata}, at_most: 9"), Ok("3 of 2")),
            ("cursor", "cursor: after, after: self.body.next, items: self.body.rows, at_most: 9", Ok("2 of 2")),
            ("things", "page: page, at_most: 2", Err("is the last that `at_most: 2` allows")),
            (
                "away",
                &format!("{next}, at_most: 9"),
                Err("leads to https://elsewhere.example/away, which is not below http://127.0.0.1"),
            ),
            ("above", &format!("{next}, at_most: 9"), Err("which is not below http://127.0.0.1")),
            ("round", &format!("{next}, at_most: 9"), Err("leads to a page that was read before")),
            ("words", "link: true, items: self.body.value, at_most: 9", Err("page 1 of a list is a text, not a list")),
        ] {
            let mut scene = scene(PAGES).await;
            let step = format!("- id: send\n  http: {{ api: crm, get: /{path}, pages: {{ {pages} }} }}\n{NOTE}");
            let text = format!(
                "{}errors: [{{ name: later, status: 503, then: {{ retry: {{ attempts: 2, backoff: 1s }} }} }}]\n",
                playbook(&step)
            );
            match expected {
                Ok(note) => {
                    scene.applied(&text).await;
                    assert_eq!(scene.cell("things", "note").await, note, "{path} {pages}");
                }
                Err(part) => {
                    let loaded = scene.shop.playbook(&text);
                    let prepared =
                        ops::plan::setting(&scene.shop.here, &scene.shop.opened, loaded, &request(&[])).await.unwrap();
                    let plan = ops::plan::plan(&prepared.setting, &request(&[]), &|_| {}).await;
                    let told = match plan {
                        Ok(plan) => plan.items[0].stop.as_ref().map(|stop| stop.message.clone()).unwrap_or_default(),
                        Err(failure) => said(&failure),
                    };
                    assert!(told.contains(part), "{path} {pages}: {told}");
                }
            }
            assert_eq!(posts(&scene), 0);
            scene.close().await;
        }
    });
}

#[test]
fn a_token_that_ends_in_the_middle_of_a_run_is_renewed_and_stands_in_no_record() {
    block_on(async {
        let mock = "trueup: v1\nmock: crm\nauth: { oauth2: { token: /token, client_id: me, client_secret: key-of-the-crm, scheme: JWT, calls: 1 } }\nroutes: [{ post: /jobs, answer: { status: 201 } }]";
        let mut scene = Scene::open(&On::Sqlite, mock, |text| {
            let base = text.split("\"base\":\"").nth(1).unwrap().split('"').next().unwrap().to_owned();
            let oauth = format!(
                "\"error_code\":\"body.code\",\"auth\":{{\"oauth2\":{{\"token_url\":\"{base}/token\",\"client_id\":\"me\",\"client_secret\":{{\"secret\":\"CRM_KEY\"}},\"scheme\":\"JWT\"}}}}"
            );
            let without = regex_free_without_auth(&text);
            without.replace("\"error_code\":\"body.code\"", &oauth)
        })
        .await;
        let three = (1..=3)
            .map(|n| {
                format!(
                    "- id: send{n}\n  http: {{ api: crm, post: /jobs, json: {{ n: {n} }} }}\n  irreversible: a test\n"
                )
            })
            .collect::<String>();
        scene.applied(&playbook(&three)).await;
        assert_eq!(scene.crm.effects().get("POST /jobs"), Some(&3), "each one once");
        let tokens = scene.crm.log().iter().filter(|call| call.path == "/token").count();
        assert_eq!(tokens, 3, "one for the first, one renewal each for the others");
        let journal = std::fs::read(scene.shop.opened.journal()).unwrap();
        let events = format!("{:?} {:?}", scene.events, scene.ticks());
        for secret in ["mock-token-", "key-of-the-crm"] {
            assert!(!events.contains(secret), "{secret}");
            assert!(!journal.windows(secret.len()).any(|bytes| bytes == secret.as_bytes()), "{secret} in the journal");
        }
        scene.close().await;
    });
}

/// The project file's text without the `auth` of the API: JSON of one level of braces.
fn regex_free_without_auth(text: &str) -> String {
    let Some(start) = text.find("\"auth\":{") else { return text.to_owned() };
    let mut depth = 0;
    let end = text[start..]
        .char_indices()
        .find_map(|(at, c)| {
            match c {
                '{' => depth += 1,
                '}' => depth -= 1,
                _ => return None,
            }
            (depth == 0).then_some(start + at + 1)
        })
        .unwrap();
    format!("{}{}", &text[..start].trim_end_matches(','), &text[end..])
}

#[test]
fn rows_of_the_table_tell_attempts_and_bodies_apart() {
    block_on(async {
        let mock = "routes: [{ post: /jobs, answers: [{ status: 429 }, { status: 429 }, { status: 429, json: { errors: { a.b: [limit of the day] } } }] }]";
        let mut scene = scene(mock).await;
        let table = "errors:\n- { name: day, status: 429, body: { errors.a.b: limit of the day }, then: { stop: no more today } }\n- { name: twice, status: 429, attempt: 5, then: { fail: too often } }\n- { name: wait, status: 429, then: { retry: { attempts: 9, backoff: 1s } } }\n";
        let carried = scene.apply(&format!("{}{table}", playbook(&post("headers: {}")))).await.unwrap();
        let closed = &carried.state.items["-"].closed.as_ref().unwrap();
        assert_eq!(closed.end, End::Stopped, "{closed:?}");
        assert_eq!(posts(&scene), 3);
        scene.close().await;
        let mut scene = self::scene("routes: [{ post: /jobs, answer: { status: 429 } }]").await;
        let carried = scene.apply(&format!("{}{table}", playbook(&post("headers: {}")))).await.unwrap();
        assert_eq!(carried.state.items["-"].closed.as_ref().unwrap().end, End::Failed);
        assert_eq!(posts(&scene), 5, "from the fifth attempt on it is another row");
        scene.close().await;
    });
}

/// `reliability.md` T10 for lists: whatever goes wrong with a page in the middle, the list is whole or it is a failure.
#[test]
fn every_fault_of_a_page_gives_the_whole_list_or_a_failure_and_never_a_part() {
    block_on(async {
        let mut figures = Figures::new("T10", "every fault of a page of a list");
        let faults = [
            "fault: hang",
            "fault: reset_before",
            "fault: reset_after",
            "fault: drop_reply",
            "fault: truncate",
            "fault: garbled",
            "fault: not_http",
            "fault: wrong_length",
            "fault: huge",
            "fault: bomb",
            "fault: slow_drip, delay: 300ms",
            "status: 500",
            "status: 502",
            "status: 503",
            "status: 504",
            "status: 429",
            "status: 408",
            "status: 401",
        ];
        assert_eq!(faults.len(), 18);
        let goods = ["[1, 2]", "[3]", "[]"];
        // The gate spoils the one in the middle, a release each of them.
        let pages = if full() { 1..=3 } else { 2..=2 };
        let cells = faults.into_iter().flat_map(|fault| pages.clone().map(move |page| (fault, page)));
        let cells = cells.flat_map(|(fault, page)| [(fault, page, true), (fault, page, false)]);
        for (fault, page, passing) in cells {
            let place = format!("{fault}, page {page}, passing {passing}");
            let route = |number: usize| {
                let good = format!("{{ json: {} }}", goods[number - 1]);
                let answers = match (number == page, passing) {
                    (false, _) => good,
                    (true, true) => format!("{{ {fault}, json: [9] }}, {good}"),
                    (true, false) => format!("{{ {fault}, json: [9] }}"),
                };
                format!("- {{ get: /x, query: {{ page: \"{number}\" }}, answers: [{answers}] }}\n")
            };
            let mock = format!("trueup: v1\nmock: crm\nroutes:\n{}", (1..=3).map(route).collect::<String>());
            let mut scene = Scene::open(&On::Sqlite, &mock, |text| text).await;
            // What hangs needs a short patience. Elsewhere a machine that is busy elsewhere must not cost a good page its answer.
            let patience = if fault.contains("hang") || fault.contains("delay") { "200ms" } else { "2s" };
            let step = format!(
                "- id: send\n  http: {{ api: crm, get: /x, timeout: {patience}, pages: {{ page: page, at_most: 9 }} }}\n{NOTE}"
            );
            let again = "then: { retry: { attempts: 2, backoff: 1s } }";
            let text = format!(
                "{}errors: [{{ name: kinds, kind: [connect, timeout, body], {again} }}, {{ name: statuses, status: [4xx, 5xx], {again} }}]\n",
                playbook(&step)
            );
            if passing {
                scene.applied(&text).await;
                assert_eq!(scene.cell("things", "note").await, "3 of 3", "{place}");
            } else {
                let loaded = scene.shop.playbook(&text);
                let prepared =
                    ops::plan::setting(&scene.shop.here, &scene.shop.opened, loaded, &request(&[])).await.unwrap();
                let plan = ops::plan::plan(&prepared.setting, &request(&[]), &|_| {}).await;
                assert!(plan.map_or(true, |plan| plan.items[0].stop.is_some()), "{place}");
            }
            let asked = page.to_string();
            let tried =
                scene.crm.log().iter().filter(|call| call.query.iter().any(|(_, value)| *value == asked)).count();
            assert!(tried >= if passing { 2 } else { 3 }, "{place}: the fault happened ({tried})");
            figures.points += 1;
            figures.faults += if passing { 1 } else { tried };
            scene.close().await;
        }
        assert_eq!(figures.points, 18 * size(1, 3) * 2);
        let at_least = figures.points * 2;
        figures.end(at_least);
    });
}

const REPAIR: &str = "- id: open\n  repair: true\n  http: { api: crm, post: /open }\n  irreversible: a test\n- id: counted\n  row: { of: thing, set: { count: 5 } }\n";
const CLOSED: &str = "errors:\n- { name: closed, step: send, status: 409, then: { fix: open, retry: { attempts: 2, backoff: 1s, exhausted: { fail: still closed } } } }\n";

fn calls(scene: &Scene) -> Vec<String> {
    scene.sent().iter().map(|call| call.trim_start_matches("POST /").to_owned()).collect()
}

#[test]
fn what_a_call_complains_about_is_put_right_once_and_the_call_is_tried_again() {
    block_on(async {
        for (answers, sent, end) in [
            ("[{ status: 201 }]", vec!["jobs"], End::Changed),
            ("[{ status: 409 }, { status: 201 }]", vec!["jobs", "open", "jobs"], End::Changed),
            ("[{ status: 409 }]", vec!["jobs", "open", "jobs", "jobs"], End::Failed),
        ] {
            let mut scene = scene(&format!(
                "routes: [{{ post: /jobs, answers: {answers} }}, {{ post: /open, answer: {{ status: 204 }} }}]"
            ))
            .await;
            let text = format!("{}{CLOSED}", playbook(&format!("{REPAIR}{}", post("headers: {}"))));
            let carried = scene.apply(&text).await.unwrap_or_else(|f| panic!("{}", said(&f)));
            assert_eq!(carried.state.end(), end, "{answers} {:?}", scene.ticks());
            assert_eq!(calls(&scene), sent, "{answers}");
            assert_eq!(scene.cell("things", "count").await, "5", "what stood between is not done twice");
            scene.close().await;
        }
        // Wherever the process dies, the repair and the call are done once each.
        let mut scene = scene("routes: [{ post: /jobs, answers: [{ status: 409 }, { status: 201 }] }, { post: /open, answer: { status: 204 } }]").await;
        let text = format!("{}{CLOSED}", playbook(&format!("{REPAIR}{}", post("headers: {}"))));
        scene.applied(&text).await;
        let asked = |event: &Event| matches!(event, Event::StepOutcome(o) if &*o.step == "steps/open" && o.outcomes[0].message.as_deref().is_some_and(|m| m.contains("is done, then")));
        let armed = scene.events.iter().position(asked).expect("the repair was asked for");
        // Both were recorded, and nothing since.
        scene.keep(&scene.events[..armed + 2]).await;
        let carried = scene.resume().await.unwrap_or_else(|f| panic!("{}", said(&f)));
        assert_eq!(carried.stopped, Stopped::Closed(End::Changed), "{:?}", carried.state.closed);
        assert_eq!(calls(&scene), ["jobs", "open", "jobs", "open", "jobs"]);
        scene.close().await;
    });
}
