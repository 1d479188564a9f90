//! Which parts of a playbook were ever gone through: noted where they are decided on, for the report of tests. Nothing that a
//! run does rests on it.

use std::{
    collections::BTreeSet,
    sync::{Arc, Mutex, PoisonError},
};

/// A part of a playbook. Places are those of the action's key in the text, which no two steps share.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Spot {
    /// A row of the errors table, by its number.
    Error(usize),
    /// A step that was done.
    Step(usize),
    /// The `when` of a step that held, or did not.
    When(usize, bool),
    /// The `otherwise` of a step.
    Otherwise(usize),
    /// A row of the decision table of a step, by its name.
    Choice(usize, Arc<str>),
}

#[derive(Debug, Default)]
struct Book {
    spots: BTreeSet<Spot>,
    /// So many guesses are being made: what is gone through meanwhile is only tried out.
    guesses: u32,
}

/// The parts that were gone through; shared by all who look at the same one.
#[derive(Clone, Debug, Default)]
pub struct Reached(Arc<Mutex<Book>>);

/// While this is there, nothing is noted.
pub struct Guess(Reached);

impl Drop for Guess {
    fn drop(&mut self) {
        self.0.book(|book| book.guesses = book.guesses.saturating_sub(1));
    }
}

impl Reached {
    fn book<T>(&self, with: impl FnOnce(&mut Book) -> T) -> T {
        with(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// This was gone through.
    pub fn note(&self, spot: Spot) {
        self.book(|book| {
            if book.guesses == 0 {
                book.spots.insert(spot);
            }
        });
    }

    /// What follows is only tried out: only apply will show whether it is gone through.
    pub fn guess(&self) -> Guess {
        self.book(|book| book.guesses += 1);
        Guess(self.clone())
    }

    /// This was gone through before.
    pub fn holds(&self, spot: &Spot) -> bool {
        self.book(|book| book.spots.contains(spot))
    }

    /// All of it.
    pub fn spots(&self) -> BTreeSet<Spot> {
        self.book(|book| book.spots.clone())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_only_tried_out_is_not_reached() {
        let reached = Reached::default();
        let guess = reached.guess();
        reached.note(Spot::Step(1));
        drop(guess);
        reached.note(Spot::Step(2));
        assert_eq!(reached.spots(), [Spot::Step(2)].into());
    }
}
