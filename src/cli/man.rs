//! `trueup man`: manual pages, made from the same declaration as the help.

use super::{
    arguments::{Arguments, Man},
    doc::deliver,
    output::Output,
};
use crate::{
    ops::{Failure, Surroundings},
    report::exit::Exit,
};
use clap::{Command, CommandFactory};
use std::path::Path;

pub fn run(given: &Man, surroundings: &Surroundings, output: &Output) -> Result<Exit, Failure> {
    let command = Arguments::command();
    let Some(out) = &given.out else {
        return deliver(&page(&command)?, None, surroundings, output);
    };
    let folder = surroundings.folder.join(out);
    std::fs::create_dir_all(&folder)
        .map_err(|error| Failure::usage(format!("{} cannot be made: {error}", out.display())))?;
    let mut written = 0;
    each(&command, "", &mut |name, command| {
        let path = out.join(format!("{name}.1"));
        written += 1;
        std::fs::write(surroundings.folder.join(&path), page(&command)?)
            .map_err(|error| Failure::usage(format!("{} cannot be written: {error}", path.display())))
    })?;
    output.data(&format!("{written} pages in {}; `man -l {}` shows the first.\n", out.display(), first(out)));
    Ok(Exit::Done)
}

fn first(folder: &Path) -> String {
    folder.join("trueup.1").display().to_string()
}

/// A command and all below it, each under its whole name: `trueup-plan-show`.
fn each(
    command: &Command,
    before: &str,
    write: &mut dyn FnMut(&str, Command) -> Result<(), Failure>,
) -> Result<(), Failure> {
    let name =
        if before.is_empty() { command.get_name().to_owned() } else { format!("{before}-{}", command.get_name()) };
    // A page speaks of the command as one types it.
    write(&name, command.clone().name(name.clone()).display_name(name.clone()).bin_name(name.replace('-', " ")))?;
    command.get_subcommands().try_for_each(|inner| each(inner, &name, write))
}

fn page(command: &Command) -> Result<String, Failure> {
    let mut text = Vec::new();
    clap_mangen::Man::new(command.clone())
        .render(&mut text)
        .map_err(|error| Failure::usage(format!("the page cannot be made: {error}")))?;
    Ok(String::from_utf8_lossy(&text).into_owned())
}
