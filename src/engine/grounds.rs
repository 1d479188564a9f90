//! What the items of one run know of the tables that they read and change, so that not each of them asks the catalogue again.
//! Forgotten whenever somebody looks anew whether the database is still the one of the plan.

use crate::{
    base::time::Stamp,
    connection::{fault::Fault, handle::Changing, session::Session},
    effect::change::TableName,
    table::catalogue::{Nature, Table},
};
use std::{
    collections::{HashMap, HashSet},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

/// Shared by the items of one run.
#[derive(Debug, Default)]
pub struct Grounds {
    known: Mutex<Known>,
    /// Who asks what nobody knows yet: the others wait for the answer, else all that begin at the same time would ask.
    asking: tokio::sync::Mutex<()>,
}

#[derive(Debug, Default)]
struct Known {
    natures: HashMap<TableName, Told<Nature>>,
    columns: HashMap<TableName, Told<Arc<Table>>>,
    /// Tables whose rows became something else than what was set.
    surprising: HashSet<TableName>,
}

/// What the catalogue said.
#[derive(Debug)]
struct Told<T> {
    what: T,
    /// The next one asks again; until it has an answer the others go on with this one. (Else all that are under way would ask.)
    old: bool,
}

impl<T: Clone> Told<T> {
    fn new(what: T) -> Told<T> {
        Told { what, old: false }
    }

    /// What was said, unless this one is to ask again.
    fn known(&mut self) -> Option<T> {
        match std::mem::take(&mut self.old) {
            true => None,
            false => Some(self.what.clone()),
        }
    }
}

impl Grounds {
    fn known(&self) -> MutexGuard<'_, Known> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits for whoever asks about this, where `known` says that nobody has had an answer yet. Not where others share the transaction: one answer
    /// is for all of them then, and comes when all have asked.
    async fn after_the_first<T>(
        &self,
        session: &Session,
        known: impl Fn(&Known) -> Option<T>,
    ) -> Result<T, Option<tokio::sync::MutexGuard<'_, ()>>> {
        if session.is_shared() || known(&self.known()).is_some() {
            // It is this one's turn to ask, or to ask again.
            return Err(None);
        }
        let turn = self.asking.lock().await;
        known(&self.known()).ok_or(Some(turn))
    }

    /// The next one asks again.
    pub fn forget(&self, connection: &str) {
        let mut known = self.known();
        known.natures.iter_mut().filter(|(t, _)| &*t.connection == connection).for_each(|(_, told)| told.old = true);
        known.columns.iter_mut().filter(|(t, _)| &*t.connection == connection).for_each(|(_, told)| told.old = true);
    }

    /// What else happens when rows of this table are read or changed.
    pub async fn nature(&self, session: &mut Session, table: &TableName) -> Result<Nature, Fault> {
        let known = self.known().natures.get_mut(table).and_then(Told::known);
        if let Some(nature) = known {
            return Ok(nature);
        }
        let _turn = match self.after_the_first(session, |known| known.natures.get(table).map(|told| told.what)).await {
            Ok(nature) => return Ok(nature),
            Err(turn) => turn,
        };
        let asked = Box::pin(session.nature(&table.table)).await;
        let mut known = self.known();
        match &asked {
            Ok(nature) => known.natures.insert(table.clone(), Told::new(*nature)),
            Err(_) => known.natures.remove(table),
        };
        asked
    }

    /// What a row of this table becomes is only known when it was changed.
    pub fn surprises(&self, table: &TableName) {
        self.known().surprising.insert(table.clone());
    }

    /// It was so for one of them.
    pub fn is_surprising(&self, table: &TableName) -> bool {
        self.known().surprising.contains(table)
    }

    /// The same, if it is known by now.
    pub fn known_nature(&self, table: &TableName) -> Option<Nature> {
        self.known().natures.get(table).map(|told| told.what)
    }

    /// The columns of a table; nothing when there is no such table.
    pub async fn columns(&self, changing: &mut Changing, table: &TableName) -> Result<Option<Arc<Table>>, Fault> {
        let known = self.known().columns.get_mut(table).and_then(Told::known);
        if known.is_some() {
            return Ok(known);
        }
        let _turn = match self
            .after_the_first(changing, |known| known.columns.get(table).map(|told| told.what.clone()))
            .await
        {
            Ok(columns) => return Ok(Some(columns)),
            Err(turn) => turn,
        };
        let asked = Box::pin(changing.columns(&table.table)).await;
        let mut known = self.known();
        match &asked {
            Ok(Some(columns)) => known.columns.insert(table.clone(), Told::new(columns.clone())),
            Ok(None) | Err(_) => known.columns.remove(table),
        };
        asked
    }
}

/// What the preview of a single record read of the columns of tables. The apply that follows at once need not ask for them again: before its first change it
/// looks whether the tables are still built as they were then, and until a second is over it goes on with what was read, as many items do.
#[derive(Debug, Default)]
pub struct AtHand(Mutex<Read>);

#[derive(Debug, Default)]
struct Read {
    columns: HashMap<TableName, (Stamp, Arc<Table>)>,
    /// The tables are built as they were when this was read, as somebody saw at this moment.
    seen: Option<Stamp>,
    /// SQL of the playbook's own went through: it may have built tables anew.
    spoilt: bool,
}

/// In microseconds.
const MOMENT: i64 = 1_000_000;

impl AtHand {
    fn read(&self) -> MutexGuard<'_, Read> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// These are the columns of a table.
    pub fn note(&self, table: &TableName, columns: &Arc<Table>, now: Stamp) {
        self.read().columns.insert(table.clone(), (now, columns.clone()));
    }

    /// The tables are built as they were when it was read: it may be used for the change that follows.
    pub fn holds(&self, now: Stamp) {
        self.read().seen = Some(now);
    }

    /// For a later change it may not: nobody looks again.
    pub fn is_over(&self) {
        self.read().seen = None;
    }

    /// Nobody knows any more how tables are built.
    pub fn spoil(&self) {
        self.read().spoilt = true;
    }

    /// The columns of a table, where they may be used.
    pub fn columns(&self, table: &TableName) -> Option<Arc<Table>> {
        let read = self.read();
        let seen = read.seen.filter(|_| !read.spoilt)?;
        let (at, columns) = read.columns.get(table)?;
        (0..=MOMENT).contains(&seen.micros.saturating_sub(at.micros)).then(|| columns.clone())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_preview_read_is_used_once_and_at_once() {
        let at = |micros| Stamp { micros, digits: 6 };
        let table = TableName::parse("shop.orders").unwrap();
        let read = AtHand::default();
        read.note(&table, &Arc::default(), at(5));
        assert!(read.columns(&table).is_none(), "nobody has looked whether the tables are still built so");
        read.holds(at(MOMENT + 5));
        assert!(read.columns(&table).is_some());
        assert!(read.columns(&TableName::parse("shop.items").unwrap()).is_none());
        read.is_over();
        assert!(read.columns(&table).is_none(), "the first change is over");
        read.holds(at(MOMENT + 6));
        assert!(read.columns(&table).is_none(), "too long ago");
        read.note(&table, &Arc::default(), at(MOMENT + 6));
        assert!(read.columns(&table).is_some());
        read.spoil();
        assert!(read.columns(&table).is_none(), "a statement of the playbook's own may have built it anew");
    }
}
