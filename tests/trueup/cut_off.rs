//! A run over many items that is cut off from what it needs: its process dies before all of its items are recorded, or its database goes away.

use super::{
    many::{Store, playbook, process},
    servers::{block_on, free_port, postgres, said},
};
use std::{
    path::Path,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, AtomicI64, Ordering},
    },
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    sync::watch,
};
use trueup::{
    engine::{drive::Stopped, watch::Tick},
    journal::{RunFilter, words::End},
    ops,
    trial::bench::{On, Place},
};

const ALL: &str = "targets:\n  from: { find: { table: shop.things, where: { state: open } } }\nlimits: { concurrency: 1 }\nsteps:\n- id: up\n  row: { table: shop.things, key: { id: \"{{ item.id }}\" }, only_if: { state: open }, set: { state: sold, count: \"{{ item.count + 1 }}\" } }\n";

/// The run that is not over, if there is one.
async fn open_run(store: &Store) -> Option<String> {
    let record = store.record().await;
    let filter = RunFilter { unfinished: true, ..Default::default() };
    let runs = record.journal.runs(&filter, 5).await.unwrap();
    record.journal.close().await.unwrap();
    runs.first().map(|run| run.id.short())
}

#[test]
fn a_run_that_broke_off_while_its_items_were_recorded_says_so_everywhere() {
    block_on(async {
        let store = Store::open(&On::Sqlite, 450).await;
        let folder = store.shop.folder.path().to_owned();
        std::fs::write(folder.join("many.yaml"), playbook(&[ALL])).unwrap();
        let (code, words) =
            process(&folder, "", None, &["plan", "many.yaml", "--env", "test", "--out", "m.plan"]).await;
        assert_eq!(code, Some(0), "{words}");
        let apply = ["apply", "m.plan", "--reason", "r", "--yes"];
        let mut run = None;
        // Before the first words of the run are recorded the plan is not used.
        for moment in 1..40 {
            let (code, words) = process(&folder, "", Some(moment), &apply).await;
            assert_eq!(code, None, "it was not killed: {words}");
            run = open_run(&store).await;
            if run.is_some() {
                break;
            }
        }
        let run = run.expect("it was never killed behind its first words");
        let recorded = "200 of 450";
        let told = async |arguments: &[&str], code: i32, says: &[&str]| {
            let (found, words) = process(&folder, "", None, arguments).await;
            assert_eq!(found, Some(code), "{arguments:?}: {words}");
            assert!(says.iter().all(|word| words.contains(word)), "{arguments:?}: {words}");
            assert!(!words.contains("trueup resume"), "{arguments:?} proposes to go on: {words}");
        };
        told(&["show", &run], 0, &[recorded, "nothing was changed", "trueup cancel"]).await;
        told(&["show", &run, "--json"], 0, &["\"broke_off\"", "\"recorded\": 200", "\"planned\": 450"]).await;
        told(&["resume", &run], 2, &[recorded, "trueup cancel"]).await;
        told(&["undo", &run, "--plan"], 2, &[recorded, "nothing was changed", "trueup cancel"]).await;
        told(&["retry", &run, "--reason", "again"], 2, &[recorded, "trueup cancel"]).await;
        told(&apply, 2, &["used already", recorded, "nothing was changed", "plan again"]).await;
        let cancel = ["cancel", &run, "--reason", "enough"];
        told(&cancel, 0, &["before it began", recorded, "nothing was changed", "plan again"]).await;
        told(&["show", &run], 0, &["before it began", recorded, "nothing was changed", "plan again"]).await;
        told(&apply, 2, &["used already", recorded, "nothing was changed", "plan again"]).await;
        assert!(store.column("count").await.iter().all(|n| n == "0"));
        let again = ["apply", "many.yaml", "--env", "test", "--reason", "r", "--yes"];
        let (code, words) = process(&folder, "", None, &again).await;
        assert_eq!(code, Some(0), "{words}");
        assert!(store.column("count").await.iter().all(|n| n == "1"));
        store.shop.close().await;
    });
}

/// What a person has to look at is not forgotten by a crash: wherever the process dies, the run stops where it would have stopped, with what was under way
/// gone on with to its end; and when somebody then says to go on, it goes to the end.
#[test]
fn what_did_not_end_well_before_a_kill_stops_the_run_where_it_would_have_stopped() {
    let cases: [(&str, &str, &[usize], &str); 4] = [
        ("{ concurrency: 3, rate: 60000/min, canary: [4] }", "[1]", &[2, 3, 4], "1 of the first 4 items"),
        ("{ concurrency: 3, canary: [4] }", "[1]", &[2, 3, 4], "1 of the first 4 items"),
        ("{ concurrency: 1, rate: 60000/min, stop_after: { failed: 2 } }", "[1, 4]", &[2, 3], "`stop_after` says 2"),
        ("{ concurrency: 1, stop_after: { failed: 2 } }", "[1, 4]", &[2, 3], "`stop_after` says 2"),
    ];
    block_on(async {
        for (limits, bad, done, says) in cases {
            let store = Store::open(&On::Sqlite, 8).await;
            let folder = store.shop.folder.path().to_owned();
            let check = format!(
                "preconditions:\n- assert: item.id not in {bad}\n  otherwise: {{ fail: \"It is odd.\" }}\nsteps:\n"
            );
            let text = playbook(&[&ALL.replace("{ concurrency: 1 }", limits).replace("steps:\n", &check)]);
            std::fs::write(folder.join("many.yaml"), text).unwrap();
            let apply = ["apply", "many.yaml", "--env", "test", "--reason", "r", "--yes"];
            let mut killed = 0;
            for moment in (4..400).step_by(6) {
                store.shop.sql("update things set state = 1, count = 0; delete from audits").await;
                let (code, first) = process(&folder, "", Some(moment), &apply).await;
                // Beyond the last moment it stops by itself. Killed before its first words are recorded, there is no run.
                let Some(run) = open_run(&store).await else { continue };
                let record = store.record().await;
                let id = record.journal.runs(&RunFilter::default(), 1).await.unwrap()[0].id;
                let paused = record.state(id).await.unwrap().paused.is_some();
                record.journal.close().await.unwrap();
                if !paused {
                    killed += 1;
                    let (code, words) = process(&folder, "", None, &["resume", &run]).await;
                    let told = format!("{limits}, moment {moment}: {first}\n{words}");
                    assert!(code == Some(1) && words.contains(says), "{told}");
                    let counts = store.column("count").await;
                    let changed: Vec<usize> = (1..=8).filter(|n| counts[n - 1] == "1").collect();
                    assert_eq!(changed, done, "{told}");
                }
                let (_, words) = process(&folder, "", None, &["resume", &run]).await;
                let counts = store.column("count").await;
                let left = bad.matches(|c: char| c.is_ascii_digit()).count();
                assert_eq!(counts.iter().filter(|n| *n == "1").count(), 8 - left, "{limits}, moment {moment}: {words}");
                assert_eq!(open_run(&store).await, None, "{words}");
                if code.is_some() {
                    break;
                }
            }
            assert!(killed >= 3, "{limits}: only {killed} processes were killed while they worked");
            store.shop.close().await;
        }
    });
}

/// A wire to a server: behind so many COMMITs, or statements of another kind, it is cut, and nobody listens there any more.
struct Wire {
    port: u16,
    server: String,
    /// How many COMMITs are still let through; below zero all of them.
    commits: Arc<AtomicI64>,
    /// What is counted.
    counted: Arc<Mutex<&'static str>>,
    cut: watch::Sender<bool>,
}

impl Wire {
    async fn to(url: &str) -> Wire {
        let url = url::Url::parse(url).unwrap();
        // It is cut and mended: nobody else may have its port meanwhile.
        let port = free_port();
        let listener = TcpListener::bind(("127.0.0.1", port)).await.unwrap();
        let wire = Wire {
            port,
            server: format!("{}:{}", url.host_str().unwrap(), url.port().unwrap()),
            commits: Arc::new(AtomicI64::new(-1)),
            counted: Arc::new(Mutex::new("COMMIT")),
            cut: watch::Sender::new(false),
        };
        wire.listen(listener);
        wire
    }

    /// The server is back.
    async fn mend(&self) {
        self.commits.store(-1, Ordering::SeqCst);
        self.cut.send_replace(false);
        self.listen(TcpListener::bind(("127.0.0.1", self.port)).await.unwrap());
    }

    fn listen(&self, listener: TcpListener) {
        let (server, cut) = (self.server.clone(), self.cut.clone());
        let counted = (self.commits.clone(), self.counted.clone());
        let mut ends = self.cut.subscribe();
        tokio::spawn(async move {
            loop {
                tokio::select! {
                    biased;
                    () = is_cut(&mut ends) => return,
                    Ok((client, _)) = listener.accept() => {
                        let server = TcpStream::connect(&server).await.unwrap();
                        tokio::spawn(carry(client, server, counted.clone(), cut.clone()));
                    }
                }
            }
        });
    }

    fn url(&self, url: &str) -> String {
        let mut url = url::Url::parse(url).unwrap();
        url.set_port(Some(self.port)).unwrap();
        format!("{url}?sslmode=disable")
    }
}

/// Waits until the wire is cut. What tells it is let go before anything else is waited for.
async fn is_cut(ends: &mut watch::Receiver<bool>) {
    drop(ends.wait_for(|cut| *cut).await);
}

async fn carry(
    mut client: TcpStream,
    mut server: TcpStream,
    (commits, counted): (Arc<AtomicI64>, Arc<Mutex<&'static str>>),
    cut: watch::Sender<bool>,
) {
    let (mut up, mut down) = (vec![0; 65536], vec![0; 65536]);
    let (mut ends, mut last) = (cut.subscribe(), false);
    loop {
        tokio::select! {
            biased;
            () = is_cut(&mut ends) => return,
            n = server.read(&mut down) => {
                let Ok(n @ 1..) = n else { return };
                if client.write_all(&down[..n]).await.is_err() { return }
                if last {
                    // The COMMIT was answered: nothing is in doubt.
                    cut.send_replace(true);
                    return;
                }
            }
            n = client.read(&mut up) => {
                let Ok(n @ 1..) = n else { return };
                let counted = counted.lock().unwrap().as_bytes();
                let commit = up[..n].windows(counted.len()).any(|w| w == counted);
                last = commit && commits.load(Ordering::SeqCst) >= 0 && commits.fetch_sub(1, Ordering::SeqCst) == 0;
                if server.write_all(&up[..n]).await.is_err() { return }
            }
        }
    }
}

#[test]
fn a_run_pauses_when_its_database_is_gone_and_goes_on_when_it_is_back() {
    block_on(async {
        let things = 450;
        let on = On::Postgres(postgres());
        let store = Store::open(&on, things).await;
        let folder = store.shop.folder.path().to_owned();
        std::fs::write(folder.join("many.yaml"), playbook(&[ALL])).unwrap();
        let Place::Server(url) = store.shop.place() else { panic!("no server") };
        let wire = Wire::to(url.reveal()).await;
        let url = wire.url(url.reveal());
        for (way, commits) in [(&[][..], 0), (&["--one-by-one"][..], 30)] {
            store.shop.sql("update things set state = 1, count = 0; delete from audits").await;
            let plan = ["plan", "many.yaml", "--env", "test", "--out", "m.plan"];
            let (code, words) = process(&folder, &url, None, &plan).await;
            assert_eq!(code, Some(0), "{words}");
            wire.commits.store(commits, Ordering::SeqCst);
            let apply = [&["apply", "m.plan", "--reason", "r", "--yes"][..], way].concat();
            let (code, words) = process(&folder, &url, None, &apply).await;
            assert!(*wire.cut.borrow(), "it was never cut: {words}");
            let done = store.column("count").await.iter().filter(|n| *n == "1").count();
            assert!(done > 0 && done < things as usize - 100, "{way:?}: {done} items were done: {words}");
            assert_eq!(code, Some(1), "{way:?}: {words}");
            assert!(words.contains("Paused") && words.contains("cannot be reached"), "{way:?}: {words}");
            assert!(words.contains("trueup resume"), "{way:?}: {words}");
            let run = open_run(&store).await.expect("the run is over");
            // It is still away: nothing is lost by trying.
            let (code, words) = process(&folder, &url, None, &["resume", &run]).await;
            assert_eq!(code, Some(1), "{way:?}: {words}");
            assert_eq!(open_run(&store).await, Some(run.clone()), "{words}");
            wire.mend().await;
            let (_, words) = process(&folder, &url, None, &["resume", &run]).await;
            // An item whose connection broke under it may have failed: it is done by a retry.
            if open_run(&store).await.is_none() && words.contains(" failed") {
                let (code, more) = process(&folder, &url, None, &["retry", &run, "--reason", "back"]).await;
                assert_eq!(code, Some(0), "{way:?}: {words}{more}");
            }
            let column = store.column("count").await;
            assert!(column.iter().all(|n| n == "1"), "{way:?}: {column:?}\n{words}");
            assert_eq!(store.audits().await, things as usize, "{way:?}: {words}");
        }
        store.shop.close().await;
    });
}

/// A restore or a deploy puts another file in the place of a database while a run works on it.
#[test]
fn a_run_whose_sqlite_file_is_exchanged_under_it_writes_nothing_to_the_other_one() {
    block_on(async {
        for one_by_one in [false, true] {
            let store = Store::open(&On::Sqlite, 300).await;
            let Place::File(path) = store.shop.place() else { panic!("no file") };
            let (moved, copy) = (path.with_extension("moved"), path.with_extension("copy"));
            let swap = |away: &Path, here: &Path| {
                std::fs::rename(path, away).unwrap();
                std::fs::rename(here, path).unwrap();
            };
            let (mut prepared, plan) =
                store.plan(&playbook(&[ALL]), &[]).await.unwrap_or_else(|f| panic!("{}", said(&f)));
            prepared.setting.one_by_one = one_by_one;
            std::fs::copy(path, &copy).unwrap();
            let (record, stop, done) = (store.record().await, AtomicBool::new(false), AtomicBool::new(false));
            let watch = |tick: Tick| {
                if matches!(&tick, Tick::Items(far) if far.over >= 40) && !done.swap(true, Ordering::SeqCst) {
                    swap(&moved, &copy);
                }
            };
            let (here, opened) = (&store.shop.here, &store.shop.opened);
            let carried = ops::apply::apply(here, &record, opened, &prepared.setting, &plan, &watch, &stop).await;
            record.journal.close().await.unwrap();
            let carried = carried.unwrap_or_else(|f| panic!("{}", said(&f)));
            assert_eq!(carried.stopped, Stopped::Paused, "one by one: {one_by_one}");
            let run = prepared.setting.run.id;
            let why = store.state(run).await.paused.unwrap();
            assert!(why.contains("was exchanged for another file") && why.contains("`trueup cancel`"), "{why}");
            assert!(store.column("count").await.iter().all(|n| n == "0"), "the other file was written");
            // Another process would meet it at its first look.
            let carried = store.resume(run).await;
            assert_eq!(carried.stopped, Stopped::Paused, "a resume looks again");
            assert!(store.column("count").await.iter().all(|n| n == "0"), "the other file was written");
            swap(&copy, &moved);
            let before = store.column("count").await.iter().filter(|n| *n == "1").count();
            assert!((40..300).contains(&before), "{before}");
            let carried = store.resume(run).await;
            assert_eq!(carried.stopped, Stopped::Closed(End::Changed), "one by one: {one_by_one}");
            assert!(store.column("count").await.iter().all(|n| n == "1"));
            assert_eq!(store.audits().await, 300);
            store.shop.close().await;
        }
    });
}

/// Nobody looks after a nightly healing: a paused one would keep those of the next nights from beginning.
#[test]
fn a_healing_whose_database_is_gone_fails_and_the_next_one_heals_the_rest() {
    block_on(async {
        let things = 450;
        let store = Store::open(&On::Postgres(postgres()), things).await;
        let folder = store.shop.folder.path().to_owned();
        std::fs::write(folder.join("many.yaml"), playbook(&["reconcile: { heal: { most: 1000 } }\n", ALL])).unwrap();
        let Place::Server(url) = store.shop.place() else { panic!("no server") };
        let wire = Wire::to(url.reveal()).await;
        let url = wire.url(url.reveal());
        wire.commits.store(0, Ordering::SeqCst);
        let heal = ["reconcile", "many.yaml", "--env", "test", "--heal", "--reason", "r", "--yes"];
        let (code, words) = process(&folder, &url, None, &heal).await;
        assert!(*wire.cut.borrow(), "it was never cut: {words}");
        let done = store.column("count").await.iter().filter(|n| *n == "1").count();
        assert!(done > 0 && done < things as usize, "{done} items were done: {words}");
        assert_eq!(code, Some(1), "{words}");
        assert!(!words.contains("Paused") && open_run(&store).await.is_none(), "{words}");
        wire.mend().await;
        let (code, words) = process(&folder, &url, None, &heal).await;
        assert_eq!(code, Some(0), "{words}");
        assert!(store.column("count").await.iter().all(|n| n == "1"), "{words}");
        store.shop.close().await;
    });
}

/// What is tried out changes rows, and takes that back: the first such statement is the last thing that the server answers.
#[test]
fn a_preview_whose_database_goes_away_is_no_plan_and_begins_no_run() {
    block_on(async {
        let store = Store::open(&On::Postgres(postgres()), 260).await;
        let folder = store.shop.folder.path().to_owned();
        std::fs::write(folder.join("many.yaml"), playbook(&["reconcile: {}\n", ALL])).unwrap();
        let Place::Server(url) = store.shop.place() else { panic!("no server") };
        let wire = Wire::to(url.reveal()).await;
        let url = wire.url(url.reveal());
        let runs = async || {
            let record = store.record().await;
            let runs = record.journal.runs(&RunFilter::default(), 9).await.unwrap();
            record.journal.close().await.unwrap();
            runs.into_iter().map(|run| run.id.short()).collect::<Vec<_>>()
        };
        let cut = async |arguments: &[&str]| {
            *wire.counted.lock().unwrap() = "UPDATE \"";
            wire.commits.store(0, Ordering::SeqCst);
            let before = runs().await;
            let (code, words) = process(&folder, &url, None, arguments).await;
            assert!(*wire.cut.borrow(), "{arguments:?}: it was never cut: {words}");
            assert_eq!(code, Some(1), "{arguments:?}: {words}");
            // Whoever connects at that very moment is cut off.
            let away = words.contains("nobody listens") || words.contains("the connection broke");
            assert!(words.contains("`shop`") && away, "{arguments:?}: {words}");
            assert!(!words.contains("tried out") && !words.contains("end early"), "{arguments:?}: {words}");
            assert_eq!(runs().await, before, "{arguments:?}: {words}");
            wire.mend().await;
        };
        cut(&["plan", "many.yaml", "--env", "test", "--out", "m.plan"]).await;
        let left: Vec<_> = std::fs::read_dir(&folder).unwrap().map(|file| file.unwrap().file_name()).collect();
        assert!(!left.iter().any(|name| name.to_string_lossy().contains("plan")), "{left:?}");
        let apply = ["apply", "many.yaml", "--env", "test", "--reason", "r", "--yes"];
        cut(&apply).await;
        cut(&["reconcile", "many.yaml", "--env", "test", "--reason", "r"]).await;
        assert!(store.column("count").await.iter().all(|n| n == "0"));
        let (code, words) = process(&folder, &url, None, &apply).await;
        assert_eq!(code, Some(0), "{words}");
        let run = runs().await.remove(0);
        cut(&["undo", &run, "--plan"]).await;
        cut(&["undo", &run, "--reason", "r", "--yes"]).await;
        assert!(store.column("count").await.iter().all(|n| n == "1"));
        store.shop.close().await;
    });
}
