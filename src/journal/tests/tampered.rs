//! Tampering with a file, where SQLite lets one put anything anywhere. (`forged.rs`: on both stores.)

use super::*;
use crate::journal::{
    Anchor, Report,
    chain::{self, Hash},
};
use sqlx::{ConnectOptions, Connection, SqliteConnection, sqlite::SqliteConnectOptions};
use std::fs;

/// Numbers that are the same in every run of the test.
pub(super) struct Dice(pub(super) u64);

impl Dice {
    pub(super) fn roll(&mut self, below: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 % below as u64) as usize
    }
}

/// Runs 1 and 2 are closed, run 3 is not.
pub(super) async fn three_runs(desk: &Desk) -> Anchor {
    let journal = desk.open().await;
    let filler = Filler::plain();
    for n in 1..=3 {
        journal.append(run(n), &[created()]).await.unwrap();
        for i in 0..6 {
            desk.later(1);
            journal.append(run(n), &[decided(&format!("step {i} of {n}"), "-")]).await.unwrap();
        }
        if n < 3 {
            journal.append(run(n), &[filler.closed().into()]).await.unwrap();
        }
    }
    let report = journal.verify(None).await.unwrap();
    assert_eq!((report.events, report.findings.len()), (23, 0));
    journal.close().await.unwrap();
    report.anchor.unwrap()
}

/// A copy of the file without the triggers, for somebody who knows SQLite.
async fn copy(desk: &Desk, n: usize) -> (std::path::PathBuf, SqliteConnection) {
    let path = desk.home.path().join(format!("copy{n}.db"));
    fs::copy(desk.path(), &path).unwrap();
    let mut file = SqliteConnectOptions::new().filename(&path).foreign_keys(false).connect().await.unwrap();
    for drop in ["events_stay", "events_last", "payloads_stay", "payloads_last", "heads_stay", "heads_last"] {
        let drop = sqlx::AssertSqlSafe(format!("DROP TRIGGER {drop}"));
        sqlx::query(drop).execute(&mut file).await.unwrap();
    }
    sqlx::query("PRAGMA synchronous = OFF").execute(&mut file).await.unwrap();
    (path, file)
}

async fn sql(file: &mut SqliteConnection, statement: &str) {
    let done = sqlx::query(sqlx::AssertSqlSafe(statement.to_owned())).execute(&mut *file).await.unwrap();
    assert!(done.rows_affected() > 0, "nothing happened: {statement}");
}

async fn verdict(desk: &Desk, path: &Path, file: SqliteConnection, anchor: Option<Anchor>) -> Report {
    file.close().await.unwrap();
    let journal = desk.open_at(path).await.unwrap();
    let report = journal.verify(anchor).await.unwrap();
    journal.close().await.unwrap();
    fs::remove_file(path).unwrap();
    report
}

#[tokio::test]
async fn cuts_and_forged_ends_are_found_where_the_journals_own_chain_or_the_list_knows_better() {
    let desk = Desk::on_sqlite();
    three_runs(&desk).await;
    let (closed, open) = (run(1).to_string(), run(3).to_string());
    let cut_closed = format!("DELETE FROM events WHERE run = '{closed}' AND seq > 5");
    let cases = [
        (vec![format!("DELETE FROM events WHERE run = '{open}' AND seq > 5")], "the list of runs"),
        (
            vec![
                cut_closed.clone(),
                format!(
                    "UPDATE runs SET seq = 5, head = (SELECT hash FROM events WHERE run = '{closed}' AND seq = 5) WHERE id = '{closed}'"
                ),
            ],
            "missing at the end",
        ),
        (
            vec![
                format!("DELETE FROM events WHERE run = '{closed}'"),
                format!("DELETE FROM runs WHERE id = '{closed}'"),
            ],
            "missing at the end",
        ),
        (vec![format!("DELETE FROM heads WHERE run = '{open}'")], "does not know this run"),
        (vec![format!("DELETE FROM heads WHERE run = '{closed}'")], "entries before it are missing"),
        (
            vec!["UPDATE heads SET seq = seq - 1 WHERE number = 2".into()],
            "entry 2: its hash is not that of its content",
        ),
        (vec![format!("DELETE FROM runs WHERE id = '{open}'")], "the list of runs"),
        (vec![format!("UPDATE events SET hash = 7, prev = 'x' WHERE run = '{open}' AND seq = 3")], "event 3: "),
        (vec![format!("UPDATE events SET kind = x'ff00', at = 'noon' WHERE run = '{open}' AND seq = 3")], "event 3: "),
        (vec![format!("UPDATE heads SET hash = 'x', seq = 'y' WHERE run = '{open}'")], "entry 5: "),
        (vec![format!("UPDATE events SET run = 'nobody' WHERE run = '{open}'")], "`nobody` is not the id of a run"),
    ];
    for (n, (statements, words)) in cases.into_iter().enumerate() {
        let (path, mut file) = copy(&desk, n).await;
        for statement in &statements {
            sql(&mut file, statement).await;
        }
        let report = verdict(&desk, &path, file, None).await;
        let told: Vec<_> = report.findings.iter().map(ToString::to_string).collect();
        assert!(told.iter().any(|t| t.contains(words)), "{statements:?}: {told:?}");
    }
}

#[tokio::test]
async fn a_tampered_run_is_neither_read_nor_extended() {
    let desk = Desk::on_sqlite();
    three_runs(&desk).await;
    let open = run(3).to_string();
    let (path, mut file) = copy(&desk, 0).await;
    sql(
        &mut file,
        &format!("UPDATE payloads SET bytes = replace(bytes, 'ada', 'eve') WHERE run = '{open}' AND seq = 4"),
    )
    .await;
    sql(&mut file, &format!("DELETE FROM events WHERE run = '{}' AND seq > 5", run(1))).await;
    file.close().await.unwrap();
    let journal = desk.open_at(&path).await.unwrap();
    let error = journal.events(run(3)).await.unwrap_err();
    assert!(matches!(error, JournalError::Tampered { seq: 4, .. }), "{error}");
    super::sifted::same(&journal, run(3)).await;
    assert_eq!(journal.events(run(2)).await.unwrap().len(), 8);
    let error = journal.append(run(1), &[decided("a", "-")]).await.unwrap_err();
    assert!(matches!(error, JournalError::Tampered { seq: 5, .. }), "{error}");
}

/// An entry that lies compressed, by somebody who computes the hashes anew or not.
#[tokio::test]
async fn what_lies_compressed_is_verified_before_it_is_unpacked() {
    let desk = Desk::on_sqlite();
    let journal = desk.open().await;
    journal.append(run(1), &[created(), decided(&"large ".repeat(2_000), "-")]).await.unwrap();
    journal.close().await.unwrap();
    let length: fn(&mut Vec<u8>) = |bytes| bytes[1..5].copy_from_slice(&u32::MAX.to_le_bytes());
    let block: fn(&mut Vec<u8>) = |bytes| bytes[7] ^= 1;
    let cases = [
        (length, false, "its payload was changed"),
        (block, false, "its payload was changed"),
        (length, true, "its payload cannot be unpacked"),
    ];
    for (n, (spoil, hashed, words)) in cases.into_iter().enumerate() {
        let (path, mut file) = copy(&desk, n).await;
        let (mut bytes,): (Vec<u8>,) =
            sqlx::query_as("SELECT bytes FROM payloads WHERE seq = 2").fetch_one(&mut file).await.unwrap();
        assert!(bytes[0] == 4 && bytes.len() < 1_000, "{}", bytes.len());
        spoil(&mut bytes);
        let own = Hash::of_payload(&bytes);
        sqlx::query("UPDATE payloads SET bytes = ? WHERE seq = 2").bind(bytes).execute(&mut file).await.unwrap();
        if hashed {
            let (first,): (Vec<u8>,) =
                sqlx::query_as("SELECT hash FROM events WHERE seq = 1").fetch_one(&mut file).await.unwrap();
            let hash = chain::link(run(1), 2, Hash::from_slice(&first).unwrap(), own);
            for statement in
                ["UPDATE events SET payload_hash = ?1, hash = ?2 WHERE seq = 2", "UPDATE runs SET head = ?2"]
            {
                let query = sqlx::query(statement).bind(own.0.to_vec()).bind(hash.0.to_vec());
                query.execute(&mut file).await.unwrap();
            }
        }
        file.close().await.unwrap();
        let journal = desk.open_at(&path).await.unwrap();
        let error = journal.events(run(1)).await.unwrap_err().to_string();
        assert!(error.contains(words) && error.contains("event 2"), "{error}");
        super::sifted::same(&journal, run(1)).await;
        let found: Vec<_> = journal.verify(None).await.unwrap().findings.iter().map(ToString::to_string).collect();
        assert!(found.len() == 1 && found[0].contains(words), "{found:?}");
        journal.close().await.unwrap();
    }
}

#[tokio::test]
async fn whatever_byte_of_the_file_changes_no_other_history_is_ever_read() {
    let desk = Desk::on_sqlite();
    three_runs(&desk).await;
    let whole = fs::read(desk.path()).unwrap();
    let history = async |journal: &Journal| {
        let mut all = String::new();
        for n in 1..=3 {
            all.push_str(&format!("{:?}", journal.events(run(n)).await.ok()?));
        }
        Some(all)
    };
    let truth = history(&desk.open().await).await.unwrap();
    let (mut dice, mut found, mut harmless) = (Dice(0xbeef), 0, 0);
    for n in 0..250 {
        let path = desk.home.path().join(format!("flip{n}.db"));
        let mut bytes = whole.clone();
        let at = dice.roll(bytes.len());
        bytes[at] ^= 1 << dice.roll(8);
        fs::write(&path, &bytes).unwrap();
        let sound = match desk.open_at(&path).await {
            Ok(journal) => {
                for n in 1..=3 {
                    super::sifted::same(&journal, run(n)).await;
                }
                let clean = journal.verify(None).await.is_ok_and(|report| report.findings.is_empty());
                if clean {
                    assert_eq!(history(&journal).await.as_deref(), Some(&*truth), "byte {at}");
                }
                clean
            }
            Err(_) => false,
        };
        if sound {
            harmless += 1
        } else {
            found += 1
        }
        fs::remove_file(&path).unwrap();
    }
    assert!(found > 20 && harmless > 0, "{found} found, {harmless} in unused space or in the lists");
}
