//! A thousand tamperings, on both stores: each is found at its place, and what cannot be found from inside is said and is
//! found with an anchor.

use super::{
    tampered::{Dice, three_runs},
    *,
};
use crate::journal::{
    Anchor, Report,
    chain::{self, Hash},
};
use sqlx::{Connection, PgConnection, Row, SqliteConnection, sqlite::SqliteConnectOptions};
use std::{fs, path::PathBuf};

on_both! {
    changed_missing_moved_and_foreign_events_are_found_at_their_place,
    ends_that_were_cut_off_are_found_with_an_anchor_and_without_one_that_is_said,
    ends_that_were_cut_off_and_written_anew_are_found_with_an_anchor,
    journals_that_were_written_anew_as_a_whole_are_found_with_an_anchor,
    a_run_in_the_middle_that_never_happened_is_found_with_an_anchor,
    changed_and_missing_approvals_are_found,
    what_is_removed_without_a_purge_is_found_and_what_is_purged_is_not,
    a_long_run_is_looked_through_as_a_short_one_wherever_somebody_was_at_it,
}

/// A journal in the hands of its owner: nothing stops him.
struct Owned {
    desk: Desk,
    raw: Raw,
    id: uuid::Uuid,
    /// Open all the time, on a server.
    journal: Option<Journal>,
}

enum Raw {
    File { path: PathBuf, file: Option<SqliteConnection> },
    Server(PgConnection),
}

impl Raw {
    /// How many rows it changed.
    async fn run(&mut self, statement: &str) -> u64 {
        let statement = sqlx::AssertSqlSafe(statement.to_owned());
        match self {
            Raw::File { file, .. } => {
                sqlx::query(statement).execute(file.as_mut().unwrap()).await.unwrap().rows_affected()
            }
            Raw::Server(server) => sqlx::query(statement).execute(server).await.unwrap().rows_affected(),
        }
    }
}

const TABLES: [&str; 6] = ["payloads", "events", "heads", "runs", "plans_used", "questions"];

impl Owned {
    /// Of a desk whose journal was written and closed; [`Owned::as_it_was`] comes first.
    async fn of(desk: Desk) -> Owned {
        let journal = desk.open().await;
        let id = journal.id();
        let raw = match &desk.url {
            None => Raw::File { path: desk.home.path().join("copy.db"), file: None },
            Some(url) => {
                let options: PgConnectOptions = url.parse().unwrap();
                let mut raw =
                    Raw::Server(options.options([("search_path", "trueup_journal")]).connect().await.unwrap());
                for trigger in
                    ["events_stay", "events_all", "heads_stay", "heads_all", "payloads_stay", "payloads_last"]
                {
                    let table = trigger.split('_').next().unwrap();
                    raw.run(&format!("DROP TRIGGER {trigger} ON {table}")).await;
                }
                raw.run("DROP TRIGGER payloads_all ON payloads").await;
                raw.run("ALTER TABLE payloads DROP CONSTRAINT payloads_run_seq_fkey").await;
                raw.run("CREATE SCHEMA kept").await;
                for table in TABLES {
                    raw.run(&format!("CREATE TABLE kept.{table} AS TABLE {table}")).await;
                }
                raw.run("SET synchronous_commit = off").await;
                raw
            }
        };
        let journal = desk.url.is_some().then_some(journal);
        Owned { desk, raw, id, journal }
    }

    /// Everything as it was before the first tampering.
    async fn as_it_was(&mut self) {
        let home = self.desk.path();
        match &mut self.raw {
            Raw::Server(_) => {
                self.raw.run("BEGIN").await;
                for table in TABLES {
                    self.raw.run(&format!("DELETE FROM {table}")).await;
                    self.raw.run(&format!("INSERT INTO {table} SELECT * FROM kept.{table}")).await;
                }
                self.raw.run("COMMIT").await;
            }
            Raw::File { path, file } => {
                let _ = fs::remove_file(&*path);
                fs::copy(home, &*path).unwrap();
                let options = SqliteConnectOptions::new().filename(&*path).foreign_keys(false);
                *file = Some(options.connect().await.unwrap());
                for trigger in
                    ["events_stay", "events_last", "payloads_stay", "payloads_last", "heads_stay", "heads_last"]
                {
                    self.raw.run(&format!("DROP TRIGGER {trigger}")).await;
                }
                self.raw.run("PRAGMA synchronous = OFF").await;
            }
        }
    }

    async fn sql(&mut self, statement: &str) {
        let done = self.raw.run(statement).await;
        assert!(done > 0, "nothing happened: {statement}");
    }

    async fn bytes(&mut self, question: &str) -> Vec<u8> {
        let question = sqlx::AssertSqlSafe(question.to_owned());
        match &mut self.raw {
            Raw::File { file, .. } => sqlx::query_scalar(question).fetch_one(file.as_mut().unwrap()).await.unwrap(),
            Raw::Server(server) => sqlx::query_scalar(question).fetch_one(server).await.unwrap(),
        }
    }

    async fn put(&mut self, statement: &str, bytes: &[&[u8]]) {
        let statement = sqlx::AssertSqlSafe(statement.to_owned());
        match &mut self.raw {
            Raw::File { file, .. } => {
                let query = bytes.iter().fold(sqlx::query(statement), |query, bytes| query.bind(*bytes));
                query.execute(file.as_mut().unwrap()).await.map(drop).unwrap();
            }
            Raw::Server(server) => {
                let query = bytes.iter().fold(sqlx::query(statement), |query, bytes| query.bind(*bytes));
                query.execute(server).await.map(drop).unwrap();
            }
        }
    }

    /// The heads as they are: number, run, seq, head.
    async fn heads(&mut self) -> Vec<(i64, String, i64, Vec<u8>)> {
        let question = "SELECT number, run, seq, head FROM heads ORDER BY number";
        match &mut self.raw {
            Raw::File { file, .. } => {
                let rows = sqlx::query(question).fetch_all(file.as_mut().unwrap()).await.unwrap();
                rows.iter().map(|row| (row.get(0), row.get(1), row.get(2), row.get(3))).collect()
            }
            Raw::Server(server) => {
                let rows = sqlx::query(question).fetch_all(server).await.unwrap();
                rows.iter().map(|row| (row.get(0), row.get(1), row.get(2), row.get(3))).collect()
            }
        }
    }

    /// The journal as the next one opens it.
    async fn opened(&mut self) -> Journal {
        if let Some(journal) = self.journal.take() {
            return journal;
        }
        let Raw::File { path, file } = &mut self.raw else { panic!("it was not given back") };
        if let Some(file) = file.take() {
            file.close().await.unwrap();
        }
        let path = path.clone();
        self.desk.open_at(&path).await.unwrap()
    }

    async fn done_with(&mut self, journal: Journal) {
        match self.raw {
            Raw::Server(_) => self.journal = Some(journal),
            Raw::File { .. } => journal.close().await.unwrap(),
        }
    }

    async fn verdict(&mut self, anchor: Option<Anchor>) -> Report {
        let journal = self.opened().await;
        let report = journal.verify(anchor).await.unwrap();
        self.done_with(journal).await;
        report
    }

    /// Bytes of one cell, changed in one bit.
    async fn flip(&mut self, table: &str, column: &str, here: &str, dice: &mut Dice) {
        let mut bytes = self.bytes(&format!("SELECT {column} FROM {table} WHERE {here}")).await;
        let at = dice.roll(bytes.len());
        bytes[at] ^= 1 << dice.roll(8);
        self.put(&format!("UPDATE {table} SET {column} = $1 WHERE {here}"), &[&bytes]).await;
    }

    /// Two neighbours change places.
    async fn reorder(&mut self, table: &str, run: &str, seq: usize) {
        for (from, to) in [(seq, 1000), (seq + 1, seq), (1000, seq + 1)] {
            self.sql(&format!("UPDATE {table} SET seq = {to} WHERE run = '{run}' AND seq = {from}")).await;
        }
    }

    /// The journal ends after `kept` entries of its own chain, as somebody would leave it who knows how it is made. A run
    /// whose end is cut off keeps `events` events.
    async fn cut(&mut self, kept: usize, events: i64) {
        let heads = self.heads().await;
        for (number, run, seq, _) in heads.iter().rev().take(heads.len() - kept) {
            self.sql(&format!("DELETE FROM heads WHERE number = {number}")).await;
            let keep = if *seq == 1 { 0 } else { events };
            for table in ["payloads", "events"] {
                // A run of which the beginning is cut off goes as a whole.
                let cut = format!("DELETE FROM {table} WHERE run = '{run}' AND seq > {keep}");
                self.raw.run(&cut).await;
            }
            self.sql(&if keep == 0 {
                format!("DELETE FROM runs WHERE id = '{run}'")
            } else {
                format!(
                    "UPDATE runs SET state = 'running', ended = NULL, closed_at = NULL, seq = {keep}, head =
                     (SELECT hash FROM events WHERE run = '{run}' AND seq = {keep}) WHERE id = '{run}'"
                )
            })
            .await;
        }
    }
}

/// How often each way to tamper is tried, on each store: with twelve ways and three kinds of forged ends, more than a
/// thousand in all.
const EACH: usize = 36;
const ENDS: usize = 28;

fn store(desk: &Desk) -> &'static str {
    if desk.url.is_some() { "PostgreSQL" } else { "SQLite" }
}

/// A line of the table that `scripts/prove` prints: this many were made, and all were found.
fn told(what: &str, desk: &str, many: usize, since: std::time::Instant) {
    crate::base::proved_tests::line("T23", &format!("{what}, {desk}"), many, since);
}

async fn changed_missing_moved_and_foreign_events_are_found_at_their_place(desk: Desk) {
    let (since, store) = (std::time::Instant::now(), store(&desk));
    three_runs(&desk).await;
    let mut owned = Owned::of(desk).await;
    let mut dice = Dice(0x5eed);
    for n in 0..12 * EACH {
        owned.as_it_was().await;
        let (r, seq) = (1 + dice.roll(3) as u128, 2 + dice.roll(5));
        let (name, other) = (run(r).to_string(), run(1 + r % 3).to_string());
        let here = format!("run = '{name}' AND seq = {seq}");
        let kind = n % 12;
        match kind {
            0 => owned.flip("payloads", "bytes", &here, &mut dice).await,
            1 => owned.flip("events", "hash", &here, &mut dice).await,
            2 => owned.flip("events", "prev", &here, &mut dice).await,
            3 => owned.flip("events", "payload_hash", &here, &mut dice).await,
            4 => owned.sql(&format!("UPDATE events SET at = at + 1 WHERE {here}")).await,
            5 => owned.sql(&format!("UPDATE events SET kind = 'step.read' WHERE {here}")).await,
            6 => owned.sql(&format!("DELETE FROM events WHERE {here}")).await,
            7 => owned.sql(&format!("DELETE FROM payloads WHERE {here}")).await,
            8 => owned.reorder("payloads", &name, seq).await,
            9 => owned.reorder("events", &name, seq).await,
            10 => {
                // Splice: an event of another run, whole.
                owned.sql(&format!("DELETE FROM events WHERE {here}")).await;
                owned.sql(&format!("UPDATE events SET run = '{name}' WHERE run = '{other}' AND seq = {seq}")).await;
            }
            _ => {
                // Insert: everything after it moves up by one.
                owned.sql(&format!("UPDATE events SET seq = seq + 1000 WHERE run = '{name}' AND seq > {seq}")).await;
                owned.sql(&format!("UPDATE events SET seq = seq - 999 WHERE run = '{name}' AND seq > 1000")).await;
                let insert = format!(
                    "INSERT INTO events SELECT run, seq + 1, kind, at, hash, hash, payload_hash FROM events WHERE {here}"
                );
                owned.sql(&insert).await;
            }
        }
        let report = owned.verdict(None).await;
        let first = report.findings.iter().find(|f| f.run == Some(run(r)));
        let first = first.unwrap_or_else(|| panic!("kind {kind} not found"));
        assert_eq!(first.seq, if kind == 11 { seq + 1 } else { seq } as u64, "kind {kind}: {first}");
    }
    told("changed, missing, moved, foreign events", store, 12 * EACH, since);
}

/// Nothing to be seen from inside, and that is said; with the anchor it is found.
async fn only_an_anchor_shows_it(owned: &mut Owned, anchor: Anchor) {
    let report = owned.verdict(None).await;
    assert_eq!(report.findings, [], "a forger who knows how it is made");
    assert!(report.blind.iter().any(|blind| blind.contains("written anew")), "{:?}", report.blind);
    let report = owned.verdict(Some(anchor)).await;
    let told: Vec<_> = report.findings.iter().map(ToString::to_string).collect();
    assert!(matches!(&told[..], [one] if one.contains("anchor")), "{told:?}");
}

/// As [`three_runs`], with an anchor that covers the open run too.
async fn anchored(desk: &Desk) -> Anchor {
    three_runs(desk).await;
    let journal = desk.open().await;
    let anchor = journal.anchor().await.unwrap().unwrap();
    assert_eq!(anchor.number, 6, "runs 1 and 2 made and closed, run 3 made and how far it is");
    assert_eq!(journal.anchor().await.unwrap(), Some(anchor), "nothing new, nothing added");
    journal.close().await.unwrap();
    anchor
}

async fn ends_that_were_cut_off_are_found_with_an_anchor_and_without_one_that_is_said(desk: Desk) {
    let (since, store) = (std::time::Instant::now(), store(&desk));
    let anchor = anchored(&desk).await;
    let mut owned = Owned::of(desk).await;
    let mut dice = Dice(0xc07);
    for _ in 0..ENDS {
        owned.as_it_was().await;
        owned.cut(1 + dice.roll(5), 1 + dice.roll(6) as i64).await;
        only_an_anchor_shows_it(&mut owned, anchor).await;
    }
    // The anchor of an untouched journal holds, also when it grew since.
    owned.as_it_was().await;
    let journal = owned.opened().await;
    journal.append(run(4), &[created()]).await.unwrap();
    assert_eq!(journal.verify(Some(anchor)).await.unwrap().findings, []);
    told("ends cut off", store, ENDS, since);
}

async fn ends_that_were_cut_off_and_written_anew_are_found_with_an_anchor(desk: Desk) {
    let (since, store) = (std::time::Instant::now(), store(&desk));
    let anchor = anchored(&desk).await;
    let mut owned = Owned::of(desk).await;
    let mut dice = Dice(0xabcd);
    for n in 0..ENDS {
        owned.as_it_was().await;
        owned.cut(1 + dice.roll(5), 1 + dice.roll(6) as i64).await;
        let journal = owned.opened().await;
        for other in 0..=dice.roll(4) as u128 {
            let made = run(100 + other);
            journal.append(made, &[created(), decided(&n.to_string(), "-")]).await.unwrap();
            journal.append(made, &[Filler::plain().closed().into()]).await.unwrap();
        }
        owned.done_with(journal).await;
        only_an_anchor_shows_it(&mut owned, anchor).await;
    }
    told("ends written anew", store, ENDS, since);
}

async fn journals_that_were_written_anew_as_a_whole_are_found_with_an_anchor(desk: Desk) {
    let (since, store) = (std::time::Instant::now(), store(&desk));
    let anchor = anchored(&desk).await;
    let mut owned = Owned::of(desk).await;
    for n in 0..ENDS {
        owned.as_it_was().await;
        for table in ["payloads", "events", "heads", "runs"] {
            owned.sql(&format!("DELETE FROM {table}")).await;
        }
        let journal = owned.opened().await;
        for r in 1..=3 {
            journal.append(run(r), &[created(), decided(&format!("other {n}"), "-")]).await.unwrap();
            journal.append(run(r), &[Filler::plain().closed().into()]).await.unwrap();
        }
        owned.done_with(journal).await;
        only_an_anchor_shows_it(&mut owned, anchor).await;
    }
    told("journals written anew", store, ENDS, since);
}

async fn changed_and_missing_approvals_are_found(desk: Desk) {
    let plan = uuid::Uuid::from_u128(77);
    let (name, journal) = (RunId(plan).to_string(), desk.open().await);
    journal.append(run(1), &[created()]).await.unwrap();
    for actor in ["bob", "eve", "kim"] {
        journal.approve(&approving(plan, actor)).await.unwrap();
    }
    let anchor = journal.verify(None).await.unwrap().anchor.unwrap();
    journal.close().await.unwrap();
    let mut owned = Owned::of(desk).await;
    let mut dice = Dice(0xa9);
    let here = |seq: usize| format!("run = '{name}' AND seq = {seq}");
    for n in 0..24 {
        owned.as_it_was().await;
        let seq = 1 + dice.roll(3);
        match n % 4 {
            0 => owned.flip("payloads", "bytes", &here(seq), &mut dice).await,
            1 => owned.flip("events", "hash", &here(seq), &mut dice).await,
            2 => owned.sql(&format!("DELETE FROM events WHERE {}", here(seq))).await,
            _ => owned.sql(&format!("DELETE FROM events WHERE run = '{name}' AND seq >= {seq}")).await,
        }
        let report = owned.verdict(None).await;
        let found = report.findings.iter().find(|f| f.run == Some(RunId(plan)));
        assert_eq!(found.map(|f| f.seq), Some(seq as u64), "way {}: {:?}", n % 4, report.findings);
        let journal = owned.opened().await;
        let one_more = journal.approve(&approving(plan, "ann")).await;
        assert!(
            journal.approvals(plan).await.is_err() || one_more.is_err(),
            "a forged approval is neither read nor extended"
        );
        owned.done_with(journal).await;
    }
    // The last one, gone with its entry in the journal's own chain: as with the end of a run.
    owned.as_it_was().await;
    for table in ["payloads", "events", "heads"] {
        owned.sql(&format!("DELETE FROM {table} WHERE {}", here(3))).await;
    }
    only_an_anchor_shows_it(&mut owned, anchor).await;
    // An approval that the journal's own chain does not know.
    owned.as_it_was().await;
    owned.sql(&format!("DELETE FROM heads WHERE {}", here(3))).await;
    let report = owned.verdict(None).await;
    assert!(report.findings.iter().any(|f| f.run == Some(RunId(plan)) && f.seq == 3), "{:?}", report.findings);
}

async fn what_is_removed_without_a_purge_is_found_and_what_is_purged_is_not(desk: Desk) {
    three_runs(&desk).await;
    let journal = desk.open().await;
    let later = Stamp { micros: desk.world.now().micros + 1, digits: 6 };
    journal.purge(run(1), "ada", later).await.unwrap();
    assert_eq!(journal.verify(None).await.unwrap().findings, []);
    journal.close().await.unwrap();
    let mut owned = Owned::of(desk).await;
    for (statement, seq) in [
        // What says that it was purged is itself of the chain.
        (format!("DELETE FROM payloads WHERE run = '{}' AND seq = 9", run(1)), 1),
        (format!("DELETE FROM payloads WHERE run = '{}' AND seq > 2", run(2)), 3),
        (format!("UPDATE events SET hash = prev WHERE run = '{}' AND seq = 4", run(1)), 4),
    ] {
        owned.as_it_was().await;
        owned.sql(&statement).await;
        let report = owned.verdict(None).await;
        assert_eq!(report.findings.first().map(|f| f.seq), Some(seq), "{statement}: {:?}", report.findings);
    }
    // Payloads of the purged run that come back must be the ones that were there.
    owned.as_it_was().await;
    owned.put(&format!("INSERT INTO payloads (run, seq, bytes) VALUES ('{}', 2, $1)", run(1)), &[b"{}"]).await;
    let report = owned.verdict(None).await;
    assert!(report.findings.iter().any(|f| f.run == Some(run(1)) && f.seq == 2), "{:?}", report.findings);
}

/// The end of the journal written anew by somebody who computes every hash: run 2 never happened.
async fn without_run_two(owned: &mut Owned) {
    let two = run(2).to_string();
    for (table, column) in [("payloads", "run"), ("events", "run"), ("runs", "id"), ("heads", "run")] {
        owned.sql(&format!("DELETE FROM {table} WHERE {column} = '{two}'")).await;
    }
    let mut prev = chain::journal_genesis(owned.id);
    for (i, (number, name, seq, head)) in owned.heads().await.into_iter().enumerate() {
        let (now, head) = (i as u64 + 1, Hash::from_slice(&head).unwrap());
        let hash = chain::journal_link(now, prev, name.parse().unwrap(), seq as u64, head);
        let statement = format!("UPDATE heads SET number = {now}, prev = $1, hash = $2 WHERE number = {number}");
        owned.put(&statement, &[&prev.0, &hash.0]).await;
        prev = hash;
    }
}

async fn a_run_in_the_middle_that_never_happened_is_found_with_an_anchor(desk: Desk) {
    let anchor = anchored(&desk).await;
    let mut owned = Owned::of(desk).await;
    owned.as_it_was().await;
    without_run_two(&mut owned).await;
    only_an_anchor_shows_it(&mut owned, anchor).await;
}

/// Links of a long run are looked at by other processors, and handed over in order: whatever was done to one of them is said of
/// it, as reading all of it does, and nothing behind it is handed over.
async fn a_long_run_is_looked_through_as_a_short_one_wherever_somebody_was_at_it(desk: Desk) {
    const EVENTS: usize = 301;
    let journal = desk.open().await;
    journal.append(run(1), &[created()]).await.unwrap();
    for part in 0..EVENTS / 50 {
        // Large ones and small ones: 4 MB in all, of which the first MiB is looked at as it comes.
        let some: Vec<Event> = (0..50)
            .map(|n| decided(&"x".repeat(if n % 5 == 0 { 100 } else { 17_000 }), &format!("item {part} {n}")))
            .collect();
        journal.append(run(1), &some).await.unwrap();
    }
    super::sifted::same(&journal, run(1)).await;
    let (before, mut keys) = (journal.decoded(), Vec::new());
    let mut look = |one: &crate::journal::Sifted<'_>| {
        one.mentions(|mention| match mention {
            crate::journal::Mention::Human(items) => keys.extend(items.iter().map(|key| (**key).to_owned())),
            other => assert_eq!(one.place.seq, 1, "{other:?}"),
        })
    };
    let end = journal.sift(run(1), None, &mut look).await.unwrap().unwrap();
    let wanted = (0..EVENTS / 50).flat_map(|part| (0..50).map(move |n| format!("item {part} {n}")));
    assert_eq!(keys, wanted.collect::<Vec<_>>());
    assert_eq!((end.seq, journal.decoded()), (EVENTS as u64, before + 1), "only how it was made was taken apart");

    // Who refuses one is handed nothing behind it.
    for stop in [1, 100, 250, EVENTS as u64] {
        let mut handed = 0;
        let mut take = |one: &crate::journal::Sifted<'_>| {
            handed += 1;
            if one.place.seq == stop { Err(JournalError::Overtaken) } else { Ok(()) }
        };
        let refused = journal.sift(run(1), None, &mut take).await;
        assert!(matches!(refused, Err(JournalError::Overtaken)), "{refused:?}");
        assert_eq!(handed, stop);
    }
    if desk.url.is_none() {
        journal.close().await.unwrap();
    }

    let mut owned = Owned::of(desk).await;
    let mut dice = Dice(0x5eed);
    // As it comes, by a task of its own, and in the rest that is none; large ones and one that came in a pack.
    for seq in [3_usize, 40, 150, 202, 260, 298] {
        for kind in 0..6 {
            owned.as_it_was().await;
            let (name, here) = (run(1).to_string(), format!("run = '{}' AND seq = {seq}", run(1)));
            match kind {
                0 => owned.flip("payloads", "bytes", &here, &mut dice).await,
                1 => owned.flip("events", "hash", &here, &mut dice).await,
                2 => owned.flip("events", "prev", &here, &mut dice).await,
                3 => owned.sql(&format!("DELETE FROM events WHERE {here}")).await,
                4 => owned.sql(&format!("DELETE FROM payloads WHERE {here}")).await,
                _ => owned.reorder("events", &name, seq).await,
            }
            let journal = owned.opened().await;
            let whole = journal.events(run(1)).await.unwrap_err().to_string();
            let mut last = 0;
            let mut take = |one: &crate::journal::Sifted<'_>| {
                last = one.place.seq;
                Ok(())
            };
            let sifted = journal.sift(run(1), None, &mut take).await.unwrap_err().to_string();
            assert_eq!(sifted, whole, "kind {kind}, event {seq}");
            assert_eq!(last, seq as u64 - 1, "kind {kind}: what stands before it was handed over, nothing behind it");
            owned.done_with(journal).await;
        }
    }
}
