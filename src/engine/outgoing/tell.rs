//! Messages to people: by the hand of whoever runs this, or into a file. Sent at most once, after what stands before is
//! durable.

use crate::{
    base::json,
    engine::{
        setting::Setting,
        watch::{Tick, Watch},
    },
    playbook::project::Channel,
};
use std::{io::Write, sync::Arc};

/// Sends a message. The error is a sentence fragment; the message may then have been lost, never doubled.
pub async fn tell(setting: &Setting, who: &Arc<str>, text: &str, watch: Watch<'_>) -> Result<&'static str, String> {
    let Some(person) = setting.project.people.get(who) else {
        return Err(format!("the project file has no `{who}` under `people`"));
    };
    match person.by {
        Channel::File => into_file(setting, who, text).map(|()| "written to a file"),
        Channel::Webhook if setting.apis.contains_key(&webhook(who)) => {
            post(setting, who, text).await.map(|()| "posted")
        }
        // No other way is configured: whoever runs this reads it and passes it on.
        Channel::Hand | Channel::Slack | Channel::Email | Channel::Webhook => {
            watch(Tick::PassOn { who: who.clone(), text: text.to_owned() });
            Ok("printed, to be passed on")
        }
    }
}

/// Under this name `ops` configures the API behind a person's webhook.
pub fn webhook(who: &str) -> Arc<str> {
    format!("people.{who}").into()
}

async fn post(setting: &Setting, who: &Arc<str>, text: &str) -> Result<(), String> {
    use crate::{
        base::value::Value,
        connection::http::{Method, Request},
    };
    let Some(api) = setting.api(&webhook(who)) else { return Err("the webhook is not configured".into()) };
    let body = Value::map([
        ("text", Value::text(text)),
        ("run", Value::text(setting.run.id.to_string())),
        ("who", Value::text(who.clone())),
    ]);
    let request = Request { body: Some(body), ..Request::new(Method::Post, "") };
    match api.send(&request).await {
        Ok(answer) if (200..300).contains(&answer.status) => Ok(()),
        Ok(answer) => Err(format!("the webhook of `{who}` answered {}", answer.status)),
        Err(failure) => Err(format!("the webhook of `{who}`: {}", super::call::message(&failure))),
    }
}

fn into_file(setting: &Setting, who: &str, text: &str) -> Result<(), String> {
    let Some(path) = setting.files.get(who) else {
        return Err(format!("`people.{who}` has `by: file` and no `to:` that names the file"));
    };
    let mut line = String::from("{\"at\":");
    json::quote(&format!("{}Z", setting.world.now()), &mut line);
    for (key, value) in [("run", setting.run.id.to_string()), ("who", who.to_owned()), ("text", text.to_owned())] {
        line.push_str(&format!(",\"{key}\":"));
        json::quote(&value, &mut line);
    }
    line.push_str("}\n");
    let file = std::fs::OpenOptions::new().create(true).append(true).open(path);
    file.and_then(|mut f| f.write_all(line.as_bytes())).map_err(|e| format!("{}: {e}", path.display()))
}
