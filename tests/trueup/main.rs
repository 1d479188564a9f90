//! Tests of the whole, one binary: each module is one subject.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "helpers of tests"
)]

mod again;
mod along;
mod another_service;
mod approvals;
mod bad_world;
mod bombs;
mod bounds;
mod canary;
mod calls;
mod cases;
mod check_cases;
mod compared;
mod copies;
mod cut_off;
mod direction;
mod docs;
mod edx;
mod elsewhere;
mod errors_table;
mod examples;
mod flow;
mod full_stdout;
mod generated;
mod given_again;
mod handed;
mod hidden;
mod injection;
mod jobs;
mod json_kept;
mod late_commit;
mod ledger;
mod lifecycle;
mod live_check;
mod many;
mod messages;
mod mutants;
mod nightly;
mod nightly_clock;
mod nightly_done;
mod nightly_heals;
mod nightly_left;
mod nightly_report;
mod nightly_told;
mod not_as_it_seems;
mod old_journals;
mod pace;
mod people;
mod places;
mod plans;
mod previews;
mod previews_told;
mod procedures;
mod programs;
mod programs_kept;
mod proof;
mod recovery;
mod restore_points;
mod restored;
mod restored_live;
mod sandboxes;
mod requests;
mod schemas;
mod servers;
mod sets;
mod sets_apart;
mod sets_calls;
mod sets_journal;
mod sets_own;
mod shipped;
mod test_command;
mod tools;
mod traced;
mod transactions;
mod turns;
mod tutorial;
mod undo;
mod undo_chain;
mod undo_many;
mod undo_others;
mod undo_rebuilt;
mod undo_told;
mod undo_whole;
mod waiting;
