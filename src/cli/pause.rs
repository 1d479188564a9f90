//! Ctrl-C: the first one pauses the run between two steps, the second one ends the process at once.

use super::output::Output;
use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

/// From now on Ctrl-C sets the flag that the run looks at between two steps.
pub fn on_ctrl_c(output: &Output) -> Arc<AtomicBool> {
    let flag = Arc::new(AtomicBool::new(false));
    let (set, masks) = (flag.clone(), output.masks().clone());
    tokio::spawn(async move {
        let mut seen = 0;
        while tokio::signal::ctrl_c().await.is_ok() {
            seen += 1;
            set.store(true, Ordering::Relaxed);
            let text = if seen == 1 {
                "\nPausing after this step; press Ctrl-C again to end at once (the step may then be in doubt).\n"
            } else {
                std::process::exit(130)
            };
            let _ = std::io::Write::write_all(&mut std::io::stderr(), masks.apply(text).as_bytes());
        }
    });
    flag
}
