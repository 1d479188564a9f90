//! The names that a text uses, found without running it, each with its place.

use super::path::Path;
use std::ops::Range;

/// What a name is used as.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum UseKind {
    /// A value is needed: a name in the scope with constant attributes.
    Variable,
    /// As `Variable`, but its absence is asked for or provided for: `x is defined`, `x | default(…)`, `x | path(…)`.
    Optional,
    /// `x is ran`, `x is skipped`: the name of a step.
    Step,
    /// `| name`.
    Filter,
    /// `is name`, or the name given to `select` and its kin.
    Test,
    /// `name(…)`.
    Function,
}

/// One use.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Use {
    /// What as.
    pub kind: UseKind,
    /// The name, for variables with as many constant attributes as follow: `trainee.state`, `rows.*.id`.
    pub path: Path,
    /// Bytes of the scalar's decoded text.
    pub range: Range<usize>,
}
