//! A failed call as people come across it: a line of Sidekiq, a raw HTTP answer, a JSON body, or only words. Pure.

use crate::base::{
    json,
    value::{Data, Value},
};

/// What can be told from a text.
#[derive(Clone, Debug, PartialEq)]
pub struct Told {
    /// The status, where the text says it.
    pub status: Option<u16>,
    /// The body: a JSON tree, a text, or null.
    pub body: Value,
    /// The text that it was read from, for `message:`; of a job the error's own text.
    pub text: String,
}

impl Told {
    /// Reads a text in whatever of the known forms it has.
    pub fn read(text: &str) -> Told {
        let text = text.trim().trim_start_matches('\u{feff}');
        of_http(text).or_else(|| of_json(text)).or_else(|| of_line(text)).unwrap_or_else(|| Told {
            status: None,
            body: fragment(text).unwrap_or(Value::NULL),
            text: text.to_owned(),
        })
    }
}

/// `HTTP/1.1 404 Not Found`, headers, an empty line, the body.
fn of_http(text: &str) -> Option<Told> {
    let status = text.strip_prefix("HTTP/")?.split_whitespace().nth(1)?.parse().ok().filter(known)?;
    let body = text.split_once("\r\n\r\n").or_else(|| text.split_once("\n\n")).map_or("", |(_, body)| body);
    Some(Told { status: Some(status), body: body_of(body), text: text.to_owned() })
}

/// `status: 404, body: {…}, headers: {…}`, with whatever before it.
fn of_line(text: &str) -> Option<Told> {
    let (_, from_status) = text.split_once("status: ")?;
    let digits: String = from_status.chars().take_while(char::is_ascii_digit).collect();
    let status = digits.parse().ok().filter(known)?;
    let rest = &from_status[digits.len()..];
    let (_, body) = rest.split_once("body: ").filter(|(between, _)| between.trim_matches([' ', ',']).is_empty())?;
    // A body may hold the word `headers` itself; the last one belongs to the line.
    let body = body.rfind(", headers: ").map_or(body, |at| &body[..at]);
    Some(Told { status: Some(status), body: body_of(body), text: text.to_owned() })
}

/// A JSON document: `{ status, body }`, a problem that says its own status, or a job with its error's text.
fn of_json(text: &str) -> Option<Told> {
    let tree = json::parse(text).ok()?;
    let map = tree.as_map()?;
    if let Some(error) = map.get("error_message").filter(|error| error.as_str().is_some()) {
        return Some(Told::read(&error.bare()));
    }
    let status = |value: &Value| value.as_int().and_then(|n| u16::try_from(n).ok()).filter(known);
    let told = map.get("status").and_then(status);
    let body = match (map.get("body"), told) {
        (Some(body), Some(_)) => match body.as_str() {
            Some(text) => body_of(text),
            None => body.clone(),
        },
        _ => tree.clone(),
    };
    Some(Told { status: told, body, text: text.to_owned() })
}

/// A piece of JSON that somebody cut out: `"qualification.providerUkprn":["Organisation not found"]`.
fn fragment(text: &str) -> Option<Value> {
    if !text.starts_with('"') {
        return None;
    }
    json::parse(&format!("{{{}}}", text.trim_end_matches(','))).ok().filter(|tree| tree.as_map().is_some())
}

fn body_of(text: &str) -> Value {
    let text = text.trim();
    if text.is_empty() {
        return Value::NULL;
    }
    match json::parse(text) {
        Ok(tree) if matches!(tree.data, Data::Map(_) | Data::List(_)) => tree,
        _ => Value::text(text),
    }
}

fn known(status: &u16) -> bool {
    (100..600).contains(status)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_form_in_which_an_error_is_found_says_its_status_and_body() {
        let body = r#"{"title":"Teacher with specified TRN not found","status":404,"errorCode":10001}"#;
        let code = |told: &Told| told.body.get("errorCode").and_then(|v| v.as_int());
        for text in [
            format!("status: 404, body: {body}, headers: {{\"date\"=>\"Mon, 07 Jul 2025 08:00:00 GMT\"}}"),
            format!("Dqt::Client::HttpError: status: 404, body: {body}, headers: {{}}"),
            format!("status: 404, body: {body}"),
            format!("HTTP/1.1 404 Not Found\r\nContent-Type: application/json\r\n\r\n{body}"),
            format!("HTTP/2 404\ncontent-type: application/problem+json\n\n{body}\n"),
            body.to_owned(),
            format!("  {{\"status\": 404, \"headers\": {{}}, \"body\": {body}}}\n"),
            format!("{{\"status\": 404, \"body\": {}}}", serde_json::to_string(body).unwrap()),
            format!(
                "{{\"class\": \"Sidekiq::ActiveJob::Wrapper\", \"jid\": \"a\", \"error_message\": {}}}",
                serde_json::to_string(&format!("status: 404, body: {body}, headers: {{}}")).unwrap()
            ),
        ] {
            let told = Told::read(&text);
            assert_eq!((told.status, code(&told)), (Some(404), Some(10001)), "{text}");
        }
        let told = Told::read("status: 502, body: <html>, headers: x</html>, headers: {}");
        assert_eq!((told.status, told.body.as_str()), (Some(502), Some("<html>, headers: x</html>")));
        let told = Told::read(r#""qualification.providerUkprn":["Organisation not found"]"#);
        assert!(told.status.is_none() && told.body.get("qualification.providerUkprn").is_some());
        let told = Told::read("Cannot update trainee on DQT without a trn (id: 142508)");
        assert!(told.status.is_none() && told.body.is_null() && told.text.contains("without a trn"));
        for text in ["", "status: 999, body: {}", "HTTP/1.1", "{", "status: , body: "] {
            assert!(Told::read(text).status.is_none(), "{text}");
        }
    }
}
