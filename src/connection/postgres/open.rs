//! From settings to a connected PostgreSQL session inside its transaction.

use super::{
    super::{
        copy::Copied,
        fault::{Fault, FaultKind},
        ledger::Roles,
        reference::{Secrets, Setting},
        settings::PostgresSettings,
        statement::{Limits, Statement, TraceMark},
        ways,
    },
    Link,
    faults::fault,
    shape::Wire,
};
use crate::base::{secret::Secret, value::Value};
use sqlx::{ConnectOptions, postgres::PgConnectOptions};
use std::{
    future::Future,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
    time::Duration,
};

/// Waiting beyond the server's own timeouts before the network counts as dead.
const GRACE: Duration = Duration::from_secs(30);

/// Where to connect and how, for each role.
#[derive(Clone, Debug)]
pub struct Target {
    write: Door,
    read: Door,
    connect_timeout: Duration,
    patience: Duration,
    pub(super) claim_patience: Duration,
    pub(super) lock_timeout: Duration,
    pub(super) copied: Copied,
    /// Nothing for UTC, which every session has anyway.
    timezone: Option<String>,
    /// What the server's log shows of the run.
    mark: Option<TraceMark>,
    /// What a transaction that changes begins with, where it follows another one at once: as it is, and where a COMMIT would be hasty.
    next: [Arc<str>; 2],
}

type Connecting = ways::Connecting<Wire, sqlx::Error>;
pub(super) type Guest = ways::Guest<Wire, sqlx::Error>;

/// A transaction that begins with the first statement that needs one.
#[derive(Debug)]
pub(super) struct Begin {
    pub(super) sql: &'static str,
    /// The connection has rested, and nobody has heard of it since.
    pub(super) rested: bool,
    door: Door,
    patience: Duration,
}

impl Begin {
    /// Another connection of the same door.
    pub(super) async fn again(&self) -> Result<Wire, Fault> {
        self.door.arrived(self.door.connect(), self.patience).await
    }

    /// Something was asked, and answered.
    pub(super) fn used(self) -> Begin {
        Begin { rested: false, ..self }
    }
}

/// Where handles of one role come in. Handles of both roles share it when there is only one address.
#[derive(Clone, Debug)]
pub(super) struct Door {
    address: Arc<Address>,
    ways: ways::Ways<Wire, sqlx::Error>,
}

/// A read-only transaction. The savepoint is the mark that proves after each query that the session is still in it.
const READING: &str = "BEGIN READ ONLY; SAVEPOINT trueup";

/// READ COMMITTED, because a compare under a row lock must see the newest row, by the session's own setting: told each transaction by name, the server
/// walks through all its settings at each COMMIT. Whether the role may write at all stays the role's own setting.
const CHANGING: &str = "BEGIN";

/// The same where nobody has asked yet whether a COMMIT is durable when it is answered, or where it would not be: what is called done must be there
/// after a crash of the server. `local` and more are the role's own choice. One row says that it was off. Where a session has it on, it
/// is not asked again: a transaction would pay for it each time.
const LASTING: &str =
    "BEGIN; SELECT set_config('synchronous_commit', 'on', true) WHERE current_setting('synchronous_commit') = 'off'";

/// What else a role or a database may have set that leaves out rows or gives a statement another meaning: each as the server has it by itself.
const WHOLE: &[(&str, &str)] = &[
    // The rules read texts by the standard; a server that reads backslashes in them would see another statement.
    ("standard_conforming_strings", "on"),
    // An index of words or lists would give so many rows, and leave out the others by chance.
    ("gin_fuzzy_search_limit", "0"),
    // `NULL` in a list would be a text.
    ("array_nulls", "on"),
    // `a = null` would hold.
    ("transform_null_equals", "off"),
    // What stood in a row could not be put back.
    ("xmloption", "content"),
    // The tables would seem to be built in another way.
    ("quote_all_identifiers", "off"),
];

/// One role's address. `Debug` of the options would show the password, so it shows less.
#[derive(Clone)]
pub struct Address {
    options: PgConnectOptions,
    /// `app at db.example:5432, database register`.
    shown: String,
    /// the environment variable `REGISTER_DATABASE_URL`.
    origin: String,
}

impl std::fmt::Debug for Address {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.shown)
    }
}

impl Target {
    /// Resolves the references and fixes the timeouts; connects to nothing.
    pub fn of(settings: &PostgresSettings, secrets: Secrets<'_>) -> Result<Target, Fault> {
        let length =
            |given: Option<crate::base::shape::Length>, usual| given.map_or(Duration::from_secs(usual), |l| l.0);
        let lock = length(settings.lock_timeout, 2);
        let statement = length(settings.statement_timeout, 15);
        let Some(url) = &settings.url else {
            return Err(Fault::new(FaultKind::Settings, "the connection has no `url`"));
        };
        let mut options = vec![
            ("lock_timeout", lock.as_millis().to_string()),
            ("statement_timeout", statement.as_millis().to_string()),
            (
                "idle_in_transaction_session_timeout",
                (statement + GRACE).max(Duration::from_secs(300)).as_millis().to_string(),
            ),
        ];
        options.push(("default_transaction_isolation", "read committed".into()));
        options.extend(WHOLE.iter().map(|(name, value)| (*name, (*value).to_owned())));
        if let Some(schema) = &settings.schema {
            options.push(("search_path", search_path(schema.as_str())?));
        }
        let address = |setting: &Setting| Address::of(setting, &options, secrets);
        let write = Door::to(address(url)?);
        let read = match &settings.read_url {
            Some(read) => Door::to(address(read)?),
            None => write.clone(),
        };
        let timezone = settings.timezone.as_ref().map(|w| w.as_str().to_owned()).filter(|zone| zone != "UTC");
        let connect_timeout = length(settings.connect_timeout, 10);
        // The server ends the whole statement at `statement_timeout`; a little before that a lock can still be named.
        let claim_patience = if statement.is_zero() { GRACE } else { statement * 9 / 10 }.max(lock);
        let patience = lock.max(statement) + GRACE;
        let (lock_timeout, mark, next) = (lock, None, [CHANGING.into(), LASTING.into()]);
        let copied = Copied::default();
        Ok(Target {
            write,
            read,
            copied,
            connect_timeout,
            patience,
            claim_patience,
            lock_timeout,
            timezone,
            mark,
            next,
        })
    }

    /// The server's log shows this of the run.
    pub fn marked(&mut self, mark: TraceMark) {
        self.next = [CHANGING, LASTING].map(|begin| mark.before(begin).into());
        self.mark = Some(mark);
    }

    /// Who comes in through which door.
    pub fn roles(&self) -> Roles {
        let name = |door: &Door| door.address.options.get_username().to_owned();
        let (write, read) = (name(&self.write), name(&self.read));
        Roles { read: Some(read).filter(|read| *read != write), write: Some(write) }
    }

    /// Both roles come in at one address: what is read there is of the same rows, and no copy of them.
    pub fn reads_where_it_writes(&self) -> bool {
        Arc::ptr_eq(&self.read.address, &self.write.address)
    }

    /// Where reads come in, for people.
    pub(super) fn shown_reading(&self) -> &str {
        &self.read.address.shown
    }

    /// A read-only transaction with the read role.
    pub async fn reading(&self) -> Result<Link, Fault> {
        self.open(&self.read, READING).await
    }

    /// The same for reads that may do without a transaction: it begins with the first one that does not.
    pub async fn glancing(&self) -> Result<Link, Fault> {
        let rested = if self.timezone.is_none() { self.read.ways.rested() } else { None };
        let Some(connection) = rested else { return self.reading().await };
        let begin = Begin { sql: READING, rested: true, door: self.read.clone(), patience: self.connect_timeout };
        Ok(Link { waiting: Some(begin), ..self.link(&self.read, connection) })
    }

    /// A read-only transaction with the write role, where changes come in.
    pub async fn reading_first_hand(&self) -> Result<Link, Fault> {
        self.open(&self.write, READING).await
    }

    /// A transaction with the write role.
    pub async fn changing(&self) -> Result<Link, Fault> {
        self.open(&self.write, CHANGING).await
    }

    /// A connection of its own with the write role, in a transaction: never one that rested.
    pub(super) async fn apart(&self) -> Result<Link, Fault> {
        self.enter(&self.write, self.write.connect(), CHANGING).await
    }

    /// Begins to connect with the read role, because [`Target::reading`] will follow.
    pub fn expect_reading(&self) {
        self.read.ways.expect(|| self.read.connect());
    }

    /// Begins to connect with the write role, because [`Target::changing`] will follow.
    pub fn expect_changing(&self) {
        self.write.ways.expect(|| self.write.connect());
    }

    async fn open(&self, door: &Door, begin: &'static str) -> Result<Link, Fault> {
        // Nothing but settings and BEGIN has gone through a connection that rested or came ahead, so when it is not fit a
        // second try is no second effect.
        if let Some(connection) = door.ways.rested()
            && let Ok(link) = self.begin(self.link(door, connection), begin).await
        {
            return Ok(link);
        }
        if let Some(coming) = door.ways.coming() {
            match self.enter(door, coming, begin).await {
                Err(fault) if fault.kind == FaultKind::Lost => {}
                done => return done,
            }
        }
        self.enter(door, door.connect(), begin).await
    }

    async fn enter(&self, door: &Door, task: Connecting, begin: &'static str) -> Result<Link, Fault> {
        let connection = door.arrived(task, self.connect_timeout).await?;
        self.begin(self.link(door, connection), begin).await
    }

    fn link(&self, door: &Door, connection: Wire) -> Link {
        Link {
            connection,
            patience: self.patience,
            claim_patience: self.claim_patience,
            guest: door.ways.guest(),
            role: door.address.options.get_username().into(),
            waiting: None,
            worn: false,
            next: None,
            stirred: false,
        }
    }

    async fn begin(&self, mut link: Link, begin: &'static str) -> Result<Link, Fault> {
        if let Some(zone) = &self.timezone {
            // Before the transaction: going back to one of its savepoints would take the zone back too.
            let set = Statement::new("SELECT set_config('TimeZone', $1, false)", vec![Value::text(zone.as_str())]);
            let bad = |_| Fault::new(FaultKind::Settings, format!("the server knows no time zone `{zone}`"));
            link.run(&set, Limits::USUAL).await.map_err(bad)?;
        }
        if begin == CHANGING {
            link.begin_lasting(&self.next).await?;
        } else {
            match &self.mark {
                None => link.batch(begin).await?,
                Some(mark) => link.begin_marked(mark, begin).await?,
            }
        }
        link.stirred = self.timezone.is_some();
        // A time zone is a value, which no fixed words can hold.
        let goes_on = begin == CHANGING && self.timezone.is_none();
        link.next = goes_on.then(|| self.next[usize::from(link.connection.hasty == Some(true))].clone());
        Ok(link)
    }
}

impl Door {
    fn to(address: Address) -> Door {
        Door { address: Arc::new(address), ways: ways::Ways::default() }
    }

    /// In a task of its own: a caller that is cancelled leaves no half-open session behind, the task ends and closes.
    fn connect(&self) -> Connecting {
        let address = self.address.clone();
        tokio::spawn(Urged(Box::pin(async move { address.options.connect().await.map(Wire::from) })))
    }

    /// The connection that comes out of it.
    async fn arrived(&self, mut task: Connecting, patience: Duration) -> Result<Wire, Fault> {
        let address = &self.address;
        match tokio::time::timeout(patience, &mut task).await {
            Ok(Ok(done)) => done.map_err(|e| address.explain(e)),
            Ok(Err(panic)) => Err(Fault::new(FaultKind::Refused, format!("connecting broke off: {panic}"))),
            Err(_) => {
                task.abort();
                let waited = patience.as_millis();
                Err(Fault::new(FaultKind::Refused, format!("{} did not answer within {waited} ms", address.shown)))
            }
        }
    }
}

/// Looks again at once when its work gives way without waiting for anything. While the driver computes the proof of a
/// password it gives way 800 times, and each would cost a look at the network.
struct Urged<F>(Pin<Box<F>>);

impl<F: Future> Future for Urged<F> {
    type Output = F::Output;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<F::Output> {
        for _ in 0..100 {
            if let Poll::Ready(done) = self.0.as_mut().poll(context) {
                return Poll::Ready(done);
            }
        }
        Poll::Pending
    }
}

impl Address {
    /// From a setting of a project file, for a session that is nobody's connection: the journal.
    pub fn resolve(setting: &Setting, secrets: Secrets<'_>) -> Result<Address, Fault> {
        Address::of(setting, &[], secrets)
    }

    /// Where to connect.
    pub fn options(&self) -> PgConnectOptions {
        self.options.clone()
    }

    /// `` `app` at db.example:5432, database `register` ``; without the password.
    pub fn shown(&self) -> &str {
        &self.shown
    }

    fn of(setting: &Setting, options: &[(&'static str, String)], secrets: Secrets<'_>) -> Result<Address, Fault> {
        let text = setting.resolve(secrets)?;
        let origin = match setting {
            Setting::Plain(_) => "the project file".to_owned(),
            Setting::Secret(reference) => reference.to_string(),
        };
        let wrong = |what: &str| {
            Fault::new(FaultKind::Settings, format!("{origin} holds no address of a PostgreSQL database: {what}"))
                .advise("write `postgres://user:password@host:5432/database`")
        };
        let url = url::Url::parse(text.reveal().trim()).map_err(|e| wrong(&e.to_string()))?;
        if !matches!(url.scheme(), "postgres" | "postgresql") {
            return Err(wrong("it does not begin with `postgres://`"));
        }
        if url.username().is_empty() || url.path().trim_start_matches('/').is_empty() {
            return Err(wrong("user or database is missing"));
        }
        if let Some(password) = url.password() {
            if let Setting::Plain(_) = setting {
                return Err(Fault::in_clear_text());
            }
            // The whole text is masked already; a message may hold the password alone.
            let decoded = percent_encoding::percent_decode_str(password).decode_utf8_lossy();
            secrets.masks.add(&Secret::new(decoded));
        }
        let made = PgConnectOptions::from_url(&url).map_err(|_| wrong("a part of it cannot be read"))?;
        let made = made.application_name("trueup").options(options.iter().map(|(k, v)| (*k, v.as_str())));
        let host = made.get_socket().map_or_else(|| made.get_host().to_owned(), |s| s.display().to_string());
        let database = made.get_database().unwrap_or_default();
        let shown = format!("`{}` at {host}:{}, database `{database}`", made.get_username(), made.get_port());
        Ok(Address { options: made.disable_statement_logging(), shown, origin })
    }

    /// What went wrong while connecting, with the address and where it comes from; never the password.
    fn explain(&self, error: sqlx::Error) -> Fault {
        let mut fault = fault(error);
        if fault.kind == FaultKind::Lost {
            fault.kind = FaultKind::Refused;
        }
        // PgBouncer knows a few settings by name and refuses the others.
        let pooler = fault.message.contains("unsupported startup parameter");
        fault.message = format!("{}: {}", self.shown, fault.message);
        let advice = match fault.kind {
            _ if pooler => Some(format!(
                "a pooler stands in between and refuses the timeouts that trueup sets on its sessions: use the address of the \
                 server itself; it comes from {}",
                self.origin
            )),
            FaultKind::Auth => Some(format!("check user and password; they come from {}", self.origin)),
            FaultKind::NoDatabase => Some(format!("check the database name in {}", self.origin)),
            FaultKind::Refused => Some(fault.reaching(&self.origin)),
            _ => None,
        };
        advice.into_iter().fold(fault, Fault::advise)
    }
}

/// Only plain names, because the text becomes a setting that the server splits by its own rules.
fn search_path(schema: &str) -> Result<String, Fault> {
    let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_';
    if schema.is_empty() || !schema.chars().all(plain) {
        return Err(Fault::new(FaultKind::Settings, format!("`schema: {schema}` is not a plain lower-case name")));
    }
    Ok(schema.to_owned())
}
