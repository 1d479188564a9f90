//! Tables of a catalogue for SQLite, on which tests run: names, kinds and keys, without what only the real database does.

use crate::table::catalogue::{Catalogue, Column, Kind, Table};

pub fn sqlite(catalogue: &Catalogue) -> String {
    let mut text = String::from(
        "-- The tables on which the tests of playbooks run, made by `trueup new` from the catalogue. Yours to change: add\n-- references, checks and triggers that matter to a procedure.\n",
    );
    for (name, table) in catalogue.iter().filter(|(_, table)| !table.view) {
        text.push_str(&one(name, table));
    }
    text
}

fn one(name: &str, table: &Table) -> String {
    let quoted = |name: &str| format!("\"{}\"", name.replace('"', "\"\""));
    let list = |columns: &[std::sync::Arc<str>]| columns.iter().map(|c| quoted(c)).collect::<Vec<_>>().join(", ");
    let single = match table.primary_key.as_slice() {
        [key] => table.column(key).filter(|column| matches!(column.kind, Kind::Int { .. })).map(|column| &*column.name),
        _ => None,
    };
    let mut lines: Vec<String> = table
        .columns
        .values()
        .map(|column| {
            if single == Some(&*column.name) {
                return format!("  {} integer primary key autoincrement", quoted(&column.name));
            }
            let must = if column.nullable || column.has_default || column.generated { "" } else { " not null" };
            format!("  {} {}{must}", quoted(&column.name), kind(column))
        })
        .collect();
    if single.is_none() && !table.primary_key.is_empty() {
        lines.push(format!("  primary key ({})", list(&table.primary_key)));
    }
    lines.extend(table.unique.iter().map(|key| format!("  unique ({})", list(key))));
    format!("\ncreate table {} (\n{}\n);\n", quoted(name), lines.join(",\n"))
}

/// The names of types that trueup reads in SQLite.
fn kind(column: &Column) -> String {
    match &column.kind {
        Kind::Bool => "boolean".into(),
        Kind::Int { max, .. } if *max <= i64::from(i32::MAX) => "integer".into(),
        Kind::Int { .. } => "bigint".into(),
        Kind::Decimal(Some((precision, scale))) => format!("decimal text({precision}, {scale})"),
        // With the affinity of texts, so that no digit is lost.
        Kind::Decimal(None) => "decimal text".into(),
        Kind::Float => "double".into(),
        Kind::Text(Some(most)) => format!("varchar({most})"),
        Kind::Text(None) | Kind::Enum(_) | Kind::Time | Kind::Other => "text".into(),
        Kind::Bytes => "blob".into(),
        Kind::Date => "date".into(),
        Kind::Timestamp | Kind::Instant => "timestamp".into(),
        Kind::Uuid => "uuid".into(),
        Kind::Json => "json".into(),
    }
}
