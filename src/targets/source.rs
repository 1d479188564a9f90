//! Reading a source to its end: rows of a table or a query through a reading handle, lines of a file, elements of a list, entries
//! of an API's answer.

use super::{
    csv::{self, BadFile, Ended},
    faults::Faults,
    gather::{GatherError, Gathering, column_of, plain_order},
    matching,
    model::{From, Source, Targets},
};
use crate::{
    action::{
        deed::Find,
        resolve::{self, Known},
        step::Step,
    },
    base::value::{Data, Map, Value},
    connection::{
        database::Database,
        fault::Fault,
        sidekiq::{Jobs, Place},
        statement::{Select, Statement},
    },
    effect::change::TableName,
    table::condition::Order,
    template::{Failure, Scope},
};
use std::{collections::HashMap, fs::File, io::BufReader, path::PathBuf, pin::Pin, sync::Arc};

/// Sends a call that reads, and hands out the entries of its list one after the other, until it is told that these are enough.
/// How a call is made (authentication, pages, tries) is not known here.
pub type Calls<'c> = dyn for<'a> Fn(
        &'a Step,
        &'static str,
        &'a Scope,
        &'a mut (dyn FnMut(Value) -> bool + Send),
    ) -> Pin<Box<dyn Future<Output = Result<(), String>> + Send + 'a>>
    + Send
    + Sync
    + 'c;

/// What reading a source needs of its surroundings.
pub struct Reach<'a> {
    /// Databases by name.
    pub databases: &'a HashMap<Arc<str>, Database>,
    /// Background jobs by the name of their connection.
    pub jobs: &'a HashMap<Arc<str>, Jobs>,
    /// Facts of tables, dialects.
    pub known: &'a (dyn Known + Sync),
    /// Where relative paths of files start.
    pub folder: PathBuf,
    /// How an API is asked.
    pub calls: &'a Calls<'a>,
}

/// Why a source cannot be read.
#[derive(Debug)]
pub enum SourceError {
    /// A database said no, and which.
    Database(Arc<str>, Fault),
    /// A call did not give its list: which API, and why, as a sentence without a full stop.
    Call(Arc<str>, String),
    /// The file, as it was named, and what is wrong with it.
    File(String, BadFile),
    /// The file is another one than the one that was accepted.
    OtherFile(String),
    /// An expression failed.
    Expression(Box<Failure>),
    /// Resolving failed.
    Resolve(resolve::Trouble),
    /// What came cannot be gathered.
    Gather(GatherError),
    /// Something does not fit; a sentence without a full stop.
    Misfit(String),
}

impl std::convert::From<GatherError> for SourceError {
    fn from(error: GatherError) -> SourceError {
        SourceError::Gather(error)
    }
}
impl std::convert::From<Failure> for SourceError {
    fn from(failure: Failure) -> SourceError {
        SourceError::Expression(Box::new(failure))
    }
}

/// The columns that tell items apart: those of the playbook, else of the table; of a comparison its own key.
pub fn key_of(targets: &Targets, known: &dyn Known) -> Vec<Arc<str>> {
    if let Some(columns) = &targets.key {
        return columns.0.iter().map(|word| word.text.clone()).collect();
    }
    match &targets.from.source {
        Source::Compare(comparing) => match comparing.key.left.0.as_slice() {
            [_] => vec!["key".into()],
            several => several.iter().map(|word| format!("key.{}", word.as_str()).into()).collect(),
        },
        Source::Find(find) => {
            let facts = TableName::parse(find.table.as_str()).and_then(|table| known.facts(&table));
            facts.map(|facts| facts.key_columns()).unwrap_or_default()
        }
        _ => Vec::new(),
    }
}

/// Reads all of it into `into`.
pub async fn read(
    targets: &Targets,
    scope: &Scope,
    reach: &Reach<'_>,
    into: &mut Gathering<'_>,
) -> Result<(), SourceError> {
    if let Source::Compare(comparing) = &targets.from.source {
        return matching::read(comparing, scope, reach, into).await;
    }
    let order =
        if plain_order(targets) { targets.order_by.iter().filter_map(column_of).map(by).collect() } else { vec![] };
    let from = Reading { of: &targets.from, place: "targets/from", order, whole: key_of(targets, reach.known) };
    let mut faults = Faults::default();
    let read = from.rows(scope, reach, &mut faults, &mut |value, line| into.add(value, line)).await;
    // Those of the cells first, then those of whole rows.
    faults.append(std::mem::take(&mut into.faults));
    into.faults = faults;
    read
}

/// Receives a row, with its line where it comes from a file.
pub(super) type Each<'a> = &'a mut (dyn FnMut(Value, Option<u64>) -> Result<(), GatherError> + Send);

/// One source that is read on its own.
pub(super) struct Reading<'a> {
    /// Which.
    pub of: &'a From,
    /// Its path in messages.
    pub place: &'static str,
    /// The order that is wanted of a table beside its own; nothing for its own.
    pub order: Vec<Order>,
    /// Columns that make the order whole.
    pub whole: Vec<Arc<str>>,
}

impl Reading<'_> {
    /// Every row, one after the other.
    pub(super) async fn rows(
        self,
        scope: &Scope,
        reach: &Reach<'_>,
        faults: &mut Faults,
        each: Each<'_>,
    ) -> Result<(), SourceError> {
        match &self.of.source {
            Source::List(datum) => {
                let found = datum.evaluate(scope)?.value;
                let Some(values) = found.as_list() else {
                    return Err(SourceError::Misfit(format!("`list` takes a list, not {}", found.kind())));
                };
                for value in values {
                    each(value.clone().marked(found.marks), None)?;
                }
                Ok(())
            }
            Source::Csv(spec) => of_file(spec, scope, reach, faults, each),
            Source::Find(spec) => {
                let find = resolve::find(spec, scope, reach.known).map_err(SourceError::Resolve)?;
                let mut order = if self.order.is_empty() { find.order.clone() } else { self.order };
                // Pages of an answer come in one order only if the order is whole.
                for column in self.whole {
                    if !order.iter().any(|one| one.column == column) {
                        order.push(Order { column, descending: false });
                    }
                }
                of_table(&find, &order, reach, each).await
            }
            Source::Query(spec) => {
                let connection = &spec.db.text;
                let bound = spec.sql.bind(scope, reach.known.dialect(connection))?;
                let statement = Statement { sql: bound.sql, binds: bound.binds };
                let table = spec.of_table.as_ref().and_then(|word| TableName::parse(word.as_str()));
                let facts = table.and_then(|table| reach.known.facts(&table));
                let seen = |row: Map| Value::from(facts.map_or_else(|| row.clone(), |facts| facts.seen(&row)));
                let database = database(reach, connection)?;
                let mut failed = None;
                let mut reading = database.reading().await.map_err(|f| fault(connection, f))?;
                let done = reading.query_each(&statement, &mut |row| keep(each, seen(row), &mut failed)).await;
                reading.close().await;
                ended(connection, done, failed)
            }
            Source::Http(call) => {
                let Some(step) = &self.of.step else { return Ok(()) };
                let mut failed = None;
                let read = (reach.calls)(step, self.place, scope, &mut |entry| keep(each, entry, &mut failed)).await;
                match (failed, read) {
                    (Some(error), _) => Err(error.into()),
                    (None, read) => read.map_err(|why| SourceError::Call(call.api.text.clone(), why)),
                }
            }
            // It is put together of its sides.
            Source::Compare(_) => Ok(()),
        }
    }
}

async fn of_table(find: &Find, order: &[Order], reach: &Reach<'_>, each: Each<'_>) -> Result<(), SourceError> {
    if let Some(jobs) = reach.jobs.get(&find.table.connection) {
        return of_jobs(jobs, find, order, reach, each).await;
    }
    let facts = reach.known.facts(&find.table);
    let seen = |row: Map| Value::from(facts.map_or_else(|| row.clone(), |facts| facts.seen(&row)));
    let select =
        Select { table: &find.table.table, columns: &find.columns, conditions: &find.conditions, order, limit: None };
    let database = database(reach, &find.table.connection)?;
    let mut failed = None;
    let mut reading = database.reading().await.map_err(|f| fault(&find.table.connection, f))?;
    let done = reading.select_each(&select, &mut |row| keep(each, seen(row), &mut failed)).await;
    reading.close().await;
    ended(&find.table.connection, done, failed)
}

/// Jobs as rows. Redis tells no order and no snapshot: they are looked through once, within the bounds of the connection, and each is
/// compared again when it is changed.
async fn of_jobs(
    jobs: &Jobs,
    find: &Find,
    order: &[Order],
    reach: &Reach<'_>,
    each: Each<'_>,
) -> Result<(), SourceError> {
    let Some(place) = Place::of(&find.table.table) else {
        return Err(SourceError::Misfit(format!("`{}` is no place of jobs", find.table)));
    };
    let found = jobs.find(place, &find.conditions, order, usize::MAX).await;
    let facts = reach.known.facts(&find.table);
    for job in found.map_err(|f| fault(&find.table.connection, f))?.jobs {
        let row = facts.map_or_else(|| job.row.clone(), |facts| facts.seen(&job.row));
        let row: Map = if find.columns.is_empty() {
            row
        } else {
            row.into_iter().filter(|(name, _)| &**name == "jid" || find.columns.contains(name)).collect()
        };
        each(row.into(), None)?;
    }
    Ok(())
}

fn by((column, descending): (&str, bool)) -> Order {
    Order { column: column.into(), descending }
}

fn database<'a>(reach: &Reach<'a>, name: &str) -> Result<&'a Database, SourceError> {
    let found = reach.databases.get(name);
    found.ok_or_else(|| SourceError::Misfit(format!("`{name}` is not a database of this environment")))
}

fn fault(connection: &Arc<str>, fault: Fault) -> SourceError {
    SourceError::Database(connection.clone(), fault)
}

/// One row more; what goes wrong is kept aside, and ends the reading.
fn keep(each: Each<'_>, value: Value, failed: &mut Option<GatherError>) -> bool {
    match each(value, None) {
        Ok(()) => true,
        Err(error) => {
            *failed = Some(error);
            false
        }
    }
}

fn ended(connection: &Arc<str>, done: Result<(), Fault>, failed: Option<GatherError>) -> Result<(), SourceError> {
    match (failed, done) {
        (Some(error), _) => Err(error.into()),
        (None, done) => done.map_err(|f| fault(connection, f)),
    }
}

fn of_file(
    spec: &super::model::CsvSource,
    scope: &Scope,
    reach: &Reach<'_>,
    faults: &mut Faults,
    each: Each<'_>,
) -> Result<(), SourceError> {
    let given = spec.csv.evaluate(scope)?.value;
    let named = FileParam::of(&given);
    let Some(FileParam { path, sha256 }) = named else {
        return Err(SourceError::Misfit("`csv` takes a parameter of the type `file`".into()));
    };
    let bad = |why: String| SourceError::File(path.clone(), BadFile(why));
    let file = File::open(reach.folder.join(&path)).map_err(|e| bad(format!("cannot be read: {e}")))?;
    let mut hashed = Hashed { file, hash: Default::default() };
    let mut failed = None;
    let read = csv::read(BufReader::with_capacity(1 << 16, &mut hashed), spec, faults, &mut |line, row| match each(
        row.into(),
        Some(line),
    ) {
        Ok(()) => Ok(()),
        Err(GatherError::Spool(error)) => Err(error),
        Err(error) => {
            failed.get_or_insert(error);
            Ok(())
        }
    });
    match (read, failed) {
        (Err(Ended::File(bad)), _) => Err(SourceError::File(path, bad)),
        (Err(Ended::Spool(error)), _) => Err(GatherError::Spool(error).into()),
        (Ok(()), Some(error)) => Err(error.into()),
        (Ok(()), None) if sha256.is_some_and(|sum| sum != hashed.sum()) => Err(SourceError::OtherFile(path)),
        (Ok(()), None) => Ok(()),
    }
}

/// A parameter of the type `file`: where it is, and the SHA-256 of its bytes when it was accepted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FileParam {
    /// As it was given.
    pub path: String,
    /// Hexadecimal digits.
    pub sha256: Option<String>,
}

impl FileParam {
    /// From a value; a text alone is a path.
    pub fn of(value: &Value) -> Option<FileParam> {
        let text = |name: &str| value.get(name).and_then(|v| v.as_str().map(str::to_owned));
        match &value.data {
            Data::Text(path) => Some(FileParam { path: path.to_string(), sha256: None }),
            _ => Some(FileParam { path: text("path")?, sha256: text("sha256") }),
        }
    }

    /// The value that expressions, plans and journals see.
    pub fn value(&self) -> Value {
        let sum = self.sha256.as_deref().map_or(Value::NULL, Value::from);
        Value::map([("path", Value::from(self.path.as_str())), ("sha256", sum)])
    }
}

/// The SHA-256 of a file's bytes, as hexadecimal digits.
pub fn sum_of(path: &std::path::Path) -> std::io::Result<String> {
    // It is read when the plan is made and again when it is carried out: a pipe or a device would give something else, or nothing, or no end.
    let known = std::fs::metadata(path)?;
    if !known.is_file() && !known.is_dir() {
        return Err(std::io::Error::new(std::io::ErrorKind::InvalidInput, "it is a pipe or a device, and no file"));
    }
    let mut hashed = Hashed { file: File::open(path)?, hash: Default::default() };
    std::io::copy(&mut hashed, &mut std::io::sink())?;
    Ok(hashed.sum())
}

/// A file whose bytes are summed as they are read.
struct Hashed {
    file: File,
    hash: sha2::Sha256,
}

impl Hashed {
    fn sum(self) -> String {
        use sha2::Digest;
        self.hash.finalize().iter().map(|b| format!("{b:02x}")).collect()
    }
}

impl std::io::Read for Hashed {
    fn read(&mut self, into: &mut [u8]) -> std::io::Result<usize> {
        use sha2::Digest;
        let read = self.file.read(into)?;
        self.hash.update(&into[..read]);
        Ok(read)
    }
}
