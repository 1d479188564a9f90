//! `limits: { one_at_a_time: … }`: while a run is open, another one for the same is refused, whoever begins it.

use super::tools::desk::{Came, Desk, came};
use std::process::Stdio;

/// Puts a shelf there, and stays open until somebody has answered.
const PLAYBOOK: &str = r#"
trueup: v1
name: order
version: 1
title: Order a shelf
params:
  label: { type: string, description: What is written on it, example: A }
uses:
  shop: { write: [shelves] }
limits:
  one_at_a_time: "{{ params.label }}"
steps:
  - id: ordered
    sql: { db: shop, sql: "insert into shelves (label) values ({{ params.label }})", touches: 1 }
    repeatable: a test
    undo:
      sql: { db: shop, sql: "delete from shelves where label = {{ params.label }}", touches: 0..9 }
      repeatable: a test
  - id: delivered
    ask: { who: clerk, question: Is it there?, answer: { where: { type: string } }, affects: [] }
"#;

fn desk() -> Desk {
    let desk = Desk::new();
    desk.write("playbooks/order.yaml", PLAYBOOK.trim_start());
    desk
}

fn order<'a>(label: &'a str, actor: &'a str) -> [&'a str; 8] {
    ["apply", "order", label, "--yes", "--reason", "a shelf is missing", "--actor", actor]
}

/// The one run of this list that is about the label.
fn run_of(came: &Came) -> String {
    let text = format!("{}{}", came.out, came.err);
    let at = text.find("trueup answer ").unwrap_or_else(|| panic!("{text}"));
    text[at + "trueup answer ".len()..].split_whitespace().next().unwrap().to_owned()
}

fn shelves(desk: &Desk) -> usize {
    let mut command = std::process::Command::new("sqlite3");
    let output = command.arg(desk.path("shop.db")).arg("select count(*) from shelves").output().unwrap();
    String::from_utf8(output.stdout).unwrap().trim().parse().unwrap()
}

#[test]
fn another_run_for_the_same_is_refused_until_the_first_one_is_over() {
    let desk = desk();
    let first = desk.run(&order("label=A", "anna"));
    assert_eq!(first.exit, 4, "{first:?}");
    let run = run_of(&first);
    let second = desk.run(&order("label=A", "ben"));
    assert_eq!(second.exit, 4, "{second:?}");
    let said = second.err.split_whitespace().collect::<Vec<_>>().join(" ");
    for part in [
        &*format!("run {run} of `order` is not over, and the playbook allows one at a time"),
        "it is waiting, begun by anna at 20",
        "a shelf is missing",
        &*format!("`trueup cancel {run} --reason"),
    ] {
        assert!(said.contains(part), "`{part}` is not in: {said}");
    }
    // Another one is nobody's business, and of the refused one nothing was recorded.
    let other = desk.run(&order("label=B", "ben"));
    assert_eq!((other.exit, shelves(&desk)), (4, 2), "{other:?}");
    let runs = desk.run(&["runs", "--open"]);
    assert_eq!(runs.out.matches("order").count(), 2, "{runs:?}");
    // A saved plan is no way around it.
    let saved = desk.run(&["plan", "order", "label=A", "--out", "a.plan"]);
    assert_eq!(saved.exit, 0, "{saved:?}");
    let applied = desk.run(&["apply", "a.plan", "--yes", "--reason", "again", "--actor", "ben"]);
    assert!(applied.exit == 4 && applied.err.contains("one at a time"), "{applied:?}");
    let answered = desk.run(&["answer", &run, "delivered", "--set", "where=hall", "--actor", "clerk"]);
    assert_eq!(answered.exit, 0, "{answered:?}");
    // Now that it is over the next one goes; and while that one is open the first one is not taken back.
    let third = desk.run(&order("label=A", "ben"));
    assert_eq!((third.exit, shelves(&desk)), (4, 3), "{third:?}");
    let undo = desk.run(&["undo", &run, "--yes", "--reason", "a mistake", "--actor", "anna"]);
    assert!(undo.exit == 4 && undo.err.contains("one at a time"), "{undo:?}");
    assert_eq!(shelves(&desk), 3);
}

#[test]
fn of_several_that_begin_at_the_same_moment_one_goes() {
    let desk = desk();
    // The journal and its key are there: what is left to fight for is the turn.
    assert_eq!(desk.run(&order("label=B", "anna")).exit, 4);
    let begin = |actor: &str| {
        let mut command = desk.command(&order("label=A", actor));
        command.stdout(Stdio::piped()).stderr(Stdio::piped()).stdin(Stdio::null()).spawn().unwrap()
    };
    let all = ["anna", "ben", "cleo", "dan"].map(begin);
    let ended: Vec<Came> = all.into_iter().map(|child| came(child.wait_with_output().unwrap())).collect();
    let went = ended.iter().filter(|one| one.out.contains("trueup answer")).count();
    let gave_way = ended.iter().filter(|one| format!("{}{}", one.out, one.err).contains("one at a time")).count();
    assert_eq!((went, gave_way, shelves(&desk)), (1, 3, 2), "{ended:#?}");
    assert!(ended.iter().all(|one| one.exit == 4), "{ended:#?}");
}

#[test]
fn a_run_over_many_items_is_one_and_true_takes_every_run_for_the_same() {
    let desk = desk();
    let many = PLAYBOOK
        .trim_start()
        .replace("name: order", "name: orders")
        .replace("\"{{ params.label }}\"\nsteps:", "true\nsteps:");
    let many = many.replace("steps:\n  - id: ordered", "targets:\n  from: { list: [x, y] }\nsteps:\n  - id: ordered");
    desk.write("playbooks/orders.yaml", &many);
    let orders = |label| {
        let mut words = order(label, "anna");
        words[1] = "orders";
        desk.run(&words)
    };
    let first = orders("label=A");
    let placed = shelves(&desk);
    assert!(placed == 2 && first.out.contains("2 waiting"), "{first:?}");
    let second = orders("label=B");
    assert!(second.exit == 4 && second.err.contains("one at a time"), "{second:?}");
    assert_eq!(shelves(&desk), placed);
}
