//! Many clients that come back at the same moment.

use super::Around;
use crate::{
    base::diagnostic::{Code, Diagnostic, Diagnostics},
    check::scene::Scene,
    playbook::errors::{Jitter, Verdict},
};

/// All at once.
pub static TOGETHER: Code = Code {
    id: "W0057",
    title: "many items that try again at the same moment",
    explain: "The playbook works on many items. When a service has trouble, their calls fail together, and with equal pauses they come back \
        together, which keeps the service down. `jitter: full` spreads each pause at random.",
};

/// All codes of this file.
pub static CODES: &[&Code] = &[&TOGETHER];

pub fn look(scene: &Scene<'_>, _: Around, problems: &mut Diagnostics) {
    if scene.playbook.targets.is_none() {
        return;
    }
    for row in scene.playbook.errors.iter() {
        for then in row.then.iter().chain(&row.otherwise) {
            let Verdict::Retry(retry) = &then.verdict else { continue };
            if retry.jitter != Some(Jitter::Full) {
                problems.push(
                    Diagnostic::warning(&TOGETHER, retry.at, "the items of this playbook would all try again at once")
                        .help("add `jitter: full`"),
                );
            }
        }
    }
}
