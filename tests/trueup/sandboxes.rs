//! `trueup sandbox`: the program as a process, the sandbox in one terminal and the commands in another, as a person has them. Every
//! command that it prints is run, and what mocks, Redis and worker did is looked at in the databases.

use super::servers::root;
use std::{
    fs,
    io::{BufRead, BufReader},
    path::PathBuf,
    process::{Child, Command, Stdio},
    sync::{Arc, Mutex},
    time::{Duration, Instant},
};
use tempfile::TempDir;
use trueup::ops::sandbox::{ALL, HULEEDU, REGISTER, Sandbox};

/// Nothing that a test waits for may take longer.
const DEADLINE: Duration = Duration::from_secs(120);

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
        command.args(["sandbox", sandbox.name]).current_dir(home.path());
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
        let said = Arc::new(Mutex::new(String::new()));
        let (lines, heard) = (BufReader::new(child.stdout.take().unwrap()), said.clone());
        std::thread::spawn(move || {
            for line in lines.lines().map_while(Result::ok) {
                heard.lock().unwrap().push_str(&format!("{line}\n"));
            }
        });
        let terminal = Terminal { home, child, said, name: sandbox.name };
        terminal.until("the sandbox is there", |said| said.contains("is shown here"));
        terminal
    }

    fn folder(&self) -> PathBuf {
        self.home.path().join(".trueup/sandboxes").join(self.name)
    }

    fn said(&self) -> String {
        self.said.lock().unwrap().clone()
    }

    fn until(&self, what: &str, is: impl Fn(&str) -> bool) {
        let start = Instant::now();
        while !is(&self.said()) {
            assert!(start.elapsed() < DEADLINE, "{what}: not within {DEADLINE:?}\n{}", self.said());
            std::thread::park_timeout(Duration::from_millis(20));
        }
    }

    /// A command in the other terminal: exit code, and what it said.
    fn run(&self, words: &[&str]) -> (i32, String) {
        let mut command = Command::new(env!("CARGO_BIN_EXE_trueup"));
        command.args(words).current_dir(self.folder()).env("TRUEUP_ACTOR", "bob").env("COLUMNS", "80");
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
    let [tally, retry, setting, applications, maintenance] = REGISTER.tries.map(|(_, command)| command);
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
    assert!(code == 4 && said.contains("must go first: 1035"), "{said}");
    let (code, said) = terminal.tried(setting);
    assert_eq!(code, 0, "{said}");
    // The mock remembers: a second command finds the setting as it is.
    let (code, said) = terminal.tried(setting);
    assert!(code == 0 && said.contains("is as wanted") || said.contains("othing"), "{said}");
    let (code, said) = terminal.tried(applications);
    assert_eq!(code, 0, "{said}");
    assert_eq!(terminal.rows("register", "select count(*) from trainees where record_source = 'apply' and application_choice_id in (37001, 37002, 37003)"), "3");
    assert_eq!(
        terminal
            .rows("register", "select distinct state from apply_applications where apply_id in (37001, 37002, 37003)"),
        "3"
    );
    let (code, said) = terminal.tried(maintenance);
    assert_eq!(code, 0, "{said}");
    assert!(said.contains("is shown"), "{said}");
    let (code, said) =
        terminal.run(&["apply", "register/maintenance-mode", "mode=disable", "--reason", "over", "--yes"]);
    assert!(code == 0 && said.contains("is gone"), "{said}");
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
fn a_sandbox_holds_every_playbook_that_is_shipped() {
    let shipped = fs::read_dir(root().join("playbooks/register")).unwrap();
    let names = shipped.map(|entry| entry.unwrap().file_name().to_string_lossy().into_owned());
    let missing: Vec<String> = names
        .filter(|name| !name.ends_with(".test.yaml"))
        .filter(|name| !REGISTER.files.iter().any(|(file, _)| *file == format!("playbooks/register/{name}")))
        .collect();
    assert!(missing.is_empty(), "src/ops/sandbox/files.rs lacks {missing:?}");
    for sandbox in ALL {
        assert!(sandbox.tries.iter().all(|(why, _)| why.len() < 76), "{}", sandbox.name);
    }
}
