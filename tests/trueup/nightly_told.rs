//! What a reconcile and a schedule say of what did not go as it should: nobody takes silence or a zero for a success.

use super::{
    nightly::{FILE, office},
    nightly_clock::{at, is_left_out},
    servers::block_on,
};
use trueup::trial::bench::On;

/// A schedule `one` of the playbook `name`.
fn schedule(rest: &str) -> String {
    format!("schedules:\n  one: {{ playbook: name, zone: UTC, env: test, owner: clerk, {rest} }}\n")
}

#[test]
fn a_time_that_is_due_and_is_not_begun_is_said_and_is_no_success() {
    if is_left_out() {
        return;
    }
    block_on(async {
        let place = office(&On::Sqlite, FILE, &schedule("cron: '0 3 * * *', expires: 2025-06-11")).await;
        let due = async |moment: &str| at(&place, moment, "reconcile --due").await;
        due("2025-06-09 00:10:00").await.is(0, &["it is new", "Nothing is due."]);
        // Too late to be begun.
        due("2025-06-09 05:10:00")
            .await
            .is(4, &["2025-06-09 03:00:00 missed: nobody was there in time", "Nothing was begun of what was due."]);
        due("2025-06-09 05:11:00").await.is(0, &["Nothing is due."]);
        // The newest is caught up: the other one is said, and nobody has to do anything about it.
        let caught_up = due("2025-06-11 03:10:00").await.is(0, &["2025-06-10 03:00:00 missed", "is as wanted"]);
        assert!(!caught_up.err.contains("Nothing"), "{}", caught_up.err);
        // Over since yesterday.
        let blocked = at(&place, "2025-06-12 03:10:00", "reconcile --due --json").await;
        assert_eq!(blocked.exit, 4, "{}{}", blocked.out, blocked.err);
        let one = &blocked.json()["not_begun"][0];
        assert_eq!((one["schedule"].as_str(), one["state"].as_str()), (Some("one"), Some("blocked")), "{one}");
        assert_eq!((one["count"].as_u64(), one["caught_up"].as_bool()), (Some(1), Some(false)), "{one}");
        assert!(one["why"].as_str().unwrap().contains("it expired at the end of 2025-06-11"), "{one}");
        place.clear().await;
    });
}
