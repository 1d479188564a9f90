//! `trueup diagnose`

use super::{arguments::Diagnose, output::Output};
use crate::{
    ops::{self, Failure, Surroundings},
    report::{diagnose, exit::Exit},
};
use std::{io::Read, path::Path};

/// A longer text is no error message.
const MOST: u64 = 4 * 1024 * 1024;

pub fn run(
    given: &Diagnose,
    project: Option<&Path>,
    surroundings: &Surroundings,
    output: &Output,
) -> Result<Exit, Failure> {
    let opened = ops::project::open(surroundings, project)?;
    let error = read(given, surroundings)?;
    let found = ops::diagnose::diagnose(surroundings, &opened, &given.table, given.step.as_deref(), &error)?;
    if given.json {
        output.data(&format!("{:#}\n", diagnose::json(&found)));
    } else {
        output.data(&diagnose::terminal(&found, output.look().width));
    }
    Ok(if found.decides.is_some() { Exit::Done } else { Exit::Stopped })
}

fn read(given: &Diagnose, surroundings: &Surroundings) -> Result<String, Failure> {
    let (name, mut text) = (given.error.display().to_string(), String::new());
    let read = if name == "-" {
        std::io::stdin().lock().take(MOST).read_to_string(&mut text)
    } else {
        std::fs::File::open(surroundings.folder.join(&given.error))
            .and_then(|file| file.take(MOST).read_to_string(&mut text))
    };
    match read {
        Ok(_) => Ok(text),
        Err(error) => Err(Failure::usage(format!("`{name}` cannot be read: {error}"))
            .help("name a file that holds the error's text, or `-` to give it on standard input")),
    }
}
