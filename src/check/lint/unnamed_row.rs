//! Rows of the errors table without a name.

use super::Around;
use crate::{
    base::diagnostic::{Code, Diagnostic, Diagnostics},
    check::scene::Scene,
};

/// What is this failure called?
pub static UNNAMED: Code = Code {
    id: "W0063",
    title: "a row of the errors table without a name",
    explain: "`name:` is what people call this failure. Reports, tests and `trueup diagnose` name the row that decided; without a name they \
        can only point at a line. `means:` says in a sentence what has happened.",
};

/// All codes of this file.
pub static CODES: &[&Code] = &[&UNNAMED];

pub fn look(scene: &Scene<'_>, _: Around, problems: &mut Diagnostics) {
    for row in scene.playbook.errors.iter().filter(|row| row.name.is_none() && row.otherwise.is_none()) {
        problems.push(
            Diagnostic::warning(&UNNAMED, row.at, "this row has no name")
                .help("add `name: …`: what people call this failure"),
        );
    }
}
