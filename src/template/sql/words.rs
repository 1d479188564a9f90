//! SQL cut into words, as far as it takes to know where a value may stand: texts, names, comments, signs.
//!
//! Not a parser: what is a statement, and of what kind, is another's question. Where databases read a text differently
//! (nested comments, `\'`), the text is refused, so that no marker can hide in one and not in the other.

use std::ops::Range;

/// Stands for one `{{ … }}` in the text that is cut up.
pub const MARKER: char = '\u{1}';

/// A piece of SQL.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A name or keyword without quotes, a number.
    Word,
    /// `'…'`, `"…"`.
    Quoted,
    /// `$$…$$`: PostgreSQL only.
    Dollar,
    /// `` `…` ``: not in PostgreSQL.
    Backtick,
    /// One character.
    Sign(char),
    /// The nth marker.
    Marker(usize),
}

/// A piece with its place in the text; comments and space are left out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Piece {
    pub kind: Kind,
    pub at: Range<usize>,
}

/// What is wrong, and where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    pub at: Range<usize>,
    pub what: What,
}

/// Kinds of faults.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum What {
    /// A marker stands inside this.
    MarkerInside(&'static str),
    /// This has no end.
    Open(&'static str),
    /// `?`, `$1`, `:name`, `@name`.
    Placeholder,
    /// `a$b`, which parsers read as one name or as a name and a text.
    DollarName,
    /// `/* /* */`
    NestedComment,
    /// `E'\''`
    BackslashQuote,
    /// A control character.
    Control,
}

/// Cuts a text up; goes on after a fault.
pub fn cut(text: &str) -> (Vec<Piece>, Vec<Fault>) {
    let mut cutter = Cutter { text, at: 0, markers: 0, pieces: Vec::new(), faults: Vec::new() };
    while let Some(c) = cutter.peek() {
        cutter.piece(c);
    }
    (cutter.pieces, cutter.faults)
}

struct Cutter<'a> {
    text: &'a str,
    at: usize,
    markers: usize,
    pieces: Vec<Piece>,
    faults: Vec<Fault>,
}

fn in_word(c: char) -> bool {
    c.is_alphanumeric() || c == '_'
}

impl Cutter<'_> {
    fn rest(&self) -> &str {
        self.text.get(self.at..).unwrap_or("")
    }

    fn peek(&self) -> Option<char> {
        self.rest().chars().next()
    }

    fn push(&mut self, kind: Kind, from: usize) {
        self.pieces.push(Piece { kind, at: from..self.at });
    }

    fn fault(&mut self, from: usize, what: What) {
        self.faults.push(Fault { at: from..self.at, what });
    }

    fn piece(&mut self, c: char) {
        let from = self.at;
        let next = self.rest().chars().nth(1);
        match c {
            MARKER => {
                self.at += 1;
                self.push(Kind::Marker(self.markers), from);
                self.markers += 1;
            }
            _ if c.is_whitespace() => self.at += c.len_utf8(),
            _ if c.is_control() => {
                self.at += c.len_utf8();
                self.fault(from, What::Control);
            }
            '-' if next == Some('-') => self.line_comment(),
            '/' if next == Some('*') => self.block_comment(),
            '\'' => self.quoted('\'', "a quoted text", false),
            '"' => self.quoted('"', "a quoted name", false),
            '`' => self.quoted('`', "a quoted name", false),
            'e' | 'E' if next == Some('\'') => {
                self.at += 1;
                self.quoted('\'', "a quoted text", true);
            }
            '$' => self.dollar(),
            '?' => {
                self.at += 1;
                self.fault(from, What::Placeholder);
            }
            ':' | '@' if next.is_some_and(|n| n.is_alphanumeric() || n == '_') && !self.text[..from].ends_with(c) => {
                self.at += 1;
                self.skip(in_word);
                self.fault(from, What::Placeholder);
            }
            _ if in_word(c) => {
                self.skip(in_word);
                self.push(Kind::Word, from);
                if self.peek() == Some('$') {
                    self.skip(|c| in_word(c) || c == '$');
                    self.fault(from, What::DollarName);
                }
            }
            _ => {
                self.at += c.len_utf8();
                self.push(Kind::Sign(c), from);
            }
        }
    }

    fn skip(&mut self, belongs: impl Fn(char) -> bool) {
        let length: usize = self.rest().chars().take_while(|c| belongs(*c)).map(char::len_utf8).sum();
        self.at += length;
    }

    /// Counts the markers in `from..self.at` and reports each.
    fn markers_inside(&mut self, from: usize, what: &'static str) {
        let inside: Vec<usize> = self.text[from..self.at].match_indices(MARKER).map(|(i, _)| from + i).collect();
        self.markers += inside.len();
        self.faults.extend(inside.into_iter().map(|at| Fault { at: at..at + 1, what: What::MarkerInside(what) }));
    }

    fn line_comment(&mut self) {
        let from = self.at;
        self.skip(|c| c != '\n');
        self.markers_inside(from, "a comment");
    }

    fn block_comment(&mut self) {
        let from = self.at;
        let end = self.rest().get(2..).and_then(|rest| rest.find("*/"));
        match end {
            Some(length) => {
                self.at += length + 4;
                if self.text[from + 2..self.at].contains("/*") {
                    self.fault(from, What::NestedComment);
                }
            }
            None => {
                self.at = self.text.len();
                self.fault(from, What::Open("a comment"));
            }
        }
        self.markers_inside(from, "a comment");
    }

    /// At the opening quote. A doubled quote stands for one.
    fn quoted(&mut self, quote: char, what: &'static str, backslashes: bool) {
        let from = self.at;
        self.at += 1;
        loop {
            match self.rest().find([quote, '\\']) {
                None => {
                    self.at = self.text.len();
                    self.fault(from, What::Open(what));
                    break;
                }
                Some(length) => {
                    self.at += length;
                    let c = self.peek();
                    self.at += 1;
                    if c == Some('\\') {
                        if backslashes && self.peek() == Some(quote) {
                            self.at += 1;
                            self.fault(from, What::BackslashQuote);
                        } else if backslashes && self.peek() == Some('\\') {
                            self.at += 1;
                        }
                    } else if self.peek() == Some(quote) {
                        self.at += 1;
                    } else {
                        break;
                    }
                }
            }
        }
        self.markers_inside(from, what);
        self.push(if quote == '`' { Kind::Backtick } else { Kind::Quoted }, from);
    }

    /// `$tag$…$tag$`, or a placeholder.
    fn dollar(&mut self) {
        let from = self.at;
        let name: usize =
            self.rest()[1..].chars().take_while(|c| c.is_alphanumeric() || *c == '_').map(char::len_utf8).sum();
        let tag_end = from + 1 + name;
        let digit = self.rest()[1..].starts_with(|c: char| c.is_ascii_digit());
        if digit || !self.text[tag_end..].starts_with('$') {
            self.at = tag_end;
            return self.fault(from, What::Placeholder);
        }
        let tag = &self.text[from..=tag_end];
        match self.text[tag_end + 1..].find(tag) {
            Some(length) => self.at = tag_end + 1 + length + tag.len(),
            None => {
                self.at = self.text.len();
                self.fault(from, What::Open("a quoted text"));
            }
        }
        self.markers_inside(from, "a quoted text");
        self.push(Kind::Dollar, from);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(text: &str) -> String {
        let (pieces, faults) = cut(text);
        let pieces: Vec<&str> = pieces
            .iter()
            .map(|piece| if let Kind::Marker(_) = piece.kind { "#" } else { &text[piece.at.clone()] })
            .collect();
        let faults: Vec<String> = faults.iter().map(|fault| format!("{:?}", fault.what)).collect();
        format!("{} {}", pieces.join("|"), faults.join(" ")).trim().to_owned()
    }

    #[test]
    fn comments_and_quotes_of_every_kind_are_seen_through() {
        assert_eq!(
            shown("select 'it''s -- no' , \"a\"\"b\" -- c\n from t/* x */where a<=1"),
            "select|'it''s -- no'|,|\"a\"\"b\"|from|t|where|a|<|=|1"
        );
        assert_eq!(
            shown("select $x$ ' ; $x$, $$ ? $$, a, E'\\\\', `n`"),
            "select|$x$ ' ; $x$|,|$$ ? $$|,|a|,|'\\\\'|,|`n`"
        );
        assert_eq!(shown("x::int = \u{1} and y"), "x|:|:|int|=|#|and|y");
    }

    #[test]
    fn markers_are_found_wherever_they_hide() {
        for (text, what) in [
            ("'a\u{1}'", "a quoted text"),
            ("\"\u{1}\"", "a quoted name"),
            ("`\u{1}`", "a quoted name"),
            ("-- \u{1}\n", "a comment"),
            ("/* \u{1} */", "a comment"),
            ("$$\u{1}$$", "a quoted text"),
            ("$a$ $b$ \u{1} $b$ $a$", "a quoted text"),
        ] {
            assert!(cut(text).1.iter().any(|fault| fault.what == What::MarkerInside(what)), "{text:?}");
        }
        let (pieces, _) = cut("'\u{1}' \u{1}");
        assert_eq!(pieces[1].kind, Kind::Marker(1));
    }

    #[test]
    fn what_databases_read_differently_is_refused() {
        for text in [
            "?",
            "$1",
            "$name",
            ":name",
            "@name",
            "/* /* */ */",
            "E'\\''",
            "'open",
            "\"open",
            "/* open",
            "$$ open",
            "a\u{0}b",
        ] {
            assert!(!cut(text).1.is_empty(), "{text:?}");
        }
    }
}
