//! A journal that was restored from a copy (A11, T24): what its runs did since is not in it. Nothing goes on by itself, nothing is
//! done twice, and a person decides.

use super::{
    nightly::{FILE, counts, office, trueup, with_schedules},
    places::Place,
    servers::{block_on, mysql, postgres},
};
use std::{fs, path::PathBuf};
use trueup::trial::bench::{On, Place as Where};

const UP: &str = "params:
  second: { type: int, description: Another thing, example: 2 }
preconditions:
- id: one
  find: { table: shop.things, where: { id: 1 }, expect: one }
- id: two
  find: { table: shop.things, where: { id: '{{ params.second }}' }, expect: one }
steps:
- id: first
  row: { of: one, set: { count: '{{ one.count + 1 }}' } }
- id: sure
  ask: { who: boss, question: Go on?, answer: { yes: { type: bool } }, affects: [] }
- id: second
  row: { of: two, set: { count: '{{ two.count + 1 }}' } }
";

fn journal(place: &Place) -> PathBuf {
    place.path().join("journal/journal.db")
}

/// The journal and what SQLite has not taken into it yet.
const PARTS: [&str; 2] = ["", "-wal"];

fn copy(place: &Place, name: &str) {
    for part in PARTS {
        let from = format!("{}{part}", journal(place).display());
        if fs::exists(&from).unwrap() {
            fs::copy(from, place.path().join(format!("{name}{part}"))).unwrap();
        }
    }
}

fn restore(place: &Place, name: &str) {
    for part in ["-wal", "-shm"] {
        let _ = fs::remove_file(format!("{}{part}", journal(place).display()));
    }
    for part in PARTS {
        let from = place.path().join(format!("{name}{part}"));
        if from.exists() {
            fs::copy(from, format!("{}{part}", journal(place).display())).unwrap();
        }
    }
}

/// Begins the playbook, which waits for an answer; the run's short name.
async fn waits(place: &Place, second: u32) -> String {
    let came = trueup(place, &format!("apply up second={second} --yes --reason test --json")).await;
    assert_eq!(came.exit, 4, "{}{}", came.out, came.err);
    came.json()["short"].as_str().unwrap().to_owned()
}

#[test]
fn runs_of_a_restored_journal_are_in_doubt_and_its_schedules_paused_until_a_person_decides() {
    block_on(async {
        let place = office(&On::Sqlite, FILE, "").await;
        with_schedules(&place, false);
        place.playbook("up", "  shop: { write: [things, audits] }", UP);
        let start = counts(&place).await;
        let of = |first: i64, second: i64| {
            let mut all: Vec<i64> = start.split("; ").map(|n| n.parse().unwrap()).collect();
            (all[0], all[1]) = (all[0] + first, all[1] + second);
            all.iter().map(i64::to_string).collect::<Vec<_>>().join("; ")
        };
        trueup(&place, "reconcile --due").await.is(0, &["looked after from now on"]);
        let run = waits(&place, 2).await;
        assert_eq!(counts(&place).await, of(1, 0));
        copy(&place, "waiting.db");
        trueup(&place, &format!("answer {run} sure --set yes=true")).await.is(0, &["Done"]);
        let lost = waits(&place, 2).await;
        assert_eq!(counts(&place).await, of(2, 1));

        // The copy knows neither the answer nor what was done after it.
        restore(&place, "waiting.db");
        trueup(&place, "runs").await.is(
            0,
            &[
                "it was restored from a copy. 1 unfinished run is in doubt now",
                "1 schedule is paused",
                "not in it at all, though they ran:",
                &lost,
            ],
        );
        let again = trueup(&place, "runs").await.is(0, &["in doubt"]);
        assert!(!again.err.contains("restored"), "told once: {}", again.err);
        let inbox = trueup(&place, "inbox").await.is(
            0,
            &[
                &format!("In doubt: run {run}, all of it"),
                &format!("trueup resolve {run} --not-done --reason"),
                &format!("trueup cancel {run} --reason"),
            ],
        );
        assert!(inbox.out.lines().all(|line| line.chars().count() <= 80), "{}", inbox.out);
        trueup(&place, &format!("show {run}")).await.is(0, &["In doubt: the journal was restored from a copy"]);
        trueup(&place, "schedule list").await.is(0, &["paused by trueup", "restored from a copy"]);
        for going_on in ["answer RUN sure --set yes=true", "resume RUN", "retry RUN --reason again"] {
            let came = trueup(&place, &going_on.replace("RUN", &run)).await;
            came.is(6, &["is in doubt: the journal was restored from a copy", "is not recorded", "trueup cancel"]);
        }
        trueup(&place, &format!("resolve {run} --done --reason looked")).await.is(2, &["in one word"]);
        trueup(&place, "reconcile --due").await.is(0, &[]);
        assert_eq!(counts(&place).await, of(2, 1), "nothing was done by itself");

        // Somebody has looked: it was done. A schedule goes on when somebody says so.
        trueup(&place, &format!("cancel {run} --reason 'it was all done'")).await.is(0, &["ancelled"]);
        trueup(&place, "schedule resume minutely --reason 'looked at it'").await.is(0, &["goes on"]);
        trueup(&place, "audit verify").await.is(0, &["Everything is as it was written."]);
        assert_eq!(counts(&place).await, of(2, 1));

        // And one of which nothing was done since the copy: it goes on from there, and does the rest once.
        let left = waits(&place, 2).await;
        copy(&place, "left.db");
        trueup(&place, "apply up second=2 --yes --reason other").await.is(4, &["Waits"]);
        assert_eq!(counts(&place).await, of(4, 1));
        restore(&place, "left.db");
        trueup(&place, &format!("resume {left}")).await.is(6, &["1 unfinished run is in doubt now"]);
        trueup(&place, &format!("resolve {left} --not-done --reason 'nothing happened since'"))
            .await
            .is(4, &["Waits for the answer of boss"]);
        trueup(&place, &format!("answer {left} sure --set yes=true")).await.is(0, &["Done"]);
        assert_eq!(counts(&place).await, of(4, 2));
        trueup(&place, "audit verify").await.is(0, &["Everything is as it was written."]);
        place.clear().await;
    });
}

/// Two changes and a question, after which nothing is left to do.
const ASKED_LAST: &str = "preconditions:
- id: one
  find: { table: shop.things, where: { id: 1 }, expect: one }
- id: two
  find: { table: shop.things, where: { id: 2 }, expect: one }
steps:
- id: first
  row: { of: one, set: { count: '{{ one.count + 1 }}' } }
- id: second
  row: { of: two, set: { count: '{{ two.count + 1 }}' } }
- id: sure
  ask: { who: boss, question: Go on?, answer: { yes: { type: bool } }, affects: [] }
";

#[test]
fn a_target_that_was_restored_under_a_run_that_waits_is_told_and_nothing_is_done_again() {
    block_on(async {
        let place = office(&On::Sqlite, FILE, "").await;
        place.playbook("asked", "  shop: { write: [things, audits] }", ASKED_LAST);
        keep_a_ledger(&place).await;
        let Where::File(database) = place.place.clone() else { panic!("a file") };
        let (before, start) = (fs::read(&database).unwrap(), counts(&place).await);
        let begun = async || {
            let came = trueup(&place, "apply asked --yes --reason test --json").await;
            assert_eq!(came.exit, 4, "{}{}", came.out, came.err);
            came.json()["short"].as_str().unwrap().to_owned()
        };

        let run = begun().await;
        assert_ne!(counts(&place).await, start);
        fs::write(&database, &before).unwrap();
        assert_eq!(counts(&place).await, start);
        let came = trueup(&place, &format!("answer {run} sure --set yes=true"))
            .await
            .is(5, &["shop, `first`", "shop, `second`", "no entry in its ledger", "restored from a copy"]);
        assert!(came.out.lines().all(|line| line.chars().count() <= 80), "{}", came.out);
        assert_eq!(counts(&place).await, start, "nothing was done again");
        trueup(&place, &format!("resume {run}")).await.is(2, &["is over: drifted"]);

        // A copy of now has lost nothing, and the run ends as what it did.
        let run = begun().await;
        let now = counts(&place).await;
        let copy = fs::read(&database).unwrap();
        fs::write(&database, &copy).unwrap();
        trueup(&place, &format!("answer {run} sure --set yes=true")).await.is(0, &["Done"]);
        assert_eq!(counts(&place).await, now);
        place.clear().await;
    });
}

async fn keep_a_ledger(place: &Place) {
    let path = place.path().join("trueup.yaml");
    let project = fs::read_to_string(&path).unwrap();
    assert!(project.contains("  shop:\n"), "{project}");
    fs::write(&path, project.replacen("  shop:\n", "  shop:\n    ledger: true\n", 1)).unwrap();
    trueup(place, "connection prepare shop").await.is(0, &[]);
}

/// An undo that only another journal knows of: what it took back somebody may have changed again since.
async fn is_not_taken_back_again(on: &On) {
    let place = office(on, FILE, "").await;
    keep_a_ledger(&place).await;
    place.playbook("all", "  shop: { write: [things, audits] }", ALL);
    let start = counts(&place).await;
    trueup(&place, "apply all --yes --reason test").await.is(0, &[]);
    let run = trueup(&place, "runs --json").await.json()["runs"][0]["short"].as_str().unwrap().to_owned();
    let done = counts(&place).await;
    copy(&place, "before");
    // One item, and then all of it, by the journal that a copy was made of.
    trueup(&place, &format!("undo {run} --item 1 --yes --reason back")).await.is(0, &[]);
    copy(&place, "between");
    trueup(&place, &format!("undo {run} --yes --reason back")).await.is(0, &[]);
    assert_eq!(counts(&place).await, start);
    // Somebody wants them as the run had left them, after all.
    place.admin("update things set count = count + 1;").await;
    assert_eq!(counts(&place).await, done);
    let unknown = ["was taken back by run", "the ledger of `shop` has known of it since", "restored from a copy"];
    for known in ["before", "between"] {
        restore(&place, known);
        for undo in [format!("undo {run}"), format!("undo {run} --item 2"), format!("undo {run} --plan")] {
            let words = if undo.ends_with("--plan") { undo } else { undo + " --yes --reason back" };
            let came = trueup(&place, &words).await;
            let told = came.is(2, &[]).err.split_whitespace().collect::<Vec<_>>().join(" ");
            unknown.iter().for_each(|words| assert!(told.contains(words), "{known}, {words}: {told}"));
        }
        assert_eq!(counts(&place).await, done, "{known}");
    }
    // The way out that the message names.
    place.admin("delete from trueup_ledger where effect like 'undo %';").await;
    trueup(&place, &format!("undo {run} --item 3 --yes --reason back")).await.is(0, &[]);
    // What this journal has done itself is no hindrance: the rest of the run.
    trueup(&place, &format!("undo {run} --item 2 --yes --reason back")).await.is(0, &[]);
    let again = trueup(&place, &format!("undo {run} --item 2 --yes --reason back")).await;
    again.is(2, &["was taken back already"]);
    // A journal that knows of neither may take back what both left alone, and that alone.
    restore(&place, "before");
    trueup(&place, &format!("undo {run} --item 2 --yes --reason back")).await.is(2, &["was taken back by run"]);
    trueup(&place, &format!("undo {run} --item 1 --yes --reason back")).await.is(0, &[]);
    assert_eq!(counts(&place).await, start);
    place.clear().await;
}

const ALL: &str = "targets:
  from: { find: { table: shop.things, where: { id: [1, 2, 3] }, order_by: [id] } }
steps:
- id: up
  row: { table: shop.things, key: { id: \"{{ item.id }}\" }, set: { count: \"{{ item.count + 1 }}\" } }
";

#[test]
fn what_another_journal_has_taken_back_is_not_taken_back_again_where_a_ledger_tells() {
    block_on(async {
        for on in [On::Sqlite, On::Postgres(postgres()), On::Mysql(mysql())] {
            is_not_taken_back_again(&on).await;
        }
    });
}
