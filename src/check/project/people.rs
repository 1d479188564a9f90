//! People: everybody can be reached, and no secret stands in the file.

use crate::{
    base::diagnostic::{Code, Diagnostic, Diagnostics},
    check::knowledge::Knowledge,
    connection::{mail::Address, reference::Setting},
    playbook::project::{Channel, Person, Project},
};

/// Nobody would get the message.
pub static NO_ADDRESS: Code = Code {
    id: "E0613",
    title: "somebody who cannot be reached",
    explain: "A person or team under `people:` says how messages reach them: `by: slack` needs `to:`, the secret that holds the URL of an \
        incoming webhook (with `channel:` alone messages are printed); `by: file`, `webhook` and `email` need `to:`; `by: hand` needs nothing \
        (the run prints the text, and whoever runs it passes it on).",
};
/// Whoever has it can post.
pub static OPEN_WEBHOOK: Code = Code {
    id: "E0661",
    title: "a webhook's URL in the file",
    explain: "Whoever knows the URL of a webhook can post to it, so the URL is a secret and stands in no file that is committed. Put it into an \
        environment variable or a file with mode 0600 and refer to it: `to: { secret: SUPPORT_WEBHOOK }` or `to: file:/path`.",
};
/// Not a mail address.
pub static BAD_ADDRESS: Code = Code {
    id: "E0662",
    title: "not a mail address",
    explain: "A mail address is written plainly, `name@example.org`, without a name or a comment around it; under `to:` several may stand with \
        commas between them. Anything else could add lines to the head of the mail.",
};
/// The run prints what somebody expects to be sent.
pub static PRINTED: Code = Code {
    id: "W0033",
    title: "messages that are printed instead of sent",
    explain: "Messages by Slack are sent when `to:` refers to the URL of an incoming webhook, and mails when the project file says under `mail:` \
        where they are laid down and whose they are: `mail: { maildir: mail, from: trueup@example.org }`. Until then the run prints the text, \
        and whoever runs it passes it on, as with `by: hand`.",
};

/// All codes of this file.
pub static CODES: &[&Code] = &[&NO_ADDRESS, &OPEN_WEBHOOK, &BAD_ADDRESS, &PRINTED];

/// Looks at everybody.
pub fn look(project: &Project, _: &Knowledge, problems: &mut Diagnostics) {
    if let Some(mail) = &project.mail
        && Address::parse(mail.from.as_str()).is_err()
    {
        let message = "`from` is not a mail address";
        problems.push(Diagnostic::error(&BAD_ADDRESS, mail.from.span, message).help(PLAIN));
    }
    for (word, person) in &project.people.entries {
        let nowhere = person.to.is_none() && (person.by != Channel::Slack || person.channel.is_none());
        if nowhere && person.by != Channel::Hand {
            let message = format!("`{}` is reached by {}, but `to` is missing", word.as_str(), person.by.word());
            let problem = Diagnostic::error(&NO_ADDRESS, word.span, message);
            problems.push(problem.help("add `to: …`, or write `by: hand`"));
            continue;
        }
        written(person, problems);
        if let Some(what) = missing(person, project) {
            let message = format!("messages to `{}` are printed, not sent: {what} is missing", word.as_str());
            problems.push(Diagnostic::warning(&PRINTED, word.span, message).help(if person.by == Channel::Slack {
                "add `to: { secret: NAME }`, the URL of an incoming webhook, or write `by: hand`"
            } else {
                "add `mail: { maildir: FOLDER, from: ADDRESS }` to the project file, or write `by: hand`"
            }));
        }
    }
}

const PLAIN: &str = "write a plain one: `name@example.org`";

/// What stands under `to` and is no reference.
fn written(person: &Person, problems: &mut Diagnostics) {
    let Some(Setting::Plain(to)) = &person.to else { return };
    match person.by {
        // The text itself is not repeated: it is a secret.
        Channel::Webhook | Channel::Slack => problems.push(
            Diagnostic::error(&OPEN_WEBHOOK, to.span, "the URL of a webhook is a secret, and stands in no file")
                .help("write `to: { secret: NAME }` for the environment variable NAME, or `to: file:/path`"),
        ),
        Channel::Email if Address::list(to.as_str()).is_err() => {
            problems.push(Diagnostic::error(&BAD_ADDRESS, to.span, "`to` is not a mail address").help(PLAIN));
        }
        Channel::Email | Channel::File | Channel::Hand => {}
    }
}

/// Without it nothing is sent.
fn missing(person: &Person, project: &Project) -> Option<&'static str> {
    match person.by {
        Channel::Slack if person.to.is_none() => Some("`to`"),
        Channel::Email if project.mail.is_none() => Some("`mail:` of the project file"),
        _ => None,
    }
}
