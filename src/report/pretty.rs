//! JSON text that people read: indented by two, digits of numbers kept, hidden values masked.

use crate::base::{
    json,
    value::{Data, Map, Value},
};

/// The text, without a line feed at its end. Empty objects and lists stay on one line.
pub fn of(value: &Value) -> String {
    let mut out = String::new();
    write(value, 0, &mut out);
    out
}

/// As an element of a list so deep in a document, without the comma before it.
pub fn element(value: &Value, depth: usize) -> String {
    let mut out = String::new();
    newline(false, depth, &mut out);
    write(value, depth, &mut out);
    out
}

/// As a document of its own: with a line feed.
pub fn document(value: &Value) -> String {
    let mut out = of(value);
    out.push('\n');
    out
}

fn write(value: &Value, depth: usize, out: &mut String) {
    let hidden = value.marks.hidden() && !value.is_null();
    match &value.data {
        Data::Json(json) if !hidden => write(json.tree(), depth, out),
        Data::Map(entries) if !hidden && !entries.is_empty() => object(entries, depth, out),
        Data::List(values) if !hidden && !values.is_empty() => {
            out.push('[');
            for (i, value) in values.iter().enumerate() {
                newline(i > 0, depth + 1, out);
                write(value, depth + 1, out);
            }
            newline(false, depth, out);
            out.push(']');
        }
        _ => out.push_str(&json::masked(value)),
    }
}

fn object(entries: &Map, depth: usize, out: &mut String) {
    out.push('{');
    for (i, (key, value)) in entries.iter().enumerate() {
        newline(i > 0, depth + 1, out);
        json::quote(key, out);
        out.push_str(": ");
        write(value, depth + 1, out);
    }
    newline(false, depth, out);
    out.push('}');
}

fn newline(comma: bool, depth: usize, out: &mut String) {
    if comma {
        out.push(',');
    }
    out.push('\n');
    out.push_str(&"  ".repeat(depth));
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::value::Marks;

    #[test]
    fn documents_are_indented_with_their_digits_and_without_what_is_hidden() {
        let tree = json::parse(r#"{"a":{"b":[1.10,{}]},"c":[],"d":"x\ny"}"#).unwrap();
        let value =
            Value::map([("doc", tree), ("who", Value::map([("name", Value::from("Zoë"))]).marked(Marks::PERSONAL))]);
        let text = of(&value);
        assert!(!text.contains("Zoë"));
        assert!(text.contains("\"b\": [\n        1.10,\n        {}\n      ]"), "{text}");
        assert_eq!(json::parse(&text).unwrap().get("doc").unwrap().get("d").unwrap().as_str(), Some("x\ny"));
    }
}
