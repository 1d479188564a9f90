//! Two sources compared by their keys. The right one is read first and put aside; of each of its rows a fingerprint of the key stays in
//! memory. Then the left one is read, and each of its rows looks for its counterpart. So neither source has to come in any order
//! (no two databases sort texts alike), and memory does not grow with what the rows hold.

use super::{
    comparing::{Comparing, Difference},
    faults::Faults,
    gather::{GatherError, Gathering},
    model::{From, Source},
    seen::Seen,
    source::{Reach, Reading, SourceError},
    spool::{Place, Spool, Spooled},
};
use crate::{
    action::compare::{ComparedField, Side, look_up},
    base::{
        sorting::{Print, Printer},
        value::{Map, Value},
    },
    effect::{
        alike::As,
        compared::{Compared, Comparison},
        matched::Matched,
    },
    table::{condition::Order, facts::Columns},
    template::Scope,
};
use std::sync::Arc;

/// Reads both, and adds what differs.
pub(super) async fn read(
    comparing: &Comparing,
    scope: &Scope,
    reach: &Reach<'_>,
    into: &mut Gathering<'_>,
) -> Result<(), SourceError> {
    let [(_, left), (_, right)] = comparing.sides();
    let mut shelf = Shelf { spool: into.another_spool(), rows: Vec::new() };
    let (mut keys, mut faults) = (Keys::of(comparing, "right", into), Faults::default());
    reading(right, "targets/from/right", &comparing.key.right)
        .rows(scope, reach, &mut faults, &mut |row, line| {
            let Some((print, at)) = keys.take(&row, line)? else { return Ok(()) };
            let place = shelf.spool.add(row)?;
            shelf.rows.push(OnShelf { print, at, met: false, place });
            Ok(())
        })
        .await?;
    let right_rows = keys.rows;
    into.faults.append(keys.end(faults)?);
    let mut shelf = shelf.sorted()?;
    let (mut keys, mut faults) = (Keys::of(comparing, "left", into), Faults::default());
    let pairing = Pairing { comparing, scope, names: comparing.names().map(Arc::from) };
    let (mut both, mut different) = (0, 0);
    let read = reading(left, "targets/from/left", &comparing.key.left)
        .rows(scope, reach, &mut faults, &mut |row, line| {
            let Some((print, _)) = keys.take(&row, line)? else { return Ok(()) };
            let item = match shelf.meet(print)? {
                Some(other) => {
                    let item = pairing.both(row, other)?;
                    (both, different) = (both + 1, different + u64::from(item.is_some()));
                    item
                }
                None => pairing.one(Difference::OnlyLeft, row),
            };
            item.map_or(Ok(()), |item| into.add(item, None))
        })
        .await;
    let left_rows = keys.rows;
    into.faults.append(keys.end(faults)?);
    read?;
    // Of records that nobody asked the fields of only the keys were compared.
    let fields = comparing.wants(Difference::Different) && !comparing.fields.is_empty();
    let ([left, right], different) = (pairing.names.clone(), fields.then_some(different));
    into.matched = Some(Matched { left, right, left_rows, right_rows, both, different });
    if !into.faults.is_empty() {
        into.without_keys();
    }
    if comparing.wants(Difference::OnlyRight) {
        for place in shelf.unmet() {
            let item = pairing.one(Difference::OnlyRight, shelf.spool.at(place).map_err(GatherError::from)?);
            item.map_or(Ok(()), |item| into.add(item, None))?;
        }
    }
    Ok(())
}

/// In the order of its key, so that two tables in the same order meet row by row.
fn reading<'a>(of: &'a From, place: &'static str, key: &Columns) -> Reading<'a> {
    let column = |column: &str| Order { column: column.into(), descending: false };
    let own = matches!(&of.source, Source::Find(find) if find.order_by.is_empty());
    let order = if own { key.names().map(column).collect() } else { Vec::new() };
    Reading { of, place, order, whole: key.names().map(Arc::from).collect() }
}

/// The keys of one side: each is there once, and none is null.
struct Keys<'a> {
    side: &'static str,
    columns: &'a Columns,
    kind: As,
    printer: Printer,
    seen: Seen,
    rows: u64,
    from_file: bool,
    faults: Faults,
}

impl<'a> Keys<'a> {
    fn of(comparing: &'a Comparing, side: &'static str, into: &Gathering<'_>) -> Keys<'a> {
        let [(_, left), (_, right)] = comparing.sides();
        let (columns, from) = if side == "left" { (&comparing.key.left, left) } else { (&comparing.key.right, right) };
        let from_file = matches!(from.source, Source::Csv(_));
        Keys {
            side,
            columns,
            kind: comparing.key.kind,
            printer: into.printer.clone(),
            seen: Seen::new(into.folder()),
            rows: 0,
            from_file,
            faults: Faults::default(),
        }
    }

    /// The print of a row's key with where the row stands; nothing for one without a key, which is noted.
    fn take(&mut self, row: &Value, line: Option<u64>) -> Result<Option<(Print, u32)>, GatherError> {
        self.rows += 1;
        let at = line.unwrap_or(self.rows);
        let parts = key(row, self.columns, self.side)?;
        if parts.iter().any(Value::is_null) {
            let columns = self.columns.names().collect::<Vec<_>>().join("`, `");
            let nth = if line.is_some() { String::new() } else { format!(" (row {at})") };
            self.faults.add(line, format!("its key `{columns}` is null{nth}"));
            return Ok(None);
        }
        let mut bytes = Vec::new();
        for part in &parts {
            let part = self.kind.print(part);
            bytes.extend((part.len() as u64).to_be_bytes());
            bytes.extend(part);
        }
        let print = self.printer.of(&bytes);
        self.seen.add(print, at)?;
        Ok(Some((print, u32::try_from(at).unwrap_or(u32::MAX))))
    }

    /// Everything that is wrong with this side: `cells` is what its reader found.
    fn end(self, mut cells: Faults) -> Result<Faults, GatherError> {
        let (mut faults, columns) = (self.faults, self.columns.names().collect::<Vec<_>>().join("`, `"));
        self.seen.twice(|at| {
            let what = format!("the same `{columns}` {} times", at.len());
            faults.same(at, &what, self.from_file);
        })?;
        cells.append(faults);
        Ok(cells.of(self.side))
    }
}

/// The values of a key's columns.
fn key(row: &Value, columns: &Columns, side: &str) -> Result<Vec<Value>, GatherError> {
    let part = |column: &str| {
        let first = column.split('.').next().unwrap_or(column);
        match row.get(column) {
            Some(value) => Ok(value),
            None if row.get(first).is_some() => Ok(look_up(row, column)),
            None => Err(GatherError::Misfit(format!("the records of `{side}` have no `{column}`"))),
        }
    };
    columns.names().map(part).collect()
}

/// A row of the right side.
struct OnShelf {
    print: Print,
    at: u32,
    met: bool,
    place: Place,
}

/// The rows of the right side while they arrive.
struct Shelf {
    spool: Spool,
    rows: Vec<OnShelf>,
}

/// The rows of the right side, by key.
struct Sorted {
    spool: Spooled,
    rows: Vec<OnShelf>,
}

impl Shelf {
    fn sorted(mut self) -> Result<Sorted, GatherError> {
        self.rows.sort_unstable_by_key(|row| (row.print, row.at));
        Ok(Sorted { spool: self.spool.done()?, rows: self.rows })
    }
}

impl Sorted {
    /// The row with this key.
    fn meet(&mut self, print: Print) -> Result<Option<Value>, GatherError> {
        let Ok(found) = self.rows.binary_search_by_key(&print, |row| row.print) else { return Ok(None) };
        self.rows[found].met = true;
        Ok(Some(self.spool.at(self.rows[found].place)?))
    }

    /// Where those stand that nobody looked for, in their own order.
    fn unmet(&self) -> Vec<Place> {
        let mut places: Vec<Place> = self.rows.iter().filter(|row| !row.met).map(|row| row.place).collect();
        places.sort_unstable();
        places
    }
}

/// Makes items of rows.
struct Pairing<'a> {
    comparing: &'a Comparing,
    scope: &'a Scope,
    names: [Arc<str>; 2],
}

impl Pairing<'_> {
    /// A record that only one side has; nothing where such are no items.
    fn one(&self, difference: Difference, row: Value) -> Option<Value> {
        if !self.comparing.wants(difference) {
            return None;
        }
        let [left, right] = &self.names;
        let (columns, name) = match difference {
            Difference::OnlyRight => (&self.comparing.key.right, right),
            _ => (&self.comparing.key.left, left),
        };
        let text = Value::from(format!("only in {name}"));
        let key = self.key_of(&row, columns);
        let (left, right) = if difference == Difference::OnlyRight { (Value::NULL, row) } else { (row, Value::NULL) };
        Some(self.item(difference, key, [left, right], [Value::list([]), Value::list([]), text]))
    }

    /// A record that both have; nothing where it agrees.
    fn both(&self, left: Value, right: Value) -> Result<Option<Value>, GatherError> {
        if !self.comparing.wants(Difference::Different) {
            return Ok(None);
        }
        let mut fields = Vec::with_capacity(self.comparing.fields.len());
        for field in &self.comparing.fields {
            let (one, other) = self.field(field, &left, &right)?;
            let equal = field.way().alike(&one, &other);
            fields.push(Compared { name: field.name.text.clone(), left: one, right: other, equal });
        }
        let [ours, theirs] = self.names.clone();
        let comparison = Comparison { left: ours, right: theirs, fields };
        if comparison.equal() == Some(true) {
            return Ok(None);
        }
        let value = comparison.value();
        let part = |name: &str| value.get(name).unwrap_or(Value::NULL);
        let about = [part("different"), part("fields"), part("text")];
        let key = self.key_of(&left, &self.comparing.key.left);
        Ok(Some(self.item(Difference::Different, key, [left, right], about)))
    }

    /// Both values of a field.
    fn field(&self, field: &ComparedField, left: &Value, right: &Value) -> Result<(Value, Value), GatherError> {
        let side = |side: &Option<Side>, row: &Value, word: &str| match side {
            Some(Side::Value(datum)) => {
                let sides = Value::map([("left", left.clone()), ("right", right.clone())]);
                let scope = self.scope.clone().with("item", sides);
                let place = || format!("the field `{}`", field.name.as_str());
                datum.evaluate(&scope).map(|e| e.value).map_err(|f| GatherError::Expression(Box::new(f), place()))
            }
            _ => {
                let path = field.path(side).map_or("", |path| path.as_str());
                self.there(row, path, word)
            }
        };
        Ok((side(&field.left, left, "left")?, side(&field.right, right, "right")?))
    }

    /// A column of a row. Rows of tables, queries and files have all of their columns: one that is not there is a mistake. What
    /// an API leaves out is null.
    fn there(&self, row: &Value, path: &str, word: &str) -> Result<Value, GatherError> {
        if let Some(value) = row.get(path) {
            return Ok(value);
        }
        let [(_, left), (_, right)] = self.comparing.sides();
        let side = if word == "left" { left } else { right };
        let first = path.split('.').next().unwrap_or(path);
        let loose = matches!(side.source, Source::Http(_) | Source::List(_));
        if !loose && row.get(first).is_none() {
            return Err(GatherError::Misfit(format!("the records of `{word}` have no `{first}`")));
        }
        Ok(look_up(row, path))
    }

    /// The key as the item shows it: the one value, or a map of several.
    fn key_of(&self, row: &Value, columns: &Columns) -> Value {
        let part = |column: &str| row.get(column).unwrap_or_else(|| look_up(row, column));
        let names = &self.comparing.key.left;
        match columns.0.as_slice() {
            [one] => part(one.as_str()),
            several => {
                let parts = names.names().zip(several).map(|(name, column)| (Arc::from(name), part(column.as_str())));
                parts.collect::<Map>().into()
            }
        }
    }

    fn item(
        &self,
        difference: Difference,
        key: Value,
        [left, right]: [Value; 2],
        [differs, fields, text]: [Value; 3],
    ) -> Value {
        let [ours, theirs] = self.names.clone();
        Value::map([
            ("key", key),
            ("difference", difference.word().into()),
            ("left", left),
            ("right", right),
            ("differs", differs),
            ("fields", fields),
            ("text", text),
            ("names", Value::map([("left", Value::text(ours)), ("right", Value::text(theirs))])),
        ])
    }
}
