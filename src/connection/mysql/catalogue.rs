//! What MySQL says of its tables.

use super::{
    super::{fault::Fault, sql_rules, statement::Limits},
    Flavour, Link, form, is, text,
};
use crate::{
    base::value::{Map, Value},
    table::catalogue::{Catalogue, Column, Judge, Kind, Renewed, Table},
    template::sql::Dialect,
};
use std::{collections::BTreeMap, sync::Arc};

pub const ALL: Limits = Limits { rows: 1_000_000, bytes: 256 << 20 };

const COLUMNS: &str = "\
    select c.table_name as of_table, c.column_name as name, c.data_type as word, c.column_type as type, \
           c.character_maximum_length as longest, c.numeric_precision as digits, c.numeric_scale as scale, \
           c.is_nullable = 'YES' as nullable, c.extra as extra, c.column_default as given, \
           coalesce(c.generation_expression, '') <> '' as computed, c.character_set_name is null as binary_text, \
           (select t.table_type like '%VIEW%' from information_schema.tables t \
             where t.table_schema = ? and t.table_name = c.table_name) as view \
    from information_schema.columns c where c.table_schema = ? ";

pub(super) const ONE: &str = "and c.table_name = ? ";

const JSON: &str = "\
    select table_name as of_table, check_clause as rule from information_schema.check_constraints \
    where constraint_schema = ? and check_clause like 'json_valid(%' ";

/// A key over a part of a column or over an expression is no key of whole values.
const UNIQUE: &str = "\
    select s.table_name as of_table, s.index_name as name, s.column_name as col, s.sub_part is not null as part \
    from information_schema.statistics s where s.table_schema = ? and s.non_unique = 0 ";

const TRIGGERS: &str = "\
    select event_object_table as of_table, trigger_name as name, action_statement as body from information_schema.triggers \
    where event_object_schema = ? ";

/// All of them, for a test.
#[cfg(test)]
pub(super) const QUESTIONS: [&str; 4] = [COLUMNS, JSON, UNIQUE, TRIGGERS];

/// Columns, types, keys and triggers of the named tables, or of all in the database of the address.
pub async fn read(link: &mut Link, tables: Option<&[&str]>) -> Result<Catalogue, Fault> {
    let mut catalogue = Catalogue::new();
    match tables {
        None => {
            let found = of_schema(link, Value::text(link.database.clone()), None).await?;
            catalogue.extend(found);
        }
        Some(tables) => {
            for table in tables {
                let (schema, name) = link.place(table);
                let mut found = of_schema(link, schema, Some(name.clone())).await?;
                if let Some(read) = found.swap_remove(name.as_str().unwrap_or_default()) {
                    catalogue.insert((*table).into(), read);
                }
            }
        }
    }
    Ok(catalogue)
}

/// By table and name; nothing where a key is none of whole values.
type Keys = BTreeMap<(Arc<str>, Arc<str>), Option<Vec<Arc<str>>>>;

async fn of_schema(link: &mut Link, schema: Value, table: Option<Value>) -> Result<Catalogue, Fault> {
    let mut catalogue = with_columns(link, &schema, table.as_ref()).await?;
    let ask = |sql: &str, alias: &str| {
        let one = if table.is_some() { format!("{sql}and {alias} = ? ") } else { sql.to_owned() };
        let binds: Vec<Value> = std::iter::once(schema.clone()).chain(table.clone()).collect();
        (one, binds)
    };
    let (unique, binds) = ask(UNIQUE, "s.table_name");
    let mut keys: Keys = BTreeMap::new();
    for row in link.ask(&format!("{unique}order by s.table_name, s.index_name, s.seq_in_index"), binds).await? {
        let key = keys.entry((text(&row, "of_table"), text(&row, "name"))).or_insert_with(|| Some(Vec::new()));
        match key {
            Some(columns) if !is(&row, "part") && !text(&row, "col").is_empty() => columns.push(text(&row, "col")),
            _ => *key = None,
        }
    }
    for ((table, name), columns) in keys {
        let (Some(table), Some(columns)) = (catalogue.get_mut(&table), columns) else { continue };
        if &*name == "PRIMARY" { table.primary_key = columns } else { table.unique.push(columns) }
    }
    let (triggers, binds) = ask(TRIGGERS, "event_object_table");
    for row in link.ask(&format!("{triggers}order by trigger_name"), binds).await? {
        let Some(table) = catalogue.get_mut(&text(&row, "of_table")) else { continue };
        let name = text(&row, "name").to_string();
        if sql_rules::looks_beyond(&text(&row, "body"), &text(&row, "of_table"), Dialect::Mysql) {
            table.judges.push(Judge { what: format!("the trigger `{name}`"), columns: Vec::new() });
        }
        table.triggers.push(name);
    }
    Ok(catalogue)
}

/// The columns of one table, without keys and triggers; nothing when there is no such table.
pub async fn columns(link: &mut Link, table: &str) -> Result<Option<Table>, Fault> {
    let (schema, name) = link.place(table);
    Ok(with_columns(link, &schema, Some(&name)).await?.swap_remove(name.as_str().unwrap_or_default()))
}

async fn with_columns(link: &mut Link, schema: &Value, table: Option<&Value>) -> Result<Catalogue, Fault> {
    let one = if table.is_some() { ONE } else { "" };
    let sql = format!("{COLUMNS}{one}order by c.table_name, c.ordinal_position");
    let binds = [schema, schema].into_iter().chain(table).cloned().collect();
    let mut catalogue = Catalogue::new();
    for row in link.ask(&sql, binds).await? {
        let table: &mut Table = catalogue.entry(text(&row, "of_table")).or_default();
        table.view = is(&row, "view");
        let column = column(&row);
        table.columns.insert(column.name.clone(), column);
    }
    let texts = |table: &Table| table.columns.values().any(|c| c.type_name == "longtext");
    if link.flavour == Flavour::MariaDb && catalogue.values().any(texts) {
        mark_json(link, schema, table, &mut catalogue).await?;
    }
    Ok(catalogue)
}

/// MariaDB's JSON is LONGTEXT with a rule.
async fn mark_json(
    link: &mut Link,
    schema: &Value,
    table: Option<&Value>,
    catalogue: &mut Catalogue,
) -> Result<(), Fault> {
    let one = if table.is_some() { "and table_name = ?" } else { "" };
    let binds = std::iter::once(schema).chain(table).cloned().collect();
    for row in link.ask(&format!("{JSON}{one}"), binds).await? {
        let rule = text(&row, "rule");
        let name = rule.strip_prefix("json_valid(`").and_then(|rest| rest.strip_suffix("`)"));
        let Some(column) = name.and_then(|name| {
            catalogue.get_mut(&text(&row, "of_table"))?.columns.get_mut(name.replace("``", "`").as_str())
        }) else {
            continue;
        };
        (column.kind, column.type_name) = (Kind::Json, "json".into());
    }
    Ok(())
}

fn column(row: &Map) -> Column {
    let (extra, type_name) = (text(row, "extra").to_lowercase(), text(row, "type").to_string());
    let given = row.get("given").filter(|v| !v.is_null()).map(|v| v.bare().into_owned());
    // MariaDB writes a default of null as the word, a text in quotes, and a call with its parentheses; MySQL says what is computed.
    let has_default = given.as_ref().is_some_and(|given| given != "NULL");
    let called = given.is_some_and(|given| !given.starts_with('\'') && given.contains('('));
    let computed = extra.contains("default_generated") || called && !matches!(&*text(row, "word"), "char" | "varchar");
    let renewed = match computed || extra.contains("auto_increment") {
        _ if extra.contains("on update") => Renewed::Changed,
        true => Renewed::Made,
        false => Renewed::Never,
    };
    Column {
        name: text(row, "name"),
        kind: kind(row, &type_name),
        nullable: is(row, "nullable"),
        has_default: has_default || extra.contains("auto_increment") || extra.contains("default_generated"),
        generated: is(row, "computed") || extra.contains("virtual generated") || extra.contains("stored generated"),
        numbered: false,
        renewed,
        invisible: extra.contains("invisible"),
        type_name,
    }
}

fn kind(row: &Map, type_name: &str) -> Kind {
    let number = |name: &str| row.get(name).and_then(Value::as_int).and_then(|n| u32::try_from(n).ok());
    let unsigned = type_name.contains("unsigned");
    match &*text(row, "word") {
        "tinyint" if type_name.starts_with("tinyint(1)") => Kind::Bool,
        "bit" if type_name == "bit(1)" => Kind::Bool,
        "bit" => Kind::Int { min: 0, max: i64::MAX },
        "tinyint" => form::int(1, unsigned),
        "smallint" => form::int(2, unsigned),
        "mediumint" => form::int(3, unsigned),
        "int" => form::int(4, unsigned),
        "bigint" => form::int(8, unsigned),
        "year" => Kind::Int { min: 0, max: 2155 },
        "decimal" => Kind::Decimal(number("digits").zip(number("scale"))),
        "float" | "double" => Kind::Float,
        "char" | "varchar" => Kind::Text(number("longest")),
        "tinytext" | "text" | "mediumtext" | "longtext" | "set" => Kind::Text(None),
        "enum" => Kind::Enum(labels(type_name)),
        "date" => Kind::Date,
        "time" => Kind::Time,
        "datetime" => Kind::Timestamp,
        "timestamp" => Kind::Instant,
        "uuid" => Kind::Uuid,
        "json" => Kind::Json,
        "binary" | "varbinary" | "tinyblob" | "blob" | "mediumblob" | "longblob" => Kind::Bytes,
        _ => Kind::Other,
    }
}

/// The labels of `enum('a','b''c')`.
fn labels(type_name: &str) -> Vec<String> {
    let inside = type_name.strip_prefix("enum(").and_then(|rest| rest.strip_suffix(')')).unwrap_or_default();
    let (mut labels, mut label, mut open) = (Vec::new(), String::new(), false);
    let mut characters = inside.chars().peekable();
    while let Some(c) = characters.next() {
        match (c, open) {
            ('\'', true) if characters.peek() == Some(&'\'') => {
                characters.next();
                label.push('\'');
            }
            ('\'', true) => {
                open = false;
                labels.push(std::mem::take(&mut label));
            }
            ('\'', false) => open = true,
            (c, true) => label.push(c),
            (_, false) => {}
        }
    }
    labels
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_of_an_enum_are_read_with_their_quotes_and_commas() {
        assert_eq!(labels("enum('a','b''c','d,e','')"), ["a", "b'c", "d,e", ""]);
        assert_eq!(labels("enum()"), Vec::<String>::new());
    }
}
