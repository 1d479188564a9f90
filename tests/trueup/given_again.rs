//! A secret parameter is kept nowhere: who goes on with its run gives it again, and no other value.

use crate::{
    hidden::{Desk, flat},
    proof::process::Came,
    servers::block_on,
};
use std::process::Command;

const PROJECT: &str =
    "connections: { shop: { sqlite: { path: shop.db }, tables: { things: { key: id, audit: false } } } }\n";

const TOKEN: &str =
    "params: { token: { type: string, secret: true, pattern: \"[a-z]{3,60}\" }, n: { type: int, default: 1 } }
uses: { shop: { read: [things], write: [things] } }
preconditions:
- { id: row, find: { table: shop.things, where: { id: 1 }, expect: one } }
steps:
- { id: one, row: { of: row, set: { n: \"{{ row.n + params.n }}\" } } }
- { id: two, row: { table: shop.things, key: { id: 2 }, set: { v: \"{{ params.token }}\" } } }
- { id: three, row: { table: shop.things, key: { id: 3 }, set: { n: 7 } } }
";

/// A word that stands nowhere else.
const SECRET: &str = "qwzxjvkqzwy";

fn sqlite(desk: &Desk, sql: &str) -> String {
    let came = Command::new("sqlite3").arg(desk.folder.path().join("shop.db")).arg(sql).output().unwrap();
    assert!(came.status.success(), "{}", String::from_utf8_lossy(&came.stderr));
    String::from_utf8(came.stdout).unwrap().trim().replace('\n', "; ")
}

/// A run that was killed behind its first change.
async fn killed() -> (Desk, String) {
    let mut desk = Desk::new(PROJECT, &[("SECRET", SECRET), ("OTHER", "another"), ("ODD", "1-2-3")], &[("tok", TOKEN)]);
    sqlite(&desk, "create table things (id integer primary key, n integer, v text)");
    sqlite(&desk, "insert into things values (1, 1, ''), (2, 1, ''), (3, 1, '')");
    let apply = ["apply", "tok", "--param-from-env", "token=SECRET", "--yes", "--reason", "a test"];
    for moment in 1..40 {
        sqlite(&desk, "update things set n = 1, v = ''");
        let came = desk.tried_with(&[("TRUEUP_CRASH_AT", moment.to_string())], &apply).await;
        assert_eq!(came.exit, None, "killed: {}", came.said());
        if sqlite(&desk, "select n from things where id = 1") == "2" {
            let run = desk.last_run().await;
            return (desk, run);
        }
    }
    panic!("no moment behind the first change");
}

const ROWS: &str = "select id, n, v from things order by id";

#[test]
fn who_goes_on_with_a_run_gives_its_secret_parameters_again() {
    block_on(async {
        let (mut desk, run) = killed().await;
        let said = |came: Came| flat(&came.said());
        for (given, why) in [
            ("token=OTHER", "this is not the `token` with which run"),
            ("tokn=SECRET", "has no parameter `tokn`"),
            ("token=ODD", "token: its value does not match the pattern [a-z]{3,60}"),
            ("n=OTHER", "`n` cannot be given again: it is no secret"),
            (
                "token=NONE",
                "the environment variable `NONE`, from which `token` comes, is not set help: set it for this command",
            ),
        ] {
            let came = said(desk.run(&["resume", &run, "--param-from-env", given], 2).await);
            assert!(came.contains(why), "{given}: {came}");
        }
        assert_eq!(sqlite(&desk, ROWS), "1|2|; 2|1|; 3|1|");
        let came = said(desk.run(&["resume", &run, "--param-from-env", "token=SECRET"], 0).await);
        assert!(came.contains("Done") && !came.contains("went on without"), "{came}");
        assert_eq!(sqlite(&desk, ROWS), format!("1|2|; 2|1|{SECRET}; 3|7|"));
        assert!(!desk.all().contains(SECRET));

        // Without it the run does what needs none of it, and says how the rest is done.
        let (mut desk, run) = killed().await;
        let came = said(desk.run(&["resume", &run], 1).await);
        assert!(came.contains("A value that it writes is not known (secret)"), "{came}");
        let next = format!("`trueup retry {} --param-from-env token=VARIABLE --reason …`", &run[run.len() - 8..]);
        assert!(came.contains(&next), "{came}");
        let came = said(desk.run(&["retry", &run, "--reason", "once more"], 1).await);
        assert!(came.contains(&next), "{came}");
        let retry = ["retry", &run, "--reason", "with the token", "--param-from-env"];
        let came = said(desk.run(&[&retry[..], &["token=OTHER"]].concat(), 2).await);
        assert!(came.contains("this is not the `token`"), "{came}");
        desk.run(&[&retry[..], &["token=SECRET"]].concat(), 0).await;
        assert_eq!(sqlite(&desk, ROWS), format!("1|2|; 2|1|{SECRET}; 3|7|"));
        desk.run(&["undo", &run, "--yes", "--reason", "a test"], 0).await;
        assert_eq!(sqlite(&desk, ROWS), "1|1|; 2|1|; 3|1|");
        assert!(!desk.all().contains(SECRET));
    });
}
