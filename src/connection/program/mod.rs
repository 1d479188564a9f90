//! A program of this machine as an outside system: found once, started without a shell, with a bound on its time and its
//! output. Knows nothing of playbooks; what an exit code means is judged above.

mod alive;
mod identity;
#[cfg(unix)]
mod kept;
#[cfg(unix)]
mod keeper;
mod settings;
#[cfg(test)]
mod tests;

pub use alive::{Alive, can_be_told, is_one_hidden, mark_of, of as still_running};
#[cfg(unix)]
pub use keeper::of_process;
#[cfg(unix)]
pub use kept::by_own_binary;
pub use settings::{ODD_PROGRAM, ProgramSettings, SHELL};

use super::reference::{Secrets, Unresolved};
use crate::{
    base::{secret::Secret, world::World},
    mock::program::{End, Odd, Played},
};
use identity::Identity;
use std::{
    fmt, io,
    path::{Path, PathBuf},
    process::{ExitStatus, Stdio},
    sync::Arc,
    time::Duration,
};
use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWriteExt},
    process::{Child, Command},
};

/// What it takes to end a program that does not want to, after its `timeout`.
pub const ENDING: Duration = Duration::from_secs(10);
/// The path that a program sees, and in which names are looked up when this process has none.
const PATH: &str = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
/// How long a program that was asked to end may take.
const GRACE: Duration = Duration::from_secs(5);
/// One argument may have so many bytes: the system's own bound.
const MAX_ARGUMENT: usize = 128 * 1024 - 1;

/// A program, found and ready to be started.
#[derive(Clone, Debug)]
pub struct Program {
    name: Arc<str>,
    settings: ProgramSettings,
    path: PathBuf,
    folder: PathBuf,
    variables: Arc<Vec<(String, Secret)>>,
    search: String,
    /// Which system it is, as far as the project file does not say.
    identity: Option<Arc<Identity>>,
    /// In a test of a playbook: what is asked instead, and nothing is ever started.
    played: Option<(Arc<Played>, World)>,
}

/// Why a program cannot be used. Fits after "failed to".
#[derive(Debug)]
pub enum OpenError {
    /// A secret of its environment was not found.
    Secret(Unresolved),
    /// It is not there, or must not be used.
    Program {
        /// What: "find the program `kubectl`: …".
        what: String,
        /// What to do.
        help: String,
    },
}

impl fmt::Display for OpenError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            OpenError::Secret(unresolved) => unresolved.fmt(f),
            OpenError::Program { what, help } => write!(f, "{what}; {help}"),
        }
    }
}
impl std::error::Error for OpenError {}

/// One call of a program.
#[derive(Clone, Debug)]
pub struct Invocation {
    /// Arguments behind the fixed ones.
    pub arguments: Vec<String>,
    /// What it reads from its standard input; nothing means that there is none.
    pub input: Option<String>,
    /// How long it may run, where that is less than the connection's.
    pub timeout: Option<Duration>,
    /// Names the step that it is for: whatever it starts carries this, in each attempt the same. Of what only looks, nothing.
    pub mark: Option<String>,
}

/// How a program that ran ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ended {
    /// Its exit code; nothing when a signal ended it.
    pub code: Option<i32>,
    /// The signal that ended it.
    pub signal: Option<i32>,
    /// Its standard output.
    pub output: Vec<u8>,
    /// Its standard error.
    pub errors: Vec<u8>,
}

/// Why there is no [`Ended`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Failure {
    /// It was never started.
    NotStarted(String),
    /// It ran too long and was ended.
    TimedOut(Duration),
    /// It printed too much and was ended.
    TooMuch(usize),
    /// What it did cannot be told any more.
    Lost(String),
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Failure::NotStarted(why) => write!(f, "it could not be started: {why}"),
            Failure::TimedOut(after) => {
                write!(f, "it was ended because it ran longer than {}", crate::base::shape::Length(*after))
            }
            Failure::TooMuch(most) => {
                write!(f, "it was ended because it printed more than {}", crate::connection::http::Size(*most))
            }
            Failure::Lost(why) => write!(f, "how it ended is not known: {why}"),
        }
    }
}

impl Program {
    /// Finds it and looks its secrets up. `variable` gives this process's own `PATH`.
    pub fn open(name: &str, settings: &ProgramSettings, secrets: Secrets<'_>) -> Result<Program, OpenError> {
        let search = (secrets.variable)("PATH").filter(|path| !path.is_empty()).unwrap_or_else(|| PATH.into());
        let path = found(settings.program.as_str(), &search)?;
        let mut variables = Vec::new();
        for (variable, setting) in settings.variables.iter() {
            variables.push((variable.to_owned(), setting.resolve(secrets).map_err(OpenError::Secret)?));
        }
        let folder = settings
            .folder
            .as_ref()
            .map_or_else(|| secrets.folder.to_owned(), |folder| secrets.folder.join(folder.as_str()));
        if !folder.is_dir() {
            return Err(OpenError::Program {
                what: format!("use the folder {}: it is not one", folder.display()),
                help: "correct `folder:` of the connection".into(),
            });
        }
        let program = Program {
            name: name.into(),
            settings: settings.clone(),
            path,
            folder,
            variables: Arc::new(variables),
            search,
            identity: None,
            played: None,
        };
        Ok(Program { identity: Identity::of(&program).map(Arc::new), ..program })
    }

    /// One that is never started: a stand-in plays it, by this clock. Its secrets are not looked up.
    pub fn played(name: &str, settings: &ProgramSettings, stand_in: Arc<Played>, world: World) -> Program {
        Program {
            name: name.into(),
            settings: settings.clone(),
            path: PathBuf::new(),
            folder: PathBuf::new(),
            variables: Arc::default(),
            search: String::new(),
            identity: None,
            played: Some((stand_in, world)),
        }
    }

    /// The connection's name.
    pub fn name(&self) -> &Arc<str> {
        &self.name
    }

    /// Nothing is ever started: a stand-in plays it.
    pub fn is_played(&self) -> bool {
        self.played.is_some()
    }

    /// As the project file says it.
    pub fn settings(&self) -> &ProgramSettings {
        &self.settings
    }

    /// Which system stands behind it, as a plan and a run keep it; nothing where the project file says it all.
    pub fn identity(&self) -> Option<&str> {
        self.identity.as_ref().map(|identity| identity.text())
    }

    /// What leads to another system than when `then` was kept, and what to do about it. `today`'s list of credentials counts, which may be longer than
    /// the one that a run carries.
    pub fn leads_elsewhere(&self, then: &str, today: &ProgramSettings) -> Option<Vec<String>> {
        self.identity.as_ref()?.unlike(then, today, self)
    }

    /// One line as a person would type it; for reading only, it is never run as text.
    pub fn line(&self, arguments: &[impl AsRef<str>]) -> String {
        let fixed = self.settings.fixed.iter().map(|word| word.as_str());
        let all = fixed.chain(arguments.iter().map(AsRef::as_ref)).map(quoted);
        std::iter::once(self.settings.program.as_str().to_owned()).chain(all).collect::<Vec<_>>().join(" ")
    }

    /// Starts it and waits for its end. When this future is dropped the program is ended.
    pub async fn run(&self, invocation: &Invocation) -> Result<Ended, Failure> {
        let fixed = self.settings.fixed.iter().map(|word| word.as_str());
        let arguments: Vec<&str> = fixed.chain(invocation.arguments.iter().map(String::as_str)).collect();
        if let Some(bad) = arguments.iter().find(|a| a.contains('\0') || a.len() > MAX_ARGUMENT) {
            let what =
                if bad.contains('\0') { "a zero byte in an argument" } else { "an argument longer than 128 KiB" };
            return Err(Failure::NotStarted(what.into()));
        }
        let timeout = invocation.timeout.map_or(self.settings.timeout(), |own| own.min(self.settings.timeout()));
        if let Some((stand_in, world)) = &self.played {
            let end = stand_in.call(&invocation.arguments, invocation.input.as_deref(), world.now()).await;
            return ended(end, timeout, self.settings.max_output());
        }
        #[cfg(unix)]
        if let Some(binary) = kept::binary() {
            return kept::run(self, binary, &arguments, invocation, timeout).await;
        }
        self.alone(&arguments, invocation, timeout).await
    }

    /// Without anybody who would end it if this process were killed: trueup is a library of another binary, or the system has no sockets
    /// for that.
    async fn alone(&self, arguments: &[&str], invocation: &Invocation, timeout: Duration) -> Result<Ended, Failure> {
        let mut child = self.command(arguments, invocation).spawn().map_err(|e| Failure::NotStarted(said(&e)))?;
        let group = child.id();
        let went = tokio::time::timeout(timeout, attended(&mut child, invocation, self.settings.max_output())).await;
        match went {
            Ok(Ok(ended)) => Ok(ended),
            Ok(Err(failure)) => {
                stop(&mut child, group, invocation).await;
                Err(failure)
            }
            Err(_) => {
                stop(&mut child, group, invocation).await;
                Err(Failure::TimedOut(timeout))
            }
        }
    }

    fn command(&self, arguments: &[&str], invocation: &Invocation) -> Command {
        let mut command = Command::new(&self.path);
        command.args(arguments);
        self.surroundings(&mut command);
        command.envs(invocation.mark.iter().map(|mark| (alive::MARK, mark)));
        command.stdin(if invocation.input.is_some() { Stdio::piped() } else { Stdio::null() }).kill_on_drop(true);
        // A group of its own: Ctrl-C is for trueup, which pauses between two steps; and a time limit ends all that it started.
        #[cfg(unix)]
        command.process_group(0);
        command
    }

    /// What it sees, and where its output goes.
    fn surroundings(&self, command: &mut Command) {
        command.current_dir(&self.folder).env_clear();
        command.env("PATH", &self.search).env("LANG", "C.UTF-8").env("TZ", "UTC");
        command.envs(self.variables.iter().map(|(name, secret)| (name.as_str(), secret.reveal())));
        command.stdout(Stdio::piped()).stderr(Stdio::piped());
    }
}

/// How a stand-in ended, as a process would have.
fn ended(end: End, timeout: Duration, most: usize) -> Result<Ended, Failure> {
    match end.odd {
        Some(Odd::NotStarted) if end.errors.is_empty() => {
            return Err(Failure::NotStarted("there is no such file any more".into()));
        }
        Some(Odd::NotStarted) => return Err(Failure::NotStarted(end.errors)),
        Some(Odd::Hangs) => return Err(Failure::TimedOut(timeout)),
        Some(Odd::Killed) | None => {}
    }
    let (output, errors) = (end.output.into_bytes(), end.errors.into_bytes());
    if output.len() + errors.len() > most {
        return Err(Failure::TooMuch(most));
    }
    let killed = end.odd.is_some();
    Ok(Ended { code: (!killed).then_some(end.code), signal: killed.then_some(9), output, errors })
}

/// Feeds it, reads both ways at once, and waits.
async fn attended(child: &mut Child, invocation: &Invocation, most: usize) -> Result<Ended, Failure> {
    let (input, output, errors) = (child.stdin.take(), child.stdout.take(), child.stderr.take());
    let feed = async {
        if let (Some(mut pipe), Some(text)) = (input, &invocation.input) {
            // A program that does not want to read more is no failure of the call: its exit code says what it thinks of it.
            let _ = pipe.write_all(text.as_bytes()).await;
            let _ = pipe.shutdown().await;
        }
    };
    let (output, errors, ()) = tokio::join!(read(output, most), read(errors, most), feed);
    let (output, errors) = (output?, errors?);
    if output.len() + errors.len() > most {
        return Err(Failure::TooMuch(most));
    }
    let status = child.wait().await.map_err(|e| Failure::Lost(said(&e)))?;
    Ok(Ended { code: status.code(), signal: signal(status), output, errors })
}

async fn read(pipe: Option<impl AsyncRead + Unpin>, most: usize) -> Result<Vec<u8>, Failure> {
    let Some(pipe) = pipe else { return Ok(Vec::new()) };
    let mut bytes = Vec::new();
    let limit = u64::try_from(most).unwrap_or(u64::MAX).saturating_add(1);
    pipe.take(limit).read_to_end(&mut bytes).await.map_err(|e| Failure::Lost(said(&e)))?;
    if bytes.len() > most { Err(Failure::TooMuch(most)) } else { Ok(bytes) }
}

/// Asks the whole group to end, and kills it when it does not; with what of the call has left the group.
async fn stop(child: &mut Child, group: Option<u32>, invocation: &Invocation) {
    signal_group(group, false);
    if tokio::time::timeout(GRACE, child.wait()).await.is_err() {
        let _ = child.kill().await;
    }
    signal_group(group, true);
    for left in invocation.mark.iter().flat_map(|mark| alive::of(mark)) {
        signal_one(left.pid);
    }
}

#[cfg(unix)]
fn signal_one(pid: u32) {
    if let Some(pid) = i32::try_from(pid).ok().and_then(rustix::process::Pid::from_raw) {
        let _ = rustix::process::kill_process(pid, rustix::process::Signal::KILL);
    }
}

#[cfg(not(unix))]
fn signal_one(_: u32) {}

#[cfg(unix)]
fn signal_group(group: Option<u32>, kill: bool) {
    use rustix::process::{Pid, Signal, kill_process_group};
    let pid = group.and_then(|id| i32::try_from(id).ok()).and_then(Pid::from_raw);
    if let Some(pid) = pid {
        // Nobody is left of a group that has ended.
        let _ = kill_process_group(pid, if kill { Signal::KILL } else { Signal::TERM });
    }
}

#[cfg(not(unix))]
fn signal_group(_: Option<u32>, _: bool) {}

#[cfg(unix)]
fn signal(status: ExitStatus) -> Option<i32> {
    std::os::unix::process::ExitStatusExt::signal(&status)
}

#[cfg(not(unix))]
fn signal(_: ExitStatus) -> Option<i32> {
    None
}

/// Where the program is; a name is looked up as a shell would, once.
fn found(program: &str, search: &str) -> Result<PathBuf, OpenError> {
    let failed = |what: String, help: &str| Err(OpenError::Program { what, help: help.into() });
    if program.starts_with('/') {
        let path = PathBuf::from(program);
        return if runs(&path) {
            Ok(path)
        } else {
            failed(
                format!("use the program {program}: it is no file that may be run"),
                "install it, or correct `program:`",
            )
        };
    }
    // Relative parts of PATH would let the current folder decide which program that is.
    let places = std::env::split_paths(search).filter(|folder| folder.is_absolute());
    match places.map(|folder| folder.join(program)).find(|path| runs(path)) {
        Some(path) => Ok(path),
        None => {
            failed(format!("find the program `{program}` in PATH"), "install it, or give `program:` its whole path")
        }
    }
}

#[cfg(unix)]
fn runs(path: &Path) -> bool {
    use std::os::unix::fs::PermissionsExt;
    std::fs::metadata(path).is_ok_and(|facts| facts.is_file() && facts.permissions().mode() & 0o111 != 0)
}

#[cfg(not(unix))]
fn runs(path: &Path) -> bool {
    path.is_file()
}

fn said(error: &io::Error) -> String {
    match error.kind() {
        io::ErrorKind::NotFound => "there is no such file any more".into(),
        io::ErrorKind::PermissionDenied => "it may not be run by this user".into(),
        io::ErrorKind::ArgumentListTooLong => "its arguments are too long together".into(),
        _ => error.to_string(),
    }
}

/// As one would type it in a shell.
fn quoted(text: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_./:=@%+,{}()".contains(c);
    if !text.is_empty() && text.chars().all(plain) {
        return text.to_owned();
    }
    format!("'{}'", text.replace('\'', "'\\''"))
}
