//! Parts of a tree that stand in no file. Every one has the place of the part of the lifecycle that it was made of, so that what is
//! said of it is said there.

use crate::base::{
    source::Span,
    yaml::{Entry, Node, Scalar, Style},
};

/// A key or a text.
pub fn scalar(text: impl Into<std::sync::Arc<str>>, span: Span) -> Scalar {
    Scalar { text: text.into(), style: Style::Made, span }
}

/// A text as a value.
pub fn text(text: impl Into<std::sync::Arc<str>>, span: Span) -> Node {
    Node::Scalar(scalar(text, span))
}

/// A word as it stands in the file.
pub fn word(word: &crate::base::shape::Word) -> Node {
    text(word.text.clone(), word.span)
}

/// `true`, or a number.
pub fn plain(text: &str, span: Span) -> Node {
    Node::Scalar(Scalar { text: text.into(), style: Style::Plain, span })
}

/// `key: value`.
pub fn entry(key: &str, node: Node, span: Span) -> Entry {
    Entry { key: scalar(key, span), node }
}

/// A map whose keys all stand at the same place.
pub fn map<'k>(entries: impl IntoIterator<Item = (&'k str, Node)>, span: Span) -> Node {
    Node::Map(entries.into_iter().map(|(key, node)| entry(key, node, span)).collect(), span)
}

/// `['a', 'b']`, in an expression.
pub fn list<'w>(words: impl IntoIterator<Item = &'w str>) -> String {
    format!("[{}]", words.into_iter().map(quoted).collect::<Vec<_>>().join(", "))
}

/// A text in an expression.
pub fn quoted(text: &str) -> String {
    let mut out = String::from("'");
    for c in text.chars() {
        match c {
            '\'' | '\\' => out.extend(['\\', c]),
            '\n' => out.push_str("\\n"),
            _ => out.push(c),
        }
    }
    out.push('\'');
    out
}
