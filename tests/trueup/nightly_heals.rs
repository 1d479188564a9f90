//! Reconciles that heal night after night: items that a service never takes, nights on which it is away, what comes back.

use super::{
    nightly::{FILE, office, trueup},
    places::Place,
    servers::{block_on, postgres},
};
use serde_json::Value as Json;
use std::{
    fs,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};
use tokio::{
    io::{AsyncBufReadExt, AsyncWriteExt, BufReader},
    net::TcpListener,
};
use trueup::trial::bench::On;

/// A service that does not take what ends in one of these numbers, and nothing at all while it is away.
async fn service(bad: &'static [&'static str]) -> (String, Arc<AtomicBool>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let (url, away) = (format!("http://{}", listener.local_addr().unwrap()), Arc::new(AtomicBool::new(false)));
    let is_away = away.clone();
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            if is_away.load(Ordering::Relaxed) {
                continue;
            }
            let mut lines = BufReader::new(&mut stream).lines();
            let mut head = String::new();
            while let Some(line) = lines.next_line().await.unwrap().filter(|line| !line.is_empty()) {
                head += &format!("{line}\n");
            }
            let path = head.split_whitespace().nth(1).unwrap_or_default();
            let put = head.starts_with("PUT");
            let answer = match bad.iter().any(|bad| put && path.ends_with(&format!("/{bad}"))) {
                true => "422 Unprocessable Entity",
                false => "200 OK",
            };
            let answer = format!("HTTP/1.1 {answer}\r\ncontent-length: 0\r\nconnection: close\r\n\r\n");
            let _ = stream.write_all(answer.as_bytes()).await;
        }
    });
    (url, away)
}

const TELL: &str = "reconcile: { heal: { most: 3 } }
targets:
  from: { find: { table: shop.things, where: { name: '' }, order_by: [id] } }
preconditions:
- http: { api: crm, get: '/things/{{ item.id }}', accept: [200] }
steps:
- id: told
  http: { api: crm, put: '/things/{{ item.id }}', accept: [200] }
  repeatable: a test
  irreversible: a test
- row: { table: shop.things, key: { id: '{{ item.id }}' }, set: { name: named } }
errors:
- { otherwise: fail }
";

/// Eight things, of which the service is to be told.
async fn told(url: &str, heal: &str) -> Place {
    let place = office(&On::Postgres(postgres()), FILE, "").await;
    place.project(url);
    let uses = "  shop: { write: [things, audits] }\n  crm: { methods: [GET, PUT] }";
    place.playbook("tell", uses, &TELL.replace("most: 3", heal));
    place.admin("delete from things;").await;
    for id in 1..=8 {
        place.admin(&format!("insert into things (id, name, count) values ({id}, '', 0);")).await;
    }
    place
}

/// What came of each item, by its key.
fn came(told: &Json) -> Vec<(String, String)> {
    let text = |value: &Json| value.as_str().unwrap().to_owned();
    told["items"].as_array().unwrap().iter().map(|item| (text(&item["item"]), text(&item["verdict"]))).collect()
}

fn those(told: &Json, verdict: &str) -> Vec<String> {
    came(told).into_iter().filter(|(_, came)| came == verdict).map(|(item, _)| item).collect()
}

#[test]
fn what_is_never_healed_keeps_the_others_from_nothing() {
    block_on(async {
        let (url, _) = service(&["1", "2", "3", "4"]).await;
        let place = told(&url, "most: 3").await;
        let heal = async || trueup(&place, "reconcile tell --heal --yes --reason night --json").await.json();
        let first = heal().await;
        assert_eq!((those(&first, "failed"), those(&first, "healed")), (texts(&["1", "2", "3"]), texts(&[])));
        // A look in between forgets nothing.
        trueup(&place, "reconcile tell").await;
        let second = heal().await;
        assert_eq!((those(&second, "failed"), those(&second, "healed")), (texts(&["4"]), texts(&["5", "6"])));
        let third = heal().await;
        assert_eq!((those(&third, "failed"), those(&third, "healed")), (texts(&["1"]), texts(&["7", "8"])));
        // Those that fewer tried to heal come first.
        assert_eq!(those(&heal().await, "failed"), texts(&["2", "3", "4"]));
        place.clear().await;
    });
}

#[test]
fn what_always_fails_stops_a_heal_behind_the_others() {
    block_on(async {
        let (url, _) = service(&["1", "2"]).await;
        let place = told(&url, "most: 50, stop_after: 2").await;
        let path = place.path().join("tell.yaml");
        let text = fs::read_to_string(&path).unwrap();
        fs::write(&path, text.replace("steps:", "limits: { concurrency: 1 }\nsteps:")).unwrap();
        let heal = async || trueup(&place, "reconcile tell --heal --yes --reason night --json").await.json();
        let first = heal().await;
        assert_eq!((those(&first, "failed"), those(&first, "healed")), (texts(&["1", "2"]), texts(&[])));
        let run = first["run"].as_str().unwrap();
        trueup(&place, &format!("cancel {run} --reason over")).await.is(0, &[]);
        let second = heal().await;
        assert_eq!(those(&second, "healed"), texts(&["3", "4", "5", "6", "7", "8"]), "{second}");
        assert_eq!(those(&second, "failed"), texts(&["1", "2"]));
        place.clear().await;
    });
}

#[test]
fn a_night_on_which_the_service_is_away_makes_nothing_new_that_differed_before() {
    block_on(async {
        let (url, away) = service(&[]).await;
        let place = told(&url, "most: 3").await;
        let look = async || trueup(&place, "reconcile tell --json").await.json();
        let first = look().await;
        away.store(true, Ordering::Relaxed);
        let second = look().await;
        assert_eq!((second["drifted"].as_u64(), second["not_tried"].as_u64()), (Some(0), Some(8)), "{second}");
        assert_eq!(second["items"][0]["differed_since"], first["items"][0]["since"], "{second}");
        assert_eq!(second["trend"].as_array().unwrap().len(), 1, "{second}");
        trueup(&place, "reconcile tell").await.is(1, &["2 times in a row, differed since"]);
        away.store(false, Ordering::Relaxed);
        place.admin("update things set name = 'x' where id = 8;").await;
        let last = look().await;
        assert_eq!((last["new"].as_u64(), last["as_wanted_again"].as_u64()), (Some(0), Some(1)), "{last}");
        let item = &last["items"][0];
        assert_eq!((&item["since"], item["seen"].as_u64()), (&first["items"][0]["since"], Some(2)), "{last}");
        assert_eq!(last["trend"].as_array().unwrap().len(), 2, "{last}");
        place.clear().await;
    });
}

#[test]
fn a_report_counts_what_the_caps_would_refuse() {
    block_on(async {
        let (url, _) = service(&[]).await;
        let place = told(&url, "most: 3").await;
        let would = "Healing would refuse 5 of them, because one run may heal no more than 3 (`most`).";
        trueup(&place, "reconcile tell").await.is(5, &[would, "reconcile tell --env test --heal"]);
        assert_eq!(trueup(&place, "reconcile tell --json").await.json()["would_heal"].as_u64(), Some(3));
        let path = place.path().join("tell.yaml");
        let text = fs::read_to_string(&path).unwrap();
        fs::write(&path, text.replace("most: 3", "most: 3, share: 4")).unwrap();
        let share = trueup(&place, "reconcile tell").await;
        let share =
            share.is(5, &["Healing would refuse all of them: 8 of 8 items differ, more than `share: 4` allows"]);
        assert!(!share.out.contains("--heal"), "{}", share.out);
        place.clear().await;
    });
}

#[test]
fn who_shows_the_run_of_a_reconcile_finds_its_report() {
    block_on(async {
        let (url, _) = service(&[]).await;
        let place = told(&url, "most: 3").await;
        let run = trueup(&place, "reconcile tell --json").await.json()["run"].as_str().unwrap().to_owned();
        let short = &run[run.len() - 8..];
        let report = format!("trueup reconcile report {short}");
        let shown = trueup(&place, &format!("show {run}")).await;
        let shown = shown.is(0, &["Compared: 8 of 8 differ. Nothing was begun.", &report]);
        assert!(!shown.out.contains("--item"), "{}", shown.out);
        for line in ["--item 2", "--items csv"] {
            let shown = trueup(&place, &format!("show {run} {line}")).await;
            shown.is(2, &["compared, and no item was begun in it", &report]);
        }
        trueup(&place, &report["trueup ".len()..]).await.is(0, &["8 items differ"]);
        let run = trueup(&place, "reconcile tell --heal --yes --reason night --json").await.json();
        let run = run["run"].as_str().unwrap().to_owned();
        let short = &run[run.len() - 8..];
        let words = [&*format!("trueup reconcile report {short}"), &format!("take it back trueup undo {short}")];
        trueup(&place, &format!("show {run}")).await.is(0, &words);
        place.clear().await;
    });
}

#[test]
fn what_was_taken_back_is_not_proposed_to_be_taken_back() {
    block_on(async {
        let place = office(&On::Postgres(postgres()), FILE, "").await;
        place.admin("update things set name = '';").await;
        let run = trueup(&place, "reconcile name --heal --yes --reason night --json").await.json();
        let run = run["run"].as_str().unwrap().to_owned();
        trueup(&place, &format!("undo {run} --yes --reason back")).await.is(0, &[]);
        let runs = trueup(&place, "runs --json").await.json();
        let back = runs["runs"][0]["short"].as_str().unwrap().to_owned();
        let again = format!("trueup undo {back}");
        let shown = trueup(&place, &format!("show {run}")).await.is(0, &[&format!("make it again {again}")]);
        assert!(!shown.out.contains("take it back"), "{}", shown.out);
        let told = trueup(&place, "reconcile name").await;
        told.is(5, &["3 items differ: again after they were healed.", "1 again, healed "]);
        trueup(&place, &format!("{} --yes --reason again", &again["trueup ".len()..])).await.is(0, &[]);
        trueup(&place, "reconcile report --playbook nosuch").await.is(2, &["recorded of a playbook `nosuch`"]);
        place.clear().await;
    });
}

fn texts(of: &[&str]) -> Vec<String> {
    of.iter().map(|text| (*text).to_owned()).collect()
}
