//! Who else may still be at work on a table: a lost session that has not ended yet could commit after we looked.

use super::{
    fault::Fault,
    handle::Writing,
    statement::{Limits, Statement},
};
use crate::{base::value::Value, template::sql::Dialect};

impl Writing {
    /// Numbers of the database's processes that have written to `table` in a transaction that is still open. Empty on
    /// SQLite: this handle has the only write lock of the file.
    pub async fn writers(&mut self, table: &str) -> Result<Vec<i64>, Fault> {
        if self.dialect() == Dialect::Sqlite {
            return Ok(Vec::new());
        }
        let quoted: Vec<String> = table.split('.').map(|part| format!("\"{}\"", part.replace('"', "\"\""))).collect();
        let statement = Statement::new(
            "SELECT DISTINCT pid FROM pg_locks WHERE relation = to_regclass($1) AND mode = 'RowExclusiveLock' AND granted \
             AND pid <> pg_backend_pid() ORDER BY pid",
            vec![Value::text(quoted.join("."))],
        );
        let answer = self.fenced(&statement, Limits::USUAL).await?;
        Ok(answer.rows.into_iter().flatten().filter_map(|pid| pid.as_int()).collect())
    }
}
