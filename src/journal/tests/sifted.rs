//! Looking through a run: the same events as reading it whole, the same refusals, and no more taken apart than is asked for.

use super::*;
use crate::journal::{
    Appended, Stored,
    chain::{self, Hash},
    link::{Link, Payload},
};

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

/// Every link as it stands, and whether it follows: read row by row, or many in a row.
async fn links(journal: &Journal, run: RunId, packed: bool) -> (Vec<String>, Option<String>) {
    let (mut seen, mut head, mut refused) = (Vec::new(), chain::genesis(journal.id(), run), None);
    let mut each = |link: &Link<'_>| {
        let seq = seen.len() as u64 + 1;
        if let Err(why) = link.follows(run, seq, head) {
            refused.get_or_insert(format!("{seq}: {why}"));
        }
        head = link.hash;
        let text = match link.payload() {
            Ok(Payload::Text(text)) => text,
            Ok(Payload::Missing) => "(missing)".into(),
            Err(why) => why.into(),
        };
        seen.push(format!("{} {:?} {:?} {text}", link.number(), link.row(), link.hash));
        Ok(())
    };
    let mut held = journal.connection().await.unwrap();
    let read = match packed {
        true => held.all_links(run, 0, &mut each).await,
        false => held.links(run, 0, u64::MAX, &mut each).await,
    };
    match read {
        Ok(()) => (seen, refused),
        // How far they came before the file could not be read differs.
        Err(error) => (Vec::new(), Some(error.to_string())),
    }
}

pub(super) async fn many_events_come_in_one_row_and_large_ones_by_themselves(desk: Desk) {
    let journal = desk.open().await;
    journal.append(run(1), &[created()]).await.unwrap();
    let small: Vec<Event> = (0..150).map(|n| decided(&format!("step {n}"), "-")).collect();
    journal.append(run(1), &small).await.unwrap();
    let mut none = |_: &Link<'_>| Ok(());
    let mut at = 0;
    let odd = journal.connection().await.unwrap().packed(run(1), &mut at, &mut none).await.unwrap();
    assert_eq!((at, odd), (151, None), "all of them in packs");
    // What becomes small when it is compressed goes into one, too.
    journal.append(run(2), &[created(), decided(&"large ".repeat(2_000), "-")]).await.unwrap();
    let mut at = 0;
    let odd = journal.connection().await.unwrap().packed(run(2), &mut at, &mut none).await.unwrap();
    assert_eq!((at, odd), (2, None));
    let (packed, rows) = (links(&journal, run(2), true).await, links(&journal, run(2), false).await);
    assert!(packed == rows && packed.0[1].contains("large large large"), "{packed:?}");
    // Larger than what goes into a pack, and holding what stands between the pieces: JSON writes that in another way.
    journal.append(run(1), &[decided(&noise(12_000), "\u{1e}\u{1f}")]).await.unwrap();
    journal.append(run(1), &small).await.unwrap();
    let mut at = 0;
    let odd = journal.connection().await.unwrap().packed(run(1), &mut at, &mut none).await.unwrap();
    assert_eq!((at, odd), (151, Some(192)), "as far as the large one, whose pack ends at 192");
    let (packed, rows) = (links(&journal, run(1), true).await, links(&journal, run(1), false).await);
    assert_eq!((packed.0.len(), &packed.1), (302, &None));
    assert_eq!(packed, rows);
    assert_eq!(links(&journal, run(3), true).await, (Vec::new(), None));
}

pub(super) async fn same(journal: &Journal, run: RunId) {
    match (links(journal, run, true).await, links(journal, run, false).await) {
        ((packed, None), (rows, None)) => assert_eq!(packed, rows),
        // A file with a broken page may show either of them more of what is behind it.
        ((_, Some(_)), (_, Some(_))) => {}
        (packed, rows) => panic!("{packed:?} but {rows:?}"),
    }
    match (journal.events(run).await, sifted(journal, run, None).await) {
        (Ok(whole), Ok(sifted)) => assert_eq!(told(&whole), told(&sifted)),
        (Err(whole), Err(sifted)) => assert_eq!(whole.to_string(), sifted.to_string()),
        (whole, sifted) => panic!("{whole:?} but {sifted:?}"),
    }
}
