//! What `ops` found out about the world before a check, as data: the file's place, catalogues, prepared statements.

use crate::{
    base::source::Span,
    connection::{sidekiq, survey::Survey},
    table::catalogue::{Catalogue, Kind},
    template::{Dialect, Sql},
};
use std::{collections::HashMap, ops::Range, sync::Arc};

/// All that is known beside the texts. Everything is optional: an empty one is an offline check.
#[derive(Clone, Debug, Default)]
pub struct Knowledge {
    /// The name that the playbook's path gives (`register/correct-award`), when it lies below the playbook folder.
    pub name: Option<String>,
    /// The names of all playbooks below the playbook folder, where they were looked for.
    pub names: Option<Vec<String>>,
    /// The snapshot of each connection's tables, by the connection's name.
    pub catalogues: HashMap<Arc<str>, Catalogue>,
    /// How the SQL of each database is written in the environment that is looked at, by the connection's name. Empty: as
    /// the connection says without an environment.
    pub dialects: HashMap<Arc<str>, Dialect>,
    /// What each live database is like beyond its tables, by the connection's name.
    pub surveys: HashMap<Arc<str>, Survey>,
    /// What each live Redis is like, by the connection's name.
    pub queues: HashMap<Arc<str>, sidekiq::Survey>,
    /// What the database said to each statement, by the place of the step's action ([`Statement::at`]).
    pub prepared: HashMap<Span, Result<Prepared, PrepareFault>>,
    /// The text is that of a run. What it says and was never kept is no reason to refuse it any more: its run goes on, and is taken back, as
    /// it always was.
    pub carried: bool,
}

/// One statement of a playbook, to be prepared against a live database.
#[derive(Clone, Copy, Debug)]
pub struct Statement<'a> {
    /// The key under which the result goes into [`Knowledge::prepared`].
    pub at: Span,
    /// The connection's name.
    pub connection: &'a str,
    /// The statement; [`Sql::outline`] gives its text for preparing.
    pub sql: &'a Sql,
    /// It changes rows: prepare with the write role.
    pub writes: bool,
}

/// A statement that the database could prepare.
#[derive(Clone, Debug, Default)]
pub struct Prepared {
    /// Type name and kind of each placeholder, in order.
    pub parameters: Vec<(String, Kind)>,
    /// Name, type name and kind of each result column, in order.
    pub columns: Vec<(Arc<str>, String, Kind)>,
}

/// A statement that the database refused.
#[derive(Clone, Debug)]
pub struct PrepareFault {
    /// What it said, a lower-case fragment without row data.
    pub message: String,
    /// What to do.
    pub hint: Option<String>,
    /// Bytes of the template's decoded text that the database pointed at: [`crate::template::Bound::origin`].
    pub range: Option<Range<usize>>,
}
