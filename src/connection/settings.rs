//! The `connections:` entries of the project file. Shapes only; `database` and `http` make something of them.

use super::{
    http::HttpSettings,
    program::ProgramSettings,
    reference::Setting,
    sidekiq::{self, SidekiqSettings},
};
use crate::{
    base::{
        diagnostic::Diagnostic,
        shape::{Length, Named, ONE_OF, Word},
    },
    shape,
    table::facts::Facts,
};

shape! {
    /// One outside system: exactly one of `sqlite`, `postgres`, `mysql`, `http`, `command` and `sidekiq`.
    "a connection" pub struct Connection {
        /// A SQLite file.
        sqlite: Option<SqliteSettings>,
        /// A PostgreSQL database.
        postgres: Option<PostgresSettings>,
        /// A MySQL or MariaDB database.
        mysql: Option<MysqlSettings>,
        /// An API over HTTP.
        http: Option<HttpSettings>,
        /// The background jobs of a Rails application, in Sidekiq's Redis.
        sidekiq: Option<SidekiqSettings>,
        /// A program of this machine, for `command` steps.
        command: Option<ProgramSettings>,
        /// Facts about its tables.
        #[schemars(default)]
        tables: Named<Facts>,
        /// The target keeps the table `trueup_ledger`, whose rows commit together with each change: exactly once.
        ledger: Option<bool>,
        /// What differs in an environment. Keys that are not given stay as they are above.
        #[schemars(default)]
        per_environment: Named<Override>,
    }
}

shape! {
    /// What differs in one environment. Another kind of database takes the place of the one above.
    "an override" pub struct Override {
        /// A SQLite file.
        sqlite: Option<SqliteSettings>,
        /// A PostgreSQL database.
        postgres: Option<PostgresSettings>,
        /// A MySQL or MariaDB database.
        mysql: Option<MysqlSettings>,
        /// An API over HTTP, in place of the one above.
        http: Option<HttpSettings>,
        /// Background jobs: keys that are given here stand over those above.
        sidekiq: Option<SidekiqSettings>,
        /// A program, in place of the one above.
        command: Option<ProgramSettings>,
        /// A mock file that trueup serves itself, in place of the API, or of background jobs a worker file: for sandboxes.
        /// Relative to the project file.
        mock: Option<Word>,
    }
}

shape! {
    /// A SQLite file.
    "a SQLite connection" pub struct SqliteSettings {
        /// The file, relative to the project file. It must exist: trueup creates no databases by itself.
        path: Option<Word>,
        /// How long to wait while another process writes. Default 2s.
        busy_timeout: Option<Length>,
        /// How long a statement may run. Default 15s.
        statement_timeout: Option<Length>,
    }
}

shape! {
    /// A PostgreSQL database.
    "a PostgreSQL connection" pub struct PostgresSettings {
        /// `postgres://user@host:5432/database`; with a password only through a reference.
        url: Option<Setting>,
        /// The same for a role that can only read: checks, reads after the commit and verification use it.
        read_url: Option<Setting>,
        /// How long to wait for a lock. Default 2s.
        lock_timeout: Option<Length>,
        /// How long a statement may run. Default 15s.
        statement_timeout: Option<Length>,
        /// How long connecting may take. Default 10s.
        connect_timeout: Option<Length>,
        /// Zone in which the database's clock is written into timestamps without a zone. Default UTC.
        timezone: Option<Word>,
        /// The schema of tables that are named without one. Default: the role's search path.
        schema: Option<Word>,
    }
}

shape! {
    /// A MySQL or MariaDB database. Its clock is written into columns in UTC.
    "a MySQL connection" pub struct MysqlSettings {
        /// `mysql://user@host:3306/database`; with a password only through a reference. `?ssl-mode=VERIFY_IDENTITY&ssl-ca=FILE`
        /// asks for a checked certificate.
        url: Option<Setting>,
        /// The same for a user that can only read: checks, reads after the commit and verification use it.
        read_url: Option<Setting>,
        /// How long to wait for a lock, in whole seconds (a part of one counts as one). Default 2s.
        lock_timeout: Option<Length>,
        /// How long a statement may run. MySQL, unlike MariaDB, ends only a SELECT by itself. Default 15s.
        statement_timeout: Option<Length>,
        /// How long connecting may take. Default 10s.
        connect_timeout: Option<Length>,
    }
}

/// The settings that hold in one environment.
#[derive(Clone, Debug)]
pub enum Effective {
    /// A SQLite file.
    Sqlite(SqliteSettings),
    /// A PostgreSQL database.
    Postgres(PostgresSettings),
    /// A MySQL or MariaDB database.
    Mysql(MysqlSettings),
    /// No database.
    Elsewhere,
}

impl Connection {
    fn kinds(&self) -> Vec<&'static str> {
        let given = [
            ("sqlite", self.sqlite.is_some()),
            ("postgres", self.postgres.is_some()),
            ("mysql", self.mysql.is_some()),
            ("http", self.http.is_some()),
            ("sidekiq", self.sidekiq.is_some()),
            ("command", self.command.is_some()),
        ];
        given.into_iter().filter(|(_, is)| *is).map(|(kind, _)| kind).collect()
    }

    /// It has tables and columns that can be asked for.
    pub fn is_database(&self) -> bool {
        self.sqlite.is_some() || self.postgres.is_some() || self.mysql.is_some()
    }

    /// The API's settings in an environment; nothing when the connection is no API.
    pub fn http_in(&self, environment: &str) -> Option<&HttpSettings> {
        self.per_environment.get(environment).and_then(|over| over.http.as_ref()).or(self.http.as_ref())
    }

    /// The settings of background jobs in an environment; nothing when the connection holds none.
    pub fn sidekiq_in(&self, environment: &str) -> Option<SidekiqSettings> {
        let base = self.sidekiq.as_ref()?;
        let over = self.per_environment.get(environment).and_then(|over| over.sidekiq.as_ref());
        Some(over.map_or_else(|| base.clone(), |over| base.with(over)))
    }

    /// The program's settings in an environment; nothing when the connection is no program.
    pub fn program_in(&self, environment: &str) -> Option<&ProgramSettings> {
        self.per_environment.get(environment).and_then(|over| over.command.as_ref()).or(self.command.as_ref())
    }

    /// The mock file that plays the API in an environment.
    pub fn mock_in(&self, environment: &str) -> Option<&Word> {
        self.per_environment.get(environment)?.mock.as_ref()
    }

    /// The tables of background jobs are always the same four: nobody has to declare them.
    pub fn declare_jobs(&mut self) {
        let Some(sidekiq) = &self.sidekiq else { return };
        for table in sidekiq::settings::TABLES {
            if self.tables.get(table).is_none() {
                let name = Word { text: table.into(), span: sidekiq.at };
                self.tables.entries.push((name, Facts::keyed_by("jid", sidekiq.at)));
            }
        }
    }

    /// What is wrong with the whole: none or several kinds, an override of another kind, a database without an address.
    pub fn problems(&self, name: &str) -> Vec<Diagnostic> {
        let wrong = |at, message: String| Diagnostic::error(&ONE_OF, at, message);
        let kinds = self.kinds();
        let [kind] = kinds.as_slice() else {
            let message = if kinds.is_empty() {
                format!("the connection `{name}` does not say what it is")
            } else {
                format!("the connection `{name}` is several things at once")
            };
            return vec![
                wrong(self.at, message)
                    .help("give it exactly one of `sqlite`, `postgres`, `mysql`, `http`, `command` and `sidekiq`"),
            ];
        };
        let mut found = Vec::new();
        for (environment, over) in self.per_environment.iter() {
            let databases = [over.sqlite.is_some(), over.postgres.is_some(), over.mysql.is_some()];
            let databases = databases.into_iter().filter(|is| *is).count();
            let api = over.http.is_some() || over.mock.is_some();
            let (program, jobs) = (over.command.is_some(), over.sidekiq.is_some());
            let fits = match *kind {
                "http" => databases == 0 && !program && !jobs,
                "command" => databases == 0 && !api && !jobs,
                "sidekiq" => databases == 0 && over.http.is_none() && !program,
                _ => !api && !program && !jobs,
            };
            if !fits || databases > 1 {
                let message = format!(
                    "`{name}` is a `{kind}` connection, and in `{environment}` it gets settings of another kind"
                );
                found.push(
                    wrong(over.at, message)
                        .help("a database may become another database, an API another API or a mock, background jobs others or a worker"),
                );
            }
        }
        for settings in
            self.command.iter().chain(self.per_environment.iter().filter_map(|(_, over)| over.command.as_ref()))
        {
            found.extend(settings.problems(name));
        }
        let everywhere = |given: &dyn Fn(&Override) -> bool| {
            !self.per_environment.entries.is_empty() && self.per_environment.iter().all(|(_, over)| given(over))
        };
        if let Some(sqlite) = &self.sqlite
            && sqlite.path.is_none()
            && !everywhere(&|over| over.sqlite.as_ref().is_some_and(|s| s.path.is_some()))
        {
            found.push(wrong(sqlite.at, format!("the connection `{name}` has no `path`")));
        }
        if let Some(postgres) = &self.postgres
            && postgres.url.is_none()
            && !everywhere(&|over| over.postgres.as_ref().is_some_and(|p| p.url.is_some()))
        {
            found.push(wrong(postgres.at, format!("the connection `{name}` has no `url`")));
        }
        if let Some(sidekiq) = &self.sidekiq {
            let four = sidekiq::settings::TABLES;
            for (word, _) in self.tables.entries.iter().filter(|(word, _)| !four.contains(&word.as_str())) {
                let message = format!("background jobs have no table `{}`", word.as_str());
                found.push(
                    Diagnostic::error(&ONE_OF, word.span, message)
                        .suggest(word.as_str(), four)
                        .help("the four tables need not be declared"),
                );
            }
            let overs = self.per_environment.iter().filter_map(|(_, over)| over.sidekiq.as_ref());
            found.extend(std::iter::once(sidekiq).chain(overs).flat_map(|settings| settings.problems(name)));
            if sidekiq.url.is_none() && !everywhere(&|over| over.sidekiq.as_ref().is_some_and(|s| s.url.is_some())) {
                found.push(wrong(sidekiq.at, format!("the connection `{name}` has no `url`")));
            }
        }
        if let Some(mysql) = &self.mysql
            && mysql.url.is_none()
            && !everywhere(&|over| over.mysql.as_ref().is_some_and(|m| m.url.is_some()))
        {
            found.push(wrong(mysql.at, format!("the connection `{name}` has no `url`")));
        }
        found
    }

    /// What holds in an environment: the overrides over the rest, key by key.
    pub fn in_environment(&self, environment: Option<&str>) -> Effective {
        let over = environment.and_then(|name| self.per_environment.get(name));
        match over {
            Some(Override { postgres: Some(postgres), .. }) if self.postgres.is_none() => {
                return Effective::Postgres(postgres.clone());
            }
            Some(Override { sqlite: Some(sqlite), .. }) if self.sqlite.is_none() => {
                return Effective::Sqlite(sqlite.clone());
            }
            Some(Override { mysql: Some(mysql), .. }) if self.mysql.is_none() => {
                return Effective::Mysql(mysql.clone());
            }
            _ => {}
        }
        if let Some(base) = &self.postgres {
            let mut settings = base.clone();
            if let Some(over) = over.and_then(|o| o.postgres.clone()) {
                settings.override_with(over);
            }
            return Effective::Postgres(settings);
        }
        if let Some(base) = &self.mysql {
            let mut settings = base.clone();
            if let Some(over) = over.and_then(|o| o.mysql.clone()) {
                settings.override_with(over);
            }
            return Effective::Mysql(settings);
        }
        if let Some(base) = &self.sqlite {
            let mut settings = base.clone();
            if let Some(over) = over.and_then(|o| o.sqlite.clone()) {
                settings.path = over.path.or(settings.path);
                settings.busy_timeout = over.busy_timeout.or(settings.busy_timeout);
                settings.statement_timeout = over.statement_timeout.or(settings.statement_timeout);
            }
            return Effective::Sqlite(settings);
        }
        Effective::Elsewhere
    }
}

impl PostgresSettings {
    fn override_with(&mut self, over: PostgresSettings) {
        // Another database has another read role: the old one must not survive beside a new address.
        self.read_url = if over.url.is_some() { over.read_url } else { over.read_url.or(self.read_url.take()) };
        self.url = over.url.or(self.url.take());
        self.lock_timeout = over.lock_timeout.or(self.lock_timeout);
        self.statement_timeout = over.statement_timeout.or(self.statement_timeout);
        self.connect_timeout = over.connect_timeout.or(self.connect_timeout);
        self.timezone = over.timezone.or(self.timezone.take());
        self.schema = over.schema.or(self.schema.take());
    }
}

impl MysqlSettings {
    fn override_with(&mut self, over: MysqlSettings) {
        // As for PostgreSQL: the old read role must not survive beside a new address.
        self.read_url = if over.url.is_some() { over.read_url } else { over.read_url.or(self.read_url.take()) };
        self.url = over.url.or(self.url.take());
        self.lock_timeout = over.lock_timeout.or(self.lock_timeout);
        self.statement_timeout = over.statement_timeout.or(self.statement_timeout);
        self.connect_timeout = over.connect_timeout.or(self.connect_timeout);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::{
        diagnostic::Diagnostics,
        shape::{FromNode, Lowering},
        source::Source,
        yaml,
    };

    fn read(text: &str) -> Connection {
        let source = Source::new("t", text);
        let mut problems = Diagnostics::new(source.clone());
        let node = yaml::parse(&source, yaml::LIMITS, &mut problems).unwrap();
        Connection::from_node(&node, &mut Lowering::new(&mut problems)).unwrap()
    }

    fn problems(text: &str) -> Vec<String> {
        read(text).problems("db").iter().map(|d| d.message.clone()).collect()
    }

    #[test]
    fn a_connection_is_exactly_one_thing_and_has_an_address() {
        assert_eq!(problems("ledger: true"), ["the connection `db` does not say what it is"]);
        assert_eq!(
            problems("sqlite: { path: a }\npostgres: { url: env:A }"),
            ["the connection `db` is several things at once"]
        );
        assert_eq!(problems("sqlite: {}"), ["the connection `db` has no `path`"]);
        assert!(problems("sqlite: {}\nper_environment: { qa: { sqlite: { path: q } } }").is_empty());
        assert_eq!(
            problems("sqlite: { path: a }\nper_environment: { qa: { mock: m.yaml } }"),
            ["`db` is a `sqlite` connection, and in `qa` it gets settings of another kind"]
        );
    }

    #[test]
    fn an_environment_overrides_key_by_key_and_never_keeps_the_other_read_role() {
        let text = "postgres: { url: env:A, read_url: env:R, lock_timeout: 3s }\nper_environment: { qa: { postgres: { url: env:Q } } }";
        let Effective::Postgres(plain) = read(text).in_environment(None) else { panic!() };
        assert!(plain.read_url.is_some());
        let Effective::Postgres(qa) = read(text).in_environment(Some("qa")) else { panic!() };
        assert!(qa.read_url.is_none());
        assert_eq!(qa.lock_timeout.unwrap().to_string(), "3s");
        assert!(format!("{:?}", qa.url).contains("\"Q\""));
    }
}
