//! Messages to people: by the hand of whoever runs this, into a file, to a webhook, to Slack, as a mail. Sent at most once,
//! after what stands before is durable.
//!
//! A message is sent again only where it is certain that nothing has left, or that it was refused for the moment (429). Where
//! an answer is lost, nobody knows whether the message arrived, and it is not sent again.

use super::slack;
use crate::{
    base::{identity::EffectId, json, value::Value},
    connection::{
        http::{Answer, Api, Failure, Method, Reason, Request},
        mail::{Address, Spool},
    },
    engine::{
        setting::Setting,
        watch::{Tick, Watch},
    },
};
use std::{io::Write, path::PathBuf, sync::Arc, time::Duration};

/// How somebody is reached: looked up, and not yet used.
#[derive(Debug)]
pub enum Reach {
    /// A line in a file.
    File(PathBuf),
    /// JSON, posted to a URL.
    Webhook(Api),
    /// An incoming webhook of Slack.
    Slack {
        /// Where it is posted to.
        api: Api,
        /// The channel's name.
        channel: Option<Arc<str>>,
    },
    /// A mail.
    Mail {
        /// Where it is laid down.
        spool: Spool,
        /// To whom.
        to: Vec<Address>,
    },
}

impl Reach {
    /// The word in the project file.
    pub fn word(&self) -> &'static str {
        match self {
            Reach::File(_) => "file",
            Reach::Webhook(_) => "webhook",
            Reach::Slack { .. } => "slack",
            Reach::Mail { .. } => "email",
        }
    }
}

/// What somebody is told.
#[derive(Clone, Debug)]
pub struct Message<'a> {
    /// To whom: a name under `people`.
    pub who: &'a Arc<str>,
    /// What it is about, in one line.
    pub subject: String,
    /// The text.
    pub text: String,
    /// Names it: a second one of this name is the same message.
    pub id: String,
}

/// The name of a message about a step: `what` is `tell`, `question`, …, `number` which of them.
pub fn name(effect: &EffectId, what: &str, number: u32) -> String {
    let step = format!("{}#{what}", effect.step);
    EffectId { step: step.into(), generation: number, ..effect.clone() }.idempotency_key().hyphenated().to_string()
}

/// What a message is about, for people who get many: `Take back an award (run 1a2b3c4d, production)`.
pub fn about(setting: &Setting) -> String {
    format!("{} (run {}, {})", setting.playbook.title.as_str(), setting.run.id.short(), setting.environment)
}

/// So often a message is sent that was certainly not taken.
const TRIES: u32 = 3;
/// The pause before the next time, unless the other side names one.
const PAUSE: Duration = Duration::from_secs(2);
/// Nobody waits longer than this for a message.
const LONGEST_PAUSE: Duration = Duration::from_secs(60);

/// Sends a message; where somebody is told by hand it is shown to whoever watches. The error is a sentence fragment, and says
/// whether the message may have arrived.
pub async fn tell(setting: &Setting, message: Message<'_>, watch: Watch<'_>) -> Result<&'static str, String> {
    let message =
        Message { subject: setting.masks.apply(&message.subject), text: setting.masks.apply(&message.text), ..message };
    if setting.project.people.get(message.who).is_none() {
        return Err(format!("the project file has no `{}` under `people`", message.who));
    }
    match setting.people.get(message.who) {
        // No other way is configured: whoever runs this reads it and passes it on.
        None => {
            watch(Tick::PassOn { who: message.who.clone(), text: message.text });
            Ok("printed, to be passed on")
        }
        Some(Reach::File(path)) => into_file(setting, path, &message).map(|()| "written to a file"),
        Some(Reach::Webhook(api)) => {
            let body = Value::map([
                ("id", Value::text(message.id.as_str())),
                ("text", Value::text(message.text.as_str())),
                ("run", Value::text(setting.run.id.to_string())),
                ("who", Value::text(message.who.clone())),
            ]);
            let answer = post(setting, api, &message, body, watch).await?;
            judged(&message, answer, None).map(|()| "posted")
        }
        Some(Reach::Slack { api, channel }) => {
            let body = slack::body(&message.text, channel.as_ref(), &setting.run.id.short());
            let answer = post(setting, api, &message, body, watch).await?;
            judged(&message, answer, Some(slack::OK)).map(|()| "posted to Slack")
        }
        Some(Reach::Mail { spool, to }) => spool
            .lay_down(to, &message.subject, &message.text, &message.id, setting.world.now())
            .map(|()| "laid down as a mail"),
    }
}

/// Posts it, and again as long as it is certain that it was not taken.
async fn post(
    setting: &Setting,
    api: &Api,
    message: &Message<'_>,
    body: Value,
    watch: Watch<'_>,
) -> Result<Answer, String> {
    let request = Request { body: Some(body), ..Request::new(Method::Post, "") };
    let mut tries = 1;
    loop {
        let (why, pause) = match api.send(&request).await {
            Ok(answer) if answer.status == 429 => {
                let seconds = answer.header("retry-after").and_then(|text| text.trim().parse().ok());
                ("it asks for a pause".to_owned(), seconds.map_or(PAUSE, Duration::from_secs))
            }
            Ok(answer) => return Ok(answer),
            Err(failure) if is_passing(&failure) => (super::call::message(&failure), PAUSE),
            Err(failure) => return Err(lost(message.who, &failure)),
        };
        if tries == TRIES || pause > LONGEST_PAUSE {
            return Err(format!("the webhook of `{}` did not take it: {why}; it did not arrive", message.who));
        }
        tries += 1;
        watch(Tick::Again { path: format!("message to {}", message.who).into(), why, pause });
        setting.world.pause(pause).await;
    }
}

/// Nothing has left, and that may be otherwise in a moment.
fn is_passing(failure: &Failure) -> bool {
    matches!(failure, Failure::NotSent(trouble) if matches!(trouble.reason, Reason::Name | Reason::Connect | Reason::Tls | Reason::Timeout))
}

fn lost(who: &str, failure: &Failure) -> String {
    let why = super::call::message(failure);
    let so = match failure {
        Failure::Unusable { status, .. } if (200..300).contains(status) => "it was taken, as far as the status tells",
        failure if failure.is_not_done() => "it did not arrive",
        _ => "nobody knows whether it arrived, and it is not sent again",
    };
    format!("the webhook of `{who}`: {why}; {so}")
}

/// What an answer says of the message; `word` is what a good one consists of, where it does.
fn judged(message: &Message<'_>, answer: Answer, word: Option<&str>) -> Result<(), String> {
    let (status, body) = (answer.status, answer.body());
    let said = body.as_str().map(str::trim);
    let good = (200..300).contains(&status);
    if good && word.is_none_or(|word| said == Some(word)) {
        return Ok(());
    }
    // Slack's own words (`channel_is_archived`) say what to do; anything longer is no word.
    let own = said.filter(|s| s.len() <= 60 && s.bytes().all(|b| b.is_ascii_lowercase() || b == b'_') && !s.is_empty());
    let own = own.map_or_else(String::new, |word| format!(" `{word}`"));
    let so = match status {
        400..500 => "it did not arrive",
        _ if good => "it says nothing that means it was taken",
        _ => "nobody knows whether it arrived, and it is not sent again",
    };
    Err(format!("the webhook of `{}` answered {status}{own}; {so}", message.who))
}

fn into_file(setting: &Setting, path: &std::path::Path, message: &Message<'_>) -> Result<(), String> {
    let mut line = String::from("{\"at\":");
    json::quote(&format!("{}Z", setting.world.now()), &mut line);
    let parts = [
        ("id", message.id.clone()),
        ("run", setting.run.id.to_string()),
        ("who", message.who.to_string()),
        ("text", message.text.clone()),
    ];
    for (key, value) in parts {
        line.push_str(&format!(",\"{key}\":"));
        json::quote(&value, &mut line);
    }
    line.push_str("}\n");
    let file = std::fs::OpenOptions::new().create(true).append(true).open(path);
    file.and_then(|mut f| f.write_all(line.as_bytes())).map_err(|e| format!("{}: {e}", path.display()))
}
