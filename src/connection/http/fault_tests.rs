//! Every fault of the mock against our own client: the class of the outcome, and that the fault really happened.

use super::{Answer, Api, Failure, HttpSettings, Method, Reason, Request};
use crate::{
    base::{
        diagnostic::Diagnostics,
        shape::{FromNode, Lowering},
        source::Source,
        time::Stamp,
        value::Value,
        world::World,
        yaml,
    },
    mock::{Credentials, Fault, Mock, Running},
};

pub(super) fn settings(text: &str) -> HttpSettings {
    let source = Source::new("settings", text);
    let mut problems = Diagnostics::new(source.clone());
    let node = yaml::parse(&source, yaml::LIMITS, &mut problems).unwrap();
    let read = HttpSettings::from_node(&node, &mut Lowering::new(&mut problems));
    read.unwrap_or_else(|| panic!("{:?}", problems.sorted()))
}

pub(super) async fn mock(text: &str) -> Running {
    let mock = Mock::from_yaml(text).unwrap_or_else(|problems| panic!("{:?}", problems.sorted()));
    mock.start(World::fixed(Stamp::new(1_753_264_800_000_000))).await.unwrap()
}

fn api(running: &Running, more: &str) -> Api {
    let credentials = running.credentials();
    let settings = settings(&format!("base: https://unused.example\n{more}"));
    Api::at_mock("orders", &settings, &running.url(), credentials.as_ref()).unwrap()
}

fn put() -> Request {
    Request { body: Some(Value::map([("state", Value::from("closed"))])), ..Request::new(Method::Put, "/orders/1") }
}

/// What is known after the call, as one word.
fn class(result: &Result<Answer, Failure>) -> String {
    match result {
        Ok(answer) => format!("answer {}", answer.status),
        Err(Failure::NotSent(t)) => format!("not sent: {:?}", t.reason),
        Err(Failure::InDoubt(t)) => format!("in doubt: {:?}", t.reason),
        Err(Failure::Unusable { status, trouble }) => format!("unusable {status}: {:?}", trouble.reason),
    }
}

#[tokio::test]
async fn every_fault_has_its_class_and_really_happened() {
    for (fault, expected, effects) in [
        ("hang", "in doubt: Timeout", 0),
        ("reset_before", "in doubt: Cut", 0),
        ("reset_after", "in doubt: Cut", 1),
        ("drop_reply", "in doubt: Cut", 1),
        ("not_http", "in doubt: NotHttp", 1),
        ("truncate", "unusable 200: Truncated", 1),
        ("garbled", "unusable 200: NotJson", 1),
        ("slow_drip", "unusable 200: Timeout", 1),
        ("huge", "unusable 200: TooLarge", 1),
        ("bomb", "unusable 200: TooLarge", 1),
        ("wrong_length", "unusable 200: NotJson", 1),
    ] {
        let delay = if fault == "slow_drip" { ", delay: 4ms" } else { "" };
        let running = mock(&format!(
            "trueup: v1\nmock: orders\ncollections: {{ orders: {{ key: id, rows: [{{ id: '1', state: open }}] }} }}\nroutes:\n\
             - {{ put: '/orders/{{id}}', of: orders, set: {{ state: closed }}, answer: {{ fault: {fault}{delay}, json: {{ state: closed, note: enough to be cut in two }} }} }}\n"
        ))
        .await;
        let result = api(&running, "timeout: { total: 250ms }").send(&put()).await;
        assert_eq!(class(&result), expected, "{fault}: {result:?}");
        let state = running.rows("orders")[0].get("state").unwrap();
        assert_eq!(state.as_str(), Some(if effects == 1 { "closed" } else { "open" }), "{fault}");
        assert_eq!(running.effects().values().sum::<usize>(), effects, "{fault}");
        let log = running.shutdown().await;
        assert_eq!(log.len(), 1, "{fault}: sent once");
        assert_eq!(log[0].fault, Fault::of(fault));
        let failure = result.unwrap_err();
        assert!(!failure.is_not_done(), "{fault}: nothing proves that nothing happened");
        assert!(failure.to_string().starts_with("call `orders` (PUT http://127.0.0.1:"), "{failure}");
    }
}

/// A server that counts its connections; `close`: it says nothing and closes each one some time after its first answer.
async fn counting(
    close: bool,
) -> (u16, std::sync::Arc<std::sync::atomic::AtomicUsize>, tokio::sync::mpsc::UnboundedReceiver<()>) {
    use std::sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    };
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let (port, count) = (listener.local_addr().unwrap().port(), Arc::new(AtomicUsize::new(0)));
    let (closed, heard) = tokio::sync::mpsc::unbounded_channel();
    let counted = count.clone();
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            counted.fetch_add(1, Ordering::Relaxed);
            let closed = closed.clone();
            tokio::spawn(async move {
                let mut bytes = vec![0; 4096];
                while stream.read(&mut bytes).await.is_ok_and(|n| n > 0) {
                    stream.write_all(b"HTTP/1.1 204 No Content\r\n\r\n").await.unwrap();
                    if close {
                        break;
                    }
                }
                drop(stream);
                closed.send(()).ok();
            });
        }
    });
    (port, count, heard)
}

#[tokio::test]
async fn only_a_call_that_bears_a_lost_answer_uses_the_connection_of_another() {
    for (bears_loss, connections) in [(true, 1), (false, 3)] {
        let (port, count, _) = counting(false).await;
        let settings = settings("base: https://unused.example");
        let api = Api::at_mock("orders", &settings, &format!("http://127.0.0.1:{port}"), None).unwrap();
        for _ in 0..3 {
            let sent = api.send(&Request { bears_loss, ..put() }).await;
            assert_eq!(class(&sent), "answer 204");
        }
        assert_eq!(count.load(std::sync::atomic::Ordering::Relaxed), connections, "{bears_loss}");
    }
}

#[tokio::test]
async fn a_connection_that_the_server_closed_is_not_used_again() {
    let (port, count, mut closed) = counting(true).await;
    let settings = settings("base: https://unused.example");
    let api = Api::at_mock("orders", &settings, &format!("http://127.0.0.1:{port}"), None).unwrap();
    for n in 1..=3 {
        let sent = api.send(&Request { bears_loss: true, ..put() }).await;
        assert_eq!(class(&sent), "answer 204");
        assert_eq!(count.load(std::sync::atomic::Ordering::Relaxed), n);
        closed.recv().await.unwrap();
    }
}

#[tokio::test]
async fn a_call_that_timed_out_may_be_carried_out_later_all_the_same() {
    let running = mock(
        "trueup: v1\nmock: orders\ncollections: { orders: { key: id, rows: [{ id: '1', state: open }] } }\nroutes:\n\
         - { put: '/orders/{id}', of: orders, set: { state: closed }, answer: { fault: hang, effect: done, effect_after: 500ms } }\n\
         - { get: '/orders/{id}', of: orders, answer: { json: { ok: true } } }\n",
    )
    .await;
    let api = api(&running, "timeout: { total: 60ms }");
    assert_eq!(class(&api.send(&put()).await), "in doubt: Timeout");
    assert_eq!(running.rows("orders")[0].get("state").unwrap().as_str(), Some("open"));
    let patience = std::time::Instant::now() + std::time::Duration::from_secs(20);
    let patient = self::api(&running, "");
    while running.effects().is_empty() && std::time::Instant::now() < patience {
        assert_eq!(class(&patient.send(&Request::new(Method::Get, "/orders/1")).await), "answer 200");
    }
    assert_eq!(running.effects()["PUT /orders/1"], 1);
    assert_eq!(running.rows("orders")[0].get("state").unwrap().as_str(), Some("closed"));
}

#[tokio::test]
async fn before_a_byte_leaves_nothing_can_have_been_done() {
    let running = mock("trueup: v1\nmock: nobody\nrefuse: true\n").await;
    let result = api(&running, "").send(&put()).await;
    assert_eq!(class(&result), "not sent: Connect");
    let failure = result.unwrap_err();
    assert!(failure.is_not_done());
    let port = running.address().port();
    assert_eq!(
        failure.to_string(),
        format!(
            "call `orders` (PUT http://127.0.0.1:{port}/orders/1): no connection to http://127.0.0.1:{port}: nobody listens there; look whether the API runs, and at host and port of `base`"
        )
    );
}

#[tokio::test]
async fn a_server_that_speaks_no_tls_gets_no_request() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let server = tokio::spawn(async move {
        use tokio::io::{AsyncReadExt, AsyncWriteExt};
        let (mut stream, _) = listener.accept().await.unwrap();
        let mut hello = vec![0; 4096];
        let n = stream.read(&mut hello).await.unwrap();
        stream.write_all(b"HTTP/1.1 400 Bad Request\r\n\r\n").await.unwrap();
        hello.truncate(n);
        hello
    });
    let settings = settings(&format!("base: https://127.0.0.1:{port}\ninternal: true"));
    let masks = crate::base::secret::Masks::default();
    let secrets =
        crate::connection::reference::Secrets { variable: &|_| None, folder: std::path::Path::new("."), masks: &masks };
    let result = Api::open("orders", &settings, secrets).unwrap().send(&put()).await;
    assert_eq!(class(&result), "not sent: Tls", "{result:?}");
    assert_eq!(server.await.unwrap()[0], 0x16, "a TLS hello, no request");
}

#[tokio::test]
async fn redirects_are_named_and_not_followed_and_proxies_are_not_asked() {
    let running = mock(
        "trueup: v1\nmock: moved\nroutes:\n\
         - { put: /orders/1, answers: [{ status: 301, headers: { Location: 'http://127.0.0.2:1/evil?birthdate=1990-01-01' } }, { status: 307, headers: { Location: /there } }, { status: 302 }] }\n\
         - { put: /there, answer: { status: 204 } }\n",
    )
    .await;
    let api = api(&running, "");
    for (status, to, not_done) in
        [(301, "http://127.0.0.2:1/evil", true), (307, "/there", true), (302, "elsewhere", false)]
    {
        let failure = api.send(&put()).await.unwrap_err();
        let told = (failure.status(), failure.reason(), failure.is_not_done());
        assert_eq!(told, (Some(status), Reason::Redirect, not_done));
        assert_eq!(failure.to_string().contains("whether it was done is not known"), !not_done, "{failure}");
        assert!(
            failure.to_string().contains(&format!("the API redirects ({status}) to {to}: not followed;")),
            "{failure}"
        );
    }
    assert_eq!(running.log().len(), 3);
}

#[tokio::test]
async fn an_answer_comes_back_without_loss_whatever_its_status() {
    let running = mock(
        "trueup: v1\nmock: orders\nauth: { bearer: key-1 }\nroutes:\n\
         - { get: /none, answer: { status: 204 } }\n\
         - { get: /text, answer: { status: 500, text: 'Böse' } }\n\
         - { get: /json, answer: { status: 404, headers: { Content-Type: application/problem+json, Retry-After: '2', Set-Cookie: 'sid=very-secret' }, text: '{\"errorCode\": 10001, \"sum\": 12345678901234567.10, \"firstName\": \"Ada\"}' } }\n\
         - { get: /late, answer: { delay: 5ms, json: [1, two] } }\n",
    )
    .await;
    let api = api(&running, "error_code: body.errorCode\npersonal: [body.firstName]\n");
    let get = async |path: &str| api.send(&Request::new(Method::Get, path)).await.unwrap();
    assert!(get("/none").await.body().is_null());
    let text = get("/text").await;
    assert_eq!((text.status, text.body().bare().into_owned()), (500, "Böse".to_owned()));
    let answer = get("/json").await;
    assert_eq!(api.error_code(&answer).unwrap().as_int(), Some(10001));
    assert_eq!(answer.header("retry-after").as_deref(), Some("2"));
    let shown = crate::base::json::masked(&answer.value);
    assert!(
        shown.contains("12345678901234567.10")
            && shown.contains("\"firstName\":\"(personal)\"")
            && !shown.contains("very-secret"),
        "{shown}"
    );
    let late = get("/late").await;
    assert!(late.elapsed.as_millis() >= 5 && late.body_bytes == 9, "{late:?}");
    let log = running.shutdown().await;
    assert!(log.iter().all(|call| call.header("authorization") == Some("Bearer key-1")));
    assert!(log.iter().all(|call| call.header("user-agent").is_some_and(|agent| agent.starts_with("trueup/"))));
}

#[tokio::test]
async fn a_wrong_key_reaches_no_route_and_the_same_key_twice_has_one_effect() {
    let running = mock(
        "trueup: v1\nmock: payments\nauth: { header: { name: X-Key, value: good }, refused: { status: 401, json: { title: who } } }\n\
         idempotency_key: Idempotency-Key\nroutes:\n- { post: /payments, answers: [{ status: 201, fault: drop_reply, json: { id: p1 } }, { status: 409 }] }\n",
    )
    .await;
    let pay = Request { idempotency_key: Some("run-1/pay".into()), ..Request::new(Method::Post, "/payments") };
    let text = "base: https://unused.example\nidempotency_key: Idempotency-Key";
    let bad = Credentials::Header { name: "x-key".into(), value: "bad".into() };
    let stranger = Api::at_mock("payments", &settings(text), &running.url(), Some(&bad)).unwrap();
    assert_eq!(class(&stranger.send(&pay).await), "answer 401");
    let api = api(&running, "idempotency_key: Idempotency-Key");
    assert_eq!(class(&api.send(&pay).await), "in doubt: Cut");
    let again = api.send(&pay).await.unwrap();
    assert_eq!((again.status, again.body().get("id").unwrap().as_str().map(str::to_owned)), (201, Some("p1".into())));
    assert_eq!(running.effects()["run-1/pay"], 1);
    assert_eq!(
        running.log().iter().map(|call| call.route.to_string()).collect::<Vec<_>>(),
        ["auth", "POST /payments", "the same call again"]
    );
}

#[tokio::test]
async fn concurrent_calls_keep_to_the_rate_together() {
    let running = mock("trueup: v1\nmock: orders\nroutes: [{ get: /x, answer: { json: 1 } }]\n").await;
    let api = std::sync::Arc::new(api(&running, "rate: 10/500ms"));
    let started = std::time::Instant::now();
    let calls: Vec<_> = (0..11)
        .map(|_| {
            let api = api.clone();
            tokio::spawn(async move { api.send(&Request::new(Method::Get, "/x")).await.unwrap() })
        })
        .collect();
    for call in calls {
        call.await.unwrap();
    }
    assert!(started.elapsed().as_millis() >= 500, "the eleventh call waited for its turn: {:?}", started.elapsed());
}

#[test]
fn opening_a_connection_costs_less_than_five_milliseconds() {
    let settings = settings("base: https://a.example");
    Api::at_mock("a", &settings, "http://127.0.0.1:1", None).unwrap();
    let best = (0..5)
        .map(|_| {
            let started = std::time::Instant::now();
            Api::at_mock("a", &settings, "http://127.0.0.1:1", None).unwrap();
            started.elapsed()
        })
        .min();
    // A debug build on a busy machine; the native store of roots alone takes some 50 ms there.
    assert!(best.unwrap().as_millis() < 5, "{best:?}");
}
