//! Jobs that are tried again or deleted: which ones they are now.

use super::look::{Look, Looked, fingerprint, place_of, step};
use crate::{
    action::deed::Pick,
    base::{json, value::Value},
    connection::sidekiq::{
        payload::{self},
        script::Step,
    },
    effect::job::JobChange,
    engine::trouble::Trouble,
};

impl Look<'_> {
    pub(super) async fn pick(&self, pick: &Pick, again: bool) -> Result<Looked, Trouble> {
        let limit = pick.touches.most as usize + 1;
        let mut found = self.found(pick.from, &pick.conditions, limit + self.taken.len()).await?;
        found.retain(|job| !self.taken.iter().any(|jid| job.jid() == Some(&**jid)));
        found.truncate(limit);
        if found.is_empty() && pick.single && !again {
            return Ok(Looked::Nothing(Value::NULL, format!("no such job is in `{}`", pick.from.word())));
        }
        // What is no job has no name by which a plan could say which one it is.
        found.retain(|job| job.jid().is_some() && job.payload.is_some());
        let mut steps = Vec::new();
        let (mut results, mut shown) = (Vec::new(), Vec::new());
        for job in &found {
            let (Some(payload), Ok(text)) = (&job.payload, std::str::from_utf8(&job.raw)) else { continue };
            let take = if job.score.is_some() { "zrem" } else { "lrem" };
            steps.push(step(take, &job.key, text, job.score.as_deref().unwrap_or_default()));
            let queue = job.text("queue");
            let pushed = again.then(|| payload::again(payload, self.now));
            if let Some(pushed) = &pushed {
                if queue.is_empty() {
                    return Err(self.misfit(format!("the job {} names no queue to go back to", job.text("jid"))));
                }
                steps.push(step("sadd", &self.jobs.key("queues"), &queue, ""));
                let text = json::text_of(&pushed.clone().into());
                steps.push(step("lpush", &self.jobs.key(&format!("queue:{queue}")), &text, ""));
            }
            results.push(Value::map([
                ("jid", Value::text(job.text("jid"))),
                ("job", Value::text(job.text("job"))),
                ("queue", Value::text(queue.clone())),
                ("at", Value::NULL),
                ("job_id", job.row.get("job_id").cloned().unwrap_or(Value::NULL)),
                ("waiting", false.into()),
            ]));
            shown.push(JobChange {
                connection: self.deed.connection.clone(),
                deed: if again { "retry" } else { "delete" }.into(),
                jid: job.text("jid"),
                title: job.title(),
                from: place_of(job),
                to: if again { format!("queue {queue}") } else { String::new() },
                at: None,
                found: fingerprint(job),
                payload: Some(self.marked(pushed.as_ref().unwrap_or(payload))),
            });
        }
        if let Some(double) = twice(&shown) {
            return Err(self.misfit(format!("two jobs have the id {double}")));
        }
        let single = pick.single.then(|| results.first().cloned()).flatten();
        let result = single.unwrap_or_else(|| Value::list(results));
        self.counted(pick, found.len(), shown, steps, result).await
    }

    pub(super) async fn counted(
        &self,
        pick: &Pick,
        count: usize,
        shown: Vec<JobChange>,
        steps: Vec<Step>,
        result: Value,
    ) -> Result<Looked, Trouble> {
        let ready = self.ready(steps, None, "".into(), result, shown, false).await?;
        match ready {
            Looked::Change(mut ready) if !pick.touches.allows(count) => {
                // Whether that is drift or a stop, the plan says: the jobs go along.
                let more = if count > pick.touches.most as usize { " or more" } else { "" };
                let message = format!(
                    "{count}{more} jobs of `{}.{}` fit, expected {}",
                    self.deed.connection,
                    pick.from.word(),
                    pick.touches.words()
                );
                ready.miscounted = Some(message);
                Ok(Looked::Change(ready))
            }
            other => Ok(other),
        }
    }
}

fn twice(jobs: &[JobChange]) -> Option<&str> {
    jobs.iter()
        .enumerate()
        .find(|(i, job)| jobs[..*i].iter().any(|other| other.jid == job.jid))
        .map(|(_, job)| &*job.jid)
}
