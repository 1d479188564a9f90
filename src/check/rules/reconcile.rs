//! `reconcile:`: caps under which something can happen at all.

use crate::{
    base::diagnostic::{Code, Diagnostic, Diagnostics},
    check::scene::Scene,
    playbook::schedules::Caps,
};

/// Caps that cannot be meant so.
pub static CAPS: Code = Code {
    id: "E0831",
    title: "caps that do not fit",
    explain: "`most:` of a reconcile is how many items one run may heal: one or more. Who wants nothing to be healed leaves `heal:` and `--heal` \
        out: a reconcile then only reports. `share:` and `stop_after:` are shares of many items, so they belong to a playbook with \
        `targets:`.",
};

/// All codes of this file.
pub static CODES: &[&Code] = &[&CAPS];

/// Looks at the playbook's caps.
pub fn look(scene: &Scene<'_>, problems: &mut Diagnostics) {
    let Some(given) = scene.playbook.reconcile.as_ref().and_then(|rule| rule.heal.as_ref()) else { return };
    caps(given, problems);
    if scene.playbook.targets.is_none() && (given.share.is_some() || given.stop_after.is_some()) {
        let problem =
            Diagnostic::error(&CAPS, given.at, "these caps are about many items, and the playbook has no `targets`");
        problems.push(problem.help("leave `share` and `stop_after` out"));
    }
}

/// What is wrong with caps, wherever they stand.
pub(in crate::check) fn caps(given: &Caps, problems: &mut Diagnostics) {
    if let Some(most) = given.most.as_ref().filter(|most| most.value == 0) {
        problems.push(
            Diagnostic::error(&CAPS, most.at, "with `most: 0` nothing could ever be healed")
                .help("write 1 or more, or leave healing out"),
        );
    }
}
