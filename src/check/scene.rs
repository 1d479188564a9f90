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
        resource::{KindOf, ResourceKind, ResourceSpec},
        step::{ALWAYS, ARM, RESCUE, Step, Undo},
    },
    base::{
        shape::Word,
        source::{Source, Span},
    },
    connection::{
        settings::Connection,
        sidekiq::{self, columns},
        sql_rules::{self, Verdict},
    },
    effect::change::TableName,
    playbook::{called::Called, model::Playbook, project::Project},
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
    /// It is the `read:` of its owner, a `wait`.
    Look,
    /// It is the source under `targets:`.
    Source,
}

/// Which list of its owner a listed step stands in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Part {
    /// The steps of a block, or a section.
    Own,
    /// What is done when one of them failed.
    Rescue,
    /// What is done at the end.
    Always,
    /// An arm of a decision table.
    Arm(String),
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
    /// Which list of the owner it stands in.
    pub part: Part,
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
    /// A MySQL or MariaDB database.
    Mysql,
    /// An API.
    Http,
    /// Background jobs.
    Sidekiq,
    /// A program.
    Program,
}

/// The playbooks that stand in one text.
#[derive(Clone, Copy, Debug)]
pub struct Others<'a> {
    /// Those that are called.
    pub called: &'a Called,
    /// The one whose text it is.
    pub root: &'a Playbook,
}

/// See the head of this file.
pub struct Scene<'a> {
    /// The playbook.
    pub playbook: &'a Playbook,
    /// The other ones in its text.
    pub others: Others<'a>,
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
        others: Others<'a>,
        named: HashSet<Arc<str>>,
        source: &'a Arc<Source>,
        project: &'a Project,
        knowledge: &'a Knowledge,
    ) -> Scene<'a> {
        let (visits, mentions, by_id) = (visits(playbook), Vec::new(), HashMap::new());
        let mut scene = Scene { playbook, others, source, project, knowledge, visits, mentions, named, by_id };
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

    /// The step with this index and those around it, innermost first.
    pub fn around(&self, index: usize) -> impl Iterator<Item = usize> + '_ {
        std::iter::successors(Some(index), |at| self.visits[*at].owner)
    }

    /// The steps with `for_each:` around the one with index `result` (itself among them) that do not stand around `home` as well: as many
    /// lists its result is wrapped in there, the innermost loop first.
    pub fn loops_between(&self, result: usize, home: Option<usize>) -> Vec<usize> {
        let shared: Vec<usize> = home.into_iter().flat_map(|home| self.around(home)).collect();
        let loops = |at: &usize| self.visits[*at].step.common.for_each.is_some() && !shared.contains(at);
        self.around(result).filter(loops).collect()
    }

    /// It stands in a `rescue` or an `always`, at any depth.
    pub fn is_at_the_end(&self, index: usize) -> bool {
        self.around(index).any(|at| matches!(self.visits[at].part, Part::Rescue | Part::Always))
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
        let usual = || match self.system(name) {
            Some(System::Sqlite) => Dialect::Sqlite,
            Some(System::Mysql) => Dialect::Mysql,
            _ => Dialect::Postgres,
        };
        here.unwrap_or_else(usual)
    }

    /// The facts of a declared table.
    pub fn facts(&self, table: &TableName) -> Option<&'a Facts> {
        self.project.facts(table)
    }

    /// What the database says of a table; nothing when its catalogue was not read.
    pub fn catalogue(&self, table: &TableName) -> Option<&'a Table> {
        if self.system(&table.connection) == Some(System::Sidekiq) {
            return sidekiq::Place::of(&table.table).map(|_| columns::table());
        }
        self.knowledge.catalogues.get(&table.connection)?.get(&table.table)
    }

    /// The table of a `find`, `row` or `rows` step, as named or through the step that `of:` points to; of a `query` the one
    /// that it names with `as:`.
    pub fn table(&self, step: &Step) -> Option<TableName> {
        match &step.act {
            Act::Find(find) => TableName::parse(find.table.as_str()),
            Act::Wait(wait) => self.table(&wait.read),
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

    /// The API that a step calls, or the program that it starts.
    pub fn api_of(&self, step: &'a Step) -> Option<&'a str> {
        match &step.act {
            Act::Http(call) => Some(call.api.as_str()),
            Act::Command(command) => Some(command.program.as_str()),
            _ => self.resource(step).map(|(_, kind, _)| kind.api.as_str()),
        }
    }

    /// What a `resource` step is about: its kind, and what plans call it; nothing where the kind is not known.
    pub fn resource(&self, step: &'a Step) -> Option<(&'a ResourceSpec, &'a ResourceKind, TableName)> {
        let Act::Resource(spec) = &step.act else { return None };
        let (kind, name): (&ResourceKind, &str) = match spec.kind()? {
            KindOf::Named(word) => (self.project.resources.get(word.as_str())?, word.as_str()),
            KindOf::Here(kind) => (kind, step.id().unwrap_or("resource")),
        };
        Some((spec, kind, TableName { connection: kind.api.text.clone(), table: name.into() }))
    }

    /// The step changes something outside, itself or in the playbook that it calls.
    pub fn changes(&self, step: &Step) -> bool {
        let changes = |playbook: &Playbook| {
            let mut found = false;
            for step in playbook.sections().into_iter().flat_map(|(_, steps)| steps) {
                step.each(&mut |one| found |= writes(one));
            }
            found
        };
        match &step.act {
            Act::Call(call) => {
                let Some(called) = self.others.called.get(call.playbook.as_str()) else { return true };
                changes(called) || self.others.called.by_name(called).values().any(|playbook| changes(playbook))
            }
            _ => writes(step),
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
    if connection.sidekiq.is_some() {
        return System::Sidekiq;
    }
    let server = connection.postgres.is_some() || connection.mysql.is_some();
    if connection.sqlite.is_some() || overrides().any(|o| o.sqlite.is_some()) && !server {
        System::Sqlite
    } else if connection.command.is_some() {
        System::Program
    } else if connection.mysql.is_some() || overrides().any(|o| o.mysql.is_some()) && connection.postgres.is_none() {
        System::Mysql
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
        Act::Resource(spec) => spec.kind().is_some() && !spec.is_read(),
        Act::Command(command) => command.arguments().is_some() && !command.is_read(),
        act => nature(act) == Some(Nature::Write),
    }
}

/// The step asks something outside and changes nothing.
pub fn reads(step: &Step) -> bool {
    match &step.act {
        Act::Http(call) => call.is_read(),
        Act::Resource(spec) => spec.read.is_some() && spec.is_read(),
        Act::Command(command) => command.is_read(),
        act => nature(act) == Some(Nature::Read),
    }
}

fn nature(act: &Act) -> Option<Nature> {
    crate::action::kinds::KINDS.iter().find(|k| k.word == act.word()).map(|k| k.nature)
}

/// The step calls an API or starts a program: rows of the `errors:` table may speak of it.
pub fn calls_out(step: &Step) -> bool {
    matches!(step.act, Act::Http(_) | Act::Resource(_) | Act::Command(_))
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
        // Of a kind that the project file declares, the rules about the project file look at the connection.
        Act::Resource(spec) => match spec.kind()? {
            KindOf::Here(kind) => Some((kind.api.as_str(), kind.api.span)),
            KindOf::Named(_) => None,
        },
        Act::Job(job) => Some((job.queue.as_str(), job.queue.span)),
        Act::Tally(tally) => tally.tables.first().and_then(part),
        Act::Command(command) => Some((command.program.as_str(), command.program.span)),
        Act::Find(find) => part(&find.table),
        Act::Rows(rows) => part(&rows.table),
        Act::Row(row) => row.table.as_ref().and_then(part),
        _ => None,
    }
}

pub(in crate::check) fn visits(playbook: &Playbook) -> Vec<Visit<'_>> {
    let mut all = Vec::new();
    for (place, step) in playbook.targets.iter().flat_map(|targets| targets.from.steps()) {
        let section = Section::Preconditions;
        all.push(Visit {
            step,
            section,
            role: Role::Source,
            owner: None,
            part: Part::Own,
            transaction: None,
            path: format!("targets/{place}"),
            sql: None,
        });
    }
    let sections = [Section::Preconditions, Section::Steps, Section::Verification, Section::Afterwards];
    for (section, (_, steps)) in sections.into_iter().zip(playbook.sections()) {
        for (index, step) in steps.iter().enumerate() {
            visit(
                step,
                &Place {
                    section,
                    role: Role::Listed,
                    owner: None,
                    part: Part::Own,
                    transaction: None,
                    before: section.word(),
                },
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
    part: Part,
    transaction: Option<&'a Word>,
    before: &'p str,
}

fn visit<'a>(step: &'a Step, place: &Place<'a, '_>, index: usize, all: &mut Vec<Visit<'a>>) {
    let last = match place.role {
        Role::Listed => step.label(index),
        Role::Undo => "undo".into(),
        Role::Probe => "probe".into(),
        Role::Look => "read".into(),
        Role::Source => "from".into(),
    };
    let path = format!("{}/{last}", place.before);
    let at = all.len();
    let Place { section, role, owner, transaction, .. } = *place;
    let part = place.part.clone();
    all.push(Visit { step, section, role, owner, part, transaction, path: path.clone(), sql: None });
    let below =
        |role, transaction| Place { section, role, owner: Some(at), part: Part::Own, transaction, before: &path };
    if let Some(Undo::Step(undo)) = &step.common.undo {
        visit(undo, &below(Role::Undo, None), 0, all);
    }
    if let Some(probe) = &step.common.probe {
        visit(&probe.read, &below(Role::Probe, None), 0, all);
    }
    if let Act::Wait(wait) = &step.act {
        visit(&wait.read, &below(Role::Look, transaction), 0, all);
    }
    let transaction = match &step.act {
        Act::Block(block) => block.transaction.as_ref().or(transaction),
        _ => transaction,
    };
    for (word, steps) in step.parts() {
        let before = word.as_ref().map_or_else(|| path.clone(), |word| format!("{path}/{word}"));
        let part = match word.as_deref() {
            None => Part::Own,
            Some(RESCUE) => Part::Rescue,
            Some(ALWAYS) => Part::Always,
            Some(arm) => Part::Arm(arm.trim_start_matches(ARM).to_owned()),
        };
        for (index, inner) in steps.iter().enumerate() {
            let place = Place {
                section,
                role: Role::Listed,
                owner: Some(at),
                part: part.clone(),
                transaction,
                before: &before,
            };
            visit(inner, &place, index, all);
        }
    }
}
