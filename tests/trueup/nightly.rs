//! What runs by itself: reconciles with their reports, schedules on both journals, several schedulers at once and schedulers
//! that are killed, through the real program.

use super::{
    places::Place,
    servers::{block_on, postgres},
};
use serde_json::Value as Json;
use std::{collections::BTreeMap, fs, process::Stdio, sync::Arc, time::Duration};
use tokio::process::{Child, Command};
use trueup::{base::world::World, trial::bench::On};

/// What came of one call of the program.
pub(super) struct Came {
    pub(super) exit: i32,
    pub(super) out: String,
    pub(super) err: String,
}

impl Came {
    #[track_caller]
    pub(super) fn is(self, exit: i32, words: &[&str]) -> Came {
        let said = format!("{} {}", self.out, self.err).split_whitespace().collect::<Vec<_>>().join(" ");
        assert_eq!(self.exit, exit, "{}\n{}", self.out, self.err);
        for word in words {
            assert!(said.contains(word), "`{word}` is not said:\n{}\n{}", self.out, self.err);
        }
        self
    }

    pub(super) fn json(&self) -> Json {
        serde_json::from_str(&self.out).unwrap_or_else(|e| panic!("{e}: {}\n{}", self.out, self.err))
    }
}

pub(super) fn command(place: &Place, line: &str) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_trueup"));
    let words = line.split('\'').enumerate().flat_map(|(i, part)| {
        if i % 2 == 1 { vec![part.to_owned()] } else { part.split_whitespace().map(str::to_owned).collect() }
    });
    command.args(words).current_dir(place.path()).env_clear().envs(place.variables()).kill_on_drop(true);
    command.env("COLUMNS", "80").env("TRUEUP_ACTOR", "anna");
    command
}

pub(super) async fn trueup(place: &Place, line: &str) -> Came {
    trueup_with(place, line, &[]).await
}

pub(super) async fn trueup_with(place: &Place, line: &str, variables: &[(&str, String)]) -> Came {
    let output = command(place, line).envs(variables.iter().cloned()).output().await.unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    Came { exit: output.status.code().unwrap_or(-1), out: text(output.stdout), err: text(output.stderr) }
}

/// Things that should be called something; each healing counts up, so that what is done twice shows.
const NAMELESS: &str = "reconcile: { heal: { most: 50 } }
targets:
  from: { find: { table: shop.things, where: { name: '' }, order_by: [id] } }
preconditions:
- assert: item.count < 100
  otherwise: 'thing {{ item.id }} is <b>locked</b> & \"odd\"'
steps:
- id: up
  row: { table: shop.things, key: { id: \"{{ item.id }}\" }, only_if: { name: '' }, set: { name: named, count: \"{{ item.count + 1 }}\" } }
";

pub(super) async fn office(on: &On, journal: &str, schedules: &str) -> Place {
    let place = Place::make(on).await;
    let path = place.path().join("trueup.yaml");
    let project = fs::read_to_string(&path).unwrap();
    let project = project.replace("journal: { sqlite: journal/journal.db }", journal);
    fs::write(&path, format!("{project}{schedules}")).unwrap();
    place.playbook("name", "  shop: { write: [things, audits] }", NAMELESS);
    place
}

pub(super) const FILE: &str = "journal: { sqlite: journal/journal.db }";
pub(super) const SERVER: &str = "journal: { postgres: { secret: SHOP_URL } }";

pub(super) async fn counts(place: &Place) -> String {
    place.seen("select count from things order by id").await
}

#[test]
fn drift_is_told_and_remembered_and_healed_within_caps_and_taken_back() {
    block_on(async {
        let place = office(&On::Postgres(postgres()), FILE, "").await;
        // Nothing differs.
        trueup(&place, "reconcile name").await.is(0, &["There is nothing that differs."]);
        // Three differ; one of them may not be healed.
        place.admin("update things set name = ''; update things set count = 100 where id = 3;").await;
        let first = trueup(&place, "reconcile name --json").await;
        assert_eq!(first.exit, 5, "{}{}", first.out, first.err);
        let first = first.json();
        assert_eq!((first["kind"].as_str(), first["came_to"].as_str()), (Some("reconcile"), Some("drifted")));
        assert_eq!((first["drifted"].as_u64(), first["new"].as_u64()), (Some(3), Some(3)));
        assert_eq!(first["items"][0]["differs"][0], "shop.things name: \"\" → named, count: 5 → 6");
        assert_eq!(first["items"][2]["verdict"], "refused");
        // Nothing was changed, and the next look knows since when.
        assert_eq!(counts(&place).await, "5; 1; 100");
        place.admin("update things set name = 'desk' where id = 2;").await;
        let text = trueup(&place, "reconcile name").await.is(
            5,
            &[
                "2 items differ: seen before.",
                "1 that differed when it was looked before is as wanted now.",
                "2 times in a row",
                "Nothing was changed: this only reports.",
            ],
        );
        assert!(text.out.lines().all(|line| line.chars().count() <= 80), "{}", text.out);
        // Caps: of more than one share nothing is healed; of two at most one.
        place.admin("update things set name = '' where id = 2;").await;
        trueup(&place, "reconcile name --heal --share 1 --yes --reason nightly")
            .await
            .is(4, &["3 items differ", "Nothing was healed: 3 of 3 items differ, more than `share: 1` allows"]);
        // Of a source that finds only what differs there is no total to take a share of.
        trueup(&place, "reconcile name --heal --share 5% --yes --reason nightly").await.is(
            4,
            &[
                "Nothing was healed: all 3 items that the source finds differ",
                "write a number of items instead (`share: 20`)",
            ],
        );
        assert_eq!(counts(&place).await, "5; 1; 100");
        let healed = trueup(&place, "reconcile name --heal --most 1 --yes --reason nightly --json").await;
        assert_eq!(healed.exit, 4, "{}{}", healed.out, healed.err);
        let healed = healed.json();
        let verdicts: Vec<&str> =
            healed["items"].as_array().unwrap().iter().map(|i| i["verdict"].as_str().unwrap()).collect();
        assert_eq!(verdicts, ["healed", "refused", "refused"]);
        assert!(healed["items"][1]["why"].as_str().unwrap().contains("beyond the one item that one run may heal"));
        assert_eq!(counts(&place).await, "6; 1; 100");
        assert_eq!(healed["trend"].as_array().unwrap().len(), 6);
        // It is a run as any other: shown, listed, taken back.
        let run = healed["run"].as_str().unwrap();
        trueup(&place, "runs").await.is(0, &["reconcile name"]);
        trueup(&place, &format!("show {run}")).await.is(0, &["changed"]);
        trueup(&place, &format!("undo {run} --yes --reason back")).await.is(0, &[]);
        assert_eq!(counts(&place).await, "5; 1; 100");
        trueup(&place, "audit verify").await.is(0, &["Everything is as it was written."]);
        // All that can be healed is.
        trueup(&place, "reconcile --all --heal --yes --reason nightly").await.is(4, &["2 healed, 1 refused."]);
        assert_eq!(counts(&place).await, "6; 2; 100");
        let told = trueup(&place, "reconcile report").await.is(0, &["3, 2 healed", "3, 1 healed"]);
        assert!(!told.out.contains("to heal"), "{}", told.out);
        // The page: no script, nothing from elsewhere, what an author or a row says stays text.
        trueup(&place, "reconcile report --html drift.html").await.is(0, &["drift.html"]);
        let page = fs::read_to_string(place.path().join("drift.html")).unwrap();
        assert!(page.contains("&lt;b&gt;locked&lt;/b&gt; &amp; &quot;odd&quot;"), "{page}");
        assert!(
            !page.contains("<b>")
                && !page.contains("<script")
                && !page.contains("http://")
                && page.contains("default-src 'none'")
        );
        assert!(page.contains("<svg role=\"img\""), "no trend: {page}");
        // The report of an older one, and of none.
        trueup(&place, &format!("reconcile report {}", first["run"].as_str().unwrap()))
            .await
            .is(0, &["seen for the first time"]);
        trueup(&place, "reconcile report --playbook other").await.is(2, &["no reconcile is recorded"]);
        // What is not even asked.
        trueup(&place, "reconcile name --heal").await.is(2, &["a run needs a reason"]);
        trueup(&place, "reconcile").await.is(2, &["<PLAYBOOK"]);
        place.clear().await;
    });
}

#[test]
fn an_unchanged_world_costs_one_pass_of_the_detect_query() {
    block_on(async {
        let place = office(&On::Postgres(postgres()), SERVER, "").await;
        // The server itself counts how often the table was read; a session tells when it ends.
        let reads =
            "select coalesce(seq_scan, 0) + coalesce(idx_scan, 0) from pg_stat_user_tables where relname = 'things'";
        let mut before = place.seen(reads).await.trim().parse::<u64>().unwrap();
        for _ in 0..2 {
            trueup(&place, "reconcile name").await.is(0, &["There is nothing that differs."]);
            let after = std::cell::Cell::new(before);
            until("the server tells", || async {
                after.set(place.seen(reads).await.trim().parse().unwrap());
                after.get() > before
            })
            .await;
            assert_eq!(after.get(), before + 1);
            before = after.get();
        }
        place.clear().await;
    });
}

/// A clock that runs so many times faster, the same for all processes.
pub(super) fn fast(factor: u32) -> (&'static str, String) {
    ("TRUEUP_TIME", format!("{factor}:{}", World::real().now().micros))
}

fn schedules(heal: bool, place: &Place) -> String {
    use sha2::{Digest, Sha256};
    let text = fs::read(place.path().join("name.yaml")).unwrap();
    let pin: String = Sha256::digest(text).iter().take(8).map(|b| format!("{b:02x}")).collect();
    let heal = if heal { format!(", mode: heal, pin: '{pin}', caps: {{ most: 10 }}") } else { String::new() };
    format!(
        "schedules:\n  minutely: {{ playbook: name, cron: '* * * * *', zone: Europe/London, env: test, owner: clerk{heal} }}\n"
    )
}

pub(super) fn with_schedules(place: &Place, heal: bool) {
    let path = place.path().join("trueup.yaml");
    let text = fs::read_to_string(&path).unwrap();
    let base = text.split("schedules:\n").next().unwrap();
    fs::write(&path, format!("{base}{}", schedules(heal, place))).unwrap();
}

pub(super) fn scheduler(place: &Place, variables: &[(&str, String)]) -> Child {
    let mut command = command(place, "scheduler");
    command.envs(variables.iter().cloned()).stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap()
}

async fn stopped(child: Child) -> String {
    let pid = child.id().unwrap();
    let signalled = std::process::Command::new("kill").args(["-TERM", &pid.to_string()]).status().unwrap();
    assert!(signalled.success());
    let output = child.wait_with_output().await.unwrap();
    let said = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(0), "{said}");
    said
}

async fn standing(place: &Place) -> Json {
    let list = trueup(place, "schedule list --json").await;
    assert_eq!(list.exit, 0, "{}{}", list.out, list.err);
    list.json()["schedules"][0].clone()
}

/// Looks again and again until it holds; gives up after half a minute.
pub(super) async fn until<F: Future<Output = bool>>(what: &str, mut holds: impl FnMut() -> F) {
    for _ in 0..150 {
        if holds().await {
            return;
        }
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
    panic!("never: {what}");
}

#[test]
fn two_schedulers_at_once_fire_each_time_once_on_both_journals() {
    block_on(async {
        for (on, journal) in [(On::Sqlite, FILE), (On::Postgres(postgres()), SERVER)] {
            let place = office(&on, journal, "").await;
            with_schedules(&place, false);
            // A minute takes 2.4 seconds.
            let time = [fast(25)];
            let pair = [scheduler(&place, &time), scheduler(&place, &time)];
            until("three reports", || async { reports(&place).await >= 3 }).await;
            let [one, other] = pair;
            let (one, other) = (stopped(one).await, stopped(other).await);
            let mut begun: BTreeMap<String, usize> = BTreeMap::new();
            // Where a machine is so busy that a process is taken for dead, another one goes on with the same run: the runs tell.
            for line in one.lines().chain(other.lines()).filter(|line| line.ends_with(" begins")) {
                let occurrence = line.split("minutely: ").nth(1).unwrap().to_owned();
                *begun.entry(occurrence).or_default() += 1;
            }
            assert!(begun.len() >= 3 && begun.values().all(|times| *times == 1), "{begun:?}\n{one}\n{other}");
            // As many runs as occurrences, and all of them are over.
            assert_eq!(reports(&place).await, begun.len(), "{one}\n{other}");
            trueup(&place, "audit verify").await.is(0, &["Everything is as it was written."]);
            place.clear().await;
        }
    });
}

/// How many reconciles are recorded.
async fn reports(place: &Place) -> usize {
    let runs = trueup(place, "runs --json --limit 500").await;
    if runs.exit != 0 {
        return 0;
    }
    runs.json()["runs"].as_array().unwrap().iter().filter(|run| run["purpose"] == "reconcile").count()
}

#[test]
fn a_scheduler_that_is_killed_anywhere_loses_nothing_and_does_nothing_twice() {
    block_on(async {
        let (mut killed, mut ended) = (0, 0);
        for moment in [2, 5, 9, 14, 20, 27, 35, 44, 60, 90] {
            let place = office(&On::Postgres(postgres()), FILE, "").await;
            with_schedules(&place, true);
            place.admin("update things set name = '';").await;
            let crash = [("TRUEUP_CRASH_AT", moment.to_string())];
            let first = trueup_with(&place, "schedule run minutely --reason test", &crash).await;
            if first.exit == -1 {
                killed += 1;
            } else {
                ended += 1;
                assert_eq!(first.exit, 0, "{}{}", first.out, first.err);
            }
            let before = counts(&place).await;
            // The process is gone, so the next one takes at once what it left.
            let second = trueup(&place, "reconcile --due").await;
            assert_eq!(second.exit, 0, "at {moment}: {}{}", second.out, second.err);
            let recent = standing(&place).await["recent"].clone();
            let fired: Vec<&Json> = recent.as_array().unwrap().iter().filter(|one| one["state"] == "fired").collect();
            match fired.as_slice() {
                // It died before it had said that it begins: nothing was changed.
                [] => assert_eq!(before, "5; 1; 2", "at {moment}"),
                [one] => {
                    assert_eq!(one["came_to"], "healed", "at {moment}: {recent}");
                    assert_eq!(counts(&place).await, "6; 2; 3", "at {moment}, after {before:?}");
                }
                several => panic!("at {moment}: {several:?}"),
            }
            assert!(reports(&place).await <= 1, "at {moment}");
            trueup(&place, "audit verify").await.is(0, &["Everything is as it was written."]);
            place.clear().await;
        }
        assert!(killed >= 5 && ended <= 5, "{killed} killed, {ended} ended");
    });
}

#[test]
fn schedules_are_paused_resumed_blocked_and_told() {
    block_on(async {
        let place = office(&On::Sqlite, FILE, "").await;
        with_schedules(&place, true);
        trueup(&place, "schedule list")
            .await
            .is(0, &["minutely", "heal name in test, as clerk", "no scheduler has seen it"]);
        trueup(&place, "reconcile --due")
            .await
            .is(0, &["looked after from now on, because it is new", "Nothing is due."]);
        trueup(&place, "schedule pause minutely --reason 'holidays' --actor ben").await.is(0, &["minutely is paused"]);
        trueup(&place, "schedule pause minutely --reason again").await.is(2, &["paused already, by ben", "holidays"]);
        trueup(&place, "schedule list").await.is(0, &["paused by ben", "holidays"]);
        trueup(&place, "schedule resume minutely --reason back").await.is(0, &["goes on"]);
        trueup(&place, "schedule resume minutely --reason back").await.is(2, &["is not paused"]);
        trueup(&place, "schedule pause mintely --reason x").await.is(2, &["no schedule `mintely`", "minutely"]);
        // By hand, with its report; nothing differs.
        trueup(&place, "schedule run minutely --reason now")
            .await
            .is(0, &["There is nothing that differs.", "schedule minutely"]);
        trueup(&place, "schedule list").await.is(0, &["clean", "by hand, anna: now"]);
        // Another text than the pinned one, and an owner who is gone: blocked, and said why.
        let path = place.path().join("name.yaml");
        let text = fs::read_to_string(&path).unwrap();
        fs::write(&path, text.replace("title: A test", "title: Another test")).unwrap();
        trueup(&place, "schedule run minutely --reason now")
            .await
            .is(4, &["is blocked", "is not the text that was pinned", "write `pin: "]);
        fs::write(&path, text).unwrap();
        let project = fs::read_to_string(place.path().join("trueup.yaml")).unwrap();
        fs::write(place.path().join("trueup.yaml"), project.replace("owner: clerk, mode", "owner: zoe, mode")).unwrap();
        trueup(&place, "schedule list").await.is(0, &["blocked: its owner `zoe` is nobody of this project any more"]);
        trueup(&place, "check").await.is(0, &["W0830"]);
        // Its times, over the night in which the clocks change.
        let later = "schedule next minutely --count 3 --after 2027-03-28T00:58:30";
        trueup(&place, later)
            .await
            .is(0, &["2027-03-28 00:59 Europe/London", "2027-03-28 02:00 Europe/London", "2027-03-28 01:00 UTC"]);
        // What a monitor reads.
        trueup(&place, "reconcile name --metrics-file trueup.prom").await.is(0, &[]);
        let metrics = fs::read_to_string(place.path().join("trueup.prom")).unwrap();
        for line in [
            "trueup_schedule_blocked{schedule=\"minutely\"} 1",
            "trueup_schedule_occurrences{schedule=\"minutely\",came_to=\"clean\"} 1",
            "trueup_reconcile_drifted_items{playbook=\"name\",environment=\"test\"} 0",
        ] {
            assert!(metrics.lines().any(|known| known == line), "{line}\n{metrics}");
        }
        place.clear().await;
    });
}

pub(super) const AGREED: &str = "approvers: { leads: [ben, cleo] }
environments:
  test:
    approvals:
      rules:
        - { when: { table: shop.things, rows_over: 1 }, by: leads }
";

/// What of three records two do not have as a file wants them.
const COMPARED: &str = "reconcile: {}
targets:
  from:
    compare:
      left: { find: { table: shop.things, columns: [id, name] } }
      right: { csv: wanted.csv, columns: { id: int, name: string } }
      key: id
      fields: [{ name: name }]
limits: { max_items: 10 }
steps:
- id: named
  row: { table: shop.things, key: { id: \"{{ item.key }}\" }, set: { name: \"{{ item.right.name }}\" } }
";

#[test]
fn many_healings_wait_as_a_plan_for_those_who_have_to_agree_and_a_comparison_counts_all_that_it_compared() {
    block_on(async {
        let place = office(&On::Postgres(postgres()), FILE, "").await;
        let path = place.path().join("trueup.yaml");
        let project = fs::read_to_string(&path).unwrap();
        fs::write(&path, project.replace("environments:\n  test: {}\n", AGREED)).unwrap();
        place.admin("update things set name = '';").await;
        let before = counts(&place).await;
        let asked = trueup(&place, "reconcile name --heal --yes --reason nightly --json").await;
        assert_eq!(asked.exit, 4, "{}{}", asked.out, asked.err);
        let asked = asked.json();
        let refused = asked["refused"].as_str().unwrap();
        assert!(
            refused.contains("1 approval by leads") && refused.contains("What would heal 3 items is kept until"),
            "{refused}"
        );
        let file = asked["kept_plan"]["file"].as_str().unwrap().to_owned();
        assert_eq!(counts(&place).await, before);
        // It is a saved plan like any other: shown, not carried out before they have agreed, and carried out once, by somebody else and later.
        trueup(&place, &format!("plan show {file}")).await.is(0, &["3 items", "change something"]);
        trueup(&place, &format!("apply {file} --yes --reason heal --actor zoe")).await.is(4, &["approval by leads"]);
        trueup(&place, &format!("approve {file} --yes --actor ben --reason fine")).await.is(0, &[]);
        assert_eq!(counts(&place).await, before);
        trueup(&place, &format!("apply {file} --yes --reason heal --actor zoe")).await.is(0, &["3 changed"]);
        let after =
            before.split("; ").map(|n| (n.parse::<i64>().unwrap() + 1).to_string()).collect::<Vec<_>>().join("; ");
        assert_eq!(counts(&place).await, after);
        trueup(&place, &format!("apply {file} --yes --reason again")).await.is(2, &["used"]);
        trueup(&place, "reconcile name").await.is(0, &["There is nothing that differs."]);

        // Two of three records differ: the share is one of all that were compared, and not of those that differ.
        place.playbook("compared", "  shop: { read: [things], write: [things, audits] }", COMPARED);
        fs::write(place.path().join("wanted.csv"), "id,name\n1,named\n2,lamp\n3,vase\n").unwrap();
        fs::write(&path, project).unwrap();
        trueup(&place, "reconcile compared").await.is(5, &["2 of 3 items differ: seen for the first time."]);
        trueup(&place, "plan compared").await.is(0, &["Compared 3 records of shop with 3 of file: 1 agrees, 2 differ"]);
        let healed = trueup(&place, "reconcile compared --heal --share 50% --yes --reason nightly").await;
        healed.is(0, &["2 healed."]);
        trueup(&place, "reconcile compared").await.is(0, &["All 3 items are as wanted."]);
        trueup(&place, "audit verify").await.is(0, &["Everything is as it was written."]);
        place.clear().await;
    });
}

/// T20: those who say nothing keep nobody waiting, a body that nobody asked for is not read, and however many ask at once, each is answered.
#[test]
fn the_metrics_are_told_although_five_hundred_say_nothing_somebody_sends_a_hundred_megabytes_and_ten_thousand_ask_at_once()
 {
    use tokio::{
        io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader},
        net::TcpStream,
    };
    block_on(async {
        let place = office(&On::Sqlite, FILE, "").await;
        let mut command = command(&place, "scheduler --metrics 127.0.0.1:0");
        let mut scheduler = command.stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
        let mut said = BufReader::new(scheduler.stderr.take().unwrap()).lines();
        let address = loop {
            let line = said.next_line().await.unwrap().expect("it ended");
            if let Some(rest) = line.split("http://").nth(1) {
                break rest.split('/').next().unwrap().to_owned();
            }
        };
        let mut silent = Vec::new();
        for _ in 0..500 {
            let mut stream = TcpStream::connect(&address).await.unwrap();
            stream.write_all(b"GET /metrics HTTP/1.1\r\nHost: a\r\nX-Slow: ").await.unwrap();
            silent.push(stream);
        }
        let asked = async |head: String, body: usize| {
            let mut stream = TcpStream::connect(&address).await.unwrap();
            stream.write_all(head.as_bytes()).await.unwrap();
            let (piece, mut sent) = (vec![b'x'; 1 << 16], 0);
            while sent < body && stream.write_all(&piece).await.is_ok() {
                sent += piece.len();
            }
            let mut answer = String::new();
            let read = tokio::time::timeout(Duration::from_secs(4), stream.read_to_string(&mut answer)).await;
            assert!(read.is_ok(), "nobody answers: {answer}");
            (answer, sent)
        };
        let (answer, _) = asked("GET /metrics HTTP/1.1\r\nHost: a\r\n\r\n".into(), 0).await;
        assert!(answer.starts_with("HTTP/1.1 200") && answer.contains("trueup_build_info"), "{answer}");
        let most = 100 << 20;
        let head = format!("POST /metrics HTTP/1.1\r\nHost: a\r\nContent-Length: {most}\r\n\r\n");
        let (answer, sent) = asked(head, most).await;
        assert!(sent < most && (answer.is_empty() || answer.starts_with("HTTP/1.1 405")), "{sent}: {answer}");
        drop(silent);
        // As many at once as ten thousand, if this process may have so many connections.
        let limits = fs::read_to_string("/proc/self/limits").unwrap();
        let files = limits.lines().find_map(|line| line.strip_prefix("Max open files")).unwrap();
        let files: usize = files.split_whitespace().next().unwrap().parse().unwrap_or(20_000);
        let room = Arc::new(tokio::sync::Semaphore::new(files.saturating_sub(200).clamp(100, 10_000)));
        let mut calls = tokio::task::JoinSet::new();
        for _ in 0..10_000 {
            let (address, room) = (address.clone(), room.clone());
            calls.spawn(async move {
                let _room = room.acquire_owned().await.unwrap();
                // Where the kernel's queue is full, a caller believes itself connected and its words are lost; its own kernel repeats
                // them later and later, the seventh time after two minutes. Like every scraper it asks anew instead.
                loop {
                    let asked = async {
                        let mut stream = TcpStream::connect(&address).await?;
                        stream.write_all(b"GET /healthz HTTP/1.1\r\nHost: a\r\n\r\n").await?;
                        let mut answer = String::new();
                        stream.read_to_string(&mut answer).await.map(|_| answer)
                    };
                    if let Ok(answer) = tokio::time::timeout(Duration::from_secs(10), asked).await {
                        let answer = answer.unwrap();
                        assert!(answer.starts_with("HTTP/1.1 200") && answer.ends_with("ok\n"), "{answer}");
                        return;
                    }
                }
            });
        }
        let all = tokio::time::timeout(Duration::from_secs(120), calls.join_all()).await;
        assert_eq!(all.expect("not all are answered").len(), 10_000);
        let status = fs::read_to_string(format!("/proc/{}/status", scheduler.id().unwrap())).unwrap();
        let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
        let peak: u64 = peak.trim_end_matches("kB").trim().parse().unwrap();
        assert!(peak < 256 << 10, "{peak} KiB");
        stopped(scheduler).await;
        place.clear().await;
    });
}
