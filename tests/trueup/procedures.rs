//! The procedures that we ship, by their own test files, on all databases.

use super::{
    proof::figures::full,
    servers::{block_on, mysql, postgres, root, surroundings},
};
use trueup::{ops, trial::bench::On};

fn run(procedure: &str, on: On) {
    play("examples/register", &format!("playbooks/{procedure}.test.yaml"), on, 6);
}

/// At least so many cases, so that a file that lost most of them does not pass.
fn play(project: &str, tests: &str, on: On, cases: usize) {
    let here = surroundings(&root(), &[]);
    let report = block_on(async {
        let opened = ops::project::open(&here, Some(&root().join(project))).unwrap();
        let path = root().join(tests);
        // Kills and lost answers take minutes on a server: in the gate they are for SQLite, in a release for all.
        if matches!(on, On::Sqlite) || full() {
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
            fn does_what_its_tests_say_on_sqlite() {
                run($procedure, On::Sqlite);
            }

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
    repair_dqt_job: "register/repair-dqt-job",
    poll_for_trn: "register/poll-for-trn",
    poll_for_trn_dttp: "register/poll-for-trn-dttp",
    register_for_trn_again: "register/register-for-trn-again",
    remove_duplicates: "register/remove-duplicates",
    placement_detail: "register/placement-detail",
    provider_to_lead_partner: "register/provider-to-lead-partner",
    lead_partner_from_school: "register/lead-partner-from-school",
    add_previous_trainee: "register/add-previous-trainee",
    dttp_school: "register/dttp-school",
    dttp_record_deleted: "register/dttp-record-deleted",
    reimport_applications: "register/reimport-applications",
}

/// Procedures that only look: few cases, and nothing that a database could see in another way.
#[test]
fn what_only_looks_at_jobs_does_what_its_tests_say() {
    for (procedure, cases) in [("tally-jobs", 4), ("inspect-jobs", 4), ("list-dead-jobs", 3)] {
        play("examples/register", &format!("playbooks/register/{procedure}.test.yaml"), On::Sqlite, cases);
    }
}

/// Where the service does not speak to DQT any more, as in production since July 2025.
#[test]
fn without_dqt_nobody_enqueues_a_job_that_does_nothing() {
    for (procedure, cases) in
        [("send-update-to-dqt", 1), ("repair-dqt-job", 1), ("poll-for-trn", 1), ("register-for-trn-again", 1)]
    {
        play("examples/register", &format!("playbooks/register/{procedure}.production.test.yaml"), On::Sqlite, cases);
    }
}

/// Procedures that touch no database: one kind of it is enough.
#[test]
fn change_setting_does_what_its_tests_say() {
    run("register/change-setting", On::Sqlite);
}

#[test]
fn retry_jobs_does_what_its_tests_say() {
    run("register/retry-jobs", On::Sqlite);
    play("examples/register", "playbooks/register/retry-jobs.production.test.yaml", On::Sqlite, 2);
}

#[test]
fn switch_analytics_does_what_its_tests_say() {
    run("register/switch-analytics", On::Sqlite);
}

#[test]
fn a_reason_that_the_service_does_not_take_is_refused() {
    play("examples/huleedu", "examples/huleedu/playbooks/huleedu/retry-phase.reason.test.yaml", On::Sqlite, 1);
}

#[test]
fn maintenance_mode_does_what_its_tests_say() {
    run("register/maintenance-mode", On::Sqlite);
}

const RETRY_PHASE: &str = "examples/huleedu/playbooks/huleedu/retry-phase.test.yaml";

#[test]
fn retry_phase_does_what_its_tests_say_on_sqlite() {
    play("examples/huleedu", RETRY_PHASE, On::Sqlite, 30);
}

#[test]
fn retry_phase_does_what_its_tests_say_on_postgres() {
    play("examples/huleedu", RETRY_PHASE, On::Postgres(postgres()), 30);
}

#[test]
fn retry_phase_does_what_its_tests_say_on_mysql() {
    play("examples/huleedu", RETRY_PHASE, On::Mysql(mysql()), 30);
}
