//! Durable and alone: settings, rights, foreign files, crashes, full disks, callers that go away.

use super::*;
use crate::{
    base::{
        secret::Secret,
        value::{Marks, Value},
    },
    journal::{
        failure::Place,
        sqlite::schema,
        store::{Held, Store},
    },
};
use sqlx::{ConnectOptions, Connection, SqliteConnection, sqlite::SqliteConnectOptions};
use std::{
    fs,
    future::{Future, poll_fn},
    os::unix::fs::PermissionsExt,
    task::Poll,
};

fn mode(path: &Path) -> u32 {
    fs::metadata(path).unwrap().permissions().mode() & 0o777
}

async fn raw(path: &Path) -> SqliteConnection {
    SqliteConnectOptions::new().filename(path).create_if_missing(true).connect().await.unwrap()
}

fn file<'h>(held: &'h mut Held<'_>) -> &'h mut SqliteConnection {
    match &mut held.state.store {
        Store::File(Some(file)) => file,
        _ => panic!("not a file"),
    }
}

async fn number(held: &mut Held<'_>, pragma: &'static str) -> i64 {
    sqlx::query_scalar(pragma).fetch_one(file(held)).await.unwrap()
}

#[tokio::test]
async fn every_commit_is_synced_and_the_file_is_its_owners_alone() {
    let desk = Desk::on_sqlite();
    let path = desk.home.path().join("new/folder/journal.db");
    let journal = desk.open_at(&path).await.unwrap();
    journal.append(run(1), &[created()]).await.unwrap();
    let mut held = journal.connection().await.unwrap();
    assert_eq!(number(&mut held, "PRAGMA synchronous").await, 2);
    assert_eq!(number(&mut held, "PRAGMA foreign_keys").await, 1);
    assert_eq!(number(&mut held, "PRAGMA application_id").await, schema::APPLICATION_ID);
    let kind: String = sqlx::query_scalar("PRAGMA journal_mode").fetch_one(file(&mut held)).await.unwrap();
    assert_eq!(kind, "wal");
    for file in ["journal.db", "journal.db-wal", "journal.db-shm"] {
        assert_eq!(mode(&path.with_file_name(file)), 0o600, "{file}");
    }
    assert_eq!(mode(path.parent().unwrap()), 0o700);
    assert_eq!(fs::read_dir(path.parent().unwrap()).unwrap().count(), 3, "nothing is left of making it");
}

#[tokio::test]
async fn rights_that_are_too_wide_are_taken_back_and_told() {
    let desk = Desk::on_sqlite();
    desk.open().await.close().await.unwrap();
    fs::set_permissions(desk.path(), fs::Permissions::from_mode(0o644)).unwrap();
    let journal = desk.open().await;
    assert_eq!(mode(&desk.path()), 0o600);
    assert!(matches!(journal.warnings(), [one] if one.contains("mode 0644")), "{:?}", journal.warnings());
}

#[tokio::test]
async fn files_of_another_kind_are_refused_and_stay_as_they_are() {
    let desk = Desk::on_sqlite();
    let home = desk.home.path();
    let mut foreign = raw(&home.join("foreign.db")).await;
    sqlx::query("CREATE TABLE meta (journal TEXT, format INTEGER)").execute(&mut foreign).await.unwrap();
    foreign.close().await.unwrap();
    fs::write(home.join("text.db"), "this is a letter and no database\n".repeat(100)).unwrap();
    fs::write(home.join("empty.db"), "").unwrap();
    fs::create_dir(home.join("folder.db")).unwrap();
    for (file, why) in [
        ("foreign.db", "another program"),
        ("text.db", "not a SQLite file"),
        ("empty.db", "it is empty"),
        ("folder.db", "not a file"),
    ] {
        let before = fs::read(home.join(file)).ok();
        let error = desk.open_at(&home.join(file)).await.unwrap_err();
        assert!(
            matches!(error, JournalError::NotAJournal { .. }) && error.to_string().contains(why),
            "{file}: {error}"
        );
        assert_eq!(fs::read(home.join(file)).ok(), before, "{file}");
    }
    fs::write(home.join("file"), "").unwrap();
    assert!(matches!(desk.open_at(&home.join("file/journal.db")).await, Err(JournalError::Io { .. })));
}

#[tokio::test]
async fn a_journal_of_a_later_version_or_without_its_settings_is_refused() {
    let desk = Desk::on_sqlite();
    desk.open().await.close().await.unwrap();
    let mut file = raw(&desk.path()).await;
    sqlx::query("UPDATE meta SET format = 9").execute(&mut file).await.unwrap();
    file.close().await.unwrap();
    let error = desk.open_at(&desk.path()).await.unwrap_err();
    assert!(matches!(error, JournalError::Newer { found: 9, known: 4, .. }));
    assert!(error.to_string().contains("has format 9, this version of trueup reads up to 4"), "{error}");

    let mut file = raw(&desk.path()).await;
    sqlx::query("UPDATE meta SET format = 4").execute(&mut file).await.unwrap();
    sqlx::query("PRAGMA journal_mode = DELETE").execute(&mut file).await.unwrap();
    file.close().await.unwrap();
    let error = desk.open_at(&desk.path()).await.unwrap_err();
    assert!(error.to_string().contains("`journal_mode` is delete"), "{error}");
}

#[tokio::test]
async fn the_record_cannot_be_changed_by_a_slip() {
    let desk = Desk::on_sqlite();
    let journal = desk.open().await;
    journal.append(run(1), &[created()]).await.unwrap();
    let mut held = journal.connection().await.unwrap();
    for slip in [
        "UPDATE events SET at = 0",
        "DELETE FROM events",
        "UPDATE payloads SET bytes = ''",
        "DELETE FROM payloads",
        "UPDATE heads SET seq = 9",
        "DELETE FROM heads",
    ] {
        let error = sqlx::query(slip).execute(file(&mut held)).await.unwrap_err();
        assert!(error.to_string().contains("append-only"), "{slip}: {error}");
    }
}

/// What a process leaves behind that is killed: the files as they are at that moment.
fn crash(from: &Path, to: &Path, wal_bytes: Option<usize>) {
    fs::create_dir_all(to.parent().unwrap()).unwrap();
    fs::copy(from, to).unwrap();
    let beside = |path: &Path| path.with_file_name("journal.db-wal");
    let mut wal = fs::read(beside(from)).unwrap();
    wal.truncate(wal_bytes.unwrap_or(wal.len()));
    fs::write(beside(to), wal).unwrap();
}

#[tokio::test]
async fn what_was_appended_survives_a_kill_and_the_next_append_goes_on_from_there() {
    let desk = Desk::on_sqlite();
    let journal = desk.open().await;
    journal.append(run(1), &[created(), decided("a", "-")]).await.unwrap();
    let copy = desk.home.path().join("crashed/journal.db");
    crash(&desk.path(), &copy, None);
    let again = desk.open_at(&copy).await.unwrap();
    let end = again.append(run(1), &[decided("b", "-")]).await.unwrap();
    assert_eq!(end.seq, 3);
    assert!(again.verify(None).await.unwrap().findings.is_empty());
}

#[tokio::test]
async fn a_journal_cut_anywhere_in_its_last_writes_opens_as_it_was_after_one_of_them() {
    let desk = Desk::on_sqlite();
    let journal = desk.open().await;
    let mut lengths = vec![0];
    journal.append(run(1), &[created()]).await.unwrap();
    for i in 0..6 {
        let group = [decided(&format!("first {i}"), "-"), decided(&format!("second {i}"), "-")];
        lengths.push(journal.append(run(1), &group).await.unwrap().seq);
    }
    let wal = fs::metadata(desk.path().with_file_name("journal.db-wal")).unwrap().len() as usize;
    let mut seen = std::collections::BTreeSet::new();
    for (i, cut) in (0..=wal).step_by(977).chain([wal]).enumerate() {
        let copy = desk.home.path().join(format!("cut{i}/journal.db"));
        crash(&desk.path(), &copy, Some(cut));
        let again = desk.open_at(&copy).await.unwrap();
        let events = again.events(run(1)).await.unwrap().len() as u64;
        assert!(events == 1 || lengths.contains(&events), "{events} events: half a group");
        assert!(again.verify(None).await.unwrap().findings.is_empty(), "cut at {cut}");
        seen.insert(events);
    }
    assert!(seen.contains(&0) && seen.contains(&13) && seen.len() > 5, "{seen:?}");
}

/// A disk so slow that every statement is waited for: each wait is a place where the caller may go away.
async fn slow(held: &mut Held<'_>) {
    let wait = || std::thread::sleep(Duration::from_micros(300));
    let mut handle = file(held).lock_handle().await.unwrap();
    handle.set_progress_handler(8, move || {
        wait();
        true
    });
    handle.set_commit_hook(move || {
        wait();
        true
    });
}

#[tokio::test]
async fn a_caller_that_goes_away_leaves_all_of_its_group_or_nothing() {
    let desk = Desk::on_sqlite();
    let journal = desk.open().await;
    slow(&mut journal.connection().await.unwrap()).await;
    journal.append(run(1), &[created()]).await.unwrap();
    let (mut whole, mut nothing, mut expected) = (0, 0, 1);
    for turns in 0..40 {
        let group = [decided("a", "-"), decided("b", "-")];
        let mut append = Box::pin(journal.append(run(1), &group));
        // It is asked once, the writer gets some turns, and then the caller is gone.
        let asked = poll_fn(|cx| Poll::Ready(append.as_mut().poll(cx).is_ready())).await;
        assert!(!asked);
        for _ in 0..turns % 8 {
            tokio::task::yield_now().await;
        }
        drop(append);
        // What was under way then is over when something behind it is recorded.
        journal.append(run(1), &[decided("c", "-")]).await.unwrap();
        let events = journal.events(run(1)).await.unwrap().len();
        match events - expected - 1 {
            2 => whole += 1,
            0 => nothing += 1,
            half => panic!("{half} events of a group of 2"),
        }
        expected = events;
    }
    assert!(whole > 3 && nothing > 3, "{whole} whole, {nothing} withdrawn");
    assert_eq!(journal.append(run(1), &[decided("c", "-")]).await.unwrap().seq as usize, expected + 1);
    assert!(journal.verify(None).await.unwrap().findings.is_empty());
}

#[tokio::test]
async fn a_full_disk_records_nothing_and_the_journal_goes_on_when_there_is_space() {
    let desk = Desk::on_sqlite();
    let journal = desk.open().await;
    journal.append(run(1), &[created()]).await.unwrap();
    let pages = number(&mut journal.connection().await.unwrap(), "PRAGMA page_count").await;
    assert!(pages < 100);
    number(&mut journal.connection().await.unwrap(), "PRAGMA max_page_count = 100").await;
    let long = || RunPaused { reason: noise(2_000_000), until: None, behind: None }.into();
    let error = journal.append(run(1), &[decided("a", "-"), long()]).await.unwrap_err();
    assert!(matches!(error, JournalError::Full { .. }) && error.to_string().contains("the disk is full"), "{error}");
    assert_eq!(journal.events(run(1)).await.unwrap().len(), 1);
    number(&mut journal.connection().await.unwrap(), "PRAGMA max_page_count = 100000").await;
    assert_eq!(journal.append(run(1), &[long()]).await.unwrap().seq, 2);
    assert!(journal.verify(None).await.unwrap().findings.is_empty());
}

#[tokio::test]
async fn a_file_that_is_locked_for_too_long_is_said_to_be() {
    let desk = Desk::on_sqlite();
    let journal = desk.open().await;
    journal.append(run(1), &[created()]).await.unwrap();
    number(&mut journal.connection().await.unwrap(), "PRAGMA busy_timeout = 20").await;
    let mut other = raw(&desk.path()).await;
    sqlx::query("BEGIN IMMEDIATE").execute(&mut other).await.unwrap();
    let error = journal.append(run(1), &[decided("a", "-")]).await.unwrap_err();
    assert!(matches!(error, JournalError::Locked { .. }), "{error}");
    sqlx::query("ROLLBACK").execute(&mut other).await.unwrap();
    assert_eq!(journal.append(run(1), &[decided("a", "-")]).await.unwrap().seq, 2);
}

#[tokio::test]
async fn after_the_disk_failed_the_handle_writes_no_more() {
    let desk = Desk::on_sqlite();
    let journal = desk.open().await;
    journal.append(run(1), &[created()]).await.unwrap();
    let failed = JournalError::Disk { place: Place::File(desk.path()), what: "disk I/O error".into() };
    assert!(journal.connection().await.unwrap().note::<()>(Err(failed)).is_err());
    let error = journal.append(run(1), &[decided("a", "-")]).await.unwrap_err();
    assert!(matches!(error, JournalError::Disk { .. }), "{error}");
    assert_eq!(desk.open().await.append(run(1), &[decided("a", "-")]).await.unwrap().seq, 2);
}

#[tokio::test]
async fn without_a_key_personal_values_are_refused_and_the_rest_is_recorded() {
    let desk = Desk::on_sqlite();
    let sealed = desk.open().await;
    sealed.append(run(1), &[created(), Filler::plain().asked("agreed", &["-"]).into()]).await.unwrap();
    let keyless = Journal::open(&desk.path(), World::real(), Sealer::without_key(Masks::default())).await.unwrap();
    let error = keyless.append(run(2), &[created()]).await.unwrap_err();
    assert!(matches!(error, JournalError::Unstorable { event: "run.created", .. }), "{error}");
    keyless.append(run(1), &[decided("other", "-")]).await.unwrap();
    let events = keyless.events(run(1)).await.unwrap();
    let Event::RunCreated(made) = &events[0].event else { panic!() };
    assert!(made.params.values().any(|value| value.plain() == "(personal)"), "{:?}", made.params);
    assert_eq!(keyless.waiting().await.unwrap().len(), 1);
}

#[tokio::test]
async fn neither_secrets_nor_personal_values_stand_in_the_files_in_clear() {
    let desk = Desk::on_sqlite();
    let masks = Masks::default();
    masks.add(&Secret::new("hunter22"));
    let sealer = Sealer::open(&desk.home.path().join("trueup/seal.key"), masks).unwrap();
    let journal = Journal::open(&desk.path(), World::real(), sealer).await.unwrap();
    let values =
        vec![Value::from("ada@example.org").marked(Marks::PERSONAL), Value::from("s3cr3t").marked(Marks::SECRET)];
    let filler = Filler::new(["key hunter22", "plain words"].map(String::from).to_vec(), values, vec![2, 3, 6]);
    let events = filler.events_of_a_run(run(1));
    let asked = events.iter().position(|event| event.name() == "human.asked").unwrap();
    journal.append(run(1), &events[..=asked]).await.unwrap();
    assert_eq!(journal.waiting().await.unwrap().len(), 1);
    let look = || {
        let files =
            ["journal.db", "journal.db-wal"].map(|name| fs::read(desk.path().with_file_name(name)).unwrap_or_default());
        let all = String::from_utf8_lossy(&files.concat()).into_owned();
        assert!(all.contains("plain words") && all.contains("$sealed"));
        ["hunter22", "ada@example.org", "s3cr3t"].into_iter().filter(|word| all.contains(word)).collect::<Vec<_>>()
    };
    assert_eq!(look(), [""; 0]);
    journal.append(run(1), &events[asked + 1..]).await.unwrap();
    journal.close().await.unwrap();
    assert_eq!(look(), [""; 0]);
}
