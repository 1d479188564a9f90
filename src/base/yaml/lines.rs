//! The lines of a file as a person sees them: what each begins with, which bracket or quote is open, where texts go on.
//!
//! For files that YAML's grammar refuses: it takes what is there, and never fails.

use crate::base::source::Span;

/// What a line is to those around it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    /// Nothing but blanks and a comment.
    Blank,
    /// Of a text that began behind `|` or `>`.
    Text,
    /// Of a bracket or quote that was opened on a line before.
    Inside,
    /// What the structure of the file hangs on.
    Code,
}

/// One line.
#[derive(Clone, Copy, Debug)]
pub(super) struct Line<'a> {
    start: usize,
    text: &'a str,
    kind: Kind,
}

/// What a line of structure begins with: dashes, then a key or something else.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Token<'a> {
    /// From 0, in bytes: only spaces and dashes stand before it.
    pub(super) column: usize,
    /// Where it stands in the file, from its first character to its last.
    pub(super) span: Span,
    /// What it is.
    pub(super) what: What<'a>,
}

/// See [`Token`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum What<'a> {
    /// `- `.
    Dash,
    /// `key: value`; the value may be empty.
    Key(&'a str),
    /// Whatever has no colon.
    Word,
}

/// A list or a map that goes on where a line begins.
#[derive(Clone, Copy, Debug)]
pub(super) struct Level<'a> {
    /// The column of its dashes or keys.
    pub(super) column: usize,
    /// Its last dash or key so far.
    pub(super) last: Token<'a>,
}

impl Level<'_> {
    /// Whether its elements begin with `-`.
    pub(super) fn is_list(&self) -> bool {
        self.last.what == What::Dash
    }
}

/// The lines of one file up to some place, and what is open there.
pub(super) struct Lines<'a> {
    lines: Vec<Line<'a>>,
    /// Brackets, the outermost first.
    pub(super) open: Vec<(usize, char)>,
    /// The quote that is open.
    pub(super) quote: Option<(usize, char)>,
    /// The text in quotes that was closed last.
    pub(super) quoted: Option<Span>,
}

impl<'a> Line<'a> {
    /// Where its first character stands that is no blank.
    pub(super) fn begin(&self) -> usize {
        self.start + self.text.len() - self.text.trim_start().len()
    }

    /// From there to its last.
    pub(super) fn span(&self) -> Span {
        Span::new(self.begin(), self.start + self.text.trim_end().len())
    }

    /// What stands there, without a comment behind it.
    pub(super) fn content(&self) -> &'a str {
        let text = self.text.trim();
        text.find(" #").map_or(text, |at| text[..at].trim_end())
    }

    /// The blanks before it.
    pub(super) fn blanks(&self) -> &'a str {
        &self.text[..self.begin() - self.start]
    }

    fn indent(&self) -> usize {
        self.text.len() - self.text.trim_start_matches(' ').len()
    }

    /// What it begins with.
    pub(super) fn tokens(&self) -> Vec<Token<'a>> {
        let (mut tokens, mut column) = (Vec::new(), self.indent());
        let token = |column: usize, length: usize, what| {
            let start = self.start + column;
            Token { column, span: Span::new(start, start + length), what }
        };
        loop {
            let rest = &self.text[column..];
            let Some(behind) = rest.strip_prefix('-').filter(|behind| behind.is_empty() || behind.starts_with(' '))
            else {
                break;
            };
            tokens.push(token(column, 1, What::Dash));
            column += 1 + behind.len() - behind.trim_start_matches(' ').len();
        }
        let rest = self.text[column..].trim_end();
        if rest.is_empty() || rest.starts_with('#') {
            return tokens;
        }
        // A quoted key ends behind its quote.
        let from = match rest.chars().next() {
            Some(quote @ ('"' | '\'')) => rest[1..].find(quote).map_or(rest.len(), |at| at + 2),
            _ => 0,
        };
        tokens.push(match colon(rest, from) {
            Some(at) => token(column, at, What::Key(rest[at + 1..].trim())),
            None => token(column, rest.len(), What::Word),
        });
        tokens
    }
}

/// The colon that ends a key, looked for from a byte on.
pub(super) fn colon(text: &str, from: usize) -> Option<usize> {
    let comment = text.find(" #").unwrap_or(text.len());
    let colons = text.get(from..comment)?.match_indices(':').map(|(at, _)| from + at);
    colons.into_iter().find(|at| text[at + 1..].chars().next().is_none_or(char::is_whitespace))
}

impl<'a> Lines<'a> {
    /// Of `text`, which begins at `offset` of the source; what is open is told of the place `upto`.
    pub(super) fn read(text: &'a str, offset: usize, upto: usize) -> Self {
        let mut lines = Lines { lines: Vec::new(), open: Vec::new(), quote: None, quoted: None };
        // The column of the key behind whose `|` a text goes on, and that of its first line.
        let mut block: Option<(usize, Option<usize>)> = None;
        let mut start = offset;
        for whole in text.split_inclusive('\n') {
            let mut line = Line { start, text: whole.trim_end_matches(['\n', '\r']), kind: Kind::Code };
            start += whole.len();
            if line.start > upto {
                break;
            }
            let blank = line.text.trim().is_empty();
            if lines.quote.is_some() || !lines.open.is_empty() {
                line.kind = Kind::Inside;
            } else if let Some((key, first)) = &mut block
                && (blank || line.indent() >= first.unwrap_or(*key + 1))
            {
                if !blank {
                    first.get_or_insert(line.indent());
                }
                line.kind = Kind::Text;
            } else if blank || line.text.trim_start().starts_with('#') {
                line.kind = Kind::Blank;
            }
            if matches!(line.kind, Kind::Code | Kind::Inside) {
                lines.look_through(&line, upto);
                block = (lines.quote.is_none() && lines.open.is_empty() && begins_text(line.content()))
                    .then(|| (line.tokens().last().map_or(0, |token| token.column), None));
            }
            lines.lines.push(line);
        }
        lines
    }

    /// Which brackets and quotes a line opens and closes.
    fn look_through(&mut self, line: &Line<'_>, upto: usize) {
        let (mut begins, mut before) = (true, ' ');
        let mut characters = line.text.char_indices().peekable();
        while let Some((at, c)) = characters.next() {
            let (place, next) = (line.start + at, characters.peek().map(|(_, next)| *next));
            if place >= upto {
                return;
            }
            if let Some((from, quote)) = self.quote {
                if quote == '"' && c == '\\' || quote == '\'' && c == '\'' && next == Some('\'') {
                    characters.next();
                } else if c == quote {
                    (self.quote, self.quoted, begins) = (None, Some(Span::new(from, place + 1)), false);
                }
                before = c;
                continue;
            }
            match c {
                '#' if before == ' ' => return,
                '"' | '\'' if begins => self.quote = Some((place, c)),
                '{' | '[' if begins => self.open.push((place, c)),
                '}' | ']' => {
                    self.open.pop();
                    begins = false;
                }
                ',' if !self.open.is_empty() => begins = true,
                ':' | '-' | '?' if next.is_none_or(char::is_whitespace) => begins = true,
                c if c.is_whitespace() => {}
                _ => begins = false,
            }
            before = c;
        }
    }

    /// The line in which a place stands.
    pub(super) fn at(&self, place: usize) -> Option<Line<'a>> {
        self.lines.iter().rev().find(|line| line.start <= place).copied()
    }

    /// The line of structure before the one in which a place stands.
    pub(super) fn before(&self, place: usize) -> Option<Line<'a>> {
        let start = self.at(place)?.start;
        self.lines.iter().rev().find(|line| line.start < start && line.kind == Kind::Code).copied()
    }

    /// Whether the line right before this one belongs to a text behind `|` or `>`: the line whose mark began it.
    pub(super) fn text_before(&self, place: usize) -> Option<Line<'a>> {
        let start = self.at(place)?.start;
        let mut above = self.lines.iter().rev().skip_while(|line| line.start >= start);
        above.next().filter(|line| line.kind == Kind::Text && !line.text.trim().is_empty())?;
        above.find(|line| line.kind == Kind::Code).copied()
    }

    /// The lists and maps that are open where a line begins, the outermost first, whatever its own column.
    pub(super) fn levels(&self, place: usize) -> Vec<Level<'a>> {
        let mut levels: Vec<Level<'a>> = Vec::new();
        let until = self.at(place).map_or(0, |line| line.start);
        for line in self.lines.iter().filter(|line| line.start < until && line.kind == Kind::Code) {
            for token in line.tokens() {
                let list = token.what == What::Dash;
                // A list may stand at the column of the key that it belongs to.
                while levels.last().is_some_and(|last| {
                    last.column > token.column || last.column == token.column && last.is_list() && !list
                }) {
                    levels.pop();
                }
                match levels.last_mut() {
                    Some(last) if last.column == token.column && last.is_list() == list => last.last = token,
                    _ if token.what == What::Word => {}
                    _ => levels.push(Level { column: token.column, last: token }),
                }
            }
        }
        levels
    }
}

/// Whether a text begins on the line behind this one.
fn begins_text(content: &str) -> bool {
    let mark = content.trim_end_matches(|c: char| c.is_ascii_digit() || matches!(c, '+' | '-'));
    let Some(before) = mark.strip_suffix(['|', '>']) else { return false };
    content.len() - mark.len() <= 2 && (before.trim_end().ends_with(':') || before.trim().chars().all(|c| c == '-'))
}
