//! What somebody else says about a request may repeat what was hidden in it: an error text with the address of a person. It is
//! hidden there too, in each form in which it may come back.

use super::{request::Request, request::mark_body, settings::HttpSettings};
use crate::base::{
    json, url_path,
    value::{Data, Marks, Value},
};

/// Shorter texts are left alone: hiding `1` would destroy every sentence.
const SHORTEST: usize = 4;

impl Request {
    /// A text about this request, for people: what is personal or secret in the request is hidden in it.
    pub fn veiled(&self, text: &str, settings: &HttpSettings) -> String {
        let mut hidden: Vec<(String, &'static str)> = Vec::new();
        let parts = [("query", &self.query), ("headers", &self.headers)];
        for (root, (name, value)) in parts.into_iter().flat_map(|(root, all)| all.iter().map(move |pair| (root, pair)))
        {
            let personal = settings.personal.iter().filter_map(|part| part.below(root));
            let is = personal.into_iter().any(|s| s.first().is_none_or(|step| step.eq_ignore_ascii_case(name)));
            leaves(value, if is { Marks::PERSONAL } else { Marks::NONE }, &mut hidden);
        }
        if let Some(body) = &self.body {
            leaves(&mark_body(body.clone(), settings), Marks::NONE, &mut hidden);
        }
        if self.path.marks.hidden() {
            let path = self.path.bare();
            for segment in path.split('/') {
                let decoded = percent_encoding::percent_decode_str(segment).decode_utf8_lossy();
                leaves(&Value::text(&*decoded), self.path.marks, &mut hidden);
            }
        }
        // Longest first: a name within an address must not leave the rest of it.
        hidden.sort_by_key(|(form, _)| std::cmp::Reverse(form.len()));
        hidden.iter().fold(text.to_owned(), |text, (form, shown)| text.replace(form, shown))
    }
}

fn leaves(value: &Value, around: Marks, hidden: &mut Vec<(String, &'static str)>) {
    let marks = value.marks | around;
    match &value.data {
        Data::Map(map) => map.values().for_each(|inner| leaves(inner, marks, hidden)),
        Data::List(list) => list.iter().for_each(|inner| leaves(inner, marks, hidden)),
        _ if marks.hidden() && !value.is_unknown() && !value.is_null() => {
            let (text, shown) = (value.bare(), if marks.has(Marks::SECRET) { "(secret)" } else { "(personal)" });
            let mut quoted = String::new();
            json::quote(&text, &mut quoted);
            let forms = [text.to_string(), quoted.trim_matches('"').to_owned(), url_path::encoded(&text).into_owned()];
            hidden.extend(forms.into_iter().filter(|form| form.len() >= SHORTEST).map(|form| (form, shown)));
        }
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::connection::{http::Method, reference::Setting};

    #[test]
    fn what_was_hidden_in_a_request_is_hidden_in_what_is_said_of_it() {
        let word = crate::base::shape::Word { text: "".into(), span: Default::default() };
        let settings = HttpSettings::plain(Setting::Plain(word));
        let personal = |text: &str| Value::from(text).marked(Marks::PERSONAL);
        let body = Value::map([
            ("email", personal("ada&\"b@x")),
            ("token", Value::from("t0ken").marked(Marks::SECRET)),
            ("open", "lamp".into()),
            ("short", personal("abc")),
        ]);
        let query = vec![("by".into(), personal("1990-05-04"))];
        let path = Value::from("/a/ann%20lee").marked(Marks::PERSONAL);
        let request = Request { body: Some(body), query, ..Request::new(Method::Post, path) };
        let said = "ada&\"b@x, ada&\\\"b@x, ada%26%22b%40x, t0ken, lamp, abc, 1990-05-04, ann lee";
        assert_eq!(
            request.veiled(said, &settings),
            "(personal), (personal), (personal), (secret), lamp, abc, (personal), (personal)"
        );
    }
}
