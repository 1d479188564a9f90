//! `job`: background jobs are enqueued, tried again, deleted.

use crate::{
    base::shape::{Length, Named, Word},
    connection::sidekiq::{Place, settings::Retries},
    read::{expect::Touches, find::Test},
    shape,
    template::Datum,
};

shape! {
    /// Changes background jobs in Sidekiq's Redis: exactly one of `enqueue`, `retry` and `delete`. All that belongs to a step
    /// happens together or not at all, and once: a mark in Redis, made in the same instant, remembers it.
    "job" pub struct JobSpec {
        /// The connection's name.
        queue: Word,
        /// Class of the job that is enqueued.
        enqueue: Option<Word>,
        /// The queue that it goes to. Default: what the project file says of this class, else `default`.
        to: Option<Word>,
        /// Its arguments, a list: plain values, dates, moments, `{ record: "Trainee/1" }`, `{ date: 2025-07-27 }`,
        /// `{ time: … }`, `{ symbol: … }`, `{ symbol_keys: { … } }`.
        args: Option<Datum>,
        /// Its keyword arguments.
        #[schemars(default)]
        keywords: Named<Datum>,
        /// It runs so much later: `1h`.
        later as "in": Option<Length>,
        /// It runs at this moment.
        moment as "at": Option<Datum>,
        /// How often Sidekiq tries it again: `true` (25 times), `false`, a number. Default: what the project file says, else `true`.
        retries: Option<Retries>,
        /// Only if no equal job (same class, same arguments) waits in a queue, for later or for its next try. If one does,
        /// the step is unchanged and its result is that job.
        unless_waiting: Option<bool>,
        /// Jobs that go back into their queue, exactly as Sidekiq's own "retry" does it.
        retry: Option<Picked>,
        /// Jobs that are taken out.
        delete: Option<Picked>,
        /// The connections that the job may change something in: what is read from them afterwards is not known in a preview.
        /// Default: every API.
        affects: Option<Vec<Word>>,
    }
}

shape! {
    /// Which jobs.
    "a choice of jobs" pub struct Picked {
        /// Where they are: `queued`, `scheduled`, `retrying`, `dead`.
        from: Place,
        /// The one with this id.
        jid: Option<Datum>,
        /// All for which these column tests hold, as in `find`.
        #[schemars(default)]
        conditions as "where": Named<Test>,
        /// How many these may be: `1..500`. The jobs that the plan saw are the ones: fewer, more or others stop the step.
        touches: Option<Touches>,
    }
}

/// No step touches more jobs than these.
pub const MOST: u32 = 500;

impl JobSpec {
    /// The verb.
    pub fn verb(&self) -> &'static str {
        match (&self.enqueue, &self.retry, &self.delete) {
            (Some(_), ..) => "enqueue",
            (_, Some(_), _) => "retry",
            _ => "delete",
        }
    }

    /// Which jobs, for `retry` and `delete`.
    pub fn picked(&self) -> Option<&Picked> {
        self.retry.as_ref().or(self.delete.as_ref())
    }

    /// Where something is taken out or put in, as tables of the connection.
    pub fn tables_written(&self) -> Vec<&'static str> {
        match (&self.enqueue, self.picked()) {
            (Some(_), _) if self.later.is_some() || self.moment.is_some() => vec!["scheduled"],
            (Some(_), _) => vec!["queued"],
            (None, Some(picked)) if self.retry.is_some() && picked.from != Place::Queued => {
                vec![picked.from.word(), "queued"]
            }
            (None, Some(picked)) => vec![picked.from.word()],
            (None, None) => Vec::new(),
        }
    }

    /// Where it only looks.
    pub fn tables_read(&self) -> Vec<&'static str> {
        if self.unless_waiting == Some(true) { vec!["queued", "scheduled", "retrying"] } else { Vec::new() }
    }
}
