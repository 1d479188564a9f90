//! Changes of rows, carried out: lock by key, compare in the engine, change by key, read again. The same code in the
//! rehearsal and for good, so that what was previewed is what happens.

use super::{
    audit::{self, AuditTrouble},
    grants,
    question::database,
    setting::Setting,
    trouble::{Missed, Trouble},
};
use crate::{
    action::change::{Change, Guard, Pick, To, Wanted},
    base::{
        source::Span,
        time::Stamp,
        value::{Data, Map, Marks, Value},
    },
    connection::{
        fault::{Fault, FaultKind},
        handle::Changing,
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
use indexmap::IndexMap;
use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

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
    let ground = Ground { facts, columns, key: facts.key_columns(), alone, table: &change.table, covered, hidden };
    known_columns(change, &ground, at)?;
    let audits = audit::table_of(setting, &change.table).filter(|_| change.audit);
    let audits_alone = match &audits {
        Some(table) => is_alone(changing, table, setting).await.map_err(fault)?,
        None => true,
    };
    // Where nothing else can be touched, nobody has to look. (Elsewhere also before the first change: PostgreSQL counts on from
    // what an earlier transaction of the same session did, until it passes its counts on.)
    let quiet = alone && audits_alone;
    let touched = if quiet { Vec::new() } else { changing.touched().await.map_err(fault)? };
    let rows = pick(changing, change, &ground, at).await?;
    let mut carried = Carried::default();
    carried.computed.extend(computed(&change.table, ground.facts, &ground.columns));
    if quiet
        && change.audit
        && let [before] = rows.as_slice()
        && let Some(both) = with_audit(changing, setting, change, &ground, before, at).await?
    {
        carried.changes = both;
        return Ok(carried);
    }
    let mut in_vain = 0;
    for row in &rows {
        let (done, came) = one(changing, change, &ground, row, &setting.about.key, at).await?;
        carried.unknown |= came == Came::Unknown;
        in_vain += u64::from(came == Came::Written && done.deed() == Deed::Nothing);
        carried.changes.push(done);
    }
    if rows.is_empty()
        && let (Pick::Key(key), Wanted::Present { create: Some(create), set }) = (&change.pick, &change.wanted)
    {
        let (done, came) = create_row(changing, change, &ground, key, create, set, at).await?;
        carried.unknown |= came == Came::Unknown;
        carried.changes.push(done);
    }
    if !carried.unknown {
        if change.audit {
            write_audits(changing, setting, &mut carried, change, audits_alone, at).await?;
        }
        if quiet {
            return Ok(carried);
        }
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
        None => changing.columns(&table.table).await?,
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

/// A row that was seen is changed, and its audit row written, with one statement, where both are known before. What the audit row says of the change is
/// compared with what came of it.
async fn with_audit(
    changing: &mut Changing,
    setting: &Setting,
    change: &Change,
    ground: &Ground<'_>,
    before: &Map,
    at: Span,
) -> Result<Option<Vec<RowChange>>, Trouble> {
    let Wanted::Present { set, .. } = &change.wanted else { return Ok(None) };
    let Some(grounds) = setting.grounds.as_ref().filter(|_| changing.expects_a_row()) else { return Ok(None) };
    if grounds.is_surprising(&change.table) {
        return Ok(None);
    }
    let differing = difference(set, ground, before);
    let mut done = begun(change, ground, before);
    let mut expected = ground.marked(before);
    let marked = |column: &str, value: &Value| as_read_back(value).marked(ground.marks(column));
    expected.extend(differing.iter().map(|(column, value)| (column.clone(), marked(column, value))));
    let Columns { columns, clock, kept } = columns_of(change, ground, differing);
    for (column, to) in &columns {
        if *to == SetTo::DatabaseNow {
            expected.insert(column.clone(), Value::unknown());
        }
    }
    done.after = Some(expected.clone());
    // What is wrong with the rule is said where the row is written by itself.
    let Ok(Some(ready)) = audit::ready(setting, &done) else { return Ok(None) };
    let (table, other) = (&change.table.table, &ready.table.table);
    let both = changing.update_and_insert((table, &done.key, &columns), (other, &ready.values)).await;
    let Some((row, audit)) = both.map_err(|fault| database(&change.table.connection, fault, at))? else {
        return Ok(None);
    };
    done.after = Some(still_marked(as_read(row, ground, &clock), &kept));
    if !done.after.as_ref().is_some_and(|after| is_as_expected(after, &expected, &columns)) {
        // The database made something else of a value: the audit row has to be made of that.
        grounds.surprises(&change.table);
        let fault = Fault::new(FaultKind::Divided, "an audit row is to be made of what its change became");
        return Err(database(&change.table.connection, fault, at));
    }
    let written = audit::was_written(setting, &done, ready, audit);
    Ok(Some(vec![done, written]))
}

/// A moment comes with as many decimals as it needs, however many it was written with: an audit row holds its text.
fn as_read_back(value: &Value) -> Value {
    let data = match value.data {
        Data::Timestamp(stamp) => Data::Timestamp(Stamp::new(stamp.micros)),
        Data::Instant(stamp) => Data::Instant(Stamp::new(stamp.micros)),
        _ => return value.clone(),
    };
    Value { data, marks: value.marks }
}

/// Column by column, and what was set also as it is written; but for what nobody could know, on which nothing was made to hang.
fn is_as_expected(after: &Map, expected: &Map, set: &[(Arc<str>, SetTo)]) -> bool {
    let is = |(column, now): (&Arc<str>, &Value)| {
        let Some(then) = expected.get(column) else { return false };
        let written = |(name, _): &(Arc<str>, SetTo)| name != column || now.bare() == then.bare();
        then.is_unknown() || now == then && set.iter().all(written)
    };
    after.len() == expected.len() && after.iter().all(is)
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
    let differing = difference(set, ground, before);
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
    let differing = difference(set, ground, before);
    ground.alone
        && !change.claim
        && !differing.is_empty()
        && !differing.values().any(Value::is_unknown)
        && !differing.keys().any(|column| ground.key.contains(column))
        && guard(change, ground, before, before, "").is_ok()
}

/// The columns that are to hold something hidden, and those of a key that is hidden where it comes from.
fn covered(change: &Change) -> BTreeSet<Arc<str>> {
    let key = if let Pick::Key(key) = &change.pick { Some(key) } else { None };
    let key = key.into_iter().flatten().filter(|(_, value)| value.all_marks().hidden());
    let mut covered: BTreeSet<Arc<str>> = key.map(|(column, _)| column.clone()).collect();
    let Wanted::Present { set, create } = &change.wanted else { return covered };
    let hides = |to: &To| match to {
        To::Value(value) | To::Merge(value) | To::Append(value) => value.all_marks().hidden(),
        To::Remove(_) => false,
    };
    let given = set.iter().chain(create.iter().flatten());
    covered.extend(given.filter(|(_, to)| hides(to)).map(|(column, _)| column.clone()));
    covered
}

/// The columns that get something hidden, whatever the project file says of them, or something that rests on an example.
fn kept_marks(values: &Map) -> Vec<(Arc<str>, Marks)> {
    let of = |(column, value): (&Arc<str>, &Value)| {
        let marks = value.all_marks();
        let hidden = if marks.hidden() { Marks::PERSONAL } else { Marks::NONE };
        let kept = hidden | marks.among(Marks::EXAMPLE);
        (kept != Marks::NONE).then(|| (column.clone(), kept))
    };
    values.iter().filter_map(of).collect()
}

/// What was hidden when it was written is hidden when it is read again, although its column is not declared so; and what rested on an
/// example still does.
fn still_marked(mut row: Map, kept: &[(Arc<str>, Marks)]) -> Map {
    for (column, marks) in kept {
        if let Some(value) = row.get_mut(column) {
            value.marks |= *marks;
        }
    }
    row
}

/// The columns that are as wanted, if the answer is as its example says.
fn as_in_example(set: &IndexMap<Arc<str>, To>, mut row: Map) -> Map {
    for (column, to) in set {
        if let Some(value) = row.get_mut(column)
            && to.of(value).all_marks().has(Marks::EXAMPLE)
        {
            value.marks |= Marks::EXAMPLE;
        }
    }
    row
}

/// The columns whose value would really change.
fn difference(set: &IndexMap<Arc<str>, To>, ground: &Ground<'_>, before: &Map) -> Map {
    let mut differing = Map::default();
    for (column, to) in set {
        let current = before.get(column).cloned().unwrap_or(Value::NULL);
        let wanted = coerced(ground, column, to.of(&current));
        if !wanted.is_stored_like(&current) {
            differing.insert(column.clone(), wanted);
        }
    }
    differing
}

fn coerced(ground: &Ground<'_>, column: &str, value: Value) -> Value {
    ground.columns.column(column).map_or(value.clone(), |c| c.kind.coerce(value))
}

/// Refuses when the row no longer holds what the author named. `item` is the key of the item that it is done for.
fn guard(change: &Change, ground: &Ground<'_>, before: &Map, key: &Map, item: &str) -> Result<(), Trouble> {
    let (mut seen, mut unlike) = (Vec::new(), Vec::new());
    let mut at = None;
    for Guard { column, value, at: place } in &change.guard {
        let current = before.get(column).cloned().unwrap_or(Value::NULL);
        let wanted = coerced(ground, column, value.clone());
        if wanted.is_unknown() || wanted == current {
            continue;
        }
        let now = ground.marked(before).get(column).map_or(Marks::NONE, Value::all_marks);
        let marks = ground.marks(column) | (now | wanted.all_marks()).among(Marks::HIDDEN);
        let shown = |v: Value| ground.facts.named(column, v).marked(marks).shown();
        let (wanted, current) = (shown(wanted), shown(current));
        unlike.push(format!("`{column}` is {current} and not {wanted}"));
        seen.push((column.to_string(), format!("expected {wanted}, found {current}")));
        at.get_or_insert(*place);
    }
    let Some(at) = at else { return Ok(()) };
    let own = matches!(key.values().collect::<Vec<_>>().as_slice(), [only] if *only.plain() == *item);
    let key: Vec<_> = key.iter().map(|(c, v)| format!("{c} {}", v.plain())).collect();
    let message = match change.claim {
        // Of many items that others have the words are the same, and are told once.
        true if own => format!("{}{}", unlike.join(", "), taken(change, ground, before)),
        true => {
            let row = format!("`{}` {}", change.table, key.join(", "));
            format!("{row} is taken: {}{}", unlike.join(", "), taken(change, ground, before))
        }
        false => format!("`{}` {} is not as `only_if` says", change.table, key.join(", ")),
    };
    Err(Trouble::Missed(Missed { message, seen, at }))
}

/// Who has a record that was to be claimed, as far as the row tells: the last line of the text that the claim would have gone on
/// with, or else since when.
fn taken(change: &Change, ground: &Ground<'_>, before: &Map) -> String {
    let before = &ground.marked(before);
    let shown = |column: &str, value: &Value| {
        let own = before.get(column).map_or(Marks::NONE, |value| value.marks);
        value.clone().marked(ground.marks(column) | own).shown()
    };
    let since = || {
        let stamp = ground.facts.stamp()?;
        Some(format!(" since {}", shown(stamp, before.get(stamp)?)))
    };
    let Wanted::Present { set, .. } = &change.wanted else { return since().unwrap_or_default() };
    let mut told = set.iter().filter(|(_, to)| matches!(to, To::Append(_))).filter_map(|(column, _)| {
        let text = before.get(column)?.as_str()?;
        let last = text.lines().rev().find(|line| !line.trim().is_empty())?.trim();
        let last: String = last.chars().take(LONGEST_LINE).collect();
        Some(format!("; `{column}` ends with {}", shown(column, &Value::text(last))))
    });
    told.next().or_else(since).unwrap_or_default()
}

/// Characters of a log's line that a message repeats.
const LONGEST_LINE: usize = 200;

fn counted(rows: u64, change: &Change, at: Span) -> Result<(), Trouble> {
    if rows == 1 {
        return Ok(());
    }
    let message = format!(
        "one row of `{}` should have changed, the database says {rows}; a trigger or rule may be in the way",
        change.table
    );
    Err(Trouble::Step { message, at, help: Vec::new() })
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

/// A row that the database gave back, with its marks.
fn as_read(row: Map, ground: &Ground<'_>, clock: &[Arc<str>]) -> Map {
    let mut row = ground.marked(&row);
    for (column, value) in row.iter_mut() {
        if clock.contains(column) || ground.facts.stamp() == Some(column) {
            value.marks |= Marks::CLOCK;
        }
    }
    row
}

async fn create_row(
    changing: &mut Changing,
    change: &Change,
    ground: &Ground<'_>,
    key: &Map,
    create: &IndexMap<Arc<str>, To>,
    set: &IndexMap<Arc<str>, To>,
    at: Span,
) -> Result<(RowChange, Came), Trouble> {
    let fault = |fault: Fault| database(&change.table.connection, fault, at);
    let mut values: Map = key.iter().map(|(c, v)| (c.clone(), coerced(ground, c, v.clone()))).collect();
    for (column, to) in set.iter().chain(create) {
        values.insert(column.clone(), coerced(ground, column, to.of(&Value::NULL)));
    }
    let unknown = values.values().any(Value::is_unknown);
    let mut done = RowChange {
        table: change.table.clone(),
        key: ground.marked(key),
        before: None,
        after: None,
        by_rule: false,
        stamps: Vec::new(),
    };
    if unknown {
        done.after = Some(ground.marked(&values.into_iter().collect()));
        return Ok((done, Came::Unknown));
    }
    known_texts(changing, change, ground, &values, at)?;
    let mut clock: Vec<Arc<str>> =
        values.iter().filter(|(_, v)| v.marks.has(Marks::CLOCK)).map(|(c, _)| c.clone()).collect();
    clock.extend(ground.renewed(&values, true));
    let kept = kept_marks(&values);
    let mut columns: Vec<(Arc<str>, SetTo)> = values.into_iter().map(|(c, v)| (c, SetTo::Value(v))).collect();
    for name in [ground.facts.stamp(), Some("created_at")].into_iter().flatten() {
        let required = ground.columns.column(name).is_some_and(|c| !c.has_default);
        if change.stamp && required && !columns.iter().any(|(c, _)| &**c == name) {
            columns.push((name.into(), SetTo::DatabaseNow));
            done.stamps.push(name.into());
        }
    }
    let whole = match ground.alone {
        true => Some(changing.insert_whole(&change.table.table, &columns).await.map_err(fault)?),
        false => None,
    };
    let key = match &whole {
        Some(row) => ground.key.iter().filter_map(|name| Some((name.clone(), row.get(name)?.clone()))).collect(),
        None => changing.insert(&change.table.table, &ground.key, &columns).await.map_err(fault)?,
    };
    done.key = ground.marked(&key);
    // A key that the database numbers is another one each time: as little drift as the clock.
    let numbered = ground.key.iter().filter(|name| !columns.iter().any(|(given, _)| given == *name)).cloned();
    let stamps: Vec<Arc<str>> = clock.into_iter().chain(done.stamps.clone()).chain(numbered).collect();
    let after = match whole {
        Some(row) => as_read(row, ground, &stamps),
        None => read_again(changing, change, ground, &done.key, &stamps, at).await?,
    };
    done.after = Some(still_marked(after, &kept));
    Ok((done, Came::Written))
}

async fn write_audits(
    changing: &mut Changing,
    setting: &Setting,
    carried: &mut Carried,
    change: &Change,
    alone: bool,
    at: Span,
) -> Result<(), Trouble> {
    let mut written = Vec::new();
    for done in &carried.changes {
        match audit::write(changing, setting, done, alone).await {
            Ok(row) => written.extend(row),
            Err(AuditTrouble::Database(fault)) => return Err(database(&change.table.connection, fault, at)),
            Err(AuditTrouble::Rule(message, _)) => {
                let message = format!("the audit row for `{}` cannot be made: {message}", change.table);
                return Err(Trouble::Step { message, at, help: vec!["look at `audits:` in the project file".into()] });
            }
        }
    }
    carried.changes.extend(written);
    Ok(())
}

/// How many rows of each table the images explain: added, changed, gone.
#[derive(Debug, Default)]
pub struct Explained<'a>(BTreeMap<&'a str, (u64, u64, u64)>);

impl<'a> Explained<'a> {
    /// By changes that were carried out row by row: what is as wanted is not written.
    pub fn by_rows(changes: &'a [RowChange]) -> Explained<'a> {
        Explained::with(changes, false)
    }

    /// By a statement of the author's own, which also writes the rows that it leaves as they are.
    pub fn by_statement(changes: &'a [RowChange]) -> Explained<'a> {
        Explained::with(changes, true)
    }

    /// Rows that were written, and that a trigger made what they had been.
    pub fn written_in_vain(&mut self, table: &'a TableName, rows: u64) {
        self.0.entry(&table.table).or_default().1 += rows;
    }

    fn with(changes: &'a [RowChange], untouched: bool) -> Explained<'a> {
        let mut explained = Explained::default();
        for change in changes {
            let counts = explained.0.entry(&change.table.table).or_default();
            match change.deed() {
                Deed::Insert => counts.0 += 1,
                Deed::Delete => counts.2 += 1,
                Deed::Update => counts.1 += 1,
                Deed::Nothing => counts.1 += u64::from(untouched),
            }
        }
        explained
    }
}

/// Tables touched beyond what the images explain.
pub fn also(
    before: &[crate::connection::rows::Touched],
    after: &[crate::connection::rows::Touched],
    explained: &Explained<'_>,
    connection: &str,
) -> Vec<Also> {
    let mut found = Vec::new();
    for table in after {
        let was = before.iter().find(|t| t.table == table.table);
        let (inserted, updated, deleted) = was.map_or((0, 0, 0), |t| (t.inserted, t.updated, t.deleted));
        let ours = explained.0.get(&*table.table).copied().unwrap_or_default();
        let more = |now: u64, was: u64, ours: u64| now.saturating_sub(was).saturating_sub(ours);
        let also = Also {
            table: format!("{connection}.{}", table.table),
            inserted: more(table.inserted, inserted, ours.0),
            updated: more(table.updated, updated, ours.1),
            deleted: more(table.deleted, deleted, ours.2),
        };
        if also.inserted + also.updated + also.deleted > 0 {
            found.push(also);
        }
    }
    found
}

/// The unknown that stands for a row of which only apply will know.
pub fn unknown_row(why: &str) -> Value {
    Data::Unknown(why.into()).into()
}
