//! Undos of parts, undos of these, and undos of the run again: no effect is taken back twice, none is out of reach, and nothing is done again on top
//! of what is gone.

use crate::{hidden::Desk, servers::block_on};
use std::process::Command;
use trueup::{
    base::world::World,
    mock::{Mock, server::Running},
};

const MOCK: &str = "trueup: v1\nmock: crm\nroutes:\n\
    - post: /pay\n  answers: [{ status: 400, json: {} }, { json: { ok: true } }]\n\
    - post: /x\n  answer: { json: { id: 1 } }\n\
    - delete: /x/{id}\n  answer: { status: 204 }\n\
    - delete: /gone/{id}\n  answer: { status: 404 }\n";

/// A row, a statement and a call that count up and down.
const STEPS: &str = "uses: { shop: { write: [acct] }, crm: { methods: [POST, DELETE] } }\nsteps:\n\
    - { id: first, row: { table: shop.acct, key: { id: 1 }, set: { bal: 1 } } }\n\
    - id: count\n  sql: { db: shop, sql: \"update acct set bal = bal + 7 where id = 2\", touches: 1 }\n  repeatable: a test\n  \
      undo: { sql: { db: shop, sql: \"update acct set bal = bal - 7 where id = 2\", touches: 1 }, repeatable: a test }\n\
    - id: call\n  http: { api: crm, post: /x, json: {} }\n  repeatable: a test\n  \
      undo: { http: { api: crm, delete: \"/x/{{ call.body.id }}\", accept: [204] }, repeatable: a test }\n";

const PAY: &str = "uses: { shop: { write: [acct] }, crm: { methods: [POST] } }\nsteps:\n\
    - { id: lock, row: { table: shop.acct, key: { id: 1 }, set: { note: locked } } }\n\
    - { id: debit, row: { table: shop.acct, key: { id: 3 }, set: { bal: 0 } } }\n\
    - { id: pay, http: { api: crm, post: /pay, json: { amount: 300 } }, repeatable: a test, irreversible: money is gone }\n";

const MANY: &str = "uses: { shop: { read: [acct], write: [acct] } }\n\
    targets: { from: { find: { table: shop.acct, where: { note: a } } }, key: id }\n\
    steps:\n- { id: one, row: { table: shop.acct, key: { id: \"{{ item.id }}\" }, set: { bal: 1 } } }\n";

/// Ways back of the author's own, two of them for one row.
const OWN: &str = "uses: { shop: { read: [acct], write: [acct] } }\npreconditions:\n\
    - { id: a, find: { table: shop.acct, where: { id: 2 }, expect: one } }\nsteps:\n\
    - { id: first, row: { table: shop.acct, key: { id: 1 }, set: { bal: 1 } } }\n\
    - id: up\n  row: { of: a, set: { bal: 210 } }\n  \
      undo: { row: { table: shop.acct, key: { id: 2 }, set: { bal: \"{{ a.bal }}\", note: back } } }\n\
    - id: more\n  row: { of: a, set: { bal: 220 } }\n  \
      undo: { row: { table: shop.acct, key: { id: 2 }, set: { bal: 211 } } }\n";

/// The way back of its call is refused for ever: what it made is gone.
const STUCK: &str = "uses: { shop: { write: [acct] }, crm: { methods: [POST, DELETE] } }\nsteps:\n\
    - { id: first, row: { table: shop.acct, key: { id: 1 }, set: { bal: 1 } } }\n\
    - block:\n    transaction: shop\n    steps:\n    - { id: inner, row: { table: shop.acct, key: { id: 2 }, set: { bal: 1 } } }\n  id: both\n\
    - id: call\n  http: { api: crm, post: /x, json: {} }\n  repeatable: a test\n  \
      undo: { http: { api: crm, delete: \"/gone/{{ call.body.id }}\", accept: [204] }, repeatable: a test }\n";

/// Its call fails, and the rescue takes its row back.
const RESCUED: &str = "uses: { shop: { write: [acct] }, crm: { methods: [POST] } }\nsteps:\n\
    - id: both\n  block:\n    steps:\n    - { id: first, row: { table: shop.acct, key: { id: 1 }, set: { bal: 1 } } }\n    \
      - { id: pay, http: { api: crm, post: /pay, json: {} }, repeatable: a test, irreversible: money is gone }\n    \
      rescue:\n    - undo: [first]\n";

/// Nothing of it need be taken back, by the word of its author.
const KEPT: &str = "uses: { shop: { write: [acct] } }\nsteps:\n\
    - id: count\n  sql: { db: shop, sql: \"update acct set bal = bal + 1 where id = 1\", touches: 1 }\n  repeatable: a test\n  \
      undo: none_needed\n  because: counters only grow\n";

fn desk(crm: &Running) -> Desk {
    let project = format!(
        "connections:\n  shop: {{ sqlite: {{ path: shop.db }}, tables: {{ acct: {{ key: id, audit: false }} }} }}\n  \
         crm: {{ http: {{ base: \"{}\", internal: true, allow: {{ methods: [POST, DELETE], paths: [\"/**\"] }} }} }}\n",
        crm.url()
    );
    let desk = Desk::new(
        &project,
        &[],
        &[
            ("steps", STEPS),
            ("pay", PAY),
            ("many", MANY),
            ("own", OWN),
            ("kept", KEPT),
            ("stuck", STUCK),
            ("rescued", RESCUED),
        ],
    );
    sql(&desk, "create table acct (id integer primary key, bal integer not null, note text)");
    sql(&desk, "insert into acct values (1, 100, 'a'), (2, 200, 'a'), (3, 300, 'a'), (4, 400, 'a')");
    desk
}

fn sql(desk: &Desk, sql: &str) -> String {
    let output = Command::new("sqlite3").arg(desk.folder.path().join("shop.db")).arg(sql).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap().trim().to_owned()
}

fn balances(desk: &Desk) -> String {
    sql(desk, "select group_concat(bal, ' ') from (select bal from acct order by id)")
}

fn calls(crm: &Running, method: &str) -> usize {
    crm.log().iter().filter(|call| call.method == method).count()
}

async fn begun(desk: &mut Desk, words: &[&str], exit: i32) -> String {
    desk.run(words, exit).await;
    newest(desk).await
}

async fn newest(desk: &mut Desk) -> String {
    let runs = desk.run(&["runs", "--json"], 0).await;
    let runs: serde_json::Value = serde_json::from_str(&runs.out).unwrap();
    runs["runs"][0]["short"].as_str().unwrap().to_owned()
}

async fn undone(desk: &mut Desk, run: &str, exit: i32) -> String {
    begun(desk, &["undo", run, "--yes", "--reason", "a test"], exit).await
}

async fn refused(desk: &mut Desk, words: &[&str], parts: &[&str]) {
    let came = desk.run(words, 2).await;
    let said = came.said().split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(parts.iter().all(|part| said.contains(part)), "{parts:?}: {said}");
}

#[test]
fn what_an_undo_of_an_undo_made_again_is_taken_back_once() {
    block_on(async {
        let crm = Mock::from_yaml(MOCK).unwrap().start(World::real()).await.unwrap();
        let mut desk = desk(&crm);
        let run = begun(&mut desk, &["apply", "steps", "--yes", "--reason", "a test"], 0).await;
        assert_eq!((balances(&desk), calls(&crm, "POST")), ("1 207 300 400".into(), 1));
        sql(&desk, "update acct set bal = 999 where id = 1");
        // One row is left alone: the undo has not ended well, and has taken back all the rest.
        let undo = undone(&mut desk, &run, 5).await;
        assert_eq!((balances(&desk), calls(&crm, "DELETE")), ("999 200 300 400".into(), 1));
        let again = undone(&mut desk, &undo, 0).await;
        assert_eq!((balances(&desk), calls(&crm, "POST")), ("999 207 300 400".into(), 2));
        let words = ["was taken back in part, and run", &again, "made it again", &format!("trueup undo {again}")];
        refused(&mut desk, &["undo", &run, "--yes", "--reason", "a test"], &words).await;
        undone(&mut desk, &again, 0).await;
        assert_eq!((balances(&desk), calls(&crm, "DELETE")), ("999 200 300 400".into(), 2));
        // What was left alone is in reach still, and nothing else is done a second time.
        sql(&desk, "update acct set bal = 1 where id = 1");
        undone(&mut desk, &run, 0).await;
        assert_eq!((balances(&desk), calls(&crm, "DELETE")), ("100 200 300 400".into(), 2));
    });
}

#[test]
fn a_run_is_not_done_again_on_top_of_what_an_undo_took_back() {
    block_on(async {
        let crm = Mock::from_yaml(MOCK).unwrap().start(World::real()).await.unwrap();
        let mut desk = desk(&crm);
        let run = begun(&mut desk, &["apply", "pay", "--yes", "--reason", "a test"], 1).await;
        sql(&desk, "update acct set note = 'edited' where id = 1");
        let undo = undone(&mut desk, &run, 5).await;
        assert_eq!(balances(&desk), "100 200 300 400");
        let retry = ["retry", &run, "--reason", "once more"];
        let words = ["cannot be done again", &undo, "has taken a part of it back", "make a new run of it"];
        refused(&mut desk, &retry, &words).await;
        assert_eq!(calls(&crm, "POST"), 1, "nothing is paid that was not taken");
        // Made again, it may go on.
        undone(&mut desk, &undo, 0).await;
        desk.run(&retry, 0).await;
        assert_eq!((balances(&desk), calls(&crm, "POST")), ("100 200 0 400".into(), 2));
    });
}

#[test]
fn one_item_that_was_made_again_leaves_the_others_in_reach() {
    block_on(async {
        let crm = Mock::from_yaml(MOCK).unwrap().start(World::real()).await.unwrap();
        let mut desk = desk(&crm);
        let run = begun(&mut desk, &["apply", "many", "--yes", "--reason", "a test"], 0).await;
        let item = ["undo", &run, "--item", "2", "--yes", "--reason", "a test"];
        let undo = begun(&mut desk, &item, 0).await;
        let again = undone(&mut desk, &undo, 0).await;
        assert_eq!(balances(&desk), "1 1 1 1");
        let words = ["item `2` of run", "was taken back, and run", &again, &format!("trueup undo {again}")];
        refused(&mut desk, &["undo", &run, "--yes", "--reason", "a test"], &words).await;
        refused(&mut desk, &item, &words).await;
        // Another item has nothing to do with it.
        begun(&mut desk, &["undo", &run, "--item", "3", "--yes", "--reason", "a test"], 0).await;
        assert_eq!(balances(&desk), "1 1 300 1");
        undone(&mut desk, &again, 0).await;
        assert_eq!(balances(&desk), "1 200 300 1");
        let shown = desk.run(&["show", &run], 0).await;
        assert!(!shown.out.contains("taken back"), "{}", shown.out);
        assert_eq!(in_the_list(&mut desk, &run).await, ("changed".into(), false));
        refused(&mut desk, &item, &["item `2` of run", "was taken back already"]).await;
        undone(&mut desk, &run, 0).await;
        assert_eq!(balances(&desk), "100 200 300 400");
        let shown = desk.run(&["show", &run], 0).await;
        assert!(shown.out.contains("taken back"), "{}", shown.out);
        assert_eq!(in_the_list(&mut desk, &run).await, ("undone".into(), true));
    });
}

/// The state of a run in the list of runs, and whether the list names a run that took it back.
async fn in_the_list(desk: &mut Desk, run: &str) -> (String, bool) {
    let text = desk.run(&["runs"], 0).await.out;
    let line = text.lines().find(|line| line.starts_with(run)).unwrap();
    let state = line.split_whitespace().nth(4).unwrap().to_owned();
    let json: serde_json::Value = serde_json::from_str(&desk.run(&["runs", "--json"], 0).await.out).unwrap();
    let named = json["runs"].as_array().unwrap().iter().find(|r| r["short"].as_str() == Some(run));
    (state, !named.unwrap()["taken_back_by"].is_null())
}

#[test]
fn a_step_whose_way_back_is_refused_can_be_left_as_it_is() {
    block_on(async {
        let crm = Mock::from_yaml(MOCK).unwrap().start(World::real()).await.unwrap();
        let mut desk = desk(&crm);
        let run = begun(&mut desk, &["apply", "stuck", "--yes", "--reason", "a test"], 0).await;
        let undo = ["undo", &run, "--yes", "--reason", "a test"];
        let came = desk.run(&undo, 1).await;
        let command = format!("trueup undo {run} --leave call");
        assert!(came.out.contains(&command) && came.out.contains("leave what `call` did as it is"), "{}", came.out);
        assert_eq!((balances(&desk), calls(&crm, "DELETE")), ("1 1 300 400".into(), 1));
        // Also as a plan that is kept.
        let plan = ["undo", &run, "--leave", "steps/call", "--plan", "--out", "rest.plan", "--reason", "a test"];
        let came = desk.run(&plan, 0).await;
        assert!(came.out.contains("left as it is, as asked with `--leave`"), "{}", came.out);
        let came = desk.run(&["apply", "rest.plan", "--yes"], 5).await;
        assert!(came.said().contains("left as it is, as asked with `--leave`"), "{}", came.said());
        assert_eq!((balances(&desk), calls(&crm, "DELETE")), ("100 200 300 400".into(), 1));
        // What was left is still to be taken back.
        assert_eq!(in_the_list(&mut desk, &run).await, ("changed".into(), false));
        desk.run(&undo, 1).await;
        assert_eq!(calls(&crm, "DELETE"), 2);
    });
}

#[test]
fn only_a_step_that_is_there_and_stands_alone_can_be_left() {
    block_on(async {
        let crm = Mock::from_yaml(MOCK).unwrap().start(World::real()).await.unwrap();
        let mut desk = desk(&crm);
        let run = begun(&mut desk, &["apply", "stuck", "--yes", "--reason", "a test"], 0).await;
        let undo = ["undo", &run, "--yes", "--reason", "a test", "--leave"];
        let leave = |step: &'static str| [&undo[..], &[step]].concat();
        refused(&mut desk, &leave("cal"), &["has no step `cal`", "`call`"]).await;
        refused(&mut desk, &leave("inner"), &["`inner` is a part of a transaction", "--leave both"]).await;
        let both = [&leave("call")[..], &["--all-or-nothing"]].concat();
        refused(&mut desk, &both, &["cannot be used with"]).await;
        assert_eq!((balances(&desk), calls(&crm, "DELETE")), ("1 1 300 400".into(), 0));
        let came = desk.run(&[&leave("both")[..], &["--leave", "call"]].concat(), 5).await;
        assert!(came.said().contains("2 steps could not be taken back"), "{}", came.said());
        assert_eq!((balances(&desk), calls(&crm, "DELETE")), ("100 1 300 400".into(), 0));
        // Of many items the same step of each.
        let many = begun(&mut desk, &["apply", "many", "--yes", "--reason", "a test"], 0).await;
        let came = desk.run(&["undo", &many, "--leave", "one", "--yes", "--reason", "a test"], 4).await;
        assert!(came.said().contains("nothing of this run can be taken back"), "{}", came.said());
        assert_eq!(balances(&desk), "1 1 1 1");
    });
}

#[test]
fn what_a_rescue_took_back_is_not_told_as_staying() {
    block_on(async {
        let crm = Mock::from_yaml(MOCK).unwrap().start(World::real()).await.unwrap();
        let mut desk = desk(&crm);
        let mut came = desk.run(&["apply", "rescued", "--yes", "--reason", "a test"], 1).await.out;
        let run = newest(&mut desk).await;
        assert_eq!((balances(&desk), calls(&crm, "POST")), ("100 200 300 400".into(), 1));
        came.push_str(&desk.run(&["show", &run], 0).await.out);
        assert!(came.contains("Failed; what was changed before was taken back."), "{came}");
        // What would be refused is not proposed, and no row counts as changed.
        assert!(!came.contains("trueup undo") && !came.contains("rows changed"), "{came}");
        refused(&mut desk, &["undo", &run, "--yes", "--reason", "a test"], &["changed nothing"]).await;
    });
}

#[test]
fn what_need_not_be_taken_back_is_not_told_as_being_as_before() {
    block_on(async {
        let crm = Mock::from_yaml(MOCK).unwrap().start(World::real()).await.unwrap();
        let mut desk = desk(&crm);
        let run = begun(&mut desk, &["apply", "kept", "--yes", "--reason", "a test"], 0).await;
        let came = desk.run(&["undo", &run, "--yes", "--reason", "a test"], 0).await;
        let said = came.said().split_whitespace().collect::<Vec<_>>().join(" ");
        assert!(said.contains("nothing need be taken back: counters only grow"), "{said}");
        assert!(
            said.contains("Nothing is left to take back, for the reasons above.") && !said.contains("as it was"),
            "{said}"
        );
        assert_eq!(balances(&desk), "101 200 300 400");
    });
}

#[test]
fn a_way_back_of_the_authors_tramples_no_later_edit() {
    block_on(async {
        let crm = Mock::from_yaml(MOCK).unwrap().start(World::real()).await.unwrap();
        let mut desk = desk(&crm);
        let run = begun(&mut desk, &["apply", "own", "--yes", "--reason", "a test"], 0).await;
        assert_eq!(balances(&desk), "1 220 300 400");
        let plan = ["undo", &run, "--plan", "--out", "back.plan", "--reason", "a test"];
        desk.run(&plan, 0).await;
        sql(&desk, "update acct set bal = 999 where id = 2");
        let whole = ["undo", &run, "--yes", "--all-or-nothing", "--reason", "a test"];
        let came = desk.run(&whole, 5).await;
        let said = came.said().split_whitespace().collect::<Vec<_>>().join(" ");
        assert!(said.contains("left alone: shop.acct id 2 somebody changed it since"), "{said}");
        assert!(said.contains("by the run 220 now 999"), "{said}");
        assert_eq!(balances(&desk), "1 999 300 400");
        // What was planned before that comes to the row as it is now.
        desk.tried(&["apply", "back.plan", "--yes"]).await;
        assert!(balances(&desk).contains(" 999 300 400"), "{}", balances(&desk));
        undone(&mut desk, &run, 5).await;
        assert_eq!(balances(&desk), "100 999 300 400", "the others are taken back");
        // As the run left it, both of its ways back are gone, one behind the other.
        sql(&desk, "update acct set bal = 220 where id = 2");
        undone(&mut desk, &run, 0).await;
        assert_eq!(balances(&desk), "100 200 300 400");
        assert_eq!(sql(&desk, "select note from acct where id = 2"), "back");
    });
}

/// A row that is gone keeps nothing else from being taken back.
#[test]
fn a_way_back_to_a_row_that_is_gone_is_left_alone() {
    block_on(async {
        let crm = Mock::from_yaml(MOCK).unwrap().start(World::real()).await.unwrap();
        let mut desk = desk(&crm);
        let run = begun(&mut desk, &["apply", "own", "--yes", "--reason", "a test"], 0).await;
        sql(&desk, "delete from acct where id = 2");
        let came = desk.run(&["undo", &run, "--yes", "--reason", "a test"], 5).await;
        assert!(came.said().contains("it is not there any more"), "{}", came.said());
        assert_eq!(balances(&desk), "100 300 400");
    });
}

/// Wherever the undo dies: what somebody changes before it goes on, in a row that it had not got to, stays. Images of what was never committed are no
/// change of its own.
#[test]
fn a_way_back_that_was_killed_before_its_commit_tramples_no_later_edit() {
    block_on(async {
        let crm = Mock::from_yaml(MOCK).unwrap().start(World::real()).await.unwrap();
        let (mut killed, mut edited) = (0, 0);
        for at in 1.. {
            let mut desk = desk(&crm);
            let run = begun(&mut desk, &["apply", "own", "--yes", "--reason", "a test"], 0).await;
            let undo = ["undo", &run, "--yes", "--reason", "a test"];
            let came = desk.tried_with(&[("TRUEUP_CRASH_AT", at.to_string())], &undo).await;
            if !came.killed() {
                assert_eq!(came.exit, Some(0), "{}", came.said());
                break;
            }
            killed += 1;
            let open = balances(&desk).starts_with("1 220");
            if open {
                edited += 1;
                sql(&desk, "update acct set bal = 999 where id = 2");
            }
            let runs = desk.run(&["runs", "--json"], 0).await;
            let runs: serde_json::Value = serde_json::from_str(&runs.out).unwrap();
            let newest = runs["runs"][0]["short"].as_str().unwrap().to_owned();
            desk.tried(&if newest == run { undo.to_vec() } else { vec!["resume", &newest] }).await;
            let now = balances(&desk);
            assert!(now.contains(if open { " 999 300" } else { " 200 300" }), "killed at {at}: {now}");
        }
        assert!(killed > 15 && edited > 5, "{killed} times killed, {edited} times edited");
    });
}
