//! Parameters as the person sees them who has to give them.

use super::Around;
use crate::{
    base::diagnostic::{Code, Diagnostic, Diagnostics},
    check::scene::Scene,
};

/// What is it?
pub static NO_MEANING: Code = Code {
    id: "W0051",
    title: "a parameter that nobody explains",
    explain: "`description:` of a parameter is what somebody reads who has to give it, under pressure and for the first time: what it is, and \
        where one finds it (\"the last part of the address of the trainee's page\").",
};
/// What does one look like?
pub static NO_EXAMPLE: Code = Code {
    id: "W0052",
    title: "a parameter without an example",
    explain: "One good value says more than a pattern: it stands in the message when the parameter is missing, and in the command that \
        `trueup doc` prints. Words of an enum, `true` and `false`, and a default are examples already.",
};

/// All codes of this file.
pub static CODES: &[&Code] = &[&NO_MEANING, &NO_EXAMPLE];

pub fn look(scene: &Scene<'_>, _: Around, problems: &mut Diagnostics) {
    for (word, param) in &scene.playbook.params.entries {
        let name = word.as_str();
        if param.description.as_ref().is_none_or(|text| text.as_str().trim().is_empty()) {
            problems.push(
                Diagnostic::warning(&NO_MEANING, word.span, format!("nothing says what `{name}` is"))
                    .help("add `description: …`: what it is, and where one finds it"),
            );
        }
        let speaks_for_itself = matches!(param.kind.as_str(), "bool" | "enum") || param.kind.as_str().contains('.');
        let has_default = param.default.as_ref().is_some_and(|value| !value.is_null());
        if param.example.is_none() && param.examples.is_empty() && !speaks_for_itself && !has_default {
            problems.push(
                Diagnostic::warning(&NO_EXAMPLE, word.span, format!("nothing shows what a `{name}` looks like"))
                    .help("add `example: …` with an invented value of the right form"),
            );
        }
    }
}
