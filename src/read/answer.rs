//! What an author says about the answers of a call: pages, a request that is only taken, the form of the body.

use crate::{
    base::{
        diagnostic::Diagnostic,
        shape::{FromNode, Length, Lowering, ONE_OF, Word},
        value::{Data, Value},
    },
    shape,
    template::{Expression, Text},
    words,
};

shape! {
    /// A list that comes in pages. The result has all entries of all pages under `body`, and `pages`. Exactly one of `link`, `next`,
    /// `page` and `cursor` says how one page leads to the next.
    "pages" pub struct Pages {
        /// At most so many pages; more are a failure, never a part of the list.
        at_most: u32,
        /// The next page stands in the header `Link`, as `rel="next"`.
        link: Option<bool>,
        /// A bare expression over the page (`self`): the next page's address, or none: `self.body['@odata.nextLink'] | default(none)`.
        /// It must stay below the connection's base.
        next: Option<Expression>,
        /// The query parameter that holds a page's number.
        page: Option<Word>,
        /// The first page's number. Default 1.
        from: Option<u32>,
        /// A bare expression over a page: how many pages there are. Without it, an empty page is the last: `self.headers['total-pages']`.
        total: Option<Expression>,
        /// The query parameter that holds a cursor.
        cursor: Option<Word>,
        /// A bare expression over the page: the cursor of the next one, or none.
        after: Option<Expression>,
        /// A bare expression over the page: its entries. Default `self.body`.
        items: Option<Expression>,
    }
}

impl Pages {
    /// Notes what does not fit together.
    pub fn sound(&self, cx: &mut Vec<Diagnostic>) {
        let ways = [self.link == Some(true), self.next.is_some(), self.page.is_some(), self.cursor.is_some()];
        let mut odd = |message: &str, help: &str| cx.push(Diagnostic::error(&ONE_OF, self.at, message).help(help));
        if ways.iter().filter(|way| **way).count() != 1 {
            odd(
                "pages lead to the next one in exactly one way",
                "write one of `link: true`, `next: EXPRESSION`, `page: PARAMETER`, `cursor: PARAMETER`",
            );
        }
        if self.cursor.is_some() != self.after.is_some() {
            odd("`cursor` and `after` belong together", "`cursor:` names the parameter, `after:` gives its value");
        }
        if self.page.is_none() && (self.from.is_some() || self.total.is_some()) {
            odd("`from` and `total` are for numbered pages", "write `page: PARAMETER` beside them");
        }
        if !(1..=10_000).contains(&self.at_most) {
            odd("`at_most` is 1 to 10000 pages", "write the largest number of pages that makes sense here");
        }
    }

    /// The expressions in it.
    pub fn expressions(&self) -> impl Iterator<Item = &Expression> {
        [&self.next, &self.total, &self.after, &self.items].into_iter().flatten()
    }
}

shape! {
    /// What to do when the answer is 202: the request was taken, and is not finished. The answer is journaled before anything is
    /// asked, so that a resumed run goes on asking and never sends the request again.
    "an accepted request" pub struct Accepted {
        /// Where to ask: a path below the API's base, over the answer (`self`): `/v1/jobs/{{ self.body.id }}`. Default: the answer's
        /// `Location` header. It is always a GET.
        poll: Option<Text>,
        /// A bare expression over what the poll gave (`self`): the request is finished.
        until: Expression,
        /// A bare expression over what the poll gave: the request failed, and nothing was done.
        failed_when: Option<Expression>,
        /// How often to ask. Default `5s`; a longer `Retry-After` is obeyed.
        every: Option<Length>,
        /// How long to ask; after that nobody knows, and the item is in doubt.
        at_most: Length,
    }
}

words! {
    "a kind of value"
    pub enum Form {
        /// A text.
        Text = "text",
        /// A number.
        Number = "number",
        /// True or false.
        Bool = "bool",
        /// A list.
        List = "list",
        /// A map.
        Map = "map",
        /// Anything but null.
        Any = "any",
    }
}

/// What must stand at a path of the body: `text`, or `text?` where it may be null or absent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Expected {
    /// The kind.
    pub form: Form,
    /// It may be null, or not there.
    pub optional: bool,
}

impl FromNode for Expected {
    fn from_node(node: &crate::base::yaml::Node, cx: &mut Lowering<'_>) -> Option<Self> {
        let crate::base::yaml::Node::Scalar(scalar) = node else {
            return cx.wrong_type(node, "a kind of value such as `text` or `list?`");
        };
        let (word, optional) = match scalar.text.strip_suffix('?') {
            Some(word) => (word, true),
            None => (&*scalar.text, false),
        };
        let Some(form) = Form::of(word) else {
            let words = ["text", "number", "bool", "list", "map", "any"];
            cx.push(
                Diagnostic::error(
                    &crate::base::shape::UNKNOWN_WORD,
                    scalar.span,
                    format!("`{word}` is not a kind of value"),
                )
                .suggest(word, words),
            );
            return None;
        };
        Some(Expected { form, optional })
    }
}
crate::plain_schema!(Expected, { "type": "string", "pattern": "^(text|number|bool|list|map|any)\\??$" });

impl Expected {
    /// What is wrong with the values at a path; nothing when all are as expected.
    pub fn misses(self, found: &[Value]) -> Option<String> {
        if found.is_empty() {
            return (!self.optional).then(|| "is not there".to_owned());
        }
        let odd = found.iter().find(|value| !self.holds(value))?;
        Some(format!("is {}, not {}", odd.kind(), self.words()))
    }

    fn holds(self, value: &Value) -> bool {
        match (&value.data, self.form) {
            (Data::Null, _) => self.optional,
            (_, Form::Any) => true,
            (Data::List(_), form) => form == Form::List,
            (Data::Map(_), form) => form == Form::Map,
            (Data::Bool(_), form) => form == Form::Bool,
            (_, Form::Text) => value.as_str().is_some(),
            (_, Form::Number) => value.as_str().is_none(),
            _ => false,
        }
    }

    fn words(self) -> &'static str {
        match self.form {
            Form::Text => "a text",
            Form::Number => "a number",
            Form::Bool => "true or false",
            Form::List => "a list",
            Form::Map => "a map",
            Form::Any => "a value",
        }
    }
}
