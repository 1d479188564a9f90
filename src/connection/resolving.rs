//! What SQLite does when a row stands in the way of another one. A table may be built with `ON CONFLICT REPLACE`: then whatever stands in the way is
//! deleted, without a word and without being counted, and no image shows it. A clause of the statement goes before that of the table, so the
//! statements that trueup writes itself say `OR ABORT` there, and a conflict is an error as on every other database.
//!
//! They say it nowhere else: such a clause also goes before those in the bodies of triggers, where `INSERT OR IGNORE` may be meant.

use super::{
    changing::Changing,
    fault::{Fault, FaultKind},
    link::Link,
    sql_rules::{self, Class, Verdict},
};
use crate::template::sql::Dialect;

/// How a statement of trueup's own begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Resolving {
    /// A conflict is an error by itself.
    Usual,
    /// The table would do something else.
    OrAbort,
}

impl Resolving {
    /// Before the table of an UPDATE.
    pub fn update(self) -> &'static str {
        match self {
            Resolving::Usual => "UPDATE ",
            Resolving::OrAbort => "UPDATE OR ABORT ",
        }
    }

    /// Before the table of an INSERT.
    pub fn insert(self) -> &'static str {
        match self {
            Resolving::Usual => "INSERT INTO ",
            Resolving::OrAbort => "INSERT OR ABORT INTO ",
        }
    }
}

impl Changing {
    /// How a statement on this table has to begin.
    pub(super) async fn or_abort(&mut self, table: &str) -> Result<Resolving, Fault> {
        if self.dialect() != Dialect::Sqlite || self.seat().is_some() {
            return Ok(Resolving::Usual);
        }
        let clauses = self.clauses(table).await?;
        Ok(if clauses.is_empty() { Resolving::Usual } else { Resolving::OrAbort })
    }

    /// An author's statement may not delete rows that no image shows, nor end the transaction, because the table says so.
    pub(super) async fn no_hidden_deletion(&mut self, sql: &str, verdict: &Verdict) -> Result<(), Fault> {
        if self.dialect() != Dialect::Sqlite || self.seat().is_some() || sql_rules::says_or(sql) {
            return Ok(());
        }
        let word = match verdict.class {
            Class::Insert => "INSERT OR ABORT INTO",
            Class::Update => "UPDATE OR ABORT",
            _ => return Ok(()),
        };
        for table in &verdict.writes {
            let clauses = self.clauses(table).await?;
            let why = if clauses.iter().any(|clause| clause == "replace") {
                "REPLACE, which deletes rows that no image shows"
            } else if clauses.iter().any(|clause| clause == "rollback") {
                "ROLLBACK, which would end trueup's own transaction"
            } else {
                continue;
            };
            let message = format!("this statement is refused: `{table}` is built with ON CONFLICT {why}");
            let fault = Fault::new(FaultKind::Syntax, message);
            return Err(self.named(fault.advise(format!("write `{word} {table} …`, so that a conflict is an error"))));
        }
        Ok(())
    }

    /// What the table does about conflicts beyond what SQLite does by itself.
    async fn clauses(&mut self, table: &str) -> Result<Vec<String>, Fault> {
        let link = self.enter()?;
        let done = match link {
            Link::Sqlite(link) => Box::pin(link.clauses(table)).await,
            Link::Postgres(_) | Link::Mysql(_) => Ok(Vec::new()),
        };
        let done = self.leave(done);
        self.recover(done).await
    }
}
