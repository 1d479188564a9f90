//! What a heal has done, has left in doubt and has not begun is told apart; and which reconcile is the last one, whatever the clocks say.

use super::{
    nightly::{FILE, command, office, trueup, until},
    nightly_clock::{at, is_left_out},
    places::Place,
    servers::block_on,
};
use serde_json::Value as Json;
use std::{fs, process::Stdio};
use trueup::{
    base::world::World,
    mock::{Mock, server::Running},
    trial::bench::On,
};

/// The answer to the first request for number 2 is lost, after it was carried out; number 4 is not taken over.
const MOCK: &str = "trueup: v1\nmock: crm\nroutes:\n\
    - post: /made/2\n  answers: [{ fault: drop_reply }, { json: { ok: true } }]\n\
    - post: /made/{id}\n  answer: { json: { ok: true } }\n\
    - post: /back/{id}\n  answer: { json: { ok: true } }\n\
    - post: /told/4\n  answer: { status: 422 }\n\
    - post: /told/{id}\n  answer: { json: { ok: true } }\n";

/// Two calls for each thing, one after the other.
const MAKE: &str = "reconcile: { heal: { most: 50, stop_after: 1 } }
limits: { concurrency: 1 }
targets:
  from: { find: { table: shop.things, where: { name: '' }, order_by: [id] } }
steps:
- id: made
  http: { api: crm, post: '/made/{{ item.id }}' }
  undo: { http: { api: crm, post: '/back/{{ item.id }}' } }
- id: told
  http: { api: crm, post: '/told/{{ item.id }}', accept: [200] }
  irreversible: a test
- row: { table: shop.things, key: { id: '{{ item.id }}' }, set: { name: named } }
errors:
- { status: 422, then: fail }
- { otherwise: stop }
";

/// These things are to be made.
async fn shop(crm: &Running, ids: &[u32]) -> Place {
    let place = office(&On::Sqlite, FILE, "").await;
    place.project(&crm.url());
    place.playbook("make", "  shop: { write: [things, audits] }\n  crm: { methods: [POST] }", MAKE);
    place.admin("delete from things;").await;
    for id in ids {
        place.admin(&format!("insert into things (id, name, count) values ({id}, '', 0);")).await;
    }
    place
}

async fn crm() -> Running {
    Mock::from_yaml(MOCK).unwrap().start(World::real()).await.unwrap()
}

fn called(crm: &Running, path: &str) -> usize {
    crm.log().iter().filter(|call| call.path == path).count()
}

/// What came of each item, in their order.
fn verdicts(told: &Json) -> Vec<&str> {
    told["items"].as_array().unwrap().iter().map(|item| item["verdict"].as_str().unwrap()).collect()
}

const HEAL: &str = "reconcile make --heal --yes --reason night";

#[test]
fn of_a_heal_in_doubt_what_never_began_is_not_in_doubt() {
    block_on(async {
        let crm = crm().await;
        let place = shop(&crm, &[1, 2, 3, 5, 6]).await;
        let told = trueup(&place, HEAL).await.is(6, &["1 healed, 3 not over yet, 1 in doubt."]);
        assert!(!told.out.contains("4 in doubt"), "{}", told.out);
        let told = trueup(&place, "reconcile report --json").await.json();
        assert_eq!(verdicts(&told), ["healed", "in_doubt", "healing", "healing", "healing"], "{told}");
        assert_eq!(told["came_to"], "in_doubt", "{told}");
        // As the run itself says.
        let run = told["run"].as_str().unwrap();
        trueup(&place, &format!("show {run}")).await.is(0, &["1 changed, 1 in doubt, 3 not begun"]);
        place.clear().await;
    });
}

#[test]
fn calls_of_items_that_failed_behind_them_are_told_and_taken_back() {
    block_on(async {
        let crm = crm().await;
        let place = shop(&crm, &[4]).await;
        let one = "1 request was made for 1 item that was not carried through.";
        let again = "the next heal does it once more unless the playbook looks first";
        let told = trueup(&place, HEAL).await.is(1, &["1 failed.", one, again, "take back what was done"]);
        let told_as = trueup(&place, "reconcile report --json").await.json();
        let halfway = &told_as["halfway"];
        assert_eq!((halfway["items"].as_u64(), halfway["requests"].as_u64()), (Some(1), Some(1)), "{told_as}");
        let run = told_as["run"].as_str().unwrap();
        assert!(told.out.contains(&format!("trueup undo {}", short(run))), "{}", told.out);
        trueup(&place, &format!("show {run}")).await.is(0, &[one, "take it back", "do again what failed"]);
        trueup(&place, "reconcile report --html drift.html").await.is(0, &[]);
        let page = fs::read_to_string(place.path().join("drift.html")).unwrap();
        assert!(page.contains(one) && page.contains("take back what was done"), "{page}");
        trueup(&place, &format!("undo {run} --yes --reason back")).await;
        assert_eq!((called(&crm, "/made/4"), called(&crm, "/back/4")), (1, 1));
        let told = trueup(&place, "reconcile report").await.is(0, &["It was taken back by run"]);
        assert!(!told.out.contains("not carried through"), "{}", told.out);
        place.clear().await;
    });
}

fn short(run: &str) -> String {
    run.parse::<trueup::base::identity::RunId>().unwrap().short()
}

/// A person cancels a heal between two calls of an item: nothing was refused, and what was done can be taken back.
#[test]
fn calls_of_a_heal_that_was_cancelled_are_told_and_nothing_of_it_was_refused() {
    block_on(async {
        let crm = crm().await;
        let place = shop(&crm, &[1, 3, 5]).await;
        // The second call waits for an hour.
        let file = place.path().join("trueup.yaml");
        let text = fs::read_to_string(&file).unwrap();
        let slow = text.replace("      internal: true\n", "      internal: true\n      rate: 1/h\n");
        assert_ne!(text, slow);
        fs::write(&file, slow).unwrap();
        let mut heal = command(&place, HEAL);
        let mut heal = heal.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        until("a call is made", || async { called(&crm, "/made/1") == 1 }).await;
        let pid = heal.id().unwrap().to_string();
        assert!(std::process::Command::new("kill").args(["-TERM", &pid]).status().unwrap().success());
        assert_eq!(heal.wait().await.unwrap().code(), Some(4));
        let run = trueup(&place, "reconcile report --json").await.json()["run"].as_str().unwrap().to_owned();
        let one = "1 request was made for 1 item that was not carried through.";
        let cancelled = trueup(&place, &format!("cancel {run} --reason no --actor ben")).await;
        cancelled.is(0, &[one, "take it back"]);
        trueup(&place, &format!("show {run}")).await.is(0, &["3 cancelled", one, "take it back"]);
        let told = trueup(&place, "reconcile report").await;
        let told = told.is(0, &["3 cancelled.", one, "see what was cancelled", "take back what was done"]);
        assert!(!told.out.contains("refused"), "{}", told.out);
        let told = trueup(&place, "reconcile report --json").await.json();
        assert_eq!((verdicts(&told), &told["came_to"]), (vec!["cancelled"; 3], &"cancelled".into()), "{told}");
        fs::write(&file, text).unwrap();
        trueup(&place, &format!("undo {run} --yes --reason back")).await.is(0, &[]);
        assert_eq!((called(&crm, "/made/1"), called(&crm, "/back/1"), called(&crm, "/made/3")), (1, 1, 0));
        place.clear().await;
    });
}

/// What a schedule of the playbook `name` looks at, each five minutes.
const EACH_FIVE: &str =
    "schedules:\n  one: { playbook: name, zone: UTC, env: test, owner: clerk, cron: '*/5 * * * *' }\n";

/// The numbers by their names, with the labels.
async fn measured(place: &Place, moment: &str, exit: i32) -> Vec<(String, f64)> {
    at(place, moment, "reconcile --due --metrics-file m.prom").await.is(exit, &[]);
    let text = fs::read_to_string(place.path().join("m.prom")).unwrap();
    let lines = text.lines().filter(|line| !line.starts_with('#'));
    lines.filter_map(|line| line.rsplit_once(' ')).map(|(name, n)| (name.to_owned(), n.parse().unwrap())).collect()
}

fn number(measured: &[(String, f64)], name: &str) -> f64 {
    let found: Vec<f64> = measured.iter().filter(|(of, _)| of.starts_with(name)).map(|(_, n)| *n).collect();
    let [one] = found[..] else { panic!("{name}: {found:?} in {measured:?}") };
    one
}

/// Within ten minutes behind this moment.
#[track_caller]
fn is_about(seconds: f64, moment: &str) {
    let from = format!("{}Z", moment.replace(' ', "T")).parse::<jiff::Timestamp>().unwrap().as_second() as f64;
    assert!((from..from + 600.0).contains(&seconds), "{seconds} is not about {moment} ({from})");
}

#[test]
fn after_a_clock_that_was_ahead_the_last_one_is_the_one_that_was_recorded_last() {
    if is_left_out() {
        return;
    }
    block_on(async {
        let place = office(&On::Sqlite, FILE, EACH_FIVE).await;
        let due = async |moment: &str, exit: i32, words: &[&str]| {
            at(&place, moment, "reconcile --due").await.is(exit, words);
        };
        let success = "trueup_schedule_last_success_timestamp_seconds{";
        let last = "trueup_reconcile_last_timestamp_seconds{";
        let never = "create trigger never before update on things begin select raise(abort, 'no'); end;";
        due("2026-12-01 10:00:30", 0, &["it is new", "Nothing is due."]).await;
        // Three months ahead, once.
        due("2027-03-01 00:00:05", 0, &["2027-03-01 00:00:00 begins"]).await;
        // Nobody looked after it at 10:00.
        due("2026-12-01 10:02:05", 0, &["Nothing is due."]).await;
        place.admin(&format!("update things set name = '' where id = 1; {never}")).await;
        // Of the only one that went well the time is known by a clock that was wrong.
        let told = measured(&place, "2026-12-01 10:05:05", 1).await;
        is_about(number(&told, success), "2026-12-01 10:05:05");
        is_about(number(&told, last), "2026-12-01 10:05:05");
        assert!(told.iter().any(|(name, _)| name.starts_with(last) && name.contains("came_to=\"failed\"")), "{told:?}");
        place.admin("drop trigger never;").await;
        due("2026-12-01 10:15:05", 5, &["1 item differs"]).await;
        let told = measured(&place, "2026-12-01 10:25:05", 5).await;
        is_about(number(&told, success), "2026-12-01 10:25:05");
        assert_eq!(number(&told, "trueup_schedule_drifted_items{"), 1.0, "{told:?}");
        assert_eq!(number(&told, "trueup_reconcile_drifted_items{"), 1.0, "{told:?}");
        at(&place, "2026-12-01 10:26:00", "reconcile report")
            .await
            .is(0, &["2026-12-01 10:25 UTC", "2 times in a row"]);
        place.admin(never).await;
        let told = measured(&place, "2026-12-01 10:45:05", 1).await;
        is_about(number(&told, success), "2026-12-01 10:25:05");
        is_about(number(&told, last), "2026-12-01 10:45:05");
        place.clear().await;
    });
}
