//! A run as a person reads it: `trueup show RUN`. Knows nothing of the journal.

use super::{
    clock, compared,
    diff::{Moment, rows, said},
    drift, inbox, left,
    line::{Line, Tone},
    look::{Look, View},
    page::Page,
    plan::{facts_table, section_title},
    standing,
    titles::{Titles, section},
};
use crate::{
    base::{
        identity::{RunId, SINGLE_ITEM},
        time::Stamp,
        value::Map,
    },
    effect::compared::Comparison,
    engine::{
        fleet::summary::Summary,
        notices::Notice,
        outline::{around, indexed},
        state::{APPROVAL, ItemState, RunState, StepState},
    },
    journal::{payload::ItemOutcome, words::Outcome},
    plan::Section,
};

/// Where the text of a step begins: under its heading, behind the time.
const DEEPER: usize = 14;

/// Header, timeline with changes, requests, questions, reasons, and how it ended or where it stands. Styled with ANSI
/// codes; ends with a line feed. Times are UTC.
pub fn text(id: RunId, state: &RunState, view: &View<'_>) -> String {
    if is_many(state) {
        return super::many::run(id, state, &Summary::of(state), view);
    }
    let mut page = Page::new(view.look);
    heading(&mut page, id, state);
    let titles = Titles::of(state.created.as_ref());
    let mut day = state.created_at.map(clock::day);
    for (key, item) in &state.items {
        if &**key != SINGLE_ITEM {
            page.blank();
            page.line(0, Line::of(Tone::Strong, format!("Item {key}")));
        }
        timeline(&mut page, item, &titles, view, &mut day);
    }
    page.blank();
    let (tone, sentence) = standing::sentence(state);
    page.line(0, Line::of(tone, sentence));
    if standing::ended_at(state).is_none()
        && let Some(reason) = standing::reason(state)
    {
        page.prose(0, Tone::Plain, reason);
    }
    standing::next(&mut page, id, state, false);
    page.finish()
}

/// Its items have keys: its playbook has targets.
pub fn is_many(state: &RunState) -> bool {
    state.items.keys().any(|key| &**key != SINGLE_ITEM)
        || state.created.as_ref().and_then(|created| created.plan_summary.as_ref()?.get("items")).is_some()
}

/// One item of many, whole.
pub fn one(key: &str, item: &ItemState, state: &RunState, view: &View<'_>) -> String {
    let mut page = Page::new(view.look);
    let heading = if key == SINGLE_ITEM { "Once, for all items".to_owned() } else { format!("Item {key}") };
    page.line(0, Line::of(Tone::Strong, heading));
    let titles = Titles::of(state.created.as_ref());
    timeline(&mut page, item, &titles, view, &mut state.created_at.map(clock::day));
    if let Some(closed) = &item.closed {
        page.blank();
        let reason = closed.reason.as_ref().map_or_else(String::new, |reason| format!(": {reason}"));
        page.prose(0, Tone::Strong, &format!("{}{reason}", closed.end.word().replace('_', " ")));
    }
    page.finish()
}

pub(super) fn heading(page: &mut Page, id: RunId, state: &RunState) {
    page.line(0, Line::of(Tone::Strong, format!("Run {}", id.short())).add(Tone::Dim, format!("  {id}")));
    let Some(created) = &state.created else { return };
    page.line(0, Line::of(Tone::Dim, format!("{} v{} in {}", created.playbook, created.version, created.environment)));
    let about = created.about.map(|run| format!("{} of run {}", created.purpose, run.short()));
    let facts = [
        ("for", about),
        ("by", Some(created.actor.to_string())),
        ("because", Some(created.reason.clone())),
        ("started", state.created_at.map(clock::second)),
        ("ended", ended(state)),
        ("taken back", state.taken_back_by.map(|by| format!("by run {}", by.short()))),
    ];
    let agreed = state.approvals.iter().map(|approval| {
        let note = approval.note.as_ref().map_or_else(String::new, |note| format!(": {note}"));
        ("agreed", Some(format!("{}, {}{note}", approval.actor, clock::second(approval.at))))
    });
    let facts: Vec<_> = facts.into_iter().chain(agreed).collect();
    facts_table(page, &created.params, &facts);
}

fn ended(state: &RunState) -> Option<String> {
    let (from, to) = (state.created_at?, state.closed_at?);
    Some(format!("{}, after {}", clock::second(to), clock::length(to.micros - from.micros)))
}

fn timeline(page: &mut Page, item: &ItemState, titles: &Titles, view: &View<'_>, day: &mut Option<String>) {
    for list in Section::ALL {
        let mut steps = item.steps.iter().filter(|(path, _)| section(path) == list && &***path != APPROVAL).peekable();
        if steps.peek().is_some() {
            page.blank();
            page.line(0, Line::of(Tone::Strong, section_title(list)));
        }
        for (path, step) in steps {
            of_step(page, &format!("{}{}", around(path), indexed(titles.get(path)).0), step, view, day);
        }
    }
}

fn of_step(page: &mut Page, title: &str, step: &StepState, view: &View<'_>, day: &mut Option<String>) {
    new_day(page, step.at, day);
    let (mark, tone) = mark(step, page.look);
    let time = step.at.map_or_else(|| " ".repeat(8), clock::time);
    let skipped = outcome(step) == Some(Outcome::Skipped);
    let head = Line::of(Tone::Dim, time).plain("  ").add(tone, mark).plain(" ");
    page.noted(2, DEEPER, head.add(if skipped { Tone::Dim } else { Tone::Plain }, title), right(step));
    if let Some((request, _)) = step.shown.as_deref().and_then(asked_and_got).filter(|_| !sends(step)) {
        page.hung(DEEPER, DEEPER + 2, Line::of(Tone::Dim, without_host(request)));
    }
    said_by_people(page, step);
    if let Some(shown) = &step.shown
        && sends(step)
    {
        let again = if step.attempts > 1 { format!("  ({} attempts)", step.attempts) } else { String::new() };
        page.hung(DEEPER, DEEPER + 2, Line::of(Tone::Plain, shown).add(Tone::Dim, again));
    }
    if !step.earlier.is_empty() {
        page.line(DEEPER, Line::of(Tone::Plain, "changed before it was done again:"));
        rows(page, DEEPER, &step.earlier, view, Moment::Done);
    }
    if !step.changes.is_empty() {
        if outcome(step) != Some(Outcome::Done) && !step.stands() {
            let words = if step.is_in_doubt() {
                "meant, and nobody knows whether it happened:"
            } else {
                "meant, and not done:"
            };
            page.line(DEEPER, Line::of(Tone::Care, words));
        }
        rows(page, DEEPER, &step.changes, view, Moment::Done);
    }
    left::rows(page, DEEPER, &step.left_alone(), view);
    if let Some(comparison) = step.value.as_ref().and_then(Comparison::of_value) {
        compared::table(page, DEEPER, &comparison);
    }
    for table in &step.also {
        page.line(DEEPER, Line::of(Tone::Care, format!("! also touched, not taken back: {table}")));
    }
    let differences: Vec<_> = step.drift().into_iter().map(|one| (SINGLE_ITEM.to_owned(), one)).collect();
    drift::table(page, DEEPER, &differences);
    if let Some(message) = step.outcome.as_ref().and_then(|o| o.message.as_ref()).filter(|_| differences.is_empty()) {
        let tone = if skipped { Tone::Dim } else { Tone::Plain };
        page.prose(DEEPER, if is_warning(step) { Tone::Care } else { tone }, message);
    }
    if !step.changes.is_empty() {
        page.blank();
    }
}

/// The date, when it is another one than that of the line before.
fn new_day(page: &mut Page, at: Option<Stamp>, day: &mut Option<String>) {
    let Some(now) = at.map(clock::day) else { return };
    if day.as_ref().is_some_and(|last| *last != now) {
        page.line(2, Line::of(Tone::Dim, &now));
    }
    *day = Some(now);
}

/// Question and answer, or a decision.
fn said_by_people(page: &mut Page, step: &StepState) {
    if let Some(asked) = &step.asked {
        page.line(DEEPER, Line::of(Tone::Dim, format!("asked {}:", asked.who)));
        page.prose(DEEPER, Tone::Plain, &said(&asked.question));
        inbox::evidence(page, DEEPER, asked.evidence.as_ref().unwrap_or(&Map::default()));
    }
    for notice in &step.notices {
        page.hung(DEEPER, DEEPER + 2, Line::of(Tone::Dim, told(notice)));
    }
    if step.is_unanswered() {
        page.line(DEEPER, Line::of(Tone::Care, "nobody has answered in time"));
        return;
    }
    if let Some(decided) = &step.decided {
        let what = if &*decided.decision == "answer" { "answered" } else { &*decided.decision };
        page.line(DEEPER, Line::of(Tone::Dim, format!("{what} by {}:", decided.actor)));
        page.line(DEEPER, Line::of(Tone::Plain, values(&decided.values)));
        if let Some(reason) = &decided.reason {
            page.prose(DEEPER, Tone::Plain, reason);
        }
    }
}

/// `reminder 2 to dqt-team by email, 2025-07-23 10:00: laid down as a mail`
pub(super) fn told(notice: &Notice) -> String {
    let number = if notice.number == 0 { String::new() } else { format!(" {}", notice.number) };
    let result = notice.result.as_deref().unwrap_or("nobody knows whether it left; it is not sent again");
    format!("{}{number} to {} by {}, {}: {result}", notice.kind, notice.who, notice.by, clock::minute(notice.at))
}

fn values(values: &Map) -> String {
    values.iter().map(|(name, value)| format!("{name} {}", said(value))).collect::<Vec<_>>().join(", ")
}

/// `GET https://… → 200, 9 fields` in its two parts.
pub(super) fn asked_and_got(shown: &str) -> Option<(&str, &str)> {
    shown.split_once(" → ").filter(|(request, _)| request.contains("://"))
}

/// `GET /v2/…`: where a read went to is known from the environment.
fn without_host(request: &str) -> String {
    let path =
        request.split_once("://").and_then(|(method, rest)| Some((method.split_once(' ')?.0, rest.split_once('/')?.1)));
    path.map_or_else(|| request.to_owned(), |(method, path)| format!("{method} /{path}"))
}

/// Goes through something else than rows: a statement, a request.
fn sends(step: &StepState) -> bool {
    step.class.as_deref().is_some_and(|class| class != "rows" && class != "message-once")
}

fn outcome(step: &StepState) -> Option<Outcome> {
    step.outcome.as_ref().map(|o| o.outcome)
}

/// It went on with a warning: something is said, and nothing was answered.
fn is_warning(step: &StepState) -> bool {
    let answered = |o: &ItemOutcome| o.response.is_some() && !step.perhaps_sent();
    step.outcome.as_ref().is_some_and(|o| o.outcome == Outcome::Done && o.message.is_some() && !answered(o))
}

fn mark(step: &StepState, look: Look) -> (&'static str, Tone) {
    match outcome(step) {
        Some(Outcome::Done) if is_warning(step) => ("!", Tone::Care),
        Some(Outcome::Done) if step.changes.is_empty() => (look.tick(), Tone::Good),
        Some(Outcome::Done) => ("~", Tone::Care),
        Some(Outcome::Unchanged) if !step.left_alone().is_empty() => ("!", Tone::Care),
        Some(Outcome::Unchanged) => ("=", Tone::Dim),
        Some(Outcome::Skipped) => (look.idle(), Tone::Dim),
        Some(Outcome::Waiting | Outcome::NotDone) => ("?", Tone::Care),
        Some(Outcome::Escalated) => (look.cross(), Tone::Care),
        Some(_) => (look.cross(), Tone::Bad),
        None if step.is_over() => (look.tick(), Tone::Good),
        None => ("?", Tone::Care),
    }
}

/// What it asked or got, or how it ended.
fn right(step: &StepState) -> Line {
    let Some(done) = &step.outcome else {
        return match (step.shown.as_deref(), step.is_over(), step.asked.is_some()) {
            // A condition that holds has its mark.
            (Some("holds"), true, _) => Line::default(),
            (Some(shown), true, _) => Line::of(Tone::Dim, asked_and_got(shown).map_or(shown, |(_, got)| got)),
            (_, false, true) => Line::of(Tone::Care, "waits"),
            (_, false, false) => Line::of(Tone::Care, "no outcome yet"),
            _ => Line::default(),
        };
    };
    match done.outcome {
        Outcome::Done if !step.changes.is_empty() => Line::default(),
        Outcome::Done => Line::of(Tone::Dim, done.response.as_deref().unwrap_or("")),
        Outcome::Unchanged if !step.left_alone().is_empty() => Line::of(Tone::Care, "left alone"),
        Outcome::Unchanged => Line::of(Tone::Dim, "already as wanted"),
        Outcome::Skipped => Line::of(Tone::Dim, "skipped"),
        Outcome::Escalated => Line::of(Tone::Care, "handed over"),
        Outcome::Drifted => Line::of(Tone::Bad, "no longer as planned"),
        other => Line::of(Tone::Bad, other.word().replace('_', " ")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::{
        sample::{golden, is_proper, plain, view},
        sample_runs::{done, id, standings},
    };

    #[test]
    fn a_run_is_shown_with_its_times_changes_questions_and_reasons() {
        for (name, width) in [("run-done-80.txt", 80), ("run-done-120.txt", 120)] {
            let shown = text(id(), &done(), &view(width, true));
            is_proper(&shown, width);
            golden(name, &plain(&shown));
        }
        golden("run-done-80.ansi", &text(id(), &done(), &view(80, true)));
    }

    #[test]
    fn every_standing_of_a_run_says_what_happened_and_what_to_do() {
        let mut all = String::new();
        for (name, state) in standings() {
            let shown = text(id(), &state, &view(80, true));
            is_proper(&shown, 80);
            all.push_str(&format!("---- {name}\n\n{}\n", plain(&shown)));
        }
        golden("run-standings.txt", &all);
    }

    #[test]
    fn no_width_makes_a_line_too_wide_or_a_person_known() {
        for (_, state) in standings() {
            for width in [40, 57, 99, 120] {
                is_proper(&text(id(), &state, &view(width, width != 57)), width);
            }
        }
    }

    #[test]
    fn rows_that_were_meant_and_not_done_are_not_shown_as_done() {
        let (_, state) = standings().into_iter().find(|(name, _)| name.starts_with("interrupted")).unwrap();
        let shown = plain(&text(id(), &state, &view(80, true)));
        assert!(shown.contains("nobody knows whether it happened"), "{shown}");
    }
}
