//! A server as a process of ours: its folder, its user, its port, its end.

use super::programs;
use crate::ops::{Failure, Surroundings};
use std::{
    fs,
    net::TcpListener,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    thread,
    time::{Duration, Instant},
};

/// A socket's path may have 107 bytes at most, and the folder of temporary files can be anywhere.
const ABOVE: &str = if cfg!(unix) { "/tmp" } else { "." };
const PREFIX: &str = "trueup-server-";
/// In the folder: the process of ours that made it.
const OWNER: &str = "owner.pid";
/// A server that is not there by then is broken.
const STARTING: Duration = Duration::from_secs(60);
/// One that is not gone by then is killed.
const ENDING: Duration = Duration::from_secs(10);

/// The folder of a server, and the user that it belongs to.
#[derive(Debug)]
pub struct Home {
    /// The folder.
    pub path: PathBuf,
    user: Option<(u32, u32)>,
}

impl Drop for Home {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.path);
    }
}

impl Home {
    /// A new folder. A server refuses to run as root, so that root hands it to the first of these users that there is.
    pub fn make(surroundings: &Surroundings, users: &[&str]) -> Result<Home, Failure> {
        let mark = surroundings.world.id().simple().to_string();
        let path = Path::new(ABOVE).join(format!("{PREFIX}{}", &mark[12..]));
        let home = Home { user: somebody_else(users), path };
        let made = fs::create_dir(&home.path).and_then(|()| {
            private(&home.path)?;
            fs::write(home.path.join(OWNER), std::process::id().to_string())?;
            home.hand_over(&home.path)
        });
        made.map_err(|e| Failure::usage(format!("failed to make {} for the server: {e}", home.path.display())))?;
        Ok(home)
    }

    /// A file in it that only the server's user can read.
    pub fn write(&self, name: &str, text: &str) -> Result<PathBuf, Failure> {
        let path = self.path.join(name);
        let wrote = fs::write(&path, text).and_then(|()| self.hand_over(&path));
        wrote.map_err(|e| Failure::usage(format!("failed to write {}: {e}", path.display())))?;
        Ok(path)
    }

    #[cfg(unix)]
    fn hand_over(&self, path: &Path) -> std::io::Result<()> {
        self.user.map_or(Ok(()), |(user, group)| std::os::unix::fs::chown(path, Some(user), Some(group)))
    }

    #[cfg(not(unix))]
    fn hand_over(&self, _path: &Path) -> std::io::Result<()> {
        Ok(())
    }

    /// A program as the server's user, in its folder, with nothing of our terminal.
    fn command(&self, program: &Path) -> Command {
        let mut command = Command::new(program);
        // Its temporary files go with it, and ours may be in a folder that its user cannot enter.
        command.env("TMPDIR", &self.path);
        command.current_dir(&self.path).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        #[cfg(unix)]
        {
            use std::os::unix::process::CommandExt;
            // Ctrl-C in the terminal is for us: we stop the server when the last case is over.
            command.process_group(0);
            if let Some((user, group)) = self.user {
                command.uid(user).gid(group);
            }
        }
        command
    }

    /// Makes the server's files.
    pub fn prepare(&self, program: &Path, arguments: &[String]) -> Result<(), Failure> {
        let log = self.path.join("prepare.log");
        let made = fs::File::create(&log).and_then(|out| {
            let both = out.try_clone()?;
            self.command(program).args(arguments).stdout(out).stderr(both).status()
        });
        match made {
            Ok(status) if status.success() => Ok(()),
            Ok(status) => Err(broken(&format!("{} ended with {status}", program.display()), &log)),
            Err(error) => Err(broken(&format!("{} cannot be started: {error}", program.display()), &log)),
        }
    }

    /// Starts the server. The one who takes the port may be somebody else, so a few times.
    pub async fn start<A>(
        self,
        surroundings: &Surroundings,
        program: &Path,
        gentle: Gentle,
        arguments: impl Fn(&Path, u16) -> Vec<String>,
        answers: impl Fn(u16) -> A,
    ) -> Result<(Running, u16), Failure>
    where
        A: Future<Output = bool>,
    {
        let log = self.path.join("server.log");
        let search = (surroundings.variable)("PATH");
        let leash = if cfg!(target_os = "linux") { programs::on_path(search.as_deref(), &["setpriv"]) } else { None };
        for _ in 0..5 {
            let port = free_port()?;
            let given = arguments(&self.path, port);
            // Where our process dies without a chance to say so, the system ends the server.
            let mut command = match &leash {
                Some(leash) => {
                    let mut command = self.command(leash);
                    command.args(["--pdeathsig", gentle.word()]).arg(program);
                    command
                }
                None => self.command(program),
            };
            let out = fs::File::create(&log).and_then(|out| Ok((out.try_clone()?, out)));
            let (out, both) = out.map_err(|e| broken(&format!("{}: {e}", log.display()), &log))?;
            let child = command.args(given).stdout(out).stderr(both).spawn();
            let child = child.map_err(|e| broken(&format!("{} cannot be started: {e}", program.display()), &log))?;
            // It ends with this, also where nobody waits any longer for it to start.
            let mut process = Process { child, gentle };
            let began = Instant::now();
            while began.elapsed() < STARTING {
                if answers(port).await {
                    return Ok((Running { _process: process, _home: self }, port));
                }
                if process.is_over() {
                    break;
                }
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
        }
        Err(broken(&format!("{} did not start", program.display()), &log))
    }
}

fn broken(what: &str, log: &Path) -> Failure {
    let failure = Failure::usage(format!("the throw-away server cannot be used: {what}"));
    let text = fs::read(log).map(|bytes| String::from_utf8_lossy(&bytes).into_owned()).unwrap_or_default();
    let last: Vec<&str> = text.lines().rev().filter(|line| !line.trim().is_empty()).take(5).collect();
    last.into_iter().rev().fold(failure, |failure, line| failure.help(line))
}

/// A password that nobody guesses.
pub fn password() -> Result<String, Failure> {
    let mut bytes = [0; 16];
    getrandom::fill(&mut bytes).map_err(|e| Failure::usage(format!("the system gives no random bytes: {e}")))?;
    Ok(bytes.iter().map(|byte| format!("{byte:02x}")).collect())
}

fn free_port() -> Result<u16, Failure> {
    TcpListener::bind("127.0.0.1:0")
        .and_then(|listener| listener.local_addr())
        .map(|address| address.port())
        .map_err(|e| Failure::usage(format!("there is no free port on 127.0.0.1: {e}")))
}

/// The signal at which a server ends without waiting for those who are connected.
#[derive(Clone, Copy, Debug)]
pub enum Gentle {
    /// PostgreSQL's "fast" shutdown.
    Interrupt,
    /// MariaDB's.
    Terminate,
}

impl Gentle {
    fn word(self) -> &'static str {
        match self {
            Gentle::Interrupt => "INT",
            Gentle::Terminate => "TERM",
        }
    }
}

/// A server that runs. It ends, and its folder goes, when this goes: in this order.
#[derive(Debug)]
pub struct Running {
    _process: Process,
    _home: Home,
}

#[derive(Debug)]
struct Process {
    child: Child,
    gentle: Gentle,
}

impl Drop for Process {
    /// Ends it, and waits until it is gone.
    fn drop(&mut self) {
        self.ask();
        let began = Instant::now();
        while began.elapsed() < ENDING {
            if self.is_over() {
                return;
            }
            thread::sleep(Duration::from_millis(20));
        }
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Process {
    fn is_over(&mut self) -> bool {
        !matches!(self.child.try_wait(), Ok(None))
    }

    #[cfg(unix)]
    fn ask(&mut self) {
        use rustix::process::{Pid, Signal, kill_process};
        let signal = match self.gentle {
            Gentle::Interrupt => Signal::INT,
            Gentle::Terminate => Signal::TERM,
        };
        let _ = kill_process(Pid::from_child(&self.child), signal);
    }

    #[cfg(not(unix))]
    fn ask(&mut self) {
        let _ = self.child.kill();
    }
}

/// Removes the folders that processes of ours left which were killed before they could.
pub fn sweep() {
    for entry in fs::read_dir(ABOVE).into_iter().flatten().flatten() {
        if !entry.file_name().to_string_lossy().starts_with(PREFIX) {
            continue;
        }
        let owner = fs::read_to_string(entry.path().join(OWNER)).ok().and_then(|text| text.parse().ok());
        if owner.is_some_and(|owner| !lives(owner)) {
            let _ = fs::remove_dir_all(entry.path());
        }
    }
}

#[cfg(unix)]
fn lives(process: i32) -> bool {
    use rustix::process::{Pid, test_kill_process};
    // A process of somebody else lives as well.
    Pid::from_raw(process).is_some_and(|pid| test_kill_process(pid) != Err(rustix::io::Errno::SRCH))
}

#[cfg(not(unix))]
fn lives(_process: i32) -> bool {
    true
}

#[cfg(unix)]
fn private(folder: &Path) -> std::io::Result<()> {
    use std::os::unix::fs::PermissionsExt;
    fs::set_permissions(folder, fs::Permissions::from_mode(0o700))
}

#[cfg(not(unix))]
fn private(_folder: &Path) -> std::io::Result<()> {
    Ok(())
}

/// Number and group of the first of these users, when we are root.
#[cfg(unix)]
fn somebody_else(users: &[&str]) -> Option<(u32, u32)> {
    if !rustix::process::geteuid().is_root() {
        return None;
    }
    let known = fs::read_to_string("/etc/passwd").unwrap_or_default();
    users.iter().find_map(|user| {
        known.lines().find_map(|line| {
            let mut parts = line.split(':');
            let named = parts.next() == Some(*user);
            let (number, group) = (parts.nth(1)?.parse().ok()?, parts.next()?.parse().ok()?);
            named.then_some((number, group))
        })
    })
}

#[cfg(not(unix))]
fn somebody_else(_users: &[&str]) -> Option<(u32, u32)> {
    None
}
