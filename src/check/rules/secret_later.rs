//! Secrets that nobody has any more when they are needed.

use super::var_cycle;
use crate::{
    action::kinds::Act,
    base::diagnostic::{Code, Diagnostic, Diagnostics},
    check::{
        mentions::{self, Home, Meaning, Mention},
        scene::{Part, Scene},
    },
};

/// A question stands before it.
pub static SECRET_LATER: Code = Code {
    id: "E0606",
    title: "a secret behind a question",
    explain: "A parameter with `secret: true` is kept nowhere: not in the plan, not in the journal. A run that waits for an answer is gone on with by \
        another process, hours later, which does not have it, so a step behind the `ask` that needs it could never be done. Do what needs the secret \
        before the question, or let the step use a secret of the connection (`auth:`), which each process looks up by itself.",
};

/// All codes of this file.
pub static CODES: &[&Code] = &[&SECRET_LATER];

/// Looks at every use of a secret parameter, also through variables.
pub fn look(scene: &Scene<'_>, problems: &mut Diagnostics) {
    let is_question = |index: &usize| matches!(scene.visits[*index].step.act, Act::Ask(_));
    let questions: Vec<usize> = (0..scene.visits.len()).filter(is_question).collect();
    if questions.is_empty() {
        return;
    }
    let is_secret = |name: &str| scene.playbook.params.get(name).is_some_and(|param| param.secret == Some(true));
    let of_secret = |mention: &Mention<'_>| {
        (mention.meaning == Meaning::Params && mention.attribute().is_some_and(is_secret)).then_some(())
    };
    let vars = var_cycle::behind(scene, of_secret);
    for mention in &scene.mentions {
        let (Home::Step(home), Some(name)) = (mention.home, mention.attribute()) else { continue };
        let used = match mention.meaning {
            Meaning::Params if is_secret(name) => format!("`params.{name}` is a secret"),
            Meaning::Vars if vars.contains_key(name) => format!("`vars.{name}` holds a secret"),
            _ => continue,
        };
        let before = |question: &&usize| {
            **question != home
                && mentions::is_before(scene, **question, home, mention.spot.sees)
                && !are_alternatives(scene, **question, home)
        };
        let Some(question) = questions.iter().find(before) else { continue };
        problems.push(
            Diagnostic::error(
                &SECRET_LATER,
                mention.part(scene, 1),
                format!("{used}, and nobody has it any more when the question is answered"),
            )
            .label(scene.visits[*question].step.act_at, "the run waits here, and secrets are kept nowhere")
            .help("do this before the question, or let the connection hold the secret"),
        );
    }
}

/// They stand in different arms of one decision table: where the one is done, the other is not.
fn are_alternatives(scene: &Scene<'_>, one: usize, other: usize) -> bool {
    let arms = |index: usize| {
        let arm = |at: usize| Some((scene.visits[at].owner?, &scene.visits[at].part));
        scene.around(index).filter_map(arm).filter(|(_, part)| matches!(part, Part::Arm(_))).collect::<Vec<_>>()
    };
    let others = arms(other);
    arms(one).iter().any(|(owner, part)| others.iter().any(|(same, arm)| same == owner && arm != part))
}
