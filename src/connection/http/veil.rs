//! What somebody else says about a request may repeat what was hidden in it: an error text with the address of a person. It is
//! hidden there too, in each form in which it may come back.

use super::{request::Request, request::mark_body, settings::HttpSettings};
use crate::base::{
    cover::Cover,
    value::{Marks, Value},
};

impl Request {
    /// A text about this request, for people: what is personal or secret in the request is hidden in it.
    pub fn veiled(&self, text: &str, settings: &HttpSettings) -> String {
        let mut hidden = Cover::default();
        let parts = [("query", &self.query), ("headers", &self.headers)];
        for (root, (name, value)) in parts.into_iter().flat_map(|(root, all)| all.iter().map(move |pair| (root, pair)))
        {
            let personal = settings.personal.iter().filter_map(|part| part.below(root));
            let is = personal.into_iter().any(|s| s.first().is_none_or(|step| step.eq_ignore_ascii_case(name)));
            hidden.add(value, if is { Marks::PERSONAL } else { Marks::NONE });
        }
        if let Some(body) = &self.body {
            hidden.add(&mark_body(body.clone(), settings), Marks::NONE);
        }
        if self.path.marks.hidden() {
            let path = self.path.bare();
            for segment in path.split('/') {
                let decoded = percent_encoding::percent_decode_str(segment).decode_utf8_lossy();
                hidden.add(&Value::text(&*decoded), self.path.marks);
            }
        }
        hidden.over(text)
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
