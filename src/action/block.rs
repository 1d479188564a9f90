//! `block`: several steps as one.

use super::step::Step;
use crate::{base::shape::Word, shape};

shape! {
    /// Several steps as one. With `transaction:` all changes to that database commit together or not at all. With `rescue:`
    /// something is done when a step inside failed, with `always:` whatever happened.
    "block" pub struct BlockSpec {
        /// The database whose changes commit together. No call and no question may stand inside.
        transaction: Option<Word>,
        /// The steps, in order.
        steps: Vec<Step>,
        /// What is done when one of the steps failed and its own `otherwise` did not decide. `error` is what went wrong. The block has failed
        /// nevertheless, unless it says `recovered: true`.
        #[schemars(default)]
        rescue: Vec<Step>,
        /// What is done at the end, whatever happened: also when the run is cancelled or a step stopped the item. `error` is
        /// what went wrong, or null.
        #[schemars(default)]
        always: Vec<Step>,
        /// A `rescue` that went well makes the block a success.
        recovered: Option<bool>,
    }
}

impl BlockSpec {
    /// Something is to be done at its end.
    pub fn has_ends(&self) -> bool {
        !self.rescue.is_empty() || !self.always.is_empty()
    }
}
