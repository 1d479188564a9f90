//! `trueup lint`

use super::{arguments::Lint, output::Output};
use crate::{
    ops::{self, Failure, Surroundings},
    report::{diagnostics, exit::Exit},
};
use std::path::Path;

pub fn run(
    given: &Lint,
    project: Option<&Path>,
    surroundings: &Surroundings,
    output: &Output,
) -> Result<Exit, Failure> {
    let found = match ops::project::open(surroundings, project) {
        Ok(opened) => ops::lint::lint(surroundings, &opened, &given.paths)?,
        Err(Failure::Texts(problems)) => ops::check::Found { files: 0, tests: 0, problems, unasked: false },
        Err(other) => return Err(other),
    };
    let advice: usize = found.problems.iter().map(|problems| problems.warnings()).sum();
    let exit = match (found.is_good(), advice) {
        (false, _) => Exit::Invalid,
        (true, 1..) if given.strict => Exit::Failed,
        _ => Exit::Done,
    };
    if given.json || given.sarif {
        let document =
            if given.sarif { diagnostics::sarif(&found.problems) } else { diagnostics::json(&found.problems) };
        output.data(&format!("{document:#}\n"));
        return Ok(exit);
    }
    output.problems(&found.problems);
    if found.is_good() {
        let files = found.counted();
        let advice = match advice {
            0 => "nothing to say".to_owned(),
            1 => "1 piece of advice".to_owned(),
            n => format!("{n} pieces of advice"),
        };
        output.data(&format!("{files} looked through: {advice}.\n"));
    }
    Ok(exit)
}
