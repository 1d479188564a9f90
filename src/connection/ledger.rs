//! The ledger: a table in the target whose row commits together with the change, claimed before it.
//!
//! Claim first, never look first: a look says "not there" while an old session is about to commit; the claim waits for
//! that session and then says what became of it. One row for each effect; one for each run (its effect is the run's id)
//! that holds the fence, so that a holder who lost the run writes nothing; one (`trueup`) that tells this database from
//! its copies; one for each undo (`taken_back.rs`).

use super::{
    database::Database,
    fault::{Fault, FaultKind},
    handle::Writing,
    session::Session,
    sql_text::Text,
    statement::{Limits, Statement},
};
use crate::{
    base::value::{Map, Value},
    template::sql::Dialect,
};
use sha2::{Digest, Sha256};
use std::borrow::Cow;

/// The table, in the schema of the connection.
pub const TABLE: &str = "trueup_ledger";

/// The effect that stands for the database itself.
pub const DATABASE: &str = "trueup";

/// PostgreSQL refuses an index entry beyond 2 704 bytes.
const LONGEST_KEY: usize = 1000;

/// What is claimed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// Text of the effect's id.
    pub effect: String,
    /// Text of the run's id.
    pub run: String,
    /// The claim under which the run is worked on: who comes with an older one than the ledger knows is refused.
    pub fence: u64,
    /// SHA-256 of what is asked for, in hexadecimal digits.
    pub request: String,
    /// The journal in which the run stands.
    pub journal: String,
}

/// What became of a claim. After anything but [`Claimed::Ours`] the transaction is rolled back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Claimed {
    /// It never happened, and happens now: the row commits with this transaction.
    Ours,
    /// It happened: a transaction with this effect was committed.
    Already {
        /// What was asked for.
        request: String,
        /// When, by the clock of the database, in UTC.
        at: String,
        /// In which journal that run stands.
        journal: String,
        /// Under which claim of the run.
        fence: u64,
    },
    /// Somebody else has the run since.
    Stale {
        /// Their claim.
        fence: u64,
    },
}

impl Entry {
    /// The effect as the table holds it: a very long one ends in a hash.
    pub(super) fn key(&self) -> Cow<'_, str> {
        if self.effect.len() <= LONGEST_KEY {
            return Cow::Borrowed(&self.effect);
        }
        let cut = (0..=LONGEST_KEY - 80).rev().find(|n| self.effect.is_char_boundary(*n)).unwrap_or(0);
        Cow::Owned(format!("{}#{:x}", &self.effect[..cut], Sha256::digest(&self.effect)))
    }

    /// The fence as the databases store it.
    pub(super) fn stored_fence(&self) -> i64 {
        i64::try_from(self.fence).unwrap_or(i64::MAX)
    }
}

/// What the table said about a claim that did not go in.
#[derive(Debug, Default)]
pub(super) struct Found {
    /// The claim that the run's row holds.
    pub holder: Option<u64>,
    /// The row of the effect.
    pub row: Option<Claimed>,
}

impl Found {
    /// Whose effect it is; nothing when another transaction ended in between and it must be asked again.
    pub fn verdict(self, entry: &Entry) -> Option<Claimed> {
        match self.holder {
            Some(fence) if fence > entry.fence => Some(Claimed::Stale { fence }),
            _ => self.row,
        }
    }
}

impl Writing {
    /// Claims an effect: the first statement of the transaction. Waits for an open session that claimed the same effect,
    /// or another one of the same run under an older claim; longer than for other locks (nine tenths of
    /// `statement_timeout`), because that session may be the one whose fate is asked for. When that is not enough, the
    /// fault ([`FaultKind::LockTimeout`]) names it, and the handle is closed.
    pub async fn claim(&mut self, entry: &Entry) -> Result<Claimed, Fault> {
        let session: &mut Session = self;
        if let Some(seat) = session.seat() {
            return seat.claim(entry).await;
        }
        session.not_fresh();
        let link = session.enter()?;
        let done = Box::pin(link.claim(entry)).await;
        let waited_long = |f: &Fault| matches!(f.kind, FaultKind::LockTimeout | FaultKind::StatementTimeout);
        let blockers = match &done {
            Err(fault) if waited_long(fault) => Some(link.ledger_blockers().await.unwrap_or_default()),
            _ => None,
        };
        let name = session.name().clone();
        let done = session.leave(done).map_err(|fault| named(fault, &name));
        let done = match (done, blockers) {
            (Err(fault), Some(blockers)) => {
                // Asking who it is has ended the transaction.
                drop(session.take());
                Err(Fault { connection: fault.connection, ..waited(&blockers, session.dialect()) })
            }
            (done, _) => done,
        };
        session.recover(done).await
    }
}

impl Writing {
    /// Claims the effects of several items of one run at once: whether each went in. Nothing where the database has no statement for that; why one
    /// did not go in, [`Writing::claim`] tells.
    pub(super) async fn claim_all(&mut self, entries: &[&Entry]) -> Result<Option<Vec<bool>>, Fault> {
        let session: &mut Session = self;
        session.not_fresh();
        let link = session.enter()?;
        let done = Box::pin(link.claim_all(entries)).await;
        let done = session.leave(done);
        session.recover(done).await
    }
}

impl Session {
    /// The random id of this database from its ledger; a fault of kind [`FaultKind::NoTable`] when there is no ledger.
    pub async fn ledger_id(&mut self) -> Result<String, Fault> {
        let link = self.enter()?;
        let done = link.ledger_id().await;
        let name = self.name().clone();
        let done = self.leave(done).map_err(|fault| named(fault, &name));
        self.recover(done).await
    }
}

/// The fence of a row of the ledger.
pub(super) fn of_fence(row: &Map) -> Option<u64> {
    row.get("fence")?.as_int().and_then(|n| u64::try_from(n).ok())
}

/// What a row of the ledger says of an effect.
pub(super) fn already(row: &Map) -> Option<Claimed> {
    let text = |name: &str| row.get(name).map(|v| v.bare().into_owned());
    Some(Claimed::Already {
        request: text("request")?,
        at: text("at")?,
        journal: text("journal")?,
        fence: of_fence(row)?,
    })
}

/// What [`Database::prepare_ledger`] did.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ready {
    /// The table was made now.
    pub made: bool,
    /// The random id of this database.
    pub id: String,
    /// What the write role may do beyond what trueup needs, a fragment each: `it is a superuser`.
    pub excess: Vec<String>,
}

/// The roles that a connection uses; nothing where the database knows none.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Roles {
    /// The one that changes.
    pub write: Option<String>,
    /// The one that only reads, where it is another one.
    pub read: Option<String>,
}

impl Database {
    /// Whether the ledger's table is there. Needs no right on it.
    pub async fn has_ledger(&self) -> Result<bool, Fault> {
        let mut reading = self.reading().await?;
        let has = reading.has_ledger().await?;
        reading.close().await;
        Ok(has)
    }

    /// Makes the ledger's table where it is missing, in one transaction (on MySQL each statement for itself), and gives the database its id. Doing it again
    /// changes nothing. `id` is used only if there is none yet.
    pub async fn prepare_ledger(&self, id: &str) -> Result<Ready, Fault> {
        let mut writing = self.writing().await?;
        let made = writing.make_ledger().await?;
        let own = writing.name_database(id).await?;
        if made && let Some(reader) = self.roles().read {
            let text = Text::new(writing.dialect()).raw("grant select on trueup_ledger to ");
            let text = match writing.dialect() {
                // An account of MySQL is a user at a host; which one that is its own session knows.
                Dialect::Mysql => {
                    let (user, host) = self.reading_account().await?;
                    text.name(&user).raw("@").name(&host)
                }
                Dialect::Postgres | Dialect::Sqlite => text.name(&reader),
            };
            writing.own(&text.done()).await?;
        }
        let excess = writing.excess().await?;
        writing.commit().await?;
        Ok(Ready { made, id: own, excess })
    }

    async fn reading_account(&self) -> Result<(String, String), Fault> {
        let mut reading = self.reading().await?;
        let link = reading.enter()?;
        let done = link.account().await;
        let account = reading.leave(done)?;
        reading.close().await;
        Ok(account)
    }
}

impl Session {
    /// Whether the ledger's table is there.
    pub async fn has_ledger(&mut self) -> Result<bool, Fault> {
        let sql = match self.dialect() {
            Dialect::Postgres => "select to_regclass('trueup_ledger') is not null",
            Dialect::Sqlite => "SELECT count(*) FROM sqlite_schema WHERE type = 'table' AND name = 'trueup_ledger'",
            Dialect::Mysql => {
                "SELECT count(*) FROM information_schema.tables WHERE table_schema = database() AND table_name = 'trueup_ledger'"
            }
        };
        let answer = self.own(&Statement::new(sql, Vec::new())).await?;
        let cell = answer.first().and_then(|row| row.first());
        Ok(cell.is_some_and(|v| v.as_bool() == Some(true) || v.as_int().is_some_and(|n| n > 0)))
    }

    /// Makes the table if it is missing. Two that do so at once wait for each other.
    async fn make_ledger(&mut self) -> Result<bool, Fault> {
        match self.dialect() {
            Dialect::Postgres => self.batch("SELECT pg_advisory_xact_lock(hashtext('trueup_ledger'))").await?,
            // Each statement commits for itself, so it is held by the session, which ends with this handle. A name counts for the
            // whole server and has at most 64 characters.
            Dialect::Mysql => self.batch("DO GET_LOCK(concat('trueup_ledger ', md5(database())), 30)").await?,
            Dialect::Sqlite => {}
        }
        if self.has_ledger().await? {
            return Ok(false);
        }
        let name = self.name().clone();
        self.batch(ddl(self.dialect())).await.map_err(|fault| denied(fault, &name))?;
        Ok(true)
    }

    /// Gives the database its id, if it has none, and tells it.
    async fn name_database(&mut self, id: &str) -> Result<String, Fault> {
        let (before, after) = naming(self.dialect());
        let insert = Text::new(self.dialect()).raw(before).value(&Value::text(id));
        let insert = insert.raw(after).done();
        let name = self.name().clone();
        self.own(&insert).await.map_err(|fault| denied(fault, &name))?;
        self.ledger_id().await
    }

    /// What the role of this session may do beyond what trueup needs.
    async fn excess(&mut self) -> Result<Vec<String>, Fault> {
        match self.dialect() {
            Dialect::Sqlite => return Ok(Vec::new()),
            Dialect::Mysql => {
                let link = self.enter()?;
                let done = link.excess().await;
                let done = self.leave(done);
                return self.recover(done).await;
            }
            Dialect::Postgres => {}
        }
        let answer = self.own(&Statement::new(EXCESS, Vec::new())).await?;
        Ok(answer.iter().filter_map(|row| row.first()?.as_str().map(str::to_owned)).collect())
    }

    /// One statement on the ledger.
    pub(super) async fn own(&mut self, statement: &Statement) -> Result<Vec<Vec<Value>>, Fault> {
        let done = self.raw(statement, Limits::USUAL).await;
        self.recover(done).await.map(|answer| answer.rows)
    }
}

/// What stands before and after the id in the statement that gives a database its id, if it has none.
fn naming(dialect: Dialect) -> (&'static str, &'static str) {
    match dialect {
        Dialect::Postgres | Dialect::Sqlite => (
            "insert into trueup_ledger (effect, run, fence, request, journal) values ('trueup', 'trueup', 1, ",
            ", '') on conflict (effect) do nothing",
        ),
        Dialect::Mysql => (
            "insert ignore into trueup_ledger (effect, run, fence, request, journal) values ('trueup', 'trueup', 1, ",
            ", '')",
        ),
    }
}

const EXCESS: &str = "\
    select x.what from pg_roles r cross join lateral (values \
      (r.rolsuper, 'it is a superuser'), \
      (not r.rolsuper and r.rolcreaterole, 'it may make roles (CREATEROLE)'), \
      (not r.rolsuper and r.rolcreatedb, 'it may make databases (CREATEDB)'), \
      (not r.rolsuper and r.rolreplication, 'it may replicate (REPLICATION)'), \
      (not r.rolsuper and r.rolbypassrls, 'it sees past row security (BYPASSRLS)'), \
      (not r.rolsuper and pg_has_role(r.oid, 'pg_execute_server_program', 'member'), 'it may run programs on the server'), \
      (not r.rolsuper and pg_has_role(r.oid, 'pg_read_server_files', 'member'), 'it may read files of the server'), \
      (not r.rolsuper and pg_has_role(r.oid, 'pg_write_server_files', 'member'), 'it may write files of the server') \
    ) x(is_so, what) where r.rolname = current_user and x.is_so";

/// The table, its first row and the rights, as text for a DBA.
pub fn script(dialect: Dialect, roles: &Roles, id: &str) -> String {
    let mut text = ddl(dialect).to_owned();
    let (before, after) = naming(dialect);
    text.push_str(&format!("{before}'{}'{after};\n", id.replace('\'', "''")));
    let quoted = |role: &str| format!("\"{}\"", role.replace('"', "\"\""));
    if dialect == Dialect::Mysql {
        let account = |role: &str| format!("'{}'@'%'", role.replace('\'', "''"));
        text.push_str("-- An account is a user at a host: write the host in place of % if it has another one.\n");
        if let Some(writer) = &roles.write {
            let writer = account(writer);
            text.push_str(&format!(
                "grant select, insert, update (fence, journal, at) on trueup_ledger to {writer};\n"
            ));
        }
        if let Some(reader) = &roles.read {
            text.push_str(&format!("grant select on trueup_ledger to {};\n", account(reader)));
        }
    }
    if dialect == Dialect::Postgres {
        if let Some(writer) = &roles.write {
            let writer = quoted(writer);
            text.push_str(&format!(
                "grant select, insert, update (fence, journal, at) on trueup_ledger to {writer};\n"
            ));
        }
        if let Some(reader) = &roles.read {
            text.push_str(&format!("grant select on trueup_ledger to {};\n", quoted(reader)));
        }
    }
    text
}

/// A role that may not make the table.
fn denied(fault: Fault, connection: &str) -> Fault {
    match fault.kind {
        FaultKind::Denied | FaultKind::ReadOnly => fault.advise(format!(
            "this role may not make tables, and need not: give a DBA what `trueup connection prepare {connection} --print` prints"
        )),
        _ => fault,
    }
}

fn missing() -> Fault {
    Fault::new(FaultKind::NoTable, "the ledger table is missing")
}

/// A fault of the ledger's table in words about the ledger, with the command that helps.
pub(super) fn named(fault: Fault, connection: &str) -> Fault {
    let kind = fault.kind;
    let mut fault = match kind {
        FaultKind::NoTable => {
            let mut gone = missing().advise(format!("run `trueup connection prepare {connection}`"));
            gone.connection = fault.connection;
            gone
        }
        FaultKind::Denied => fault.advise(format!(
            "`trueup connection prepare {connection} --print` prints the grants that the ledger needs, for a DBA"
        )),
        _ => fault,
    };
    fault.connection.get_or_insert_with(|| connection.into());
    fault
}

/// The same for a statement that asks more than the ledger: only where it asked the ledger too.
pub(super) fn named_for(fault: Fault, ledger: bool, connection: &str) -> Fault {
    if ledger && fault.kind == FaultKind::Denied { named(fault, connection) } else { fault }
}

/// The wait was not long enough.
fn waited(blockers: &[String], dialect: Dialect) -> Fault {
    let end = if dialect == Dialect::Mysql { "kill ID" } else { "select pg_terminate_backend(PID)" };
    let whose = match blockers {
        [] => "another session".to_owned(),
        some => some.join(" or "),
    };
    Fault::new(
        FaultKind::LockTimeout,
        format!("{whose} may still commit this effect or another one of its run, and has not ended in time"),
    )
    .advise(format!(
        "nothing was changed; if the process behind that session is gone, end the session (`{end}`), \
             else wait for it; a longer `statement_timeout` waits longer"
    ))
}

/// The table, as a DBA would type it. Running it twice changes nothing.
pub fn ddl(dialect: Dialect) -> &'static str {
    match dialect {
        Dialect::Postgres => POSTGRES,
        Dialect::Sqlite => SQLITE,
        Dialect::Mysql => MYSQL,
    }
}

const POSTGRES: &str = r#"create table if not exists trueup_ledger (
  effect  text collate "C" primary key,       -- run/item/step/generation; a run's id: its fence; 'undo RUN/BY': an undo; 'trueup': this database
  run     text not null,
  fence   bigint not null,                    -- the claim of the run under which it was written
  request text not null,                      -- SHA-256 of what was asked for; for 'trueup' the id of this database
  journal text not null,                      -- the journal in which the run stands
  at      timestamptz not null default now()
);
comment on table trueup_ledger is 'Changes that trueup has committed here; written by trueup alone, in the same transaction as each change.';
"#;

/// The effect as bytes: compared as they are, and long enough for InnoDB's keys.
const MYSQL: &str = r"create table if not exists trueup_ledger (
  effect  varbinary(1000) not null primary key, -- run/item/step/generation; a run's id: its fence; 'undo RUN/BY': an undo; 'trueup': this database
  run     varchar(200) character set utf8mb4 collate utf8mb4_bin not null,
  fence   bigint not null,                      -- the claim of the run under which it was written
  request varchar(200) character set utf8mb4 collate utf8mb4_bin not null, -- SHA-256 of what was asked for; for 'trueup' the id of this database
  journal varchar(200) character set utf8mb4 collate utf8mb4_bin not null, -- the journal in which the run stands
  at      timestamp(6) not null default current_timestamp(6)
) engine = InnoDB comment = 'Changes that trueup has committed here; written by trueup alone, in the same transaction as each change.';
";

const SQLITE: &str = r"create table if not exists trueup_ledger (
  effect  text not null primary key,          -- run/item/step/generation; a run's id: its fence; 'undo RUN/BY': an undo; 'trueup': this database
  run     text not null,
  fence   integer not null,                   -- the claim of the run under which it was written
  request text not null,                      -- SHA-256 of what was asked for; for 'trueup' the id of this database
  journal text not null,                      -- the journal in which the run stands
  at      text not null default (strftime('%Y-%m-%dT%H:%M:%fZ', 'now'))
);
";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_very_long_effect_keeps_its_beginning_and_stays_one_of_its_kind() {
        let entry = |effect: String| Entry {
            effect,
            run: "r".into(),
            fence: 1,
            request: String::new(),
            journal: String::new(),
        };
        assert_eq!(entry("r/-/steps/a/0".into()).key(), "r/-/steps/a/0");
        let (one, other) = (entry(format!("r/{}/s/0", "ä".repeat(2000))), entry(format!("r/{}/s/1", "ä".repeat(2000))));
        assert!(one.key().len() <= LONGEST_KEY && one.key().starts_with("r/ää"));
        assert_ne!(one.key(), other.key());
    }

    #[test]
    fn a_newer_holder_comes_before_a_row_that_is_there() {
        let entry =
            Entry { effect: "r/-/s/0".into(), run: "r".into(), fence: 2, request: "q".into(), journal: "j".into() };
        let row = || Some(Claimed::Already { request: "q".into(), at: "then".into(), journal: "j".into(), fence: 1 });
        assert_eq!(Found { holder: Some(3), row: row() }.verdict(&entry), Some(Claimed::Stale { fence: 3 }));
        assert_eq!(Found { holder: Some(2), row: row() }.verdict(&entry), row());
        assert_eq!(Found { holder: Some(2), row: None }.verdict(&entry), None);
    }
}
