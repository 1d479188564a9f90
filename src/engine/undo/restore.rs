//! Rows become what they were: lock by key, compare with what the other run left, the opposite change by key, read again.
//! The same code in the rehearsal and for good.
//!
//! A row that is not as the other run left it is left alone. Never undone and never compared: audit rows and stamps, which
//! are by-products, and columns that the database computes.

use crate::{
    action::deed::Restore,
    base::{
        cover::Cover,
        json,
        source::Span,
        value::{Map, Marks, Value},
    },
    connection::{
        fault::{Fault, FaultKind},
        handle::Changing,
        rows::Touched,
        statement::SetTo,
    },
    effect::{
        change::{Deed, RowChange, TableName},
        hidden,
        left::{LeftAlone, Versions},
    },
    engine::{
        audit::{self, AuditTrouble},
        carry_out::{Carried, Explained, also},
        drift,
        question::database,
        setting::Setting,
        state::ALONG,
        trouble::{Difference, Trouble},
    },
    plan::{Also, Effect, StepPlan},
    table::{
        catalogue::{self, Renewed},
        facts::Facts,
    },
};
use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    sync::Arc,
};

/// What a plan shows of rows that are to be put back.
pub struct Shown<'p> {
    /// Those that it puts back.
    pub changes: Vec<&'p RowChange>,
    /// Those that it leaves as they are.
    pub left: Vec<&'p LeftAlone>,
}

impl<'p> Shown<'p> {
    /// What the plan shows of this step.
    pub fn of(step: Option<&'p StepPlan>) -> Shown<'p> {
        let left = step.into_iter().flat_map(|step| &step.effects).filter_map(|effect| match effect {
            Effect::LeftAlone { rows } => Some(rows),
            _ => None,
        });
        Shown { changes: step.and_then(drift::planned_rows).unwrap_or_default(), left: left.flatten().collect() }
    }

    /// Why this row is not put back, though it could be: the plan does not show it.
    fn leaves(&self, change: &RowChange) -> Option<String> {
        if self.changes.iter().any(|shown| shown.table == change.table && shown.key == change.key) {
            return None;
        }
        let left = self.left.iter().find(|left| left.table == change.table && left.key == change.key);
        Some(match left {
            Some(left) => format!("the plan leaves it alone: {}", left.why),
            None => "the plan leaves it alone".into(),
        })
    }
}

/// Carries it out in the transaction of `changing`. With `planned`, only rows that the plan showed are taken back.
pub async fn restore(
    changing: &mut Changing,
    deed: &Restore,
    setting: &Setting,
    planned: Option<&Shown<'_>>,
    at: Span,
) -> Result<Carried, Trouble> {
    let fault = |fault: Fault| database(&deed.connection, fault, at);
    let mut work = Work { deed, setting, planned, at, columns: HashMap::new() };
    let before = changing.touched().await.map_err(fault)?;
    let savepoint = changing.savepoint().await.map_err(fault)?;
    let together = work.together(changing).await;
    let calm = match &together {
        Ok(carried) => work.dragged(changing, &before, &carried.changes, 1).await.map_err(fault)?.is_none(),
        Err(fault) if fault.kind == FaultKind::Constraint => false,
        Err(other) => return Err(fault(other.clone())),
    };
    let (mut carried, before) = match together {
        Ok(carried) if calm => {
            changing.release(savepoint).await.map_err(fault)?;
            (carried, before)
        }
        _ => {
            // Something hangs on one of the rows, or their order matters: each for itself. What was rolled back stays
            // counted, so the count begins anew.
            changing.rollback_to(savepoint).await.map_err(fault)?;
            let before = changing.touched().await.map_err(fault)?;
            (work.one_by_one(changing).await.map_err(fault)?, before)
        }
    };
    if deed.all_or_nothing && !carried.left_alone.is_empty() {
        return Err(Trouble::Drifted(carried.left_alone.iter().flat_map(differences).collect()));
    }
    if deed.audit {
        work.audits(changing, &mut carried).await?;
    }
    changing.check_deferred().await.map_err(fault)?;
    let after = changing.touched().await.map_err(fault)?;
    // One by one, some attempts were rolled back and stay counted: only what stands is told.
    if calm {
        carried.also = also(&before, &after, &Explained::by_rows(&carried.changes), &deed.connection);
    }
    Ok(carried)
}

/// The rows that are not as the other run left them, locked: a step that the author gave as the way back would write over what somebody changed
/// since. `own`: what this undo has changed itself was compared when it did.
pub async fn moved(
    changing: &mut Changing,
    deed: &Restore,
    own: &[&RowChange],
    setting: &Setting,
    at: Span,
) -> Result<Vec<LeftAlone>, Trouble> {
    let mut work = Work { deed, setting, planned: None, at, columns: HashMap::new() };
    let mut left = Vec::new();
    for change in work.rows().filter(|change| !own.iter().any(|own| own.table == change.table && own.key == change.key))
    {
        let compared = work.compared(changing, change).await;
        let compared = compared.map_err(|fault| database(&deed.connection, covered(fault, change), at))?;
        if let Some((_, Ok(Came::Left(row)))) = compared {
            left.push(row);
        }
    }
    if deed.all_or_nothing && !left.is_empty() {
        return Err(Trouble::Drifted(left.iter().flat_map(differences).collect()));
    }
    Ok(left)
}

/// Why it may not be tried out: the first of its tables that says so.
pub fn not_rehearsed(deed: &Restore, setting: &Setting) -> Option<String> {
    let facts = deed.rows.iter().filter_map(|row| setting.facts_of(&row.table));
    facts.into_iter().find(|facts| facts.rehearse == Some(false)).map(|facts| {
        facts.because.as_ref().map_or("the project file says `rehearse: false`", |why| why.as_str()).to_owned()
    })
}

/// `put back 3 rows of register.placements`.
pub fn words(deed: &Restore) -> String {
    let mut tables: BTreeMap<String, usize> = BTreeMap::new();
    deed.rows.iter().for_each(|row| *tables.entry(row.table.to_string()).or_default() += 1);
    let rows = |n: usize| if n == 1 { "row" } else { "rows" };
    let parts: Vec<_> = tables.iter().map(|(table, n)| format!("{n} {} of {table}", rows(*n))).collect();
    format!("put back {}", parts.join(", "))
}

/// What the other run changed or removed by triggers and cascades in tables that are not touched now: nobody takes that back. A sentence with [`ALONG`].
pub fn not_followed(deed: &Restore, carried: &Carried) -> Option<String> {
    // Where it added rows as well, or something else happens now, a trigger keeps the table by itself.
    let stays = |(table, added): &&(Arc<str>, Option<u64>)| {
        *added == Some(0) && !carried.also.iter().any(|also| *also.table == **table)
    };
    let tables: Vec<String> = deed.also.iter().filter(stays).map(|(table, _)| format!("`{table}`")).collect();
    let done = carried.changes.iter().any(|change| change.deed() != Deed::Nothing);
    (done && !tables.is_empty()).then(|| format!("Rows of {} {ALONG}.", tables.join(", ")))
}

/// As a drift report says it.
pub fn differences(left: &LeftAlone) -> Vec<Difference> {
    let shown = |value: &Option<Value>| value.as_ref().map_or_else(|| "no row".to_owned(), Value::shown);
    let one =
        |column: String, planned: String, found: String| Difference { subject: left.subject(), column, planned, found };
    if left.columns.is_empty() {
        return vec![one(String::new(), "as the run left it".into(), left.why.clone())];
    }
    left.columns.iter().map(|v| one(v.column.to_string(), shown(&v.ours), shown(&v.now))).collect()
}

/// What became of one row.
enum Came {
    /// It is as it was.
    Back(RowChange),
    /// It was so already.
    Already(RowChange),
    /// It is not as the other run left it.
    Left(LeftAlone),
    /// It was put back, and the database made something else of it: that has to be rolled back.
    Otherwise(LeftAlone),
}

struct Work<'a> {
    deed: &'a Restore,
    setting: &'a Setting,
    planned: Option<&'a Shown<'a>>,
    at: Span,
    columns: HashMap<Arc<str>, Arc<catalogue::Table>>,
}

impl<'a> Work<'a> {
    /// The rows, the newest first.
    fn rows(&self) -> impl Iterator<Item = &'a RowChange> + use<'a> {
        self.deed.rows.iter().rev()
    }

    async fn together(&mut self, changing: &mut Changing) -> Result<Carried, Fault> {
        let mut carried = Carried::default();
        for change in self.rows() {
            match self.one(changing, change).await? {
                Came::Otherwise(left) => return Err(Fault::new(FaultKind::Constraint, left.why)),
                came => take(&mut carried, came),
            }
        }
        Ok(carried)
    }

    /// Each row under a savepoint of its own. What the database refuses now may pass when another row is back; what it
    /// refuses for good, and what would take rows of others along, is left alone.
    async fn one_by_one(&mut self, changing: &mut Changing) -> Result<Carried, Fault> {
        let mut carried = Carried::default();
        let mut waiting: Vec<&RowChange> = self.rows().collect();
        let made = waiting.iter().filter(|change| change.before.is_none()).count().max(1) as u64;
        loop {
            let mut refused: Vec<(&RowChange, String)> = Vec::new();
            let most = waiting.len();
            for change in std::mem::take(&mut waiting) {
                // An older change of the same row waits for the newer one.
                if refused.iter().any(|(c, _)| c.table == change.table && c.key == change.key) {
                    refused.push((change, "a newer change of the row could not be taken back".into()));
                    continue;
                }
                let before = changing.touched().await?;
                let savepoint = changing.savepoint().await?;
                match self.one(changing, change).await {
                    Ok(Came::Back(back)) => {
                        let dragged = self.dragged(changing, &before, std::slice::from_ref(&back), made).await?;
                        let Some(dragged) = dragged else {
                            changing.release(savepoint).await?;
                            let after = changing.touched().await?;
                            let besides = also(
                                &before,
                                &after,
                                &Explained::by_rows(std::slice::from_ref(&back)),
                                &self.deed.connection,
                            );
                            add(&mut carried.also, besides);
                            carried.changes.push(back);
                            continue;
                        };
                        changing.rollback_to(savepoint).await?;
                        let why = format!("rows that hang on it would go or change with it: {}", also_words(&dragged));
                        carried.left_alone.push(whole(change, why));
                    }
                    Ok(Came::Otherwise(left)) => {
                        changing.rollback_to(savepoint).await?;
                        carried.left_alone.push(left);
                    }
                    Ok(other) => {
                        changing.release(savepoint).await?;
                        take(&mut carried, other);
                    }
                    Err(fault) if fault.kind == FaultKind::Constraint => {
                        changing.rollback_to(savepoint).await?;
                        refused.push((change, format!("the database refuses it: {}", fault.message)));
                    }
                    Err(other) => return Err(other),
                }
            }
            if refused.is_empty() {
                return Ok(carried);
            }
            if refused.len() == most {
                carried.left_alone.extend(refused.into_iter().map(|(change, why)| whole(change, why)));
                return Ok(carried);
            }
            waiting = refused.into_iter().map(|(change, _)| change).collect();
        }
    }

    /// Rows of other tables that were deleted or changed along with ours (`on delete cascade`, `set null`, triggers), and that the
    /// other run has nothing to do with: of a table that it touched besides, more than it added there. Where nothing of ours goes, rows of such a table
    /// may change: a trigger that counts in it does so on the way back, too. `parts`: so many rows share these, each with as many as the others.
    async fn dragged(
        &self,
        changing: &mut Changing,
        before: &[Touched],
        changes: &[RowChange],
        parts: u64,
    ) -> Result<Option<Vec<Also>>, Fault> {
        if changes.iter().all(|c| c.deed() == Deed::Nothing) {
            return Ok(None);
        }
        let after = changing.touched().await?;
        let goes = changes.iter().any(|c| c.deed() == Deed::Delete);
        let known = |a: &Also| {
            let added = self.deed.also.iter().find(|(table, _)| **table == *a.table).map(|(_, added)| *added);
            let taken = a.deleted + if goes { a.updated } else { 0 };
            added.is_some_and(|added| added.is_none_or(|added| taken <= added / parts))
        };
        let besides = also(before, &after, &Explained::by_rows(changes), &self.deed.connection);
        // Where the database does not name the table (`*`), what is left of it when our own rows are taken off is of others as well.
        let hangs = |a: &Also| a.deleted > 0 || a.updated > 0;
        let dragged: Vec<Also> = besides.into_iter().filter(|a| hangs(a) && !known(a)).collect();
        Ok((!dragged.is_empty()).then_some(dragged))
    }

    /// What the database says of it is told without what is hidden in the row.
    async fn one(&mut self, changing: &mut Changing, change: &'a RowChange) -> Result<Came, Fault> {
        self.one_row(changing, change).await.map_err(|fault| covered(fault, change))
    }

    async fn one_row(&mut self, changing: &mut Changing, change: &'a RowChange) -> Result<Came, Fault> {
        let Some((row, came)) = self.compared(changing, change).await? else {
            return Ok(Came::Left(whole(change, "the run's project file does not declare its table".into())));
        };
        if let Some(why) = row.columns.half_seen(change.before.is_none(), change.after.is_none()) {
            return Ok(Came::Left(whole(change, why.into())));
        }
        let todo = match came {
            Ok(came) => return Ok(came),
            Err(todo) => todo,
        };
        if let Some(why) = self.planned.and_then(|shown| shown.leaves(change)) {
            return Ok(Came::Left(whole(change, why)));
        }
        row.carry_out(changing, todo).await
    }

    /// The row as it is, locked, beside what the other run left: what came of it already, or what is to be done; nothing where its table is not known.
    async fn compared(
        &mut self,
        changing: &mut Changing,
        change: &'a RowChange,
    ) -> Result<Option<(Row<'a>, Result<Came, Todo>)>, Fault> {
        let Some(facts) = self.setting.facts_of(&change.table) else { return Ok(None) };
        let columns = match self.columns.get(&change.table.table) {
            Some(known) => known.clone(),
            None => {
                let found = changing.columns(&change.table.table).await?;
                let none = || Fault::new(FaultKind::NoTable, format!("there is no table `{}`", change.table.table));
                let found = found.ok_or_else(none)?;
                self.columns.insert(change.table.table.clone(), found.clone());
                found
            }
        };
        let row = Row { change, facts, columns, hidden: hidden::columns_of(change) };
        let found = row.read(changing).await?;
        let came = match (&change.before, &change.after) {
            (None, Some(ours)) => row.made(found, ours),
            (Some(before), Some(ours)) => row.changed(found, before, ours),
            (Some(before), None) => row.removed(found, before),
            (None, None) => Ok(Came::Already(row.as_it_is(found))),
        };
        Ok(Some((row, came)))
    }

    async fn audits(&self, changing: &mut Changing, carried: &mut Carried) -> Result<(), Trouble> {
        let mut written = Vec::new();
        for done in carried.changes.iter().filter(|c| c.deed() != Deed::Nothing) {
            match audit::write(changing, self.setting, done, false).await {
                Ok(row) => written.extend(row),
                Err(AuditTrouble::Database(fault)) => return Err(database(&self.deed.connection, fault, self.at)),
                Err(AuditTrouble::Rule(message, _)) => {
                    let message = format!("the audit row for `{}` cannot be made: {message}", done.table);
                    let help = vec!["look at `audits:` in the run's project file".into()];
                    return Err(Trouble::Step { message, at: self.at, help });
                }
            }
        }
        carried.changes.extend(written);
        Ok(())
    }
}

/// Without what is hidden in the row.
fn covered(fault: Fault, change: &RowChange) -> Fault {
    let mut cover = Cover::default();
    let rows = change.before.iter().chain(&change.after).chain([&change.key]);
    rows.flat_map(|row| row.values()).for_each(|value| cover.add(value, Marks::NONE));
    fault.covered(&cover)
}

fn take(carried: &mut Carried, came: Came) {
    match came {
        Came::Back(change) | Came::Already(change) => carried.changes.push(change),
        Came::Left(left) | Came::Otherwise(left) => carried.left_alone.push(left),
    }
}

fn add(all: &mut Vec<Also>, more: Vec<Also>) {
    for one in more {
        match all.iter_mut().find(|a| a.table == one.table) {
            Some(known) => {
                known.inserted += one.inserted;
                known.updated += one.updated;
                known.deleted += one.deleted;
            }
            None => all.push(one),
        }
    }
}

fn also_words(dragged: &[Also]) -> String {
    let mut tables: BTreeMap<&str, u64> = BTreeMap::new();
    dragged.iter().for_each(|a| *tables.entry(&a.table).or_default() += a.deleted + a.updated);
    tables.into_iter().map(|(table, n)| format!("{n} of {table}")).collect::<Vec<_>>().join(", ")
}

pub(super) fn whole(change: &RowChange, why: String) -> LeftAlone {
    LeftAlone { table: change.table.clone(), key: change.key.clone(), why, columns: Vec::new() }
}

/// The table was rebuilt since the run.
const NEW_COLUMNS: &str = "its table got columns since, and something stands in them";
const GONE_COLUMNS: &str = "its table has these columns no more";

/// What is to be done to a row.
enum Todo {
    Delete(Map),
    Update { found: Map, columns: Vec<(Arc<str>, Value)>, stamp: bool },
    Insert(Map),
}

struct Row<'a> {
    change: &'a RowChange,
    facts: &'a Facts,
    columns: Arc<catalogue::Table>,
    /// The run had something hidden there, whatever the project file says of them.
    hidden: BTreeSet<Arc<str>>,
}

/// Byte for byte, where `==` is the same value.
fn same_bytes(a: &Value, b: &Value) -> bool {
    let text = |value: &Value| json::encode(&Value::from(value.data.clone()));
    text(a) == text(b)
}

impl Row<'_> {
    fn table(&self) -> &TableName {
        &self.change.table
    }

    async fn read(&self, changing: &mut Changing) -> Result<Option<Map>, Fault> {
        let names: Vec<Arc<str>> = self.change.key.keys().cloned().collect();
        let key = vec![self.change.key.values().cloned().collect()];
        Ok(changing.lock_and_read(&self.table().table, &names, &key).await?.into_iter().next().flatten())
    }

    /// A by-product, or computed by the database: neither compared nor put back.
    fn besides(&self, column: &str) -> bool {
        self.is_stamp(column)
            || self.facts.generated.iter().any(|w| w.as_str() == column)
            || self.columns.column(column).is_none_or(|c| c.generated && !c.numbered)
    }

    fn is_stamp(&self, column: &str) -> bool {
        self.facts.stamp() == Some(column) || self.change.stamps.iter().any(|stamp| &**stamp == column)
    }

    /// Columns of an image that the table has no more, where they are not only a by-product.
    fn gone<'m>(&self, image: &'m Map) -> impl Iterator<Item = (&'m Arc<str>, &'m Value)> {
        image.iter().filter(|(column, _)| self.columns.column(column).is_none() && !self.is_stamp(column))
    }

    /// The marks of a column's values.
    fn marks(&self, column: &str) -> Marks {
        self.facts.marks(column) | if self.hidden.contains(column) { Marks::PERSONAL } else { Marks::NONE }
    }

    /// A row that was read, with the marks of its columns.
    fn marked(&self, row: &Map) -> Map {
        let mut marked = self.facts.marked(row);
        hidden::hide(&mut marked, &self.hidden);
        marked
    }

    fn protected(&self, column: &str) -> bool {
        self.facts.read_only.iter().any(|w| w.as_str() == column)
    }

    /// Nothing differs from how it was.
    fn as_it_is(&self, found: Option<Map>) -> RowChange {
        let row = found.map(|row| self.marked(&row));
        self.done(row.clone(), row)
    }

    fn done(&self, before: Option<Map>, after: Option<Map>) -> RowChange {
        RowChange {
            table: self.table().clone(),
            key: self.change.key.clone(),
            before,
            after,
            by_rule: false,
            stamps: self.facts.stamp().map(Arc::from).into_iter().collect(),
        }
    }

    /// With the columns that are in the way, in their three versions.
    fn left(&self, why: &str, columns: impl IntoIterator<Item = Arc<str>>, found: Option<&Map>) -> LeftAlone {
        let side = |row: Option<&Map>, column: &Arc<str>| {
            row.map(|r| {
                let value = r.get(column).cloned().unwrap_or(Value::NULL);
                self.facts.named(column, value).marked(self.marks(column))
            })
        };
        let versions = |column: Arc<str>| Versions {
            before: side(self.change.before.as_ref(), &column),
            ours: side(self.change.after.as_ref(), &column),
            now: side(found, &column),
            column,
        };
        LeftAlone { columns: columns.into_iter().map(versions).collect(), ..whole(self.change, why.into()) }
    }

    /// The other run made it: it goes, if it is what was made.
    fn made(&self, found: Option<Map>, ours: &Map) -> Result<Came, Todo> {
        let Some(found) = found else { return Ok(Came::Already(self.as_it_is(None))) };
        let differing: Vec<Arc<str>> =
            ours.iter().filter(|(c, v)| !self.besides(c) && found.get(c) != Some(*v)).map(|(c, _)| c.clone()).collect();
        if !differing.is_empty() {
            return Ok(Came::Left(self.left("somebody changed it since it was made", differing, Some(&found))));
        }
        // What stands in a column that the run did not know is somebody else's.
        let newer = found.iter().filter(|(c, v)| !ours.contains_key(c) && !v.is_null() && !self.besides(c));
        let newer: Vec<Arc<str>> = newer.map(|(column, _)| column.clone()).collect();
        if !newer.is_empty() {
            return Ok(Came::Left(self.left(NEW_COLUMNS, newer, Some(&found))));
        }
        Err(Todo::Delete(found))
    }

    /// The other run changed it: the columns that it changed become what they were.
    fn changed(&self, found: Option<Map>, before: &Map, ours: &Map) -> Result<Came, Todo> {
        let value = |row: &Map, column: &Arc<str>| row.get(column).cloned().unwrap_or(Value::NULL);
        let mine: Vec<Arc<str>> = before
            .keys()
            .filter(|c| !self.besides(c) && !self.protected(c) && !same_bytes(&value(before, c), &value(ours, c)))
            .cloned()
            .collect();
        let Some(found) = found else {
            return Ok(Came::Left(self.left("it is not there any more", mine, None)));
        };
        let gone = self.gone(before).filter(|(c, v)| !same_bytes(v, &value(ours, c)));
        let gone: Vec<Arc<str>> = gone.map(|(column, _)| column.clone()).collect();
        if !gone.is_empty() {
            return Ok(Came::Left(self.left(GONE_COLUMNS, gone, Some(&found))));
        }
        let open: Vec<Arc<str>> =
            mine.iter().filter(|c| !value(&found, c).is_stored_like(&value(before, c))).cloned().collect();
        let newer: Vec<Arc<str>> =
            open.iter().filter(|c| !value(&found, c).is_stored_like(&value(ours, c))).cloned().collect();
        if !newer.is_empty() {
            return Ok(Came::Left(self.left("somebody changed it since", newer, Some(&found))));
        }
        if open.is_empty() {
            return Ok(Came::Already(self.as_it_is(Some(found))));
        }
        let columns = mine.into_iter().filter(|c| !same_bytes(&value(&found, c), &value(before, c)));
        let columns = columns.map(|c| (c.clone(), value(before, &c))).collect();
        // A step that kept the time of the last change is taken back in the same manner.
        let stamp = self.facts.stamp().is_some_and(|s| !same_bytes(&value(before, &s.into()), &value(ours, &s.into())));
        Err(Todo::Update { found, columns, stamp })
    }

    /// The other run removed it: it comes again, if its key is free.
    fn removed(&self, found: Option<Map>, before: &Map) -> Result<Came, Todo> {
        let Some(found) = found else {
            let gone: Vec<Arc<str>> = self.gone(before).filter(|(_, v)| !v.is_null()).map(|(c, _)| c.clone()).collect();
            return match gone.is_empty() {
                true => Err(Todo::Insert(before.clone())),
                false => Ok(Came::Left(self.left(GONE_COLUMNS, gone, None))),
            };
        };
        let differing: Vec<Arc<str>> = before
            .iter()
            .filter(|(c, v)| !self.besides(c) && found.get(c) != Some(*v))
            .map(|(c, _)| c.clone())
            .collect();
        if differing.is_empty() {
            return Ok(Came::Already(self.as_it_is(Some(found))));
        }
        Ok(Came::Left(self.left("another row has its key now", differing, Some(&found))))
    }

    async fn carry_out(&self, changing: &mut Changing, todo: Todo) -> Result<Came, Fault> {
        let (table, key) = (&self.table().table, &self.change.key);
        match todo {
            Todo::Delete(found) => {
                counted(changing.delete_by_key(table, key).await?, table)?;
                Ok(Came::Back(self.done(Some(self.marked(&found)), None)))
            }
            Todo::Update { found, columns, stamp } => {
                let mut set: Vec<(Arc<str>, SetTo)> =
                    columns.iter().map(|(c, v)| (c.clone(), SetTo::Value(v.clone()))).collect();
                if stamp && let Some(stamp) = self.facts.stamp() {
                    set.push((stamp.into(), SetTo::DatabaseNow));
                }
                counted(changing.update_by_key(table, key, &set).await?, table)?;
                let after = self.read_again(changing).await?;
                if let Some(left) = self.otherwise(columns.iter().map(|(column, value)| (column, value)), &after) {
                    return Ok(Came::Otherwise(left));
                }
                // What the run did not touch stays as somebody may have left it since.
                let put_back = |name: &Arc<str>| columns.iter().any(|(column, _)| column == name);
                let renewed = |name: &str| self.columns.column(name).is_some_and(|c| c.renewed == Renewed::Changed);
                let others = found.iter().filter(|(name, _)| !put_back(name) && !renewed(name));
                if let Some(left) = self.otherwise(others, &after) {
                    return Ok(Came::Otherwise(left));
                }
                Ok(Came::Back(self.done(Some(self.marked(&found)), Some(after))))
            }
            Todo::Insert(row) => {
                let given = |c: &Arc<str>| {
                    self.columns.column(c).is_some_and(|c| !c.generated || c.numbered)
                        && !self.facts.generated.iter().any(|w| w.as_str() == &**c)
                };
                let stamp = self.facts.stamp();
                let to = |(c, v): (&Arc<str>, &Value)| {
                    let to = if stamp == Some(&**c) { SetTo::DatabaseNow } else { SetTo::Value(v.clone()) };
                    (c.clone(), to)
                };
                let values: Vec<(Arc<str>, SetTo)> = row.iter().filter(|(c, _)| given(c)).map(to).collect();
                let names: Vec<Arc<str>> = key.keys().cloned().collect();
                changing.insert_again(table, &names, &values).await?;
                let after = self.read_again(changing).await?;
                if let Some(left) = self.otherwise(row.iter(), &after) {
                    return Ok(Came::Otherwise(left));
                }
                Ok(Came::Back(self.done(None, Some(after))))
            }
        }
    }

    /// The row is as it was put back; else what a trigger or a rule made of it.
    fn otherwise<'v>(
        &self,
        mut wanted: impl Iterator<Item = (&'v Arc<str>, &'v Value)>,
        after: &Map,
    ) -> Option<LeftAlone> {
        let (column, value) = wanted.find(|(c, value)| !self.besides(c) && after.get(c) != Some(*value))?;
        let shown = |value: &Value| self.facts.named(column, value.clone()).marked(self.marks(column)).shown();
        let became = after.get(column).map_or_else(|| "gone".to_owned(), shown);
        let why = format!(
            "`{column}` would become {became} instead of {}: a trigger, a rule or the type of the column changes it",
            shown(value)
        );
        Some(whole(self.change, why))
    }

    async fn read_again(&self, changing: &mut Changing) -> Result<Map, Fault> {
        let Some(row) = self.read(changing).await? else {
            let message =
                format!("the row of `{}` is gone after it was put back; a trigger may be in the way", self.table());
            return Err(Fault::new(FaultKind::Other, message));
        };
        let mut row = self.marked(&row);
        if let Some(value) = self.facts.stamp().and_then(|stamp| row.get_mut(stamp)) {
            value.marks |= Marks::CLOCK;
        }
        Ok(row)
    }
}

fn counted(rows: u64, table: &str) -> Result<(), Fault> {
    if rows == 1 {
        return Ok(());
    }
    let message =
        format!("one row of `{table}` should have changed, the database says {rows}; a trigger may be in the way");
    Err(Fault::new(FaultKind::Other, message))
}
