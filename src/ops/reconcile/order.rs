//! Whose turn it is when not all can be healed in one run: what no heal fails to heal keeps the others from theirs.

use crate::journal::occasion::{DriftItem, TriedInVain};
use std::{
    collections::{HashMap, HashSet},
    sync::Arc,
};

/// The order of those that differ.
#[derive(Debug, Default)]
pub struct Order {
    /// Those that are healed, each with its turn.
    pub chosen: HashMap<Arc<str>, u32>,
    /// The turn of each item that is listed.
    listed: Vec<u32>,
    /// Of each subject the latest turn so far: within one the order of the source stays.
    latest: HashMap<Arc<str>, u32>,
    /// Those that are not listed, and whose turn comes behind that of the others that are not.
    behind: Vec<Behind>,
    /// So many of these others are healed, in the order of the source.
    ahead: u64,
}

/// An item that is not listed, and on which, or on one of its subject before it, a heal was tried in vain.
#[derive(Debug)]
struct Behind {
    item: Arc<str>,
    turn: u32,
    tried: u32,
    could: bool,
}

impl Order {
    /// One more that is listed: its subject, how many heals did not heal it, and whether it could be healed.
    pub fn listed(&mut self, subject: Option<&Arc<str>>, tried: u32, could: bool) {
        let turn = self.turn(subject, tried, could);
        self.listed.push(turn);
    }

    /// The same of one more that is not listed.
    pub fn beyond(&mut self, item: &Arc<str>, subject: Option<&Arc<str>>, tried: u32, could: bool) {
        let turn = self.turn(subject, tried, could);
        if turn > 0 {
            self.behind.push(Behind { item: item.clone(), turn, tried, could });
        }
    }

    /// How many heals did not heal it, or one of its subject before it.
    fn turn(&mut self, subject: Option<&Arc<str>>, tried: u32, could: bool) -> u32 {
        let Some(subject) = subject.filter(|_| could) else { return tried };
        let latest = self.latest.entry(subject.clone()).or_default();
        *latest = tried.max(*latest);
        *latest
    }

    /// Those that could be healed, by their place in the list, each with its turn. The first ones come first.
    pub fn turns(&self, items: &[DriftItem], could: impl Fn(&DriftItem) -> bool) -> Vec<(usize, u32)> {
        let places = items.iter().zip(&self.listed).enumerate().filter(|(_, (item, _))| could(item));
        let mut all: Vec<(usize, u32)> = places.map(|(place, (_, turn))| (place, *turn)).collect();
        // Among equals the order of the source stays.
        all.sort_by_key(|(_, turn)| *turn);
        all
    }

    /// Of those that are not listed, and of which so many could be healed, this many are chosen: first what no heal failed to heal. How many
    /// that are.
    pub fn choose_beyond(&mut self, could: u64, most: u64) -> u64 {
        let mut behind: Vec<&Behind> = self.behind.iter().filter(|one| one.could).collect();
        // Among equals the order of the source stays.
        behind.sort_by_key(|one| one.turn);
        self.ahead = could.saturating_sub(behind.len() as u64).min(most);
        let rest = usize::try_from(most - self.ahead).unwrap_or(usize::MAX);
        behind.truncate(rest);
        self.chosen.extend(behind.iter().map(|one| (one.item.clone(), one.turn)));
        self.ahead + behind.len() as u64
    }

    /// Those that are not listed and were tried in vain, as the next reconcile has to know them; no more than so many.
    pub fn vain(&self, most: usize) -> Vec<TriedInVain> {
        let tried = self.behind.iter().filter(|one| one.tried > 0).take(most);
        tried.map(|one| TriedInVain { item: one.item.clone(), tried: one.tried }).collect()
    }

    /// What was chosen, to be asked item by item.
    pub fn chosen(&self) -> Chosen {
        let behind = self.behind.iter().map(|one| one.item.clone()).collect();
        Chosen { chosen: self.chosen.clone(), behind, ahead: self.ahead }
    }
}

/// What was chosen: asked for each item that differs, in the order of the source.
pub struct Chosen {
    chosen: HashMap<Arc<str>, u32>,
    behind: HashSet<Arc<str>>,
    ahead: u64,
}

impl Chosen {
    /// The turn of one that is listed.
    pub fn listed(&self, item: &str) -> Option<u32> {
        self.chosen.get(item).copied()
    }

    /// The turn of one that is not, and may be healed or not.
    pub fn beyond(&mut self, item: &str, could: bool) -> Option<u32> {
        if self.behind.contains(item) {
            return self.listed(item);
        }
        let healed = self.ahead > 0 && could;
        self.ahead -= u64::from(healed);
        healed.then_some(0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::{identity::RunId, time::Stamp};

    #[test]
    fn what_was_tried_in_vain_goes_behind_the_others_and_takes_those_of_its_subject_along() {
        let tried = [2, 0, 1, 0, 0];
        let item = DriftItem {
            item: "1".into(),
            what: Vec::new(),
            since: Stamp::new(0),
            first: RunId(uuid::Uuid::from_u128(1)),
            seen: 1,
            verdict: "reported".into(),
            why: None,
            tried: None,
            differed: None,
            healed: None,
        };
        let items = vec![item; 5];
        let places = |subjects: [Option<&str>; 5]| {
            let mut order = Order::default();
            for (tried, subject) in tried.iter().zip(subjects) {
                order.listed(subject.map(Arc::from).as_ref(), *tried, true);
            }
            order.turns(&items, |_| true)
        };
        assert_eq!(places([None; 5]), [(1, 0), (3, 0), (4, 0), (2, 1), (0, 2)]);
        let subjects = [Some("a"), Some("b"), Some("b"), Some("a"), Some("c")];
        assert_eq!(places(subjects), [(1, 0), (4, 0), (2, 1), (0, 2), (3, 2)]);
    }

    #[test]
    fn also_of_those_that_are_not_listed_what_was_tried_in_vain_comes_last() {
        // Behind one that is listed and of the same subject; tried in vain; of no use; never tried.
        let all = [("a", Some("x"), 0), ("b", None, 2), ("c", None, 1), ("d", None, 0), ("e", None, 0)];
        let chosen = |most: u64| {
            let mut order = Order::default();
            order.listed(Some(&"x".into()), 3, true);
            for (item, subject, tried) in all {
                order.beyond(&item.into(), subject.map(Arc::from).as_ref(), tried, item != "c");
            }
            let healed = order.choose_beyond(4, most);
            let mut asked = order.chosen();
            let turns: Vec<(&str, u32)> =
                all.iter().filter_map(|(item, ..)| Some((*item, asked.beyond(item, *item != "c")?))).collect();
            assert_eq!(healed as usize, turns.len());
            let vain: Vec<(String, u32)> =
                order.vain(9).into_iter().map(|one| (one.item.to_string(), one.tried)).collect();
            assert_eq!(vain, [("b".to_owned(), 2), ("c".to_owned(), 1)]);
            turns
        };
        assert_eq!(chosen(1), [("d", 0)]);
        assert_eq!(chosen(3), [("b", 2), ("d", 0), ("e", 0)]);
        assert_eq!(chosen(9), [("a", 3), ("b", 2), ("d", 0), ("e", 0)]);
    }
}
