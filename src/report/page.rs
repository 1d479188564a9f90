//! A page of text: lines in a few tones, wrapped by words into a width, aligned. Knows nothing of what is written.

use super::look::Look;
use anstyle::{AnsiColor, Style};
use std::borrow::Cow;
use unicode_width::UnicodeWidthStr;

/// The few colours that there are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Tone {
    /// As it comes.
    #[default]
    Plain,
    /// A heading.
    Strong,
    /// Of less weight.
    Dim,
    /// Passed, added, new.
    Good,
    /// Refused, deleted, old.
    Bad,
    /// Changed, or to be looked at.
    Care,
}

impl Tone {
    fn style(self) -> Style {
        match self {
            Tone::Plain => Style::new(),
            Tone::Strong => Style::new().bold(),
            Tone::Dim => Style::new().dimmed(),
            Tone::Good => AnsiColor::Green.on_default(),
            Tone::Bad => AnsiColor::Red.on_default(),
            Tone::Care => AnsiColor::Yellow.on_default(),
        }
    }
}

/// One line before it is wrapped: pieces, each in its tone.
#[derive(Clone, Debug, Default)]
pub struct Line(Vec<(Tone, String)>);

impl Line {
    /// In one tone.
    pub fn of(tone: Tone, text: impl AsRef<str>) -> Line {
        Line::default().add(tone, text)
    }

    /// One piece more. Characters that a terminal would obey instead of showing are written as their code.
    pub fn add(mut self, tone: Tone, text: impl AsRef<str>) -> Line {
        if !text.as_ref().is_empty() {
            self.0.push((tone, clean(text.as_ref()).into_owned()));
        }
        self
    }

    /// One piece more, in no tone.
    pub fn plain(self, text: impl AsRef<str>) -> Line {
        self.add(Tone::Plain, text)
    }

    /// Blanks up to this many columns, and at least `least` of them.
    pub fn pad(mut self, to: usize, least: usize) -> Line {
        let blanks = to.saturating_sub(self.width()).max(least);
        self.0.push((Tone::Plain, " ".repeat(blanks)));
        self
    }

    /// Columns.
    pub fn width(&self) -> usize {
        self.0.iter().map(|(_, text)| text.width()).sum()
    }

    /// Nothing in it.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Blanks in it are not places to break it: for what was cut to fit.
    pub fn kept(mut self) -> Line {
        for (_, text) in &mut self.0 {
            *text = text.replace(' ', HARD);
        }
        self
    }

    /// Another one behind it.
    pub fn beside(mut self, other: Line) -> Line {
        self.0.extend(other.0);
        self
    }

    /// Words with the blanks before each; a line feed is a word of its own.
    fn words(&self) -> Vec<(usize, Vec<(Tone, String)>)> {
        let mut words: Vec<(usize, Vec<(Tone, String)>)> = Vec::new();
        let (mut gap, mut open) = (0, false);
        for (tone, c) in self.0.iter().flat_map(|(tone, text)| text.chars().map(move |c| (*tone, c))) {
            match c {
                ' ' => (gap, open) = (gap + 1, false),
                '\n' => {
                    words.push((0, vec![(Tone::Plain, "\n".into())]));
                    (gap, open) = (0, false);
                }
                _ => {
                    if !open {
                        words.push((gap, Vec::new()));
                        (gap, open) = (0, true);
                    }
                    if let Some((_, word)) = words.last_mut() {
                        match word.last_mut() {
                            Some((last, text)) if *last == tone => text.push(c),
                            _ => word.push((tone, c.into())),
                        }
                    }
                }
            }
        }
        words
    }
}

/// Stands for a blank that does not break a line; never part of a text, because it is a control character.
const HARD: &str = "\u{1}";

/// The width of a page that never breaks a line.
const ENDLESS: usize = 1 << 40;

/// Text that grows from top to bottom.
#[derive(Debug)]
pub struct Page {
    /// Width and characters.
    pub look: Look,
    out: String,
}

impl Page {
    /// An empty one.
    pub fn new(look: Look) -> Page {
        Page { look: Look { width: look.width.clamp(40, 120), ..look }, out: String::new() }
    }

    /// One that never breaks a line: for logs.
    pub fn endless() -> Page {
        Page { look: Look { width: ENDLESS, unicode: true }, out: String::new() }
    }

    /// Columns.
    pub fn width(&self) -> usize {
        self.look.width
    }

    /// An empty line, but never two, and none at the top.
    pub fn blank(&mut self) {
        if !self.out.is_empty() && !self.out.ends_with("\n\n") {
            self.out.push('\n');
        }
    }

    /// A line; what does not fit goes on below, as far in as it began.
    pub fn line(&mut self, indent: usize, line: Line) {
        self.hung(indent, indent, line);
    }

    /// A line; what does not fit goes on below, `hang` columns in.
    pub fn hung(&mut self, indent: usize, hang: usize, line: Line) {
        self.write(indent, hang, self.width(), &line);
    }

    /// A line with something at the right border; when both do not fit well, that comes below.
    pub fn labelled(&mut self, indent: usize, hang: usize, line: Line, right: Line) {
        let free = self.width().saturating_sub(right.width() + 2);
        let endless = self.width() > ENDLESS / 2;
        if right.is_empty() || right.width() > self.width() * 2 / 5 || endless {
            self.hung(indent, hang, line);
            if !right.is_empty() {
                self.line(hang, right);
            }
            return;
        }
        let fits = indent + line.width() <= free;
        if fits {
            let line = line.pad(self.width() - indent - right.width(), 2).beside(right);
            return self.write(indent, hang, self.width(), &line);
        }
        let start = self.out.len();
        self.write(indent, hang, free, &line);
        let first = self.out[start..].find('\n').map_or(self.out.len(), |at| start + at);
        let used = anstream::adapter::strip_str(&self.out[start..first]).to_string().width();
        if used > free {
            return self.line(hang, right);
        }
        let mut end = " ".repeat(self.width() - used - right.width());
        for (tone, text) in &right.0 {
            paint(*tone, text, &mut end);
        }
        self.out.insert_str(first, &end);
    }

    /// A line with a remark at the right border, or below when there is no room for it.
    pub fn noted(&mut self, indent: usize, hang: usize, line: Line, remark: Line) {
        if indent + line.width() + 2 + remark.width() <= self.width() {
            return self.labelled(indent, hang, line, remark);
        }
        self.hung(indent, hang, line);
        if !remark.is_empty() {
            self.hung(hang, hang + 2, remark);
        }
    }

    /// A text of several paragraphs or lines, kept apart as they came.
    pub fn prose(&mut self, indent: usize, tone: Tone, text: &str) {
        for line in text.trim_end().lines() {
            self.line(indent, Line::of(tone, line.trim_end()));
        }
    }

    /// A shell command: broken only between words, with `\` at the end of the line, so that it can be copied.
    pub fn command(&mut self, indent: usize, command: &str) {
        let mut lines: Vec<String> = vec![String::new()];
        for word in shell_words(&clean(command)) {
            let inner = indent + if lines.len() > 1 { 4 } else { 0 };
            let Some(last) = lines.last_mut() else { return };
            if !last.is_empty() && inner + last.width() + 1 + word.width() + 2 > self.look.width {
                lines.push(word.to_owned());
                continue;
            }
            last.push_str(if last.is_empty() { "" } else { " " });
            last.push_str(word);
        }
        let count = lines.len();
        for (i, line) in lines.iter().enumerate() {
            self.out.push_str(&" ".repeat(indent + if i > 0 { 4 } else { 0 }));
            self.out.push_str(line);
            self.out.push_str(if i + 1 < count { " \\\n" } else { "\n" });
        }
    }

    /// A text that is drawn already.
    pub fn drawn(&mut self, text: &str) {
        self.out.push_str(text);
        if !text.ends_with('\n') {
            self.out.push('\n');
        }
    }

    /// The text.
    pub fn finish(self) -> String {
        self.out
    }

    fn write(&mut self, indent: usize, hang: usize, width: usize, line: &Line) {
        let (mut column, mut at) = (0, indent);
        // What stands on the current line, neighbours of one tone in one piece.
        let mut row: Word = Vec::new();
        for (gap, word) in line.words() {
            if word.first().is_some_and(|(_, text)| text == "\n") {
                self.end_row(&mut row);
                (column, at) = (0, hang);
                continue;
            }
            for (gap, word) in addresses_split(gap, word, width.saturating_sub(hang)) {
                let length: usize = word.iter().map(|(_, text)| text.width()).sum();
                if column > 0 && column + gap + length > width {
                    self.end_row(&mut row);
                    (column, at) = (0, hang);
                }
                let blanks = if column == 0 { at } else { gap };
                blank_space(blanks, word.first().map(|(tone, _)| *tone), &mut row);
                word.into_iter().for_each(|(tone, text)| add_piece(tone, &text, &mut row));
                column += blanks + length;
            }
        }
        self.end_row(&mut row);
    }

    fn end_row(&mut self, row: &mut Word) {
        for (tone, text) in row.drain(..) {
            paint(tone, &text, &mut self.out);
        }
        self.out.push('\n');
    }
}

/// Blanks between two words of one tone are of that tone; others have none.
fn blank_space(blanks: usize, next: Option<Tone>, row: &mut Word) {
    let inside = row.last().map(|(tone, _)| *tone).filter(|tone| Some(*tone) == next);
    add_piece(inside.unwrap_or_default(), &" ".repeat(blanks), row);
}

fn add_piece(tone: Tone, text: &str, row: &mut Word) {
    match row.last_mut() {
        Some((last, so_far)) if *last == tone => so_far.push_str(text),
        _ if text.is_empty() => {}
        _ => row.push((tone, text.to_owned())),
    }
}

type Word = Vec<(Tone, String)>;

/// A word that is wider than a line and looks like an address may be broken behind `/`, `?` and `&`.
fn addresses_split(gap: usize, word: Word, room: usize) -> Vec<(usize, Word)> {
    let [(tone, text)] = word.as_slice() else { return vec![(gap, word)] };
    if text.width() <= room || text.contains(HARD) {
        return vec![(gap, word)];
    }
    let mut parts: Vec<(usize, Word)> = Vec::new();
    for part in text.split_inclusive(['/', '?', '&']) {
        // `//` of `https://` is no place to break.
        match parts.last_mut() {
            Some((_, last)) if part == "/" || last[0].1.ends_with(":/") || last[0].1.ends_with("//") => {
                last[0].1.push_str(part)
            }
            _ => parts.push((if parts.is_empty() { gap } else { 0 }, vec![(*tone, part.to_owned())])),
        }
    }
    parts
}

fn paint(tone: Tone, text: &str, out: &mut String) {
    use std::fmt::Write;
    let style = tone.style();
    let text = text.replace(HARD, " ");
    let _ = write!(out, "{}{text}{}", style.render(), style.render_reset());
}

/// Without characters that a terminal obeys or that turn the reading direction: those are written as their code.
pub fn clean(text: &str) -> Cow<'_, str> {
    let odd = |c: char| {
        c != '\n'
            && (c.is_control()
                || matches!(c, '\u{200b}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{feff}'))
    };
    if !text.contains(odd) {
        return text.into();
    }
    let mut out = String::with_capacity(text.len() + 16);
    for c in text.chars() {
        match c {
            '\t' => out.push(' '),
            c if odd(c) => out.extend(c.escape_unicode()),
            c => out.push(c),
        }
    }
    out.into()
}

/// Columns that a text takes.
pub fn width(text: &str) -> usize {
    text.width()
}

/// At most `most` columns: the middle is left out.
pub fn shortened(text: &str, most: usize, look: Look) -> String {
    if text.width() <= most {
        return text.to_owned();
    }
    let left_out = look.ellipsis();
    let room = most.saturating_sub(left_out.width());
    let (head, tail) = (first_columns(text, room - room / 2), last_columns(text, room / 2));
    format!("{head}{left_out}{tail}")
}

/// At most `most` columns: the end is left out.
pub fn cut(text: &str, most: usize, look: Look) -> String {
    if text.width() <= most {
        return text.to_owned();
    }
    let left_out = look.ellipsis();
    format!("{}{left_out}", first_columns(text, most.saturating_sub(left_out.width())).trim_end())
}

/// As many whole characters from the start as fit.
pub fn first_columns(text: &str, most: usize) -> &str {
    let mut end = 0;
    for (at, c) in text.char_indices() {
        let next = at + c.len_utf8();
        if text[..next].width() > most {
            break;
        }
        end = next;
    }
    &text[..end]
}

/// As many whole characters from the end as fit.
pub fn last_columns(text: &str, most: usize) -> &str {
    let mut start = text.len();
    for (at, _) in text.char_indices().rev() {
        if text[at..].width() > most {
            break;
        }
        start = at;
    }
    &text[start..]
}

/// Words of a command line; what stands in quotes is not split.
fn shell_words(command: &str) -> Vec<&str> {
    let (mut words, mut start, mut quote) = (Vec::new(), None, None);
    for (at, c) in command.char_indices() {
        match (quote, c) {
            (None, ' ') => {
                words.extend(start.take().map(|from: usize| &command[from..at]));
                continue;
            }
            (None, '\'' | '"') => quote = Some(c),
            (Some(open), c) if open == c => quote = None,
            _ => {}
        }
        start.get_or_insert(at);
    }
    words.extend(start.map(|from| &command[from..]));
    // An option and its value stay together; both are slices of the same text.
    let mut joined: Vec<&str> = Vec::new();
    let mut at = 0;
    for (index, word) in words.iter().enumerate() {
        let from = command[at..].find(word).map_or(at, |found| at + found);
        at = from + word.len();
        let option = index > 0 && words[index - 1].starts_with("--") && !words[index - 1].contains('=');
        match joined.last_mut() {
            Some(last) if option && !word.starts_with("--") => {
                *last = &command[from - 1 - last.len()..at];
            }
            _ => joined.push(word),
        }
    }
    joined
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plain(page: Page) -> String {
        anstream::adapter::strip_str(&page.finish()).to_string()
    }

    fn narrow() -> Page {
        Page::new(Look { width: 40, unicode: true })
    }

    #[test]
    fn words_go_on_below_at_the_hang_and_tones_do_not_count() {
        let mut page = narrow();
        page.hung(2, 6, Line::of(Tone::Good, "one two three four").plain(" five six seven eight nine ten"));
        assert_eq!(plain(page), "  one two three four five six seven\n      eight nine ten\n");
    }

    #[test]
    fn a_word_that_is_too_long_is_not_broken_unless_it_is_an_address() {
        let mut page = narrow();
        let digits = "0123456789".repeat(5);
        page.line(2, Line::of(Tone::Plain, format!("sha {digits} now")));
        assert_eq!(plain(page), format!("  sha\n  {digits}\n  now\n"));
        let mut page = narrow();
        page.hung(2, 4, Line::of(Tone::Plain, "GET https://example.test/v2/teachers/1234567?born=(personal)&all=true"));
        let expected = "  GET https://example.test/v2/teachers/\n    1234567?born=(personal)&all=true\n";
        assert_eq!(plain(page), expected);
    }

    #[test]
    fn a_label_stands_at_the_right_border_also_beside_a_wrapped_line() {
        let mut page = narrow();
        page.labelled(2, 4, Line::of(Tone::Plain, "short"), Line::of(Tone::Dim, "exact"));
        page.labelled(
            2,
            4,
            Line::of(Tone::Plain, "a title that is too long for one line"),
            Line::of(Tone::Dim, "exact"),
        );
        let expected = [
            "  short                            exact",
            "  a title that is too long for     exact",
            "    one line",
            "",
        ];
        assert_eq!(plain(page), expected.join("\n"));
    }

    #[test]
    fn a_terminal_is_told_nothing_by_what_is_shown() {
        let mut page = narrow();
        page.line(0, Line::of(Tone::Plain, "a\u{1b}[2Jb\u{202e}c\td"));
        assert_eq!(page.finish(), "a\\u{1b}[2Jb\\u{202e}c d\n");
    }

    #[test]
    fn a_long_command_can_be_copied() {
        let mut page = narrow();
        page.command(2, "trueup apply a/b --param slug=7xKq --reason 'two words and more'");
        assert_eq!(plain(page), "  trueup apply a/b --param slug=7xKq \\\n      --reason 'two words and more'\n");
    }

    #[test]
    fn a_remark_without_room_stands_below() {
        let mut page = narrow();
        page.noted(2, 4, Line::of(Tone::Plain, "short"), Line::of(Tone::Dim, "1 row"));
        page.noted(2, 4, Line::of(Tone::Plain, "a title that is long, but fits"), Line::of(Tone::Dim, "1 row of many"));
        let expected =
            ["  short                            1 row", "  a title that is long, but fits", "    1 row of many", ""];
        assert_eq!(plain(page), expected.join("\n"));
    }

    #[test]
    fn the_middle_of_a_long_text_is_left_out_by_columns() {
        let look = Look::default();
        assert_eq!(shortened("abcdefghij", 5, look), "ab…ij");
        assert_eq!(width(&shortened("日本語の長い文章です", 9, look)), 9);
        assert_eq!(cut("one two three", 8, look), "one two…");
    }
}
