//! What a table does about conflicts beyond what SQLite does by itself.

use super::{
    super::{fault::Fault, sql_rules},
    Link,
    catalogue::{ask, text},
};
use crate::base::value::Value;

/// The text of a table that says anything of conflicts.
const CLAUSES: &str = "\
    SELECT sql FROM sqlite_schema WHERE type = 'table' AND name = ?1 COLLATE NOCASE AND sql LIKE '%CONFLICT%'";

impl Link {
    /// What the table says of conflicts, in small letters: `replace`, `ignore`, `fail`, `rollback`.
    pub async fn clauses(&mut self, table: &str) -> Result<Vec<String>, Fault> {
        let table = table.rsplit('.').next().unwrap_or(table);
        if let Some(known) = self.clauses.get(table) {
            return Ok(known.clone());
        }
        let rows = ask(self, CLAUSES, &Value::text(table)).await?;
        let found = rows.first().map_or_else(Vec::new, |row| sql_rules::on_conflict(&text(row, "sql")));
        self.clauses.insert(table.into(), found.clone());
        Ok(found)
    }
}
