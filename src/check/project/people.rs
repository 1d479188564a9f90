//! People: everybody can be reached.

use crate::{
    base::diagnostic::{Code, Diagnostic, Diagnostics},
    check::knowledge::Knowledge,
    playbook::project::{Channel, Project},
};

/// Nobody would get the message.
pub static NO_ADDRESS: Code = Code {
    id: "E0613",
    title: "somebody who cannot be reached",
    explain: "A person or team under `people:` says how messages reach them: `by: slack` needs `channel:`; `by: file`, `webhook` and `email` \
        need `to:`; `by: hand` needs nothing (the run prints the text, and whoever runs it passes it on).",
};

/// All codes of this file.
pub static CODES: &[&Code] = &[&NO_ADDRESS];

/// Looks at everybody.
pub fn look(project: &Project, _: &Knowledge, problems: &mut Diagnostics) {
    for (word, person) in &project.people.entries {
        let missing = match person.by {
            Channel::Hand => None,
            Channel::Slack => person.channel.is_none().then_some("channel"),
            Channel::File | Channel::Webhook | Channel::Email => person.to.is_none().then_some("to"),
        };
        if let Some(key) = missing {
            problems.push(
                Diagnostic::error(
                    &NO_ADDRESS,
                    word.span,
                    format!("`{}` is reached by {}, but `{key}` is missing", word.as_str(), person.by.word()),
                )
                .help(format!("add `{key}: …`, or write `by: hand`")),
            );
        }
    }
}
