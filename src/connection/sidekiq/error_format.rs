//! `status: {status:int}, body: {body:json}, headers: {headers}`: a tiny pattern language that takes an application's error
//! messages apart. Linear but for a bounded number of tries; a message that does not fit gives what could be told.

use crate::base::{
    diagnostic::Diagnostic,
    json,
    shape::{BAD_FORM, FromNode, Lowering, Word},
    value::Value,
    yaml::Node,
};
use std::sync::Arc;

/// A pattern.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ErrorFormat {
    parts: Vec<Part>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Part {
    Text(Arc<str>),
    Hole(Arc<str>, Kind),
}

/// What a hole takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Text,
    Int,
    Json,
}

/// So many places where a JSON document may end are tried.
const MOST_ENDS: usize = 64;
/// Longer messages are not taken apart. (Sidekiq itself cuts them at 10 000 characters.)
const MOST_BYTES: usize = 256 * 1024;

impl ErrorFormat {
    /// Reads a pattern; the error is a fragment.
    pub fn parse(text: &str) -> Result<ErrorFormat, String> {
        let mut parts: Vec<Part> = Vec::new();
        let mut rest = text;
        while let Some(open) = rest.find('{') {
            if open > 0 {
                parts.push(Part::Text(rest[..open].into()));
            }
            let close = rest[open..].find('}').ok_or("a `{` without its `}`")? + open;
            let (name, kind) = rest[open + 1..close].split_once(':').unwrap_or((&rest[open + 1..close], "text"));
            let sound = !name.is_empty() && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
            if !sound {
                return Err(format!("`{name}` is not a name"));
            }
            let kind = match kind {
                "text" => Kind::Text,
                "int" => Kind::Int,
                "json" => Kind::Json,
                other => return Err(format!("`{other}` is not `text`, `int` or `json`")),
            };
            if matches!(parts.last(), Some(Part::Hole(..))) {
                return Err("two parts without a text between them".into());
            }
            if parts.iter().any(|p| matches!(p, Part::Hole(known, _) if **known == *name)) {
                return Err(format!("`{name}` stands there twice"));
            }
            parts.push(Part::Hole(name.into(), kind));
            rest = &rest[close + 1..];
        }
        if !rest.is_empty() {
            parts.push(Part::Text(rest.into()));
        }
        if !parts.iter().any(|p| matches!(p, Part::Hole(..))) {
            return Err("it names no part".into());
        }
        Ok(ErrorFormat { parts })
    }

    /// The names of its parts.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.parts.iter().filter_map(|p| if let Part::Hole(name, _) = p { Some(&**name) } else { None })
    }

    /// The message that says this, part by part; a part that is not given is empty.
    pub fn write(&self, given: &dyn Fn(&str) -> Option<Value>) -> String {
        let written = self.parts.iter().map(|part| match part {
            Part::Text(text) => text.to_string(),
            Part::Hole(name, Kind::Json) => given(name).map_or("{}".to_owned(), |value| json::text_of(&value)),
            Part::Hole(name, _) => given(name).map_or(String::new(), |value| value.bare().into_owned()),
        });
        written.collect()
    }

    /// What a message says, part by part; null where it does not say it in this form.
    pub fn read(&self, message: &str) -> Vec<(Arc<str>, Value)> {
        let mut found: Vec<(Arc<str>, Value)> = Vec::new();
        let mut rest = Some(message).filter(|m| m.len() <= MOST_BYTES);
        for (index, part) in self.parts.iter().enumerate() {
            match part {
                Part::Text(text) => rest = rest.and_then(|r| r.strip_prefix(&**text)),
                Part::Hole(name, kind) => {
                    let next = match self.parts.get(index + 1) {
                        Some(Part::Text(text)) => Some(&**text),
                        _ => None,
                    };
                    let (value, left) = match rest {
                        Some(text) => kind.take(text, next),
                        None => (Value::NULL, None),
                    };
                    found.push((name.clone(), value));
                    rest = left;
                }
            }
        }
        found
    }
}

impl Kind {
    /// The value, and what comes behind it, which begins with `next`; nothing where it does not fit.
    fn take<'a>(self, text: &'a str, next: Option<&str>) -> (Value, Option<&'a str>) {
        let first = match next {
            Some(next) => text.find(next),
            None => Some(text.len()),
        };
        let Some(first) = first else {
            // Cut off in the middle, as Sidekiq does with long messages: what is there is still worth having.
            return (self.value(text).unwrap_or(Value::NULL), None);
        };
        if self != Kind::Json {
            return (self.value(&text[..first]).unwrap_or(Value::NULL), Some(&text[first..]));
        }
        // The text between may stand in the document as well: it ends where what is before is a document.
        let mut end = first;
        for _ in 0..MOST_ENDS {
            if let Some(value) = self.value(&text[..end]) {
                return (value, Some(&text[end..]));
            }
            let Some(next) = next else { break };
            let Some(further) = text[end..]
                .char_indices()
                .nth(1)
                .and_then(|(step, _)| text[end + step..].find(next).map(|at| end + step + at))
            else {
                break;
            };
            end = further;
        }
        (Value::NULL, Some(&text[first..]))
    }

    fn value(self, text: &str) -> Option<Value> {
        match self {
            Kind::Text => Some(text.into()),
            Kind::Int => text.trim().parse::<i64>().ok().map(Value::from),
            Kind::Json => json::parse(text).ok(),
        }
    }
}

impl FromNode for ErrorFormat {
    fn from_node(node: &Node, cx: &mut Lowering<'_>) -> Option<Self> {
        let word = Word::from_node(node, cx)?;
        match ErrorFormat::parse(word.as_str()) {
            Ok(format) => Some(format),
            Err(why) => {
                cx.push(
                    Diagnostic::error(&BAD_FORM, word.span, format!("this pattern cannot be read: {why}"))
                        .help("write the message with `{name}`, `{name:int}` or `{name:json}` where its parts stand"),
                );
                None
            }
        }
    }
}
crate::plain_schema!(ErrorFormat, { "type": "string", "examples": ["status: {status:int}, body: {body:json}, headers: {headers}"] });

#[cfg(test)]
mod tests {
    use super::*;

    fn read(format: &str, message: &str) -> String {
        let found = ErrorFormat::parse(format).unwrap().read(message);
        found.iter().map(|(name, value)| format!("{name}={}", json::text_of(value))).collect::<Vec<_>>().join(" ")
    }

    const HTTP: &str = "status: {status:int}, body: {body:json}, headers: {headers}";

    #[test]
    fn a_message_is_taken_apart_even_where_its_body_holds_the_text_between() {
        assert_eq!(
            read(HTTP, r#"status: 400, body: {"t":"a, headers: b","errorCode":10001}, headers: {"x"=>1}"#),
            r#"status=400 body={"t":"a, headers: b","errorCode":10001} headers="{\"x\"=>1}""#
        );
    }

    #[test]
    fn what_does_not_fit_is_null_and_the_rest_is_told() {
        assert_eq!(read(HTTP, "status: 502, body: <html>, headers: h"), "status=502 body=null headers=\"h\"");
        assert_eq!(read(HTTP, "Net::ReadTimeout"), "status=null body=null headers=null");
        assert_eq!(read(HTTP, "status: 400, body: {\"a\":1"), "status=400 body=null headers=null");
        assert_eq!(read(HTTP, ""), "status=null body=null headers=null");
        assert_eq!(read("{a}é{b:json}", "xéé1"), "a=\"x\" b=null");
        let long = format!("status: 400, body: {}, headers: h", ", headers: ".repeat(10_000));
        assert_eq!(read(HTTP, &long), read(HTTP, &long));
    }

    #[test]
    fn a_pattern_that_cannot_be_right_says_why() {
        for (text, why) in [
            ("{a}{b}", "two parts"),
            ("{a:number}", "`number`"),
            ("{a", "without its"),
            ("x", "no part"),
            ("{a} {a}", "twice"),
        ] {
            assert!(ErrorFormat::parse(text).unwrap_err().contains(why), "{text}");
        }
    }
}
