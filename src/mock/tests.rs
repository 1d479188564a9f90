//! Mocks as their files describe them: no sockets here, one call after the other.

use super::{
    behind::{Deed, RowDeed},
    call::Call,
    model::Mock,
    play::{Found, Reply, Stage},
    worker::{WorkerFile, scope_of},
};
use crate::base::{diagnostic::Diagnostics, json, source::Source, time::Stamp, value::Value};
use std::sync::Arc;

const GUIDE: &str = include_str!("../../docs/mock.md");

/// The YAML blocks of the guide, by the mock's name.
fn guide(name: &str) -> Mock {
    let blocks: Vec<&str> = GUIDE.split("```yaml mock\n").skip(1).filter_map(|rest| rest.split("```").next()).collect();
    let text = blocks.iter().find(|block| block.contains(&format!("mock: {name}\n"))).unwrap();
    Mock::from_yaml(text).unwrap_or_else(|problems| panic!("{name}: {:?}", problems.sorted()))
}

struct Play(Stage);

impl Play {
    fn of(mock: Mock) -> Play {
        Play(Stage::new(Arc::new(mock)))
    }

    fn send(&mut self, call: &str, headers: &[(&str, &str)], body: &str) -> Reply {
        let (method, target) = call.split_once(' ').unwrap();
        let (path, query) = target.split_once('?').unwrap_or((target, ""));
        let pairs = query.split('&').filter_map(|pair| pair.split_once('=')).map(|(n, v)| (n.to_owned(), v.to_owned()));
        let call = Call {
            method: method.into(),
            path: path.into(),
            query: pairs.collect(),
            headers: headers.iter().map(|(n, v)| ((*n).to_owned(), (*v).to_owned())).collect(),
            body: body.as_bytes().to_vec(),
        };
        self.0.answer(&call, Stamp::new(0), &Default::default())
    }

    /// `200 {"a":1}`
    fn get(&mut self, call: &str) -> String {
        let reply = self.send(call, &[], "");
        format!("{} {}", reply.status, String::from_utf8(reply.body).unwrap())
    }
}

#[test]
fn every_block_of_the_guide_is_a_mock() {
    let names: Vec<_> = GUIDE.lines().filter_map(|line| line.strip_prefix("mock: ")).collect();
    assert_eq!(names.len(), 11, "{names:?}");
    names.into_iter().for_each(|name| assert_eq!(guide(name).mock.as_str(), name));
}

#[test]
fn a_greeting_depends_on_path_query_and_body() {
    let mut greeter = Play::of(guide("greeter"));
    assert_eq!(greeter.get("GET /greet/ada?loud=yes"), "200 HELLO ADA!");
    assert_eq!(greeter.get("GET /greet/ada%20b"), r#"200 {"hello":"ada b","lang":"en"}"#);
    assert_eq!(greeter.get("GET /greet/ada?lang=cy"), r#"200 {"hello":"ada","lang":"cy"}"#);
    assert_eq!(greeter.get("GET /greet/nobody"), r#"404 {"title":"no such thing","status":404}"#);
    for turn in 1..3 {
        let echo = greeter.send("POST /echo", &[], r#"{"n": 1.10, "big": 12345678901234567890}"#);
        assert_eq!(String::from_utf8(echo.body).unwrap(), r#"{"n":1.10,"big":12345678901234567890}"#);
        assert!(echo.status == 201 && echo.headers.contains(&("x-called".into(), turn.to_string())));
    }
    assert_eq!(
        Play::of(guide("weather")).get("GET /yesterday"),
        r#"404 {"title":"no route of the mock `weather` fits GET /yesterday","status":404}"#
    );
}

#[test]
fn a_call_without_the_right_key_reaches_no_route() {
    let mut guarded = Play::of(guide("guarded"));
    assert_eq!(guarded.get("GET /secret"), r#"401 {"title":"Unauthorized","status":401}"#);
    let reply = guarded.send("GET /secret", &[("authorization", "Bearer sandbox-key")], "");
    assert_eq!(reply.status, 200);
    let log = guarded.0.log();
    assert_eq!(log.iter().map(|l| &*l.route).collect::<Vec<_>>(), ["auth", "GET /secret"]);
    assert!(!json::masked(&log[1].value()).contains("sandbox-key"));
}

#[test]
fn rows_are_found_changed_added_and_taken_away() {
    let mut play = Play::of(guide("teachers"));
    let unknown = r#"404 {"title":"Teacher with specified TRN not found","status":404,"errorCode":10001}"#;
    assert_eq!(
        play.get("GET /v2/teachers/1234567?birthdate=1990-05-04"),
        r#"200 {"trn":"1234567","firstName":"Ada","qtsDate":null}"#
    );
    assert_eq!(play.get("GET /v2/teachers/1234567?birthdate=1990-05-05"), unknown);
    assert_eq!(play.get("GET /v2/teachers/1234567"), unknown);
    assert_eq!(play.get("GET /v2/teachers/7654321?birthdate=1985-01-31"), unknown);
    assert!(play.get("GET /v2/teachers/7654321?birthdate=1985-01-31&includeInactive=true").starts_with("200"));
    let pass = r#"{"assessmentDate": "2025-07-06"}"#;
    let reply = play.send("PUT /v2/teachers/1234567/itt-outcome", &[], pass);
    assert_eq!(String::from_utf8(reply.body).unwrap(), r#"{"trn":"1234567","qtsDate":"2025-07-06"}"#);
    assert_eq!(play.send("PUT /v2/teachers/1/itt-outcome", &[], pass).status, 404);
    let reply = play.send("POST /v2/teachers", &[], r#"{"firstName": "Cy", "dateOfBirth": "2000-01-01"}"#);
    assert_eq!((reply.status, String::from_utf8(reply.body).unwrap()), (201, r#"{"trn":8000001}"#.to_owned()));
    assert!(play.get("GET /v2/teachers/8000001?birthdate=2000-01-01").contains("Cy"));
    assert_eq!(play.get("DELETE /v2/teachers/8000001"), "204 ");
    assert_eq!(play.get("GET /v2/teachers/8000001?birthdate=2000-01-01"), unknown);
    let rows = play.0.rows("teachers");
    assert_eq!((rows.len(), rows[0].get("qtsDate").unwrap().as_str()), (2, Some("2025-07-06")));
    let effects: Vec<_> = play.0.effects().into_iter().collect();
    let once = |call: &str| (call.to_owned(), 1);
    assert_eq!(
        effects,
        [once("DELETE /v2/teachers/8000001"), once("POST /v2/teachers"), once("PUT /v2/teachers/1234567/itt-outcome")]
    );
}

#[test]
fn answers_come_in_turn_and_are_counted_apart() {
    let mut moody = Play::of(guide("moody"));
    for trn in ["1", "2"] {
        assert!(moody.get(&format!("GET /v2/teachers/{trn}")).starts_with("500"));
        assert_eq!(moody.get(&format!("GET /v2/teachers/{trn}")), format!("200 {{\"trn\":\"{trn}\"}}"));
    }
    let busy: Vec<_> = (0..5).map(|_| moody.get("GET /busy").split(' ').next().unwrap().to_owned()).collect();
    assert_eq!(busy, ["429", "429", "200", "200", "200"]);
    let fails =
        Mock::from_yaml("trueup: v1\nmock: m\nroutes: [{ get: /x, answers: [{ status: 204 }], last: fails }]").unwrap();
    let mut fails = Play::of(fails);
    assert_eq!(fails.get("GET /x"), "204 ");
    assert_eq!(
        fails.get("GET /x"),
        r#"500 {"title":"the mock `m` cannot answer: `GET /x` has no answer for call 2","status":500}"#
    );
    assert!(fails.0.log()[1].problem.is_some());
}

#[test]
fn a_trouble_meets_single_calls_and_leaves_the_routes_as_they_are() {
    let mut lms = Play::of(guide("lms"));
    let state = |lms: &Play| lms.0.rows("learners")[0].get("state").unwrap().bare().into_owned();
    let to = |lms: &mut Play, new: &str| {
        let reply = lms.send("PATCH /learners/ada", &[], &format!(r#"{{"state": "{new}"}}"#));
        (reply.status, reply.fault)
    };
    // Down twice, and nothing is changed; the trouble in front of it meets other calls.
    assert_eq!(to(&mut lms, "ABORTED"), (503, None));
    assert_eq!(to(&mut lms, "COMPLETE"), (204, Some(crate::mock::Fault::DropReply)), "done, and the answer is lost");
    assert_eq!(state(&lms), "COMPLETE");
    assert_eq!(to(&mut lms, "COMPLETE"), (503, None), "the first trouble is over, the second one has one left");
    assert_eq!(to(&mut lms, "COMPLETE"), (204, None));
    let log = lms.0.log();
    let routes: Vec<_> = log.iter().map(|l| (&*l.route, l.effect)).collect();
    assert_eq!(
        routes,
        [
            ("down for a moment", false),
            ("updated, and the answer is lost", true),
            ("down for a moment", false),
            ("PATCH /learners/{name}", true)
        ]
    );
    // A request that was read and never answered is not carried out.
    let mut hangs = Play::of(Mock::from_yaml("trueup: v1\nmock: x\ncollections: { a: { key: id, rows: [{ id: \"1\", n: 1 }] } }\nroutes: [{ put: \"/a/{id}\", of: a, set: { n: 2 } }]\ntroubles: [{ put: \"/a/{id}\", answer: { fault: hang } }]\n").unwrap());
    assert_eq!(hangs.send("PUT /a/1", &[], "{}").fault, Some(crate::mock::Fault::Hang));
    assert_eq!(hangs.0.rows("a")[0].get("n").unwrap().bare(), "1");
    for (text, wrong) in [
        ("troubles: [{ answer: { status: 500 } }]", "exactly one method"),
        ("troubles: [{ get: /a, answer: { headers: { a: b } } }]", "nothing goes wrong"),
        ("troubles: [{ get: /a, when: learner == 1, answer: { status: 500 } }]", "knows no name `learner`"),
        ("troubles: [{ get: /a, answers: [] }]", "answers"),
    ] {
        let problems = Mock::from_yaml(&format!("trueup: v1\nmock: x\n{text}\n")).unwrap_err();
        assert!(problems.sorted().iter().any(|p| p.message.contains(wrong)), "{text}: {:?}", problems.sorted());
    }
}

#[test]
fn the_same_key_gets_the_first_answer_and_no_second_change() {
    let mut payments = Play::of(guide("payments"));
    let pay = |play: &mut Play, key: &str| {
        String::from_utf8(play.send("POST /payments", &[("idempotency-key", key)], r#"{"amount": 5}"#).body).unwrap()
    };
    assert_eq!(pay(&mut payments, "a"), r#"{"id":"p1","amount":5}"#);
    assert_eq!(pay(&mut payments, "a"), r#"{"id":"p1","amount":5}"#);
    assert_eq!(pay(&mut payments, "b"), r#"{"id":"p2","amount":5}"#);
    assert_eq!(payments.0.rows("payments").len(), 2);
    assert_eq!(payments.0.effects().into_iter().collect::<Vec<_>>(), [("a".to_owned(), 1), ("b".to_owned(), 1)]);
}

#[test]
fn an_expression_that_fails_is_said_in_the_answer_and_in_the_log() {
    let mut play = Play::of(
        Mock::from_yaml("trueup: v1\nmock: m\nroutes: [{ get: /x, when: \"query.a == '1'\", answer: { text: ok } }]")
            .unwrap(),
    );
    assert_eq!(play.get("GET /x?a=1"), "200 ok");
    let answer = play.get("GET /x");
    assert!(answer.starts_with("500") && answer.contains("query.a"), "{answer}");
    let problem = play.0.log()[1].problem.clone().unwrap();
    assert!(problem.contains("query.a == '1'"), "{problem}");
}

#[test]
fn every_mistake_of_a_file_is_named_at_its_place() {
    let text = "trueup: v1\nmock: m\nlisten: 0.0.0.0:80\nauth: {}\ncollections: { c: { key: id, rows: [{ x: 1 }] } }\nroutes:\n\
        - { get: /a, post: /b }\n- { get: '/c/{x}', of: c }\n- { get: '/c/{id}', of: d, answer: { json: 1, text: a } }\n\
        - { put: '/c/{id}', set: { a: \"{{ bodi.a }}\" }, answer: { json: \"{{ path.idd }}\" } }\n- { get: /e, answer: { status: 42, fault: resett } }\n- { get: e, last: repeats }\n";
    let source = Source::new("m.yaml", text);
    let mut problems = Diagnostics::new(source.clone());
    assert!(Mock::parse(&source, &mut problems).is_none());
    let shapes: Vec<_> =
        problems.sorted().iter().map(|d| format!("{} {}", source.place(d.span.start).line, d.message)).collect();
    assert_eq!(shapes.len(), 4, "{shapes:?}");
    // What does not fit together is looked for once the shapes are right.
    let text = text
        .replace("0.0.0.0", "127.0.0.1")
        .replace("status: 42, fault: resett", "status: 404")
        .replace("get: e,", "get: /e,");
    let source = Source::new("m.yaml", text);
    let mut problems = Diagnostics::new(source.clone());
    assert!(Mock::parse(&source, &mut problems).is_none());
    let found: Vec<_> =
        problems.sorted().iter().map(|d| format!("{} {}", source.place(d.span.start).line, d.message)).collect();
    assert_eq!(
        found,
        [
            "4 auth has exactly one of `bearer`, `header` and `oauth2`",
            "5 row 1 of `c` has no `id`, the key of its collection",
            "7 a route has exactly one method with its path",
            "8 the path does not hold `{id}`, the key of `c`",
            "9 the mock has no collection `d`",
            "9 an answer has `json` or `text`, not both",
            "10 `set`, `insert`, `remove` and `missing` need `of`, the collection",
            "10 a mock knows no name `bodi`",
            "10 the route's path has no `idd`",
            "12 `last` says what comes after `answers`, and there are none",
        ]
    );
}

#[test]
fn the_sandbox_of_register_is_played_by_its_mock() {
    let mock = Mock::from_yaml(include_str!("../../examples/register/dqt.mock.yaml"))
        .unwrap_or_else(|p| panic!("{:?}", p.sorted()));
    let mut dqt = Play::of(mock);
    let auth = [("authorization", "Bearer sandbox-key")];
    let mut status = |call: &str| dqt.send(call, &auth, "").status;
    assert_eq!(status("GET /v2/teachers/3001001?birthdate=1997-03-14"), 200);
    assert_eq!(status("GET /v2/teachers/3001001?birthdate=1997-03-15"), 404);
    assert_eq!([500, 200], ["", ""].map(|_| status("GET /v2/teachers/3001004?birthdate=1988-01-19")));
    assert_eq!([429, 200], ["", ""].map(|_| status("GET /v2/teachers/3001005?birthdate=1999-09-09")));
    let problems: Vec<_> = dqt.0.log().into_iter().filter_map(|l| l.problem).collect();
    assert_eq!(problems, Vec::<String>::new());
    assert_eq!(Value::from(i64::from(dqt.send("GET /v2/teachers/3001001", &[], "").status)), Value::from(401));
}

fn call(method: &str, path: &str) -> Call {
    Call { method: method.into(), path: path.into(), ..Call::default() }
}

fn map(text: &str) -> crate::base::value::Map {
    json::parse(text).unwrap().as_map().unwrap().clone()
}

fn rows(of: &[(&str, &str)]) -> crate::base::value::Map {
    of.iter().map(|(name, list)| ((*name).into(), json::parse(list).unwrap())).collect()
}

/// `bos.batches set {…}`
fn shown(deed: &RowDeed) -> String {
    let text = |map: &crate::base::value::Map| json::text_of(&map.clone().into());
    match &deed.deed {
        Deed::Insert(row) => format!("{} insert {}", deed.table, text(row)),
        Deed::Set(fits, set) => format!("{} where {} set {}", deed.table, text(fits), text(set)),
        Deed::Remove(fits) => format!("{} where {} remove", deed.table, text(fits)),
    }
}

#[test]
fn a_call_looks_into_databases_first_and_says_what_it_changes_there() {
    let mut batches = Play::of(guide("batches"));
    let retry = call("POST", "/v1/batches/b%201/retry");
    let looks = batches.0.looks(&retry, Stamp::new(0)).unwrap();
    let asked: Vec<String> = looks
        .iter()
        .flat_map(|(route, looks)| looks.iter().map(move |(name, look)| (route, name, look)))
        .map(|(route, name, look)| {
            format!("{route} {name} {} {}", look.table, json::text_of(&look.conditions.clone().into()))
        })
        .collect();
    assert_eq!(
        asked,
        [
            r#"0 batch bos.batches {"id":"b 1"}"#,
            r#"0 essays bos.batch_essays {"batch_id":"b 1"}"#,
            r#"1 essays bos.batch_essays {"batch_id":"b 1"}"#
        ]
    );
    assert!(batches.0.looks(&call("GET", "/v1/batches/1/retry"), Stamp::new(0)).unwrap().is_empty());
    // Refused, and yet something is changed: the answer says so.
    let none = Found::from([(0, rows(&[("batch", r#"[{"version": 4}]"#), ("essays", "[]")]))]);
    let reply = batches.0.answer(&retry, Stamp::new(0), &none);
    assert_eq!(reply.status, 404);
    assert_eq!(
        reply.deeds.iter().map(shown).collect::<Vec<_>>(),
        [r#"bos.batches where {"id":"b 1"} set {"version":5,"status":"failed"}"#]
    );
    let two = Found::from([
        (0, rows(&[("batch", r#"[{"version": 4}]"#), ("essays", r#"[{"essay_id": "e1"}]"#)])),
        (1, rows(&[("essays", r#"[{"essay_id": "e1"}, {"essay_id": "e2"}]"#)])),
    ]);
    let reply = batches.0.answer(&retry, Stamp::new(0), &two);
    assert_eq!(
        reply.deeds.iter().map(|deed| format!("{} s: {}", deed.after.as_secs(), shown(deed))).collect::<Vec<_>>(),
        [
            r#"0 s: bos.events insert {"essay_id":"e1"}"#,
            r#"0 s: bos.events insert {"essay_id":"e2"}"#,
            r#"3 s: bos.batches where {"id":"b 1"} set {"status":"completed"}"#
        ]
    );
    assert_eq!(batches.0.log().iter().filter(|l| l.effect).count(), 2);
}

#[test]
fn a_get_that_says_that_it_writes_does() {
    let text = "trueup: v1
mock: m
routes:
  - get: /seen/{id}
    answer: { json: {} }
    writes: [{ table: db.seen, insert: { id: '{{ path.id }}' } }]
";
    let mut mock = Play::of(Mock::from_yaml(text).unwrap_or_else(|problems| panic!("{:?}", problems.sorted())));
    assert_eq!(mock.send("GET /seen/7", &[], "").deeds.len(), 1);
}

#[test]
fn a_change_of_rows_that_cannot_be_meant_is_refused_at_its_place() {
    let text = "trueup: v1
mock: m
routes:
  - post: /a/{id}
    finds: { x: { table: db.t, where: { id: '{{ path.idd }}' } } }
    writes:
      - { table: t, insert: { a: 1 } }
      - { table: db.t, set: { a: 1 } }
      - { table: db.t, insert: { a: 1 }, where: { id: 1 } }
      - { table: db.t, insert: { a: 1 }, remove: true }
      - { table: db.t, insert: { a: '{{ each.x }}' } }
      - { table: db.t, each: '{{ found.x }}', insert: { a: '{{ each.x }}' } }
";
    let source = Source::new("m.yaml", text);
    let mut problems = Diagnostics::new(source.clone());
    assert!(Mock::parse(&source, &mut problems).is_none());
    let found: Vec<_> =
        problems.sorted().iter().map(|d| format!("{} {}", source.place(d.span.start).line, d.message)).collect();
    assert_eq!(
        found,
        [
            "5 the route's path has no `idd`",
            "7 `t` is not `connection.table`",
            "8 `set` and `remove` need `where`, and `insert` has none: which rows?",
            "9 `set` and `remove` need `where`, and `insert` has none: which rows?",
            "10 a change of rows has exactly one of `insert`, `set` and `remove: true`",
            "11 a mock knows no name `each`",
        ]
    );
}

#[test]
fn a_worker_does_the_first_thing_that_is_meant() {
    let text = include_str!("../../examples/register/jobs.worker.yaml");
    let source = Source::new("jobs.worker.yaml", text);
    let mut problems = Diagnostics::new(source.clone());
    let worker = WorkerFile::parse(&source, &mut problems).unwrap_or_else(|| panic!("{:?}", problems.sorted()));
    let outcome = |job: &str, subject: i64, found: &[(&str, &str)]| {
        let row = map(&format!(r#"{{"job": "{job}", "subject_id": {subject}, "args": [7]}}"#));
        let scope = scope_of(&row, Stamp::new(0)).with("found", Value::from(rows(found)));
        let works = worker.jobs.iter().filter(|work| work.job.as_str() == job);
        works.map(|work| work.outcome(&scope).unwrap()).find_map(|outcome| outcome).unwrap()
    };
    let update = outcome("Dqt::UpdateTraineeJob", 3, &[("trainee", r#"[{"state": "trn_received", "trn": null}]"#)]);
    assert_eq!(update.failed.unwrap().1, "Cannot update trainee on DQT without a trn (id: 3)");
    let update =
        outcome("Dqt::UpdateTraineeJob", 3, &[("trainee", r#"[{"state": "trn_received", "trn": "1234567"}]"#)]);
    assert!(update.failed.is_none() && update.deeds.is_empty());
    let import = outcome(
        "RecruitsApi::ImportApplicationsJob",
        0,
        &[
            ("syncs", r#"[{"created_at": 5}]"#),
            (
                "choices",
                r#"[{"id": 1, "recruited_at": 1, "updated_at": 4}, {"id": 2, "recruited_at": 1, "updated_at": 6}, {"id": 3, "recruited_at": null, "updated_at": 6}]"#,
            ),
        ],
    );
    let new: Vec<String> = import.new.iter().map(|new| format!("{} {:?}", new.job, new.args[0].as_int())).collect();
    assert_eq!(new, ["RecruitsApi::ImportApplicationJob Some(2)"]);
    assert!(shown(&import.deeds[0]).starts_with("register.apply_application_sync_requests insert"));
}
