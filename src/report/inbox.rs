//! The questions that wait for a person, each with the command that answers it.

use super::{
    clock,
    columns::width,
    diff::said,
    doubt,
    line::{Line, Tone},
    look::Look,
    page::{Page, quoted},
    plan::step_name,
};
use crate::{
    base::{
        counted::counted,
        identity::{RunId, SINGLE_ITEM},
        time::Stamp,
        value::{Map, Value},
    },
    engine::state::{APPROVAL, RunState},
    journal::{RunSummary, Waiting},
};

/// Oldest first, as given; then what is in doubt. Says so when there is nothing.
pub fn text(waiting: &[Waiting], in_doubt: &[(RunSummary, RunState)], now: Stamp, look: Look) -> String {
    let mut page = Page::new(look);
    if waiting.is_empty() && in_doubt.is_empty() {
        page.line(0, Line::of(Tone::Plain, "No question waits for an answer."));
    }
    for one in waiting {
        page.blank();
        let dot = look.dot();
        let head = Line::of(Tone::Care, "? ").add(Tone::Strong, step_name(&one.step));
        let head =
            head.add(Tone::Dim, format!("  {} {dot} {} {dot} run {}", one.playbook, one.environment, one.run.short()));
        page.hung(0, 2, head);
        page.line(2, Line::of(Tone::Dim, format!("for {}, since {}", one.who, clock::second(one.asked_at))));
        if let Some((tone, words)) = due(one.until, now) {
            page.line(2, Line::of(tone, words));
        }
        match &*one.items {
            [] => {}
            [only] if only == SINGLE_ITEM => {}
            [only] => page.hung(2, 4, Line::of(Tone::Plain, format!("about item `{only}`"))),
            [first, ..] => {
                let all = counted(one.items.len(), "item");
                page.hung(2, 4, Line::of(Tone::Plain, format!("about {all}, the first one is `{first}`")));
            }
        }
        page.prose(4, Tone::Plain, &said(&one.question));
        evidence(&mut page, 4, &one.evidence);
        if one.is_overdue(now) {
            page.line(2, Line::of(Tone::Plain, "No answer is taken any more. To go on without one:"));
            page.command(2, &format!("trueup resume {}", one.run.short()));
            continue;
        }
        fields(&mut page, 4, &one.answer);
        page.command(2, &command(one.run, &one.step, &one.answer, one.items.first().map(String::as_str)));
    }
    for (run, state) in in_doubt {
        if let Some(behind) = state.behind {
            let dot = look.dot();
            let whose = format!("{} {dot} {}", run.playbook, run.environment);
            doubt::restored(&mut page, run.id, behind, Some(&whose));
            continue;
        }
        let all: Vec<_> = state.doubts().collect();
        for (item, path, step) in all.iter().filter(|(.., step)| step.needs_a_person()) {
            let dot = look.dot();
            let whose = format!("{} {dot} {} {dot} run {}", run.playbook, run.environment, run.id.short());
            doubt::draw(&mut page, run.id, item, path, step, all.len() == 1, Some(&whose));
        }
    }
    page.finish()
}

/// `due by 2026-11-29 10:00:00 UTC (2 d 4 h left)`, or for how long it has been overdue.
pub(super) fn due(until: Option<Stamp>, now: Stamp) -> Option<(Tone, String)> {
    let until = until?;
    let left = until.micros.saturating_sub(now.micros);
    let (at, length) = (clock::second(until), clock::length(left.abs()));
    Some(match left {
        0.. => (Tone::Care, format!("due by {at} ({length} left)")),
        _ => (Tone::Bad, format!("overdue since {at} ({length})")),
    })
}

/// What the answer should rest on, name by name.
pub(super) fn evidence(page: &mut Page, indent: usize, evidence: &Map) {
    let names = evidence.keys().map(|name| width(name)).max().unwrap_or(0).min(24);
    for (name, value) in evidence {
        page.hung(
            indent,
            indent + names + 2,
            Line::of(Tone::Dim, name).pad(names + 2, 2).add(Tone::Plain, piece(value)),
        );
    }
}

/// A piece of evidence is a text that was made for people: it stands as it is, unless the journal found a secret in it.
pub(super) fn piece(value: &Value) -> String {
    value.as_str().filter(|_| !value.marks.hidden()).map_or_else(|| said(value), str::to_owned)
}

/// The answer's fields: name, kind, meaning.
pub(super) fn fields(page: &mut Page, indent: usize, answer: &Map) {
    let names = answer.keys().map(|name| width(name)).max().unwrap_or(0).min(24);
    for (name, field) in answer {
        let part = |key: &str| field.get(key).filter(|v| !v.is_null()).map(|v| v.plain().into_owned());
        let words: Vec<String> = [part("type"), part("description")].into_iter().flatten().collect();
        page.hung(
            indent,
            indent + names + 2,
            Line::of(Tone::Plain, name).pad(names + 2, 2).add(Tone::Dim, words.join(", ")),
        );
    }
}

/// `trueup answer 1a2b3c4d dqt_agreed --item 4711 --set ticket=TICKET`
pub(super) fn command(run: RunId, step: &str, answer: &Map, item: Option<&str>) -> String {
    if step == APPROVAL {
        return format!("trueup approve {} --reason \"…\"", run.short());
    }
    let mut command = format!("trueup answer {} {}", run.short(), step_name(step));
    // Others of the run may ask the same, now or by the time somebody answers.
    if let Some(item) = item.filter(|item| *item != SINGLE_ITEM) {
        command.push_str(&format!(" --item {}", quoted(item)));
    }
    for name in answer.keys() {
        command.push_str(&format!(" --set {name}={}", name.to_uppercase()));
    }
    command
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::{
        sample::{golden, is_proper, plain},
        sample_runs::{doubts, questions},
    };

    #[test]
    fn a_question_stands_with_the_command_that_answers_it() {
        let now = Stamp { micros: 1_753_300_000_000_000, digits: 6 };
        let shown = text(&questions(), &doubts(), now, Look::default());
        is_proper(&shown, 80);
        golden("inbox.txt", &plain(&shown));
        assert!(shown.contains("trueup answer 2c3d4e5f dqt_agreed --set ticket=TICKET"), "{shown}");
        // Of many items: which one, also when the others have been answered.
        let mut of_items = questions();
        of_items.truncate(1);
        of_items[0].items = vec!["it's 8".into()];
        let shown = plain(&text(&of_items, &[], now, Look::default()));
        assert!(shown.contains("about item `it's 8`"), "{shown}");
        assert!(shown.contains("trueup answer 2c3d4e5f dqt_agreed --item 'it'\\''s 8' --set ticket=TICKET"), "{shown}");
        of_items[0].items.push("9".into());
        let shown = plain(&text(&of_items, &[], now, Look::default()));
        assert!(shown.contains("about 2 items, the first one is `it's 8`"), "{shown}");
        assert_eq!(plain(&text(&[], &[], now, Look::default())), "No question waits for an answer.\n");
    }
}
