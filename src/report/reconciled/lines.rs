//! What differs in an item, in lines that a person reads: from the plan that would put it right.

use crate::{
    base::secret::Masks,
    effect::change::{Deed, RowChange},
    plan::{Effect, ItemPlan, StepPlan},
    report::look::Lookup,
    table::facts::Facts,
};

/// So many lines are kept of an item.
const MOST: usize = 6;
/// So many characters of a value.
const LONGEST: usize = 48;

/// One line for each row, request or job that would put it right. Personal and secret values are hidden in them, and the secrets
/// that `masks` know wherever they stand.
pub fn lines(item: &ItemPlan, facts: Lookup<'_>, masks: &Masks) -> Vec<String> {
    let mut all: Vec<String> =
        item.steps.iter().filter(|step| step.foreseen.acts()).flat_map(|step| of_step(step, facts, masks)).collect();
    if all.len() > MOST {
        let more = all.len() - (MOST - 1);
        all.truncate(MOST - 1);
        all.push(format!("and {more} more"));
    }
    all
}

fn of_step(step: &StepPlan, facts: Lookup<'_>, masks: &Masks) -> Vec<String> {
    let mut found: Vec<String> = step.effects.iter().flat_map(|effect| of_effect(effect, facts, masks)).collect();
    if found.is_empty() {
        found.push(step.title.clone().unwrap_or_else(|| format!("{} ({})", step.name(), step.kind)));
    }
    found
}

fn of_effect(effect: &Effect, facts: Lookup<'_>, masks: &Masks) -> Vec<String> {
    match effect {
        Effect::Rows { changes, .. } => changes
            .iter()
            .filter(|change| !change.by_rule && change.deed() != Deed::Nothing)
            .map(|change| of_row(change, facts(&change.table), masks))
            .collect(),
        Effect::Request { line, .. } => vec![masks.apply(line)],
        Effect::Jobs { jobs } => vec![match jobs.len() {
            1 => "1 background job".to_owned(),
            n => format!("{n} background jobs"),
        }],
        Effect::Question { who, .. } => vec![format!("a question to {who}")],
        Effect::Compared(_) | Effect::LeftAlone { .. } | Effect::Answer { .. } | Effect::Message { .. } => Vec::new(),
        // What it would do if something went wrong is no difference.
        Effect::IfFails { .. } => Vec::new(),
    }
}

fn of_row(change: &RowChange, facts: Option<&Facts>, masks: &Masks) -> String {
    let table = &change.table;
    match change.deed() {
        Deed::Insert => format!("{table}: a row is missing"),
        Deed::Delete => format!("{table}: a row is too many"),
        Deed::Update | Deed::Nothing => {
            let columns = change.differing().into_iter().filter(|(column, ..)| !change.stamps.contains(column));
            let columns: Vec<String> = columns
                .map(|(column, old, new)| {
                    let shown = |value| {
                        let seen = match facts {
                            Some(facts) => facts.named(&column, value).marked(facts.marks(&column)),
                            None => value,
                        };
                        cut(&masks.apply(&seen.shown()))
                    };
                    format!("{column}: {} → {}", shown(old), shown(new))
                })
                .collect();
            format!("{table} {}", columns.join(", "))
        }
    }
}

/// Of a text that was masked: of a secret that is cut in two nobody finds a part.
fn cut(text: &str) -> String {
    if text.chars().count() <= LONGEST {
        return text.to_owned();
    }
    text.chars().take(LONGEST - 1).chain(['…']).collect()
}
