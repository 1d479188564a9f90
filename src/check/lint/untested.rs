//! Tests beside the playbook.

use super::Around;
use crate::{
    base::diagnostic::{Code, Diagnostic, Diagnostics},
    check::scene::Scene,
};

/// No test.
pub static NO_TEST: Code = Code {
    id: "W0058",
    title: "a playbook without a test",
    explain: "A test beside the playbook (`NAME.test.yaml`) runs it against invented rows and answers, and says what must come of it: also \
        in a year, when a table or the playbook has changed. `trueup new` writes the first one with the playbook.",
};

/// All codes of this file.
pub static CODES: &[&Code] = &[&NO_TEST];

pub fn look(scene: &Scene<'_>, around: Around, problems: &mut Diagnostics) {
    if around.tested != Some(false) {
        return;
    }
    let name = scene.playbook.name.as_str();
    let file = format!("{}.test.yaml", name.rsplit('/').next().unwrap_or(name));
    problems.push(
        Diagnostic::warning(&NO_TEST, scene.playbook.name.span, "no test stands beside this playbook")
            .help(format!("write `{file}` beside it: one case that goes well, and one for each precondition")),
    );
}
