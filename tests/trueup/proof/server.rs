//! A PostgreSQL server of a test's own, which it may stop as a power cut would.

use std::{
    os::unix::fs::MetadataExt,
    path::{Path, PathBuf},
    process::Stdio,
    time::Duration,
};
use tokio::process::Command;
use trueup::base::secret::Secret;

/// A running server; it ends with this value.
pub struct Server {
    pub url: Secret,
    folder: PathBuf,
    port: u16,
}

impl Server {
    /// As `scripts/with-postgres` makes one.
    pub async fn start() -> Server {
        let script = crate::servers::root().join("scripts/with-postgres");
        let output = Command::new(script).arg("--keep").stdin(Stdio::null()).output().await.unwrap();
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        let (out, said) = (text(&output.stdout), text(&output.stderr));
        let url = out.lines().last().unwrap_or_default().to_owned();
        let folder = said.rsplit("rm -rf ").next().unwrap_or_default().trim();
        assert!(url.starts_with("postgres://") && folder.contains("/trueup-postgres."), "{said}");
        let port = url::Url::parse(&url).unwrap().port().unwrap();
        Server { url: Secret::new(url), folder: folder.into(), port }
    }

    /// `pg_ctl stop -m immediate`, then `start`: what was not committed is gone, what was is recovered.
    pub async fn restart(&self) {
        self.control(&["stop", "-m", "immediate", "-w"]).await;
        let options = format!("-k {} -h 127.0.0.1 -p {} -c max_connections=200", self.folder.display(), self.port);
        self.control(&["start", "-w", "-l", "/dev/null", "-o", &options]).await;
    }

    /// A hot standby of it, made from a base backup, that follows by streaming; all that is there now is there as well.
    pub async fn standby(&self) -> Server {
        let folder = tempfile::tempdir_in("/tmp").unwrap().keep();
        own(&folder, &self.folder);
        let data = folder.join("data").display().to_string();
        let mut backup = as_owner(&self.folder, "pg_basebackup");
        backup.args(["-D", &data, "-X", "stream", "-c", "fast", "-R", "-d", self.url.reveal()]);
        let made = tokio::time::timeout(Duration::from_secs(60), backup.output()).await.unwrap().unwrap();
        assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
        let port = crate::servers::free_port();
        let mut url = url::Url::parse(self.url.reveal()).unwrap();
        url.set_port(Some(port)).unwrap();
        let standby = Server { url: Secret::new(url.to_string()), folder, port };
        // Not fewer connections than the primary has: it would not start.
        let options = format!("-k {} -h 127.0.0.1 -p {port} -c max_connections=200", standby.folder.display());
        standby.control(&["start", "-w", "-l", "/dev/null", "-o", &options]).await;
        standby
    }

    pub fn port(&self) -> u16 {
        self.port
    }

    async fn control(&self, arguments: &[&str]) {
        let done = command(&self.folder, arguments).status();
        let done = tokio::time::timeout(Duration::from_secs(60), done).await;
        assert!(done.is_ok_and(|status| status.unwrap().success()), "pg_ctl {arguments:?} failed");
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let stop = command(&self.folder, &["stop", "-m", "immediate", "-w"]);
        let _ = stop.into_std().status();
        let _ = std::fs::remove_dir_all(&self.folder);
    }
}

/// `pg_ctl` on the folder's data.
fn command(folder: &Path, arguments: &[&str]) -> Command {
    let mut command = as_owner(folder, "pg_ctl");
    command.arg("-D").arg(folder.join("data")).args(arguments);
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    command
}

/// A program of the server as the owner of the folder's data: PostgreSQL refuses to run as root.
fn as_owner(folder: &Path, program: &str) -> Command {
    let owner = std::fs::metadata(folder.join("data")).unwrap();
    let mut command = Command::new(bin().join(program));
    command.current_dir(folder).uid(owner.uid()).gid(owner.gid());
    command
}

/// Gives a folder to the owner of another one's data.
fn own(folder: &Path, other: &Path) {
    let owner = std::fs::metadata(other.join("data")).unwrap();
    std::os::unix::fs::chown(folder, Some(owner.uid()), Some(owner.gid())).unwrap();
}

/// The folder of the newest server on this machine.
fn bin() -> PathBuf {
    let versions = std::fs::read_dir("/usr/lib/postgresql").into_iter().flatten().flatten();
    let mut found: Vec<PathBuf> =
        versions.map(|entry| entry.path().join("bin")).filter(|p| p.join("pg_ctl").exists()).collect();
    found.sort();
    found.pop().unwrap_or_default()
}
