//! `trueup check`

use super::{arguments::Check, output::Output};
use crate::{
    ops::{self, Failure, Surroundings},
    report::{diagnostics, exit::Exit},
};
use std::path::Path;

pub async fn run(
    given: &Check,
    project: Option<&Path>,
    surroundings: &Surroundings,
    output: &Output,
) -> Result<Exit, Failure> {
    let found = match ops::project::open(surroundings, project) {
        Ok(opened) => ops::check::check(surroundings, &opened, &given.paths, given.env.as_deref()).await?,
        Err(Failure::Texts(problems)) => ops::check::Found { files: 0, problems },
        Err(other) => return Err(other),
    };
    let exit = if found.is_good() { Exit::Done } else { Exit::Invalid };
    if given.json || given.sarif {
        let document =
            if given.sarif { diagnostics::sarif(&found.problems) } else { diagnostics::json(&found.problems) };
        output.data(&format!("{document:#}\n"));
        return Ok(exit);
    }
    output.problems(&found.problems);
    if found.is_good() {
        let files = if found.files == 1 { "1 playbook".to_owned() } else { format!("{} playbooks", found.files) };
        let live = given.env.as_ref().map_or(String::new(), |env| format!(", also against the databases of {env}"));
        output.data(&format!("{files} checked{live}: no errors.\n"));
    }
    Ok(exit)
}
