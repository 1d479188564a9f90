//! The drift report as JSON (`docs/json.md`).

use super::{Beside, Reconciled};
use crate::{
    base::{time::Stamp, value::Value},
    report::{
        clock,
        plain_value::{count, maybe, texts},
        plan_json::FORMAT,
        pretty,
    },
};

fn head(kind: &str) -> [(&'static str, Value); 2] {
    [("format", FORMAT.into()), ("kind", kind.into())]
}

/// One reconcile.
pub fn json(found: &Reconciled) -> String {
    pretty::document(&Value::map(head("reconcile").into_iter().chain(value(found))))
}

/// Those of one command, in order, what could not be looked at, and what was due and is not begun.
pub fn several(all: &[Reconciled], beside: &Beside) -> String {
    let passed = beside.passed.iter().map(|one| {
        Value::map([
            ("schedule", Value::text(one.schedule.as_str())),
            ("wall", Value::text(one.wall.as_str())),
            ("count", Value::from(i64::try_from(one.count).unwrap_or(i64::MAX))),
            ("state", one.word.word().into()),
            ("why", maybe(one.why.clone())),
            ("caught_up", one.caught_up.into()),
        ])
    });
    let failed = beside.failed.iter().map(|(playbook, why)| {
        Value::map([("playbook", Value::text(playbook.as_str())), ("why", Value::text(why.as_str()))])
    });
    let all = Value::list(all.iter().map(|one| Value::map(value(one))));
    let whole = [("reconciles", all), ("failed", Value::list(failed)), ("not_begun", Value::list(passed))];
    pretty::document(&Value::map(head("reconciles").into_iter().chain(whole)))
}

fn value(found: &Reconciled) -> Vec<(&'static str, Value)> {
    let number = |n: u64| Value::from(i64::try_from(n).unwrap_or(i64::MAX));
    let at = |at: Stamp| Value::text(clock::json(at));
    let items = found.items.iter().map(|item| {
        Value::map([
            ("item", Value::text(item.key.clone())),
            ("differs", texts(&item.what)),
            ("since", at(item.since)),
            ("seen", count(item.seen as usize)),
            ("healed_before", item.healed.map_or(Value::NULL, at)),
            ("differed_since", item.differed.map_or(Value::NULL, at)),
            ("verdict", item.verdict.word().into()),
            ("why", maybe(item.why.clone())),
        ])
    });
    let trend = found.trend.iter().map(|point| {
        Value::map([
            ("run", Value::text(point.run.to_string())),
            ("at", at(point.at)),
            ("looked_at", number(point.of)),
            ("drifted", number(point.drifted)),
            ("to_heal", number(point.healing)),
            ("healed", point.healed.map_or(Value::NULL, number)),
            ("not_tried", number(point.failed.unwrap_or(0))),
        ])
    });
    let fresh = found.drifted.saturating_sub(found.known);
    let sure = |n: u64| if found.unsure { Value::NULL } else { number(n) };
    vec![
        ("run", Value::text(found.run.to_string())),
        ("playbook", Value::text(found.playbook.as_str())),
        ("environment", Value::text(found.environment.as_str())),
        ("at", at(found.at)),
        ("mode", if found.heals { "heal" } else { "report" }.into()),
        ("schedule", maybe(found.schedule.clone())),
        ("by", Value::text(found.actor.as_str())),
        ("reason", Value::text(found.reason.as_str())),
        ("came_to", found.word().word().into()),
        ("looked_at", number(found.of)),
        ("drifted", number(found.drifted)),
        ("not_tried", number(found.untried)),
        ("new", if fresh == 0 { number(0) } else { sure(fresh) }),
        ("as_wanted_again", sure(found.gone)),
        ("healed", number(found.healed())),
        ("refused", maybe(found.refused.clone())),
        ("would_heal", found.would.as_ref().map_or(Value::NULL, |would| number(would.items))),
        ("open", maybe(found.open.clone())),
        ("items", Value::list(items)),
        ("not_listed", number(found.more)),
        ("trend", Value::list(trend)),
    ]
}
