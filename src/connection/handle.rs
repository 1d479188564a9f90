//! The three handles. What may happen through a connection is a type: `Reading` cannot write, `Rehearsing` has no COMMIT.
//!
//! `Rehearsing` and `Writing` deref to the same [`Changing`], so that a rehearsal runs the very code that apply runs.

use super::{
    fault::Fault,
    rows::Touched,
    session::Session,
    statement::{SetTo, Statement},
};
use crate::{
    base::value::{Map, Value},
    table::condition::Condition,
};
use std::{
    ops::{Deref, DerefMut},
    sync::Arc,
};

/// Read role, read-only transaction.
#[derive(Debug)]
pub struct Reading {
    session: Session,
}

/// Write role, one transaction, no way to commit.
#[derive(Debug)]
pub struct Rehearsing {
    changing: Changing,
}

/// Write role, one transaction.
#[derive(Debug)]
pub struct Writing {
    changing: Changing,
}

/// The change operations, the same for a rehearsal and for the real thing. Tables as the catalogue calls them.
#[derive(Debug)]
pub struct Changing {
    session: Session,
}

#[allow(unused_variables, clippy::todo)]
impl Reading {
    /// Ends the transaction and the connection. (Dropping does the same, without waiting.)
    pub async fn close(self) {
        todo!()
    }
}

#[allow(unused_variables, clippy::todo)]
impl Rehearsing {
    /// From now on until the end (or until the savepoint that it was called under ends) nothing can be written.
    pub async fn set_read_only(&mut self) -> Result<(), Fault> {
        todo!()
    }

    /// Takes everything back and ends the connection. (Dropping does the same, without waiting.)
    pub async fn rollback(self) -> Result<(), Fault> {
        todo!()
    }
}

#[allow(unused_variables, clippy::todo)]
impl Writing {
    /// Makes it durable. A fault of kind `InDoubt` says that COMMIT was sent and no answer came; every other kind is
    /// proof that nothing was committed.
    pub async fn commit(self) -> Result<(), Fault> {
        todo!()
    }

    /// Takes everything back and ends the connection. (Dropping does the same, without waiting.)
    pub async fn rollback(self) -> Result<(), Fault> {
        todo!()
    }
}

/// A place in the transaction to go back to.
#[derive(Debug)]
#[must_use = "a savepoint is released or rolled back to"]
pub struct Savepoint(u32);

#[allow(unused_variables, clippy::todo)]
impl Changing {
    /// A place to go back to.
    pub async fn savepoint(&mut self) -> Result<Savepoint, Fault> {
        todo!()
    }

    /// Takes back what happened since, and the savepoint itself.
    pub async fn rollback_to(&mut self, savepoint: Savepoint) -> Result<(), Fault> {
        todo!()
    }

    /// Keeps what happened since.
    pub async fn release(&mut self, savepoint: Savepoint) -> Result<(), Fault> {
        todo!()
    }

    /// Locks rows by key and reads them whole, in the order of `keys`; nothing where there is no such row. A key that
    /// fits several rows is a fault: it is no key.
    pub async fn lock_and_read(&mut self, table: &str, columns: &[Arc<str>], keys: &[Vec<Value>]) -> Result<Vec<Option<Map>>, Fault> {
        todo!()
    }

    /// Locks the rows that fit and reads them whole, in key order; at most `max + 1`, so that "too many" can be seen.
    pub async fn lock_where(&mut self, table: &str, key: &[Arc<str>], conditions: &[Condition], max: usize) -> Result<Vec<Map>, Fault> {
        todo!()
    }

    /// Updates one row; the number of rows says whether it was there.
    pub async fn update_by_key(&mut self, table: &str, key: &Map, set: &[(Arc<str>, SetTo)]) -> Result<u64, Fault> {
        todo!()
    }

    /// Inserts one row and gives its key back, as the database made it.
    pub async fn insert(&mut self, table: &str, key: &[Arc<str>], values: &[(Arc<str>, SetTo)]) -> Result<Map, Fault> {
        todo!()
    }

    /// Deletes one row; the number of rows says whether it was there.
    pub async fn delete_by_key(&mut self, table: &str, key: &Map) -> Result<u64, Fault> {
        todo!()
    }

    /// The largest value of a column among the rows that fit, plus one; 1 when there is none.
    pub async fn next_of(&mut self, table: &str, column: &str, per: &[Condition]) -> Result<Value, Fault> {
        todo!()
    }

    /// Runs one statement; how many rows it says to have changed.
    pub async fn execute(&mut self, statement: &Statement) -> Result<u64, Fault> {
        todo!()
    }

    /// Checks deferred constraints now.
    pub async fn check_deferred(&mut self) -> Result<(), Fault> {
        todo!()
    }

    /// Tables touched by this transaction so far, by triggers and cascades too.
    pub async fn touched(&mut self) -> Result<Vec<Touched>, Fault> {
        todo!()
    }
}

impl Deref for Reading {
    type Target = Session;
    fn deref(&self) -> &Session {
        &self.session
    }
}
impl DerefMut for Reading {
    fn deref_mut(&mut self) -> &mut Session {
        &mut self.session
    }
}
impl Deref for Changing {
    type Target = Session;
    fn deref(&self) -> &Session {
        &self.session
    }
}
impl DerefMut for Changing {
    fn deref_mut(&mut self) -> &mut Session {
        &mut self.session
    }
}
impl Deref for Rehearsing {
    type Target = Changing;
    fn deref(&self) -> &Changing {
        &self.changing
    }
}
impl DerefMut for Rehearsing {
    fn deref_mut(&mut self) -> &mut Changing {
        &mut self.changing
    }
}
impl Deref for Writing {
    type Target = Changing;
    fn deref(&self) -> &Changing {
        &self.changing
    }
}
impl DerefMut for Writing {
    fn deref_mut(&mut self) -> &mut Changing {
        &mut self.changing
    }
}
