//! Rows that an undo leaves alone, each column in three versions: before the run, as the run left it, now.

use super::{
    diff::said,
    line::{Line, Tone},
    look::View,
    page::Page,
    plain_value::{of, of_map},
};
use crate::{
    base::value::Value,
    effect::left::{self, LeftAlone},
    table::facts::Facts,
};

/// More rows than this are counted, not shown.
const MOST_ROWS: usize = 20;

/// The values begin so far behind the names of the versions.
const NAMES: usize = 12;

/// One block a row.
pub fn rows(page: &mut Page, indent: usize, left: &[LeftAlone], view: &View<'_>) {
    for row in left.iter().take(MOST_ROWS) {
        let facts = (view.facts)(&row.table);
        let key: Vec<String> = row.key.iter().map(|(c, v)| format!("{c} {}", said(&seen(facts, c, v)))).collect();
        let head = Line::of(Tone::Care, "! left alone: ").plain(row.table.to_string()).plain("  ");
        page.hung(indent, indent + 2, head.plain(key.join(", ")).add(Tone::Care, format!("  {}", row.why)));
        for versions in &row.columns {
            page.line(indent + 4, Line::of(Tone::Plain, &*versions.column));
            for (name, value) in [("before", &versions.before), ("by the run", &versions.ours), ("now", &versions.now)]
            {
                let shown =
                    value.as_ref().map_or_else(|| "(no row)".to_owned(), |v| said(&seen(facts, &versions.column, v)));
                let line = Line::of(Tone::Dim, name).pad(NAMES, 2).plain(shown);
                page.hung(indent + 6, indent + 6 + NAMES, line);
            }
        }
    }
    if left.len() > MOST_ROWS {
        let more = format!("{} and {} more; `--json` shows all", page.look.ellipsis(), left::many(&left[MOST_ROWS..]));
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        base::value::{Data, Map},
        effect::{change::TableName, left::Versions},
        report::sample::{PERSONAL, golden, is_proper, plain, view},
    };

    fn left() -> Vec<LeftAlone> {
        let table = TableName::parse("register.trainees").unwrap();
        let key: Map = [("id".into(), Value::from(1001))].into_iter().collect();
        let versions = |column: &str, before: Value, ours: Value, now: Value| Versions {
            column: column.into(),
            before: Some(before),
            ours: Some(ours),
            now: Some(now),
        };
        let note = "Ask the provider whether the trainee has left for good, and write the date of the last day here.";
        let changed = LeftAlone {
            table: table.clone(),
            key: key.clone(),
            why: "somebody changed it since".into(),
            columns: vec![
                versions("state", Value::from(6), Value::from(2), Value::from(4)),
                versions("first_names", PERSONAL[0].into(), Value::NULL, PERSONAL[0].into()),
                versions("withdraw_reason", Value::NULL, Data::Int(3).into(), note.into()),
            ],
        };
        let gone = LeftAlone {
            why: "it is not there any more".into(),
            columns: vec![Versions {
                column: "state".into(),
                before: Some(Value::from(6)),
                ours: Some(Value::from(2)),
                now: None,
            }],
            ..changed.clone()
        };
        let why = "rows that hang on it would go or change with it: 2 of register.placements".into();
        vec![changed, gone, LeftAlone { table, key, why, columns: Vec::new() }]
    }

    #[test]
    fn a_row_left_alone_is_shown_in_three_versions_and_without_persons() {
        let mut all = String::new();
        for width in [60, 80, 120] {
            let mut page = Page::new(view(width, true).look);
            rows(&mut page, 6, &left(), &view(width, true));
            let shown = page.finish();
            is_proper(&shown, width);
            assert!(PERSONAL.iter().all(|person| !shown.contains(person)), "{shown}");
            all.push_str(&format!("---- {width}\n{}\n", plain(&shown)));
        }
        golden("left-alone.txt", &all);
    }
}
