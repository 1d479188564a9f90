//! What a team lead reads after the night: how much of it was healed, what was refused, what is gone, what came back, and how it is taken back.

use super::{
    nightly::{AGREED, FILE, office, trueup, trueup_with, with_schedules},
    places::Place,
    servers::block_on,
};
use serde_json::Value as Json;
use std::fs;
use trueup::trial::bench::On;

async fn nameless() -> Place {
    let place = office(&On::Sqlite, FILE, "").await;
    place.admin("update things set name = '';").await;
    place
}

/// The short id of the run of a report.
fn short(told: &Json) -> String {
    let run = told["run"].as_str().unwrap();
    run[run.len() - 8..].to_owned()
}

async fn json(place: &Place, line: &str) -> Json {
    trueup(place, &format!("{line} --json")).await.json()
}

const HEAL: &str = "reconcile name --heal --yes --reason night";

#[test]
fn a_list_of_runs_says_how_many_items_a_heal_refused() {
    block_on(async {
        let place = nameless().await;
        json(&place, "reconcile name").await;
        json(&place, &format!("{HEAL} --most 1")).await;
        json(&place, &format!("{HEAL} --share 1")).await;
        json(&place, HEAL).await;
        let listed = trueup(&place, "runs").await.is(0, &["changed, 2 refused", "drifted, 2 refused"]);
        let lines: Vec<&str> = listed.out.lines().skip(1).collect();
        assert!(lines[0].contains("changed ") && !lines[0].contains("refused"), "{}", listed.out);
        assert!(listed.out.lines().all(|line| line.chars().count() <= 80), "{}", listed.out);
        let runs = json(&place, "runs").await["runs"].clone();
        let refused: Vec<Option<u64>> = (0..4).map(|at| runs[at]["refused"].as_u64()).collect();
        assert_eq!(refused, [Some(0), Some(2), Some(2), None], "{runs}");
        place.clear().await;
    });
}

#[test]
fn a_report_of_what_waited_for_agreement_knows_when_its_plan_was_carried_out() {
    block_on(async {
        let place = nameless().await;
        let path = place.path().join("trueup.yaml");
        let project = fs::read_to_string(&path).unwrap();
        fs::write(&path, project.replace("environments:\n  test: {}\n", AGREED)).unwrap();
        let asked = json(&place, HEAL).await;
        let (run, kept) = (short(&asked), asked["kept_plan"].clone());
        assert_eq!((kept["items"].as_u64(), &kept["run"]), (Some(3), &Json::Null), "{asked}");
        let file = kept["file"].as_str().unwrap();
        let (approve, apply) = (format!("trueup approve {file} --reason"), format!("trueup apply {file}"));
        let report = format!("reconcile report {run}");
        trueup(&place, &report).await.is(0, &["What would heal 3 items is kept until 20", &approve, &apply]);
        trueup(&place, &format!("approve {file} --yes --actor ben --reason fine")).await.is(0, &[]);
        trueup(&place, &format!("apply {file} --yes --reason heal --actor zoe")).await.is(0, &["3 changed"]);
        let after = json(&place, &report).await;
        let became = after["kept_plan"]["run"].as_str().unwrap();
        assert_eq!(after["kept_plan"]["end"], "changed", "{after}");
        let became = became[became.len() - 8..].to_owned();
        let said = format!("What would heal 3 items was kept, and zoe carried it out in run {became}: changed.");
        let told = trueup(&place, &report).await.is(0, &[&said, &format!("trueup show {became}")]);
        assert!(!told.out.contains("trueup apply") && !told.out.contains("trueup approve"), "{}", told.out);
        trueup(&place, &format!("{report} --html drift.html")).await.is(0, &[]);
        let page = fs::read_to_string(place.path().join("drift.html")).unwrap();
        assert!(page.contains(&said) && !page.contains("trueup apply"), "{page}");
        // What it healed is known to have been healed, although another run did it.
        place.admin("update things set name = '' where id = 2;").await;
        trueup(&place, "reconcile name").await.is(5, &["1 item differs: again after it was healed."]);
        place.clear().await;
    });
}

/// Things of a list, whatever they are called now.
const LISTED: &str = "reconcile: {}
targets:
  from: { list: [1, 2, 3] }
steps:
- id: up
  row: { table: shop.things, key: { id: \"{{ item }}\" }, set: { name: named } }
";

#[test]
fn a_record_that_is_gone_is_not_as_wanted() {
    block_on(async {
        let place = nameless().await;
        json(&place, "reconcile name").await;
        place.admin("update things set name = 'desk' where id = 1; delete from things where id = 2;").await;
        let told = trueup(&place, "reconcile name").await;
        told.is(
            5,
            &[
                "1 that differed when it was looked before is as wanted now.",
                "1 that differed when it was looked before is in the source no more.",
            ],
        );
        let told = json(&place, "reconcile report").await;
        let numbers = ["as_wanted_again", "gone_from_source", "found_no_more"].map(|name| told[name].as_u64());
        assert_eq!(numbers, [Some(1), Some(1), Some(2)], "{told}");
        // A source that finds also what is as wanted would find it.
        place.playbook("listed", "  shop: { write: [things, audits] }", LISTED);
        let path = place.path().join("listed.yaml");
        place.admin("insert into things (id, name, count) values (2, '', 1);").await;
        trueup(&place, "reconcile listed").await.is(5, &["3 items differ"]);
        place.admin("update things set name = 'named' where id = 1;").await;
        let text = fs::read_to_string(&path).unwrap();
        fs::write(&path, text.replace("[1, 2, 3]", "[1, 3]")).unwrap();
        let told = json(&place, "reconcile listed").await;
        let numbers = ["as_wanted_again", "gone_from_source"].map(|name| told[name].as_u64());
        assert_eq!(numbers, [Some(1), Some(1)], "{told}");
        // Of one that finds nothing any more, and is no table, nobody can tell.
        fs::write(&path, text.replace("[1, 2, 3]", "[]")).unwrap();
        let told = trueup(&place, "reconcile listed").await;
        told.is(0, &["1 that differed when it was looked before is found no more: as wanted now, or gone."]);
        let told = json(&place, "reconcile report").await;
        assert_eq!((&told["as_wanted_again"], told["found_no_more"].as_u64()), (&Json::Null, Some(1)), "{told}");
        place.clear().await;
    });
}

#[test]
fn a_heal_says_how_it_is_taken_back_and_what_cannot_be_is_not_proposed() {
    block_on(async {
        let place = nameless().await;
        let healed = json(&place, HEAL).await;
        let (run, report) = (short(&healed), format!("reconcile report {}", short(&healed)));
        let undo = format!("take back what was healed trueup undo {run}");
        trueup(&place, &report).await.is(0, &["3 healed.", &undo]);
        trueup(&place, &format!("undo {run} --yes --reason back")).await.is(0, &[]);
        let back = json(&place, "runs").await["runs"][0]["short"].as_str().unwrap().to_owned();
        let told = trueup(&place, &report).await;
        let again = format!("make again what was taken back trueup undo {back}");
        let told = told.is(0, &[&format!("It was taken back by run {back}."), &again]);
        assert!(!told.out.contains(&format!("undo {run}")), "{}", told.out);
        assert!(json(&place, &report).await["taken_back_by"].as_str().unwrap().ends_with(&back));
        // Nothing of a step that cannot be taken back is proposed, whoever asks.
        let path = place.path().join("name.yaml");
        let text = fs::read_to_string(&path).unwrap();
        fs::write(&path, text.replace("- id: up\n", "- id: up\n  irreversible: it is said already\n")).unwrap();
        let run = short(&json(&place, HEAL).await);
        for line in [format!("reconcile report {run}"), format!("show {run}")] {
            let told = trueup(&place, &line).await.is(0, &["3"]);
            assert!(!told.out.contains("trueup undo"), "{}", told.out);
        }
        trueup(&place, &format!("undo {run} --yes --reason back"))
            .await
            .is(4, &["nothing of this run can be taken back"]);
        place.clear().await;
    });
}

#[test]
fn what_comes_back_some_nights_after_it_was_healed_is_told_as_that() {
    block_on(async {
        let place = nameless().await;
        let healed = json(&place, HEAL).await;
        for _ in 0..3 {
            trueup(&place, "reconcile name").await.is(0, &[]);
        }
        place
            .admin("update things set name = '' where id = 3; insert into things (id, name, count) values (9, '', 1);")
            .await;
        let told = json(&place, "reconcile name").await;
        let before: Vec<&Json> = told["items"].as_array().unwrap().iter().map(|item| &item["healed_before"]).collect();
        assert_eq!(before, [&healed["at"], &Json::Null], "{told}");
        trueup(&place, "reconcile report")
            .await
            .is(0, &["1 for the first time, 1 again after it was healed", "3 again, healed 20"]);
        place.clear().await;
    });
}

#[test]
fn a_list_of_schedules_knows_what_a_person_has_ended_since_and_what_nobody_is_at() {
    block_on(async {
        for moment in 1.. {
            let place = nameless().await;
            with_schedules(&place, true);
            let crash = [("TRUEUP_CRASH_AT", moment.to_string())];
            let begun = trueup_with(&place, "schedule run minutely --reason now", &crash).await;
            assert_eq!(begun.exit, -1, "it never fell into its run: {}{}", begun.out, begun.err);
            let list = async || json(&place, "schedule list").await["schedules"][0].clone();
            let runs = json(&place, "runs").await["runs"].clone();
            if list().await["recent"][0]["state"] != "fired" || runs[0]["state"] != "running" {
                place.clear().await;
                continue;
            }
            trueup(&place, "schedule pause minutely --reason holidays").await.is(0, &[]);
            let left = "left by a process that is gone: the next scheduler goes on with it";
            trueup(&place, "schedule list").await.is(0, &["under way", left]);
            trueup(&place, "schedule resume minutely --reason back").await.is(0, &[]);
            trueup(&place, &format!("resume {}", runs[0]["short"].as_str().unwrap())).await.is(0, &["3 changed"]);
            let told = list().await["recent"][0].clone();
            assert_eq!((&told["came_to"], told["healed"].as_u64()), (&"healed".into(), Some(3)), "{told}");
            let listed = trueup(&place, "schedule list").await.is(0, &["3 of 3 differed, 3 healed"]);
            assert!(!listed.out.contains(left), "{}", listed.out);
            place.clear().await;
            return;
        }
    });
}
