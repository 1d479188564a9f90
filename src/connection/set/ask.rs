//! What a member asks for, and how it waits for the answer.

use super::{
    super::{
        fault::{Fault, FaultKind},
        ledger::{Claimed, Entry},
        link::Link,
        rows::Rows,
        seen::Seen,
        standing::Standing,
        statement::{Limits, Select, SetTo, Statement},
    },
    divided,
    gate::{Gate, Pass},
};
use crate::{
    base::value::{Map, Value},
    table::{
        catalogue::{Nature, Table},
        condition::{Condition, Order, Test},
    },
};
use std::{
    fmt::Write as _,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
};
use tokio::sync::oneshot;

/// The place of one item in a set.
#[derive(Clone, Debug)]
pub struct Member {
    number: usize,
    shared: Arc<Shared>,
}

/// What the members and their executor share.
#[derive(Debug)]
pub(super) struct Shared {
    asked: Mutex<Vec<Asked>>,
    /// Who left which transaction, and has not been noticed.
    left: Mutex<Vec<(usize, u64)>>,
    ways: Mutex<Vec<Way>>,
    /// Open handles that only read.
    readers: AtomicUsize,
    /// Transactions are everybody's own, so many at a time.
    gate: Option<Arc<Gate>>,
    /// How many transactions each has open then.
    inside: Mutex<Vec<u32>>,
    /// Rows that each has read lately, with their versions, until it asks for them.
    read: Mutex<Vec<Vec<Seen>>>,
}

/// More rows are not kept of a member.
const MOST_READ: usize = 8;

/// How a member goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Way {
    /// With the others.
    Together,
    /// Alone, as soon as the others are over.
    ToGoAlone,
    /// Alone.
    Alone,
}

/// One question.
#[derive(Debug)]
pub(super) struct Asked {
    pub member: usize,
    /// The transaction that it belongs to; nothing outside of one.
    pub epoch: Option<u64>,
    pub op: Op,
    reply: oneshot::Sender<Result<Reply, Fault>>,
}

impl Asked {
    pub fn answer(self, answer: Result<Reply, Fault>) {
        // Who does not wait any more needs none.
        let _ = self.reply.send(answer);
    }
}

/// What may be asked for.
#[derive(Debug)]
pub(super) enum Op {
    Select(Whole, Limits),
    Query(Statement, Limits),
    Columns(String),
    Nature(String),
    Standing(Vec<String>, bool),
    /// A transaction.
    Begin,
    /// To go on with handles of one's own.
    Alone,
    Commit,
    Claim(Box<Entry>),
    /// What was touched so far counts as before.
    Touched,
    /// Deferred constraints hold, and nothing was touched but what was asked for.
    Check,
    /// Back to before a step that was refused.
    Back,
    Lock {
        table: String,
        columns: Vec<Arc<str>>,
        keys: Vec<Vec<Value>>,
    },
    /// A row and its version, read outside of a transaction.
    See {
        table: String,
        columns: Vec<Arc<str>>,
        keys: Vec<Vec<Value>>,
    },
    LockWhere {
        table: String,
        key: Vec<Arc<str>>,
        conditions: Vec<Condition>,
        max: usize,
    },
    Update {
        table: String,
        key: Map,
        set: Vec<(Arc<str>, SetTo)>,
    },
    Insert {
        table: String,
        key: Vec<Arc<str>>,
        values: Vec<(Arc<str>, SetTo)>,
        again: bool,
    },
    /// Of a table that nothing else touches: the row as it is then.
    UpdateWhole {
        table: String,
        key: Map,
        set: Vec<(Arc<str>, SetTo)>,
    },
    /// The same of a new row.
    InsertWhole {
        table: String,
        values: Vec<(Arc<str>, SetTo)>,
    },
    Delete {
        table: String,
        key: Map,
    },
    NextOf {
        table: String,
        column: String,
        per: Vec<Condition>,
        /// Others may count on among the same rows at the same time.
        crowded: bool,
    },
}

/// A selection that owns its words.
#[derive(Clone, Debug)]
pub(super) struct Whole {
    pub table: String,
    pub columns: Vec<Arc<str>>,
    pub conditions: Vec<Condition>,
    pub order: Vec<Order>,
    pub limit: Option<usize>,
}

impl Whole {
    pub fn of(select: &Select<'_>) -> Whole {
        Whole {
            table: select.table.to_owned(),
            columns: select.columns.to_vec(),
            conditions: select.conditions.to_vec(),
            order: select.order.to_vec(),
            limit: select.limit,
        }
    }

    pub fn select(&self) -> Select<'_> {
        Select {
            table: &self.table,
            columns: &self.columns,
            conditions: &self.conditions,
            order: &self.order,
            limit: self.limit,
        }
    }
}

/// The columns that must have a value, each with it, where the others must have none; nothing where a condition says something else.
pub(super) fn equals(conditions: &[Condition]) -> Option<Vec<(&Arc<str>, &Value)>> {
    fn one(condition: &Condition) -> Option<(&Arc<str>, &Value)> {
        match &condition.test {
            Test::Is(value) => Some((&condition.column, value)),
            _ => None,
        }
    }
    let all: Vec<_> = conditions.iter().map(one).collect::<Option<_>>()?;
    Some(all.into_iter().filter(|(_, value)| !value.is_null()).collect())
}

/// The columns that must have none, as `discarded_at` of a row that is not discarded.
pub(super) fn nulls(conditions: &[Condition]) -> impl Iterator<Item = &Arc<str>> {
    conditions.iter().filter(|condition| is_null(condition)).map(|condition| &condition.column)
}

fn is_null(condition: &Condition) -> bool {
    matches!(&condition.test, Test::Is(value) if value.is_null())
}

/// An answer.
#[derive(Debug)]
pub(super) enum Reply {
    Done,
    Epoch(u64),
    Rows(Rows),
    Table(Option<Arc<Table>>),
    Nature(Nature),
    Row(Option<Map>),
    Standing(Box<Standing>),
    Claimed(Claimed),
    Found(Vec<Option<Map>>),
    Seen(Option<Box<(Map, Value)>>),
    Several(Vec<Map>),
    Count(u64),
    Key(Map),
    Value(Value),
}

impl Op {
    /// What two asks have in common that one statement may answer: everything but their values.
    pub fn wording(&self) -> String {
        let mut text = String::with_capacity(512);
        let names = |text: &mut String, names: &mut dyn Iterator<Item = &Arc<str>>| {
            for name in names {
                let _ = write!(text, "\u{1f}{name}");
            }
        };
        let compared = |text: &mut String, conditions: &[Condition]| {
            for condition in conditions {
                let null = if is_null(condition) { "\u{1e}null" } else { "" };
                let _ = write!(text, "\u{1f}{}{null}", condition.column);
            }
            if equals(conditions).is_none() {
                text.push_str("\u{1d}otherwise");
            }
        };
        let sets = |text: &mut String, set: &[(Arc<str>, SetTo)]| {
            for (column, to) in set {
                let _ = write!(text, "\u{1f}{column}{}", if *to == SetTo::DatabaseNow { "\u{1e}now" } else { "" });
            }
        };
        match self {
            Op::Lock { table, columns, keys } | Op::See { table, columns, keys } => {
                let word = if matches!(self, Op::See { .. }) { "see" } else { "lock" };
                let _ = write!(text, "{word} {table} {}", keys.len());
                names(&mut text, &mut columns.iter());
            }
            Op::Update { table, key, set } => {
                let _ = write!(text, "update {table}");
                names(&mut text, &mut key.keys());
                text.push('\u{1d}');
                sets(&mut text, set);
            }
            Op::Insert { table, key, values, again } => {
                let _ = write!(text, "insert {table} {again}");
                names(&mut text, &mut key.iter());
                text.push('\u{1d}');
                sets(&mut text, values);
            }
            Op::Select(whole, _) => {
                let _ = write!(text, "select {} {:?} {:?}", whole.table, whole.limit, whole.order);
                names(&mut text, &mut whole.columns.iter());
                text.push('\u{1d}');
                compared(&mut text, &whole.conditions);
            }
            Op::Query(..) => text.push_str("query"),
            Op::Columns(table) => {
                let _ = write!(text, "columns {table}");
            }
            Op::Nature(table) => {
                let _ = write!(text, "nature {table}");
            }
            Op::UpdateWhole { table, key, set } => {
                let _ = write!(text, "update whole {table}");
                names(&mut text, &mut key.keys());
                text.push('\u{1d}');
                sets(&mut text, set);
            }
            Op::InsertWhole { table, values } => {
                let _ = write!(text, "insert whole {table}");
                sets(&mut text, values);
            }
            Op::Standing(..) => text.push_str("standing"),
            Op::Begin => text.push_str("begin"),
            Op::Alone => text.push_str("alone"),
            Op::Commit => text.push_str("commit"),
            Op::Claim(entry) => {
                let _ = write!(text, "claim {} {} {}", entry.run, entry.fence, entry.journal);
            }
            Op::Touched => text.push_str("touched"),
            Op::Check => text.push_str("check"),
            Op::Back => text.push_str("back"),
            Op::LockWhere { .. } => text.push_str("lock where"),
            Op::Delete { .. } => text.push_str("delete"),
            Op::NextOf { table, column, per, crowded } => {
                let _ = write!(text, "next of {table} {column} {crowded}");
                compared(&mut text, per);
            }
        }
        text
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Shared {
    pub fn new(members: usize, gate: Option<Arc<Gate>>) -> Shared {
        let (ways, inside) = (Mutex::new(vec![Way::Together; members]), Mutex::new(vec![0; members]));
        let (asked, left, readers) = (Mutex::default(), Mutex::default(), AtomicUsize::new(0));
        Shared { asked, left, ways, readers, gate, inside, read: Mutex::new(vec![Vec::new(); members]) }
    }

    /// Transactions are everybody's own.
    pub fn is_apart(&self) -> bool {
        self.gate.is_some()
    }

    /// How many have transactions of their own open.
    pub fn count_inside(&self) -> usize {
        lock(&self.inside).iter().filter(|open| **open > 0).count()
    }

    /// It has a transaction of its own open: others may wait for the rows that it has locked.
    pub fn is_inside(&self, member: usize) -> bool {
        lock(&self.inside).get(member).is_some_and(|open| *open > 0)
    }

    pub fn asked(&self) -> MutexGuard<'_, Vec<Asked>> {
        lock(&self.asked)
    }

    pub fn left(&self) -> MutexGuard<'_, Vec<(usize, u64)>> {
        lock(&self.left)
    }

    /// Keeps a row that a member has read. It may be changed by others from then on: whoever rests on it says which version it was.
    pub fn keep(&self, member: usize, row: Seen) {
        if let Some(rows) = lock(&self.read).get_mut(member) {
            rows.retain(|other| !other.is(&row.table, &row.columns, &row.key));
            if rows.len() == MOST_READ {
                rows.remove(0);
            }
            rows.push(row);
        }
    }

    /// Somebody has a handle that only reads.
    pub fn is_read(&self) -> bool {
        self.readers.load(Ordering::Relaxed) > 0
    }

    /// From its next transaction on this member goes alone.
    pub fn send_alone(&self, member: usize) {
        if let Some(way) = lock(&self.ways).get_mut(member).filter(|way| **way == Way::Together) {
            *way = Way::ToGoAlone;
        }
    }

    fn way(&self, member: usize) -> Way {
        lock(&self.ways).get(member).copied().unwrap_or(Way::Alone)
    }
}

impl Member {
    pub(super) fn new(number: usize, shared: Arc<Shared>) -> Member {
        Member { number, shared }
    }

    /// It has handles of its own.
    pub fn is_alone(&self) -> bool {
        self.shared.way(self.number) == Way::Alone
    }

    /// From its next handle on it goes alone: something happened to it that is looked into one by one.
    pub fn leave(&self) {
        self.shared.send_alone(self.number);
    }

    /// Whether it gets handles of its own; one that is to go alone waits until it may.
    pub(in super::super) async fn goes_alone(&self) -> bool {
        match self.shared.way(self.number) {
            Way::Together => return false,
            Way::Alone => return true,
            Way::ToGoAlone => {}
        }
        // Where nobody's transaction is another's, there is nobody to wait for.
        if !self.shared.is_apart() {
            let _ = self.ask(None, Op::Alone).await;
        }
        if let Some(way) = lock(&self.shared.ways).get_mut(self.number) {
            *way = Way::Alone;
        }
        true
    }

    /// A seat in the next transaction.
    pub(in super::super) async fn begin(&self) -> Result<Seat, Fault> {
        match self.ask(None, Op::Begin).await? {
            Reply::Epoch(epoch) => Ok(Seat { member: self.clone(), epoch: Some(epoch) }),
            _ => Err(mixed_up()),
        }
    }

    /// Its transactions are its own.
    pub(in super::super) fn is_apart(&self) -> bool {
        self.shared.is_apart()
    }

    /// It has one open.
    pub fn is_inside(&self) -> bool {
        self.shared.is_inside(self.number)
    }

    /// The right to a transaction of its own; waits until fewer are open than may be. None where nobody counts them, or it has one.
    pub(in super::super) async fn enter(&self) -> Option<Inside> {
        if self.is_inside() {
            return None;
        }
        let pass = self.shared.gate.clone()?.enter().await;
        if let Some(open) = lock(&self.shared.inside).get_mut(self.number) {
            *open += 1;
        }
        Some(Inside { member: self.clone(), pass: Some(pass) })
    }

    /// A row that it has read already, once.
    pub(in super::super) fn has_read(&self, table: &str, columns: &[Arc<str>], key: &[Value]) -> Option<Seen> {
        let mut read = lock(&self.shared.read);
        let rows = read.get_mut(self.number)?;
        let at = rows.iter().position(|row| row.is(table, columns, key))?;
        Some(rows.swap_remove(at))
    }

    /// A seat outside of any.
    pub(in super::super) fn reader(&self) -> Seat {
        self.shared.readers.fetch_add(1, Ordering::Relaxed);
        Seat { member: self.clone(), epoch: None }
    }

    async fn ask(&self, epoch: Option<u64>, op: Op) -> Result<Reply, Fault> {
        let (reply, answer) = oneshot::channel();
        self.shared.asked().push(Asked { member: self.number, epoch, op, reply });
        // The executor is gone: as a connection would be.
        answer.await.unwrap_or_else(|_| Err(Fault::new(FaultKind::Lost, "the set that it was in is gone")))
    }
}

/// What stands in a handle instead of a connection. Who drops it has left the transaction.
#[derive(Debug)]
pub(in super::super) struct Seat {
    member: Member,
    epoch: Option<u64>,
}

impl Drop for Seat {
    fn drop(&mut self) {
        match self.epoch {
            Some(epoch) => self.member.shared.left().push((self.member.number, epoch)),
            None => drop(self.member.shared.readers.fetch_sub(1, Ordering::Relaxed)),
        }
    }
}

/// The right to a transaction of one's own, given back with it.
#[derive(Debug)]
pub(in super::super) struct Inside {
    member: Member,
    /// Nothing once it was handed on.
    pass: Option<Pass>,
}

impl Inside {
    /// A transaction that was begun for it.
    pub fn begun(&mut self) -> Option<Link> {
        self.pass.as_mut()?.begun()
    }

    /// Somebody waits for the next.
    pub fn is_wanted(&self) -> bool {
        self.pass.as_ref().is_some_and(Pass::is_wanted)
    }

    /// Gives it back with a transaction for the next one.
    pub fn hand_on(mut self, begun: Link) {
        if let Some(pass) = self.pass.take() {
            pass.hand_on(begun);
        }
    }
}

impl Drop for Inside {
    fn drop(&mut self) {
        if let Some(open) = lock(&self.member.shared.inside).get_mut(self.member.number) {
            *open = open.saturating_sub(1);
        }
    }
}

fn mixed_up() -> Fault {
    Fault::new(FaultKind::Other, "the answer was to another question")
}

macro_rules! asks {
    ($($(#[$doc:meta])* $name:ident($($arg:ident: $ty:ty),*) -> $out:ty = $op:expr => $reply:pat => $value:expr;)*) => {
        impl Seat {
            $($(#[$doc])* pub async fn $name(&self, $($arg: $ty),*) -> Result<$out, Fault> {
                match self.member.ask(self.epoch, $op).await? {
                    $reply => Ok($value),
                    _ => Err(mixed_up()),
                }
            })*
        }
    };
}

asks! {
    select(select: &Select<'_>, limits: Limits) -> Rows = Op::Select(Whole::of(select), limits) => Reply::Rows(rows) => rows;
    query(statement: &Statement, limits: Limits) -> Rows = Op::Query(statement.clone(), limits) => Reply::Rows(rows) => rows;
    columns(table: &str) -> Option<Arc<Table>> = Op::Columns(table.to_owned()) => Reply::Table(table) => table;
    standing(tables: &[&str], ledger: bool) -> Standing
        = Op::Standing(tables.iter().map(|t| (*t).to_owned()).collect(), ledger) => Reply::Standing(standing) => *standing;
    nature(table: &str) -> Nature = Op::Nature(table.to_owned()) => Reply::Nature(nature) => nature;
    update_whole(table: &str, key: &Map, set: &[(Arc<str>, SetTo)]) -> Option<Map>
        = Op::UpdateWhole { table: table.to_owned(), key: key.clone(), set: set.to_vec() } => Reply::Row(row) => row;
    insert_whole(table: &str, values: &[(Arc<str>, SetTo)]) -> Map
        = Op::InsertWhole { table: table.to_owned(), values: values.to_vec() } => Reply::Row(Some(row)) => row;
    commit() -> () = Op::Commit => Reply::Done => ();
    claim(entry: &Entry) -> Claimed = Op::Claim(Box::new(entry.clone())) => Reply::Claimed(claimed) => claimed;
    touched() -> () = Op::Touched => Reply::Done => ();
    check() -> () = Op::Check => Reply::Done => ();
    back() -> () = Op::Back => Reply::Done => ();
    lock_and_read(table: &str, columns: &[Arc<str>], keys: &[Vec<Value>]) -> Vec<Option<Map>>
        = Op::Lock { table: table.to_owned(), columns: columns.to_vec(), keys: keys.to_vec() } => Reply::Found(found) => found;
    see(table: &str, columns: &[Arc<str>], key: &[Value]) -> Option<Box<(Map, Value)>>
        = Op::See { table: table.to_owned(), columns: columns.to_vec(), keys: vec![key.to_vec()] } => Reply::Seen(seen) => seen;
    lock_where(table: &str, key: &[Arc<str>], conditions: &[Condition], max: usize) -> Vec<Map>
        = Op::LockWhere { table: table.to_owned(), key: key.to_vec(), conditions: conditions.to_vec(), max }
        => Reply::Several(rows) => rows;
    update(table: &str, key: &Map, set: &[(Arc<str>, SetTo)]) -> u64
        = Op::Update { table: table.to_owned(), key: key.clone(), set: set.to_vec() } => Reply::Count(count) => count;
    insert(table: &str, key: &[Arc<str>], values: &[(Arc<str>, SetTo)], again: bool) -> Map
        = Op::Insert { table: table.to_owned(), key: key.to_vec(), values: values.to_vec(), again } => Reply::Key(key) => key;
    delete(table: &str, key: &Map) -> u64
        = Op::Delete { table: table.to_owned(), key: key.clone() } => Reply::Count(count) => count;
    next_of(table: &str, column: &str, per: &[Condition], crowded: bool) -> Value
        = Op::NextOf { table: table.to_owned(), column: column.to_owned(), per: per.to_vec(), crowded } => Reply::Value(value) => value;
}

impl Seat {
    /// Something that a set cannot do: this item goes alone from here on.
    pub fn refuse<T>(&self) -> Result<T, Fault> {
        self.member.leave();
        Err(divided())
    }
}
