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
