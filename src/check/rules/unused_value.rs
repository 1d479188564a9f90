//! Variables and named values that nothing uses.

use super::unused_param::{is_like, is_near};
use crate::{
    action::kinds::Act,
    base::diagnostic::{Code, Diagnostic, Diagnostics},
    check::{
        mentions::{Meaning, Mention},
        scene::Scene,
    },
};
use std::collections::HashSet;

/// Nothing uses it.
pub static UNUSED_VALUE: Code = Code {
    id: "W0007",
    title: "a value that nothing uses",
    explain: "A variable or a `let` step gives a value a name, and nothing uses that name. Take it out, or look whether it was forgotten \
        somewhere.",
};

/// All codes of this file.
pub static CODES: &[&Code] = &[&UNUSED_VALUE];

/// Compares what is named with what is mentioned.
pub fn look(scene: &Scene<'_>, problems: &mut Diagnostics) {
    let whole = scene.mentions.iter().any(|m| m.meaning == Meaning::Vars && m.attribute().is_none());
    let used: HashSet<&str> =
        scene.mentions.iter().filter(|m| m.meaning == Meaning::Vars).filter_map(Mention::attribute).collect();
    // A misspelt use is reported as such, and is no reason to take out what was meant.
    let meant = |name: &str| {
        scene.mentions.iter().any(|mention| match mention.meaning {
            Meaning::Vars => {
                let other = mention.attribute().filter(|other| scene.playbook.vars.get(other).is_none());
                other.is_some_and(|other| is_like(other, name))
            }
            _ => is_near(mention, name),
        })
    };
    let idle = |name: &str| !whole && !used.contains(name) && !meant(name);
    for (word, _) in scene.playbook.vars.entries.iter().filter(|(word, _)| idle(word.as_str())) {
        problems.push(
            Diagnostic::warning(&UNUSED_VALUE, word.span, format!("nothing uses the variable `{}`", word.as_str()))
                .help("take it out"),
        );
    }
    let results: HashSet<usize> = scene
        .mentions
        .iter()
        .filter_map(|m| if let Meaning::Result(index) = m.meaning { Some(index) } else { None })
        .collect();
    for (index, visit) in scene.visits.iter().enumerate() {
        let near = |name: &str| scene.mentions.iter().any(|mention| is_near(mention, name));
        if !matches!(visit.step.act, Act::Let(_)) || results.contains(&index) || visit.step.id().is_some_and(near) {
            continue;
        }
        let (at, message, help) = match &visit.step.common.id {
            Some(id) => (id.span, format!("nothing uses `{}`", id.as_str()), "take the step out"),
            None => {
                (visit.step.act_at, "a `let` step without an `id` gives its value no name".into(), "give it an `id`")
            }
        };
        problems.push(Diagnostic::warning(&UNUSED_VALUE, at, message).help(help));
    }
}
