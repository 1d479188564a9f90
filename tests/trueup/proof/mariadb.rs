//! A MariaDB server of a test's own, which it may stop as a power cut would.

use rustix::process::{Pid, Signal, kill_process, test_kill_process};
use sqlx::Connection;
use std::{
    os::unix::{fs::MetadataExt, process::CommandExt},
    path::PathBuf,
    process::{Child, Command, Stdio},
    sync::Mutex,
    time::{Duration, Instant},
};
use trueup::base::secret::Secret;

/// Nothing that is waited for here takes longer.
const DEADLINE: Duration = Duration::from_secs(60);

/// A running server; it ends with this value.
pub struct MariaDb {
    pub url: Secret,
    folder: PathBuf,
    port: u16,
    process: Mutex<Process>,
}

enum Process {
    /// The script has started it.
    Foreign(Pid),
    Own(Child),
}

impl MariaDb {
    /// As `scripts/with-mysql` makes one.
    pub async fn start() -> MariaDb {
        let script = crate::servers::root().join("scripts/with-mysql");
        let mut command = tokio::process::Command::new(script);
        let output = command.arg("--keep").stdin(Stdio::null()).output().await.unwrap();
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        let (out, said) = (text(&output.stdout), text(&output.stderr));
        let url = out.lines().last().unwrap_or_default().to_owned();
        let folder = said.rsplit("rm -rf ").next().unwrap_or_default().trim();
        let pid = said.rsplit("kill ").next().and_then(|rest| rest.split(' ').next()?.parse().ok());
        assert!(url.starts_with("mysql://") && folder.contains("/trueup-mysql.") && pid.is_some(), "{said}");
        let port = url::Url::parse(&url).unwrap().port().unwrap();
        let process = Process::Foreign(pid.and_then(Pid::from_raw).unwrap());
        MariaDb { url: Secret::new(url), folder: folder.into(), port, process: Mutex::new(process) }
    }

    /// SIGKILL, and a new process on the same files: what was not committed is gone, what was is recovered.
    pub async fn restart(&self) {
        self.kill();
        // As the script does it: the same folder, the same port, the owner of the data.
        let owner = std::fs::metadata(self.folder.join("data")).unwrap();
        let at = |name: &str| self.folder.join(name).display().to_string();
        let child = Command::new(program())
            .arg("--no-defaults")
            .arg(format!("--datadir={}", at("data")))
            .arg(format!("--socket={}", at("socket")))
            .arg(format!("--pid-file={}", at("pid")))
            .arg(format!("--port={}", self.port))
            .args(["--bind-address=127.0.0.1", "--max-connections=300", "--skip-name-resolve"])
            .current_dir(&self.folder)
            .env("TMPDIR", at("tmp"))
            .uid(owner.uid())
            .gid(owner.gid())
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        *self.process.lock().unwrap() = Process::Own(child);
        let since = Instant::now();
        while sqlx::MySqlConnection::connect(self.url.reveal()).await.is_err() {
            assert!(since.elapsed() < DEADLINE, "the server did not come back");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    /// Returns when it is gone.
    fn kill(&self) {
        match &mut *self.process.lock().unwrap() {
            Process::Foreign(pid) => {
                let since = Instant::now();
                kill_process(*pid, Signal::KILL).unwrap();
                while test_kill_process(*pid).is_ok() && since.elapsed() < DEADLINE && !is_defunct(*pid) {
                    std::thread::sleep(Duration::from_millis(5));
                }
            }
            Process::Own(child) => {
                child.kill().unwrap();
                child.wait().unwrap();
            }
        }
    }
}

impl Drop for MariaDb {
    fn drop(&mut self) {
        self.kill();
        let _ = std::fs::remove_dir_all(&self.folder);
    }
}

/// It has ended, and whoever inherited it has not looked yet.
fn is_defunct(pid: Pid) -> bool {
    let stat = std::fs::read_to_string(format!("/proc/{}/stat", pid.as_raw_nonzero())).unwrap_or_default();
    stat.rsplit(')').next().unwrap_or_default().trim_start().starts_with('Z')
}

/// Where Debian keeps it is not in everybody's PATH.
fn program() -> PathBuf {
    let paths = std::env::var("PATH").unwrap_or_default() + ":/usr/sbin:/usr/local/sbin";
    let mut found = paths.split(':').map(|folder| PathBuf::from(folder).join("mariadbd")).filter(|path| path.exists());
    found.next().unwrap_or_else(|| "mariadbd".into())
}
