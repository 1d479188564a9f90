//! A change and what it sets off, counted. MySQL keeps no statistics of a transaction by table: what is known are the
//! session's own counters of rows written (triggers included), the texts of the triggers, and the foreign keys that carry on.
//! Rows that a foreign key changes are counted before the change, one level deep.

use super::{
    super::{
        fault::{Fault, FaultKind},
        rows::Answer,
        sql_lexer::Kind,
        sql_rules,
        sql_text::Text,
        statement::{Limits, Statement},
    },
    Flavour, Link,
    about::{Child, Event, Writes, binds_of, name_at},
    words,
};
use crate::{base::value::Value, template::sql::Dialect};
use std::sync::Arc;

/// What a statement changes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Change {
    pub event: Event,
    pub table: String,
    /// INSERT … ON DUPLICATE KEY UPDATE: how many of its rows were there only the counters know.
    pub or_update: bool,
}

impl Change {
    /// By the first words; nothing for a read.
    pub fn of(sql: &str) -> Option<Change> {
        let tokens = words(sql);
        let word = |i: usize| tokens.get(i).map(|t| sql[t.at.clone()].to_lowercase()).unwrap_or_default();
        let (event, at) = match &*word(0) {
            "insert" => (Event::Insert, if word(1) == "into" { 2 } else { 1 }),
            "update" => (Event::Update, 1),
            "delete" => (Event::Delete, if word(1) == "from" { 2 } else { 1 }),
            _ => return None,
        };
        let or_update = event == Event::Insert
            && tokens.iter().any(|t| t.kind == Kind::Word && sql[t.at.clone()].eq_ignore_ascii_case("duplicate"));
        name_at(sql, &tokens, at).map(|(table, _)| Change { event, table, or_update })
    }
}

/// Rows written by this session so far: inserted, updated, deleted.
type Counters = [u64; 3];

/// A table that keeps its versions writes the old one of each changed row as a row, and ends a row where another table would delete it: these are the
/// statement's own rows, and nobody else's.
fn without_versions(written: &mut Counters, event: Event, affected: u64) {
    let [inserted, updated, deleted] = written;
    match event {
        Event::Insert => {}
        Event::Update => *inserted = inserted.saturating_sub(affected.min(*updated)),
        Event::Delete => {
            *updated = updated.saturating_sub(affected);
            *deleted += affected;
        }
    }
}

impl Link {
    /// Runs a change and counts what it did.
    pub(super) async fn run_change(
        &mut self,
        change: Change,
        statement: &Statement,
        limits: Limits,
    ) -> Result<Answer, Fault> {
        let table = self.short(&change.table);
        if &*table == super::super::ledger::TABLE {
            return self.run_once(statement, limits, true).await;
        }
        self.must_be_taken_back(&table).await?;
        let sets_off = self.triggers_of(&table, &change).await?;
        let carried = self.carried(&table, &change, statement).await?;
        // Also where no trigger is known: an account without the right TRIGGER is shown none. MySQL counts its own temporary
        // tables along, so there only where something is to be expected.
        let expected = change.or_update || sets_off != Writes::default();
        let counting = expected || self.flavour == Flavour::MariaDb;
        let before = if counting { self.counters().await? } else { [0; 3] };
        let answer = self.run_once(statement, limits, true).await?;
        let affected = if answer.rows.is_empty() { answer.affected } else { answer.rows.len() as u64 };
        if counting {
            let after = self.counters().await?;
            let mut written = [0, 1, 2].map(|i| after[i].saturating_sub(before[i]));
            if change.or_update {
                // Each row that was there has been tried to insert first.
                written[0] = written[0].saturating_sub(written[1]);
            }
            if self.about(&table).await?.versioned {
                without_versions(&mut written, change.event, affected);
            }
            self.attribute(&table, &change, affected, written, &sets_off);
        } else {
            self.count(&table, change.event, affected);
        }
        for (child, event, rows) in carried {
            self.count(&child, event, rows);
        }
        Ok(answer)
    }

    fn count(&mut self, table: &Arc<str>, event: Event, rows: u64) {
        self.counts.entry(table.clone()).or_default()[event as usize] += rows;
    }

    /// Which of the rows written were the statement's own, and whose the others are.
    fn attribute(&mut self, table: &Arc<str>, change: &Change, affected: u64, written: Counters, sets_off: &Writes) {
        for (event, rows) in [Event::Insert, Event::Update, Event::Delete].into_iter().zip(written) {
            let own = match event == change.event || (change.or_update && event == Event::Update) {
                true => rows.min(affected),
                false => 0,
            };
            // The counters leave out rows that an UPDATE found as they were to become.
            let found = if event == change.event && !change.or_update { affected } else { own };
            self.count(table, event, found);
            let others = rows - own;
            if others == 0 {
                continue;
            }
            let mut tables = sets_off.tables.iter().filter(|(when, _)| *when == event).map(|(_, table)| table);
            let whose = match (tables.next(), tables.next(), sets_off.calls) {
                (Some(only), None, false) => only.as_str().into(),
                _ => Arc::from("*"),
            };
            self.count(&whose, event, others);
        }
    }

    /// A view hides which table it changes; a table of MyISAM, Aria or MEMORY keeps what a rollback should take back.
    async fn must_be_taken_back(&mut self, table: &str) -> Result<(), Fault> {
        let about = self.about(table).await?;
        let fault = |message: String, advice: &str| Err(Fault::new(FaultKind::Other, message).advise(advice));
        if about.view {
            return fault(
                format!("`{table}` is a view, and what a change of it writes cannot be followed on MySQL"),
                "change the table behind it",
            );
        }
        if let Some(engine) = &about.for_good {
            return fault(
                format!("no rollback takes back a change of `{table}`: its engine is {engine}"),
                "nothing was changed; convert the table (`ALTER TABLE … ENGINE=InnoDB`), or change it by other means",
            );
        }
        Ok(())
    }

    async fn triggers_of(&mut self, table: &str, change: &Change) -> Result<Writes, Fault> {
        let mut writes = self.set_off(table, change.event).await?;
        if change.or_update {
            let more = self.set_off(table, Event::Update).await?;
            writes.tables.extend(more.tables);
            writes.hidden.extend(more.hidden);
            writes.calls |= more.calls;
        }
        self.all_are_taken_back(&writes).await?;
        Ok(writes)
    }

    /// What a statement writes through functions that it calls, a read too.
    pub(super) async fn functions_are_taken_back(&mut self, sql: &str) -> Result<(), Fault> {
        let writes = self.through_functions(sql).await?;
        self.all_are_taken_back(&writes).await
    }

    async fn all_are_taken_back(&mut self, writes: &Writes) -> Result<(), Fault> {
        for (_, written) in &writes.tables {
            self.must_be_taken_back(written).await?;
        }
        let Some((hidden, table)) = writes.hidden.first() else { return Ok(()) };
        let message = format!(
            "what `{hidden}` writes cannot be told, because its text is not shown to this account, and no rollback takes back a change of `{table}`"
        );
        let advice = "nothing was changed; let the account read the routine (SELECT on `mysql.proc` of MariaDB, SHOW_ROUTINE of MySQL), or convert the table";
        Err(Fault::new(FaultKind::Other, message).advise(advice))
    }

    /// Rows that foreign keys will change along with the statement's own.
    async fn carried(
        &mut self,
        table: &str,
        change: &Change,
        statement: &Statement,
    ) -> Result<Vec<(Arc<str>, Event, u64)>, Fault> {
        let Some(parts) = sql_rules::parts(&statement.sql, Dialect::Mysql) else { return Ok(Vec::new()) };
        let mut found = Vec::new();
        for child in self.children(table).await? {
            let sets = |target: &Arc<str>| parts.columns.iter().any(|column| column.eq_ignore_ascii_case(target));
            let (rule, meant) = match change.event {
                Event::Delete => (&child.on_delete, true),
                _ => (&child.on_update, child.columns.iter().any(|(_, target)| sets(target))),
            };
            let event = match &**rule {
                "CASCADE" if change.event == Event::Delete => Event::Delete,
                "CASCADE" | "SET NULL" => Event::Update,
                _ => continue,
            };
            if meant {
                let rows = self.hanging_on(&child, statement, &parts).await?;
                found.push((child.table, event, rows));
            }
        }
        Ok(found)
    }

    async fn hanging_on(&mut self, child: &Child, change: &Statement, parts: &sql_rules::Parts) -> Result<u64, Fault> {
        let text = Text::new(Dialect::Mysql).raw("SELECT count(*) AS n FROM ").table(&child.table).raw(" WHERE (");
        let text = text.list(&child.columns, ", ", |text, (column, _)| text.name(column));
        let text = text.raw(") IN (SELECT * FROM (SELECT ");
        let picked = text.list(&child.columns, ", ", |text, (_, target)| text.name(target)).done();
        let (target, rest) = (&change.sql[parts.target.clone()], &change.sql[parts.rest.clone()]);
        let sql = format!("{} FROM {target} {rest}) AS trueup_picked)", picked.sql);
        let binds = binds_of(&change.binds, parts.placeholders.0, parts.placeholders.1);
        let row = self.ask(&sql, binds).await?.pop().unwrap_or_default();
        Ok(row.get("n").and_then(Value::as_int).and_then(|n| u64::try_from(n).ok()).unwrap_or(0))
    }

    /// The session's own counters; asking for them does not change them.
    async fn counters(&mut self) -> Result<Counters, Fault> {
        let rows = self.ask("SHOW SESSION STATUS LIKE 'Handler\\_%'", Vec::new()).await?;
        let one = |wanted: &str| {
            let row = rows.iter().find(|row| row.values().next().is_some_and(|name| name.bare() == wanted));
            row.and_then(|row| row.values().nth(1)?.bare().parse().ok()).unwrap_or(0)
        };
        Ok(["Handler_write", "Handler_update", "Handler_delete"].map(one))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_change_is_known_by_its_first_words() {
        let change = |event, table: &str, or_update| Some(Change { event, table: table.into(), or_update });
        assert_eq!(Change::of("INSERT INTO `a``b` (x) VALUES (?)"), change(Event::Insert, "a`b", false));
        assert_eq!(
            Change::of("insert into a (x) values (?) on duplicate key update x = 1"),
            change(Event::Insert, "a", true)
        );
        assert_eq!(Change::of("update app.users set x = 1"), change(Event::Update, "app.users", false));
        assert_eq!(Change::of("DELETE FROM t"), change(Event::Delete, "t", false));
        assert_eq!(Change::of("select 1"), None);
    }
}
