//! What differs between two saved plans. Compared is what they promise: the texts they rest on, parameters, facts, and what
//! each step would do. Values from the clock, and what says who made the plan and when, are left aside.

use super::{
    line::{Line, Tone},
    look::{Look, Lookup},
    page::Page,
    plain_value::maybe,
    pretty,
};
use crate::{
    base::value::{Marks, Value},
    effect::change::RowChange,
    plan::{Effect, ItemPlan, StepPlan, file::Saved},
};
use indexmap::IndexMap;

/// Version of the JSON document.
const FORMAT: i64 = 1;

/// One thing that differs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Differs {
    /// `playbook`, `params`, or the path of a step.
    pub place: String,
    /// What of it: `version`, `register.trainees id 1, state`, `body`.
    pub what: String,
    /// In the one plan; nothing where it has no such thing.
    pub one: Option<String>,
    /// In the other.
    pub other: Option<String>,
}

/// Everything that one plan says of one place, in words to be compared.
type Said = IndexMap<(String, String), String>;

/// What differs, in the order of the first plan, then what only the second one has.
pub fn between(one: &Saved, other: &Saved, facts: Lookup<'_>) -> Vec<Differs> {
    let (one, other) = (said(one, facts), said(other, facts));
    let places = one.keys().chain(other.keys().filter(|key| !one.contains_key(*key)));
    let differing = places.filter_map(|key| {
        let (left, right) = (one.get(key), other.get(key));
        (left != right).then(|| Differs {
            place: key.0.clone(),
            what: key.1.clone(),
            one: left.map(|words| shown(words)),
            other: right.map(|words| shown(words)),
        })
    });
    let mut found: Vec<Differs> = differing.collect();
    // What only the second one has stands with the rest of its place.
    let order: Vec<String> = found.iter().map(|differs| differs.place.clone()).collect();
    found.sort_by_key(|differs| order.iter().position(|place| *place == differs.place));
    // Hidden values are compared, and never shown.
    for differs in &mut found {
        if differs.one == differs.other {
            differs.other = differs.other.as_ref().map(|words| format!("{words}, but another one"));
        }
    }
    found
}

/// Behind this stands what is compared and not shown.
const HIDDEN: char = '\u{0}';

fn shown(words: &str) -> String {
    words.split(HIDDEN).next().unwrap_or_default().to_owned()
}

fn said(saved: &Saved, facts: Lookup<'_>) -> Said {
    let header = &saved.header;
    let mut said = Said::new();
    let mut say = |place: &str, what: &str, words: String| {
        said.insert((place.to_owned(), what.to_owned()), words);
    };
    say("playbook", "name", header.playbook.to_string());
    say("playbook", "version", header.version.to_string());
    say("playbook", "text", header.sha256.get(..12).unwrap_or_default().to_owned());
    say("project", "text", header.facts_sha256.get(..12).unwrap_or_default().to_owned());
    say("environment", "name", header.environment.to_string());
    for (connection, identity) in &header.targets {
        say("target", connection, identity.clone());
    }
    for (name, value) in &header.params {
        say("params", name, of_value(value));
    }
    for item in &saved.plan.items {
        of_item(item, saved.plan.items.len() > 1, facts, &mut said);
    }
    said
}

/// A value with what tells it from others where it may not be shown.
fn of_value(value: &Value) -> String {
    let shown = value.shown();
    if value.marks.has(Marks::CLOCK) {
        return "(clock)".into();
    }
    if value.all_marks().hidden() { format!("{shown}{HIDDEN}{}", value.bare()) } else { shown }
}

fn of_item(item: &ItemPlan, many: bool, facts: Lookup<'_>, said: &mut Said) {
    let place = |path: &str| if many { format!("{} of item {}", path, item.key) } else { path.to_owned() };
    for (path, value) in &item.rests_on {
        said.insert((place("read"), path.to_string()), of_value(value));
    }
    for step in &item.steps {
        of_step(&place(&step.path), step, facts, said);
    }
    if let Some(stop) = &item.stop {
        said.insert((place(&stop.step), "ends here".into()), format!("{}: {}", stop.way.word(), stop.message));
    }
}

fn of_step(place: &str, step: &StepPlan, facts: Lookup<'_>, said: &mut Said) {
    let mut say = |what: String, words: String| {
        said.insert((place.to_owned(), what), words);
    };
    say("foreseen".into(), step.foreseen.word().to_owned());
    say("label".into(), step.label.words());
    if let Some(undo) = &step.undo {
        say("undo".into(), undo.words());
    }
    for effect in &step.effects {
        match effect {
            Effect::Rows { changes, also } => {
                for (index, change) in changes.iter().enumerate() {
                    of_row(index, change, facts, &mut say);
                }
                for table in also {
                    let counts = [(table.inserted, "added"), (table.updated, "changed"), (table.deleted, "deleted")];
                    let counts: Vec<_> =
                        counts.iter().filter(|(n, _)| *n > 0).map(|(n, word)| format!("{n} {word}")).collect();
                    say(format!("also touched, {}", table.table), counts.join(", "));
                }
            }
            Effect::Jobs { jobs } => jobs.iter().for_each(|job| {
                say("job".into(), job.line());
                if let Some(payload) = job.shown() {
                    say("payload".into(), payload);
                }
            }),
            Effect::Request { line, headers, body, .. } => {
                say("request".into(), line.clone());
                headers.iter().for_each(|(name, value)| say(format!("header {name}"), value.clone()));
                if let Some(body) = body {
                    say("body".into(), body.clone());
                }
            }
            Effect::LeftAlone { rows } => {
                for row in rows {
                    say(format!("{}, left alone", row.subject()), row.why.clone());
                }
            }
            Effect::Compared(comparison) => say("compared".into(), comparison.summary()),
            // What a read found stands under what expressions looked at.
            Effect::Answer { .. } => {}
            Effect::Question { who, text, .. } => say(format!("question to {who}"), text.clone()),
            Effect::Message { who, text } => say(format!("message to {who}"), text.clone()),
            Effect::IfFails { .. } => {}
        }
    }
    for effect in &step.effects {
        let Effect::IfFails { at, steps } = effect else { continue };
        for inner in steps {
            of_step(&format!("{}, if {} fails", inner.path, at.join(" or ")), inner, facts, said);
        }
    }
}

/// A row by its key; one that the database will number by its place.
fn of_row(index: usize, change: &RowChange, facts: Lookup<'_>, say: &mut dyn FnMut(String, String)) {
    let made = change.before.is_none();
    let key = if made { format!("new row {}", index + 1) } else { change.key_text() };
    let row = format!("{} {key}", change.table);
    say(row.clone(), deed(change).to_owned());
    let facts = facts(&change.table);
    let seen = |column: &str, value: Value| match facts {
        Some(facts) => of_value(&facts.named(column, value).marked(facts.marks(column))),
        None => of_value(&value),
    };
    for (column, old, new) in change.differing() {
        if change.stamps.contains(&column) || made && change.key.contains_key(&column) {
            continue;
        }
        let (old, new) = (seen(&column, old), seen(&column, new));
        let words = if made { new } else { arrow(&old, &new) };
        say(format!("{row}, {column}"), words);
    }
}

fn arrow(old: &str, new: &str) -> String {
    let hidden = |words: &str| words.split(HIDDEN).nth(1).unwrap_or_default().to_owned();
    let (secret_old, secret_new) = (hidden(old), hidden(new));
    let words = format!("{} → {}", shown(old), shown(new));
    if secret_old.is_empty() && secret_new.is_empty() {
        words
    } else {
        format!("{words}{HIDDEN}{secret_old}{HIDDEN}{secret_new}")
    }
}

fn deed(change: &RowChange) -> &'static str {
    use crate::effect::change::Deed;
    match change.deed() {
        Deed::Insert => "added",
        Deed::Update => "changed",
        Deed::Delete => "deleted",
        Deed::Nothing => "as it is",
    }
}

/// For a terminal: place by place, the one plan's words behind `-`, the other's behind `+`.
pub fn text(found: &[Differs], one: &Saved, other: &Saved, look: Look) -> String {
    let mut page = Page::new(look);
    let names = format!("Plan {} and plan {}", one.short(), other.short());
    if found.is_empty() {
        page.line(0, Line::of(Tone::Plain, format!("{names} promise the same: nothing differs.")));
        return page.finish();
    }
    page.line(0, Line::of(Tone::Strong, format!("{names} differ:")));
    let mut place = "";
    for differs in found {
        if differs.place != place {
            place = &differs.place;
            page.blank();
            page.line(0, Line::of(Tone::Strong, place));
        }
        page.line(2, Line::of(Tone::Dim, &differs.what));
        for (mark, tone, words) in [("- ", Tone::Bad, &differs.one), ("+ ", Tone::Good, &differs.other)] {
            if let Some(words) = words {
                page.hung(4, 6, Line::of(tone, mark).plain(words));
            }
        }
    }
    page.finish()
}

/// The same as a JSON document.
pub fn document(found: &[Differs], one: &Saved, other: &Saved) -> String {
    let of_plan = |saved: &Saved| {
        Value::map([("id", Value::text(saved.header.id.clone())), ("digest", Value::from(saved.digest.as_str()))])
    };
    let differences = found.iter().map(|differs| {
        Value::map([
            ("place", Value::from(differs.place.as_str())),
            ("what", differs.what.as_str().into()),
            ("one", maybe(differs.one.as_deref())),
            ("other", maybe(differs.other.as_deref())),
        ])
    });
    pretty::document(&Value::map([
        ("format", FORMAT.into()),
        ("kind", "plan_diff".into()),
        ("one", of_plan(one)),
        ("other", of_plan(other)),
        ("differences", Value::list(differences)),
    ]))
}
