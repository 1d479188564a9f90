//! Results that are not there yet when they are used.

use super::var_cycle;
use crate::{
    base::diagnostic::{Code, Diagnostic, Diagnostics},
    check::{
        mentions::{self, Home, Meaning},
        scene::{Role, Scene},
        spots::Sees,
    },
};

/// The step comes later.
pub static LATER_RESULT: Code = Code {
    id: "E0236",
    title: "the result of a step that comes later",
    explain: "Steps run in the order of the file: `preconditions`, `steps`, `verification`, `afterwards`. An expression can use the \
        results of the steps before its own; its own step's result exists in `is:` and `otherwise:`. Move the step up, or use \
        another result.",
};

/// All codes of this file.
pub static CODES: &[&Code] = &[&LATER_RESULT];

/// Looks at every result, also at those that a variable brings along.
pub fn look(scene: &Scene<'_>, problems: &mut Diagnostics) {
    let behind = var_cycle::results_behind(scene);
    for mention in &scene.mentions {
        let Home::Step(home) = mention.home else { continue };
        let early = |result: usize| !mentions::is_before(scene, result, home, mention.spot.sees);
        match mention.meaning {
            Meaning::Result(result) if early(result) => {
                let name = mention.usage.path.root();
                let mut problem = Diagnostic::error(
                    &LATER_RESULT,
                    mention.part(scene, 0),
                    format!("`{name}` has no result yet when this is evaluated"),
                );
                problem = if result == home
                    || scene.visits[home].role != Role::Listed && scene.visits[home].owner == Some(result)
                {
                    problem.help(match mention.spot.sees {
                        Sees::Answer => "a probe asks because the result is lost; its own answer is `self`",
                        _ => "a step cannot use its own result; only its `is:`, `otherwise:` and `undo:` can",
                    })
                } else {
                    problem
                        .label(scene.visits[result].step.act_at, "it gets its result here")
                        .help("move that step before this one")
                };
                problems.push(problem);
            }
            Meaning::Vars => {
                let Some(name) = mention.attribute() else { continue };
                let Some(result) = behind.get(name).into_iter().flatten().copied().find(|result| early(*result)) else {
                    continue;
                };
                let step = scene.visits[result].step.id().unwrap_or_default();
                problems.push(
                    Diagnostic::error(
                        &LATER_RESULT,
                        mention.part(scene, 1),
                        format!("`vars.{name}` needs `{step}`, which has no result yet here"),
                    )
                    .label(scene.visits[result].step.act_at, "it gets its result here")
                    .help(format!("use `vars.{name}` only after the step `{step}`")),
                );
            }
            _ => {}
        }
    }
}
