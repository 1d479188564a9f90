//! Steps that can never run, and conditions that are none.

use crate::{
    action::{ends::Way, kinds::Act},
    base::diagnostic::{Code, Diagnostic, Diagnostics},
    check::scene::{Role, Scene},
    template::Expression,
};

/// It can never run, or never hold.
pub static UNREACHABLE: Code = Code {
    id: "E0302",
    title: "a step that can never run or never succeed",
    explain: "A step whose `when:` is the word `false` never runs; an `assert: false` always ends the item, so that no step after it is ever \
        reached; a verification that is `false` can never pass. A playbook with dead parts does less than its reader believes. \
        Take them out, or write the condition that was meant.",
};
/// It always holds.
pub static ALWAYS: Code = Code {
    id: "W0008",
    title: "a condition that always holds",
    explain: "`when: true`, `assert: true` and `is: true` say nothing. Take them out, or write \
        the condition that was meant.",
};

/// All codes of this file.
pub static CODES: &[&Code] = &[&UNREACHABLE, &ALWAYS];

/// Looks at every condition that is a constant.
pub fn look(scene: &Scene<'_>, problems: &mut Diagnostics) {
    let mut end: Option<(usize, &Expression)> = None;
    for (index, visit) in scene.visits.iter().enumerate() {
        let common = &visit.step.common;
        if let Some((_, stop)) = end.filter(|(from, _)| !is_inside(scene, index, *from) && visit.role == Role::Listed) {
            problems.push(
                Diagnostic::error(&UNREACHABLE, visit.step.act_at, "no run can reach this step")
                    .label(stop.scalar().span, "every run ends here")
                    .help("take out the condition above, or this step and what follows"),
            );
            // One message is enough: all that follows is as dead.
            return;
        }
        let asserted = if let Act::Assert(expression) = &visit.step.act { Some(expression) } else { None };
        for (expression, key) in [(common.when.as_ref(), "when"), (asserted, "assert"), (common.is.as_ref(), "is")] {
            let Some(expression) = expression else { continue };
            match constant(expression) {
                Some(true) => problems.push(
                    Diagnostic::warning(&ALWAYS, expression.scalar().span, format!("`{key}: true` always holds"))
                        .help("take it out"),
                ),
                Some(false) if key == "when" => {
                    problems.push(
                        Diagnostic::error(&UNREACHABLE, expression.scalar().span, "this step never runs")
                            .help("take the step out, or write the condition that was meant"),
                    );
                }
                Some(false) => {
                    problems.push(
                        Diagnostic::error(
                            &UNREACHABLE,
                            expression.scalar().span,
                            format!("`{key}: false` can never hold"),
                        )
                        .help("write the condition that was meant"),
                    );
                    let goes_on = common.otherwise.as_ref().is_some_and(|o| o.way == Way::Warn);
                    if key == "assert" && common.when.is_none() && !goes_on && visit.owner.is_none() {
                        end = Some((index, expression));
                    }
                }
                None => {}
            }
        }
    }
}

/// The step belongs to the one with index `owner` (its `undo:`, its probe).
fn is_inside(scene: &Scene<'_>, index: usize, owner: usize) -> bool {
    std::iter::successors(Some(index), |at| scene.visits[*at].owner).any(|at| at == owner)
}

fn constant(expression: &Expression) -> Option<bool> {
    match expression.scalar().text.trim() {
        "true" | "True" => Some(true),
        "false" | "False" => Some(false),
        _ => None,
    }
}
