//! `trueup check` of test files: what is wrong with them, without playing them.

use super::desk::Desk;

const PLAYBOOK: &str = "trueup: v1\nname: sell\nversion: 1\ntitle: Sell a thing\nparams: { code: { type: string } }\nuses: { shop: { read: [things] } }\npreconditions:\n  - find: { table: shop.things, where: { code: \"{{ params.code }}\" } }\nsteps: []\n";
const TEST: &str = "trueup: v1\nplaybook: sell\nclock: 2025-07-23T10:00:00Z\ndefaults: { params: { code: a } }\ncases:\n  - name: one\n    expect: { outcome: stopped }\n  - name: no such parameter\n    params: { colour: red }\n    expect: { invalid: { param: colour } }\n";

fn desk(test: &str) -> Desk {
    let desk = Desk::new();
    desk.write("playbooks/sell.yaml", PLAYBOOK);
    desk.write("playbooks/sell.test.yaml", test);
    desk
}

#[test]
fn a_sound_test_file_is_counted_with_the_playbooks() {
    let desk = desk(TEST);
    for (words, said) in [
        (
            &["check", "--env", "test"][..],
            "1 playbook and 1 test file checked, also against the databases of test: no errors.\n",
        ),
        (&["check", "playbooks/sell.test.yaml"], "1 test file checked: no errors.\n"),
    ] {
        let came = desk.run(words);
        assert_eq!((came.exit, &*came.out, &*came.err), (0, said, ""), "{words:?}");
    }
}

#[test]
fn a_check_that_asked_no_database_says_so() {
    let desk = desk(TEST);
    let wrong = PLAYBOOK.replace("where: { code:", "where: { cod:");
    desk.write("playbooks/sell.yaml", &wrong);
    let unasked = "Tables and columns were not compared with a database; `--env NAME` does that.\n";
    let came = desk.run(&["check", "sell"]);
    assert_eq!((came.exit, came.out), (0, format!("1 playbook checked: no errors.\n{unasked}")), "{}", came.err);
    // Each entry of the document is a problem, so it stands beside it.
    for form in ["--json", "--sarif"] {
        let came = desk.run(&["check", "sell", form]);
        assert_eq!((came.exit, &*came.err), (0, unasked), "{}", came.out);
    }
    let asked = desk.run(&["check", "sell", "--env", "test", "--json"]);
    assert!(asked.exit == 2 && asked.out.contains("has no column `cod`") && asked.err.is_empty(), "{asked:?}");
    // Where there is no database, nothing was left out.
    let project = desk.read("trueup.yaml");
    let (head, rest) = project.split_once("  shop:\n").unwrap();
    let (_, api) = rest.split_once("  api:\n").unwrap();
    let (api, _) = api.split_once("audits:").unwrap();
    desk.write("trueup.yaml", &format!("{head}  api:\n{api}"));
    desk.write(
        "playbooks/sell.yaml",
        "trueup: v1\nname: sell\nversion: 1\ntitle: Sell\nsteps:\n  - tell: { who: clerk, message: Sell it. }\n",
    );
    assert_eq!(desk.run(&["check", "sell"]).out, "1 playbook checked: no errors.\n");
}

#[test]
fn lint_looks_at_test_files_and_fmt_says_that_it_does_not() {
    let sound = desk(TEST);
    assert_eq!(sound.run(&["lint", "playbooks/sell.test.yaml"]).out, "1 test file looked through: nothing to say.\n");
    // What `fmt` leaves alone is said where it was named.
    assert_eq!(sound.run(&["fmt"]).err, "");
    for (words, files) in [(&["fmt", "playbooks"][..], "1 file"), (&["fmt", "playbooks/sell.test.yaml"], "0 files")] {
        let came = sound.run(words);
        let said = format!("{files}: nothing to do.\n");
        assert_eq!((came.exit, came.out), (0, said), "{words:?}");
        assert_eq!(came.err, "1 test file is left as it is: its data is aligned by hand\n", "{words:?}");
    }
    let broken = desk(&TEST.replace("code: a", "cod: a")).run(&["lint"]);
    assert!(broken.exit == 2 && broken.err.contains("`sell` has no parameter `cod`"), "{}", broken.err);
}

#[test]
fn what_is_wrong_with_a_test_is_told_with_its_line_and_what_was_meant() {
    let desk = desk(
        &TEST
            .replace("code: a", "cod: a")
            .replace("{ outcome: stopped }", "{ outcome: stopped, told: { clrek: x } }")
            .replace("invalid: { param: colour }", "outcome: stopped"),
    );
    for words in [&["check"][..], &["check", "playbooks/sell.test.yaml"]] {
        let came = desk.run(words);
        assert_eq!(came.exit, 2, "{came:?}");
        for part in [
            "error[E0104]: `sell` has no parameter `cod`\n --> playbooks/sell.test.yaml:4:23",
            "help: did you mean `code`?",
            "error[E0104]: the project file has no person `clrek`\n --> playbooks/sell.test.yaml:7:",
            "error[E0104]: `sell` has no parameter `colour`\n --> playbooks/sell.test.yaml:9:15",
            "3 errors in playbooks/sell.test.yaml",
        ] {
            assert!(came.err.contains(part), "{part}\n{}", came.err);
        }
    }
}

#[test]
fn a_key_or_a_playbook_that_is_not_there_is_named() {
    let keys = desk(&TEST.replace("expect: { outcome", "expct: { outcome")).run(&["check", "playbooks/sell.test.yaml"]);
    assert_eq!(keys.exit, 2);
    assert!(
        keys.err.contains("a case has no key `expct`") && keys.err.contains("did you mean `expect`?"),
        "{}",
        keys.err
    );
    let other = desk(&TEST.replace("playbook: sell", "playbook: sel")).run(&["check"]);
    assert_eq!(other.exit, 2);
    let said = "error[E0104]: there is no playbook `sel`\n --> playbooks/sell.test.yaml:2:11";
    assert!(other.err.contains(said) && other.err.contains("did you mean `sell`?"), "{}", other.err);
    let table =
        desk("trueup: v1\ntable: dqt\ncases:\n  - { name: a, error: b, expect: { row: none } }\n").run(&["check"]);
    assert!(table.exit == 2 && table.err.contains("there is no errors table `dqt`"), "{}", table.err);
}
