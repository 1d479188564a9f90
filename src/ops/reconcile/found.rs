//! What differs: collected from a plan, item by item, and compared with what was seen before.

use super::{Wish, order::Order};
use crate::{
    action::ends::Way,
    base::{identity::RunId, secret::Masks, time::Stamp, value::Value},
    effect::matched::Matched,
    engine::setting::Setting,
    journal::{
        event::Event,
        occasion::{DriftItem, DriftSeen, DriftSince, KeptPlan, TrendPoint, TriedInVain, WouldHeal},
    },
    ops::{Failure, record::Record},
    plan::{Effect, ItemPlan, Plan},
    playbook::schedules::Mode,
    report::{look::Lookup, reconciled::lines},
    template::{Datum, Tree},
};
use std::{
    collections::{HashMap, HashSet},
    sync::Arc,
};

/// So many items are listed by name; the others are counted.
pub const LISTED: usize = 10_000;
/// So many items stand in one event.
const TOGETHER: usize = 200;
/// So many earlier reconciles are told.
pub const TREND: usize = 30;

pub const REPORTED: &str = "reported";
pub const HEALING: &str = "healing";
pub const REFUSED: &str = "refused";
/// It could not be tried out, so whether it differs is not known.
pub const FAILED: &str = "failed";

/// What an earlier reconcile saw of an item.
#[derive(Clone, Debug)]
pub struct Seen {
    /// Since when it differs, as far as that is known.
    pub differed: Option<DriftSince>,
    /// Since when it cannot be tried out.
    pub failed: Option<DriftSince>,
    /// How many heals took it on and did not heal it.
    pub tried: u32,
}

/// What the last reconcile of the same saw.
#[derive(Debug, Default)]
pub struct Before {
    /// Items that differed and were not healed, and those that could not be tried out.
    pub items: HashMap<Arc<str>, Seen>,
    /// Those that it, or one of those before it, healed, and when that was last.
    pub healed: HashMap<Arc<str>, Stamp>,
    /// All that differed and were listed.
    pub drifted: HashSet<Arc<str>>,
    /// Those that were not listed, and how many heals took them on in vain.
    pub vain: HashMap<Arc<str>, u32>,
    /// So many more differed.
    pub more: u64,
    /// What it and those before it found.
    pub trend: Vec<TrendPoint>,
}

impl Before {
    /// How many heals took it on and did not heal it.
    fn tried(&self, item: &str) -> u32 {
        let listed = self.items.get(item).map(|seen| seen.tried);
        listed.or_else(|| self.vain.get(item).copied()).unwrap_or(0)
    }
}

/// What differs now.
#[derive(Debug, Default)]
pub struct Found {
    pub scope: Arc<str>,
    pub of: u64,
    /// It is known how many there are at all: two sources were compared.
    pub compared: bool,
    pub drifted: u64,
    /// Could not be tried out: none of those that differ.
    pub failed: u64,
    pub known: u64,
    pub gone: u64,
    /// Those that differed before, and that the source does not find any more: whether they are as wanted the plan does not tell.
    pub missing: Vec<Arc<str>>,
    /// So many of these are in the source no more.
    pub left: u64,
    /// So many of these may be as wanted, or in the source no more.
    pub unclear: u64,
    /// `known` and `gone` are what is sure at least.
    pub unsure: bool,
    /// So many items are looked at in one run (`take:`); 0 where that is no number in the text.
    pub take: Option<u64>,
    pub healing: u64,
    pub refused: Option<String>,
    pub items: Vec<DriftItem>,
    pub more: u64,
    /// How many of those that are not listed could be healed.
    could: u64,
    /// Whose turn it is when.
    order: Order,
    /// Those that differed before and are as wanted now, by the plan.
    wanted: HashSet<Arc<str>>,
    /// The plan has items that are as wanted: its source finds not only what differs.
    pub finds_all: bool,
    /// What would heal them is kept for those who have to agree.
    pub kept: Option<KeptPlan>,
    /// Where it only reports: what healing would come to.
    pub would: Option<WouldHeal>,
    pub trend: Vec<TrendPoint>,
}

impl Found {
    /// Everything of a plan that would change something, or that a check of the playbook keeps from being changed.
    pub fn of(setting: &Setting, plan: &Plan, record: &Record, before: &Before) -> Result<Found, Failure> {
        let mut found = Found {
            scope: scope(setting, record)?,
            of: plan.many.as_ref().map_or(1, |many| many.matched.as_ref().map_or(many.tally.items, Matched::records)),
            compared: plan.many.as_ref().is_some_and(|many| many.matched.is_some()),
            take: setting.playbook.targets.as_ref().and_then(|targets| targets.take.as_ref()).map(most),
            ..Found::default()
        };
        let bad = |why: crate::plan::file::BadPlan| Failure::usage(format!("the plan {why}")).help(why.help());
        for (number, item) in plan.each(&record.sealer).map_err(bad)?.enumerate() {
            let item = item.map_err(bad)?;
            // The first one of many is what is done once for all of them.
            if number == 0 && plan.many.is_some() {
                match item.stop.as_ref().filter(|stop| bad_end(stop.way)) {
                    Some(stop) if stop.way == Way::Fail => {
                        found.add(setting, &item, before);
                        found.refused = Some(stop.message.clone());
                    }
                    Some(stop) => found.refused = Some(stop.message.clone()),
                    None => {}
                }
                continue;
            }
            found.add(setting, &item, before);
        }
        Ok(found)
    }

    fn add(&mut self, setting: &Setting, item: &ItemPlan, before: &Before) {
        let facts: Lookup<'_> = &|table| setting.project.facts(table);
        self.take(setting.run.id, facts, &setting.masks, item, before);
    }

    fn take(&mut self, run: RunId, facts: Lookup<'_>, masks: &Masks, item: &ItemPlan, before: &Before) {
        let Some(stands) = differs(item) else {
            // One that is passed over may be left alone as it is: it tells nothing of the source.
            self.finds_all |= item.stop.as_ref().is_none_or(|stop| stop.way == Way::Done);
            self.wanted.extend(before.drifted.get(&item.key).cloned());
            return;
        };
        let tried = before.tried(&item.key);
        let failed = item.stop.as_ref().is_some_and(|stop| stop.way == Way::Fail);
        *(if failed { &mut self.failed } else { &mut self.drifted }) += 1;
        if self.items.len() >= LISTED {
            self.more += 1;
            self.could += u64::from(stands.is_none());
            self.order.beyond(&item.key, item.lane.as_ref(), tried, stands.is_none());
            return;
        }
        let stopped = item.stop.as_ref().is_some_and(|stop| bad_end(stop.way));
        self.order.listed(item.lane.as_ref(), tried, stands.is_none());
        self.items.push(DriftItem {
            item: item.key.clone(),
            what: if stopped { Vec::new() } else { lines(item, facts, masks) },
            since: Stamp { micros: 0, digits: 6 },
            first: run,
            seen: 1,
            verdict: match &stands {
                Some(_) if failed => FAILED,
                Some(_) => REFUSED,
                None => REPORTED,
            }
            .into(),
            why: stands,
            tried: Some(tried).filter(|tried| *tried > 0),
            differed: None,
            healed: None,
        });
    }

    /// Since when each differs.
    pub fn compare(&mut self, before: Before, run: RunId, now: Stamp) {
        for item in &mut self.items {
            (item.since, item.first) = (now, run);
            let failed = &*item.verdict == FAILED;
            item.healed = before.healed.get(&item.item).cloned();
            let Some(seen) = before.items.get(&item.item) else { continue };
            // A night on which nobody can tell makes nothing new that differed before it.
            item.differed = seen.differed.clone().filter(|_| failed);
            if let Some(last) = if failed { &seen.failed } else { &seen.differed } {
                // One that looked when the clock was ahead saw it by now, too.
                (item.since, item.first, item.seen) = (last.since.min(now), last.first, last.seen.saturating_add(1));
                self.known += u64::from(!failed);
            }
        }
        let now: HashSet<&Arc<str>> = self.items.iter().map(|item| &item.item).collect();
        // Of what is not listed, or was not looked at, nobody can say whether it is gone.
        let nothing = self.drifted == 0 && self.refused.is_some();
        let is_part = |of: u64, more: u64| more > 0 || self.take.is_some_and(|take| of >= take);
        let (part, last) = (is_part(self.of, self.more), before.trend.last());
        self.unsure = last.is_some_and(|last| part || is_part(last.of, before.more));
        if !part && !nothing {
            let gone = before.drifted.iter().filter(|item| !now.contains(item));
            // Of a comparison only what differs is an item: the others agree, or are on neither side.
            let (wanted, missing): (Vec<_>, Vec<_>) =
                gone.cloned().partition(|item| self.compared || self.wanted.contains(item));
            (self.gone, self.missing) = (wanted.len() as u64, missing);
            self.missing.sort();
        }
        self.trend = before.trend;
        let first = self.trend.len().saturating_sub(TREND - 1);
        self.trend.drain(..first);
    }

    /// Nothing is healed.
    pub fn refuse_all(&mut self, why: String) {
        for item in self.items.iter_mut().filter(|item| item.why.is_none() || &*item.verdict == HEALING) {
            item.verdict = REFUSED.into();
            item.why = None;
        }
        self.healing = 0;
        self.refused = Some(why);
    }

    /// How many could be healed, as far as the items themselves tell.
    pub fn could(&self) -> u64 {
        self.could + self.items.iter().filter(|item| &*item.verdict == REPORTED).count() as u64
    }

    /// The first ones are healed, as far as nothing speaks against it: those that no heal failed to heal, then those that fewer did; those that
    /// are not listed come behind the others.
    pub fn heal_at_most(&mut self, most: u64, beyond: &str) {
        let could = |item: &DriftItem| &*item.verdict == REPORTED;
        for (place, turn) in self.order.turns(&self.items, could) {
            let item = &mut self.items[place];
            if self.healing < most {
                self.order.chosen.insert(item.item.clone(), turn);
                item.verdict = HEALING.into();
                self.healing += 1;
            } else {
                item.verdict = REFUSED.into();
                item.why = Some(beyond.to_owned());
            }
        }
        self.healing += self.order.choose_beyond(self.could, most.saturating_sub(self.healing));
        if self.refused.is_some() {
            self.healing = 0;
        }
    }

    /// Says of each item of the plan, in its order, whether it is healed, and how many others come first.
    pub fn chooses(&self) -> impl FnMut(&ItemPlan) -> Option<u32> + use<> {
        let mut listed = self.items.len();
        let mut chosen = self.order.chosen();
        let none = self.healing == 0;
        move |item| {
            let stands = differs(item)?;
            if none {
                return None;
            }
            let is_listed = listed > 0;
            listed -= usize::from(is_listed);
            if is_listed { chosen.listed(&item.key) } else { chosen.beyond(&item.key, stands.is_none()) }
        }
    }

    /// As the run records it: the counts in every event, the items spread over as many as are needed.
    pub fn events(&self, wish: &Wish) -> Vec<Event> {
        let one = |items: &[DriftItem], trend: Vec<TrendPoint>, vain: &[TriedInVain]| {
            Event::from(DriftSeen {
                scope: self.scope.clone(),
                mode: if wish.mode == Mode::Heal { "heal" } else { "report" }.into(),
                schedule: wish.schedule.clone(),
                of: self.of,
                drifted: self.drifted,
                known: self.known,
                gone: self.gone,
                healing: self.healing,
                refused: self.refused.clone(),
                items: items.to_vec(),
                more: self.more,
                trend,
                failed: Some(self.failed).filter(|failed| *failed > 0),
                unsure: self.unsure.then_some(true),
                would: self.would.clone(),
                left: Some(self.left).filter(|left| *left > 0),
                unclear: Some(self.unclear).filter(|unclear| *unclear > 0),
                vain: Some(vain.to_vec()).filter(|vain| !vain.is_empty()),
                kept: self.kept.clone(),
            })
        };
        let vain = self.order.vain(LISTED);
        let mut items = self.items.chunks(TOGETHER);
        let mut vain = vain.chunks(TOGETHER);
        let mut events = vec![one(items.next().unwrap_or(&[]), self.trend.clone(), vain.next().unwrap_or(&[]))];
        loop {
            match (items.next(), vain.next()) {
                (None, None) => return events,
                (items, vain) => events.push(one(items.unwrap_or(&[]), Vec::new(), vain.unwrap_or(&[]))),
            }
        }
    }
}

/// The item is not as wanted, or nobody knows; with what speaks against healing it. Nothing where it is as wanted.
fn differs(item: &ItemPlan) -> Option<Option<String>> {
    let stopped = item.stop.as_ref().filter(|stop| bad_end(stop.way));
    if stopped.is_none() && !item.acts() {
        return None;
    }
    let asks = item.steps.iter().flat_map(|step| &step.effects).find_map(|effect| match effect {
        Effect::Question { who, .. } => Some(format!("it asks {who}; somebody has to run the playbook for it")),
        _ => None,
    });
    Some(stopped.map(|stop| stop.message.clone()).or(asks))
}

/// The number that `take:` says, as far as the text tells.
fn most(take: &Datum) -> u64 {
    let Tree::Scalar(text) = &take.tree else { return 0 };
    text.literal().and_then(Value::as_int).and_then(|most| u64::try_from(most).ok()).unwrap_or(0)
}

/// An end that somebody has to look at.
fn bad_end(way: Way) -> bool {
    matches!(way, Way::Stop | Way::Escalate | Way::Fail)
}

/// What is compared with what: the same playbook in the same environment with the same parameters. Keyed, because parameters
/// may be personal.
pub fn scope(setting: &Setting, record: &Record) -> Result<Arc<str>, Failure> {
    let parts = Value::list([
        Value::text(setting.playbook.name.text.clone()),
        Value::text(setting.environment.clone()),
        setting.params.clone().into(),
    ]);
    let print = record.sealer.fingerprint(&parts).map_err(|e| Failure::usage(format!("failed to {e}")))?;
    Ok(print.into())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        base::source::Span,
        effect::label::Label,
        plan::{Foreseen, Section, StepPlan, Stop},
    };

    /// An item that would be changed; `way` where it ends before that.
    fn item(key: usize, way: Option<Way>) -> ItemPlan {
        let foreseen = if way == Some(Way::Skip) { Foreseen::Passes } else { Foreseen::Changes };
        let step = StepPlan {
            section: Section::Steps,
            path: "steps/up".into(),
            kind: "row",
            title: None,
            label: Label::Exact,
            foreseen,
            effects: Vec::new(),
            notes: Vec::new(),
            undo: None,
            at: Span::default(),
        };
        let stop = way.map(|way| Stop {
            way,
            message: "no".into(),
            who: None,
            step: "preconditions/0".into(),
            at: Span::default(),
            seen: Vec::new(),
        });
        ItemPlan { key: key.to_string().into(), steps: vec![step], stop, rests_on: Vec::new(), item: None, lane: None }
    }

    fn found(items: impl Iterator<Item = ItemPlan>) -> Found {
        let mut found = Found { scope: "scope".into(), ..Found::default() };
        let run = RunId(uuid::Uuid::from_u128(7));
        items.for_each(|item| found.take(run, &|_| None, &Masks::default(), &item, &Before::default()));
        found
    }

    /// Every tenth may not be healed, and every seventh is as wanted.
    fn all() -> impl Iterator<Item = ItemPlan> {
        let way = |key: usize| match key {
            _ if key.is_multiple_of(7) => Some(Way::Skip),
            _ if key.is_multiple_of(10) => Some(Way::Stop),
            _ => None,
        };
        (1..=LISTED * 3 / 2).map(move |key| item(key, way(key)))
    }

    #[test]
    fn more_items_are_healed_than_are_listed_in_the_order_of_the_plan_and_no_more_than_the_cap() {
        let can = all().filter(|item| item.stop.is_none()).count() as u64;
        let bad = all().filter(|item| item.stop.as_ref().is_some_and(|stop| stop.way == Way::Stop)).count() as u64;
        for most in [5, LISTED as u64 - 500, LISTED as u64 + 500, u64::MAX] {
            let mut found = found(all());
            assert_eq!(
                (found.items.len(), found.drifted, found.drifted - found.more),
                (LISTED, can + bad, LISTED as u64)
            );
            let bad_listed = found.items.iter().filter(|item| item.why.is_some()).count() as u64;
            found.heal_at_most(most, "beyond");
            assert_eq!(found.healing, can.min(most));
            let mut chooses = found.chooses();
            let chosen: Vec<Arc<str>> = all().filter(|item| chooses(item).is_some()).map(|item| item.key).collect();
            let first = all().filter(|item| item.stop.is_none()).map(|item| item.key).take(can.min(most) as usize);
            assert_eq!(chosen, first.collect::<Vec<_>>());
            let listed: Vec<&Arc<str>> =
                found.items.iter().filter(|item| &*item.verdict == HEALING).map(|item| &item.item).collect();
            assert!(chosen.iter().zip(&listed).all(|(one, other)| one == *other), "{most}");
            assert_eq!(listed.len() as u64, (LISTED as u64 - bad_listed).min(most));
        }
    }
}
