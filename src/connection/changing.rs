//! The change operations, written once for rehearsal and apply and for all databases: lock and read, then change by key.
//!
//! Images never come from row counts, and from RETURNING only where the catalogue shows that nothing runs after it
//! ([`crate::table::catalogue::Nature::alone`]): the engine reads again under its lock.

use super::{
    fault::{Fault, FaultKind},
    link::Link,
    rows::{Answer, Rows, Touched},
    seen::Seen,
    session::{Columns, Session},
    set::Seat,
    sql_rules,
    sql_text::{Text, key_conditions},
    statement::{Limits, Select, SetTo, Statement},
};
use crate::{
    base::{
        moment,
        value::{Data, Map, Names, Value},
    },
    table::condition::{Condition, Order, Test},
    template::sql::Dialect,
};
use std::{
    fmt::Write,
    ops::{Deref, DerefMut},
    sync::Arc,
};

/// A transaction that can change rows. Tables as the catalogue calls them. After a fault of anything here the transaction
/// is spoilt: it can be rolled back, or back to a savepoint, and nothing else.
#[derive(Debug)]
pub struct Changing {
    session: Session,
    depth: u32,
    /// Under how many savepoints `set_read_only` was called.
    sealed: Option<u32>,
    /// Under a writing handle: what is done here may become durable.
    for_good: bool,
    /// A row that is changed only if it still is as it was seen.
    seen: Option<Box<Seen>>,
}

/// A place in the transaction to go back to.
#[derive(Debug)]
#[must_use = "a savepoint is released or rolled back to"]
pub struct Savepoint(u32);

/// Keys that one statement locks: each costs a comparison for each row found.
const KEYS: usize = 50;

/// Images of rows that an author's own bound (`touches:`) limits already.
const IMAGES: Limits = Limits { rows: 1_000_000, bytes: 256 << 20 };

impl Changing {
    pub(super) fn new(session: Session) -> Changing {
        Changing { session, depth: 0, sealed: None, for_good: false, seen: None }
    }

    pub(super) fn for_good(self) -> Changing {
        Changing { for_good: true, ..self }
    }

    /// A place to go back to. Places nest.
    pub async fn savepoint(&mut self) -> Result<Savepoint, Fault> {
        let depth = self.depth + 1;
        if self.seat().is_some() {
            self.depth = depth;
            return Ok(Savepoint(depth));
        }
        self.batch_at("SAVEPOINT trueup", depth).await?;
        self.depth = depth;
        Ok(Savepoint(depth))
    }

    /// Takes back what happened since, also after a fault; the savepoint and all later ones are gone.
    pub async fn rollback_to(&mut self, savepoint: Savepoint) -> Result<(), Fault> {
        if let Some(seat) = self.seat() {
            seat.back().await?;
        }
        self.session.spoilt = false;
        self.pop(savepoint, "ROLLBACK TO SAVEPOINT trueup; RELEASE SAVEPOINT trueup").await
    }

    /// Keeps what happened since.
    pub async fn release(&mut self, savepoint: Savepoint) -> Result<(), Fault> {
        self.pop(savepoint, "RELEASE SAVEPOINT trueup").await
    }

    async fn pop(&mut self, savepoint: Savepoint, end: &'static str) -> Result<(), Fault> {
        if savepoint.0 > self.depth {
            return Err(self.named(Fault::new(FaultKind::Other, "this savepoint has ended already")));
        }
        while self.depth >= savepoint.0 {
            let depth = self.depth;
            if self.seat().is_some() {
                self.depth -= 1;
                continue;
            }
            if let Err(fault) = self.batch_at(end, depth).await {
                self.session.spoilt = true;
                return Err(fault);
            }
            self.depth -= 1;
        }
        if self.sealed.is_some_and(|depth| depth > self.depth) {
            // PostgreSQL takes the mode back by itself; on MySQL nobody but us knows of it.
            self.sealed = None;
            self.session.read_only = false;
            if self.dialect() == Dialect::Sqlite && self.seat().is_none() {
                self.batch("PRAGMA query_only = OFF").await?;
            }
        }
        Ok(())
    }

    pub(super) async fn set_read_only(&mut self) -> Result<(), Fault> {
        if self.seat().is_some() {
            // Others still write in the same transaction: this one's own asks are refused.
            self.sealed.get_or_insert(self.depth);
            return Ok(());
        }
        let sql = match self.dialect() {
            Dialect::Postgres => "SET TRANSACTION READ ONLY",
            Dialect::Sqlite => "PRAGMA query_only = ON",
            // Its mode is fixed when a transaction begins: the change operations below refuse.
            Dialect::Mysql => "DO 0",
        };
        self.batch(sql).await?;
        self.session.read_only = true;
        self.sealed.get_or_insert(self.depth);
        Ok(())
    }

    /// Locks rows by key and reads them whole, in the order of `keys`; nothing where there is no such row. A key that
    /// fits several rows is a fault: it is no key. Columns that have no lossless form come as the database's text.
    pub async fn lock_and_read(
        &mut self,
        table: &str,
        columns: &[Arc<str>],
        keys: &[Vec<Value>],
    ) -> Result<Vec<Option<Map>>, Fault> {
        if let Some(seat) = self.unsealed_seat()? {
            return seat.lock_and_read(table, columns, keys).await;
        }
        let mut found = Vec::with_capacity(keys.len());
        for keys in keys.chunks(KEYS) {
            if let Some(short) = keys.iter().find(|key| key.len() != columns.len()) {
                let message = format!("a key of `{table}` has {} values for {} columns", short.len(), columns.len());
                return Err(self.named(Fault::new(FaultKind::Data, message)));
            }
            let dialect = self.dialect();
            let answer = self.locked(table, |list| by_keys(dialect, table, columns, keys, list)).await?;
            found.extend(self.sorted(table, columns, answer, keys)?);
        }
        Ok(found)
    }

    /// Each row to its key, by the number that the database gave it: only the database knows when two keys are equal.
    fn sorted(
        &mut self,
        table: &str,
        columns: &[Arc<str>],
        answer: Answer,
        keys: &[Vec<Value>],
    ) -> Result<Vec<Option<Map>>, Fault> {
        let mut rows: Vec<Option<Map>> = vec![None; keys.len()];
        let names = Names::of_unlike(answer.columns.into_iter().skip(1).collect());
        for row in answer.rows {
            let mut cells = row.into_iter();
            let slot = cells.next().and_then(|n| n.as_int()).and_then(|n| usize::try_from(n).ok());
            let key = slot.and_then(|n| keys.get(n));
            let Some(slot) = slot.and_then(|n| rows.get_mut(n)) else { continue };
            let row = Map::of(&names, cells);
            if self.session.dialect() == Dialect::Mysql
                && let Some(column) = key.and_then(|key| unlike(columns, key, &row))
            {
                return Err(self.named(by_collation(table, column)));
            }
            if slot.replace(row).is_some() {
                let message = format!("the key of `{table}` fits more than one row");
                let fault =
                    Fault::new(FaultKind::Data, message).advise("correct `key:` of the table in the project file");
                return Err(self.named(fault));
            }
        }
        // A key that is given twice stands for the same row.
        for (i, key) in keys.iter().enumerate() {
            if let Some(first) = keys[..i].iter().position(|k| k == key) {
                rows[i] = rows[first].clone();
            }
        }
        Ok(rows)
    }

    /// Locks the rows that fit and reads them whole, in key order; at most `max + 1`, so that "too many" can be seen.
    pub async fn lock_where(
        &mut self,
        table: &str,
        key: &[Arc<str>],
        conditions: &[Condition],
        max: usize,
    ) -> Result<Vec<Map>, Fault> {
        if let Some(seat) = self.unsealed_seat()? {
            return seat.lock_where(table, key, conditions, max).await;
        }
        let dialect = self.dialect();
        let order: Vec<Order> = key.iter().map(|c| Order { column: c.clone(), descending: false }).collect();
        let select = Select { table, columns: &[], conditions, order: &order, limit: Some(max.saturating_add(1)) };
        let write = |list: &Columns<'_>| {
            list.write(Text::new(dialect).raw("SELECT "), &[]).selection(&select).for_update().done()
        };
        let answer = self.locked(table, write).await?;
        answer.named().map(|rows| rows.rows).map_err(|f| self.named(f))
    }

    /// A locking read of whole rows.
    async fn locked(&mut self, table: &str, write: impl Fn(&Columns<'_>) -> Statement) -> Result<Answer, Fault> {
        let invisible = self.invisible(table).await?;
        let statement = match invisible.is_empty() {
            true => self.exactly(write).await?,
            false => write(&Columns::AllAnd(&invisible)),
        };
        self.change(&statement).await
    }

    /// The statement that gives every column without loss.
    async fn exactly(&mut self, write: impl Fn(&Columns<'_>) -> Statement) -> Result<Statement, Fault> {
        let plain = write(&Columns::All);
        Ok(match self.exotic(&plain.sql).await? {
            None => plain,
            Some(slots) => {
                let own = slots.iter().filter(|slot| *slot.name != *NUMBER).cloned().collect::<Vec<_>>();
                write(&Columns::Listed(&own))
            }
        })
    }

    /// A row that was seen before this transaction began. [`Changing::update_whole`] changes it if that is the version which is there; a fault of kind
    /// [`FaultKind::Divided`] says that it is not.
    pub fn expects(&mut self, seen: Option<Seen>) {
        self.seen = seen.map(Box::new);
    }

    /// The row with this key, if it was seen.
    pub fn seen(&self, table: &str, columns: &[Arc<str>], key: &[Value]) -> Option<&Map> {
        self.seen.as_deref().filter(|seen| seen.is(table, columns, key)).map(|seen| &seen.row)
    }

    /// A row was seen, and has not been changed.
    pub fn expects_a_row(&self) -> bool {
        self.seen.is_some()
    }

    /// Nothing is known of the row that comes.
    pub fn expects_nothing(&mut self) {
        self.seen = None;
    }

    /// Updates one row; the number of rows says whether it was there.
    pub async fn update_by_key(&mut self, table: &str, key: &Map, set: &[(Arc<str>, SetTo)]) -> Result<u64, Fault> {
        if set.is_empty() || key.is_empty() {
            return Err(
                self.named(Fault::new(FaultKind::Other, format!("an update of `{table}` needs a key and a column")))
            );
        }
        if let Some(seat) = self.unsealed_seat()? {
            return seat.update(table, key, set).await;
        }
        let one =
            |text: Text, (column, to): &(Arc<str>, SetTo)| text.name(column).raw(" = ").set_to(table, column, to, true);
        let text = Text::new(self.dialect()).raw(self.or_abort(table).await?.update());
        let text = text.table(table).raw(" SET ").list(set, ", ", one);
        Ok(self.change(&text.conditions(&key_conditions(key)).done()).await?.affected)
    }

    /// Updates one row of a table that nothing else touches ([`crate::table::catalogue::Nature::alone`]), and gives it whole as it
    /// is now; nothing when it was not there.
    pub async fn update_whole(
        &mut self,
        table: &str,
        key: &Map,
        set: &[(Arc<str>, SetTo)],
    ) -> Result<Option<Map>, Fault> {
        if let Some(seat) = self.unsealed_seat()? {
            return seat.update_whole(table, key, set).await;
        }
        let dialect = self.dialect();
        let one =
            |text: Text, (column, to): &(Arc<str>, SetTo)| text.name(column).raw(" = ").set_to(table, column, to, true);
        let conditions = key_conditions(key);
        let update = self.or_abort(table).await?.update();
        let seen = self.seen.take();
        let write = |list: &Columns<'_>| {
            let text = Text::new(dialect).raw(update).table(table).raw(" SET ").list(set, ", ", one);
            let text = text.conditions(&conditions);
            let text = match &seen {
                Some(seen) => text.raw(" AND xmin::text = ").value(&seen.version),
                None => text,
            };
            list.write(text.raw(" RETURNING "), &[]).done()
        };
        match self.only(table, write).await? {
            None if seen.is_some() => Err(self.named(not_as_seen(table))),
            row => Ok(row),
        }
    }

    /// Updates the row that was seen and inserts another one, both into tables that nothing else touches, with one statement, if both can be given
    /// whole by one: then both rows as they are now. A fault of kind [`FaultKind::Divided`] says that the row is no longer as it was seen.
    pub async fn update_and_insert(
        &mut self,
        (table, key, set): (&str, &Map, &[(Arc<str>, SetTo)]),
        (other, values): (&str, &[(Arc<str>, SetTo)]),
    ) -> Result<Option<(Map, Map)>, Fault> {
        if self.seat().is_some() || values.is_empty() || self.dialect() != Dialect::Postgres {
            return Ok(None);
        }
        let Some(seen) = &self.seen else { return Ok(None) };
        let one =
            |text: Text, (column, to): &(Arc<str>, SetTo)| text.name(column).raw(" = ").set_to(table, column, to, true);
        let text =
            Text::new(self.dialect()).raw("WITH changed AS (UPDATE ").table(table).raw(" SET ").list(set, ", ", one);
        let text = text.conditions(&key_conditions(key)).raw(" AND xmin::text = ").value(&seen.version);
        let text = text.raw(" RETURNING *), added AS (INSERT INTO ").table(other).raw(" (");
        let text = text.list(values, ", ", |text, (column, _)| text.name(column)).raw(") SELECT ");
        let text = text.list(values, ", ", |text, (column, to)| text.set_to(other, column, to, false));
        let text =
            text.raw(" FROM changed RETURNING *) SELECT 0 AS ").name(NUMBER).raw(", changed.*, 0 AS ").name(NUMBER);
        let statement = text.raw(", added.* FROM changed, added").done();
        if self.exotic(&statement.sql).await?.is_some() {
            return Ok(None);
        }
        self.seen = None;
        self.not_sealed()?;
        let done = self.session.calmly(&statement, IMAGES).await;
        self.after_a_statement();
        let Answer { columns, mut rows, .. } = self.recover(done).await?;
        let (Some(row), true) = (rows.pop(), rows.is_empty()) else {
            return Err(self.named(not_as_seen(table)));
        };
        let mut cells = columns.into_iter().zip(row).skip(1);
        let changed = Map::of_unlike(cells.by_ref().take_while(|(column, _)| **column != *NUMBER));
        Ok(Some((changed, Map::of_unlike(cells))))
    }

    /// Inserts one row into a table that nothing else touches, and gives it whole.
    pub async fn insert_whole(&mut self, table: &str, values: &[(Arc<str>, SetTo)]) -> Result<Map, Fault> {
        if let Some(seat) = self.unsealed_seat()? {
            return seat.insert_whole(table, values).await;
        }
        let (dialect, insert) = (self.dialect(), self.or_abort(table).await?.insert());
        let write = |list: &Columns<'_>| {
            let text = Text::new(dialect).raw(insert).table(table);
            let text = if values.is_empty() {
                text.raw(" DEFAULT VALUES")
            } else {
                let text = text.raw(" (").list(values, ", ", |text, (column, _)| text.name(column)).raw(") VALUES (");
                text.list(values, ", ", |text, (column, to)| text.set_to(table, column, to, false)).raw(")")
            };
            list.write(text.raw(" RETURNING "), &[]).done()
        };
        match self.only(table, write).await? {
            Some(row) => Ok(row),
            None => {
                self.session.spoilt = true;
                Err(self.named(Fault::new(FaultKind::Other, format!("the row was not stored in `{table}`"))))
            }
        }
    }

    /// The one row that a change of a table which nothing else touches gives back, or none.
    async fn only(&mut self, table: &str, write: impl Fn(&Columns<'_>) -> Statement) -> Result<Option<Map>, Fault> {
        let statement = self.exactly(write).await?;
        self.not_sealed()?;
        let done = self.session.calmly(&statement, IMAGES).await;
        self.after_a_statement();
        let Answer { columns, mut rows, .. } = self.recover(done).await?;
        let row = rows.pop();
        if !rows.is_empty() {
            self.session.spoilt = true;
            let message = format!("the key of `{table}` fits more than one row");
            let fault = Fault::new(FaultKind::Data, message);
            return Err(self.named(fault.advise("correct `key:` of the table in the project file")));
        }
        Ok(row.map(|row| Map::of_vec(&Names::of_unlike(columns), row)))
    }

    /// Inserts one row and gives its key back, as the database made it.
    pub async fn insert(&mut self, table: &str, key: &[Arc<str>], values: &[(Arc<str>, SetTo)]) -> Result<Map, Fault> {
        self.put(table, key, values, ") VALUES (").await
    }

    /// Inserts a row as it was, numbers included that the database gives by itself.
    pub async fn insert_again(
        &mut self,
        table: &str,
        key: &[Arc<str>],
        values: &[(Arc<str>, SetTo)],
    ) -> Result<Map, Fault> {
        let given = match self.dialect() {
            Dialect::Postgres => ") OVERRIDING SYSTEM VALUE VALUES (",
            Dialect::Sqlite | Dialect::Mysql => ") VALUES (",
        };
        self.put(table, key, values, given).await
    }

    async fn put(
        &mut self,
        table: &str,
        key: &[Arc<str>],
        values: &[(Arc<str>, SetTo)],
        given: &'static str,
    ) -> Result<Map, Fault> {
        if let Some(seat) = self.unsealed_seat()? {
            return seat.insert(table, key, values, given != ") VALUES (").await;
        }
        let text = Text::new(self.dialect()).raw(self.or_abort(table).await?.insert()).table(table);
        let text = if values.is_empty() {
            text.raw(if self.dialect() == Dialect::Mysql { " () VALUES ()" } else { " DEFAULT VALUES" })
        } else {
            let text = text.raw(" (").list(values, ", ", |text, (column, _)| text.name(column)).raw(given);
            text.list(values, ", ", |text, (column, to)| text.set_to(table, column, to, false)).raw(")")
        };
        if !self.session.returns_keys() {
            let answer = self.change(&text.done()).await?;
            return self.key_of_new(table, key, values, answer.affected);
        }
        let statement = self.exactly(|list| list.write(text.clone().raw(" RETURNING "), key).done()).await?;
        let answer = self.change(&statement).await?;
        let Answer { columns, mut rows, .. } = answer;
        match rows.pop() {
            Some(row) if rows.is_empty() => Ok(columns.into_iter().zip(row).collect()),
            // A trigger or rule took the row away.
            _ => {
                self.session.spoilt = true;
                Err(self.named(Fault::new(FaultKind::Other, format!("the row was not stored in `{table}`"))))
            }
        }
    }

    /// Where the database gives nothing back: the key as it was given, or the number that the row got by itself.
    fn key_of_new(
        &mut self,
        table: &str,
        key: &[Arc<str>],
        values: &[(Arc<str>, SetTo)],
        affected: u64,
    ) -> Result<Map, Fault> {
        let given = |column: &Arc<str>| match values.iter().find(|(name, _)| name == column) {
            Some((_, SetTo::Value(value))) if !value.is_null() => Some(value.clone()),
            Some((_, SetTo::DatabaseNow)) => None,
            _ => self.session.last_id(),
        };
        let found: Option<Map> = key.iter().map(|column| given(column).map(|value| (column.clone(), value))).collect();
        match found {
            Some(found) if affected == 1 => Ok(found),
            _ => {
                self.session.spoilt = true;
                let message = format!("the database does not say which key the new row of `{table}` got");
                Err(self.named(Fault::new(FaultKind::Other, message).advise("set the columns of the key yourself")))
            }
        }
    }

    /// Deletes one row; the number of rows says whether it was there.
    pub async fn delete_by_key(&mut self, table: &str, key: &Map) -> Result<u64, Fault> {
        if key.is_empty() {
            return Err(self.named(Fault::new(FaultKind::Other, format!("a deletion from `{table}` needs a key"))));
        }
        if let Some(seat) = self.unsealed_seat()? {
            return seat.delete(table, key).await;
        }
        let text = Text::new(self.dialect()).raw("DELETE FROM ").table(table).conditions(&key_conditions(key));
        Ok(self.change(&text.done()).await?.affected)
    }

    /// The largest value of a column among the rows that fit, plus one; 1 when there is none. `crowded`: others may count on among the same
    /// rows meanwhile, so that one waits for the other.
    pub async fn next_of(
        &mut self,
        table: &str,
        column: &str,
        per: &[Condition],
        crowded: bool,
    ) -> Result<Value, Fault> {
        if let Some(seat) = self.unsealed_seat()? {
            return seat.next_of(table, column, per, crowded).await;
        }
        if crowded {
            self.count_alone(&[counted_in(table, column, per)]).await?;
        }
        let text =
            Text::new(self.dialect()).raw("SELECT max(").name(column).raw(") FROM ").table(table).conditions(per);
        let answer = self.change(&text.done()).await?;
        let largest = answer.rows.into_iter().flatten().next().unwrap_or(Value::NULL);
        behind(&largest, table, column).map_err(|f| self.named(f))
    }

    /// Waits until nobody else who counts on so has a transaction open. A lock by name, which goes with the transaction: there may be no row to
    /// lock yet. On SQLite there is one writer at a time.
    pub(super) async fn count_alone(&mut self, groups: &[String]) -> Result<(), Fault> {
        self.alone(groups, "somebody else counts on in the same rows for longer than `lock_timeout`").await
    }

    /// Has a name to itself until the transaction is over, and waits for who has it, as long as for any lock. So a session is found of which nobody
    /// knows whether its COMMIT got through.
    pub async fn keep(&mut self, name: &str) -> Result<(), Fault> {
        if self.seat().is_some() {
            // What goes in sets leaves its rows or its entry to be found.
            return Ok(());
        }
        self.alone(&[format!("keeps {name}")], "the session that began it has not ended").await
    }

    async fn alone(&mut self, groups: &[String], otherwise: &str) -> Result<(), Fault> {
        let statements = match self.dialect() {
            Dialect::Sqlite => return Ok(()),
            // All in the same order, so that no two wait for each other.
            Dialect::Postgres => vec![Statement::new(
                "SELECT count(pg_advisory_xact_lock(1953658213, name)) FROM (SELECT DISTINCT hashtext(v) AS name \
                 FROM unnest($1::text[]) AS v ORDER BY name) AS names",
                vec![Value::list(groups.iter().map(|group| Value::text(group.clone())))],
            )],
            Dialect::Mysql => {
                let get = "SELECT GET_LOCK(CONCAT('trueup ', MD5(?)), @@innodb_lock_wait_timeout)";
                groups.iter().map(|group| Statement::new(get, vec![Value::text(group.clone())])).collect()
            }
        };
        for statement in statements {
            let answer = self.change(&statement).await?;
            let got = answer.rows.first().and_then(|row| row.first()?.as_int());
            if self.dialect() == Dialect::Mysql && got != Some(1) {
                self.session.spoilt = true;
                return Err(self.named(Fault::new(FaultKind::LockTimeout, otherwise)));
            }
        }
        Ok(())
    }

    /// Runs one statement of an author; how many rows it says to have changed. Refuses what would leave or end the
    /// transaction, or does more than change rows.
    pub async fn execute(&mut self, statement: &Statement) -> Result<u64, Fault> {
        let verdict = sql_rules::allow_write(&statement.sql, self.dialect()).map_err(|f| self.named(f))?;
        self.no_hidden_deletion(&statement.sql, &verdict).await?;
        let answer = self.change(statement).await?;
        // After a SELECT the drivers report rows read, or the count of an earlier statement.
        Ok(if verdict.class == sql_rules::Class::Read { 0 } else { answer.affected })
    }

    /// As [`Changing::execute`], for a statement that ends in RETURNING: the rows that it gives.
    pub async fn execute_returning(&mut self, statement: &Statement, limits: Limits) -> Result<Rows, Fault> {
        let verdict = sql_rules::allow_write(&statement.sql, self.dialect()).map_err(|f| self.named(f))?;
        self.no_hidden_deletion(&statement.sql, &verdict).await?;
        self.not_sealed()?;
        let done = self.raw(statement, limits).await.and_then(Answer::named);
        self.after_a_statement();
        self.recover(done).await
    }

    /// Locked, changed or read again, and not yet durable.
    fn after_a_statement(&self) {
        if self.for_good {
            moment::reached("after a statement");
        }
    }

    /// Checks deferred constraints now, and leaves them deferred.
    pub async fn check_deferred(&mut self) -> Result<(), Fault> {
        if let Some(seat) = self.seat() {
            return seat.check().await;
        }
        if self.dialect() == Dialect::Mysql {
            // It has no deferred constraints.
            return Ok(());
        }
        if self.dialect() == Dialect::Postgres {
            let sql = "SAVEPOINT trueup_check; SET CONSTRAINTS ALL IMMEDIATE; \
                       ROLLBACK TO SAVEPOINT trueup_check; RELEASE SAVEPOINT trueup_check";
            let done = self.batch(sql).await;
            return self.recover(done).await;
        }
        let link = self.enter()?;
        let done = match link {
            Link::Sqlite(link) => Box::pin(link.check_deferred()).await,
            _ => Ok(()),
        };
        let done = self.leave(done);
        self.recover(done).await
    }

    /// Nothing has gone through this handle that could have changed a row.
    pub fn is_fresh(&self) -> bool {
        self.session.is_fresh()
    }

    /// Tables touched by this transaction so far, by triggers and cascades too. Compare two of them: what was rolled
    /// back to a savepoint stays counted.
    pub async fn touched(&mut self) -> Result<Vec<Touched>, Fault> {
        if let Some(seat) = self.seat() {
            // Of a set it is compared as a whole, with its constraints: here nothing more was touched.
            return seat.touched().await.map(|()| Vec::new());
        }
        let link = self.enter()?;
        let done = Box::pin(link.touched()).await;
        let done = self.leave(done);
        self.recover(done).await
    }

    /// The seat in a set, unless this one may only read by now.
    fn unsealed_seat(&self) -> Result<Option<&Seat>, Fault> {
        match self.seat() {
            Some(_) if self.sealed.is_some() => {
                let message = "cannot change or lock rows in a transaction that was made read-only";
                Err(self.named(Fault::new(FaultKind::ReadOnly, message)))
            }
            seat => Ok(seat),
        }
    }

    /// What the other databases refuse by themselves in a transaction that was made read-only.
    fn not_sealed(&mut self) -> Result<(), Fault> {
        if self.sealed.is_none() || self.dialect() != Dialect::Mysql {
            return Ok(());
        }
        self.session.spoilt = true;
        let message = "cannot change or lock rows in a transaction that was made read-only";
        Err(self.named(Fault::new(FaultKind::ReadOnly, message)))
    }

    pub(super) async fn change(&mut self, statement: &Statement) -> Result<Answer, Fault> {
        self.not_sealed()?;
        let done = self.raw(statement, IMAGES).await;
        self.after_a_statement();
        self.recover(done).await
    }
}

fn not_as_seen(table: &str) -> Fault {
    Fault::new(FaultKind::Divided, format!("the row of `{table}` is no longer as it was seen: its change begins anew"))
}

/// The number behind the largest of a column, or the first.
pub(super) fn behind(largest: &Value, table: &str, column: &str) -> Result<Value, Fault> {
    match &largest.data {
        Data::Null => Ok(Value::from(1)),
        Data::Int(n) if *n < i64::MAX => Ok(Value::from(n + 1)),
        _ => {
            let message = format!("`{table}.{column}` holds {}, which cannot be counted on", largest.kind());
            Err(Fault::new(FaultKind::Data, message))
        }
    }
}

/// The first column of a key that the found row holds in another form: MySQL takes texts for equal whatever their case and
/// closing blanks, and a text of digits for a number.
fn unlike<'a>(columns: &'a [Arc<str>], key: &[Value], row: &Map) -> Option<&'a Arc<str>> {
    let differs = |(column, asked): &(&Arc<str>, &Value)| {
        let Some(stored) = row.get(column) else { return false };
        let text = matches!(stored.data, Data::Text(_)) || matches!(asked.data, Data::Text(_));
        let time = matches!(
            stored.data,
            Data::Timestamp(_) | Data::Instant(_) | Data::Date(_) | Data::Time(_) | Data::Decimal(_) | Data::Float(_)
        );
        text && !time && stored.bare() != asked.bare()
    };
    columns.iter().zip(key).find(differs).map(|(column, _)| column)
}

fn by_collation(table: &str, column: &str) -> Fault {
    let message = format!(
        "the key of `{table}` found a row whose `{column}` is written in another way: the column's collation takes both for equal"
    );
    Fault::new(FaultKind::Data, message)
        .advise("give the key exactly as it is stored (case, accents, blanks at the end)")
}

/// Among which rows a number is counted on.
pub(super) fn counted_in(table: &str, column: &str, per: &[Condition]) -> String {
    let mut name = format!("{table} {column}");
    for condition in per {
        let value = if let Test::Is(value) = &condition.test { value.bare() } else { "".into() };
        let _ = write!(name, "\u{1f}{}={value}", condition.column);
    }
    name
}

/// The name of the column that says which key a row belongs to; no table has it.
const NUMBER: &str = "trueup key number";

/// Rows of several keys, each with the number of its key.
fn by_keys(dialect: Dialect, table: &str, columns: &[Arc<str>], keys: &[Vec<Value>], list: &Columns<'_>) -> Statement {
    let mut text = Text::new(dialect);
    let tests: Vec<Vec<Option<usize>>> = keys.iter().map(|key| key.iter().map(|v| text.bound(v)).collect()).collect();
    let test = |text: Text, test: &Vec<Option<usize>>| {
        text.list(columns.iter().zip(test), " AND ", |text, (column, bound)| match bound {
            Some(n) => text.name(column).raw(" = ").placeholder(*n),
            None => text.name(column).raw(" IS NULL"),
        })
    };
    let cases =
        |text: Text, (n, tests): (usize, &Vec<Option<usize>>)| test(text.raw(" WHEN "), tests).raw(" THEN ").number(n);
    let text = text.raw("SELECT CASE").list(tests.iter().enumerate(), "", cases).raw(" END AS ").name(NUMBER).raw(", ");
    let text = match list {
        Columns::All => text.table(table).raw(".*"),
        Columns::AllAnd(hidden) => {
            hidden.iter().fold(text.table(table).raw(".*"), |text, column| text.raw(", ").name(column))
        }
        listed @ Columns::Listed(_) => listed.write(text, &[]),
    };
    let text = text.raw(" FROM ").table(table).raw(" WHERE (").list(&tests, ") OR (", test).raw(")");
    let order: Vec<Order> = columns.iter().map(|c| Order { column: c.clone(), descending: false }).collect();
    text.order(&order).for_update().done()
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
