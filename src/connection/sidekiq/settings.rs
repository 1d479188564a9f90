//! What the project file says of a Sidekiq. Shapes only.

use super::error_format::ErrorFormat;
use crate::{
    base::{
        diagnostic::Diagnostic,
        shape::{BAD_FORM, FromNode, Length, Lowering, Named, ONE_OF, Word},
        yaml::Node,
    },
    connection::reference::Setting,
    shape, words,
};

shape! {
    /// The background jobs of a Rails application: ActiveJob on Sidekiq, in Redis. Gives the tables `queued`, `scheduled`,
    /// `retrying` and `dead`.
    "a Sidekiq connection" pub struct SidekiqSettings {
        /// `redis://host:6379/0`, or `rediss://` for TLS; with a password only through a reference.
        url: Option<Setting>,
        /// With `rediss://`: the certificates that the server's is checked against, a PEM file relative to the project file.
        /// Default: the public authorities.
        ca: Option<Word>,
        /// The application's name in its GlobalIDs: `gid://APP/Trainee/1`. Needed to enqueue jobs that are given a record.
        app: Option<Word>,
        /// The version of Rails that reads the jobs. Default `7.1`.
        rails: Option<Rails>,
        /// How the application's error messages are written, so that their parts can be told:
        /// `"status: {status:int}, body: {body:json}, headers: {headers}"`.
        error_format: Option<ErrorFormat>,
        /// In front of every key, where the application uses `redis-namespace`.
        namespace: Option<Word>,
        /// Which columns tell about a person. Default `[args, keywords, error]`; of `error` the message, the body and what else
        /// its format tells apart, not the class and not the status.
        personal: Option<Vec<Word>>,
        /// What is known about job classes: their queue and how often Sidekiq tries them again.
        #[schemars(default)]
        jobs: Named<JobFacts>,
        /// How long connecting may take. Default 5s.
        connect_timeout: Option<Length>,
        /// How long one answer may take. Default 10s.
        timeout: Option<Length>,
        /// `redis://` without TLS to another machine carries the password and the jobs in clear, and must be said. Default false.
        insecure: Option<bool>,
        /// A look refuses to go through more jobs than these. Default 100000.
        most: Option<u32>,
    }
}

shape! {
    /// What is known about a job class.
    "facts about a job" pub struct JobFacts {
        /// The queue that it is enqueued to when a step does not say `to:`.
        queue: Option<Word>,
        /// How often Sidekiq tries it again: `true` (25 times), `false` (never, and forgotten), a number (0: straight to the dead
        /// ones). Default `true`.
        retries: Option<Retries>,
    }
}

words! {
    "a version of Rails"
    pub enum Rails {
        /// Rails 6.0 and 6.1.
        V61 = "6.1",
        /// Rails 7.0: zones are written with the time.
        V70 = "7.0",
        /// Rails 7.1 and later.
        V71 = "7.1",
    }
}

/// Sidekiq's `retry` option of a job.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Retries {
    /// As often as Sidekiq does by default.
    Usual,
    /// Never; a job that fails is forgotten.
    Never,
    /// So often; then it is dead.
    Times(u32),
}

impl FromNode for Retries {
    fn from_node(node: &Node, cx: &mut Lowering<'_>) -> Option<Self> {
        let Node::Scalar(scalar) = node else { return cx.wrong_type(node, "a number, `true` or `false`") };
        let value = scalar.value();
        match (value.as_bool(), value.as_int()) {
            (Some(true), _) => Some(Retries::Usual),
            (Some(false), _) => Some(Retries::Never),
            (_, Some(n)) if (0..=1000).contains(&n) => Some(Retries::Times(u32::try_from(n).unwrap_or(0))),
            _ => {
                let message = format!("`{}` says not how often a job is tried again", scalar.text);
                cx.push(
                    Diagnostic::error(&BAD_FORM, scalar.span, message)
                        .help("write `true`, `false` or a number up to 1000"),
                );
                None
            }
        }
    }
}
crate::plain_schema!(Retries, { "anyOf": [{ "type": "boolean" }, { "type": "integer", "minimum": 0, "maximum": 1000 }] });

/// The four tables of a Sidekiq connection.
pub const TABLES: [&str; 4] = ["queued", "scheduled", "retrying", "dead"];

/// The columns that are personal unless the project file says otherwise.
const PERSONAL: [&str; 3] = ["args", "keywords", "error"];

impl SidekiqSettings {
    /// What differs in one environment: keys that are given there.
    pub fn with(&self, over: &SidekiqSettings) -> SidekiqSettings {
        let base = self.clone();
        SidekiqSettings {
            url: over.url.clone().or(base.url),
            ca: over.ca.clone().or(base.ca),
            app: over.app.clone().or(base.app),
            rails: over.rails.or(base.rails),
            error_format: over.error_format.clone().or(base.error_format),
            namespace: over.namespace.clone().or(base.namespace),
            personal: over.personal.clone().or(base.personal),
            jobs: if over.jobs.entries.is_empty() { base.jobs } else { over.jobs.clone() },
            connect_timeout: over.connect_timeout.or(base.connect_timeout),
            timeout: over.timeout.or(base.timeout),
            insecure: over.insecure.or(base.insecure),
            most: over.most.or(base.most),
            at: over.at,
        }
    }

    /// Whether this column tells about a person.
    pub fn is_personal(&self, column: &str) -> bool {
        match &self.personal {
            Some(words) => words.iter().any(|word| word.as_str() == column),
            None => PERSONAL.contains(&column),
        }
    }

    /// The version of Rails that reads the jobs.
    pub fn rails(&self) -> Rails {
        self.rails.unwrap_or(Rails::V71)
    }

    /// What is wrong with it: a password in the file, a column that does not exist.
    pub fn problems(&self, name: &str) -> Vec<Diagnostic> {
        let mut found = Vec::new();
        if let Some(Setting::Plain(word)) = &self.url
            && url::Url::parse(word.as_str()).is_ok_and(|url| url.password().is_some())
        {
            // The text itself is not repeated.
            found.push(
                Diagnostic::error(&BAD_FORM, word.span, format!("the address of `{name}` holds a password")).help(
                    "give it by a reference: `url: { secret: NAME }`, and the whole address in the variable NAME",
                ),
            );
        }
        for word in self.personal.iter().flatten().filter(|word| super::columns::kind(word.as_str()).is_none()) {
            found.push(
                Diagnostic::error(&ONE_OF, word.span, format!("jobs have no column `{}`", word.as_str()))
                    .suggest(word.as_str(), super::columns::names()),
            );
        }
        found
    }
}
