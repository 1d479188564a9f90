//! What rules look at: the playbook with its steps in one row, names found by index, SQL judged once.
//!
//! Holds no judgement of its own and pushes no diagnostics.

use super::{
    checked::Section,
    knowledge::{Knowledge, Statement},
    mentions::{self, Mention},
};
use crate::{
    action::{
        kinds::{Act, Nature},
        step::{Step, Undo},
    },
    base::{
        shape::Word,
        source::{Source, Span},
    },
    connection::{
        settings::Connection,
        sql_rules::{self, Verdict},
    },
    effect::change::TableName,
    playbook::{model::Playbook, project::Project},
    table::{catalogue::Table, facts::Facts},
    template::{Dialect, Expression, Sql},
};
use std::{
    collections::{HashMap, HashSet},
    sync::Arc,
};

/// What a step is to the one that holds it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// It stands in a list and runs in its turn.
    Listed,
    /// It is the `undo:` of its owner.
    Undo,
    /// It is the `read:` of its owner's probe.
    Probe,
    /// It is the source under `targets:`.
    Source,
}

/// One step, any depth.
#[derive(Debug)]
pub struct Visit<'a> {
    /// The step.
    pub step: &'a Step,
    /// The list it belongs to.
    pub section: Section,
    /// What it is to its owner.
    pub role: Role,
    /// Index of the block, or of the step whose `undo:` or `probe:` this is.
    pub owner: Option<usize>,
    /// The database of the block's transaction around it.
    pub transaction: Option<&'a Word>,
    /// `steps/change/route`.
    pub path: String,
    /// What the parser says of its SQL, for `query` and `sql`.
    pub sql: Option<Verdict>,
}

/// The kinds of outside systems.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum System {
    /// A SQLite file.
    Sqlite,
    /// A PostgreSQL database.
    Postgres,
    /// An API.
    Http,
    /// A program.
    Program,
}

/// See the head of this file.
pub struct Scene<'a> {
    /// The playbook.
    pub playbook: &'a Playbook,
    /// Its text.
    pub source: &'a Arc<Source>,
    /// The project file.
    pub project: &'a Project,
    /// What is known beside the texts.
    pub knowledge: &'a Knowledge,
    /// Every step: listed ones in the order in which they run, each followed by the steps that belong to it.
    pub visits: Vec<Visit<'a>>,
    /// Every use of a name in any text of the playbook.
    pub mentions: Vec<Mention<'a>>,
    /// When parts could not be read: every name that the text gives to something. Else empty.
    pub named: HashSet<Arc<str>>,
    by_id: HashMap<&'a str, usize>,
}

impl<'a> Scene<'a> {
    /// Looks at a playbook.
    pub fn new(
        playbook: &'a Playbook,
        named: HashSet<Arc<str>>,
        source: &'a Arc<Source>,
        project: &'a Project,
        knowledge: &'a Knowledge,
    ) -> Scene<'a> {
        let (visits, mentions, by_id) = (visits(playbook), Vec::new(), HashMap::new());
        let mut scene = Scene { playbook, source, project, knowledge, visits, mentions, named, by_id };
        for (index, visit) in scene.visits.iter().enumerate().filter(|(_, v)| v.role == Role::Listed) {
            if let Some(id) = visit.step.id() {
                scene.by_id.entry(id).or_insert(index);
            }
        }
        for index in 0..scene.visits.len() {
            scene.visits[index].sql = scene.judged(scene.visits[index].step);
        }
        scene.mentions = mentions::all(&scene);
        scene
    }

    fn judged(&self, step: &Step) -> Option<Verdict> {
        let (connection, sql) = sql_of(step)?;
        let dialect = self.dialect(connection.as_str());
        // An outline fails only where a name is not a constant; the template layer has reported that.
        sql.outline(dialect).ok().map(|bound| sql_rules::judge(&bound.sql, dialect))
    }

    /// The listed step with this name.
    pub fn step(&self, id: &str) -> Option<usize> {
        self.by_id.get(id).copied()
    }

    /// The names of all listed steps.
    pub fn step_names(&self) -> impl Iterator<Item = &'a str> + '_ {
        self.visits.iter().filter(|v| v.role == Role::Listed).filter_map(|v| v.step.id())
    }

    /// The `when:` of a step and of the blocks around it (of its owner, for `undo:` and `probe:` steps), innermost first.
    pub fn conditions(&self, index: usize) -> impl Iterator<Item = &'a Expression> + '_ {
        std::iter::successors(Some(index), |at| self.visits[*at].owner)
            .filter_map(|at| self.visits[at].step.common.when.as_ref())
    }

    /// A connection by its name.
    pub fn connection(&self, name: &str) -> Option<&'a Connection> {
        self.project.connections.get(name)
    }

    /// What kind of system a connection is; nothing for an unknown one.
    pub fn system(&self, name: &str) -> Option<System> {
        self.connection(name).map(system)
    }

    /// How a connection's SQL is written, in the environment that is looked at.
    pub fn dialect(&self, name: &str) -> Dialect {
        let here = self.knowledge.dialects.get(name).copied();
        let usual = || if self.system(name) == Some(System::Sqlite) { Dialect::Sqlite } else { Dialect::Postgres };
        here.unwrap_or_else(usual)
    }

    /// The facts of a declared table.
    pub fn facts(&self, table: &TableName) -> Option<&'a Facts> {
        self.project.facts(table)
    }

    /// What the database says of a table; nothing when its catalogue was not read.
    pub fn catalogue(&self, table: &TableName) -> Option<&'a Table> {
        self.knowledge.catalogues.get(&table.connection)?.get(&table.table)
    }

    /// The table of a `find`, `row` or `rows` step, as named or through the step that `of:` points to; of a `query` the one
    /// that it names with `as:`.
    pub fn table(&self, step: &Step) -> Option<TableName> {
        match &step.act {
            Act::Find(find) => TableName::parse(find.table.as_str()),
            Act::Rows(rows) => TableName::parse(rows.table.as_str()),
            Act::Query(query) => TableName::parse(query.of_table.as_ref()?.as_str()),
            Act::Row(row) => match (&row.table, &row.of) {
                (Some(table), _) => TableName::parse(table.as_str()),
                (None, Some(of)) => {
                    let found = self.visits[self.step(of.as_str())?].step;
                    // A row that names itself is reported elsewhere; it must not be followed forever.
                    if found.act_at.start < step.act_at.start { self.table(found) } else { None }
                }
                _ => None,
            },
            _ => None,
        }
    }

    /// The declared tables as playbooks write them.
    pub fn table_names(&self) -> Vec<String> {
        self.project.tables().map(|(name, _)| name.to_string()).collect()
    }
}

/// What kind of system a connection is.
pub fn system(connection: &Connection) -> System {
    let overrides = || connection.per_environment.iter().map(|(_, o)| o);
    if connection.sqlite.is_some() || overrides().any(|o| o.sqlite.is_some()) && connection.postgres.is_none() {
        System::Sqlite
    } else if connection.command.is_some() {
        System::Program
    } else if connection.postgres.is_some() || overrides().any(|o| o.postgres.is_some()) {
        System::Postgres
    } else {
        System::Http
    }
}

/// The connection and statement of a `query` or `sql` step.
pub fn sql_of(step: &Step) -> Option<(&Word, &Sql)> {
    match &step.act {
        Act::Query(query) => Some((&query.db, &query.sql)),
        Act::Sql(sql) => Some((&sql.db, &sql.sql)),
        _ => None,
    }
}

/// Every statement of a playbook, for preparing.
pub fn statements(playbook: &Playbook) -> Vec<Statement<'_>> {
    visits(playbook).into_iter().filter_map(|visit| statement(visit.step)).collect()
}

fn statement(step: &Step) -> Option<Statement<'_>> {
    let (connection, sql) = sql_of(step)?;
    Some(Statement { at: step.act_at, connection: connection.as_str(), sql, writes: writes(step) })
}

/// The step changes something outside.
pub fn writes(step: &Step) -> bool {
    match &step.act {
        // Without a method (reported elsewhere) it is neither.
        Act::Http(call) => call.method().is_some() && !call.is_read(),
        Act::Command(command) => command.arguments().is_some() && !command.is_read(),
        act => nature(act) == Some(Nature::Write),
    }
}

/// The step asks something outside and changes nothing.
pub fn reads(step: &Step) -> bool {
    match &step.act {
        Act::Http(call) => call.is_read(),
        Act::Command(command) => command.is_read(),
        act => nature(act) == Some(Nature::Read),
    }
}

fn nature(act: &Act) -> Option<Nature> {
    crate::action::kinds::KINDS.iter().find(|k| k.word == act.word()).map(|k| k.nature)
}

/// The connection that a step names, and where.
pub fn connection_of<'a>(step: &'a Step) -> Option<(&'a str, Span)> {
    let part = |word: &'a Word| {
        word.as_str()
            .split_once('.')
            .map(|(connection, _)| (connection, Span::new(word.span.start, word.span.start + connection.len())))
    };
    match &step.act {
        Act::Query(query) => Some((query.db.as_str(), query.db.span)),
        Act::Sql(sql) => Some((sql.db.as_str(), sql.db.span)),
        Act::Http(call) => Some((call.api.as_str(), call.api.span)),
        Act::Command(command) => Some((command.program.as_str(), command.program.span)),
        Act::Find(find) => part(&find.table),
        Act::Rows(rows) => part(&rows.table),
        Act::Row(row) => row.table.as_ref().and_then(part),
        _ => None,
    }
}

fn visits(playbook: &Playbook) -> Vec<Visit<'_>> {
    let mut all = Vec::new();
    if let Some(step) = playbook.targets.as_ref().and_then(|targets| targets.from.step.as_ref()) {
        let section = Section::Preconditions;
        all.push(Visit {
            step,
            section,
            role: Role::Source,
            owner: None,
            transaction: None,
            path: "targets/from".into(),
            sql: None,
        });
    }
    let sections = [Section::Preconditions, Section::Steps, Section::Verification, Section::Afterwards];
    for (section, (_, steps)) in sections.into_iter().zip(playbook.sections()) {
        for (index, step) in steps.iter().enumerate() {
            visit(
                step,
                &Place { section, role: Role::Listed, owner: None, transaction: None, before: section.word() },
                index,
                &mut all,
            );
        }
    }
    all
}

struct Place<'a, 'p> {
    section: Section,
    role: Role,
    owner: Option<usize>,
    transaction: Option<&'a Word>,
    before: &'p str,
}

fn visit<'a>(step: &'a Step, place: &Place<'a, '_>, index: usize, all: &mut Vec<Visit<'a>>) {
    let last = match place.role {
        Role::Listed => step.label(index),
        Role::Undo => "undo".into(),
        Role::Probe => "probe".into(),
        Role::Source => "from".into(),
    };
    let path = format!("{}/{last}", place.before);
    let at = all.len();
    let Place { section, role, owner, transaction, .. } = *place;
    all.push(Visit { step, section, role, owner, transaction, path: path.clone(), sql: None });
    let below = |role, transaction| Place { section, role, owner: Some(at), transaction, before: &path };
    if let Some(Undo::Step(undo)) = &step.common.undo {
        visit(undo, &below(Role::Undo, None), 0, all);
    }
    if let Some(probe) = &step.common.probe {
        visit(&probe.read, &below(Role::Probe, None), 0, all);
    }
    if let Act::Block(block) = &step.act {
        for (index, inner) in block.steps.iter().enumerate() {
            visit(inner, &below(Role::Listed, block.transaction.as_ref().or(transaction)), index, all);
        }
    }
}
