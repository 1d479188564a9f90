//! Several at once: processes, handles, and callers of one handle that share a COMMIT.

use super::*;
use crate::journal::write::{Deed, Done};
use std::sync::Arc;

on_both! {
    two_processes_append_to_their_runs_at_the_same_time,
    of_several_processes_that_make_the_journal_all_get_the_same_one,
    callers_at_the_same_time_share_a_commit_and_each_gets_its_own_answer,
    a_refused_group_spoils_none_of_its_neighbours,
    items_of_one_run_go_in_together_and_each_gets_its_own_end,
    of_two_processes_with_one_plan_or_one_claim_one_has_it,
    a_commit_whose_answer_was_lost_is_found_out_and_not_made_twice,
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

async fn callers_at_the_same_time_share_a_commit_and_each_gets_its_own_answer(desk: Desk) {
    const CALLERS: u128 = 32;
    const EACH: u64 = 10;
    let journal = Arc::new(desk.open().await);
    let work = |n: u128| {
        let journal = journal.clone();
        async move {
            journal.append(run(n), &[created()]).await.unwrap();
            for i in 0..EACH {
                let end = journal.append(run(n), &[decided(&i.to_string(), "-")]).await.unwrap();
                assert_eq!(end.seq, i + 2);
            }
            journal.append(run(n), &[Filler::plain().closed().into()]).await.unwrap()
        }
    };
    let tasks: Vec<_> = (1..=CALLERS).map(|n| tokio::spawn(work(n))).collect();
    for (n, task) in (1..).zip(tasks) {
        let end = task.await.unwrap();
        let events = journal.events(run(n)).await.unwrap();
        assert_eq!((events.len() as u64, events.last().unwrap().hash), (EACH + 2, end.head));
    }
    let commits = journal.connection().await.unwrap().state.commits;
    let report = journal.verify(None).await.unwrap();
    assert_eq!((report.events, report.findings.as_slice()), (CALLERS as u64 * (EACH + 2), &[][..]));
    let appends = CALLERS as u32 * (EACH as u32 + 2);
    assert!(commits > 0 && commits * 4 < appends, "{appends} appends in {commits} transactions");
}

async fn a_refused_group_spoils_none_of_its_neighbours(desk: Desk) {
    let journal = Arc::new(desk.open().await);
    for n in 1..=8 {
        journal.append(run(n), &[created()]).await.unwrap();
    }
    let lost = journal.claim(run(1), holder("ada"), HOUR).await.unwrap();
    let taken = journal.seize(&lost, holder("bob"), HOUR).await.unwrap();
    let made =
        || Event::from(crate::journal::payload::RunCreated { plan_id: Some("d1".into()), ..Filler::plain().created() });
    journal.append(run(9), &[made()]).await.unwrap();
    for round in 0..20 {
        let bad = async {
            let refused = [
                journal.append_claimed(&lost, &[decided("late", "-")]).await.map(drop),
                journal.append(run(2), &[decided("s", "-"), created()]).await.map(drop),
                journal.append(run(77), &[decided("s", "-")]).await.map(drop),
                journal.append(run(10), &[made()]).await.map(drop),
                journal.claim(run(1), holder("eve"), HOUR).await.map(drop),
            ];
            assert!(refused.iter().all(Result::is_err), "{refused:?}");
        };
        let good = |n: u128| {
            let journal = journal.clone();
            async move { journal.append(run(n), &[decided(&round.to_string(), "-")]).await.unwrap().seq }
        };
        let (seqs, (), beaten) =
            tokio::join!(futures_util::future::join_all((2..=8).map(good)), bad, journal.beat(&taken, HOUR),);
        assert_eq!(seqs, [round + 2; 7]);
        beaten.unwrap();
    }
    let report = journal.verify(None).await.unwrap();
    assert_eq!((report.runs, report.findings.as_slice()), (9, &[][..]));
    assert!(journal.run(run(10)).await.unwrap().is_none());
}

async fn items_of_one_run_go_in_together_and_each_gets_its_own_end(desk: Desk) {
    const ITEMS: usize = 24;
    let journal = Arc::new(desk.open().await);
    journal.append(run(1), &[created()]).await.unwrap();
    let claim = journal.claim(run(1), holder("ada"), HOUR).await.unwrap();
    let before = journal.connection().await.unwrap().state.commits;
    let item = |n: usize| {
        let (journal, claim) = (journal.clone(), claim.clone());
        async move {
            // Groups of one to five events; every eighth is none, for it would make the run a second time.
            let mut group: Vec<Event> = (0..=n % 5).map(|i| decided(&format!("{n}.{i}"), "-")).collect();
            if n % 8 == 7 {
                group.push(created());
            }
            let size = group.len();
            (n, size, tokio::spawn(async move { journal.append_claimed(&claim, &group).await }).await.unwrap())
        }
    };
    let came = futures_util::future::join_all((0..ITEMS).map(item)).await;
    let commits = journal.connection().await.unwrap().state.commits - before;
    assert!((commits as usize) < ITEMS / 2, "{commits} transactions");
    let events = journal.events(run(1)).await.unwrap();
    let mut ends = Vec::new();
    for (n, size, end) in came {
        if n % 8 == 7 {
            assert!(matches!(end, Err(JournalError::OutOfOrder { .. })), "{end:?}");
            continue;
        }
        let end = end.unwrap();
        // Its own events stand together, and the last of them where it was told.
        let own = &events[end.seq as usize - size..end.seq as usize];
        assert_eq!(own.last().unwrap().hash, end.head);
        for (i, stored) in own.iter().enumerate() {
            assert_eq!(format!("{:?}", stored.event), format!("{:?}", decided(&format!("{n}.{i}"), "-")));
        }
        ends.push(size);
    }
    assert_eq!(events.len(), 2 + ends.iter().sum::<usize>());
    let report = journal.verify(None).await.unwrap();
    assert_eq!((report.runs, report.findings.as_slice()), (1, &[][..]));
    // Whoever lost the run is refused, with all of his neighbours and nothing of anybody else's.
    let taken = journal.seize(&claim, holder("bob"), HOUR).await.unwrap();
    let (late, fine) = tokio::join!(
        journal.append_claimed(&claim, &[decided("late", "-")]),
        journal.append_claimed(&taken, &[decided("fine", "-")])
    );
    assert!(matches!(late, Err(JournalError::ClaimLost { .. })), "{late:?}");
    assert_eq!(fine.unwrap().seq as usize, events.len() + 2);
}

async fn of_two_processes_with_one_plan_or_one_claim_one_has_it(desk: Desk) {
    let (one, two) = (Arc::new(desk.open().await), Arc::new(desk.open().await));
    for n in 0..20_u128 {
        let made = |journal: Arc<Journal>, id: u128| async move {
            let plan = Some(format!("d{n}").into());
            let made = crate::journal::payload::RunCreated { plan_id: plan, ..Filler::plain().created() };
            journal.append(run(id), &[made.into()]).await
        };
        let (a, b) = (100 + 2 * n, 101 + 2 * n);
        let tasks = (tokio::spawn(made(one.clone(), a)), tokio::spawn(made(two.clone(), b)));
        let (first, second) = (tasks.0.await.unwrap(), tasks.1.await.unwrap());
        let (made, refused) = if first.is_ok() { (a, second) } else { (b, first.map(drop).and(second)) };
        assert!(
            matches!(refused, Err(JournalError::PlanUsed { run: by, .. }) if by == run(made)) || made == b,
            "{refused:?}"
        );
        assert_eq!(one.plan_used(&format!("d{n}")).await.unwrap().unwrap().0, run(made));

        let take =
            |journal: Arc<Journal>, who: &'static str| async move { journal.claim(run(made), holder(who), HOUR).await };
        let tasks = (tokio::spawn(take(one.clone(), "ada")), tokio::spawn(take(two.clone(), "bob")));
        let claims = [tasks.0.await.unwrap(), tasks.1.await.unwrap()];
        let taken: Vec<_> = claims.iter().filter_map(|claim| claim.as_ref().ok()).collect();
        assert!(matches!(&taken[..], [claim] if claim.fence == 1), "{claims:?}");
        assert!(claims.iter().any(|claim| matches!(claim, Err(JournalError::Claimed { .. }))), "{claims:?}");
    }
    assert_eq!(one.verify(None).await.unwrap().findings, []);
}

async fn a_commit_whose_answer_was_lost_is_found_out_and_not_made_twice(desk: Desk) {
    let journal = desk.open().await;
    for n in 1..=3 {
        journal.append(run(n), &[created()]).await.unwrap();
    }
    let claim = journal.claim(run(3), holder("ada"), HOUR).await.unwrap();
    let now = desk.world.now();
    let append = |n: u128, word: &str| Deed::Append {
        chain: run(n),
        fence: None,
        group: vec![journal.inner.ready(&decided(word, "-"), now).unwrap()],
    };
    let release = || Deed::Release { run: run(3), fence: claim.fence, now };
    let deeds = [append(1, "a"), append(77, "refused"), append(2, "b"), release()];
    let mut held = journal.connection().await.unwrap();
    // It was committed: the answers stand, also that of the deed that was refused.
    let answers = held.try_to_write(&deeds, None).await.unwrap();
    let again = held.try_to_write(&deeds, Some(&answers)).await.unwrap();
    assert_eq!(format!("{again:?}"), format!("{answers:?}"));
    assert_eq!(again.iter().map(Result::is_ok).collect::<Vec<_>>(), [true, false, true, true]);
    // It was not: it is done now, with the same result.
    let deeds = [append(1, "c"), append(2, "d")];
    held.begin().await.unwrap();
    let answers = held.carry_out_all(&deeds, false).await.unwrap();
    held.roll_back().await;
    let again = held.try_to_write(&deeds, Some(&answers)).await.unwrap();
    assert_eq!(format!("{again:?}"), format!("{answers:?}"));
    // A release alone proves nothing, and done again it is no mistake.
    let answers = held.try_to_write(&[release()], Some(&[Ok(Done::Nothing)])).await.unwrap();
    assert!(answers[0].is_ok(), "{answers:?}");
    let late = held.try_to_write(&[release()], None).await.unwrap();
    assert!(matches!(late[0], Err(JournalError::ClaimLost { .. })), "{late:?}");
    drop(held);
    for (n, events) in [(1, 3), (2, 3), (3, 2)] {
        assert_eq!(journal.events(run(n)).await.unwrap().len(), events);
    }
    assert_eq!(journal.verify(None).await.unwrap().findings, []);
}
