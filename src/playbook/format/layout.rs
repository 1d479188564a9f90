//! YAML text as it is written: every part with its own characters, the comments and blank lines before it, and the comment
//! behind it.
//!
//! For texts that the reader of [`crate::base::yaml`] has found sound: no anchors, no tags, one document.

use serde_saphyr::granit_parser::{Event, Parser, ScalarStyle, Span as ParserSpan, StrInput, StructureStyle};
use std::ops::Range;

/// A file.
#[derive(Clone, Debug)]
pub struct Layout {
    /// What stands before the first key: it stays at the top, whichever key comes first.
    pub head: Vec<Lead>,
    /// The file's map.
    pub top: Node,
}

/// A line before a part.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Lead {
    /// One or more blank lines.
    Blank,
    /// A comment on a line of its own, from its `#` on.
    Comment(String),
}

/// A comment behind something.
#[derive(Clone, Debug)]
pub struct Trail {
    /// From its `#` on.
    pub text: String,
    /// Where it begins: authors align them.
    pub column: usize,
}

/// An entry of a map, or an item of a list.
#[derive(Clone, Debug)]
pub struct Part {
    /// Lines before it.
    pub lead: Vec<Lead>,
    /// The key as written; nothing in a list.
    pub key: Option<String>,
    /// The key's text.
    pub name: String,
    /// What it holds.
    pub node: Node,
    /// The comment behind it (behind its first line).
    pub trail: Option<Trail>,
    /// Comments behind the last part of a map or list, still as far in as that one.
    pub foot: Vec<Lead>,
    /// From the key or the dash to the end of what it holds, comments behind it left out.
    pub range: Range<usize>,
    /// Column of the key or the dash.
    pub column: usize,
    /// The end of all that belongs to it, comments behind it among them.
    pub end: usize,
    /// The end of `key:` or `-`.
    header: usize,
}

/// A value.
#[derive(Clone, Debug)]
pub enum Node {
    /// One value.
    Scalar(Scalar),
    /// A map or a list.
    Parts(Parts),
}

/// A map or a list.
#[derive(Clone, Debug)]
pub struct Parts {
    /// A map.
    pub map: bool,
    /// In braces or brackets.
    pub flow: bool,
    /// In braces, and something between them is a comment.
    pub commented: bool,
    /// As it stands, where it is in braces.
    pub raw: String,
    /// What it holds.
    pub parts: Vec<Part>,
}

/// One value.
#[derive(Clone, Debug)]
pub enum Scalar {
    /// Without quotes or in quotes, as it stands.
    Words(String),
    /// A text in lines below the key.
    Block {
        /// `|`, `>-`, `|2`.
        header: String,
        /// The lines, without their indentation.
        lines: Vec<String>,
        /// How far in the lines stand, where the header says it.
        given: Option<usize>,
    },
}

impl Layout {
    /// Reads a text; nothing when it is not a map.
    pub fn of(text: &str) -> Option<Layout> {
        let mut reading = Reading { text, events: Parser::new_from_str(text), scalars: Vec::new() };
        let mut top = reading.document()?;
        let comments = comments(text, &reading.scalars);
        let Node::Parts(Parts { parts, .. }) = &mut top else { return None };
        let mut attach = Attach { text, comments, next: 0 };
        attach.all(parts, 0, true);
        let head = parts.first_mut().map(|first| std::mem::take(&mut first.lead)).unwrap_or_default();
        Some(Layout { head, top })
    }

    /// A key of the top map.
    pub fn part(&self, name: &str) -> Option<&Part> {
        self.parts().iter().find(|part| part.name == name)
    }

    /// The keys of the top map.
    pub fn parts(&self) -> &[Part] {
        match &self.top {
            Node::Parts(parts) => &parts.parts,
            Node::Scalar(_) => &[],
        }
    }
}

struct Reading<'a> {
    text: &'a str,
    events: Parser<'a, StrInput<'a>>,
    /// Where scalars stand: a `#` in one is no comment.
    scalars: Vec<Range<usize>>,
}

impl<'a> Reading<'a> {
    fn next(&mut self) -> Option<(Event<'a>, Range<usize>)> {
        let (event, span) = self.events.next()?.ok()?;
        Some((event, self.range(&span)?))
    }

    fn range(&self, span: &ParserSpan) -> Option<Range<usize>> {
        Some(span.start.byte_offset()?..span.end.byte_offset()?)
    }

    fn document(&mut self) -> Option<Node> {
        loop {
            match self.next()? {
                (Event::StreamStart | Event::DocumentStart(..), _) => {}
                (event @ Event::MappingStart(..), range) => return self.node(event, range, 0, 0).map(|(node, _)| node),
                _ => return None,
            }
        }
    }

    /// A value and its end. `column` is that of the key or dash before it, `header` where that ends.
    fn node(&mut self, event: Event<'a>, range: Range<usize>, column: usize, header: usize) -> Option<(Node, usize)> {
        match event {
            Event::Scalar(_, style, ..) => Some(self.scalar(style, range, column, header)),
            Event::SequenceStart(style, ..) => self.list(style == StructureStyle::Flow, range.start, header),
            Event::MappingStart(style, ..) => self.map(style == StructureStyle::Flow, range.start),
            _ => None,
        }
    }

    fn scalar(&mut self, style: ScalarStyle, range: Range<usize>, column: usize, header: usize) -> (Node, usize) {
        if matches!(style, ScalarStyle::Literal | ScalarStyle::Folded) {
            // The event's place is that of the first line below; the header stands behind the key or dash.
            let start = self.text[header..].find(['|', '>']).map_or(range.start, |at| header + at);
            let (block, end) = self.block(start, column);
            self.scalars.push(start..end);
            return (Node::Scalar(block), end);
        }
        let raw = self.text[range.clone()].trim_end();
        let end = range.start + raw.len();
        self.scalars.push(range.start..end);
        (Node::Scalar(Scalar::Words(raw.to_owned())), end)
    }

    /// A text below its key: the events say where it begins, its indentation where it ends.
    fn block(&self, start: usize, column: usize) -> (Scalar, usize) {
        let mut lines = self.text[start..].split('\n');
        let header = lines.next().unwrap_or("").trim_end().to_owned();
        let digit = header.split('#').next().and_then(|mark| mark.chars().find_map(|c| c.to_digit(10)));
        let given = digit.map(|digit| digit as usize);
        let mut indent = given.map(|given| column + given);
        let keeps = header.split('#').next().is_some_and(|mark| mark.contains('+'));
        let (mut kept, mut end, mut at) = (Vec::new(), start + header.len(), start + header.len() + 1);
        let mut pending = Vec::new();
        for line in lines {
            let bare = line.trim_end_matches('\r');
            let blank = bare.trim().is_empty();
            let spaces = bare.len() - bare.trim_start_matches(' ').len();
            let inside = match indent {
                Some(inside) => inside,
                None if blank => 0,
                None => *indent.insert(spaces),
            };
            if !blank && (spaces < inside || given.is_none() && (spaces <= column && column > 0 || spaces == 0)) {
                break;
            }
            let content = bare.get(inside..).unwrap_or("").to_owned();
            if blank && !keeps {
                pending.push(content);
            } else {
                kept.append(&mut pending);
                kept.push(content);
                end = at + bare.len();
            }
            at += line.len() + 1;
        }
        if keeps && kept.last().is_some_and(|last| last.is_empty()) && at > self.text.len() {
            // What follows the last line break of the file is no line.
            kept.pop();
        }
        (Scalar::Block { header, lines: kept, given }, end.min(self.text.len()))
    }

    fn list(&mut self, flow: bool, start: usize, before: usize) -> Option<(Node, usize)> {
        // Of a list whose dashes stand below the key, the event's place is behind the first dash.
        let (mut parts, mut end): (Vec<Part>, usize) = (Vec::new(), if flow { start } else { before });
        loop {
            let (event, range) = self.next()?;
            if let Event::SequenceEnd = event {
                let end = if flow { range.end } else { end };
                return Some((self.parts(false, flow, start..end, parts), end));
            }
            let at = if flow { range.start } else { self.dash(end)? };
            let header = if flow { at } else { at + 1 };
            let column = self.column(at);
            let empty = matches!(&event, Event::Scalar(text, ScalarStyle::Plain, ..) if text.is_empty());
            let (node, node_end) = self.node(event, range, column, header)?;
            end = if empty { header } else { node_end };
            parts.push(part(None, String::new(), node, at..end, column, header));
        }
    }

    /// The next dash behind blanks, line breaks and comments.
    fn dash(&self, from: usize) -> Option<usize> {
        let mut at = from;
        loop {
            let rest = self.text.get(at..)?;
            let c = rest.chars().next()?;
            match c {
                '-' => return Some(at),
                '#' => at += rest.find('\n')?,
                c if c.is_whitespace() => at += c.len_utf8(),
                _ => return None,
            }
        }
    }

    fn map(&mut self, flow: bool, start: usize) -> Option<(Node, usize)> {
        let (mut parts, mut end): (Vec<Part>, usize) = (Vec::new(), start);
        loop {
            let (event, range) = self.next()?;
            if let Event::MappingEnd = event {
                let end = if flow { range.end } else { end };
                return Some((self.parts(true, flow, start..end, parts), end));
            }
            let Event::Scalar(name, style, ..) = event else { return None };
            let name = name.into_owned();
            let (at, column) = (range.start, self.column(range.start));
            let (key, key_end) = match self.scalar(style, range.clone(), column, range.start) {
                (Node::Scalar(Scalar::Words(raw)), end) => (raw, end),
                _ => return None,
            };
            let (event, range) = self.next()?;
            let empty = matches!(&event, Event::Scalar(text, ScalarStyle::Plain, ..) if text.is_empty());
            let colon = self.text[key_end..].find(':').filter(|at| self.text[key_end..key_end + at].trim().is_empty());
            let header = colon.map_or(key_end, |at| key_end + at + 1);
            let (node, node_end) = self.node(event, range, column, header)?;
            end = if empty { header } else { node_end };
            parts.push(part(Some(key), name, node, at..end, column, header));
        }
    }

    fn parts(&self, map: bool, flow: bool, range: Range<usize>, parts: Vec<Part>) -> Node {
        let raw = if flow { self.text[range].to_owned() } else { String::new() };
        Node::Parts(Parts { map, flow, commented: false, raw, parts })
    }

    fn column(&self, at: usize) -> usize {
        column(self.text, at)
    }
}

fn part(key: Option<String>, name: String, node: Node, range: Range<usize>, column: usize, header: usize) -> Part {
    let end = range.end;
    Part { lead: Vec::new(), key, name, node, trail: None, foot: Vec::new(), range, column, end, header }
}

/// In characters, from 0.
fn column(text: &str, at: usize) -> usize {
    let line = text[..at].rfind('\n').map_or(0, |line| line + 1);
    text[line..at].chars().count()
}

/// Every comment: a `#` outside of scalars, at the start of a line or behind a blank.
fn comments(text: &str, scalars: &[Range<usize>]) -> Vec<Range<usize>> {
    let (mut found, mut at) = (Vec::new(), 0);
    let mut gaps: Vec<Range<usize>> = Vec::new();
    let mut sorted = scalars.to_vec();
    sorted.sort_by_key(|range| range.start);
    for scalar in sorted {
        gaps.push(at..scalar.start.max(at));
        at = at.max(scalar.end);
    }
    gaps.push(at..text.len());
    for gap in gaps {
        let mut from = gap.start;
        while let Some(hash) = text[from..gap.end].find('#').map(|hash| from + hash) {
            if hash > 0 && !text[..hash].ends_with([' ', '\t', '\n']) {
                from = hash + 1;
                continue;
            }
            let end = text[hash..].find('\n').map_or(text.len(), |end| hash + end);
            found.push(hash..end);
            from = end.min(gap.end);
        }
    }
    found
}

struct Attach<'a> {
    text: &'a str,
    comments: Vec<Range<usize>>,
    next: usize,
}

impl Attach<'_> {
    fn peek(&self) -> Option<Range<usize>> {
        self.comments.get(self.next).cloned()
    }

    fn words(&self, comment: &Range<usize>) -> String {
        self.text[comment.clone()].trim_end().to_owned()
    }

    fn blank(&self, from: usize, to: usize) -> bool {
        self.text.get(from..to).is_some_and(|gap| gap.matches('\n').count() > 1)
    }

    /// Parts of a block, behind `from`. Gives the end of what belongs to them. `outer`: the whole file.
    fn all(&mut self, parts: &mut [Part], from: usize, outer: bool) -> usize {
        let (mut at, mut first) = (from, true);
        for part in parts.iter_mut() {
            part.lead = self.lead(at, part.range.start);
            if first {
                let blanks = part.lead.iter().take_while(|lead| **lead == Lead::Blank).count();
                part.lead.drain(..blanks);
                first = false;
            }
            at = self.one(part);
            part.end = at;
        }
        let Some(last) = parts.last_mut() else { return at };
        last.foot = self.foot(&mut at, last.column, outer);
        last.end = at;
        at
    }

    fn lead(&mut self, from: usize, to: usize) -> Vec<Lead> {
        let (mut lead, mut at) = (Vec::new(), from);
        while let Some(comment) = self.peek().filter(|comment| comment.start < to) {
            if self.blank(at, comment.start) {
                lead.push(Lead::Blank);
            }
            lead.push(Lead::Comment(self.words(&comment)));
            (at, self.next) = (comment.end, self.next + 1);
        }
        if self.blank(at, to) {
            lead.push(Lead::Blank);
        }
        lead
    }

    fn foot(&mut self, at: &mut usize, column: usize, outer: bool) -> Vec<Lead> {
        let mut foot = Vec::new();
        while let Some(comment) = self.peek() {
            let between = self.text.get(*at..comment.start).unwrap_or("x");
            let nothing_between = between.trim().is_empty() && between.contains('\n');
            let inside = self::column(self.text, comment.start) >= column && column > 0 || outer;
            if !nothing_between || !inside {
                break;
            }
            if self.blank(*at, comment.start) {
                foot.push(Lead::Blank);
            }
            foot.push(Lead::Comment(self.words(&comment)));
            (*at, self.next) = (comment.end, self.next + 1);
        }
        foot
    }

    fn trail(&mut self, from: usize) -> (Option<Trail>, usize) {
        let Some(comment) = self.peek() else { return (None, from) };
        if self.text.get(from..comment.start).is_none_or(|gap| gap.contains('\n') || !gap.trim().is_empty()) {
            return (None, from);
        }
        self.next += 1;
        let trail = Trail { text: self.words(&comment), column: column(self.text, comment.start) };
        (Some(trail), comment.end)
    }

    fn one(&mut self, part: &mut Part) -> usize {
        match &mut part.node {
            Node::Parts(inner) if !inner.flow => {
                let (trail, at) = self.trail(part.header);
                part.trail = trail;
                self.all(&mut inner.parts, at, false)
            }
            node => {
                while self.peek().is_some_and(|comment| comment.start < part.range.end) {
                    self.next += 1;
                    if let Node::Parts(inner) = node {
                        inner.commented = true;
                    }
                }
                let (trail, at) = self.trail(part.range.end);
                part.trail = trail;
                at
            }
        }
    }
}
