//! A template of SQL → literal parts and places for values. Says which places can take a value at all.

use super::{
    Dialect,
    words::{self, Fault, Kind as Word, MARKER, Piece, What},
};
use crate::template::{
    problem::{Problem, SQL_PLACE, SQL_TEXT},
    syntax::{At, Block, Kind, Node},
};
use std::ops::Range;

/// A part of the template.
#[derive(Debug)]
pub enum Part {
    /// Literal characters and the byte at which they begin.
    Raw(String, usize),
    Value(Node, At, Place),
    Identifier(Node, At),
}

/// Where a value stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    Plain,
    /// After `in` and alone in its parentheses, if it has any: a list may stand here. The keywords belong to the part.
    List {
        negated: bool,
    },
}

/// Something that one database reads as another thing than we do: refused for that database.
#[derive(Clone, Debug)]
pub struct Foreign {
    pub dialect: Dialect,
    pub range: Range<usize>,
    pub message: &'static str,
}

/// The whole statement as one text, each `{{ … }}` one [`MARKER`], and how its bytes map to the template.
pub struct Assembly {
    text: String,
    /// Byte of `text` → byte of the template, for the beginning of each literal part and marker.
    origins: Vec<(usize, usize)>,
    markers: Vec<(Node, At)>,
    end: usize,
}

impl Assembly {
    /// Puts the parts of a template together; `end` is its length in bytes.
    pub fn of(blocks: Vec<Block>, end: usize, problems: &mut Vec<Problem>) -> Assembly {
        let mut assembly = Assembly { text: String::new(), origins: Vec::new(), markers: Vec::new(), end };
        for block in blocks {
            match block {
                Block::Raw(text, at) => {
                    if let Some(found) = text.find(MARKER) {
                        let start = at.start as usize + found;
                        problems.push(Problem::new(
                            &SQL_TEXT,
                            start..start + 1,
                            "a control character stands in the SQL",
                        ));
                    }
                    assembly.origins.push((assembly.text.len(), at.start as usize));
                    assembly.text.push_str(&text.replace(MARKER, " "));
                }
                Block::Emit(node, at) => {
                    assembly.origins.push((assembly.text.len(), at.start as usize));
                    assembly.text.push(MARKER);
                    assembly.markers.push((node, at));
                }
                Block::If(node, ..) | Block::Set(_, node) => refuse_block(node.at, problems),
                Block::For(each) => refuse_block(each.over.at, problems),
                Block::Refused => {}
            }
        }
        assembly
    }

    fn source(&self, at: usize) -> usize {
        let index = self.origins.partition_point(|(start, _)| *start <= at);
        match index.checked_sub(1).and_then(|index| self.origins.get(index)) {
            Some((start, origin)) => (origin + at - start).min(self.end),
            None => 0,
        }
    }

    /// The place in the template of a range of the text.
    fn place(&self, range: &Range<usize>) -> Range<usize> {
        let markers_before = self.text[..range.start].matches(MARKER).count();
        if self.text[range.clone()].starts_with(MARKER)
            && let Some((_, at)) = self.markers.get(markers_before)
        {
            return at.range();
        }
        let start = self.source(range.start);
        start..self.source(range.end.saturating_sub(1)).max(start) + 1
    }

    /// The parts, or nothing when there are problems.
    pub fn parts(self, problems: &mut Vec<Problem>) -> (Vec<Part>, Vec<Foreign>) {
        let (mut pieces, faults) = words::cut(&self.text);
        problems.extend(faults.iter().map(|fault| self.problem(fault)));
        if let Some(end) = pieces.iter().position(|piece| piece.kind == Word::Sign(';')) {
            match pieces.get(end + 1) {
                Some(more) => problems.push(
                    Problem::new(&SQL_TEXT, self.place(&more.at), "a second statement begins here")
                        .help("one step, one statement: make it a step of its own"),
                ),
                None => pieces.truncate(end),
            }
        }
        if pieces.is_empty() {
            problems.push(Problem::new(&SQL_TEXT, 0..self.end, "the statement is empty"));
        }
        self.alone(&pieces, problems);
        let foreign = self.foreign(&pieces);
        (if problems.is_empty() { self.split(&pieces) } else { Vec::new() }, foreign)
    }

    fn foreign(&self, pieces: &[Piece]) -> Vec<Foreign> {
        let found = pieces.iter().flat_map(|piece| {
            let written = &self.text[piece.at.clone()];
            let (dialect, message) = match piece.kind {
                Word::Dollar => (Dialect::Sqlite, "SQLite has no `$$` texts: write `'…'`"),
                Word::Sign('[') => (Dialect::Sqlite, "SQLite reads `[…]` as a quoted name: write `\"…\"`"),
                Word::Backtick => (Dialect::Postgres, "PostgreSQL quotes names with `\"`, not with a backtick"),
                Word::Sign('#') => (Dialect::Mysql, "MySQL reads `#` as the start of a comment: write `-- `"),
                Word::Quoted if written.starts_with('"') => {
                    (Dialect::Mysql, "MySQL reads `\"…\"` as a text or as a name, as it is set: write `'…'` or `` `…` ``")
                }
                Word::Quoted if written.contains('\\') => (
                    Dialect::Mysql,
                    "MySQL reads a backslash as it is set: put the text into an expression, `{{ '…' }}`, which is bound",
                ),
                _ => return Vec::new(),
            };
            let mut found = vec![Foreign { dialect, range: self.place(&piece.at), message }];
            if piece.kind == Word::Dollar {
                let message = "MySQL has no `$$` texts: write `'…'`";
                found.push(Foreign { dialect: Dialect::Mysql, range: self.place(&piece.at), message });
            }
            found
        });
        found.chain(self.comments_of_mysql(pieces)).collect()
    }

    /// Comments that MySQL executes or does not take for comments, and the E of an escape text. They stand between the pieces.
    fn comments_of_mysql(&self, pieces: &[Piece]) -> Vec<Foreign> {
        let starts = std::iter::once(0).chain(pieces.iter().map(|piece| piece.at.end));
        let ends = pieces.iter().map(|piece| piece.at.start).chain([self.text.len()]);
        let one = |(start, end): (usize, usize)| {
            let gap = self.text.get(start..end)?;
            let (at, message) = if end < self.text.len() && gap.ends_with(['e', 'E']) {
                (gap.len() - 1, "MySQL has no `E'…'` texts: write `'…'`")
            } else if let Some(at) = ["/*!", "/*M!", "/*+"].iter().find_map(|sign| gap.find(sign)) {
                (at, "some servers execute `/*! … */` and `/*+ … */`, others skip them: leave it out")
            } else {
                let glued = |(at, _): &(usize, &str)| gap[at + 2..].starts_with(|c: char| !c.is_ascii_whitespace());
                let (at, _) = gap.match_indices("--").find(glued)?;
                (at, "`--` without a blank after it is no comment in MySQL: write `-- `")
            };
            Some(Foreign { dialect: Dialect::Mysql, range: self.place(&(start + at..start + at + 2)), message })
        };
        starts.zip(ends).filter_map(one).collect()
    }

    fn problem(&self, fault: &Fault) -> Problem {
        let at = self.place(&fault.at);
        match fault.what {
            What::MarkerInside(what) => {
                let problem = Problem::new(&SQL_PLACE, at, format!("an expression inside {what}"));
                match what {
                    "a quoted text" => problem
                        .help("leave the quotes away: the value is bound, and quoted by nobody")
                        .help("build a pattern in the expression: `like {{ x ~ '%' }}`"),
                    "a quoted name" => problem.help("write `{{ name | identifier }}` without quotes"),
                    _ => problem.help("take it out of the comment"),
                }
            }
            What::Open(what) => Problem::new(&SQL_TEXT, at, format!("{what} that begins here has no end")),
            What::Placeholder => Problem::new(&SQL_TEXT, at, "a placeholder in the SQL")
                .help("write the value where it is needed: `{{ params.id }}`")
                .help("for PostgreSQL's `?` operator use `jsonb_exists(column, {{ key }})`"),
            What::DollarName => {
                Problem::new(&SQL_TEXT, at, "a `$` inside a name").help("put the name into double quotes")
            }
            What::NestedComment => Problem::new(&SQL_TEXT, at, "a comment inside a comment")
                .help("databases differ in where it ends: take one away"),
            What::BackslashQuote => {
                Problem::new(&SQL_TEXT, at, "a quote behind a backslash").help("write two quotes: `''`")
            }
            What::Control => Problem::new(&SQL_TEXT, at, "a control character stands in the SQL"),
        }
    }

    /// A marker touches no word, text or other marker: `a{{ x }}` would make one word of two.
    fn alone(&self, pieces: &[Piece], problems: &mut Vec<Problem>) {
        for pair in pieces.windows(2) {
            let [a, b] = pair else { continue };
            let marker = matches!(a.kind, Word::Marker(_)) || matches!(b.kind, Word::Marker(_));
            let sign = matches!(a.kind, Word::Sign(_)) || matches!(b.kind, Word::Sign(_));
            if a.at.end == b.at.start && marker && !sign {
                let at = if let Word::Marker(_) = b.kind { &b.at } else { &a.at };
                problems.push(
                    Problem::new(&SQL_PLACE, self.place(at), "an expression glued to its neighbour")
                        .help("join texts in the expression, `{{ a ~ b }}`, or put a space or comma between"),
                );
            }
        }
    }

    /// Cuts the text at its markers; `in` and its parentheses go with a list.
    fn split(mut self, pieces: &[Piece]) -> Vec<Part> {
        let mut parts = Vec::new();
        let mut from = pieces.first().map_or(0, |piece| piece.at.start);
        let end = pieces.last().map_or(from, |piece| piece.at.end);
        let mut markers: Vec<Option<(Node, At)>> = std::mem::take(&mut self.markers).into_iter().map(Some).collect();
        for (index, piece) in pieces.iter().enumerate() {
            let Word::Marker(number) = piece.kind else { continue };
            let Some((node, at)) = markers.get_mut(number).and_then(Option::take) else { continue };
            let (covers, place) = self.list_place(pieces, index).unwrap_or((piece.at.clone(), Place::Plain));
            parts.push(Part::Raw(self.text[from..covers.start].to_owned(), self.source(from)));
            from = covers.end;
            parts.push(match node.kind {
                Kind::Call(mut call) if call.about.name == "identifier" && call.subject.is_some() => {
                    match call.subject.take() {
                        Some(subject) => Part::Identifier(subject, at),
                        None => continue,
                    }
                }
                kind => Part::Value(Node { at: node.at, kind }, at, place),
            });
        }
        parts.push(Part::Raw(self.text[from..end].to_owned(), self.source(from)));
        parts
    }

    /// `[not] in ({{ x }})` or `[not] in {{ x }}`: what belongs to it.
    fn list_place(&self, pieces: &[Piece], marker: usize) -> Option<(Range<usize>, Place)> {
        let word = |index: Option<usize>, word: &str| {
            let piece = pieces.get(index?)?;
            (piece.kind == Word::Word && self.text[piece.at.clone()].eq_ignore_ascii_case(word)).then_some(piece)
        };
        let sign = |index: Option<usize>, sign: char| {
            index.and_then(|index| pieces.get(index)).filter(|piece| piece.kind == Word::Sign(sign))
        };
        let (before, end) = match (sign(marker.checked_sub(1), '('), sign(marker.checked_add(1), ')')) {
            (Some(_), Some(close)) => (marker.checked_sub(2), close.at.end),
            (None, _) => (marker.checked_sub(1), pieces.get(marker)?.at.end),
            _ => return None,
        };
        let keyword = word(before, "in")?;
        let not = word(before.and_then(|before| before.checked_sub(1)), "not");
        // A parenthesis alone after `in` may hold one value too: the parts are written again, so nothing is lost.
        Some((not.unwrap_or(keyword).at.start..end, Place::List { negated: not.is_some() }))
    }
}

fn refuse_block(at: At, problems: &mut Vec<Problem>) {
    problems.push(
        Problem::new(&SQL_TEXT, at.range(), "a block in SQL would hide which statement is run")
            .help("write two steps with `when:`, or let SQL decide: `({{ x }} is null or column = {{ x }})`"),
    );
}
