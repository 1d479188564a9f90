//! A worker that plays along, at a real Redis: takes jobs as Sidekiq does, changes what the file says, enqueues what follows, and
//! lets fail what is to fail. It works through the same looks and the same script as `job` steps.

use super::behind::Databases;
use crate::{
    base::{
        json,
        time::Stamp,
        value::{Data, Map, Value},
        world::World,
    },
    connection::{
        fault::Fault,
        sidekiq::{
            Change, Jobs, Place,
            arguments::Reader,
            payload::{Wanted, seconds},
            row::Job,
            script::{Step, Told},
            settings::Retries,
        },
    },
    mock::{
        behind::{self, Behind},
        worker::{Lying, New, Outcome, Where, WorkerFile, scope_of},
    },
};
use std::{sync::Arc, time::Duration};

/// A worker on the jobs of one environment.
#[derive(Clone, Debug)]
pub struct Worker {
    file: Arc<WorkerFile>,
    jobs: Jobs,
    behind: Databases,
    world: World,
}

/// A job that was taken.
#[derive(Clone, Debug)]
pub struct Taken {
    /// Its id, where it has one.
    pub jid: Option<String>,
    /// What became of it, in a line for people.
    pub line: String,
}

/// So many jobs are done in one go: a job that enqueues itself must not keep everybody waiting.
const ROUND: usize = 1000;
/// Sidekiq's own number of tries.
const USUAL_RETRIES: i64 = 25;

impl Worker {
    /// Connects to nothing yet.
    pub fn new(file: WorkerFile, jobs: Jobs, behind: Databases, world: World) -> Worker {
        Worker { file: Arc::new(file), jobs, behind, world }
    }

    /// Puts the jobs there that are there at the start.
    pub async fn start(&self) -> Result<usize, String> {
        for lying in &self.file.start {
            let steps = self.lying(lying)?;
            self.carry_out(steps).await?;
        }
        Ok(self.file.start.len())
    }

    /// Does everything that is due, and what follows from it.
    pub async fn work(&self) -> Result<Vec<Taken>, String> {
        let mut taken = Vec::new();
        for _ in 0..ROUND {
            self.due().await?;
            let Some((job, outcome)) = self.next().await? else { return Ok(taken) };
            let line = self.done(&job, &outcome).await?;
            taken.push(Taken { jid: job.jid().map(str::to_owned), line });
        }
        Ok(taken)
    }

    /// Jobs whose time has come go into their queues, as Sidekiq's poller does it.
    async fn due(&self) -> Result<(), String> {
        let now = self.world.now();
        for place in [Place::Scheduled, Place::Retrying] {
            let found = self.jobs.find(place, &[], &[], ROUND).await.map_err(|fault| said(&fault))?;
            for job in found.jobs {
                let at = match job.row.get("at").map(|at| &at.data) {
                    Some(Data::Instant(at)) => *at,
                    _ => continue,
                };
                let Some(payload) = job.payload.as_ref().filter(|_| at.micros <= now.micros) else { continue };
                let mut payload = payload.clone();
                payload.shift_remove("at");
                payload.insert("enqueued_at".into(), number(now));
                let queue = job.text("queue");
                let mut steps = vec![self.step("zrem", &job.key, &raw(&job), "")];
                steps.extend(self.push(&queue, &json::text_of(&payload.into())));
                self.carry_out(steps).await?;
            }
        }
        Ok(())
    }

    /// The next job that the file says something of, and what it comes to.
    async fn next(&self) -> Result<Option<(Job, Outcome)>, String> {
        let now = self.world.now();
        let waits = self.file.takes_after.map_or(Duration::ZERO, |length| length.0);
        let found = self.jobs.find(Place::Queued, &[], &[], ROUND).await.map_err(|fault| said(&fault))?;
        for job in found.jobs {
            let class = job.text("job");
            let since = match job.row.get("enqueued_at").map(|at| &at.data) {
                Some(Data::Instant(at)) => now.micros.saturating_sub(at.micros),
                _ => i64::MAX,
            };
            if i128::from(since) < waits.as_micros() as i128 {
                continue;
            }
            for work in self.file.jobs.iter().filter(|work| *work.job.text == *class) {
                let scope = scope_of(&job.row, now);
                let found = behind::found(Some(&self.behind), &work.looks(&scope)?, &mut Vec::new()).await?;
                if let Some(outcome) = work.outcome(&scope.with("found", Value::from(found)))? {
                    return Ok(Some((job, outcome)));
                }
            }
        }
        Ok(None)
    }

    /// Carries it out: first what it changes, then it goes, together with what follows.
    async fn done(&self, job: &Job, outcome: &Outcome) -> Result<String, String> {
        self.behind.change(&outcome.deeds).await?;
        let mut steps = vec![self.step("lrem", &job.key, &raw(job), "")];
        for new in &outcome.new {
            steps.extend(self.new_job(new)?);
        }
        let mut line = format!("{}: done", job.title());
        if let Some((class, message)) = &outcome.failed {
            let (step, place) = self.failed(job, class, message);
            steps.push(step);
            line = format!("{}: {class}, now {place}", job.title());
        }
        self.carry_out(steps).await?;
        Ok(line)
    }

    /// Sidekiq's own way with a failed job: tried again later, or dead.
    fn failed(&self, job: &Job, class: &str, message: &str) -> (Step, &'static str) {
        let now = self.world.now();
        let mut payload = job.payload.clone().unwrap_or_default();
        let most = match payload.get("retry").map(|retry| &retry.data) {
            Some(Data::Int(most)) => *most,
            _ => USUAL_RETRIES,
        };
        let count = payload.get("retry_count").and_then(Value::as_int).map_or(0, |count| count + 1);
        payload.insert("error_message".into(), Value::text(message));
        payload.insert("error_class".into(), Value::text(class));
        payload.insert("retry_count".into(), Value::from(count));
        payload.insert(if count == 0 { "failed_at" } else { "retried_at" }.into(), number(now));
        let text = json::text_of(&payload.into());
        if count >= most {
            return (self.step("zadd", &self.jobs.key("dead"), &text, &seconds(now)), "dead");
        }
        let later = Stamp { micros: now.micros + (count.saturating_pow(4) + 15) * 1_000_000, ..now };
        (self.step("zadd", &self.jobs.key("retry"), &text, &seconds(later)), "to be tried again")
    }

    fn new_job(&self, new: &New) -> Result<Vec<Step>, String> {
        let now = self.world.now();
        let at = new.later.map(|later| Stamp { micros: now.micros + micros(later), ..now });
        let wanted = self.wanted(&new.job, new.queue.clone(), &new.args, at)?;
        let text = json::text_of(&wanted.payload(self.jobs.settings().rails(), now).into());
        Ok(match at {
            Some(at) => vec![self.step("zadd", &self.jobs.key("schedule"), &text, &seconds(at))],
            None => self.push(&wanted.queue, &text),
        })
    }

    fn lying(&self, lying: &Lying) -> Result<Vec<Step>, String> {
        let now = self.world.now();
        let age = micros(lying.age.map_or(Duration::from_secs(3600), |length| length.0));
        let before = Stamp { micros: now.micros - age, ..now };
        let after = Stamp { micros: now.micros + age, ..now };
        let queue = lying.queue.as_ref().map(|word| word.text.clone());
        let at = (lying.place == Where::Scheduled).then_some(after);
        let mut wanted = self.wanted(&lying.job.text, queue, &lying.args, at)?;
        if let Some(jid) = &lying.jid {
            wanted.jid = jid.text.clone();
        }
        let mut payload: Map = wanted.payload(self.jobs.settings().rails(), before);
        if let Some(class) = &lying.error_class {
            let message = lying.error.as_ref().map_or("", |word| word.as_str());
            payload.insert("error_message".into(), Value::text(message));
            payload.insert("error_class".into(), Value::text(class.as_str()));
            payload.insert("failed_at".into(), number(before));
            payload.insert("retry_count".into(), Value::from(0));
        }
        let text = json::text_of(&payload.into());
        let set = |key: &str, at: Stamp| vec![self.step("zadd", &self.jobs.key(key), &text, &seconds(at))];
        Ok(match lying.place {
            Where::Queued => self.push(&wanted.queue, &text),
            Where::Scheduled => set("schedule", after),
            Where::Retrying => set("retry", after),
            Where::Dead => set("dead", before),
        })
    }

    fn wanted(
        &self,
        job: &Arc<str>,
        queue: Option<Arc<str>>,
        args: &[Value],
        at: Option<Stamp>,
    ) -> Result<Wanted, String> {
        let settings = self.jobs.settings();
        let known = settings.jobs.get(job);
        let queue = queue.or_else(|| known.and_then(|known| known.queue.as_ref()).map(|word| word.text.clone()));
        let reader = Reader { app: settings.app.as_ref().map(|word| word.as_str()), rails: settings.rails() };
        let id = self.world.id();
        // The first digits of such an id are the clock's: the last ones tell two jobs of one moment apart.
        let jid = format!("{:024x}", id.as_u128() & ((1 << 96) - 1));
        Ok(Wanted {
            job: job.clone(),
            queue: queue.unwrap_or_else(|| "default".into()),
            arguments: reader.list(args, &Map::default())?,
            retries: known.and_then(|known| known.retries).unwrap_or(Retries::Usual),
            at,
            jid: jid.into(),
            job_id: id.to_string().into(),
        })
    }

    fn push(&self, queue: &str, text: &str) -> Vec<Step> {
        vec![
            self.step("sadd", &self.jobs.key("queues"), queue, ""),
            self.step("lpush", &self.jobs.key(&format!("queue:{queue}")), text, ""),
        ]
    }

    fn step(&self, verb: &str, key: &str, text: &str, score: &str) -> Step {
        Step { verb: verb.into(), key: key.into(), text: text.into(), score: score.into() }
    }

    /// A job that somebody else has taken meanwhile is theirs.
    async fn carry_out(&self, steps: Vec<Step>) -> Result<(), String> {
        let effect = format!("worker:{}", self.world.id());
        let change = Change { effect: effect.into(), likeness: None, jid: "".into(), steps };
        match self.jobs.carry_out(&change, None, None).await {
            Ok(Told::Done(_) | Told::Before(_) | Told::Gone(_)) => Ok(()),
            Ok(Told::Other | Told::Rival(_) | Told::Elsewhere) => {
                Err("Redis remembers another change of the same name".into())
            }
            Err(fault) => Err(said(&fault)),
        }
    }
}

/// The job's own text; what is no text is no job of ours.
fn raw(job: &Job) -> String {
    String::from_utf8_lossy(&job.raw).into_owned()
}

fn number(stamp: Stamp) -> Value {
    json::parse(&seconds(stamp)).unwrap_or_else(|_| stamp.micros.into())
}

fn micros(length: Duration) -> i64 {
    i64::try_from(length.as_micros()).unwrap_or(i64::MAX / 4)
}

fn said(fault: &Fault) -> String {
    format!("{fault}; {}", fault.help())
}
