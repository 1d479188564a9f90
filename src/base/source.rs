//! A text that a person wrote, and places in it.
//!
//! Holds the name and bytes of one file, or of one file and those that it includes, and maps byte offsets to names, lines
//! and columns. Knows nothing of YAML but the line that begins an included file.

use std::sync::Arc;

/// A half-open range of bytes in one source.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Span {
    /// First byte.
    pub start: usize,
    /// One past the last byte.
    pub end: usize,
}

impl Span {
    /// The range `start..end`; an `end` before `start` is taken as empty.
    pub fn new(start: usize, end: usize) -> Self {
        Span { start, end: end.max(start) }
    }

    /// The smallest span that covers both.
    pub fn join(self, other: Span) -> Span {
        Span { start: self.start.min(other.start), end: self.end.max(other.end) }
    }
}

/// A place as people count it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Place {
    /// From 1.
    pub line: usize,
    /// From 1, in characters.
    pub column: usize,
}

/// One file (or other named text) with its line table. Files that it includes stand in the same text, each after a line
/// of its own, so that whoever keeps the text keeps all of it.
#[derive(Debug, PartialEq, Eq)]
pub struct Source {
    name: String,
    text: String,
    lines: Vec<usize>,
    included: Vec<Included>,
}

/// A file that stands in the text of another one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Included {
    /// What messages show.
    pub name: String,
    /// Its text.
    pub span: Span,
    /// How many lines stand before it.
    lines_before: usize,
}

/// How the line before an included file begins. For YAML it begins a second document, so that no file holds it by mistake.
const INCLUDED: &str = "--- # included by trueup: ";

impl Source {
    /// `name` is what messages show: usually the path as the user gave it.
    pub fn new(name: impl Into<String>, text: impl Into<String>) -> Arc<Source> {
        let text = text.into();
        let lines: Vec<usize> = std::iter::once(0).chain(text.match_indices('\n').map(|(at, _)| at + 1)).collect();
        let mut included: Vec<Included> = Vec::new();
        for (index, start) in lines.iter().enumerate() {
            let Some(name) = text[*start..].strip_prefix(INCLUDED) else { continue };
            if let Some(last) = included.last_mut() {
                last.span.end = *start;
            }
            let name = name.lines().next().unwrap_or("").trim().to_owned();
            let from = lines.get(index + 1).copied().unwrap_or(text.len());
            included.push(Included { name, span: Span::new(from, text.len()), lines_before: index + 1 });
        }
        Arc::new(Source { name: name.into(), text, lines, included })
    }

    /// The same file with others in it: names and texts.
    pub fn including(&self, others: &[(String, String)]) -> Arc<Source> {
        let mut text = self.text.clone();
        for (name, other) in others {
            if !text.is_empty() && !text.ends_with('\n') {
                text.push('\n');
            }
            text.push_str(&format!("{INCLUDED}{name}\n{other}"));
        }
        Source::new(self.name.clone(), text)
    }

    /// The files that stand in this text, in their order.
    pub fn included(&self) -> &[Included] {
        &self.included
    }

    /// The file's own text, without what it includes.
    pub fn own(&self) -> Span {
        let end = self
            .included
            .first()
            .map_or(self.text.len(), |first| self.text[..first.span.start].rfind(INCLUDED).unwrap_or(first.span.start));
        Span::new(0, end)
    }

    fn included_at(&self, offset: usize) -> Option<&Included> {
        self.included.iter().rev().find(|part| offset >= part.span.start)
    }

    /// The name of the file that this place belongs to.
    pub fn name_at(&self, offset: usize) -> &str {
        self.included_at(offset).map_or(&self.name, |part| &part.name)
    }

    /// The name that messages show.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The whole text.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// The text of a span; empty when the span does not lie on character borders of this text.
    pub fn slice(&self, span: Span) -> &str {
        self.text.get(span.start..span.end).unwrap_or("")
    }

    /// Line and column of a byte offset within its own file; an offset past the end is the end.
    pub fn place(&self, offset: usize) -> Place {
        let mut offset = offset.min(self.text.len());
        while !self.text.is_char_boundary(offset) {
            offset -= 1;
        }
        let line = self.lines.partition_point(|start| *start <= offset).max(1);
        let start = self.lines.get(line - 1).copied().unwrap_or(0);
        let before = self.included_at(offset).map_or(0, |part| part.lines_before);
        Place {
            line: line - before.min(line - 1),
            column: self.text.get(start..offset).unwrap_or("").chars().count() + 1,
        }
    }

    /// Byte offset of a line and column of the whole text, both from 1, as YAML scanners report them.
    pub fn offset(&self, line: usize, column: usize) -> usize {
        let start = self.lines.get(line.saturating_sub(1)).copied().unwrap_or(self.text.len());
        let rest = self.text.get(start..).unwrap_or("");
        start + rest.char_indices().nth(column.saturating_sub(1)).map_or(rest.len(), |(at, _)| at)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_count_characters_and_lines_start_at_one() {
        let source = Source::new("a.yaml", "één: 1\ntwo: ü!\n");
        assert_eq!(source.place(0), Place { line: 1, column: 1 });
        let bang = source.text().find('!').unwrap();
        assert_eq!(source.place(bang), Place { line: 2, column: 7 });
        assert_eq!(source.offset(2, 7), bang);
        assert_eq!(source.place(9999), Place { line: 3, column: 1 });
    }

    #[test]
    fn an_included_file_keeps_its_own_name_and_lines_in_whatever_text_it_stands() {
        let whole = Source::new("a.yaml", "a: 1\nb: 2")
            .including(&[("t/one".into(), "x: 1\ny: ü\n".into()), ("t/two".into(), "z: 1".into())]);
        let again = Source::new("a.yaml", whole.text());
        assert_eq!(whole, again, "what is kept is the whole text, and it says where each file begins");
        assert_eq!(again.slice(again.own()), "a: 1\nb: 2\n");
        let names: Vec<_> = again.included().iter().map(|part| (&*part.name, again.slice(part.span))).collect();
        assert_eq!(names, [("t/one", "x: 1\ny: ü\n"), ("t/two", "z: 1")]);
        let at = |text: &str| {
            let offset = again.text().find(text).unwrap();
            (again.name_at(offset).to_owned(), again.place(offset).line)
        };
        assert_eq!(at("b: 2"), ("a.yaml".into(), 2));
        assert_eq!(at("y: "), ("t/one".into(), 2));
        assert_eq!(at("z: "), ("t/two".into(), 1));
    }
}
