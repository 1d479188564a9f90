//! A new job: its text, where it goes, and whether an equal one waits.

use super::{
    WAITING,
    look::{Look, Looked, jid, place_of, step},
};
use crate::{
    action::deed::Enqueue,
    base::{
        json,
        time::{Stamp, instant},
        value::{Data, Marks, Value},
    },
    connection::sidekiq::{
        self,
        arguments::{Reader, likeness},
        payload::{Wanted, seconds},
        row::Job,
        settings::{Retries, SidekiqSettings},
    },
    effect::job::JobChange,
    engine::trouble::Trouble,
    table::condition::{Condition, Test},
};

impl Look<'_> {
    pub(super) async fn enqueue(&self, new: &Enqueue) -> Result<Looked, Trouble> {
        let settings = self.jobs.settings();
        let wanted = self.wanted(new, settings)?;
        if new.unless_waiting
            && !wanted.arguments.is_unknown()
            && let Some(job) = self.equal(&wanted).await?
        {
            let result = waiting(&job);
            let why = format!("an equal job waits already: {} in {}", job.text("jid"), place_of(&job));
            return Ok(Looked::Nothing(result, why));
        }
        let payload = wanted.payload(settings.rails(), self.now);
        let text = json::text_of(&payload.clone().into());
        let mut steps = Vec::new();
        let (to, at) = match wanted.at {
            Some(at) => {
                steps.push(step("zadd", &self.jobs.key("schedule"), &text, &seconds(at)));
                let marks = if new.later.is_some() { Marks::CLOCK } else { Marks::NONE };
                ("scheduled".to_owned(), Some(Value::from(Data::Instant(at)).marked(marks)))
            }
            None => {
                steps.push(step("sadd", &self.jobs.key("queues"), &wanted.queue, ""));
                steps.push(step("lpush", &self.jobs.key(&format!("queue:{}", wanted.queue)), &text, ""));
                (format!("queue {}", wanted.queue), None)
            }
        };
        let subject = sidekiq::arguments::read(wanted.arguments.as_list().unwrap_or_default()).records;
        let title = match subject.first() {
            Some(record) => format!("{} {}", wanted.job, record.record()),
            None => wanted.job.to_string(),
        };
        let result = Value::map([
            ("jid", Value::text(wanted.jid.clone())),
            ("job", Value::text(wanted.job.clone())),
            ("queue", Value::text(wanted.queue.clone())),
            ("at", at.clone().unwrap_or(Value::NULL)),
            ("job_id", Value::text(wanted.job_id.clone())),
            ("waiting", false.into()),
        ]);
        let jobs = vec![JobChange {
            connection: self.deed.connection.clone(),
            deed: "enqueue".into(),
            jid: wanted.jid.clone(),
            title,
            from: String::new(),
            to,
            at,
            found: "".into(),
            payload: Some(payload.into()),
        }];
        let like = new.unless_waiting.then(|| likeness(&wanted.job, &wanted.arguments));
        let unknown = wanted.arguments.is_unknown();
        self.ready(steps, like, wanted.jid.clone(), result, jobs, unknown).await
    }

    pub(super) fn wanted(&self, new: &Enqueue, settings: &SidekiqSettings) -> Result<Wanted, Trouble> {
        let reader = Reader { app: settings.app.as_ref().map(|w| w.as_str()), rails: settings.rails() };
        let arguments = match new.args.as_list() {
            Some(args) => {
                reader.list(args, &new.keywords).map_err(|why| self.misfit(format!("the arguments: {why}")))?
            }
            None => Value::unknown(),
        };
        let facts = settings.jobs.get(&new.job);
        let queue = new.to.clone().or_else(|| facts.and_then(|f| f.queue.as_ref()).map(|w| w.text.clone()));
        let retries = new.retries.or_else(|| facts.and_then(|f| f.retries)).unwrap_or(Retries::Usual);
        let at = match (&new.moment, new.later) {
            (Some(value), _) => Some(moment(value).ok_or_else(|| {
                self.misfit(format!("`at` takes a moment such as 2025-07-27T10:00:00Z, not {}", value.kind()))
            })?),
            (None, Some(later)) => {
                let micros = i64::try_from(later.as_micros()).unwrap_or(i64::MAX);
                Some(Stamp { micros: self.now.micros.saturating_add(micros), digits: 6 })
            }
            (None, None) => None,
        };
        Ok(Wanted {
            job: new.job.clone(),
            queue: queue.unwrap_or_else(|| "default".into()),
            arguments,
            retries,
            at,
            jid: jid(self.effect),
            job_id: self.effect.idempotency_key().to_string().into(),
        })
    }

    /// An equal job that waits; our own of an earlier attempt is none.
    pub(super) async fn equal(&self, wanted: &Wanted) -> Result<Option<Job>, Trouble> {
        let like = likeness(&wanted.job, &wanted.arguments);
        let conditions = [
            Condition::is("job", Value::text(wanted.job.clone())),
            Condition { column: "jid".into(), test: Test::IsNot(Value::text(wanted.jid.clone())) },
        ];
        for place in WAITING {
            let found = self.found(place, &conditions, usize::MAX).await?;
            if let Some(job) = found.into_iter().find(|job| job.likeness.as_ref() == Some(&like)) {
                return Ok(Some(job));
            }
        }
        Ok(None)
    }
}

fn waiting(job: &Job) -> Value {
    let of = |column: &str| job.row.get(column).cloned().unwrap_or(Value::NULL);
    Value::map([
        ("jid", of("jid")),
        ("job", of("job")),
        ("queue", of("queue")),
        ("at", of("at")),
        ("job_id", of("job_id")),
        ("waiting", true.into()),
    ])
}

fn moment(value: &Value) -> Option<Stamp> {
    match &value.data {
        Data::Instant(stamp) => Some(*stamp),
        Data::Text(text) => instant(text).ok(),
        _ => None,
    }
}
