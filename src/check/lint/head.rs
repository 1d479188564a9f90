//! The head of a playbook: what the next person has to know before the first step.

use super::Around;
use crate::{
    base::{
        diagnostic::{Code, Diagnostic, Diagnostics},
        source::Span,
    },
    check::scene::Scene,
};

/// Nobody says what it is for.
pub static NO_DESCRIPTION: Code = Code {
    id: "W0050",
    title: "a playbook without a description",
    explain: "`description:` is what the next person reads before they run it: when this procedure is the right one, what it does and does \
        not do, who must agree first, and where the written procedure and the system disagree. `trueup doc` puts it at the top of \
        the page.",
};
/// Nobody looks after it.
pub static NO_OWNER: Code = Code {
    id: "W0053",
    title: "a playbook that nobody owns",
    explain: "`owner:` names who looks after the procedure (somebody under `people` in the project file): whom to ask when it no longer \
        fits, and who may do a run again where `retry: { by: owner }` says so.",
};
/// Nobody says how bad a mistake is.
pub static NO_RISK: Code = Code {
    id: "W0064",
    title: "a playbook that does not say its risk",
    explain: "`risk: low`, `medium` or `high` routes approvals: the project file says for each how many people must agree. Without it a \
        playbook counts as medium, which is a decision that nobody made.",
};

/// All codes of this file.
pub static CODES: &[&Code] = &[&NO_DESCRIPTION, &NO_OWNER, &NO_RISK];

pub fn look(scene: &Scene<'_>, _: Around, problems: &mut Diagnostics) {
    let playbook = scene.playbook;
    let at: Span = playbook.title.span;
    let mut advise = |code, message: &str, help: String| {
        problems.push(Diagnostic::warning(code, at, message).help(help));
    };
    if playbook.description.as_ref().is_none_or(|text| text.as_str().trim().is_empty()) {
        advise(
            &NO_DESCRIPTION,
            "nothing says when this procedure is the right one",
            "add `description: |` with what it is for, what it does and what it does not do".into(),
        );
    }
    if playbook.owner.is_none() {
        let known: Vec<&str> = scene.project.people.names().collect();
        let help = match known.as_slice() {
            [] => "add `owner: …`, and the name under `people` in the project file".to_owned(),
            known => format!("add `owner: …` with one of {}", crate::base::suggest::list(known)),
        };
        advise(&NO_OWNER, "nobody looks after this playbook", help);
    }
    if playbook.risk.is_none() {
        advise(
            &NO_RISK,
            "nothing says how much harm a mistake does",
            "add `risk: low`, `risk: medium` or `risk: high`; without it, approvals are those of `medium`".into(),
        );
    }
}
