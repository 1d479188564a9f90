//! From settings to a connected MySQL or MariaDB session inside its transaction.

use super::{
    super::{
        copy::Copied,
        fault::{Fault, FaultKind},
        ledger::Roles,
        reference::{Secrets, Setting},
        settings::MysqlSettings,
        statement::{TraceMark, trusted},
        ways,
    },
    Flavour, Link,
    faults::fault,
    rest::{self, Rested},
    within,
};
use crate::base::{secret::Secret, shape::Length};
use sqlx::{Column, ConnectOptions, Executor, MySqlConnection, Row, Statement as _, mysql::MySqlConnectOptions};
use std::{
    collections::{BTreeMap, HashMap},
    sync::Arc,
    time::Duration,
};

/// Waiting beyond the server's own timeouts before the network counts as dead.
const GRACE: Duration = Duration::from_secs(30);

type Connecting = ways::Connecting<Rested, Fault>;
pub(super) type Guest = ways::Guest<Rested, Fault>;

/// A read-only transaction. The savepoint is the mark that proves after each query that the session is still in it.
const READING: &str = "START TRANSACTION READ ONLY; SAVEPOINT trueup";

/// READ WRITE by name: a replica refuses it now, and not in the middle.
const CHANGING: &str = "START TRANSACTION READ WRITE";

/// Whatever the server is set to: nothing is cut or guessed in silence, `||` joins texts as in the other databases, and
/// quotes and backslashes have one meaning. A key that is 0 is 0, and no wish for the next number.
const SQL_MODE: &str = "STRICT_ALL_TABLES,STRICT_TRANS_TABLES,NO_ZERO_IN_DATE,NO_ZERO_DATE,ERROR_FOR_DIVISION_BY_ZERO,\
                        NO_ENGINE_SUBSTITUTION,PIPES_AS_CONCAT,NO_AUTO_VALUE_ON_ZERO";

/// What a server or an `init_connect` may have set that leaves out rows, shortens values, checks less or gives a statement
/// another meaning; each is what the server has by itself. (`default` would be what the server was set to.) Its messages are read
/// here, which is why they are in English. What makes it refuse (`max_join_size`, `sql_safe_updates`) is its administrator's business,
/// and what its triggers and views count on as well (`div_precision_increment`, `lc_time_names`, `old_mode`) stays.
const WHOLE: &str = "sql_select_limit = 18446744073709551615, group_concat_max_len = 1073741824, \
                     max_sort_length = greatest(@@session.max_sort_length, 1024), completion_type = 0, sql_auto_is_null = 0, \
                     lc_messages = 'en_US', foreign_key_checks = 1, unique_checks = 1";

/// The same where only MariaDB has it. A recursion that reaches its limit would end in silence, with the rows that it has; time limits
/// it. Here `default` is the present, whatever the server was set to, and no time that could be written means the same.
const WHOLE_MARIADB: &str =
    "max_recursive_iterations = 4294967295, check_constraint_checks = 1, system_versioning_asof = default";

/// How many SET statements [`Target::settings`] has.
const SETS: u64 = 2;

/// The version, and a column of the type in which decimals travel. Asked before the session is set, where a `sql_select_limit` may hold:
/// a LIMIT of its own goes before that.
const WHO: &str = "select version() as version, cast(1 as decimal(65,30)) as number limit 1";

/// Where to connect and how, for each role.
#[derive(Clone, Debug)]
pub struct Target {
    write: Door,
    read: Door,
    connect_timeout: Duration,
    statement_timeout: Duration,
    patience: Duration,
    pub(super) claim_patience: Duration,
    lock_timeout: Duration,
    pub(super) copied: Copied,
    /// What the server's log shows of the run.
    pub(in crate::connection) mark: Option<TraceMark>,
}

/// Where handles of one role come in. Handles of both roles share it when there is only one address.
#[derive(Clone, Debug)]
struct Door {
    address: Arc<Address>,
    ways: ways::Ways<Rested, Fault>,
}

/// One role's address. `Debug` of the options would show the password, so it shows less.
#[derive(Clone)]
struct Address {
    options: MySqlConnectOptions,
    user: String,
    database: Arc<str>,
    /// `` `app` at db.example:3306, database `lms` ``.
    shown: String,
    /// the environment variable `LMS_DATABASE_URL`.
    origin: String,
}

impl std::fmt::Debug for Address {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.shown)
    }
}

impl Target {
    /// Resolves the references and fixes the timeouts; connects to nothing.
    pub fn of(settings: &MysqlSettings, secrets: Secrets<'_>) -> Result<Target, Fault> {
        let length = |given: Option<Length>, usual| given.map_or(Duration::from_secs(usual), |l| l.0);
        let lock = length(settings.lock_timeout, 2);
        let statement = length(settings.statement_timeout, 15);
        let Some(url) = &settings.url else {
            return Err(Fault::new(FaultKind::Settings, "the connection has no `url`"));
        };
        let door = |setting: &Setting| Address::of(setting, secrets).map(Door::to);
        let write = door(url)?;
        let read = settings.read_url.as_ref().map_or_else(|| Ok(write.clone()), door)?;
        let claim_patience = if statement.is_zero() { GRACE } else { statement * 9 / 10 }.max(lock);
        Ok(Target {
            write,
            read,
            connect_timeout: length(settings.connect_timeout, 10),
            statement_timeout: statement,
            patience: lock.max(statement) + GRACE,
            claim_patience,
            lock_timeout: lock,
            copied: Copied::default(),
            mark: None,
        })
    }

    /// Who comes in through which address.
    pub fn roles(&self) -> Roles {
        let (write, read) = (self.write.address.user.clone(), self.read.address.user.clone());
        Roles { read: Some(read).filter(|read| *read != write), write: Some(write) }
    }

    /// Both roles come in at one address.
    pub(super) fn reads_where_it_writes(&self) -> bool {
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

    /// A read-only transaction with the write role, where changes come in.
    pub async fn reading_first_hand(&self) -> Result<Link, Fault> {
        self.open(&self.write, READING).await
    }

    /// A transaction with the write role.
    pub async fn changing(&self) -> Result<Link, Fault> {
        self.open(&self.write, CHANGING).await
    }

    /// Begins to connect with the read role, because [`Target::reading`] will follow.
    pub fn expect_reading(&self) {
        self.read.ways.expect(|| self.read.connect(self.patience));
    }

    /// Begins to connect with the write role, because [`Target::changing`] will follow.
    pub fn expect_changing(&self) {
        self.write.ways.expect(|| self.write.connect(self.patience));
    }

    async fn open(&self, door: &Door, begin: &'static str) -> Result<Link, Fault> {
        // Nothing but settings and START TRANSACTION has gone through a connection that rested or came ahead, so when it is
        // not fit a second try is no second effect.
        if let Some(rested) = door.ways.rested()
            && let Ok(link) = self.begin(door, rested, begin).await
        {
            return Ok(link);
        }
        if let Some(coming) = door.ways.coming() {
            match self.enter(door, coming, begin).await {
                Err(fault) if fault.kind == FaultKind::Lost => {}
                done => return done,
            }
        }
        self.enter(door, door.connect(self.patience), begin).await
    }

    async fn enter(&self, door: &Door, mut task: Connecting, begin: &'static str) -> Result<Link, Fault> {
        let address = &door.address;
        let made = match tokio::time::timeout(self.connect_timeout, &mut task).await {
            Ok(Ok(done)) => done.map_err(|fault| address.explain(fault))?,
            Ok(Err(panic)) => return Err(Fault::new(FaultKind::Refused, format!("connecting broke off: {panic}"))),
            Err(_) => {
                task.abort();
                let waited = self.connect_timeout.as_millis();
                let message = format!("{} did not answer within {waited} ms", address.shown);
                return Err(Fault::new(FaultKind::Refused, message));
            }
        };
        self.begin(door, made, begin).await
    }

    async fn begin(&self, door: &Door, rested: Rested, begin: &'static str) -> Result<Link, Fault> {
        let Rested { connection, flavour, decimal, sets } = rested;
        let mut link = Link {
            connection,
            flavour,
            database: door.address.database.clone(),
            patience: self.patience,
            lock_timeout: self.lock_timeout,
            claim_patience: self.claim_patience,
            decimal,
            about: HashMap::new(),
            routines: None,
            declared: HashMap::new(),
            counts: BTreeMap::new(),
            last_id: 0,
            sets,
            guest: door.ways.guest(),
        };
        // One text is one way there and back.
        let begin = self.mark.as_ref().map_or_else(|| begin.to_owned(), |mark| mark.before(begin));
        link.set(&format!("{}; {begin}", self.settings(flavour)), SETS).await?;
        Ok(link)
    }

    /// What holds for the whole session, in [`SETS`] statements; said again for each handle.
    ///
    /// READ COMMITTED, because a compare under a row lock must see the newest row, and so must the plain reads around it:
    /// under REPEATABLE READ a locking read sees the newest row and a plain read of the same transaction an older one.
    /// Without autocommit, so that nothing becomes durable by itself should a statement ever end the transaction.
    fn settings(&self, flavour: Flavour) -> String {
        let lock = seconds(self.lock_timeout);
        let idle = (self.statement_timeout + GRACE).max(Duration::from_secs(300)).as_secs();
        let statement = match flavour {
            Flavour::MariaDb => format!(
                "max_statement_time = {}, idle_transaction_timeout = {idle}, {WHOLE_MARIADB}",
                self.statement_timeout.as_secs_f64()
            ),
            Flavour::MySql => format!("max_execution_time = {}", self.statement_timeout.as_millis()),
        };
        format!(
            "SET SESSION sql_mode = '{SQL_MODE}', time_zone = '+00:00', innodb_lock_wait_timeout = {lock}, \
             lock_wait_timeout = {lock}, wait_timeout = {idle}, autocommit = 0, {WHOLE}, {statement}; SET SESSION TRANSACTION ISOLATION LEVEL READ COMMITTED"
        )
    }
}

/// MySQL knows whole seconds, at least one.
pub(super) fn seconds(length: Duration) -> u64 {
    length.as_secs() + u64::from(length.subsec_nanos() > 0 || length.is_zero())
}

impl Door {
    fn to(address: Address) -> Door {
        Door { address: Arc::new(address), ways: ways::Ways::default() }
    }

    /// In a task of its own: a caller that is cancelled leaves no half-open session behind, the task ends and closes.
    fn connect(&self, patience: Duration) -> Connecting {
        let options = self.address.options.clone();
        tokio::spawn(async move {
            let connection = options.connect().await.map_err(|e| fault(e, ""))?;
            introduced(connection, patience).await
        })
    }
}

async fn introduced(mut connection: MySqlConnection, patience: Duration) -> Result<Rested, Fault> {
    let statement = within(patience, WHO, connection.prepare(trusted(WHO))).await?;
    let number = statement.columns().get(1).map(|column| column.type_info().clone());
    let row = within(patience, WHO, sqlx::query(WHO).fetch_one(&mut connection)).await?;
    let version: String = row.try_get(0).map_err(|e| fault(e, WHO))?;
    let flavour = if version.contains("MariaDB") { Flavour::MariaDb } else { Flavour::MySql };
    let decimal = number.ok_or_else(|| Fault::new(FaultKind::Lost, "the server's answer was not understood"))?;
    let sets = rest::sets(&mut connection, flavour, patience).await?;
    Ok(Rested { connection, flavour, decimal, sets })
}

/// Keys of an address that are about the way to the server. The driver would take others that change what a session reads.
const KEYS: &[&str] = &["ssl-mode", "sslmode", "ssl-ca", "sslca", "ssl-cert", "sslcert", "ssl-key", "sslkey", "socket"];

impl Address {
    fn of(setting: &Setting, secrets: Secrets<'_>) -> Result<Address, Fault> {
        let text = setting.resolve(secrets)?;
        let origin = match setting {
            Setting::Plain(_) => "the project file".to_owned(),
            Setting::Secret(reference) => reference.to_string(),
        };
        let wrong = |what: &str| {
            Fault::new(FaultKind::Settings, format!("{origin} holds no address of a MySQL database: {what}"))
                .advise("write `mysql://user:password@host:3306/database`")
        };
        let url = url::Url::parse(text.reveal().trim()).map_err(|e| wrong(&e.to_string()))?;
        if !matches!(url.scheme(), "mysql" | "mariadb") {
            return Err(wrong("it does not begin with `mysql://`"));
        }
        let decoded = |part: &str| percent_encoding::percent_decode_str(part).decode_utf8_lossy().into_owned();
        let (user, database) = (decoded(url.username()), decoded(url.path().trim_start_matches('/')));
        if user.is_empty() || database.is_empty() {
            return Err(wrong("user or database is missing"));
        }
        if let Some((key, _)) = url.query_pairs().find(|(key, _)| !KEYS.contains(&&**key)) {
            return Err(wrong(&format!(
                "`{key}` is no part of it (known are ssl-mode, ssl-ca, ssl-cert, ssl-key and socket)"
            )));
        }
        if let Some(password) = url.password() {
            if let Setting::Plain(_) = setting {
                return Err(Fault::in_clear_text());
            }
            // The whole text is masked already; a message may hold the password alone.
            secrets.masks.add(&Secret::new(decoded(password)));
        }
        let made = MySqlConnectOptions::from_url(&url).map_err(|_| wrong("a part of it cannot be read"))?;
        // The settings of a session are made by us, in one statement.
        let made = made.timezone(None).pipes_as_concat(false).no_engine_substitution(false);
        let place = match url.query_pairs().find(|(key, _)| key == "socket") {
            Some((_, socket)) => socket.into_owned(),
            None => format!("{}:{}", url.host_str().unwrap_or("localhost"), url.port().unwrap_or(3306)),
        };
        let shown = format!("`{user}` at {place}, database `{database}`");
        Ok(Address { options: made.disable_statement_logging(), user, database: database.into(), shown, origin })
    }

    /// What went wrong while connecting, with the address and where it comes from; never the password.
    fn explain(&self, mut fault: Fault) -> Fault {
        if fault.kind == FaultKind::Lost {
            fault.kind = FaultKind::Refused;
        }
        fault.message = format!("{}: {}", self.shown, fault.message);
        let origin = &self.origin;
        let advice = match fault.kind {
            FaultKind::Auth => Some(format!("check user and password; they come from {origin}")),
            FaultKind::NoDatabase => Some(format!("check the database name in {origin}")),
            FaultKind::Denied => Some(format!("this user may not use this database; both come from {origin}")),
            FaultKind::Refused => Some(fault.reaching(origin)),
            _ => None,
        };
        advice.into_iter().fold(fault, Fault::advise)
    }
}

#[cfg(test)]
impl Target {
    /// Both roles meet a session next that somebody else has set.
    pub(in crate::connection) async fn meets(&self, sql: &'static str) {
        let mut rested = self.write.connect(self.patience).await.unwrap().unwrap();
        rested.connection.execute(trusted(sql)).await.unwrap();
        rested.sets += 1;
        self.write.ways.guest().leave(rested);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lock_is_waited_for_in_whole_seconds() {
        let whole = |millis| seconds(Duration::from_millis(millis));
        assert_eq!([whole(0), whole(200), whole(1000), whole(1001), whole(2000)], [1, 1, 1, 2, 2]);
    }
}
