//! Looking through a run: the same events as reading it whole, the same refusals, and no more taken apart than is asked for.

use super::*;
use crate::journal::{Appended, Stored, chain::Hash};

async fn sifted(journal: &Journal, run: RunId, after: Option<Appended>) -> Result<Vec<Stored>, JournalError> {
    let mut events = Vec::new();
    journal
        .sift(run, after, &mut |one| {
            events.push(one.event()?);
            Ok(())
        })
        .await?;
    Ok(events)
}

fn told(events: &[Stored]) -> Vec<String> {
    events.iter().map(|stored| format!("{stored:?}")).collect()
}

pub(super) async fn a_run_is_looked_through_without_being_taken_apart(desk: Desk) {
    let journal = desk.open().await;
    let events: Vec<Event> = Filler::plain().every_event(run(1));
    // What ends a run, begins a reconcile, or belongs to a plan or a schedule stands elsewhere.
    let apart = ["run.created", "run.purged", "plan.approved", "run.closed", "drift.seen"];
    let inner: Vec<Event> = events
        .into_iter()
        .filter(|event| {
            let name = event.name();
            !apart.contains(&name) && !name.starts_with("schedule.") && !name.starts_with("occurrence.")
        })
        .collect();
    journal.append(run(1), &[created()]).await.unwrap();
    for _ in 0..40 {
        journal.append(run(1), &inner).await.unwrap();
    }
    let whole = journal.events(run(1)).await.unwrap();
    assert!(whole.len() > 500, "{}", whole.len());

    let before = journal.decoded();
    let (mut about, mut count) = (0, 0);
    let mut look = |one: &crate::journal::Sifted<'_>| {
        count += 1;
        about += usize::from(!one.name().starts_with("run.") && one.mentions(|_| true)?);
        Ok(())
    };
    let end = journal.sift(run(1), None, &mut look).await.unwrap().unwrap();
    assert_eq!((count, end), (whole.len(), whole[whole.len() - 1].place()));
    assert_eq!(about, 440, "events about items: eleven kinds, forty times");
    assert_eq!(journal.decoded(), before, "nothing was taken apart");

    assert_eq!(told(&sifted(&journal, run(1), None).await.unwrap()), told(&whole));
    let middle = whole[137].place();
    assert_eq!(told(&sifted(&journal, run(1), Some(middle)).await.unwrap()), told(&whole[138..]));
    assert_eq!(told(&sifted(&journal, run(1), Some(end)).await.unwrap()), Vec::<String>::new());
    assert!(sifted(&journal, run(2), None).await.unwrap().is_empty(), "a run that nobody made");

    // Far from each other, near to each other, twice, and the other way round.
    let numbers = [400, 3, 4, 5, 5, 100, 499, 0];
    let places: Vec<Appended> = numbers.iter().map(|n| whole[*n].place()).collect();
    let found = journal.events_at(run(1), &places).await.unwrap();
    let wanted = [0, 3, 4, 5, 100, 400, 499].map(|n| whole[n].clone());
    assert_eq!(told(&found), told(&wanted));
    let last = whole.iter().rfind(|stored| stored.event.name() == "run.paused").unwrap();
    assert_eq!(format!("{:?}", journal.latest(run(1), "run.paused").await.unwrap().unwrap()), format!("{last:?}"));
    assert!(journal.latest(run(1), "run.closed").await.unwrap().is_none());
}

pub(super) async fn what_was_passed_over_is_compared_with_the_chain_that_was_read(desk: Desk) {
    let journal = desk.open().await;
    journal.append(run(1), &[created()]).await.unwrap();
    for n in 0..9 {
        journal.append(run(1), &[decided(&format!("step {n}"), "-")]).await.unwrap();
    }
    let whole = journal.events(run(1)).await.unwrap();
    // An event that another reading would have come to: another hash, or a number that is not there.
    let other = Appended { seq: 4, head: Hash([7; 32]) };
    let gone = Appended { seq: 40, head: whole[3].hash };
    for (places, seq) in [(vec![whole[1].place(), other], 4), (vec![whole[2].place(), gone], 40)] {
        let error = journal.events_at(run(1), &places).await.unwrap_err();
        assert!(matches!(error, JournalError::Tampered { seq: at, .. } if at == seq), "{error}");
    }
    // The chain goes on where it was, or not at all.
    let error = sifted(&journal, run(1), Some(Appended { seq: 3, head: Hash([7; 32]) })).await.unwrap_err();
    assert!(matches!(error, JournalError::Tampered { seq: 4, .. }), "{error}");
}

pub(super) async fn a_purged_run_is_not_looked_through(desk: Desk) {
    let journal = desk.open().await;
    journal.append(run(1), &[created(), Filler::plain().closed().into()]).await.unwrap();
    desk.later(60);
    journal.purge(run(1), "ada", desk.world.now()).await.unwrap();
    let error = sifted(&journal, run(1), None).await.unwrap_err();
    assert!(matches!(error, JournalError::Purged { .. }), "{error}");
}

pub(super) async fn same(journal: &Journal, run: RunId) {
    match (journal.events(run).await, sifted(journal, run, None).await) {
        (Ok(whole), Ok(sifted)) => assert_eq!(told(&whole), told(&sifted)),
        (Err(whole), Err(sifted)) => assert_eq!(whole.to_string(), sifted.to_string()),
        (whole, sifted) => panic!("{whole:?} but {sifted:?}"),
    }
}
