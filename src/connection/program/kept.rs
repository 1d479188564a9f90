//! The side of trueup of a program that a [`keeper`](super::keeper) keeps: gives it what the program shall read, takes what it prints, and
//! hears how it ended.

use super::{
    Ended, Failure, Invocation, Program, alive,
    keeper::{END, Frame, GRACE, LEAVE, NO_INPUT, WORD},
    read, said,
};
use std::{io, os::fd::OwnedFd, path::PathBuf, process::Stdio, sync::OnceLock, time::Duration};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::UnixStream,
    process::{Child, Command},
};

static KEEPER: OnceLock<PathBuf> = OnceLock::new();

/// From now on programs are kept by a process of this binary, which calls [`of_process`](super::of_process) before all else.
pub fn by_own_binary() {
    // This one also when the file was exchanged for a newer version meanwhile.
    let own = PathBuf::from("/proc/self/exe");
    let own = if own.exists() { Some(own) } else { std::env::current_exe().ok() };
    if let Some(own) = own {
        let _ = KEEPER.set(own);
    }
}

/// The binary that keeps programs; nothing where trueup is a library of another one.
pub(super) fn binary() -> Option<&'static PathBuf> {
    KEEPER.get()
}

/// What the keeper says, frame by frame. A wait for one can be given up at any time.
struct Line {
    socket: UnixStream,
    heard: Vec<u8>,
}

impl Line {
    /// Nothing when nobody keeps it any more.
    async fn hear(&mut self) -> Option<Frame> {
        loop {
            if let Some(bytes) = self.heard.first_chunk::<{ Frame::LENGTH }>().copied() {
                self.heard.drain(..Frame::LENGTH);
                return Frame::of(bytes);
            }
            if self.socket.read_buf(&mut self.heard).await.ok()? == 0 {
                return None;
            }
        }
    }

    async fn say(&mut self, word: u8) {
        // When nobody hears it, it is over anyway.
        let _ = self.socket.write_all(&[word]).await;
    }

    async fn give(&mut self, input: Option<&str>) -> io::Result<()> {
        let length = input.map_or(NO_INPUT, |text| text.len() as u64);
        self.socket.write_all(&length.to_be_bytes()).await?;
        self.socket.write_all(input.unwrap_or_default().as_bytes()).await
    }
}

/// Starts it and waits for its end. When this future is dropped, or this process ends, its keeper ends it.
pub(super) async fn run(
    program: &Program,
    binary: &PathBuf,
    arguments: &[&str],
    invocation: &Invocation,
    time: Duration,
) -> Result<Ended, Failure> {
    let not_started = |error: io::Error| Failure::NotStarted(said(&error));
    let (socket, theirs) = std::os::unix::net::UnixStream::pair().map_err(not_started)?;
    socket.set_nonblocking(true).map_err(not_started)?;
    let socket = UnixStream::from_std(socket).map_err(not_started)?;
    let mut line = Line { socket, heard: Vec::new() };
    let mut child = {
        let mut command = Command::new(binary);
        command.arg(WORD).arg(time.as_millis().to_string()).arg(&program.path).args(arguments);
        program.surroundings(&mut command);
        command.envs(invocation.mark.iter().map(|mark| (alive::MARK, mark)));
        command.stdin(Stdio::from(OwnedFd::from(theirs))).process_group(0);
        command.spawn().map_err(|error| Failure::NotStarted(format!("its keeper: {}", said(&error))))?
    };
    // A keeper that has not got all of it starts nothing.
    if let Err(error) = line.give(invocation.input.as_deref()).await {
        return Err(Failure::NotStarted(format!("its keeper: {}", said(&error))));
    }
    let most = program.settings.max_output();
    // The keeper looks at the time, because it is still there when this process is not; a keeper that does not is given up.
    let went = tokio::time::timeout(time + GRACE * 3, attended(&mut child, &mut line, most, time)).await;
    let went = went.unwrap_or_else(|_| Err(Failure::Lost("what keeps it does not answer".into())));
    let is_over = match &went {
        Ok(_) | Err(Failure::NotStarted(_)) => {
            line.say(LEAVE).await;
            true
        }
        Err(Failure::Lost(_)) => false,
        Err(_) => {
            line.say(END).await;
            tokio::time::timeout(GRACE * 3, all_gone(&mut line)).await.unwrap_or(false)
        }
    };
    if is_over {
        // So that whoever looks what still runs of it does not find its keeper.
        let _ = tokio::time::timeout(GRACE, child.wait()).await;
    }
    went
}

/// Reads what it prints until it has ended and nobody holds its output any more.
async fn attended(child: &mut Child, line: &mut Line, most: usize, time: Duration) -> Result<Ended, Failure> {
    let (output, errors) = (child.stdout.take(), child.stderr.take());
    let both = async { tokio::try_join!(read(output, most), read(errors, most)) };
    tokio::pin!(both);
    let (mut printed, mut ended) = (None, None);
    loop {
        if let (Some(_), Some((code, signal))) = (&printed, ended) {
            let (output, errors): (Vec<u8>, Vec<u8>) = printed.unwrap_or_default();
            if output.len() + errors.len() > most {
                return Err(Failure::TooMuch(most));
            }
            return Ok(Ended { code, signal, output, errors });
        }
        tokio::select! {
            done = &mut both, if printed.is_none() => printed = Some(done?),
            frame = line.hear() => match frame {
                Some(Frame::Exited(code)) => ended = Some((Some(code), None)),
                Some(Frame::Signalled(signal)) => ended = Some((None, Some(signal))),
                Some(Frame::NotStarted(number)) => {
                    return Err(Failure::NotStarted(said(&io::Error::from_raw_os_error(number))));
                }
                Some(Frame::TimedOut) => return Err(Failure::TimedOut(time)),
                Some(Frame::Gone | Frame::Left) | None => return Err(Failure::Lost("what kept it is gone".into())),
            },
        }
    }
}

/// Its keeper says that nothing of it is left.
async fn all_gone(line: &mut Line) -> bool {
    loop {
        match line.hear().await {
            Some(Frame::Gone) => return true,
            Some(Frame::Left) | None => return false,
            Some(_) => {}
        }
    }
}
