//! The one script, what it is given and what it says. It claims first: an effect whose marker is there is never done again.

use super::{
    client::Jobs,
    rights::{self, Right},
    row::Place,
};
use crate::{
    base::value::Value,
    connection::fault::{Fault, FaultKind},
};
use std::{collections::BTreeSet, sync::Arc};

const SCRIPT: &str = concat!(include_str!("rights.lua"), include_str!("change.lua"));

/// How long a missing marker proves that nothing was done. A run that was left in the middle is found out about within that time; later it
/// is in doubt.
pub const MARKER_SECONDS: u64 = 30 * 24 * 3600;
/// How long Redis keeps it: a day longer, because its clock is another one.
const KEPT_SECONDS: u64 = MARKER_SECONDS + 24 * 3600;

/// The effect of a name that the marker remembers.
pub const MARKER: &str = "trueup:effect:";
/// The guard of equal jobs.
pub(super) const GUARD: &str = "trueup:enqueued:";
/// What a marker says of a change that Redis began, and refused in its middle.
pub const BEGUN: &str = "begun ";
/// What a marker says for a moment that was taken back: nothing.
pub const VOID: &str = "void";

/// One change of a key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Step {
    /// `zrem`, `lrem`: must be there. `lpush`, `rpush`, `zadd`, `sadd`.
    pub verb: Arc<str>,
    /// The Redis key.
    pub key: Arc<str>,
    /// The text of the job, or the name of a queue.
    pub text: Arc<str>,
    /// The score, as Redis writes it; empty without one.
    pub score: Arc<str>,
}

/// All that belongs to one effect. It is kept in the journal, so that the very same can be done again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Change {
    /// The name of the effect.
    pub effect: Arc<str>,
    /// The name of the arguments, where no equal job may wait.
    pub likeness: Option<Arc<str>>,
    /// The jid of the new job, for the guard.
    pub jid: Arc<str>,
    /// The steps.
    pub steps: Vec<Step>,
}

/// What the script said.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Told {
    /// It is done now. When, as Redis says: seconds since 1970.
    Done(String),
    /// It was done before, by the same effect. When.
    Before(String),
    /// The marker stands for something else: not our request.
    Other,
    /// This step's job is not there any more, and nothing was changed.
    Gone(usize),
    /// Somebody has just enqueued an equal job; this is its jid. Nothing was changed.
    Rival(String),
    /// The id beside the marks is gone, or another one. Nothing was changed.
    Elsewhere,
}

impl Change {
    /// The places that it changes.
    pub fn places(&self) -> BTreeSet<Place> {
        let place = |step: &Step| {
            let set = step.key.rsplit(':').next();
            let sets = [Place::Scheduled, Place::Retrying, Place::Dead];
            let sorted = || sets.into_iter().find(|place| place.key() == set).unwrap_or(Place::Queued);
            match &*step.verb {
                "sadd" => None,
                "lrem" | "lpush" | "rpush" => Some(Place::Queued),
                _ => Some(sorted()),
            }
        };
        self.steps.iter().filter_map(place).collect()
    }

    /// The fingerprint that the marker holds.
    pub fn fingerprint(&self) -> String {
        use sha2::{Digest, Sha256};
        let bytes = crate::base::canonical::bytes(&self.stored());
        Sha256::digest(bytes).iter().take(16).map(|b| format!("{b:02x}")).collect()
    }

    /// As the journal holds it. Texts of jobs are personal: the journal seals them.
    pub fn stored(&self) -> Value {
        use crate::base::value::Marks;
        let steps = self.steps.iter().map(|step| {
            Value::list([
                Value::text(step.verb.clone()),
                Value::text(step.key.clone()),
                Value::text(step.text.clone()).marked(if &*step.verb == "sadd" {
                    Marks::NONE
                } else {
                    Marks::PERSONAL
                }),
                Value::text(step.score.clone()),
            ])
        });
        Value::map([
            ("effect", Value::text(self.effect.clone())),
            ("likeness", self.likeness.clone().map_or(Value::NULL, Value::text)),
            ("jid", Value::text(self.jid.clone())),
            ("steps", Value::list(steps)),
        ])
    }

    /// Back; nothing when a part is sealed and its key is not here.
    pub fn load(stored: &Value) -> Option<Change> {
        let text = |value: Option<Value>| value.and_then(|v| v.as_str().map(Arc::<str>::from));
        let step = |value: &Value| {
            let [verb, key, body, score] = value.as_list()? else { return None };
            let part = |v: &Value| v.as_str().map(Arc::<str>::from);
            Some(Step { verb: part(verb)?, key: part(key)?, text: part(body)?, score: part(score)? })
        };
        Some(Change {
            effect: text(stored.get("effect"))?,
            likeness: text(stored.get("likeness")),
            jid: text(stored.get("jid"))?,
            steps: stored.get("steps")?.as_list()?.iter().map(step).collect::<Option<_>>()?,
        })
    }
}

impl Jobs {
    /// Carries it out, once, all or nothing. `over`: the jid of an equal job that is known to wait no more; `token`: the id that
    /// must stand beside the marks. A fault that is not [`FaultKind::InDoubt`] says that nothing was changed.
    pub async fn carry_out(&self, change: &Change, over: Option<&str>, token: Option<&str>) -> Result<Told, Fault> {
        let mut link = self.link().await?;
        let (marker, guard) = self.own_keys(change);
        let mut eval = redis::cmd("EVAL");
        eval.arg(SCRIPT).arg(change.steps.len() + 3).arg(&*marker).arg(&*guard).arg(&*self.token_key());
        for step in &change.steps {
            eval.arg(&*step.key);
        }
        let guarded = if change.likeness.is_some() { &*change.jid } else { "" };
        eval.arg(change.fingerprint()).arg(KEPT_SECONDS).arg(guarded).arg(over.unwrap_or("")).arg(token.unwrap_or(""));
        for step in &change.steps {
            eval.arg(&*step.verb).arg(&*step.text).arg(&*step.score);
        }
        let told: Vec<String> = link.change(&eval).await?;
        let mut told = told.into_iter();
        let (word, what) = (told.next().unwrap_or_default(), told.next().unwrap_or_default());
        let after = |text: &str| text.split_once(' ').map_or("", |(_, at)| at).to_owned();
        match word.as_str() {
            "done" => Ok(Told::Done(what)),
            "before" => Ok(Told::Before(after(&what))),
            "other" => Ok(Told::Other),
            "gone" => Ok(Told::Gone(what.parse().unwrap_or(0))),
            "rival" => Ok(Told::Rival(what)),
            "elsewhere" => Ok(Told::Elsewhere),
            "denied" => {
                let key = told.next().unwrap_or_default();
                Err(self.named(rights::denied(self.account(), &[Right::new(&what, &key)])))
            }
            "half" => {
                let message = format!("Redis refused a part of it after another part was done ({what})");
                Err(self.named(Fault::new(FaultKind::InDoubt, message)))
            }
            _ => Err(self.named(Fault::new(FaultKind::InDoubt, "the script gave an answer that is not its own"))),
        }
    }
    /// The keys of the effect's marker, and of the guard against an equal job.
    pub(super) fn own_keys(&self, change: &Change) -> (Arc<str>, Arc<str>) {
        let guard = change.likeness.as_deref().unwrap_or("none");
        (self.key(&format!("{MARKER}{}", change.effect)), self.key(&format!("{GUARD}{guard}")))
    }
}
