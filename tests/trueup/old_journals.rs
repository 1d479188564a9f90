//! Journals that earlier versions wrote: `tests/journals/format-1.db`, `format-2/` and `format-3/`, each made by really running that version, with its
//! key (T25). They open, hold, are shown, what was left open in them goes on, and what was done by them is taken back.

use super::servers::block_on;
use std::{
    fs,
    os::unix::fs::PermissionsExt,
    path::Path,
    process::{Command, Output},
};
use trueup::ops;

/// The run of format 1 that waits for an answer, and the one that is closed.
const WAITS: &str = "9879ce56";
const CLOSED: &str = "00099299";

/// The sandbox in which the journal was made, with the old journal in it.
fn sandbox(format: &str) -> tempfile::TempDir {
    let home = tempfile::tempdir().unwrap();
    let mut surroundings = ops::Surroundings::of_process();
    surroundings.folder = home.path().to_owned();
    block_on(async {
        ops::sandbox::build(&surroundings, &ops::sandbox::REGISTER, Path::new("sandbox"), "test").await.unwrap()
    });
    let recorded = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/journals");
    for (from, to) in [("db", "journal.db"), ("seal.key", "seal.key")] {
        let to = home.path().join("sandbox/.trueup").join(to);
        fs::copy(recorded.join(format!("{format}.{from}")), &to).unwrap();
        fs::set_permissions(&to, fs::Permissions::from_mode(0o600)).unwrap();
    }
    home
}

fn trueup(home: &tempfile::TempDir, words: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_trueup"));
    command.args(words).current_dir(home.path().join("sandbox")).env("TRUEUP_ACTOR", "bob").output().unwrap()
}

fn told(output: &Output) -> String {
    format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr))
}

#[test]
fn a_journal_of_format_1_is_brought_up_with_a_word_about_it_and_holds() {
    let home = sandbox("format-1");
    let first = trueup(&home, &["audit", "verify"]);
    let said = told(&first);
    assert!(first.status.success() && said.contains("Everything is as it was written."), "{said}");
    assert!(said.contains("2 runs and 43 events"), "{said}");
    assert!(said.contains("had format 1 and was brought to format 4"), "{said}");
    let second = told(&trueup(&home, &["runs"]));
    assert!(second.contains(WAITS) && second.contains(CLOSED) && !second.contains("format"), "{second}");
}

#[test]
fn runs_of_format_1_are_shown_with_what_was_sealed_in_them() {
    let home = sandbox("format-1");
    let shown = told(&trueup(&home, &["show", CLOSED]));
    for part in ["register/change-withdrawal-date", "Zendesk 4713", "anna", "2024-03-03"] {
        assert!(shown.contains(part), "{part}: {shown}");
    }
    assert!(told(&trueup(&home, &["inbox"])).contains("dqt_agreed"));
}

#[test]
fn a_run_of_format_1_that_waits_goes_on_after_its_answer() {
    let home = sandbox("format-1");
    let answered = trueup(&home, &["answer", WAITS, "dqt_agreed", "--set", "ticket=DQT-20713"]);
    let said = told(&answered);
    assert!(answered.status.success(), "{said}");
    let shown = told(&trueup(&home, &["show", WAITS]));
    assert!(shown.contains("changed") && shown.contains("bob"), "{shown}");
    let verified = told(&trueup(&home, &["audit", "verify"]));
    assert!(verified.contains("Everything is as it was written."), "{verified}");
}

#[test]
fn what_a_run_of_format_1_recorded_can_be_purged() {
    let home = sandbox("format-1");
    let purged = trueup(&home, &["audit", "purge", "--older-than", "0s", "--yes"]);
    let said = told(&purged);
    assert!(purged.status.success() && said.contains(CLOSED) && !said.contains(WAITS), "{said}");
    let shown = told(&trueup(&home, &["show", CLOSED]));
    assert!(shown.contains("was removed by `trueup audit purge`") && shown.contains("Zendesk 4713"), "{shown}");
    let undo = trueup(&home, &["undo", CLOSED, "--reason", "wrong"]);
    assert!(!undo.status.success() && told(&undo).contains("`trueup audit purge`"), "{}", told(&undo));
    assert!(told(&trueup(&home, &["audit", "verify"])).contains("Everything is as it was written."));
}

/// The project in which the journal of format 2 was recorded (at 44c5f94^), as its runs left it: 28 runs, of one record and of many, on a database and
/// on an API, closed, undone, waiting, cancelled, and nine that were killed.
fn recorded() -> tempfile::TempDir {
    let texts =
        ["trueup.yaml", "tickets.mock.yaml", "rename.yaml", "sure.yaml", "open.yaml", "notice.yaml", "ticket.yaml"];
    project("format-2", &texts)
}

fn project(format: &str, texts: &[&str]) -> tempfile::TempDir {
    let home = tempfile::tempdir().unwrap();
    let from = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/journals").join(format);
    let to = home.path().join("sandbox");
    fs::create_dir_all(to.join(".trueup")).unwrap();
    for file in texts {
        fs::copy(from.join(file), to.join(file)).unwrap();
    }
    for file in ["journal.db", "seal.key"] {
        let to = to.join(".trueup").join(file);
        fs::copy(from.join(file), &to).unwrap();
        fs::set_permissions(&to, fs::Permissions::from_mode(0o600)).unwrap();
    }
    sql(&home, &fs::read_to_string(from.join("shop.sql")).unwrap());
    home
}

fn sql(home: &tempfile::TempDir, sql: &str) -> String {
    in_file(home, "shop.db", sql)
}

fn in_file(home: &tempfile::TempDir, file: &str, sql: &str) -> String {
    let output = Command::new("sqlite3").arg(home.path().join("sandbox").join(file)).arg(sql).output().unwrap();
    assert!(output.status.success(), "{}", told(&output));
    String::from_utf8(output.stdout).unwrap().trim().to_owned()
}

/// `1:0 2:1`: state and how often it was counted up, of these things.
fn things(home: &tempfile::TempDir, which: &str) -> String {
    sql(
        home,
        &format!(
            "select group_concat(state || ':' || count, ' ') from (select * from things where {which} order by id)"
        ),
    )
}

#[test]
fn a_journal_of_format_2_is_brought_up_and_each_of_its_runs_is_shown() {
    let home = recorded();
    let said = told(&trueup(&home, &["audit", "verify"]));
    for part in
        ["Everything is as it was written.", "28 runs and 432 events", "had format 2 and was brought to format 4"]
    {
        assert!(said.contains(part), "{part}: {said}");
    }
    let runs = trueup(&home, &["runs", "--limit", "50", "--json"]);
    let runs: serde_json::Value = serde_json::from_slice(&runs.stdout).unwrap();
    let runs = runs["runs"].as_array().unwrap();
    assert_eq!(runs.len(), 28);
    let mut ends = std::collections::BTreeMap::new();
    for run in runs {
        let short = run["short"].as_str().unwrap();
        let shown = trueup(&home, &["show", short]);
        assert!(shown.status.success() && told(&shown).contains(short), "{}", told(&shown));
        *ends.entry(run["state"].as_str().unwrap_or_default()).or_insert(0) += 1;
    }
    assert!(ends.values().sum::<i32>() == 28 && ends["running"] == 9 && ends["waiting"] == 3, "{ends:?}");
    let shown = told(&trueup(&home, &["show", "b467d364"]));
    for part in ["Zendesk 4712", "anna", "desk-2", "(personal)"] {
        assert!(shown.contains(part), "{part}: {shown}");
    }
    assert!(!shown.contains("x.example"), "{shown}");
}

#[test]
fn what_runs_of_format_2_left_open_goes_on_and_what_they_did_is_taken_back() {
    let home = recorded();
    let does = |words: &[&str], exit: i32, part: &str| {
        let output = trueup(&home, words);
        let said = told(&output).split_whitespace().collect::<Vec<_>>().join(" ");
        assert!(
            output.status.code() == Some(exit) && said.contains(part),
            "{words:?}: {:?} {said}",
            output.status.code()
        );
    };
    // Killed before, between and after two requests, and between a question and what is told: each goes on to its end.
    for run in ["d2567d34", "f4f266e7", "e2d00544", "268d1519"] {
        does(&["resume", run], 0, "changed and verified");
    }
    does(&["answer", "20cd7de3", "sure", "--set", "yes=true"], 0, "changed and verified");
    // What was done before is taken back: by the requests that the journal says, with what was sealed in it.
    does(&["undo", "9817d038", "--yes", "--reason", "wrong"], 0, "Done");
    does(&["show", "9817d038"], 0, "taken back by run");
    // The file of the database is not the one that these runs were planned against: none of them writes here, as they did not then.
    let before = things(&home, "1 = 1");
    for run in ["ea208227", "23c1dadb", "44b9f0f0"] {
        let output = trueup(&home, &["resume", run]);
        let said = told(&output).split_whitespace().collect::<Vec<_>>().join(" ");
        assert!(
            !output.status.success() && said.contains("was planned against the file /tmp/rec/shop.db"),
            "{run}: {said}"
        );
    }
    does(&["answer", "d30c3bdd", "agreed", "--set", "yes=true"], 4, "was planned against the file /tmp/rec/shop.db");
    does(&["undo", "b6675835", "--yes", "--reason", "wrong"], 2, "is not the database that run b6675835 changed");
    does(&["cancel", "5dc50f72", "--reason", "nobody needs it"], 0, "5dc50f72");
    assert_eq!(things(&home, "1 = 1"), before);
    does(&["audit", "verify"], 0, "Everything is as it was written.");
}

/// The project in which the journal of format 3 was recorded (at 14cf3cf3): forty tickets opened at an API, twice cut off in the middle of that; rows that were
/// healed; a schedule that looked once and was paused.
#[test]
fn what_format_3_left_goes_on_beside_what_is_stored_compressed() {
    let home = project("format-3", &["trueup.yaml", "tickets.mock.yaml", "tickets.yaml", "open.yaml", "people.csv"]);
    let does = |words: &[&str], exit: i32, parts: &[&str]| {
        let output = trueup(&home, words);
        let said = told(&output).split_whitespace().collect::<Vec<_>>().join(" ");
        let all = parts.iter().all(|part| said.contains(part));
        assert!(output.status.code() == Some(exit) && all, "{words:?}: {:?} {said}", output.status.code());
    };
    let holds = "Everything is as it was written.";
    does(&["audit", "verify"], 0, &[holds, "5 runs and 350 events", "had format 3 and was brought to format 4"]);
    let compressed = || {
        let count = "select count(*) from payloads where hex(substr(bytes, 1, 1)) ";
        let of =
            |which: &str| in_file(&home, ".trueup/journal.db", &format!("{count} {which}")).parse::<u32>().unwrap();
        (of("= '04'"), of("= '7B' and length(bytes) > 2048"))
    };
    let (none, large) = compressed();
    assert!(none == 0 && large > 0, "{none} {large}");
    does(&["schedule", "list"], 0, &["paused by anna", "the lamps first", "clean run 00d77be0"]);
    for run in ["d4d23178", "1b1e8b7e"] {
        does(&["resume", run], 0, &["40 of 40 items"]);
        does(&["show", run, "--item", "40"], 0, &["opened"]);
    }
    does(&["undo", "4fbf221a", "--yes", "--reason", "no lamp is broken"], 0, &["40"]);
    does(&["show", "4fbf221a", "--item", "7"], 0, &["opened"]);
    // Rows that go in a set: its images are large.
    let to = "update things set state = 0 where id > 3";
    sql(&home, to);
    does(&["reconcile", "open", "--env", "test", "--heal", "--yes", "--reason", "again"], 0, &["27"]);
    let (new, still) = compressed();
    assert!(new > 3 && still == large, "{new} {still} {large}");
    does(&["audit", "verify"], 0, &[holds]);
    let last = in_file(&home, ".trueup/journal.db", "select short from runs order by started_at desc limit 1");
    does(&["undo", &last, "--yes", "--reason", "they are not"], 0, &["27"]);
    assert_eq!(things(&home, "id in (3, 4)"), "1:1 0:1");
}
