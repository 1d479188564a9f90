//! How the people of a project file are reached: addresses looked up, nothing sent.

use super::{Failure, Surroundings, plan::secrets, project::Opened};
use crate::{
    base::secret::Secret,
    connection::{
        http::Api,
        mail::{Address, BadAddress, Spool},
    },
    engine::outgoing::tell::Reach,
    playbook::project::{Channel, MailFolder},
};
use std::{collections::HashMap, sync::Arc};

/// Everybody who is not told by hand.
pub fn channels(surroundings: &Surroundings, opened: &Opened) -> Result<HashMap<Arc<str>, Reach>, Failure> {
    let mut all = HashMap::new();
    for (name, person) in opened.project.people.iter() {
        let Some(to) = &person.to else { continue };
        let to = || {
            to.resolve(secrets(surroundings, opened))
                .map_err(|why| Failure::usage(format!("people.{name}: failed to {why}")))
        };
        let reach = match person.by {
            Channel::Hand => continue,
            Channel::File => Reach::File(opened.root.join(to()?.reveal())),
            Channel::Webhook => Reach::Webhook(webhook(surroundings, opened, name, &to()?)?),
            Channel::Slack => Reach::Slack {
                api: webhook(surroundings, opened, name, &to()?)?,
                channel: person.channel.as_ref().map(|word| word.text.clone()),
            },
            Channel::Email => match &opened.project.mail {
                None => continue,
                Some(folder) => Reach::Mail { spool: spool(opened, folder)?, to: addresses(name, &to()?)? },
            },
        };
        all.insert(name.into(), reach);
    }
    Ok(all)
}

/// An API of one whole address to which only POST goes. All of the address is a secret: whoever has it can post.
fn webhook(surroundings: &Surroundings, opened: &Opened, name: &str, url: &Secret) -> Result<Api, Failure> {
    if let Some(path) = url::Url::parse(url.reveal()).ok().map(|url| url.path().to_owned()).filter(|p| p.len() > 8) {
        surroundings.masks.add(&Secret::new(path));
    }
    let api = Api::webhook(&format!("people.{name}"), url.reveal(), secrets(surroundings, opened));
    let api = api.map_err(|why| Failure::usage(format!("failed to {why}")))?;
    Ok(api.in_world(surroundings.world.clone()))
}

fn spool(opened: &Opened, folder: &MailFolder) -> Result<Spool, Failure> {
    let from = Address::parse(folder.from.as_str()).map_err(|BadAddress| {
        Failure::usage("`mail: { from }` is not a mail address").help("write a plain one: `trueup@example.org`")
    })?;
    Ok(Spool { folder: opened.root.join(folder.maildir.as_str()), from })
}

fn addresses(name: &str, to: &Secret) -> Result<Vec<Address>, Failure> {
    Address::list(to.reveal()).map_err(|BadAddress| {
        Failure::usage(format!("people.{name}: what stands under `to` is not a mail address"))
            .help("write plain ones, with commas between them: `ben@example.org, cleo@example.org`")
    })
}
