//! What a person reads right after apply, answer or resume: what changed, whether it is verified, what to do next.

use super::{
    columns::width,
    diff::tables,
    drift, left,
    line::{Line, Tone},
    look::View,
    page::Page,
    plan::step_name,
    standing,
    titles::{Titles, section},
};
use crate::{
    base::{counted::counted, identity::RunId},
    effect::{
        change::{Deed, RowChange},
        left::Ground,
    },
    engine::{
        resource::is_class,
        state::{ItemState, NOT_TOLD, RunState, StepState},
    },
    journal::words::{End, Outcome},
    plan::Section,
};

/// One line for each changed table, then requests, verification, the run's id and how to see it again, and what can be
/// done next. Styled with ANSI codes; ends with a line feed.
pub fn text(id: RunId, state: &RunState, view: &View<'_>) -> String {
    let mut page = Page::new(view.look);
    let (tone, sentence) = standing::sentence(state);
    page.line(0, Line::of(tone, sentence));
    let differences = drift::of_run(state);
    // Where facts are compared is chance; what differs is said below.
    let chance = |path: &str| !differences.is_empty() && section(path) == Section::Preconditions;
    if let Some((path, ..)) = standing::ended_at(state).filter(|(path, ..)| !chance(path)) {
        let (name, titles) = (step_name(path), Titles::of(state.created.as_ref()));
        let title = Some(titles.get(path))
            .filter(|title| *title != name)
            .map_or_else(String::new, |title| format!(": {title}"));
        page.line(2, Line::of(Tone::Dim, format!("at `{name}`{title}")));
    }
    match standing::reason(state) {
        // The table says the same, one difference a line.
        Some(_) if !differences.is_empty() => {
            page.blank();
            drift::table(&mut page, 2, &differences);
        }
        Some(reason) => page.prose(2, Tone::Plain, reason),
        None => {}
    }
    for step in state.items.values().flat_map(|item| item.steps.values()) {
        left::rows(&mut page, 2, &step.left_alone(), view);
    }
    for (path, step) in state.items.values().flat_map(|item| &item.steps) {
        // What nobody said beforehand is the reason above.
        if let Some(stays) = step.stays().filter(|stays| stays.by == Ground::Foreseen) {
            let head = Line::of(Tone::Care, "! not taken back: ").plain(format!("`{}`", step_name(path)));
            page.hung(2, 4, head.add(Tone::Care, format!("  {}", stays.why)));
        }
        if let Some(along) = step.left_along() {
            let head = Line::of(Tone::Care, "! not taken back: ").plain(format!("`{}`", step_name(path)));
            page.hung(2, 4, head.add(Tone::Care, format!("  {along}")));
        }
    }
    page.blank();
    let mut lines = changed(state);
    let (passed, all) = checks(state);
    if all > 0 && state.items.values().any(|item| item.verified) {
        lines.push(("verified".into(), format!("{passed} of {}", counted(all, "check"))));
    }
    lines.push(("run".into(), format!("{id}")));
    lines.push(("see it again".into(), format!("trueup show {}", id.short())));
    let names = lines.iter().map(|(name, _)| width(name)).max().unwrap_or(0).min(36);
    for (name, words) in lines {
        page.hung(2, names + 4, Line::of(Tone::Dim, name).pad(names + 2, 2).plain(words));
    }
    standing::next(&mut page, id, state, true);
    page.finish()
}

/// Tables and APIs with what was really done to them, and messages that were passed on.
fn changed(state: &RunState) -> Vec<(String, String)> {
    let steps = || state.items.values().flat_map(|item| item.steps.values());
    let is_resource = |step: &&StepState| step.class.as_deref().is_some_and(is_class);
    let of = |step: &StepState| step.changes_of_run().into_owned();
    let rows: Vec<RowChange> = steps().filter(|step| !is_resource(step)).flat_map(of).collect();
    // What a rescue took back is as it was; the audit rows of both are there.
    let well = state.closed.as_ref().is_some_and(|closed| closed.end == End::Changed);
    let back = !well && state.items.values().all(ItemState::is_as_before);
    let mut lines = tables(rows.iter().filter(|row| !back || row.by_rule));
    lines.extend(steps().filter(is_resource).flat_map(of).map(|change| resource(&change)));
    for step in steps().filter(|step| step.changed() && !is_resource(step)) {
        if let (Some(class), Some(shown)) = (&step.class, &step.shown) {
            let response = step.outcome.as_ref().and_then(|o| o.response.clone()).unwrap_or_default();
            let whom = shown.strip_prefix("to ").and_then(|rest| rest.split_once(':'));
            match (&**class, whom) {
                ("rows" | "sql", _) => {}
                ("message-once", Some((who, _))) => {
                    let unsent = step.outcome.as_ref().filter(|o| o.response.is_none());
                    let why = unsent.and_then(|o| o.message.as_deref()?.strip_prefix(NOT_TOLD));
                    lines.push(match why {
                        Some(why) => ("not told".into(), format!("{who}  {why}")),
                        None => ("told".into(), format!("{who}  {response}").trim_end().to_owned()),
                    })
                }
                _ => lines.push(("sent".into(), format!("{shown}  {response}").trim_end().to_owned())),
            }
        }
        let also = step.also.iter().map(|table| (table.to_string(), "also touched, not taken back".to_owned()));
        lines.extend(also);
    }
    lines
}

/// A thing behind an API, by its key: `kube.deployment_env  deployment web  changed`.
fn resource(change: &RowChange) -> (String, String) {
    let word = match change.deed() {
        Deed::Insert => "made",
        Deed::Delete => "removed",
        Deed::Update | Deed::Nothing => "changed",
    };
    (change.table.to_string(), format!("{}  {word}", change.key_text()))
}

/// Verification steps that passed, and all that were looked at.
fn checks(state: &RunState) -> (usize, usize) {
    let steps =
        state.items.values().flat_map(|item| &item.steps).filter(|(path, _)| section(path) == Section::Verification);
    let looked: Vec<&StepState> =
        steps.map(|(_, step)| step).filter(|s| outcome(s) != Some(Outcome::Skipped)).collect();
    let passed = looked.iter().filter(|s| s.is_over() && matches!(outcome(s), None | Some(Outcome::Done)));
    (passed.count(), looked.len())
}

fn outcome(step: &StepState) -> Option<Outcome> {
    step.outcome.as_ref().map(|o| o.outcome)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::{
        sample::{golden, is_proper, plain, view},
        sample_runs::{id, standings},
    };

    #[test]
    fn the_last_report_says_what_changed_and_what_to_do_next() {
        let mut all = String::new();
        for (name, state) in standings() {
            let shown = text(id(), &state, &view(80, true));
            is_proper(&shown, 80);
            all.push_str(&format!("---- {name}\n\n{}\n", plain(&shown)));
        }
        golden("applied.txt", &all);
    }
}
