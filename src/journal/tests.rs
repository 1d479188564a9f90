//! The stores as a whole: what they hold, what they refuse, and what they find out. One suite, run on both.

use super::{Approving, Claim, Holder, Journal, RunFilter, RunSummary};
use crate::{
    base::{identity::RunId, seal::Sealer, secret::Masks, source::Span, time::Stamp, value::Value, world::World},
    connection::{
        PostgresAddress,
        reference::{Reference, Secrets, Setting, Source},
    },
    journal::{
        event::Event,
        failure::JournalError,
        payload::{HumanDecided, RunCancelled, RunPaused, RunResumed},
        samples::{Filler, noise},
        words::RunWord,
    },
};
use sqlx::{ConnectOptions, Executor, postgres::PgConnectOptions};
use std::{
    path::Path,
    sync::atomic::{AtomicU32, Ordering},
    time::Duration,
};

/// Every test of the suite, once on each store.
macro_rules! on_both {
    ($($test:ident,)*) => {
        mod on_sqlite {
            $(#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $test() {
                super::$test(super::Desk::on_sqlite()).await;
            })*
        }
        mod on_postgres {
            $(#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $test() {
                super::$test(super::Desk::on_postgres().await).await;
            })*
        }
    };
}
mod durable;
mod forged;
mod server;
mod sifted;
mod tampered;
mod together;

on_both! {
    every_event_is_stored_and_read_back_in_order,
    a_run_begins_once_and_with_its_creation,
    the_list_of_runs_follows_the_events,
    the_inbox_shows_what_is_open_and_for_which_items,
    lists_made_again_from_the_events_are_the_same,
    runs_are_listed_newest_first_and_filtered,
    a_short_id_finds_its_run_or_lists_the_candidates,
    a_plan_is_used_once,
    who_begins_a_run_second_does_not_take_it_from_the_first,
    one_process_at_a_time_works_on_a_run,
    the_end_of_a_run_gives_its_claim_back,
    an_old_claim_is_open_to_all_and_a_dead_one_to_whoever_saw_it,
    a_purge_leaves_the_line_the_chain_and_a_reason,
    a_run_that_is_read_in_several_pieces_comes_back_in_order,
    approvals_of_a_plan_are_kept_in_order_and_in_the_journals_own_chain,
    a_run_is_looked_through_without_being_taken_apart,
    many_events_come_in_one_row_and_large_ones_by_themselves,
    what_was_passed_over_is_compared_with_the_chain_that_was_read,
    a_purged_run_is_not_looked_through,
}
use sifted::{
    a_purged_run_is_not_looked_through, a_run_is_looked_through_without_being_taken_apart,
    many_events_come_in_one_row_and_large_ones_by_themselves,
    what_was_passed_over_is_compared_with_the_chain_that_was_read,
};

/// A journal of a test's own, in a file or on a server, with a clock that the test moves.
struct Desk {
    home: tempfile::TempDir,
    world: World,
    sealer: Sealer,
    /// Of a database that the test made; nothing where the journal is a file.
    url: Option<String>,
}

impl Desk {
    fn on_sqlite() -> Desk {
        let home = tempfile::tempdir().unwrap();
        let sealer = Sealer::open_or_create(&home.path().join("trueup/seal.key"), Masks::default()).unwrap();
        Desk { home, world: World::fixed(Stamp { micros: 1_753_264_800_000_000, digits: 6 }), sealer, url: None }
    }

    async fn on_postgres() -> Desk {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let name = format!("trueup_journal_{}_{}", std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed));
        admin(&server(), &format!("create database {name}")).await.unwrap();
        let mut desk = Desk::on_sqlite();
        desk.url = Some(with_database(&server(), &name));
        desk
    }

    fn path(&self) -> std::path::PathBuf {
        self.home.path().join("trueup/journal.db")
    }

    async fn open(&self) -> Journal {
        self.try_to_open().await.unwrap()
    }

    async fn try_to_open(&self) -> Result<Journal, JournalError> {
        match &self.url {
            None => self.open_at(&self.path()).await,
            Some(url) => self.connect(url).await,
        }
    }

    async fn open_at(&self, path: &Path) -> Result<Journal, JournalError> {
        Journal::open(path, self.world.clone(), self.sealer.clone()).await
    }

    async fn connect(&self, url: &str) -> Result<Journal, JournalError> {
        let (variable, masks) = (|name: &str| (name == "URL").then(|| url.to_owned()), Masks::default());
        let reference = Reference { source: Source::Variable("URL".into()), at: Span::default() };
        let secrets = Secrets { variable: &variable, folder: self.home.path(), masks: &masks };
        let address = PostgresAddress::resolve(&Setting::Secret(reference), secrets).unwrap();
        Journal::connect(address, self.world.clone(), self.sealer.clone()).await
    }

    fn later(&self, seconds: u64) {
        // The fixed clock moves when somebody waits; nobody needs to.
        drop(self.world.pause(Duration::from_secs(seconds)));
    }
}

fn server() -> String {
    std::env::var("TRUEUP_TEST_POSTGRES").expect("these tests need PostgreSQL: scripts/with-postgres cargo test")
}

fn with_database(url: &str, name: &str) -> String {
    let mut url = url::Url::parse(url).unwrap();
    url.set_path(name);
    url.to_string()
}

/// Runs text as it is, several statements too, on a connection of its own.
async fn admin(url: &str, sql: &str) -> Result<(), sqlx::Error> {
    let options: PgConnectOptions = url.parse().unwrap();
    options.connect().await?.execute(sqlx::AssertSqlSafe(sql.to_owned())).await.map(drop)
}

impl Drop for Desk {
    fn drop(&mut self) {
        let Some(url) = self.url.take() else { return };
        let name = url::Url::parse(&url).unwrap().path().trim_start_matches('/').to_owned();
        // A runtime of its own, because the test's may be ending.
        let gone = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
            runtime.block_on(admin(&server(), &format!("drop database if exists {name} with (force)")))
        });
        let _ = gone.join();
    }
}

fn run(n: u128) -> RunId {
    RunId(uuid::Uuid::from_u128((0x0190_u128 << 112) | n))
}

fn created() -> Event {
    Filler::plain().created().into()
}

fn holder(name: &str) -> Holder {
    Holder { name: name.into(), host: "desk".into(), pid: 7 }
}

fn decided(step: &str, item: &str) -> Event {
    let items = vec![item.into()];
    let (actor, decision) = ("ada".into(), "answer".into());
    HumanDecided { step: step.into(), items, actor, decision, values: Default::default(), reason: None }.into()
}

fn approving(plan: uuid::Uuid, actor: &str) -> Approving {
    Approving {
        plan,
        digest: "d1".into(),
        actor: actor.into(),
        at: Stamp { micros: 5, digits: 6 },
        note: Some("looks right".into()),
        effect: Value::map([("rows", Value::from(3))]),
    }
}

async fn state(journal: &Journal, n: u128) -> RunSummary {
    journal.run(run(n)).await.unwrap().unwrap()
}

const HOUR: Duration = Duration::from_secs(3600);

async fn every_event_is_stored_and_read_back_in_order(desk: Desk) {
    let journal = desk.open().await;
    let events = Filler::plain().events_of_a_run(run(1));
    let end = journal.append(run(1), &events).await.unwrap();
    assert_eq!(end.seq, events.len() as u64);
    let id = journal.id();
    journal.close().await.unwrap();

    let journal = desk.open().await;
    assert_eq!(journal.id(), id);
    let back = journal.events(run(1)).await.unwrap();
    for (i, (stored, event)) in back.iter().zip(&events).enumerate() {
        assert_eq!(stored.seq, i as u64 + 1);
        assert_eq!(format!("{:?}", stored.event), format!("{event:?}"));
    }
    assert_eq!((back.len(), back.last().unwrap().hash), (events.len(), end.head));
    assert!(journal.events(run(2)).await.unwrap().is_empty());
    let report = journal.verify(None).await.unwrap();
    assert_eq!((report.runs, report.events, report.findings.as_slice()), (1, events.len() as u64, &[][..]));
    assert_eq!((report.anchor.unwrap().number, report.blind.len()), (2, 4));
}

async fn a_run_begins_once_and_with_its_creation(desk: Desk) {
    let journal = desk.open().await;
    let stray = journal.append(run(1), &[decided("s", "-")]).await.unwrap_err();
    assert!(matches!(stray, JournalError::OutOfOrder { .. }), "{stray}");
    assert!(journal.append(run(1), &[]).await.is_err());
    journal.append(run(1), &[created()]).await.unwrap();
    let twice = journal.append(run(1), &[decided("s", "-"), created()]).await.unwrap_err();
    assert!(twice.to_string().contains("made before"), "{twice}");
    assert_eq!(
        journal.events(run(1)).await.unwrap().len(),
        1,
        "the first event of the refused group is not there either"
    );
}

async fn the_list_of_runs_follows_the_events(desk: Desk) {
    let journal = desk.open().await;
    let filler = Filler::plain();
    journal.append(run(1), &[created()]).await.unwrap();
    assert_eq!(state(&journal, 1).await.state, RunWord::Created);
    let claim = journal.claim(run(1), holder("ada"), HOUR).await.unwrap();
    assert_eq!(state(&journal, 1).await.state, RunWord::Running);
    desk.later(60);
    journal.append_claimed(&claim, &[filler.asked("agreed", &["a", "b"]).into()]).await.unwrap();
    assert_eq!(state(&journal, 1).await.state, RunWord::Waiting);
    journal.append(run(1), &[decided("agreed", "a")]).await.unwrap();
    assert_eq!(state(&journal, 1).await.state, RunWord::Waiting);
    journal.append(run(1), &[decided("agreed", "b")]).await.unwrap();
    assert_eq!(state(&journal, 1).await.state, RunWord::Created);
    journal.append(run(1), &[RunPaused { reason: "night".into(), until: None, behind: None }.into()]).await.unwrap();
    assert_eq!(state(&journal, 1).await.state, RunWord::Paused);
    let closed = filler.closed();
    journal.append(run(1), &[closed.clone().into()]).await.unwrap();
    let summary = state(&journal, 1).await;
    assert_eq!((summary.state, summary.end), (RunWord::Closed, Some(closed.end)));
    assert_eq!(summary.closed_at.unwrap().micros - summary.started_at.micros, 60_000_000);
    // A retry goes on in the same run.
    journal.append(run(1), &[RunResumed { actor: "ada".into(), reason: None }.into()]).await.unwrap();
    let summary = state(&journal, 1).await;
    assert_eq!((summary.state, summary.end, summary.closed_at, summary.events), (RunWord::Running, None, None, 8));
    journal.append(run(1), &[RunCancelled { actor: "ada".into(), reason: "wrong one".into() }.into()]).await.unwrap();
    assert_eq!(state(&journal, 1).await.state, RunWord::Cancelled);
}

async fn the_inbox_shows_what_is_open_and_for_which_items(desk: Desk) {
    let journal = desk.open().await;
    let filler = Filler::plain();
    for n in 1..=3 {
        journal.append(run(n), &[created(), filler.asked("agreed", &["a", "b", "c"]).into()]).await.unwrap();
        desk.later(1);
    }
    journal.append(run(1), &[decided("agreed", "b"), filler.asked("again", &["-"]).into()]).await.unwrap();
    journal.append(run(2), &[filler.closed().into()]).await.unwrap();
    journal.append(run(3), &[filler.asked("agreed", &["c"]).into()]).await.unwrap();
    let open: Vec<_> =
        journal.waiting().await.unwrap().into_iter().map(|w| (w.run, w.step, w.items.join(" "))).collect();
    let expected = [(1, "agreed", "a c"), (3, "agreed", "a b"), (1, "again", "-"), (3, "agreed", "c")];
    assert_eq!(open, expected.map(|(n, step, items)| (run(n), step.to_owned(), items.to_owned())));
}

async fn lists_made_again_from_the_events_are_the_same(desk: Desk) {
    let journal = desk.open().await;
    let filler = Filler::plain();
    for n in 1..=4 {
        let made = crate::journal::payload::RunCreated { plan_id: Some(format!("d{n}").into()), ..filler.created() };
        journal.append(run(n), &[made.into(), filler.asked("agreed", &["a"]).into()]).await.unwrap();
        desk.later(1);
    }
    journal.append(run(2), &[filler.closed().into()]).await.unwrap();
    journal.append(run(3), &[decided("agreed", "a")]).await.unwrap();
    let lists = async || {
        let runs = journal.runs(&RunFilter::default(), 100).await.unwrap();
        let used = journal.plan_used("d3").await.unwrap();
        format!("{runs:?} {:?} {used:?}", journal.waiting().await.unwrap())
    };
    let before = lists().await;
    journal.rebuild().await.unwrap();
    assert_eq!(lists().await, before);
    assert_eq!(before.matches("RunSummary").count(), 4);
}

async fn runs_are_listed_newest_first_and_filtered(mut desk: Desk) {
    let journal = desk.open().await;
    for (n, playbook, actor) in [(1, "a/b", "ada"), (2, "a/b", "bob"), (3, "c/d", "ada")] {
        let made = crate::journal::payload::RunCreated {
            playbook: playbook.into(),
            actor: actor.into(),
            about: (n == 3).then(|| run(1)),
            ..Filler::plain().created()
        };
        journal.append(run(n), &[made.into()]).await.unwrap();
        desk.later(10);
    }
    journal.append(run(2), &[Filler::plain().closed().into()]).await.unwrap();
    let list = async |filter: RunFilter, limit| {
        let runs = journal.runs(&filter, limit).await.unwrap();
        runs.iter().map(|r| r.id.0.as_u128() as u32).collect::<Vec<_>>()
    };
    let any = RunFilter::default;
    assert_eq!(list(any(), 9).await, [3, 2, 1]);
    assert_eq!(list(any(), 2).await, [3, 2]);
    assert_eq!(list(RunFilter { playbook: Some("a/b".into()), ..any() }, 9).await, [2, 1]);
    assert_eq!(list(RunFilter { actor: Some("ada".into()), ..any() }, 9).await, [3, 1]);
    assert_eq!(list(RunFilter { unfinished: true, ..any() }, 9).await, [3, 1]);
    assert_eq!(list(RunFilter { state: Some(RunWord::Closed), ..any() }, 9).await, [2]);
    let since = state(&journal, 2).await.started_at;
    assert_eq!(list(RunFilter { since: Some(since), ..any() }, 9).await, [3, 2]);
    assert_eq!(list(RunFilter { about: Some(run(1)), ..any() }, 9).await, [3]);
    assert_eq!(list(RunFilter { about: Some(run(2)), ..any() }, 9).await, [0_u32; 0]);
    let purpose = state(&journal, 1).await.purpose;
    let last = journal.last_of_each(&purpose).await.unwrap();
    assert_eq!(last.iter().map(|line| line.id).collect::<Vec<_>>(), [run(3), run(2)]);
    assert!(journal.last_of_each("another").await.unwrap().is_empty());
    // Neither the id nor the clock tells who was first: what was recorded later has the smaller id here, at the same moment.
    let made = |n| {
        let filler = Filler::plain();
        let made = crate::journal::payload::RunCreated { playbook: "a/b".into(), ..filler.created() };
        (run(n), [Event::from(made)])
    };
    for (id, events) in [made(9), made(7), made(8)] {
        journal.append(id, &events).await.unwrap();
    }
    let environment = Filler::plain().created().environment;
    let rivals = async |n, earlier| {
        let rivals = journal.rivals(run(n), "a/b", &environment, earlier).await.unwrap();
        let mut ids: Vec<u32> = rivals.iter().map(|r| r.id.0.as_u128() as u32).collect();
        ids.sort_unstable();
        ids
    };
    assert_eq!(rivals(8, true).await, [1, 7, 9]);
    assert_eq!((rivals(7, true).await, rivals(9, true).await), (vec![1, 9], vec![1]));
    assert_eq!((rivals(9, false).await, rivals(99, false).await), (vec![1, 7, 8], vec![1, 7, 8, 9]));
    // Neither does the clock of one that was recorded when it was behind.
    desk.world = World::fixed(Stamp { micros: 1_753_000_000_000_000, digits: 6 });
    let (id, events) = made(6);
    desk.open().await.append(id, &events).await.unwrap();
    assert_eq!(list(any(), 9).await.last(), Some(&6));
    let recorded = async |playbook, environment, limit| {
        let runs = journal.last_recorded(&purpose, playbook, environment, limit).await.unwrap();
        runs.iter().map(|r| r.id.0.as_u128() as u32).collect::<Vec<_>>()
    };
    assert_eq!(recorded(None, None, 9).await, [6, 8, 7, 9, 3, 2, 1]);
    assert_eq!(recorded(Some("a/b"), Some(&*environment), 2).await, [6, 8]);
    assert_eq!(recorded(Some("c/d"), None, 2).await, [3]);
    assert_eq!(recorded(None, Some("another"), 2).await, [0_u32; 0]);
    let last = journal.last_of_each(&purpose).await.unwrap();
    assert_eq!(last.iter().map(|line| line.id).collect::<Vec<_>>(), [run(3), run(6)]);
}

async fn a_short_id_finds_its_run_or_lists_the_candidates(desk: Desk) {
    let journal = desk.open().await;
    for n in [0xab00_0001, 0xab00_0002, 0xcd00_0003] {
        journal.append(run(n), &[created()]).await.unwrap();
    }
    for given in ["cd", "CD00", "cd000003", "01900000-0000-0000-0000-0000cd00", "019000000000000000000000cd"] {
        assert_eq!(journal.find_run(given).await.unwrap(), run(0xcd00_0003), "{given}");
    }
    assert_eq!(journal.find_run(&run(0xab00_0002).to_string()).await.unwrap(), run(0xab00_0002));
    let JournalError::Ambiguous { candidates, .. } = journal.find_run("ab").await.unwrap_err() else { panic!() };
    assert_eq!(candidates, [run(0xab00_0002), run(0xab00_0001)]);
    assert!(journal.find_run("ab").await.unwrap_err().to_string().contains("0000ab000001"));
    for given in ["", "ef", "b0", "xyz", "%", "'", "0190000000000000000000000000000000"] {
        assert!(matches!(journal.find_run(given).await, Err(JournalError::NoSuchRun { .. })), "{given}");
    }
}

async fn a_plan_is_used_once(desk: Desk) {
    let journal = desk.open().await;
    let made =
        || Event::from(crate::journal::payload::RunCreated { plan_id: Some("d1".into()), ..Filler::plain().created() });
    assert_eq!(journal.plan_used("d1").await.unwrap(), None);
    journal.append(run(1), &[made()]).await.unwrap();
    let error = journal.append(run(2), &[made()]).await.unwrap_err();
    assert!(matches!(error, JournalError::PlanUsed { run: by, .. } if by == run(1)), "{error}");
    assert!(journal.run(run(2)).await.unwrap().is_none());
    assert_eq!(journal.plan_used("d1").await.unwrap().unwrap().0, run(1));
    // Without a saved plan there is nothing to use up, and the same change may come again.
    journal.append(run(2), &[created()]).await.unwrap();
    journal.append(run(3), &[created()]).await.unwrap();
}

async fn who_begins_a_run_second_does_not_take_it_from_the_first(desk: Desk) {
    let (journal, other) = (desk.open().await, desk.open().await);
    // Begun, and not claimed yet: as of a process that records the one after the other.
    journal.append(run(1), &[created()]).await.unwrap();
    let (_, beginning) = other.begin_beside(run(1), &[created()], holder("bob"), HOUR).unwrap();
    assert!(matches!(beginning.durable().await, Err(JournalError::OutOfOrder { .. })));
    assert_eq!(other.holder(run(1)).await.unwrap(), None);
    assert_eq!(journal.claim(run(1), holder("ada"), HOUR).await.unwrap().fence, 1);
    // Who begins it first has it.
    let (claim, beginning) = other.begin_beside(run(2), &[created()], holder("bob"), HOUR).unwrap();
    beginning.durable().await.unwrap();
    assert_eq!(journal.holder(run(2)).await.unwrap(), Some(claim));
}

async fn one_process_at_a_time_works_on_a_run(desk: Desk) {
    let (journal, other) = (desk.open().await, desk.open().await);
    journal.append(run(1), &[created()]).await.unwrap();
    let first = journal.claim(run(1), holder("ada"), HOUR).await.unwrap();
    let refused = other.claim(run(1), holder("bob"), HOUR).await.unwrap_err();
    assert_eq!(
        refused.to_string(),
        "ada is working on run 00000001 (process 7 on desk, since 2025-07-23T10:00:00.000000Z)"
    );
    assert_eq!(other.holder(run(1)).await.unwrap().as_ref(), Some(&first));
    journal.release(&first).await.unwrap();
    assert_eq!(other.holder(run(1)).await.unwrap(), None);
    assert!(matches!(journal.release(&first).await, Err(JournalError::ClaimLost { .. })));

    let second = other.claim(run(1), holder("bob"), HOUR).await.unwrap();
    assert_eq!((first.fence, second.fence), (1, 2));
    let late = journal.append_claimed(&first, &[decided("s", "-")]).await.unwrap_err();
    assert!(matches!(late, JournalError::ClaimLost { fence: 1, .. }), "{late}");
    other.append_claimed(&second, &[decided("s", "-")]).await.unwrap();
    let names: Vec<_> = journal.events(run(1)).await.unwrap().iter().map(|s| s.event.name()).collect();
    assert_eq!(names, ["run.created", "run.claimed", "run.claimed", "human.decided"]);
}

async fn the_end_of_a_run_gives_its_claim_back(desk: Desk) {
    let journal = desk.open().await;
    journal.append(run(1), &[created()]).await.unwrap();
    let claim = journal.claim(run(1), holder("ada"), HOUR).await.unwrap();
    journal.append_claimed(&claim, &[Filler::plain().closed().into()]).await.unwrap();
    assert_eq!(journal.holder(run(1)).await.unwrap(), None);
    assert!(matches!(journal.release(&claim).await, Err(JournalError::ClaimLost { .. })));
}

async fn an_old_claim_is_open_to_all_and_a_dead_one_to_whoever_saw_it(desk: Desk) {
    let journal = desk.open().await;
    journal.append(run(1), &[created()]).await.unwrap();
    let first = journal.claim(run(1), holder("ada"), HOUR).await.unwrap();
    desk.later(3599);
    assert!(journal.claim(run(1), holder("bob"), HOUR).await.is_err());
    desk.later(1);
    // Nobody else took it: its holder may still finish what he does.
    journal.append_claimed(&first, &[decided("s", "-")]).await.unwrap();
    let second = journal.claim(run(1), holder("bob"), HOUR).await.unwrap();
    let stale: Result<Claim, _> = journal.seize(&first, holder("eve"), HOUR).await;
    assert!(matches!(stale, Err(JournalError::Claimed { .. })));
    let third = journal.seize(&second, holder("eve"), HOUR).await.unwrap();
    assert_eq!(third.fence, 3);
    assert!(journal.append_claimed(&second, &[decided("s", "-")]).await.is_err());
    // A run that is not there cannot be taken, and leaves no claim behind.
    assert!(journal.claim(run(9), holder("ada"), HOUR).await.is_err());
    assert_eq!(journal.holder(run(9)).await.unwrap(), None);
}

async fn approvals_of_a_plan_are_kept_in_order_and_in_the_journals_own_chain(desk: Desk) {
    let journal = desk.open().await;
    let plan = uuid::Uuid::from_u128(77);
    assert!(journal.approvals(plan).await.unwrap().is_empty());
    journal.append(run(1), &[created()]).await.unwrap();
    journal.approve(&approving(plan, "bob")).await.unwrap();
    let second = journal.approve(&Approving { note: None, ..approving(plan, "eve") }).await.unwrap();
    let approved = journal.approvals(plan).await.unwrap();
    let told: Vec<_> = approved.iter().map(|a| (a.seq, &*a.actor, &*a.digest, a.note.as_deref())).collect();
    assert_eq!(told, [(1, "bob", "d1", Some("looks right")), (2, "eve", "d1", None)]);
    assert_eq!(approved[0].effect.get("rows").and_then(|rows| rows.as_int()), Some(3));
    assert_eq!((approved[1].hash, approved[1].at.micros), (second.hash, 5));
    let report = journal.verify(None).await.unwrap();
    assert_eq!((report.findings.as_slice(), report.anchor.unwrap().number), (&[][..], 3));
    // A plan is no run, and a run is no plan.
    assert!(journal.run(RunId(plan)).await.unwrap().is_none());
    for refused in
        [journal.append(RunId(plan), &[decided("s", "-")]).await, journal.append(RunId(plan), &[created()]).await]
    {
        assert!(refused.unwrap_err().to_string().contains("id of a plan"));
    }
    let error = journal.approve(&Approving { plan: run(1).0, ..approving(plan, "bob") }).await.unwrap_err();
    assert!(error.to_string().contains("id of a run"), "{error}");
    journal.rebuild().await.unwrap();
    assert_eq!(journal.approvals(plan).await.unwrap().len(), 2);
}

async fn a_purge_leaves_the_line_the_chain_and_a_reason(desk: Desk) {
    let journal = desk.open().await;
    let made = |plan: &str| {
        Event::from(crate::journal::payload::RunCreated { plan_id: Some(plan.into()), ..Filler::plain().created() })
    };
    for n in 1..=3 {
        journal.append(run(n), &[made(&format!("d{n}")), decided("a", "-")]).await.unwrap();
        if n != 2 {
            journal.append(run(n), &[Filler::plain().closed().into()]).await.unwrap();
        }
        desk.later(100);
    }
    let at = |seconds: i64| Stamp { micros: desk.world.now().micros - seconds * 1_000_000, digits: 6 };
    let old = journal.purgeable(at(150)).await.unwrap();
    assert_eq!(old.iter().map(|one| one.run.id).collect::<Vec<_>>(), [run(1)]);
    assert!(old[0].bytes > 300, "{}", old[0].bytes);
    // Neither one that is open nor one that is too young.
    for refused in [run(2), run(3)] {
        let error = journal.purge(refused, "ada", at(150)).await.unwrap_err();
        assert!(error.to_string().contains("it cannot be purged"), "{error}");
    }
    let before = state(&journal, 1).await;
    let end = journal.purge(run(1), "ada", at(150)).await.unwrap();
    journal.settle().await.unwrap();
    assert_eq!((end.seq, journal.purgeable(at(150)).await.unwrap().len()), (4, 0));

    let after = state(&journal, 1).await;
    assert_eq!((after.purged_at, after.events, after.end, &after.reason), (Some(at(0)), 4, before.end, &before.reason));
    assert_eq!(journal.runs(&RunFilter::default(), 9).await.unwrap().len(), 3);
    let report = journal.verify(None).await.unwrap();
    assert_eq!((report.findings.as_slice(), report.purged, report.events), (&[][..], 1, 9));
    assert!(report.blind.iter().any(|blind| blind.contains("purged")));

    // It is over for good, and every way on says why.
    let refused = [
        journal.events(run(1)).await.map(drop),
        journal.append(run(1), &[RunResumed { actor: "ada".into(), reason: None }.into()]).await.map(drop),
        journal.claim(run(1), holder("ada"), HOUR).await.map(drop),
        journal.purge(run(1), "ada", at(0)).await.map(drop),
    ];
    for refused in refused {
        let error = refused.unwrap_err();
        assert!(matches!(error, JournalError::Purged { .. }), "{error}");
        assert!(error.to_string().contains("`trueup audit purge`"), "{error}");
    }
    // The lists made again keep what only they know.
    journal.rebuild().await.unwrap();
    assert_eq!(format!("{:?}", state(&journal, 1).await), format!("{after:?}"));
    assert_eq!(journal.plan_used("d1").await.unwrap().unwrap().0, run(1));
    assert_eq!(journal.append(run(2), &[decided("b", "-")]).await.unwrap().seq, 3);
}

async fn a_run_that_is_read_in_several_pieces_comes_back_in_order(desk: Desk) {
    let journal = desk.open().await;
    journal.append(run(1), &[created()]).await.unwrap();
    let paused =
        |n: usize| Event::from(RunPaused { reason: format!("{n} {}", "x".repeat(300_000)), until: None, behind: None });
    for n in 0..12 {
        journal.append(run(1), &[paused(n), decided(&n.to_string(), "-")]).await.unwrap();
    }
    let events = journal.events(run(1)).await.unwrap();
    assert!(events.iter().map(|one| one.seq).eq(1..=25));
    for (n, pair) in events[1..].chunks(2).enumerate() {
        let (Event::RunPaused(paused), Event::HumanDecided(decided)) = (&pair[0].event, &pair[1].event) else {
            panic!()
        };
        assert!(paused.reason.starts_with(&format!("{n} x")) && *decided.step == *n.to_string());
    }
    assert_eq!(events.last().unwrap().hash, state(&journal, 1).await.head);
}
