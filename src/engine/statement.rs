//! A free writing statement, with its row images where they can be had: run it once inside a savepoint to learn the keys
//! it touches, take that back, lock and read those rows, run it for good, read them again.

use super::{
    carry_out::{self, Carried, Explained, also, computed},
    grants,
    question::database,
    setting::Setting,
    trouble::{Missed, Trouble},
};
use crate::{
    action::deed::Statement as Deed,
    base::{
        cover::Cover,
        source::Span,
        value::{Map, Marks, Value},
    },
    connection::{
        fault::{Fault, FaultKind},
        handle::Changing,
        sql_rules::{self, Class},
        statement::{Limits, Statement},
    },
    effect::{
        change::{RowChange, TableName},
        hidden,
    },
    table::{catalogue::Renewed, facts::Facts},
    template::Dialect,
};
use std::sync::Arc;

/// Runs the statement in the transaction of `changing`.
pub async fn run(changing: &mut Changing, deed: &Deed, setting: &Setting, at: Span) -> Result<Carried, Trouble> {
    let went = carried(changing, deed, setting, at).await;
    went.map_err(|trouble| {
        trouble.covered(|cover| deed.bound.binds.iter().for_each(|bind| cover.add(bind, Marks::NONE)))
    })
}

async fn carried(changing: &mut Changing, deed: &Deed, setting: &Setting, at: Span) -> Result<Carried, Trouble> {
    let fault = |fault: Fault| database(&deed.connection, fault, at);
    grants::statement(setting, &deed.connection, &deed.bound.sql, at)?;
    setting.at_hand.spoil();
    let aim = match target(deed, setting) {
        Some((table, facts, class)) => Aim::take(changing, deed, table, facts, class, at).await?,
        None => None,
    };
    // What was tried out and taken back stays counted.
    let touched = changing.touched().await.map_err(fault)?;
    let mut carried = Carried::default();
    match aim {
        Some(aim) => {
            let columns = carry_out::columns(changing, &aim.table, setting).await.map_err(fault)?;
            carried.computed.extend(computed(&aim.table, aim.facts, &columns));
            carried.changes = aim.hit(changing, deed, at).await?;
            carried.look_whether_whole(&columns);
            setting.veil.mark_changes(&mut carried.changes);
            setting.veil.note(&carried.changes, setting);
        }
        None => {
            let statement = Statement { sql: deed.bound.sql.clone(), binds: deed.bound.binds.clone() };
            let rows = changing.execute(&statement).await.map_err(fault)?;
            within_bounds(deed, usize::try_from(rows).unwrap_or(usize::MAX), at)?;
        }
    }
    grants::images(setting, &carried.changes, at)?;
    changing.check_deferred().await.map_err(fault)?;
    let after = changing.touched().await.map_err(fault)?;
    carried.also = also(&touched, &after, &Explained::by_statement(&carried.changes), &deed.connection);
    Ok(carried)
}

fn within_bounds(deed: &Deed, rows: usize, at: Span) -> Result<(), Trouble> {
    if deed.touches.allows(rows) {
        return Ok(());
    }
    let most = deed.touches.most as usize;
    let found = if rows > most { format!("more than {most}") } else { rows.to_string() };
    let noun = if found.ends_with(" 1") { "row" } else { "rows" };
    let message = format!("the statement touches {found} {noun}, expected {}", deed.touches.words());
    Err(Trouble::Missed(Missed { message, seen: Vec::new(), at }))
}

/// The one declared table that the statement writes.
fn target<'a>(deed: &Deed, setting: &'a Setting) -> Option<(TableName, &'a Facts, Class)> {
    let dialect = setting.database(&deed.connection)?.dialect();
    let verdict = sql_rules::judge(&deed.bound.sql, dialect);
    let single = matches!(verdict.class, Class::Insert | Class::Update | Class::Delete) && verdict.writes.len() == 1;
    let table: Arc<str> = verdict.writes.into_iter().next().filter(|_| single)?.into();
    let name = TableName { connection: deed.connection.clone(), table };
    let facts = setting.facts_of(&name)?;
    let returns = deed.bound.sql.to_lowercase().contains("returning");
    (!returns).then_some((name, facts, verdict.class))
}

/// The rows that a statement will touch, as they are before it, locked.
struct Aim<'a> {
    table: TableName,
    facts: &'a Facts,
    names: Vec<Arc<str>>,
    /// The statement, giving the keys of the rows that it touches; on MySQL, which cannot, the author's own.
    statement: Statement,
    /// The statement itself gives the keys.
    returns: bool,
    before: Vec<(Vec<Value>, Option<Map>)>,
}

impl<'a> Aim<'a> {
    /// Runs the statement once, takes that back, and locks and reads the rows whose keys it gave. Nothing when the rows
    /// cannot be told by their keys, because the statement changes keys.
    async fn take(
        changing: &mut Changing,
        deed: &Deed,
        table: TableName,
        facts: &'a Facts,
        class: Class,
        at: Span,
    ) -> Result<Option<Aim<'a>>, Trouble> {
        let fault = |fault: Fault| database(&deed.connection, fault, at);
        let names = facts.key_columns();
        let mysql = changing.dialect() == Dialect::Mysql;
        if mysql && class != Class::Insert {
            return Aim::pick(changing, deed, table, facts, at).await;
        }
        if !changing.returns_keys() {
            return Ok(None);
        }
        let quote = if mysql { '`' } else { '"' };
        let one = |n: &Arc<str>| format!("{quote}{}{quote}", n.replace(quote, &format!("{quote}{quote}")));
        let quoted: Vec<_> = names.iter().map(one).collect();
        // On a line of its own: the author's last line may end in a comment.
        let sql = format!("{}\nreturning {}", deed.bound.sql.trim_end().trim_end_matches(';'), quoted.join(", "));
        let statement = Statement { sql, binds: deed.bound.binds.clone() };
        let savepoint = changing.savepoint().await.map_err(fault)?;
        let keys = keys(changing, &statement, &names, deed, at).await;
        changing.rollback_to(savepoint).await.map_err(fault)?;
        let keys = keys.map_err(|trouble| untold(trouble, facts))?;
        let rows = changing.lock_and_read(&table.table, &names, &keys).await.map_err(fault)?;
        let before: Vec<_> = keys.into_iter().zip(rows).collect();
        let by_key = class == Class::Insert || before.iter().all(|(_, row)| row.is_some());
        Ok(by_key.then_some(Aim { table, facts, names, statement, returns: true, before }))
    }

    /// The same on MySQL, where an UPDATE gives nothing back: the rows are found and locked by the statement's own
    /// condition.
    async fn pick(
        changing: &mut Changing,
        deed: &Deed,
        table: TableName,
        facts: &'a Facts,
        at: Span,
    ) -> Result<Option<Aim<'a>>, Trouble> {
        let (names, sql) = (facts.key_columns(), &deed.bound.sql);
        let Some(parts) = sql_rules::parts(sql, Dialect::Mysql) else { return Ok(None) };
        if parts.columns.iter().any(|set| names.iter().any(|name| name.eq_ignore_ascii_case(set))) {
            return Ok(None);
        }
        let quoted: Vec<_> = names.iter().map(|n| format!("`{}`", n.replace('`', "``"))).collect();
        let (target, rest) = (&sql[parts.target.clone()], &sql[parts.rest.clone()]);
        let pick = format!("select {} from {target} {rest} for update", quoted.join(", "));
        let (skipped, count) = parts.placeholders;
        let pick = Statement::new(pick, deed.bound.binds.iter().skip(skipped).take(count).cloned().collect());
        let keys = keys(changing, &pick, &names, deed, at).await?;
        let fault = |fault: Fault| database(&deed.connection, fault, at);
        let rows = changing.lock_and_read(&table.table, &names, &keys).await.map_err(fault)?;
        let before = keys.into_iter().zip(rows).collect();
        let statement = Statement { sql: sql.clone(), binds: deed.bound.binds.clone() };
        Ok(Some(Aim { table, facts, names, statement, returns: false, before }))
    }

    /// What is hidden in the rows as they were.
    fn cover(&self, cover: &mut Cover) {
        for row in self.before.iter().filter_map(|(_, row)| row.as_ref()) {
            self.facts.marked(row).values().for_each(|value| cover.add(value, Marks::NONE));
        }
    }

    /// Runs the statement for good; the keys of the rows that it touched.
    async fn run(&self, changing: &mut Changing, deed: &Deed, at: Span) -> Result<Vec<Vec<Value>>, Trouble> {
        if self.returns {
            return keys(changing, &self.statement, &self.names, deed, at).await;
        }
        let touched = changing.execute(&self.statement).await.map_err(|f| database(&deed.connection, f, at))?;
        let keys: Vec<_> = self.before.iter().map(|(key, _)| key.clone()).collect();
        if usize::try_from(touched).ok() == Some(keys.len()) {
            return Ok(keys);
        }
        let message =
            format!("the statement touched {touched} rows, and its condition found {} just before", keys.len());
        Err(Trouble::Missed(Missed { message, seen: Vec::new(), at }))
    }

    /// Runs the statement for good and reads its rows again. An INSERT may give other keys than the first time.
    async fn hit(self, changing: &mut Changing, deed: &Deed, at: Span) -> Result<Vec<RowChange>, Trouble> {
        let fault = |fault: Fault| database(&deed.connection, fault, at);
        let keys = self.run(changing, deed, at).await.map_err(|trouble| trouble.covered(|cover| self.cover(cover)))?;
        let after = changing.lock_and_read(&self.table.table, &self.names, &keys).await.map_err(fault)?;
        let was_there = |key: &Vec<Value>| self.before.iter().any(|(k, row)| k == key && row.is_some());
        let columns = match changing.dialect() == Dialect::Mysql || keys.iter().any(|key| !was_there(key)) {
            true => changing.columns(&self.table.table).await.map_err(fault)?.unwrap_or_default(),
            false => Arc::default(),
        };
        let change = |(key, after): (Vec<Value>, Option<Map>)| {
            let before = self.before.iter().find(|(k, _)| *k == key);
            let mut after = after.map(|row| self.facts.marked(&row));
            // A key that differs each time is given by the database: a number of its own, as little drift as the clock. So is what
            // it sets by itself.
            let by_itself = columns.columns.values().filter(|column| match column.renewed {
                Renewed::Changed => true,
                Renewed::Made => before.is_none(),
                Renewed::Never => false,
            });
            let names = self.names.iter().filter(|_| before.is_none());
            for name in names.chain(by_itself.map(|column| &column.name)) {
                if let Some(value) = after.as_mut().and_then(|row| row.get_mut(name)) {
                    value.marks |= Marks::CLOCK;
                }
            }
            RowChange {
                table: self.table.clone(),
                before: before.and_then(|(_, row)| row.as_ref()).map(|row| self.facts.marked(row)),
                after,
                key: self.names.iter().cloned().zip(key).collect(),
                by_rule: false,
                stamps: Vec::new(),
            }
        };
        let change = |one| {
            let mut change = change(one);
            change.stamps.extend(stamped(&change, self.facts.stamp(), deed, changing.dialect()));
            change
        };
        let mut changes: Vec<RowChange> = keys.into_iter().zip(after).map(change).collect();
        for bind in deed.bound.binds.iter().filter(|bind| bind.all_marks().hidden()) {
            changes.iter_mut().for_each(|change| hide(change, bind));
        }
        Ok(changes)
    }
}

/// What a trigger says of rows that nobody has read: of whom it tells cannot be known, so it is not repeated where the table has something personal.
fn untold(trouble: Trouble, facts: &Facts) -> Trouble {
    match trouble {
        Trouble::Database { connection, fault, at } if fault.kind == FaultKind::Other && !facts.personal.is_empty() => {
            let message = "the database refuses it in words of its own, which may tell of persons and are not repeated";
            let help =
                "look into the database's log; of a `row` or `rows` step, whose rows are known, it would be told";
            Trouble::Database { connection, fault: Fault::new(FaultKind::Other, message).advise(help), at }
        }
        other => other,
    }
}

/// The column of the last change, if the statement, a trigger or a default sets it to the time of apply. No rule of trueup stamps what a statement changes, so
/// a column that nobody set stays as it is, and one that was set to a value has that.
fn stamped(change: &RowChange, stamp: Option<&str>, deed: &Deed, dialect: Dialect) -> Option<Arc<str>> {
    let stamp = stamp?;
    let became = change.after.as_ref()?.get(stamp)?;
    let moved = !became.is_null() && change.before.as_ref().is_none_or(|before| before.get(stamp) != Some(became));
    let by_clock = match sql_rules::stamps_itself(&deed.bound.sql, stamp, dialect) {
        // A clock that counts in seconds may say the same twice.
        Some(asks) => asks || deed.bound.binds.iter().any(|bind| bind.all_marks().has(Marks::CLOCK)) && moved,
        None => moved,
    };
    by_clock.then(|| stamp.into())
}

/// Hides the columns in which something hidden stands since the statement, in both images. Where it went nobody says: by what the column holds
/// it is known, in capitals or not, whole or as a part.
fn hide(change: &mut RowChange, bind: &Value) {
    let wanted = bind.bare().to_lowercase();
    if wanted.is_empty() || bind.is_null() {
        return;
    }
    for (column, _, new) in change.differing() {
        if !new.bare().to_lowercase().contains(&wanted) {
            continue;
        }
        let rows = [&mut change.before, &mut change.after].into_iter().flatten();
        rows.for_each(|row| hidden::hide(row, [&column]));
    }
}

/// Runs a statement that gives keys; their number must be within the author's bounds.
async fn keys(
    changing: &mut Changing,
    statement: &Statement,
    names: &[Arc<str>],
    deed: &Deed,
    at: Span,
) -> Result<Vec<Vec<Value>>, Trouble> {
    let most = deed.touches.most as usize;
    let limits = Limits { rows: most.saturating_add(1), ..Limits::USUAL };
    let rows = match changing.execute_returning(statement, limits).await {
        Ok(rows) => rows.rows,
        Err(fault) if fault.kind == FaultKind::TooMany => {
            return within_bounds(deed, usize::MAX, at).map(|()| Vec::new());
        }
        Err(fault) => return Err(database(&deed.connection, fault, at)),
    };
    within_bounds(deed, rows.len(), at)?;
    let key = |row: &Map| names.iter().map(|n| row.get(n).cloned().unwrap_or(Value::NULL)).collect();
    Ok(rows.iter().map(key).collect())
}
