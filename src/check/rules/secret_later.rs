//! Secrets that nobody has any more when they are needed.

use crate::{
    action::kinds::Act,
    base::diagnostic::{Code, Diagnostic, Diagnostics},
    check::{
        mentions::{self, Home, Meaning},
        scene::{Scene, Visit},
    },
};
use std::collections::HashSet;

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

/// Looks at every use of a secret parameter, also through a variable.
pub fn look(scene: &Scene<'_>, problems: &mut Diagnostics) {
    let is_question = |visit: &Visit<'_>| matches!(visit.step.act, Act::Ask(_));
    let Some(question) = scene.visits.iter().position(is_question) else { return };
    let is_secret = |name: &str| scene.playbook.params.get(name).is_some_and(|param| param.secret == Some(true));
    let of_secrets = scene.mentions.iter().filter_map(|mention| match (mention.home, mention.meaning) {
        (Home::Var(index), Meaning::Params) if mention.attribute().is_some_and(is_secret) => {
            Some(scene.playbook.vars.entries[index].0.as_str())
        }
        _ => None,
    });
    let vars: HashSet<&str> = of_secrets.collect();
    for mention in &scene.mentions {
        let Home::Step(home) = mention.home else { continue };
        if !mentions::is_before(scene, question, home, mention.spot.sees) || home == question {
            continue;
        }
        let Some(name) = mention.attribute() else { continue };
        let used = match mention.meaning {
            Meaning::Params if is_secret(name) => format!("`params.{name}` is a secret"),
            Meaning::Vars if vars.contains(name) => format!("`vars.{name}` holds a secret"),
            _ => continue,
        };
        problems.push(
            Diagnostic::error(
                &SECRET_LATER,
                mention.part(scene, 1),
                format!("{used}, and nobody has it any more when the question is answered"),
            )
            .label(scene.visits[question].step.act_at, "the run waits here, and secrets are kept nowhere")
            .help("do this before the question, or let the connection hold the secret"),
        );
    }
}
