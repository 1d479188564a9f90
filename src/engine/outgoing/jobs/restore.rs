//! The opposite of what was done with jobs, for each that is still where it was put.

use super::look::{Look, Looked, fingerprint, place_of, step};
use crate::{
    action::deed::JobsBack,
    base::{json, value::Value},
    connection::sidekiq::{self, Place, row::Job, script::Step, settings::SidekiqSettings},
    effect::{
        job::JobChange,
        left::{self, LeftAlone},
    },
    engine::trouble::Trouble,
    table::condition::{Condition, Test},
};
use std::sync::Arc;

impl Look<'_> {
    pub(super) async fn restore(&self, back: &JobsBack) -> Result<Looked, Trouble> {
        let done = &*back.done;
        let id = |step: &Step| json::parse(&step.text).ok()?.get("jid");
        let ids = Condition { column: "jid".into(), test: Test::OneOf(done.steps.iter().filter_map(id).collect()) };
        let mut all: Vec<Job> = Vec::new();
        for place in [Place::Queued, Place::Scheduled, Place::Retrying, Place::Dead] {
            all.extend(self.found(place, std::slice::from_ref(&ids), usize::MAX).await?);
        }
        let (mut steps, mut shown, mut left) = (Vec::new(), Vec::new(), Vec::new());
        // The last first: what goes back into a queue comes next there, and so the first of them before the others.
        for (taken, put) in groups(&done.steps).into_iter().rev() {
            let Some(one) = put.or(taken) else { continue };
            let jid = jid(one);
            if back.made.contains(&jid) {
                continue;
            }
            match self.back(taken, put, &jid, &all, &mut steps) {
                Ok(job) => shown.push(job),
                Err(why) => {
                    let connection = self.deed.connection.clone();
                    left.push(LeftAlone::job(connection, place(one).word(), &jid, why));
                }
            }
        }
        shown.reverse();
        left.reverse();
        if shown.is_empty() {
            return Ok(match left.is_empty() {
                true => Looked::Nothing(Value::NULL, "an earlier undo of the run has taken it back already".into()),
                false => Looked::Left(left),
            });
        }
        let result = Value::list(shown.iter().map(|job| Value::map([("jid", Value::text(job.jid.clone()))])));
        let result = left::store_beside(result, &left);
        let mut ready = self.ready(steps, None, "".into(), result, shown, false).await?;
        if let Looked::Change(ready) = &mut ready {
            ready.left = left;
        }
        Ok(ready)
    }

    /// One job; why it is left alone, if it is.
    fn back(
        &self,
        taken: Option<&Step>,
        put: Option<&Step>,
        id: &Arc<str>,
        all: &[Job],
        steps: &mut Vec<Step>,
    ) -> Result<JobChange, String> {
        let text = put.or(taken).map(|s| s.text.clone()).unwrap_or_default();
        let read = json::parse(&text).ok();
        let mut now = None;
        if let Some(put) = put {
            // Sidekiq itself moves a job of the schedule into its queue, with a time in it.
            let same = |job: &&Job| {
                job.key == put.key && *job.raw == *put.text.as_bytes()
                    || &*put.verb == "zadd" && job.place == Place::Queued && job.jid() == Some(id)
            };
            let elsewhere = || match all.iter().find(|job| job.jid() == Some(id)) {
                Some(job) => format!("it is not where it was put: it is in `{}` now", job.place.word()),
                None => "a worker took it, or somebody took it out".to_owned(),
            };
            let job = all.iter().find(same).ok_or_else(elsewhere)?;
            let take = if job.score.is_some() { "zrem" } else { "lrem" };
            let text = std::str::from_utf8(&job.raw).map_err(|_| "it is no text".to_owned())?;
            steps.push(step(take, &job.key, text, job.score.as_deref().unwrap_or_default()));
            now = Some(job);
        } else if all.iter().any(|job| job.jid() == Some(id)) {
            return Err("somebody has put it back already".into());
        }
        if let Some(taken) = taken {
            self.put_back(taken, read.as_ref(), steps);
        }
        // As it will be: what was taken out goes back as it was.
        let after = taken.map_or(read, |taken| json::parse(&taken.text).ok());
        let payload = after.and_then(|p| p.as_map().cloned());
        Ok(JobChange {
            connection: self.deed.connection.clone(),
            deed: if taken.is_some() { "put back" } else { "take out" }.into(),
            jid: id.clone(),
            title: title(text.as_bytes(), self.jobs.settings()),
            from: now.map(place_of).unwrap_or_default(),
            to: taken.map(|taken| key_words(&taken.key)).unwrap_or_default(),
            at: None,
            found: now.map_or_else(|| "".into(), fingerprint),
            payload: payload.as_ref().map(|p| self.marked(p)),
        })
    }

    fn put_back(&self, taken: &Step, payload: Option<&Value>, steps: &mut Vec<Step>) {
        if &*taken.verb == "zrem" {
            return steps.push(step("zadd", &taken.key, &taken.text, &taken.score));
        }
        let queue = payload.and_then(|p| p.get("queue")?.as_str().map(str::to_owned));
        steps.extend(queue.map(|queue| step("sadd", &self.jobs.key("queues"), &queue, "")));
        // At the end from which workers take: it comes next.
        steps.push(step("rpush", &taken.key, &taken.text, ""));
    }
}

fn jid(step: &Step) -> Arc<str> {
    json::parse(&step.text).ok().and_then(|p| p.get("jid")?.as_str().map(Arc::from)).unwrap_or_default()
}

/// Where it takes a job out or puts it in.
fn place(step: &Step) -> Place {
    let set = step.key.rsplit(':').next();
    let sets = [Place::Scheduled, Place::Retrying, Place::Dead];
    match &*step.verb {
        "zrem" | "zadd" => sets.into_iter().find(|place| place.key() == set).unwrap_or(Place::Queued),
        _ => Place::Queued,
    }
}

/// Each job's own steps: what was taken out, what was put in.
fn groups(steps: &[Step]) -> Vec<(Option<&Step>, Option<&Step>)> {
    let mut groups: Vec<(Option<&Step>, Option<&Step>)> = Vec::new();
    for one in steps {
        match &*one.verb {
            "zrem" | "lrem" => groups.push((Some(one), None)),
            "sadd" => {}
            _ => match groups.last_mut() {
                Some((Some(_), put @ None)) => *put = Some(one),
                _ => groups.push((None, Some(one))),
            },
        }
    }
    groups
}

fn key_words(key: &str) -> String {
    if let Some((_, queue)) = key.rsplit_once("queue:") {
        return format!("queue {queue}");
    }
    let set = key.rsplit(':').next().unwrap_or(key);
    let sets = [Place::Scheduled, Place::Retrying, Place::Dead];
    sets.into_iter()
        .find(|place| place.key().is_some_and(|key| key == set))
        .map_or(set, |place| place.word())
        .to_owned()
}

fn title(text: &[u8], settings: &SidekiqSettings) -> String {
    sidekiq::row::read(Place::Queued, &"".into(), None, None, text.to_vec(), settings).title()
}
