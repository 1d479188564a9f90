//! Changes and questions without a heading.

use super::Around;
use crate::{
    action::kinds::Act,
    base::diagnostic::{Code, Diagnostic, Diagnostics},
    check::scene::{Role, Scene, writes},
};

/// No title.
pub static UNTITLED: Code = Code {
    id: "W0061",
    title: "a change without a title",
    explain: "A plan and the history list the steps by their `title:`. Whoever approves a plan, or reads in a year what was done, knows the \
        procedure and not the tables: \"Take the award back in Register\" tells them more than \"clear_award\".",
};

/// All codes of this file.
pub static CODES: &[&Code] = &[&UNTITLED];

pub fn look(scene: &Scene<'_>, _: Around, problems: &mut Diagnostics) {
    for (index, visit) in scene.visits.iter().enumerate().filter(|(_, v)| v.role == Role::Listed) {
        let step = visit.step;
        if !writes(step) && !matches!(step.act, Act::Ask(_)) {
            continue;
        }
        // A block's title speaks for what stands in it.
        if scene.around(index).any(|at| scene.visits[at].step.common.title.is_some()) {
            continue;
        }
        let what = if writes(step) { "this change has no title" } else { "this question has no title" };
        problems.push(
            Diagnostic::warning(&UNTITLED, step.act_at, what)
                .help("add `title: …`: what is done here, as one would say it to a colleague"),
        );
    }
}
