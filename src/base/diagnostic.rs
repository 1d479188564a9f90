//! Problems in a person's text, collected instead of thrown: what, where, and what to do.
//!
//! A diagnostic is data. Drawing it (terminal, JSON, SARIF) is the business of `report`.

use super::source::{Source, Span};
use std::sync::Arc;

/// One kind of problem. Every code stands in the one list that `trueup explain` reads.
#[derive(Debug, PartialEq, Eq)]
pub struct Code {
    /// Stable: `E0102`. Letters: E error, W advice.
    pub id: &'static str,
    /// The constant title, a lower-case fragment.
    pub title: &'static str,
    /// What it means, why it is a problem and how to get rid of it; Markdown, with an example.
    pub explain: &'static str,
}

/// How bad a problem is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    /// The playbook cannot be used.
    Error,
    /// Advice; the playbook can be used.
    Warning,
}

/// A second place that helps to understand the first.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Label {
    /// Where.
    pub span: Span,
    /// What is to be seen there.
    pub text: String,
}

/// One problem at one place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Diagnostic {
    /// Its kind.
    pub code: &'static Code,
    /// Error or advice.
    pub severity: Severity,
    /// Where the caret goes.
    pub span: Span,
    /// What is wrong, in one sentence without a full stop.
    pub message: String,
    /// Short text beside the caret; may be empty.
    pub caret: String,
    /// Other places.
    pub labels: Vec<Label>,
    /// What to do, one sentence each.
    pub help: Vec<String>,
}

impl Diagnostic {
    /// An error with this code at this place.
    pub fn error(code: &'static Code, span: Span, message: impl Into<String>) -> Self {
        Diagnostic {
            code,
            severity: Severity::Error,
            span,
            message: message.into(),
            caret: String::new(),
            labels: Vec::new(),
            help: Vec::new(),
        }
    }

    /// Advice with this code at this place.
    pub fn warning(code: &'static Code, span: Span, message: impl Into<String>) -> Self {
        Diagnostic { severity: Severity::Warning, ..Diagnostic::error(code, span, message) }
    }

    /// Text beside the caret.
    pub fn caret(mut self, text: impl Into<String>) -> Self {
        self.caret = text.into();
        self
    }

    /// Another place.
    pub fn label(mut self, span: Span, text: impl Into<String>) -> Self {
        self.labels.push(Label { span, text: text.into() });
        self
    }

    /// What to do.
    pub fn help(mut self, text: impl Into<String>) -> Self {
        self.help.push(text.into());
        self
    }

    /// `help: did you mean …?` when there is a near word, else the list of what is possible when it is short.
    pub fn suggest<'a>(self, word: &str, known: impl IntoIterator<Item = &'a str>) -> Self {
        match super::suggest::help(word, known) {
            Some(text) => self.help(text),
            None => self,
        }
    }
}

/// How many problems of each severity are kept for one source.
pub const MOST: usize = 200;

/// All problems found in one source.
#[derive(Clone, Debug)]
pub struct Diagnostics {
    source: Arc<Source>,
    found: Vec<Diagnostic>,
}

impl Diagnostics {
    /// None yet.
    pub fn new(source: Arc<Source>) -> Self {
        Diagnostics { source, found: Vec::new() }
    }

    /// The text that the spans point into.
    pub fn source(&self) -> &Arc<Source> {
        &self.source
    }

    /// Adds one problem; the very same one is kept once. Of each severity the first [`MOST`] are kept: nobody reads more, and
    /// a hostile file must not fill the memory with them.
    pub fn push(&mut self, diagnostic: Diagnostic) {
        let alike = self.found.iter().filter(|d| d.severity == diagnostic.severity).count();
        if alike < MOST && !self.found.contains(&diagnostic) {
            self.found.push(diagnostic);
        }
    }

    /// Of problems in the same words those where the text has the name that they are about: the other places were made from it, and its author
    /// did not write them.
    pub fn keep_where_written(&mut self) {
        let source = self.source.clone();
        let here =
            |one: &Diagnostic| one.message.split('`').nth(1).is_some_and(|name| source.slice(one.span).contains(name));
        let written: Vec<Diagnostic> = self.found.iter().filter(|one| here(one)).cloned().collect();
        let alike = |a: &Diagnostic, b: &Diagnostic| a.code.id == b.code.id && a.message == b.message;
        self.found.retain(|one| here(one) || !written.iter().any(|other| alike(one, other)));
    }

    /// Takes out what has this code.
    pub fn leave_out(&mut self, code: &'static Code) {
        self.found.retain(|one| one.code != code);
    }

    /// Something with this code begins between these two places of the text.
    pub fn any_between(&self, code: &'static Code, from: usize, to: usize) -> bool {
        self.found.iter().any(|one| one.code == code && (from..to).contains(&one.span.start))
    }

    /// In order of the text, errors before advice at the same place.
    pub fn sorted(&self) -> Vec<&Diagnostic> {
        let mut all: Vec<_> = self.found.iter().collect();
        all.sort_by_key(|d| (d.span.start, d.severity, d.code.id));
        all
    }

    /// How many errors.
    pub fn errors(&self) -> usize {
        self.found.iter().filter(|d| d.severity == Severity::Error).count()
    }

    /// How many pieces of advice.
    pub fn warnings(&self) -> usize {
        self.found.len() - self.errors()
    }

    /// Nothing found at all.
    pub fn is_empty(&self) -> bool {
        self.found.is_empty()
    }
}
