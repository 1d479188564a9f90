//! Changes of rows, carried out: lock by key, compare in the engine, change by key, read again. The same code in the
//! rehearsal and for good, so that what was previewed is what happens.

mod audited;
mod create;
mod explained;
mod guard;
mod marks;

pub use explained::{Explained, also};

use super::{
    audit, grants,
    question::database,
    setting::Setting,
    trouble::{Missed, Trouble},
};
use crate::{
    action::change::{Change, Pick, To, Wanted},
    base::{
        secret::Masks,
        source::Span,
        value::{Data, Map, Marks, Value},
    },
    connection::{
        fault::{Fault, FaultKind},
        handle::Changing,
        rows::Touched,
        statement::SetTo,
    },
    effect::{
        change::{Deed, RowChange, TableName},
        hidden::{self, Hidden},
        left::LeftAlone,
    },
    plan::Also,
    table::{
        catalogue::{self, Renewed},
        facts::Facts,
    },
    template::Dialect,
};
use audited::{with_audit, write_audits};
use create::create_row;
use guard::{counted, guard, kept};
use indexmap::IndexMap;
use marks::{as_in_example, as_read, covered, kept_marks, still_marked};
use std::{collections::BTreeSet, sync::Arc};

/// What a change did, or would do.
#[derive(Clone, Debug, Default)]
pub struct Carried {
    /// Every row, the author's first, then those written by rules.
    pub changes: Vec<RowChange>,
    /// Tables that triggers and cascades touched besides.
    pub also: Vec<Also>,
    /// Some values are only known after apply, so nothing was executed.
    pub unknown: bool,
    /// Rows that an undo leaves as they are.
    pub left_alone: Vec<LeftAlone>,
    /// Columns that nobody but the database writes: what they hold is never compared with a plan.
    pub computed: BTreeSet<(TableName, Arc<str>)>,
    /// Why the images of its rows may not be all of the rows, so that they do not take it back.
    pub half_seen: Option<&'static str>,
}

/// The columns of a table that the database computes, or that triggers fill.
pub(super) fn computed(
    table: &TableName,
    facts: &Facts,
    columns: &catalogue::Table,
) -> impl Iterator<Item = (TableName, Arc<str>)> {
    let by_itself = |column: &&catalogue::Column| {
        column.generated && !column.numbered || facts.generated.iter().any(|word| *word.as_str() == *column.name)
    };
    columns.columns.values().filter(by_itself).map(|column| (table.clone(), column.name.clone()))
}

impl Carried {
    /// Notes where the images of the author's rows may not be all of the rows.
    pub(super) fn look_whether_whole(&mut self, columns: &catalogue::Table) {
        let own = self.changes.iter().filter(|change| !change.by_rule);
        self.half_seen = own.filter_map(|one| columns.half_seen(one.before.is_none(), one.after.is_none())).next();
    }

    /// Nothing differs.
    pub fn is_nothing(&self) -> bool {
        self.changes.iter().all(|c| c.deed() == Deed::Nothing)
    }

    /// Some values are those of the example of an answer.
    pub fn rests_on_example(&self) -> bool {
        let author = self.changes.iter().filter(|change| !change.by_rule);
        author.filter_map(|change| change.after.as_ref()).any(|row| row.values().any(|v| v.marks.has(Marks::EXAMPLE)))
    }

    /// The step's result: the row after the change (before it, when it is gone), or the list of rows.
    pub fn result(&self, single: bool, setting: &Setting) -> Value {
        let seen = |change: &RowChange| {
            let row = change.after.as_ref().or(change.before.as_ref()).cloned().unwrap_or_default();
            Value::from(setting.facts_of(&change.table).map_or(row.clone(), |f| f.seen(&row)))
        };
        let mut rows = self.changes.iter().filter(|c| !c.by_rule).map(seen);
        if single { rows.next().unwrap_or(Value::NULL) } else { Value::list(rows) }
    }
}

/// One table's facts and columns, for the length of a change.
struct Ground<'a> {
    facts: &'a Facts,
    columns: Arc<catalogue::Table>,
    key: Vec<Arc<str>>,
    /// A change of its rows is whole when its statement ends, and touches nothing else.
    alone: bool,
    table: &'a TableName,
    /// Columns that get something hidden: what stood there before is hidden as well.
    covered: BTreeSet<Arc<str>>,
    /// Where the item wrote something hidden before.
    hidden: Hidden,
    masks: &'a Masks,
}

impl Ground<'_> {
    /// The marks of a column's values.
    fn marks(&self, column: &str) -> Marks {
        self.facts.marks(column) | if self.covered.contains(column) { Marks::PERSONAL } else { Marks::NONE }
    }

    /// A stored row with the marks of its columns.
    fn marked(&self, row: &Map) -> Map {
        let mut marked = self.facts.marked(row);
        hidden::hide(&mut marked, &self.covered);
        if !self.hidden.is_empty() {
            let key = self.key.iter().filter_map(|c| Some((c.clone(), row.get(c)?.clone()))).collect();
            self.hidden.mark(self.table, &key, &mut marked);
        }
        marked
    }

    /// The columns that get another value each time although nobody sets them: as little drift as the clock.
    fn renewed(&self, set: &Map, made: bool) -> impl Iterator<Item = Arc<str>> {
        let by_itself = move |column: &&catalogue::Column| match column.renewed {
            Renewed::Changed => true,
            Renewed::Made => made,
            Renewed::Never => {
                // By a trigger: the database's own are made of what is compared.
                !column.generated && self.facts.generated.iter().any(|word| *word.as_str() == *column.name)
            }
        };
        let columns = self.columns.columns.values().filter(by_itself).map(|column| column.name.clone());
        columns.filter(|name| !set.contains_key(name))
    }
}

/// Carries a change out in the transaction of `changing`.
pub async fn carry_out(
    changing: &mut Changing,
    change: &Change,
    setting: &Setting,
    at: Span,
) -> Result<Carried, Trouble> {
    let carried = Box::pin(carried(changing, change, setting, at)).await?;
    setting.veil.note(&carried.changes, setting);
    Ok(carried)
}

async fn carried(changing: &mut Changing, change: &Change, setting: &Setting, at: Span) -> Result<Carried, Trouble> {
    let fault = |fault: Fault| database(&change.table.connection, fault, at);
    let Some(facts) = setting.facts_of(&change.table) else {
        return Err(Trouble::Step {
            message: format!("the project file does not declare the table `{}`", change.table),
            at,
            help: Vec::new(),
        });
    };
    grants::change(setting, change, at)?;
    let columns = columns(changing, &change.table, setting).await.map_err(fault)?;
    let alone = is_alone(changing, &change.table, setting).await.map_err(fault)?;
    let (covered, hidden) = (covered(change), setting.veil.known());
    let ground = Ground {
        facts,
        columns,
        key: facts.key_columns(),
        alone,
        table: &change.table,
        covered,
        hidden,
        masks: &setting.masks,
    };
    known_columns(change, &ground, at)?;
    let audits = audit::table_of(setting, &change.table).filter(|_| change.audit);
    let audits_alone = match &audits {
        Some(table) => is_alone(changing, table, setting).await.map_err(fault)?,
        None => true,
    };
    // Where nothing else can be touched, nobody has to look. (Elsewhere also before the first change: PostgreSQL counts on from
    // what an earlier transaction of the same session did, until it passes its counts on.)
    let quiet = alone && audits_alone;
    let touched = if quiet { None } else { Some(changing.touched().await.map_err(fault)?) };
    let rows = pick(changing, change, &ground, at).await?;
    let went = carried_rows(changing, change, setting, &ground, &rows, audits_alone, touched, at).await;
    went.map_err(|trouble| trouble.covered(|cover| ground.cover(change, &rows, cover)))
}

/// The rows that were picked. `touched`: what was touched before, where anything else can be.
#[expect(clippy::too_many_arguments, reason = "one function, in two so that what fails in it passes one place")]
async fn carried_rows(
    changing: &mut Changing,
    change: &Change,
    setting: &Setting,
    ground: &Ground<'_>,
    rows: &[Map],
    audits_alone: bool,
    touched: Option<Vec<Touched>>,
    at: Span,
) -> Result<Carried, Trouble> {
    let fault = |fault: Fault| database(&change.table.connection, fault, at);
    let mut carried = Carried::default();
    carried.computed.extend(computed(&change.table, ground.facts, &ground.columns));
    if touched.is_none()
        && change.audit
        && let [before] = rows
        && let Some(both) = with_audit(changing, setting, change, ground, before, at).await?
    {
        carried.changes = both;
        return Ok(carried);
    }
    let mut in_vain = 0;
    for row in rows {
        let (done, came) = one(changing, change, ground, row, &setting.about.key, at).await?;
        if came == Came::Written && done.deed() == Deed::Nothing {
            kept(change, ground, row, &done, at)?;
        }
        carried.unknown |= came == Came::Unknown;
        in_vain += u64::from(came == Came::Written && done.deed() == Deed::Nothing);
        carried.changes.push(done);
    }
    if rows.is_empty()
        && let (Pick::Key(key), Wanted::Present { create: Some(create), set }) = (&change.pick, &change.wanted)
    {
        let (done, came) = create_row(changing, change, ground, key, create, set, at).await?;
        carried.unknown |= came == Came::Unknown;
        carried.changes.push(done);
    }
    carried.look_whether_whole(&ground.columns);
    if !carried.unknown {
        if change.audit {
            write_audits(changing, setting, &mut carried, change, audits_alone, at).await?;
        }
        let Some(touched) = touched else { return Ok(carried) };
        changing.check_deferred().await.map_err(fault)?;
        let after = changing.touched().await.map_err(fault)?;
        let mut explained = Explained::by_rows(&carried.changes);
        explained.written_in_vain(&change.table, in_vain);
        carried.also = also(&touched, &after, &explained, &change.table.connection);
    }
    Ok(carried)
}

/// The catalogue's word on a table; a table that does not exist is a fault.
pub(super) async fn columns(
    changing: &mut Changing,
    table: &TableName,
    setting: &Setting,
) -> Result<Arc<catalogue::Table>, Fault> {
    let found = match &setting.grounds {
        Some(grounds) => grounds.columns(changing, table).await?,
        None => match setting.at_hand.columns(table) {
            Some(columns) => Some(columns),
            None => {
                let asked = changing.columns(&table.table).await?;
                asked.iter().for_each(|columns| setting.at_hand.note(table, columns, setting.world.now()));
                asked
            }
        },
    };
    found.ok_or_else(|| Fault::new(FaultKind::NoTable, format!("there is no table `{}`", table.table)))
}

/// Only the items of a run ask: for a single record asking costs more than what it saves.
async fn is_alone(changing: &mut Changing, table: &TableName, setting: &Setting) -> Result<bool, Fault> {
    match &setting.grounds {
        Some(grounds) => Ok(grounds.nature(changing, table).await?.alone),
        None => Ok(false),
    }
}

fn known_columns(change: &Change, ground: &Ground<'_>, at: Span) -> Result<(), Trouble> {
    let mut names: Vec<&Arc<str>> = change.guard.iter().map(|g| &g.column).collect();
    if let Wanted::Present { set, create } = &change.wanted {
        names.extend(set.keys());
        names.extend(create.iter().flat_map(|c| c.keys()));
    }
    for name in names {
        if ground.columns.column(name).is_none() {
            let known = ground.columns.columns.keys().map(|k| &**k);
            let help = crate::base::suggest::help(name, known).into_iter().collect();
            return Err(Trouble::Step { message: format!("`{}` has no column `{name}`", change.table), at, help });
        }
    }
    Ok(())
}

/// SQLite takes any text for any column; the other databases refuse what is no date, no number or no uuid.
fn known_texts(changing: &Changing, change: &Change, ground: &Ground<'_>, set: &Map, at: Span) -> Result<(), Trouble> {
    if changing.dialect() != Dialect::Sqlite {
        return Ok(());
    }
    for (name, value) in set.iter().filter(|(_, value)| matches!(value.data, Data::Text(_))) {
        let Some(column) = ground.columns.column(name) else { continue };
        let Err(why) = column.kind.accepts(&column.type_name, value) else { continue };
        let hidden = value.marks.hidden() || ground.marks(name).hidden();
        let why = if hidden { format!("the text does not fit into {}", column.type_name) } else { why };
        let help = vec!["SQLite would take any text here; the application that reads it would not".to_owned()];
        return Err(Trouble::Step { message: format!("`{}.{name}`: {why}", change.table), at, help });
    }
    Ok(())
}

/// Locks the rows and reads them whole.
async fn pick(changing: &mut Changing, change: &Change, ground: &Ground<'_>, at: Span) -> Result<Vec<Map>, Trouble> {
    let fault = |fault: Fault| database(&change.table.connection, fault, at);
    let table = &change.table.table;
    match &change.pick {
        Pick::Key(key) => {
            let names: Vec<Arc<str>> = key.keys().cloned().collect();
            let values: Vec<Value> = key.values().cloned().collect();
            // A row that was read before is as good as a locked one if it is surely changed: that happens only where it still is that row.
            let seen = changing.seen(table, &names, &values);
            match seen.filter(|row| is_surely_changed(change, ground, row)) {
                Some(row) => return Ok(vec![row.clone()]),
                None => changing.expects_nothing(),
            }
            let found = changing.lock_and_read(table, &names, &[values]).await.map_err(fault)?;
            let rows: Vec<Map> = found.into_iter().flatten().collect();
            let may_be_missing = matches!(change.wanted, Wanted::Absent | Wanted::Present { create: Some(_), .. });
            if rows.is_empty() && !may_be_missing {
                let shown: Vec<_> = key.iter().map(|(c, v)| format!("{c} {}", v.plain())).collect();
                let message = format!("`{}` has no row with {}", change.table, shown.join(", "));
                return Err(Trouble::Missed(Missed { message, seen: Vec::new(), at }));
            }
            Ok(rows)
        }
        Pick::Where(conditions) => {
            let most = change.touches.most as usize;
            let rows = changing.lock_where(table, &ground.key, conditions, most).await.map_err(fault)?;
            if !change.touches.allows(rows.len()) {
                let found = if rows.len() > most { format!("more than {most}") } else { rows.len().to_string() };
                let rows = if found.ends_with(" 1") { "row" } else { "rows" };
                let message = format!("{found} {rows} of `{}` fit, expected {}", change.table, change.touches.words());
                return Err(Trouble::Missed(Missed { message, seen: Vec::new(), at }));
            }
            Ok(rows)
        }
    }
}

/// A change of this row, before it is done.
fn begun(change: &Change, ground: &Ground<'_>, before: &Map) -> RowChange {
    let key: Map = ground.key.iter().filter_map(|c| Some((c.clone(), before.get(c)?.clone()))).collect();
    RowChange {
        table: change.table.clone(),
        key: ground.marked(&key),
        before: Some(ground.marked(before)),
        after: Some(ground.marked(before)),
        by_rule: false,
        stamps: ground.facts.stamp().map(Arc::from).into_iter().collect(),
    }
}

/// What an update sets.
struct Columns {
    columns: Vec<(Arc<str>, SetTo)>,
    /// From the clock.
    clock: Vec<Arc<str>>,
    /// Hidden, whatever the project file says of the column, or resting on an example.
    kept: Vec<(Arc<str>, Marks)>,
}

/// The columns that differ, and the stamp.
fn columns_of(change: &Change, ground: &Ground<'_>, differing: Map) -> Columns {
    let mut clock: Vec<Arc<str>> =
        differing.iter().filter(|(_, v)| v.marks.has(Marks::CLOCK)).map(|(c, _)| c.clone()).collect();
    clock.extend(ground.renewed(&differing, false));
    let kept = kept_marks(&differing);
    let mut columns: Vec<(Arc<str>, SetTo)> = differing.into_iter().map(|(c, v)| (c, SetTo::Value(v))).collect();
    if change.stamp
        && let Some(stamp) = ground.facts.stamp()
        && !columns.iter().any(|(c, _)| &**c == stamp)
    {
        columns.push((stamp.into(), SetTo::DatabaseNow));
    }
    Columns { columns, clock, kept }
}

/// What became of one row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Came {
    /// Nothing was written.
    AsWanted,
    Written,
    /// Some values are only known after apply, so nothing was written.
    Unknown,
}

/// One locked row: guard, difference, change, read again.
async fn one(
    changing: &mut Changing,
    change: &Change,
    ground: &Ground<'_>,
    before: &Map,
    item: &str,
    at: Span,
) -> Result<(RowChange, Came), Trouble> {
    let fault = |fault: Fault| database(&change.table.connection, fault, at);
    let key: Map = ground.key.iter().filter_map(|c| Some((c.clone(), before.get(c)?.clone()))).collect();
    let mut done = begun(change, ground, before);
    let Wanted::Present { set, .. } = &change.wanted else {
        guard(change, ground, before, &key, item)?;
        let rows = changing.delete_by_key(&change.table.table, &key).await.map_err(fault)?;
        counted(rows, change, at)?;
        done.after = None;
        return Ok((done, Came::Written));
    };
    if change.claim {
        // Somebody else may have made the row what is wanted here: then it is theirs.
        guard(change, ground, before, &key, item)?;
    }
    let differing = difference(change, set, ground, before, at)?;
    if differing.is_empty() {
        // "Already as wanted" is looked at before the guard: a second run is unchanged, not refused.
        done.after = done.after.map(|row| as_in_example(set, row));
        return Ok((done, Came::AsWanted));
    }
    guard(change, ground, before, &key, item)?;
    if differing.values().any(Value::is_unknown) {
        let mut after = ground.marked(before);
        after.extend(differing.into_iter().map(|(c, v)| {
            let marks = ground.marks(&c);
            (c, v.marked(marks))
        }));
        done.after = Some(after);
        return Ok((done, Came::Unknown));
    }
    known_texts(changing, change, ground, &differing, at)?;
    let Columns { columns, clock, kept } = columns_of(change, ground, differing);
    let key_stays = !columns.iter().any(|(column, _)| ground.key.contains(column));
    let after = if ground.alone && key_stays {
        let row = changing.update_whole(&change.table.table, &key, &columns).await.map_err(fault)?;
        counted(u64::from(row.is_some()), change, at)?;
        as_read(row.unwrap_or_default(), ground, &clock)
    } else {
        let rows = changing.update_by_key(&change.table.table, &key, &columns).await.map_err(fault)?;
        counted(rows, change, at)?;
        read_again(changing, change, ground, &key, &clock, at).await?
    };
    done.after = Some(still_marked(after, &kept));
    Ok((done, Came::Written))
}

/// Nothing but [`Changing::update_whole`] comes of this row.
fn is_surely_changed(change: &Change, ground: &Ground<'_>, before: &Map) -> bool {
    let Wanted::Present { set, .. } = &change.wanted else { return false };
    let Ok(differing) = difference(change, set, ground, before, Span::default()) else { return false };
    ground.alone
        && !change.claim
        && !differing.is_empty()
        && !differing.values().any(Value::is_unknown)
        && !differing.keys().any(|column| ground.key.contains(column))
        && guard(change, ground, before, before, "").is_ok()
}

/// The columns whose value would really change.
fn difference(
    change: &Change,
    set: &IndexMap<Arc<str>, To>,
    ground: &Ground<'_>,
    before: &Map,
    at: Span,
) -> Result<Map, Trouble> {
    let mut differing = Map::default();
    for (column, to) in set {
        let current = before.get(column).cloned().unwrap_or(Value::NULL);
        if !to.takes(&current) {
            return Err(no_document(change, column, &current, at));
        }
        let wanted = coerced(ground, column, to.of(&current));
        if !wanted.is_stored_like(&current) {
            differing.insert(column.clone(), wanted);
        }
    }
    Ok(differing)
}

/// Keys of what is no document.
fn no_document(change: &Change, column: &str, current: &Value, at: Span) -> Trouble {
    let what = match &current.data {
        Data::Text(_) => {
            "a text, or JSON that cannot be read here (half of a surrogate pair, a number that is too large, too many levels)"
        }
        _ => current.kind(),
    };
    let message =
        format!("`{column}` of `{}` holds {what}, and no JSON object: its keys cannot be changed", change.table);
    let help = vec!["nothing was changed; `set` the whole value, or look at what wrote it".to_owned()];
    Trouble::Step { message, at, help }
}

fn coerced(ground: &Ground<'_>, column: &str, value: Value) -> Value {
    ground.columns.column(column).map_or(value.clone(), |c| c.kind.coerce(value))
}

/// After triggers: the row as the database has it now. Values that come from the clock stay marked.
async fn read_again(
    changing: &mut Changing,
    change: &Change,
    ground: &Ground<'_>,
    key: &Map,
    clock: &[Arc<str>],
    at: Span,
) -> Result<Map, Trouble> {
    let fault = |fault: Fault| database(&change.table.connection, fault, at);
    let found = changing
        .lock_and_read(&change.table.table, &ground.key, &[key.values().cloned().collect()])
        .await
        .map_err(fault)?;
    let Some(row) = found.into_iter().next().flatten() else {
        let message =
            format!("the row of `{}` is gone after its own change; a trigger may have removed it", change.table);
        return Err(Trouble::Step { message, at, help: Vec::new() });
    };
    Ok(as_read(row, ground, clock))
}

/// The unknown that stands for a row of which only apply will know.
pub fn unknown_row(why: &str) -> Value {
    Data::Unknown(why.into()).into()
}
