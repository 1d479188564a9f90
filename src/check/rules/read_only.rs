//! Changes and messages where only looking is allowed.

use crate::{
    action::kinds::Act,
    base::diagnostic::{Code, Diagnostic, Diagnostics},
    check::{
        checked::Section,
        scene::{Role, Scene, Visit, reads, writes},
    },
};

/// A change outside `steps`.
pub static ONLY_IN_STEPS: Code = Code {
    id: "E0301",
    title: "a change where only looking is allowed",
    explain: "`preconditions` and `verification` only look: they run when planning, again when applying, and as often as one likes. Changes \
        stand under `steps`, where each is previewed, recorded and can be taken back. `afterwards` tells people; it changes \
        nothing either. The `read:` of a probe only looks too.",
};

/// All codes of this file.
pub static CODES: &[&Code] = &[&ONLY_IN_STEPS];

/// Looks at every step outside `steps`, and at every probe.
pub fn look(scene: &Scene<'_>, problems: &mut Diagnostics) {
    for visit in &scene.visits {
        let place = visit.section.word();
        let problem = |message: String, help: &str| {
            Diagnostic::error(&ONLY_IN_STEPS, visit.step.act_at, message).help(help.to_owned())
        };
        if visit.role == Role::Probe {
            if !reads(visit.step) {
                problems.push(problem(
                    format!("`{}` cannot be the question of a probe", visit.step.act.word()),
                    "use `find`, `query` or an `http` step with `get:`",
                ));
            }
        } else if visit.section != Section::Steps && writes(visit.step) {
            let help = match &visit.step.act {
                Act::Command(_) => "move the step to `steps`; here only `look:` is allowed",
                Act::Http(_) => "move the step to `steps`; here only `get:` and `head:` are allowed",
                _ => "move the step to `steps`; here `find` and `query` can look at rows",
            };
            let only = if visit.section == Section::Afterwards { "only tell people" } else { "only look" };
            problems.push(problem(format!("{} changes something, and `{place}` {only}", shown(visit)), help));
        } else if matches!(visit.section, Section::Preconditions | Section::Verification)
            && matches!(visit.step.act, Act::Ask(_) | Act::Tell(_))
        {
            let message = format!("`{}` reaches a person, and `{place}` run more than once", visit.step.act.word());
            problems
                .push(problem(message, "ask under `steps`; tell under `steps` or `afterwards`, or use `otherwise:`"));
        }
    }
}

fn shown(visit: &Visit<'_>) -> String {
    match &visit.step.act {
        Act::Http(call) => format!("an `http` step with `{}`", call.method().map_or("a method", |(method, _)| method)),
        Act::Command(_) => "a `command` step with `change:`".into(),
        act => format!("`{}`", act.word()),
    }
}
