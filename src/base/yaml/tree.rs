//! The parser's events → the tree, and whatever the language does not have.

use super::{
    DUPLICATE_KEY, Entry, KEY_NOT_TEXT, Limits, NO_ANCHORS, NUMBER_TOO_LARGE, Node, ONE_DOCUMENT, Scalar, Style,
    TOO_LARGE, UNQUOTED_TEMPLATE,
};
use crate::base::{
    diagnostic::{Diagnostic, Diagnostics},
    source::{Source, Span},
};
use serde_saphyr::granit_parser::{Event, Parser, ScalarStyle, ScanError, Span as ParserSpan, StrInput};
use std::sync::Arc;

/// Why a tree was not read to its end.
pub(super) enum Stop {
    /// The parser could not go on.
    Scan(ScanError),
    /// What was wrong is among the problems.
    Reported,
}

impl From<ScanError> for Stop {
    fn from(error: ScanError) -> Stop {
        Stop::Scan(error)
    }
}

/// One file on its way from events to a tree.
pub(super) struct Tree<'a> {
    source: &'a Arc<Source>,
    limits: Limits,
    problems: &'a mut Diagnostics,
    events: Parser<'a, StrInput<'a>>,
    nodes: usize,
}

impl<'a> Tree<'a> {
    /// Of this text, whose places are those of `source`.
    pub(super) fn new(source: &'a Arc<Source>, text: &'a str, limits: Limits, problems: &'a mut Diagnostics) -> Self {
        Tree { source, limits, problems, events: Parser::new_from_str(text), nodes: 0 }
    }

    fn next(&mut self) -> Result<(Event<'a>, Span), Stop> {
        match self.events.next() {
            Some(Ok((event, span))) => Ok((event, self.span(&span))),
            Some(Err(error)) => Err(error.into()),
            None => Ok((Event::StreamEnd, Span::new(self.source.text().len(), self.source.text().len()))),
        }
    }

    fn span(&self, span: &ParserSpan) -> Span {
        let byte = |m: serde_saphyr::granit_parser::Marker| {
            m.byte_offset().unwrap_or_else(|| self.source.offset(m.line(), m.col() + 1))
        };
        Span::new(byte(span.start), byte(span.end))
    }

    /// The one document of the file; nothing where it holds nothing.
    pub(super) fn document(&mut self) -> Result<Option<Node>, Stop> {
        let mut node = None;
        loop {
            match self.next()? {
                (Event::StreamEnd, _) => return Ok(node),
                (Event::StreamStart | Event::DocumentEnd, _) => {}
                (Event::DocumentStart(..), span) => {
                    if node.is_some() {
                        self.problems.push(Diagnostic::error(&ONE_DOCUMENT, span, "a second document begins here"));
                        return Ok(node);
                    }
                }
                (event, span) => node = Some(self.node(event, span, 1)?),
            }
        }
    }

    fn node(&mut self, event: Event<'a>, span: Span, depth: usize) -> Result<Node, Stop> {
        self.nodes += 1;
        let over = |what: &str, limit: usize| format!("more than {limit} {what}");
        if self.nodes > self.limits.nodes {
            self.problems.push(Diagnostic::error(&TOO_LARGE, span, over("values in one file", self.limits.nodes)));
            return Err(Stop::Reported);
        }
        if depth > self.limits.depth {
            self.problems.push(Diagnostic::error(&TOO_LARGE, span, over("levels of nesting", self.limits.depth)));
            return Err(Stop::Reported);
        }
        let (anchor, tag) = match &event {
            Event::Scalar(_, _, anchor, tag) => (*anchor, tag.is_some()),
            Event::SequenceStart(_, anchor, tag) | Event::MappingStart(_, anchor, tag) => (*anchor, tag.is_some()),
            _ => (0, false),
        };
        if tag
            && let Event::Scalar(rest, ScalarStyle::Plain, ..) = &event
            && let Some(problem) = self.negated(rest, span)
        {
            self.problems.push(problem);
            return Ok(Node::Broken(span));
        }
        if anchor != 0 || tag {
            let what = if tag { "a tag stands before this value" } else { "an anchor stands before this value" };
            let at = self.before(span, if tag { '!' } else { '&' });
            let help = match tag {
                true => "take the tag away; a text that looks like a number or a date is written in quotes",
                false => "write the value itself; `vars:` names one that is used twice",
            };
            self.problems.push(Diagnostic::error(&NO_ANCHORS, at, what).help(help));
        }
        match event {
            Event::Scalar(text, style, ..) => Ok(self.scalar(&text, style, span)),
            Event::SequenceStart(..) => self.list(span, depth),
            Event::MappingStart(..) => self.map(span, depth),
            Event::Alias(_) => {
                self.problems.push(
                    Diagnostic::error(&NO_ANCHORS, span, "an alias stands for a value from elsewhere")
                        .help("write the value itself; `vars:` names one that is used twice"),
                );
                Ok(Node::Broken(span))
            }
            _ => Ok(Node::Broken(span)),
        }
    }

    /// `!order.refunded`: a condition as other languages write it, which YAML reads as a tag.
    fn negated(&self, rest: &str, span: Span) -> Option<Diagnostic> {
        let at = if rest.is_empty() { self.trimmed(span) } else { self.before(span, '!') };
        // Of a tag with nothing behind it the events give the place behind it, or its own.
        let line_start = self.source.text()[..at.end].rfind('\n').map_or(0, |n| n + 1);
        let line = self.source.text()[line_start..at.end].trim_end();
        let word = line.rfind(|c: char| c.is_whitespace() || "[{,".contains(c)).map_or(0, |n| n + 1);
        let name = line[word..].strip_prefix('!')?;
        const GO_ON: [&str; 10] = ["and", "or", "in", "is", "==", "!=", "<", ">", "|", "&&"];
        if !rest.is_empty() && !GO_ON.iter().any(|word| rest.starts_with(word)) {
            return None;
        }
        name.starts_with(|c: char| c.is_ascii_lowercase() || c == '(').then(|| {
            let at = Span::new(line_start + word, line_start + line.len());
            let whole = format!("not {name} {rest}");
            Diagnostic::error(&NO_ANCHORS, at, "a `!` begins a tag here, which the language does not have")
                .help(format!("in an expression write `{}`", whole.trim()))
        })
    }

    /// The anchor or tag that stands before a value: the events give only the value's place.
    fn before(&self, span: Span, mark: char) -> Span {
        let text = self.source.text().get(..span.start).unwrap_or("");
        let line = text.trim_end();
        let word = line.rfind(|c: char| c.is_whitespace() || "[{,".contains(c)).map_or(0, |at| at + 1);
        if line[word..].starts_with(mark) { Span::new(word, line.len()) } else { span }
    }

    fn scalar(&mut self, text: &str, style: ScalarStyle, span: Span) -> Node {
        let style = if style == ScalarStyle::Plain { Style::Plain } else { Style::Text };
        let digits = text.strip_prefix(['-', '+']).unwrap_or(text);
        let whole = !digits.is_empty() && digits.bytes().all(|b| b.is_ascii_digit());
        if style == Style::Plain && whole && !digits.starts_with('0') && text.parse::<i64>().is_err() {
            self.problems.push(
                Diagnostic::error(&NUMBER_TOO_LARGE, span, format!("{text} does not fit into 64 bits"))
                    .help(format!("put it into quotes if it is meant as text: \"{text}\"")),
            );
            return Node::Broken(span);
        }
        Node::Scalar(Scalar { text: text.into(), style, span: self.trimmed(span) })
    }

    /// Block scalars end where the next token begins; the caret must not run over the following lines.
    fn trimmed(&self, span: Span) -> Span {
        let raw = self.source.slice(span);
        Span::new(span.start, span.start + raw.trim_end().len())
    }

    fn list(&mut self, span: Span, depth: usize) -> Result<Node, Stop> {
        let mut nodes = Vec::new();
        loop {
            match self.next()? {
                (Event::SequenceEnd, end) => {
                    let whole = self.collection_span(span, end, nodes.first().map(Node::span));
                    return Ok(Node::List(nodes, whole));
                }
                (event, at) => nodes.push(self.node(event, at, depth + 1)?),
            }
        }
    }

    /// A flow collection on one line is underlined whole, a block by its first entry.
    fn collection_span(&self, start: Span, end: Span, first: Option<Span>) -> Span {
        let whole = Span::new(start.start, end.end);
        let flow = self.source.slice(whole).starts_with(['[', '{']);
        if flow && !self.source.slice(whole).contains('\n') {
            whole
        } else {
            first.filter(|_| !flow).unwrap_or(Span::new(start.start, start.start + 1))
        }
    }

    fn map(&mut self, span: Span, depth: usize) -> Result<Node, Stop> {
        let template = self.source.text()[span.start..].starts_with("{{");
        let mut entries: Vec<Entry> = Vec::new();
        let mut odd = false;
        loop {
            let (event, at) = self.next()?;
            if let Event::MappingEnd = event {
                let whole = self.collection_span(span, at, entries.first().map(|e| e.key.span));
                if template {
                    let shown = Span::new(span.start, at.end.min(self.source.text().len()));
                    let text = self.source.slice(shown).lines().next().unwrap_or("").to_owned();
                    self.problems.push(
                        Diagnostic::error(
                            &UNQUOTED_TEMPLATE,
                            Span::new(shown.start, shown.start + text.len()),
                            "YAML reads this as a map inside a map",
                        )
                        .help(format!("put quotes around it: \"{text}\"")),
                    );
                    return Ok(Node::Broken(whole));
                }
                return Ok(if odd && entries.is_empty() { Node::Broken(whole) } else { Node::Map(entries, whole) });
            }
            let key = self.node(event, at, depth + 1)?;
            let (event, value_at) = self.next()?;
            let node = self.node(event, value_at, depth + 1)?;
            match self.key(key, &entries, template) {
                Some(key) => entries.push(Entry { key, node }),
                None => odd = true,
            }
        }
    }

    fn key(&mut self, key: Node, entries: &[Entry], template: bool) -> Option<Scalar> {
        let Node::Scalar(key) = key else {
            if !template && !matches!(key, Node::Broken(_)) {
                self.problems.push(Diagnostic::error(
                    &KEY_NOT_TEXT,
                    key.span(),
                    format!("{} cannot be a key", key.kind()),
                ));
            }
            return None;
        };
        if &*key.text == "<<" && key.style == Style::Plain {
            self.problems.push(Diagnostic::error(&NO_ANCHORS, key.span, "`<<` would merge another map in here"));
            return None;
        }
        let value = key.value();
        if value.as_str().is_none() {
            self.problems.push(
                Diagnostic::error(&KEY_NOT_TEXT, key.span, format!("{} cannot be a key", value.kind()))
                    .help(format!("put quotes around it if it is a name: \"{}\"", key.text)),
            );
            return None;
        }
        if let Some(first) = entries.iter().find(|e| e.key.text == key.text) {
            self.problems.push(
                Diagnostic::error(&DUPLICATE_KEY, key.span, format!("`{}` stands twice in the same map", key.text))
                    .label(first.key.span, "first here"),
            );
            return None;
        }
        Some(key)
    }
}
