//! Whose turn it is when not all can be healed in one run: what no heal fails to heal keeps the others from theirs.

use crate::journal::occasion::DriftItem;
use std::{collections::HashMap, sync::Arc};

/// The order of those that differ.
#[derive(Debug, Default)]
pub struct Order {
    /// The subject of each item that is listed: within one the order of the source stays.
    pub subjects: Vec<Option<Arc<str>>>,
    /// Those that are healed, each with its turn.
    pub chosen: HashMap<Arc<str>, u32>,
}

impl Order {
    /// Those that could be healed, by their place in the list, each with its turn: how many heals did not heal it, or one of its subject before
    /// it. The first ones come first.
    pub fn turns(&self, items: &[DriftItem], could: impl Fn(&DriftItem) -> bool) -> Vec<(usize, u32)> {
        let mut latest: HashMap<&Arc<str>, u32> = HashMap::new();
        let mut all = Vec::new();
        for (place, item) in items.iter().enumerate().filter(|(_, item)| could(item)) {
            let tried = item.tried.unwrap_or(0);
            let turn = self.subjects.get(place).and_then(Option::as_ref).map_or(tried, |subject| {
                let latest = latest.entry(subject).or_default();
                *latest = tried.max(*latest);
                *latest
            });
            all.push((place, turn));
        }
        // Among equals the order of the source stays.
        all.sort_by_key(|(_, turn)| *turn);
        all
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::{identity::RunId, time::Stamp};

    #[test]
    fn what_was_tried_in_vain_goes_behind_the_others_and_takes_those_of_its_subject_along() {
        let of = |tried: Option<u32>| DriftItem {
            item: "1".into(),
            what: Vec::new(),
            since: Stamp::new(0),
            first: RunId(uuid::Uuid::from_u128(1)),
            seen: 1,
            verdict: "reported".into(),
            why: None,
            tried,
            differed: None,
            healed: None,
        };
        let items = [Some(2), None, Some(1), None, None].map(of);
        let places = |subjects: [Option<&str>; 5]| {
            let order = Order { subjects: subjects.map(|name| name.map(Arc::from)).to_vec(), ..Order::default() };
            order.turns(&items, |_| true)
        };
        assert_eq!(places([None; 5]), [(1, 0), (3, 0), (4, 0), (2, 1), (0, 2)]);
        let subjects = [Some("a"), Some("b"), Some("b"), Some("a"), Some("c")];
        assert_eq!(places(subjects), [(1, 0), (4, 0), (2, 1), (0, 2), (3, 2)]);
    }
}
