//! A request as it came in, and its parts as values.

use crate::base::{
    json,
    value::{Map, Value},
};

/// A request as it came in.
#[derive(Clone, Debug, Default)]
pub struct Call {
    /// `GET`.
    pub method: String,
    /// Path without query, encoded.
    pub path: String,
    /// Decoded, in order.
    pub query: Vec<(String, String)>,
    /// Names in lower case, in order.
    pub headers: Vec<(String, String)>,
    /// As it came.
    pub body: Vec<u8>,
}

/// The fields of a form; one that is given several times is a list.
fn form(body: &[u8]) -> Value {
    let fields: Vec<_> = url::form_urlencoded::parse(body).map(|(n, v)| (n.into_owned(), v.into_owned())).collect();
    joined(&fields)
}

/// Names and values as a map; what is given several times is a list.
pub(super) fn joined(pairs: &[(String, String)]) -> Value {
    let mut map = Map::default();
    for (name, value) in pairs {
        let value = Value::text(value.as_str());
        let joined = match map.get(name.as_str()) {
            None => value,
            Some(first) => {
                Value::list(first.as_list().unwrap_or(std::slice::from_ref(first)).iter().cloned().chain([value]))
            }
        };
        map.insert(name.as_str().into(), joined);
    }
    map.into()
}

pub(super) fn header<'a>(call: &'a Call, name: &str) -> Option<&'a str> {
    call.headers.iter().find(|(n, _)| n == name).map(|(_, v)| v.as_str())
}

/// JSON and forms as values, anything else as text; nothing is null.
pub(super) fn body_of(call: &Call) -> Value {
    let is_form =
        header(call, "content-type").is_some_and(|kind| kind.starts_with("application/x-www-form-urlencoded"));
    match std::str::from_utf8(&call.body) {
        Ok("") => Value::NULL,
        Ok(_) if is_form => form(&call.body),
        Ok(text) => json::parse(text).unwrap_or_else(|_| Value::text(text)),
        Err(_) => crate::base::value::Data::Bytes(call.body.as_slice().into()).into(),
    }
}
