//! Expressions and texts with expressions: minijinja's grammar behind one door. Nobody else names that crate.
//!
//! minijinja parses; what an expression means is decided here, over [`crate::base::value::Value`] itself: exact unknowns,
//! marks and reads by look-up, no null or undefined in a text, decimals and dates as they are, hard bounds. (minijinja's own
//! machine cannot do this: its objects overload no operator, an ordering cannot fail, and its fuel bounds no memory.)
//!
//! Text in → [`expression::Expression`], [`text::Text`], [`tree::Tree`] or [`sql::Sql`] → with a [`scope::Scope`] → values.
//! Must not know where names come from, what a step is, or any database.

pub mod expression;
pub mod names;
pub mod path;
pub mod problem;
pub mod scope;
pub mod shape;
pub mod sql;
pub mod text;
pub mod tree;

pub use expression::{Evaluated, Expression, Truth};
pub use names::{Use, UseKind};
pub use path::{Path, Step};
pub use problem::{Failure, Problem, Refused};
pub use scope::{Entry, Scope, Vars};
pub use shape::Datum;
pub use sql::{Bound, Dialect, Sql};
pub use text::Text;
pub use tree::Tree;

/// A filter, test or function, for the reference and `trueup explain`.
#[derive(Debug)]
pub struct Described {
    /// As it is written.
    pub name: &'static str,
    /// Its form: `x | replace(old, new)`.
    pub form: &'static str,
    /// What it gives, one sentence.
    pub doc: &'static str,
}

fn scalar_of(text: &str) -> crate::base::yaml::Scalar {
    use crate::base::{
        source::Span,
        yaml::{Scalar, Style},
    };
    Scalar { text: text.into(), style: Style::Text, span: Span::new(0, text.len()) }
}
