//! A configured database: cheap to hold, nothing connected yet. Opens dedicated connections, never a pool.

use super::{
    fault::Fault,
    handle::{Reading, Rehearsing, Writing},
    ledger::Roles,
    link::Link,
    mysql, postgres,
    reference::Secrets,
    rows::Identity,
    seen::Seen,
    session::Session,
    set::{Inside, Member, Seat},
    settings::{Connection, Effective},
    sqlite,
    statement::TraceMark,
};
use crate::{
    base::{identity::RunId, moment, value::Value},
    template::sql::Dialect,
};
use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

/// A database of the project file in one environment, with its references resolved.
#[derive(Clone, Debug)]
pub struct Database {
    name: Arc<str>,
    ledger: bool,
    /// A run changes it: what is read then must show what was committed before.
    changes: Arc<AtomicBool>,
    pub(super) target: Arc<Target>,
    /// Its handles go through a set.
    member: Option<Member>,
}

#[derive(Clone, Debug)]
pub(super) enum Target {
    Postgres(postgres::Target),
    Sqlite(sqlite::Target),
    Mysql(Box<mysql::Target>),
}

impl Database {
    /// From the settings; `environment` picks its overrides, and relative paths start at the folder of `secrets`.
    /// `Ok(None)`: the connection is no database.
    pub fn configure(
        name: &str,
        settings: &Connection,
        environment: Option<&str>,
        secrets: Secrets<'_>,
    ) -> Result<Option<Database>, Fault> {
        let name: Arc<str> = name.into();
        let target = match settings.in_environment(environment) {
            Effective::Postgres(settings) => postgres::Target::of(&settings, secrets).map(Target::Postgres),
            Effective::Sqlite(settings) => sqlite::Target::of(&settings, secrets.folder).map(Target::Sqlite),
            Effective::Mysql(settings) => {
                mysql::Target::of(&settings, secrets).map(|target| Target::Mysql(Box::new(target)))
            }
            Effective::Elsewhere => return Ok(None),
        };
        let target = target.map_err(|fault| Fault { connection: Some(name.clone()), ..fault })?;
        let (ledger, changes) = (settings.ledger.unwrap_or(false), Arc::default());
        Ok(Some(Database { name, ledger, changes, target: Arc::new(target), member: None }))
    }

    /// The same, through the set that this member belongs to.
    pub(super) fn in_set(&self, member: Member) -> Database {
        Database { member: Some(member), ..self.clone() }
    }

    /// The member of a set, unless it has handles of its own.
    async fn in_company(&self) -> Option<&Member> {
        let member = self.member.as_ref()?;
        (!member.goes_alone().await).then_some(member)
    }

    /// The member of a set that reads with the others: not while it has a transaction of its own open, in which nobody is to wait for them.
    async fn reads_in_company(&self) -> Option<&Member> {
        self.in_company().await.filter(|member| !member.is_inside())
    }

    fn seated(&self, seat: Seat, writable: bool) -> Session {
        Session::seated(self.name.clone(), self.dialect(), seat, writable)
    }

    /// The same, telling the server for which run a transaction is: a comment at its BEGIN. (In a file nobody would read it.)
    pub fn traced(mut self, run: RunId) -> Database {
        let mark = TraceMark::of(run);
        match Arc::make_mut(&mut self.target) {
            Target::Postgres(target) => target.marked(mark),
            Target::Mysql(target) => target.mark = Some(mark),
            Target::Sqlite(_) => {}
        }
        self
    }

    /// Its name in the project file.
    pub fn name(&self) -> &Arc<str> {
        &self.name
    }

    /// How it writes SQL.
    pub fn dialect(&self) -> Dialect {
        match *self.target {
            Target::Postgres(_) => Dialect::Postgres,
            Target::Sqlite(_) => Dialect::Sqlite,
            Target::Mysql(_) => Dialect::Mysql,
        }
    }

    /// Has a ledger table, says the project file.
    pub fn ledger(&self) -> bool {
        self.ledger
    }

    /// The roles that it uses.
    pub fn roles(&self) -> Roles {
        match &*self.target {
            Target::Postgres(target) => target.roles(),
            Target::Sqlite(_) => Roles::default(),
            Target::Mysql(target) => target.roles(),
        }
    }

    /// The file, for a SQLite database: the journal must be another one.
    pub fn file(&self) -> Option<&std::path::Path> {
        match &*self.target {
            Target::Sqlite(target) => Some(&target.path),
            Target::Postgres(_) | Target::Mysql(_) => None,
        }
    }

    /// A run has looked at the database, and works on this one alone: a SQLite file that another one was put in the place of is not opened any
    /// more. A server's identity is looked at through the connection itself.
    pub fn stays_with(&self, found: &Identity) {
        if let Target::Sqlite(target) = &*self.target {
            target.stays_with(&found.system);
        }
    }

    /// A run begins to change it, or goes on: from now on a copy behind `read_url` is waited for before it is read, also by all who share this
    /// database. A plan and a look at many records take it as it is: what they found is compared where it is changed.
    pub fn changes(&self) {
        self.changes.store(true, Ordering::Relaxed);
    }

    async fn catches_up(&self) -> Result<(), Fault> {
        let caught_up = match &*self.target {
            _ if !self.changes.load(Ordering::Relaxed) => return Ok(()),
            Target::Postgres(target) if !target.needs_no_wait() => Box::pin(target.catches_up()).await,
            Target::Mysql(target) if !target.needs_no_wait() => Box::pin(target.catches_up()).await,
            _ => return Ok(()),
        };
        caught_up.map_err(|fault| Fault { connection: Some(self.name.clone()), ..fault })
    }

    /// Opens a connection that can only read.
    pub async fn reading(&self) -> Result<Reading, Fault> {
        if let Some(member) = self.reads_in_company().await {
            return Ok(Reading::new(self.seated(member.reader(), false)));
        }
        self.catches_up().await?;
        // Boxed here and below, as in `session.rs`.
        Box::pin(self.reading_alone()).await
    }

    async fn reading_alone(&self) -> Result<Reading, Fault> {
        let link = match &*self.target {
            Target::Postgres(target) => target.reading().await.map(Link::Postgres),
            Target::Sqlite(target) => target.reading().await.map(Link::Sqlite),
            Target::Mysql(target) => target.reading().await.map(|link| Link::Mysql(Box::new(link))),
        };
        self.session(link, false).map(Reading::new)
    }

    /// The same for reads that may do without a transaction ([`Session::glance`]): it begins with the first one that does not.
    pub async fn glancing(&self) -> Result<Reading, Fault> {
        if let Some(member) = self.reads_in_company().await {
            return Ok(Reading::new(self.seated(member.reader(), false)));
        }
        self.catches_up().await?;
        match &*self.target {
            Target::Postgres(target) => {
                let link = Box::pin(target.glancing()).await.map(Link::Postgres);
                self.session(link, false).map(Reading::new)
            }
            Target::Sqlite(_) | Target::Mysql(_) => Box::pin(self.reading_alone()).await,
        }
    }

    /// The same through the door by which changes come in: behind another one there may be a copy, which shows what was some time ago.
    pub async fn reading_first_hand(&self) -> Result<Reading, Fault> {
        let link = match &*self.target {
            Target::Postgres(target) => Box::pin(target.reading_first_hand()).await.map(Link::Postgres),
            Target::Mysql(target) => {
                Box::pin(target.reading_first_hand()).await.map(|link| Link::Mysql(Box::new(link)))
            }
            Target::Sqlite(_) => return Box::pin(self.reading_alone()).await,
        };
        self.session(link, false).map(Reading::new)
    }

    /// A row as it is now, so that a change of it needs no lock before ([`Changing::expects`]); nothing where that saves nothing, or it cannot be
    /// told.
    pub async fn see(&self, table: &str, columns: &[Arc<str>], key: &[Value]) -> Option<Seen> {
        let Target::Postgres(target) = &*self.target else { return None };
        if !target.reads_where_it_writes() {
            return None;
        }
        let member = self.reads_in_company().await.filter(|member| member.is_apart())?;
        if let Some(seen) = member.has_read(table, columns, key) {
            return Some(seen);
        }
        let (row, version) = *member.reader().see(table, columns, key).await.ok()??;
        let (columns, key) = (columns.to_vec(), key.to_vec());
        Some(Seen { table: table.to_owned(), columns, key, row, version })
    }

    /// Opens a connection that can write and cannot commit. SQLite: takes the write lock.
    pub async fn rehearsing(&self) -> Result<Rehearsing, Fault> {
        let mut inside = match self.in_company().await {
            Some(member) if !member.is_apart() => {
                return Ok(Rehearsing::new(self.seated(member.begin().await?, true)));
            }
            _ => self.inside().await,
        };
        let link = match inside.as_mut().and_then(Inside::begun) {
            Some(begun) => Ok(begun),
            None => Box::pin(self.changing()).await,
        };
        Ok(Rehearsing::new(self.session(link, true)?.inside(inside)))
    }

    /// The right to a transaction of its own, where a set has a gate for them: also of a member that goes alone.
    async fn inside(&self) -> Option<Inside> {
        self.member.as_ref()?.enter().await
    }

    /// Opens a connection that can write and commit. SQLite: takes the write lock; with a ledger it waits for it as
    /// long as a claim does.
    pub async fn writing(&self) -> Result<Writing, Fault> {
        let mut inside = match self.in_company().await {
            Some(member) if !member.is_apart() => return Ok(Writing::new(self.seated(member.begin().await?, true))),
            _ => self.inside().await,
        };
        let begun = inside.as_mut().and_then(Inside::begun);
        let link = match (begun, &*self.target) {
            (Some(begun), _) => Ok(begun),
            (None, Target::Sqlite(target)) if self.ledger => Box::pin(target.claiming()).await.map(Link::Sqlite),
            _ => Box::pin(self.changing()).await,
        };
        let writing = self.session(link, true).map(|session| Writing::new(session.inside(inside)));
        moment::reached("after BEGIN");
        writing
    }

    /// A reading handle will be opened soon: where connecting takes a while, it begins now, beside other work. Used by
    /// one handle and never given back; if none follows, the connection is closed. Needs the runtime.
    pub fn expect_reading(&self) {
        if self.member.is_some() {
            return;
        }
        match &*self.target {
            Target::Postgres(target) => target.expect_reading(),
            Target::Mysql(target) => target.expect_reading(),
            Target::Sqlite(_) => {}
        }
    }

    /// The same for a handle that changes.
    pub fn expect_changing(&self) {
        if self.member.is_some() {
            return;
        }
        match &*self.target {
            Target::Postgres(target) => target.expect_changing(),
            Target::Mysql(target) => target.expect_changing(),
            Target::Sqlite(_) => {}
        }
    }

    async fn changing(&self) -> Result<Link, Fault> {
        match &*self.target {
            Target::Postgres(target) => target.changing().await.map(Link::Postgres),
            Target::Sqlite(target) => target.changing().await.map(Link::Sqlite),
            Target::Mysql(target) => target.changing().await.map(|link| Link::Mysql(Box::new(link))),
        }
    }

    fn session(&self, link: Result<Link, Fault>, writable: bool) -> Result<Session, Fault> {
        match link {
            Ok(link) => Ok(Session::new(self.name.clone(), link, writable)),
            Err(fault) => Err(Fault { connection: Some(self.name.clone()), ..fault }),
        }
    }
}
