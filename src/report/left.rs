//! Rows that an undo leaves alone, each column in three versions: before the run, as the run left it, now.

use super::{
    columns::width,
    diff::said,
    line::{Line, Tone},
    look::View,
    page::Page,
    plain_value::{of, of_map},
};
use crate::{base::value::Value, effect::left::LeftAlone, table::facts::Facts};

/// More rows than this are counted, not shown.
const MOST_ROWS: usize = 20;

/// One block a row.
pub fn rows(page: &mut Page, indent: usize, left: &[LeftAlone], view: &View<'_>) {
    for row in left.iter().take(MOST_ROWS) {
        let facts = (view.facts)(&row.table);
        let key: Vec<String> = row.key.iter().map(|(c, v)| format!("{c} {}", said(&seen(facts, c, v)))).collect();
        let head = Line::of(Tone::Care, "! left alone: ").plain(row.table.to_string()).plain("  ");
        page.hung(indent, indent + 2, head.plain(key.join(", ")).add(Tone::Care, format!("  {}", row.why)));
        let names = row.columns.iter().map(|v| width(&v.column)).max().unwrap_or(0).min(28);
        for versions in &row.columns {
            let sides = [("before", &versions.before), ("by the run", &versions.ours), ("now", &versions.now)];
            for (index, (name, value)) in sides.into_iter().enumerate() {
                let column = if index == 0 { &*versions.column } else { "" };
                let shown =
                    value.as_ref().map_or_else(|| "(no row)".to_owned(), |v| said(&seen(facts, &versions.column, v)));
                let line = Line::of(Tone::Plain, column).pad(names + 2, 2).add(Tone::Dim, name).pad(names + 14, 2);
                page.hung(indent + 4, indent + 4 + names + 14, line.plain(shown));
            }
        }
    }
    if left.len() > MOST_ROWS {
        let more = format!("{} and {} rows more; `--json` shows all", page.look.ellipsis(), left.len() - MOST_ROWS);
        page.line(indent, Line::of(Tone::Care, more));
    }
}

fn seen(facts: Option<&Facts>, column: &str, value: &Value) -> Value {
    facts.map_or_else(|| value.clone(), |f| f.named(column, value.clone()).marked(f.marks(column)))
}

/// As JSON: table, key, why, columns with `before`, `ours` and `now`; a version is null where there was no row.
pub fn json(left: &[LeftAlone]) -> Value {
    let row = |row: &LeftAlone| {
        let side = |value: &Option<Value>| value.as_ref().map_or(Value::NULL, of);
        let columns = row.columns.iter().map(|v| {
            let versions = [("before", side(&v.before)), ("ours", side(&v.ours)), ("now", side(&v.now))];
            (v.column.clone(), Value::map(versions))
        });
        Value::map([
            ("table", Value::text(row.table.to_string())),
            ("key", of_map(&row.key)),
            ("because", row.why.as_str().into()),
            ("columns", Value::map(columns)),
        ])
    };
    Value::list(left.iter().map(row))
}
