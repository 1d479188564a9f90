//! Runs and open questions as JSON documents; every field stands in `docs/json.md`.

use super::{
    clock, compared, doubt, drift, left,
    look::Lookup,
    plain_value::{count, maybe, of, of_map, row, texts},
    plan_json::FORMAT,
    pretty, reconciled,
    runs::PassedOver,
    titles::{Titles, section},
};
use crate::{
    base::{
        identity::{RunId, SINGLE_ITEM},
        time::Stamp,
        value::Value,
    },
    effect::change::RowChange,
    engine::{
        drive::Stopped,
        fleet::Came,
        state::{ItemState, RunState, StepState},
    },
    journal::{
        RunSummary, Waiting,
        payload::{HumanAsked, HumanDecided, RunCreated},
        words::End,
    },
};
use std::collections::HashMap;

fn at(stamp: Option<Stamp>) -> Value {
    maybe(stamp.map(clock::json))
}

fn id(run: RunId) -> [(&'static str, Value); 2] {
    [("id", run.to_string().into()), ("short", run.short().into())]
}

/// One run: `trueup show RUN --json`.
pub fn run(run: RunId, state: &RunState, facts: Lookup<'_>) -> String {
    let titles = Titles::of(state.created.as_ref());
    let items = state.items.iter().map(|(key, item)| of_item(key, item, &titles, facts)).collect();
    let recorded = state.items.keys().filter(|key| &***key != SINGLE_ITEM).count() as u64;
    pretty::document(&whole(run, state, items, broke_off(state, recorded)))
}

/// The same of a run whose items nobody holds: the document up to its items. `state` has what is done once, and the items in
/// which something is in doubt or drifted, `recorded` says how many items there are.
pub fn begun(run: RunId, state: &RunState, recorded: u64) -> String {
    let document = pretty::document(&whole(run, state, Vec::new(), broke_off(state, recorded)));
    let cut = document.rfind("[]").unwrap_or(document.len());
    format!("{}[", &document[..cut])
}

/// Makes the text of one item after the other, for behind [`begun`].
pub fn each_item<'a>(state: &RunState, facts: Lookup<'a>) -> impl Fn(&str, &ItemState) -> String + use<'a> {
    let titles = Titles::of(state.created.as_ref());
    move |key, item| pretty::element(&of_item(key, item, &titles, facts), 2)
}

/// Between two items.
pub const COMMA: &str = ",";
/// Behind the last one.
pub const ENDED: &str = "\n  ]\n}\n";

/// So many items of so many are recorded, where it broke off meanwhile.
fn broke_off(state: &RunState, recorded: u64) -> Option<Value> {
    let number = |n: u64| Value::from(i64::try_from(n).unwrap_or(i64::MAX));
    let planned = state.broke_off(recorded)?;
    Some(Value::map([("recorded", number(recorded)), ("planned", number(planned))]))
}

fn whole(run: RunId, state: &RunState, items: Vec<Value>, broke_off: Option<Value>) -> Value {
    let head = [("format", FORMAT.into()), ("kind", "run".into())].into_iter().chain(id(run));
    let rest = [
        ("state", if state.closed.is_some() { "closed".into() } else { "open".into() }),
        ("end", maybe(state.closed.as_ref().map(|closed| closed.end.word()))),
        ("reason", maybe(state.closed.as_ref().and_then(|closed| closed.reason.as_deref()))),
        ("paused", maybe(state.paused.as_deref())),
        ("broke_off", broke_off.unwrap_or(Value::NULL)),
        ("cancelled", state.cancelled.into()),
        ("taken_back_by", maybe(state.taken_back_by.map(|run| run.to_string()))),
        ("worked_on_by", maybe(state.worked_on_by.as_deref())),
        ("in_doubt", Value::list(doubts(run, state))),
        ("started", at(state.created_at)),
        ("ended", at(state.closed_at)),
    ];
    let created = state.created.iter().flat_map(|created| of_created(created, state));
    let last = [("drift", drift::json(&drift::of_run(state))), ("items", Value::list(items))];
    Value::map(head.chain(rest).chain(created).chain(last))
}

/// A run over many items, as it stands after it was carried on.
pub fn many(run: RunId, state: &RunState, came: &Came) -> String {
    let number = |n: u64| Value::from(i64::try_from(n).unwrap_or(i64::MAX));
    let summary = &came.summary;
    let reasons = summary.reasons.iter().map(|reason| {
        Value::map([
            ("end", reason.end.word().into()),
            ("reason", reason.reason.as_str().into()),
            ("items", number(reason.items)),
            ("first", Value::list(reason.first.iter().cloned().map(Value::text))),
        ])
    });
    let rows = summary.rows.iter().map(|(table, [inserted, updated, deleted])| {
        let counts = [("inserted", *inserted), ("updated", *updated), ("deleted", *deleted)];
        (table.text(), Value::map(counts.map(|(name, n)| (name, number(n)))))
    });
    let end = match &came.stopped {
        Stopped::Closed(end) => Some(end.word()),
        _ => None,
    };
    let head = [("format", FORMAT.into()), ("kind", "run".into())].into_iter().chain(id(run));
    let rest = [
        ("state", if end.is_some() { "closed".into() } else { "open".into() }),
        ("end", maybe(end)),
        ("paused", maybe(came.why.as_deref())),
        ("broke_off", broke_off(state, summary.of).unwrap_or(Value::NULL)),
        ("items", number(summary.of)),
        ("not_begun", number(summary.left)),
        ("ends", summary.value()),
        ("reasons", Value::list(reasons)),
        ("rows", Value::map(rows)),
        ("halfway", reconciled::halfway_json(summary.halfway)),
        ("not_taken_back", Value::map(summary.stays.iter().map(|(step, n)| (step.clone(), number(*n))))),
    ];
    let created = state.created.iter().flat_map(|created| of_created(created, state));
    pretty::document(&Value::map(head.chain(rest).chain(created)))
}

/// What only a person can decide.
fn doubts(run: RunId, state: &RunState) -> Vec<Value> {
    let all: Vec<_> = state.doubts().collect();
    let mine = all.iter().filter(|(.., step)| step.needs_a_person());
    mine.map(|(item, path, step)| doubt::value(run, item, path, step, all.len() == 1)).collect()
}

fn of_created(created: &RunCreated, state: &RunState) -> Vec<(&'static str, Value)> {
    let playbook = Value::map([
        ("name", Value::text(created.playbook.clone())),
        ("version", i64::from(created.version).into()),
        ("sha256", Value::text(created.sha256.clone())),
    ]);
    let approvals = state.approvals.iter().map(|approval| {
        Value::map([
            ("actor", Value::text(approval.actor.clone())),
            ("at", at(Some(approval.at))),
            ("note", maybe(approval.note.as_deref())),
            ("digest", Value::text(approval.digest.clone())),
        ])
    });
    let targets = created.targets.iter().map(|target| {
        Value::map([
            ("connection", Value::text(target.connection.clone())),
            ("identity", Value::text(target.identity.clone())),
        ])
    });
    let compared = compared::of_run(Some(created)).map(|matched| ("compared", compared::numbers(&matched)));
    let all = vec![
        ("playbook", playbook),
        ("environment", Value::text(created.environment.clone())),
        ("purpose", Value::text(created.purpose.clone())),
        ("about", maybe(created.about.map(|run| run.to_string()))),
        ("actor", Value::text(created.actor.clone())),
        ("because", created.reason.as_str().into()),
        ("params", of_map(&created.params)),
        ("plan_digest", maybe(created.plan_digest.clone())),
        ("engine", Value::text(created.engine.clone())),
        ("targets", Value::list(targets)),
        ("approvals", Value::list(approvals)),
    ];
    all.into_iter().chain(compared).collect()
}

fn of_item(key: &str, item: &ItemState, titles: &Titles, facts: Lookup<'_>) -> Value {
    let steps = item.steps.iter().map(|(path, step)| of_step(path, step, titles, facts));
    Value::map([
        ("key", key.into()),
        ("end", maybe(item.closed.as_ref().map(|closed| closed.end.word()))),
        ("reason", maybe(item.closed.as_ref().and_then(|closed| closed.reason.as_deref()))),
        ("verified", item.verified.into()),
        ("steps", Value::list(steps)),
    ])
}

fn of_step(path: &str, step: &StepState, titles: &Titles, facts: Lookup<'_>) -> Value {
    let outcome = step.outcome.as_ref();
    let seconds = outcome.map_or(Value::NULL, |o| Value::from(i64::try_from(o.micros).unwrap_or(i64::MAX)));
    let changes = |rows: &[RowChange]| Value::list(rows.iter().map(|change| row(change, facts(&change.table))));
    Value::map([
        ("section", section(path).word().into()),
        ("path", path.into()),
        ("title", titles.get(path).into()),
        ("at", at(step.at)),
        ("outcome", maybe(outcome.map(|o| o.outcome.word()))),
        ("message", maybe(outcome.and_then(|o| o.message.as_deref()))),
        ("response", maybe(outcome.and_then(|o| o.response.as_deref()))),
        ("micros", seconds),
        ("shown", maybe(step.shown.as_deref())),
        ("effect", maybe(step.effect.as_ref().map(ToString::to_string))),
        ("class", maybe(step.class.clone())),
        ("attempts", i64::from(step.attempts).into()),
        ("changes", changes(&step.changes)),
        ("changes_before", changes(&step.earlier)),
        ("also_touched", texts(&step.also)),
        ("left_alone", left::json(&step.left_alone())),
        ("not_taken_back", maybe(step.stays().map(|stays| stays.why))),
        ("result", step.result().filter(|_| step.stays().is_none()).map_or(Value::NULL, of)),
        ("asked", step.asked.as_deref().map_or(Value::NULL, of_asked)),
        ("decided", step.decided.as_deref().map_or(Value::NULL, of_decided)),
    ])
}

fn of_asked(asked: &HumanAsked) -> Value {
    Value::map([
        ("who", Value::text(asked.who.clone())),
        ("question", of(&asked.question)),
        ("evidence", asked.evidence.as_ref().map_or_else(|| Value::map::<&str>([]), of_map)),
        ("answer", of_map(&asked.answer)),
        ("until", at(asked.until)),
    ])
}

fn of_decided(decided: &HumanDecided) -> Value {
    Value::map([
        ("actor", Value::text(decided.actor.clone())),
        ("decision", Value::text(decided.decision.clone())),
        ("values", of_map(&decided.values)),
        ("reason", maybe(decided.reason.as_deref())),
    ])
}

fn maybe_number(count: Option<u64>) -> Value {
    count.map_or(Value::NULL, |count| i64::try_from(count).unwrap_or(i64::MAX).into())
}

/// A list of runs: `trueup runs --json`.
pub fn runs(all: &[RunSummary], passed: &HashMap<RunId, PassedOver>, taken_back: &HashMap<RunId, RunId>) -> String {
    let runs = all.iter().map(|run| {
        let rest = [
            ("playbook", Value::from(run.playbook.as_str())),
            ("version", i64::from(run.version).into()),
            ("environment", run.environment.as_str().into()),
            ("purpose", run.purpose.as_str().into()),
            ("about", maybe(run.about.map(|about| about.to_string()))),
            ("taken_back_by", maybe(taken_back.get(&run.id).map(RunId::to_string))),
            ("actor", run.actor.as_str().into()),
            ("because", run.reason.as_str().into()),
            ("state", run.state.word().into()),
            ("end", maybe(run.end.map(End::word))),
            ("counts", run.counts.as_str().into()),
            ("refused", maybe_number(passed.get(&run.id).and_then(|passed| passed.refused))),
            ("not_tried", maybe_number(passed.get(&run.id).and_then(|passed| passed.not_tried))),
            ("started", at(Some(run.started_at))),
            ("changed", at(Some(run.changed_at))),
            ("ended", at(run.closed_at)),
            ("events", count(usize::try_from(run.events).unwrap_or(usize::MAX))),
            ("head", run.head.to_string().into()),
            ("purged", at(run.purged_at)),
        ];
        Value::map(id(run.id).into_iter().chain(rest))
    });
    pretty::document(&Value::map([("format", FORMAT.into()), ("kind", "runs".into()), ("runs", Value::list(runs))]))
}

/// The open questions: `trueup inbox --json`.
pub fn inbox(waiting: &[Waiting], in_doubt: &[(RunSummary, RunState)], now: Stamp) -> String {
    let in_doubt = in_doubt.iter().flat_map(|(run, state)| {
        let head = [
            ("run", run.id.to_string().into()),
            ("short", run.id.short().into()),
            ("playbook", run.playbook.as_str().into()),
            ("environment", run.environment.as_str().into()),
        ];
        doubts(run.id, state).into_iter().map(move |doubt| {
            let rest = doubt.as_map().cloned().unwrap_or_default();
            Value::from(
                head.clone().into_iter().map(|(k, v)| (k.into(), v)).chain(rest).collect::<crate::base::value::Map>(),
            )
        })
    });
    let questions = waiting.iter().map(|one| {
        Value::map([
            ("run", one.run.to_string().into()),
            ("short", one.run.short().into()),
            ("playbook", one.playbook.as_str().into()),
            ("environment", one.environment.as_str().into()),
            ("step", one.step.as_str().into()),
            ("items", texts(&one.items)),
            ("who", one.who.as_str().into()),
            ("question", of(&one.question)),
            ("answer", of_map(&one.answer)),
            ("evidence", of_map(&one.evidence)),
            ("asked", at(Some(one.asked_at))),
            ("until", at(one.until)),
            ("overdue", one.is_overdue(now).into()),
            (
                "command",
                if one.is_overdue(now) {
                    format!("trueup resume {}", one.run.short()).into()
                } else {
                    super::inbox::command(one.run, &one.step, &one.answer, one.items.first().map(String::as_str)).into()
                },
            ),
        ])
    });
    pretty::document(&Value::map([
        ("format", FORMAT.into()),
        ("kind", "inbox".into()),
        ("questions", Value::list(questions)),
        ("in_doubt", Value::list(in_doubt)),
    ]))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::{
        sample::{PERSONAL, golden, view},
        sample_runs::{self, done},
    };

    #[test]
    fn runs_and_questions_are_documents_without_personal_values() {
        let facts = view(80, true).facts;
        let documents = [
            ("run-done.json", run(sample_runs::id(), &done(), facts)),
            ("runs.json", runs(&sample_runs::summaries(), &sample_runs::passed_over(), &sample_runs::taken_back())),
            ("inbox.json", inbox(&sample_runs::questions(), &sample_runs::doubts(), NOW)),
        ];
        for (name, text) in documents {
            assert!(serde_json::from_str::<serde_json::Value>(&text).is_ok(), "{text}");
            assert!(PERSONAL.iter().all(|person| !text.contains(person)), "{text}");
            golden(name, &text);
        }
    }

    const NOW: Stamp = Stamp { micros: 1_753_300_000_000_000, digits: 6 };

    /// Keys of a document, without those that are names of columns, parameters and the like.
    fn keys(value: &serde_json::Value, found: &mut std::collections::BTreeSet<String>) {
        const NAMED: [&str; 10] =
            ["evidence", "params", "columns", "before", "after", "key", "result", "values", "answer", "body"];
        match value {
            serde_json::Value::Object(entries) => {
                for (key, inner) in entries {
                    found.insert(key.clone());
                    if !NAMED.contains(&key.as_str()) {
                        keys(inner, found);
                    }
                }
            }
            serde_json::Value::Array(values) => values.iter().for_each(|value| keys(value, found)),
            _ => {}
        }
    }

    #[test]
    fn every_field_of_every_document_is_described() {
        use crate::report::{plan_json, sample};
        let facts = view(80, true).facts;
        let mut found = std::collections::BTreeSet::new();
        let plans = [sample::award(), sample::odd(), sample::stopped(crate::action::ends::Way::Stop)];
        let plans = plans.iter().map(|plan| plan_json::document(plan, facts));
        let rest = [
            run(sample_runs::id(), &done(), facts),
            runs(&sample_runs::summaries(), &sample_runs::passed_over(), &sample_runs::taken_back()),
            inbox(&sample_runs::questions(), &sample_runs::doubts(), NOW),
        ];
        for text in plans.chain(rest) {
            keys(&serde_json::from_str(&text).unwrap(), &mut found);
        }
        let described = include_str!("../../docs/json.md");
        let missing: Vec<_> = found.iter().filter(|key| !described.contains(&format!("`{key}`"))).collect();
        assert!(missing.is_empty(), "docs/json.md does not say what these are: {missing:?}");
        assert!(found.len() > 60, "{found:?}");
    }
}
