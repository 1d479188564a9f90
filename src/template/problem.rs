//! What can be wrong with an expression: before it runs ([`Problem`]) and while it runs ([`Failure`]), each with its place.

use super::names::Use;
use crate::base::{
    diagnostic::{Code, Diagnostic},
    source::{Source, Span},
    suggest,
    yaml::Scalar,
};
use std::{fmt, ops::Range};

/// Not the grammar of expressions.
pub static SYNTAX: Code = Code {
    id: "E0201",
    title: "not a readable expression",
    explain: "Expressions follow the grammar of Jinja: `trainee.state == 'draft'`, `a and not b`, `x in [1, 2]`, `x | upper`, \
        `x is none`, `a if b else c`. Texts stand in quotes. `when:`, `assert:`, `is:` and `until:` take an expression without \
        braces; other values take `{{ … }}`.",
};
/// Bigger or deeper than an expression may be.
pub static TOO_COMPLEX: Code = Code {
    id: "E0202",
    title: "an expression that is too large",
    explain: "A text with expressions may have 4 KiB, a nesting of 24 and 200 operators between `{{` and `}}`. While it runs it may \
        make 64 KiB of text and take a bounded number of steps. The limits keep a hostile or broken playbook from using up memory. Name parts of \
        a long expression under `vars:`; select rows in SQL instead of in expressions.",
};
/// A filter, test or function that does not exist.
pub static UNKNOWN_FUNCTION: Code = Code {
    id: "E0203",
    title: "unknown filter, test or function",
    explain: "Expressions know a fixed list of filters (`x | upper`), tests (`x is none`) and functions (`now()`). \
        The language reference lists them; `trueup explain NAME` explains one.",
};
/// Part of Jinja, not of this language.
pub static NOT_ALLOWED: Code = Code {
    id: "E0204",
    title: "a construct that expressions do not have",
    explain: "Of Jinja's blocks only `{% if %}`, `{% for %}` and `{% set %}` exist, in texts for people. Macros, includes, imports, \
        methods and splats do not: an expression must be readable aloud, and bounded.",
};
/// Wrong arguments of a filter, test or function.
pub static ARGUMENTS: Code = Code {
    id: "E0205",
    title: "wrong arguments",
    explain: "The filter, test or function takes other arguments. The message says which; `trueup explain NAME` has an example.",
};
/// Failed while it ran.
pub static FAILED: Code = Code {
    id: "E0206",
    title: "an expression that has no value",
    explain: "An expression was evaluated and has no value: a name or attribute does not exist, a null stands where a value is needed, \
        values of different kinds are ordered, a text is no date. trueup never renders such a thing as an empty text, because an empty \
        text in a statement or request is a wrong change. Use `is defined`, `| default(…)`, `| path('a.b')` or `… if x is not none else …` \
        to say what shall happen.",
};
/// The result of a step that did not run.
pub static DID_NOT_RUN: Code = Code {
    id: "E0207",
    title: "the result of a step that did not run",
    explain: "A step whose `when:` was false has no result. Ask `step is ran` or `step is skipped` first, or put the same `when:` on \
        the step that uses the result.",
};
/// `vars` that need each other.
pub static CYCLE: Code = Code {
    id: "E0208",
    title: "vars that need each other",
    explain: "A value under `vars:` is evaluated when it is used. Two that use each other never come to an end.",
};
/// A bind where a bind cannot stand.
pub static SQL_PLACE: Code = Code {
    id: "E0221",
    title: "an expression where SQL takes no value",
    explain: "In SQL every `{{ … }}` becomes a bound parameter, never text. A parameter can stand where a value can: not inside a quoted \
        text, a comment or a name, and not glued to other characters. Leave the quotes away (`name = {{ x }}`), build a text in the \
        expression (`like {{ x ~ '%' }}`), and write a table or column name as `{{ x | identifier }}`.",
};
/// Something in the SQL itself.
pub static SQL_TEXT: Code = Code {
    id: "E0222",
    title: "SQL that a playbook may not hold",
    explain: "One statement a step; parameters only as `{{ … }}`, never `?` or `$1`; no `{% … %}` blocks, because they would hide which \
        statement is run. For PostgreSQL's `?` operator use the function `jsonb_exists(column, {{ key }})`.",
};

/// All codes of this folder.
pub static CODES: &[&Code] = &[
    &SYNTAX,
    &TOO_COMPLEX,
    &UNKNOWN_FUNCTION,
    &NOT_ALLOWED,
    &ARGUMENTS,
    &FAILED,
    &DID_NOT_RUN,
    &CYCLE,
    &SQL_PLACE,
    &SQL_TEXT,
];

/// Something that is wrong with the text of an expression.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// Its kind.
    pub code: &'static Code,
    /// Bytes of the scalar's decoded text.
    pub range: Range<usize>,
    /// What is wrong, without a full stop.
    pub message: String,
    /// What to do.
    pub help: Vec<String>,
}

impl Problem {
    pub(super) fn new(code: &'static Code, range: Range<usize>, message: impl Into<String>) -> Problem {
        Problem { code, range, message: message.into(), help: Vec::new() }
    }

    pub(super) fn help(mut self, text: impl Into<String>) -> Problem {
        self.help.push(text.into());
        self
    }

    pub(super) fn suggest<'a>(mut self, word: &str, known: impl IntoIterator<Item = &'a str>) -> Problem {
        self.help.extend(suggest::help(word, known));
        self
    }

    /// The problem at its place in the file that holds `scalar`.
    pub fn diagnostic(&self, scalar: &Scalar, source: &Source) -> Diagnostic {
        let at = scalar.inner(source, self.range.clone());
        self.help.iter().fold(Diagnostic::error(self.code, at, &*self.message), |d, help| d.help(help))
    }
}

/// Why a text was not compiled: every problem, and the names that could be found all the same.
#[derive(Clone, Debug)]
pub struct Refused {
    /// At least one, in order of the text.
    pub problems: Vec<Problem>,
    /// So that unknown names can be reported in the same go; empty after a syntax error.
    pub names: Vec<Use>,
}

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.problems.first().map_or("the expression is refused", |p| &p.message))
    }
}
impl std::error::Error for Refused {}

impl From<Problem> for Refused {
    fn from(problem: Problem) -> Refused {
        Refused { problems: vec![problem], names: Vec::new() }
    }
}

/// An expression that could not be evaluated. Holds no personal or secret value.
#[derive(Clone, Debug)]
pub struct Failure {
    /// Its kind.
    pub code: &'static Code,
    /// The text that holds the failing part: inside `vars` another one than was asked for.
    pub scalar: Scalar,
    /// Bytes of that scalar's decoded text.
    pub range: Range<usize>,
    /// What is wrong, without a full stop: `` `trainee.trn` is null ``.
    pub message: String,
    /// What to do.
    pub help: Vec<String>,
}

impl Failure {
    /// Where the caret goes in the file that the scalar came from.
    pub fn span(&self, source: &Source) -> Span {
        self.scalar.inner(source, self.range.clone())
    }

    /// As a diagnostic at its place.
    pub fn diagnostic(&self, source: &Source) -> Diagnostic {
        self.help.iter().fold(Diagnostic::error(self.code, self.span(source), &*self.message), |d, help| d.help(help))
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)?;
        self.help.iter().try_for_each(|help| write!(f, "; {help}"))
    }
}
impl std::error::Error for Failure {}
