//! The procedures that we ship, by their own test files: on SQLite all of them as one who adopts them would play them, with all that
//! their cases ask for; on the servers those that change a database.

use super::{
    proof::figures::full,
    servers::{block_on, mysql, postgres, root, surroundings},
    tools::desk::{came, program},
};
use std::fs;
use trueup::{ops, trial::bench::On};

/// Of steps, branches and rows of decision tables together.
const LEAST: &str = "95%";

#[test]
fn the_library_does_what_its_tests_say_and_they_go_through_nearly_all_of_it() {
    let examples = fs::read_dir(root().join("examples")).unwrap().map(|entry| entry.unwrap().path().join("playbooks"));
    let mut folders: Vec<String> = vec!["playbooks".into()];
    let here = |path: std::path::PathBuf| path.strip_prefix(root()).unwrap().display().to_string();
    folders.extend(examples.filter(|path| path.is_dir()).map(here));
    folders.sort();
    assert!(folders.len() >= 4, "{folders:?}");
    let played = came(program(&root()).arg("test").args(&folders).args(["--min-coverage", LEAST]).output().unwrap());
    let failed: Vec<&str> =
        played.out.split("\n\n").filter(|file| file.contains("FAILED") || file.contains("gone through by")).collect();
    assert_eq!(played.exit, 0, "{}\n{}", failed.join("\n\n"), played.err);
    let cases = played.out.lines().filter(|line| line.starts_with("  ok ")).count();
    assert!(cases >= 480 && played.out.contains("killed at"), "{cases} cases\n{}", played.out);
}

/// What the gate has time for: answers that get lost, resources, workers that take jobs, and services that take no key.
const TORTURED: [&[&str]; 2] = [
    &["examples/github/playbooks", "examples/kubernetes/playbooks"],
    &["playbooks/register/retry-jobs.test.yaml", "--only", "fail again"],
];

/// Tortures, and gives what was said of it.
fn tortured(words: &[&str]) -> String {
    let played = came(program(&root()).args(["test", "--torture"]).args(words).output().unwrap());
    let failed: Vec<&str> = played.out.split("\n\n").filter(|file| file.contains("FAILED")).collect();
    assert_eq!(played.exit, 0, "{}\n{}", failed.join("\n\n"), played.err);
    for done in ["killed at", "two at once"] {
        assert!(played.out.contains(done), "{done}: {}", played.out);
    }
    played.out
}

#[test]
fn a_part_of_the_library_bears_torture() {
    let [apis, jobs] = TORTURED.map(tortured);
    assert!(apis.contains("answers lost") && apis.contains("two at once, 7 times"), "{apis}");
    assert!(jobs.contains("killed at"), "{jobs}");
}

#[test]
fn all_of_the_library_bears_torture() {
    let folders: Vec<String> =
        ["playbooks", "examples/edx/playbooks", "examples/huleedu/playbooks"].map(Into::into).into();
    let words: Vec<&str> = folders.iter().map(String::as_str).collect();
    if !full() {
        let listed = came(program(&root()).args(["test", "--list"]).args(&words).output().unwrap());
        let cases = listed.out.lines().filter(|line| line.contains(".test.yaml")).count();
        assert!(cases >= 400, "{cases}: {}", listed.out);
        println!("skipped: torture of {cases} cases of the library (twenty minutes; TRUEUP_PROOF=full makes it)");
        return;
    }
    let said = tortured(&words);
    assert!(said.contains("answers lost") && !said.contains("once in doubt"), "{said}");
}

#[test]
fn the_page_of_procedures_names_every_playbook_that_is_shipped_and_no_other() {
    let page = fs::read_to_string(root().join("docs/procedures.md")).unwrap();
    let mut names = Vec::new();
    for folder in ["playbooks/register", "examples/huleedu/playbooks/huleedu", "examples/edx/playbooks/edx"] {
        let team = folder.rsplit('/').next().unwrap();
        for path in fs::read_dir(root().join(folder)).unwrap().map(|entry| entry.unwrap().path()) {
            let file = path.file_name().unwrap().to_string_lossy().into_owned();
            let Some(name) = file.strip_suffix(".yaml").filter(|name| !name.contains('.')) else { continue };
            assert!(path.with_extension("test.yaml").is_file(), "{team}/{name} has no tests");
            assert!(page.contains(&format!("`{team}/{name}`")), "docs/procedures.md does not name `{team}/{name}`");
            names.push(format!("{team}/{name}"));
        }
    }
    assert!(names.len() >= 34, "{names:?}");
    let cells = page.split('`').skip(1).step_by(2);
    let named = cells.filter(|cell| ["register/", "huleedu/", "edx/"].iter().any(|team| cell.starts_with(team)));
    for name in named.filter(|name| **name != *"register/dqt-errors") {
        let known = names.iter().any(|known| known == name || name.starts_with(&format!("{known}.")));
        assert!(known, "docs/procedures.md names `{name}`, which is not there");
    }
}

/// The longest ones: on MariaDB they are played in a release, so that the gate ends in time. SQLite and PostgreSQL play all.
const LONG: [&str; 9] = [
    "register/correct-award",
    "register/data-change",
    "register/dttp-record-deleted",
    "register/reimport-applications",
    "register/remove-duplicates",
    "register/repair-dqt-job",
    "register/send-update-to-dqt",
    "register/send-update-to-trs",
    "register/undo-withdrawal",
];

fn run(procedure: &str, on: On) {
    if matches!(on, On::Mysql(_)) && LONG.contains(&procedure) && !full() {
        println!("skipped: {procedure} on MariaDB (one of the longest; TRUEUP_PROOF=full plays it)");
        return;
    }
    play("examples/register", &format!("playbooks/{procedure}.test.yaml"), on, 6);
}

/// At least so many cases, so that a file that lost most of them does not pass.
fn play(project: &str, tests: &str, on: On, cases: usize) {
    let here = surroundings(&root(), &[]);
    let report = block_on(async {
        let opened = ops::project::open(&here, Some(&root().join(project))).unwrap();
        let path = root().join(tests);
        // Kills and lost answers take minutes on a server: in the gate they are for SQLite, in a release for all.
        if full() {
            ops::test::run_file(&here, &opened, &path, &on, None).await
        } else {
            println!("{tests}: kills and lost answers are left out on this database; TRUEUP_PROOF=full makes them");
            ops::test::run_file_gently(&here, &opened, &path, &on).await
        }
    });
    let report = report.unwrap_or_else(|failure| panic!("{failure:?}"));
    assert!(report.cases.len() >= cases);
    assert!(report.is_good(), "{report}");
}

/// A procedure is one line here; its cases stand beside it.
macro_rules! procedures {
    ($($name:ident: $procedure:literal,)*) => { $(
        mod $name {
            use super::*;

            #[test]
            fn does_what_its_tests_say_on_postgres() {
                run($procedure, On::Postgres(postgres()));
            }

            #[test]
            fn does_what_its_tests_say_on_mysql() {
                run($procedure, On::Mysql(mysql()));
            }
        }
    )* };
}

procedures! {
    correct_award: "register/correct-award",
    change_withdrawal_date: "register/change-withdrawal-date",
    change_training_route: "register/change-training-route",
    data_change: "register/data-change",
    undo_withdrawal: "register/undo-withdrawal",
    send_update_to_dqt: "register/send-update-to-dqt",
    send_update_to_trs: "register/send-update-to-trs",
    repair_dqt_job: "register/repair-dqt-job",
    poll_for_trn: "register/poll-for-trn",
    poll_for_trn_dttp: "register/poll-for-trn-dttp",
    register_for_trn_again: "register/register-for-trn-again",
    remove_duplicates: "register/remove-duplicates",
    provider_to_lead_partner: "register/provider-to-lead-partner",
    lead_partner_from_school: "register/lead-partner-from-school",
    add_previous_trainee: "register/add-previous-trainee",
    dttp_school: "register/dttp-school",
    dttp_record_deleted: "register/dttp-record-deleted",
    reimport_applications: "register/reimport-applications",
}

const RETRY_PHASE: &str = "examples/huleedu/playbooks/huleedu/retry-phase.test.yaml";

#[test]
fn retry_phase_does_what_its_tests_say_on_postgres() {
    play("examples/huleedu", RETRY_PHASE, On::Postgres(postgres()), 30);
}

#[test]
fn retry_phase_does_what_its_tests_say_on_mysql() {
    play("examples/huleedu", RETRY_PHASE, On::Mysql(mysql()), 30);
}
