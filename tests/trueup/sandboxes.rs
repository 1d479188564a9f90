//! `trueup sandbox`: the program as a process, the sandbox in one terminal and the commands in another, as a person has them. Every
//! command that it prints is run, and what mocks, Redis and worker did is looked at in the databases.

use super::servers::root;
use std::{
    fs,
    io::{BufRead, BufReader},
    path::PathBuf,
    process::{Child, Command, Stdio},
    sync::{Arc, LazyLock, Mutex},
    time::{Duration, Instant},
};
use tempfile::TempDir;
use trueup::{
    base::world::World,
    ops::sandbox::{ALL, EDX, HULEEDU, REGISTER, Sandbox},
};

/// Nothing that a test waits for may take longer.
const DEADLINE: Duration = Duration::from_secs(120);

/// A clock that showed noon when the first process of this test asked for it, and goes twice as fast: `register/reimport-applications` waits
/// at night, as its `window` says, and a test may not hang on the hour at which it runs.
fn by_day() -> String {
    static SINCE: LazyLock<i64> = LazyLock::new(|| {
        const DAY: i64 = 86_400_000_000;
        let now = World::real().now().micros;
        // Twice as fast since so long ago as noon is away.
        now - (DAY / 2 - now).rem_euclid(DAY)
    });
    format!("2:{}", *SINCE)
}

/// A sandbox that runs; ended, as by Ctrl-C, when this goes.
struct Terminal {
    home: TempDir,
    child: Child,
    said: Arc<Mutex<String>>,
    name: &'static str,
}

impl Terminal {
    fn open(sandbox: &Sandbox) -> Terminal {
        let home = tempfile::tempdir().unwrap();
        let mut command = Command::new(env!("CARGO_BIN_EXE_trueup"));
        command.args(["sandbox", sandbox.name]).current_dir(home.path()).env("TRUEUP_TIME", by_day());
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::inherit()).spawn().unwrap();
        let said = Arc::new(Mutex::new(String::new()));
        let (lines, heard) = (BufReader::new(child.stdout.take().unwrap()), said.clone());
        std::thread::spawn(move || {
            for line in lines.lines().map_while(Result::ok) {
                heard.lock().unwrap().push_str(&format!("{line}\n"));
            }
        });
        let mut terminal = Terminal { home, child, said, name: sandbox.name };
        terminal.until("the sandbox is there", |said| said.contains("is shown here"));
        terminal
    }

    fn folder(&self) -> PathBuf {
        self.home.path().join(".trueup/sandboxes").join(self.name)
    }

    fn said(&self) -> String {
        self.said.lock().unwrap().clone()
    }

    fn until(&mut self, what: &str, is: impl Fn(&str) -> bool) {
        let start = Instant::now();
        while !is(&self.said()) {
            assert!(self.child.try_wait().unwrap().is_none(), "{what}: the sandbox has ended\n{}", self.said());
            assert!(start.elapsed() < DEADLINE, "{what}: not within {DEADLINE:?}\n{}", self.said());
            std::thread::park_timeout(Duration::from_millis(20));
        }
    }

    /// A command in the other terminal: exit code, and what it said.
    fn run(&self, words: &[&str]) -> (i32, String) {
        let mut command = Command::new(env!("CARGO_BIN_EXE_trueup"));
        command.args(words).current_dir(self.folder()).env("TRUEUP_ACTOR", "bob").env("COLUMNS", "80");
        command.env("TRUEUP_TIME", by_day());
        let output = command.stdin(Stdio::null()).output().unwrap();
        let said = format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
        (output.status.code().unwrap_or(-1), said)
    }

    /// One of the commands that the sandbox prints; changes are agreed to beforehand.
    fn tried(&self, command: &str) -> (i32, String) {
        let mut words: Vec<&str> = command.split(' ').collect();
        if words[0] == "apply" {
            words.push("--yes");
        }
        self.run(&words)
    }

    fn rows(&self, database: &str, sql: &str) -> String {
        let mut command = Command::new("sqlite3");
        let output = command.arg(self.folder().join(format!(".trueup/{database}.db"))).arg(sql).output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8_lossy(&output.stdout).trim().to_owned()
    }

    /// The sandbox's own Redis, from outside.
    fn redis(&self, words: &[&str]) -> String {
        let served = fs::read_to_string(self.folder().join(".trueup/served.json")).unwrap();
        let port = served.split("redis://127.0.0.1:").nth(1).unwrap().split('/').next().unwrap();
        let output = Command::new("redis-cli").args(["-p", port]).args(words).output().unwrap();
        String::from_utf8_lossy(&output.stdout).trim().to_owned()
    }

    /// Ctrl-C.
    fn end(&mut self) {
        let id = rustix::process::Pid::from_child(&self.child);
        rustix::process::kill_process(id, rustix::process::Signal::INT).unwrap();
        let start = Instant::now();
        while self.child.try_wait().unwrap().is_none() {
            assert!(start.elapsed() < DEADLINE, "Ctrl-C does not end it");
            std::thread::park_timeout(Duration::from_millis(20));
        }
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Whether Redis is here; `scripts/test` installs it, or says that it cannot.
fn has_redis() -> bool {
    let missing = std::env::var_os("TRUEUP_TEST_WITHOUT_REDIS").is_some();
    if missing {
        println!("skipped: TRUEUP_TEST_WITHOUT_REDIS is set, so there is no Redis to test with");
    }
    !missing
}

#[test]
fn the_register_sandbox_plays_jobs_rollouts_workflows_and_applications() {
    if !has_redis() {
        return;
    }
    let mut terminal = Terminal::open(&REGISTER);
    let [tally, retry, setting, applications, _] = REGISTER.tries.map(|(_, command)| command);
    let (code, said) = terminal.tried(tally);
    assert_eq!(code, 0, "{said}");
    assert!(said.contains("2  Dqt::UpdateTraineeJob (dead, queue dqt): Dqt::Client::HttpError 500"), "{said}");
    let (code, said) = terminal.tried(retry);
    assert_eq!(code, 0, "{said}");
    assert!(said.contains("retry Dqt::UpdateTraineeJob Trainee/1027 from dead to queue dqt"), "{said}");
    let (code, said) = terminal.tried(&format!("{} --reason try --actor you", retry.replacen("plan", "apply", 1)));
    assert_eq!(code, 0, "{said}");
    terminal.until("the worker has done it", |said| said.contains("worker: Dqt::UpdateTraineeJob Trainee/1027: done"));
    // A wrong number stops before anything happens, and so does an award whose update is dead as well.
    let (code, said) =
        terminal.run(&["plan", "register/retry-jobs", "job=Dqt::UpdateTraineeJob", "status=404", "count=7"]);
    assert!(code == 4 && said.contains("There are 1 now, and you counted 7"), "{said}");
    let (code, said) =
        terminal.run(&["plan", "register/retry-jobs", "job=Dqt::RecommendForAwardJob", "status=400", "count=2"]);
    // The sentence stands in two lines.
    let one_line = said.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(code == 4 && one_line.contains("must go first: 1035"), "{said}");
    let (code, said) = terminal.tried(&setting.replace(" --reason try --actor you", "").replacen("apply", "plan", 1));
    assert!(code == 0 && said.contains("dfe-sign-in → persona"), "{said}");
    let (code, said) = terminal.tried(applications);
    assert_eq!(code, 0, "{said}");
    assert_eq!(terminal.rows("register", "select count(*) from trainees where record_source = 'apply' and application_choice_id in (37001, 37002, 37003)"), "3");
    assert_eq!(
        terminal
            .rows("register", "select distinct state from apply_applications where apply_id in (37001, 37002, 37003)"),
        "3"
    );
    let (code, said) = terminal.run(&["plan", "register/inspect-jobs", "trainee=1025"]);
    assert!(
        code == 0 && said.contains("for later: Dqt::RetrieveTrnJob") && said.contains("dead: Dqt::UpdateTraineeJob"),
        "{said}"
    );
    terminal.end();
    assert!(!terminal.folder().join(".trueup/served.json").exists());
    let (code, said) = terminal.tried(tally);
    assert!(code == 2 && said.contains("trueup sandbox register"), "{code} {said}");
}

/// What somebody changes, where, and how it is changed back; the code and a part of what the plan then says.
type WayOut = (&'static str, &'static str, &'static str, i32, &'static str);

/// Each precondition of the re-import, and each thing that may be odd about it.
const REIMPORT: &[WayOut] = &[
    (
        "register",
        "update providers set apply_sync_enabled = 0 where code = '2N2'",
        "update providers set apply_sync_enabled = 1 where code = '2N2'",
        4,
        "has no apply_sync_enabled",
    ),
    (
        "publish",
        "update provider set provider_type = 'O' where id = 11",
        "update provider set provider_type = 'B' where id = 11",
        4,
        "is a university at Publish in 2025",
    ),
    (
        "publish",
        "update provider set provider_code = '2N3' where id = 11",
        "update provider set provider_code = '2N2' where id = 11",
        4,
        "Publish has no provider 2N2 in 2025",
    ),
    (
        "apply",
        "update providers set provider_type = 'university' where code = '2N2'",
        "update providers set provider_type = 'scitt' where code = '2N2'",
        4,
        "and still university at Apply",
    ),
    (
        "apply",
        "update application_choices set recruited_at = null where id = 37002",
        "update application_choices set recruited_at = '2025-07-01 10:11:12.000002' where id = 37002",
        4,
        "only 2 are still recruited",
    ),
    (
        "register",
        "update trainees set apply_application_id = 7003 where id = 1027",
        "update trainees set apply_application_id = null where id = 1027",
        4,
        "The trainees 1027 refer to refused applications",
    ),
    (
        "register",
        "update apply_application_sync_requests set successful = 0 where id in (501, 503)",
        "update apply_application_sync_requests set successful = 1 where id in (501, 503)",
        4,
        "ever ended well",
    ),
    (
        "register",
        "update apply_applications set state = 0 where state = 1 and accredited_body_code = '2N2'",
        "update apply_applications set state = 1 where state = 0 and accredited_body_code = '2N2'",
        0,
        "No application of 2N2 in 2025 is marked",
    ),
];

#[test]
fn each_way_out_of_the_procedures_about_jobs_is_taken() {
    if !has_redis() {
        return;
    }
    let terminal = Terminal::open(&REGISTER);
    // A part of a sentence may stand in two lines.
    let one_line = |said: &str| said.split_whitespace().collect::<Vec<_>>().join(" ");
    let plan = |words: &[&str], code: i32, part: &str| {
        let (ended, said) = terminal.run(&[&["plan"], words].concat());
        assert!(ended == code && one_line(&said).contains(part), "{words:?}: {ended}, not {code} and {part:?}\n{said}");
    };
    let again = ["register/reimport-applications", "code=2N2", "year=2025"];
    for (database, there, back, code, part) in REIMPORT {
        terminal.rows(database, there);
        plan(&again, *code, part);
        terminal.rows(database, back);
    }
    plan(&["register/reimport-applications", "code=9Z9", "year=2025"], 4, "no provider, or several, with the code 9Z9");
    plan(&["register/reimport-applications", "code=2N2", "year=2031"], 4, "no recruitment cycle 2031");
    terminal.redis(&[
        "ZADD",
        "retry",
        "99999999999",
        r#"{"class":"RecruitsApi::ImportApplicationJob","args":[1],"queue":"apply","jid":"r1"}"#,
    ]);
    plan(&again, 4, "(0 jobs wait, 1 are tried again)");
    terminal.redis(&[
        "ZREM",
        "retry",
        r#"{"class":"RecruitsApi::ImportApplicationJob","args":[1],"queue":"apply","jid":"r1"}"#,
    ]);
    // Apply does not give all of them out: what was deleted at Register is back.
    terminal.rows("apply", "update application_choices set recruitment_cycle_year = 2024 where id = 37003");
    let (code, said) = terminal.run(&[&["apply"], &again[..], &["--reason", "try", "--yes"]].concat());
    assert!(code == 4 && one_line(&said).contains("and Register's rows are back"), "{said}");
    assert_eq!(
        terminal.rows(
            "register",
            "select count(*) from apply_applications where state = 1 and accredited_body_code = '2N2'"
        ),
        "3"
    );

    plan(
        &["register/retry-jobs", "job=Dqt::UpdateTraineeJob", "status=503", "count=1"],
        0,
        "No dead Dqt::UpdateTraineeJob failed with 503",
    );
    plan(
        &["register/retry-jobs", "job=Dqt::UpdateTraineeJob", "status=500", "count=3"],
        4,
        "There are 2 now, and you counted 3",
    );
    plan(
        &["register/retry-jobs", "job=Dqt::UpdateTraineeJob", "status=500", "count=1", "trainee=1027"],
        0,
        "retry Dqt::UpdateTraineeJob Trainee/1027",
    );
    plan(
        &["register/retry-jobs", "job=Dqt::UpdateTraineeJob", "status=500", "count=1", "trainee=102"],
        0,
        "for trainee 102.",
    );
    plan(
        &["register/retry-jobs", "job=Dqt::RecommendForAwardJob", "status=400", "count=1", "trainee=1003"],
        0,
        "Trainee/1003",
    );
    plan(
        &["register/retry-jobs", "job=Dqt::RecommendForAwardJob", "status=400", "count=1", "trainee=1035"],
        4,
        "must go first: 1035",
    );
    // Somebody retries one of them between plan and apply: nothing happens to the other.
    let file = terminal.folder().join("retry.plan");
    let file = file.to_str().unwrap();
    plan(
        &[
            "register/retry-jobs",
            "job=Dqt::UpdateTraineeJob",
            "status=500",
            "count=2",
            "--reason",
            "try",
            "--out",
            file,
        ],
        0,
        "2 jobs",
    );
    let (code, said) = terminal.run(&[
        "apply",
        "register/retry-jobs",
        "job=Dqt::UpdateTraineeJob",
        "status=500",
        "count=1",
        "trainee=1028",
        "--reason",
        "other",
        "--yes",
    ]);
    assert_eq!(code, 0, "{said}");
    let (code, said) = terminal.run(&["apply", file, "--yes"]);
    assert!(code == 4 || code == 5, "{code} {said}");
    assert_eq!(terminal.redis(&["ZCOUNT", "dead", "-inf", "+inf"]), "6");

    plan(&["register/inspect-jobs", "trainee=99"], 4, "There is no trainee 99");
    plan(&["register/inspect-jobs", "trainee=102"], 4, "There is no trainee 102");
    plan(&["register/inspect-jobs", "trainee=1035"], 0, "The update comes first");
    terminal.rows("register", "update trainees set discarded_at = '2025-07-01 00:00:00.000000' where id = 1029");
    plan(&["register/inspect-jobs", "trainee=1029"], 0, "The trainee was discarded");
    plan(&["register/list-dead-jobs"], 0, "trainee 1029, QYrH6zqe3CFHs2U5dcSUXiLY, discarded");
    plan(&["register/list-dead-jobs", "job=Dqt::RegisterForTrnJob"], 0, "No Dqt::RegisterForTrnJob is dead");
    terminal.redis(&["ZADD", "dead", "1753264800", "no job at all"]);
    plan(&["register/tally-jobs"], 0, "1 a text that is no job (dead, queue none): no error");
    plan(&["register/tally-jobs", "queue=nobody"], 0, "No job waits in nobody. None has failed.");

    plan(&["register/switch-analytics", "to=off"], 0, "\"true\" → \"false\"");
    plan(&["register/switch-analytics", "to=on"], 0, "othing to change");
}

#[test]
fn the_huleedu_sandbox_ends_as_its_five_commands_say() {
    let mut terminal = Terminal::open(&HULEEDU);
    let codes: Vec<(i32, String)> = HULEEDU.tries.iter().map(|(_, command)| terminal.tried(command)).collect();
    let said: Vec<&str> = codes.iter().map(|(_, said)| said.as_str()).collect();
    assert_eq!(codes.iter().map(|(code, _)| *code).collect::<Vec<_>>(), [0, 0, 4, 4, 0], "{}", said.join("\n----\n"));
    assert!(said[1].contains("nothing to retry"), "{}", said[1]);
    assert!(said[2].contains("does not belong to teacher-4"), "{}", said[2]);
    assert!(said[3].contains("that is put back"), "{}", said[3]);
    let statuses = terminal.rows("bos", "select json_extract(pipeline_configuration, '$.cj_assessment_status'), version from batches where id like '%0003'");
    assert_eq!(statuses, "FAILED|9");
    assert_eq!(terminal.rows("bos", "select count(*) from sandbox_records"), "2");
    terminal.end();
}

#[test]
fn the_edx_sandbox_ends_as_its_five_commands_say() {
    let mut terminal = Terminal::open(&EDX);
    let codes: Vec<(i32, String)> = EDX.tries.iter().map(|(_, command)| terminal.tried(command)).collect();
    let said: Vec<&str> = codes.iter().map(|(_, said)| said.as_str()).collect();
    assert_eq!(codes.iter().map(|(code, _)| *code).collect::<Vec<_>>(), [0, 1, 0, 0, 0], "{}", said.join("\n----\n"));
    assert!(said[0].contains("Put user 112 back to ENROLLMENTS_COMPLETE"), "{}", said[0]);
    assert!(said[1].contains("held for a legal case"), "{}", said[1]);
    let state = |name: &str| {
        let of = "select state_name from user_api_userretirementstatus s join user_api_retirementstate r on r.id = s.current_state_id";
        terminal.rows("lms", &format!("{of} where original_username = '{name}'"))
    };
    // Whatever went wrong with a call of theirs; the one whose service refuses is ERRORED, with what it said.
    let retired = ["ada.lind", "Ada.Lind", "bo.berg", "flaky.finn", "gateway.greta", "lost.lars", "expired.elsa"];
    for name in retired.iter().chain(&["stranger.sten", "dina.ek"]) {
        assert_eq!(state(name), "COMPLETE", "{name}");
    }
    assert_eq!(state("broken.britt"), "ERRORED");
    let responses = "select responses from user_api_userretirementstatus where original_username = 'broken.britt'";
    assert!(terminal.rows("lms", responses).contains("these notes are held for a legal case"));
    // Nobody in a working state was touched, and the one who wanted to stay is out of the queue.
    assert_eq!((state("ivar.stad"), state("jon.vik")), ("RETIRING_ENROLLMENTS".into(), "RETIRING_LMS".into()));
    assert_eq!(state("cleo.holm"), "");
    assert_eq!(
        terminal.rows("lms", "select email from auth_user where username = 'cleo.holm'"),
        "cleo.holm@learner.example"
    );
    // Old enough, archived and gone; the others stay.
    assert_eq!((state("liv.aas"), state("oda.eng")), (String::new(), "COMPLETE".into()));
    terminal.end();
}

#[test]
fn a_sandbox_holds_every_playbook_that_is_shipped() {
    let shipped = fs::read_dir(root().join("playbooks/register")).unwrap();
    let names = shipped.map(|entry| entry.unwrap().file_name().to_string_lossy().into_owned());
    let missing: Vec<String> = names
        // Tests, and what they play with.
        .filter(|name| !name.ends_with(".test.yaml") && !name.ends_with(".mock.yaml"))
        .filter(|name| !REGISTER.files.iter().any(|(file, _)| *file == format!("playbooks/register/{name}")))
        .collect();
    assert!(missing.is_empty(), "src/ops/sandbox/files.rs lacks {missing:?}");
    let shipped = fs::read_dir(root().join("examples/edx/playbooks/edx")).unwrap();
    let names = shipped.map(|entry| entry.unwrap().file_name().to_string_lossy().into_owned());
    let missing: Vec<String> = names
        .filter(|name| !name.ends_with(".test.yaml"))
        .filter(|name| !EDX.files.iter().any(|(file, _)| *file == format!("playbooks/edx/{name}")))
        .collect();
    assert!(missing.is_empty(), "src/ops/sandbox/files.rs lacks {missing:?} of edx");
    for sandbox in ALL {
        let mocks = sandbox.project.split("mock: ").skip(1).filter_map(|rest| rest.split([' ', '}', '\n']).next());
        let missing: Vec<&str> = mocks.filter(|mock| !sandbox.files.iter().any(|(file, _)| file == mock)).collect();
        assert!(missing.is_empty(), "src/ops/sandbox/files.rs lacks {missing:?} of {}", sandbox.name);
        assert!(sandbox.tries.iter().all(|(why, _)| why.len() < 76), "{}", sandbox.name);
    }
}

#[test]
fn the_databases_of_a_sandbox_are_asked_although_nobody_plays_its_jobs() {
    let folder = TempDir::new().unwrap();
    let run = |words: &[&str]| {
        let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_trueup"));
        command.current_dir(folder.path()).args(words).output().unwrap()
    };
    assert!(run(&["demo"]).status.success());
    let check = ["--project", ".trueup/demo", "check", "--env", "sandbox"];
    let came = run(&check);
    assert!(came.status.success(), "{}", String::from_utf8_lossy(&came.stderr));
    let path = folder.path().join(".trueup/demo/playbooks/register/correct-award.yaml");
    let text = fs::read_to_string(&path).unwrap();
    fs::write(&path, text.replace("clear: [recommended_", "clear: [recomended_")).unwrap();
    let came = run(&check);
    let said = String::from_utf8_lossy(&came.stderr);
    assert!(!came.status.success() && said.contains("did you mean `recommended_for_award_at`?"), "{said}");
}

#[test]
fn the_redis_of_a_sandbox_goes_with_it_however_it_ends() {
    if !has_redis() {
        return;
    }
    for signal in [rustix::process::Signal::TERM, rustix::process::Signal::KILL] {
        let mut terminal = Terminal::open(&REGISTER);
        assert_eq!(terminal.redis(&["PING"]), "PONG");
        let id = terminal.redis(&["INFO", "server"]);
        let id = id.lines().find_map(|line| line.strip_prefix("process_id:")).unwrap().trim().to_owned();
        let of = std::path::Path::new("/proc").join(&id).join("stat");
        // A process that has ended and was not waited for is gone as well.
        let lives = || fs::read_to_string(&of).is_ok_and(|stat| !stat.contains(") Z "));
        assert!(lives());
        rustix::process::kill_process(rustix::process::Pid::from_child(&terminal.child), signal).unwrap();
        terminal.child.wait().unwrap();
        let start = Instant::now();
        while lives() {
            assert!(start.elapsed() < DEADLINE, "{signal:?}: its Redis lives on");
            std::thread::park_timeout(Duration::from_millis(20));
        }
    }
}
