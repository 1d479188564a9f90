//! Results that may not exist because their step has a `when:` (decision 26).

use crate::{
    base::diagnostic::{Code, Diagnostic, Diagnostics},
    check::{
        mentions::{Home, Meaning, Mention},
        scene::{Role, Scene},
    },
    template::{Expression, UseKind},
};

/// The step may have been skipped.
pub static SKIPPED_RESULT: Code = Code {
    id: "E0238",
    title: "the result of a step that may have been skipped",
    explain: "The step has a `when:`, so it may not have run, and then it has no result. Whoever uses the result must say what shall \
        happen in that case. Either the using step has the very same `when:`, or the expression asks first:\n\n\
        ```yaml\n\
        when: cycle is ran and cycle.id > 0\n\
        message: \"{{ cycle.name if cycle is ran else 'no cycle' }}\"\n\
        ```",
};

/// All codes of this file.
pub static CODES: &[&Code] = &[&SKIPPED_RESULT];

/// Looks at every result of a step under a condition.
pub fn look(scene: &Scene<'_>, problems: &mut Diagnostics) {
    for mention in scene.mentions.iter().filter(|m| m.usage.kind == UseKind::Variable) {
        let (Meaning::Result(index), Home::Step(home)) = (mention.meaning, mention.home) else { continue };
        if home == index || scene.visits[home].role != Role::Listed && scene.visits[home].owner == Some(index) {
            continue;
        }
        if scene.visits[index].step.common.repair == Some(true) && !asks(mention.spot.names, mention.usage.path.root()) {
            let name = mention.usage.path.root();
            problems.push(
                Diagnostic::error(
                    &SKIPPED_RESULT,
                    mention.part(scene, 0),
                    format!("`{name}` is a repair: it has no result unless it was needed"),
                )
                .help(format!("ask first: `… if {name} is ran else …`")),
            );
            continue;
        }
        let Some(condition) =
            scene.conditions(index).find(|condition| !is_sure(scene, mention, home, index, condition))
        else {
            continue;
        };
        let name = mention.usage.path.root();
        let shown = one_line(condition);
        problems.push(
            Diagnostic::error(
                &SKIPPED_RESULT,
                mention.part(scene, 0),
                format!("`{name}` has no result when its step is skipped"),
            )
            .label(condition.scalar().span, "it runs only then")
            .help(format!("ask first: `{name} is ran and …`, or `… if {name} is ran else …`"))
            .help(format!("or give this step the same condition: `when: {shown}`")),
        );
    }
}

/// The use happens only when the condition of the used step holds.
fn is_sure(scene: &Scene<'_>, mention: &Mention<'_>, home: usize, index: usize, condition: &Expression) -> bool {
    let name = mention.usage.path.root();
    let wanted = one_line(condition);
    let same = |expression: &Expression| {
        let own = one_line(expression);
        own == wanted
            || !own.contains(" or ") && own.split(" and ").any(|part| part.trim() == wanted)
            || asks(expression.names(), name)
    };
    // A block's own condition holds for all that stands inside it.
    let shared = scene.conditions(home).any(|c| std::ptr::eq(c, condition));
    shared
        || scene.conditions(home).any(same)
        || mention.spot.under.is_some_and(same)
        || asks(mention.spot.names, name)
        || mention.spot.scalar.text.split_whitespace().collect::<Vec<_>>().join(" ").contains(&wanted)
            && scene.visits[index].step.common.when.is_some()
}

fn asks(names: &[crate::template::Use], step: &str) -> bool {
    names.iter().any(|usage| usage.kind == UseKind::Step && usage.path.root() == step)
}

fn one_line(expression: &Expression) -> String {
    expression.scalar().text.split_whitespace().collect::<Vec<_>>().join(" ")
}
