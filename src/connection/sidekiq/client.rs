//! The connection itself: opened for each look, with bounds on time, closed again. Says what went wrong in the words of the
//! house, and never a secret or a part of a job.

use super::{
    rights::{self, Right},
    script::{MARKER, VOID},
    settings::SidekiqSettings,
};
use crate::connection::{
    fault::{Fault, FaultKind},
    reference::{Secrets, Setting},
    standing,
};
use redis::{
    AsyncConnectionConfig, Client, ErrorKind, FromRedisValue, RedisError, ServerErrorKind, TlsCertificates,
    aio::MultiplexedConnection,
};
use std::{sync::Arc, time::Duration};

/// The jobs of one application in one environment: cheap to hold, nothing connected yet.
#[derive(Clone)]
pub struct Jobs {
    name: Arc<str>,
    settings: Arc<SidekiqSettings>,
    /// Of an address that a reference gives: which one it was.
    identity: Option<Arc<str>>,
    /// Redis' name for whom it lets in.
    account: Arc<str>,
    client: Client,
    connect: Duration,
    answer: Duration,
}

impl std::fmt::Debug for Jobs {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Jobs({})", self.name)
    }
}

/// An open connection.
pub(super) struct Link {
    connection: MultiplexedConnection,
    name: Arc<str>,
    account: Arc<str>,
}

/// What a live Redis is like: for `check --env`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Survey {
    /// `7.0.15`.
    pub version: String,
    /// A replica takes no writes.
    pub replica: bool,
    /// Every write goes to the append-only file.
    pub appends: bool,
    /// `noeviction`, or what is thrown away when memory is short.
    pub eviction: String,
    /// Names of the queues.
    pub queues: Vec<String>,
    /// Jobs in `schedule`, `retry` and `dead`.
    pub sets: [u64; 3],
    /// Redis' name for whom it lets in.
    pub account: String,
    /// What that account may not do, and steps that change jobs do.
    pub lacking: Vec<Right>,
}

impl Jobs {
    /// From the settings of an environment. Looks the address up, connects to nothing.
    pub fn open(name: &str, settings: &SidekiqSettings, secrets: Secrets<'_>) -> Result<Jobs, Fault> {
        let wrong =
            |message: String| Fault { connection: Some(name.into()), ..Fault::new(FaultKind::Settings, message) };
        let Some(url) = &settings.url else { return Err(wrong("it has no `url`".into())) };
        let address = url.resolve(secrets).map_err(|why| wrong(format!("failed to {why}")))?;
        let parsed = url::Url::parse(address.reveal()).map_err(|_| {
            wrong("its address is not a URL".into()).advise("write `redis://host:6379/0` or `rediss://…` for TLS")
        })?;
        if let Some(password) = parsed.password().filter(|p| !p.is_empty()) {
            // The password alone must not show either.
            let plain = percent_encoding::percent_decode_str(password).decode_utf8_lossy().into_owned();
            secrets.masks.add(&crate::base::secret::Secret::new(plain));
            secrets.masks.add(&crate::base::secret::Secret::new(password));
        }
        match parsed.scheme() {
            "rediss" | "redis+unix" | "unix" => {}
            "redis" if settings.insecure == Some(true) || is_here(&parsed) => {}
            "redis" => {
                return Err(wrong("`redis://` to another machine sends the password and the jobs in clear".into())
                    .advise("use `rediss://`, or say `insecure: true` where the network itself is safe"));
            }
            other => {
                return Err(
                    wrong(format!("`{other}://` is no address of a Redis")).advise("write `redis://` or `rediss://`")
                );
            }
        }
        if parsed.fragment().is_some() {
            return Err(
                wrong("its address has a `#` part".into()).advise("certificates are always checked; take it out")
            );
        }
        let client = match &settings.ca {
            None => Client::open(address.reveal()),
            Some(_) if parsed.scheme() != "rediss" => {
                return Err(
                    wrong("`ca` belongs to an address with `rediss://`".into()).advise("take it out, or use TLS")
                );
            }
            Some(path) => {
                let certificates = std::fs::read(secrets.folder.join(path.as_str()))
                    .map_err(|e| wrong(format!("its `ca` file `{}` cannot be read: {e}", path.as_str())))?;
                let tls = TlsCertificates { client_tls: None, root_cert: Some(certificates) };
                Client::build_with_tls(address.reveal(), tls)
            }
        };
        let client = client.map_err(|_| {
            wrong("its address, or its `ca` file, is not one of a Redis".into()).advise("write `redis://host:6379/0`")
        })?;
        let length =
            |given: Option<crate::base::shape::Length>, seconds| given.map_or(Duration::from_secs(seconds), |l| l.0);
        let identity = matches!(url, Setting::Secret(_)).then(|| {
            let (host, port) = (parsed.host_str().unwrap_or_default(), parsed.port().unwrap_or(PORT));
            standing::of_address("redis", &format!("{host}:{port}{}", parsed.path())).into()
        });
        let account = match percent_encoding::percent_decode_str(parsed.username()).decode_utf8_lossy() {
            name if name.is_empty() => "default".into(),
            name => Arc::from(&*name),
        };
        Ok(Jobs {
            name: name.into(),
            identity,
            account,
            client,
            connect: length(settings.connect_timeout, 5),
            answer: length(settings.timeout, 10),
            settings: Arc::new(settings.clone()),
        })
    }

    /// Its name in the project file.
    pub fn name(&self) -> &Arc<str> {
        &self.name
    }

    /// Which Redis this is, where only a reference says so: another address gives another text.
    pub fn identity(&self) -> Option<&str> {
        self.identity.as_deref()
    }

    /// Redis' name for whom it lets in.
    pub fn account(&self) -> &str {
        &self.account
    }

    /// What the project file says.
    pub fn settings(&self) -> &SidekiqSettings {
        &self.settings
    }

    /// A look goes through no more jobs than these.
    pub fn most(&self) -> u32 {
        self.settings.most.unwrap_or(100_000)
    }

    /// A key, in its namespace.
    pub fn key(&self, key: &str) -> Arc<str> {
        match &self.settings.namespace {
            Some(namespace) => format!("{}:{key}", namespace.as_str()).into(),
            None => key.into(),
        }
    }

    pub(super) fn named(&self, fault: Fault) -> Fault {
        Fault { connection: Some(self.name.clone()), ..fault }
    }

    pub(super) async fn link(&self) -> Result<Link, Fault> {
        let config = AsyncConnectionConfig::new()
            .set_connection_timeout(Some(self.connect))
            .set_response_timeout(Some(self.answer));
        match self.client.get_multiplexed_async_connection_with_config(&config).await {
            Ok(connection) => Ok(Link { connection, name: self.name.clone(), account: self.account.clone() }),
            Err(error) => Err(self.named(refused(&error, self.connect, &self.account))),
        }
    }

    /// What kind of Redis this is, and what may be done there.
    pub async fn survey_of_rights(&self) -> Result<Survey, Fault> {
        let survey = self.survey().await?;
        let lacking = self.lacking_for_steps(&survey.queues).await?;
        Ok(Survey { lacking, ..survey })
    }

    /// What kind of Redis this is.
    pub async fn survey(&self) -> Result<Survey, Fault> {
        let mut link = self.link().await?;
        let _: String = link.ask(&redis::cmd("PING")).await?;
        let info: String = link.ask(&redis::cmd("INFO")).await?;
        let line = |name: &str| {
            let found = info.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':'));
            found.unwrap_or_default().trim().to_owned()
        };
        let mut queues: Vec<String> = link.ask(redis::cmd("SMEMBERS").arg(&*self.key("queues"))).await?;
        queues.sort();
        let mut sets = [0; 3];
        for (count, set) in sets.iter_mut().zip(["schedule", "retry", "dead"]) {
            *count = link.ask(redis::cmd("ZCARD").arg(&*self.key(set))).await?;
        }
        Ok(Survey {
            version: line("redis_version"),
            replica: line("role") == "slave",
            appends: line("aof_enabled") == "1",
            eviction: line("maxmemory_policy"),
            queues,
            sets,
            account: self.account.to_string(),
            lacking: Vec::new(),
        })
    }

    /// What the marker of an effect says; nothing when there is none.
    pub async fn marker(&self, effect: &str) -> Result<Option<String>, Fault> {
        let mut link = self.link().await?;
        let mark: Option<String> = link.ask(redis::cmd("GET").arg(&*self.key(&format!("{MARKER}{effect}")))).await?;
        Ok(mark.filter(|mark| mark != VOID))
    }
}

/// Where a Redis listens, unless its address says otherwise.
const PORT: u16 = 6379;

/// The address is on this machine.
fn is_here(url: &url::Url) -> bool {
    match url.host() {
        Some(url::Host::Ipv4(ip)) => ip.is_loopback(),
        Some(url::Host::Ipv6(ip)) => ip.is_loopback(),
        // For a scheme that it does not know, the parser leaves an address as a name.
        Some(url::Host::Domain(name)) => {
            name == "localhost" || name.parse::<std::net::IpAddr>().is_ok_and(|ip| ip.is_loopback())
        }
        None => true,
    }
}

impl Link {
    /// Asks something that changes nothing.
    pub async fn ask<T: FromRedisValue>(&mut self, command: &redis::Cmd) -> Result<T, Fault> {
        command.query_async(&mut self.connection).await.map_err(|error| self.named(asked(&error, &self.account)))
    }

    /// Changes something: without an answer nobody knows whether it was done.
    pub async fn change<T: FromRedisValue>(&mut self, command: &redis::Cmd) -> Result<T, Fault> {
        command.query_async(&mut self.connection).await.map_err(|error| {
            let fault = asked(&error, &self.account);
            let fault = match fault.kind {
                FaultKind::Lost | FaultKind::StatementTimeout => Fault::new(FaultKind::InDoubt, fault.message),
                // The script tells what is refused; what it raises may have come after a write.
                _ if error.to_string().contains("user_script") => Fault::new(FaultKind::InDoubt, fault.message),
                _ => fault,
            };
            self.named(fault)
        })
    }

    fn named(&self, fault: Fault) -> Fault {
        Fault { connection: Some(self.name.clone()), ..fault }
    }
}

/// No connection was made.
fn refused(error: &RedisError, waited: Duration, account: &str) -> Fault {
    if is_auth(error) {
        return auth();
    }
    if error.is_timeout() {
        return Fault::new(FaultKind::Refused, format!("nobody answered within {} s", waited.as_secs_f32()));
    }
    let text = error.to_string().to_lowercase();
    if text.contains("certificate") || text.contains("tls") || text.contains("handshake") {
        return Fault::new(FaultKind::TlsFailed, "no encrypted connection could be made")
            .advise("check the server's certificate, and that it listens for TLS on this port");
    }
    if error.is_io_error() || error.is_connection_refusal() {
        return Fault::new(FaultKind::Refused, "no Redis answers at its address");
    }
    asked(error, account)
}

fn is_auth(error: &RedisError) -> bool {
    error.kind() == ErrorKind::AuthenticationFailed || matches!(error.code(), Some("WRONGPASS" | "NOAUTH"))
}

fn auth() -> Fault {
    Fault::new(FaultKind::Auth, "Redis does not accept the user or the password")
}

/// It answered with an error, or not at all.
fn asked(error: &RedisError, account: &str) -> Fault {
    if is_auth(error) {
        return auth();
    }
    if error.is_timeout() {
        return Fault::new(FaultKind::StatementTimeout, "Redis did not answer in time")
            .advise("raise `timeout` of the connection");
    }
    if error.is_io_error() || error.is_connection_dropped() || error.is_connection_refusal() {
        return Fault::new(FaultKind::Lost, "the connection to Redis broke");
    }
    let code = error.code().unwrap_or_default().to_owned();
    match error.kind() {
        ErrorKind::Server(ServerErrorKind::BusyLoading) => {
            Fault::new(FaultKind::Busy, "Redis is still loading its data").advise("try again in a moment")
        }
        ErrorKind::Server(ServerErrorKind::ReadOnly) => {
            Fault::new(FaultKind::ReadOnly, "this Redis is a replica, which takes no writes")
        }
        _ => match code.as_str() {
            "NOPERM" => rights::refused(account, &error.to_string()),
            "CROSSSLOT" | "MOVED" | "ASK" => {
                Fault::new(FaultKind::Settings, "this is a Redis Cluster, in which Sidekiq does not work")
            }
            "OOM" => Fault::new(FaultKind::Other, "Redis has no memory left (OOM)"),
            "MISCONF" => Fault::new(FaultKind::Other, "Redis takes no writes, because it cannot save them (MISCONF)"),
            "BUSY" => Fault::new(FaultKind::Busy, "Redis is busy with another script").advise("try again in a moment"),
            "WRONGTYPE" => Fault::new(FaultKind::Data, "a key of Sidekiq holds something else than jobs (WRONGTYPE)")
                .advise("check the database number in the address, and `namespace`"),
            // A renamed or forbidden command.
            "ERR" if error.to_string().contains("unknown command") => {
                Fault::new(FaultKind::Denied, "this Redis does not know a command that trueup needs")
                    .advise("jobs are changed by a script, all or nothing: EVAL must be allowed")
            }
            "" => Fault::new(FaultKind::Other, "Redis gave an answer that cannot be read"),
            code => Fault::new(FaultKind::Other, format!("Redis refused it ({code})")),
        },
    }
}
