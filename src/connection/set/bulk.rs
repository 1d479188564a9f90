//! One statement for many members, on PostgreSQL. The values travel as arrays, one for each column; the type of an array is that of
//! the column, by way of an aggregate over no row, so that no name of a type is ever written. Each row has the number of its
//! member beside it: only the database knows when two keys are equal.

use super::{
    ask::{Asked, Op, Reply, Shared, equals, nulls},
    carry::OF_ALL,
};
use crate::{
    base::value::{Map, Names, Value},
    connection::{
        changing::Changing,
        fault::{Fault, FaultKind},
        rows::{Answer, Rows},
        seen::Seen,
        session::{Columns, Session},
        sql_text::Text,
        statement::{SetTo, Statement},
    },
    table::condition::Condition,
    template::Dialect,
};
use std::sync::Arc;

/// The name of the column that says whose row it is; no table has it.
const NUMBER: &str = "trueup member";
/// The name of the column that says which version of a row it is.
const VERSION: &str = "trueup version";

/// `unnest(…) AS v(…)`: a row of values for each member, with its number where that is asked for.
fn values(text: Text, table: &str, columns: &[(&Arc<str>, Value)], numbered: bool) -> Text {
    let one = |text: Text, (column, list): &(&Arc<str>, Value)| {
        text.raw("coalesce(")
            .value(list)
            .raw(", (SELECT array_agg(")
            .name(column)
            .raw(") FROM ")
            .table(table)
            .raw(" WHERE false))")
    };
    let text = text.raw("unnest(").list(columns, ", ", one).raw(")");
    let text = if numbered { text.raw(" WITH ORDINALITY") } else { text };
    let text = text.raw(" AS v(").list(0..columns.len(), ", ", |text, n| text.name(&value_name(n)));
    let text = if numbered { text.raw(", ").name(NUMBER) } else { text };
    text.raw(")")
}

fn value_name(n: usize) -> String {
    format!("trueup {n}")
}

fn value_at(text: Text, n: usize) -> Text {
    text.raw("v.").name(&value_name(n))
}

/// `t.a = v.1 AND t.b = v.2`
fn matched<'a>(text: Text, table: &'static str, columns: impl Iterator<Item = &'a Arc<str>>) -> Text {
    text.list(columns.enumerate(), " AND ", |text, (n, column)| value_at(text.raw(table).name(column).raw(" = "), n))
}

/// ` AND t.c IS NULL`
fn empty(text: Text, table: &'static str, conditions: &[Condition]) -> Text {
    text.list(nulls(conditions), "", |text, column| text.raw(" AND ").raw(table).name(column).raw(" IS NULL"))
}

fn list<'a>(values: impl Iterator<Item = &'a Value>) -> Value {
    Value::list(values.cloned())
}

/// Locks a row for each member: its rows, mostly one. What somebody else has locked is passed over.
pub async fn lock(changing: &mut Changing, table: &str, group: &[Asked]) -> Result<Vec<Vec<Map>>, Fault> {
    let Some(Op::Lock { columns, .. }) = group.first().map(|one| &one.op) else { return Ok(Vec::new()) };
    let lists = keys(columns, group.iter());
    let write = |all: &Columns<'_>| {
        let text = Text::new(Dialect::Postgres).raw("SELECT v.").name(NUMBER).raw(", ");
        let text = whole_rows(text, all).raw(" FROM ");
        let text = values(text, table, &lists, true).raw(" JOIN ").table(table).raw(" AS t ON ");
        let text = matched(text, "t.", columns.iter()).raw(" ORDER BY ");
        text.list(columns, ", ", |text, column| text.raw("t.").name(column)).raw(" FOR UPDATE OF t SKIP LOCKED").done()
    };
    let statement = exactly(changing, write).await?;
    let answer = changing.change(&statement).await?;
    Ok(sorted(answer, group.len()))
}

/// Reads a row for each member, with its version: its rows, mostly one.
pub async fn see(session: &mut Session, table: &str, group: &[Asked]) -> Result<Vec<Vec<Map>>, Fault> {
    let Some(Op::See { columns, .. }) = group.first().map(|one| &one.op) else { return Ok(Vec::new()) };
    let lists = keys(columns, group.iter());
    let write = |all: &Columns<'_>| {
        let text = Text::new(Dialect::Postgres).raw("SELECT v.").name(NUMBER).raw(", ");
        let text = whole_rows(text, all).raw(", t.xmin::text AS ").name(VERSION).raw(" FROM ");
        let text = values(text, table, &lists, true).raw(" JOIN ").table(table).raw(" AS t ON ");
        matched(text, "t.", columns.iter()).done()
    };
    let statement = exactly(session, write).await?;
    let answer = session.raw(&statement, OF_ALL).await?;
    Ok(sorted(answer, group.len()))
}

/// The row, and its version.
pub fn version(mut row: Map) -> Option<(Map, Value)> {
    let version = row.shift_remove(VERSION)?;
    Some((row, version))
}

/// The values of these columns in the keys, column by column.
fn keys<'g>(columns: &'g [Arc<str>], group: impl Iterator<Item = &'g Asked> + Clone) -> Vec<(&'g Arc<str>, Value)> {
    let key = |n: usize| {
        group.clone().filter_map(move |one| {
            if let Op::Lock { keys, .. } | Op::See { keys, .. } = &one.op { keys.first()?.get(n) } else { None }
        })
    };
    columns.iter().enumerate().map(|(n, column)| (column, list(key(n)))).collect()
}

/// Which of these rows are there, locked by whomever.
pub async fn there(changing: &mut Changing, table: &str, group: &[&Asked]) -> Result<Vec<bool>, Fault> {
    let mut found = vec![false; group.len()];
    let Some(Op::Lock { columns, .. }) = group.first().map(|one| &one.op) else { return Ok(found) };
    let lists = keys(columns, group.iter().copied());
    let text = Text::new(Dialect::Postgres).raw("SELECT v.").name(NUMBER).raw(" FROM ");
    let text = values(text, table, &lists, true).raw(" JOIN ").table(table).raw(" AS t ON ");
    let answer = changing.change(&matched(text, "t.", columns.iter()).done()).await?;
    for number in answer.rows.iter().filter_map(|row| row.first()?.as_int()) {
        if let Some(is) = usize::try_from(number - 1).ok().and_then(|n| found.get_mut(n)) {
            *is = true;
        }
    }
    Ok(found)
}

fn whole_rows(text: Text, columns: &Columns<'_>) -> Text {
    match columns {
        Columns::All => text.raw("t.*"),
        listed => listed.write(text, &[]),
    }
}

/// The statement that reads every column without loss.
async fn exactly(session: &mut Session, write: impl Fn(&Columns<'_>) -> Statement) -> Result<Statement, Fault> {
    let plain = write(&Columns::All);
    Ok(match session.exotic(&plain.sql).await? {
        None => plain,
        Some(slots) => {
            let own: Vec<_> = slots.iter().filter(|slot| ![NUMBER, VERSION].contains(&&*slot.name)).cloned().collect();
            write(&Columns::Listed(&own))
        }
    })
}

/// Each row to its member. No two of its columns are called alike.
fn sorted(answer: Answer, members: usize) -> Vec<Vec<Map>> {
    let mut found: Vec<Vec<Map>> = vec![Vec::new(); members];
    let names = Names::of_unlike(answer.columns.into_iter().skip(1).collect());
    for row in answer.rows {
        let mut cells = row.into_iter();
        let number = cells.next().and_then(|n| n.as_int()).and_then(|n| usize::try_from(n - 1).ok());
        if let Some(rows) = number.and_then(|n| found.get_mut(n)) {
            rows.push(Map::of(&names, cells));
        }
    }
    found
}

/// Selections in the same words, answered; gives back those that one statement cannot answer. Where a key is given, a row that is the only one its
/// member finds is kept for it, with its version.
pub async fn select(
    session: &mut Session,
    group: Vec<Asked>,
    keep: Option<(Vec<Arc<str>>, &Shared)>,
) -> Result<(), Vec<Asked>> {
    if session.dialect() != Dialect::Postgres || group.len() < 2 {
        return Err(group);
    }
    let found = match rows_of_all(session, &group, keep.is_some()).await {
        Some(Ok(found)) => found,
        // Whose fault it is they find out one by one.
        Some(Err(_)) | None => return Err(group),
    };
    let (columns, found) = found;
    for (one, mut rows) in group.into_iter().zip(found) {
        if let Some((key, shared)) = &keep {
            let versions: Vec<Option<Value>> = rows.iter_mut().map(|row| row.shift_remove(VERSION)).collect();
            if let (Op::Select(whole, _), [row], [Some(version)]) = (&one.op, &*rows, &*versions)
                && let Some(values) = key.iter().map(|column| row.get(column).cloned()).collect()
            {
                let (table, columns) = (whole.table.clone(), key.clone());
                let seen = Seen { table, columns, key: values, row: row.clone(), version: version.clone() };
                shared.keep(one.member, seen);
            }
        }
        let most = if let Op::Select(_, limits) = &one.op { limits.rows } else { 0 };
        let answer = match rows.len() > most {
            true => Err(Fault::new(FaultKind::TooMany, format!("the answer has more than {most} rows"))),
            false => Ok(Reply::Rows(Rows { columns: columns.clone(), rows })),
        };
        one.answer(answer);
    }
    Ok(())
}

type OfAll = (Vec<Arc<str>>, Vec<Vec<Map>>);

async fn rows_of_all(session: &mut Session, group: &[Asked], versions: bool) -> Option<Result<OfAll, Fault>> {
    let whole = |one: &Asked| if let Op::Select(whole, _) = &one.op { Some(whole.clone()) } else { None };
    let wholes: Vec<_> = group.iter().map(whole).collect::<Option<_>>()?;
    let first = wholes.first()?;
    // Without a bound of its own the rows of one member have no order that would be kept.
    let limit = first.limit?;
    let names: Vec<&Arc<str>> = equals(&first.conditions)?.into_iter().map(|(column, _)| column).collect();
    // A column that is asked for twice is a fault, in the words that one alone gets.
    let twice = (1..first.columns.len()).any(|n| first.columns[..n].contains(&first.columns[n]));
    if names.is_empty() || twice {
        return None;
    }
    let lists: Option<Vec<Value>> = (0..names.len())
        .map(|n| {
            let of = wholes.iter().map(|whole| equals(&whole.conditions)?.get(n).map(|(_, value)| (*value).clone()));
            Some(Value::list(of.collect::<Option<Vec<_>>>()?))
        })
        .collect();
    let lists: Vec<(&Arc<str>, Value)> = names.iter().copied().zip(lists?).collect();
    if lists.iter().any(|(_, list)| list.as_list().is_some_and(|all| all.iter().any(|v| v.as_list().is_some()))) {
        return None;
    }
    let write = |all: &Columns<'_>| {
        let text = Text::new(Dialect::Postgres).raw("SELECT v.").name(NUMBER).raw(", ");
        let text = match (whole_rows(text, all), all) {
            (text, Columns::Listed(_)) if versions => text.raw(", t.").name(VERSION),
            (text, _) => text,
        };
        let text = values(text.raw(" FROM "), &first.table, &lists, true);
        let text = text.raw(" CROSS JOIN LATERAL (SELECT ").columns(&first.columns);
        let text = if versions { text.raw(", xmin::text AS ").name(VERSION) } else { text };
        let text = text.raw(" FROM ").table(&first.table);
        let text = matched(text.raw(" AS t WHERE "), "t.", names.iter().copied());
        let text = empty(text, "t.", &first.conditions).order(&first.order);
        text.raw(" LIMIT ").number(limit).raw(") AS t").done()
    };
    Some(
        async {
            let statement = exactly(session, write).await?;
            let done = session.raw(&statement, OF_ALL).await;
            let answer = session.recover(done).await?;
            let columns = answer.columns.iter().skip(1).filter(|column| ***column != *VERSION).cloned().collect();
            Ok((columns, sorted(answer, group.len())))
        }
        .await,
    )
}

/// The values that a column gets, member by member; a column that the database's clock sets has none.
fn columns_set<'g>(sets: &[&'g [(Arc<str>, SetTo)]]) -> Vec<(&'g Arc<str>, Option<Value>)> {
    let Some(first) = sets.first() else { return Vec::new() };
    let column = |(n, (name, to)): (usize, &'g (Arc<str>, SetTo))| {
        let value = |set: &&'g [(Arc<str>, SetTo)]| match set.get(n) {
            Some((_, SetTo::Value(value))) => Some(value.clone()),
            _ => None,
        };
        let values = (*to != SetTo::DatabaseNow).then(|| Value::list(sets.iter().filter_map(value)));
        (name, values)
    };
    first.iter().enumerate().map(column).collect()
}

/// What is set where: lists of values, and for each column the place of its list; the database's clock has none.
struct Sets<'g> {
    lists: Vec<(&'g Arc<str>, Value)>,
    targets: Vec<(&'g Arc<str>, Option<usize>)>,
}

impl<'g> Sets<'g> {
    /// Behind the lists of a key, if there is one.
    fn of(keys: Vec<(&'g Arc<str>, Value)>, sets: &[&'g [(Arc<str>, SetTo)]]) -> Sets<'g> {
        let (mut lists, mut targets) = (keys, Vec::new());
        for (column, values) in columns_set(sets) {
            let at = values.map(|values| {
                lists.push((column, values));
                lists.len() - 1
            });
            targets.push((column, at));
        }
        Sets { lists, targets }
    }
}

fn set_to(text: Text, at: Option<usize>) -> Text {
    match at {
        Some(n) => value_at(text, n),
        None => text.raw("now()"),
    }
}

/// A row's key, and what its columns are set to.
type Part<'g> = (&'g Map, &'g [(Arc<str>, SetTo)]);

/// `UPDATE … FROM unnest(…) WHERE …`, numbered where the rows are to be told apart.
fn updating<'g>(table: &str, group: &'g [Asked], numbered: bool) -> Option<Text> {
    let parts: Vec<Part<'g>> = group
        .iter()
        .filter_map(|one| match &one.op {
            Op::Update { key, set, .. } | Op::UpdateWhole { key, set, .. } => Some((key, set.as_slice())),
            _ => None,
        })
        .collect();
    let keys: Vec<&Arc<str>> = parts.first()?.0.keys().collect();
    let of_key = |column: &&'g Arc<str>| (*column, list(parts.iter().filter_map(|(key, _)| key.get(column))));
    let sets: Vec<&[(Arc<str>, SetTo)]> = parts.iter().map(|(_, set)| *set).collect();
    let Sets { lists, targets } = Sets::of(keys.iter().map(of_key).collect(), &sets);
    let text = Text::new(Dialect::Postgres).raw("UPDATE ").table(table).raw(" AS t SET ");
    let text = text.list(&targets, ", ", |text, (column, at)| set_to(text.name(column).raw(" = "), *at));
    let text = values(text.raw(" FROM "), table, &lists, numbered).raw(" WHERE ");
    Some(matched(text, "t.", keys.into_iter()))
}

/// Among which rows somebody counts on.
fn counted(op: &Op) -> Option<&[Condition]> {
    if let Op::NextOf { per, .. } = op { Some(per) } else { None }
}

/// For each member the largest value of a column among the rows that fit, or null.
pub async fn largest_of(
    changing: &mut Changing,
    table: &str,
    column: &str,
    group: &[Asked],
) -> Result<Vec<Value>, Fault> {
    let all: Vec<Vec<(&Arc<str>, &Value)>> = group.iter().filter_map(|one| equals(counted(&one.op)?)).collect();
    let (Some(first), Some(per)) = (all.first(), group.first().and_then(|one| counted(&one.op))) else {
        return Ok(Vec::new());
    };
    let lists: Vec<(&Arc<str>, Value)> = (0..first.len())
        .map(|n| (first[n].0, list(all.iter().filter_map(|conditions| conditions.get(n)).map(|(_, value)| *value))))
        .collect();
    let text = Text::new(Dialect::Postgres).raw("SELECT v.").name(NUMBER).raw(", (SELECT max(t.").name(column);
    let text = matched(text.raw(") FROM ").table(table).raw(" AS t WHERE "), "t.", first.iter().map(|(name, _)| *name));
    let text = values(empty(text, "t.", per).raw(") FROM "), table, &lists, true).done();
    let answer = changing.change(&text).await?;
    let mut found = vec![Value::NULL; group.len()];
    for mut row in answer.rows {
        let number = row.first().and_then(Value::as_int).and_then(|n| usize::try_from(n - 1).ok());
        if let (Some(place), Some(largest)) = (number.and_then(|n| found.get_mut(n)), row.pop()) {
            *place = largest;
        }
    }
    Ok(found)
}

/// One row of each member gets its values; how many rows that were.
pub async fn update(changing: &mut Changing, table: &str, group: &[Asked]) -> Result<u64, Fault> {
    let Some(text) = updating(table, group, false) else { return Ok(0) };
    Ok(changing.change(&text.done()).await?.affected)
}

/// The same of a table that nothing else touches: each member's row as it is then.
pub async fn update_whole(changing: &mut Changing, table: &str, group: &[Asked]) -> Result<Vec<Vec<Map>>, Fault> {
    let write = |all: &Columns<'_>| {
        let text = updating(table, group, true).unwrap_or_else(|| Text::new(Dialect::Postgres));
        whole_rows(text.raw(" RETURNING v.").name(NUMBER).raw(", "), all).done()
    };
    let statement = exactly(changing, write).await?;
    let answer = changing.change(&statement).await?;
    Ok(sorted(answer, group.len()))
}

/// `INSERT … SELECT … FROM unnest(…) ORDER BY …`: in the order of the members, and so are the numbers that the rows get and what
/// is given back.
fn inserting(table: &str, group: &[Asked]) -> Text {
    let sets: Vec<&[(Arc<str>, SetTo)]> = group
        .iter()
        .filter_map(|one| match &one.op {
            Op::Insert { values, .. } | Op::InsertWhole { values, .. } => Some(values.as_slice()),
            _ => None,
        })
        .collect();
    let Sets { lists, targets } = Sets::of(Vec::new(), &sets);
    let text = Text::new(Dialect::Postgres).raw("INSERT INTO ").table(table).raw(" (");
    let text = text.list(&targets, ", ", |text, (column, _)| text.name(column)).raw(") SELECT ");
    let text = text.list(&targets, ", ", |text, (_, at)| set_to(text, *at));
    values(text.raw(" FROM "), table, &lists, true).raw(" ORDER BY v.").name(NUMBER).raw(" RETURNING ")
}

/// A row for each member; the keys, in their order.
pub async fn insert(changing: &mut Changing, table: &str, group: &[Asked]) -> Result<Vec<Map>, Fault> {
    let Some(Op::Insert { key, .. }) = group.first().map(|one| &one.op) else { return Ok(Vec::new()) };
    let write = |all: &Columns<'_>| all.write(inserting(table, group), key).done();
    let statement = exactly(changing, write).await?;
    let Answer { columns, rows, .. } = changing.change(&statement).await?;
    Ok(rows.into_iter().map(|row| columns.iter().cloned().zip(row).collect()).collect())
}

/// The same of a table that nothing else touches: whole rows, in their order.
pub async fn insert_whole(changing: &mut Changing, table: &str, group: &[Asked]) -> Result<Vec<Vec<Map>>, Fault> {
    let write = |all: &Columns<'_>| all.write(inserting(table, group), &[]).done();
    let statement = exactly(changing, write).await?;
    let Answer { columns, rows, .. } = changing.change(&statement).await?;
    let names = Names::of_unlike(columns);
    let rows: Vec<Vec<Map>> = rows.into_iter().map(|row| vec![Map::of_vec(&names, row)]).collect();
    // Fewer rows than members: one of them is missing, and nobody knows whose.
    Ok(if rows.len() == group.len() { rows } else { vec![Vec::new(); group.len()] })
}
