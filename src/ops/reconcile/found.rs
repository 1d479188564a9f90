//! What differs: collected from a plan, item by item, and compared with what was seen before.

use super::Wish;
use crate::{
    action::ends::Way,
    base::{identity::RunId, time::Stamp, value::Value},
    engine::setting::Setting,
    journal::{
        event::Event,
        occasion::{DriftItem, DriftSeen, TrendPoint},
    },
    ops::{Failure, record::Record},
    plan::{Effect, ItemPlan, Plan},
    playbook::schedules::Mode,
    report::reconciled::lines,
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

/// What an earlier reconcile saw of an item.
#[derive(Clone, Debug)]
pub struct Seen {
    /// When it was seen first.
    pub since: Stamp,
    /// By which reconcile.
    pub first: RunId,
    /// How many in a row saw it.
    pub times: u32,
}

/// What the last reconcile of the same saw.
#[derive(Debug, Default)]
pub struct Before {
    /// Items that differed and were not healed.
    pub items: HashMap<Arc<str>, Seen>,
    /// All that differed.
    pub drifted: HashSet<Arc<str>>,
    /// What it and those before it found.
    pub trend: Vec<TrendPoint>,
}

/// What differs now.
#[derive(Debug)]
pub struct Found {
    pub scope: Arc<str>,
    pub of: u64,
    pub drifted: u64,
    pub known: u64,
    pub gone: u64,
    pub healing: u64,
    pub refused: Option<String>,
    pub items: Vec<DriftItem>,
    pub more: u64,
    pub trend: Vec<TrendPoint>,
}

impl Found {
    /// Everything of a plan that would change something, or that a check of the playbook keeps from being changed.
    pub fn of(setting: &Setting, plan: &Plan, record: &Record) -> Result<Found, Failure> {
        let mut found = Found {
            scope: scope(setting, record)?,
            of: plan.many.as_ref().map_or(1, |many| many.tally.items),
            drifted: 0,
            known: 0,
            gone: 0,
            healing: 0,
            refused: None,
            items: Vec::new(),
            more: 0,
            trend: Vec::new(),
        };
        let bad = |why: crate::plan::file::BadPlan| Failure::usage(format!("the plan {why}")).help(why.help());
        for (number, item) in plan.each(&record.sealer).map_err(bad)?.enumerate() {
            let item = item.map_err(bad)?;
            // The first one of many is what is done once for all of them.
            if number == 0 && plan.many.is_some() {
                if let Some(stop) = item.stop.as_ref().filter(|stop| bad_end(stop.way)) {
                    found.refused = Some(stop.message.clone());
                }
                continue;
            }
            found.add(setting, &item);
        }
        Ok(found)
    }

    fn add(&mut self, setting: &Setting, item: &ItemPlan) {
        let stopped = item.stop.as_ref().filter(|stop| bad_end(stop.way));
        let ends_calmly = item.stop.is_some() && stopped.is_none();
        let acts = item.steps.iter().any(|step| step.foreseen.acts());
        if stopped.is_none() && (ends_calmly || !acts) {
            return;
        }
        self.drifted += 1;
        if self.items.len() >= LISTED {
            self.more += 1;
            return;
        }
        let facts = |table: &crate::effect::change::TableName| setting.project.facts(table);
        let asks = item.steps.iter().flat_map(|step| &step.effects).find_map(|effect| match effect {
            Effect::Question { who, .. } => Some(format!("it asks {who}; somebody has to run the playbook for it")),
            _ => None,
        });
        let why = stopped.map(|stop| stop.message.clone()).or(asks);
        self.items.push(DriftItem {
            item: item.key.clone(),
            what: if stopped.is_some() { Vec::new() } else { lines(item, &facts) },
            since: Stamp { micros: 0, digits: 6 },
            first: setting.run.id,
            seen: 1,
            verdict: if why.is_some() { REFUSED } else { REPORTED }.into(),
            why,
        });
    }

    /// Since when each differs.
    pub fn compare(&mut self, before: Before, run: RunId, now: Stamp) {
        for item in &mut self.items {
            (item.since, item.first) = (now, run);
            if let Some(seen) = before.items.get(&item.item) {
                (item.since, item.first, item.seen) = (seen.since, seen.first, seen.times.saturating_add(1));
                self.known += 1;
            }
        }
        let now: HashSet<&Arc<str>> = self.items.iter().map(|item| &item.item).collect();
        // Of what is not listed nobody can say whether it is gone.
        if self.more == 0 {
            self.gone = before.drifted.iter().filter(|item| !now.contains(item)).count() as u64;
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

    /// The first ones are healed, as far as nothing speaks against it.
    pub fn heal_at_most(&mut self, most: u64, beyond: &str) {
        for item in self.items.iter_mut().filter(|item| &*item.verdict == REPORTED) {
            if self.healing < most {
                item.verdict = HEALING.into();
                self.healing += 1;
            } else {
                item.verdict = REFUSED.into();
                item.why = Some(beyond.to_owned());
            }
        }
        if self.refused.is_some() {
            self.healing = 0;
        }
    }

    /// Keys of what is healed.
    pub fn chosen(&self) -> HashSet<Arc<str>> {
        let healing = self.items.iter().filter(|item| &*item.verdict == HEALING);
        healing.map(|item| item.item.clone()).collect()
    }

    /// As the run records it: the counts in every event, the items spread over as many as are needed.
    pub fn events(&self, wish: &Wish) -> Vec<Event> {
        let one = |items: &[DriftItem], trend: Vec<TrendPoint>| {
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
            })
        };
        if self.items.is_empty() {
            return vec![one(&[], self.trend.clone())];
        }
        let chunks = self.items.chunks(TOGETHER).enumerate();
        chunks.map(|(number, items)| one(items, if number == 0 { self.trend.clone() } else { Vec::new() })).collect()
    }
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
