//! `trueup doc`

use super::{arguments::Doc, output::Output};
use crate::{
    ops::{
        self, Failure, Surroundings,
        over::{self, Kind},
    },
    report::{exit::Exit, graph, procedure},
};
use std::path::Path;

pub fn run(given: &Doc, project: Option<&Path>, surroundings: &Surroundings, output: &Output) -> Result<Exit, Failure> {
    let opened = ops::project::open(surroundings, project)?;
    let loaded = ops::playbook::load(surroundings, &opened, &given.playbook)?;
    let page = procedure::page(&loaded.checked);
    let text = if given.html {
        procedure::html(&page, Some(&graph::svg(&graph::of(&loaded.checked))))
    } else {
        procedure::markdown(&page)
    };
    deliver(&text, given.out.as_deref(), surroundings, output)
}

/// Prints a document, or puts it into a file.
pub fn deliver(text: &str, out: Option<&Path>, surroundings: &Surroundings, output: &Output) -> Result<Exit, Failure> {
    let Some(out) = out else {
        output.data(text);
        return Ok(Exit::Done);
    };
    let path = over::place(surroundings, out, Kind::Document)?;
    std::fs::write(&path, text)
        .map_err(|error| Failure::usage(format!("{} cannot be written: {error}", out.display())))?;
    output.note(&format!("wrote {}\n", out.display()));
    Ok(Exit::Done)
}
