//! A page of text: lines in a few tones, wrapped by words into a width, aligned. Knows nothing of what is written.

use super::{
    line::{HARD, Line, Tone, clean, paint},
    look::Look,
};
use crate::base::value::{Data, Map, Value};
use std::sync::Arc;
use unicode_width::UnicodeWidthStr;

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
        Page { look: Look { width: ENDLESS, ..Look::default() }, out: String::new() }
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
        let (line, right) = (line.hidden(self.look).into_owned(), right.hidden(self.look).into_owned());
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
        for (tone, text) in right.pieces() {
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
        for line in self.look.hidden(text).trim_end().lines() {
            self.line(indent, Line::of(tone, line.trim_end()));
        }
    }

    /// A shell command: broken only between words, with `\` at the end of the line, so that it can be copied.
    pub fn command(&mut self, indent: usize, command: &str) {
        let mut lines: Vec<String> = vec![String::new()];
        for word in shell_words(&clean(&self.look.hidden(command))) {
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
        for (gap, word) in line.hidden(self.look).words() {
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

/// The parameters of a run as one types them. What is hidden, or takes more than a word, is left to the person.
pub fn typed(params: &Map) -> Vec<String> {
    let typed = |(name, value): (&Arc<str>, &Value)| match &value.data {
        Data::Null => None,
        Data::List(_) | Data::Map(_) | Data::Json(_) | Data::Unknown(_) => Some(format!("{name}=…")),
        _ if value.marks.hidden() => Some(format!("{name}=…")),
        _ => Some(quoted(&format!("{name}={}", value.bare()))),
    };
    params.iter().filter_map(typed).collect()
}

/// `trueup plan register/placement cohort=2025 --env production`: a command about the same playbook, parameters and environment.
pub fn same(verb: &str, playbook: &str, params: &[String], environment: &str) -> String {
    let words = ["trueup", verb, &quoted(playbook)].map(str::to_owned).into_iter().chain(params.iter().cloned());
    format!("{} --env {}", words.collect::<Vec<_>>().join(" "), quoted(environment))
}

/// A word as a shell takes it.
pub fn quoted(word: &str) -> String {
    let plain = |c: char| c.is_alphanumeric() || "_-=./:@".contains(c);
    if word.chars().all(plain) && !word.is_empty() {
        word.to_owned()
    } else {
        format!("'{}'", word.replace('\'', "'\\''"))
    }
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
        Page::new(Look { width: 40, ..Look::default() })
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
}
