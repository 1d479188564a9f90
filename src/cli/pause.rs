//! Ctrl-C and SIGTERM: the first one pauses the run between two steps, the second one ends the process at once.

use super::output::Output;
use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

/// The codes of a process that such a signal ended.
const INTERRUPTED: i32 = 130;
#[cfg(unix)]
const TERMINATED: i32 = 143;

/// From now on Ctrl-C, and SIGTERM as systemd and Kubernetes send it, set the flag that the run looks at between two steps.
pub fn on_signal(output: &Output) -> Arc<AtomicBool> {
    let flag = Arc::new(AtomicBool::new(false));
    let (set, masks) = (flag.clone(), output.masks().clone());
    tokio::spawn(async move {
        let mut seen = 0;
        #[cfg(unix)]
        let mut terminate = tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate()).ok();
        loop {
            #[cfg(unix)]
            let code = tokio::select! {
                interrupted = tokio::signal::ctrl_c() => interrupted.map(|()| INTERRUPTED),
                Some(()) = async { terminate.as_mut()?.recv().await } => Ok(TERMINATED),
            };
            #[cfg(not(unix))]
            let code = tokio::signal::ctrl_c().await.map(|()| INTERRUPTED);
            let Ok(code) = code else { return };
            seen += 1;
            set.store(true, Ordering::Relaxed);
            if seen > 1 {
                std::process::exit(code)
            }
            let again = if code == INTERRUPTED { "press Ctrl-C again" } else { "send SIGTERM again" };
            let text = format!("\nPausing after this step; {again} to end at once (the step may then be in doubt).\n");
            let _ = std::io::Write::write_all(&mut std::io::stderr(), masks.apply(&text).as_bytes());
        }
    });
    flag
}
