//! What SQLite says of its tables and of its file.

use super::{
    super::{
        fault::Fault,
        sql_rules,
        statement::{Limits, Statement},
    },
    Link,
    convert::kind,
};
use crate::{
    base::value::{Map, Value},
    table::catalogue::{Catalogue, Column, Judge, Kind, Reference, Renewed, Table},
    template::sql::Dialect,
};
use sqlx::{Row, SqliteConnection};
use std::{collections::HashMap, sync::Arc};

pub const ALL: Limits = Limits { rows: 1_000_000, bytes: 256 << 20 };

const COLUMNS: &str = "\
    SELECT m.name AS \"table\", m.type = 'view' AS is_view, x.name, x.type, x.\"notnull\", x.dflt_value IS NOT NULL AS has_default, \
           x.dflt_value AS given, \
           x.pk, x.hidden, m.sql LIKE '%WITHOUT%ROWID%' AS without_rowid \
    FROM sqlite_schema m JOIN pragma_table_xinfo(m.name) x \
    WHERE m.type IN ('table', 'view') AND m.name NOT LIKE 'sqlite\\_%' ESCAPE '\\' AND x.hidden <> 1 \
      AND (?1 IS NULL OR m.name IN (SELECT value FROM json_each(?1))) \
    ORDER BY m.name, x.cid";

const UNIQUE: &str = "\
    SELECT m.name AS \"table\", l.name AS \"index\", i.name AS \"column\" \
    FROM sqlite_schema m JOIN pragma_index_list(m.name) l JOIN pragma_index_info(l.name) i \
    WHERE m.type = 'table' AND l.\"unique\" AND NOT l.partial AND l.origin <> 'pk' \
      AND (?1 IS NULL OR m.name IN (SELECT value FROM json_each(?1))) \
    ORDER BY m.name, l.seq, i.seqno";

/// A trigger has the name of its table as it was written when the trigger was made: the table is told as it is called itself.
const TRIGGERS: &str = "\
    SELECT t.name AS \"table\", m.type, m.name, m.sql FROM sqlite_schema m JOIN sqlite_schema t \
      ON t.type IN ('table', 'view') AND t.name = m.tbl_name COLLATE NOCASE \
    WHERE (m.type = 'trigger' OR m.type = 'table' AND m.sql LIKE '%INITIALLY%DEFERRED%') \
      AND (?1 IS NULL OR t.name IN (SELECT value FROM json_each(?1))) ORDER BY m.name";

/// SQLite takes names of tables for the same in capital letters and in small ones: the target and its columns are told as they are called themselves. A foreign key that
/// names no columns there means the primary key.
const REFERENCES: &str = "\
    SELECT m.name AS \"table\", t.name AS target, f.\"from\" AS \"column\", f.id AS number, \
           coalesce((SELECT x.name FROM pragma_table_xinfo(t.name) x WHERE x.name = f.\"to\" COLLATE NOCASE), f.\"to\", (SELECT x.name FROM pragma_table_info(t.name) x WHERE x.pk = f.seq + 1)) AS key \
    FROM sqlite_schema m JOIN pragma_foreign_key_list(m.name) f JOIN sqlite_schema t ON t.type = 'table' AND f.\"table\" = t.name COLLATE NOCASE \
    WHERE m.type = 'table' AND (?1 IS NULL OR m.name IN (SELECT value FROM json_each(?1)) AND t.name IN (SELECT value FROM json_each(?1))) \
    ORDER BY m.name, f.id, f.seq";

/// Declared kinds of a table's columns by their names; the table as sqlx names it (`db.table` outside `main`).
pub async fn declared(connection: &mut SqliteConnection, table: &str) -> Result<HashMap<String, Kind>, sqlx::Error> {
    let (schema, table) = table.split_once('.').unwrap_or(("main", table));
    let query = sqlx::query("SELECT name, type FROM pragma_table_xinfo(?1, ?2)").bind(table).bind(schema);
    let rows = query.fetch_all(connection).await?;
    rows.iter().map(|row| Ok((row.try_get(0)?, kind(row.try_get::<&str, _>(1)?)))).collect()
}

/// Columns, types, keys and triggers of the named tables, or of all.
pub async fn read(link: &mut Link, tables: Option<&[&str]>) -> Result<Catalogue, Fault> {
    let names = tables.map_or(Value::NULL, |names| Value::list(names.iter().map(|n| Value::from(*n))));
    let mut catalogue = Catalogue::new();
    let mut keys: HashMap<Arc<str>, Vec<(i64, Arc<str>)>> = HashMap::new();
    for row in ask(link, COLUMNS, &names).await? {
        let table: &mut Table = catalogue.entry(text(&row, "table")).or_default();
        table.view = is(&row, "is_view");
        let column = column(&row);
        if int(&row, "pk") > 0 {
            keys.entry(text(&row, "table")).or_default().push((int(&row, "pk"), column.name.clone()));
        }
        table.columns.insert(column.name.clone(), column);
    }
    for (name, mut key) in keys {
        key.sort();
        let Some(table) = catalogue.get_mut(&name) else { continue };
        // INTEGER PRIMARY KEY is the rowid, which SQLite counts up by itself.
        if let [(_, only)] = key.as_slice()
            && let Some(column) = table.columns.get_mut(only)
            && column.type_name.eq_ignore_ascii_case("integer")
        {
            (column.has_default, column.nullable) = (true, false);
        }
        table.primary_key = key.into_iter().map(|(_, column)| column).collect();
    }
    let mut last = None;
    for row in ask(link, UNIQUE, &names).await? {
        let Some(table) = catalogue.get_mut(&text(&row, "table")) else { continue };
        let index = text(&row, "index");
        if last.as_ref() != Some(&index) {
            table.unique.push(Vec::new());
        }
        if let Some(columns) = table.unique.last_mut() {
            columns.push(text(&row, "column"));
        }
        last = Some(index);
    }
    for row in ask(link, TRIGGERS, &names).await? {
        let Some(table) = catalogue.get_mut(&text(&row, "table")) else { continue };
        if &*text(&row, "type") == "table" {
            table.judges.push(Judge { what: "a deferred foreign key".into(), columns: Vec::new() });
            continue;
        }
        let name = text(&row, "name").to_string();
        if sql_rules::looks_beyond(&text(&row, "sql"), &text(&row, "table"), Dialect::Sqlite) {
            table.judges.push(Judge { what: format!("the trigger `{name}`"), columns: Vec::new() });
        }
        table.triggers.push(name);
    }
    Ok(catalogue)
}

/// The foreign keys between these tables, or all.
pub async fn references(link: &mut Link, tables: Option<&[&str]>) -> Result<Vec<Reference>, Fault> {
    let names = tables.map_or(Value::NULL, |names| Value::list(names.iter().map(|n| Value::from(*n))));
    let (mut found, mut last) = (Vec::<Reference>::new(), None);
    for row in ask(link, REFERENCES, &names).await? {
        let (from, number) = (text(&row, "table"), int(&row, "number"));
        if last.as_ref() != Some(&(from.clone(), number)) {
            found.push(Reference {
                from: from.clone(),
                columns: Vec::new(),
                to: text(&row, "target"),
                keys: Vec::new(),
            });
        }
        if let Some(reference) = found.last_mut() {
            reference.columns.push(text(&row, "column"));
            reference.keys.push(text(&row, "key"));
        }
        last = Some((from, number));
    }
    Ok(found)
}

/// Rows of a statement of our own, whose one argument is a list of table names.
pub async fn ask(link: &mut Link, sql: &str, names: &Value) -> Result<Vec<Map>, Fault> {
    Ok(link.run(&Statement::new(sql, vec![names.clone()]), ALL).await?.named()?.rows)
}

/// A text cell.
pub fn text(row: &Map, name: &str) -> Arc<str> {
    row.get(name).and_then(Value::as_str).unwrap_or_default().into()
}

/// A number cell.
pub fn int(row: &Map, name: &str) -> i64 {
    row.get(name).and_then(Value::as_int).unwrap_or(0)
}

fn is(row: &Map, name: &str) -> bool {
    int(row, name) != 0
}

fn column(row: &Map) -> Column {
    let declared = text(row, "type");
    let given = text(row, "given").to_ascii_lowercase();
    let literal = given.starts_with(['\'', '"']);
    let renewed = match !literal && (given.contains('(') || given.starts_with("current_")) {
        true => Renewed::Made,
        false => Renewed::Never,
    };
    Column {
        name: text(row, "name"),
        kind: kind(&declared),
        type_name: declared.to_lowercase(),
        // A primary key may be null in SQLite unless it says otherwise; only WITHOUT ROWID forbids it.
        nullable: !(is(row, "notnull") || is(row, "without_rowid") && int(row, "pk") > 0),
        has_default: is(row, "has_default"),
        generated: matches!(int(row, "hidden"), 2 | 3),
        numbered: false,
        renewed,
        invisible: false,
    }
}
