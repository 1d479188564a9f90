//! Items of one subject, one after the other in their order: which of those that are at hand may begin. Pure.

use crate::journal::words::End;
use std::{
    collections::{HashMap, HashSet, VecDeque},
    sync::Arc,
};

/// So many items are looked at ahead: of a subject with more of them the others wait, and so does what stands behind.
const AHEAD: usize = 1_000;

/// Something that stands in a lane.
pub trait InLane {
    /// Its subject; nothing for an item on its own.
    fn lane(&self) -> Option<&Arc<str>>;
    /// Its place in the list of all items.
    fn number(&self) -> u32;
}

/// Items that are at hand and have not begun.
#[derive(Debug)]
pub struct Lanes<T> {
    parked: VecDeque<T>,
    /// Subjects with an item under way, or with one that waits for a person.
    busy: HashSet<Arc<str>>,
    /// Subjects of which an item did not end as done: the place of the first one, and its key. What stands before it may begin.
    spoilt: HashMap<Arc<str>, (u32, Arc<str>)>,
    /// An item needs the one before it done.
    after_done: bool,
}

/// What is next of what is at hand.
#[derive(Debug, PartialEq, Eq)]
pub enum Pick<T> {
    /// This one may begin.
    Begin(T),
    /// This one never will: it waits for an item that did not end as done.
    Skip(T, Arc<str>),
    /// One has to end first.
    Wait,
}

impl<T: InLane> Lanes<T> {
    /// Empty; `after_done`: an item needs the one before it done.
    pub fn new(after_done: bool) -> Lanes<T> {
        Lanes { parked: VecDeque::new(), busy: HashSet::new(), spoilt: HashMap::new(), after_done }
    }

    /// Whether one more may be looked at.
    pub fn has_room(&self) -> bool {
        self.parked.len() < AHEAD
    }

    /// Nothing is at hand.
    pub fn is_empty(&self) -> bool {
        self.parked.is_empty()
    }

    /// One that comes behind all others.
    pub fn add(&mut self, item: T) {
        self.parked.push_back(item);
    }

    /// One that was picked and begins later, before all others: it has no subject.
    pub fn put_back(&mut self, item: T) {
        self.parked.push_front(item);
    }

    /// A subject is held up by an item that is not here: it waits for a person.
    pub fn hold(&mut self, lane: Arc<str>) {
        self.busy.insert(lane);
    }

    /// The one that is picked next, if one may begin.
    pub fn first(&self) -> Option<&T> {
        self.parked.iter().find(|item| self.is_free(item))
    }

    /// What is at hand, in its order.
    pub fn at_hand(&self) -> impl Iterator<Item = &T> {
        self.parked.iter()
    }

    fn is_free(&self, item: &T) -> bool {
        item.lane().is_none_or(|lane| !self.busy.contains(lane))
    }

    /// The first that may begin. Its subject is busy until [`Lanes::ended`].
    pub fn pick(&mut self) -> Pick<T> {
        let Some(at) = self.parked.iter().position(|item| self.is_free(item)) else { return Pick::Wait };
        let Some(item) = self.parked.remove(at) else { return Pick::Wait };
        if let Some(lane) = item.lane() {
            if let Some((_, before)) = self.spoilt.get(lane).filter(|(number, _)| *number < item.number()) {
                let before = before.clone();
                return Pick::Skip(item, before);
            }
            self.busy.insert(lane.clone());
        }
        Pick::Begin(item)
    }

    /// One ended, or (without an end) rests and holds up its subject.
    pub fn ended(&mut self, lane: Option<&Arc<str>>, number: u32, key: &Arc<str>, end: Option<End>) {
        let (Some(lane), Some(end)) = (lane, end) else { return };
        self.busy.remove(lane);
        if !matches!(end, End::Changed | End::Unchanged) {
            self.is_spoilt(lane, number, key);
        }
    }

    /// An item did not end as done, perhaps before this process.
    pub fn is_spoilt(&mut self, lane: &Arc<str>, number: u32, key: &Arc<str>) {
        if !self.after_done {
            return;
        }
        let first = self.spoilt.entry(lane.clone()).or_insert_with(|| (number, key.clone()));
        if number < first.0 {
            *first = (number, key.clone());
        }
    }

    /// What is at hand and did not begin.
    pub fn left(&self) -> usize {
        self.parked.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[derive(Clone, Debug, PartialEq, Eq)]
    struct One(u32, Option<Arc<str>>);
    impl InLane for One {
        fn lane(&self) -> Option<&Arc<str>> {
            self.1.as_ref()
        }
        fn number(&self) -> u32 {
            self.0
        }
    }

    fn one(number: u32, lane: &str) -> One {
        One(number, (!lane.is_empty()).then(|| lane.into()))
    }

    fn key(number: u32) -> Arc<str> {
        number.to_string().into()
    }

    #[test]
    fn a_subject_goes_in_order_and_others_overtake() {
        let mut lanes = Lanes::new(false);
        [one(1, "a"), one(2, "a"), one(3, "b"), one(4, "")].into_iter().for_each(|item| lanes.add(item));
        assert_eq!(lanes.pick(), Pick::Begin(one(1, "a")));
        assert_eq!(lanes.pick(), Pick::Begin(one(3, "b")));
        assert_eq!(lanes.pick(), Pick::Begin(one(4, "")));
        assert_eq!(lanes.pick(), Pick::Wait);
        lanes.ended(Some(&"a".into()), 1, &key(1), Some(End::Failed));
        assert_eq!(lanes.pick(), Pick::Begin(one(2, "a")));
    }

    #[test]
    fn an_item_behind_one_that_is_not_done_is_skipped_and_one_behind_a_question_waits() {
        let mut lanes = Lanes::new(true);
        [one(1, "a"), one(2, "a"), one(3, "b"), one(4, "b")].into_iter().for_each(|item| lanes.add(item));
        assert_eq!(lanes.pick(), Pick::Begin(one(1, "a")));
        assert_eq!(lanes.pick(), Pick::Begin(one(3, "b")));
        lanes.ended(Some(&"a".into()), 1, &key(1), Some(End::Escalated));
        lanes.ended(Some(&"b".into()), 3, &key(3), None);
        assert_eq!(lanes.pick(), Pick::Skip(one(2, "a"), key(1)));
        assert_eq!(lanes.pick(), Pick::Wait);
        assert_eq!(lanes.left(), 1);
    }

    #[test]
    fn what_stands_before_one_that_is_not_done_may_begin() {
        let mut lanes = Lanes::new(true);
        // They were over before this process: the first of them counts.
        lanes.is_spoilt(&"a".into(), 4, &key(4));
        lanes.is_spoilt(&"a".into(), 2, &key(2));
        [one(1, "a"), one(3, "a")].into_iter().for_each(|item| lanes.add(item));
        assert_eq!(lanes.pick(), Pick::Begin(one(1, "a")));
        lanes.ended(Some(&"a".into()), 1, &key(1), Some(End::Changed));
        assert_eq!(lanes.pick(), Pick::Skip(one(3, "a"), key(2)));
    }

    proptest! {
        #[test]
        fn of_a_subject_one_is_under_way_and_they_come_in_order(
            lanes_of in prop::collection::vec(0_u8..4, 1..60), dice in prop::collection::vec(any::<bool>(), 1..300),
        ) {
            let mut lanes = Lanes::new(false);
            for (number, lane) in lanes_of.iter().enumerate() {
                let lane = if *lane == 0 { String::new() } else { lane.to_string() };
                lanes.add(one(number as u32, &lane));
            }
            let mut under_way: Vec<One> = Vec::new();
            let mut last: HashMap<Arc<str>, u32> = HashMap::new();
            for end_one in dice {
                if end_one && !under_way.is_empty() {
                    let item = under_way.remove(0);
                    lanes.ended(item.1.as_ref(), item.0, &key(item.0), Some(End::Changed));
                } else if let Pick::Begin(item) = lanes.pick() {
                    if let Some(lane) = &item.1 {
                        prop_assert!(!under_way.iter().any(|other| other.1.as_ref() == Some(lane)));
                        prop_assert!(last.insert(lane.clone(), item.0).is_none_or(|before| before < item.0));
                    }
                    under_way.push(item);
                }
            }
        }
    }
}
