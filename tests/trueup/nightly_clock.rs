//! T8 with the real program: clocks that jump under `trueup reconcile --due`, a process for each look, by libfaketime. The fates are those
//! that the unit tests of `schedule` expect of the same moments.

use super::{
    nightly::{Came, FILE, office, trueup, trueup_with},
    places::Place,
    servers::block_on,
};
use std::{fs, path::PathBuf};
use trueup::trial::bench::On;

/// Where Debian's package `faketime` puts the library.
fn library() -> PathBuf {
    let folders = fs::read_dir("/usr/lib").unwrap().filter_map(|entry| Some(entry.ok()?.path()));
    let found = folders.map(|folder| folder.join("faketime/libfaketime.so.1")).find(|path| path.is_file());
    found.expect("libfaketime is not installed: apt-get install faketime, or set TRUEUP_TEST_WITHOUT_FAKETIME")
}

/// A call at this moment (`2025-06-10 00:10:00`, UTC): everything that the process asks for the time says so, and the clock goes on from there.
pub(super) async fn at(place: &Place, moment: &str, line: &str) -> Came {
    let variables = [
        ("LD_PRELOAD", library().display().to_string()),
        ("FAKETIME", format!("@{moment}")),
        // How long something takes is no business of a clock on the wall.
        ("FAKETIME_DONT_FAKE_MONOTONIC", "1".to_owned()),
        ("TZ", "UTC".to_owned()),
    ];
    trueup_with(place, line, &variables).await
}

/// Without the library nothing of this can be looked at: said, and left out where somebody wants that.
pub(super) fn is_left_out() -> bool {
    let left_out = std::env::var_os("TRUEUP_TEST_WITHOUT_FAKETIME").is_some();
    if left_out {
        println!("skipped: TRUEUP_TEST_WITHOUT_FAKETIME is set, so no clock is faked");
    }
    left_out
}

/// What became of the occurrences: those that fired, in their order, and how many were missed.
async fn fates(place: &Place) -> (Vec<String>, u64) {
    let list = trueup(place, "schedule list --json").await.is(0, &[]).json();
    let recent = list["schedules"][0]["recent"].as_array().unwrap().clone();
    let of = |state: &'static str| recent.iter().rev().filter(move |one| one["state"] == state);
    assert!(recent.iter().all(|one| one["state"] == "fired" || one["state"] == "missed"), "{recent:?}");
    for fired in of("fired") {
        assert_eq!((&fired["came_to"], &fired["count"]), (&"clean".into(), &1.into()), "{recent:?}");
    }
    let walls = of("fired").map(|one| one["wall"].as_str().unwrap().to_owned()).collect();
    (walls, of("missed").map(|one| one["count"].as_u64().unwrap()).sum())
}

#[test]
fn t8_clocks_that_jump_under_the_real_program_burst_nothing_and_repeat_nothing() {
    if is_left_out() {
        return;
    }
    // Cron line, the moments of the looks, what fires, how many are missed.
    let cases: [(&str, &[&str], &[&str], u64); 12] = [
        // Forward by an hour, by a day, by ten years: one is caught up, if it is not too late.
        ("0 * * * *", &["2025-06-10 00:10:00", "2025-06-10 01:10:00"], &["2025-06-10T01:00:00"], 0),
        ("*/10 * * * *", &["2025-06-10 00:10:01", "2025-06-10 01:10:01"], &["2025-06-10T01:10:00"], 5),
        ("30 2 * * *", &["2025-06-10 00:10:00", "2025-06-11 00:10:00"], &[], 1),
        ("0 * * * *", &["2025-06-10 00:10:00", "2025-06-11 00:10:00"], &["2025-06-11T00:00:00"], 23),
        ("0 0 * * *", &["2025-06-10 00:10:00", "2035-06-10 00:10:00"], &["2035-06-10T00:00:00"], 3651),
        // Back by an hour, and by a day: what fired does not fire again.
        (
            "0 * * * *",
            &[
                "2025-06-10 00:10:00",
                "2025-06-10 01:10:00",
                "2025-06-10 02:10:00",
                "2025-06-10 01:10:00",
                "2025-06-10 02:10:00",
                "2025-06-10 03:10:00",
            ],
            &["2025-06-10T01:00:00", "2025-06-10T02:00:00", "2025-06-10T03:00:00"],
            0,
        ),
        (
            "0 3 * * *",
            &[
                "2025-06-10 00:10:00",
                "2025-06-10 03:10:00",
                "2025-06-09 03:10:00",
                "2025-06-09 04:10:00",
                "2025-06-10 03:10:00",
            ],
            &["2025-06-10T03:00:00"],
            0,
        ),
        // Ten years ahead by mistake and back again: the nights in between still come.
        (
            "30 2 * * *",
            &[
                "2025-06-10 00:10:00",
                "2035-06-10 00:10:00",
                "2025-06-10 01:10:00",
                "2025-06-10 02:40:00",
                "2025-06-11 02:40:00",
                "2025-06-12 02:40:00",
            ],
            &["2025-06-10T02:30:00", "2025-06-11T02:30:00", "2025-06-12T02:30:00"],
            3652,
        ),
        // Half an hour back in the middle of things.
        (
            "0 * * * *",
            &[
                "2025-06-10 00:10:00",
                "2025-06-10 01:10:00",
                "2025-06-10 00:40:00",
                "2025-06-10 01:10:00",
                "2025-06-10 02:10:00",
            ],
            &["2025-06-10T01:00:00", "2025-06-10T02:00:00"],
            0,
        ),
        // Two machines whose clocks differ by a minute.
        (
            "10 1 * * *",
            &[
                "2025-06-10 00:10:00",
                "2025-06-10 01:10:01",
                "2025-06-10 01:09:00",
                "2025-06-10 01:10:05",
                "2025-06-10 01:09:30",
            ],
            &["2025-06-10T01:10:00"],
            0,
        ),
        // The 29th of February, and the second in which 32 bits end.
        (
            "0 12 29 2 *",
            &["2024-03-01 00:00:00", "2028-02-29 11:59:00", "2028-02-29 12:00:01", "2028-03-01 12:00:01"],
            &["2028-02-29T12:00:00"],
            0,
        ),
        (
            "14 3 19 1 *",
            &[
                "2038-01-17 03:14:00",
                "2038-01-19 03:13:00",
                "2038-01-19 03:14:01",
                "2038-01-19 03:14:09",
                "2038-01-20 03:14:00",
            ],
            &["2038-01-19T03:14:00"],
            0,
        ),
    ];
    block_on(async {
        let (mut looks, mut fired, mut missed) = (0, 0, 0);
        for (number, (cron, moments, expected, lost)) in cases.into_iter().enumerate() {
            let schedules = format!(
                "schedules:\n  one: {{ playbook: name, cron: '{cron}', zone: UTC, env: test, owner: clerk }}\n"
            );
            let place = office(&On::Sqlite, FILE, &schedules).await;
            for moment in moments {
                let came = at(&place, moment, "reconcile --due").await;
                // What is missed and not caught up is no success.
                let lost = came.err.contains("nobody was there in time");
                came.is(if lost { 4 } else { 0 }, &[]);
                looks += 1;
            }
            let found = fates(&place).await;
            let expected: Vec<String> = expected.iter().map(|wall| (*wall).to_owned()).collect();
            assert_eq!(found, (expected, lost), "case {}: {cron}", number + 1);
            (fired, missed) = (fired + found.0.len(), missed + found.1);
            trueup(&place, "audit verify").await.is(0, &["Everything is as it was written."]);
            place.clear().await;
        }
        assert_eq!((looks, fired, missed), (46, 16, 7332), "the clocks were not those that were asked for");
    });
}
