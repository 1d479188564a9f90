//! The procedures that we ship, by their own test files, on all databases.

use super::servers::{block_on, mysql, postgres, root, surroundings};
use trueup::{ops, trial::bench::On};

fn run(procedure: &str, on: On) {
    let here = surroundings(&root(), &[]);
    let report = block_on(async {
        let opened = ops::project::open(&here, Some(&root().join("examples/register/trueup.yaml"))).unwrap();
        let path = root().join(format!("playbooks/register/{procedure}.test.yaml"));
        ops::test::run_file(&here, &opened, &path, &on, None).await
    });
    let report = report.unwrap_or_else(|failure| panic!("{failure:?}"));
    assert!(report.cases.len() > 5);
    assert!(report.is_good(), "{report}");
}

#[test]
fn correct_award_does_what_its_tests_say_on_sqlite() {
    run("correct-award", On::Sqlite);
}

#[test]
fn correct_award_does_what_its_tests_say_on_postgres() {
    run("correct-award", On::Postgres(postgres()));
}

#[test]
fn correct_award_does_what_its_tests_say_on_mysql() {
    run("correct-award", On::Mysql(mysql()));
}

#[test]
fn change_withdrawal_date_does_what_its_tests_say_on_sqlite() {
    run("change-withdrawal-date", On::Sqlite);
}

#[test]
fn change_withdrawal_date_does_what_its_tests_say_on_postgres() {
    run("change-withdrawal-date", On::Postgres(postgres()));
}

#[test]
fn change_withdrawal_date_does_what_its_tests_say_on_mysql() {
    run("change-withdrawal-date", On::Mysql(mysql()));
}

#[test]
fn change_training_route_does_what_its_tests_say_on_sqlite() {
    run("change-training-route", On::Sqlite);
}

#[test]
fn change_training_route_does_what_its_tests_say_on_postgres() {
    run("change-training-route", On::Postgres(postgres()));
}

#[test]
fn change_training_route_does_what_its_tests_say_on_mysql() {
    run("change-training-route", On::Mysql(mysql()));
}
