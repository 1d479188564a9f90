//! Undos in the ledger: a row for each of them under the run that it takes back, so that a journal which does not know of an undo, being a copy or
//! restored from one, learns of it from the target.

use super::{
    database::Database,
    fault::{Fault, FaultKind},
    ledger::{Claimed, Entry, named},
    sql_text::Text,
    statement::Statement,
};
use crate::{
    base::{identity::RunId, value::Value},
    template::sql::Dialect,
};
use sha2::{Digest, Sha256};

/// An undo that a database knows of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TakenBack {
    /// Text of the id of the run that did it, or does it.
    pub by: String,
    /// The journal in which that run stands.
    pub journal: String,
    /// When it began to, by the clock of the database, in UTC.
    pub at: String,
    /// It was about one item of many, of which this is [`of_item`].
    pub item: Option<String>,
}

/// What the ledger holds of the key of an item, which may be personal and of any length.
pub fn of_item(item: &str) -> String {
    format!("{:x}", Sha256::digest(item))
}

/// Name of the row that an undo has; all of one run begin alike. No effect begins so: those begin with the id of their run.
pub fn key(about: RunId, by: &str) -> String {
    format!("undo {about}/{by}")
}

/// The rows of all undos of a run.
fn found(dialect: Dialect, about: RunId) -> Statement {
    let text = Text::new(dialect).raw("select run, journal, request, ");
    let text = text.raw(match dialect {
        Dialect::Postgres => "to_char(at at time zone 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS.US\"Z\"')",
        Dialect::Mysql => "date_format(at, '%Y-%m-%dT%H:%i:%s.%fZ')",
        Dialect::Sqlite => "at",
    });
    // The ledger compares bytes, and `0` is what comes behind `/`.
    let text = text.raw(" from trueup_ledger where effect >= ").value(&Value::text(format!("undo {about}/")));
    text.raw(" and effect < ").value(&Value::text(format!("undo {about}0"))).raw(" order by at, effect").done()
}

impl Database {
    /// The undos of a run that its ledger knows of.
    pub async fn taken_back(&self, about: RunId) -> Result<Vec<TakenBack>, Fault> {
        // Who writes may surely read it. A file has no roles, and a transaction that writes would wait for all others.
        let rows = if self.dialect() == Dialect::Sqlite {
            let mut reading = self.reading().await?;
            let rows = reading.own(&found(Dialect::Sqlite, about)).await;
            reading.close().await;
            rows
        } else {
            let mut writing = self.writing().await?;
            let rows = writing.own(&found(self.dialect(), about)).await;
            writing.rollback().await.and(rows)
        };
        let rows = rows.map_err(|fault| named(fault, self.name()))?;
        let text = |cell: Option<&Value>| cell.map(|value| value.bare().into_owned()).unwrap_or_default();
        let row = |row: &Vec<Value>| TakenBack {
            by: text(row.first()),
            journal: text(row.get(1)),
            item: Some(text(row.get(2))).filter(|item| !item.is_empty()),
            at: text(row.get(3)),
        };
        Ok(rows.iter().map(row).collect())
    }

    /// Notes that this undo begins, in a transaction of its own, before the first of its changes. Doing it again changes nothing.
    pub async fn takes_back(&self, about: RunId, entry: Entry) -> Result<(), Fault> {
        let entry = Entry { effect: key(about, &entry.run), ..entry };
        let mut writing = self.writing().await?;
        match writing.claim(&entry).await? {
            Claimed::Ours => writing.commit().await,
            Claimed::Already { .. } => writing.rollback().await,
            Claimed::Stale { .. } => {
                let _ = writing.rollback().await;
                Err(Fault::new(FaultKind::InDoubt, "somebody else works on this undo since"))
            }
        }
    }
}
