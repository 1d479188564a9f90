//! Several at once: processes, handles, and callers of one handle that share a COMMIT.

use super::*;
use std::sync::Arc;

on_both! {
    two_processes_append_to_their_runs_at_the_same_time,
    of_several_processes_that_make_the_journal_all_get_the_same_one,
}

async fn two_processes_append_to_their_runs_at_the_same_time(desk: Desk) {
    let (one, two) = (Arc::new(desk.open().await), Arc::new(desk.open().await));
    let write = |journal: Arc<Journal>, n| async move {
        journal.append(run(n), &[created()]).await.unwrap();
        for i in 0..40 {
            journal.append(run(n), &[decided(&i.to_string(), "-")]).await.unwrap();
        }
        journal.append(run(n), &[Filler::plain().closed().into()]).await.unwrap();
    };
    let tasks = [tokio::spawn(write(one.clone(), 1)), tokio::spawn(write(two.clone(), 2)), tokio::spawn(write(two, 3))];
    for task in tasks {
        task.await.unwrap();
    }
    let report = one.verify(None).await.unwrap();
    assert_eq!((report.runs, report.events, report.findings.len()), (3, 126, 0));
    assert_eq!(report.anchor.unwrap().number, 6);
}

async fn of_several_processes_that_make_the_journal_all_get_the_same_one(desk: Desk) {
    let desk = Arc::new(desk);
    let opened: Vec<_> = (0..8)
        .map(|_| {
            let desk = desk.clone();
            tokio::spawn(async move { desk.open().await })
        })
        .collect();
    let mut ids = std::collections::BTreeSet::new();
    for task in opened {
        ids.insert(task.await.unwrap().id());
    }
    assert_eq!(ids.len(), 1);
}
