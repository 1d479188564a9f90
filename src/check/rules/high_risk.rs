//! Risky playbooks look afterwards.

use crate::{
    base::diagnostic::{Code, Diagnostic, Diagnostics},
    check::scene::Scene,
    playbook::model::Risk,
};

/// No verification.
pub static NO_VERIFICATION: Code = Code {
    id: "W0001",
    title: "a risky playbook that does not look afterwards",
    explain: "The playbook says `risk: high` and changes something, but has no `verification`. Add reads that show that the change has had \
        its effect, where it matters: in the other system, in the audit trail, on the page.",
};

/// All codes of this file.
pub static CODES: &[&Code] = &[&NO_VERIFICATION];

/// Looks at risk and verification.
pub fn look(scene: &Scene<'_>, problems: &mut Diagnostics) {
    let playbook = scene.playbook;
    let Some(risk) = playbook.risk.as_ref().filter(|risk| risk.value == Risk::High) else { return };
    if playbook.verification.is_empty() && scene.visits.iter().any(|v| scene.changes(v.step)) {
        problems.push(
            Diagnostic::warning(&NO_VERIFICATION, risk.at, "`risk: high`, and nothing looks whether it worked")
                .help("add `verification:` with a read and what `is:` to hold of it"),
        );
    }
}
