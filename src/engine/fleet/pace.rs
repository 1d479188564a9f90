//! When the next of many items may begin: so many at a time, so many in a minute, a careful beginning, and when to stop.
//! Pure: it is told what happens, and says what comes next.

use crate::journal::words::End;

/// What the playbook says, with shares made into numbers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rules {
    /// At the same time, at least 1.
    pub at_once: usize,
    /// Ends of the careful stages: so many items in all, growing.
    pub stages: Vec<u64>,
    /// Stop when so many did not end well.
    pub stop_at: Option<u64>,
    /// Time between two beginnings, in microseconds.
    pub gap: Option<i64>,
}

/// How far it is.
#[derive(Clone, Debug, Default)]
pub struct Pace {
    /// Items that were begun, ever.
    pub begun: u64,
    /// Items under way.
    pub running: usize,
    /// Items that did not end well, since somebody last said to go on.
    pub bad: u64,
    /// The same in this stage.
    stage_bad: u64,
    /// Before this moment no item begins.
    not_before: i64,
}

/// What was there of a run before this process.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Before {
    /// How many items had begun.
    pub begun: u64,
    /// For each item that did not end well since somebody last said to go on: how many had begun when it ended. No item of a stage
    /// begins before all of the stage before it have ended, so this tells its stage.
    pub bad: Vec<u64>,
}

/// What comes next.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Next {
    /// Begin an item.
    Begin,
    /// Wait until one that is under way ends.
    WaitForEnd,
    /// Wait until this moment, in microseconds, or until one ends.
    WaitUntil(i64),
    /// No more items begin, and why.
    Stop(String),
}

/// An end after which a careful run looks twice.
pub fn is_bad(end: End) -> bool {
    matches!(end, End::Failed | End::Drifted | End::InDoubt | End::Stopped)
}

/// How the limits of a playbook say that a run stops.
const BY_CANARY: &str = " did not end well (`canary`)";
const BY_STOP_AFTER: &str = " did not end well, and `stop_after` says ";

/// Whether a run that paused for this reason did so because of its limits: whoever goes on then has seen what did not end well.
pub fn is_limit(reason: &str) -> bool {
    reason.ends_with(BY_CANARY) || reason.contains(BY_STOP_AFTER)
}

impl Pace {
    /// A run that goes on. A process that died, or was asked to pause, says nothing about what did not end well: that still counts.
    pub fn after(before: &Before, rules: &Rules) -> Pace {
        // Where all of a stage have begun and nobody began the next one, it is not passed.
        let passed = rules.stages.iter().copied().filter(|end| *end < before.begun).max().unwrap_or(0);
        let of_stage = before.bad.iter().filter(|begun| **begun > passed).count();
        Pace { begun: before.begun, bad: before.bad.len() as u64, stage_bad: of_stage as u64, ..Pace::default() }
    }

    /// Whether one that is under way since before this process may go on now: no rule for beginnings holds it up.
    pub fn go_on(&self, rules: &Rules) -> Next {
        if self.running >= rules.at_once.max(1) { Next::WaitForEnd } else { Next::Begin }
    }

    /// So many did not end well that no other begins.
    pub fn is_enough(&self, rules: &Rules) -> bool {
        rules.stop_at.is_some_and(|most| self.bad >= most)
    }

    /// What comes next, while items are left.
    pub fn next(&self, rules: &Rules, now: i64) -> Next {
        if let Some(most) = rules.stop_at.filter(|most| self.bad >= *most) {
            return Next::Stop(format!("{}{BY_STOP_AFTER}{most}", items(self.bad)));
        }
        if rules.stages.contains(&self.begun) {
            if self.running > 0 {
                return Next::WaitForEnd;
            }
            if self.stage_bad > 0 {
                let of = items(self.begun);
                return Next::Stop(format!("{} of the first {of}{BY_CANARY}", self.stage_bad));
            }
        }
        if self.running >= rules.at_once.max(1) {
            return Next::WaitForEnd;
        }
        if now < self.not_before { Next::WaitUntil(self.not_before) } else { Next::Begin }
    }

    /// How many may begin together now, at least one: none beyond a stage, and no more that could end badly than one by one.
    pub fn room(&self, rules: &Rules, most: usize) -> usize {
        let stage = rules.stages.iter().find(|end| **end > self.begun).map(|end| end - self.begun);
        let could_end_badly = |most: u64| {
            let others = u64::try_from(rules.at_once).unwrap_or(u64::MAX).saturating_sub(1);
            most.saturating_sub(self.bad).saturating_add(others).saturating_sub(self.running as u64)
        };
        let bounds = [stage, rules.stop_at.map(could_end_badly)].into_iter().flatten();
        let least = bounds.min().map_or(most, |bound| usize::try_from(bound).unwrap_or(usize::MAX));
        least.min(most).max(1)
    }

    /// One began.
    pub fn began(&mut self, rules: &Rules, now: i64) {
        self.counts(rules);
        self.running += 1;
        self.not_before = rules.gap.map_or(now, |gap| now.saturating_add(gap));
    }

    /// One had its turn and was over before it began. It is one of its stage, and takes no time.
    pub fn was_over(&mut self, rules: &Rules, end: End) {
        self.counts(rules);
        self.went(end);
    }

    /// One more of its stage.
    fn counts(&mut self, rules: &Rules) {
        if rules.stages.contains(&self.begun) {
            self.stage_bad = 0;
        }
        self.begun += 1;
    }

    fn went(&mut self, end: End) {
        if is_bad(end) {
            self.bad += 1;
            self.stage_bad += 1;
        }
    }

    /// One that was begun before goes on: it counts for no stage and no rate.
    pub fn resumed(&mut self) {
        self.running += 1;
    }

    /// One ended, or rests: it waits for a person, is paused, or nobody knows what became of it.
    pub fn ended(&mut self, end: Option<End>) {
        self.running = self.running.saturating_sub(1);
        if let Some(end) = end {
            self.went(end);
        }
    }
}

/// `1 item`, `2 items`.
fn items(n: u64) -> String {
    if n == 1 { "1 item".into() } else { format!("{n} items") }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn rules(at_once: usize, stages: &[u64], stop_at: Option<u64>) -> Rules {
        Rules { at_once, stages: stages.to_vec(), stop_at, gap: None }
    }

    #[test]
    fn a_canary_goes_alone_and_the_rest_waits_for_it() {
        let rules = rules(4, &[1, 11], None);
        let mut pace = Pace::default();
        assert_eq!(pace.next(&rules, 0), Next::Begin);
        pace.began(&rules, 0);
        assert_eq!(pace.next(&rules, 0), Next::WaitForEnd);
        pace.ended(Some(End::Changed));
        for _ in 0..10 {
            assert_eq!(pace.next(&rules, 0), Next::Begin);
            pace.began(&rules, 0);
            pace.ended(Some(End::Skipped));
        }
        assert_eq!(pace.next(&rules, 0), Next::Begin);
    }

    #[test]
    fn a_canary_that_fails_stops_the_run_and_somebody_may_go_on() {
        let rules = rules(4, &[1, 11], None);
        let mut pace = Pace::default();
        pace.began(&rules, 0);
        pace.ended(Some(End::Drifted));
        assert_eq!(pace.next(&rules, 0), Next::Stop("1 of the first 1 item did not end well (`canary`)".into()));
        // Whoever goes on has seen it.
        let seen = Before { begun: 1, bad: vec![] };
        assert_eq!(Pace::after(&seen, &rules).next(&rules, 0), Next::Begin);
    }

    #[test]
    fn what_did_not_end_well_before_a_crash_counts_in_its_stage() {
        let rules = rules(2, &[4, 9], Some(3));
        let after = |begun, bad: &[u64]| Pace::after(&Before { begun, bad: bad.to_vec() }, &rules);
        let canary = |of| Next::Stop(format!("1 of the first {of} items did not end well (`canary`)"));
        assert_eq!(after(3, &[1]).next(&rules, 0), Next::Begin);
        assert_eq!(after(4, &[1]).next(&rules, 0), canary(4));
        // Of an earlier stage somebody has seen it.
        assert_eq!(after(9, &[4]).next(&rules, 0), Next::Begin);
        assert_eq!(after(9, &[4, 5]).next(&rules, 0), canary(9));
        assert!(matches!(after(20, &[11, 12, 12]).next(&rules, 0), Next::Stop(why) if is_limit(&why)));
        assert!(is_limit("1 of the first 4 items did not end well (`canary`)") && !is_limit("asked to pause"));
    }

    #[test]
    fn what_is_under_way_goes_on_before_a_stage_or_a_rule_stops_the_run() {
        let rules = rules(3, &[3], Some(1));
        let mut pace = Pace::after(&Before { begun: 3, bad: vec![3] }, &rules);
        for _ in 0..3 {
            assert_eq!(pace.go_on(&rules), Next::Begin);
            pace.resumed();
        }
        assert_eq!(pace.go_on(&rules), Next::WaitForEnd);
        assert!(matches!(pace.next(&rules, 0), Next::Stop(_)));
    }

    #[test]
    fn one_that_is_over_before_it_begins_is_one_of_its_stage() {
        let rules = Rules { gap: Some(1_000), ..rules(1, &[2], None) };
        let mut pace = Pace::default();
        pace.was_over(&rules, End::Drifted);
        assert_eq!(pace.next(&rules, 0), Next::Begin);
        pace.began(&rules, 0);
        pace.ended(Some(End::Changed));
        assert_eq!(pace.next(&rules, 5_000), Next::Stop("1 of the first 2 items did not end well (`canary`)".into()));
    }

    #[test]
    fn failures_stop_the_run_and_what_is_for_people_does_not() {
        let rules = rules(2, &[], Some(2));
        let mut pace = Pace::default();
        for end in [End::Failed, End::Escalated, End::Skipped] {
            pace.began(&rules, 0);
            pace.ended(Some(end));
            assert_eq!(pace.next(&rules, 0), Next::Begin);
        }
        pace.began(&rules, 0);
        pace.ended(None);
        pace.began(&rules, 0);
        pace.ended(Some(End::InDoubt));
        assert!(matches!(pace.next(&rules, 0), Next::Stop(why) if why.contains("2 items did not end well")));
    }

    #[test]
    fn a_rate_spreads_the_beginnings() {
        let rules = Rules { gap: Some(200_000), ..rules(8, &[], None) };
        let mut pace = Pace::default();
        pace.began(&rules, 1_000);
        assert_eq!(pace.next(&rules, 1_000), Next::WaitUntil(201_000));
        assert_eq!(pace.next(&rules, 201_000), Next::Begin);
    }

    proptest! {
        #[test]
        fn never_more_at_once_than_allowed_and_no_stage_is_passed_with_one_under_way(
            at_once in 1_usize..9, mut stages in prop::collection::vec(1_u64..40, 0..4), stop_at in prop::option::of(1_u64..6),
            dice in prop::collection::vec((any::<bool>(), 0_u8..8), 1..400),
        ) {
            stages.sort_unstable();
            stages.dedup();
            let rules = Rules { at_once, stages, stop_at, gap: None };
            let mut pace = Pace::default();
            let (mut under_way, mut bad) = (0_usize, 0_u64);
            for (end_one, how) in dice {
                let next = pace.next(&rules, 0);
                if rules.stop_at.is_some_and(|most| bad >= most) {
                    prop_assert!(matches!(next, Next::Stop(_)));
                }
                if end_one && under_way > 0 {
                    under_way -= 1;
                    let end = [End::Changed, End::Unchanged, End::Skipped, End::Escalated, End::Changed, End::Changed, End::Changed, End::Failed][usize::from(how)];
                    bad += u64::from(is_bad(end));
                    pace.ended(Some(end));
                } else if next == Next::Begin {
                    if rules.stages.contains(&pace.begun) {
                        prop_assert_eq!(under_way, 0);
                    }
                    pace.began(&rules, 0);
                    under_way += 1;
                } else if under_way == 0 {
                    // Nothing runs and nothing may begin: only because it is to stop.
                    prop_assert!(matches!(next, Next::Stop(_)), "{:?}", next);
                }
                prop_assert!(under_way <= at_once);
                prop_assert_eq!(under_way, pace.running);
            }
        }
    }
}
