//! What somebody reads who is asked: plain lines for a chat, a mail or a file, with the command that answers. No colours, no
//! columns.

use super::{clock, diff::said, inbox, plan::step_name};
use crate::{
    base::{identity::RunId, json, time::Stamp, value::Value},
    engine::notices::Due,
};

/// How many items of a question are named.
const NAMED: usize = 5;

/// The text of a question or a reminder.
pub fn text(run: RunId, due: &Due, now: Stamp) -> String {
    let asked = &due.asked;
    let mut lines: Vec<String> = Vec::new();
    if due.number > 0 {
        lines.push("Reminder: this question still waits for an answer.".into());
    }
    if due.items.len() > 1 {
        let more = if due.items.len() > NAMED { ", …" } else { "" };
        let named: Vec<&str> = due.items.iter().take(NAMED).map(|item| &**item).collect();
        lines.push(format!(
            "{} items ask at `{}`: {}{more}. The first:",
            due.items.len(),
            step_name(&due.step),
            named.join(", ")
        ));
    }
    let (question, evidence) = revealed(asked.revealed.as_ref()).unwrap_or_else(|| {
        let evidence = asked.evidence.iter().flatten().map(|(name, value)| (name.to_string(), inbox::piece(value)));
        (said(&asked.question), evidence.collect())
    });
    lines.push(question);
    if !evidence.is_empty() {
        lines.push(String::new());
        lines.extend(evidence.into_iter().map(|(name, value)| format!("{name}: {value}")));
    }
    lines.push(String::new());
    lines.push(match asked.until {
        Some(until) => format!("To answer, until {} ({}):", clock::second(until), left(until, now)),
        None => "To answer:".into(),
    });
    lines.push(inbox::command(run, &due.step, &asked.answer, due.items.first().map(|item| &**item)));
    if due.items.len() > 1 {
        lines.push("trueup inbox lists the others.".into());
    }
    lines.join("\n")
}

/// `2 d 4 h left`
fn left(until: Stamp, now: Stamp) -> String {
    format!("{} left", clock::length(until.micros.saturating_sub(now.micros)))
}

/// What this person alone may see: the question, and name and value of each piece of evidence. Nothing where the key to it is
/// not at hand.
fn revealed(sealed: Option<&Value>) -> Option<(String, Vec<(String, String)>)> {
    let whole = json::parse(sealed?.as_str()?).ok()?;
    let text = |value: &Value| value.bare().into_owned();
    let evidence = whole.get("evidence")?;
    let evidence = evidence.as_map()?.iter().map(|(name, value)| (name.to_string(), text(value))).collect();
    Some((text(&whole.get("question")?), evidence))
}
