//! What is wrong with a file that YAML's grammar refuses, in the words of who wrote it.
//!
//! The parser says what it expected; a person needs what to do. So we look at the lines around the place, and say which
//! bracket is open, which column was meant, which text needs quotes. What we do not recognise keeps the parser's words.

use super::{
    Limits, NOT_YAML, TOO_LARGE,
    lines::{Level, Line, Lines, What, colon},
};
use crate::base::{
    diagnostic::Diagnostic,
    source::{Source, Span},
};
use serde_saphyr::granit_parser::{ErrorKind, ScanError};

/// The diagnostic for an error of the parser in the file that stands at `file` in the source.
pub(super) fn explain(source: &Source, file: Span, limits: Limits, error: &ScanError) -> Diagnostic {
    let marker = error.marker();
    let at = marker.byte_offset().unwrap_or_else(|| source.offset(marker.line(), marker.col() + 1));
    let at = at.clamp(file.start, file.end.max(file.start));
    let failure = Failure { source, file, at, lines: Lines::read(source.slice(file), file.start, at) };
    if matches!(error.kind(), ErrorKind::RecursionLimitExceeded) {
        // The scanner looks ahead in flow collections and meets its own limit before we see the events.
        let message = format!("more than {} levels of nesting", limits.depth);
        return Diagnostic::error(&TOO_LARGE, Span::new(at, at + 1), message);
    }
    failure.merge_mark().or_else(|| failure.blank(error.kind())).or_else(|| failure.cause(error.kind())).unwrap_or_else(
        || {
            let text = error.to_string();
            let what =
                text.split(" at char").next().unwrap_or(&text).split(" at byte").next().unwrap_or(&text).to_owned();
            failure.problem(failure.one(), what).help(
            "look at the indentation of this line and the one before, and for a quote or bracket that is not closed",
        )
        },
    )
}

struct Failure<'a> {
    source: &'a Source,
    file: Span,
    at: usize,
    lines: Lines<'a>,
}

impl Failure<'_> {
    fn problem(&self, span: Span, message: impl Into<String>) -> Diagnostic {
        Diagnostic::error(&NOT_YAML, span, message)
    }

    /// The character that the parser stopped at.
    fn one(&self) -> Span {
        Span::new(self.at, self.at + self.rest().chars().next().map_or(1, char::len_utf8))
    }

    /// What stands from there to the end of the file.
    fn rest(&self) -> &str {
        self.source.slice(Span::new(self.at, self.file.end))
    }

    fn line_number(&self, at: usize) -> usize {
        self.source.place(at).line
    }

    /// The marks that `git merge` leaves.
    fn merge_mark(&self) -> Option<Diagnostic> {
        let text = self.source.slice(self.file);
        let mut start = 0;
        let mark = text.split_inclusive('\n').find_map(|line| {
            let at = start;
            start += line.len();
            line.starts_with("<<<<<<< ").then_some(at)
        })?;
        let at = self.file.start + mark;
        let problem = self.problem(Span::new(at, at + 7), "a mark of a merge conflict stands here");
        Some(
            problem
                .help("keep what is right of the two parts, and remove the lines `<<<<<<<`, `=======` and `>>>>>>>`"),
        )
    }

    /// Something that looks like a space and is none indents the line, or the next one: what stands before a tab is
    /// read first, and the parser names where that began.
    fn blank(&self, kind: &ErrorKind) -> Option<Diagnostic> {
        let about_tabs = format!("{kind:?}").contains("Tab");
        let behind = || {
            let text = self.source.slice(self.file);
            let mut starts = text.get(self.at - self.file.start..)?.match_indices('\n').map(|(n, _)| self.at + n + 1);
            let start = starts.find(|start| {
                self.source.text()[*start..].lines().next().is_some_and(|line| !line.trim().is_empty())
            })?;
            Lines::read(self.source.slice(self.file), self.file.start, start).at(start)
        };
        let odd = |line: Line<'_>| {
            let (at, c) = line.blanks().char_indices().find(|(_, c)| *c != ' ')?;
            let at = line.begin() - line.blanks().len() + at;
            Some((Span::new(at, at + c.len_utf8()), c))
        };
        let here = self.lines.at(self.at).and_then(odd);
        let above = || self.lines.before(self.at).and_then(odd).filter(|(_, c)| *c != '\t');
        let (span, c) = here.or_else(above).or_else(|| behind().filter(|_| about_tabs).and_then(odd))?;
        Some(match c {
            '\t' => self
                .problem(span, "a tab indents this line")
                .help("YAML takes only spaces: put spaces in place of the tab"),
            c => {
                let name = if c == '\u{a0}' {
                    "a no-break space".to_owned()
                } else {
                    format!("the blank U+{:04X}", u32::from(c))
                };
                self.problem(span, format!("{name} indents this line"))
                    .help("YAML takes only plain spaces: type them anew")
            }
        })
    }

    fn cause(&self, kind: &ErrorKind) -> Option<Diagnostic> {
        use ErrorKind as E;
        match kind {
            E::MissingAnchorOrAliasName | E::UnknownAnchor => Some(self.star()),
            E::UnexpectedCharacter { .. } => self.beginning(),
            E::UnknownQuotedScalarEscape
            | E::InvalidQuotedScalarHexEscape
            | E::InvalidUnicodeEscape
            | E::InvalidLowSurrogate
            | E::InvalidLowSurrogateHexEscape
            | E::MissingLowSurrogate
            | E::UnpairedLowSurrogate => self.escape(),
            E::InvalidTrailingDoubleQuotedScalar | E::InvalidTrailingSingleQuotedScalar => self.behind_quote(),
            E::CommentNotSeparated => Some(
                self.problem(self.one(), "a `#` stands directly behind a value")
                    .help("put a space before it if a comment begins here, and quotes around the whole text if not"),
            ),
            E::UnclosedQuotedScalar | E::InvalidQuotedScalarIndent | E::DocumentIndicatorInQuotedScalar => {
                self.open_quote()
            }
            E::InvalidBlockScalarHeader => {
                let problem = self.problem(self.one(), "nothing may stand behind this mark on its line");
                Some(problem.help("the text begins on the next line; a text of one line needs no `|` or `>`"))
            }
            E::InvalidBlockScalarIndent => self.text_ended(),
            E::UnclosedFlowCollection { .. } | E::MismatchedFlowCollectionEnd { .. }
                if self.rest().starts_with(['{', '[']) =>
            {
                Some(self.not_closed(self.at))
            }
            _ if !self.lines.open.is_empty() => self.open_bracket(),
            E::MisplacedFlowCollectionEnd => {
                let bracket = self.rest().chars().next()?;
                let problem = self.problem(self.one(), format!("this `{bracket}` closes nothing"));
                Some(problem.help("take it away, or write the bracket that it closes"))
            }
            E::MappingValueNotAllowed | E::InvalidColonPlacement => self.second_colon().or_else(|| self.too_deep()),
            E::SimpleKeyExpected => self.no_colon(self.lines.at(self.at)?),
            E::ExpectedBlockSequenceEntry
            | E::ExpectedBlockMappingKey
            | E::InvalidIndentation
            | E::BlockSequenceEntryNotAllowed
            | E::ExpectedDocumentStart => self.text_ended().or_else(|| self.misplaced()),
            _ => None,
        }
    }

    /// `cron: */5 * * * *`: the mark of an alias, at the beginning of a text.
    fn star(&self) -> Diagnostic {
        let what = if self.rest().starts_with('&') { "an anchor" } else { "an alias" };
        self.problem(self.one(), format!("YAML reads this as {what}"))
            .help("a text that begins with `*` or `&` needs quotes: `'*/5 * * * *'`")
    }

    /// `note: @home`: YAML keeps some characters for itself.
    fn beginning(&self) -> Option<Diagnostic> {
        let line = self.rest().lines().next()?;
        let text = line.find(" #").map_or(line, |at| &line[..at]).trim();
        let first = text.chars().next()?;
        let first = if first == '`' { "a backtick".to_owned() } else { format!("`{first}`") };
        let problem = self.problem(self.one(), format!("a text cannot begin with {first} without quotes"));
        Some(problem.help(quoted(text)))
    }

    /// `"\d+"`.
    fn escape(&self) -> Option<Diagnostic> {
        let from = self.lines.quote.map_or(self.at, |(start, _)| start);
        let text = self.source.slice(Span::new(from, self.file.end));
        let mut characters = text.char_indices().skip(1);
        let (at, escape) = loop {
            match characters.next()? {
                (_, '"') => return None,
                (at, '\\') => {
                    let (_, c) = characters.next()?;
                    if !"0abtnvfre \"/\\N_LPxuU\t\n\r".contains(c) || from + at >= self.at && "xuU".contains(c) {
                        break (from + at, c);
                    }
                }
                _ => {}
            }
        };
        let what = match escape {
            'x' | 'u' | 'U' => format!("behind `\\{escape}` the number of a character is missing"),
            _ => format!("`\\{escape}` is no escape of YAML"),
        };
        let problem = self.problem(Span::new(at, at + 1 + escape.len_utf8()), what);
        Some(problem.help(
            "in double quotes a backslash begins an escape: write two of them, or put the text into single quotes",
        ))
    }

    /// `"A" thing`, `'it's'`, and a text whose closing quote is missing, so that the next one closes it.
    fn behind_quote(&self) -> Option<Diagnostic> {
        let text = self.lines.quoted?;
        let quote = &self.source.slice(text)[..1];
        if self.source.slice(text).contains('\n') {
            let open = Span::new(text.start, text.start + 1);
            let problem = self.problem(open, "this quote is not closed on its line");
            let here = Span::new(text.end - 1, text.end);
            return Some(problem.label(here, "so this one closes it").help("close it where the text ends"));
        }
        let inside = if quote == "'" {
            "a quote inside of a text in single quotes is written twice: `''`"
        } else {
            "a quote inside of a text in double quotes is written `\\\"`"
        };
        let problem = self.problem(self.one(), "the text in quotes has ended, and something stands behind it");
        Some(
            problem
                .label(Span::new(text.end - 1, text.end), "it ends here")
                .help(format!("{inside}, and the quotes go around the whole text")),
        )
    }

    fn open_quote(&self) -> Option<Diagnostic> {
        let first = self.rest().chars().next();
        let open = self
            .lines
            .quote
            .map(|(start, _)| start)
            .or_else(|| first.filter(|c| "\"'".contains(*c)).map(|_| self.at))?;
        let problem =
            self.problem(Span::new(open, open + 1), "this quote is not closed").help("close it where the text ends");
        let line = self.lines.at(self.at).filter(|line| self.at > open && line.begin() > open);
        Some(match line {
            Some(line) => {
                problem.label(Span::new(line.begin(), line.begin() + 1), "the text in quotes still goes on here")
            }
            None => problem,
        })
    }

    fn not_closed(&self, open: usize) -> Diagnostic {
        let span = Span::new(open, open + 1);
        let (bracket, close) = if self.source.slice(span) == "{" { ('{', '}') } else { ('[', ']') };
        self.problem(span, format!("this `{bracket}` is not closed")).help(format!("write the `{close}` where it ends"))
    }

    /// Inside of `{ }` or `[ ]`.
    fn open_bracket(&self) -> Option<Diagnostic> {
        let (open, bracket) = *self.lines.open.last()?;
        let close = if bracket == '{' { '}' } else { ']' };
        let line = self.lines.at(self.at)?;
        if open < line.begin() || self.rest().is_empty() {
            let problem = self.not_closed(open);
            return Some(match self.rest().is_empty() {
                true => problem,
                false => problem.label(self.one(), "YAML is still inside of it here"),
            });
        }
        let before = self.source.slice(Span::new(open + 1, self.at)).trim_end();
        if self.rest().trim_start().starts_with(',') && (before.is_empty() || before.ends_with(',')) {
            return Some(
                self.problem(self.one(), "nothing stands before this comma")
                    .help("take the comma away, or write what is missing"),
            );
        }
        // `{ a: 1 b: 2 }`: the parser stops behind the name that needs a comma before it.
        let word = before.rfind(char::is_whitespace).map_or(0, |blank| blank + 1);
        let (word, end) = match self.rest().starts_with(':') && word > 0 {
            true => (open + 1 + word, open + 1 + before.len()),
            false => (self.at, self.one().end),
        };
        let problem = self.problem(Span::new(word, end), format!("before this a `,` or `{close}` is missing"));
        Some(problem.help(
            "what stands in brackets is separated by commas; a text with `: `, `,` or brackets in it needs quotes",
        ))
    }

    /// `title: Award: withdrawn`.
    fn second_colon(&self) -> Option<Diagnostic> {
        let line = self.lines.at(self.at)?;
        let key = *line.tokens().last()?;
        let What::Key(value) = key.what else { return None };
        if key.span.end >= self.at {
            return None;
        }
        let value = value.find(" #").map_or(value, |at| value[..at].trim_end());
        let problem = self.problem(self.one(), "a text that contains `: ` needs quotes");
        Some(problem.help(quoted(value)))
    }

    /// A line below `key: value` that begins further to the right.
    fn too_deep(&self) -> Option<Diagnostic> {
        let (line, above) = (self.lines.at(self.at)?, self.lines.before(self.at)?);
        let (own, key) = (*line.tokens().last()?, *above.tokens().last()?);
        let What::Key(value) = key.what else { return self.no_colon(above) };
        if own.column <= key.column || value.is_empty() {
            return None;
        }
        let name = self.source.slice(key.span);
        let here = self.source.slice(own.span);
        if here.contains(' ') {
            let problem = self.problem(self.one(), "a text that goes on over several lines cannot contain `: `");
            return Some(
                problem
                    .label(key.span, "it begins here")
                    .help(format!("begin it on a line of its own behind a mark: `{name}: |`")),
            );
        }
        let problem =
            self.problem(own.span, format!("`{here}` begins further to the right than `{name}`, which has a value"));
        Some(problem.label(key.span, format!("column {}", key.column + 1)).help(format!(
            "begin it at column {}, too, if it stands beside `{name}`; if it belongs to it, `{name}:` has nothing behind its colon",
            key.column + 1
        )))
    }

    /// `row orders`, `row:orders`, `state = 3`.
    fn no_colon(&self, line: Line<'_>) -> Option<Diagnostic> {
        let token = *line.tokens().last()?;
        if token.what != What::Word {
            return None;
        }
        let text = self.source.slice(token.span);
        let text = text.find(" #").map_or(text, |at| text[..at].trim_end());
        let span = Span::new(token.span.start, token.span.start + text.len());
        let name = |text: &str| text.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.'));
        if let Some((key, value)) = text.split_once(':').filter(|(key, _)| name(key)) {
            let problem = self.problem(span, format!("behind the colon of `{key}` a space is missing"));
            return Some(problem.help(format!("write `{key}: {value}`")));
        }
        let problem = self.problem(span, "this line has no colon");
        Some(match text.split_once('=').filter(|(key, _)| name(key.trim())) {
            Some((key, value)) => problem.help(format!("write `{}: {}`", key.trim(), value.trim())),
            None if name(text) => problem.help(format!(
                "a key ends with a colon: `{text}:`; a text that goes on over several lines begins behind `|`"
            )),
            None => problem
                .help("a key ends with a colon: `key:`; a text that goes on over several lines begins behind `|`"),
        })
    }

    /// A line that should belong to the text behind `|` above it, and does not reach its column.
    fn text_ended(&self) -> Option<Diagnostic> {
        let mark = self.lines.text_before(self.at)?;
        let line = self.lines.at(self.at)?;
        if line.tokens().iter().any(|token| token.what == What::Dash) || colon(line.content(), 0).is_some() {
            return None;
        }
        let key = *mark.tokens().last()?;
        let name = self.source.slice(key.span);
        let problem =
            self.problem(line.span(), format!("the text of `{name}` has ended: this line begins further to the left"));
        Some(
            problem
                .label(key.span, "it began here")
                .help("begin each of its lines at the column of its first, or further to the right"),
        )
    }

    /// A line that begins at a column where nothing goes on, or with a `-` where keys stand, or without one where a list stands.
    fn misplaced(&self) -> Option<Diagnostic> {
        let line = self.lines.at(self.at)?;
        let token = *line.tokens().first()?;
        let levels = self.lines.levels(self.at);
        let text = self.source.slice(token.span);
        let list = token.what == What::Dash;
        let here = |level: &&Level<'_>| level.column == token.column;
        let place = |level: &Level<'_>| {
            let of = if level.is_list() {
                "the `-`".to_owned()
            } else {
                format!("`{}`", self.source.slice(level.last.span))
            };
            format!("column {}, like {of} in line {}", level.column + 1, self.line_number(level.last.span.start))
        };
        if let Some(level) = levels.iter().rev().find(here) {
            return match (list, level.is_list()) {
                (false, true)
                    if text.starts_with('-') && text[1..].starts_with(|c: char| c.is_ascii_alphanumeric()) =>
                {
                    let dash = Span::new(token.span.start, token.span.start + 1);
                    let rest = line.content().trim_start_matches('-');
                    Some(self.problem(dash, "behind the `-` a space is missing").help(format!("write `- {rest}`")))
                }
                (false, true) => {
                    let problem =
                        self.problem(token.span, "a list stands at this column, and this line begins without `-`");
                    let problem = problem.label(level.last.span, "the list");
                    Some(problem.help(
                        "begin it with `- ` if it is an element; if not, begin it at the column of what it belongs to",
                    ))
                }
                (true, false) => {
                    let problem = self.problem(token.span, "keys stand at this column, and this line begins with `-`");
                    let problem = problem.label(level.last.span, "a key");
                    Some(match levels.iter().rev().find(|level| level.is_list()) {
                        Some(list) => problem.help(format!("take the `-` away, or begin the line at {}", place(list))),
                        None => problem.help(
                            "take the `-` away, or write the key that the list belongs to, with a colon, before it",
                        ),
                    })
                }
                _ => None,
            };
        }
        // What fits: lists for a dash, maps for a key; the nearest on either side.
        let fits = |level: &&Level<'_>| level.is_list() == list;
        let right = levels.iter().filter(fits).find(|level| level.column > token.column);
        let left = levels.iter().filter(fits).rev().find(|level| level.column < token.column);
        let mut near = [left, right].into_iter().flatten().collect::<Vec<_>>();
        near.sort_by_key(|level| level.column.abs_diff(token.column));
        let choice = near.iter().map(|level| place(level)).collect::<Vec<_>>().join(", or at ");
        if choice.is_empty() {
            return None;
        }
        let message = format!("nothing above begins at the column of this line, {}", token.column + 1);
        let problem = self.problem(token.span, message).help(format!("begin it at {choice}"));
        Some(
            near.iter()
                .fold(problem, |problem, level| problem.label(level.last.span, format!("column {}", level.column + 1))),
        )
    }
}

/// How a text is put into quotes.
fn quoted(text: &str) -> String {
    if text.starts_with(['“', '„', '‘', '”', '’', '«']) {
        "the quotes here are those of a text editor, which are letters to YAML: type `\"` in their place".to_owned()
    } else if !text.contains(['"', '\\']) {
        format!("put quotes around it: \"{text}\"")
    } else if !text.contains('\'') {
        format!("put quotes around it: '{text}'")
    } else {
        "put quotes around it, or begin it on a line of its own behind `|`".to_owned()
    }
}

#[cfg(test)]
#[path = "unreadable_tests.rs"]
mod tests;
