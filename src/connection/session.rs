//! One dedicated connection and what all handles can ask of it. Dropping it closes it; after any doubt it answers nothing.

use super::{
    fault::Fault,
    rows::{Identity, Rows},
    statement::{Limits, Prepared, Select, Statement},
};
use crate::{table::catalogue::Catalogue, template::sql::Dialect};

/// A connection inside one transaction. Reached through the handles, which deref to it.
#[derive(Debug)]
pub struct Session {}

#[allow(unused_variables, clippy::todo)]
impl Session {
    /// How this database writes SQL.
    pub fn dialect(&self) -> Dialect {
        todo!()
    }

    /// Runs a statement that only reads, and proves it: in a writing handle it runs in a read-only savepoint; afterwards
    /// the session must still be in the same transaction. A fault leaves the session usable unless the connection is lost.
    pub async fn query(&mut self, statement: &Statement, limits: Limits) -> Result<Rows, Fault> {
        todo!()
    }

    /// Rows of a table. Columns that have no lossless form come as the database's text.
    pub async fn select(&mut self, select: &Select<'_>, limits: Limits) -> Result<Rows, Fault> {
        todo!()
    }

    /// What a statement takes and gives, without running it.
    pub async fn prepare(&mut self, statement: &Statement) -> Result<Prepared, Fault> {
        todo!()
    }

    /// Columns, types and keys of these tables (`None`: all that the role can see). An unknown table is left out.
    pub async fn catalogue(&mut self, tables: Option<&[&str]>) -> Result<Catalogue, Fault> {
        todo!()
    }

    /// Which database this is.
    pub async fn identity(&mut self) -> Result<Identity, Fault> {
        todo!()
    }
}
