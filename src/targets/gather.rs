//! Rows → items: keys that no two have, groups, order, the checks over the whole source, and how many are taken.
//!
//! Every row is looked at once as it arrives; what stays in memory for it is nothing (where rows are grouped or sorted: its
//! group or sort key). Nothing is handed out before all of the source was found good.

use super::{
    faults::Faults,
    item::{Item, key_text},
    model::{Fold, GroupBy, LoneGroups, Rule, Source, SourceCheck, Targets},
    seen::Seen,
    spool::{Place, Spool, SpoolError, Spooled},
};
use crate::{
    base::{
        canonical,
        seal::{SealError, Sealer},
        sorting::{Print, Printer},
        value::{Data, Value},
    },
    effect::matched::Matched,
    table::facts::Columns,
    template::{Failure, Scope, Text, Truth, compare},
};
use std::{cmp::Ordering, collections::HashMap, path::Path, sync::Arc};

/// Takes rows in.
pub struct Gathering<'a> {
    targets: &'a Targets,
    key: Vec<Arc<str>>,
    scope: &'a Scope,
    sealer: &'a Sealer,
    pub(super) printer: Printer,
    spool: Spool,
    /// What is wrong so far.
    pub faults: Faults,
    uniques: Vec<Unique<'a>>,
    groups: HashMap<Print, usize>,
    grouped: Vec<Group>,
    sorting: Vec<(Vec<Value>, Place)>,
    rows: u64,
    /// Of a comparison: what it came to.
    pub(super) matched: Option<Matched>,
}

/// A key that no two rows may have.
struct Unique<'a> {
    columns: Vec<Arc<str>>,
    check: Option<&'a SourceCheck>,
    /// Of every row so far.
    seen: Seen,
}

struct Group {
    key: Value,
    places: Vec<Place>,
    lines: Vec<u64>,
}

/// What went wrong, beside faults of the source itself.
#[derive(Debug)]
pub enum GatherError {
    /// Rows could not be kept.
    Spool(SpoolError),
    /// An expression of the playbook failed, and for which row.
    Expression(Box<Failure>, String),
    /// Something does not fit; a sentence without a full stop.
    Misfit(String),
}

impl From<SpoolError> for GatherError {
    fn from(error: SpoolError) -> GatherError {
        GatherError::Spool(error)
    }
}

impl<'a> Gathering<'a> {
    /// Ready for the first row. `key` are the columns that tell items apart; none for a list.
    pub fn new(
        targets: &'a Targets,
        key: Vec<Arc<str>>,
        scope: &'a Scope,
        sealer: &'a Sealer,
        folder: &Path,
    ) -> Result<Gathering<'a>, GatherError> {
        let mut uniques = Vec::new();
        if targets.group_by.is_none() || targets.key.is_some() {
            uniques.push(Unique { columns: key.clone(), check: None, seen: Seen::new(folder) });
        }
        uniques.extend(targets.check.iter().filter_map(|check| match &check.rule {
            Rule::Unique(columns) => {
                Some(Unique { columns: names(columns), check: Some(check), seen: Seen::new(folder) })
            }
            _ => None,
        }));
        Ok(Gathering {
            targets,
            key,
            scope,
            sealer,
            printer: Printer::new().map_err(SpoolError::from)?,
            spool: Spool::new(folder, sealer),
            faults: Faults::default(),
            uniques,
            groups: HashMap::new(),
            grouped: Vec::new(),
            sorting: Vec::new(),
            rows: 0,
            matched: None,
        })
    }

    /// What is put aside goes there.
    pub(super) fn folder(&self) -> &Path {
        self.spool.folder()
    }

    /// A spool of its own for rows that are not gathered.
    pub fn another_spool(&self) -> Spool {
        self.spool.beside()
    }

    /// What tells the items apart was found wanting already: it is not told twice.
    pub fn without_keys(&mut self) {
        self.uniques.retain(|unique| unique.check.is_some());
    }

    /// One row, as the steps will see it; `line` where it comes from a file.
    pub fn add(&mut self, value: Value, line: Option<u64>) -> Result<(), GatherError> {
        self.rows += 1;
        let at = line.unwrap_or(self.rows);
        for index in 0..self.uniques.len() {
            let parts = parts(&value, &self.uniques[index].columns)?;
            if self.uniques[index].check.is_none() && parts.iter().any(Value::is_null) {
                let columns = self.uniques[index].columns.join("`, `");
                self.faults.add(line, format!("its key `{columns}` is null{}", nth(line, self.rows)));
            }
            // What must differ is the text that names the item, not only the value behind it.
            let print = match self.uniques[index].check {
                None => self.print(&[Value::text(key_text(&parts, self.sealer).map_err(misfit)?)]),
                Some(_) => self.print(&parts),
            };
            self.uniques[index].seen.add(print, at)?;
        }
        for check in &self.targets.check {
            if let Rule::EachRow(expression) = &check.rule {
                let scope = self.scope.clone().with("item", value.clone());
                let failed = |f: Failure| GatherError::Expression(Box::new(f), place(line, self.rows));
                if expression.test(&scope).map_err(failed)?.0 != Truth::Yes {
                    let text =
                        said(check, &scope, || format!("it does not hold that {}", expression.scalar().text.trim()))?;
                    self.faults.add(line, format!("{text}{}", nth(line, self.rows)));
                }
            }
        }
        match &self.targets.group_by {
            Some(group) => self.add_to_group(group, value, line, at),
            None => {
                let sort = self.sort_key(&value, line)?;
                let stored = Value::map([("v", value), ("at", Value::from(i64::try_from(at).unwrap_or(i64::MAX)))]);
                let place = self.spool.add(stored)?;
                self.sorting.extend(sort.map(|key| (key, place)));
                Ok(())
            }
        }
    }

    fn add_to_group(&mut self, by: &GroupBy, value: Value, line: Option<u64>, at: u64) -> Result<(), GatherError> {
        let key = parts(&value, std::slice::from_ref(&by.key.text))?.pop().unwrap_or(Value::NULL);
        if key.is_null() {
            self.faults.add(line, format!("`{}` is null, so it belongs to no group{}", by.key.as_str(), nth(line, at)));
            return Ok(());
        }
        let key = match (by.fold, &key.data) {
            (Fold::Caseless, Data::Text(text)) => Value::text(text.to_lowercase()).marked(key.all_marks()),
            _ => key,
        };
        let name = self.print(std::slice::from_ref(&key));
        let place = self.spool.add(value)?;
        let index = *self.groups.entry(name).or_insert_with(|| {
            self.grouped.push(Group { key, places: Vec::new(), lines: Vec::new() });
            self.grouped.len() - 1
        });
        self.grouped[index].places.push(place);
        self.grouped[index].lines.extend(line);
        Ok(())
    }

    fn sort_key(&self, value: &Value, line: Option<u64>) -> Result<Option<Vec<Value>>, GatherError> {
        if self.targets.order_by.is_empty()
            || matches!(self.targets.from.source, Source::Find(_)) && plain_order(self.targets)
        {
            return Ok(None);
        }
        self.order_of(value, &place(line, self.rows)).map(Some)
    }

    fn order_of(&self, value: &Value, place: &str) -> Result<Vec<Value>, GatherError> {
        let scope = self.scope.clone().with("item", value.clone());
        let one = |text: &Text| match column_of(text) {
            Some((column, _)) => Ok(parts(value, &[column.into()])?.pop().unwrap_or(Value::NULL)),
            None => text
                .evaluate(&scope)
                .map(|e| e.value)
                .map_err(|f| GatherError::Expression(Box::new(f), place.to_owned())),
        };
        self.targets.order_by.iter().map(one).collect()
    }

    /// All rows are there: the items in their order. `take`: only the first so many.
    pub fn finish(mut self, take: Option<u64>) -> Result<(Listing, Faults), GatherError> {
        self.duplicates()?;
        let spool = std::mem::replace(&mut self.spool, Spool::new(Path::new(""), self.sealer)).done()?;
        if self.targets.group_by.is_some() {
            return self.groups(spool, take);
        }
        let order = self.targets.order_by.clone();
        let rows = self.rows;
        let sorted = if self.sorting.is_empty() {
            None
        } else {
            let mut sorting = std::mem::take(&mut self.sorting);
            sort(&mut sorting, &order)?;
            Some(sorting.into_iter().map(|(_, place)| place).collect())
        };
        let count = take.map_or(rows, |take| take.min(rows));
        let matched = self.matched;
        let listing = Listing { count, of: rows, lone: 0, matched, key: self.key, spool, sorted, groups: None };
        Ok((listing, self.faults))
    }

    fn groups(mut self, spool: Spooled, take: Option<u64>) -> Result<(Listing, Faults), GatherError> {
        let all = self.grouped.len();
        if self.targets.lone_groups == Some(LoneGroups::Skip) {
            self.grouped.retain(|group| group.places.len() > 1);
        }
        let lone = (all - self.grouped.len()) as u64;
        let checks: Vec<&SourceCheck> =
            self.targets.check.iter().filter(|check| matches!(check.rule, Rule::EachGroup(_))).collect();
        if !checks.is_empty() {
            for group in &self.grouped {
                let scope = self.scope.clone().with("item", group.value(&spool)?);
                for check in &checks {
                    let Rule::EachGroup(expression) = &check.rule else { continue };
                    let place = format!("a group of {}", super::faults::listed(&group.lines));
                    let failed = |f: Failure| GatherError::Expression(Box::new(f), place.clone());
                    if expression.test(&scope).map_err(failed)?.0 != Truth::Yes {
                        let text = said(check, &scope, || {
                            format!("it does not hold that {}", expression.scalar().text.trim())
                        })?;
                        self.faults.add(group.lines.iter().copied(), text);
                    }
                }
            }
        }
        let mut grouped = std::mem::take(&mut self.grouped);
        if !self.targets.order_by.is_empty() {
            let mut keyed = Vec::with_capacity(grouped.len());
            for group in grouped {
                keyed.push((self.order_of(&group.value(&spool)?, "a group")?, group));
            }
            sort(&mut keyed, &self.targets.order_by)?;
            grouped = keyed.into_iter().map(|(_, group)| group).collect();
        }
        let of = grouped.len() as u64;
        let count = take.map_or(of, |take| take.min(of));
        let (matched, groups) = (self.matched, Some(grouped));
        Ok((Listing { count, of, lone, matched, key: self.key, spool, sorted: None, groups }, self.faults))
    }

    /// Rows with the same key.
    fn duplicates(&mut self) -> Result<(), SpoolError> {
        let from_file = matches!(self.targets.from.source, Source::Csv(_));
        for unique in std::mem::take(&mut self.uniques) {
            let columns = if unique.columns.is_empty() { "element".into() } else { unique.columns.join("`, `") };
            let own = unique.check.and_then(|check| check.otherwise.as_ref()?.say.as_ref());
            let own = own.and_then(|say| say.message(self.scope, &[]).ok());
            unique.seen.twice(|at| {
                let what = own.clone().unwrap_or_else(|| format!("the same `{columns}` {} times", at.len()));
                self.faults.same(at, &what, from_file);
            })?;
        }
        Ok(())
    }

    /// Equal only for the same values.
    fn print(&self, parts: &[Value]) -> Print {
        self.printer.of(&canonical::bytes(&Value::list(parts.iter().cloned())))
    }
}

impl Group {
    fn value(&self, spool: &Spooled) -> Result<Value, SpoolError> {
        let rows = self.places.iter().map(|place| spool.at(*place)).collect::<Result<Vec<_>, _>>()?;
        let lines = self.lines.iter().map(|line| Value::from(i64::try_from(*line).unwrap_or(i64::MAX)));
        Ok(Value::map([("key", self.key.clone()), ("rows", Value::list(rows)), ("lines", Value::list(lines))]))
    }
}

/// The items of a run, in their order.
pub struct Listing {
    /// How many items are taken.
    pub count: u64,
    /// How many there are.
    pub of: u64,
    /// How many groups of one were left out.
    pub lone: u64,
    /// Of a comparison: how many records it looked at, and what it found.
    pub matched: Option<Matched>,
    key: Vec<Arc<str>>,
    spool: Spooled,
    sorted: Option<Vec<Place>>,
    groups: Option<Vec<Group>>,
}

impl Listing {
    /// The items, one after the other.
    pub fn items<'l>(
        &'l self,
        targets: &'l Targets,
        scope: &'l Scope,
        sealer: &'l Sealer,
    ) -> Result<impl Iterator<Item = Result<Item, GatherError>> + 'l, GatherError> {
        let values: Box<dyn Iterator<Item = Result<(Value, Value), SpoolError>> + Send + 'l> =
            match (&self.groups, &self.sorted) {
                (Some(groups), _) => {
                    Box::new(groups.iter().map(|group| Ok((group.key.clone(), group.value(&self.spool)?))))
                }
                (None, Some(places)) => {
                    Box::new(places.iter().map(|place| Ok((Value::NULL, row(self.spool.at(*place)?)))))
                }
                (None, None) => Box::new(self.spool.all()?.map(|one| Ok((Value::NULL, row(one?.1))))),
            };
        let count = usize::try_from(self.count).unwrap_or(usize::MAX);
        Ok(values.take(count).map(move |one| {
            let (group, value) = one?;
            let key = if self.groups.is_some() { vec![group] } else { parts(&value, &self.key)? };
            let key = key_text(&key, sealer).map_err(misfit)?;
            let lane =
                targets.subject.as_ref().map(|subject| lane(subject, &value, &key, scope, sealer)).transpose()?;
            Ok(Item { key, value, lane })
        }))
    }
}

fn misfit(error: SealError) -> GatherError {
    GatherError::Misfit(error.to_string())
}

fn row(stored: Value) -> Value {
    stored.get("v").unwrap_or(stored)
}

/// The text of a subject: a personal one is a fingerprint, as in keys.
fn lane(subject: &Text, value: &Value, key: &str, scope: &Scope, sealer: &Sealer) -> Result<Arc<str>, GatherError> {
    let scope = scope.clone().with("item", value.clone());
    let found = subject.evaluate(&scope);
    let found = found.map_err(|f| GatherError::Expression(Box::new(f), format!("item {key}")))?;
    key_text(&[found.value], sealer).map_err(misfit)
}

/// The values of these columns; the value itself where none is named.
fn parts(value: &Value, columns: &[Arc<str>]) -> Result<Vec<Value>, GatherError> {
    if columns.is_empty() {
        return Ok(vec![value.clone()]);
    }
    columns
        .iter()
        .map(|column| {
            part_of(value, column)
                .ok_or_else(|| GatherError::Misfit(format!("the rows of the source have no column `{column}`")))
        })
        .collect()
}

/// A column, or a part of what a comparison gives: `left.email`, `key.code`.
fn part_of(value: &Value, column: &str) -> Option<Value> {
    value.get(column).or_else(|| {
        let (first, rest) = column.split_once('.')?;
        let inner = value.get(first)?;
        // What a side does not have has no parts.
        if inner.is_null() { Some(inner) } else { inner.get(rest) }
    })
}

fn names(columns: &Columns) -> Vec<Arc<str>> {
    columns.0.iter().map(|word| word.text.clone()).collect()
}

/// Where a row stands, for messages.
fn place(line: Option<u64>, number: u64) -> String {
    line.map_or_else(|| format!("row {number} of the source"), |line| format!("line {line}"))
}

/// The same behind a fault that has no line.
fn nth(line: Option<u64>, number: u64) -> String {
    if line.is_some() { String::new() } else { format!(" (row {number})") }
}

/// What the author says of a fault.
fn said(check: &SourceCheck, scope: &Scope, usual: impl FnOnce() -> String) -> Result<String, GatherError> {
    match check.otherwise.as_ref().and_then(|otherwise| otherwise.say.as_ref()) {
        Some(say) => say.message(scope, &[]).map_err(|f| GatherError::Expression(Box::new(f), "the source".into())),
        None => Ok(usual()),
    }
}

/// A column to sort by, and whether the largest comes first; nothing for an expression.
pub fn column_of(text: &Text) -> Option<(&str, bool)> {
    let word = text.literal()?.as_str()?;
    Some(word.strip_prefix('-').map_or((word, false), |column| (column, true)))
}

/// Every part of the order is a column: a table can do it.
pub fn plain_order(targets: &Targets) -> bool {
    targets.group_by.is_none() && targets.order_by.iter().all(|text| column_of(text).is_some())
}

fn sort<T>(keyed: &mut [(Vec<Value>, T)], by: &[Text]) -> Result<(), GatherError> {
    let down: Vec<bool> = by.iter().map(|text| column_of(text).is_some_and(|(_, down)| down)).collect();
    let mut odd = None;
    keyed.sort_by(|(a, _), (b, _)| {
        for (part, (a, b)) in a.iter().zip(b).enumerate() {
            let order = order(a, b).unwrap_or_else(|why| {
                odd.get_or_insert((part, why));
                Ordering::Equal
            });
            if order != Ordering::Equal {
                return if down[part] { order.reverse() } else { order };
            }
        }
        Ordering::Equal
    });
    match odd {
        None => Ok(()),
        Some((part, why)) => {
            let text = by[part].scalar().text.trim().to_owned();
            Err(GatherError::Misfit(format!("`order_by` cannot put the items in order by {text}: {why}")))
        }
    }
}

/// Nulls first, false before true.
fn order(a: &Value, b: &Value) -> Result<Ordering, String> {
    match (&a.data, &b.data) {
        (Data::Null, Data::Null) => Ok(Ordering::Equal),
        (Data::Null, _) => Ok(Ordering::Less),
        (_, Data::Null) => Ok(Ordering::Greater),
        (Data::Bool(a), Data::Bool(b)) => Ok(a.cmp(b)),
        _ => compare::order(a, b),
    }
}

#[cfg(test)]
#[path = "gather_tests.rs"]
mod tests;
