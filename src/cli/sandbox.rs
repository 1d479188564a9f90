//! `trueup sandbox`: a service in miniature to try playbooks on, with everything around it played until Ctrl-C.

use super::{arguments, output::Output};
use crate::{
    ops::{self, Failure, Surroundings, sandbox::Sandbox},
    report::{exit::Exit, line::Tone, look::Look, page::Page},
};
use std::{fmt::Write, path::Path};
use tokio::sync::mpsc;

pub async fn run(given: &arguments::Sandbox, surroundings: &Surroundings, output: &Output) -> Result<Exit, Failure> {
    let sandbox = ops::sandbox::named(&given.name)?;
    let folder = given.folder.clone().unwrap_or_else(|| Path::new(".trueup/sandboxes").join(sandbox.name));
    ops::sandbox::build(surroundings, sandbox, &folder, &format!("trueup sandbox {}", sandbox.name)).await?;
    let (tell, mut seen) = mpsc::unbounded_channel();
    let (tell_work, mut work) = mpsc::unbounded_channel();
    let place = surroundings.folder.join(&folder);
    let playing = ops::sandbox::serve::serve(surroundings, &place, &tell, &tell_work).await?;
    output.data(&welcome(sandbox, &folder, &playing.listening(), output.look()));
    if let Some(missing) = &playing.missing {
        output.note(&format!("note: {missing}\n"));
    }
    let mut end = std::pin::pin!(asked_to_end());
    loop {
        tokio::select! {
            logged = seen.recv() => if let Some(logged) = logged { output.data(&format!("{}\n", logged.line())) },
            worked = work.recv() => match worked {
                Some(Ok(line)) => output.data(&format!("worker: {line}\n")),
                Some(Err(why)) => output.note(&format!("the worker stumbles: {why}\n")),
                None => {}
            },
            () = &mut end => break,
        }
    }
    playing.end().await;
    output.note("The sandbox is closed; its folder stays, and the next one starts afresh.\n");
    Ok(Exit::Done)
}

/// Ctrl-C, or whoever started it ends it.
async fn asked_to_end() {
    #[cfg(unix)]
    {
        use tokio::signal::unix::{SignalKind, signal};
        if let (Ok(mut terminate), Ok(mut hangup)) = (signal(SignalKind::terminate()), signal(SignalKind::hangup())) {
            tokio::select! {
                _ = terminate.recv() => {}
                _ = hangup.recv() => {}
                _ = tokio::signal::ctrl_c() => {}
            }
            return;
        }
    }
    // Where signals cannot be waited for, it plays on until it is killed.
    if tokio::signal::ctrl_c().await.is_err() {
        std::future::pending::<()>().await;
    }
}

fn welcome(sandbox: &Sandbox, folder: &Path, listening: &[(String, String)], look: Look) -> String {
    let mut page = Page::new(look);
    page.prose(0, Tone::Plain, &sandbox.about.replace('\n', " "));
    let about = anstream::adapter::strip_str(&page.finish()).to_string();
    let mut text = format!("{about}\nIt is in {}, and plays until Ctrl-C:\n", folder.display());
    for (name, url) in listening {
        let _ = writeln!(text, "  {name:<8} {url}");
    }
    let _ = write!(text, "\nIn another terminal:\n\n  cd {}\n", folder.display());
    for (why, command) in sandbox.tries {
        let _ = write!(text, "\n  # {why}\n{}", wrapped(command));
    }
    text.push_str("\nWhat they ask and what the worker does is shown here:\n\n");
    text
}

/// A command as one types it, in lines that fit.
fn wrapped(command: &str) -> String {
    let (mut text, mut line) = (String::new(), String::from("  trueup"));
    for word in command.split(' ') {
        if line.len() + word.len() > 76 {
            let _ = writeln!(text, "{line} \\");
            line = String::from("   ");
        }
        let _ = write!(line, " {word}");
    }
    let _ = writeln!(text, "{line}");
    text
}
