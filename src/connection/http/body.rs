//! The body of a request: a value and how it is written. The same value in the same format always gives the same bytes.

use super::request::scalar_text;
use crate::base::{
    json,
    value::{Data, Value},
};
use sha2::{Digest, Sha256};
use std::{fmt::Write, sync::Arc};
use url::form_urlencoded;

/// How a body is written.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Format {
    /// As JSON, of any value.
    #[default]
    Json,
    /// As the fields of a form, of a map: null leaves a field out, a list repeats it.
    Form,
    /// As it is, of a text, with this content type.
    Text(Arc<str>),
    /// In parts, of a map of parts (`{ content, type, filename }`), with this between them.
    Multipart(Arc<str>),
}

impl Format {
    /// The word in the journal.
    pub fn word(&self) -> &'static str {
        match self {
            Format::Json => "json",
            Format::Form => "form",
            Format::Text(_) => "text",
            Format::Multipart(_) => "multipart",
        }
    }

    /// What the word and its detail (content type, boundary) stand for.
    pub fn of(word: &str, detail: Option<&str>) -> Option<Format> {
        match (word, detail) {
            ("json", _) => Some(Format::Json),
            ("form", _) => Some(Format::Form),
            ("text", Some(kind)) => Some(Format::Text(kind.into())),
            ("multipart", Some(boundary)) => Some(Format::Multipart(boundary.into())),
            _ => None,
        }
    }

    /// Content type of a text, boundary of parts.
    pub fn detail(&self) -> Option<&Arc<str>> {
        match self {
            Format::Text(detail) | Format::Multipart(detail) => Some(detail),
            Format::Json | Format::Form => None,
        }
    }

    /// The header that goes along, unless the call says its own.
    pub fn content_type(&self) -> String {
        match self {
            Format::Json => "application/json".into(),
            Format::Form => "application/x-www-form-urlencoded".into(),
            Format::Text(kind) => kind.to_string(),
            Format::Multipart(boundary) => format!("multipart/form-data; boundary={boundary}"),
        }
    }

    /// The bytes; the error is a fragment that follows "its body".
    pub fn bytes(&self, body: &Value) -> Result<Vec<u8>, String> {
        match self {
            Format::Json => Ok(json::text_of(body).into_bytes()),
            Format::Text(_) => match &body.data {
                Data::Bytes(bytes) => Ok(bytes.to_vec()),
                Data::List(_) | Data::Map(_) | Data::Null => Err(format!("is {}, not a text", body.kind())),
                _ => Ok(body.bare().into_owned().into_bytes()),
            },
            Format::Form => form(body),
            Format::Multipart(boundary) => parts(body, boundary),
        }
    }

    /// Parts with a boundary that stands in none of them. It depends on the parts' names only (and, where chance would have
    /// it, on how often it must be tried), so a preview shows the one that is sent, and it tells nothing of what they hold.
    pub fn multipart(body: &Value) -> Format {
        let map = body.as_map();
        let names: Vec<&str> = map.into_iter().flatten().map(|(name, _)| &**name).collect();
        let contents: Vec<String> = map
            .into_iter()
            .flatten()
            .filter_map(|(_, part)| part.get("content").filter(|c| !c.is_unknown()).map(|c| c.bare().into_owned()))
            .collect();
        let mut turn = 0_u32;
        loop {
            let digest = Sha256::digest(format!("trueup multipart {turn} {}", names.join("\n")).as_bytes());
            let boundary = digest.iter().take(12).fold("trueup-".to_owned(), |mut text, byte| {
                let _ = write!(text, "{byte:02x}");
                text
            });
            if !contents.iter().any(|content| content.contains(&boundary)) {
                return Format::Multipart(boundary.into());
            }
            turn += 1;
        }
    }
}

fn form(body: &Value) -> Result<Vec<u8>, String> {
    let Some(fields) = body.as_map() else { return Err(format!("is {}, not the fields of a form", body.kind())) };
    let mut form = form_urlencoded::Serializer::new(String::new());
    for (name, value) in fields {
        let (alone, list) = ([value.clone()], value.as_list());
        for one in list.unwrap_or(&alone).iter().filter(|v| !v.is_null()) {
            let text = scalar_text(one).ok_or_else(|| format!("has a field `{name}` that is {}", one.kind()))?;
            form.append_pair(name, &text);
        }
    }
    Ok(form.finish().into_bytes())
}

fn parts(body: &Value, boundary: &str) -> Result<Vec<u8>, String> {
    let Some(all) = body.as_map() else { return Err(format!("is {}, not parts", body.kind())) };
    let mut bytes = Vec::new();
    for (name, part) in all {
        let text = |key: &str| part.get(key).filter(|v| !v.is_null()).map(|v| v.bare().into_owned());
        let mut head = format!("--{boundary}\r\nContent-Disposition: form-data; name=\"{}\"", quoted(name));
        if let Some(file) = text("filename") {
            let _ = write!(head, "; filename=\"{}\"", quoted(&file));
        }
        if let Some(kind) = text("type") {
            if kind.chars().any(char::is_control) {
                return Err(format!("has a part `{name}` whose type holds a control character"));
            }
            let _ = write!(head, "\r\nContent-Type: {kind}");
        }
        bytes.extend_from_slice(head.as_bytes());
        bytes.extend_from_slice(b"\r\n\r\n");
        match part.get("content").map(|content| content.data) {
            Some(Data::Bytes(content)) => bytes.extend_from_slice(&content),
            Some(Data::List(_) | Data::Map(_) | Data::Null) | None => {
                return Err(format!("has a part `{name}` without a text"));
            }
            Some(_) => bytes.extend_from_slice(text("content").unwrap_or_default().as_bytes()),
        }
        bytes.extend_from_slice(b"\r\n");
    }
    bytes.extend_from_slice(format!("--{boundary}--\r\n").as_bytes());
    Ok(bytes)
}

/// A name within quotes, as browsers write it: a value never ends its header.
fn quoted(name: &str) -> String {
    name.replace('"', "%22").replace('\r', "%0D").replace('\n', "%0A")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_form_and_parts_are_written_byte_for_byte_and_no_value_leaves_its_place() {
        let form = Value::map([
            ("a b", Value::from("x&y=1")),
            ("none", Value::NULL),
            ("many", Value::list([Value::from(1), Value::from("ü")])),
        ]);
        assert_eq!(Format::Form.bytes(&form).unwrap(), b"a+b=x%26y%3D1&many=1&many=%C3%BC");
        assert!(Format::Form.bytes(&Value::from("x")).unwrap_err().contains("not the fields of a form"));
        let part = |content: &str| Value::map([("content", Value::from(content))]);
        let file = Value::map([
            ("content", Value::from("id\r\n1")),
            ("type", Value::from("text/csv")),
            ("filename", Value::from("a\"\r\nX: 1.csv")),
        ]);
        let body = Value::map([("note", part("hello")), ("file", file)]);
        let format = Format::multipart(&body);
        let Format::Multipart(boundary) = &format else { panic!() };
        let expected = format!(
            "--{boundary}\r\nContent-Disposition: form-data; name=\"note\"\r\n\r\nhello\r\n--{boundary}\r\nContent-Disposition: form-data; \
             name=\"file\"; filename=\"a%22%0D%0AX: 1.csv\"\r\nContent-Type: text/csv\r\n\r\nid\r\n1\r\n--{boundary}--\r\n"
        );
        assert_eq!(String::from_utf8(format.bytes(&body).unwrap()).unwrap(), expected);
        assert_eq!(Format::multipart(&body), format, "the same names, the same boundary");
        let hostile = Value::map([("note", part(&format!("--{boundary}--"))), ("file", part("x"))]);
        assert_ne!(Format::multipart(&hostile), format, "a boundary stands in no part");
        for format in [Format::Json, Format::Form, Format::Text("a/b".into()), format] {
            let detail = format.detail().cloned();
            assert_eq!(Format::of(format.word(), detail.as_deref()), Some(format));
        }
    }
}
