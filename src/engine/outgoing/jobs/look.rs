//! What a `job` step comes to at this moment: the jobs and all the bytes. Plan and apply look through the same eyes.

use super::connection;
use crate::{
    action::deed::{JobVerb, Jobs, JobsChange},
    base::{
        identity::EffectId,
        source::Span,
        time::Stamp,
        value::{Map, Marks, Value},
    },
    connection::{
        fault::Fault,
        sidekiq::{self, Change, Keeper, Place, row::Job, script::Step},
    },
    effect::{job::JobChange, left::LeftAlone},
    engine::{setting::Setting, trouble::Trouble},
    table::condition::Condition,
};
use sha2::{Digest, Sha256};
use std::sync::Arc;

/// What a step comes to now.
#[derive(Debug)]
pub enum Looked {
    /// All is as wanted already: the result, and why.
    Nothing(Value, String),
    /// These are not where they were put, so nothing is taken back.
    Left(Vec<LeftAlone>),
    /// This is to be done.
    Change(Box<Ready>),
}

/// Ready to be done.
#[derive(Debug)]
pub struct Ready {
    /// All its bytes.
    pub change: JobsChange,
    /// The jobs, for people and for the comparison with the plan.
    pub jobs: Vec<JobChange>,
    /// Jobs that an undo leaves alone.
    pub left: Vec<LeftAlone>,
    /// Their number is not as the author allows.
    pub miscounted: Option<String>,
    /// Some of it is only known later: nothing can be done yet.
    pub unknown: bool,
}

/// Looks at the world and says what the step comes to. Nothing is changed.
/// `taken`: jobs that earlier steps of the same plan would have taken out.
pub async fn look(
    setting: &Setting,
    deed: &Jobs,
    effect: &EffectId,
    taken: &[Arc<str>],
    at: Span,
) -> Result<Looked, Trouble> {
    let jobs = connection(setting, &deed.connection)?;
    let cx = Look { jobs, deed, effect, taken, now: setting.world.now(), at };
    match &deed.verb {
        JobVerb::Enqueue(new) => cx.enqueue(new).await,
        JobVerb::Retry(pick) => cx.pick(pick, true).await,
        JobVerb::Delete(pick) => cx.pick(pick, false).await,
        JobVerb::Restore(back) => cx.restore(back).await,
    }
}

pub(super) struct Look<'a> {
    pub(super) jobs: &'a sidekiq::Jobs,
    pub(super) deed: &'a Jobs,
    pub(super) effect: &'a EffectId,
    pub(super) taken: &'a [Arc<str>],
    pub(super) now: Stamp,
    pub(super) at: Span,
}

impl Look<'_> {
    pub(super) fn fault(&self, fault: Fault) -> Trouble {
        Trouble::Database { connection: self.deed.connection.clone(), fault, at: Some(self.at) }
    }

    pub(super) fn misfit(&self, message: impl Into<String>) -> Trouble {
        Trouble::Step { message: message.into(), at: self.at, help: Vec::new() }
    }

    pub(super) async fn found(
        &self,
        place: Place,
        conditions: &[Condition],
        limit: usize,
    ) -> Result<Vec<Job>, Trouble> {
        let found = self.jobs.find(place, conditions, &[], limit).await.map_err(|fault| self.fault(fault))?;
        Ok(found.jobs)
    }

    /// Parts of the text that are about a person, marked.
    pub(super) fn marked(&self, payload: &Map) -> Value {
        let settings = self.jobs.settings();
        let mut shown = payload.clone();
        let mut hide = |key: &str, column: &str| {
            if settings.is_personal(column)
                && let Some(value) = shown.get_mut(key)
            {
                *value = std::mem::replace(value, Value::NULL).marked(Marks::PERSONAL);
            }
        };
        hide("args", "args");
        hide("error_message", "error");
        hide("error_backtrace", "error");
        shown.into()
    }

    pub(super) async fn ready(
        &self,
        steps: Vec<Step>,
        likeness: Option<Arc<str>>,
        jid: Arc<str>,
        result: Value,
        jobs: Vec<JobChange>,
        unknown: bool,
    ) -> Result<Looked, Trouble> {
        let change = Change { effect: mark(self.effect), likeness, jid, steps };
        if !unknown {
            self.jobs.may(&change).await.map_err(|fault| self.fault(fault))?;
        }
        let change = JobsChange {
            connection: self.deed.connection.clone(),
            line: line(&jobs),
            change: Arc::new(change),
            result,
            keeper: Keeper::default(),
        };
        Ok(Looked::Change(Box::new(Ready { change, jobs, left: Vec::new(), miscounted: None, unknown })))
    }
}

pub(super) fn step(verb: &str, key: &str, text: &str, score: &str) -> Step {
    Step { verb: verb.into(), key: key.into(), text: text.into(), score: score.into() }
}

/// Sidekiq's id of the job that an effect enqueues: 24 hexadecimal digits, the same for every attempt, on any machine.
pub fn jid(effect: &EffectId) -> Arc<str> {
    let digest = Sha256::digest([b"trueup/job/v1".as_slice(), effect.idempotency_key().as_bytes()].concat());
    digest.iter().take(12).map(|b| format!("{b:02x}")).collect::<String>().into()
}

/// The name under which Redis remembers an effect.
fn mark(effect: &EffectId) -> Arc<str> {
    effect.idempotency_key().to_string().into()
}

/// Without the moment of its next try: a fingerprint of what the job is.
pub(super) fn fingerprint(job: &Job) -> Arc<str> {
    job.text("payload_hash")
}

pub(super) fn place_of(job: &Job) -> String {
    match job.place {
        Place::Queued => format!("queue {}", job.text("queue")),
        other => other.word().to_owned(),
    }
}

fn line(jobs: &[JobChange]) -> String {
    match jobs {
        [one] => one.line(),
        [first, ..] => format!("{} {} jobs", first.deed, jobs.len()),
        [] => "no job".into(),
    }
}
