//! What looks whether it worked.

use super::Around;
use crate::{
    base::diagnostic::{Code, Diagnostic, Diagnostics},
    check::{
        checked::Section,
        scene::{Role, Scene, writes},
    },
    playbook::model::Risk,
};

/// Nothing looks.
pub static NOT_VERIFIED: Code = Code {
    id: "W0055",
    title: "a change after which nobody looks",
    explain: "The playbook changes something and has no `verification`. trueup reads every row again that it has written; whether the change \
        had its effect (the page, the other system, the audit trail) only the author can say how to see.",
};
/// And if not?
pub static NO_OTHERWISE: Code = Code {
    id: "W0062",
    title: "a verification that does not say what to do when it fails",
    explain: "When a verification fails, the change is made and something is wrong: the worst moment to be left with \"expected one row, \
        found 2\". `otherwise: { escalate: …, say: … }` says who has to look, and what they need to know.",
};

/// All codes of this file.
pub static CODES: &[&Code] = &[&NOT_VERIFIED, &NO_OTHERWISE];

pub fn look(scene: &Scene<'_>, _: Around, problems: &mut Diagnostics) {
    let playbook = scene.playbook;
    let change = scene.visits.iter().find(|visit| visit.role == Role::Listed && writes(visit.step));
    // Of a risky one the check itself says so.
    if let Some(change) = change.filter(|_| playbook.verification.is_empty() && playbook.risk() != Risk::High) {
        problems.push(
            Diagnostic::warning(&NOT_VERIFIED, change.step.act_at, "nothing looks whether this had its effect")
                .help("add `verification:` with a read, and `is:` with what must hold of it"),
        );
    }
    let verifies = |visit: &&_| {
        let visit: &crate::check::scene::Visit<'_> = visit;
        visit.section == Section::Verification && visit.role == Role::Listed && visit.owner.is_none()
    };
    for visit in scene.visits.iter().filter(verifies) {
        let common = &visit.step.common;
        let judges = common.is.is_some() || visit.step.act.word() == "assert";
        if judges && common.otherwise.is_none() {
            problems.push(
                Diagnostic::warning(
                    &NO_OTHERWISE,
                    visit.step.act_at,
                    "if this does not hold, the change is made and nobody is told what to do",
                )
                .help("add `otherwise: { escalate: …, say: … }`"),
            );
        }
    }
}
