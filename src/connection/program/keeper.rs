//! A process between trueup and a program, so that there is always somebody who ends the program when its time is over, and all that it
//! started: also where trueup itself was killed. It is trueup's own binary, started with [`WORD`].
//!
//! Its standard input is a socket. Down it come what the program shall read and, later, [`LEAVE`] or [`END`]; up it go [`Frame`]s. When
//! the other end is gone, so is trueup, and the program is ended. Whatever loses its parent below this process becomes its child (Linux),
//! so nothing that the program starts gets out of its sight, and it stays for as long as something of that cannot be ended.

use super::alive;
use rustix::process::{Pid, Signal, WaitOptions, kill_process, kill_process_group, wait};
use std::{
    ffi::OsString,
    io::{Read, Write},
    os::{fd::AsFd, unix::net::UnixStream, unix::process::CommandExt},
    process::{Command, ExitCode, Stdio},
    sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel},
    time::{Duration, Instant},
};

/// The first argument of such a process; then its time in milliseconds, the program, and the program's arguments.
pub(super) const WORD: &str = "keep-a-program";
/// The call is over: what still runs of it (a service that it started) is left alone.
pub(super) const LEAVE: u8 = b'.';
/// The program is to be ended, and all that it started.
pub(super) const END: u8 = b'!';
/// Stands for the length of the input where there is none.
pub(super) const NO_INPUT: u64 = u64::MAX;
/// How long a program that was asked to end may take, and how long it is waited for after it was killed.
pub(super) const GRACE: Duration = Duration::from_secs(5);
/// Between two looks at what is left.
const LOOK: Duration = Duration::from_millis(20);

/// What is told to trueup.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Frame {
    /// It could not be started: the system's number of why.
    NotStarted(i32),
    /// It ended with this code.
    Exited(i32),
    /// This signal ended it.
    Signalled(i32),
    /// Its time is over; it is being ended.
    TimedOut,
    /// It was ended, and nothing of it is left.
    Gone,
    /// It was ended, and something of it may be left.
    Left,
}

impl Frame {
    /// As long as every one is.
    pub(super) const LENGTH: usize = 5;

    fn bytes(self) -> [u8; Frame::LENGTH] {
        let (tag, number) = match self {
            Frame::NotStarted(number) => (b'n', number),
            Frame::Exited(number) => (b'x', number),
            Frame::Signalled(number) => (b's', number),
            Frame::TimedOut => (b't', 0),
            Frame::Gone => (b'g', 0),
            Frame::Left => (b'l', 0),
        };
        let [a, b, c, d] = number.to_be_bytes();
        [tag, a, b, c, d]
    }

    pub(super) fn of(bytes: [u8; Frame::LENGTH]) -> Option<Frame> {
        let [tag, a, b, c, d] = bytes;
        let number = i32::from_be_bytes([a, b, c, d]);
        Some(match tag {
            b'n' => Frame::NotStarted(number),
            b'x' => Frame::Exited(number),
            b's' => Frame::Signalled(number),
            b't' => Frame::TimedOut,
            b'g' => Frame::Gone,
            b'l' => Frame::Left,
            _ => return None,
        })
    }
}

/// What happens in a keeper.
enum Happens {
    /// A child of it ended.
    Ended(Pid, Frame),
    /// No child is left.
    Gone,
    /// Trueup says so, or is gone.
    Said(u8),
}

/// This process was started to keep a program: it does so until that is over. Nothing where it was not.
pub fn of_process() -> Option<ExitCode> {
    let mut words = std::env::args_os().skip(1);
    if words.next()? != WORD {
        return None;
    }
    let millis = words.next()?.to_str()?.parse().ok()?;
    let program = words.next()?;
    let line = UnixStream::from(std::io::stdin().as_fd().try_clone_to_owned().ok()?);
    // Whoever types the word has no socket there, and is told that there is no such command.
    line.peer_addr().ok()?;
    Some(match keep(line, Duration::from_millis(millis), program, words.collect()) {
        Some(()) => ExitCode::SUCCESS,
        None => ExitCode::FAILURE,
    })
}

fn keep(mut line: UnixStream, time: Duration, program: OsString, arguments: Vec<OsString>) -> Option<()> {
    // Whoever ends all processes called trueup wants an end of trueup's work: this one sees to it, and has another name.
    let _ = std::fs::write("/proc/self/comm", alive::KEEPER);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().ok()?;
    let _deaf = runtime.block_on(deaf());
    #[cfg(target_os = "linux")]
    rustix::process::set_child_subreaper(Some(rustix::process::getpid())).ok()?;
    let input = input(&mut line)?;
    let mut command = Command::new(program);
    command.args(arguments).process_group(0);
    command.stdin(if input.is_some() { Stdio::piped() } else { Stdio::null() });
    let mut child = match command.spawn() {
        Ok(child) => child,
        Err(error) => return tell(&mut line, Frame::NotStarted(error.raw_os_error().unwrap_or(0))),
    };
    let over = Instant::now() + time;
    // Both ends of its output are its own now: trueup sees their end when the program and its children have closed them.
    let nowhere = std::fs::File::options().write(true).open("/dev/null").ok()?;
    rustix::stdio::dup2_stdout(&nowhere).ok()?;
    rustix::stdio::dup2_stderr(&nowhere).ok()?;
    let group = Pid::from_child(&child);
    let (happens, seen) = channel();
    if let (Some(mut pipe), Some(text)) = (child.stdin.take(), input) {
        // A program that does not want to read more is no failure of the call: its exit code says what it thinks of it.
        std::thread::spawn(move || drop(pipe.write_all(&text)));
    }
    let (mut said, ends) = (line.try_clone().ok()?, happens.clone());
    std::thread::spawn(move || listen(&mut said, &happens));
    std::thread::spawn(move || reap(&ends));
    watch(&mut line, &seen, group, over)
}

/// From now on these signals end nothing here: whoever stops a service sends them to all its processes, and this one has to see to the
/// end of the program.
async fn deaf() -> Vec<tokio::signal::unix::Signal> {
    use tokio::signal::unix::{SignalKind, signal};
    let kinds = [SignalKind::hangup(), SignalKind::interrupt(), SignalKind::terminate(), SignalKind::quit()];
    kinds.into_iter().filter_map(|kind| signal(kind).ok()).collect()
}

/// What the program shall read; outside nothing where the line broke before all of it was there.
fn input(line: &mut UnixStream) -> Option<Option<Vec<u8>>> {
    let mut length = [0; 8];
    line.read_exact(&mut length).ok()?;
    let length = u64::from_be_bytes(length);
    if length == NO_INPUT {
        return Some(None);
    }
    let mut text = Vec::new();
    line.take(length).read_to_end(&mut text).ok()?;
    (text.len() as u64 == length).then_some(Some(text))
}

fn tell(line: &mut UnixStream, frame: Frame) -> Option<()> {
    line.write_all(&frame.bytes()).ok()
}

fn listen(line: &mut UnixStream, happens: &Sender<Happens>) {
    let mut byte = [END];
    while let Ok(1) = line.read(&mut byte) {
        if happens.send(Happens::Said(byte[0])).is_err() {
            return;
        }
    }
    let _ = happens.send(Happens::Said(END));
}

/// Takes every child that ends, also those that lost their parent.
fn reap(happens: &Sender<Happens>) {
    loop {
        let frame = match wait(WaitOptions::empty()) {
            Ok(Some((pid, status))) => match (status.exit_status(), status.terminating_signal()) {
                (Some(code), _) => Happens::Ended(pid, Frame::Exited(code)),
                (None, Some(signal)) => Happens::Ended(pid, Frame::Signalled(signal)),
                (None, None) => continue,
            },
            Ok(None) | Err(rustix::io::Errno::INTR) => continue,
            Err(_) => Happens::Gone,
        };
        let last = matches!(frame, Happens::Gone);
        if happens.send(frame).is_err() || last {
            return;
        }
    }
}

/// Until trueup lets go of it, or all of it was ended.
fn watch(line: &mut UnixStream, seen: &Receiver<Happens>, group: Pid, over: Instant) -> Option<()> {
    let mut gone = false;
    loop {
        match seen.recv_timeout(over.saturating_duration_since(Instant::now())) {
            Ok(Happens::Ended(pid, frame)) if pid == group => tell(line, frame).unwrap_or_default(),
            Ok(Happens::Ended(..)) => {}
            Ok(Happens::Gone) => gone = true,
            Ok(Happens::Said(LEAVE)) => return Some(()),
            Ok(Happens::Said(_)) => break,
            Err(RecvTimeoutError::Timeout) => {
                tell(line, Frame::TimedOut).unwrap_or_default();
                break;
            }
            Err(RecvTimeoutError::Disconnected) => break,
        }
    }
    if !gone {
        signal(group, Signal::TERM);
        gone = emptied(seen, group, None);
    }
    if !gone {
        gone = emptied(seen, group, Some(Signal::KILL));
    }
    // Where no process can be looked at, what left the group is out of sight.
    let certain = gone && alive::can_be_told();
    tell(line, if certain { Frame::Gone } else { Frame::Left }).unwrap_or_default();
    while !gone {
        gone = emptied(seen, group, Some(Signal::KILL));
    }
    Some(())
}

/// Nothing is left within [`GRACE`]; until then what is left is sent this signal again and again, because it may just have started more.
fn emptied(seen: &Receiver<Happens>, group: Pid, again: Option<Signal>) -> bool {
    let until = Instant::now() + GRACE;
    while Instant::now() < until {
        again.into_iter().for_each(|one| signal(group, one));
        match seen.recv_timeout(LOOK) {
            Ok(Happens::Gone) => return true,
            Ok(_) | Err(RecvTimeoutError::Timeout) => {}
            Err(RecvTimeoutError::Disconnected) => std::thread::sleep(LOOK),
        }
    }
    false
}

/// To the program's group, and to whatever else stands below this process.
fn signal(group: Pid, signal: Signal) {
    let _ = kill_process_group(group, signal);
    for pid in alive::below(std::process::id()) {
        if let Some(pid) = i32::try_from(pid).ok().and_then(Pid::from_raw) {
            let _ = kill_process(pid, signal);
        }
    }
}
