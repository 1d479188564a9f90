//! `block`: several steps as one.

use super::step::Step;
use crate::{base::shape::Word, shape};

shape! {
    /// Several steps as one. With `transaction:` all changes to that database commit together or not at all.
    "block" pub struct BlockSpec {
        /// The database whose changes commit together. No call and no question may stand inside.
        transaction: Option<Word>,
        /// The steps, in order.
        steps: Vec<Step>,
    }
}
