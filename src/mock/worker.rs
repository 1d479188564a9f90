//! The file of a worker that plays along: which jobs lie there at the start, and what a job does when its turn comes. Shapes and
//! their rules; who carries it out stands above (`ops`).

use super::{
    behind::{Finds, Look, RowDeed, Writes},
    check::{self as rules, ROUTE},
    model::Version,
    play::said,
};
use crate::{
    base::{
        diagnostic::{Diagnostic, Diagnostics},
        shape::{FromNode, Length, Lowering, Named, Word},
        source::Source,
        value::{Map, Value},
        yaml,
    },
    shape,
    template::{Datum, Expression, Scope, Text, Truth},
    words,
};
use std::sync::Arc;

shape! {
    /// Background jobs that play along: what lies in Sidekiq at the start, and what each job does.
    "a worker" pub struct WorkerFile {
        /// Version of the language: `v1`.
        trueup: Version,
        /// The worker's name, for messages.
        worker: Word,
        /// A job waits so long before it is taken, so that one can look at it. Default: it is taken at once.
        takes_after: Option<Length>,
        /// Jobs that are there at the start.
        #[schemars(default)]
        start: Vec<Lying>,
        /// What jobs do. A job of another class is left where it is.
        #[schemars(default)]
        jobs: Vec<Work>,
    }
}

words! {
    "a place of jobs"
    pub enum Where {
        /// In its queue.
        Queued = "queued",
        /// For later.
        Scheduled = "scheduled",
        /// Among those that are tried again.
        Retrying = "retrying",
        /// Among the dead.
        Dead = "dead",
    }
}

shape! {
    /// A job that is there at the start.
    "a job that lies there" pub struct Lying {
        /// Where: `queued`, `scheduled`, `retrying`, `dead`.
        place as "in": Where,
        /// Its class.
        job: Word,
        /// Sidekiq's id of it, 24 digits from 0 to f. Default: a new one.
        jid: Option<Word>,
        /// Its queue. Default: what the connection says of the class, else `default`.
        queue: Option<Word>,
        /// Its arguments, as a `job` step writes them: `[{ record: Trainee/1 }]`.
        #[schemars(default)]
        args: Vec<Value>,
        /// Class of the error that ended it.
        error_class: Option<Word>,
        /// Its text.
        error: Option<Word>,
        /// So long ago it failed, or was enqueued; in the schedule: so much later it runs. Default 1h.
        age: Option<Length>,
    }
}

shape! {
    /// What a job does when a worker takes it. The first of its class whose `when` holds.
    "what a job does" pub struct Work {
        /// Its class.
        job: Word,
        /// Rows that it looks up first: `found.trainee` is a list of rows.
        #[schemars(default)]
        finds: Named<Finds>,
        /// A bare expression that must hold.
        when: Option<Expression>,
        /// What it changes.
        #[schemars(default)]
        writes: Vec<Writes>,
        /// Jobs that it enqueues.
        #[schemars(default)]
        enqueue: Vec<Follow>,
        /// How it fails. What it `writes` is written all the same.
        fails: Option<Fails>,
    }
}

shape! {
    /// A job that a job enqueues.
    "a following job" pub struct Follow {
        /// Its class.
        job: Word,
        /// A bare expression that must hold.
        when: Option<Expression>,
        /// A list: one job for each element, which is `each`.
        each: Option<Datum>,
        /// Its queue. Default: what the connection says of the class, else `default`.
        queue: Option<Word>,
        /// Its arguments, a list.
        args: Option<Datum>,
        /// It runs so much later.
        later as "in": Option<Length>,
    }
}

shape! {
    /// How a job fails.
    "a failure of a job" pub struct Fails {
        /// The error's class.
        class: Text,
        /// Its text.
        message: Text,
    }
}

/// The names that expressions of a worker know.
pub const NAMES: &[&str] = &["job", "found"];

/// A job that is enqueued, with its values.
#[derive(Clone, Debug)]
pub struct New {
    /// Its class.
    pub job: Arc<str>,
    /// Its queue, if it says so.
    pub queue: Option<Arc<str>>,
    /// Its arguments.
    pub args: Vec<Value>,
    /// So much later.
    pub later: Option<std::time::Duration>,
}

/// What one job comes to.
#[derive(Clone, Debug, Default)]
pub struct Outcome {
    /// Changes of databases.
    pub deeds: Vec<RowDeed>,
    /// New jobs.
    pub new: Vec<New>,
    /// Class and text of its error.
    pub failed: Option<(String, String)>,
}

impl WorkerFile {
    /// Reads and checks a worker file; what is wrong goes to `problems`.
    pub fn parse(source: &Arc<Source>, problems: &mut Diagnostics) -> Option<WorkerFile> {
        let node = yaml::parse(source, yaml::DATA_LIMITS, problems)?;
        let mut cx = Lowering::new(problems);
        let file = WorkerFile::from_node(&node, &mut cx);
        if let Some(file) = &file {
            check(&file.start, &file.jobs, &mut cx);
        }
        file.filter(|_| problems.errors() == 0)
    }
}

/// What is wrong with jobs that lie there and with what jobs do.
pub fn check(start: &[Lying], jobs: &[Work], cx: &mut Lowering<'_>) {
    jobs.iter().for_each(|work| work.check(cx));
    for lying in start {
        let failed = matches!(lying.place, Where::Dead | Where::Retrying);
        if failed != lying.error_class.is_some() || (!failed && lying.error.is_some()) {
            let message = "jobs that are dead or tried again have an `error_class`, and no others have an error";
            cx.push(Diagnostic::error(&ROUTE, lying.at, message));
        }
        let digits = |jid: &str| jid.len() == 24 && jid.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'));
        if let Some(jid) = lying.jid.as_ref().filter(|jid| !digits(jid.as_str())) {
            let message = format!("`{}` is no id of a job: 24 digits from 0 to f", jid.as_str());
            cx.push(Diagnostic::error(&ROUTE, jid.span, message));
        }
    }
}

impl Work {
    fn check(&self, cx: &mut Lowering<'_>) {
        let texts = |datum: &Datum, known: &[&str], cx: &mut Lowering<'_>| {
            datum.tree.texts().into_iter().for_each(|t| rules::uses(t.scalar(), t.names(), &[], known, cx));
        };
        for (_, finds) in self.finds.iter() {
            finds.conditions.iter().for_each(|(_, datum)| texts(datum, NAMES, cx));
        }
        if let Some(when) = &self.when {
            rules::uses(when.scalar(), when.names(), &[], NAMES, cx);
        }
        self.writes.iter().for_each(|writes| rules::writes(writes, &[], NAMES, cx));
        for follow in &self.enqueue {
            let inside: Vec<&str> = NAMES.iter().copied().chain(follow.each.as_ref().map(|_| "each")).collect();
            follow.each.iter().for_each(|each| texts(each, NAMES, cx));
            follow.args.iter().for_each(|args| texts(args, &inside, cx));
            if let Some(when) = &follow.when {
                rules::uses(when.scalar(), when.names(), &[], &inside, cx);
            }
        }
        for text in self.fails.iter().flat_map(|fails| [&fails.class, &fails.message]) {
            rules::uses(text.scalar(), text.names(), &[], NAMES, cx);
        }
    }

    /// The rows that it wants to know first.
    pub fn looks(&self, scope: &Scope) -> Result<Vec<(Arc<str>, Look)>, String> {
        self.finds.iter().map(|(name, finds)| Ok((name.into(), finds.look(scope)?))).collect()
    }

    /// What it comes to; nothing when it is not meant. `scope` knows `job` and `found`.
    pub fn outcome(&self, scope: &Scope) -> Result<Option<Outcome>, String> {
        if !holds(self.when.as_ref(), scope)? {
            return Ok(None);
        }
        let mut outcome = Outcome::default();
        for writes in &self.writes {
            outcome.deeds.extend(writes.deeds(scope)?);
        }
        for follow in &self.enqueue {
            outcome.new.extend(follow.jobs(scope)?);
        }
        if let Some(fails) = &self.fails {
            let text = |text: &Text| {
                text.evaluate(scope).map(|made| made.value.bare().into_owned()).map_err(|failure| said(&failure))
            };
            outcome.failed = Some((text(&fails.class)?, text(&fails.message)?));
        }
        Ok(Some(outcome))
    }
}

impl Follow {
    fn jobs(&self, scope: &Scope) -> Result<Vec<New>, String> {
        let Some(each) = &self.each else { return Ok(self.one(scope)?.into_iter().collect()) };
        let list = each.evaluate(scope).map_err(|e| said(&e))?.value;
        let list = list.as_list().ok_or_else(|| format!("`each` needs a list, not {}", list.kind()))?;
        let turn = |value: &Value| self.one(&scope.clone().with("each", value.clone())).transpose();
        list.iter().filter_map(turn).collect()
    }

    fn one(&self, scope: &Scope) -> Result<Option<New>, String> {
        if !holds(self.when.as_ref(), scope)? {
            return Ok(None);
        }
        let args = match &self.args {
            None => Vec::new(),
            Some(args) => {
                let list = args.evaluate(scope).map_err(|e| said(&e))?.value;
                list.as_list().ok_or_else(|| format!("`args` needs a list, not {}", list.kind()))?.to_vec()
            }
        };
        let queue = self.queue.as_ref().map(|word| word.text.clone());
        Ok(Some(New { job: self.job.text.clone(), queue, args, later: self.later.map(|length| length.0) }))
    }
}

fn holds(when: Option<&Expression>, scope: &Scope) -> Result<bool, String> {
    let Some(when) = when else { return Ok(true) };
    when.test(scope).map(|(truth, _)| truth == Truth::Yes).map_err(|failure| said(&failure))
}

/// The scope of a job: its columns under `job`.
pub fn scope_of(job: &Map, now: crate::base::time::Stamp) -> Scope {
    Scope::new().with("job", Value::from(job.clone())).with("found", Value::map::<&str>([])).with_now(now)
}
