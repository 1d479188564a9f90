//! Results of steps that have none.

use crate::{
    base::diagnostic::{Code, Diagnostic, Diagnostics},
    check::{
        mentions::Meaning,
        scene::Scene,
        shape::{self, Shape},
    },
    template::UseKind,
};

/// The step has no result.
pub static NO_RESULT: Code = Code {
    id: "E0237",
    title: "the result of a step that has none",
    explain: "`assert`, `tell`, `block`, `use`, `undo` and `end` (and `call` of a playbook without `returns:`) have no result; only `x is ran` and `x is skipped` can be asked of them. The steps inside a \
        block have results under their own names.",
};

/// All codes of this file.
pub static CODES: &[&Code] = &[&NO_RESULT];

/// Looks at every result.
pub fn look(scene: &Scene<'_>, problems: &mut Diagnostics) {
    for mention in scene.mentions.iter().filter(|m| m.usage.kind != UseKind::Step) {
        let Meaning::Result(index) = mention.meaning else { continue };
        if let Shape::Nothing = shape::of_result(scene, index) {
            let step = scene.visits[index].step;
            let (name, kind) = (mention.usage.path.root(), step.act.word());
            problems.push(
                Diagnostic::error(
                    &NO_RESULT,
                    mention.part(scene, 0),
                    format!("`{name}` is a step of the kind `{kind}` and has no result"),
                )
                .label(step.act_at, "here")
                .help(if kind == "block" {
                    "use the results of the steps inside the block"
                } else if kind == "call" {
                    "give the called playbook `returns:`, which names what it gives back"
                } else {
                    "name a value with a `let` step, or use the result of a step that reads"
                }),
            );
        }
    }
}
