//! What a step wants done, as data: every expression evaluated, every name translated, nothing carried out yet.
//!
//! Deeds are what the engine carries out, once in the rehearsal and once for good, by the same code.

use super::{ask::AnswerField, change::Change, command::OutputForm, resource::deed::Resource};
use crate::{
    base::{
        source::Span,
        value::{Map, Value},
    },
    connection::{
        http::Format,
        sidekiq::{Change as JobsBefore, Keeper, Place, settings::Retries},
    },
    effect::{
        change::{RowChange, TableName},
        compared::Comparison,
    },
    read::expect::{Expect, Touches},
    table::condition::{Condition, Order},
    template::{Bound, Path, Scope},
};
use std::{sync::Arc, time::Duration};

/// One deed.
#[derive(Clone, Debug)]
pub enum Deed {
    /// Rows of a declared table.
    Find(Find),
    /// Rows of a free SELECT.
    Query(Query),
    /// Something that goes to a system outside the databases.
    Outgoing(Outgoing),
    /// A change of rows.
    Change(Change),
    /// A thing behind an API: read, or brought into a state.
    Resource(Box<Resource>),
    /// Two records, field by field.
    Compare(Comparison),
    /// A free writing statement.
    Statement(Statement),
    /// Background jobs, counted.
    Tally(Tally),
    /// A change of background jobs.
    Jobs(Jobs),
    /// A condition.
    Judge(Judgement),
    /// A value under a name.
    Give(Value),
    /// A question to a person.
    Question(Question),
    /// A message to a person.
    Message(Message),
    /// Rows that become what they were: an undo.
    Restore(Restore),
}

/// Rows of a declared table.
#[derive(Clone, Debug)]
pub struct Find {
    /// The table.
    pub table: TableName,
    /// What must hold.
    pub conditions: Vec<Condition>,
    /// In which order.
    pub order: Vec<Order>,
    /// Only these columns; empty means all.
    pub columns: Vec<Arc<str>>,
    /// How many rows are right.
    pub expect: Expect,
}

impl Find {
    /// Something in its conditions is only known after apply.
    pub fn is_unknown(&self) -> bool {
        self.conditions.iter().any(Condition::is_unknown)
    }
}

/// Rows of a free SELECT.
#[derive(Clone, Debug)]
pub struct Query {
    /// The connection.
    pub connection: Arc<str>,
    /// The statement with its binds.
    pub bound: Bound,
    /// How many rows are right.
    pub expect: Expect,
    /// The table whose facts the columns take.
    pub like: Option<TableName>,
}

/// A free writing statement.
#[derive(Clone, Debug)]
pub struct Statement {
    /// The connection.
    pub connection: Arc<str>,
    /// The statement with its binds.
    pub bound: Bound,
    /// How many rows it must touch.
    pub touches: Touches,
}

/// What goes to a system outside the databases, to read or to change something there. How each is sent, shown, kept and
/// found out is the engine's (`engine::outgoing`); a new kind is one variant here and one file there.
#[derive(Clone, Debug)]
pub enum Outgoing {
    /// A call of an API.
    Call(Call),
    /// A change of background jobs, with all its bytes: what a wish ([`Jobs`]) comes to when it is looked at.
    Jobs(JobsChange),
    /// A start of a program.
    Command(Command),
}

impl Outgoing {
    /// The connection that it goes through.
    pub fn connection(&self) -> &Arc<str> {
        match self {
            Outgoing::Call(call) => &call.api,
            Outgoing::Jobs(change) => &change.connection,
            Outgoing::Command(command) => &command.program,
        }
    }

    /// Changes nothing.
    pub fn is_read(&self) -> bool {
        match self {
            Outgoing::Call(call) => call.is_read(),
            Outgoing::Jobs(_) => false,
            Outgoing::Command(command) => !command.change,
        }
    }

    /// Something in it is only known after apply.
    pub fn is_unknown(&self) -> bool {
        match self {
            Outgoing::Call(call) => call.is_unknown(),
            Outgoing::Jobs(_) => false,
            Outgoing::Command(command) => command.is_unknown(),
        }
    }
}

/// A call of an API.
#[derive(Clone, Debug)]
pub struct Call {
    /// The connection.
    pub api: Arc<str>,
    /// `GET`, `PATCH`, …
    pub method: &'static str,
    /// The path below the API's base; values in it percent-encoded. Unknown while a part of it is.
    pub path: Value,
    /// Query parameters; null ones are left out already.
    pub query: Vec<(Arc<str>, Value)>,
    /// Headers.
    pub headers: Vec<(Arc<str>, Value)>,
    /// The body.
    pub body: Option<Value>,
    /// How it is written.
    pub format: Format,
    /// The deadline of this call.
    pub timeout: Option<Duration>,
    /// What the author's conditions on the answer look at; nothing where there are none, or where the call comes from the
    /// journal and nobody has said yet.
    pub scope: Option<Scope>,
    /// The resource of the project file that it reads or writes: granted by this name, not by its method.
    pub resource: Option<Arc<str>>,
}

impl Call {
    /// Changes nothing.
    pub fn is_read(&self) -> bool {
        matches!(self.method, "GET" | "HEAD")
    }

    /// Something in it is only known after apply.
    pub fn is_unknown(&self) -> bool {
        self.path.is_unknown()
            || self.query.iter().chain(&self.headers).any(|(_, v)| v.is_unknown())
            || self.body.as_ref().is_some_and(Value::is_unknown)
    }
}

/// A start of a program.
#[derive(Clone, Debug)]
pub struct Command {
    /// The connection.
    pub program: Arc<str>,
    /// Its arguments behind the fixed ones; single values, as text when it starts.
    pub arguments: Vec<Value>,
    /// It changes something.
    pub change: bool,
    /// What asks it what the change would do.
    pub preview: Option<Vec<Value>>,
    /// What it reads.
    pub input: Option<Value>,
    /// What its output is read as.
    pub form: OutputForm,
    /// The deadline of this call.
    pub timeout: Option<Duration>,
}

impl Command {
    /// Something in it is only known after apply.
    pub fn is_unknown(&self) -> bool {
        self.arguments.iter().chain(&self.input).any(Value::is_unknown)
    }
}

/// Rows that become what they were before another run changed them.
#[derive(Clone, Debug)]
pub struct Restore {
    /// The connection.
    pub connection: Arc<str>,
    /// What the other run did, in its order; taken back from the last to the first.
    pub rows: Vec<RowChange>,
    /// Tables that the other run touched besides, and how many rows it added there, where that is known: so many may be deleted along with
    /// its own rows.
    pub also: Vec<(Arc<str>, Option<u64>)>,
    /// Write the application's audit rows, where tables have a rule.
    pub audit: bool,
    /// One row that cannot be taken back stops the whole; else it is left alone.
    pub all_or_nothing: bool,
}

/// Background jobs, counted.
#[derive(Clone, Debug)]
pub struct Tally {
    /// The connection.
    pub connection: Arc<str>,
    /// Where they are.
    pub places: Vec<Place>,
    /// What must hold.
    pub conditions: Vec<Condition>,
    /// The columns to count by.
    pub by: Vec<Arc<str>>,
}

impl Tally {
    /// Something in its conditions is only known after apply.
    pub fn is_unknown(&self) -> bool {
        self.conditions.iter().any(Condition::is_unknown)
    }
}

/// A change of background jobs.
#[derive(Clone, Debug)]
pub struct Jobs {
    /// The connection.
    pub connection: Arc<str>,
    /// What is done.
    pub verb: JobVerb,
    /// The connections that the jobs may change something in; nothing means every API.
    pub affects: Option<Vec<Arc<str>>>,
}

/// What is done with background jobs.
#[derive(Clone, Debug)]
pub enum JobVerb {
    /// A new one.
    Enqueue(Box<Enqueue>),
    /// Back into their queues.
    Retry(Pick),
    /// Away.
    Delete(Pick),
    /// What another run did to jobs is taken back.
    Restore(Box<JobsBack>),
}

/// A new job.
#[derive(Clone, Debug)]
pub struct Enqueue {
    /// Its class.
    pub job: Arc<str>,
    /// Its queue; nothing means what the project file says.
    pub to: Option<Arc<str>>,
    /// Its arguments as the playbook gives them.
    pub args: Value,
    /// Those by name.
    pub keywords: Map,
    /// When it runs, from when it is enqueued.
    pub later: Option<Duration>,
    /// When it runs.
    pub moment: Option<Value>,
    /// How often it is tried again; nothing means what the project file says.
    pub retries: Option<Retries>,
    /// Not if an equal one waits.
    pub unless_waiting: bool,
}

/// A change of background jobs, with all its bytes.
#[derive(Clone, Debug)]
pub struct JobsChange {
    /// The connection.
    pub connection: Arc<str>,
    /// For people: `retry Dqt::UpdateTraineeJob Trainee/1 from dead to queue dqt`.
    pub line: String,
    /// The script's steps.
    pub change: Arc<JobsBefore>,
    /// What the step gives once it is done; `at` comes from Redis.
    pub result: Value,
    /// What the Redis was like to which it is given: of another one a missing mark proves nothing.
    pub keeper: Keeper,
}

/// The opposite of a change of jobs.
#[derive(Clone, Debug)]
pub struct JobsBack {
    /// What was done.
    pub done: Arc<JobsBefore>,
    /// Ids of jobs that an earlier undo of the same run, which left something alone, has put back or taken out already.
    pub made: Vec<Arc<str>>,
    /// One job that is not where it was put stops the whole.
    pub all_or_nothing: bool,
}

/// Which jobs.
#[derive(Clone, Debug)]
pub struct Pick {
    /// Where they are.
    pub from: Place,
    /// What must hold.
    pub conditions: Vec<Condition>,
    /// It is the one with this id.
    pub single: bool,
    /// How many these may be.
    pub touches: Touches,
}

impl Jobs {
    /// Something that decides what is done is only known after apply.
    pub fn is_unknown(&self) -> bool {
        match &self.verb {
            JobVerb::Enqueue(new) => new.moment.as_ref().is_some_and(Value::is_unknown),
            JobVerb::Retry(pick) | JobVerb::Delete(pick) => pick.conditions.iter().any(Condition::is_unknown),
            JobVerb::Restore(_) => false,
        }
    }
}

/// A condition and what it gave.
#[derive(Clone, Debug)]
pub struct Judgement {
    /// Its value.
    pub holds: Option<bool>,
    /// Why it cannot be told yet, when it cannot.
    pub unknown: Option<Arc<str>>,
    /// What it looked at, with the values: for the message of a failed check.
    pub seen: Vec<(Path, Value)>,
    /// Where the author wrote it.
    pub at: Span,
}

/// A question to a person.
#[derive(Clone, Debug)]
pub struct Question {
    /// Who is asked.
    pub who: Arc<str>,
    /// The question.
    pub text: Value,
    /// What the answer consists of.
    pub answer: Vec<(Arc<str>, AnswerField)>,
    /// What the person may change before answering; nothing means every API.
    pub affects: Option<Vec<Arc<str>>>,
    /// How long the answer may take.
    pub within: Option<Duration>,
    /// How often the person is reminded.
    pub remind: Option<Duration>,
}

/// A message to a person.
#[derive(Clone, Debug)]
pub struct Message {
    /// Who is told.
    pub who: Arc<str>,
    /// The message.
    pub text: Value,
}
