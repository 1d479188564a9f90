//! A disk that is full behind stdout: what a command found out is not where somebody will look for it, and that is said.

use crate::hidden::Desk;
use std::{
    fs::OpenOptions,
    process::{Command, Output, Stdio},
};

const ONE: &str = "uses: { shop: { write: [things] } }\nsteps:\n\
    - { id: one, row: { table: shop.things, key: { id: 1 }, set: { count: 5 } } }\n";

const PROJECT: &str =
    "connections: { shop: { sqlite: { path: shop.db }, tables: { things: { key: id, audit: false } } } }\n";

fn desk() -> Desk {
    let desk = Desk::new(PROJECT, &[], &[("one", ONE)]);
    let sql = "create table things (id integer primary key, count integer); insert into things values (1, 1)";
    assert!(Command::new("sqlite3").arg(desk.folder.path().join("shop.db")).arg(sql).status().unwrap().success());
    desk
}

fn into(stdout: Stdio, desk: &Desk, words: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_trueup"));
    command.current_dir(desk.folder.path()).args(words).env("TRUEUP_ACTOR", "anna").stdout(stdout);
    command.stderr(Stdio::piped()).spawn().unwrap().wait_with_output().unwrap()
}

fn full() -> Stdio {
    OpenOptions::new().write(true).open("/dev/full").unwrap().into()
}

fn words(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).split_whitespace().collect::<Vec<_>>().join(" ")
}

#[test]
fn a_result_that_could_not_be_written_is_no_success() {
    let desk = desk();
    for command in [
        &["plan", "one", "--json"][..],
        &["plan", "one", "--json", "--detailed-exitcode"],
        &["plan", "one"],
        &["runs", "--json"],
        &["schema", "playbook"],
        &["check"],
        &["inbox", "--json"],
    ] {
        let came = into(full(), &desk, command);
        let said = words(&came);
        assert_eq!(came.status.code(), Some(1), "{command:?}: {said}");
        assert!(said.contains("the result could not be written to stdout: No space left on device"), "{said}");
    }
}

#[test]
fn a_run_ends_as_it_ended_and_what_became_of_it_is_recorded() {
    let desk = desk();
    let came = into(full(), &desk, &["apply", "one", "--yes", "--reason", "a test", "--json"]);
    let said = words(&came);
    assert_eq!(came.status.code(), Some(0), "{said}");
    assert!(
        said.contains("could not be written") && said.contains("what the command did is done all the same"),
        "{said}"
    );
    let runs = into(Stdio::piped(), &desk, &["runs"]);
    assert!(String::from_utf8_lossy(&runs.stdout).contains("changed"));
}

#[test]
fn a_reader_that_went_away_is_no_failure() {
    let desk = desk();
    let (reader, writer) = std::io::pipe().unwrap();
    drop(reader);
    let came = into(writer.into(), &desk, &["runs", "--json"]);
    assert_eq!((came.status.code(), words(&came).as_str()), (Some(0), ""));
}

#[test]
fn what_is_not_begun_is_told_as_its_plan() {
    let desk = desk();
    let apply = ["apply", "one", "--yes", "--reason", "a test", "--json"];
    let came = |words: &[&str], exit| {
        let came = into(Stdio::piped(), &desk, words);
        assert_eq!(came.status.code(), Some(exit), "{words:?}: {}", self::words(&came));
        let told: serde_json::Value = serde_json::from_slice(&came.stdout).unwrap_or_else(|e| panic!("{words:?}: {e}"));
        told
    };
    let run = came(&apply, 0);
    assert_eq!(run["kind"], "run");
    let again = came(&apply, 0);
    assert_eq!((&again["kind"], &again["changes"]), (&"plan".into(), &false.into()), "{again}");
    let sql = "update things set count = 7";
    assert!(Command::new("sqlite3").arg(desk.folder.path().join("shop.db")).arg(sql).status().unwrap().success());
    let back = came(&["undo", run["short"].as_str().unwrap(), "--yes", "--json"], 5);
    let effect = &back["items"][0]["steps"][0]["effects"][0];
    assert_eq!((&back["kind"], &effect["type"]), (&"plan".into(), &"left_alone".into()), "{back}");
}
