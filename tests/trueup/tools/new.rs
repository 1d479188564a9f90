//! `trueup new`: what it writes has no problem and no advice, its test is green, and nothing is ever overwritten.

use super::{
    super::servers::{block_on, root},
    desk::{Desk, came, compare, program},
};
use std::{io::Write, process::Stdio};
use trueup::connection::sandbox;

#[test]
fn a_first_playbook_and_its_test_are_written_checked_and_green() {
    let desk = Desk::new();
    let words = ["new", "shop/rename", "--table", "shop.things", "--set", "name", "--set", "state", "--owner", "clerk"];
    let came = desk.run(&words);
    assert_eq!((came.exit, &*came.err), (0, ""), "{}", came.out);
    let took = regex::Regex::new(r"(?m) +\d+(?:\.\d+)? m?s$").unwrap();
    compare("new.txt", &took.replace_all(&came.out, " (time)"));
    compare("new.yaml", &desk.read("playbooks/shop/rename.yaml"));
    compare("new.test.yaml", &desk.read("playbooks/shop/rename.test.yaml"));
    compare("new.tables.sql", &desk.read("tables.sqlite.sql"));
    let lint = desk.run(&["lint", "--strict"]);
    assert_eq!((lint.exit, &*lint.err), (0, ""));
    assert_eq!(desk.run(&["fmt", "--check"]).exit, 0);
    let fixed = desk.run(&["fix", "--uses", "--check"]);
    assert_eq!(fixed.exit, 0, "{}", fixed.out);
    let test = desk.run(&["test", "shop/rename"]);
    assert!(test.exit == 0 && test.out.contains("3 of 3 cases passed"), "{}{}", test.out, test.err);
    let again = desk.run(&words);
    assert_eq!((again.exit, &*again.out), (2, ""));
    assert_eq!(
        again.err,
        "error: `playbooks/shop/rename.yaml` is there already; nothing was written\n  help: choose another name, or edit that file\n"
    );
}

#[test]
fn every_column_that_can_be_changed_gives_a_green_test() {
    let desk = Desk::new();
    for column in ["code", "name", "price", "keeper", "sold_on", "shelf_id", "state"] {
        let came =
            desk.run(&["new", &format!("set-{}", column.replace('_', "-")), "--table", "shop.things", "--set", column]);
        assert_eq!((came.exit, &*came.err), (0, ""), "{column}: {}", came.out);
    }
    let lint = desk.run(&["lint", "--strict"]);
    assert_eq!((lint.exit, &*lint.err), (0, ""));
}

#[test]
fn what_cannot_be_written_is_said_with_what_could() {
    let desk = Desk::new();
    let tries: [&[&str]; 8] = [
        &["new", "Shop/Rename", "--table", "shop.things", "--set", "name"],
        &["new", "a"],
        &["new", "a", "--table", "shop.thing", "--set", "name"],
        &["new", "a", "--table", "shop.things"],
        &["new", "a", "--table", "shop.things", "--set", "nmae"],
        &["new", "a", "--table", "shop.things", "--set", "updated_at"],
        &["new", "a", "--table", "shop.things", "--set", "name", "--by", "name"],
        &["new", "a", "--table", "shop.things", "--set", "name", "--owner", "clrek"],
    ];
    let mut said = String::new();
    for words in tries {
        let came = desk.run(words);
        assert_eq!((came.exit, &*came.out), (2, ""), "{words:?}");
        said.push_str(&format!("$ trueup {}\n{}\n", words.join(" "), came.err));
    }
    compare("new-refused.txt", &said);
    assert!(!desk.path("playbooks").exists() && !desk.path("tables.sqlite.sql").exists());
}

#[test]
fn on_a_terminal_it_asks_for_what_is_not_given() {
    let desk = Desk::new();
    let command = format!("{} new shop/sell --title 'Sell a thing'", env!("CARGO_BIN_EXE_trueup"));
    // `script` gives the program a terminal.
    let mut child = std::process::Command::new("script")
        .args(["-qec", &command, "/dev/null"])
        .current_dir(desk.path("."))
        .env("COLUMNS", "80")
        .env("LANG", "C.UTF-8")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    // Table by number, the column by name after a slip, the usual column for the row, the second person, the usual risk.
    child.stdin.take().unwrap().write_all(b"1\n\nstaet\nstate\n2\n\n").unwrap();
    let came = came(child.wait_with_output().unwrap());
    assert_eq!(came.exit, 0, "{}", came.out);
    for asked in ["Which table does it change?", "By which column", "did you mean `state`?", "Who looks after it?"] {
        assert!(came.out.contains(asked), "{asked}: {}", came.out);
    }
    let text = desk.read("playbooks/shop/sell.yaml");
    assert!(
        text.contains("title: Sell a thing")
            && text.contains("owner: boss")
            && text.contains("type: shop.things.state"),
        "{text}"
    );
}

#[test]
fn a_table_of_a_real_service_gets_a_green_test_with_the_rows_that_it_stands_on() {
    let folder = tempfile::tempdir().unwrap();
    let example = root().join("examples/register");
    for name in ["trueup.yaml", "dqt.mock.yaml", "tables.sqlite.sql", "rows.sql"] {
        std::fs::copy(example.join(name), folder.path().join(name)).unwrap();
    }
    let project = std::fs::read_to_string(example.join("trueup.yaml")).unwrap();
    std::fs::write(folder.path().join("trueup.yaml"), project.replace("../../playbooks/", "playbooks/")).unwrap();
    std::fs::create_dir(folder.path().join(".trueup")).unwrap();
    let (tables, rows): (String, String) =
        ["tables.sqlite.sql", "rows.sql"].map(|name| std::fs::read_to_string(example.join(name)).unwrap()).into();
    block_on(sandbox::sqlite(&folder.path().join(".trueup/register.db"), &[&tables, &rows])).unwrap();
    let words = ["new", "register/change-study-mode", "--table", "register.trainees", "--set", "study_mode"];
    let done = came(program(folder.path()).args(words).output().unwrap());
    assert_eq!((done.exit, &*done.err), (0, ""), "{}", done.out);
    let lint = came(program(folder.path()).args(["lint", "--strict"]).output().unwrap());
    assert_eq!((lint.exit, &*lint.err), (0, ""));
}
