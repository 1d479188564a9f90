//! JSON Schemas of the files that people write, generated from the types that read them.

use super::{error_table::ErrorTable, model::Playbook, project::Project};
use schemars::{JsonSchema, generate::SchemaSettings};
use serde_json::Value;

/// The schema of a playbook file.
pub fn playbook() -> Value {
    of::<Playbook>("https://trueup.dev/schema/playbook.schema.json", "A trueup playbook")
}

/// The schema of the project file.
pub fn project() -> Value {
    of::<Project>("https://trueup.dev/schema/project.schema.json", "A trueup project file")
}

/// The schema of a shared errors table.
pub fn errors() -> Value {
    of::<ErrorTable>("https://trueup.dev/schema/errors.schema.json", "A trueup errors table")
}

/// The schema of any shape, as editors like it: no null where a key is merely optional.
pub fn of<T: JsonSchema>(id: &str, title: &str) -> Value {
    let mut schema = SchemaSettings::draft2020_12().into_generator().into_root_schema_for::<T>().to_value();
    strip_null(&mut schema, true);
    for_people(&mut schema);
    if let Value::Object(root) = &mut schema {
        root.insert("$id".into(), id.into());
        root.insert("title".into(), title.into());
    }
    schema
}

/// `Option<T>` comes out as "T or null"; an optional key is left out, not null. Hand-written schemas of values keep theirs.
fn strip_null(node: &mut Value, top: bool) {
    let Value::Object(map) = node else {
        if let Value::Array(items) = node {
            items.iter_mut().for_each(|item| strip_null(item, false));
        }
        return;
    };
    if let Some(Value::Array(any)) = map.get_mut("anyOf") {
        any.retain(|option| {
            option.get("type").and_then(Value::as_str) != Some("null")
                || option.as_object().is_some_and(|o| o.len() > 1)
        });
        if any.len() == 1
            && let Some(Value::Object(only)) = any.pop()
        {
            map.remove("anyOf");
            for (key, value) in only {
                map.entry(key).or_insert(value);
            }
        }
    }
    if let Some(Value::Array(types)) = map.get_mut("type")
        && types.len() == 2
        && types.iter().any(|t| t == "null")
    {
        types.retain(|t| t != "null");
        if let Some(only) = types.pop() {
            map.insert("type".into(), only);
        }
    }
    // An optional key of several types: null was added last.
    if let Some(Value::Object(properties)) = map.get_mut("properties") {
        for types in properties.values_mut().filter_map(|p| p.get_mut("type")?.as_array_mut()) {
            if types.len() > 2 && types.last().is_some_and(|t| t == "null") {
                types.pop();
            }
        }
    }
    if !top && map.get("default").is_some_and(Value::is_null) {
        map.remove("default");
    }
    map.values_mut().for_each(|child| strip_null(child, false));
}

/// Descriptions are wrapped for the source code; in an editor they are sentences. Rust's number formats mean nothing there.
fn for_people(node: &mut Value) {
    match node {
        Value::Object(map) => {
            if let Some(Value::String(text)) = map.get_mut("description") {
                *text =
                    text.split("\n\n").map(|paragraph| paragraph.replace('\n', " ")).collect::<Vec<_>>().join("\n\n");
            }
            if map.get("format").and_then(Value::as_str).is_some_and(|f| f.starts_with("uint")) {
                map.remove("format");
            }
            map.values_mut().for_each(for_people);
        }
        Value::Array(items) => items.iter_mut().for_each(for_people),
        _ => {}
    }
}
