//! The `connections:` entries of the project file.

use super::reference::Reference;
use crate::{
    base::shape::{Length, Named, Word},
    shape,
    table::facts::Facts,
};

// http engineer: put your shape into `connection/http.rs` and add `http: Option<http::Settings>` below and in
// `Override`; `Connection::kind()` (exactly one of the keys) then gets a third arm.
shape! {
    /// One outside system. Exactly one of `sqlite`, `postgres`, `http`.
    "a connection" pub struct Connection {
        /// A SQLite file.
        sqlite: Option<SqliteSettings>,
        /// A PostgreSQL database.
        postgres: Option<PostgresSettings>,
        /// Facts about its tables.
        #[schemars(default)]
        tables: Named<Facts>,
        /// The target keeps the table `trueup_ledger`, whose rows commit together with each change: exactly once.
        ledger: Option<bool>,
        /// What differs in an environment.
        #[schemars(default)]
        per_environment: Named<Override>,
    }
}

shape! {
    /// What differs in one environment. Keys that are not given stay.
    "an override" pub struct Override {
        /// A SQLite file.
        sqlite: Option<SqliteSettings>,
        /// A PostgreSQL database.
        postgres: Option<PostgresSettings>,
    }
}

shape! {
    /// A SQLite file.
    "a SQLite connection" pub struct SqliteSettings {
        /// The file, relative to the project file. It must exist.
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
        /// `postgres://user@host:5432/database`, with a password only through a reference.
        url: Option<Reference>,
        /// The same for a role that can only read; used for checks and verification.
        read_url: Option<Reference>,
        /// How long to wait for a lock. Default 2s.
        lock_timeout: Option<Length>,
        /// How long a statement may run. Default 15s.
        statement_timeout: Option<Length>,
        /// How long connecting may take. Default 10s.
        connect_timeout: Option<Length>,
        /// Zone in which the database's clock is written into timestamps without a zone. Default UTC.
        timezone: Option<Word>,
        /// The default schema. Default: the role's search path.
        schema: Option<Word>,
    }
}
