//! A PostgreSQL server of a test's own, which it may stop as a power cut would.

use std::{path::PathBuf, process::Stdio, time::Duration};
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
        assert!(url.starts_with("postgres://") && folder.starts_with("/tmp/"), "{said}");
        let port = url::Url::parse(&url).unwrap().port().unwrap();
        Server { url: Secret::new(url), folder: folder.into(), port }
    }

    /// `pg_ctl stop -m immediate`, then `start`: what was not committed is gone, what was is recovered.
    pub async fn restart(&self) {
        self.control(&["stop", "-m", "immediate", "-w"]).await;
        let options = format!("-k {} -h 127.0.0.1 -p {} -c max_connections=200", self.folder.display(), self.port);
        self.control(&["start", "-w", "-l", "/dev/null", "-o", &options]).await;
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

/// `pg_ctl` as the owner of the folder: PostgreSQL refuses to run as root.
fn command(folder: &std::path::Path, arguments: &[&str]) -> Command {
    use std::os::unix::fs::MetadataExt;
    let data = folder.join("data");
    let owner = std::fs::metadata(&data).unwrap();
    let mut command = Command::new(bin().join("pg_ctl"));
    command.arg("-D").arg(&data).args(arguments).current_dir(folder).uid(owner.uid()).gid(owner.gid());
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    command
}

/// The folder of the newest server on this machine.
fn bin() -> PathBuf {
    let versions = std::fs::read_dir("/usr/lib/postgresql").into_iter().flatten().flatten();
    let mut found: Vec<PathBuf> =
        versions.map(|entry| entry.path().join("bin")).filter(|p| p.join("pg_ctl").exists()).collect();
    found.sort();
    found.pop().unwrap_or_default()
}
