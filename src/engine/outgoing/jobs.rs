//! Background jobs: what a `job` step comes to at this moment, one attempt at it, and how it is found out whether it was done.
//!
//! A step is first looked at ([`look`]): which jobs, with which texts. What comes of it is one script with all its bytes, which
//! claims the effect's mark first; so the very same bytes can be given again, and are carried out once.

use crate::{
    action::deed::{Enqueue, JobVerb, Jobs, JobsChange, Pick},
    base::{
        identity::EffectId,
        json,
        source::Span,
        time::{Stamp, instant},
        value::{Data, Map, Marks, Value},
    },
    connection::{
        fault::{Fault, FaultKind},
        sidekiq::{
            self, Change, Place, Told,
            arguments::{Reader, likeness},
            payload::{self, Wanted, seconds},
            row::Job,
            script::Step,
            settings::{Retries, SidekiqSettings},
        },
    },
    effect::job::JobChange,
    engine::{
        setting::Setting,
        trouble::{CallTrouble, Difference, Missed, Trouble},
    },
    plan::{Effect, Foreseen, StepPlan},
    playbook::errors::FailureKind,
    table::condition::{Condition, Test},
};
use sha2::{Digest, Sha256};
use std::{collections::BTreeMap, sync::Arc};

/// What a step comes to now.
#[derive(Debug)]
pub enum Looked {
    /// All is as wanted already: the result, and why.
    Nothing(Value, String),
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
    /// Jobs that an undo leaves alone, and why.
    pub left: Vec<String>,
    /// Their number is not as the author allows.
    pub miscounted: Option<String>,
    /// Some of it is only known later: nothing can be done yet.
    pub unknown: bool,
}

/// The connection of a name.
pub fn connection<'a>(setting: &'a Setting, name: &str) -> Result<&'a sidekiq::Jobs, Trouble> {
    setting
        .jobs
        .get(name)
        .ok_or_else(|| Trouble::of_database(name, Fault::new(FaultKind::Settings, "it holds no background jobs")))
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
        JobVerb::Restore(change) => cx.restore(change).await,
    }
}

struct Look<'a> {
    jobs: &'a sidekiq::Jobs,
    deed: &'a Jobs,
    effect: &'a EffectId,
    taken: &'a [Arc<str>],
    now: Stamp,
    at: Span,
}

/// Places where a job waits that nobody has given up.
const WAITING: [Place; 3] = [Place::Queued, Place::Scheduled, Place::Retrying];

impl Look<'_> {
    fn fault(&self, fault: Fault) -> Trouble {
        Trouble::Database { connection: self.deed.connection.clone(), fault, at: Some(self.at) }
    }

    fn misfit(&self, message: impl Into<String>) -> Trouble {
        Trouble::Step { message: message.into(), at: self.at, help: Vec::new() }
    }

    async fn found(&self, place: Place, conditions: &[Condition], limit: usize) -> Result<Vec<Job>, Trouble> {
        let found = self.jobs.find(place, conditions, &[], limit).await.map_err(|fault| self.fault(fault))?;
        Ok(found.jobs)
    }

    /// Which Redis it is; empty where it may not be asked, and then a missing mark proves nothing.
    async fn server(&self) -> Result<Arc<str>, Trouble> {
        match self.jobs.run_id().await {
            Ok(id) => Ok(id.into()),
            Err(fault) if fault.kind == FaultKind::Denied => Ok("".into()),
            Err(fault) => Err(self.fault(fault)),
        }
    }

    async fn enqueue(&self, new: &Enqueue) -> Result<Looked, Trouble> {
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

    fn wanted(&self, new: &Enqueue, settings: &SidekiqSettings) -> Result<Wanted, Trouble> {
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
    async fn equal(&self, wanted: &Wanted) -> Result<Option<Job>, Trouble> {
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

    async fn pick(&self, pick: &Pick, again: bool) -> Result<Looked, Trouble> {
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

    async fn counted(
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

    /// Parts of the text that are about a person, marked.
    fn marked(&self, payload: &Map) -> Value {
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

    async fn ready(
        &self,
        steps: Vec<Step>,
        likeness: Option<Arc<str>>,
        jid: Arc<str>,
        result: Value,
        jobs: Vec<JobChange>,
        unknown: bool,
    ) -> Result<Looked, Trouble> {
        let change = Change { effect: mark(self.effect), likeness, jid, steps };
        let change = JobsChange {
            connection: self.deed.connection.clone(),
            line: line(&jobs),
            change: Arc::new(change),
            result,
            server: self.server().await?,
        };
        Ok(Looked::Change(Box::new(Ready { change, jobs, left: Vec::new(), miscounted: None, unknown })))
    }

    /// The opposite of what was done, for each job that is still where it was put.
    async fn restore(&self, done: &Change) -> Result<Looked, Trouble> {
        let id = |step: &Step| json::parse(&step.text).ok()?.get("jid");
        let ids = Condition { column: "jid".into(), test: Test::OneOf(done.steps.iter().filter_map(id).collect()) };
        let mut all: Vec<Job> = Vec::new();
        for place in [Place::Queued, Place::Scheduled, Place::Retrying, Place::Dead] {
            all.extend(self.found(place, std::slice::from_ref(&ids), usize::MAX).await?);
        }
        let (mut steps, mut shown, mut left) = (Vec::new(), Vec::new(), Vec::new());
        for group in groups(&done.steps) {
            let (taken, put) = group;
            let text = put.or(taken).map(|s| s.text.clone()).unwrap_or_default();
            let read = json::parse(&text).ok();
            let id: Arc<str> = read.as_ref().and_then(|p| p.get("jid")?.as_str().map(Arc::from)).unwrap_or_default();
            let mut now = None;
            if let Some(put) = put {
                // Sidekiq itself moves a job of the schedule into its queue, with a time in it.
                let same = |job: &&Job| {
                    job.key == put.key && *job.raw == *put.text.as_bytes()
                        || &*put.verb == "zadd" && job.place == Place::Queued && job.jid() == Some(&id)
                };
                let Some(job) = all.iter().find(same) else {
                    left.push(format!("job {id} is left alone: a worker took it, or somebody moved it"));
                    continue;
                };
                let take = if job.score.is_some() { "zrem" } else { "lrem" };
                let Ok(text) = std::str::from_utf8(&job.raw) else { continue };
                steps.push(step(take, &job.key, text, job.score.as_deref().unwrap_or_default()));
                now = Some(job);
            } else if all.iter().any(|job| job.jid() == Some(&id)) {
                left.push(format!("job {id} is left alone: somebody has put it back already"));
                continue;
            }
            let mut to = String::new();
            if let Some(taken) = taken {
                match &*taken.verb {
                    "zrem" => steps.push(step("zadd", &taken.key, &taken.text, &taken.score)),
                    _ => {
                        if let Some(queue) = read.as_ref().and_then(|p| p.get("queue")?.as_str().map(str::to_owned)) {
                            steps.push(step("sadd", &self.jobs.key("queues"), &queue, ""));
                        }
                        // At the end from which workers take: it comes next.
                        steps.push(step("rpush", &taken.key, &taken.text, ""));
                    }
                }
                to = key_words(&taken.key);
            }
            // As it will be: what was taken out goes back as it was.
            let after = taken.map_or(read, |taken| json::parse(&taken.text).ok());
            let payload = after.and_then(|p| p.as_map().cloned());
            shown.push(JobChange {
                connection: self.deed.connection.clone(),
                deed: if taken.is_some() { "put back" } else { "take out" }.into(),
                jid: id,
                title: title(text.as_bytes(), self.jobs.settings()),
                from: now.map(place_of).unwrap_or_default(),
                to,
                at: None,
                found: now.map_or_else(|| "".into(), fingerprint),
                payload: payload.as_ref().map(|p| self.marked(p)),
            });
        }
        if shown.is_empty() {
            return Ok(Looked::Nothing(Value::NULL, left.join("; ")));
        }
        let result = Value::list(shown.iter().map(|job| Value::map([("jid", Value::text(job.jid.clone()))])));
        let mut ready = self.ready(steps, None, "".into(), result, shown, false).await?;
        if let Looked::Change(ready) = &mut ready {
            ready.left = left;
        }
        Ok(ready)
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

fn step(verb: &str, key: &str, text: &str, score: &str) -> Step {
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
fn fingerprint(job: &Job) -> Arc<str> {
    job.text("payload_hash")
}

fn twice(jobs: &[JobChange]) -> Option<&str> {
    jobs.iter()
        .enumerate()
        .find(|(i, job)| jobs[..*i].iter().any(|other| other.jid == job.jid))
        .map(|(_, job)| &*job.jid)
}

fn place_of(job: &Job) -> String {
    match job.place {
        Place::Queued => format!("queue {}", job.text("queue")),
        other => other.word().to_owned(),
    }
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

fn line(jobs: &[JobChange]) -> String {
    match jobs {
        [one] => one.line(),
        [first, ..] => format!("{} {} jobs", first.deed, jobs.len()),
        [] => "no job".into(),
    }
}

/// How the jobs differ from those of the plan; nothing where the plan could not show them.
pub fn drift(planned: Option<&StepPlan>, looked: &Looked) -> Vec<Difference> {
    let Some(planned) = planned else { return Vec::new() };
    let was =
        planned.effects.iter().find_map(|e| if let Effect::Jobs { jobs } = e { Some(jobs.as_slice()) } else { None });
    let was = match (was, planned.foreseen) {
        (Some(was), _) => was,
        (None, Foreseen::Unchanged) => &[],
        _ => return Vec::new(),
    };
    // Already as wanted is tested first: somebody has done it.
    let Looked::Change(ready) = looked else { return Vec::new() };
    // A new job has another id in each preview, and there is only one of them.
    let name =
        |job: &JobChange| if &*job.deed == "enqueue" { "to be enqueued".to_owned() } else { job.jid.to_string() };
    let (before, now): (BTreeMap<_, _>, BTreeMap<_, _>) =
        (was.iter().map(|j| (name(j), j)).collect(), ready.jobs.iter().map(|j| (name(j), j)).collect());
    let mut found = Vec::new();
    let mut differ = |subject: &str, planned: &str, is: &str| {
        let subject = format!("job {subject}");
        found.push(Difference { subject, column: String::new(), planned: planned.into(), found: is.into() });
    };
    for (id, job) in &before {
        match now.get(id) {
            None => differ(id, "in the plan", "not there any more"),
            Some(is) if !job.payload.as_ref().is_some_and(Value::is_unknown) && is.promise() != job.promise() => {
                differ(id, "as in the plan", "changed")
            }
            Some(_) => {}
        }
    }
    for id in now.keys().filter(|id| !before.contains_key(*id)) {
        differ(id, "not in the plan", "there as well");
    }
    found
}

/// The trouble of a number of jobs that is not as the author allows.
pub fn missed(why: &str, at: Span) -> Trouble {
    Trouble::Missed(Missed { message: why.to_owned(), seen: Vec::new(), at })
}

/// The word in a trouble that says that nothing was changed, because the jobs moved in that very moment.
pub const MOVED: &str = "moved";

/// One attempt.
pub async fn once(setting: &Setting, change: &JobsChange) -> Result<Value, CallTrouble> {
    let trouble = |kind, in_doubt, code: Option<&str>, message: String| CallTrouble {
        api: change.connection.clone(),
        line: change.line.clone(),
        status: None,
        code: code.map(str::to_owned),
        kind,
        in_doubt,
        message,
        retry_after: None,
        answer: None,
    };
    let Some(jobs) = setting.jobs.get(&change.connection) else {
        let message = format!("`{}` holds no background jobs", change.connection);
        return Err(trouble(FailureKind::Connect, false, None, message));
    };
    match carried_out(jobs, &change.change).await {
        Ok(Told::Done(at) | Told::Before(at)) => Ok(at_moment(&change.result, &at)),
        Ok(Told::Gone(_)) => {
            Err(trouble(FailureKind::Status, false, Some(MOVED), "a job moved meanwhile; nothing was changed".into()))
        }
        Ok(Told::Rival(jid)) => Err(trouble(
            FailureKind::Status,
            false,
            Some(MOVED),
            format!("somebody enqueues an equal job just now ({jid})"),
        )),
        Ok(Told::Other) => {
            Err(trouble(FailureKind::Status, true, None, "the mark of this effect stands for other bytes".into()))
        }
        Err(fault) => {
            let doubt = fault.kind == FaultKind::InDoubt;
            let more = if doubt { "; whether it was done is not known" } else { "" };
            Err(trouble(FailureKind::Connect, doubt, None, format!("`{}`: {}{more}", change.connection, fault.message)))
        }
    }
}

/// Another one has enqueued an equal job in this minute: if it waits no more, that is over.
async fn carried_out(jobs: &sidekiq::Jobs, change: &Change) -> Result<Told, Fault> {
    let told = jobs.carry_out(change, None).await?;
    let Told::Rival(jid) = &told else { return Ok(told) };
    for place in WAITING {
        let found = jobs.find(place, &[Condition::is("jid", Value::from(jid.as_str()))], &[], 1).await?;
        if !found.jobs.is_empty() {
            return Ok(told);
        }
    }
    jobs.carry_out(change, Some(jid)).await
}

/// The result with the moment at which Redis did it; a job for later keeps its own.
pub fn at_moment(result: &Value, at: &str) -> Value {
    let stamp = at.parse::<f64>().ok().map(|s| Stamp { micros: (s * 1e6).round() as i64, digits: 6 });
    let at = stamp.map_or(Value::NULL, |stamp| Data::Instant(stamp).into());
    let one = |value: &Value| match value.as_map() {
        Some(map) if map.get("at").is_some_and(Value::is_null) => {
            let mut map = map.clone();
            map.insert("at".into(), at.clone());
            Value::from(map)
        }
        _ => value.clone(),
    };
    match result.as_list() {
        Some(all) => Value::list(all.iter().map(one)),
        None => one(result),
    }
}

/// As the journal holds it.
pub fn stored(change: &JobsChange) -> Value {
    Value::map([
        ("change", change.change.stored()),
        ("line", Value::from(change.line.as_str())),
        ("result", change.result.clone()),
        ("server", Value::text(change.server.clone())),
    ])
}

/// Back; nothing when a part is sealed and its key is not here.
pub fn of_stored(connection: &Arc<str>, stored: &Value) -> Option<JobsChange> {
    Some(JobsChange {
        connection: connection.clone(),
        line: stored.get("line")?.as_str()?.to_owned(),
        change: Arc::new(Change::load(&stored.get("change")?)?),
        result: stored.get("result")?,
        server: stored.get("server")?.as_str()?.into(),
    })
}

/// What came back, in a few words.
pub fn summary(answer: &Value) -> String {
    match answer.as_list() {
        Some([one]) => summary(one),
        Some(all) => format!("{} jobs", all.len()),
        None => answer.get("jid").map_or_else(String::new, |jid| format!("job {}", jid.bare())),
    }
}
