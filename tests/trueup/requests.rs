//! A request that changes something is sent as the plan showed it, or not at all.

use super::{
    proof::figures::Figures,
    servers::{Shop, block_on, postgres, request, said},
};
use std::sync::atomic::AtomicBool;
use trueup::{
    base::{json, value::Value, world::World},
    engine::drive::Stopped,
    journal::words::End,
    mock::{Mock, server::Running},
    ops::{self, apply::Carried},
    plan::{Effect, Plan, stored},
    trial::bench::On,
};

const ROWS: &str = "insert into owners (id, name) values (1, 'Ada'); insert into things (id, name, state, count, email, created_at, updated_at) values (1, 'lamp', 0, 1, 'ada@example.org', '2024-01-01 00:00:00', '2024-01-01 00:00:00');";

/// What nobody can foretell stands in it as well: the run, its time, a number that the database gives, an answer of this run.
const BOOK: &str = r#"trueup: v1
name: requests/planned
version: 1
title: Sent as planned
uses:
  shop: { read: [things, parts], write: [parts, audits] }
  crm: { methods: [POST] }
preconditions:
- id: thing
  find: { table: shop.things, where: { id: 1 }, expect: one }
steps:
- id: part
  row: { table: shop.parts, key: { thing_id: 1, position: 7 }, set: {}, create: { name: bulb } }
- id: first
  http: { api: crm, post: /first, json: { a: 1 } }
  irreversible: a test
- id: send
  http:
    api: crm
    post: "/things/{{ thing.name }}"
    query: { by: "{{ thing.count }}" }
    headers: { X-Why: "{{ thing.name }}" }
    json: { email: "{{ thing.email }}", part: "{{ part.id }}", run: "{{ run.id }} {{ run.uuid }}", at: "{{ run.now }}", number: "{{ first.body.number }}", more: [1, two] }
  irreversible: a test
"#;

struct Scene {
    shop: Shop,
    crm: Running,
}

impl Scene {
    async fn open(on: &On) -> Scene {
        let mock = "trueup: v1\nmock: crm\nroutes:\n- post: /**\n  answer: { status: 201, json: { number: 7 } }\n";
        let crm = Mock::from_yaml(mock).unwrap().start(World::real()).await.unwrap();
        let shop = Shop::open(on, &crm.url(), |text| text).await;
        shop.sql(ROWS).await;
        Scene { shop, crm }
    }

    /// Planned, changed by `edit`, kept as a run keeps it, and carried out by another run.
    async fn carried(&self, edit: impl Fn(&mut Value)) -> Carried {
        let (here, opened) = (&self.shop.here, &self.shop.opened);
        let mut plan = self.plan().await;
        let mut requests = 0;
        for step in &mut plan.items[0].steps {
            for effect in &mut step.effects {
                if let Effect::Request { sent: Some(sent), .. } = effect
                    && &*step.path == "steps/send"
                {
                    edit(sent);
                    requests += 1;
                }
            }
        }
        assert_eq!(requests, 1, "the plan does not hold the request");
        // As a run keeps it, and gives it back after days.
        plan.items[0].steps = stored::load(&stored::store(&plan.items[0])).expect("a plan comes back").steps;
        let mut asked = request(&[]);
        asked.saved = true;
        let prepared = ops::plan::setting(here, opened, self.shop.playbook(BOOK), &asked).await.unwrap();
        let record = ops::record::open(here, opened).await.unwrap();
        let pause = AtomicBool::new(false);
        let carried = ops::apply::apply(here, &record, opened, &prepared.setting, &plan, &|_| {}, &pause).await;
        record.journal.close().await.unwrap();
        carried.unwrap_or_else(|f| panic!("{}", said(&f)))
    }

    async fn plan(&self) -> Plan {
        let (here, opened) = (&self.shop.here, &self.shop.opened);
        let mut asked = request(&[]);
        asked.saved = true;
        let prepared = ops::plan::setting(here, opened, self.shop.playbook(BOOK), &asked).await.unwrap();
        ops::plan::plan(&prepared.setting, &asked, &|_| {}).await.unwrap_or_else(|f| panic!("{}", said(&f)))
    }
}

/// The request with another value at this place.
fn with(sent: &Value, place: &[&str], value: Value) -> Value {
    let Some((name, rest)) = place.split_first() else { return value };
    let mut map = sent.as_map().cloned().unwrap_or_default();
    let inner = map.get(name).cloned().unwrap_or(Value::NULL);
    map.insert((*name).into(), with(&inner, rest, value));
    Value::from(map).marked(sent.marks)
}

#[test]
fn what_only_apply_can_know_is_no_difference() {
    block_on(async {
        for on in [On::Sqlite, On::Postgres(postgres())] {
            let scene = Scene::open(&on).await;
            let carried = scene.carried(|_| {}).await;
            assert_eq!(
                carried.stopped,
                Stopped::Closed(End::Changed),
                "{:?} {:?}",
                carried.state.closed,
                carried.drift
            );
            let log = scene.crm.log();
            assert_eq!(log.len(), 2);
            assert!(json::text_of(&log[1].body).contains("\"number\":7"), "{:?}", log[1].body);
            scene.shop.close().await;
        }
    });
}

#[test]
fn a_request_that_differs_from_the_planned_one_is_drift_and_is_not_sent() {
    block_on(async {
        let hidden = |text: &str| Value::from(text).marked(trueup::base::value::Marks::PERSONAL);
        let cases: [(&[&str], Value, &str); 6] = [
            (&["method"], "PUT".into(), "method"),
            (&["path"], "/things/desk".into(), "path"),
            (&["query"], Value::list([Value::list(["by".into(), "2".into()])]), "parameter by"),
            (&["headers"], Value::list([Value::list(["X-Why".into(), "desk".into()])]), "header X-Why"),
            (&["json", "email"], hidden("eve@example.org"), "body.email"),
            (&["json", "more"], Value::list([1.into(), "three".into()]), "body.more[1]"),
        ];
        let scene = Scene::open(&On::Sqlite).await;
        for (place, value, column) in cases {
            scene.shop.sql("delete from parts; delete from audits").await;
            let before = scene.crm.log().len();
            let carried = scene.carried(|sent| *sent = with(sent, place, value.clone())).await;
            assert_eq!(carried.stopped, Stopped::Closed(End::Drifted), "{column}: {:?}", carried.state.closed);
            assert_eq!(carried.drift.len(), 1, "{column}: {:?}", carried.drift);
            assert_eq!(carried.drift[0].column, column);
            assert!(carried.drift[0].subject.starts_with("POST http"), "{:?}", carried.drift);
            assert_ne!(carried.drift[0].planned, carried.drift[0].found);
            assert!(!format!("{:?}", carried.drift).contains("@example.org"), "{:?}", carried.drift);
            // The step before it was as planned.
            assert_eq!(scene.crm.log().len() - before, 1, "{column}");
        }
        scene.shop.close().await;
    });
}

/// Somebody who can set a variable of the machine must not get the requests of a procedure to read (`reliability.md` T18).
#[test]
fn no_proxy_that_the_surroundings_name_is_ever_asked() {
    const NAMES: [&str; 6] = ["HTTP_PROXY", "http_proxy", "HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"];
    block_on(async {
        let mut figures = Figures::new("T18", "proxies that the surroundings name");
        let proxy = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        proxy.set_nonblocking(true).unwrap();
        let address = format!("http://{}", proxy.local_addr().unwrap());
        let mock = "trueup: v1\nmock: crm\nroutes:\n- get: /x\n  answer: { json: { a: 1 } }\n";
        let crm = Mock::from_yaml(mock).unwrap().start(World::real()).await.unwrap();
        let folder = tempfile::tempdir().unwrap();
        let write = |name: &str, text: &str| std::fs::write(folder.path().join(name), text).unwrap();
        let connection = format!("  crm: {{ http: {{ base: \"{}\", internal: true }} }}\n", crm.url());
        write(
            "trueup.yaml",
            &format!("trueup: v1\nproject: p\nenvironments: {{ test: {{}} }}\nconnections:\n{connection}"),
        );
        write(
            "book.yaml",
            "trueup: v1\nname: book\nversion: 1\ntitle: Look\nuses:\n  crm: { methods: [GET] }\npreconditions:\n- id: seen\n  http: { api: crm, get: /x }\nsteps:\n- assert: seen.body.a == 1\n",
        );
        for name in NAMES {
            let line = ["plan", "book.yaml", "--env", "test", "--reason", "r", "--actor", "anna"];
            let mut command = tokio::process::Command::new(env!("CARGO_BIN_EXE_trueup"));
            let done = command
                .args(line)
                .current_dir(folder.path())
                .env(name, &address)
                .env_remove("NO_PROXY")
                .env_remove("no_proxy")
                .output()
                .await
                .unwrap();
            assert!(done.status.success(), "{name}: {}", String::from_utf8_lossy(&done.stderr));
            figures.faults += 1;
            figures.points += 1;
            assert!(proxy.accept().is_err(), "{name}: the proxy was asked");
        }
        assert_eq!(crm.log().len(), NAMES.len(), "each request came straight to where it belongs");
        figures.end(NAMES.len());
    });
}
