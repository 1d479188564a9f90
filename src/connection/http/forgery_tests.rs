//! Attempts to make a call go elsewhere or carry what it must not (`reliability.md` T18): each is refused, and the local
//! stubs that stand at the wrong places see no byte.

use super::{Api, Failure, Method, OpenError, Reason, Request, address::Lookup, fault_tests::settings};
use crate::{
    base::{
        proved_tests::line,
        secret::Masks,
        value::{Marks, Value},
    },
    connection::reference::Secrets,
};
use std::{
    net::IpAddr,
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Instant,
};
use tokio::io::AsyncReadExt;

/// A place that nobody should reach: counts connections and bytes.
struct Stub {
    port: u16,
    touched: Arc<AtomicUsize>,
}

impl Stub {
    async fn new() -> Stub {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let (port, touched) = (listener.local_addr().unwrap().port(), Arc::new(AtomicUsize::new(0)));
        let count = touched.clone();
        tokio::spawn(async move {
            while let Ok((mut stream, _)) = listener.accept().await {
                count.fetch_add(1, Ordering::SeqCst);
                let mut bytes = [0; 1024];
                while let Ok(n @ 1..) = stream.read(&mut bytes).await {
                    count.fetch_add(n, Ordering::SeqCst);
                }
            }
        });
        Stub { port, touched }
    }

    fn untouched(&self) -> bool {
        self.touched.load(Ordering::SeqCst) == 0
    }
}

fn open(text: &str, lookup: Option<Lookup>) -> Result<Api, OpenError> {
    let masks = Masks::default();
    let secrets = Secrets {
        variable: &|name| (name == "KEY").then(|| "canary-secret".into()),
        folder: Path::new("."),
        masks: &masks,
    };
    Api::open_with("api", &settings(text), secrets, lookup.unwrap_or_else(super::address::system))
}

/// Names lead where the list says, one look-up after the other.
fn lying(answers: &[&[&str]]) -> Lookup {
    let answers: Vec<Vec<IpAddr>> =
        answers.iter().map(|list| list.iter().map(|ip| ip.parse().unwrap()).collect()).collect();
    let turn = Arc::new(AtomicUsize::new(0));
    Arc::new(move |_| {
        let now = turn.fetch_add(1, Ordering::SeqCst).min(answers.len() - 1);
        let found = answers[now].clone();
        Box::pin(async move { Ok(found) })
    })
}

#[tokio::test]
async fn no_base_leads_inside_or_hides_where_it_leads() {
    let since = Instant::now();
    let stub = Stub::new().await;
    let port = stub.port;
    let cases: &[(String, &str)] = &[
        (format!("http://127.0.0.1:{port}"), "127.0.0.1 is this machine"),
        (format!("https://127.0.0.1:{port}"), "127.0.0.1 is this machine"),
        (format!("https://2130706433:{port}"), "127.0.0.1 is this machine"),
        (format!("https://0177.0.0.1:{port}"), "127.0.0.1 is this machine"),
        (format!("https://0x7f.1:{port}"), "127.0.0.1 is this machine"),
        (format!("https://127.1:{port}"), "127.0.0.1 is this machine"),
        (format!("https://[::1]:{port}"), "::1 is this machine"),
        (format!("https://[::ffff:127.0.0.1]:{port}"), "is this machine"),
        (format!("https://[::ffff:7f00:1]:{port}"), "is this machine"),
        (format!("https://[64:ff9b::7f00:1]:{port}"), "is this machine"),
        (format!("https://１２７.0.0.1:{port}"), "127.0.0.1 is this machine"),
        (format!("https://0.0.0.0:{port}"), "no address of a single machine"),
        ("https://169.254.169.254/latest/meta-data".into(), "hands out credentials"),
        ("https://[fd00:ec2::254]".into(), "hands out credentials"),
        ("https://10.1.2.3".into(), "inside a private network"),
        ("https://[fe80::1]".into(), "the local link"),
        ("http://api.example".into(), "anybody on the way can read"),
        (format!("https://api.example@127.0.0.1:{port}"), "a user or password"),
        (format!("https://user:pass@127.0.0.1:{port}"), "a user or password"),
        (format!("https:\\\\127.0.0.1:{port}"), "a backslash"),
        (format!("https:127.0.0.1:{port}"), "neither http:// nor https://"),
        ("ftp://127.0.0.1/".into(), "neither http:// nor https://"),
        ("gopher://127.0.0.1/".into(), "neither http:// nor https://"),
        ("https://api.example/#@127.0.0.1".into(), "a user or password"),
        ("https://api.example/?next=1".into(), "a query or fragment"),
        ("https://api.example/a/../b".into(), "plain form"),
        ("https://".into(), "not a URL"),
        ("https://{{ host }}".into(), "a space"),
    ];
    assert_eq!(cases.len(), 28);
    for (base, expected) in cases {
        let error =
            open(&format!("base: '{base}'"), None).err().unwrap_or_else(|| panic!("{base} was opened")).to_string();
        assert!(error.starts_with("open the connection `api`: ") && error.contains(expected), "{base}: {error}");
    }
    // `file:` is a reference to a secret, and a file that others can read holds none.
    assert!(open("base: file:///etc/passwd", None).unwrap_err().to_string().starts_with("read the secret in the file"));
    assert!(stub.untouched());
    line("T18", "addresses of a connection", cases.len() + 1, since);
}

#[tokio::test]
async fn no_name_leads_inside_whatever_the_resolver_says() {
    let (since, mut tried) = (Instant::now(), 2);
    let stub = Stub::new().await;
    let call = Request::new(Method::Get, "/x");
    let (port, public, inside): (u16, &[&str], &[&str]) = (stub.port, &["192.0.2.1"], &["127.0.0.1"]);
    for (base, lookup, expected) in [
        // Rebinding: the first look-up is harmless (and refused as a documentation address), the second leads inside.
        (
            format!("https://rebind.example:{port}"),
            lying(&[public, inside]),
            "192.0.2.1, no address of a single machine",
        ),
        (format!("https://inside.example:{port}"), lying(&[inside]), "inside.example leads to 127.0.0.1, this machine"),
        (format!("https://inside.example.:{port}"), lying(&[inside]), "leads to 127.0.0.1, this machine"),
        (
            format!("https://mixed.example:{port}"),
            lying(&[&["93.184.215.14", "127.0.0.1"]]),
            "leads to 127.0.0.1, this machine",
        ),
        (format!("https://meta.example:{port}"), lying(&[&["169.254.169.254"]]), "hands out credentials"),
        (format!("https://bücher.example:{port}"), lying(&[&["::ffff:10.0.0.1"]]), "inside a private network"),
        (format!("https://localhost:{port}"), super::address::system(), "this machine"),
    ] {
        tried += 1;
        let api = open(&format!("base: {base}\ntimeout: {{ connect: 500ms, total: 1s }}"), Some(lookup)).unwrap();
        for _ in 0..2 {
            let failure = api.send(&call).await.unwrap_err();
            assert!(matches!(&failure, Failure::NotSent(t) if t.reason == Reason::Forbidden), "{base}: {failure}");
        }
        let failure = api.send(&call).await.unwrap_err().to_string();
        assert!(
            failure.contains(expected) || base.contains("rebind") && failure.contains("127.0.0.1"),
            "{base}: {failure}"
        );
    }
    let nowhere: Lookup = Arc::new(|_| Box::pin(async { Err(std::io::Error::other("no such host")) }));
    let failure = open("base: https://nowhere.example", Some(nowhere)).unwrap().send(&call).await.unwrap_err();
    assert!(matches!(&failure, Failure::NotSent(t) if t.reason == Reason::Name), "{failure}");
    assert!(failure.to_string().contains("the name nowhere.example has no address"), "{failure}");
    // HTTP without TLS is for loopback even when the name says `localhost`.
    let api = open(&format!("base: http://localhost:{port}\ninternal: true"), Some(lying(&[&["8.8.8.8"]]))).unwrap();
    assert!(api.send(&call).await.unwrap_err().to_string().contains("HTTP without TLS is for loopback"));
    assert!(stub.untouched());
    line("T18", "names and what they lead to", tried, since);
}

#[tokio::test]
async fn no_path_query_or_header_changes_where_a_call_goes_or_what_it_says() {
    let since = Instant::now();
    let (stub, elsewhere) = (Stub::new().await, Stub::new().await);
    let port = elsewhere.port;
    let api = open(
        &format!(
            "base: http://127.0.0.1:{}/api\ninternal: true\nauth: {{ bearer: {{ secret: KEY }} }}\nallow: {{ methods: [GET, PUT], paths: ['/v2/teachers/{{trn}}', '/files/**'] }}",
            stub.port
        ),
        None,
    )
    .unwrap();
    let paths = [
        format!("//127.0.0.1:{port}/x"),
        format!("/\\127.0.0.1:{port}"),
        format!("\\\\127.0.0.1:{port}"),
        format!("@127.0.0.1:{port}/x"),
        format!(":{port}/x"),
        format!("http://127.0.0.1:{port}/x"),
        "/v2/teachers/../../admin".into(),
        "/v2/teachers/%2e%2e".into(),
        "/v2/teachers/.%2E".into(),
        "/v2/teachers/..;/admin".into(),
        "/files/a/../../v2".into(),
        "/files/a//b".into(),
        "/v2/teachers/1%2F..%2Fadmin".into(),
        "/v2/teachers/1%5c".into(),
        "/v2/teachers/1%00".into(),
        "/v2/teachers/1%0d%0aHost:%20evil".into(),
        "/v2/teachers/1\r\nHost: evil".into(),
        "/v2/teachers/1 HTTP/1.1".into(),
        "/v2/teachers/1?admin=true".into(),
        "/v2/teachers/1#x".into(),
        "/v2/teachers/%".into(),
        "/v2/teachers/é".into(),
        "/v2/teachers".into(),
        "/v2/teachers/1/itt-outcome".into(),
        "/admin".into(),
        "".into(),
    ];
    assert_eq!(paths.len(), 26);
    for path in &paths {
        refused(&api, Request::new(Method::Get, path.as_str()), path).await;
    }
    refused(&api, Request::new(Method::Delete, "/v2/teachers/1"), "method").await;
    refused(&api, Request { idempotency_key: Some("k".into()), ..Request::new(Method::Put, "/v2/teachers/1") }, "key")
        .await;
    let with_header = |name: &str, value: Value| Request {
        headers: vec![(name.into(), value)],
        ..Request::new(Method::Get, "/v2/teachers/1")
    };
    let headers = [
        ("X-A", "1\r\nX-Evil: 1"),
        ("X-A", "1\nX-Evil: 1"),
        ("X-A", "1\0"),
        ("X-A", " 1"),
        ("X-A: b\r\nX-Evil", "1"),
        ("", "1"),
        ("Host", "evil.example"),
        ("host", "evil.example"),
        ("Authorization", "Bearer mine"),
        ("Content-Length", "0"),
        ("Transfer-Encoding", "chunked"),
        ("Connection", "close"),
        ("Proxy-Authorization", "x"),
        ("Cookie", "a=b"),
    ];
    for (name, value) in headers {
        refused(&api, with_header(name, value.into()), name).await;
    }
    let secret = Value::from("canary-secret").marked(Marks::SECRET);
    refused(&api, with_header("X-A", secret.clone()), "secret").await;
    refused(
        &api,
        Request { query: vec![("k".into(), secret.clone())], ..Request::new(Method::Get, "/v2/teachers/1") },
        "secret",
    )
    .await;
    refused(&api, Request::new(Method::Get, Value::from("/v2/teachers/canary-secret").marked(Marks::SECRET)), "secret")
        .await;
    refused(
        &api,
        Request {
            query: vec![("k".into(), Value::map([("a", secret)]))],
            ..Request::new(Method::Get, "/v2/teachers/1")
        },
        "map",
    )
    .await;
    refused(
        &api,
        Request { body: Some(Value::text("x".repeat(1 << 20))), ..Request::new(Method::Put, "/v2/teachers/1") },
        "too large",
    )
    .await;
    let unknown = Request { body: Some(Value::unknown()), ..Request::new(Method::Put, "/v2/teachers/1") };
    assert!(api.forbids(&unknown).is_none(), "a preview may show it");
    assert_eq!(api.send(&unknown).await.unwrap_err().reason(), Reason::Unknown);
    assert!(stub.untouched() && elsewhere.untouched());
    // Beside them a method, a key, four places of a secret, a body and an unknown.
    line("T18", "paths, queries, headers, bodies", paths.len() + headers.len() + 8, since);
}

/// The next page of a list, where a request is asked about, a redirect: an answer may lead nowhere but below its own base.
#[tokio::test]
async fn no_answer_leads_a_call_elsewhere() {
    let (since, mut redirects) = (Instant::now(), 0);
    let (stub, elsewhere) = (Stub::new().await, Stub::new().await);
    let (own, port) = (stub.port, elsewhere.port);
    let api =
        open(&format!("base: http://127.0.0.1:{own}/api\ninternal: true\nauth: {{ bearer: {{ secret: KEY }} }}"), None)
            .unwrap();
    let cases = [
        format!("http://127.0.0.1:{port}/api/x"),
        format!("//127.0.0.1:{port}/api/x"),
        format!("https://127.0.0.1:{own}/api/x"),
        format!("http://localhost:{own}/api/x"),
        format!("http://2130706433:{port}/api/x"),
        format!("http://[::1]:{own}/api/x"),
        format!("http://user@127.0.0.1:{own}/api/x"),
        format!("http://user:pw@127.0.0.1:{own}/api/x"),
        format!("http://127.0.0.1:{own}@127.0.0.1:{port}/api/x"),
        format!("http:\\\\127.0.0.1:{port}/api/x"),
        format!("\\\\127.0.0.1:{port}/api/x"),
        format!("http://127.0.0.1:{own}/other/x"),
        format!("http://127.0.0.1:{own}/apix/x"),
        format!("http://127.0.0.1:{own}/api/../x"),
        "/x".into(),
        "../../x".into(),
        "/api/a%2f..%2fb".into(),
        "/api/a//b".into(),
        "/api/x\r\nHost: evil".into(),
        "file:///etc/passwd".into(),
        "gopher://127.0.0.1/api/x".into(),
        "data:text/plain,x".into(),
        "https://169.254.169.254/api/latest".into(),
        "http://[::ffff:169.254.169.254]/api/x".into(),
        String::from("http://"),
    ];
    assert_eq!(cases.len(), 25);
    for address in &cases {
        let refused = api.follow("/list", address);
        assert!(refused.is_err(), "{address}: {refused:?}");
    }
    for (address, path, query) in [
        ("?page=2", "/list", "2"),
        ("more?page=3", "/more", "3"),
        ("/api/a/b?page=4", "/a/b", "4"),
        (&*format!("http://127.0.0.1:{own}/api/list?page=5"), "/list", "5"),
    ] {
        let (found, parameters) = api.follow("/list", address).unwrap_or_else(|why| panic!("{address}: {why}"));
        assert_eq!((found.as_str(), parameters[0].1.as_str()), (path, Some(query)), "{address}");
    }
    assert!(stub.untouched() && elsewhere.untouched());
    for status in [301, 302, 303, 307, 308] {
        for target in [format!("http://127.0.0.1:{port}/x"), format!("https://127.0.0.1:{port}/x"), "/elsewhere".into()]
        {
            let text = format!(
                "trueup: v1\nmock: m\nroutes: [{{ put: /x, answer: {{ status: {status}, headers: {{ Location: '{target}' }} }} }}]"
            );
            let running = super::fault_tests::mock(&text).await;
            let api =
                open(&format!("base: {}\ninternal: true\nauth: {{ bearer: {{ secret: KEY }} }}", running.url()), None)
                    .unwrap();
            let request = Request { body: Some(Value::from("secret body")), ..Request::new(Method::Put, "/x") };
            let failure = api.send(&request).await.unwrap_err();
            // 302 and 303 are also what a service answers that has done it.
            let not_done = !matches!(status, 302 | 303);
            assert_eq!((failure.reason(), failure.is_not_done()), (Reason::Redirect, not_done), "{status} {target}");
            assert_eq!(running.log().len(), 1);
            redirects += 1;
        }
    }
    assert!(elsewhere.untouched());
    line("T18", "addresses in answers, redirects", cases.len() + redirects, since);
}

async fn refused(api: &Api, request: Request, what: &str) {
    let failure = api.send(&request).await.expect_err(what);
    assert!(
        matches!(&failure, Failure::NotSent(t) if t.reason == Reason::Forbidden && !t.help.is_empty()),
        "{what:?}: {failure}"
    );
    assert_eq!(api.forbids(&request), Some(failure.clone()), "{what:?}");
    let text = failure.to_string();
    assert!(!text.contains("canary-secret") && !text.contains(['\r', '\n', '\0']), "{what:?}: {text:?}");
}

#[tokio::test]
async fn what_is_allowed_arrives_exactly_as_it_was_built() {
    let running = super::fault_tests::mock(
        "trueup: v1\nmock: m\nroutes: [{ get: '/api/v2/teachers/{trn}', answer: { json: { ok: true } } }]",
    )
    .await;
    let text = format!(
        "base: {}/api/\ninternal: true\nauth: {{ basic: {{ user: me, password: env:KEY }} }}\nheaders: {{ Accept: application/json }}\n\
         personal: [query.birthdate]\nallow: {{ methods: [GET], paths: ['/v2/teachers/*'] }}",
        running.url()
    );
    let api = open(&text, None).unwrap();
    let query = vec![
        ("birthdate".into(), Value::from("1990-05-04")),
        ("none".into(), Value::NULL),
        ("a b".into(), Value::list([Value::from("x&y=1"), Value::from(2)])),
    ];
    let request = Request { query, ..Request::new(Method::Get, "/v2/teachers/12%2B3%3F%25") };
    let view = api.view(&request);
    assert_eq!(
        view.to_string(),
        format!("GET {}/api/v2/teachers/12%2B3%3F%25?birthdate=(personal)&a%20b=x%26y%3D1&a%20b=2", running.url())
    );
    assert_eq!(
        view.headers,
        [("accept".to_owned(), "application/json".to_owned()), ("authorization".into(), "Basic (secret)".into())]
    );
    assert!(request.key().contains("birthdate=1990-05-04") && !format!("{view:?}").contains("1990"));
    assert_eq!(api.send(&request).await.unwrap().status, 200);
    let log = running.shutdown().await;
    let sent =
        |pairs: &[(&str, &str)]| pairs.iter().map(|(n, v)| ((*n).to_owned(), (*v).to_owned())).collect::<Vec<_>>();
    assert_eq!(log[0].query, sent(&[("birthdate", "1990-05-04"), ("a b", "x&y=1"), ("a b", "2")]));
    assert_eq!(log[0].header("authorization"), Some("Basic bWU6Y2FuYXJ5LXNlY3JldA=="));
    assert_eq!(log[0].header("host"), Some(&*running_host(&text)));
}

fn running_host(text: &str) -> String {
    text.split('/').nth(2).unwrap_or("").to_owned()
}

#[tokio::test]
async fn a_webhook_is_posted_to_as_it_is_and_never_shown() {
    let running = super::fault_tests::mock(
        "trueup: v1\nmock: m\nroutes: [{ post: '/hooks/canary-hook', query: { key: k }, answer: { status: 204 } }]",
    )
    .await;
    let masks = Masks::default();
    let secrets = Secrets { variable: &|_| None, folder: Path::new("."), masks: &masks };
    let api = Api::webhook("people.devs", &format!("{}/hooks/canary-hook?key=k", running.url()), secrets).unwrap();
    let message =
        Request { body: Some(Value::map([("text", Value::from("hello"))])), ..Request::new(Method::Post, "") };
    assert_eq!(api.send(&message).await.unwrap().status, 204);
    assert_eq!(api.view(&message).to_string(), format!("POST {}/(secret)", running.url()));
    assert!(!format!("{api:?}").contains("canary"));
    let failure = api.send(&Request::new(Method::Post, "/more")).await.unwrap_err();
    assert!(failure.reason() == Reason::Forbidden && !failure.to_string().contains("canary"), "{failure}");
    let error = Api::webhook("people.devs", "http://hooks.example/x", secrets).unwrap_err().to_string();
    assert!(error.contains("anybody on the way"), "{error}");
    assert_eq!(running.log().len(), 1);
}
