//! Who else may still be at work on a table: a lost session that has not ended yet could commit after we looked.

use super::{
    fault::Fault,
    handle::Writing,
    statement::{Limits, Statement},
};
use crate::{base::value::Value, template::sql::Dialect};

impl Writing {
    /// Numbers of the database's processes that have written to `table` in a transaction that is still open. Empty on
    /// SQLite, where this handle has the only write lock of the file, and on MySQL, where a row that another transaction has
    /// inserted makes the look-up by its key wait.
    pub async fn writers(&mut self, table: &str) -> Result<Vec<i64>, Fault> {
        self.processes(WRITERS, table).await
    }

    /// The same of all that do more with `table` than read it: one of them holds the row that could not be locked.
    pub async fn holders(&mut self, table: &str) -> Result<Vec<i64>, Fault> {
        self.processes(HOLDERS, table).await
    }

    async fn processes(&mut self, sql: &'static str, table: &str) -> Result<Vec<i64>, Fault> {
        match self.dialect() {
            Dialect::Sqlite => return Ok(Vec::new()),
            // An inserted row has a lock from the start: the look-up by its key waits for it.
            Dialect::Mysql if sql == WRITERS => return Ok(Vec::new()),
            Dialect::Mysql => {
                let link = self.enter()?;
                let done = Box::pin(link.holders()).await;
                return self.leave(done);
            }
            Dialect::Postgres => {}
        }
        let quoted: Vec<String> = table.split('.').map(|part| format!("\"{}\"", part.replace('"', "\"\""))).collect();
        let statement = Statement::new(sql, vec![Value::text(quoted.join("."))]);
        let answer = self.fenced(&statement, Limits::USUAL).await?;
        Ok(answer.rows.into_iter().flatten().filter_map(|pid| pid.as_int()).collect())
    }
}

const WRITERS: &str = "SELECT DISTINCT pid FROM pg_locks WHERE relation = to_regclass($1) AND mode = 'RowExclusiveLock' AND granted \
     AND pid <> pg_backend_pid() ORDER BY pid";

const HOLDERS: &str = "SELECT DISTINCT pid FROM pg_locks WHERE relation = to_regclass($1) AND mode <> 'AccessShareLock' AND granted \
     AND pid <> pg_backend_pid() ORDER BY pid";
