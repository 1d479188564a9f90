//! `trueup fix`

use super::{
    arguments::Fix,
    fmt::{files, finish},
    output::Output,
};
use crate::{
    ops::{self, Failure, Surroundings},
    report::exit::Exit,
};
use std::path::Path;

pub fn run(given: &Fix, project: Option<&Path>, surroundings: &Surroundings, output: &Output) -> Result<Exit, Failure> {
    let opened = ops::project::open(surroundings, project)?;
    let fixed = ops::fix::uses(surroundings, &opened, &given.paths)?;
    output.problems(&fixed.problems);
    if !fixed.problems.is_empty() {
        output.note("files with other errors are left as they are: `uses` can be written once those are gone\n");
    }
    let exit = finish(&fixed.changed, given.check, "wrote `uses` of", "`uses` is not what the steps touch", output)?;
    fixed.notes.iter().for_each(|note| output.note(&format!("note: {note}\n")));
    if fixed.changed.is_empty() && fixed.problems.is_empty() {
        output.data(&format!("{}: `uses` is what the steps touch.\n", files(fixed.files)));
    }
    Ok(if fixed.problems.is_empty() { exit } else { Exit::Invalid })
}
