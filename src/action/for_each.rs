//! `for_each:` on any step: the step is done once for each element of a list, with a bound.

use crate::{base::shape::Word, shape, template::Datum};

shape! {
    /// Does the step once for each element of a list, one after the other. The list is made once, before the first time, and
    /// recorded: a run that goes on after a crash never makes it again. The step's result is the list of its results (null
    /// where its `when` was false); so are the results of steps inside, seen from outside.
    "for_each" pub struct ForEach {
        /// The list: an expression, or written out.
        list as "in": Datum,
        /// The name of the element, inside the step.
        name as "as": Word,
        /// More elements than this are refused before the first: 100 unless said otherwise, never more than 1000.
        at_most: Option<u32>,
    }
}

/// Elements, unless the author says otherwise.
pub const USUAL: u32 = 100;
/// Elements, at the very most.
pub const MOST: u32 = 1000;

impl ForEach {
    /// How many elements the list may have.
    pub fn bound(&self) -> usize {
        self.at_most.unwrap_or(USUAL).min(MOST) as usize
    }
}
