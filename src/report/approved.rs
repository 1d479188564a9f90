//! What came of an approval: who agreed, what is still needed, what can be done now.

use super::{
    line::{Line, Tone},
    look::Look,
    page::Page,
    pretty,
};
use crate::base::value::Value;

/// For a terminal. `what` is the short id of the plan or run; each thing that is missing comes with whom to ask.
pub fn text(actor: &str, what: &str, missing: &[(String, String)], next: &str, look: Look) -> String {
    let mut page = Page::new(look);
    page.line(0, Line::of(Tone::Good, format!("{actor} agreed to {what}.")));
    if missing.is_empty() {
        page.line(0, Line::of(Tone::Plain, "Enough people have agreed. To carry it out:"));
        page.command(2, next);
        return page.finish();
    }
    page.line(0, Line::of(Tone::Care, "Still needed:"));
    for (words, whom) in missing {
        page.hung(2, 4, Line::of(Tone::Plain, words));
        page.hung(4, 4, Line::of(Tone::Dim, format!("ask {whom}")));
    }
    page.finish()
}

/// As a JSON document.
pub fn document(actor: &str, what: &str, missing: &[(String, String)], next: &str) -> String {
    let open = missing
        .iter()
        .map(|(words, whom)| Value::map([("needed", Value::from(words.as_str())), ("ask", whom.as_str().into())]));
    pretty::document(&Value::map([
        ("format", Value::from(1)),
        ("kind", "approval".into()),
        ("of", what.into()),
        ("actor", actor.into()),
        ("enough", missing.is_empty().into()),
        ("missing", Value::list(open)),
        ("command", if missing.is_empty() { next.into() } else { Value::NULL }),
    ]))
}
