//! JSON Schemas of the files that people write, generated from the types that read them.

use super::{model::Playbook, project::Project};
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

/// The schema of any shape, as editors like it: no null where a key is merely optional.
pub fn of<T: JsonSchema>(id: &str, title: &str) -> Value {
    let mut schema = SchemaSettings::draft2020_12().into_generator().into_root_schema_for::<T>().to_value();
    strip_null(&mut schema, true);
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
    if !top && map.get("default").is_some_and(Value::is_null) {
        map.remove("default");
    }
    map.values_mut().for_each(|child| strip_null(child, false));
}
