//! What is broken without an error: what a table does about conflicts, and references that are only looked at when the transaction ends.

use super::{
    super::{
        fault::{Fault, FaultKind},
        sql_rules,
        statement::Statement,
    },
    Link,
    catalogue::{ALL, ask, int, text},
    faults::fault,
};
use crate::base::value::Value;
use sqlx::{ConnectOptions, sqlite::SqliteConnectOptions};
use std::{collections::BTreeMap, sync::Arc, time::Duration};

/// The text of a table that says anything of conflicts.
const CLAUSES: &str = "\
    SELECT sql FROM sqlite_schema WHERE type = 'table' AND name = ?1 COLLATE NOCASE AND sql LIKE '%CONFLICT%'";

/// Some reference may be looked at when the transaction ends. No catalogue says it: the text of the table does, with whatever blanks and comments
/// in it. Where it only seems so, a look is taken in vain.
const ANY_DEFERRED: &str = "\
    SELECT count(*) AS n FROM sqlite_schema WHERE type = 'table' AND sql LIKE '%DEFERRABLE%INITIALLY%DEFERRED%'";

/// Rows that point to no row, of the tables with such a reference that were touched (`?1`, a list of names, or null for all) or that point to one that was. SQLite
/// takes names for the same in capital letters and in small ones.
const ORPHANS: &str = "\
    SELECT c.\"table\", coalesce((SELECT p.name FROM sqlite_schema p WHERE p.type = 'table' AND p.name = c.parent COLLATE NOCASE), c.parent) AS parent, \
           c.fkid, count(*) AS n FROM sqlite_schema m JOIN pragma_foreign_key_check(m.name) c \
    WHERE m.type = 'table' AND m.sql LIKE '%DEFERRABLE%INITIALLY%DEFERRED%' AND (?1 IS NULL OR EXISTS ( \
      SELECT 1 FROM json_each(?1) t WHERE t.value = m.name COLLATE NOCASE OR EXISTS ( \
        SELECT 1 FROM pragma_foreign_key_list(m.name) f WHERE f.\"table\" = t.value COLLATE NOCASE))) \
    GROUP BY 1, 2, 3";

/// How long is waited for a look at the file as it was.
const PATIENCE: Duration = Duration::from_millis(200);

/// How many rows point to no row, by child, parent and the number of the reference.
type Orphans = BTreeMap<(Arc<str>, Arc<str>, i64), i64>;

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

    /// What COMMIT would say of references that are looked at when the transaction ends. SQLite counts them and does not tell; so those rows are counted that
    /// point to none, and if there are any, those that did so before: the file as it is for everybody else. Only what came by this transaction counts, as for
    /// COMMIT.
    pub async fn check_deferred(&mut self) -> Result<(), Fault> {
        let any = self.run(&Statement::new(ANY_DEFERRED, Vec::new()), ALL).await?.named()?.rows;
        if any.first().is_none_or(|row| int(row, "n") == 0) {
            return Ok(());
        }
        let touched = self.touched().await?;
        if touched.is_empty() {
            return Ok(());
        }
        // Which tables WITHOUT ROWID were touched nobody says.
        let names = match touched.iter().any(|table| &*table.table == "*") {
            true => Value::NULL,
            false => Value::list(touched.iter().map(|table| Value::text(table.table.clone()))),
        };
        let now: Orphans = ask(self, ORPHANS, &names).await?.iter().map(counted).collect();
        if now.is_empty() {
            return Ok(());
        }
        let before = self.orphans_before(&names).await.unwrap_or_default();
        let more = now.iter().find(|(of, count)| before.get(of).is_none_or(|before| before < count));
        let Some(((child, parent, _), _)) = more else { return Ok(()) };
        let message = format!("a row of `{child}` would point to no row of `{parent}`");
        Err(Fault::new(FaultKind::Constraint, message))
    }

    /// Through a connection of its own, to which nothing of this transaction is there. Where the file cannot be read now, there were none.
    async fn orphans_before(&self, names: &Value) -> Result<Orphans, Fault> {
        let list = match names.is_null() {
            true => None,
            false => Some(crate::base::json::text_of(names)),
        };
        let path = std::path::absolute(&self.file).unwrap_or_else(|_| self.file.clone().into());
        let options = SqliteConnectOptions::new()
            .filename(path)
            .create_if_missing(false)
            .read_only(true)
            .busy_timeout(PATIENCE)
            .disable_statement_logging();
        let opened = tokio::spawn(async move {
            let mut connection = options.connect().await?;
            let rows = sqlx::query_as::<_, (String, String, i64, i64)>(ORPHANS).bind(list).fetch_all(&mut connection);
            rows.await
        });
        let rows = match opened.await {
            Ok(rows) => rows.map_err(|e| fault(e, &self.file, ""))?,
            Err(panic) => return Err(Fault::new(FaultKind::Other, panic.to_string())),
        };
        Ok(rows.into_iter().map(|(child, parent, number, n)| ((child.into(), parent.into(), number), n)).collect())
    }
}

fn counted(row: &crate::base::value::Map) -> ((Arc<str>, Arc<str>, i64), i64) {
    ((text(row, "table"), text(row, "parent"), int(row, "fkid")), int(row, "n"))
}
