//! `call`: the steps of another playbook are done at this place.

use crate::{
    base::shape::{Named, Word},
    shape,
    template::Datum,
};

shape! {
    /// Does another playbook at this place: its preconditions, its steps, its verification and its `afterwards`. It sees the parameters that it is
    /// given, and none of the names here; its `errors` table holds inside it. What it gives back is what its `returns:` says, under the
    /// step's name. Where it ends with `done` or `skip`, the call is over and has no result (`x is skipped`); every other end is the end here, too.
    "call" pub struct CallSpec {
        /// The other playbook, by its name: `register/correct-award`.
        playbook: Word,
        /// Its parameters.
        #[schemars(default)]
        given as "with": Named<Datum>,
    }
}

/// Playbooks that call each other stand at most so deep in each other.
pub const DEEPEST: usize = 8;
