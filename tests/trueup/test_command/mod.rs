//! `trueup test`, as an author sees it: the program itself in a folder of its own, what it prints compared with
//! `test_command/*.txt` (`TRUEUP_BLESS=1` writes them anew), its exit codes, and the files it writes for machines.

mod author;

use author::{Author, compare};

const SELL: &str = "sell.test.yaml";

#[test]
fn every_case_has_a_line_and_the_end_says_how_many_passed() {
    let author = Author::new();
    let came = author.test(&["sell"]);
    assert_eq!((came.exit, came.err.as_str()), (0, ""), "{}", came.out);
    compare("passed", &came.out);
}

#[test]
fn a_failed_case_shows_what_was_expected_and_what_was_found_within_eighty_columns() {
    let author = Author::new();
    author.write("wrong.test.yaml", author::WRONG);
    let came = author.test(&["wrong.test.yaml"]);
    assert_eq!((came.exit, came.err.as_str()), (1, ""), "{}", came.out);
    let wide: Vec<&str> = came.out.lines().filter(|line| line.chars().count() > 80).collect();
    assert!(wide.is_empty(), "wider than 80 columns: {wide:#?}");
    compare("failed", &came.out);
}

#[test]
fn a_file_that_is_wrong_is_drawn_and_keeps_no_other_file_from_being_played() {
    let author = Author::new();
    author.write("broken.test.yaml", &author.read(SELL).replace("given: { shop:", "given: { shopp:"));
    let came = author.test(&[]);
    assert_eq!(came.exit, 2, "{}{}", came.out, came.err);
    assert!(came.out.contains("2 of 2 cases passed, 1 file could not be played"), "{}", came.out);
    compare("broken", &came.err);
}

#[test]
fn only_some_cases_are_played_or_named_and_a_name_that_nothing_has_is_a_mistake() {
    let author = Author::new();
    let listed = author.test(&["--list"]);
    assert_eq!(listed.exit, 0);
    let expected = "playbooks/sell.test.yaml:8: the lamp is sold\nplaybooks/sell.test.yaml:11: a lost lamp is not\n";
    assert_eq!(listed.out, expected);
    let some = author.test(&["--only", "LOST"]);
    assert!(some.exit == 0 && some.out.contains("1 of 1 case passed") && !some.out.contains("is sold"), "{}", some.out);
    let none = author.test(&["--only", "found"]);
    assert_eq!((none.exit, none.out.as_str()), (2, ""));
    compare("nothing", &[none.err, author.test(&["sel"]).err, author.test(&["empty"]).err].join("\n"));
}

#[test]
fn machines_read_the_same_as_json_and_as_junit() {
    let author = Author::new();
    author.write("wrong.test.yaml", author::WRONG);
    let came = author.test(&["--json", "--junit", "out.xml", "wrong.test.yaml", "sell"]);
    assert_eq!((came.exit, came.err.as_str()), (1, ""));
    let json: serde_json::Value = serde_json::from_str(&came.out).unwrap();
    assert_eq!((&json["passed"], &json["failed"], &json["refused"]), (&2.into(), &2.into(), &0.into()));
    let case = &json["files"][0]["cases"][0];
    assert_eq!(case["problems"][0]["expected"], "unchanged");
    assert!(case["seconds"].as_f64().unwrap() > 0.0);
    let xml = author.read_at("out.xml");
    for part in
        ["name=\"playbooks/wrong.test.yaml on sqlite\" tests=\"2\" failures=\"2\"", "tests=\"2\" failures=\"0\""]
    {
        assert!(xml.contains(part), "{part}: {xml}");
    }
}

#[test]
fn a_test_leaves_nothing_behind() {
    let author = Author::new();
    let came = author.test(&[]);
    assert_eq!(came.exit, 0);
    assert_eq!(author.left(), ["empty", "playbooks", "tables.sqlite.sql", "trueup.yaml"]);
    assert!(author.left_in_temp().is_empty(), "{:?}", author.left_in_temp());
}

#[test]
fn a_case_bears_to_be_killed_everywhere_and_a_letter_that_is_sent_twice_is_named() {
    let author = Author::new();
    let came = author.test(&["--torture", "sell"]);
    assert_eq!(came.exit, 0, "{}{}", came.out, came.err);
    assert!(came.out.contains("killed at ") && came.out.contains("two at once"), "{}", came.out);
    author.write("letter.yaml", author::LETTER);
    author.write("letter.test.yaml", author::LETTER_TESTS);
    let came = author.test(&["--torture", "letter"]);
    assert_eq!(came.exit, 1, "{}{}", came.out, came.err);
    let out: String = came.out.split_whitespace().collect::<Vec<_>>().join(" ");
    for part in [
        "killed before a request",
        "it does again: `send`",
        "somebody can find out whether step `send` was done",
        "add `probe:` (a question that tells), an `idempotency_key` on the connection, or `repeatable:`",
        "name it under `once:` in the test file",
    ] {
        assert!(out.contains(part), "{part}\n{}", came.out);
    }
    // As declared: a person is asked, and that is no failure. Another run still sends another letter.
    author.write(
        "letter.test.yaml",
        &author::LETTER_TESTS.replace("cases:", "once: { send: A letter is a letter. }\ncases:"),
    );
    let came = author.test(&["--torture", "letter"]);
    assert!(came.out.contains("in doubt as declared") && !came.out.contains("probe:` (a question"), "{}", came.out);
}

#[test]
fn what_no_case_reaches_is_named_and_too_little_of_it_fails() {
    let author = Author::new();
    author.write("sell.test.yaml", author.read(SELL).split("  - name: a lost").next().unwrap());
    let came = author.test(&["--coverage", "sell"]);
    assert_eq!(came.exit, 0, "{}{}", came.out, came.err);
    compare("covered", &came.out);
    author.write("letter.yaml", author::LETTER);
    let came = author.test(&["--min-coverage", "95%"]);
    assert_eq!(came.exit, 1, "{}{}", came.out, came.err);
    assert!(came.out.contains("letter: gone through by no case"), "{}", came.out);
    assert!(came.err.contains("`--min-coverage` asks for 95 %"), "{}", came.err);
}

#[test]
fn a_server_that_is_not_installed_is_an_error_where_it_was_asked_for_and_counted_with_all() {
    let author = Author::new();
    // The programs of a server cannot be hidden from a machine that has them: this one is started, and gone afterwards.
    let came = author.test(&["--on", "all", "sell"]);
    let skipped = came.out.contains("cases not played on");
    assert!(came.exit == 2 || skipped, "there are no tables for PostgreSQL here: {}{}", came.out, came.err);
    assert!(came.out.contains("sell.test.yaml on sqlite") && came.out.contains("2 of 2 cases passed"), "{}", came.out);
    assert!(author.left_in_temp().is_empty(), "{:?}", author.left_in_temp());
}

#[test]
fn a_test_that_is_recorded_from_a_run_passes() {
    let author = Author::new();
    author.sandbox();
    let run = author.trueup(&["apply", "sell", "id=1", "--yes", "--reason", "a test", "--actor", "anna", "--json"]);
    assert_eq!(run.exit, 0, "{}{}", run.out, run.err);
    let json: serde_json::Value = serde_json::from_str(&run.out).unwrap();
    let came = author.test(&["--record", json["id"].as_str().or(json["run"].as_str()).unwrap()]);
    assert!(came.err.contains("written: playbooks/sell.recorded.test.yaml"), "{}", came.err);
    assert_eq!(came.exit, 0, "{}\n{}", came.out, author.read("sell.recorded.test.yaml"));
    let text = author.read("sell.recorded.test.yaml");
    assert!(text.contains("state: [\"open\", \"sold\"]") && text.contains("updated_at: any"), "{text}");
}
