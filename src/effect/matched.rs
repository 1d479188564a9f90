//! What the comparison of two sources came to, in numbers: a plan that shows three differences means one thing when ten records were
//! compared and another when it was a hundred thousand, or none.

use std::sync::Arc;

/// Under this name a run keeps it beside the counts of its plan.
pub const KEY: &str = "compared";

record! {
    /// How many records of two sources were compared, and what was found.
    pub struct Matched {
        /// What the left source is called.
        left: Arc<str>,
        /// What the right source is called.
        right: Arc<str>,
        /// How many records the left one has.
        left_rows: u64,
        /// How many records the right one has.
        right_rows: u64,
        /// How many of them are on both sides.
        both: u64,
        /// How many of those on both sides differ in a field; nothing where no fields were compared.
        different: Option<u64>,
    }
}

impl Matched {
    /// How many records the two have together: what a share of them is a share of.
    pub fn records(&self) -> u64 {
        self.left_rows + self.only_right()
    }

    /// How many are only on the left.
    pub fn only_left(&self) -> u64 {
        self.left_rows.saturating_sub(self.both)
    }

    /// How many are only on the right.
    pub fn only_right(&self) -> u64 {
        self.right_rows.saturating_sub(self.both)
    }

    /// How many agree in all fields that were compared.
    pub fn agree(&self) -> Option<u64> {
        Some(self.both.saturating_sub(self.different?))
    }

    /// From what a run keeps.
    pub fn of_value(value: &crate::base::value::Value) -> Option<Matched> {
        super::record::Field::load(Some(value)).ok()
    }

    /// As a run keeps it.
    pub fn value(&self) -> crate::base::value::Value {
        super::record::Field::store(self).unwrap_or(crate::base::value::Value::NULL)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_kept_of_a_comparison_comes_back_and_its_parts_add_up() {
        let (left, right) = ("register".into(), "dqt".into());
        let matched = Matched { left, right, left_rows: 12, right_rows: 11, both: 10, different: Some(3) };
        assert_eq!((matched.only_left(), matched.only_right(), matched.agree()), (2, 1, Some(7)));
        assert_eq!(matched.records(), 13);
        let back = Matched::of_value(&matched.value()).unwrap();
        assert_eq!(format!("{back:?}"), format!("{matched:?}"));
        let keys_alone = Matched { different: None, ..matched };
        assert_eq!(Matched::of_value(&keys_alone.value()).unwrap().agree(), None);
        assert!(Matched::of_value(&crate::base::value::Value::NULL).is_none());
    }
}
