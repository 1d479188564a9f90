//! `wait`: look again and again until something is so, within a bound.

use super::step::Step;
use crate::{base::shape::Length, shape, template::Expression};
use std::time::Duration;

shape! {
    /// Looks again and again until something is so. The latest answer is the step's result, also while it waits: `until` and
    /// `fail_when` look at it under the step's own name. The time runs from the first look on, also while the run is paused.
    "wait" pub struct WaitSpec {
        /// What is looked at each time: a step that reads.
        read: Box<Step>,
        /// Over as soon as this holds.
        until: Expression,
        /// Lost as soon as this holds: the step's `otherwise` decides, else the nearest `rescue`.
        fail_when: Option<Expression>,
        /// How often to look: at least `1s`.
        every: Length,
        /// For how long: at most `30d`. Then the step's `otherwise` decides, else the nearest `rescue`.
        at_most: Length,
    }
}

/// The shortest pause between two looks.
pub const SHORTEST: Duration = Duration::from_secs(1);
/// The longest wait.
pub const LONGEST: Duration = Duration::from_secs(30 * 86_400);
