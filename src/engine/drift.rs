//! Is the world still as planned? Compared under the row lock, column by column, before anything is committed.

use super::{carry_out::Carried, setting::Setting, trouble::Difference};
use crate::{
    action::resolve::Known,
    base::{
        counted::counted,
        value::{Data, Map, Marks, Value},
    },
    effect::change::{Deed, RowChange, TableName},
    plan::{Effect, ItemPlan, StepPlan},
    template::{Path, Scope, Step, Text, equal},
};
use std::{borrow::Cow, collections::BTreeSet, sync::Arc};

/// Why a fact is unknown in a plan: what expressions looked for was not there.
const NOT_THERE: &str = "not there";

/// What a plan keeps of what an expression looked at: the value, or that there was none.
pub fn fact(path: &Path, root: &Value) -> Option<Value> {
    if path.steps.contains(&Step::Each) {
        return None;
    }
    let value = path.look_up(root).unwrap_or_else(|| Data::Unknown(NOT_THERE.into()).into());
    (is_absent(&value) || !value.is_unknown() && !value.marks.varies()).then_some(value)
}

/// The name of the list of a loop among the facts that a plan rests on: no result can be called so.
pub fn of_loop(path: &str) -> Path {
    Path { steps: vec![Step::Name(path.into())] }
}

/// The list of a loop is another one than in the plan, and how.
pub fn of_list(planned: &ItemPlan, path: &str, now: &Value) -> Option<Difference> {
    let name = of_loop(path);
    let (_, was) = planned.rests_on.iter().find(|(path, _)| *path == name)?;
    let vague = was.is_unknown() || was.all_marks().varies() || now.all_marks().varies();
    if vague || equal(was, now).unwrap_or(false) {
        return None;
    }
    let (count, (was, now)) = (|list: &Value| list.as_list().map_or(0, <[Value]>::len), (was, now));
    let (planned, found) = match (count(was), count(now)) {
        (a, b) if a == b => pair(was, now),
        (a, b) => (format!("{a} elements"), format!("{b} elements")),
    };
    Some(Difference { subject: format!("the list of `{path}`"), column: String::new(), planned, found })
}

fn is_absent(value: &Value) -> bool {
    matches!(&value.data, Data::Unknown(why) if &**why == NOT_THERE)
}

/// The name of a fact inside a call among the facts that a plan rests on.
pub fn of_call(call: &str, path: &Path) -> Path {
    Path { steps: [Step::Name(call.into())].into_iter().chain(path.steps.iter().cloned()).collect() }
}

/// Facts that the plan rests on and that read otherwise now, of the playbook itself or inside one of its calls. Only those that `scope`
/// knows already are looked at.
pub fn of_facts(planned: &ItemPlan, call: Option<&str>, scope: &Scope, setting: &Setting) -> Vec<Difference> {
    let mut found: Vec<Difference> = Vec::new();
    for (path, was) in resting(planned, call) {
        let path = &*path;
        let Some(root) = scope.get(path.root()) else { continue };
        // A fact that cannot be compared any more: its key is gone, or it is only known later.
        let Some(now) = fact(path, root) else { continue };
        let same = now == *was || is_absent(&now) && is_absent(was) || was.is_unknown() && !is_absent(was);
        if same {
            continue;
        }
        let (subject, column) = named(path, scope, setting).unwrap_or_else(|| (path.to_string(), String::new()));
        let (planned, now) = pair(was, &now);
        // When a whole row is gone, that is said once and not for each of its columns.
        if !found.iter().any(|d| d.subject == subject && (d.column == column || d.column.is_empty())) {
            found.push(Difference { subject, column, planned, found: now });
        }
    }
    found
}

/// What the plan rests on, of the playbook itself or inside one of its calls.
fn resting<'p>(planned: &'p ItemPlan, call: Option<&'p str>) -> impl Iterator<Item = (Cow<'p, Path>, &'p Value)> {
    planned.rests_on.iter().filter_map(move |(path, was)| match call {
        None => Some((Cow::Borrowed(path), was)),
        Some(call) => match path.steps.split_first()? {
            (Step::Name(at), rest @ [Step::Name(_), ..]) if **at == *call => {
                Some((Cow::Owned(Path { steps: rest.to_vec() }), was))
            }
            _ => None,
        },
    })
}

/// Columns that an expression read, of rows that are locked by now and read otherwise. `locked`: these rows, but for those that the item itself
/// changed before.
pub fn of_locked(
    planned: &ItemPlan,
    call: Option<&str>,
    scope: &Scope,
    locked: &[&RowChange],
    setting: &Setting,
) -> Vec<Difference> {
    let mut differences: Vec<Difference> = Vec::new();
    let mut note = |change: &RowChange, name: &str, below: &[Step], was: &Value| {
        let now = stands_in(change, name, below, setting).filter(|now| !equal(was, now).unwrap_or(true));
        let Some(now) = now else { return };
        let (planned, found) = pair(was, &now);
        let subject = format!("{} {}", change.table, change.key_text());
        if !differences.iter().any(|d| d.subject == subject && d.column == *name) {
            differences.push(Difference { subject, column: name.to_owned(), planned, found });
        }
    };
    for (path, was) in resting(planned, call).filter(|(_, was)| !was.is_unknown()) {
        let Some(Column { row, table, name, below }) = column(&path, scope, setting) else { continue };
        if let Some(change) = among(locked, &table, &row) {
            note(change, name, below, was);
        }
    }
    // What the source said of the item's own row.
    if let (Some((table, looked)), Some(row), None) = (&setting.rows_of, scope.get("item"), call)
        && let Some(change) = among(locked, table, row)
    {
        for (path, chosen) in looked.iter() {
            let [_, Step::Name(name), below @ ..] = path.steps.as_slice() else { continue };
            // The source chose the row by what it was to lose, and nothing was made of that.
            if *chosen && is_done(planned, change, name) {
                continue;
            }
            if let Some(was) = fact(path, row).filter(|was| !was.is_unknown()) {
                note(change, name, below, &was);
            }
        }
    }
    differences
}

/// Somebody was quicker, and did to this column what is shown: nothing of the row is written.
fn is_done(plan: &ItemPlan, now: &RowChange, column: &str) -> bool {
    let Some(found) = now.before.as_ref().and_then(|row| row.get(column)).filter(|_| now.deed() == Deed::Nothing)
    else {
        return false;
    };
    let effects = plan.steps.iter().flat_map(|step| &step.effects);
    let rows = effects.filter_map(|e| if let Effect::Rows { changes, .. } = e { Some(changes) } else { None });
    rows.flatten().filter(|one| one.table == now.table && one.key == now.key).any(|one| {
        let becomes = one.after.as_ref().and_then(|row| row.get(column)) == Some(found);
        becomes && one.differing().iter().any(|(name, ..)| **name == *column)
    })
}

/// The change of this row.
fn among<'c>(locked: &[&'c RowChange], table: &TableName, row: &Value) -> Option<&'c RowChange> {
    let is = |name: &str, value: &Value| row.get(name).is_some_and(|own| equal(&own, value).unwrap_or(false));
    let same = |change: &&&RowChange| change.table == *table && change.key.iter().all(|(name, value)| is(name, value));
    locked.iter().find(same).copied()
}

/// What stood there when the row was locked, as a fact.
fn stands_in(change: &RowChange, name: &str, below: &[Step], setting: &Setting) -> Option<Value> {
    let facts = setting.facts_of(&change.table)?;
    let now = facts.named(name, change.before.as_ref()?.get(name)?.clone()).marked(facts.marks(name));
    let steps = [Step::Name("column".into())].into_iter().chain(below.iter().cloned()).collect();
    fact(&Path { steps }, &now)
}

/// Two values that differ, for people: also when neither may be shown.
pub fn pair(was: &Value, now: &Value) -> (String, String) {
    let shown = |value: &Value| if is_absent(value) { NOT_THERE.to_owned() } else { value.shown() };
    // What is read afresh lost the mark that the plan's value has.
    let now = now.clone().marked(was.marks.among(Marks::HIDDEN));
    let (was, now) = (shown(was), shown(&now));
    if was == now { (was.clone(), format!("{now}, but another one")) } else { (was, now) }
}

/// A column of a row that a `find` gave, as a fact names it.
struct Column<'p> {
    row: Value,
    table: TableName,
    name: &'p str,
    /// What is read of a document that stands in the column.
    below: &'p [Step],
}

fn column<'p>(path: &'p Path, scope: &Scope, setting: &Setting) -> Option<Column<'p>> {
    let root = scope.get(path.root())?;
    let (row, name, below) = match path.steps.as_slice() {
        [_, Step::Name(name), below @ ..] => (root, name, below),
        [_, Step::Index(at), Step::Name(name), below @ ..] => (root.as_list()?.get(*at)?, name, below),
        _ => return None,
    };
    Some(Column { row: row.clone(), table: setting.found_in(path.root())?, name, below })
}

/// `register.trainees id 1` and `state`, for a fact that is a column of a row that a `find` gave.
fn named(path: &Path, scope: &Scope, setting: &Setting) -> Option<(String, String)> {
    let Column { row, table, name, below } = column(path, scope, setting)?;
    if row.is_null() {
        return Some((format!("{table} (`{}`)", path.root()), String::new()));
    }
    let key = setting.facts_of(&table)?.key_columns().into_iter().map(|name| Some((row.get(&name)?, name)));
    let key: Vec<String> =
        key.map(|part| part.map(|(value, name)| format!("{name} {}", value.plain()))).collect::<Option<_>>()?;
    let column = if below.is_empty() { name.to_owned() } else { format!("{name}.{}", Path { steps: below.to_vec() }) };
    Some((format!("{table} {}", key.join(", ")), column))
}

/// What the playbook says of a row that is shared, where one of these differences is that another driver has taken it.
pub fn taken<'s>(
    differences: &[Difference],
    planned: &ItemPlan,
    scope: &Scope,
    setting: &'s Setting,
) -> Option<&'s Text> {
    planned.rests_on.iter().find_map(|(path, _)| {
        let [Step::Name(_), Step::Name(column), ..] = path.steps.as_slice() else { return None };
        let shared = setting.shared(path.root())?;
        if !shared.columns.iter().any(|one| *one.text == **column) {
            return None;
        }
        let (subject, column) = named(path, scope, setting)?;
        let differs = differences.iter().any(|d| d.subject == subject && d.column == column);
        differs.then_some(&shared.say)
    })
}

/// The row changes of a planned step, the author's only; nothing when the step could not be tried out. Where values were
/// only known after apply, the images before are exact all the same: they are what must not have changed.
pub fn planned_rows(step: &StepPlan) -> Option<Vec<&RowChange>> {
    let mut rows = step
        .effects
        .iter()
        .filter_map(|e| if let Effect::Rows { changes, .. } = e { Some(changes) } else { None })
        .peekable();
    rows.peek()?;
    Some(rows.flatten().filter(|c| !c.by_rule).collect())
}

/// Tables of which more rows go or change along (cascades, triggers) than the plan showed. Fewer are no other change than the one that was shown;
/// and a row that is added in one rehearsal and counted on in the next is one row.
///
/// `alone`: no other item of the run comes between. A trigger that numbers neighbours anew writes one row more behind each item that adds one; but rows that
/// go along, or lose what they point to, are those of somebody else.
pub fn of_along(planned: &StepPlan, carried: &Carried, alone: bool) -> Vec<Difference> {
    let found = &carried.also;
    let removes = carried.changes.iter().any(|change| change.deed() == Deed::Delete);
    let shown = |table: &str| {
        let all =
            planned.effects.iter().filter_map(|e| if let Effect::Rows { also, .. } = e { Some(also) } else { None });
        let here = all.flatten().filter(|also| *also.table == *table);
        here.fold((0, 0), |(gone, written), also| (gone + also.deleted, written + also.inserted + also.updated))
    };
    let mut differences = Vec::new();
    for also in found {
        let (gone, written) = shown(&also.table);
        let mut more = |planned: u64, found: u64, what: &str| {
            if found > planned {
                let (planned, found) = (
                    format!("{} {what}", counted(usize::try_from(planned).unwrap_or(usize::MAX), "row")),
                    found.to_string(),
                );
                differences.push(Difference { subject: also.table.clone(), column: String::new(), planned, found });
            }
        };
        more(gone, also.deleted, "to be deleted along with it");
        if alone || removes {
            more(written, also.inserted + also.updated, "to be written along with it");
        }
    }
    differences
}

/// Leaves out what the run itself brought about before it was done again.
pub fn without_own(differences: &mut Vec<Difference>, own: &[RowChange], setting: &Setting) {
    let ours = |d: &Difference| {
        let last = own.iter().rev().find(|c| format!("{} {}", c.table, c.key_text()) == d.subject);
        let Some(change) = last else { return false };
        let value = value(&change.after, d.column.split('.').next().unwrap_or(&d.column));
        let facts = setting.facts_of(&change.table);
        let seen = facts.map_or(value.clone(), |f| f.named(&d.column, value).marked(f.marks(&d.column)));
        // Below a document only its whole is known.
        d.column.contains('.') || seen.shown() == d.found
    };
    differences.retain(|d| !ours(d));
}

/// The planned rows, where the run itself changed one before it was done again: what it left then is what must be there
/// now, and what it becomes is not foretold.
pub fn rebased(planned: &[&RowChange], own: &[RowChange], found: &[RowChange]) -> Vec<RowChange> {
    let one = |plan: &&RowChange| {
        let same = |c: &&RowChange| c.table == plan.table && c.key == plan.key;
        let (left, now) = (own.iter().rev().find(same), found.iter().find(same));
        match (left, now) {
            (Some(left), Some(now)) => {
                RowChange { before: left.after.clone(), after: now.after.clone(), ..(*plan).clone() }
            }
            _ => (*plan).clone(),
        }
    };
    planned.iter().map(one).collect()
}

/// How the rows now under our locks differ from those of the plan. What stands in `computed` columns follows from everything that was done to
/// the row, also by others and to what the playbook never looks at. A playbook that does read one of them rests on that fact instead.
pub fn of_rows(
    planned: &[&RowChange],
    found: &[RowChange],
    computed: &BTreeSet<(TableName, Arc<str>)>,
    setting: &Setting,
) -> Vec<Difference> {
    let ours: Vec<&RowChange> = found.iter().filter(|c| !c.by_rule).collect();
    let mut matched = vec![false; ours.len()];
    let mut differences = Vec::new();
    let mut match_by = |fits: &dyn Fn(&RowChange) -> bool| {
        let index = ours.iter().enumerate().position(|(i, c)| !matched[i] && fits(c))?;
        matched[index] = true;
        Some(ours[index])
    };
    for plan in planned {
        let inserted = plan.before.is_none();
        let mut now = match_by(&|c| c.table == plan.table && c.key == plan.key);
        if inserted && now.is_none() {
            // A row that the database numbers has another key in each rehearsal: inserts are matched by their order.
            now = match_by(&|c| c.table == plan.table && c.before.is_none());
        }
        match (now, inserted) {
            (Some(now), true) if now.before.is_some() => {
                differences.push(whole(now, "to be added", "there already"));
            }
            (Some(now), false) if now.before.is_none() && plan.before.is_some() => {
                differences.push(whole(plan, "there", "not there any more"));
            }
            (Some(now), _) => differences.extend(of_row(plan, now, computed, setting)),
            (None, true) => differences.push(whole(plan, "to be added", "not to be added")),
            // A row that was as wanted, or to be deleted, and that is gone: what apply would do is only less.
            (None, false) if plan.deed() == Deed::Nothing => {}
            (None, false) => differences.push(whole(plan, "in the plan", "not there any more")),
        }
    }
    for (now, _) in ours.iter().zip(&matched).filter(|(now, matched)| !**matched && now.deed() != Deed::Nothing) {
        let would = match now.deed() {
            Deed::Insert => "would be added as well",
            Deed::Delete => "would be deleted as well",
            Deed::Update | Deed::Nothing => "would change as well",
        };
        differences.push(whole(now, "not in the plan", would));
    }
    differences
}

fn whole(change: &RowChange, planned: &str, found: &str) -> Difference {
    let subject = format!("{} {}", change.table, change.key_text());
    Difference { subject, column: String::new(), planned: planned.into(), found: found.into() }
}

/// The columns that a change is about.
fn changing(change: &RowChange) -> impl Iterator<Item = Arc<str>> {
    change.differing().into_iter().map(|(column, ..)| column).filter(|column| !change.stamps.contains(column))
}

fn of_row(
    plan: &RowChange,
    now: &RowChange,
    computed: &BTreeSet<(TableName, Arc<str>)>,
    setting: &Setting,
) -> Vec<Difference> {
    let mut columns: BTreeSet<Arc<str>> = match plan.deed() {
        Deed::Delete => plan.before.iter().flat_map(|row| row.keys().cloned()).collect(),
        // What was to change, and what would change now: a column that was as wanted is one whose change nobody saw.
        _ => [plan, now].into_iter().flat_map(changing).collect(),
    };
    columns.retain(|column| !computed.contains(&(plan.table.clone(), column.clone())));
    let facts = setting.facts_of(&plan.table);
    let shown = |column: &str, value: &Value| {
        facts.map_or(value.shown(), |f| f.named(column, value.clone()).marked(f.marks(column)).shown())
    };
    let mut differences = Vec::new();
    let mut compare = |was: &Option<Map>, is: &Option<Map>, column: &Arc<str>| {
        let (was, is) = (value(was, column), value(is, column));
        let free = was.marks.varies() || is.marks.varies() || was.is_unknown();
        if !free && was != is && !differences.iter().any(|d: &Difference| d.column == **column) {
            let subject = format!("{} {}", plan.table, now.key_text());
            let hidden = (was.all_marks() | is.all_marks()).among(Marks::HIDDEN);
            let (was, is) = (was.marked(hidden), is.marked(hidden));
            let (planned, found) = (shown(column, &was), shown(column, &is));
            let found = if planned == found { format!("{found}, but another one") } else { found };
            differences.push(Difference { subject, column: column.to_string(), planned, found });
        }
    };
    for column in &columns {
        compare(&plan.before, &now.before, column);
        let numbered = plan.before.is_none() && plan.key.contains_key(column);
        if now.deed() != Deed::Nothing && !numbered {
            compare(&plan.after, &now.after, column);
        }
    }
    differences
}

fn value(row: &Option<Map>, column: &str) -> Value {
    row.as_ref().and_then(|r| r.get(column)).cloned().unwrap_or(Value::NULL)
}
