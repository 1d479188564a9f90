//! Expressions and texts with expressions: minijinja's grammar behind one door. Nobody else names that crate.
//!
//! minijinja parses; what an expression means is decided here, over [`crate::base::value::Value`] itself: exact unknowns,
//! marks and reads by look-up, no null or undefined in a text, decimals and dates as they are, hard bounds. (minijinja's own
//! machine cannot do this: its objects overload no operator, an ordering cannot fail, and its fuel bounds no memory.)
//!
//! Text in → [`expression::Expression`], [`text::Text`], [`tree::Tree`] or [`sql::Sql`] → with a [`scope::Scope`] → values.
//! Must not know where names come from, what a step is, or any database.

pub mod builtin;
pub mod compare;
pub mod compared;
mod evaluate;
pub mod expression;
mod grammar;
mod item;
mod lookup;
pub mod names;
mod number;
mod operate;
pub mod path;
pub mod pattern;
pub mod problem;
mod render;
mod run;
pub mod scope;
pub mod shape;
pub mod sql;
mod syntax;
pub mod text;
pub mod tree;

pub use builtin::Described;
pub use compare::equal;
pub use expression::{Evaluated, Expression, Truth};
pub use grammar::size::{MAX_CODE, MAX_TEXT};
pub use names::{Use, UseKind};
pub use path::{Path, Step};
pub use problem::{Failure, Problem, Refused};
pub use run::MAX_MADE_TEXT;
pub use scope::{Entry, Scope, Vars};
pub use shape::Datum;
pub use sql::{Bound, Dialect, Sql};
pub use text::Text;
pub use tree::Tree;

fn scalar_of(text: &str) -> crate::base::yaml::Scalar {
    use crate::base::{
        source::Span,
        yaml::{Scalar, Style},
    };
    Scalar { text: text.into(), style: Style::Text, span: Span::new(0, text.len()) }
}

#[cfg(test)]
mod tests;
