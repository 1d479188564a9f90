//! T24: journal and target restored to earlier points, independently of each other, and somebody goes on. Each point is one at which a copy could have been made
//! while a run was at work. Whatever was restored, no step is done twice, and what cannot be known is told and not guessed.

use super::{
    ledger::{planned, ready},
    places::files,
    servers::{Shop, block_on, postgres, said},
};
use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
    process::Command,
    sync::{Mutex, atomic::AtomicBool},
};
use trueup::{
    base::identity::RunId,
    engine::{drive::Stopped, watch::Tick},
    journal::words::End,
    ops::{self, Failure, apply::Carried, witness::Witness},
    trial::bench::{On, Place},
};

/// So many steps, each of which counts up by one.
const STEPS: usize = 8;
/// So many times something is restored.
const POINTS: usize = 50;

/// What SQLite has not taken into a file yet lies beside it. The file itself stays the same one: another one is another database, on which no run goes
/// on (`ledger::a_copy_of_the_database_is_refused_in_words_…`).
fn copy(from: &Path, to: &Path) {
    for part in ["-wal", "-shm", "-journal", ""] {
        let name = |path: &Path| PathBuf::from(format!("{}{part}", path.display()));
        if !part.is_empty() {
            let _ = fs::remove_file(name(to));
        }
        if part != "-shm" && name(from).exists() {
            fs::copy(name(from), name(to)).unwrap();
        }
    }
}

fn sqlite(file: &Path, sql: &str) -> String {
    let output = Command::new("sqlite3").arg(file).arg(sql).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap().trim().to_owned()
}

/// A run of some steps, with a copy of journal and target at each moment at which a step began or was over.
struct History {
    shop: Shop,
    journal: Journal,
    target: PathBuf,
    copies: tempfile::TempDir,
    /// So often it had counted at each point.
    counts: Vec<u64>,
    run: RunId,
}

/// Where the journal is.
enum Journal {
    File(PathBuf),
    Server(String),
}

impl Journal {
    fn psql(url: &str, sql: &str) {
        let output = Command::new("psql").args(["-qAt", "-v", "ON_ERROR_STOP=1", url, "-c", sql]).output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    }

    /// Every table of the journal, in a statement for each.
    fn each(of: &str) -> String {
        format!(
            "do $$ declare t text; begin set local session_replication_role = replica; \
             for t in select tablename from pg_tables where schemaname = 'trueup_journal' loop {of} end loop; end $$"
        )
    }

    fn keep(&self, copies: &Path, point: usize) {
        match self {
            Journal::File(file) => copy(file, &copies.join(format!("journal-{point}"))),
            Journal::Server(url) => {
                let of = format!("execute format('create table copy_{point}.%I as table trueup_journal.%I', t, t);");
                // All tables as they were at one moment.
                let begin = "begin transaction isolation level repeatable read";
                Journal::psql(url, &format!("{begin}; create schema copy_{point}; {}; commit", Journal::each(&of)));
            }
        }
    }

    /// The process that had the run when the copy was made is gone; here it would be this one.
    fn restore(&self, copies: &Path, point: usize) {
        const GONE: &str = "update claims set pid = 4000000000";
        match self {
            Journal::File(file) => {
                copy(&copies.join(format!("journal-{point}")), file);
                sqlite(file, GONE);
            }
            Journal::Server(url) => {
                let of = format!(
                    "execute format('delete from trueup_journal.%I', t); \
                     execute format('insert into trueup_journal.%I select * from copy_{point}.%I', t, t);"
                );
                Journal::psql(url, &format!("{}; set search_path = trueup_journal; {GONE}", Journal::each(&of)));
            }
        }
    }
}

impl History {
    async fn of(mut shop: Shop, server: Option<String>) -> History {
        shop.here.witness = Witness::awake();
        let steps: String = (1..=STEPS)
            .map(|n| {
                format!(
                    "  - id: s{n}\n    sql: {{ db: shop, sql: \"update things set count = count + 1 where id = 1\", touches: 1 }}\n    \
                     irreversible: a test\n"
                )
            })
            .collect();
        let (mut prepared, _) = planned(&shop, &steps).await;
        let record = ops::record::open(&shop.here, &shop.opened).await.unwrap();
        ops::record::seal_with(&mut prepared.setting, &record);
        let request = super::servers::request(&[]);
        let plan =
            ops::plan::plan(&prepared.setting, &request, &|_| {}).await.unwrap_or_else(|f| panic!("{}", said(&f)));
        let Place::File(target) = shop.place().clone() else { panic!("the target is a file") };
        let journal = match server {
            Some(url) => Journal::Server(url),
            None => {
                let known = files(shop.folder.path());
                Journal::File(known.into_iter().find(|file| file.ends_with("journal.db")).unwrap())
            }
        };
        let copies = tempfile::tempdir().unwrap();
        let taken = Mutex::new(0);
        let watch = |tick: Tick| {
            if !matches!(tick, Tick::Begins { .. } | Tick::Over { .. }) {
                return;
            }
            let mut taken = taken.lock().unwrap();
            journal.keep(copies.path(), *taken);
            copy(&target, &copies.path().join(format!("target-{taken}")));
            *taken += 1;
        };
        let pause = AtomicBool::new(false);
        let (here, opened) = (&shop.here, &shop.opened);
        let carried = ops::apply::apply(here, &record, opened, &prepared.setting, &plan, &watch, &pause).await.unwrap();
        assert_eq!(carried.stopped, Stopped::Closed(End::Changed), "{:?}", carried.state.closed);
        ops::witness::keep(&shop.here).await;
        record.journal.close().await.unwrap();
        let taken = taken.into_inner().unwrap();
        assert!(taken >= 2 * STEPS, "{taken}");
        journal.keep(copies.path(), taken);
        copy(&target, &copies.path().join(format!("target-{taken}")));
        fs::copy(seen(&shop), copies.path().join("seen")).unwrap();
        let mut history = History { shop, journal, target, copies, counts: Vec::new(), run: prepared.setting.run.id };
        for point in 0..=taken {
            history.restore_target(point);
            history.counts.push(history.count());
        }
        assert_eq!((history.counts[0], *history.counts.last().unwrap()), (0, STEPS as u64));
        history
    }

    fn restore_target(&self, point: usize) {
        copy(&self.copies.path().join(format!("target-{point}")), &self.target);
    }

    /// The journal of a point; on a machine that has seen all of it, or on one that never had a command there.
    fn restore_journal(&self, point: usize, same_machine: bool) {
        self.journal.restore(self.copies.path(), point);
        let _ = fs::remove_file(seen(&self.shop));
        if same_machine {
            fs::copy(self.copies.path().join("seen"), seen(&self.shop)).unwrap();
        }
    }

    fn count(&self) -> u64 {
        sqlite(&self.target, "select count from things where id = 1").parse().unwrap()
    }

    async fn resume(&self) -> Result<Carried, Failure> {
        let (here, opened) = (&self.shop.here, &self.shop.opened);
        let record = ops::record::open(here, opened).await.unwrap();
        let pause = AtomicBool::new(false);
        let carried = ops::resume::resume(here, &record, opened, self.run, "anna", &|_| {}, &pause).await;
        record.journal.verify(None).await.unwrap();
        record.journal.close().await.unwrap();
        carried
    }

    /// What came of going on, in a word.
    async fn goes_on(&self) -> String {
        match self.resume().await {
            Ok(Carried { stopped: Stopped::Closed(end), .. }) => end.word().to_owned(),
            Ok(Carried { stopped, .. }) => format!("{stopped:?}").split('(').next().unwrap_or_default().to_lowercase(),
            Err(failure) if said(&failure).contains("restored from a copy") => "refused".to_owned(),
            Err(failure) => format!("failed: {}", said(&failure)),
        }
    }
}

fn seen(shop: &Shop) -> PathBuf {
    let journal = files(shop.folder.path()).into_iter().find(|file| file.ends_with("seal.key")).unwrap();
    journal.with_file_name("journal.seen")
}

/// Numbers that only look random; the seed is printed.
struct Dice(u64);

impl Dice {
    fn below(&mut self, most: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) as usize % most
    }
}

async fn restored(history: &History, points: usize, seed: u64) {
    println!("T24: seed {seed}");
    let (mut dice, last) = (Dice(seed), history.counts.len() - 1);
    // Before the first effect a run need not be in the journal.
    let first = history.counts.iter().position(|count| *count > 0).unwrap();
    let all = STEPS as u64;
    let mut came: BTreeMap<(&str, String), usize> = BTreeMap::new();
    for number in 0..points {
        let point = first + dice.below(last - first);
        let (what, ended) = match number % 4 {
            // The journal alone, on the machine that has seen more of it: nobody goes on before a person has looked.
            0 => {
                history.restore_target(last);
                history.restore_journal(point, true);
                let ended = history.goes_on().await;
                assert_eq!((&*ended, history.count()), ("refused", all), "journal {point}");
                ("the journal, seen", ended)
            }
            // The same on another machine: the ledger shows an effect of which this journal knows nothing, and a person decides.
            1 => {
                history.restore_target(last);
                history.restore_journal(point, false);
                let ended = history.goes_on().await;
                let wanted = if history.counts[point] < all { "indoubt" } else { "changed" };
                assert_eq!((&*ended, history.count()), (wanted, all), "journal {point}");
                ("the journal, elsewhere", ended)
            }
            // The target alone, under a run that is not over: what the journal has done is not there, also where nothing is left to do but to say that all is done.
            2 => {
                let later = point + dice.below(last - point);
                history.restore_journal(later, false);
                history.restore_target(point);
                let (before, known) = (history.counts[point], history.counts[later]);
                let ended = history.goes_on().await;
                let after = history.count();
                let stopped = ended == "drifted" && after == before;
                if known > before + 1 {
                    assert!(stopped, "target {point}, journal {later}: {ended}, {before} -> {after}");
                } else if known > before {
                    // Whether the last step was done may not have reached the journal when the copy was made: then the target says that it was not.
                    let done = ended == "changed" && after == all;
                    assert!(stopped || done, "target {point}, journal {later}: {ended}, {before} -> {after}");
                } else {
                    assert_eq!((&*ended, after), ("changed", all), "target {point}, journal {later}");
                }
                (if known > before { "the target" } else { "the target, to where it was" }, ended)
            }
            // Both to the same point: it goes on from there.
            _ => {
                history.restore_target(point);
                history.restore_journal(point, false);
                let ended = history.goes_on().await;
                assert_eq!((&*ended, history.count()), ("changed", all), "both {point}");
                ("both", ended)
            }
        };
        *came.entry((what, ended)).or_default() += 1;
    }
    println!("T24: {came:?}");
    assert_eq!(came.values().sum::<usize>(), points);
    // Nothing is proved by targets that were restored to where they were.
    let lost: usize = came.iter().filter(|((what, _), _)| *what == "the target").map(|(_, times)| times).sum();
    assert!(lost * 8 >= points, "{came:?}");
}

#[test]
fn t24_journal_and_target_are_restored_to_fifty_points_and_no_step_is_done_twice() {
    block_on(async {
        let history = History::of(ready(&On::Sqlite).await, None).await;
        restored(&history, POINTS, 24).await;
        history.shop.close().await;
    });
}

#[test]
fn t24_a_journal_on_a_server_is_restored_to_eight_points() {
    block_on(async {
        let server = Shop::open(&On::Postgres(postgres()), "http://127.0.0.1:9", |text| text).await;
        let Place::Server(url) = server.place().clone() else { panic!("a server") };
        let (url, variables) = (url.reveal().to_owned(), vec![("JOURNAL_URL".to_owned(), url.reveal().to_owned())]);
        let elsewhere = |text: String| {
            let mut project: serde_json::Value = serde_json::from_str(&text).unwrap();
            project["journal"] = serde_json::json!({ "postgres": { "secret": "JOURNAL_URL" } });
            project.to_string()
        };
        let shop = super::ledger::shop_with(&On::Sqlite, elsewhere, &variables).await;
        let history = History::of(shop, Some(url)).await;
        restored(&history, 8, 7).await;
        history.shop.close().await;
        server.close().await;
    });
}
