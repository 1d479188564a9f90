//! Ctrl-C, SIGTERM and SIGHUP: the first one pauses the run between two steps, the second one ends the process at once.

use super::output::Output;
use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

/// The codes of a process that such a signal ended.
const INTERRUPTED: i32 = 130;
#[cfg(unix)]
const TERMINATED: i32 = 143;
#[cfg(unix)]
const HUNG_UP: i32 = 129;

/// From now on Ctrl-C, SIGTERM as systemd and Kubernetes send it, and SIGHUP of a terminal that is closed, set the flag that the run looks at
/// between two steps.
pub fn on_signal(output: &Output) -> Arc<AtomicBool> {
    let flag = Arc::new(AtomicBool::new(false));
    let (set, masks) = (flag.clone(), output.masks().clone());
    tokio::spawn(async move {
        let mut seen = 0;
        #[cfg(unix)]
        let mut terminate = tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate()).ok();
        #[cfg(unix)]
        let mut hangup = hangup();
        loop {
            #[cfg(unix)]
            let code = tokio::select! {
                interrupted = tokio::signal::ctrl_c() => interrupted.map(|()| INTERRUPTED),
                Some(()) = async { terminate.as_mut()?.recv().await } => Ok(TERMINATED),
                Some(()) = async { hangup.as_mut()?.recv().await } => Ok(HUNG_UP),
            };
            #[cfg(not(unix))]
            let code = tokio::signal::ctrl_c().await.map(|()| INTERRUPTED);
            let Ok(code) = code else { return };
            seen += 1;
            set.store(true, Ordering::Relaxed);
            if seen > 1 {
                std::process::exit(code)
            }
            let again = match code {
                INTERRUPTED => "press Ctrl-C again",
                #[cfg(unix)]
                HUNG_UP => "send SIGHUP again",
                _ => "send SIGTERM again",
            };
            let text = format!("\nPausing after this step; {again} to end at once (the step may then be in doubt).\n");
            let _ = std::io::Write::write_all(&mut std::io::stderr(), masks.apply(&text).as_bytes());
        }
    });
    flag
}

/// Hears SIGHUP; nothing where whoever started it with `nohup` wants it to go on.
#[cfg(unix)]
pub(super) fn hangup() -> Option<tokio::signal::unix::Signal> {
    if ignores_hangup() {
        return None;
    }
    tokio::signal::unix::signal(tokio::signal::unix::SignalKind::hangup()).ok()
}

/// SIGHUP was ignored when this process was started. Where the system does not tell, it was not.
#[cfg(unix)]
fn ignores_hangup() -> bool {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let ignored = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    ignored.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok()).is_some_and(|mask| mask & 1 != 0)
}
