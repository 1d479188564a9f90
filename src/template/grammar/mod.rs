//! The one folder that names minijinja: text → minijinja's parser → our own tree.

mod lower;
pub mod size;

use self::{lower::Lowering, size::small_enough};
use super::{
    problem::{NOT_ALLOWED, Problem, SYNTAX, TOO_COMPLEX},
    syntax::{Block, Node},
};
use minijinja::{
    machinery::{ast::Stmt, parse, parse_expr},
    syntax::SyntaxConfig,
};
use std::ops::Range;

/// Parses a bare expression. A text without any grammar is an error; other problems go to `problems`.
pub fn expression(text: &str, problems: &mut Vec<Problem>) -> Result<Node, Problem> {
    if text.trim_start().starts_with("{{") {
        let inner = text.trim().trim_start_matches("{{").trim_end_matches("}}").trim();
        return Err(Problem::new(&SYNTAX, 0..text.len(), "a bare expression stands without braces")
            .help(format!("write `{inner}`")));
    }
    if text.trim().is_empty() {
        return Err(Problem::new(&SYNTAX, 0..text.len(), "the expression is empty"));
    }
    small_enough(text, true)?;
    let parsed = parse_expr(text).map_err(|error| syntax_problem(text, &error))?;
    Ok(Lowering::new(text, problems).node(&parsed))
}

/// Parses a text with `{{ … }}` and `{% … %}`.
pub fn template(text: &str, problems: &mut Vec<Problem>) -> Result<Vec<Block>, Problem> {
    small_enough(text, false)?;
    let parsed = parse(text, "", keep_newlines()).map_err(|error| syntax_problem(text, &error))?;
    match &parsed {
        Stmt::Template(template) => Ok(Lowering::new(text, problems).blocks(&template.children)),
        _ => Ok(Vec::new()),
    }
}

fn keep_newlines() -> SyntaxConfig {
    // The default delimiters cannot be invalid.
    SyntaxConfig::builder().keep_trailing_newline(true).build().unwrap_or_default()
}

/// minijinja's message in plain words, with what people usually meant.
fn syntax_problem(text: &str, error: &minijinja::Error) -> Problem {
    let mut at = whole_characters(text, error.range().unwrap_or(0..text.len()));
    if text.get(at.clone()).is_none_or(str::is_empty) {
        at = text.char_indices().next_back().map_or(0, |(i, _)| i)..text.len();
    }
    let culprit = text.get(at.clone()).unwrap_or("");
    let detail = error.detail().unwrap_or("unreadable");
    if detail.contains("recursion") {
        return Problem::new(&TOO_COMPLEX, at, "nested too deeply");
    }
    if detail.contains("end of string") {
        let quote = text.rfind(['\'', '"']).unwrap_or(at.start);
        return Problem::new(&SYNTAX, quote..text.len(), "the text that begins here has no closing quote");
    }
    if let Some(word) = detail.strip_prefix("unknown statement ") {
        let problem = Problem::new(&NOT_ALLOWED, at, format!("`{{% {word} %}}` has no meaning here"));
        return problem.help("the blocks are `{% if %}` … `{% endif %}`, `{% for %}` … `{% endfor %}` and `{% set %}`");
    }
    let problem = Problem::new(&SYNTAX, at.clone(), plain_words(detail, culprit));
    match usual_slip(text, culprit, &text[..at.start], detail) {
        Some(help) => problem.help(help),
        None => problem,
    }
}

/// minijinja says that a character it does not know is one byte long.
fn whole_characters(text: &str, at: Range<usize>) -> Range<usize> {
    let start = (0..=at.start.min(text.len())).rev().find(|i| text.is_char_boundary(*i)).unwrap_or(0);
    let end = (at.end.min(text.len())..=text.len()).find(|i| text.is_char_boundary(*i)).unwrap_or(text.len());
    start..end.max(start)
}

fn plain_words(detail: &str, culprit: &str) -> String {
    let (found, expected) = match detail.split_once(", expected ") {
        Some((found, expected)) => (found, Some(expected)),
        None => (detail, None),
    };
    let expected = expected.map(|expected| match expected {
        "identifier" => "a name".to_owned(),
        "identifier or integer" => "a name or number".to_owned(),
        "expression" => "a value".to_owned(),
        "end of variable block" => "the closing `}}`".to_owned(),
        "end of block" => "the closing `%}`, or the block that ends this one".to_owned(),
        other => other.to_owned(),
    });
    match (found, expected) {
        ("unexpected input after expression", _) => format!("the expression is complete before `{culprit}`"),
        ("unexpected end of input", Some(expected)) => format!("the text ends too early, expected {expected}"),
        ("unexpected end of variable block" | "unexpected end of block", None) => {
            format!("a value is missing before `{culprit}`")
        }
        ("unexpected character", _) => match culprit.chars().next().filter(|c| !c.is_ascii() && !c.is_alphanumeric()) {
            Some(odd) => format!("`{culprit}` (U+{:04X}) is no part of an expression", u32::from(odd)),
            None => format!("`{culprit}` is no part of an expression"),
        },
        (_, Some(expected)) => format!("`{culprit}` cannot stand here, expected {expected}"),
        (_, None) if found.starts_with("unexpected `") => format!("`{culprit}` cannot stand here"),
        (found, None) => found.replace("identifier", "a name"),
    }
}

/// What other languages write for it.
fn usual_slip(text: &str, culprit: &str, before: &str, detail: &str) -> Option<&'static str> {
    match culprit {
        "=" => Some("compare with `==`"),
        "&" => Some("write `and`"),
        "!" => Some("write `not`"),
        "?" => Some("write `a if condition else b`"),
        "\u{2018}" | "\u{2019}" | "\u{201A}" | "\u{201C}" | "\u{201D}" | "\u{201E}" => {
            Some("a text stands in straight quotes: `'…'`")
        }
        _ if culprit.chars().any(|c| !c.is_ascii() && c.is_whitespace()) => {
            Some("a space of another kind stands here: type it anew")
        }
        ">" if before.trim_end().ends_with('<') => Some("write `!=`"),
        "AND" | "OR" | "NOT" | "IN" | "IS" => Some("write `and`, `or`, `not`, `in` and `is` in small letters"),
        "contains" | "includes" | "has" => Some("write `'part' in text`, or `element in list`"),
        "like" | "LIKE" | "startswith" | "matches" | "starts" => {
            Some("write `x is startingwith 'A'`, `x is endingwith 'Z'` or `'part' in x`")
        }
        "between" | "BETWEEN" => Some("write `a <= x and x < b`"),
        "|" if before.trim_end().ends_with('|') => Some("write `or`"),
        _ if detail.contains("`=`") => Some("compare with `==`"),
        _ if text.matches('\'').count() % 2 == 1 => {
            Some("a quote inside a text is written `\\'`, or the text stands in double quotes")
        }
        _ => None,
    }
}
