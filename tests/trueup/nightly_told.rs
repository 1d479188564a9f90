//! What a reconcile, a schedule and a run over many say of what did not go as it should: nobody takes silence or a zero for a success.

use super::{
    nightly::{FILE, SERVER, command, counts, office, trueup},
    nightly_clock::{at, is_left_out},
    servers::{block_on, postgres},
};
use std::{fs, process::Stdio};
use tokio::io::{AsyncBufReadExt, BufReader};
use trueup::trial::bench::On;

/// A schedule `one` of the playbook `name`.
fn schedule(rest: &str) -> String {
    format!("schedules:\n  one: {{ playbook: name, zone: UTC, env: test, owner: clerk, {rest} }}\n")
}

#[test]
fn a_time_that_is_due_and_is_not_begun_is_said_and_is_no_success() {
    if is_left_out() {
        return;
    }
    block_on(async {
        let place = office(&On::Sqlite, FILE, &schedule("cron: '0 3 * * *', expires: 2025-06-11")).await;
        let due = async |moment: &str| at(&place, moment, "reconcile --due").await;
        due("2025-06-09 00:10:00").await.is(0, &["it is new", "Nothing is due."]);
        // Too late to be begun.
        due("2025-06-09 05:10:00")
            .await
            .is(4, &["2025-06-09 03:00:00 missed: nobody was there in time", "Nothing was begun of what was due."]);
        due("2025-06-09 05:11:00").await.is(0, &["Nothing is due."]);
        // The newest is caught up: the other one is said, and nobody has to do anything about it.
        let caught_up =
            due("2025-06-11 03:10:00").await.is(0, &["2025-06-10 03:00:00 missed", "There is nothing that differs."]);
        assert!(!caught_up.err.contains("Nothing"), "{}", caught_up.err);
        // Its last day goes on, and no time is left in it.
        at(&place, "2025-06-10 05:00:00", "schedule list").await.is(0, &["next 2025-06-11 03:00"]);
        at(&place, "2025-06-11 05:00:00", "schedule list").await.is(0, &["never"]);
        // Over since yesterday.
        at(&place, "2025-06-11 05:00:00", "check").await.is(0, &["no errors."]);
        let over = at(&place, "2025-06-12 03:10:00", "check").await;
        over.is(0, &["advice[W0833]: `one` begins nothing any more: its last day was 2025-06-11", "no errors."]);
        let blocked = at(&place, "2025-06-12 03:10:00", "reconcile --due --json").await;
        assert_eq!(blocked.exit, 4, "{}{}", blocked.out, blocked.err);
        let one = &blocked.json()["not_begun"][0];
        assert_eq!((one["schedule"].as_str(), one["state"].as_str()), (Some("one"), Some("blocked")), "{one}");
        assert_eq!((one["count"].as_u64(), one["caught_up"].as_bool()), (Some(1), Some(false)), "{one}");
        assert!(one["why"].as_str().unwrap().contains("it expired at the end of 2025-06-11"), "{one}");
        place.clear().await;
    });
}

#[test]
fn a_schedule_that_cannot_be_looked_at_is_said_and_the_others_begin() {
    if is_left_out() {
        return;
    }
    block_on(async {
        let both = "schedules:
  a: { playbook: name, zone: UTC, env: test, owner: clerk, cron: '0 3 * * *' }
  b: { playbook: name, zone: UTC, env: test, owner: clerk, cron: '0 3 * * *' }
";
        let place = office(&On::Sqlite, FILE, both).await;
        let due = async |moment: &str, more: &str| at(&place, moment, &format!("reconcile --due{more}")).await;
        due("2025-06-09 00:10:00", "").await.is(0, &["a: looked after", "b: looked after", "Nothing is due."]);
        // What is recorded of the first one cannot be read.
        let write = |sql: &str| {
            let file = place.path().join("journal/journal.db");
            assert!(std::process::Command::new("sqlite3").arg(file).arg(sql).status().unwrap().success());
        };
        let spoil = |name: &str| write(&format!("update schedules set cursor = 'spoiled' where name = '{name}'"));
        spoil("a");
        let told = due("2025-06-09 03:05:00", " --html drift.html").await;
        let told = told.is(
            1,
            &[
                "error: a: cannot be looked at: ",
                "a field (column",
                "audit verify",
                "b: 2025-06-09 03:00:00 begins",
                "nothing that differs",
            ],
        );
        assert!(!told.err.contains("Nothing is due"), "{}", told.err);
        let page = fs::read_to_string(place.path().join("drift.html")).unwrap();
        assert!(page.contains("<h1>a</h1>") && page.contains("It could not be looked at."), "{page}");
        // Nothing of the other one is due, and that is not all there is to say.
        let told = due("2025-06-09 03:06:00", "").await.is(1, &["a: cannot be looked at: "]);
        assert!(!told.err.contains("Nothing is due"), "{}", told.err);
        // What there is to know of the other one is shown, also as numbers.
        let told = at(&place, "2025-06-09 03:07:00", "schedule list").await;
        let told =
            told.is(1, &["report name in test, as clerk", "next 2025-06-10 03:00", "error: a: cannot be looked at: "]);
        assert_eq!(told.out.matches("report name").count(), 1, "{}", told.out);
        let told = at(&place, "2025-06-09 03:07:00", "schedule list --json").await.json();
        assert_eq!(
            (told["schedules"][0]["schedule"].as_str(), told["schedules"].as_array().unwrap().len()),
            (Some("b"), 1)
        );
        assert_eq!(told["unseen"][0]["schedule"].as_str(), Some("a"), "{told}");
        let told = at(&place, "2025-06-09 03:07:00", "schedule next").await;
        told.is(1, &["2025-06-10 03:00", "error: a: cannot be looked at: "]);
        due("2025-06-09 03:08:00", " --metrics-file trueup.prom").await.is(1, &["a: cannot be looked at: "]);
        let numbers = fs::read_to_string(place.path().join("trueup.prom")).unwrap();
        for line in ["trueup_schedule_unseen{schedule=\"a\"} 1", "trueup_schedule_paused{schedule=\"b\"} 0"] {
            assert!(numbers.lines().any(|known| known == line), "{line}\n{numbers}");
        }
        // The same of both is about the journal: it is said once.
        spoil("b");
        let told = due("2025-06-10 03:05:00", "").await;
        assert_eq!((told.exit, told.err.matches("error: ").count()), (1, 1), "{}", told.err);
        due("2025-06-10 03:06:00", " --metrics-file both.prom").await;
        let numbers = fs::read_to_string(place.path().join("both.prom")).unwrap();
        for name in ["a", "b"] {
            let line = format!("trueup_schedule_unseen{{schedule=\"{name}\"}} 1");
            assert!(numbers.lines().any(|known| known == line), "{line}\n{numbers}");
        }
        let unseen = |is| format!("trueup_reconcile_unseen{{playbook=\"name\",environment=\"test\"}} {is}");
        assert!(numbers.contains(&unseen(0)), "{numbers}");
        // Nor is one whose record was written over the end of the numbers.
        write(
            "drop trigger payloads_stay; update payloads set bytes = x'00' where run in (select id from runs where purpose = 'reconcile')",
        );
        due("2025-06-10 03:07:00", " --metrics-file both.prom").await;
        let numbers = fs::read_to_string(place.path().join("both.prom")).unwrap();
        assert!(numbers.contains(&unseen(1)) && numbers.contains("trueup_open_questions 0"), "{numbers}");
        place.clear().await;
    });
}

#[test]
fn an_item_that_cannot_be_tried_out_failed_and_is_neither_drift_nor_a_success() {
    block_on(async {
        let place = office(&On::Postgres(postgres()), FILE, &schedule("cron: '0 3 * * *'")).await;
        place
            .admin(
                "create function never() returns trigger language plpgsql as
                   $$ begin if new.id = 2 then raise exception 'not this one'; end if; return new; end $$;
                 create trigger never before update on things for each row execute function never();
                 alter table things disable trigger never;
                 update things set name = '' where id in (1, 2);
                 alter table things enable trigger never;",
            )
            .await;
        let told = trueup(&place, "schedule run one --reason test").await;
        told.is(1, &["1 of 2 items differs: seen for the first time. 1 other could not be tried out.", "not this one"]);
        let found = trueup(&place, "reconcile name --html drift.html --metrics-file trueup.prom --json").await;
        assert_eq!(found.exit, 1, "{}{}", found.out, found.err);
        let found = found.json();
        assert_eq!((found["came_to"].as_str(), found["drifted"].as_u64()), (Some("failed"), Some(1)), "{found}");
        assert_eq!((found["not_tried"].as_u64(), found["items"][1]["verdict"].as_str()), (Some(1), Some("failed")));
        assert_eq!((found["items"][0]["seen"].as_u64(), found["items"][1]["seen"].as_u64()), (Some(2), Some(2)));
        let page = fs::read_to_string(place.path().join("drift.html")).unwrap();
        assert!(page.contains("1 other could not be tried out") && page.contains("not this one"), "{page}");
        let metrics = fs::read_to_string(place.path().join("trueup.prom")).unwrap();
        for line in [
            "trueup_schedule_occurrences{schedule=\"one\",came_to=\"failed\"} 1",
            "trueup_reconcile_drifted_items{playbook=\"name\",environment=\"test\"} 1",
            "trueup_schedule_items{schedule=\"one\"} 2",
            "trueup_schedule_drifted_items{schedule=\"one\"} 1",
            "trueup_schedule_healed_items{schedule=\"one\"} 0",
        ] {
            assert!(metrics.lines().any(|known| known == line), "{line}\n{metrics}");
        }
        assert!(metrics.contains("came_to=\"failed\"} 1"), "{metrics}");
        assert!(!metrics.contains("last_success_timestamp_seconds{"), "{metrics}");
        // What can be healed is, and the other one is no drift that went away.
        trueup(&place, "reconcile name --heal --yes --reason nightly").await.is(1, &["1 healed, 1 failed."]);
        trueup(&place, "reconcile name").await.is(1, &["1 of 1 item could not be tried out; no other differs."]);
        place.clear().await;
    });
}

#[test]
fn nights_that_a_clock_that_was_ahead_took_for_over_come_all_the_same_and_each_once() {
    if is_left_out() {
        return;
    }
    block_on(async {
        for (on, journal) in [(On::Sqlite, FILE), (On::Postgres(postgres()), SERVER)] {
            let place = office(&on, journal, &schedule("cron: '30 2 * * *'")).await;
            let due = async |moment: &str, word: &str| {
                at(&place, moment, "reconcile --due").await.is(0, &[word]);
            };
            due("2025-06-10 00:10:00", "it is new").await;
            // Three days ahead, and what is recorded next is recorded when the clock is right again.
            due("2025-06-13 02:40:00", "one: 2025-06-13 02:30:00 begins").await;
            at(&place, "2025-06-10 01:00:00", "schedule run one --reason now").await.is(0, &[]);
            due("2025-06-10 01:05:00", "Nothing is due.").await;
            due("2025-06-10 02:40:00", "one: 2025-06-10 02:30:00 begins").await;
            due("2025-06-11 02:40:00", "one: 2025-06-11 02:30:00 begins").await;
            // Its name was that of the stretch that was told as missed.
            due("2025-06-12 02:40:00", "one: 2025-06-12 02:30:00 begins").await;
            due("2025-06-13 02:40:00", "Nothing is due.").await;
            due("2025-06-14 02:40:00", "one: 2025-06-14 02:30:00 begins").await;
            let list = trueup(&place, "schedule list --json").await.json();
            let recent = list["schedules"][0]["recent"].as_array().unwrap().clone();
            assert!(recent.iter().all(|one| one["state"] == "fired" && one["came_to"] == "clean"), "{recent:?}");
            trueup(&place, "audit verify").await.is(0, &["Everything is as it was written."]);
            place.clear().await;
        }
    });
}

#[test]
fn a_page_is_written_anew_with_what_could_not_be_looked_at() {
    block_on(async {
        let place = office(&On::Sqlite, FILE, "").await;
        let page = || fs::read_to_string(place.path().join("drift.html")).unwrap();
        trueup(&place, "reconcile --all --html drift.html").await.is(0, &["drift.html"]);
        assert!(page().contains("There is nothing that differs") && !page().contains("could not be looked at"));
        // One of two.
        place.playbook(
            "odd",
            "  shop: { write: [things] }",
            "reconcile: {}\nsteps:\n- id: up\n  row: { tabel: shop.things }\n",
        );
        let odd = trueup(&place, "reconcile --all --html drift.html").await;
        odd.is(2, &["There is nothing that differs.", "odd.yaml:", "`tabel`"]);
        let both = page();
        assert!(both.contains("There is nothing that differs") && both.contains("<h1>odd</h1>"), "{both}");
        assert!(both.contains("It could not be looked at.") && both.contains("odd.yaml:"), "{both}");
        // All of it, one by its name, and the project file itself.
        fs::remove_file(place.path().join("name.yaml")).unwrap();
        trueup(&place, "reconcile --all --html drift.html").await.is(2, &["odd.yaml:", "drift.html"]);
        assert!(!page().contains("There is nothing that differs") && page().contains("<h1>odd</h1>"), "{}", page());
        fs::write(place.path().join("drift.html"), "<!doctype html>of yesterday").unwrap();
        trueup(&place, "reconcile odd --html drift.html").await.is(2, &["`tabel`", "drift.html"]);
        assert!(page().contains("<h1>odd</h1>") && page().contains("odd.yaml:"), "{}", page());
        fs::write(place.path().join("trueup.yaml"), "trueup: v1\nnothing: [\n").unwrap();
        trueup(&place, "reconcile --all --html drift.html").await.is(2, &["trueup.yaml", "drift.html"]);
        assert!(page().contains("<h1>reconcile --all</h1>") && page().contains("trueup.yaml:"), "{}", page());
        place.clear().await;
    });
}

#[test]
fn a_scheduler_and_a_timer_say_where_the_project_file_or_a_playbook_is_wrong() {
    block_on(async {
        let place = office(&On::Sqlite, FILE, &schedule("cron: '0 3 * * *'")).await;
        let project = place.path().join("trueup.yaml");
        let right = fs::read_to_string(&project).unwrap();
        let mut command = command(&place, "scheduler");
        let mut scheduler = command.stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
        let mut said = BufReader::new(scheduler.stderr.take().unwrap()).lines();
        let mut all = String::new();
        let mut heard = async |word: &str| {
            while let Some(line) = said.next_line().await.unwrap() {
                all.push_str(&line);
                all.push('\n');
                if line.contains(word) {
                    return;
                }
            }
            panic!("`{word}` is not said:\n{all}");
        };
        heard("one: looked after from now on").await;
        let wrong = right.replace("zone: UTC", "zone: Europe/Lundon");
        fs::write(&project, &wrong).unwrap();
        let line = wrong.lines().position(|line| line.contains("Lundon")).unwrap() + 1;
        heard(&format!("cannot look at the schedules: trueup.yaml:{line}:")).await;
        // The line itself, drawn.
        heard("one: { playbook: name, zone: Europe/Lundon").await;
        scheduler.kill().await.unwrap();
        let due = trueup(&place, "reconcile --due").await.is(2, &["Europe/Lundon"]);
        assert!(due.err.contains(&format!("trueup.yaml:{line}:")), "{}", due.err);
        // A playbook that is wrong: the schedule is blocked, and it says where.
        fs::write(&project, &right).unwrap();
        let path = place.path().join("name.yaml");
        fs::write(&path, fs::read_to_string(&path).unwrap().replace("only_if:", "only_iff:")).unwrap();
        trueup(&place, "schedule run one --reason test")
            .await
            .is(4, &["`name` cannot be used: name.yaml:", "only_iff"]);
        place.clear().await;
    });
}

#[test]
fn a_check_finds_schedules_that_do_not_fit_their_playbooks() {
    block_on(async {
        let schedules = "schedules:
  gone: { playbook: nmae, cron: '0 3 * * *', zone: UTC, env: test, owner: clerk }
  extra: { playbook: name, cron: '0 3 * * *', zone: UTC, env: test, owner: clerk, params: { id: 5 } }
  lacking: { playbook: needs, cron: '0 3 * * *', zone: UTC, env: test, owner: clerk }
  wrong: { playbook: needs, cron: '0 3 * * *', zone: UTC, env: test, owner: clerk, params: { id: soon } }
  pinned: { playbook: name, cron: '0 3 * * *', zone: UTC, env: test, owner: clerk, mode: heal, pin: 3f0c9a51d2e84b67, caps: { share: 5% } }
";
        let place = office(&On::Sqlite, FILE, schedules).await;
        let body = "params:\n  id: { type: int, description: Which one }\nsteps:\n- id: up\n  row: { table: shop.things, key: { id: '{{ params.id }}' }, set: { name: a } }\n";
        place.playbook("needs", "  shop: { write: [things, audits] }", body);
        let found = trueup(&place, "check --json").await;
        assert_eq!(found.exit, 2, "{}{}", found.out, found.err);
        let text = trueup(&place, "check")
            .await
            .is(2, &["error[E0832]", "did you mean `name`", "write `pin: ", "advice[W0831]"]);
        let project = fs::read_to_string(place.path().join("trueup.yaml")).unwrap();
        for (schedule, message) in [
            ("gone:", "there is no playbook `nmae`"),
            ("extra:", "the playbook has no parameter `id`"),
            ("lacking:", "`id` is missing"),
            ("wrong:", "`id`"),
            ("pinned:", "`name` is not the text that is pinned"),
        ] {
            let line = project.lines().position(|line| line.trim_start().starts_with(schedule)).unwrap() + 1;
            let at = format!("trueup.yaml:{line}:");
            let blocks: Vec<&str> = text.err.split("\n\n").filter(|block| block.contains(&at)).collect();
            assert!(blocks.iter().any(|block| block.contains(message)), "{schedule} {message}:\n{}", text.err);
        }
        // One playbook alone: only the schedules of it. Nothing else of the project is held up.
        let alone = trueup(&place, "check needs").await;
        assert_eq!(alone.exit, 2, "{}{}", alone.out, alone.err);
        assert!(!alone.err.contains("nmae") && !alone.err.contains("pinned") && alone.err.contains("`id` is missing"));
        trueup(&place, "reconcile name").await.is(0, &["There is nothing that differs."]);
        // The caps of a playbook itself.
        let path = place.path().join("name.yaml");
        let text = fs::read_to_string(&path).unwrap();
        fs::write(&path, text.replace("{ heal: { most: 50 } }", "{ heal: { share: 5% } }")).unwrap();
        fs::write(place.path().join("trueup.yaml"), project.split("schedules:").next().unwrap()).unwrap();
        trueup(&place, "check")
            .await
            .is(0, &["advice[W0831]", "finds only those that differ (by `name`)", "`share: 20`"]);
        place.clear().await;
    });
}

#[test]
fn the_next_times_are_told_as_they_will_truly_come() {
    block_on(async {
        let schedules = "schedules:
  one: { playbook: name, cron: '30 1 * * *', zone: Europe/London, env: test, owner: clerk, jitter: 10m, expires: 2027-03-29 }
";
        let place = office(&On::Sqlite, FILE, schedules).await;
        let next = "schedule next one --count 3 --after 2027-03-27T12:00:00";
        let found = trueup(&place, &format!("{next} --json")).await.is(0, &[]).json()["next"].clone();
        let delay = found[0]["delay_seconds"].as_i64().unwrap();
        assert!((1..600).contains(&delay), "{found}");
        // Half past one is left out on the 28th: it comes at two in summer time, one in UTC, and its jitter behind that.
        let (minutes, seconds) = (delay / 60, delay % 60);
        let begins = format!("2027-03-28T01:{minutes:02}:{seconds:02}");
        assert!(found[0]["begins_at"].as_str().unwrap().starts_with(&begins), "{found}");
        assert_eq!(found[0]["clocks"], "the clocks leave 01:30 out that day: it comes at 02:00");
        assert_eq!(
            (&found[0]["will"], &found[1]["will"], &found[2]["will"]),
            (&"begin".into(), &"begin".into(), &"be_blocked".into())
        );
        assert_eq!((&found[1]["clocks"], &found[1]["why"]), (&serde_json::Value::Null, &serde_json::Value::Null));
        let text = trueup(&place, next)
            .await
            .is(0, &["will be blocked: it expired at the end of 2027-03-29", "01:30 out that day"]);
        assert!(text.out.contains(&begins.replace('T', " ")), "{}", text.out);
        assert!(text.out.lines().all(|line| line.chars().count() <= 80), "{}", text.out);
        trueup(&place, "schedule next one --count 1 --after 2026-10-24T12:00:00")
            .await
            .is(0, &["the clocks show 01:30 twice that day: this is the first one"]);
        trueup(&place, "schedule pause one --reason holidays --actor ben").await.is(0, &[]);
        trueup(&place, next).await.is(0, &["will pass: paused by ben since", "holidays"]);
        place.clear().await;
    });
}

#[test]
fn two_that_heal_at_once_claim_no_healing_twice() {
    block_on(async {
        let place = office(&On::Postgres(postgres()), FILE, "").await;
        let before = counts(&place).await;
        let healed = async || {
            let came = trueup(&place, "reconcile name --heal --yes --reason both --json").await;
            came.json()["healed"].as_u64().unwrap()
        };
        for round in 1..=5 {
            place.admin("update things set name = '';").await;
            // However they get in each other's way, each thing was healed once, by one of them.
            let (one, other) = tokio::join!(healed(), healed());
            assert_eq!(one + other, 3, "{one} and {other} in round {round}");
            let now: Vec<i64> = before.split("; ").map(|n| n.parse::<i64>().unwrap() + round).collect();
            let now: Vec<String> = now.iter().map(i64::to_string).collect();
            assert_eq!(counts(&place).await, now.join("; "));
        }
        place.clear().await;
    });
}

/// All items fail in the preview, so that there is nothing to carry out: no success, whoever reads the exit code.
#[test]
fn a_run_over_many_of_which_all_would_fail_is_no_success_although_nothing_is_carried_out() {
    block_on(async {
        let place = office(&On::Postgres(postgres()), FILE, "").await;
        place
            .admin(
                "update things set name = '';
                 create function never() returns trigger language plpgsql as $$ begin raise exception 'not this one'; end $$;
                 create trigger never before update on things for each row execute function never();",
            )
            .await;
        trueup(&place, "apply name --yes --reason test").await.is(1, &["not this one"]);
        trueup(&place, "plan name --reason test --out name.plan").await.is(1, &["not this one"]);
        trueup(&place, "apply name.plan --yes --reason test").await.is(1, &["not this one"]);
        place.admin("drop trigger never on things; update things set name = 'named';").await;
        trueup(&place, "apply name --yes --reason test").await.is(0, &[]);
        place.clear().await;
    });
}
