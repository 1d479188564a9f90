//! What the account may do in Redis, asked before anything is changed: a script that is refused in its middle has done half.

use super::{
    client::Jobs,
    keeper::TOKEN,
    row::Place,
    script::{Change, GUARD, MARKER},
};
use crate::connection::fault::{Fault, FaultKind};
use std::{collections::BTreeSet, sync::Arc};

/// Changes nothing.
const LACKING: &str = concat!(include_str!("rights.lua"), include_str!("lacking.lua"));

/// A command, and a key on which it is needed.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Right {
    /// As Redis writes it: `LPUSH`.
    pub command: Arc<str>,
    /// The key; empty where it needs none.
    pub key: Arc<str>,
}

impl Right {
    /// Of two texts.
    pub fn new(command: &str, key: &str) -> Right {
        Right { command: command.into(), key: key.into() }
    }
}

/// More of them than these are not named.
const MOST: usize = 12;

/// The account lacks these rights. Each command is named once, with the first key that it is needed for.
pub fn denied(account: &str, lacking: &[Right]) -> Fault {
    let mut known = BTreeSet::new();
    let named = lacking.iter().filter(|right| known.insert(right.command.clone())).take(MOST);
    let words: Vec<String> = named.map(words).collect();
    let message = format!("the account `{account}` may not run {} in Redis (NOPERM)", words.join(", "));
    Fault::new(FaultKind::Denied, message).advise(ADVICE)
}

/// What Redis itself says of a command that it refuses.
pub(super) fn refused(account: &str, said: &str) -> Fault {
    let command = said.split('\'').nth(1).filter(|word| word.chars().all(|c| c.is_ascii_alphanumeric() || c == '|'));
    match command {
        Some(command) => denied(account, &[Right::new(&command.to_ascii_uppercase(), "")]),
        None => {
            let message = format!("the account `{account}` may not use one of the keys in Redis (NOPERM)");
            Fault::new(FaultKind::Denied, message).advise(ADVICE)
        }
    }
}

const ADVICE: &str =
    "docs/jobs.md lists the commands and keys that trueup needs; whoever runs Redis grants them with `ACL SETUSER`";

fn words(right: &Right) -> String {
    match right.key.is_empty() {
        true => right.command.to_string(),
        false => format!("{} on `{}`", right.command, right.key),
    }
}

impl Jobs {
    /// Those that the account does not have. A Redis before 7 cannot be asked, and then it is none.
    pub async fn lacking(&self, rights: &BTreeSet<Right>) -> Result<Vec<Right>, Fault> {
        let mut link = self.link().await?;
        let mut ask = redis::cmd("EVAL");
        ask.arg(LACKING).arg(0);
        rights.iter().for_each(|right| {
            ask.arg(&*right.command).arg(&*right.key);
        });
        let numbers: Vec<usize> = link.ask(&ask).await?;
        Ok(numbers.into_iter().filter_map(|number| rights.iter().nth(number).cloned()).collect())
    }

    /// What a change needs. A fault when it would be refused.
    pub async fn may(&self, change: &Change) -> Result<(), Fault> {
        let lacking = self.lacking(&self.rights_of(change)).await?;
        if lacking.is_empty() { Ok(()) } else { Err(self.named(denied(self.account(), &lacking))) }
    }

    fn rights_of(&self, change: &Change) -> BTreeSet<Right> {
        let (marker, guard) = self.own_keys(change);
        let mut rights: BTreeSet<Right> = BTreeSet::from([Right::new("TIME", "")]);
        let mut need = |key: &str, commands: &[&str]| rights.extend(commands.iter().map(|c| Right::new(c, key)));
        need(&marker, &["EVAL", "GET", "SET"]);
        need(&self.token_key(), &["EVAL", "GET", "SET"]);
        need(&guard, if change.likeness.is_some() { &["EVAL", "GET", "SET"] } else { &["EVAL"] });
        for step in &change.steps {
            need(&step.key, &["EVAL", "TYPE", &step.verb.to_ascii_uppercase()]);
            need(
                &step.key,
                match &*step.verb {
                    "zrem" => &["ZSCORE"],
                    "lrem" => &["LPOS"],
                    _ => &[],
                },
            );
        }
        rights
    }

    /// Those that steps might need, and that the account does not have. A command of queues is lacking where it is for each of them.
    pub(super) async fn lacking_for_steps(&self, queues: &[String]) -> Result<Vec<Right>, Fault> {
        let mut rights = BTreeSet::from([Right::new("TIME", "")]);
        let mut need = |key: &str, commands: &[&str]| {
            rights.extend(commands.iter().map(|command| Right::new(command, &self.key(key))));
        };
        for place in [Place::Scheduled, Place::Retrying, Place::Dead] {
            need(place.key().unwrap_or_default(), &["EVAL", "TYPE", "ZSCORE", "ZREM", "ZADD"]);
        }
        need("queues", &["EVAL", "TYPE", "SADD"]);
        [MARKER, GUARD, TOKEN].iter().for_each(|own| need(own, &["EVAL", "GET", "SET"]));
        let declared = self.settings().jobs.iter().filter_map(|(_, facts)| Some(facts.queue.as_ref()?.as_str()));
        let mut queues: BTreeSet<&str> = queues.iter().map(String::as_str).chain(declared).collect();
        if queues.is_empty() {
            queues.insert("default");
        }
        let many = queues.len();
        queues.iter().for_each(|queue| {
            need(&format!("queue:{queue}"), &["EVAL", "TYPE", "LPOS", "LREM", "LPUSH", "RPUSH"]);
        });
        let lacking = match self.lacking(&rights).await {
            Ok(lacking) => lacking,
            // Without EVAL nothing can be asked, nor changed.
            Err(fault) if fault.kind == FaultKind::Denied => return Ok(vec![Right::new("EVAL", "")]),
            Err(other) => return Err(other),
        };
        let of_queue = |right: &Right| right.key.starts_with(&*self.key("queue:"));
        let everywhere = |right: &Right| {
            lacking.iter().filter(|other| of_queue(other) && other.command == right.command).count() == many
        };
        Ok(lacking.iter().filter(|right| !of_queue(right) || everywhere(right)).cloned().collect())
    }
}
