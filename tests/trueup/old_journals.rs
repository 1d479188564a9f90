//! Journals that earlier versions wrote: `tests/journals/format-N.db`, each made by really running that version, with its
//! key. They open, hold, are shown, and what was left open in them goes on.

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
    assert!(said.contains("had format 1 and was brought to format 3"), "{said}");
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
