//! Background jobs against a real Redis and a real Sidekiq: what trueup enqueues or tries again is executed by a worker, once,
//! whatever breaks in between. The program runs as a process, as a person would start it.

mod crashes;
mod enqueue;
mod faults;
mod marks;
mod rights;
mod sets;
mod undo;

use crate::hidden::flat;
use std::{
    path::Path,
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};
use tempfile::TempDir;

/// Nothing that a test waits for may take longer.
const DEADLINE: Duration = Duration::from_secs(60);

/// Waits for a fact.
fn until(what: &str, mut is: impl FnMut() -> bool) {
    let start = Instant::now();
    while !is() {
        assert!(start.elapsed() < DEADLINE, "{what}: not within {DEADLINE:?}");
        std::thread::park_timeout(Duration::from_millis(20));
    }
}

/// Whether Redis and Sidekiq are here. `scripts/test` installs them; where it cannot it says so, and sets this variable.
fn is_here() -> bool {
    if std::env::var_os("TRUEUP_TEST_WITHOUT_REDIS").is_some() {
        println!("skipped: TRUEUP_TEST_WITHOUT_REDIS is set, so there is no Redis to test with");
        return false;
    }
    for program in ["redis-server", "redis-cli", "sidekiq"] {
        let found =
            std::env::split_paths(&std::env::var_os("PATH").unwrap_or_default()).any(|p| p.join(program).is_file());
        assert!(
            found,
            "`{program}` is not installed: `scripts/test` installs it (Debian: redis-server, ruby-sidekiq, ruby-activejob)"
        );
    }
    true
}

/// A Redis of the test's own, on a free port, in a folder that goes away, with a password.
struct Redis {
    child: Child,
    folder: TempDir,
    port: u16,
    password: String,
}

impl Redis {
    fn start() -> Redis {
        Redis::start_with(&|_| Vec::new())
    }

    /// With more arguments, which may name files in its folder.
    fn start_with(more: &dyn Fn(&Path) -> Vec<String>) -> Redis {
        let port = crate::servers::free_port();
        let mut random = [0; 16];
        getrandom::fill(&mut random).unwrap();
        let password: String = random.iter().map(|byte| format!("{byte:02x}")).collect();
        let folder = tempfile::tempdir().unwrap();
        let more = more(folder.path());
        let child = Redis::launch(port, &password, folder.path(), &more);
        let redis = Redis { child, folder, port, password };
        redis.wait();
        redis
    }

    fn launch(port: u16, password: &str, folder: &Path, more: &[String]) -> Child {
        let mut command = Command::new("redis-server");
        command.args(["--port", &port.to_string(), "--bind", "127.0.0.1", "--requirepass", password]);
        command.args(["--save", "", "--appendonly", "no", "--dir"]).arg(folder).args(more);
        command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap()
    }

    fn wait(&self) {
        until("Redis answers", || self.ask(&["PING"]) == "PONG");
    }

    /// It dies and comes back, and everything that it held is gone.
    fn restart(&mut self) {
        self.stop();
        self.child = Redis::launch(self.port, &self.password, self.folder.path(), &[]);
        self.wait();
    }

    fn stop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }

    fn ask(&self, arguments: &[&str]) -> String {
        let mut command = Command::new("redis-cli");
        command.args(["-p", &self.port.to_string(), "--no-auth-warning", "-a", &self.password]).args(arguments);
        let output = command.output().unwrap();
        String::from_utf8_lossy(&output.stdout).trim_end().to_owned()
    }

    /// The answer, asked for by another account.
    fn ask_as(&self, account: &str, password: &str, arguments: &[&str]) -> String {
        let mut command = Command::new("redis-cli");
        command.args(["-p", &self.port.to_string(), "--no-auth-warning", "--user", account, "--pass", password]);
        let output = command.args(arguments).output().unwrap();
        String::from_utf8_lossy(&output.stdout).trim_end().to_owned()
    }

    fn url(&self) -> String {
        format!("redis://:{}@127.0.0.1:{}/0", self.password, self.port)
    }

    /// The texts of a list, or of a sorted set without its scores.
    fn texts(&self, key: &str) -> Vec<String> {
        let text = match key.starts_with("queue:") {
            true => self.ask(&["LRANGE", key, "0", "-1"]),
            false => self.ask(&["ZRANGE", key, "0", "-1"]),
        };
        text.lines().filter(|line| !line.is_empty()).map(str::to_owned).collect()
    }

    fn jids(&self, key: &str) -> Vec<String> {
        let jid =
            |text: &String| text.split_once("\"jid\":\"").map(|(_, rest)| rest.split('"').next().unwrap().to_owned());
        self.texts(key).iter().filter_map(jid).collect()
    }

    /// A job that failed for good.
    fn dead(&self, jid: &str, trainee: &str, status: u16, score: &str) {
        self.ask(&["ZADD", "dead", score, &failed(jid, trainee, status)]);
    }
}

impl Drop for Redis {
    fn drop(&mut self) {
        self.stop();
    }
}

/// The text of a job that failed.
fn failed(jid: &str, trainee: &str, status: u16) -> String {
    format!(
        r#"{{"retry":0,"queue":"dqt","class":"ActiveJob::QueueAdapters::SidekiqAdapter::JobWrapper","wrapped":"Dqt::UpdateTraineeJob","args":[{{"job_class":"Dqt::UpdateTraineeJob","job_id":"j-{jid}","provider_job_id":null,"queue_name":"dqt","priority":null,"arguments":[{{"_aj_globalid":"gid://register/Trainee/{trainee}"}}],"executions":0,"exception_executions":{{}},"locale":"en","timezone":"UTC","enqueued_at":"2025-07-23T10:00:00Z"}}],"jid":"{jid}","created_at":1753264800.25,"enqueued_at":1753264800.25,"error_message":"status: {status}, body: {{\"title\":\"it says, headers: here\",\"errorCode\":10001}}, headers: {{}}","error_class":"Dqt::Client::HttpError","failed_at":1753264801.5,"retry_count":0}}"#
    )
}

/// A worker that takes jobs, with ActiveJob where it is installed.
struct Worker {
    child: Child,
    folder: TempDir,
}

impl Worker {
    fn start(redis: &Redis) -> Worker {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("worker.rb"), include_str!("worker.rb")).unwrap();
        let mut command = Command::new("sidekiq");
        command.args(["-r", "./worker.rb", "-q", "dqt", "-q", "default", "-c", "2", "-t", "1"]);
        command
            .current_dir(folder.path())
            .env("REDIS_URL", redis.url())
            .env("JOBS_LOG", folder.path().join("done.log"));
        let log =
            || std::fs::OpenOptions::new().create(true).append(true).open(folder.path().join("worker.log")).unwrap();
        let child = command.stdout(log()).stderr(log()).spawn().unwrap();
        Worker { child, folder }
    }

    /// What it executed, one line each.
    fn done(&self) -> Vec<String> {
        let text = std::fs::read_to_string(self.folder.path().join("done.log")).unwrap_or_default();
        text.lines().map(str::to_owned).collect()
    }

    /// Waits until it executed so many, and until nothing waits any more: more than these it never executes.
    fn executed(&self, redis: &Redis, many: usize) -> Vec<String> {
        let mut last = Vec::new();
        until(&format!("{many} jobs are executed; the worker says: {}", self.log()), || {
            last = self.done();
            let idle = redis.texts("queue:dqt").is_empty() && redis.texts("queue:default").is_empty();
            last.len() >= many && idle && redis.ask(&["GET", "stat:processed"]).parse().unwrap_or(0) >= many
        });
        assert_eq!(last.len(), many, "{last:#?}");
        last
    }

    fn log(&self) -> String {
        std::fs::read_to_string(self.folder.path().join("worker.log")).unwrap_or_default()
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// What came of one command.
struct Came {
    /// The exit code; nothing when a signal ended it.
    exit: Option<i32>,
    said: String,
}

impl Came {
    fn well(self, code: i32) -> String {
        assert_eq!(self.exit, Some(code), "{}", self.said);
        self.said
    }
}

/// A project with playbooks over one Redis.
struct Project {
    folder: TempDir,
    url: String,
}

const PROJECT: &str = r#"trueup: v1
project: jobs
environments: { here: {} }
connections:
  sidekiq:
    sidekiq:
      url: { secret: REDIS_URL }
      app: register
      rails: "6.1"
      error_format: "status: {status:int}, body: {body:json}, headers: {headers}"
      jobs: { "Dqt::UpdateTraineeJob": { queue: dqt, retries: 0 } }
"#;

impl Project {
    fn on(redis: &Redis) -> Project {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("trueup.yaml"), PROJECT).unwrap();
        std::fs::create_dir_all(folder.path().join("playbooks/jobs")).unwrap();
        Project { folder, url: redis.url() }
    }

    /// Writes a playbook `jobs/NAME` with these steps.
    fn playbook(&self, name: &str, uses: &str, rest: &str) {
        let text =
            format!("trueup: v1\nname: jobs/{name}\nversion: 1\ntitle: A test\nuses:\n  sidekiq: {uses}\n{rest}");
        std::fs::write(self.folder.path().join(format!("playbooks/jobs/{name}.yaml")), text).unwrap();
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_trueup"));
        command.args(arguments).current_dir(self.folder.path()).env_clear().env("REDIS_URL", &self.url);
        command.env("TRUEUP_ACTOR", "anna");
        command.stdin(Stdio::null());
        command
    }

    fn run(&self, arguments: &[&str]) -> Came {
        came(self.command(arguments))
    }

    /// Kills an apply at this moment; what is to be there comes back before each try.
    fn killed(&self, moment: &str, name: &str, before: &dyn Fn()) {
        let moments = self.folder.path().join("moments");
        for number in 1..50 {
            before();
            let _ = std::fs::remove_dir_all(self.folder.path().join(".trueup"));
            let _ = std::fs::remove_file(&moments);
            let mut command = self.command(&["apply", name, "--yes", "--reason", "a test"]);
            command.env("TRUEUP_CRASH_AT", number.to_string()).env("TRUEUP_MOMENTS", &moments);
            came(command);
            if std::fs::read_to_string(&moments).unwrap_or_default().lines().last() == Some(moment) {
                return;
            }
        }
        panic!("no moment `{moment}`");
    }

    fn apply(&self, name: &str, more: &[&str]) -> Came {
        self.run(&[&["apply", name, "--yes", "--reason", "a test"], more].concat())
    }
}

fn came(mut command: Command) -> Came {
    let output = command.output().unwrap();
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    Came { exit: output.status.code(), said: format!("{}\n{}", text(&output.stdout), text(&output.stderr)) }
}
