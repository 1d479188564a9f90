//! Playing what stands around a sandbox, for as long as its command runs: mocks that remember, a Redis with jobs, a worker.

use crate::{
    mock::{record::Logged, server::Running},
    ops::{
        Failure, Surroundings,
        behind::Databases,
        mock, plan, project,
        served::{self, Served},
        worker::Worker,
    },
};
use std::{
    net::TcpListener,
    path::{Path, PathBuf},
    process::Stdio,
    sync::Arc,
    time::Duration,
};
use tokio::{
    process::{Child, Command},
    sync::mpsc,
    task::JoinHandle,
};

/// What is being played. Dropping it ends everything.
pub struct Playing {
    mocks: Vec<Running>,
    redis: Option<Child>,
    worker: Option<JoinHandle<()>>,
    /// Where others find it.
    file: PathBuf,
    /// What could not be played, and what that means.
    pub missing: Option<String>,
}

/// So often the worker looks for jobs.
const LOOK: Duration = Duration::from_millis(500);
/// So long a Redis may take to start.
const START: Duration = Duration::from_secs(10);

/// Starts everything that the project in this folder has mocks for, in its first environment. `seen` gets every request,
/// `worked` a line for each job, or what the worker stumbled over.
pub async fn serve(
    surroundings: &Surroundings,
    folder: &Path,
    seen: &mpsc::UnboundedSender<Logged>,
    worked: &mpsc::UnboundedSender<Result<String, String>>,
) -> Result<Playing, Failure> {
    let opened = project::open(surroundings, Some(folder))?;
    let (environment, _) = opened.project.environment(None).map_err(Failure::usage)?;
    let databases = plan::databases(surroundings, &opened, environment)?;
    let databases = Databases::new(opened.project.clone(), databases);
    let mut served = Served::default();
    let mut playing =
        Playing { mocks: Vec::new(), redis: None, worker: None, file: opened.root.join(served::FILE), missing: None };
    for (name, connection) in opened.project.connections.iter() {
        let Some(file) = connection.mock_in(environment) else { continue };
        let path = opened.root.join(file.as_str());
        if let Some(settings) = connection.sidekiq_in(environment) {
            let Some((child, url)) = redis(&opened.root.join(".trueup")).await? else {
                playing.missing = Some(format!(
                    "redis-server is not installed, so nobody plays `{name}`: playbooks about background jobs find none. Debian: apt install redis-server"
                ));
                continue;
            };
            playing.redis = Some(child);
            let settings = served::at_redis(settings, &url);
            let jobs = plan::opened_jobs(surroundings, &opened, name, &settings)?;
            let file = mock::read_worker(surroundings, &path)?;
            let worker = Worker::new(file, jobs, databases.clone(), surroundings.world.clone());
            worker.start().await.map_err(|why| Failure::usage(format!("failed to lay the jobs out: {why}")))?;
            (playing.worker, served.jobs) = (Some(tokio::spawn(work(worker, worked.clone()))), Some(url));
        } else if !served.mocks.contains_key(file.as_str()) {
            let behind = Arc::new(databases.clone());
            let mut player = mock::read(surroundings, &path)?;
            // Everybody is told where it is: a port that is free cannot be somebody else's.
            player.listen = None;
            let started = player.start_with(surroundings.world.clone(), Some(seen.clone()), Some(behind)).await;
            let running = started.map_err(|e| Failure::usage(format!("failed to {e}")))?;
            served.mocks.insert(file.as_str().to_owned(), running.url());
            playing.mocks.push(running);
        }
    }
    served
        .write(&opened.root)
        .map_err(|e| Failure::usage(format!("{} cannot be written: {e}", playing.file.display())))?;
    Ok(playing)
}

impl Playing {
    /// What listens where, for people.
    pub fn listening(&self) -> Vec<(String, String)> {
        self.mocks.iter().map(|running| (running.name().to_owned(), running.url())).collect()
    }

    /// Ends everything; nothing listens when this returns.
    pub async fn end(mut self) {
        let _ = std::fs::remove_file(&self.file);
        if let Some(worker) = self.worker.take() {
            worker.abort();
        }
        for running in self.mocks.drain(..) {
            running.shutdown().await;
        }
        if let Some(child) = self.redis.take() {
            end_redis(child).await;
        }
    }
}

/// The worker, in a task of its own: between what a job changes and its going nobody may cut in.
async fn work(worker: Worker, worked: mpsc::UnboundedSender<Result<String, String>>) {
    loop {
        tokio::time::sleep(LOOK).await;
        let lines = match worker.work().await {
            Ok(taken) => taken.into_iter().map(|one| Ok(one.line)).collect(),
            Err(why) => vec![Err(why)],
        };
        for line in lines {
            if worked.send(line).is_err() {
                return;
            }
        }
    }
}

impl Drop for Playing {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.file);
        if let Some(worker) = &self.worker {
            worker.abort();
        }
    }
}

/// Runs a Redis until its input ends: that is when this process ends, in whatever way, also when it is killed. A Ctrl-C, which
/// reaches all of a terminal, is left to us.
const BESIDE: &str =
    "trap '' INT; redis-server \"$@\" </dev/null & server=$!; cat >/dev/null; kill $server; wait $server";

/// Ends one that was started so, and waits for it.
pub(in crate::ops) async fn end_redis(mut child: Child) {
    drop(child.stdin.take());
    let _ = child.wait().await;
}

/// A Redis of our own, with what it may write in this folder: on this machine, in memory, gone with the command. Nothing where it is not installed.
pub(in crate::ops) async fn redis(folder: &Path) -> Result<Option<(Child, String)>, Failure> {
    let failed = |why: String| Failure::usage(format!("failed to start redis-server: {why}"));
    let listener = TcpListener::bind("127.0.0.1:0").map_err(|e| failed(e.to_string()))?;
    let port = listener.local_addr().map_err(|e| failed(e.to_string()))?.port();
    drop(listener);
    match Command::new("redis-server").arg("--version").stdin(Stdio::null()).output().await {
        Ok(_) => {}
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        Err(e) => return Err(failed(e.to_string())),
    }
    let mut command = Command::new("sh");
    command.args(["-c", BESIDE, "redis", "--port", &port.to_string(), "--bind", "127.0.0.1", "--save", ""]);
    command.args(["--appendonly", "no", "--dir"]).arg(folder);
    let child = command.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null()).spawn();
    let child = child.map_err(|e| failed(e.to_string()))?;
    let listens = async {
        while tokio::net::TcpStream::connect(("127.0.0.1", port)).await.is_err() {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    tokio::time::timeout(START, listens).await.map_err(|_| failed("it does not answer".into()))?;
    Ok(Some((child, format!("redis://127.0.0.1:{port}/0"))))
}
