//! What is in doubt: since when, how a person finds out, and the commands that say what was found. The same in every report.

use super::{
    clock,
    line::{Line, Tone},
    page::Page,
    plan::step_name,
};
use crate::{
    base::{
        identity::{RunId, SINGLE_ITEM},
        time::Stamp,
        value::Value,
    },
    effect::change::Deed,
    engine::state::StepState,
    report::plain_value::{maybe, of},
};

/// How a person finds out what became of it, in a sentence.
pub fn how(step: &StepState) -> String {
    let connection = step.connection.as_deref().unwrap_or("the other system");
    let class = step.class.as_deref().unwrap_or_default();
    if class.starts_with("http") {
        return format!("Look into `{connection}`, or ask its people, whether this request was carried out.");
    }
    let mut rows = step.changes.iter().filter(|c| !c.by_rule && c.deed() != Deed::Nothing);
    match (rows.next(), rows.count()) {
        (Some(first), 0) => format!("Look at `{}` {}: is it as it should have become?", first.table, first.key_text()),
        (Some(first), more) => format!(
            "Look at `{}` {} and {more} more row{}: are they as they should have become?",
            first.table,
            first.key_text(),
            if more == 1 { "" } else { "s" }
        ),
        (None, _) => format!("Look into `{connection}` whether this was done."),
    }
}

/// The commands that record a decision, each with what it means.
pub fn commands(run: RunId, item: &str, path: &str, alone: bool) -> [(&'static str, String); 3] {
    let item = if item == SINGLE_ITEM { String::new() } else { format!(" '{}'", item.replace('\'', "'\\''")) };
    let step = if alone { String::new() } else { format!(" --step {path}") };
    let command = |flag: &str| format!("trueup resolve {}{item}{step} {flag} --reason \"…\"", run.short());
    [
        ("it was done", command("--done")),
        ("it was not done, and cannot happen any more: the step is done again", command("--not-done")),
        ("nobody will know: the run ends here", command("--abort")),
    ]
}

/// A run of which the journal does not hold all that it did, with what to do; `whose` as in [`draw`].
pub fn restored(page: &mut Page, run: RunId, seen: Stamp, whose: Option<&str>) {
    let short = run.short();
    page.blank();
    page.line(0, Line::of(Tone::Bad, format!("In doubt: run {short}, all of it")));
    if let Some(whose) = whose {
        page.line(2, Line::of(Tone::Dim, whose));
    }
    let text = format!(
        "The journal was restored from a copy. What the run did between its last line there and {} is not recorded. Compare the \
         systems with its plan.",
        clock::second(seen)
    );
    page.prose(2, Tone::Plain, &text);
    for (means, command) in [
        (
            "nothing was done since: it goes on from where the journal ends",
            format!("trueup resolve {short} --not-done --reason \"…\""),
        ),
        (
            "something was done since: it ends here; a new run finds what is done",
            format!("trueup cancel {short} --reason \"…\""),
        ),
    ] {
        page.line(2, Line::of(Tone::Plain, format!("{means}:")));
        page.command(4, &command);
    }
}

/// One effect that is in doubt, with what to do; `whose` says of which run, where that is not said around it.
pub fn draw(page: &mut Page, run: RunId, item: &str, path: &str, step: &StepState, alone: bool, whose: Option<&str>) {
    let since = step.last_attempt.map_or_else(String::new, |at| format!(", since {}", clock::second(at)));
    let item_words = if item == SINGLE_ITEM { String::new() } else { format!(" of {item}") };
    page.blank();
    page.line(0, Line::of(Tone::Bad, format!("In doubt: `{}`{item_words}", step_name(path))).add(Tone::Dim, since));
    if let Some(whose) = whose {
        page.line(2, Line::of(Tone::Dim, whose));
    }
    if let Some(shown) = &step.shown {
        page.hung(2, 4, Line::of(Tone::Plain, shown));
    }
    page.line(2, Line::of(Tone::Plain, how(step)));
    page.line(2, Line::of(Tone::Plain, "Then say what you found:"));
    for (meaning, command) in commands(run, item, path, alone) {
        page.line(4, Line::of(Tone::Dim, format!("# {meaning}")));
        page.command(4, &command);
    }
    page.line(2, Line::of(Tone::Plain, "To let trueup look once more:"));
    page.command(4, &format!("trueup resume {}", run.short()));
}

/// The same as a document.
pub fn value(run: RunId, item: &str, path: &str, step: &StepState, alone: bool) -> Value {
    let commands = commands(run, item, path, alone).map(|(_, command)| Value::text(command));
    Value::map([
        ("item", item.into()),
        ("path", path.into()),
        ("since", maybe(step.last_attempt.map(clock::json))),
        ("class", maybe(step.class.clone())),
        ("connection", maybe(step.connection.clone())),
        ("shown", maybe(step.shown.as_deref())),
        ("message", maybe(step.outcome.as_ref().and_then(|o| o.message.as_deref()))),
        ("how", of(&Value::text(how(step)))),
        ("commands", Value::list(commands)),
    ])
}
