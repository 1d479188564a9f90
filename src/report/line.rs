//! One line of a report before it is wrapped: pieces in a few tones, nothing in them that a terminal would obey. Knows
//! nothing of pages.

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

    /// The pieces.
    pub(super) fn pieces(&self) -> &[(Tone, String)] {
        &self.0
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

    /// Without secrets.
    pub(super) fn hidden(&self, look: Look) -> Cow<'_, Line> {
        let hidden = |text: &str| look.hidden(text).into_owned();
        match look.hides {
            None => Cow::Borrowed(self),
            Some(_) => Cow::Owned(Line(self.0.iter().map(|(tone, text)| (*tone, hidden(text))).collect())),
        }
    }

    /// Another one behind it.
    pub fn beside(mut self, other: Line) -> Line {
        self.0.extend(other.0);
        self
    }

    /// Words with the blanks before each; a line feed is a word of its own.
    pub(super) fn words(&self) -> Vec<(usize, Vec<(Tone, String)>)> {
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
pub(super) const HARD: &str = "\u{1}";

/// One piece with its colour codes.
pub(super) fn paint(tone: Tone, text: &str, out: &mut String) {
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
