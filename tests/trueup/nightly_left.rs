//! What reconciles and schedules know of what is not over: left by a process that is gone, waiting for a person, changed meanwhile, or never looked at.

use super::{
    nightly::{AGREED, FILE, SERVER, command, counts, office, trueup, trueup_with, until, with_schedules},
    nightly_clock::{at, is_left_out},
    places::Place,
    servers::{block_on, postgres},
};
use std::{fs, process::Stdio};
use tokio::io::{AsyncBufReadExt, BufReader};
use trueup::{base::value::Value, ops, trial::bench::On};

fn change(place: &Place, from: &str, to: &str) {
    let path = place.path().join("trueup.yaml");
    let text = fs::read_to_string(&path).unwrap();
    assert!(text.contains(from), "{from}: {text}");
    fs::write(path, text.replace(from, to)).unwrap();
}

/// Killed before the run of what it had begun was there, and behind that.
#[test]
fn what_was_left_goes_on_once_the_schedule_does_and_in_the_name_of_who_began_it() {
    block_on(async {
        let (mut without_run, mut with_run) = (0, 0);
        for moment in 1..=16 {
            let place = office(&On::Postgres(postgres()), FILE, "").await;
            with_schedules(&place, true);
            place.admin("update things set name = '';").await;
            let crash = [("TRUEUP_CRASH_AT", moment.to_string())];
            let begun = trueup_with(&place, "schedule run minutely --reason 'ticket 4711'", &crash).await;
            assert_eq!(begun.exit, -1, "at {moment}: {}{}", begun.out, begun.err);
            let list = async || trueup(&place, "schedule list --json").await.is(0, &[]).json()["schedules"][0].clone();
            let is_open = list().await["recent"][0]["state"] == "fired";
            let runs = async || trueup(&place, "runs --json").await.is(0, &[]).json()["runs"].clone();
            let left = runs().await.as_array().unwrap().len();
            if is_open {
                *(if left == 0 { &mut without_run } else { &mut with_run }) += 1;
                let before = counts(&place).await;
                trueup(&place, "schedule pause minutely --reason broken --actor ben").await.is(0, &[]);
                trueup(&place, "reconcile --due").await.is(0, &["Nothing is due."]);
                assert_eq!(
                    (counts(&place).await, runs().await.as_array().unwrap().len()),
                    (before, left),
                    "at {moment}"
                );
                trueup(&place, "schedule resume minutely --reason repaired --actor ben").await.is(0, &[]);
                trueup(&place, "reconcile --due").await.is(0, &["left by a process that is gone", "3 healed"]);
                assert_eq!(counts(&place).await, "6; 2; 3", "at {moment}");
                let run = runs().await[0].clone();
                assert_eq!(
                    (run["actor"].as_str(), run["because"].as_str()),
                    (Some("anna"), Some("ticket 4711")),
                    "{run}"
                );
            }
            place.clear().await;
        }
        assert!(without_run > 0 && with_run > 0, "{without_run} before its run, {with_run} in it");
    });
}

/// So many changes of things are let through, and nothing behind that; what is taken back does not give its numbers back.
async fn tired(place: &Place, after: u32) {
    let trigger = format!(
        "update things set name = ''; create sequence looks; grant usage on sequence looks to public; \
         create function tired() returns trigger language plpgsql as $$ begin \
         if nextval('looks') > {after} then raise exception 'tired'; end if; return new; end $$; \
         create trigger tired before update on things for each row execute function tired();"
    );
    place.admin(&trigger).await;
}

/// A healing stops when so many did not end well, whatever else the playbook says of limits.
#[test]
fn a_heal_stops_where_the_playbook_has_no_limits() {
    block_on(async {
        for (own, given) in [("most: 50, stop_after: 1", ""), ("most: 50", " --stop-after 1")] {
            let place = office(&On::Postgres(postgres()), FILE, "").await;
            let path = place.path().join("name.yaml");
            let text = fs::read_to_string(&path).unwrap();
            fs::write(&path, text.replace("most: 50", own)).unwrap();
            place.admin("insert into things (id, name, count) select n, '', 1 from generate_series(101, 140) n").await;
            tired(&place, 43).await;
            let healed = trueup(&place, &format!("reconcile name --heal --yes --reason now --json{given}")).await;
            let told = healed.json();
            let run = told["run"].as_str().unwrap();
            let told = trueup(&place, &format!("show {run} --json")).await.is(0, &[]).json();
            let ends = told["items"].as_array().unwrap().iter().map(|item| item["end"].as_str());
            let (failed, open): (Vec<_>, Vec<_>) = ends.partition(|end| *end == Some("failed"));
            assert!(!failed.is_empty() && open.len() >= 10 && open.iter().all(Option::is_none), "{told}");
            assert!(told["paused"].as_str().unwrap().contains("`stop_after`"), "{told}");
            place.clear().await;
        }
    });
}

/// A person goes on with what a process left; what comes of it is told of the time that it was begun for, and nothing else meanwhile.
#[test]
fn what_a_person_goes_on_with_is_not_called_failed() {
    block_on(async {
        for moment in 1.. {
            let place = office(&On::Postgres(postgres()), FILE, "").await;
            with_schedules(&place, true);
            change(&place, "lock_timeout: 200ms", "lock_timeout: 60s, statement_timeout: 90s");
            place.admin("update things set name = '';").await;
            let crash = [("TRUEUP_CRASH_AT", moment.to_string())];
            let begun = trueup_with(&place, "schedule run minutely --reason 'ticket 4711'", &crash).await;
            assert_eq!(begun.exit, -1, "it never fell into its run: {}{}", begun.out, begun.err);
            let list = async || trueup(&place, "schedule list --json").await.is(0, &[]).json()["schedules"][0].clone();
            let runs = trueup(&place, "runs --json").await.is(0, &[]).json()["runs"].clone();
            if list().await["recent"][0]["state"] != "fired" || runs[0]["state"] != "running" {
                place.clear().await;
                continue;
            }
            let run = runs[0]["short"].as_str().unwrap();
            let mut holder = place.database().writing().await.unwrap();
            let all: Vec<Vec<Value>> = (1..=3).map(|id| vec![Value::from(id)]).collect();
            holder.lock_and_read("things", &["id".into()], &all).await.unwrap();
            let mut person = command(&place, &format!("resume {run}"));
            let mut person = person.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
            let waits = "select count(*) as n from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'";
            until("somebody waits", || async { place.seen(waits).await != "0" }).await;
            trueup(&place, "reconcile --due").await.is(0, &[]);
            assert_eq!(list().await["recent"][0]["state"], "fired", "{run}");
            let shown = trueup(&place, &format!("show {run}")).await.is(0, &["Under way"]);
            assert!(!shown.out.contains("nobody knows") && !shown.out.contains("trueup resolve"), "{}", shown.out);
            holder.rollback().await.unwrap();
            assert_eq!(person.wait().await.unwrap().code(), Some(0));
            assert_eq!(list().await["recent"][0]["came_to"], "healed");
            trueup(&place, "reconcile --due").await.is(0, &["3 healed"]);
            let told = list().await["recent"][0].clone();
            assert_eq!(told["came_to"], "healed", "{told}");
            place.clear().await;
            return;
        }
    });
}

/// That nobody has looked at what did not end well does not change because the process is gone that stopped for it.
#[test]
fn a_run_that_its_limits_stopped_waits_for_a_person_though_its_process_is_gone() {
    block_on(async {
        let mut stopped = 0;
        for moment in 1.. {
            let place = office(&On::Postgres(postgres()), FILE, "").await;
            let path = place.path().join("name.yaml");
            let text = fs::read_to_string(&path).unwrap();
            let own = "limits: { concurrency: 1 }\nreconcile: { heal: { most: 50, stop_after: 1 } }";
            fs::write(&path, text.replace("reconcile: { heal: { most: 50 } }", own)).unwrap();
            with_schedules(&place, true);
            tired(&place, 3).await;
            let crash = [("TRUEUP_CRASH_AT", moment.to_string())];
            let begun = trueup_with(&place, "schedule run minutely --reason 'ticket 4711'", &crash).await;
            let runs = async || trueup(&place, "runs --json").await.is(0, &[]).json()["runs"].clone();
            let (was, ran) = (runs().await[0]["state"].clone(), !runs().await.as_array().unwrap().is_empty());
            let list = trueup(&place, "schedule list --json").await.is(0, &[]).json();
            let is_open = list["schedules"][0]["recent"][0]["state"] == "fired";
            for _ in 0..2 {
                trueup(&place, "reconcile --due").await;
            }
            // Before its run was there, whoever comes next tries everything out anew, and nothing is let through any more.
            if begun.exit != -1 || is_open && ran {
                let run = runs().await[0].clone();
                assert_eq!(run["state"], "paused", "at {moment}: {run}");
                let told = trueup(&place, &format!("show {} --json", run["short"].as_str().unwrap())).await.json();
                let items = told["items"].as_array().unwrap();
                let ends: Vec<_> = items.iter().map(|item| item["end"].as_str().unwrap_or("open")).collect();
                assert_eq!(ends, ["failed", "open", "open"], "at {moment}: {told}");
                assert!(told["paused"].as_str().unwrap().contains("`stop_after`"), "at {moment}: {told}");
            }
            stopped += u32::from(begun.exit == -1 && is_open && was == "paused");
            if begun.exit != -1 {
                assert_eq!(begun.exit, 1, "{}{}", begun.out, begun.err);
                // What comes of it when somebody has looked is told of its time, too.
                place.admin("select setval('looks', 1, false);").await;
                let run = runs().await[0]["short"].as_str().unwrap().to_owned();
                trueup(&place, &format!("resume {run}")).await.is(1, &["2 changed"]);
                trueup(&place, &format!("retry {run} --reason rested --actor ben")).await.is(0, &["3 changed"]);
                trueup(&place, "reconcile --due").await;
                let list = trueup(&place, "schedule list --json").await.is(0, &[]).json();
                let told = list["schedules"][0]["recent"].as_array().unwrap().last().unwrap().clone();
                assert!(told["came_to"] == "healed" && told["why"].is_null(), "{list}");
                place.clear().await;
                break;
            }
            place.clear().await;
        }
        assert!(stopped > 0, "it never fell between the run's last words and those of its occurrence");
    });
}

/// One thing, whose change somebody has to agree to.
const ONE: &str = "reconcile: {}
preconditions:
- id: thing
  find: { table: shop.things, where: { id: 1 }, expect: one }
steps:
- id: named
  row: { of: thing, set: { name: named } }
";

#[test]
fn a_run_that_waits_is_not_begun_again_however_often_that_was_skipped_and_its_end_is_told() {
    if is_left_out() {
        return;
    }
    block_on(async {
        let place = office(&On::Sqlite, FILE, "").await;
        place.playbook("one", "  shop: { write: [things, audits] }", ONE);
        change(&place, "environments:\n  test: {}\n", &AGREED.replace("rows_over: 1", "rows_over: 0"));
        let path = place.path().join("trueup.yaml");
        let text = fs::read_to_string(&path).unwrap();
        let schedule = "schedules:\n  one: { playbook: one, cron: '* * * * *', zone: UTC, env: test, owner: clerk, mode: heal, pin: '0123456789abcdef', caps: { most: 5 } }\n";
        fs::write(&path, format!("{text}{schedule}")).unwrap();
        let list = async || trueup(&place, "schedule list --json").await.is(0, &[]).json()["schedules"][0].clone();
        change(&place, "0123456789abcdef", list().await["pin"].as_str().unwrap());
        let due = async |minute: u32| at(&place, &format!("2025-06-09 10:{minute:02}:05"), "reconcile --due").await;
        due(0).await.is(0, &["it is new"]);
        due(1).await.is(4, &["one: 2025-06-09 10:01:00 waiting"]);
        // More often than a list of the last ones shows.
        for minute in 2..=24 {
            due(minute).await.is(4, &["skipped: the one before still goes on", "(waiting)"]);
        }
        let runs = trueup(&place, "runs --json").await.is(0, &[]).json()["runs"].clone();
        assert_eq!(runs.as_array().unwrap().len(), 1, "{runs}");
        // Another reconcile tells of it what it knows; when it is over, the next ones say that, and so does the schedule.
        at(&place, "2025-06-09 10:25:00", "reconcile one").await.is(5, &["1, 0 of 1 healed"]);
        let run = runs[0]["run"].as_str().or(runs[0]["id"].as_str()).unwrap();
        at(&place, "2025-06-09 10:26:00", &format!("approve {run} --yes --actor ben --reason fine")).await.is(0, &[]);
        at(&place, "2025-06-09 10:27:00", &format!("resume {run}")).await.is(0, &["changed"]);
        at(&place, "2025-06-09 10:28:00", "reconcile one").await.is(0, &["1, 1 healed"]);
        due(29).await.is(0, &[]);
        let told = list().await["recent"].clone();
        let waited = told.as_array().unwrap().iter().find(|one| one["wall"] == "2025-06-09T10:01:00");
        let over = |one: &serde_json::Value| one["came_to"] == "healed" && one["why"].is_null();
        assert!(waited.is_none_or(over), "{told}");
        trueup(&place, "reconcile one --metrics-file trueup.prom").await.is(0, &[]);
        let metrics = fs::read_to_string(place.path().join("trueup.prom")).unwrap();
        let healed = "trueup_schedule_occurrences{schedule=\"one\",came_to=\"healed\"} 1";
        assert!(metrics.lines().any(|line| line == healed), "{metrics}");
        place.clear().await;
    });
}

/// Of several that a person begins at once each begins when the one before is over, or not at all.
#[test]
fn several_that_are_begun_by_hand_at_once_do_not_overlap() {
    block_on(async {
        for (on, journal) in [(On::Sqlite, FILE), (On::Postgres(postgres()), SERVER)] {
            let place = office(&on, journal, "").await;
            with_schedules(&place, false);
            trueup(&place, "reconcile --due").await.is(0, &["it is new"]);
            let begin = || trueup(&place, "schedule run minutely --reason now");
            let all = tokio::join!(begin(), begin(), begin(), begin());
            let all = [all.0, all.1, all.2, all.3];
            let begun = all.iter().filter(|came| came.exit == 0).count();
            let told =
                all.iter().filter(|came| came.exit == 4 && came.err.contains("`minutely` still goes on")).count();
            assert!(begun >= 1 && begun + told == 4, "{:?}", all.map(|came| (came.exit, came.err)));
            let here = place.surroundings();
            let record = ops::record::open(&here, &place.opened(&here)).await.unwrap();
            let recorded = record.journal.occurrences(Some("minutely"), 10).await.unwrap();
            let mut spans: Vec<_> = recorded.iter().map(|one| (one.settled_at, one.ended_at)).collect();
            spans.sort();
            assert_eq!(spans.len(), begun, "{recorded:?}");
            assert!(spans.windows(2).all(|pair| pair[0].1.is_some_and(|end| end <= pair[1].0)), "{recorded:?}");
            record.journal.close().await.unwrap();
            place.clear().await;
        }
    });
}

#[test]
fn a_time_that_was_due_when_the_times_were_changed_is_missed_and_said() {
    if is_left_out() {
        return;
    }
    block_on(async {
        let schedule = |cron: &str| {
            format!(
                "schedules:\n  one: {{ playbook: name, zone: UTC, env: test, owner: clerk, catch_up: 3h, cron: '{cron}' }}\n"
            )
        };
        let place = office(&On::Sqlite, FILE, &schedule("0 3 * * *")).await;
        let due = async |moment: &str| at(&place, moment, "reconcile --due").await;
        due("2025-06-09 00:10:00").await.is(0, &["it is new"]);
        change(&place, "0 3 * * *", "0 3,4 * * *");
        due("2025-06-09 03:20:00").await.is(
            4,
            &["its times are others now", "2025-06-09 03:00:00 missed: its times were changed before anybody looked"],
        );
        // Nothing was due: nothing is lost, and what comes then begins.
        change(&place, "0 3,4 * * *", "0 3,4,5 * * *");
        let told = due("2025-06-09 03:25:00").await.is(0, &["its times are others now", "Nothing is due."]);
        assert!(!told.err.contains("missed"), "{}", told.err);
        due("2025-06-09 04:10:00").await.is(0, &["one: 2025-06-09 04:00:00 begins"]);
        // Several of them, by the zone that was.
        change(&place, "zone: UTC", "zone: Europe/London");
        due("2025-06-11 03:30:00").await.is(4, &["5 times from 2025-06-09 05:00:00 to 2025-06-11 03:00:00 missed"]);
        place.clear().await;
    });
}

/// Things without a name, unless the shop is frozen.
const FROZEN: &str = "reconcile: {}
targets:
  from: { find: { table: shop.things, where: { name: '' }, order_by: [id] } }
preconditions:
- id: frozen
  query: { db: shop, sql: \"select count(*) as n from things where count = 1000\", expect: one }
- assert: frozen.n == 0
  otherwise: The shop is frozen.
steps:
- id: named
  row: { table: shop.things, key: { id: \"{{ item.id }}\" }, set: { name: named } }
";

#[test]
fn who_compared_nothing_mended_nothing_and_forgets_nothing() {
    block_on(async {
        let place = office(&On::Postgres(postgres()), FILE, "").await;
        place.playbook("frozen", "  shop: { read: [things], write: [things, audits] }", FROZEN);
        place.admin("update things set name = '' where id in (1, 2);").await;
        trueup(&place, "reconcile frozen").await.is(5, &["2 items differ: seen for the first time."]);
        place.admin("update things set count = 1000 where id = 3;").await;
        let told = trueup(&place, "reconcile frozen").await.is(4, &["Nothing was compared.", "The shop is frozen"]);
        assert!(!told.out.contains("as wanted now") && !told.out.contains("Over time"), "{}", told.out);
        let told = trueup(&place, "reconcile frozen --json").await;
        assert_eq!(told.json()["as_wanted_again"], 0);
        place.admin("update things set count = 3 where id = 3; update things set name = 'lamp' where id = 2;").await;
        let told = trueup(&place, "reconcile frozen").await;
        let told =
            told.is(5, &["1 item differs: seen before.", "2 times in a row", "1 that differed when it was looked"]);
        assert_eq!(told.out.lines().filter(|line| line.starts_with("  20")).count(), 2, "{}", told.out);
        place.clear().await;
    });
}

/// The first two of the things without a name.
const TAKEN: &str = "reconcile: {}
targets:
  from: { find: { table: shop.things, where: { name: '' }, order_by: [id] } }
  take: 2
steps:
- id: named
  row: { table: shop.things, key: { id: \"{{ item.id }}\" }, set: { name: named } }
";

#[test]
fn of_what_was_not_looked_at_nobody_says_that_it_is_new_or_mended() {
    block_on(async {
        let place = office(&On::Postgres(postgres()), FILE, "").await;
        place.playbook("taken", "  shop: { write: [things, audits] }", TAKEN);
        place.admin("update things set name = '' where id > 1;").await;
        trueup(&place, "reconcile taken").await.is(5, &["2 items differ: seen for the first time."]);
        place.admin("update things set name = '' where id = 1;").await;
        let told = trueup(&place, "reconcile taken").await.is(5, &["2 items differ: at least 1 seen before."]);
        assert!(!told.out.contains("as wanted now"), "{}", told.out);
        let told = trueup(&place, "reconcile taken --json").await.json();
        assert_eq!((told["new"].as_u64(), told["as_wanted_again"].as_u64()), (Some(0), None), "{told}");
        // Once fewer are left than it takes, all were looked at.
        place.admin("update things set name = 'desk' where id > 1;").await;
        trueup(&place, "reconcile taken")
            .await
            .is(5, &["1 item differs: seen before.", "At least 1 that differed when"]);
        place.admin("update things set name = 'desk' where id = 1; update things set name = '' where id = 2;").await;
        let told = trueup(&place, "reconcile taken --json").await.json();
        assert_eq!((told["new"].as_u64(), told["as_wanted_again"].as_u64()), (Some(1), Some(1)), "{told}");
        place.clear().await;
    });
}

/// Somebody holds all rows until the signals are sent: whoever looks at them, or changes them, waits.
async fn terminated(line: &str, signals: usize) -> (Option<i32>, String) {
    let place = office(&On::Postgres(postgres()), FILE, "").await;
    let path = place.path().join("name.yaml");
    let text = fs::read_to_string(&path).unwrap();
    fs::write(
        &path,
        text.replace("most: 50", "most: 5000").replace("targets:", "limits: { concurrency: 1 }\ntargets:"),
    )
    .unwrap();
    with_schedules(&place, true);
    change(&place, "most: 10", "most: 5000");
    change(&place, "lock_timeout: 200ms", "lock_timeout: 60s, statement_timeout: 90s");
    place.admin("insert into things (id, name, count) select n, '', 1 from generate_series(101, 1000) n").await;
    trueup(&place, "plan name --reason now --out name.plan").await.is(0, &[]);
    let left = async || place.seen("select count(*) as n from things where name = ''").await;
    let mut holder = place.database().writing().await.unwrap();
    let all: Vec<Vec<Value>> = (1..=1000).map(|id| vec![Value::from(id)]).collect();
    holder.lock_and_read("things", &["id".into()], &all).await.unwrap();
    let mut child = command(&place, line);
    let mut child = child.stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
    let waits =
        "select count(*) as n from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'";
    until("somebody waits", || async { place.seen(waits).await != "0" }).await;
    let mut lines = BufReader::new(child.stderr.take().unwrap()).lines();
    let pid = child.id().unwrap().to_string();
    let terminate = || assert!(std::process::Command::new("kill").args(["-TERM", &pid]).status().unwrap().success());
    terminate();
    let mut said = String::new();
    while let Some(line) = lines.next_line().await.unwrap() {
        said += &line;
        if line.contains("Pausing after this step; send SIGTERM again to end at once") {
            break;
        }
    }
    let looks = line.starts_with("reconcile") || line.starts_with("schedule");
    if signals == 2 || looks {
        if signals == 2 {
            terminate();
        }
        // What is only looked at ends at once, though the rows are still held.
        while let Some(line) = lines.next_line().await.unwrap() {
            said += &line;
        }
    }
    let code = if signals == 2 || looks { child.wait().await.unwrap().code() } else { None };
    holder.rollback().await.unwrap();
    let code = if code.is_some() { code } else { child.wait().await.unwrap().code() };
    assert_ne!(left().await, "0");
    if signals == 1 {
        // Whoever comes next goes on with it.
        let (next, exit, words): (_, _, &[&str]) = match line.split(' ').next() {
            Some("schedule") => ("reconcile --due", 0, &["left by a process that is gone"]),
            Some("reconcile") => ("reconcile name --heal --yes --reason now", 0, &["900 healed"]),
            _ => ("resume", 0, &[]),
        };
        let next = match next {
            "resume" => {
                let runs = trueup(&place, "runs --json").await.json();
                format!("resume {}", runs["runs"][0]["short"].as_str().unwrap())
            }
            next => next.to_owned(),
        };
        trueup(&place, &next).await.is(exit, words);
        assert_eq!(left().await, "0");
    }
    trueup(&place, "audit verify").await.is(0, &["Everything is as it was written."]);
    place.clear().await;
    (code, said)
}

/// What is read once for all items is part of what each of them rests on, and of what is said behind them: a saved plan that said something else is not
/// carried out, and the row that somebody changed is named, not those that nobody touched.
#[test]
fn what_was_read_once_for_all_items_is_bound_by_the_plan() {
    block_on(async {
        let from = "targets:\n  from: { find: { table: shop.things, where: { name: '' }, order_by: [id] } }\n";
        let once = "preconditions:\n- id: boss\n  find: { table: shop.owners, where: { id: 1 }, expect: one }\n- id: thing\n  find: { table: shop.things, where: { id: \"{{ item.id }}\" }, expect: one }\n";
        let row = "steps:\n- id: up\n  row: { of: thing, set: { count: 7, name: named } }\n";
        let named = row.replace("named", "\"of {{ boss.name }}\"");
        let said = format!("{row}- tell: {{ who: clerk, message: \"{{{{ item.id }}}} is of {{{{ boss.name }}}}\" }}\n");
        let behind =
            format!("{row}afterwards:\n- tell: {{ who: clerk, message: \"all are of {{{{ boss.name }}}}\" }}\n");
        let judged = format!("- assert: boss.name != 'Eve'\n{row}");
        let renamed = ["shop.owners id 1", "planned Ada", "found Zoe"];
        let cases: [(&str, &str, &str, i32, &[&str]); 5] = [
            ("named", &named, "Zoe", 5, &renamed),
            ("said", &said, "Zoe", 5, &renamed),
            ("behind", &behind, "Zoe", 5, &[&renamed[..], &["Over: 3 not begun (3 items)"]].concat()),
            ("judged", &judged, "Zoe", 0, &["3 changed"]),
            ("judged", &judged, "Eve", 5, &["planned it held, found it does not hold"]),
        ];
        for (name, steps, becomes, exit, words) in cases {
            let place = office(&On::Postgres(postgres()), FILE, "").await;
            place.admin("update things set name = ''; update owners set name = 'Ada';").await;
            let body = format!("{from}{once}{steps}");
            place.playbook(name, "  shop: { read: [owners], write: [things, audits] }", &body);
            trueup(&place, &format!("plan {name} --reason now --out it.plan")).await.is(0, &["3 rows to change"]);
            place.admin(&format!("update owners set name = '{becomes}' where id = 1;")).await;
            let came = trueup(&place, "apply it.plan --yes --json").await;
            assert_eq!(came.exit, exit, "{name}: {}{}", came.out, came.err);
            let run = came.json()["id"].as_str().unwrap().to_owned();
            trueup(&place, &format!("show {run}")).await.is(0, words);
            let changed = place.seen("select count(*) as n from things where count = 7").await;
            assert_eq!(changed, if exit == 0 { "3" } else { "0" }, "{name}");
            place.clear().await;
        }
    });
}

/// As systemd and Kubernetes stop what takes too long.
#[test]
fn sigterm_lets_a_run_come_to_a_safe_point_and_a_second_one_ends_it() {
    block_on(async {
        assert_eq!(terminated("apply name.plan --yes", 1).await.0, Some(4));
        assert_eq!(terminated("apply name.plan --yes", 2).await.0, Some(143));
        assert_eq!(terminated("schedule run minutely --reason now", 1).await.0, Some(4));
        let (code, said) = terminated("reconcile name --heal --yes --reason now", 1).await;
        assert_eq!(code, Some(1), "{said}");
        assert!(said.contains("stopped while it was looked at what differs; nothing was changed"), "{said}");
        let (code, said) = terminated("reconcile --all --heal --yes --reason now", 1).await;
        assert_eq!(code, Some(1), "{said}");
    });
}

/// How `apply tell` ends that gets this signal as soon as it says so; long before the minutes and hours are over for which it would wait.
async fn signalled(place: &Place, says: &str, signal: &str) -> Option<i32> {
    let mut child = command(place, "apply tell --yes --reason now");
    let mut child = child.stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
    let mut lines = BufReader::new(child.stderr.take().unwrap()).lines();
    let mut said = String::new();
    while !said.contains(says) {
        said += &lines.next_line().await.unwrap().unwrap_or_else(|| panic!("{said}"));
    }
    let pid = child.id().unwrap().to_string();
    assert!(std::process::Command::new("kill").args([signal, &pid]).status().unwrap().success());
    let ended = tokio::time::timeout(std::time::Duration::from_secs(60), child.wait()).await;
    ended.unwrap_or_else(|_| panic!("it waits on: {said}")).unwrap().code()
}

/// A service asks for a pause that is longer than anybody waits for a process to end: nothing is under way meanwhile, so nothing keeps it.
#[test]
fn sigterm_does_not_wait_until_a_service_wants_its_next_request() {
    block_on(async {
        let service = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", service.local_addr().unwrap());
        let asked = std::sync::Arc::new(std::sync::atomic::AtomicU32::new(0));
        let count = asked.clone();
        tokio::spawn(async move {
            while let Ok((mut stream, _)) = service.accept().await {
                let mut lines = BufReader::new(&mut stream).lines();
                // Its request has no body.
                while lines.next_line().await.unwrap().is_some_and(|line| !line.is_empty()) {}
                let first = count.fetch_add(1, std::sync::atomic::Ordering::Relaxed) == 0;
                let answer = match first {
                    true => "429 Too Many Requests\r\nretry-after: 250",
                    false => "200 OK",
                };
                let answer = format!("HTTP/1.1 {answer}\r\ncontent-length: 0\r\nconnection: close\r\n\r\n");
                tokio::io::AsyncWriteExt::write_all(&mut stream, answer.as_bytes()).await.unwrap();
            }
        });
        let place = office(&On::Postgres(postgres()), FILE, "").await;
        place.project(&url);
        let body = "errors:
- { status: 429, then: { retry: { attempts: 3 } } }
- { otherwise: stop }
steps:
- id: told
  http: { api: crm, put: /things/1, accept: [200] }
  repeatable: a test
  irreversible: a test
";
        place.playbook("tell", "  crm: { methods: [PUT] }", body);
        assert_eq!(signalled(&place, "again in", "-TERM").await, Some(4));
        assert_eq!(asked.load(std::sync::atomic::Ordering::Relaxed), 1);
        // It is surely not done, and is done when the run goes on.
        let run = trueup(&place, "runs --json").await.json()["runs"][0].clone();
        assert_eq!(run["state"], "paused", "{run}");
        trueup(&place, &format!("resume {}", run["short"].as_str().unwrap())).await.is(0, &[]);
        assert_eq!(asked.load(std::sync::atomic::Ordering::Relaxed), 2);
        place.clear().await;
    });
}

/// The rate of an API lets nobody call for an hour: until then nothing is said to be tried, so a process that ends meanwhile, well or not, leaves nothing
/// that somebody would have to find out about.
#[test]
fn a_call_that_waits_for_its_turn_has_not_begun() {
    block_on(async {
        for (signal, code, state) in [("-TERM", Some(4), "paused"), ("-KILL", None, "running")] {
            let service = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
            let url = format!("http://{}", service.local_addr().unwrap());
            let asked = std::sync::Arc::new(std::sync::atomic::AtomicU32::new(0));
            let count = asked.clone();
            tokio::spawn(async move {
                while let Ok((mut stream, _)) = service.accept().await {
                    let mut lines = BufReader::new(&mut stream).lines();
                    while lines.next_line().await.unwrap().is_some_and(|line| !line.is_empty()) {}
                    count.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
                    let answer = "HTTP/1.1 200 OK\r\ncontent-length: 0\r\nconnection: close\r\n\r\n";
                    tokio::io::AsyncWriteExt::write_all(&mut stream, answer.as_bytes()).await.unwrap();
                }
            });
            let place = office(&On::Postgres(postgres()), FILE, "").await;
            place.project(&url);
            let file = place.folder.path().join("trueup.yaml");
            let text = std::fs::read_to_string(&file).unwrap();
            let slow = text.replace("      internal: true\n", "      internal: true\n      rate: 1/h\n");
            assert_ne!(text, slow);
            std::fs::write(&file, slow).unwrap();
            // Neither may be sent twice, and nobody could tell whether it was.
            let body = "steps:
- id: first
  http: { api: crm, post: /things/1, accept: [200] }
  irreversible: a test
- id: second
  http: { api: crm, post: /things/2, accept: [200] }
  irreversible: a test
";
            place.playbook("tell", "  crm: { methods: [POST] }", body);
            assert_eq!(signalled(&place, "second", signal).await, code);
            assert_eq!(asked.load(std::sync::atomic::Ordering::Relaxed), 1);
            let run = trueup(&place, "runs --json").await.json()["runs"][0].clone();
            assert_eq!(run["state"], state, "{run}");
            // A process of its own waits for no turn of another one.
            trueup(&place, &format!("resume {}", run["short"].as_str().unwrap())).await.is(0, &[]);
            assert_eq!(asked.load(std::sync::atomic::Ordering::Relaxed), 2, "{signal}");
            place.clear().await;
        }
    });
}
