//! How a report is looked at: the width, the characters, and the two questions that a report may ask of its caller.
//! Knows nothing of what is shown.

use crate::{
    base::{secret::Masks, source::Span},
    effect::change::TableName,
    table::facts::Facts,
};
use std::borrow::Cow;

/// What the reader's terminal or file can show. Colour is not asked for: every text is styled with ANSI codes, and
/// `anstream` takes them out for a pipe.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Look {
    /// Columns; taken as at least 40 and at most 120.
    pub width: usize,
    /// Characters beyond ASCII may be used for marks and arrows.
    pub unicode: bool,
    /// The secrets that nobody may read. A text is looked through before it is shortened or broken into lines: whoever writes it
    /// down would find no part of what was cut in two.
    pub hides: Option<&'static Masks>,
}

impl Look {
    /// The text without secrets.
    pub fn hidden(self, text: &str) -> Cow<'_, str> {
        match self.hides {
            Some(masks) if masks.catches(text) => masks.apply(text).into(),
            _ => text.into(),
        }
    }

    fn pick(self, unicode: &'static str, ascii: &'static str) -> &'static str {
        if self.unicode { unicode } else { ascii }
    }

    /// Something is left out here.
    pub fn ellipsis(self) -> &'static str {
        self.pick("…", "...")
    }

    /// From old to new.
    pub fn arrow(self) -> &'static str {
        self.pick("→", "->")
    }

    /// Between two things on one line.
    pub fn dot(self) -> &'static str {
        self.pick("·", "-")
    }

    /// It holds, it went well.
    pub fn tick(self) -> &'static str {
        self.pick("✓", "*")
    }

    /// It does not, it did not.
    pub fn cross(self) -> &'static str {
        self.pick("✗", "x")
    }

    /// Left out, not looked at.
    pub fn idle(self) -> &'static str {
        self.pick("·", ".")
    }
}

impl Default for Look {
    fn default() -> Look {
        Look { width: 80, unicode: true, hides: None }
    }
}

/// The facts of a table, for the names of enum values and for personal columns.
pub type Lookup<'a> = &'a (dyn Fn(&TableName) -> Option<&'a Facts> + Sync);

/// Draws a message under its line of the playbook, with what was expected and found: place, message, name and value.
/// Ends with a line feed; empty when it cannot be drawn.
pub type Drawing<'a> = &'a dyn Fn(Span, &str, &[(String, String)]) -> String;

/// How to look, and whom to ask.
#[derive(Clone, Copy)]
pub struct View<'a> {
    /// Width and characters.
    pub look: Look,
    /// Facts about tables.
    pub facts: Lookup<'a>,
    /// The caret drawing of a place in the playbook.
    pub draw: Drawing<'a>,
}

impl View<'_> {
    /// No facts and no drawing: values as they are stored.
    pub fn bare(look: Look) -> View<'static> {
        View { look, facts: &|_| None, draw: &|_, _, _| String::new() }
    }
}
