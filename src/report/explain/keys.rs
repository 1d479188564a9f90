//! Every key of every file, out of the schemas: where it stands, what it takes, what it means.

use crate::playbook::schema;
use serde_json::{Map, Value};
use std::{collections::HashSet, sync::LazyLock};

/// Stands in a path for a name that the author chooses.
pub const NAME: &str = "NAME";

/// A map in a file.
#[derive(Debug)]
pub struct Place {
    /// `playbook`, `project` or `test`.
    pub file: &'static str,
    /// Keys from the top to here; empty at the top of the file.
    pub path: Vec<String>,
    /// What the map is.
    pub about: String,
    /// Its keys, in the order of the type.
    pub keys: Vec<Key>,
}

/// One key.
#[derive(Debug)]
pub struct Key {
    /// As written.
    pub name: String,
    /// What it means.
    pub about: String,
    /// What it takes, as a fragment: `a list of texts`.
    pub takes: String,
    /// Must be there.
    pub required: bool,
    /// Fixed words and what each means.
    pub words: Vec<(String, String)>,
    /// Good values.
    pub examples: Vec<String>,
}

impl Place {
    /// The last key of its path, or the file.
    pub fn name(&self) -> &str {
        self.path.iter().rev().find(|part| *part != NAME).map_or(self.file, String::as_str)
    }
}

/// Every map of both files. A shape that stands in several places (a step, a table) is listed at the first.
/// Made once: the schemas are large.
pub fn all() -> &'static [Place] {
    static ALL: LazyLock<Vec<Place>> = LazyLock::new(|| {
        let files = [("playbook", schema::playbook()), ("project", schema::project())];
        files.iter().flat_map(|(file, schema)| of(file, schema)).collect()
    });
    &ALL
}

/// Every map of one file.
pub fn of(file: &'static str, schema: &Value) -> Vec<Place> {
    let definitions = schema.get("$defs").and_then(Value::as_object).cloned().unwrap_or_default();
    let mut walk = Walk { file, definitions: &definitions, seen: HashSet::new(), places: Vec::new() };
    walk.node(schema, Vec::new());
    walk.places
}

struct Walk<'a> {
    file: &'static str,
    definitions: &'a Map<String, Value>,
    seen: HashSet<String>,
    places: Vec<Place>,
}

impl Walk<'_> {
    fn definition(&self, node: &Value) -> Option<(&str, &Value)> {
        let name = node.get("$ref")?.as_str()?.strip_prefix("#/$defs/")?;
        self.definitions.get_key_value(name).map(|(name, node)| (name.as_str(), node))
    }

    /// What stands behind a reference that leaves some of its keys out, as a source leaves `expect` out: without them, under a name of its own.
    fn narrowed(&self, node: &Value) -> Option<(String, Value)> {
        let out = node.get("not")?.get("required")?.as_array()?;
        let (name, definition) = self.definition(node)?;
        let mut narrowed = definition.clone();
        let properties = narrowed.get_mut("properties")?.as_object_mut()?;
        properties.retain(|key, _| !out.iter().any(|left| left.as_str() == Some(key)));
        let out: Vec<_> = out.iter().map(plain).collect();
        Some((format!("{name} without {}", out.join(", ")), narrowed))
    }

    fn node(&mut self, node: &Value, path: Vec<String>) {
        if let Some((name, narrowed)) = self.narrowed(node) {
            if self.seen.insert(name) {
                self.node(&narrowed, path);
            }
            return;
        }
        if let Some((name, definition)) =
            self.definition(node).map(|(name, definition)| (name.to_owned(), definition.clone()))
        {
            if self.seen.insert(name.clone()) {
                // Steps and their kinds are spoken of by their own name, wherever they stand.
                let path = if name == "Step" { vec!["step".to_owned()] } else { path };
                self.node(&definition, path);
            }
            return;
        }
        if let Some(properties) = node.get("properties").and_then(Value::as_object) {
            self.map(node, properties, &path);
        }
        if let Some(inner) = node.get("additionalProperties").filter(|inner| inner.is_object()) {
            self.node(inner, [path.clone(), vec![NAME.to_owned()]].concat());
        }
        if let Some(inner) = node.get("items") {
            self.node(inner, path.clone());
        }
        for alternative in node.get("anyOf").and_then(Value::as_array).into_iter().flatten() {
            self.node(alternative, path.clone());
        }
    }

    fn map(&mut self, node: &Value, properties: &Map<String, Value>, path: &[String]) {
        let required: Vec<&str> =
            node.get("required").and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str).collect();
        let keys = properties
            .iter()
            .map(|(name, inner)| self.key(path, name, inner, required.contains(&name.as_str())))
            .collect();
        self.places.push(Place { file: self.file, path: path.to_vec(), about: text(node, "description"), keys });
        for (name, inner) in properties {
            let inside = if path == ["step"] && is_kind(name) {
                vec![name.clone()]
            } else {
                [path, std::slice::from_ref(name)].concat()
            };
            self.node(inner, inside);
        }
    }

    fn key(&self, path: &[String], name: &str, node: &Value, required: bool) -> Key {
        let target = self.definition(node).map_or(node, |(_, definition)| definition);
        let about = Some(text(node, "description"))
            .filter(|about| !about.is_empty())
            .unwrap_or_else(|| text(target, "description"));
        let words = target
            .get("oneOf")
            .and_then(Value::as_array)
            .into_iter()
            .flatten()
            .filter_map(|option| Some((option.get("const")?.as_str()?.to_owned(), text(option, "description"))))
            .collect();
        let examples = target.get("examples").and_then(Value::as_array).into_iter().flatten().map(plain).collect();
        let takes = if path == ["step"] && is_kind(name) {
            format!("more: `trueup explain {name}`")
        } else {
            self.takes(node, 0)
        };
        Key { name: name.to_owned(), about, takes, required, words, examples }
    }

    /// A fragment that says what stands behind a key.
    fn takes(&self, node: &Value, depth: usize) -> String {
        if depth > 4 {
            return "more".into();
        }
        if let Some((_, narrowed)) = self.narrowed(node) {
            return self.takes(&narrowed, depth + 1);
        }
        if let Some((name, definition)) = self.definition(node) {
            return if name == "Step" { "a step".into() } else { self.takes(definition, depth + 1) };
        }
        if let Some(options) = node.get("oneOf").and_then(Value::as_array)
            && options.iter().all(|option| option.get("const").is_some())
        {
            return one_of(options.iter().filter_map(|option| option.get("const")));
        }
        if let Some(words) = node.get("enum").and_then(Value::as_array) {
            return one_of(words.iter());
        }
        if let Some(word) = node.get("const") {
            return format!("`{}`", plain(word));
        }
        if let Some(options) = node.get("anyOf").and_then(Value::as_array) {
            let mut all: Vec<String> = Vec::new();
            for option in options.iter().map(|option| self.takes(option, depth + 1)) {
                if !all.contains(&option) {
                    all.push(option);
                }
            }
            return all.join(", or ");
        }
        if let Some(properties) = node.get("properties").and_then(Value::as_object) {
            return format!(
                "a map with {}",
                properties.keys().map(|key| format!("`{key}`")).collect::<Vec<_>>().join(", ")
            );
        }
        match node.get("type") {
            Some(Value::String(kind)) => self.of_type(kind, node, depth),
            Some(Value::Array(kinds)) => kinds
                .iter()
                .filter_map(Value::as_str)
                .map(|kind| self.of_type(kind, node, depth))
                .collect::<Vec<_>>()
                .join(" or "),
            _ => "any value; a text may hold expressions".into(),
        }
    }

    fn of_type(&self, kind: &str, node: &Value, depth: usize) -> String {
        match kind {
            "string" => match node.get("examples").and_then(Value::as_array).and_then(|all| all.first()) {
                Some(example) => format!("a text such as `{}`", plain(example)),
                None => "a text".into(),
            },
            "integer" => "a whole number".into(),
            "number" => "a number".into(),
            "boolean" => "`true` or `false`".into(),
            "null" => "null".into(),
            "array" => match node.get("items") {
                Some(items) => format!("a list, each {}", self.takes(items, depth + 1)),
                None => "a list".into(),
            },
            _ => match node.get("additionalProperties").filter(|inner| inner.is_object()) {
                Some(inner) => format!("a map of names, each {}", self.takes(inner, depth + 1)),
                None => "a map of names and values".into(),
            },
        }
    }
}

fn is_kind(name: &str) -> bool {
    crate::action::kinds::KINDS.iter().any(|kind| kind.word == name)
}

fn text(node: &Value, key: &str) -> String {
    node.get(key).and_then(Value::as_str).unwrap_or("").to_owned()
}

fn plain(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

fn one_of<'a>(words: impl Iterator<Item = &'a Value>) -> String {
    let words: Vec<String> = words.map(|word| format!("`{}`", plain(word))).collect();
    match words.as_slice() {
        [only] => only.clone(),
        _ => format!("one of {}", words.join(", ")),
    }
}
