//! Tokens against a mock's token endpoint: one for many calls, one renewal after a 401, every fault of the endpoint, and no
//! token in any text (`reliability.md` T10, T15).

use super::{
    Api, Failure, Method, Reason, Request,
    fault_tests::{mock, settings},
};
use crate::{
    base::{secret::Masks, value::Value},
    connection::reference::Secrets,
    mock::Running,
};
use futures_util::stream::{self, StreamExt};
use std::{path::Path, sync::Arc};

const SECRET: &str = "canary-client-secret";

/// A mock with a token endpoint and one call behind it.
async fn guarded(more: &str) -> Running {
    mock(&format!(
        "trueup: v1\nmock: m\nauth:\n  oauth2: {{ token: /oauth2/access_token, client_id: me, client_secret: {SECRET}, scheme: JWT{more} }}\n\
         routes: [{{ get: /x, answer: {{ json: {{ ok: true }} }} }}, {{ post: /x, answer: {{ status: 201 }} }}, {{ put: /x, answer: {{ status: 201 }} }}, {{ patch: /x, answer: {{ status: 201 }} }}]"
    ))
    .await
}

/// The API at the mock, by the settings of a project file; `more` are keys of `oauth2:`.
fn open(running: &Running, masks: &Masks, more: &str) -> Api {
    let url = running.url();
    let text = format!(
        "base: {url}\ninternal: true\ntimeout: {{ connect: 300ms, total: 500ms }}\nauth: {{ oauth2: {{ token_url: '{url}/oauth2/access_token', \
         client_id: me, client_secret: env:KEY, scheme: JWT{more} }} }}"
    );
    let secrets = Secrets { variable: &|name| (name == "KEY").then(|| SECRET.into()), folder: Path::new("."), masks };
    Api::open("lms", &settings(&text), secrets).unwrap()
}

fn tokens_given(running: &Running) -> usize {
    running.log().iter().filter(|call| &*call.route == "token" && call.status == 200).count()
}

#[tokio::test]
async fn one_token_serves_many_calls_and_carries_the_declared_fields() {
    for send in ["form", "basic"] {
        let (running, masks) = (guarded("").await, Masks::default());
        let api = open(&running, &masks, &format!(", send: {send}, scope: 'a b', extra: {{ token_type: jwt }}"));
        for _ in 0..3 {
            assert_eq!(api.send(&Request::new(Method::Get, "/x")).await.unwrap().status, 200);
        }
        let log = running.shutdown().await;
        assert_eq!(log.iter().filter(|call| &*call.route == "token").count(), 1);
        let asked = &log[0];
        assert_eq!(asked.header("content-type"), Some("application/x-www-form-urlencoded"));
        for (field, value) in [("grant_type", "client_credentials"), ("scope", "a b"), ("token_type", "jwt")] {
            assert_eq!(asked.body.get(field).map(|v| v.bare().into_owned()).as_deref(), Some(value), "{field}");
        }
        assert_eq!(asked.body.get("client_secret").is_some(), send == "form");
        assert_eq!(log[1].header("authorization"), Some("JWT mock-token-1"));
        assert_eq!(masks.apply("JWT mock-token-1"), "JWT (secret)", "the token is masked from the moment it arrives");
    }
}

#[tokio::test]
async fn a_hundred_calls_at_once_share_one_token_and_one_renewal() {
    let (running, masks) = (guarded(", calls: 60").await, Masks::default());
    let api = Arc::new(open(&running, &masks, ""));
    let mut all = tokio::task::JoinSet::new();
    for _ in 0..100 {
        let api = api.clone();
        all.spawn(async move { api.send(&Request::new(Method::Get, "/x")).await.map(|a| a.status) });
    }
    while let Some(result) = all.join_next().await {
        assert_eq!(result.unwrap().unwrap(), 200);
    }
    assert_eq!(tokens_given(&running), 2, "the first, and one renewal for all who were refused");
}

#[tokio::test]
async fn a_token_that_ends_in_the_middle_of_a_run_is_renewed_once_for_each_call() {
    let (running, masks) = (guarded(", calls: 2").await, Masks::default());
    let api = open(&running, &masks, "");
    let post = Request { body: Some(Value::map([("a", Value::from(1))])), ..Request::new(Method::Post, "/x") };
    for _ in 0..7 {
        assert_eq!(api.send(&post).await.unwrap().status, 201);
    }
    let refused = running.log().iter().filter(|call| call.status == 401).count();
    assert_eq!((tokens_given(&running), refused), (4, 3));
    assert_eq!(running.effects().get("POST /x"), Some(&7), "a refused request had no effect, and none was sent twice");
    // A token that is never good: one renewal, then the 401 is the answer.
    let (running, masks) = (guarded(", calls: 0").await, Masks::default());
    let api = open(&running, &masks, "");
    assert_eq!(api.send(&post).await.unwrap().status, 401);
    assert_eq!((tokens_given(&running), running.log().len()), (2, 4));
}

#[tokio::test]
async fn a_token_is_renewed_before_it_runs_out() {
    let (running, masks) = (guarded(", lives: 1ms").await, Masks::default());
    let api = open(&running, &masks, "");
    for _ in 0..3 {
        assert_eq!(api.send(&Request::new(Method::Get, "/x")).await.unwrap().status, 200);
    }
    assert_eq!(tokens_given(&running), 3, "`expires_in: 0` serves one call");
    let (running, masks) = (guarded(", lives: 1h").await, Masks::default());
    let api = open(&running, &masks, ", margin: 10h");
    for _ in 0..3 {
        api.send(&Request::new(Method::Get, "/x")).await.unwrap();
    }
    assert_eq!(tokens_given(&running), 1, "a margin takes at most half of a token's life");
}

#[tokio::test]
async fn every_trouble_of_the_token_endpoint_is_told_as_its_own_and_sends_nothing() {
    let refused = "{ status: 401, json: { error: invalid_client, error_description: \"no canary-client-secret\" } }";
    let cases = [
        (refused, Reason::Token, "it answered 401 (invalid_client: no (secret))"),
        ("{ status: 400, json: { error: invalid_scope } }", Reason::Token, "it answered 400 (invalid_scope)"),
        ("{ status: 200, json: { token: x } }", Reason::Token, "holds no `access_token`"),
        ("{ status: 200, text: hello }", Reason::Token, "holds no `access_token`"),
        ("{ status: 200, json: { access_token: \"a\\nb\" } }", Reason::Token, "a character that no header may hold"),
        ("{ status: 302, headers: { Location: 'https://elsewhere.example' } }", Reason::Token, "it answered 302"),
        ("{ status: 500, text: oops }", Reason::Connect, "it answered 500"),
        ("{ status: 429 }", Reason::Connect, "it answered 429"),
        ("{ fault: hang }", Reason::Connect, "no answer within 500ms"),
        ("{ fault: reset_before }", Reason::Connect, "was cut"),
        ("{ fault: drop_reply }", Reason::Connect, "was cut"),
        ("{ fault: truncate, json: { access_token: abc } }", Reason::Connect, "ended before its end"),
        ("{ fault: garbled, json: { access_token: abc } }", Reason::Token, "holds no `access_token`"),
        ("{ fault: not_http }", Reason::Connect, "was cut"),
        ("{ fault: huge }", Reason::Token, "far too long"),
        ("{ fault: bomb }", Reason::Token, "far too long"),
        (
            "{ fault: slow_drip, json: { access_token: abcdefghijklmnopqrstuvw } }",
            Reason::Connect,
            "ended before its end",
        ),
    ];
    for (answer, reason, expected) in cases {
        let (running, masks) = (guarded(&format!(", answers: [{answer}]")).await, Masks::default());
        let api = open(&running, &masks, "");
        let post = Request::new(Method::Post, "/x");
        let failure = api.send(&post).await.unwrap_err();
        assert!(matches!(&failure, Failure::NotSent(t) if t.reason == reason), "{answer}: {failure:?}");
        let text = failure.to_string();
        assert!(text.contains("no token from http://127.0.0.1:") && text.contains(expected), "{answer}: {text}");
        assert!(!text.contains(SECRET) && text.contains("nothing was sent"), "{answer}: {text}");
        assert!(running.effects().is_empty(), "{answer}");
        // It passes: the next call gets its token.
        assert_eq!(api.send(&post).await.unwrap().status, 201, "{answer}");
    }
}

/// Ways in which an endpoint fails: `reliability.md` T10, as far as a token can be asked for.
const FAULTS: [&str; 20] = [
    "fault: hang",
    "fault: reset_before",
    "fault: reset_after",
    "fault: drop_reply",
    "fault: truncate, json: { access_token: abc }",
    "fault: garbled, json: { access_token: abc }",
    "fault: not_http",
    "fault: huge",
    "fault: bomb",
    "fault: slow_drip, json: { access_token: abcdefghijklmnopqrstuvw }",
    "status: 202, json: { access_token: abc }",
    "status: 302, headers: { Location: 'https://elsewhere.example' }",
    "status: 400, json: { error: invalid_scope }",
    "status: 401, json: { error: invalid_client }",
    "status: 408",
    "status: 429, headers: { Retry-After: '99999999999' }",
    "status: 500, text: oops",
    "status: 502, text: '<html>bad gateway</html>'",
    "status: 503, headers: { Retry-After: '1' }",
    "status: 200, json: { access_token: '' }",
];

/// One cell: the fault strikes when the first token is asked for, or when the API no longer takes it. Whether the API refused a token.
async fn cell(fault: &str, renewal: bool, method: Method) -> bool {
    let place = format!("{fault}, renewal {renewal}, {}", method.word());
    let (calls, good) = if renewal { (", calls: 1", "{ json: {} }, ") } else { ("", "") };
    let (running, masks) = (guarded(&format!("{calls}, answers: [{good}{{ {fault} }}]")).await, Masks::default());
    let api = open(&running, &masks, "");
    let send = Request { body: Some(Value::map([("a", Value::from(1))])), ..Request::new(method, "/x") };
    let mut done = 0;
    if renewal {
        api.send(&send).await.unwrap_or_else(|failure| panic!("{place}: {failure}"));
        done = 1;
    }
    let effects = || running.effects().values().sum::<usize>();
    let failure = api.send(&send).await.expect_err(&place);
    assert!(
        matches!(&failure, Failure::NotSent(t) if matches!(t.reason, Reason::Token | Reason::Connect) && !t.help.is_empty()),
        "{place}: {failure:?}"
    );
    let text = failure.to_string();
    assert!(!text.contains(SECRET) && !text.contains("mock-token"), "{place}: {text}");
    assert_eq!(effects(), done, "{place}: nothing was done");
    // It passes: the same request is sent, once.
    api.send(&send).await.unwrap_or_else(|failure| panic!("{place}: {failure}"));
    assert_eq!(effects(), done + 1, "{place}");
    running.log().iter().any(|call| &*call.route != "token" && call.status == 401)
}

#[tokio::test]
async fn whatever_the_token_endpoint_does_a_write_is_done_once_or_not_at_all() {
    let since = std::time::Instant::now();
    let mut cells = Vec::new();
    for fault in FAULTS {
        for renewal in [false, true] {
            cells.extend([Method::Post, Method::Put, Method::Patch].map(|method| (fault, renewal, method)));
        }
    }
    let many = cells.len();
    assert_eq!(many, 120);
    let all = stream::iter(cells).map(|(fault, renewal, method)| async move {
        assert_eq!(cell(fault, renewal, method).await, renewal, "{fault}: a token was refused");
    });
    all.buffer_unordered(6).collect::<Vec<()>>().await;
    crate::base::proved_tests::line("T10", "every fault of a token endpoint, first and renewed", many, since);
}

#[tokio::test]
async fn who_waits_for_a_token_shares_the_failure_too() {
    let (running, masks) = (guarded(", answers: [{ fault: hang }]").await, Masks::default());
    let api = Arc::new(open(&running, &masks, ""));
    let mut all = tokio::task::JoinSet::new();
    for _ in 0..20 {
        let api = api.clone();
        all.spawn(async move { api.send(&Request::new(Method::Get, "/x")).await });
    }
    let results = all.join_all().await;
    assert!(results.iter().all(Result::is_err));
    assert_eq!(running.log().len(), 1, "twenty calls, one question");
}

#[tokio::test]
async fn a_token_endpoint_is_an_address_like_any_other() {
    let masks = Masks::default();
    let secrets = Secrets { variable: &|_| Some(SECRET.into()), folder: Path::new("."), masks: &masks };
    for (url, expected) in [
        ("http://login.example/token", "anybody on the way can read"),
        ("https://127.0.0.1/token", "this machine"),
        ("https://169.254.169.254/token", "hands out credentials"),
        ("https://me:pw@login.example/token", "a user or password"),
        ("ftp://login.example/token", "neither http:// nor https://"),
    ] {
        let text = format!(
            "base: https://api.example\nauth: {{ oauth2: {{ token_url: '{url}', client_id: me, client_secret: env:KEY }} }}"
        );
        let error = Api::open("lms", &settings(&text), secrets).unwrap_err().to_string();
        assert!(error.contains("`token_url`: ") && error.contains(expected), "{url}: {error}");
    }
    // A name that leads inside is refused when it is looked up, before any secret leaves.
    let text = "base: https://api.example\nauth: { oauth2: { token_url: 'https://login.example/t', client_id: me, client_secret: env:KEY } }";
    let inside: super::address::Lookup = Arc::new(|_| Box::pin(async { Ok(vec!["10.0.0.1".parse().unwrap()]) }));
    let api = Api::open_with("lms", &settings(text), secrets, inside).unwrap();
    let failure = api.send(&Request::new(Method::Get, "/x")).await.unwrap_err().to_string();
    assert!(failure.contains("login.example leads to 10.0.0.1, an address inside a private network"), "{failure}");
    let view = api.view(&Request::new(Method::Get, "/x"));
    assert_eq!(view.headers, [("authorization".to_owned(), "Bearer (secret)".to_owned())]);
}
