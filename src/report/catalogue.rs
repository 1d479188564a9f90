//! A database's catalogue as facts for the project file, ready to paste, and as JSON.

use crate::{
    base::counted::counted,
    table::catalogue::{Catalogue, Column, Table},
};
use serde_json::json;

/// YAML for `connections.<name>.tables`, with the columns as comments.
pub fn facts(connection: &str, catalogue: &Catalogue) -> String {
    let mut text = format!(
        "# {} of `{connection}`; keep what your playbooks use, add what only people know:\n",
        counted(catalogue.len(), "table")
    );
    text.push_str("# enum names, personal columns, the audit rule, soft_delete.\ntables:\n");
    for (name, table) in catalogue {
        text.push_str(&one(name, table));
    }
    text
}

fn one(name: &str, table: &Table) -> String {
    let names = |columns: &[std::sync::Arc<str>]| columns.iter().map(|c| c.to_string()).collect::<Vec<_>>().join(", ");
    let mut text = format!("  {name}:\n");
    match table.primary_key.as_slice() {
        [] if table.view => text.push_str("    # a view: name the columns by which a row is found\n    key: […]\n"),
        [] => text.push_str("    # no primary key: name the columns by which a row is found\n    key: […]\n"),
        [one] => text.push_str(&format!("    key: {one}\n")),
        many => text.push_str(&format!("    key: [{}]\n", names(many))),
    }
    if !table.unique.is_empty() {
        let keys: Vec<_> = table.unique.iter().map(|key| format!("[{}]", names(key))).collect();
        text.push_str(&format!("    unique: [{}]\n", keys.join(", ")));
    }
    let generated: Vec<_> = table.columns.values().filter(|c| c.generated).map(|c| c.name.to_string()).collect();
    if !generated.is_empty() {
        text.push_str(&format!("    generated: [{}]\n", generated.join(", ")));
    }
    if table.column("updated_at").is_some() {
        text.push_str("    updated_at: updated_at\n");
    }
    if !table.triggers.is_empty() {
        text.push_str(&format!(
            "    # triggers: {}; say under `side_effects` what they do\n",
            table.triggers.join(", ")
        ));
    }
    text.push_str("    # columns:\n");
    for column in table.columns.values() {
        text.push_str(&format!("    #   {}\n", described(column)));
    }
    text
}

fn described(column: &Column) -> String {
    let mut text = format!("{} {}", column.name, column.type_name);
    if !column.nullable {
        text.push_str(" not null");
    }
    if column.generated {
        text.push_str(", computed by the database");
    } else if column.has_default {
        text.push_str(", has a default");
    }
    text
}

/// The same as one JSON document.
pub fn json(catalogue: &Catalogue) -> String {
    let tables: serde_json::Map<String, serde_json::Value> = catalogue
        .iter()
        .map(|(name, table)| {
            let columns: Vec<_> = table
                .columns
                .values()
                .map(|c| json!({ "name": &*c.name, "type": c.type_name, "nullable": c.nullable, "default": c.has_default, "generated": c.generated }))
                .collect();
            let key: Vec<&str> = table.primary_key.iter().map(|c| &**c).collect();
            let unique: Vec<Vec<&str>> = table.unique.iter().map(|k| k.iter().map(|c| &**c).collect()).collect();
            (name.to_string(), json!({ "key": key, "unique": unique, "triggers": table.triggers, "view": table.view, "columns": columns }))
        })
        .collect();
    format!("{:#}\n", json!({ "tables": tables }))
}
