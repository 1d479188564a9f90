//! The line that a log holds for every move, read as a pattern: which state was left, and which one was come to.

use std::sync::Arc;

/// A part of a text with `{{ … }}` in it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Piece {
    /// Characters.
    Plain(String),
    /// The inside of a `{{ … }}`.
    Value(String),
}

/// Takes a text apart; nothing where it holds statements (`{% … %}`) or a `{{` without its end.
pub fn pieces(text: &str) -> Option<Vec<Piece>> {
    if text.contains("{%") || text.contains("{#") {
        return None;
    }
    let mut all = Vec::new();
    let mut rest = text;
    while let Some(open) = rest.find("{{") {
        if open > 0 {
            all.push(Piece::Plain(rest[..open].to_owned()));
        }
        let close = open + 2 + end_of_value(&rest[open + 2..])?;
        let inside = rest[open + 2..close].trim_matches(['-', '+']).trim();
        all.push(Piece::Value(inside.to_owned()));
        rest = &rest[close + 2..];
    }
    if !rest.is_empty() {
        all.push(Piece::Plain(rest.to_owned()));
    }
    Some(all)
}

/// Where the `}}` of a value stands that is no part of a text in quotes.
fn end_of_value(text: &str) -> Option<usize> {
    let mut quote = None;
    let mut escaped = false;
    for (at, c) in text.char_indices() {
        match quote {
            Some(_) if escaped => escaped = false,
            Some(_) if c == '\\' => escaped = true,
            Some(open) if c == open => quote = None,
            Some(_) => {}
            None if c == '\'' || c == '"' => quote = Some(c),
            None if text[at..].starts_with("}}") => return Some(at),
            None => {}
        }
    }
    None
}

/// The line of a log, as [`crate::template`]'s filter `extract` takes it: `Moved from {from} (step {_}) to {to} (step {_}):`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line(pub Arc<str>);

impl Line {
    /// Of the text under `log: { line }`; nothing where no line of it names both states.
    pub fn of(text: &str) -> Option<Line> {
        let mut lines = vec![String::new()];
        for piece in pieces(text)? {
            match piece {
                Piece::Plain(plain) => {
                    for (index, part) in plain.split('\n').enumerate() {
                        if index > 0 {
                            lines.push(String::new());
                        }
                        if let Some(line) = lines.last_mut() {
                            line.push_str(&part.replace('{', "{{").replace('}', "}}"));
                        }
                    }
                }
                Piece::Value(value) => {
                    let hole = match value.as_str() {
                        "move.from" => "{from}",
                        "move.to" => "{to}",
                        _ => "{_}",
                    };
                    if let Some(line) = lines.last_mut() {
                        line.push_str(hole);
                    }
                }
            }
        }
        let found = lines.into_iter().find(|line| line.contains("{from}") && line.contains("{to}"))?;
        Some(Line(found.trim().into()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_line_with_both_states_becomes_a_pattern() {
        let edx = "\n Moved from {{ move.from }} (step {{ move.from_order }}) to {{ move.to }} (step {{ move.to_order }}):\n{{ move.text }}\n";
        assert_eq!(&*Line::of(edx).unwrap().0, "Moved from {from} (step {_}) to {to} (step {_}):");
        assert_eq!(&*Line::of("{{ move.from }}->{{move.to}} {{ '}}' }}").unwrap().0, "{from}->{to} {_}");
        assert_eq!(Line::of("{{ move.text }}"), None);
        assert_eq!(Line::of("{{ move.from }}\n{{ move.to }}"), None);
        assert_eq!(Line::of("{% if x %}{{ move.from }} {{ move.to }}{% endif %}"), None);
    }
}
