//! A plan as a JSON document; every field stands in `docs/json.md`.

use super::{
    clock, compared, left,
    look::Lookup,
    plain_value::{count, maybe, of, of_map, row, texts},
    plan_summary::parts,
    pretty,
};
use crate::{
    base::{json, value::Value},
    effect::label::Label,
    plan::{Effect, ItemPlan, Many, Plan, Reversal, StepPlan, Stop, file::Saved},
};

/// Version of this document: grows when a field changes its meaning or goes; new fields may come without.
pub const FORMAT: i64 = 1;

/// The document, indented, with a line feed at its end. Personal values and secrets are masked.
pub fn document(plan: &Plan, facts: Lookup<'_>) -> String {
    pretty::document(&of_plan(plan, &plan.digest(), facts, Vec::new()))
}

/// The same of a saved plan, with what its file says of it.
pub fn of_saved(saved: &Saved, agreed: &[String], void: Option<&str>, facts: Lookup<'_>) -> String {
    let header = &saved.header;
    let kept = Value::map([
        ("id", Value::text(header.id.clone())),
        ("short", saved.short().into()),
        ("run", header.run.to_string().into()),
        ("journal", Value::text(header.journal.clone())),
        ("actor", Value::text(header.actor.clone())),
        ("because", maybe(header.reason.as_deref())),
        ("engine", Value::text(header.engine.clone())),
        ("made", clock::json(header.made_at).into()),
        ("expires", clock::json(header.expires_at).into()),
        ("project_sha256", Value::text(header.facts_sha256.clone())),
        ("agreed", Value::list(agreed.iter().map(|name| Value::text(name.as_str())))),
        ("void", maybe(void)),
    ]);
    pretty::document(&of_plan(&saved.plan, &saved.digest, facts, vec![("saved", kept)]))
}

/// One item of many.
pub fn item(item: &ItemPlan, facts: Lookup<'_>) -> String {
    pretty::document(&of_item(item, facts))
}

/// The same in one line.
pub fn line(item: &ItemPlan, facts: Lookup<'_>) -> String {
    format!("{}\n", json::masked(&of_item(item, facts)))
}

fn of_plan(plan: &Plan, digest: &str, facts: Lookup<'_>, more: Vec<(&'static str, Value)>) -> Value {
    let playbook = Value::map([
        ("name", Value::text(plan.playbook.clone())),
        ("version", i64::from(plan.version).into()),
        ("title", Value::text(plan.title.clone())),
        ("sha256", plan.text_hash.as_str().into()),
    ]);
    let targets = plan.targets.iter().map(|(connection, identity)| {
        Value::map([("connection", Value::text(connection.clone())), ("identity", identity.as_str().into())])
    });
    let fields = [
        ("format", FORMAT.into()),
        ("kind", "plan".into()),
        ("playbook", playbook),
        ("environment", Value::text(plan.environment.clone())),
        ("at", clock::json(plan.at).into()),
        ("digest", digest.into()),
        ("params", of_map(&plan.params)),
        ("targets", Value::list(targets)),
        ("changes", (!plan.is_empty()).into()),
        ("summary", summary(plan)),
        ("items", Value::list(plan.items.iter().map(|item| of_item(item, facts)))),
    ];
    let many = plan.many.as_ref().map(|many| ("many", of_many(many)));
    Value::map(fields.into_iter().chain(many).chain(more))
}

/// What all items come to; `items` has the first ones.
fn of_many(many: &Many) -> Value {
    let number = |n: u64| Value::from(i64::try_from(n).unwrap_or(i64::MAX));
    let tally = &many.tally;
    let reasons = tally.reasons.iter().map(|reason| {
        Value::map([
            ("way", reason.way.word().into()),
            ("step", Value::text(reason.step.clone())),
            ("message", reason.message.as_str().into()),
            ("items", number(reason.items)),
            ("first", Value::list(reason.first.iter().cloned().map(Value::text))),
        ])
    });
    let matched = many.matched.as_ref().map(|matched| ("compared", compared::numbers(matched)));
    let fields = [
        ("items", number(tally.items)),
        ("of", number(many.of)),
        ("changing", number(tally.changing)),
        ("unchanged", number(tally.unchanged)),
        ("left_alone", number(tally.left)),
        ("ends", Value::map(tally.ends.iter().map(|(way, n)| (*way, number(*n))))),
        ("reasons", Value::list(reasons)),
        ("lone_groups", number(many.lone)),
    ];
    Value::map(fields.into_iter().chain(matched))
}

fn summary(plan: &Plan) -> Value {
    let (counts, parts) = (plan.counts(), parts(plan));
    Value::map([
        ("rows_inserted", count(parts.inserted)),
        ("rows_updated", count(parts.updated)),
        ("rows_deleted", count(parts.deleted)),
        ("resources", count(parts.resources)),
        ("requests", count(parts.requests)),
        ("jobs", count(parts.jobs)),
        ("questions", count(parts.questions)),
        ("messages", count(parts.messages)),
        ("changing_steps", count(counts.changes)),
        ("exact", count(counts.exact)),
        ("has_unknowns", count(counts.unknown)),
        ("not_previewable", count(counts.not_previewable)),
    ])
}

fn of_item(item: &ItemPlan, facts: Lookup<'_>) -> Value {
    let rests_on =
        item.rests_on.iter().map(|(path, value)| Value::map([("path", path.to_string().into()), ("value", of(value))]));
    let value = item.item.as_ref().map(|value| ("item", of(value)));
    let fields = [
        ("key", Value::text(item.key.clone())),
        ("steps", Value::list(item.steps.iter().map(|step| of_step(step, facts)))),
        ("stop", item.stop.as_ref().map_or(Value::NULL, of_stop)),
        ("rests_on", Value::list(rests_on)),
    ];
    Value::map(fields.into_iter().chain(value))
}

fn of_stop(stop: &Stop) -> Value {
    let seen = stop
        .seen
        .iter()
        .map(|(name, found)| Value::map([("name", name.as_str().into()), ("found", Value::from(found.as_str()))]));
    Value::map([
        ("way", stop.way.word().into()),
        ("step", Value::text(stop.step.clone())),
        ("message", stop.message.as_str().into()),
        ("who", maybe(stop.who.clone())),
        ("seen", Value::list(seen)),
    ])
}

fn of_step(step: &StepPlan, facts: Lookup<'_>) -> Value {
    let (label, why) = match &step.label {
        Label::Exact => ("exact", None),
        Label::HasUnknowns => ("has_unknowns", None),
        Label::Read => ("read", None),
        Label::NotPreviewable(why) => ("not_previewable", Some(why.as_str())),
    };
    Value::map([
        ("section", step.section.word().into()),
        ("path", Value::text(step.path.clone())),
        ("kind", step.kind.into()),
        ("title", maybe(step.title.as_deref())),
        ("label", label.into()),
        ("because", maybe(why)),
        ("foreseen", step.foreseen.word().into()),
        ("effects", Value::list(step.effects.iter().map(|effect| of_effect(effect, facts)))),
        ("notes", texts(&step.notes)),
        ("undo", maybe(step.undo.as_ref().map(Reversal::words))),
        ("reversal", maybe(step.undo.as_ref().map(Reversal::word))),
    ])
}

fn of_effect(effect: &Effect, facts: Lookup<'_>) -> Value {
    match effect {
        Effect::Rows { changes, also } => {
            let also = also.iter().map(|a| {
                let number = |n: u64| Value::from(i64::try_from(n).unwrap_or(i64::MAX));
                let counts =
                    [("inserted", number(a.inserted)), ("updated", number(a.updated)), ("deleted", number(a.deleted))];
                Value::map([("table", Value::from(a.table.as_str()))].into_iter().chain(counts))
            });
            let changes = changes.iter().map(|change| row(change, facts(&change.table)));
            Value::map([
                ("type", "rows".into()),
                ("changes", Value::list(changes)),
                ("also_touched", Value::list(also)),
            ])
        }
        Effect::Compared(comparison) => compared::json(comparison),
        Effect::IfFails { at, steps } => Value::map([
            ("type", "if_fails".into()),
            ("at", texts(at)),
            ("steps", Value::list(steps.iter().map(|step| of_step(step, facts)))),
        ]),
        Effect::LeftAlone { rows } => Value::map([("type", "left_alone".into()), ("rows", left::json(rows))]),
        Effect::Jobs { jobs } => {
            let one = |job: &crate::effect::job::JobChange| {
                let payload = job.shown().and_then(|text| json::parse(&text).ok()).unwrap_or(Value::NULL);
                Value::map([
                    ("deed", Value::text(job.deed.clone())),
                    ("jid", Value::text(job.jid.clone())),
                    ("title", job.title.as_str().into()),
                    ("from", job.from.as_str().into()),
                    ("to", job.to.as_str().into()),
                    ("payload", payload),
                ])
            };
            Value::map([("type", "jobs".into()), ("jobs", Value::list(jobs.iter().map(one)))])
        }
        Effect::Request { line, headers, body, .. } => {
            let (method, url) = line.split_once(' ').unwrap_or(("", line));
            let headers = headers.iter().map(|(name, value)| {
                Value::map([("name", name.as_str().into()), ("value", Value::from(value.as_str()))])
            });
            // A body that is no JSON is its text.
            let body =
                body.as_ref().map_or(Value::NULL, |text| json::parse(text).unwrap_or_else(|_| text.as_str().into()));
            Value::map([
                ("type", "request".into()),
                ("method", method.into()),
                ("url", url.into()),
                ("headers", Value::list(headers)),
                ("body", body),
            ])
        }
        Effect::Answer { summary } => {
            Value::map([("type", "answer".into()), ("summary", Value::from(summary.as_str()))])
        }
        Effect::Question { who, text, answer } => {
            let answer = answer
                .iter()
                .map(|(name, kind)| Value::map([("name", name.as_str().into()), ("type", Value::from(kind.as_str()))]));
            Value::map([
                ("type", "question".into()),
                ("who", Value::text(who.clone())),
                ("text", text.as_str().into()),
                ("answer", Value::list(answer)),
            ])
        }
        Effect::Message { who, text } => {
            Value::map([("type", "message".into()), ("who", Value::text(who.clone())), ("text", text.as_str().into())])
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::sample::{self, golden, view};

    #[test]
    fn a_plan_is_a_document_with_natural_values() {
        for (name, plan) in [("plan-award.json", sample::award()), ("plan-odd.json", sample::odd())] {
            let text = document(&plan, view(80, true).facts);
            for person in sample::PERSONAL {
                assert!(!text.contains(person), "{person} is shown");
            }
            golden(name, &text);
        }
    }

    #[test]
    fn digits_and_unknowns_are_kept() {
        let text = document(&sample::odd(), view(80, true).facts);
        let fee = "\"fee\": {\n                  \"old\": 9250.00,\n                  \"new\": {\n                    \"unknown\": \"known after apply\"\n                  }";
        let squeezed = |text: &str| text.split_whitespace().collect::<String>();
        assert!(squeezed(&text).contains(&squeezed(fee)));
        assert!(serde_json::from_str::<serde_json::Value>(&text).is_ok());
    }
}
