//! Several items that go through the same transactions together. Each does what it would do on its own, through a [`Member`] that
//! stands behind its handles; what they ask for at the same time is gathered here and carried out at once: one BEGIN, one COMMIT,
//! and on PostgreSQL one statement for what all of them ask in the same words.
//!
//! What an item finds is what it would have found on its own, because a set is only ever a shortcut:
//! - only items whose rows differ share a transaction: who asks for a row that another one holds waits for the next;
//! - who leaves without having written just leaves; who has written takes the transaction along, and the others begin anew;
//! - where something goes wrong and nobody knows whose fault it is, the set is halved until the bad one stands alone;
//! - who stands alone gets ordinary handles, and with them the database's own words.
//!
//! Knows nothing of playbooks and journals: whoever drives the items says when all of them wait.

mod apart;
mod ask;
mod bulk;
mod carry;
mod gate;
mod scheduling;

pub use ask::Member;
pub(super) use ask::{Inside, Seat};
pub use gate::Gate;

use super::{
    changing::Changing,
    database::Database,
    fault::{Fault, FaultKind},
    handle::{Reading, Rehearsing, Writing},
    rows::Touched,
    standing::Standing,
};
use crate::{
    base::value::Map,
    table::catalogue::{Nature, Table},
};
use ask::{Asked, Shared};
use std::{
    collections::{BTreeSet, HashMap, VecDeque},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

/// What the sets of one run know of the tables of their database, so that not each of them asks the catalogue again. Forgotten whenever a
/// set is divided: what is wrong may be that a table is not as it was.
#[derive(Clone, Debug, Default)]
pub struct Known(Arc<Mutex<Tables>>);

#[derive(Debug, Default)]
struct Tables {
    columns: HashMap<String, Arc<Table>>,
    /// The columns of the primary key.
    keys: HashMap<String, Vec<Arc<str>>>,
    /// The same of tables whose rows were asked for with their versions: what is read of them comes with it from then on.
    seen: HashMap<String, Vec<Arc<str>>>,
}

impl Known {
    fn tables(&self) -> MutexGuard<'_, Tables> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn forget(&self) {
        *self.tables() = Tables::default();
    }
}

/// What a set is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Purpose {
    /// Its transactions are committed.
    Apply,
    /// They are rolled back, and who leaves after having written is done.
    Rehearse,
}

/// What the members of a set ask for, seen from where it is decided when they are answered.
#[derive(Clone, Debug)]
pub struct Asks(Arc<Shared>);

impl Asks {
    /// How many wait for an answer.
    pub fn waiting(&self) -> usize {
        self.0.asked().len()
    }

    /// How many have transactions of their own open.
    pub fn inside(&self) -> usize {
        self.0.count_inside()
    }

    /// Somebody who has a transaction of its own open waits for one.
    pub fn are_urgent(&self) -> bool {
        self.0.asked().iter().any(|one| self.0.is_inside(one.member))
    }
}

/// The executor of a set.
#[derive(Debug)]
pub struct Set {
    shared: Arc<Shared>,
    database: Database,
    purpose: Purpose,
    reading: Option<Reading>,
    open: Option<Open>,
    /// Who begins together next.
    groups: VecDeque<BTreeSet<usize>>,
    /// The number of the latest transaction.
    epoch: u64,
    known: Known,
    divided: u32,
    stirs: bool,
}

/// A transaction that several members share.
#[derive(Debug)]
struct Open {
    handle: Handle,
    epoch: u64,
    members: BTreeSet<usize>,
    /// Who has changed something, or claimed it.
    wrote: BTreeSet<usize>,
    /// Rows that members have locked, and the running numbers that they count.
    held: HashMap<(String, String), usize>,
    /// Rows inserted, updated and deleted, by table.
    done: HashMap<String, [u64; 3]>,
    /// What had been touched before the first change.
    before: Option<Vec<Touched>>,
    columns: HashMap<String, Option<Arc<Table>>>,
    natures: HashMap<String, Nature>,
    standing: Vec<((Vec<String>, bool), Standing)>,
}

#[derive(Debug)]
enum Handle {
    Writing(Writing),
    Rehearsing(Rehearsing),
}

impl Handle {
    fn changing(&mut self) -> &mut Changing {
        match self {
            Handle::Writing(writing) => writing,
            Handle::Rehearsing(rehearsing) => rehearsing,
        }
    }

    async fn rollback(self) {
        // A rollback that fails ends the connection, and that rolls back as well.
        let _ = match self {
            Handle::Writing(writing) => writing.rollback().await,
            Handle::Rehearsing(rehearsing) => rehearsing.rollback().await,
        };
    }
}

impl Set {
    /// A set of so many members over one database, of which the others of its run know this.
    pub fn new(database: &Database, members: usize, purpose: Purpose, known: &Known) -> Set {
        Set::sharing(database, Shared::new(members, None), purpose, known)
    }

    /// A set whose members read together, and change in transactions of their own, as many at a time as the gate lets in.
    pub fn apart(database: &Database, members: usize, gate: Arc<Gate>, known: &Known) -> Set {
        Set::sharing(database, Shared::new(members, Some(gate)), Purpose::Apply, known)
    }

    fn sharing(database: &Database, shared: Shared, purpose: Purpose, known: &Known) -> Set {
        Set {
            shared: Arc::new(shared),
            database: database.clone(),
            purpose,
            reading: None,
            open: None,
            groups: VecDeque::new(),
            epoch: 0,
            known: known.clone(),
            divided: 0,
            stirs: false,
        }
    }

    /// The place of one item, from 0.
    pub fn member(&self, number: usize) -> Member {
        Member::new(number, self.shared.clone())
    }

    /// The database as this member sees it.
    pub fn database_of(&self, number: usize) -> Database {
        self.database.in_set(self.member(number))
    }

    /// Its members change in transactions of their own.
    pub fn is_apart(&self) -> bool {
        self.shared.is_apart()
    }

    /// What its members ask for.
    pub fn asks(&self) -> Asks {
        Asks(self.shared.clone())
    }

    /// Answers all that is asked for outside of transactions. Of a set whose transactions are its members' own that is all there is, and what is read
    /// next is read as it is then.
    pub async fn answer_reads(&mut self) {
        let mut asked = std::mem::take(&mut *self.shared.asked());
        asked.sort_by_key(|one| one.member);
        self.read(asked).await;
        self.stop_reading().await;
    }

    /// How many members wait for an answer.
    pub fn waiting(&self) -> usize {
        self.shared.asked().len()
    }

    /// Everybody in the open transaction waits: it must not stay open for those outside of it.
    pub fn must_go_on(&self) -> bool {
        let Some(open) = &self.open else { return false };
        let asked = self.shared.asked();
        let asking: BTreeSet<usize> =
            asked.iter().filter(|asked| asked.epoch == Some(open.epoch)).map(|asked| asked.member).collect();
        let left = self.shared.left();
        open.members.iter().all(|m| asking.contains(m) || left.contains(&(*m, open.epoch)))
    }

    /// A connection is open that nobody reads through any more: it would hold back the database's own housekeeping.
    pub fn is_idle(&self) -> bool {
        self.reading.is_some() && !self.shared.is_read()
    }

    /// How often a transaction was given up and its members divided.
    pub fn divided(&self) -> u32 {
        self.divided
    }

    /// A change set off others (triggers, cascades): whose they are is only known of an item that stands alone.
    pub fn stirs(&self) -> bool {
        self.stirs
    }

    /// Gives the connections back.
    pub async fn close(mut self) {
        if let Some(open) = self.open.take() {
            open.handle.rollback().await;
        }
        self.stop_reading().await;
    }

    /// Ends the connection that reads.
    pub async fn stop_reading(&mut self) {
        if let Some(reading) = self.reading.take() {
            reading.close().await;
        }
    }
}

/// The answer to everybody whose transaction was given up.
fn divided() -> Fault {
    Fault::new(FaultKind::Divided, "the set that it was in was divided: nothing was committed, and it begins anew")
}

/// What belongs to one row, whatever columns it was asked for by.
fn named(row: &Map, key: &[Arc<str>]) -> String {
    let mut name = String::new();
    let mut add = |column: &str, value: Option<&crate::base::value::Value>| {
        name.push_str(column);
        name.push('\u{1f}');
        name.push_str(&value.map(|v| v.bare().into_owned()).unwrap_or_default());
        name.push('\u{1e}');
    };
    if key.is_empty() {
        row.iter().for_each(|(column, value)| add(column, Some(value)));
    } else {
        key.iter().for_each(|column| add(column, row.get(column)));
    }
    name
}

/// Asks that are worded alike, in the order of the first of each kind.
fn alike(asked: Vec<Asked>) -> Vec<Vec<Asked>> {
    let mut groups: indexmap::IndexMap<String, Vec<Asked>> = indexmap::IndexMap::new();
    for one in asked {
        groups.entry(one.op.wording()).or_default().push(one);
    }
    groups.into_values().collect()
}
