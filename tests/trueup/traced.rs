//! A trace id travels: the id of the run stands in the header of its requests, in a comment at BEGIN, and in what the collector gets.

use super::{
    nightly::trueup_with,
    places::Place,
    servers::{block_on, postgres},
};
use std::sync::{Arc, Mutex};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
};
use trueup::trial::bench::On;

type Heard = Arc<Mutex<Vec<u8>>>;

fn text(heard: &Heard) -> String {
    String::from_utf8_lossy(&heard.lock().unwrap()).into_owned()
}

/// The API and the collector in one: it keeps what it is told, and says that all is well.
async fn listener() -> (String, Heard) {
    let (listener, heard) = (TcpListener::bind("127.0.0.1:0").await.unwrap(), Heard::default());
    let (url, kept) = (format!("http://{}", listener.local_addr().unwrap()), heard.clone());
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let kept = kept.clone();
            tokio::spawn(async move {
                let (mut all, mut part) = (Vec::new(), [0; 8192]);
                loop {
                    let n = stream.read(&mut part).await.unwrap_or(0);
                    kept.lock().unwrap().extend_from_slice(&part[..n]);
                    all.extend_from_slice(&part[..n]);
                    let said = String::from_utf8_lossy(&all).to_ascii_lowercase();
                    let length =
                        said.split("content-length: ").nth(1).and_then(|rest| rest.split("\r\n").next()?.parse().ok());
                    let body = said.split_once("\r\n\r\n").map(|(_, body)| body.len());
                    if n == 0 || body.is_some_and(|body| body >= length.unwrap_or(0)) {
                        break;
                    }
                }
                let answer = "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 2\r\nconnection: close\r\n\r\n{}";
                let _ = stream.write_all(answer.as_bytes()).await;
            });
        }
    });
    (url, heard)
}

/// A wire to the server on which somebody listens.
async fn wire(server: String) -> (u16, Heard) {
    let (listener, heard) = (TcpListener::bind("127.0.0.1:0").await.unwrap(), Heard::default());
    let (port, kept) = (listener.local_addr().unwrap().port(), heard.clone());
    tokio::spawn(async move {
        while let Ok((client, _)) = listener.accept().await {
            let (server, kept) = (TcpStream::connect(&server).await.unwrap(), kept.clone());
            let ((mut from_client, mut to_client), (mut from_server, mut to_server)) =
                (client.into_split(), server.into_split());
            tokio::spawn(async move { tokio::io::copy(&mut from_server, &mut to_client).await });
            tokio::spawn(async move {
                let mut part = [0; 8192];
                while let Ok(n @ 1..) = from_client.read(&mut part).await {
                    kept.lock().unwrap().extend_from_slice(&part[..n]);
                    if to_server.write_all(&part[..n]).await.is_err() {
                        return;
                    }
                }
            });
        }
    });
    (port, heard)
}

const BODY: &str = "preconditions:
- id: asked
  http: { api: crm, get: /things/1 }
steps:
- row: { table: shop.things, key: { id: 1 }, set: { name: traced } }
";

#[test]
fn the_id_of_the_run_is_the_trace_of_its_requests_its_transactions_and_its_spans() {
    block_on(async {
        let place = Place::make(&On::Postgres(postgres())).await;
        let (api, told) = listener().await;
        let (collector, traces) = listener().await;
        place.project(&api);
        place.playbook("trace", "  shop: { write: [things, audits] }\n  crm: { methods: [GET] }", BODY);
        let url = place.variables().into_iter().find(|(name, _)| name == "SHOP_URL").unwrap().1;
        let (before, rest) = url.rsplit_once('@').unwrap();
        let (server, database) = rest.split_once('/').unwrap();
        let (port, sent) = wire(server.to_owned()).await;
        let through = ("SHOP_URL", format!("{before}@127.0.0.1:{port}/{database}"));
        let line = "apply trace --yes --reason test";

        // Without a collector nobody is told anything.
        trueup_with(&place, line, std::slice::from_ref(&through)).await.is(0, &["Done"]);
        assert!(text(&told).contains("GET /things/1") && text(&sent).contains("BEGIN"), "{}", text(&told));
        assert!(!text(&told).contains("traceparent") && !text(&sent).contains("traceparent"));

        place.admin("update things set name = 'other' where id = 1;").await;
        let otlp = ("OTEL_EXPORTER_OTLP_ENDPOINT", collector);
        trueup_with(&place, line, &[through, otlp]).await.is(0, &["Done"]);
        let head = text(&told);
        let parent = head.split("traceparent: ").nth(1).expect("a header").split("\r\n").next().unwrap().to_owned();
        let parts: Vec<&str> = parent.split('-').collect();
        assert!(parts.len() == 4 && parts[0] == "00" && parts[1].len() == 32 && parts[3] == "01", "{parent}");
        let trace = parts[1];
        assert!(text(&sent).contains(&format!("/*traceparent='00-{trace}-")), "no comment at BEGIN");
        assert!(text(&traces).contains("/v1/traces") && text(&traces).contains(&format!("\"traceId\":\"{trace}\"")));
        // From the trace to the run.
        trueup_with(&place, &format!("show {}", &trace[24..]), &[]).await.is(0, &["trace v1", "because test"]);
        place.clear().await;
    });
}

/// Of many items nobody holds the steps; the run is sent with how it ended, and how many of its items ended how. What takes it back is sent, too.
#[test]
fn a_run_over_many_items_and_its_undo_are_sent_with_their_ends() {
    block_on(async {
        let place = Place::make(&On::Postgres(postgres())).await;
        let (collector, traces) = listener().await;
        place.admin("insert into things (id, name, count) select n, 'x', 1 from generate_series(101, 350) n").await;
        let body = "targets: { from: { find: { table: shop.things, where: { name: x } } } }
steps:
- row: { table: shop.things, key: { id: \"{{ item.id }}\" }, set: { name: traced } }
";
        place.playbook("many", "  shop: { read: [things], write: [things, audits] }", body);
        let otlp = [("OTEL_EXPORTER_OTLP_ENDPOINT", collector)];
        trueup_with(&place, "apply many --yes --reason test", &otlp).await.is(0, &["250 changed"]);
        let attribute = |name: &str, value: &str| format!("{{\"key\":\"{name}\",\"value\":{value}}}");
        let ended = |purpose: &str| {
            let told = text(&traces);
            let span = told.split("\"traceId\"").find(|span| span.contains(&attribute("trueup.purpose", purpose)));
            let span = span.unwrap_or_else(|| panic!("{purpose}: {told}")).to_owned();
            for (name, value) in
                [("trueup.end", "{\"stringValue\":\"changed\"}"), ("trueup.items.changed", "{\"intValue\":\"250\"}")]
            {
                assert!(span.contains(&attribute(name, value)), "{name}: {span}");
            }
        };
        ended("{\"stringValue\":\"apply\"}");
        let runs = trueup_with(&place, "runs --json", &[]).await.json();
        let undo = format!("undo {} --yes --reason back", runs["runs"][0]["short"].as_str().unwrap());
        trueup_with(&place, &undo, &otlp).await.is(0, &["250 taken back"]);
        ended("{\"stringValue\":\"undo\"}");
        place.clear().await;
    });
}
