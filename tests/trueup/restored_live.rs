//! A journal that is restored or exchanged under a process that stays, or behind one that was killed in the middle: it is noticed before anything
//! begins once more, and nobody forgets what was seen before somebody was told.

use super::{
    nightly::{FILE, SERVER, counts, fast, office, scheduler, trueup, trueup_with, with_schedules},
    places::Place,
    servers::{block_on, postgres},
};
use std::{collections::BTreeMap, fs, path::PathBuf, process::Command};
use tokio::{
    io::{AsyncBufReadExt, BufReader, Lines},
    process::{Child, ChildStderr},
};
use trueup::{
    ops::{self, witness::Witness},
    trial::bench::On,
};

fn file(place: &Place) -> PathBuf {
    place.path().join("journal/journal.db")
}

fn seen(place: &Place) -> String {
    let file = files(place, "journal.seen");
    fs::read_to_string(file).unwrap_or_default()
}

/// Beside the journal's file, or in the project's own folder.
fn files(place: &Place, name: &str) -> PathBuf {
    let beside = place.path().join("journal").join(name);
    if beside.exists() { beside } else { place.path().join(".trueup").join(name) }
}

fn call(command: &mut Command) {
    let output = command.output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}

/// Every table of a journal on a server, in a statement for each.
fn each(place: &Place, of: &str) {
    let sql = format!(
        "do $$ declare t text; begin set local session_replication_role = replica; \
         for t in select tablename from pg_tables where schemaname = 'trueup_journal' loop {of} end loop; end $$"
    );
    call(Command::new("psql").args(["-qAt", "-v", "ON_ERROR_STOP=1", place.url().unwrap().reveal(), "-c", &sql]));
}

/// A copy of the journal, by the store's own means.
fn copy(place: &Place) {
    if place.url().is_some() {
        call(Command::new("psql").args([place.url().unwrap().reveal(), "-c", "create schema copy"]));
        each(place, "execute format('create table copy.%I as table trueup_journal.%I', t, t);");
    } else {
        call(Command::new("sqlite3").arg(file(place)).arg(".backup copy.db").current_dir(place.path()));
    }
}

/// Into the journal that is there, which others have open.
fn restore(place: &Place) {
    if place.url().is_some() {
        let of = "execute format('delete from trueup_journal.%I', t); \
                  execute format('insert into trueup_journal.%I select * from copy.%I', t, t);";
        each(place, of);
    } else {
        call(Command::new("sqlite3").arg(file(place)).arg(".restore copy.db").current_dir(place.path()));
    }
}

/// A scheduler and what it has said.
struct Watched {
    child: Child,
    lines: Lines<BufReader<ChildStderr>>,
    said: Vec<String>,
}

impl Watched {
    fn begin(place: &Place, time: &[(&str, String)]) -> Watched {
        let mut child = scheduler(place, time);
        let lines = BufReader::new(child.stderr.take().unwrap()).lines();
        Watched { child, lines, said: Vec::new() }
    }

    /// Reads on until it says this.
    async fn says(&mut self, what: &str) {
        let limit = std::time::Duration::from_secs(60);
        loop {
            let line = tokio::time::timeout(limit, self.lines.next_line()).await;
            let line = line.unwrap_or_else(|_| panic!("`{what}` is not said: {:#?}", self.said)).unwrap();
            let line = line.unwrap_or_else(|| panic!("it ended without `{what}`: {:#?}", self.said));
            self.said.push(line);
            if self.said.last().unwrap().contains(what) {
                return;
            }
        }
    }

    /// Asks it to stop; all that it said.
    async fn stop(mut self) -> Vec<String> {
        call(Command::new("kill").args(["-TERM", &self.child.id().unwrap().to_string()]));
        while let Some(line) = self.lines.next_line().await.unwrap() {
            self.said.push(line);
        }
        assert_eq!(self.child.wait().await.unwrap().code(), Some(0), "{:#?}", self.said);
        self.said
    }
}

/// From one line to the next one nothing begins; and no time ever begins twice.
fn nothing_begins(said: &[String], from: &str, to: &str) {
    let at =
        |what: &str| said.iter().position(|line| line.contains(what)).unwrap_or_else(|| panic!("{what}: {said:#?}"));
    let between = &said[at(from)..at(to)];
    assert!(between.iter().all(|line| !line.contains(" begins")), "{said:#?}");
    let mut times: BTreeMap<&str, usize> = BTreeMap::new();
    for line in said.iter().filter(|line| line.contains(" begins")) {
        *times.entry(line.split_once("Z ").unwrap().1).or_default() += 1;
    }
    assert!(times.values().all(|often| *often == 1), "{said:#?}");
}

const RESTORED: &str = "it was restored from a copy";

#[test]
fn a_scheduler_notices_that_its_journal_was_restored_and_begins_nothing_before_a_person_has_looked() {
    block_on(async {
        for (on, journal) in [(On::Sqlite, FILE), (On::Postgres(postgres()), SERVER)] {
            let place = office(&on, journal, "").await;
            with_schedules(&place, true);
            let start = counts(&place).await;
            // A minute takes 2.4 seconds, for every process.
            let time = [fast(25)];
            trueup_with(&place, "reconcile --due", &time).await.is(0, &["looked after from now on"]);
            copy(&place);
            place.admin("update things set name = ''").await;
            let mut scheduler = Watched::begin(&place, &time);
            scheduler.says("healed: 3 of 3 differ").await;
            let healed = counts(&place).await;
            assert_ne!(healed, start);
            restore(&place);
            place.admin("update things set name = ''").await;
            scheduler.says(RESTORED).await;
            let told = scheduler.said.last().unwrap().clone();
            assert!(told.contains("1 schedule is paused") && told.contains("though they ran: "), "{told}");
            assert_eq!(counts(&place).await, healed, "nothing was done once more: {:#?}", scheduler.said);

            // Whoever looks finds what it did, and is not told a second time.
            let list =
                trueup_with(&place, "schedule list", &time).await.is(0, &["paused by trueup", "restored from a copy"]);
            assert!(!list.err.contains(RESTORED), "{}", list.err);
            assert_eq!(counts(&place).await, healed);
            trueup_with(&place, "schedule resume minutely --reason looked", &time).await.is(0, &["goes on"]);
            scheduler.says(" begins").await;
            scheduler.says("healed: 3 of 3 differ").await;
            let said = scheduler.stop().await;
            let last = said.iter().rposition(|line| line.contains(" begins")).unwrap();
            nothing_begins(&said, RESTORED, &said[last]);
            assert_eq!(said.iter().filter(|line| line.contains(RESTORED)).count(), 1, "{said:#?}");
            trueup(&place, "audit verify").await.is(0, &["Everything is as it was written."]);
            place.clear().await;
        }
    });
}

#[test]
fn a_scheduler_goes_on_in_the_file_that_stands_at_the_journals_path_and_in_no_other() {
    block_on(async {
        let place = office(&On::Sqlite, FILE, "").await;
        with_schedules(&place, true);
        let time = [fast(25)];
        trueup_with(&place, "reconcile --due", &time).await.is(0, &["looked after from now on"]);
        copy(&place);
        place.admin("update things set name = ''").await;
        let mut scheduler = Watched::begin(&place, &time);
        scheduler.says("healed: 3 of 3 differ").await;
        let healed = counts(&place).await;

        // Where nothing stands it makes nothing: somebody is about to put it back.
        let away = place.path().join("away.db");
        fs::rename(file(&place), &away).unwrap();
        scheduler.says("is not there any more").await;
        assert!(!file(&place).exists());
        place.admin("update things set name = ''").await;
        for part in ["-wal", "-shm"] {
            fs::remove_file(format!("{}{part}", file(&place).display())).unwrap();
        }
        fs::rename(place.path().join("copy.db"), file(&place)).unwrap();
        scheduler.says("is another one now: it was opened anew").await;
        scheduler.says(RESTORED).await;
        assert_eq!(counts(&place).await, healed, "nothing was done once more: {:#?}", scheduler.said);

        // What it does from now on stands where everybody looks.
        trueup_with(&place, "runs", &time).await.is(0, &["No run is recorded"]);
        trueup_with(&place, "schedule resume minutely --reason looked", &time).await.is(0, &["goes on"]);
        scheduler.says(" begins").await;
        scheduler.says("healed: 3 of 3 differ").await;
        let said = scheduler.stop().await;
        let last = said.iter().rposition(|line| line.contains(" begins")).unwrap();
        nothing_begins(&said, "is not there any more", &said[last]);
        let run = said.iter().rfind(|line| line.contains("healed: 3 of 3")).unwrap().rsplit_once("(run ").unwrap().1;
        trueup_with(&place, &format!("show {}", run.trim_end_matches(')')), &time).await.is(0, &["3 changed"]);
        trueup(&place, "audit verify").await.is(0, &["Everything is as it was written."]);
        place.clear().await;
    });
}

#[test]
fn a_run_that_was_killed_is_remembered_when_the_journal_is_restored_behind_it() {
    block_on(async {
        let mut lost = 0;
        for moment in [20, 27, 35, 44, 60, 90] {
            let place = office(&On::Sqlite, FILE, "").await;
            with_schedules(&place, true);
            trueup(&place, "reconcile --due").await.is(0, &["looked after from now on"]);
            copy(&place);
            place.admin("update things set name = ''").await;
            let start = counts(&place).await;
            let crash = [("TRUEUP_CRASH_AT", moment.to_string())];
            let killed = trueup_with(&place, "schedule run minutely --reason test", &crash).await.exit == -1;
            let done = counts(&place).await;
            if !killed || done == start {
                place.clear().await;
                continue;
            }
            lost += 1;
            restore(&place);
            trueup(&place, "schedule list")
                .await
                .is(0, &[RESTORED, "1 schedule is paused", "not in it at all, though they ran: ", "paused by trueup"]);
            place.admin("update things set name = ''").await;
            trueup(&place, "reconcile --due").await;
            assert_eq!(counts(&place).await, done, "at {moment}");
            place.clear().await;
        }
        assert!(lost >= 1, "none was killed behind its first change");
    });
}

#[test]
fn who_has_not_told_that_a_journal_is_behind_does_not_forget_what_was_seen() {
    block_on(async {
        for (on, journal) in [(On::Sqlite, FILE), (On::Postgres(postgres()), SERVER)] {
            let place = office(&on, journal, "").await;
            trueup(&place, "runs").await.is(0, &[]);
            copy(&place);
            place.admin("update things set name = ''").await;
            trueup(&place, "reconcile name --heal --yes --reason test").await.is(0, &[]);
            let mut here = place.surroundings();
            here.witness = Witness::awake();
            let record = ops::record::open(&here, &place.opened(&here)).await.unwrap();
            restore(&place);
            let before = seen(&place);
            assert!(before.contains("run "), "{before}");
            // A command that was at work meanwhile ends.
            ops::witness::keep(&here).await;
            assert_eq!(seen(&place), before);
            record.journal.close().await.unwrap();
            trueup(&place, "runs").await.is(0, &[RESTORED, "though they ran: "]);
            assert!(!seen(&place).contains("run "), "now it was told");
            place.clear().await;
        }
    });
}
