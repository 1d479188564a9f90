//! `trueup check --since REV`: a meaning that changed needs another version.

use super::desk::{Came, Desk, compare};
use std::process::Command;

const TEXT: &str = "trueup: v1\nname: sell\nversion: 3\ntitle: Sell a thing\nparams: { id: { type: int, description: The thing, example: 1 } }\nuses: { shop: { write: [things, audits] }, api: { methods: [GET] } }\npreconditions:\n  - id: thing\n    find: { table: shop.things, where: { id: \"{{ params.id }}\" }, expect: one }\n  - id: known\n    http: { api: api, get: \"/things/{{ thing.code }}\" }\nsteps:\n  - row: { of: thing, set: { state: sold, name: \"{{ known.body.name }}\" } }\nerrors: { use: shop-errors }\n";
const ERRORS: &str = "trueup: v1\ntable: shop-errors\ntitle: What the API answers\nerrors:\n  - { name: gone, status: 404, then: { stop: \"The thing is gone.\" } }\n  - { otherwise: stop }\n";

struct Repository(Desk);

impl Repository {
    fn new() -> Repository {
        let repository = Repository(Desk::new());
        repository.0.write("playbooks/sell.yaml", TEXT);
        repository.0.write("playbooks/shop-errors.errors.yaml", ERRORS);
        repository.git(&["init", "-q", "-b", "main"]);
        repository.git(&["add", "playbooks", "trueup.yaml"]);
        repository.git(&["commit", "-q", "-m", "first"]);
        repository.git(&["tag", "first"]);
        repository
    }

    fn git(&self, words: &[&str]) {
        let identity = ["-c", "user.name=a", "-c", "user.email=a@example", "-c", "commit.gpgsign=false"];
        let done = Command::new("git").current_dir(self.0.path(".")).args(identity).args(words).output().unwrap();
        assert!(done.status.success(), "{words:?}: {}", String::from_utf8_lossy(&done.stderr));
    }

    fn check(&self, change: impl Fn(&str) -> String) -> Came {
        self.0.write("playbooks/sell.yaml", &change(TEXT));
        self.0.run(&["check", "--since", "first"])
    }
}

#[test]
fn a_changed_meaning_without_another_version_is_drawn_at_the_version() {
    let repository = Repository::new();
    let came =
        repository.check(|text| text.replace("set: { state: sold,", "only_if: { state: open }, set: { state: sold,"));
    assert_eq!(came.exit, 2);
    compare("since.txt", &came.err);
    let grown = repository.check(|text| text.replace("state: sold", "state: lost").replace("version: 3", "version: 4"));
    assert_eq!(
        (grown.exit, &*grown.out),
        (
            0,
            "1 playbook checked, versions compared with first: no errors.\n\
             Tables and columns were not compared with a database; `--env NAME` does that.\n"
        ),
        "{}",
        grown.err
    );
    let older = repository.check(|text| text.replace("version: 3", "version: 2"));
    assert!(
        older.exit == 2 && older.err.contains("E0702") && older.err.contains("write `version: 4`"),
        "{}",
        older.err
    );
}

#[test]
fn words_for_people_and_new_playbooks_need_no_other_version() {
    let repository = Repository::new();
    repository.0.write("playbooks/other.yaml", &TEXT.replace("name: sell", "name: other"));
    let came = repository.check(|text| {
        format!("# new words\n{}", text.replace("Sell a thing", "A thing is sold").replace("example: 1", "example: 7"))
    });
    assert_eq!((came.exit, &*came.err), (0, ""));
}

#[test]
fn a_shared_errors_table_is_part_of_the_meaning_of_those_that_use_it() {
    let repository = Repository::new();
    repository.0.write("playbooks/shop-errors.errors.yaml", &ERRORS.replace("404", "410"));
    let came = repository.check(str::to_owned);
    assert!(
        came.exit == 2 && came.err.contains("E0701") && came.err.contains("changed: `shop-errors`"),
        "{}",
        came.err
    );
    repository.0.write("playbooks/shop-errors.errors.yaml", &ERRORS.replace("What the API answers", "Answers"));
    assert_eq!(repository.check(str::to_owned).exit, 0);
}

#[test]
fn a_revision_that_nobody_knows_and_a_folder_without_git_are_said_plainly() {
    let repository = Repository::new();
    let came = repository.0.run(&["check", "--since", "--output=x"]);
    let unknown = repository.0.run(&["check", "--since", "mian"]);
    assert_eq!((came.exit, unknown.exit), (2, 2));
    assert!(!repository.0.path("x").exists());
    let bare = Desk::new();
    bare.write("playbooks/sell.yaml", TEXT);
    let outside = bare.command(&["check", "--since", "main"]).env("GIT_CEILING_DIRECTORIES", "/").output().unwrap();
    let said = String::from_utf8(outside.stderr)
        .unwrap()
        .replace(&*bare.path("").canonicalize().unwrap().to_string_lossy(), "/desk");
    compare("since-unknown.txt", &format!("{}{said}", unknown.err));
}
