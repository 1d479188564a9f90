//! Parameters that nothing uses.

use crate::{
    base::diagnostic::{Code, Diagnostic, Diagnostics},
    check::{
        mentions::{Meaning, Mention},
        scene::Scene,
    },
};
use std::collections::HashSet;

/// Nothing uses it.
pub static UNUSED_PARAM: Code = Code {
    id: "E0601",
    title: "a parameter that nothing uses",
    explain: "The person who runs the playbook is asked for this value, and it changes nothing. That is an error, because most often the \
        playbook was meant to use it: a filter that was forgotten makes a change too wide. Use it as `params.NAME`, or take it out.",
};

/// All codes of this file.
pub static CODES: &[&Code] = &[&UNUSED_PARAM];

/// Compares what is declared with what is mentioned.
pub fn look(scene: &Scene<'_>, problems: &mut Diagnostics) {
    let mentions = || scene.mentions.iter().filter(|m| m.meaning == Meaning::Params);
    // `params` as a whole (in a body, say) uses all of them.
    if mentions().any(|m| m.attribute().is_none()) {
        return;
    }
    let used: HashSet<&str> = mentions().filter_map(Mention::attribute).collect();
    for (word, _) in scene.playbook.params.entries.iter().filter(|(word, _)| !used.contains(word.as_str())) {
        problems.push(
            Diagnostic::error(&UNUSED_PARAM, word.span, format!("nothing uses the parameter `{}`", word.as_str()))
                .help(format!("use it as `{{{{ params.{} }}}}`, or take it out", word.as_str())),
        );
    }
}
