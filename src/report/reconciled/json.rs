//! The drift report as JSON (`docs/json.md`).

use super::{Beside, Kept, Reconciled};
use crate::{
    base::{time::Stamp, value::Value},
    engine::fleet::summary::Halfway,
    journal::words::End,
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
        ("as_wanted_again", if found.unclear > 0 { Value::NULL } else { sure(found.gone) }),
        ("gone_from_source", if found.unclear > 0 { Value::NULL } else { sure(found.left) }),
        ("found_no_more", sure(found.gone + found.left + found.unclear)),
        ("healed", number(found.healed())),
        ("refused", maybe(found.refusal())),
        ("kept_plan", found.kept.as_ref().map_or(Value::NULL, kept)),
        ("would_heal", found.would.as_ref().map_or(Value::NULL, |would| number(would.items))),
        ("halfway", halfway_json(found.halfway)),
        ("open", maybe(found.open.clone())),
        ("taken_back_by", maybe(found.taken_back_by.map(|by| by.to_string()))),
        ("items", Value::list(items)),
        ("not_listed", number(found.more)),
        ("trend", Value::list(trend)),
    ]
}

/// What was done for items that were not carried through; null where nothing was.
pub(in crate::report) fn halfway_json(left: Halfway) -> Value {
    let number = |n: u64| Value::from(i64::try_from(n).unwrap_or(i64::MAX));
    if left.items == 0 {
        return Value::NULL;
    }
    Value::map([("items", number(left.items)), ("requests", number(left.requests))])
}

fn kept(kept: &Kept) -> Value {
    let became = kept.became.as_ref();
    Value::map([
        ("file", Value::text(kept.file.as_str())),
        ("items", Value::from(i64::try_from(kept.items).unwrap_or(i64::MAX))),
        ("until", Value::text(clock::json(kept.until))),
        ("run", maybe(became.map(|(run, ..)| run.to_string()))),
        ("end", maybe(became.and_then(|(.., end)| end.map(End::word)))),
    ])
}
