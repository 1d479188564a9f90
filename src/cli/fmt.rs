//! `trueup fmt`

use super::{arguments::Fmt, output::Output};
use crate::{
    base::counted::counted,
    ops::{self, Failure, Surroundings, fmt::Rewritten},
    report::{exit::Exit, rewritten},
};
use std::path::Path;

pub fn run(given: &Fmt, project: Option<&Path>, surroundings: &Surroundings, output: &Output) -> Result<Exit, Failure> {
    let opened = ops::project::open(surroundings, project)?;
    let done = ops::fmt::format(surroundings, &opened, &given.paths)?;
    output.problems(&done.problems);
    if !done.problems.is_empty() {
        output.note("files with errors are left as they are\n");
    }
    match done.tests {
        0 => {}
        1 => output.note("1 test file is left as it is: its data is aligned by hand\n"),
        n => output.note(&format!("{n} test files are left as they are: their data is aligned by hand\n")),
    }
    let exit = finish(&done.changed, given.check, "formatted", "not formatted", output)?;
    if done.changed.is_empty() && done.problems.is_empty() {
        output.data(&format!("{}: nothing to do.\n", files(done.files)));
    } else if given.check && !done.changed.is_empty() {
        output.note("`trueup fmt` writes them so\n");
    }
    Ok(if done.problems.is_empty() { exit } else { Exit::Invalid })
}

/// Writes what changed, or only shows it.
pub fn finish(
    changed: &[Rewritten],
    only_look: bool,
    done: &str,
    not_done: &str,
    output: &Output,
) -> Result<Exit, Failure> {
    for one in changed {
        if only_look {
            output.data(&rewritten::diff(&format!("{not_done}: {}", one.name), &one.old, &one.new));
        } else {
            one.write()?;
            output.data(&format!("{done} {}\n", one.name));
        }
    }
    Ok(if only_look && !changed.is_empty() { Exit::Failed } else { Exit::Done })
}

/// `1 file`, `3 files`.
pub fn files(count: usize) -> String {
    counted(count, "file")
}
