//! `trueup check`

use super::{arguments::Check, output::Output};
use crate::{
    ops::{
        self, Failure, Surroundings,
        check::{Beside, Found},
        project::Opened,
        watch::{EVERY, Seen, project_file},
    },
    report::{diagnostics, exit::Exit},
};
use std::path::Path;

pub async fn run(
    given: &Check,
    project: Option<&Path>,
    surroundings: &Surroundings,
    output: &Output,
) -> Result<Exit, Failure> {
    if given.watch {
        return watch(given, project, surroundings, output).await;
    }
    let (_, found) = look(given, project, surroundings).await?;
    Ok(tell(given, &found, output))
}

/// A problem of the project file is one of those that are found.
async fn look(
    given: &Check,
    project: Option<&Path>,
    surroundings: &Surroundings,
) -> Result<(Option<Opened>, Found), Failure> {
    match ops::project::open(surroundings, project) {
        Ok(opened) => {
            let beside = Beside { environment: given.env.as_deref(), since: given.since.as_deref() };
            let found = ops::check::check_beside(surroundings, &opened, &given.paths, beside).await?;
            Ok((Some(opened), found))
        }
        Err(Failure::Texts(problems)) => Ok((None, Found { files: 0, tests: 0, problems, unasked: false })),
        Err(other) => Err(other),
    }
}

/// What a check without `--env` leaves open: "no errors" alone would be taken for more than it is.
const UNASKED: &str = "Tables and columns were not compared with a database; `--env NAME` does that.\n";

fn tell(given: &Check, found: &Found, output: &Output) -> Exit {
    let exit = if found.is_good() { Exit::Done } else { Exit::Invalid };
    if given.json || given.sarif {
        let document =
            if given.sarif { diagnostics::sarif(&found.problems) } else { diagnostics::json(&found.problems) };
        output.data(&format!("{document:#}\n"));
        // Beside the document: those who read it take each entry for a problem.
        if found.unasked {
            output.note(UNASKED);
        }
        return exit;
    }
    output.problems(&found.problems);
    if found.is_good() {
        let files = found.counted();
        let live = given.env.as_ref().map_or(String::new(), |env| format!(", also against the databases of {env}"));
        let since = given.since.as_ref().map_or(String::new(), |rev| format!(", versions compared with {rev}"));
        let unasked = if found.unasked { UNASKED } else { "" };
        output.data(&format!("{files} checked{live}{since}: no errors.\n{unasked}"));
        if found.files == 0 && given.paths.is_empty() {
            output.note(
                "The project has no playbooks yet; `trueup new NAME --table CONNECTION.TABLE` writes a first one.\n",
            );
        }
    }
    exit
}

/// Checks again whenever a file is another than before, until Ctrl-C. Ends with what the last check came to.
async fn watch(
    given: &Check,
    project: Option<&Path>,
    surroundings: &Surroundings,
    output: &Output,
) -> Result<Exit, Failure> {
    // Made before the first look, so that a Ctrl-C is never lost.
    let stop = tokio::signal::ctrl_c();
    tokio::pin!(stop);
    let file = project_file(surroundings, project);
    let (mut opened, mut seen) = (ops::project::open(surroundings, project).ok(), Seen::default());
    seen = seen.look(surroundings, &file, opened.as_ref(), &given.paths);
    loop {
        let exit = match look(given, project, surroundings).await {
            Ok((now, found)) => {
                opened = now.or(opened);
                tell(given, &found, output)
            }
            // A file that is gone for a moment, while an editor saves it, is no reason to end.
            Err(failure) => {
                output.failure(&failure);
                failure.exit()
            }
        };
        output.note("watching; Ctrl-C ends\n");
        loop {
            tokio::select! {
                _ = &mut stop => {
                    output.note("\n");
                    return Ok(exit);
                }
                () = tokio::time::sleep(EVERY) => {}
            }
            let now = seen.look(surroundings, &file, opened.as_ref(), &given.paths);
            let changed = now.changed_since(&seen);
            seen = now;
            if !changed.is_empty() {
                let dim = anstyle::Style::new().dimmed();
                output.note(&format!("\n{dim}── {} changed{dim:#}\n\n", changed.join(", ")));
                break;
            }
        }
    }
}
