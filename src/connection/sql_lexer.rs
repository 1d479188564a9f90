//! Words, texts, comments and placeholders of SQL, for what the parser does not understand. Knows no grammar.

use crate::template::sql::Dialect;
use std::ops::Range;

/// A piece of SQL.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A bare word or keyword.
    Word,
    /// A quoted name.
    Name,
    /// A text, of any quoting.
    Text,
    /// A number.
    Number,
    /// `$1`, `?`, `?1`.
    Placeholder,
    /// Any other character.
    Symbol,
    /// A text, name or comment that does not end.
    Broken,
    /// MySQL: what its settings or its version make one thing or another: `"…"`, a backslash in a text, `#`, `--` without a
    /// blank, `/*! … */`. Cut as this file reads it, which may not be what the server reads.
    Unclear,
}

/// A piece and its bytes. Comments and blanks are left out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Token {
    /// What.
    pub kind: Kind,
    /// Where.
    pub at: Range<usize>,
}

/// Cuts SQL into pieces.
pub fn tokens(sql: &str, dialect: Dialect) -> Vec<Token> {
    let mut reader = Reader { sql, at: 0, dialect };
    let mut found = Vec::new();
    while let Some(token) = reader.next() {
        found.push(token);
    }
    found
}

/// The text with placeholders replaced, by their numbers.
pub fn with_casts(sql: &str, casts: &[(usize, String)]) -> String {
    if casts.is_empty() {
        return sql.to_owned();
    }
    let mut out = String::new();
    let mut copied = 0;
    for token in tokens(sql, Dialect::Postgres).into_iter().filter(|t| t.kind == Kind::Placeholder) {
        let number = sql[token.at.clone()].trim_start_matches('$').parse().unwrap_or(0);
        if let Some((_, cast)) = casts.iter().find(|(n, _)| *n == number) {
            out.push_str(&sql[copied..token.at.start]);
            out.push_str(cast);
            copied = token.at.end;
        }
    }
    out.push_str(&sql[copied..]);
    out
}

struct Reader<'a> {
    sql: &'a str,
    at: usize,
    dialect: Dialect,
}

impl Reader<'_> {
    fn rest(&self) -> &str {
        &self.sql[self.at..]
    }

    fn next(&mut self) -> Option<Token> {
        loop {
            let start = self.at;
            let first = self.rest().chars().next()?;
            if first.is_whitespace() {
                self.at += first.len_utf8();
            } else if let Some(length) = self.unclear() {
                self.at += length;
                return Some(Token { kind: Kind::Unclear, at: start..self.at });
            } else if self.rest().starts_with("--") {
                self.at += self.rest().find('\n').unwrap_or(self.rest().len());
            } else if self.rest().starts_with("/*") {
                if !self.comment() {
                    return Some(Token { kind: Kind::Broken, at: start..self.at });
                }
            } else {
                let kind = self.piece(first);
                return Some(Token { kind, at: start..self.at });
            }
        }
    }

    /// How many bytes begin something that MySQL reads in more than one way.
    fn unclear(&self) -> Option<usize> {
        let rest = self.rest();
        if self.dialect != Dialect::Mysql {
            return None;
        }
        match rest.strip_prefix("--") {
            Some(after) => (!after.is_empty() && !after.starts_with(|c: char| c.is_ascii_whitespace())).then_some(2),
            None if ["/*!", "/*M!", "/*+"].iter().any(|sign| rest.starts_with(sign)) => Some(3),
            None => rest.starts_with(['#', '@', '\\']).then_some(1),
        }
    }

    /// A block comment; PostgreSQL nests them. False when it does not end.
    fn comment(&mut self) -> bool {
        let mut depth = 0;
        loop {
            let rest = self.rest();
            let nests = self.dialect == Dialect::Postgres || depth == 0;
            if rest.starts_with("/*") && nests {
                depth += 1;
                self.at += 2;
            } else if rest.starts_with("*/") {
                depth -= 1;
                self.at += 2;
                if depth == 0 {
                    return true;
                }
            } else if let Some(c) = rest.chars().next() {
                self.at += c.len_utf8();
            } else {
                return false;
            }
        }
    }

    fn piece(&mut self, first: char) -> Kind {
        let postgres = self.dialect == Dialect::Postgres;
        if self.dialect == Dialect::Mysql {
            return self.piece_of_mysql(first);
        }
        match first {
            '\'' => self.quoted('\'', false, Kind::Text),
            '"' => self.quoted('"', false, Kind::Name),
            '`' if !postgres => self.quoted('`', false, Kind::Name),
            '[' if !postgres => self.bracket(),
            'e' | 'E' if postgres && self.rest()[1..].starts_with('\'') => {
                self.at += 1;
                self.quoted('\'', true, Kind::Text)
            }
            '$' if postgres => self.dollar(),
            '$' | '?' | ':' | '@' if !postgres => self.take(Kind::Placeholder),
            c if c.is_ascii_digit() => self.take(Kind::Number),
            c if c.is_alphabetic() || c == '_' || !c.is_ascii() => self.take(Kind::Word),
            c => {
                self.at += c.len_utf8();
                Kind::Symbol
            }
        }
    }

    fn piece_of_mysql(&mut self, first: char) -> Kind {
        let start = self.at;
        match first {
            '\'' | '"' => {
                let kind = self.quoted(first, false, Kind::Text);
                let unclear = first == '"' || self.sql[start..self.at].contains('\\');
                if unclear { Kind::Unclear } else { kind }
            }
            '`' => self.quoted('`', false, Kind::Name),
            '?' => {
                self.at += 1;
                Kind::Placeholder
            }
            c if c.is_ascii_digit() => self.take(Kind::Number),
            c if c.is_alphabetic() || matches!(c, '_' | '$') || !c.is_ascii() => self.take(Kind::Word),
            c => {
                self.at += c.len_utf8();
                Kind::Symbol
            }
        }
    }

    fn take(&mut self, kind: Kind) -> Kind {
        let inside = |c: char| c.is_alphanumeric() || matches!(c, '_' | '$') || !c.is_ascii();
        let first = self.rest().chars().next().map_or(1, char::len_utf8);
        let rest = &self.rest()[first..];
        self.at += first + rest.find(|c| !inside(c)).unwrap_or(rest.len());
        kind
    }

    /// At the opening quote; a doubled quote stays inside, and so does a backslashed one in an escape text.
    fn quoted(&mut self, quote: char, escapes: bool, kind: Kind) -> Kind {
        let mut characters = self.rest().char_indices().skip(1).peekable();
        while let Some((i, c)) = characters.next() {
            let doubled = c == quote && characters.peek().is_some_and(|(_, c)| *c == quote);
            if doubled || (escapes && c == '\\') {
                characters.next();
            } else if c == quote {
                self.at += i + 1;
                return kind;
            }
        }
        self.at = self.sql.len();
        Kind::Broken
    }

    fn bracket(&mut self) -> Kind {
        match self.rest().find(']') {
            Some(end) => {
                self.at += end + 1;
                Kind::Name
            }
            None => {
                self.at = self.sql.len();
                Kind::Broken
            }
        }
    }

    /// `$1`, or `$tag$ … $tag$`.
    fn dollar(&mut self) -> Kind {
        let rest = self.rest();
        if rest[1..].starts_with(|c: char| c.is_ascii_digit()) {
            self.at += 1 + rest[1..].find(|c: char| !c.is_ascii_digit()).unwrap_or(rest.len() - 1);
            return Kind::Placeholder;
        }
        let tag_end = rest[1..].find('$').map(|i| i + 2);
        let Some(tag) = tag_end
            .map(|end| &rest[..end])
            .filter(|tag| tag[1..tag.len() - 1].chars().all(|c| c.is_alphanumeric() || c == '_' || !c.is_ascii()))
        else {
            self.at += 1;
            return Kind::Symbol;
        };
        match rest[tag.len()..].find(tag) {
            Some(end) => {
                self.at += end + 2 * tag.len();
                Kind::Text
            }
            None => {
                self.at = self.sql.len();
                Kind::Broken
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cut(sql: &str, dialect: Dialect) -> Vec<(Kind, &str)> {
        tokens(sql, dialect).into_iter().map(|t| (t.kind, &sql[t.at])).collect()
    }

    #[test]
    fn texts_and_comments_hide_what_stands_in_them() {
        use Kind::*;
        let sql = "sel 'a;''b' -- ; $1\n\"x\"\"y\" /* ; /* */ $2 */ E'\\';' $q$;$1$q$ $3;";
        assert_eq!(
            cut(sql, Dialect::Postgres),
            [
                (Word, "sel"),
                (Text, "'a;''b'"),
                (Name, "\"x\"\"y\""),
                (Text, "E'\\';'"),
                (Text, "$q$;$1$q$"),
                (Placeholder, "$3"),
                (Symbol, ";")
            ]
        );
        assert_eq!(
            cut("/* /* */ ?1 [a;b] `c``d`", Dialect::Sqlite),
            [(Placeholder, "?1"), (Name, "[a;b]"), (Name, "`c``d`")]
        );
        assert_eq!(cut("'abc", Dialect::Sqlite), [(Broken, "'abc")]);
        assert_eq!(cut("a /* b", Dialect::Sqlite).last().unwrap().0, Broken);
        assert_eq!(cut("$tag$ x", Dialect::Postgres)[0].0, Broken);
        assert_eq!(cut("ünï_1 12.5e3", Dialect::Postgres).len(), 4);
    }

    #[test]
    fn what_mysql_reads_in_two_ways_is_told() {
        let unclear = |sql: &str| cut(sql, Dialect::Mysql).iter().any(|(kind, _)| *kind == Kind::Unclear);
        for sql in ["'a\\'", "\"a\"", "# a", "1 --1", "/*! a */", "/*M!1 a */", "/*+ a */", "@a", "@@a", "\\N"] {
            assert!(unclear(sql), "{sql}");
        }
        for sql in ["'a''b'", "`a``b`", "-- a\n?", "1 --", "/* a # @ */ ?", "'# -- @'", "x'41'"] {
            assert!(!unclear(sql), "{sql}");
        }
        assert_eq!(cut("a = ? and b=?1", Dialect::Mysql).len(), 8);
    }

    #[test]
    fn only_real_placeholders_are_cast() {
        let casts = [(1, "($1::text::inet)".to_owned())];
        assert_eq!(
            with_casts("select '$1', $1, $12, \"$1\" -- $1", &casts),
            "select '$1', ($1::text::inet), $12, \"$1\" -- $1"
        );
    }
}
