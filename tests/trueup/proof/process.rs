//! The program under test, as processes: started, watched with a deadline, killed, frozen.

use rustix::process::{Pid, Signal, kill_process};
use std::{path::Path, process::Stdio, time::Duration};
use tokio::process::{Child, Command};

/// Nothing that a proof starts may take longer.
pub const DEADLINE: Duration = Duration::from_secs(60);

/// What came of one process.
#[derive(Clone, Debug)]
pub struct Came {
    /// The exit code; nothing when a signal ended it.
    pub exit: Option<i32>,
    pub out: String,
    pub err: String,
}

impl Came {
    /// A signal ended it.
    pub fn killed(&self) -> bool {
        self.exit.is_none()
    }

    pub fn said(&self) -> String {
        let all = format!("{}\n{}", self.out.trim(), self.err.trim());
        all.chars().rev().take(1500).collect::<Vec<_>>().into_iter().rev().collect()
    }
}

/// The program with these arguments, in this folder, with these variables and no others.
pub fn program(folder: &Path, variables: &[(String, String)], arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_trueup"));
    command.args(arguments).current_dir(folder).env_clear().envs(variables.iter().cloned());
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).kill_on_drop(true);
    command
}

/// Waits for the end. A process that takes too long is a finding by itself.
pub async fn wait(child: Child) -> Result<Came, String> {
    let pid = child.id();
    match tokio::time::timeout(DEADLINE, child.wait_with_output()).await {
        Ok(output) => {
            let output = output.map_err(|e| e.to_string())?;
            let text = |bytes: Vec<u8>| String::from_utf8_lossy(&bytes).into_owned();
            Ok(Came { exit: output.status.code(), out: text(output.stdout), err: text(output.stderr) })
        }
        Err(_) => Err(format!("process {pid:?} did not end within {DEADLINE:?}")),
    }
}

/// SIGKILL; true when there was somebody to kill.
pub fn kill(pid: u32) -> bool {
    signal(pid, Signal::KILL)
}

/// SIGCONT.
pub fn go_on(pid: u32) -> bool {
    signal(pid, Signal::CONT)
}

fn signal(pid: u32, signal: Signal) -> bool {
    let pid = i32::try_from(pid).ok().and_then(Pid::from_raw);
    pid.is_some_and(|pid| kill_process(pid, signal).is_ok())
}
